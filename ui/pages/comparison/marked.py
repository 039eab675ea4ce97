"""A table whose best and worst cells carry a sign: a full dot and a ring, which are told apart in grey and in print."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QStyle, QStyleOptionViewItem, QWidget

from core.texts import Texts
from ui.desk import Desk
from ui.table import Table
from ui.table.grid import Cell, Grid
from ui.table.model import SheetModel, written

BEST, WORST = "best", "worst"
DOT = 3.0  # radius in pixels
LEFT = 8  # from the cell's edge to the middle of the sign
Signs = Mapping[tuple[object, str], str]  # (row key, column) -> BEST or WORST
Places = Mapping[tuple[object, str], int]  # (row key, column) -> decimals of that figure


class MarkedModel(SheetModel):
    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.signs: Signs = {}
        self.places: Places = {}

    def sign(self, shown: int, place: int) -> str:
        return self.signs.get((self.key_at(shown), self.column(place).id), "") if self.signs else ""


class MarkedCell(Cell):
    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        super().paint(painter, option, index)
        grid = cast("MarkedGrid", self._grid)
        if not self._front and index.column() < grid.hidden_behind:
            return
        sign = grid.marked.sign(index.row(), index.column())
        if not sign:
            return
        colours = grid.look.colours
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        ink = QColor(colours.text if selected else colours.accent if sign == BEST else colours.muted)
        middle = QPointF(option.rect.left() + LEFT, option.rect.center().y() + 0.5)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(ink, 1.3))
        painter.setBrush(ink if sign == BEST else Qt.BrushStyle.NoBrush)
        painter.drawEllipse(middle, DOT, DOT)
        painter.restore()


class MarkedGrid(Grid):
    def __init__(self, model: MarkedModel, texts: Texts, parent: QWidget) -> None:
        super().__init__(model, texts, parent)
        self.marked = model
        self.look = cast("MarkedTable", parent).desk.look
        self.setItemDelegate(MarkedCell(self, front=False))
        self.body.setItemDelegate(MarkedCell(self, front=True))

    def text_at(self, row: int, place: int) -> str:
        """Each figure with its own decimals: the rows are of different units, and of counts a mean has one more."""
        model = self.marked
        column, cell = model.column(place), model.cell(row, place)
        places = model.places.get((model.key_at(row), column.id)) if column.kind == "exact" and column.places is None else None
        return super().text_at(row, place) if cell is None or places is None else written(replace(column, places=places), cell)


class MarkedTable(Table):
    MODEL, GRID = MarkedModel, MarkedGrid

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        super().__init__(desk)
        desk.look.changed.connect(self.grid.viewport().update)

    def mark(self, signs: Signs, places: Places) -> None:
        """Said before the worksheet is shown."""
        self.model.signs, self.model.places = signs, places
