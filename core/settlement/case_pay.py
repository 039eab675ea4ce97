"""What the bureau pays for each case, against the score times the point value here: every difference split over causes.

What the list's amount means is not said in it. It is read from the list itself: of a few readings (the price of the score,
less what the patient paid, less other funds too, times a fund ratio) the one that most of its amounts follow, with the
scores and the point value that the bureau itself states. Where no amount follows any, nothing is compared.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.money import round_ratios
from core.rules.cases import FUNDS, Ints, Scaled
from core.settlement.annual import Scored
from core.settlement.bridge import Bridge
from core.settlement.case_split import Found
from core.settlement.causes import CASE_CAUSES, CAUSES, DEDUCTION, POINT_VALUE, ROUNDING, UNEXPLAINED
from core.settlement.official import OfficialCases

SAMPLE = 2_000  # amounts that the reading is chosen by
_ROOM = 2**62
Numbers = NDArray[Any]  # int64, or Python's integers where 64 bits are not proven to hold


class Reading(NamedTuple):
    """A meaning of an amount. ratio: which fund ratio the price is times; less: the payments that it is without."""

    id: str
    ratio: str = ""
    less: tuple[str, ...] = ()


READINGS = (
    Reading("due", less=("own_pay", "other_pay")), Reading("less_own", less=("own_pay",)), Reading("gross"),
    Reading("pooled", "ratio"), Reading("hospital", "fund_ratio"), Reading("case", "case"),
)  # fmt: skip


@dataclass(frozen=True)
class Pays:
    """Of the cases at `where` whose amounts differ: fen here, there, and by cause; by: a key of the words for each.

    reading: what the list's amounts mean, "" where none is followed; compared: amounts compared."""

    reading: str
    compared: int
    where: Ints
    own: Ints
    official: Ints
    parts: Mapping[str, Ints]
    by: Sequence[str]

    @property
    def difference(self) -> Ints:
        return self.official - self.own


@dataclass(frozen=True)
class _Side:
    """Scores over 10**places and, of each case, the number of its price: yuan per point in the fund and institution."""

    score: Ints
    places: int
    price: Ints
    prices: Sequence[Mapping[str, Fraction]]  # by kind of ratio


def pays(
    scored: Scored,
    own: Scaled,
    listed: OfficialCases,
    found: Found | None,
    bridges: Sequence[Bridge],
) -> Pays | None:
    """None without any amount in the list, or without a point value here. own: the scores here."""
    row = np.flatnonzero((listed.at >= 0) & listed.pay.there)
    if not len(row) or any("point_value" not in one.own_region for one in bridges):
        return None
    cases = scored.inputs.cases
    places = max(own.places, listed.score.value.places, found.places if found is not None else 0)
    mine, theirs = _Prices(scored, bridges, False), _Prices(scored, bridges, True)

    def here(at: Ints) -> _Side:
        return mine.side(at, own.values[at] * 10 ** (places - own.places), places)

    def there(row: Ints) -> _Side:
        at = listed.at[row]
        stated = listed.score.value.values[row] * 10 ** (places - listed.score.value.places)
        score = np.where(listed.score.there[row], stated, own.values[at] * 10 ** (places - own.places))
        return theirs.side(at, score, places, listed, row)

    def fen(side: _Side, at: Ints, reading: Reading) -> Ints:
        return _amount(scored, side, at, reading, lambda n, d: round_ratios(n, d))

    some = row[:: max(1, len(row) // SAMPLE)]
    side, at = there(some), listed.at[some]
    hits = [int((fen(side, at, one) == listed.pay.value.values[some]).sum()) for one in READINGS]
    if not max(hits):
        none = np.zeros(0, np.int64)
        return Pays("", 0, none, none, none, {}, ())
    reading = READINGS[hits.index(max(hits))]
    compared = len(row)
    start = fen(here(listed.at[row]), listed.at[row], reading)
    differs = start != listed.pay.value.values[row]
    row, start = row[differs], start[differs]
    at, wanted = listed.at[row], listed.pay.value.values[row]
    parts: dict[str, Ints] = {}
    last = start

    def moved(cause: str, now: Ints) -> None:
        nonlocal last
        parts[cause] = parts.get(cause, np.zeros(len(row), np.int64)) + now - last
        last = now

    if found is not None and len(found.where):
        number = np.full(len(cases), -1, np.int64)
        number[found.where] = np.arange(len(found.where))
        number = number[at]
        score = own.values[at] * 10 ** (places - own.places)
        for cause in CASE_CAUSES:
            of_cause = found.parts.get(cause)
            if of_cause is not None and of_cause.any():
                score = score + np.where(number >= 0, of_cause[number], 0) * 10 ** (places - found.places)
                moved(cause, fen(mine.side(at, score, places), at, reading))
    side = there(row)
    moved(POINT_VALUE, fen(side, at, reading))
    by = np.full(len(row), "", dtype=object)
    for key, made in _DECIMALS.items():
        now = np.where((last != wanted) & (_amount(scored, side, at, reading, made) == wanted), wanted, last)
        by[now != last] = key
        moved(ROUNDING, now)
    for one in READINGS:
        now = np.where((last != wanted) & (fen(side, at, one) == wanted), wanted, last)
        by[now != last] = f"pay_{one.id}"
        moved(DEDUCTION, now)
    moved(UNEXPLAINED, wanted)
    parts = {cause: values for cause, values in parts.items() if values.any()}
    return Pays(reading.id, compared, at, start, wanted, parts, by.tolist())


class _Prices:
    """What a point is worth in each fund and institution: here, or at the end of the bridge, as the bureau has it."""

    def __init__(self, scored: Scored, bridges: Sequence[Bridge], ended: bool) -> None:
        self.cases = scored.inputs.cases
        self.bridges = {one.fund: one for one in bridges}
        self.ended = ended

    def side(
        self, at: Ints, score: Ints, places: int, listed: OfficialCases | None = None, row: Ints | None = None
    ) -> _Side:
        """listed, row: a list that states the point value of its cases."""
        cases = self.cases
        key = cases.fund[at].astype(np.int64) * len(cases.institutions) + cases.institution[at]
        stated = np.zeros(len(at), np.int64)
        worths: list[int] = []
        if listed is not None and row is not None:
            different, place = np.unique(listed.point_value.value.values[row], return_inverse=True)
            worths = different.tolist()
            stated = np.where(listed.point_value.there[row], place + 1, 0)
        keys, price = np.unique(key * (len(worths) + 1) + stated, return_inverse=True)
        prices: list[Mapping[str, Fraction]] = []
        for one in keys.tolist():
            spot, number = divmod(one, len(worths) + 1)
            fund, code = FUNDS[spot // len(cases.institutions)], cases.institutions[spot % len(cases.institutions)]
            scale = 10**listed.point_value.value.places if listed is not None else 1
            prices.append(self._of(fund, code, Fraction(worths[number - 1], scale) if number else None))
        return _Side(score, places, price.astype(np.int64), prices)

    def _of(self, fund: str, code: str, worth: Fraction | None) -> Mapping[str, Fraction]:
        bridge = self.bridges[fund]
        worth = self._region(bridge, "point_value") if worth is None else worth
        found = {"": worth, "case": worth}
        if "ratio" in bridge.own_region:
            found["ratio"] = worth * self._region(bridge, "ratio")
        if "fund_ratio" in bridge.own and code in bridge.codes:
            i = bridge.codes.index(code)
            moved = sum((bridge.part(cause, "fund_ratio", i) for cause in CAUSES if self.ended), Fraction(0))
            found["fund_ratio"] = worth * (bridge.own["fund_ratio"][i] + moved)
        return found

    def _region(self, bridge: Bridge, step: str) -> Fraction:
        moved = (own.get(step, Fraction(0)) for own in bridge.region_parts.values() if self.ended)
        return sum(moved, bridge.own_region[step])


def _amount(
    scored: Scored, side: _Side, at: Ints, reading: Reading, made: Callable[[Numbers, Numbers], Numbers]
) -> Ints:
    """Fen of each case, the least 64-bit integer where the reading has no ratio. made: from the exact ratio to whole fen."""
    nothing = np.full(len(at), np.iinfo(np.int64).min)
    prices = [one.get(reading.ratio) for one in side.prices]
    if None in prices or not len(at):
        return nothing
    cases = scored.inputs.cases
    num = np.array([one.numerator for one in prices if one is not None], dtype=object)
    den = np.array([one.denominator * 10**side.places for one in prices if one is not None], dtype=object)
    top = max(abs(int(one)) for one in num) * 200 * max(1, int(np.abs(side.score).max()))
    low = max(int(one) for one in den)
    less = sum((getattr(cases, name)[at] for name in reading.less), np.zeros(len(at), np.int64))
    by_case = reading.ratio == "case"
    wide = by_case or top + low * (1 + 2 * int(np.abs(less).max())) >= _ROOM
    kind = object if wide else np.int64
    above = num.astype(kind)[side.price] * side.score.astype(kind) * 100
    below = den.astype(kind)[side.price]
    if by_case:
        fee = cases.fee[at]
        above, below = above * np.where(fee > 0, cases.booked[at], 0), below * np.where(fee > 0, fee, 1)
    return np.asarray(made(above - less * below, below), np.int64)


def _cut(num: Numbers, den: Numbers) -> Numbers:
    """Below a fen left off."""
    return np.where(num >= 0, np.abs(num) // den, -(np.abs(num) // den))


_DECIMALS: Mapping[str, Callable[[Numbers, Numbers], Numbers]] = {
    "pay_cut": _cut,
    "pay_jiao": lambda num, den: round_ratios(num, den * 10) * 10,
    "pay_yuan": lambda num, den: round_ratios(num, den * 100) * 100,
}
