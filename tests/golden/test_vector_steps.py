"""Vectors D and E by the steps of the shipped packs alone: totals in, every figure of the chain out, to the fen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import pytest
from invented_tiers import invented

from core.money import plain
from core.rules import packs, steps
from core.rules.circular import Pack

CODES = ("A", "B", "C")
F = Fraction


def column(*values: object) -> tuple[Fraction, ...]:
    return tuple(F(str(value)) for value in values)


# B 130,000,000 less 20,000,000 networked and 5,000,000 manual: 105,000,000 to divide.
REGION = {"budget": F(130_000_000), "outside_card": F(20_000_000), "outside_manual": F(5_000_000)}
TOTAL = (85_000_000, 50_000_000, 24_000_000)  # 159,000,000
BOOKED = (56_100_000, 35_000_000, 18_000_000)  # 109,100,000
INSTITUTIONS: Mapping[str, Sequence[Fraction]] = {
    "cases": column(9000, 6000, 3000),
    "base_score": column("9000.1234", "6000.5678", "3000.3333"),
    "score": column("9000.1234", "6000.5678", "3000.3333"),  # 18,001.0245
    "coefficient": column(1, 1, 1),
    "total_cost": column(*TOTAL),
    "booked": column(*BOOKED),
    # With no other fund, patients paid what the fund did not book: 28,900,000, 15,000,000, 6,000,000; 49,900,000.
    "own_pay": column(*(total - booked for total, booked in zip(TOTAL, BOOKED, strict=True))),
    "other_pay": column(0, 0, 0),
    "by_item": column(0, 0, 0),
    "assessment_score": column(99, 100, 98),
    "audit_deduction": column("120000.00", "80000.55", 0),
    "violation": column(0, 0, 0),
    "retention": column(0, 0, 0),
    "monthly_paid": column(48_000_000, 30_000_000, 15_000_000),
    "advance": column(3_000_000, 2_000_000, 1_000_000),
}


def run(pack: Pack, **more: Sequence[Fraction]) -> steps.Values:
    return steps.run(pack, REGION, {**INSTITUTIONS, **more}, CODES, "employee")


def fen(values: Sequence[Fraction]) -> list[str]:
    """Yuan with all their decimals: one too many shows and fails."""
    return [
        steps.shown(value, 2 if (value * 100).denominator == 1 else None).replace("−", "-")
        for value in values
    ]


# Ningde: PV = (105,000,000 + 49,900,000) / 18,001.0245 = 154,900,000 / 18,001.0245 = 8605.06578389...
#   unrounded, A: 9,000.1234 * 8605.06578389... = 77,446,653.92 gross; - 28,900,000 = 48,546,653.92
#   4 places, A:  9,000.1234 * 8605.0658 = 77,446,654.0651... -> 77,446,654.07 gross; 48,546,654.07
#   2 places, A:  9,000.1234 * 8605.07 = 77,446,691.8658... -> 77,446,691.87; 48,546,691.87
# National: rho = 109,100,000 / 159,000,000 = 0.6861635220...; PV = 105,000,000 / rho / 18,001.0245 = 8500.89104304...
#   pooled, A: 9,000.1234 * 8500.89104304... * 0.6861635220... = 52,497,731.84, which is 105,000,000 * S_A / S
#   own rho_A = 56.1 / 85 = 0.66: 9,000.1234 * 8500.89104304... * 0.66 = 50,495,985.14
PAYABLE = [
    ("ningde-2024", {"point_value.places": "none"}, "8605.06578389",
     ["48,546,653.92", "36,635,280.66", "19,818,065.42"], "0.00"),
    ("ningde-2024", {}, "8605.06580000", ["48,546,654.07", "36,635,280.76", "19,818,065.47"], "-0.30"),
    ("ningde-2024", {"point_value.places": "2"}, "8605.07000000",
     ["48,546,691.87", "36,635,305.96", "19,818,078.07"], "-75.90"),
    ("national-draft-3", {"point_value.places": "none"}, "8500.89104304",
     ["52,497,731.84", "35,001,320.01", "17,500,948.15"], "0.00"),
    ("national-draft-3", {"point_value.places": "none", "ratio_mode": "hospital"}, "8500.89104304",
     ["50,495,985.14", "35,707,121.14", "19,129,129.86"], "-332,236.14"),
]  # fmt: skip


@pytest.mark.parametrize(("pack", "changed", "point_value", "due", "residual"), PAYABLE)
def test_fund_payable(
    pack: str, changed: dict[str, str], point_value: str, due: list[str], residual: str
) -> None:
    values = run(packs.load(pack, changed))
    assert plain(values.region["point_value"], 8) == point_value
    assert fen(values.institutions["due"]) == due
    assert fen([values.region["residual"]]) == [residual]
    assert values.region["fund_available"] == 105_000_000


def test_the_case_ratio_is_the_hospitals_where_all_cases_have_it() -> None:
    """Every case of a hospital booked at the hospital's own ratio: sum(score * ratio) = S_h * rho_h, so as `hospital`."""
    own = [score * booked / total for score, booked, total in zip(
        INSTITUTIONS["score"], INSTITUTIONS["booked"], INSTITUTIONS["total_cost"], strict=True)]  # fmt: skip
    pack = packs.load("national-draft-3", {"point_value.places": "none", "ratio_mode": "case"})
    values = run(pack, ratio_score=own)
    assert fen(values.institutions["due"]) == ["50,495,985.14", "35,707,121.14", "19,129,129.86"]


# A: booked net 56,100,000 - 120,000 = 55,980,000; r = 55,980,000 / 48,546,654.07 = 1.1531 > 1. The excess 7,433,345.93 is
#    more than a tenth of due, so 60 % of 4,854,665.407: 48,546,654.07 * 1.06 = 51,459,453.3142 -> 51,459,453.31
#    * 0.99 = 50,944,858.7769 -> 50,944,858.78; - 120,000 = 50,824,858.78; - 48,000,000 - 3,000,000 = -175,141.22
# B: r = 34,919,999.45 / 36,635,280.76 = 0.9532: due. * 1.00; - 80,000.55 = 36,555,280.21; - 32,000,000 = 4,555,280.21
# C: r = 0.9083: due. 19,818,065.47 * 0.98 = 19,421,704.1606 -> 19,421,704.16; - 16,000,000 = 3,421,704.16
CHAIN = {
    "due": ["48,546,654.07", "36,635,280.76", "19,818,065.47"],
    "surplus": ["-7,433,345.93", "1,715,281.31", "1,818,065.47"],
    "after_share": ["51,459,453.31", "36,635,280.76", "19,818,065.47"],
    "assessment": ["0.99", "1.00", "0.98"],
    "after_assessment": ["50,944,858.78", "36,635,280.76", "19,421,704.16"],
    "final": ["-175,141.22", "4,555,280.21", "3,421,704.16"],
}


def test_chain_with_invented_tiers_to_the_final(tmp_path: Path) -> None:
    path = tmp_path / "vector-d.toml"
    path.write_text(invented(assessment_factor=((None, None, "assessment_score / 100"),)), "utf-8")
    values = run(packs.load(path))
    assert {step: fen(values.institutions[step]) for step in CHAIN} == CHAIN


def test_empty_tables_pay_due() -> None:
    values = run(packs.load("ningde-2024"))
    assert values.institutions["after_share"] == values.institutions["due"]
    assert values.institutions["assessment"] == (1, 1, 1)
    # A: 48,546,654.07 - 120,000 - 48,000,000 - 3,000,000 = -2,573,345.93
    assert fen(values.institutions["final"])[0] == "-2,573,345.93"


SHARED = """[pack]
id = "vector-e"
extends = "common"
title = { zh = "最大余数法算例", en = "Largest remainder" }

[[document]]
key = "E"
number = "算例"
evidence = "D"

[[region]]
id = "point_value"
title = { zh = "结算点值", en = "Point value" }
unit = "yuan/point"
formula = "fund_available / score_total"
cite = "E"

[[institution]]
id = "due"
title = { zh = "统筹应支付", en = "Fund due" }
unit = "yuan"
formula = "share(fund_available, score)"
places = 2
cite = "E"
"""


def test_largest_remainder(tmp_path: Path) -> None:
    """1,000,000.00 by S: 1,000,000 / 18,001.0245 = 55.5523937...

    A 9,000.1234: 499,978.3984..., B 6,000.5678: 333,345.9046..., C 3,000.3333: 166,675.6968...
    Floors to the fen 499,978.39 + 333,345.90 + 166,675.69 = 999,999.98: two fen are left, the largest remainders are
    A's .84 and C's .68, so A 499,978.40 and C 166,675.70.
    """
    path = tmp_path / "vector-e.toml"
    path.write_text(SHARED, "utf-8")
    million = {"budget": F(1_000_000), "outside_card": F(0), "outside_manual": F(0)}
    values = steps.run(packs.load(path), million, INSTITUTIONS, CODES)
    assert fen(values.institutions["due"]) == ["499,978.40", "333,345.90", "166,675.70"]
    assert values.region["residual"] == 0
