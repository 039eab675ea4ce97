"""Auxiliary factors from history: k = mean of a sub-type's cases / mean of all cases of the group, where splitting helps.

A group is looked at when it has enough cases and its CV is above the rule's; a type of sub-typing is taken when the spread
that is left within its bands is lower by the rule's share. Bands with too few cases stand with the rest and get no factor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt

import numpy as np
from numpy.typing import NDArray

from core.catalogue.entries import UNBANDED, Band, Entry
from core.catalogue.history import Detail, History
from core.catalogue.spread import CV_PLACES, cv, cv_at_most, sums
from core.faults import Usage
from core.findings import Finding
from core.money import round_ratio, rounded
from core.rules.bands import AGE, ICU, NONE, UNKNOWN, icu_bands, said_in
from core.rules.cases import Ints
from core.rules.scoring import ScoreRule


@dataclass(frozen=True, slots=True)
class Part:
    """A band with enough cases. mean: fen; factor = mean / mean of the group, rounded."""

    band: str
    cases: int
    mean: Fraction
    factor: Fraction


@dataclass(frozen=True, slots=True)
class Subtype:
    """A sub-typing that was looked at. mean: of the group, fen. within: CV left within the bands and the rest.

    why: made, no_bands (none has enough cases), small_fall.
    """

    dip_code: str
    type: str
    cases: int
    mean: Fraction
    cv: Fraction
    within: Fraction | None
    parts: tuple[Part, ...]
    why: str


def subtypes(
    rule: ScoreRule,
    past: History,
    groups: Sequence[Entry],
    pool: Ints,
    place: Ints,
    kept: NDArray[np.bool_],
    alive: set[str],
) -> tuple[tuple[Band, ...], tuple[Subtype, ...], list[Finding]]:
    """Bands of the groups in `alive`. Usage("scores_not_detailed") where the history was read without detail."""
    if past.detail is None:
        raise Usage("scores_not_detailed")
    rows = np.flatnonzero(
        kept & (past.year == len(past.years) - 1) if rule.auxiliary_years == "last" else kept
    )
    own, fee = place[rows], past.fee[rows]
    whole = sums(own, len(groups), fee)
    wanted = [
        i
        for i, entry in enumerate(groups)
        if entry.dip_code in alive
        and entry.kind not in UNBANDED
        and int(whole.count[i]) >= rule.auxiliary_least
        and not cv_at_most(int(whole.count[i]), int(whole.total[i]), whole.square(i), rule.auxiliary_cv)
    ]
    bands: list[Band] = []
    tried: list[Subtype] = []
    said: list[Finding] = []
    if not wanted:
        return (), (), said
    slot = np.full(len(groups), -1, np.int64)
    slot[wanted] = np.arange(len(wanted))
    chosen = slot[own] >= 0
    rows, fee, own = rows[chosen], fee[chosen], slot[own[chosen]]
    for kind in rule.auxiliary:
        names, band = _bands(past.detail, kind, rows, said)
        if not names:
            continue
        width = len(names) + 1  # the last: no band
        split = sums(own * width + np.where(band < 0, len(names), band), len(wanted) * width, fee)
        for at, i in enumerate(wanted):
            cells = range(at * width, at * width + len(names))
            if not any(int(split.count[cell]) for cell in cells):
                continue
            count, total, square = int(whole.count[i]), int(whole.total[i]), whole.square(i)
            wide = [cell for cell in cells if int(split.count[cell]) >= rule.auxiliary_band_least]
            parts = [(int(split.count[cell]), int(split.total[cell]), split.square(cell)) for cell in wide]
            rest = tuple(a - sum(part[j] for part in parts) for j, a in enumerate((count, total, square)))
            mean = Fraction(total, count)
            spread = cv(count, total, square) or Fraction(0)
            # Sums of squared distances: around the bands' own means, and around the group's.
            inside = sum((square_ - Fraction(total_**2, n) for n, total_, square_ in (*parts, rest) if n), Fraction(0))
            around = square - Fraction(total * total, count)
            fall = rule.auxiliary_icu_fall if kind == "icu_days" else rule.auxiliary_fall
            shown = tuple(
                Part(names[cell - at * width], n, Fraction(t, n), rounded(Fraction(t, n) / mean, rule.auxiliary_places))
                for cell, (n, t, _) in zip(wide, parts, strict=True)
            )
            falls = bool(parts) and inside <= (1 - fall) ** 2 * around
            why = "made" if falls else "small_fall" if parts else "no_bands"
            code = groups[i].dip_code
            tried.append(
                Subtype(code, kind, count, mean, spread, _cv_within(inside, count, total), shown, why)
            )
            if falls:
                bands += [
                    Band(code, kind, part.band, part.factor, round_ratio(part.mean.numerator, part.mean.denominator))
                    for part in shown
                    if part.factor > 0
                ]
    order = (lambda one: (one.dip_code, one.type))  # noqa: E731
    return (
        tuple(sorted(bands, key=lambda one: (one.dip_code, one.type, one.band))),
        tuple(sorted(tried, key=order)),
        said,
    )


def _cv_within(inside: Fraction, count: int, total: int) -> Fraction:
    """Root of the mean squared distance within the bands over the group's mean, to CV_PLACES."""
    scale: int = 10**CV_PLACES
    under = 4 * scale * scale * inside * count
    root = isqrt(under.numerator // under.denominator)
    return Fraction((root + total) // (2 * total), scale)


def _bands(
    detail: Detail, kind: str, rows: Ints, said: list[Finding]
) -> tuple[tuple[str, ...], Ints]:
    """The names of the bands and each row's band, -1 for none."""
    if kind == "age":
        age = detail.age[rows].astype(np.int64)
        unknown = int((age == UNKNOWN).sum())
        if unknown:
            said.append(Finding("score_age_unknown", "warning", value=str(unknown)))
        return AGE, np.maximum(age, NONE)
    if kind == "icu_days":
        return ICU, icu_bands(detail.icu[rows])
    of_list = [next((band for name, band in said_in(text) if name == kind), "") for text in detail.lists]
    names = sorted({band for band in of_list if band})
    table = np.array([names.index(band) if band else -1 for band in of_list] or [-1], np.int64)
    return tuple(names), table[detail.listed[rows]]
