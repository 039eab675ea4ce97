"""The reference mean fee of each case: by the pack's list, the first that exists, in fen.

given: the imported means of the previous year, fund-specific before all, the level's before all levels'.
level: mean of the previous year's net in-scope cases of both funds, same group, hospitals of the same level.
catalogue: the group's mean fee times the coefficient that applies to the case.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.money import round_ratio, round_ratios
from core.rules.cases import (
    FUNDS,
    REFERENCE_CATALOGUE,
    REFERENCE_GIVEN,
    REFERENCE_LEVEL,
    REFERENCE_NONE,
    Ints,
    Small,
)
from core.settlement.arrivals import Arrivals, Fees

SOURCES = {"given": REFERENCE_GIVEN, "level": REFERENCE_LEVEL, "catalogue": REFERENCE_CATALOGUE}
NAMES = {REFERENCE_NONE: "none", **{number: name for name, number in SOURCES.items()}}
LEVELS = 4  # 1..3, and 0 for an institution without one


def references(
    arrivals: Arrivals,
    level: Ints,
    order: Sequence[int],
    given: Ints,
    means: Callable[[], Ints],
    catalogue: Ints,
) -> tuple[Ints, Small]:
    """Reference mean and source of every case; where the source is the catalogue, its mean fee before k.

    level: of each institution. given: table fund x group x level. means: table group x level, asked for only when a case
    needs it. catalogue: mean fee of each group, 0 where there is none.
    """
    found = np.zeros(len(arrivals), np.int64)
    source = np.zeros(len(arrivals), np.int8)
    grouped = arrivals.group >= 0
    own_level = level[arrivals.institution] if len(level) else np.zeros(0, np.int64)
    for kind in order:
        pending = np.flatnonzero(grouped & (source == REFERENCE_NONE))
        if not len(pending):
            break
        group = arrivals.group[pending]
        if kind == REFERENCE_GIVEN:
            value = given[arrivals.fund[pending], group, own_level[pending]]
        elif kind == REFERENCE_LEVEL:
            value = np.where(own_level[pending] > 0, means()[group, own_level[pending]], 0)
        else:
            value = catalogue[group]
        hit = value > 0
        found[pending[hit]] = value[hit]
        source[pending[hit]] = kind
    return found, source


def times_coefficient(mean: Ints, k: Ints, places: int) -> Ints:
    """mean * k / 10**places to the fen; Python's integers where 64 bits would not hold it."""
    scale = 10**places
    if len(mean) and int(mean.max()) * max(1, int(np.abs(k).max())) * 2 + scale >= 2**62:
        exact = [round_ratio(int(m) * int(f), scale) for m, f in zip(mean.tolist(), k.tolist(), strict=True)]
        return np.array(exact, np.int64)
    return round_ratios(mean * k, scale)


@dataclass(frozen=True, slots=True)
class GivenMean:
    """An imported reference mean: level `1`..`3` or `all`, fund or `all`, fen."""

    group: str
    level: str
    fund: str
    mean_fee: int


def read_given(connection: sqlite3.Connection, year: int) -> tuple[GivenMean, ...]:
    """The imported means of a year."""
    rows = connection.execute(
        "SELECT dip_code, level, fund, mean_fee FROM reference_mean WHERE year = ? ORDER BY 1, 2, 3", (year,)
    )
    return tuple(GivenMean(*row) for row in rows)


def given_means(given: Sequence[GivenMean], groups: Sequence[str]) -> Ints:
    """Table fund x group x level of imported means."""
    index = {code: i for i, code in enumerate(groups)}
    table = np.zeros((len(FUNDS), len(groups), LEVELS), np.int64)

    def rank(one: GivenMean) -> tuple[bool, bool]:
        """Weakest first: all levels before one level, all funds before one fund."""
        return one.level != "all", one.fund != "all"

    for one in sorted(given, key=rank):
        i = index.get(one.group)
        if i is None or one.fund not in (*FUNDS, "all"):
            continue
        funds = [FUNDS.index(one.fund)] if one.fund in FUNDS else list(range(len(FUNDS)))
        levels = list(range(LEVELS)) if one.level == "all" else [int(one.level)]
        for f in funds:
            table[f, i, levels] = one.mean_fee
    return table


def level_means(fees: Fees, level_of: Mapping[str, int], groups: Sequence[str], least: int) -> Ints:
    """Table group x level of the means of at least `least` cases, to the fen, 0 where there are fewer."""
    table = np.zeros((len(groups), LEVELS), np.int64)
    level = np.array([level_of.get(code, 0) for code in fees.institutions] or [0], np.int64)
    index = {code: i for i, code in enumerate(groups)}
    group = np.array([index.get(code, -1) for code in fees.groups] or [-1], np.int64)[fees.group]
    own = level[fees.institution]
    counted: NDArray[np.bool_] = (group >= 0) & (own > 0)
    place = group[counted] * LEVELS + own[counted]
    count = np.bincount(place, minlength=table.size)
    total = np.zeros(table.size, np.int64)
    np.add.at(total, place, fees.fee[counted])  # integers: bincount's weights would be floats
    enough = count >= max(1, least)
    flat = table.reshape(-1)
    flat[enough] = round_ratios(total[enough], count[enough])
    return table
