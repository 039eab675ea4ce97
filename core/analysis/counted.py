"""The cases of a year that count, read as columns: net of refunds, in scope, of the region's patients, registered institutions.

What every figure of the analysis is read by, so that all of them stand on the same cases.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.rules.cases import Index, Ints, Texts
from core.settlement.arrivals import columns_of, home_of

# Parameters: year, and those of `bounds`. Unregistered institutions are left out by `among`.
COUNTS = """cases.year = :year AND netting = 0 AND scope = 0
    AND NOT coalesce(:home <> '' AND insu_admdvs <> '' AND (insu_admdvs < :home OR insu_admdvs >= :beyond), 0)"""
# The group that the case's own row states, else the platform's result; a failed grouping states none.
STATED = """coalesce(nullif(dip_dise_grp_code, ''), (SELECT dip_dise_grp_code FROM case_group AS g
    WHERE g.setl_id = cases.setl_id AND coalesce(g.grp_stas, 1) <> 0), '')"""
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Counted:
    """One element a case. place: into `codes`, which are sorted. numbers, texts: the columns that were asked for, by name."""

    codes: tuple[str, ...]
    place: Index
    numbers: Mapping[str, Ints]
    texts: Mapping[str, Texts]


def bounds(region: str, province: bool = False) -> dict[str, object]:
    """The parameters of a query that keep patients of the region, or of its province; all where it is unknown."""
    home, beyond = home_of(region, province)
    return {"home": home, "beyond": beyond}


def read(
    connection: sqlite3.Connection,
    year: int,
    where: Mapping[str, object],
    registered: Collection[str],
    select: Mapping[str, str],
    texts: Collection[str] = (),
    source: str = f"FROM cases WHERE {COUNTS}",
) -> Counted:
    """select: an expression for each column, without NULL; texts: those that are no whole numbers. where: of `bounds`.
    source: from FROM on, by COUNTS."""
    of = {**where, "year": year}
    asked = {"institution": "fixmedins_code", **select}
    _, told = columns_of(connection, asked, {"institution", *texts}, source, of)
    codes, place, keep = among(registered, *listed(np.array(told.pop("institution"), object)))
    words = {name: np.array(told.pop(name), object) for name in texts}
    if not bool(keep.all()):
        told = {name: one[keep] for name, one in told.items()}
        words = {name: one[keep] for name, one in words.items()}
    return Counted(codes, place, told, words)


def listed(found: Texts) -> tuple[tuple[str, ...], Index]:
    """The different texts in order, and of each row the index of its own."""
    if not len(found):
        return (), np.empty(0, np.int32)
    index, different = pd.factorize(found)
    order = sorted(range(len(different)), key=lambda i: str(different[i]))
    place = np.empty(len(different), np.int32)
    place[order] = np.arange(len(different), dtype=np.int32)
    return tuple(str(different[i]) for i in order), place[index]


def among(registered: Collection[str], codes: Sequence[str], place: Index) -> tuple[tuple[str, ...], Index, Mask]:
    """Only the registered institutions, the places of their cases among them, and which cases these are."""
    known = np.array([code in registered for code in codes] or [False])
    keep = known[place]
    return tuple(code for code in codes if code in registered), (np.cumsum(known) - 1).astype(np.int32)[place[keep]], keep


def stated(groups: Texts) -> tuple[tuple[str, ...], Index]:
    """The groups of a column read by STATED, and each case's place among them, -1 where none is stated."""
    codes, index = listed(groups)
    return (codes[1:], index - 1) if codes and codes[0] == "" else (codes, index)
