"""Versions side by side, clicked through: what became of each group, what the change is worth, and who wins by it."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import openpyxl
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from core.catalogue import library
from core.storage.ledger import Change, Edit
from ui.desk import Desk
from ui.pages.catalogue.versions import VIEWS, VersionsTab
from ui.window import Window


@pytest.fixture
def tab(desk: Desk, make_page, idle: Callable[[], None]) -> VersionsTab:
    page = make_page()
    page.show_target("versions")
    idle()
    tab = page.stack.currentWidget()
    assert isinstance(tab, VersionsTab)
    return tab


def shown(tab: VersionsTab, view: str):
    return tab.tables[view].worksheet()


def test_the_year_stands_beside_the_one_before(tab: VersionsTab) -> None:
    assert (tab.old.currentData(), tab.new.currentData()) == ("2023", "2024")
    assert tab.related is not None
    old, new = tab.related.old, tab.related.new
    told_old = [code for one in tab.related.relations for code in one.old]
    told_new = [code for one in tab.related.relations for code in one.new]
    assert sorted(told_old) == [entry.dip_code for entry in old.rows]
    assert sorted(told_new) == [entry.dip_code for entry in new.rows]


def test_chips_count_and_filter(tab: VersionsTab, qtbot) -> None:
    assert tab.related is not None
    for change, button in tab.chips.buttons.items():
        if change in ("", "changed"):
            continue
        number = sum(one.change == change for one in tab.related.relations)
        assert button.text().endswith(f" {number:,}")
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
        assert tab.table.model.rowCount() == number
        assert button.isChecked()
    qtbot.mouseClick(tab.chips.buttons[""], Qt.MouseButton.LeftButton)
    assert tab.table.model.rowCount() == len(tab.related.relations)


def test_a_rescored_group_says_old_and_new(tab: VersionsTab) -> None:
    assert tab.related is not None
    place, one = next((i, r) for i, r in enumerate(tab.related.relations) if r.change == "rescored")
    tab.chips.press("rescored")
    assert tab.table.select(place)
    said = tab.detail.toPlainText()
    for score in (one.old_score, one.new_score):
        assert str(float(score)) in said


def test_what_it_is_worth_cancels_out(tab: VersionsTab, desk: Desk, qtbot, idle) -> None:
    assert tab.tables["institutions"].nothing.button.isVisibleTo(tab.tables["institutions"])
    qtbot.mouseClick(tab.go, Qt.MouseButton.LeftButton)
    idle()
    measured = tab.measured
    assert measured is not None
    revision = measured.revision
    for fund in revision.funds:
        gains = measured.gains[fund]
        assert gains.rest == revision.figure(fund, "due").change
        assert abs(gains.rest) < 100, "only what rounding the point value leaves over"
        sheet = measured.institutions[fund]
        changes = [Fraction(value) for value in sheet.cells["due_change"]]
        assert changes == sorted(changes, reverse=True)
        assert sum(changes, Fraction(0)) == gains.rest
        assert sum(value > 0 for value in changes) == gains.winners
    # The table has the fund that is chosen for all pages, and follows it without measuring again.
    first = shown(tab, "institutions")
    desk.choose(fund="resident")
    assert tab.measured is measured
    assert shown(tab, "institutions") is not first
    assert sum(one.cases for one in measured.related.relations) > 0
    old, new = (shown(tab, "moves").cells[name][0] for name in ("old_code", "new_code"))
    assert old != new, "what moves stands before what stays"


def test_the_worth_leaves_as_one_workbook(tab: VersionsTab, tmp_path, idle) -> None:
    tab.measure()
    idle()
    path = tmp_path / "换版.xlsx"
    tab.export_to(path)
    idle()
    assert tab.measured is not None
    book = openpyxl.load_workbook(path)
    assert len(book.sheetnames) == 7
    region = book.worksheets[0]
    assert region.max_row == len(tab.measured.revision.figures) + 3
    institutions = book.worksheets[1]
    assert institutions.max_row == sum(sheet.rows for sheet in tab.measured.institutions.values()) + 3


def test_one_version_is_not_compared_with_itself(tab: VersionsTab, qtbot, idle) -> None:
    tab.old.setCurrentIndex(tab.new.currentIndex())
    tab.relate()
    idle()
    assert not tab.go.isEnabled()
    assert "同一个版本" in tab.table.nothing.text.text()
    assert tab.table.nothing.button.text()
    assert tab.related is None


def test_the_newest_choice_wins(tab: VersionsTab, idle) -> None:
    for old in ("2021", "2022", "2021"):
        tab.old.setCurrentIndex(tab.old.findData(old))
        tab.relate()
    idle()
    assert tab.related is not None
    assert (tab.related.old.version, tab.related.new.version) == ("2021", "2024")


def test_swapping_mirrors_new_and_gone(tab: VersionsTab, qtbot, idle) -> None:
    assert tab.related is not None
    before = [one.change for one in tab.related.relations]
    qtbot.mouseClick(tab.swap, Qt.MouseButton.LeftButton)
    idle()
    after = [one.change for one in tab.related.relations]
    assert after.count("new") == before.count("gone")
    assert after.count("gone") == before.count("new")


def test_cancelled_measuring_leaves_things_as_they_were(tab: VersionsTab, qtbot, idle) -> None:
    tab.measure()
    assert tab.asking.busy
    tab.asking.cancel()
    idle()
    assert tab.measured is None
    assert shown(tab, "institutions").rows == 0
    assert not tab.export.isEnabled()
    tab.measure()  # and it can be asked again
    idle()
    assert tab.measured is not None


def test_another_rule_or_changed_data_forget_what_was_measured(tab: VersionsTab, desk: Desk, idle) -> None:
    tab.measure()
    idle()
    tab.pack.setCurrentIndex((tab.pack.currentIndex() + 1) % tab.pack.count())
    tab.pack.activated.emit(tab.pack.currentIndex())
    assert tab.measured is None
    assert shown(tab, "groups").rows == 0
    tab.pack.setCurrentIndex(tab.pack.findData("ningde-2024"))
    tab.measure()
    idle()
    assert tab.measured is not None
    key = {"year": 2024, "fund": "employee", "item": "dip_topup", "document": "测试", "date": ""}
    edit = Edit("edit", "追加", (Change("budget", key, None, {"amount": 100, "batch_id": None, "row": None}),))
    desk.change(lambda workspace, _: workspace.ledger.commit(edit), tables=("budget",))
    idle()
    assert tab.measured is None


def test_blocked_says_why_and_stays(tab: VersionsTab, desk: Desk, idle) -> None:
    """Without the year's budget there is nothing to divide: said in the tab, with the findings behind a button."""

    def empty_budget(workspace, _) -> None:
        with workspace.transaction("edit", "budget") as writer:
            writer.execute("DELETE FROM budget WHERE year = 2024")

    desk.change(empty_budget, tables=("budget",))
    idle()
    tab.measure()
    idle()
    assert tab.measured is None
    assert tab.asking.isVisibleTo(tab)
    assert tab.asking.said.text()
    assert tab.asking.more.isVisibleTo(tab.asking)


def test_a_target_puts_two_versions_side_by_side(tab: VersionsTab, desk: Desk, idle) -> None:
    names = [one.name for one in library.versions(desk.workspace.reader())]
    tab.show_target(("versions", names[0], names[1]))
    idle()
    assert (tab.old.currentData(), tab.new.currentData()) == (names[0], names[1])


def test_every_view_is_reached_by_keyboard(tab: VersionsTab, qtbot) -> None:
    tab.views.setFocus()
    for number in range(1, len(VIEWS)):
        qtbot.keyClick(tab.views, Qt.Key.Key_Right)
        assert tab.stack.currentIndex() == number


def test_tab_reaches_every_field_of_the_window(desk: Desk, qtbot, idle) -> None:
    """Also those before the one that has the keyboard first; and back again the same way."""
    window = Window(desk)
    qtbot.addWidget(window)
    window.resize(1366, 768)
    window.show()
    window.after_first_paint()
    idle()
    window.show_page("catalogue", "versions")
    idle()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    page = window.page()
    tab = page.stack.currentWidget()
    for key in (Qt.Key.Key_Tab, Qt.Key.Key_Backtab):
        tab.table.grid.setFocus()
        seen = []
        for _ in range(60):
            qtbot.keyClick(QApplication.focusWidget(), key)
            seen.append(QApplication.focusWidget())
        for widget in (page.tabs, tab.old, tab.new, tab.pack, tab.grouping, tab.go, tab.views):
            assert widget in seen, widget.accessibleName() or widget
    window.close()


def test_the_worth_is_never_cut(tab: VersionsTab, idle) -> None:
    tab.measure()
    idle()
    figures = tab.figures
    for wide, lines in ((1190, 1), (960, 2)):
        figures.setFixedWidth(wide)
        idle()
        for label, (both, change) in figures._changes.items():
            assert label.text().splitlines()[0].startswith(both)
            assert change in label.text()
            assert len(label.text().splitlines()) == lines
    assert all(label.width() >= label.sizeHint().width() for label in figures._changes)
