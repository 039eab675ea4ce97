"""The tabs of a page: a row of names over a stack, each tab made when it is first shown, as the pages are; and the field
for the pack that stands beside them where a page scores cases.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QStackedWidget, QTabBar, QWidget

from core.texts import Texts
from ui.desk import Changes
from ui.look import GAP, set_role

ROOMY = 100  # of the room that is left, so much more than the gap


class TabRow(QTabBar):
    """name: for screen readers. titles: by key, in their order."""

    def __init__(self, name: str, titles: Mapping[str, str]) -> None:
        super().__init__()
        self.keys = tuple(titles)
        self.setDrawBase(False)
        self.setExpanding(False)
        self.setAccessibleName(name)
        for title in titles.values():
            self.addTab(title)

    @property
    def key(self) -> str:
        """Of the tab that is chosen."""
        return self.keys[self.currentIndex()]

    def choose(self, key: str) -> None:
        self.setCurrentIndex(self.keys.index(key))

    def turn(self, step: int) -> None:
        """So many tabs on; after the last comes the first."""
        self.setCurrentIndex((self.currentIndex() + step) % self.count())


class Tabs(TabRow):
    """The row; beneath it `stack`. make(key): the tab's widget, when it is first shown."""

    shown = Signal(str)  # its key, whenever it comes into view or is asked for again

    def __init__(self, name: str, titles: Mapping[str, str], make: Callable[[str], QWidget]) -> None:
        super().__init__(name, titles)
        self._make = make
        self.made: dict[str, Any] = {}
        self.stack = QStackedWidget()
        self.currentChanged.connect(lambda _: self.show_current())

    def tab(self, key: str) -> Any:
        """Made where it was not yet."""
        if key not in self.made:
            self.made[key] = self._make(key)
            self.stack.addWidget(self.made[key])
        return self.made[key]

    def open(self, key: str) -> Any:
        """Bring it into view."""
        if key != self.key:
            self.choose(key)
        else:
            self.show_current()
        return self.made[key]

    def show_current(self) -> None:
        self.stack.setCurrentWidget(self.tab(self.key))
        self.shown.emit(self.key)


class FreshTabs(Tabs):
    """Tabs with `refresh(changes)`: the one in view hears of a change at once, the others when they are shown; with None,
    read all anew, one that was just made.
    """

    def __init__(self, name: str, titles: Mapping[str, str], make: Callable[[str], QWidget]) -> None:
        super().__init__(name, titles, make)
        self._late: dict[str, Changes | None] = {}

    def tab(self, key: str) -> Any:
        if key not in self.made:
            self._late[key] = None
        return super().tab(key)

    def refresh(self, changes: Changes | None = None) -> None:
        self.late(changes)
        self.show_current()

    def late(self, changes: Changes | None = None) -> None:
        """Heard of when they are shown."""
        for key in self.made:
            before = self._late.get(key, Changes())
            self._late[key] = None if changes is None or before is None else before | changes

    def show_current(self) -> None:
        tab = self.tab(self.key)
        self.stack.setCurrentWidget(tab)
        if self.key in self._late:
            tab.refresh(self._late.pop(self.key))
        self.shown.emit(self.key)


def maker(places: Sequence[tuple[str, str, str]], *given: object) -> Callable[[str], QWidget]:
    """Makes a tab of its (key, module, class), which is imported then."""
    by_key = {key: (module, name) for key, module, name in places}

    def make(key: str) -> QWidget:
        module, name = by_key[key]
        return getattr(import_module(module), name)(*given)

    return make


class Choice(QComboBox):
    """Never less than so many letters; in a `head_line`, as wide as its longest item where nothing else needs the room."""

    def __init__(self, name: str, tip: str, letters: int) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setToolTip(tip)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(letters)
        self.model().rowsInserted.connect(self._bound)

    def _bound(self) -> None:
        metrics = self.fontMetrics()
        items = max((metrics.horizontalAdvance(self.itemText(n)) for n in range(self.count())), default=0)
        shown = self.minimumContentsLength() * metrics.horizontalAdvance("X")
        self.setMaximumWidth(self.sizeHint().width() + max(0, items - shown))

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._bound()  # in the style that it has now


class PackField(Choice):
    """Which pack scores the cases of a page. `caption` stands before it."""

    def __init__(self, name: str, tip: str, letters: int = 18) -> None:
        super().__init__(name, tip, letters)
        self.caption = QLabel(name)
        set_role(self.caption, "muted")

    def put(self, packs: Mapping[str, Mapping[str, str]], chosen: str, texts: Texts) -> None:
        """packs: titles by id. Nobody hears of it."""
        self.blockSignals(True)
        self.clear()
        for id, title in packs.items():
            self.addItem(title[texts.lang], id)
        self.setCurrentIndex(self.findData(chosen))
        self.blockSignals(False)

    def chosen(self) -> str:
        return str(self.currentData() or "")


def head_line(tabs: TabRow, *beside: QWidget) -> QWidget:
    """The row of tabs to the left, what holds for all of them to the right."""
    head = QWidget()
    line = QHBoxLayout(head)
    line.setContentsMargins(0, 0, 0, 0)
    line.setSpacing(GAP)
    line.addWidget(tabs)
    line.addStretch(1)
    for widget in beside:
        line.addWidget(widget, ROOMY if isinstance(widget, Choice) else 0)
    return head
