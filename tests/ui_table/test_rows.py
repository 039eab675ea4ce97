"""Which rows show: order, filters, conditions and sums are exact over every row."""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.worksheet import Column, Worksheet, column_of
from ui.table.condition import Condition, NoCondition
from ui.table.rows import Filter, distinct_of, found, mask_of, ordered, picked, total_of

TEXT = Column("name", {"zh": "机构名称", "en": "Institution"})
CODE = Column("code", {"zh": "编码", "en": "Code"}, "code")
FEE = Column("fee", {"zh": "总费用", "en": "Total cost"}, "fixed", "yuan", 2, total=True)
MEAN = Column("mean_fee", {"zh": "次均费用", "en": "Mean cost"}, "fixed", "yuan", 2)
RATE = Column("k", {"zh": "系数", "en": "Coefficient"}, "exact", "coefficient", total=True)


def sheet(names=("b", "a", "c"), fees=(300, 100, 200), means=(100, 100, 100), rates=None) -> Worksheet:
    rates = rates if rates is not None else [Fraction(1)] * len(names)
    cells = {
        "name": column_of(list(names), "text"),
        "code": column_of([f"0{i}" for i in range(len(names))], "code"),
        "fee": column_of(list(fees), "fixed"),
        "mean_fee": column_of(list(means), "fixed"),
        "k": column_of(list(rates), "exact"),
    }
    return Worksheet("t", {"zh": "表", "en": "t"}, (TEXT, CODE, FEE, MEAN, RATE), cells, len(names))


def every(one: Worksheet) -> np.ndarray:
    return np.arange(one.rows)


@given(st.lists(st.integers(-5, 5), max_size=30), st.booleans())
def test_sorting_numbers_is_stable_both_ways(fees: list[int], descending: bool) -> None:
    one = sheet([""] * len(fees), fees, fees)
    rows = ordered(one, every(one), FEE, descending).tolist()
    assert rows == sorted(range(len(fees)), key=lambda i: fees[i], reverse=descending)


@given(st.lists(st.fractions() | st.none(), max_size=20), st.booleans())
def test_sorting_rationals_is_exact_with_empty_cells_last(
    rates: list[Fraction | None], descending: bool
) -> None:
    one = sheet([""] * len(rates), [0] * len(rates), [0] * len(rates), rates)
    rows = ordered(one, every(one), RATE, descending).tolist()
    full = [i for i, rate in enumerate(rates) if rate is not None]
    expected = sorted(full, key=lambda i: rates[i], reverse=descending)
    assert rows == expected + [i for i, rate in enumerate(rates) if rate is None]


def test_rationals_nearer_than_floats_can_tell_are_told_apart() -> None:
    third = Fraction(1, 3)
    rates = [third + Fraction(1, 10**30), third, third - Fraction(1, 10**30)]
    one = sheet(rates=rates)
    assert ordered(one, every(one), RATE, False).tolist() == [2, 1, 0]


def test_chinese_names_sort_by_pinyin() -> None:
    one = sheet(["中医院", "安和医院", "宁德医院"])
    assert ordered(one, every(one), TEXT, False).tolist() == [1, 2, 0]  # an, ning, zhong


@pytest.mark.parametrize(
    ("op", "bound", "kept"),
    [
        (">=", "2", [0, 2]),
        (">", "2", [0]),
        ("<", "2", [1]),
        ("<=", "2.00", [1, 2]),
        ("=", "2", [2]),
        ("!=", "2", [0, 1]),
        (">", "1.995", [0, 2]),
        ("<", "2.005", [1, 2]),
        ("=", "2.005", []),
        ("!=", "2.005", [0, 1, 2]),
        (">=", "1,000", []),
    ],
)
def test_number_conditions_at_their_edges(op: str, bound: str, kept: list[int]) -> None:
    one = sheet(fees=(300, 100, 200))  # 3, 1 and 2 yuan
    assert np.flatnonzero(mask_of(one, FEE, Filter(op=op, first=bound))).tolist() == kept


def test_between_takes_both_ends_in_any_order() -> None:
    one = sheet(fees=(300, 100, 200))
    assert mask_of(one, FEE, Filter(op="between", first="3", second="2")).tolist() == [True, False, True]


def test_bound_that_is_no_number() -> None:
    with pytest.raises(ValueError, match="abc"):
        mask_of(sheet(), FEE, Filter(op=">", first="abc"))


def test_filter_by_values_and_by_text() -> None:
    one = sheet(["Ab", "b", "cab"])
    assert mask_of(one, TEXT, Filter(op="contains", first="AB")).tolist() == [True, False, True]
    assert mask_of(one, TEXT, Filter(op="begins", first="a")).tolist() == [True, False, False]
    assert mask_of(one, TEXT, Filter(frozenset({"b"}))).tolist() == [False, True, False]
    assert mask_of(one, FEE, Filter(frozenset({"1.00", "3.00"}))).tolist() == [True, True, False]


def test_distinct_values_with_counts() -> None:
    one = sheet(["b", "a", "b"])
    assert distinct_of(one, TEXT, every(one)).texts == ("a", "b")
    assert distinct_of(one, TEXT, every(one)).counts == (1, 2)
    assert distinct_of(one, FEE, every(one), limit=2).more == 1


@given(
    st.lists(st.tuples(st.integers(-(10**6), 10**6), st.integers(-(10**6), 10**6)), max_size=20),
    st.fractions(min_value=-5, max_value=5, max_denominator=100),
)
def test_condition_equals_the_exact_comparison(pairs: list[tuple[int, int]], times: Fraction) -> None:
    decimal = Fraction(round(times * 1000), 1000)
    one = sheet([""] * len(pairs), [a for a, _ in pairs], [b for _, b in pairs])
    text = f"fee > {'-' if decimal < 0 else ''}{float(abs(decimal)):.3f} * mean_fee"
    expected = [Fraction(a, 100) > decimal * Fraction(b, 100) for a, b in pairs]
    assert Condition(text, list(one.columns)).mask(one).tolist() == expected


@given(st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), max_size=20))
def test_division_is_exact_and_by_zero_fulfils_nothing(pairs: list[tuple[int, int]]) -> None:
    one = sheet([""] * len(pairs), [a for a, _ in pairs], [b for _, b in pairs])
    expected = [b != 0 and Fraction(a, b) <= Fraction(1, 3) for a, b in pairs]
    assert Condition("fee / mean_fee <= 1 / 3", list(one.columns)).mask(one).tolist() == expected


def test_condition_beyond_64_bits() -> None:
    one = sheet(fees=(2**61, 2**61 + 1, 5), means=(2**61, 2**61, 5))
    assert Condition("fee * fee * fee > mean_fee * mean_fee * mean_fee", list(one.columns)).mask(
        one
    ).tolist() == [
        False,
        True,
        False,
    ]


def test_condition_reads_headings_chinese_signs_and_words() -> None:
    one = sheet(["甲医院", "乙医院", "丙卫生院"], fees=(300, 100, 200))
    columns = list(one.columns)
    assert Condition("总费用 ＞ 2 × 次均费用", columns).mask(one).tolist() == [True, False, False]
    assert Condition('"卫生院" in 机构名称 or 总费用 = 1', columns).mask(one).tolist() == [False, True, True]
    assert Condition("not (总费用 ≥ 2) and abs(-总费用) <= 1", columns).mask(one).tolist() == [
        False,
        True,
        False,
    ]
    assert Condition('机构名称 = "乙医院"', columns).mask(one).tolist() == [False, True, False]
    assert Condition("1 < 总费用 < 3", columns).mask(one).tolist() == [False, False, True]
    assert Condition("Total cost > 2".replace(" cost", "cost"), columns).mask(one).tolist() == [
        True,
        False,
        False,
    ]


def test_empty_cells_fulfil_no_condition() -> None:
    one = sheet(rates=[None, Fraction(2), Fraction(1, 2)])
    assert Condition("k < 1", list(one.columns)).mask(one).tolist() == [False, False, True]
    assert Condition("k >= 1", list(one.columns)).mask(one).tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("fee >", "unreadable"),
        ("fee", "no_comparison"),
        ("fee + 1", "no_comparison"),
        ("nothing > 1", "unknown_name"),
        ("name > 1", "text_order"),
        ('fee > "a"', "text_order"),
        ("__import__('os') > 1", "not_allowed"),
        ("fee ** 9 > 1", "not_allowed"),
        ("fee.real > 1", "not_allowed"),
        ("[1][0] > fee", "not_allowed"),
        ("(lambda: 1)() > fee", "not_allowed"),
        ("1e400 > fee", "unreadable"),
        ("9" * 600, "long"),
        ("(" * 300 + "fee" + ")" * 300 + " > 1", "long"),
        ("fee in mean_fee", "text_order"),
        ("fee > True", "not_allowed"),
    ],
)
def test_what_is_no_condition_says_so(text: str, code: str) -> None:
    with pytest.raises(NoCondition) as caught:
        Condition(text, list(sheet().columns))
    assert caught.value.code in (code, "long" if code == "unreadable" else code)


@given(st.text(max_size=40))
def test_hostile_conditions_never_crash(text: str) -> None:
    one = sheet()
    with suppress(NoCondition):
        Condition(text, list(one.columns)).mask(one)


def test_totals_beyond_64_bits_and_of_rationals() -> None:
    one = sheet(fees=(2**62, 2**62, 2**62), rates=[Fraction(1, 3), None, Fraction(2, 3)])
    assert total_of(one, FEE, None) == 3 * 2**62
    assert total_of(one, RATE, None) == 1
    assert total_of(one, FEE, np.array([], dtype=np.int64)) == 0


def test_find_in_texts_and_amounts() -> None:
    one = sheet(["甲", "乙", "bX"], fees=(123456, 345600, 99))
    columns = list(one.columns)
    assert found(one, columns, every(one), "bx").tolist() == [2]
    assert found(one, columns, every(one), "1,234.5").tolist() == [0]
    assert found(one, columns, every(one), "3456").tolist() == [
        1
    ]  # 3456.00, and not across the point of 1234.56
    assert found(one, columns, every(one), "0.99").tolist() == [2]


def test_export_sums_anew_what_is_filtered() -> None:
    one = sheet()
    part = picked(one, [CODE, FEE], np.array([2, 0]))
    assert part.rows == 2
    assert part.totals == {"fee": 500}
    assert part.cells["code"].tolist() == ["02", "00"]
