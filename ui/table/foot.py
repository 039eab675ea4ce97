"""What stands under the rows: the bar that scrolls across, and the line with how many show and what the selection comes to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QScrollBar, QSizePolicy, QWidget

from ui.look import set_role
from ui.table.grid import Grid
from ui.table.model import SheetModel

if TYPE_CHECKING:
    from core.texts import Texts


class Across(QScrollBar):
    """The grid's own bar, under the totals instead of above them."""

    def __init__(self, grid: Grid, parent: QWidget) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._own = grid.horizontalScrollBar()
        self._own.rangeChanged.connect(self._follow)
        self._own.valueChanged.connect(self.setValue)
        self.valueChanged.connect(self._own.setValue)
        self.hide()

    def _follow(self, low: int, high: int) -> None:
        self.setRange(low, high)
        self.setPageStep(self._own.pageStep())
        self.setSingleStep(max(20, self._own.singleStep()))
        self.setValue(self._own.value())
        self.setVisible(high > low)


class Foot(QHBoxLayout):
    def __init__(self, model: SheetModel, texts: Texts) -> None:
        super().__init__()
        self._model, self._texts = model, texts
        self.status, self.selected = QLabel(), QLabel()
        self.setContentsMargins(2, 0, 2, 0)
        for label in (self.status, self.selected):
            set_role(label, "muted")
            # A long sentence must not widen the window.
            label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
            self.addWidget(label, 1)
        self.selected.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.selected.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)

    def count_rows(self, busy: bool) -> None:
        """busy: which rows show is not known yet."""
        set_role(self.status, "muted")
        shown, rows = self._model.rowCount(), self._model.sheet.rows
        if busy:
            self.status.setText(self._texts("table.arranging"))
        elif not self._model.sheet.columns:
            self.status.clear()
        elif shown == rows:
            self.status.setText(self._texts("table.rows", rows=f"{rows:,}"))
        else:
            self.status.setText(self._texts("table.rows_of", shown=f"{shown:,}", rows=f"{rows:,}"))

    def complain(self, text: str) -> None:
        set_role(self.status, "bad")
        self.status.setText(text)
