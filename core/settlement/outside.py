"""Inpatient cases that the fund pays otherwise than by DIP, and what became of every row of the year's file.

By payment method (hi_paymtd of the settlement interface): by item; by bed-day; by quota, to which single diseases at a fixed
price and payment by visit belong (Zibo pays dialysis and single diseases so); DRG and whatever else as other methods. They
are paid what was booked, out of the budget's items for other payment methods and never out of the DIP fund; cases that were
in DIP and are paid by item by decision are another line (`by_item`), which comes off the DIP fund.

Each row of the file has exactly one line, so that the lines' counts add up to the file: a refund is never anything else;
then patients insured elsewhere; then what is no inpatient stay; then the method; then who is not registered.
Decision where the specification is silent: a row of another method whose clr_type is outpatient or pharmacy is no stay.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from core.rules.cases import FUNDS, Index, Ints, Small
from core.settlement.exact import sums

METHODS = ("item", "bed_day", "quota", "other_method")
LINES = ("dip", "netted", "away", "not_inpatient", "unregistered", *METHODS)
CONTROLLED = ("netted", "away", "not_inpatient", "unregistered")
# hi_paymtd (1..9) to the line: 1 item, 2 single disease, 4 DRG, 5 bed-day, 6 visit, 7 quota, 9 other.
_OF_METHOD = {1: "item", 2: "quota", 5: "bed_day", 6: "quota", 7: "quota"}
_NO_STAY = 15
# The method of a row that its own row puts out of scope by it, 15 where it is no stay, as SQL.
METHOD_SQL = (
    "CASE scope WHEN 2 THEN CASE WHEN coalesce(med_type, 21) NOT IN (21, 22, 24, 52, 92) OR clr_type IN (11, 41)"
    f" THEN {_NO_STAY} WHEN hi_paymtd BETWEEN 1 AND 9 THEN hi_paymtd ELSE 9 END ELSE 0 END"
)
_LINE_OF = np.array(
    [LINES.index(_OF_METHOD.get(method, "other_method")) for method in range(_NO_STAY)] + [LINES.index("not_inpatient")],
    np.int8,
)


@dataclass(frozen=True, slots=True)
class Tally:
    """rows: of each fund, by line. paid: fund, institution, method -> cases and fen booked."""

    rows: Mapping[str, Mapping[str, int]]
    paid: Mapping[tuple[str, str, str], tuple[int, int]]


def lines(
    netted: NDArray[np.bool_], away: NDArray[np.bool_], scope: Ints, method: Ints, stray: NDArray[np.bool_]
) -> Small:
    """Each row's index into LINES. scope, method: as the row says; stray: of an institution that is not registered."""
    at = {name: number for number, name in enumerate(LINES)}
    return np.select(
        [netted, away, scope == 2, scope != 0, stray],
        [at["netted"], at["away"], _LINE_OF[method], at["not_inpatient"], at["unregistered"]],
        at["dip"],
    ).astype(np.int8)


def tally(fund: Ints, institution: Index, codes: Sequence[str], line: Small, booked: Ints) -> Tally:
    """fund: 1 employee, 2 resident, 0 neither, whose rows are in no fund's file."""
    counts = np.bincount(fund * len(LINES) + line, minlength=(len(FUNDS) + 1) * len(LINES)).tolist()
    rows = {
        name: {one: counts[(number + 1) * len(LINES) + i] for i, one in enumerate(LINES)}
        for number, name in enumerate(FUNDS)
    }
    first = LINES.index(METHODS[0])
    at = np.flatnonzero((line >= first) & (fund > 0))
    spots = len(FUNDS) * len(codes) * len(METHODS)
    spot = ((fund[at] - 1) * len(codes) + institution[at]) * len(METHODS) + line[at] - first
    cases, fen = np.bincount(spot, minlength=spots), sums(booked[at], spot, spots)
    paid: dict[tuple[str, str, str], tuple[int, int]] = {}
    for i in np.flatnonzero(cases).tolist():
        place, method = divmod(i, len(METHODS))
        number, code = divmod(place, len(codes))
        paid[FUNDS[number], codes[code], METHODS[method]] = (int(cases[i]), fen[i])
    return Tally(rows, paid)


def of_institutions(found: Tally, fund: str, codes: Sequence[str]) -> dict[str, tuple[Fraction, ...]]:
    """The institutions' inputs by method: cases, yuan."""
    values: dict[str, tuple[Fraction, ...]] = {}
    for method in METHODS:
        own = [found.paid.get((fund, code, method), (0, 0)) for code in codes]
        values[f"{method}_cases"] = tuple(Fraction(cases) for cases, _ in own)
        values[f"{method}_paid"] = tuple(Fraction(fen, 100) for _, fen in own)
    return values


def of_region(found: Tally, fund: str, codes: Sequence[str]) -> dict[str, Fraction]:
    """The region's: rows by line, and what is paid outside DIP to institutions that have no row on the sheet."""
    rows, listed = found.rows[fund], frozenset(codes)
    away = [own for (of, code, _), own in found.paid.items() if of == fund and code not in listed]
    return {
        "file_rows": Fraction(sum(rows.values())),
        **{f"{name}_rows": Fraction(rows[name]) for name in CONTROLLED},
        "unlisted_cases": Fraction(sum(cases for cases, _ in away)),
        "unlisted_paid": Fraction(sum(fen for _, fen in away), 100),
    }


def condition(step: str, away: str) -> str:
    """Which rows of `cases` that are of the year and fund a step counts, as SQL. away: 1 for patients insured elsewhere.

    What is paid to institutions without a row on the sheet is every method's, of all institutions.
    """
    name = step.removesuffix("_rows").removesuffix("_cases").removesuffix("_paid")
    here = f"netting = 0 AND NOT {away}"
    stands = {
        "file": "1",
        "netted": "netting <> 0",
        "away": f"netting = 0 AND {away}",
        "not_inpatient": f"{here} AND (scope = 3 OR {METHOD_SQL} = {_NO_STAY})",
        "unregistered": f"{here} AND scope = 0 AND fixmedins_code NOT IN (SELECT fixmedins_code FROM institution)",
        "unlisted": f"{here} AND scope = 2 AND {METHOD_SQL} <> {_NO_STAY}",
    }
    asked = [str(method) for method in range(1, 10) if _OF_METHOD.get(method, "other_method") == name]
    return stands[name] if name in stands else f"{here} AND scope = 2 AND {METHOD_SQL} IN ({', '.join(asked)})"
