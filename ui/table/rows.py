"""Which rows of a worksheet show, and in which order: sorting, filters, sums and search over whole columns.

No Qt here. Arrays in, row numbers out; amounts stay integers or rationals all the way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from core.money import decimal
from core.progress import SILENT, Progress, step
from core.worksheet import Column, Worksheet, text_of

NUMBERS = ("int", "fixed", "exact")
CHUNK = (
    100_000  # rows between two looks at "cancelled", and the longest stretch that keeps the window waiting
)
RANKED = 50_000  # distinct texts that are ranked; beyond that their bytes are sorted
PINYIN_LIMIT = 5_000  # distinct texts that are put in pinyin order; beyond that code points do


def is_number(column: Column) -> bool:
    return column.kind in NUMBERS


def value_of(column: Column, cell: Any) -> Fraction | None:
    """A number cell as an exact value (fen become yuan); None for an empty cell."""
    if cell is None:
        return None
    if column.kind == "fixed":
        return Fraction(int(cell), 10 ** (column.places or 0))
    return Fraction(int(cell)) if column.kind == "int" else Fraction(cell)


def _text_ranks(
    column: Column, cells: np.ndarray, rows: np.ndarray, progress: Progress
) -> tuple[np.ndarray, ...]:
    """Integer keys that sort `rows` of a text column, the most important last, as `np.lexsort` wants them.

    Few different texts are ranked (Chinese by pinyin); many become their UTF-8 bytes, eight to an integer: bytes
    of UTF-8 sort as code points do, and integers sort ten times as fast as texts and without holding up the window.
    """
    codes = np.empty(len(rows), dtype=np.int32)
    seen: dict[str, int] = {}
    for start in range(0, len(rows), CHUNK):
        step(progress, "table", start, len(rows))
        part = cells[rows[start : start + CHUNK]]
        codes[start : start + len(part)] = [seen.setdefault(str(cell), len(seen)) for cell in part]
        if len(seen) > RANKED:
            return _byte_keys(cells, rows, progress)
    distinct = np.array(list(seen), dtype=object)
    if column.kind == "text" and len(distinct) <= PINYIN_LIMIT and not all(text.isascii() for text in seen):
        rank = _pinyin_rank(distinct)
    else:
        rank = np.empty(len(distinct), dtype=np.int64)
        rank[sorted(range(len(distinct)), key=lambda i: distinct[i])] = np.arange(len(distinct))
    return (rank[codes],)


def _byte_keys(cells: np.ndarray, rows: np.ndarray, progress: Progress) -> tuple[np.ndarray, ...]:
    stretches: list[np.ndarray] = []
    for start in range(0, len(rows), CHUNK):
        step(progress, "table", start, len(rows))
        part = [str(cell).encode() for cell in cells[rows[start : start + CHUNK]]]
        wide = -(-max(map(len, part)) // 8) * 8
        words = np.array(part, dtype=f"S{max(8, wide)}").view(">u8").reshape(len(part), -1)
        stretches.append(words.astype(np.uint64))
    most = max(one.shape[1] for one in stretches)
    keys = np.zeros((most, len(rows)), dtype=np.uint64)
    at = 0
    for one in stretches:
        keys[: one.shape[1], at : at + len(one)] = one.T
        at += len(one)
    return tuple(keys[::-1])


def _pinyin_rank(distinct: np.ndarray) -> np.ndarray:
    from pypinyin import lazy_pinyin

    keys = ["".join(lazy_pinyin(str(text))).casefold() for text in distinct]
    order = sorted(range(len(keys)), key=lambda i: (keys[i], str(distinct[i])))
    rank = np.empty(len(keys), dtype=np.int64)
    rank[order] = np.arange(len(keys))
    return rank


def _exact_order(cells: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Rows by exact value. The nearest float never reverses two rationals, so only equal floats are looked at again."""
    if not len(rows):
        return rows
    near = np.array([float(cell) for cell in cells[rows]], dtype=np.float64)
    order = np.argsort(near, kind="stable")
    rows, near = rows[order], near[order]
    starts = np.flatnonzero(np.r_[True, near[1:] != near[:-1]])
    for start, end in zip(starts, np.r_[starts[1:], len(near)], strict=True):
        if end - start > 1 and any(cells[rows[start]] != cells[row] for row in rows[start + 1 : end]):
            rows[start:end] = sorted(rows[start:end], key=lambda row: cells[row])
    return rows


def ordered(
    sheet: Worksheet, rows: np.ndarray, column: Column, descending: bool, progress: Progress = SILENT
) -> np.ndarray:
    """`rows` sorted by one column, stable both ways; empty cells come last both ways."""
    cells = sheet.cells[column.id]
    if cells.dtype != object:
        values = cells[rows]
        if descending:  # stable: sort the reversed sequence ascending, then turn it round
            return rows[::-1][np.argsort(values[::-1], kind="stable")][::-1]
        return rows[np.argsort(values, kind="stable")]
    empty = np.empty(len(rows), dtype=bool)
    for start in range(0, len(rows), CHUNK):
        part = cells[rows[start : start + CHUNK]]
        empty[start : start + len(part)] = [cell is None or cell == "" for cell in part]
    full = rows[~empty]
    if descending:
        full = full[::-1]
    if is_number(column):
        full = _exact_order(cells, full)
    elif len(full):
        full = full[np.lexsort(_text_ranks(column, cells, full, progress))]
    return np.concatenate([full[::-1] if descending else full, rows[empty]])


@dataclass(frozen=True, slots=True)
class Filter:
    """What one column lets through; all that is set must hold.

    values: plain texts of cells that were ticked. op: contains, without, begins, =, !=, <, <=, >, >=, between.
    """

    values: frozenset[str] | None = None
    op: str = ""
    first: str = ""
    second: str = ""


def scaled(column: Column, amount: Fraction) -> Fraction:
    """An amount as the user writes it, on the scale of the column's cells."""
    return amount * 10 ** (column.places or 0) if column.kind == "fixed" else amount


def _compare(cells: np.ndarray, op: str, bound: Fraction) -> np.ndarray:
    if cells.dtype == object:
        full = np.array([cell is not None for cell in cells], dtype=bool)
        hit = np.zeros(len(cells), dtype=bool)
        tests: Mapping[str, Any] = {
            "=": lambda cell: cell == bound,
            "!=": lambda cell: cell != bound,
            "<": lambda cell: cell < bound,
            "<=": lambda cell: cell <= bound,
            ">": lambda cell: cell > bound,
            ">=": lambda cell: cell >= bound,
        }
        hit[full] = [bool(tests[op](cell)) for cell in cells[full]]
        return hit
    floor = bound.numerator // bound.denominator
    whole = bound.denominator == 1
    if op in ("=", "!="):
        same = (cells == floor) if whole else np.zeros(len(cells), dtype=bool)
        return same if op == "=" else ~same
    if op in ("<=", ">"):
        below = cells <= floor
        return below if op == "<=" else ~below
    below = cells < floor if whole else cells <= floor
    return below if op == "<" else ~below


def mask_of(sheet: Worksheet, column: Column, wanted: Filter, progress: Progress = SILENT) -> np.ndarray:
    """The rows that a filter lets through. ValueError where the bound of a number condition is no number."""
    cells = sheet.cells[column.id]
    mask = np.ones(sheet.rows, dtype=bool)
    if wanted.values is not None:
        if cells.dtype == object:
            chosen = wanted.values
            for start in range(0, sheet.rows, CHUNK):
                step(progress, "table", start, sheet.rows)
                mask[start : start + CHUNK] = [
                    text_of(column, cell) in chosen for cell in cells[start : start + CHUNK]
                ]
        else:
            raw = [int(scaled(column, decimal(text))) for text in wanted.values if text]
            mask = np.isin(cells, np.array(raw, dtype=np.int64))
    if not wanted.op:
        return mask
    if is_number(column) and wanted.op not in ("contains", "without", "begins"):
        first = scaled(column, decimal(wanted.first.replace(",", "")))
        if wanted.op == "between":
            second = scaled(column, decimal(wanted.second.replace(",", "")))
            low, high = min(first, second), max(first, second)
            return mask & _compare(cells, ">=", low) & _compare(cells, "<=", high)
        return mask & _compare(cells, wanted.op, first)
    needle = wanted.first.casefold()
    for start in range(0, sheet.rows, CHUNK):
        step(progress, "table", start, sheet.rows)
        texts = [text_of(column, cell).casefold() for cell in cells[start : start + CHUNK]]
        match wanted.op:
            case "contains":
                hit = [needle in text for text in texts]
            case "without":
                hit = [needle not in text for text in texts]
            case "begins":
                hit = [text.startswith(needle) for text in texts]
            case "!=":
                hit = [text != needle for text in texts]
            case _:
                hit = [text == needle for text in texts]
        mask[start : start + CHUNK] &= np.array(hit, dtype=bool)
    return mask


@dataclass(frozen=True, slots=True)
class Distinct:
    """The different values of a column with how often each occurs, in order; `more` counts those left out."""

    texts: tuple[str, ...]
    counts: tuple[int, ...]
    more: int


def distinct_of(
    sheet: Worksheet,
    column: Column,
    rows: np.ndarray,
    needle: str = "",
    limit: int = 1000,
    progress: Progress = SILENT,
) -> Distinct:
    """For the checklist of a column's filter."""
    cells = sheet.cells[column.id][rows]
    if cells.dtype == object:
        seen: dict[Any, int] = {}
        for start in range(0, len(cells), CHUNK):
            step(progress, "table", start, len(cells))
            for cell in cells[start : start + CHUNK]:
                seen[cell] = seen.get(cell, 0) + 1
        if is_number(column):
            values = sorted(seen, key=lambda cell: (cell is None, cell if cell is not None else 0))
        else:
            values = sorted(seen, key=lambda cell: (cell in (None, ""), str(cell)))
            if (
                column.kind == "text"
                and len(values) <= PINYIN_LIMIT
                and not all(str(v).isascii() for v in values)
            ):
                rank = _pinyin_rank(np.array([str(v) for v in values], dtype=object))
                values = [value for _, value in sorted(zip(rank.tolist(), values, strict=True))]
        counts = [seen[value] for value in values]
    else:
        unique, many = np.unique(cells, return_counts=True)
        values, counts = unique.tolist(), many.tolist()
    wanted = needle.casefold()
    pairs: dict[str, int] = {}
    for value, count in zip(values, counts, strict=True):
        text = text_of(column, value)
        if wanted in text.casefold():
            pairs[text] = pairs.get(text, 0) + count
    shown = list(pairs.items())[:limit]
    return Distinct(tuple(t for t, _ in shown), tuple(c for _, c in shown), len(pairs) - len(shown))


def total_of(sheet: Worksheet, column: Column, rows: np.ndarray | None) -> int | Fraction:
    """The sum of a column over `rows` (None: all), in cells' units: fen for fixed amounts."""
    cells = sheet.cells[column.id] if rows is None else sheet.cells[column.id][rows]
    if cells.dtype == object:
        # A running integer over one denominator; adding rationals one by one reduces each time.
        by_denominator: dict[int, int] = {}
        for cell in cells:
            if cell is not None:
                value = Fraction(cell)
                by_denominator[value.denominator] = by_denominator.get(value.denominator, 0) + value.numerator
        return sum((Fraction(n, d) for d, n in by_denominator.items()), Fraction(0))
    if len(cells) == 0:
        return 0
    if max(abs(int(cells.max())), abs(int(cells.min()))) * len(cells) < 2**62:
        return int(cells.sum())
    return sum(cells.tolist())


def found(
    sheet: Worksheet, columns: list[Column], rows: np.ndarray, needle: str, progress: Progress = SILENT
) -> np.ndarray:
    """Positions in `rows` where any of the columns contains the text; thousands separators do not matter."""
    wanted = needle.casefold().strip()
    digits = wanted.replace(",", "")
    numeric = bool(digits) and all(sign in "0123456789.-" for sign in digits)
    hits: list[np.ndarray] = []
    for start in range(0, len(rows), CHUNK):
        step(progress, "table", start, len(rows))
        part = rows[start : start + CHUNK]
        hit = np.zeros(len(part), dtype=bool)
        for column in columns:
            cells = sheet.cells[column.id][part]
            if not is_number(column):
                hit |= np.array(
                    [cell is not None and wanted in str(cell).casefold() for cell in cells], dtype=bool
                )
            elif numeric and cells.dtype == object:
                hit |= np.array([digits in text_of(column, cell) for cell in cells], dtype=bool)
            elif numeric:
                maybe = np.flatnonzero(
                    np.strings.find(np.abs(cells).astype("U20"), digits.replace(".", "").lstrip("-0")) >= 0
                )
                for i in maybe:
                    if digits in text_of(column, cells[i]):
                        hit[i] = True
        hits.append(np.flatnonzero(hit) + start)
    return np.concatenate(hits) if hits else np.empty(0, dtype=np.int64)


def picked(sheet: Worksheet, columns: list[Column], rows: np.ndarray | None) -> Worksheet:
    """The worksheet of some rows and columns, its totals summed anew: what export writes."""
    cells = {c.id: sheet.cells[c.id] if rows is None else sheet.cells[c.id][rows] for c in columns}
    count = sheet.rows if rows is None else len(rows)
    totals = {c.id: total_of(sheet, c, rows) for c in columns if c.total}
    keys = sheet.keys if rows is None or sheet.keys is None else sheet.keys[rows]
    return Worksheet(sheet.id, sheet.title, columns, cells, count, totals, keys)
