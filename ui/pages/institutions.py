"""The league of institutions, and one institution's series."""

from __future__ import annotations

from ui.dialogs import ComingPage


class InstitutionsPage(ComingPage):
    key = "institutions"
    needs = ("institution", "cases")
