"""A finished clearing as values: what the screen, the workbook, json and csv are made from. No input or output.

Region and institution figures are exact rationals, already rounded where the pack says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

from core.findings import Finding

if TYPE_CHECKING:
    from core.rules.circular import Pack

Scope = Literal["region", "institution"]
Title = Mapping[str, str]  # {"zh": ..., "en": ...}


@dataclass(frozen=True, slots=True)
class Institution:
    """One row of the sheet. level: 1..3."""

    code: str
    name: str
    level: int
    county: str = ""


@dataclass(frozen=True, slots=True)
class BudgetLine:
    """A line of the budget as it was entered; `amount` fen, `item` of the kind `budget`."""

    item: str
    amount: int
    date: str = ""
    document: str = ""


@dataclass(frozen=True, slots=True)
class FundSheet:
    """One fund. `values[step]` is aligned with `institutions` (sorted by code)."""

    fund: str
    institutions: tuple[Institution, ...]
    region: Mapping[str, Fraction]
    values: Mapping[str, tuple[Fraction, ...]]
    budget_lines: tuple[BudgetLine, ...] = ()


@dataclass(frozen=True, slots=True)
class Stamps:
    """What the sheet stands on, by name and hash; no clock."""

    region: str
    workspace: str
    synthetic: bool
    pack: str
    pack_hash: str
    set_name: str
    set_hash: str
    set_state: str          # published, draft
    catalogue: str
    grouping: str           # official, own
    data_hash: str
    parameters: Mapping[str, str]   # only what was changed by --param
    references: Mapping[str, int]   # reference source -> number of cases that used it
    counts: Mapping[str, int]       # cases in scope, net; left out by reason
    run_hash: str = ""
    scenario: str = ""  # its name, where what was cleared is a stored scenario
    period: str = ""    # YYYYMM of a month's settlement, "" of a year's
    confirmed_by: str = ""  # who confirmed it as the year's clearing, and when (UTC, ISO); "" for a draft
    confirmed_at: str = ""
    confirmed_line: str = ""  # hash of the ledger's line that confirmed it: holds all that was there until then
    changes: str = ""   # what was tried on top of set, catalogue and budget, "" for what holds; parameters stand above

    @property
    def tried(self) -> bool:
        """Whether this is a scenario's clearing, not that of what holds."""
        return bool(self.scenario or self.changes)


@dataclass(frozen=True, slots=True)
class Clearing:
    """The annual clearing of the funds that were asked for."""

    pack: Pack
    year: int
    funds: tuple[FundSheet, ...]
    stamps: Stamps
    findings: tuple[Finding, ...]

    def fund(self, name: str) -> FundSheet:
        return next(sheet for sheet in self.funds if sheet.fund == name)


@dataclass(frozen=True, slots=True)
class Part:
    """One value that went into a figure. `link` leads on: ("region"|"institution"|"cases"|"input", step or input id)."""

    id: str
    title: Title
    value: Fraction | str
    unit: str
    places: int | None
    link: tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why one cell is what it is.

    sentence: the formula in the field's words; filled: the same with the values put in, and the result.
    documents: (number, title, evidence tag, article) of what it rests on; `open` what the document leaves open.
    beneath: what lies under the figure: "institutions", "cases" (scored ones), "settlements" (others of the year's file),
    "rows" (imported rows), "" (nothing).
    """

    fund: str
    scope: Scope
    code: str
    step: str
    title: Title
    value: Fraction
    unit: str
    places: int | None
    sentence: Title
    filled: Title
    note: Title
    cite: str
    evidence: str
    documents: Sequence[tuple[str, str, str, str]]
    open: Title
    parts: tuple[Part, ...]
    beneath: str
