"""The annual clearing: inputs to case scores, scores to sums, sums through the pack's steps to the sheet.

A clearing is stored as a run that names pack, coefficient set and data by hash. The case scores of the last
clearings are kept: after a change only the cases whose coefficient or reference mean moved are scored again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.export.tables import clearing_json
from core.findings import Finding
from core.money import plain
from core.progress import SILENT, Progress, step
from core.rules import case_scores, steps
from core.rules.cases import FUNDS, CaseScores, CaseTable, Ints, Scaled
from core.rules.sheet import BudgetLine, Clearing, FundSheet, Institution
from core.settlement import digest
from core.settlement.changes import NONE, Changes
from core.settlement.doubts import ordered
from core.settlement.exact import sums as exact_sums
from core.settlement.funds import overspent
from core.settlement.gather import Inputs, gather
from core.settlement.staleness import run_subject, stale
from core.settlement.standing import Standing
from core.storage import backups, batches

if TYPE_CHECKING:
    from core.rules.circular import CaseRule, Pack
    from core.storage.workspace import Workspace


@dataclass(frozen=True)
class Scored:
    """A clearing's inputs with what the pack's branches made of every case."""

    inputs: Inputs
    rule: CaseRule
    scores: CaseScores


# The last clearings case by case, newest last: cleared again after a change, and looked into by `why`.
_scored: list[Scored] = []
KEPT = 2


def clear(
    workspace: Workspace,
    year: int,
    pack: Pack,
    *,
    funds: Sequence[str] = FUNDS,
    set_name: str | None = None,
    catalogue: str | None = None,
    grouping: str = "official",
    changes: Changes = NONE,
    scenario: str = "",
    progress: Progress = SILENT,
    store: bool = True,
) -> Clearing:
    """Clear the year. Refused: "blocked" with every blocking fact, "rule_failed" where values fit no formula.

    Stored unless the workspace is read-only or `store` is off; the same clearing again is not stored twice. With changes on
    top it is somebody's trial: stamped as one, and never stored among the runs.
    """
    pack = changes.pack(pack)
    scored = score_cases(
        workspace,
        year,
        pack,
        funds=funds,
        set_name=set_name,
        catalogue=catalogue,
        grouping=grouping,
        changes=changes,
        scenario=scenario,
        progress=progress,
    )
    step(progress, "steps", 0)
    clearing = sheets(pack, scored)
    if store and not workspace.read_only and not changes and not scenario:
        keep(workspace, clearing)
    return clearing


def score_cases(
    workspace: Workspace,
    year: int,
    pack: Pack,
    *,
    funds: Sequence[str] = FUNDS,
    set_name: str | None = None,
    catalogue: str | None = None,
    grouping: str = "official",
    changes: Changes = NONE,
    scenario: str = "",
    progress: Progress = SILENT,
) -> Scored:
    """Inputs and case scores, the pack having its parameters; from what is kept where only some cases changed."""
    inputs = gather(
        workspace,
        year,
        pack,
        funds=funds,
        set_name=set_name,
        catalogue=catalogue,
        grouping=grouping,
        changes=changes,
        scenario=scenario,
        progress=progress,
    )
    return score_inputs(inputs, pack.case, progress)


def score_inputs(inputs: Inputs, rule: CaseRule, progress: Progress = SILENT) -> Scored:
    """Every case by the pack's branches; only those that moved where the same cases were scored before."""
    step(progress, "score_cases", 0, len(inputs.cases))
    earlier = next(
        (
            one
            for one in reversed(_scored)
            if one.inputs.standing is inputs.standing and one.rule == rule
        ),
        None,
    )
    scores = None if earlier is None else _rescored(earlier, inputs, rule)
    if scores is None:
        scores = case_scores.score(rule, inputs.cases, progress)
    scored = Scored(inputs, rule, scores)
    _scored[:] = [one for one in _scored if one is not earlier] + [scored]
    del _scored[:-KEPT]
    return scored


def kept() -> tuple[Scored, ...]:
    """The last clearings case by case, newest last."""
    return tuple(_scored)


def forget() -> None:
    """Drop what is kept of earlier clearings."""
    _scored.clear()


def _rescored(earlier: Scored, inputs: Inputs, rule: CaseRule) -> CaseScores | None:
    """Only the cases whose coefficient or reference moved; None where that is most of them."""
    old, new = earlier.inputs.cases, inputs.cases
    places = max(old.k.places, new.k.places)
    moved = old.k.values * 10 ** (places - old.k.places) != new.k.values * 10 ** (places - new.k.places)
    if old.reference is not new.reference:
        moved |= old.reference != new.reference
    where = np.flatnonzero(moved)
    if not len(where):
        return earlier.scores
    if 2 * len(where) > len(new):
        return None
    part = case_scores.score(rule, taken(new, where))
    kept = earlier.scores
    score = exact = None
    if kept.score is not None and part.score is not None:
        more = (
            kept.score.places - part.score.places
        )  # a decided score among the others may have more decimals
        if more < 0:
            return None
        score = Scaled(_patched(kept.score.values, where, part.score.values * 10**more), kept.score.places)
    elif kept.exact is not None and part.exact is not None:
        every = list(kept.exact)
        for i, value in zip(where.tolist(), part.exact, strict=True):
            every[i] = value
        exact = tuple(every)
    else:
        return None
    measures: dict[str, Scaled] = {}
    for name, own in kept.measures.items():
        if own.places != part.measures[name].places:
            return None
        measures[name] = Scaled(_patched(own.values, where, part.measures[name].values), own.places)
    return CaseScores(
        score,
        exact,
        _patched(kept.branch, where, part.branch),
        _patched(kept.review, where, part.review),
        measures,
    )


def _patched(values: NDArray[Any], where: Ints, new: NDArray[Any]) -> NDArray[Any]:
    copy = values.copy()
    copy[where] = new
    copy.setflags(write=False)
    return copy


def taken(cases: CaseTable, where: Ints) -> CaseTable:
    """Only some of the cases."""
    return replace(
        cases,
        setl_id=cases.setl_id[where],
        fund=cases.fund[where],
        institution=cases.institution[where],
        group=cases.group[where],
        day=cases.day[where],
        fee=cases.fee[where],
        booked=cases.booked[where],
        own_pay=cases.own_pay[where],
        other_pay=cases.other_pay[where],
        reference=cases.reference[where],
        reference_source=cases.reference_source[where],
        special=cases.special[where],
        rw=Scaled(cases.rw.values[where], cases.rw.places),
        k=Scaled(cases.k.values[where], cases.k.places),
        u=Scaled(cases.u.values[where], cases.u.places),
        special_score=Scaled(cases.special_score.values[where], cases.special_score.places),
    )


# -- from scores to the sheet --------------------------------------------------------------------------------


def sheets(pack: Pack, scored: Scored) -> Clearing:
    inputs, scores = scored.inputs, scored.scores
    totals = totals_of(inputs.standing, scores)
    by_fund: list[FundSheet] = []
    findings = list(inputs.findings)
    for fund, institutions in inputs.institutions.items():
        of_fund = totals_of_fund(inputs.standing, totals, fund, institutions)
        given = {**inputs.institution[fund], **of_fund}
        sheet = fund_sheet(pack, fund, institutions, inputs.region[fund], given, inputs.budget_lines[fund])
        by_fund.append(sheet)
        worth = sheet.region.get("point_value")
        if worth is not None and worth <= 0:
            findings.append(Finding("point_value_not_positive", "warning", subject=fund, value=plain(worth)))
        residual = sheet.region.get("residual", Fraction(0))
        if residual:
            findings.append(Finding("residual", "note", subject=fund, value=plain(residual)))
        over = overspent(pack, sheet.region, len(institutions))
        if over:
            values = {"paid": plain(sheet.region["dip_paid"], 2), "available": plain(sheet.region["fund_available"], 2)}
            findings.append(Finding("fund_overspent", "warning", subject=fund, value=plain(over, 2), values=values))
        review = int(scores.review[inputs.cases.fund == FUNDS.index(fund)].sum())
        if review:
            findings.append(Finding("review", "note", subject=fund, value=str(review)))
    clearing = Clearing(pack, inputs.year, tuple(by_fund), inputs.stamps, ordered(findings))
    return replace(clearing, stamps=replace(inputs.stamps, run_hash=digest.of_run(clearing, beneath(scored))))


def beneath(scored: Scored) -> digest.Under:
    """What the run's hash holds under each institution's row: its coefficients and its cases."""
    inputs, by_place = scored.inputs, scored.inputs.standing.by_place
    cases, scores = by_place.cases, by_place.hashes(digest.scored(scored.scores))
    codes = inputs.standing.rows.institutions
    place = {code: i for i, code in enumerate(codes)}
    parts: dict[str, list[list[object]]] = {}
    for one in inputs.content:
        parts.setdefault(one.code, []).append([one.fund, one.name, one.day, plain(one.value)])

    def under(fund: str, code: str) -> digest.Beneath:
        at = FUNDS.index(fund) * len(codes) + place[code] if code in place else -1
        return digest.Beneath(parts.get(code, ()), cases.get(at, ""), scores.get(at, ""))

    return {fund: {one.code: under(fund, one.code) for one in listed} for fund, listed in inputs.institutions.items()}


def fund_sheet(
    pack: Pack,
    fund: str,
    institutions: Sequence[Institution],
    region: Mapping[str, Fraction],
    given: Mapping[str, Sequence[Fraction]],
    lines: Sequence[BudgetLine],
) -> FundSheet:
    """The pack's steps on a fund's facts. given: every institution input, the cases' totals among them."""
    values = steps.run(pack, region, given, [one.code for one in institutions], fund)
    return FundSheet(fund, tuple(institutions), values.region, values.institutions, tuple(lines))


def totals_of(standing: Standing, scores: CaseScores) -> dict[str, list[Fraction]]:
    """`score` and the pack's measures by place, exact."""
    totals = {"score": _by_place(standing, scores.score, scores.exact)}
    for name, values in scores.measures.items():
        totals[name] = _by_place(standing, values, None)
    return totals


def totals_of_fund(
    standing: Standing, totals: Mapping[str, Sequence[Fraction]], fund: str, institutions: Sequence[Institution]
) -> dict[str, tuple[Fraction, ...]]:
    """The same of one fund's listed institutions; zero of one without cases."""
    codes = standing.rows.institutions
    first = FUNDS.index(fund) * len(codes)
    place = {code: first + i for i, code in enumerate(codes)}
    at = [place.get(one.code, -1) for one in institutions]
    return {name: tuple(own[i] if i >= 0 else Fraction(0) for i in at) for name, own in totals.items()}


def _by_place(standing: Standing, values: Scaled | None, exact: Sequence[Fraction] | None) -> list[Fraction]:
    """Exact sums by fund and institution."""
    places = len(standing.listed)
    if values is not None:
        return [Fraction(one, 10**values.places) for one in exact_sums(values.values, standing.place, places)]
    return exact_totals(standing.place.tolist(), exact or (), places)


def exact_totals(spots: Sequence[int], exact: Sequence[Fraction], places: int) -> list[Fraction]:
    """Sums of exact scores by place."""
    totals = [Fraction(0)] * places
    # Whole numbers over each denominator, so that adding hundreds of thousands of fractions stays quick.
    parts: dict[tuple[int, int], int] = {}
    for place, value in zip(spots, exact, strict=True):
        key = (place, value.denominator)
        parts[key] = parts.get(key, 0) + value.numerator
    for (place, denominator), numerator in sorted(parts.items()):
        totals[place] += Fraction(numerator, denominator)
    return totals


# -- keeping ---------------------------------------------------------------------------------------------------


def keep(workspace: Workspace, clearing: Clearing, kind: str = "clear") -> None:
    """The run, its findings and its ledger line, in one transaction; nothing where the same run is there and stands.

    kind: clear, or the chapter of a pack that it is of (month, prepay).
    """
    stamps = clearing.stamps
    reader = workspace.reader()
    same = reader.execute("SELECT id FROM run WHERE hash = ?", (stamps.run_hash,)).fetchall()
    if any(not stale(workspace, run) for (run,) in same):
        return
    result = clearing_json(clearing)
    in_force = [
        number for (number,) in reader.execute("SELECT id FROM batch WHERE withdrawn = 0 ORDER BY id")
    ]
    subject = run_subject(clearing.year, stamps.pack, stamps.run_hash, stamps.period)
    backups.before(workspace, "clearing")
    with workspace.transaction("clear", subject) as writer:
        line = workspace.ledger.record(writer, "run", subject)
        run = writer.execute(
            "INSERT INTO run (at, who, year, pack, pack_hash, pack_text, set_name, set_hash, catalogue, grouping, funds,"
            " parameters, data_hash, batches, result, result_hash, hash, kind, period)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                line.at,
                line.who,
                clearing.year,
                stamps.pack,
                stamps.pack_hash,
                clearing.pack.text,
                stamps.set_name,
                stamps.set_hash,
                stamps.catalogue,
                stamps.grouping,
                ",".join(sheet.fund for sheet in clearing.funds),
                json.dumps(dict(stamps.parameters), ensure_ascii=False, sort_keys=True),
                stamps.data_hash,
                json.dumps(in_force),
                result,
                hashlib.sha256(result.encode()).hexdigest(),
                stamps.run_hash,
                kind,
                stamps.period,
            ),
        ).lastrowid
        batches.store_findings(writer, clearing.findings, run_id=run)
