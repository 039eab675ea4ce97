"""Sums, spread and trimming limits of many groups of fees at once, exact in integers and the same in any order of rows.

A cell is a group, or a group in a year. Fees are int64 fen below `history.BEYOND`. No float decides anything here: the
coefficient of variation is an integer root, a percentile is a rational between two fees, and the limits of trimming
are the least and the greatest fen that stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt, lcm

import numpy as np
from numpy.typing import NDArray

from core.rules.cases import Ints
from core.rules.scoring import ScoreRule

_HALF = 20  # bits: a fee below 2**40 is two halves whose products sum exactly in 64 bits
_EXACT = 1 << 53  # integers up to here are exact as floats, so that bincount's weights sum them exactly
CV_PLACES = 4


@dataclass(frozen=True, slots=True)
class Sums:
    """Of each cell: count, sum, and the sum of squares in three parts (see `square`)."""

    count: Ints
    total: Ints
    high: Ints
    middle: Ints
    low: Ints

    def square(self, cell: int) -> int:
        """The sum of the squared fees."""
        return squares(int(self.high[cell]), int(self.middle[cell]), int(self.low[cell]))


def squares(high: int, middle: int, low: int) -> int:
    """A sum of squares from its three parts."""
    return (high << 2 * _HALF) + (middle << _HALF + 1) + low


def counts(cell: Ints, cells: int) -> Ints:
    return np.bincount(cell, minlength=cells).astype(np.int64)


def totals(cell: Ints, cells: int, values: Ints) -> Ints:
    """Sum of non-negative values by cell, exactly."""
    if len(values) == 0 or int(values.max()) * len(values) < _EXACT:
        return np.bincount(cell, weights=values, minlength=cells).astype(np.int64)
    found = np.zeros(cells, np.int64)
    np.add.at(found, cell, values)
    return found


def sums(cell: Ints, cells: int, fee: Ints) -> Sums:
    """Count, sum and squares of each cell."""
    high, low = fee >> _HALF, fee & ((1 << _HALF) - 1)
    return Sums(
        counts(cell, cells),
        totals(cell, cells, fee),
        totals(cell, cells, high * high),
        totals(cell, cells, high * low),
        totals(cell, cells, low * low),
    )


def scatter(count: int, total: int, square: int) -> int:
    """count * squares - total**2: the variance times count**2."""
    return count * square - total * total


def cv(count: int, total: int, square: int) -> Fraction | None:
    """Standard deviation (of the whole, not of a sample) over mean, to CV_PLACES; None without cost."""
    if count == 0 or total == 0:
        return None
    scale: int = 10**CV_PLACES
    root = isqrt(4 * scale * scale * scatter(count, total, square))
    return Fraction((root + total) // (2 * total), scale)


def cv_at_most(count: int, total: int, square: int, most: Fraction) -> bool:
    """Whether the exact CV is not above `most`."""
    return scatter(count, total, square) * most.denominator**2 <= (most.numerator * total) ** 2


@dataclass(frozen=True, slots=True)
class Limits:
    """The least and the greatest fen that stay, by cell."""

    low: Ints
    high: Ints

    def keep(self, cell: Ints, fee: Ints) -> NDArray[np.bool_]:
        return (fee >= self.low[cell]) & (fee <= self.high[cell])


def limits(
    cell: Ints,
    cells: int,
    fee: Ints,
    *,
    shares: tuple[Fraction, ...],
    fence: Fraction | None,
    interpolation: str,
    least: int,
) -> Limits:
    """Trimming limits by percentile (fence None), or by quartiles and `fence` times their distance.

    Cells of fewer than `least` fees are not trimmed. A fee stays when it lies between the two values, both included;
    the values are exact, so that the limits are the first fen not below the lower and not above the upper one.
    """
    size = counts(cell, cells)
    start = np.cumsum(size) - size
    ordered = np.sort(cell.astype(np.int64) << 2 * _HALF | fee) & ((1 << 2 * _HALF) - 1)
    wide = np.flatnonzero(size >= max(1, least))
    low = np.zeros(cells, np.int64)
    high = np.full(cells, np.iinfo(np.int64).max, np.int64)
    if len(wide):
        lower, upper = shares if fence is None else (Fraction(1, 4), Fraction(3, 4))
        first, one = _percentile(ordered, start[wide], size[wide], lower, interpolation)
        second, other = _percentile(ordered, start[wide], size[wide], upper, interpolation)
        if fence is None:
            low[wide], high[wide] = -(-first // one), second // other
        else:  # both quartiles over the same denominator
            reach = fence.numerator * (second - first)
            low[wide] = -(-(first * fence.denominator - reach) // (one * fence.denominator))
            high[wide] = (second * fence.denominator + reach) // (other * fence.denominator)
    return Limits(low, high)


def _percentile(
    ordered: Ints, start: Ints, size: Ints, share: Fraction, interpolation: str
) -> tuple[Ints, int]:
    """Numerators and the denominator of a percentile of each cell; `ordered` has its fees ascending from `start` on.

    The place among the fees, from 0, is (n - 1) share; `exclusive` takes (n + 1) share - 1. Between two fees:
    `linear` and `exclusive` in proportion, `lower`, `higher`, `midpoint`, and `nearest` (the half upward).
    """
    over, part = 2 * share.denominator, 2 * share.numerator
    place = (size - 1) * part if interpolation != "exclusive" else (size + 1) * part - over
    place = np.clip(place, 0, (size - 1) * over)
    whole, rest = place // over, place % over
    match interpolation:
        case "lower":
            rest = np.zeros_like(rest)
        case "higher":
            rest = np.where(rest > 0, over, 0)
        case "midpoint":
            rest = np.where(rest > 0, over // 2, 0)
        case "nearest":
            rest = np.where(2 * rest >= over, over, 0)
        case _:
            pass
    below = ordered[start + whole]
    above = ordered[start + np.minimum(whole + 1, size - 1)]
    return below * over + rest * (above - below), over


class Weights:
    """The rule's weights over the years, as whole numbers (their proportion is what counts)."""

    def __init__(self, rule: ScoreRule) -> None:
        over = lcm(*(weight.denominator for weight in rule.weights))
        self._weights = tuple(weight.numerator * over // weight.denominator for weight in rule.weights)
        self._totals, self._drop = rule.weighting == "totals", rule.zero_years == "drop"

    def ratio(self, count: Sequence[int], total: Sequence[int]) -> tuple[int, int] | None:
        """The mean over the years, exactly, as numerator and denominator (not reduced); None without cases.

        The two readings: weights on the years' means, or on their totals and counts. A year without cases gives its weight to
        the others in proportion, or leaves no mean (zero_years `drop`).
        """
        top, under, share = 0, 1, 0
        if self._totals:
            under = 0
        for weight, n, cost in zip(self._weights, count, total, strict=True):
            if not weight:
                continue
            if not n:
                if self._drop:
                    return None
                continue
            share += weight
            if self._totals:
                top += weight * cost
                under += weight * n
            else:
                top = top * n + weight * cost * under
                under *= n
        if not share:
            return None
        return (top, under) if self._totals else (top, under * share)


def weighted(count: Sequence[int], total: Sequence[int], rule: ScoreRule) -> Fraction | None:
    """`Weights.ratio` of one group as a fraction."""
    found = Weights(rule).ratio(count, total)
    return None if found is None else Fraction(*found)
