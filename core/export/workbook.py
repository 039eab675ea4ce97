"""The annual clearing as a workbook that goes on living: sums of cases and money, and formulas over them.

A reader follows any figure by Excel's own means: a step's cell refers to the cells of its inputs, a region's
step to the columns of the institutions, both to the sheet of inputs. Beside every formula stands the run's
value, so that the file is right before anything recalculates; recalculated, it gives the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet as Page

from core.export.rows_book import sheet_name
from core.export.tables import confirmation_of, is_summed, marks, number_format
from core.export.target import spreadsheet
from core.findings import ALOUD
from core.money import is_terminating, plain, rounded, yuan
from core.progress import SILENT, Progress, step
from core.rules import formula as language
from core.rules.circular import Pack, Step
from core.rules.formula import Expr, Share, Table
from core.rules.sheet import Clearing, FundSheet, Stamps, Title
from core.texts import Texts

# Rows of a fund's sheet, from 0: title, stamp, headings, step ids, evidence; then the institutions.
HEADINGS, IDS, TAGS, FIRST = 2, 3, 4, 5
SHARE_COLUMNS = 4  # beside the steps, for each split by largest remainder
NAMED = ("code", "name", "level", "county")
FIELDS = ("fixmedins_code", "fixmedins_name", "level", "county")
# Columns of the block of region steps; the last two run over several.
ID, STEP, UNIT, VALUE, EVIDENCE, CITED, SAID, OPEN, END = 0, 1, 2, 3, 4, 5, 6, 11, 16
FINDINGS_SHOWN = 20_000
SHOWN = 8


def write(clearing: Clearing, path: Path | str | BytesIO, lang: str = "", progress: Progress = SILENT) -> None:
    """Both funds with everything they rest on. The same clearing and language give the same bytes.

    WorldFault as `core.export.target.whole_file` says; Cancelled leaves an older file as it was.
    """
    with spreadsheet(path) as book:
        plan = _Plan(clearing, Texts(lang))
        pen = _Pen(book, plan)
        parts: list[Callable[[], None]] = [
            lambda: _summary(pen),
            *(lambda fund=fund: _fund(pen, fund) for fund in plan.funds),
            lambda: _inputs(pen),
            lambda: _pack(pen),
            lambda: _findings(pen),
            lambda: _stamps(pen),
        ]
        for number, part in enumerate(parts):
            step(progress, "workbook", number, len(parts))
            part()


# --- where everything stands -----------------------------------------------------------------------------


@dataclass
class _FundPlan:
    """One fund's sheet. Rows and columns from 0; `columns` and `region` by step id."""

    sheet: FundSheet
    page: str
    steps: tuple[Step, ...]
    region_steps: tuple[Step, ...]
    columns: dict[str, int]
    shares: dict[tuple[Share, int], int]  # with the places it is split to -> first of its four columns
    region: dict[str, int]

    @property
    def last(self) -> int:
        return FIRST + len(self.sheet.institutions) - 1

    @property
    def totals(self) -> int:
        return FIRST + len(self.sheet.institutions)

    def column(self, col: int) -> str:
        """The institutions' range of a column; where there is none, a zero."""
        name = xl_col_to_name(col, True)
        return f"{name}${FIRST + 1}:{name}${self.last + 1}" if self.sheet.institutions else "0"


class _Plan:
    """The whole workbook's addresses, known before anything is written."""

    def __init__(self, clearing: Clearing, texts: Texts) -> None:
        self.clearing = clearing
        self.texts = texts
        self.pack: Pack = clearing.pack
        self.inputs = texts("workbook.inputs")
        self.funds = [self._fund(sheet) for sheet in clearing.funds]
        values = self.pack.values.items()
        self.numbers = {name: value for name, value in values if isinstance(value, Fraction)}
        # The inputs' sheet: numeric parameters first, then the budget's lines fund by fund.
        self.parameter_row = {name: 4 + i for i, name in enumerate(self.numbers)}
        self.lines_row = 4 + len(self.numbers) + 3

    def _fund(self, sheet: FundSheet) -> _FundPlan:
        steps = tuple(one for one in self.pack.scope("institution") if one.id in sheet.values)
        region_steps = tuple(one for one in self.pack.scope("region") if one.id in sheet.region)
        columns = {one.id: len(NAMED) + i for i, one in enumerate(steps)}
        shares: dict[tuple[Share, int], int] = {}
        free = len(NAMED) + len(steps) + 1
        for one in steps:
            for node in language.walk(one.expr) if one.expr is not None else ():
                if isinstance(node, Share) and (node, one.places or 0) not in shares:
                    shares[node, one.places or 0] = free
                    free += 4
        below = FIRST + len(sheet.institutions) + 4
        region = {one.id: below + i for i, one in enumerate(region_steps)}
        name = sheet_name(self.texts(f"fund.{sheet.fund}"))
        return _FundPlan(sheet, name, steps, region_steps, columns, shares, region)

    def said(self, title: Title) -> str:
        return title.get(self.texts.lang, "")


@dataclass
class _Refs:
    """`core.rules.formula.Refs` of one row of a fund's sheet; row None: of its region block."""

    plan: _Plan
    fund: _FundPlan
    row: int | None
    places: int = 0  # of the step: what share() splits to

    def cell(self, name: str) -> str:
        if self.row is not None and name in self.fund.columns:
            return f"{xl_col_to_name(self.fund.columns[name], True)}{self.row + 1}"
        if name in self.fund.region:
            return f"${xl_col_to_name(VALUE)}${self.fund.region[name] + 1}"
        return f"'{self.plan.inputs}'!$C${self.plan.parameter_row[name] + 1}"

    def column(self, name: str) -> str:
        return self.fund.column(self.fund.columns[name])

    def share(self, node: Share) -> str:
        assert self.row is not None
        return f"{xl_col_to_name(self.fund.shares[node, self.places] + 3, True)}{self.row + 1}"

    @property
    def tables(self) -> Mapping[str, Table]:
        return self.plan.pack.tables


# --- how cells look --------------------------------------------------------------------------------------


@dataclass
class _Pen:
    """The book, and its formats made once each."""

    book: Workbook
    plan: _Plan
    _formats: dict[tuple[tuple[str, object], ...], Format] = field(
        default_factory=dict[tuple[tuple[str, object], ...], Format]
    )

    @property
    def texts(self) -> Texts:
        return self.plan.texts

    def look(self, **properties: object) -> Format:
        key = tuple(sorted(properties.items()))
        if key not in self._formats:
            self._formats[key] = self.book.add_format(dict(key))
        return self._formats[key]

    @property
    def title(self) -> Format:
        return self.look(bold=True, font_size=14)

    @property
    def head(self) -> Format:
        return self.look(bold=True, text_wrap=True, bg_color="#E7EDF3", bottom=1, valign="top")

    @property
    def small(self) -> Format:
        return self.look(font_color="#666666", text_wrap=True, valign="top")

    @property
    def text(self) -> Format:
        return self.look(num_format="@")

    @property
    def wrapped(self) -> Format:
        return self.look(num_format="@", text_wrap=True, valign="top")

    @property
    def open(self) -> Format:
        """What the document leaves open: seen in grey print too, by its frame."""
        return self.look(bg_color="#FFF2CC", border=1, text_wrap=True, valign="top")

    def figure(self, one: Step, values: Sequence[Fraction], *, total: bool = False) -> Format:
        """Values typed in are blue, what is computed black, as auditors' sheets have it."""
        properties: dict[str, object] = {"num_format": number_format(shown_places(one, values))}
        if one.expr is None and not total:
            properties["font_color"] = "#1F4E79"
        if total:
            properties |= {"bold": True, "top": 1, "bg_color": "#F3F3F3"}
        return self.look(**properties)

    def page(self, name: str, said: str) -> Page:
        """A sheet with its title, the marks of a scenario and of synthetic data, and the setting for print."""
        page = self.book.add_worksheet(name)
        page.write_string(0, 0, said, self.title)
        mark = marks(self.plan.clearing.stamps, self.texts)
        if mark:
            page.write_string(1, 0, mark, self.look(bold=True, font_color="#C00000", border=1))
        page.set_landscape()
        page.set_paper(9)
        page.fit_to_pages(1, 0)
        page.set_margins(left=0.4, right=0.4)
        page.set_header("&L" + f"{said}   {mark}".replace("&", "&&"))
        run = self.plan.clearing.stamps.run_hash[:16]
        page.set_footer(f"&L{run}&C&P / &N")
        return page


def shown_places(one: Step, values: Sequence[Fraction]) -> int:
    """Decimals on the sheet: the rounding's, else the values' own, at most SHOWN; amounts at least two."""
    if one.places is not None:
        return one.places
    places = 2 if one.unit == "yuan" else 0
    while places < SHOWN and any((value * 10**places).denominator != 1 for value in values):
        places += 1
    return places


def written_places(one: Step, values: Sequence[Fraction]) -> int | None:
    """Decimals of ROUND() around the formula: the pack's; and the fen's where all values are whole fen.

    Such a step adds and subtracts amounts; over 100 m yuan a double keeps seven decimals, and a residual of
    -0.30 would read -0.2999999970.
    """
    if one.places is None and one.unit == "yuan" and all((value * 100).denominator == 1 for value in values):
        return 2
    return one.places


def put_formula(page: Page, row: int, col: int, formula: str, look: Format, value: Fraction) -> None:
    """A formula with the run's value stored beside it: the double nearest to the exact one."""
    stored: Any = float(value)  # XlsxWriter's stubs know only whole numbers here
    page.write_formula(row, col, "=" + formula, look, stored)


def _with_unit(texts: Texts, title: str, unit: str) -> str:
    said = texts(f"unit.{unit}") if unit else ""
    return f"{title} ({said})" if said else title


# --- the sheets ------------------------------------------------------------------------------------------


def _headline(pen: _Pen) -> str:
    plan = pen.plan
    return f"{plan.said(plan.pack.title)} · {plan.clearing.year}"


def _stamp_line(pen: _Pen) -> str:
    stamps, texts = pen.plan.clearing.stamps, pen.texts
    state = texts(f"state.{stamps.set_state}")
    return texts(
        "workbook.stamp", pack=stamps.pack, set=stamps.set_name, state=state, run=stamps.run_hash[:16]
    )


def _summary(pen: _Pen) -> None:
    """Region steps and sums of both funds, references into the funds' sheets; then what to know first."""
    plan, texts = pen.plan, pen.texts
    page = pen.page(texts("workbook.summary"), _headline(pen))
    page.write_string(1, 1, _stamp_line(pen), pen.look(font_color="#666666"))
    page.set_column(0, 0, 34)
    page.set_column(1, 1, 20)
    page.set_column(2, 1 + len(plan.funds), 24)
    heads = [texts("workbook.step"), texts("workbook.unit")]
    _row(page, 3, [*heads, *(texts(f"fund.{fund.sheet.fund}") for fund in plan.funds)], pen.head)
    page.freeze_panes(4, 1)
    row = 4
    ids = dict.fromkeys(one.id for fund in plan.funds for one in fund.region_steps)
    for id in ids:
        one = plan.pack.step("region", id)
        _named_step(pen, page, row, one)
        for i, fund in enumerate(plan.funds):
            if id in fund.region:
                target = f"'{fund.page}'!${xl_col_to_name(VALUE)}${fund.region[id] + 1}"
                value = fund.sheet.region[id]
                look = pen.look(num_format=number_format(shown_places(one, [value])))
                put_formula(page, row, 2 + i, target, look, value)
        row += 1
    row += 1
    page.write_string(row, 0, texts("workbook.sums"), pen.head)
    for col in range(1, 2 + len(plan.funds)):
        page.write_blank(row, col, None, pen.head)
    row += 1
    summed = [one for one in plan.pack.scope("institution") if is_summed(one)]
    for one in summed:
        if not any(one.id in fund.columns for fund in plan.funds):
            continue
        _named_step(pen, page, row, one)
        for i, fund in enumerate(plan.funds):
            if one.id in fund.columns:
                target = f"'{fund.page}'!{xl_col_to_name(fund.columns[one.id], True)}${fund.totals + 1}"
                values = fund.sheet.values[one.id]
                look = pen.look(num_format=number_format(shown_places(one, values)))
                total = sum(values, Fraction(0))
                put_formula(page, row, 2 + i, target, look, total)
        row += 1
    row += 1
    page.write_string(row, 0, texts("workbook.institutions"), pen.text)
    for i, fund in enumerate(plan.funds):
        page.write_number(row, 2 + i, len(fund.sheet.institutions))
    row += 2
    for said in _notices(pen):
        _wide(page, row, 0, 1 + len(plan.funds), said, pen.open)
        page.set_row(row, 15 * (1 + _length(said) // (50 + 24 * len(plan.funds))))
        row += 1


def _named_step(pen: _Pen, page: Page, row: int, one: Step) -> None:
    page.write_string(row, 0, pen.plan.said(one.title), pen.open if _is_open(one.open) else pen.text)
    page.write_string(row, 1, pen.texts(f"unit.{one.unit}"), pen.text)


def _is_open(said: Title) -> bool:
    return any(said.values())


def _notices(pen: _Pen) -> Iterator[str]:
    """What whoever is paid by this sheet has to be told on its first page."""
    plan, texts = pen.plan, pen.texts
    pack, stamps = plan.pack, plan.clearing.stamps
    if stamps.tried:
        yield texts("workbook.scenario_notice", name=stamps.scenario or texts("export.unnamed_scenario"))
    if stamps.set_state != "published":
        yield texts("workbook.draft_set", set=stamps.set_name)
    for name, value in stamps.parameters.items():
        yield texts("workbook.changed", name=name, value=value)
    opens: list[tuple[str, Title]] = [(plan.said(one.title), one.open) for one in pack.steps]
    opens += [(plan.said(one.title), one.open) for one in pack.case.branches]
    opens += [(plan.said(one.title), one.open) for one in pack.parameters.values()]
    opens += [(plan.said(one.title), one.open) for one in pack.tables.values()]
    for title, said in opens:
        if _is_open(said):
            yield texts("workbook.open_field", what=title, why=plan.said(said))
    for finding in plan.clearing.findings:
        if finding.severity == "warning" and finding.code.startswith(ALOUD):
            yield texts.finding(finding)
    for severity in ("blocked", "refused", "warning", "note"):
        count = sum(finding.severity == severity for finding in plan.clearing.findings)
        if count:
            yield texts("workbook.findings_count", severity=texts(f"severity.{severity}"), count=count)


def _fund(pen: _Pen, fund: _FundPlan) -> None:
    """The institutions, their totals, and below them the region's steps."""
    plan, texts = pen.plan, pen.texts
    page = pen.page(fund.page, f"{_headline(pen)} · {texts(f'fund.{fund.sheet.fund}')}")
    page.write_string(1, 1, _stamp_line(pen), pen.look(font_color="#666666"))
    below = texts("workbook.region_below", row=fund.totals + 4)
    link = f"internal:'{fund.page}'!A{fund.totals + 4}"
    page.write_url(1, len(NAMED) + 2, link, pen.look(font_color="#1F4E79"), below)
    page.freeze_panes(FIRST, 2)
    page.set_paper(8)
    page.fit_to_pages(2, 0)
    page.repeat_rows(HEADINGS, IDS)
    page.repeat_columns(0, 1)
    page.set_column(0, 0, 17)
    page.set_column(1, 1, 30)
    page.set_column(2, 2, 8)
    page.set_column(VALUE, VALUE, 19)
    page.set_column(len(NAMED), len(NAMED) + max(len(fund.steps), 1) - 1, 17)
    page.set_row(HEADINGS, 34)
    for col, name in enumerate(NAMED):
        page.write_string(HEADINGS, col, texts(f"workbook.{name}"), pen.head)
        page.write_string(IDS, col, FIELDS[col], pen.small)
        page.write_blank(TAGS, col, None, pen.small)
    figures = pen.look(bold=True, text_wrap=True, bg_color="#E7EDF3", bottom=1, valign="top", align="right")
    for one in fund.steps:
        col = fund.columns[one.id]
        page.write_string(HEADINGS, col, _with_unit(texts, plan.said(one.title), one.unit), figures)
        page.write_string(IDS, col, one.id, pen.small)
        marked = _is_open(one.open)
        page.write_string(TAGS, col, _tag(pen, one), pen.open if marked else pen.small)
        if marked or one.cite:
            said = "\n".join(filter(None, (plan.said(one.open), one.cite)))
            page.write_comment(TAGS, col, said, {"author": "Dianzhi"})
    if fund.sheet.institutions and fund.steps:
        # The row above the institutions is the filter's head: any row between would be sorted in among them.
        last = max((first + SHARE_COLUMNS for first in fund.shares.values()), default=len(NAMED) + len(fund.steps))
        page.autofilter(TAGS, 0, fund.last, last - 1)
    for i, one in enumerate(fund.sheet.institutions):
        for col, said in enumerate((one.code, one.name, texts(f"workbook.grade.{one.level}"), one.county)):
            page.write_string(FIRST + i, col, said, pen.text)
    symbols = plan.pack.symbols
    for one in fund.steps:
        col, values = fund.columns[one.id], fund.sheet.values[one.id]
        look, places = pen.figure(one, values), written_places(one, values)
        for i, value in enumerate(values):
            if one.expr is None:
                _put_input(page, FIRST + i, col, value, look)
            else:
                refs = _Refs(plan, fund, FIRST + i, one.places or 0)
                said = language.excel(one.expr, refs, places, symbols)
                put_formula(page, FIRST + i, col, said, look, value)
    _totals(pen, page, fund)
    for (node, places), first in fund.shares.items():
        _share_columns(pen, page, fund, node, places, first)
    _region(pen, page, fund)


def _tag(pen: _Pen, one: Step) -> str:
    return " ".join(filter(None, (one.evidence, pen.texts("workbook.is_open") if _is_open(one.open) else "")))


def _put_input(page: Page, row: int, col: int, value: Fraction, look: Format) -> None:
    """A value that came in; one that does not end in decimals as the quotient that it is."""
    if is_terminating(value):
        page.write_number(row, col, float(value), look)
    else:
        put_formula(page, row, col, f"{value.numerator}/{value.denominator}", look, value)


def _totals(pen: _Pen, page: Page, fund: _FundPlan) -> None:
    """Sums of what can be summed, and how many institutions."""
    bold = pen.look(bold=True, top=1, bg_color="#F3F3F3")
    row = fund.totals
    page.write_string(row, 0, pen.texts("workbook.total"), bold)
    page.write_string(row, 1, pen.texts("workbook.count", count=len(fund.sheet.institutions)), bold)
    for col in range(2, len(NAMED)):
        page.write_blank(row, col, None, bold)
    for one in fund.steps:
        col = fund.columns[one.id]
        if is_summed(one):
            total = sum(fund.sheet.values[one.id], Fraction(0))
            look = pen.figure(one, fund.sheet.values[one.id], total=True)
            put_formula(page, row, col, f"SUM({fund.column(col)})", look, total)
        else:
            page.write_blank(row, col, None, bold)


def _share_columns(pen: _Pen, page: Page, fund: _FundPlan, node: Share, places: int, first: int) -> None:
    """Largest remainder in the open: exact units, whole units, rank of the remainder (ties: upper), part."""
    plan, unit = pen.plan, 10**places
    weights = fund.sheet.values[node.column]
    for i, name in enumerate(("units", "whole", "rank", "part")):
        page.write_string(HEADINGS, first + i, pen.texts(f"workbook.share_{name}"), pen.head)
    page.set_column(first, first + 3, 15)
    refs = _Refs(plan, fund, None)
    total = _total_of_share(plan, fund, node, places)
    cell = f"ROUND({language.excel(node.total, refs, None, plan.pack.symbols)},{places})"
    weighed, sum_of_weights = refs.column(node.column), sum(weights, Fraction(0))
    shared = total != 0 and sum_of_weights != 0
    exact = [abs(total) * unit * one / sum_of_weights if shared else Fraction(0) for one in weights]
    floors = [one.numerator // one.denominator for one in exact]
    short = int(abs(total) * unit) - sum(floors) if shared else 0
    order = sorted(range(len(exact)), key=lambda i: (floors[i] - exact[i], i))
    ranks = {at: place + 1 for place, at in enumerate(order)}
    units, whole, rank, _ = (xl_col_to_name(first + i, True) for i in range(4))
    own, top, end = xl_col_to_name(fund.columns[node.column], True), FIRST + 1, fund.last + 1
    rests = f"ROUND({units}${top}:{units}${end}-{whole}${top}:{whole}${end},6)"
    left = f"IF({cell}=0,0,ROUND(ABS({cell})*{unit},0)-SUM({whole}${top}:{whole}${end}))"
    count, shown = pen.look(num_format="0"), pen.look(num_format=number_format(places))
    for i, value in enumerate(exact):
        row = FIRST + i
        at = row + 1
        rest = f"ROUND({units}{at}-{whole}{at},6)"
        above = f"ROUND({units}${top}:{units}{at}-{whole}${top}:{whole}{at},6)"
        formulas = (
            f"IF({cell}=0,0,ABS({cell})*{unit}*{own}{at}/SUM({weighed}))",
            f"ROUNDDOWN(ROUND({units}{at},6),0)",
            f"SUMPRODUCT(--({rests}>{rest}))+SUMPRODUCT(--({above}={rest}))",
            f"SIGN({cell})*({whole}{at}+IF({rank}{at}<={left},1,0))/{unit}",
        )
        got = Fraction((-1 if total < 0 else 1) * (floors[i] + (1 if ranks[i] <= short else 0)), unit)
        stored = (value, Fraction(floors[i]), Fraction(ranks[i]), got)
        looks = (pen.look(num_format="0.000000"), count, count, shown)
        for col, (said, kept, look) in enumerate(zip(formulas, stored, looks, strict=True)):
            put_formula(page, row, first + col, said, look, kept)


def _total_of_share(plan: _Plan, fund: _FundPlan, node: Share, places: int) -> Fraction:
    """What is being shared: a formula over the region's figures."""
    values: dict[str, language.Value] = dict(plan.pack.values) | dict(fund.sheet.region)
    env = language.Env(values, fund.sheet.values, plan.pack.tables)
    return rounded(language.number(node.total, env), places)


def _region(pen: _Pen, page: Page, fund: _FundPlan) -> None:
    """The region's steps below the table: value, formula in words, document, evidence, what is open."""
    plan, texts = pen.plan, pen.texts
    top = fund.totals + 3
    _heads(pen, page, top, "id", "step", "unit", "value", "evidence", "cited")
    _wide(page, top, SAID, OPEN - 1, texts("workbook.formula"), pen.head)
    _wide(page, top, OPEN, END, texts("workbook.open"), pen.head)
    refs = _Refs(plan, fund, None)
    for one in fund.region_steps:
        row, value = fund.region[one.id], fund.sheet.region[one.id]
        page.write_string(row, STEP, plan.said(one.title), pen.open if _is_open(one.open) else pen.text)
        page.write_string(row, ID, one.id, pen.text)
        page.write_string(row, UNIT, texts(f"unit.{one.unit}"), pen.text)
        look = pen.figure(one, [value])
        if one.expr is not None:
            said = language.excel(one.expr, refs, written_places(one, [value]), plan.pack.symbols)
            put_formula(page, row, VALUE, said, look, value)
            _wide(page, row, SAID, OPEN - 1, _in_words(pen, one.expr, "region"), pen.text)
        else:
            lines = _lines_of(plan, fund, one.id, value)
            if lines:
                put_formula(page, row, VALUE, lines, look, value)
            else:
                _put_input(page, row, VALUE, value, look)
            _wide(page, row, SAID, OPEN - 1, texts("workbook.given"), pen.text)
        page.write_string(row, CITED, one.cite, pen.text)
        page.write_string(row, EVIDENCE, one.evidence, pen.text)
        if _is_open(one.open):
            _wide(page, row, OPEN, END, plan.said(one.open), pen.open)


def _in_words(pen: _Pen, expr: Expr, scope: str) -> str:
    pack, lang = pen.plan.pack, pen.texts.lang
    at = "region" if scope == "region" else "institution"
    return language.words(
        expr, lambda name: pack.title_of(at, name).get(lang, name), pack.phrases[lang], lang,
        column=lambda name: pack.title_of("institution", name).get(lang, name), tables=pack.tables,
    )


# What a region's input is the sum of, by item of the budget.
_ITEMS: Mapping[str, tuple[str, ...]] = {"budget": ("dip_budget", "dip_topup")}


def _lines_of(plan: _Plan, fund: _FundPlan, id: str, value: Fraction) -> str:
    """The sum over the budget's lines that make a region's input, if the lines at hand really make it."""
    items = _ITEMS.get(id, (id,))
    cells: list[str] = []
    amount = 0
    row = plan.lines_row
    for other in plan.funds:
        for line in other.sheet.budget_lines:
            if other is fund and (line.item in items or (id == "other_budget" and line.item.startswith("other:"))):
                cells.append(f"'{plan.inputs}'!$C${row + 1}")
                amount += line.amount
            row += 1
    return "+".join(cells) if cells and Fraction(amount, 100) == value else ""


def _inputs(pen: _Pen) -> None:
    """What formulas refer to beside the institutions: parameters, budget lines; then tables to read."""
    plan, texts = pen.plan, pen.texts
    pack = plan.pack
    page = pen.page(plan.inputs, texts("workbook.inputs_title"))
    page.set_column(0, 0, 24)
    page.set_column(1, 1, 36)
    page.set_column(2, 2, 20)
    page.set_column(3, 6, 26)
    if plan.numbers:
        _heads(pen, page, 3, "id", "parameter", "value", "cited", "evidence", "open")
    blue = pen.look(font_color="#1F4E79")
    for name, value in plan.numbers.items():
        row, one = plan.parameter_row[name], pack.parameters[name]
        _row(page, row, [name, plan.said(one.title)], pen.text)
        _put_input(page, row, 2, value, blue)
        _row(page, row, [one.cite, one.evidence, plan.said(one.open)], pen.text, 3)
    row = plan.lines_row - 1
    _heads(pen, page, row, "fund", "item", "amount", "date", "document")
    row = plan.lines_row
    money = pen.look(font_color="#1F4E79", num_format=number_format(2))
    for fund in plan.funds:
        for line in fund.sheet.budget_lines:
            key = f"item.{line.item}"
            said = f"{texts(key)} {line.item}" if texts.has(key) else line.item
            _row(page, row, [texts(f"fund.{fund.sheet.fund}"), said], pen.text)
            page.write_number(row, 2, float(Fraction(line.amount, 100)), money)
            _row(page, row, [line.date, line.document], pen.text, 3)
            row += 1
    row += 1
    chosen = [(id, one) for id, one in pack.parameters.items() if id not in plan.numbers]
    if chosen:
        _heads(pen, page, row, "id", "parameter", "chosen", "cited", "evidence", "open")
        row += 1
        for id, one in chosen:
            value = str(pack.values.get(id) or pack.changed.get(id, one.default))
            said = plan.said(one.options[value]) if value in one.options else value
            cells = [id, plan.said(one.title), said, one.cite, one.evidence, plan.said(one.open)]
            _row(page, row, cells, pen.wrapped)
            row += 1
        row += 1
    for table in pack.tables.values():
        row = _table(pen, page, row, table) + 1


def _row(page: Page, row: int, texts: Sequence[str], look: Format, first: int = 0) -> None:
    for i, said in enumerate(texts):
        page.write_string(row, first + i, said, look)


def _wide(page: Page, row: int, first: int, last: int, said: str, look: Format) -> None:
    """A text over several columns. Written as text first: merging alone would read a formula in `=...`."""
    page.merge_range(row, first, row, last, "", look)
    page.write_string(row, first, said, look)


def _length(said: str) -> int:
    """How wide a text stands: Chinese characters count twice."""
    return sum(2 if ord(sign) > 0x2E7F else 1 for sign in said)


def _heads(pen: _Pen, page: Page, row: int, *names: str) -> None:
    _row(page, row, [pen.texts(f"workbook.{name}") for name in names], pen.head)


def _table(pen: _Pen, page: Page, row: int, table: Table) -> int:
    plan, texts = pen.plan, pen.texts
    cells = [table.id, plan.said(table.title), table.cite, table.evidence, plan.said(table.open)]
    _row(page, row, cells, pen.head)
    row += 1
    for one in table.rows:
        start = "" if one.start is None else plain(one.start)
        end = "" if one.end is None else ("≤ " if one.closed else "< ") + plain(one.end)
        _row(page, row, [start, end, _in_words(pen, one.value, "institution")], pen.wrapped)
        row += 1
    if not table.rows:
        said = _in_words(pen, table.otherwise, "institution") if table.otherwise is not None else ""
        _row(page, row, [texts("workbook.empty_table"), "", said], pen.open)
        row += 1
    return row


def _pack(pen: _Pen) -> None:
    """The rule itself: documents, how a case is scored, every step with formula, words, citation."""
    plan, texts = pen.plan, pen.texts
    pack = plan.pack
    page = pen.page(texts("workbook.pack"), f"{plan.said(pack.title)} ({pack.id})")
    for col, width in enumerate((20, 28, 22, 46, 56, 30, 10, 40)):
        page.set_column(col, col, width)
    row = 3
    _heads(pen, page, row, "key", "number", "evidence", "document", "url")
    for one in pack.documents:
        row += 1
        _row(page, row, [one.key, one.number, one.evidence, one.title, one.url], pen.wrapped)
    row += 2
    _heads(pen, page, row, "id", "branch", "rounding", "formula", "in_words", "cited", "evidence", "open")
    rounding = _rounding(texts, pack.case.places)
    for branch in pack.case.branches:
        row += 1
        said = [_in_case_words(pen, branch.score)]
        if branch.when is not None:
            said.insert(0, f"{_in_case_words(pen, branch.when)}:")
        if branch.review is not None:
            said.append(texts("workbook.review", when=_in_case_words(pen, branch.review)))
        when = "" if branch.when is None else _source(branch.when) + ": "
        cells = [branch.id, plan.said(branch.title), rounding, when + _source(branch.score), " ".join(said)]
        _row(page, row, [*cells, branch.cite, branch.evidence], pen.wrapped)
        _open_cell(pen, page, row, branch.open)
    for scope in ("region", "institution"):
        row += 2
        _heads(pen, page, row, scope, "title", "rounding", "formula", "in_words", "cited", "evidence", "open")
        for one in pack.scope(scope):
            row += 1
            places = "" if one.expr is None else _rounding(texts, one.places)
            said = texts("workbook.given") if one.expr is None else _in_words(pen, one.expr, scope)
            title = _with_unit(texts, plan.said(one.title), one.unit)
            cells = [one.id, title, places, one.formula, said, one.cite, one.evidence]
            _row(page, row, cells, pen.wrapped)
            _open_cell(pen, page, row, one.open)


def _rounding(texts: Texts, places: int | None) -> str:
    return texts("workbook.exact") if places is None else str(places)


def _open_cell(pen: _Pen, page: Page, row: int, said: Title) -> None:
    if _is_open(said):
        page.write_string(row, 7, pen.plan.said(said), pen.open)


def _source(expr: Expr) -> str:
    """A case formula as a text of names: it has no cells to refer to."""
    return language.excel(expr, _Names())


class _Names:
    """References that are the names themselves."""

    tables: Mapping[str, Table] = {}

    def cell(self, name: str) -> str:
        return name

    def column(self, name: str) -> str:
        return name

    def share(self, node: Share) -> str:
        return node.column


def _in_case_words(pen: _Pen, expr: Expr) -> str:
    pack, texts = pen.plan.pack, pen.texts

    def title(name: str) -> str:
        key = f"workbook.case.{name}"
        return texts(key) if texts.has(key) else pack.title_of("institution", name).get(texts.lang, name)

    return language.words(expr, title, pack.phrases[texts.lang], texts.lang, tables=pack.tables)


def _findings(pen: _Pen) -> None:
    """What the run warned of, with its reason; nothing is left out in silence."""
    texts = pen.texts
    found = pen.plan.clearing.findings
    page = pen.page(texts("workbook.findings"), texts("workbook.findings_title", count=len(found)))
    for col, width in enumerate((10, 24, 18, 18, 80)):
        page.set_column(col, col, width)
    heads = ("severity", "subject", "column", "value", "reason")
    _row(page, 3, [texts(f"export.finding.{name}") for name in heads], pen.head)
    page.freeze_panes(4, 0)
    page.repeat_rows(3)
    for i, one in enumerate(found[:FINDINGS_SHOWN]):
        said = [texts(f"severity.{one.severity}"), texts.subject(one), one.column, one.value, texts.finding(one)]
        _row(page, 4 + i, said, pen.wrapped)
    if len(found) > FINDINGS_SHOWN:
        said = texts("workbook.more", count=len(found) - FINDINGS_SHOWN)
        page.write_string(4 + FINDINGS_SHOWN, 4, said, pen.open)


def _stamps(pen: _Pen) -> None:
    """What the sheet stands on, by name and hash; no clock."""
    texts, stamps = pen.texts, pen.plan.clearing.stamps
    page = pen.page(texts("workbook.stamps"), texts("workbook.stamps_title"))
    page.set_column(0, 0, 34)
    page.set_column(1, 1, 72)
    state = texts(f"state.{stamps.set_state}")
    grouping = f"workbook.grouping_{stamps.grouping}"
    lines: list[tuple[str, str]] = [
        (texts("workbook.year"), str(pen.plan.clearing.year)),
        (texts("workbook.region_code"), stamps.region),
        (texts("workbook.workspace"), stamps.workspace),
        (texts("workbook.pack"), stamps.pack),
        (texts("workbook.pack_hash"), stamps.pack_hash),
        (texts("workbook.set"), f"{stamps.set_name} ({state})"),
        (texts("workbook.set_hash"), stamps.set_hash),
        (texts("workbook.catalogue"), stamps.catalogue),
        (texts("workbook.grouping"), texts(grouping) if texts.has(grouping) else stamps.grouping),
        (texts("workbook.data_hash"), stamps.data_hash),
        (texts("workbook.run_hash"), stamps.run_hash),
        *((texts("workbook.state"), said) for said in confirmation_of(stamps, texts)),
        *([(texts("workbook.scenario"), stamps.scenario or texts("export.unnamed_scenario"))] if stamps.tried else []),
        *_changes(stamps, texts),
        *((texts("workbook.changed_parameter", name=n), value) for n, value in stamps.parameters.items()),
        *((_named(texts, "reference", "source", name), str(n)) for name, n in stamps.references.items()),
        *((_named(texts, "counted", "reason", name), str(n)) for name, n in stamps.counts.items()),
    ]
    for i, (name, value) in enumerate(lines):
        page.write_string(3 + i, 0, name, pen.text)
        page.write_string(3 + i, 1, value, pen.wrapped)


def _changes(stamps: Stamps, texts: Texts) -> Iterator[tuple[str, str]]:
    """What a scenario changed, one line each, in words; parameters of the rule have their own place."""
    said = json.loads(stamps.changes) if stamps.changes else {}
    for code, fund, part, value, day, basis in said.get("cells", ()):
        named = [code, texts(f"coefficients.fund.{fund}"), texts.column(part), "—" if value is None else value, day, basis]
        yield texts("workbook.change_cells"), " · ".join(filter(None, named))
    for code, score in said.get("scores", ()):
        yield texts("workbook.change_scores"), f"{code} · {score}"
    for fund, item, amount in said.get("budget", ()):
        named = [texts(f"fund.{fund}"), texts.column(item), f"{yuan(amount)} {texts('unit.yuan')}"]
        yield texts("workbook.change_budget"), " · ".join(named)


def _named(texts: Texts, sentence: str, area: str, name: str) -> str:
    """A counter's words; an unknown one shows its own name."""
    key = f"workbook.{area}.{name}"
    return texts(f"workbook.{sentence}", what=texts(key) if texts.has(key) else name)
