"""Widths, hidden and frozen columns and the order of the rows: kept for each worksheet among the settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QTimer
from PySide6.QtGui import QFont, QFontMetrics

from ui.table.arrangement import AT_ONCE, Order
from ui.table.grid import Grid
from ui.table.model import SheetModel, written
from ui.table.rows import total_of

if TYPE_CHECKING:
    from ui.desk import Desk

WIDEST = 280  # pixels, of a column that says nothing else
PAUSE = 400  # milliseconds after the last change until the settings are written


class KeptColumns:
    """What the user made of the columns of the grid's worksheet; a worksheet without an id is not remembered."""

    def __init__(self, desk: Desk, grid: Grid, model: SheetModel) -> None:
        self._desk, self._grid, self._model = desk, grid, model
        self._dressing = False
        self._fitted_for: tuple[int, bool] | None = None
        self._fitted: dict[int, int] = {}
        self._pause = QTimer(grid, singleShot=True, interval=PAUSE)
        self._pause.timeout.connect(desk.save)
        grid.heading.sectionResized.connect(self._resized)

    # What is remembered.

    def _of(self, sheet_id: str) -> dict[str, object]:
        return self._desk.settings.tables.get(sheet_id, {})

    def order_of(self, sheet_id: str) -> Order | None:
        order = self._of(sheet_id).get("sort")
        return (str(order[0]), bool(order[1])) if isinstance(order, list) else None

    def keep_order(self, order: Order | None) -> None:
        self._remember(sort=list(order) if order else None)

    def hidden(self) -> list[str]:
        """Ids of the hidden columns."""
        hidden = self._of(self._model.sheet.id).get("hidden")
        return list(hidden) if isinstance(hidden, list) else []

    def keep_hidden(self, names: list[str]) -> None:
        self._remember(hidden=names)

    def keep_frozen(self, count: int) -> None:
        self._remember(frozen=count)

    def reset(self) -> None:
        """Forget all but the order."""
        name = self._model.sheet.id
        if name:
            self._desk.settings.tables[name] = {"sort": self._of(name).get("sort")}
            self._pause.start()

    def _remember(self, **what: object) -> None:
        name = self._model.sheet.id
        if name:
            self._desk.settings.tables[name] = {**self._of(name), **what}
            self._pause.start()

    def _resized(self, place: int, _: int, size: int) -> None:
        if not self._dressing and size > 0:
            widths = self._of(self._model.sheet.id).get("widths")
            widths = dict(widths) if isinstance(widths, dict) else {}
            self._remember(widths={**widths, self._model.column(place).id: size})

    # What is done with it.

    def places(self) -> list[int]:
        """Of the columns that show."""
        return [i for i in range(self._model.columnCount()) if not self._grid.isColumnHidden(i)]

    def dress(self, frozen: int, widest: Mapping[str, int]) -> None:
        """Widths, hidden and frozen columns after a reset took them. frozen: by the page, where the user chose nothing.
        widest: see `fitting`."""
        kept, hidden = self._of(self._model.sheet.id), self.hidden()
        widths, chosen = kept.get("widths"), kept.get("frozen")
        widths = widths if isinstance(widths, dict) else {}
        self._dressing = True
        for place, column in enumerate(self._model.sheet.columns):
            width = widths.get(column.id)
            self._grid.setColumnWidth(place, width if isinstance(width, int) else self.fitting(place, widest))
            self._grid.setColumnHidden(place, column.id in hidden)
        self._dressing = False
        self._grid.freeze(chosen if isinstance(chosen, int) else frozen)

    def fitting(self, place: int, widest: Mapping[str, int]) -> int:
        """Wide enough for the heading, the total and what the first rows hold; measured once a worksheet.
        widest: column id -> pixels, for sentences that are to be read whole."""
        model = self._model
        now = (id(model.sheet), model.wan)
        if self._fitted_for != now:
            self._fitted_for, self._fitted = now, {}
        if place not in self._fitted:
            column = model.column(place)
            wide = max(self._needed(place), min(self._grid.heading.wanted_width(place), 180), 56)
            self._fitted[place] = min(widest.get(column.id, WIDEST), wide)
        return self._fitted[place]

    def _needed(self, place: int) -> int:
        """By cells and total."""
        model = self._model
        column = model.column(place)
        cells = model.sheet.cells[column.id]
        sample: list[Any] = list(cells[:300])
        if cells.dtype != object and len(cells):
            sample += [cells.max(), cells.min()]
        texts = [written(column, cell, model.wan) for cell in sample]
        longest = sorted(set(texts), key=len)[-12:]
        metrics = QFontMetrics(self._grid.font())
        bold = QFont(self._grid.font())
        bold.setWeight(QFont.Weight.DemiBold)
        wide = max((metrics.horizontalAdvance(text) for text in longest), default=0) + 14
        if column.total and model.sheet.rows <= AT_ONCE:
            total = written(column, total_of(model.sheet, column, None), model.wan)
            wide = max(wide, QFontMetrics(bold).horizontalAdvance(total) + 12)
        elif column.total and cells.dtype != object and len(cells):
            most = written(column, int(np.abs(cells).max()) * len(cells), model.wan)
            wide = max(wide, QFontMetrics(bold).horizontalAdvance(most) + 12)
        return wide
