"""What every test stands on: no display, no user's own settings, one language, reproducible properties."""

from __future__ import annotations

import atexit
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from pytestqt.qtbot import QtBot

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

pytest_plugins = ("demonstrated",)

# Before anything imports Qt, pandas or the settings; child processes inherit it.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
_home = tempfile.TemporaryDirectory(prefix="dianzhi-test-")
os.environ["DIANZHI_HOME"] = _home.name
atexit.register(_home.cleanup)
for name in ("LC_ALL", "LC_MESSAGES", "LANGUAGE"):
    os.environ.pop(name, None)
os.environ["LANG"] = "zh_CN.UTF-8"
os.environ["PYTHONUTF8"] = "1"

# What comes late on a busy machine comes: pytest-qt waits five seconds of its own.
for wait in (QtBot.waitUntil, QtBot.waitCallback, QtBot.waitSignal, QtBot.waitSignals, QtBot.waitExposed, QtBot.waitActive):
    wait.__kwdefaults__["timeout"] = 60_000

# Timed assertions are for tests/bench: a busy machine must not fail a property.
_common = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("local", **_common)
settings.register_profile("ci", derandomize=True, print_blob=True, **_common)
settings.load_profile("ci" if os.environ.get("CI") else "local")


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Settings and logs of one test are never seen by another."""
    home = tmp_path / "dianzhi-home"
    monkeypatch.setenv("DIANZHI_HOME", str(home))
    return home


@pytest.fixture
def swept(qapp) -> Iterator[None]:
    """What every fixture with a desk stands on: cycles are collected in the window's thread alone, as the program does.
    From a worker's thread Python would end a widget there, and Qt aborts."""
    from ui.jobs import Sweeper

    sweeper = Sweeper()
    yield
    sweeper.stop()


def pytest_sessionfinish() -> None:
    """Qt's offscreen platform lets go of what was copied only after Python's end, and crashes on it."""
    gui = sys.modules.get("PySide6.QtGui")
    if gui is not None and (application := gui.QGuiApplication.instance()) is not None:
        application.clipboard().clear()
