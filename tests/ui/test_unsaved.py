"""Nothing entered is lost unasked: other fund, other workspace, other language, the window's end, a pack's way back."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from window_hands import amount

from core.settlement import own_packs
from core.storage.workspace import Workspace
from ui.dialogs import ReasonDialog
from ui.pages.budget.lines import LinesTab
from ui.unsaved import LeavingDialog


def question(kind: type = LeavingDialog):
    return next((one for one in QApplication.topLevelWidgets() if isinstance(one, kind) and one.isVisible()), None)


def answer(which: str) -> None:
    QTest.mouseClick(getattr(question(), which), Qt.MouseButton.LeftButton)


@pytest.fixture
def tab(opened, idle) -> LinesTab:
    """The Budget page with another amount typed into its one line, and not saved."""
    opened.show_page("budget")
    idle()
    tab = opened.page().tab("lines")
    tab.table.select(tab.draft.rows[0].number, "amount")
    tab.table.grid.setFocus()
    QTest.keyClicks(tab.table.grid, "7")
    field = QApplication.focusWidget()
    QTest.keyClicks(field, "77")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert tab.draft.rows[0].amount == 777_00 and tab.unsaved()
    return tab


def press_resident(window) -> None:
    QTest.mouseClick(window.topline.funds.button(1), Qt.MouseButton.LeftButton)


def test_another_fund_asks_and_staying_leaves_all_as_it_was(opened, desk, tab, idle) -> None:
    press_resident(opened)
    assert "2024" in question().findChildren(type(tab.said))[0].text()
    assert question().stay.isDefault()
    answer("stay")
    idle()
    assert (desk.fund, opened.topline.funds.button(0).isChecked()) == ("employee", True)
    assert tab.draft.rows[0].amount == 777_00
    press_resident(opened)
    QTest.keyClick(question(), Qt.Key.Key_Escape)
    assert desk.fund == "employee" and tab.unsaved()


def test_discarding_goes_on_and_writes_nothing(opened, desk, tab, idle) -> None:
    press_resident(opened)
    answer("throw")
    idle()
    assert desk.fund == "resident" and not tab.unsaved() and not tab.draft.rows
    assert amount(desk) == 120_000_00
    press_resident(opened)
    assert question() is None


def test_saving_asks_the_reason_writes_once_and_goes_on(opened, desk, tab, idle) -> None:
    press_resident(opened)
    answer("save")
    dialog = question(ReasonDialog)
    QTest.keyClicks(dialog.field, "checked")
    QTest.mouseClick(dialog.do, Qt.MouseButton.LeftButton)
    idle()
    assert amount(desk) == 777_00 and desk.workspace.ledger.undoable().why == "checked"
    assert desk.fund == "resident" and not tab.unsaved()


def test_a_reason_not_given_stays(opened, desk, tab, idle) -> None:
    press_resident(opened)
    answer("save")
    question(ReasonDialog).reject()
    idle()
    assert desk.fund == "employee" and tab.draft.rows[0].amount == 777_00 and amount(desk) == 120_000_00


def test_a_line_that_is_not_whole_cannot_be_saved(opened, desk, tab) -> None:
    tab.enter(tab.draft.rows[0].number, "amount", "")
    press_resident(opened)
    assert not question().save.isEnabled()
    answer("stay")
    assert tab.unsaved()


def test_other_pages_yuan_and_dark_keep_what_was_entered(opened, desk, tab, idle) -> None:
    for page in ("ledger", "packs", "budget"):
        opened.show_page(page)
        idle()
    desk.show_wan(True)
    opened.do("theme.dark")
    idle()
    assert question() is None
    assert opened.page().tab("lines") is tab and tab.draft.rows[0].amount == 777_00
    opened.do("theme.light")


@pytest.mark.parametrize("wish", ["language", "close", "open"])
def test_language_and_workspace_ask_first(opened, desk, tab, idle, tmp_path, wish) -> None:
    Workspace.create(tmp_path / "b.dianzhi", region="350900", name="乙").close()
    go = {
        "language": lambda: opened.do("language.en"),
        "close": lambda: opened.do("workspace.close"),
        "open": lambda: desk.open(tmp_path / "b.dianzhi"),
    }[wish]
    go()
    answer("stay")
    idle()
    assert desk.workspace.path.name == "宁德.dianzhi" and desk.texts.lang == "zh" and tab.unsaved()
    assert opened.actions_["language.zh"].isChecked()
    go()
    answer("throw")
    idle()
    if wish == "language":
        assert desk.texts.lang == "en"
    else:
        assert (desk.workspace.name if desk.workspace else "") == ("乙" if wish == "open" else "")


def test_the_window_asks_before_it_ends(opened, desk, tab, qtbot) -> None:
    opened.close()
    assert opened.isVisible()
    answer("stay")
    assert opened.isVisible() and tab.unsaved()
    opened.close()
    answer("throw")
    qtbot.waitUntil(lambda: not opened.isVisible())


def test_a_packs_text_is_not_left_unasked(opened, desk, idle) -> None:
    desk.change(lambda held, _: own_packs.copy(held, "ningde-2024", "own-1", "试"), tables=("rule_pack",))
    opened.show_page("packs")
    idle()
    rules = opened.page().open_tab("rules")
    idle()
    rules.choose("own-1")
    QTest.mouseClick(rules.edit, Qt.MouseButton.LeftButton)
    editor = rules.editor
    idle()
    QTest.mouseClick(editor.leave, Qt.MouseButton.LeftButton)
    assert question() is None and rules.stack.currentWidget() is rules.reader, "nothing typed, nothing asked"
    rules.start_edit()
    QTest.keyClicks(editor.edit, "# note")
    idle()
    QTest.mouseClick(editor.leave, Qt.MouseButton.LeftButton)
    answer("stay")
    assert rules.stack.currentWidget() is editor and editor.changed
    press_resident(opened)
    assert question() is None and desk.fund == "resident", "a pack's text is of no fund"
    QTest.mouseClick(editor.leave, Qt.MouseButton.LeftButton)
    answer("throw")
    idle()
    assert rules.stack.currentWidget() is rules.reader and not editor.unsaved()
    assert "# note" not in own_packs.stored(desk.workspace.reader())["own-1"].text


def test_a_form_filled_is_not_left_unasked(opened, desk, idle) -> None:
    opened.show_page("packs")
    idle()
    rules = opened.page().open_tab("rules")
    idle()
    rules.choose("ningde-2024")
    rules.start_fill()
    idle()
    form = rules.form
    assert rules.stack.currentWidget() is form and not form.unsaved(), "an open choice is nobody's choice yet"
    QTest.keyClicks(form.document, "No. 1")
    QTest.mouseClick(form.leave, Qt.MouseButton.LeftButton)
    answer("stay")
    assert form.document.text() == "No. 1"
    QTest.mouseClick(form.leave, Qt.MouseButton.LeftButton)
    answer("throw")
    assert rules.stack.currentWidget() is rules.reader and not form.unsaved()
