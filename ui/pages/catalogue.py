"""Versions of the disease catalogue: search, a group's page, two versions side by side."""

from __future__ import annotations

from ui.dialogs import ComingPage


class CataloguePage(ComingPage):
    key = "catalogue"
    needs = ("catalogues", "cases")
