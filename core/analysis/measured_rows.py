"""What the rows of a year say by institution, fund and month, with no clearing: sums, groups, indices, operations.

A case counts when a clearing would count it: net of refunds, in scope, of the region's patients, at a registered
institution. Cases that are paid by item count too. A column that a case leaves empty leaves that case out of what is
divided by: drug cost stands over the cost of the cases that state it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.analysis import counted
from core.analysis.counted import Mask
from core.catalogue.entries import Entry
from core.findings import Finding
from core.rules.cases import FUNDS, Index, Ints
from core.settlement.arrivals import Arrivals, frozen
from core.settlement.exact import places_of, scaled, sums
from core.settlement.groups import Version, score_of

MONTHS = 12
SPOTS = len(FUNDS) * MONTHS  # of an institution in a year
SPOT = f"(fund - 1) * {MONTHS} + day / 100 % 100 - 1"  # fund and month of a case, as SQL
INDEX_PLACES = 10  # of a case's ratio to its group's mean
KINDS = ("core", "composite", "primary_care", "tcm", "bed_day", "day_case")
# What each source is made of; all but `operations` and `decisions` come from one reading of the cases.
SOURCES: Mapping[str, tuple[str, ...]] = {
    "cases": ("cases", "cost", "booked", "own_pay", "other_pay", "days", "stays"),
    "parts": (
        "drug", "drug_cost", "consumable", "consumable_cost", "own_expense", "own_expense_cost", "own_expense_pay",
    ),
    "groups": ("time_index", "timed", "cost_index", "costed", "weight", "grouped", "ungrouped", *KINDS),
    "operations": ("operated", "surgery", "unlisted", "surgery_levelled", "surgery_4"),
    "decisions": ("special",),
}  # fmt: skip
OF_ROWS = ("cases", "parts", "groups")
PARTS = {"drug": "drug_fee", "consumable": "consumable_fee", "own_expense": "psn_ownpay"}  # measure: column
_SOURCES = {
    name.strip(): text.format(counts=counted.COUNTS, spot=SPOT)
    for name, _, text in (
        part.partition("\n")
        for part in Path(__file__).with_name("measured_rows.sql").read_text("utf-8").split("-- :")[1:]
    )
}
_COLUMNS = {
    "cases": ("packed", "fee", "booked", "own_pay", "other_pay"),
    "parts": ("packed", "fee", "own_pay", *PARTS),
    "groups": ("packed", "fee", "group"),
}
HELD = frozenset((*_COLUMNS["cases"], *_COLUMNS["groups"]))  # what a clearing's rows have as well
_SELECT = {
    "group": counted.STATED,
    "packed": f"(coalesce(act_ipt_days, -1) + 1) * {SPOTS} + {SPOT}",
    "fee": "fee",
    "booked": "hifp_pay",
    "own_pay": "own_pay",
    "other_pay": "other_pay",
    **{name: f"coalesce({column}, -1)" for name, column in PARTS.items()},
    "case_id": "case_id",
}
# attribute: 2 surgery or intervention, 1 another, 0 the code is in no list. level: 0 where the list states none.
_OPERATED = {
    "spot": "spot",
    "attribute": "CASE WHEN attribute IS NULL THEN 0 WHEN attribute IN ('surgery', 'intervention') THEN 2 ELSE 1 END",
    "level": "CASE WHEN level IN ('1', '2', '3', '4') THEN level ELSE 0 END",
    "case_id": "case_id",
}


@dataclass(frozen=True)
class Table:
    """Additive figures of one year. values[name]: int64 [institution, fund, month], scaled by 10**places[name].

    region: figures of the whole region, int64 [fund, month]. What holds for the year as a whole stands in its December.
    lacking: why the year has no such figure. detail: what cannot be added up is computed from it.
    """

    codes: tuple[str, ...]
    values: Mapping[str, Ints]
    places: Mapping[str, int] = field(default_factory=dict[str, int])
    region: Mapping[str, Ints] = field(default_factory=dict[str, Ints])
    lacking: Mapping[str, Finding] = field(default_factory=dict[str, Finding])
    detail: object = None


@dataclass(frozen=True)
class CaseMeasures:
    """The same measures case by case: their sums are a `Table`. spot: fund * 12 + month, from 0.

    values[name]: of each case; has[name]: which cases have one, all where it is not there. case_id: where asked for.
    """

    codes: tuple[str, ...]
    place: Index
    spot: Ints
    values: Mapping[str, Ints]
    has: Mapping[str, Mask]
    places: Mapping[str, int]
    lacking: Mapping[str, Finding]
    case_id: Ints

    def table(self, names: Iterable[str], detail: object = None) -> Table:
        cell = self.place.astype(np.int64) * SPOTS + self.spot
        size = len(self.codes) * SPOTS
        values: dict[str, Ints] = {}
        for name in names:
            mine = self.has.get(name)
            own = cell if mine is None else cell[mine]
            if name in self.values:
                added = self.values[name] if mine is None else self.values[name][mine]
                values[name] = shaped(np.array(sums(added, own, size), np.int64))
            else:
                values[name] = shaped(np.bincount(own, minlength=size).astype(np.int64))
        places = {name: n for name, n in self.places.items() if name in values}
        lacking = {name: why for name, why in self.lacking.items() if name in values}
        return Table(self.codes, values, places, {}, lacking, detail)


@dataclass(frozen=True)
class YearCases:
    """What spreads are made from. group: index into `groups`, -1 where none is stated."""

    institutions: tuple[str, ...]
    groups: int
    institution: Index
    spot: NDArray[np.int8]
    group: Index
    fee: Ints


def tables(
    connection: sqlite3.Connection,
    year: int,
    where: Mapping[str, object],
    registered: Collection[str],
    version: Version,
    sources: Collection[str],
    rows: Arrivals | None = None,
) -> dict[str, Table]:
    """The tables of these SOURCES from one reading of the year's rows. rows: see `of_cases`."""
    found, detail = of_cases(connection, year, where, registered, version, sources, rows=rows)
    return {source: found.table(SOURCES[source], detail if source == "groups" else None) for source in sources}


@dataclass(frozen=True)
class _Columns:
    """Of each case that counts: group into `groups`, -1 where none is stated; days, -1 where empty; plain: amounts by name."""

    codes: tuple[str, ...]
    place: Index
    spot: Ints
    days: Ints
    groups: tuple[str, ...]
    group: Index
    plain: Mapping[str, Ints]


def _read(
    connection: sqlite3.Connection,
    year: int,
    where: Mapping[str, object],
    registered: Collection[str],
    columns: Collection[str],
) -> _Columns:
    texts = [name for name in columns if name == "group"]
    found = counted.read(connection, year, where, registered, {name: _SELECT[name] for name in columns}, texts)
    n = len(found.place)
    groups, group = counted.stated(found.texts["group"]) if texts else ((), np.full(n, -1, np.int32))
    spot, days = found.numbers["packed"] % SPOTS, found.numbers["packed"] // SPOTS - 1
    return _Columns(found.codes, found.place, spot, days, groups, group, found.numbers)


def _of_rows(rows: Arrivals) -> _Columns:
    """The same of a year that is in memory: who counts is decided alike."""
    assert rows.days is not None
    spot = rows.fund.astype(np.int64) * MONTHS + rows.day // 100 % 100 - 1
    plain = {name: getattr(rows, name) for name in ("fee", "booked", "own_pay", "other_pay")}
    return _Columns(rows.institutions, rows.institution, spot, rows.days, rows.groups, rows.group, plain)


def of_cases(
    connection: sqlite3.Connection,
    year: int,
    where: Mapping[str, object],
    registered: Collection[str],
    version: Version,
    sources: Collection[str],
    *,
    ids: bool = False,
    rows: Arrivals | None = None,
) -> tuple[CaseMeasures, YearCases | None]:
    """Columns as they stand; groups by the year's version of the catalogue; indices against the region's means of the year.

    rows: the year where it is in memory with its days; read again only for columns that it has not.
    """
    columns = dict.fromkeys(column for source in sources for column in _COLUMNS[source])
    columns |= {"case_id": None} if ids else {}
    if rows is not None and not set(columns) - HELD:
        own = _of_rows(rows)
    else:
        own = _read(connection, year, where, registered, columns)
    codes, place, spot, days, plain = own.codes, own.place, own.spot, own.days, own.plain
    fee = plain["fee"]
    values: dict[str, Ints] = {}
    has: dict[str, Mask] = {}
    places: dict[str, int] = {}
    lacking: dict[str, Finding] = {}
    stayed = days >= 0
    if "cases" in sources:
        values |= {"cost": fee, "days": days, **{name: plain[name] for name in ("booked", "own_pay", "other_pay")}}
        has |= {"days": stayed, "stays": stayed}
        if not bool(stayed.any()):
            lacking |= dict.fromkeys(("days", "stays"), _lacks("act_ipt_days", year))
    if "parts" in sources:
        for name, column in PARTS.items():
            stated = plain[name] >= 0
            values |= {name: plain[name], f"{name}_cost": fee}
            has |= {name: stated, f"{name}_cost": stated}
            if not bool(stated.any()):
                lacking |= dict.fromkeys((name, f"{name}_cost"), _lacks(column, year))
        values["own_expense_pay"], has["own_expense_pay"] = plain["own_pay"], has["own_expense"]
        if "own_expense" in lacking:
            lacking["own_expense_pay"] = lacking["own_expense"]
    detail = None
    if "groups" in sources:
        groups, group = own.groups, own.group
        places |= {"time_index": INDEX_PLACES, "cost_index": INDEX_PLACES}
        for name, count, measure, stated in (("time_index", "timed", days, stayed), ("cost_index", "costed", fee, None)):
            values[name], known = _ratios(group, len(groups), measure, stated)
            has |= {name: known, count: known}
        if not bool(stayed.any()):
            lacking |= dict.fromkeys(("time_index", "timed"), _lacks("act_ipt_days", year))
        if not groups:
            lacking |= dict.fromkeys(("time_index", "timed", "cost_index", "costed"), Finding("lacking_groups", "note"))
        values["weight"], places["weight"], scored, kinds = _weighed(version, groups, group, days)
        has |= {"weight": scored, "grouped": scored, "ungrouped": ~scored, **kinds}
        if not version.name:
            why = version.findings[0] if version.findings else Finding("catalogue_missing", "blocked")
            lacking |= dict.fromkeys(("weight", "grouped", "ungrouped", *KINDS), why)
        detail = YearCases(
            codes, len(groups), frozen(place), frozen(spot.astype(np.int8)), frozen(group), frozen(fee)
        )
    case_id = plain["case_id"] if ids else np.empty(0, np.int64)
    return CaseMeasures(codes, place, spot, values, has, places, lacking, case_id), detail


def of_operations(
    connection: sqlite3.Connection, year: int, where: Mapping[str, object], registered: Collection[str]
) -> CaseMeasures:
    """operated: cases with a main operation; surgery: those whose main one is surgery or intervention; unlisted: whose code
    no list knows; surgery_levelled and surgery_4: surgery whose level is known, and of the fourth."""
    found = counted.read(connection, year, where, registered, _OPERATED, source=_SOURCES["operations"])
    spot, attribute, level, case_id = (found.numbers[name] for name in _OPERATED)
    surgery = attribute == 2
    has: dict[str, Mask] = {
        "surgery": surgery,
        "unlisted": attribute == 0,
        "surgery_levelled": surgery & (level > 0),
        "surgery_4": surgery & (level == 4),
    }
    said = {"year": str(year)}
    lacking: dict[str, Finding] = {}
    listed = connection.execute("SELECT EXISTS (SELECT 1 FROM operation WHERE attribute IS NOT NULL)").fetchone()[0]
    if not len(spot):
        lacking = dict.fromkeys(SOURCES["operations"], Finding("lacking_operations", "note", values=said))
    elif not listed:
        lacking = dict.fromkeys(has, Finding("lacking_attributes", "note", values=said))
    elif bool(surgery.any()) and not bool((level[surgery] > 0).any()):
        why = Finding("lacking_operation_levels", "note", values=said)
        lacking = dict.fromkeys(("surgery_levelled", "surgery_4"), why)
    return CaseMeasures(found.codes, found.place, spot, {}, has, {}, lacking, case_id)


def of_decisions(
    connection: sqlite3.Connection, year: int, where: Mapping[str, object], registered: Collection[str]
) -> CaseMeasures:
    """special: cases that were decided on one by one, refused applications aside."""
    select = {"spot": SPOT, "case_id": "case_id"}
    found = counted.read(connection, year, where, registered, select, source=_SOURCES["decided"])
    return CaseMeasures(found.codes, found.place, found.numbers["spot"], {}, {}, {}, {}, found.numbers["case_id"])


def _ratios(group: Index, groups: int, measure: Ints, told: Mask | None) -> tuple[Ints, Mask]:
    """Each case over the mean of its group in the year, both funds and all institutions, to INDEX_PLACES; which cases have one.

    A case has none without a group, without the measure, or where its group's mean is zero."""
    known = group >= 0 if told is None else (group >= 0) & told
    count = np.bincount(group[known], minlength=groups).astype(np.float64)
    whole = np.array(sums(measure[known], group[known].astype(np.int64), groups), np.float64)
    if not groups:
        return np.zeros(len(measure), np.int64), known
    known &= whole[group] > 0
    # Each ratio by itself, rounded to an integer: their sum is the same in whatever order the rows came.
    ratio = np.zeros(len(measure), np.int64)
    own = group[known]
    ratio[known] = np.rint(measure[known] * count[own] / whole[own] * 10**INDEX_PLACES).astype(np.int64)
    return ratio, known


def _weighed(
    version: Version, groups: tuple[str, ...], group: Index, days: Ints
) -> tuple[Ints, int, Mask, dict[str, Mask]]:
    """Catalogue score of each case and its places; which cases have one; the cases of each kind of group.

    A group without score in the catalogue is none; a bed-day group scores by the day, without days it has no score."""
    known = [version.groups.get(code) for code in groups]
    scores = [score_of(one) or Fraction(0) for one in known]
    places = places_of(scores)
    table = np.append(scaled(scores, places).values, 0)
    found = np.array([score_of(one) is not None for one in known] + [False])[group]
    bed = np.array([one is not None and one.kind == "bed_day" for one in known] + [False])[group]
    found &= ~bed | (days > 0)
    weights = np.where(bed, table[group] * np.where(bed, days, 1), table[group])
    kinds = {}
    for name in KINDS:
        own = np.array([one is not None and _kind(one) == name for one in known] + [False])[group]
        kinds[name] = own & found
    return weights, places, found, kinds


def _kind(entry: Entry) -> str:
    return "primary_care" if entry.primary_care else entry.kind


def _lacks(column: str, year: int) -> Finding:
    return Finding("lacking_column", "note", column=column, values={"year": str(year)})


def shaped(cells: Ints) -> Ints:
    """[institution, fund, month] from one long row."""
    return frozen(cells.reshape(-1, len(FUNDS), MONTHS))
