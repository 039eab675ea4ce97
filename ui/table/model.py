"""The one table model: a worksheet, the rows that show, and how a cell is written. `data()` is a lookup."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, Qt

from core.money import is_terminating, plain
from core.worksheet import Column, Worksheet, text_of
from ui.look import MINUS, grouped
from ui.table.rows import is_number, value_of

RIGHT = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
LEFT = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
NONE = QModelIndex()
WAN_PLACES = 4  # of an amount in 万元: to the yuan
EXACT_PLACES = 6  # shown of a value without fixed places; the tip and every copy carry all of it
EMPTY = Worksheet("", {"zh": "", "en": ""}, (), {}, 0)


def written(column: Column, cell: Any, wan: bool = False) -> str:
    """A cell as it stands on screen: thousands separated, amounts in 万元 where wanted."""
    if cell is None:
        return ""
    kind = column.kind
    if kind == "fixed":
        places, number = column.places or 0, int(cell)
        if wan and column.unit == "yuan":
            return grouped(plain(Fraction(number, 10 ** (places + 4)), WAN_PLACES))
        if places == 0:
            return f"{number:,}".replace("-", MINUS)
        whole, rest = divmod(abs(number), 10**places)
        return f"{MINUS if number < 0 else ''}{whole:,}.{rest:0{places}d}"
    if kind == "int":
        return f"{int(cell):,}".replace("-", MINUS)
    if kind == "exact":
        value = Fraction(cell)
        if wan and column.unit == "yuan":
            return grouped(plain(value / 10_000, WAN_PLACES))
        if column.places is not None:
            return grouped(plain(value, column.places))
        text = plain(value)
        head, _, tail = text.partition(".")
        return (
            grouped(text if len(tail) <= EXACT_PLACES else plain(value, EXACT_PLACES) + "…") if head else text
        )
    return str(cell)


def copied(column: Column, cell: Any, wan: bool = False) -> str:
    """A cell as it leaves for another program: no separators, nothing rounded, in the unit of the heading."""
    if cell is not None and wan and column.unit == "yuan" and is_number(column):
        value = value_of(column, cell)
        return plain(value / 10_000) if value is not None else ""
    return text_of(column, cell)


class SheetModel(QAbstractTableModel):
    """Columns are the worksheet's, in its order. `order` None shows every row as it stands."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.sheet = EMPTY
        self.order: np.ndarray | None = None
        self.wan = False
        self.language = "zh"
        self._columns: list[Column] = []
        self._cells: list[Any] = []
        self._align: list[int] = []

    def show_sheet(self, sheet: Worksheet, order: np.ndarray | None = None) -> None:
        self.beginResetModel()
        self.sheet, self.order = sheet, order
        self._columns = list(sheet.columns)
        self._cells = [sheet.cells[column.id] for column in self._columns]
        self._align = [RIGHT if is_number(column) else LEFT for column in self._columns]
        self.endResetModel()

    def renew(self, sheet: Worksheet) -> None:
        """Other values in as many rows of the same columns: nothing moves, the view paints anew."""
        self.sheet = sheet
        self._cells = [sheet.cells[column.id] for column in self._columns]

    def show_rows(self, order: np.ndarray | None) -> None:
        """Other rows, or the same in another order."""
        self.beginResetModel()
        self.order = order
        self.endResetModel()

    def rowCount(self, parent: QModelIndex = NONE) -> int:
        if parent.isValid():
            return 0
        return self.sheet.rows if self.order is None else len(self.order)

    def columnCount(self, parent: QModelIndex = NONE) -> int:
        return 0 if parent.isValid() else len(self._columns)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role == Qt.ItemDataRole.DisplayRole:
            place = index.column()
            row = index.row() if self.order is None else self.order[index.row()]
            return written(self._columns[place], self._cells[place][row], self.wan)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self._align[index.column()]
        if role == Qt.ItemDataRole.ToolTipRole:
            return self.tip(index)
        return None

    def headerData(self, section: int, side: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        wanted = side == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole
        if wanted and 0 <= section < len(self._columns):
            return self.title(self._columns[section])
        return None

    # What the view, the copy and the pages ask.

    def column(self, place: int) -> Column:
        return self._columns[place]

    def place(self, column_id: str) -> int:
        return next((i for i, column in enumerate(self._columns) if column.id == column_id), -1)

    def title(self, column: Column) -> str:
        return column.title.get(self.language) or next(iter(column.title.values()), column.id)

    def side(self, place: int) -> int:
        """Numbers stand to the right."""
        return self._align[place]

    def row_at(self, shown: int) -> int:
        """The worksheet's row behind a shown one."""
        return shown if self.order is None else int(self.order[shown])

    def key_at(self, shown: int) -> Any:
        row = self.row_at(shown)
        return row if self.sheet.keys is None else self.sheet.keys[row]

    def cell(self, shown: int, place: int) -> Any:
        return self._cells[place][self.row_at(shown)]

    def tip(self, index: QModelIndex) -> str | None:
        column, cell = self._columns[index.column()], self.cell(index.row(), index.column())
        if cell is None:
            return None
        if column.kind == "exact":
            value = Fraction(cell)
            if column.places is None and not is_terminating(value):
                return f"{grouped(plain(value))}… = {value.numerator:,} / {value.denominator:,}"
            return grouped(plain(value))
        if column.kind == "fixed" and self.wan and column.unit == "yuan":
            return written(column, cell)
        text = str(cell)
        return text if not is_number(column) and len(text) > 12 else None
