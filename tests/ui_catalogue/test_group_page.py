"""A group's page: what it says is what the workspace holds; years, links and cases lead on."""

from __future__ import annotations

from fractions import Fraction

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from core.money import plain

STROKE = "I63.9:保守治疗"
COUNTS = (
    "FROM cases WHERE dip_dise_grp_code = ? AND year = ? AND netting = 0 AND scope = 0"
    " AND fixmedins_code IN (SELECT fixmedins_code FROM institution)"
    " AND (coalesce(insu_admdvs, '') = '' OR insu_admdvs LIKE '3509%')"
)


def opened(tab, idle, code: str = STROKE):
    tab.show_target(("group", code))
    idle()
    assert tab.panel.page is not None
    return tab.panel


def test_overview_and_charts_say_what_the_files_say(tab, desk, idle) -> None:
    panel = opened(tab, idle)
    ask = desk.workspace.reader().execute
    score, name = ask("SELECT score, dip_name FROM catalogue WHERE version = '2024' AND dip_code = ?", (STROKE,)).fetchone()
    assert panel.name.text() == name
    assert f"{plain(Fraction(score))} 分" in panel.definition.text()
    assert "I63.9" in panel.definition.text()
    panels = {one.title: one for one in panel.trend.panels}
    for place, year in enumerate(panels["病例数"].x):
        cases, total = ask(f"SELECT count(*), coalesce(sum(fee), 0) {COUNTS}", (STROKE, int(year))).fetchone()
        assert panels["病例数"].series[0].values[place] == cases
        mean = panels["次均费用"].series[0].values[place]
        assert mean is None if not cases else abs(mean - total / cases / 100) < 0.005
    versions = dict(ask("SELECT version, score FROM catalogue WHERE dip_code = ?", (STROKE,)).fetchall())
    drawn = dict(zip(panels["分值"].x, panels["分值"].series[0].texts, strict=True))
    assert drawn == {version: plain(Fraction(score)) for version, score in versions.items()}


def test_spread_institutions_and_cases_close_with_each_other(tab, desk, idle) -> None:
    panel = opened(tab, idle)
    line = panel.page.profile.line(2024)
    histogram = panel.histogram.panels[0]
    beyond = line.spread.beyond
    assert sum(histogram.series[0].values) + beyond == line.cases == histogram.cases
    panel.tabs.setCurrentIndex(2)
    institutions = panel.institutions.worksheet()
    assert int(institutions.cells["cases"].sum()) == line.cases
    panel.tabs.setCurrentIndex(4)
    idle()
    cases = panel.cases.worksheet()
    assert cases.rows == line.cases
    assert int(cases.cells["fee"].sum()) == line.total
    said = desk.workspace.reader().execute(f"SELECT setl_id {COUNTS}", (STROKE, 2024)).fetchall()
    assert sorted(cases.keys) == sorted(row[0] for row in said)
    assert all(cases.cells["file"]), "down to the imported row"


def test_another_year_of_the_same_group(tab, idle) -> None:
    panel = opened(tab, idle)
    panel.tabs.setCurrentIndex(4)
    idle()
    years = [panel.year.itemData(i) for i in range(panel.year.count())]
    assert years == sorted(years, reverse=True)
    panel.year.setCurrentIndex(panel.year.findData(2022))
    panel.year.activated.emit(panel.year.currentIndex())
    idle()
    assert panel.page.profile.year == 2022
    assert panel.cases.worksheet().rows == panel.page.profile.line(2022).cases


def test_a_link_to_an_earlier_version_leads_there(tab, idle) -> None:
    panel = opened(tab, idle)
    panel.past.linkActivated.emit(f"2022\n{STROKE}")
    idle()
    assert tab.version.currentData() == "2022"
    assert panel.page.profile.version == "2022"
    assert panel.code.text() == STROKE


def test_a_case_goes_on_to_its_story_or_to_the_calculator(tab, desk, idle) -> None:
    wanted: list[tuple] = []
    desk.wanted.connect(lambda page, target: wanted.append((page, target)))
    panel = opened(tab, idle)
    panel.tabs.setCurrentIndex(4)
    idle()
    first = str(panel.cases.worksheet().keys[0])
    panel.cases.select(first)
    QTest.keyClick(panel.cases.grid, Qt.Key.Key_Return)
    assert wanted == [("packs", ("calculate", first))]

    def clear(workspace, job):
        from core.rules import packs
        from core.settlement.clearing import clear

        return clear(workspace, 2024, packs.load("ningde-2024"), progress=job)

    desk.change(clear)
    idle()
    panel.cases.select(first)
    panel.cases.activated.emit(first, "setl_id")
    assert wanted[-1] == ("clearing", ("case", first))


def test_a_group_without_cases_has_a_page_too(tab, desk, idle) -> None:
    empty = desk.workspace.reader().execute(
        "SELECT dip_code FROM catalogue WHERE version = '2024' AND dip_code NOT IN"
        " (SELECT coalesce(dip_dise_grp_code, '') FROM cases) ORDER BY dip_code"
    ).fetchone()[0]  # fmt: skip
    panel = opened(tab, idle, empty)
    assert [one.title for one in panel.trend.panels] == ["分值"]
    assert panel.histogram.panels == ()
    assert not panel.year.isVisible()
    for number in range(panel.tabs.count()):
        panel.tabs.setCurrentIndex(number)
        idle()


def test_amounts_in_wan_and_the_other_theme_at_once(tab, desk, idle) -> None:
    panel = opened(tab, idle)
    assert panel.trend.panels[1].unit == "元"
    desk.show_wan(True)
    idle()
    assert panel.trend.panels[1].unit == "万元"
    assert "万元" in panel.definition.text()
    before = panel.past.text()
    desk.wear("dark" if not desk.look.colours.dark else "light")
    assert panel.past.text() != before


def test_over_the_whole_page_and_back(tab, idle, qtbot) -> None:
    panel = opened(tab, idle)
    panel.widen.click()
    assert not tab.table.isVisible()
    qtbot.waitUntil(lambda: panel.width() > 1000, timeout=60_000)
    panel.widen.click()
    assert tab.table.isVisible()
    panel.widen.click()
    panel.close_button.click()
    assert tab.table.isVisible()
    assert not panel.isVisible()
