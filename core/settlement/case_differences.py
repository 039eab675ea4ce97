"""The cases that differ from the bureau's list: with another score there, missing from it, or only in it.

Decisions where nothing is said: a case is missing only from a list that has other cases of its institution; a case that is
nowhere in this workspace counts for the fund in which the institution has cases, or, with both, for that whose official
score it fits.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from core.progress import Progress
from core.rules import case_scores
from core.rules.cases import FUNDS, SPECIAL_ADJUSTED, CaseTable, Ints, Scaled
from core.settlement.annual import Scored, totals_of, totals_of_fund
from core.settlement.arrivals import NETTING, SCOPE
from core.settlement.case_split import Found, explain
from core.settlement.causes import EXTRA, MISSING
from core.settlement.exact import places_of, scaled
from core.settlement.official import OfficialCases, OfficialSheet
from core.settlement.scene import ENDLESS, Scene

if TYPE_CHECKING:
    from core.rules.circular import CaseRule, Pack
    from core.storage.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Case:
    """One case that differs. own, official: its score, None where the one side has none. parts: cause -> points.

    detail: what explains it, a key of the words and a value. money: fee, booked, own and other payments, fen, None unknown.
    """

    setl_id: str
    fund: str
    code: str
    own: Fraction | None
    official: Fraction | None
    parts: Mapping[str, Fraction]
    detail: tuple[str, str]
    row: int  # in the official list, -1
    at: int  # among the cases that count here, -1
    money: tuple[int, int, int, int] | None = None
    rw: Fraction = Fraction(0)
    measures: Mapping[str, Fraction] = field(default_factory=dict[str, Fraction])  # of a case on one side only

    @property
    def difference(self) -> Fraction:
        return (self.official or Fraction(0)) - (self.own or Fraction(0))



def own_scores(pack: Pack, scored: Scored, progress: Progress) -> Scaled:
    """As the pack rounds them; of one that does not, to as many decimals as can be held."""
    if scored.scores.score is not None:
        return scored.scores.score
    found = case_scores.score(replace(pack.case, places=ENDLESS), scored.inputs.cases, progress).score
    assert found is not None
    return found


def compared(
    workspace: Workspace,
    connection: sqlite3.Connection,
    pack: Pack,
    scored: Scored,
    own: Scaled,
    listed: OfficialCases,
    progress: Progress,
) -> tuple[Found | None, list[Case], int]:
    """Why cases on both sides differ; the cases that the list lacks; how many were compared."""
    cases, standing = scored.inputs.cases, scored.inputs.standing
    row = np.full(len(cases), -1, np.int64)
    there = np.flatnonzero(listed.at >= 0)
    row[listed.at[there]] = there
    both = np.flatnonzero(row >= 0)
    both = both[listed.score.there[row[both]]]
    theirs = listed.score.value.values[row[both]]
    places = max(own.places, listed.score.value.places)
    a = own.values[both] * 10 ** (places - own.places)
    differ = both[a != theirs * 10 ** (places - listed.score.value.places)]
    found = None
    if len(differ):
        scene = Scene(workspace, connection, pack, scored, listed, differ, row[differ], progress)
        found = explain(scene)
    # A list holds a place, an institution's cases of a fund, when it has any of them.
    held = np.zeros(len(standing.listed), bool)
    in_list = listed.at[(listed.at >= 0) & listed.listed]
    held[standing.place[in_list]] = True
    lost = np.flatnonzero((row < 0) & held[standing.place])
    names = (*cases.institutions, "")
    missing = [
        Case(
            str(cases.setl_id[i]), FUNDS[int(cases.fund[i])], names[int(cases.institution[i])], own.at(i), None,
            {MISSING: -own.at(i)}, ("missing", ""), -1, i,
            (int(cases.fee[i]), int(cases.booked[i]), int(cases.own_pay[i]), int(cases.other_pay[i])), cases.rw.at(i),
            {name: values.at(i) for name, values in scored.scores.measures.items()},
        )
        for i in lost.tolist()
    ]  # fmt: skip
    return found, missing, len(both)


def extra(
    connection: sqlite3.Connection, pack: Pack, scored: Scored, listed: OfficialCases, said: Mapping[str, OfficialSheet]
) -> list[Case]:
    """Cases of the list that do not count here, with why."""
    standing = scored.inputs.standing
    codes = standing.rows.institutions
    found: list[Case] = []
    rows = np.flatnonzero((listed.at < 0) & listed.score.there)
    ids = [str(listed.setl_id[i]) for i in rows.tolist()]
    known: dict[str, tuple[int, ...]] = {}
    for start in range(0, len(ids), 500):
        some = ids[start : start + 500]
        for setl_id, *rest in connection.execute(
            "SELECT setl_id, fund, netting, scope, fixmedins_code, fee, hifp_pay, own_pay, other_pay FROM cases"
            f" WHERE sign = 1 AND setl_id IN ({','.join('?' * len(some))})",
            some,
        ):
            known[setl_id] = tuple(rest)
    for i, setl_id in zip(rows.tolist(), ids, strict=True):
        score = listed.score.value.at(i)
        rw = listed.rw.of(i) or Fraction(0)
        code = listed.codes[listed.code[i]] if listed.codes else ""
        money: tuple[int, int, int, int] | None = None
        reason = ("unknown", "")
        fund = ""
        if setl_id in known:
            number, netting, scope, own_code, fee, booked, own_pay, other_pay = known[setl_id]
            code = code or str(own_code)
            money = (fee, booked, own_pay, other_pay)
            fund = FUNDS[number - 1] if number else ""
            why = NETTING.get(netting) or SCOPE.get(scope)
            if why:
                reason = ("out", why)
            elif setl_id in standing.left:
                reason = ("by_item", "")
            else:
                reason = ("out", "unregistered" if own_code not in standing.registered else "area")
        if not fund:
            fund = _fund_of(code, codes, standing.listed.tolist(), said, score, scored)
        found.append(Case(setl_id, fund, code, None, score, {EXTRA: score}, reason, i, -1, money, rw))
    return _measured(pack.case, found) if pack.case.measures else found


def _measured(rule: CaseRule, cases: Sequence[Case]) -> list[Case]:
    """With the pack's measures, where the money of a case is known: as if its score were a decided one."""
    known = [i for i, one in enumerate(cases) if one.money is not None and one.official is not None]
    made = list(cases)
    if not known:
        return made
    money = np.array([cases[i].money for i in known], np.int64).reshape(-1, 4)
    count = len(known)
    official = [cases[i].official or Fraction(0) for i in known]
    rw = [cases[i].rw for i in known]
    none, one = np.zeros(count, np.int64), Scaled(np.ones(count, np.int64), 0)
    index = np.zeros(count, np.int32)
    table = CaseTable(
        np.array([cases[i].setl_id for i in known], dtype=object), ("",), ("",), index.astype(np.int8), index, index, none,
        money[:, 0], money[:, 1], money[:, 2], money[:, 3], scaled(rw, places_of(rw)),
        one, one, none, index.astype(np.int8), np.full(count, SPECIAL_ADJUSTED, np.int8), scaled(official, places_of(official)),
    )  # fmt: skip
    figures = case_scores.score(rule, table).measures
    for n, i in enumerate(known):
        made[i] = replace(cases[i], measures={name: values.at(n) for name, values in figures.items()})
    return made


def _fund_of(
    code: str,
    codes: Sequence[str],
    held: Sequence[bool],
    said: Mapping[str, OfficialSheet],
    score: Fraction,
    scored: Scored,
) -> str:
    """The fund that a case of nowhere counts in; "" where nothing tells."""
    funds = [
        fund
        for f, fund in enumerate(FUNDS)
        if fund in scored.inputs.institutions
        and ((code in codes and held[f * len(codes) + list(codes).index(code)]) or code in said[fund].codes)
    ]
    if len(funds) < 2:
        return funds[0] if funds else ""
    totals = totals_of(scored.inputs.standing, scored.scores)
    gaps: list[tuple[Fraction, str]] = []
    for fund in funds:
        listed = scored.inputs.institutions[fund]
        own = dict(
            zip(
                [one.code for one in listed],
                totals_of_fund(scored.inputs.standing, totals, fund, listed)["score"],
                strict=True,
            )
        )
        wanted = said[fund].institutions.get("score", {}).get(code)
        if wanted is not None:
            gaps.append((abs(wanted - own.get(code, Fraction(0)) - score), fund))
    return min(gaps)[1] if gaps else funds[0]


def differing(scored: Scored, own: Scaled, listed: OfficialCases, found: Found, rows: Ints) -> list[Case]:
    """Some of the cases on both sides whose scores differ."""
    cases = scored.inputs.cases
    row = np.full(len(cases), -1, np.int64)
    there = np.flatnonzero(listed.at >= 0)
    row[listed.at[there]] = there
    scale = 10**found.places
    moved = {cause: values for cause, values in found.parts.items() if bool(values.any())}
    made: list[Case] = []
    for n in rows.tolist():
        i = int(found.where[n])
        parts = {cause: Fraction(int(values[n]), scale) for cause, values in moved.items() if values[n]}
        made.append(
            Case(
                str(cases.setl_id[i]), FUNDS[int(cases.fund[i])], cases.institutions[int(cases.institution[i])], own.at(i),
                listed.score.value.at(int(row[i])), parts, found.detail[n], int(row[i]), i,
            )
        )  # fmt: skip
    return made
