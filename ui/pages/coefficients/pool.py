"""The pools that changes are tried on: opened in a job, the newest two kept, all put away when their data change."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ui.asking import Asking
from ui.desk import Changes, Desk

if TYPE_CHECKING:
    from core.rules.circular import Pack
    from core.settlement.whatif import Pool

KEPT = 2  # the cases of a year are shared between them
# What a pool stands on beside coefficients, which it is asked about.
READ = (
    "cases", "batch", "institution", "catalogue", "catalogue_version", "auxiliary", "exclusion", "reference_mean", "budget",
    "payment", "deduction", "assessment", "special_case", "operation", "rule_pack",
)  # fmt: skip

Key = tuple[object, ...]


class Pools:
    """`catalogue`: the version that the page has chosen, "" for the one of the year."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.catalogue = ""
        self._pools: dict[Key, Pool] = {}  # oldest first

    def key(self, pack: Pack, year: int, set_name: str, *more: object, catalogue: str | None = None) -> Key:
        """more: what else makes it another pool, as the hash of a draft that it must follow. catalogue: another than chosen."""
        version = self.catalogue if catalogue is None else catalogue
        changed = tuple(sorted(pack.changed.items()))
        return id(self._desk.workspace), year, pack.id, pack.hash, changed, version, set_name, *more

    def get(self, key: Key) -> Pool | None:
        return self._pools.get(key)

    def open(
        self, asking: Asking, key: Key, pack: Pack, year: int, set_name: str, have: Callable[[Pool], None],
        catalogue: str | None = None, grouping: str = "official",
    ) -> None:  # fmt: skip
        """`have(pool)`, at once where it is there already."""
        version = (self.catalogue if catalogue is None else catalogue) or None
        there = self._pools.pop(key, None)
        if there is not None:
            self._pools[key] = there
            have(there)
            return

        def work(workspace: Any, job: Any) -> Pool:
            from core.settlement.whatif import Pool

            return Pool.open(
                workspace, year, pack, set_name=set_name or None, catalogue=version, grouping=grouping, progress=job
            )

        def opened(pool: Pool) -> None:
            for old in list(self._pools)[: 1 - KEPT]:
                self._pools.pop(old)
            self._pools[key] = pool
            have(pool)

        asking.ask(work, opened, self._desk.texts("coefficients.whatif.opening", year=year))

    def stale(self, changes: Changes) -> bool:
        """Whether a pool may be another one now, or be possible where it was refused."""
        return changes.workspace or changes.touches(*READ)

    def settled(self, changes: Changes) -> None:
        if self.stale(changes):
            self._pools.clear()
