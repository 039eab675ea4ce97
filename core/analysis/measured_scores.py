"""What a pack makes of a year's cases by institution, fund and month, and what its clearing pays by institution and fund.

Scores need no budget: coefficients and catalogue are enough. What blocks them, or the clearing, is the reason why the
year has no such figures; nothing is raised.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core.analysis.measured_rows import MONTHS, SPOTS, CaseMeasures, Table, shaped
from core.faults import Refused
from core.findings import Finding
from core.money import rounded
from core.progress import Progress, step
from core.rules import case_scores
from core.rules.cases import FUNDS, CaseScores, Ints
from core.settlement import annual, applied, coefficients, gather
from core.settlement.arrivals import frozen
from core.settlement.doubts import ordered
from core.settlement.standing import Standing

if TYPE_CHECKING:
    from core.rules.circular import Pack
    from core.storage.workspace import Workspace

SCORES = ("score", "base_score", "scored", "deviating", "low", "high", "adjusted", "by_item")
# Figures of the year from the clearing's steps; `paid` and `kept` are made from them.
OF_STEPS = ("gross", "due", "after_share", "after_assessment", "final", "surplus", "monthly_paid", "advance", "audit_deduction")
CLEARED = (*(f"clearing_{name}" for name in (*OF_STEPS, "booked", "paid")), "kept", "listed")
REGION_STEPS = ("point_value", "fund_available", "budget")
REGION = tuple(f"clearing_{name}" for name in REGION_STEPS)
OPEN_PLACES = 6  # of a sum that the pack leaves unrounded: statistics, never a payment
SCORE_PLACES = 8  # of sums of scores that do not end in decimals


def scores(workspace: Workspace, year: int, pack: Pack, set_name: str | None, progress: Progress) -> Table:
    """SCORES: by month, of the cases that the clearing scores; by_item: those that leave it."""
    found = scored_cases(workspace, year, pack, set_name, progress)
    if isinstance(found, Finding):
        return _none(SCORES, found)
    standing, scored = found
    told = _by_case(standing, scored, pack)
    table = told.table(name for name in SCORES if name not in ("by_item", "score"))
    values, places = dict(table.values), dict(table.places)
    if scored.score is not None:
        own = told.table(["score"])
        values["score"], places["score"] = own.values["score"], own.places["score"]
    else:
        cell = told.place.astype(np.int64) * SPOTS + told.spot
        values["score"] = _open(scored.exact or (), cell, len(told.codes) * SPOTS)
        places["score"] = SCORE_PLACES
    # Cases that left are known by institution and fund alone: they stand in December.
    values["by_item"] = _left(standing)
    return Table(told.codes, values, places)


def by_case(
    workspace: Workspace, year: int, pack: Pack, set_name: str | None, progress: Progress
) -> CaseMeasures:
    """The same case by case, with their ids; a score that does not end in decimals to SCORE_PLACES."""
    found = scored_cases(workspace, year, pack, set_name, progress)
    if isinstance(found, Finding):
        return CaseMeasures(
            (), np.empty(0, np.int32), np.empty(0, np.int64), {}, {}, {}, dict.fromkeys(SCORES, found), np.empty(0, np.int64)
        )
    told = _by_case(*found, pack)
    listed = workspace.reader().execute(
        "SELECT setl_id, case_id FROM cases WHERE year = ? AND sign = 1 AND netting = 0", (year,)
    )
    ids: dict[str, int] = dict(listed.fetchall())
    case_id = np.array([ids[one] for one in found[0].rows.setl_id.tolist()], np.int64)
    return replace(told, case_id=case_id)


def scored_cases(
    workspace: Workspace, year: int, pack: Pack, set_name: str | None, progress: Progress
) -> tuple[Standing, CaseScores] | Finding:
    """A year's cases as the pack scores them, or what stands in the way first."""
    connection = workspace.reader()
    try:
        with gather.snapshot(connection):
            standing = gather.standing_of(workspace, connection, year, pack, None, "official", progress)
            head = coefficients.choose(connection, set_name)
            content = coefficients.parts(connection, head.name) if head is not None else []
    except Refused as refused:
        return _why(refused)
    blocked = [one for one in standing.findings if one.severity == "blocked"]
    if head is None:
        blocked.append(Finding("set_missing", "blocked", value=set_name or ""))
        return ordered(blocked)[0]
    with_k = applied.apply(standing, content, FUNDS, year, head.name)
    blocked += with_k.findings
    if blocked:
        return ordered(blocked)[0]
    kept = next(
        (
            one.scores
            for one in annual.kept()
            if one.inputs.standing is standing and one.rule == pack.case and one.inputs.stamps.set_hash == head.hash
            and not one.inputs.stamps.tried
        ),
        None,
    )  # fmt: skip
    step(progress, "score_cases", 0, len(with_k.cases))
    return standing, kept or case_scores.score(pack.case, with_k.cases, progress)


def _by_case(standing: Standing, scored: CaseScores, pack: Pack) -> CaseMeasures:
    rows, branches = standing.rows, pack.case.branches
    sides = {
        "deviating": [one.when is not None for one in branches],
        "low": [one.id == "low" for one in branches],
        "high": [one.when is not None and one.id != "low" for one in branches],
    }
    has = {name: np.array([*mine, False, False])[scored.branch] for name, mine in sides.items()}
    has["adjusted"] = scored.branch == -1
    values, places = {"base_score": standing.rw.values}, {"base_score": standing.rw.places, "score": SCORE_PLACES}
    if scored.score is not None:
        values["score"], places["score"] = scored.score.values, scored.score.places
    else:
        values["score"] = np.array([int(rounded(one, SCORE_PLACES) * 10**SCORE_PLACES) for one in scored.exact or ()], np.int64)
    spot = rows.fund.astype(np.int64) * MONTHS + rows.day // 100 % 100 - 1
    return CaseMeasures(rows.institutions, rows.institution, spot, values, has, places, {}, np.empty(0, np.int64))


def _left(standing: Standing) -> Ints:
    found = np.zeros((len(standing.rows.institutions), len(FUNDS), MONTHS), np.int64)
    for place in standing.left.values():
        found[place % len(standing.rows.institutions), place // len(standing.rows.institutions), -1] += 1
    return frozen(found)


def _open(exact: Sequence[Fraction], cell: Ints, spots: int) -> Ints:
    totals = [Fraction(0)] * spots
    for at, value in zip(cell.tolist(), exact, strict=True):
        totals[at] += value
    return shaped(np.array([int(rounded(one, SCORE_PLACES) * 10**SCORE_PLACES) for one in totals], np.int64))


def clearing(workspace: Workspace, year: int, pack: Pack, set_name: str | None, progress: Progress) -> Table:
    """CLEARED by institution and fund, yuan; REGION by fund. A step that the pack lacks is lacking.

    paid: what the year's fund came to in the end, final + monthly_paid + advance. kept: 1 where surplus is above zero.
    """
    names = (*CLEARED, *REGION)
    try:
        cleared = annual.clear(workspace, year, pack, set_name=set_name, progress=progress, store=False)
    except Refused as refused:
        return _none(names, _why(refused))
    codes = tuple(sorted({one.code for sheet in cleared.funds for one in sheet.institutions}))
    place = {code: i for i, code in enumerate(codes)}
    lacking: dict[str, Finding] = {}
    values: dict[str, NDArray[np.int64]] = {}
    region: dict[str, NDArray[np.int64]] = {}
    places = {name: OPEN_PLACES for name in names if name not in ("kept", "listed")}
    for name in names:
        shape = (len(codes), len(FUNDS), MONTHS)
        (region if name in REGION else values)[name] = np.zeros(shape[1:] if name in REGION else shape, np.int64)
    for sheet in cleared.funds:
        fund = FUNDS.index(sheet.fund)
        own = [place[one.code] for one in sheet.institutions]
        steps: dict[str, Sequence[Fraction]] = {**sheet.values}
        if {"final", "monthly_paid", "advance"} <= set(steps):
            every = zip(steps["final"], steps["monthly_paid"], steps["advance"], strict=True)
            steps["paid"] = [sum(one, Fraction(0)) for one in every]
        for name in (*OF_STEPS, "booked", "paid"):
            if name in steps:
                values[f"clearing_{name}"][own, fund, -1] = [_scaled(value) for value in steps[name]]
            else:
                lacking[f"clearing_{name}"] = Finding("lacking_step", "note", value=name, values={"pack": pack.id})
        values["listed"][own, fund, -1] = 1
        if "surplus" in steps:
            values["kept"][own, fund, -1] = [int(value > 0) for value in steps["surplus"]]
        else:
            lacking["kept"] = Finding("lacking_step", "note", value="surplus", values={"pack": pack.id})
        for name in REGION_STEPS:
            if name in sheet.region:
                region[f"clearing_{name}"][fund, -1] = _scaled(sheet.region[name])
            else:
                lacking[f"clearing_{name}"] = Finding("lacking_step", "note", value=name, values={"pack": pack.id})
    return Table(codes, _frozen(values), places, _frozen(region), lacking)


def _frozen(values: Mapping[str, Ints]) -> dict[str, Ints]:
    return {name: frozen(one) for name, one in values.items()}


def _scaled(value: Fraction) -> int:
    return int(rounded(value, OPEN_PLACES) * 10**OPEN_PLACES)


def _why(refused: Refused) -> Finding:
    """Its first finding, else itself as one."""
    if refused.findings:
        return refused.findings[0]
    return Finding(refused.code, "blocked", values={name: str(value) for name, value in refused.values.items()})


def _none(names: Sequence[str], why: Finding) -> Table:
    return Table((), {}, lacking=dict.fromkeys(names, why))
