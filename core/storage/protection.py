"""Locking a workspace with a passphrase, changing it, taking it away.

All three make a converted file beside the workspace, look whether all is in it, and put it in the old one's place in
one step: whatever kills the program or fills the disk, one whole workspace is there. Then the old file is overwritten;
what a kill leaves of it the next opening overwrites.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from core.faults import Cancelled, Fault, Refused, WorldFault
from core.progress import SILENT, Progress, step
from core.storage import backups, engine, keys, leftovers, recognised
from core.storage.keys import Key
from core.storage.ledger import Ledger
from core.storage.workspace import Workspace, as_fault, locked, world_fault

_SPARE = 16 << 20  # bytes that have to stay free beside the converted file


def _unheard(_: Fault) -> None: ...


def protect(
    path: Path | str, passphrase: str, progress: Progress = SILENT, tell: Callable[[Fault], None] = _unheard
) -> Key:
    """Lock a plain workspace that nobody has open; returns its key, for `Workspace.open`.

    Refused: passphrase_short, already_protected. WorldFault: no_cipher, locked, disk_full, conversion_broken ...
    Backups made before stay as they are: see `open_copies`. tell: hears not_overwritten, of an old file whose content
    may still lie on the disk.
    """
    path = Path(path).resolve()
    if recognised.protected(path):
        raise Refused("already_protected", path=path)
    key = Key.new(passphrase, path)
    if not _convert(path, None, key, "protect", progress):
        tell(WorldFault("not_overwritten", path=path))
    return key


def change(
    path: Path | str,
    passphrase: str | Key,
    new: str,
    progress: Progress = SILENT,
    tell: Callable[[Fault], None] = _unheard,
) -> Key:
    """Another passphrase. As `protect`; Refused: passphrase_same. WorldFault: wrong_passphrase.

    Backups keep the one that they were made with.
    """
    path = Path(path).resolve()
    old = standing(path, passphrase)
    if old.made_from(new):
        raise Refused("passphrase_same", path=path)
    key = Key.new(new, path)
    if not _convert(path, old, key, "rekey", progress):
        tell(WorldFault("not_overwritten", path=path))
    return key


def unprotect(path: Path | str, passphrase: str | Key, progress: Progress = SILENT) -> None:
    """Back to a workspace that anybody can read. As `change`."""
    path = Path(path).resolve()
    _convert(path, standing(path, passphrase), None, "unprotect", progress)


def open_copies(path: Path | str) -> list[Path]:
    """What anybody can read of this workspace without the passphrase: backups, what SQLite keeps beside one, and what a
    killed work left. What cannot be told to be encrypted, because it is damaged, counts."""
    path = Path(path).resolve()
    found = [one.path for one in backups.listed(path)] + backups.logs(path) + leftovers.of(path)
    return [one for one in found if _in_clear(one)]


def _in_clear(one: Path) -> bool:
    """A log is encrypted where that is what it belongs to."""
    owner = one
    for side in leftovers.SIDES:
        owner = owner.with_name(owner.name.removesuffix(side))
    try:
        return one.stat().st_size > 0 and not recognised.protected(owner)
    except OSError:
        return False
    except WorldFault:
        return True


def drop_copies(path: Path | str, tell: Callable[[Fault], None] = _unheard) -> list[Path]:
    """Overwrite and remove those; returns which. Refused: not_protected, so that a plain workspace keeps its backups.
    WorldFault: locked; copy_stays, after all others went. tell: as `protect`."""
    path = Path(path).resolve()
    if not recognised.protected(path):
        raise Refused("not_protected", path=path)
    lock = locked(path)
    if isinstance(lock, str):
        raise WorldFault(lock, path=path)
    stays: WorldFault | None = None
    dropped: list[Path] = []
    try:
        found = open_copies(path)
        leftovers.tidy(path)  # a second name of a backup among them would keep that from being overwritten
        for one in found:
            try:
                if one.exists() and not leftovers.wipe(one):
                    tell(WorldFault("not_overwritten", path=one))
                dropped.append(one)
            except OSError as error:
                stays = stays or WorldFault("copy_stays", path=one, reason=error.strerror or str(error))
    finally:
        lock.release()
    if stays is not None:
        raise stays
    return dropped


def standing(path: Path | str, passphrase: str | Key) -> Key:
    """The key of a protected workspace. Refused: not_protected. WorldFault: wrong_passphrase, no_cipher, cannot_open."""
    path = Path(path).resolve()
    if not recognised.protected(path):
        raise Refused("not_protected", path=path)
    return keys.given(path, passphrase)


def _convert(path: Path, old: Key | None, new: Key | None, action: str, progress: Progress) -> bool:
    """Whether the old file was overwritten."""
    # Brings it to the newest layout, settles what a killed process left, and shows that the key is the right one.
    Workspace.open(path, strict=True, passphrase=old).close()
    lock = locked(path)
    if isinstance(lock, str):
        raise WorldFault(lock, path=path)
    try:
        made = leftovers.converting(path)
        try:
            try:
                _copy(path, old, made, new, action, progress)
            except OSError as error:
                reason = error.strerror or str(error)
                raise world_fault(error, made) or WorldFault("cannot_open", path=made, reason=reason) from error
            replaced = _replace(path, made)
            recognised.forget()
            return replaced
        except BaseException:
            for one in leftovers.conversion(path):
                with suppress(OSError):
                    leftovers.wipe(one)
            raise
    finally:
        lock.release()


def _copy(path: Path, old: Key | None, made: Path, new: Key | None, action: str, progress: Progress) -> None:
    """All of `path` in the new file, with a line in its ledger, and what was copied counted."""
    size = path.stat().st_size
    if shutil.disk_usage(path.parent).free < size + _SPARE:
        raise WorldFault("disk_full", path=path, reason=f"{size + _SPARE}")
    with as_fault(path):
        connection = engine.connect(path, "rw", old.digits if old else "")
        try:
            # One file, without -wal: what was in it is in the file, and the old one can be overwritten whole.
            if connection.execute("PRAGMA journal_mode = DELETE").fetchone()[0] != "delete":
                raise WorldFault("locked", path=path)
            _export(connection, path, made, new, progress)
        finally:
            connection.close()
        connection = engine.connect(made, "rw", new.digits if new else "")
        try:
            connection.execute("BEGIN IMMEDIATE")
            Ledger.record_in(connection, action, path.stem)
            connection.execute("COMMIT")
        finally:
            connection.close()
    with made.open("r+b") as file:
        os.fsync(file.fileno())


def locked_copy(backup: Path, made: Path, key: Key, progress: Progress = SILENT) -> None:
    """A plain backup as a file that this key locks; nothing of it is written in clear. Errors are the engine's."""
    connection = engine.connect(backup, "immutable")
    try:
        _export(connection, backup, made, key, progress)
    finally:
        connection.close()


def _export(connection: sqlite3.Connection, path: Path, made: Path, new: Key | None, progress: Progress) -> None:
    """All of the file that is open, which is `path`, in the new one."""
    size = path.stat().st_size
    step(progress, "converting", 0, size)

    def asked() -> bool:
        with suppress(OSError):
            progress.report("converting", min(size, made.stat().st_size), size)
        return progress.cancelled

    for pragma in ("temp_store = MEMORY", "cache_size = -98304"):
        connection.execute(f"PRAGMA {pragma}")
    os.close(os.open(made, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))  # else everybody could read it
    connection.execute("ATTACH DATABASE ? AS made KEY ?", (str(made), f"x'{new.digits}'" if new else ""))
    connection.execute(f"PRAGMA made.page_size = {engine.PAGE}")
    connection.execute("PRAGMA made.synchronous = OFF")  # all of it is written through at the end
    connection.set_progress_handler(asked, 1_000_000)
    connection.execute("BEGIN")
    connection.execute("SELECT sqlcipher_export('made')").fetchall()
    for pragma in ("application_id", "user_version"):
        said = connection.execute(f"PRAGMA main.{pragma}").fetchone()[0]
        connection.execute(f"PRAGMA made.{pragma} = {said}")
    if _content(connection, "main") != _content(connection, "made"):
        raise WorldFault("conversion_broken", path=path)
    if progress.cancelled:
        raise Cancelled("interrupted")
    connection.execute("COMMIT")
    connection.set_progress_handler(None, 0)


def _content(connection: sqlite3.Connection, database: str) -> list[tuple[object, ...]]:
    """What must be the same in both files: every object's definition and every table's number of rows."""
    objects = connection.execute(f"SELECT type, name, tbl_name, sql FROM {database}.sqlite_master ORDER BY type, name")
    found: list[tuple[object, ...]] = list(objects)
    for kind, name, *_ in list(found):
        if kind == "table":
            found += connection.execute(f'SELECT ?, count(*) FROM {database}."{name}"', (name,))
    return found


def _replace(path: Path, made: Path) -> bool:
    """The new file at the place of the old one, whose content is then overwritten: by a second name that it keeps, or where
    the disk knows none such (a stick) by a descriptor. False where that was not possible.

    Windows replaces no file that is open, so there it takes the second name.
    """
    leaving = leftovers.leaving(path)
    old = -1
    try:
        os.link(path, leaving)
    except (OSError, NotImplementedError):
        if os.name != "nt":
            with suppress(OSError):
                old = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        try:
            leftovers.allow(made, path.stat().st_mode)
            leftovers.take_place(made, path)
        except OSError as error:
            raise WorldFault("conversion_in_use", path=path, reason=error.strerror or str(error)) from None
        with suppress(OSError):
            if old < 0:
                return leftovers.wipe(leaving)
            if os.fstat(old).st_nlink == 0:
                leftovers.overwrite(old)
                return True
        return False
    finally:
        if old >= 0:
            os.close(old)
