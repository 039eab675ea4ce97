"""What a version of the catalogue and a grouping make of a year's cases, before coefficients: the second stage.

Pure: from `Year`, `Version` and `Grouped` alone, so that another version, another grouping or a changed score is
another call on the same rows, and no case is read again.
Decisions where the specification is silent: a bed-day case without days has no score and follows the pack's
`ungrouped`; a score of 0 in the catalogue is no score.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.catalogue.entries import UNBANDED, Entry
from core.findings import Finding
from core.money import plain, yuan
from core.rules.cases import (
    FUNDS,
    REFERENCE_CATALOGUE,
    REFERENCE_GIVEN,
    REFERENCE_LEVEL,
    SPECIAL_ADJUSTED,
    CaseTable,
    Ints,
    Scaled,
    Small,
)
from core.rules.sheet import Institution
from core.settlement import auxiliary, digest, doubts, references
from core.settlement.arrivals import Arrivals, Fees, frozen
from core.settlement.digest import ByPlace
from core.settlement.exact import fits, places_of, scaled, sums
from core.settlement.groups import Version, score_of
from core.settlement.year import BY_ITEM, Year

if TYPE_CHECKING:
    from core.rules.circular import CaseRule

ORDER = {"reference_means": REFERENCE_GIVEN, "level_mean": REFERENCE_LEVEL, "catalogue": REFERENCE_CATALOGUE}


@dataclass(frozen=True)
class Grouped:
    """Which group each case of a `Year` has: index into `groups`, sorted codes; -1 none.

    by: official, own or carried. stood_on: hash of what the grouping was made from, "" for the official one, which is in the
    rows themselves.
    """

    by: str
    groups: tuple[str, ...]
    index: NDArray[np.int32]
    stood_on: str = ""
    findings: tuple[Finding, ...] = ()


def official(year: Year) -> Grouped:
    """The group that each row states."""
    return Grouped("official", year.rows.groups, year.rows.group)


@dataclass(frozen=True)
class Standing:
    """What is known of the year's cases before coefficients: the part that is kept.

    rows: the cases that count (by-item ones have left), their group as the grouping has it. stay: their places among the
    rows of the year, which `grouped` is of. group: index into rows.groups, -1 without a score.
    place: fund * institutions + institution. neutral: k is 1. own_k: disease-level coefficient, -1 where the
    institution's holds. by_item: fen by place. left: place of each case that is paid by item. listed: places with
    any case, by-item ones too. sums: by place.
    """

    rows: Arrivals
    stay: Ints
    version: str
    grouped: Grouped
    groups: Mapping[str, Entry]
    registered: Mapping[str, Institution]
    group: NDArray[np.int32]
    place: Ints
    own_pay: Ints
    rw: Scaled
    u: Scaled
    reference: Ints
    source: Small
    neutral: NDArray[np.bool_]
    own_k: Ints
    own_k_places: int
    special: Small
    special_score: Scaled
    by_item: Sequence[int]
    left: Mapping[str, int]
    listed: NDArray[np.bool_]
    sums: Mapping[str, Sequence[int]]
    counts: Mapping[str, int]
    hash: str
    findings: tuple[Finding, ...]

    @cached_property
    def by_place(self) -> ByPlace:
        return ByPlace.of(self.rows, self.place, self.rw, self.own_pay)


def stand(
    year: Year, version: Version, grouped: Grouped, rule: CaseRule, earlier: Callable[[], Fees]
) -> Standing:
    """earlier: the fees of the year before by group, asked for only when a case needs a level mean."""
    findings = [*year.findings, *version.findings, *grouped.findings]
    rows = replace(year.rows, groups=grouped.groups, group=grouped.index)
    registered, groups, bands = year.registered, version.groups, version.bands
    special, decision, own_pay = year.special, year.decision, year.own_pay

    known = [groups.get(code) for code in rows.groups]
    scored = np.array([score_of(one) is not None for one in known] + [False])
    group = np.where(scored[rows.group], rows.group, -1).astype(np.int32)
    bed = np.array([one is not None and one.kind == "bed_day" for one in known] + [False])[group]
    if bool(bed.any()) and rows.days is not None:
        lost = bed & (rows.days <= 0)
        if bool(lost.any()):
            group = np.where(lost, np.int32(-1), group)
            bed = bed & ~lost
            findings.append(
                Finding(
                    "bed_day_without_days",
                    "warning",
                    value=str(int(lost.sum())),
                    subject=str(min(rows.setl_id[lost])),
                    values={"amount": yuan(int(rows.fee[lost].sum()))},
                )
            )

    ungrouped = (group < 0) & (special != SPECIAL_ADJUSTED) & (special != BY_ITEM)
    leaves = (special == BY_ITEM) | (ungrouped if rule.ungrouped == "actual_fee" else False)
    if version.name:
        for number, fund in enumerate(FUNDS):
            findings += doubts.ungrouped(rows, ungrouped & (rows.fund == number), fund, rule.ungrouped)
        if grouped.by == "official":  # what the platform scored, it scored by its own group
            findings += doubts.scores_differ(rows, group, known, version.name)
    spots = len(FUNDS) * len(rows.institutions)
    place = rows.fund.astype(np.int64) * len(rows.institutions) + rows.institution
    by_item = sums(rows.booked[leaves], place[leaves], spots)
    left = dict(zip(rows.setl_id[leaves].tolist(), place[leaves].tolist(), strict=True))
    listed = np.zeros(spots, bool)
    listed[place] = True
    counts = {
        "rows": rows.rows,
        "in_scope": len(rows),
        "by_item": int((special == BY_ITEM).sum()),
        "adjusted": int((special == SPECIAL_ADJUSTED).sum()),
        "ungrouped": int(ungrouped.sum()),
        **rows.out,
    }
    stay = np.flatnonzero(~leaves)
    if bool(leaves.any()):
        rows = _taken(rows, stay)
        group, bed, own_pay, special, decision, place = (
            group[stay],
            bed[stay],
            own_pay[stay],
            special[stay],
            decision[stay],
            place[stay],
        )

    rw = _scores(rows, known, group, bed, findings)
    u = _factors(rows, known, group, bands, findings)
    reference, source = _references(year, replace(rows, group=group), known, rule, earlier)

    neutral = np.zeros(len(rows), bool)
    if not rule.primary_care_coefficient:
        neutral = np.array([one is not None and one.primary_care for one in known] + [False])[group]
    own_k, own_k_places = np.full(len(rows), -1, np.int64), 0
    if rule.disease_level_coefficient:
        own_k, own_k_places = _own_coefficients(rows, known, group, _levels(year, rows), findings)
    decided = _fitting(list(year.decided), findings)
    special_table = scaled(decided, places_of(decided))
    special_score = Scaled(special_table.values[decision], special_table.places)
    adjusted = np.where(special == SPECIAL_ADJUSTED, special, 0).astype(np.int8)
    for values in (
        group,
        place,
        own_pay,
        rw.values,
        u.values,
        reference,
        source,
        neutral,
        own_k,
        adjusted,
        special_score.values,
        listed,
        stay,
    ):
        frozen(values)
    totals = {
        "cases": np.bincount(place, minlength=spots).tolist(),
        "total_cost": sums(rows.fee, place, spots),
        "booked": sums(rows.booked, place, spots),
        "own_pay": sums(own_pay, place, spots),
        "other_pay": sums(rows.other_pay, place, spots),
        "base_score": sums(rw.values, place, spots),
    }
    stood_on = [grouped.stood_on] if grouped.stood_on else []
    of_cases = digest.of_cases(
        rows,
        [group, own_pay, rw.values, u.values, reference, source, neutral, own_k, adjusted, special_score.values],
        [rw.places, u.places, own_k_places, special_score.places, by_item, listed.tolist(), *stood_on],
    )
    return Standing(
        rows=rows,
        stay=stay,
        version=version.name,
        grouped=grouped,
        groups=groups,
        registered=registered,
        group=group,
        place=place,
        own_pay=own_pay,
        rw=rw,
        u=u,
        reference=reference,
        source=source,
        neutral=neutral,
        own_k=own_k,
        own_k_places=own_k_places,
        special=adjusted,
        special_score=special_score,
        by_item=by_item,
        left=left,
        listed=listed,
        sums=totals,
        counts=counts,
        hash=of_cases,
        findings=tuple(findings),
    )


# -- by group ----------------------------------------------------------------------------------------------


def _scores(
    rows: Arrivals,
    known: Sequence[Entry | None],
    group: NDArray[np.int32],
    bed: NDArray[np.bool_],
    findings: list[Finding],
) -> Scaled:
    """The catalogue score of each case; bed-day groups by the day."""
    scores = [score_of(one) or Fraction(0) for one in known]
    longest = int(rows.days[bed].max()) if bool(bed.any()) and rows.days is not None else 1
    scores = _fitting(scores, findings, longest)
    table = scaled([*scores, Fraction(0)], places_of(scores))
    rw = table.values[group]
    if bool(bed.any()) and rows.days is not None:
        rw = np.where(bed, rw * np.where(bed, rows.days, 1), rw)
    return Scaled(rw, table.places)


def _factors(
    rows: Arrivals,
    known: Sequence[Entry | None],
    group: NDArray[np.int32],
    bands: Sequence[auxiliary.Band],
    findings: list[Finding],
) -> Scaled:
    """The auxiliary factor of each case; TCM and bed-day groups have none."""
    banded = np.array([one is not None and one.kind not in UNBANDED for one in known] + [False])
    if not all(_fitting([band.factor for band in bands], findings)):
        bands = ()
    places = places_of([band.factor for band in bands])
    u, said = auxiliary.factors(rows, np.where(banded[group], group, -1).astype(np.int64), bands, places)
    findings += said
    return Scaled(u, places)


def _references(
    year: Year,
    rows: Arrivals,
    known: Sequence[Entry | None],
    rule: CaseRule,
    earlier: Callable[[], Fees],
) -> tuple[Ints, Small]:
    """A case whose group has no score needs no mean: the pack's `ungrouped` decides on it."""
    given = references.given_means(year.given, rows.groups)
    mean_fee = np.array([one.mean_fee if one is not None else 0 for one in known] or [0], np.int64)

    def means() -> Ints:
        level_of = {code: one.level for code, one in year.registered.items()}
        return references.level_means(earlier(), level_of, rows.groups, rule.reference_min_cases)

    order = [ORDER[name] for name in rule.reference]
    return references.references(rows, _levels(year, rows), order, given, means, mean_fee)


def _levels(year: Year, rows: Arrivals) -> Ints:
    """Of each institution."""
    return np.array([year.registered[code].level for code in rows.institutions] or [0], np.int64)


def _own_coefficients(
    rows: Arrivals,
    known: Sequence[Entry | None],
    group: NDArray[np.int32],
    level: Ints,
    findings: list[Finding],
) -> tuple[Ints, int]:
    """The disease-level coefficient of each case, -1 where its group has none for the institution's level; its places."""
    grid = [[one.coefficients[i] if one is not None else None for i in range(3)] for one in known]
    flat = [value for line in grid for value in line if value is not None]
    if flat != _fitting(flat, findings):
        flat, grid = [], [[None] * 3 for _ in grid]
    places = places_of(flat)
    lines = [[-1, *(-1 if v is None else int(v * 10**places) for v in line)] for line in grid]
    return np.array([*lines, [-1] * 4], np.int64)[group, level[rows.institution]], places


def table(standing: Standing, k: Scaled, reference: Ints) -> CaseTable:
    """The cases with their coefficients: what scores are made from."""
    rows = standing.rows
    return CaseTable(
        setl_id=rows.setl_id,
        institutions=rows.institutions,
        groups=rows.groups,
        fund=rows.fund,
        institution=rows.institution,
        group=standing.group,
        day=rows.day,
        fee=rows.fee,
        booked=rows.booked,
        own_pay=standing.own_pay,
        other_pay=rows.other_pay,
        rw=standing.rw,
        k=k,
        u=standing.u,
        reference=reference,
        reference_source=standing.source,
        special=standing.special,
        special_score=standing.special_score,
    )


def taken(standing: Standing, where: Ints) -> Standing:
    """Only some of the cases, for coefficients and scores; `sums`, `counts` and `hash` stay those of all."""
    return replace(
        standing,
        rows=_taken(standing.rows, where),
        stay=standing.stay[where],
        group=standing.group[where],
        place=standing.place[where],
        own_pay=standing.own_pay[where],
        rw=Scaled(standing.rw.values[where], standing.rw.places),
        u=Scaled(standing.u.values[where], standing.u.places),
        reference=standing.reference[where],
        source=standing.source[where],
        neutral=standing.neutral[where],
        own_k=standing.own_k[where],
        special=standing.special[where],
        special_score=Scaled(standing.special_score.values[where], standing.special_score.places),
    )


def _taken(rows: Arrivals, where: Ints) -> Arrivals:
    """Only some of the cases."""
    names = (
        "setl_id",
        "fund",
        "institution",
        "group",
        "given_score",
        "day",
        "fee",
        "booked",
        "own_pay",
        "other_pay",
        "ownpay",
        "days",
        "nwb_age",
        "age",
        "icu_days",
        "born",
        "admitted",
        "detail",
    )
    picked: dict[str, Any] = {}
    for name in names:
        values = getattr(rows, name)
        picked[name] = None if values is None else frozen(values[where])
    return replace(rows, **picked)


def _fitting(values: list[Fraction], findings: list[Finding], times: int = 1) -> list[Fraction]:
    """The values, or zeros and a blocking finding where so many digits do not go together exactly in 64 bits."""
    if fits(values, places_of(values), times):
        return values
    findings.append(too_long(values))
    return [Fraction(0)] * len(values)


def too_long(values: Sequence[Fraction]) -> Finding:
    """Names the value with most decimals, which drags all others along."""
    worst = max(values, key=lambda value: (places_of([value]), value))
    return Finding("number_too_long", "blocked", value=plain(worst))
