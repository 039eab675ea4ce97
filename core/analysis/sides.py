"""What the sides of a comparison treat: an institution, a level of hospitals, the region, by disease group.

A side is cut from the year's cases (`group_year`) when it is first asked for, and kept with them: levels and the region
are the same whoever is compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np

from core.analysis import group_year
from core.analysis.group_year import GroupYear, Ints
from core.analysis.mix import Cases
from core.catalogue import spread
from core.money import round_ratios
from core.progress import SILENT, Progress
from core.rules.cases import FUNDS
from core.settlement.arrivals import frozen
from core.settlement.year import institutions
from core.worksheet import Cells, column_of

if TYPE_CHECKING:
    from core.rules.sheet import Institution
    from core.storage.workspace import Workspace

QUARTILES = (25, 50, 75)
REGION = "region"


def level_key(level: int) -> str:
    return f"level.{level}"


@dataclass(frozen=True)
class Side:
    """One element a group of `Sides.codes`. cost: fen. stayed: cases that state their stay, days: of these.

    square: sums of squared fees, as `spread.Sums`. quartiles: of fees by linear interpolation, to the fen; 0 without cases.
    """

    codes: tuple[str, ...]
    cases: Ints
    cost: Ints
    stayed: Ints
    days: Ints
    square: spread.Sums
    quartiles: Mapping[int, Ints]
    _columns: dict[str, Cells] = field(default_factory=dict[str, "Cells"], repr=False)

    def mean(self, group: int) -> Fraction | None:
        """Yuan."""
        n = int(self.cases[group])
        return Fraction(int(self.cost[group]), 100 * n) if n else None

    def stay(self, group: int) -> Fraction | None:
        """Days, of the cases that state any."""
        n = int(self.stayed[group])
        return Fraction(int(self.days[group]), n) if n else None

    def cv(self, group: int) -> Fraction | None:
        """None also of a single case: it does not spread."""
        n = int(self.cases[group])
        return spread.cv(n, int(self.cost[group]), self.square.square(group)) if n > 1 else None

    def quartile(self, share: int, group: int) -> Fraction | None:
        """Yuan."""
        return Fraction(int(self.quartiles[share][group]), 100) if self.cases[group] else None

    def column(self, figure: str) -> Cells:
        """One of `mean`, `stay`, `cv`, `p25`, `p50`, `p75` of every group; made once."""
        if figure not in self._columns:
            each = (
                partial(self.quartile, int(figure[1:])) if figure.startswith("p")
                else {"mean": self.mean, "stay": self.stay, "cv": self.cv}[figure]
            )  # fmt: skip
            self._columns[figure] = frozen(column_of([each(group) for group in range(len(self.codes))], "exact"))
        return self._columns[figure]

    @cached_property
    def by_group(self) -> Cases:
        """Cases and cost of every group that has any, those of no group under ""."""
        there = np.flatnonzero(self.cases).tolist()
        return {self.codes[g]: (int(self.cases[g]), int(self.cost[g])) for g in there}


class Sides:
    """The sides of one year and fund ("" both), by institution code, `level_key` or REGION."""

    def __init__(self, year: GroupYear, registered: Mapping[str, Institution], fund: str) -> None:
        self.year = year
        self.registered = registered
        self.codes = tuple(year.codes)
        self._wanted = year.fund == FUNDS.index(fund) if fund else np.ones(len(year.fund), np.bool_)
        self._group = np.repeat(np.arange(len(self.codes), dtype=np.int64), np.diff(year.start))
        self._level = np.array([registered[code].level for code in year.institutions] or [0], np.int64)
        self._made: dict[str, Side] = {}

    def __getitem__(self, key: str) -> Side:
        if key not in self._made:
            self._made[key] = self._side(key)
        return self._made[key]

    def _side(self, key: str) -> Side:
        year = self.year
        rows = self._wanted
        if key.startswith("level."):
            rows = rows & (self._level == int(key.removeprefix("level.")))[year.institution]
        elif key in year.institutions:
            rows = rows & (year.institution == year.institutions.index(key))
        elif key != REGION:  # registered, and without cases
            rows = np.zeros_like(rows)
        group, fee, days = self._group[rows], year.fee[rows], year.days[rows]
        count = len(self.codes)
        sums = spread.sums(group, count, fee)
        stated = days >= 0
        return Side(
            self.codes,
            sums.count,
            sums.total,
            spread.counts(group[stated], count),
            spread.totals(group[stated], count, days[stated]),
            sums,
            _quartiles(group, fee, sums.count),
        )


def _quartiles(group: Ints, fee: Ints, size: Ints) -> dict[int, Ints]:
    """Of groups in ascending order."""
    ordered = fee[np.lexsort((fee, group))]
    start = np.cumsum(size) - size
    there = np.flatnonzero(size)
    first, last = start[there], size[there] - 1
    found: dict[int, Ints] = {}
    for share in QUARTILES:
        whole, rest = np.divmod(last * share, 100)
        below = ordered[first + whole]
        above = ordered[first + np.minimum(whole + 1, last)]
        made = np.zeros(len(size), np.int64)
        made[there] = round_ratios(below * 100 + rest * (above - below), 100)
        found[share] = frozen(made)
    return found


_kept: dict[tuple[str, bool], Sides] = {}  # by fund and area, all of one year


def forget() -> None:
    """Drop what is kept."""
    _kept.clear()
    group_year.forget()


def of(
    workspace: Workspace, year: int, fund: str = "", progress: Progress = SILENT, *, province: bool = False
) -> Sides:
    """The sides of a year, kept as long as its cases are. province: patients of all of it are in scope."""
    cases = group_year.of(workspace, year, progress, province=province)
    key = fund, province
    kept = _kept.get(key)
    if kept is None or kept.year is not cases:
        for old in [name for name, one in _kept.items() if one.year.year != year]:
            del _kept[old]
        kept = _kept[key] = Sides(cases, institutions(workspace.reader()), fund)
    return kept
