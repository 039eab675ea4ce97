"""A group's page as worksheets, for screen and export: history, years, institutions, bands, single cases."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Any

from core.analysis.group_year import PERCENTILES
from core.settlement.arrivals import iso_day
from core.texts import LANGUAGES, Texts
from core.worksheet import Cells, Column, Kind, Worksheet, column_of

if TYPE_CHECKING:
    from core.analysis.group_profile import GroupProfile

# Of each column: id, kind, unit, places, whether a sum makes sense.
Plan = Sequence[tuple[str, Kind, str, int | None, bool]]


def worksheets(found: GroupProfile, texts: Texts) -> dict[str, Worksheet]:
    """The page's tables: history, years, institutions, bands."""
    history: Plan = (
        ("version", "code", "", None, False),
        ("year", "code", "", None, False),
        ("state", "text", "", None, False),
        ("change", "text", "", None, False),
        ("dip_code", "code", "", None, False),
        ("dip_name", "text", "", None, False),
        ("kind", "text", "", None, False),
        ("score", "exact", "points", 4, False),
        ("mean_fee", "exact", "yuan", 2, False),
        ("diag_code", "code", "", None, False),
        ("operations", "code", "", None, False),
    )
    told: list[tuple[object, ...]] = []
    for line in found.history:
        head = (
            line.version,
            str(line.year),
            texts(f"catalogue.profile.states.{line.state}"),
            texts(f"catalogue.profile.changes.{line.change}"),
        )
        for entry in line.entries:
            kind = texts(f"catalogue.profile.kinds.{entry.kind}")
            operations = " + ".join(filter(None, (entry.oprn_code, entry.rel_oprn_code)))
            mean = _yuan(entry.mean_fee or None)
            told.append((*head, entry.dip_code, entry.dip_name, kind, entry.score, mean, entry.diag_code, operations))
        if not line.entries:
            told.append((*head, "", "", "", None, None, "", ""))
    years: Plan = (
        ("year", "code", "", None, False),
        ("dip_code", "code", "", None, False),
        ("cases", "int", "cases", None, True),
        ("mean", "exact", "yuan", 2, False),
        ("days", "exact", "days", 2, False),
        ("drug_share", "exact", "percent", 2, False),
        ("consumable_share", "exact", "percent", 2, False),
        ("cv", "exact", "", 4, False),
        *((f"p{share}", "exact", "yuan", 2, False) for share in PERCENTILES),
    )
    by_year = [
        (
            str(line.year),
            " | ".join(line.codes),
            line.cases,
            _yuan(line.mean),
            line.days,
            _percent(line.drug_share),
            _percent(line.consumable_share),
            line.spread.cv if line.spread else None,
            *(_yuan(line.spread.percentiles[share] if line.spread else None) for share in PERCENTILES),
        )
        for line in found.years
    ]
    institutions: Plan = (
        ("fixmedins_code", "code", "", None, False),
        ("fixmedins_name", "text", "", None, False),
        ("cases", "int", "cases", None, True),
        ("share", "exact", "percent", 2, False),
        ("mean", "exact", "yuan", 2, False),
        ("ratio", "exact", "percent", 2, False),
        ("days", "exact", "days", 2, False),
    )
    by_institution = [
        (one.code, one.name, one.cases, _percent(one.share), _yuan(one.mean), _percent(one.ratio), one.days)
        for one in found.institutions
    ]
    bands: Plan = (
        ("type", "text", "", None, False),
        ("band", "code", "", None, False),
        ("factor", "exact", "", None, False),
        ("cases", "int", "cases", None, False),
        ("taken", "int", "cases", None, True),
        ("mean", "exact", "yuan", 2, False),
        ("mean_fee", "exact", "yuan", 2, False),
    )
    by_band = [
        (
            texts(f"catalogue.profile.types.{one.band.type}"), one.band.band, one.band.factor, one.cases, one.taken,
            _yuan(one.mean), _yuan(one.band.mean_fee or None),
        )
        for one in found.bands
    ]  # fmt: skip
    return {
        "history": _sheet("group_history", history, told, keys=[str(row[0]) for row in told]),
        "years": _sheet("group_years", years, by_year, keys=[str(row[0]) for row in by_year]),
        "institutions": _sheet("group_institutions", institutions, by_institution, keys=[row[0] for row in by_institution]),
        "bands": _sheet("group_bands", bands, by_band, keys=[f"{one.band.type}:{one.band.band}" for one in found.bands]),
    }


def cases(found: Sequence[Sequence[Any]]) -> Worksheet:
    """Rows of `group_cases.sql` as a worksheet."""
    plan: Plan = (
        ("setl_id", "code", "", None, False),
        ("fixmedins_code", "code", "", None, False),
        ("fixmedins_name", "text", "", None, False),
        ("day", "code", "", None, False),
        ("diag_code", "code", "", None, False),
        ("diag_name", "text", "", None, False),
        ("oprn_codes", "code", "", None, False),
        ("fee", "fixed", "yuan", 2, True),
        ("days", "exact", "days", 0, True),
        ("drug_fee", "exact", "yuan", 2, True),
        ("consumable_fee", "exact", "yuan", 2, True),
        ("dip_code", "code", "", None, False),
        ("file", "text", "", None, False),
        ("row", "int", "", None, False),
    )
    lines = [
        (
            *line[:3],
            iso_day(line[3]),
            *line[4:8],
            None if line[8] is None else Fraction(line[8]),
            _yuan(line[9]),
            _yuan(line[10]),
            *line[11:],
        )
        for line in found
    ]
    return _sheet("group_cases", plan, lines, keys=[line[0] for line in found])


def _sheet(name: str, plan: Plan, rows: Sequence[Sequence[Any]], keys: Sequence[str]) -> Worksheet:
    columns = [
        Column(column, _title(column), kind, unit, places, total=total) for column, kind, unit, places, total in plan
    ]
    cells: dict[str, Cells] = {
        column.id: column_of([row[at] for row in rows], column.kind) for at, column in enumerate(columns)
    }
    totals: dict[str, object] = {}
    for column in columns:
        if column.total:
            said = [value for value in cells[column.id].tolist() if value is not None]
            totals[column.id] = sum(said) if column.kind != "exact" else sum(said, Fraction(0))
    return Worksheet(name, _title(name), columns, cells, len(rows), totals, keys=column_of(keys, "code"))


@cache
def _title(name: str) -> dict[str, str]:
    return {lang: Texts(lang)(f"catalogue.profile.{name}") for lang in LANGUAGES}


def _yuan(fen: int | None) -> Fraction | None:
    return None if fen is None else Fraction(fen, 100)


def _percent(share: Fraction | None) -> Fraction | None:
    return None if share is None else share * 100
