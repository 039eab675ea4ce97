"""What stands in a table where no rows are: a sentence, and the button that does something about it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from ui.look import EDGE, set_role
from ui.table.grid import Grid

WIDEST = 460  # pixels of a line: a sentence in one or two lines, not in a narrow column of its own


class Nothing(QWidget):
    """Lies over the grid, beside the frozen columns."""

    def __init__(self, grid: Grid) -> None:
        super().__init__(grid.viewport())
        self._grid = grid
        self._act: Callable[[], None] | None = None
        self.text = QLabel(alignment=Qt.AlignmentFlag.AlignCenter, wordWrap=True)
        set_role(self.text, "muted")
        self.button = QPushButton()
        self.button.clicked.connect(self._pressed)
        inner = QVBoxLayout(self)
        inner.setAlignment(Qt.AlignmentFlag.AlignCenter)
        inner.addWidget(self.text, 0, Qt.AlignmentFlag.AlignCenter)
        inner.addWidget(self.button, 0, Qt.AlignmentFlag.AlignCenter)
        grid.moved.connect(self._place)
        grid.viewport().installEventFilter(self)

    def say(self, text: str, button: str, act: Callable[[], None] | None) -> None:
        """Without words for a button there is none."""
        self._act = act
        self.text.setText(text)
        self.button.setText(button)
        self.button.setVisible(bool(button))

    def show_if(self, empty: bool) -> None:
        self.setVisible(empty)
        self._place()
        self.raise_()

    def _pressed(self) -> None:
        if self._act is not None:
            self._act()

    def _place(self) -> None:
        room = self._grid.viewport().rect().adjusted(self._grid.frozen_width(), 0, 0, 0)
        self.setGeometry(room)
        self.text.setFixedWidth(max(1, min(WIDEST, room.width() - 2 * EDGE)))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self._place()
        return super().eventFilter(watched, event)
