"""A list of cases as a workbook, however long: written a stretch at a time in constant memory, complete and said to be.

Its first sheet holds the control totals: rows and sums as they were written, beside what the clearing says, and their
difference. The other sheets hold the rows; each goes on in a further sheet where Excel's end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from xlsxwriter.worksheet import Worksheet as Page

from core.export.document import stamped
from core.export.tables import (
    EXCEL_ROWS,
    Looks,
    cell_values,
    cell_writer,
    column_width,
    heading,
    marks,
    print_setup,
)
from core.export.target import spreadsheet
from core.money import total
from core.progress import SILENT, Progress, step
from core.rules.sheet import Stamps
from core.texts import Texts
from core.worksheet import Cells, Column, text_of

Stretch = Mapping[str, Cells]  # by column; of whole numbers an array of objects, None where there is none, may stand too
Sums = dict[str, int | Fraction]


@dataclass(frozen=True)
class Part:
    """One list: `rows` rows in stretches. expected: what the clearing says the columns sum up to, in the columns' own
    units, and under "" how many rows there are."""

    title: Mapping[str, str]
    columns: Sequence[Column]
    rows: int
    stretches: Callable[[], Iterator[Stretch]]
    expected: Mapping[str, int | Fraction]


@dataclass(frozen=True, slots=True)
class Control:
    """A control total: as written, as expected. column "": the number of rows."""

    part: Mapping[str, str]
    column: Column | None
    written: int | Fraction
    expected: int | Fraction


def write(
    parts: Sequence[Part], path: Path | str, title: str, stamps: Stamps, lang: str = "", progress: Progress = SILENT
) -> list[Control]:
    """Returns the control totals that stand on the first sheet. Cancelled leaves an older file as it was."""
    texts = Texts(lang)
    mark = marks(stamps, texts)
    every = sum(part.rows for part in parts)
    controls: list[Control] = []
    with spreadsheet(path, streaming=True) as book:
        looks = Looks(book)
        first = looks.page(texts("caselist.control"), 0, 1)
        done = 0
        for part in parts:
            written, sums = _part(looks, part, texts, mark, progress, done, every)
            done += written
            controls.append(Control(part.title, None, written, part.expected.get("", part.rows)))
            for column in part.columns:
                if column.id in part.expected:
                    controls.append(Control(part.title, column, sums[column.id], part.expected[column.id]))
        _control(looks, first, controls, title, mark, stamps, texts)
    return controls


def _part(
    looks: Looks, part: Part, texts: Texts, mark: str, progress: Progress, done: int, every: int
) -> tuple[int, Sums]:
    """Its rows, their number and sums as they went by."""
    columns = part.columns
    formats = [looks.of(column) for column in columns]
    per_sheet = EXCEL_ROWS - 3
    sheets = max(1, -(-part.rows // per_sheet))
    summed = [column for column in columns if column.total]
    sums: Sums = {column.id: 0 for column in summed}
    title = part.title.get(texts.lang, "")
    page, writers, number, at = _page(looks, part, 0, sheets, texts, mark)
    written = 0
    for stretch in part.stretches():
        step(progress, "case_list", done + written, every)
        count = len(stretch[columns[0].id]) if columns else 0
        for column in summed:
            sums[column.id] += _sum(column, stretch[column.id])
        values = [cell_values(column, stretch[column.id]) for column in columns]
        for row in zip(*values, strict=True):
            if at == per_sheet + 2:
                page, writers, number, at = _page(looks, part, number + 1, sheets, texts, mark)
            for i, value in enumerate(row):
                if value is not None:
                    writers[i](at, i, value)
            at += 1
        written += count
    said = texts("caselist.closing", title=title, rows=f"{written:,}")
    for i, (column, form) in enumerate(zip(columns, formats, strict=True)):
        if column.total:
            cell_writer(page, column, form)(at, i, cell_values(column, [sums[column.id]])[0])
        elif i == 0:
            page.write_string(at, 0, said, looks.bold)
    return written, sums


def _page(
    looks: Looks, part: Part, number: int, sheets: int, texts: Texts, mark: str
) -> tuple[Page, list[Callable[[int, int, object], object]], int, int]:
    """A new sheet with its headings; the row that comes next."""
    title = part.title.get(texts.lang, "")
    page = looks.page(title, number, sheets)
    for i, column in enumerate(part.columns):
        page.set_column(i, i, column_width(column))
    said = " · ".join(filter(None, (title, texts("export.rows", rows=f"{part.rows:,}"), mark)))
    page.write_string(0, 0, said, looks.bold)
    for i, column in enumerate(part.columns):
        page.write_string(1, i, heading(column, texts), looks.head)
    page.freeze_panes(2, 1)
    here = min(part.rows - number * (EXCEL_ROWS - 3), EXCEL_ROWS - 3)
    if here > 0:
        page.autofilter(1, 0, here + 1, len(part.columns) - 1)
    print_setup(page, title, f" · {mark}" if mark else "")
    page.set_paper(8)
    return page, [cell_writer(page, column, looks.of(column)) for column in part.columns], number, 2


def _sum(column: Column, cells: Cells) -> int | Fraction:
    if column.kind in ("int", "fixed"):
        return int(np.asarray(cells, np.int64).sum())
    return total([value for value in cells if value is not None])


def _control(
    looks: Looks, page: Page, controls: Sequence[Control], title: str, mark: str, stamps: Stamps, texts: Texts
) -> None:
    page.set_column(0, 0, 26)
    page.set_column(1, 4, 24)
    page.write_string(0, 0, " · ".join(filter(None, (title, mark))), looks.bold)
    for i, name in enumerate(("part", "what", "written", "expected", "difference")):
        page.write_string(2, i, texts(f"caselist.{name}"), looks.head)
    row = 3
    for one in controls:
        column = one.column or Column("", {}, "int")
        named = heading(column, texts) if one.column else texts("caselist.rows")
        page.write_string(row, 0, one.part.get(texts.lang, ""))
        page.write_string(row, 1, named)
        form = looks.of(column)
        for i, value in enumerate((one.written, one.expected, one.written - one.expected)):
            written = cell_values(column, [value])[0]
            cell_writer(page, column, form)(row, 2 + i, written)
        row += 1
    wrong = [one for one in controls if one.written != one.expected]
    said = texts("caselist.differs", count=len(wrong)) if wrong else texts("caselist.agrees")
    page.write_string(row + 1, 0, said, looks.bold)
    for i, line in enumerate(stamped(stamps, texts)):
        page.write_string(row + 3 + i, 0, line)
    print_setup(page, title, f" · {mark}" if mark else "")


def said(control: Control, texts: Texts) -> str:
    """A control total in words."""
    column = control.column or Column("", {}, "int")
    named = heading(column, texts) if control.column else texts("caselist.rows")
    values = {"written": text_of(column, control.written), "expected": text_of(column, control.expected)}
    return texts("caselist.told", part=control.part.get(texts.lang, ""), what=named, **values)
