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
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.catalogue import spread
from core.money import round_ratio
from core.progress import SILENT, Progress, step
from core.settlement.arrivals import Codes, frozen
from core.settlement.year import Mark, mark, rows_stand

if TYPE_CHECKING:
    from core.storage.workspace import Workspace

PERCENTILES = (5, 25, 50, 75, 95)
_CHUNK = 512  # rows that stay in the processor's cache while they are turned into columns
_YEAR = Path(__file__).with_name("group_year.sql").read_text("utf-8")

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Figures:
    """A group in a year, in brief. mean: fen. cv: standard deviation over mean, None without cost."""

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
    home = workspace.region[: 2 if province else 4]
    beyond = home[:-1] + chr(ord(home[-1]) + 1) if home else ""
    total = connection.execute("SELECT count(*) FROM cases WHERE year = ?", (year,)).fetchone()[0]
    cursor = connection.execute(_YEAR, {"year": year, "home": home, "beyond": beyond})
    pieces: list[list[NDArray[Any]]] = [[] for _ in range(8)]
    texts = {1: Codes(), 2: Codes()}  # institution and group
    done = 0
    while chunk := cursor.fetchmany(_CHUNK):
        for place, values in enumerate(zip(*chunk, strict=True)):
            if place in texts:
                pieces[place].append(np.fromiter(map(texts[place].__getitem__, values), np.int32, len(chunk)))
            else:
                pieces[place].append(np.fromiter(values, np.int64, len(chunk)))
        done += len(chunk)
        step(progress, "read_cases", done, total)
    case_id, institution, group, fee, days, drug, consumable, fund = (
        _joined(own, np.int32 if place in texts else np.int64) for place, own in enumerate(pieces)
    )
    names, places = _in_order(texts[1])
    institution = places[institution]
    codes, places = _in_order(texts[2])
    group = places[group].astype(np.int64)
    order = np.lexsort((case_id, group))
    size = np.bincount(group, minlength=len(codes))
    sums = spread.sums(group, len(codes), fee)
    figures = {
        code: Figures(n, round_ratio(whole, n), spread.cv(n, whole, sums.square(at)))
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


def _joined(pieces: list[NDArray[Any]], kind: type[Any]) -> NDArray[Any]:
    return np.concatenate(pieces) if pieces else np.empty(0, kind)


def _in_order(seen: Mapping[str, int]) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    """The texts in order, and the place of each number among them."""
    ordered = tuple(sorted(seen))
    places = np.zeros(max(1, len(seen)), np.int32)
    for place, text in enumerate(ordered):
        places[seen[text]] = place
    return ordered, places
