"""The Packs page typed and clicked through: packs in words, and one case calculated as the clearing calculated it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from window_hands import write

from core.rules import packs
from core.rules.description import describe
from core.settlement.clearing import cases_of, clear
from core.storage.workspace import Workspace
from core.texts import Texts
from ui.pages.packs import PacksPage
from ui.pages.packs.calculator import Calculator


@pytest.fixture(scope="session")
def cleared_region(demonstration, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("region") / "demo.dianzhi"
    shutil.copy(demonstration, path)
    with Workspace.open(path) as workspace:
        clear(workspace, 2024, packs.load("ningde-2024"))
    return path


@pytest.fixture
def region(window, desk, idle, cleared_region, tmp_path):
    """The window with a cleared demonstration region in hand."""
    path = tmp_path / "demo.dianzhi"
    shutil.copy(cleared_region, path)
    desk.open(path)
    idle()
    desk.choose(year=2024)
    return window


@pytest.fixture
def page(region, idle) -> PacksPage:
    region.show_page("packs")
    idle()
    page = region.page()
    assert isinstance(page, PacksPage)
    return page


@pytest.fixture
def form(region, idle) -> Calculator:
    region.do("packs.calculate")
    idle()
    panel = region.page().stack.currentWidget()
    assert isinstance(panel, Calculator)
    idle()
    return panel


def test_packs_are_there_without_a_workspace(window, idle) -> None:
    window.show_page("packs")
    idle()
    panel = window.page().stack.currentWidget()
    assert panel.list.count() == len(packs.available())
    window.page().tabs.setCurrentIndex(1)
    idle()
    calculator = window.page().stack.currentWidget()
    assert calculator.stack.currentWidget() is calculator.empty
    assert calculator.empty.button.isVisibleTo(calculator)


def test_a_pack_reads_as_describe_says_it(page, desk, idle) -> None:
    panel = page.stack.currentWidget()
    assert panel.list.item(0).text().splitlines()[1].startswith("ningde-2024"), "the city's own pack first"
    for row in range(panel.list.count()):
        panel.list.setCurrentRow(row)
        one = panel.current()
        said = panel.text.toPlainText().replace("\xa0", " ")
        for line in describe(one.pack, Texts("zh"))[1:]:
            for word in line.removeprefix("# ").split("  "):
                assert word.strip() in said, (one.pack.id, line)
    assert not panel.use.isEnabled(), "the shared part clears nothing by itself"


def test_find_and_sections(page, qtbot) -> None:
    panel = page.stack.currentWidget()
    qtbot.keyClicks(panel.find, "point_value")
    assert panel.text.textCursor().selectedText() == "point_value"
    qtbot.keyClicks(panel.find, "zzz")
    assert panel.find.property("bad")
    panel.find.clear()
    assert panel.sections.count() >= 5
    qtbot.mouseClick(panel.copy, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text().startswith("ningde-2024")


def test_a_pack_leads_to_the_calculator(page, qtbot, idle) -> None:
    panel = page.stack.currentWidget()
    panel.choose("national-draft-3")
    qtbot.mouseClick(panel.use, Qt.MouseButton.LeftButton)
    idle()
    assert page.stack.currentWidget().pack.currentData() == "national-draft-3"


def test_diagnosis_by_initials_gives_the_group(form, desk, qtbot, idle) -> None:
    assert form.window().focusWidget() is form.diagnosis
    qtbot.keyClicks(form.diagnosis, "lwy")
    codes = [entry.code for entry in form.diagnosis.offered]
    assert codes and all("阑尾炎" in entry.title for entry in form.diagnosis.offered[:3])
    qtbot.keyClick(form.diagnosis, Qt.Key.Key_Down)
    qtbot.keyClick(form.diagnosis, Qt.Key.Key_Return)
    idle()
    assert form.diagnosis.text() == codes[1]
    assert "阑尾炎" in form.names["diagnosis"].text()
    assert form.answer.case is not None
    assert form.answer.case.taken is not None
    # What is not typed yet is asked for in words, not as something wrong.
    assert "医疗费用" in form.answer.notice_text.text() and "医院" in form.answer.notice_text.text()
    assert form.answer.values["score"].text() == "—"


def test_it_answers_as_one_types(form, qtbot, idle) -> None:
    write(form.diagnosis, "急性上呼吸道感染")
    qtbot.keyClick(form.diagnosis, Qt.Key.Key_Return)
    qtbot.keyClicks(form.fee, "3000")
    form.institution.setFocus()
    qtbot.keyClicks(form.institution, "H350930")
    qtbot.keyClick(form.institution, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: form.answer.case is not None and form.answer.case.score is not None, timeout=60_000)
    idle()
    first = form.answer.case.pay
    assert first is not None
    form.fee.selectAll()
    qtbot.keyClicks(form.fee, "6000")  # no Enter: a pause is enough
    qtbot.waitUntil(lambda: "6000" in form.answer.plain_text(), timeout=60_000)
    idle()
    assert form.answer.case.x is not None


def test_a_real_case_comes_out_as_it_was_cleared(form, desk, qtbot, idle) -> None:
    """Filled in from its settlement and given the official group, the score is that of the clearing's own sheet."""
    from core.settlement.clearing import last_run

    clearing = last_run(desk.workspace, 2024)
    sheet = cases_of(desk.workspace, clearing, "resident")
    place = {column.id: column for column in sheet.columns}["score"].places
    own = 0
    for row in range(0, sheet.rows, sheet.rows // 6):
        setl_id = str(sheet.keys[row])
        form.settlement.setText(setl_id)
        qtbot.mouseClick(form.fill_button, Qt.MouseButton.LeftButton)
        idle()
        group = str(sheet.cells["group"][row]) if "group" in sheet.cells else str(sheet.cells["dip_code"][row])
        form.group.setText(group)
        form.ask()
        idle()
        assert form.fund.currentData() == "resident"
        answer = form.answer.case
        assert answer is not None
        if answer.score is None:
            continue
        assert int(answer.score * 10**place) == int(sheet.cells["score"][row]), setl_id
        assert form.answer.values["score"].text() == f"{float(answer.score):,.4f}".rstrip("0").rstrip(".")
        own += 1
    assert own >= 4


def test_an_unknown_settlement_is_said(form, qtbot, idle) -> None:
    form.settlement.setFocus()
    qtbot.keyClicks(form.settlement, "404")
    qtbot.keyClick(form.settlement, Qt.Key.Key_Return)
    idle()
    assert "404" in form.answer.hint_text.text()
    assert form.answer.case is None


def test_wrong_numbers_are_marked_and_asked_for(form, qtbot, idle) -> None:
    form.diagnosis.setText("J06.900")
    qtbot.keyClicks(form.fee, "12a")
    form.ask()
    idle()
    assert form.fee.property("bad")
    assert "医疗费用" in form.answer.hint_text.text()
    form.fee.clear()
    write(form.fee, "１２００")  # full width, as an input method leaves them
    assert not form.fee.wrong
    form.ask()
    idle()
    assert form.answer.case is not None


def test_target_of_other_pages(region, idle) -> None:
    setl_id = region.desk.workspace.reader().execute(
        "SELECT setl_id FROM cases WHERE year = 2024 AND sign = 1 AND netting = 0 AND scope = 0 ORDER BY setl_id"
    ).fetchone()[0]
    region.desk.go("packs", ("calculate", setl_id))
    idle()
    form = region.page().stack.currentWidget()
    assert form.settlement.text() == setl_id
    assert form.diagnosis.text()
    assert form.answer.case is not None


def test_copied_printed_and_cleared(form, desk, qtbot, idle, tmp_path) -> None:
    form.diagnosis.setText("J06.900")
    form.fee.setText("3000")
    form.institution.setText("H35093000001")
    form.ask()
    idle()
    qtbot.mouseClick(form.answer.copy_button, Qt.MouseButton.LeftButton)
    said = QGuiApplication.clipboard().text()
    for word in ("J06.900", "急性上呼吸道感染", "入组路径", "计算过程", form.answer.case.taken.entry.dip_code):
        assert word in said
    path = tmp_path / "试算.pdf"
    form.answer.write_pdf(str(path))
    assert path.read_bytes().startswith(b"%PDF")
    qtbot.keyClick(form.fee, Qt.Key.Key_Escape)
    assert form.fee.text() == "3000" and form.answer.case is not None, "one key never empties a form"
    qtbot.mouseClick(form.clear_button, Qt.MouseButton.LeftButton)
    idle()
    assert form.diagnosis.text() == "" and form.fee.text() == ""
    assert form.answer.case is None
    assert form.window().focusWidget() is form.diagnosis


def test_several_codes_in_one_field(form, qtbot, idle) -> None:
    form.other_diagnoses.setFocus()
    qtbot.keyClicks(form.other_diagnoses, "E78.500, I10")
    assert form.other_diagnoses.offered[0].code.startswith("I10")
    chosen = form.other_diagnoses.offered[0].code
    qtbot.keyClick(form.other_diagnoses, Qt.Key.Key_Return)
    assert form.other_diagnoses.codes() == ("E78.500", chosen)


def test_in_english_and_dark_nothing_is_left_behind(region, desk, idle) -> None:
    region.do("packs.calculate")
    idle()
    desk.speak("en")
    idle()
    desk.wear("dark")
    region.do("packs.calculate")
    idle()
    form = region.page().stack.currentWidget()
    form.diagnosis.setText("J06.900")
    form.fee.setText("3000")
    form.institution.setText("H35093000001")
    form.ask()
    idle()
    said = form.answer.plain_text()
    assert "Path to the group" in said and "Calculation" in said
    assert "grouping." not in said and "packs." not in said


def test_open_fields_filled_edited_and_undone(page, desk, idle, qtbot) -> None:
    """Filled in the form, kept as a pack of the workspace; edited with a fault, which cannot be saved; undone."""
    rules = page.stack.currentWidget()
    rules.choose("xiamen-2024")
    rules.start_fill()
    idle()
    form = rules.form
    assert rules.stack.currentWidget() is form
    form.save()
    assert form.asking.isVisibleTo(form), "nothing was changed, and it says so"
    row = next(row for row in form.rows if row.field.missing)
    row.line.setText("(fund_available + sum(own_pay) + sum(other_pay)) / sum(score)")
    form.document.setText("厦医保〔2025〕1号")
    form.save()
    idle()
    assert rules.stack.currentWidget() is rules.reader
    one = rules.current()
    assert (one.id, one.own, one.pack.abstract) == ("xiamen-2024-own", True, False)
    rules.start_edit()
    idle()
    editor = rules.editor
    editor.edit.setPlainText(editor.edit.toPlainText().replace("sum(score)", "sum(score"))
    editor.check()
    idle()
    assert not editor.keep.isEnabled()
    assert editor.edit.wrong
    editor.places.itemActivated.emit(editor.places.item(0))
    assert editor.edit.textCursor().blockNumber() + 1 in editor.edit.wrong
    editor.closed.emit("")
    desk.change(lambda held, _: held.ledger.undo(), tables=("rule_pack",))
    idle()
    assert "xiamen-2024-own" not in [rules.list.item(i).data(Qt.ItemDataRole.UserRole) for i in range(rules.list.count())]


def test_packs_side_by_side(page, idle) -> None:
    panel = page.open_tab("beside")
    idle()
    assert panel.chosen() == ["ningde-2024"]
    assert not panel.go.isEnabled()
    panel.choose(["ningde-2024", "national-draft-3"])
    panel.compare()
    idle()
    assert panel.found is not None
    assert len(panel.said.text().splitlines()) == 2
    for number in range(panel.views.count()):
        panel.views.setCurrentIndex(number)
        assert panel.table.worksheet().rows > 0
