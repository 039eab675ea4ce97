"""What is handed to one hospital holds that hospital's cases: every byte of it, unpacked, is searched for the others."""

from __future__ import annotations

import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.export import confirmation, confirmation_book, lettering
from core.faults import Cancelled, WorldFault
from core.rules import packs
from core.rules.sheet import Clearing
from core.settlement import case_lines
from core.settlement.clearing import clear
from core.storage.workspace import Workspace

READER = shutil.which("pdftotext")
try:
    lettering.faces()
    LETTERS = True
except WorldFault:
    LETTERS = False
prints = pytest.mark.skipif(READER is None or not LETTERS, reason="not read back: pdftotext (poppler) or a font is missing")


@pytest.fixture(scope="module")
def built(
    demonstration_copy: Callable[[int, Path], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Workspace, Clearing]]:
    with Workspace.open(demonstration_copy(100, tmp_path_factory.mktemp("own"))) as workspace:
        yield workspace, clear(workspace, 2024, packs.load("ningde-2024"), store=False)


@pytest.fixture(scope="module")
def others(built: tuple[Workspace, Clearing]) -> tuple[str, set[str], set[str]]:
    """A hospital; codes and settlements of all others."""
    workspace, made = built
    code = made.funds[0].institutions[2].code
    read = workspace.reader().execute("SELECT DISTINCT fixmedins_code FROM cases WHERE fixmedins_code <> ?", (code,))
    codes = {str(one) for (one,) in read} | {one.code for sheet in made.funds for one in sheet.institutions} - {code}
    read = workspace.reader().execute("SELECT setl_id FROM cases WHERE fixmedins_code <> ?", (code,))
    return code, codes, {str(one) for (one,) in read}


def unpacked(path: Path) -> str:
    with zipfile.ZipFile(path) as archive:
        return "\n".join(archive.namelist() + [archive.read(name).decode() for name in archive.namelist()])


def text_of(path: Path) -> str:
    assert READER is not None
    return subprocess.run([READER, str(path), "-"], capture_output=True, check=True, timeout=200).stdout.decode()


def silent(said: str, others: tuple[str, set[str], set[str]]) -> None:
    """Not one of the others stands anywhere in what is said, not even as a part of something longer."""
    code, codes, settlements = others
    assert code in said
    names = codes | settlements
    for length in {len(one) for one in names}:
        alike = [one for one in names if len(one) == length]
        low, high = min(alike), max(alike)  # all begin as these two do: only where one may begin is to be looked at
        begin = low[: next((at for at, (a, b) in enumerate(zip(low, high, strict=True)) if a != b), length)]
        pieces = {said[at.start() : at.start() + length] for at in re.finditer(f"(?={re.escape(begin)})", said)}
        assert pieces.isdisjoint(alike)


def test_the_list_of_cases(built: tuple[Workspace, Clearing], others: tuple[str, set[str], set[str]], tmp_path: Path) -> None:
    workspace, made = built
    case_lines.write(workspace, made, tmp_path / "own.xlsx", others[0], "zh")
    own = unpacked(tmp_path / "own.xlsx")
    silent(own, others)
    for one in (min(others[1]), min(others[2])):  # the search finds what is there, be it part of a longer word
        with pytest.raises(AssertionError):
            silent(f"{own} x{one}9", others)


def test_the_confirmation_workbook(built: tuple[Workspace, Clearing], others: tuple[str, set[str], set[str]], tmp_path: Path) -> None:
    path = tmp_path / "own.xlsx"
    assert confirmation_book.write(built[1], path, [others[0]], "zh") == 1
    silent(unpacked(path), others)


@prints
def test_each_file_of_the_folder(built: tuple[Workspace, Clearing], others: tuple[str, set[str], set[str]], tmp_path: Path) -> None:
    """Cut from one document, a file is its own part alone: nothing of the others is left in any of its streams."""
    made = built[1]
    few = [others[0], *sorted(one.code for one in confirmation.institutions(made) if one.code != others[0])[:3]]
    confirmation.write(made, tmp_path / "whole.pdf", few, "zh")
    (tmp_path / "each").mkdir()
    files = confirmation.write_each(made, tmp_path / "each", few, "zh")
    assert sorted(tmp_path.joinpath("each").iterdir()) == sorted(files)
    silent(text_of(files[0]), others)
    whole = text_of(tmp_path / "whole.pdf")
    assert "".join(text_of(path) for path in files) == whole
    before = [path.read_bytes() for path in files]
    confirmation.write_each(made, tmp_path / "each", few, "zh")
    assert [path.read_bytes() for path in files] == before


class Stopped:
    def report(self, code: str, done: int, total: int | None = None) -> None:
        self.done = done

    @property
    def cancelled(self) -> bool:
        return getattr(self, "done", 0) > 3


@prints
def test_a_folder_is_written_whole_or_not_at_all(built: tuple[Workspace, Clearing], tmp_path: Path) -> None:
    made = built[1]
    with pytest.raises(Cancelled):
        confirmation.write_each(made, tmp_path, lang="zh", progress=Stopped())
    assert list(tmp_path.iterdir()) == []
    few = confirmation.institutions(made)[:2]
    names, codes = [f"{confirmation.file_name(one)}.pdf" for one in few], [one.code for one in few]
    (tmp_path / names[-1]).mkdir()  # a folder is in the way of the last one
    with pytest.raises(WorldFault) as fault:
        confirmation.write_each(made, tmp_path, codes, "zh")
    assert fault.value.code in ("export_in_use", "export_failed") and str(fault.value.values["path"]).endswith(names[-1])
    assert not [one for one in tmp_path.iterdir() if one.name.endswith(".tmp")]
    with pytest.raises(WorldFault) as fault:
        confirmation.write_each(made, tmp_path / "none", codes, "zh")
    assert fault.value.code == "export_no_folder"
