"""The demonstration region at a hundredth, built once; each test gets a copy and a desk that has it in hand."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from core import demo
from ui.desk import Desk
from ui.pages.clearing import ClearingPage


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


def idle(qtbot: QtBot, desk: Desk) -> None:
    """Until nothing is under way and every answer was handed over."""
    qtbot.waitUntil(lambda: not desk.jobs.live() and desk.opening is None, timeout=60_000)


@pytest.fixture
def desk(swept, own_home, workspace: Path, qtbot: QtBot) -> Iterator[Desk]:
    desk = Desk("zh")
    broken: list[str] = []
    desk.broken.connect(lambda error, trace: broken.append(trace))
    desk.open(workspace)
    idle(qtbot, desk)
    desk.choose(year=2024)
    yield desk
    assert desk.close()
    assert broken == []


@pytest.fixture
def make_page(desk: Desk, qtbot: QtBot) -> Callable[[], ClearingPage]:
    def make() -> ClearingPage:
        page = ClearingPage(desk)
        qtbot.addWidget(page)
        page.resize(1190, 660)
        desk.changed.connect(page.refresh)
        page.refresh()
        page.show()
        qtbot.waitExposed(page)
        idle(qtbot, desk)
        return page

    return make


@pytest.fixture
def cleared(make_page, desk: Desk, qtbot: QtBot) -> ClearingPage:
    page = make_page()
    page.clear()
    idle(qtbot, desk)
    assert page.clearing is not None
    return page
