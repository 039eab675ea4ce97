"""`--self-test`: every page drawn once in both languages and both themes, and one small clearing; 0 or 1.

Any warning of Qt, any bug, any fault fails it. It works in a folder of its own and leaves nothing behind.
"""

from __future__ import annotations

import os
import secrets
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from PySide6.QtCore import QEventLoop, QMessageLogContext, QTimer, QtMsgType, qInstallMessageHandler
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QTabBar

from core.faults import Fault
from core.texts import LANGUAGES, Texts
from ui.chart import Chart
from ui.desk import Desk
from ui.dialogs import words
from ui.jobs import Sweeper
from ui.look import dpi_defaults
from ui.pages import KEYS
from ui.window import Window

SCALE, YEAR, PACK = 100, 2024, "ningde-2024"
SECONDS = 120  # a page or a job that takes longer than this has hung
# What Qt's own offscreen platform says of itself.
HARMLESS = ("This plugin does not support",)
COLOURS = 4  # a page that shows fewer is blank


class Trouble(list[str]):
    """What went wrong, in order."""

    def of_qt(self, kind: QtMsgType, _context: QMessageLogContext, text: str) -> None:
        bad = kind in (QtMsgType.QtWarningMsg, QtMsgType.QtCriticalMsg, QtMsgType.QtFatalMsg)
        if bad and not text.startswith(HARMLESS):
            self.append(f"Qt: {text}")

    def of_python(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        sys.__excepthook__(kind, error, trace)
        self.append(f"{kind.__name__}: {error}")


def settle(desk: Desk) -> bool:
    """Run the event loop until no work is under way; False if it takes too long."""
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        loop = QEventLoop()
        QTimer.singleShot(20, loop.quit)
        loop.exec()
        if not desk.jobs.live() and desk.opening is None:
            return True
    return False


def is_drawn(picture: QImage) -> bool:
    """Whether a page shows anything: a sample of its pixels has several colours."""
    step = 7
    seen = {
        picture.pixel(x, y) for x in range(0, picture.width(), step) for y in range(0, picture.height(), step)
    }
    return len(seen) >= COLOURS


def self_test(language: str) -> int:
    with tempfile.TemporaryDirectory(prefix="dianzhi-self-test-", ignore_cleanup_errors=True) as folder:
        os.environ["DIANZHI_HOME"] = str(Path(folder) / "home")
        return _self_test(language, Path(folder))


def _self_test(language: str, folder: Path) -> int:
    trouble = Trouble()
    dpi_defaults()
    application = QApplication.instance() or QApplication(sys.argv[:1])
    sweeper = Sweeper()
    qInstallMessageHandler(trouble.of_qt)
    sys.excepthook = trouble.of_python
    say = Texts(language)
    desk = Desk(language)
    desk.broken.connect(lambda error, trace: trouble.append(trace))
    desk.troubled.connect(lambda error: trouble.append(words(say, error)))
    window = Window(desk)
    try:
        window.show()
        window.after_first_paint()
        _pages(window, desk, trouble, say, say("ui.none_open"))
        desk.demonstrate(folder / "demo.dianzhi", SCALE)
        if not settle(desk):
            trouble.append("the demonstration did not come to an end")
        if desk.workspace is not None:
            print(say("ui.test.demo", cases=desk.contents.cases if desk.contents else 0))
            _clear(desk, trouble, say)
            _protect(desk, trouble, say)
            # Words know no colours: twice shows each language and each theme.
            for spoken, theme in zip(LANGUAGES, ("light", "dark"), strict=True):
                desk.speak(spoken)
                desk.wear(theme)
                _pages(window, desk, trouble, say, f"{spoken}, {theme}")
    finally:
        window.close()
        application.processEvents()
        sweeper.stop()
        qInstallMessageHandler(None)
        sys.excepthook = sys.__excepthook__
    for one in trouble:
        print(one, file=sys.stderr)
    print(say("ui.test.failed", count=len(trouble)) if trouble else say("ui.test.passed"))
    return 1 if trouble else 0


def _pages(window: Window, desk: Desk, trouble: Trouble, say: Texts, what: str) -> None:
    drawn = 0
    for key in KEYS:
        window.show_page(key)
        if not settle(desk):
            trouble.append(f"{key} ({what}): not ready after {SECONDS} s")
        elif is_drawn(window.grab().toImage()):
            drawn += 1
            _tabs(window, desk, trouble, f"{key} ({what})")
        else:
            trouble.append(f"{key} ({what}): blank")
    if desk.workspace is not None:
        _group(window, desk, trouble, what)
    print(say("ui.test.pages", count=drawn, what=what))


def _group(window: Window, desk: Desk, trouble: Trouble, what: str) -> None:
    """A disease group's page, with its charts."""
    from core.storage.contents import names

    assert desk.workspace is not None
    group = next(name.code for name in names(desk.workspace.reader()) if name.kind == "group")
    window.show_page("catalogue", ("group", group))
    if not settle(desk) or not window.findChildren(Chart):
        trouble.append(f"{group} ({what})")
    window.grab()


def _tabs(window: Window, desk: Desk, trouble: Trouble, what: str) -> None:
    """The other tabs of a page that has any; the first was drawn with it."""
    tabs: Any = getattr(window.page(), "tabs", None)
    if not isinstance(tabs, QTabBar) or not tabs.isVisibleTo(window):
        return
    for number in range(1, tabs.count()):
        tabs.setCurrentIndex(number)
        if not settle(desk):
            trouble.append(f"{what}, {tabs.tabText(number)}: not ready after {SECONDS} s")
        elif not is_drawn(window.grab().toImage()):
            trouble.append(f"{what}, {tabs.tabText(number)}: blank")
    tabs.setCurrentIndex(0)


def _clear(desk: Desk, trouble: Trouble, say: Texts) -> None:
    def work(workspace: Any, job: Any) -> Any:
        from core.rules import packs
        from core.settlement.clearing import clear

        return clear(workspace, YEAR, packs.load(PACK), progress=job)

    def have(clearing: Any) -> None:
        for sheet in clearing.funds:
            from core.money import plain

            print(
                say(
                    "ui.test.cleared",
                    fund=say(f"fund.{sheet.fund}"),
                    institutions=len(sheet.institutions),
                    point_value=plain(sheet.region["point_value"]),
                )
            )

    def failed(error: Exception) -> None:
        trouble.append(words(say, error) if isinstance(error, Fault) else repr(error))

    desk.change(work, have, failed=failed)
    if not settle(desk):
        trouble.append("the clearing did not come to an end")


def _protect(desk: Desk, trouble: Trouble, say: Texts) -> None:
    """The demonstration locked by a passphrase and opened again; all that follows reads the encrypted file."""
    from core.storage import protection, recognised

    assert desk.workspace is not None
    path, passphrase = desk.workspace.path, secrets.token_urlsafe()
    desk.convert(lambda job: protection.protect(path, passphrase, job), "", "")
    if not settle(desk) or desk.workspace is None or not recognised.protected(path):
        trouble.append("the demonstration could not be locked")
    else:
        print(say("ui.test.protected"))
