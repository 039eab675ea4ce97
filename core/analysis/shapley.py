"""Splitting a change among its causes so that no order is preferred: the Shapley value, exact.

Each cause gets the mean, over every order in which the causes could have come about one after the other, of what it changes
in its turn. So the parts sum to the whole change, a cause that changes nothing has part zero, and taking the change back
turns every sign.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from math import factorial
from typing import Any


def shapley(
    factors: Sequence[str], value: Callable[[frozenset[str]], Fraction]
) -> Mapping[str, Fraction]:
    """Each factor's part. value: of the state in which just these factors have changed; asked once for each subset.

    The parts sum to value(all) - value(none).
    """
    table: list[Fraction] = []
    for mask in range(1 << len(factors)):
        table.append(Fraction(value(frozenset(one for i, one in enumerate(factors) if mask >> i & 1))))
    whole = factorial(len(factors))
    return {one: part / whole for one, part in zip(factors, numerators(table, len(factors)), strict=True)}


def numerators(table: Sequence[Any], number: int) -> list[Any]:
    """The parts of `number` factors times `number` factorial, so that whole numbers stay whole.

    table: the value by subset, bit i set where factor i has changed: numbers, or arrays of them for many games at once.
    """
    assert len(table) == 1 << number
    parts: list[Any] = []
    for i in range(number):
        part: Any = 0
        for size in range(number):  # of the subset that factor i joins: one product a size, not one a subset
            gained: Any = 0
            for mask in range(1 << number):
                if not mask >> i & 1 and mask.bit_count() == size:
                    gained = gained + (table[mask | 1 << i] - table[mask])
            part = part + gained * (factorial(size) * factorial(number - 1 - size))
        parts.append(part)
    return parts
