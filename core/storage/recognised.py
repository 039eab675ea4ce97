"""What a file is, from its first bytes and without SQLite, which would touch another application's file."""

from __future__ import annotations

import errno
import os
import stat
import struct
from _thread import allocate_lock  # no thread is started here
from pathlib import Path

from core.faults import WorldFault
from core.storage import engine, migrations

_SQLITE = b"SQLite format 3\0"
# What is compressed looks as random as what is encrypted, but says what it is.
_OTHERS = (b"PK", b"\xd0\xcf\x11\xe0", b"\x1f\x8b", b"%PDF", b"7z\xbc\xaf", b"Rar!", b"\xfd7zXZ", b"BZh", b"\x89PNG")


# Descriptors by device and file number, see `head`; which no thread may take from another's hands.
_HELD: dict[tuple[int, int], tuple[int, Path]] = {}
_HANDS = allocate_lock()


def head(path: Path, count: int) -> tuple[bytes, int]:
    """The first bytes of a file, and its size, without harm to whoever has it open in this process. OSError as `open`.

    Locks of POSIX belong to the process: closing any descriptor of a file drops those that SQLite holds on it, and the
    next program that closes the workspace takes itself for the last one and removes the log under our hands. So a
    descriptor that was opened here stays open, one for each file, until the file has no name any more: whoever still has
    such a one open shares it with nobody who comes, and its room on the disk is wanted.
    """
    if os.name == "nt":  # locks belong to the handle there, and an open one would keep the file from being replaced
        if path.is_dir():  # opening one is a lack of permission there
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        with path.open("rb") as file:
            return file.read(count), os.fstat(file.fileno()).st_size
    with _HANDS:
        _let_go()
        told = path.stat()
        held, _ = _HELD.get((told.st_dev, told.st_ino), (-1, path))
        if held < 0:
            if stat.S_ISDIR(told.st_mode):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
            held = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            told = os.fstat(held)
            _HELD[told.st_dev, told.st_ino] = held, path
        return os.pread(held, count, 0), os.fstat(held).st_size


def _let_go() -> None:
    """Of files that were replaced or removed. Some network disks count no names, so the one that we know is asked too."""
    for file, (held, path) in list(_HELD.items()):
        if os.fstat(held).st_nlink:
            continue
        try:
            now = path.stat()
        except FileNotFoundError:
            now = None
        except OSError:
            continue
        if now is None or (now.st_dev, now.st_ino) != file:
            del _HELD[file]
            os.close(held)


def forget() -> None:
    """As `head` does at its next call: after a file was replaced that nobody in this process has open."""
    with _HANDS:
        _let_go()


def in_use(path: Path) -> bool:
    """Whether this is a workspace that was opened in this process, or a file that SQLite keeps beside one: nobody may open
    and close it by other means than `head`."""
    for one in (path, *(path.with_name(path.name.removesuffix(end)) for end in ("-wal", "-shm", "-journal"))):
        try:
            told = one.stat()
        except (OSError, ValueError):
            continue
        if (told.st_dev, told.st_ino) in _HELD:
            return True
    return False


def protected(path: Path) -> bool:
    """Whether a workspace is protected by a passphrase.

    A plain one carries its application id in its head from its first commit on; one shorter than it says was cut off
    while it was copied, unless a -wal lies beside: then SQLite itself sorts that out. A protected one says nothing at
    all. WorldFault: missing, not_a_workspace, other_application, damaged, cannot_open.
    """
    try:
        start, size = head(path, engine.PAGE)
    except FileNotFoundError:
        raise WorldFault("missing", path=path) from None
    except IsADirectoryError:
        raise WorldFault("not_a_workspace", path=path) from None
    except OSError as error:
        raise WorldFault("cannot_open", path=path, reason=error.strerror or str(error)) from None
    if len(start) == engine.PAGE and not start.startswith((_SQLITE, *_OTHERS)) and len(set(start)) > 240:
        return True  # 8192 random bytes have all 256 values but for one file in billions
    if len(start) < 100 or not start.startswith(_SQLITE):
        raise WorldFault("not_a_workspace", path=path)
    if int.from_bytes(start[68:72], "big") != migrations.APPLICATION_ID:
        raise WorldFault("other_application", path=path)
    page, changes, pages, valid_for = struct.unpack(">16x H 6x I I 60x I 4x", start[:100])
    if changes == valid_for and size < pages * (65536 if page == 1 else page) and not beside(path, "-wal"):
        raise WorldFault("damaged", path=path, reason=f"{size} < {pages} x {page}")
    return False


def beside(path: Path, ending: str) -> bool:
    """Whether SQLite's side file is there and holds anything."""
    try:
        return path.with_name(path.name + ending).stat().st_size > 0
    except OSError:
        return False
