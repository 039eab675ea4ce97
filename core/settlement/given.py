"""What a clearing reads again every time, as one value: a set's coefficients, budget, payments, assessments.

Read once, and changed without reading: a stored scenario, the what-if beside the grid and `clear --set SCENARIO` all go
through `changed`, so that what one shows the other computes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

from core.faults import Refused
from core.findings import Finding
from core.money import decimal, yuan
from core.rules.cases import FUNDS
from core.rules.circular import INPUTS, OF_YEAR
from core.settlement import coefficients, facts
from core.settlement.changes import NONE, Changes
from core.settlement.coefficients import Cell, Part, SetHead

if TYPE_CHECKING:
    from core.rules.deriving import Limit
    from core.storage.workspace import Workspace

# Lines of a budget that a scenario may set: what is read from it, the sum `budget` by its two items.
ITEMS = ("dip_budget", "dip_topup", *sorted(INPUTS["region"] - OF_YEAR["region"] - {"budget"}))


@dataclass(frozen=True)
class Given:
    """head: the set's, None where there is none; wanted: the name that was asked for. facts: by fund. changes: what was changed
    of it since it was read, under the name `scenario` where it has one."""

    year: int
    region: str
    workspace: str
    synthetic: bool
    wanted: str | None
    head: SetHead | None
    content: tuple[Part, ...]
    facts: Mapping[str, facts.Facts]
    assessed: Mapping[str, Fraction]
    registered: frozenset[str]
    changes: Changes = NONE
    scenario: str = ""
    assessment_doubts: tuple[Finding, ...] = ()


def read(
    workspace: Workspace, connection: sqlite3.Connection, year: int, funds: Sequence[str], set_name: str | None
) -> Given:
    head = coefficients.choose(connection, set_name)
    return Given(
        year,
        workspace.region,
        workspace.name,
        workspace.synthetic,
        set_name,
        head,
        tuple(coefficients.parts(connection, head.name if head is not None else set_name or "")),
        {fund: facts.of_fund(connection, year, fund) for fund in funds},
        facts.assessments(connection, year),
        frozenset(code for (code,) in connection.execute("SELECT fixmedins_code FROM institution")),
        assessment_doubts=facts.assessment_doubts(connection, year),
    )


def changed(
    given: Given, changes: Changes, scenario: str = "", limits: Sequence[Limit] = ()
) -> Given:
    """limits: the pack's. Refused("changes_refused", findings): what cannot be, each with what to do; `given` is untouched.

    Scores and parameters are for the catalogue and the pack: here they are only noted down.
    """
    findings = [*_faults(given, changes)]
    if not findings:
        findings = [one for one in coefficients.outside(changes.cells, limits) if one.severity == "refused"]
    if not findings and any(limit.part_holds("k") for limit in limits):
        findings = coefficients.wholes_outside(given.content, changes.cells, limits)
    if findings:
        raise Refused("changes_refused", findings, count=len(findings))
    by_fund = dict(given.facts)
    for fund in sorted({fund for fund, _ in changes.budget}):
        if fund in by_fund:
            items = {item: amount for (of, item), amount in changes.budget.items() if of == fund}
            by_fund[fund] = facts.with_budget(by_fund[fund], items, fund, given.year)
    return replace(
        given,
        content=content_of(given.content, changes.cells),
        facts=by_fund,
        changes=given.changes | changes,
        scenario=scenario or given.scenario,
    )


def content_of(content: Sequence[Part], cells: Iterable[Cell]) -> tuple[Part, ...]:
    """A set's content with the cells put in, in canonical order."""
    by_place = {(part.code, part.fund, part.name, part.day): part for part in content}
    for cell in cells:
        day = int(cell.valid_from.replace("-", "")[:8] or 0)
        place = (cell.code, cell.fund, cell.part, day)
        if cell.value is None:
            by_place.pop(place, None)
        else:
            by_place[place] = Part(*place, decimal(cell.value), cell.basis)
    return tuple(by_place[place] for place in sorted(by_place))


def _faults(given: Given, changes: Changes) -> Iterable[Finding]:
    for cell in changes.cells:
        yield from coefficients.faults(cell, given.registered)
    for (fund, item), amount in sorted(changes.budget.items()):
        if fund not in FUNDS or item not in ITEMS:
            yield Finding("change_budget_unknown", "refused", subject=fund, column=item, value=item)
        elif amount < 0:
            yield Finding("change_budget_negative", "refused", subject=fund, column=item, value=yuan(amount))
