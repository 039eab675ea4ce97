"""The start page: what it says of recent workspaces, and its ways in."""

from __future__ import annotations

import os

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel

from core.storage.engine import library as sqlite3
from core.storage.workspace import Workspace
from ui.dialogs import NewWorkspaceDialog
from ui.pages.start import bytes_of


def said(row) -> str:
    return "\n".join(label.text() for label in row.findChildren(QLabel))


def test_recent_workspaces_with_their_state(window, desk, idle, made, tmp_path) -> None:
    broken = tmp_path / "broken.dianzhi"
    broken.write_bytes(b"no database at all" * 50)
    newer = tmp_path / "newer.dianzhi"
    Workspace.create(newer, name="以后").close()
    with sqlite3.connect(newer) as connection:
        connection.execute("PRAGMA user_version = 999")
    connection.close()
    desk.settings.recent = [str(made), str(tmp_path / "gone.dianzhi"), str(broken), str(newer)]
    window.page().refresh()
    idle()
    rows = window.page().rows()
    assert [row.card.state for row in rows] == ["", "missing", "other", "newer_layout"]
    assert "宁德市 2024 年度清算" in said(rows[0])
    assert "350900" in said(rows[0])
    assert desk.texts("start.state.missing") in said(rows[1])
    assert desk.texts("fault.not_a_workspace", path=broken) in said(rows[2])  # in words, not as it was raised
    assert desk.texts("start.state.newer_layout") in said(rows[3])
    assert not os.path.exists(f"{made}.lock-held")


def test_a_card_opens_by_enter_and_by_click(window, desk, qtbot, idle, made) -> None:
    desk.settings.recent = [str(made)]
    window.page().refresh()
    idle()
    row = window.page().rows()[0]
    row.setFocus()
    qtbot.keyClick(row, Qt.Key.Key_Return)
    idle()
    assert desk.workspace.path == made
    window.put_away()
    idle()
    row = window.page().rows()[0]
    qtbot.mouseClick(row, Qt.MouseButton.LeftButton)
    idle()
    assert desk.workspace.path == made


def test_delete_takes_a_card_off_the_list_and_leaves_the_file(window, desk, qtbot, idle, made) -> None:
    desk.settings.recent = [str(made)]
    window.page().refresh()
    idle()
    qtbot.keyClick(window.page().rows()[0], Qt.Key.Key_Delete)
    idle()
    assert window.page().rows() == []
    assert made.exists()
    assert desk.settings.recent == []
    assert window.page().none.isVisible()


def test_the_new_button(window, qtbot) -> None:
    qtbot.mouseClick(window.page().ways["new"], Qt.MouseButton.LeftButton)
    assert any(one.isVisible() for one in window.findChildren(NewWorkspaceDialog))


def test_looking_changes_nothing(window, desk, idle, made) -> None:
    before = made.read_bytes()
    desk.settings.recent = [str(made)]
    window.page().refresh()
    idle()
    assert made.read_bytes() == before


def test_sizes() -> None:
    assert bytes_of(1) == "1 KB"
    assert bytes_of(1_234_567) == "1,235 KB"
    assert bytes_of(1_234_567_890) == "1,234 MB"
