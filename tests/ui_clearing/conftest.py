"""The Clearing page, cleared where a test wants it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pytestqt.qtbot import QtBot

from ui.desk import Desk
from ui.pages.clearing import ClearingPage


def idle(qtbot: QtBot, desk: Desk) -> None:
    """Until nothing is under way and every answer was handed over."""
    qtbot.waitUntil(lambda: not desk.jobs.live() and desk.opening is None, timeout=60_000)


@pytest.fixture
def page_class(desk: Desk) -> type[ClearingPage]:
    """With the workspace in hand."""
    return ClearingPage


@pytest.fixture
def cleared(make_page: Callable[[], ClearingPage], desk: Desk, qtbot: QtBot) -> ClearingPage:
    page = make_page()
    page.clear()
    idle(qtbot, desk)
    assert page.clearing is not None
    return page
