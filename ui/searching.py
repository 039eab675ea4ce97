"""A field that finds a code by code, name or pinyin initials as one types: the list under it is chosen from by keys or mouse."""

from __future__ import annotations

import re

from PySide6.QtCore import QEvent, QPoint, QRect, QSize, QStringListModel, Qt, Signal
from PySide6.QtGui import QColor, QFocusEvent, QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QLineEdit,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from ui.desk import Desk
from ui.finder import Entry, Index
from ui.look import GAP

SHOWN = 12
BETWEEN = re.compile(r"[\s,，、;；|+]+")  # what people put between codes


class _Row(QStyledItemDelegate):
    """The code to the left, its name beside it."""

    def __init__(self, desk: Desk, parent: SearchField) -> None:
        super().__init__(parent)
        self._desk, self._field = desk, parent

    def sizeHint(self, option: QStyleOptionViewItem, index: object) -> QSize:
        return QSize(100, option.fontMetrics.height() + 8)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: object) -> None:
        entry = self._field.offered[index.row()]
        colours, metrics = self._desk.look.colours, option.fontMetrics
        painter.save()
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(option.rect, QColor(colours.accent_soft))
        box = option.rect.adjusted(GAP, 0, -GAP, 0)
        wide = max(
            80, max((metrics.horizontalAdvance(one.code) for one in self._field.offered), default=0) + 2 * GAP
        )
        place = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        painter.setPen(QColor(colours.accent))
        painter.drawText(box, place, entry.code)
        painter.setPen(QColor(colours.text))
        right = QRect(box.left() + wide, box.top(), max(0, box.width() - wide), box.height())
        painter.drawText(right, place, metrics.elidedText(entry.title, Qt.TextElideMode.ElideRight, right.width()))
        painter.restore()


class SearchField(QLineEdit):
    """One code, or several with anything between them; what is typed is looked for as one types.

    `offered`: what the list under the field holds. `settled` says that the content is complete: chosen, Enter, or left.
    """

    settled = Signal()

    def __init__(self, desk: Desk, over: QWidget, several: bool = False) -> None:
        super().__init__()
        self._desk, self._several = desk, several
        self._over = over  # what the list lies over; it goes with it wherever that goes
        self._index = Index([])
        self._names: dict[str, str] = {}
        self.offered: list[Entry] = []
        self._model = QStringListModel(self)
        self.list = QListView(over)
        self.list.hide()
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setModel(self._model)
        self.list.setItemDelegate(_Row(desk, self))
        self.list.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setUniformItemSizes(True)
        self.list.clicked.connect(lambda index: self._take(index.row()))
        self.textEdited.connect(lambda _: self._offer())

    # What it holds

    def put(self, index: Index, names: dict[str, str]) -> None:
        """What can be found, and the names of codes."""
        self._index, self._names = index, names

    def codes(self) -> tuple[str, ...]:
        return tuple(part for part in BETWEEN.split(self.text().strip()) if part)

    def code(self) -> str:
        codes = self.codes()
        return codes[0] if codes else ""

    def name(self) -> str:
        """What the codes are called; what is not known stays out."""
        found = [self._names.get(code, "") for code in self.codes()]
        return self._desk.texts.listed(name for name in found if name)

    # The list under it

    def _span(self) -> tuple[int, int]:
        """Where the word under the cursor begins and ends."""
        if not self._several:
            return 0, len(self.text())
        text, at = self.text(), self.cursorPosition()
        begin = at
        while begin > 0 and not BETWEEN.fullmatch(text[begin - 1]):
            begin -= 1
        end = at
        while end < len(text) and not BETWEEN.fullmatch(text[end]):
            end += 1
        return begin, end

    def _offer(self) -> None:
        begin, end = self._span()
        word = self.text()[begin:end].strip()
        found = self._index.find(word, SHOWN) if word else []
        # A whole code that is typed out needs no list.
        if len(found) == 1 and found[0].code.lower() == word.lower():
            found = []
        self.offered = found
        self._model.setStringList([entry.title for entry in found])
        if not found:
            self.list.hide()
            return
        row = max(1, self.list.sizeHintForRow(0))
        host = self._over
        size = QSize(max(self.width(), 460), row * len(found) + 4)
        place = self.mapTo(host, QPoint(0, self.height()))
        if place.y() + size.height() > host.height():
            place = self.mapTo(host, QPoint(0, -size.height()))
        self.list.setGeometry(QRect(place, size))
        self.list.setCurrentIndex(self._model.index(0))
        self.list.show()
        self.list.raise_()

    def _take(self, row: int) -> None:
        if not 0 <= row < len(self.offered):
            return
        begin, end = self._span()
        text, code = self.text(), self.offered[row].code
        self.setText(text[:begin] + code + text[end:])
        self.setCursorPosition(begin + len(code))
        self.list.hide()
        self.settled.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, row = Qt.Key(event.key()), self.list.currentIndex().row()
        if self.list.isVisible():
            if key in (Qt.Key.Key_Down, Qt.Key.Key_Up):
                row = (row + (1 if key == Qt.Key.Key_Down else -1)) % max(1, len(self.offered))
                self.list.setCurrentIndex(self._model.index(row))
                return
            if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._take(row)
                return
            if key == Qt.Key.Key_Escape:
                self.list.hide()
                return
        elif key == Qt.Key.Key_Down:
            self._offer()
            return
        super().keyPressEvent(event)
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.settled.emit()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.list.hide()
        self.settled.emit()

    def hideEvent(self, event: QEvent) -> None:
        self.list.hide()
        super().hideEvent(event)
