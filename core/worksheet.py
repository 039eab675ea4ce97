"""Column and Worksheet: what every table on screen, sheet and export is made of.

A worksheet is columns of equal length, held as arrays, so that 2.5 million cases scroll and sort. Nothing
here knows where the values came from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from core.money import plain

Kind = Literal["text", "code", "int", "fixed", "exact"]
Cells = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    kind: text; code (text that never becomes a number); int; fixed (int64 scaled by 10**places: fen are
    fixed with places 2); exact (Fractions, shown to `places` or in full).
    unit: "yuan", "points", "yuan/point", "days", "cases", "" ...: a key `unit.*` of the translations.
    tag: evidence ("V", "C", "S", "D", "U"), `open` text where the document leaves it open.
    """

    id: str
    title: Mapping[str, str]
    kind: Kind = "text"
    unit: str = ""
    places: int | None = None
    tag: str = ""
    open: str = ""
    total: bool = False  # a sum below makes sense


def text_of(column: Column, value: Any) -> str:
    """A cell as plain text: what copy, csv and json carry. None is an empty cell."""
    if value is None:
        return ""
    if column.kind == "fixed":
        places = column.places or 0
        return plain(Fraction(int(value), 10**places), places)
    if column.kind == "exact":
        return plain(Fraction(value), column.places)
    return str(value)


@dataclass(frozen=True)
class Worksheet:
    """`cells[column.id]` is an array of `rows` values: int64 for int and fixed, object otherwise."""

    id: str
    title: Mapping[str, str]
    columns: Sequence[Column]
    cells: Mapping[str, Cells]
    rows: int
    totals: Mapping[str, object] = field(default_factory=dict[str, object])
    keys: Cells | None = None  # what a row stands for (institution code, setl_id ...), for the way down

    def __post_init__(self) -> None:
        for column in self.columns:
            if len(self.cells[column.id]) != self.rows:
                raise AssertionError(f"{self.id}.{column.id}: {len(self.cells[column.id])} of {self.rows} rows")

    def text(self, row: int, column: Column) -> str:
        return text_of(column, self.cells[column.id][row])


def column_of(values: Sequence[object], kind: Kind) -> Cells:
    """An array fit for a column of `kind`."""
    if kind in ("int", "fixed"):
        return np.array(values, dtype=np.int64)
    cells = np.empty(len(values), dtype=object)
    cells[:] = values
    return cells
