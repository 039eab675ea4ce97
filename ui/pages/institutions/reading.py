"""What the series of all institutions are read from: one question to the core for everything that is chosen. No Qt."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ui.chart import prepare
from ui.pages.institutions.series import Read

if TYPE_CHECKING:
    from core.analysis.measures import Monthly
    from core.progress import Progress


@dataclass(frozen=True, slots=True)
class Wish:
    """years: ascending. by: month, quarter or year. fund: "" both. version: re-based on this one; "" as settled."""

    years: tuple[int, ...]
    by: str
    fund: str
    ids: tuple[str, ...]
    pack: str
    set_name: str
    version: str = ""


def read(workspace: Any, wish: Wish, progress: Progress) -> Read:
    from core.analysis import indicators, measures
    from core.analysis.rebased import changes_on_axis

    prepare()
    set_name, pack = wish.set_name or None, wish.pack or None
    found = measures.monthly(
        workspace, wish.years, indicators.names_of(wish.ids), progress, pack=pack, set_name=set_name
    )
    moved: Monthly | None = None
    if wish.version and pack is not None and MOVED.keys() & set(wish.ids):
        moved = _rebased(workspace, wish, progress)
        found = on_version(found, moved)
    own, level, region = (
        indicators.figures(found, wish.ids, by=wish.by, scope=scope, fund=wish.fund)  # type: ignore[arg-type]
        for scope in ("institution", "level", "region")
    )
    return Read(
        found, wish.by, wish.fund, wish.ids, own, level, region,
        tuple(changes_on_axis(workspace, wish.years, set_name=set_name)),
        wish.version if moved is not None else "",
        frozenset(MOVED.keys() & set(wish.ids)) if moved is not None else frozenset(),
        moved,
    )  # fmt: skip


def _rebased(workspace: Any, wish: Wish, progress: Progress) -> Monthly:
    from core.analysis.rebased import rebased
    from core.settlement import own_packs

    return rebased(
        workspace, wish.years, wish.version, pack=own_packs.load(workspace, wish.pack), set_name=wish.set_name or None,
        progress=progress,
    )  # fmt: skip


# Indicators that a catalogue moves, and the re-based measures that their own ones are taken from.
MOVED: dict[str, dict[str, str]] = {
    "score": {"score": "score"},
    "score_growth": {"score": "score"},
    "base_score": {"base_score": "base_score"},
    "cmi": {"weight": "weight", "grouped": "grouped"},
}


def on_version(found: Monthly, moved: Monthly) -> Monthly:
    """The measures of `found`, those that the catalogue moves as they are in `moved`."""
    place = {one.code: at for at, one in enumerate(found.institutions)}
    rows = [place[one.code] for one in moved.institutions]
    values, places, lacking = dict(found.values), dict(found.places), dict(found.lacking)
    for own in MOVED.values():
        for name, taken in own.items():
            if name not in values:
                continue
            whole = np.zeros_like(values[name])
            whole[rows] = moved.values[taken]
            values[name], places[name] = whole, moved.places[taken]
            lacking[name] = moved.lacking.get(taken, {})
    return replace(found, values=values, places=places, lacking=lacking)
