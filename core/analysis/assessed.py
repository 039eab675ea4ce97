"""Indicators of the assessment that follow from data: Ningde's two of 2025, over the region and its counties.

Primary-care service share: cases, and booked fund, at first-level institutions over all. Out-of-area fund share: what the fund
paid outside over outside and booked here; the books have it for the region alone. How many points a figure is worth, no document
gives: whoever reviews says it.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from core.analysis import indicators, measures
from core.analysis.indicators import INDICATORS
from core.progress import SILENT, Progress
from core.settlement.assessment_sheets import made, named
from core.texts import LANGUAGES, Texts
from core.worksheet import Column

if TYPE_CHECKING:
    from core.rules.sheet import Title
    from core.storage.workspace import Workspace
    from core.worksheet import Worksheet

IDS = ("primary_level_share", "primary_level_fund_share", "outside_share")


def computed(workspace: Workspace, year: int, fund: str = "", lang: str = "", progress: Progress = SILENT) -> Worksheet:
    """A row for the region and for each county: each indicator in the year and the year before, and what it moved by, in
    percentage points; `why` says why a cell is empty. fund "" both. Keys: "region", county names."""
    texts = Texts(lang)
    there = measures.years_with_cases(workspace.reader())
    years = [one for one in (year - 1, year) if one in there]
    found = measures.monthly(workspace, years, indicators.names_of(IDS), progress)
    columns: list[Column] = [named("area")]
    for id in IDS:
        tag, title = INDICATORS[id].tag, title_of(id)
        columns += [
            Column(id, title, "exact", "percent", 2, tag),
            Column(f"{id}_before", titled(title, "before"), "exact", "percent", 2, tag),
            Column(f"{id}_moved", titled(title, "moved"), "exact", "pp", 2, tag),
        ]
    columns.append(named("why"))
    values: dict[str, list[object]] = {column.id: [] for column in columns}
    keys: list[str] = []
    for scope in ("region", "county"):
        if not years:
            break
        own = indicators.figures(found, IDS, by="year", scope=scope, fund=fund)
        for key, word in zip(own.keys, own.words(texts), strict=True):
            keys.append(key)
            values["area"].append(word)
            why: dict[str, None] = {}
            for id in IDS:
                now, before = (
                    own.exact(id, key, one) if one in own.periods else None for one in (year, year - 1)
                )
                values[id].append(now)
                values[f"{id}_before"].append(before)
                values[f"{id}_moved"].append(_moved(now, before))
                if now is None and year in own.why[id] and (scope == "region" or id != "outside_share"):
                    why[texts.finding(own.why[id][year])] = None
            if scope == "county":
                why[texts("assessment.outside_of_region")] = None
            values["why"].append(texts.listed(why))
    return made("assessment_computed", columns, values, keys)


def title_of(id: str) -> Title:
    """An indicator's name in every language."""
    return {lang: Texts(lang)(f"indicators.{id}.title") for lang in LANGUAGES}


def titled(title: Title, key: str) -> Title:
    return {lang: Texts(lang)(f"assessment.column.{key}", name=words) for lang, words in title.items()}


def _moved(now: Fraction | None, before: Fraction | None) -> Fraction | None:
    return None if now is None or before is None else now - before
