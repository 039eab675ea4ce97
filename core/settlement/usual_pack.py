"""The pack that one means where nobody says which: by what was cleared before, else by the city and the year."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.rules import packs
from core.settlement.runs import runs

if TYPE_CHECKING:
    from core.storage.workspace import Workspace


def usual(workspace: Workspace, year: int) -> str:
    """Id of the newest stored run of that year that stands, else of any year; else of the shipped pack of the
    workspace's city and year, else of its city; "" where none of these is."""
    known = {head.id: head for head in packs.available() if not head.abstract}
    standing = [run for run in runs(workspace) if not run.stale and run.pack in known]
    for run in (*(run for run in standing if run.year == year), *standing):
        return run.pack
    city = workspace.region[:4]
    local = [head for head in known.values() if city and head.region[:4] == city]
    local.sort(key=lambda head: (year not in head.years, -max(head.years, default=0), head.id))
    return local[0].id if local else ""
