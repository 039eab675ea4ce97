"""Cells as slices of bytes, and what can be said of a whole column of them at once.

A block holds the bytes of some thousand rows and where each cell begins and ends; nothing is decoded until
somebody needs the text. The kernels here answer only for cells of the usual clean form and say which those
are: all others are read one by one, with care, in `checks`. No float is made from an amount.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

# Cells longer than this are read one by one: a column's matrix is as wide as its longest cell.
WIDEST = 256
PADDING = WIDEST + 8


@dataclass(slots=True)
class Broken:
    """A line that is no row: `code` says why, `text` is what stands there, `expected` and `found` count fields."""

    row: int
    code: str
    text: str
    expected: int = 0
    found: int = 0


@dataclass(slots=True)
class Block:
    """Rows of a table. buffer ends with PADDING zero bytes; starts and ends are (rows, columns) offsets into it.

    rows: the row of each as a spreadsheet counts. quotes: a doubled quote inside a cell stands for one.
    """

    buffer: Bytes
    starts: Ints
    ends: Ints
    rows: Ints
    encoding: str
    quotes: bool = False
    broken: list[Broken] = field(default_factory=list[Broken])
    done: int = 0  # bytes of the file behind this block, for the progress

    def __len__(self) -> int:
        return len(self.rows)

    def raw(self, i: int, j: int) -> bytes:
        return self.buffer[self.starts[i, j] : self.ends[i, j]].tobytes()

    def text(self, i: int, j: int) -> str:
        """The cell decoded; what cannot be decoded shows as U+FFFD."""
        text = self.raw(i, j).decode(self.encoding, "replace")
        return text.replace('""', '"') if self.quotes else text

    def lengths(self, j: int) -> Ints:
        return self.ends[:, j] - self.starts[:, j]


def block_of(rows: Sequence[Sequence[str]], numbers: Sequence[int], width: int) -> Block:
    """A block from cells that are text already (workbooks, tables): every row exactly `width` long."""
    flat = [cell.encode("utf-8", "replace") for row in rows for cell in row]
    sizes = np.fromiter(map(len, flat), dtype=np.int64, count=len(flat))
    ends = np.cumsum(sizes)
    buffer = np.zeros((int(ends[-1]) if len(ends) else 0) + PADDING, dtype=np.uint8)
    joined = b"".join(flat)
    buffer[: len(joined)] = np.frombuffer(joined, dtype=np.uint8)
    shape = (len(rows), width)
    return Block(
        buffer, (ends - sizes).reshape(shape), ends.reshape(shape), np.array(numbers, dtype=np.int64), "utf-8"
    )


def _windows(buffer: Bytes, width: int) -> NDArray[np.void]:
    """Every run of `width` bytes of the buffer, without copying: indexing it gathers cells at memory speed."""
    return np.ndarray((len(buffer) - width + 1,), dtype=f"V{width}", buffer=buffer, strides=(1,))


def matrix(block: Block, j: int, limit: int = WIDEST) -> tuple[Bytes, Ints, Mask]:
    """The column left-aligned as (rows, width) bytes, zero behind each cell; its lengths; which cells fit."""
    lengths = block.lengths(j)
    fits = lengths <= limit
    longest = int(lengths.max(initial=1, where=fits))
    width = max(8, -(-longest // 8) * 8)
    cells = _windows(block.buffer, width)[block.starts[:, j]].view(np.uint8).reshape(len(block), width)
    cells *= np.arange(width, dtype=np.int64) < lengths[:, None]
    return cells, lengths, fits


@dataclass(slots=True)
class Factors:
    """A column as distinct cells: `first[k]` is a row that has the k-th, `codes[i]` says which row i has."""

    first: Ints
    codes: Ints


_MIX = np.uint64(0x9E3779B97F4A7C15)


def factors(cells: Bytes, lengths: Ints) -> Factors:
    """The distinct cells of a matrix, exactly: the 64-bit key is a hash, and equality is then proved byte by byte."""
    words = cells.view(np.uint64)
    key = words[:, 0] + lengths.astype(np.uint64) * _MIX
    for column in range(1, words.shape[1]):
        key = (key ^ (key >> np.uint64(29))) * _MIX + words[:, column]
    _, first, codes = np.unique(key, return_index=True, return_inverse=True)
    if not np.array_equal(words[first[codes]], words) or not np.array_equal(lengths[first[codes]], lengths):
        whole = np.concatenate([cells, lengths.astype("<i8")[:, None].view(np.uint8)], axis=1)
        _, first, codes = np.unique(whole, axis=0, return_index=True, return_inverse=True)
    return Factors(first.astype(np.int64), codes.reshape(-1).astype(np.int64))


def made_of(cells: Bytes, lengths: Ints, allowed: NDArray[np.bool_]) -> Mask:
    """Which cells consist of allowed bytes only. `allowed` is a table of 256; zero must be False in it."""
    return np.count_nonzero(allowed[cells], axis=1) == lengths


def table(characters: str) -> NDArray[np.bool_]:
    """A table of 256 for `made_of`."""
    into = np.zeros(256, dtype=np.bool_)
    into[list(characters.encode("ascii"))] = True
    return into


def lines(cells: Bytes, lengths: Ints) -> bytes:
    """The cells one after another, each ended by a line feed."""
    rows, width = cells.shape
    wide = np.zeros((rows, width + 1), dtype=np.uint8)
    wide[:, :width] = cells
    wide[np.arange(rows), lengths] = 10
    return wide[np.arange(width + 1) <= lengths[:, None]].tobytes()


def amounts(block: Block, j: int, places: int) -> tuple[Ints, Mask]:
    """Plain decimals `-?digits[.digits]` with at most `places` decimals, as integers scaled by 10**places.

    The second array says where that is so; at most 17 - places digits, so that int64 holds every product.
    """
    buffer, ends = block.buffer, block.ends[:, j]
    starts = block.starts[:, j]
    negative = (buffer[starts] == 45) & (ends > starts)
    lengths = ends - starts - negative
    good = (lengths > 0) & (lengths <= 17 - places)
    width = int(lengths.max(initial=1, where=good))
    values = np.zeros(len(block), dtype=np.int64)
    decimals = np.full(len(block), -1, dtype=np.int64)
    # Aligned to the right: column k stands `width - k` before the end. Cells near the buffer's begin are shorter than width.
    from_ = ends - width
    safe = from_ >= 0
    digits = _windows(buffer, width)[np.where(safe, from_, 0)].view(np.uint8).reshape(len(block), width)
    for k in range(width):
        inside = lengths >= width - k
        character = digits[:, k]
        digit = character - np.uint8(48)
        is_digit = (digit < 10) & inside
        is_point = (character == 46) & inside
        good &= is_digit | is_point | ~inside
        good &= ~(is_point & (decimals >= 0))
        values = np.where(is_digit, values * 10 + digit, values)
        decimals = np.where(is_point, 0, decimals + (is_digit & (decimals >= 0)))
    good &= safe & (decimals <= places) & (lengths - (decimals >= 0) >= 1)
    shift = places - np.clip(decimals, 0, places)
    values *= 10 ** np.where(good, shift, 0)
    return np.where(good, np.where(negative, -values, values), 0), good


_MONTH_DAYS = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], dtype=np.int64)


def days_in(year: Ints, month: Ints) -> Ints:
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    return _MONTH_DAYS[np.clip(month, 0, 12)] + ((month == 2) & leap)


@dataclass(slots=True)
class Times:
    """A column of days and times. text: (rows, 19) bytes `YYYY-MM-DD[ HH:MM:SS]`; lengths 10, 19 or 0; day: YYYYMMDD or 0."""

    text: Bytes
    lengths: Ints
    day: Ints
    good: Mask


def times(cells: Bytes, lengths: Ints) -> Times:
    """`YYYY-M-D`, with `-` or `/`, or `YYYYMMDD`; then nothing, or a blank or T and `H:MM[:SS]`. Midnight is the day alone."""
    rows, width = cells.shape
    if width < 24:
        cells = np.concatenate([cells, np.zeros((rows, 24 - width), dtype=np.uint8)], axis=1)
    at = np.zeros(rows, dtype=np.int64)
    index = np.arange(rows)
    good = (lengths >= 8) & (lengths <= 19)

    def number(most: int, least: int) -> Ints:
        """Digits from `at` on, at least `least` of them and at most `most`; moves `at` behind them."""
        nonlocal at, good
        value = np.zeros(rows, dtype=np.int64)
        going = np.ones(rows, dtype=np.bool_)
        count = np.zeros(rows, dtype=np.int64)
        for _ in range(most):
            digit = cells[index, np.minimum(at, 23)] - np.uint8(48)
            going &= digit < 10
            value = np.where(going, value * 10 + digit, value)
            at = at + going
            count += going
        good &= count >= least
        return value

    def character() -> Bytes:
        return cells[index, np.minimum(at, 23)]

    year = number(4, 4)
    first = character()
    dashed = (first == 45) | (first == 47)
    at = at + dashed
    month = number(2, 1)
    second = character()
    good &= np.where(dashed, second == first, second - np.uint8(48) < 10)
    at = at + dashed
    day = number(2, 1)
    good &= dashed | (at == 8)
    timed = at < lengths
    if bool((timed & good).any()):
        blank = character()
        good &= ~timed | (blank == 32) | (blank == 84)
        at = at + timed
        kept = good.copy()
        hour = number(2, 1)
        good &= character() == 58
        at = at + 1
        minute = number(2, 2)
        seconds = at < lengths
        good &= ~seconds | (character() == 58)
        at = at + seconds
        before = good.copy()
        second_ = number(2, 2)
        good = np.where(seconds, good, before)
        good &= (hour < 24) & (minute < 60) & (second_ < 60) & (at == lengths)
        good = np.where(timed, good, kept)
        hour, minute, second_ = (
            np.where(timed, part, 0) for part in (hour, minute, np.where(seconds, second_, 0))
        )
    else:
        hour = minute = second_ = np.zeros(rows, dtype=np.int64)
    good &= (
        (year >= 1900)
        & (year < 2100)
        & (month >= 1)
        & (month <= 12)
        & (day >= 1)
        & (day <= days_in(year, month))
    )
    timed &= (hour | minute | second_) > 0
    text = np.empty((rows, 19), dtype=np.uint8)
    text[:] = np.frombuffer(b"0000-00-00 00:00:00", dtype=np.uint8)
    for value, place, size in (
        (year, 0, 4),
        (month, 5, 2),
        (day, 8, 2),
        (hour, 11, 2),
        (minute, 14, 2),
        (second_, 17, 2),
    ):
        rest = value
        for k in range(place + size - 1, place - 1, -1):
            text[:, k] = rest % 10 + 48
            rest = rest // 10
    return Times(
        text,
        np.where(good, np.where(timed, 19, 10), 0),
        np.where(good, year * 10000 + month * 100 + day, 0),
        good,
    )
