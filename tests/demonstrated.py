"""What many tests stand on: the demonstration region, made once a run and scale for all processes of it; and what the
tests of a page do: a desk that has a copy of it in hand, and the page alone in a window, on real threads and files.
`page_class` of a room says which page.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock


@pytest.fixture(scope="session")
def demonstration_at(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Path]:
    """The region at 1:scale. Nobody writes into it: see `demonstration_copy`."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "demonstrations"
    folder.mkdir(exist_ok=True)

    def made(scale: int) -> Path:
        from core import demo

        path = folder / f"{scale}.dianzhi"
        with FileLock(folder / f"{scale}.made.lock"):
            if not path.exists():
                demo.build(path, scale=scale).close()
        return path

    return made


@pytest.fixture(scope="session")
def demonstration_copy(demonstration_at: Callable[[int], Path]) -> Callable[[int, Path], Path]:
    """(scale, folder): a workspace there, to do with as one likes."""

    def copy(scale: int, folder: Path) -> Path:
        return Path(shutil.copy(demonstration_at(scale), folder / "demo.dianzhi"))

    return copy


@pytest.fixture(scope="session")
def demonstration(demonstration_at: Callable[[int], Path]) -> Path:
    """Nobody writes into it."""
    return demonstration_at(100)


@pytest.fixture(scope="session")
def prepared(demonstration: Path) -> Path:
    """The region as a room's tests find it; a room that wants more in it overrides this with a copy."""
    return demonstration


@pytest.fixture
def workspace(prepared: Path, tmp_path: Path) -> Path:
    path = tmp_path / "demo.dianzhi"
    shutil.copy(prepared, path)
    return path


@pytest.fixture
def empty_desk(swept: None, own_home: Path) -> Iterator[Any]:
    """Nothing open. A bug that the window would show fails the test."""
    from ui.desk import Desk

    desk = Desk("zh")
    broken: list[str] = []
    desk.broken.connect(lambda error, trace: broken.append(trace))
    yield desk
    assert desk.close(), "a thread did not end"
    assert broken == []


@pytest.fixture
def idle(empty_desk: Any, qtbot: Any) -> Callable[[], None]:
    """Until nothing is under way and every answer was handed over."""

    def wait() -> None:
        for _ in range(4):  # an answer may ask again
            qtbot.waitUntil(lambda: not empty_desk.jobs.live() and empty_desk.opening is None, timeout=60_000)
            qtbot.wait(5)

    return wait


@pytest.fixture
def desk(empty_desk: Any, workspace: Path, idle: Callable[[], None]) -> Any:
    empty_desk.open(workspace)
    idle()
    empty_desk.choose(year=2024)
    return empty_desk


@pytest.fixture
def make_page(empty_desk: Any, page_class: type, qtbot: Any, idle: Callable[[], None]) -> Iterator[Callable[[], Any]]:
    from PySide6.QtWidgets import QApplication, QDialog

    kept: list[Any] = []  # as long as the test

    def make() -> Any:
        page = page_class(empty_desk)
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
    for dialog in QApplication.topLevelWidgets():
        if isinstance(dialog, QDialog):
            dialog.reject()
    kept.clear()


@pytest.fixture
def page(desk: Any, make_page: Callable[[], Any]) -> Any:
    return make_page()
