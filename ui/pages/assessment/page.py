"""The Assessment page: score sheets, what a score does to money, sharing; the pack and the name at work hold for all three."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from ui.desk import Changes, Desk
from ui.dialogs import DoOrCancel, Empty
from ui.look import EDGE, GAP
from ui.pages.assessment.cleared import Clearings
from ui.tabs import FreshTabs, PackField, head_line, maker

if TYPE_CHECKING:
    from core.rules.packs import PackHead

TABS = (
    ("scoring", "ui.pages.assessment.scoring", "ScoringTab"),
    ("effect", "ui.pages.assessment.effect", "EffectTab"),
    ("sharing", "ui.pages.assessment.sharing", "SharingTab"),
)
KEYS = tuple(key for key, _, _ in TABS)


@dataclass(frozen=True)
class Ground:
    packs: tuple[PackHead, ...]
    usual: str
    who: str


def _ground(workspace: Any, year: int | None) -> Ground:
    from core.settlement import own_packs
    from core.settlement.usual_pack import usual
    from core.storage.ledger import who

    heads = tuple(head for head in own_packs.available(workspace) if not head.abstract)
    return Ground(heads, usual(workspace, year) if year is not None else "", who())


class AssessmentPage(QWidget):
    key = "assessment"

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk, self.texts = desk, desk.texts
        self._pack = ""  # what the user chose
        self._target: tuple[str, object] | None = None
        self.ground: Ground | None = None
        texts = self.texts
        titles = {key: texts(f"assessment.page.tab.{key}") for key in KEYS}
        self.tabs = FreshTabs(texts("assessment.page.tabs"), titles, self._make)
        self.tabs.shown.connect(self._shown)
        self.stack = self.tabs.stack
        self.pack_field = PackField(texts("assessment.page.pack"), texts("assessment.page.pack_tip"), 20)
        self.pack_field.activated.connect(lambda _: self._pack_chosen())
        self.who = QPushButton()
        self.who.setToolTip(texts("assessment.page.who_tip"))
        self.who.clicked.connect(self.ask_name)
        self.head = head_line(self.tabs, self.pack_field.caption, self.pack_field, self.who)
        self.clearings = Clearings(desk, self.pack_field.chosen)
        self.empty = Empty(desk, self.key)
        self.empty.pressed.connect(self._cure)
        box = QVBoxLayout(self)
        box.setContentsMargins(EDGE, GAP, EDGE, GAP)
        box.setSpacing(GAP)
        box.addWidget(self.empty)
        box.addWidget(self.head)
        box.addWidget(self.stack, 1)
        self.setFocusProxy(self.tabs)

    def refresh(self, changes: Changes | None = None) -> None:
        texts, contents = self.texts, self.desk.contents
        ready = contents is not None and bool(contents.counts.get("institution")) and self.desk.year is not None
        self.empty.setVisible(not ready)
        self.head.setVisible(ready)
        self.stack.setVisible(ready)
        self.clearings.settled(changes)
        if not ready:
            key = ("pages.no_workspace", "pages.to_start") if contents is None else ("assessment.page.lacks", "pages.to_data")
            self.empty.say(texts("pages.assessment.title"), texts("pages.assessment.holds"), texts(key[0]), texts(key[1]))
            return
        if changes is not None and changes.workspace:
            self._pack = ""
        if changes is not None and changes.display and not (changes.workspace or changes.tables or changes.choices):
            return
        year = self.desk.year
        self.desk.ask(
            lambda workspace, _: _ground(workspace, year), lambda found: self._have(found, changes), place="assessment.ground"
        )

    def show_target(self, target: object) -> None:
        """A tab's key, or (key, what the tab understands)."""
        key, more = (target[0], target[1]) if isinstance(target, tuple) and len(target) == 2 else (target, None)
        if key in KEYS:
            self._target = (str(key), more)
            self.tabs.open(str(key))

    def _cure(self) -> None:
        if self.desk.contents is None:
            self.desk.go("start")
        else:
            self.desk.go("data", ("kind", "institutions"))

    def _have(self, ground: Ground, changes: Changes | None) -> None:
        first, self.ground = self.ground is None, ground
        known = {head.id for head in ground.packs}
        chosen = self._pack if self._pack in known else ground.usual or next(iter(sorted(known)), "")
        self.pack_field.put({head.id: head.title for head in ground.packs}, chosen, self.texts)
        self.who.setText(self.texts("assessment.page.who", name=ground.who or "—"))
        self.tabs.refresh(None if first else changes)

    def _make(self, key: str) -> QWidget:
        tab: Any = maker(TABS, self.desk, self.clearings)(key)
        if key == "effect":
            tab.tiers_wanted.connect(lambda table: self.show_target(("sharing", table)))
        elif key == "sharing":
            tab.pack_made.connect(self._take_pack)
        return tab

    def _shown(self, key: str) -> None:
        self.pack_field.caption.setVisible(key != "scoring")
        self.pack_field.setVisible(key != "scoring")
        self.setFocusProxy(self.tabs.made[key])
        self._aim()

    def _aim(self) -> None:
        if self.ground is not None and self._target is not None and self._target[0] in self.tabs.made:
            (key, more), self._target = self._target, None
            if more is not None:
                self.tabs.made[key].show_target(more)

    def _pack_chosen(self) -> None:
        self._pack = self.pack_field.chosen()
        self.tabs.refresh(None)

    def _take_pack(self, id: str) -> None:
        self._pack = id
        self.refresh()

    # -- the name at work ----------------------------------------------------------------------------------------------

    def ask_name(self) -> None:
        """Under which name the ledger's lines are written: maker and checker are two."""
        texts = self.texts
        dialog = QDialog(self.window())
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setWindowTitle(texts("assessment.page.who_title"))
        about = QLabel(texts("assessment.page.who_tip"), wordWrap=True)
        field = QLineEdit(self.ground.who if self.ground is not None else "")
        field.setAccessibleName(texts("assessment.page.who_title"))
        field.setMinimumWidth(380)
        field.selectAll()
        buttons = DoOrCancel(dialog, texts, texts("assessment.page.who_do"))
        box = QVBoxLayout(dialog)
        box.setContentsMargins(EDGE, EDGE, EDGE, EDGE)
        box.setSpacing(GAP)
        for widget in (about, field, buttons):
            box.addWidget(widget)
        dialog.accepted.connect(lambda: self.take_name(field.text()))
        dialog.open()

    def take_name(self, name: str) -> None:
        """"" is the system's own name again."""
        self.desk.settings.user = name.strip()
        self.desk.save()
        self.refresh()
