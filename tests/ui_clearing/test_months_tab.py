"""The months tab as a person uses it: the year, one month, why, booking, and what it says where something is lacking."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from core.storage.engine import library as sqlite3
from core.texts import Texts
from ui.desk import Desk
from ui.dialogs import ReasonDialog
from ui.pages.clearing import ClearingPage
from ui.pages.clearing.months import MonthsTab

from .conftest import idle


@pytest.fixture
def unpaid(workspace: Path) -> Path:
    """The region without payments on file."""
    with closing(sqlite3.connect(workspace)) as connection:
        connection.execute("DELETE FROM payment")
        connection.commit()
    return workspace


def open_tab(page: ClearingPage, desk: Desk, qtbot, rates: bool = True) -> MonthsTab:
    page.show_target(("tab", "months"))
    idle(qtbot, desk)
    tab = page.tabs.tab("months")
    if rates:
        tab.rates["employee"].setText("9000")
        tab.rates["resident"].setText("6000")
        tab.go.click()
        idle(qtbot, desk)
    return tab


def paid(path: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(
            "SELECT fixmedins_code, fund, kind, amount, basis IS NOT NULL FROM payment ORDER BY 1, 2, 3"
        ).fetchall()


def test_a_year_a_month_and_why_and_what_was_imported_is_not_written_over(
    make_page, desk: Desk, workspace: Path, qtbot
) -> None:
    page = make_page()
    tab = open_tab(page, desk, qtbot)
    told = tab.told
    assert told is not None and len(told.months) == 12
    sheet = tab.table.worksheet()
    assert sheet.rows == sum(len(one.funds) for one in told.months)
    assert all(value is not None for value in sheet.cells["registered"])  # the demonstration's payments came as a file
    tab.table.activated.emit(("202403", "resident"), "month_paid")
    idle(qtbot, desk)
    month = tab.month()
    assert month is not None and month.period == "202403" and desk.fund == "resident"
    own = next(one for one in month.funds if one.fund == "resident")
    assert tab.table.worksheet().rows == len(own.institutions)
    assert set(tab.table.worksheet().cells["origin"]) <= {Texts("zh")("months.origin.file"), Texts("zh")("months.origin.none")}
    tab.table.activated.emit(own.institutions[0].code, "month_due")
    idle(qtbot, desk)
    assert tab.why.isVisible() and own.institutions[0].code in tab.why.text()
    before = paid(workspace)
    tab.do_book(month, "试")
    idle(qtbot, desk)
    assert tab.asking.isVisible() and paid(workspace) == before
    tab.show_target("advance")
    assert tab.month() is told.advance
    tab.show_target("across")
    assert tab.table.worksheet().rows > 0 and tab.month() is None and not tab.book.isEnabled()


def test_booked_and_booked_again(unpaid: Path, make_page, desk: Desk, qtbot) -> None:
    tab = open_tab(make_page(), desk, qtbot)
    tab.show_target("202403")
    tab.book.click()
    dialog = next(one for one in QApplication.topLevelWidgets() if isinstance(one, ReasonDialog) and one.isVisible())
    dialog.field.setText("三月预结")
    dialog.do.click()
    idle(qtbot, desk)
    rows = paid(unpaid)
    assert rows and all(row[-1] for row in rows)
    idle(qtbot, desk)
    assert tab.view.currentData() == "202403"  # the tab stays where it was after its own booking
    assert set(tab.table.worksheet().cells["origin"]) == {Texts("zh")("months.origin.run")}
    tab.rates["employee"].setText("9100")
    tab.go.click()
    idle(qtbot, desk)
    month = tab.month()
    assert month is not None
    tab.do_book(month, "")
    idle(qtbot, desk)
    again = next(one for one in QApplication.topLevelWidgets() if isinstance(one, ReasonDialog) and one.isVisible())
    assert paid(unpaid) == rows
    again.do.click()
    idle(qtbot, desk)
    assert paid(unpaid) != rows and len(paid(unpaid)) == len(rows)


def test_a_rate_that_is_no_number(make_page, desk: Desk, qtbot) -> None:
    tab = open_tab(make_page(), desk, qtbot, rates=False)
    tab.rates["employee"].setText("九千")
    tab.go.click()
    assert tab.asking.isVisible() and "九千" in tab.asking.said.text()


def test_another_year_and_no_workspace(make_page, desk: Desk, qtbot) -> None:
    page = make_page()
    tab = open_tab(page, desk, qtbot)
    desk.choose(year=2023)
    idle(qtbot, desk)
    assert tab.told is None or all(one.period.startswith("2023") for one in tab.told.months)
    desk.put_away()
    idle(qtbot, desk)
    assert page.tabs.bar.currentIndex() == 0 and not page.tabs.bar.isVisible()
