"""A month of two hospitals by hand, from scores to what is booked, and what the year makes of it.

March, employees. One group of score 100, coefficients 1.00 (A) and 0.90 (B), rate 80 yuan per point, 95 % paid monthly.

    A  two cases    score 2 x 100 x 1.00            = 200        gross 200 x 80 = 16,000.00
       paid by patients 2 x 2,000 + other funds 2 x 500          due  16,000 - 4,000 - 1,000 = 11,000.00
       95 %  10,450.00    retained 550.00    audit 120.05        paid 10,329.95
    B  one case     score 100 x 0.90                = 90         gross 90 x 80 = 7,200.00
       paid by patients 2,000.33 + other funds 500               due  7,200 - 2,000.33 - 500 = 4,699.67
       95 %  4,464.6865 -> 4,464.69    retained 234.98           paid 4,464.69
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "settlement"))

from region import Region

from core.rules import packs
from core.settlement import annual, booking, gather, month_cases
from core.settlement.advance import advance
from core.settlement.clearing import clear
from core.settlement.monthly import settle

RATES = {"month_rate_employee": "80", "reference_min_cases": "1"}


@pytest.fixture
def region(tmp_path: Path) -> Iterator[Region]:
    for room in (annual, gather, month_cases):
        room.forget()
    made = Region(tmp_path / "hand.dz")
    made.institutions(("HA", "甲医院", 2), ("HB", "乙医院", 5))
    made.groups({"dip_code": "K35.3:g", "score": "100", "mean_fee": 1_000_000})
    made.coefficients(("HA", "all", "base", "", "1"), ("HB", "all", "base", "", "0.9"))
    made.funded("employee", amount="60000.00")
    made.cases(
        {"setl_id": "a1", "institution": "HA", "fee": "8000", "own": "2000", "other": "500", "booked": "5500"},
        {"setl_id": "a2", "institution": "HA", "fee": "8000", "own": "2000", "other": "500", "booked": "5500"},
        {"setl_id": "b1", "institution": "HB", "fee": "8000", "own": "2000.33", "other": "500", "booked": "5499.67"},
        {"setl_id": "b2", "institution": "HB", "fee": "8000", "own": "2000", "booked": "6000", "day": "2024-04-02"},
        {"setl_id": "b0", "institution": "HB", "fee": "9000", "booked": "1200.06", "own": "7799.94", "day": "2023-04-02"},
    )
    made.deductions(("HA", "employee", "202403", "audit", "120.05"), ("HB", "employee", "202404", "audit", "7"))
    yield made
    made.workspace.close()


def figures(month: object, step: str) -> dict[str, Fraction]:
    sheet = month.funds[0]  # type: ignore[attr-defined]
    return dict(zip((one.code for one in sheet.institutions), sheet.values[step], strict=True))


def test_march(region: Region) -> None:
    month = settle(region.workspace, "2024-03", packs.load("ningde-2024", RATES))
    assert [sheet.fund for sheet in month.funds] == ["employee"]
    told = {
        "score": ("200", "90"),
        "month_gross": ("16000", "7200"),
        "month_due": ("11000", "4699.67"),
        "month_prepaid": ("10450", "4464.69"),
        "month_retention": ("550", "234.98"),
        "audit_deduction": ("120.05", "0"),
        "month_paid": ("10329.95", "4464.69"),
        "month_difference": ("0", "-800"),
    }
    for step, (a, b) in told.items():
        assert figures(month, step) == {"HA": Fraction(a), "HB": Fraction(b)}, step
    assert month.funds[0].region["month_paid_total"] == Fraction("14794.64")
    assert not [one for one in month.clearing.findings if one.code == "retention_high"]


def test_booked_and_cleared(region: Region) -> None:
    """Both months booked: the year takes off what was paid and retained, and gives the retention back.

    April, B: 90 points, gross 7,200, due 5,200.00, 95 % 4,940.00, retained 260.00, audit 7, paid 4,933.00.
    """
    pack = packs.load("ningde-2024", RATES)
    workspace = region.workspace
    for name in ("2024-03", "2024-04"):
        booking.book(workspace, settle(workspace, name, pack), "按月预结")
    rows = workspace.reader().execute(
        "SELECT fixmedins_code, period, kind, amount FROM payment ORDER BY 1, 2, 3"
    ).fetchall()
    assert rows == [
        ("HA", "202403", "monthly", 1_032_995), ("HA", "202403", "retention", 55_000),
        ("HB", "202403", "monthly", 446_469), ("HB", "202403", "retention", 23_498),
        ("HB", "202404", "monthly", 493_300), ("HB", "202404", "retention", 26_000),
    ]  # fmt: skip
    year = clear(workspace, 2024, pack).fund("employee")
    own = {name: dict(zip(("HA", "HB"), values, strict=True)) for name, values in year.values.items()}
    assert own["monthly_paid"] == {"HA": Fraction("10329.95"), "HB": Fraction("9397.69")}
    assert own["retention"] == {"HA": Fraction(550), "HB": Fraction("494.98")}
    for code in ("HA", "HB"):
        # Everything that the institution gets over the year: months and final, is its due less deductions, once.
        assert own["monthly_paid"][code] + own["final"][code] == own["due"][code] - own["audit_deduction"][code]


def test_advance(region: Region) -> None:
    """1,200.06 booked in 2023 over twelve months: 100.005 -> 100.01; of grade A where the table says 1.1: 110.011 -> 110.01."""
    found = advance(region.workspace, 2024, packs.load("ningde-2024"))
    assert figures(found, "prepay_amount") == {"HB": Fraction("100.01")}
    booking.book(region.workspace, found, "年初预拨")
    assert region.workspace.reader().execute("SELECT period, kind, amount FROM payment").fetchall() == [
        ("2024", "advance", 10_001)
    ]


def test_credit_grades(region: Region, tmp_path: Path) -> None:
    path = tmp_path / "graded.toml"
    path.write_text(
        """
[pack]
id = "graded"
extends = "ningde-2024"
title = { zh = "按信用等级预付", en = "Advance by credit" }

[[table]]
id = "credit_factor"
title = { zh = "信用等级系数表", en = "Factor by credit grade" }
cite = "Z"
evidence = "U"
[[table.row]]
from = 1
to = 2
value = 1.1
[[table.row]]
from = 2
to = 5
closed = true
value = 0.9
""",
        "utf-8",
    )
    pack = packs.load(path)
    from core.faults import Refused

    with pytest.raises(Refused) as refused:
        advance(region.workspace, 2024, pack)
    assert [one.code for one in refused.value.findings] == ["credit_missing"]
    with region.workspace.transaction("import", "credit") as connection:
        connection.execute("UPDATE institution SET credit = 'A' WHERE fixmedins_code = 'HB'")
    assert figures(advance(region.workspace, 2024, pack), "prepay_amount") == {"HB": Fraction("110.01")}
