"""Own against official grouping, clicked through: totals, parts, and one differing case with both its paths."""

from __future__ import annotations

from collections.abc import Callable

import openpyxl
import pytest
from PySide6.QtCore import Qt

from ui.desk import Desk
from ui.pages.catalogue.agreement import VIEWS, AgreementTab


@pytest.fixture
def tab(desk: Desk, make_page, idle: Callable[[], None]) -> AgreementTab:
    page = make_page()
    page.show_target("agreement")
    idle()
    tab = page.stack.currentWidget()
    assert isinstance(tab, AgreementTab)
    return tab


@pytest.fixture
def compared(tab: AgreementTab, qtbot, idle) -> AgreementTab:
    qtbot.mouseClick(tab.go, Qt.MouseButton.LeftButton)
    idle()
    assert tab.compared is not None
    return tab


def test_before_asking_it_says_what_to_do(tab: AgreementTab, qtbot, idle) -> None:
    table = tab.tables["institution"]
    assert table.nothing.text.text().startswith("尚未核对")
    qtbot.mouseClick(table.nothing.button, Qt.MouseButton.LeftButton)
    idle()
    assert tab.compared is not None


def test_the_totals_close(compared: AgreementTab) -> None:
    found = compared.compared.found
    differing = int(found.differs.sum())
    assert found.same + differing == found.stated
    assert f"{found.stated:,}" in compared.counted.text()
    share = f"{100 * found.same / found.stated:.2f}%"
    assert share in compared.share.text()
    assert compared.tables["cases"].model.rowCount() == differing
    for view in ("institution", "chapter", "reason"):
        assert int(compared.tables[view].worksheet().cells["cases"].sum()) == len(found)


def test_the_official_group_is_what_the_file_says(compared: AgreementTab, desk: Desk) -> None:
    sheet = compared.tables["cases"].worksheet()
    for row in range(min(20, sheet.rows)):
        setl_id = sheet.cells["setl_id"][row]
        stated = desk.workspace.reader().execute(
            "SELECT dip_dise_grp_code FROM cases WHERE setl_id = ? AND sign = 1", (setl_id,)
        ).fetchone()[0]
        assert sheet.cells["official_code"][row] == stated
        assert sheet.cells["own_code"][row] != stated


def test_an_institution_leads_to_its_cases(compared: AgreementTab, qtbot) -> None:
    table = compared.tables["institution"]
    sheet = table.worksheet()
    row = int(sheet.cells["differing"].argmax())
    code = sheet.keys[row]
    assert table.select(code)
    qtbot.keyClick(table.grid, Qt.Key.Key_Return)
    assert compared.views.currentIndex() == VIEWS.index("cases")
    cases = compared.tables["cases"].worksheet()
    assert cases.rows == int(sheet.cells["differing"][row])
    assert set(cases.cells["fixmedins_code"]) == {code}
    assert sheet.cells["fixmedins_name"][row] in compared.narrowed.text()
    qtbot.mouseClick(compared.widen, Qt.MouseButton.LeftButton)
    assert compared.tables["cases"].model.rowCount() == int(compared.compared.found.differs.sum())


def test_a_pair_and_a_reason_lead_to_their_cases(compared: AgreementTab, qtbot) -> None:
    pairs = compared.tables["pair"].worksheet()
    compared.narrow("pair", pairs.keys[0])
    assert compared.tables["cases"].worksheet().rows == int(pairs.cells["cases"][0])
    for reason, button in compared.chips.buttons.items():
        qtbot.waitUntil(lambda button=button: button.height() > 0)  # just shown: laid out with the next event
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
        rows = compared.tables["cases"].worksheet().rows
        assert button.text().endswith(f" {rows:,}"), reason
        assert button.isChecked()


def test_both_paths_of_a_case_stand_side_by_side(compared: AgreementTab) -> None:
    table = compared.tables["cases"]
    sheet = table.worksheet()
    for row in range(0, sheet.rows, max(1, sheet.rows // 8)):
        assert table.select(sheet.keys[row])
        said = compared.paths.toPlainText()
        assert "自行分组" in said and "官方分组" in said
        for name in ("own_code", "official_code", "diagnosis"):
            assert (sheet.cells[name][row] or "未入组") in said
        assert "grouping." not in said and "agreement." not in said, "a text is missing"


def test_another_version_forgets_and_export_takes_all(compared: AgreementTab, tmp_path, idle) -> None:
    path = tmp_path / "核对.xlsx"
    compared.export_to(path)
    idle()
    book = openpyxl.load_workbook(path)
    assert len(book.sheetnames) == len(VIEWS)
    assert book.worksheets[VIEWS.index("cases")].max_row == int(compared.compared.found.differs.sum()) + 3
    compared.catalogue.setCurrentIndex(1)
    compared.catalogue.activated.emit(1)
    assert compared.compared is None
    assert not compared.export.isEnabled()
    assert compared.tables["cases"].worksheet().rows == 0


def test_cancelled_and_asked_again(tab: AgreementTab, idle) -> None:
    tab.compare()
    tab.asking.cancel()
    idle()
    assert tab.compared is None
    tab.compare()
    tab.compare()  # the newest question wins
    idle()
    assert tab.compared is not None


def test_rules_of_other_cities_can_be_tried(tab: AgreementTab, idle) -> None:
    """Also of packs that clear nothing by themselves; those that only repeat the national rule are not offered."""
    offered = [tab.pack.itemData(number) for number in range(tab.pack.count())]
    assert {"hubei-2023", "jining-2023", "taian-2023"} <= set(offered)
    assert "common" not in offered
    assert tab.pack.currentData() == "ningde-2024"
    tab.pack.setCurrentIndex(offered.index("hubei-2023"))
    tab.pack.activated.emit(tab.pack.currentIndex())
    tab.compare()
    idle()
    assert tab.compared is not None
    assert tab.compared.found.same
