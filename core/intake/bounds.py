"""How large a workbook is inside, before anybody reads it whole: a few kilobytes can hold a file that fills the memory.

What the archive says of itself is not believed: every part is inflated once, in pieces, and thrown away. Where the
farthest cells of a sheet stand is counted too, since a sheet is held in memory as a full rectangle.
"""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import IO

import numpy as np

from core.faults import Refused

WHOLE = 8 << 30  # bytes of all parts; a workbook of 200 MB has some 2 GB
STRINGS = 1 << 30  # of the texts that are held in memory all at once
BOMB = (256 << 20, 200)  # beyond so many bytes a part inflated more than so many times is no sheet of a hospital's
PARTS = 5000
CELLS = 120_000_000  # a full sheet of 1,048,576 rows and 114 columns; 3 GB in memory
LONGEST = 16 << 20  # bytes of one line of a text file
_PIECE = 4 << 20
_SHEET = re.compile(rb"<(\w*:?)worksheet\b")
_KEEP = 64  # bytes that a reference may be cut into by the end of a piece


def check(path: Path) -> None:
    """Refused: file_bomb, file_damaged. Costs a tenth of what reading the workbook costs, and once for each file."""
    stat = path.stat()
    _check(path, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=32)
def _check(path: Path, size: int, changed: int) -> None:
    whole = 0
    try:
        with zipfile.ZipFile(path) as archive, path.open("rb") as file:
            parts = archive.infolist()
            if len(parts) > PARTS:
                raise Refused("file_bomb", file=path.name, part="", size=len(parts))
            for part in parts:
                if part.flag_bits & 1:
                    continue  # of a locked book the reader tells
                # Whatever a part is called, the book may say that it is a sheet.
                most = STRINGS if part.filename.endswith("sharedStrings.xml") else WHOLE
                reach = _Reach(part.filename, path.name)
                inside = 0
                for piece in _inflated(file, part, path.name):
                    inside += len(piece)
                    whole += len(piece)
                    bomb = inside > BOMB[0] and inside > BOMB[1] * max(part.compress_size, 1)
                    if inside > most or whole > WHOLE or bomb:
                        raise Refused("file_bomb", file=path.name, part=part.filename, size=inside)
                    reach.see(piece)
    except (zipfile.BadZipFile, zlib.error, struct.error, ValueError, NotImplementedError, OSError) as error:
        raise Refused("file_damaged", file=path.name) from error


def _inflated(file: IO[bytes], part: zipfile.ZipInfo, name: str) -> Iterator[bytes]:
    """A part's bytes, whatever length the directory gives it."""
    file.seek(part.header_offset)
    head = file.read(30)
    if head[:4] != b"PK\x03\x04":
        raise Refused("file_damaged", file=name)
    names, extra = struct.unpack("<HH", head[26:30])
    file.seek(names + extra, 1)
    left = part.compress_size
    inflate = zlib.decompressobj(-15) if part.compress_type == zipfile.ZIP_DEFLATED else None
    while left > 0:
        data = file.read(min(left, 1 << 20))
        if not data:
            return
        left -= len(data)
        if inflate is None:
            yield data
            continue
        while data:
            piece = inflate.decompress(data, _PIECE)
            data = inflate.unconsumed_tail
            if piece:
                yield piece
        if inflate.eof:
            return


class _Reach:
    """The farthest row and column that a sheet's cells name, and how many there are without a name."""

    def __init__(self, part: str, file: str) -> None:
        self._part, self._file = part, file
        self._prefix: bytes | None = None  # of the sheet's elements; None of what is no sheet
        self._begun = False
        self._rest = b""
        self._rows = self._columns = self._named_rows = self._run = 0

    def see(self, piece: bytes) -> None:
        if not self._begun:
            self._begun = True
            found = _SHEET.search(piece)
            self._prefix = found[1] if found else None
        if self._prefix is None:
            return
        data = self._rest + piece
        if len(data) <= _KEEP:
            self._rest = data
            return
        self._named(data)
        self._counted(data[: len(data) - _KEEP])
        self._rest = data[-_KEEP:]
        rows, columns = max(self._rows, self._named_rows), self._columns
        if rows > 1 << 20 or columns > 1 << 14 or rows * columns > CELLS:
            raise Refused("file_bomb", file=self._file, part=self._part, size=rows * columns)

    def _named(self, data: bytes) -> None:
        """` r="AB12"`: of cells with letters, of rows without."""
        padded = np.frombuffer(data + bytes(24), dtype=np.uint8)
        end = len(data) - _KEEP
        at = np.flatnonzero((padded[1:end] == 114) & (padded[2 : end + 1] == 61) & ((padded[3 : end + 2] | 5) == 39)) + 4
        at = at[padded[at - 4] <= 32]
        column = np.zeros(len(at), dtype=np.int64)
        for _ in range(4):
            sign = padded[at]
            letter = (sign >= 65) & (sign <= 90)
            column = np.where(letter, column * 26 + sign - 64, column)
            at = at + letter
        row = np.zeros(len(at), dtype=np.int64)
        for _ in range(10):
            sign = padded[at]
            digit = (sign >= 48) & (sign <= 57)
            row = np.where(digit, row * 10 + sign - 48, row)
            at = at + digit
        if len(at):
            self._named_rows = max(self._named_rows, int(row.max()))
            self._columns = max(self._columns, int(column.max()))

    def _counted(self, data: bytes) -> None:
        """Rows and cells as they come, for those that say not where they stand."""
        assert self._prefix is not None
        pieces = data.split(b"<" + self._prefix + b"row")
        self._rows += len(pieces) - 1
        for at, piece in enumerate(pieces) if len(pieces) < 50 else enumerate([max(pieces, key=len)], 1):
            self._run = (self._run if at == 0 else 0) + piece.count(b"<" + self._prefix + b"c")
            self._columns = max(self._columns, self._run)
