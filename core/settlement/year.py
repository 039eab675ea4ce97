"""The cases of one year whatever the catalogue says of them: read once, kept in memory while the ledger lets it stand.

This is the first of two stages. Here is what the rows themselves, the register and the decisions on special cases say;
what a version of the catalogue and a grouping make of them is `standing`, which never reads a case again.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from core.catalogue import stays as clinical
from core.catalogue.stays import Stays
from core.findings import Finding
from core.money import yuan
from core.progress import Progress
from core.rules.cases import FUNDS, SPECIAL_ADJUSTED, Ints, Small, Texts
from core.rules.sheet import Institution
from core.settlement import arrivals, facts, references
from core.settlement.arrivals import Arrivals, Fees, Reading, frozen
from core.settlement.references import GivenMean

if TYPE_CHECKING:
    from core.rules.circular import CaseRule
    from core.storage.workspace import Workspace

# hosp_lv to the level of 1..3 where hi_setl_lv is empty (interfaces 4).
LEVEL = {1: 3, 2: 3, 3: 3, 4: 3, 12: 3, 5: 2, 6: 2, 7: 2, 13: 2, 8: 1, 9: 1, 10: 1, 11: 1, 14: 1}
BY_ITEM = 1  # in `special` until such cases leave (`standing`)
FEW = 4  # of which less than one in so many is wanted is read one by one
KEPT = 2  # years kept in memory: the one at work and the one it is compared with
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
    "scenario",
    "rule_pack",
    "official_case",
}
LIGHT_KINDS = {
    "coefficients",
    "budget",
    "payments",
    "deductions",
    "assessments",
    "official_clearing",
    "official_cases",
    "control_totals",
    "fund_months",
}
# What else leaves the rows of a year as they are, though not what a catalogue makes of them.
OF_CATALOGUE = {"catalogue", "catalogue_version", "auxiliary", "operation", "exclusion", "code_map"}
KINDS_OF_CATALOGUE = {"catalogue", "auxiliary", "operations", "exclusions", "code_maps"}
QUIET = {"run", "publish", "interrupted", "confirm", "reopen"}  # actions that change no input


@dataclass(frozen=True)
class Year:
    """What is known of a year's cases before any catalogue.

    rows: net of refunds, in scope, in canonical order. own_pay: as the pack reads it. special: BY_ITEM,
    SPECIAL_ADJUSTED or 0; decided: the scores of adjusted cases after a first 0, decision: each case's place among them.
    given: the imported reference means of the year before.
    """

    number: int
    wanted: Reading
    registered: Mapping[str, Institution]
    rows: Arrivals
    own_pay: Ints
    special: Small
    decided: tuple[Fraction, ...]
    decision: Ints
    given: tuple[GivenMean, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """The ledger's newest line when something was read."""

    line: int
    hash: str


def mark(connection: sqlite3.Connection) -> Mark:
    found = connection.execute("SELECT id, hash FROM ledger ORDER BY id DESC LIMIT 1").fetchone()
    return Mark(*found) if found else Mark(0, "")


_kept: dict[tuple[object, ...], tuple[Mark, Year]] = {}  # oldest first
_fees: dict[tuple[object, ...], tuple[Mark, Fees]] = {}
_stays: dict[tuple[object, ...], tuple[Mark, Stays]] = {}


def forget() -> None:
    """Drop what is kept."""
    _kept.clear()
    _fees.clear()
    _stays.clear()


def of(
    workspace: Workspace,
    connection: sqlite3.Connection,
    year: int,
    rule: CaseRule,
    progress: Progress,
    *,
    days: bool = False,
    persons: bool = False,
) -> Year:
    """The year's cases, from memory where no ledger line since then touched them and the wanted columns are there."""
    wanted = Reading(
        year, workspace.region, rule.intra_province, days, persons, own=rule.own_pay == "without_ownpay"
    )
    key = (str(workspace.path), workspace.created, replace(wanted, days=False, persons=False))
    kept = _kept.pop(key, None)
    if kept is not None and rows_stand(connection, kept[0]):
        held = kept[1].wanted
        if held.days >= days and held.persons >= persons:
            _kept[key] = (mark(connection), kept[1])
            return kept[1]
        wanted = replace(wanted, days=days or held.days, persons=persons or held.persons)
    del kept
    for old in list(_kept)[: 1 - KEPT]:  # before reading, so that memory holds no third one
        _kept.pop(old, None)
    found = _read(connection, wanted, progress)
    _kept[key] = (mark(connection), found)
    return found


def fees(
    workspace: Workspace, connection: sqlite3.Connection, year: Year, progress: Progress
) -> Fees:
    """Fees of the year before, by the group that each case's row states."""
    earlier = Reading(year.number - 1, workspace.region, year.wanted.province)
    key = (str(workspace.path), workspace.created, earlier)
    kept = _fees.pop(key, None)
    if kept is None or not rows_stand(connection, kept[0]):
        _fees.clear()
        made = _fees_of(workspace, connection, earlier)
        kept = (mark(connection), made or arrivals.read_fees(connection, earlier, year.registered, progress))
    _fees[key] = (mark(connection), kept[1])
    return kept[1]


def held(workspace: Workspace, connection: sqlite3.Connection, wanted: Reading) -> Arrivals | None:
    """The rows of a year that are in memory anyway and still stand; None where they are not, or without the wanted days."""
    for (path, created, *_), (since, kept) in _kept.items():
        own = kept.wanted
        same = (own.year, own.region, own.province) == (wanted.year, wanted.region, wanted.province)
        if (path, created) != (str(workspace.path), workspace.created) or not same or wanted.days > own.days:
            continue
        if rows_stand(connection, since):
            return kept.rows
    return None


def _fees_of(workspace: Workspace, connection: sqlite3.Connection, wanted: Reading) -> Fees | None:
    rows = held(workspace, connection, wanted)
    if rows is None:
        return None
    return Fees(rows.institutions, ("", *rows.groups), rows.institution, rows.group + 1, rows.fee)


def stays(
    workspace: Workspace,
    connection: sqlite3.Connection,
    year: Year,
    progress: Progress,
    *,
    only: Ints | None = None,
) -> Stays:
    """The clinical side of the year's cases. What rows and stays have in common, the ids, is held once.

    only: places among the rows; where they are few and nothing is kept, no others are read, and nothing is kept.
    """
    key = (str(workspace.path), workspace.created, year.number)
    kept = _stays.pop(key, None)
    if kept is None or not rows_stand(connection, kept[0]):
        _stays.clear()
        if only is not None and len(only) * FEW < len(year.rows):
            return clinical.read(connection, year.number, progress, only=year.rows.setl_id[only].tolist())
        kept = (mark(connection), _shared(clinical.read(connection, year.number, progress), year.rows.setl_id))
    _stays[key] = (mark(connection), kept[1])
    return kept[1]


def _shared(stays: Stays, ids: Texts) -> Stays:
    at = stays.locate(ids)
    own = stays.setl_id.copy()
    own[at[at >= 0]] = ids[at >= 0]
    return replace(stays, setl_id=frozen(own))


def rows_stand(connection: sqlite3.Connection, since: Mark) -> bool:
    """Whether the rows of every year are as they were, whatever became of the catalogues."""
    return untouched(connection, since, LIGHT | OF_CATALOGUE, LIGHT_KINDS | KINDS_OF_CATALOGUE)


def untouched(connection: sqlite3.Connection, since: Mark, tables: set[str], kinds: set[str]) -> bool:
    """Whether the ledger's lines after that one touch nothing but these tables and kinds of file."""
    if (
        since.line
        and connection.execute("SELECT hash FROM ledger WHERE id = ?", (since.line,)).fetchone()
        != (since.hash,)
    ):
        return False
    for action, changes in connection.execute(
        "SELECT action, changes FROM ledger WHERE id > ?", (since.line,)
    ):
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
                if kind is None or kind[0] not in kinds:
                    return False
            elif change["table"] not in tables:
                return False
    return True


def _read(connection: sqlite3.Connection, wanted: Reading, progress: Progress) -> Year:
    findings: list[Finding] = []
    registered = institutions(connection)
    if not registered:
        findings.append(Finding("no_institutions", "blocked"))
    rows = arrivals.read(connection, wanted, registered, progress)
    connection.execute("PRAGMA shrink_memory")  # the pages that they were read from, before the next year's are
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
    own_pay = rows.own_pay
    if rows.ownpay is not None:
        for number, fund in enumerate(FUNDS):
            lacking = int(((rows.ownpay == arrivals.MISSING) & (rows.fund == number)).sum())
            if lacking:
                findings.append(
                    Finding("ownpay_missing", "blocked", value=str(lacking), values={"fund": fund})
                )
        own_pay = frozen(rows.own_pay - rows.ownpay)
    special, decided, decision = _decided(connection, rows, findings)
    return Year(
        wanted.year,
        wanted,
        registered,
        rows,
        own_pay,
        special,
        decided,
        decision,
        references.read_given(connection, wanted.year - 1),
        tuple(findings),
    )


def institutions(connection: sqlite3.Connection) -> dict[str, Institution]:
    """The register: name, level of 1..3, county."""
    rows = connection.execute(
        "SELECT fixmedins_code, fixmedins_name, hosp_lv, hi_setl_lv, coalesce(county, '') FROM institution ORDER BY 1"
    )
    return {
        code: Institution(code, name, settled if settled in (1, 2, 3) else LEVEL.get(level, 0), county)
        for code, name, level, settled, county in rows
    }


def _decided(
    connection: sqlite3.Connection, rows: Arrivals, findings: list[Finding]
) -> tuple[Small, tuple[Fraction, ...], Ints]:
    """Marks of special cases, the scores of adjusted ones after a first 0, and each case's place among them."""
    decided, said = facts.decisions(connection)
    special = np.zeros(len(rows), np.int8)
    scores = [Fraction(0)]
    place = np.zeros(len(rows), np.int64)
    here: set[str] = set()
    if decided:
        # The many are looked for among the few: a table of all ids costs ten times as much.
        place_of = {one: i for i, one in enumerate(rows.setl_id.tolist()) if one in decided}
        here = set(place_of)
        for setl_id, decision in decided.items():
            i = place_of.get(setl_id)
            if i is None:
                continue
            if decision.kind == facts.BY_ITEM:
                special[i] = BY_ITEM
            elif decision.kind == facts.ADJUSTED and decision.score is not None:
                special[i] = SPECIAL_ADJUSTED
                place[i] = len(scores)
                scores.append(decision.score)
    findings += [f for f in said if f.severity != "blocked" or f.subject in here]
    return frozen(special), tuple(scores), frozen(place)
