"""Two to six institutions side by side."""

from __future__ import annotations

from ui.dialogs import ComingPage


class ComparisonPage(ComingPage):
    key = "comparison"
    needs = ("institution", "cases")
