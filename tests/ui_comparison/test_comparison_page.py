"""The Comparison page clicked through: tables, the pair's difference, charts, export, what it says where there is nothing."""

from __future__ import annotations

import csv
import shutil
from fractions import Fraction

import openpyxl
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from core.money import decimal, plain
from core.storage.workspace import Workspace
from ui.pages.comparison import ComparisonPage
from ui.pages.comparison.marked import BEST, WORST
from ui.pages.comparison.page import KEYS

MEAN = """
SELECT sum(fee), count(*) FROM cases
WHERE year = 2024 AND fixmedins_code = ? AND netting = 0 AND scope = 0 AND insutype IN ({funds})
    AND (coalesce(insu_admdvs, '') = '' OR substr(insu_admdvs, 1, 4) = '3509')
"""
FUNDS = {"employee": "310, 510", "resident": "390", "": "310, 510, 390"}


@pytest.fixture
def compared(page, idle, codes):
    page.chooser.choose(codes[:3])
    idle()
    return page


def figure(page, id: str, code: str) -> Fraction | None:
    sheet = page.shown.indicators
    return sheet.cells[f"value_{code}"][list(sheet.keys).index(id)]


def to_tab(page, key: str, idle) -> None:
    page.tabs.setCurrentIndex(KEYS.index(key))
    idle()
    assert page.stack.currentWidget() is page.views[key]


# Before anything is chosen


def test_without_a_workspace_it_says_where_to_begin(make_page, empty_desk) -> None:
    gone: list[str] = []
    empty_desk.wanted.connect(lambda where, _: gone.append(where))
    page = make_page()
    assert page.empty.isVisible()
    page.empty.button.click()
    assert gone == ["start"]


def test_an_empty_workspace_names_what_it_lacks(make_page, empty_desk, idle, tmp_path) -> None:
    Workspace.create(tmp_path / "empty.dianzhi", region="350900").close()
    empty_desk.open(tmp_path / "empty.dianzhi")
    idle()
    gone: list[tuple[str, object]] = []
    empty_desk.wanted.connect(lambda where, target: gone.append((where, target)))
    page = make_page()
    assert page.empty.isVisible()
    assert "机构" in page.empty.missing.text()
    assert "结算明细" in page.empty.missing.text()
    page.empty.button.click()
    assert gone == [("data", ("kind", "institutions"))]


def test_pairs_to_begin_with_and_one_more_to_choose(page, idle, codes) -> None:
    assert page.stack.currentWidget() is page.offers
    assert not page.result.isVisible()
    assert len(page.offers.buttons) == 6
    page.chooser.choose(codes[:1])
    idle()
    assert page.offers.said.text() == "再选至少一家机构。"
    page.offers.buttons[0].click()
    idle()
    assert len(page.chooser.codes) == 2
    assert page.stack.currentWidget() is page.views["indicators"]
    assert page.result.isVisible()


def test_what_was_compared_last_is_offered_again(compared, make_page, idle, desk, codes) -> None:
    another: ComparisonPage = make_page()
    assert "上次对比" in another.offers.buttons[0].text()
    another.offers.buttons[0].click()
    idle()
    assert another.chooser.codes == codes[:3]
    assert desk.settings.compared == {str(desk.workspace.path): list(codes[:3])}


def test_suggestions_beside_what_is_chosen(compared, idle, codes) -> None:
    menu = compared.suggest.menu()
    menu.aboutToShow.emit()
    first = compared.candidates[codes[0]]
    beside = [action.text() for action in menu.actions() if action.text().startswith("加入")]
    assert beside
    menu.actions()[0].trigger()
    idle()
    added = compared.candidates[compared.chooser.codes[3]]
    assert added.level == first.level


# Indicators


@pytest.mark.parametrize("fund", ["employee", "resident", ""])
def test_mean_costs_are_those_of_the_cases(compared, idle, desk, codes, fund) -> None:
    if fund:
        desk.choose(fund=fund)
    else:
        compared.both.click()
    idle()
    for code in codes[:3]:
        cost, cases = desk.workspace.reader().execute(MEAN.format(funds=FUNDS[fund]), (code,)).fetchone()
        assert plain(figure(compared, "mean_cost", code), 2) == plain(Fraction(cost, 100 * cases), 2)
        assert figure(compared, "cases", code) == cases
    shown = compared.shown.comparison
    assert f"{sum(one.cases for one in shown.institutions):,} 例" in compared.about.text()


def test_best_and_worst_are_marked_where_that_means_something(compared, codes) -> None:
    view = compared.views["indicators"]
    signs, found = view.table.model.signs, compared.shown.comparison
    by_cost = sorted(codes[:3], key=lambda code: found.value("mean_cost", code))
    assert signs["mean_cost", f"value_{by_cost[0]}"] == BEST
    assert signs["mean_cost", f"value_{by_cost[2]}"] == WORST
    assert ("mean_cost", f"value_{by_cost[1]}") not in signs
    by_cmi = sorted(codes[:3], key=lambda code: found.value("cmi", code))
    assert signs["cmi", f"value_{by_cmi[2]}"] == BEST
    assert not [place for place in signs if place[0] == "cases"]  # more cases are not better


def test_a_row_says_its_formula_and_has_its_own_decimals(compared, codes) -> None:
    view = compared.views["indicators"]
    view.table.select("mean_cost", f"value_{codes[0]}")
    assert view.about.text().startswith(f"{view.texts('indicators.mean_cost.title')} = ")
    assert "出处" in view.about.text()
    index = view.table.grid.currentIndex()
    shown = view.table.grid.text_at(index.row(), index.column())
    assert len(shown.partition(".")[2]) == 2
    assert decimal(shown.replace(",", "")) == figure(compared, "mean_cost", codes[0])
    view.table.select("cmi", f"value_{codes[0]}")
    index = view.table.grid.currentIndex()
    assert len(view.table.grid.text_at(index.row(), index.column()).partition(".")[2]) == 4
    view.table.select("cases", f"value_{codes[0]}")
    index, column = view.table.grid.currentIndex(), list(view.table.model.sheet.columns)
    place = next(at for at, one in enumerate(column) if one.id == "value_region")
    shown = view.table.grid.text_at(index.row(), place)
    assert "." not in view.table.grid.text_at(index.row(), index.column())
    assert decimal(shown.replace(",", "")) == figure(compared, "cases", "region"), "a mean of counts as it is exported"
    assert len(shown.partition(".")[2]) == 1


def test_a_figure_opens_its_cases(compared, desk, codes) -> None:
    wanted: list[tuple[str, object]] = []
    desk.wanted.connect(lambda page, target: wanted.append((page, target)))
    table = compared.views["indicators"].table
    table.select("readmission_30", f"value_{codes[1]}")
    table.activated.emit("readmission_30", f"value_{codes[1]}")
    table.activated.emit("mean_cost", "value_region")  # nobody reads a hundred thousand cases
    assert wanted == [("institutions", ("cases", codes[1], "readmission_30", compared.shown.comparison.fund, 2024))]


def test_differences_are_to_the_first_and_follow_the_order(compared, idle, codes) -> None:
    def against() -> list[str]:
        return [c.id for c in compared.shown.indicators.columns if c.id.startswith("against")]

    assert against() == [f"against_{codes[1]}_{codes[0]}", f"against_{codes[2]}_{codes[0]}"]
    compared.chooser.move(codes[2], -2)
    idle()
    assert against() == [f"against_{codes[0]}_{codes[2]}", f"against_{codes[1]}_{codes[2]}"]
    heading = compared.views["indicators"].table.grid.heading
    assert heading.groups[f"against_{codes[0]}_{codes[2]}"] == f"比 {compared.chooser.name(codes[2])}"
    assert heading.short[f"value_{codes[0]}"] == compared.chooser.name(codes[0])


# Groups


def test_shared_groups_and_the_way_to_the_catalogue(compared, idle, desk, codes) -> None:
    to_tab(compared, "groups", idle)
    view = compared.views["groups"]
    sheet = view.table.worksheet()
    assert [c.id for c in sheet.columns][:2] == ["dip_code", "dip_name"]
    assert all(count >= 2 for count in sheet.cells["shared_by"])
    assert view.table.grid.heading.short["cases_region"] == "全市合计"
    assert view.table.grid.heading.short["mean_region"] == "全市平均"
    view.least.setCurrentIndex(view.least.findData(3))
    view.least.activated.emit(view.least.currentIndex())
    idle()
    fewer = view.table.worksheet()
    assert 0 < fewer.rows < sheet.rows
    assert set(fewer.cells["shared_by"]) == {3}
    gone: list[tuple[str, object]] = []
    desk.wanted.connect(lambda where, target: gone.append((where, target)))
    key = str(fewer.keys[0])
    view.table.select(key)
    QTest.keyClick(view.table.grid, Qt.Key.Key_Return)
    assert gone == [("catalogue", ("group", key))]


# Why mean costs differ


def test_the_difference_of_a_pair_adds_up_and_turns_round(compared, idle, codes) -> None:
    to_tab(compared, "difference", idle)
    view = compared.views["difference"]
    assert (view.pair.code, view.pair.other) == codes[:2]
    split = view.pair.split
    assert split.mix + split.intensity + split.interaction == split.mean - split.other_mean
    series = view.chart.panels[0].series[0]
    assert series.form == "waterfall"
    steps = [decimal(text.replace(",", "").replace("−", "-").replace("+", "")) for text in series.texts]
    assert steps[0] + steps[1] + steps[2] + steps[3] == steps[4], "as written, to the fen"
    assert steps[4] == Fraction(plain(split.mean / 100, 2))
    for part in ("mix", "intensity", "interaction", "whole"):
        assert sum(view.table.worksheet().cells[part]) * 100 == getattr(split, part)
    whole = split.whole
    view.swap.click()
    idle()
    assert (view.pair.other, view.pair.code) == codes[:2]
    assert view.pair.split.whole == -whole
    assert plain(abs(view.pair.split.fen.whole) / 100, 2) in view.said.text().replace(",", "")


def test_a_bar_opens_the_groups_that_carry_it(compared, idle) -> None:
    to_tab(compared, "difference", idle)
    view = compared.views["difference"]
    for at, part in ((1, "mix"), (2, "intensity"), (3, "interaction")):
        view.chart.activated.emit(0, at)
        told = [view.table.worksheet().cells[part][row] for row in view.table.visible_rows()]
        assert told == sorted(told, reverse=getattr(view.pair.split, part) >= 0)


def test_against_the_level_and_against_oneself(compared, idle, codes) -> None:
    to_tab(compared, "difference", idle)
    view = compared.views["difference"]
    view.choose(codes[1], "level")
    idle()
    level = compared.shown.comparison.institution(codes[1]).level
    assert view.pair.split.other_mean == 100 * compared.shown.comparison.value("mean_cost", f"level.{level}")
    assert not view.swap.isEnabled()  # a level is no institution that could stand first
    view.choose(codes[1], codes[1])
    idle()
    assert view.asking.isVisible()
    assert view.pair is None
    assert view.table.worksheet().rows == 0


def test_a_chosen_pair_stays_when_others_come_and_goes_with_its_institution(compared, idle, codes) -> None:
    to_tab(compared, "difference", idle)
    view = compared.views["difference"]
    view.choose(codes[2], codes[1])
    idle()
    compared.chooser.add(codes[3])
    idle()
    assert (view.pair.code, view.pair.other) == (codes[2], codes[1])
    compared.chooser.remove(codes[2])
    idle()
    assert (view.pair.code, view.pair.other) == codes[:2]


# Charts


def test_charts_show_the_figures_of_the_table(compared, idle, codes) -> None:
    to_tab(compared, "charts", idle)
    view = compared.views["charts"]
    panel = next(one for one in view.chart.panels if one.title == view.texts("indicators.mean_cost.title"))
    found = compared.shown.comparison
    assert list(panel.x[:3]) == [one.name for one in found.institutions]
    assert panel.cases == sum(one.cases for one in found.institutions)
    for at, code in enumerate(codes[:3]):
        assert decimal(panel.series[0].texts[at].replace(",", "")) == figure(compared, "mean_cost", code)
    for section in range(view.sections.count()):
        view.sections.setCurrentIndex(section)
        idle()
        assert view.chart.panels
        assert len(view.chart.panels) <= 9


def test_charts_follow_the_unit_of_amounts(compared, idle, desk, codes) -> None:
    to_tab(compared, "charts", idle)
    view = compared.views["charts"]
    desk.show_wan(True)
    idle()
    panel = next(one for one in view.chart.panels if one.title == view.texts("indicators.mean_cost.title"))
    assert panel.unit == "万元"
    exact = compared.shown.comparison.value("mean_cost", codes[0])
    assert panel.series[0].texts[0] == plain(exact / 10_000, 4)


# Export


def test_one_workbook_with_everything_as_it_stands(compared, idle, codes, tmp_path) -> None:
    view = compared.views["groups"]
    to_tab(compared, "groups", idle)
    view.table.show_column("dip_name", False)
    view.table.set_condition("shared_by = 3")
    rows = len(view.table.visible_rows())
    to_tab(compared, "indicators", idle)
    compared.export_to(tmp_path / "对比.xlsx")
    idle()
    book = openpyxl.load_workbook(tmp_path / "对比.xlsx")
    assert len(book.worksheets) == 4  # also the difference, whose tab nobody looked at
    indicators, groups, parts, splits = book.worksheets
    titles = [cell.value for cell in indicators[2]]
    assert compared.chooser.name(codes[0]) in titles[2]
    assert len(titles) == len(set(titles))
    line = next(row for row in indicators.iter_rows(min_row=3, values_only=True) if row[0] == view.texts("indicators.mean_cost.title"))
    assert Fraction(str(line[2])) == figure(compared, "mean_cost", codes[0])
    headed = [cell.value for cell in groups[2]]
    assert "病种名称" not in headed
    assert groups.max_row == rows + 3
    assert any("病种结构" in str(cell.value) for cell in parts[2])
    assert "模拟" in str(indicators["A1"].value)
    assert splits.max_row == 2 + 3 + 6 + 1  # each two of three, each with its level and the region


def test_a_csv_file_for_each_table(compared, idle, tmp_path) -> None:
    compared.export_to(tmp_path / "对比.csv")
    idle()
    made = sorted(path.name for path in tmp_path.glob("对比*.csv"))
    assert made == sorted(["对比_指标.csv", "对比_共有病种.csv", "对比_次均费用为何不同.csv", "对比_各对机构分解.csv"])
    with (tmp_path / "对比_指标.csv").open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.reader(file))
    assert lines[0][:2] == ["指标", "单位"]
    assert len(lines) == compared.shown.indicators.rows + 2


# What changes around it


def test_another_year_is_compared_at_once(compared, idle, desk, codes) -> None:
    desk.choose(year=2023)
    idle()
    assert compared.shown.comparison.year == 2023
    assert compared.chooser.codes == codes[:3]
    assert compared.about.text().startswith("2023 年")


def test_codes_wanted_before_the_names_are_there(desk, qtbot, idle, codes) -> None:
    page = ComparisonPage(desk)
    qtbot.addWidget(page)
    page.refresh()
    page.show_target(("codes", codes[:2]))  # the names are still being read
    idle()
    assert page.chooser.codes == codes[:2]
    assert page.shown.comparison.codes == codes[:2]


def test_another_workspace_begins_anew(compared, idle, desk, tmp_path) -> None:
    Workspace.create(tmp_path / "empty.dianzhi", region="350900").close()
    desk.open(tmp_path / "empty.dianzhi")
    idle()
    assert compared.empty.isVisible()
    assert compared.chooser.codes == ()
    assert compared.shown is None


def test_institutions_without_cases_are_said_to_have_none(empty_desk, make_page, idle, codes, demonstration, tmp_path) -> None:
    desk = empty_desk
    desk.open(shutil.copy(demonstration, tmp_path / "own.dianzhi"))
    idle()
    desk.choose(year=2024)
    page = make_page()

    def register(workspace, _) -> None:
        with workspace.transaction("test", "register") as connection:
            for code in ("H99999900001", "H99999900002"):
                connection.execute(
                    "INSERT INTO institution SELECT ?, '新院', hosp_lv, hi_setl_lv, category, county, ownership, beds_authorised,"
                    " beds_open, credit, alliance, batch_id, row FROM institution LIMIT 1", (code,),
                )  # fmt: skip

    desk.change(register)
    idle()
    page.chooser.choose((codes[0], "H99999900001"))
    idle()
    assert figure(page, "mean_cost", "H99999900001") is None
    to_tab(page, "difference", idle)
    assert page.views["difference"].own.count() == 1
    page.chooser.choose(("H99999900001", "H99999900002"))
    idle()
    view = page.views["difference"]
    assert view.pair is None
    assert "没有计入的病例" in view.asking.said.text()
