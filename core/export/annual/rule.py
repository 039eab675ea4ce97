"""The sheet of the rule itself: documents, how a case is scored, every step with formula, words and citation."""

from __future__ import annotations

from collections.abc import Mapping

from xlsxwriter.worksheet import Worksheet as Page

from core.export.annual.pen import Pen, in_words, is_open, put_heads, put_row, with_unit
from core.rules import spelling
from core.rules.formula import Expr, Share, Table
from core.rules.sheet import Title
from core.texts import Texts


def write_rule(pen: Pen) -> None:
    """The rule itself: documents, how a case is scored, every step with formula, words, citation."""
    plan, texts = pen.plan, pen.texts
    pack = plan.pack
    page = pen.page(texts("workbook.pack"), f"{plan.said(pack.title)} ({pack.id})")
    for col, width in enumerate((20, 28, 22, 46, 56, 30, 10, 40)):
        page.set_column(col, col, width)
    row = 3
    put_heads(pen, page, row, "key", "number", "evidence", "document", "url")
    for one in pack.documents:
        row += 1
        put_row(page, row, [one.key, one.number, one.evidence, one.title, one.url], pen.wrapped)
    row += 2
    put_heads(pen, page, row, "id", "branch", "rounding", "formula", "in_words", "cited", "evidence", "open")
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
        put_row(page, row, [*cells, branch.cite, branch.evidence], pen.wrapped)
        _open_cell(pen, page, row, branch.open)
    for scope in ("region", "institution"):
        row += 2
        put_heads(
            pen, page, row, scope, "title", "rounding", "formula", "in_words", "cited", "evidence", "open"
        )
        for one in pack.scope(scope):
            row += 1
            places = "" if one.expr is None else _rounding(texts, one.places)
            said = texts("workbook.given") if one.expr is None else in_words(pen, one.expr, scope)
            title = with_unit(texts, plan.said(one.title), one.unit)
            cells = [one.id, title, places, one.formula, said, one.cite, one.evidence]
            put_row(page, row, cells, pen.wrapped)
            _open_cell(pen, page, row, one.open)


def _rounding(texts: Texts, places: int | None) -> str:
    return texts("workbook.exact") if places is None else str(places)


def _open_cell(pen: Pen, page: Page, row: int, said: Title) -> None:
    if is_open(said):
        page.write_string(row, 7, pen.plan.said(said), pen.open)


def _source(expr: Expr) -> str:
    """A case formula as a text of names: it has no cells to refer to."""
    return spelling.excel(expr, _Names())


class _Names:
    """References that are the names themselves."""

    tables: Mapping[str, Table] = {}

    def cell(self, name: str) -> str:
        return name

    def column(self, name: str) -> str:
        return name

    def share(self, node: Share) -> str:
        return node.column


def _in_case_words(pen: Pen, expr: Expr) -> str:
    pack, texts = pen.plan.pack, pen.texts

    def title(name: str) -> str:
        key = f"workbook.case.{name}"
        return texts(key) if texts.has(key) else pack.title_of("institution", name).get(texts.lang, name)

    return spelling.words(expr, title, pack.phrases[texts.lang], texts.lang, tables=pack.tables)
