"""The grid of budget lines: item, amount, date and document are typed and pasted as in Excel. It changes nothing itself."""

from __future__ import annotations

from typing import Any, cast

from PySide6.QtCore import (
    QEvent,
    QItemSelectionModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QKeyEvent, QKeySequence, QPainter
from PySide6.QtWidgets import QAbstractItemView, QCompleter, QLineEdit, QStyle, QStyleOptionViewItem, QWidget

from ui.desk import Desk
from ui.pages.budget.drafting import COLUMNS, Draft
from ui.table import Table
from ui.table.grid import Cell, Grid
from ui.table.model import SheetModel

EDIT = Qt.ItemDataRole.EditRole
ENTER, TAB = (Qt.Key.Key_Return, Qt.Key.Key_Enter), (Qt.Key.Key_Tab, Qt.Key.Key_Backtab)


class LinesModel(SheetModel):
    """A worksheet of `Draft.sheet`."""

    committed = Signal(int, str, str)  # row number, column, what was typed

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.draft: Draft | None = None
        self.texts: Any = None
        self.writable = False

    def is_open(self, place: int) -> bool:
        return self.writable and 0 <= place < self.columnCount() and self.column(place).id in COLUMNS

    def flags(self, index: QModelIndex | QPersistentModelIndex) -> Qt.ItemFlag:
        flags = super().flags(index)
        return flags | Qt.ItemFlag.ItemIsEditable if self.is_open(index.column()) else flags

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role == EDIT and self.draft is not None:
            return self.draft.text(int(self.key_at(index.row())), self.column(index.column()).id, self.texts)
        return super().data(index, role)

    def setData(self, index: QModelIndex, value: Any, role: int = EDIT) -> bool:
        if role != EDIT or not self.is_open(index.column()):
            return False
        if str(value) != str(self.data(index, EDIT)):
            self.committed.emit(int(self.key_at(index.row())), self.column(index.column()).id, str(value))
        return True

    def state(self, shown: int) -> str:
        return self.draft.row(int(self.key_at(shown))).state if self.draft is not None else ""


class Writing(QLineEdit):
    """The field in a cell; `ended`: how the pen goes on (rows down, cells across)."""

    ended = Signal(int, int)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        back = -1 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1
        if event.key() in ENTER:
            self.ended.emit(back, 0)
        elif event.key() in TAB:
            self.ended.emit(0, -1 if event.key() == Qt.Key.Key_Backtab else 1)
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.KeyPress and cast("QKeyEvent", event).key() in TAB:
            self.keyPressEvent(cast("QKeyEvent", event))
            return True
        return super().event(event)


class LineCell(Cell):
    """Colours what is new, changed or taken away, and opens the field."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        grid = cast("LinesGrid", self._grid)
        if not self._front and index.column() < grid.hidden_behind:
            return
        state = grid.lines.state(index.row())
        if state and not option.state & QStyle.StateFlag.State_Selected:
            colours = grid.look.colours
            painter.fillRect(option.rect, QColor(colours.bad_soft if state == "removed" else colours.accent_soft))
        super().paint(painter, option, index)
        if state == "removed":
            colours = grid.look.colours
            painter.save()
            painter.setPen(QColor(colours.bad))
            middle = option.rect.center().y()
            painter.drawLine(option.rect.left() + 4, middle, option.rect.right() - 4, middle)
            painter.restore()

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: QModelIndex) -> QWidget:
        grid = cast("LinesGrid", self._grid)
        field = Writing(parent)
        field.setFrame(False)
        column = grid.lines.column(index.column()).id
        if column == "amount":
            field.setAlignment(Qt.AlignmentFlag.AlignRight)
        if column == "item":
            offer = QCompleter(grid.offered, field)
            offer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
            offer.setFilterMode(Qt.MatchFlag.MatchContains)
            field.setCompleter(offer)
        field.ended.connect(lambda down, across: grid.end_writing(self, field, down, across))
        return field

    def setEditorData(self, editor: QWidget, index: QModelIndex) -> None:
        field = cast("QLineEdit", editor)
        field.setText(str(index.data(EDIT)))
        field.selectAll()

    def setModelData(self, editor: QWidget, model: Any, index: QModelIndex) -> None:
        model.setData(index, cast("QLineEdit", editor).text(), EDIT)

    def eventFilter(self, editor: QObject, event: QEvent) -> bool:
        """Qt's own way takes Enter and Tab; only leaving and Esc are its business here."""
        if event.type() == QEvent.Type.KeyPress and cast("QKeyEvent", event).key() in (*ENTER, *TAB):
            return False
        return super().eventFilter(editor, event)


class LinesGrid(Grid):
    paste_wanted = Signal()
    remove_wanted = Signal()
    add_wanted = Signal()

    def __init__(self, model: LinesModel, texts: Any, parent: QWidget) -> None:
        super().__init__(model, texts, parent)
        self.lines = model
        self.look = cast("LinesTable", parent).desk_look
        self.offered: list[str] = []
        trigger = QAbstractItemView.EditTrigger
        self.setEditTriggers(trigger.AnyKeyPressed | trigger.EditKeyPressed | trigger.DoubleClicked)
        self.setItemDelegate(LineCell(self, front=False))
        self.body.setItemDelegate(LineCell(self, front=True))

    def end_writing(self, cell: LineCell, field: QLineEdit, down: int, across: int) -> None:
        self.setFocus()  # before the rows may be shown anew
        cell.commitData.emit(field)
        cell.closeEditor.emit(field)
        self.go(down, across)

    def go(self, down: int, across: int) -> None:
        index = self.currentIndex()
        if not index.isValid():
            return
        row, place = index.row() + down, index.column() + across
        if across and not self.lines.is_open(place):
            row, place = row + across, next((p for p in range(self.lines.columnCount()) if self.lines.is_open(p)), 0)
        if 0 <= row < self.lines.rowCount():
            self.selectionModel().setCurrentIndex(
                self.lines.index(row, place), QItemSelectionModel.SelectionFlag.ClearAndSelect
            )

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, held = event.key(), event.modifiers()
        control = bool(held & Qt.KeyboardModifier.ControlModifier)
        opens = self.currentIndex().isValid() and self.lines.is_open(self.currentIndex().column())
        if event.matches(QKeySequence.StandardKey.Paste):
            self.paste_wanted.emit()
        elif key == Qt.Key.Key_Delete:
            self.remove_wanted.emit()
        elif key == Qt.Key.Key_Insert:
            self.add_wanted.emit()
        elif key in ENTER and not control:
            self.go(-1 if held & Qt.KeyboardModifier.ShiftModifier else 1, 0)
        elif key in TAB and not control:
            self.go(0, -1 if key == Qt.Key.Key_Backtab else 1)
        elif opens and (key == Qt.Key.Key_F2 or (event.text() and event.text().isprintable() and not control)):
            QAbstractItemView.keyPressEvent(self, event)
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        """Tab goes through the cells, Ctrl+Tab leaves the table."""
        if event.type() in (QEvent.Type.KeyPress, QEvent.Type.ShortcutOverride) and cast("QKeyEvent", event).key() in TAB:
            key = cast("QKeyEvent", event)
            if event.type() == QEvent.Type.ShortcutOverride:  # or the page would turn to its next tab
                event.accept()
                return True
            if key.modifiers() & Qt.KeyboardModifier.ControlModifier:
                return bool(self.focusNextPrevChild(key.key() == Qt.Key.Key_Tab))
            self.keyPressEvent(key)
            return True
        return super().event(event)


class LinesTable(Table):
    MODEL, GRID = LinesModel, LinesGrid

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        self.desk_look = desk.look
        super().__init__(desk, parent)
        self.model.texts = desk.texts
        self.condition.hide()
        desk.look.changed.connect(self.grid.viewport().update)

    def put(self, draft: Draft, sheet: Any, offered: list[str], writable: bool) -> None:
        """The draft as it is now; the current cell stays."""
        model, grid = self.model, self.grid
        model.draft, model.writable, grid.offered = draft, writable, offered
        old = self.worksheet().keys
        if old is None or list(old) != list(sheet.keys) or not self.renew(sheet):
            self.set_worksheet(sheet, frozen=1)

    def place(self) -> tuple[int | None, str]:
        """Row number and column of the current cell."""
        index = self.grid.currentIndex()
        if not index.isValid():
            return None, COLUMNS[0]
        return int(self.model.key_at(index.row())), self.model.column(index.column()).id

    def numbers(self) -> list[int]:
        """Of the selected rows."""
        keys = self.worksheet().keys
        return [] if keys is None else [int(keys[row]) for row in self.selected_rows()]
