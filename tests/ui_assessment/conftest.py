"""The Assessment page."""

from __future__ import annotations

import pytest

from ui.pages.assessment import AssessmentPage


@pytest.fixture
def page_class() -> type[AssessmentPage]:
    return AssessmentPage
