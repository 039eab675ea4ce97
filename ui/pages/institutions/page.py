"""The Institutions page: the pack that scores, and the tabs: league, one institution, why.

A tab is a QWidget made with the desk when it is first shown. It has
    show_ground(ground)       called when it is shown, when anything it may stand on changed, and with an equal ground when
                              nothing did (`ui.pages.institutions.ground.Ground`)
    settled(changes)          every change, also while another tab shows (`ui.desk.Changes`)
and may have
    choose(code, fund)        which institution and fund it is to show; "" leaves what is shown. Before `show_ground`
    wanted                    Signal(str, str, str): another tab by its key, for an institution and a fund
"""

from __future__ import annotations

from typing import Any

from PySide6.QtWidgets import QVBoxLayout, QWidget

from ui.desk import Changes, Desk
from ui.dialogs import Empty
from ui.look import EDGE, GAP
from ui.pages.institutions.ground import Ground, read
from ui.tabs import PackField, Tabs, head_line, maker

# (key, module, class), in the order of the tabs; made when first shown, as the pages are.
TABS = (
    ("league", "ui.pages.institutions.league", "LeagueTab"),
    ("institution", "ui.pages.institutions.institution", "InstitutionTab"),
    ("why", "ui.pages.institutions.why", "WhyTab"),
)
KEYS = tuple(key for key, _, _ in TABS)


class InstitutionsPage(QWidget):
    """Year and coefficient set are the desk's; the pack is chosen here, because only a pack scores cases."""

    key = "institutions"

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk, self.texts = desk, desk.texts
        self.ground: Ground | None = None
        self._pack = ""  # what the user chose
        self._build()

    def _build(self) -> None:
        texts = self.texts
        titles = {key: texts(f"institutions.tab.{key}") for key in KEYS}
        self.tabs = Tabs(texts("institutions.tabs"), titles, self._make)
        self.tabs.shown.connect(self._shown)
        self.stack = self.tabs.stack
        self.pack_field = PackField(texts("institutions.pack"), texts("institutions.pack_tip"))
        self.pack_field.setPlaceholderText(texts("institutions.pack_none"))
        self.pack_field.activated.connect(lambda _: self._pack_chosen())
        self.head = head_line(self.tabs, self.pack_field.caption, self.pack_field)
        self.empty = Empty(self.desk, "institutions")
        self.empty.pressed.connect(self._cure)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(EDGE, GAP, EDGE, GAP)
        layout.setSpacing(GAP)
        layout.addWidget(self.empty)
        layout.addWidget(self.head)
        layout.addWidget(self.stack, 1)
        self.setFocusProxy(self.tabs)

    # -- what the window asks --------------------------------------------------------------------------------------

    def refresh(self, changes: Changes | None = None) -> None:
        texts, contents = self.texts, self.desk.contents
        missing = (
            ("pages.no_workspace", "pages.to_start") if contents is None
            else ("institutions.no_institutions", "institutions.to_institutions") if not contents.counts.get("institution")
            else ("institutions.no_cases", "institutions.to_cases") if not contents.cases or self.desk.year is None
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
        if missing is not None:
            self.ground = None
            self.empty.say(
                texts("pages.institutions.title"), texts("pages.institutions.holds"), texts(missing[0]), texts(missing[1])
            )
            return
        year, set_name, pack = self.desk.year, self.desk.set_name, self._pack
        self.desk.ask(
            lambda workspace, _: read(workspace, year, set_name, pack), self._have, place="institutions.ground",
            title=texts("institutions.reading"),
        )  # fmt: skip

    def show_target(self, target: object) -> None:
        """The key of a tab, ("institution", code), ("why", code, fund): code "" is the region; or ("cases", code, indicator,
        fund, year): the cases behind that figure."""
        if isinstance(target, tuple) and len(target) == 5 and target[0] == "cases":
            self.tabs.tab("institution").show_cases(str(target[1]), str(target[2]), str(target[3]), int(target[4]))
            self.open_tab("institution")
            return
        if isinstance(target, tuple) and target and target[0] in KEYS:
            self.open_tab(str(target[0]), *(str(one) for one in target[1:3]))
        elif target in KEYS:
            self.open_tab(str(target))

    def open_tab(self, key: str, code: str = "", fund: str = "") -> None:
        tab = self.tabs.tab(key)
        if hasattr(tab, "choose"):
            tab.choose(code, fund)
        self.tabs.open(key)

    def _have(self, ground: Ground) -> None:
        self.ground = ground
        self.pack_field.put(ground.packs, ground.pack, self.texts)
        self.tabs.show_current()

    def _pack_chosen(self) -> None:
        self._pack = self.pack_field.chosen()
        self.refresh()

    def _make(self, key: str) -> QWidget:
        tab: Any = maker(TABS, self.desk)(key)
        if hasattr(tab, "wanted"):
            tab.wanted.connect(self.open_tab)
        return tab

    def _shown(self, key: str) -> None:
        tab = self.tabs.made[key]
        self.setFocusProxy(tab)
        if self.ground is not None:
            tab.show_ground(self.ground)

    def _cure(self) -> None:
        contents = self.desk.contents
        if contents is None:
            self.desk.go("start")
        else:
            self.desk.go("data", ("kind", "cases" if contents.counts.get("institution") else "institutions"))
