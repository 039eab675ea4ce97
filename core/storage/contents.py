"""What a workspace holds, in brief: years, sets, counts, and the names that a user may look for."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from core.storage import closed
from core.storage.closed import Held
from core.storage.workspace import Workspace, as_fault

# The distinct years of an indexed column by jumping along the index: 2.5 million cases take as long as ten.
_YEARS = """
WITH RECURSIVE jump (year) AS (
    SELECT min(year) FROM cases
    UNION ALL
    SELECT (SELECT min(year) FROM cases WHERE year > jump.year) FROM jump WHERE jump.year IS NOT NULL
)
SELECT year FROM jump WHERE year IS NOT NULL
UNION SELECT DISTINCT year FROM budget
UNION SELECT DISTINCT year FROM official_clearing
ORDER BY year
"""
_COUNTED = ("institution", "coefficient", "budget", "payment", "assessment", "official_clearing", "run")


@dataclass(frozen=True, slots=True)
class Contents:
    """years: of cases, budgets or official sheets, ascending.

    sets: names of coefficient sets that hold anything, published first.

    cases: rows accepted and not withdrawn. counts: rows of the smaller tables. held: what confirmed years keep as it is.
    """

    years: tuple[int, ...]
    sets: tuple[str, ...]
    published: frozenset[str]
    cases: int
    catalogues: tuple[str, ...]
    counts: Mapping[str, int]
    held: Held = field(default_factory=Held)


@dataclass(frozen=True, slots=True)
class Name:
    """Something that can be found by name or code. kind: institution, group."""

    kind: str
    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Glance:
    """A workspace seen from outside. unfinished: work in it was interrupted, or another program is at it."""

    name: str
    region: str
    synthetic: bool
    unfinished: bool


def glance(path: Path) -> Glance:
    """Look without lock and without change. WorldFault as `Workspace.open`."""
    with Workspace.open(path, write=False) as workspace, as_fault(path):
        busy = workspace.reader().execute("SELECT EXISTS (SELECT 1 FROM activity)").fetchone()[0]
        return Glance(workspace.name, workspace.region, workspace.synthetic, bool(busy))


def contents(connection: sqlite3.Connection) -> Contents:
    years = tuple(int(row[0]) for row in connection.execute(_YEARS))
    sets = connection.execute(
        "SELECT name, state FROM coefficient_set AS s"
        " WHERE state = 'published' OR EXISTS (SELECT 1 FROM coefficient WHERE set_name = s.name)"
        " ORDER BY state DESC, at DESC, name"
    ).fetchall()
    cases = connection.execute(
        "SELECT coalesce(sum(accepted), 0) FROM batch WHERE kind = 'cases' AND withdrawn = 0"
    ).fetchone()[0]
    catalogues = connection.execute("SELECT DISTINCT version FROM catalogue ORDER BY version").fetchall()
    counts = {
        table: int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]) for table in _COUNTED
    }
    return Contents(
        years=years,
        sets=tuple(str(name) for name, _ in sets),
        published=frozenset(str(name) for name, state in sets if state == "published"),
        cases=int(cases),
        catalogues=tuple(str(row[0]) for row in catalogues),
        counts=counts,
        held=closed.held(connection),
    )


def names(connection: sqlite3.Connection) -> list[Name]:
    """Every institution and every disease group, a group once under the newest name it has."""
    institutions = connection.execute(
        "SELECT fixmedins_code, fixmedins_name FROM institution ORDER BY fixmedins_code"
    )
    found = [Name("institution", str(code), str(name)) for code, name in institutions]
    # With max() SQLite takes the bare column from the row that has it.
    groups = connection.execute(
        "SELECT dip_code, dip_name, max(year) FROM catalogue GROUP BY dip_code ORDER BY dip_code"
    )
    found += [Name("group", str(code), str(name)) for code, name, _ in groups]
    return found
