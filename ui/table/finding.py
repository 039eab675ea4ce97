"""Find as you type: the field, which rows hold its text, and the way from one to the next."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QModelIndex, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLabel, QLineEdit

from core.worksheet import Column
from ui.look import set_role
from ui.table.arrangement import AT_ONCE
from ui.table.grid import Grid
from ui.table.model import SheetModel
from ui.table.rows import found, is_number

if TYPE_CHECKING:
    from ui.desk import Desk

PAUSE = 140  # milliseconds of silence after which what was typed is looked for


class FindField(QLineEdit):
    """`said` tells which of how many hits is current. `columns` gives those that show."""

    hit = Signal(QModelIndex)  # make this cell current
    left = Signal()  # by a key, for the rows

    def __init__(
        self, desk: Desk, place: str, grid: Grid, model: SheetModel, columns: Callable[[], list[Column]]
    ) -> None:
        texts = desk.texts
        super().__init__(placeholderText=texts("table.find"), clearButtonEnabled=True)
        self._desk, self._texts, self._place = desk, texts, f"{place}.find"
        self._grid, self._model, self._columns = grid, model, columns
        self._hits = np.empty(0, dtype=np.int64)  # shown rows
        self._hits_of = ""  # the text that they hold; "" where they are of the past
        self.setToolTip(texts("table.find_tip"))
        self.setAccessibleName(texts("table.find"))
        self.setMaximumWidth(230)
        self.said = QLabel()
        set_role(self.said, "muted")
        self._pause = QTimer(self, singleShot=True, interval=PAUSE)
        self._pause.timeout.connect(self.search)
        self.textEdited.connect(lambda: self._pause.start())

    def start(self, text: str = "") -> None:
        """The keyboard is here now. text: what was typed already."""
        self.setFocus(Qt.FocusReason.ShortcutFocusReason)
        if text:
            self.setText(text)
            self._pause.start()
        else:
            self.selectAll()

    def outdate(self) -> None:
        """Other rows, or the same in another order: the next step looks anew."""
        self._hits_of = ""

    def forget(self) -> None:
        """Another worksheet."""
        self._desk.jobs.drop(self._place)
        self._hits, self._hits_of = np.empty(0, dtype=np.int64), ""
        self._say("")

    def search(self) -> None:
        needle = self.text().strip()
        if not needle:
            self.forget()
            return
        model = self._model
        sheet, columns = model.sheet, self._columns()
        rows = np.arange(sheet.rows) if model.order is None else model.order

        def have(hits: np.ndarray) -> None:
            if sheet is model.sheet and needle == self.text().strip():
                self._hits, self._hits_of = hits, needle
                row = self._grid.currentIndex().row()
                self._go(int(np.searchsorted(hits, max(0, row))))

        if len(rows) <= AT_ONCE:
            have(found(sheet, columns, rows, needle))
            return
        self._say("…")
        self._desk.ask(
            lambda _, progress: found(sheet, columns, rows, needle, progress),
            have,
            place=self._place,
            failed=lambda why: None,
            title=self._texts("table.searching"),
        )

    def step(self, way: int) -> None:
        """To the next hit (1) or the one before (-1)."""
        if self._pause.isActive() or self._hits_of != self.text().strip():
            self._pause.stop()
            self.search()
            return
        if len(self._hits):
            row = self._grid.currentIndex().row()
            at = (
                np.searchsorted(self._hits, row, side="right")
                if way > 0
                else np.searchsorted(self._hits, row) - 1
            )
            self._go(int(at))

    def _go(self, number: int) -> None:
        if not len(self._hits):
            self._say(self._texts("table.not_found"))
            return
        number %= len(self._hits)
        self._say(f"{number + 1:,} / {len(self._hits):,}")
        shown = int(self._hits[number])
        needle = self._hits_of.casefold()
        digits = needle.replace(",", "")
        sheet, row = self._model.sheet, self._model.row_at(shown)
        place = next(
            (
                self._model.place(column.id)
                for column in self._columns()
                if (digits if is_number(column) else needle) in sheet.text(row, column).casefold()
            ),
            self._grid.currentIndex().column(),
        )
        self.hit.emit(self._model.index(shown, max(0, place)))

    def _say(self, text: str) -> None:
        self.said.setText(text)
        self.said.setVisible(bool(text))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.step(-1 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1)
        elif key in (Qt.Key.Key_Escape, Qt.Key.Key_Down):
            if key == Qt.Key.Key_Escape:
                self.clear()
                self.search()
            self.left.emit()
        else:
            super().keyPressEvent(event)
