"""A file is written whole or not at all, and a failing disk has a name."""

from __future__ import annotations

import errno
import os
from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

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
    beside = target.with_name(f".{target.name[:100]}.{os.getpid()}.tmp")
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
def spreadsheet(path: Path | str, *, streaming: bool = False) -> Generator[Workbook]:
    """An xlsx written whole or not at all, without a clock. `streaming`: constant memory, rows in order."""
    with whole_file(path) as beside, TemporaryDirectory(prefix="dianzhi-") as rows:
        options = {"constant_memory": True, "tmpdir": rows} if streaming else {"in_memory": True}
        book = Workbook(str(beside), options)
        book.set_properties({"created": datetime(2000, 1, 1), "author": "Dianzhi"})
        try:
            yield book
            book.close()
        except BaseException:
            # XlsxWriter would write the file all the same, and keep its files of rows open.
            for page in book.worksheets():
                if page.row_data_fh is not None:
                    page.row_data_fh.close()
            raise


def _fault(target: Path, problem: object) -> WorldFault:
    number = problem.errno if isinstance(problem, OSError) else None
    if not target.parent.is_dir():
        return WorldFault("export_no_folder", path=str(target), folder=str(target.parent))
    if number in (errno.ENOSPC, errno.EDQUOT if hasattr(errno, "EDQUOT") else errno.ENOSPC, errno.EFBIG):
        return WorldFault("export_no_space", path=str(target))
    if isinstance(problem, (PermissionError, IsADirectoryError)):
        return WorldFault("export_in_use", path=str(target))
    return WorldFault("export_failed", path=str(target), reason=str(problem))
