"""The log: what went wrong, beside the settings and in clear. Of a protected workspace codes and places only."""

from __future__ import annotations

import datetime
import platform
import traceback
from pathlib import Path

from core import settings as kept
from core.faults import Fault, Refused

LIMIT = 1_000_000  # bytes; then another is begun, and one older one is kept


def log_file() -> Path:
    return kept.home() / "dianzhi.log"


def log(text: str) -> None:
    """Into the log file; where even that cannot be written the window still says it."""
    path = log_file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and path.stat().st_size > LIMIT:
            path.replace(path.with_suffix(".old.log"))
        now = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
        with path.open("a", encoding="utf-8") as out:
            out.write(
                f"{now} dianzhi {kept.VERSION} Python {platform.python_version()} {platform.platform()}\n{text}\n"
            )
    except OSError:
        return


def places(error: BaseException) -> str:
    """What an error is and where it came up, with no value of any row: code or type, the file's row and column, lines of the
    program. Its message may hold what stands in a cell."""
    lines: list[str] = []
    told: BaseException | None = error
    while told is not None:
        lines.append(f"{type(told).__name__} {told.code}" if isinstance(told, Fault) else type(told).__name__)
        if isinstance(told, Refused):
            for finding in told.findings:
                where = (finding.file, finding.sheet, "" if finding.row is None else str(finding.row), finding.column)
                lines.append("  " + " ".join(part for part in (finding.code, *where) if part))
        lines += [f"  {one.filename}:{one.lineno} {one.name}" for one in traceback.extract_tb(told.__traceback__)]
        told = told.__cause__ or (None if told.__suppress_context__ else told.__context__)
    return "\n".join(lines)
