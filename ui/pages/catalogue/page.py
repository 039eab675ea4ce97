"""The Catalogue page: the browser, versions side by side, own against official grouping, scores from history."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget

from ui.desk import Changes, Desk
from ui.dialogs import Empty
from ui.look import EDGE, GAP
from ui.tabs import FreshTabs, maker

# (key, module, class), in the order of the tabs; made when first shown, as the pages are.
TABS = (
    ("browse", "ui.pages.catalogue.browser", "BrowseTab"),
    ("versions", "ui.pages.catalogue.versions", "VersionsTab"),
    ("agreement", "ui.pages.catalogue.agreement", "AgreementTab"),
    ("scores", "ui.pages.catalogue.scores", "ScoresTab"),
)
KEYS = tuple(key for key, _, _ in TABS)


class CataloguePage(QWidget):
    """Tabs over one workspace; a hidden one goes stale and refreshes when it is shown."""

    key = "catalogue"

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk, self._texts = desk, desk.texts
        texts = desk.texts
        layout = QVBoxLayout(self)
        layout.setContentsMargins(EDGE, GAP, EDGE, GAP)
        layout.setSpacing(GAP)
        self.empty = Empty(desk, "catalogue")
        self.empty.pressed.connect(self._cure)
        layout.addWidget(self.empty)
        titles = {key: texts(f"catalogue.tab.{key}") for key in KEYS}
        self.tabs = FreshTabs(texts("catalogue.tabs"), titles, maker(TABS, desk))
        self.tabs.shown.connect(lambda key: self.setFocusProxy(self.tabs.made[key]))
        self.stack = self.tabs.stack
        layout.addWidget(self.tabs)
        layout.addWidget(self.stack, 1)

    def refresh(self, changes: Changes | None = None) -> None:
        texts, contents = self._texts, self._desk.contents
        there = contents is not None and bool(contents.catalogues)
        self.empty.setVisible(not there)
        self.tabs.setVisible(there)
        self.stack.setVisible(there)
        self.tabs.late(changes)
        if there:
            self.tabs.show_current()
        elif contents is None:
            self.empty.say(
                texts("pages.catalogue.title"), texts("catalogue.holds"), texts("pages.no_workspace"),
                texts("pages.to_start"),
            )  # fmt: skip
        else:
            self.empty.say(
                texts("pages.catalogue.title"), texts("catalogue.holds"), texts("catalogue.no_version"),
                texts("catalogue.to_import"),
            )  # fmt: skip

    def show_target(self, target: object) -> None:
        """("group", version, dip_code) or ("group", dip_code): that group's page; the key of a tab; (key, its target)."""
        key, given = (target[0], target) if isinstance(target, tuple) and target else (target, None)
        if key == "group":
            self._to_tab("browse", given)
        elif key in KEYS:
            self._to_tab(str(key), given)

    def _to_tab(self, key: str, target: object) -> None:
        if not self.stack.isVisibleTo(self):
            return
        tab = self.tabs.open(key)
        if target is not None and hasattr(tab, "show_target"):
            tab.show_target(target)

    def _cure(self) -> None:
        if self._desk.workspace is None:
            self._desk.go("start")
        else:
            self._desk.go("data", ("kind", "catalogue"))
