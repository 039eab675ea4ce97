"""The Budget page as it is used: typing, pasting, saving with a reason, refusals, proposals, point values, months."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog

from core.faults import Refused
from core.money import plain
from core.rules import packs
from core.settlement import budget, monthly
from core.settlement.budget import Line, LineEdit
from core.texts import Texts
from ui.desk import Desk
from ui.pages.budget import BudgetPage
from ui.pages.budget.drafting import Draft, block_of, day_of, item_of
from ui.pages.budget.proposing import ProposalDialog

ZH = Texts("zh")


def number_of(tab, item: str) -> int:
    return next(row.number for row in tab.draft.rows if row.item == item)


def stored(desk: Desk, item: str) -> list[int]:
    return [one.amount for one in budget.lines(desk.workspace.reader(), 2024, "employee") if one.item == item]


def chain(tab, id: str) -> object:
    sheet = tab.chain.worksheet()
    return sheet.cells["amount"][list(sheet.keys).index(id)]


def test_without_data_the_page_says_what_to_do(make_page: Callable[[], BudgetPage], empty_desk: Desk) -> None:
    page = make_page()
    wanted: list[tuple[object, ...]] = []
    empty_desk.wanted.connect(lambda *where: wanted.append(where))
    assert page.empty.isVisible()
    page.empty.button.click()
    assert wanted == [("start", None)]


def test_type_save_undo(page: BudgetPage, empty_desk: Desk, idle: Callable[[], None]) -> None:
    tab = page.tab("lines")
    before, left = stored(empty_desk, "reserve"), chain(tab, "left")
    tab.table.select(number_of(tab, "reserve"), "amount")
    tab.table.grid.setFocus()
    QTest.keyClick(tab.table.grid, Qt.Key.Key_F2)
    field = QApplication.focusWidget()
    field.selectAll()
    QTest.keyClicks(field, "10,000.50")
    QTest.keyClick(field, Qt.Key.Key_Return)
    idle()
    assert tab.draft.pending == 1
    assert stored(empty_desk, "reserve") == before, "nothing is written yet"
    assert chain(tab, "left") == left + before[0] / 100 - 10_000.5, "the chain follows at once"
    tab.ask_reason()
    dialog = next(one for one in QApplication.topLevelWidgets() if isinstance(one, QDialog) and one.isVisible())
    assert not dialog.do.isEnabled(), "a reason is needed"
    dialog.field.setText("预留核减")
    dialog.do.click()
    idle()
    assert stored(empty_desk, "reserve") == [10_000_50]
    assert tab.draft.pending == 0
    assert empty_desk.workspace.ledger.undoable().why == "预留核减"
    empty_desk.change(lambda workspace, _: workspace.ledger.undo(why="退回"), tables={"budget"})
    idle()
    assert stored(empty_desk, "reserve") == before
    assert chain(tab, "left") == left


def test_paste_adds_lines_and_all_or_nothing(page: BudgetPage, idle: Callable[[], None]) -> None:
    tab = page.tab("lines")
    rows = len(tab.draft.rows)
    tab.add()
    text = "其他支付方式：床日\t12万\t2024/3/5\t甲〔2024〕1号\r\n收入:利息\t3.5\t20240101\t乙\r\n"
    QGuiApplication.clipboard().setText(text)
    tab.paste()
    idle()
    new = tab.draft.rows[rows:]
    assert [(row.item, row.amount, row.date, row.document) for row in new] == [
        ("other:床日", 120_000_00, "2024-03-05", "甲〔2024〕1号"), ("income:利息", 350, "2024-01-01", "乙"),
    ]  # fmt: skip
    QGuiApplication.clipboard().setText("预留\t5\r\n预留\tx\r\n")
    tab.table.select(new[0].number, "item")
    tab.paste()
    assert tab.draft.rows[rows:] == new
    assert tab.asking.isVisible()
    tab.discard()
    idle()
    assert len(tab.draft.rows) == rows


def test_a_stale_save_keeps_what_was_entered(page: BudgetPage, empty_desk: Desk, idle: Callable[[], None]) -> None:
    tab = page.tab("lines")
    tab.enter(number_of(tab, "reserve"), "amount", "1")
    line = next(one for one in budget.lines(empty_desk.workspace.reader(), 2024, "employee") if one.item == "reserve")
    other = LineEdit(line, Line("reserve", 777_00, line.date, line.document))
    empty_desk.change(lambda workspace, _: budget.edit(workspace, 2024, "employee", [other], "他人"), tables={"budget"})
    idle()
    assert tab.draft.pending == 1
    tab.save("我")
    idle()
    assert stored(empty_desk, "reserve") == [777_00]
    assert tab.draft.pending == 1
    assert "777.00" in tab.asking.said.text()
    tab.discard()
    idle()
    assert tab.draft.row(number_of(tab, "reserve")).amount == 777_00


def test_what_is_typed_while_saving_goes_on_waiting(page: BudgetPage, empty_desk: Desk, idle: Callable[[], None]) -> None:
    """The line under way, another one, and a new one; then while the page reads again."""
    tab = page.tab("lines")
    chronic, reserve = (number_of(tab, item) for item in ("chronic", "reserve"))
    stood = stored(empty_desk, "chronic")
    tab.enter(reserve, "amount", "1")
    tab.save("一")
    tab.enter(reserve, "amount", "2")
    tab.enter(chronic, "amount", "3")
    tab.add()
    tab.enter(tab.draft.rows[-1].number, "item", "收入：利息")
    tab.enter(tab.draft.rows[-1].number, "amount", "4")
    idle()
    assert (stored(empty_desk, "reserve"), stored(empty_desk, "chronic")) == ([1_00], stood)
    assert tab.draft.pending == 3 and "3 处" in tab.unsaved()
    tab.save("二")
    idle()
    assert [stored(empty_desk, item) for item in ("reserve", "chronic", "income:利息")] == [[2_00], [3_00], [4_00]]
    assert tab.draft.pending == 0 and not tab.unsaved()
    page.refresh()
    while not tab.asking.busy:  # the ground is there, the lines are being read
        QApplication.processEvents()
    tab.enter(number_of(tab, "chronic"), "amount", "5")
    idle()
    assert tab.draft.pending == 1 and tab.draft.row(number_of(tab, "chronic")).amount == 5_00
    tab.remove()
    tab.discard()
    idle()
    assert tab.draft.pending == 0 and tab.draft.row(number_of(tab, "chronic")).amount == 3_00


def test_a_proposal_goes_into_the_grid_and_no_further(page: BudgetPage, empty_desk: Desk, idle: Callable[[], None]) -> None:
    tab = page.tab("lines")
    before = stored(empty_desk, "dip_budget")
    dialog = ProposalDialog(empty_desk, 2024, "employee", page)
    idle()
    assert dialog.proposal is not None
    dialog.method.setCurrentIndex(2)
    idle()
    assert not dialog.take.isEnabled(), "no growth rate yet"
    dialog.growth.setText("10")
    idle()
    assert dialog.take.isEnabled()
    tab._take(dialog)
    idle()
    assert tab.draft.pending == 1
    past = next(one.amount for one in budget.lines(empty_desk.workspace.reader(), 2023, "employee") if one.item == "dip_budget")
    assert tab.draft.row(number_of(tab, "dip_budget")).amount == past * 11 // 10
    assert stored(empty_desk, "dip_budget") == before
    dialog.day.setText("yesterday")
    assert not dialog.take.isEnabled()


def test_points_and_months(page: BudgetPage, empty_desk: Desk, idle: Callable[[], None]) -> None:
    page.show_target("points")
    idle()
    points = page.tab("points")
    sheet = points.readings.worksheet()
    assert list(sheet.keys) == ["totals", "means", "trimmed", "band_1d", "band_2d", "settled"]
    assert all(value is not None for value in sheet.cells["value"])
    assert len(points.chart.panels[0].x) == 6
    page.show_target("months")
    idle()
    months = page.tab("months")
    assert months.table.worksheet().rows == 12
    rows = empty_desk.workspace.reader().execute(
        "SELECT sum(hifp_pay) FROM cases JOIN institution USING (fixmedins_code)"
        " WHERE year = 2024 AND fund = 1 AND netting = 0 AND scope = 0 AND (insu_admdvs IS NULL OR insu_admdvs LIKE '3509%')"
    ).fetchone()
    assert months.found.months[-1].rising_booked * 100 == rows[0]
    sheets = monthly.year_of_months(empty_desk.workspace, 2024, packs.load("ningde-2024"), funds=("employee",))
    apart = sum(one.clearing.fund("employee").region["month_due_total"] for one in sheets) - months.found.months[-1].rising_due
    assert round(apart, 6) and months.found.rounding == apart and f"相差 {plain(apart, 2)} 元" in months.notes.text()
    wanted: list[tuple[object, ...]] = []
    empty_desk.wanted.connect(lambda *where: wanted.append(where))
    page.why.click()
    assert wanted == [("institutions", ("why", "", "employee"))]
    empty_desk.choose(fund="resident")
    idle()
    assert months.found.fund == "resident"


# -- entering, without a window ------------------------------------------------------------------------------------------


def test_items_and_days_as_people_write_them() -> None:
    assert item_of("年中追加") == item_of("dip_topup") == item_of(" Top-up in the year ") == "dip_topup"
    assert item_of("收入：财政补助") == item_of("income: 财政补助") == "income:财政补助"
    assert item_of("") == ""
    for text in ("收入", "预留：x", "随便", ":x", "income:"):
        with pytest.raises(Refused, match="budget_item_unreadable"):
            item_of(text)
    for text in ("2024-9-2", "2024/09/02", "20240902", "2024年9月2日", "2024.9.2"):
        assert day_of(text) == "2024-09-02"
    assert day_of(" ") == ""
    for text in ("2024-02-30", "tomorrow", "45537", "2024-13-01"):
        with pytest.raises(Refused, match="budget_day_unreadable"):
            day_of(text)
    assert block_of("a\tb\r\nc\r\n") == [["a", "b"], ["c"]]
    assert block_of(" ") == []


def test_a_draft_is_one_edit_of_what_changed() -> None:
    one, other = Line("reserve", 100, "2024-01-01", "a"), Line("chronic", 200)
    draft = Draft((one, other))
    assert draft.pending == 0
    draft.enter(0, "amount", "2")
    draft.enter(0, "amount", "1")
    assert draft.pending == 0, "back to what it was"
    draft.remove([1])
    new = draft.add()
    assert draft.pending == 1, "a blank row is nothing"
    draft.enter(new, "item", "预留")
    with pytest.raises(Refused, match="budget_refused"):
        draft.changes()
    draft.enter(new, "amount", "3")
    assert draft.changes() == [LineEdit(other, None), LineEdit(None, Line("reserve", 300))]
    draft.remove([1])
    assert draft.changes() == [LineEdit(None, Line("reserve", 300))]
    draft.remove([new])
    assert draft.pending == 0
