"""One fund's sheet: a formula for each institution and step, their totals, the splits in the open, the region's steps below."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet as Page

from core.export.annual.pen import (
    Pen,
    headline,
    in_words,
    is_open,
    put_formula,
    put_heads,
    put_input,
    put_wide,
    stamp_line,
    with_unit,
    written_places,
)
from core.export.annual.plan import (
    CITED,
    END,
    EVIDENCE,
    FIELDS,
    FIRST,
    HEADINGS,
    ID,
    IDS,
    NAMED,
    OPEN,
    SAID,
    SHARE_COLUMNS,
    STEP,
    TAGS,
    UNIT,
    VALUE,
    FundPlan,
    Plan,
    Refs,
)
from core.export.tables import is_summed, number_format
from core.money import rounded
from core.rules import evaluation, spelling
from core.rules import formula as language
from core.rules.circular import Step
from core.rules.formula import Share

# What a region's input is the sum of, by item of the budget.
_ITEMS: Mapping[str, tuple[str, ...]] = {"budget": ("dip_budget", "dip_topup")}


def write_fund(pen: Pen, fund: FundPlan) -> None:
    """The institutions, their totals, and below them the region's steps."""
    plan, texts = pen.plan, pen.texts
    page = pen.page(fund.page, f"{headline(pen)} · {texts(f'fund.{fund.sheet.fund}')}")
    page.write_string(1, 1, stamp_line(pen), pen.look(font_color="#666666"))
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
        page.write_string(HEADINGS, col, with_unit(texts, plan.said(one.title), one.unit), figures)
        page.write_string(IDS, col, one.id, pen.small)
        marked = is_open(one.open)
        page.write_string(TAGS, col, _tag(pen, one), pen.open if marked else pen.small)
        if marked or one.cite:
            said = "\n".join(filter(None, (plan.said(one.open), one.cite)))
            page.write_comment(TAGS, col, said, {"author": "Dianzhi"})
    if fund.sheet.institutions and fund.steps:
        # The row above the institutions is the filter's head: any row between would be sorted in among them.
        last = max(
            (first + SHARE_COLUMNS for first in fund.shares.values()), default=len(NAMED) + len(fund.steps)
        )
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
                put_input(page, FIRST + i, col, value, look)
            else:
                refs = Refs(plan, fund, FIRST + i, one.places or 0)
                said = spelling.excel(one.expr, refs, places, symbols)
                put_formula(page, FIRST + i, col, said, look, value)
    _totals(pen, page, fund)
    for (node, places), first in fund.shares.items():
        _share_columns(pen, page, fund, node, places, first)
    _region(pen, page, fund)


def _tag(pen: Pen, one: Step) -> str:
    return " ".join(filter(None, (one.evidence, pen.texts("workbook.is_open") if is_open(one.open) else "")))


def _totals(pen: Pen, page: Page, fund: FundPlan) -> None:
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


def _share_columns(pen: Pen, page: Page, fund: FundPlan, node: Share, places: int, first: int) -> None:
    """Largest remainder in the open: exact units, whole units, rank of the remainder (ties: upper), part."""
    plan, unit = pen.plan, 10**places
    weights = fund.sheet.values[node.column]
    for i, name in enumerate(("units", "whole", "rank", "part")):
        page.write_string(HEADINGS, first + i, pen.texts(f"workbook.share_{name}"), pen.head)
    page.set_column(first, first + 3, 15)
    refs = Refs(plan, fund, None)
    total = _total_of_share(plan, fund, node, places)
    cell = f"ROUND({spelling.excel(node.total, refs, None, plan.pack.symbols)},{places})"
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


def _total_of_share(plan: Plan, fund: FundPlan, node: Share, places: int) -> Fraction:
    """What is being shared: a formula over the region's figures."""
    values: dict[str, language.Value] = dict(plan.pack.values) | dict(fund.sheet.region)
    env = evaluation.Env(values, fund.sheet.values, plan.pack.tables)
    return rounded(evaluation.number(node.total, env), places)


def _region(pen: Pen, page: Page, fund: FundPlan) -> None:
    """The region's steps below the table: value, formula in words, document, evidence, what is open."""
    plan, texts = pen.plan, pen.texts
    top = fund.totals + 3
    put_heads(pen, page, top, "id", "step", "unit", "value", "evidence", "cited")
    put_wide(page, top, SAID, OPEN - 1, texts("workbook.formula"), pen.head)
    put_wide(page, top, OPEN, END, texts("workbook.open"), pen.head)
    refs = Refs(plan, fund, None)
    for one in fund.region_steps:
        row, value = fund.region[one.id], fund.sheet.region[one.id]
        page.write_string(row, STEP, plan.said(one.title), pen.open if is_open(one.open) else pen.text)
        page.write_string(row, ID, one.id, pen.text)
        page.write_string(row, UNIT, texts(f"unit.{one.unit}"), pen.text)
        look = pen.figure(one, [value])
        if one.expr is not None:
            said = spelling.excel(one.expr, refs, written_places(one, [value]), plan.pack.symbols)
            put_formula(page, row, VALUE, said, look, value)
            put_wide(page, row, SAID, OPEN - 1, in_words(pen, one.expr, "region"), pen.text)
        else:
            lines = _lines_of(plan, fund, one.id, value)
            if lines:
                put_formula(page, row, VALUE, lines, look, value)
            else:
                put_input(page, row, VALUE, value, look)
            put_wide(page, row, SAID, OPEN - 1, texts("workbook.given"), pen.text)
        page.write_string(row, CITED, one.cite, pen.text)
        page.write_string(row, EVIDENCE, one.evidence, pen.text)
        if is_open(one.open):
            put_wide(page, row, OPEN, END, plan.said(one.open), pen.open)


def _lines_of(plan: Plan, fund: FundPlan, id: str, value: Fraction) -> str:
    """The sum over the budget's lines that make a region's input, if the lines at hand really make it."""
    items = _ITEMS.get(id, (id,))
    cells: list[str] = []
    amount = 0
    row = plan.lines_row
    for other in plan.funds:
        for line in other.sheet.budget_lines:
            if other is fund and (
                line.item in items or (id == "other_budget" and line.item.startswith("other:"))
            ):
                cells.append(f"'{plan.inputs}'!$C${row + 1}")
                amount += line.amount
            row += 1
    return "+".join(cells) if cells and Fraction(amount, 100) == value else ""
