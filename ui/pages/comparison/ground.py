"""Who can be compared, and by which packs: read from the workspace, in a thread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ui.pages.comparison.suggestions import Candidate

if TYPE_CHECKING:
    from core.rules.packs import PackHead


@dataclass(frozen=True, slots=True)
class Ground:
    """Who can be compared, and by which packs. usual: the one that is meant where nobody says."""

    names: dict[str, str]
    packs: tuple[PackHead, ...]
    usual: str


def read(workspace: Any, year: int) -> Ground:
    from core.settlement import own_packs
    from core.settlement.usual_pack import usual
    from core.settlement.year import institutions

    registered = institutions(workspace.reader())
    heads = tuple(head for head in own_packs.available(workspace) if not head.abstract)
    return Ground({code: one.name for code, one in registered.items()}, heads, usual(workspace, year))


def candidates(workspace: Any, year: int, job: Any) -> dict[str, Candidate]:
    """Every institution by code, with its cases of the year."""
    import numpy as np

    from core.analysis import group_year
    from core.settlement.year import institutions

    cases = group_year.of(workspace, year, job)
    counts = dict(zip(cases.institutions, np.bincount(cases.institution, minlength=1).tolist(), strict=False))
    return {
        code: Candidate(code, one.name, one.level, one.county, counts.get(code, 0))
        for code, one in institutions(workspace.reader()).items()
    }
