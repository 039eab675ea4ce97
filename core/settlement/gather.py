"""From a workspace to the frozen inputs of one clearing: cases as arrays, coefficients by date, facts.

Three stages, each standing on the one before: the rows of the year (`year`), what a catalogue and a grouping make of
them (`standing`), and what is read again every time: coefficients, budget, payments. The first two are kept while no
ledger line touches what they are made of. The institution's own `coefficient` is that of 31 December.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from core.faults import Refused, Usage
from core.findings import Finding
from core.progress import SILENT, Progress, step
from core.rules.cases import FUNDS, CaseTable, Ints
from core.rules.deriving import limits_of
from core.rules.grouping import rule_of
from core.rules.sheet import BudgetLine, Institution, Stamps
from core.settlement import applied, digest, facts, groups, references
from core.settlement import funds as fund_inputs
from core.settlement import grouping as own_grouping
from core.settlement import year as years
from core.settlement.changes import NONE, Changes
from core.settlement.coefficients import Part, SetHead
from core.settlement.doubts import ordered
from core.settlement.given import Given, changed
from core.settlement.given import read as read_given
from core.settlement.groups import Version, with_scores
from core.settlement.special_limit import Quota
from core.settlement.standing import Standing, official, stand
from core.settlement.year import LIGHT, LIGHT_KINDS, Mark, Year, mark, untouched

if TYPE_CHECKING:
    from core.rules.circular import CaseRule, Pack
    from core.storage.workspace import Workspace

GROUPINGS = ("official", "own")
KEPT = 2  # standings kept in memory: the one at work and the one it is compared with


@dataclass(frozen=True)
class Inputs:
    """All that one clearing stands on. region and institution: fund -> input -> value(s), yuan as rationals,
    institution values aligned with `institutions[fund]`. place: of each case, see `Standing`. content: the set's coefficients."""

    year: int
    cases: CaseTable
    place: Ints
    institutions: Mapping[str, tuple[Institution, ...]]
    region: Mapping[str, Mapping[str, Fraction]]
    institution: Mapping[str, Mapping[str, tuple[Fraction, ...]]]
    budget_lines: Mapping[str, tuple[BudgetLine, ...]]
    stamps: Stamps
    findings: tuple[Finding, ...]
    standing: Standing
    content: tuple[Part, ...] = ()


_kept: dict[tuple[object, ...], tuple[Mark, Standing]] = {}  # oldest first
_versions: dict[tuple[object, ...], tuple[Mark, Version]] = {}


def forget() -> None:
    """Drop what is kept of earlier clearings."""
    _kept.clear()
    _versions.clear()
    years.forget()
    own_grouping.forget()


def gather(
    workspace: Workspace,
    year: int,
    pack: Pack,
    *,
    funds: Sequence[str] = FUNDS,
    set_name: str | None = None,
    catalogue: str | None = None,
    grouping: str = "official",
    changes: Changes = NONE,
    scenario: str = "",
    progress: Progress = SILENT,
) -> Inputs:
    """The inputs of a clearing, with changes on top where somebody tries some; the pack has its parameters already.

    Refused("blocked", findings) with all that blocks, each saying what to do; "changes_refused" with what cannot be tried.
    """
    if grouping not in GROUPINGS:
        raise Usage("grouping_unknown", what=grouping, known=", ".join(GROUPINGS))
    connection = workspace.reader()
    with snapshot(connection):
        standing = standing_of(
            workspace, connection, year, pack, catalogue, grouping, progress, scores=changes.scores
        )
        step(progress, "gather", 0)
        given = read_given(workspace, connection, year, funds, set_name)
        return assemble(changed(given, changes, scenario, limits_of(pack)), pack, standing, funds)


@contextmanager
def snapshot(connection: sqlite3.Connection) -> Generator[None]:
    """All that is read inside is of one moment, whatever another connection commits meanwhile."""
    if connection.in_transaction:
        yield
        return
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("COMMIT")


def standing_of(
    workspace: Workspace,
    connection: sqlite3.Connection,
    year: int,
    pack: Pack,
    catalogue: str | None,
    grouping: str,
    progress: Progress,
    *,
    scores: Mapping[str, Fraction] = MappingProxyType({}),
) -> Standing:
    """scores: by which the catalogue differs from what is stored. From memory where no ledger line since then touched what
    it is made of, else computed on the year's rows."""
    rule = pack.case
    if grouping == "own":
        rule_of(pack)
    name, _ = groups.choose(connection, year, catalogue)
    key = (
        str(workspace.path),
        workspace.created,
        workspace.region,
        year,
        name or catalogue,
        grouping,
        *((pack.hash, *sorted(pack.changed.items())) if grouping == "own" else ()),
        *what_counts(rule),
        *sorted(scores.items()),
    )

    def made() -> Standing:
        version = version_of(workspace, connection, year, catalogue)
        if scores:
            version = with_scores(version, scores)
        rows = rows_for(workspace, connection, year, rule, [version], progress)
        if grouping == "official" or not version.name:
            step(progress, "resolve", 0)
            fees = partial(years.fees, workspace, connection, rows, progress)
            return stand(rows, version, replace(official(rows), by=grouping), rule, fees)
        engine = own_grouping.engine(connection, pack, version, year)
        stays = years.stays(workspace, connection, rows, progress)
        grouped = own_grouping.own(stays, rows, engine, progress)
        step(progress, "resolve", 0)
        return stand(
            rows,
            version,
            grouped,
            rule,
            partial(own_grouping.earlier, workspace, connection, rows, engine, progress),
        )

    return remembered(connection, key, made)


def remembered(connection: sqlite3.Connection, key: tuple[object, ...], made: Callable[[], Standing]) -> Standing:
    """The standing of that key from memory while it holds, else made and kept."""
    kept = _kept.pop(key, None)
    if kept is not None and untouched(connection, kept[0], LIGHT, LIGHT_KINDS):
        _kept[key] = (mark(connection), kept[1])
        return kept[1]
    del kept
    for old in list(_kept)[: 1 - KEPT]:  # before computing, so that memory holds no third one
        _kept.pop(old, None)
    standing = made()
    connection.execute("PRAGMA shrink_memory")  # the pages that the rows were read from: from now on they are in memory
    _kept[key] = (mark(connection), standing)
    return standing


def version_of(
    workspace: Workspace, connection: sqlite3.Connection, year: int, catalogue: str | None
) -> Version:
    """A version of the catalogue, from memory while no ledger line touched it."""
    key = (str(workspace.path), workspace.created, year, catalogue, groups.choose(connection, year, catalogue)[0])
    kept = _versions.pop(key, None)
    if kept is None or not untouched(connection, kept[0], LIGHT, LIGHT_KINDS):
        for old in list(_versions)[: 1 - KEPT]:
            del _versions[old]
        kept = (mark(connection), groups.read(connection, year, catalogue))
    _versions[key] = (mark(connection), kept[1])
    return kept[1]


def rows_for(
    workspace: Workspace,
    connection: sqlite3.Connection,
    year: int,
    rule: CaseRule,
    versions: Sequence[Version],
    progress: Progress,
) -> Year:
    """The year's rows with all the columns that these versions ask for."""
    return years.of(
        workspace,
        connection,
        year,
        rule,
        progress,
        days=any(version.bed_days for version in versions),
        persons=any(version.bands for version in versions),
    )


def what_counts(rule: CaseRule) -> tuple[object, ...]:
    """What of a pack's case rule a `Standing` depends on."""
    return (
        rule.intra_province,
        rule.own_pay,
        rule.reference,
        rule.reference_min_cases,
        rule.primary_care_coefficient,
        rule.disease_level_coefficient,
        rule.ungrouped,
    )


@dataclass(frozen=True)
class Books:
    """What the steps are given beside coefficients and scores, by fund; `blocked` and `said` about it."""

    present: tuple[str, ...]
    region: Mapping[str, Mapping[str, Fraction]]
    institution: Mapping[str, Mapping[str, tuple[Fraction, ...]]]
    listed: Mapping[str, tuple[Institution, ...]]
    blocked: tuple[Finding, ...]
    said: tuple[Finding, ...]


def books(given: Given, pack: Pack, standing: Standing, funds: Sequence[str] = FUNDS) -> Books:
    """Budget, payments and sums of cases, as the pack asks for them."""
    said_of_year = {"year": str(given.year)}
    quota = Quota.of(standing.counts)
    heard = [f for f in standing.findings if f.values.get("fund", funds[0]) in funds]
    blocked: list[Finding] = [f for f in heard if f.severity == "blocked"]
    said: list[Finding] = [f for f in heard if f.severity != "blocked"]
    said += [*_of_pack(given, pack), *given.assessment_doubts, *([quota.finding] if quota.finding else [])]
    present = [
        fund
        for fund in funds
        if given.facts[fund].budget or given.facts[fund].paid or fund_inputs.any_case(standing, fund)
    ]
    for fund in present:
        if pack.funds and fund not in pack.funds:
            said.append(Finding("pack_other_fund", "warning", subject=fund, value=pack.id))
    for fund in funds:
        if fund not in present and len(present) > 0:
            said.append(Finding("fund_absent", "note", subject=fund, values=said_of_year))
    if not present:
        blocked.append(Finding("no_cases", "blocked", values=said_of_year))
    region: dict[str, dict[str, Fraction]] = {}
    institution: dict[str, dict[str, tuple[Fraction, ...]]] = {}
    listed: dict[str, tuple[Institution, ...]] = {}
    for fund in present:
        fact = given.facts[fund]
        for finding in fact.findings:
            (blocked if finding.severity == "blocked" else said).append(finding)
        if not fund_inputs.any_case(standing, fund):
            blocked.append(Finding("no_cases_in_fund", "blocked", subject=fund, values=said_of_year))
        listed[fund] = fund_inputs.listed(standing, fund, fact)
        said += [
            Finding("institution_unknown", "warning", subject=one.code, values={"fund": fund})
            for one in listed[fund]
            if one.level == 0
        ]
        region[fund], lacking = fund_inputs.region_inputs(
            pack, standing, fact, fund, listed[fund], given.year
        )
        blocked += lacking
        said += facts.unassessed(given.assessed, [one.code for one in listed[fund]], given.year)
        institution[fund] = fund_inputs.institution_inputs(
            pack, standing, fund, listed[fund], fact, given.assessed
        )
        said += fund_inputs.outside_doubts(region[fund], institution[fund], fact, fund, given.year)
    return Books(tuple(present), region, institution, listed, tuple(blocked), tuple(said))


def assemble(given: Given, pack: Pack, standing: Standing, funds: Sequence[str] = FUNDS) -> Inputs:
    """What is read again every time on a standing: cheap, and pure."""
    year = given.year
    found = books(given, pack, standing, funds)
    blocked, said, present = [*found.blocked], [*found.said], found.present
    region, listed = found.region, found.listed
    head = given.head
    known = head is not None
    if head is None:
        blocked.append(Finding("set_missing", "blocked", value=given.wanted or ""))
        head = SetHead(given.wanted or "", "draft", "", "", "", 0)
    with_k = applied.apply(standing, given.content, present, year, head.name)
    if known:  # without a set, that each institution lacks its part says nothing more
        blocked += with_k.findings
    institution: dict[str, dict[str, tuple[Fraction, ...]]] = {}
    for fund in present:
        own, lacking = fund_inputs.coefficient_input(listed[fund], with_k.own[fund], fund)
        institution[fund] = {**found.institution[fund], "coefficient": own}
        said += lacking
    if blocked:
        raise Refused("blocked", ordered(blocked), year=year, count=len(blocked))

    used = np.isin(standing.rows.fund, [FUNDS.index(fund) for fund in present])
    tally = np.bincount(standing.source[used], minlength=len(references.NAMES))
    stamps = Stamps(
        region=given.region,
        workspace=given.workspace,
        synthetic=given.synthetic,
        pack=pack.id,
        pack_hash=pack.hash,
        set_name=head.name,
        set_hash=head.hash,
        set_state=head.state,
        catalogue=standing.version,
        grouping=standing.grouped.by,
        data_hash=digest.of_inputs(
            standing.hash, given.region, present, region, institution, listed, standing.counts
        ),
        parameters=dict(sorted(pack.changed.items())),
        references={references.NAMES[i]: int(n) for i, n in enumerate(tally)},
        counts=dict(standing.counts),
        scenario=given.scenario,
        changes=replace(given.changes, parameters={}).text,
    )
    lines = {fund: given.facts[fund].lines for fund in present}
    return Inputs(
        year,
        with_k.cases,
        standing.place,
        listed,
        region,
        institution,
        lines,
        stamps,
        ordered(said),
        standing,
        given.content,
    )


def _of_pack(given: Given, pack: Pack) -> list[Finding]:
    """Where the pack is of another region or year than what it is to clear."""
    said: list[Finding] = []
    if not given.region:
        said.append(Finding("region_unknown", "warning"))
    elif pack.region and pack.region[:4] != given.region[:4]:
        said.append(
            Finding("pack_other_region", "warning", value=pack.region, values={"region": given.region})
        )
    if pack.years and given.year not in pack.years:
        said.append(
            Finding(
                "pack_other_year",
                "warning",
                value=pack.id,
                values={"year": str(given.year), "years": ", ".join(map(str, pack.years))},
            )
        )
    return said
