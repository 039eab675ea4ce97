"""The Assessment page."""

from ui.pages.assessment.page import AssessmentPage

__all__ = ["AssessmentPage"]
