"""The demonstration region at a hundredth with the window's Catalogue page, on real threads and files."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtGui import QInputMethodEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from core import demo
from ui.desk import Desk
from ui.pages.catalogue import CataloguePage
from ui.pages.catalogue.browser import BrowseTab


@pytest.fixture(scope="session")
def region(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("region") / "demo.dianzhi"
    demo.build(path, scale=100).close()
    return path


@pytest.fixture
def workspace(region: Path, tmp_path: Path) -> Path:
    path = tmp_path / "demo.dianzhi"
    shutil.copy(region, path)
    return path


@pytest.fixture
def empty_desk(swept, own_home) -> Iterator[Desk]:
    """Nothing open. A bug that the window would show fails the test."""
    desk = Desk("zh")
    broken: list[str] = []
    desk.broken.connect(lambda error, trace: broken.append(trace))
    yield desk
    assert desk.close(), "a thread did not end"
    assert broken == []


@pytest.fixture
def idle(empty_desk: Desk, qtbot: QtBot) -> Callable[[], None]:
    """Until nothing is under way and every answer was handed over."""
    return lambda: qtbot.waitUntil(
        lambda: not empty_desk.jobs.live() and empty_desk.opening is None, timeout=60_000
    )


@pytest.fixture
def desk(empty_desk: Desk, workspace: Path, idle: Callable[[], None]) -> Desk:
    empty_desk.open(workspace)
    idle()
    empty_desk.choose(year=2024)
    return empty_desk


@pytest.fixture
def make_page(empty_desk: Desk, qtbot: QtBot, idle: Callable[[], None]) -> Iterator[Callable[[], CataloguePage]]:
    kept: list[CataloguePage] = []  # as long as the test

    def make() -> CataloguePage:
        page = CataloguePage(empty_desk)
        kept.append(page)
        qtbot.addWidget(page)
        page.resize(1190, 660)
        empty_desk.changed.connect(page.refresh)
        page.refresh()
        page.show()
        qtbot.waitExposed(page)
        idle()
        return page

    yield make
    kept.clear()


@pytest.fixture
def tab(desk: Desk, make_page: Callable[[], CataloguePage]) -> BrowseTab:
    page = make_page()
    browser = page.stack.currentWidget()
    assert isinstance(browser, BrowseTab)
    return browser


@pytest.fixture
def write() -> Callable[[QWidget, str], None]:
    """Type as an input method does: Qt's own key clicks know Latin letters only."""

    def type_in(widget: QWidget, text: str) -> None:
        event = QInputMethodEvent()
        event.setCommitString(text)
        QApplication.sendEvent(widget, event)

    return type_in
