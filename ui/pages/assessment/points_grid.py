"""The grid of points: a table whose indicator columns are typed, pasted, filled down and emptied as in Excel.

It changes nothing itself: every gesture ends in `entered` with the cells of one edit, as they were seen.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterable
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemDelegate,
    QAbstractItemView,
    QLineEdit,
    QStyleOptionViewItem,
    QWidget,
)

from core.money import plain
from ui.table import Table
from ui.table.grid import Cell as Drawn
from ui.table.grid import Grid as View
from ui.table.model import SheetModel

if TYPE_CHECKING:
    from core.settlement.assessment import Cell
    from core.settlement.assessment_sheets import Grid
    from ui.desk import Desk

EDIT = Qt.ItemDataRole.EditRole
Place = tuple[str, str]


class PointsModel(SheetModel):
    committed = Signal(QModelIndex, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.indicators: frozenset[str] = frozenset()
        self.writable = False

    def is_points(self, place: int) -> bool:
        return 0 <= place < self.columnCount() and self.column(place).id in self.indicators

    def place_of(self, shown: int, place: int) -> Place:
        return str(self.key_at(shown)), self.column(place).id

    def flags(self, index: QModelIndex | QPersistentModelIndex) -> Qt.ItemFlag:
        flags = super().flags(index)
        return flags | Qt.ItemFlag.ItemIsEditable if self.writable and self.is_points(index.column()) else flags

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role == EDIT:
            cell = self.cell(index.row(), index.column())
            return plain(Fraction(cell)) if cell is not None and self.is_points(index.column()) else ""
        return super().data(index, role)

    def setData(self, index: QModelIndex, value: Any, role: int = EDIT) -> bool:
        if role != EDIT or not self.is_points(index.column()):
            return False
        self.committed.emit(index, str(value))
        return True


class PointsCell(Drawn):
    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: QModelIndex) -> QWidget:
        field = QLineEdit(parent)
        field.setAlignment(Qt.AlignmentFlag.AlignRight)
        field.setFrame(False)
        return field

    def setEditorData(self, editor: QWidget, index: QModelIndex) -> None:
        assert isinstance(editor, QLineEdit)
        editor.setText(str(index.data(EDIT)))
        editor.selectAll()

    def setModelData(self, editor: QWidget, model: Any, index: QModelIndex) -> None:
        assert isinstance(editor, QLineEdit)
        if editor.text() != str(index.data(EDIT)):
            model.setData(index, editor.text(), EDIT)


class PointsView(View):
    paste_wanted = Signal()
    fill_wanted = Signal()
    empty_wanted = Signal()

    def __init__(self, model: PointsModel, texts: Any, parent: QWidget) -> None:
        super().__init__(model, texts, parent)
        self.points = model
        trigger = QAbstractItemView.EditTrigger
        self.setEditTriggers(trigger.AnyKeyPressed | trigger.EditKeyPressed | trigger.DoubleClicked)
        self.setItemDelegate(PointsCell(self, front=False))
        self.body.setItemDelegate(PointsCell(self, front=True))

    def closeEditor(self, editor: QWidget, hint: QAbstractItemDelegate.EndEditHint) -> None:
        down = hint == QAbstractItemDelegate.EndEditHint.SubmitModelCache and editor.hasFocus()
        super().closeEditor(editor, hint)
        index = self.currentIndex()
        if down and index.row() + 1 < self.points.rowCount():
            self.setCurrentIndex(self.points.index(index.row() + 1, index.column()))
        self.setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, held = event.key(), event.modifiers()
        control = bool(held & Qt.KeyboardModifier.ControlModifier)
        here = self.currentIndex()
        written = here.isValid() and self.points.is_points(here.column())
        if event.matches(QKeySequence.StandardKey.Paste):
            self.paste_wanted.emit()
        elif control and key == Qt.Key.Key_D:
            self.fill_wanted.emit()
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.empty_wanted.emit()
        elif written and (key == Qt.Key.Key_F2 or (event.text().isprintable() and event.text() and not control)):
            QAbstractItemView.keyPressEvent(self, event)
        else:
            super().keyPressEvent(event)


class PointsTable(Table):
    """`entered(list[Cell])`: one edit. `beyond(str)`: what was pasted does not fit, in words."""

    MODEL, GRID = PointsModel, PointsView

    entered = Signal(object)
    beyond = Signal(str)

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(desk, parent)
        self.standing: Grid | None = None
        self._said = desk.texts
        self.condition.hide()
        self.model.committed.connect(lambda index, text: self._end([(self.model.place_of(index.row(), index.column()), text)]))
        self.grid.paste_wanted.connect(self.paste)
        self.grid.fill_wanted.connect(self.fill)
        self.grid.empty_wanted.connect(lambda: self._end((place, "") for place in self.places()))

    def put(self, standing: Grid, writable: bool) -> None:
        self.standing = standing
        self.model.indicators, self.model.writable = frozenset(standing.most), writable
        sheet = standing.sheet
        old = self.worksheet().keys
        if old is None or sheet.keys is None or list(old) != list(sheet.keys) or not self.renew(sheet):
            self.set_worksheet(sheet, frozen=2)

    def places(self) -> list[Place]:
        """The selected cells of points, row by row as they show."""
        found = {
            (row, place)
            for span in self.selection.spans()
            for row in range(span.top(), span.bottom() + 1)
            for place in range(span.left(), span.right() + 1)
            if self.model.is_points(place) and not self.grid.isColumnHidden(place)
        }
        return [self.model.place_of(row, place) for row, place in sorted(found)]

    def codes(self) -> list[str]:
        """Institutions with a selected cell."""
        keys = self.worksheet().keys
        return [str(keys[row]) for row in self.selected_rows()] if keys is not None else []

    def fill(self) -> None:
        """Down: the first selected cell of every column into those below it."""
        if self.standing is None:
            return
        first: dict[str, str] = {}
        wanted: list[tuple[Place, str]] = []
        for code, indicator in self.places():
            if indicator in first:
                wanted.append(((code, indicator), first[indicator]))
            else:
                value = self.standing.value(code, indicator)
                first[indicator] = "" if value is None else plain(value)
        self._end(wanted)

    def paste(self) -> None:
        """The clipboard's block at the current cell; a single value into every selected one."""
        text = QGuiApplication.clipboard().text().replace("\r\n", "\n")
        block = [row or [""] for row in csv.reader(io.StringIO(text, newline=""), delimiter="\t")]
        while block and not any(cell.strip() for cell in block[-1]):
            block.pop()
        index = self.grid.currentIndex()
        if not block or not index.isValid():
            return
        if len(block) == 1 and len(block[0]) == 1:
            self._end((place, block[0][0]) for place in self.places())
            return
        spans = self.selection.spans()
        top, left = (spans[0].top(), spans[0].left()) if spans else (index.row(), index.column())
        across = [
            place for place in range(left, self.model.columnCount())
            if self.model.is_points(place) and not self.grid.isColumnHidden(place)
        ]  # fmt: skip
        widest = max(map(len, block))
        if not self.model.is_points(left) or widest > len(across) or top + len(block) > self.model.rowCount():
            self.beyond.emit(self._said("assessment.page.beyond", lines=len(block), columns=widest))
            return
        self._end(
            (self.model.place_of(top + down, across[right]), cell)
            for down, row in enumerate(block) for right, cell in enumerate(row)
        )  # fmt: skip

    def _end(self, wanted: Iterable[tuple[Place, str]]) -> None:
        from dataclasses import replace

        standing = self.standing
        if standing is None or not self.model.writable:
            return
        cells: list[Cell] = []
        for (code, indicator), text in wanted:
            clean = unicodedata.normalize("NFKC", text).strip().replace(",", "")
            cell = replace(standing.cell(code, indicator, None), value=clean or None)
            if (cell.value or "") != cell.seen:
                cells.append(cell)
        if cells:
            self.entered.emit(cells)
