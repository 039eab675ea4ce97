"""Stored runs: which there are, which of them still stand, and all of them computed again.

A run is stale when something that it stood on changed after it by way of the ledger: a file was withdrawn or
came in, a budget line or its coefficient set was edited. That is said and is no fault. A run that nothing
touched and that comes out differently is one.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from core.export.tables import clearing_json
from core.faults import Fault, Refused
from core.findings import Finding
from core.progress import SILENT, Progress, step
from core.rules import packs
from core.rules.sheet import BudgetLine, Clearing, FundSheet, Institution, Stamps
from core.settlement import annual, coefficients, gather
from core.settlement.annual import clear, run_subject
from core.settlement.gather import institutions
from core.storage import batches

if TYPE_CHECKING:
    from core.storage.workspace import Workspace

# Imports and tables that no clearing reads.
UNREAD_KINDS = {
    "official_clearing",
    "control_totals",
    "fund_months",
    "diagnoses",
    "operations_done",
    "operations",
}
UNREAD_TABLES = {
    "official_clearing",
    "control_total",
    "fund_month",
    "operation",
    "coefficient",
    "coefficient_set",
}
# What of a run's stamps is plain text.
STAMPED = (
    "region",
    "workspace",
    "pack",
    "pack_hash",
    "set_name",
    "set_hash",
    "set_state",
    "catalogue",
    "grouping",
    "data_hash",
    "run_hash",
)
QUIET = {"run", "publish", "interrupted", "migrate"}


@dataclass(frozen=True, slots=True)
class Run:
    """One stored run. stale: "" while it stands; else "withdrawn", "data_changed", "set_changed"."""

    id: int
    at: str
    who: str
    year: int
    pack: str
    set_name: str
    catalogue: str
    funds: tuple[str, ...]
    hash: str
    stale: str


def runs(workspace: Workspace) -> list[Run]:
    """All stored runs, newest first, each with whether it still stands."""
    found = (
        workspace.reader()
        .execute(
            "SELECT id, at, who, year, pack, set_name, catalogue, funds, hash FROM run WHERE kind = 'clear' ORDER BY id DESC"
        )
        .fetchall()
    )
    return [
        Run(
            number,
            at,
            who,
            year,
            pack,
            name,
            version,
            tuple(funds.split(",")),
            digest,
            stale(workspace, number),
        )
        for number, at, who, year, pack, name, version, funds, digest in found
    ]


def stale(workspace: Workspace, run_id: int) -> str:
    """Why a run no longer stands, "" while it does; read off the ledger, nothing is computed."""
    connection = workspace.reader()
    row = connection.execute(
        "SELECT year, pack, set_name, set_hash, batches, hash FROM run WHERE id = ?", (run_id,)
    ).fetchone()
    if row is None:
        raise Refused("run_unknown", run=run_id)
    year, pack, set_name, set_hash, stood_on, digest = row
    withdrawn = {
        number
        for (number,) in connection.execute(
            "SELECT id FROM batch WHERE withdrawn = 1 AND kind NOT IN (SELECT value FROM json_each(?))",
            (json.dumps(sorted(UNREAD_KINDS | {"coefficients"})),),
        )
    }
    if withdrawn & set(json.loads(stood_on)):
        return "withdrawn"
    line = connection.execute(
        "SELECT max(id) FROM ledger WHERE action = 'run' AND subject = ?", (run_subject(year, pack, digest),)
    ).fetchone()[0]
    if line is None or any(_concerns(connection, change, year) for change in _since(connection, line)):
        return "data_changed"
    head = coefficients.choose(connection, set_name)
    return "" if head is not None and head.hash == set_hash else "set_changed"


def _since(connection: sqlite3.Connection, line: int) -> list[dict[str, Any]]:
    """The changes that hold and did not when the line was written: what was undone since is not among them."""
    root: dict[int, int] = {}
    open_lines: dict[int, list[dict[str, Any]]] = {}
    for number, action, changes, answers in connection.execute(
        "SELECT id, action, changes, answers FROM ledger WHERE id > ? ORDER BY id", (line,)
    ):
        if action in QUIET:
            continue
        root[number] = number if answers is None else root.get(answers, _root(connection, answers))
        if root[number] in open_lines:
            del open_lines[root[number]]
        else:
            open_lines[root[number]] = json.loads(changes)
    return [change for changes in open_lines.values() for change in changes]


def _root(connection: sqlite3.Connection, line: int) -> int:
    """The edit that a chain of undo and redo goes back to."""
    while (
        answers := connection.execute("SELECT answers FROM ledger WHERE id = ?", (line,)).fetchone()[0]
    ) is not None:
        line = answers
    return line


def _concerns(connection: sqlite3.Connection, change: Mapping[str, Any], year: int) -> bool:
    """Whether a change touches what a clearing of the year reads."""
    table, key = change["table"], change["key"]
    if table == "batch":
        kind = connection.execute("SELECT kind FROM batch WHERE id = ?", (key["id"],)).fetchone()
        return kind is None or kind[0] not in UNREAD_KINDS | {"coefficients"}
    if table in UNREAD_TABLES:
        return False
    if "period" in key:
        return str(key["period"])[:4] == str(year)
    if table == "reference_mean":
        return key["year"] == year - 1
    return key.get("year", year) == year


def last_run(workspace: Workspace, year: int, pack: str = "") -> Clearing | None:
    """The newest run of the year that still stands, else the newest; as it was stored, nothing is computed."""
    connection = workspace.reader()
    found = [
        number
        for (number,) in connection.execute(
            "SELECT id FROM run WHERE kind = 'clear' AND year = ? AND (? = '' OR pack = ?) ORDER BY id DESC",
            (year, pack, pack),
        )
    ]
    if not found:
        return None
    return stored(connection, next((number for number in found if not stale(workspace, number)), found[0]))


def stored(connection: sqlite3.Connection, run_id: int) -> Clearing:
    """A run as a clearing, from its stored result, which has twelve decimals of what does not end."""
    row = connection.execute(
        "SELECT year, pack_text, parameters, result, set_name FROM run WHERE id = ?", (run_id,)
    ).fetchone()
    if row is None:
        raise Refused("run_unknown", run=run_id)
    year, text, parameters, result, _ = row
    pack = packs.restore(text, json.loads(parameters))
    told = json.loads(result)
    marks = told["stamps"]
    stamps = Stamps(
        **{name: str(marks[name]) for name in STAMPED},
        synthetic=bool(told["synthetic"]),
        parameters=dict(marks["parameters"]),
        references={name: int(n) for name, n in marks["references"].items()},
        counts={name: int(n) for name, n in marks["counts"].items()},
    )
    known = institutions(connection)
    sheets: list[FundSheet] = []
    for fund in sorted(told["funds"]):
        own = told["funds"][fund]
        listed = [
            known.get(one["fixmedins_code"], Institution(one["fixmedins_code"], "", 0))
            for one in own["institutions"]
        ]
        names = [step.id for step in pack.scope("institution")]
        values = {name: tuple(Fraction(one[name]) for one in own["institutions"]) for name in names}
        region = {step.id: Fraction(own["region"][step.id]) for step in pack.scope("region")}
        lines = tuple(
            BudgetLine(*line)
            for line in connection.execute(
                "SELECT item, amount, date, document FROM budget WHERE year = ? AND fund = ? ORDER BY item, date, document",
                (year, fund),
            )
        )
        sheets.append(FundSheet(fund, tuple(listed), region, values, lines))
    return Clearing(pack, year, tuple(sheets), stamps, tuple(batches.findings(connection, run_id=run_id)))


def verify(workspace: Workspace, progress: Progress = SILENT) -> list[Finding]:
    """The ledger's chain, and every run that stands computed again from its stored pack, set and data.

    A difference is a finding that blocks; a stale run is a note.
    """
    gather.forget()  # what is kept in memory would hide what was altered in the file
    annual.forget()
    connection = workspace.reader()
    findings = list(workspace.ledger.check())
    rows = connection.execute(
        "SELECT id, year, pack, pack_hash, pack_text, set_name, catalogue, grouping, funds, parameters, data_hash, result,"
        " result_hash, hash FROM run WHERE kind = 'clear' ORDER BY id"
    ).fetchall()
    for done, row in enumerate(rows):
        step(progress, "verify", done, len(rows))
        (
            number,
            year,
            name,
            pack_hash,
            text,
            set_name,
            version,
            grouping,
            funds,
            parameters,
            data_hash,
            result,
            result_hash,
            digest,
        ) = row
        subject = run_subject(year, name, digest)
        said: list[str] = []
        if hashlib.sha256(result.encode()).hexdigest() != result_hash:
            said.append("result")
        if not connection.execute(
            "SELECT 1 FROM ledger WHERE action = 'run' AND subject = ?", (subject,)
        ).fetchone():
            said.append("ledger")
        why = stale(workspace, number) if not said else ""
        if why:
            findings.append(Finding("run_stale", "note", subject=subject, value=why))
            continue
        try:
            pack = packs.restore(text, json.loads(parameters))
            if pack.hash != pack_hash:
                said.append("pack")
            again = clear(
                workspace,
                year,
                pack,
                funds=tuple(funds.split(",")),
                set_name=set_name,
                catalogue=version,
                grouping=grouping,
                progress=progress,
                store=False,
            )
        except Fault as fault:
            findings.append(Finding("run_not_computed", "blocked", subject=subject, value=fault.code))
            continue
        if again.stamps.data_hash != data_hash:
            said.append("data")
        if again.stamps.run_hash != digest or clearing_json(again) != result:
            said.append("figures")
        findings += [Finding(f"run_differs_{what}", "blocked", subject=subject) for what in said]
    return findings
