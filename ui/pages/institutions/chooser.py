"""All institutions in a list, narrowed as one types by code, name or pinyin; the arrow keys walk through it from the field."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLabel, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from ui.desk import Desk
from ui.dialogs import EscapeField
from ui.look import ROW, TIGHT, set_role

if TYPE_CHECKING:
    from core.lookup import Lookup
    from core.storage.contents import Name

WIDE = 214


class Chooser(QWidget):
    """`chosen(code)` for every institution that becomes the current one, by whatever way."""

    chosen = Signal(str)

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk, self._texts = desk, desk.texts
        self._names: tuple[Name, ...] = ()
        self._lookup: Lookup | None = None
        self._code = ""
        self.field = EscapeField(placeholderText=self._texts("institutions.seek"), clearButtonEnabled=True)
        self.field.setToolTip(self._texts("institutions.seek_tip"))
        self.field.setAccessibleName(self._texts("institutions.seek"))
        self.field.textChanged.connect(lambda _: self._narrow())
        self.field.installEventFilter(self)
        self.list = QListWidget()
        self.list.setUniformItemSizes(True)
        self.list.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setAccessibleName(self._texts("institutions.list"))
        self.list.currentItemChanged.connect(self._moved)
        self.count = QLabel()
        set_role(self.count, "muted")
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(TIGHT)
        box.addWidget(self.field)
        box.addWidget(self.list, 1)
        box.addWidget(self.count)
        self.setFixedWidth(WIDE)
        self.setFocusProxy(self.field)

    @property
    def code(self) -> str:
        return self._code

    def put(self, names: Sequence[Name]) -> None:
        """Who there is; the current one stays if it still is."""
        if tuple(names) == self._names:
            return
        self._names, self._lookup = tuple(names), None
        self._fill(range(len(self._names)))

    def choose(self, code: str) -> bool:
        """Make this institution the current one; False where there is none of that code."""
        if code not in (one.code for one in self._names):
            return False
        if not self._select(code):
            self.field.clear()  # it was narrowed away
            self._select(code)
        return True

    def step(self, way: int) -> None:
        """The next one of the list, or the one before."""
        row = self.list.currentRow() + way
        if 0 <= row < self.list.count():
            self.list.setCurrentRow(row)

    def _select(self, code: str) -> bool:
        for row in range(self.list.count()):
            if self.list.item(row).data(Qt.ItemDataRole.UserRole) == code:
                self.list.setCurrentRow(row)
                self.list.scrollToItem(self.list.item(row))
                return True
        return False

    def _narrow(self) -> None:
        from core.lookup import Lookup

        if self._lookup is None:
            self._lookup = Lookup([((one.code,), one.name) for one in self._names])
        text = self.field.text().strip()
        self._fill(self._lookup.find(text)[0].tolist() if text else range(len(self._names)))

    def _fill(self, rows: Sequence[int]) -> None:
        self.list.blockSignals(True)
        self.list.clear()
        for row in rows:
            one = self._names[row]
            item = QListWidgetItem(one.name)
            item.setData(Qt.ItemDataRole.UserRole, one.code)
            item.setToolTip(f"{one.name}\n{one.code}")
            item.setSizeHint(QSize(WIDE - 20, ROW))
            self.list.addItem(item)
        self.list.setCurrentRow(-1)
        self._select(self._code)
        self.list.blockSignals(False)
        shown = self._texts("institutions.listed", shown=len(rows), whole=len(self._names))
        self.count.setText(shown if rows else self._texts("institutions.none_found"))

    def _moved(self, item: QListWidgetItem | None, _: object = None) -> None:
        code = str(item.data(Qt.ItemDataRole.UserRole)) if item is not None else ""
        if code and code != self._code:
            self._code = code
            self.chosen.emit(code)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.field and event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            key = event.key()
            if key in (Qt.Key.Key_Down, Qt.Key.Key_Up):
                if self.list.currentRow() < 0:
                    self.list.setCurrentRow(0)
                else:
                    self.step(1 if key == Qt.Key.Key_Down else -1)
                return True
            if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.list.count():
                if self.list.currentRow() < 0:
                    self.list.setCurrentRow(0)  # the best fit
                return True
        return super().eventFilter(watched, event)
