"""The table as its user has it: clicks, keys, clipboard, files."""

from __future__ import annotations

import csv
import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import openpyxl
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMenu, QPushButton

from core.export import lettering
from core.faults import WorldFault
from core.worksheet import Column, Worksheet, column_of
from ui.desk import Desk
from ui.table import Filter, Table, exporting

try:
    lettering.faces()
    LETTERS = True
except WorldFault:  # no Chinese font on this computer
    LETTERS = False

COLUMNS = (
    Column("code", {"zh": "机构编码", "en": "Code"}, "code"),
    Column("name", {"zh": "机构名称", "en": "Institution"}),
    Column("level", {"zh": "级别", "en": "Level"}, "int"),
    Column("fee", {"zh": "总费用", "en": "Total cost"}, "fixed", "yuan", 2, "V", total=True),
    Column("due", {"zh": "统筹应支付", "en": "Fund due"}, "fixed", "yuan", 2, "S", "小数位数", total=True),
    Column("k", {"zh": "系数", "en": "Coefficient"}, "exact", "coefficient"),
)


def worksheet(name: str = "institutions") -> Worksheet:
    codes = ["0012", "0013", "0014", "0015"]
    cells = {
        "code": column_of(codes, "code"),
        "name": column_of(["=危险医院", "安和医院", "中医院", "宁德医院"], "text"),
        "level": column_of([3, 2, 2, 1], "int"),
        "fee": column_of([123456789, 200, 5000, -100], "fixed"),
        "due": column_of([100, 200, 1000, 4000], "fixed"),
        "k": column_of([Fraction(1), Fraction(889, 1000), Fraction(1, 3), None], "exact"),
    }
    return Worksheet(
        name, {"zh": "机构清算表", "en": "Clearing"}, COLUMNS, cells, 4, keys=column_of(codes, "code")
    )


@pytest.fixture
def table(desk: Desk, qtbot) -> Table:
    table = Table(desk)
    qtbot.addWidget(table)
    table.resize(900, 400)
    table.set_worksheet(worksheet())
    table.show()
    qtbot.waitExposed(table)
    return table


def shown(table: Table, column: str = "code") -> list[str]:
    place = table.model.place(column)
    return [table.model.index(row, place).data() for row in range(table.model.rowCount())]


def cell(table: Table, row: int, column: str) -> QPoint:
    return table.grid.visualRect(table.model.index(row, table.model.place(column))).center()


def head(table: Table, column: str) -> QPoint:
    heading = table.grid.heading
    place = table.model.place(column)
    return QPoint(
        heading.sectionViewportPosition(place) + heading.sectionSize(place) - 30, heading.height() - 10
    )


def test_numbers_are_grouped_right_and_exact(table: Table) -> None:
    assert shown(table, "fee") == ["1,234,567.89", "2.00", "50.00", "−1.00"]
    assert shown(table, "k") == ["1", "0.889", "0.333333…", ""]
    index = table.model.index(0, 3)
    assert index.data(Qt.ItemDataRole.TextAlignmentRole) & Qt.AlignmentFlag.AlignRight
    assert table.model.index(2, 5).data(Qt.ItemDataRole.ToolTipRole).endswith("= 1 / 3")
    assert table.totals.text(3) == "1,234,618.89"


def test_clicking_a_heading_sorts_up_down_and_back(table: Table, qtbot) -> None:
    def click() -> list[str]:
        qtbot.mouseClick(table.grid.heading.viewport(), Qt.MouseButton.LeftButton, pos=head(table, "fee"))
        return shown(table)

    assert click() == ["0015", "0013", "0014", "0012"]
    assert click() == ["0012", "0014", "0013", "0015"]
    assert click() == ["0012", "0013", "0014", "0015"]


def test_current_cell_stays_on_its_row_through_sorting(table: Table) -> None:
    assert table.select("0014", "due")
    table.sort("fee")
    assert table.current_row() == 2
    assert table.grid.currentIndex().data() == "10.00"


def test_column_menu_filters_by_ticked_values(table: Table, qtbot) -> None:
    menu = table.open_menu(table.model.place("level"))
    items = {menu.values.item(i).text().split()[0]: menu.values.item(i) for i in range(menu.values.count())}
    items["2"].setCheckState(Qt.CheckState.Unchecked)
    qtbot.mouseClick(menu.apply, Qt.MouseButton.LeftButton)
    assert shown(table) == ["0012", "0015"]
    assert table.totals.text(3) == "1,234,566.89"
    assert table.foot.status.text() == "筛选出 2 行，共 4 行"
    assert table.clear_filters.isVisible()
    qtbot.mouseClick(table.clear_filters, Qt.MouseButton.LeftButton)
    assert len(shown(table)) == 4


def test_column_menu_by_keyboard_alone(table: Table, qtbot) -> None:
    table.select("0012", "fee")
    opened = []
    table.grid.menu_wanted.connect(lambda place: opened.append(place))
    qtbot.keyClick(table.grid, Qt.Key.Key_Down, Qt.KeyboardModifier.AltModifier)
    assert opened == [3]
    menu = QGuiApplication.focusWindow() and table.findChildren(type(table.open_menu(3)))[0]
    assert menu


def test_number_condition_in_the_menu_and_a_wrong_one(table: Table, qtbot) -> None:
    menu = table.open_menu(table.model.place("fee"))
    menu.op.setCurrentIndex(menu.op.findData(">"))
    menu.first.setText("多")
    qtbot.keyClick(menu.first, Qt.Key.Key_Return)
    assert menu.isVisible()
    assert len(shown(table)) == 4
    menu.first.setText("1.99")
    qtbot.keyClick(menu.first, Qt.Key.Key_Return)
    assert shown(table) == ["0012", "0013", "0014"]


def test_amounts_of_a_filter_follow_the_unit_on_screen(table: Table, desk: Desk, qtbot) -> None:
    desk.show_wan(True)
    assert shown(table, "fee")[0] == "123.4568"
    assert table.grid.heading.second(COLUMNS[3]).startswith("万元")
    menu = table.open_menu(3)
    menu.op.setCurrentIndex(menu.op.findData(">"))
    menu.first.setText("100")
    qtbot.keyClick(menu.first, Qt.Key.Key_Return)
    assert shown(table) == ["0012"]
    desk.show_wan(False)
    assert table.filters()["fee"] == Filter(op=">", first="1000000")
    assert shown(table, "fee") == ["1,234,567.89"]


def test_condition_between_columns(table: Table, qtbot) -> None:
    table.condition.setText("fee > 2 * due")
    qtbot.keyClick(table.condition, Qt.Key.Key_Return)
    assert shown(table) == ["0012", "0014"]
    table.condition.setText("fee > 2 * nothing")
    qtbot.keyClick(table.condition, Qt.Key.Key_Return)
    assert "nothing" in table.foot.status.text()
    assert shown(table) == ["0012", "0014"]
    table.condition.clear()
    assert len(shown(table)) == 4


def test_nothing_passes_offers_the_way_back(table: Table, qtbot) -> None:
    table.set_condition("fee > 999999999")
    assert table.nothing.isVisible()
    qtbot.mouseClick(table.nothing.button, Qt.MouseButton.LeftButton)
    assert len(shown(table)) == 4
    assert not table.nothing.isVisible()


def test_empty_page_says_what_to_do(table: Table, desk: Desk, qtbot) -> None:
    done = []
    table.set_empty("还没有数据", "导入", lambda: done.append(True))
    table.set_worksheet(Worksheet("none", {"zh": "", "en": ""}, (), {}, 0))
    assert table.nothing.text.text() == "还没有数据"
    button = table.nothing.findChild(QPushButton)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert done == [True]


def test_find_as_you_type(table: Table, qtbot) -> None:
    table.grid.setFocus()
    qtbot.keyClick(table.grid, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    table.find_field.setText("医院")  # QTest types Latin letters only
    table.find_field.textEdited.emit("医院")
    qtbot.waitUntil(lambda: table.find_field.said.text() == "1 / 4")
    qtbot.keyClick(table.find_field, Qt.Key.Key_Return)
    assert table.find_field.said.text() == "2 / 4"
    assert table.current_row() == 1
    table.find_field.setText("没有这个")
    qtbot.keyClick(table.find_field, Qt.Key.Key_Return)
    assert table.find_field.said.text() == "未找到"


def test_selection_across_the_frozen_edge_and_its_sum(table: Table, qtbot) -> None:
    view = table.grid.viewport()
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=cell(table, 1, "name"))
    qtbot.mouseMove(view, cell(table, 2, "fee"))
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=cell(table, 2, "fee"))
    table._say_selected()
    picked = {(i.row(), i.column()) for i in table.grid.selectionModel().selectedIndexes()}
    assert picked == {(row, place) for row in (1, 2) for place in (1, 2, 3)}
    qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=cell(table, 1, "fee"))
    qtbot.mouseClick(
        view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier, cell(table, 3, "fee")
    )
    table._say_selected()
    assert "51.00 元" in table.foot.selected.text()  # 2.00 + 50.00 - 1.00
    assert "17.00 元" in table.foot.selected.text()


def test_frozen_columns_stay_while_the_rest_scrolls(table: Table, qtbot) -> None:
    table.resize(420, 300)
    table.grid.setColumnWidth(4, 400)
    bar = table.grid.horizontalScrollBar()
    qtbot.waitUntil(lambda: bar.maximum() > 0)
    bar.setValue(bar.maximum())
    wide = table.grid.frozen_width()
    assert wide > 0
    assert table.grid.visualRect(table.model.index(0, 0)).left() == 0
    assert table.grid.indexAt(QPoint(5, 5)).column() == 0
    assert table.grid.indexAt(QPoint(wide + 5, 5)).column() > 1
    table.select("0012", "level")  # scrolled away under the frozen ones: it comes out
    assert table.grid.visualRect(table.model.index(0, 2)).left() >= wide
    table.grid.setFocus()
    qtbot.keyClick(table.grid, Qt.Key.Key_Left)
    assert table.grid.currentIndex().column() == 1
    # The frozen heading resizes its column in both views.
    table.grid.front.resizeSection(0, 133)
    assert table.grid.columnWidth(0) == 133
    assert table.grid.body.columnWidth(0) == 133


def test_widths_hidden_columns_order_and_freezing_are_kept(table: Table, desk: Desk, qtbot) -> None:
    table.grid.heading.resizeSection(3, 201)
    table.show_column("level", False)
    table.freeze(1)
    table.sort("due", True)
    other = Table(desk)
    qtbot.addWidget(other)
    other.set_worksheet(worksheet())
    assert other.grid.columnWidth(3) == 201
    assert [column.id for column in other.visible_columns()] == ["code", "name", "fee", "due", "k"]
    assert other.grid.frozen_places() == [0]
    assert shown(other) == ["0015", "0014", "0013", "0012"]
    third = Table(desk)
    qtbot.addWidget(third)
    third.set_worksheet(worksheet("another"))
    assert len(third.visible_columns()) == 6


def test_a_sheet_that_freezes_more_takes_no_width_from_the_one_before(table: Table, desk: Desk) -> None:
    table.set_worksheet(worksheet("narrow"), frozen=1)
    table.set_worksheet(worksheet("wide"), frozen=3)
    fitted = [table.kept.fitting(place, table.widest) for place in range(3)]
    assert [table.grid.columnWidth(place) for place in range(3)] == fitted
    assert [table.grid.front.sectionSize(place) for place in range(3)] == fitted
    assert not any("widths" in kept for kept in desk.settings.tables.values())  # nobody dragged


def test_new_data_under_the_same_name_keeps_filter_and_order(table: Table) -> None:
    table.set_filter("level", Filter(frozenset({"2"})))
    table.sort("fee", True)
    table.set_worksheet(worksheet())
    assert shown(table) == ["0014", "0013"]


def test_copy_gives_excel_codes_as_text_and_no_formula(table: Table, qtbot) -> None:
    table.grid.selectAll()
    qtbot.keyClick(
        table.grid, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    )
    data = QGuiApplication.clipboard().mimeData()
    lines = data.text().split("\r\n")
    assert lines[0] == "机构编码\t机构名称\t级别\t总费用 (元)\t统筹应支付 (元)\t系数"
    assert lines[1] == "0012\t'=危险医院\t3\t1234567.89\t1.00\t1"
    assert lines[4] == "0015\t宁德医院\t1\t-1.00\t40.00\t"
    html = data.html()
    assert "<td style='mso-number-format:\"\\@\"'>0012</td>" in html
    assert "<td style='mso-number-format:\"\\@\"'>=危险医院</td>" in html
    assert "<td style='mso-number-format:\"0\\.00\"'>1234567.89</td>" in html


def test_copy_in_wan_is_exact(table: Table, desk: Desk, qtbot) -> None:
    desk.show_wan(True)
    table.select("0012", "fee")
    qtbot.keyClick(table.grid, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == "123.456789"


def test_export_gives_all_that_is_filtered_with_totals(table: Table, qtbot, tmp_path: Path) -> None:
    table.set_filter("level", Filter(op=">=", first="2"))
    table.sort("fee", True)
    for name in ("out.csv", "out.xlsx", *(["out.pdf"] if LETTERS else [])):
        with qtbot.waitSignal(table.desk.said):
            table.export_to(tmp_path / name)
    with (tmp_path / "out.csv").open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.reader(file))
    assert [line[0] for line in lines[1:4]] == ["0012", "0014", "0013"]
    assert "3" in lines[4][0]
    assert "1234619.89" in lines[4]
    assert not LETTERS or (tmp_path / "out.pdf").read_bytes().startswith(b"%PDF")
    menu = QMenu()
    exporting.fill_menu(menu, table)
    assert [(".pdf" in one.text(), one.isEnabled()) for one in menu.actions()] == [(False, True), (False, True), (True, True)]
    rows = list(openpyxl.load_workbook(tmp_path / "out.xlsx").active.iter_rows(values_only=True))
    found = [row for row in rows if row[0] == "0012"]
    assert found
    assert found[0][3] == 1234567.89
    assert any(re.search("3", str(row[0])) and row[3] == 1234619.89 for row in rows)


def test_enter_and_double_click_activate(table: Table, qtbot) -> None:
    table.select("0013", "due")
    with qtbot.waitSignal(table.activated) as caught:
        qtbot.keyClick(table.grid, Qt.Key.Key_Return)
    assert caught.args == ["0013", "due"]
    spot = cell(table, 3, "fee")
    qtbot.mouseClick(table.grid.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    with qtbot.waitSignal(table.activated) as caught:
        qtbot.mouseDClick(table.grid.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    assert caught.args == ["0015", "fee"]


def test_a_million_rows_scroll_sort_filter_and_find(desk: Desk, qtbot) -> None:
    rows = 1_000_000
    rng = np.random.default_rng(7)
    fees = rng.integers(0, 10**8, rows)
    names = np.array(["甲医院", "乙医院", "丙卫生院"], dtype=object)[rng.integers(0, 3, rows)]
    columns = (Column("n", {"zh": "序号", "en": "No"}, "int"), COLUMNS[1], COLUMNS[3])
    sheet = Worksheet(
        "cases",
        {"zh": "病例", "en": "Cases"},
        columns,
        {"n": np.arange(rows), "name": names, "fee": fees},
        rows,
    )
    table = Table(desk)
    qtbot.addWidget(table)
    table.resize(800, 400)
    table.show()
    with qtbot.waitSignal(table.arranged, timeout=60_000):
        table.set_worksheet(sheet, frozen=1)
    assert table.totals.text(2).replace(",", "") == f"{int(fees.sum()) // 100}.{int(fees.sum()) % 100:02d}"
    bar = table.grid.verticalScrollBar()
    bar.setValue(bar.maximum())
    table.grab()
    assert table.grid.indexAt(QPoint(5, table.grid.viewport().height() - 15)).row() == rows - 1
    assert table.grid.body.verticalScrollBar().value() == bar.value()
    with qtbot.waitSignal(table.arranged, timeout=60_000):
        table.sort("fee", True)
    assert table.model.cell(0, 2) == fees.max()
    assert table.model.cell(rows - 1, 2) == fees.min()
    with qtbot.waitSignal(table.arranged, timeout=60_000):
        table.set_filter("name", Filter(op="contains", first="卫生"))
    assert table.model.rowCount() == int((names == "丙卫生院").sum())
    with qtbot.waitSignal(table.arranged, timeout=60_000):
        assert table.set_condition("fee > 2 * n")
    table.find_field.setText("999")
    table.find_field.search()
    qtbot.waitUntil(lambda: "/" in table.find_field.said.text(), timeout=60_000)
