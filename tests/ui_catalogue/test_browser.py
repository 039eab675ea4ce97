"""The browser: found as one types, filtered by ticks and tree, versions changed, a group's page opened; typed and clicked."""

from __future__ import annotations

from fractions import Fraction

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from core.catalogue import library
from core.catalogue.browse import Wanted, of_key
from core.storage.workspace import Workspace
from ui.desk import Desk
from ui.finder import Entry
from ui.window import Window

STROKE = "I63.9:保守治疗"


def codes(tab) -> list[str]:
    """The groups on screen, in order."""
    return [of_key(tab.table.model.key_at(row))[1] for row in range(tab.table.model.rowCount())]


def plain_rows(desk: Desk, sql: str, *values: object) -> list[tuple]:
    return desk.workspace.reader().execute(sql, values).fetchall()


def test_typing_finds_by_initials_chinese_and_code(tab, write) -> None:
    everything = len(codes(tab))
    QTest.keyClicks(tab.search, "lwy")
    found = codes(tab)
    assert found
    assert all("阑尾" in name for name in names(tab))
    tab.search.clear()
    assert len(codes(tab)) == everything
    write(tab.search, "阑尾")
    assert set(codes(tab)) > set(found), "a part of the name is enough, two characters too"
    write(tab.search, "炎")
    assert set(codes(tab)) == set(found)
    tab.search.clear()
    QTest.keyClicks(tab.search, "K35.3")
    assert codes(tab)
    assert all(code.startswith("K35.3") for code in codes(tab))
    QTest.keyClick(tab.search, Qt.Key.Key_Escape)
    assert tab.search.text() == ""
    assert len(codes(tab)) == everything


def names(tab) -> list[str]:
    place = tab.table.model.place("dip_name")
    return [tab.table.model.cell(row, place) for row in range(tab.table.model.rowCount())]


def test_what_search_and_filters_leave_is_what_plain_sql_says(tab, desk, write) -> None:
    write(tab.search, "骨折")
    for action in tab.kinds.menu().actions():
        if action.text() == "综合病种":
            action.trigger()
    QTest.keyClicks(tab.low, "0.8")
    QTest.keyClicks(tab.high, "2")
    expected = plain_rows(
        desk, "SELECT dip_code FROM catalogue WHERE version = '2024' AND dip_name LIKE '%骨折%' AND kind = 'composite'"
        " AND CAST(score AS REAL) BETWEEN 0.8 AND 2",
    )  # fmt: skip
    assert expected
    assert sorted(codes(tab)) == sorted(row[0] for row in expected)
    assert tab.reset.isVisible()
    QTest.mouseClick(tab.reset, Qt.MouseButton.LeftButton)
    assert len(codes(tab)) == plain_rows(
        desk, "SELECT count(*) FROM catalogue WHERE version = '2024' AND dip_name LIKE '%骨折%'"
    )[0][0]  # fmt: skip


def test_a_bound_that_is_no_number_is_marked_and_lets_all_through(tab) -> None:
    everything = len(codes(tab))
    QTest.keyClicks(tab.low, "1x")
    assert tab.low.property("bad")
    assert len(codes(tab)) == everything
    QTest.keyClick(tab.low, Qt.Key.Key_Backspace)
    assert not tab.low.property("bad")
    assert len(codes(tab)) < everything


def test_the_bounds_take_in_the_score_that_equals_them(tab, desk) -> None:
    score = plain_rows(desk, "SELECT score FROM catalogue WHERE version = '2024' AND dip_code = ?", STROKE)[0][0]
    QTest.keyClicks(tab.low, score)
    QTest.keyClicks(tab.high, score)
    assert STROKE in codes(tab)


def test_cases_of_the_year_and_the_change_since_the_last_version(tab, desk) -> None:
    tab.with_cases.click()
    with_cases = set(codes(tab))
    said = plain_rows(
        desk, "SELECT DISTINCT dip_dise_grp_code FROM cases WHERE year = 2024 AND netting = 0 AND scope = 0"
        " AND dip_dise_grp_code <> '' AND fixmedins_code IN (SELECT fixmedins_code FROM institution)"
        " AND (coalesce(insu_admdvs, '') = '' OR insu_admdvs LIKE '3509%')",
    )  # fmt: skip
    there = {row[0] for row in plain_rows(desk, "SELECT dip_code FROM catalogue WHERE version = '2024'")}
    assert with_cases == {row[0] for row in said} & there
    tab.with_cases.click()
    tab.changed.click()
    changed = set(codes(tab))
    same = plain_rows(
        desk, "SELECT a.dip_code FROM catalogue a JOIN catalogue b ON a.dip_code = b.dip_code WHERE a.version = '2024'"
        " AND b.version = '2023' AND a.score = b.score AND a.kind = b.kind AND a.diag_code IS b.diag_code"
        " AND a.oprn_code IS b.oprn_code AND a.attribute IS b.attribute AND a.primary_care IS b.primary_care",
    )  # fmt: skip
    assert changed
    assert changed == there - {row[0] for row in same}


def test_the_tree_counts_what_it_shows(tab) -> None:
    tree = tab.tree
    whole = tree.topLevelItem(0)
    assert int(whole.text(1).replace(",", "")) == len(codes(tab))
    total = 0
    for number in range(1, tree.topLevelItemCount()):
        chapter = tree.topLevelItem(number)
        tree.setCurrentItem(chapter)
        assert len(codes(tab)) == int(chapter.text(1).replace(",", ""))
        total += len(codes(tab))
    assert total == int(whole.text(1).replace(",", ""))
    digestive = next(
        tree.topLevelItem(i) for i in range(tree.topLevelItemCount()) if tree.topLevelItem(i).text(0).startswith("K00")
    )
    tree.expandItem(digestive)
    block = digestive.child(0)
    tree.expandItem(block)
    tree.setCurrentItem(block.child(0))
    inside = codes(tab)
    assert inside
    assert len({code[:3] for code in inside}) == 1
    QTest.keyClicks(tab.search, "zzzz")
    assert codes(tab) == []
    assert tab.table.nothing.isVisible()
    QTest.mouseClick(tab.table.nothing.button, Qt.MouseButton.LeftButton)
    assert tab.search.text() == ""
    assert len(codes(tab)) == int(whole.text(1).replace(",", ""))


def test_versions_alone_and_together(tab, desk, idle) -> None:
    assert tab.version.currentData() == "2024"
    tab.version.setCurrentIndex(tab.version.findData("2022"))
    tab.version.activated.emit(tab.version.currentIndex())
    idle()
    assert len(codes(tab)) == plain_rows(desk, "SELECT count(*) FROM catalogue WHERE version = '2022'")[0][0]
    QTest.keyClicks(tab.search, "lwy")
    here = len(codes(tab))
    assert tab.elsewhere.isVisible()
    tab.elsewhere.click()
    idle()
    assert tab.version.currentData() == ""
    assert "version" in [column.id for column in tab.table.worksheet().columns]
    assert len(codes(tab)) > here
    assert not tab.elsewhere.isVisible()


def test_another_year_takes_its_version_unless_one_was_chosen(tab, desk, idle) -> None:
    desk.choose(year=2023)
    idle()
    assert tab.version.currentData() == "2023"
    tab.version.setCurrentIndex(tab.version.findData("2021"))
    tab.version.activated.emit(tab.version.currentIndex())
    idle()
    desk.choose(year=2024)
    idle()
    assert tab.version.currentData() == "2021"
    assert any(column.title["zh"].startswith("2024") for column in tab.table.worksheet().columns)


def test_enter_opens_the_best_and_the_arrow_keys_follow(tab, idle, qtbot) -> None:
    QTest.keyClicks(tab.search, "K35.8")
    QTest.keyClick(tab.search, Qt.Key.Key_Return)
    idle()
    assert tab.panel.isVisible()
    first, second = codes(tab)[:2]
    assert tab.panel.code.text() == first
    QTest.keyClick(tab.table.grid, Qt.Key.Key_Down)
    qtbot.waitUntil(lambda: tab.panel.page is not None and tab.panel.code.text() == second, timeout=60_000)
    QTest.keyClick(tab.table.grid, Qt.Key.Key_Escape)
    assert not tab.panel.isVisible()
    QTest.keyClick(tab.table.grid, Qt.Key.Key_Return)
    idle()
    assert tab.panel.isVisible()


def test_a_target_that_is_filtered_away_is_shown_all_the_same(tab, idle) -> None:
    QTest.keyClicks(tab.search, "lwy")
    tab.tree.setCurrentItem(tab.tree.topLevelItem(2))
    tab.show_target(("group", STROKE))
    idle()
    assert tab.panel.code.text() == STROKE
    assert of_key(tab.table.model.key_at(tab.table.grid.currentIndex().row())) == ("2024", STROKE)
    tab.show_target(("group", "2022", STROKE))
    idle()
    assert tab.version.currentData() == "2022"
    assert tab.panel.page.profile.version == "2022"


def test_a_target_that_is_nowhere_is_said(tab, desk, idle) -> None:
    said: list[str] = []
    desk.said.connect(said.append)
    tab.show_target(("group", "ZZ9"))
    idle()
    assert "ZZ9" in said[-1]
    assert not tab.panel.isVisible()


def test_a_withdrawn_version_goes_from_the_screen(tab, desk, idle) -> None:
    from core.storage.ledger import Edit, arrival

    tab.show_target(("group", "2022", STROKE))
    idle()
    batch = plain_rows(desk, "SELECT min(batch_id) FROM catalogue WHERE version = '2022'")[0][0]
    change = arrival(batch)
    desk.change(
        lambda workspace, job: workspace.ledger.commit(Edit("withdraw", "2022", (change_back(change),)), progress=job)
    )
    idle()
    assert tab.version.findData("2022") == -1
    assert tab.version.currentData() == "2024"
    assert tab.panel.isVisible()
    assert (tab.panel.page.profile.version, tab.panel.code.text()) == ("2024", STROKE), "the same group, where it still is"
    assert "2022" not in tab.panel.past.text()


def change_back(change):
    from core.storage.ledger import Change

    return Change(change.table, change.key, change.after, change.before)


def test_a_draft_is_offered_and_never_taken_by_itself(workspace, empty_desk, make_page, idle) -> None:
    with Workspace.open(workspace) as here:
        base = library.entries(here.reader(), "2024")
        rows = [entry for entry in base.rows if entry.kind == "core"]
        library.store_draft(here, "2024 试算", 2024, rows, based_on="2024", method={"by": "测试"})
    empty_desk.open(workspace)
    idle()
    empty_desk.choose(year=2024)
    tab = make_page().stack.currentWidget()
    assert tab.version.currentData() == "2024"
    place = tab.version.findData("2024 试算")
    assert "草稿" in tab.version.itemText(place)
    tab.version.setCurrentIndex(place)
    tab.version.activated.emit(place)
    idle()
    assert len(codes(tab)) == len(rows)
    tab.changed.click()
    assert codes(tab) == [], "held against what it was made from, nothing is different"


def test_without_workspace_and_without_catalogue(empty_desk, make_page, idle, tmp_path) -> None:
    wanted: list[tuple] = []
    empty_desk.wanted.connect(lambda page, target: wanted.append((page, target)))
    page = make_page()
    assert page.empty.isVisible() and not page.tabs.isVisible()
    page.empty.button.click()
    assert wanted[-1] == ("start", None)
    empty_desk.new(tmp_path / "neu.dianzhi", "350900", "新")
    idle()
    assert page.empty.isVisible()
    page.empty.button.click()
    assert wanted[-1] == ("data", ("kind", "catalogue"))
    page.show_target(("group", STROKE))  # nothing to show, nothing breaks


def test_the_workspace_changes_under_the_page(desk, make_page, idle, tmp_path) -> None:
    page = make_page()
    tab = page.stack.currentWidget()
    QTest.keyClicks(tab.search, "lwy")
    tab.show_target(("group", STROKE))
    idle()
    desk.new(tmp_path / "neu.dianzhi", "350900", "新")
    idle()
    assert page.empty.isVisible()
    assert not tab.panel.isVisible()
    assert tab.search.text() == ""


def test_the_first_key_before_the_index_is_there_is_not_lost(desk, make_page, qtbot, idle) -> None:
    from ui.pages.catalogue import CataloguePage

    page = CataloguePage(desk)
    qtbot.addWidget(page)
    page.resize(1190, 660)
    page.show()
    page.refresh()
    tab = page.stack.currentWidget()
    QTest.keyClicks(tab.search, "lwy")
    idle()
    assert codes(tab)
    assert all("阑尾" in name for name in names(tab))


def test_the_finder_opens_a_groups_page(desk, qtbot, idle) -> None:
    window = Window(desk)
    qtbot.addWidget(window)
    window.resize(1366, 768)
    window.show()
    window.after_first_paint()
    idle()
    window._found(Entry("group", STROKE, "脑梗死"))
    idle()
    assert window.key == "catalogue"
    tab = window.page().stack.currentWidget()
    assert tab.panel.code.text() == STROKE
    for language in ("en", "zh"):
        desk.speak(language)
        idle()
        assert window.key == "catalogue"
    window.close()


def test_filters_in_the_core_are_the_ticks_on_screen(tab) -> None:
    shelf = tab.shelf()
    assert shelf.passing(Wanted()).all()
    low = shelf.passing(Wanted(low=Fraction("1.5")))
    assert [entry.score >= Fraction("1.5") for _, entry in shelf.rows] == low.tolist()
    some = shelf.passing(Wanted(cv=(0.5, 0.7)))
    cells = shelf.sheet.cells["cv"]
    assert some.tolist() == [cell is not None and Fraction(1, 2) <= cell < Fraction(7, 10) for cell in cells]
    assert some.any() and not some.all()


@pytest.mark.parametrize("size", [(1190, 660), (860, 430)])
def test_everything_has_room(tab, idle, size) -> None:
    tab.window().resize(*size)
    tab.show_target(("group", STROKE))
    idle()
    assert tab.window().width() <= size[0] + 1, "nothing widens the window"
    for widget in (tab.tree, tab.table, tab.panel):
        assert widget.width() >= 140
