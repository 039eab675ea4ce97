"""The menu of a column: sort, filter by values or by condition, hide, freeze. Every part is reached by keyboard."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QKeyEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from core.money import decimal
from core.worksheet import Column
from ui.look import set_role
from ui.table.rows import Distinct, Filter, is_number

if TYPE_CHECKING:
    from core.texts import Texts

TEXT_OPS = ("contains", "without", "begins", "=", "!=")
NUMBER_OPS = (">=", "<=", ">", "<", "=", "!=", "between")
PLAIN = Qt.ItemDataRole.UserRole


class ColumnMenu(QFrame):
    """`ask_values(needle)` is expected to answer, sooner or later, by `show_values`."""

    sort_wanted = Signal(bool)  # descending
    filter_wanted = Signal(object)  # Filter, or None for no filter
    hide_wanted = Signal()
    freeze_wanted = Signal()
    closed = Signal()

    def __init__(
        self,
        column: Column,
        title: str,
        unit: str,
        current: Filter | None,
        texts: Texts,
        ask_values: Callable[[str], None],
        show: Callable[[str], str],
        parent: QWidget,
    ) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("columnMenu")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self._column, self._texts, self._ask, self._show = column, texts, ask_values, show
        self._current = current or Filter()
        self._chosen: frozenset[str] | None = self._current.values
        self._shown: Distinct | None = None
        self._filling = False

        box = QVBoxLayout(self)
        box.setContentsMargins(10, 8, 10, 10)
        box.setSpacing(6)
        name = QLabel(f"<b>{title}</b>" + (f" <span>({unit})</span>" if unit else ""))
        name.setTextFormat(Qt.TextFormat.RichText)
        box.addWidget(name)
        number = is_number(column)
        row = QHBoxLayout()
        self.ascending = self._button("table.ascending_number" if number else "table.ascending_text")
        self.descending = self._button("table.descending_number" if number else "table.descending_text")
        self.ascending.clicked.connect(lambda: self._done(lambda: self.sort_wanted.emit(False)))
        self.descending.clicked.connect(lambda: self._done(lambda: self.sort_wanted.emit(True)))
        row.addWidget(self.ascending)
        row.addWidget(self.descending)
        box.addLayout(row)
        row = QHBoxLayout()
        self.freeze = self._button("table.freeze_here")
        self.freeze.clicked.connect(lambda: self._done(self.freeze_wanted.emit))
        self.hide_column = self._button("table.hide")
        self.hide_column.clicked.connect(lambda: self._done(self.hide_wanted.emit))
        row.addWidget(self.freeze)
        row.addWidget(self.hide_column)
        box.addLayout(row)

        line = QFrame()
        line.setFixedHeight(1)
        set_role(line, "rule")
        box.addWidget(line)
        row = QHBoxLayout()
        self.op = QComboBox()
        self.op.addItem(texts("table.op.none"), "")
        for op in NUMBER_OPS if number else TEXT_OPS:
            self.op.addItem(texts(f"table.op.{op}"), op)
        self.first, self.second = QLineEdit(), QLineEdit()
        for field in (self.first, self.second):
            field.setPlaceholderText(unit if number and unit else texts("table.op_value"))
            field.returnPressed.connect(self._apply)
            field.textEdited.connect(self._op_by_typing)
        row.addWidget(self.op)
        row.addWidget(self.first, 1)
        row.addWidget(self.second, 1)
        box.addLayout(row)
        self.op.setCurrentIndex(max(0, self.op.findData(self._current.op)))
        self.first.setText(self._current.first)
        self.second.setText(self._current.second)
        self.op.currentIndexChanged.connect(self._op_changed)
        self._op_changed()

        self.search = QLineEdit()
        self.search.setPlaceholderText(texts("table.search_values"))
        self.search.setClearButtonEnabled(True)
        self.search.returnPressed.connect(self._apply)
        self._pause = QTimer(self, singleShot=True, interval=150)
        self._pause.timeout.connect(lambda: self._ask(self.search.text()))
        self.search.textEdited.connect(lambda: self._pause.start())
        box.addWidget(self.search)
        self.values = QListWidget()
        self.values.setUniformItemSizes(True)
        self.values.setMinimumHeight(190)
        self.values.itemChanged.connect(self._ticked)
        self.values.installEventFilter(self)
        box.addWidget(self.values, 1)
        self.more = QLabel()
        self.more.setWordWrap(True)
        self.more.hide()
        box.addWidget(self.more)
        row = QHBoxLayout()
        self.clear = self._button("table.clear_filter")
        self.clear.clicked.connect(lambda: self._done(lambda: self.filter_wanted.emit(None)))
        self.apply = self._button("table.apply")
        self.apply.setDefault(True)
        self.apply.clicked.connect(self._apply)
        row.addWidget(self.clear)
        row.addStretch(1)
        row.addWidget(self.apply)
        box.addLayout(row)
        self.setMinimumWidth(300)
        self.search.setFocus()

    def _button(self, key: str) -> QPushButton:
        button = QPushButton(self._texts(key))
        button.setAutoDefault(True)
        return button

    def show_values(self, found: Distinct) -> None:
        """The checklist. Typing narrows it, and what is then shown is what is ticked, as in Excel."""
        self._filling = True
        self._shown = found
        self.values.clear()
        every = QListWidgetItem(self._texts("table.all_values"))
        every.setFlags(
            Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable | Qt.ItemFlag.ItemIsSelectable
        )
        self.values.addItem(every)
        narrowed = bool(self.search.text())
        for text, count in zip(found.texts, found.counts, strict=True):
            item = QListWidgetItem(
                f"{self._show(text) if text else self._texts('table.empty_cell')}   ({count:,})"
            )
            item.setFlags(every.flags())
            item.setData(PLAIN, text)
            ticked = narrowed or self._chosen is None or text in self._chosen
            item.setCheckState(Qt.CheckState.Checked if ticked else Qt.CheckState.Unchecked)
            self.values.addItem(item)
        self._tick_every()
        self.more.setVisible(found.more > 0)
        self.more.setText(self._texts("table.more_values", count=f"{found.more:,}"))
        self._filling = False

    def _items(self) -> list[QListWidgetItem]:
        return [self.values.item(i) for i in range(1, self.values.count())]

    def _tick_every(self) -> None:
        states = {item.checkState() for item in self._items()}
        every = self.values.item(0)
        if every is not None:
            every.setCheckState(states.pop() if len(states) == 1 else Qt.CheckState.PartiallyChecked)

    def _ticked(self, item: QListWidgetItem) -> None:
        if self._filling:
            return
        self._filling = True
        if item is self.values.item(0):
            for other in self._items():
                other.setCheckState(item.checkState())
        else:
            self._tick_every()
        self._filling = False

    def _op_changed(self) -> None:
        op = self.op.currentData()
        self.first.setVisible(bool(op))
        self.second.setVisible(op == "between")
        if op and self.isVisible():
            self.first.setFocus()

    def _op_by_typing(self) -> None:
        if not self.op.currentData():
            self.op.setCurrentIndex(1)

    def _apply(self) -> None:
        op = self.op.currentData() or ""
        if op and not self.first.text().strip():
            op = ""
        if op and is_number(self._column):
            for field in (self.first, self.second) if op == "between" else (self.first,):
                try:
                    decimal(field.text().replace(",", ""))
                except ValueError:
                    field.setFocus()
                    field.selectAll()
                    field.setToolTip(self._texts("table.no_number"))
                    field.setProperty("bad", True)
                    field.style().polish(field)
                    return
        if self._pause.isActive():  # Enter came before the list followed the typing
            self._pause.stop()
            if not op:
                needle = self.search.text().strip()
                wanted = Filter(op="contains", first=needle) if needle else None
                self._done(lambda: self.filter_wanted.emit(wanted))
                return
        values = self._chosen
        if self._shown is not None:
            ticked = [
                item.data(PLAIN) for item in self._items() if item.checkState() == Qt.CheckState.Checked
            ]
            complete = len(ticked) == len(self._shown.texts)
            needle = self.search.text().strip()
            if needle and complete and self._shown.more and not op:
                op, self_first = "contains", needle
                wanted = Filter(op=op, first=self_first)
                self._done(lambda: self.filter_wanted.emit(wanted))
                return
            if needle or not complete:
                values = frozenset(ticked)
            elif not self._shown.more:
                values = None
        wanted = Filter(
            values, op, self.first.text().strip() if op else "", self.second.text().strip() if op else ""
        )
        self._done(lambda: self.filter_wanted.emit(None if wanted == Filter() else wanted))

    def _done(self, then: Callable[[], None]) -> None:
        then()
        self.close()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        pressed = (
            event.key() if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress else None
        )
        if watched is self.values and pressed in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._apply()
            return True
        return super().eventFilter(watched, event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.close()
            return
        super().keyPressEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        self.closed.emit()
        super().closeEvent(event)
