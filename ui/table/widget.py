"""Table: the widget that pages put on screen for every worksheet they have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import (
    QEvent,
    QItemSelectionModel,
    QItemSelectionRange,
    QMimeData,
    QModelIndex,
    QObject,
    QPoint,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import QAction, QFont, QFontMetrics, QGuiApplication, QKeyEvent, QKeySequence, QResizeEvent
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QPushButton,
    QScrollBar,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from core.money import decimal, plain
from core.progress import SILENT, Progress
from core.worksheet import Column, Worksheet
from ui.look import GAP, TIGHT, grouped, set_role
from ui.table.condition import Condition, NoCondition
from ui.table.copying import as_html, as_tabs
from ui.table.grid import Grid, Totals
from ui.table.heading import Heading
from ui.table.menu import ColumnMenu
from ui.table.model import EMPTY, SheetModel, written
from ui.table.rows import (
    Distinct,
    Filter,
    distinct_of,
    found,
    is_number,
    mask_of,
    ordered,
    picked,
    total_of,
)

if TYPE_CHECKING:
    from ui.desk import Changes, Desk

AT_ONCE = 30_000  # rows that are sorted, filtered and searched on the spot; more go to a job
COPY_AT_ONCE = 20_000  # cells
EXCEL_ROWS = 1_048_576
WIDEST = 280


@dataclass(frozen=True, slots=True)
class View:
    """What shows of a worksheet: given back by the arranging job, put on screen in one go."""

    rows: np.ndarray | None
    totals: dict[str, object]


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
        self._desk, self._texts = desk, desk.texts
        self._filters: dict[str, Filter] = {}
        self._condition: Condition | None = None
        self._sort: tuple[str, bool] | None = None
        self._only: np.ndarray | None = None
        self._masks: dict[object, np.ndarray] = {}  # by what made them, for this worksheet
        self._sorted: tuple[tuple[str, bool], np.ndarray] | None = None
        self._hits = np.empty(0, dtype=np.int64)
        self._hits_of = ""
        self._empty: tuple[str, str, Callable[[], None] | None] = ("", "", None)
        self._busy = False
        self._place = f"table.{id(self):x}"
        self.cell_menu: Callable[[QMenu, Any, str], None] | None = None
        self.widest: dict[str, int] = {}  # column id -> pixels, for sentences that are to be read whole

        self.model = self.MODEL(self)
        self.model.language = self._texts.lang
        self.model.wan = desk.wan
        self.grid = self.GRID(self.model, self._texts, self)
        self.totals = Totals(self.grid, self.model, self)
        self.totals.label = self._texts("table.total")
        self.across = QScrollBar(Qt.Orientation.Horizontal, self)
        self._build()
        self._connect()
        self.set_worksheet(EMPTY)

    # Building.

    def _build(self) -> None:
        texts = self._texts
        self.find_field = QLineEdit(placeholderText=texts("table.find"), clearButtonEnabled=True)
        self.find_field.setToolTip(texts("table.find_tip"))
        self.find_field.setMaximumWidth(230)
        self.found_text = QLabel()
        set_role(self.found_text, "muted")
        self.condition = QLineEdit(placeholderText=texts("table.condition_hint"), clearButtonEnabled=True)
        self.find_field.setAccessibleName(texts("table.find"))
        self.condition.setAccessibleName(texts("table.condition_hint"))
        self.clear_filters = QPushButton(texts("table.clear_filters"))
        self.clear_filters.hide()
        self.columns = self._menu_button("table.columns", self._fill_columns)
        self.export = self._menu_button("table.export", self._fill_export)

        self.bar = QHBoxLayout()
        self.bar.setContentsMargins(0, 0, 0, 0)
        self.bar.setSpacing(GAP)
        for widget, stretch in (
            (self.find_field, 2),
            (self.found_text, 0),
            (self.condition, 4),
            (self.clear_filters, 0),
            (self.columns, 0),
            (self.export, 0),
        ):
            self.bar.addWidget(widget, stretch)

        self.across.hide()
        self.status = QLabel()
        set_role(self.status, "muted")
        self.picked_text = QLabel()
        set_role(self.picked_text, "muted")
        self.picked_text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        foot = QHBoxLayout()
        foot.setContentsMargins(2, 0, 2, 0)
        for label in (self.status, self.picked_text):  # a long sentence must not widen the window
            label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.picked_text.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        foot.addWidget(self.status, 1)
        foot.addWidget(self.picked_text, 1)

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
        box.addLayout(foot)
        self.setFocusProxy(self.grid)

        self.nothing = QWidget(self.grid.viewport())
        self.grid.moved.connect(self._place_nothing)
        inner = QVBoxLayout(self.nothing)
        inner.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.nothing_text = QLabel(alignment=Qt.AlignmentFlag.AlignCenter, wordWrap=True)
        set_role(self.nothing_text, "muted")
        self.nothing_button = QPushButton()
        self.nothing_button.clicked.connect(self._act_on_empty)
        inner.addWidget(self.nothing_text)
        inner.addWidget(self.nothing_button, 0, Qt.AlignmentFlag.AlignCenter)

    def _menu_button(self, key: str, fill: Callable[[QMenu], None]) -> QToolButton:
        button = QToolButton()
        button.setText(self._texts(key) + " ▾")
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        menu = QMenu(button)
        menu.setToolTipsVisible(True)
        menu.aboutToShow.connect(lambda: (menu.clear(), fill(menu)))
        button.setMenu(menu)
        return button

    def _connect(self) -> None:
        grid = self.grid
        bar = grid.horizontalScrollBar()
        bar.rangeChanged.connect(self._across_range)
        bar.valueChanged.connect(self.across.setValue)
        self.across.valueChanged.connect(bar.setValue)
        for heading in (grid.heading, grid.front):
            heading.sort_wanted.connect(self._sort_clicked)
            heading.menu_wanted.connect(self.open_menu)
        grid.heading.sectionResized.connect(self._resized)
        grid.menu_wanted.connect(lambda place: self.open_menu(place, None))
        grid.activated_cell.connect(self._activate)
        grid.find_wanted.connect(self.start_find)
        grid.copy_wanted.connect(self.copy)
        grid.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        grid.customContextMenuRequested.connect(self._cell_menu)
        grid.viewport().installEventFilter(self)
        self.totals.activated.connect(self.total_activated)
        self.find_field.textEdited.connect(lambda: self._find_pause.start())
        self.find_field.installEventFilter(self)
        self.condition.returnPressed.connect(lambda: self.set_condition(self.condition.text()))
        self.condition.textChanged.connect(self._condition_edited)
        self.condition.installEventFilter(self)
        self.clear_filters.clicked.connect(self.clear_all_filters)
        self._desk.changed.connect(self._desk_changed)
        self._find_pause = QTimer(self, singleShot=True, interval=140)
        self._find_pause.timeout.connect(self._search)
        self._keep_pause = QTimer(self, singleShot=True, interval=400)
        self._keep_pause.timeout.connect(self._keep)
        self._sum_pause = QTimer(self, singleShot=True, interval=40)
        self._sum_pause.timeout.connect(self._sum_selection)
        # The selection model belongs to the grid for good: a reset keeps it.
        grid.selectionModel().selectionChanged.connect(lambda: self._sum_pause.start())
        grid.selectionModel().currentChanged.connect(self._current_changed)
        for keys, does in (
            ("Ctrl+F", lambda: self.start_find("")),
            ("F3", self.find_next),
            ("Shift+F3", self.find_previous),
        ):
            action = QAction(self)
            action.setShortcut(QKeySequence(keys))
            action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            action.triggered.connect(does)
            self.addAction(action)

    # What pages say and ask.

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
        self._only = only
        again = sheet.id == self.model.sheet.id and bool(sheet.id)
        current = self._same_row(sheet) if again else None
        self._desk_drop()
        self._masks.clear()
        self._sorted = None
        self._hits, self._hits_of = np.empty(0, dtype=np.int64), ""
        self._say_found("")
        self._frozen_by_page = frozen
        ids = {column.id for column in sheet.columns}
        for heading in (self.grid.heading, self.grid.front):
            heading.groups = groups or {}
            heading.short = short or {}
        if again:
            self._filters = {name: one for name, one in self._filters.items() if name in ids}
            if self._sort and self._sort[0] not in ids:
                self._sort = None
            if self._condition is not None:
                self._condition = self._read_condition(self.condition.text(), sheet)
        else:
            self._filters, self._condition = {}, None
            self.condition.clear()
            self.find_field.clear()
            kept = self._desk.settings.tables.get(sheet.id, {})
            order = kept.get("sort")
            self._sort = (
                (str(order[0]), bool(order[1])) if isinstance(order, list) and order[0] in ids else None
            )
        self.condition.setToolTip(self._condition_help(sheet))
        for widget in (self.find_field, self.condition, self.columns, self.export):
            widget.setEnabled(bool(sheet.columns))
        self.model.show_sheet(sheet)
        self.grid.setAccessibleName(sheet.title.get(self._texts.lang) or self._texts("table.named"))
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
        self._masks.clear()
        self._sorted = None
        self._hits_of = ""
        self.model.renew(sheet)
        passed = None if self.model.order is None else np.sort(self.model.order)
        self.totals.values = {c.id: total_of(sheet, c, passed) for c in sheet.columns if c.total}
        for part in (self.grid.viewport(), self.grid.body.viewport(), self.totals):
            part.update()
        return True

    def worksheet(self) -> Worksheet:
        return self.model.sheet

    def visible_rows(self) -> np.ndarray:
        """Worksheet rows that show, in the order they show."""
        return np.arange(self.model.sheet.rows) if self.model.order is None else self.model.order

    def visible_columns(self) -> list[Column]:
        return [self.model.column(place) for place in self._places()]

    def shown(self) -> Worksheet:
        """What shows as a worksheet of its own: all rows that passed the filters, the columns that are not hidden."""
        return picked(self.model.sheet, self.visible_columns(), self.model.order)

    def current_row(self) -> int:
        """The worksheet's row of the current cell; -1 without one."""
        index = self.grid.currentIndex()
        return self.model.row_at(index.row()) if index.isValid() else -1

    def selected_rows(self) -> list[int]:
        """Worksheet rows with a selected cell, in the order they show."""
        rows: set[int] = set()
        for span in self._spans():
            rows.update(range(span.top(), span.bottom() + 1))
        return [self.model.row_at(row) for row in sorted(rows)]

    def _spans(self) -> list[QItemSelectionRange]:
        return self.grid.selectionModel().selection().toList()

    def set_empty(self, text: str, button: str = "", action: Callable[[], None] | None = None) -> None:
        """What stands where there are no rows, with the button that does something about it."""
        self._empty = (text, button, action)
        self._show_nothing()

    def show_only(self, rows: np.ndarray | None) -> None:
        """Only these rows, in their order where no column is sorted; filters and totals go on top. None: all."""
        self._only = rows
        self._arrange(self._current_key())

    def add_tool(self, widget: QWidget, at: int = -1) -> None:
        """A widget of the page in the table's line of tools."""
        self.bar.insertWidget(at, widget)

    def set_filter(self, column_id: str, wanted: Filter | None) -> None:
        if wanted is None:
            self._filters.pop(column_id, None)
        else:
            self._filters[column_id] = wanted
        self._arrange(self._current_key())

    def filters(self) -> dict[str, Filter]:
        return dict(self._filters)

    def set_condition(self, text: str) -> bool:
        """Column against column; an empty text lets everything through. False if the text cannot be read."""
        if self.condition.text() != text:
            self.condition.setText(text)
        if not text.strip():
            if self._condition is not None:
                self._condition = None
                self._arrange(self._current_key())
            return True
        condition = self._read_condition(text, self.model.sheet)
        if condition is None:
            return False
        self._condition = condition
        self._arrange(self._current_key())
        return True

    def clear_all_filters(self) -> None:
        self._filters = {}
        self._condition = None
        self.condition.clear()
        self._arrange(self._current_key())

    def sort(self, column_id: str, descending: bool = False) -> None:
        self._sort = (column_id, descending) if column_id else None
        self._keep_pause.start()
        self._arrange(self._current_key())

    def select(self, row_key: object, column_id: str = "") -> bool:
        """Make a cell current, if its row shows."""
        keys = self.model.sheet.keys
        row = int(row_key) if keys is None and isinstance(row_key, int) else -1  # type: ignore[call-overload]
        if keys is not None:
            hits = _rows_of(keys, row_key)
            row = int(hits[0]) if len(hits) else -1
        return self._go_to(row, max(0, self.model.place(column_id)) if column_id else None)

    # Arranging: filters, order, sums.

    def _read_condition(self, text: str, sheet: Worksheet) -> Condition | None:
        try:
            condition = Condition(text, list(sheet.columns))
            self._mark_condition(False)
            return condition
        except NoCondition as why:
            self._mark_condition(True)
            self._complain(self._texts(f"table.condition.{why.code}", what=why.what))
            return None

    def _arrange(self, current: tuple[int, int] | None = None) -> None:
        """Work out which rows show; small sheets at once, large ones in a job."""
        sheet, filters, condition, order = self.model.sheet, dict(self._filters), self._condition, self._sort
        masks, known, only = self._masks, self._sorted, self._only

        def work(progress: Progress) -> tuple[View, dict[object, np.ndarray], Any]:
            columns = {column.id: column for column in sheet.columns}
            used: dict[object, np.ndarray] = {}
            for name, wanted in filters.items():
                key = (name, wanted)
                used[key] = masks[key] if key in masks else mask_of(sheet, columns[name], wanted, progress)
            if condition is not None:
                used[condition] = (
                    masks[condition]
                    if condition in masks
                    else condition.mask(sheet, lambda: progress.cancelled)
                )
            base = None
            if order is not None:
                if known is not None and known[0] == order:
                    base = known[1]
                else:
                    base = ordered(sheet, np.arange(sheet.rows), columns[order[0]], order[1], progress)
            rows, passed = base, None
            if used or only is not None:
                mask = np.logical_and.reduce([*used.values(), np.ones(sheet.rows, dtype=bool)])
                if only is not None:
                    named = np.zeros(sheet.rows, dtype=bool)
                    named[only] = True
                    mask &= named
                passed = np.flatnonzero(mask)
                whole = base if base is not None else only
                rows = passed if whole is None else whole[mask[whole]]
            totals: dict[str, object] = {c.id: total_of(sheet, c, passed) for c in sheet.columns if c.total}
            return View(rows, totals), used, (order, base) if base is not None else None

        def have(value: tuple[View, dict[object, np.ndarray], Any]) -> None:
            if sheet is self.model.sheet:
                view, self._masks, self._sorted = value
                self._busy = False
                self._show(view, current)

        if sheet.rows <= AT_ONCE:
            have(work(SILENT))
            return
        self._busy = True
        self._say_status()
        self._desk.ask(
            lambda _, progress: work(progress),
            have,
            place=self._place,
            failed=self._not_arranged,
            title=self._texts("table.arranging"),
        )

    def _not_arranged(self, why: Exception) -> None:
        self._busy = False
        self._say_status()

    def _show(self, view: View, current: tuple[int, int] | None) -> None:
        if not (self.model.order is None and view.rows is None):
            self.model.show_rows(view.rows)
            self._dress()
        self.totals.values = view.totals
        self.totals.update()
        self._hits_of = ""
        self._marks()
        if current is not None:
            self._go_to(*current)
        self._show_nothing()
        self._say_status()
        self.picked_text.clear()
        self.arranged.emit()

    def _marks(self) -> None:
        for heading in (self.grid.heading, self.grid.front):
            heading.sorted_by = self._sort
            heading.filtered = frozenset(self._filters)
            heading.viewport().update()
        self.clear_filters.setVisible(bool(self._filters) or self._condition is not None)

    def _say_status(self) -> None:
        set_role(self.status, "muted")
        if self._busy:
            self.status.setText(self._texts("table.arranging"))
            return
        shown, all_rows = self.model.rowCount(), self.model.sheet.rows
        if not self.model.sheet.columns:
            self.status.clear()
        elif shown == all_rows:
            self.status.setText(self._texts("table.rows", rows=f"{all_rows:,}"))
        else:
            self.status.setText(self._texts("table.rows_of", shown=f"{shown:,}", rows=f"{all_rows:,}"))

    def _complain(self, text: str) -> None:
        set_role(self.status, "bad")
        self.status.setText(text)

    def _show_nothing(self) -> None:
        empty = self.model.rowCount() == 0 and not self._busy
        filtered = empty and self.model.sheet.rows > 0
        text, button, _ = (
            (self._texts("table.nothing_passes"), self._texts("table.clear_filters"), None)
            if filtered
            else self._empty
        )
        self.nothing_text.setText(text or self._texts("table.no_rows"))
        self.nothing_button.setText(button)
        self.nothing_button.setVisible(bool(button))
        self.nothing.setVisible(empty)
        self._place_nothing()
        self.nothing.raise_()

    def _act_on_empty(self) -> None:
        if self.model.sheet.rows:
            self.clear_all_filters()
        elif self._empty[2] is not None:
            self._empty[2]()

    # Columns: widths, hidden, frozen; kept by worksheet id.

    def _kept(self) -> dict[str, object]:
        return self._desk.settings.tables.get(self.model.sheet.id, {})

    def _places(self) -> list[int]:
        return [i for i in range(self.model.columnCount()) if not self.grid.isColumnHidden(i)]

    def _dress(self) -> None:
        """Widths, hidden and frozen columns after a reset took them."""
        kept = self._kept()
        widths, hidden = kept.get("widths"), kept.get("hidden")
        widths = widths if isinstance(widths, dict) else {}
        hidden = hidden if isinstance(hidden, list) else []
        frozen = kept.get("frozen")
        self._dressing = True
        for place, column in enumerate(self.model.sheet.columns):
            width = widths.get(column.id)
            self.grid.setColumnWidth(place, width if isinstance(width, int) else self._fitting(place))
            self.grid.setColumnHidden(place, column.id in hidden)
        self._dressing = False
        self.grid.freeze(frozen if isinstance(frozen, int) else self._frozen_by_page)

    def _fitting(self, place: int) -> int:
        """Wide enough for the heading, the total and what the first rows hold; measured once a worksheet."""
        if getattr(self, "_fit_for", None) != (id(self.model.sheet), self.model.wan):
            self._fit_for, self._fits = (id(self.model.sheet), self.model.wan), {}
        if place not in self._fits:
            column, cells = self.model.column(place), self.model.sheet.cells[self.model.column(place).id]
            sample: list[Any] = list(cells[:300])
            if cells.dtype != object and len(cells):
                sample += [cells.max(), cells.min()]
            texts = [written(column, cell, self.model.wan) for cell in sample]
            longest = sorted(set(texts), key=len)[-12:]
            metrics = QFontMetrics(self.grid.font())
            bold = QFont(self.grid.font())
            bold.setWeight(QFont.Weight.DemiBold)
            wide = max((metrics.horizontalAdvance(text) for text in longest), default=0) + 14
            if column.total and self.model.sheet.rows <= AT_ONCE:
                total = written(column, total_of(self.model.sheet, column, None), self.model.wan)
                wide = max(wide, QFontMetrics(bold).horizontalAdvance(total) + 12)
            elif column.total and cells.dtype != object and len(cells):
                most = written(column, int(np.abs(cells).max()) * len(cells), self.model.wan)
                wide = max(wide, QFontMetrics(bold).horizontalAdvance(most) + 12)
            heading = self.grid.heading.wanted_width(place)
            self._fits[place] = min(self.widest.get(column.id, WIDEST), max(wide, min(heading, 180), 56))
        return self._fits[place]

    def _resized(self, place: int, _: int, size: int) -> None:
        if not getattr(self, "_dressing", False) and size > 0 and self.model.sheet.id:
            kept = dict(self._kept())
            widths = kept.get("widths")
            widths = dict(widths) if isinstance(widths, dict) else {}
            widths[self.model.column(place).id] = size
            self._desk.settings.tables[self.model.sheet.id] = {**kept, "widths": widths}
            self._keep_pause.start()

    def _remember(self, **what: object) -> None:
        if self.model.sheet.id:
            self._desk.settings.tables[self.model.sheet.id] = {**self._kept(), **what}
            self._keep_pause.start()

    def _keep(self) -> None:
        if self.model.sheet.id:
            kept = {**self._kept(), "sort": list(self._sort) if self._sort else None}
            self._desk.settings.tables[self.model.sheet.id] = kept
            self._desk.save()

    def show_column(self, column_id: str, shown: bool = True) -> None:
        hidden = self._kept().get("hidden")
        names = [name for name in hidden if name != column_id] if isinstance(hidden, list) else []
        if not shown:
            if [column.id for column in self.visible_columns()] == [column_id]:
                return  # the last one stays
            names.append(column_id)
        self._remember(hidden=names)
        self._dress()
        self.arranged.emit()

    def freeze(self, count: int) -> None:
        self._remember(frozen=count)
        self._dress()

    def _reset_columns(self) -> None:
        self._desk.settings.tables.pop(self.model.sheet.id, None)
        self._keep_pause.start()
        self._dress()
        self.arranged.emit()

    def _fill_columns(self, menu: QMenu) -> None:
        hidden = self._kept().get("hidden")
        hidden = hidden if isinstance(hidden, list) else []
        menu.addAction(self._texts("table.reset_columns"), self._reset_columns)
        menu.addAction(self._texts("table.freeze_none"), lambda: self.freeze(0)).setEnabled(
            bool(self.grid.frozen_places())
        )
        menu.addSeparator()
        for column in self.model.sheet.columns:
            entry = menu.addAction(self.grid.heading.full(column))
            entry.setCheckable(True)
            entry.setChecked(column.id not in hidden)
            entry.toggled.connect(lambda shown, name=column.id: self.show_column(name, shown))

    def _sort_clicked(self, place: int) -> None:
        """Up, down, as it came."""
        name = self.model.column(place).id
        if self._sort is None or self._sort[0] != name:
            self.sort(name)
        elif not self._sort[1]:
            self.sort(name, True)
        else:
            self.sort("")

    # The menu of a column.

    def _in_wan(self, column: Column) -> bool:
        return self.model.wan and column.unit == "yuan" and is_number(column)

    def open_menu(self, place: int, at: QPoint | None = None) -> ColumnMenu:
        column = self.model.column(place)
        heading: Heading = self.grid.heading
        current = self._filters.get(column.id)
        wan = self._in_wan(column)
        if current is not None and wan and current.op:
            current = replace(
                current,
                first=_times(current.first, Fraction(1, 10_000)),
                second=_times(current.second, Fraction(1, 10_000)),
            )

        def show_text(text: str) -> str:
            if wan:
                return grouped(plain(decimal(text) / 10_000))
            return grouped(text) if is_number(column) else text

        menu = ColumnMenu(
            column,
            self.model.title(column),
            heading.unit(column),
            current,
            self._texts,
            lambda needle: self._ask_values(menu, column, needle),
            show_text,
            self,
        )

        def wanted(one: Filter | None) -> None:
            if one is not None and wan and one.op:
                one = replace(
                    one,
                    first=_times(one.first, Fraction(10_000)),
                    second=_times(one.second, Fraction(10_000)),
                )
            self.set_filter(column.id, one)

        menu.sort_wanted.connect(lambda descending: self.sort(column.id, descending))
        menu.filter_wanted.connect(wanted)
        menu.hide_wanted.connect(lambda: self.show_column(column.id, False))
        menu.freeze_wanted.connect(lambda: self.freeze(place + 1))
        menu.closed.connect(self.grid.setFocus)
        if at is None:
            left = (
                self.grid.visualRect(self.model.index(0, place)).left()
                if self.model.rowCount()
                else (heading.sectionViewportPosition(place))
            )
            at = self.grid.mapToGlobal(QPoint(max(0, left), heading.height()))
        self._ask_values(menu, column, "")
        menu.adjustSize()
        screen = self.screen().availableGeometry()
        menu.move(
            max(screen.left(), min(at.x(), screen.right() - menu.width())),
            max(screen.top(), min(at.y(), screen.bottom() - menu.height())),
        )
        menu.show()
        menu.search.setFocus()
        return menu

    def _ask_values(self, menu: ColumnMenu, column: Column, needle: str) -> None:
        """Values of the rows that the other columns' filters let through, as Excel lists them."""
        sheet = self.model.sheet
        others = [
            mask for key, mask in self._masks.items() if not (isinstance(key, tuple) and key[0] == column.id)
        ]
        wan = self._in_wan(column)

        def work(progress: Progress) -> Distinct:
            rows = np.flatnonzero(np.logical_and.reduce(others)) if others else np.arange(sheet.rows)
            wanted = needle
            if wan and needle:
                try:
                    wanted = plain(decimal(needle.replace(",", "")) * 10_000)
                except ValueError:
                    wanted = needle
            elif is_number(column):
                wanted = needle.replace(",", "")
            return distinct_of(sheet, column, rows, wanted, progress=progress)

        if sheet.rows <= AT_ONCE:
            menu.show_values(work(SILENT))
            return
        self._desk.ask(
            lambda _, progress: work(progress),
            _Alive(menu, menu.show_values),
            place=self._place + ".values",
            failed=lambda why: None,
        )

    # Find as you type.

    def start_find(self, text: str = "") -> None:
        self.find_field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        if text:
            self.find_field.setText(text)
            self._find_pause.start()
        else:
            self.find_field.selectAll()

    def _search(self) -> None:
        needle = self.find_field.text().strip()
        if not needle:
            self._hits, self._hits_of = np.empty(0, dtype=np.int64), ""
            self._say_found("")
            self._desk_drop(".find")
            return
        sheet, columns, rows = self.model.sheet, self.visible_columns(), self.visible_rows()

        def have(hits: np.ndarray) -> None:
            if sheet is self.model.sheet and needle == self.find_field.text().strip():
                self._hits, self._hits_of = hits, needle
                row = self.grid.currentIndex().row()
                self._hit_at(int(np.searchsorted(hits, max(0, row))))

        if len(rows) <= AT_ONCE:
            have(found(sheet, columns, rows, needle))
            return
        self._say_found("…")
        self._desk.ask(
            lambda _, progress: found(sheet, columns, rows, needle, progress),
            have,
            place=self._place + ".find",
            failed=lambda why: None,
            title=self._texts("table.searching"),
        )

    def _say_found(self, text: str) -> None:
        self.found_text.setText(text)
        self.found_text.setVisible(bool(text))

    def _hit_at(self, number: int) -> None:
        if not len(self._hits):
            self._say_found(self._texts("table.not_found"))
            return
        number %= len(self._hits)
        self._say_found(f"{number + 1:,} / {len(self._hits):,}")
        shown = int(self._hits[number])
        needle = self._hits_of.casefold()
        digits = needle.replace(",", "")
        place = next(
            (
                p
                for p in self._places()
                if (digits if is_number(self.model.column(p)) else needle)
                in self.model.sheet.text(self.model.row_at(shown), self.model.column(p)).casefold()
            ),
            self.grid.currentIndex().column(),
        )
        self._make_current(self.model.index(shown, max(0, place)))

    def find_next(self) -> None:
        self._find_step(1)

    def find_previous(self) -> None:
        self._find_step(-1)

    def _find_step(self, way: int) -> None:
        if self._find_pause.isActive() or self._hits_of != self.find_field.text().strip():
            self._find_pause.stop()
            self._search()
            return
        if len(self._hits):
            row = self.grid.currentIndex().row()
            at = (
                np.searchsorted(self._hits, row, side="right")
                if way > 0
                else np.searchsorted(self._hits, row) - 1
            )
            self._hit_at(int(at))

    # Current cell and selection.

    def _current_key(self) -> tuple[int, int] | None:
        index = self.grid.currentIndex()
        return (self.model.row_at(index.row()), index.column()) if index.isValid() else None

    def _same_row(self, sheet: Worksheet) -> tuple[int, int] | None:
        """Where the current cell is in a newer worksheet: the row of the same key, or the same row where none has keys."""
        current, keys = self._current_key(), self.model.sheet.keys
        if current is None or keys is None or sheet.keys is None:
            return current
        hits = _rows_of(sheet.keys, keys[current[0]])
        return (int(hits[0]), current[1]) if len(hits) else None

    def _go_to(self, row: int, place: int | None = None) -> bool:
        """Make a cell of a worksheet row current, wherever it shows now."""
        if row < 0 or row >= self.model.sheet.rows:
            return False
        shown = row
        if self.model.order is not None:
            hits = np.flatnonzero(self.model.order == row)
            if not len(hits):
                return False
            shown = int(hits[0])
        if place is None or place >= self.model.columnCount():
            place = max(0, self.grid.currentIndex().column())
        self._make_current(self.model.index(shown, place))
        return True

    def _make_current(self, index: QModelIndex) -> None:
        self.grid.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        self.grid.scrollTo(index)

    def _current_changed(self, now: QModelIndex, _: QModelIndex) -> None:
        if now.isValid():
            self.current_changed.emit(self.model.key_at(now.row()), self.model.column(now.column()).id)

    def _activate(self, index: QModelIndex) -> None:
        self.activated.emit(self.model.key_at(index.row()), self.model.column(index.column()).id)

    def _sum_selection(self) -> None:
        """Count, sum and mean of the selected cells, as a spreadsheet's status line does; one unit only."""
        spans = self._spans()
        cells, numbers, total, units = 0, 0, Fraction(0), set[str]()
        columns: list[Column] = []
        for span in spans:
            height = span.bottom() - span.top() + 1
            for place in range(span.left(), span.right() + 1):
                if self.grid.isColumnHidden(place):
                    continue
                column = self.model.column(place)
                cells += height
                if not is_number(column):
                    continue
                units.add(column.unit)
                columns.append(column)
                if column.kind == "exact" and height > AT_ONCE:
                    units.add("too many to add at once")
                    continue
                rows = np.arange(span.top(), span.bottom() + 1)
                if self.model.order is not None:
                    rows = self.model.order[rows]
                one = total_of(self.model.sheet, column, rows)
                total += Fraction(one, 10 ** (column.places or 0)) if column.kind == "fixed" else one
                numbers += height
        if cells < 2:
            self.picked_text.clear()
            return
        text = self._texts("table.selected", cells=f"{cells:,}")
        if (
            numbers
            and len(units) == 1
            and columns[0].unit not in ("ratio", "coefficient", "percent", "yuan/point")
        ):
            exact = Column("", {}, "exact", columns[0].unit, max(column.places or 0 for column in columns))
            if any(column.kind == "exact" and column.places is None for column in columns):
                exact = replace(exact, places=None)
            unit = self.grid.heading.unit(exact)
            mean = replace(exact, places=max(2, exact.places or 0))
            text = self._texts(
                "table.selected_sum",
                cells=f"{cells:,}",
                sum=f"{written(exact, total, self.model.wan)} {unit}".strip(),
                mean=f"{written(mean, total / numbers, self.model.wan)} {unit}".strip(),
            )
        self.picked_text.setText(text)

    def _cell_menu(self, at: QPoint) -> None:
        index = self.grid.indexAt(at)
        if not index.isValid():
            return
        if not self.grid.selectionModel().isSelected(index):
            self._make_current(index)
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        column = self.model.column(index.column())
        if self.cell_menu is not None:
            self.cell_menu(menu, self.model.key_at(index.row()), column.id)
            menu.addSeparator()
        menu.addAction(self._texts("table.copy"), QKeySequence("Ctrl+C"), lambda: self.copy(False))
        menu.addAction(
            self._texts("table.copy_headings"), QKeySequence("Ctrl+Shift+C"), lambda: self.copy(True)
        )
        menu.addSeparator()
        plain_text = self.model.sheet.text(self.model.row_at(index.row()), column)
        menu.addAction(
            self._texts("table.only_this"),
            lambda: self.set_filter(column.id, Filter(frozenset({plain_text}))),
        )
        menu.addAction(
            self._texts("table.column_menu"),
            QKeySequence("Alt+Down"),
            lambda: self.open_menu(index.column(), None),
        )
        menu.popup(self.grid.viewport().mapToGlobal(at))

    # Copy and export.

    def copy(self, headings: bool = False) -> None:
        """The selection as text and as a table. Several pieces are joined to their rows and columns, as Excel asks."""
        rows, places = set[int](), set[int]()
        spans = self._spans()
        if not spans:
            return
        for span in spans:
            places.update(p for p in range(span.left(), span.right() + 1) if not self.grid.isColumnHidden(p))
        pieces = sorted({(span.top(), span.bottom()) for span in spans})
        many = sum(bottom - top + 1 for top, bottom in pieces)
        if many > EXCEL_ROWS - 1:
            self._complain(self._texts("table.too_much_to_copy", rows=f"{many:,}"))
            return
        for top, bottom in pieces:
            rows.update(range(top, bottom + 1))
        lines, columns = sorted(rows), sorted(places)
        titles = [self.grid.heading.full(self.model.column(place)) for place in columns] if headings else []
        model = self.model
        sheet, order = model.sheet, model.order

        def work(progress: Progress) -> tuple[str, str]:
            still = SheetModel()  # what was on screen when the keys were pressed
            still.wan, still.language = model.wan, model.language
            still.show_sheet(sheet, order)
            return as_tabs(still, lines, columns, titles, progress), as_html(
                still, lines, columns, titles, progress
            )

        def have(both: tuple[str, str]) -> None:
            data = QMimeData()
            data.setText(both[0])
            data.setHtml(both[1])
            QGuiApplication.clipboard().setMimeData(data)
            self._desk.say(self._texts("table.copied", rows=f"{len(lines):,}", columns=len(columns)))

        if len(lines) * len(columns) <= COPY_AT_ONCE:
            have(work(SILENT))
        else:
            self._desk.ask(
                lambda _, progress: work(progress),
                have,
                place=self._place + ".copy",
                title=self._texts("table.copying"),
            )

    def _fill_export(self, menu: QMenu) -> None:
        rows = f"{self.model.rowCount():,}"
        menu.addAction(self._texts("table.export_xlsx", rows=rows), lambda: self._ask_path("xlsx"))
        menu.addAction(self._texts("table.export_csv", rows=rows), lambda: self._ask_path("csv"))

    def _ask_path(self, form: str) -> None:
        sheet = self.model.sheet
        name = sheet.title.get(self.model.language) or sheet.id
        name = "".join("_" if sign in '\\/:*?"<>|' else sign for sign in name)
        path, _ = QFileDialog.getSaveFileName(
            self,
            self._texts("table.export"),
            str(Path.home() / f"{name}.{form}"),
            self._texts(f"table.files_{form}"),
        )
        if path:
            self.export_to(path if Path(path).suffix.lower() == f".{form}" else f"{path}.{form}")

    def export_to(self, path: str | Path, done: Callable[[Path], None] | None = None) -> None:
        """All that passed the filters, to .xlsx or .csv by the name's ending, with row count and control totals."""
        path, language = Path(path), self.model.language
        sheet, columns, order = self.model.sheet, self.visible_columns(), self.model.order
        synthetic = bool(getattr(self._desk.workspace, "synthetic", False))

        def work(_: object, progress: Progress) -> Path:
            from core.export import tables

            chosen = picked(sheet, columns, order)
            if path.suffix.lower() == ".xlsx":
                tables.worksheet_xlsx(chosen, path, language, progress, synthetic)
            else:
                tables.worksheet_csv(chosen, path, language, progress, synthetic)
            return path

        def have(written_to: Path) -> None:
            count = sheet.rows if order is None else len(order)
            self._desk.say(self._texts("table.exported", rows=f"{count:,}", path=str(written_to)))
            if done is not None:
                done(written_to)

        self._desk.ask(
            work, have, place=self._place + ".export", title=self._texts("table.exporting", name=path.name)
        )

    # Small reactions.

    def _desk_changed(self, changes: Changes) -> None:
        if changes.display and self.model.wan != self._desk.wan:
            self.model.wan = self._desk.wan
            self._dress()
            self.grid.viewport().update()
            self.grid.body.viewport().update()
            self._marks()
            self.totals.update()
            self._sum_selection()

    def _desk_drop(self, what: str = "") -> None:
        jobs = getattr(self._desk, "jobs", None)
        if jobs is not None:
            for tail in (what,) if what else ("", ".find", ".values"):
                jobs.drop(self._place + tail)
        if not what:
            self._busy = False

    def _condition_help(self, sheet: Worksheet) -> str:
        names = [f"{column.id} = {self.model.title(column)}" for column in sheet.columns][:40]
        return self._texts("table.condition_tip") + "\n" + "\n".join(names)

    def _mark_condition(self, bad: bool) -> None:
        if self.condition.property("bad") != bad:
            self.condition.setProperty("bad", bad)
            self.condition.style().polish(self.condition)

    def _condition_edited(self, text: str) -> None:
        self._mark_condition(False)
        if not text and self._condition is not None:
            self.set_condition("")
        elif not text:
            self._say_status()

    def _across_range(self, low: int, high: int) -> None:
        bar = self.grid.horizontalScrollBar()
        self.across.setRange(low, high)
        self.across.setPageStep(bar.pageStep())
        self.across.setSingleStep(max(20, bar.singleStep()))
        self.across.setValue(bar.value())
        self.across.setVisible(high > low)

    def _place_nothing(self) -> None:
        """Beside the frozen columns, which lie over the grid."""
        self.nothing.setGeometry(self.grid.viewport().rect().adjusted(self.grid.frozen_width(), 0, 0, 0))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_nothing()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and watched is self.grid.viewport():
            self._place_nothing()
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            if watched is self.find_field and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                back = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
                self._find_step(-1 if back else 1)
                return True
            if watched in (self.find_field, self.condition) and event.key() in (
                Qt.Key.Key_Escape,
                Qt.Key.Key_Down,
            ):
                if event.key() == Qt.Key.Key_Escape and watched is self.find_field:
                    self.find_field.clear()
                    self._search()
                self.grid.setFocus()
                return True
        return super().eventFilter(watched, event)


def _rows_of(keys: np.ndarray, key: object) -> np.ndarray:
    """Rows of this key, which may be a tuple: numpy would take one for a row of cells."""
    whole = np.empty((), dtype=object)
    whole[()] = key
    return np.flatnonzero(keys == whole)


def _times(text: str, factor: Fraction) -> str:
    """A typed amount in the other unit; an empty one stays empty."""
    return plain(decimal(text.replace(",", "")) * factor) if text.strip() else text


class _Alive:
    """Calls through to a popup's method as long as the popup lives."""

    def __init__(self, owner: QObject, method: Callable[[Any], None]) -> None:
        self._method, self._lives = method, True
        owner.destroyed.connect(self._gone)

    def _gone(self) -> None:
        self._lives = False

    def __call__(self, value: Any) -> None:
        if self._lives:
            self._method(value)
