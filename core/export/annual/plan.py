"""Where everything of the annual workbook stands, known before anything is written, and what a formula refers to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from xlsxwriter.utility import xl_col_to_name

from core.export.rows_book import sheet_name
from core.rules import formula as language
from core.rules.circular import Pack, Step
from core.rules.formula import Share, Table
from core.rules.sheet import Clearing, FundSheet, Title
from core.texts import Texts

# Rows of a fund's sheet, from 0: title, stamp, headings, step ids, evidence; then the institutions.
HEADINGS, IDS, TAGS, FIRST = 2, 3, 4, 5
SHARE_COLUMNS = 4  # beside the steps, for each split by largest remainder
NAMED = ("code", "name", "level", "county")
FIELDS = ("fixmedins_code", "fixmedins_name", "level", "county")
# Columns of the block of region steps; the last two run over several.
ID, STEP, UNIT, VALUE, EVIDENCE, CITED, SAID, OPEN, END = 0, 1, 2, 3, 4, 5, 6, 11, 16


@dataclass
class FundPlan:
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


class Plan:
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

    def _fund(self, sheet: FundSheet) -> FundPlan:
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
        return FundPlan(sheet, name, steps, region_steps, columns, shares, region)

    def said(self, title: Title) -> str:
        return title.get(self.texts.lang, "")


@dataclass
class Refs:
    """`core.rules.spelling.Refs` of one row of a fund's sheet; row None: of its region block."""

    plan: Plan
    fund: FundPlan
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
