"""Backups from the start page: listed, confirmed, put back, also where the workspace opens no more."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel

from core.storage import backups
from core.storage.ledger import Change, Edit
from core.storage.workspace import Workspace
from ui.dialogs import ReasonDialog, SureDialog
from ui.ledger_words import subject
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
