"""The waterfall: where its bars begin and end, how far its axis reaches, and how the pen draws it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ui.chart.fitting import folded, short, steps, width, wrapped
from ui.chart.panel import Panel, value_text
from ui.look import MINUS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ui.chart.pen import Pen

STRIPES = "////"  # of what falls
CUT_BELOW = 0.4  # bars that all lie within so much of the axis's upper end would be slivers: it then begins later


def spans(values: Sequence[float | None]) -> list[tuple[float, float]]:
    """(from, to) of each bar: the first and the last are totals, each other begins where the last one ended."""
    found: list[tuple[float, float]] = []
    level = 0.0
    for number, value in enumerate(values):
        total = number in (0, len(values) - 1)
        found.append((0.0 if total else level, value or 0.0 if total else level + (value or 0.0)))
        level = found[-1][1]
    return found


def reach(found: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Both ends of the axis. It begins at nothing unless the bars would be slivers there."""
    levels = [to for _, to in found]
    low, high = min(levels, default=0.0), max(levels, default=1.0)
    if 0 < high - low < CUT_BELOW * high and low > 0:
        return low - 0.5 * (high - low), high
    low, high = min(0.0, low), max(0.0, high)
    return low, high if high > low else low + 1.0


def draw(
    pen: Pen, figure: Figure, panel: Panel, about: str,
    part: tuple[float, float, float, float], whole: tuple[float, float],
) -> Axes:  # fmt: skip
    """Bars one after the other, every value written. What falls is striped and has a minus: neither needs colour."""
    left, top, wide, high = part
    series, many, letter = panel.series[0], len(panel.x), pen.points * 0.7
    found = spans(series.values)
    low, upper = reach(found)
    texts = [(value_text(panel, series, at) or pen.texts("chart.none")).replace("-", MINUS) for at in range(many)]
    longest = max((width(text) for text in texts), default=1) * letter + 10
    said = [*wrapped(about, wide - 4, pen.points), *([panel.note] if panel.note else [])]
    if low > 0:
        said += folded(pen.texts("chart.cut"), (wide - 4) / letter, 2)
    above = (2 + len(said)) * pen.line + 8
    if panel.lying:  # a name may take two fifths of the width
        beside = min(wide * 0.4, max((width(name) for name in panel.x), default=1) * letter + 16)
        below, room = pen.line + 6, longest
        lines = int((high - above - below) / max(1, many) / pen.line)
        names = [folded(name, (beside - 14) / letter, lines) for name in panel.x]
    else:
        ticks = steps(low, upper, 4)
        beside = max((len(short(value, ticks)) for value in ticks), default=1) * letter + 12
        slot = (wide - beside - 14) / max(1, many)
        names = [folded(name, (slot - 6) / letter, 4) for name in panel.x]
        below = max((len(name) for name in names), default=1) * pen.line + 8
        room = longest if longest > slot else 1.3 * pen.line  # what has no room across stands upright
    inner = (left + beside, top + above, max(20.0, wide - beside - 14), max(20.0, high - above - below))
    length = inner[2] if panel.lying else inner[3]
    upper += (upper - low) * room / max(room, length - room)
    axes = figure.add_axes(
        (inner[0] / whole[0], 1 - (inner[1] + inner[3]) / whole[1], inner[2] / whole[0], inner[3] / whole[1])
    )
    _frame(pen, axes, panel, names, (low, upper), inner[2])
    for at, (start, end) in enumerate(found):
        total = at in (0, many - 1)
        _bar(pen, axes, panel.lying, at, (max(start, low), end), total)
        if total and low > 0:
            _tear(pen, axes, panel.lying, at, low, upper - low)
        if at + 1 < many:  # from where it ended to where the next begins
            _across(axes, panel.lying, (at + 0.31, at + 0.69), (end, end), pen.look.muted, 0.9, ":")
        stood = max(start, end)
        axes.annotate(
            texts[at], (stood, at) if panel.lying else (at, stood), (4, 0) if panel.lying else (0, 3),
            textcoords="offset points", ha="left" if panel.lying else "center",
            va="center" if panel.lying else "bottom", color=pen.look.text, fontsize=pen.points * 0.92,
            rotation=90 if not panel.lying and room == longest else 0, weight="bold" if total else "normal",
        )  # fmt: skip
    pen.words(axes, panel, said, inner, wide, True)
    return axes


def _frame(
    pen: Pen, axes: Axes, panel: Panel, names: Sequence[Sequence[str]], ends: tuple[float, float], wide: float
) -> None:
    look, many, along = pen.look, len(panel.x), panel.lying
    axes.set_facecolor(pen.ground)
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)
    ticks = steps(*ends, max(2, int(wide // 110)) if along else 4)
    labels, said = [short(value, ticks) for value in ticks], ["\n".join(name) for name in names]
    (axes.set_xlim if along else axes.set_ylim)(*ends)
    if along:
        axes.set_ylim(many - 0.5, -0.5)
    else:
        axes.set_xlim(-0.5, many - 0.5)
    (axes.set_xticks if along else axes.set_yticks)(ticks, labels)
    (axes.set_yticks if along else axes.set_xticks)(range(many), said)
    axes.grid(axis="x" if along else "y", color=look.line, linewidth=0.7)
    (axes.axvline if along else axes.axhline)(max(0.0, ends[0]), color=look.muted, linewidth=0.9)
    axes.set_axisbelow(True)
    axes.tick_params(axis="both", length=0, labelsize=pen.points * 0.92, colors=look.muted, pad=4)
    axes.tick_params(axis="y" if along else "x", colors=look.text)


def _bar(pen: Pen, axes: Axes, lying: bool, at: int, span: tuple[float, float], total: bool) -> None:
    """One bar: a total grey, a rise full, a fall striped, no change a line."""
    start, end = span
    if start == end:
        _across(axes, lying, (at - 0.31, at + 0.31), (end, end), pen.look.text, 1.4, "-")
        return
    key = "total" if total else "rise" if end > start else "fall"
    draw, foot = (axes.barh, "left") if lying else (axes.bar, "bottom")
    draw([at], [end - start], 0.62, **{foot: [start]}, **dress(pen, key))
    # However small, it is seen.
    _across(axes, lying, (at - 0.31, at + 0.31), (end, end), pen.look.muted if total else pen.look.text, 0.9, "-")


def dress(pen: Pen, key: str) -> dict[str, Any]:
    if key == "fall":
        return {"facecolor": pen.palette[1], "edgecolor": pen.ground, "hatch": STRIPES, "linewidth": 0}
    return {"color": pen.look.muted if key == "total" else pen.palette[0]}


def _tear(pen: Pen, axes: Axes, lying: bool, at: int, low: float, length: float) -> None:
    """A bar whose foot was cut off is torn near it."""
    places = [at - 0.36 + 0.09 * i for i in range(9)]
    levels = [low + length * (0.045 if i % 2 else 0.03) for i in range(9)]
    _across(axes, lying, places, levels, pen.ground, 2.4, "-")


def _across(
    axes: Axes, lying: bool, places: Sequence[float], levels: Sequence[float], colour: str, width: float, dash: str
) -> None:
    drawn = (levels, places) if lying else (places, levels)
    axes.plot(*drawn, color=colour, linewidth=width, linestyle=dash, solid_capstyle="butt")
