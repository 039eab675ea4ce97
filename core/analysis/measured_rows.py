"""What the rows of a year say by institution, fund and month, with no clearing: sums, groups, indices, operations.

A case counts when a clearing would count it: net of refunds, in scope, of the region's patients, at a registered
institution. Cases that are paid by item count too. A column that a case leaves empty leaves that case out of what is
divided by: drug cost stands over the cost of the cases that state it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping
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
_QUERIES = {
    name.strip(): text
    for name, _, text in (
        part.partition("\n")
        for part in Path(__file__).with_name("measured_rows.sql").read_text("utf-8").split("-- :")[1:]
    )
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
class YearCases:
    """One element a case, by institution, then group: what spreads are made from. spot: fund * 12 + month from 0.

    group: index into groups, -1 where none is stated."""

    year: int
    institutions: tuple[str, ...]
    groups: tuple[str, ...]
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


def of_cases(
    connection: sqlite3.Connection,
    year: int,
    where: Mapping[str, object],
    registered: Collection[str],
    version: Version,
) -> Table:
    """Sums of columns; groups by the year's version of the catalogue; indices against the region's means of the year."""
    row = connection.execute(_QUERIES["cases"], {**where, "year": year}).fetchone()
    n = int(row[0])
    codes, place = texts(split(row[1], n))
    groups, group = texts(split(row[2], n))
    spot, fee, days, booked, own_pay, other_pay, drug, consumable, own_expense = (numbers(one, n) for one in row[3:])
    keep = np.array([code in registered for code in codes] or [False])[place]
    if not bool(keep.all()):
        place, group = place[keep], group[keep]
        spot, fee, days, booked, own_pay, other_pay, drug, consumable, own_expense = (
            one[keep] for one in (spot, fee, days, booked, own_pay, other_pay, drug, consumable, own_expense)
        )
    if groups and groups[0] == "":
        groups, group = groups[1:], group - 1
    spot = spot % 2 * MONTHS + spot // 2
    cell = place.astype(np.int64) * SPOTS + spot

    def added(values: Ints, only: NDArray[np.bool_] | None = None) -> Ints:
        if only is not None:
            return _cells(values[only], cell[only], len(codes))
        return _cells(values, cell, len(codes))

    def counted(only: NDArray[np.bool_] | None = None) -> Ints:
        own = cell if only is None else cell[only]
        return shaped(np.bincount(own, minlength=len(codes) * SPOTS).astype(np.int64))

    values: dict[str, Ints] = {
        "cases": counted(),
        "cost": added(fee),
        "booked": added(booked),
        "own_pay": added(own_pay),
        "other_pay": added(other_pay),
    }
    lacking: dict[str, Finding] = {}
    stayed = days >= 0
    values |= {"days": added(days, stayed), "stays": counted(stayed)}
    if not bool(stayed.any()):
        lacking |= dict.fromkeys(("days", "stays", "time_index", "timed"), _lacks("act_ipt_days", year))
    for name, part in (("drug", drug), ("consumable", consumable), ("own_expense", own_expense)):
        told = part >= 0
        values |= {name: added(part, told), f"{name}_cost": added(fee, told)}
        if not bool(told.any()):
            column = {"drug": "drug_fee", "consumable": "consumable_fee", "own_expense": "psn_ownpay"}[name]
            lacking |= dict.fromkeys((name, f"{name}_cost"), _lacks(column, year))
    values["own_expense_pay"] = added(own_pay, own_expense >= 0)
    if "own_expense" in lacking:
        lacking["own_expense_pay"] = lacking["own_expense"]

    places = {"time_index": INDEX_PLACES, "cost_index": INDEX_PLACES}
    for name, count, measure, told in (("time_index", "timed", days, stayed), ("cost_index", "costed", fee, None)):
        ratio, known = _ratios(group, len(groups), measure, told)
        values |= {name: added(ratio, known), count: counted(known)}
    if not groups:
        lacking |= dict.fromkeys(("time_index", "timed", "cost_index", "costed"), Finding("lacking_groups", "note"))

    weights, weight_places, found, kinds = _weighed(version, groups, group, days)
    places["weight"] = weight_places
    values |= {"weight": added(weights, found), "grouped": counted(found), "ungrouped": counted(~found)}
    values |= {name: counted(only) for name, only in kinds.items()}
    if not version.name:
        why = version.findings[0] if version.findings else Finding("catalogue_missing", "blocked")
        lacking |= dict.fromkeys(("weight", "grouped", "ungrouped", *KINDS), why)
    order = np.lexsort((fee, spot, group, place))
    detail = YearCases(
        year, codes, groups, frozen(place[order]), frozen(spot[order].astype(np.int8)), frozen(group[order]), frozen(fee[order])
    )
    return Table(codes, values, places, {}, lacking, detail)


def of_operations(
    connection: sqlite3.Connection, year: int, where: Mapping[str, object], registered: Collection[str]
) -> Table:
    """operated: cases with a main operation; surgery: those whose main one is surgery or intervention; unlisted: whose code
    no list knows; surgery_levelled and surgery_4: surgery whose level is known, and of the fourth."""
    row = connection.execute(_QUERIES["operations"], {**where, "year": year}).fetchone()
    n = int(row[0])
    codes, place = texts(split(row[1], n))
    spot, attribute, level = (numbers(one, n) for one in row[2:])
    keep = np.array([code in registered for code in codes] or [False])[place]
    cell = (place.astype(np.int64) * SPOTS + spot % 2 * MONTHS + spot // 2)[keep]
    attribute, level = attribute[keep], level[keep]
    surgery = attribute == 2
    picked: dict[str, NDArray[np.bool_]] = {
        "operated": np.ones(len(cell), bool),
        "surgery": surgery,
        "unlisted": attribute == 0,
        "surgery_levelled": surgery & (level > 0),
        "surgery_4": surgery & (level == 4),
    }
    values = {
        name: shaped(np.bincount(cell[only], minlength=len(codes) * SPOTS).astype(np.int64))
        for name, only in picked.items()
    }
    lacking: dict[str, Finding] = {}
    listed = connection.execute("SELECT EXISTS (SELECT 1 FROM operation WHERE attribute IS NOT NULL)").fetchone()[0]
    if not n:
        lacking = dict.fromkeys(picked, Finding("lacking_operations", "note", values={"year": str(year)}))
    elif not listed:
        lacking = dict.fromkeys(list(picked)[1:], Finding("lacking_attributes", "note", values={"year": str(year)}))
    elif not bool((level[surgery] > 0).any()):
        why = Finding("lacking_operation_levels", "note", values={"year": str(year)})
        lacking = dict.fromkeys(("surgery_levelled", "surgery_4"), why)
    return Table(codes, values, lacking=lacking)


def of_decisions(
    connection: sqlite3.Connection, year: int, where: Mapping[str, object], registered: Collection[str]
) -> Table:
    """special: cases that were decided on one by one, refused applications aside."""
    found = [
        line for line in connection.execute(_QUERIES["decided"], {**where, "year": year}) if line[0] in registered
    ]
    codes = tuple(sorted({code for code, _, _ in found}))
    values = np.zeros((len(codes), len(FUNDS), MONTHS), np.int64)
    for code, spot, count in found:
        values[codes.index(code), spot % 2, spot // 2] += count
    return Table(codes, {"special": frozen(values)})


def _ratios(
    group: Index, groups: int, measure: Ints, told: NDArray[np.bool_] | None
) -> tuple[Ints, NDArray[np.bool_]]:
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
) -> tuple[Ints, int, NDArray[np.bool_], dict[str, NDArray[np.bool_]]]:
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


def _cells(values: Ints, cell: Ints, institutions: int) -> Ints:
    return shaped(np.array(sums(values, cell, institutions * SPOTS), np.int64))


def shaped(cells: Ints) -> Ints:
    """[institution, fund, month] from one long row."""
    return frozen(cells.reshape(-1, len(FUNDS), MONTHS))
