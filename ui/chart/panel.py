"""What a chart shows: panels, their rows of values and marks, and how these are told in words. No pixel, no matplotlib."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ui.look import grouped

WRITTEN_LYING = 12  # so few lying bars have their values at their ends


@dataclass(frozen=True, slots=True)
class Series:
    """One row of values, a value for each position (or for each stretch between edges); None leaves a gap.

    cases: how many are behind each value. texts: the exact values, where the float is only for drawing. ringed: positions
    of a line that stand out, each with what is said of it. waterfall: the first and the last value are totals, each other
    is a change that begins where the last one ended; it is the only row of its panel.
    """

    name: str
    values: Sequence[float | None]
    form: str = "line"  # line, bar, waterfall
    cases: Sequence[int | None] = ()
    texts: Sequence[str] = ()
    ringed: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Mark:
    """A named line across: upright at a value of the edges, level otherwise.

    upright: before a position, where something changes; the key and the pointer tell its text.
    """

    name: str
    value: float
    text: str
    upright: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """One drawing. unit and period are words; cases: how many are behind all of it, None where it counts no cases.

    x: names of the positions. edges: instead of x, the bounds of a histogram's bars, one more than values. lying: bars
    across, the first on top, their names to the left: for long names, and for a tornado. beneath: what stands under the
    axis instead of the positions' own names, by position (years under months).
    """

    title: str
    unit: str
    period: str
    cases: int | None
    series: Sequence[Series]
    x: Sequence[str] = ()
    edges: Sequence[float] = ()
    marks: Sequence[Mark] = ()
    x_title: str = ""
    places: int = 2
    note: str = ""
    lying: bool = False
    beneath: Mapping[int, str] = field(default_factory=dict)


def small_multiples(panel: Panel, series: Sequence[tuple[str, Series]]) -> list[Panel]:
    """The same drawing once for each named series, so that shapes compare at a glance."""
    return [replace(panel, title=name, series=(one,)) for name, one in series]


def keyed(panels: Sequence[Panel]) -> bool:
    """Whether the names of the rows of values stand once above several panels."""
    rows = {tuple((series.name, series.form) for series in panel.series) for panel in panels}
    return len(panels) > 1 and len(rows) == 1 and len(next(iter(rows))) > 1


def falls(panel: Panel) -> bool:
    return bool(panel.series) and panel.series[0].form == "waterfall"


def positions(panel: Panel) -> int:
    return len(panel.edges) - 1 if panel.edges else len(panel.x)


def position_name(panel: Panel, at: int) -> str:
    """A position's name; a stretch of a histogram by its bounds."""
    if not panel.edges:
        return str(panel.x[at])
    low, high = panel.edges[at], panel.edges[at + 1]
    whole = all(float(edge).is_integer() for edge in panel.edges)
    return f"{low:,.0f}–{high:,.0f}" if whole else f"{low:,.2f}–{high:,.2f}"


def value_text(panel: Panel, series: Series, at: int) -> str:
    """A value as text: the exact one where it was given."""
    value = series.values[at]
    if value is None:
        return ""
    return series.texts[at] if series.texts else grouped(f"{value:.{panel.places}f}")


def at_ends(panel: Panel) -> list[str]:
    """What stands at the ends of lying bars: the values, where there is one row of them and not too many."""
    if len(panel.series) != 1 or len(panel.x) > WRITTEN_LYING or panel.series[0].form != "bar":
        return []
    return [value_text(panel, panel.series[0], at) for at in range(len(panel.x))]


def nearest(panel: Panel, value: float) -> int:
    if panel.edges:
        inside = [i for i in range(positions(panel)) if value >= panel.edges[i]]
        return inside[-1] if inside else 0
    return min(max(0, round(value)), len(panel.x) - 1)
