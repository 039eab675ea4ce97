"""One institution's page: found by code, name and pinyin; drawn against level and region; down to the case; handed over."""

from __future__ import annotations

import math

import pytest
from openpyxl import load_workbook
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from ui.pages.institutions import series
from ui.pages.institutions.indicator_menu import KEPT

COUNTS = (
    "FROM cases WHERE fixmedins_code = ? AND netting = 0 AND scope = 0"
    " AND (coalesce(insu_admdvs, '') = '' OR insu_admdvs LIKE '3509%')"
)


def titled(one, title: str):
    return next(panel for panel in one.chart.panels if panel.title == title)


def pick(field, data) -> None:
    field.setCurrentIndex(field.findData(data))
    field.activated.emit(field.currentIndex())


def test_the_cases_of_a_figure_that_another_page_asks_for(page, desk, idle) -> None:
    code = desk.workspace.reader().execute(
        "SELECT fixmedins_code FROM cases WHERE year = 2024 GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1 OFFSET 2"
    ).fetchone()[0]  # fmt: skip
    expected = desk.workspace.reader().execute(
        "SELECT count(*) FROM cases WHERE year = 2024 AND fixmedins_code = ? AND fund = 2 AND netting = 0 AND scope = 0"
        " AND (coalesce(insu_admdvs, '') = '' OR insu_admdvs LIKE '3509%')", (code,)
    ).fetchone()[0]  # fmt: skip
    for _ in range(2):  # before the drawings were there, and after
        page.show_target(("cases", code, "mean_cost", "resident", 2024))
        idle()
        tab = page.stack.currentWidget()
        assert tab.chooser.code == code
        assert tab.stack.currentWidget() is tab.cases
        assert tab.cases.table.worksheet().rows == expected
        page.open_tab("league")


def test_eight_drawings_that_say_what_the_files_say(one, desk) -> None:
    code = one.chooser.code
    assert [panel.title for panel in one.chart.panels] == [
        "总分值", "病例数", "CMI", "次均费用", "平均住院日", "次均个人负担", "时间消耗指数", "费用消耗指数",
    ]  # fmt: skip
    ask = desk.workspace.reader().execute
    cases, costs = titled(one, "病例数").series[0], titled(one, "次均费用").series[0]
    assert len(cases.values) == 36
    for at, (year, month) in enumerate((year, month) for year in (2022, 2023, 2024) for month in range(1, 13)):
        day = f"{year}{month:02d}"
        count, cost = ask(
            f"SELECT count(*), coalesce(sum(fee), 0) {COUNTS} AND year = ? AND substr(day, 1, 6) = ?", (code, year, day)
        ).fetchone()
        assert (cases.values[at] or 0) == count
        if count:
            assert math.isclose(costs.values[at], cost / count / 100)
            assert abs(float(costs.texts[at].replace(",", "")) - cost / count / 100) <= 0.005 + 1e-9


def test_level_and_region_of_what_adds_up_are_means_of_an_institution(one) -> None:
    read = one.read
    code = one.chooser.code
    panel = titled(one, "病例数")
    level = read.level_of(code)
    peers = [at for at, key in enumerate(read.own.keys) if read.level_of(key) == level]
    for at in (0, 17, 35):
        there = [int(read.own.cases[row, at]) for row in peers if read.own.cases[row, at]]
        assert math.isclose(panel.series[1].values[at], sum(there) / len(there))
        every = [int(count) for count in read.own.cases[:, at] if count]
        assert math.isclose(panel.series[2].values[at], sum(every) / len(every))
        assert panel.series[2].cases[at] == sum(every)
    assert "每家平均" in panel.note
    assert "每家平均" not in titled(one, "CMI").note


def test_every_drawing_states_unit_period_and_cases(one) -> None:
    whole = int(one.read.own.cases[one.read.row(one.chooser.code)].sum())
    for panel in one.chart.panels:
        assert panel.cases == whole
        assert "2022–2024 年" in one.chart.about(panel)
    assert titled(one, "次均费用").unit == "元"
    assert titled(one, "总分值").unit == "分"


@pytest.mark.parametrize("text", ["第二医院", "deyy", "dieryiyuan"])
def test_found_as_one_types(one, text) -> None:
    names = {item.code: item.name for item in one.ground.institutions}
    one.chooser.field.setText(text)
    shown = [one.chooser.list.item(row).text() for row in range(one.chooser.list.count())]
    assert any("第二医院" in name for name in shown)
    assert len(shown) < len(names)


def test_found_by_code_and_walked_by_keys(one, idle) -> None:
    code = one.ground.institutions[9].code
    one.chooser.field.setText(code)
    QTest.keyClick(one.chooser.field, Qt.Key.Key_Return)
    assert one.chooser.code == code
    assert one.name.text() == one.ground.institutions[9].name
    QTest.keyClick(one.chooser.field, Qt.Key.Key_Escape)
    QTest.keyClick(one.chooser.field, Qt.Key.Key_Down)
    idle()
    assert one.chooser.code == one.ground.institutions[10].code
    one.chooser.field.setText("查无此院")
    assert one.chooser.list.count() == 0
    assert one.chooser.count.text() == "没有相符的机构"
    assert one.chooser.code == one.ground.institutions[10].code, "what is drawn stays"


def test_another_institution_is_drawn_without_being_asked_for(one, desk) -> None:
    read = one.read
    before = [panel.series[0].values for panel in one.chart.panels]
    one.chooser.step(1)
    assert one.read is read
    assert [panel.series[0].values for panel in one.chart.panels] != before
    assert one.chart.panels[0].series[0].name == one.name.text()


def test_quarters_and_years_add_up(one, idle) -> None:
    months = [value or 0 for value in titled(one, "病例数").series[0].values]
    pick(one.by, "quarter")
    idle()
    quarters = [value or 0 for value in titled(one, "病例数").series[0].values]
    assert quarters == [sum(months[at : at + 3]) for at in range(0, 36, 3)]
    pick(one.by, "year")
    idle()
    assert [value or 0 for value in titled(one, "病例数").series[0].values] == [sum(months[at : at + 12]) for at in (0, 12, 24)]


def test_funds_add_up_to_both(one, idle) -> None:
    found = []
    for fund in ("", "employee", "resident"):
        pick(one.fund, fund)
        idle()
        found.append([value or 0 for value in titled(one, "总分值").series[0].values])
    for both, employee, resident in zip(*found, strict=True):
        assert math.isclose(both, employee + resident)


def test_catalogue_changes_stand_on_the_axis(one) -> None:
    found = {mark.value: mark.text for mark in one.chart.panels[0].marks}
    assert all(mark.upright for mark in one.chart.panels[0].marks)
    assert "2023" in found[12]
    assert "2024" in found[24]
    assert any("2024" in line for line in one.chart.told(0, 24))


def test_months_that_stand_out_are_ringed_and_told(one, qtbot, idle) -> None:
    from core.analysis.standing_out import judge

    row = one.read.row(one.chooser.code)
    qtbot.waitUntil(lambda: (one.chooser.code, "score") in one.read.judged, timeout=60_000)
    idle()
    for id, panel in zip(one.read.ids, one.chart.panels, strict=True):
        cases = None if id in ("score", "cases") else one.read.own.cases[row]
        expected = judge(one.read.own.periods, one.read.own.values[id][row], cases=cases).standouts
        assert sorted(panel.series[0].ringed) == [one.read.own.periods.index(item.month) for item in expected]
        for at, said in panel.series[0].ringed.items():
            assert said in one.chart.told(one.chart.panels.index(panel), at)
    assert "3.5" in one.formula.text(), "the rule is stated"


def test_rebased_on_one_catalogue(one, idle) -> None:
    plain = list(titled(one, "总分值").series[0].texts)
    stays = list(titled(one, "次均费用").series[0].texts)
    one.rebase.setChecked(True)
    pick(one.version, "2024")
    idle()
    panel = titled(one, "总分值")
    assert "按目录 2024 重算" in panel.note
    assert list(panel.series[0].texts)[24:] == plain[24:], "the year on its own catalogue is as it was"
    assert list(panel.series[0].texts)[:24] != plain[:24]
    assert list(titled(one, "次均费用").series[0].texts) == stays
    assert "2024" in one.formula.text()
    one.rebase.setChecked(False)
    idle()
    assert list(titled(one, "总分值").series[0].texts) == plain


def test_formula_and_source_of_what_is_pointed_at(one) -> None:
    one.chart.point(3, 30)
    assert "次均费用" in one.formula.text()
    assert "医疗总费用" in one.formula.text()
    assert "宁医保函〔2025〕116号" in one.formula.text()
    assert one.beneath.text() == "2024 年 7 月的病例"


def test_down_to_the_cases_and_on_to_one(one, desk, idle) -> None:
    wanted: list[tuple] = []
    desk.wanted.connect(lambda page, target: wanted.append((page, target)))
    one.chart.point(3, 30)
    one.beneath.click()
    idle()
    sheet = one.cases.table.worksheet()
    told = desk.workspace.reader().execute(
        f"SELECT setl_id {COUNTS} AND substr(day, 1, 6) = '202407'", (one.chooser.code,)
    ).fetchall()  # fmt: skip
    assert sorted(sheet.keys) == sorted(row[0] for row in told)
    assert set(sheet.cells["fund"]) <= {"职工医保", "居民医保"}
    assert sum(sheet.cells["over"]) / sum(sheet.cells["under"]) == one.read.own.exact("mean_cost", one.chooser.code, 202407)
    one.cases.table.select(sheet.keys[0])
    QTest.keyClick(one.cases.table.grid, Qt.Key.Key_Return)
    assert wanted == [("packs", ("calculate", str(sheet.keys[0])))]
    one.cases.back.click()
    assert one.stack.currentIndex() == 0


def test_double_click_on_the_chart_opens_the_cases_of_that_month(one, idle) -> None:
    one.chart.setFocus()
    one.chart.point(1, 24)
    QTest.keyClick(one.chart, Qt.Key.Key_Return)
    idle()
    assert "2024 年 1 月" in one.cases.title.text()
    assert one.cases.table.worksheet().rows == one.read.own.cases[one.read.row(one.chooser.code), 24]
    one.chooser.step(1)
    assert one.stack.currentIndex() == 0, "another institution is drawn"


def test_other_indicators_are_drawn_and_remembered(one, desk, idle) -> None:
    menu = one.indicators
    rows = {menu.list.item(row).data(Qt.ItemDataRole.UserRole): menu.list.item(row) for row in range(menu.list.count())}
    assert not rows["accuracy"].flags() & Qt.ItemFlag.ItemIsEnabled, "a figure of whole years"
    assert "outside_share" not in rows, "no figure of an institution"
    rows["drug_share"].setCheckState(Qt.CheckState.Checked)
    idle()
    assert titled(one, "药占比").unit == "%"
    assert "drug_share" in desk.settings.tables[KEPT]["ids"]
    menu.usual.click()
    idle()
    assert len(one.chart.panels) == len(series.USUAL)


def test_not_more_than_can_be_read(one) -> None:
    menu = one.indicators
    for _ in range(30):
        free = [
            menu.list.item(row) for row in range(menu.list.count())
            if menu.list.item(row).flags() & Qt.ItemFlag.ItemIsEnabled and menu.list.item(row).checkState() == Qt.CheckState.Unchecked
        ]  # fmt: skip
        if not free:
            break
        free[0].setCheckState(Qt.CheckState.Checked)
    assert len(menu.ids()) == series.MOST
    assert menu.said.text()


def test_everything_leaves_as_it_stands(one, idle, tmp_path) -> None:
    path = tmp_path / "走势.xlsx"
    one.export_to(path)
    idle()
    book = load_workbook(path)
    names = book.sheetnames
    assert len(names) >= 3
    rows = list(book[names[0]].iter_rows(values_only=True))
    text = "\n".join(str(cell) for row in rows for cell in row if cell is not None)
    assert "模拟" in text
    head = next(at for at, row in enumerate(rows) if "时段" in row)
    body = [row for row in rows[head + 1 :] if str(row[0]).endswith("月")]
    assert len(body) == 36
    column = next(at for at, cell in enumerate(rows[head]) if str(cell).startswith("病例数") and one.name.text() in str(cell))
    assert [row[column] for row in body] == one.read.own.cases[one.read.row(one.chooser.code)].tolist()


def test_amounts_in_wan_at_once(one, desk) -> None:
    before = titled(one, "次均费用").series[0].values
    desk.show_wan(True)
    panel = titled(one, "次均费用")
    assert panel.unit == "万元"
    assert [value and value * 10_000 for value in panel.series[0].values] == pytest.approx(before)


def test_on_to_why(one, page) -> None:
    asked: list[tuple] = []
    one.wanted.disconnect()
    one.wanted.connect(lambda *what: asked.append(what))
    one.why.click()
    assert asked == [("why", one.chooser.code, "employee")]


def test_a_target_from_another_page_opens_that_institution(page, idle) -> None:
    code = page.ground.institutions[12].code
    page.show_target(("institution", code))
    idle()
    tab = page.stack.currentWidget()
    assert tab.chooser.code == code
    assert tab.chart.panels[0].series[0].name == page.ground.institutions[12].name


def test_an_institution_without_cases_says_so(one, desk, idle) -> None:
    from core.storage.ledger import Change, Edit

    row = desk.workspace.reader().execute("SELECT * FROM institution LIMIT 1")
    names = [column[0] for column in row.description]
    values = dict(zip(names, row.fetchone(), strict=True))
    values["fixmedins_name"] = "新开医院"
    after = {name: value for name, value in values.items() if name != "fixmedins_code"}
    change = Change("institution", {"fixmedins_code": "H35099999999"}, None, after)
    desk.change(lambda workspace, _: workspace.ledger.commit(Edit("edit", "H35099999999", (change,), "测试")))
    idle()
    one.chooser.choose("H35099999999")
    idle()
    assert one.chart.panels == ()
    assert "新开医院" in one.asking.said.text()
    assert not one.export.isEnabled()
    one.chooser.choose(one.ground.institutions[0].code)
    assert one.chart.panels
    assert not one.asking.isVisible()
