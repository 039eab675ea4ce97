"""Backups from the start page: listed, confirmed, put back, also where the workspace opens no more."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel

from core.storage import backups, protection
from core.storage.ledger import Change, Edit
from core.storage.workspace import Workspace
from ui import restoring
from ui.dialogs import ReasonDialog, SureDialog
from ui.ledger_words import subject
from ui.passphrases import PassphraseDialog
from ui.restoring import BackupsDialog


@pytest.mark.parametrize("damaged", [False, True])
def test_a_backup_is_put_back_from_the_card(window, desk, qtbot, idle, made, damaged: bool) -> None:
    with Workspace.open(made) as workspace:
        backups.take(workspace)
        key = {"year": 2019, "fund": "employee", "item": "dip_budget", "document": "", "date": ""}
        workspace.ledger.commit(Edit("edit", "2019", (Change("budget", key, None, {"amount": 1}),)))
    if damaged:
        made.write_bytes(b"\0" * 4096)
    desk.settings.recent = [str(made)]
    window.page().refresh()
    idle()
    (row,) = window.page().rows()
    qtbot.mouseClick(row.backups, Qt.MouseButton.LeftButton)
    (listed,) = window.findChildren(BackupsDialog)
    assert listed.list.topLevelItemCount() == 1
    assert listed.list.topLevelItem(0).text(1) == desk.texts("backup.reason.asked")
    listed.accept()
    if damaged:  # whatever was confirmed in it nobody can tell
        (asked,) = window.findChildren(ReasonDialog)
        asked.field.setText("打不开")
        qtbot.mouseClick(asked.do, Qt.MouseButton.LeftButton)
    else:
        (sure,) = window.findChildren(SureDialog)
        assert sure.isVisible()
        sure.accept()
    idle()
    idle()
    assert desk.workspace is not None and desk.workspace.path == made
    lines = desk.workspace.ledger.lines()
    assert lines[0].action == "restore"
    assert desk.workspace.reader().execute("SELECT count(*) FROM budget WHERE year = 2019").fetchone() == (0,)
    assert [one.reason for one in backups.listed(made)] == ["restore", "asked"]


def test_a_confirmed_year_is_named_and_a_reason_asked(window, desk, qtbot, idle, made) -> None:
    with Workspace.open(made) as workspace:
        backups.take(workspace)
        after = {"runs": "[]", "at": "2026-01-01T00:00:00+00:00", "who": "x", "why": ""}
        change = Change("confirmed_year", {"year": 2024}, None, after)
        head = workspace.ledger.commit(Edit("confirm", "2024", (change,))).hash
    desk.settings.recent = [str(made)]
    window.page().refresh()
    idle()
    (row,) = window.page().rows()
    qtbot.mouseClick(row.backups, Qt.MouseButton.LeftButton)
    (listed,) = window.findChildren(BackupsDialog)
    listed.accept()
    (asked,) = window.findChildren(ReasonDialog)
    assert any("2024" in label.text() for label in asked.findChildren(QLabel)) and not asked.do.isEnabled()
    asked.field.setText("错误的版本")
    qtbot.mouseClick(asked.do, Qt.MouseButton.LeftButton)
    idle()
    idle()
    line = desk.workspace.ledger.lines()[0]
    assert (line.action, line.why) == ("restore", "错误的版本") and line.subject.endswith(" -2024")
    said = subject(line, desk.texts)
    assert head[:8] in said and "2024" in said and " -2024" not in said


@pytest.mark.parametrize("known", [False, True])
def test_the_present_file_has_another_passphrase(window, desk, qtbot, idle, made, known: bool) -> None:
    first, second = "一句足够长的口令 2024", "另外一个口令 2025"
    protection.protect(made, first)
    with Workspace.open(made, passphrase=first) as workspace:
        early = backups.take(workspace)
    protection.change(made, first, second)
    restoring.show(desk, made, window)
    (listed,) = window.findChildren(BackupsDialog)
    listed.accept()
    (asked,) = window.findChildren(PassphraseDialog)
    asked.fields["standing"].setText(first)
    asked.accept()
    present = window.findChildren(PassphraseDialog)[-1]
    assert present.windowTitle() == desk.texts("protect.present.title")
    if known:
        present.fields["standing"].setText(second)
        present.accept()
        window.findChildren(SureDialog)[-1].accept()
    else:
        present.reject()
        why = window.findChildren(ReasonDialog)[-1]
        assert any(desk.texts("backup.unread") in label.text() for label in why.findChildren(QLabel))
        why.field.setText("没有人知道")
        qtbot.mouseClick(why.do, Qt.MouseButton.LeftButton)
    idle()
    idle()
    line = desk.workspace.ledger.lines()[0]
    assert line.subject.startswith(early.name) and line.why == ("" if known else "没有人知道")
    assert ("#" in line.subject) == known
