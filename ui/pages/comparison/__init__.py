"""The Comparison page."""

from __future__ import annotations

from ui.pages.comparison.page import ComparisonPage

__all__ = ["ComparisonPage"]
