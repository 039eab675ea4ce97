"""The Institutions page."""

from __future__ import annotations

from ui.pages.institutions.page import InstitutionsPage

__all__ = ["InstitutionsPage"]
