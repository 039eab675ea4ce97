"""The league: published growths, filters, the way to one institution, two clicks to a comparison."""

from __future__ import annotations

from fractions import Fraction

from openpyxl import load_workbook
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from core.rules import packs
from core.settlement.clearing import clear
from ui.pages.institutions.league_table import PICK

# domain.md 10 A6, employee and resident, for the five hospitals that the demonstration stands for.
GROWN = {"64.70": "79.75", "50.84": "50.14", "38.76": "34.38", "25.33": "27.85", "20.59": "26.00"}


def cells(league, column: str) -> list[str]:
    sheet = league.table.worksheet()
    own = next(one for one in sheet.columns if one.id == column)
    return [sheet.text(row, own) for row in range(sheet.rows)]


def place(league, row: int, column: str) -> QPoint:
    table = league.table
    assert table.select(table.worksheet().keys[row])
    return table.grid.visualRect(table.model.index(row, table.model.place(column))).center()


def test_growth_of_both_funds_side_by_side(league) -> None:
    both = dict(zip(cells(league, "employee_growth"), cells(league, "resident_growth"), strict=True))
    assert {one: both.get(one) for one in GROWN} == GROWN


def test_scores_are_those_of_the_clearing(league, desk) -> None:
    sheets = clear(desk.workspace, 2024, packs.load("ningde-2024"), store=False).funds
    cleared: dict[str, Fraction] = {}
    for sheet in sheets:
        for one, score in zip(sheet.institutions, sheet.values["score"], strict=True):
            cleared[one.code] = cleared.get(one.code, Fraction(0)) + score
    shown = league.table.worksheet()
    told = {key: score for key, score in zip(shown.keys, shown.cells["score"], strict=True) if score is not None}
    assert told == {code: score for code, score in cleared.items() if code in told}
    assert len(told) > 100


def test_two_clicks_lay_two_side_by_side(league, desk) -> None:
    wanted: list[tuple] = []
    desk.wanted.connect(lambda page, target: wanted.append((page, target)))
    first, second = (str(league.table.worksheet().keys[row]) for row in (2, 5))
    grid = league.table.grid
    QTest.mouseClick(grid.viewport(), Qt.MouseButton.LeftButton, pos=place(league, 2, PICK))
    assert league.taken == first
    assert cells(league, PICK)[2] == "✓ 已选"
    assert cells(league, PICK)[5] == "与之对比"
    assert league.drop.isVisible()
    QTest.mouseClick(grid.viewport(), Qt.MouseButton.LeftButton, pos=place(league, 5, PICK))
    assert wanted == [("comparison", ("codes", (first, second)))]
    assert league.taken is None
    assert set(cells(league, PICK)) == {"对比"}


def test_the_same_by_keyboard_and_let_go(league, desk) -> None:
    wanted: list[tuple] = []
    desk.wanted.connect(lambda page, target: wanted.append((page, target)))
    keys = league.table.worksheet().keys
    league.table.select(keys[1])
    QTest.keyClick(league.table.grid, Qt.Key.Key_Space)
    QTest.keyClick(league.table.grid, Qt.Key.Key_Space)
    assert league.taken is None, "the same again lets go"
    QTest.keyClick(league.table.grid, Qt.Key.Key_Space)
    league.table.select(keys[4])
    QTest.keyClick(league.table.grid, Qt.Key.Key_Space)
    assert wanted == [("comparison", ("codes", (str(keys[1]), str(keys[4]))))]


def test_a_click_on_any_other_cell_takes_nothing(league) -> None:
    QTest.mouseClick(league.table.grid.viewport(), Qt.MouseButton.LeftButton, pos=place(league, 3, "score"))
    assert league.taken is None


def test_level_and_county_narrow_the_table(league, idle) -> None:
    field = league.fields["level"]
    field.setCurrentIndex(field.findData("三级"))
    field.activated.emit(field.currentIndex())
    idle()
    levels = cells(league, "level")
    assert [row for row in range(len(levels)) if levels[row] == "三级"] == sorted(league.table.visible_rows())
    county = league.fields["county"]
    county.setCurrentIndex(1)
    county.activated.emit(1)
    idle()
    shown = league.table.visible_rows()
    assert {cells(league, "county")[row] for row in shown} <= {county.currentData()}
    field.setCurrentIndex(0)
    field.activated.emit(0)
    county.setCurrentIndex(0)
    county.activated.emit(0)
    idle()
    assert len(league.table.visible_rows()) == len(levels)


def test_what_leaves_the_table_holds_no_cell_of_comparison(league, idle, tmp_path) -> None:
    path = tmp_path / "排名.xlsx"
    league.table.export_to(path)
    idle()
    book = load_workbook(path)
    written = [str(cell.value) for row in book.worksheets[0].iter_rows() for cell in row if cell.value is not None]
    assert not {"对比", "与之对比"} & set(written)
    assert any("居民医保分值增长" in text for text in written)
    assert len(written) > 1000


def test_enter_opens_the_institution(page, league, idle) -> None:
    code = str(league.table.worksheet().keys[7])
    league.table.select(code)
    QTest.keyClick(league.table.grid, Qt.Key.Key_Return)
    idle()
    tab = page.stack.currentWidget()
    assert page.tabs.currentIndex() == 1
    assert tab.chooser.code == code
    assert tab.chart.panels


def test_a_year_without_cases_says_so(page, league, desk, idle) -> None:
    from core.storage.ledger import Change, Edit

    key = {"year": 2030, "fund": "employee", "item": "dip_budget", "document": "", "date": ""}
    change = Change("budget", key, None, {"amount": 100, "batch_id": None, "row": None})
    desk.change(lambda workspace, _: workspace.ledger.commit(Edit("edit", "2030", (change,), "测试")))
    idle()
    desk.choose(year=2030)
    idle()
    assert league.asking.isVisible()
    assert "2030" in league.asking.said.text()
    assert league.table.worksheet().rows == 0
    desk.choose(year=2024)
    idle()
    assert league.table.worksheet().rows > 100


def test_the_page_without_a_workspace_says_what_to_do(empty_desk, make_page) -> None:
    page = make_page()
    assert page.empty.isVisible()
    assert not page.stack.isVisible()
