"""The Packs page: rule packs with their text, several side by side, and the calculator for one case."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtWidgets import QVBoxLayout, QWidget

from ui.desk import Changes, Desk
from ui.look import EDGE, GAP
from ui.tabs import FreshTabs

TABS = ("rules", "beside", "calculate")


class PacksPage(QWidget):
    """Tabs made on their first visit. Packs are there without a workspace, the others need one."""

    key = "packs"

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        layout = QVBoxLayout(self)
        layout.setContentsMargins(EDGE, GAP, EDGE, GAP)
        layout.setSpacing(GAP)
        titles = {key: desk.texts(f"packs.tab.{key}") for key in TABS}
        self.tabs = FreshTabs(desk.texts("packs.tabs"), titles, self._make)
        self.stack = self.tabs.stack
        layout.addWidget(self.tabs)
        layout.addWidget(self.stack, 1)
        self.setFocusProxy(self.tabs)

    def refresh(self, changes: Changes | None = None) -> None:
        self.tabs.refresh(changes)

    def handlers(self) -> dict[str, Callable[[], None]]:
        return {"packs.calculate": lambda: self.calculate()}

    def show_target(self, target: object) -> None:
        """("calculate", settlement or None); ("pack", id); ("beside", None)."""
        if not isinstance(target, tuple) or len(target) != 2:
            return
        if target[0] == "calculate":
            self.calculate(str(target[1] or ""))
        elif target[0] == "beside":
            self.open_tab("beside")
        elif target[0] == "pack":
            self.open_tab("rules").choose(str(target[1]))

    def calculate(self, setl_id: str = "") -> None:
        """The calculator, ready to be typed into; with a settlement it is filled in from that case."""
        panel = self.open_tab("calculate")
        panel.start(setl_id)

    def open_tab(self, key: str) -> Any:
        return self.tabs.open(key)

    def _make(self, key: str) -> QWidget:
        if key == "rules":
            from ui.pages.packs.rules import RulesPanel

            rules = RulesPanel(self.desk)
            rules.wanted.connect(self._calculate_with)
            return rules
        if key == "beside":
            from ui.pages.packs.beside import BesidePanel

            return BesidePanel(self.desk)
        from ui.pages.packs.calculator import Calculator

        return Calculator(self.desk)

    def _calculate_with(self, pack: str) -> None:
        self.open_tab("calculate").use_pack(pack)
