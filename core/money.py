"""Fen and scaled points as integers, exact decimals as rationals, and the one rounding of the product.

Half away from zero, everywhere, and only where somebody says so. No float enters or leaves.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

_PLAIN = re.compile(r"[+-]?\d+(\.\d*)?|[+-]?\.\d+")
# What `plain` prints of a value that has no end in decimals; display only, never computed with.
OPEN_PLACES = 12


def decimal(text: str) -> Fraction:
    """A plain decimal, exactly; ValueError for anything else (exponents, separators, blanks inside)."""
    text = text.strip()
    if not _PLAIN.fullmatch(text):
        raise ValueError(text)
    return Fraction(text)


def fen(text: str) -> int:
    """Yuan with at most two decimals to fen; ValueError for more decimals or no number."""
    value = decimal(text) * 100
    if value.denominator != 1:
        raise ValueError(text)
    return value.numerator


def round_ratio(numerator: int, denominator: int) -> int:
    """numerator / denominator to the nearest integer, half away from zero."""
    if denominator < 0:
        numerator, denominator = -numerator, -denominator
    whole = (2 * abs(numerator) + denominator) // (2 * denominator)
    return whole if numerator >= 0 else -whole


def rounded(value: Fraction, places: int) -> Fraction:
    """`value` to `places` decimals (negative: tens), half away from zero."""
    if places >= 0:
        scale = 10**places
        return Fraction(round_ratio(value.numerator * scale, value.denominator), scale)
    scale = 10**-places
    return Fraction(round_ratio(value.numerator, value.denominator * scale) * scale)


def total(values: Sequence[Fraction]) -> Fraction:
    """Their sum, exact, over one denominator: a tenth of the time of adding fractions one by one."""
    den = math.lcm(*{value.denominator for value in values})
    return Fraction(sum(value.numerator * (den // value.denominator) for value in values), den)


def round_ratios(numerators: Ints, denominators: Ints | int) -> Ints:
    """`round_ratio` over arrays, denominators positive. The caller keeps 2*|n| + d within int64."""
    whole = (2 * np.abs(numerators) + denominators) // (2 * np.asarray(denominators))
    return np.where(numerators >= 0, whole, -whole)


def allocate(total: int, weights: Sequence[Fraction | int]) -> list[int]:
    """Split `total` by `weights`, largest remainder first, ties to the earlier one: the parts sum to the total.

    Weights are not negative and not all zero (ValueError).
    """
    exact = [Fraction(weight) for weight in weights]
    whole = sum(exact, Fraction(0))
    if whole <= 0 or any(weight < 0 for weight in exact):
        raise ValueError("weights must be non-negative and not all zero")
    shares = [abs(total) * weight / whole for weight in exact]
    parts = [share.numerator // share.denominator for share in shares]
    short = abs(total) - sum(parts)
    by_remainder = sorted(range(len(shares)), key=lambda i: (parts[i] - shares[i], i))
    for i in by_remainder[:short]:
        parts[i] += 1
    return parts if total >= 0 else [-part for part in parts]


def is_terminating(value: Fraction) -> bool:
    """Whether the value ends in decimals."""
    rest = value.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    return rest == 1


def plain(value: Fraction | int, places: int | None = None) -> str:
    """Plain decimal text: exactly `places` decimals (rounded), else all of them, at most OPEN_PLACES of an endless one."""
    if places is None:
        rest, twos, fives = value.denominator, 0, 0
        while rest % 2 == 0:
            rest, twos = rest // 2, twos + 1
        while rest % 5 == 0:
            rest, fives = rest // 5, fives + 1
        if rest != 1:
            return plain(value, OPEN_PLACES)
        places = max(twos, fives)
    scaled = round_ratio(value.numerator * 10**places, value.denominator)
    sign = "-" if scaled < 0 else ""
    digits = str(abs(scaled)).rjust(places + 1, "0")
    return sign + (digits if places == 0 else f"{digits[:-places]}.{digits[-places:]}")


def yuan(amount: int) -> str:
    """Fen to yuan with two decimals."""
    return plain(Fraction(amount, 100), 2)
