"""The cases of one year by the group that the bureau states, as arrays: a group's page, the browser's filters and the
comparison of institutions are cut from it.

A case counts when a clearing would count it: net of refunds, in scope, at a registered institution. A year is read once,
and kept while the ledger lets its rows stand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core.analysis import counted
from core.catalogue import spread
from core.money import round_ratio
from core.progress import SILENT, Progress, step
from core.settlement.arrivals import frozen
from core.settlement.year import Mark, institutions, mark, rows_stand

if TYPE_CHECKING:
    from core.storage.workspace import Workspace

PERCENTILES = (5, 25, 50, 75, 95)
_SELECT = {
    "case_id": "case_id",
    "group": counted.STATED,
    "fee": "fee",
    "days": "coalesce(act_ipt_days, -1)",
    "drug": "coalesce(drug_fee, -1)",
    "consumable": "coalesce(consumable_fee, -1)",
    "fund": "fund",
}

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Figures:
    """A group in a year, in brief. mean: fen. cv: standard deviation over mean, None without cost or of one case."""

    cases: int
    mean: int
    cv: Fraction | None


@dataclass(frozen=True)
class GroupYear:
    """One element a case, cases of a group together: group codes[g] has rows start[g] up to start[g + 1].

    Cases of no group stand first, under the code "". fee: fen. fund: index into FUNDS. days, drug, consumable: -1 where
    the case states none. figures: every group that has cases.
    """

    year: int
    codes: Mapping[str, int]
    start: Ints
    case_id: Ints
    institutions: tuple[str, ...]
    institution: NDArray[np.int32]
    fund: NDArray[np.int8]
    fee: Ints
    days: Ints
    drug: Ints
    consumable: Ints
    figures: Mapping[str, Figures]

    def rows_of(self, codes: Iterable[str]) -> NDArray[np.intp]:
        runs = [
            np.arange(self.start[at], self.start[at + 1])
            for code in sorted(set(codes))
            if (at := self.codes.get(code)) is not None
        ]
        return np.concatenate(runs) if runs else np.empty(0, np.intp)


_kept: dict[tuple[Path, str], dict[tuple[int, bool], tuple[Mark, GroupYear]]] = {}


def forget() -> None:
    """Drop what is kept."""
    _kept.clear()


def of(
    workspace: Workspace, year: int, progress: Progress = SILENT, *, province: bool = False
) -> GroupYear:
    """The year, from memory where no ledger line since then touched its rows. province: patients of all of it are in scope."""
    key = workspace.path, workspace.created
    if key not in _kept:
        _kept.clear()  # one workspace at a time
    years = _kept.setdefault(key, {})
    connection = workspace.reader()
    now = mark(connection)
    kept = years.get((year, province))
    stands = kept is not None and rows_stand(connection, kept[0])
    found = kept[1] if kept is not None and stands else _read(workspace, year, progress, province)
    years[year, province] = now, found
    return found


def _read(workspace: Workspace, year: int, progress: Progress, province: bool) -> GroupYear:
    connection = workspace.reader()
    step(progress, "read_cases", 0)
    where = counted.bounds(workspace.region, province)
    found = counted.read(connection, year, where, institutions(connection), _SELECT, ["group"])
    names, institution = found.codes, found.place
    case_id, fee, days, drug, consumable, fund = (found.numbers[name] for name in _SELECT if name != "group")
    codes, group = counted.listed(found.texts["group"])
    group = group.astype(np.int64)
    del found
    step(progress, "read_cases", len(group), len(group))
    order = np.lexsort((case_id, group))
    size = np.bincount(group, minlength=len(codes))
    sums = spread.sums(group, len(codes), fee)
    figures = {
        code: Figures(n, round_ratio(whole, n), spread.cv(n, whole, sums.square(at)) if n > 1 else None)
        for at, (code, n, whole) in enumerate(zip(codes, sums.count.tolist(), sums.total.tolist(), strict=True))
        if code
    }
    fund = (fund - 1).astype(np.int8)
    made = [frozen(values[order]) for values in (case_id, institution, fund, fee, days, drug, consumable)]
    start = frozen(np.concatenate([[0], np.cumsum(size)]).astype(np.int64))
    return GroupYear(
        year, {code: at for at, code in enumerate(codes)}, start, made[0], names, made[1], made[2], made[3], made[4], made[5],
        made[6], figures,
    )  # fmt: skip
