"""What changed, by whom, when and why: append-only lines, each with the hash of the one before.

An edit is a value with an inverse. Undo appends the inverse, redo appends the inverse of that: nothing is
deleted, and what can be undone is read off the lines, so it survives a restart.
"""

from __future__ import annotations

import getpass
import hashlib
import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from core import settings
from core.faults import Refused
from core.findings import Finding
from core.progress import SILENT, Progress
from core.storage import batches, closed, migrations

if TYPE_CHECKING:
    from core.storage.workspace import Workspace

Value = str | int | None
Row = Mapping[str, Value]

# Tables a person may edit, by their primary key. Cases and what belongs to them are evidence: never edited.
EDITABLE = frozenset(
    {
        *("institution", "catalogue", "auxiliary", "operation", "reference_mean", "coefficient_set"),
        *("coefficient", "budget", "payment", "deduction", "assessment", "special_case"),
        *("official_clearing", "control_total", "fund_month"),
        *("exclusion", "code_map", "catalogue_version", "scenario", "rule_pack", "official_case"),
        closed.TABLE,
    }
)
# Done for good: undo passes over them.
FINAL = frozenset({"publish", *closed.ACTIONS})


@dataclass(frozen=True, slots=True)
class Change:
    """One row of a table by its natural key. before or after None: no such row.

    An update names in `before` every column that `after` sets. A deletion may name some columns of
    the row, or none ({}); the line keeps them all.
    """

    table: str
    key: Row
    before: Row | None
    after: Row | None

    def inverse(self) -> Change:
        return Change(self.table, self.key, self.after, self.before)


@dataclass(frozen=True, slots=True)
class Edit:
    """What a person did in one go.

    action: import, edit, publish, withdraw ...; subject: what they would call it.
    """

    action: str
    subject: str
    changes: tuple[Change, ...]
    why: str = ""

    def inverse(self) -> Edit:
        return Edit(
            self.action, self.subject, tuple(change.inverse() for change in reversed(self.changes)), self.why
        )


@dataclass(frozen=True, slots=True)
class LedgerLine:
    id: int
    at: str  # UTC, ISO, seconds
    who: str
    action: str
    subject: str
    changes: tuple[Change, ...]
    why: str
    answers: int | None  # the line that an undo or redo turns back
    previous: str
    hash: str


@dataclass(slots=True)
class _Standing:
    """The lines that hold (`done`) and those that were turned back (`undone`), newest last.

    Both map an edit's own line to the line that last put it into that state; `root` maps any line to its
    edit's own.
    """

    done: dict[int, int] = field(default_factory=dict[int, int])
    undone: dict[int, int] = field(default_factory=dict[int, int])
    root: dict[int, int] = field(default_factory=dict[int, int])


# What a line says of a file beside its number, so that the chain of the ledger holds what came in to the byte.
CAME = ("kind", "file", "sheet", "sha256", "rows_read", "accepted", "refused")


def arrival(batch_id: int) -> Change:
    """The change that an import makes: the batch comes into force. Its inverse withdraws the batch. Its line says `CAME` too."""
    return Change("batch", {"id": batch_id}, {"withdrawn": 1}, {"withdrawn": 0})


class Ledger:
    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def commit(
        self, edit: Edit, connection: sqlite3.Connection | None = None, progress: Progress = SILENT
    ) -> LedgerLine:
        """Apply the edit and write its line, in one transaction of its own or in that of `connection`.

        Refused: stale_edit (a row is not what `before` says), not_editable, published_frozen, key_taken,
        file_known, year_confirmed (see `closed`). With `connection`, a refusal has to leave that transaction: some
        changes may be made by then.
        """
        if connection is None:
            with self._workspace.transaction(edit.action, edit.subject, progress) as own:
                return self.commit(edit, own, progress)
        return _append(connection, edit, _apply(connection, edit.changes, progress))

    def record(
        self,
        connection: sqlite3.Connection,
        action: str,
        subject: str,
        changes: Sequence[Change] = (),
        why: str = "",
    ) -> LedgerLine:
        """The line only: the caller has made the change in this transaction (an import, a run)."""
        return self.record_in(connection, action, subject, changes, why)

    @staticmethod
    def record_in(
        connection: sqlite3.Connection,
        action: str,
        subject: str,
        changes: Sequence[Change] = (),
        why: str = "",
    ) -> LedgerLine:
        edit = Edit(action, subject, tuple(changes), why)
        return _append(connection, edit, edit.changes)

    def undo(self, line_id: int | None = None, why: str = "", progress: Progress = SILENT) -> LedgerLine:
        """Turn back the newest edit that holds, or the one named. Refused: nothing_to_undo, as `commit`."""
        return self._turn_back("undo", line_id, why, progress)

    def redo(self, line_id: int | None = None, why: str = "", progress: Progress = SILENT) -> LedgerLine:
        """Do again what was undone last, or the one named; a new edit since then leaves nothing to redo."""
        return self._turn_back("redo", line_id, why, progress)

    def undoable(self) -> LedgerLine | None:
        """The line that `undo()` would turn back."""
        return self._newest("undo")

    def redoable(self) -> LedgerLine | None:
        """The line that `redo()` would turn back."""
        return self._newest("redo")

    def lines(self, limit: int | None = None, before: int | None = None) -> list[LedgerLine]:
        """Newest first; `before` a line's id leads on to older ones."""
        rows = self._workspace.reader().execute(
            f"SELECT {_COLUMNS} FROM ledger WHERE id < ? ORDER BY id DESC LIMIT ?",
            (2**62 if before is None else before, -1 if limit is None else limit),
        )
        return [_line(row) for row in rows]

    def check(self) -> list[Finding]:
        """Walk the chain: an altered, missing or unguarded line is a finding with its number as subject."""
        return check(self._workspace.reader())

    def _newest(self, action: str) -> LedgerLine | None:
        connection = self._workspace.reader()
        standing = _standing(connection)
        lines = standing.done if action == "undo" else standing.undone
        return _get(connection, list(lines.values())[-1]) if lines else None

    def _turn_back(self, action: str, line_id: int | None, why: str, progress: Progress) -> LedgerLine:
        """Nobody else writes, so what the reader finds to turn back is still so inside the transaction."""
        connection = self._workspace.reader()
        standing = _standing(connection)
        lines = standing.done if action == "undo" else standing.undone
        edit_id = next(reversed(lines), None) if line_id is None else standing.root.get(line_id)
        if edit_id is None or edit_id not in lines:
            raise Refused(f"nothing_to_{action}", line="" if line_id is None else line_id)
        line = _get(connection, lines[edit_id])
        edit = Edit(action, line.subject, line.changes, why).inverse()
        with self._workspace.transaction(action, line.subject, progress) as connection:
            return _append(connection, edit, _apply(connection, edit.changes, progress), answers=line.id)


# Lines

_COLUMNS = "id, at, who, action, subject, changes, why, answers, previous, hash"


def _append(
    connection: sqlite3.Connection, edit: Edit, changes: Iterable[Change], answers: int | None = None
) -> LedgerLine:
    changes = [_with_file(connection, change) for change in changes]
    closed.hold(connection, edit.action, changes)
    newest = connection.execute("SELECT id, hash FROM ledger ORDER BY id DESC LIMIT 1").fetchone()
    number, previous = (newest[0] + 1, newest[1]) if newest else (1, "")
    at = datetime.now(UTC).isoformat(timespec="seconds")
    text = _canonical(
        [
            {"table": c.table, "key": _plain(c.key), "before": _plain(c.before), "after": _plain(c.after)}
            for c in changes
        ]
    )
    row = (number, at, who(), edit.action, edit.subject, text, edit.why, answers, previous)
    row = (*row, _hash(row))
    connection.execute(f"INSERT INTO ledger ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    return _line(row)


def _with_file(connection: sqlite3.Connection, change: Change) -> Change:
    if change.table != "batch":
        return change
    row = connection.execute(f"SELECT {', '.join(CAME)} FROM batch WHERE id = ?", (change.key["id"],)).fetchone()
    return replace(change, key={"id": change.key["id"], **dict(zip(CAME, row or (), strict=bool(row)))})


def _get(connection: sqlite3.Connection, number: int) -> LedgerLine:
    return _line(connection.execute(f"SELECT {_COLUMNS} FROM ledger WHERE id = ?", (number,)).fetchone())


def _line(row: tuple[Any, ...]) -> LedgerLine:
    changes = tuple(Change(c["table"], c["key"], c["before"], c["after"]) for c in json.loads(row[5]))
    return LedgerLine(row[0], row[1], row[2], row[3], row[4], changes, row[6], row[7], row[8], row[9])


def _hash(row: tuple[Any, ...]) -> str:
    """Of the line without its hash: canonical JSON of its columns, `changes` as the text it is kept in. Of a confirming line the
    words `why` are in it by their own hash, so that it can be shown without them."""
    told = dict(zip(_COLUMNS.split(", ")[:9], row[:9], strict=True))
    if told["action"] == "confirm":
        told["why"] = hashlib.sha256(told["why"].encode()).hexdigest()
    return hashlib.sha256(_canonical(told).encode()).hexdigest()


def _canonical(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _plain(row: Row | None) -> dict[str, Value] | None:
    """The row as it may stand in a line; a float, bool or anything else in it is a bug."""
    if row is None:
        return None
    for name, value in row.items():
        if value is not None and type(value) is not int and type(value) is not str:
            raise TypeError(f"{name}: {value!r} cannot stand in the ledger")
    return dict(row)


def who() -> str:
    """The name that a line is written under: the one of the settings, else the system's."""
    try:
        return settings.load().user or getpass.getuser()
    except (OSError, KeyError, ImportError):  # no such user on this system
        return ""


def _standing(connection: sqlite3.Connection) -> _Standing:
    standing = _Standing()
    for number, action, answers in connection.execute(
        "SELECT id, action, answers FROM ledger WHERE changes <> '[]' ORDER BY id"
    ):
        if answers is None:
            standing.root[number] = number
            standing.undone.clear()
            if action not in FINAL:
                standing.done[number] = number
            continue
        root = standing.root[number] = standing.root[answers]
        left, entered = (
            (standing.done, standing.undone) if action == "undo" else (standing.undone, standing.done)
        )
        left.pop(root, None)
        entered[root] = number
    return standing


def check(connection: sqlite3.Connection) -> list[Finding]:
    """See `Ledger.check`."""
    findings: list[Finding] = []

    def say(code: str, number: object) -> None:
        findings.append(Finding(code, "blocked", subject=str(number), values={"line": str(number)}))

    expected, previous = 1, ""
    for row in connection.execute(f"SELECT {_COLUMNS} FROM ledger ORDER BY id"):
        if row[0] != expected:
            say("ledger_line_missing", expected)
        elif row[8] != previous:
            say("ledger_chain_broken", row[0])
        if _hash(row) != row[9]:
            say("ledger_line_altered", row[0])
        expected, previous = row[0] + 1, row[9]
    # The newest lines leave no gap when they are cut off; the counter of the ids remembers them.
    last = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'ledger'").fetchone()
    if last is None or last[0] != expected - 1:
        say("ledger_line_missing", expected)
    rows = connection.execute("SELECT sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'ledger' COLLATE NOCASE")
    if frozenset(migrations.plain_sql(sql) for (sql,) in rows) != migrations.guards():  # their names say nothing
        say("ledger_unguarded", "")
    return findings


# Changes


def _apply(connection: sqlite3.Connection, changes: Iterable[Change], progress: Progress) -> list[Change]:
    """Make the changes in order; return them as they are to stand in the line."""
    done: list[Change] = []
    shapes: dict[str, _Shape] = {}
    for change in changes:
        for row in (change.key, change.before, change.after):
            _plain(row)
        if change.table == "batch":
            done.append(_apply_to_batch(connection, change, progress))
        else:
            if change.table not in shapes:
                shapes[change.table] = _shape(connection, change.table)
            done.append(_apply_to_row(connection, change, shapes[change.table]))
    if any(change.table == "batch" for change in done):
        batches.net_refunds(connection)
    return done


def _apply_to_batch(connection: sqlite3.Connection, change: Change, progress: Progress) -> Change:
    """Withdraw a batch or return it."""
    if (
        not {"id"} <= set(change.key) <= {"id", *CAME}
        or set(change.before or ()) != {"withdrawn"}
        or set(change.after or ()) != {"withdrawn"}
    ):
        raise Refused("not_editable", table="batch")
    assert change.before is not None
    assert change.after is not None
    number = change.key["id"]
    named = " AND ".join(f"{name} = ?" for name in change.key)
    row = connection.execute(f"SELECT withdrawn FROM batch WHERE {named}", tuple(change.key.values())).fetchone()
    current = {"withdrawn": row[0]} if row else None
    _compare(change, current)
    if change.after["withdrawn"]:
        batches.withdraw(connection, int(number or 0), progress)
    else:
        batches.put_back(connection, int(number or 0), progress)
    return change


_Shape = tuple[list[str], list[str]]


def _apply_to_row(connection: sqlite3.Connection, change: Change, shape: _Shape) -> Change:
    keys, others = shape
    named = {*(change.before or ()), *(change.after or ())}
    if set(change.key) != set(keys) or not named <= set(others):
        raise Refused("not_editable", table=change.table, key=_shown(change.key))
    where = " AND ".join(f'"{name}" = ?' for name in keys)
    at = tuple(change.key[name] for name in keys)

    def current() -> dict[str, Value] | None:
        columns = ", ".join(f'"{name}"' for name in (*others, *keys))
        row = connection.execute(f'SELECT {columns} FROM "{change.table}" WHERE {where}', at).fetchone()
        return dict(zip(others, row[: len(others)], strict=True)) if row else None

    found = current()
    _compare(change, found)
    if change.after is None:
        connection.execute(f'DELETE FROM "{change.table}" WHERE {where}', at)
        return Change(change.table, change.key, found, None)
    names = list(change.after)
    values = tuple(change.after.values())
    if change.before is None:
        columns = ", ".join(f'"{name}"' for name in (*keys, *names))
        marks = ", ".join("?" * (len(keys) + len(names)))
        connection.execute(f'INSERT INTO "{change.table}" ({columns}) VALUES ({marks})', (*at, *values))
    elif not set(names) <= set(change.before):
        raise ValueError(f"{change.table}: `before` lacks columns of `after`")
    elif names:
        columns = ", ".join(f'"{name}" = ?' for name in names)
        connection.execute(f'UPDATE "{change.table}" SET {columns} WHERE {where}', (*values, *at))
    stands = current()
    if stands is None or any(stands[name] != change.after[name] for name in names):
        raise TypeError(
            f"{change.table} {dict(change.key)}: the table keeps other values than {dict(change.after)}"
        )
    if change.before is None:
        return Change(change.table, change.key, None, stands)
    return Change(change.table, change.key, {name: change.before[name] for name in names}, change.after)


def _shape(connection: sqlite3.Connection, table: str) -> _Shape:
    """Natural key and other columns of an editable table, from the table itself."""
    if table not in EDITABLE:
        raise Refused("not_editable", table=table)
    rows = connection.execute("SELECT name, pk FROM pragma_table_info(?) ORDER BY cid", (table,)).fetchall()
    return [name for name, pk in sorted(rows, key=lambda row: row[1]) if pk], [
        name for name, pk in rows if not pk
    ]


def _compare(change: Change, found: Row | None) -> None:
    """Refuse a `before` that no longer holds, naming the key and both values."""
    expected = change.before
    if expected is None or found is None:
        stale = expected is not found
    else:
        stale = any(
            found[name] != value or type(found[name]) is not type(value) for name, value in expected.items()
        )
    if not stale:
        return
    differing = None
    if expected is not None and found is not None:
        differing = {name for name, value in expected.items() if found[name] != value}
    raise Refused(
        "stale_edit",
        table=change.table,
        key=_shown(change.key),
        expected=_shown(expected, differing),
        found=_shown(found, differing),
    )


def _shown(row: Row | None, only: set[str] | None = None) -> str:
    """A row in a sentence; no row at all is a dash."""
    if row is None:
        return "—"
    return ", ".join(
        f"{name} = {'' if value is None else value}"
        for name, value in row.items()
        if only is None or name in only
    )
