"""Bytes to cells: whatever the format, a file becomes blocks of rows with the row number of each.

A row's number is the one a spreadsheet shows: title rows, the heading and blank lines count, a line break inside
quotes does not. What a file is, its content says, not its name.

`text_rows` reads lists of text, `sheets` workbooks and databases.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from core.faults import Refused, WorldFault
from core.intake import sheets, text_rows
from core.intake.cells import Block
from core.intake.kinds import Kind
from core.intake.source import CHUNK, HEAD, Form, Source
from core.storage import recognised


def read(
    path: Path,
    sheet: str | None = None,
    kind: Kind | None = None,
    given: Mapping[str, str | None] | None = None,
) -> Source:
    """Recognise a file. Without `kind` the heading is sought among the headings of every kind.

    Refused: `file_workspace` (one that is open here), `file_empty`, `file_kind` (html, pdf, zip, a locked workbook ...),
    `file_format` (xlsb, ods).
    Usage: `sheet_unknown`, `sheet_needed`.
    WorldFault: `file_missing`, `file_unreadable`.
    """
    if recognised.in_use(path):
        raise Refused("file_workspace", file=path.name)
    try:
        with path.open("rb") as stream:
            head = stream.read(HEAD)
    except FileNotFoundError as fault:
        raise WorldFault("file_missing", file=str(path)) from fault
    except OSError as fault:
        raise WorldFault("file_unreadable", file=str(path), reason=fault.strerror or str(fault)) from fault
    if not head.strip(b"\x00 \t\r\n\xef\xbb\xbf\xff\xfe"):
        raise Refused("file_empty", file=path.name)
    form = _form(path, head)
    if form == "text":
        return text_rows.read(path, head, kind, given)
    return sheets.read(path, form, sheet, kind, given)


def blocks(source: Source, chunk: int = CHUNK) -> Iterator[Block]:
    """The rows below the heading. `chunk`: bytes a block, more or less; the rows are the same for any."""
    if source.form == "text":
        return text_rows.blocks(source, chunk)
    return sheets.blocks(source, chunk)


def _form(path: Path, head: bytes) -> Form:
    if head.startswith(b"SQLite format 3\x00"):
        return "database"
    if head.startswith(b"PK\x03\x04"):
        try:
            with zipfile.ZipFile(path) as archive:
                names = set(archive.namelist())
        except (zipfile.BadZipFile, OSError, ValueError):
            names = set()
        if not names:
            raise Refused("file_damaged", file=path.name)
        if "xl/workbook.bin" in names or "content.xml" in names:  # neither has bounds here, see `core.intake.bounds`
            raise Refused("file_format", file=path.name, found="xlsb" if "xl/workbook.bin" in names else "ods")
        if any(name.startswith("xl/") for name in names):
            return "workbook"
        raise Refused("file_kind", file=path.name, found="zip")
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") or head[:2] == b"\x09\x08":
        return "workbook"
    for start, found in (
        (b"%PDF", "pdf"),
        (b"\x89PNG", "png"),
        (b"\xff\xd8\xff", "jpeg"),
        (b"GIF8", "gif"),
        (b"Rar!", "rar"),
        (b"7z\xbc\xaf", "7z"),
        (b"\x1f\x8b", "gz"),
        (b"MZ", "exe"),
        (b"{\\rtf", "rtf"),
    ):
        if head.startswith(start):
            raise Refused("file_kind", file=path.name, found=found)
    opening = head[:4096].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if re.match(rb"<(!doctype|html|head|body|table|meta|style|div)\b", opening):
        raise Refused("file_kind", file=path.name, found="html")
    if opening.startswith(b"<?xml"):
        raise Refused("file_kind", file=path.name, found="html" if b"<html" in opening else "xml")
    if opening.startswith((b"{", b"[{")):
        raise Refused("file_kind", file=path.name, found="json")
    return "text"
