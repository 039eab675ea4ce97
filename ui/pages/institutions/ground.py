"""What all tabs of the Institutions page stand on: the year, the years with cases, the pack, who there is. No Qt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.storage.contents import Name


@dataclass(frozen=True, slots=True)
class Ground:
    """Equal grounds show the same figures: `generation` is another one after every change of the workspace.

    year: the desk's. years: those with cases, ascending. pack: id, "" where no pack fits. packs: id -> title by language.
    """

    generation: str
    year: int
    years: tuple[int, ...]
    set_name: str
    pack: str
    packs: Mapping[str, Mapping[str, str]]
    institutions: tuple[Name, ...]

    def name(self, code: str) -> str:
        return next((one.name for one in self.institutions if one.code == code), code)


def read(workspace: Any, year: int, set_name: str, pack: str) -> Ground:
    """pack: what the user chose, else the usual one of the workspace and year."""
    from core.analysis.measures import years_with_cases
    from core.settlement import own_packs
    from core.settlement.usual_pack import usual
    from core.storage.contents import names

    connection = workspace.reader()
    found = {head.id: head.title for head in own_packs.available(workspace) if not head.abstract}
    return Ground(
        workspace.generation(),
        year,
        tuple(years_with_cases(connection)),
        set_name,
        pack if pack in found else usual(workspace, year),
        found,
        tuple(one for one in names(connection) if one.kind == "institution"),
    )
