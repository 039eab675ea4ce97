"""The clearing that effect and sharing stand on: computed once for the chosen pack, kept nowhere in the workspace."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ui.desk import Changes, Desk

if TYPE_CHECKING:
    from core.rules.circular import Pack
    from core.rules.sheet import Clearing
    from core.settlement.annual import Scored
    from ui.asking import Asking

READ = ("cases", "batch", "institution", "catalogue", "auxiliary", "reference_mean", "coefficient", "coefficient_set", "budget",
        "payment", "deduction", "special_case", "assessment", "operation", "rule_pack")  # fmt: skip


@dataclass(frozen=True)
class Cleared:
    pack: Pack
    clearing: Clearing
    scored: Scored

    def has(self, fund: str) -> bool:
        return any(sheet.fund == fund for sheet in self.clearing.funds)


class Clearings:
    """`pack`: the id chosen on the page."""

    def __init__(self, desk: Desk, pack: Callable[[], str]) -> None:
        self._desk, self.pack = desk, pack
        self._kept: tuple[tuple[object, ...], Cleared] | None = None

    def settled(self, changes: Changes | None) -> None:
        if changes is None or changes.workspace or changes.touches(*READ):
            self._kept = None

    def want(self, asking: Asking, then: Callable[[Cleared], None]) -> bool:
        """Hand over the clearing, at once where it is there. False where there is nothing to clear."""
        desk, pack = self._desk, self.pack()
        year, set_name = desk.year, desk.set_name
        if desk.workspace is None or year is None or not pack:
            return False
        key = (id(desk.workspace), year, pack, set_name)
        if self._kept is not None and self._kept[0] == key:
            then(self._kept[1])
            return True

        def work(workspace: Any, job: Any) -> Cleared:
            from core.settlement import annual, own_packs

            rule = own_packs.load(workspace, pack)
            scored = annual.score_cases(workspace, year, rule, set_name=set_name or None, progress=job)
            return Cleared(rule, annual.sheets(rule, scored), scored)

        def have(found: Cleared) -> None:
            self._kept = (key, found)
            then(found)

        asking.ask(work, have, desk.texts("assessment.page.clearing"))
        return True
