"""What a killed work leaves: all of it is found, told and overwritten, and nothing that is somebody's."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from core.faults import Fault, Refused, WorldFault
from core.settings import ROOT
from core.storage import backups, leftovers, protection, restoring
from core.storage.ledger import Change, Edit
from core.storage.workspace import Workspace

SAID = "一句足够长的口令 2024"
OTHER = "另外一个口令 2025"
MARK = "明文里的话"


def decide(workspace: Workspace, case: str) -> None:
    workspace.ledger.commit(Edit("edit", case, (Change("special_case", {"setl_id": case}, None, {"decision": "by_item"}),)))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "w.dianzhi"
    with Workspace.create(made) as workspace:
        decide(workspace, MARK)
    return made


def in_clear(folder: Path) -> list[str]:
    return [one.name for one in sorted(folder.rglob("*")) if one.is_file() and MARK.encode() in one.read_bytes()]


def scatter(path: Path) -> list[Path]:
    """As killed works leave it: copies half made, and the logs of a workspace that was kept, and of a backup that is gone."""
    with Workspace.open(path) as workspace:
        made = backups.take(workspace)
    folder = made.path.parent
    names = [
        leftovers.converting(path), leftovers.restoring(path), leftovers.part(folder),
        made.path.with_name(made.name + "-wal"), made.path.with_name(made.name.replace("00001", "00009") + "-journal"),
    ]  # fmt: skip
    for one in names:
        shutil.copyfile(path, one)
    return [made.path, *names]


def test_all_that_lies_in_clear_is_named_and_dropped(path: Path) -> None:
    all_ = scatter(path)
    bystander = path.with_name("w.dianzhi.notes")
    bystander.write_text("mine")
    protection.protect(path, SAID)
    kept = [one for one in all_ if one.exists()]
    assert in_clear(path.parent) == sorted(one.name for one in kept)
    held = [one.open("rb") for one in kept]
    assert set(protection.open_copies(path)) == set(kept)
    assert set(protection.drop_copies(path)) == set(kept)
    for one in held:  # not only removed
        assert one.read().strip(b"\0") == b""
        one.close()
    assert in_clear(path.parent) == [] and protection.open_copies(path) == []
    assert bystander.exists()


def test_an_opening_clears_away_what_was_half_made(path: Path) -> None:
    protection.protect(path, SAID)
    half = [leftovers.converting(path), leftovers.restoring(path), leftovers.part(leftovers.folders(path)[0])]
    half[2].parent.mkdir()
    for one in half:
        one.write_text(MARK)
    assert set(protection.open_copies(path)) == set(half)
    with pytest.raises(WorldFault, match="wrong_passphrase"):
        Workspace.open(path, passphrase=OTHER)
    assert not any(one.exists() for one in half)


def test_what_cannot_be_cleared_away_is_told_but_not_a_backup_under_way(path: Path) -> None:
    """Half a conversion is told to who opens beside a writer; a copy that the writer is making is nobody's trouble."""
    with Workspace.open(path) as workspace:
        backups.take(workspace)
        for one in (part := leftovers.part(leftovers.folders(path)[0]), leftovers.converting(path)):
            one.write_text(MARK)
        with Workspace.open(path, write=False) as beside:
            assert [fault.values["path"] for fault in beside.notices] == [leftovers.converting(path)]
        assert part.exists()
        backups.take(workspace)
        assert not part.exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows replaces no file that is open")
def test_a_disk_without_second_names(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stick (exFAT) knows no hard links: what was plain is overwritten all the same, and told where it cannot be."""

    def none(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", none)
    monkeypatch.setattr(os, "chmod", none)
    told: list[Fault] = []
    with path.open("rb") as before:
        protection.protect(path, SAID, tell=told.append)
        assert before.read().strip(b"\0") == b""
    assert told == [] and leftovers.of(path) == []
    protection.unprotect(path, SAID)
    monkeypatch.setattr(leftovers, "overwrite", none)
    protection.protect(path, SAID, tell=told.append)
    assert [fault.code for fault in told] == ["not_overwritten"]
    with Workspace.open(path, passphrase=SAID) as workspace:
        made = backups.take(workspace)
        assert made.path.parent == leftovers.folders(path)[0]
    assert restoring.restore(path, made.path, SAID) is not None


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="nowhere to look")
def test_the_room_of_what_was_replaced_is_free_again(path: Path) -> None:
    """Heads are read by descriptors that stay open: not of files that have no name any more."""
    protection.unprotect(path, protection.protect(path, SAID))
    held = [os.readlink(one.path) for one in os.scandir("/proc/self/fd") if os.path.islink(one.path)]
    assert not [one for one in held if one.startswith(str(path.parent)) and "(deleted)" in one]


def test_a_second_name_is_left_alone_and_told(path: Path) -> None:
    second = path.with_name("mine")
    os.link(path, second)
    told: list[Fault] = []
    protection.protect(path, SAID, tell=told.append)
    assert [fault.code for fault in told] == ["not_overwritten"]
    assert in_clear(path.parent) == ["mine"] and leftovers.of(path) == []


@pytest.mark.skipif(os.name == "nt", reason="kills itself by a signal")
def test_what_a_restoring_kept_is_not_overwritten(path: Path) -> None:
    """A conversion killed before it replaced the file leaves a second name of it, and restoring gives it a third."""
    with Workspace.open(path) as workspace:
        early = backups.take(workspace)
        decide(workspace, "later")
    program = (
        "import os, signal, sys; from core.storage import protection\n"
        "protection.leftovers.os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "protection.protect(sys.argv[1], sys.argv[2])"
    )
    ended = subprocess.run([sys.executable, "-c", program, str(path), SAID], cwd=ROOT, check=False)
    assert ended.returncode == -signal.SIGKILL and leftovers.leaving(path).exists()
    kept = restoring.restore(path, early.path)
    assert kept is not None
    Workspace.open(path).close()
    with Workspace.open(kept.path, write=False) as workspace:
        assert workspace.integrity() == []
        assert workspace.reader().execute("SELECT count(*) FROM special_case").fetchone() == (2,)
    assert leftovers.of(path) == []


def test_a_confirmation_behind_another_passphrase_is_not_lost_without_a_word(path: Path) -> None:
    """Restoring a backup of before `protect --change`: its passphrase says nothing of the file that is there."""
    first = protection.protect(path, SAID)
    with Workspace.open(path, passphrase=first) as workspace:
        early = backups.take(workspace)
        after = {"runs": "[]", "at": "2026-01-01T00:00:00+00:00", "who": "x", "why": ""}
        workspace.ledger.commit(Edit("confirm", "2024", (Change("confirmed_year", {"year": 2024}, None, after),)))
        head = workspace.generation()
    second = protection.change(path, first, OTHER)
    unread = restoring.lost(path, early.path, SAID)  # as it is typed: its key is another
    assert unread.locked and unread.unread == "wrong_passphrase" and unread.years == ()
    known = restoring.lost(path, early.path, first, second)
    assert (known.years, known.unread) == ((2024,), "") and known.head != head  # the change is a line too
    for present, code in ((None, "restore_reason_unread"), (first, "restore_reason_unread"), (second, "restore_reason")):
        with pytest.raises(Refused) as refused:
            restoring.restore(path, early.path, first, why=" ", present=present)
        assert refused.value.code == code
    with Workspace.open(path, passphrase=second) as workspace:
        assert workspace.generation() == known.head
    kept = restoring.restore(path, early.path, first, why="口令没有人知道")
    assert kept is not None
    with Workspace.open(path, passphrase=first) as workspace:
        assert (workspace.ledger.lines()[0].subject, workspace.ledger.lines()[0].why) == (early.name, "口令没有人知道")
    restoring.restore(path, kept.path, second, present=first)
    with Workspace.open(path, passphrase=second) as workspace:
        assert workspace.ledger.lines()[0].subject.startswith(f"{kept.name} #")


def test_a_damaged_file_may_hold_a_confirmation_too(path: Path) -> None:
    with Workspace.open(path) as workspace:
        early = backups.take(workspace)
    path.write_bytes(b"\0" * 200 + path.read_bytes()[200:])
    with pytest.raises(Refused, match="restore_reason_unread"):
        restoring.restore(path, early.path)
    restoring.restore(path, early.path, why="打不开")
    path.write_bytes(b"")
    restoring.restore(path, early.path)  # there is nothing to lose
