"""Cases of a history put into groups, trimmed and summed: what a score is made of, and what became of every case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.catalogue.entries import Entries, Entry
from core.catalogue.history import History
from core.catalogue.spread import Limits, Sums, counts, limits, sums, totals
from core.findings import Finding
from core.rules.cases import Ints
from core.rules.scoring import ScoreRule

BED_DAY = "bed_day"
# Why a case of the history makes no score; codes of `scores.reason.*`.
DROPPED = ("ungrouped", "unknown_group", "no_days", "no_diagnosis", "excluded_diagnosis", "below_threshold")


@dataclass(frozen=True, slots=True)
class Counts:
    """Cases and cost (fen): of the history, used, trimmed, dropped by reason; `out`: rows that are no part of it."""

    cases: tuple[int, int]
    used: tuple[int, int]
    trimmed: tuple[int, int]
    dropped: Mapping[str, tuple[int, int]]
    out: Mapping[str, tuple[int, int]]


@dataclass(frozen=True)
class Figures:
    """Sums of each pool (groups equal in score, mostly one) and year, in cells pool * years + year; `overall`: of M, by year.

    units: cases, for bed-day groups days. placed: cases before trimming.
    """

    years: int
    pool: NDArray[np.int64]
    bed_day: NDArray[np.bool_]
    placed: Ints
    placed_fee: Ints
    spread: Sums
    units: Ints
    days: Ints
    day_cases: Ints
    drug: Ints
    drug_cases: Ints
    consumable: Ints
    consumable_cases: Ints
    own: Ints
    own_units: Ints
    limits: Limits | None
    overall: Mapping[str, tuple[list[int], list[int]]]


def placed(past: History, base: Entries) -> Ints:
    """Index of each case's group among the base's rows; -1 without group, -2 where the base has none such."""
    table = np.array([base.by_code.get(code, -2) for code in past.groups] + [-1], np.int64)
    return table[past.group]


def pools(groups: Sequence[Entry], findings: list[Finding]) -> tuple[Ints, NDArray[np.bool_]]:
    """Which groups make one score: those declared equal share that of the least dip_code; and which count days."""
    by_code = {entry.dip_code: i for i, entry in enumerate(groups)}
    parent = list(range(len(groups)))

    def root(i: int) -> int:
        while parent[i] != i:
            i = parent[i]
        return i

    for i, entry in enumerate(groups):
        if not entry.equal_to:
            continue
        other = by_code.get(entry.equal_to)
        if other is None:
            findings.append(
                Finding("score_equal_unknown", "warning", subject=entry.dip_code, value=entry.equal_to)
            )
        elif (entry.kind == BED_DAY) != (groups[other].kind == BED_DAY):
            findings.append(
                Finding("score_equal_units", "warning", subject=entry.dip_code, value=entry.equal_to)
            )
        else:
            a, b = sorted((root(i), root(other)))
            parent[b] = a
    pool = np.array([root(i) for i in range(len(groups))], np.int64)
    return pool, np.array([entry.kind == BED_DAY for entry in groups], bool)


def with_days(
    past: History, place: Ints, pool: Ints, bed_day: NDArray[np.bool_]
) -> tuple[Ints, tuple[str, ...]]:
    """A bed-day case without days makes no score a day: -3. The reasons by -1, -2, ..."""
    if bed_day.any():
        lost = (place >= 0) & (past.days <= 0)
        lost[lost] = bed_day[place[lost]]
        place = np.where(lost, -3, place)
    return place, DROPPED


def figures_of(
    rule: ScoreRule, past: History, place: Ints, pool: Ints, bed_day: NDArray[np.bool_], groups: int
) -> tuple[Figures, NDArray[np.bool_]]:
    years = len(past.years)
    there = place >= 0
    whole = bool(there.all())
    rows = slice(None) if whole else np.flatnonzero(there)
    own, year, fee = place[rows], past.year[rows], past.fee[rows]
    group = pool[own]
    cell, cells = group * years + year, groups * years
    placed, placed_fee = counts(cell, cells), totals(cell, cells, fee)
    found: Limits | None = None
    stays = np.ones(len(fee), bool)
    if rule.trimming != "none":
        by = cell if rule.trim_by == "year" else group
        found = limits(
            by, cells if rule.trim_by == "year" else groups, fee, shares=rule.percentiles,
            fence=rule.fence if rule.trimming == "iqr" else None, interpolation=rule.interpolation,
            least=rule.trim_least,
        )  # fmt: skip
        stays = found.keep(by, fee) | bed_day[own]  # a bed-day case's cost follows its days
    kept = there.copy()
    kept[rows] = stays
    used = rows if bool(stays.all()) else np.flatnonzero(kept)
    own, year, fee, days = place[used], past.year[used], past.fee[used], past.days[used]
    group = pool[own]
    cell = group * years + year
    spread = sums(cell, cells, fee)
    has_days = days >= 0
    day_total = totals(cell, cells, np.where(has_days, days, 0))
    own_cell = own * years + year
    alone = bool((pool == np.arange(groups)).all())
    own_count = spread.count if alone else counts(own_cell, cells)
    units = np.where(np.repeat(bed_day, years), day_total, spread.count)
    # Score x units counts every case of the group, trimmed or not: it will be paid its score.
    every, when, stay = place[rows], past.year[rows], past.days[rows]
    every_cell = every * years + when
    own_units = placed if alone else counts(every_cell, cells)
    if bed_day.any():
        every_days = totals(every_cell, cells, np.maximum(stay, 0))
        own_units = np.where(np.repeat(bed_day, years), every_days, own_units)
    parts: dict[str, tuple[Ints, Ints]] = {}
    basis = slice(None) if rule.overall == "all" else used
    overall = {"fee": _by_year(past.year[basis], past.fee[basis], years)}
    for name, values in (("drug", past.drug), ("consumable", past.consumable)):
        if not rule.parts:
            parts[name] = (np.zeros(cells, np.int64), np.zeros(cells, np.int64))
            continue
        said = values[used] >= 0
        if bool(said.all()):
            parts[name] = (totals(cell, cells, values[used]), spread.count)
        else:
            parts[name] = (totals(cell[said], cells, values[used][said]), counts(cell[said], cells))
        values, when = values[basis], past.year[basis]
        overall[name] = _by_year(when[values >= 0], values[values >= 0], years)
    return (
        Figures(
            years, pool, bed_day, placed, placed_fee, spread, units, day_total, counts(cell[has_days], cells),
            *parts["drug"], *parts["consumable"], own_count, own_units, found, overall,
        ),
        kept,
    )  # fmt: skip


def _by_year(year: NDArray[np.int8], values: Ints, years: int) -> tuple[list[int], list[int]]:
    return counts(year.astype(np.int64), years).tolist(), totals(
        year.astype(np.int64), years, values
    ).tolist()


def counts_of(past: History, place: Ints, reasons: Sequence[str], kept: NDArray[np.bool_]) -> Counts:
    def tally(mask: NDArray[np.bool_]) -> tuple[int, int]:
        return int(mask.sum()), sum_of(past.fee[mask])

    dropped = {name: tally(place == -1 - i) for i, name in enumerate(reasons)}
    return Counts(
        cases=(len(past), sum_of(past.fee)),
        used=tally(kept),
        trimmed=tally((place >= 0) & ~kept),
        dropped={name: one for name, one in dropped.items() if one[0]},
        out={
            name: (sum(n for n, _ in by_year), sum(fee for _, fee in by_year))
            for name, by_year in past.out.items()
        },
    )


def sum_of(values: Ints) -> int:
    """The exact sum of non-negative fen."""
    high, low = values >> 20, values & ((1 << 20) - 1)
    return (int(high.sum()) << 20) + int(low.sum())
