"""Backups from the start page: listed, confirmed, put back, also where the workspace opens no more."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt

from core.storage import backups
from core.storage.ledger import Change, Edit
from core.storage.workspace import Workspace
from ui.restoring import BackupsDialog, SureDialog


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
