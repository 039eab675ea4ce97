"""The demonstration region at a hundredth with the window's Assessment page, on real threads and files."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QDialog
from pytestqt.qtbot import QtBot

from core import demo
from ui.desk import Desk
from ui.pages.assessment import AssessmentPage


@pytest.fixture(scope="session")
def assessed_region(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("region") / "demo.dianzhi"
    demo.build(path, scale=100).close()
    return path


@pytest.fixture
def desk(assessed_region: Path, tmp_path: Path, swept: None, own_home: Path, qtbot: QtBot) -> Iterator[Desk]:
    """A bug that the window would show fails the test."""
    made = Desk("zh")
    broken: list[str] = []
    made.broken.connect(lambda error, trace: broken.append(trace))
    path = tmp_path / "demo.dianzhi"
    shutil.copy(assessed_region, path)
    made.open(path)
    wait(made, qtbot)
    made.choose(year=2024)
    yield made
    assert made.close(), "a thread did not end"
    assert broken == []


def wait(desk: Desk, qtbot: QtBot) -> None:
    """Until nothing is under way and every answer was handed over."""
    for _ in range(4):  # an answer may ask again
        qtbot.waitUntil(lambda: not desk.jobs.live() and desk.opening is None, timeout=60_000)
        qtbot.wait(5)


@pytest.fixture
def idle(desk: Desk, qtbot: QtBot) -> Callable[[], None]:
    return lambda: wait(desk, qtbot)


@pytest.fixture
def page(desk: Desk, qtbot: QtBot, idle: Callable[[], None]) -> Iterator[AssessmentPage]:
    made = AssessmentPage(desk)
    qtbot.addWidget(made)
    made.resize(1180, 670)
    desk.changed.connect(made.refresh)
    made.refresh()
    made.show()
    qtbot.waitExposed(made)
    idle()
    yield made
    for dialog in QApplication.topLevelWidgets():
        if isinstance(dialog, QDialog):
            dialog.reject()
