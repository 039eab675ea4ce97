"""Reconciliation: the result here against the bureau's, step by step and case by case, every difference with its causes.

The clearing here is made again and stored nowhere. What the bureau says comes from its two sheets (`official`); where it
gives only a list of cases, an institution's figures are their sums.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from core.faults import Refused
from core.findings import Finding
from core.money import plain
from core.progress import SILENT, Progress, step
from core.rules.cases import FUNDS, Scaled
from core.rules.sheet import Clearing, Institution
from core.settlement import official
from core.settlement.annual import Scored, score_cases, sheets, totals_of, totals_of_fund
from core.settlement.bridge import Bridge, Stage, bridge, modes
from core.settlement.case_differences import Case, compared, differing, extra, own_scores
from core.settlement.case_pay import Pays, pays
from core.settlement.case_split import Found
from core.settlement.causes import CASE_CAUSES, EXTRA, MISSING
from core.settlement.exact import sums
from core.settlement.official import OfficialCases, OfficialSheet
from core.settlement.single_figures import SingleFigures

if TYPE_CHECKING:
    from core.rules.circular import Pack
    from core.storage.workspace import Workspace


@dataclass(frozen=True)
class Reconciliation:
    """clearing: as it is here. bridges: of each fund. found: cases on both sides that differ; others: on one side only.
    compared: cases with an official score; pays: their amounts, where the list has any. tolerance: by step, in its unit,
    `case_score` and `case_pay` for a case's."""

    clearing: Clearing
    scored: Scored
    listed: OfficialCases
    own: Scaled
    bridges: tuple[Bridge, ...]
    found: Found | None
    others: tuple[Case, ...]
    compared: int
    pays: Pays | None
    institutions: Mapping[str, Institution]
    tolerance: Mapping[str, Fraction]
    findings: tuple[Finding, ...]

    @property
    def count(self) -> int:
        """Of cases that differ."""
        return (len(self.found.where) if self.found is not None else 0) + len(self.others)

    def count_of(self, fund: str) -> int:
        """Of a fund's cases that differ."""
        count = sum(one.fund == fund for one in self.others)
        if self.found is not None:
            count += int(np.count_nonzero(self.scored.inputs.cases.fund[self.found.where] == FUNDS.index(fund)))
        return count

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
            made += differing(self.scored, self.own, self.listed, found, rows)
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
        most = int(np.abs(self.pays.difference).max()) if self.pays is not None and len(self.pays.where) else 0
        if self.beyond("case_pay", Fraction(most, 100)):
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
    own = own_scores(pack, scored, progress)
    found, missing, count = compared(workspace, connection, pack, scored, own, listed, progress)
    more = extra(connection, pack, scored, listed, said)
    registered = {one.code: one for sheet in clearing.funds for one in sheet.institutions} | dict(standing.registered)
    bridges: list[Bridge] = []
    findings: list[Finding] = []
    for number, fund in enumerate(FUNDS):
        if fund in scored.inputs.institutions:
            bridges.append(
                _bridged(
                    workspace, connection, pack, scored, listed, own, number, said[fund], found, missing, more, findings, progress
                )
            )  # fmt: skip
            findings += _unmatched(pack, said[fund], bridges[-1], scored)
        elif said[fund]:
            findings.append(Finding("official_fund_absent", "warning", subject=fund))
    paid = pays(scored, own, listed, found, bridges)
    if paid is not None and not paid.reading:
        findings.append(Finding("official_pay_unlike", "warning"))
    return Reconciliation(
        clearing, scored, listed, own, tuple(bridges), found, (*missing, *more), count, paid, registered,
        dict(tolerance or {}), tuple(findings),
    )  # fmt: skip


def _unmatched(pack: Pack, sheet: OfficialSheet, made: Bridge, scored: Scored) -> list[Finding]:
    """What the bureau's sheet has and the own has no place for: institutions without a row here, steps that the pack lacks."""
    here = {one.code for one in scored.inputs.institutions[made.fund]}
    registered = scored.inputs.standing.registered
    said = [
        Finding(
            "official_institution_without_cases" if code in registered else "official_institution_unregistered", "warning",
            subject=code, values={"fund": made.fund},
        )
        for code in sorted(sheet.codes - here)
    ]  # fmt: skip
    known = {scope: {step.id for step in pack.scope(scope)} for scope in ("region", "institution")}
    for scope, figures in (("region", sheet.region), ("institution", sheet.institutions)):
        said += [
            Finding("official_step_unknown", "warning", value=name, values={"fund": made.fund, "pack": pack.id})
            for name in sorted(set(figures) - known[scope])
        ]
    return said


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
    findings: list[Finding],
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
    sheet = _summed(pack, scored, listed, number, codes, sheet, missing, extra, findings)
    strangers = {one.code for one in extra if one.fund == fund and one.money is None}
    tell = SingleFigures(workspace, connection, pack, scored, listed, number, codes, sheet, given, strangers, progress)
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
            amounts |= {name: sign * value for name, value in one.measures.items()}
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
            *((name, split.get(cause), places) for name, (split, places) in found.measures.items()),
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
    findings: list[Finding],
) -> OfficialSheet:
    """The sheet, with what the list of cases sums to where the sheet itself is silent; a finding where it says otherwise."""
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
        said = sheet.institutions.get("score", {}).get(code)
        if said is not None and not modes(summed["score"], said):
            values = {"sheet": plain(said), "list": plain(summed["score"]), "fund": fund}
            findings.append(Finding("official_list_unlike_sheet", "warning", subject=code, values=values))
        for name, value in summed.items():
            institutions.setdefault(name, {}).setdefault(code, value)
    worth = listed.point_value.there[rows]
    if "point_value" not in region and bool(worth.any()):
        values = np.unique(listed.point_value.value.values[rows[worth]])
        if len(values) == 1:
            region["point_value"] = Fraction(int(values[0]), 10**listed.point_value.value.places)
    return OfficialSheet(sheet.fund, region, institutions)
