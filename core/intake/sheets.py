"""Sheets and tables of typed cells: every cell as the text that a list of text would have."""

from __future__ import annotations

import zipfile
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from core.faults import Refused, Usage
from core.intake import apart, bounds, databases
from core.intake.cells import Block, Broken, block_of
from core.intake.headings import HEAD_ROWS, Heading, locate
from core.intake.kinds import Kind
from core.intake.source import Form, Source

if TYPE_CHECKING:
    from python_calamine import CalamineWorkbook


def read(
    path: Path, form: Form, sheet: str | None, kind: Kind | None, given: Mapping[str, str | None] | None
) -> Source:
    sheets = _sheets(path, form)
    if not sheets:
        raise Refused("file_empty", file=path.name)
    if sheet is not None and sheet not in sheets:
        raise Usage("sheet_unknown", file=path.name, sheet=sheet, sheets=sheets)
    wanted = (sheet,) if sheet is not None else sheets
    found: list[tuple[str, Heading]] = []
    for name in wanted:
        head = _head(path, form, name)
        if any(any(cell.strip() for cell in row) for row in head):
            found.append((name, locate(head, kind, given)))
    if not found:
        raise Refused("file_empty", file=path.name)
    name, best = max(found, key=lambda pair: pair[1].matched)
    others = tuple(
        other
        for other, heading in found
        if other != name and heading.matched == best.matched and best.matched
    )
    if form == "database" and sheet is None and others:
        raise Usage("sheet_needed", file=path.name, sheets=sheets)
    return Source(
        path,
        form,
        "",
        "",
        name,
        sheets,
        best.headings,
        best.last,
        best.titles,
        best.claims.mapping,
        best.claims.twice,
        best.sample,
        best.matched,
        others=others,
    )


def blocks(source: Source, chunk: int) -> Iterator[Block]:
    width = len(source.headings)
    rows: list[list[str]] = []
    numbers: list[int] = []
    broken: list[Broken] = []
    size = 0
    for number, row in enumerate(_values(source.path, source.form, source.sheet), start=1):
        if number <= source.heading_row or not any(cell and not cell.isspace() for cell in row):
            continue
        beyond = [cell for cell in row[width:] if cell.strip()]
        if beyond:
            broken.append(Broken(number, "fields_extra", ",".join(row), width, width + len(beyond)))
            continue
        cells = row[:width] + [""] * (width - len(row))
        rows.append(cells)
        numbers.append(number)
        size += sum(map(len, cells)) + width
        if size >= chunk:
            block = block_of(rows, numbers, width)
            block.broken = broken
            yield block
            rows, numbers, broken, size = [], [], [], 0
    if rows or broken:
        block = block_of(rows, numbers, width)
        block.broken = broken
        yield block


def cell_text(value: object) -> str:
    """A typed cell as the text a CSV export of it would have: numbers with the 15 digits that Excel keeps."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        text = format(value, ".15g")
        # Beyond 15 digits Excel has lost some: left as 3.50900123456789e+20, so that no code and no amount is made of it.
        return format(Decimal(text), "f") if "e-" in text else text
    if isinstance(value, datetime):
        if not (value.hour or value.minute or value.second or value.microsecond):
            return value.strftime("%Y-%m-%d")
        return (value + timedelta(microseconds=500_000)).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return format(value / timedelta(days=1), ".15g")
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value)


@contextmanager
def _book(path: Path) -> Generator[CalamineWorkbook]:
    """A workbook, open. Refused: file_damaged, file_kind."""
    from python_calamine import CalamineError, PasswordError, load_workbook

    try:
        with load_workbook(str(path)) as book:
            yield book
    except PasswordError as fault:
        raise Refused("file_kind", file=path.name, found="password") from fault
    except (CalamineError, OSError, ValueError) as fault:
        raise Refused("file_damaged", file=path.name) from fault
    except BaseException as fault:  # a panic inside the Rust reader on a damaged file
        if type(fault).__name__ != "PanicException":
            raise
        raise Refused("file_damaged", file=path.name) from fault


def _bounded(path: Path) -> None:
    """Refused: file_damaged, and what `bounds.check` refuses."""
    try:
        if zipfile.is_zipfile(path):
            bounds.check(path)
        else:
            bounds.check_old(path)
    except OSError as fault:
        raise Refused("file_damaged", file=path.name) from fault


def _sheets(path: Path, form: Form) -> tuple[str, ...]:
    if form == "database":
        return databases.tables(path)
    stat = path.stat()
    return _sheets_of(path, stat.st_size, stat.st_mtime_ns)


def _head(path: Path, form: Form, sheet: str) -> list[list[str]]:
    """The first rows of a sheet or table."""
    if form == "database":
        return list(islice(_values(path, form, sheet), HEAD_ROWS))
    stat = path.stat()
    return _head_of(path, sheet, stat.st_size, stat.st_mtime_ns)


# A proposal asks for the same head once for every kind, and the reader has to go through the whole sheet for it.


@lru_cache(maxsize=16)
def _sheets_of(path: Path, size: int, changed: int) -> tuple[str, ...]:
    _bounded(path)
    return apart.call(path.name, _names, path)


def _names(path: Path) -> tuple[str, ...]:
    with _book(path) as book:
        return tuple(book.sheet_names)


@lru_cache(maxsize=64)
def _head_of(path: Path, sheet: str, size: int, changed: int) -> list[list[str]]:
    _bounded(path)
    return apart.call(path.name, _first_rows, path, sheet)


def _first_rows(path: Path, sheet: str) -> list[list[str]]:
    return list(islice(_rows(path, sheet), HEAD_ROWS))


def _values(path: Path, form: Form, sheet: str) -> Iterator[list[str]]:
    """Every row of a sheet or table from its first row on, as text."""
    if form == "database":
        for row in databases.rows(path, sheet):
            yield [cell_text(value) for value in row]
        return
    _bounded(path)
    yield from _rows(path, sheet)


def _rows(path: Path, sheet: str) -> Iterator[list[str]]:
    """The reader holds the sheet as long as its rows are asked for; only one of them at a time becomes Python's. Without
    the book, whose shared texts the sheet has its own copies of.
    """
    with _book(path) as book:
        found = book.get_sheet_by_name(sheet)
    before = [""] * (found.start[1] if found.start else 0)  # columns without a cell are left out at the left
    for row in found.iter_rows():
        yield before + [cell_text(value) for value in row]
