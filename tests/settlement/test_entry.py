"""What may be typed into a cell: exact to the last decimal, or refused."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.faults import Refused
from core.settlement.entry import parse_entry
from core.texts import LANGUAGES, Texts

STANDING = Fraction("0.93")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.05", "1.05"), (" 1.05 ", "1.05"), ("+0.01", "0.94"), ("-0.02", "0.91"), ("*1.02", "0.9486"), ("/2", "0.465"),
        ("=0.9+0.03", "0.93"), ("=(1 + 2) * 0.3", "0.9"), ("=1-0.07", "0.93"), ("＋０．０１", "0.94"), ("×1.02", "0.9486"),
        ("＝0.9＋0.03", "0.93"), ("+ 0.01", "0.94"), ("0", "0"), ("−0.02", "0.91"), ("999.999999999", "999.999999999"),
    ],
)  # fmt: skip
def test_entries(text: str, value: str) -> None:
    assert parse_entry(text, STANDING) == Fraction(value)


@pytest.mark.parametrize("text", ["", "   ", "\u3000"])
def test_nothing_empties_the_cell(text: str) -> None:
    assert parse_entry(text, STANDING) is None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("abc", "entry_unreadable"), ("1e5", "entry_unreadable"), ("+-1", "entry_unreadable"), ("1/3", "entry_unreadable"),
        ("=x", "entry_unreadable"), ("=1/0", "entry_unreadable"), ("/0", "entry_unreadable"), ("=2>1", "entry_unreadable"),
        ("=", "entry_unreadable"), ("nan", "entry_unreadable"), ("inf", "entry_unreadable"), ("5%", "entry_unreadable"),
        ("=max(1,2)", "entry_unreadable"), ("1,05", "entry_unreadable"), ("=" + "1+" * 5000 + "1", "entry_unreadable"),
        ("9" * 5000, "entry_unreadable"), ("=1/3", "entry_endless"), ("/7", "entry_endless"), ("0.1234567891", "entry_endless"),
        ("-0.94", "entry_out_of_range"), ("-5", "entry_out_of_range"), ("1000", "entry_out_of_range"), ("*2000", "entry_out_of_range"),
    ],
)  # fmt: skip
def test_refused_in_words(text: str, code: str) -> None:
    with pytest.raises(Refused) as refused:
        parse_entry(text, STANDING)
    assert refused.value.code == code
    for lang in LANGUAGES:
        said = Texts(lang).fault(refused.value)
        assert "{" not in said
        assert len(said) < 300


def test_a_change_to_an_empty_cell_is_refused() -> None:
    for text in ("+0.01", "-0.01", "*2", "/2"):
        with pytest.raises(Refused, match="entry_without_current"):
            parse_entry(text, None)
    assert parse_entry("0.8", None) == Fraction("0.8")


number = st.decimals("0", "3", places=3)


@given(current=number, change=number)
def test_changes_are_exact(current: Decimal, change: Decimal) -> None:
    there = Fraction(current)
    assert parse_entry(f"+{change}", there) == there + Fraction(change)
    assert parse_entry(f"*{change}", there) == there * Fraction(change)
    assert parse_entry(f"={current}+{change}", None) == there + Fraction(change)
    if change <= current:
        assert parse_entry(f"-{change}", there) == there - Fraction(change)


@given(st.text(max_size=80))
def test_any_text_is_a_value_or_a_refusal(text: str) -> None:
    try:
        value = parse_entry(text, STANDING)
    except Refused:
        return
    assert value is None or (0 <= value < 1000 and (value * 10**9).denominator == 1)
