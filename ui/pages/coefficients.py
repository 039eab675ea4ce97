"""Coefficient sets: grid, draft and published, what a change does."""

from __future__ import annotations

from ui.dialogs import ComingPage


class CoefficientsPage(ComingPage):
    key = "coefficients"
    needs = ("institution", "coefficient")
