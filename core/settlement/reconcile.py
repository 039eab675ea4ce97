"""Reconciliation: the result here against the bureau's, step by step and case by case, every difference with its causes.

The clearing here is made again and stored nowhere. What the bureau says comes from its two sheets (`official`); where it
gives only a list of cases, an institution's figures are their sums.
Decisions where nothing is said: a case is missing only from a list that has other cases of its institution; a case that is
nowhere in this workspace counts for the fund in which the institution has cases, or, with both, for that whose official
score it fits.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from core.faults import Refused
from core.findings import Finding
from core.money import rounded
from core.progress import SILENT, Progress, step
from core.rules import case_scores
from core.rules.cases import FUNDS, Ints, Scaled
from core.rules.sheet import Clearing, Institution
from core.settlement import causes, coefficients, official
from core.settlement.annual import Scored, score_cases, sheets, taken, totals_of, totals_of_fund
from core.settlement.arrivals import NETTING, SCOPE
from core.settlement.bridge import (
    ASSESSMENT,
    BUDGET,
    DEDUCTION,
    OF_CASES,
    PAYMENT,
    POINT_VALUE,
    SHARING,
    Bridge,
    Stage,
    bridge,
)  # fmt: skip
from core.settlement.causes import CASE_CAUSES, EXTRA, MISSING, ORDER, UNEXPLAINED, Found, Scene
from core.settlement.exact import sums
from core.settlement.official import OfficialCases, OfficialSheet

if TYPE_CHECKING:
    from core.rules.circular import Pack
    from core.storage.workspace import Workspace

CAUSES = (
    *CASE_CAUSES[:-1], POINT_VALUE, BUDGET, SHARING, ASSESSMENT, DEDUCTION, PAYMENT, UNEXPLAINED,
)  # fmt: skip
NO_FUND = -1


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

    @property
    def difference(self) -> Fraction:
        return (self.official or Fraction(0)) - (self.own or Fraction(0))


@dataclass(frozen=True)
class Reconciliation:
    """clearing: as it is here. bridges: of each fund. found: cases on both sides that differ; others: on one side only.
    compared: cases with an official score; tolerance: by step, in its unit, `case_score` for a case's."""

    clearing: Clearing
    scored: Scored
    listed: OfficialCases
    own: Scaled
    bridges: tuple[Bridge, ...]
    found: Found | None
    others: tuple[Case, ...]
    compared: int
    institutions: Mapping[str, Institution]
    tolerance: Mapping[str, Fraction]
    findings: tuple[Finding, ...]

    @property
    def count(self) -> int:
        """Of cases that differ."""
        return (len(self.found.where) if self.found is not None else 0) + len(self.others)

    @property
    def cases(self) -> list[Case]:
        return self.picked()

    def picked(self, *, fund: str = "", code: str = "", cause: str = "", most: int | None = None) -> list[Case]:
        """The cases that differ, largest first, of a fund, an institution, a cause; at most so many of those on both sides."""
        made = [
            one
            for one in self.others
            if fund in ("", one.fund) and code in ("", one.code) and (not cause or one.parts.get(cause))
        ]
        if self.found is not None:
            found, cases = self.found, self.scored.inputs.cases
            keep = np.ones(len(found.where), bool)
            if fund:
                keep &= cases.fund[found.where] == FUNDS.index(fund)
            if code:
                number = cases.institutions.index(code) if code in cases.institutions else -1
                keep &= cases.institution[found.where] == number
            if cause:
                keep &= found.parts[cause] != 0 if cause in found.parts else False
            rows = np.flatnonzero(keep)
            if most is not None and len(rows) > most:
                size = np.abs(found.difference[rows])
                rows = rows[np.argsort(-size, kind="stable")[:most]]
            made += _differing(self.scored, self.own, self.listed, found, rows)
        return sorted(made, key=lambda one: (-abs(one.difference), one.setl_id))

    def of_cause(self, fund: str, cause: str) -> tuple[int, Fraction]:
        """How many cases a cause moves, and by how many points in all."""
        mine = [one.parts[cause] for one in self.others if one.fund == fund and cause in one.parts]
        count, points = len(mine), sum(mine, Fraction(0))
        if self.found is not None and cause in self.found.parts:
            values = self.found.parts[cause][self.scored.inputs.cases.fund[self.found.where] == FUNDS.index(fund)]
            count += int(np.count_nonzero(values))
            points += Fraction(sum(sums(values, np.zeros(len(values), np.int64), 1)), 10**self.found.places)
        return count, points

    @property
    def agrees(self) -> bool:
        """Whether nothing differs by more than its tolerance."""
        if self.others or self.differing():
            return False
        if self.found is None:
            return True
        most = int(np.abs(self.found.difference).max())
        return not self.beyond("case_score", Fraction(most, 10**self.found.places))

    def beyond(self, step: str, difference: Fraction) -> bool:
        return abs(difference) > self.tolerance.get(step, Fraction(0))

    def differing(self) -> list[tuple[Bridge, str, int]]:
        """(bridge, step, institution's number or -1 for the region) beyond tolerance."""
        found: list[tuple[Bridge, str, int]] = []
        for one in self.bridges:
            for step_, value in one.official_region.items():
                if self.beyond(step_, value - one.own_region[step_]):
                    found.append((one, step_, -1))
            for step_ in one.official:
                for i in range(len(one.codes)):
                    difference = one.difference(step_, i)
                    if difference is not None and self.beyond(step_, difference):
                        found.append((one, step_, i))
        return found


def reconcile(
    workspace: Workspace,
    year: int,
    pack: Pack,
    *,
    tolerance: Mapping[str, Fraction] | None = None,
    set_name: str | None = None,
    catalogue: str | None = None,
    grouping: str = "official",
    progress: Progress = SILENT,
) -> Reconciliation:
    """Refused("official_missing") without any official result of the year; as a clearing where that is blocked."""
    connection = workspace.reader()
    scored = score_cases(
        workspace, year, pack, set_name=set_name, catalogue=catalogue, grouping=grouping, progress=progress
    )
    clearing = sheets(pack, scored)
    standing = scored.inputs.standing
    listed = official.cases(connection, year, standing.rows.setl_id, progress)
    said = {fund: official.sheet(connection, year, fund) for fund in FUNDS}
    if not len(listed) and not any(said.values()):
        raise Refused("official_missing", year=year)
    step(progress, "reconcile", 0)
    own = _own_scores(pack, scored, progress)
    found, missing, compared = _compared(workspace, connection, pack, scored, own, listed, progress)
    extra = _extra(connection, scored, listed, said)
    registered = {one.code: one for sheet in clearing.funds for one in sheet.institutions} | dict(standing.registered)
    bridges: list[Bridge] = []
    findings: list[Finding] = []
    for number, fund in enumerate(FUNDS):
        if fund in scored.inputs.institutions:
            bridges.append(
                _bridged(workspace, connection, pack, scored, listed, own, number, said[fund], found, missing, extra, progress)
            )
        elif said[fund]:
            findings.append(Finding("official_fund_absent", "warning", subject=fund))
    return Reconciliation(
        clearing, scored, listed, own, tuple(bridges), found, (*missing, *extra), compared, registered,
        dict(tolerance or {}), tuple(findings),
    )  # fmt: skip


# -- cases ---------------------------------------------------------------------------------------------------


def _own_scores(pack: Pack, scored: Scored, progress: Progress) -> Scaled:
    """As the pack rounds them; of one that does not, to as many decimals as can be held."""
    if scored.scores.score is not None:
        return scored.scores.score
    found = case_scores.score(replace(pack.case, places=causes.ENDLESS), scored.inputs.cases, progress).score
    assert found is not None
    return found


def _compared(
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
        found = causes.explain(scene)
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
        )
        for i in lost.tolist()
    ]  # fmt: skip
    return found, missing, len(both)


def _extra(
    connection: sqlite3.Connection, scored: Scored, listed: OfficialCases, said: Mapping[str, OfficialSheet]
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
    return found


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


def _differing(scored: Scored, own: Scaled, listed: OfficialCases, found: Found, rows: Ints) -> list[Case]:
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


# -- institutions ----------------------------------------------------------------------------------------------


def _bridged(
    workspace: Workspace,
    connection: sqlite3.Connection,
    pack: Pack,
    scored: Scored,
    listed: OfficialCases,
    own: Scaled,
    number: int,
    sheet: OfficialSheet,
    found: Found | None,
    missing: Sequence[Case],
    extra: Sequence[Case],
    progress: Progress,
) -> Bridge:
    fund, inputs = FUNDS[number], scored.inputs
    here = [one.code for one in inputs.institutions[fund]]
    more = sorted((sheet.codes | {one.code for one in extra if one.fund == fund and one.code}) - set(here))
    codes = sorted([*here, *more])
    totals = totals_of(inputs.standing, scored.scores)
    of_fund = totals_of_fund(inputs.standing, totals, fund, inputs.institutions[fund])
    at = {code: i for i, code in enumerate(here)}
    given = {
        name: tuple(values[at[code]] if code in at else Fraction(0) for code in codes)
        for name, values in {**inputs.institution[fund], **of_fund}.items()
    }
    stages = _stages(scored, number, codes, found, missing, extra)
    sheet = _summed(pack, scored, listed, number, codes, sheet, missing, extra, own, found)
    strangers = {one.code for one in extra if one.fund == fund and one.money is None}
    tell = _Tell(workspace, connection, pack, scored, listed, number, codes, sheet, given, strangers, progress)
    return bridge(pack, fund, codes, inputs.region[fund], given, sheet, stages, tell)


def _stages(
    scored: Scored,
    number: int,
    codes: Sequence[str],
    found: Found | None,
    missing: Sequence[Case],
    extra: Sequence[Case],
) -> list[Stage]:
    """What the cases bring to an institution's facts, cause by cause."""
    at = {code: i for i, code in enumerate(codes)}
    fund, inputs = FUNDS[number], scored.inputs
    stages: list[Stage] = []
    for cause, cases, sign in ((MISSING, missing, -1), (EXTRA, extra, 1)):
        moved: dict[str, list[Fraction]] = {}
        for one in cases:
            if one.fund != fund or one.code not in at:
                continue
            i = at[one.code]
            amounts = {"cases": Fraction(sign), "score": one.difference, "base_score": sign * one.rw}
            if one.money is not None:
                for name, amount in zip(("total_cost", "booked", "own_pay", "other_pay"), one.money, strict=True):
                    amounts[name] = Fraction(sign * amount, 100)
            if sign < 0:
                for name, values in scored.scores.measures.items():
                    amounts[name] = -values.at(one.at)
            for name, amount in amounts.items():
                moved.setdefault(name, [Fraction(0)] * len(codes))[i] += amount
        if moved:
            stages.append(Stage(cause, moved))
    if found is None:
        return stages
    own_codes = inputs.cases.institutions
    mine = np.flatnonzero(inputs.cases.fund[found.where] == number)
    place = inputs.cases.institution[found.where][mine].astype(np.int64)
    for cause in CASE_CAUSES:
        moved = {}
        for name, values, places in (
            ("score", found.parts.get(cause), found.places),
            ("base_score", found.base.get(cause), found.base_places),
        ):
            if values is None or not bool(values[mine].any()):
                continue
            amounts = [Fraction(0)] * len(codes)
            for code, value in zip(own_codes, sums(values[mine], place, len(own_codes)), strict=True):
                if value:
                    amounts[at[code]] = Fraction(value, 10**places)
            moved[name] = amounts
        if moved:
            stages.append(Stage(cause, moved))
    return stages


def _summed(
    pack: Pack,
    scored: Scored,
    listed: OfficialCases,
    number: int,
    codes: Sequence[str],
    sheet: OfficialSheet,
    missing: Sequence[Case],
    extra: Sequence[Case],
    own: Scaled,
    found: Found | None,
) -> OfficialSheet:
    """The sheet, with what the list of cases sums to where the sheet itself is silent."""
    if not len(listed):
        return sheet
    fund, cases = FUNDS[number], scored.inputs.cases
    institutions = {step: dict(own) for step, own in sheet.institutions.items()}
    region = dict(sheet.region)
    rows = np.flatnonzero((listed.at >= 0) & listed.score.there & listed.listed)
    rows = rows[cases.fund[listed.at[rows]] == number]
    place = cases.institution[listed.at[rows]].astype(np.int64)
    every = np.bincount(cases.institution[cases.fund == number], minlength=len(cases.institutions))
    stated = np.bincount(place, minlength=len(cases.institutions))
    lost: dict[str, int] = {}
    for one in missing:
        if one.fund == fund:
            lost[one.code] = lost.get(one.code, 0) + 1
    scores = sums(listed.score.value.values[rows], place, len(cases.institutions))
    more: dict[str, list[Fraction]] = {}
    for one in extra:
        if one.fund == fund and one.official is not None:
            more.setdefault(one.code, []).append(one.official)
    for i, code in enumerate(cases.institutions):
        if not stated[i] or stated[i] + lost.get(code, 0) != every[i]:
            continue  # some of its cases have no official score: there is no sum
        summed = {
            "cases": Fraction(int(stated[i]) + len(more.get(code, ()))),
            "score": Fraction(scores[i], 10**listed.score.value.places) + sum(more.get(code, ()), Fraction(0)),
        }
        for name, value in summed.items():
            institutions.setdefault(name, {}).setdefault(code, value)
    worth = listed.point_value.there[rows]
    if "point_value" not in region and bool(worth.any()):
        values = np.unique(listed.point_value.value.values[rows[worth]])
        if len(values) == 1:
            region["point_value"] = Fraction(int(values[0]), 10**listed.point_value.value.places)
    return OfficialSheet(sheet.fund, region, institutions)


class _Tell:
    """What explains a single figure of an institution: another day's coefficient, a sum of what was rounded case by case,
    or, without a list of cases, a guess that gives all its cases together the bureau's score."""

    def __init__(
        self,
        workspace: Workspace,
        connection: sqlite3.Connection,
        pack: Pack,
        scored: Scored,
        listed: OfficialCases,
        number: int,
        codes: Sequence[str],
        sheet: OfficialSheet,
        given: Mapping[str, Sequence[Fraction]],
        strangers: set[str],
        progress: Progress,
    ) -> None:
        """strangers: institutions with cases in the list whose money is known nowhere here."""
        self.workspace, self.connection, self.pack, self.scored = workspace, connection, pack, scored
        self.listed, self.number, self.codes, self.sheet, self.progress = listed, number, codes, sheet, progress
        self.given, self.strangers = given, strangers
        self._known: dict[tuple[str, int, Fraction], str] = {}

    def __call__(self, step: str, i: int, other: Fraction) -> str:
        key = (step, i, other)
        if key not in self._known:
            self._known[key] = self._told(*key)
        return self._known[key]

    def _told(self, step: str, i: int, other: Fraction) -> str:
        if step == "coefficient":
            parts = coefficients.parts(self.connection, self.scored.inputs.stamps.set_name)
            line = coefficients.timelines(parts, FUNDS[self.number]).get(self.codes[i])
            return causes.DATE if line is not None and other in line.values else causes.COEFFICIENT
        if step in OF_CASES and self.codes[i] in self.strangers:
            return EXTRA
        if step not in ("score", "gross", "due"):
            return ""
        cases = self.scored.inputs.cases
        if self.codes[i] not in cases.institutions:
            return ""
        mine = np.flatnonzero(
            (cases.fund == self.number) & (cases.institution == cases.institutions.index(self.codes[i]))
        )
        if step == "score":
            return self._score(mine, other)
        return self._money(step, mine, i, other)

    def _score(self, mine: Ints, other: Fraction) -> str:
        scores = case_scores.score(replace(self.pack.case, places=None), taken(self.scored.inputs.cases, mine))
        whole = sum(scores.exact or (), Fraction(0))
        if any(rounded(whole, places) == other for places in range(2, causes.ENDLESS + 1)):
            return ORDER
        if bool((self.listed.at >= 0).any()) and bool(np.isin(mine, self.listed.at).any()):
            return ""
        blank = np.full(len(mine), -1, np.int64)
        scene = Scene(
            self.workspace, self.connection, self.pack, self.scored, _unstated(self.listed), mine, blank, self.progress
        )
        return causes.of_sum(scene, other)

    def _money(self, step: str, mine: Ints, i: int, other: Fraction) -> str:
        """Whether each case was turned into money and rounded before adding up."""
        worth = self.sheet.region.get("point_value")
        scores = self.scored.scores.score
        if worth is None or scores is None:
            return ""
        values = {int(one): scores.at(int(one)) for one in mine}
        rows = np.flatnonzero((self.listed.at >= 0) & self.listed.score.there)
        for row in rows[np.isin(self.listed.at[rows], mine)].tolist():
            values[int(self.listed.at[row])] = self.listed.score.value.at(row)
        gross = sum((rounded(value * worth, 2) for value in values.values()), Fraction(0))
        if step == "due":
            of = self.sheet.institutions
            for name in ("own_pay", "other_pay"):
                gross -= of.get(name, {}).get(self.codes[i], self.given[name][i])
        return ORDER if gross == other else ""


def _unstated(listed: OfficialCases) -> OfficialCases:
    """A list of one row that says nothing."""
    nothing = official.Stated(Scaled(np.zeros(1, np.int64), listed.score.value.places), np.zeros(1, bool))
    zero = np.zeros(1, np.int32)
    return replace(
        listed, setl_id=np.array([""], dtype=object), at=np.array([-1]), codes=("",), code=zero, groups=("",), group=zero,
        deviations=("",), deviation=zero, rw=nothing, coefficient=nothing, factor=nothing, score=nothing,
        point_value=nothing, pay=nothing, listed=np.zeros(1, bool),
    )  # fmt: skip

