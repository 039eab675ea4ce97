"""Protecting, another passphrase, none any more: killed at any moment or on a full disk, one whole workspace is left."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core.faults import WorldFault
from core.settings import ROOT
from core.settlement.runs import verify
from core.storage import protection, recognised
from core.storage.workspace import Workspace
from tests.storage.test_protection import MARKS, bytes_with, fill, ids

OLD, NEW = "正确的 马 电池 钉", "another horse, another battery"
CONVERT = "import sys; from core.storage import protection; print('go', flush=True); getattr(protection, sys.argv[1])(*sys.argv[2:])"


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    path = tmp_path / "市.dianzhi"
    with Workspace.create(path, "350900", "市") as workspace:
        fill(workspace)
    return path


def opened_by(path: Path) -> str | None:
    """The one of the two passphrases that opens it, None of a plain one; opening for writing tidies up."""
    if not recognised.protected(path):
        Workspace.open(path).close()
        return None
    fits: list[str] = []
    for one in (OLD, NEW):
        try:
            Workspace.open(path, passphrase=one).close()
        except WorldFault as fault:
            assert fault.code == "wrong_passphrase"
        else:
            fits.append(one)
    assert len(fits) == 1
    return fits[0]


def hold_whole(path: Path, cases: int) -> str | None:
    """What is there opens, has all of its rows, and nothing lies beside it, in clear least of all."""
    passphrase = opened_by(path)
    with Workspace.open(path, passphrase=passphrase) as workspace:
        assert workspace.integrity() == [] and workspace.ledger.check() == []
        assert [one for one in verify(workspace) if one.severity == "blocked"] == []
        assert workspace.reader().execute("SELECT count(*) FROM cases").fetchone() == (cases,)
    assert {one.name.removesuffix(".lock") for one in path.parent.iterdir() if one.is_file()} == {path.name}
    if passphrase is not None:
        assert bytes_with(path.parent, MARKS) == []
    return passphrase


def kill_rounds(path: Path, rounds: int, longest: float) -> dict[str, list[bool]]:
    """By what was done, for each time whether it came through before the kill."""
    chance, cases = random.Random(3), len(ids(path))
    came: dict[str, list[bool]] = {"protect": [], "change": [], "unprotect": []}
    now = opened_by(path)
    for _ in range(rounds):
        if now is None:
            verb, wanted, given = "protect", OLD, [OLD]
        elif chance.random() < 0.6:
            verb, wanted = "change", NEW if now == OLD else OLD
            given = [now, wanted]
        else:
            verb, wanted, given = "unprotect", None, [now]
        process = subprocess.Popen([sys.executable, "-c", CONVERT, verb, str(path), *given], cwd=ROOT, stdout=subprocess.PIPE)
        assert process.stdout is not None and process.stdout.readline()
        time.sleep(chance.random() * longest)
        process.kill()
        process.communicate()
        found = hold_whole(path, cases)
        assert found in (now, wanted)
        came[verb].append(found == wanted)
        now = found
    return came


def test_killed_at_any_moment_one_whole_workspace_is_left(plain: Path) -> None:
    with Workspace.open(plain) as workspace:
        fill(workspace, 3000)
    kill_rounds(plain, 3, 0.8)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_killed_two_hundred_times(plain: Path) -> None:
    with Workspace.open(plain) as workspace:
        fill(workspace, 20000)
    came = kill_rounds(plain, 200, 1.8)
    print({verb: f"{sum(each)} of {len(each)} came through" for verb, each in came.items()})
    assert all(any(each) and not all(each) for each in came.values())


@pytest.mark.parametrize("verb", ["protect", "change", "unprotect"])
def test_a_full_disk_leaves_it_as_it_was(plain: Path, verb: str) -> None:
    """A file may not grow beyond a limit: the write fails as on a full disk."""
    pytest.importorskip("resource")
    if verb != "protect":
        protection.protect(plain, OLD)
    given = {"protect": [NEW], "change": [OLD, NEW], "unprotect": [OLD]}[verb]
    program = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "from core.faults import Fault; from core.storage import protection\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({plain.stat().st_size // 2},) * 2)\n"
        "try: getattr(protection, sys.argv[1])(*sys.argv[2:])\n"
        "except Fault as fault: print(fault.code)"
    )
    command = [sys.executable, "-c", program, verb, str(plain), *given]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert said.stdout.strip() in ("disk_full", "disk_error"), said.stderr
    assert hold_whole(plain, 50) == (None if verb == "protect" else OLD)
