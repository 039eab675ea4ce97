"""What the bureau's own sheets say: results case by case, and figures by institution and step. Read only, exact.

A list of cases has no year of its own: a batch is of the year that it was imported for, else of the year that most of its
settlements have. A figure of the sheet stands under the step that it was imported as.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.faults import Refused
from core.findings import Finding
from core.money import decimal
from core.progress import Progress, step
from core.rules.cases import Index, Ints, Scaled, Texts
from core.settlement.exact import fits

REGION = "REGION"
STRETCH = 65_536
_SQL = (Path(__file__).parent / "official.sql").read_text(encoding="utf-8")
_OWN = (Path(__file__).parent / "official_own.sql").read_text(encoding="utf-8")
Truth = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Stated:
    """A column of decimals: `value` counts where `there`."""

    value: Scaled
    there: Truth

    def at(self, where: Ints) -> Stated:
        return Stated(Scaled(self.value.values[where], self.value.places), self.there[where])

    def of(self, i: int) -> Fraction | None:
        return self.value.at(i) if self.there[i] else None


@dataclass(frozen=True)
class OfficialCases:
    """One element a row of the list. at: its place among the cases that count here, -1 where it is none of them.

    codes, groups, deviations: texts that the indices point into, "" where the list says nothing. pay: fen.
    listed: whether the row is of a case list; a score in the case's own row is no list, and nothing is missing from it.
    """

    setl_id: Texts
    at: Ints
    codes: tuple[str, ...]
    code: Index
    groups: tuple[str, ...]
    group: Index
    deviations: tuple[str, ...]
    deviation: Index
    rw: Stated
    coefficient: Stated
    factor: Stated
    score: Stated
    point_value: Stated
    pay: Stated
    listed: Truth

    def __len__(self) -> int:
        return len(self.setl_id)


# What many cases have in common: read as one text, told apart once for each that differs.
_SHARED = ("code", "group", "rw", "coefficient", "factor", "deviation", "point_value", "batch")
_NOTHING = np.iinfo(np.int64).min


def cases(connection: sqlite3.Connection, year: int, own: Texts, progress: Progress) -> OfficialCases:
    """The list of a year. own: the settlements that count here.

    Refused("official_too_long") where a column's digits do not go together exactly in 64 bits."""
    total = connection.execute("SELECT count(*) FROM official_case").fetchone()[0]
    ids, together, scores = [list[str]() for _ in range(3)]
    pays: list[Ints] = []
    while len(ids) < total:
        _, *told = connection.execute(_SQL, (ids[-1] if ids else "", STRETCH)).fetchone()
        for texts, text in zip((ids, together, scores), told, strict=False):
            texts += text.split("\x1f")
        pays.append(np.fromstring(told[-1], np.int64, sep=","))
        step(progress, "read_official", len(ids), total)
    for setl_id, score, pay in connection.execute(_OWN, (year,)).fetchall():
        ids.append(setl_id)
        together.append("\x1e" * (len(_SHARED) - 1))
        scores.append(score)
        pays.append(np.array([_NOTHING if pay is None else pay], np.int64))
    setl_id = np.array(ids, dtype=object)
    at = np.asarray(pd.Index(own).get_indexer(pd.Index(setl_id)), np.int64) if len(ids) else np.zeros(0, np.int64)
    number, different = pd.factorize(np.array(together, dtype=object))
    parted = list(zip(*(one.split("\x1e") for one in different), strict=True)) or [()] * len(_SHARED)
    texts = dict(zip(_SHARED, parted, strict=True))
    batch = np.array([int(one or 0) for one in texts.pop("batch")], np.int64)[number]
    listed = np.arange(len(ids)) < total
    keep = np.concatenate([_of_year(connection, year, batch[listed], setl_id[listed], at[listed]), np.flatnonzero(~listed)])
    number = number[keep]
    codes, code = _coded(texts["code"])
    groups, group = _coded(texts["group"])
    deviations, deviation = _coded(texts["deviation"])
    rw, k, u, worth = (_decimals(texts[name], name).at(number) for name in ("rw", "coefficient", "factor", "point_value"))
    pay = np.concatenate(pays)[keep] if pays else np.zeros(0, np.int64)
    return OfficialCases(
        setl_id[keep], at[keep], codes, code[number], groups, group[number], deviations, deviation[number], rw, k, u,
        _decimals(scores, "score").at(keep), worth, Stated(Scaled(np.where(pay == _NOTHING, 0, pay), 0), pay != _NOTHING),
        listed[keep],
    )  # fmt: skip


def _of_year(connection: sqlite3.Connection, year: int, batch: Ints, ids: Texts, at: Ints) -> Ints:
    """Places of the rows that are of the year."""
    batches = dict(
        connection.execute("SELECT id, year FROM batch WHERE kind = 'official_cases' AND withdrawn = 0").fetchall()
    )
    keep = np.zeros(len(ids), bool)
    for number in np.unique(batch).tolist():
        of = batches.get(number)
        mine = batch == number
        if of is not None:
            if of == year:
                keep |= mine
            continue
        here = mine & (at >= 0)
        stray = np.flatnonzero(mine & (at < 0))
        other: set[str] = set()
        known = int(here.sum())
        for start in range(0, len(stray), 500):
            some = ids[stray[start : start + 500]].tolist()
            found = connection.execute(
                f"SELECT setl_id, year FROM cases WHERE sign = 1 AND setl_id IN ({','.join('?' * len(some))})", some
            ).fetchall()
            other |= {one for one, when in found if when != year}
            known += sum(when == year for _, when in found)
        keep |= here
        if known and known >= len(other):
            keep[[i for i in stray.tolist() if ids[i] not in other]] = True
    return np.flatnonzero(keep)


def _coded(values: Sequence[str]) -> tuple[tuple[str, ...], Index]:
    """Sorted texts, and each value's place among them."""
    if not len(values):
        return (), np.zeros(0, np.int32)
    place, texts = pd.factorize(np.array(values, dtype=object), sort=True)
    return tuple(str(one) for one in texts), place.astype(np.int32)


def _decimals(values: Sequence[str], name: str) -> Stated:
    """Each text is parsed once. Refused where the digits do not go together exactly in 64 bits."""
    place, different = pd.factorize(np.array(values, dtype=object))
    texts: list[str] = different.tolist()
    halves = [one.partition(".") for one in texts]  # plain decimals, as the importer writes them
    places = max((len(after.rstrip("0")) for _, _, after in halves), default=0)
    numbers = [int(before + after[:places].ljust(places, "0")) if before else 0 for before, _, after in halves]
    if not fits(list(map(Fraction, (max(numbers, default=0), min(numbers, default=0)))), 0):
        worst = max(texts, key=lambda one: (len(one.partition(".")[2]), len(one), one))
        raise Refused("official_too_long", [Finding("official_too_long", "blocked", column=name, value=worst)])
    table = np.array(numbers, np.int64)
    there = np.array([bool(one) for one in texts], bool)
    return Stated(Scaled(table[place], places), there[place])


@dataclass(frozen=True)
class OfficialSheet:
    """Of one fund: step -> figure of the region; step -> institution -> figure."""

    fund: str
    region: Mapping[str, Fraction]
    institutions: Mapping[str, Mapping[str, Fraction]]

    def __bool__(self) -> bool:
        return bool(self.region or self.institutions)

    @property
    def codes(self) -> set[str]:
        return {code for own in self.institutions.values() for code in own}


def sheet(connection: sqlite3.Connection, year: int, fund: str) -> OfficialSheet:
    """The official clearing of a fund."""
    region: dict[str, Fraction] = {}
    institutions: dict[str, dict[str, Fraction]] = {}
    for code, column, amount in connection.execute(
        "SELECT fixmedins_code, column_id, amount FROM official_clearing WHERE year = ? AND fund = ? ORDER BY 1, 2",
        (year, fund),
    ):
        if code == REGION:
            region[column] = decimal(amount)
        else:
            institutions.setdefault(column, {})[code] = decimal(amount)
    return OfficialSheet(fund, region, institutions)


def years(connection: sqlite3.Connection) -> Sequence[int]:
    """Years of which there is an official sheet or list."""
    found = connection.execute(
        "SELECT DISTINCT year FROM official_clearing UNION SELECT DISTINCT year FROM batch"
        " WHERE kind = 'official_cases' AND withdrawn = 0 AND year IS NOT NULL ORDER BY 1"
    )
    return [int(one) for (one,) in found]
