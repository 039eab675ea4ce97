"""The layout of a workspace: made whole by `schema.sql`, brought up from older ones by one function a step.

sqlite-utils is imported where it is used: it pulls in pandas, and opening a workspace must not wait for that.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from core.faults import WorldFault
from core.storage import engine

if TYPE_CHECKING:
    from sqlite_utils import Database

APPLICATION_ID = 0x4449505A  # "DIPZ": how a file says that it is ours
LAYOUT = 4

SCHEMA = Path(__file__).with_name("schema.sql")
LAYOUT_2 = Path(__file__).with_name("layout_2.sql")
LAYOUT_3 = Path(__file__).with_name("layout_3.sql")
LAYOUT_4 = Path(__file__).with_name("layout_4.sql")


def run(connection: sqlite3.Connection, script: str) -> None:
    """Statement after statement, inside the caller's transaction: `executescript` would commit it."""
    for statement in _statements(script):
        connection.execute(statement)


def _statements(script: str) -> Iterator[str]:
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if engine.complete_statement(statement):
            yield statement
            statement = ""


@cache
def guards() -> frozenset[str]:
    """The triggers of the ledger, as `plain_sql`."""
    begins = "CREATE TRIGGER ledger_"
    found = [begins + one.partition(begins)[2] for one in _statements(SCHEMA.read_text("utf-8")) if begins in one]
    return frozenset(plain_sql(one) for one in found)


def plain_sql(statement: str) -> str:
    """With one blank for any, and no end: so that what SQLite keeps of a statement can be compared."""
    return " ".join(statement.split()).removesuffix(";")


def _to_2(db: Database) -> None:
    """The catalogue: stages, conditions, lists and maps beside it, versions made and published here, scenarios."""
    catalogue = db.table("catalogue")
    for name in ("stage", "oth_diag_code", "condition", "equal_to", "drug_score", "consumable_score"):
        catalogue.add_column(name, str)
    catalogue.add_column("cases", int)
    catalogue.add_column("cv", str)
    run(db.conn, LAYOUT_2.read_text("utf-8"))


def _to_3(db: Database) -> None:
    """The clearing in full: months, points given and checked here, official cases, rule packs of the workspace."""
    for name in ("self_points", "entered_by", "checked_by"):
        db.table("assessment").add_column(name, str)
    db.table("special_case").add_column("reason", str)
    db.table("payment").add_column("basis", str)
    db.table("run").add_column("period", str, not_null_default="")
    run(db.conn, LAYOUT_3.read_text("utf-8"))


def _to_4(db: Database) -> None:
    """Years whose clearing is confirmed."""
    run(db.conn, LAYOUT_4.read_text("utf-8"))


# From layout N to N + 1. A step runs inside the one transaction of the whole migration, foreign keys off.
STEPS: dict[int, Callable[[Database], None]] = {1: _to_2, 2: _to_3, 3: _to_4}


def fact_tables(connection: sqlite3.Connection) -> list[str]:
    """Tables of imported rows, which name the batch and row they came from; `finding` only tells of them."""
    rows = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'finding'"
        " AND name NOT LIKE 'withdrawn!_%' ESCAPE '!' ORDER BY name"
    )
    return [name for (name,) in rows.fetchall() if {"batch_id", "row"} <= set(columns(connection, name))]


def columns(connection: sqlite3.Connection, table: str) -> list[str]:
    """Column names in order; empty for an unknown table."""
    rows = connection.execute("SELECT name FROM pragma_table_info(?) ORDER BY cid", (table,))
    return [name for (name,) in rows]


def create(connection: sqlite3.Connection, meta: dict[str, str]) -> None:
    """The newest layout in an empty file, in the caller's transaction."""
    from sqlite_utils import Database

    db = Database(connection, execute_plugins=False)
    run(connection, SCHEMA.read_text("utf-8"))  # sqlite-utils' own way looks at every character, 60 ms
    db.table("meta").insert_all({"key": key, "value": value} for key, value in meta.items())
    # The draft that imported coefficients go to: there from the beginning, so that no import has to make it.
    db.table("coefficient_set").insert({"name": "imported", "state": "draft", "at": meta["created"]})
    _make_shadows(db)
    _stamp(connection)


def migrate(connection: sqlite3.Connection, path: Path, back_up: Callable[[], Path | None]) -> Path | None:
    """Bring an older layout up, after a backup, whose path is returned; None where none could be made.

    All steps are one transaction: a failure leaves the file as it was. WorldFault: no_migration (a layout
    that no step knows), migration_broken (references no longer hold).
    """
    from sqlite_utils import Database

    old = layout(connection)
    if any(step not in STEPS for step in range(old, LAYOUT)):
        raise WorldFault("no_migration", path=path, layout=old)
    backup = back_up()
    connection.execute("PRAGMA foreign_keys = OFF")
    try:
        connection.execute("BEGIN IMMEDIATE")
        db = Database(connection, execute_plugins=False)
        for step in range(old, LAYOUT):
            STEPS[step](db)
        _make_shadows(db)
        if broken := connection.execute("PRAGMA foreign_key_check").fetchone():
            raise WorldFault("migration_broken", path=path, table=broken[0], backup=backup or "")
        _stamp(connection)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    finally:
        connection.execute("PRAGMA foreign_keys = ON")
    return backup


def layout(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _stamp(connection: sqlite3.Connection) -> None:
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {LAYOUT}")


def _make_shadows(db: Database) -> None:
    """`withdrawn_X` for every fact table X, with its columns and no keys: where withdrawn rows rest."""
    for table in fact_tables(db.conn):
        shadow = f"withdrawn_{table}"
        kinds = {column.name: column.type for column in db.table(table).columns}
        there = columns(db.conn, shadow)
        if not there:
            db.table(shadow).create(kinds)
        for name in [name for name in kinds if there and name not in there]:
            db.table(shadow).add_column(name, kinds[name])
