"""Two years of one fund as cells, institution x group, and the scores that would be if only some factors had changed.

A cell's score is cases x catalogue score x coefficient x realised. Each of the four is an exact ratio of the year's own sums,
so that all four of one year give that year's score to the last digit. Products that mix the years have no end in decimals;
they are cut inside at FINE and MIDDLE and rounded once to COARSE, which the ends, having no more decimals than that, come
through unchanged. Every value hangs on the selected ratios alone: an unchanged factor changes nothing, and the same years the
other way round are the same numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import factorial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.analysis import shapley
from core.progress import SILENT, Progress, step
from core.rules.cases import Ints
from core.rules.sheet import Institution

COARSE, MIDDLE, FINE = 10**12, 10**24, 10**30
# What a year may have of its own in a cell's score, by bit of the subset.
PARTS = ("catalogue", "coefficient", "deviation")
# Of the region's score, and of an institution's, in the same way; the three of a case stand last in both.
OF_REGION = ("cases", "mix", *PARTS)
OF_INSTITUTION = ("volume", "mix", "shift", *PARTS)
Objects = NDArray[Any]  # of whole numbers without bound


@dataclass(frozen=True, slots=True)
class Group:
    """One group of both years. before, after: its code in each, "" where that year's catalogue lacks it; both "": cases without
    a catalogue score. category: three characters of its diagnosis, or its own code where it has none. name: the later one."""

    before: str
    after: str
    category: str
    name: str

    @property
    def code(self) -> str:
        return self.after or self.before

    @property
    def codes(self) -> tuple[str, str]:
        return self.before, self.after


@dataclass(frozen=True)
class Ratio:
    """Exact ratios, one a cell; denominators are positive."""

    over: Objects
    under: Objects

    def at(self, i: int) -> Fraction:
        return Fraction(int(self.over[i]), int(self.under[i]))

    def __mul__(self, other: Ratio) -> Ratio:
        return Ratio(self.over * other.over, self.under * other.under)

    def differs(self, other: Ratio) -> NDArray[np.bool_]:
        """In which cells the two are not equal."""
        return (self.over * other.under != other.over * self.under).astype(bool)

    def where(self, rows: Ints) -> Ratio:
        return Ratio(self.over[rows], self.under[rows])


@dataclass(frozen=True)
class Cells:
    """Sorted by institution, category, group; pairs are (before, after).

    institution, group: of each cell, into `institutions` and `groups`. cases: of each cell. catalogue, coefficient, realised:
    of each cell; a cell without cases in a year has that year's catalogue score and the institution's coefficient where they
    exist, else the other year's, and realised 1. days: what a catalogue score by the day is multiplied with, 1 of any other.
    score: of each cell, over COARSE. rw, rw_k: sums of the catalogue scores, and of those times coefficient, over MIDDLE.
    """

    fund: str
    institutions: tuple[Institution, ...]
    groups: tuple[Group, ...]
    institution: Ints
    group: Ints
    cases: tuple[Ints, Ints]
    catalogue: tuple[Ratio, Ratio]
    coefficient: tuple[Ratio, Ratio]
    realised: tuple[Ratio, Ratio]
    days: tuple[Ratio, Ratio]
    score: tuple[Objects, Objects]
    rw: tuple[Objects, Objects]
    rw_k: tuple[Objects, Objects]

    def __len__(self) -> int:
        return len(self.group)

    @cached_property
    def starts(self) -> Ints:
        """Where each institution's cells begin; every institution has some."""
        return np.flatnonzero(np.diff(self.institution, prepend=-1))

    @cached_property
    def category_starts(self) -> Ints:
        """Where each institution's categories begin."""
        numbers = {one: i for i, one in enumerate(dict.fromkeys(group.category for group in self.groups))}
        category = np.array([numbers[one.category] for one in self.groups] or [0], np.int64)[self.group]
        return np.flatnonzero(np.diff(self.institution * (len(numbers) + 1) + category, prepend=-1))

    @cached_property
    def total(self) -> tuple[int, int]:
        """Cases of the fund."""
        return int(self.cases[0].sum()), int(self.cases[1].sum())

    def per_case(self, rows: Ints | None = None, *, base: bool = False) -> list[Ratio]:
        """The score of one case by subset of PARTS; base: before coefficient and deviation, which then move nothing else."""

        def picked(one: Ratio) -> Ratio:
            return one if rows is None else one.where(rows)

        c = [picked(one) for one in self.catalogue]
        if base:
            days = [picked(one) for one in self.days]
            return [c[mask & 1] * days[mask >> 2] for mask in range(8)]
        k = [picked(one) for one in self.coefficient]
        d = [picked(one) for one in self.realised]
        with_k = [[c[i] * k[j] for j in (0, 1)] for i in (0, 1)]
        return [with_k[mask & 1][mask >> 1 & 1] * d[mask >> 2] for mask in range(8)]

    def of(self, code: str) -> Ints:
        """The cells of one institution."""
        return np.flatnonzero(self.institution == [one.code for one in self.institutions].index(code))


# -- values by subset ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sums:
    """Scores over COARSE by subset of OF_REGION: of the region, and what each institution and each group adds to them, over
    FINE and short of the number of cases, which `points` brings in."""

    total: tuple[int, int]
    region: tuple[int, ...]
    by_institution: tuple[Objects, ...]
    by_group: tuple[Objects, ...]

    def points(self, factor: str, by: str) -> list[Fraction]:
        """What each institution ("institutions") or group ("groups") adds to a factor's part of the change in the region's
        score; they sum to that part, but for the last of its twelve decimals."""
        inner = self.by_institution if by == "institutions" else self.by_group
        table = [self.total[mask & 1] * inner[mask >> 1] for mask in range(1 << len(OF_REGION))]
        found = shapley.numerators(table, len(OF_REGION))[OF_REGION.index(factor)]
        return [Fraction(int(one), factorial(len(OF_REGION)) * FINE) for one in found]


def region_sums(cells: Cells, progress: Progress = SILENT, *, base: bool = False) -> Sums:
    """Shares of the fund's cases times the score of a case, times the number of cases."""
    one_case = cells.per_case(base=base)
    by_group = np.argsort(cells.group, kind="stable")
    group_starts = np.flatnonzero(np.diff(cells.group[by_group], prepend=-1))
    present = cells.group[by_group][group_starts]
    institutions: list[Objects] = []
    groups: list[Objects] = []
    whole: list[int] = []
    share = [Ratio(cells.cases[y].astype(object), np.full(len(cells), max(1, cells.total[y]), object)) for y in (0, 1)]
    for inner in _products(cells, share, one_case, base, "attribute_mix", progress):
        institutions.append(np.add.reduceat(inner, cells.starts) if len(inner) else inner)
        spread = np.zeros(len(cells.groups), object)
        if len(inner):
            spread[present] = np.add.reduceat(inner[by_group], group_starts)
        groups.append(spread)
        whole.append(int(institutions[-1].sum()) if len(inner) else 0)
    region = tuple(_cut(cells.total[mask & 1] * whole[mask >> 1] * COARSE, FINE) for mask in range(32))
    return Sums(cells.total, region, tuple(institutions), tuple(groups))


def institution_values(cells: Cells, progress: Progress = SILENT) -> list[Objects]:
    """The score of each institution over COARSE, by subset of OF_INSTITUTION."""
    if not len(cells):
        return [np.zeros(0, object)] * 64
    one_case = cells.per_case()
    starts = cells.category_starts
    owner = cells.institution[starts]
    whose = np.flatnonzero(np.diff(owner, prepend=-1))
    within, of_category = _shares(cells.cases, starts)
    across, of_institution = _shares(of_category, whose)
    shifted: list[Objects] = []  # by subset of shift and PARTS: the score of one case of each category
    for inner in _products(cells, within, one_case, False, "attribute_shift", progress):
        shifted.append(np.add.reduceat(inner, starts))
    mixed: list[Objects] = []  # by subset of mix, shift and PARTS: the score of one case of each institution
    for mask in range(32):
        share = across[mask & 1]
        inner = _cut(share.over * shifted[mask >> 1] * MIDDLE, share.under * FINE)
        mixed.append(np.add.reduceat(inner, whose))
    volume = [one.astype(object) for one in of_institution]
    return [_cut(volume[mask & 1] * mixed[mask >> 1] * COARSE, MIDDLE) for mask in range(64)]


def cell_points(cells: Cells, code: str) -> tuple[Ints, dict[str, list[Fraction]]]:
    """The cells of one institution, and by factor of OF_INSTITUTION what each adds to that factor's part."""
    rows = cells.of(code)
    one_case = cells.per_case(rows)
    starts = cells.category_starts
    category = np.searchsorted(starts, rows, side="right") - 1
    own = np.unique(category)
    within, of_category = _shares(cells.cases, starts)
    within = [one.where(rows) for one in within]
    across, volume = _shares((of_category[0][own], of_category[1][own]), np.zeros(1, np.int64))
    of_row = np.searchsorted(own, category)
    across = [one.where(of_row) for one in across]
    table: list[Objects] = []
    for mask in range(64):
        share = across[mask >> 1 & 1] * within[mask >> 2 & 1] * one_case[mask >> 3]
        table.append(_cut(int(volume[mask & 1][0]) * share.over * MIDDLE, share.under))
    found = shapley.numerators(table, len(OF_INSTITUTION))
    return rows, {
        factor: [Fraction(int(one), factorial(len(OF_INSTITUTION)) * MIDDLE) for one in part]
        for factor, part in zip(OF_INSTITUTION, found, strict=True)
    }


def _products(
    cells: Cells, share: Sequence[Ratio], one_case: Sequence[Ratio], base: bool, stage: str, progress: Progress
) -> list[Objects]:
    """Each cell's share times the score of a case over FINE, by subset of share and PARTS. A cell is not computed again where
    one of the factors that changed is the same for it in both years."""
    k, d = (cells.coefficient, cells.realised) if not base else (cells.days, cells.days)
    moved = [one.differs(other) for one, other in ((share[0], share[1]), cells.catalogue, k, d)]
    tables: list[Objects] = []
    for mask in range(16):
        step(progress, stage, mask, 16)
        found = tables[mask & (mask - 1)].copy() if mask else np.zeros(len(cells), object)
        new = np.ones(len(cells), bool)
        for bit in range(4):
            if mask >> bit & 1:
                same = np.flatnonzero(new & ~moved[bit])
                found[same] = tables[mask ^ 1 << bit][same]
                new &= moved[bit]
        rows = np.flatnonzero(new)
        own, case = share[mask & 1].where(rows), one_case[mask >> 1].where(rows)
        found[rows] = _cut(own.over * FINE * case.over, own.under * case.under)
        tables.append(found)
    return tables


def _shares(cases: Sequence[Ints], starts: Ints) -> tuple[list[Ratio], list[Ints]]:
    """Each row's share of its span, before and after, and the spans' own cases. A span without cases in a year is divided as
    in the other."""
    wholes = [np.add.reduceat(one, starts) for one in cases]
    span = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(cases[0]))))
    found: list[Ratio] = []
    for y in (0, 1):
        own, other = wholes[y][span], wholes[1 - y][span]
        over = np.where(own > 0, cases[y], cases[1 - y])
        under = np.maximum(np.where(own > 0, own, other), 1)
        found.append(Ratio(over.astype(object), under.astype(object)))
    return found, wholes


def _cut(over: Any, under: Any) -> Any:
    """The nearest whole number: working decimals, far below any that is shown or rounded by a pack."""
    return (2 * over + under) // (2 * under)
