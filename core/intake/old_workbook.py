"""How many cells an .xls holds, before anybody reads it: its reader takes memory for all sheets at once.

A workbook of Excel 97 is a stream of records within a compound file. Each sheet begins where the book says; some fifteen
kilobytes can name twenty sheets whose last cell is the farthest, 10 GB in memory.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from pathlib import Path

_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_LAST = 0xFFFFFFFA  # sector numbers from here on end a chain
_SHEET, _SIZE, _LOCKED, _END = 0x85, 0x200, 0x2F, 0x0A
# Records of one cell, and of several in a row; all begin with row and column.
_CELLS = frozenset({0x01, 0x02, 0x03, 0x04, 0x06, 0x7E, 0xBD, 0xBE, 0xD6, 0xFD, 0x201, 0x203, 0x204, 0x205, 0x206, 0x27E, 0x406})
_SEVERAL = frozenset({0xBD, 0xBE})


def places(path: Path) -> int:
    """Cells of all sheets' rectangles together; 0 of what is no such workbook, or a locked one.

    ValueError, struct.error: damaged.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if data[:8] != _MAGIC:
            return 0
        stream = _stream(data)
    known: dict[int, int] = {}
    total = 0
    for kind, begin, size in _records(stream, 0):
        if kind == _LOCKED:  # rows and columns are no numbers then; the reader asks for its password
            return 0
        if kind == _SHEET and size >= 4:
            (at,) = struct.unpack_from("<I", stream, begin)
            if at not in known:
                known[at] = _rectangle(stream, at)
            total += known[at]
    return total


def _records(stream: bytes, at: int) -> Iterator[tuple[int, int, int]]:
    """Kind, place and size of each until the end of the part that begins here."""
    while at + 4 <= len(stream):
        kind, size = struct.unpack_from("<HH", stream, at)
        if at + 4 + size > len(stream):
            return
        yield kind, at + 4, size
        if kind == _END:
            return
        at += 4 + size


def _rectangle(stream: bytes, at: int) -> int:
    """Of the cells that there are, or what the sheet says of itself: memory is taken for the larger."""
    rows, columns, stated = [1 << 32, -1], [1 << 32, -1], 0
    for kind, begin, size in _records(stream, at):
        if kind in _CELLS and size >= 4:
            row, column = struct.unpack_from("<HH", stream, begin)
            last = column if kind not in _SEVERAL or size < 6 else struct.unpack_from("<H", stream, begin + size - 2)[0]
            rows = [min(rows[0], row), max(rows[1], row)]
            columns = [min(columns[0], column), max(columns[1], column, last)]
        elif kind == _SIZE and size >= 10:
            wide = size >= 14
            first, after, left, right = struct.unpack_from("<IIHH" if wide else "<HHHH", stream, begin)
            stated = max(stated, max(after - first, 0) * max(right - left, 0))
    there = (rows[1] - rows[0] + 1) * (columns[1] - columns[0] + 1) if rows[1] >= 0 else 0
    return max(there, stated)


def _stream(data: mmap.mmap) -> bytes:
    """The book's records: `Workbook`, or `Book` before Excel 97."""
    sector = 1 << struct.unpack_from("<H", data, 30)[0]
    if sector not in (512, 4096):
        raise ValueError(sector)
    directory, cutoff, small_table, small_count, more, more_count = (
        *struct.unpack_from("<I", data, 48), *struct.unpack_from("<IIIII", data, 56)
    )  # fmt: skip

    def at(number: int) -> int:
        return (number + 1) * sector

    named = list(struct.unpack_from("<109I", data, 76))
    for _ in range(more_count):
        if more >= _LAST:
            break
        *numbers, more = struct.unpack_from(f"<{sector // 4}I", data, at(more))
        named += numbers
    table: list[int] = []
    for number in named:
        if number < _LAST and at(number) + sector <= len(data):
            table += struct.unpack_from(f"<{sector // 4}I", data, at(number))

    def chained(number: int, links: list[int]) -> Iterator[int]:
        for _ in range(len(links)):  # a circle ends too
            if number >= min(_LAST, len(links)):
                return
            yield number
            number = links[number]

    def whole(number: int) -> bytes:
        return b"".join(data[at(one) : at(one) + sector] for one in chained(number, table))

    entries = whole(directory)
    root, book = (0, 0), None
    for place in range(0, len(entries) - 127, 128):
        length = struct.unpack_from("<H", entries, place + 64)[0]
        name = entries[place : place + max(min(length, 64) - 2, 0)].decode("utf-16-le", "replace")
        start, size = struct.unpack_from("<II", entries, place + 116)
        if entries[place + 66] == 5:
            root = (start, size)
        elif name.lower() == "workbook" or (name.lower() == "book" and book is None):
            book = (start, size)
    if book is None:  # an encrypted one of later years
        return b""
    if book[1] >= cutoff:
        return whole(book[0])[: book[1]]
    links = whole(small_table)[: small_count * sector]
    small = whole(root[0])
    numbers = list(struct.unpack(f"<{len(links) // 4}I", links[: len(links) // 4 * 4]))
    return b"".join(small[one * 64 : one * 64 + 64] for one in chained(book[0], numbers))[: book[1]]
