"""The demonstration region at a hundredth with the window's Coefficients page, on real threads and files."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QDialog
from pytestqt.qtbot import QtBot

from core import demo
from core.settlement import coefficients
from core.storage.workspace import Workspace
from ui.desk import Desk
from ui.pages.coefficients import CoefficientsPage
from ui.pages.coefficients.editor import Editor


@pytest.fixture(scope="session")
def region(tmp_path_factory) -> Path:
    """Published once, with a draft on it: what an analyst begins with."""
    path = tmp_path_factory.mktemp("region") / "demo.dianzhi"
    demo.build(path, scale=100).close()
    with Workspace.open(path) as workspace:
        coefficients.publish(workspace, "imported", "2024", "年初发布")
        coefficients.draft(workspace, "草稿", "2024", "调整")
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

    def wait() -> None:
        for _ in range(3):  # an answer may ask again
            qtbot.waitUntil(
                lambda: not empty_desk.jobs.live() and empty_desk.opening is None, timeout=60_000
            )
            qtbot.wait(5)

    return wait


@pytest.fixture
def desk(empty_desk: Desk, workspace: Path, idle: Callable[[], None]) -> Desk:
    empty_desk.open(workspace)
    idle()
    empty_desk.choose(year=2024, set_name="草稿")
    return empty_desk


@pytest.fixture
def make_page(empty_desk: Desk, qtbot: QtBot, idle: Callable[[], None]) -> Iterator[Callable[[], CoefficientsPage]]:
    kept: list[CoefficientsPage] = []  # as long as the test

    def make() -> CoefficientsPage:
        page = CoefficientsPage(empty_desk)
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
def page(desk: Desk, make_page: Callable[[], CoefficientsPage]) -> CoefficientsPage:
    return make_page()


@pytest.fixture
def editor(page: CoefficientsPage) -> Editor:
    page.editor.reason = "测试"  # kept for every edit, unless a test asks otherwise
    return page.editor


@pytest.fixture
def value(desk: Desk) -> Callable[..., str | None]:
    """A cell's row in the workspace."""

    def of(code: str, part: str = "base", fund: str = "all", day: str = "2024-01-01", name: str = "草稿") -> str | None:
        found = desk.workspace.reader().execute(
            "SELECT value FROM coefficient WHERE set_name = ? AND fixmedins_code = ? AND part = ? AND fund = ?"
            " AND valid_from = ?",
            (name, code, part, fund, day),
        ).fetchone()  # fmt: skip
        return found[0] if found else None

    return of
