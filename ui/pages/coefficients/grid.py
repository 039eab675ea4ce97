"""The grid that is written into: a table whose cells of parts are typed, pasted, filled and emptied as in Excel.

It changes nothing itself. Every gesture ends in `entered` with the cells of one edit, or in `refused` with what is wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from enum import IntFlag
from fractions import Fraction
from typing import TYPE_CHECKING, Any, cast

from PySide6.QtCore import (
    QEvent,
    QItemSelectionModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPoint,
    QPointF,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QGuiApplication, QHelpEvent, QKeyEvent, QKeySequence, QPainter, QPolygonF
from PySide6.QtWidgets import QAbstractItemView, QLineEdit, QStyle, QStyleOptionViewItem, QWidget

from core.money import plain
from ui.pages.coefficients import entering
from ui.pages.coefficients.entering import Entered, Place
from ui.table import Table
from ui.table.grid import Cell, Grid
from ui.table.model import SheetModel, written

if TYPE_CHECKING:
    from ui.desk import Desk
    from ui.pages.coefficients.entering import Grid as Standing

EDIT = Qt.ItemDataRole.EditRole


class Sign(IntFlag):
    """What is to be said of a cell."""

    NONE = 0
    CHANGED = 1  # since the set that this one is based on
    OUTSIDE = 2  # beyond a limit that marks
    FORBIDDEN = 4  # beyond a limit that refuses
    SHARED = 8  # stands in the row for both funds
    DATED = 16  # valid from a day on
    PENDING = 32  # entered and not yet in the ledger


class PartsModel(SheetModel):
    """A worksheet of institutions by parts: the parts may be written into, `signs` by (institution, column)."""

    committed = Signal(QModelIndex, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.parts: tuple[str, ...] = ()
        self.writable = False
        self.signs: dict[Place, Sign] = {}
        self.pending: Mapping[Place, Fraction | None] = {}

    def place_of(self, shown: int, place: int) -> Place:
        return str(self.key_at(shown)), self.column(place).id

    def is_part(self, place: int) -> bool:
        return 0 <= place < self.columnCount() and self.column(place).id in self.parts

    def cell(self, shown: int, place: int) -> Any:
        if self.pending:
            key = self.place_of(shown, place)
            if key in self.pending:
                return self.pending[key]
        return super().cell(shown, place)

    def sign(self, shown: int, place: int) -> Sign:
        key = self.place_of(shown, place)
        return self.signs.get(key, Sign.NONE) | (Sign.PENDING if key in self.pending else Sign.NONE)

    def flags(self, index: QModelIndex | QPersistentModelIndex) -> Qt.ItemFlag:
        flags = super().flags(index)
        return flags | Qt.ItemFlag.ItemIsEditable if self.writable and self.is_part(index.column()) else flags

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role == EDIT:
            cell = self.cell(index.row(), index.column())
            return "" if cell is None else plain(Fraction(cell))
        if role == Qt.ItemDataRole.DisplayRole and self.pending:
            return written(self.column(index.column()), self.cell(index.row(), index.column()), self.wan)
        return super().data(index, role)

    def setData(self, index: QModelIndex, value: Any, role: int = EDIT) -> bool:
        if role != EDIT or not self.is_part(index.column()):
            return False
        self.committed.emit(index, str(value))
        return True


class Writing(QLineEdit):
    """The field in a cell. `ended`: how the pen goes on (rows down, cells across), and whether it is meant for the selection."""

    ended = Signal(int, int, bool)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        held = event.modifiers()
        back = -1 if held & Qt.KeyboardModifier.ShiftModifier else 1
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            control = bool(held & Qt.KeyboardModifier.ControlModifier)
            self.ended.emit(0 if control else back, 0, control)
        elif event.key() in (Qt.Key.Key_Tab, Qt.Key.Key_Backtab):
            self.ended.emit(0, -1 if event.key() == Qt.Key.Key_Backtab else 1, False)
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.KeyPress and event.key() in (Qt.Key.Key_Tab, Qt.Key.Key_Backtab):
            self.keyPressEvent(event)
            return True
        return super().event(event)


class PartCell(Cell):
    """Draws the signs of a cell under and over its value, and opens the field in it."""

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        grid = cast("PartsGrid", self._grid)  # what `PartsTable` makes
        sign = grid.parts_model.sign(index.row(), index.column())
        ink = None
        if sign and not option.state & QStyle.StateFlag.State_Selected:
            colours = grid.look.colours
            ground = (
                colours.bad_soft if sign & Sign.FORBIDDEN
                else colours.warn_soft if sign & Sign.OUTSIDE
                else colours.accent_soft if sign & Sign.PENDING
                else ""
            )  # fmt: skip
            if ground and (self._front or index.column() >= grid.hidden_behind):
                painter.fillRect(option.rect, QColor(ground))
            ink = colours.bad if sign & Sign.FORBIDDEN else colours.muted if sign & Sign.SHARED else None
        if ink is not None:
            option = QStyleOptionViewItem(option)
            option.palette.setColor(option.palette.ColorRole.Text, QColor(ink))
        super().paint(painter, option, index)
        if not self._front and index.column() < grid.hidden_behind:
            return
        if not sign & (Sign.CHANGED | Sign.DATED):
            return
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        painter.save()
        painter.setPen(Qt.PenStyle.NoPen)
        if sign & Sign.CHANGED:  # a corner, as Excel marks a note
            colour = grid.look.colours.on_accent if selected else grid.look.colours.accent
            painter.setBrush(QColor(colour))
            corner = option.rect.topLeft()
            painter.drawPolygon(
                QPolygonF([QPointF(corner), QPointF(corner.x() + 7, corner.y()), QPointF(corner.x(), corner.y() + 7)])
            )
        if sign & Sign.DATED:
            colour = grid.look.colours.on_accent if selected else grid.look.colours.muted
            painter.setBrush(QColor(colour))
            painter.drawRect(option.rect.left() + 2, option.rect.bottom() - 3, 8, 2)
        painter.restore()

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: QModelIndex) -> QWidget:
        grid = cast("PartsGrid", self._grid)  # what `PartsTable` makes
        field = Writing(parent)
        field.setAlignment(Qt.AlignmentFlag.AlignRight)
        field.setFrame(False)
        grid.open_field = True
        kept = QPersistentModelIndex(index)
        field.textEdited.connect(lambda text: grid.writing.emit(QModelIndex(kept), text))
        field.ended.connect(lambda down, across, many: grid.end_writing(self, field, down, across, many))
        return field

    def setEditorData(self, editor: QWidget, index: QModelIndex) -> None:
        editor.setText(str(index.data(EDIT)))
        editor.selectAll()

    def setModelData(self, editor: QWidget, model: Any, index: QModelIndex) -> None:
        model.setData(index, editor.text(), EDIT)

    def eventFilter(self, editor: QObject, event: QEvent) -> bool:
        """Qt's own way takes Enter and Tab; only leaving and Esc are its business here."""
        if event.type() == QEvent.Type.KeyPress and event.key() in (
            Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Tab, Qt.Key.Key_Backtab,
        ):  # fmt: skip
            return False
        return super().eventFilter(editor, event)


class PartsGrid(Grid):
    """Keys as in Excel. `writing`: what stands in the open field; `abandoned`: it was closed without a change."""

    writing = Signal(QModelIndex, str)
    abandoned = Signal()
    closed = Signal()
    tip_wanted = Signal(QModelIndex, QPoint)
    fill_wanted = Signal()
    empty_wanted = Signal()
    paste_wanted = Signal()

    def __init__(self, model: PartsModel, texts: Any, parent: QWidget) -> None:
        super().__init__(model, texts, parent)
        self.parts_model = model
        self.look = parent.desk_look
        trigger = QAbstractItemView.EditTrigger
        self.setEditTriggers(trigger.AnyKeyPressed | trigger.EditKeyPressed | trigger.DoubleClicked)
        self.setItemDelegate(PartCell(self, front=False))
        self.body.setItemDelegate(PartCell(self, front=True))
        self.for_all = False  # the field was closed for the whole selection
        self.open_field = False

    def end_writing(self, cell: PartCell, field: QLineEdit, down: int, across: int, many: bool) -> None:
        self.for_all = many
        cell.commitData.emit(field)
        self.for_all = False
        cell.closeEditor.emit(field)
        self.go(down, across)

    def closeEditor(self, editor: QWidget, hint: Any) -> None:
        super().closeEditor(editor, hint)
        self.open_field = False
        self.abandoned.emit()
        self.closed.emit()
        self.setFocus()

    def go(self, down: int, across: int) -> None:
        """The current cell so far on, within what may be written; across the end of a row into the next."""
        index, model = self.currentIndex(), self.parts_model
        if not index.isValid():
            return
        places = [p for p in range(model.columnCount()) if not self.isColumnHidden(p) and model.is_part(p)]
        row, place = index.row() + down, index.column()
        if across and places:
            further = [p for p in places if (p > place if across > 0 else p < place)]
            if further:
                place = further[0] if across > 0 else further[-1]
            else:
                row, place = row + across, places[0] if across > 0 else places[-1]
        if 0 <= row < model.rowCount():
            self.selectionModel().setCurrentIndex(
                model.index(row, place), QItemSelectionModel.SelectionFlag.ClearAndSelect
            )
            self.scrollTo(model.index(row, place))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, held = event.key(), event.modifiers()
        control = bool(held & Qt.KeyboardModifier.ControlModifier)
        if event.matches(QKeySequence.StandardKey.Paste):
            self.paste_wanted.emit()
        elif control and key == Qt.Key.Key_D:
            self.fill_wanted.emit()
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.empty_wanted.emit()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not control:
            self.go(-1 if held & Qt.KeyboardModifier.ShiftModifier else 1, 0)
        elif key in (Qt.Key.Key_Tab, Qt.Key.Key_Backtab) and not control:
            self.go(0, -1 if key == Qt.Key.Key_Backtab else 1)
        elif key == Qt.Key.Key_F2 or (event.text().isprintable() and event.text() and not control):
            if self.currentIndex().isValid() and self.parts_model.is_part(self.currentIndex().column()):
                QAbstractItemView.keyPressEvent(self, event)
            elif key != Qt.Key.Key_F2:
                super().keyPressEvent(event)
        else:
            super().keyPressEvent(event)

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            index = self.indexAt(event.pos())
            if index.isValid() and self.parts_model.is_part(index.column()):
                self.tip_wanted.emit(index, event.globalPos())
                return True
        return super().viewportEvent(event)

    def event(self, event: QEvent) -> bool:
        """Tab goes through the cells, Ctrl+Tab leaves the table."""
        kinds = (QEvent.Type.KeyPress, QEvent.Type.ShortcutOverride)
        if event.type() in kinds and event.key() in (Qt.Key.Key_Tab, Qt.Key.Key_Backtab):
            if event.type() == QEvent.Type.ShortcutOverride:  # or the page would turn to its next tab
                event.accept()
                return True
            if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
                return bool(self.focusNextPrevChild(event.key() == Qt.Key.Key_Tab))
            self.keyPressEvent(event)
            return True
        return super().event(event)


class PartsTable(Table):
    """`entered(Entered)`: the cells of one gesture. `refused(Entered)`: what is wrong with one. `locked`: the set is frozen.
    `tried(Entered)`: what is being typed, empty when the field is closed."""

    MODEL, GRID = PartsModel, PartsGrid

    entered = Signal(object)
    refused = Signal(object)
    tried = Signal(object)
    locked = Signal()

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        self.desk_look = desk.look
        self.standing: Standing | None = None
        super().__init__(desk, parent)
        self.find_field.hide()  # the page finds by pinyin, level and county
        self.model.committed.connect(self._committed)
        self.grid.writing.connect(self._writing)
        self.grid.abandoned.connect(lambda: self.tried.emit(Entered()))
        self.grid.paste_wanted.connect(self.paste)
        self.grid.fill_wanted.connect(self.fill)
        self.grid.empty_wanted.connect(self.clear_cells)
        desk.look.changed.connect(self.grid.viewport().update)

    def put(self, standing: Standing, signs: dict[Place, Sign], writable: bool) -> None:
        self.standing = standing
        self.model.parts, self.model.writable = standing.parts, writable
        self.model.signs, self.model.pending = signs, {}
        columns = {column.id: column for column in standing.sheet.columns}
        sheet = replace(standing.sheet, columns=[columns[id] for id in standing.order])
        old = self.worksheet().keys
        if old is None or list(old) != list(sheet.keys) or not self.renew(sheet):
            self.set_worksheet(sheet, frozen=2)

    def show_pending(self, values: Mapping[Place, Fraction | None]) -> None:
        """Values that are entered and wait for their reason."""
        model, grid = self.model, self.grid
        other = {place for place in {*values, *model.pending} if values.get(place) != model.pending.get(place, self)}
        model.pending = values
        top, bottom = max(0, grid.rowAt(0)), grid.rowAt(grid.viewport().height() - 1)
        for row in range(top, (bottom if bottom >= 0 else model.rowCount() - 1) + 1):
            for code, part in other:  # painting is Python's: only what is different
                if str(model.key_at(row)) == code:
                    rect = grid.visualRect(model.index(row, model.place(part)))
                    grid.viewport().update(rect)
                    grid.body.viewport().update(rect)

    def places(self) -> list[Place]:
        """The selected cells of parts, row by row."""
        model = self.model
        found = {
            (row, place)
            for span in self.selection.spans()
            for row in range(span.top(), span.bottom() + 1)
            for place in range(span.left(), span.right() + 1)
            if model.is_part(place) and not self.grid.isColumnHidden(place)
        }
        return [model.place_of(row, place) for row, place in sorted(found)]

    def current_place(self) -> Place | None:
        index = self.grid.currentIndex()
        return self.model.place_of(index.row(), index.column()) if index.isValid() else None

    def enter(self, text: str, places: Iterable[Place] | None = None) -> None:
        """One entry into these cells, else into the selected ones."""
        if self.standing is not None and self._may():
            self._end(entering.typed(self.standing, self.places() if places is None else places, text))

    def fill(self) -> None:
        """Down: the first cell of every selected column into the others; a single row takes the one above it."""
        if self.standing is None or not self._may():
            return
        columns: dict[str, list[str]] = {}
        for code, part in self.places():
            columns.setdefault(part, []).append(code)
        for part, codes in columns.items():
            if len(codes) == 1:
                shown = next(row for row in range(self.model.rowCount()) if self.model.key_at(row) == codes[0])
                if shown:
                    columns[part] = [str(self.model.key_at(shown - 1)), *codes]
        self._end(entering.filled(self.standing, columns))

    def clear_cells(self) -> None:
        self.enter("")

    def paste(self) -> None:
        """The clipboard's block at the current cell; a single value goes into every selected one."""
        block = entering.block_of(QGuiApplication.clipboard().text())
        index = self.grid.currentIndex()
        if self.standing is None or not block or not index.isValid() or not self._may():
            return
        places = self.places()
        if len(block) == 1 and len(block[0]) == 1 and places:
            self.enter(block[0][0], places)
            return
        corner = self.selection.spans()[0] if self.selection.spans() else None
        top, left = (corner.top(), corner.left()) if corner is not None else (index.row(), index.column())
        codes = [str(self.model.key_at(row)) for row in range(top, self.model.rowCount())]
        parts = [
            self.model.column(p).id
            for p in range(left, self.model.columnCount())
            if not self.grid.isColumnHidden(p) and self.model.is_part(p)
        ]
        if not self.model.is_part(left):
            parts = []
        self._end(entering.pasted(self.standing, codes, parts, block))

    def start_find(self, text: str = "") -> None:
        """The page's own field finds."""
        self.seek_wanted.emit()

    seek_wanted = Signal()

    def _may(self) -> bool:
        if not self.model.writable:
            self.locked.emit()
        return self.model.writable

    def _committed(self, index: QModelIndex, text: str) -> None:
        here = self.model.place_of(index.row(), index.column())
        places = self.places()
        many = len(places) > 1 and here in places and (self.grid.for_all or entering.is_change(text))
        self.enter(text, places if many else [here])

    def _writing(self, index: QModelIndex, text: str) -> None:
        if self.standing is None or not index.isValid():
            return
        here = self.model.place_of(index.row(), index.column())
        places = self.places()
        many = len(places) > 1 and here in places and entering.is_change(text)
        self.tried.emit(entering.typed(self.standing, places if many else [here], text))

    def _end(self, entered: Entered) -> None:
        if entered.wrong:
            self.refused.emit(entered)
        elif entered.cells:
            self.entered.emit(entered)
        else:
            self.tried.emit(Entered())
