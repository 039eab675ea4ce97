"""Which months of a series stand out, by one robust rule that can be said in a sentence.

The usual value of a month is the level of the twelve months around it times its season. The level is their median, which a
jump at the turn of a year or a single odd month does not bend; in the first and last six months, which have no twelve
around them, it is the robust line (repeated medians) through the nearest twelve. The season is how the same calendar month
of the other years stood to its level; it is taken out only in a series of two years or more, and only where that brings the
months clearly nearer to what is usual. A month stands out when it is farther from its usual value than LIMIT times the
usual distance (1.4826 times the median of all distances, which is the standard deviation of a bell curve), and by at least a
twentieth; where there are six months to either side, also from those before and from those after, each on its own, by half as
much, or the month before a lasting jump would stand out. Where two years differ in a calendar month so that one looks too
high and the other too low, only the farther stands out.

Nothing is guessed: a missing month stays missing, and so do zeros before the first month that has something and after
the last, for an institution that is not yet, or no longer, there is not odd; a month is not judged that has fewer than
four others around it, or where a season is taken out but no other year tells it; and a series of under a year's months is
not judged at all. Pure: numbers in, numbers out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

LIMIT = 3.5  # usual distances
LEAST = 0.05  # of the usual value: nearer than that, no month stands out
LEAST_MONTHS = 12  # with a value; under that nothing is judged
LEAST_CASES = 10  # of a month, where its figure is a mean or a share
HALF = 6  # months to either side that make the level
FEW = 4  # other months that tell a level
CLEARLY = 0.8  # how far months are with the season taken out, of how far without, to be worth it
_NORMAL = 1.4826
_TURNS = 2  # level and season by turns, after a first of each

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Standout:
    """One month, YYYYMM. usual: what would have been usual; distance: in usual distances; sign: 1 above, -1 below."""

    month: int
    value: float
    usual: float
    distance: float
    sign: int


@dataclass(frozen=True)
class Judged:
    """A series held against what is usual in it.

    why: "" where it was judged, else `short` (under a year of months) or `sparse` (mostly zero): `standouts.why.*`.
    usual: by month as given, nan where a month could not be judged. spread: the usual distance, a part of the usual value
    (`relative`), else in the series' own unit. season: twelve factors from January on, none where no season was taken out.
    standouts: in order of time.
    """

    months: tuple[int, ...]
    why: str
    usual: Floats
    spread: float
    relative: bool
    season: tuple[float, ...]
    standouts: tuple[Standout, ...]

    @property
    def seasonal(self) -> str:
        """What became of the season, a key of `standouts.season.*`: taken, none or short."""
        if self.season:
            return "taken"
        return "none" if len(self.months) >= 24 else "short"


def standouts(months: Sequence[int], values: ArrayLike, *, cases: ArrayLike | None = None) -> list[Standout]:
    """See `judge`."""
    return list(judge(months, values, cases=cases).standouts)


def season(months: Sequence[int], values: ArrayLike) -> tuple[float, ...]:
    """Twelve factors from January on, how each calendar month stands to the level around it; () where none was found."""
    return judge(months, values).season


def judge(months: Sequence[int], values: ArrayLike, *, cases: ArrayLike | None = None) -> Judged:
    """months: YYYYMM, each once, in any order. values: one a month, nan where there is none.

    cases: for means and shares, by month; a month of fewer than LEAST_CASES is taken as missing.
    """
    own = np.array(values, dtype=np.float64)
    if len(own) != len(months) or len(set(months)) != len(months):
        raise AssertionError("a value for each month")
    if cases is not None:
        own[np.asarray(cases) < LEAST_CASES] = np.nan
    number = np.array([month // 100 * 12 + month % 100 - 1 for month in months], np.int64)
    own = _taking_part(own, number)
    given = np.isfinite(own)
    missing = np.full(len(own), np.nan)
    if int(given.sum()) < LEAST_MONTHS:
        return Judged(tuple(months), "short", missing, 0.0, True, (), ())
    if not float(np.median(np.abs(own[given]))):
        # More zeros than not: any other value would stand out.
        why = "" if not own[given].any() else "sparse"
        usual = np.where(given, 0.0, np.nan) if not why else missing
        return Judged(tuple(months), why, usual, 0.0, False, (), ())
    first = int(number.min()) // 12 * 12
    line = np.full(-(-(int(number.max()) + 1 - first) // 12) * 12, np.nan)
    line[number - first] = np.where(given, own, np.nan)
    fit = _fit(line)
    usual = np.where(given, fit.usual[number - first], np.nan)
    found = _standing_out(line, fit, first)
    return Judged(tuple(months), "", usual, fit.spread, fit.relative, fit.season, found)


def _taking_part(own: Floats, number: NDArray[np.int64]) -> Floats:
    """Without the zeros before the first month that has something and after the last: there was nothing to judge yet."""
    some = number[np.isfinite(own) & (own != 0)]
    if not len(some):
        return own
    outside = (own == 0) & ((number < some.min()) | (number > some.max()))
    return np.where(outside, np.nan, own)


@np.errstate(over="ignore", invalid="ignore")
def _standing_out(line: Floats, fit: _Fit, first: int) -> tuple[Standout, ...]:
    # Of a spread of next to nothing what lies off it is as far as a float can say.
    distance = np.nan_to_num(np.where(np.isfinite(fit.away), fit.away, 0.0) / fit.spread)
    unit = fit.spread * (fit.usual if fit.relative else 1.0)
    factor = fit.factor if fit.factor is not None else np.ones(len(line))
    # What comes out of the rounding of floats is not farther than the limit.
    beyond = np.abs(distance) > LIMIT * (1 + 1e-9)
    for side in _beside(line / factor):
        beyond &= ~(side * factor / unit * np.sign(distance) < LIMIT / 2)
    far = np.flatnonzero(beyond)
    out: list[Standout] = []
    for at in far.tolist():
        twins = distance[[other for other in far.tolist() if other % 12 == at % 12]]
        if fit.season and bool((-twins * np.sign(distance[at]) > abs(distance[at])).any()):
            continue
        month = (first + at) // 12 * 100 + (first + at) % 12 + 1
        away = float(distance[at])
        out.append(Standout(month, float(line[at]), float(fit.usual[at]), abs(away), 1 if away > 0 else -1))
    return tuple(out)


# -- what is usual ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Fit:
    """usual and away by month; away is the distance from usual, a part of it where relative."""

    usual: Floats
    away: Floats
    spread: float
    relative: bool
    season: tuple[float, ...] = ()
    factor: Floats | None = None


def _fit(line: Floats) -> _Fit:
    """line: whole years of months, nan where missing."""
    level = _level(line)
    if bool((level <= 0).any()):
        away = line - level
        return _Fit(level, away, max(_spread(away), LEAST / LIMIT * float(np.nanmedian(np.abs(line)))), False)
    away = line / level - 1
    plain = _Fit(level, away, max(_spread(away), LEAST / LIMIT), True)
    without = _by_month(away)
    if len(line) < 24 or without < LEAST / LIMIT:
        return plain
    found = _seasonal(line)
    return found[0] if found is not None and found[1] < CLEARLY * without else plain


def _seasonal(line: Floats) -> tuple[_Fit, float] | None:
    """The fit with the season taken out, and how far months then are `_by_month`; None where no season can be told."""
    level = _level(line, flat=True)
    factor, against = _factors(line / level)
    for _ in range(_TURNS):
        if not bool((factor[np.isfinite(factor)] > 0).all()):
            return None
        level = _level(line / factor)
        if bool((level <= 0).any()):
            return None
        factor, against = _factors(line / level)
    if not bool((factor[np.isfinite(factor)] > 0).all()):
        return None
    away = line / (level * against) - 1
    if int(np.isfinite(away).sum()) < LEAST_MONTHS:
        return None
    usual = level * factor
    middle = _median((line / level).reshape(-1, 12).T)
    season = tuple(np.where(np.isnan(middle), 1.0, middle).tolist())
    return _Fit(usual, line / usual - 1, max(_spread(away), LEAST / LIMIT), True, season, factor), _by_month(away)


def _by_month(away: Floats) -> float:
    """How far months are from usual: of each calendar month the middle year, and their mean, so that one month counts
    in which every year is low."""
    middle = _median(np.abs(away).reshape(-1, 12).T)
    known = middle[np.isfinite(middle)]
    return float(known.mean()) if len(known) else 0.0


def _factors(ratio: Floats) -> tuple[Floats, Floats]:
    """The season of each month, nan where no other year tells it; and the same without regard to the month itself.

    Of three other years or more the median. Of two, what both have in common: the one nearer to 1, and 1 where one is
    above and the other below. Of one, what the month itself and the other have in common.
    """
    years = ratio.reshape(-1, 12)
    n = len(years)
    others = np.stack([np.delete(years, y, axis=0) for y in range(n)]).transpose(0, 2, 1)  # [year, month, other]
    count = np.isfinite(others).sum(axis=2)
    one = np.ones((n, 12, 1))
    middle = _median(others)
    common = _median(np.concatenate([others, one], axis=2))
    own = _median(np.concatenate([others, one, years[:, :, None]], axis=2))
    factor = np.select([count >= 3, count == 2, count == 1], [middle, common, own], np.nan)
    against = np.select([count >= 3, count == 2, count == 1], [middle, common, middle], np.nan)
    return factor.ravel(), np.where(against > 0, against, np.nan).ravel()


def _level(line: Floats, *, flat: bool = False) -> Floats:
    """By month, of the nearest twelve others: their median, in the first and last six their line unless `flat`; nan
    where fewer than FEW are there."""
    n = len(line)
    around, x = _around(line)
    level = _median(around)
    if not flat:
        edge = np.r_[0:HALF, n - HALF : n]
        level[edge] = _at_line(around[edge], x[edge].astype(np.float64))
    return np.where(np.isfinite(around).sum(axis=1) < FEW, np.nan, level)


def _around(line: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """[month, the nearest thirteen] without itself, and how many months before or after each is."""
    n = len(line)
    start = np.clip(np.arange(n) - HALF, 0, max(0, n - 2 * HALF - 1))
    at = start[:, None] + np.arange(min(2 * HALF + 1, n))
    x = at - np.arange(n)[:, None]
    return np.where(x == 0, np.nan, line[at]), x


def _beside(line: Floats) -> tuple[Floats, Floats]:
    """By month, how far it is from the median of those before and of those after; nan in the first and last six."""
    around, x = _around(line)
    inner = np.zeros(len(line), bool)
    inner[HALF : len(line) - HALF] = True
    sides = (_median(np.where(side & inner[:, None], around, np.nan)) for side in (x < 0, x > 0))
    before, after = (line - side for side in sides)
    return before, after


def _at_line(values: Floats, x: Floats) -> Floats:
    """The repeated-median line of each row at x = 0."""
    run = x[:, None, :] - x[:, :, None]
    run[:, np.arange(x.shape[1]), np.arange(x.shape[1])] = np.nan
    slope = _median(_median((values[:, None, :] - values[:, :, None]) / run))
    return _median(values - slope[:, None] * x)


def _spread(away: Floats) -> float:
    known = np.abs(away[np.isfinite(away)])
    return _NORMAL * float(np.median(known)) if len(known) else 0.0


def _median(rows: Floats) -> Floats:
    """The median along the last axis of what is there, nan where nothing is."""
    ordered = np.sort(rows, axis=-1)  # nan last
    count = np.isfinite(rows).sum(axis=-1)
    low = np.maximum(count - 1, 0) // 2
    high = np.minimum(count // 2, rows.shape[-1] - 1)
    both = [np.take_along_axis(ordered, at[..., None], axis=-1)[..., 0] for at in (low, high)]
    return np.where(count > 0, (both[0] + both[1]) / 2, np.nan)
