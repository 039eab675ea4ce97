"""The idle lock: after some minutes without a hand on it, a protected workspace is covered until its passphrase is typed.

Everything the program shows is covered, dialogs and floating windows too, and what comes up meanwhile. Nothing is
closed: work under way goes on, and what was typed and not saved is there again afterwards.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QEvent, QKeyCombination, QObject, Qt, QTimer
from PySide6.QtGui import QCloseEvent, QKeyEvent
from PySide6.QtWidgets import QApplication, QDialogButtonBox, QFrame, QLabel, QToolTip, QVBoxLayout, QWidget
from shiboken6 import isValid

from core.faults import WorldFault
from core.storage.keys import Key
from ui.clipping import forget
from ui.desk import Desk
from ui.look import set_role
from ui.passphrases import PassphraseDialog

MINUTES = (0, 5, 15, 30)
LOOK_MS = 5_000
HANDS = frozenset({
    QEvent.Type.KeyPress, QEvent.Type.MouseButtonPress, QEvent.Type.MouseMove, QEvent.Type.Wheel,
    QEvent.Type.TouchBegin, QEvent.Type.TabletPress, QEvent.Type.InputMethod, QEvent.Type.Drop,
})  # fmt: skip
NOW = QKeyCombination(Qt.KeyboardModifier.ControlModifier, Qt.Key.Key_L)
BEFORE = "title before the lock"


class Cover(QFrame):
    """Over all of one window."""

    def __init__(self, desk: Desk, over: QWidget) -> None:
        super().__init__(over)
        self._over = over
        self.setObjectName("cover")
        self.setAutoFillBackground(True)
        layout = QVBoxLayout(self)
        picture, said = QLabel(), QLabel(desk.texts("protect.covered"))
        picture.setPixmap(desk.look.icon("lock", "muted").pixmap(32, 32))
        set_role(said, "muted")
        layout.addStretch(1)
        for label in (picture, said):
            layout.addWidget(label, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch(1)
        over.installEventFilter(self)
        self._fit()
        self.show()

    def _fit(self) -> None:
        self.setGeometry(self._over.rect())
        self.raise_()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Resize, QEvent.Type.ChildPolished, QEvent.Type.LayoutRequest):
            self._fit()
        return False


class Resume(PassphraseDialog):
    """Goes away by the passphrase, or with the whole program, which needs none: who may switch off the laptop may do that."""

    def __init__(self, desk: Desk, name: str, parent: QWidget, check: Callable[[str], object]) -> None:
        super().__init__(desk, "resume", name, parent, check)
        self._desk = desk
        self._warned = False
        self.quit = self.buttons.addButton(desk.texts("protect.quit"), QDialogButtonBox.ButtonRole.ResetRole)
        self.quit.setAutoDefault(False)

    def may_quit(self) -> bool:
        """Whether nothing is lost by it, or that was said and quitting asked for again. What it is is not told."""
        count = len(self._desk.waiting())
        if count and not self._warned:
            self._warned = True
            self._say(self._texts("protect.quit_unsaved", count=count), "warn")
            self.quit.setText(self._texts("protect.quit_anyway"))
            return False
        return True

    def reject(self) -> None:
        self.fields["standing"].clear()

    def closeEvent(self, event: QCloseEvent) -> None:
        event.ignore()


class IdleLock(QObject):
    """Of one window and all that it opens."""

    def __init__(self, desk: Desk, window: QWidget) -> None:
        super().__init__(window)
        self._desk, self._window = desk, window
        self._covers: list[Cover] = []
        self.dialog: Resume | None = None
        self._touched = (time.monotonic(), time.time())
        self._watching = False
        self._held: Key | None = None
        # Whether what comes up may be about a protected workspace: the one that is open, or was until now.
        self.sealed = False
        self._timer = QTimer(self, interval=LOOK_MS)
        self._timer.timeout.connect(self._look)
        desk.changed.connect(self._follow)

    @property
    def locked(self) -> bool:
        return self.dialog is not None

    def _key(self) -> Key | None:
        return self._desk.workspace.key if self._desk.workspace is not None else None

    def let_go(self) -> None:
        """Of what was copied from it."""
        if self._held is not None:
            forget()

    def _follow(self) -> None:
        """Hands are watched only while there is something to lock."""
        if self._key() is not self._held:
            self.let_go()
            self._held = self._key()
        if self._desk.workspace is not None:
            self.sealed = self._held is not None
        wanted = self._key() is not None
        if not wanted and self.locked:
            self._release()  # nothing is open any more
        if wanted != self._watching:
            self._watching = wanted
            application = QApplication.instance()
            if wanted:
                self._touch()
                application.installEventFilter(self)
                self._timer.start()
            else:
                application.removeEventFilter(self)
                self._timer.stop()

    def _touch(self) -> None:
        self._touched = (time.monotonic(), time.time())

    def _look(self) -> None:
        minutes = self._desk.settings.idle_minutes
        # The wall's clock too: the other one stands still while a laptop sleeps.
        idle = max(time.monotonic() - self._touched[0], time.time() - self._touched[1])
        if minutes and not self.locked and idle >= 60 * minutes:
            self.lock()

    def lock(self) -> None:
        """Now."""
        key, workspace = self._key(), self._desk.workspace
        if self.locked or key is None or workspace is None:
            self._desk.say(self._desk.texts("protect.none"))
            return
        while (popup := QApplication.activePopupWidget()) is not None:
            popup.close()
        QToolTip.hideText()
        self.let_go()
        path = workspace.path

        def check(typed: str) -> None:
            if not key.made_from(typed):
                raise WorldFault("wrong_passphrase", path=path)

        self.dialog = Resume(self._desk, workspace.name, self._window, check)
        self.dialog.quit.clicked.connect(self._quit)
        self.dialog.setWindowModality(Qt.WindowModality.ApplicationModal)
        self.dialog.accepted.connect(self._release)
        for widget in QApplication.topLevelWidgets():
            if widget.isVisible():
                self._cover(widget)
        self.dialog.open()

    def _quit(self) -> None:
        """Nothing is uncovered on the way out."""
        if self.dialog is None or not self.dialog.may_quit():
            return
        for one in self._desk.waiting():
            one.discard()
        self.dialog.hide()
        if not self._window.close():
            self._to_front()
            return
        for widget in QApplication.topLevelWidgets():
            widget.hide()
        self._follow()

    def _cover(self, widget: QWidget) -> None:
        if widget is self.dialog or any(isValid(cover) and cover.parent() is widget for cover in self._covers):
            return
        if widget is not self._window:  # a dialog may name a case in its title
            widget.setProperty(BEFORE, widget.windowTitle())
            widget.setWindowTitle(self._desk.texts("protect.covered"))
        self._covers.append(Cover(self._desk, widget))

    def _release(self) -> None:
        dialog, self.dialog = self.dialog, None
        if dialog is not None:
            dialog.done(0)
        covers, self._covers = self._covers, []
        for cover in covers:
            if isValid(cover):
                over = cover.parentWidget()
                if over.property(BEFORE) is not None:
                    over.setWindowTitle(over.property(BEFORE))
                over.removeEventFilter(cover)
                cover.hide()
                cover.deleteLater()
        self._touch()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if kind in HANDS:
            if not self.locked:
                self._touch()
                if isinstance(event, QKeyEvent) and event.keyCombination() == NOW:  # in a dialog or a floating window too
                    self.lock()
                    return True
        elif kind == QEvent.Type.Show and self.locked and isinstance(watched, QWidget) and watched.isWindow():
            self._cover(watched)
            if watched is not self.dialog and watched.isModal():
                QTimer.singleShot(0, self._to_front)
        return False

    def _to_front(self) -> None:
        """The newest modal window alone takes keys: that has to be the lock."""
        if self.dialog is not None and isValid(self.dialog):
            self.dialog.hide()
            self.dialog.open()
            self.dialog.raise_()
            self.dialog.activateWindow()
