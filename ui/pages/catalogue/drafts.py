"""Versions made here: saved as drafts, compared, published with a reason, withdrawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import (
    QDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from ui.desk import Desk
from ui.dialogs import SMALL, DoOrCancel, ReasonDialog
from ui.look import EDGE, GAP, TIGHT, count, set_role
from ui.table import Table

if TYPE_CHECKING:
    from core.catalogue.library import Version
    from core.catalogue.scores import Derived

TABLES = ("catalogue", "auxiliary", "exclusion", "catalogue_version", "batch")


class Drafts(QWidget):
    """Drafts and what was published of them, newest year last."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk, self.texts = desk, desk.texts
        self._versions: dict[str, Version] = {}
        self._wanted = ""
        texts = self.texts
        self.table = Table(desk)
        self.table.widest = {"made": 420}
        self.table.set_empty(texts("catalogue.scores.drafts_none"))
        self.table.current_changed.connect(lambda *_: self._allow())
        self.table.activated.connect(lambda *_: self.compare())
        self.compare_button = QPushButton(texts("catalogue.scores.compare"))
        self.compare_button.clicked.connect(self.compare)
        self.withdraw_button = QPushButton(texts("catalogue.scores.withdraw"))
        self.withdraw_button.clicked.connect(self.withdraw)
        self.publish_button = QPushButton(texts("catalogue.scores.publish"))
        self.publish_button.setProperty("primary", True)
        self.publish_button.clicked.connect(self.publish)
        line = QHBoxLayout()
        line.setSpacing(GAP)
        line.addStretch(1)
        for button in (self.compare_button, self.withdraw_button, self.publish_button):
            line.addWidget(button)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, TIGHT, 0, 0)
        box.setSpacing(TIGHT)
        box.addWidget(self.table, 1)
        box.addLayout(line)
        self._allow()

    def put(self, versions: Sequence[Version]) -> None:
        from core.analysis.catalogue_sheets import made_here

        made = [one for one in versions if one.state != "imported"]
        self._versions = {one.name: one for one in made}
        self.table.set_worksheet(made_here(made, self.texts), frozen=1)
        if self._wanted in self._versions:
            self.table.select(self._wanted)
            self._wanted = ""
        elif self.table.current_row() < 0 and made:
            self.table.select(made[-1].name)
        self._allow()

    def choose(self, name: str) -> None:
        """Make this version current, now or when the list has it."""
        self._wanted = name
        if name in self._versions:
            self.table.select(name)

    def current(self) -> Version | None:
        row, keys = self.table.current_row(), self.table.worksheet().keys
        return self._versions.get(str(keys[row])) if row >= 0 and keys is not None else None

    def _allow(self) -> None:
        version, workspace = self.current(), self.desk.workspace
        draft = version is not None and version.state == "draft"
        write = workspace is not None and not workspace.read_only
        self.publish_button.setEnabled(draft and write)
        self.withdraw_button.setEnabled(draft and write)
        self.compare_button.setEnabled(version is not None and bool(version.based_on))

    def compare(self) -> None:
        version = self.current()
        if version is not None and version.based_on:
            self.desk.go("catalogue", ("versions", version.based_on, version.name))

    def publish(self) -> None:
        version, texts = self.current(), self.texts
        if version is None:
            return

        def work(workspace: Any, why: str) -> None:
            from core.catalogue import library

            library.publish(workspace, version.name, why)

        said = texts("catalogue.scores.publish_about", name=version.name)
        self._ask("publish", said, work, "published", version.name, need_reason=True)

    def withdraw(self) -> None:
        version, texts = self.current(), self.texts
        if version is None:
            return

        def work(workspace: Any, why: str) -> None:
            from core.storage.ledger import Change, Edit

            change = Change("batch", {"id": version.batch_id}, {"withdrawn": 0}, {"withdrawn": 1})
            workspace.ledger.commit(Edit("withdraw", version.name, (change,), why))

        said = texts("catalogue.scores.withdraw_about", name=version.name, count=count(version.entries))
        self._ask("withdraw", said, work, "withdrawn", version.name)

    def _ask(self, what: str, said: str, work: Any, done: str, name: str, need_reason: bool = False) -> None:
        """Say what will happen, take a reason, then do it."""
        texts = self.texts
        title = texts(f"catalogue.scores.{what}").rstrip("…")
        dialog = ReasonDialog(self.desk, title, said, title, self.window(), need_reason)

        def go() -> None:
            why = dialog.reason
            self.desk.change(
                lambda workspace, _: work(workspace, why),
                lambda _: self.desk.say(texts(f"catalogue.scores.{done}", name=name)),
                title=title,
                tables=TABLES,
            )

        dialog.accepted.connect(go)
        dialog.accepted.connect(dialog.deleteLater)
        dialog.rejected.connect(dialog.deleteLater)
        dialog.open()


class SaveDraft(QDialog):
    """Name, year and note of a new draft; `name`, `year`, `reason` after it was accepted."""

    def __init__(self, desk: Desk, derived: Derived, taken: Sequence[str], parent: QWidget) -> None:
        super().__init__(parent)
        texts = desk.texts
        self._taken, self._texts = set(taken), texts
        self.setWindowTitle(texts("catalogue.scores.save_title"))
        self.setFixedWidth(SMALL)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(EDGE, EDGE, EDGE, EDGE)
        layout.setSpacing(GAP)
        about = QLabel(texts("catalogue.scores.save_about", count=count(len(derived.rows)), bands=count(len(derived.bands))))
        about.setWordWrap(True)
        about.ensurePolished()
        about.setFixedWidth(SMALL - 2 * EDGE)
        about.setMinimumHeight(about.heightForWidth(SMALL - 2 * EDGE))
        layout.addWidget(about)
        form = QFormLayout()
        form.setSpacing(GAP)
        self.name_field = QLineEdit(self._free(derived))
        self.year_field = QLineEdit(str(derived.year))
        self.year_field.setMaxLength(4)
        self.reason_field = QLineEdit()
        self.reason_field.setPlaceholderText(texts("ui.reason_hint"))
        for key, field in (("name", self.name_field), ("year_of", self.year_field), ("reason", self.reason_field)):
            form.addRow(texts(f"catalogue.scores.{key}"), field)
            field.setAccessibleName(texts(f"catalogue.scores.{key}"))
        layout.addLayout(form)
        self.problem = QLabel(" ")
        set_role(self.problem, "bad")
        layout.addWidget(self.problem)
        buttons = DoOrCancel(self, texts, texts("catalogue.scores.save").rstrip("…"))
        self.do = buttons.do
        layout.addWidget(buttons)
        for field in (self.name_field, self.year_field):
            field.textChanged.connect(lambda _: self._check())
        self.name_field.selectAll()
        self._check()

    @property
    def name(self) -> str:
        return self.name_field.text().strip()

    @property
    def year(self) -> int:
        return int(self.year_field.text())

    @property
    def reason(self) -> str:
        return self.reason_field.text().strip()

    def _free(self, derived: Derived) -> str:
        """A name that is not taken."""
        stem = self._texts("catalogue.scores.stem", year=derived.year)
        names = [stem, *(f"{stem} {number}" for number in range(2, 100))]
        return next(name for name in names if name not in self._taken)

    def _check(self) -> None:
        year = self.year_field.text()
        sound = year.isascii() and year.isdigit() and len(year) == 4
        taken = self.name in self._taken
        self.problem.setText(self._texts("catalogue.scores.name_taken") if taken else " ")
        self.do.setEnabled(bool(self.name) and sound and not taken)
