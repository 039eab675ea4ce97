"""How large a workbook is inside, before anybody reads it whole: a few kilobytes can hold a file that fills the memory.

What the archive says of itself is not believed: every part is inflated once, in pieces, and thrown away. Where the
farthest cells of a sheet stand is counted too, since a sheet is held in memory as a full rectangle; and what reading it
takes is held against the memory that is free, for a reader that gets none ends the program.
"""

from __future__ import annotations

import os
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO

import numpy as np

from core.faults import Refused
from core.intake import memory, old_workbook

WHOLE = 4 << 30  # bytes of all parts; a workbook of 200 MB has some 1.5 GB, a full sheet of 64 columns 4 GB
STRINGS = 1 << 30  # of the texts that are held in memory all at once
BOMB = (256 << 20, 200)  # beyond so many bytes a part inflated more than so many times is no sheet of a hospital's
PARTS = 5000
# A full sheet of 1,048,576 rows and 64 columns: 2.3 GB in memory where it is empty, 5 to 8 GB where it is full, which is
# all that a laptop of 16 GB has to give. The widest official lists with so many rows have some forty.
CELLS = 64 << 20
LONGEST = 16 << 20  # bytes of one line of a text file
_PIECE = 4 << 20
_SHEET = re.compile(rb"<(\w*:?)worksheet\b")
_STRINGS = re.compile(rb"<(\w*:?)sst\b")
_ROOT = re.compile(rb"<(\w*:?)(worksheet|sst|workbook|styleSheet|Relationships|Types)\b")
_NAMED = re.compile(rb"t=[\"']s[\"'][^>]*>\s*<[\w:]*v>(\d+)")
_KEEP = 64  # bytes that a reference may be cut into by the end of a piece

# Bytes of memory that reading takes at its peak, by sheets of 2 million cells read with python-calamine 0.9.1 on Linux.
# Measured for a cell: numbers and dates 72, texts of 11 characters 104, of 40 120; shared texts of 11 characters 72 where
# they repeat themselves and 128 where none does, of 40 152; a rectangle of which two places in sixteen have a cell 37 for
# each place. What follows reckons 80 to 84; 109, 138; 82, 144, 197; 39, and the margin on top of it.
PLACE = 32  # a place of the rectangle
CELL = 40 if os.name == "posix" else 120  # a cell as it is read; where a growing list is copied, three times that
TEXT = 24  # a text, beside its bytes
SHARED = 48  # one in the table of shared texts, beside its bytes
_MARKS = 16  # bytes around a shared text
MARGIN = 115  # percent
OWN = 64 << 20  # the blocks and their checks


@dataclass(frozen=True, slots=True)
class _Sheet:
    """places: of its rectangle. texts: bytes of memory of the texts in its cells. shared: cells that name a shared one."""

    part: str
    places: int
    cells: int
    texts: int
    shared: int

    def need(self, table: int, shared: int) -> int:
        """Bytes of memory; shared: of the texts that its cells name."""
        return (table + PLACE * self.places + self.texts + max(CELL * self.cells, shared)) * MARGIN // 100 + OWN


@dataclass(frozen=True, slots=True)
class _Inside:
    """sheets: all, whatever their part is called. strings: of shared texts how many, their bytes, and the longest's."""

    sheets: tuple[_Sheet, ...]
    strings: tuple[int, int, int]


def check(path: Path) -> None:
    """Refused: file_bomb, file_damaged, file_entities, file_memory. Costs half of what reading the workbook costs, and
    once for each file; the memory is looked at every time."""
    stat = path.stat()
    inside = _measured(path, stat.st_size, stat.st_mtime_ns)
    free = memory.free()
    if free is None:
        return
    count, size, longest = inside.strings
    mean = max(size // max(count, 1) - _MARKS, 0)
    table = (mean + SHARED) * count
    for sheet in inside.sheets:
        need = sheet.need(table, sheet.shared * (TEXT + mean))
        if need <= free < sheet.need(table, sheet.shared * (TEXT + longest)):
            need = sheet.need(table, sheet.shared * TEXT + _named_bytes(path, sheet.part))
        if need > free:
            raise Refused("file_memory", file=path.name, cells=sheet.cells, need=-(-need >> 20), free=free >> 20)


def check_old(path: Path) -> None:
    """The same of an .xls, whose sheets are all read at once. Refused: file_bomb, file_damaged, file_memory."""
    try:
        places = old_workbook.places(path)
    except (ValueError, struct.error) as error:
        raise Refused("file_damaged", file=path.name) from error
    if places > CELLS:
        raise Refused("file_bomb", file=path.name, part="xls", size=places)
    need = ((PLACE + CELL + TEXT) * places + 2 * path.stat().st_size) * MARGIN // 100 + OWN
    free = memory.free()
    if free is not None and need > free:
        raise Refused("file_memory", file=path.name, cells=places, need=-(-need >> 20), free=free >> 20)


def _named_bytes(path: Path, sheet: str) -> int:
    """Bytes of all shared texts that the sheet's cells name: where a few long ones are named a million times."""
    named, rest = 0, b""
    with zipfile.ZipFile(path) as archive, path.open("rb") as file:
        strings = _Strings()
        for part in archive.infolist():
            table = _Strings(keep=True)
            for piece in _inflated(file, part, path.name):
                if not table.see(piece):
                    break
            strings = max(strings, table, key=lambda one: one.count)
        lengths = np.concatenate([*strings.lengths, np.zeros(1, dtype=np.int64)])
        for piece in _inflated(file, archive.getinfo(sheet), path.name):
            data = rest + piece
            end = data.rfind(b"</")  # behind a number that is whole
            numbers = np.array(_NAMED.findall(data[: max(end, 0)]) or [b"0"], dtype=np.bytes_).astype(np.int64)
            named += int(lengths[np.minimum(numbers, len(lengths) - 1)].sum())
            rest = data[end:] if end >= 0 else data[-_KEEP:]
    return named


@lru_cache(maxsize=32)
def _measured(path: Path, size: int, changed: int) -> _Inside:
    whole = 0
    sheets: list[_Sheet] = []
    strings = (0, 0, 0)
    try:
        with zipfile.ZipFile(path) as archive, path.open("rb") as file:
            parts = archive.infolist()
            if len(parts) > PARTS:
                raise Refused("file_bomb", file=path.name, part="", size=len(parts))
            for part in parts:
                if part.flag_bits & 1:
                    continue  # of a locked book the reader tells
                # Whatever a part is called, the book may say that it is a sheet, or holds its texts.
                reach = _Reach(part.filename, path.name)
                shared = _Strings()
                inside = 0
                for piece in _inflated(file, part, path.name):
                    inside += len(piece)
                    whole += len(piece)
                    bomb = inside > BOMB[0] and inside > BOMB[1] * max(part.compress_size, 1)
                    most = STRINGS if shared.see(piece) else WHOLE
                    if inside > most or whole > WHOLE or bomb:
                        raise Refused("file_bomb", file=path.name, part=part.filename, size=inside)
                    if inside == len(piece):
                        _refuse_entities(piece, path.name)
                    reach.see(piece)
                if shared.count:
                    strings = max(strings, (shared.count, inside, shared.longest))
                if reach.is_sheet:
                    sheets.append(reach.sheet(inside))
    except (zipfile.BadZipFile, zlib.error, struct.error, ValueError, NotImplementedError, OSError) as error:
        raise Refused("file_damaged", file=path.name) from error
    return _Inside(tuple(sheets), strings)


def _refuse_entities(beginning: bytes, file: str) -> None:
    """A part of a workbook that declares a document type: no spreadsheet writes one, and entities need it."""
    root = _ROOT.search(beginning)
    if root and b"<!DOCTYPE" in beginning[: root.start()].upper():
        raise Refused("file_entities", file=file)


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


class _Strings:
    """The shared texts of a workbook: how many, and how long the longest is with its marks."""

    def __init__(self, keep: bool = False) -> None:
        self.count = self.longest = 0
        self.lengths: list[np.ndarray[tuple[int], np.dtype[np.int64]]] = []
        self._keep = keep
        self._mark = b""
        self._rest = b""
        self._last = 0  # where the newest began, from here
        self._begun = False

    def see(self, piece: bytes) -> bool:
        """Whether this is a piece of such a table."""
        if not self._begun:
            self._begun = True
            found = _STRINGS.search(piece) if b"sst" in piece else None
            self._mark = b"<" + found[1] + b"si" if found else b""
        if not self._mark:
            return False
        data = self._rest + piece
        kept = len(self._mark) - 1
        signs = np.frombuffer(data, dtype=np.uint8)
        size = max(len(data) - kept, 0)
        hits = np.ones(size, dtype=np.bool_)
        for place, sign in enumerate(self._mark):
            hits &= signs[place : place + size] == sign
        at = np.flatnonzero(hits)
        self.count += len(at)
        if len(at):
            lengths = np.diff(at, prepend=self._last)
            self.longest = max(self.longest, int(lengths.max()))
            if self._keep:
                self.lengths.append(lengths[0 if self.count > len(at) else 1 :])
            self._last = int(at[-1])
        self.longest = max(self.longest, size - self._last if self.count else 0)
        self._rest = data[size:]
        self._last -= size
        return True


class _Reach:
    """The farthest row and column that a sheet's cells name, how many there are without a name, and what they hold."""

    def __init__(self, part: str, file: str) -> None:
        self._part, self._file = part, file
        self._prefix: bytes | None = None  # of the sheet's elements; None of what is no sheet
        self._begun = False
        self._rest = b""
        self._rows = self._columns = self._named_rows = self._run = 0
        self._cells = self._inline = self._formulas = self._shared = 0

    @property
    def is_sheet(self) -> bool:
        return self._prefix is not None

    def sheet(self, size: int) -> _Sheet:
        """size: of the part; what of it is no mark may be text."""
        texts = 0
        if count := self._inline + self._formulas:
            texts = max(size - 14 * self._cells - 22 * self._inline, 0) + TEXT * count
        return _Sheet(self._part, max(self._rows, self._named_rows) * self._columns, self._cells, texts, self._shared)

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
            sign = padded[at] & ~np.uint8(32)  # small letters are read as well
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
        if any(b"/" not in piece for piece in pieces[1:-1]):  # a row that neither ends nor closes before the next
            raise Refused("file_damaged", file=self._file)
        self._cells += data.count(b"<" + self._prefix + b"c")
        self._inline += data.count(b"<" + self._prefix + b"is>")
        for quote in (b'"', b"'"):
            if b"=" + quote + b"s" in data:
                formulas = data.count(b"=" + quote + b"str" + quote)
                self._formulas += formulas
                self._shared += data.count(b"=" + quote + b"s") - formulas
        for at, piece in enumerate(pieces) if len(pieces) < 50 else enumerate([max(pieces, key=len)], 1):
            self._run = (self._run if at == 0 else 0) + piece.count(b"<" + self._prefix + b"c")
            self._columns = max(self._columns, self._run)
