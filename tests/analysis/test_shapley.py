"""The Shapley value against its definition: the mean over every order."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from core.analysis.shapley import numerators, shapley
from tests.analysis.two_years import by_orders

NAMES = ("a", "b", "c", "d")
AMOUNTS = st.fractions(-1000, 1000, max_denominator=97)
TABLES = st.lists(AMOUNTS, min_size=16, max_size=16)


def place(subset: frozenset[str]) -> int:
    return sum(1 << NAMES.index(one) for one in subset)


@settings(max_examples=60, deadline=None)
@given(TABLES)
def test_it_is_the_mean_over_every_order_and_sums_to_the_whole(table: list[Fraction]) -> None:
    parts = shapley(NAMES, lambda subset: table[place(subset)])
    assert parts == by_orders(NAMES, lambda subset: table[place(subset)])
    assert sum(parts.values()) == table[-1] - table[0]


@settings(max_examples=60, deadline=None)
@given(TABLES)
def test_taking_it_back_turns_every_sign(table: list[Fraction]) -> None:
    there = shapley(NAMES, lambda subset: table[place(subset)])
    back = shapley(NAMES, lambda subset: table[15 - place(subset)])
    assert back == {one: -part for one, part in there.items()}


@settings(max_examples=60, deadline=None)
@given(TABLES, st.sampled_from(NAMES), st.permutations(NAMES))
def test_who_changes_nothing_has_nothing_and_no_order_counts(table: list[Fraction], idle: str, order: list[str]) -> None:
    def value(subset: frozenset[str]) -> Fraction:
        return table[place(subset - {idle})]

    parts = shapley(NAMES, value)
    assert parts[idle] == 0
    assert dict(shapley(order, value)) == dict(parts)


def test_a_product_of_three_by_hand() -> None:
    # 2 x 1 x 1 = 2 becomes 4 x 1.5 x 1.2 = 7.2.
    # first:  2 x (1/3 x 1 + 1/6 x (1.5 + 1.2) + 1/3 x 1.8)           = 2.766666...
    # second: 0.5 x (1/3 x 2 + 1/6 x (4 + 2.4) + 1/3 x 4.8)           = 1.666666...
    # third:  0.2 x (1/3 x 2 + 1/6 x (4 + 3) + 1/3 x 6)               = 0.766666...
    before = {"n": Fraction(2), "c": Fraction(1), "k": Fraction(1)}
    after = {"n": Fraction(4), "c": Fraction(3, 2), "k": Fraction(6, 5)}

    def value(subset: frozenset[str]) -> Fraction:
        product = Fraction(1)
        for one in before:
            product *= (after if one in subset else before)[one]
        return product

    parts = shapley(("n", "c", "k"), value)
    assert parts == {"n": Fraction(83, 30), "c": Fraction(5, 3), "k": Fraction(23, 30)}
    assert sum(parts.values()) == Fraction("5.2")


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(*[st.integers(-10**30, 10**30)] * 8), min_size=1, max_size=4))
def test_many_games_at_once_stay_whole_numbers(games: list[tuple[int, ...]]) -> None:
    table = []
    for mask in range(8):
        column = np.empty(len(games), object)
        column[:] = [game[mask] for game in games]
        table.append(column)
    parts = numerators(table, 3)
    for i, game in enumerate(games):
        one = shapley(("a", "b", "c"), lambda subset, game=game: Fraction(game[sum(1 << "abc".index(x) for x in subset)]))
        assert [Fraction(part[i], 6) for part in parts] == list(one.values())
