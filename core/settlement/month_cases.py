"""A year's cases summed month by month: read, grouped and scored once for all twelve.

A case belongs to the month that it was settled in. What is said of the year's cases as a whole (left out, odd) is said
by the year's clearing; here it is only what concerns one month.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from core.faults import Refused, Usage
from core.findings import Finding
from core.progress import Progress, step
from core.rules import case_scores
from core.rules.cases import FUNDS, CaseScores, CaseTable, Ints
from core.settlement import annual, applied, gather
from core.settlement.coefficients import SetHead
from core.settlement.doubts import ordered
from core.settlement.exact import sums
from core.settlement.gather import GROUPINGS
from core.settlement.given import Given
from core.settlement.given import read as read_given
from core.settlement.standing import Standing

if TYPE_CHECKING:
    from core.rules.circular import CaseRule, Pack
    from core.storage.workspace import Workspace

MONTHS = 12
SUMS = ("cases", "base_score", "total_cost", "booked", "own_pay", "other_pay", "by_item")


@dataclass(frozen=True)
class MonthCases:
    """The cases of a year with their scores. spot: of each case, place * 12 + month - 1 (`Standing.place`).

    left: fen of by-item cases by spot. head: the coefficient set that scored them.
    """

    given: Given
    head: SetHead
    standing: Standing
    cases: CaseTable
    rule: CaseRule
    scores: CaseScores
    spot: Ints
    left: Mapping[int, int]
    blocked: tuple[Finding, ...]

    def spot_of(self, fund: str, code: str, month: int) -> int:
        """-1 for an institution without any case in the year."""
        at = self._institutions.get(code, -1)
        return -1 if at < 0 else (FUNDS.index(fund) * len(self._institutions) + at) * MONTHS + month - 1

    def codes(self, fund: str, month: int) -> tuple[str, ...]:
        """The institutions that have cases in the month, by-item ones too, by code."""
        return tuple(
            code for code in self._institutions if self._listed[self.spot_of(fund, code, month)]
        )

    def any_case(self, fund: str) -> bool:
        half = len(self._listed) // len(FUNDS)
        at = FUNDS.index(fund)
        return bool(self._listed[at * half : (at + 1) * half].any())

    def months(self) -> tuple[int, ...]:
        """The months of 1..12 that any case was settled in."""
        found = self._listed.reshape(-1, MONTHS).any(axis=0)
        return tuple(int(month) + 1 for month in np.flatnonzero(found))

    def sum(self, name: str, fund: str, code: str, month: int) -> Fraction:
        """cases, scores in points, amounts in yuan, a measure of the pack; 0 of one without cases."""
        at = self.spot_of(fund, code, month)
        return self._sums[name][at] if at >= 0 else Fraction(0)

    def ungrouped(self, fund: str, month: int) -> tuple[int, int]:
        """How many cases of the month have no scored group, and their fee in fen."""
        standing = self.standing
        where = (self._month == month) & (standing.rows.fund == FUNDS.index(fund))
        where &= (standing.group < 0) & (standing.special == 0)
        return int(where.sum()), int(standing.rows.fee[where].sum())

    def digest(self, month: int) -> str:
        """Of all that the month's scores are made of; the other months' cases do not come into it."""
        standing, cases = self.standing, self.cases
        where = np.flatnonzero(self._month == month)
        rows = standing.rows
        found = hashlib.sha256()
        found.update(json.dumps([cases.rw.places, cases.k.places, cases.u.places, cases.special_score.places]).encode())
        institutions = np.array([_number(code) for code in rows.institutions] or [0], np.int64)
        groups = np.array([*(_number(code) for code in rows.groups), 0], np.int64)
        for values in (
            institutions[rows.institution[where]], groups[standing.group[where]], rows.fund[where], rows.day[where],
            rows.fee[where], rows.booked[where], standing.own_pay[where], rows.other_pay[where], cases.rw.values[where],
            cases.k.values[where], cases.u.values[where], cases.reference[where], cases.special_score.values[where],
        ):  # fmt: skip
            found.update(np.ascontiguousarray(values).tobytes())
        found.update("\n".join(rows.setl_id[where].tolist()).encode())
        found.update(json.dumps(sorted((at, fen) for at, fen in self.left.items() if at % MONTHS == month - 1)).encode())
        return found.hexdigest()

    @cached_property
    def _institutions(self) -> dict[str, int]:
        return {code: i for i, code in enumerate(self.standing.rows.institutions)}

    @cached_property
    def _month(self) -> Ints:
        return self.spot % MONTHS + 1

    @cached_property
    def _listed(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        found = np.zeros(len(FUNDS) * len(self._institutions) * MONTHS, bool)
        found[self.spot] = True
        found[list(self.left)] = True
        return found

    @cached_property
    def _sums(self) -> dict[str, list[Fraction]]:
        standing, scores = self.standing, self.scores
        rows, spots = standing.rows, len(self._listed)
        by_item = [Fraction(self.left.get(at, 0), 100) for at in range(spots)]

        def summed(values: Ints, scale: int) -> list[Fraction]:
            return [Fraction(one, scale) for one in sums(values, self.spot, spots)]

        found = {
            "cases": [Fraction(int(n)) for n in np.bincount(self.spot, minlength=spots)],
            "base_score": summed(standing.rw.values, 10**standing.rw.places),
            "total_cost": summed(rows.fee, 100),
            "booked": summed(rows.booked, 100),
            "own_pay": summed(standing.own_pay, 100),
            "other_pay": summed(rows.other_pay, 100),
            "by_item": by_item,
        }
        if scores.score is not None:
            found["score"] = summed(scores.score.values, 10**scores.score.places)
        else:
            found["score"] = annual.exact_totals(self.spot.tolist(), scores.exact or (), spots)
        for name, values in scores.measures.items():
            found[name] = summed(values.values, 10**values.places)
        return found


def _number(code: str) -> int:
    """A code as a number that no other code's presence changes."""
    return int.from_bytes(hashlib.sha256(code.encode()).digest()[:8], "big", signed=True)


def read(
    workspace: Workspace,
    year: int,
    pack: Pack,
    *,
    funds: Sequence[str] = FUNDS,
    set_name: str | None = None,
    catalogue: str | None = None,
    grouping: str = "official",
    progress: Progress,
) -> MonthCases:
    """The year's cases scored as its clearing scores them; no budget is asked for.

    What blocks only some months stands in `blocked` with its days; Refused("month_blocked", findings) for what blocks all.
    """
    if grouping not in GROUPINGS:
        raise Usage("grouping_unknown", what=grouping, known=", ".join(GROUPINGS))
    connection = workspace.reader()
    with gather.snapshot(connection):
        standing = gather.standing_of(workspace, connection, year, pack, catalogue, grouping, progress)
        step(progress, "gather", 0)
        given = read_given(workspace, connection, year, funds, set_name)
        left = _left(connection, standing)
    blocked = [f for f in standing.findings if f.severity == "blocked" and f.values.get("fund", funds[0]) in funds]
    if given.head is None:
        blocked.append(Finding("set_missing", "blocked", value=set_name or ""))
    if not len(standing.rows) and not left:
        blocked.append(Finding("no_cases", "blocked", values={"year": str(year)}))
    if blocked or given.head is None:
        raise Refused("month_blocked", ordered(blocked), month=year, count=len(blocked))
    with_k = applied.apply(standing, given.content, funds, year, given.head.name)
    scores = _scores(standing, with_k.cases, given.head, pack, progress)
    spot = standing.place * MONTHS + standing.rows.day // 100 % 100 - 1
    spot.setflags(write=False)
    found = MonthCases(given, given.head, standing, with_k.cases, pack.case, scores, spot, left, with_k.findings)
    _kept[:] = [found]
    return found


_kept: list[MonthCases] = []  # the last year


def forget() -> None:
    """Drop what is kept of the last year."""
    _kept.clear()


def _scores(standing: Standing, cases: CaseTable, head: SetHead, pack: Pack, progress: Progress) -> CaseScores:
    """From the clearing that scored the same cases, or the last month, else scored now."""
    for one in annual.kept():
        same = one.inputs.standing is standing and one.rule == pack.case
        if same and one.inputs.stamps.set_hash == head.hash and not one.inputs.stamps.tried:
            return one.scores
    for last in _kept:
        if last.standing is standing and last.rule == pack.case and last.head.hash == head.hash:
            return last.scores
    step(progress, "score_cases", 0, len(cases))
    return case_scores.score(pack.case, cases, progress)


def _left(connection: sqlite3.Connection, standing: Standing) -> dict[int, int]:
    found: dict[int, int] = {}
    rows = connection.execute(
        "SELECT setl_id, day, hifp_pay FROM json_each(?) AS paid CROSS JOIN cases ON setl_id = paid.value AND sign = 1",
        (json.dumps(sorted(standing.left)),),
    )
    for setl_id, day, booked in rows if standing.left else ():
        at = standing.left[setl_id] * MONTHS + day // 100 % 100 - 1
        found[at] = found.get(at, 0) + booked
    return found
