"""The Assessment page: score sheets, what a score does to money, sharing; the pack and the name at work hold for all three."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QStackedWidget,
    QTabBar,
    QVBoxLayout,
    QWidget,
)

from ui.desk import Changes, Desk
from ui.dialogs import Empty
from ui.look import EDGE, GAP, set_role
from ui.pages.assessment.cleared import Clearings

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
        self._late: set[str] = set()
        self._made: dict[str, Any] = {}
        self.ground: Ground | None = None
        texts = self.texts
        self.tabs = QTabBar()
        self.tabs.setDrawBase(False)
        self.tabs.setExpanding(False)
        self.tabs.setAccessibleName(texts("assessment.page.tabs"))
        for key in KEYS:
            self.tabs.addTab(texts(f"assessment.page.tab.{key}"))
        self.tabs.currentChanged.connect(lambda _: self._show())
        self.pack_field = QComboBox()
        self.pack_field.setAccessibleName(texts("assessment.page.pack"))
        self.pack_field.setToolTip(texts("assessment.page.pack_tip"))
        self.pack_field.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.pack_field.setMinimumContentsLength(20)
        self.pack_field.activated.connect(lambda _: self._pack_chosen())
        self.caption = QLabel(texts("assessment.page.pack"))
        set_role(self.caption, "muted")
        self.who = QPushButton()
        self.who.setToolTip(texts("assessment.page.who_tip"))
        self.who.clicked.connect(self.ask_name)
        self.head = QWidget()
        line = QHBoxLayout(self.head)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(GAP)
        line.addWidget(self.tabs)
        line.addStretch(1)
        for widget in (self.caption, self.pack_field, self.who):
            line.addWidget(widget)
        self.clearings = Clearings(desk, lambda: str(self.pack_field.currentData() or ""))
        self.stack = QStackedWidget()
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
            self.tabs.setCurrentIndex(KEYS.index(str(key)))
            self._aim()

    def _cure(self) -> None:
        if self.desk.contents is None:
            self.desk.go("start")
        else:
            self.desk.go("data", ("kind", "institutions"))

    def _have(self, ground: Ground, changes: Changes | None) -> None:
        self.ground = ground
        known = {head.id for head in ground.packs}
        chosen = self._pack if self._pack in known else ground.usual or next(iter(sorted(known)), "")
        self.pack_field.clear()
        for head in ground.packs:
            self.pack_field.addItem(head.title[self.texts.lang], head.id)
        self.pack_field.setCurrentIndex(self.pack_field.findData(chosen))
        self.who.setText(self.texts("assessment.page.who", name=ground.who or "—"))
        current = KEYS[self.tabs.currentIndex()]
        for key, tab in self._made.items():
            if key == current:
                tab.refresh(changes)
            else:
                self._late.add(key)
        if current not in self._made:
            self._show()

    def _show(self) -> None:
        key, module, name = TABS[self.tabs.currentIndex()]
        if self.ground is None:
            return
        self.caption.setVisible(key != "scoring")
        self.pack_field.setVisible(key != "scoring")
        if key not in self._made:
            tab = self._made[key] = getattr(import_module(module), name)(self.desk, self.clearings)
            if key == "effect":
                tab.tiers_wanted.connect(lambda table: self.show_target(("sharing", table)))
            elif key == "sharing":
                tab.pack_made.connect(self._take_pack)
            self.stack.addWidget(tab)
            self._late.add(key)
        tab = self._made[key]
        self.stack.setCurrentWidget(tab)
        self.setFocusProxy(tab)
        if key in self._late:
            self._late.discard(key)
            tab.refresh(None)
        self._aim()

    def _aim(self) -> None:
        if self._target is not None and self._target[0] in self._made:
            (key, more), self._target = self._target, None
            if more is not None:
                self._made[key].show_target(more)

    def _pack_chosen(self) -> None:
        self._pack = str(self.pack_field.currentData() or "")
        for key, tab in self._made.items():
            if key == KEYS[self.tabs.currentIndex()]:
                tab.refresh(None)
            else:
                self._late.add(key)

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
        buttons = QDialogButtonBox()
        do = buttons.addButton(texts("assessment.page.who_do"), QDialogButtonBox.ButtonRole.AcceptRole)
        do.setProperty("primary", True)
        buttons.addButton(texts("ui.cancel"), QDialogButtonBox.ButtonRole.RejectRole)
        buttons.accepted.connect(dialog.accept)
        buttons.rejected.connect(dialog.reject)
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
