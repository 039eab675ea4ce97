"""What the editor asks: why, under which name a part goes, from which day a value holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QDate, Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDateEdit,
    QDialog,
    QFormLayout,
    QLabel,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from core.settlement.coefficients import BONUS, DEDUCTION
from ui.desk import Desk
from ui.dialogs import SMALL, DoOrCancel, ReasonDialog
from ui.look import EDGE, GAP, set_role

if TYPE_CHECKING:
    from ui.pages.coefficients.entering import Entered


class EditReason(ReasonDialog):
    """Why these cells change: once for all of them. `keep`: the reason also holds for the edits to come. many: the key of what
    is said of several cells."""

    def __init__(self, desk: Desk, entered: Entered, parent: QWidget, many: str = "coefficients.reason.many") -> None:
        texts = desk.texts
        cells = entered.cells
        if len(cells) == 1:
            one = cells[0]
            said = texts(
                "coefficients.reason.one", before=one.seen or texts("coefficients.cell.empty"),
                after=one.value or texts("coefficients.cell.empty"),
            )  # fmt: skip
        else:
            institutions = len({cell.code for cell in cells})
            said = texts(many, cells=len(cells), institutions=institutions)
        super().__init__(
            desk, texts("coefficients.reason.title"), said, texts("coefficients.reason.do"), parent, need_reason=True
        )
        self.keep = QCheckBox(texts("coefficients.reason.keep"))
        layout = self.layout()
        assert isinstance(layout, QVBoxLayout)
        layout.insertWidget(2, self.keep)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)


class Form(QDialog):
    """Fields beneath each other, a line for what is wrong, and two buttons."""

    def __init__(self, desk: Desk, title: str, do: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.texts = desk.texts
        self.setWindowTitle(title)
        self.setMinimumWidth(SMALL)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(EDGE, EDGE, EDGE, EDGE)
        layout.setSpacing(GAP)
        self.form = QFormLayout()
        self.form.setSpacing(GAP)
        layout.addLayout(self.form)
        self.problem = QLabel(" ")
        set_role(self.problem, "bad")
        layout.addWidget(self.problem)
        buttons = DoOrCancel(self, desk.texts, do)
        self.do = buttons.do
        layout.addWidget(buttons)

    def add(self, key: str, field: QWidget) -> None:
        label = self.texts(key)
        field.setAccessibleName(label)
        self.form.addRow(label, field)


class PartDialog(Form):
    """A bonus or deduction by name; `part` once accepted."""

    def __init__(self, desk: Desk, there: Sequence[str], parent: QWidget) -> None:
        texts = desk.texts
        super().__init__(desk, texts("coefficients.part_dialog.title"), texts("coefficients.part_dialog.do"), parent)
        self._there = set(there)
        self.kind = QComboBox()
        for kind in (BONUS, DEDUCTION):
            self.kind.addItem(texts(f"coefficients.part_dialog.{kind.rstrip(':')}"), kind)
        self.name_field = QLineEdit()
        self.name_field.setPlaceholderText(texts("coefficients.part_dialog.hint"))
        self.add("coefficients.part_dialog.kind", self.kind)
        self.add("coefficients.part_dialog.name", self.name_field)
        self.name_field.textChanged.connect(lambda _: self._check())
        self.kind.currentIndexChanged.connect(lambda _: self._check())
        self.name_field.setFocus()
        self._check()

    @property
    def part(self) -> str:
        return f"{self.kind.currentData()}{self.name_field.text().strip()}"

    def _check(self) -> None:
        taken = self.part in self._there
        self.problem.setText(self.texts("coefficients.part_dialog.taken") if taken else " ")
        self.do.setEnabled(bool(self.name_field.text().strip()) and not taken)


class DatedDialog(Form):
    """A value and the day from which it holds; `text`, `day`, `basis` once accepted."""

    def __init__(self, desk: Desk, cells: int, day: QDate, parent: QWidget) -> None:
        texts = desk.texts
        super().__init__(
            desk, texts("coefficients.dated.title", cells=cells), texts("coefficients.dated.do"), parent
        )
        self.value_field = QLineEdit()
        self.value_field.setPlaceholderText(texts("coefficients.dated.hint"))
        self.day_field = QDateEdit(day)
        self.day_field.setDisplayFormat("yyyy-MM-dd")
        self.day_field.setCalendarPopup(True)
        self.basis_field = QLineEdit()
        self.basis_field.setPlaceholderText(texts("coefficients.dated.basis_hint"))
        for key, field in (("value", self.value_field), ("day", self.day_field), ("basis", self.basis_field)):
            self.add(f"coefficients.dated.{key}", field)
        self.value_field.textChanged.connect(lambda _: self._check())
        self.value_field.setFocus()
        self._check()

    @property
    def text(self) -> str:
        return self.value_field.text().strip()

    @property
    def day(self) -> str:
        return self.day_field.date().toString("yyyy-MM-dd")

    @property
    def basis(self) -> str:
        return self.basis_field.text().strip()

    def _check(self) -> None:
        from core.faults import Fault
        from core.settlement.entry import parse_entry

        said = ""
        try:
            parse_entry(self.text, parse_entry("1", None))
        except Fault as why:
            said = self.texts.fault(why)
        self.problem.setText(said or " ")
        self.do.setEnabled(bool(self.text) and not said)


class KeepDialog(Form):
    """Under which name a what-if is kept as a scenario; `name`, `note` once accepted."""

    def __init__(self, desk: Desk, parent: QWidget) -> None:
        texts = desk.texts
        super().__init__(
            desk, texts("coefficients.scenario.save").rstrip("…"), texts("coefficients.scenario.do_save"), parent
        )
        about = QLabel(texts("coefficients.scenario.band"))
        about.setWordWrap(True)
        set_role(about, "muted")
        self.form.addRow(about)
        self.name_field = QLineEdit()
        self.note_field = QLineEdit()
        self.note_field.setPlaceholderText(texts("coefficients.scenario.note_hint"))
        self.add("coefficients.scenario.name", self.name_field)
        self.add("coefficients.scenario.note", self.note_field)
        self.name_field.textChanged.connect(lambda _: self.do.setEnabled(bool(self.name)))
        self.name_field.setFocus()
        self.do.setEnabled(False)

    @property
    def name(self) -> str:
        return self.name_field.text().strip()

    @property
    def note(self) -> str:
        return self.note_field.text().strip()
