"""The backups of a workspace, and putting one back: also where the workspace itself opens no more."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from core.storage import backups, keys, restoring
from ui.desk import Desk
from ui.dialogs import ReasonDialog, SureDialog, paragraph
from ui.look import EDGE, GAP
from ui.passphrases import PassphraseDialog

if TYPE_CHECKING:
    from core.storage.backups import Backup
    from core.storage.keys import Key
    from ui.jobs import Job


class BackupsDialog(QDialog):
    """Time, reason and size of each, the newest first; `chosen` after it was accepted."""

    def __init__(self, desk: Desk, path: Path, parent: QWidget) -> None:
        super().__init__(parent)
        texts = desk.texts
        self._found = backups.listed(path)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(texts("backup.title", name=path.name))
        self.resize(640, 420)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(EDGE, EDGE, EDGE, EDGE)
        layout.setSpacing(GAP)
        layout.addWidget(paragraph(texts("backup.about")))
        self.list = QTreeWidget()
        self.list.setRootIsDecorated(False)
        self.list.setAllColumnsShowFocus(True)
        self.list.setAccessibleName(texts("backup.title", name=path.name))
        self.list.setHeaderLabels([texts(f"backup.column.{name}") for name in ("at", "reason", "size")])
        for one in self._found:
            when = one.at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
            item = QTreeWidgetItem([when, texts(f"backup.reason.{one.reason}"), size_of(one.size)])
            item.setTextAlignment(2, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            item.setToolTip(0, str(one.path))
            self.list.addTopLevelItem(item)
        self.list.header().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.list.header().setStretchLastSection(False)
        self.list.header().setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        layout.addWidget(self.list, 1)
        buttons = QDialogButtonBox()
        self.do = buttons.addButton(texts("backup.restore"), QDialogButtonBox.ButtonRole.AcceptRole)
        self.do.setProperty("primary", True)
        buttons.addButton(texts("ui.close"), QDialogButtonBox.ButtonRole.RejectRole)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout.addWidget(buttons)
        self.list.itemActivated.connect(self.accept)
        self.do.setEnabled(bool(self._found))
        if self._found:
            self.list.setCurrentItem(self.list.topLevelItem(0))
        self.list.setFocus()

    @property
    def chosen(self) -> Backup:
        return self._found[self.list.indexOfTopLevelItem(self.list.currentItem())]


def size_of(size: int) -> str:
    return f"{size / 1_000_000:,.1f} MB"


def show(desk: Desk, path: Path, parent: QWidget) -> None:
    """List the backups of this workspace; restore the one chosen once that is confirmed, then open it."""
    dialog = BackupsDialog(desk, path, parent)

    dialog.accepted.connect(lambda: _unlocked(desk, path, dialog.chosen, parent))
    dialog.open()


def _unlocked(desk: Desk, path: Path, chosen: Backup, parent: QWidget) -> None:
    locked = restoring.locked_by(path, chosen.path)
    if locked is None:
        _sure(desk, path, chosen, None, parent)
        return
    asked = PassphraseDialog(desk, "unlock", locked.name, parent, lambda typed: restoring.key_for(path, chosen.path, typed))
    asked.accepted.connect(lambda: _sure(desk, path, chosen, asked.opened, parent))
    asked.open()


def _sure(
    desk: Desk, path: Path, chosen: Backup, key: Key | None, parent: QWidget, present: Key | None = None, *, asked: bool = False
) -> None:
    """What it means; a reason too, where a confirmed year becomes a draft again, or where nobody can tell. present: of the
    file that is there, asked for once where that would tell."""
    if desk.workspace is not None and Path(desk.workspace.path) == path:
        present = desk.workspace.key
    loss = restoring.lost(path, chosen.path, key, present)
    if loss.locked and not asked:
        typed = PassphraseDialog(desk, "present", path.name, parent, lambda said: keys.given(path, said))
        typed.accepted.connect(lambda: _sure(desk, path, chosen, key, parent, typed.opened, asked=True))
        typed.rejected.connect(lambda: _sure(desk, path, chosen, key, parent, asked=True))
        typed.open()
        return
    when = chosen.at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    said = desk.texts("backup.meaning", name=path.name, when=when)
    if not loss.years and not loss.unread:
        sure = SureDialog(desk, desk.texts("backup.sure"), said, desk.texts("backup.do"), parent)
        sure.accepted.connect(lambda: _restore(desk, path, chosen, key, present=present))
        sure.open()
        return
    said += "\n\n"
    said += desk.texts("backup.unconfirmed", years=", ".join(map(str, loss.years))) if loss.years else desk.texts("backup.unread")
    why = ReasonDialog(desk, desk.texts("backup.sure"), said, desk.texts("backup.do"), parent, need_reason=True)
    why.accepted.connect(lambda: _restore(desk, path, chosen, key, why.reason, present))
    why.open()


def _restore(
    desk: Desk, path: Path, chosen: Backup, key: Key | None, why: str = "", present: Key | None = None
) -> None:
    def work(job: Job) -> None:
        restoring.restore(path, chosen.path, key, job, why, present)

    def done(_: None) -> None:
        desk.say(desk.texts("backup.restored", name=path.name))
        desk.open(path, key)

    def go() -> None:
        desk.jobs.change(work, done, failed=desk.troubled.emit, title=desk.texts("backup.restoring", name=path.name))

    if desk.workspace is not None and Path(desk.workspace.path) == path:
        desk.leaving(lambda: desk.put_away(go))
    else:
        go()
