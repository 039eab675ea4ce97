"""A file is written whole or not at all, and a failing disk has a name."""

from __future__ import annotations

import errno
import os
from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime
from io import BytesIO
from pathlib import Path
from secrets import token_hex
from shutil import rmtree

from xlsxwriter import Workbook
from xlsxwriter.exceptions import FileCreateError, FileSizeError

from core.faults import WorldFault


@contextmanager
def whole_file(path: Path | str) -> Generator[Path]:
    """Gives a name in the same folder to write to; it takes the place of `path` when all went well.

    WorldFault `export_no_folder`, `export_no_space`, `export_in_use` (no right to write, or open in another
    program), `export_failed`. Whatever happens, an older file stays as it was until the new one is whole.
    """
    target = Path(path)
    beside = target.with_name(f".{target.name[:100]}.{token_hex(4)}.tmp")
    try:
        try:
            yield beside
            os.replace(beside, target)
        finally:
            beside.unlink(missing_ok=True)
    except FileCreateError as wrapped:
        raise _fault(target, wrapped.args[0] if wrapped.args else wrapped) from wrapped
    except FileSizeError as wrapped:
        raise _fault(target, wrapped) from wrapped
    except OSError as problem:
        raise _fault(target, problem) from problem


@contextmanager
def whole_files(folder: Path | str) -> Generator[Path]:
    """Gives a folder to write files into; together they go to `folder` when all went well, over older ones of their names.

    WorldFault as `whole_file` says. What is cancelled or fails leaves nothing behind.
    """
    target = Path(folder)
    if not target.is_dir():
        raise WorldFault("export_no_folder", path=str(target), folder=str(target))
    beside = target / f".{token_hex(4)}.tmp"  # another export into this folder has its own
    try:
        beside.mkdir()
        try:
            yield beside
            for made in sorted(beside.iterdir()):
                target = Path(folder) / made.name
                os.replace(made, target)
        finally:
            rmtree(beside, ignore_errors=True)
    except OSError as problem:
        raise _fault(target, problem) from problem


@contextmanager
def spreadsheet(path: Path | str | BytesIO) -> Generator[Workbook]:
    """An xlsx of formulas, written whole or not at all, without a clock; lists of rows go by `rows_book`. Into memory too:
    nothing lies on the disk meanwhile."""
    # Always made in memory: an archive that a full disk breaks off would be closed once more when it is collected.
    made = path if isinstance(path, BytesIO) else BytesIO()
    book = Workbook(made, {"in_memory": True})
    book.set_properties({"created": datetime(2000, 1, 1), "author": "Dianzhi"})
    yield book
    book.close()
    if not isinstance(path, BytesIO):
        with whole_file(path) as beside:
            beside.write_bytes(made.getbuffer())


def _fault(target: Path, problem: object) -> WorldFault:
    number = problem.errno if isinstance(problem, OSError) else None
    if not target.parent.is_dir():
        return WorldFault("export_no_folder", path=str(target), folder=str(target.parent))
    if number in (errno.ENOSPC, errno.EDQUOT if hasattr(errno, "EDQUOT") else errno.ENOSPC, errno.EFBIG):
        return WorldFault("export_no_space", path=str(target))
    if isinstance(problem, (PermissionError, IsADirectoryError)) or number == errno.EROFS:
        return WorldFault("export_in_use", path=str(target))
    return WorldFault("export_failed", path=str(target), reason=str(problem))
