"""The tabs of the Clearing page: the year's worksheet, and what else of a clearing is there.

A tab is a class with `refresh(changes)` and `show_target(target)`, made when first shown from (desk, choice); `choice()` is
the pack and catalogue version chosen on the worksheet. One that is not looked at is refreshed when it is shown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PySide6.QtWidgets import QVBoxLayout, QWidget

from ui.desk import Changes, Desk
from ui.look import GAP
from ui.tabs import FreshTabs, maker

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


class Worksheet(QWidget):
    """The year's worksheet, which the page itself keeps fresh."""

    def refresh(self, changes: Changes | None = None) -> None:
        return


class Tabs(QWidget):
    def __init__(self, desk: Desk, worksheet: Worksheet, choice: Callable[[], Choice]) -> None:
        super().__init__()
        self._desk, self._choice = desk, choice
        make = maker(TABS, desk, choice)
        titles = {key: desk.texts(f"clearing.tab.{key}") for key in (WORKSHEET, *(key for key, _, _ in TABS))}
        self.bar = FreshTabs(
            desk.texts("clearing.tabs"), titles, lambda key: worksheet if key == WORKSHEET else make(key)
        )
        self._shown_for: dict[str, Choice] = {}
        self.bar.tab(WORKSHEET)
        self.bar.shown.connect(self._shown)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(GAP)
        box.addWidget(self.bar)
        box.addWidget(self.bar.stack, 1)
        self.setFocusProxy(worksheet)

    @property
    def key(self) -> str:
        """Of the tab in view."""
        return self.bar.key

    def tab(self, key: str) -> Any:
        """The tab of that key, made where it was not yet."""
        return self.bar.tab(key)

    def refresh(self, changes: Changes | None = None) -> None:
        self.bar.setVisible(self._desk.workspace is not None)
        if self._desk.workspace is None:
            self.bar.choose(WORKSHEET)
        self.bar.refresh(changes)

    def show_target(self, key: str, target: object = None) -> None:
        if key not in self.bar.keys:
            return
        tab = self.bar.open(key)
        if key != WORKSHEET and target is not None:
            tab.show_target(target)

    def _shown(self, key: str) -> None:
        tab, choice = self.bar.made[key], self._choice()
        self.setFocusProxy(tab)
        if self._shown_for.setdefault(key, choice) != choice:
            self._shown_for[key] = choice
            tab.refresh(None)
