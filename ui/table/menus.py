"""The menus that open over a table: of a column, with the values that it may be filtered by; of a cell; of all columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QPoint, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QMenu

from core.money import decimal, plain
from ui.look import grouped
from ui.table.menu import ColumnMenu
from ui.table.rows import Filter, is_number

if TYPE_CHECKING:
    from ui.table.widget import Table

WAN = 10_000


def open_column_menu(table: Table, place: int, at: QPoint | None) -> ColumnMenu:
    """at: where on the screen; None: under the column's heading. Amounts are typed and listed in the unit on screen."""
    column = table.model.column(place)
    heading = table.grid.heading
    wan = table.model.wan and column.unit == "yuan" and is_number(column)

    def show_text(text: str) -> str:
        if wan:
            return grouped(plain(decimal(text) / WAN))
        return grouped(text) if is_number(column) else text

    current = table.filters().get(column.id)
    menu = ColumnMenu(
        column,
        table.model.title(column),
        heading.unit(column),
        _times(current, Fraction(1, WAN)) if wan else current,
        table.texts,
        lambda needle: ask_values(needle),
        show_text,
        table,
    )

    def ask_values(needle: str) -> None:
        table.arrangement.values(column, needle, wan, _Alive(menu, menu.show_values))

    def filter_wanted(one: Filter | None) -> None:
        table.set_filter(column.id, _times(one, Fraction(WAN)) if wan else one)

    menu.sort_wanted.connect(lambda descending: table.sort(column.id, descending))
    menu.filter_wanted.connect(filter_wanted)
    menu.hide_wanted.connect(lambda: table.show_column(column.id, False))
    menu.freeze_wanted.connect(lambda: table.freeze(place + 1))
    menu.closed.connect(table.grid.setFocus)
    if at is None:
        left = (
            table.grid.visualRect(table.model.index(0, place)).left()
            if table.model.rowCount()
            else heading.sectionViewportPosition(place)
        )
        at = table.grid.mapToGlobal(QPoint(max(0, left), heading.height()))
    ask_values("")
    menu.adjustSize()
    screen = table.screen().availableGeometry()
    menu.move(
        max(screen.left(), min(at.x(), screen.right() - menu.width())),
        max(screen.top(), min(at.y(), screen.bottom() - menu.height())),
    )
    menu.show()
    menu.search.setFocus()
    return menu


def open_cell_menu(table: Table, at: QPoint) -> None:
    """at: in the grid. The page's own entries come first (`Table.cell_menu`)."""
    grid, texts = table.grid, table.texts
    index = grid.indexAt(at)
    if not index.isValid():
        return
    if not grid.selectionModel().isSelected(index):
        table.selection.make_current(index)
    menu = QMenu(table)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    column = table.model.column(index.column())
    if table.cell_menu is not None:
        table.cell_menu(menu, table.model.key_at(index.row()), column.id)
        menu.addSeparator()
    menu.addAction(texts("table.copy"), QKeySequence("Ctrl+C"), lambda: table.copy(False))
    menu.addAction(texts("table.copy_headings"), QKeySequence("Ctrl+Shift+C"), lambda: table.copy(True))
    menu.addSeparator()
    plain_text = table.model.sheet.text(table.model.row_at(index.row()), column)
    menu.addAction(
        texts("table.only_this"), lambda: table.set_filter(column.id, Filter(frozenset({plain_text})))
    )
    menu.addAction(
        texts("table.column_menu"), QKeySequence("Alt+Down"), lambda: table.open_menu(index.column(), None)
    )
    menu.popup(grid.viewport().mapToGlobal(at))


def fill_columns_menu(menu: QMenu, table: Table) -> None:
    """Which columns show."""
    hidden = table.kept.hidden()
    menu.addAction(table.texts("table.reset_columns"), table.reset_columns)
    menu.addAction(table.texts("table.freeze_none"), lambda: table.freeze(0)).setEnabled(
        bool(table.grid.frozen_places())
    )
    menu.addSeparator()
    for column in table.model.sheet.columns:
        entry = menu.addAction(table.grid.heading.full(column))
        entry.setCheckable(True)
        entry.setChecked(column.id not in hidden)
        entry.toggled.connect(lambda shown, name=column.id: table.show_column(name, shown))


def _times(one: Filter | None, factor: Fraction) -> Filter | None:
    """A filter whose typed amounts are in the other unit; an empty one stays empty."""
    if one is None or not one.op:
        return one

    def other(text: str) -> str:
        return plain(decimal(text.replace(",", "")) * factor) if text.strip() else text

    return replace(one, first=other(one.first), second=other(one.second))


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
