"""The data page as its user has it: files in, tried, imported, withdrawn, put back; what is lacking; what differs."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QApplication, QComboBox

from ui.dialogs import ReasonDialog
from ui.pages.data import DataPage

INSTITUTIONS = "医疗机构名称,定点医药机构编号,医院等级,备注\n甲医院,H35090100001,三甲,x\n乙医院,H35090100002,九级,\n"
CASE_HEADING = "结算ID,险种类型,定点医药机构编号,出院时间,主要诊断代码,医疗费总额,基本医疗保险统筹基金支出\n"
CASES = CASE_HEADING + "S1,310,H35090100001,2024-03-01,K35.301,1000.00,600.00\n"


@pytest.fixture
def page(opened, desk, idle) -> DataPage:
    opened.show_page("data")
    idle()
    (found,) = opened.findChildren(DataPage)
    return found


@pytest.fixture
def rows(desk):
    def count(table: str) -> int:
        return desk.workspace.reader().execute(f"SELECT count(*) FROM {table}").fetchone()[0]

    return count


def put(path: Path, text: str, encoding: str = "gb18030") -> Path:
    path.write_text(text, encoding)
    return path


def files(page: DataPage):
    return page.open_tab("files")


def test_a_file_is_shown_first_tried_then_imported(page, desk, idle, qtbot, rows, tmp_path):
    page.add_files([put(tmp_path / "机构.csv", INSTITUTIONS)])
    idle()
    panel = files(page)
    offer = panel.current()
    assert (offer.kind, offer.state, offer.proposal.encoding) == ("institutions", "ready", "gb18030")
    assert [panel.columns.cellWidget(row, 1).currentData() for row in range(4)] == [
        "fixmedins_name", "fixmedins_code", "hosp_lv", None,
    ]  # fmt: skip
    assert "备注" in panel.facts.text()
    assert rows("institution") == 0
    reached, at = [], panel.columns.nextInFocusChain()  # by Tab: the meaning of each column, then the buttons
    while at is not panel.remove:
        reached += [at.accessibleName()] if isinstance(at, QComboBox) else []
        at = at.nextInFocusChain()
    assert reached == [panel.columns.item(row, 0).text() for row in range(4)]

    qtbot.mouseClick(panel.try_it, Qt.MouseButton.LeftButton)
    idle()
    assert offer.state == "tried"
    assert (offer.receipt.rows_read, offer.receipt.accepted, offer.receipt.refused) == (2, 1, 1)
    assert (rows("institution"), rows("batch")) == (0, 0)

    qtbot.mouseClick(panel.go, Qt.MouseButton.LeftButton)
    idle()
    assert offer.state == "refused"
    assert (rows("institution"), rows("batch")) == (1, 1)
    said = panel.found.worksheet().cells["said"]
    assert any("九级" in text for text in said)
    assert not panel.go.isEnabled(), "the same file cannot be imported twice"


def test_a_missing_column_is_named_and_can_be_mapped(page, idle, tmp_path, rows, qtbot):
    page.add_files([put(tmp_path / "机构.csv", INSTITUTIONS.replace("医院等级", "甲乙丙"))])
    idle()
    panel = files(page)
    offer = panel.current()
    panel.kind.setCurrentIndex(panel.kind.findData("institutions"))
    panel.kind.activated.emit(panel.kind.currentIndex())
    idle()
    assert offer.state == "lacking"
    assert "hosp_lv" in panel.trouble.text()
    assert not panel.go.isEnabled()
    box = panel.columns.cellWidget(2, 1)
    box.setFocus()
    box.setCurrentIndex(box.findData("hosp_lv"))
    box.activated.emit(box.currentIndex())
    idle()
    assert offer.state == "ready"
    assert panel.columns.cellWidget(2, 1).hasFocus(), "the keyboard stays where it was choosing"
    qtbot.mouseClick(panel.go, Qt.MouseButton.LeftButton)
    idle()
    assert rows("institution") == 1


def test_a_wrong_file_says_so_and_changes_nothing(page, idle, tmp_path, rows):
    broken = tmp_path / "清算表.xlsx"
    broken.write_bytes(b"%PDF-1.7 not a workbook")
    page.add_files([broken, put(tmp_path / "空.csv", "")])
    idle()
    panel = files(page)
    for row in range(2):
        panel.list.setCurrentRow(row)
        assert panel.current().state == "trouble"
        assert panel.trouble.text()
        assert not panel.go.isEnabled()
    assert rows("batch") == 0


def test_withdraw_and_put_back(page, desk, idle, qtbot, rows, tmp_path):
    page.add_files([put(tmp_path / "机构.csv", INSTITUTIONS)])
    idle()
    qtbot.mouseClick(files(page).go, Qt.MouseButton.LeftButton)
    idle()
    panel = page.open_tab("batches")
    idle()

    def answer(why: str) -> None:
        (dialog,) = [one for one in QApplication.topLevelWidgets() if isinstance(one, ReasonDialog)]
        dialog.field.setText(why)
        dialog.do.click()

    for expected, word in ((0, "撤回"), (1, "恢复")):
        panel.table.select(1)
        assert word in panel.turn.text()
        qtbot.mouseClick(panel.turn, Qt.MouseButton.LeftButton)
        idle()
        answer(f"{word}测试")
        idle()
        assert rows("institution") == expected
    lines = desk.workspace.ledger.lines()
    assert {line.why for line in lines} >= {"撤回测试", "恢复测试"}


def test_overview_says_what_a_clearing_lacks(page, idle, tmp_path, qtbot):
    page.add_files([put(tmp_path / "机构.csv", INSTITUTIONS), put(tmp_path / "明细.csv", CASES)])
    idle()
    panel = files(page)
    for row in range(2):
        panel.list.setCurrentRow(row)
        qtbot.mouseClick(panel.go, Qt.MouseButton.LeftButton)
        idle()
    overview = page.open_tab("overview")
    idle()
    said = [overview.lacks.item(row).text() for row in range(overview.lacks.count())]
    assert any("目录" in text for text in said)
    assert any("H35090100001" in text and "系数" in text for text in said)
    assert not overview.clear.isEnabled()
    kinds = set(overview.table.worksheet().cells["kind"])
    assert len(kinds) == 3, "institutions, cases and the budget line of the fixture, in words"
    assert not any(kind.isascii() for kind in kinds)


def test_control_totals_that_differ_stand_first(page, idle, tmp_path, qtbot):
    totals = "period,fixmedins_code,fund,rows,medfee_sumamt,hifp_pay\n202402,,all,0,0.00,0.00\n202403,,all,2,1000.01,600.00\n"
    page.add_files([put(tmp_path / "明细.csv", CASES), put(tmp_path / "对账.csv", totals)])
    idle()
    panel = files(page)
    for row, kind in enumerate(("cases", "control_totals")):
        panel.list.setCurrentRow(row)
        assert panel.current().kind == kind
        qtbot.mouseClick(panel.go, Qt.MouseButton.LeftButton)
        idle()
    control = page.open_tab("control")
    idle()
    sheet = control.table.worksheet()
    assert list(sheet.cells["period"]) == ["202403", "202402"]
    assert list(sheet.cells["rows_difference"]) == [-1, 0]
    assert list(sheet.cells["medfee_difference"]) == [-1, 0], "1,000.00 arrived, 1,000.01 sent"
    assert "1" in control.said.text()


def test_files_dropped_on_the_page_are_listed(page, idle, tmp_path):
    dropped = put(tmp_path / "机构.csv", INSTITUTIONS)
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(dropped))])
    event = QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton,
                       Qt.KeyboardModifier.NoModifier)  # fmt: skip
    page.dropEvent(event)
    idle()
    assert files(page).current().path == dropped
