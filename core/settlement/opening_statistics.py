"""What the opening point value needs of statistics: trimming by an exact ratio, and the geometric median of points."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.rules.cases import Ints

_BAND = 1e-12  # ratios of whole numbers are nearer to their floats than this; within it they are compared exactly
_ROUNDS = 10_000
_NEAR = 1e-12


def kept_between(over: Ints, under: Ints, low: Fraction, high: Fraction) -> NDArray[np.int64]:
    """Places of the ratios over / under (under above zero) from the percentile `low` to the percentile `high`, both included.

    A percentile lies at (n - 1) share among the ordered ratios, between two of them in proportion. Exact, and the same
    whatever the order of the rows: floats only tell which few ratios have to be compared as fractions.
    """
    if not len(over):
        return np.zeros(0, np.int64)
    near = over / under
    ordered = np.sort(near)
    least, most = (_percentile(over, under, near, ordered, share) for share in (low, high))
    inside = (near >= float(least) * (1 - _BAND)) & (near <= float(most) * (1 + _BAND))
    edge = inside & ((near <= float(least) * (1 + _BAND)) | (near >= float(most) * (1 - _BAND)))
    for at in np.flatnonzero(edge).tolist():
        inside[at] = least <= Fraction(int(over[at]), int(under[at])) <= most
    return np.flatnonzero(inside)


def _percentile(
    over: Ints, under: Ints, near: NDArray[Any], ordered: NDArray[Any], share: Fraction
) -> Fraction:
    place = (len(over) - 1) * share
    at = math.floor(place)
    low = _at(over, under, near, ordered, at)
    if place == at:
        return low
    return low + (place - at) * (_at(over, under, near, ordered, at + 1) - low)


def _at(over: Ints, under: Ints, near: NDArray[Any], ordered: NDArray[Any], at: int) -> Fraction:
    """The ratio at this place of their order."""
    value = float(ordered[at])
    below = int(np.searchsorted(ordered, value * (1 - _BAND), "left"))
    band = np.flatnonzero((near >= value * (1 - _BAND)) & (near <= value * (1 + _BAND)))
    exact = sorted(Fraction(o, u) for o, u in zip(over[band].tolist(), under[band].tolist(), strict=True))
    return exact[at - below]


def median_of(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The geometric median: the point from which the distances to all points sum to the least (Weiszfeld's steps, with
    Vardi and Zhang's at a point of the data). The same whatever the order of the points; of two it is the middle."""
    data = np.array(sorted(points), float)
    if not len(data):
        raise ValueError("no points")
    here = np.array([math.fsum(data[:, 0]), math.fsum(data[:, 1])]) / len(data)
    for _ in range(_ROUNDS):
        away = np.hypot(*(data - here).T)
        at = away <= _NEAR
        if bool(at.all()):
            break
        weight = 1 / away[~at]
        towards = (data[~at] * weight[:, None]).sum(axis=0) / weight.sum()
        if bool(at.any()):  # on a point: it holds as strongly as it is many
            pull = ((data[~at] - here) * weight[:, None]).sum(axis=0)
            strength = float(np.hypot(*pull))
            share = min(1.0, float(at.sum()) / strength) if strength else 1.0
            towards = (1 - share) * towards + share * here
        if float(np.hypot(*(towards - here))) <= _NEAR * max(1.0, float(np.abs(here).max())):
            here = towards
            break
        here = towards
    return float(here[0]), float(here[1])
