"""What the tabs of the Catalogue page share: tables of sentences, and counts that filter a table."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QWidget

from ui.desk import Desk
from ui.look import TIGHT, count
from ui.table import Table

SENTENCE = 860  # pixels of a column of sentences


def notices(desk: Desk) -> Table:
    """A table for what a computation warned of: its sentences are read whole."""
    table = Table(desk)
    table.widest = {"said": SENTENCE}
    return table


class Chips(QWidget):
    """How many of each kind; one that is pressed keeps only those. `chosen` carries its key, "" for all."""

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._line = QHBoxLayout(self)
        self._line.setContentsMargins(0, 0, 0, 0)
        self._line.setSpacing(TIGHT)
        self._line.addStretch(1)
        self.buttons: dict[str, QToolButton] = {}
        self.key = ""

    def put(self, counts: Iterable[tuple[str, str, int, str]]) -> None:
        """(key, words, how many, tip); what was pressed stays so if it is still there."""
        for button in self.buttons.values():
            button.setParent(None)
            button.deleteLater()
        self.buttons = {}
        for key, said, number, tip in counts:
            button = QToolButton()
            button.setText(f"{said[:1].upper()}{said[1:]} {count(number)}")
            button.setToolTip(tip)
            button.setCheckable(True)
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            button.clicked.connect(lambda _=False, key=key: self._press(key))
            self.buttons[key] = button
            self._line.insertWidget(self._line.count() - 1, button)
        if self.key not in self.buttons:
            self.key = ""
        self._mark(self.key)

    def press(self, key: str) -> None:
        if key in self.buttons:
            self._press(key)

    def mark(self, key: str | None) -> None:
        """Show this one as pressed, None for no one, and say nothing of it."""
        self.key = key or ""
        self._mark(key)

    def _press(self, key: str) -> None:
        self.key = "" if key == self.key and key else key
        self._mark(self.key)
        self.chosen.emit(self.key)

    def _mark(self, pressed: str | None) -> None:
        for key, button in self.buttons.items():
            button.setChecked(key == pressed)
