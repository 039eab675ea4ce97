"""The first sheet: region steps and sums of both funds beside each other, and what to know before one reads on."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet as Page

from core.export.annual.pen import (
    Pen,
    headline,
    is_open,
    length,
    put_formula,
    put_row,
    put_wide,
    shown_places,
    stamp_line,
)
from core.export.annual.plan import VALUE
from core.export.tables import is_summed, number_format
from core.findings import ALOUD
from core.rules.circular import Step
from core.rules.sheet import Title


def write_summary(pen: Pen) -> None:
    """Region steps and sums of both funds, references into the funds' sheets; then what to know first."""
    plan, texts = pen.plan, pen.texts
    page = pen.page(texts("workbook.summary"), headline(pen))
    page.write_string(1, 1, stamp_line(pen), pen.look(font_color="#666666"))
    page.set_column(0, 0, 34)
    page.set_column(1, 1, 20)
    page.set_column(2, 1 + len(plan.funds), 24)
    heads = [texts("workbook.step"), texts("workbook.unit")]
    put_row(page, 3, [*heads, *(texts(f"fund.{fund.sheet.fund}") for fund in plan.funds)], pen.head)
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
        put_wide(page, row, 0, 1 + len(plan.funds), said, pen.open)
        page.set_row(row, 15 * (1 + length(said) // (50 + 24 * len(plan.funds))))
        row += 1


def _named_step(pen: Pen, page: Page, row: int, one: Step) -> None:
    page.write_string(row, 0, pen.plan.said(one.title), pen.open if is_open(one.open) else pen.text)
    page.write_string(row, 1, pen.texts(f"unit.{one.unit}"), pen.text)


def _notices(pen: Pen) -> Iterator[str]:
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
        if is_open(said):
            yield texts("workbook.open_field", what=title, why=plan.said(said))
    for finding in plan.clearing.findings:
        if finding.severity == "warning" and finding.code.startswith(ALOUD):
            yield texts.finding(finding)
    for severity in ("blocked", "refused", "warning", "note"):
        count = sum(finding.severity == severity for finding in plan.clearing.findings)
        if count:
            yield texts("workbook.findings_count", severity=texts(f"severity.{severity}"), count=count)
