"""The window: puts rail, top line, pages and status line together, and does the actions that belong to no page."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QByteArray, QEvent, QObject, QRectF, QSettings, Qt, QTimer, QUrl
from PySide6.QtGui import (
    QAction,
    QCloseEvent,
    QContextMenuEvent,
    QDesktopServices,
    QDragEnterEvent,
    QDropEvent,
    QKeySequence,
    QResizeEvent,
    QShortcut,
    QStatusTipEvent,
)
from PySide6.QtWidgets import (
    QApplication,
    QHBoxLayout,
    QMainWindow,
    QMessageBox,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)
from shiboken6 import isValid

from core import settings as kept
from core.faults import Cancelled, Refused
from ui import passphrases
from ui.actions import ACTIONS, BY_ID, MENUS, Actions
from ui.desk import Changes, Desk
from ui.dialogs import (
    SUFFIX,
    DemoDialog,
    ErrorBar,
    NewWorkspaceDialog,
    TextDialog,
    Waiting,
    ask_workspace,
    demo_path,
    detail,
    turn_back,
    words,
)
from ui.finder import Entry, Finder, Index
from ui.frame import NARROW_BELOW, Rail, StatusLine, TopLine
from ui.jobs import Job
from ui.locking import IdleLock
from ui.logbook import log, log_file, places
from ui.pages import KEYS, PAGES
from ui.tabs import TabRow, Tabs
from ui.unsaved import Leaving, LeavingDialog

if TYPE_CHECKING:
    from core.storage.ledger import LedgerLine
    from ui.manual import Manual

# A change says how far it is in a dialog only after this long: a short one must not flash.
PATIENCE_MS = 500
# Where a found thing is shown.
PAGE_OF = {"institution": "clearing", "group": "catalogue"}
WORKSPACE_FILES = (SUFFIX, ".db", ".sqlite")


class Window(QMainWindow):
    """See the module. Pages are made on their first visit; hidden ones go stale and refresh when shown."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self.key = KEYS[0]
        self._pages: dict[str, QWidget] = {}
        self._stale: dict[str, Changes] = {}
        self._left = self.key  # the page that was shown when the workspace was put away for a moment
        self._rail_forced: bool | None = None  # what the user chose; None: by the window's width
        self._waiting: Waiting | None = None
        self._bug_shown: TextDialog | None = None
        self._manual_shown: Manual | None = None
        self.lock = IdleLock(desk, self)
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.setInterval(PATIENCE_MS)
        self._patience.timeout.connect(self._show_waiting)
        self.setAcceptDrops(True)
        if sys.platform != "win32":  # which has it by itself
            QShortcut(QKeySequence("Shift+F10"), self, self._context_menu)
        self.setMinimumSize(860, 480)
        self._build()
        self._restore()
        desk.changed.connect(self._changed)
        desk.troubled.connect(self._troubled)
        desk.broken.connect(self._broken)
        desk.wanted.connect(self.show_page)
        desk.asked.connect(self.do)
        desk.unlock_asked.connect(lambda path: passphrases.unlock(desk, path, self))
        desk.retranslated.connect(self._rebuild)
        desk.leaving_asked.connect(self._ask_leaving)
        desk.stayed.connect(self._refresh_frame)
        desk.look.changed.connect(self._rethemed)
        desk.jobs.started.connect(self._job_started)
        desk.jobs.progressed.connect(self._job_progressed)
        desk.jobs.ended.connect(self._job_ended)

    # Putting together

    def _build(self) -> None:
        desk, texts = self.desk, self.desk.texts
        self.actions_ = Actions(texts, desk.look, self)
        self.actions_.triggered.connect(self.do)
        self._go_actions = self._page_actions()
        self._build_menus()
        self.rail = Rail(desk, KEYS, [_native(action) for action in self._go_actions])
        self.rail.chosen.connect(self.show_page)
        self.topline = TopLine(desk, self.actions_)
        self.errorbar = ErrorBar(desk)
        self.stack = QStackedWidget()
        self.status = StatusLine(desk)
        middle = QWidget()
        beside = QHBoxLayout(middle)
        beside.setContentsMargins(0, 0, 0, 0)
        beside.setSpacing(0)
        beside.addWidget(self.rail)
        beside.addWidget(self.stack, 1)
        central = QWidget()
        layout = QVBoxLayout(central)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        for widget in (self.topline, self.errorbar, middle, self.status):
            layout.addWidget(widget, 1 if widget is middle else 0)
        self.setCentralWidget(central)
        self.finder = Finder(desk, central)
        self.finder.chosen.connect(self._found)
        self._index_plain()
        self._refresh_frame()
        self.show_page(self.key)

    def _page_actions(self) -> list[QAction]:
        actions: list[QAction] = []
        for key, number in zip(KEYS, "1234567890-", strict=True):
            action = QAction(self.desk.texts(f"pages.{key}.title"), self)
            action.setShortcut(QKeySequence(f"Ctrl+{number}"))
            action.triggered.connect(lambda _checked=False, key=key: self.show_page(key))
            actions.append(action)
        return actions

    def _build_menus(self) -> None:
        bar = self.menuBar()
        bar.clear()
        for name in MENUS:
            menu = bar.addMenu(self.desk.texts(f"ui.menu.{name}"))
            if name == "view":
                menu.addActions(self._go_actions)
                menu.addSeparator()
            for declared in ACTIONS:
                if declared.menu == name:
                    if declared.rule:
                        menu.addSeparator()
                    menu.addAction(self.actions_[declared.id])

    def _rebuild(self) -> None:
        """In another language. The pages are made anew; what they showed is on the desk."""
        for page in self._pages.values():
            page.deleteLater()
        self._pages.clear()
        self._stale.clear()
        for action in self._go_actions:
            action.deleteLater()
        self.actions_.deleteLater()
        self._build()
        self._place_rail()
        self._index()

    def _rethemed(self) -> None:
        """Whatever a page painted in colours of the other theme is made anew."""
        self._changed(Changes(display=True))

    def _restore(self) -> None:
        memory = _memory()
        geometry = memory.value("geometry")
        if not (isinstance(geometry, QByteArray) and self.restoreGeometry(geometry)):
            screen = self.screen().availableGeometry()
            self.resize(min(1366, screen.width()), min(768, screen.height()) - 32)
        forced = memory.value("rail")
        self._rail_forced = {"narrow": True, "wide": False}.get(str(forced))
        self._place_rail()

    def after_first_paint(self) -> None:
        """What can wait until something is on screen."""
        self.page().setFocus()
        self._index()
        if not self.desk.look.chinese:
            self.desk.say(self.desk.texts("ui.no_chinese_font"))

    # Pages

    def show_page(self, key: str, target: object = None) -> None:
        page, before, focus = self._page(key), self.stack.currentWidget(), QApplication.focusWidget()
        self.key = key
        self.rail.mark(key)
        self.stack.setCurrentWidget(page)
        if focus is None or (before is not None and before is not page and before.isAncestorOf(focus)):
            page.setFocus()  # not wherever Qt finds something that takes keys: a choice would change unseen
        if key in self._stale:
            self._refresh(key, self._stale.pop(key))
        if target is not None and hasattr(page, "show_target"):
            page.show_target(target)
        self._mark_drafts()

    def _mark_drafts(self) -> None:
        """On the rail, the pages where something entered waits to be saved."""
        held = [one for one in self.desk.waiting() if isinstance(one, QWidget)]
        self.rail.hold(key for key, page in self._pages.items() if any(page.isAncestorOf(one) for one in held))

    def page(self) -> QWidget:
        """The page that is shown."""
        return self._pages[self.key]

    def _page(self, key: str) -> QWidget:
        if key not in self._pages:
            _, module, name = next(entry for entry in PAGES if entry[0] == key)
            page: Any = getattr(import_module(module), name)(self.desk)
            self._pages[key] = page
            self.stack.addWidget(page)
            self._refresh(key, None)
        return self._pages[key]

    def _refresh(self, key: str, changes: Changes | None) -> None:
        page: Any = self._pages[key]
        page.refresh(changes)

    def _changed(self, changes: Changes) -> None:
        self._refresh_frame()
        for key in self._pages:
            if key != self.key:
                self._stale[key] = self._stale.get(key, Changes()) | changes
        self._refresh(self.key, changes)
        self._mark_drafts()
        if changes.touches("institution", "catalogue", "batch"):
            self._index()
        if changes.workspace and self.desk.workspace is not None:
            self._welcome(self._left if changes.again else "")
        elif changes.workspace and self.desk.opening is not None:
            self._left = self.key

    def _welcome(self, page: str) -> None:
        """A workspace came to hand: say what its user must know. page: where they were, when it is the one from before."""
        workspace = self.desk.workspace
        assert workspace is not None
        self.errorbar.hide()
        if workspace.interrupted:
            what = workspace.interrupted[0]
            self.desk.say(
                self.desk.texts("ui.interrupted", subject=what["subject"], count=len(workspace.interrupted))
            )
        if page and page != self.key:
            self.show_page(page)
        elif self.key == KEYS[0] and not page:
            self.show_page("data" if not (self.desk.contents and self.desk.contents.cases) else "clearing")

    def _refresh_frame(self) -> None:
        desk = self.desk
        self.topline.refresh()
        has = desk.workspace is not None
        self.actions_.allow(
            workspace=has,
            write=has and not desk.workspace.read_only,  # type: ignore[union-attr]
            locked=has and desk.workspace.key is not None,  # type: ignore[union-attr]
        )
        idle = f"idle.{desk.settings.idle_minutes}"
        self.actions_[idle if idle in BY_ID else "idle.15"].setChecked(True)
        self.actions_["amounts.wan"].setChecked(desk.wan)
        self.actions_[f"theme.{desk.settings.theme}"].setChecked(True)
        self.actions_[f"language.{desk.texts.lang}"].setChecked(True)
        title = desk.texts("ui.title")
        name = (desk.workspace.name or desk.workspace.path.stem) if desk.workspace is not None else ""
        self.setWindowTitle(f"{name} — {title}" if name else title)

    # The finder

    def _own_entries(self) -> list[Entry]:
        texts = self.desk.texts
        pages = [
            Entry("page", key, texts(f"pages.{key}.title"), keys=_native(action))
            for key, action in zip(KEYS, self._go_actions, strict=True)
        ]
        actions = [
            Entry("action", declared.id, texts(f"actions.{declared.id}.text").rstrip("…"),
                  keys=_native(self.actions_[declared.id]))
            for declared in ACTIONS
            if declared.id != "finder.open"
        ]
        return pages + actions

    def _index_plain(self) -> None:
        self.finder.put(Index(self._own_entries()))

    def _index(self) -> None:
        own = self._own_entries()

        def work(workspace: Any, job: Job) -> Index:
            from core.storage.contents import names

            found = names(workspace.reader()) if workspace is not None else []
            named = [Entry(name.kind, name.code, name.name) for name in found]
            return Index(own + named).prepared()

        self.desk.ask(work, self.finder.put, place="window.finder", failed=lambda error: None)

    def _found(self, entry: Entry) -> None:
        if entry.kind == "page":
            self.show_page(entry.code)
        elif entry.kind == "action":
            self.do(entry.code)
        else:
            self.show_page(PAGE_OF[entry.kind], (entry.kind, entry.code))

    # Actions

    def do(self, key: str) -> None:
        """Do an action by its id, whoever asked: menu, keys or finder."""
        declared = BY_ID[key]
        if not self.actions_[key].isEnabled():
            self.desk.say(self.desk.texts("ui.not_now"))
            return
        if declared.page:
            self.show_page(declared.page)
            page: Any = self.page()
            handler = page.handlers().get(key) if hasattr(page, "handlers") else None
            if handler is None:
                self.desk.say(self.desk.texts("ui.not_now"))
            else:
                handler()
            return
        group, _, word = key.partition(".")
        if group == "theme":
            self.desk.wear(word)
        elif group == "language":
            self.desk.speak(word)
        elif group == "protect":
            passphrases.ask(self.desk, word, self)
        elif group == "idle":
            self.desk.settings.idle_minutes = int(word)
            self.desk.save()
        else:
            self._own()[key]()

    def _own(self) -> dict[str, Callable[[], object]]:
        return {
            "workspace.new": self.new,
            "workspace.open": self.open,
            "workspace.demo": self.demonstrate,
            "workspace.close": self.put_away,
            "lock.now": self.lock.lock,
            "app.quit": self.close,
            "ledger.undo": lambda: self.turn_back("undo"),
            "ledger.redo": lambda: self.turn_back("redo"),
            "finder.open": lambda: self.finder.pop(QApplication.focusWidget()),
            "tab.next": lambda: self._turn(1),
            "tab.previous": lambda: self._turn(-1),
            "rail.toggle": self._toggle_rail,
            "amounts.wan": lambda: self.desk.show_wan(not self.desk.wan),
            "page.refresh": self._read_again,
            "help.manual": self._manual,
            "help.log": self._show_log,
            "help.about": self._about,
        }

    def _read_again(self) -> None:
        """The page; where another program may have written meanwhile, all that is shown, and for writing if it may be now."""
        if self.desk.workspace is not None and self.desk.workspace.read_only:
            self.desk.read_again()
        else:
            self._refresh(self.key, None)

    def new(self) -> None:
        dialog = NewWorkspaceDialog(self.desk, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)

        def make() -> None:
            if dialog.protect.isChecked():
                passphrases.new(self.desk, dialog.path, dialog.region, dialog.name, self)
            else:
                self.desk.new(dialog.path, dialog.region, dialog.name)

        dialog.accepted.connect(make)
        dialog.open()

    def open(self) -> None:
        path = ask_workspace(self.desk, self)
        if path is not None:
            self.desk.open(path)

    def demonstrate(self) -> None:
        dialog = DemoDialog(self.desk, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.accepted.connect(lambda: self.desk.demonstrate(demo_path(dialog.scale), dialog.scale))
        dialog.open()

    def put_away(self) -> None:
        def away() -> None:
            self.desk.put_away()
            self.show_page(KEYS[0])

        self.desk.leaving(away)

    def _ask_leaving(self, leaving: Leaving) -> None:
        """Unsaved work is in the way of something: save, discard or stay."""
        dialog = LeavingDialog(self.desk, leaving, QApplication.activeModalWidget() or self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def turn_back(self, verb: str) -> None:
        """Undo or redo the newest line that can be, with a reason for the ledger."""
        name = f"{verb}able"

        def have(line: LedgerLine | None) -> None:
            if line is None:
                self._troubled(Refused(f"nothing_to_{verb}"))
            else:
                turn_back(self.desk, verb, line, self)

        self.desk.ask(
            lambda workspace, job: getattr(workspace.ledger, name)(), have, place="window.turn_back"
        )

    def _context_menu(self) -> None:
        focus = QApplication.focusWidget() or self
        at = QRectF(focus.inputMethodQuery(Qt.InputMethodQuery.ImCursorRectangle)).center().toPoint()
        asked = QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, at, focus.mapToGlobal(at))
        QApplication.sendEvent(focus, asked)

    def _turn(self, step: int) -> None:
        """To the page's next tab, and the keyboard with it."""
        page: Any = self.page()
        tabs = getattr(page, "tabs", None)
        row = getattr(tabs, "bar", tabs)
        if not isinstance(row, TabRow) or not row.isVisible():
            self.desk.say(self.desk.texts("ui.no_tabs"))
            return
        stack, focus = (row if isinstance(row, Tabs) else page).stack, QApplication.focusWidget()
        before = stack.currentWidget()
        row.turn(step)
        if focus is None or (before is not None and before.isAncestorOf(focus)):
            row.setFocus()  # where the tab has nothing that takes keys yet
            stack.currentWidget().setFocus()

    def _toggle_rail(self) -> None:
        self._rail_forced = not self.rail.is_narrow()
        self._place_rail()

    def _place_rail(self) -> None:
        narrow = self._rail_forced if self._rail_forced is not None else self.width() < NARROW_BELOW
        if narrow != self.rail.is_narrow():
            self.rail.narrow(narrow)
        self.actions_["rail.toggle"].setChecked(not narrow)

    def _manual(self) -> None:
        """The manual at this page: one window of it, made when first asked for."""
        from ui.manual import Manual

        if self._manual_shown is None or not isValid(self._manual_shown):
            self._manual_shown = Manual(self.desk, self)
        self._manual_shown.show_page(self.key, getattr(getattr(self.page(), "tabs", None), "key", ""))
        self._manual_shown.show()
        self._manual_shown.raise_()
        self._manual_shown.activateWindow()

    def _show_log(self) -> None:
        if log_file().exists():
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(log_file())))
        else:
            self.desk.say(self.desk.texts("ui.no_log", path=str(log_file())))

    def _about(self) -> None:
        texts = self.desk.texts
        box = QMessageBox(
            QMessageBox.Icon.NoIcon,
            texts("ui.title"),
            texts("ui.about", version=kept.VERSION, home=str(kept.home())),
            parent=self,
        )
        box.setStandardButtons(QMessageBox.StandardButton.Close)
        box.button(QMessageBox.StandardButton.Close).setText(texts("ui.close"))
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.open()

    # Work under way, faults and bugs

    def _job_started(self, job: Job) -> None:
        if self.desk.opening is not None:
            self.topline.refresh()
        if job.writes and self._waiting is None and not self._patience.isActive():
            self._patience.start()

    def _job_progressed(self, job: Job) -> None:
        if self._waiting is not None and self._waiting.job is job:
            self._waiting.update_from(job)

    def _job_ended(self, job: Job) -> None:
        if self._waiting is not None and self._waiting.job is job:
            self._waiting.end()
            self._waiting = None
        if not any(other.writes for other in self.desk.jobs.live()):
            self._patience.stop()
        elif self._waiting is None:
            self._patience.start()

    def _show_waiting(self) -> None:
        job = next((job for job in self.desk.jobs.live() if job.writes), None)
        if job is not None and self._waiting is None:
            self._waiting = Waiting(self.desk, job, self)
            self._waiting.update_from(job)
            self._waiting.open()

    def _troubled(self, error: Exception) -> None:
        self._refresh_frame()
        if isinstance(error, Cancelled):
            self.desk.say(self.desk.texts("ui.cancelled"))
            return
        log(places(error) if self.lock.sealed else f"{words(self.desk.texts, error)}\n{detail(self.desk.texts, error)}")
        self.errorbar.put(error)

    def _broken(self, error: Exception, trace: str) -> None:
        log(places(error) if self.lock.sealed else trace)
        if self._bug_shown is not None and isValid(self._bug_shown):
            return  # one at a time: a page that fails at every paint must not bury the window
        said = self.desk.texts("ui.bug", error=f"{type(error).__name__}: {error}", log=str(log_file()))
        self._bug_shown = TextDialog(self.desk, self.desk.texts("ui.bug_title"), said, trace, self)
        self._bug_shown.open()

    def excepthook(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        """For `sys.excepthook`: a bug is shown and logged, and the window stays."""
        text = "".join(traceback.format_exception(kind, error, trace))
        if not isinstance(error, Exception):
            sys.__excepthook__(kind, error, trace)
            QApplication.exit(1)
            return
        self._broken(error, text)

    # Qt's overrides

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QStatusTipEvent):
            self.status.hint(event.tip())
            return True
        return super().event(event)

    def focusNextPrevChild(self, next: bool) -> bool:
        """Tab goes from field to field. By itself Qt jumps to where a page or a tab wants the keyboard first, and what
        stands before that is never reached.
        """
        at = QApplication.focusWidget()
        # Where what has the keyboard is being hidden, Qt itself finds another place.
        if at is None or not at.isVisible() or at.window() is not self:
            return super().focusNextPrevChild(next)
        one = at
        while True:
            one = one.nextInFocusChain() if next else one.previousInFocusChain()
            if one is None or one is at:
                return False
            if (
                one.focusProxy() is None
                and one.focusPolicy() & Qt.FocusPolicy.TabFocus
                and one.isEnabled()
                and one.isVisibleTo(self)
                and one.window() is self
            ):
                one.setFocus(Qt.FocusReason.TabFocusReason if next else Qt.FocusReason.BacktabFocusReason)
                return True

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_rail()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if _files_in(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        paths = _files_in(event)
        event.acceptProposedAction()
        if len(paths) == 1 and paths[0].suffix.lower() in WORKSPACE_FILES:
            self.desk.open(paths[0])
        elif self.desk.workspace is None:
            self.desk.say(self.desk.texts("ui.need_workspace"))
        else:
            self.show_page("data", ("files", tuple(paths)))

    def closeEvent(self, event: QCloseEvent) -> None:
        if self.desk.waiting():
            event.ignore()
            self.desk.leaving(lambda: QTimer.singleShot(0, self.close))
            return
        memory = _memory()
        memory.setValue("geometry", self.saveGeometry())
        if self._rail_forced is not None:
            memory.setValue("rail", "narrow" if self._rail_forced else "wide")
        memory.sync()
        event.accept()
        self.lock.let_go()
        self.desk.close()


class FirstPaint(QObject):
    """Calls once, after the window has painted for the first time."""

    def __init__(self, window: Window, then: Callable[[], None]) -> None:
        super().__init__(window)
        self._then = then
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint:
            watched.removeEventFilter(self)
            QTimer.singleShot(0, self._then)
        return False


def _native(action: QAction) -> str:
    return action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)


def _memory() -> QSettings:
    """Where the window remembers its place: beside the settings, so that DIANZHI_HOME moves it too."""
    return QSettings(str(kept.home() / "window.ini"), QSettings.Format.IniFormat)


def _files_in(event: QDragEnterEvent | QDropEvent) -> list[Path]:
    return [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
