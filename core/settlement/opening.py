"""The opening point value (年初点值): what a point cost in the three years before, by several readings (domain.md 5.2).

It stands here and not in analysis because the months are settled by it. Ratios of sums are exact; what a median decides is
a statistic and says so. Each year is scored by the pack on its own catalogue, with the coefficient set that is chosen.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.faults import Refused
from core.findings import Finding
from core.money import plain, rounded
from core.progress import SILENT, Progress, step
from core.rules.cases import FUNDS, CaseScores, Ints, Scaled
from core.settlement import annual, coefficients, gather, groups, month_cases
from core.settlement.arrivals import home_of
from core.settlement.exact import sums
from core.settlement.opening_statistics import kept_between, median_of
from core.settlement.year import LIGHT, LIGHT_KINDS, Mark, mark, untouched

if TYPE_CHECKING:
    from core.rules.circular import Pack
    from core.settlement.month_cases import MonthCases
    from core.storage.workspace import Workspace

WEIGHTS = (1, 2, 7)  # of the third, second and first year before [V S1]
TRIM = (Fraction(25, 1000), Fraction(975, 1000))  # percentiles given as the example for point values [V S1]
# Readings in the order in which they are shown. The first is the one that months are settled by.
TOTALS, MEANS, TRIMMED, BAND_1D, BAND_2D = "totals", "means", "trimmed", "band_1d", "band_2d"
# Evidence of each: the formula as read in S1; for 2-D what a hospital's resource cost is, is read here [D].
TAGS = {TOTALS: "V", MEANS: "D", TRIMMED: "V", BAND_1D: "V", BAND_2D: "D"}
SELECT_PLACES = 8  # of a score that has no end in decimals, where cases are ordered by cost per point
MEDIAN_PLACES = 4
OPEN_PLACES = 4  # where a pack names no places for its point value

NAMED = 8  # institutions without coefficient that are named

_RESOURCES = Path(__file__).with_name("resource_costs.sql").read_text("utf-8")
_LESS_COEFFICIENTS = LIGHT - {"coefficient", "coefficient_set"}


@dataclass(frozen=True, slots=True)
class Sums:
    """What one institution's cases of a year, or of the weighted years, come to. Yuan and points, exact.

    income: what fund, patients and others paid. resources: drugs and consumables; None where a case lacks them.
    scoreless: cases that brought no point, their cost is in `cost` all the same.
    """

    cases: int
    cost: Fraction
    score: Fraction
    income: Fraction
    resources: Fraction | None
    scoreless: int = 0
    scoreless_cost: Fraction = Fraction(0)


@dataclass(frozen=True)
class Past:
    """A year of history: by fund and institution, and by fund what is left after trimming cases by cost per point."""

    year: int
    catalogue: str
    institutions: Mapping[tuple[str, str], Sums]
    trimmed: Mapping[str, Sums]

    def of(self, fund: str) -> Sums:
        return together([one for (of, _), one in sorted(self.institutions.items()) if of == fund])


@dataclass(frozen=True)
class Reading:
    """One reading of a fund's opening point value, yuan per point; None with the reason in `why`.

    cost, score: what was divided, where it is one ratio. exact: no statistic decided it. codes: the institutions it is of.
    """

    id: str
    value: Fraction | None
    cost: Fraction | None = None
    score: Fraction | None = None
    exact: bool = True
    codes: tuple[str, ...] = ()
    why: str = ""

    @property
    def tag(self) -> str:
        return TAGS[self.id]


@dataclass(frozen=True)
class Opening:
    """Of one fund. weights: by year that is there. institutions: over the weighted years."""

    year: int
    fund: str
    weights: Mapping[int, int]
    past: tuple[Past, ...]
    institutions: Mapping[str, Sums]
    readings: tuple[Reading, ...]
    findings: tuple[Finding, ...]

    def reading(self, id: str) -> Reading:
        return next(one for one in self.readings if one.id == id)

    @property
    def value(self) -> Fraction | None:
        return self.reading(TOTALS).value


def openings(
    workspace: Workspace,
    year: int,
    pack: Pack,
    *,
    funds: Sequence[str] = FUNDS,
    set_name: str | None = None,
    weights: Sequence[int] = WEIGHTS,
    trim: tuple[Fraction, Fraction] = TRIM,
    progress: Progress = SILENT,
) -> dict[str, Opening]:
    """By fund. weights: of the years before, the earliest first. A year without scores is left out and said in `findings`."""
    past: list[Past] = []
    lacking: list[Finding] = []
    years = [year - back for back in range(len(weights), 0, -1)]
    for number, one in enumerate(years):
        step(progress, "opening_year", number, len(years))
        found = _past(workspace, one, pack, set_name, trim, progress)
        if isinstance(found, Past):
            past.append(found)
        else:
            lacking.append(found)
    by_year = dict(zip(years, weights, strict=True))
    return {fund: of_fund(year, fund, {one.year: by_year[one.year] for one in past}, past, lacking) for fund in funds}


def rates(
    workspace: Workspace,
    year: int,
    pack: Pack,
    *,
    funds: Sequence[str] = FUNDS,
    set_name: str | None = None,
    progress: Progress = SILENT,
) -> dict[str, tuple[Fraction | None, tuple[Finding, ...]]]:
    """By fund the opening point value that months are settled by, to the places of the pack's point value, None where there is
    none; and the years that it is without."""
    found = openings(workspace, year, pack, funds=funds, set_name=set_name, progress=progress)
    return {
        fund: (
            None if one.value is None else rounded(one.value, places(pack)),
            tuple(said for said in one.findings if said.severity == "warning"),
        )
        for fund, one in found.items()
    }


def places(pack: Pack) -> int:
    """Of a point value under the pack."""
    named = next((one.places for one in pack.scope("region") if one.id == "point_value"), None)
    return OPEN_PLACES if named is None else named


# -- readings --------------------------------------------------------------------------------------------------------


def of_fund(
    year: int, fund: str, weights: Mapping[int, int], past: Sequence[Past], lacking: Sequence[Finding] = ()
) -> Opening:
    """All readings of a fund from its years. Pure."""
    there = [one for one in past if one.of(fund).cases and weights.get(one.year, 0) > 0]
    findings = list(lacking)
    for one in past:
        if one not in there:
            findings.append(Finding("opening_no_cases", "warning", subject=str(one.year), values={"fund": fund}))
    codes = sorted({code for one in there for of, code in one.institutions if of == fund})
    institutions = {
        code: together([
            weighed(one.institutions[fund, code], weights[one.year]) for one in there if (fund, code) in one.institutions
        ])
        for code in codes
    }  # fmt: skip
    yearly = [(one.of(fund), weights[one.year]) for one in there]
    idle = sum(one.scoreless for one, _ in yearly)
    if idle:
        cost = sum((one.scoreless_cost for one, _ in yearly), Fraction(0))
        findings.append(
            Finding("opening_scoreless", "note", subject=fund, value=str(idle), values={"amount": plain(cost, 2)})
        )
    whole = together([weighed(one, weight) for one, weight in yearly])
    totals = _ratio(TOTALS, whole)
    inner = together([weighed(one.trimmed[fund], weights[one.year]) for one in there if fund in one.trimmed])
    trimmed = _ratio(TRIMMED, inner)
    if trimmed.value is None and totals.value is not None:
        trimmed = Reading(TRIMMED, None, why="none_left")
    readings = (
        totals, _means(yearly), trimmed, *_bands(institutions, totals.value),
    )  # fmt: skip
    return Opening(year, fund, {one.year: weights[one.year] for one in there}, tuple(there), institutions, readings,
                   tuple(findings))  # fmt: skip


def weighed(one: Sums, weight: int) -> Sums:
    """Cost and scores times the weight of their year; counts are what was counted."""
    resources = None if one.resources is None else one.resources * weight
    return Sums(one.cases, one.cost * weight, one.score * weight, one.income * weight, resources, one.scoreless,
                one.scoreless_cost)  # fmt: skip


def together(parts: Sequence[Sums]) -> Sums:
    known = [one.resources for one in parts if one.resources is not None]
    return Sums(
        sum(one.cases for one in parts), sum((one.cost for one in parts), Fraction(0)),
        sum((one.score for one in parts), Fraction(0)), sum((one.income for one in parts), Fraction(0)),
        sum(known, Fraction(0)) if len(known) == len(parts) else None,
        sum(one.scoreless for one in parts), sum((one.scoreless_cost for one in parts), Fraction(0)),
    )  # fmt: skip


def _ratio(id: str, sums: Sums, codes: Sequence[str] = ()) -> Reading:
    if sums.score <= 0:
        return Reading(id, None, why="no_scores")
    return Reading(id, sums.cost / sums.score, sums.cost, sums.score, codes=tuple(codes))


def _means(yearly: Sequence[tuple[Sums, int]]) -> Reading:
    """The other reading of 1:2:7: each year's cost per point, weighted."""
    scored = [(one.cost / one.score, weight) for one, weight in yearly if one.score > 0]
    if not scored:
        return Reading(MEANS, None, why="no_scores")
    return Reading(MEANS, sum((value * weight for value, weight in scored), Fraction(0)) / sum(weight for _, weight in scored))


def _bands(institutions: Mapping[str, Sums], mean: Fraction | None) -> tuple[Reading, Reading]:
    """The preferred intervals: cheaper per point than the region; and cheaper in resources too, with income that covers them."""
    if mean is None:
        return Reading(BAND_1D, None, why="no_scores"), Reading(BAND_2D, None, exact=False, why="no_scores")
    scored = {code: one for code, one in sorted(institutions.items()) if one.score > 0}
    below = [code for code, one in scored.items() if one.cost / one.score < mean]
    cheap = _ratio(BAND_1D, together([scored[code] for code in below]), below)
    if cheap.value is None:
        cheap = Reading(BAND_1D, None, why="none_below")
    known = {code: (one, one.resources) for code, one in scored.items() if one.resources is not None}
    if not known:
        return cheap, Reading(BAND_2D, None, exact=False, why="no_resources")
    spent = sum((used for _, used in known.values()), Fraction(0)) / sum((one.score for one, _ in known.values()), Fraction(0))
    chosen = [
        code for code in below
        if code in known and known[code][1] / scored[code].score < spent and scored[code].income >= known[code][1]
    ]  # fmt: skip
    if not chosen:
        return cheap, Reading(BAND_2D, None, exact=False, why="none_in_2d")
    points = [
        (float(scored[code].cost / scored[code].score), float(known[code][1] / scored[code].score)) for code in chosen
    ]
    value = rounded(Fraction(median_of(points)[0]), MEDIAN_PLACES)
    return cheap, Reading(BAND_2D, value, exact=False, codes=tuple(chosen))


# -- years -----------------------------------------------------------------------------------------------------------

_kept: dict[tuple[object, ...], tuple[Mark, Past | Finding]] = {}
KEPT = 12  # years, the oldest go first


def forget() -> None:
    """Drop what is kept."""
    _kept.clear()


def _past(
    workspace: Workspace,
    year: int,
    pack: Pack,
    set_name: str | None,
    trim: tuple[Fraction, Fraction],
    progress: Progress,
) -> Past | Finding:
    """A year's sums, from memory where no ledger line since then touched what they are made of; or why there are none."""
    connection = workspace.reader()
    with gather.snapshot(connection):
        head = coefficients.choose(connection, set_name)
        stands_on = (head.name, head.hash) if head is not None else ()
        version = groups.choose(connection, year, None)[0]  # another one where a draft of that year is published
        key = (str(workspace.path), workspace.created, workspace.region, year, pack.hash,
               tuple(sorted(pack.changed.items())), stands_on, version, trim)  # fmt: skip
        held = _kept.pop(key, None)
        if held is None or not untouched(connection, held[0], _LESS_COEFFICIENTS, LIGHT_KINDS - {"coefficients"}):
            held = mark(connection), _read(workspace, connection, year, pack, set_name, trim, progress)
        for old in list(_kept)[: 1 - KEPT]:
            _kept.pop(old, None)
        _kept[key] = held
        return held[1]


def _read(
    workspace: Workspace,
    connection: sqlite3.Connection,
    year: int,
    pack: Pack,
    set_name: str | None,
    trim: tuple[Fraction, Fraction],
    progress: Progress,
) -> Past | Finding:
    try:
        found = month_cases.read(workspace, year, pack, set_name=set_name, progress=progress)
    except Refused as refused:
        return _without(year, refused.findings)
    if found.blocked:
        return _without(year, found.blocked)
    resources = _resources(connection, workspace, pack, found)
    standing, codes = found.standing, found.standing.rows.institutions
    spots = len(FUNDS) * len(codes)
    rows, place = standing.rows, standing.place
    scores = _scores(found.scores, place, spots)
    points = _selecting(found.scores)
    fee, income = sums(rows.fee, place, spots), sums(rows.booked + standing.own_pay + rows.other_pay, place, spots)
    count = np.bincount(place, minlength=spots)
    idle = points <= 0
    none, none_cost = np.bincount(place[idle], minlength=spots), sums(rows.fee[idle], place[idle], spots)
    institutions = {
        (fund, code): Sums(
            int(count[at]), Fraction(fee[at], 100), scores[at], Fraction(income[at], 100), resources.get((fund, code)),
            int(none[at]), Fraction(none_cost[at], 100),
        )
        for f, fund in enumerate(FUNDS) for i, code in enumerate(codes) if count[at := f * len(codes) + i]
    }  # fmt: skip
    trimmed: dict[str, Sums] = {}
    for f, fund in enumerate(FUNDS):
        where = np.flatnonzero((rows.fund == f) & ~idle)
        where = where[kept_between(rows.fee[where], points[where], *trim)]
        if len(where):
            zero = np.zeros(len(where), np.int64)
            score = _scores(_taken(found.scores, where), zero, 1)[0]
            cost = Fraction(sums(rows.fee[where], zero, 1)[0], 100)
            trimmed[fund] = Sums(len(where), cost, score, Fraction(0), None)
    return Past(year, standing.version, institutions, trimmed)


def _without(year: int, blocked: Sequence[Finding]) -> Finding:
    """Why a year is not in the value: whose coefficient it lacks, where it is no more than that."""
    lacking = [one for one in blocked if one.code == "coefficient_missing"]
    if not lacking or len(lacking) < len(blocked):
        why = next((one.code for one in blocked if one.code != "coefficient_missing"), "")
        return Finding("opening_year_lacking", "warning", subject=str(year), values={"why": why})
    codes = sorted({one.subject for one in lacking})
    values = {
        "institutions": ", ".join(codes[:NAMED]) + (" …" if len(codes) > NAMED else ""),
        "cases": str(sum(int(one.value) for one in lacking)), "set": lacking[0].values["set"],
    }  # fmt: skip
    return Finding("opening_year_coefficients", "warning", subject=str(year), value=str(len(codes)), values=values)


def _scores(scores: CaseScores, place: Ints, spots: int) -> list[Fraction]:
    if scores.score is not None:
        return [Fraction(one, 10**scores.score.places) for one in sums(scores.score.values, place, spots)]
    return annual.exact_totals(place.tolist(), scores.exact or (), spots)


def _taken(scores: CaseScores, where: Ints) -> CaseScores:
    if scores.score is not None:
        return replace(scores, score=Scaled(scores.score.values[where], scores.score.places))
    every = scores.exact or ()
    return replace(scores, exact=tuple(every[i] for i in where.tolist()))


def _selecting(scores: CaseScores) -> Ints:
    """Each case's score as a whole number, to order cases by: the score itself wherever it ends in decimals."""
    if scores.score is not None:
        return scores.score.values
    return np.array([int(rounded(one, SELECT_PLACES) * 10**SELECT_PLACES) for one in scores.exact or ()], np.int64)


def _resources(
    connection: sqlite3.Connection, workspace: Workspace, pack: Pack, found: MonthCases
) -> dict[tuple[str, str], Fraction]:
    """Drugs and consumables by fund and institution, of those whose scored cases all have both."""
    home, beyond = home_of(workspace.region, pack.case.intra_province)
    asked = {
        "year": found.given.year, "home": home, "beyond": beyond, "left": json.dumps(sorted(found.standing.left)),
    }  # fmt: skip
    return {
        (FUNDS[fund - 1], code): Fraction(fen, 100)
        for fund, code, fen, lacking in connection.execute(_RESOURCES, asked)
        if not lacking
    }
