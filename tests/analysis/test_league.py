"""The league: the published growth on the demonstration, a region by hand, and every figure by plain SQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import pytest

from core.analysis import measures
from core.analysis.league import INDICATORS_SHOWN, league, measures_of, why_empty
from core.faults import Usage
from core.money import plain, rounded
from core.rules.cases import FUNDS
from core.settlement import annual, gather
from core.storage.workspace import Workspace
from core.texts import Texts
from core.worksheet import Worksheet
from tests.settlement.region import Region

F = Fraction
PACK = "ningde-2024"
# domain.md 10 A6: growth of scores 2024 on 2023, employee and resident; the demonstration gives its own names to the five.
PUBLISHED = {
    "澄溪市医院": ("64.70", "79.75"), "竹源县中医院": ("50.84", "50.14"), "鹭屿市医院": ("38.76", "34.38"),
    "云岫区医院": ("25.33", "27.85"), "霞岭县医院": ("20.59", "26.00"),
}  # fmt: skip


@pytest.fixture(scope="module")
def demo(demonstration_copy: Callable[[int, Path], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    with Workspace.open(demonstration_copy(100, tmp_path_factory.mktemp("league"))) as workspace:
        yield workspace


@pytest.fixture
def region(tmp_path: Path) -> Iterator[Region]:
    for one in (annual, gather, measures):
        one.forget()
    made = Region(tmp_path / "region.dz")
    made.institutions(("H1", "甲医院", 2), ("H2", "乙医院", 5), ("H3", "丙卫生院", 11), ("H4", "空", 11))
    made.coefficients(*((code, "all", "base", "", "1") for code in ("H1", "H2", "H3")))
    for year, version in ((2023, "v2023"), (2024, "v2024")):
        made.groups({"dip_code": "A", "score": "1"}, {"dip_code": "B", "score": "2.5"}, version=version, year=year)
    yield made
    made.workspace.close()


def cell(sheet: Worksheet, code: str, column: str) -> str:
    assert sheet.keys is not None
    row = sheet.keys.tolist().index(code)
    return sheet.text(row, next(one for one in sheet.columns if one.id == column))


def test_published_growth(demo: Workspace) -> None:
    sheet = league(demo, 2024, pack=PACK)
    names = sheet.cells["fixmedins_name"].tolist()
    codes = {name: sheet.keys[names.index(name)] for name in PUBLISHED}  # type: ignore[index]
    for name, (employee, resident) in PUBLISHED.items():
        assert cell(sheet, codes[name], "employee_growth") == employee
        assert cell(sheet, codes[name], "resident_growth") == resident


def test_figures_by_plain_sql(demo: Workspace) -> None:
    sheet = league(demo, 2024, pack=PACK)
    question = (
        "SELECT fixmedins_code, count(*), sum(fee), sum(own_pay), sum(act_ipt_days), count(act_ipt_days) FROM cases WHERE"
        " year = ? AND netting = 0 AND scope = 0 AND substr(insu_admdvs, 1, 4) = ?"
        " AND fixmedins_code IN (SELECT fixmedins_code FROM institution) GROUP BY 1"
    )
    years = {
        year: {row[0]: row[1:] for row in demo.reader().execute(question, (year, demo.region[:4]))} for year in (2023, 2024)
    }
    assert set(sheet.keys.tolist()) == set(years[2023]) | set(years[2024])  # type: ignore[union-attr]
    for code in sheet.keys.tolist():  # type: ignore[union-attr]
        if code not in years[2024]:
            assert cell(sheet, code, "mean_cost") == ""
            continue
        cases, fee, own, days, stays = years[2024][code]
        assert cell(sheet, code, "cases") == str(cases)
        assert cell(sheet, code, "mean_cost") == plain(rounded(F(fee, 100 * cases), 2), 2)
        assert cell(sheet, code, "mean_stay") == plain(rounded(F(days, stays), 2), 2)
        assert cell(sheet, code, "burden_share") == plain(rounded(F(100 * own, fee), 2), 2)
        if code not in years[2023]:
            assert cell(sheet, code, "cases_change") == cell(sheet, code, "mean_cost_change") == ""
            continue
        cases_1, fee_1, own_1, *_ = years[2023][code]
        assert cell(sheet, code, "cases_change") == plain(rounded((F(cases, cases_1) - 1) * 100, 2), 2)
        was = F(fee_1, cases_1)
        assert cell(sheet, code, "mean_cost_change") == plain(rounded((F(fee, cases) / was - 1) * 100, 2), 2)
        assert cell(sheet, code, "burden_share_change") == plain(rounded(F(100 * own, fee) - F(100 * own_1, fee_1), 2), 2)


def test_order_and_sums(demo: Workspace) -> None:
    sheet = league(demo, 2024, pack=PACK)
    scores = [one for one in sheet.cells["score"] if one is not None]
    assert scores == sorted(scores, reverse=True)
    for employee, resident, whole in zip(
        *(sheet.cells[name] for name in ("employee_score", "resident_score", "score")), strict=True
    ):
        assert (employee or 0) + (resident or 0) == (whole or 0)
    # The region's published totals of 2024, a hundredth of them.
    totals = {fund: sum(one for one in sheet.cells[f"{fund}_score"] if one is not None) for fund in FUNDS}
    assert totals == {"employee": rounded(F("86835.01") / 100, 4), "resident": rounded(F("369415.04") / 100, 4)}


def stays(region: Region, *rows: tuple[str, str, str, str, str]) -> None:
    """Institution, group, fee, day, fund."""
    region.cases(
        *(
            {"setl_id": f"{day}-{i}", "institution": code, "group": group, "fee": fee, "day": day, "fund": fund}
            for i, (code, group, fee, day, fund) in enumerate(rows)
        )
    )


def by_hand(region: Region) -> None:
    stays(
        region,
        ("H1", "A", "1000", "2023-01-05", "employee"), ("H1", "A", "1000", "2023-02-05", "resident"),
        ("H2", "B", "3000", "2023-03-05", "employee"),
        ("H1", "B", "1500", "2024-01-05", "employee"), ("H1", "A", "1300", "2024-02-05", "resident"),
        ("H1", "A", "1300", "2024-02-05", "resident"), ("H3", "A", "800", "2024-05-05", "resident"),
    )  # fmt: skip


def test_by_hand(region: Region) -> None:
    by_hand(region)
    sheet = league(region.workspace, 2024, pack=PACK)
    # H1 scores 2.5 + 1 + 1, H3 1; H2 had cases in the year before alone; H4 never.
    assert sheet.keys.tolist() == ["H1", "H3", "H2"]  # type: ignore[union-attr]
    assert [cell(sheet, code, "rank") for code in ("H1", "H3", "H2")] == ["1", "2", ""]
    assert cell(sheet, "H1", "score") == "4.5000"
    assert cell(sheet, "H1", "score_growth") == "125.00"
    assert (cell(sheet, "H1", "employee_growth"), cell(sheet, "H1", "resident_growth")) == ("150.00", "100.00")
    assert cell(sheet, "H3", "score_growth") == cell(sheet, "H3", "employee_score") == ""
    assert cell(sheet, "H2", "score_growth") == "-100.00"
    assert cell(sheet, "H1", "mean_cost_change") == "36.67"  # (1500 + 1300 + 1300) / 3 on 1000
    assert cell(sheet, "H1", "burden_share_change") == "0.00"


def test_one_fund(region: Region) -> None:
    by_hand(region)
    sheet = league(region.workspace, 2024, pack=PACK, fund="resident")
    assert sheet.keys.tolist() == ["H1", "H3"]  # type: ignore[union-attr]
    assert cell(sheet, "H1", "score") == "2.0000"
    assert cell(sheet, "H1", "cases") == "2"
    assert not {"employee_score", "resident_growth"} & {one.id for one in sheet.columns}
    with pytest.raises(Usage):
        league(region.workspace, 2024, pack=PACK, fund="both")


def test_equal_scores_share_a_rank_and_stand_by_code(region: Region) -> None:
    stays(
        region, ("H3", "A", "900", "2024-05-05", "resident"), ("H2", "A", "800", "2024-05-05", "employee"),
        ("H1", "B", "800", "2024-05-05", "resident"),
    )  # fmt: skip
    sheet = league(region.workspace, 2024, pack=PACK)
    assert sheet.keys.tolist() == ["H1", "H2", "H3"]  # type: ignore[union-attr]
    assert [cell(sheet, code, "rank") for code in ("H1", "H2", "H3")] == ["1", "2", "2"]
    # nothing stands a year before
    assert {cell(sheet, code, "score_growth") for code in ("H1", "H2", "H3")} == {""}


def test_without_scores_the_other_figures_stand_and_why_is_said(region: Region) -> None:
    by_hand(region)
    # no case of the region states days, drugs or consumables
    columns = {one.column for one in why_empty(measures_of(region.workspace, 2024, PACK), 2024) if one.code == "lacking_column"}
    assert columns == {"act_ipt_days", "drug_fee", "consumable_fee"}
    region.cases({"setl_id": "x", "institution": "H4", "group": "A", "fee": "10", "day": "2024-03-03"})  # without coefficient
    sheet = league(region.workspace, 2024, pack=PACK)
    assert cell(sheet, "H1", "score") == ""
    assert cell(sheet, "H1", "cases") == "3"
    assert "coefficient_missing" in [one.code for one in why_empty(measures_of(region.workspace, 2024, PACK), 2024)]


def test_titles_in_both_languages(region: Region) -> None:
    by_hand(region)
    for lang in ("zh", "en"):
        sheet = league(region.workspace, 2024, pack=PACK, lang=lang)
        titles = [one.title[lang] for one in sheet.columns]
        assert len(set(titles)) == len(titles)
        assert not [title for title in titles if "{" in title or "." in title]
        assert all(Texts(lang).has(f"unit.{one.unit}") for one in sheet.columns if one.unit)
        assert cell(sheet, "H1", "level") == Texts(lang)("indicators.level.3")
    assert {*INDICATORS_SHOWN} < {one.id for one in sheet.columns}
