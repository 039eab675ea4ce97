"""Copies of a workspace, made before what cannot be undone by an edit, and put back when the file is lost.

They lie in `NAME.backups/` beside the workspace, or under the user's own data where that folder cannot be written.
What is copied is the file, not its content: a protected workspace's backups are encrypted by the same key.

Order is the running number in a backup's name; the clock is only told, and never alone reason enough to delete.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
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
from core.faults import Fault, Refused, Usage, WorldFault
from core.progress import SILENT, Progress, step
from core.storage import engine
from core.storage.ledger import Ledger, check

if TYPE_CHECKING:
    from core.storage.keys import Key
    from core.storage.workspace import Workspace

# Why one was made. Only those that were asked for stay until somebody deletes them.
REASONS = ("migration", "publication", "clearing", "restore", "asked")
ALWAYS = 3  # the newest ones stay whatever the settings and the clock say
SELDOM = timedelta(hours=1)  # before clearings at most one in this time: a copy of 580 MB costs what a clearing does
PATIENCE = 2.0  # seconds for somebody's old reading to end, which keeps the newest pages out of the file
SPARE = 64 << 20  # bytes that a copy has to leave free for the work itself
_NAME = re.compile(r"(\d{5,})-(\d{8}T\d{6}Z)-([a-z]+)-([0-9a-f]{12})-([0-9a-f]{16})")
_STAMP = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True)
class Backup:
    """One copy. number: counts up, whatever the clock does. at: UTC. mark: of the ledger it has, see `_mark`.
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


def folders(path: Path) -> tuple[Path, Path]:
    """Where a workspace's backups lie: beside it, else with the user's own data."""
    path = Path(path).absolute()
    known = hashlib.sha256(str(path).encode()).hexdigest()[:12]
    return path.with_name(f"{path.name}.backups"), settings.home() / "backups" / f"{path.name}-{known}"


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
                said = _NAME.fullmatch(stem) if stem + path.suffix == entry.name else None
                if said and said[3] in REASONS and entry.is_file():
                    stat = os.stat(entry.path)
                    if present is not None and os.path.samestat(stat, present):
                        continue  # a restoring was killed between keeping the file and replacing it
                    at = datetime.strptime(said[2], _STAMP).replace(tzinfo=UTC)
                    size = stat.st_size
                    found.append(Backup(Path(entry.path), int(said[1]), at, said[3], said[4], said[5], size))
    return sorted(found, key=lambda one: (one.number, one.at, one.name), reverse=True)


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
            if newest.mark == _mark(workspace.reader()):
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
    _into_file(writer, path)
    mark = _mark(writer)
    there = listed(path)
    size = path.stat().st_size
    at = datetime.now(UTC).replace(microsecond=0)
    number = there[0].number + 1 if there else 1
    said: OSError | None = None
    for folder in folders(path):
        part = folder / f"{secrets.token_hex(8)}.part"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for left in folder.glob("*.part"):  # of a process that was killed: we hold the lock
                left.unlink()
            if shutil.disk_usage(folder).free < size + SPARE:
                raise WorldFault("no_backup_room", path=folder, size=size)
            copy(path, part, progress)
            made = _named(part, folder, number, at, reason, mark, path.suffix, progress)
            # One that is opened to be looked at stays what it was; who may not read the workspace reads none.
            part.chmod(path.stat().st_mode & 0o444)
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
        with suppress(OSError):
            one.path.chmod(0o600)  # Windows deletes no file that may not be written
            one.path.unlink()
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


def _named(
    file: Path, folder: Path, number: int, at: datetime, reason: str, mark: str, suffix: str, progress: Progress
) -> Backup:
    """What this file will be called as a backup."""
    digest = _digest(file, progress)
    name = f"{number:05}-{at.strftime(_STAMP)}-{reason}-{mark}-{digest}{suffix}"
    return Backup(folder / name, number, at, reason, mark, digest, file.stat().st_size)


def _digest(file: Path, progress: Progress) -> str:
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


def _mark(connection: sqlite3.Connection) -> str:
    """The newest ledger line that changed anything: a run can be made again and needs no backup of its own."""
    row = connection.execute("SELECT hash FROM ledger WHERE action <> 'run' ORDER BY id DESC LIMIT 1").fetchone()
    return str(row[0])[:12] if row else "0" * 12


# Putting back


def sound(backup: Path, key: str = "", progress: Progress = SILENT) -> None:
    """Look through all of a backup. WorldFault: backup_damaged, missing."""
    if not backup.is_file():
        raise WorldFault("missing", path=backup)
    if (said := _NAME.fullmatch(backup.name.partition(".")[0])) and said[5] != _digest(backup, progress):
        raise WorldFault("backup_damaged", path=backup, reason="SHA-256")
    try:
        connection = engine.connect(backup, "immutable", key)
        try:
            connection.set_progress_handler(lambda: progress.cancelled, 1_000_000)
            said = [str(row[0]) for row in connection.execute("PRAGMA quick_check(1)")]
            findings = check(connection)
        finally:
            connection.close()
    except (engine.Error, ValueError, TypeError) as error:
        step(progress, "backup_check", 0, None)
        raise WorldFault("backup_damaged", path=backup, reason=str(error)) from error
    if said != ["ok"] or findings:
        reason = said[0] if said != ["ok"] else f"{findings[0].code} {findings[0].subject}"
        raise WorldFault("backup_damaged", path=backup, reason=reason)


def locked_by(path: Path, backup: Path) -> Path | None:
    """Whose passphrase restoring asks for: the backup's, or that of the workspace that a plain backup replaces."""
    from core.storage import recognised

    for one in (backup, path):
        with suppress(WorldFault):  # what is damaged or gone asks for none
            if recognised.protected(one):
                return one
    return None


def lost(path: Path, backup: Path, passphrase: str | Key | None = None) -> tuple[str, tuple[int, ...]]:
    """What restoring takes away: the newest hash of the present ledger ("" where it cannot be read), and the years whose
    clearing is confirmed in it and not, or otherwise, in the backup."""
    head, present = _confirmed(path, passphrase, "rw")
    _, there = _confirmed(backup, passphrase, "immutable")
    return head, tuple(year for year, line in present.items() if there.get(year) != line)


def _confirmed(path: Path, passphrase: str | Key | None, mode: str) -> tuple[str, dict[int, str]]:
    """Newest hash of the file's ledger, and of each confirmed year the line that says so; nothing of what opens no more."""
    from core.storage import closed, keys, recognised

    with suppress(WorldFault, engine.Error, ValueError):
        key = keys.given(path, passphrase).digits if recognised.protected(path) else ""
        connection = engine.connect(path, mode, key)
        try:
            (head,) = connection.execute("SELECT hash FROM ledger ORDER BY id DESC LIMIT 1").fetchone() or ("",)
            known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (closed.TABLE,)).fetchone()
            years = closed.confirmed(connection) if known else {}
            return str(head), {year: one.line for year, one in years.items()}
        finally:
            connection.close()
    return "", {}


def restore(
    path: Path,
    backup: Path,
    passphrase: str | Key | None = None,
    progress: Progress = SILENT,
    why: str = "",
) -> Backup | None:
    """Put a backup in the workspace's place, in one step; what was there is itself kept first and returned.

    The workspace may be damaged or gone; nobody may have it open. passphrase: see `locked_by`; what was protected stays
    so, with its own passphrase where the backup has none. Its ledger gets a line, `BACKUP #HEAD -YEAR ...`: the head of
    the ledger that it replaced, and each year whose confirmation is lost with it. Refused: restore_reason, where one is
    and no reason is given. WorldFault: locked, backup_damaged, no_backup, disk_full, locked_by_passphrase,
    wrong_passphrase ...
    """
    from core.storage import keys, protection
    from core.storage.workspace import as_fault, locked

    path = Path(path).resolve()
    if not backup.is_file():
        raise WorldFault("missing", path=backup)
    whose = locked_by(path, backup)
    given = keys.given(whose, passphrase) if whose is not None else None
    key = given.digits if given is not None else ""
    lock = locked(path)
    if isinstance(lock, str):
        raise WorldFault(lock, path=path)
    beside = path.with_name(f"{path.name}.restoring-{secrets.token_hex(8)}")
    try:
        with as_fault(path):
            sound(backup, key if whose == backup else "", progress)
            head, years = lost(path, backup, passphrase)
            if years and not why.strip():
                raise Refused("restore_reason", years=", ".join(map(str, years)))
            try:
                if given is not None and whose != backup:
                    protection.locked_copy(backup, beside, given, progress)
                else:
                    copy(backup, beside, progress)
            except OSError as error:
                size, done = backup.stat().st_size, beside.stat().st_size if beside.exists() else 0
                if shutil.disk_usage(path.parent).free + done < size:
                    raise WorldFault("no_backup_room", path=beside, size=size) from error
                raise
            said = " ".join([backup.name, *([f"#{head}"] if head else []), *(f"-{year}" for year in years)])
            with_line(beside, said, key, why.strip())
            kept = _put_by(path, key, progress)
            if path.exists():
                shutil.copymode(path, beside)
            os.replace(beside, path)
            return kept
    except OSError as error:
        raise WorldFault("cannot_open", path=path, reason=error.strerror or str(error)) from error
    finally:
        with suppress(OSError):
            for left in path.parent.iterdir():  # ours, and those of a process that was killed
                if left.name.startswith(f"{path.name}.restoring-"):
                    left.unlink()
        lock.release()


def with_line(path: Path, said: str, key: str, why: str) -> None:
    """Say in the ledger of a copy that it was put back. It is one file afterwards."""
    connection = engine.connect(path, "rw", key)
    try:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("BEGIN IMMEDIATE")
        Ledger.record_in(connection, "restore", said, why=why)
        connection.execute("COMMIT")
    finally:
        connection.close()


def _put_by(path: Path, key: str, progress: Progress) -> Backup | None:
    """The present file among the backups, whole or not, with its log where SQLite cannot write that into it."""
    if not path.exists() or not path.stat().st_size:
        return None
    mark = "0" * 12
    try:
        connection = engine.connect(path, "rw", key)
        try:
            # Only the last connection may leave the log: who else has the file open is found out here.
            connection.execute("PRAGMA busy_timeout = 1000")
            connection.execute("PRAGMA journal_mode = DELETE").fetchone()
            mark = _mark(connection)
        finally:
            connection.close()
    except engine.Error as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in (engine.SQLITE_BUSY, engine.SQLITE_LOCKED):
            raise WorldFault("locked", path=path) from error
    there = listed(path)
    at = datetime.now(UTC).replace(microsecond=0)
    number = there[0].number + 1 if there else 1
    said: OSError | None = None
    for folder in folders(path):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            kept = _named(path, folder, number, at, "restore", mark, path.suffix, progress)
            log = path.with_name(path.name + "-wal")
            if log.exists():
                copy(log, kept.path.with_name(kept.name + "-wal"), progress)
            try:
                os.link(path, kept.path)  # takes neither room nor time
            except OSError:
                copy(path, kept.path, progress)
        except OSError as error:
            said = error
            continue
        for end in ("-wal", "-shm", "-journal"):  # SQLite would play the old log into the new file
            with suppress(FileNotFoundError):
                path.with_name(path.name + end).unlink()
        return kept
    reason_said = (said.strerror or str(said)) if said else ""
    raise WorldFault("no_backup", path=folders(path)[0], reason=reason_said) from said
