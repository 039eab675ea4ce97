"""The league: every institution of a year by its score, with its growth in each fund and what else changed on the year before.

Growth is relative. Of shares the change is the difference in percentage points, of all other figures it is relative too.
A figure that cannot be had is an empty cell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from core.analysis.indicators import INDICATORS, Figures, figures, names_of
from core.analysis.measures import Monthly, monthly
from core.findings import Finding
from core.progress import SILENT, Progress, step
from core.rules.cases import FUNDS
from core.texts import LANGUAGES, Texts
from core.worksheet import Cells, Column, Kind, Worksheet, column_of

if TYPE_CHECKING:
    from core.rules.circular import Pack
    from core.storage.workspace import Workspace

# Beside scores; none that asks for persons or a whole clearing, which would make the league wait.
INDICATORS_SHOWN = (
    "cases", "cmi", "mean_cost", "mean_stay", "burden", "burden_share", "time_index", "cost_index", "deviating_share",
    "ungrouped_share", "primary_care_share", "drug_share", "consumable_share",
)  # fmt: skip
SHOWN = ("score", "score_growth", *INDICATORS_SHOWN)
GROWTH_PLACES = 2


@dataclass(frozen=True)
class _Given:
    """The figures of both years: of both funds together or of the one that is asked for, and of each fund by itself."""

    year: int
    whole: Figures
    by_fund: dict[str, Figures]

    def at(self, found: Figures, id: str, code: str, back: int = 0) -> Fraction | None:
        return found.exact(id, code, self.year - back)

    def change(self, id: str, code: str) -> Fraction | None:
        """In percent of the year before; of shares in percentage points."""
        now, before = self.at(self.whole, id, code), self.at(self.whole, id, code, 1)
        if now is None or before is None:
            return None
        if INDICATORS[id].unit == "percent":
            return now - before
        return (now / before - 1) * 100 if before else None


def league(
    workspace: Workspace,
    year: int,
    *,
    pack: Pack | str,
    set_name: str | None = None,
    fund: str = "",
    lang: str = "",
    progress: Progress = SILENT,
) -> Worksheet:
    """A row for each institution with a case in the year or the one before, the highest score first, equal ones by code.

    keys: codes. Column ids: fixmedins_name, rank, level, county, score, score_growth, of each fund (with fund "") FUND_score and
    FUND_growth, fixmedins_code, then each indicator and ID_change. lang: of levels.
    """
    return sheet_of(measures_of(workspace, year, pack, set_name, progress), year, fund, Texts(lang), progress)


def measures_of(
    workspace: Workspace, year: int, pack: Pack | str, set_name: str | None = None, progress: Progress = SILENT
) -> Monthly:
    """What the league of a year is made from."""
    return monthly(workspace, (year - 1, year), names_of(SHOWN), progress, pack=pack, set_name=set_name)


def sheet_of(found: Monthly, year: int, fund: str, texts: Texts, progress: Progress = SILENT) -> Worksheet:
    """The league of measures that are at hand, those of the year and of the one before."""
    step(progress, "league", 0)
    given = _Given(
        year,
        figures(found, SHOWN, by="year", fund=fund),
        {} if fund else {one: figures(found, ("score", "score_growth"), by="year", fund=one) for one in FUNDS},
    )
    known = [one for one in found.institutions if given.whole.cases[given.whole.keys.index(one.code)].any()]
    score = {one.code: given.at(given.whole, "score", one.code) for one in known}
    known.sort(key=lambda one: (score[one.code] is None, -(score[one.code] or 0), one.code))
    codes = [one.code for one in known]
    made = _Columns()
    made.add("fixmedins_name", [one.name for one in known], "text", _words("league.name"))
    made.add("rank", _ranks([score[code] for code in codes]), "exact", _words("league.rank"), places=0)
    made.add("level", [texts(f"indicators.level.{one.level}") for one in known], "text", _words("league.level"))
    made.add("county", [one.county for one in known], "text", _words("league.county"))
    made.scores("", f"fund.{fund or 'all'}", given.whole, codes, year)
    for one, of_fund in given.by_fund.items():
        made.scores(f"{one}_", f"fund.{one}", of_fund, codes, year)
    made.add("fixmedins_code", codes, "code", _words("league.code"))
    for id in INDICATORS_SHOWN:
        own, title = INDICATORS[id], f"indicators.{id}.title"
        values = [given.at(given.whole, id, code) for code in codes]
        made.add(id, values, "exact", _words(title), own.unit, own.places, own.tag, total=id == "cases")
        changes = [given.change(id, code) for code in codes]
        unit = "pp" if own.unit == "percent" else "percent"
        made.add(f"{id}_change", changes, "exact", _words("league.change", title=title), unit, GROWTH_PLACES, own.tag)
    title = {
        lang: Texts(lang)("league.title", year=year, fund=Texts(lang)(f"fund.{fund or 'all'}")) for lang in LANGUAGES
    }
    return Worksheet("league", title, made.columns, made.cells, len(codes), keys=column_of(codes, "code"))


class _Columns:
    """Columns in the order in which they are added."""

    def __init__(self) -> None:
        self.columns: list[Column] = []
        self.cells: dict[str, Cells] = {}

    def add(
        self,
        id: str,
        values: Sequence[object],
        kind: Kind,
        title: dict[str, str],
        unit: str = "",
        places: int | None = None,
        tag: str = "",
        *,
        total: bool = False,
    ) -> None:
        self.columns.append(Column(id, title, kind, unit, places, tag, total=total))
        self.cells[id] = column_of(values, kind)

    def scores(self, prefix: str, fund: str, found: Figures, codes: Sequence[str], year: int) -> None:
        """A fund's scores and their growth. fund: the key of its name."""
        own = INDICATORS["score"]
        values = [found.exact("score", code, year) for code in codes]
        title = _words("league.score_of", fund=fund)
        self.add(f"{prefix}score", values, "exact", title, own.unit, own.places, own.tag, total=True)
        growth = [found.exact("score_growth", code, year) for code in codes]
        title, name = _words("league.growth_of", fund=fund), f"{prefix}growth" if prefix else "score_growth"
        self.add(name, growth, "exact", title, "percent", GROWTH_PLACES, INDICATORS["score_growth"].tag)


def _words(key: str, **values: str) -> dict[str, str]:
    """A text in both languages, with other texts in it by their keys."""
    return {
        lang: Texts(lang)(key, **{name: Texts(lang)(value) for name, value in values.items()}) for lang in LANGUAGES
    }


def why_empty(found: Monthly, year: int) -> list[Finding]:
    """Why whole columns of the league are empty, each reason once; none where every figure is there. found: `measures_of`."""
    by_year = figures(found, SHOWN, by="year")
    said: list[Finding] = []
    if not by_year.cases[:, by_year.periods.index(year - 1)].any():
        said.append(Finding("lacking_year_before", "note"))
    for id in SHOWN:
        for one in (year, year - 1)[: 1 if said or id == "score_growth" else 2]:
            found_why = by_year.why[id].get(one)
            if found_why is not None and found_why not in said:
                said.append(found_why)
    return said


def _ranks(scores: Sequence[Fraction | None]) -> list[Fraction | None]:
    """1 for the highest, equal scores share a place; None without a score. The scores are in order."""
    ranks: list[Fraction | None] = []
    for at, score in enumerate(scores):
        if score is None:
            ranks.append(None)
        elif at and score == scores[at - 1]:
            ranks.append(ranks[-1])
        else:
            ranks.append(Fraction(at + 1))
    return ranks
