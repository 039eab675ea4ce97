"""The sheet of what formulas refer to beside the institutions: parameters and budget lines; then the rule's tables, to read."""

from __future__ import annotations

from fractions import Fraction

from xlsxwriter.worksheet import Worksheet as Page

from core.export.annual.pen import Pen, in_words, put_heads, put_input, put_row
from core.export.tables import number_format
from core.money import plain
from core.rules.formula import Table


def write_inputs(pen: Pen) -> None:
    """What formulas refer to beside the institutions: parameters, budget lines; then tables to read."""
    plan, texts = pen.plan, pen.texts
    pack = plan.pack
    page = pen.page(plan.inputs, texts("workbook.inputs_title"))
    page.set_column(0, 0, 24)
    page.set_column(1, 1, 36)
    page.set_column(2, 2, 20)
    page.set_column(3, 6, 26)
    if plan.numbers:
        put_heads(pen, page, 3, "id", "parameter", "value", "cited", "evidence", "open")
    blue = pen.look(font_color="#1F4E79")
    for name, value in plan.numbers.items():
        row, one = plan.parameter_row[name], pack.parameters[name]
        put_row(page, row, [name, plan.said(one.title)], pen.text)
        put_input(page, row, 2, value, blue)
        put_row(page, row, [one.cite, one.evidence, plan.said(one.open)], pen.text, 3)
    row = plan.lines_row - 1
    put_heads(pen, page, row, "fund", "item", "amount", "date", "document")
    row = plan.lines_row
    money = pen.look(font_color="#1F4E79", num_format=number_format(2))
    for fund in plan.funds:
        for line in fund.sheet.budget_lines:
            key = f"item.{line.item}"
            said = f"{texts(key)} {line.item}" if texts.has(key) else line.item
            put_row(page, row, [texts(f"fund.{fund.sheet.fund}"), said], pen.text)
            page.write_number(row, 2, float(Fraction(line.amount, 100)), money)
            put_row(page, row, [line.date, line.document], pen.text, 3)
            row += 1
    row += 1
    chosen = [(id, one) for id, one in pack.parameters.items() if id not in plan.numbers]
    if chosen:
        put_heads(pen, page, row, "id", "parameter", "chosen", "cited", "evidence", "open")
        row += 1
        for id, one in chosen:
            value = str(pack.values.get(id) or pack.changed.get(id, one.default))
            said = plan.said(one.options[value]) if value in one.options else value
            cells = [id, plan.said(one.title), said, one.cite, one.evidence, plan.said(one.open)]
            put_row(page, row, cells, pen.wrapped)
            row += 1
        row += 1
    for table in pack.tables.values():
        row = _table(pen, page, row, table) + 1


def _table(pen: Pen, page: Page, row: int, table: Table) -> int:
    plan, texts = pen.plan, pen.texts
    cells = [table.id, plan.said(table.title), table.cite, table.evidence, plan.said(table.open)]
    put_row(page, row, cells, pen.head)
    row += 1
    for one in table.rows:
        start = "" if one.start is None else plain(one.start)
        end = "" if one.end is None else ("≤ " if one.closed else "< ") + plain(one.end)
        put_row(page, row, [start, end, in_words(pen, one.value, "institution")], pen.wrapped)
        row += 1
    if not table.rows:
        said = in_words(pen, table.otherwise, "institution") if table.otherwise is not None else ""
        put_row(page, row, [texts("workbook.empty_table"), "", said], pen.open)
        row += 1
    return row
