"""Worksheets as a workbook that goes on living: what follows from other figures stands as a formula over them.

A rule names cells by the words of its worksheets, so that whoever makes them knows nothing of rows and letters:
`[column]` of its own row, beneath the rows of the totals; `[column:]` all of a column; `[sheet!column]` the total,
`[sheet!column@key]` one row, `[sheet!column:]` all of a column of another worksheet by its id. Beside every formula stands
the value that was calculated exactly. A first sheet repeats every check, which are 0, and what the workbook stands on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from pathlib import Path

from xlsxwriter.utility import xl_col_to_name

from core.export.document import stamped
from core.export.rows_book import A3, Formula, RowBook, Sheet, Value, reference, row_book
from core.export.tables import (
    EXCEL_ROWS,
    cell_values,
    heading,
    listing,
    marks,
    number_format,
    style_of,
    totals_of,
)
from core.money import rounded
from core.progress import SILENT, Progress, step
from core.rules.sheet import Stamps
from core.texts import Texts
from core.worksheet import Column, Worksheet

CHUNK = 4_000
PER_SHEET = EXCEL_ROWS - 20  # headings, totals and checks stand on it too
LEAST, MOST, DIGITS = 4, 9, 14  # decimals of a formula that is rounded, and digits that a double surely holds
_NAMED = re.compile(r"\[(?:([^\]!]+)!)?([^\]@:]+)(?:@([^\]]*))?(:)?\]")


@dataclass(frozen=True, slots=True)
class Rule:
    """A formula. places: decimals that it is rounded to, None of words and counts."""

    said: str
    places: int | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """A figure beneath the totals that is 0 where all is well. words: which; column: that it stands under."""

    words: str
    column: str
    rule: Rule
    value: Fraction = Fraction(0)


@dataclass(frozen=True)
class Living:
    """rules: of every row by column; cells: of single ones by (column, key), before those."""

    worksheet: Worksheet
    rules: Mapping[str, Rule] = field(default_factory=dict[str, Rule])
    cells: Mapping[tuple[str, str], Rule] = field(default_factory=dict[tuple[str, str], Rule])
    checks: Sequence[Check] = ()

    @cached_property
    def letters(self) -> Mapping[str, str]:
        return {column.id: xl_col_to_name(at) for at, column in enumerate(self.worksheet.columns)}

    @cached_property
    def rows(self) -> Mapping[str, int]:
        keys = self.worksheet.keys
        return {} if keys is None else {str(key): at + 3 for at, key in enumerate(keys)}


def decimals(values: Sequence[Fraction | None]) -> int:
    """To how many a formula over such figures is rounded: as many as they have, as far as a double can hold them; never
    so few that another amount typed in would be cut."""
    told = [value for value in values if value is not None]
    digits = len(str(int(max(map(abs, told), default=Fraction(0)))))
    most = min(MOST, max(2, DIGITS - digits))
    places = min(LEAST, most)
    while places < most and any((value * 10**places).denominator != 1 for value in told):
        places += 1
    return places


def fewer(values: Sequence[Fraction | None]) -> int:
    """Decimals of a check over such figures: beneath what rounding them in a spreadsheet leaves."""
    digits = len(str(int(max((abs(value) for value in values if value is not None), default=Fraction(0)))))
    return min(6, max(2, DIGITS - 1 - digits))


class _Absent(Exception):
    """Names what is not on one sheet alone, or not in the workbook: the value stands without a formula."""


class _Book:
    def __init__(self, book: RowBook, sheets: Sequence[Living], texts: Texts) -> None:
        self.book, self.texts, self.sheets = book, texts, {one.worksheet.id: one for one in sheets}
        self.names: dict[str, list[str]] = {}
        for id, one in self.sheets.items():
            count = max(1, -(-one.worksheet.rows // PER_SHEET))
            title = one.worksheet.title.get(texts.lang) or id
            self.names[id] = [book.name(title, number, count) for number in range(count)]

    def resolved(self, said: str, own: Living) -> str:
        """The formula with the cells' places, its own row as a sign of its own."""

        def place(found: re.Match[str]) -> str:
            sheet, column, key, every = found.groups()
            one = own if sheet is None else self.sheets.get(sheet)
            if one is None or column not in one.letters:
                raise _Absent
            letter = one.letters[column]
            if sheet is None and not every:
                return f"{letter}\0"
            if len(self.names[one.worksheet.id]) > 1 or not one.worksheet.rows:
                raise _Absent
            before = f"{reference(self.names[one.worksheet.id][0])}!" if sheet is not None else ""
            last = one.worksheet.rows + 2
            if every:
                return f"{before}${letter}$3:${letter}${last}"
            if key is not None and key not in one.rows:
                raise _Absent
            return f"{before}${letter}${last + 1 if key is None else one.rows[key]}"

        return _NAMED.sub(place, said)

    def formula(self, rule: Rule | None, own: Living, row: int, value: object) -> Value:
        """The value as it is where there is no rule or it names what is not there."""
        if rule is None or value is None:
            return None
        try:
            said = self.resolved(rule.said, own).replace("\0", str(row))
        except _Absent:
            return None
        return _formula(said, rule.places, value)

    def column(self, one: Living, column: Column, start: int, end: int, row: int) -> list[Value]:
        """A stretch of a column, the first of it in that row."""
        cells = one.worksheet.cells[column.id][start:end]
        values: list[Value] = cell_values(column, cells)
        rule, keys = one.rules.get(column.id), one.worksheet.keys
        alone = {key for name, key in one.cells if name == column.id}
        if rule is None and not alone:
            return values
        try:
            said = self.resolved(rule.said, one) if rule is not None else None
        except _Absent:
            said = None
        for at, value in enumerate(cells.tolist()):
            key = "" if keys is None else str(keys[start + at])
            if key in alone:
                made = self.formula(one.cells[column.id, key], one, row + at, _exact(column, value))
                values[at] = values[at] if made is None else made
            elif said is not None and rule is not None and value is not None:
                values[at] = _formula(said.replace("\0", str(row + at)), rule.places, _exact(column, value))
        return values

    def put(self, one: Living, mark: str, progress: Progress) -> None:
        worksheet, columns, texts = one.worksheet, one.worksheet.columns, self.texts
        title = worksheet.title.get(texts.lang) or worksheet.id
        styles = [style_of(self.book, column) for column in columns]
        bold, head = self.book.style(bold=True), self.book.style(head=True)
        names = self.names[worksheet.id]
        said = texts("export.rows", rows=worksheet.rows)
        for number, name in enumerate(names):
            first, last = number * PER_SHEET, min((number + 1) * PER_SHEET, worksheet.rows)
            with listing(self.book, title, columns, number, len(names), last - first, mark, paper=A3, name=name,
                         beneath=len(one.checks)) as page:  # fmt: skip
                page.row([f"{title} · {said}{mark}"], [bold])
                page.row([heading(column, texts) for column in columns], [head] * len(columns))
                for start in range(first, last, CHUNK):
                    step(progress, "export", start, worksheet.rows)
                    end = min(start + CHUNK, last)
                    page.block([self.column(one, column, start, end, page.at) for column in columns], styles)
                if number == len(names) - 1:
                    self._closing(one, page, styles, said, bold)

    def _closing(self, one: Living, page: Sheet, styles: Sequence[int], said: str, bold: int) -> None:
        """The totals as sums over their columns, and the checks beneath them."""
        worksheet, totals, row = one.worksheet, totals_of(one.worksheet), page.at
        values: list[Value] = []
        for column in worksheet.columns:
            if column.id not in totals:
                values.append(None)
                continue
            exact = _exact(column, totals[column.id])
            cells = worksheet.cells[column.id].tolist()
            places = column.places or 0 if column.kind != "exact" else decimals([*cells, Fraction(str(exact))])
            made = self.formula(Rule(f"SUM([{column.id}:])", places), one, row, exact)
            values.append(cell_values(column, [totals[column.id]])[0] if made is None else made)
        looks = list(styles)
        if values and values[0] is None:
            values[0], looks[0] = said, bold
        page.row(values, looks)
        for check in one.checks:
            made = self.formula(check.rule, one, row, check.value)
            cells = [check.words, *(made if column.id == check.column else None for column in worksheet.columns[1:])]
            plain = self.book.style(number_format(check.rule.places))
            page.row(cells, [bold, *[plain] * (len(worksheet.columns) - 1)])

    def front(self, title: str, mark: str, stamps: Stamps) -> None:
        """Every check, named by its sheet, and the stamps: the first sheet, written last."""
        texts, bold, head = self.texts, self.book.style(bold=True), self.book.style(head=True)
        plain = self.book.style(number_format(None))
        with self.book.sheet(
            self.book.name(texts("living.checks")), [46, 60, 18], header=f"{title}{mark}", paper=A3, first=True
        ) as page:
            page.row([f"{title}{mark}"], [bold])
            page.row([texts("living.about")], [0])
            page.skip()
            page.row([texts(f"living.{name}") for name in ("sheet", "check", "value")], [head] * 3)
            first = page.at
            wrong = 0
            for id, one in self.sheets.items():
                name, under = self.names[id][-1], one.worksheet.rows - (len(self.names[id]) - 1) * PER_SHEET + 3
                for number, check in enumerate(one.checks, 1):
                    if self.formula(check.rule, one, 0, check.value) is None:
                        continue
                    place = f"{reference(name)}!${one.letters[check.column]}${under + number}"
                    value = rounded(check.value, check.rule.places or 0)
                    wrong += bool(value)
                    page.row([name, check.words, Formula(place, _number(value))], [0, 0, plain])
            if page.at > first:
                agrees, differs = (texts(f"living.{key}") for key in ("agrees", "differs"))
                said = f'IF(SUMPRODUCT(ABS($C${first}:$C${page.at - 1}))=0,"{_inside(agrees)}","{_inside(differs)}")'
                page.row([Formula(said, differs if wrong else agrees)], [bold])
            page.skip()
            for line in stamped(stamps, texts):
                page.row([line], [0])


def _inside(words: str) -> str:
    """Words within a formula."""
    return words.replace('"', '""')


def _exact(column: Column, value: object) -> object:
    """A cell's value as it is: of a fixed column over its places."""
    if isinstance(value, int) and column.kind == "fixed":
        return Fraction(value, 10 ** (column.places or 0))
    return value


def _number(value: Fraction) -> int | float:
    return int(value) if value.denominator == 1 else float(value)


def _formula(said: str, places: int | None, value: object) -> Formula:
    if isinstance(value, str):
        return Formula(said, value)
    assert isinstance(value, int | Fraction)
    if places is None:
        return Formula(said, _number(Fraction(value)))
    return Formula(f"ROUND({said},{places})", _number(rounded(Fraction(value), places)))


def worded(choices: Sequence[tuple[str, str]], otherwise: str) -> str:
    """A formula of words: the first whose condition holds."""
    said = f'"{_inside(otherwise)}"'
    for condition, words in reversed(choices):
        said = f'IF({condition},"{_inside(words)}",{said})'
    return said


def write(
    sheets: Sequence[Living], path: Path | str, title: str, stamps: Stamps, lang: str = "", progress: Progress = SILENT
) -> None:
    """Written whole or not at all, the same bytes from the same worksheets."""
    texts = Texts(lang)
    mark = "".join(f" · {said}" for said in [marks(stamps, texts)] if said)
    with row_book(path) as book:
        whole = _Book(book, sheets, texts)
        for one in sheets:
            whole.put(one, mark, progress)
        whole.front(title, mark, stamps)
