"""The Budget page."""

from __future__ import annotations

import pytest

from ui.pages.budget import BudgetPage


@pytest.fixture
def page_class() -> type[BudgetPage]:
    return BudgetPage
