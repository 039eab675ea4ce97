"""From a workspace to the frozen inputs of one clearing: cases as arrays, coefficients by date, facts.

The heavy part, all that stands in case rows, catalogue and reference means, is kept for the next clearing under
the ledger's newest line: after an edit of coefficients, budget or payments only those are read again.
Decisions where the specification is silent: a bed-day case without days has no score and follows the pack's
`ungrouped`; a score of 0 in the catalogue is no score; the institution's own `coefficient` is that of 31 December.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.faults import Refused, Usage
from core.findings import Finding
from core.money import decimal, plain, yuan
from core.progress import SILENT, Progress, step
from core.rules.cases import (
    FUNDS,
    REFERENCE_CATALOGUE,
    REFERENCE_GIVEN,
    REFERENCE_LEVEL,
    SPECIAL_ADJUSTED,
    CaseTable,
    Ints,
    Scaled,
    Small,
)
from core.rules.sheet import BudgetLine, Institution, Stamps
from core.settlement import arrivals, auxiliary, coefficients, facts, references
from core.settlement.arrivals import Arrivals, Reading, frozen
from core.settlement.coefficients import SetHead
from core.settlement.exact import fits, places_of, scaled, sums

if TYPE_CHECKING:
    from core.rules.circular import CaseRule, Pack
    from core.storage.workspace import Workspace

ORDER = {"reference_means": REFERENCE_GIVEN, "level_mean": REFERENCE_LEVEL, "catalogue": REFERENCE_CATALOGUE}
# hosp_lv to the level of 1..3 where hi_setl_lv is empty (interfaces 4).
LEVEL = {1: 3, 2: 3, 3: 3, 4: 3, 12: 3, 5: 2, 6: 2, 7: 2, 13: 2, 8: 1, 9: 1, 10: 1, 11: 1, 14: 1}
# As many single cases as a person reads; beyond it they are summed by institution and group.
SINGLY = 1_000
KEPT = 2  # gathered years kept in memory: the one at work and the one it is compared with
# What a clearing reads again every time. A ledger line that touches only these leaves the cases as they are.
LIGHT = {
    "coefficient",
    "coefficient_set",
    "budget",
    "payment",
    "deduction",
    "assessment",
    "official_clearing",
    "control_total",
    "fund_month",
}
LIGHT_KINDS = {
    "coefficients",
    "budget",
    "payments",
    "deductions",
    "assessments",
    "official_clearing",
    "control_totals",
    "fund_months",
}
QUIET = {"run", "publish", "interrupted"}  # actions that change no input


@dataclass(frozen=True, slots=True)
class Group:
    """A group of the catalogue. score None: it has none. coefficients: of levels 1, 2, 3."""

    code: str
    name: str
    kind: str
    score: Fraction | None
    mean_fee: int
    primary_care: bool
    coefficients: tuple[Fraction | None, Fraction | None, Fraction | None]


@dataclass(frozen=True)
class Standing:
    """What is known of the year's cases before coefficients: the part that is kept.

    rows: the cases that count (by-item ones have left). group: index into rows.groups, -1 without a score.
    place: fund * institutions + institution. neutral: k is 1. own_k: disease-level coefficient, -1 where the
    institution's holds. by_item: fen by place. left: place of each case that is paid by item. listed: places with
    any case, by-item ones too. sums: by place.
    """

    rows: Arrivals
    version: str
    groups: Mapping[str, Group]
    registered: Mapping[str, Institution]
    group: NDArray[np.int32]
    place: Ints
    own_pay: Ints
    rw: Scaled
    u: Scaled
    reference: Ints
    source: Small
    neutral: NDArray[np.bool_]
    own_k: Ints
    own_k_places: int
    special: Small
    special_score: Scaled
    by_item: Sequence[int]
    left: Mapping[str, int]
    listed: NDArray[np.bool_]
    sums: Mapping[str, Sequence[int]]
    counts: Mapping[str, int]
    hash: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Inputs:
    """All that one clearing stands on. region and institution: fund -> input -> value(s), yuan as rationals,
    institution values aligned with `institutions[fund]`. place: of each case, see `Standing`."""

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


_kept: dict[tuple[object, ...], tuple[int, str, Standing]] = {}  # oldest first


def forget() -> None:
    """Drop what is kept of earlier clearings."""
    _kept.clear()


def gather(
    workspace: Workspace,
    year: int,
    pack: Pack,
    *,
    funds: Sequence[str] = FUNDS,
    set_name: str | None = None,
    catalogue: str | None = None,
    grouping: str = "official",
    progress: Progress = SILENT,
) -> Inputs:
    """The inputs of a clearing. Refused("blocked", findings) with all that blocks, each saying what to do."""
    if grouping != "official":
        raise Usage("not_built", what=f"--grouping {grouping}")
    connection = workspace.reader()
    with _snapshot(connection):
        return _gathered(connection, workspace, year, pack, funds, set_name, catalogue, grouping, progress)


@contextmanager
def _snapshot(connection: sqlite3.Connection) -> Generator[None]:
    """All that is read inside is of one moment, whatever another connection commits meanwhile."""
    if connection.in_transaction:
        yield
        return
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("COMMIT")


def _gathered(
    connection: sqlite3.Connection,
    workspace: Workspace,
    year: int,
    pack: Pack,
    funds: Sequence[str],
    set_name: str | None,
    catalogue: str | None,
    grouping: str,
    progress: Progress,
) -> Inputs:
    standing = _standing(workspace, connection, year, pack.case, catalogue, progress)
    step(progress, "gather", 0)
    heard = [f for f in standing.findings if f.values.get("fund", funds[0]) in funds]
    blocked: list[Finding] = [f for f in heard if f.severity == "blocked"]
    said: list[Finding] = [f for f in heard if f.severity != "blocked"]
    if not workspace.region:
        said.append(Finding("region_unknown", "warning"))
    elif pack.region and pack.region[:4] != workspace.region[:4]:
        said.append(
            Finding("pack_other_region", "warning", value=pack.region, values={"region": workspace.region})
        )
    if pack.years and year not in pack.years:
        said.append(
            Finding(
                "pack_other_year",
                "warning",
                value=pack.id,
                values={"year": str(year), "years": ", ".join(map(str, pack.years))},
            )
        )

    by_fund = {fund: facts.of_fund(connection, year, fund) for fund in funds}
    present = [fund for fund in funds if by_fund[fund].budget or by_fund[fund].paid or _any(standing, fund)]
    for fund in present:
        if pack.funds and fund not in pack.funds:
            said.append(Finding("pack_other_fund", "warning", subject=fund, value=pack.id))
    for fund in funds:
        if fund not in present and len(present) > 0:
            said.append(Finding("fund_absent", "note", subject=fund, values={"year": str(year)}))
    if not present:
        blocked.append(Finding("no_cases", "blocked", values={"year": str(year)}))
    head = coefficients.choose(connection, set_name)
    known = head is not None
    if head is None:
        blocked.append(Finding("set_missing", "blocked", value=set_name or ""))
        head = SetHead(set_name or "", "draft", "", "", "", 0)
    content = coefficients.parts(connection, head.name)
    k, own, faults = _coefficients(standing, content, present, year, head.name)
    if known:  # without a set, that each institution lacks its part says nothing more
        blocked += faults
    reference = standing.reference
    late = standing.source == REFERENCE_CATALOGUE
    if bool(late.any()):
        where = np.flatnonzero(late)
        reference = reference.copy()
        reference[where] = references.times_coefficient(reference[where], k.values[where], k.places)
        frozen(reference)
    cases = _table(standing, k, reference)

    assessed = facts.assessments(connection, year)
    region: dict[str, dict[str, Fraction]] = {}
    institution: dict[str, dict[str, tuple[Fraction, ...]]] = {}
    listed: dict[str, tuple[Institution, ...]] = {}
    for fund in present:
        fact = by_fund[fund]
        for finding in fact.findings:
            (blocked if finding.severity == "blocked" else said).append(finding)
        if not _any(standing, fund):
            blocked.append(Finding("no_cases_in_fund", "blocked", subject=fund, values={"year": str(year)}))
        listed[fund] = _listed(standing, fund, fact)
        said += [
            Finding("institution_unknown", "warning", subject=one.code, values={"fund": fund})
            for one in listed[fund]
            if one.level == 0
        ]
        region[fund], lacking = _region(pack, fact, fund, year)
        blocked += lacking
        said += facts.unassessed(assessed, [one.code for one in listed[fund]], year)
        institution[fund], lacking = _institution(standing, fund, listed[fund], fact, assessed, own[fund])
        said += lacking
    if blocked:
        raise Refused("blocked", ordered(blocked), year=year, count=len(blocked))

    used = np.isin(standing.rows.fund, [FUNDS.index(fund) for fund in present])
    tally = np.bincount(standing.source[used], minlength=len(references.NAMES))
    stamps = Stamps(
        region=workspace.region,
        workspace=workspace.name,
        synthetic=workspace.synthetic,
        pack=pack.id,
        pack_hash=pack.hash,
        set_name=head.name,
        set_hash=head.hash,
        set_state=head.state,
        catalogue=standing.version,
        grouping=grouping,
        data_hash=_hash(standing, workspace.region, present, region, institution, listed),
        parameters=dict(sorted(pack.changed.items())),
        references={references.NAMES[i]: int(n) for i, n in enumerate(tally)},
        counts=dict(standing.counts),
    )
    lines = {fund: by_fund[fund].lines for fund in present}
    return Inputs(
        year, cases, standing.place, listed, region, institution, lines, stamps, ordered(said), standing
    )


def ordered(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """One canonical order, whatever the order of the rows: what blocks first, then by code and subject; each once."""
    weight = {"blocked": 0, "refused": 1, "warning": 2, "note": 3}
    keyed = {
        (weight[f.severity], f.code, f.subject, f.column, f.value, tuple(sorted(f.values.items()))): f
        for f in findings
    }
    return tuple(keyed[key] for key in sorted(keyed))


# -- the part that is kept ---------------------------------------------------------------------------------


def _standing(
    workspace: Workspace,
    connection: sqlite3.Connection,
    year: int,
    rule: CaseRule,
    catalogue: str | None,
    progress: Progress,
) -> Standing:
    """From memory where no ledger line since then touched what it is made of, else from the tables."""
    key = (
        str(workspace.path),
        workspace.created,
        workspace.region,
        year,
        catalogue,
        rule.intra_province,
        rule.own_pay,
        rule.reference,
        rule.reference_min_cases,
        rule.primary_care_coefficient,
        rule.disease_level_coefficient,
        rule.ungrouped,
    )
    line, digest = connection.execute("SELECT id, hash FROM ledger ORDER BY id DESC LIMIT 1").fetchone() or (
        0,
        "",
    )
    kept = _kept.get(key)
    if kept is not None and _untouched(connection, kept[0], kept[1]):
        _kept.pop(key, None)
        _kept[key] = (line, digest, kept[2])
        return kept[2]
    _kept.pop(key, None)
    for old in list(_kept)[: 1 - KEPT]:  # before reading, so that memory holds no third one
        _kept.pop(old, None)
    standing = _read(workspace, connection, year, rule, catalogue, progress)
    _kept[key] = (line, digest, standing)
    return standing


def _untouched(connection: sqlite3.Connection, line: int, hash: str) -> bool:
    """Whether the ledger's lines after that one leave cases, catalogue and means as they were."""
    if line and connection.execute("SELECT hash FROM ledger WHERE id = ?", (line,)).fetchone() != (hash,):
        return False
    for action, changes in connection.execute("SELECT action, changes FROM ledger WHERE id > ?", (line,)):
        if action in QUIET:
            continue
        touched = json.loads(changes)
        if not touched:
            return False
        for change in touched:
            if change["table"] == "batch":
                kind = connection.execute(
                    "SELECT kind FROM batch WHERE id = ?", (change["key"]["id"],)
                ).fetchone()
                if kind is None or kind[0] not in LIGHT_KINDS:
                    return False
            elif change["table"] not in LIGHT:
                return False
    return True


def _bands(
    connection: sqlite3.Connection, year: int, version: str, findings: list[Finding]
) -> list[auxiliary.Band]:
    """The auxiliary catalogue under the catalogue's own version, else the only one of the year."""
    of_year = [
        name
        for (name,) in connection.execute(
            "SELECT DISTINCT version FROM auxiliary WHERE year = ? OR version = ? ORDER BY 1", (year, version)
        )
    ]
    if version not in of_year and len(of_year) > 1:
        findings.append(
            Finding("auxiliary_several", "blocked", value=", ".join(of_year), values={"catalogue": version})
        )
    if not of_year:
        return []
    return [
        auxiliary.Band(code, kind, band, decimal(factor))
        for code, kind, band, factor in connection.execute(
            "SELECT dip_code, type, band, factor FROM auxiliary WHERE version = ? ORDER BY 1, 2, 3",
            (version if version in of_year else of_year[0],),
        )
    ]


def _read(
    workspace: Workspace,
    connection: sqlite3.Connection,
    year: int,
    rule: CaseRule,
    catalogue: str | None,
    progress: Progress,
) -> Standing:
    findings: list[Finding] = []
    registered = institutions(connection)
    if not registered:
        findings.append(Finding("no_institutions", "blocked"))
    version, groups = _catalogue(connection, year, catalogue, findings)
    bands = _bands(connection, year, version, findings)
    wanted = Reading(
        year,
        workspace.region,
        rule.intra_province,
        days=any(g.kind == "bed_day" for g in groups.values()),
        persons=bool(bands),
        own=rule.own_pay == "without_ownpay",
    )
    rows = arrivals.read(connection, wanted, registered, progress)
    for code, (count, fee) in rows.unregistered.items():
        findings.append(
            Finding(
                "institution_unregistered",
                "warning",
                subject=code,
                value=str(count),
                values={"amount": yuan(fee)},
            )
        )
    for reason, count in rows.out.items():
        if count and reason not in (arrivals.UNREGISTERED, "refund_pair"):
            findings.append(
                Finding(
                    f"out_{reason}",
                    "note",
                    value=str(count),
                    values={"amount": yuan(rows.out_fee.get(reason, 0))},
                )
            )
    special, decided, decision = _decided(connection, rows, findings)

    step(progress, "resolve", 0)
    known = [groups.get(code) for code in rows.groups]
    scored = np.array([one is not None and one.score is not None for one in known] + [False])
    group = np.where(scored[rows.group], rows.group, -1).astype(np.int32)
    bed = np.array([one is not None and one.kind == "bed_day" for one in known] + [False])[group]
    if bool(bed.any()) and rows.days is not None:
        lost = bed & (rows.days <= 0)
        if bool(lost.any()):
            group = np.where(lost, np.int32(-1), group)
            bed = bed & ~lost
            findings.append(
                Finding(
                    "bed_day_without_days",
                    "warning",
                    value=str(int(lost.sum())),
                    subject=str(min(rows.setl_id[lost])),
                    values={"amount": yuan(int(rows.fee[lost].sum()))},
                )
            )
    own_pay = rows.own_pay
    if rows.ownpay is not None:
        for number, fund in enumerate(FUNDS):
            lacking = int(((rows.ownpay == arrivals.MISSING) & (rows.fund == number)).sum())
            if lacking:
                findings.append(Finding("ownpay_missing", "blocked", value=str(lacking), values={"fund": fund}))
        own_pay = rows.own_pay - rows.ownpay

    ungrouped = (group < 0) & (special != SPECIAL_ADJUSTED) & (special != _BY_ITEM)
    leaves = (special == _BY_ITEM) | (ungrouped if rule.ungrouped == "actual_fee" else False)
    if version:
        for number, fund in enumerate(FUNDS):
            findings += _ungrouped_findings(rows, ungrouped & (rows.fund == number), fund, rule.ungrouped)
        findings += _score_findings(rows, group, known, version)
    spots = len(FUNDS) * len(rows.institutions)
    place = rows.fund.astype(np.int64) * len(rows.institutions) + rows.institution
    by_item = sums(rows.booked[leaves], place[leaves], spots)
    left = dict(zip(rows.setl_id[leaves].tolist(), place[leaves].tolist(), strict=True))
    listed = np.zeros(spots, bool)
    listed[place] = True
    counts = {
        "rows": rows.rows,
        "in_scope": len(rows),
        "by_item": int((special == _BY_ITEM).sum()),
        "adjusted": int((special == SPECIAL_ADJUSTED).sum()),
        "ungrouped": int(ungrouped.sum()),
        **rows.out,
    }
    if bool(leaves.any()):
        stay = np.flatnonzero(~leaves)
        rows = _taken(rows, stay)
        group, bed, own_pay, special, decision, place = (
            group[stay],
            bed[stay],
            own_pay[stay],
            special[stay],
            decision[stay],
            place[stay],
        )

    scores = [one.score if one is not None and one.score is not None else Fraction(0) for one in known]
    longest = int(rows.days[bed].max()) if bool(bed.any()) and rows.days is not None else 1
    scores = _fitting(scores, findings, longest)
    table = scaled([*scores, Fraction(0)], places_of(scores))
    rw = table.values[group]
    if bool(bed.any()) and rows.days is not None:
        rw = np.where(bed, rw * np.where(bed, rows.days, 1), rw)
    banded = np.array([one is not None and one.kind not in ("tcm", "bed_day") for one in known] + [False])
    if not all(_fitting([band.factor for band in bands], findings)):
        bands = []
    u_places = places_of([band.factor for band in bands])
    u, said = auxiliary.factors(rows, np.where(banded[group], group, -1).astype(np.int64), bands, u_places)
    findings += said

    level = np.array([registered[code].level for code in rows.institutions] or [0], np.int64)
    given = references.given_means(connection, year - 1, rows.groups)
    mean_fee = np.array([one.mean_fee if one is not None else 0 for one in known] or [0], np.int64)

    def means() -> Ints:
        earlier = Reading(year - 1, workspace.region, rule.intra_province)
        fees = arrivals.read_fees(connection, earlier, registered, progress)
        level_of = {code: one.level for code, one in registered.items()}
        return references.level_means(fees, level_of, rows.groups, rule.reference_min_cases)

    # A case whose group has no score needs no mean: the pack's `ungrouped` decides on it.
    reference, source = references.references(
        replace(rows, group=group), level, [ORDER[name] for name in rule.reference], given, means, mean_fee
    )

    neutral = np.zeros(len(rows), bool)
    if not rule.primary_care_coefficient:
        neutral = np.array([one is not None and one.primary_care for one in known] + [False])[group]
    own_k, own_k_places = np.full(len(rows), -1, np.int64), 0
    if rule.disease_level_coefficient:
        grid = [[one.coefficients[i] if one is not None else None for i in range(3)] for one in known]
        flat = [value for line in grid for value in line if value is not None]
        if flat != _fitting(flat, findings):
            flat, grid = [], [[None] * 3 for _ in grid]
        own_k_places = places_of(flat)
        lines = [[-1, *(-1 if v is None else int(v * 10**own_k_places) for v in line)] for line in grid]
        own_k = np.array([*lines, [-1] * 4], np.int64)[group, level[rows.institution]]
    decided = _fitting(decided, findings)
    special_table = scaled(decided, places_of(decided))
    special_score = Scaled(special_table.values[decision], special_table.places)

    step(progress, "hash", 0)
    adjusted = np.where(special == SPECIAL_ADJUSTED, special, 0).astype(np.int8)
    for values in (
        group,
        place,
        own_pay,
        rw,
        u,
        reference,
        source,
        neutral,
        own_k,
        adjusted,
        special_score.values,
        listed,
    ):
        frozen(values)
    totals = {
        "cases": np.bincount(place, minlength=spots).tolist(),
        "total_cost": sums(rows.fee, place, spots),
        "booked": sums(rows.booked, place, spots),
        "own_pay": sums(own_pay, place, spots),
        "other_pay": sums(rows.other_pay, place, spots),
        "base_score": sums(rw, place, spots),
    }
    digest = _digest(
        rows,
        [group, own_pay, rw, u, reference, source, neutral, own_k, adjusted, special_score.values],
        [table.places, u_places, own_k_places, special_score.places, by_item, listed.tolist()],
    )
    return Standing(
        rows,
        version,
        groups,
        registered,
        group,
        place,
        own_pay,
        Scaled(rw, table.places),
        Scaled(u, u_places),
        reference,
        source,
        neutral,
        own_k,
        own_k_places,
        adjusted,
        special_score,
        by_item,
        left,
        listed,
        totals,
        counts,
        digest,
        tuple(findings),
    )


_BY_ITEM = 1  # in `special` until such cases have left


def institutions(connection: sqlite3.Connection) -> dict[str, Institution]:
    """The register: name, level of 1..3, county."""
    rows = connection.execute(
        "SELECT fixmedins_code, fixmedins_name, hosp_lv, hi_setl_lv, coalesce(county, '') FROM institution ORDER BY 1"
    )
    return {
        code: Institution(code, name, settled if settled in (1, 2, 3) else LEVEL.get(level, 0), county)
        for code, name, level, settled, county in rows
    }


def _catalogue(
    connection: sqlite3.Connection, year: int, wanted: str | None, findings: list[Finding]
) -> tuple[str, dict[str, Group]]:
    """The version of the year and its groups; what blocks goes to the findings."""
    versions = connection.execute(
        "SELECT version, min(year) FROM catalogue GROUP BY version ORDER BY 1"
    ).fetchall()
    of_year = [version for version, its in versions if its == year]
    if wanted is not None:
        if wanted not in dict(versions):
            findings.append(
                Finding(
                    "catalogue_unknown",
                    "blocked",
                    value=wanted,
                    values={"known": ", ".join(v for v, _ in versions)},
                )
            )
            return "", {}
        if wanted not in of_year:
            findings.append(
                Finding("catalogue_other_year", "warning", value=wanted, values={"year": str(year)})
            )
        version = wanted
    elif len(of_year) != 1:
        findings.append(
            Finding(
                "catalogue_several" if of_year else "catalogue_missing",
                "blocked",
                value=", ".join(of_year),
                values={"year": str(year)},
            )
        )
        return "", {}
    else:
        version = of_year[0]
    groups: dict[str, Group] = {}
    for code, name, kind, score, mean_fee, flag, *coefs in connection.execute(
        "SELECT dip_code, dip_name, kind, score, mean_fee, primary_care, coef_1, coef_2, coef_3 FROM catalogue"
        " WHERE version = ? ORDER BY 1",
        (version,),
    ):
        value = decimal(score) if score else None
        one, two, three = (decimal(coef) if coef else None for coef in coefs)
        groups[code] = Group(
            code,
            name,
            kind,
            value or None,
            mean_fee or 0,
            kind == "primary_care" or flag == 1,
            (one, two, three),
        )
    return version, groups


def _decided(
    connection: sqlite3.Connection, rows: Arrivals, findings: list[Finding]
) -> tuple[Small, list[Fraction], Ints]:
    """Marks of special cases, the scores of adjusted ones after a first 0, and each case's place among them."""
    decided, said = facts.decisions(connection)
    special = np.zeros(len(rows), np.int8)
    scores = [Fraction(0)]
    place = np.zeros(len(rows), np.int64)
    here: set[str] = set()
    if decided:
        index = pd.Index(rows.setl_id)
        found = index.get_indexer(pd.Index(list(decided), dtype=object))
        for setl_id, i in zip(decided, found.tolist(), strict=True):
            if i < 0:
                continue
            here.add(setl_id)
            decision = decided[setl_id]
            if decision.kind == facts.BY_ITEM:
                special[i] = _BY_ITEM
            elif decision.kind == facts.ADJUSTED and decision.score is not None:
                special[i] = SPECIAL_ADJUSTED
                place[i] = len(scores)
                scores.append(decision.score)
    findings += [f for f in said if f.severity != "blocked" or f.subject in here]
    return special, scores, place


def _ungrouped_findings(
    rows: Arrivals, ungrouped: NDArray[np.bool_], fund: str, rule: str
) -> list[Finding]:
    """Every case of a fund without group or score with its cost, one by one while a person can read them."""
    where = np.flatnonzero(ungrouped)
    if not len(where):
        return []
    severity = "blocked" if rule == "block" else "warning"
    total = Finding(
        "ungrouped",
        severity,
        value=str(len(where)),
        values={"amount": yuan(int(rows.fee[where].sum())), "rule": rule, "fund": fund},
    )
    told: list[Finding] = [total]
    stated = rows.group[where]
    if len(where) <= SINGLY:
        for i, group in zip(where.tolist(), stated.tolist(), strict=True):
            told.append(
                Finding(
                    "case_without_score" if group >= 0 else "case_without_group",
                    "warning",
                    subject=rows.setl_id[i],
                    value=rows.groups[group] if group >= 0 else "",
                    values={
                        "amount": yuan(int(rows.fee[i])),
                        "institution": rows.institutions[rows.institution[i]],
                        "fund": fund,
                    },
                )
            )
        return told
    key = rows.institution[where].astype(np.int64) * (len(rows.groups) + 1) + stated + 1
    keys, inverse, count = np.unique(key, return_inverse=True, return_counts=True)
    fees = sums(rows.fee[where], inverse, len(keys))
    for one, n, fee in zip(keys.tolist(), count.tolist(), fees, strict=True):
        institution, group = divmod(one, len(rows.groups) + 1)
        told.append(
            Finding(
                "cases_without_score" if group else "cases_without_group",
                "warning",
                subject=rows.institutions[institution],
                value=rows.groups[group - 1] if group else "",
                values={"amount": yuan(fee), "cases": str(n), "fund": fund},
            )
        )
    return told


def _score_findings(
    rows: Arrivals, group: NDArray[np.int32], known: Sequence[Group | None], version: str
) -> list[Finding]:
    """Groups whose catalogue score is not what the platform stated with the cases; bed-day scores depend on days."""
    width = len(rows.given_scores)
    where = np.flatnonzero(group >= 0)
    if not len(where) or not width:
        return []
    pair = group[where].astype(np.int64) * width + rows.given_score[where]
    codes, distinct = pd.factorize(pair)
    count = np.bincount(codes, minlength=len(distinct))
    told: list[Finding] = []
    for one, n in zip(np.asarray(distinct).tolist(), count.tolist(), strict=True):
        stated, own = rows.given_scores[one % width], known[one // width]
        if not stated or own is None or own.score is None or own.kind == "bed_day":
            continue
        try:
            same = decimal(stated) == own.score
        except ValueError:
            same = False
        if not same:
            told.append(
                Finding(
                    "score_differs",
                    "warning",
                    subject=own.code,
                    value=stated,
                    values={"score": plain(own.score), "cases": str(n), "catalogue": version},
                )
            )
    if len(told) > SINGLY:
        cases = sum(int(f.values["cases"]) for f in told)
        told = [
            *ordered(told)[:SINGLY],
            Finding("score_differs_more", "warning", value=str(len(told)), values={"cases": str(cases)}),
        ]
    return told


def _taken(rows: Arrivals, where: Ints) -> Arrivals:
    """Only some of the cases."""
    names = (
        "setl_id",
        "fund",
        "institution",
        "group",
        "given_score",
        "day",
        "fee",
        "booked",
        "own_pay",
        "other_pay",
        "ownpay",
        "days",
        "nwb_age",
        "age",
        "icu_days",
        "born",
        "admitted",
        "detail",
    )
    picked: dict[str, Any] = {}
    for name in names:
        values = getattr(rows, name)
        picked[name] = None if values is None else frozen(values[where])
    return replace(rows, **picked)


# -- arithmetic --------------------------------------------------------------------------------------------


def _fitting(values: list[Fraction], findings: list[Finding], times: int = 1) -> list[Fraction]:
    """The values, or zeros and a blocking finding where so many digits do not go together exactly in 64 bits."""
    if fits(values, places_of(values), times):
        return values
    findings.append(_too_long(values))
    return [Fraction(0)] * len(values)


def _too_long(values: Sequence[Fraction]) -> Finding:
    """Names the value with most decimals, which drags all others along."""
    worst = max(values, key=lambda value: (places_of([value]), value))
    return Finding("number_too_long", "blocked", value=plain(worst))


def _coefficients(
    standing: Standing, content: Sequence[coefficients.Part], funds: Sequence[str], year: int, set_name: str
) -> tuple[Scaled, dict[str, dict[str, Fraction]], list[Finding]]:
    """k of every case; every institution's own k on 31 December by fund; who has none."""
    rows = standing.rows
    codes = rows.institutions
    lines = {fund: coefficients.timelines(content, fund) for fund in FUNDS}
    cuts = sorted(
        {
            0,
            *(
                day
                for fund in FUNDS
                for code in codes
                if code in lines[fund]
                for day in lines[fund][code].days
            ),
        }
    )
    faults: list[Finding] = []
    values = {
        value for fund in FUNDS for code in codes if code in lines[fund] for value in lines[fund][code].values
    }
    places = max(standing.own_k_places, places_of([value for value in values if value is not None]))
    if not fits([Fraction(1), *(value for value in values if value is not None)], places):
        faults.append(_too_long([value for value in values if value is not None]))
        lines, places = {fund: {} for fund in FUNDS}, standing.own_k_places
    scale = 10**places
    grid = np.full((len(FUNDS), max(1, len(codes)), len(cuts)), _ABSENT, np.int64)
    for f, fund in enumerate(FUNDS):
        for i, code in enumerate(codes):
            line = lines[fund].get(code)
            for day, value in zip(line.days, line.values, strict=True) if line is not None else ():
                grid[f, i, cuts.index(day) :] = _ABSENT if value is None else int(value * scale)
    flat = grid.reshape(-1, len(cuts))
    if len(cuts) == 1:
        k = flat[standing.place, 0]
    else:
        k = flat[standing.place, np.searchsorted(np.array(cuts), rows.day, side="right") - 1]
    absent = k == _ABSENT
    if bool(absent.any()):
        for place in np.unique(standing.place[absent]).tolist():
            fund, code = FUNDS[place // len(codes)], codes[place % len(codes)]
            if fund in funds:
                days = rows.day[absent & (standing.place == place)]
                faults.append(
                    Finding(
                        "coefficient_missing",
                        "blocked",
                        subject=code,
                        value=str(len(days)),
                        values={
                            "fund": fund,
                            "set": set_name,
                            "from": arrivals.iso_day(int(days.min())),
                            "to": arrivals.iso_day(int(days.max())),
                        },
                    )
                )
        k = np.where(absent, 0, k)
    if standing.own_k_places or bool((standing.own_k >= 0).any()):
        k = np.where(standing.own_k >= 0, standing.own_k * 10 ** (places - standing.own_k_places), k)
    k = np.where(standing.neutral, scale, k)
    for place in np.unique(standing.place[k < 0]).tolist():
        fund, code = FUNDS[place // len(codes)], codes[place % len(codes)]
        if fund in funds:
            lowest = Fraction(int(k[standing.place == place].min()), scale)
            faults.append(
                Finding(
                    "coefficient_negative",
                    "blocked",
                    subject=code,
                    value=plain(lowest),
                    values={"fund": fund, "set": set_name},
                )
            )
    end = year * 10000 + 1231
    own: dict[str, dict[str, Fraction]] = {
        fund: {code: value for code, line in lines[fund].items() if (value := line.at(end)) is not None}
        for fund in FUNDS
    }
    return Scaled(frozen(k), places), own, faults


_ABSENT = np.iinfo(np.int64).min


def _table(standing: Standing, k: Scaled, reference: Ints) -> CaseTable:
    rows = standing.rows
    return CaseTable(
        setl_id=rows.setl_id,
        institutions=rows.institutions,
        groups=rows.groups,
        fund=rows.fund,
        institution=rows.institution,
        group=standing.group,
        day=rows.day,
        fee=rows.fee,
        booked=rows.booked,
        own_pay=standing.own_pay,
        other_pay=rows.other_pay,
        rw=standing.rw,
        k=k,
        u=standing.u,
        reference=reference,
        reference_source=standing.source,
        special=standing.special,
        special_score=standing.special_score,
    )


# -- per fund ----------------------------------------------------------------------------------------------


def _any(standing: Standing, fund: str) -> bool:
    n = len(standing.rows.institutions)
    f = FUNDS.index(fund)
    return bool(standing.listed[f * n : (f + 1) * n].any())


def _listed(standing: Standing, fund: str, fact: facts.Facts) -> tuple[Institution, ...]:
    """Institutions with cases in scope, payments or deductions, by code; level 0 where the register lacks one."""
    codes = standing.rows.institutions
    f = FUNDS.index(fund)
    present = {code for i, code in enumerate(codes) if standing.listed[f * len(codes) + i]} | set(fact.paid)
    return tuple(standing.registered.get(code, Institution(code, "", 0)) for code in sorted(present))


def _region(pack: Pack, fact: facts.Facts, fund: str, year: int) -> tuple[dict[str, Fraction], list[Finding]]:
    """The region's inputs in yuan; an item that the pack takes in and nobody gave blocks."""
    values: dict[str, Fraction] = {}
    lacking: list[Finding] = []
    for name in pack.inputs("region"):
        if name == "budget":
            amount = fact.budget.get("dip_budget", 0) + fact.budget.get("dip_topup", 0)
        else:
            amount = fact.budget.get(name, 0)
            if name not in fact.budget and name not in facts.NEEDED:
                lacking.append(
                    Finding(
                        "budget_missing", "blocked", column=name, subject=fund, values={"year": str(year)}
                    )
                )
        values[name] = Fraction(amount, 100)
    return values, lacking


def _institution(
    standing: Standing,
    fund: str,
    listed: Sequence[Institution],
    fact: facts.Facts,
    assessed: Mapping[str, Fraction],
    own: Mapping[str, Fraction],
) -> tuple[dict[str, tuple[Fraction, ...]], list[Finding]]:
    """The institutions' inputs except `score` and the pack's measures, which come from the case scores."""
    codes = standing.rows.institutions
    f = FUNDS.index(fund)
    place = {code: f * len(codes) + i for i, code in enumerate(codes)}
    at = [place.get(one.code, -1) for one in listed]

    def summed(values: Sequence[int], scale: int) -> tuple[Fraction, ...]:
        return tuple(Fraction(int(values[i]), scale) if i >= 0 else Fraction(0) for i in at)

    result = {
        "cases": summed(standing.sums["cases"], 1),
        "base_score": summed(standing.sums["base_score"], 10**standing.rw.places),
        "by_item": summed(standing.by_item, 100),
        "coefficient": tuple(own.get(one.code, Fraction(0)) for one in listed),
        "assessment_score": tuple(assessed.get(one.code, Fraction(0)) for one in listed),
    }
    for name in ("total_cost", "booked", "own_pay", "other_pay"):
        result[name] = summed(standing.sums[name], 100)
    for name in (*facts.PAYMENTS.values(), *facts.DEDUCTIONS.values()):
        result[name] = tuple(Fraction(fact.paid.get(one.code, {}).get(name, 0), 100) for one in listed)
    lacking = [
        Finding("coefficient_absent", "note", subject=one.code, values={"fund": fund})
        for one in listed
        if one.code not in own
    ]
    return result, lacking


# -- hashes ------------------------------------------------------------------------------------------------


def _digest(rows: Arrivals, arrays: Sequence[NDArray[Any]], rest: Sequence[object]) -> str:
    """Of every value that scores are made of, in the canonical order of the rows."""
    digest = hashlib.sha256()
    digest.update(json.dumps([rows.institutions, rows.groups, *rest], ensure_ascii=False).encode())
    for values in (rows.fund, rows.institution, rows.day, rows.fee, rows.booked, rows.other_pay, *arrays):
        digest.update(np.ascontiguousarray(values).tobytes())
    for start in range(0, len(rows), 65536):
        digest.update(("\n".join(rows.setl_id[start : start + 65536].tolist()) + "\n").encode())
    return digest.hexdigest()


def _hash(
    standing: Standing,
    region_code: str,
    funds: Sequence[str],
    region: Mapping[str, Mapping[str, Fraction]],
    institution: Mapping[str, Mapping[str, Sequence[Fraction]]],
    listed: Mapping[str, Sequence[Institution]],
) -> str:
    """Of the cases and the small inputs. Coefficients have a hash of their own."""
    small = {
        fund: {
            "region": {name: str(value) for name, value in region[fund].items()},
            "institutions": [[one.code, one.level] for one in listed[fund]],
            "inputs": {
                name: [str(value) for value in values]
                for name, values in institution[fund].items()
                if name != "coefficient"
            },
        }
        for fund in funds
    }
    text = json.dumps(
        [standing.hash, region_code, small, dict(standing.counts)], sort_keys=True, ensure_ascii=False
    )
    return hashlib.sha256(text.encode()).hexdigest()
