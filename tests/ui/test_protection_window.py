"""Passphrases and the idle lock, in a window with real files."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time

import pytest
from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QLabel, QLineEdit, QMessageBox
from window_hands import write

from core.faults import Refused
from core.findings import Finding
from core.settings import ROOT
from core.storage import keys, recognised
from core.storage.ledger import Change, Edit
from core.storage.workspace import Workspace
from ui.dialogs import NewWorkspaceDialog
from ui.locking import Cover
from ui.logbook import log_file
from ui.pages.data.overview import OverviewPanel
from ui.passphrases import PassphraseDialog

PASSPHRASE = "四个不相干的词 2024"


@pytest.fixture
def locked(tmp_path):
    path = tmp_path / "锁.dianzhi"
    Workspace.create(path, region="350900", name="宁德市", passphrase=PASSPHRASE).close()
    return path


def dialog_of(window, what: str) -> PassphraseDialog:
    return next(
        one for one in window.findChildren(PassphraseDialog) if one.isVisible() and one._what == what
    )


def fill(dialog: PassphraseDialog, **typed: str) -> None:
    for field, text in typed.items():
        dialog.fields[field].clear()
        write(dialog.fields[field], text)


def covers() -> list[Cover]:
    return [one for top in QApplication.topLevelWidgets() for one in top.findChildren(Cover) if one.isVisible()]


@pytest.fixture
def unlocked(window, desk, locked, idle):
    desk.open(locked)
    dialog = dialog_of(window, "unlock")
    fill(dialog, standing=PASSPHRASE)
    dialog.accept()
    idle()
    assert desk.workspace.path == locked
    return window


def test_a_wrong_passphrase_keeps_asking_and_the_right_one_opens(window, desk, locked, idle) -> None:
    desk.open(locked)
    dialog = dialog_of(window, "unlock")
    assert desk.workspace is None and not dialog.do.isEnabled()
    assert dialog.fields["standing"].echoMode() == QLineEdit.EchoMode.Password
    fill(dialog, standing="falsch")
    dialog.do.click()
    assert dialog.isVisible() and dialog.said.text() == desk.texts("protect.wrong")
    assert dialog.fields["standing"].selectedText() == "falsch" or dialog.fields["standing"].hasSelectedText()
    fill(dialog, standing=PASSPHRASE)
    dialog.do.click()
    idle()
    assert desk.workspace.path == locked and desk.workspace.key is not None
    assert PASSPHRASE not in (desk_home(desk) or "")


def desk_home(desk) -> str:
    from core import settings

    return "".join(file.read_text("utf-8", "replace") for file in settings.home().rglob("*") if file.is_file())


def test_the_list_shows_a_lock_and_a_line_says_what_none_means(window, desk, locked, made, idle) -> None:
    desk.settings.recent = [str(locked), str(made)]
    window.page().refresh()
    idle()
    assert [(row.card.locked, row.card.state) for row in window.page().rows()] == [(True, "locked_by_passphrase"), (False, "")]
    assert any(label.text() == desk.texts("protect.unprotected") for label in window.page().findChildren(QLabel))


def test_the_data_page_says_it_too(opened, desk, made, locked, idle) -> None:
    opened.show_page("data")
    idle()
    line = opened.page().findChild(OverviewPanel).unprotected
    assert line.isVisible() and line.text() == desk.texts("protect.unprotected")
    desk.open(locked, keys.given(locked, PASSPHRASE))
    idle()
    opened.show_page("data")
    idle()
    assert not opened.page().findChild(OverviewPanel).unprotected.isVisible()


def test_set_change_and_remove(opened, desk, made, idle) -> None:
    opened.do("protect.protect")
    dialog = dialog_of(opened, "protect")
    fill(dialog, first="kurz", again="kurz")
    assert not dialog.do.isEnabled() and desk.texts("protect.short", least=8) == dialog.said.text()
    fill(dialog, first=PASSPHRASE, again="anders als oben")
    assert not dialog.do.isEnabled()
    fill(dialog, first=PASSPHRASE, again=PASSPHRASE)
    dialog.do.click()
    idle()
    assert recognised.protected(made) and desk.workspace.key.made_from(PASSPHRASE)
    assert not opened.actions_["protect.protect"].isEnabled()
    opened.do("protect.change")
    dialog = dialog_of(opened, "change")
    fill(dialog, standing="nicht das richtige", first="ein ganz neues Wort", again="ein ganz neues Wort")
    dialog.do.click()
    assert dialog.isVisible() and dialog.said.text() == desk.texts("protect.wrong")
    fill(dialog, standing=PASSPHRASE)
    dialog.do.click()
    idle()
    assert desk.workspace.key.made_from("ein ganz neues Wort")
    opened.do("protect.remove")
    dialog = dialog_of(opened, "remove")
    fill(dialog, standing="ein ganz neues Wort")
    dialog.do.click()
    idle()
    assert not recognised.protected(made) and desk.workspace.key is None


def test_a_conversion_that_fails_opens_the_workspace_again(opened, desk, made, idle, monkeypatch) -> None:
    (made.parent / "other").mkdir()
    opened.do("protect.protect")
    dialog = dialog_of(opened, "protect")
    fill(dialog, first=PASSPHRASE, again=PASSPHRASE)
    blocker = made.with_name(f"{made.name}.converting")
    blocker.mkdir()  # its place is taken by a folder
    dialog.do.click()
    idle()
    assert desk.workspace is not None and desk.workspace.key is None and not recognised.protected(made)
    assert opened.errorbar.isVisible()


def test_a_new_one_with_a_passphrase(window, desk, tmp_path, idle) -> None:
    window.do("workspace.new")
    dialog = window.findChild(NewWorkspaceDialog)
    write(dialog.name_field, "新的")
    write(dialog.region_field, "350900")
    dialog.path_field.setText(str(tmp_path / "neu.dianzhi"))
    dialog.protect.setChecked(True)
    dialog.accept()
    asked = dialog_of(window, "new")
    fill(asked, first=PASSPHRASE, again=PASSPHRASE)
    asked.do.click()
    idle()
    assert recognised.protected(tmp_path / "neu.dianzhi") and desk.workspace.name == "新的"


def test_the_log_holds_no_value_of_a_protected_workspace(unlocked, desk, idle) -> None:
    """Neither what a refusal names nor what stands in an exception, while it is open and until another one is."""
    finding = Finding("nonsense", "blocked", file="a.csv", row=7, column="psn_no", subject="SETL-998", values={"why": "张某某"})
    change = Change("special_case", {"setl_id": "SETL-123"}, {"reason": "HIV"}, {"reason": "张某某"})

    def stumble() -> None:
        try:
            desk.workspace.ledger.commit(Edit("edit", "x", (change,)))
        except Refused as refused:
            desk.troubled.emit(refused)
            desk.troubled.emit(Refused("region_form", [finding], region="张某某"))
            raise ValueError("张某某 SETL-123") from refused

    for _ in range(2):
        try:
            stumble()
        except Exception as error:
            unlocked.excepthook(type(error), error, error.__traceback__)
        desk.put_away()
        idle()
        stumble = lambda: {}["张某某"]  # noqa: E731
    said = log_file().read_text("utf-8")
    for value in ("SETL-", "HIV", "张某某"):
        assert value not in said
    for place in ("Refused stale_edit", "ValueError", "KeyError", "nonsense a.csv 7 psn_no", "test_protection_window.py"):
        assert place in said


def test_what_was_copied_goes_with_the_lock_and_the_workspace(unlocked, desk, made, idle, monkeypatch) -> None:
    """That it is emptied where it is still ours: below, on a display of its own."""
    emptied: list[bool] = []
    monkeypatch.setattr("ui.locking.forget", lambda: emptied.append(True))
    unlocked.lock.lock()
    assert len(emptied) == 1
    fill(unlocked.lock.dialog, standing=PASSPHRASE)
    unlocked.lock.dialog.do.click()
    desk.open(made)
    idle()
    idle()
    assert desk.workspace.path == made and len(emptied) == 2
    unlocked.close()
    assert len(emptied) == 2  # of a plain one nothing is taken back


COPY = """
import sys
from PySide6.QtWidgets import QApplication
application = QApplication([])
clipboard = application.clipboard()
clipboard.setText("病例 11223344")
if sys.argv[1] == "ours":
    from ui.clipping import forget
    forget()
    print(repr(clipboard.text()))
else:
    import subprocess
    def told():
        if not clipboard.ownsClipboard():
            forget()
            print(repr(clipboard.text()), flush=True)
            application.quit()
    from ui.clipping import forget
    clipboard.dataChanged.connect(told)
    other = "import sys; from PySide6.QtWidgets import QApplication; a = QApplication([]); a.clipboard().setText('theirs'); a.exec()"
    process = subprocess.Popen([sys.executable, "-c", other])
    application.exec()
    process.kill()
    process.wait()
"""


@pytest.mark.skipif(shutil.which("xvfb-run") is None, reason="no display to copy on")
@pytest.mark.parametrize(("whose", "left"), [("ours", "''"), ("theirs", "'theirs'")])
def test_the_clipboard_is_emptied_where_it_is_ours(whose: str, left: str) -> None:
    environment = {**os.environ, "QT_QPA_PLATFORM": "xcb"}
    command = ["xvfb-run", "-a", sys.executable, "-c", COPY, whose]
    said = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert said.stdout.strip() == left, said.stderr


# The idle lock


def test_the_lock_covers_every_window_and_keeps_what_was_typed(unlocked, desk, qtbot) -> None:
    floating = QDialog(unlocked)
    floating.setWindowTitle("病例 11223344")
    field = QLineEdit(floating)
    field.setText("没有保存的草稿")
    floating.show()
    QTest.keyClick(unlocked, Qt.Key.Key_L, Qt.KeyboardModifier.ControlModifier)
    assert unlocked.lock.locked
    assert {one.parentWidget() for one in covers()} == {unlocked, floating}
    assert floating.windowTitle() == desk.texts("protect.covered")
    for cover in covers():
        assert cover.geometry() == cover.parentWidget().rect()
        assert cover.parentWidget().childAt(QPoint(5, 5)) in (cover, *cover.children())
    floating.resize(600, 500)
    QApplication.processEvents()
    assert all(cover.geometry() == cover.parentWidget().rect() for cover in covers())
    dialog = unlocked.lock.dialog
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    dialog.close()
    assert dialog.isVisible() and unlocked.lock.locked
    fill(dialog, standing="falsch geraten")
    dialog.do.click()
    assert unlocked.lock.locked and dialog.said.text() == desk.texts("protect.wrong")
    fill(dialog, standing=PASSPHRASE)
    dialog.do.click()
    assert not unlocked.lock.locked and covers() == []
    assert field.text() == "没有保存的草稿" and floating.windowTitle() == "病例 11223344"


def test_what_comes_up_while_locked_is_covered_and_does_not_take_the_keys(unlocked, qtbot) -> None:
    unlocked.lock.lock()
    box = QMessageBox(QMessageBox.Icon.NoIcon, "病例 55", "李四 1188", parent=unlocked)
    box.setWindowModality(Qt.WindowModality.ApplicationModal)
    QTimer.singleShot(0, box.show)
    qtbot.waitUntil(lambda: any(one.parentWidget() is box for one in covers()))
    qtbot.waitUntil(lambda: QApplication.activeModalWidget() is unlocked.lock.dialog)
    fill(unlocked.lock.dialog, standing=PASSPHRASE)
    unlocked.lock.dialog.do.click()
    assert not unlocked.lock.locked and box.isVisible() and covers() == []
    box.close()


def test_work_under_way_goes_on(unlocked, desk, qtbot) -> None:
    came: list[int] = []

    def work(workspace, job) -> int:
        time.sleep(0.3)
        return workspace.reader().execute("SELECT count(*) FROM cases").fetchone()[0]

    desk.ask(work, came.append, place="start.x")
    unlocked.lock.lock()
    qtbot.waitUntil(lambda: came == [0])
    assert unlocked.lock.locked


def test_it_comes_by_itself_after_the_minutes_chosen(unlocked, desk, qtbot) -> None:
    lock = unlocked.lock
    unlocked.do("idle.5")
    assert desk.settings.idle_minutes == 5
    now = (time.monotonic(), time.time())
    lock._touched = (now[0] - 299, now[1] - 299)
    lock._look()
    assert not lock.locked
    lock._touched = (now[0] - 301, now[1])
    QTest.mouseMove(unlocked, QPoint(9, 9))
    QTest.keyClick(unlocked, Qt.Key.Key_Shift)  # a hand on it
    lock._look()
    assert not lock.locked
    lock._touched = (now[0], now[1] - 301)  # the laptop slept
    lock._look()
    assert lock.locked
    fill(lock.dialog, standing=PASSPHRASE)
    lock.dialog.do.click()
    unlocked.do("idle.0")
    lock._touched = (0, 0)
    lock._look()
    assert not lock.locked


class Draft:
    of_choices = False

    def __init__(self) -> None:
        self.said = "病例 77"

    def unsaved(self) -> str:
        return self.said

    def can_save(self) -> bool:
        return True

    def save_then(self, then) -> None:
        raise AssertionError

    def discard(self) -> None:
        self.said = ""


@pytest.mark.parametrize("drafts", [0, 1])
def test_it_can_be_quit_without_the_passphrase_and_without_a_look(unlocked, desk, qtbot, drafts: int) -> None:
    kept = [Draft() for _ in range(drafts)]
    for one in kept:
        desk.guard(one)
    unlocked.lock.lock()
    dialog = unlocked.lock.dialog
    assert not dialog.quit.isDefault()
    dialog.quit.click()
    if drafts:
        assert unlocked.isVisible() and unlocked.lock.locked and covers()
        assert dialog.said.text() == desk.texts("protect.quit_unsaved", count=1) and "77" not in dialog.said.text()
        dialog.quit.click()
    assert not unlocked.isVisible() and not dialog.isVisible()
    assert desk.workspace is None and all(one.said == "" for one in kept)


def test_without_a_passphrase_there_is_no_lock(opened, desk) -> None:
    opened.do("lock.now")
    assert not opened.lock.locked and covers() == []
    opened.lock._touched = (0, 0)
    opened.lock._look()
    assert not opened.lock.locked
