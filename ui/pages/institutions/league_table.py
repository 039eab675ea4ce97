"""The league as a table: a small bar in every cell of growth, and a cell to take an institution into a comparison with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, cast

import numpy as np
from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPalette, QPen
from PySide6.QtWidgets import QStyle, QStyleOptionViewItem, QWidget

from core.worksheet import Column, Worksheet
from ui.table import Table
from ui.table.grid import Cell, Grid
from ui.table.model import SheetModel
from ui.table.rows import value_of

if TYPE_CHECKING:
    from ui.desk import Desk

PICK = "pick"
BAR = 46  # pixels, from the largest loss to the largest growth
FULL = Fraction(1)  # growth of 100 % fills its side; more is cut there, the number beside it says how much


class GrowthCell(Cell):
    """A bar from the middle: growth to the right, loss to the left, of one scale in all columns."""

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        grid = cast("LeagueGrid", self._grid)
        place = index.column()
        if grid.sheet_model.column(place).id == PICK:  # it is pressed, not read
            option.palette.setColor(QPalette.ColorRole.Text, QColor(grid.desk.look.colours.accent))
        super().paint(painter, option, index)
        if place >= self._grid.hidden_behind or self._front:
            self._bar(painter, option, grid, index.row(), place)

    def _bar(self, painter: QPainter, option: QStyleOptionViewItem, grid: LeagueGrid, row: int, place: int) -> None:
        model = grid.sheet_model
        column = model.column(place)
        if column.id not in grid.barred or option.rect.width() < BAR + 70:
            return
        cell = model.cell(row, place)
        growth = None if cell is None else value_of(column, cell)
        if growth is None:
            return
        look = grid.desk.look.colours
        if column.unit == "percent":
            growth = growth / 100
        part = float(min(FULL, max(-FULL, growth)))
        rect = option.rect
        middle, half = rect.left() + 6 + BAR / 2, BAR / 2
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        colour = QColor(look.on_accent if chosen else look.accent if part >= 0 else look.warn)
        painter.save()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        high = 7
        top = rect.center().y() - high / 2 + 1
        painter.drawRect(QRectF(min(middle, middle + part * half), top, abs(part) * half, high))
        painter.setPen(QPen(QColor(look.on_accent if chosen else look.muted), 1))
        painter.drawLine(QPointF(middle, top - 3), QPointF(middle, top + high + 3))
        painter.restore()


class LeagueGrid(Grid):
    barred: frozenset[str] = frozenset()
    desk: Desk
    sheet_model: SheetModel


class LeagueTable(Table):
    """`picked(key)` when the cell of comparison is clicked, or Space is pressed on a row. The cell is never exported."""

    GRID = LeagueGrid

    picked = Signal(object)

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(desk, parent)
        grid = cast("LeagueGrid", self.grid)
        grid.desk, grid.sheet_model = desk, self.model
        grid.setItemDelegate(GrowthCell(grid, front=False))
        grid.body.setItemDelegate(GrowthCell(grid, front=True))
        grid.clicked.connect(self._clicked)
        grid.installEventFilter(self)
        desk.look.changed.connect(grid.viewport().update)

    def show_league(self, sheet: Worksheet, barred: Sequence[str], frozen: int) -> None:
        """barred: columns of growth, with a bar. The cell of comparison stands behind the first column."""
        cast("LeagueGrid", self.grid).barred = frozenset(barred)
        self.set_worksheet(self._with(sheet, None), frozen=frozen + 1)

    def say_pick(self, key: object) -> None:
        """What the cells of comparison say: `key` was taken, or None."""
        self.renew(self._with(self.worksheet(), key))

    def _with(self, sheet: Worksheet, taken: object) -> Worksheet:
        texts = self.texts
        title = {texts.lang: texts("institutions.league.pick")}
        column = Column(PICK, title)
        first, rest = sheet.columns[0], [one for one in sheet.columns[1:] if one.id != PICK]
        cells = np.empty(sheet.rows, dtype=object)
        cells[:] = texts("institutions.league.pick_first" if taken is None else "institutions.league.pick_second")
        if taken is not None and sheet.keys is not None:
            cells[sheet.keys == taken] = texts("institutions.league.pick_taken")
        return replace(sheet, columns=[first, column, *rest], cells={**sheet.cells, PICK: cells})

    def visible_columns(self) -> list[Column]:
        """Without the cell of comparison: what leaves the table holds figures."""
        return [one for one in super().visible_columns() if one.id != PICK]

    def _clicked(self, index: QModelIndex) -> None:
        if index.isValid() and self.model.column(index.column()).id == PICK:
            self.picked.emit(self.model.key_at(index.row()))

    def eventFilter(self, watched, event) -> bool:  # type: ignore[no-untyped-def]
        if watched is self.grid and event.type() == event.Type.KeyPress and event.key() == Qt.Key.Key_Space:
            row = self.current_row()
            if row >= 0 and self.worksheet().keys is not None:
                self.picked.emit(self.worksheet().keys[row])  # type: ignore[index]
            return True
        return super().eventFilter(watched, event)
