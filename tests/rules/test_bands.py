"""How old a patient is, against a plain reading one case at a time; and a grown-up whose platform writes nwb_age 0."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core.rules.bands import AGE, NONE, UNKNOWN, UNSAID, age_bands, ages, dates, icu_bands, said_in

DAYS = st.one_of(st.just(""), st.dates(date(1920, 1, 1), date(2024, 12, 31)).map(str), st.just("2024-13-01"))


def slow(born: str, admitted: str, age: int, newborn: int) -> tuple[int, int]:
    try:
        b, a = date.fromisoformat(born), date.fromisoformat(admitted)
    except ValueError:
        b = a = None
    if b is None or a is None or a < b:
        if age >= 1:
            return age, UNSAID
        return max(age, UNSAID), max(newborn, UNSAID)
    years = a.year - b.year - ((a.month, a.day) < (b.month, b.day))
    if years >= 1 or newborn <= 0:
        return years, (a - b).days
    return years, newborn


def band(years: int, days: int) -> str | int:
    if years >= 66:
        return "66+"
    for low, high, name in ((1, 6, "1-6"), (7, 17, "7-17")):
        if low <= years <= high:
            return name
    if years >= 18:
        return NONE
    if days < 0:
        return UNKNOWN
    return "0-28d" if days <= 28 else "29d-1y"


@given(st.lists(st.tuples(DAYS, DAYS, st.integers(-1, 120), st.integers(-1, 400)), max_size=30))
def test_ages_and_bands_as_a_person_would_tell_them(cases: list[tuple[str, str, int, int]]) -> None:
    born, admitted = (dates([one[at] for one in cases])[: len(cases)] for at in (0, 1))
    age, newborn = (np.array([one[at] for one in cases], np.int64) for at in (2, 3))
    years, days = ages(born, admitted, age, newborn)
    told = list(zip(years.tolist(), days.tolist(), strict=True))
    assert told == [slow(*one) for one in cases]
    found = [AGE[i] if i >= 0 else i for i in age_bands(years, days).tolist()]
    assert found == [band(*one) for one in told]


def test_no_grown_up_is_a_newborn() -> None:
    born, admitted = dates(["1974-03-01", ""]), dates(["2024-03-01", "2024-03-01"])
    years, days = ages(born, admitted, np.array([50, 50]), np.array([0, 0]))
    assert years.tolist() == [50, 50]
    assert days.tolist() == [(date(2024, 3, 1) - date(1974, 3, 1)) // timedelta(1), UNSAID]


def test_intensive_care_and_what_a_detail_names() -> None:
    assert icu_bands(np.array([-1, 0, 1, 2, 7, 8, 14, 15, 30, 31])).tolist() == [-1, -1, -1, 0, 0, 1, 1, 2, 2, 3]
    assert said_in("Severity：III，tumour: V-A") == (("severity", "III"), ("tumour", "V-A"))
