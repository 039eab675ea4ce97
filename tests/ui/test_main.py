"""The front door: what asks for a window and what for a command, and a machine that cannot show one."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import main
from core.texts import Texts

ROOT = Path(main.__file__).parent
HEAVY = ("pandas", "matplotlib", "numpy", "sqlite_utils", "pypinyin", "core.intake", "core.settlement")


def run(*arguments: str, home: Path, code: str = "", seconds: int = 200, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {key: value for key, value in os.environ.items()
             if key not in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM", "DIANZHI_FIRST_PAINT")}
    command = [sys.executable, *(["-c", code] if code else ["main.py"]), *arguments]
    return subprocess.run(command, cwd=ROOT, env=clean | {"DIANZHI_HOME": str(home)} | environment,
                          capture_output=True, text=True, encoding="utf-8", timeout=seconds, check=False)


@pytest.mark.parametrize(
    ("argv", "what"),
    [
        ([], ("window", "", "")),
        (["a.dianzhi"], ("window", "a.dianzhi", "")),
        (["--lang", "en", "folder/a"], ("window", "folder/a", "en")),
        (["--lang=zh"], ("window", "", "zh")),
        (["--demo"], ("demo", "", "")),
        (["--self-test", "--lang", "en"], ("self-test", "", "en")),
        (["clear", "a.dianzhi"], ("command", "", "")),
        (["verify"], ("command", "", "")),
        (["--help"], ("command", "", "")),
        (["--demo", "x.dianzhi"], ("command", "", "")),
        (["--lang", "fr"], ("command", "", "")),
    ],
)
def test_what_is_asked_for(argv: list[str], what: tuple[str, str, str]) -> None:
    assert main.asked(argv) == what


def test_nothing_heavy_is_loaded_before_the_first_paint(own_home) -> None:
    code = (
        "import sys, main\n"
        "status = main.main([])\n"
        f"print([name for name in sys.modules if name.startswith({HEAVY!r})])\n"
        "sys.exit(status)"
    )
    done = run(home=own_home, code=code, QT_QPA_PLATFORM="offscreen", DIANZHI_FIRST_PAINT="1")
    assert done.returncode == 0, done.stderr
    first, loaded = done.stdout.splitlines()
    assert first.startswith("first paint ")
    assert loaded == "[]"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux can be without a display")
def test_without_a_display_one_line_says_so(own_home) -> None:
    done = run(home=own_home)
    assert done.returncode == 3
    assert done.stderr.strip() == Texts("zh")("fault.no_display")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="X11")
def test_a_display_that_refuses_does_not_abort_the_process(own_home) -> None:
    done = run(home=own_home, DISPLAY=":987")
    assert done.returncode == 3
    assert len(done.stderr.strip().splitlines()) == 1
    assert ":987" in done.stderr or "apt-get" in done.stderr  # this machine may lack X11's libraries as well


def test_without_qt_one_line_says_what_to_install(own_home) -> None:
    code = "import sys; sys.modules['PySide6'] = None; import main; sys.exit(main.main(['--lang', 'en']))"
    done = run(home=own_home, code=code, QT_QPA_PLATFORM="offscreen")
    assert done.returncode == 3
    assert "pip install" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("said", "package"),
    [
        ("libEGL.so.1: cannot open shared object file: No such file or directory", "libegl1"),
        ("libGL.so.1: cannot open shared object file", "libgl1"),
        ("libxkbcommon.so.0: cannot open shared object file", "libxkbcommon0"),
        ("libxkbcommon-x11.so.0: cannot open", "libxkbcommon-x11-0"),
        ("libxcb-cursor.so.0: cannot open", "libxcb-cursor0"),
        ("libgthread-2.0.so.0: cannot open", "libglib2.0-0"),
    ],
)
def test_a_missing_library_is_named_with_its_package(said: str, package: str) -> None:
    for lang in ("zh", "en"):
        line = main.lacking(Texts(lang), said)
        assert f"apt-get install {package}" in line
        assert "dnf install" in line
        assert "\n" not in line


def test_anything_else_that_keeps_qt_from_loading_is_said_as_it_is() -> None:
    assert "GLIBC_2.34" in main.lacking(Texts("en"), "version `GLIBC_2.34' not found\nmore")


@pytest.mark.soak
def test_demo_without_a_display_writes_the_sheet(own_home) -> None:
    done = run("--demo", home=own_home)
    assert done.returncode == 0, done.stderr
    sheet = own_home / "demonstration" / "clearing-2024.xlsx"
    assert sheet.exists()
    assert str(sheet) in done.stdout


def test_the_version_is_what_the_packages_are_called_by(own_home) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert run("--version", home=own_home).stdout.strip() == project["version"]


@pytest.mark.soak  # half a minute of what `.ci/packages` does with the installed copy
@pytest.mark.timeout(900)
def test_self_test_passes(own_home) -> None:
    done = run("--self-test", home=own_home, seconds=800)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == Texts("zh")("ui.test.passed")
