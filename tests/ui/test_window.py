"""The window by its keys and buttons: new, open, undo, redo, finder, language, theme, faults, staleness."""

from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QApplication, QMenu, QWidget
from window_hands import amount, budget_edit, write

from core.faults import Refused
from core.findings import Finding
from core.storage.workspace import Workspace
from core.texts import Texts
from ui.actions import ACTIONS
from ui.desk import Changes
from ui.dialogs import DemoDialog, NewWorkspaceDialog, ReasonDialog, TextDialog, Waiting
from ui.logbook import log_file
from ui.pages import KEYS, PAGES

CTRL = Qt.KeyboardModifier.ControlModifier
PAGE_UP, PAGE_DOWN = Qt.Key.Key_PageUp, Qt.Key.Key_PageDown


def dialog(window, kind, qtbot):
    qtbot.waitUntil(lambda: any(one.isVisible() for one in window.findChildren(kind)))
    return next(one for one in window.findChildren(kind) if one.isVisible())


def press(qtbot, window, key, modifiers=CTRL) -> None:
    """A key where the keyboard is now."""
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    qtbot.keyClick(QApplication.focusWidget() or window, key, modifiers)


def test_new_workspace_by_keyboard(window, desk, qtbot, idle, tmp_path) -> None:
    press(qtbot, window, Qt.Key.Key_N)
    ask = dialog(window, NewWorkspaceDialog, qtbot)
    write(ask.name_field, "宁德 2024")
    qtbot.keyClicks(ask.region_field, "3509a")
    assert not ask.create_button.isEnabled()
    assert ask.problem.text() == desk.texts("start.new.region_wrong")
    ask.region_field.clear()
    qtbot.keyClicks(ask.region_field, "350900")
    assert ask.path.name == "宁德_2024.dianzhi"
    ask.path_field.setText(str(tmp_path / "nowhere" / "x.dianzhi"))
    assert not ask.create_button.isEnabled()
    ask.path_field.setText(str(tmp_path / "x"))
    assert ask.path == tmp_path / "x.dianzhi"
    qtbot.keyClick(ask.path_field, Qt.Key.Key_Return)
    idle()
    assert desk.workspace.region == "350900"
    assert window.topline.name.text() == "宁德 2024"
    assert (tmp_path / "x.dianzhi").exists()
    assert desk.settings.recent == [str(tmp_path / "x.dianzhi")]
    assert window.key == "data"  # nothing in it yet: the next thing to do is to import


def test_a_taken_file_is_not_overwritten(window, desk, qtbot, made) -> None:
    window.new()
    ask = dialog(window, NewWorkspaceDialog, qtbot)
    ask.name_field.setText("x")
    ask.region_field.setText("350900")
    ask.path_field.setText(str(made))
    assert not ask.create_button.isEnabled()
    assert ask.problem.text() == desk.texts("start.new.path_taken")


def test_open_another_and_close(opened, desk, idle, tmp_path) -> None:
    other = tmp_path / "other.dianzhi"
    Workspace.create(other, name="另一个").close()
    first = desk.workspace
    desk.open(other)
    idle()
    assert desk.workspace.name == "另一个"
    with Workspace.open(first.path, strict=True):
        pass  # the first one's lock was let go
    opened.put_away()
    idle()
    assert desk.workspace is None
    assert opened.key == "start"
    assert not opened.actions_["ledger.undo"].isEnabled()
    with Workspace.open(other, strict=True):
        pass


def test_a_missing_file_says_what_to_do_and_the_window_lives(window, desk, idle, tmp_path) -> None:
    desk.open(tmp_path / "gone.dianzhi")
    idle()
    assert window.errorbar.isVisible()
    assert "gone.dianzhi" in window.errorbar.label.text()
    assert desk.workspace is None
    desk.open(tmp_path / "gone.dianzhi")  # and may be tried again
    idle()


def test_a_workspace_that_another_writes_to_opens_read_only(window, desk, idle, made) -> None:
    with Workspace.open(made):
        desk.open(made)
        idle()
        assert desk.workspace.read_only
        assert window.topline.read_only.isVisible()
        assert "另一个程序" in window.topline.read_only.toolTip()
        assert not window.actions_["ledger.undo"].isEnabled()


def test_a_read_only_window_hears_of_changes_and_becomes_the_writer(window, desk, qtbot, idle, made) -> None:
    anew = window.topline.anew
    with Workspace.open(made) as other:
        desk.open(made)
        idle()
        desk.watch.look()
        assert not anew.isVisible()
        other.ledger.commit(budget_edit(130_000_00, before=120_000_00, why="再追加"))
        desk.watch.look()
        assert anew.isVisible()
        qtbot.mouseClick(anew, Qt.MouseButton.LeftButton)
        idle()
        assert not anew.isVisible() and desk.workspace.read_only
        window.show_page("ledger")
        idle()
    for again in (lambda: press(qtbot, window, Qt.Key.Key_F5, Qt.KeyboardModifier.NoModifier), lambda: desk.open(made)):
        desk.put_away()
        idle()
        with Workspace.open(made):
            desk.open(made)
            idle()
            assert window.topline.read_only.isVisible()
        again()
        idle()
        assert not desk.workspace.read_only and not window.topline.read_only.isVisible()
        assert window.actions_["ledger.undo"].isEnabled() and window.key == "ledger"


def test_a_passphrase_changes_neither_page_nor_year(opened, desk, idle, made) -> None:
    from core.storage import protection

    opened.show_page("data")
    idle()
    year = desk.year
    desk.convert(lambda job: protection.protect(made, "correct horse", job), "", "")
    opened.show_page("start")  # wherever a key went while nothing was in hand
    idle()
    assert (opened.key, desk.year) == ("data", year) and desk.workspace.key is not None


def test_undo_and_redo_with_reasons(opened, desk, qtbot, idle) -> None:
    heard: list[Changes] = []
    desk.changed.connect(heard.append)
    press(qtbot, opened, Qt.Key.Key_Z)
    idle()
    ask = dialog(opened, ReasonDialog, qtbot)
    write(ask.field, "文件有误")
    qtbot.keyClick(ask.field, Qt.Key.Key_Return)
    idle()
    assert amount(desk) == 100_000_00
    assert desk.workspace.ledger.lines(1)[0].why == "文件有误"
    assert any(changes.touches("budget") for changes in heard)
    press(qtbot, opened, Qt.Key.Key_Y)
    idle()
    qtbot.keyClick(dialog(opened, ReasonDialog, qtbot), Qt.Key.Key_Return)
    idle()
    assert amount(desk) == 120_000_00


def test_nothing_to_undo_is_said(window, desk, qtbot, idle, tmp_path) -> None:
    Workspace.create(tmp_path / "e.dianzhi", name="空").close()
    desk.open(tmp_path / "e.dianzhi")
    idle()
    window.do("ledger.undo")
    idle()
    assert window.errorbar.label.text() == desk.texts("fault.nothing_to_undo")


def test_finder_finds_pages_actions_and_names_by_initials(opened, desk, qtbot, idle) -> None:
    idle()
    press(qtbot, opened, Qt.Key.Key_K)
    field = opened.finder.field
    assert field.hasFocus()
    qtbot.keyClicks(field, "tz")  # 台账
    assert opened.finder.entries()[0].code == "ledger"
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert opened.key == "ledger"
    assert not opened.finder.isVisible()
    press(qtbot, opened, Qt.Key.Key_K)
    write(field, "深色")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert desk.look.colours.dark
    press(qtbot, opened, Qt.Key.Key_K)
    qtbot.keyClick(field, Qt.Key.Key_Escape)
    assert not opened.finder.isVisible()


def test_language_switches_live_and_keeps_the_place(opened, desk, idle) -> None:
    opened.show_page("ledger")
    idle()
    opened.do("language.en")
    idle()
    assert opened.key == "ledger"
    assert opened.rail.item(0).text() == Texts("en")("pages.start.title")
    assert opened.topline.name.text() == "宁德市 2024 年度清算"
    assert opened.page().undo.text() == Texts("en")("actions.ledger.undo.text")
    opened.do("language.zh")
    idle()
    assert opened.rail.item(0).text() == "开始"


def test_theme_switches_live(window, desk) -> None:
    for theme, dark in (("dark", True), ("light", False), ("dark", True)):
        window.do(f"theme.{theme}")
        assert desk.look.colours.dark is dark
        shown = window.grab().toImage().pixelColor(window.width() // 2, window.height() - 60).lightness()
        assert (shown < 128) is dark


def test_pages_are_made_on_the_first_visit_and_hidden_ones_go_stale(opened, desk, idle) -> None:
    opened.show_page("ledger")
    idle()
    ledger = opened.page()
    assert ledger.table.worksheet().rows == 3
    opened.show_page("packs")
    desk.change(lambda workspace, job: workspace.ledger.commit(budget_edit(1, before=120_000_00)))
    idle()
    assert ledger.table.worksheet().rows == 3  # hidden: not read again
    opened.show_page("ledger")
    idle()
    assert ledger.table.worksheet().rows == 4
    assert "institutions" not in opened._pages


def turn_tabs(window, qtbot) -> None:
    """Keys turn the tabs of the page in view, and the keyboard goes along; from the first back to the last."""
    page = window.page()
    tabs = getattr(page, "tabs", None)
    row = getattr(tabs, "bar", tabs)
    if row is None or not row.isVisible():
        window.do("tab.next")
        assert window.status.news.text() == window.desk.texts("ui.no_tabs")
        return
    row.setCurrentIndex(0)
    page.setFocus()
    for pressed, place in ((PAGE_UP, row.count() - 1), (PAGE_DOWN, 0)):
        press(qtbot, window, pressed)
        assert row.currentIndex() == place
        focus = QApplication.focusWidget()
        assert focus is not None and focus.isVisible() and page.isAncestorOf(focus)
    row.setFocus()
    press(qtbot, window, Qt.Key.Key_Tab)
    press(qtbot, window, Qt.Key.Key_Backtab, CTRL | Qt.KeyboardModifier.ShiftModifier)
    assert row.currentIndex() == 0 and QApplication.focusWidget() is row


def test_every_page_and_its_tabs_can_be_reached_by_keys(opened, qtbot, idle) -> None:
    for key, digit in zip(KEYS, "1234567890-", strict=True):
        if key in ("data", "clearing"):
            opened.show_page(key)  # their keys have their own tests
        else:
            press(qtbot, opened, digit)
        assert opened.key == key
        turn_tabs(opened, qtbot)
    idle()


def test_choices_hold_for_all_pages(opened, desk, qtbot) -> None:
    heard: list[Changes] = []
    desk.changed.connect(heard.append)
    assert desk.year == 2024
    qtbot.mouseClick(opened.topline.funds.button(1), Qt.MouseButton.LeftButton)
    assert desk.fund == "resident"
    assert heard == [Changes(choices=True)]
    opened.do("amounts.wan")
    assert desk.wan
    assert heard[-1] == Changes(display=True)
    assert opened.actions_["amounts.wan"].isChecked()


def test_a_long_change_shows_itself_after_half_a_second_and_esc_cancels(opened, desk, qtbot, idle) -> None:
    def work(workspace, job):
        from core.progress import step

        with workspace.transaction("edit", "x") as writer:
            writer.execute("DELETE FROM budget")
            for at in range(10_000):
                step(job, "looking", at, 10_000)
                time.sleep(0.005)

    desk.change(work, title="长时间改动")
    assert not opened.findChildren(Waiting)
    waiting = dialog(opened, Waiting, qtbot)
    qtbot.waitUntil(lambda: waiting.bar.value() > 0)
    qtbot.keyClick(waiting, Qt.Key.Key_Escape)
    idle()
    assert amount(desk) == 120_000_00
    assert opened.status.news.text() == desk.texts("ui.cancelled")


def test_a_short_change_shows_no_dialog(opened, desk, qtbot, idle) -> None:
    desk.change(lambda workspace, job: None)
    idle()
    qtbot.wait(600)
    assert not opened.findChildren(Waiting)


def test_a_refusal_with_findings_can_be_read_in_full(opened, desk, qtbot) -> None:
    finding = Finding("nonsense", "blocked", file="a.csv", row=7, column="setl_id", values={"why": "x"})
    desk.troubled.emit(Refused("region_form", [finding], region="12"))
    assert opened.errorbar.isVisible()
    qtbot.mouseClick(opened.errorbar.more, Qt.MouseButton.LeftButton)
    assert "a.csv" in dialog(opened, TextDialog, qtbot).text.toPlainText()


def test_a_bug_is_shown_logged_and_survived(opened, desk, qtbot) -> None:
    def stumble() -> None:
        raise RuntimeError("不该发生")

    try:
        stumble()
    except RuntimeError as error:
        opened.excepthook(type(error), error, error.__traceback__)
        opened.excepthook(type(error), error, error.__traceback__)  # a second one does not pile up
    shown = [one for one in opened.findChildren(TextDialog) if one.isVisible()]
    assert len(shown) == 1
    assert "stumble" in shown[0].text.toPlainText()
    assert log_file().read_text("utf-8").count("不该发生") >= 2
    shown[0].accept()
    opened.show_page("packs")
    assert opened.isVisible()


def test_dropping_a_workspace_opens_it(window, desk, idle, made) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(made))])
    event = QDropEvent(QPointF(200, 200), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton,
                       Qt.KeyboardModifier.NoModifier)
    window.dropEvent(event)
    idle()
    assert desk.workspace.path == made


def test_narrow_windows_show_icons_only(window, qtbot) -> None:
    assert not window.rail.is_narrow()
    window.resize(1000, 700)
    qtbot.waitUntil(window.rail.is_narrow)
    window.resize(1366, 768)
    qtbot.waitUntil(lambda: not window.rail.is_narrow())
    window.do("rail.toggle")
    assert window.rail.is_narrow()
    assert window.rail.item(3).text() == ""
    assert window.rail.item(3).toolTip()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_half_as_large_again_the_top_line_still_shows_its_choices_whole(opened, desk, idle, language) -> None:
    """A 1366 x 768 laptop at 150 %: 910 x 512."""
    desk.speak(language)
    idle()
    opened.resize(910, 512)
    QApplication.processEvents()
    assert (opened.width(), opened.height()) == (910, 512)
    line = opened.topline
    for part in (*line.funds.buttons(), line.wan, line.find):
        assert part.width() >= part.sizeHint().width(), part.text()
    parts = [line.year, *line.funds.buttons(), line.sets, line.wan, line.find]
    places = [part.geometry() for part in parts]
    assert all(one.right() < other.left() for one, other in pairwise(places))


def test_shift_f10_opens_the_menu_of_the_current_cell(opened, qtbot, idle) -> None:
    opened.show_page("ledger")
    idle()
    table = opened.page().table
    table.grid.setCurrentIndex(table.model.index(1, 0))
    table.grid.setFocus()
    press(qtbot, opened, Qt.Key.Key_F10, Qt.KeyboardModifier.ShiftModifier)
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    at = table.grid.viewport().mapFromGlobal(menu.pos())
    assert table.grid.indexAt(at).row() == 1  # that of the cell, not one below for the heading's height
    menu.close()


def test_another_page_takes_the_keyboard_at_its_work(opened, desk, idle) -> None:
    opened.show_page("ledger")
    idle()
    opened.page().filter.setFocus()
    opened.show_page("data")
    idle()
    assert QApplication.focusWidget() is opened.page().tabs
    opened.show_page("ledger")
    idle()
    assert QApplication.focusWidget() is opened.page().table.grid


def test_the_window_fits_the_smallest_laptop(opened, desk, idle) -> None:
    for language in ("zh", "en"):
        desk.speak(language)
        for key in KEYS:
            if key in ("data", "clearing"):
                continue
            opened.show_page(key)
            idle()
            assert opened.minimumSizeHint().width() <= 1366, key
            assert opened.minimumSizeHint().height() <= 740, key
        # Nothing in the top line is cut or overlaps.
        line = opened.topline
        parts = sorted((part for part in line.findChildren(QWidget) if part.isVisible() and part.parent() is line),
                       key=lambda part: part.x())
        for left, right in pairwise(parts):
            assert left.geometry().right() < right.geometry().left()
            assert right.mapTo(opened, QPoint(right.width(), 0)).x() <= opened.width()


def test_the_window_remembers_its_size(window, desk, qapp) -> None:
    from ui.window import Window

    window.resize(903, 711)
    window.close()
    again = Window(desk)
    assert again.height() == 711  # the offscreen screen is 800 wide, and a window comes back within its screen
    again.deleteLater()


PROTECTING = ("protect.protect", "protect.change", "protect.remove")  # done by `ui.passphrases.ask`


def test_every_action_has_words_and_a_doer(window) -> None:
    own = window._own()
    for lang in ("zh", "en"):
        texts = Texts(lang)
        for action in ACTIONS:
            assert texts.has(f"actions.{action.id}.text")
            assert texts.has(f"actions.{action.id}.tip")
    for action in ACTIONS:
        assert action.page or action.group or action.id in own or action.id in PROTECTING, action.id
    keys = [key for action in ACTIONS for key in action.keys]
    assert len(keys) == len(set(keys))


def test_every_page_has_words(qapp) -> None:
    for lang in ("zh", "en"):
        texts = Texts(lang)
        for key, _, _ in PAGES:
            assert texts.has(f"pages.{key}.title")
            assert texts.has(f"pages.{key}.job")


def test_the_demonstration_dialog_offers_three_sizes(window, qtbot) -> None:
    window.do("workspace.demo")
    ask = dialog(window, DemoDialog, qtbot)
    assert ask.scale == 10
    qtbot.mouseClick(ask.choices[100], Qt.MouseButton.LeftButton, pos=QPoint(8, ask.choices[100].height() // 2))
    assert ask.scale == 100


@pytest.mark.parametrize("name", ["a.dianzhi", "数据 库.dianzhi"])
def test_names_of_any_kind_open(window, desk, idle, tmp_path: Path, name: str) -> None:
    Workspace.create(tmp_path / name).close()
    desk.open(tmp_path / name)
    idle()
    assert desk.workspace.path.name == name
