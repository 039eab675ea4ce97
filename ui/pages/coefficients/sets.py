"""Sets as a whole: a new draft from any of them, publishing with a reason, two of them side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from ui.asking import Asking
from ui.desk import Desk
from ui.dialogs import DoOrCancel
from ui.look import EDGE, GAP, set_role
from ui.table import Table

if TYPE_CHECKING:
    from core.settlement.coefficients import SetHead

SHORT = 12  # of a hash that is shown
FIELD = 460


def head_words(texts: Any, head: SetHead) -> str:
    """A set by name and state, as it stands in a choice."""
    state = "imported" if head.name == "imported" else head.state
    return texts("coefficients.sets.named", name=head.name, state=texts(f"coefficients.sets.state.{state}"))


def fill(combo: QComboBox, texts: Any, heads: Sequence[SetHead], current: str = "") -> None:
    combo.blockSignals(True)
    combo.clear()
    for head in heads:
        combo.addItem(head_words(texts, head), head.name)
    combo.setCurrentIndex(combo.findData(current))
    combo.blockSignals(False)


class NameDialog(QDialog):
    """A name and a reason, and from which set: for a draft and for publishing. `name`, `source`, `reason` once accepted."""

    def __init__(
        self, desk: Desk, what: str, heads: Sequence[SetHead], source: str, proposed: str, parent: QWidget
    ) -> None:
        super().__init__(parent)
        texts = self._texts = desk.texts
        self._taken = {head.name for head in heads}
        self._need = what == "publish"
        self.setWindowTitle(texts(f"coefficients.sets.{what}").rstrip("…"))
        self.setMinimumWidth(FIELD)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(EDGE, EDGE, EDGE, EDGE)
        layout.setSpacing(GAP)
        about = QLabel(texts(f"coefficients.sets.{what}_about"))
        about.setWordWrap(True)
        about.setMinimumWidth(FIELD - 2 * EDGE)
        set_role(about, "muted")
        layout.addWidget(about)
        form = QFormLayout()
        form.setSpacing(GAP)
        self.source_field = QComboBox()
        fill(self.source_field, texts, heads, source)
        self.name_field = QLineEdit(proposed)
        self.reason_field = QLineEdit()
        self.reason_field.setPlaceholderText(texts("ui.reason_hint"))
        for key, field in (("source", self.source_field), ("name", self.name_field), ("reason", self.reason_field)):
            form.addRow(texts(f"coefficients.sets.{key}"), field)
            field.setAccessibleName(texts(f"coefficients.sets.{key}"))
        layout.addLayout(form)
        self.problem = QLabel(" ")
        set_role(self.problem, "bad")
        layout.addWidget(self.problem)
        buttons = DoOrCancel(self, texts, texts(f"coefficients.sets.{what}").rstrip("…"))
        self.do = buttons.do
        layout.addWidget(buttons)
        for field in (self.name_field, self.reason_field):
            field.textChanged.connect(lambda _: self._check())
        self.name_field.selectAll()
        self.name_field.setFocus()
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._check()

    @property
    def name(self) -> str:
        return self.name_field.text().strip()

    @property
    def source(self) -> str:
        return str(self.source_field.currentData() or "")

    @property
    def reason(self) -> str:
        return self.reason_field.text().strip()

    def _check(self) -> None:
        taken = self.name in self._taken
        self.problem.setText(self._texts("coefficients.sets.taken") if taken else " ")
        self.do.setEnabled(bool(self.name) and not taken and (bool(self.reason) or not self._need))


def free_name(stem: str, taken: Sequence[str]) -> str:
    names = [stem, *(f"{stem} {number}" for number in range(2, 1000))]
    return next(name for name in names if name not in taken)


class DifferenceDialog(QDialog):
    """Two sets side by side: what was added, removed, changed. The table exports and copies as every table does."""

    def __init__(self, desk: Desk, heads: Sequence[SetHead], one: str, other: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.desk, self.texts = desk, desk.texts
        texts = desk.texts
        self.setWindowTitle(texts("coefficients.sets.compare").rstrip("…"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(1000, 560)
        self.one, self.other = QComboBox(), QComboBox()
        for key, combo, current in (("before", self.one, one), ("after", self.other, other)):
            fill(combo, texts, heads, current)
            combo.setAccessibleName(texts(f"coefficients.sets.{key}"))
            combo.activated.connect(lambda _: self.compare())
        swap = QPushButton(texts("coefficients.sets.swap"))
        swap.setAutoDefault(False)  # Enter finds in the table
        swap.clicked.connect(self._swap)
        line = QHBoxLayout()
        line.setSpacing(GAP)
        for key, widget in (("before", self.one), ("after", self.other)):
            caption = QLabel(texts(f"coefficients.sets.{key}"))
            set_role(caption, "muted")
            line.addWidget(caption)
            line.addWidget(widget, 1)
        line.addWidget(swap)
        self.asking = Asking(desk, "coefficients.difference")
        self.table = Table(desk)
        self.table.set_empty(texts("coefficients.sets.same"))
        box = QVBoxLayout(self)
        box.setContentsMargins(EDGE, EDGE, EDGE, EDGE)
        box.setSpacing(GAP)
        box.addLayout(line)
        box.addWidget(self.asking)
        box.addWidget(self.table, 1)
        self.compare()

    def compare(self) -> None:
        one, other, texts = str(self.one.currentData()), str(self.other.currentData()), self.texts

        def work(workspace: Any, _: Any) -> Any:
            from core.settlement.coefficient_sheets import difference

            return difference(workspace.reader(), one, other, texts)

        self.asking.ask(
            work, lambda sheet: self.table.set_worksheet(sheet, frozen=2), texts("coefficients.sets.comparing")
        )

    def _swap(self) -> None:
        first = self.one.currentIndex()
        self.one.setCurrentIndex(self.other.currentIndex())
        self.other.setCurrentIndex(first)
        self.compare()
