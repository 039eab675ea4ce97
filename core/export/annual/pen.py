"""How the annual workbook's cells look and are filled: formats made once each, texts, inputs, formulas with the run's value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet as Page

from core.export.annual.plan import Plan
from core.export.tables import marks, number_format
from core.money import is_terminating
from core.rules import spelling
from core.rules.circular import Step
from core.rules.formula import Expr
from core.rules.sheet import Title
from core.texts import Texts

SHOWN = 8


@dataclass
class Pen:
    """The book, and its formats made once each."""

    book: Workbook
    plan: Plan
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


def put_input(page: Page, row: int, col: int, value: Fraction, look: Format) -> None:
    """A value that came in; one that does not end in decimals as the quotient that it is."""
    if is_terminating(value):
        page.write_number(row, col, float(value), look)
    else:
        put_formula(page, row, col, f"{value.numerator}/{value.denominator}", look, value)


def put_row(page: Page, row: int, texts: Sequence[str], look: Format, first: int = 0) -> None:
    for i, said in enumerate(texts):
        page.write_string(row, first + i, said, look)


def put_heads(pen: Pen, page: Page, row: int, *names: str) -> None:
    put_row(page, row, [pen.texts(f"workbook.{name}") for name in names], pen.head)


def put_wide(page: Page, row: int, first: int, last: int, said: str, look: Format) -> None:
    """A text over several columns. Written as text first: merging alone would read a formula in `=...`."""
    page.merge_range(row, first, row, last, "", look)
    page.write_string(row, first, said, look)


def length(said: str) -> int:
    """How wide a text stands: Chinese characters count twice."""
    return sum(2 if ord(sign) > 0x2E7F else 1 for sign in said)


def with_unit(texts: Texts, title: str, unit: str) -> str:
    said = texts(f"unit.{unit}") if unit else ""
    return f"{title} ({said})" if said else title


def is_open(said: Title) -> bool:
    return any(said.values())


def in_words(pen: Pen, expr: Expr, scope: str) -> str:
    pack, lang = pen.plan.pack, pen.texts.lang
    at = "region" if scope == "region" else "institution"
    return spelling.words(
        expr,
        lambda name: pack.title_of(at, name).get(lang, name),
        pack.phrases[lang],
        lang,
        column=lambda name: pack.title_of("institution", name).get(lang, name),
        tables=pack.tables,
    )


def headline(pen: Pen) -> str:
    plan = pen.plan
    return f"{plan.said(plan.pack.title)} · {plan.clearing.year}"


def stamp_line(pen: Pen) -> str:
    stamps, texts = pen.plan.clearing.stamps, pen.texts
    state = texts(f"state.{stamps.set_state}")
    return texts(
        "workbook.stamp", pack=stamps.pack, set=stamps.set_name, state=state, run=stamps.run_hash[:16]
    )
