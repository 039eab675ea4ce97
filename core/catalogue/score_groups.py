"""From sums to scores: the mean of every group over the divisor, who is kept or dropped, the one factor that keeps a total."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from core.catalogue.entries import Entry
from core.catalogue.history import History
from core.catalogue.score_figures import Figures
from core.catalogue.spread import Weights, cv, cv_at_most, squares, totals, weighted
from core.faults import Refused
from core.findings import Finding
from core.money import round_ratio
from core.rules.cases import Ints
from core.rules.scoring import ScoreRule

# What became of a group; codes of `scores.decision.*`.
SCORED, KEPT_ABSENT, KEPT_THIN, DROPPED_ABSENT, DROPPED_THIN, ZERO = (
    "scored", "kept_absent", "kept_thin", "dropped_absent", "dropped_thin", "zero",
)  # fmt: skip


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


def divisor_of(rule: ScoreRule, figures: Figures, groups: Sequence[Entry]) -> Fraction:
    """What every mean is divided by, in fen: M, the benchmark group's mean, or the quota."""
    if rule.method == "quota":
        return Fraction(rule.quota)
    if rule.method == "benchmark":
        if not rule.benchmark:
            raise blocked("score_benchmark_missing", value="")
        at = next((i for i, entry in enumerate(groups) if entry.dip_code == rule.benchmark), None)
        if at is None:
            raise blocked("score_benchmark_unknown", value=rule.benchmark)
        mean = mean_of(rule, figures, int(figures.pool[at]))
        if mean is None:
            raise blocked("score_benchmark_empty", value=rule.benchmark)
        return mean
    mean = weighted(*figures.overall["fee"], rule)
    if mean is None:
        raise blocked("score_no_cases", value="")
    return mean


def mean_of(rule: ScoreRule, figures: Figures, pool: int) -> Fraction | None:
    """Mean cost of a pool in fen: of a case, for bed-day groups of a day."""
    cells = slice(pool * figures.years, (pool + 1) * figures.years)
    return weighted(figures.units[cells].tolist(), figures.spread.total[cells].tolist(), rule)


class Scores:
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
            self.weigh(self.units[p], self.total[p]) if placed else None
            for p, placed in enumerate(self.placed)
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
        for own_count, own_total in zip(
            _rows(count, self.figures.years), _rows(total, self.figures.years), strict=True
        ):
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


def _shares(past: History, place: Ints, kept: NDArray[np.bool_], groups: int) -> tuple[list[int], list[int]]:
    """Deaths and cases at first-level institutions of each group; zeros where the history was read without detail."""
    if past.detail is None:
        return [0] * groups, [0] * groups
    own = place[kept]
    return (
        totals(own, groups, past.detail.died[kept].astype(np.int64)).tolist(),
        totals(own, groups, past.detail.first[kept].astype(np.int64)).tolist(),
    )


def blocked(code: str, **values: str) -> Refused:
    finding = Finding(code, "blocked", value=values.get("value", ""), values=values)
    return Refused("scores_blocked", [finding], count=1)
