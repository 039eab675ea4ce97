"""A window as the program has one, on real threads and files, put away after each test."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QDialog
from window_hands import budget_edit

from core.storage.workspace import Workspace
from ui.desk import Desk
from ui.window import Window


@pytest.fixture
def desk(swept, own_home) -> Iterator[Desk]:
    desk = Desk("zh")
    yield desk
    assert desk.close(), "a thread did not end"


@pytest.fixture
def window(desk, qtbot, monkeypatch) -> Iterator[Window]:
    """On the start page, nothing open. A bug that the window would show fails the test."""
    window = Window(desk)
    bugs: list[str] = []
    desk.broken.connect(lambda error, trace: bugs.append(trace))
    qtbot.addWidget(window)
    window.resize(1366, 768)
    window.show()
    qtbot.waitExposed(window)
    window.after_first_paint()
    yield window
    for dialog in window.findChildren(QDialog):
        dialog.reject()
    window.close()
    # Gone before the next test dresses the program: a new style is told to every widget that is still there.
    window.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert bugs == []
    assert sys.excepthook is not window.excepthook


@pytest.fixture
def idle(desk, qtbot) -> Callable[[], None]:
    """Wait until no work is under way."""

    def wait() -> None:
        qtbot.waitUntil(lambda: not desk.jobs.live() and desk.opening is None, timeout=60_000)

    return wait


@pytest.fixture
def made(tmp_path) -> Path:
    """A workspace with one budget line, entered and then corrected."""
    path = tmp_path / "宁德.dianzhi"
    with Workspace.create(path, region="350900", name="宁德市 2024 年度清算") as workspace:
        workspace.ledger.commit(budget_edit(100_000_00, why="年初预算"))
        workspace.ledger.commit(budget_edit(120_000_00, before=100_000_00, why="追加"))
    return path


@pytest.fixture
def opened(window, desk, made, idle) -> Window:
    """The window with that workspace in hand."""
    desk.open(made)
    idle()
    assert desk.workspace is not None
    return window
