"""Sums and scaled decimals stay exact where 64 bits would not do."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from region import Region

from core.faults import Refused
from core.rules import packs
from core.settlement.clearing import clear
from core.settlement.exact import fits, places_of, scaled, sums


@given(st.lists(st.tuples(st.integers(-(2**62), 2**62), st.integers(0, 3)), max_size=50))
def test_sums_beyond_64_bits(pairs: list[tuple[int, int]]) -> None:
    values = np.array([value for value, _ in pairs], np.int64)
    place = np.array([at for _, at in pairs], np.int64)
    assert sums(values, place, 4) == [sum(value for value, at in pairs if at == spot) for spot in range(4)]


def test_places_and_fit() -> None:
    values = [Fraction("1.25"), Fraction("-3"), Fraction("0.0001")]
    assert places_of(values) == 4
    assert scaled(values, 4).values.tolist() == [12_500, -30_000, 1]
    assert fits(values, 4)
    assert not fits([Fraction(5)], 18)


def test_scores_as_a_spreadsheet_spoils_them(region: Region) -> None:
    """0.1 + 0.2 as a binary number prints 0.30000000000000004: exact all the same, over many cases."""
    region.institutions(("H1", "甲", 2))
    region.groups({"dip_code": "K35.3:g", "score": "0.30000000000000004"})
    region.coefficients(("H1", "all", "base", "", "1"))
    region.funded("employee")
    region.cases(*({"setl_id": f"s{i}", "institution": "H1", "fee": "10"} for i in range(400)))
    sheet = clear(region.workspace, 2024, packs.load("ningde-2024")).fund("employee")
    assert sheet.values["base_score"] == (Fraction("0.30000000000000004") * 400,)
    assert sheet.values["score"] == (120,)


def test_digits_that_do_not_go_together_block(region: Region) -> None:
    region.institutions(("H1", "甲", 2))
    region.groups(
        {"dip_code": "K35.3:g", "score": "50000"}, {"dip_code": "J", "score": "0.30000000000000004"}
    )
    region.coefficients(("H1", "all", "base", "", "1"))
    region.funded("employee")
    region.cases(
        {"setl_id": "a", "institution": "H1", "fee": "10"},
        {"setl_id": "b", "institution": "H1", "fee": "10", "group": "J"},
    )
    with pytest.raises(Refused) as caught:
        clear(region.workspace, 2024, packs.load("ningde-2024"))
    assert [(f.code, f.value) for f in caught.value.findings] == [("number_too_long", "0.30000000000000004")]
