"""The ledger's page: lines, what became of them, before and after, the way back, filter, verify."""

from __future__ import annotations

import re

import pytest
from PySide6.QtCore import Qt
from window_hands import amount, budget_edit, write

from core.storage.ledger import EDITABLE
from core.texts import Texts
from ui.dialogs import ReasonDialog, TextDialog
from ui.pages.ledger import _word


@pytest.fixture
def page(opened, idle):
    opened.show_page("ledger")
    idle()
    return opened.page()


def column(page, name: str) -> list[object]:
    return list(page.table.worksheet().cells[name])


def tree(page) -> list[tuple[str, str, str]]:
    """(field, before, after) of the detail panel's children."""
    found = []
    for at in range(page.values.topLevelItemCount()):
        top = page.values.topLevelItem(at)
        found += [tuple(top.child(row).text(n).strip() for n in range(3)) for row in range(top.childCount())]
    return found


def test_lines_newest_first_with_words(page) -> None:
    assert column(page, "line") == [3, 2, 1]
    assert column(page, "action") == ["编辑预算", "编辑预算", "新建工作区"]
    assert column(page, "why") == ["追加", "年初预算", ""]


def test_before_and_after_of_a_line(page) -> None:
    assert page.table.select(3)
    assert ("金额（元）", "100,000.00", "120,000.00") in tree(page)
    page.table.select(2)
    assert ("金额（元）", "—", "100,000.00") in tree(page)
    assert "年初预算" in page.facts.text()


def test_every_table_and_field_that_can_be_edited_has_words(opened, desk) -> None:
    texts = Texts("zh")  # the other language has the same keys
    for table in EDITABLE:
        names = [row[1] for row in desk.workspace.reader().execute(f"PRAGMA table_info({table})")]
        assert names
        assert {name for name in names if _word("field", name, texts) == name} == set()
        assert _word("table", table, texts) != table


def test_undo_of_a_chosen_line_from_its_panel(opened, page, desk, qtbot, idle) -> None:
    page.table.select(3)
    qtbot.mouseClick(page.undo_this, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bool(opened.findChildren(ReasonDialog)))
    ask = opened.findChildren(ReasonDialog)[0]
    assert "追加" not in ask.field.text()
    write(ask.field, "重复")
    qtbot.mouseClick(ask.do, Qt.MouseButton.LeftButton)
    idle()
    assert amount(desk) == 100_000_00
    assert column(page, "state")[:2] == ["撤销第 3 条", "已撤销（第 4 条）"]
    page.table.select(3)
    assert page.undo_this.text() == desk.texts("ledger.redo.this")


def test_undo_of_an_older_line_that_no_longer_fits_is_refused(opened, page, desk, qtbot, idle) -> None:
    page.table.select(2)
    qtbot.mouseClick(page.undo_this, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bool(opened.findChildren(ReasonDialog)))
    opened.findChildren(ReasonDialog)[0].accept()
    idle()
    assert opened.errorbar.isVisible()
    assert amount(desk) == 120_000_00


def test_filter_as_you_type(page, qtbot) -> None:
    write(page.filter, "年初")
    assert column(page, "line") == [2]
    qtbot.keyClick(page.filter, Qt.Key.Key_Escape)
    assert len(column(page, "line")) == 3
    write(page.filter, "没有这样的")
    assert column(page, "line") == []


def test_buttons_of_the_page(opened, page, desk, qtbot, idle) -> None:
    qtbot.mouseClick(page.undo, Qt.MouseButton.LeftButton)
    idle()
    qtbot.waitUntil(lambda: bool(opened.findChildren(ReasonDialog)))
    opened.findChildren(ReasonDialog)[0].accept()
    idle()
    assert amount(desk) == 100_000_00


def test_verify_finds_the_chain_whole(opened, page, desk, qtbot, idle) -> None:
    pytest.importorskip("core.settlement.clearing")
    qtbot.mouseClick(page.verify_button, Qt.MouseButton.LeftButton)
    idle()
    assert page.note.isVisible()
    assert page.note.text() == desk.texts("ledger.verified", lines="3")


def test_verify_tells_of_an_altered_line(opened, page, desk, qtbot, idle) -> None:
    pytest.importorskip("core.settlement.clearing")

    def tamper(workspace, job) -> None:
        with workspace.transaction("edit", "x") as writer:
            trigger = writer.execute("SELECT sql FROM sqlite_master WHERE name = 'ledger_no_update'").fetchone()[0]
            writer.execute("DROP TRIGGER ledger_no_update")
            writer.execute("UPDATE ledger SET why = '改过' WHERE id = 2")
            writer.execute(trigger)

    desk.change(tamper)
    idle()
    qtbot.mouseClick(page.verify_button, Qt.MouseButton.LeftButton)
    idle()
    assert page.note.text() == desk.texts("ledger.mismatches", count="1")
    shown = [one for one in opened.findChildren(TextDialog) if one.isVisible()]
    assert len(shown) == 1


def test_interrupted_work_is_told(window, desk, idle, made) -> None:
    from core.storage.workspace import Workspace

    with Workspace.open(made) as workspace:
        workspace._writer.execute(
            "INSERT INTO activity (at, what, subject) VALUES ('2024-11-01T00:00:00+00:00', 'import', '病例.csv')")
    desk.open(made)
    idle()
    assert "病例.csv" in window.status.news.text()
    window.show_page("ledger")
    idle()
    page = window.page()
    assert "病例.csv" in page.note.text()
    assert "操作中断" in column(page, "action")
    assert any(re.fullmatch(r"导入 2024-\d\d-\d\d \d\d:00:00", str(why)) for why in column(page, "why"))


def test_a_paste_of_thousands_stays_readable(opened, page, desk, idle) -> None:
    from core.storage.ledger import Change, Edit

    def paste(workspace, job) -> None:
        changes = tuple(
            Change("fund_month", {"fund": "employee", "month": f"{year}{month:02}"}, None,
                   {"income": 1, "expenditure": 1, "balance": 1, "batch_id": None, "row": None})
            for year in range(1900, 2024) for month in range(1, 13))
        workspace.ledger.commit(Edit("edit", "粘贴", changes))

    desk.change(paste)
    idle()
    page.table.select(4)
    assert page.values.topLevelItemCount() == 301
    assert budget_edit(1).subject


def test_a_confirmation_is_not_offered_for_undoing(opened, page, desk, idle) -> None:
    """It says where the year is reopened; the line before it can still be turned back."""
    from core.storage.ledger import Change, Edit

    row = {"runs": "[]", "at": "2026-01-01T00:00:00+00:00", "who": "甲", "why": ""}
    edit = Edit("confirm", "2023", (Change("confirmed_year", {"year": 2023}, None, row),))
    desk.change(lambda workspace, _: workspace.ledger.commit(edit))
    idle()
    page.table.select(4)
    assert not page.undo_this.isEnabled() and "重新开启" in page.undo_this.toolTip()
    page.table.select(3)
    assert page.undo_this.isEnabled() and not page.undo_this.toolTip()
