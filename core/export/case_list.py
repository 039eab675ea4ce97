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

from core.export.document import stamped
from core.export.rows_book import A3, RowBook, Value, row_book
from core.export.tables import EXCEL_ROWS, cell_values, closing, heading, listing, marks, style_of
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
    """A control total: as written, as expected. column None: the number of rows. missing: rows without a value there."""

    part: Mapping[str, str]
    column: Column | None
    written: int | Fraction
    expected: int | Fraction
    missing: int = 0


def write(
    parts: Sequence[Part], path: Path | str, title: str, stamps: Stamps, lang: str = "", progress: Progress = SILENT
) -> list[Control]:
    """Returns the control totals that stand on the first sheet. Cancelled leaves an older file as it was."""
    texts = Texts(lang)
    mark = marks(stamps, texts)
    every = sum(part.rows for part in parts)
    controls: list[Control] = []
    with row_book(path) as book:
        done = 0
        for part in parts:
            written, sums, missing = _part(book, part, texts, mark, progress, done, every)
            done += written
            controls.append(Control(part.title, None, written, part.expected.get("", part.rows)))
            for column in part.columns:
                if column.id in part.expected:
                    controls.append(
                        Control(part.title, column, sums[column.id], part.expected[column.id], missing.get(column.id, 0))
                    )
        _control(book, controls, title, mark, stamps, texts)
    return controls


def _part(
    book: RowBook, part: Part, texts: Texts, mark: str, progress: Progress, done: int, every: int
) -> tuple[int, Sums, dict[str, int]]:
    """Its rows, their number and sums as they went by, and by column how many had no value."""
    columns, title = part.columns, part.title.get(texts.lang, "")
    styles, bold, head = [style_of(book, column) for column in columns], book.style(bold=True), book.style(head=True)
    per_sheet = EXCEL_ROWS - 3
    sheets = max(1, -(-part.rows // per_sheet))
    sums: Sums = {column.id: 0 for column in columns if column.total}
    missing: dict[str, int] = {}
    named = " · ".join(filter(None, (title, texts("export.rows", rows=f"{part.rows:,}"), mark)))
    written = 0

    def blocks() -> Iterator[list[list[Value]]]:
        nonlocal written
        for stretch in part.stretches():
            step(progress, "case_list", done + written, every)
            for column in columns:
                if column.total:
                    found, without = _sum(column, stretch[column.id])
                    sums[column.id] += found
                    if without:
                        missing[column.id] = missing.get(column.id, 0) + without
            written += len(stretch[columns[0].id]) if columns else 0
            yield [cell_values(column, stretch[column.id]) for column in columns]

    coming, left = blocks(), list[list[Value]]()
    for number in range(sheets):
        here = min(part.rows - number * per_sheet, per_sheet)
        with listing(book, title, columns, number, sheets, here, f" · {mark}" if mark else "", paper=A3) as page:
            page.row([named], [bold])
            page.row([heading(column, texts) for column in columns], [head] * len(columns))
            room = per_sheet
            while room and (left or (left := next(coming, []))):
                page.block([cells[:room] for cells in left], styles)
                taken = min(room, len(left[0]))
                room -= taken
                left = [cells[taken:] for cells in left] if taken < len(left[0]) else []
            if number == sheets - 1:
                said = " ".join([texts("caselist.closing", title=title, rows=f"{written:,}"), *_lacking(columns, missing, texts)])
                closing(page, columns, styles, sums, said, bold)
    return written, sums, missing


def _lacking(columns: Sequence[Column], missing: Mapping[str, int], texts: Texts) -> list[str]:
    """What sums are not of every row."""
    if not missing:
        return []
    named = {column.id: column.title.get(texts.lang, column.id) for column in columns}
    told = [texts("caselist.missing_in", what=named[id], rows=f"{count:,}") for id, count in missing.items()]
    return [texts("caselist.missing", columns=texts.listed(told))]


def _sum(column: Column, cells: Cells) -> tuple[int | Fraction, int]:
    """The sum of what is there, and how many are not."""
    whole = column.kind in ("int", "fixed")
    if whole and cells.dtype != object:
        return int(np.asarray(cells, np.int64).sum()), 0
    known = [value for value in cells if value is not None]
    return sum(map(int, known)) if whole else total(known), len(cells) - len(known)


def _control(
    book: RowBook, controls: Sequence[Control], title: str, mark: str, stamps: Stamps, texts: Texts
) -> None:
    """What was written beside what the clearing says: the first sheet, written last."""
    bold, head = book.style(bold=True), book.style(head=True)
    header = " · ".join(filter(None, (title, mark)))
    with book.sheet(book.name(texts("caselist.control")), [26, 24, 24, 24, 24], header=header, first=True) as page:
        page.row([header], [bold])
        page.skip()
        page.row([texts(f"caselist.{name}") for name in ("part", "what", "written", "expected", "difference")], [head] * 5)
        for one in controls:
            column = one.column or Column("", {}, "int")
            named = heading(column, texts) if one.column else texts("caselist.rows")
            figures = cell_values(column, [one.written, one.expected, one.written - one.expected])
            page.row([one.part.get(texts.lang, ""), named, *figures], [0, 0, *[style_of(book, column)] * 3])
            if one.column is not None and one.missing:
                page.row(["", *_lacking([one.column], {one.column.id: one.missing}, texts)], [0, bold])
        page.skip()
        wrong = [one for one in controls if one.written != one.expected]
        page.row([texts("caselist.differs", count=len(wrong)) if wrong else texts("caselist.agrees")], [bold])
        page.skip()
        for line in stamped(stamps, texts):
            page.row([line], [0])


def said(control: Control, texts: Texts) -> str:
    """A control total in words."""
    column = control.column or Column("", {}, "int")
    named = heading(column, texts) if control.column else texts("caselist.rows")
    values = {"written": text_of(column, control.written), "expected": text_of(column, control.expected)}
    told = texts("caselist.told", part=control.part.get(texts.lang, ""), what=named, **values)
    if control.column is None or not control.missing:
        return told
    return " ".join([told, *_lacking([control.column], {control.column.id: control.missing}, texts)])
