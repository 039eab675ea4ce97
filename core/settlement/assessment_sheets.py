"""Score sheets as tables: all institutions by indicators as they are written into, one institution's sheet."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from core.money import plain
from core.settlement import assessment
from core.settlement.assessment import Cell, Line, What
from core.settlement.year import institutions as registered
from core.texts import LANGUAGES, Texts, catalogue
from core.worksheet import Column, Kind, Worksheet, column_of

STATES = ("entered", "unreviewed", "checked", "imported")  # of a whole sheet: the first that any of its lines has


@dataclass(frozen=True)
class Grid:
    """Institutions by indicators in one year. what: whose points the cells are, reviewed or self-given.

    sheet: keys are institution codes; a column for each indicator by its name. most: each indicator's maximum.
    lines: what stands, by (institution, indicator).
    """

    year: int
    what: What
    sheet: Worksheet
    most: Mapping[str, Fraction]
    lines: Mapping[tuple[str, str], Line]

    def value(self, code: str, indicator: str) -> Fraction | None:
        line = self.lines.get((code, indicator))
        return line.value(self.what) if line is not None else None

    def cell(self, code: str, indicator: str, value: Fraction | None) -> Cell:
        """The edit of a cell as it is seen."""
        seen = self.value(code, indicator)
        return Cell(
            code, indicator, self.what, None if value is None else plain(value), "" if seen is None else plain(seen)
        )

    def waiting(self, codes: Sequence[str]) -> dict[tuple[str, str], str]:
        """Points of these institutions that nobody has checked yet, as they are seen."""
        return {
            place: plain(line.points)
            for place, line in self.lines.items()
            if place[0] in codes and line.state == "entered" and line.points is not None
        }


def grid(connection: sqlite3.Connection, year: int, what: What = "points", lang: str = "") -> Grid:
    """Every registered institution, and who has a sheet; score in percent as the clearing takes it, state, maker and checker."""
    texts = Texts(lang)
    found = {(line.code, line.indicator): line for line in assessment.lines(connection, year)}
    most = assessment.indicators(connection, year)
    known = registered(connection)
    codes = sorted({*known, *(code for code, _ in found)})
    own: dict[str, list[Line]] = {code: [] for code in codes}
    for (code, _), line in found.items():
        own[code].append(line)
    columns = [
        named("code", "code"), named("name"), named("percent", "exact", "percent", 2), named("state"),
        *(_indicator(name, value) for name, value in most.items()),
        named("total", "exact"), named("entered_by"), named("checked_by"), named("level"), named("county"),
    ]  # fmt: skip
    values: dict[str, list[object]] = {column.id: [] for column in columns}
    for code in codes:
        mine = own[code]
        one = known.get(code)
        values["code"].append(code)
        values["name"].append(one.name if one is not None else "")
        values["level"].append(texts(f"indicators.level.{one.level if one is not None else 0}"))
        values["county"].append(one.county if one is not None else "")
        for name in most:
            line = found.get((code, name))
            values[name].append(line.value(what) if line is not None else None)
        given = [line for line in mine if line.value(what) is not None]
        got = sum((line.value(what) or Fraction(0) for line in given), Fraction(0))
        whole = sum((line.most for line in given), Fraction(0))
        values["total"].append(got if given else None)
        values["percent"].append(got / whole * 100 if whole else None)
        state = next((state for state in STATES if any(line.state == state for line in mine)), None)
        values["state"].append(texts(f"assessment.state.{state}") if state is not None else texts("assessment.state.none"))
        values["entered_by"].append(texts.listed(sorted({line.entered_by for line in mine} - {""})))
        values["checked_by"].append(texts.listed(sorted({line.checked_by for line in mine} - {""})))
    return Grid(year, what, made("assessment_grid", columns, values, codes), most, found)


def sheet(connection: sqlite3.Connection, code: str, year: int, lang: str = "") -> Worksheet:
    """One institution's score sheet: maximum, self-given and reviewed points, their difference, where they are from, who
    entered and who checked them. Keys are indicators."""
    texts = Texts(lang)
    files: dict[str, tuple[str, int]] = {
        indicator: (file, row)
        for indicator, file, row in connection.execute(
            "SELECT a.indicator, b.file, a.row FROM assessment a JOIN batch b ON b.id = a.batch_id"
            " WHERE a.fixmedins_code = ? AND a.year = ?",
            (code, year),
        )
    }
    order = list(assessment.indicators(connection, year))
    lines = sorted(assessment.lines(connection, year, code), key=lambda line: order.index(line.indicator))
    def source(line: Line) -> str:
        file, row = files.get(line.indicator, ("", 0))
        return texts("assessment.source", file=file, row=row) if file else ""

    values: dict[str, list[object]] = {
        "indicator": [line.indicator for line in lines], "most": [line.most for line in lines],
        "self_points": [line.self_points for line in lines], "points": [line.points for line in lines],
        "revised": [
            None if line.points is None or line.self_points is None else line.points - line.self_points for line in lines
        ],
        "state": [texts(f"assessment.state.{line.state}") for line in lines],
        "entered_by": [line.entered_by for line in lines], "checked_by": [line.checked_by for line in lines],
        "source": [source(line) for line in lines],
    }  # fmt: skip
    columns = [
        named("indicator"),
        *(
            named(id, "exact", total=any(value is not None for value in values[id]))  # nothing given is no 0
            for id in ("most", "self_points", "points", "revised")
        ),
        named("state"), named("entered_by"), named("checked_by"), named("source"),
    ]  # fmt: skip
    return made("assessment_sheet", columns, values, [line.indicator for line in lines])


# -- columns of the assessment's worksheets --------------------------------------------------------------------------


def titled(key: str) -> dict[str, str]:
    """The words of `assessment.KEY` in every language."""
    return {lang: catalogue(lang)[f"assessment.{key}"] for lang in LANGUAGES}


def named(id: str, kind: Kind = "text", unit: str = "", places: int | None = None, *, total: bool = False) -> Column:
    return Column(id, titled(f"column.{id}"), kind, unit, places, total=total)


def money(id: str) -> Column:
    return named(id, "exact", "yuan", 2, total=True)


def made(id: str, columns: Sequence[Column], values: Mapping[str, Sequence[object]], keys: Sequence[str]) -> Worksheet:
    """A worksheet titled `assessment.sheet.ID`."""
    cells = {column.id: column_of(values.get(column.id, []), column.kind) for column in columns}
    return Worksheet(id, titled(f"sheet.{id}"), columns, cells, len(keys), keys=column_of(keys, "code"))


def _indicator(name: str, most: Fraction) -> Column:
    return Column(
        name, {lang: catalogue(lang)["assessment.of_most"].format(name=name, most=plain(most)) for lang in LANGUAGES}, "exact"
    )
