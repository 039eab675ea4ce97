"""Lists of text: encoding, separator and heading of a file, and its rows block by block."""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import IO

from core.faults import Refused
from core.intake import bounds
from core.intake.cells import Block
from core.intake.headings import HEAD_ROWS, Heading, locate
from core.intake.kinds import Kind
from core.intake.records import block_of_bytes, records
from core.intake.source import CHUNK, HEAD, Source

_SEPARATORS = (",", "\t", ";", "|", "^")


def _encoding(path: Path, head: bytes) -> tuple[str, int]:
    """The file's encoding and the length of its mark. Decided at the first bytes that are not ASCII."""
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8", 3
    if head.startswith(codecs.BOM_UTF16_LE):
        return "utf-16-le", 2
    if head.startswith(codecs.BOM_UTF16_BE):
        return "utf-16-be", 2
    sample = head[:4096]
    if len(sample) >= 4 and sample.count(0) * 4 > len(sample):
        even, odd = sample[0::2].count(0), sample[1::2].count(0)
        return ("utf-16-le" if odd >= even else "utf-16-be"), 0
    with path.open("rb") as stream:
        while part := stream.read(1 << 20):
            if part.isascii():
                continue
            part += stream.read(1 << 16)
            first = next(i for i, byte in enumerate(part) if byte > 127)
            part = part[first:]
            high = (
                sum(1 for byte in part if byte > 127)
                if len(part) < 1 << 16
                else len(part.translate(None, bytes(range(128))))
            )
            wrong = part.decode("utf-8", "replace").count("�")
            # A few damaged bytes do not make a UTF-8 file GBK: in GBK text nearly every character is wrong UTF-8.
            return ("utf-8" if wrong * 20 <= high or (wrong <= 1 and high > 3) else "gb18030"), 0
    return "utf-8", 0


class _Stream:
    """The file's bytes in an encoding whose separators cannot be part of a character."""

    def __init__(self, source: Source) -> None:
        self.file: IO[bytes] = source.path.open("rb")
        mark = {
            "utf-8": codecs.BOM_UTF8,
            "utf-16-le": codecs.BOM_UTF16_LE,
            "utf-16-be": codecs.BOM_UTF16_BE,
        }.get(source.encoding, b"")
        if mark and self.file.read(len(mark)) != mark:
            self.file.seek(0)
        self.encoding = source.encoding
        self._line_end = source.line_end.encode()
        self._decoder = None
        if _needs_decoding(source.encoding, source.separator):
            self._decoder = codecs.getincrementaldecoder(source.encoding)("replace")
            self.encoding = "utf-8"

    def read(self, size: int) -> bytes:
        data = self.file.read(size)
        if self._decoder is not None:
            text = self._decoder.decode(data, final=not data)
            while data and not text:
                data = self.file.read(size)
                text = self._decoder.decode(data, final=not data)
            data = text.encode("utf-8", "replace")
        return data.replace(b"\r", b"\n") if self._line_end == b"\r" else data


def _needs_decoding(encoding: str, separator: str) -> bool:
    """UTF-16, and GB18030 with a separator that can be the second byte of a character (above 0x3F)."""
    return encoding.startswith("utf-16") or (encoding == "gb18030" and separator in "|^")


def read(path: Path, head: bytes, kind: Kind | None, given: Mapping[str, str | None] | None) -> Source:
    encoding, mark = _encoding(path, head)
    text = head[mark:].decode(encoding, "ignore")
    strange = sum(1 for c in text[:4000] if (c < " " and c not in "\t\r\n\x00\x1a\x0c") or c == "�")
    if strange * 10 > len(text[:4000]):
        raise Refused("file_kind", file=path.name, found="binary")
    if not text.strip("\x00 \t\r\n﻿"):
        raise Refused("file_empty", file=path.name)
    line_end = "\r" if "\n" not in text and "\r" in text else "\n"
    data = text.replace("\r", "\n").encode() if line_end == "\r" else text.encode()
    best: tuple[tuple[int, int, int], str, Heading] | None = None
    for order, separator in enumerate(_SEPARATORS):
        rows = _first_rows(data, ord(separator))
        found = locate(rows, kind, given)
        widths = [len(row) for row in rows if len(row) > 1]
        usual = max((widths.count(width), width) for width in set(widths))[0] if widths else 0
        rank = (found.matched, usual if widths else 0, -order)
        if best is None or rank > best[0]:
            best = (rank, separator, found)
    if best is None:
        raise Refused("file_empty", file=path.name)
    _, separator, found = best
    source = Source(
        path,
        "text",
        encoding,
        separator,
        "",
        (),
        found.headings,
        found.last,
        found.titles,
        found.claims.mapping,
        found.claims.twice,
        found.sample,
        found.matched,
        line_end=line_end,
    )
    stream = _Stream(source)
    with stream.file:
        begin = stream.read(HEAD)
    skip = 0
    for number, record in enumerate(records(begin, ord(separator), 0, True), start=1):
        if number > found.last:
            break
        skip = record.end
    return replace(source, skip=skip)


def _first_rows(data: bytes, separator: int) -> list[list[str]]:
    rows: list[list[str]] = []
    for record in records(data, separator, 0, True):
        rows.append([data[a:b].decode("utf-8", "replace").replace('""', '"') for a, b in record.fields])
        if len(rows) == HEAD_ROWS:
            break
    return rows


def blocks(source: Source, chunk: int) -> Iterator[Block]:
    width = len(source.headings)
    separator = ord(source.separator)
    row = source.heading_row
    stream = _Stream(source)
    with stream.file:
        rest = b""
        todo = source.skip
        while todo > 0:
            got = (
                stream.read(min(todo, CHUNK))
                if not _needs_decoding(source.encoding, source.separator)
                else stream.read(HEAD)
            )
            if not got:
                break
            if len(got) > todo:
                rest = got[todo:]
            todo -= len(got)
        while True:
            read = stream.read(max(chunk, 1))
            ended = not read
            data = rest + read
            if not data:
                return
            block, used, row = block_of_bytes(data, separator, width, row, stream.encoding, ended)
            block.done = stream.file.tell()
            rest = data[used:]
            if len(rest) > bounds.LONGEST:
                raise Refused("line_endless", file=source.path.name, row=row + 1)
            if len(block) or block.broken:
                yield block
            if ended:
                return
