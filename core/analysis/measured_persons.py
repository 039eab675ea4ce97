"""Who came back: stays of the same person followed through all years and institutions.

A discharge is followed by a readmission within N days when the person has a later stay, anywhere, that began on the day
of discharge or up to N days after it. It counts for the institution that discharged. A case without person number or
day of admission takes no part, nor does one whose N days run beyond the last day of the records: nobody can know.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.analysis import counted
from core.analysis.measured_rows import SPOT, SPOTS, Table, shaped
from core.findings import Finding
from core.progress import Progress, step
from core.rules.cases import Index, Ints, Texts
from core.settlement.arrivals import frozen

WINDOWS = (14, 30)
_DAY = "coalesce(CAST(julianday({}) - 2440587.5 AS INTEGER), -1)"  # since 1970; a time of day is cut off
_STAY = {
    "person": "coalesce(person, '')",
    "admitted": _DAY.format("adm_time"),
    "left": _DAY.format("dscg_time"),
    "spot": SPOT,
    "fee": "fee",
    "case_id": "case_id",
}
_YEARS = 100
_LONG = 10**6  # beyond any span of days


@dataclass(frozen=True)
class YearPersons:
    """Cases with a person number. person: the same index means the same person in every year."""

    year: int
    institutions: tuple[str, ...]
    institution: Index
    spot: NDArray[np.int8]
    person: Index
    case_id: Ints


@dataclass(frozen=True)
class Followed:
    """What readmissions of a year stand on: case ids of discharges by window that can be followed, and of those followed."""

    persons: YearPersons
    open: Mapping[int, Ints]
    back: Mapping[int, Ints]


def read(
    connection: sqlite3.Connection,
    years: Sequence[int],
    where: Mapping[str, object],
    registered: Collection[str],
    progress: Progress,
) -> dict[int, Table]:
    """readmitted_N over followed_N by discharging institution, `persons` case by case, and all `cases`; all years together."""
    read: list[counted.Counted] = []
    numbered: list[Ints] = []
    people: list[Texts] = []  # the different ones of each year: the texts of all its cases go at once
    for done, year in enumerate(years):
        step(progress, "trend_persons", done, len(years))
        found = counted.read(connection, year, where, registered, _STAY, ["person"])
        numbered.append(_numbered(found.texts["person"], people))
        read.append(replace(found, texts={}))
        del found
    step(progress, "trend_persons", len(years), len(years))
    codes = tuple(sorted({code for one in read for code in one.codes}))
    at_code = {code: i for i, code in enumerate(codes)}
    place = _joined(np.array([at_code[code] for code in one.codes] or [0], np.int32)[one.place] for one in read)
    admitted, left, spot, fee, case_id = (_joined(one.numbers[name] for one in read) for name in _STAY if name != "person")
    of_year = np.repeat(np.array(years, np.int64), [len(one.place) for one in read])
    del read
    person, everybody = _joined(numbered), np.concatenate(people or [np.empty(0, object)])
    unknown = (everybody == "")[person] if len(person) else np.empty(0, bool)
    if len(person):
        person = pd.factorize(everybody)[0].astype(np.int64)[person]
    del people, everybody
    followable = ~unknown & (admitted >= 0) & (left >= 0)
    last = int(left.max(initial=-1))

    at = np.flatnonzero(followable)
    # Person and admission, then what tells stays of the same days apart, whatever order the rows came in.
    apart = ((left[at] * max(1, len(codes)) + place[at]) * SPOTS + spot[at]) * _YEARS + of_year[at] % _YEARS
    order = at[np.lexsort((fee[at], apart, person[at] * _LONG + admitted[at]))]
    who, came, went = person[order].astype(np.int64), admitted[order], left[order]
    key = who * _LONG + came
    following = np.maximum(np.searchsorted(key, who * _LONG + went, side="left"), np.arange(len(order)) + 1)
    beyond = following >= len(order)
    following = np.where(beyond, 0, following)
    gap = np.where(beyond | (who[following] != who) if len(order) else False, _LONG, came[following] - went if len(order) else 0)

    tables: dict[int, Table] = {}
    for year in years:
        mine = of_year == year
        cell = place.astype(np.int64) * SPOTS + spot
        values: dict[str, Ints] = {}
        open_: dict[int, Ints] = {}
        back: dict[int, Ints] = {}
        for window in WINDOWS:
            whole = (of_year[order] == year) & (went + window <= last)
            own, again = order[whole], order[whole & (gap <= window)]
            values[f"followed_{window}"] = shaped(np.bincount(cell[own], minlength=len(codes) * SPOTS).astype(np.int64))
            values[f"readmitted_{window}"] = shaped(np.bincount(cell[again], minlength=len(codes) * SPOTS).astype(np.int64))
            open_[window], back[window] = frozen(case_id[own]), frozen(case_id[again])
        here = ~unknown & mine
        told = YearPersons(
            year,
            codes,
            frozen(place[here]),
            frozen(spot[here].astype(np.int8)),
            frozen(person[here].astype(np.int32)),
            frozen(case_id[here]),
        )
        lacking: dict[str, Finding] = {}
        said = {"year": str(year)}
        if not bool(here.any()):
            lacking = dict.fromkeys((*values, "persons"), Finding("lacking_persons", "note", values=said))
        elif not bool((followable & mine).any()):
            lacking = dict.fromkeys(values, Finding("lacking_admissions", "note", values=said))
        values["cases"] = shaped(np.bincount(cell[mine], minlength=len(codes) * SPOTS).astype(np.int64))
        values["persons"] = shaped(np.bincount(cell[here], minlength=len(codes) * SPOTS).astype(np.int64))
        tables[year] = Table(codes, values, lacking=lacking, detail=Followed(told, open_, back))
    return tables


def _numbered(listed: Texts, seen: list[Texts]) -> Ints:
    """Of each text its place among all that were seen, this year's different ones put behind those of the years before."""
    behind = sum(map(len, seen))
    index, found = pd.factorize(listed) if len(listed) else (np.empty(0, np.int64), listed)
    seen.append(np.asarray(found, object))
    return index.astype(np.int64) + behind


def _joined(pieces: Iterable[NDArray[Any]]) -> NDArray[Any]:
    return np.concatenate([np.empty(0, np.int64), *pieces])
