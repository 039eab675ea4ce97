"""Commands as a script drives them: the exit status, what is printed and what is said of errors."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from core import cli
from core.settings import ROOT

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="session")
def run_at() -> Callable[[Path], Run]:
    """home -> the command that keeps its settings there."""

    def at(home: Path) -> Run:
        def command(*words: object, lang: str = "en") -> tuple[int, str, str]:
            ran = subprocess.run(
                [sys.executable, "main.py", *map(str, words), "--lang", lang],
                cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=False,
                env={**os.environ, "PYTHONIOENCODING": "utf-8", "DIANZHI_HOME": str(home)},
            )  # fmt: skip
            assert "Traceback" not in ran.stderr, ran.stderr
            return ran.returncode, ran.stdout, ran.stderr

        return command

    return at


@pytest.fixture
def called(capsys: pytest.CaptureFixture[str]) -> Run:
    """The same without a process of its own: for what is asked many times."""

    def command(*words: object, lang: str = "en") -> tuple[int, str, str]:
        status = cli.main([*map(str, words), "--lang", lang])
        said = capsys.readouterr()
        return status, said.out, said.err

    return command


@pytest.fixture
def run(run_at: Callable[[Path], Run], tmp_path: Path) -> Run:
    """main.py as a process."""
    return run_at(tmp_path / "home")


@pytest.fixture(scope="module")
def made_of(run_at: Callable[[Path], Run], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """(region, files by kind, year): a workspace made by the commands alone, once for a module; tests write into copies."""

    def made(region: str, files: dict[str, str], year: int) -> Path:
        folder = tmp_path_factory.mktemp("made")
        path, run = folder / "w.dianzhi", run_at(folder / "home")
        assert run("new", path, "--region", region)[0] == 0
        for kind, text in files.items():
            file = folder / f"{kind}.csv"
            file.write_text(text, "utf-8")
            status, out, err = run("import", path, kind, file, "--year", year)
            assert status == 0, out + err
        return path

    return made
