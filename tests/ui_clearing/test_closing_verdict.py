"""What the panel of money and cases says: never that all is well while the fund pays more than it has."""

from __future__ import annotations

from fractions import Fraction

import pytest

from core.rules import packs
from core.rules.sheet import FundSheet
from core.settlement.funds import overspent
from core.texts import Texts
from ui.pages.clearing.closing import verdict

PACK = packs.load("ningde-2024")


def sheet(paid: str) -> FundSheet:
    region = {
        "money_open": Fraction(0), "rows_open": Fraction(0), "outside_left": Fraction(0), "other_budget": Fraction(0),
        "dip_paid": Fraction(paid), "fund_available": Fraction("9807329.97"), "score_total": Fraction(1500),
    }  # fmt: skip
    return FundSheet("employee", (), region, {}, ())


def test_a_fund_that_pays_more_than_it_has_is_not_well() -> None:
    said, role = verdict(PACK, sheet("10018121.49"), Texts("zh"))
    assert role == "bad" and "多付 210,791.52 元" in said and "全部对上" not in said
    said, role = verdict(PACK, sheet("9807329.97"), Texts("zh"))
    assert role == "good" and "全部对上" in said


@pytest.mark.parametrize(("over", "told"), [("0", "0"), ("0.07", "0"), ("0.08", "0.08"), ("-5", "0")])
def test_what_rounding_brings_is_no_overspending(over: str, told: str) -> None:
    """1,500 points, half of a fourth decimal on each: 0.075 yuan."""
    region = {**sheet("9807329.97").region}
    region["dip_paid"] += Fraction(over)
    assert overspent(PACK, region, 0) == Fraction(told)
