"""Regions of two years for the tests of attribution, and the same model a second way: plain loops over exact fractions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from itertools import permutations
from pathlib import Path

from core.analysis import attribution
from core.settlement import annual, gather
from tests.settlement.region import Region

YEARS = (2023, 2024)
CODES = ("H1", "H2", "H3")
# Two diagnoses: K35 has a plain and a dear group, J18 one.
GROUPS = {"K35.3:p": "K35.3", "K35.8:d": "K35.8", "J18.9:g": "J18.9"}


@dataclass
class Year:
    """Facts of one year, both funds alike: cases by institution and group, fees in yuan."""

    scores: dict[str, str]
    k: dict[str, str]
    cases: dict[tuple[str, str], int]
    fee: int = 10_000
    own_share: int = 40
    budget: str = "1000000.00"
    outside: str = "100000.00"
    fees: dict[tuple[str, str], list[int]] = field(default_factory=dict[tuple[str, str], list[int]])


def made(path: Path, before: Year, after: Year, *, budget: bool = True, funds: Sequence[str] = ("employee",),
         later: Sequence[str] = ()) -> Region:  # fmt: skip
    """A workspace with both years; without budget the earlier year cannot be cleared. later: funds of the second year, where
    they are others."""
    annual.forget()
    gather.forget()
    attribution.forget()
    region = Region(path)
    region.institutions(*((code, f"{code}医院", 5) for code in CODES))
    parts: list[tuple[str, str, str, str, str]] = []
    for number, year in zip(YEARS, (before, after), strict=True):
        region.groups(
            *(
                {"dip_code": code, "score": score, "diag_code": code.partition(":")[0], "attribute": "conservative"}
                for code, score in year.scores.items()
            ),
            version=f"v{number}", year=number,
        )  # fmt: skip
        parts += [(code, "all", "base", f"{number}-01-01", k) for code, k in year.k.items()]
        if budget or number != YEARS[0]:
            region.budget(
                *(
                    (fund, item, amount)
                    for fund in (number == YEARS[1] and later) or funds
                    for item, amount in (("dip_budget", year.budget), ("outside_card", year.outside), ("outside_manual", "0"))
                ),
                year=number,
            )  # fmt: skip
    region.coefficients(*parts)
    rows: list[dict[str, object]] = []
    for number, year in zip(YEARS, (before, after), strict=True):
        for fund in (number == YEARS[1] and later) or funds:
            for (code, group), n in year.cases.items():
                fees = year.fees.get((code, group), [])
                for i in range(n):
                    fee = fees[i] if i < len(fees) else year.fee
                    rows.append({
                        "setl_id": f"{number}{fund[:1]}{code}{group}{i:04d}", "institution": code, "fee": f"{fee}.00",
                        "group": group, "fund": fund, "day": f"{number}-03-05",
                        "booked": f"{fee * (100 - year.own_share) // 100}.00",
                    })  # fmt: skip
    region.cases(*rows)
    return region


# -- a second way ------------------------------------------------------------------------------------------------

Cell = tuple[Fraction, Fraction, Fraction, Fraction]  # cases, catalogue, coefficient, realised


def by_orders(factors: Sequence[str], value: Callable[[frozenset[str]], Fraction]) -> Mapping[str, Fraction]:
    """The mean over every order of what each factor adds in its turn."""
    totals = dict.fromkeys(factors, Fraction(0))
    value = cache(value)
    number = 0
    for order in permutations(factors):
        number += 1
        done: frozenset[str] = frozenset()
        for one in order:
            totals[one] += value(done | {one}) - value(done)
            done |= {one}
    return {one: total / number for one, total in totals.items()}


def score(cells: Mapping[tuple[str, str], tuple[Cell, Cell]], changed: frozenset[str]) -> Fraction:
    """An institution's score had only these factors changed. cells: (category, group) -> before, after."""

    def cases(category: str | None, y: int) -> Fraction:
        return sum((pair[y][0] for key, pair in cells.items() if category in (None, key[0])), Fraction(0))

    def share(part: Sequence[Fraction], whole: Sequence[Fraction], y: int) -> Fraction:
        for own in (y, 1 - y):
            if whole[own]:
                return part[own] / whole[own]
        return Fraction(0)

    whole = (cases(None, 0), cases(None, 1))
    total = Fraction(0)
    for key, pair in cells.items():
        of_category = (cases(key[0], 0), cases(key[0], 1))
        one = whole["volume" in changed] * share(of_category, whole, "mix" in changed)
        one *= share((pair[0][0], pair[1][0]), of_category, "shift" in changed)
        for at, factor in enumerate(("catalogue", "coefficient", "deviation"), 1):
            one *= pair[factor in changed][at]
        total += one
    return total
