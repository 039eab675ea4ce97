"""Where the bars of a waterfall begin and end, and how far its axis reaches. Nothing is drawn here."""

from __future__ import annotations

from collections.abc import Sequence

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
