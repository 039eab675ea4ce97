"""The Clearing page clicked through: clear, ask why, down to the single case, and back."""

from __future__ import annotations

import json
import re
import shutil
from fractions import Fraction
from pathlib import Path

import openpyxl
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QPushButton

from core.storage.ledger import Change, Edit
from core.texts import Texts
from ui.desk import Desk
from ui.pages.clearing import ClearingPage, sheets
from ui.pages.clearing.why import Place
from ui.table import Filter

from .conftest import idle


def spot(page: ClearingPage, code: str, column: str) -> QPoint:
    """Where a cell of the worksheet is, brought into sight."""
    assert page.table.select(code, column)
    return page.table.grid.visualRect(page.table.grid.currentIndex()).center()


def double_click(qtbot, table, at: QPoint) -> None:
    view = table.grid.viewport()
    qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=at)
    qtbot.mouseDClick(view, Qt.MouseButton.LeftButton, pos=at)


def follow(page: ClearingPage, qtbot, desk: Desk, title: str) -> None:
    """Click the part of that title."""
    parts = page.beside.why.parts
    item = next(
        parts.topLevelItem(i)
        for i in range(parts.topLevelItemCount())
        if parts.topLevelItem(i).text(0) == title
    )
    qtbot.mouseClick(parts.viewport(), Qt.MouseButton.LeftButton, pos=parts.visualItemRect(item).center())
    idle(qtbot, desk)


def test_an_uncleared_year_offers_to_clear(make_page, desk: Desk, qtbot) -> None:
    page = make_page()
    assert page.stack.currentWidget() is page.empty
    assert "2024" in page.empty.missing.text()
    assert page.controls.pack.currentData() == "ningde-2024"
    qtbot.mouseClick(page.empty.button, Qt.MouseButton.LeftButton)
    idle(qtbot, desk)
    assert page.stack.currentWidget() is page.sheet
    assert page.table.model.rowCount() == 155
    assert [c.id for c in page.table.visible_columns()][:4] == ["code", "name", "level", "county"]
    assert page.run is not None
    assert not page.run.stale


def test_the_sheet_foots(cleared: ClearingPage) -> None:
    assert cleared.clearing is not None
    sheet = cleared.clearing.fund("employee")
    model = cleared.table.model
    for name in ("score", "due", "final"):
        total = sum(sheet.values[name], Fraction(0))
        shown = cleared.table.totals.text(model.place(name)).replace(",", "").replace("−", "-")
        assert Fraction(shown) == total, name
    residual = cleared.figures.figure("residual")
    assert Fraction(residual.value.replace(",", "").replace("−", "-")) == (
        sheet.region["fund_available"] - sum(sheet.values["due"], Fraction(0))
    )
    assert "舍入" in residual.toolTip()


def test_from_a_due_cell_down_to_a_case_and_back(cleared: ClearingPage, desk: Desk, qtbot) -> None:
    page, clearing = cleared, cleared.clearing
    assert clearing is not None
    sheet = clearing.fund("employee")
    at = 0
    one = sheet.institutions[at]
    double_click(qtbot, page.table, spot(page, one.code, "due"))
    idle(qtbot, desk)
    why = page.beside.why
    assert why.isVisible()
    assert one.name in why.subject.text()
    assert "分值总额" in why.sentence.text()
    amounts = [f"{float(sheet.values[name][at]):,.2f}" for name in ("gross", "own_pay", "other_pay", "due")]
    for amount in amounts:  # the formula with the values put in, and the result
        assert amount in why.filled.text().replace("−", "-")
    assert why.value.text() == f"{amounts[3]} 元"
    assert "116号" in why.documents.text()

    follow(page, qtbot, desk, "分值总额")
    assert why.title.text() == "分值总额"
    follow(page, qtbot, desk, "分值")
    assert why.place == Place("cell", "employee", "score", "institution", one.code)
    cases = why.beneath.worksheet()
    assert cases.rows == int(sheet.values["cases"][at])
    assert [c.id for c in cases.columns][:3] == ["setl_id", "score", "branch"]
    scale = 10 ** next(c.places for c in cases.columns if c.id == "score")
    assert Fraction(int(cases.cells["score"].sum()), scale) == sheet.values["score"][at]

    # The cases filter as any table does.
    why.beneath.set_condition("fee > 2 * reference")
    assert why.beneath.model.rowCount() == int((cases.cells["x"] > 2 * 10**6).sum())
    why.beneath.clear_all_filters()

    case = str(cases.keys[0])
    why.beneath.select(case, "score")
    double_click(qtbot, why.beneath, why.beneath.grid.visualRect(why.beneath.grid.currentIndex()).center())
    idle(qtbot, desk)
    assert why.place is not None
    assert why.place.kind == "case"
    assert why.title.text() == case
    assert "病例分值 = " in why.filled.text()
    lines = {
        why.parts.topLevelItem(i).text(0): why.parts.topLevelItem(i).text(1)
        for i in range(why.parts.topLevelItemCount())
    }
    assert re.fullmatch(r".+ 第 \d+ 行", lines["来源文件"])
    assert lines["医疗费用"].endswith("元")
    assert "基本系数" in lines

    why.back.click()
    idle(qtbot, desk)
    assert why.place.step == "score"
    why.back.click()
    why.back.click()
    idle(qtbot, desk)
    assert why.place.step == "due"
    assert page.table.grid.currentIndex().column() == page.table.model.place("due")
    why.forward.click()
    idle(qtbot, desk)
    assert why.place.step == "gross"


def test_every_figure_answers_and_none_is_empty(cleared: ClearingPage, desk: Desk, qtbot) -> None:
    page, clearing = cleared, cleared.clearing
    assert clearing is not None
    code = clearing.fund("resident").institutions[0].code
    desk.choose(fund="resident")
    idle(qtbot, desk)
    for scope, one in (("region", ""), ("institution", code)):
        for step in clearing.pack.scope(scope):
            page.ask(scope, one, step.id)
            idle(qtbot, desk)
            why = page.beside.why
            assert why.title.text() == step.title["zh"]
            assert why.value.text(), step.id
            assert why.sentence.text(), step.id
            assert not why.trouble.isVisibleTo(why), (step.id, why.trouble.text())
            has_more = why.parts.topLevelItemCount() or why.under.isVisibleTo(why)
            nothing = why.note.text() in (desk.texts("clearing.no_rows_zero"), desk.texts("clearing.no_settlements"))
            assert has_more or nothing or why.filled.text(), step.id
            if why.under.isVisibleTo(why):
                assert why.beneath.worksheet().rows, step.id


def test_region_figure_leads_to_the_institutions_beneath(cleared: ClearingPage, desk: Desk, qtbot) -> None:
    page = cleared
    qtbot.mouseClick(page.figures.figure("point_value"), Qt.MouseButton.LeftButton)
    idle(qtbot, desk)
    why = page.beside.why
    assert "可分配基金" in why.sentence.text()
    beneath = why.beneath.worksheet()
    assert beneath.rows == 155
    assert [c.id for c in beneath.columns] == ["code", "name", "own_pay", "other_pay", "score"]
    follow(page, qtbot, desk, "Σ分值")
    assert why.place == Place("sum", "employee", "score")
    key = str(why.beneath.worksheet().keys[5])
    why.beneath.select(key, "score")
    qtbot.keyClick(why.beneath.grid, Qt.Key.Key_Return)
    idle(qtbot, desk)
    assert why.place == Place("cell", "employee", "score", "institution", key)
    # The budget says which file its lines came from.
    page.ask("region", "", "budget")
    idle(qtbot, desk)
    rows = why.beneath.worksheet()
    assert all(rows.cells["file"])
    assert rows.cells["subject"][0] == "DIP 预算"


def test_keyboard_opens_and_closes_the_panel(cleared: ClearingPage, desk: Desk, qtbot) -> None:
    page = cleared
    page.table.select(page.clearing.fund("employee").institutions[2].code, "final")
    page.table.grid.setFocus()
    qtbot.keyClick(page.table.grid, Qt.Key.Key_Return)
    idle(qtbot, desk)
    assert page.beside.why.place.step == "final"
    qtbot.keyClick(page.table.grid, Qt.Key.Key_Escape)
    assert not page.beside.side.isVisible()


def test_another_workspace_leaves_no_explanation_of_the_first(
    cleared: ClearingPage, desk: Desk, qtbot, workspace: Path, tmp_path: Path
) -> None:
    page = cleared
    page.ask("region", "", "point_value")
    idle(qtbot, desk)
    assert page.beside.side.isVisible()
    other = tmp_path / "other.dianzhi"
    shutil.copy(workspace, other)
    desk.open(other)
    idle(qtbot, desk)
    assert page.beside.why.place is None
    assert not page.beside.side.isVisible()


def test_copying_an_explanation(cleared: ClearingPage, desk: Desk, qtbot) -> None:
    cleared.ask("region", "", "fund_available")
    idle(qtbot, desk)
    cleared.beside.why.copy_button.click()
    text = QGuiApplication.clipboard().text()
    assert "可分配基金" in text
    assert "DIP 预算总额" in text
    assert "依据" in text


def test_blocked_says_what_is_missing_and_where_to_go(make_page, desk: Desk, qtbot) -> None:
    connection = desk.workspace.reader()
    row = connection.execute(
        "SELECT document, date, amount, batch_id, row FROM budget WHERE year = 2024 AND fund = 'employee'"
        " AND item = 'outside_manual'"
    ).fetchone()
    key = {"year": 2024, "fund": "employee", "item": "outside_manual", "document": row[0], "date": row[1]}
    gone = Change("budget", key, {"amount": row[2], "batch_id": row[3], "row": row[4]}, None)
    page = make_page()
    page.clear()
    idle(qtbot, desk)
    first = page.clearing
    desk.change(
        lambda workspace, _: workspace.ledger.commit(Edit("edit", "outside_manual", (gone,), "试")),
        tables=("budget",),
    )
    idle(qtbot, desk)
    assert page.notice.isVisible()
    assert "数据已变更" in page.notice.text.text()
    page.clear()
    idle(qtbot, desk)
    assert page.stack.currentWidget() is page.blocked
    labels = [label.text() for label in page.blocked.findChildren(type(page.blocked.title))]
    told = next(text for text in labels if "住院手工报销" in text)
    assert "职工医保" in told
    assert "employee" not in told
    buttons = {button.text(): button for button in page.blocked.findChildren(QPushButton)}
    with qtbot.waitSignal(desk.wanted) as wanted:
        qtbot.mouseClick(buttons["去导入基金预算"], Qt.MouseButton.LeftButton)
    assert wanted.args[0] == "data"
    qtbot.mouseClick(buttons["返回"], Qt.MouseButton.LeftButton)
    assert page.stack.currentWidget() is page.sheet
    assert page.clearing.stamps.run_hash == first.stamps.run_hash  # the earlier result stays


def test_stored_runs_can_be_looked_at(cleared: ClearingPage, desk: Desk, qtbot) -> None:
    page = cleared
    first = page.run
    assert first is not None
    page.controls.pack.setCurrentIndex(page.controls.pack.findData("national-draft-3"))
    page.controls.pack.activated.emit(page.controls.pack.currentIndex())
    idle(qtbot, desk)
    assert page.stack.currentWidget() is page.empty  # not cleared by that pack yet
    page.load(first.id)
    idle(qtbot, desk)
    assert page.clearing is not None
    assert page.clearing.pack.id == "ningde-2024"
    page.controls.history.menu().aboutToShow.emit()
    entries = [action.text() for action in page.controls.history.menu().actions()]
    assert any(first.hash[:8] in text for text in entries)


def test_fund_and_unit_follow_the_top_line(cleared: ClearingPage, desk: Desk, qtbot) -> None:
    page = cleared
    before = page.figures.figure("budget").value
    desk.choose(fund="resident")
    idle(qtbot, desk)
    assert page.figures.figure("budget").value != before
    desk.show_wan(True)
    assert page.figures.figure("budget").unit == "万元"
    assert page.figures.figure("residual").unit == "元"  # some fen would vanish in 万元
    assert page.table.grid.heading.second(page.table.model.column(page.table.model.place("due"))).startswith(
        "万元"
    )


def test_headings_carry_evidence_and_open_fields(cleared: ClearingPage) -> None:
    model = cleared.table.model
    heading = cleared.table.grid.heading
    assert "[D]" in heading.second(model.column(model.place("due")))
    assert "未定" in heading.second(model.column(model.place("coefficient")))
    assert "文件未明确" in heading.explain(model.place("coefficient"))
    assert heading.groups["final"] == "考核、扣减与清算"


def test_findings_of_the_run(cleared: ClearingPage, desk: Desk, qtbot) -> None:
    page = cleared
    page.beside.findings_button.click()
    sheet = page.beside.findings.worksheet()
    assert sheet.rows == len(page.clearing.findings)
    for text in sheet.cells["reason"]:
        assert not re.search(r"\b(employee|resident)\b", text), text
        assert not text.startswith("finding."), text
    page.beside.findings.set_filter("reason", Filter(op="contains", first="没有病种"))
    assert 0 < page.beside.findings.model.rowCount() < sheet.rows


@pytest.mark.parametrize("form", ["xlsx", "csv", "json"])
def test_exports(cleared: ClearingPage, desk: Desk, qtbot, tmp_path: Path, form: str) -> None:
    path = tmp_path / f"out.{form}"
    cleared.handover.write(path)
    idle(qtbot, desk)
    if form == "json":
        told = json.loads(path.read_text("utf-8"))
        assert len(told["funds"]["employee"]["institutions"]) == 155
    elif form == "csv":
        assert path.read_text("utf-8-sig").count("TOTAL") == 2
    else:
        assert len(openpyxl.load_workbook(path, read_only=True).sheetnames) >= 4


def test_finder_leads_to_an_institution(make_page, desk: Desk, qtbot) -> None:
    page = make_page()
    page.clear()
    idle(qtbot, desk)
    code = page.clearing.fund("employee").institutions[77].code
    page.show_target(("institution", code))
    assert page.table.current_row() == 77


def test_english_page_has_no_chinese_of_ours(workspace: Path, own_home, swept, qtbot) -> None:
    desk = Desk("en")
    desk.open(workspace)
    idle(qtbot, desk)
    desk.choose(year=2024)
    page = ClearingPage(desk)
    qtbot.addWidget(page)
    page.resize(1190, 660)
    page.refresh()
    page.show()
    idle(qtbot, desk)
    page.clear()
    idle(qtbot, desk)
    page.ask("region", "", "point_value")
    idle(qtbot, desk)
    han = re.compile(r"[\u3400-\u9fff]")
    assert page.beside.why.title.text() == "Point value"
    for label in (
        page.beside.why.title,
        page.beside.why.sentence,
        page.beside.why.filled,
        page.beside.why.subject,
        page.stamps,
        page.table.foot.status,
    ):
        assert not han.search(label.text()), label.text()
    assert not any(han.search(page.table.model.title(column)) for column in page.table.worksheet().columns)
    assert desk.close()


def test_worksheet_keeps_exact_what_has_no_end() -> None:
    from core.rules import packs

    step = packs.load("ningde-2024").step("institution", "coefficient")
    column, cells = sheets.step_column(step, [Fraction(1, 3), Fraction(1)], "zh")
    assert column.kind == "exact"
    assert cells.tolist() == [Fraction(1, 3), Fraction(1)]
    column, cells = sheets.step_column(step, [Fraction(889, 1000), Fraction(1)], "zh")
    assert (column.kind, column.places, cells.tolist()) == ("fixed", 3, [889, 1000])


def test_run_words_are_in_words() -> None:
    assert sheets.set_words("imported", Texts("zh")) == "导入的系数"


def test_another_language_shows_the_same_sheet(workspace: Path, own_home, swept, qtbot) -> None:
    from ui.window import Window

    desk = Desk("zh")
    window = Window(desk)
    window.resize(1366, 768)
    window.show()
    desk.open(workspace)
    idle(qtbot, desk)
    desk.choose(year=2024)
    window.show_page("clearing")
    idle(qtbot, desk)
    window.do("clearing.run")
    idle(qtbot, desk)
    before = window.page().clearing.stamps.run_hash
    desk.speak("en")
    idle(qtbot, desk)
    page = window.page()
    assert isinstance(page, ClearingPage)
    assert page.clearing.stamps.run_hash == before
    assert page.table.model.title(page.table.model.column(page.table.model.place("due"))) == "Fund due"
    assert page.controls.clear.text() == "Clear"
    window.close()
    idle(qtbot, desk)


def test_on_a_low_screen_why_takes_the_page(cleared: ClearingPage, desk: Desk, qtbot) -> None:
    page, why = cleared, cleared.beside.why
    page.resize(890, 446)
    code = str(page.table.worksheet().keys[0])  # type: ignore[index]
    page.table.setFocus()
    page.ask("institution", code, "score")
    idle(qtbot, desk)
    assert not page.table.isVisible() and not page.controls.isVisible() and not page.figures.isVisible()
    view, value = why.beneath.grid, why.value
    fit = sum(view.rowHeight(row) for row in range(4))
    qtbot.waitUntil(lambda: view.viewport().height() >= fit)
    assert value.isVisible() and value.visibleRegion().boundingRect().height() == value.height()
    qtbot.keyClick(page, Qt.Key.Key_Escape)
    assert page.table.isVisible() and page.controls.isVisible() and page.figures.isVisible()
    page.ask("institution", code, "score")
    idle(qtbot, desk)
    page.resize(1190, 660)
    assert page.table.isVisible() and why.isVisible()
