"""A backup in the workspace's place, in one step: also where the workspace opens no more, or is gone."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from core.faults import Refused, WorldFault
from core.progress import SILENT, Progress, step
from core.storage import backups, closed, engine, keys, leftovers, protection, recognised
from core.storage.backups import Backup
from core.storage.keys import Key
from core.storage.ledger import Ledger, check
from core.storage.workspace import as_fault, locked


def sound(backup: Path, key: str = "", progress: Progress = SILENT) -> None:
    """Look through all of a backup. WorldFault: backup_damaged, missing."""
    if not backup.is_file():
        raise WorldFault("missing", path=backup)
    if (said := backups.NAME.fullmatch(backup.name.partition(".")[0])) and said[5] != backups.digest_of(backup, progress):
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
    for one in (backup, path):
        with suppress(WorldFault):  # what is damaged or gone asks for none
            if recognised.protected(one):
                return one
    return None


def key_for(path: Path, backup: Path, passphrase: str | Key | None) -> Key | None:
    """Of what `locked_by` names, None where that is nothing. WorldFault: locked_by_passphrase, wrong_passphrase of the backup;
    passphrase_unproven of the workspace, which may be damaged where the passphrase is proven."""
    whose = locked_by(path, backup)
    if whose is None:
        return None
    try:
        return keys.given(whose, passphrase)
    except WorldFault as fault:
        if whose == path and fault.code == "wrong_passphrase":
            raise WorldFault("passphrase_unproven", path=path, backup=backup.name) from None
        raise


@dataclass(frozen=True, slots=True)
class Loss:
    """What restoring takes away. head: newest hash of the present ledger; years: whose clearing is confirmed in it and not,
    or otherwise, in the backup. unread: the fault that keeps the present file from being read, and so both from being
    known; "" too where there is none to lose."""

    head: str
    years: tuple[int, ...]
    unread: str

    @property
    def locked(self) -> bool:
        """Whether the passphrase of the present file would tell."""
        return self.unread in ("locked_by_passphrase", "wrong_passphrase")


@dataclass(frozen=True, slots=True)
class _Seen:
    """A file's `Loss`, by the year the ledger's line that confirms it. key: what opened it."""

    head: str = ""
    years: dict[int, str] = field(default_factory=dict[int, str])
    unread: str = ""
    key: str = ""


def lost(path: Path, backup: Path, passphrase: str | Key | None = None, present: str | Key | None = None) -> Loss:
    """passphrase: see `locked_by`; present: that of the present file, where it is another. WorldFault: locked."""
    return _compared(_seen(path, (present, passphrase), "rw"), _seen(backup, (passphrase,), "immutable"))


def _compared(now: _Seen, there: _Seen) -> Loss:
    return Loss(now.head, tuple(year for year, line in now.years.items() if there.years.get(year) != line), now.unread)


def _seen(path: Path, passphrases: Sequence[str | Key | None], mode: str) -> _Seen:
    unread = "locked_by_passphrase"
    try:
        if not path.stat().st_size:
            return _Seen()
        sealed = recognised.protected(path)
    except FileNotFoundError:
        return _Seen()
    except OSError:
        return _Seen(unread="cannot_open")
    except WorldFault as fault:
        return _Seen(unread=fault.code)
    for one in [one for one in passphrases if one is not None] if sealed else [None]:
        try:
            key = keys.given(path, one) if sealed else None
            with as_fault(path, key):
                return _confirmed(path, key.digits if key is not None else "", mode)
        except WorldFault as fault:
            unread = fault.code
            if unread == "locked":
                raise
        except (engine.Error, ValueError, TypeError):
            unread = "damaged"
    return _Seen(unread=unread)


def _confirmed(path: Path, key: str, mode: str) -> _Seen:
    connection = engine.connect(path, mode, key)
    try:
        (head,) = connection.execute("SELECT hash FROM ledger ORDER BY id DESC LIMIT 1").fetchone() or ("",)
        known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (closed.TABLE,)).fetchone()
        years = closed.confirmed(connection) if known else {}
        return _Seen(str(head), {year: one.line for year, one in years.items()}, "", key)
    finally:
        connection.close()


def restore(
    path: Path,
    backup: Path,
    passphrase: str | Key | None = None,
    progress: Progress = SILENT,
    why: str = "",
    present: str | Key | None = None,
) -> Backup | None:
    """Put a backup in the workspace's place, in one step; what was there is itself kept first and returned.

    The workspace may be damaged or gone; nobody may have it open. passphrase, present: see `lost`; what was protected
    stays so, with its own passphrase where the backup has none. Its ledger gets a line, `BACKUP #HEAD -YEAR ...`: the head
    of the ledger that it replaced, and each year whose confirmation is lost with it. Refused: restore_reason,
    restore_reason_unread, where one is or cannot be known to be none, and no reason is given. WorldFault: locked,
    backup_damaged, no_backup, disk_full, locked_by_passphrase, and as `key_for`
    """
    path = Path(path).resolve()
    if not backup.is_file():
        raise WorldFault("missing", path=backup)
    whose = locked_by(path, backup)
    given = key_for(path, backup, passphrase)
    key = given.digits if given is not None else ""
    lock = locked(path)
    if isinstance(lock, str):
        raise WorldFault(lock, path=path)
    beside = leftovers.restoring(path)
    try:
        with as_fault(path):
            leftovers.tidy(path)  # before what is there gets a second name among the backups
            sound(backup, key if whose == backup else "", progress)
            now = _seen(path, (present, passphrase), "rw")
            loss = _compared(now, _seen(backup, (given,), "immutable"))
            if loss.unread and not why.strip():
                raise Refused("restore_reason_unread", path=path)
            if loss.years and not why.strip():
                raise Refused("restore_reason", years=", ".join(map(str, loss.years)))
            try:
                if given is not None and whose != backup:
                    protection.locked_copy(backup, beside, given, progress)
                else:
                    backups.copy(backup, beside, progress)
            except OSError as error:
                size, done = backup.stat().st_size, beside.stat().st_size if beside.exists() else 0
                if shutil.disk_usage(path.parent).free + done < size:
                    raise WorldFault("no_backup_room", path=beside, size=size) from error
                raise
            said = " ".join([backup.name, *([f"#{loss.head}"] if loss.head else []), *(f"-{year}" for year in loss.years)])
            with_line(beside, said, key, why.strip())
            kept = _put_by(path, now.key, progress)
            if path.exists():
                leftovers.allow(beside, path.stat().st_mode)
            leftovers.take_place(beside, path)
            if kept is not None:
                leftovers.allow(kept.path, path.stat().st_mode & 0o444)
            return kept
    except OSError as error:
        raise WorldFault("cannot_open", path=path, reason=error.strerror or str(error)) from error
    finally:
        for left in (beside, *leftovers.sides(beside)):
            with suppress(OSError):
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
            mark = backups.mark_of(connection)
        finally:
            connection.close()
    except engine.Error as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in (engine.SQLITE_BUSY, engine.SQLITE_LOCKED):
            raise WorldFault("locked", path=path) from error
    there = backups.listed(path)
    at = datetime.now(UTC).replace(microsecond=0)
    number = there[0].number + 1 if there else 1
    said: OSError | None = None
    for folder in leftovers.folders(path):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            kept = backups.named(path, folder, number, at, "restore", mark, path.suffix, progress)
            for log in leftovers.sides(path):
                if not log.name.endswith("-shm"):
                    _copied(log, kept.path.with_name(kept.name + log.name.removeprefix(path.name)), progress)
            try:
                os.link(path, kept.path)  # takes neither room nor time
            except OSError:
                _copied(path, kept.path, progress)
        except OSError as error:
            said = error
            continue
        for log in leftovers.sides(path):  # SQLite would play the old log into the new file
            log.unlink()
        return kept
    reason_said = (said.strerror or str(said)) if said else ""
    raise WorldFault("no_backup", path=leftovers.folders(path)[0], reason=reason_said) from said


def _copied(source: Path, target: Path, progress: Progress) -> None:
    """Under its name when it is whole."""
    part = leftovers.part(target.parent)
    try:
        backups.copy(source, part, progress)
        os.replace(part, target)
    finally:
        with suppress(OSError):
            part.unlink()
