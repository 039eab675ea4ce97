"""Copies of a workspace, made before what cannot be undone by an edit. How one is put back: `restoring`.

They lie in `NAME.backups/` beside the workspace, or under the user's own data where that folder cannot be written.
What is copied is the file, not its content: a protected workspace's backups are encrypted by the same key.

Order is the running number in a backup's name; the clock is only told, and never alone reason enough to delete.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from core import settings
from core.faults import Fault, Usage, WorldFault
from core.progress import SILENT, Progress, step
from core.storage import leftovers
from core.storage.leftovers import folders

if TYPE_CHECKING:
    from core.storage.workspace import Workspace

# Why one was made. Only those that were asked for stay until somebody deletes them.
REASONS = ("migration", "publication", "clearing", "restore", "asked")
ALWAYS = 3  # the newest ones stay whatever the settings and the clock say
SELDOM = timedelta(hours=1)  # before clearings at most one in this time: a copy of 580 MB costs what a clearing does
PATIENCE = 2.0  # seconds for somebody's old reading to end, which keeps the newest pages out of the file
SPARE = 64 << 20  # bytes that a copy has to leave free for the work itself
NAME = re.compile(r"(\d{5,})-(\d{8}T\d{6}Z)-([a-z]+)-([0-9a-f]{12})-([0-9a-f]{16})")
_STAMP = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True)
class Backup:
    """One copy. number: counts up, whatever the clock does. at: UTC. mark: of the ledger it has, see `mark_of`.
    digest: the beginning of its bytes' SHA-256, by which it is known to be what was written."""

    path: Path
    number: int
    at: datetime
    reason: str
    mark: str
    digest: str
    size: int

    @property
    def name(self) -> str:
        return self.path.name


def listed(path: Path) -> list[Backup]:
    """All of them, the newest first; the workspace itself need not be there any more."""
    path = Path(path)
    found: list[Backup] = []
    present: os.stat_result | None = None
    with suppress(OSError):
        present = os.stat(path)
    for folder in folders(path):
        try:
            entries = list(os.scandir(folder))
        except OSError:
            continue
        for entry in entries:
            with suppress(OSError, ValueError):
                stem = entry.name.removesuffix(path.suffix)
                said = NAME.fullmatch(stem) if stem + path.suffix == entry.name else None
                if said and said[3] in REASONS and entry.is_file():
                    stat = os.stat(entry.path)
                    if present is not None and os.path.samestat(stat, present):
                        continue  # a restoring was killed between keeping the file and replacing it
                    at = datetime.strptime(said[2], _STAMP).replace(tzinfo=UTC)
                    size = stat.st_size
                    found.append(Backup(Path(entry.path), int(said[1]), at, said[3], said[4], said[5], size))
    return sorted(found, key=lambda one: (one.number, one.at, one.name), reverse=True)


def logs(path: Path) -> list[Path]:
    """SQLite's files beside backups, also where the backup is gone: of a workspace that was kept as it was found."""
    found: list[Path] = []
    for folder in folders(path):
        with suppress(OSError):
            for one in sorted(folder.iterdir()):
                stem, dash, side = one.name.rpartition("-")
                said = NAME.fullmatch(stem.removesuffix(path.suffix)) if dash + side in leftovers.SIDES else None
                if said and said[3] in REASONS:
                    found.append(one)
    return found


def find(path: Path, name: str) -> Backup:
    """By its file's name or its number. Usage: backup_unknown."""
    for one in listed(path):
        if name in (one.name, str(one.number)) or (name.isdigit() and int(name) == one.number):
            return one
    raise Usage("backup_unknown", name=name, path=path)


# Making


def before(workspace: Workspace, reason: str, progress: Progress = SILENT) -> Backup | None:
    """One before the work, where anything changed since the last; None where not, or where it cannot be made.

    It is never why the work does not happen: that is one transaction and needs no backup to leave the workspace
    whole. What kept it from being made goes to `workspace.tell`.
    """
    try:
        wanted = settings.load().backups
        if not wanted or workspace.read_only:
            return None
        newest = next(iter(listed(workspace.path)), None)
        if newest is not None:
            if newest.mark == mark_of(workspace.reader()):
                return None
            if reason == "clearing" and timedelta() <= datetime.now(UTC) - newest.at < SELDOM:
                return None
        return take(workspace, reason, progress)
    except Fault as fault:
        workspace.tell(fault)
        return None


def migration(
    writer: sqlite3.Connection, path: Path, tell: Callable[[Fault], None]
) -> Callable[[], Path | None]:
    """What makes the one before a migration; where it cannot, `tell` hears why and the migration goes on."""

    def back_up() -> Path | None:
        try:
            return copied(writer, path, "migration").path
        except Fault as fault:
            tell(fault)
            return None

    return back_up


def take(workspace: Workspace, reason: str = "asked", progress: Progress = SILENT) -> Backup:
    """One now. WorldFault: no_backup, no_backup_room; read_only where somebody else may be writing."""
    with workspace.at_rest() as writer:
        return copied(writer, workspace.path, reason, progress)


def copied(writer: sqlite3.Connection, path: Path, reason: str, progress: Progress = SILENT) -> Backup:
    """A copy of the file, whose one writer this is and outside of any transaction; older ones make room.

    WorldFault: no_backup, no_backup_room. A copy that was not finished never carries a backup's name.
    """
    step(progress, "backup", 0, None)
    leftovers.tidy(path)
    _into_file(writer, path)
    mark = mark_of(writer)
    there = listed(path)
    size = path.stat().st_size
    at = datetime.now(UTC).replace(microsecond=0)
    number = there[0].number + 1 if there else 1
    said: OSError | None = None
    for folder in folders(path):
        part = leftovers.part(folder)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if shutil.disk_usage(folder).free < size + SPARE:
                raise WorldFault("no_backup_room", path=folder, size=size)
            copy(path, part, progress)
            made = named(part, folder, number, at, reason, mark, path.suffix, progress)
            # One that is opened to be looked at stays what it was; who may not read the workspace reads none.
            leftovers.allow(part, path.stat().st_mode & 0o444)
            os.replace(part, made.path)
            break
        except OSError as error:
            said = error
            with suppress(OSError):
                part.unlink()
            with suppress(OSError):
                folder.rmdir()  # only an empty one goes
        except BaseException:
            with suppress(OSError):
                part.unlink()
            with suppress(OSError):
                folder.rmdir()  # only an empty one goes
            raise
    else:
        reason_said = (said.strerror or str(said)) if said else ""
        raise WorldFault("no_backup", path=folders(path)[0], reason=reason_said) from said
    kept = settings.load()
    for one in surplus([made, *there], at, kept.backups, kept.backup_days):
        for file in (one.path, *leftovers.sides(one.path)):
            with suppress(OSError):
                leftovers.remove(file)
    return made


def surplus(backups: Sequence[Backup], now: datetime, count: int, days: int) -> list[Backup]:
    """Which are too many or too old, of all, the newest first; `count` 0 leaves them all.

    Too old is what is so by the clock of now and of each of the newest as well: a clock that jumps ahead once, or
    back, deletes nothing that it should not.
    """
    own = [one for one in backups if one.reason != "asked"]
    if not count:
        return []
    by = min([now, *(one.at for one in backups[:ALWAYS])]) - timedelta(days=days)
    too_many = own[max(count, ALWAYS) :]
    too_old = [one for one in own[ALWAYS:] if one.at < by]
    return [one for one in own if one in too_many or one in too_old]


def copy(source: Path, target: Path, progress: Progress = SILENT) -> None:
    """The bytes of a file, in no time where the file system can share them, and on the disk when this returns. OSError.

    By another process: one that closes any file of a database loses its locks on that database (POSIX). Windows
    keeps locks by handle. It may live on a moment when we are killed: `target` has to be a name never used before.
    Only this user may read and write it: what the source allows does not come along.
    """
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    if sys.platform == "win32":
        shutil.copyfile(source, target)
    else:
        words = ["cp", "--reflink=auto", "--", str(source), str(target)]
        quiet = {**os.environ, "LC_ALL": "C"}
        with subprocess.Popen(words, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, env=quiet) as process:
            total = source.stat().st_size
            while True:
                try:
                    _, said = process.communicate(timeout=0.1)
                    break
                except subprocess.TimeoutExpired:
                    try:
                        step(progress, "backup", target.stat().st_size if target.exists() else 0, total)
                    except BaseException:
                        process.kill()
                        raise
        if process.returncode:
            raise OSError(0, said.decode("utf-8", "replace").strip().rpartition(": ")[2])
    with target.open("r+b") as file:
        os.fsync(file.fileno())


def named(
    file: Path, folder: Path, number: int, at: datetime, reason: str, mark: str, suffix: str, progress: Progress
) -> Backup:
    """What this file will be called as a backup."""
    digest = digest_of(file, progress)
    name = f"{number:05}-{at.strftime(_STAMP)}-{reason}-{mark}-{digest}{suffix}"
    return Backup(folder / name, number, at, reason, mark, digest, file.stat().st_size)


def digest_of(file: Path, progress: Progress) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while part := stream.read(1 << 23):
            step(progress, "backup_check", stream.tell(), None)
            digest.update(part)
    return digest.hexdigest()[:16]


def _into_file(writer: sqlite3.Connection, path: Path) -> None:
    """Every committed page from the log into the file itself."""
    until = time.monotonic() + PATIENCE
    while True:
        busy, log, written = writer.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        if not busy and log == written:
            return
        if time.monotonic() > until:
            raise WorldFault("no_backup", path=path, reason="wal")
        time.sleep(0.02)


def mark_of(connection: sqlite3.Connection) -> str:
    """The newest ledger line that changed anything: a run can be made again and needs no backup of its own."""
    row = connection.execute("SELECT hash FROM ledger WHERE action <> 'run' ORDER BY id DESC LIMIT 1").fetchone()
    return str(row[0])[:12] if row else "0" * 12
