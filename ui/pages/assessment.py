"""Assessment scores and what they do to money."""

from __future__ import annotations

from ui.dialogs import ComingPage


class AssessmentPage(ComingPage):
    key = "assessment"
    needs = ("institution", "assessment")
