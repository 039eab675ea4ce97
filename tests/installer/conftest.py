"""The installer's scripts import each other as scripts do: from their own folder."""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "installer"))


@pytest.fixture
def wheel(tmp_path: Path) -> Callable[[str, dict[str, bytes]], Path]:
    """wheel(name, files): a wheel of these files, with its metadata."""

    def made(name: str, files: dict[str, bytes]) -> Path:
        path = tmp_path / f"{name}-1.0-py3-none-any.whl"
        said = f"Metadata-Version: 2.4\nName: {name}\nVersion: 1.0\nLicense-Expression: MIT\n".encode()
        with zipfile.ZipFile(path, "w") as archive:
            for inside, content in (files | {f"{name}-1.0.dist-info/METADATA": said}).items():
                archive.writestr(inside, content)
        return path

    return made


@pytest.fixture
def linux_payload(tmp_path: Path) -> Path:
    """A folder that has the shape of the Linux payload, in a path with a space and Chinese letters."""
    folder = tmp_path / "点 值" / "payload"
    for name, content in {
        "dianzhi": '#!/bin/sh\necho "started $*"\n', "main.py": "", "core/__init__.py": "", "licences/README.txt": "licences\n",
        "resources/文字.toml": "x = 1\n",
    }.items():  # fmt: skip
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, "utf-8")
    (folder / "dianzhi").chmod(0o755)
    return folder
