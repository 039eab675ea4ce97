"""An outcome as worksheets: winners and losers, by level, by county, the region's figures; each closes to the last fen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from core.money import total
from core.rules.cases import FUNDS
from core.settlement.whatif import FIGURES, Gain, Outcome
from core.texts import LANGUAGES, Texts
from core.worksheet import Column, Kind, Worksheet, column_of

if TYPE_CHECKING:
    from core.rules.circular import Pack

# A figure's three columns, and whether they are summed up below.
SUMMED = ("score", "due", "final")


def institutions(outcome: Outcome, fund: str = "", lang: str = "") -> Worksheet:
    """One row an institution and fund, who gains most first. keys: FUND.CODE"""
    texts = Texts(lang)
    gains = outcome.gains(fund)
    columns = [
        *_named(("fund", "text"), ("fixmedins_code", "code"), ("fixmedins_name", "text"), ("level", "int"), ("county", "text")),
        *(column for figure in FIGURES for column in _three(outcome.pack, figure)),
    ]
    lines: list[list[object]] = [
        [texts(f"fund.{one.fund}"), one.code, one.name, one.level, one.county, *_figures(one, FIGURES)] for one in gains
    ]
    return sheet("whatif_institutions", columns, lines, [f"{one.fund}.{one.code}" for one in gains])


def by_level(outcome: Outcome, fund: str = "", lang: str = "") -> Worksheet:
    """keys: FUND.LEVEL"""
    texts = Texts(lang)
    return _grouped(outcome, fund, texts, "level", lambda one: f"{one.level}", lambda key: texts(f"whatif.level.{key}"))


def by_county(outcome: Outcome, fund: str = "", lang: str = "") -> Worksheet:
    """keys: FUND.COUNTY"""
    texts = Texts(lang)
    return _grouped(
        outcome, fund, texts, "county", lambda one: one.county, lambda key: key or texts("whatif.no_county")
    )


def region(outcome: Outcome, fund: str = "", lang: str = "") -> Worksheet:
    """The region's figures, then how the changes close. keys: FUND.STEP, FUND.sum.STEP, FUND.closing"""
    texts = Texts(lang)
    columns = _named(
        ("fund", "text"), ("figure", "text"), ("unit", "text"), ("before", "exact"), ("after", "exact"), ("change", "exact")
    )
    lines: list[list[object]] = []
    keys: list[str] = []

    def add(of: str, key: str, title: str, unit: str, before: Fraction | None, after: Fraction | None, change: Fraction) -> None:
        lines.append([texts(f"fund.{of}"), title, texts(f"unit.{unit}") if unit else "", before, after, change])
        keys.append(f"{of}.{key}")

    titles = {step.id: step for pack in (outcome.pool.pack, outcome.pack) for step in pack.scope("region")}
    for closing in outcome.closings():
        of = closing.fund
        if fund not in ("", of):
            continue
        for step in titles.values():
            before, after = outcome.figure(of, step.id)
            add(of, step.id, step.title[texts.lang], step.unit, before, after, after - before)
        for name in ("due", "final"):
            sums = [
                total([value for one in sheets if one.fund == of for value in one.values.get(name, ())])
                for sheets in (outcome.before, outcome.funds)
            ]
            title = texts("whatif.sum_of", what=outcome.pack.title_of("institution", name)[texts.lang])
            add(of, f"sum.{name}", title, "yuan", sums[0], sums[1], sums[1] - sums[0])
        add(of, "closing", texts("whatif.closing"), "yuan", None, None, closing.rest)
    return sheet("whatif_region", columns, lines, keys)


def worksheets(outcome: Outcome, lang: str = "") -> list[Worksheet]:
    """All, as they are exported."""
    return [make(outcome, "", lang) for make in (region, institutions, by_level, by_county)]


def _grouped(
    outcome: Outcome,
    fund: str,
    texts: Texts,
    name: str,
    key_of: Callable[[Gain], str],
    title_of: Callable[[str], str],
) -> Worksheet:
    found: dict[tuple[str, str], list[Gain]] = {}
    for one in outcome.gains(fund):
        found.setdefault((one.fund, key_of(one)), []).append(one)
    columns = [
        *_named(("fund", "text"), (name, "text"), ("institutions", "int"), ("gaining", "int"), ("losing", "int")),
        *(column for figure in SUMMED for column in _three(outcome.pack, figure)),
    ]
    lines: list[list[object]] = []
    order = sorted(found, key=lambda place: (FUNDS.index(place[0]), place[1]))
    for place in order:
        own = found[place]
        changes = [one.changes["due"] for one in own]
        sums: list[object] = []
        for figure in SUMMED:
            before = total([one.before[figure] for one in own])
            after = total([one.after[figure] for one in own])
            sums += [before, after, after - before]
        counts = [len(own), sum(change > 0 for change in changes), sum(change < 0 for change in changes)]
        lines.append([texts(f"fund.{place[0]}"), title_of(place[1]), *counts, *sums])
    return sheet(f"whatif_{name}", columns, lines, [".".join(place) for place in order])


def _figures(one: Gain, names: Sequence[str]) -> list[Fraction]:
    return [value for name in names for value in (one.before[name], one.after[name], one.changes[name])]


def _three(pack: Pack, figure: str) -> list[Column]:
    """Before, after, change of a figure, called as the pack calls it."""
    step = pack.find("institution", figure)
    title = pack.title_of("institution", figure)
    unit = step.unit if step is not None else ""
    places = step.places if step is not None else None
    return [
        Column(
            f"{figure}_{when}",
            {lang: Texts(lang)(f"whatif.{when}_of", what=title[lang]) for lang in LANGUAGES},
            "exact",
            "" if unit == "coefficient" else unit,
            places,
            total=figure in SUMMED,
        )
        for when in ("before", "after", "change")
    ]


def _named(*plan: tuple[str, Kind]) -> list[Column]:
    return [named(id, kind) for id, kind in plan]


def named(id: str, kind: Kind = "text", unit: str = "", places: int | None = None, *, summed: bool = False) -> Column:
    """A column with its title from the translations."""
    summed = summed or id in ("institutions", "gaining", "losing")
    return Column(id, {lang: Texts(lang)(f"whatif.column.{id}") for lang in LANGUAGES}, kind, unit, places, total=summed)


def sheet(id: str, columns: Sequence[Column], lines: Sequence[Sequence[object]], keys: Sequence[str]) -> Worksheet:
    """Rows of values as a worksheet with exact totals."""
    cells = {column.id: column_of([line[i] for line in lines], column.kind) for i, column in enumerate(columns)}
    totals: dict[str, object] = {}
    for column in columns:
        if column.total:
            told = [value for value in cells[column.id].tolist() if value is not None]
            totals[column.id] = sum(told) if column.kind in ("int", "fixed") else total(told)
    title = {lang: Texts(lang)(f"whatif.sheet.{id.removeprefix('whatif_')}") for lang in LANGUAGES}
    return Worksheet(id, title, columns, cells, len(lines), totals, keys=column_of(keys, "code"))
