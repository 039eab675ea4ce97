"""What a person may type into the calculator for one case: diagnoses, operations, institutions, groups.

The codes of the year's own cases come first, the usual ones before the rare; then what the catalogue and the list of
operations know beside them.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from core.progress import SILENT, Progress, step
from core.storage.contents import Name, names
from core.storage.workspace import Workspace

_STATEMENTS = {
    head.strip(): body.strip()
    for head, _, body in (
        part.partition("\n")
        for part in Path(__file__).with_suffix(".sql").read_text("utf-8").split("-- : ")[1:]
    )
}


@dataclass(frozen=True, slots=True)
class TypedCodes:
    """Names by kind, the usual first; a name may be empty where no file tells it."""

    diagnoses: tuple[Name, ...]
    operations: tuple[Name, ...]
    institutions: tuple[Name, ...]
    groups: tuple[Name, ...]


def typed_codes(workspace: Workspace, year: int, progress: Progress = SILENT) -> TypedCodes:
    """Everything that can be found by code or name; one pass over the year's cases."""
    connection = workspace.reader()
    found: dict[str, tuple[Name, ...]] = {}
    for done, kind in enumerate(("diagnosis", "operation", "institution")):
        step(progress, "typed_codes", done, 3)
        found[kind] = tuple(_rows(connection, kind, year))
    groups = tuple(one for one in names(connection) if one.kind == "group")
    return TypedCodes(found["diagnosis"], found["operation"], found["institution"], groups)


def _rows(connection: sqlite3.Connection, kind: str, year: int) -> list[Name]:
    rows = connection.execute(_STATEMENTS[kind], {"year": year})
    return [Name(kind, str(code), str(name or "")) for code, name in rows]
