"""The demonstration is made whole or not at all, and the same from the same seed."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core.demo import build
from core.faults import Cancelled, Usage, WorldFault
from core.progress import Progress
from core.storage.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]


def program(folder: Path, before: str = "") -> Path:
    """A file that makes the demonstration in the folder."""
    lines = [
        f"import sys; sys.path.insert(0, {str(ROOT)!r})",
        "from core.demo import build",
        *before.splitlines(),
        f"build({str(folder / 'x.dianzhi')!r}, scale=100).close()",
    ]
    made = folder.parent / "made.py"
    made.write_text("if __name__ == '__main__':\n" + "".join(f"    {line}\n" for line in lines), "utf-8")
    return made


def content(workspace: Workspace) -> str:
    """All that was imported, clocks and the workspace's own person key left aside."""
    read = workspace.reader()
    digest = hashlib.sha256()
    own = {"meta", "ledger", "activity", "mapping", "run"}
    tables = [t for (t,) in read.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    for table in tables:
        if table in own or table.startswith(("withdrawn_", "sqlite_", "_")):
            continue
        names = [row[1] for row in read.execute(f'PRAGMA table_info("{table}")') if row[1] not in ("person", "at")]
        digest.update(f"{table} {names}".encode())
        columns = ", ".join(f'"{name}"' for name in names)
        for row in read.execute(f'SELECT {columns} FROM "{table}" ORDER BY {columns}'):
            digest.update(repr(row).encode())
    return digest.hexdigest()


def test_an_existing_file_stays_as_it_was(folder: Path) -> None:
    there = folder / "mine.dianzhi"
    there.write_bytes(b"")  # even an empty one is somebody's
    with pytest.raises(WorldFault) as caught:
        build(there, scale=100)
    assert caught.value.code == "exists"
    assert there.read_bytes() == b""
    assert [path.name for path in folder.iterdir()] == ["mine.dianzhi"]


def test_no_folder(folder: Path) -> None:
    with pytest.raises(WorldFault) as caught:
        build(folder / "missing" / "x.dianzhi", scale=100)
    assert caught.value.code == "folder_missing"
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("scale", [0, -1, 101])
def test_scale_out_of_range(scale: int, folder: Path) -> None:
    with pytest.raises(Usage) as caught:
        build(folder / "x.dianzhi", scale=scale)
    assert caught.value.code == "demo_scale"
    assert list(folder.iterdir()) == []


class Stops:
    """Esc at the first word of a stage."""

    def __init__(self, stage: str) -> None:
        self.stage = stage
        self.cancelled = False

    def report(self, code: str, done: int, total: int | None = None) -> None:
        self.cancelled = self.cancelled or code == self.stage


@pytest.mark.parametrize("stage", ["import", "demo_write", "read_cases"])
def test_cancelled_leaves_nothing(stage: str, folder: Path) -> None:
    progress: Progress = Stops(stage)
    with pytest.raises(Cancelled):
        build(folder / "x.dianzhi", scale=100, progress=progress)
    assert list(folder.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="no file size limits")
def test_no_space_left(folder: Path) -> None:
    """A limit on file size stands in for a full disk: the write fails in the middle of it."""
    before = (
        "import resource, signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2_500_000, 2_500_000))"
    )
    ran = subprocess.run(
        [sys.executable, str(program(folder, before))], capture_output=True, text=True, check=False, timeout=200
    )
    assert ran.returncode != 0
    assert "WorldFault" in ran.stderr
    assert list(folder.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_killed_leaves_no_half_workspace_and_the_same_seed_gives_the_same_content(
    folder: Path, demonstration: Path
) -> None:
    """What is made in the same place after the kill is what another folder has from the same seed."""
    target = folder / "x.dianzhi"
    running = subprocess.Popen([sys.executable, str(program(folder))])
    deadline = time.monotonic() + 60
    while not list(folder.glob(".x.dianzhi.*/cases-2022.csv")) and time.monotonic() < deadline:
        time.sleep(0.05)
        assert running.poll() is None
    running.send_signal(signal.SIGKILL)
    running.wait()
    assert not target.exists()
    with build(target, scale=100) as again, Workspace.open(demonstration, write=False) as other:
        assert again.synthetic
        assert content(again) == content(other)
