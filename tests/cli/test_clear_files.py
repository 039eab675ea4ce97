"""What `clear` hands over where it cannot be written: a sentence, status 3, an older file as it was, nothing half-written."""

from __future__ import annotations

import csv
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from core import cli
from tests.cli.test_commands import FILES as FEW

WRITTEN = (("--out", "a.xlsx"), ("--out", "a.csv"), ("--case-list", "c.xlsx"), ("--confirmations", ""))  # "": one each


def clear(workspace: Path, *more: object) -> int:
    words = ("clear", workspace, "--year", "2024", "--pack", "ningde-2024", "--fund", "employee", "--lang", "en", *more)
    return cli.main([str(word) for word in words])


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two institutions and two cases."""
    folder = tmp_path_factory.mktemp("small")
    path = folder / "w.dianzhi"
    assert cli.main(["new", str(path), "--region", "350900"]) == 0
    for kind, text in FEW.items():
        file = folder / f"{kind}.csv"
        file.write_text(text, "utf-8")
        assert cli.main(["import", str(path), kind, str(file), "--year", "2024"]) == 0
    return path


def mounted(folder: Path, *options: str) -> Iterator[Path]:
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", ",".join(options), "t", str(folder)], capture_output=True).returncode:
        pytest.skip("no file system may be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Path]:
    yield from mounted(tmp_path / "full", "size=8k")


@pytest.fixture
def closed(tmp_path: Path) -> Iterator[Path]:
    yield from mounted(tmp_path / "closed", "ro")


def test_a_full_disk(workspace: Path, full: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = full / "a.csv"
    old.write_bytes(b"older" * 1000)  # of the two pages there are
    for option, name in (*WRITTEN, ("--out", "a.pdf"), ("--confirmations", "s.xlsx")):
        assert clear(workspace, option, full / name) == 3, name
        assert "disk" in capsys.readouterr().err
        assert [one.name for one in full.iterdir()] == ["a.csv"] and old.read_bytes() == b"older" * 1000


def test_a_folder_that_may_not_be_written_in(workspace: Path, closed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for option, name in WRITTEN:
        assert clear(workspace, option, closed / name) == 3, name
        said = capsys.readouterr().err
        assert str(closed) in said and "Errno" not in said and ".tmp" not in said
        assert list(closed.iterdir()) == []


def test_confirmations_over_what_is_there(workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Into a folder beside other files, over an older file; not over what is no PDF or workbook, nor under a file."""
    folder = tmp_path / "sheets"
    folder.mkdir()
    (folder / "other.txt").write_text("mine", "utf-8")
    older = tmp_path / "older.pdf"
    older.write_bytes(b"older")
    code = "H1"
    assert clear(workspace, "--institution", code, "--confirmations", folder) == 0
    (made,) = folder.glob("*.pdf")
    assert made.read_bytes().startswith(b"%PDF") and code in made.name
    assert sorted(one.name for one in folder.iterdir()) == sorted([made.name, "other.txt"])
    assert clear(workspace, "--institution", code, "--confirmations", older) == 0
    assert older.read_bytes().startswith(b"%PDF")
    text = folder / "other.txt"
    assert clear(workspace, "--institution", code, "--confirmations", text) == 2
    assert clear(workspace, "--institution", code, "--confirmations", text / "x.pdf") == 3
    assert clear(workspace, "--institution", code, "--confirmations", f"{tmp_path / 'new'}/") == 0
    assert [one.suffix for one in (tmp_path / "new").iterdir()] == [".pdf"]
    assert clear(workspace, "--institution", code, "--confirmations", tmp_path / "none" / "new") == 3
    assert clear(workspace, "--institution", code, "--confirmations", tmp_path / "none" / "x.pdf") == 3
    assert text.read_text("utf-8") == "mine" and not (tmp_path / "none").exists()
    assert sorted(one.name for one in folder.iterdir()) == sorted([made.name, "other.txt"])


@pytest.mark.parametrize("name", ["a.xlsx", "a.pdf"])
def test_what_is_of_all_is_not_written_for_one(
    workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    out = tmp_path / name
    assert clear(workspace, "--institution", "H1", "--out", tmp_path / "a.csv", out) == 2
    assert "--confirmations" in capsys.readouterr().err and list(tmp_path.glob("a.*")) == []


def test_figures_of_one_institution(workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same figures as in the whole, and not a word of the others."""
    whole, part = tmp_path / "whole", tmp_path / "part"
    for folder, words in ((whole, ()), (part, ("--institution", "H2"))):
        folder.mkdir()
        assert clear(workspace, *words, "--out", folder / "a.csv", folder / "a.json") == 0
    rows = list(csv.reader((whole / "a.csv").read_text("utf-8-sig").splitlines()))
    assert [row[1] for row in rows] == ["fixmedins_code", "H1", "H2", "TOTAL"]
    assert list(csv.reader((part / "a.csv").read_text("utf-8-sig").splitlines())) == [rows[0], rows[2]]
    told, own = (json.loads((folder / "a.json").read_text("utf-8")) for folder in (whole, part))
    assert own.pop("part") == ["H2"] and "part" not in told
    told["funds"]["employee"]["institutions"].pop(0)
    assert own == told
    for name in ("a.csv", "a.json"):
        assert "H1" not in (part / name).read_text("utf-8-sig")
    capsys.readouterr()
    for ending in ("csv", "json"):
        assert clear(workspace, "--institution", "H2", "H9", "--out", tmp_path / f"n.{ending}") == 2
        assert "H9" in capsys.readouterr().err and not (tmp_path / f"n.{ending}").exists()
