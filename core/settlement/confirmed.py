"""Confirming a year's clearing, and reopening it: which runs stand, by whom and when, one line of the ledger each.

A run is confirmed only after it came out again, the same to the hash, from the data as they are. From then on nothing
that it rests on can change (`core.storage.closed` says what that is) until somebody reopens the year with a reason.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from core.faults import Refused
from core.progress import SILENT, Progress
from core.rules.cases import FUNDS
from core.settlement.runs import recomputed
from core.settlement.staleness import stale
from core.storage import closed
from core.storage.closed import Confirmed, confirmed
from core.storage.ledger import Change, Edit, LedgerLine, who

if TYPE_CHECKING:
    from core.rules.sheet import Clearing
    from core.storage.workspace import Workspace

__all__ = ["Confirmed", "confirm", "confirmed", "marked", "reopen", "standing"]


def confirm(
    workspace: Workspace, year: int, why: str = "", *, run: str = "", progress: Progress = SILENT
) -> LedgerLine:
    """Let the year's newest runs that stand, every fund in one of them, be its clearing; or the run of that hash, or of
    how the hash begins.

    Refused: year_confirmed_already, confirm_no_run, confirm_stale (each naming the year), confirm_fund (no run has a fund
    that has a budget), blocked (the findings that block it now), confirm_differs (a run comes out otherwise now).
    """
    connection = workspace.reader()
    if year in confirmed(connection):
        raise Refused("year_confirmed_already", year=year)
    chosen = standing(workspace, year, run)
    for number, digest in chosen.items():
        if recomputed(workspace, number, progress).clearing.stamps.run_hash != digest:
            raise Refused("confirm_differs", year=year, run=digest[:16])
    after = {
        "runs": json.dumps(list(chosen.values())),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "who": who(),
        "why": "",  # the words stand beside it in the line, which can go out without them
    }
    change = Change(closed.TABLE, {"year": year}, None, after)
    return workspace.ledger.commit(Edit("confirm", str(year), (change,), why.strip()), progress=progress)


def reopen(workspace: Workspace, year: int, why: str) -> LedgerLine:
    """Let what the year rests on be changed again. Refused: year_not_confirmed, reopen_reason (there is none)."""
    held = confirmed(workspace.reader()).get(year)
    if held is None:
        raise Refused("year_not_confirmed", year=year)
    if not why.strip():
        raise Refused("reopen_reason", year=year)
    before = {"runs": json.dumps(list(held.runs)), "at": held.at, "who": held.who, "why": ""}
    change = Change(closed.TABLE, {"year": year}, before, None)
    return workspace.ledger.commit(Edit("reopen", str(year), (change,), why.strip()))


def standing(workspace: Workspace, year: int, run: str = "") -> dict[int, str]:
    """The runs that confirming the year would take: id to hash. Refused as `confirm`."""
    connection = workspace.reader()
    rows = connection.execute(
        "SELECT id, hash, funds FROM run WHERE kind = 'clear' AND year = ? AND substr(hash, 1, ?) = ? ORDER BY id DESC",
        (year, len(run), run),
    ).fetchall()
    if not rows:
        raise Refused("confirm_no_run", year=year)
    chosen: dict[int, str] = {}
    lacking = _funds(connection, year)
    reason = ""
    for number, digest, funds in rows:
        said = stale(workspace, number)
        reason = reason or said
        if not said and (lacking & set(funds.split(",")) or not chosen):
            chosen[number] = digest
            lacking -= set(funds.split(","))
        if chosen and not lacking:
            break
    if not chosen:
        raise Refused("confirm_stale", year=year)
    if lacking:
        raise Refused("confirm_fund", year=year, fund=" ".join(sorted(lacking)))
    return dict(sorted(chosen.items()))


def marked(workspace: Workspace, clearing: Clearing) -> Clearing:
    """The clearing with who confirmed it, when and by which line of the ledger on its stamps, "" while it is a draft; for what
    leaves the house."""
    held = confirmed(workspace.reader()).get(clearing.year)
    stamps = clearing.stamps
    if held is None or stamps.tried or stamps.period or stamps.run_hash not in held.runs:
        return clearing
    return replace(
        clearing, stamps=replace(stamps, confirmed_by=held.who, confirmed_at=held.at, confirmed_line=held.line)
    )


def _funds(connection: sqlite3.Connection, year: int) -> set[str]:
    """The funds that the year has a budget for."""
    rows = connection.execute("SELECT DISTINCT fund FROM budget WHERE year = ?", (year,))
    return {fund for (fund,) in rows} & set(FUNDS)

