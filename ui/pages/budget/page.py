"""The Budget page: the pack that scores, and the tabs: lines with the chain, point values, months against the budget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from ui.desk import Changes, Desk
from ui.dialogs import Empty
from ui.look import EDGE, GAP
from ui.tabs import PackField, Tabs, head_line, maker

# (key, module, class), in the order of the tabs; made when first shown, as the pages are.
TABS = (
    ("lines", "ui.pages.budget.lines", "LinesTab"),
    ("points", "ui.pages.budget.points", "PointsTab"),
    ("months", "ui.pages.budget.months", "MonthsTab"),
)
KEYS = tuple(key for key, _, _ in TABS)


@dataclass(frozen=True, slots=True)
class Ground:
    """What all tabs stand on. generation: another one after every change. pack: id, "" where none fits."""

    generation: str
    year: int
    fund: str
    set_name: str
    pack: str
    packs: Mapping[str, Mapping[str, str]]


def _ground(workspace: Any, year: int, fund: str, set_name: str, pack: str) -> Ground:
    from core.settlement import own_packs
    from core.settlement.usual_pack import usual

    found = {head.id: head.title for head in own_packs.available(workspace) if not head.abstract}
    chosen = pack if pack in found else usual(workspace, year)
    return Ground(workspace.generation(), year, fund, set_name, chosen, found)


class BudgetPage(QWidget):
    """Year, fund and set are the desk's; the pack is chosen here, because only a pack scores cases."""

    key = "budget"

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk, self.texts = desk, desk.texts
        self.ground: Ground | None = None
        self._pack = ""  # what the user chose
        self._build()

    def _build(self) -> None:
        texts = self.texts
        titles = {key: texts(f"budget.page.tab.{key}") for key in KEYS}
        self.tabs = Tabs(texts("budget.page.tabs"), titles, maker(TABS, self.desk))
        self.tabs.shown.connect(self._shown)
        self.stack = self.tabs.stack
        self.why = QPushButton(texts("budget.page.moved"))
        self.why.setToolTip(texts("budget.page.moved_tip"))
        self.why.clicked.connect(lambda: self.desk.go("institutions", ("why", "", self.desk.fund)))
        self.pack_field = PackField(texts("budget.page.pack"), texts("budget.page.pack_tip"))
        self.pack_field.setPlaceholderText(texts("budget.page.pack_none"))
        self.pack_field.activated.connect(lambda _: self._pack_chosen())
        self.head = head_line(self.tabs, self.why, self.pack_field.caption, self.pack_field)
        self.empty = Empty(self.desk, "budget")
        self.empty.pressed.connect(self._cure)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(EDGE, GAP, EDGE, GAP)
        layout.setSpacing(GAP)
        layout.addWidget(self.empty)
        layout.addWidget(self.head)
        layout.addWidget(self.stack, 1)
        self.setFocusProxy(self.tabs)

    # -- what the window asks ----------------------------------------------------------------------------------------------

    def refresh(self, changes: Changes | None = None) -> None:
        texts, year = self.texts, self.desk.year
        missing = (
            ("pages.no_workspace", "pages.to_start") if self.desk.contents is None
            else ("budget.page.nothing", "budget.page.to_import") if year is None
            else None
        )  # fmt: skip
        self.empty.setVisible(missing is not None)
        self.head.setVisible(missing is None)
        self.stack.setVisible(missing is None)
        if changes is not None:
            for tab in self.tabs.made.values():
                tab.settled(changes)
            if changes.display and not (changes.workspace or changes.tables or changes.choices):
                return
        if missing is not None or year is None:
            self.ground = None
            if missing is not None:
                self.empty.say(texts("pages.budget.title"), texts("pages.budget.holds"), texts(missing[0]), texts(missing[1]))
            return
        fund, set_name, pack = self.desk.fund, self.desk.set_name, self._pack
        self.desk.ask(
            lambda workspace, _: _ground(workspace, year, fund, set_name, pack), self._have, place="budget.ground",
            title=texts("budget.page.reading"),
        )  # fmt: skip

    def show_target(self, target: object) -> None:
        """The key of a tab."""
        if target in KEYS:
            self.tabs.choose(str(target))

    def tab(self, key: str) -> Any:
        return self.tabs.tab(key)

    def _have(self, ground: Ground) -> None:
        self.ground = ground
        self.pack_field.put(ground.packs, ground.pack, self.texts)
        self.tabs.show_current()

    def _pack_chosen(self) -> None:
        self._pack = self.pack_field.chosen()
        self.refresh()

    def _shown(self, key: str) -> None:
        tab = self.tabs.made[key]
        self.setFocusProxy(tab)
        if self.ground is not None:
            tab.show_ground(self.ground)

    def _cure(self) -> None:
        if self.desk.contents is None:
            self.desk.go("start")
        else:
            self.desk.go("data", ("kind", "budget"))
