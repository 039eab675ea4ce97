"""The one door to SQLite: open, key, lock, migrate, transactions.

A workspace is one SQLite file in WAL mode. One process writes at a time, by a lock file beside it; inside it
one connection writes, and every thread reads through its own.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
from _thread import get_ident  # only to know which thread asks; none is started here
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from errno import EDQUOT, EFBIG, EIO, ENODEV, ENOSPC, ENXIO, EROFS, ESTALE
from pathlib import Path
from typing import Self

from filelock import FileLock, Timeout

from core.faults import Cancelled, Fault, Refused, WorldFault
from core.findings import Finding
from core.progress import SILENT, Progress
from core.storage import backups, engine, keys, leftovers, migrations
from core.storage.keys import Key
from core.storage.ledger import FINAL, Ledger
from core.storage.recognised import beside, head, protected

# What is told as final is on the disk by then: its commit is written through. Of other work a power cut may take back the last.
THROUGH = "PRAGMA synchronous = FULL"
NORMAL = "PRAGMA synchronous = NORMAL"
# 96 MB hold most of the unique index of 2.5 million cases, and importing stays under 500 MB in all.
WRITER = (
    "PRAGMA journal_mode = WAL",
    NORMAL,
    "PRAGMA foreign_keys = ON",
    "PRAGMA recursive_triggers = ON",
    # Sorting the keys of 2.5 million cases takes 150 MB in memory; a file that only SQLite sees takes none.
    "PRAGMA temp_store = FILE",
    "PRAGMA cache_size = -98304",
    "PRAGMA journal_size_limit = 67108864",
)
# SQLite does not encrypt its temporary files, so a protected workspace has none.
SEALED = "PRAGMA temp_store = MEMORY"
READER = (
    "PRAGMA query_only = ON",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA cache_size = -32768",
)
# The first byte of SQLite's result codes, to what happened in the world.
FAULTS = {
    engine.SQLITE_FULL: "disk_full",
    engine.SQLITE_IOERR: "disk_error",
    engine.SQLITE_CORRUPT: "damaged",
    engine.SQLITE_NOTADB: "not_a_workspace",
    engine.SQLITE_BUSY: "locked",
    engine.SQLITE_LOCKED: "locked",
    engine.SQLITE_READONLY: "read_only_place",
    engine.SQLITE_PERM: "read_only_place",
    engine.SQLITE_CANTOPEN: "cannot_open",
}


def fault_of(error: sqlite3.Error, path: Path) -> Fault | Cancelled | None:
    """What an error of SQLite means for the user; None where it can only be a bug."""
    if "decode to UTF-8" in str(error):  # a text that was not written so
        return WorldFault("damaged", path=path, reason=str(error)[:80])
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return None
    if code & 0xFF == engine.SQLITE_CONSTRAINT and "frozen" in str(error):
        return Refused("catalogue_frozen", version="") if "catalogue" in str(error) else Refused("published_frozen")
    if code & 0xFF == engine.SQLITE_INTERRUPT:
        return Cancelled("interrupted")
    name = FAULTS.get(code & 0xFF)
    return WorldFault(name, path=path, reason=str(error)) if name else None


def world_fault(error: Exception, path: Path) -> Fault | None:
    """What came out of the middle of a reading, or of the writing of a file: a damaged page, a disk that is full or gone.

    None for what can only be a bug.
    """
    if isinstance(error, engine.Error):
        fault = fault_of(error, path)
        return fault if isinstance(fault, Fault) else None
    if isinstance(error, OSError) and error.errno in (ENOSPC, EDQUOT, EFBIG):
        return WorldFault("disk_full", path=error.filename or path)
    if isinstance(error, OSError) and error.errno in (EIO, ENODEV, ENXIO, ESTALE, EROFS):
        return WorldFault("disk_error", path=error.filename or path, reason=error.strerror or str(error))
    return None


@contextmanager
def as_fault(path: Path, key: Key | None = None) -> Generator[None]:
    """An error of the engine about this file, as what it means for the user. key: of a protected one being opened."""
    try:
        yield
    except engine.Error as error:
        fault = fault_of(error, path)
        if key is not None and isinstance(fault, WorldFault) and fault.code == "not_a_workspace":
            fault = WorldFault("wrong_passphrase", path=path)
        if fault is None:
            raise
        raise fault from error


class Workspace:
    """See ARCHITECTURE.md. `read_only_why` is the fault code that keeps us from writing: "" while we may,
    "read_only_asked" where nobody wanted to, "locked" or "read_only_place"."""

    def __init__(
        self, path: Path, writer: sqlite3.Connection | None, lock: FileLock | None, why: str, key: Key | None
    ) -> None:
        """Not called from outside: `create` and `open` make one. key: of a protected one."""
        self.path = path
        self.key = key
        self.read_only_why = why
        self.interrupted: tuple[dict[str, str], ...] = ()
        # What the user should hear of although the work went on; whoever shows a workspace takes over `tell`.
        self.notices: list[Fault] = []
        self.tell: Callable[[Fault], None] = self.notices.append
        self.ledger = Ledger(self)
        self._writer = writer
        self._lock = lock
        self._readers: dict[int, sqlite3.Connection] = {}
        self._writing = False
        self._closed = False
        try:
            meta = dict[str, str](self.reader().execute("SELECT key, value FROM meta").fetchall())
            self.region = meta["region"]
            self.name = meta["name"]
            self.created = meta["created"]
            self.synthetic = meta["synthetic"] == "1"
            self.person_key = bytes.fromhex(meta["person_key"])  # 32 bytes
        except (KeyError, ValueError, TypeError) as error:
            raise WorldFault("damaged", path=path, reason=f"meta {error}") from error

    # Opening and closing

    @classmethod
    def create(
        cls,
        path: Path | str,
        region: str = "",
        name: str = "",
        synthetic: bool = False,
        passphrase: str | None = None,
    ) -> Self:
        """A new, empty workspace, open for writing. region: six digits, or "" while unknown. passphrase: protects it.

        WorldFault: exists, folder_missing, read_only_place, disk_full, no_cipher ... Refused: passphrase_short.
        """
        path = Path(path).resolve()
        key = None if passphrase is None else Key.new(passphrase, path)
        if region and not (len(region) == 6 and region.isascii() and region.isdigit()):
            raise Refused("region_form", region=region)
        try:
            if not path.parent.is_dir():
                raise WorldFault("folder_missing", path=path.parent)
            if path.is_dir() or (path.exists() and path.stat().st_size):
                raise WorldFault("exists", path=path)
        except OSError as error:  # a name too long, a drive that is gone
            raise WorldFault("cannot_open", path=path, reason=error.strerror or str(error)) from None
        lock = locked(path)
        if isinstance(lock, str):
            raise WorldFault(lock, path=path)
        made = False
        meta = {
            "region": region,
            "name": name or path.stem,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "synthetic": "1" if synthetic else "0",
            "person_key": secrets.token_hex(32),
        }
        connection = None
        try:
            made = _made(path)
            with as_fault(path):
                connection = engine.connect(path, "rw", _digits(key))
                connection.execute(f"PRAGMA page_size = {engine.PAGE}")
                # Still in rollback mode: a process killed here leaves an empty file, never half a workspace.
                connection.execute("BEGIN IMMEDIATE")
                migrations.create(connection, meta)
                Ledger.record_in(connection, "new", meta["name"])
                connection.execute("COMMIT")
                _set(connection, _writer(key))
                head(path, 1)  # known from now on as open here, see `recognised.in_use`
                return cls(path, connection, lock, "", key)
        except BaseException:
            if connection is not None:
                connection.close()
            if made:
                with suppress(OSError):
                    path.unlink()
            lock.release()
            raise

    @classmethod
    def open(
        cls,
        path: Path | str,
        write: bool = True,
        strict: bool = False,
        passphrase: str | Key | None = None,
    ) -> Self:
        """An existing workspace, brought to the newest layout.

        Where it cannot be written (another process does, or the place forbids it) it opens read-only, or with
        `strict` not at all. WorldFault: missing, not_a_workspace, other_application, damaged, newer_layout,
        older_layout (cannot be migrated read-only), locked, read_only_place; of a protected one
        locked_by_passphrase, wrong_passphrase, no_cipher. A plain one takes any passphrase.
        """
        path = Path(path).resolve()
        sealed = protected(path)
        untold = _tidied(path)
        key = keys.given(path, passphrase) if sealed else None
        lock = locked(path) if write else "read_only_asked"
        if isinstance(lock, str) and strict and write:
            raise WorldFault(lock, path=path)
        held = None if isinstance(lock, str) else lock
        connection = None
        try:
            with as_fault(path, key):
                if held is not None:
                    connection = engine.connect(path, "rw", _digits(key))
                else:
                    connection = _reader(path, key, shared=False)
                found = _layout(connection, path)
                if held is None:
                    connection.close()
                    if found < migrations.LAYOUT:
                        raise WorldFault("older_layout", path=path, layout=found)
                    workspace = cls(path, None, None, str(lock), key)
                    workspace.notices += untold
                    return workspace
                _set(connection, _writer(key))
                if found < migrations.LAYOUT:
                    back_up = backups.migration(connection, path, untold.append)
                    migrated = migrations.migrate(connection, path, back_up)
                    why = f"{found} -> {migrations.LAYOUT}; {migrated.name if migrated else ''}"
                else:
                    why = ""
                workspace = cls(path, connection, held, "", key)
                workspace.notices += untold
                workspace._settle(why)
                return workspace
        except BaseException:
            if connection is not None:
                connection.close()
            if held is not None:
                held.release()
            raise

    def close(self) -> None:
        """Readers first, so that the writer, closed last, leaves one file. May be called twice."""
        self._closed = True
        readers, self._readers = self._readers, {}
        for reader in readers.values():
            reader.close()
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Reading and writing

    @property
    def read_only(self) -> bool:
        return bool(self.read_only_why)

    def reader(self) -> sqlite3.Connection:
        """The calling thread's own connection, which cannot write; rows are tuples.

        `interrupt()` on it, from any thread, stops its query. Once the workspace is closed nobody waits for an
        answer any more: Cancelled.
        """
        if self._closed:
            raise Cancelled("closed")
        thread = get_ident()
        if thread not in self._readers:
            with as_fault(self.path):
                self._readers[thread] = _reader(self.path, self.key, shared=not self.read_only)
        return self._readers[thread]

    def generation(self) -> str:
        """The hash of the newest ledger line, the key of every cache: no data changes without it."""
        row = self.reader().execute("SELECT hash FROM ledger ORDER BY id DESC LIMIT 1").fetchone()
        return str(row[0]) if row else ""

    def generation_after(self, known: str) -> str:
        """The generation of the file now, or the one that is `known` where it cannot be read at the moment."""
        try:
            return self.generation()
        except (engine.Error, Fault):
            return known

    @contextmanager
    def transaction(
        self, what: str, subject: str, progress: Progress = SILENT
    ) -> Generator[sqlite3.Connection]:
        """The writer's connection, all or nothing: leaving by any exception leaves the workspace as it was.

        What is under way is registered first, in a transaction of its own: if the process dies here, the next
        one to open says so. A `progress` that is cancelled stops a running statement with `Cancelled`.
        WorldFault: read_only, disk_full, disk_error ...
        """
        if self._writer is None:
            raise WorldFault("read_only", path=self.path, reason=self.read_only_why or "closed")
        if self._writing:
            raise RuntimeError(f"{what}: a transaction is already open")
        writer = self._writer
        self._writing = True
        activity: int | None = None
        try:
            with as_fault(self.path):
                activity = writer.execute(
                    "INSERT INTO activity (at, what, subject) VALUES (?, ?, ?)", (_now(), what, subject)
                ).lastrowid
                if what in FINAL:
                    writer.execute(THROUGH)
                with _all_or_nothing(writer):
                    writer.execute("DELETE FROM activity WHERE id = ?", (activity,))
                    # Asked about every 10 ms: too seldom to cost, often enough for Esc.
                    writer.set_progress_handler(lambda: progress.cancelled, 1_000_000)
                    try:
                        yield writer
                    finally:
                        writer.set_progress_handler(None, 0)
        except BaseException:
            with suppress(engine.Error):  # if a full disk refuses even this, it is reported as interrupted
                writer.execute("DELETE FROM activity WHERE id = ?", (activity,))
            raise
        finally:
            if what in FINAL:
                with suppress(engine.Error):
                    writer.execute(NORMAL)
            self._writing = False

    @contextmanager
    def at_rest(self) -> Generator[sqlite3.Connection]:
        """The writer's connection while nothing is written, by nobody: for a copy of the file."""
        if self._writer is None:
            raise WorldFault("read_only", path=self.path, reason=self.read_only_why or "closed")
        if self._writing:
            raise RuntimeError("a transaction is open")
        self._writing = True
        try:
            with as_fault(self.path):
                yield self._writer
        finally:
            self._writing = False

    def integrity(self) -> list[Finding]:
        """SQLite's own check of the file and of its references; minutes for the largest workspaces."""
        reader = self.reader()
        said: list[str] = []
        try:
            said += [text for (text,) in reader.execute("PRAGMA quick_check(20)") if text != "ok"]
            said += [f"{row[0]} {row[1]}" for row in reader.execute("PRAGMA foreign_key_check").fetchmany(20)]
        except engine.DatabaseError as error:
            said.append(str(error))
        return [
            Finding("file_damaged", "blocked", file=self.path.name, values={"said": text}) for text in said
        ]

    def _settle(self, migrated: str) -> None:
        """After opening for writing: note a migration (from and to, and its backup), and what a killed process left."""
        writer = self._writer
        assert writer is not None
        left = writer.execute("SELECT id, what, subject, at FROM activity ORDER BY id").fetchall()
        if not left and not migrated:
            return
        with _all_or_nothing(writer):
            if migrated:
                Ledger.record_in(writer, "migrate", self.name, why=migrated)
            for number, what, subject, at in left:
                Ledger.record_in(writer, "interrupted", subject, why=f"{what} {at}")
                writer.execute("DELETE FROM activity WHERE id = ?", (number,))
        self.interrupted = tuple(
            {"what": what, "subject": subject, "at": at} for _, what, subject, at in left
        )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


@contextmanager
def _all_or_nothing(connection: sqlite3.Connection) -> Generator[None]:
    try:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk may have rolled back already
            connection.execute("ROLLBACK")
        raise


def _made(path: Path) -> bool:
    """An empty file that only this user may read: here is the one place where it is ours alone, so another's is left as
    it is. False where an empty one lay there. WorldFault: exists, read_only_place, disk_full, cannot_open."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        return True
    except FileExistsError:
        if path.is_dir() or path.stat().st_size:
            raise WorldFault("exists", path=path) from None
        with suppress(OSError):
            path.chmod(0o600)
        return False
    except PermissionError:
        raise WorldFault("read_only_place", path=path) from None
    except OSError as error:
        raise world_fault(error, path) or WorldFault("cannot_open", path=path, reason=error.strerror or str(error)) from None


def _set(connection: sqlite3.Connection, pragmas: tuple[str, ...]) -> None:
    for pragma in pragmas:
        connection.execute(pragma)


def _digits(key: Key | None) -> str:
    return key.digits if key is not None else ""


def _writer(key: Key | None) -> tuple[str, ...]:
    return WRITER if key is None else (*WRITER, SEALED)


def _reader(path: Path, key: Key | None, *, shared: bool) -> sqlite3.Connection:
    """A connection that does not write.

    shared: our own writer is open and keeps the files beside. Else the last one out has to tidy them up,
    which only a connection that may write can. Where the place is read-only and all is in the one file, that
    is taken as unchanging: WAL needs a file beside even for reading.
    """
    writable = os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)
    mode = "ro" if shared else "rw" if writable else "ro" if beside(path, "-wal") else "immutable"
    connection = engine.connect(path, mode, _digits(key))
    try:
        _set(connection, READER)
    except BaseException:
        connection.close()
        raise
    return connection


def locked(path: Path) -> FileLock | str:
    """The lock of the one writer, or the fault code that says why we cannot have it."""
    if path.exists() and not os.access(path, os.W_OK):
        return "read_only_place"
    try:  # who may write the workspace may queue for it
        mode = path.stat().st_mode & 0o666 | 0o600
    except OSError:
        mode = 0o600
    lock = FileLock(f"{path}.lock", timeout=0, mode=mode, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        return "locked"
    except (OSError, NotImplementedError):
        return "read_only_place"
    return lock


def may_write(path: Path) -> bool:
    """Whether nobody else writes now, and the place lets us."""
    lock = locked(path)
    if isinstance(lock, str):
        return False
    lock.release()
    return True


def _tidied(path: Path) -> list[Fault]:
    """What a killed work left is overwritten whoever opens, before the passphrase is asked for: it may lie there in clear.
    What stays is told: somebody converts right now, or the place is read-only. A backup that somebody makes is not."""
    if not leftovers.of(path):
        return []
    lock = locked(path)
    if not isinstance(lock, str):
        try:
            leftovers.tidy(path)
        finally:
            lock.release()
    left = leftovers.conversion(path) if lock == "locked" else leftovers.of(path)
    return [WorldFault("conversion_left", path=one) for one in left]


def _layout(connection: sqlite3.Connection, path: Path) -> int:
    found = migrations.layout(connection)
    if found > migrations.LAYOUT:
        raise WorldFault("newer_layout", path=path, layout=found, known=migrations.LAYOUT)
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not {"meta", "ledger", "activity", "batch"} <= tables:
        raise WorldFault("damaged", path=path, reason="tables are missing")
    return found
