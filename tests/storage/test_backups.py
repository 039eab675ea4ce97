"""Backups: made when something changed, kept by number, count and age, put back in one step, never in the way."""

from __future__ import annotations

import os
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import settings
from core.faults import Cancelled, Fault, Refused, WorldFault
from core.storage import backups, protection, restoring
from core.storage.backups import Backup
from core.storage.ledger import Change, Edit
from core.storage.workspace import Workspace
from core.texts import LANGUAGES, Texts


def budget(amount: int, year: int = 2024) -> Edit:
    key = {"year": year, "fund": "employee", "item": "dip_budget", "document": "", "date": ""}
    return Edit("edit", str(year), (Change("budget", key, None, {"amount": amount}),))


BUDGET_2025 = {"year": 2025, "fund": "employee", "item": "dip_budget", "document": "", "date": ""}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    folder = tmp_path / "宁德 100%"
    folder.mkdir()
    with Workspace.create(folder / "市.dianzhi", region="350900") as workspace:
        workspace.ledger.commit(budget(7))
    return folder / "市.dianzhi"


def amounts(path: Path) -> list[int]:
    with Workspace.open(path, write=False) as workspace:
        assert workspace.integrity() == []
        assert workspace.ledger.check() == []
        return [amount for (amount,) in workspace.reader().execute("SELECT amount FROM budget ORDER BY year")]


def test_one_is_made_only_where_something_changed(path: Path) -> None:
    with Workspace.open(path) as workspace:
        made = backups.before(workspace, "publication")
        assert made is not None
        assert (made.number, made.reason) == (1, "publication")
        assert backups.before(workspace, "publication") is None
        with workspace.transaction("clear", "x") as writer:
            workspace.ledger.record(writer, "run", "x")  # a run can be made again
        assert backups.before(workspace, "publication") is None
        workspace.ledger.commit(budget(8, 2025))
        assert backups.before(workspace, "clearing") is None  # the last is not an hour old
        again = backups.before(workspace, "publication")
        assert again is not None and again.number == 2
        assert workspace.notices == []
    assert [one.number for one in backups.listed(path)] == [2, 1]
    assert amounts(made.path) == [7]
    assert amounts(again.path) == [7, 8]


def test_what_is_committed_is_in_it_while_others_read(path: Path) -> None:
    with Workspace.open(path) as workspace, Workspace.open(path, write=False) as other:
        rows = other.reader().execute("SELECT * FROM ledger")
        rows.fetchone()  # an old reading, which keeps new pages in the log
        workspace.ledger.commit(budget(8, 2025))
        told: list[Fault] = []
        workspace.tell = told.append
        assert backups.before(workspace, "clearing") is None
        assert [fault.code for fault in told] == ["no_backup"]
        rows.close()
        other.reader().rollback()
        assert amounts_of(backups.take(workspace)) == [7, 8]


def amounts_of(backup: Backup) -> list[int]:
    return amounts(backup.path)


def test_restoring_keeps_what_was_there_and_says_so(path: Path) -> None:
    with Workspace.open(path) as workspace:
        first = backups.take(workspace)
        workspace.ledger.commit(budget(8, 2025))
        head = workspace.generation()
    kept = restoring.restore(path, first.path)
    assert amounts(path) == [7]
    assert kept is not None and kept.reason == "restore"
    assert amounts(kept.path) == [7, 8]
    with Workspace.open(path) as workspace:
        newest = workspace.ledger.lines()[0]
        assert (newest.action, newest.subject) == ("restore", f"{first.name} #{head}")
    restoring.restore(path, kept.path)
    assert amounts(path) == [7, 8]
    assert [one.reason for one in backups.listed(path)] == ["restore", "restore", "asked"]


def confirm(workspace: Workspace, year: int) -> str:
    after = {"runs": "[]", "at": "2026-01-01T00:00:00+00:00", "who": "x", "why": ""}
    workspace.ledger.commit(Edit("confirm", str(year), (Change("confirmed_year", {"year": year}, None, after),)))
    return workspace.generation()


def test_a_confirmation_is_not_lost_without_a_word(path: Path) -> None:
    """Restoring what was before confirming reopens the year: a reason is asked for, and the line says what it replaced."""
    with Workspace.open(path) as workspace:
        confirm(workspace, 2023)
        first = backups.take(workspace)
        head = confirm(workspace, 2024)
    assert restoring.lost(path, first.path) == restoring.Loss(head, (2024,), "")
    with pytest.raises(Refused) as refused:
        restoring.restore(path, first.path, why=" ")
    assert refused.value.code == "restore_reason" and refused.value.values["years"] == "2024"
    with Workspace.open(path) as workspace:
        assert workspace.generation() == head
    kept = restoring.restore(path, first.path, why="错误的版本")
    assert kept is not None
    with Workspace.open(path) as workspace:
        line = workspace.ledger.lines()[0]
        assert (line.action, line.subject, line.why) == ("restore", f"{first.name} #{head} -2024", "错误的版本")
    restoring.restore(path, kept.path)  # nothing confirmed is lost that way
    with Workspace.open(path) as workspace:
        assert " -" not in workspace.ledger.lines()[0].subject


@pytest.mark.parametrize("damage", ["header", "cut", "middle", "gone", "empty"])
def test_a_workspace_that_cannot_be_opened_any_more_is_put_back(path: Path, damage: str) -> None:
    with Workspace.open(path) as workspace:
        made = backups.take(workspace)
    data = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(
            {
                "header": b"\0" * 200 + data[200:], "cut": data[: len(data) // 2],
                "middle": data[:8192] + b"\xff" * 65536 + data[8192 + 65536 :], "empty": b"",
            }[damage]
        )  # fmt: skip
    spoilt = path.read_bytes() if path.exists() else b""
    kept = restoring.restore(path, made.path, why="打不开")
    assert amounts(path) == [7]
    if spoilt:
        assert kept is not None
        assert len(kept.path.read_bytes()) == len(spoilt)  # nobody threw away what may still be of use


def test_a_log_of_the_old_file_is_never_played_into_the_new_one(path: Path) -> None:
    """As a killed process leaves it: a file with its log, and then a header that nobody can read."""
    with Workspace.open(path) as workspace:
        made = backups.take(workspace)
        workspace.ledger.commit(budget(8, 2025))
        log = path.with_name(path.name + "-wal").read_bytes()
        assert log
    path.write_bytes(b"\0" * 100 + path.read_bytes()[100:])
    path.with_name(path.name + "-wal").write_bytes(log)
    kept = restoring.restore(path, made.path, why="打不开")
    assert amounts(path) == [7]
    assert kept is not None
    assert kept.path.with_name(kept.name + "-wal").exists()


def test_a_damaged_backup_is_refused_and_nothing_is_changed(path: Path) -> None:
    with Workspace.open(path) as workspace:
        made = backups.take(workspace)
        workspace.ledger.commit(budget(8, 2025))
    whole = made.path.read_bytes()
    before = path.read_bytes()
    made.path.chmod(0o600)
    for at in (0, 20, 100, 8192 + 40, len(whole) // 2, len(whole) - 3000):
        made.path.write_bytes(whole[:at] + bytes(255 - byte for byte in whole[at : at + 600]) + whole[at + 600 :])
        with pytest.raises(WorldFault, match="backup_damaged"):
            restoring.restore(path, made.path)
    made.path.write_bytes(whole[:-8192])
    with pytest.raises(WorldFault, match="backup_damaged"):
        restoring.restore(path, made.path)
    made.path.unlink()
    with pytest.raises(WorldFault, match="missing"):
        restoring.restore(path, made.path)
    assert path.read_bytes() == before
    assert not list(path.parent.glob("*.restoring*"))


def test_an_open_workspace_is_not_replaced(path: Path) -> None:
    with Workspace.open(path) as workspace:
        made = backups.take(workspace)
        with pytest.raises(WorldFault, match="locked"):
            restoring.restore(path, made.path)
    with Workspace.open(path, write=False) as reading:
        reading.reader().execute("SELECT 1 FROM meta").fetchone()
        with pytest.raises(WorldFault, match="locked"):
            restoring.restore(path, made.path)
    restoring.restore(path, made.path)


def test_a_cancelled_backup_leaves_none(path: Path) -> None:
    class Impatient:
        cancelled = True

        def report(self, code: str, done: int, total: int | None = None) -> None: ...

    with Workspace.open(path) as workspace, pytest.raises(Cancelled):
        backups.take(workspace, progress=Impatient())
    assert backups.listed(path) == []


def test_one_that_has_no_room_leaves_no_empty_folder(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backups, "SPARE", 1 << 62)
    with Workspace.open(path) as workspace, pytest.raises(WorldFault, match="no_backup_room"):
        backups.take(workspace)
    assert not backups.folders(path)[0].exists()


def test_a_folder_that_cannot_be_made_sends_it_to_the_users_own(path: Path) -> None:
    backups.folders(path)[0].write_text("in the way")
    with Workspace.open(path) as workspace:
        made = backups.before(workspace, "clearing")
    assert made is not None
    assert made.path.is_relative_to(settings.home())
    assert backups.listed(path) == [made]
    restoring.restore(path, made.path)
    assert amounts(path) == [7]


def test_none_can_be_made_and_the_work_goes_on(path: Path) -> None:
    backups.folders(path)[0].write_text("in the way")
    settings.home().mkdir(parents=True, exist_ok=True)
    (settings.home() / "backups").write_text("in the way")
    with Workspace.open(path) as workspace:
        assert backups.before(workspace, "clearing") is None
        assert [fault.code for fault in workspace.notices] == ["no_backup"]
        workspace.ledger.commit(budget(8, 2025))
        with pytest.raises(WorldFault, match="no_backup"):
            backups.take(workspace)
    assert amounts(path) == [7, 8]


def test_a_full_disk_goes_on_without(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk of 4 MB where it may be mounted; the room that a copy has to leave is lowered to reach its end."""
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "t", str(small)], capture_output=True).returncode:
        pytest.skip("nothing may be mounted here")
    try:
        there = small / "市.dianzhi"
        shutil.copyfile(path, there)
        monkeypatch.setenv("DIANZHI_HOME", str(small / "home"))
        with Workspace.open(there) as workspace:
            assert backups.before(workspace, "clearing") is None
            assert [fault.code for fault in workspace.notices] == ["no_backup_room"]
            monkeypatch.setattr(backups, "SPARE", -(1 << 30))
            (small / "filler").write_bytes(b"x" * (shutil.disk_usage(small).free - 200_000))
            with pytest.raises(WorldFault, match="no_backup"):
                backups.take(workspace)
            assert backups.listed(there) == []
            assert not list(small.rglob("*.part"))
            workspace.ledger.commit(budget(8, 2025))
        assert amounts(there) == [7, 8]
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)


def test_foreign_files_in_the_folder_are_nobodys(path: Path) -> None:
    with Workspace.open(path) as workspace:
        folder = backups.take(workspace).path.parent
        for name in ("00009-20240101T000000Z-clearing-xyz-1.dianzhi", "notes.txt", "1-2-3"):
            (folder / name).write_text("mine")
        (folder / "0123.part").write_text("half")
        backups.take(workspace)
    assert len(backups.listed(path)) == 2
    assert (folder / "notes.txt").exists()
    assert not list(folder.glob("*.part"))


def test_killed_between_keeping_and_replacing_it_is_no_backup(path: Path) -> None:
    with Workspace.open(path) as workspace:
        folder = backups.take(workspace).path.parent
    os.link(path, folder / "00002-20240101T000000Z-restore-000000000000-0000000000000000.dianzhi")
    assert [one.number for one in backups.listed(path)] == [1]


# Which are kept

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def line_of(stamps: list[datetime], reason: str = "clearing") -> list[Backup]:
    """Backups in the order given, the newest first."""
    top = len(stamps)
    return [Backup(Path(str(top - n)), top - n, at, reason, "", "", 1) for n, at in enumerate(stamps)]


def gone(backups_: list[Backup], now: datetime = NOW, count: int = 10, days: int = 90) -> list[int]:
    return [one.number for one in backups.surplus(backups_, now, count, days)]


def test_kept_by_count_and_age() -> None:
    daily = [NOW - timedelta(days=n) for n in range(12)]
    assert gone(line_of(daily)) == [2, 1]
    assert gone(line_of([NOW, *(NOW - timedelta(days=100 + n) for n in range(5))])) == []
    aged = [NOW, NOW, NOW, NOW - timedelta(days=89), NOW - timedelta(days=91)]
    assert gone(line_of(aged)) == [1]
    assert gone(line_of(daily, "asked")) == []
    assert gone(line_of(daily), count=1) == list(range(9, 0, -1))


@pytest.mark.parametrize("jump", [timedelta(days=4000), -timedelta(days=4000)])
def test_one_jump_of_the_clock_deletes_none_for_its_age(jump: timedelta) -> None:
    before = [NOW - timedelta(days=n) for n in range(6)]
    assert gone(line_of([NOW + jump, *before]), now=NOW + jump) == []
    # and when it has come back to its senses
    assert gone(line_of([NOW, NOW + jump, *before]), now=NOW) == []


@given(st.lists(st.integers(-5000, 5000), min_size=1, max_size=30), st.integers(-5000, 5000), st.integers(1, 12))
def test_the_newest_by_number_stay_whatever_the_clock_says(days: list[int], now: int, count: int) -> None:
    all_ = line_of([NOW + timedelta(days=n) for n in days])
    left = set(gone(all_, NOW + timedelta(days=now), count))
    assert not left & {one.number for one in all_[: backups.ALWAYS]}
    assert len(all_) - len(left) <= max(count, backups.ALWAYS)


def test_backups_of_a_protected_workspace_stay_so(path: Path) -> None:
    from core.storage import recognised

    said = "一句足够长的口令 2024"
    key = protection.protect(path, said)
    with Workspace.open(path, passphrase=key) as workspace:
        made = backups.take(workspace)
        workspace.ledger.commit(budget(8, 2025))
    assert recognised.protected(made.path)
    with pytest.raises(WorldFault, match="locked_by_passphrase"):
        restoring.restore(path, made.path)
    with pytest.raises(WorldFault, match="wrong_passphrase"):
        restoring.restore(path, made.path, "another one, long enough")
    kept = restoring.restore(path, made.path, said)
    assert kept is not None
    assert recognised.protected(path) and recognised.protected(kept.path)
    with Workspace.open(path, passphrase=said) as workspace:
        assert workspace.reader().execute("SELECT amount FROM budget").fetchall() == [(7,)]
        assert workspace.ledger.lines()[0].action == "restore"


def test_a_plain_backup_is_locked_when_it_replaces_a_protected_workspace(path: Path) -> None:
    """Made before the passphrase was set: restoring it takes the passphrase from nobody, and leaves nothing in clear."""
    from core.storage import recognised

    said = "一句足够长的口令 2024"
    with Workspace.open(path) as workspace:
        workspace.ledger.commit(Edit("edit", "2025", (Change("budget", BUDGET_2025, None, {"amount": 9}),), "明文里的话"))
        early = backups.take(workspace)
    protection.protect(path, said)
    assert restoring.locked_by(path, early.path) == path
    with pytest.raises(WorldFault, match="locked_by_passphrase"):
        restoring.restore(path, early.path)
    with pytest.raises(WorldFault, match="passphrase_unproven"):
        restoring.restore(path, early.path, "another one, long enough")
    assert recognised.protected(path)
    kept = restoring.restore(path, early.path, said)
    assert kept is not None and recognised.protected(kept.path)
    assert recognised.protected(path)
    with Workspace.open(path, passphrase=said) as workspace:
        assert workspace.integrity() == [] and workspace.ledger.check() == []
        assert workspace.reader().execute("SELECT amount FROM budget ORDER BY year").fetchall() == [(7,), (9,)]
        assert [line.action for line in workspace.ledger.lines()][:2] == ["restore", "edit"]
    clear = [one for one in path.parent.rglob("*") if one.is_file() and "明文里的话".encode() in one.read_bytes()]
    assert clear == [early.path]
    restoring.restore(path, kept.path, said)
    with Workspace.open(path, passphrase=said) as workspace:
        assert workspace.ledger.lines()[1].action == "protect"


def test_a_plain_backup_over_a_damaged_protected_workspace(path: Path) -> None:
    """The right passphrase cannot be proven by a damaged head: said so, and with the file out of the way it goes."""
    said = "一句足够长的口令 2024"
    with Workspace.open(path) as workspace:
        early = backups.take(workspace)
    protection.protect(path, said)
    with path.open("r+b") as file:
        file.seek(100)
        file.write(b"damage")
    with pytest.raises(WorldFault) as caught:
        restoring.restore(path, early.path, said, why="坏了")
    assert caught.value.code == "passphrase_unproven"
    for lang in LANGUAGES:
        assert early.path.name in Texts(lang).fault(caught.value)
    path.rename(path.with_name("aside"))
    assert restoring.restore(path, early.path) is None
    with Workspace.open(path) as workspace:
        assert workspace.integrity() == []


def modes(folder: Path) -> dict[str, int]:
    return {one.name: one.stat().st_mode & 0o777 for one in folder.rglob("*") if one.is_file()}


@pytest.mark.skipif(os.name == "nt", reason="rights of POSIX")
def test_others_on_the_machine_read_nothing(tmp_path: Path) -> None:
    """Of what is new; a workspace that its owner has opened to a group stays so, with its backups."""
    path = tmp_path / "w.dianzhi"
    before = os.umask(0o022)
    try:
        with Workspace.create(path) as workspace:
            workspace.ledger.commit(budget(7))
            made = backups.take(workspace)
            assert not [name for name, mode in modes(tmp_path).items() if mode & 0o077], modes(tmp_path)
        made.path.chmod(0o444)  # as they were made once
        restoring.restore(path, made.path)
        assert not path.stat().st_mode & 0o077
        path.unlink()
        restoring.restore(path, made.path)
        assert path.stat().st_mode & 0o777 == 0o600
        path.chmod(0o660)
        with Workspace.open(path) as workspace:
            shared = backups.take(workspace)
        restoring.restore(path, made.path)
        assert (path.stat().st_mode & 0o777, shared.path.stat().st_mode & 0o777) == (0o660, 0o440)
    finally:
        os.umask(before)
