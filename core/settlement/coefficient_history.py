"""Who changed a coefficient, when and why, read off the ledger; and what a draft changed since it was published."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from core.faults import Refused
from core.settlement.coefficients import IMPORTED, choose, parts, state_of

Place = tuple[str, str, str, int]  # institution, fund, part, day from which


@dataclass(frozen=True, slots=True)
class CellChange:
    """One line of a cell's history. before, after: the value as text, "" for an empty cell. action: edit, undo, redo,
    import, withdraw, publish. set_name: the set it was made in, which may be the one that this is based on. file: of an
    import. answers: the line that an undo or redo turns back."""

    line: int
    at: str
    who: str
    action: str
    why: str
    before: str
    after: str
    valid_from: str
    fund: str
    set_name: str
    basis: str = ""
    file: str = ""
    answers: int | None = None


@dataclass(frozen=True, slots=True)
class Changed:
    """What a set changed: cells by place, each with the value then and now (None: no row). against: the set compared
    with, "" where there is none and nothing counts as changed."""

    against: str
    cells: Mapping[Place, tuple[Fraction | None, Fraction | None]]


def cell_history(
    connection: sqlite3.Connection, set_name: str, code: str, fund: str, part: str, valid_from: str | None = None
) -> list[CellChange]:
    """Everything that became of a cell, newest first, undo lines too, back through the sets that this one was made from.

    fund: `all` rows belong to the history of a fund's cell as well. valid_from: only that row; None: of every day.
    Refused: set_unknown.
    """
    if state_of(connection, set_name) is None:
        raise Refused("set_unknown", set=set_name)
    found: list[CellChange] = []
    current, until, seen = set_name, 1 << 62, set[str]()
    while current and current not in seen:
        seen.add(current)
        state, based_on = connection.execute(
            "SELECT state, coalesce(based_on, '') FROM coefficient_set WHERE name = ?", (current,)
        ).fetchone() or ("", "")
        own = list(_lines(connection, current, code, {fund, "all"}, part, valid_from, until))
        found += own
        born = _born(connection, current, state)
        until = min(until, born)
        current = based_on
    return found


def _born(connection: sqlite3.Connection, set_name: str, state: str) -> int:
    """The line that made a set: what its predecessor became later is no part of its history."""
    if state == "published":
        row = connection.execute(
            "SELECT max(id) FROM ledger WHERE action = 'publish' AND substr(subject, 1, ?) = ?",
            (len(set_name) + 1, set_name + " "),
        ).fetchone()
    else:
        row = connection.execute(
            "SELECT max(id) FROM ledger WHERE action = 'edit' AND subject = ?"
            " AND instr(changes, '\"table\":\"coefficient_set\"') > 0",
            (set_name,),
        ).fetchone()
    return row[0] if row and row[0] else 1 << 62


def _lines(
    connection: sqlite3.Connection,
    set_name: str,
    code: str,
    funds: set[str],
    part: str,
    valid_from: str | None,
    until: int,
) -> Iterator[CellChange]:
    """The lines of one set that touch the cell, newest first, before line `until`."""
    came = _came(connection, code, funds, part, valid_from) if set_name == IMPORTED else {}
    of_code = f'"fixmedins_code":{json.dumps(code, ensure_ascii=False)}'
    for number, at, who, action, why, answers, changes in connection.execute(
        "SELECT id, at, who, action, why, answers, changes FROM ledger WHERE id < ?"
        " AND (instr(changes, ?) > 0 OR instr(changes, '\"table\":\"batch\"') > 0"
        "      OR (action = 'publish' AND substr(subject, 1, ?) = ?)) ORDER BY id DESC",
        (until, of_code, len(set_name) + 1, set_name + " "),
    ):
        if action == "publish":
            yield CellChange(number, at, who, action, why, "", "", "", "", set_name)
            continue
        for change in reversed(json.loads(changes)):
            key, before, after = change["key"], change["before"] or {}, change["after"] or {}
            if change["table"] == "batch":
                gone = bool(after.get("withdrawn"))
                for day, own, value, basis, file in came.get(key["id"], ()):
                    values = (value, "") if gone else ("", value)
                    yield CellChange(number, at, who, action, why, *values, day, own, set_name, basis, file, answers)
                continue
            if change["table"] != "coefficient" or key["set_name"] != set_name or key["fixmedins_code"] != code:
                continue
            if key["part"] != part or key["fund"] not in funds or valid_from not in (None, key["valid_from"]):
                continue
            for row in (before, after):  # an imported row that was edited since is known from the edit alone
                if set_name == IMPORTED and row.get("batch_id") is not None:
                    file = _file(connection, row["batch_id"])
                    known = came.setdefault(row["batch_id"], [])
                    said = (key["valid_from"], key["fund"], row["value"], row["basis"], file)
                    if said not in known:
                        known.append(said)
            yield CellChange(
                number, at, who, action, why, before.get("value", ""), after.get("value", ""), key["valid_from"],
                key["fund"], set_name, (after or before).get("basis", ""), "", answers,
            )  # fmt: skip


def _came(
    connection: sqlite3.Connection, code: str, funds: set[str], part: str, valid_from: str | None
) -> dict[int, list[tuple[str, str, str, str, str]]]:
    """The cell's rows that files brought, also those withdrawn, by batch: day, fund, value, basis, file."""
    found: dict[int, list[tuple[str, str, str, str, str]]] = {}
    for table in ("coefficient", "withdrawn_coefficient"):
        for batch, day, fund, value, basis in connection.execute(
            f"SELECT batch_id, valid_from, fund, value, basis FROM {table} WHERE set_name = ? AND fixmedins_code = ?"
            " AND part = ? AND batch_id IS NOT NULL ORDER BY fund, valid_from",
            (IMPORTED, code, part),
        ):
            if fund in funds and valid_from in (None, day):
                found.setdefault(batch, []).append((day, fund, value, basis, _file(connection, batch)))
    return found


def _file(connection: sqlite3.Connection, batch: int) -> str:
    row = connection.execute("SELECT file FROM batch WHERE id = ?", (batch,)).fetchone()
    return row[0] if row else ""


def changed_since(connection: sqlite3.Connection, set_name: str, against: str | None = None) -> Changed:
    """Cells that differ from the set that this one is based on, else from the one published last, or from `against`.

    Refused: set_unknown.
    """
    row = connection.execute("SELECT coalesce(based_on, '') FROM coefficient_set WHERE name = ?", (set_name,)).fetchone()
    if row is None:
        raise Refused("set_unknown", set=set_name)
    base = against if against is not None else row[0]
    if not base:
        latest = choose(connection)
        base = latest.name if latest is not None and latest.state == "published" else ""
    if not base or base == set_name:
        return Changed("", {})
    if state_of(connection, base) is None:
        raise Refused("set_unknown", set=base)
    old, new = (
        {(one.code, one.fund, one.name, one.day): one.value for one in parts(connection, name)} for name in (base, set_name)
    )
    return Changed(
        base, {key: (old.get(key), new.get(key)) for key in sorted(old.keys() | new.keys()) if old.get(key) != new.get(key)}
    )
