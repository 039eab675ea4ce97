"""Budget lines, the point value that follows, and why it moved."""

from __future__ import annotations

from ui.dialogs import ComingPage


class BudgetPage(ComingPage):
    key = "budget"
    needs = ("budget", "cases")
