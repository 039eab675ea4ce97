"""Exact decimals as scaled 64-bit integers, and sums of them that cannot overflow in silence."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from fractions import Fraction

import numpy as np

from core.rules.cases import Ints, Scaled

_ROOM = 2**62  # below it a value can still be compared, negated and doubled


def places_of(values: Collection[Fraction]) -> int:
    """Decimals of the value that has most; every value ends in decimals."""
    most = 0
    for denominator in {value.denominator for value in values}:
        while 10**most % denominator:
            most += 1
    return most


def fits(values: Collection[Fraction], places: int, times: int = 1) -> bool:
    """Whether all of them, `times` over, are 64-bit integers over 10**places, which are at least `places_of` them."""
    scale = 10**places
    return max((abs(one.numerator) * (scale // one.denominator) for one in values), default=0) * times < _ROOM


def scaled(values: Sequence[Fraction], places: int) -> Scaled:
    """The values over 10**places; the caller has seen that they fit."""
    scale = 10**places
    return Scaled(np.array([int(value * scale) for value in values], np.int64), places)


def sums(values: Ints, place: Ints, places: int) -> list[int]:
    """Sums by place as Python's integers: in 64 bits where that is proven, else in halves of 31 bits."""
    if not len(values):
        return [0] * places
    low = np.zeros(places, np.int64)
    if max(abs(int(values.min())), abs(int(values.max()))) * len(values) < _ROOM:
        np.add.at(low, place, values)
        return low.tolist()
    high = np.zeros(places, np.int64)
    np.add.at(high, place, values >> 31)
    np.add.at(low, place, values & (2**31 - 1))
    return [(one << 31) + other for one, other in zip(high.tolist(), low.tolist(), strict=True)]
