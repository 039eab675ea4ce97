"""The demonstration region at a hundredth with the window's Budget page, on real threads and files."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QDialog
from pytestqt.qtbot import QtBot

from core import demo
from ui.desk import Desk
from ui.jobs import Sweeper
from ui.pages.budget import BudgetPage


@pytest.fixture(scope="session")
def region(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("region") / "demo.dianzhi"
    demo.build(path, scale=100).close()
    return path


@pytest.fixture
def empty_desk(qapp, own_home) -> Iterator[Desk]:
    """Nothing open. A bug that the window would show fails the test."""
    sweeper = Sweeper()
    desk = Desk("zh")
    broken: list[str] = []
    desk.broken.connect(lambda error, trace: broken.append(trace))
    yield desk
    assert desk.close(), "a thread did not end"
    sweeper.stop()
    assert broken == []


@pytest.fixture
def idle(empty_desk: Desk, qtbot: QtBot) -> Callable[[], None]:
    """Until nothing is under way and every answer was handed over."""

    def wait() -> None:
        for _ in range(3):  # an answer may ask again
            qtbot.waitUntil(lambda: not empty_desk.jobs.live() and empty_desk.opening is None, timeout=60_000)
            qtbot.wait(5)

    return wait


@pytest.fixture
def make_page(empty_desk: Desk, qtbot: QtBot, idle: Callable[[], None]) -> Iterator[Callable[[], BudgetPage]]:
    kept: list[BudgetPage] = []  # as long as the test

    def make() -> BudgetPage:
        page = BudgetPage(empty_desk)
        kept.append(page)
        qtbot.addWidget(page)
        page.resize(1180, 670)
        empty_desk.changed.connect(page.refresh)
        page.refresh()
        page.show()
        qtbot.waitExposed(page)
        page.activateWindow()
        idle()
        return page

    yield make
    for dialog in QApplication.topLevelWidgets():
        if isinstance(dialog, QDialog):
            dialog.reject()
    kept.clear()


@pytest.fixture
def page(region: Path, tmp_path: Path, empty_desk: Desk, idle: Callable[[], None], make_page: Callable[[], BudgetPage]) -> BudgetPage:
    path = tmp_path / "demo.dianzhi"
    shutil.copy(region, path)
    empty_desk.open(path)
    idle()
    empty_desk.choose(year=2024)
    return make_page()
