"""One institution's series as panels: its own line, its level's and the region's, from figures that were computed once."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from core.money import plain
from ui.chart import Mark, Panel, Series
from ui.look import grouped

if TYPE_CHECKING:
    from core.analysis.indicators import Figures, Indicator
    from core.analysis.measures import Monthly
    from core.analysis.rebased import Change
    from core.analysis.standing_out import Judged, Standout
    from core.texts import Texts

BY = ("month", "quarter", "year")
# What stands there unless something else is chosen.
USUAL = ("score", "cases", "cmi", "mean_cost", "mean_stay", "burden", "time_index", "cost_index")
MOST = 12  # panels: with more of them none can be read
WAN, WAN_PLACES = 10_000, 4


@dataclass(frozen=True)
class Read:
    """Everything that the drawings of any institution are made of; read in a job.

    own, level, region: the same indicators of each institution, of each level, of the region. changes: of catalogue,
    coefficients and pack. rebased: indicators that stand on one version of the catalogue; version: which; moved: their
    measures. judged: by code and indicator, as far as it was looked for.
    """

    monthly: Monthly
    by: str
    fund: str
    ids: tuple[str, ...]
    own: Figures
    level: Figures
    region: Figures
    changes: tuple[Change, ...]
    version: str = ""
    rebased: frozenset[str] = frozenset()
    moved: Monthly | None = None
    judged: dict[tuple[str, str], Judged] = field(default_factory=dict)

    def row(self, code: str) -> int:
        """The institution's row in `own`; -1 where it has no case in these years."""
        return self.own.keys.index(code) if code in self.own.keys else -1

    def level_of(self, code: str) -> int:
        return next((one.level for one in self.monthly.institutions if one.code == code), 0)

    def of_level(self, level: str) -> list[int]:
        """Rows in `own` of the institutions of a level."""
        codes = {one.code for one in self.monthly.institutions if str(one.level) == level}
        return [at for at, key in enumerate(self.own.keys) if key in codes]


class Exact(Sequence[str]):
    """Values as text, made when somebody asks: nobody reads a thousand of them at once. of: each is divided by."""

    def __init__(self, figures: Figures, id: str, key: str, places: int, of: Sequence[int] | None, wan: bool) -> None:
        self._figures, self._id, self._key = figures, id, key
        self._places, self._of, self._wan = places, of, wan

    def __len__(self) -> int:
        return len(self._figures.periods)

    def __getitem__(self, at: Any) -> Any:
        value = self._figures.exact(self._id, self._key, self._figures.periods[at])
        return written(value, self._places, 1 if self._of is None else int(self._of[at]), self._wan)

    def __iter__(self) -> Iterator[str]:
        return (self[at] for at in range(len(self)))


def written(value: Fraction | None, places: int, of: int = 1, wan: bool = False) -> str:
    if value is None or not of:
        return ""
    value /= of
    return grouped(plain(value / WAN if wan else value, WAN_PLACES if wan else places))


def adds_up(indicator: Indicator) -> bool:
    """Whether a level's figure is the sum of its institutions': beside one institution stands their mean."""
    return indicator.way == "ratio" and not indicator.under


def panels(read: Read, code: str, name: str, texts: Texts, wan: bool) -> list[Panel]:
    """A panel for each indicator; none where the institution has no case."""
    row = read.row(code)
    if row < 0:
        return []
    return [_panel(read, id, code, row, name, texts, wan) for id in read.ids]


def _panel(read: Read, id: str, code: str, row: int, name: str, texts: Texts, wan: bool) -> Panel:
    from core.analysis.indicators import INDICATORS, period_words

    indicator = INDICATORS[id]
    own = read.own
    level = str(read.level_of(code))
    in_wan = wan and indicator.unit == "yuan"
    places = WAN_PLACES if in_wan else indicator.places
    rows: list[Series] = []
    share = adds_up(indicator)
    for title, figures, key in (
        (name, own, code), (texts("institutions.series.level", level=texts(f"indicators.level.{level}")), read.level, level),
        (texts("institutions.series.region"), read.region, "region"),
    ):  # fmt: skip
        at = figures.keys.index(key)
        values = figures.values[id][at]
        of = None
        if share and figures is not own:
            members = read.of_level(level) if key == level else slice(None)
            of = (own.cases[members] > 0).sum(axis=0)
            values = values / np.where(of > 0, of, 1)
        if in_wan:
            values = values / WAN
        rows.append(
            Series(
                title,
                [None if math.isnan(value) else value for value in values.tolist()],
                cases=figures.cases[at].tolist(),
                texts=Exact(figures, id, key, places if of is None else max(places, 1), of, in_wan),
                ringed=rings(read, id, code, texts, places, in_wan) if figures is own else {},
            )
        )
    return Panel(
        texts(f"indicators.{id}.title"),
        texts("unit.wan" if in_wan else f"unit.{indicator.unit}") if indicator.unit else "",
        span(read, texts) if indicator.unit else f"{texts('institutions.series.no_unit')} · {span(read, texts)}",
        int(own.cases[row].sum()),
        rows,
        x=[period_words(period, texts) for period in own.periods],
        marks=marks(read, texts),
        places=places,
        note=note(read, id, code, share, texts),
        beneath=beneath(read),
    )


def span(read: Read, texts: Texts) -> str:
    first, last = read.monthly.years[0], read.monthly.years[-1]
    if first == last:
        return texts("institutions.series.year", year=first)
    return texts("institutions.series.span", first=first, last=last)


def note(read: Read, id: str, code: str, share: bool, texts: Texts) -> str:
    """What has to be said under one drawing."""
    why = read.own.why.get(id, {})
    if len(why) == len(read.own.periods):
        return texts.finding(next(iter(why.values())))
    said = [texts("institutions.series.on_version", version=read.version)] if id in read.rebased else []
    return " · ".join([*said, *([texts("institutions.series.shared")] if share else [])])


def beneath(read: Read) -> dict[int, str]:
    """Years under the axis, whatever the period."""
    first: dict[int, int] = {}
    for at, period in enumerate(read.own.periods):
        first.setdefault(int(str(period)[:4]), at)
    return {at: str(year) for year, at in first.items()}


def marks(read: Read, texts: Texts) -> list[Mark]:
    from core.analysis.indicators import period_of

    place = {period: at for at, period in enumerate(read.own.periods)}
    found: dict[int, list[str]] = {}
    for one in read.changes:
        at = place.get(period_of(one.month, read.by), -1)  # type: ignore[arg-type]
        if at > 0:  # what holds from the first period on changes nothing in the drawing
            found.setdefault(at, []).append(one.words(texts))
    return [Mark(texts("institutions.series.change"), at, texts.listed(what), upright=True) for at, what in found.items()]


def rings(read: Read, id: str, code: str, texts: Texts, places: int, in_wan: bool) -> dict[int, str]:
    """The months that stand out, where they have been looked for."""
    judged = read.judged.get((code, id))
    if judged is None:
        return {}
    place = {period: at for at, period in enumerate(read.own.periods)}
    return {place[one.month]: told(one, texts, places, in_wan) for one in judged.standouts}


def told(one: Standout, texts: Texts, places: int, in_wan: bool) -> str:
    from core.analysis.indicators import period_words

    by = WAN if in_wan else 1
    return texts(
        "standouts.told.above" if one.sign > 0 else "standouts.told.below", month=period_words(one.month, texts),
        value=grouped(f"{one.value / by:.{places}f}"), usual=grouped(f"{one.usual / by:.{places}f}"),
        distance=f"{one.distance:.1f}",
    )  # fmt: skip


def judge(read: Read, code: str) -> dict[tuple[str, str], Judged]:
    """Months that stand out in every drawing of one institution."""
    from core.analysis import standing_out
    from core.analysis.indicators import INDICATORS

    row = read.row(code)
    found: dict[tuple[str, str], Judged] = {}
    for id in read.ids:
        cases = None if adds_up(INDICATORS[id]) else read.own.cases[row]
        found[code, id] = standing_out.judge(read.own.periods, read.own.values[id][row], cases=cases)
    return found
