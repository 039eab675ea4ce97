"""Disease scores from history: a draft of the next catalogue, of which every score says why.

With a base catalogue its groups are scored anew from the cases that carry them; without one the groups are built first
(`building`). Means and scores are exact: whole fen are summed, ratios are rationals, and the only rounding is that of the
rule's places. Cases in = used + trimmed + dropped by reason.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.catalogue import library
from core.catalogue.building import Related, build
from core.catalogue.entries import Band, Entries, Entry, Exclusions
from core.catalogue.grouper import Grouper
from core.catalogue.history import History, history, own_groups
from core.catalogue.spread import (
    Limits,
    Sums,
    Weights,
    counts,
    cv,
    cv_at_most,
    limits,
    squares,
    sums,
    totals,
    weighted,
)
from core.catalogue.subtypes import Subtype, subtypes
from core.faults import Refused, Usage
from core.findings import Finding
from core.money import plain, round_ratio
from core.progress import SILENT, Progress, step
from core.rules import packs
from core.rules.cases import Ints
from core.rules.grouping import rule_of
from core.rules.scoring import ScoreRule, chosen

if TYPE_CHECKING:
    from core.catalogue.score_working import Working
    from core.rules.circular import Pack
    from core.storage.workspace import Workspace

BED_DAY = "bed_day"
# Why a case of the history makes no score; codes of `scores.reason.*`.
DROPPED = ("ungrouped", "unknown_group", "no_days", "no_diagnosis", "excluded_diagnosis", "below_threshold")
# What became of a group; codes of `scores.decision.*`.
SCORED, KEPT_ABSENT, KEPT_THIN, DROPPED_ABSENT, DROPPED_THIN, ZERO = (
    "scored", "kept_absent", "kept_thin", "dropped_absent", "dropped_thin", "zero",
)  # fmt: skip
_NAMED = 12  # codes that a finding lists


@dataclass(frozen=True, slots=True)
class Total:
    """The sum of score x cases (bed-day groups: days) over the groups scored anew that had a score.

    old: by the base's scores; free: by the new ones before the factor, unrounded; factor = old / free; new: by the scores as
    they are stored; residual = new - old, what rounding left. cases: of the years asked for.
    """

    groups: int
    cases: int
    old: Fraction
    free: Fraction
    factor: Fraction
    new: Fraction

    @property
    def residual(self) -> Fraction:
        return self.new - self.old


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


@dataclass(frozen=True)
class Derived:
    """A derived catalogue. rows: sorted by dip_code, all with a score. decisions: of every group looked at, by dip_code.

    method: plain JSON by which `again` gives the same rows. related: every related operation that was tried.
    candidates: primary-care candidates. tried: every sub-typing that was looked at.
    """

    rule: ScoreRule
    years: tuple[int, ...]
    year: int
    rows: tuple[Entry, ...]
    bands: tuple[Band, ...]
    findings: tuple[Finding, ...]
    method: Mapping[str, object]
    counts: Counts
    total: Total | None
    decisions: Mapping[str, str]
    candidates: tuple[str, ...]
    related: tuple[Related, ...]
    tried: tuple[Subtype, ...]
    divisor: Fraction
    base: Entries | None
    groups: tuple[Entry, ...]
    figures: Figures = field(repr=False)

    def working(self, dip_code: str) -> Working:
        """Why a group has its score. KeyError: not looked at."""
        from core.catalogue.score_working import working

        return working(self, dip_code)

    def entry(self, dip_code: str) -> Entry | None:
        """The group's row in the draft; None where it is not in it."""
        return self._by_code.get(dip_code)

    @cached_property
    def _by_code(self) -> dict[str, Entry]:
        return {entry.dip_code: entry for entry in self.rows}


def derive(
    rule: ScoreRule,
    past: History,
    base: Entries | None = None,
    *,
    year: int | None = None,
    attributes: Mapping[str, str] | None = None,
    exclusions: Exclusions | None = None,
    operation_names: Mapping[str, str] | None = None,
    progress: Progress = SILENT,
) -> Derived:
    """Scores from `past`: of base's groups, or of groups built from the cases (base None; `past` read with clinical).

    year: of the new catalogue, the one after the history unless said. attributes, operation_names: of operation codes, for
    building. Usage("scores_weights") unless there is a weight for each year; Refused("scores_blocked", findings).
    """
    years = len(past.years)
    if len(rule.weights) != years:
        raise Usage("scores_weights", weights=rule.text("weights"), years=", ".join(map(str, past.years)))
    findings = _about_history(past)
    if not len(past):
        raise _blocked("score_no_cases", value=", ".join(map(str, past.years)))
    step(progress, "derive_scores", 0, 4)
    related: tuple[Related, ...] = ()
    if base is None:
        built = build(rule, past, attributes or {}, exclusions or Exclusions(), operation_names or {}, progress)
        groups, place, related = built.entries, built.place, built.related
        findings += built.findings
    else:
        groups = base.rows
        place = _placed(past, base)
    if not groups:
        raise _blocked("score_no_groups")
    step(progress, "derive_scores", 1, 4)
    pool, bed_day = _pools(groups, findings)
    place, reasons = _with_days(past, place, pool, bed_day)
    figures, kept = _figures(rule, past, place, pool, bed_day, len(groups))
    step(progress, "derive_scores", 2, 4)
    tally = _counts(past, place, reasons, kept)
    findings += _about_cases(tally, past, base, place)
    divisor = _divisor(rule, figures, groups)
    scores = _Scores(rule, figures, groups, divisor)
    total = scores.keep_total(findings) if rule.keep_total and base is not None else None
    rows, decisions, candidates = scores.rows(past, place, kept, built_anew=base is None)
    if total is not None:
        total = scores.kept_total(total, rows)
        findings.append(_about_total(total, rule, past))
    step(progress, "derive_scores", 3, 4)
    tried: tuple[Subtype, ...] = ()
    bands: tuple[Band, ...] = ()
    if rule.auxiliary:
        bands, tried, said = subtypes(rule, past, groups, pool, place, kept, {entry.dip_code for entry in rows})
        findings += said
    findings += _about_groups(rule, decisions, rows)
    told_year = year if year is not None else past.years[-1] + 1
    method = _method(rule, past, base, told_year, tally, total, divisor)
    step(progress, "derive_scores", 4, 4)
    return Derived(
        rule, past.years, told_year, rows, bands, tuple(findings), method, tally, total, decisions, candidates, related,
        tried, divisor, base, groups, figures,
    )  # fmt: skip


def again(workspace: Workspace, method: Mapping[str, Any], progress: Progress = SILENT) -> Derived:
    """What a method says, done once more: the same rows as long as the cases and the base are the same.

    Usage("scores_method") where the JSON is not one that `derive` wrote.
    """
    try:
        rule = chosen(ScoreRule(), dict(method["rule"]))
        years, base, year = [int(one) for one in method["years"]], str(method["base"]), int(method["year"])
        pack = method.get("pack")
        own = packs.restore(str(pack["text"]), dict(pack["parameters"])) if pack else None
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Usage("scores_method", reason=repr(error)) from None
    return from_workspace(workspace, rule, years, base=base or None, year=year, own=own, progress=progress)


def from_workspace(
    workspace: Workspace,
    rule: ScoreRule,
    years: Sequence[int],
    *,
    base: str | None,
    year: int | None = None,
    own: Pack | None = None,
    progress: Progress = SILENT,
) -> Derived:
    """`history` and `derive` with what the workspace holds. base: a version's name, None to build groups.

    own: a pack by whose grouping rule every case is put into a group of the base, whatever group it carries.
    Usage, Refused: as `history`, `derive`, `library.entries`; grouping_missing.
    """
    connection = workspace.reader()
    entries = library.entries(connection, base) if base is not None else None
    past = history(
        workspace, years, scope=rule.scope, detail=needs_detail(rule), clinical=entries is None, ids=own is not None,
        progress=progress,
    )  # fmt: skip
    told_year = year if year is not None else max(years) + 1
    attributes = library.attributes(connection)
    exclusions = library.exclusions(connection, base or "", entries.year if entries is not None else told_year)
    said: Sequence[Finding] = ()
    if own is not None:
        if entries is None:
            raise Usage("scores_own_without_base")
        grouper = Grouper(rule_of(own), entries, attributes, exclusions)
        past, said = own_groups(past, connection, grouper, progress), grouper.findings
    names = dict(connection.execute("SELECT oprn_code, oprn_name FROM operation WHERE oprn_name <> ''"))
    found = derive(
        rule, past, entries, year=told_year, attributes=attributes, exclusions=exclusions, operation_names=names,
        progress=progress,
    )  # fmt: skip
    if own is None:
        return found
    pack = {"id": own.id, "hash": own.hash, "text": own.text, "parameters": dict(own.changed)}
    return replace(found, method={**found.method, "pack": pack}, findings=(*said, *found.findings))


def needs_detail(rule: ScoreRule) -> bool:
    """Whether the rule looks at ages, intensive care, deaths or the level of institutions."""
    return bool(rule.auxiliary) or rule.primary_deaths < 1 or rule.primary_share > 0


# -- cases into groups ---------------------------------------------------------------------------------------


def _placed(past: History, base: Entries) -> Ints:
    """Index of each case's group among the base's rows; -1 without group, -2 where the base has none such."""
    table = np.array([base.by_code.get(code, -2) for code in past.groups] + [-1], np.int64)
    return table[past.group]


def _pools(groups: Sequence[Entry], findings: list[Finding]) -> tuple[Ints, NDArray[np.bool_]]:
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
            findings.append(Finding("score_equal_unknown", "warning", subject=entry.dip_code, value=entry.equal_to))
        elif (entry.kind == BED_DAY) != (groups[other].kind == BED_DAY):
            findings.append(Finding("score_equal_units", "warning", subject=entry.dip_code, value=entry.equal_to))
        else:
            a, b = sorted((root(i), root(other)))
            parent[b] = a
    pool = np.array([root(i) for i in range(len(groups))], np.int64)
    return pool, np.array([entry.kind == BED_DAY for entry in groups], bool)


def _with_days(
    past: History, place: Ints, pool: Ints, bed_day: NDArray[np.bool_]
) -> tuple[Ints, tuple[str, ...]]:
    """A bed-day case without days makes no score a day: -3. The reasons by -1, -2, ..."""
    if bed_day.any():
        lost = (place >= 0) & (past.days <= 0)
        lost[lost] = bed_day[place[lost]]
        place = np.where(lost, -3, place)
    return place, DROPPED


def _figures(
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
    return counts(year.astype(np.int64), years).tolist(), totals(year.astype(np.int64), years, values).tolist()


def _counts(past: History, place: Ints, reasons: Sequence[str], kept: NDArray[np.bool_]) -> Counts:
    def tally(mask: NDArray[np.bool_]) -> tuple[int, int]:
        return int(mask.sum()), sum_of(past.fee[mask])

    dropped = {name: tally(place == -1 - i) for i, name in enumerate(reasons)}
    return Counts(
        cases=(len(past), sum_of(past.fee)),
        used=tally(kept),
        trimmed=tally((place >= 0) & ~kept),
        dropped={name: one for name, one in dropped.items() if one[0]},
        out={
            name: (sum(n for n, _ in by_year), sum(fee for _, fee in by_year)) for name, by_year in past.out.items()
        },
    )


def sum_of(values: Ints) -> int:
    """The exact sum of non-negative fen."""
    high, low = values >> 20, values & ((1 << 20) - 1)
    return (int(high.sum()) << 20) + int(low.sum())


def _divisor(rule: ScoreRule, figures: Figures, groups: Sequence[Entry]) -> Fraction:
    """What every mean is divided by, in fen: M, the benchmark group's mean, or the quota."""
    if rule.method == "quota":
        return Fraction(rule.quota)
    if rule.method == "benchmark":
        if not rule.benchmark:
            raise _blocked("score_benchmark_missing", value="")
        at = next((i for i, entry in enumerate(groups) if entry.dip_code == rule.benchmark), None)
        if at is None:
            raise _blocked("score_benchmark_unknown", value=rule.benchmark)
        mean = mean_of(rule, figures, int(figures.pool[at]))
        if mean is None:
            raise _blocked("score_benchmark_empty", value=rule.benchmark)
        return mean
    mean = weighted(*figures.overall["fee"], rule)
    if mean is None:
        raise _blocked("score_no_cases", value="")
    return mean


def mean_of(rule: ScoreRule, figures: Figures, pool: int) -> Fraction | None:
    """Mean cost of a pool in fen: of a case, for bed-day groups of a day."""
    cells = slice(pool * figures.years, (pool + 1) * figures.years)
    return weighted(figures.units[cells].tolist(), figures.spread.total[cells].tolist(), rule)


# -- scores --------------------------------------------------------------------------------------------------


class _Scores:
    """From sums to entries."""

    def __init__(self, rule: ScoreRule, figures: Figures, groups: Sequence[Entry], divisor: Fraction) -> None:
        self.rule, self.figures, self.groups, self.divisor = rule, figures, groups, divisor
        years = figures.years
        self.units = _rows(figures.units, years)
        self.total = _rows(figures.spread.total, years)
        self.count = _rows(figures.spread.count, years)
        self.placed = figures.placed.reshape(-1, years).sum(axis=1).tolist()
        self.weigh = Weights(rule).ratio
        self.means = [
            self.weigh(self.units[p], self.total[p]) if placed else None for p, placed in enumerate(self.placed)
        ]
        self.factor = Fraction(1)
        self.ratio = rule.scale / divisor
        self.unit: int = 10**rule.places

    def exact(self, pool: int) -> Fraction:
        """The score of a pool with a mean, before rounding."""
        mean = self.means[pool]
        return Fraction(0) if mean is None else Fraction(*mean) * self.ratio * self.factor

    def rounded(self, mean: tuple[int, int], ratio: Fraction) -> Fraction:
        """mean * ratio to the rule's places: in whole numbers, a tenth of the time that fractions take."""
        score = round_ratio(mean[0] * ratio.numerator * self.unit, mean[1] * ratio.denominator)
        return Fraction(score, self.unit)

    def decision(self, i: int, built_anew: bool) -> str:
        pool = int(self.figures.pool[i])
        base = self.groups[i].score
        if self.means[pool] is None:
            return KEPT_ABSENT if self.rule.absent == "keep" and base is not None else DROPPED_ABSENT
        if not built_anew and self.placed[pool] < self.rule.least and self.rule.thin != "score":
            return KEPT_THIN if self.rule.thin == "keep" and base is not None else DROPPED_THIN
        return SCORED

    def _weights_of_total(self) -> list[int]:
        """Units of each group that its score is multiplied by in the sum that is kept."""
        own = self.figures.own_units.reshape(-1, self.figures.years)
        return (own[:, -1] if self.rule.total_years == "last" else own.sum(axis=1)).tolist()

    def _counted(self) -> list[int]:
        return [
            i
            for i, entry in enumerate(self.groups)
            if entry.score is not None and entry.score > 0 and self.decision(i, False) == SCORED
        ]

    def keep_total(self, findings: list[Finding]) -> Total | None:
        """Sets the one factor by which the scores anew keep the sum of score x cases."""
        units, counted = self._weights_of_total(), self._counted()
        old = sum((self.groups[i].score or Fraction(0)) * units[i] for i in counted)
        free = sum(self.exact(int(self.figures.pool[i])) * units[i] for i in counted)
        if not old or not free:
            findings.append(Finding("score_total_empty", "warning"))
            return None
        self.factor = Fraction(old) / Fraction(free)
        cases = sum(units[i] for i in counted)
        return Total(len(counted), cases, Fraction(old), Fraction(free), self.factor, Fraction(old))

    def kept_total(self, total: Total, rows: Iterable[Entry]) -> Total:
        units, by_code = self._weights_of_total(), {entry.dip_code: entry for entry in rows}
        new = Fraction(0)
        for i in self._counted():
            entry = by_code.get(self.groups[i].dip_code)
            if entry is not None:
                new += (entry.score or Fraction(0)) * units[i]
        return replace(total, new=new)

    def rows(
        self, past: History, place: Ints, kept: NDArray[np.bool_], *, built_anew: bool
    ) -> tuple[tuple[Entry, ...], dict[str, str], tuple[str, ...]]:
        """The entries of the draft, what became of each group, and the primary-care candidates."""
        rule, figures, years = self.rule, self.figures, self.figures.years
        own = figures.own.reshape(-1, years).sum(axis=1).tolist()
        spread = _Spread(figures)
        deaths, first = _shares(past, place, kept, len(self.groups))
        parts = {
            name: self._part_means(name, total, count)
            for name, total, count in (
                ("drug", figures.drug, figures.drug_cases),
                ("consumable", figures.consumable, figures.consumable_cases),
            )
        }
        days = _rows(figures.days, years), _rows(figures.day_cases, years)
        ratio, primary_cv = self.ratio * self.factor, rule.primary_cv
        limited = rule.primary_deaths < 1 or rule.primary_share > 0
        rows: list[Entry] = []
        decisions: dict[str, str] = {}
        candidates: list[str] = []
        for i, entry in enumerate(self.groups):
            what, score = self.decision(i, built_anew), Fraction(0)
            pool = int(figures.pool[i])
            unit_mean = self.means[pool]
            if what == SCORED and unit_mean is not None:
                score = self.rounded(unit_mean, ratio)
                if not score:
                    what = ZERO
            decisions[entry.dip_code] = what
            if what in (DROPPED_ABSENT, DROPPED_THIN, ZERO):
                continue
            if what != SCORED:
                rows.append(replace(entry, row=0, cases=own[i]))
                continue
            count, total, square = spread.of(pool)
            # Of a case, also in bed-day groups: what a deviating case is compared with.
            mean = self.weigh(self.count[pool], self.total[pool]) or (0, 1)
            stay = self.weigh(days[1][pool], days[0][pool])
            fits = (
                entry.kind in ("core", "primary_care")
                and own[i] >= rule.primary_least
                and cv_at_most(count, total, square, primary_cv)
                and (
                    not limited
                    or (deaths[i] <= rule.primary_deaths * own[i] and first[i] >= rule.primary_share * own[i])
                )
            )
            if fits:
                candidates.append(entry.dip_code)
            rows.append(
                replace(
                    entry,
                    score=score,
                    mean_fee=round_ratio(*mean),
                    mean_days=None if stay is None else Fraction(round_ratio(stay[0] * 100, stay[1]), 100),
                    primary_care=entry.primary_care
                    if rule.primary_care == "list"
                    else fits or entry.kind == "primary_care",
                    drug_score=parts["drug"][pool] if rule.parts else entry.drug_score,
                    consumable_score=parts["consumable"][pool] if rule.parts else entry.consumable_score,
                    cases=own[i],
                    cv=cv(count, total, square),
                    row=0,
                )
            )
        rows.sort(key=lambda entry: entry.dip_code)
        return tuple(rows), decisions, tuple(sorted(candidates))

    def _part_means(self, name: str, total: Ints, count: Ints) -> list[Fraction | None]:
        """Drug or consumable score of each pool: its mean over that of all cases, from the cases that state it."""
        rule = self.rule
        if not rule.parts:
            return [None] * len(self.groups)
        whole = weighted(*self.figures.overall[name], rule)
        if not whole:
            return [None] * len(self.groups)
        ratio = rule.parts_scale / whole
        found: list[Fraction | None] = []
        for own_count, own_total in zip(_rows(count, self.figures.years), _rows(total, self.figures.years), strict=True):
            mean = self.weigh(own_count, own_total)
            found.append(None if mean is None else self.rounded(mean, ratio))
        return found


class _Spread:
    """Count, sum and squares of a pool over its years."""

    def __init__(self, figures: Figures) -> None:
        years, spread = figures.years, figures.spread
        self._count, self._total, self._high, self._middle, self._low = (
            values.reshape(-1, years).sum(axis=1).tolist()
            for values in (spread.count, spread.total, spread.high, spread.middle, spread.low)
        )

    def of(self, pool: int) -> tuple[int, int, int]:
        square = squares(self._high[pool], self._middle[pool], self._low[pool])
        return self._count[pool], self._total[pool], square


def _rows(values: Ints, years: int) -> list[list[int]]:
    return values.reshape(-1, years).tolist()


def _shares(
    past: History, place: Ints, kept: NDArray[np.bool_], groups: int
) -> tuple[list[int], list[int]]:
    """Deaths and cases at first-level institutions of each group; zeros where the history was read without detail."""
    if past.detail is None:
        return [0] * groups, [0] * groups
    own = place[kept]
    return (
        totals(own, groups, past.detail.died[kept].astype(np.int64)).tolist(),
        totals(own, groups, past.detail.first[kept].astype(np.int64)).tolist(),
    )


# -- what is said --------------------------------------------------------------------------------------------


def _blocked(code: str, **values: str) -> Refused:
    finding = Finding(code, "blocked", value=values.get("value", ""), values=values)
    return Refused("scores_blocked", [finding], count=1)


def _about_history(past: History) -> list[Finding]:
    said = [
        Finding("score_year_missing", "warning", value=str(year))
        for y, (year, rows) in enumerate(zip(past.years, past.rows, strict=True))
        if not rows or not bool((past.year == y).any())
    ]
    for name, by_year in past.out.items():
        cases, fee = sum(n for n, _ in by_year), sum(amount for _, amount in by_year)
        if cases:
            severity = "warning" if name in ("no_cost", "beyond_cost") else "note"
            said.append(
                Finding(f"score_left_{name}", severity, value=str(cases), values={"amount": plain(Fraction(fee, 100), 2)})
            )
    return said


def _about_cases(tally: Counts, past: History, base: Entries | None, place: Ints) -> list[Finding]:
    said: list[Finding] = []
    for name, (cases, fee) in tally.dropped.items():
        values = {"amount": plain(Fraction(fee, 100), 2), "share": plain(Fraction(100 * cases, tally.cases[0]), 2)}
        value = str(cases)
        if name == "unknown_group":
            unknown = np.unique(past.group[place == -2])
            values["groups"] = str(len(unknown))
            values["codes"] = _some(past.groups[g] for g in unknown.tolist())
        said.append(Finding(f"score_dropped_{name}", "warning", value=value, values=values))
    if tally.trimmed[0]:
        values = {"amount": plain(Fraction(tally.trimmed[1], 100), 2)}
        said.append(Finding("score_trimmed", "note", value=str(tally.trimmed[0]), values=values))
    return said


def _about_total(total: Total, rule: ScoreRule, past: History) -> Finding:
    """What was scaled, by how much, and what rounding left of it."""
    values = {
        "groups": str(total.groups),
        "cases": str(total.cases),
        "years": str(past.years[-1]) if rule.total_years == "last" else f"{past.years[0]}-{past.years[-1]}",
        "old": plain(total.old, rule.places),
        "new": plain(total.new, rule.places),
        "residual": plain(total.residual, rule.places),
    }
    return Finding("score_total_kept", "note", value=plain(total.factor, 10), values=values)


def _about_groups(rule: ScoreRule, decisions: Mapping[str, str], rows: Sequence[Entry]) -> list[Finding]:
    said: list[Finding] = []
    for what in (KEPT_ABSENT, KEPT_THIN, DROPPED_ABSENT, DROPPED_THIN, ZERO):
        codes = sorted(code for code, one in decisions.items() if one == what)
        if codes:
            severity = "warning" if what in (ZERO, DROPPED_ABSENT, DROPPED_THIN) else "note"
            values = {"codes": _some(codes), "least": str(rule.least)}
            said.append(Finding(f"score_group_{what}", severity, value=str(len(codes)), values=values))
    thin = sorted(
        entry.dip_code
        for entry in rows
        if decisions[entry.dip_code] == SCORED and (entry.cases or 0) < rule.least and not entry.equal_to
    )
    if thin:
        values = {"codes": _some(thin), "least": str(rule.least)}
        said.append(Finding("score_group_thin", "warning", value=str(len(thin)), values=values))
    if rule.parts and rows and all(entry.drug_score is None for entry in rows):
        said.append(Finding("score_parts_missing", "note"))
    return said


def _some(codes: Iterable[str]) -> str:
    listed = sorted(codes)
    return ", ".join(listed[:_NAMED]) + (" …" if len(listed) > _NAMED else "")


def _method(
    rule: ScoreRule,
    past: History,
    base: Entries | None,
    year: int,
    tally: Counts,
    total: Total | None,
    divisor: Fraction,
) -> Mapping[str, object]:
    """How this was made, as plain JSON: no clock, no float."""
    told: dict[str, object] = {
        "by": f"scores:{rule.method}",
        "rule": rule.as_texts(),
        "years": list(past.years),
        "year": year,
        "base": base.version if base is not None else "",
        "grouping": past.grouping,
        "cases": {
            "read": list(past.rows),
            "history": list(tally.cases),
            "used": list(tally.used),
            "trimmed": list(tally.trimmed),
            "dropped": {name: list(one) for name, one in sorted(tally.dropped.items())},
            "out": {name: list(one) for name, one in sorted(tally.out.items())},
        },
        "divisor": f"{divisor.numerator}/{divisor.denominator}",
    }
    if total is not None:
        told["total"] = {
            "groups": total.groups,
            "cases": total.cases,
            "factor": f"{total.factor.numerator}/{total.factor.denominator}",
            "old": plain(total.old),
            "new": plain(total.new),
            "residual": plain(total.residual),
        }
    return json.loads(json.dumps(told))
