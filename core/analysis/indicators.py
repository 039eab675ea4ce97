"""The monitoring indicators: each a formula over additive figures, computed for any period, scope and fund.

An indicator states its formula, source and evidence; where the text names one without a formula, the formula is inferred
and tagged [D]. A figure that cannot be had is empty and says why; it is never zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core.analysis import indicator_counts
from core.analysis.measured_rows import MONTHS
from core.analysis.measures import SOURCE_OF, Monthly
from core.faults import Usage
from core.findings import Finding
from core.rules.cases import FUNDS, Ints
from core.texts import Texts

By = Literal["month", "quarter", "year"]
Scope = Literal["institution", "level", "county", "region"]
BYS: tuple[By, ...] = ("month", "quarter", "year")
SCOPES: tuple[Scope, ...] = ("institution", "level", "county", "region")
WIDE: tuple[Scope, ...] = ("county", "region")
REGION: tuple[Scope, ...] = ("region",)
Way = Literal["ratio", "growth", "change", "persons", "spread", "kept", "balance"]
_STEP = {"month": 1, "quarter": 3, "year": MONTHS}


@dataclass(frozen=True, slots=True)
class Indicator:
    """over, under: names of measures, `-name` taken off; without `under` the sum itself. unit, places: how it is shown.

    tag: evidence of the formula; cite: of what it rests on. needs: rows alone, a pack's scores, or its clearing. by: the
    finest period. scopes: what it is a figure of. way: how over and under become the figure, see `figures`.
    Words: `indicators.ID.title`, `.formula`, `.source`.
    """

    id: str
    over: tuple[str, ...]
    under: tuple[str, ...] = ()
    unit: str = ""
    places: int = 2
    tag: str = "V"
    cite: str = "S1"
    needs: Literal["rows", "scores", "clearing"] = "rows"
    by: By = "month"
    scopes: tuple[Scope, ...] = SCOPES
    way: Way = "ratio"


def _share(id: str, over: str, under: str = "cases", **more: object) -> Indicator:
    return Indicator(id, (over,), (under,), "percent", 2, **more)  # type: ignore[arg-type]


_ALL = (
    Indicator("cases", ("cases",), unit="cases", places=0, cite="N116"),
    Indicator("score", ("score",), unit="points", places=4, cite="N116", needs="scores"),
    Indicator("score_growth", ("score",), unit="percent", cite="N116", needs="scores", way="growth"),
    Indicator("base_score", ("base_score",), unit="points", places=4, needs="scores"),
    Indicator("cmi", ("weight",), ("grouped",), places=4),
    Indicator("mean_cost", ("cost",), ("cases",), "yuan", cite="N116"),
    Indicator("mean_stay", ("days",), ("stays",), "days", cite="N116"),
    Indicator("burden", ("own_pay",), ("cases",), "yuan", cite="N116"),
    _share("burden_share", "own_pay", "cost"),
    Indicator("self_pay_share", ("own_expense_pay", "-own_expense"), ("own_expense_cost",), "percent", tag="D"),
    _share("own_expense_share", "own_expense", "own_expense_cost", tag="D"),
    Indicator("time_index", ("time_index",), ("timed",), places=4),
    Indicator("cost_index", ("cost_index",), ("costed",), places=4),
    _share("grouped_rate", "grouped"),
    _share("ungrouped_share", "ungrouped"),
    _share("core_share", "core", tag="D"),
    _share("composite_share", "composite", tag="D"),
    _share("primary_care_share", "primary_care", tag="D"),
    _share("deviating_share", "deviating", "scored", needs="scores"),
    _share("high_share", "high", "scored", needs="scores"),
    _share("low_share", "low", "scored", needs="scores"),
    _share("special_share", "special", tag="D", cite="Z"),
    _share("drug_share", "drug", "drug_cost", tag="D"),
    _share("consumable_share", "consumable", "consumable_cost", tag="D"),
    _share("readmission_14", "readmitted_14", "followed_14", tag="D"),
    _share("readmission_30", "readmitted_30", "followed_30", tag="D"),
    Indicator("surgery_share", ("surgery",), ("cases", "-unlisted"), "percent", tag="D"),
    _share("surgery_4_share", "surgery_4", "surgery_levelled", tag="D"),
    Indicator("visits_per_person", ("persons",), places=4, tag="D", way="persons"),
    Indicator("cv_low", ("grouped",), unit="groups", places=0, by="year", way="spread"),
    Indicator("cv_high", ("grouped",), unit="groups", places=0, by="year", way="spread"),
    Indicator(
        "accuracy", ("clearing_due",), ("clearing_paid",), "percent", tag="D", needs="clearing", by="year"
    ),
    Indicator(
        "settlement_ratio", ("clearing_booked",), ("clearing_paid",), "percent", tag="D", needs="clearing", by="year"
    ),
    Indicator(
        "fund_payment_rate", ("clearing_due",), ("clearing_booked",), "percent", tag="D", needs="clearing", by="year"
    ),
    Indicator(
        "kept_coverage", ("clearing_surplus", "kept"), ("listed",), "percent", needs="clearing", by="year",
        scopes=("level", "county", "region"), way="kept",
    ),
    _share("primary_level_share", "primary_level_cases", tag="D", cite="N116", scopes=WIDE),
    _share("primary_level_fund_share", "primary_level_booked", "booked", tag="D", cite="N116", scopes=WIDE),
    Indicator(
        "outside_share", ("outside",), ("outside", "booked"), "percent", tag="D", cite="N116", by="year", scopes=REGION
    ),
    Indicator(
        "point_value", ("clearing_point_value",), unit="yuan/point", places=4, cite="N116", needs="clearing", by="year",
        scopes=REGION,
    ),
    Indicator(
        "point_value_change", ("clearing_point_value",), unit="percent", needs="clearing", by="year", scopes=REGION,
        way="growth",
    ),
    Indicator(
        "fund_months", ("balance",), ("expenditure",), "months", tag="D", cite="NFund", scopes=REGION, way="balance"
    ),
)  # fmt: skip
INDICATORS: Mapping[str, Indicator] = {one.id: one for one in _ALL}
REGIONAL = frozenset(("outside", "balance", "expenditure", "clearing_point_value"))  # measures of the region alone


def names_of(ids: Iterable[str]) -> tuple[str, ...]:
    """The measures that these indicators are made from, and the number of cases. Usage: indicator_unknown."""
    found = {"cases"}
    for one in ids:
        if one not in INDICATORS:
            raise Usage("indicator_unknown", what=one, known=list(INDICATORS))
        found |= {name.removeprefix("-") for name in (*INDICATORS[one].over, *INDICATORS[one].under)}
    return tuple(sorted(found))


def period_words(period: int, texts: Texts) -> str:
    """A period as one says it: 2024, 20241 (a quarter), 202401 (a month)."""
    if period < 10_000:
        return texts("indicators.period.year", year=period)
    if period < 100_000:
        return texts("indicators.period.quarter", year=period // 10, quarter=period % 10)
    month = f"{period % 100:02d}" if texts.lang == "en" else period % 100
    return texts("indicators.period.month", year=period // 100, month=month)


@dataclass(frozen=True)
class Figures:
    """values[id]: [key, period], in the indicator's unit (yuan, percent ...), nan where there is none.

    periods: 2024, 20241 (first quarter) or 202401. keys: codes, levels "3".."0", counties, or "region"; names: of
    institutions and counties, else "". cases: [key, period], all that count. why[id][period]: why it is empty for all.
    """

    by: By
    scope: Scope
    fund: str
    periods: tuple[int, ...]
    keys: tuple[str, ...]
    names: tuple[str, ...]
    values: Mapping[str, NDArray[np.float64]]
    cases: Ints
    why: Mapping[str, Mapping[int, Finding]]
    _parts: Mapping[str, tuple[Ints, Ints | None, Fraction]] = field(repr=False)

    @cached_property
    def _row(self) -> Mapping[str, int]:
        return {key: i for i, key in enumerate(self.keys)}

    @cached_property
    def _column(self) -> Mapping[int, int]:
        return {period: i for i, period in enumerate(self.periods)}

    def exact(self, id: str, key: str, period: int) -> Fraction | None:
        """The figure as a ratio of whole numbers; None where there is none. Indices are exact to ten decimals a case.
        KeyError for a key or a period that is not there."""
        at = self._row[key], self._column[period]
        if np.isnan(self.values[id][at]):
            return None
        over, under, factor = self._parts[id]
        return Fraction(int(over[at])) * factor / (1 if under is None else int(under[at]))

    def under(self, id: str) -> Ints | None:
        """[key, period]: what the figure is divided by, None for a plain sum. For counts: the cases that it stands on."""
        return self._parts[id][1]

    def words(self, texts: Texts) -> tuple[str, ...]:
        """The keys as one says them."""
        if self.scope == "level":
            return tuple(texts(f"indicators.level.{key}") for key in self.keys)
        if self.scope == "region":
            return (texts("indicators.scope.region"),)
        nameless = texts("indicators.unregistered.county") if self.scope == "county" else ""
        return tuple(name or key or nameless for key, name in zip(self.keys, self.names, strict=True))


def figures(
    monthly: Monthly, ids: Sequence[str], *, by: By = "month", scope: Scope = "institution", fund: str = ""
) -> Figures:
    """The indicators from what `monthly` holds (`names_of`). fund: "" both together.

    growth: to the period a year before. An indicator that is no figure of this period or scope is empty, and says so.
    """
    if by not in BYS or scope not in SCOPES or fund not in ("", *FUNDS):
        raise Usage("indicator_unknown", what=f"{by} {scope} {fund}", known=[*BYS, *SCOPES, *FUNDS])
    names_of(ids)
    table = _Sums(monthly, by, scope, fund)
    values: dict[str, NDArray[np.float64]] = {}
    parts: dict[str, tuple[Ints, Ints | None, Fraction]] = {}
    why: dict[str, dict[int, Finding]] = {}
    for id in ids:
        own = INDICATORS[id]
        over, under, factor, known, reasons = table.of(own)
        own_values = np.full(over.shape, np.nan)
        scale = float(factor)
        if under is None:
            own_values[known] = over[known] * scale
        else:
            known = known & (under != 0)
            own_values[known] = over[known] / under[known] * scale
        own_values.setflags(write=False)
        values[id], parts[id], why[id] = own_values, (over, under, factor), reasons
    return Figures(
        by, scope, fund, table.periods, table.keys, table.names, values, table.cases, why, parts
    )


class _Sums:
    """Measures added up by key and period."""

    def __init__(self, monthly: Monthly, by: By, scope: Scope, fund: str) -> None:
        self._monthly = monthly
        self._by: By = by
        self._scope: Scope = scope
        self._fund = fund
        self._funds = slice(None) if not fund else slice(FUNDS.index(fund), FUNDS.index(fund) + 1)
        told = [
            one.code if scope == "institution" else str(one.level) if scope == "level"
            else one.county if scope == "county" else "region"
            for one in monthly.institutions
        ]  # fmt: skip
        every = {"region"} if scope == "region" else set(told)
        self.keys = tuple(sorted(every, reverse=scope == "level"))
        place = {key: i for i, key in enumerate(self.keys)}
        self.member = np.array([place[key] for key in told], np.int64)
        name_of = {one.code: one.name for one in monthly.institutions}
        self.names = tuple(
            name_of[key] if scope == "institution" else key if scope == "county" else "" for key in self.keys
        )
        self.periods = tuple(dict.fromkeys(period_of(month, by) for month in monthly.months))
        self._spreads: tuple[Ints, Ints] | None = None
        self.cases = self.summed("cases") if "cases" in monthly.values else np.zeros(self.shape, np.int64)

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.keys), len(self.periods)

    def summed(self, name: str) -> Ints:
        """[key, period] of a measure."""
        monthly = self._monthly
        if name in REGIONAL:
            own = monthly.region.get(name)
            by_month = (
                np.zeros((1, len(monthly.months)), np.int64)
                if own is None
                else own[self._funds].sum(axis=0, keepdims=True)
            )
            by_key = np.broadcast_to(by_month, (len(self.keys), by_month.shape[1]))
        else:
            by_key = np.zeros((len(self.keys), len(monthly.months)), np.int64)
            np.add.at(by_key, self.member, monthly.values[name][:, self._funds].sum(axis=1))
        return by_key.reshape(len(self.keys), -1, _STEP[self._by]).sum(axis=2)

    def of(
        self, own: Indicator
    ) -> tuple[Ints, Ints | None, Fraction, NDArray[np.bool_], dict[int, Finding]]:
        """over, under, what their ratio is times by, where it is known, why a period is empty."""
        reasons = self._reasons(own)
        known = np.ones(self.shape, bool)
        over, under, factor, there = self._made(own, reasons)
        for at, period in enumerate(self.periods):
            if period in reasons:
                known[:, at] = False
        return over, under, factor, known & there, reasons

    def _reasons(self, own: Indicator) -> dict[int, Finding]:
        if self._scope not in own.scopes:
            return dict.fromkeys(self.periods, Finding("lacking_scope", "note"))
        if BYS.index(self._by) < BYS.index(own.by):
            return dict.fromkeys(self.periods, Finding("lacking_by_year", "note"))
        if not self._fund and "clearing_point_value" in own.over:
            return dict.fromkeys(self.periods, Finding("lacking_one_fund", "note"))
        lacking = self._monthly.lacking
        found: dict[int, Finding] = {}
        for name in dict.fromkeys(name.removeprefix("-") for name in (*own.over, *own.under)):
            for period in self.periods:
                year = year_of(period)
                if year in lacking.get(name, {}):
                    found.setdefault(period, lacking[name][year])
        return found

    def _made(
        self, own: Indicator, reasons: dict[int, Finding]
    ) -> tuple[Ints, Ints | None, Fraction, NDArray[np.bool_]]:
        monthly = self._monthly
        factor = Fraction(100 if own.unit == "percent" else 1)
        anywhere = np.ones(self.shape, bool)
        if own.way == "persons":
            over, under = indicator_counts.visits(monthly, self.member, self.keys, self.periods, self._fund, self._by)
            return over, under, factor, anywhere
        if own.way == "spread":
            if self._spreads is None:  # one reading for both indicators
                self._spreads = indicator_counts.spreads(monthly, self.member, self.keys, self._fund)
            own_counts = self._spreads[0 if own.id == "cv_low" else 1]
            if own_counts.shape != self.shape:  # asked by month: empty in any case
                own_counts = np.zeros(self.shape, np.int64)
            return own_counts, None, factor, self.cases > 0
        if own.way == "kept":
            over, under = indicator_counts.kept(monthly, self.member, self.keys, self._funds)
            if over.shape != self.shape:
                over = under = np.zeros(self.shape, np.int64)
            return over, under, factor, anywhere
        if own.way == "growth":
            now = self._combined(own.over)
            before = self._before(now, reasons)
            return now - before, before, factor, (before > 0) & anywhere
        if own.way == "balance":
            return (*self._balance(reasons), Fraction(MONTHS), anywhere)
        over = self._combined(own.over)
        scale = monthly.places[own.over[0].removeprefix("-")]
        if not own.under:
            there = self.cases > 0 if own.over[0] not in REGIONAL else anywhere
            return over, None, factor / 10**scale, there if own.id != "cases" else anywhere
        below = monthly.places[own.under[0].removeprefix("-")]
        return over, self._combined(own.under), factor * Fraction(10**below, 10**scale), anywhere

    def _combined(self, names: Sequence[str]) -> Ints:
        whole = np.zeros(self.shape, np.int64)
        for name in names:
            own = self.summed(name.removeprefix("-"))
            whole = whole - own if name.startswith("-") else whole + own
        return whole

    def _before(self, now: Ints, reasons: dict[int, Finding]) -> Ints:
        """The same a year earlier; 0, with the reason, where the years do not reach back."""
        before = np.zeros_like(now)
        empty = dict(reasons)
        place = {period: i for i, period in enumerate(self.periods)}
        unit = {"year": 1, "quarter": 10, "month": 100}[self._by]
        for at, period in enumerate(self.periods):
            earlier = period - unit
            if earlier not in place:
                reasons.setdefault(period, Finding("lacking_year_before", "note"))
            elif earlier in empty:
                reasons.setdefault(period, empty[earlier])
            else:
                before[:, at] = now[:, place[earlier]]
        return before

    def _balance(self, reasons: dict[int, Finding]) -> tuple[Ints, Ints]:
        """Balance at the end of each period over the expenditure of the twelve months up to it."""
        monthly = self._monthly
        size = _STEP[self._by]
        balance, spent = (
            monthly.region[name][self._funds].sum(axis=0) if name in monthly.region else np.zeros(len(monthly.months), np.int64)
            for name in ("balance", "expenditure")
        )
        over, under = np.zeros(self.shape, np.int64), np.zeros(self.shape, np.int64)
        for at, period in enumerate(self.periods):
            end = (at + 1) * size
            first = end - MONTHS
            if first < 0 or monthly.months[end - 1] - monthly.months[first] > 99:  # a year between is not there
                reasons.setdefault(period, Finding("lacking_year_before", "note"))
                continue
            over[:, at], under[:, at] = balance[end - 1], spent[first:end].sum()
        return over, under


def period_of(month: int, by: By) -> int:
    """The period that a month of YYYYMM lies in."""
    if by == "month":
        return month
    return month // 100 * 10 + (month % 100 + 2) // 3 if by == "quarter" else month // 100


def year_of(period: int) -> int:
    return int(str(period)[:4])


__all__ = ["INDICATORS", "SOURCE_OF", "Figures", "Indicator", "figures", "names_of", "period_of", "period_words", "year_of"]
