"""The front door: the window, or a command of `core.cli`, which never loads the window.

    python main.py [WORKSPACE] [--demo | --self-test | --version] [--lang zh|en]
    python main.py COMMAND ...

Exit status 3 with one line on stderr where the machine lacks what a window needs.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from core.texts import LANGUAGES, Texts

YEAR, PACK = 2024, "ningde-2024"  # what the demonstration is cleared by
DEMO_SCALE = 10

# Libraries that a bare Linux may lack, and the packages that bring them (apt, dnf).
PACKAGES = {
    "libEGL": ("libegl1", "mesa-libEGL"),
    "libGL": ("libgl1", "mesa-libGL"),
    "libxkbcommon-x11": ("libxkbcommon-x11-0", "libxkbcommon-x11"),
    "libxkbcommon": ("libxkbcommon0", "libxkbcommon"),
    "libdbus-1": ("libdbus-1-3", "dbus-libs"),
    "libfontconfig": ("libfontconfig1", "fontconfig"),
    "libglib-2.0": ("libglib2.0-0", "glib2"),
    "libgthread-2.0": ("libglib2.0-0", "glib2"),
    "libxcb-cursor": ("libxcb-cursor0", "xcb-util-cursor"),
    "libxcb-icccm": ("libxcb-icccm4", "xcb-util-wm"),
    "libxcb-image": ("libxcb-image0", "xcb-util-image"),
    "libxcb-keysyms": ("libxcb-keysyms1", "xcb-util-keysyms"),
    "libxcb-render-util": ("libxcb-render-util0", "xcb-util-renderutil"),
    "libxcb-shape": ("libxcb-shape0", "libxcb"),
    "libxcb-randr": ("libxcb-randr0", "libxcb"),
    "libxcb-xinerama": ("libxcb-xinerama0", "libxcb"),
    "libxcb": ("libxcb1", "libxcb"),
    "libX11": ("libx11-6", "libX11"),
}


class NoWindow(Exception):
    """No window can be shown here; the text says what is missing and what brings it."""


def asked(argv: Sequence[str]) -> tuple[str, str, str]:
    """(what, workspace, language): what is `window`, `demo`, `self-test`, `version`, or `command` for everything else."""
    rest: list[str] = []
    language = ""
    words = iter(argv)
    for word in words:
        if word == "--lang":
            language = next(words, "?")
        elif word.startswith("--lang="):
            language = word.partition("=")[2]
        else:
            rest.append(word)
    if language and language not in LANGUAGES:
        return "command", "", ""
    if not rest:
        return "window", "", language
    if rest in (["--demo"], ["--self-test"], ["--version"]):
        return rest[0].removeprefix("--"), "", language
    # A command is one plain word; a workspace has an ending, a folder, or is there.
    if (
        len(rest) == 1
        and not rest[0].startswith("-")
        and (re.search(r"[./\\]", rest[0]) or Path(rest[0]).exists())
    ):
        return "window", rest[0], language
    return "command", "", ""


def has_display() -> bool:
    """Whether a window would be seen. Only Linux can be without."""
    if os.environ.get("QT_QPA_PLATFORM"):
        return True
    if not sys.platform.startswith("linux"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def load_qt(texts: Texts) -> None:
    """Import Qt and see that its platform can start: Qt itself would abort the process without a word of help."""
    try:
        import PySide6.QtWidgets
    except ModuleNotFoundError as error:
        raise NoWindow(texts("fault.no_qt", python=sys.executable, module=error.name)) from error
    except ImportError as error:
        raise NoWindow(lacking(texts, str(error))) from error
    if (
        sys.platform.startswith("linux")
        and not os.environ.get("QT_QPA_PLATFORM")
        and not os.environ.get("WAYLAND_DISPLAY")
    ):
        _try_x11(texts, Path(PySide6.QtWidgets.__file__).parent)


def _try_x11(texts: Texts, pyside: Path) -> None:
    import ctypes

    plugin = pyside / "Qt" / "plugins" / "platforms" / "libqxcb.so"
    try:
        if plugin.exists():
            ctypes.CDLL(str(plugin))
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError as error:
        raise NoWindow(lacking(texts, str(error))) from error
    xcb.xcb_connect.restype = ctypes.c_void_p
    connection = xcb.xcb_connect(None, None)
    refused = xcb.xcb_connection_has_error(ctypes.c_void_p(connection))
    xcb.xcb_disconnect(ctypes.c_void_p(connection))
    if refused:
        raise NoWindow(texts("fault.display_refuses", display=os.environ.get("DISPLAY", "")))


def lacking(texts: Texts, said: str) -> str:
    """The line about a shared library that is not there."""
    found = re.search(r"(lib[\w.+-]+?)\.so[\w.]*", said)
    library = found.group(1) if found else ""
    for name in sorted(PACKAGES, key=len, reverse=True):
        if library.startswith(name):
            apt, dnf = PACKAGES[name]
            return texts("fault.no_library", library=found.group(0) if found else library, apt=apt, dnf=dnf)
    return texts("fault.qt_broken", reason=said.splitlines()[0] if said else "")


def demonstrate_headless(language: str) -> int:
    """Without a display: the demonstration, its clearing, and the sheet beside it; kept and reused."""
    from core import cli, settings

    spoken = ["--lang", language] if language else []
    folder = settings.home() / "demonstration"
    folder.mkdir(parents=True, exist_ok=True)
    workspace = folder / f"demo-{DEMO_SCALE}.dianzhi"
    sheet = folder / f"clearing-{YEAR}.xlsx"
    if not workspace.exists():
        status = cli.main(["demo", str(workspace), "--scale", str(DEMO_SCALE), *spoken])
        if status:
            return status
    return cli.main(
        ["clear", str(workspace), "--year", str(YEAR), "--pack", PACK, "--out", str(sheet), *spoken]
    )


def draw(command: str, found: object, path: Path, texts: Texts) -> None:
    """The picture of what a command found, as the window would save it; needs no display."""
    from core.faults import WorldFault

    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    try:
        load_qt(texts)
    except NoWindow as error:
        raise WorldFault("no_picture", reason=error) from error
    from ui.pictures import save

    save(command, found, path, texts)


def show_window(what: str, workspace: str, language: str) -> int:
    from PySide6.QtWidgets import QApplication

    from ui.look import dpi_defaults

    dpi_defaults()
    application = QApplication(sys.argv[:1])
    application.setApplicationName("dianzhi")
    from ui.desk import Desk
    from ui.dialogs import demo_path
    from ui.jobs import Sweeper
    from ui.window import FirstPaint, Window

    desk = Desk(language)
    window = Window(desk)
    sys.excepthook = window.excepthook
    sweeper = Sweeper(application)

    def painted() -> None:
        if os.environ.get("DIANZHI_FIRST_PAINT"):
            print(f"first paint {since_start():.3f}", flush=True)
            window.close()
            return
        window.after_first_paint()
        if workspace:
            desk.open(workspace)
        elif what == "demo":
            desk.demonstrate(demo_path(DEMO_SCALE), DEMO_SCALE)

    FirstPaint(window, painted)
    window.show()
    status = application.exec()
    sys.excepthook = sys.__excepthook__
    sweeper.stop()
    if not desk.close():
        # Work that hears no cancel holds a thread inside a library: ending Python around it would crash.
        sys.stdout.flush()
        os._exit(status)
    return status


def since_start() -> float:
    """Seconds since the process began; on systems that do not tell, since this file was loaded."""
    try:
        after_boot = float(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
        return time.clock_gettime(time.CLOCK_BOOTTIME) - after_boot / os.sysconf("SC_CLK_TCK")
    except (OSError, AttributeError, ValueError, IndexError):
        return time.perf_counter() - LOADED


LOADED = time.perf_counter()


def main(argv: Sequence[str]) -> int:
    what, workspace, language = asked(argv)
    if what == "command":
        from core import cli

        return cli.main(argv, draw)
    if what == "version":
        from core.settings import VERSION

        print(VERSION)
        return 0
    texts = Texts(language)
    seen = has_display()
    if what == "demo" and not seen:
        return demonstrate_headless(language)
    if what == "self-test" and not seen:
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    try:
        if what == "window" and not seen:
            raise NoWindow(texts("fault.no_display"))
        load_qt(texts)
    except NoWindow as error:
        print(error, file=sys.stderr)
        return 3
    if what == "self-test":
        from ui.self_test import self_test

        return self_test(language)
    return show_window(what, workspace, language)


def run(argv: Sequence[str]) -> int:
    """`main`, with one line where Python has not what the program needs (started by the wrong one, say)."""
    try:
        return main(argv)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] in ("core", "ui"):
            raise
        from core.settings import INSTALLED

        said = "fault.module_missing_installed" if INSTALLED else "fault.module_missing"
        print(Texts(asked(argv)[2])(said, name=error.name), file=sys.stderr)
        return 3


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
