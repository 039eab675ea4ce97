"""The Coefficients page over a region published once, with a draft on it: what an analyst begins with."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from core.settlement import coefficients
from core.storage.workspace import Workspace
from ui.desk import Desk
from ui.pages.coefficients import CoefficientsPage
from ui.pages.coefficients.editor import Editor


@pytest.fixture(scope="session")
def prepared(demonstration: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("drafted") / "demo.dianzhi"
    shutil.copy(demonstration, path)
    with Workspace.open(path) as workspace:
        coefficients.publish(workspace, "imported", "2024", "年初发布")
        coefficients.draft(workspace, "草稿", "2024", "调整")
    return path


@pytest.fixture
def page_class() -> type[CoefficientsPage]:
    return CoefficientsPage


@pytest.fixture
def desk(empty_desk: Desk, workspace: Path, idle: Callable[[], None]) -> Desk:
    empty_desk.open(workspace)
    idle()
    empty_desk.choose(year=2024, set_name="草稿")
    return empty_desk


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
