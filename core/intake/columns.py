"""One column of a file, block after block: all at once where its cells have the usual clean form (`cells`), and cell by
cell where not (`one_cell`). Both ways give the same: the careful way is the definition, the fast way its shortcut.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from core.intake import cells
from core.intake.cells import Block, Ints, Mask
from core.intake.kinds import INTEGERS, Field
from core.intake.one_cell import read_cell
from core.intake.tidy import Read
from core.intake.values import Values

_ID_BYTES = cells.table("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-")
_MEMORY = 1 << 16


@dataclass(slots=True)
class Column:
    """A column of one block. troubles: row index, what was wrong or repaired. day: of moments, YYYYMMDD, 0 where none is."""

    values: Values
    empty: Mask
    troubles: list[tuple[int, Read]] = field(default_factory=list[tuple[int, Read]])
    day: Ints | None = None


def amounts(columns: Mapping[str, Column], name: str) -> Ints | None:
    """Numbers of a column, amounts in fen; 0 where a cell is empty, None without the column."""
    column = columns.get(name)
    if column is None or column.values.numbers is None:
        return None
    return np.where(column.empty, 0, column.values.numbers)


class Reader:
    """Reads one column of a file, block after block, and remembers the cells it has seen."""

    def __init__(self, column: Field, wan: bool) -> None:
        self.column = column
        self.wan = wan
        self._seen: dict[bytes, Read] = {}
        self._many = False  # most cells of the last block were distinct

    def _cell(self, block: Block, i: int, j: int) -> Read:
        raw = block.raw(i, j)
        found = self._seen.get(raw)
        if found is None:
            found = read_cell(self.column, block.text(i, j), self.wan)
            if len(self._seen) >= _MEMORY:
                self._seen.clear()
            self._seen[raw] = found
        return found

    def read(self, block: Block, j: int) -> Column:
        match self.column.type:
            case "money":
                return self._money(block, j)
            case "date" | "time":
                return self._times(block, j)
            case _:
                return self._any(block, j)

    def _money(self, block: Block, j: int) -> Column:
        numbers, good = cells.amounts(block, j, 6 if self.wan else 2)
        if not self.column.signed:
            good &= numbers >= 0
        empty = np.zeros(len(block), dtype=np.bool_)
        column = Column(Values(numbers=numbers, empty=empty), empty)
        bare = block.lengths(j) == 0
        empty |= bare
        for i in np.flatnonzero(~good & ~bare).tolist():
            self._careful(block, i, j, column, numbers)
        return column

    def _careful(self, block: Block, i: int, j: int, column: Column, numbers: Ints) -> None:
        read = self._cell(block, i, j)
        if read.value is None:
            column.empty[i] = True
        else:
            numbers[i] = int(read.value)
        if read.problem or read.repaired:
            column.troubles.append((i, read))

    def _times(self, block: Block, j: int) -> Column:
        matrix, lengths, _ = cells.matrix(block, j, 24)
        found = cells.times(matrix, lengths)
        if self.column.type == "date":
            found.lengths = np.minimum(found.lengths, 10)
        empty = lengths == 0
        column = Column(Values(), empty, day=found.day)
        for i in np.flatnonzero(~found.good & ~empty).tolist():
            read = self._cell(block, i, j)
            if read.value is None:
                empty[i] = True
            else:
                text = str(read.value).encode()
                found.text[i, : len(text)] = np.frombuffer(text, dtype=np.uint8)
                found.lengths[i] = len(text)
                found.day[i] = int(str(read.value)[:10].replace("-", ""))
            if read.problem or read.repaired:
                column.troubles.append((i, read))
        column.values = Values(lines=cells.lines(found.text, found.lengths))
        return column

    def _any(self, block: Block, j: int) -> Column:
        rows = len(block)
        matrix, lengths, fits = cells.matrix(block, j)
        kind = self.column.type
        if kind == "private":
            return Column(Values(), np.ones(rows, dtype=np.bool_))
        if (self._many or kind == "person") and kind in ("id", "person"):
            return self._codes(block, j, matrix, lengths)
        if not bool(fits.all()):
            return self._one_by_one(block, j)
        found = cells.factors(matrix, lengths)
        self._many = len(found.first) * 2 > rows > 1000
        if self._many and kind == "id":
            return self._codes(block, j, matrix, lengths)
        reads = [self._cell(block, i, j) for i in found.first.tolist()]
        troubled = np.array([bool(read.problem or read.repaired) for read in reads], dtype=np.bool_)
        void = np.array([read.value is None for read in reads], dtype=np.bool_)
        empty = void[found.codes]
        column = Column(Values(), empty)
        if kind in INTEGERS:
            numbers = np.array(
                [0 if read.value is None else int(read.value) for read in reads], dtype=np.int64
            )
            column.values = Values(numbers=numbers[found.codes], empty=empty)
        else:
            distinct = ["" if read.value is None else str(read.value) for read in reads]
            column.values = Values(distinct=distinct, codes=np.where(empty, -1, found.codes))
        if bool(troubled.any()):
            column.troubles = [
                (i, reads[int(found.codes[i])]) for i in np.flatnonzero(troubled[found.codes]).tolist()
            ]
        return column

    def _codes(self, block: Block, j: int, matrix: cells.Bytes, lengths: Ints) -> Column:
        """Identifiers, nearly all of them distinct: clean ones are taken as they stand."""
        clean = cells.made_of(matrix, lengths, _ID_BYTES)
        empty = lengths == 0
        column = Column(Values(), empty)
        odd = np.flatnonzero(~clean & ~empty).tolist()
        # `12E34` is made of clean bytes and yet a number that lost its digits; so is NULL an empty cell.
        odd += np.flatnonzero(clean & _suspicious(matrix, lengths)).tolist()
        if not odd:
            column.values = Values(lines=cells.lines(matrix, lengths))
            return column
        lengths = lengths.copy()
        lengths[odd] = 0
        texts = cells.lines(matrix, np.minimum(lengths, matrix.shape[1])).decode("ascii").split("\n")[:-1]
        for i in sorted(odd):
            read = self._cell(block, i, j)
            texts[i] = "" if read.value is None else str(read.value)
            empty[i] = read.value is None
            if read.problem or read.repaired:
                column.troubles.append((i, read))
        column.values = Values(lines="".join([f"{text}\n" for text in texts]).encode())
        return column

    def _one_by_one(self, block: Block, j: int) -> Column:
        empty = np.zeros(len(block), dtype=np.bool_)
        column = Column(Values(), empty)
        texts: list[str] = []
        numbers = np.zeros(len(block), dtype=np.int64)
        for i in range(len(block)):
            read = self._cell(block, i, j)
            empty[i] = read.value is None
            texts.append("" if read.value is None else str(read.value))
            if read.problem or read.repaired:
                column.troubles.append((i, read))
            if self.column.type in INTEGERS and read.value is not None:
                numbers[i] = int(read.value)
        column.values = (
            Values(numbers=numbers, empty=empty)
            if self.column.type in INTEGERS
            else Values(lines="".join([f"{text}\n" for text in texts]).encode())
        )
        return column


def _suspicious(matrix: cells.Bytes, lengths: Ints) -> Mask:
    """Identifiers of clean bytes that are not to be taken as they stand: `3E17`, NULL, none, nan."""
    short = lengths <= 4
    exponent = (matrix == 69) | (matrix == 101)
    if not bool(short.any()) and not bool(exponent.any()):
        return short
    digits = np.count_nonzero(matrix - np.uint8(48) < 10, axis=1)
    return ((np.count_nonzero(exponent, axis=1) == 1) & (digits == lengths - 1)) | (short & (digits == 0))
