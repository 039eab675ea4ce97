"""What the Clearing page reads when it is shown: packs, the year's runs, and which of them stands on screen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.catalogue.library import Version
    from core.rules.packs import PackHead
    from core.rules.sheet import Clearing
    from core.settlement.clearing import Run
    from core.settlement.confirmed import Confirmed

# What a run stands on: when one of these is written, it may be stale.
READ = (
    "cases",
    "rule_pack",
    "batch",
    "institution",
    "catalogue",
    "auxiliary",
    "reference_mean",
    "coefficient",
    "coefficient_set",
    "budget",
    "payment",
    "deduction",
    "assessment",
    "special_case",
    "run",
    "confirmed_year",
)


@dataclass(frozen=True, slots=True)
class Standing:
    packs: tuple[PackHead, ...]
    runs: tuple[Run, ...]  # of the year
    run: Run | None
    clearing: Clearing | None
    catalogues: tuple[Version, ...]
    confirmed: Confirmed | None

    def run_of(self, clearing: Clearing | None) -> Run | None:
        """The stored run that a clearing on screen is."""
        digest = clearing.stamps.run_hash if clearing is not None else ""
        return next((run for run in self.runs if run.hash == digest), None)

    def wanted_pack(self, chosen: str, region: str, year: int | None) -> str:
        """The chosen one, else that of the run, else one of the workspace's city and year, of its city, any."""
        if chosen:
            return chosen
        if self.run is not None:
            return self.run.pack
        of_city = [head for head in self.packs if region and head.region[:4] == region[:4]]
        of_year = [head for head in of_city if year in head.years]
        found: Sequence[PackHead] = of_year or of_city or self.packs
        return found[0].id if found else ""


def stand(workspace: Any, year: int | None, pack: str, run_id: int | None) -> Standing:
    """Packs, runs, and the run to show: the one asked for, else the newest that stands, else the newest."""
    from core.catalogue.library import versions
    from core.settlement import own_packs
    from core.settlement.clearing import runs
    from core.settlement.confirmed import confirmed
    from core.settlement.runs import stored

    heads = tuple(head for head in own_packs.available(workspace) if not head.abstract)
    connection = workspace.reader()
    of_year = tuple(run for run in runs(workspace) if run.year == year)
    fitting = [run for run in of_year if not pack or run.pack == pack]
    chosen = next((run for run in of_year if run.id == run_id), None)
    held = confirmed(connection).get(year) if year is not None else None
    if chosen is None and held is not None:  # what is confirmed is what one sees first
        chosen = next((run for run in fitting if run.hash in held.runs), None)
    chosen = (
        chosen or next((run for run in fitting if not run.stale), None) or (fitting[0] if fitting else None)
    )
    clearing = stored(connection, chosen.id) if chosen is not None else None
    return Standing(heads, of_year, chosen, clearing, tuple(versions(connection)), held)
