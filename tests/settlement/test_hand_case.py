"""A clearing worked by hand: deviation both ways, auxiliary bands, a bonus from July on, primary care, bed days,
a refund pair, both kinds of special case, an ungrouped case, a dated top-up.

Employee fund, ningde-2024. Reference means: H1 (level 3) is given 10,000.00 for K35.3; H2 (level 1) has none, so the
catalogue's mean times k holds there.

    case  fee      k                    u                 x                       score
    c1    10,000   1                    1                 1                       1.2                         1.2000
    c2     4,000   1 + 0.05             1                 0.4 low                 1.2 x 0.4 x 1.05            0.5040
    c3    30,000   1.05 (1 July)        max(1.3, 1.5)     3 high                  1.2 x (3-1) x 1.05 x 1.5    3.7800
    c4     3,000   1 (primary care)     1                 3,000 / (3,000 x 1)     0.5                         0.5000
    c5     2,000   0.8 - 0.02 = 0.78    1                 2,000 / (8,000 x 0.78)  1.2 x 2,000/6,240 x 0.78    0.3000
    c7    20,000   adjusted special case: 7.7777 as decided                                                   7.7777
    c9     2,000   0.78                 1                 no mean                 0.03 x 10 days x 0.78       0.2340
    c10    1,000   no group                                                                                   0.0000

H1 1.2 + 0.504 + 3.78 + 7.7777 = 13.2617, H2 0.5 + 0.3 + 0.234 = 1.034, together 14.2957.
Fund: 200,000 + 10,000 - 20,000 - 5,000 - 5,000 (by item) = 180,000. Own pay, 40 %: H1 26,000, H2 2,800.
Point value (180,000 + 28,800) / 14.2957 = 14,605.79055... -> 14,605.7906.
H1 13.2617 x 14,605.7906 = 193,697.61320 -> due 167,697.61; H2 15,102.38748 -> due 12,302.39; sum 180,000.00.
"""

from __future__ import annotations

from fractions import Fraction

import pytest
from region import Region

from core.rules import packs
from core.settlement.clearing import case_story, cases_of, clear, explain, rows_of


@pytest.fixture
def worked(region: Region) -> Region:
    region.institutions(("H1", "市医院", 2), ("H2", "卫生院", 8))
    region.groups(
        {"dip_code": "K35.3:g", "score": "1.2", "mean_fee": 800_000},
        {"dip_code": "J18.9:g", "score": "0.5", "mean_fee": 300_000, "kind": "primary_care"},
        {"dip_code": "F20.9:b", "score": "0.03", "kind": "bed_day"},
    )
    region.auxiliary(
        ("K35.3:g", "age", "66+", "1.3"),
        ("K35.3:g", "icu_days", "2-7", "1.5"),
        ("F20.9:b", "age", "66+", "9"),
    )
    region.coefficients(
        ("H1", "all", "base", "", "1.0"),
        ("H1", "employee", "bonus:专科", "2024-07-01", "0.05"),
        ("H1", "all", "bonus:专科", "", "0.00"),
        ("H2", "all", "base", "", "0.8"),
        ("H2", "all", "deduction:考核", "", "0.02"),
    )
    region.budget(
        ("employee", "dip_budget", "200000"),
        ("employee", "dip_topup", "10000"),
        ("employee", "outside_card", "20000"),
        ("employee", "outside_manual", "5000"),
    )
    region.reference_means(("K35.3:g", "3", "all", "10000.00"))
    region.special(("c7", "adjusted", "7.7777"), ("c8", "by_item", None), ("c1", "rejected", None))
    adult = {"age": 40}
    region.cases(
        {"setl_id": "c1", "institution": "H1", "fee": "10000", "day": "2024-03-01", **adult},
        {"setl_id": "c2", "institution": "H1", "fee": "4000", "day": "2024-08-01", **adult},
        {
            "setl_id": "c3",
            "institution": "H1",
            "fee": "30000",
            "day": "2024-07-01",
            "brdy": "1950-01-31",
            "icu_days": 3,
        },
        {"setl_id": "c4", "institution": "H2", "fee": "3000", "group": "J18.9:g"},
        {"setl_id": "c5", "institution": "H2", "fee": "2000", **adult},
        {"setl_id": "c6", "institution": "H1", "fee": "7000"},
        {
            "setl_id": "c6r",
            "institution": "H1",
            "fee": "-7000",
            "sign": -1,
            "init_setl_id": "c6",
            "refd_setl_flag": 1,
        },
        {"setl_id": "c7", "institution": "H1", "fee": "20000", **adult},
        {"setl_id": "c8", "institution": "H2", "fee": "9000", "booked": "5000.00", **adult},
        {
            "setl_id": "c9",
            "institution": "H2",
            "fee": "2000",
            "group": "F20.9:b",
            "act_ipt_days": 10,
            "age": 70,
        },
        {"setl_id": "c10", "institution": "H1", "fee": "1000", "group": None},
    )
    return region


SCORES = {
    "c1": "1.2",
    "c2": "0.504",
    "c3": "3.78",
    "c4": "0.5",
    "c5": "0.3",
    "c7": "7.7777",
    "c9": "0.234",
    "c10": "0",
}


def test_every_case(worked: Region) -> None:
    clearing = clear(worked.workspace, 2024, packs.load("ningde-2024"))
    sheet = cases_of(worked.workspace, clearing, "employee", lang="en")
    column = next(one for one in sheet.columns if one.id == "score")
    got = {str(sheet.cells["setl_id"][i]): Fraction(sheet.text(i, column)) for i in range(sheet.rows)}
    assert got == {setl_id: Fraction(score) for setl_id, score in SCORES.items()}
    only = cases_of(worked.workspace, clearing, "employee", "H2", lang="en")
    assert list(only.cells["setl_id"]) == ["c4", "c5", "c9"]
    assert only.totals["score"] == 10340
    sources = dict(zip(sheet.cells["setl_id"], sheet.cells["reference_source"], strict=True))
    assert sources["c1"] == "given mean"
    assert sources["c5"] == "catalogue mean x coefficient"
    assert sources["c9"] == "none"


def test_sums_point_value_and_dues(worked: Region) -> None:
    sheet = clear(worked.workspace, 2024, packs.load("ningde-2024")).fund("employee")
    assert sheet.values["score"] == (Fraction("13.2617"), Fraction("1.034"))
    assert sheet.values["cases"] == (5, 3)
    # rw of c1 c2 c3 c7: 4 x 1.2; of H2: 0.5 + 1.2 + 0.3
    assert sheet.values["base_score"] == (Fraction("4.8"), Fraction("2"))
    assert sheet.values["coefficient"] == (Fraction("1.05"), Fraction("0.78"))
    assert sheet.values["by_item"] == (0, 5000)
    assert sheet.region["fund_available"] == 180_000
    assert sheet.region["point_value"] == Fraction("14605.7906")
    assert sheet.values["due"] == (Fraction("167697.61"), Fraction("12302.39"))
    assert sheet.region["residual"] == 0
    assert sheet.values["own_pay"] == (26_000, 2_800)


def test_stamps_count_what_was_used_and_left_out(worked: Region) -> None:
    stamps = clear(worked.workspace, 2024, packs.load("ningde-2024")).stamps
    assert stamps.references == {"none": 2, "given": 4, "level": 0, "catalogue": 2}
    counts = {name: n for name, n in stamps.counts.items() if n}
    assert counts == {
        "rows": 11,
        "in_scope": 9,
        "refund_pair": 2,
        "by_item": 1,
        "adjusted": 1,
        "ungrouped": 1,
    }
    assert stamps.set_name == "imported"
    assert stamps.set_state == "draft"


def test_down_to_the_single_case(worked: Region) -> None:
    workspace = worked.workspace
    clearing = clear(workspace, 2024, packs.load("ningde-2024"))
    story = case_story(workspace, clearing, "c3")
    assert (story.counted, story.score, story.row) == (True, Fraction("3.78"), 4)
    assert story.branch["en"] == "High-cost case"
    values = {line.id: line.value for line in story.lines}
    assert (values["k"], values["u"], values["reference"]) == ("1.05", "1.5", "10000.00")
    assert case_story(workspace, clearing, "c6").out == "refund_pair"
    assert case_story(workspace, clearing, "c8").out == "by_item"
    assert case_story(workspace, clearing, "c7").score == Fraction("7.7777")
    assert not case_story(workspace, clearing, "c10").review
    rows = rows_of(workspace, clearing, "employee", "", "budget")
    assert rows.totals["amount"] == 21_000_000
    assert list(rows.cells["row"]) == [2, 3]
    assert rows_of(workspace, clearing, "employee", "H2", "by_item").totals["amount"] == 500_000
    told = explain(workspace, clearing, "employee", "institution", "H1", "due")
    assert told.value == Fraction("167697.61")


def test_ungrouped_by_actual_fee_or_not_at_all(worked: Region) -> None:
    """c10 is paid its 600.00 like a by-item case: 180,000 - 600; its own pay of 400 leaves with it."""
    sheet = clear(worked.workspace, 2024, packs.load("ningde-2024", {"ungrouped": "actual_fee"})).fund(
        "employee"
    )
    assert sheet.values["by_item"] == (600, 5000)
    assert sheet.region["fund_available"] == 179_400
    assert sheet.values["cases"] == (4, 3)
    assert sheet.values["own_pay"] == (25_600, 2_800)


def test_primary_care_with_coefficient(worked: Region) -> None:
    """c4: 0.5 x 0.78, and its mean is the catalogue's 3,000 x 0.78 = 2,340, x = 1.28."""
    pack = packs.load("ningde-2024", {"primary_care_coefficient": "true"})
    sheet = clear(worked.workspace, 2024, pack).fund("employee")
    assert sheet.values["score"][1] == Fraction("0.39") + Fraction("0.3") + Fraction("0.234")
