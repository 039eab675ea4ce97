"""Every action once: its name, menu, keys and icon. The words are `actions.ID.text` and `actions.ID.tip`.

Who does it is said elsewhere: the window for the program's own, a page for those that name it (`page`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction, QActionGroup, QKeySequence

from core.texts import Texts
from ui.look import Look

MENUS = ("file", "edit", "work", "view", "help")


@dataclass(frozen=True, slots=True)
class Action:
    """keys: the first is shown. needs: workspace, write (not read-only), plain or protected (can be written, and has no
    passphrase or one). page: the page that does it.

    group: only one of a group is ticked. A line is drawn above where `rule`.
    """

    id: str
    menu: str
    keys: tuple[str, ...] = ()
    icon: str = ""
    needs: str = ""
    page: str = ""
    group: str = ""
    checkable: bool = False
    rule: bool = False


ACTIONS = (
    Action("workspace.new", "file", ("Ctrl+N",), "new"),
    Action("workspace.open", "file", ("Ctrl+O",), "open"),
    Action("workspace.demo", "file", ("Ctrl+Shift+D",), "demo"),
    Action("workspace.close", "file", ("Ctrl+W",), "close", needs="workspace"),
    Action("protect.protect", "file", (), "lock", needs="plain", rule=True),
    Action("protect.change", "file", (), needs="protected"),
    Action("protect.remove", "file", (), needs="protected"),
    Action("lock.now", "file", ("Ctrl+L",), needs="workspace", rule=True),
    *(Action(f"idle.{minutes}", "file", group="idle") for minutes in (0, 5, 15, 30)),
    Action("app.quit", "file", ("Ctrl+Q",), rule=True),
    Action("ledger.undo", "edit", ("Ctrl+Z",), "undo", needs="write"),
    Action("ledger.redo", "edit", ("Ctrl+Y", "Ctrl+Shift+Z"), "redo", needs="write"),
    Action("finder.open", "edit", ("Ctrl+K",), "search", rule=True),
    Action("data.import", "work", ("Ctrl+I",), "data", needs="write", page="data"),
    Action("clearing.run", "work", ("Ctrl+R",), "run", needs="workspace", page="clearing"),
    Action("clearing.export", "work", ("Ctrl+E",), "export", needs="workspace", page="clearing"),
    Action("packs.calculate", "work", ("Ctrl+T",), "packs", needs="workspace", page="packs"),
    Action("ledger.verify", "work", (), "verify", needs="workspace", page="ledger", rule=True),
    Action("tab.next", "view", ("Ctrl+PgDown", "Ctrl+Tab")),
    Action("tab.previous", "view", ("Ctrl+PgUp", "Ctrl+Shift+Tab")),
    Action("rail.toggle", "view", ("Ctrl+B",), checkable=True, rule=True),
    Action("amounts.wan", "view", ("Ctrl+U",), checkable=True),
    Action("page.refresh", "view", ("F5",), "refresh"),
    Action("theme.system", "view", group="theme", rule=True),
    Action("theme.light", "view", group="theme"),
    Action("theme.dark", "view", group="theme"),
    Action("language.zh", "view", group="language", rule=True),
    Action("language.en", "view", group="language"),
    Action("help.manual", "help", ("F1",), "info"),
    Action("help.log", "help"),
    Action("help.about", "help", rule=True),
)
BY_ID: Mapping[str, Action] = {action.id: action for action in ACTIONS}


class Actions(QObject):
    """The declared actions as Qt's, in one language; `triggered` names the one that was chosen."""

    triggered = Signal(str)

    def __init__(self, texts: Texts, look: Look, parent: QObject) -> None:
        super().__init__(parent)
        self._by_id: dict[str, QAction] = {}
        self._look = look
        groups: dict[str, QActionGroup] = {}
        for declared in ACTIONS:
            action = QAction(texts(f"actions.{declared.id}.text"), self)
            action.setObjectName(declared.id)
            tip = texts(f"actions.{declared.id}.tip")
            action.setStatusTip(tip)
            action.setToolTip(
                f"{tip} ({QKeySequence(declared.keys[0]).toString(QKeySequence.SequenceFormat.NativeText)})"
                if declared.keys
                else tip
            )
            action.setShortcuts([QKeySequence(key) for key in declared.keys])
            action.setCheckable(declared.checkable or bool(declared.group))
            if declared.group:
                if declared.group not in groups:
                    groups[declared.group] = QActionGroup(self)
                groups[declared.group].addAction(action)
            action.triggered.connect(lambda _checked=False, key=declared.id: self.triggered.emit(key))
            self._by_id[declared.id] = action
        self.tint()
        look.changed.connect(self.tint)

    def tint(self) -> None:
        for declared in ACTIONS:
            if declared.icon:
                self._by_id[declared.id].setIcon(self._look.icon(declared.icon))

    def __getitem__(self, key: str) -> QAction:
        return self._by_id[key]

    def allow(self, *, workspace: bool, write: bool, locked: bool) -> None:
        """Grey out what the workspace in hand does not allow. locked: it has a passphrase."""
        can = {"workspace": workspace, "write": write}
        can |= {"plain": write and not locked, "protected": write and locked}
        for declared in ACTIONS:
            allowed = can.get(declared.needs, True)
            self._by_id[declared.id].setEnabled(allowed)
