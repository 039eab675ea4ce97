"""The Assessment page by hand: typing, pasting, checking under two names, tiers tried and kept, an empty page."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QLineEdit, QTableWidgetItem

from core.settlement import assessment, own_packs
from core.storage.workspace import Workspace
from ui.desk import Desk
from ui.dialogs import ReasonDialog
from ui.pages.assessment import AssessmentPage

YEAR = 2024
AGREEMENT = "协议履行"


def points(desk: Desk, code: str) -> dict[str, assessment.Line]:
    workspace = desk.workspace
    assert isinstance(workspace, Workspace)
    return {line.indicator: line for line in assessment.lines(workspace.reader(), YEAR, code)}


def accept(kind: type[QDialog]) -> None:
    dialog = next(one for one in QApplication.topLevelWidgets() if isinstance(one, kind) and one.isVisible())
    dialog.accept()


def test_points_are_typed_pasted_and_checked_by_another(desk: Desk, page: AssessmentPage, idle: Callable[[], None]) -> None:
    page.take_name("张三")
    idle()
    tab = page.stack.currentWidget()
    tab.reason.setText("复评")
    first, second = (str(tab.table.model.key_at(row)) for row in (0, 1))
    assert tab.table.select(first, AGREEMENT)
    QTest.keyClicks(tab.table.grid, "1")
    field = tab.table.grid.findChildren(QLineEdit)[-1]
    field.setText("20.5")
    QTest.keyClick(field, Qt.Key.Key_Return)
    idle()
    line = points(desk, first)[AGREEMENT]
    assert (line.points, line.state, line.entered_by) == (20.5, "entered", "张三")
    QGuiApplication.clipboard().setText("11\t12\n13\t14\n")
    tab.table.select(first, AGREEMENT)
    tab.table.paste()
    idle()
    other = next(name for name in list(tab.told.grid.most)[1:2])
    assert [points(desk, code)[name].points for code in (first, second) for name in (AGREEMENT, other)] == [11, 12, 13, 14]
    assert desk.workspace is not None
    assert desk.workspace.ledger.lines(1)[0].why == "复评"
    # Above the maximum: said on the page, nothing is entered.
    tab.enter([tab.told.grid.cell(first, AGREEMENT, 99)])
    idle()
    assert "99" in tab.asking.said.text()
    tab.ask_check()
    accept(ReasonDialog)
    idle()
    assert "张三" in tab.asking.said.text() or "本人" in tab.asking.said.text()
    assert points(desk, first)[AGREEMENT].state == "entered"
    page.take_name("李四")
    idle()
    tab.ask_check()
    accept(ReasonDialog)
    idle()
    assert points(desk, first)[AGREEMENT].checked_by == "李四"
    assert not tab.check.isEnabled()


def test_tiers_are_tried_and_kept_in_a_pack_of_the_workspace(desk: Desk, page: AssessmentPage, idle: Callable[[], None]) -> None:
    page.show_target("effect")
    idle()
    tab = page.stack.currentWidget()
    assert "空表" in tab.ways.text()
    page.show_target(("sharing", "sharing"))
    idle()
    tab = page.stack.currentWidget()
    assert set(tab.table.worksheet().cells["tier"]) == {"空表"}
    for row, words in enumerate((("", "1", "due"), ("1", "", "due + 0.5 * (booked - audit_deduction - due)"))):
        for column, text in enumerate(words):
            tab.form.rows.setItem(row, column, QTableWidgetItem(text))
    tab.attempt()
    idle()
    tried = tab.table.worksheet()
    assert "after_tried" in tried.cells
    assert desk.workspace is not None
    assert own_packs.stored(desk.workspace.reader()) == {}
    tab.ask_keep()
    accept(ReasonDialog)
    idle()
    kept = own_packs.stored(desk.workspace.reader())
    assert list(kept) == [page.pack_field.currentData()]
    now = tab.table.worksheet()
    assert list(now.cells["after_share"]) == list(tried.cells["after_tried"])


def test_without_a_workspace_it_says_what_to_do(swept: None, own_home: object, qtbot: object) -> None:
    desk = Desk("zh")
    page = AssessmentPage(desk)
    page.refresh()
    assert page.empty.button.text()
    assert not page.head.isVisible()
    assert desk.close()
