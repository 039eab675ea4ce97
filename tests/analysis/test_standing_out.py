"""Months that stand out: planted ones are found and named right, and quiet series stay quiet."""

from __future__ import annotations

import math
from statistics import median

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.analysis.standing_out import LEAST_MONTHS, judge, season, standouts
from core.texts import Texts


def months(count: int, first: int = 2021) -> list[int]:
    return [(first + i // 12) * 100 + i % 12 + 1 for i in range(count)]


# A wobble that repeats in no period of twelve: seven values around 1.
WOBBLE = (1.0, 1.012, 0.991, 1.006, 0.985, 1.009, 0.996)


def quiet(count: int, level: float = 100.0) -> list[float]:
    return [level * WOBBLE[i % 7] for i in range(count)]


def seasonal(count: int) -> list[float]:
    """Low in February, high in summer, the same every year."""
    factors = (0.95, 0.7, 1.0, 1.0, 1.05, 1.2, 1.25, 1.2, 1.0, 1.0, 0.95, 0.95)
    return [value * factors[i % 12] for i, value in enumerate(quiet(count))]


@pytest.mark.parametrize("count", [12, 24, 36, 48])
@pytest.mark.parametrize("factor", [1.3, 0.75])
@pytest.mark.parametrize("back", [1, 5, 11])
def test_a_planted_month_is_the_one_that_stands_out(count: int, factor: float, back: int) -> None:
    values = quiet(count)
    values[-back] *= factor
    (found,) = standouts(months(count), values)
    assert found.month == months(count)[-back]
    assert found.value == values[-back]
    assert found.sign == (1 if factor > 1 else -1)
    assert found.usual == pytest.approx(100, rel=0.02)
    assert found.distance > 3.5


@pytest.mark.parametrize("count", [12, 24, 36, 48])
def test_a_quiet_series_has_none(count: int) -> None:
    judged = judge(months(count), quiet(count))
    assert (judged.why, judged.standouts) == ("", ())


def test_by_hand() -> None:
    """100 and 102 by turns, the other way round every year, and one month of 130."""
    values = [100.0, 102.0] * 6 + [102.0, 100.0] * 6 + [100.0, 102.0] * 6
    values[17] = 130.0
    judged = judge(months(36), values)
    (found,) = judged.standouts
    # The twelve others around June 2022: seven of 102 (December and six of the year), five of 100.
    assert (found.month, found.usual) == (202206, 102.0)
    assert found.distance == pytest.approx((130 / 102 - 1) / judged.spread)


def test_season_is_taken_out_and_an_odd_month_in_it_found() -> None:
    values = seasonal(36)
    judged = judge(months(36), values)
    assert judged.standouts == ()
    assert judged.seasonal == "taken"
    assert judged.season[1] == pytest.approx(0.7, rel=0.04)
    assert judged.season[6] == pytest.approx(1.25, rel=0.04)
    assert season(months(36), values) == judged.season
    values[25] /= 0.7  # a February like any other month: no low value, and yet the odd one
    assert [one.month for one in standouts(months(36), values)] == [202302]
    assert standouts(months(36), values)[0].sign == 1


def test_two_years_tell_a_season_but_one_does_not() -> None:
    assert judge(months(24), seasonal(24)).seasonal == "taken"
    assert judge(months(24), seasonal(24)).standouts == ()
    one = judge(months(12), seasonal(12))
    assert (one.seasonal, one.season) == ("short", ())


def test_no_season_where_the_years_do_not_agree() -> None:
    judged = judge(months(36), quiet(36))
    assert (judged.seasonal, judged.season) == ("none", ())


def test_an_odd_month_does_not_make_its_twin_of_another_year_odd() -> None:
    for count in (24, 36):
        values = seasonal(count)
        values[17] *= 2
        assert [one.month for one in standouts(months(count), values)] == [202206]


def test_a_jump_that_lasts_is_no_odd_month() -> None:
    """Scores of another catalogue from January on; growth over three years."""
    values = [value * (1.65 if i >= 24 else 1.2 if i >= 12 else 1) for i, value in enumerate(quiet(36))]
    assert standouts(months(36), values) == []
    grown = [value * 1.03**i for i, value in enumerate(quiet(36))]
    assert standouts(months(36), grown) == []
    grown[30] *= 1.5
    assert [one.month for one in standouts(months(36), grown)] == [202307]


def test_constant_series() -> None:
    assert standouts(months(36), [5.0] * 36) == []
    assert standouts(months(36), [0.0] * 36) == []
    assert judge(months(36), [0.0] * 36).why == ""
    values = [5.0] * 36
    values[3] = 5.2  # less than a twentieth
    assert standouts(months(36), values) == []
    values[3] = 5.3
    assert [one.month for one in standouts(months(36), values)] == [202104]


def test_missing_months_stay_missing() -> None:
    values = quiet(36)
    for hole in (0, 7, 8, 19, 35):
        values[hole] = math.nan
    values[20] = math.inf
    values[12] *= 1.4
    judged = judge(months(36), values)
    assert [one.month for one in judged.standouts] == [202201]
    assert [i for i, usual in enumerate(judged.usual) if math.isnan(usual)] == [0, 7, 8, 19, 20, 35]
    lacking = [month for i, month in enumerate(months(36)) if i not in (0, 7, 8, 19, 20, 35)]
    there = [value for value in values if math.isfinite(value)]
    assert judge(lacking, there).standouts == judged.standouts  # left out is the same as empty


def test_a_year_that_is_missing_whole() -> None:
    values = quiet(48)
    values[12:24] = [math.nan] * 12
    values[40] *= 0.6
    assert [one.month for one in standouts(months(48), values)] == [202405]


def test_too_short_is_said_and_not_judged() -> None:
    values = quiet(36)
    values[1] = 900
    for i in range(LEAST_MONTHS - 1, 36):
        values[i] = math.nan
    judged = judge(months(36), values)
    assert (judged.why, judged.standouts) == ("short", ())
    assert np.isnan(judged.usual).all()
    assert judge([], []).why == "short"


def test_no_month_has_its_like_in_another_year() -> None:
    """Months of the first half of one year and the second of the next: nothing to tell a season by."""
    values = quiet(24)
    values[6:18] = [math.nan] * 12
    judged = judge(months(24), values)
    assert (judged.why, judged.season, judged.standouts) == ("", (), ())
    values[3] *= 2
    assert [one.month for one in standouts(months(24), values)] == [202104]


def test_months_too_far_apart_to_have_any_around_them() -> None:
    values = [5.0 + i % 3 if i % 14 == 0 else math.nan for i in range(180)]
    judged = judge(months(180, 2010), values)
    assert (judged.why, judged.standouts) == ("", ())
    assert np.isnan(judged.usual).all()


def test_mostly_zero_is_said_and_not_judged() -> None:
    values = [0.2 if i % 5 == 0 else 0.0 for i in range(36)]
    assert (judge(months(36), values).why, standouts(months(36), values)) == ("sparse", [])


def test_an_institution_that_joins_or_leaves_is_not_odd_for_it() -> None:
    values = [0.0] * 12 + quiet(30) + [0.0] * 6
    judged = judge(months(48), values)
    assert (judged.why, judged.standouts) == ("", ())
    assert np.isnan(judged.usual[:12]).all()
    values[20] = 0.0  # a month without a case in between is
    assert [one.month for one in standouts(months(48), values)] == [202209]


def test_one_low_month_of_every_year_is_a_season() -> None:
    """The spring festival: eleven months tell nothing of a season, February does."""
    values = [value * (0.78 if i % 12 == 1 else 1) for i, value in enumerate(quiet(48))]
    judged = judge(months(48), values)
    assert judged.standouts == ()
    assert judged.seasonal == "taken"
    values[13] /= 0.78
    assert [one.month for one in standouts(months(48), values)] == [202202]


def test_months_of_few_cases_are_no_means() -> None:
    values = quiet(36)
    values[5] = 300
    cases = [50] * 36
    assert len(standouts(months(36), values, cases=cases)) == 1
    cases[5] = 9
    judged = judge(months(36), values, cases=cases)
    assert judged.standouts == ()
    assert math.isnan(judged.usual[5])


def test_around_zero_distances_are_in_the_series_own_unit() -> None:
    values = [value - 100 for value in quiet(36)]
    values[15] = 40
    judged = judge(months(36), values)
    assert not judged.relative
    assert [one.month for one in judged.standouts] == [202204]


def test_quiet_noise_is_rarely_taken_for_odd() -> None:
    """Of normal noise of a twentieth over three years, with and without season and growth, under one month in a hundred."""
    draw = np.random.default_rng(20240131)
    found = judged = 0
    for number in range(120):
        t = np.arange(36)
        values = np.exp(0.05 * draw.standard_normal(36)) * (1 + 0.2 * (number % 2) * np.cos(t * np.pi / 6))
        values *= 1.1 ** (t // 12 * (number % 3))
        found += len(standouts(months(36), values))
        judged += 36
    assert found < judged / 100


@given(st.integers(12, 48), st.randoms(use_true_random=False), st.floats(0.01, 1e9))
@settings(max_examples=60, deadline=None)
def test_order_and_unit_change_nothing(count: int, draw: object, unit: float) -> None:
    values = [value * (1.5 if i == count // 2 else 1) for i, value in enumerate(seasonal(count))]
    pairs = list(zip(months(count), values, strict=True))
    expected = [(one.month, one.sign) for one in standouts(months(count), values)]
    draw.shuffle(pairs)  # type: ignore[attr-defined]
    mixed = standouts([month for month, _ in pairs], [value * unit for _, value in pairs])
    assert [(one.month, one.sign) for one in mixed] == expected


@given(st.lists(st.one_of(st.floats(-1e6, 1e6), st.just(math.nan), st.just(0.0)), min_size=0, max_size=48))
@settings(max_examples=150, deadline=None)
def test_any_series_has_an_answer(values: list[float]) -> None:
    judged = judge(months(len(values)), values)
    for one in judged.standouts:
        assert math.isfinite(one.distance)
        assert math.isfinite(one.usual)
        assert one.sign == (1 if one.value > one.usual else -1)
    if judged.why:
        assert judged.standouts == ()


def test_spread_is_the_median_of_distances() -> None:
    """A second way for the interior of a series without season: medians of the twelve others, written out."""
    draw = np.random.default_rng(7)
    values = (100 * np.exp(0.1 * draw.standard_normal(36))).tolist()
    judged = judge(months(36), values)
    assert judged.season == ()
    for t in range(6, 30):
        others = values[t - 6 : t] + values[t + 1 : t + 7]
        assert judged.usual[t] == pytest.approx(median(others))
    away = [abs(value / usual - 1) for value, usual in zip(values, judged.usual, strict=True)]
    assert judged.spread == pytest.approx(1.4826 * median(away))


def test_the_rule_is_said_in_both_languages() -> None:
    for lang in ("zh", "en"):
        texts = Texts(lang)
        for key in ("rule.text", "rule.short", "why.short", "why.sparse", "season.taken", "season.none", "season.short"):
            assert texts.has(f"standouts.{key}")
        assert "3.5" in texts("standouts.rule.text")
        assert "1.4826" in texts("standouts.rule.text")
