"""The Institutions page and its tabs."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ui.pages.institutions import InstitutionsPage
from ui.pages.institutions.institution import InstitutionTab
from ui.pages.institutions.league import LeagueTab


@pytest.fixture
def page_class() -> type[InstitutionsPage]:
    return InstitutionsPage


@pytest.fixture
def league(page: InstitutionsPage) -> LeagueTab:
    tab = page.stack.currentWidget()
    assert isinstance(tab, LeagueTab)
    return tab


@pytest.fixture
def one(page: InstitutionsPage, idle: Callable[[], None]) -> InstitutionTab:
    page.open_tab("institution")
    idle()
    tab = page.stack.currentWidget()
    assert isinstance(tab, InstitutionTab)
    return tab
