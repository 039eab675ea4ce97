"""The pack that one means where nobody says which: by what was cleared before, else by the city and the year."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.settlement import own_packs
from core.settlement.runs import runs

if TYPE_CHECKING:
    from core.storage.workspace import Workspace


def usual(workspace: Workspace, year: int) -> str:
    """Id of the newest stored run of that year that stands, else of any year; else of a pack of the workspace,
    else of a shipped one, for the city and the year, else for the city; "" where none of these is."""
    known = {head.id: head for head in own_packs.available(workspace) if not head.abstract}
    standing = [run for run in runs(workspace) if run.stale in ("", "pack_changed") and run.pack in known]
    for run in (*(run for run in standing if run.year == year), *standing):
        return run.pack
    city = workspace.region[:4]
    local = [head for head in known.values() if city and head.region[:4] == city]
    local.sort(key=lambda head: (year not in head.years, not head.own, -max(head.years, default=0), head.id))
    return local[0].id if local else ""
