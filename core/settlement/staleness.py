"""Whether a stored run still stands: read off the ledger, nothing is computed.

Stale is a run when something that it stood on changed after it by way of the ledger: a file was withdrawn or
came in, a budget line or its coefficient set was edited. What changed past the ledger makes no run stale:
it is for `runs.verify` to find.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.faults import Refused
from core.settlement import coefficients
from core.storage import closed

if TYPE_CHECKING:
    from core.storage.workspace import Workspace

# Imports and tables that no clearing reads.
UNREAD_KINDS = {"official_clearing", "official_cases", "control_totals", "fund_months", "code_maps"}
UNREAD_TABLES = {
    "official_clearing",
    "control_total",
    "fund_month",
    "code_map",
    "coefficient",
    "coefficient_set",
    "catalogue_version",
    "scenario",
    "rule_pack",
    "official_case",
}
# Whatever the version: the rate of the months may be the opening point value, and stand on those of the years before.
CATALOGUES = {"catalogue", "catalogue_version"}
# What only own grouping reads.
CLINICAL_KINDS = {"diagnoses", "operations_done", "operations", "exclusions"}
CLINICAL_TABLES = {"operation", "exclusion"}
QUIET = {"run", "interrupted", "migrate", *closed.ACTIONS}  # actions that change nothing a run stands on


def run_subject(year: int, pack: str, run_hash: str, period: str = "") -> str:
    """What the ledger calls a run: the year or month, and enough of its hash to know the row by."""
    return f"{period or year} {pack} #{run_hash[:16]}"


@dataclass(frozen=True, slots=True)
class _Run:
    """What of a run says which changes concern it."""

    year: int
    catalogue: str
    own: bool
    kind: str
    period: str


def stale(workspace: Workspace, run_id: int) -> str:
    """Why a run no longer stands, "" while it does; read off the ledger, nothing is computed."""
    connection = workspace.reader()
    row = connection.execute(
        "SELECT year, pack, set_name, set_hash, catalogue, grouping, batches, hash, kind, period, pack_text FROM run"
        " WHERE id = ?",
        (run_id,),
    ).fetchone()
    if row is None:
        raise Refused("run_unknown", run=run_id)
    year, pack, set_name, set_hash, version, grouping, stood_on, digest, kind, period, text = row
    held = closed.confirmed(connection).get(year)
    if held is not None and kind == "clear" and digest in held.runs:
        return ""  # nothing that it stands on can change
    run = _Run(year, version, grouping == "own", kind, period)
    withdrawn = {
        number
        for number, kind in connection.execute("SELECT id, kind FROM batch WHERE withdrawn = 1")
        if _reads(connection, number, kind, run)
    }
    if withdrawn & set(json.loads(stood_on)):
        return "withdrawn"
    line = connection.execute(
        "SELECT max(id) FROM ledger WHERE action = 'run' AND subject = ?", (run_subject(year, pack, digest, period),)
    ).fetchone()[0]
    since = [] if line is None else _since(connection, line)
    if line is None or any(_concerns(connection, change, run) for change in since):
        return "data_changed"
    packs = {str(change["key"]["id"]) for change in since if change["table"] == "rule_pack"}
    if packs & set(closed.packs_named(text)):
        return "pack_changed"
    if not any(_edits(connection, change, set_name) for change in since):
        return ""
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


def _concerns(connection: sqlite3.Connection, change: Mapping[str, Any], run: _Run) -> bool:
    """Whether a change touches what a run read, its coefficient set aside."""
    table, key = change["table"], change["key"]
    if table == "batch":
        return _reads(connection, key["id"], _kind(connection, key), run)
    if run.kind == "month" and table in CATALOGUES:
        return True
    if table in UNREAD_TABLES or (table in CLINICAL_TABLES and not run.own):
        return False
    if table == "catalogue":
        return key["version"] == run.catalogue
    if run.kind == "prepay":  # stands on what last year brought
        return table == "institution" or str(key.get("period", run.year - 1))[:4] == str(run.year - 1)
    if run.period and "period" in key:  # a month reads its own deductions, and no payments
        return table == "deduction" and str(key["period"]) == run.period
    if "period" in key:
        return str(key["period"])[:4] == str(run.year)
    if table == "reference_mean":
        return key["year"] < run.year if run.kind == "month" else key["year"] == run.year - 1
    return key.get("year", run.year) == run.year


def _reads(connection: sqlite3.Connection, batch: int, kind: str, run: _Run) -> bool:
    """Whether a run reads a file; of catalogues only those that bring rows to its own version, a month's of every one."""
    if kind in UNREAD_KINDS or kind == "coefficients" or (kind in CLINICAL_KINDS and not run.own):
        return False
    if run.period and kind in ("payments", "assessments"):
        return False
    if kind != "catalogue" or run.kind == "month":
        return True
    return any(
        connection.execute(
            f"SELECT 1 FROM {table} WHERE version = ? AND batch_id = ? LIMIT 1", (run.catalogue, batch)
        ).fetchone()
        for table in ("catalogue", "withdrawn_catalogue")
    )


def _edits(connection: sqlite3.Connection, change: Mapping[str, Any], set_name: str) -> bool:
    """Whether a change touches what the coefficient set holds."""
    table, key = change["table"], change["key"]
    if table == "batch":
        return set_name == coefficients.IMPORTED and _kind(connection, key) == "coefficients"
    return (table, key.get("set_name", key.get("name"))) in (
        ("coefficient", set_name),
        ("coefficient_set", set_name),
    )


def _kind(connection: sqlite3.Connection, key: Mapping[str, Any]) -> str:
    found = connection.execute("SELECT kind FROM batch WHERE id = ?", (key["id"],)).fetchone()
    return found[0] if found else ""
