"""Passphrases typed in the window: to open a workspace, and to set, change or remove what it is locked with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from core.faults import Fault
from core.storage import keys
from ui.desk import Desk
from ui.dialogs import paragraph, words
from ui.look import EDGE, GAP, set_role

if TYPE_CHECKING:
    from core.storage.keys import Key
    from ui.jobs import Job

# What is asked: the passphrase that stands, a new one twice, or both.
STANDING = ("unlock", "present", "change", "remove", "resume")
NEW = ("new", "protect", "change")


class PassphraseDialog(QDialog):
    """what: new, protect, change, remove, unlock, present or resume. check: of the standing one; raises a Fault
    with what is wrong.

    After it was accepted: `new`, what was typed twice; `opened`, what `check` gave; `drop`, whether plain backups go.
    """

    def __init__(
        self,
        desk: Desk,
        what: str,
        name: str,
        parent: QWidget | None,
        check: Callable[[str], object] | None = None,
        copies: int = 0,
    ) -> None:
        super().__init__(parent)
        texts = desk.texts
        self._texts, self._what, self._check_standing = texts, what, check
        self.opened: object = None
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(texts(f"protect.{what}.title"))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(EDGE, EDGE, EDGE, EDGE)
        layout.setSpacing(GAP)
        layout.addWidget(paragraph(texts(f"protect.{what}.about", name=name)))
        form = QFormLayout()
        form.setSpacing(GAP)
        self.fields: dict[str, QLineEdit] = {}
        for field in (*(("standing",) if what in STANDING else ()), *(("first", "again") if what in NEW else ())):
            line = QLineEdit()
            line.setEchoMode(QLineEdit.EchoMode.Password)
            line.setInputMethodHints(Qt.InputMethodHint.ImhSensitiveData | Qt.InputMethodHint.ImhNoPredictiveText)
            line.textChanged.connect(self._look)
            key = "protect.standing_change" if (what, field) == ("change", "standing") else f"protect.{field}"
            form.addRow(texts(key), line)
            self.fields[field] = line
        layout.addLayout(form)
        self.shown = QCheckBox(texts("protect.show"))
        self.shown.toggled.connect(self._show)
        layout.addWidget(self.shown)
        self.copies = QCheckBox(texts("protect.drop_copies", count=copies))
        self.copies.setChecked(True)
        self.copies.setVisible(copies > 0)
        layout.addWidget(self.copies)
        self.said = QLabel(" ")
        self.said.setWordWrap(True)
        layout.addWidget(self.said)
        if what in NEW:
            lost = paragraph(texts("protect.lost"))
            set_role(lost, "muted")
            layout.addWidget(lost)
        self.buttons = buttons = QDialogButtonBox()
        self.do = buttons.addButton(texts(f"protect.{what}.do"), QDialogButtonBox.ButtonRole.AcceptRole)
        self.do.setProperty("primary", True)
        self.do.setDefault(True)
        if what != "resume":
            buttons.addButton(texts("ui.cancel"), QDialogButtonBox.ButtonRole.RejectRole)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout.addWidget(buttons)
        self._look()
        next(iter(self.fields.values())).setFocus()

    @property
    def new(self) -> str:
        return self.fields["first"].text() if "first" in self.fields else ""

    @property
    def drop(self) -> bool:
        return self.copies.isVisibleTo(self) and self.copies.isChecked()

    def _show(self, on: bool) -> None:
        for line in self.fields.values():
            line.setEchoMode(QLineEdit.EchoMode.Normal if on else QLineEdit.EchoMode.Password)

    def _say(self, text: str, role: str = "bad") -> None:
        self.said.setText(text or " ")
        set_role(self.said, role)

    def _look(self) -> None:
        """What can be said of what is typed so far."""
        texts, able = self._texts, all(line.text() for line in self.fields.values())
        self._say("")
        if self._what in NEW and self.new:
            weight = keys.weight(self.new)
            if weight < keys.LEAST:
                able = False
                self._say(texts("protect.short", least=keys.LEAST))
            elif self.fields["again"].text() and self.fields["again"].text() != self.new:
                able = False
                self._say(texts("protect.differ"))
            elif weight < keys.GOOD:
                self._say(texts("protect.fair"), "warn")
            else:
                self._say(texts("protect.good"), "good")
        self.do.setEnabled(able)

    def accept(self) -> None:
        if self._check_standing is not None:
            QApplication.setOverrideCursor(Qt.CursorShape.WaitCursor)
            try:
                self.opened = self._check_standing(self.fields["standing"].text())
            except Fault as fault:
                self._say(self._texts("protect.wrong") if fault.code == "wrong_passphrase" else words(self._texts, fault))
                self.fields["standing"].selectAll()
                self.fields["standing"].setFocus()
                return
            finally:
                QApplication.restoreOverrideCursor()
        super().accept()


def _matching(path: Path, key: Key) -> Callable[[str], Key]:
    """Whether what is typed is the passphrase of the workspace in hand."""
    from core.faults import WorldFault

    def check(typed: str) -> Key:
        if not key.made_from(typed):
            raise WorldFault("wrong_passphrase", path=path)
        return key

    return check


def unlock(desk: Desk, path: Path, parent: QWidget) -> None:
    """Ask for the passphrase of a workspace, then open it."""
    dialog = PassphraseDialog(desk, "unlock", path.name, parent, lambda typed: keys.given(path, typed))
    dialog.accepted.connect(lambda: desk.open(path, dialog.opened))
    dialog.open()


def new(desk: Desk, path: Path, region: str, name: str, parent: QWidget) -> None:
    """Ask for the passphrase of a workspace to be made, then make it."""
    dialog = PassphraseDialog(desk, "new", path.name, parent)
    dialog.accepted.connect(lambda: desk.new(path, region, name, dialog.new))
    dialog.open()


def ask(desk: Desk, what: str, parent: QWidget) -> None:
    """protect, change or remove, of the workspace in hand."""
    workspace = desk.workspace
    if workspace is None:
        return
    path, key = workspace.path, workspace.key
    if (key is None) != (what == "protect"):
        desk.say(desk.texts("protect.none" if key is None else "protect.already"))
        return
    from core.storage import protection

    copies = len(protection.open_copies(path)) if what == "protect" else 0
    dialog = PassphraseDialog(desk, what, path.name, parent, _matching(path, key) if key is not None else None, copies)

    def go() -> None:
        typed, drop = dialog.new, dialog.drop
        told: list[Fault] = []

        def work(job: Job) -> Key | None:
            if key is None:
                made = protection.protect(path, typed, job, told.append)
                if drop:
                    protection.drop_copies(path, told.append)
                return made
            if what == "change":
                return protection.change(path, key, typed, job, told.append)
            protection.unprotect(path, key, job)
            return None

        desk.convert(work, desk.texts(f"protect.{what}.title"), desk.texts(f"protect.{what}.done", name=path.name), told)

    dialog.accepted.connect(go)
    dialog.open()
