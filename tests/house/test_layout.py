"""The house stands as ARCHITECTURE.md draws it: the top level, a line for each file, no nameless rooms."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOP = {
    "main.py", "ui", "core", "resources", "tests", "pyproject.toml", "installer",
    "README.md", "ARCHITECTURE.md", "LICENSE",
}
LISTED = ("core", "ui", "resources/packs", "installer")
BANNED = {"util", "utils", "helper", "helpers", "common", "manager", "managers", "misc", "base"}
FILE_LINE = re.compile(r"^(?P<path>[\w./-]+\.\w+)\s{2,}(?P<words>\S.*)$")


def project_files() -> set[str]:
    """What belongs to the project, as git says it; in a tree without git, what lies there."""
    asked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )
    if asked.returncode == 0 and asked.stdout:
        return {name for name in asked.stdout.splitlines() if (ROOT / name).exists()}
    return {
        path.relative_to(ROOT).as_posix()
        for top in TOP
        for path in ([ROOT / top] if (ROOT / top).is_file() else (ROOT / top).rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def listed_files() -> dict[str, str]:
    """Path -> its line, of the block under `## Files`."""
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    section = text.split("\n## Files\n", 1)[1].split("\n## ", 1)[0]
    lines = (FILE_LINE.match(line) for line in section.splitlines())
    found = [(line["path"], line["words"]) for line in lines if line]
    assert len(found) == len(dict(found)), "a file is listed twice"
    return dict(found)


def test_top_level_is_fixed() -> None:
    top = {name.split("/", 1)[0] for name in project_files()}
    assert {name for name in top if not name.startswith(".")} == TOP


def test_architecture_lists_every_file_and_no_other() -> None:
    there = {
        name for name in project_files()
        if name.startswith(tuple(f"{room}/" for room in LISTED)) and (ROOT / name).stat().st_size
    } | {"main.py"}
    listed = listed_files()
    assert sorted(there - set(listed)) == [], "files without a line in ARCHITECTURE.md"
    assert sorted(set(listed) - there) == [], "lines in ARCHITECTURE.md without a file"


def test_no_room_is_named_after_nothing() -> None:
    named = [name for name in project_files() if name.endswith((".py", ".sql"))]
    assert named
    assert [name for name in named if BANNED & {part.split(".")[0] for part in name.split("/")}] == []


def test_modules_say_what_their_room_is_for() -> None:
    import ast

    silent = [
        name for name in sorted(project_files())
        if name.endswith(".py") and not name.endswith("__init__.py")
        and not ast.get_docstring(ast.parse((ROOT / name).read_text("utf-8")))
    ]
    assert silent == []


def test_package_rooms_are_packages() -> None:
    """import-linter and pyright see only packages."""
    rooms = {
        str(Path(name).parent) for name in project_files()
        if name.endswith(".py") and name.startswith(("core/", "ui/"))
    }
    assert [room for room in sorted(rooms) if not (ROOT / room / "__init__.py").exists()] == []
