"""What the rows of a year say by institution, fund and month, with no clearing: sums, groups, indices, operations.

A case counts when a clearing would count it: net of refunds, in scope, of the region's patients, at a registered
institution. Cases that are paid by item count too. A column that a case leaves empty leaves that case out of what is
divided by: drug cost stands over the cost of the cases that state it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.catalogue.entries import Entry
from core.findings import Finding
from core.rules.cases import FUNDS, Index, Ints, Texts
from core.settlement.arrivals import frozen
from core.settlement.exact import places_of, scaled, sums
from core.settlement.groups import Version, score_of

MONTHS = 12
SPOTS = len(FUNDS) * MONTHS  # of an institution in a year
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
Mask = NDArray[np.bool_]
_QUERIES = {
    name.strip(): text
    for name, _, text in (
        part.partition("\n")
        for part in Path(__file__).with_name("measured_rows.sql").read_text("utf-8").split("-- :")[1:]
    )
}

_COLUMNS = {
    "cases": ("institution", "packed", "fee", "booked", "own_pay", "other_pay"),
    "parts": ("institution", "packed", "fee", "own_pay", *PARTS),
    "groups": ("institution", "packed", "fee", "group"),
}
_SELECT = {
    "institution": "group_concat(fixmedins_code, char(31))",
    "group": f"group_concat({_QUERIES['stated']}, char(31))",
    "packed": f"group_concat((coalesce(act_ipt_days, -1) + 1) * {SPOTS} + (fund - 1) * {MONTHS} + day / 100 % 100 - 1)",
    "fee": "group_concat(fee)",
    "booked": "group_concat(hifp_pay)",
    "own_pay": "group_concat(own_pay)",
    "other_pay": "group_concat(other_pay)",
    **{name: f"group_concat(coalesce({column}, -1))" for name, column in PARTS.items()},
    "case_id": "group_concat(case_id)",
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


def bounds(region: str, province: bool = False) -> dict[str, object]:
    """The parameters of a query that keep patients of the region, or of its province; all where it is unknown."""
    home = region[: 2 if province else 4]
    if not home.isdigit():
        return {"home": "", "beyond": ""}
    return {"home": home, "beyond": home[:-1] + chr(ord(home[-1]) + 1)}


def tables(
    connection: sqlite3.Connection,
    year: int,
    where: Mapping[str, object],
    registered: Collection[str],
    version: Version,
    sources: Collection[str],
) -> dict[str, Table]:
    """The tables of these SOURCES from one reading of the year's rows."""
    found, detail = of_cases(connection, year, where, registered, version, sources)
    return {source: found.table(SOURCES[source], detail if source == "groups" else None) for source in sources}


def of_cases(
    connection: sqlite3.Connection,
    year: int,
    where: Mapping[str, object],
    registered: Collection[str],
    version: Version,
    sources: Collection[str],
    *,
    ids: bool = False,
) -> tuple[CaseMeasures, YearCases | None]:
    """Columns as they stand; groups by the year's version of the catalogue; indices against the region's means of the year."""
    columns = dict.fromkeys(column for source in sources for column in _COLUMNS[source])
    columns |= {"case_id": None} if ids else {}
    chosen = ", ".join(_SELECT[name] for name in columns)
    row = connection.execute(_QUERIES["cases"].format(columns=chosen), {**where, "year": year}).fetchone()
    n = int(row[0])
    told = dict(zip(columns, row[1:], strict=True))
    codes, place, keep = among(registered, *texts(split(told.pop("institution"), n)))
    group_text = told.pop("group", None)
    plain = {name: numbers(one, n) for name, one in told.items()}
    all_kept = bool(keep.all())
    if not all_kept:
        plain = {name: one[keep] for name, one in plain.items()}
    spot, days = plain["packed"] % SPOTS, plain["packed"] // SPOTS - 1
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
        groups, group = texts(split(group_text, n))
        group = group if all_kept else group[keep]
        if groups and groups[0] == "":
            groups, group = groups[1:], group - 1
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
    row = connection.execute(_QUERIES["operations"], {**where, "year": year}).fetchone()
    n = int(row[0])
    codes, place, keep = among(registered, *texts(split(row[1], n)))
    moment, attribute, level, case_id = (numbers(one, n)[keep] for one in row[2:])
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
    if not n:
        lacking = dict.fromkeys(SOURCES["operations"], Finding("lacking_operations", "note", values=said))
    elif not listed:
        lacking = dict.fromkeys(has, Finding("lacking_attributes", "note", values=said))
    elif bool(surgery.any()) and not bool((level[surgery] > 0).any()):
        why = Finding("lacking_operation_levels", "note", values=said)
        lacking = dict.fromkeys(("surgery_levelled", "surgery_4"), why)
    return CaseMeasures(codes, place, moment % 2 * MONTHS + moment // 2, {}, has, {}, lacking, case_id)


def of_decisions(
    connection: sqlite3.Connection, year: int, where: Mapping[str, object], registered: Collection[str]
) -> CaseMeasures:
    """special: cases that were decided on one by one, refused applications aside."""
    found = [
        line for line in connection.execute(_QUERIES["decided"], {**where, "year": year}) if line[0] in registered
    ]
    codes, place = texts(np.array([line[0] for line in found], object))
    moment, case_id = (np.array([line[i] for line in found], np.int64) for i in (1, 2))
    return CaseMeasures(codes, place, moment % 2 * MONTHS + moment // 2, {}, {}, {}, {}, case_id)


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


def numbers(text: str | None, count: int) -> Ints:
    """Numbers behind commas, as many as rows were counted."""
    found = np.fromstring(text or "", np.int64, sep=",") if count else np.empty(0, np.int64)
    if len(found) != count:
        raise AssertionError(f"{len(found)} numbers of {count}")
    return found


def split(text: str | None, count: int) -> Texts:
    """Texts behind the unit separator, as many as rows were counted."""
    listed = np.array((text or "").split("\x1f") if count else [], object)
    if len(listed) != count:
        raise AssertionError(f"{len(listed)} texts of {count}")
    return listed


def texts(listed: Texts) -> tuple[tuple[str, ...], Index]:
    """The different texts in order, and of each row the index of its own."""
    if not len(listed):
        return (), np.empty(0, np.int32)
    index, found = pd.factorize(listed)
    order = sorted(range(len(found)), key=lambda i: str(found[i]))
    place = np.empty(len(found), np.int32)
    place[order] = np.arange(len(found), dtype=np.int32)
    return tuple(str(found[i]) for i in order), place[index]


def among(registered: Collection[str], codes: Sequence[str], place: Index) -> tuple[tuple[str, ...], Index, Mask]:
    """Only the registered institutions, the places of their cases among them, and which cases these are."""
    known = np.array([code in registered for code in codes] or [False])
    keep = known[place]
    return tuple(code for code in codes if code in registered), (np.cumsum(known) - 1).astype(np.int32)[place[keep]], keep


def shaped(cells: Ints) -> Ints:
    """[institution, fund, month] from one long row."""
    return frozen(cells.reshape(-1, len(FUNDS), MONTHS))
