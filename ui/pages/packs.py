"""Rule packs, and the calculator for one case."""

from __future__ import annotations

from ui.dialogs import ComingPage


class PacksPage(ComingPage):
    key = "packs"
    needs = ("catalogues", "coefficient")
