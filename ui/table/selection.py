"""The current cell and the selected ones: where they are, what they come to, and that they stay on their rows."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QItemSelectionModel, QItemSelectionRange, QModelIndex

from core.worksheet import Column, Worksheet
from ui.table.arrangement import AT_ONCE
from ui.table.grid import Grid
from ui.table.model import SheetModel, written
from ui.table.rows import is_number, total_of

if TYPE_CHECKING:
    from core.texts import Texts

UNADDED = ("ratio", "coefficient", "percent", "yuan/point")  # units whose sum means nothing

Position = tuple[int, int]  # row of the worksheet, place of the column


def rows_of(keys: np.ndarray, key: object) -> np.ndarray:
    """Rows of this key, which may be a tuple: numpy would take one for a row of cells."""
    whole = np.empty((), dtype=object)
    whole[()] = key
    return np.flatnonzero(keys == whole)


class Selection:
    def __init__(self, grid: Grid, model: SheetModel, texts: Texts) -> None:
        self._grid, self._model, self._texts = grid, model, texts

    def spans(self) -> list[QItemSelectionRange]:
        """Rectangles of shown rows and places, hidden columns among them."""
        return self._grid.selectionModel().selection().toList()

    def rows(self) -> list[int]:
        """Worksheet rows with a selected cell, in the order they show."""
        shown: set[int] = set()
        for span in self.spans():
            shown.update(range(span.top(), span.bottom() + 1))
        return [self._model.row_at(row) for row in sorted(shown)]

    def current(self) -> Position | None:
        index = self._grid.currentIndex()
        return (self._model.row_at(index.row()), index.column()) if index.isValid() else None

    def current_in(self, newer: Worksheet) -> Position | None:
        """Where the current cell is in a newer worksheet: the row of the same key, or the same row where none has keys."""
        current, keys = self.current(), self._model.sheet.keys
        if current is None or keys is None or newer.keys is None:
            return current
        hits = rows_of(newer.keys, keys[current[0]])
        return (int(hits[0]), current[1]) if len(hits) else None

    def go_to(self, row: int, place: int | None = None) -> bool:
        """Make a cell of a worksheet row current, wherever it shows now; False where it does not."""
        model = self._model
        if row < 0 or row >= model.sheet.rows:
            return False
        shown = row
        if model.order is not None:
            hits = np.flatnonzero(model.order == row)
            if not len(hits):
                return False
            shown = int(hits[0])
        if place is None or place >= model.columnCount():
            place = max(0, self._grid.currentIndex().column())
        self.make_current(model.index(shown, place))
        return True

    def go_to_key(self, key: object, place: int | None = None) -> bool:
        keys = self._model.sheet.keys
        if keys is None:
            return self.go_to(key, place) if isinstance(key, int) else False
        hits = rows_of(keys, key)
        return self.go_to(int(hits[0]), place) if len(hits) else False

    def make_current(self, index: QModelIndex) -> None:
        self._grid.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        self._grid.scrollTo(index)

    def summed(self) -> str:
        """Count, sum and mean of the selected cells, as a spreadsheet's status line has them; one unit only."""
        model = self._model
        cells, numbers, total, units = 0, 0, Fraction(0), set[str]()
        columns: list[Column] = []
        for span in self.spans():
            height = span.bottom() - span.top() + 1
            for place in range(span.left(), span.right() + 1):
                if self._grid.isColumnHidden(place):
                    continue
                column = model.column(place)
                cells += height
                if not is_number(column):
                    continue
                units.add(column.unit)
                columns.append(column)
                if column.kind == "exact" and height > AT_ONCE:
                    units.add("too many to add at once")
                    continue
                rows = np.arange(span.top(), span.bottom() + 1)
                if model.order is not None:
                    rows = model.order[rows]
                one = total_of(model.sheet, column, rows)
                total += Fraction(one, 10 ** (column.places or 0)) if column.kind == "fixed" else one
                numbers += height
        if cells < 2:
            return ""
        if not numbers or len(units) != 1 or columns[0].unit in UNADDED:
            return self._texts("table.selected", cells=f"{cells:,}")
        exact = Column("", {}, "exact", columns[0].unit, max(column.places or 0 for column in columns))
        if any(column.kind == "exact" and column.places is None for column in columns):
            exact = replace(exact, places=None)
        unit = self._grid.heading.unit(exact)
        mean = replace(exact, places=max(2, exact.places or 0))
        return self._texts(
            "table.selected_sum",
            cells=f"{cells:,}",
            sum=f"{written(exact, total, model.wan)} {unit}".strip(),
            mean=f"{written(mean, total / numbers, model.wan)} {unit}".strip(),
        )
