"""The cases of one clearing as read-only arrays: what `settlement.gather` hands over and case scores are made from.

Every array has one element a case, in scope and net of refunds, in any order: nothing downstream depends on it.
Money is int64 fen. Exact decimals are `Scaled`: int64 over one power of ten.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Small = NDArray[np.int8]
Index = NDArray[np.int32]
Texts = NDArray[Any]

FUNDS = ("employee", "resident")  # a case's `fund` is an index into this

# Where a case's reference mean came from (`reference_source`).
REFERENCE_NONE, REFERENCE_GIVEN, REFERENCE_LEVEL, REFERENCE_CATALOGUE = 0, 1, 2, 3
# Special cases that reach the scores; by-item cases have left all sums before.
SPECIAL_NONE, SPECIAL_ADJUSTED = 0, 2


@dataclass(frozen=True, slots=True)
class Scaled:
    """values / 10**places, exactly."""

    values: Ints
    places: int

    def at(self, i: int) -> Fraction:
        return Fraction(int(self.values[i]), 10**self.places)


@dataclass(frozen=True, slots=True)
class CaseTable:
    """See the module. `institutions` and `groups` are sorted by code; the indices point into them.

    rw: the group's catalogue score (bed-day groups: score a day times days), 0 where ungrouped.
    group: -1 without group or without a score in the catalogue (`ungrouped` of the pack decides).
    k: the coefficient that applies to the case, primary-care and disease-level rules already done.
    u: the auxiliary factor, 1 where none fits.
    reference: reference mean fee in fen, 0 where there is none (the case is then normal).
    special: SPECIAL_ADJUSTED takes `special_score`, final.
    """

    setl_id: Texts
    institutions: tuple[str, ...]
    groups: tuple[str, ...]
    fund: Small
    institution: Index
    group: Index
    day: Ints
    fee: Ints
    booked: Ints
    own_pay: Ints
    other_pay: Ints
    rw: Scaled
    k: Scaled
    u: Scaled
    reference: Ints
    reference_source: Small
    special: Small
    special_score: Scaled

    def __len__(self) -> int:
        return len(self.fee)


@dataclass(frozen=True, slots=True)
class CaseScores:
    """What the pack's branches made of a `CaseTable`, in the same order.

    score: rounded to the pack's `case.places`, or None with `exact` filled where the pack does not round.
    branch: index into the pack's branches; -1 adjusted special case, -2 ungrouped.
    review: 1 where the pack marks the case for review.
    measures: per-case figures the pack asks for beside the score, rounded as it says.
    """

    score: Scaled | None
    exact: tuple[Fraction, ...] | None
    branch: Small
    review: Small
    measures: dict[str, Scaled]
