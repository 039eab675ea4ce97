"""The tabs of the Clearing page: the year's worksheet, and what else of a clearing is there.

A tab is a class with `refresh(changes)` and `show_target(target)`, made when first shown from (desk, choice); `choice()` is
the pack and catalogue version chosen on the worksheet. One that is not looked at is refreshed when it is shown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from PySide6.QtWidgets import QStackedWidget, QTabBar, QVBoxLayout, QWidget

from ui.desk import Changes, Desk
from ui.look import GAP

WORKSHEET = "worksheet"
TABS = (
    ("months", "ui.pages.clearing.months", "MonthsTab"),
    ("special", "ui.pages.clearing.special", "SpecialTab"),
    ("official", "ui.pages.clearing.official", "OfficialTab"),
)


@dataclass(frozen=True, slots=True)
class Choice:
    """What is chosen on the worksheet: ids, "" where nothing is."""

    pack: str
    catalogue: str


class Tabs(QWidget):
    def __init__(self, desk: Desk, worksheet: QWidget, choice: Callable[[], Choice]) -> None:
        super().__init__()
        self._desk, self._choice = desk, choice
        there = [tab for tab in TABS if find_spec(tab[1]) is not None]
        self.keys = (WORKSHEET, *(key for key, _, _ in there))
        self._source = {key: (module, name) for key, module, name in there}
        self._made: dict[str, Any] = {}
        self._late: set[str] = set()
        self._shown_for: dict[str, Choice] = {}
        self.bar = QTabBar()
        self.bar.setDrawBase(False)
        self.bar.setExpanding(False)
        self.bar.setAccessibleName(desk.texts("clearing.tabs"))
        for key in self.keys:
            self.bar.addTab(desk.texts(f"clearing.tab.{key}"))
        self.stack = QStackedWidget()
        self.stack.addWidget(worksheet)
        self.bar.currentChanged.connect(self._show)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(GAP)
        box.addWidget(self.bar)
        box.addWidget(self.stack, 1)
        self.setFocusProxy(worksheet)

    def tab(self, key: str) -> Any:
        """The tab of that key, made where it was not yet."""
        if key not in self._made:
            module, name = self._source[key]
            self._made[key] = getattr(import_module(module), name)(self._desk, self._choice)
            self._late.add(key)
            self.stack.addWidget(self._made[key])
        return self._made[key]

    def refresh(self, changes: Changes | None = None) -> None:
        self.bar.setVisible(self._desk.workspace is not None)
        if self._desk.workspace is None:
            self.bar.setCurrentIndex(0)
        current = self.keys[self.bar.currentIndex()]
        for key, tab in self._made.items():
            if key == current:
                tab.refresh(changes)
            else:
                self._late.add(key)

    def show_target(self, key: str, target: object = None) -> None:
        if key not in self.keys:
            return
        self.bar.setCurrentIndex(self.keys.index(key))
        if key != WORKSHEET and target is not None:
            self.tab(key).show_target(target)

    def _show(self, number: int) -> None:
        key = self.keys[number]
        if key == WORKSHEET:
            self.stack.setCurrentIndex(0)
            self.setFocusProxy(self.stack.currentWidget())
            return
        tab = self.tab(key)
        self.stack.setCurrentWidget(tab)
        self.setFocusProxy(tab)
        if key in self._late or self._shown_for.get(key) != self._choice():
            self._late.discard(key)
            self._shown_for[key] = self._choice()
            tab.refresh(None)
