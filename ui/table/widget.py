"""Table: the widget that pages put on screen for every worksheet they have. It joins the parts that this room has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QModelIndex, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QHBoxLayout, QMenu, QPushButton, QVBoxLayout, QWidget

from core.worksheet import Column, Worksheet
from ui.look import GAP, TIGHT
from ui.menu_button import MenuButton
from ui.table import copying, exporting
from ui.table.arrangement import Arrangement, View
from ui.table.condition_field import ConditionField
from ui.table.finding import FindField
from ui.table.foot import Across, Foot
from ui.table.grid import Grid, Totals
from ui.table.kept_columns import KeptColumns
from ui.table.menu import ColumnMenu
from ui.table.menus import fill_columns_menu, open_cell_menu, open_column_menu
from ui.table.model import EMPTY, SheetModel
from ui.table.nothing import Nothing
from ui.table.rows import Filter, picked, total_of
from ui.table.selection import Position, Selection

if TYPE_CHECKING:
    from ui.desk import Changes, Desk


class Table(QWidget):
    """See `core.worksheet.Worksheet` for what it shows.

    `cell_menu(menu, row_key, column_id)`, when set, adds the page's own entries to a cell's menu.
    `groups` of `set_worksheet`: column id -> title of the band above its heading. MODEL and GRID: for a table that is
    written into (`ui.pages.coefficients.grid`).
    """

    MODEL, GRID = SheetModel, Grid

    activated = Signal(object, str)  # row key, column id: double click or Enter
    current_changed = Signal(object, str)
    total_activated = Signal(str)  # column id, double click on a total
    arranged = Signal()  # rows, order or columns that show are different

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.desk, self.texts = desk, desk.texts
        self._empty: tuple[str, str, Callable[[], None] | None] = ("", "", None)
        self._frozen_by_page = 0
        self._place = place = f"table.{id(self):x}"  # of its jobs
        self.cell_menu: Callable[[QMenu, Any, str], None] | None = None
        self.widest: dict[str, int] = {}  # column id -> pixels, for sentences that are to be read whole

        self.model = self.MODEL(self)
        self.model.language = self.texts.lang
        self.model.wan = desk.wan
        self.grid = self.GRID(self.model, self.texts, self)
        self.totals = Totals(self.grid, self.model, self)
        self.totals.label = self.texts("table.total")
        self.across = Across(self.grid, self)
        self.foot = Foot(self.model, self.texts)
        self.arrangement = Arrangement(desk, place, self._say_status)
        self.selection = Selection(self.grid, self.model, self.texts)
        self.kept = KeptColumns(desk, self.grid, self.model)
        self.find_field = FindField(desk, place, self.grid, self.model, self.visible_columns)
        self.condition = ConditionField(self.texts)
        self.nothing = Nothing(self.grid)
        self._build()
        self._connect()
        self.set_worksheet(EMPTY)

    # Building.

    def _build(self) -> None:
        texts = self.texts
        self.clear_filters = QPushButton(texts("table.clear_filters"))
        self.clear_filters.hide()
        self.columns = MenuButton(texts("table.columns"), lambda menu: fill_columns_menu(menu, self))
        self.export = MenuButton(texts("table.export"), lambda menu: exporting.fill_menu(menu, self))

        self.bar = QHBoxLayout()
        self.bar.setContentsMargins(0, 0, 0, 0)
        self.bar.setSpacing(GAP)
        for widget, stretch in (
            (self.find_field, 2),
            (self.find_field.said, 0),
            (self.condition, 4),
            (self.clear_filters, 0),
            (self.columns, 0),
            (self.export, 0),
        ):
            self.bar.addWidget(widget, stretch)

        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(TIGHT)
        box.addLayout(self.bar)
        body = QVBoxLayout()
        body.setSpacing(0)
        body.addWidget(self.grid, 1)
        body.addWidget(self.totals)
        body.addWidget(self.across)
        box.addLayout(body, 1)
        box.addLayout(self.foot)
        self.setFocusProxy(self.grid)

    def _connect(self) -> None:
        grid = self.grid
        for heading in (grid.heading, grid.front):
            heading.sort_wanted.connect(self._sort_clicked)
            heading.menu_wanted.connect(self.open_menu)
        grid.menu_wanted.connect(lambda place: self.open_menu(place, None))
        grid.activated_cell.connect(self._activate)
        grid.find_wanted.connect(self.start_find)
        grid.copy_wanted.connect(self.copy)
        grid.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        grid.customContextMenuRequested.connect(lambda at: open_cell_menu(self, at))
        self.totals.activated.connect(self.total_activated)
        self.find_field.hit.connect(self.selection.make_current)
        self.condition.returnPressed.connect(lambda: self.set_condition(self.condition.text()))
        self.condition.textChanged.connect(self._condition_edited)
        self.condition.unreadable.connect(self.foot.complain)
        for field in (self.find_field, self.condition):
            field.left.connect(grid.setFocus)
        self.clear_filters.clicked.connect(self.clear_all_filters)
        self.desk.changed.connect(self._desk_changed)
        self._sum_pause = QTimer(self, singleShot=True, interval=40)
        self._sum_pause.timeout.connect(self._say_selected)
        # The selection model belongs to the grid for good: a reset keeps it.
        grid.selectionModel().selectionChanged.connect(lambda: self._sum_pause.start())
        grid.selectionModel().currentChanged.connect(self._current_changed)
        for keys, does in (
            ("Ctrl+F", lambda: self.start_find("")),
            ("F3", lambda: self.find_field.step(1)),
            ("Shift+F3", lambda: self.find_field.step(-1)),
        ):
            action = QAction(self)
            action.setShortcut(QKeySequence(keys))
            action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            action.triggered.connect(does)
            self.addAction(action)

    # What pages show.

    def set_worksheet(
        self,
        sheet: Worksheet,
        frozen: int = 2,
        groups: dict[str, str] | None = None,
        only: np.ndarray | None = None,
        short: dict[str, str] | None = None,
    ) -> None:
        """Show a worksheet. One with the same id keeps filters, order, place and current cell. `only`: see `show_only`.
        `short`: column id -> what stands in its heading, where the band above says the rest of the title."""
        again = sheet.id == self.model.sheet.id and bool(sheet.id)
        current = self.selection.current_in(sheet) if again else None
        self.arrangement.drop()
        self.find_field.forget()
        self._frozen_by_page = frozen
        for heading in (self.grid.heading, self.grid.front):
            heading.groups = groups or {}
            heading.short = short or {}
        arrangement, ids = self.arrangement, {column.id for column in sheet.columns}
        arrangement.take(sheet)
        if again:
            wanted = arrangement.wanted
            filters = {name: one for name, one in wanted.filters.items() if name in ids}
            order = wanted.order
            condition = None if wanted.condition is None else self.condition.read(sheet)
        else:
            filters, condition = {}, None
            self.find_field.clear()
            order = self.kept.order_of(sheet.id)
        if order is not None and order[0] not in ids:
            order = None
        arrangement.wanted = replace(
            arrangement.wanted, filters=filters, condition=condition, order=order, only=only
        )
        if not again:
            self.condition.clear()
        self.condition.explain(sheet)
        for widget in (self.find_field, self.condition, self.columns, self.export):
            widget.setEnabled(bool(sheet.columns))
        self.model.show_sheet(sheet)
        self.grid.setAccessibleName(sheet.title.get(self.texts.lang) or self.texts("table.named"))
        self._dress()
        self.totals.setVisible(any(column.total for column in sheet.columns))
        self.totals.values = {}
        self._arrange(current)

    def renew(self, sheet: Worksheet) -> bool:
        """New values in as many rows of the same columns: widths, order and selection stay, and nothing is arranged anew.
        False if the worksheet is another one; then nothing happened."""
        old = self.model.sheet
        if not old.id or old.rows != sheet.rows or [c.id for c in old.columns] != [c.id for c in sheet.columns]:
            return False
        self.arrangement.take(sheet)
        self.find_field.outdate()
        self.model.renew(sheet)
        passed = None if self.model.order is None else np.sort(self.model.order)
        self.totals.values = {c.id: total_of(sheet, c, passed) for c in sheet.columns if c.total}
        for part in (self.grid.viewport(), self.grid.body.viewport(), self.totals):
            part.update()
        return True

    def set_empty(self, text: str, button: str = "", action: Callable[[], None] | None = None) -> None:
        """What stands where there are no rows, with the button that does something about it."""
        self._empty = (text, button, action)
        self._show_nothing()

    def add_tool(self, widget: QWidget, at: int = -1) -> None:
        """A widget of the page in the table's line of tools."""
        self.bar.insertWidget(at, widget)

    # What pages ask.

    def worksheet(self) -> Worksheet:
        return self.model.sheet

    def visible_rows(self) -> np.ndarray:
        """Worksheet rows that show, in the order they show."""
        return np.arange(self.model.sheet.rows) if self.model.order is None else self.model.order

    def visible_columns(self) -> list[Column]:
        return [self.model.column(place) for place in self.kept.places()]

    def shown(self) -> Worksheet:
        """What shows as a worksheet of its own: all rows that passed the filters, the columns that are not hidden."""
        return picked(self.model.sheet, self.visible_columns(), self.model.order)

    def current_row(self) -> int:
        """The worksheet's row of the current cell; -1 without one."""
        current = self.selection.current()
        return -1 if current is None else current[0]

    def selected_rows(self) -> list[int]:
        """Worksheet rows with a selected cell, in the order they show."""
        return self.selection.rows()

    def select(self, row_key: object, column_id: str = "") -> bool:
        """Make a cell current, if its row shows."""
        place = max(0, self.model.place(column_id)) if column_id else None
        return self.selection.go_to_key(row_key, place)

    # Which rows show.

    def show_only(self, rows: np.ndarray | None) -> None:
        """Only these rows, in their order where no column is sorted; filters and totals go on top. None: all."""
        self._want(only=rows)

    def filters(self) -> dict[str, Filter]:
        return dict(self.arrangement.wanted.filters)

    def set_filter(self, column_id: str, wanted: Filter | None) -> None:
        filters = self.filters()
        filters.pop(column_id, None)
        self._want(filters=filters if wanted is None else {**filters, column_id: wanted})

    def set_condition(self, text: str) -> bool:
        """Column against column; an empty text lets everything through. False if the text cannot be read."""
        if self.condition.text() != text:
            self.condition.setText(text)
        if not text.strip():
            if self.arrangement.wanted.condition is not None:
                self._want(condition=None)
            return True
        condition = self.condition.read(self.model.sheet)
        if condition is None:
            return False
        self._want(condition=condition)
        return True

    def clear_all_filters(self) -> None:
        self.arrangement.wanted = replace(self.arrangement.wanted, filters={}, condition=None)
        self.condition.clear()
        self._arrange(self.selection.current())

    def sort(self, column_id: str, descending: bool = False) -> None:
        order = (column_id, descending) if column_id else None
        self.kept.keep_order(order)
        self._want(order=order)

    def _sort_clicked(self, place: int) -> None:
        """Up, down, as it came."""
        name, order = self.model.column(place).id, self.arrangement.wanted.order
        if order is None or order[0] != name:
            self.sort(name)
        elif not order[1]:
            self.sort(name, True)
        else:
            self.sort("")

    def _want(self, **changes: Any) -> None:
        self.arrangement.wanted = replace(self.arrangement.wanted, **changes)
        self._arrange(self.selection.current())

    def _arrange(self, current: Position | None) -> None:
        """`current` is current again once it is known which rows show."""
        self.arrangement.work_out(lambda view: self._show(view, current))

    def _show(self, view: View, current: Position | None) -> None:
        if not (self.model.order is None and view.rows is None):
            self.model.show_rows(view.rows)
            self._dress()
        self.totals.values = view.totals
        self.totals.update()
        self.find_field.outdate()
        self._marks()
        if current is not None:
            self.selection.go_to(*current)
        self._show_nothing()
        self._say_status()
        self.foot.selected.clear()
        self.arranged.emit()

    def _marks(self) -> None:
        """What the headings and the line of tools say of order and filters."""
        wanted = self.arrangement.wanted
        for heading in (self.grid.heading, self.grid.front):
            heading.sorted_by = wanted.order
            heading.filtered = frozenset(wanted.filters)
            heading.viewport().update()
        self.clear_filters.setVisible(bool(wanted.filters) or wanted.condition is not None)

    def _show_nothing(self) -> None:
        if self.model.sheet.rows:
            self.nothing.say(
                self.texts("table.nothing_passes"), self.texts("table.clear_filters"), self.clear_all_filters
            )
        else:
            text, button, action = self._empty
            self.nothing.say(text or self.texts("table.no_rows"), button, action)
        self.nothing.show_if(self.model.rowCount() == 0 and not self.arrangement.busy)

    # Which columns show, and how wide.

    def _dress(self) -> None:
        self.kept.dress(self._frozen_by_page, self.widest)

    def show_column(self, column_id: str, shown: bool = True) -> None:
        names = [name for name in self.kept.hidden() if name != column_id]
        if not shown:
            if [column.id for column in self.visible_columns()] == [column_id]:
                return  # the last one stays
            names.append(column_id)
        self.kept.keep_hidden(names)
        self._dress()
        self.arranged.emit()

    def freeze(self, count: int) -> None:
        self.kept.keep_frozen(count)
        self._dress()

    def reset_columns(self) -> None:
        self.kept.reset()
        self._dress()
        self.arranged.emit()

    # What one does with it.

    def open_menu(self, place: int, at: QPoint | None = None) -> ColumnMenu:
        return open_column_menu(self, place, at)

    def start_find(self, text: str = "") -> None:
        self.find_field.start(text)

    def copy(self, headings: bool = False) -> None:
        """The selection to the clipboard."""
        copying.copy_selection(self, headings, self._place + ".copy")

    def export_to(self, path: str | Path, done: Callable[[Path], None] | None = None) -> None:
        """All that passed the filters, to .xlsx or .csv by the name's ending."""
        exporting.export_rows(self, Path(path), self._place + ".export", done)

    def _activate(self, index: QModelIndex) -> None:
        self.activated.emit(self.model.key_at(index.row()), self.model.column(index.column()).id)

    def _current_changed(self, now: QModelIndex, _: QModelIndex) -> None:
        if now.isValid():
            self.current_changed.emit(self.model.key_at(now.row()), self.model.column(now.column()).id)

    # Small reactions.

    def _say_status(self) -> None:
        self.foot.count_rows(self.arrangement.busy)

    def _say_selected(self) -> None:
        self.foot.selected.setText(self.selection.summed())

    def _desk_changed(self, changes: Changes) -> None:
        if changes.display and self.model.wan != self.desk.wan:
            self.model.wan = self.desk.wan
            self._dress()
            self.grid.viewport().update()
            self.grid.body.viewport().update()
            self._marks()
            self.totals.update()
            self._say_selected()

    def _condition_edited(self, text: str) -> None:
        if not text and self.arrangement.wanted.condition is not None:
            self.set_condition("")
        elif not text:
            self._say_status()
