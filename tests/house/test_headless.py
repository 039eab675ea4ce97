"""The commands never load the window: no Qt, no matplotlib, no ui, whatever they do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROBE = """
import runpy, sys
sys.argv = ["main.py", *sys.argv[1:]]
sys.path.insert(0, {root!r})
try:
    runpy.run_path({main!r}, run_name="__main__")
except SystemExit as end:
    status = end.code
else:
    status = 0
window = ("ui", "PySide6", "matplotlib", "shiboken6")
loaded = sorted(name for name in sys.modules if name.split(".")[0] in window)
print("LOADED", loaded, "STATUS", status)
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"], ["pack", "list"], ["new", "{folder}/a.dianzhi", "--region", "350900"],
        ["nonsense"], ["clear", "x"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_commands_load_no_window(arguments: list[str], tmp_path: Path) -> None:
    probe = PROBE.format(root=str(ROOT), main=str(ROOT / "main.py"))
    ran = subprocess.run(
        [sys.executable, "-c", probe, *(one.format(folder=tmp_path) for one in arguments)],
        capture_output=True, text=True, encoding="utf-8", cwd=tmp_path, check=False, timeout=120,
    )
    assert "LOADED [] STATUS" in ran.stdout, ran.stdout + ran.stderr


def test_every_room_of_the_core_loads_without_the_window() -> None:
    probe = (
        "import importlib, pkgutil, sys\n"
        f"sys.path.insert(0, {str(ROOT)!r})\n"
        "import core\n"
        "for found in pkgutil.walk_packages(core.__path__, 'core.'):\n"
        "    importlib.import_module(found.name)\n"
        "print([n for n in sys.modules if n.split('.')[0] in ('ui', 'PySide6', 'matplotlib')])\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=False, timeout=120
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == "[]"
