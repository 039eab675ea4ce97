"""Where the program's own things are, and the few choices that a user keeps between sessions.

A settings key is declared once, here.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RESOURCES = ROOT / "resources"
VERSION = "0.1.0"


def pasted(word: object, windows: bool = os.name == "nt") -> str:
    """A path or name as it stands in a line that is pasted in this system's shell (Windows: cmd)."""
    text = str(word)
    if windows:
        return f'"{text}"' if not text or re.search(r"[\s&()\[\]{}^=;!'+,`~%]", text) else text
    return shlex.quote(text)


def called(root: Path, windows: bool, found: Callable[[str], str | None] = shutil.which) -> str:
    """How this copy is called on a command line: an installed one brings its Python and a command of its own, named in full
    where no search path leads to it."""
    command = root / ("dianzhi.cmd" if windows else "dianzhi")
    if not (root / "python").is_dir() or not command.is_file():
        return "python main.py"
    return "dianzhi" if found("dianzhi") else pasted(command, windows)


PROGRAM = called(ROOT, os.name == "nt")
INSTALLED = PROGRAM != "python main.py"


def home() -> Path:
    """The folder for settings and logs; DIANZHI_HOME moves it (tests, portable use)."""
    moved = os.environ.get("DIANZHI_HOME")
    if moved:
        return Path(moved)
    from platformdirs import user_data_dir  # not above: words must be there even where nothing is installed

    return Path(user_data_dir("dianzhi", appauthor=False))


@dataclass
class Settings:
    """Kept in `settings.json`; a damaged or missing file gives the defaults."""

    language: str = ""  # "" = the system's
    theme: str = "system"  # system, light, dark
    recent: list[str] = field(default_factory=list[str])
    amounts_in_wan: bool = False  # 万元 instead of yuan on screen
    tables: dict[str, dict[str, object]] = field(default_factory=dict[str, dict[str, object]])
    # Workspace -> the institutions compared last.
    compared: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    user: str = ""  # the name in the ledger; "" = the system's
    idle_minutes: int = 15  # without a hand on it, then a protected workspace is covered; 0 = never
    # Backups of a workspace that are kept, and for how many days; of 0 none is made by itself.
    backups: int = 10
    backup_days: int = 90


def load() -> Settings:
    settings = Settings()
    try:
        kept = json.loads((home() / "settings.json").read_text("utf-8"))
    except (OSError, ValueError):
        return settings
    if isinstance(kept, dict):
        for key, default in asdict(settings).items():
            value = kept.get(key, default)
            if type(value) is type(default):
                setattr(settings, key, value)
    return settings


def save(settings: Settings) -> None:
    """Write beside and swap, so that a killed process leaves the old file or the new one."""
    home().mkdir(parents=True, exist_ok=True)
    beside = home() / f"settings.{os.getpid()}.tmp"
    beside.write_text(json.dumps(asdict(settings), ensure_ascii=False, indent=1, sort_keys=True), "utf-8")
    os.replace(beside, home() / "settings.json")
