"""The grid as people use it: typed, pasted, filled, emptied, undone, refused; each gesture one line of the ledger."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from grid_hands import CODES, dialog, field, pick, write
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest

from core.money import plain
from core.settlement import coefficients
from core.settlement.coefficients import Cell
from ui.desk import Desk
from ui.pages.coefficients.editor import Editor
from ui.pages.coefficients.grid import Sign
from ui.pages.coefficients.questions import DatedDialog, EditReason, PartDialog

CONTROL = Qt.KeyboardModifier.ControlModifier
A, B, C = CODES


@pytest.fixture
def lines(desk: Desk) -> Callable[[], int]:
    return lambda: desk.workspace.reader().execute("SELECT count(*) FROM ledger").fetchone()[0]


def shown(editor: Editor, code: str, column: str = "base") -> str:
    sheet = editor.table.worksheet()
    return sheet.text(list(sheet.keys).index(code), next(one for one in sheet.columns if one.id == column))


def paste(editor: Editor, text: str) -> None:
    QGuiApplication.clipboard().setText(text)
    QTest.keyClick(editor.table.grid, Qt.Key.Key_V, CONTROL)


def test_typing_replaces_and_enter_goes_down(editor: Editor, idle, lines) -> None:
    before = lines()
    editor.table.select(A, "base")
    write(editor, "1.234")
    assert editor.table.current_place() == (B, "base")
    idle()
    assert shown(editor, A) == "1.234"
    assert lines() == before + 1
    assert editor.table.model.sign(0, editor.table.model.place("base")) & Sign.CHANGED


def test_f2_edits_what_stands_and_tab_goes_right(editor: Editor, idle) -> None:
    editor.table.select(A, "base")
    stood = shown(editor, A)
    QTest.keyClick(editor.table.grid, Qt.Key.Key_F2)
    open_field = field(editor)
    assert open_field.text() == stood
    QTest.keyClick(open_field, Qt.Key.Key_End)
    QTest.keyClicks(open_field, "5")
    QTest.keyClick(open_field, Qt.Key.Key_Tab)
    assert editor.table.current_place()[0] == A
    assert editor.table.current_place()[1].startswith("bonus:")
    idle()
    assert shown(editor, A) == stood + "5"


def test_escape_leaves_everything_as_it_was(editor: Editor, idle, lines) -> None:
    before, stood = lines(), shown(editor, A)
    editor.table.select(A, "base")
    QTest.keyClicks(editor.table.grid, "9")
    QTest.keyClick(field(editor), Qt.Key.Key_Escape)
    idle()
    assert (lines(), shown(editor, A)) == (before, stood)


def test_a_formula_over_a_selection_is_one_edit(editor: Editor, idle, lines) -> None:
    from core.money import decimal

    stood = [decimal(shown(editor, code)) for code in CODES]
    before = lines()
    pick(editor, range(3))
    write(editor, "+0.01")
    idle()
    assert [decimal(shown(editor, code)) for code in CODES] == [one + decimal("0.01") for one in stood]
    assert lines() == before + 1
    editor.entry.setText("*2")  # the line above the grid does the same
    pick(editor, range(3))
    QTest.keyClick(editor.entry, Qt.Key.Key_Return)
    idle()
    assert [decimal(shown(editor, code)) for code in CODES] == [2 * (one + decimal("0.01")) for one in stood]


def test_a_block_is_one_edit_and_one_undo(editor: Editor, desk: Desk, idle, lines) -> None:
    stood = [shown(editor, code) for code in CODES]
    before = lines()
    editor.table.select(A, "base")
    paste(editor, "1.1\t0.01\r\n1.2\t0.02\r\n1.3\t0.03\r\n")
    idle()
    assert [shown(editor, code) for code in CODES] == ["1.1", "1.2", "1.3"]
    second = editor.table.model.column(editor.table.model.place("base") + 1).id
    assert [shown(editor, code, second) for code in CODES] == ["0.01", "0.02", "0.03"]
    assert lines() == before + 1
    desk.change(lambda workspace, _: workspace.ledger.undo())
    idle()
    assert [shown(editor, code) for code in CODES] == stood
    desk.change(lambda workspace, _: workspace.ledger.redo())
    idle()
    assert [shown(editor, code) for code in CODES] == ["1.1", "1.2", "1.3"]


def test_a_block_with_wrong_cells_names_them_and_changes_nothing(editor: Editor, idle, lines) -> None:
    before, stood = lines(), shown(editor, A)
    editor.table.select(A, "base")
    paste(editor, "1.1\nabc\n1/3x\n")
    idle()
    assert (lines(), shown(editor, A)) == (before, stood)
    assert editor.trouble.isVisible()
    said = editor.trouble.said.text()
    assert "第 2 行第 1 列" in said and "abc" in said and "1/3x" in said
    editor.table.select(A, "name")
    paste(editor, "1.1\n")
    assert "不在可填的列内" in editor.trouble.said.text()


def test_one_value_goes_into_every_selected_cell(editor: Editor, idle) -> None:
    pick(editor, range(3))
    paste(editor, "0.95")
    idle()
    assert [shown(editor, code) for code in CODES] == ["0.95"] * 3


def test_fill_down_and_delete(editor: Editor, idle) -> None:
    top = shown(editor, A)
    pick(editor, range(3))
    QTest.keyClick(editor.table.grid, Qt.Key.Key_D, CONTROL)
    idle()
    assert [shown(editor, code) for code in CODES] == [top] * 3
    bonus = next(part for part in editor.loaded.grid.parts if part.startswith("bonus:"))
    editor.table.select(A, bonus)
    write(editor, "0.5")
    idle()
    assert shown(editor, A, bonus) == "0.5"
    editor.table.select(A, bonus)
    QTest.keyClick(editor.table.grid, Qt.Key.Key_Delete)
    idle()
    assert shown(editor, A, bonus) == ""


def test_the_reason_is_asked_once_an_edit_and_may_be_kept(editor: Editor, desk: Desk, idle, lines) -> None:
    editor.reason = ""
    before, stood = lines(), shown(editor, A)
    pick(editor, range(3))
    paste(editor, "0.95")
    asked = dialog(EditReason)
    assert not asked.do.isEnabled()  # no edit without a reason
    assert editor.table.model.data(editor.table.model.index(0, editor.table.model.place("base"))) == "0.95"  # seen already
    asked.reject()
    idle()
    assert (lines(), shown(editor, A)) == (before, stood)
    pick(editor, range(3))
    paste(editor, "0.95")
    asked = dialog(EditReason)
    asked.field.setText("等级评审")
    asked.keep.setChecked(True)
    asked.accept()
    idle()
    assert lines() == before + 1
    assert desk.workspace.ledger.lines(limit=1)[0].why == "等级评审"
    editor.table.select(A, "base")
    write(editor, "0.96")
    idle()
    assert desk.workspace.ledger.lines(limit=1)[0].why == "等级评审"
    assert editor.kept.isVisible()
    editor._keep("")
    assert not editor.kept.isVisible()


def test_a_stale_edit_is_refused_with_both_values(editor: Editor, desk: Desk, idle, lines) -> None:
    """Another program wrote the cell after this grid was read."""
    stood = shown(editor, A)
    place = editor.loaded.grid.standing[A, "base"]
    coefficients.edit(
        desk.workspace, "草稿", [editor.loaded.grid.cell(A, "base", place.value + 1)], "别人"
    )
    before = lines()
    editor.table.select(A, "base")
    write(editor, "1.5")
    idle()
    assert lines() == before
    said = editor.trouble.said.text()
    assert stood in said
    from core.money import plain

    assert plain(place.value + 1) in said
    assert shown(editor, A) == plain(place.value + 1)  # what is there now


def test_who_when_and_why_of_a_cell(editor: Editor, idle) -> None:
    editor.table.select(A, "base")
    stood = shown(editor, A)
    write(editor, "1.07")
    idle()
    editor.table.select(B, "base")
    editor.table.select(A, "base")
    idle()
    told = editor.story.story.toPlainText()
    assert f"{stood} → 1.07" in told and "测试" in told
    assert "机构系数" in told  # the file that brought it


def test_a_part_by_name_and_a_value_from_a_day(editor: Editor, desk: Desk, idle) -> None:
    editor.add_part()
    asked = dialog(PartDialog)
    asked.name_field.setText("重点专科")
    assert not asked.do.isEnabled()  # there is one
    asked.name_field.setText("援疆")
    asked.accept()
    idle()
    assert editor.table.current_place()[1] == "bonus:援疆"
    write(editor, "0.03")
    idle()
    assert "bonus:援疆" in editor.loaded.grid.parts
    editor.table.select(A, "bonus:援疆")
    editor.enter_dated()
    asked = dialog(DatedDialog)
    asked.value_field.setText("0.04")
    asked.day_field.setDate(asked.day_field.date().fromString("2024-07-01", "yyyy-MM-dd"))
    asked.basis_field.setText("医保发〔2024〕5号")
    asked.accept()
    idle()
    rows = desk.workspace.reader().execute(
        "SELECT valid_from, value, basis FROM coefficient WHERE set_name = '草稿' AND part = 'bonus:援疆' AND fixmedins_code = ?"
        " ORDER BY 1",
        (A,),
    ).fetchall()  # fmt: skip
    assert rows[-1] == ("2024-07-01", "0.04", "医保发〔2024〕5号")
    assert shown(editor, A, "bonus:援疆") == "0.04"
    place = editor.table.model.place("bonus:援疆")
    row = list(editor.table.worksheet().keys).index(A)
    assert editor.table.model.sign(row, place) & Sign.DATED


def test_finding_by_name_pinyin_level_and_county(editor: Editor) -> None:
    every = editor.table.model.rowCount()
    for text in ("第一医院", "dyyy", "三级", "云岫区", A):
        editor.seek.setText(text)
        rows = editor.table.model.rowCount()
        assert 0 < rows < every, text
    editor.seek.setText("zzzzz")
    assert editor.table.model.rowCount() == 0
    QTest.keyClick(editor.seek, Qt.Key.Key_Escape)
    assert editor.table.model.rowCount() == every


def test_a_block_goes_into_the_rows_that_show(editor: Editor, idle) -> None:
    """Filtered and sorted: what is seen is what is written."""
    editor.seek.setText("三级")
    editor.table.sort("base", descending=True)
    codes = [str(editor.table.model.key_at(row)) for row in range(2)]
    pick(editor, range(1))
    paste(editor, "1.41\n1.42\n")
    idle()
    assert [shown(editor, code) for code in codes] == ["1.41", "1.42"]


def test_only_what_changed(editor: Editor, idle) -> None:
    editor.table.select(B, "base")
    write(editor, "1.3")
    idle()
    assert "1" in editor.only_changed.text()
    editor.only_changed.setChecked(True)
    assert [editor.table.model.key_at(row) for row in range(editor.table.model.rowCount())] == [B]


def test_limits_of_the_pack_refuse_and_mark(page, editor: Editor, idle, lines, tmp_path, monkeypatch) -> None:
    """Xiamen's limits mark; one that refuses is made of a pack of its own."""
    from core.rules import packs

    source = packs.PACKS / "ningde-2024.toml"
    limit = '\n[[coefficients.limit]]\npart = "base"\nmin = 0.5\nmax = 1.5\noutside = "refuse"\ncite = "N90"\nevidence = "V"\n'
    mine = tmp_path / "own.toml"
    mine.write_text(source.read_text("utf-8").replace('id = "ningde-2024"', 'id = "own"', 1) + limit, "utf-8")
    monkeypatch.setattr(page, "chosen_pack", lambda: packs.load(mine))
    page.refresh()
    idle()
    before = lines()
    editor.table.select(A, "base")
    write(editor, "1.6")
    idle()
    assert lines() == before
    assert editor.trouble.isVisible()
    mine.write_text(mine.read_text("utf-8").replace('outside = "refuse"', 'outside = "mark"'), "utf-8")
    page.refresh()
    idle()
    editor.table.select(A, "base")
    write(editor, "1.6")
    idle()
    assert lines() == before + 1
    assert editor.table.model.sign(0, editor.table.model.place("base")) & Sign.OUTSIDE


def test_what_is_being_typed_survives_a_refresh(editor: Editor, desk: Desk, idle) -> None:
    editor.table.select(A, "base")
    QTest.keyClicks(editor.table.grid, "1")
    desk.change(
        lambda workspace, _: coefficients.edit(workspace, "草稿", [Cell(B, "all", "base", "0.77", "2024-01-01")], "别处")
    )
    idle()
    open_field = field(editor)
    assert open_field.text() == "1"
    QTest.keyClicks(open_field, ".21")
    QTest.keyClick(open_field, Qt.Key.Key_Return)
    idle()
    assert (shown(editor, A), shown(editor, B)) == ("1.21", "0.77")


def test_an_edit_goes_into_the_set_it_was_made_in(editor: Editor, desk: Desk, idle) -> None:
    """Somebody turns to another set before the effect was shown and the edit written."""
    coefficients.draft(desk.workspace, "另一草稿", "2024")

    def said(name: str) -> list[str]:
        return [plain(one.value) for one in coefficients.parts(desk.workspace.reader(), name) if one.code == A]

    before = said("另一草稿")
    assert before == said("草稿")
    editor.table.select(A, "base")
    editor.whatif.busy = True  # the effect is under way
    write(editor, "1.37")
    desk.choose(set_name="另一草稿")
    editor.whatif.busy = False
    QTest.qWait(200)
    idle()
    assert editor.head.name == "另一草稿"
    assert "1.37" in said("草稿")
    assert said("另一草稿") == before


def test_a_grid_of_one_fund_has_rows_of_its_own(editor: Editor, idle, value) -> None:
    editor.fund.setCurrentIndex(editor.fund.findData("employee"))
    editor._fund_chosen()
    idle()
    model = editor.table.model
    assert model.sign(0, model.place("base")) & Sign.SHARED
    day = editor.loaded.grid.cell(A, "base", None).valid_from
    kept = value(A, day=day)
    editor.table.select(A, "base")
    write(editor, "1.02")
    idle()
    assert value(A, fund="employee", day=day) == "1.02"
    assert value(A, day=day) == kept
    assert not model.sign(0, model.place("base")) & Sign.SHARED


def test_in_both_languages_and_themes(empty_desk: Desk, workspace, make_page, idle) -> None:
    empty_desk.open(workspace)
    idle()
    empty_desk.choose(year=2024, set_name="草稿")
    for language in ("en", "zh"):
        empty_desk.speak(language)
        page = make_page()
        for theme in ("dark", "light"):
            empty_desk.wear(theme)
            assert not page.editor.grab().isNull()
        assert page.tabs.tabText(0) == empty_desk.texts("coefficients.tab.editor")
