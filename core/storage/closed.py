"""What the clearing of a confirmed year rests on, as one table of rules, and the door that holds them.

Every ledger line passes here before it is written (`hold`): edits, imports, withdrawals, undo and redo alike. A change
that concerns a confirmed year is refused until the year is reopened, which is a line of its own.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from core.faults import Refused
from core.storage.migrations import columns, fact_tables

if TYPE_CHECKING:
    from core.storage.ledger import Change

TABLE = "confirmed_year"
ACTIONS = ("confirm", "reopen")  # the only lines that say which years are confirmed

# The year itself, and the one before, whose fees are the level means that cases are measured by.
_SETTLED = "EXISTS (SELECT 1 FROM cases AS c WHERE c.setl_id = t.setl_id AND c.year IN (:year, :year - 1))"
# A list of the year under a name of its own may be what goes with the catalogue, or make it doubtful which one does.
_BESIDE = "(t.year = :year AND t.batch_id NOT IN (SELECT id FROM batch WHERE kind = 'catalogue'))"
# Table -> when its row `t` concerns a run of the year :year, on catalogue :catalogue and set :set, by the product's own
# grouping (:own) or the bureau's, under the packs of the JSON list :packs. A table that is not named concerns no clearing:
# official results, control totals, fund months, code maps, scenarios, heads of versions.
RULES: Mapping[str, str] = {
    # Of the next year a reversal that takes a settlement of this one out of it counts too.
    "cases": "t.year IN (:year, :year - 1) OR (t.sign < 0 AND EXISTS (SELECT 1 FROM cases AS c WHERE c.sign = 1"
    " AND c.setl_id = coalesce(t.init_setl_id, t.setl_id) AND c.year IN (:year, :year - 1)))",
    "case_group": _SETTLED,
    "diagnosis": f":own AND {_SETTLED}",
    "operation_done": f":own AND {_SETTLED}",
    "special_case": "EXISTS (SELECT 1 FROM cases AS c WHERE c.setl_id = t.setl_id AND c.year = :year)",
    "institution": "EXISTS (SELECT 1 FROM cases AS c WHERE c.fixmedins_code = t.fixmedins_code AND c.year IN (:year, :year - 1))"
    " OR EXISTS (SELECT 1 FROM payment AS p WHERE p.fixmedins_code = t.fixmedins_code AND substr(p.period, 1, 4) = :period)"
    " OR EXISTS (SELECT 1 FROM deduction AS d WHERE d.fixmedins_code = t.fixmedins_code AND substr(d.period, 1, 4) = :period)",
    "catalogue": "t.version = :catalogue",
    "auxiliary": f"t.version = :catalogue OR {_BESIDE}",
    "exclusion": f":own AND (t.version = :catalogue OR {_BESIDE})",
    "operation": ":own",
    "reference_mean": "t.year = :year - 1",
    # A run names its set by the hash of the whole: what becomes valid later goes into another set.
    "coefficient": "t.set_name = :set",
    "coefficient_set": "t.name = :set",
    "budget": "t.year = :year",
    "payment": "substr(t.period, 1, 4) = :period",
    "deduction": "substr(t.period, 1, 4) = :period",
    "assessment": "t.year = :year",
    "rule_pack": "t.id IN (SELECT value FROM json_each(:packs))",
}


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A year whose clearing is confirmed. runs: hashes of the runs that stand, in their order. why: of the ledger's line."""

    year: int
    runs: tuple[str, ...]
    at: str
    who: str
    why: str
    line: str = ""  # hash of the ledger's line that says so


def confirmed(connection: sqlite3.Connection) -> dict[int, Confirmed]:
    rows = connection.execute(f"""
        SELECT year, runs, y.at, y.who, coalesce(l.why, ''), coalesce(l.hash, '') FROM {TABLE} AS y LEFT JOIN ledger AS l
        ON l.id = (SELECT max(id) FROM ledger WHERE action = 'confirm' AND subject = CAST(year AS TEXT)) ORDER BY year
    """)
    return {year: Confirmed(year, tuple(json.loads(runs)), *told) for year, runs, *told in rows.fetchall()}


@dataclass(frozen=True, slots=True)
class Held:
    """What confirmed years keep from being edited, each with the year that holds it."""

    years: frozenset[int] = frozenset()
    sets: Mapping[str, int] = field(default_factory=dict[str, int])
    catalogues: Mapping[str, int] = field(default_factory=dict[str, int])
    packs: Mapping[str, int] = field(default_factory=dict[str, int])


def held(connection: sqlite3.Connection) -> Held:
    """For pages: they refuse before they ask for a value or a reason. The door itself is `hold`."""
    years = confirmed(connection)
    found = Held(frozenset(years), {}, {}, {})
    for year, one in years.items():
        for run in _runs(connection, one):
            packs = json.loads(str(run["packs"]))
            for names, into in (([run["set"]], found.sets), ([run["catalogue"]], found.catalogues), (packs, found.packs)):
                cast(dict[str, int], into).update({str(name): year for name in names if name})
    return found


def refusal(connection: sqlite3.Connection, changes: Iterable[Change]) -> Refused | None:
    """What `hold` would say of changes that are not made yet, to rows that are there."""
    try:
        hold(connection, "", changes)
    except Refused as refused:
        return refused
    return None


def packs_named(text: str) -> list[str]:
    """The ids of the packs that a run's stored text holds, parents first (`packs.restore`)."""
    return [name.removesuffix(".toml") for name in re.findall(r"^#=== (.*)$", text, flags=re.MULTILINE)]


def hold(connection: sqlite3.Connection, action: str, changes: Iterable[Change]) -> None:
    """Refused("year_confirmed", year, table) where a change concerns a confirmed year. The changes are made already, in
    the transaction that the refusal leaves."""
    listed = list(changes)
    if action in ACTIONS:  # the name alone opens no door
        for change in listed:
            if change.table != TABLE:
                raise Refused("not_editable", table=change.table)
        if [(change.before is None, change.after is None) for change in listed] != [(action == "confirm", action == "reopen")]:
            raise Refused("not_editable", table=TABLE)
        return
    if any(change.table == TABLE for change in listed):
        raise Refused("not_editable", table=TABLE)
    years = confirmed(connection)
    for one in years.values():
        for run in _runs(connection, one):
            for change in listed:
                if table := _touches(connection, change, run):
                    raise Refused("year_confirmed", year=one.year, table=table)


def _runs(connection: sqlite3.Connection, one: Confirmed) -> list[dict[str, object]]:
    """What the year's runs stand on, as the rules ask for it. A run that was taken out past the ledger still holds its year."""
    found: list[dict[str, object]] = []
    for digest in one.runs:
        row = connection.execute(
            "SELECT catalogue, set_name, grouping, pack_text FROM run WHERE hash = ? AND year = ?", (digest, one.year)
        ).fetchone()
        catalogue, name, grouping, text = row or (None, None, "own", "")
        found.append({
            "year": one.year, "period": str(one.year), "catalogue": catalogue, "set": name,
            "own": grouping == "own", "packs": json.dumps(packs_named(text)),
        })  # fmt: skip
    return found


def _touches(connection: sqlite3.Connection, change: Change, run: Mapping[str, object]) -> str:
    """The table by which a change concerns the run, or ""."""
    if change.table == "batch":
        for table in fact_tables(connection):
            for name in (table, f"withdrawn_{table}") if table in RULES else ():
                if _of_batch(connection, name, table, change.key, run):
                    return table
        return ""
    rule = RULES.get(change.table)
    if rule is None:
        return ""
    row = _row(connection, change)
    told = ", ".join(f':_{name} AS "{name}"' for name in row)
    values = {**run, **{f"_{name}": value for name, value in row.items()}}
    found = connection.execute(f"SELECT 1 FROM (SELECT {told}) AS t WHERE {rule}", _asked(values, told + rule)).fetchone()
    return change.table if found else ""


def _row(connection: sqlite3.Connection, change: Change) -> dict[str, Any]:
    """The whole row as it stands now; a deleted one as the line keeps it."""
    where = " AND ".join(f'"{name}" = ?' for name in change.key)
    names = sorted(columns(connection, change.table))
    listed = ", ".join(f'"{name}"' for name in names)
    found = connection.execute(f'SELECT {listed} FROM "{change.table}" WHERE {where}', tuple(change.key.values())).fetchone()
    gone = dict.fromkeys(names) | dict(change.before or {}) | dict(change.key)
    return dict(zip(names, found, strict=True)) if found else gone


def _of_batch(
    connection: sqlite3.Connection, name: str, table: str, key: Mapping[str, Any], run: Mapping[str, object]
) -> bool:
    """Whether the batch has a row in that table, or among its withdrawn ones, that concerns the run."""
    if not columns(connection, name):
        return False
    query = f'SELECT 1 FROM "{name}" AS t WHERE t.batch_id = :batch AND ({RULES[table]}) LIMIT 1'
    return connection.execute(query, _asked({**run, "batch": key["id"]}, query)).fetchone() is not None


def _asked(values: Mapping[str, object], query: str) -> dict[str, object]:
    """Only what the query names."""
    return {name: value for name, value in values.items() if re.search(rf":{name}\b", query)}
