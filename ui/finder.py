"""Ctrl+K: any page, action, institution or disease group by name, code or pinyin, as you type."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from PySide6.QtCore import (
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QFrame,
    QLineEdit,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from ui.desk import Desk
from ui.look import GAP

if TYPE_CHECKING:
    from core.lookup import Lookup

SHOWN = 40
TALLEST = 430  # pixels


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that can be found. kind: page, action, institution, group; keys: its shortcut, where it has one."""

    kind: str
    code: str
    title: str
    keys: str = ""


class Index:
    """What can be found, in the order of preference among equals."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = list(entries)
        self._lookup: Lookup | None = None

    def __len__(self) -> int:
        return len(self._entries)

    def prepared(self) -> Self:
        """Twelve thousand groups take a fraction of a second: call it in a job. Else the first search does."""
        from core.lookup import Lookup  # loads numpy, which the first paint does without

        if self._lookup is None:
            self._lookup = Lookup([((entry.code,), entry.title) for entry in self._entries])
        return self

    def find(self, text: str, limit: int = SHOWN) -> list[Entry]:
        """Entries that hold every word of `text` in name, code or pinyin; those that begin with it first."""
        if not text.strip():
            return [entry for entry in self._entries[:limit] if entry.kind in ("page", "action")]
        self.prepared()
        assert self._lookup is not None
        places, _ = self._lookup.find(text)
        return [self._entries[place] for place in places[:limit].tolist()]


class _Found(QAbstractListModel):
    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.entries: list[Entry] = []

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.entries)

    def data(
        self, index: QModelIndex | QPersistentModelIndex, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if role == Qt.ItemDataRole.DisplayRole:
            return self.entries[index.row()].title
        return None

    def put(self, entries: list[Entry]) -> None:
        self.beginResetModel()
        self.entries = entries
        self.endResetModel()


class _Row(QStyledItemDelegate):
    """The name to the left, code and kind muted to the right."""

    def __init__(self, desk: Desk, parent: QObject) -> None:
        super().__init__(parent)
        self._desk = desk

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(100, option.fontMetrics.height() + 12)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        model = index.model()
        assert isinstance(model, _Found)
        entry = model.entries[index.row()]
        colours = self._desk.look.colours
        painter.save()
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(option.rect, QColor(colours.accent_soft))
        box = option.rect.adjusted(GAP, 0, -GAP, 0)
        kind = self._desk.texts(f"ui.finder.{entry.kind}")
        beside = entry.keys if entry.kind in ("page", "action") else entry.code
        right = f"{beside}   {kind}" if beside else kind
        width = option.fontMetrics.horizontalAdvance(right)
        painter.setPen(QColor(colours.muted))
        painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, right)
        painter.setPen(QColor(colours.text))
        left = QRect(box)
        left.setWidth(max(0, box.width() - width - 2 * GAP))
        title = option.fontMetrics.elidedText(entry.title, Qt.TextElideMode.ElideRight, left.width())
        painter.drawText(left, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, title)
        painter.restore()


class Finder(QFrame):
    """Lies over the window's top. `chosen` carries the Entry; Esc or a click elsewhere puts it away."""

    chosen = Signal(object)

    def __init__(self, desk: Desk, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("finder")
        self.setAutoFillBackground(True)
        self._index = Index([])
        self._came_from: QWidget | None = None
        self.field = QLineEdit()
        self.field.setPlaceholderText(desk.texts("ui.finder.hint"))
        self.field.setAccessibleName(desk.texts("ui.finder.hint"))
        self.field.textChanged.connect(self._search)
        self.field.installEventFilter(self)
        self._found = _Found(self)
        self.list = QListView()
        self.list.setModel(self._found)
        self.list.setItemDelegate(_Row(desk, self.list))
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setUniformItemSizes(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.clicked.connect(self._choose)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(1, 1, 1, 1)
        layout.setSpacing(0)
        layout.addWidget(self.field)
        layout.addWidget(self.list)
        self.hide()

    def put(self, index: Index) -> None:
        self._index = index
        if self.isVisible():
            self._search(self.field.text())

    def pop(self, came_from: QWidget | None) -> None:
        """Show it, empty, with the keyboard; the keyboard goes back to `came_from` when it is put away."""
        self._came_from = came_from
        parent = self.parentWidget()
        width = min(640, parent.width() - 2 * GAP)
        self.setGeometry((parent.width() - width) // 2, 44, width, TALLEST)
        self.field.clear()
        self._search("")
        self.show()
        self.raise_()
        self.field.setFocus()

    def entries(self) -> list[Entry]:
        """What is found now."""
        return list(self._found.entries)

    def _search(self, text: str) -> None:
        self._found.put(self._index.find(text))
        if self._found.entries:
            self.list.setCurrentIndex(self._found.index(0))
        rows = max(1, len(self._found.entries)) * max(1, self.list.sizeHintForRow(0))
        tallest = min(TALLEST, self.parentWidget().height() - 80)
        self.resize(self.width(), min(tallest, self.field.sizeHint().height() + rows + 4))

    def _choose(self, index: QModelIndex) -> None:
        if not index.isValid():
            return
        entry = self._found.entries[index.row()]
        self._put_away()
        self.chosen.emit(entry)

    def _put_away(self) -> None:
        self.hide()
        if self._came_from is not None:
            self._came_from.setFocus()
        self._came_from = None

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.field:
            if event.type() == QEvent.Type.FocusOut and self.isVisible():
                self.hide()
            elif isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
                return self._steer(event)
        return super().eventFilter(watched, event)

    def _steer(self, event: QKeyEvent) -> bool:
        steps = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: 10, Qt.Key.Key_PageUp: -10}
        key = Qt.Key(event.key())
        if key == Qt.Key.Key_Escape:
            self._put_away()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._choose(self.list.currentIndex())
        elif key in steps and self._found.entries:
            row = min(max(self.list.currentIndex().row() + steps[key], 0), len(self._found.entries) - 1)
            self.list.setCurrentIndex(self._found.index(row))
        else:
            return False
        return True
