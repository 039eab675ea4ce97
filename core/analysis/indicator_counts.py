"""Indicators that do not add up over months or institutions: persons, groups by spread, hospitals with a surplus."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.analysis.measured_persons import Followed
from core.analysis.measured_rows import MONTHS, YearCases
from core.analysis.measures import Monthly
from core.rules.cases import FUNDS, Ints

LEAST_CASES = 15  # of a group, for its spread to say anything: the usual threshold of a core group
LOW, HIGH = 0.5, 1.0


def visits(
    monthly: Monthly, member: Ints, keys: Sequence[str], periods: Sequence[int], fund: str, by: str
) -> tuple[Ints, Ints]:
    """[key, period]: cases with a person number, and how many different persons they are."""
    shape = len(keys), len(periods)
    at_year = {year: i for i, year in enumerate(monthly.years)}
    width = {"month": 1, "quarter": 3, "year": MONTHS}[by]
    place = {one.code: i for i, one in enumerate(monthly.institutions)}
    cells: list[Ints] = []
    persons: list[Ints] = []
    for year, table in monthly.tables["persons"].items():
        if not isinstance(table.detail, Followed) or not len(table.detail.persons.person):
            continue
        told = table.detail.persons
        mine = np.ones(len(told.person), bool) if not fund else told.spot // MONTHS == FUNDS.index(fund)
        own = member[np.array([place[code] for code in told.institutions])][told.institution[mine]]
        period = (at_year[year] * MONTHS + told.spot[mine].astype(np.int64) % MONTHS) // width
        cells.append(own * shape[1] + period)
        persons.append(told.person[mine].astype(np.int64))
    if not cells:
        return np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    cell, person = np.concatenate(cells), np.concatenate(persons)
    size = int(person.max(initial=0)) + 1
    both = np.sort(cell * size + person)
    different = both[np.diff(both, prepend=-1) != 0] // size
    counts = [np.bincount(one, minlength=shape[0] * shape[1]).reshape(shape) for one in (cell, different)]
    return counts[0].astype(np.int64), counts[1].astype(np.int64)


def spreads(monthly: Monthly, member: Ints, keys: Sequence[str], fund: str) -> tuple[Ints, Ints]:
    """[key, year]: groups with at least LEAST_CASES cases whose coefficient of variation is below LOW, and above HIGH."""
    low, high = (np.zeros((len(keys), len(monthly.years)), np.int64) for _ in range(2))
    place = {one.code: i for i, one in enumerate(monthly.institutions)}
    for at, year in enumerate(monthly.years):
        told = monthly.tables["groups"][year].detail
        if not isinstance(told, YearCases) or not len(told.fee):
            continue
        mine = told.group >= 0
        if fund:
            mine &= told.spot // MONTHS == FUNDS.index(fund)
        own = member[np.array([place[code] for code in told.institutions])][told.institution[mine]]
        cell = own * told.groups + told.group[mine]
        order = np.lexsort((told.fee[mine], cell))  # so that floats add up alike in whatever order the rows came
        cell, own = cell[order], own[order]
        fee = told.fee[mine][order].astype(np.float64)
        begins = np.diff(cell, prepend=-1) != 0  # in order already
        cell, owner = np.cumsum(begins) - 1, own[begins]
        count = np.bincount(cell)
        mean = np.bincount(cell, fee) / np.maximum(count, 1)
        square = np.bincount(cell, (fee - mean[cell]) ** 2)
        told_of = (count >= LEAST_CASES) & (mean > 0)
        cv = np.zeros(len(count))
        cv[told_of] = np.sqrt(square[told_of] / count[told_of]) / mean[told_of]
        low[:, at] = np.bincount(owner[told_of & (cv < LOW)], minlength=len(keys))
        high[:, at] = np.bincount(owner[told_of & (cv > HIGH)], minlength=len(keys))
    return low, high


def kept(monthly: Monthly, member: Ints, keys: Sequence[str], funds: slice) -> tuple[Ints, Ints]:
    """[key, year]: institutions whose surplus, of the funds together, is above zero, and all that are in the clearing."""
    surplus = monthly.values["clearing_surplus"][:, funds, MONTHS - 1 :: MONTHS].sum(axis=1)
    listed = monthly.values["listed"][:, funds, MONTHS - 1 :: MONTHS].sum(axis=1) > 0
    over, under = (np.zeros((len(keys), surplus.shape[1]), np.int64) for _ in range(2))
    np.add.at(over, member, (listed & (surplus > 0)).astype(np.int64))
    np.add.at(under, member, listed.astype(np.int64))
    return over, under


__all__ = ["LEAST_CASES", "kept", "spreads", "visits"]
