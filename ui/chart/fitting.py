"""What has to fit: ticks of an axis, and texts that are wrapped, folded or cut to the room there is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from ui.chart.panel import Panel
from ui.look import grouped

PIECES = re.compile(r"[!-\u02ff]+|\s+|[（《]?.[）》，、。]?")  # a Latin word stays whole, a Chinese one breaks anywhere

FLAT = 0.35  # of the highest value: lines that move over less of it are looked at from nearer


def steps(low: float, high: float, many: int, whole: bool = False) -> list[float]:
    from matplotlib.ticker import MaxNLocator

    found = MaxNLocator(nbins=many, steps=[1, 2, 2.5, 5, 10], integer=whole).tick_values(low, high)
    return [float(value) for value in found if low <= value <= high]


def ticks_of(panel: Panel, free: float) -> tuple[list[float], float]:
    """Ticks of the upright axis and its end, `free` of it above the highest value.

    The axis begins at nothing, so that no difference looks larger than it is; where it does not, the drawing says so
    (`foot`).
    """
    values = _values(panel)
    top, bottom = max(values, default=1.0), foot(panel) or min(0.0, min(values, default=0.0))
    if top <= bottom:
        top = bottom + 1
    # There is no half of a case.
    return steps(bottom, top, 4, whole=panel.places == 0), bottom + (top - bottom) / (1 - free)


def _values(panel: Panel) -> list[float]:
    values = [value for series in panel.series for value in series.values if value is not None]
    if not panel.edges:
        values += [mark.value for mark in panel.marks if not mark.upright]
    return values


def foot(panel: Panel) -> float | None:
    """Where the axis of lines alone begins that would lie flat over a zero far below, as indices do; else None."""
    values = _values(panel)
    if panel.edges or panel.lying or any(series.form != "line" for series in panel.series) or len(values) < 2:
        return None
    low, high = min(values), max(values)
    return low - 0.15 * (high - low) if 0 < high - low < FLAT * high and low > 0 else None


def short(value: float, beside: Sequence[float]) -> str:
    """A tick's label, with as many decimals as its neighbours need."""
    gap = min((abs(b - a) for a, b in pairwise(beside)), default=abs(value) or 1)
    places = next((p for p in range(6) if abs(round(gap, p) - gap) < gap * 1e-6), 6)
    return grouped(f"{value + 0.0:.{places}f}")


def width(text: str) -> float:
    """Width in letters: Chinese ones are twice as wide."""
    return sum(2.0 if ord(sign) > 0x2E7F else 1.0 for sign in text)


def wrapped(text: str, room: float, points: float) -> list[str]:
    """Unit, period and number of cases on as many lines as they need: none of them may be cut."""
    lines = [""]
    for part in text.split(" · "):
        longer = f"{lines[-1]} · {part}" if lines[-1] else part
        if lines[-1] and width(longer) > room / (points * 0.76):
            lines.append(part)
        else:
            lines[-1] = longer
    return lines


def elided(text: str, room: float, points: float) -> str:
    """As much of a text as has room."""
    letters = max(3.0, room / (points * 0.76))
    if width(text) <= letters:
        return text
    while text and width(text) > letters - 1:
        text = text[:-1]
    return text + "…"


def folded(text: str, room: float, lines: int) -> list[str]:
    """The text on at most so many lines of `room` letters; cut only where the last of them is too short."""
    room, lines = max(2.0, room), max(1, lines)
    done = [""]
    for piece in PIECES.findall(text):
        step = max(1, int(room))  # a word longer than a line breaks as well
        for part in [piece] if width(piece) <= room else [piece[i : i + step] for i in range(0, len(piece), step)]:
            if done[-1] and width((done[-1] + part).rstrip()) > room:
                done.append("")
            if done[-1] or part.strip():
                done[-1] += part
    done = [line.rstrip() for line in done]
    if len(done) > lines:
        done = [*done[: lines - 1], done[lines - 1] + "…"]
        while width(done[-1]) > room and len(done[-1]) > 1:
            done[-1] = done[-1][:-2] + "…"
    return done
