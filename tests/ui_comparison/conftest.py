"""The demonstration region at a hundredth with the window's Comparison page, on real threads and files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from core import demo
from core.storage.workspace import Workspace
from ui.desk import Desk
from ui.pages.comparison import ComparisonPage


@pytest.fixture(scope="session")
def region(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("region") / "demo.dianzhi"
    demo.build(path, scale=100).close()
    return path


@pytest.fixture
def codes(region: Path) -> tuple[str, ...]:
    """Institutions by their cases in 2024, most first."""
    with Workspace.open(region, write=False) as workspace:
        rows = workspace.reader().execute(
            "SELECT fixmedins_code FROM cases WHERE year = 2024 GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 8"
        )
        return tuple(code for (code,) in rows)


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

    def wait() -> None:
        for _ in range(3):  # an answer may ask again
            qtbot.waitUntil(
                lambda: not empty_desk.jobs.live() and empty_desk.opening is None, timeout=60_000
            )
            qtbot.wait(5)

    return wait


@pytest.fixture
def desk(empty_desk: Desk, region: Path, idle: Callable[[], None]) -> Desk:
    """The one region, which nobody writes into: what was computed of it is kept from test to test."""
    empty_desk.open(region)
    idle()
    empty_desk.choose(year=2024)
    return empty_desk


@pytest.fixture
def make_page(empty_desk: Desk, qtbot: QtBot, idle: Callable[[], None]) -> Iterator[Callable[[], ComparisonPage]]:
    kept: list[ComparisonPage] = []  # as long as the test

    def make() -> ComparisonPage:
        page = ComparisonPage(empty_desk)
        kept.append(page)
        qtbot.addWidget(page)
        page.resize(1190, 660)
        empty_desk.changed.connect(page.refresh)
        page.refresh()
        page.show()
        qtbot.waitExposed(page)
        page.activateWindow()
        idle()
        return page

    yield make
    QApplication.clipboard().clear()
    kept.clear()


@pytest.fixture
def page(desk: Desk, make_page: Callable[[], ComparisonPage]) -> ComparisonPage:
    return make_page()
