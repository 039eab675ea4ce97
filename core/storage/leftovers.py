"""What a killed work leaves beside a workspace and among its backups: what it is called, and how it goes.

A conversion, a backup and a restoring write a file under a name of its own before it takes its place. Whoever holds the
workspace's lock, and is none of them, finds only such of a work that was killed: `tidy` is called by every opening for
writing, and by each of them first.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from contextlib import suppress
from pathlib import Path

from core import settings

SIDES = ("-wal", "-journal", "-shm")  # what SQLite keeps beside a file


def folders(path: Path) -> tuple[Path, Path]:
    """Where a workspace's backups lie: beside it, else with the user's own data."""
    path = Path(path).absolute()
    known = hashlib.sha256(str(path).encode()).hexdigest()[:12]
    return path.with_name(f"{path.name}.backups"), settings.home() / "backups" / f"{path.name}-{known}"


def converting(path: Path) -> Path:
    """Where the converted file is made, before it takes the place of `path`."""
    return path.with_name(f"{path.name}.converting")


def leaving(path: Path) -> Path:
    """A second name of the old file, by which it is overwritten after its place was taken."""
    return path.with_name(f"{path.name}.leaving")


def restoring(path: Path) -> Path:
    """Where a backup is made ready, before it takes the place of `path`."""
    return path.with_name(f"{path.name}.restoring-{secrets.token_hex(8)}")


def part(folder: Path) -> Path:
    """A backup that is not finished."""
    return folder / f"{secrets.token_hex(8)}.part"


def sides(path: Path) -> list[Path]:
    """Which of SQLite's files lie beside this one."""
    return [one for one in (path.with_name(path.name + end) for end in SIDES) if one.exists()]


def conversion(path: Path) -> list[Path]:
    """What a conversion that was killed, or is under way, has beside this workspace."""
    return [one for name in (converting(path), leaving(path)) for one in (name, *sides(name)) if one.exists()]


def copies(path: Path) -> list[Path]:
    """As `conversion`: of a restoring, and of backups."""
    found: list[Path] = []
    for folder, begins, ends in (
        (path.parent, f"{path.name}.restoring-", ""),
        *((folder, "", ".part") for folder in folders(path)),
    ):
        with suppress(OSError):
            found += [Path(one.path) for one in os.scandir(folder) if one.name.startswith(begins) and one.name.endswith(ends)]
    return sorted(found)


def of(path: Path) -> list[Path]:
    """All that is left, by a killed work or one under way."""
    return conversion(path) + copies(path)


def allow(path: Path, mode: int) -> None:
    """Who may read and write it; a stick (FAT) knows nobody, and is none the worse for it."""
    with suppress(OSError):
        path.chmod(mode & 0o777)


def take_place(made: Path, path: Path) -> None:
    """`made` becomes `path`, on the disk when this returns: before anything of what was there is overwritten. OSError."""
    os.replace(made, path)
    if os.name != "nt":
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            with suppress(OSError):  # no disk has to know that of folders
                os.fsync(folder)
        finally:
            os.close(folder)


def tidy(path: Path) -> None:
    """Overwrite and remove it; only who holds the workspace's lock may. What cannot be removed stays for `of`."""
    for one in of(path):
        with suppress(OSError):
            wipe(one)


def wipe(path: Path) -> bool:
    """Overwrite a file with zeros, then remove it. Flash memory may keep the old cells: see the manual. OSError.

    False where it has a second name, which may be the workspace itself or a backup: then only this name goes.
    """
    alone = path.stat().st_nlink == 1
    if alone:
        allow(path, 0o600)  # a backup may not be written
        descriptor = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
        try:
            overwrite(descriptor)
        finally:
            os.close(descriptor)
    remove(path)
    return alone


def remove(path: Path) -> None:
    """Just that. OSError."""
    if os.name == "nt":  # which deletes no file that may not be written
        allow(path, 0o600)
    path.unlink()


def overwrite(descriptor: int) -> None:
    """Zeros over all of an open file, and on the disk when this returns. OSError."""
    left = os.lseek(descriptor, 0, os.SEEK_END)
    os.lseek(descriptor, 0, os.SEEK_SET)
    while left > 0:
        left -= os.write(descriptor, bytes(min(left, 1 << 20)))
    os.fsync(descriptor)
