"""Additive figures by institution, fund and month: what indicators, trends and comparisons are made from.

Only the sources that the asked names need are read; each is kept per year while the ledger lets it stand. A year that
lacks something says why in `lacking`, and has zeros there that nobody divides by.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.analysis import counted, measured_books, measured_persons, measured_rows, measured_scores
from core.analysis.measured_rows import MONTHS, OF_ROWS, Table
from core.faults import Usage
from core.findings import Finding
from core.progress import SILENT, Progress, step
from core.rules.cases import FUNDS, Ints
from core.rules.sheet import Institution
from core.settlement import coefficients, gather, groups, own_packs
from core.settlement.arrivals import Reading
from core.settlement.year import (
    LIGHT,
    LIGHT_KINDS,
    Mark,
    held,
    institutions,
    mark,
    rows_stand,
    untouched,
)

if TYPE_CHECKING:
    from core.rules.circular import Pack
    from core.storage.workspace import Workspace

# Every name by the source that makes it. Amounts are fen (places 2), counts are counts.
SOURCES: Mapping[str, tuple[str, ...]] = {
    **measured_rows.SOURCES,
    "persons": ("persons", *(f"{name}_{days}" for days in measured_persons.WINDOWS for name in ("followed", "readmitted"))),
    "scores": measured_scores.SCORES,
    "clearing": (*measured_scores.CLEARED, *measured_scores.REGION),
    "books": measured_books.NAMES,
}  # fmt: skip
SOURCE_OF = {name: source for source, names in SOURCES.items() for name in names}
FEN = frozenset((
    "cost", "booked", "own_pay", "other_pay", "drug", "drug_cost", "consumable", "consumable_cost", "own_expense",
    "own_expense_cost", "own_expense_pay", *measured_books.NAMES,
))  # fmt: skip
PRIMARY = {"primary_level_cases": "cases", "primary_level_booked": "booked"}  # of institutions of level 1
NAMES = frozenset((*SOURCE_OF, *PRIMARY))
YEARLY = frozenset((*SOURCES["clearing"], "outside", "by_item"))  # stand in December, for the whole year
# What a clearing reads, and a score besides rows and catalogue, aside from what every reading has.
_UNREAD = {"official_clearing", "control_total", "fund_month", "scenario"}
_UNREAD_KINDS = {"official_clearing", "control_totals", "fund_months"}
_LESS_SCORES = {"coefficient", "coefficient_set"}


@dataclass(frozen=True)
class Monthly:
    """values[name]: int64 [institution, fund, month], scaled by 10**places[name]; region[name]: [fund, month], the region's own.

    institutions: by code, all with a case or a payment in the years. months: YYYYMM of all the years, ascending.
    lacking[name][year]: why that year has no such figure. tables[source][year]: what was read, for what does not add up.
    """

    years: tuple[int, ...]
    institutions: tuple[Institution, ...]
    months: tuple[int, ...]
    values: Mapping[str, Ints]
    places: Mapping[str, int]
    region: Mapping[str, Ints]
    lacking: Mapping[str, Mapping[int, Finding]]
    tables: Mapping[str, Mapping[int, Table]]

    def place(self, code: str) -> int:
        """The institution's row; Usage where it has none."""
        for at, one in enumerate(self.institutions):
            if one.code == code:
                return at
        raise Usage("institution_unlisted", institution=code)


_kept: dict[tuple[object, ...], tuple[Mark, Table]] = {}
_choices: dict[tuple[object, ...], tuple[Mark, object]] = {}
KEPT = 64  # tables of one year and source, the oldest go first


def forget() -> None:
    """Drop what is kept."""
    _kept.clear()
    _choices.clear()


def years_with_cases(connection: sqlite3.Connection) -> tuple[int, ...]:
    """The years that any case of the workspace is settled in, by jumping along the index."""
    found: list[int] = []
    year = connection.execute("SELECT min(year) FROM cases").fetchone()[0]
    while year is not None:
        found.append(int(year))
        year = connection.execute("SELECT min(year) FROM cases WHERE year > ?", (year,)).fetchone()[0]
    return tuple(found)


def monthly(
    workspace: Workspace,
    years: Sequence[int],
    names: Iterable[str],
    progress: Progress = SILENT,
    *,
    pack: Pack | str | None = None,
    set_name: str | None = None,
) -> Monthly:
    """The named measures of the years. pack: for scores and clearings; without one these are lacking. Usage: measure_unknown."""
    wanted = sorted(set(names))
    if strange := [name for name in wanted if name not in NAMES]:
        raise Usage("measure_unknown", names=strange)
    years = tuple(sorted(set(years)))
    rule = own_packs.load(workspace, pack) if isinstance(pack, str) and pack else (pack or None)
    assert not isinstance(rule, str)
    connection = workspace.reader()
    source_of = _sources(wanted)
    sources = sorted({source_of[PRIMARY.get(name, name)] for name in wanted})
    with gather.snapshot(connection):
        registered = institutions(connection)
        reading = _Reading(workspace, connection, registered, rule, set_name, progress)
        tables = {source: dict[int, Table]() for source in sources}
        for number, year in enumerate(years):
            step(progress, "trend_read", number, len(years))
            for source, table in reading.of_year(year, [one for one in sources if one != "persons"]).items():
                tables[source][year] = table
        if "persons" in tables:
            tables["persons"] = reading.followed(years)
    codes = sorted({code for of_year in tables.values() for one in of_year.values() for code in one.codes})
    listed = tuple(registered.get(code, Institution(code, "", 0)) for code in codes)
    months = tuple(year * 100 + month for year in years for month in range(1, MONTHS + 1))
    place = {code: i for i, code in enumerate(codes)}
    rows = {
        (source, year): np.array([place[code] for code in one.codes], np.int64)
        for source, of_year in tables.items()
        for year, one in of_year.items()
    }
    values: dict[str, Ints] = {}
    scales: dict[str, int] = {}
    region: dict[str, Ints] = {}
    lacking: dict[str, dict[int, Finding]] = {}
    for name in wanted:
        base = PRIMARY.get(name, name)
        of_year = tables[source_of[base]]
        scale = 2 if base in FEN else max((one.places.get(base, 0) for one in of_year.values()), default=0)
        whole = np.zeros((len(codes), len(FUNDS), len(months)), np.int64)
        of_region = np.zeros((len(FUNDS), len(months)), np.int64)
        has_region = False
        for at, year in enumerate(years):
            table = of_year[year]
            stretch = slice(at * MONTHS, (at + 1) * MONTHS)
            factor = 1 if base in FEN else 10 ** (scale - table.places.get(base, 0))
            if base in table.values and len(table.codes):
                whole[rows[source_of[base], year], :, stretch] = table.values[base] * factor
            if base in table.region:
                of_region[:, stretch] = table.region[base] * factor
                has_region = True
            if base in table.lacking:
                lacking.setdefault(name, {})[year] = table.lacking[base]
        if name in PRIMARY:
            whole[np.array([one.level != 1 for one in listed], bool)] = 0
        whole.setflags(write=False)
        values[name], scales[name] = whole, scale
        if has_region:
            of_region.setflags(write=False)
            region[name] = of_region
    return Monthly(years, listed, months, values, scales, region, lacking, tables)


def _sources(wanted: Sequence[str]) -> dict[str, str]:
    """The source of each name. How many cases there are is told by following persons as well: nothing else is read for it."""
    of_cases = {name for name in wanted if SOURCE_OF[PRIMARY.get(name, name)] == "cases"}
    if of_cases <= {"cases", "primary_level_cases"} and any(SOURCE_OF.get(name) == "persons" for name in wanted):
        return {**SOURCE_OF, "cases": "persons"}
    return dict(SOURCE_OF)


class _Reading:
    """Sources of a workspace at one moment, from memory where no ledger line since then touched what they are made of."""

    def __init__(
        self,
        workspace: Workspace,
        connection: sqlite3.Connection,
        registered: Mapping[str, Institution],
        pack: Pack | None,
        set_name: str | None,
        progress: Progress,
    ) -> None:
        self._workspace = workspace
        self._connection = connection
        self._registered = registered
        self._pack = pack
        self._set_name = set_name
        self._progress = progress
        self._province = pack is not None and pack.case.intra_province
        self._where = counted.bounds(workspace.region, self._province)
        self._mark = mark(connection)

    def of_year(self, year: int, sources: Sequence[str]) -> dict[str, Table]:
        """Sources other than persons; what is not kept of the cases is read in one go."""
        keys = {source: self._key(source, year) for source in sources}
        kept = {source: _kept.pop(key) for source, key in keys.items() if key in _kept}
        found = {source: table for source, (since, table) in kept.items() if self._stands(source, since)}
        for source in sources:
            if source not in found and source not in OF_ROWS:
                found[source] = self._made(source, year)
        rows = [source for source in sources if source not in found]
        if rows:  # last: a year that was read for its scores is in memory by now
            version = gather.version_of(self._workspace, self._connection, year, None)
            wanted = Reading(year, self._workspace.region, self._province, days=True)
            there = held(self._workspace, self._connection, wanted)
            found |= measured_rows.tables(
                self._connection, year, self._where, self._registered, version, rows, there
            )
        for source in sources:
            self._keep(keys[source], found[source])
        return found

    def followed(self, years: Sequence[int]) -> dict[int, Table]:
        """All years of the workspace at once: a person comes back across the turn of a year."""
        every = tuple(sorted({*years, *years_with_cases(self._connection)}))
        keys = {year: self._key("persons", year) for year in years}
        if all(key in _kept and self._stands("persons", _kept[key][0]) for key in keys.values()):
            found = {year: _kept.pop(key)[1] for year, key in keys.items()}
        else:
            found = measured_persons.read(
                self._connection, every, self._where, self._registered, self._progress
            )
        for year in found:
            self._keep(self._key("persons", year), found[year])
        return {year: found[year] for year in years}

    def _keep(self, key: tuple[object, ...], table: Table) -> None:
        for old in list(_kept)[: 1 - KEPT]:
            _kept.pop(old, None)
        _kept[key] = (self._mark, table)

    def _key(self, source: str, year: int) -> tuple[object, ...]:
        key: tuple[object, ...] = (
            str(self._workspace.path), self._workspace.created, self._workspace.region, source, year, self._where["home"]
        )  # fmt: skip
        if source in ("groups", "scores", "clearing"):
            key += (self._chosen(year),)
        if source in ("scores", "clearing"):
            pack = self._pack
            key += ("" if pack is None else (pack.hash, *sorted(pack.changed.items())), self._chosen(None))
        return key

    def _chosen(self, year: int | None) -> object:
        """What is taken where nobody names it: the year's catalogue; without a year the coefficient set, by name and content."""
        key = (str(self._workspace.path), self._workspace.created, year, self._set_name)
        known = _choices.get(key)
        if known is not None and known[0] == self._mark:
            return known[1]
        if year is None:
            head = coefficients.choose(self._connection, self._set_name)
            found = self._set_name if head is None else (head.name, head.hash)
        else:
            found = groups.choose(self._connection, year, None)[0]
        _choices[key] = (self._mark, found)
        return found

    def _stands(self, source: str, since: Mark) -> bool:
        connection = self._connection
        if source in ("cases", "parts", "persons", "decisions"):
            return rows_stand(connection, since)
        if source in ("groups", "operations"):
            return untouched(connection, since, LIGHT, LIGHT_KINDS)
        if source == "scores":
            return untouched(connection, since, LIGHT - _LESS_SCORES, LIGHT_KINDS - {"coefficients"})
        if source == "clearing":
            return untouched(connection, since, _UNREAD, _UNREAD_KINDS)
        return False  # books are read again every time

    def _made(self, source: str, year: int) -> Table:
        connection = self._connection
        if source == "operations":
            return measured_rows.of_operations(connection, year, self._where, self._registered).table(SOURCES[source])
        if source == "decisions":
            return measured_rows.of_decisions(connection, year, self._where, self._registered).table(SOURCES[source])
        if source == "books":
            return measured_books.read(connection, year)
        if self._pack is None:
            return Table((), {}, lacking=dict.fromkeys(SOURCES[source], Finding("lacking_pack", "note")))
        made = measured_scores.scores if source == "scores" else measured_scores.clearing
        return made(self._workspace, year, self._pack, self._set_name, self._progress)
