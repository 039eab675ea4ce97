"""Confirmation sheets as a workbook that goes on living: a sheet for each institution, every step a formula over its inputs.

What is known of all institutions stands as their totals, so that the point value is a formula too. A step that is shared out
among all institutions keeps the clearing's value and says so: one institution's sheet cannot compute it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet as Page

from core.export.annual.pen import put_formula, shown_places, written_places
from core.export.capitals import capitals, excel_capitals
from core.export.clearing_table import open_items, titled
from core.export.confirmation import Confirmation, Line, basis, documents, institutions, notices, of
from core.export.document import stamped
from core.export.rows_book import sheet_name
from core.export.tables import marks, number_format
from core.export.target import spreadsheet
from core.faults import Usage
from core.money import total
from core.progress import SILENT, Progress, step
from core.rules import formula as language
from core.rules import spelling
from core.rules.circular import Step
from core.rules.formula import Expr, Share, Sum, Table
from core.rules.sheet import Clearing, Scope
from core.texts import Texts

NUMBER, ITEM, FIRST = 0, 1, 2  # columns; from FIRST on the funds, then both, then the basis
TRILLION = Fraction(10**12)  # from there on the formula of the capitals gives up


def write(
    clearing: Clearing, path: Path | str | BytesIO, codes: Sequence[str] = (), lang: str = "",
    progress: Progress = SILENT,
    *, funds: Sequence[str] = (),
) -> int:  # fmt: skip
    """The sheets of these institutions, or of all; returns how many. The same clearing gives the same bytes.

    WorldFault as `core.export.target.spreadsheet` says; Cancelled leaves an older file as it was.
    """
    texts = Texts(lang)
    wanted = list(codes) or [one.code for one in institutions(clearing, funds)]
    if not wanted:
        raise Usage("nobody_to_confirm")
    totals: dict[tuple[str, str], Fraction] = {}
    for sheet in clearing.funds:
        for id, values in sheet.values.items():
            totals[sheet.fund, id] = total(values) if values else Fraction(0)
    with spreadsheet(path) as book:
        looks = _Looks(book)
        for number, code in enumerate(wanted):
            step(progress, "confirmations", number, len(wanted))
            _Sheet(looks, of(clearing, code, funds), totals, texts).write()
    return len(wanted)


@dataclass
class _Looks:
    """The book, its formats made once each, and the names that its sheets have."""

    book: Workbook
    _formats: dict[tuple[tuple[str, object], ...], Format] = field(default_factory=dict[tuple[tuple[str, object], ...], Format])
    _named: set[str] = field(default_factory=set[str])

    def look(self, **properties: object) -> Format:
        key = tuple(sorted(properties.items()))
        if key not in self._formats:
            self._formats[key] = self.book.add_format({"valign": "vcenter", "font_size": 9, **dict(key)})
        return self._formats[key]

    def page(self, title: str) -> Page:
        name, again = sheet_name(title), 1
        while name.lower() in self._named:
            again += 1
            name = sheet_name(title, again - 1, again)
        self._named.add(name.lower())
        return self.book.add_worksheet(name)


@dataclass
class _Refs:
    """`core.rules.spelling.Refs` of one fund's column."""

    sheet: _Sheet
    scope: Scope
    column_name: str

    def cell(self, name: str) -> str:
        rows = self.sheet.rows
        for at in ((self.scope, name), ("region", name)):
            if at in rows:
                return f"{self.column_name}{rows[at] + 1}"
        return f"${xl_col_to_name(FIRST)}${rows['parameter', name] + 1}"

    def column(self, name: str) -> str:
        return f"{self.column_name}{self.sheet.rows['totals', name] + 1}"

    def share(self, node: Share) -> str:
        raise AssertionError(node)  # such a step is no formula here

    @property
    def tables(self) -> Mapping[str, Table]:
        return self.sheet.said.clearing.pack.tables


class _Sheet:
    """One institution's sheet: where everything stands is known before anything is written."""

    def __init__(
        self, looks: _Looks, said: Confirmation, totals: Mapping[tuple[str, str], Fraction], texts: Texts
    ) -> None:
        self.looks, self.said, self.totals, self.texts = looks, said, totals, texts
        self.pack = said.clearing.pack
        self.both = len(said.funds) > 1
        self.basis = FIRST + len(said.funds) + self.both
        self.rows: dict[tuple[str, str], int] = {}
        steps = [line.step for line in (*said.region, *said.chain)]
        nodes = [node for one in steps if one.expr is not None for node in language.walk(one.expr)]
        self.summed = sorted({node.column for node in nodes if isinstance(node, Sum)})
        numbers = {name: value for name, value in self.pack.values.items() if isinstance(value, Fraction)}
        through = [node for one in steps if one.expr is not None for node in _through(one.expr, self.pack.tables)]
        used = {node.id for node in through if isinstance(node, language.Name)}
        self.numbers = {name: value for name, value in numbers.items() if name in used}
        row = 9
        for scope, lines in (("region", said.region), ("institution", said.chain)):
            for line in lines:
                self.rows[scope, line.step.id] = row
                row += 1
            row += 3
        self.result_row = row
        row += 3 + len(said.funds) + self.both
        self.signing_row = row
        row += 12
        self.totals_row = row
        for name in self.summed:
            self.rows["totals", name] = row
            row += 1
        row += 3
        self.parameters_row = row
        for name in self.numbers:
            self.rows["parameter", name] = row
            row += 1
        self.notes_row = row + 2

    def write(self) -> None:
        said, texts, looks = self.said, self.texts, self.looks
        one, stamps = said.institution, said.clearing.stamps
        page = self.page = looks.page(f"{one.code} {one.name}")
        for column, width in ((NUMBER, 5), (ITEM, 34), (self.basis, 58)):
            page.set_column(column, column, width)
        page.set_column(FIRST, self.basis - 1, 19)
        mark = marks(stamps, texts)
        title = texts("confirm.title", year=said.clearing.year)
        _merged(page, 0, 0, 0, self.basis, title, looks.look(bold=True, font_size=15, align="center"))
        under = texts("confirm.under", issuer=self.pack.issuer, region=stamps.region)
        _merged(page, 1, 0, 1, self.basis, under, looks.look(font_color="#666666", align="center"))
        if mark:
            _merged(page, 2, 0, 2, self.basis, mark, looks.look(bold=True, font_color="#C00000", align="center", border=1))
        named = [
            (texts("print.name"), one.name), (texts("print.code"), one.code),
            (texts("print.level"), texts(f"workbook.grade.{one.level}")), (texts("print.county"), one.county),
        ]  # fmt: skip
        for number, (name, value) in enumerate(named):
            _merged(page, 3 + number, 0, 3 + number, 1, name, self.head)
            _merged(page, 3 + number, FIRST, 3 + number, self.basis, value, looks.look(num_format="@", border=1))
        self._block("confirm.region", "region", said.region)
        self._block("confirm.chain", "institution", said.chain)
        self._result()
        self._signing()
        self._totals()
        self._parameters()
        self._notes()
        page.set_paper(9)
        page.set_portrait()
        page.fit_to_pages(1, 0)
        page.set_margins(left=0.4, right=0.4)
        page.set_header("&L" + f"{title} {one.code}   {mark}".replace("&", "&&"))
        page.set_footer(f"&L{stamps.run_hash[:16]}&C&P / &N")

    @property
    def head(self) -> Format:
        return self.looks.look(bold=True, bg_color="#E7EDF3", border=1, text_wrap=True)

    @property
    def words(self) -> Format:
        return self.looks.look(num_format="@", border=1, text_wrap=True)

    def figure(self, one: Step, values: Sequence[Fraction], *, bold: bool = False) -> Format:
        given = {} if one.expr is not None else {"font_color": "#1F4E79"}
        return self.looks.look(num_format=number_format(shown_places(one, values)), border=1, bold=bold, **given)

    def _heads(self, row: int) -> None:
        texts = self.texts
        heads = [texts("print.number"), texts("confirm.item"), *(texts(f"fund.{fund}") for fund in self.said.funds)]
        heads += [texts("print.total")] if self.both else []
        for column, said in enumerate([*heads, texts("confirm.basis")]):
            self.page.write_string(row, column, said, self.head)

    def _block(self, title: str, scope: Scope, lines: Sequence[Line]) -> None:
        page, texts = self.page, self.texts
        if not lines:
            return
        first = self.rows[scope, lines[0].step.id]
        page.write_string(first - 2, 0, texts(title), self.looks.look(bold=True, font_size=11))
        self._heads(first - 1)
        for number, line in enumerate(lines, 1):
            one, row = line.step, self.rows[scope, line.step.id]
            page.write_number(row, NUMBER, number, self.looks.look(border=1, align="center"))
            page.write_string(row, ITEM, titled(one, texts), self.words)
            living = self._lives(one)
            there = [value for value in line.values.values() if value is not None]
            look = self.figure(one, there, bold=line is self.said.result)
            for at, fund in enumerate(self.said.funds):
                value = line.values[fund]
                if value is None:
                    page.write_string(row, FIRST + at, texts("confirm.none"), self.words)
                elif living and one.expr is not None:
                    refs = _Refs(self, scope, xl_col_to_name(FIRST + at))
                    formula = spelling.excel(one.expr, refs, written_places(one, [value]), self.pack.symbols)
                    put_formula(page, row, FIRST + at, formula, look, value)
                else:
                    _put_number(page, row, FIRST + at, value, look)
            if self.both:
                if line.total is None:
                    page.write_blank(row, self.basis - 1, None, self.words)
                else:
                    put_formula(page, row, self.basis - 1, f"SUM({self._across(row)})", look, line.total)
            how = basis(self.pack, one, scope, texts)
            how = how if living else f"{how} {texts('confirm.as_given')}"
            page.write_string(row, self.basis, how, self.words)
            page.set_row(row, 13 * max(1 + _wide(how) // 62, 1 + _wide(titled(one, texts)) // 36))

    def _lives(self, one: Step) -> bool:
        return one.expr is None or not any(isinstance(node, Share) for node in language.walk(one.expr))

    def _across(self, row: int) -> str:
        return f"{xl_col_to_name(FIRST)}{row + 1}:{xl_col_to_name(FIRST + len(self.said.funds) - 1)}{row + 1}"

    def _result(self) -> None:
        """Figures and capitals refer to the chain's last line: what is corrected above is corrected here."""
        page, texts, line = self.page, self.texts, self.said.result
        row = self.result_row
        page.write_string(row - 2, 0, texts("confirm.result"), self.looks.look(bold=True, font_size=11))
        heads = [texts("confirm.fund"), "", texts("confirm.way"), texts("confirm.amount")]
        for column in range(self.basis + 1):
            page.write_string(row - 1, column, heads[column] if column < len(heads) else "", self.head)
        page.write_string(row - 1, FIRST + 2, texts("confirm.capitals"), self.head)
        results: list[tuple[str, int, Fraction | None]] = [
            (texts(f"fund.{fund}"), FIRST + at, line.values[fund]) for at, fund in enumerate(self.said.funds)
        ]
        results += [(texts("print.total"), self.basis - 1, line.total)] if self.both else []
        for name, column, value in results:
            _merged(page, row, NUMBER, row, ITEM, name, self.words)
            source = f"{xl_col_to_name(column)}{self.rows['institution', line.step.id] + 1}"
            if value is None:
                page.write_string(row, FIRST, texts("confirm.none"), self.words)
            else:
                way = "pay" if value > 0 else "take_back" if value < 0 else "even"
                ways = {name: texts(f"confirm.{name}").replace('"', '""') for name in ("pay", "take_back", "even")}
                formula = f'=IF({source}>0,"{ways["pay"]}",IF({source}<0,"{ways["take_back"]}","{ways["even"]}"))'
                _put_words(page, row, FIRST, formula, self.words, texts(f"confirm.{way}"))
                put_formula(page, row, FIRST + 1, source, self.figure(line.step, [value], bold=True), value)
                fen = value * 100
                said = texts("confirm.renminbi", capitals=capitals(fen.numerator)) if fen.denominator == 1 else ""
                before, _, after = texts("confirm.renminbi", capitals="\0").partition("\0")
                _merged(page, row, FIRST + 2, row, max(self.basis, FIRST + 3), "", self.words)
                if abs(value) < TRILLION:
                    living = f'="{before}"&{excel_capitals(source)}&"{after}"'
                    _put_words(page, row, FIRST + 2, living, self.words, said)
                else:
                    page.write_string(row, FIRST + 2, said, self.words)
            row += 1

    def _signing(self) -> None:
        page, texts = self.page, self.texts
        row, middle = self.signing_row, FIRST
        page.write_string(row - 1, 0, texts("confirm.opinions"), self.looks.look(bold=True, font_size=11))
        look = self.looks.look(border=1, text_wrap=True, valign="top")
        for first, last, who, asked in ((0, middle, "institution", "agree"), (middle + 1, self.basis, "agency", "decide")):
            signed = [texts(f"confirm.{who}_sign_{number}") for number in (1, 2, 3)]
            asked_lines = [texts(f"confirm.{who}"), texts(f"confirm.{asked}"), "", ""]
            lines = [*asked_lines, *signed, "", texts("confirm.seal"), texts("confirm.date")]
            _merged(page, row, first, row + 9, last, "\n".join(lines), look)
        for at in range(10):
            page.set_row(row + at, 21)

    def _totals(self) -> None:
        """What the point value divides: sums over all institutions, as the clearing has them."""
        if not self.summed:
            return
        page, texts = self.page, self.texts
        page.write_string(self.totals_row - 2, 0, texts("confirm.totals"), self.looks.look(bold=True, font_size=11))
        self._heads(self.totals_row - 1)
        for name in self.summed:
            row = self.rows["totals", name]
            one = self.pack.find("institution", name)
            said = texts("confirm.total_of", what=self.pack.title_of("institution", name).get(texts.lang, name))
            page.write_string(row, ITEM, said, self.words)
            for at, fund in enumerate(self.said.funds):
                value = self.totals.get((fund, name))
                if value is not None:
                    places = shown_places(one, [value]) if one is not None else None
                    look = self.looks.look(num_format=number_format(places), border=1, font_color="#1F4E79")
                    _put_number(page, row, FIRST + at, value, look)

    def _parameters(self) -> None:
        if not self.numbers:
            return
        page, texts = self.page, self.texts
        page.write_string(self.parameters_row - 2, 0, texts("confirm.parameters"), self.looks.look(bold=True, font_size=11))
        for name, value in self.numbers.items():
            row = self.rows["parameter", name]
            page.write_string(row, ITEM, self.pack.parameters[name].title.get(texts.lang, name), self.words)
            _put_number(page, row, FIRST, value, self.looks.look(num_format=number_format(None), border=1, font_color="#1F4E79"))

    def _notes(self) -> None:
        page, texts, said = self.page, self.texts, self.said
        row = self.notes_row
        notes = [*notices(said, texts), *open_items(self.pack, texts)]
        lines = [texts("confirm.notes"), *(f"{i}. {note}" for i, note in enumerate(notes, 1))]
        lines += [texts("confirm.documents"), *documents(said, texts), texts("print.evidence")]
        lines += stamped(said.clearing.stamps, texts)
        room = 39 + 19 * (self.basis - FIRST) + 58
        for line in lines:
            _merged(page, row, 0, row, self.basis, line, self.looks.look(num_format="@", text_wrap=True))
            page.set_row(row, 13 * (1 + _wide(line) // room))
            row += 1


def _through(expr: Expr, tables: Mapping[str, Table]) -> list[Expr]:
    """A formula's nodes, those of its tables too."""
    found = list(language.walk(expr))
    for node in list(found):
        if isinstance(node, language.Tiers):
            table = tables[node.table]
            for value in (*(row.value for row in table.rows), *([table.otherwise] if table.otherwise is not None else [])):
                found += language.walk(value)
    return found


def _merged(page: Page, row: int, column: int, last_row: int, last_column: int, said: str, look: Format) -> None:
    """Cells drawn together around a text, which never becomes a formula."""
    page.merge_range(row, column, last_row, last_column, "", look)
    page.write_string(row, column, said, look)


def _put_words(page: Page, row: int, column: int, formula: str, look: Format, said: str) -> None:
    """A formula that gives words, with what it gives stored beside it."""
    stored: Any = said  # XlsxWriter's stubs know only whole numbers here
    page.write_formula(row, column, formula, look, stored)


def _wide(text: str) -> int:
    """Of a text in Latin letters: a Chinese character takes the room of two."""
    return sum(2 if ord(sign) > 0x2E7F else 1 for sign in text)


def _put_number(page: Page, row: int, column: int, value: Fraction, look: Format) -> None:
    stored: Any = float(value)
    page.write_number(row, column, stored, look)
