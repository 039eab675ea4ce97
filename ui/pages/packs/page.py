"""The Packs page: rule packs with their text, several side by side, and the calculator for one case."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QStackedWidget, QTabBar, QVBoxLayout, QWidget

from ui.desk import Changes, Desk
from ui.look import EDGE, GAP

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
        self.tabs = QTabBar()
        self.tabs.setDrawBase(False)
        self.tabs.setExpanding(False)
        self.tabs.setAccessibleName(desk.texts("packs.tabs"))
        for key in TABS:
            self.tabs.addTab(desk.texts(f"packs.tab.{key}"))
        layout.addWidget(self.tabs)
        self.setFocusProxy(self.tabs)
        self.stack = QStackedWidget()
        layout.addWidget(self.stack, 1)
        self._made: dict[str, QWidget] = {}
        self._stale: dict[str, Changes | None] = {}
        self.tabs.currentChanged.connect(self._show)

    def refresh(self, changes: Changes | None = None) -> None:
        for key in self._made:
            before = self._stale.get(key)
            self._stale[key] = changes if before is None or changes is None else before | changes
        self._show(self.tabs.currentIndex())

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
            self.open_tab("rules").choose(str(target[1]))  # type: ignore[attr-defined]

    def calculate(self, setl_id: str = "") -> None:
        """The calculator, ready to be typed into; with a settlement it is filled in from that case."""
        panel = self.open_tab("calculate")
        panel.start(setl_id)  # type: ignore[attr-defined]

    def open_tab(self, key: str) -> QWidget:
        self.tabs.setCurrentIndex(TABS.index(key))
        self._show(TABS.index(key))
        return self._made[key]

    def _show(self, number: int) -> None:
        key = TABS[number]
        if key not in self._made:
            self._made[key] = self._make(key)
            self.stack.addWidget(self._made[key])
            self._stale[key] = None
        panel = self._made[key]
        self.stack.setCurrentWidget(panel)
        if key in self._stale:
            panel.refresh(self._stale.pop(key))  # type: ignore[attr-defined]

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
        self.open_tab("calculate").use_pack(pack)  # type: ignore[attr-defined]
