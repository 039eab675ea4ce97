"""The one SQLite of the product: SQLCipher's, for workspaces with a passphrase and without.

So every laptop calculates with the same engine, whatever its Python brought along. Where `sqlcipher3` is not to be
had the standard library's takes its place, and only protected workspaces are refused. Errors are caught by the
names given here: those of the two libraries are strangers to each other.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3 as library

    CIPHER = True
else:
    try:
        from sqlcipher3 import dbapi2 as library

        CIPHER = True
    except ImportError:
        import sqlite3 as library

        CIPHER = False

Error = library.Error
DatabaseError = library.DatabaseError
OperationalError = library.OperationalError
IntegrityError = library.IntegrityError
ProgrammingError = library.ProgrammingError
complete_statement = library.complete_statement
VERSION = library.sqlite_version

SQLITE_BUSY = library.SQLITE_BUSY
SQLITE_CANTOPEN = library.SQLITE_CANTOPEN
SQLITE_CONSTRAINT = library.SQLITE_CONSTRAINT
SQLITE_CORRUPT = library.SQLITE_CORRUPT
SQLITE_FULL = library.SQLITE_FULL
SQLITE_INTERRUPT = library.SQLITE_INTERRUPT
SQLITE_IOERR = library.SQLITE_IOERR
SQLITE_LOCKED = library.SQLITE_LOCKED
SQLITE_NOTADB = library.SQLITE_NOTADB
SQLITE_PERM = library.SQLITE_PERM
SQLITE_READONLY = library.SQLITE_READONLY

# Seconds to wait for a moment's lock (recovery, a backup program) before it is a fault.
PATIENCE = 10.0
# Bytes of a page in every workspace. Rows of cases are wide: a tenth less time to import than with 4096.
PAGE = 8192


def connect(path: Path, mode: str, key: str = "") -> library.Connection:
    """A connection that begins and commits only when told, and may be closed by another thread.

    mode: ro, rw, rwc (made when missing), or immutable (nothing beside the file is looked at). key: of a protected
    file, the 96 hexadecimal digits of key and salt, see `core.storage.protection`; "" for a plain one. A wrong
    key shows at the first read, as SQLITE_NOTADB.
    """
    connection = library.connect(
        f"{path.as_uri()}?{'immutable=1' if mode == 'immutable' else 'mode=' + mode}",
        uri=True,
        timeout=PATIENCE,
        isolation_level=None,
        check_same_thread=False,  # closed by the thread that closes the workspace
        cached_statements=256,
    )
    if key:
        try:
            connection.execute(f"PRAGMA key = \"x'{key}'\"")
        except BaseException:
            connection.close()
            raise
    return connection


def _prepared() -> None:
    """What holds for the process: pages of protected files, also of those that VACUUM and ATTACH make, and silence,
    for SQLCipher tells stderr about every wrong key."""
    connection = library.connect(":memory:")
    connection.execute("PRAGMA cipher_log_level = NONE")
    connection.execute(f"PRAGMA cipher_default_page_size = {PAGE}")
    connection.close()


if CIPHER:
    _prepared()
