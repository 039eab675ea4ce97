"""The Comparison page, over the one region, which nobody writes into: what was computed of it is kept from test to test."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.storage.workspace import Workspace
from ui.pages.comparison import ComparisonPage


@pytest.fixture
def page_class() -> type[ComparisonPage]:
    return ComparisonPage


@pytest.fixture
def workspace(demonstration: Path) -> Path:
    return demonstration


@pytest.fixture
def codes(demonstration: Path) -> tuple[str, ...]:
    """Institutions by their cases in 2024, most first."""
    with Workspace.open(demonstration, write=False) as workspace:
        rows = workspace.reader().execute(
            "SELECT fixmedins_code FROM cases WHERE year = 2024 GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 8"
        )
        return tuple(code for (code,) in rows)
