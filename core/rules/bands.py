"""The bands of the auxiliary catalogue: ages, days in intensive care, and what a platform's detail names (interfaces 2).

The one place that says how old a patient is, for auxiliary factors and for the conditions of disease groups alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.rules.cases import Ints

AGE = ("0-28d", "29d-1y", "1-6", "7-17", "66+")
ICU = ("2-7", "8-14", "15-30", "31+")
DETAIL = ("severity", "tumour", "cci")
NONE, UNKNOWN = -1, -2  # no band holds it; it cannot be told
UNSAID = -1  # of years, days, grams: the case does not say
# `type:band`, several of them separated by whatever the platform of the city uses.
_DETAIL = re.compile(r"(severity|tumour|cci)\s*[:：]\s*([^|,;，；、/\s]+)", re.IGNORECASE)
_YEAR, _IN_YEAR, _COUNT = range(3)


def dates(texts: Iterable[str]) -> Ints:
    """A row a text: year, month and day in one, a day count; zeros where the text is no date."""
    return np.array([_parts(text) for text in texts] or [(0, 0, 0)], np.int64)


def _parts(text: str) -> tuple[int, int, int]:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return 0, 0, 0
    return day.year, day.month * 100 + day.day, day.toordinal()


def ages(born: Ints, admitted: Ints, age: NDArray[Any], nwb_age: NDArray[Any]) -> tuple[Ints, Ints]:
    """Years and days of age at admission, UNSAID where the case does not tell. born, admitted: rows of `dates`.

    Years by date of birth, else as stated. Days by nwb_age, else by date of birth; platforms write nwb_age 0 for anybody, so
    that it speaks only where nothing says a year or more, and 0 of it only where there is no date of birth.
    """
    dated = (born[:, _COUNT] > 0) & (admitted[:, _COUNT] > 0) & (admitted[:, _COUNT] >= born[:, _COUNT])
    years = admitted[:, _YEAR] - born[:, _YEAR] - (admitted[:, _IN_YEAR] < born[:, _IN_YEAR])
    years = np.where(dated, years, np.maximum(age, UNSAID))
    grown = years >= 1
    days = np.where(grown, UNSAID, np.maximum(nwb_age, UNSAID))
    days = np.where(dated & (grown | (nwb_age <= 0)), admitted[:, _COUNT] - born[:, _COUNT], days)
    return years.astype(np.int64), days.astype(np.int64)


def age_bands(years: Ints, days: Ints) -> Ints:
    """Index into AGE of `ages`, NONE or UNKNOWN."""
    young = years < 1
    tests = [
        young & (days >= 0) & (days <= 28), young & (days > 28), young, years <= 6, years <= 17, years < 66,
    ]  # fmt: skip
    return np.select(tests, [0, 1, UNKNOWN, 2, 3, NONE], 4).astype(np.int64)


def icu_bands(days: NDArray[Any]) -> Ints:
    """Index into ICU of days in intensive care, or NONE."""
    return np.select([days < 2, days <= 7, days <= 14, days <= 30], [NONE, 0, 1, 2], 3).astype(np.int64)


def said_in(detail: str) -> tuple[tuple[str, str], ...]:
    """Type and band of everything that a case's auxiliary detail names."""
    return tuple((name.lower(), text) for name, text in _DETAIL.findall(detail))
