"""Stored runs: which there are, which of them still stand, and all of them computed again.

A stale run (`staleness`) is said and is no fault. A run that nothing touched and that comes out differently is
one, and so are a run of the ledger that is not there and a published set that is not what was published.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.catalogue import library
from core.export.tables import clearing_json
from core.faults import Cancelled, Fault, Refused
from core.findings import Finding
from core.progress import SILENT, Progress, step
from core.rules import packs
from core.rules.cases import FUNDS
from core.rules.chapters import chapter
from core.rules.sheet import BudgetLine, Clearing, FundSheet, Institution, Stamps
from core.settlement import annual, coefficients, gather
from core.settlement.advance import advance
from core.settlement.monthly import settle
from core.settlement.staleness import run_subject, stale
from core.settlement.year import institutions
from core.storage import batches, closed

if TYPE_CHECKING:
    from core.storage.workspace import Workspace

_MISREAD = Path(__file__).with_name("misread.sql").read_text("utf-8")
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


@dataclass(frozen=True, slots=True)
class Run:
    """One stored run. stale: "" while it stands; else "withdrawn", "data_changed", "pack_changed", "set_changed"."""

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


def last_run(workspace: Workspace, year: int, pack: str = "") -> Clearing | None:
    """The newest run of the year that still stands, else the newest; as it was stored, nothing is computed."""
    connection = workspace.reader()
    held = closed.confirmed(connection).get(year)
    rows = connection.execute(
        "SELECT id, hash FROM run WHERE kind = 'clear' AND year = ? AND (? = '' OR pack = ?) ORDER BY id DESC",
        (year, pack, pack),
    ).fetchall()
    rows.sort(key=lambda row: held is not None and row[1] in held.runs, reverse=True)  # what is confirmed comes first
    found = [number for number, _ in rows]
    if not found:
        return None
    return stored(connection, next((number for number in found if not stale(workspace, number)), found[0]))


def stored(connection: sqlite3.Connection, run_id: int) -> Clearing:
    """A run as a clearing, from its stored result, which has twelve decimals of what does not end."""
    row = connection.execute(
        "SELECT year, pack_text, parameters, result, kind, period FROM run WHERE id = ?", (run_id,)
    ).fetchone()
    if row is None:
        raise Refused("run_unknown", run=run_id)
    year, text, parameters, result, kind, period = row
    pack = packs.restore(text, json.loads(parameters))
    if kind != "clear":
        pack = chapter(pack, kind)
    told = json.loads(result)
    marks = told["stamps"]
    stamps = Stamps(
        **{name: str(marks[name]) for name in STAMPED},
        synthetic=bool(told["synthetic"]),
        parameters=dict(marks["parameters"]),
        references={name: int(n) for name, n in marks["references"].items()},
        counts={name: int(n) for name, n in marks["counts"].items()},
        period=period,
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


COLUMNS = (
    "id", "year", "at", "who", "pack", "pack_hash", "pack_text", "set_name", "set_hash", "catalogue", "grouping", "funds",
    "parameters", "data_hash", "batches", "result", "result_hash", "hash", "kind", "period",
)  # fmt: skip


@dataclass(frozen=True)
class Recomputed:
    """A stored run (its columns by name) and what comes out now; scored: the cases of a year's clearing."""

    row: Mapping[str, Any]
    clearing: Clearing
    scored: annual.Scored | None

    @property
    def same(self) -> bool:
        """Whether it came out the same to the hash."""
        return self.clearing.stamps.run_hash == self.row["hash"] and clearing_json(self.clearing) == self.row["result"]

    @property
    def same_figures(self) -> bool:
        """Whether all but the hash is the same: an earlier version of the program made the hash, or somebody else."""
        stamps = replace(self.clearing.stamps, run_hash=self.row["hash"])
        return clearing_json(replace(self.clearing, stamps=stamps)) == self.row["result"]


def row_of(connection: sqlite3.Connection, run_id: int) -> dict[str, Any]:
    """A stored run by its columns. Refused: run_unknown."""
    row = connection.execute(f"SELECT {', '.join(COLUMNS)} FROM run WHERE id = ?", (run_id,)).fetchone()
    if row is None:
        raise Refused("run_unknown", run=run_id)
    return dict(zip(COLUMNS, row, strict=True))


def recomputed(workspace: Workspace, run_id: int, progress: Progress = SILENT) -> Recomputed:
    """A stored run computed again from its stored pack and the data as they are. Refused as clearings are."""
    row = row_of(workspace.reader(), run_id)
    year, funds = row["year"], tuple(row["funds"].split(","))
    pack = packs.restore(row["pack_text"], json.loads(row["parameters"]))
    if row["kind"] == "prepay":
        return Recomputed(row, advance(workspace, year, pack, funds=funds, progress=progress, store=False).clearing, None)
    if row["kind"] == "month":
        month = settle(
            workspace, row["period"], pack, funds=funds, set_name=row["set_name"], catalogue=row["catalogue"],
            grouping=row["grouping"], progress=progress, store=False,
        )  # fmt: skip
        return Recomputed(row, month.clearing, None)
    scored = annual.score_cases(
        workspace, year, pack, funds=funds, set_name=row["set_name"], catalogue=row["catalogue"],
        grouping=row["grouping"], progress=progress,
    )  # fmt: skip
    return Recomputed(row, annual.sheets(pack, scored), scored)


def verify(workspace: Workspace, progress: Progress = SILENT) -> list[Finding]:
    """See `_verified`. What the check of the file cannot see, its reading does: a cell of another sort, a lost text."""
    try:
        return _verified(workspace, progress)
    except (Fault, Cancelled):
        raise
    except Exception as error:
        said = f"{type(error).__name__}: {str(error)[:80]}"
        return [Finding("file_damaged", "blocked", file=workspace.path.name, values={"said": said})]


def _verified(workspace: Workspace, progress: Progress) -> list[Finding]:
    """The file itself, the ledger's chain, published sets, and every run that stands computed again from its
    stored pack, set and data.

    A difference is a finding that blocks; a stale run is a note. Of a damaged file nothing else is said.
    """
    gather.forget()  # what is kept in memory would hide what was altered in the file
    annual.forget()
    connection = workspace.reader()
    damage = workspace.integrity()
    if damage:
        return damage
    findings = [
        *workspace.ledger.check(),
        *coefficients.altered(connection),
        *library.altered(connection),
        *_missing(connection),
        *_unconfirmed(connection),
        *_misread(connection),
        *_miscounted(connection),
    ]
    numbers = [number for (number,) in connection.execute("SELECT id FROM run ORDER BY id").fetchall()]
    for done, number in enumerate(numbers):
        step(progress, "verify", done, len(numbers))
        row = row_of(connection, number)
        subject = run_subject(row["year"], row["pack"], row["hash"], row["period"])
        if damaged := _damaged(row):
            findings.append(Finding("run_damaged", "blocked", subject=subject, value=damaged))
            continue
        said: list[str] = []
        if hashlib.sha256(row["result"].encode()).hexdigest() != row["result_hash"]:
            said.append("result")
        if not connection.execute(
            "SELECT 1 FROM ledger WHERE action = 'run' AND subject = ?", (subject,)
        ).fetchone():
            said.append("ledger")
        why = stale(workspace, number) if not said else ""
        if why:
            findings.append(Finding("run_stale", "note", subject=subject, values={"stale": why}))
            continue
        try:
            again = recomputed(workspace, number, progress)
        except Fault as fault:
            values = {**{key: str(value) for key, value in fault.values.items()}, "fault": fault.code}
            findings.append(Finding("run_not_computed", "blocked", subject=subject, values=values))
            findings += [one for one in getattr(fault, "findings", ()) if one.severity == "blocked"]
            continue
        stamps = again.clearing.stamps
        said += [what for what in ("pack", "set", "data") if getattr(stamps, f"{what}_hash") != row[f"{what}_hash"]]
        if not again.same and again.same_figures and not said:
            anew = connection.execute("SELECT 1 FROM run WHERE hash = ?", (stamps.run_hash,)).fetchone()
            code, severity = ("run_cleared_anew", "note") if anew else ("run_differs_hash", "blocked")
            findings.append(Finding(code, severity, subject=subject, value=stamps.run_hash[:16]))
        elif not again.same:
            said.append("figures")
        findings += [Finding(f"run_differs_{what}", "blocked", subject=subject) for what in said]
    # The same run may be kept twice, and what blocks one of a year blocks its others.
    return [one for at, one in enumerate(findings) if one not in findings[:at]]


def _damaged(row: Mapping[str, Any]) -> str:
    """The first column of a run that is not what this program writes, or "": it was written past it."""
    if not set(row["funds"].split(",")) <= set(FUNDS):
        return "funds"
    for name, kind in (("parameters", dict), ("batches", list)):
        try:
            if not isinstance(json.loads(row[name]), kind):
                return name
        except ValueError:
            return name
    return ""


def _misread(connection: sqlite3.Connection) -> list[Finding]:
    """Cases whose derived columns no longer follow from the row's own: a second way to read them, by plain SQL."""
    return [
        Finding("case_altered", "blocked", file or "", sheet or "", row, columns, subject=setl_id)
        for setl_id, file, sheet, row, columns in connection.execute(_MISREAD)
    ]


def _miscounted(connection: sqlite3.Connection) -> list[Finding]:
    """Batches of cases that hold more or fewer rows than were accepted."""
    return [
        Finding("batch_altered", "blocked", file, subject=str(number), values={"accepted": str(said), "held": str(held)})
        for number, file, said, held in connection.execute(
            "SELECT id, file, accepted, coalesce(held, 0) FROM batch LEFT JOIN"
            " (SELECT batch_id, count(*) AS held FROM cases GROUP BY batch_id) ON batch_id = id"
            " WHERE kind = 'cases' AND withdrawn = 0 AND accepted <> coalesce(held, 0) ORDER BY id"
        )
    ]


def _unconfirmed(connection: sqlite3.Connection) -> list[Finding]:
    """Confirmed years that are not as the ledger has them, and runs that stand confirmed and are not there."""
    told: dict[int, dict[str, object]] = {}
    for action, changes in connection.execute(
        "SELECT action, changes FROM ledger WHERE action IN ('confirm', 'reopen') ORDER BY id"
    ):
        for change in json.loads(changes):
            told.pop(change["key"]["year"], None)
            if action == "confirm":
                told[change["key"]["year"]] = change["after"]
    held = closed.confirmed(connection)
    stored = {
        year: {"runs": json.dumps(list(one.runs)), "at": one.at, "who": one.who, "why": ""}
        for year, one in held.items()
    }
    findings = [
        Finding("confirmed_altered", "blocked", subject=str(year))
        for year in sorted(told.keys() | stored.keys())
        if told.get(year) != stored.get(year)
    ]
    known = {digest for (digest,) in connection.execute("SELECT hash FROM run")}
    return findings + [
        Finding("confirmed_run_missing", "blocked", subject=str(year), value=digest[:16])
        for year, one in held.items()
        for digest in one.runs
        if digest not in known
    ]


def _missing(connection: sqlite3.Connection) -> list[Finding]:
    """Runs that the ledger knows and the workspace does not hold."""
    told = Counter(s for (s,) in connection.execute("SELECT subject FROM ledger WHERE action = 'run'"))
    held = connection.execute("SELECT year, pack, hash, period FROM run")
    told.subtract(run_subject(*one) for one in held)
    return [Finding("run_missing", "blocked", subject=one) for one, n in sorted(told.items()) if n > 0]
