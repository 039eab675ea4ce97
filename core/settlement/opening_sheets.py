"""The opening point value as tables: its readings beside the settlement point value, its years, its institutions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from core.faults import Refused
from core.findings import Finding
from core.progress import SILENT, Progress
from core.rules.cases import FUNDS
from core.settlement import annual
from core.settlement.budget_chain import titles
from core.settlement.opening import BAND_1D, BAND_2D, Opening, openings, places
from core.settlement.year import institutions as register
from core.texts import Texts
from core.worksheet import Column, Kind, Worksheet, column_of

if TYPE_CHECKING:
    from core.rules.circular import Pack
    from core.rules.sheet import Institution
    from core.storage.workspace import Workspace

SETTLED = "settled"  # the row of the settlement point value


@dataclass(frozen=True)
class PointValues:
    """openings and settlement point values by fund; lacking: why the year has no settlement point value."""

    year: int
    places: int
    openings: Mapping[str, Opening]
    settled: Mapping[str, Fraction]
    lacking: Finding | None
    known: Mapping[str, Institution]


def point_values(
    workspace: Workspace,
    year: int,
    pack: Pack,
    *,
    funds: Sequence[str] = FUNDS,
    set_name: str | None = None,
    progress: Progress = SILENT,
) -> PointValues:
    """Nothing is stored: the year is cleared as the pack has it, to have its point value beside the opening one."""
    found = openings(workspace, year, pack, funds=funds, set_name=set_name, progress=progress)
    settled: dict[str, Fraction] = {}
    lacking: Finding | None = None
    try:
        cleared = annual.clear(workspace, year, pack, funds=funds, set_name=set_name, progress=progress, store=False)
    except Refused as refused:
        lacking = refused.findings[0] if refused.findings else Finding(refused.code, "blocked")
    else:
        settled = {one.fund: one.region["point_value"] for one in cleared.funds if "point_value" in one.region}
        if not settled:
            lacking = Finding("opening_no_step", "note", value=pack.id)
    return PointValues(year, places(pack), found, settled, lacking, register(workspace.reader()))


def readings(found: PointValues, fund: str, lang: str = "") -> Worksheet:
    """A row for each reading and one for the settlement point value, keys their ids."""
    texts, one = Texts(lang), found.openings[fund]
    settled = found.settled.get(fund)
    rows = [
        (
            reading.id, texts(f"opening.reading.{reading.id}"), reading.value,
            None if reading.value is None or settled is None else settled - reading.value,
            None if not reading.value or settled is None else (settled - reading.value) * 100 / reading.value,
            texts("opening.kind.exact" if reading.exact else "opening.kind.statistic"), texts(f"opening.tag.{reading.tag}"),
            reading.cost, reading.score, len(reading.codes) if reading.codes else None,
            texts(f"opening.why.{reading.why}") if reading.why else texts(f"opening.way.{reading.id}"),
        )
        for reading in one.readings
    ]  # fmt: skip
    why = texts(f"opening.way.{SETTLED}") if settled is not None or found.lacking is None else texts.finding(found.lacking)
    rows.append((SETTLED, texts(f"opening.reading.{SETTLED}"), settled, None, None,
                 texts("opening.kind.exact"), "", None, None, None, why))  # fmt: skip
    kinds: dict[str, tuple[Kind, str, int | None]] = {
        "value": ("exact", "yuan/point", found.places), "settled_less": ("exact", "yuan/point", found.places),
        "settled_percent": ("exact", "percent", 2), "cost": ("exact", "yuan", 2), "score": ("exact", "points", 4),
        "hospitals": ("exact", "", 0),
    }  # fmt: skip
    names = ("reading", "value", "settled_less", "settled_percent", "kind", "tag", "cost", "score", "hospitals", "way")
    return _sheet("opening_readings", found, fund, names, kinds, rows)


def years(found: PointValues, fund: str, lang: str = "") -> Worksheet:
    """A row for each of the years before; keys the years."""
    del lang
    rows: list[tuple[object, ...]] = []
    one = found.openings[fund]
    for past in one.past:
        whole, left = past.of(fund), past.trimmed.get(fund)
        per = whole.cost / whole.score if whole.score else None
        rows.append((
            str(past.year), str(past.year), one.weights[past.year], past.catalogue, whole.cases, whole.cost, whole.score, per,
            None if left is None else Fraction(left.cases), None if left is None or not left.score else left.cost / left.score,
            whole.scoreless, whole.scoreless_cost,
        ))  # fmt: skip
    kinds: dict[str, tuple[Kind, str, int | None]] = {
        "year": ("code", "", None), "weight": ("int", "", None), "catalogue": ("code", "", None), "cases": ("int", "cases", None),
        "cost": ("exact", "yuan", 2), "score": ("exact", "points", 4), "per_point": ("exact", "yuan/point", 4),
        "left_cases": ("exact", "cases", 0), "left_per_point": ("exact", "yuan/point", 4), "scoreless": ("int", "cases", None),
        "scoreless_cost": ("exact", "yuan", 2),
    }  # fmt: skip
    return _sheet("opening_years", found, fund, tuple(kinds), kinds, rows)


def institutions(found: PointValues, fund: str, lang: str = "") -> Worksheet:
    """Who is in the preferred intervals: weighted cost and resource cost per point, cheapest first; keys codes."""
    texts, one = Texts(lang), found.openings[fund]
    first, second = set(one.reading(BAND_1D).codes), set(one.reading(BAND_2D).codes)
    rows: list[tuple[object, ...]] = []
    for code, own in one.institutions.items():
        per = own.cost / own.score if own.score else None
        used = own.resources / own.score if own.score and own.resources is not None else None
        cover = None if not own.resources else own.income * 100 / own.resources
        yes, no = texts("opening.in"), ""
        name = found.known[code].name if code in found.known else code
        rows.append((code, name, per, used, cover, yes if code in first else no, yes if code in second else no,
                     own.cases, own.cost, own.score, code))  # fmt: skip
    rows.sort(key=lambda row: (row[2] is None, row[2] or 0, row[0]))
    kinds: dict[str, tuple[Kind, str, int | None]] = {
        "per_point": ("exact", "yuan/point", 4), "resources_per_point": ("exact", "yuan/point", 4),
        "cover": ("exact", "percent", 2), "cases": ("int", "cases", None), "weighted_cost": ("exact", "yuan", 2),
        "weighted_score": ("exact", "points", 4), "code": ("code", "", None),
    }  # fmt: skip
    names = ("hospital", "per_point", "resources_per_point", "cover", "in_1d", "in_2d", "cases", "weighted_cost",
             "weighted_score", "code")  # fmt: skip
    return _sheet("opening_institutions", found, fund, names, kinds, rows)


def _sheet(
    id: str,
    found: PointValues,
    fund: str,
    names: Sequence[str],
    kinds: Mapping[str, tuple[Kind, str, int | None]],
    rows: Sequence[Sequence[object]],
) -> Worksheet:
    """The first cell of a row is its key."""
    columns: list[Column] = []
    for name in names:
        kind, unit, places = kinds.get(name, ("text", "", None))
        tag = "D" if name in ("resources_per_point", "cover", "in_2d") else ""
        columns.append(Column(name, titles(f"opening.column.{name}"), kind, unit, places, tag))
    cells = {one.id: column_of([row[i + 1] for row in rows], one.kind) for i, one in enumerate(columns)}
    title = titles(f"opening.sheet.{id.partition('_')[2]}", year=found.year, fund=fund)
    return Worksheet(id, title, columns, cells, len(rows), keys=column_of([row[0] for row in rows], "text"))
