"""Mean costs split into mix, intensity and interaction: worked by hand, then identities on any two bodies of cases."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.analysis.mix import Cases, Split, split

GROUPS = ["", *(f"G{number}" for number in range(8))]
sides = st.dictionaries(
    st.sampled_from(GROUPS),
    st.integers(1, 400).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n * 5_000_00))),
    min_size=1,
)


def test_by_hand() -> None:
    """Own: 6 of A at 100, 4 of B at 300: mean 180. Other: 5 of A at 80, 5 of B at 200: mean 140. Difference 40.
    Mix 0.1 * 80 - 0.1 * 200 = -12; intensity 0.5 * 20 + 0.5 * 100 = 60; interaction 0.1 * 20 - 0.1 * 100 = -8.
    A: mix 0.1 (80 - 140) = -6, B: -0.1 (200 - 140) = -6; whole A -6 + 10 + 2 = 6, B -6 + 50 - 10 = 34."""
    found = split({"A": (6, 600), "B": (4, 1200)}, {"A": (5, 400), "B": (5, 1000)})
    assert (found.mean, found.other_mean, found.whole) == (180, 140, 40)
    assert (found.mix, found.intensity, found.interaction) == (-12, 60, -8)
    assert [(one.code, one.mix, one.intensity, one.interaction) for one in found.groups] == [
        ("B", -6, 50, -10),
        ("A", -6, 10, 2),
    ]
    assert (found.unmatched, found.other_unmatched) == (0, 0)


def test_a_group_of_one_side_is_mix_and_nothing_else() -> None:
    """Own: 3 of A at 100, 1 of X at 500: mean 200. Other: 1 of A at 100, 1 of Y at 40: mean 70. Difference 130.
    Mix: 0.75 * 100 + 0.25 * 500 - 70 = 130. A costs the same on both sides: nothing else is left."""
    found = split({"A": (3, 300), "X": (1, 500)}, {"A": (1, 100), "Y": (1, 40)})
    assert (found.whole, found.mix, found.intensity, found.interaction) == (130, 130, 0, 0)
    assert (found.unmatched, found.other_unmatched) == (Fraction(1, 4), Fraction(1, 2))
    parts = {one.code: one for one in found.groups}
    assert (parts["X"].other_mean, parts["Y"].mean) == (None, None)
    assert (parts["X"].mix, parts["Y"].mix) == (Fraction(1, 4) * (500 - 70), Fraction(-1, 2) * (40 - 70))


def test_nothing_in_common() -> None:
    found = split({"A": (2, 30)}, {"B": (4, 20)})
    assert (found.whole, found.mix, found.intensity, found.interaction) == (10, 10, 0, 0)
    assert (found.unmatched, found.other_unmatched) == (1, 1)


@pytest.mark.parametrize(("own", "other"), [({}, {"A": (1, 1)}), ({"A": (1, 1)}, {}), ({"A": (0, 0)}, {"A": (1, 1)})])
def test_a_side_without_cases_is_no_side(own: Cases, other: Cases) -> None:
    with pytest.raises(ValueError, match="no case"):
        split(own, other)


@given(sides, sides)
def test_what_is_written_closes_to_the_fen(own: Cases, other: Cases) -> None:
    found = split(own, other)
    fen = found.fen
    assert fen.whole == fen.mean - fen.other_mean == fen.mix + fen.intensity + fen.interaction == fen.even_mix + fen.even_intensity
    for name in ("mean", "other_mean", "whole", "mix", "intensity", "interaction"):
        assert getattr(fen, name).denominator == 1
        assert abs(getattr(fen, name) - getattr(found, name)) <= 1


def slow(own: Cases, other: Cases) -> tuple[Fraction, Fraction, Fraction]:
    """The three sums as the definition writes them, a group at a time."""
    n, m = sum(one for one, _ in own.values()), sum(one for one, _ in other.values())
    mix = intensity = interaction = Fraction(0)
    for code in {*own, *other}:
        s, t = Fraction(own.get(code, (0, 0))[0], n), Fraction(other.get(code, (0, 0))[0], m)
        here = Fraction(*own[code][::-1]) if code in own else Fraction(*other[code][::-1])
        there = Fraction(*other[code][::-1]) if code in other else here
        mix += (s - t) * there
        intensity += t * (here - there)
        interaction += (s - t) * (here - there)
    return mix, intensity, interaction


@given(sides, sides)
def test_the_parts_are_the_definition_and_sum_to_the_whole(own: Cases, other: Cases) -> None:
    found = split(own, other)
    assert (found.mix, found.intensity, found.interaction) == slow(own, other)
    assert found.mix + found.intensity + found.interaction == found.whole
    whole = Fraction(sum(fen for _, fen in own.values()), sum(n for n, _ in own.values()))
    assert whole - Fraction(sum(fen for _, fen in other.values()), sum(n for n, _ in other.values())) == found.whole
    for name in ("mix", "intensity", "interaction", "whole"):
        assert sum(getattr(one, name) for one in found.groups) == getattr(found, name)


@given(sides, sides)
def test_seen_from_the_other_side(own: Cases, other: Cases) -> None:
    one, back = split(own, other), split(other, own)
    assert back.whole == -one.whole
    assert back.interaction == one.interaction
    assert back.mix == -(one.mix + one.interaction)
    assert back.intensity == -(one.intensity + one.interaction)

    def even(found: Split) -> tuple[Fraction, Fraction]:
        return found.mix + found.interaction / 2, found.intensity + found.interaction / 2

    assert even(back) == tuple(-part for part in even(one))
    assert (back.unmatched, back.other_unmatched) == (one.other_unmatched, one.unmatched)


@given(sides, st.integers(2, 9))
def test_what_does_not_differ_has_no_part(own: Cases, times: int) -> None:
    same = split(own, {code: (n * times, fen * times) for code, (n, fen) in own.items()})
    assert (same.mix, same.intensity, same.interaction, same.whole) == (0, 0, 0, 0)
    dearer = split({code: (n, fen + 7 * n) for code, (n, fen) in own.items()}, own)  # the same shares, each case 7 fen dearer
    assert (dearer.mix, dearer.intensity, dearer.interaction) == (0, 7, 0)


@given(sides, sides, st.randoms(use_true_random=False))
def test_the_order_of_groups_does_not_matter(own: Cases, other: Cases, chance) -> None:  # type: ignore[no-untyped-def]
    turned = list(own.items())
    chance.shuffle(turned)
    one, again = split(own, other), split(dict(turned), dict(reversed(other.items())))
    assert (one.mix, one.intensity, one.interaction) == (again.mix, again.intensity, again.interaction)
    assert one.groups == again.groups
