"""Bytes to cells: whatever the format, a file becomes blocks of rows with the row number of each.

A row's number is the one a spreadsheet shows: title rows, the heading and blank lines count, a line break inside
quotes does not. What a file is, its content says, not its name.

A text line with the wrong number of fields is never guessed at: it comes back as `Broken`. A quote that is never
closed spoils its own line only: lines are joined while that gives a row of the right width, at most JOINED of them.
"""

from __future__ import annotations

import codecs
import re
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import IO, Literal, cast

import numpy as np

from core.faults import Refused, Usage, WorldFault
from core.intake import bounds
from core.intake.cells import PADDING, Block, Broken, Ints, block_of
from core.intake.kinds import KINDS, Claims, Kind, claim, heading_forms
from core.storage import engine, recognised

Form = Literal["text", "workbook", "database"]

CHUNK = 6 << 20  # bytes of a block: some 30,000 rows; larger ones cost memory and win nothing
HEAD = 1 << 18  # bytes looked at to find encoding, separator and heading
HEAD_ROWS = 40
JOINED = 64  # physical lines that one record with line breaks may span
JOINED_BYTES = 1 << 16
STEPS = 1000  # million steps of the database's machine, some 10 s, that one row may take
DATABASE_ROWS = 50_000_000
_SEPARATORS = (",", "\t", ";", "|", "^")


@dataclass(frozen=True, slots=True)
class Source:
    """What a file was recognised as. Plain values: another process reads the same from it.

    headings: unique; a second `X` is `X (2)`, an empty one `#5` (its place). heading_row: the last of the heading's
    rows, 0 where none was found. titles: what stands above. skip: bytes before the first row below the heading.
    """

    path: Path
    form: Form
    encoding: str
    separator: str
    sheet: str
    sheets: tuple[str, ...]
    headings: tuple[str, ...]
    heading_row: int
    titles: tuple[str, ...]
    mapping: Mapping[str, str | None]
    twice: tuple[str, ...]
    sample: tuple[tuple[str, ...], ...]
    matched: int
    skip: int = 0
    line_end: str = "\n"
    others: tuple[str, ...] = field(default=())  # further sheets that would have served as well

    def blocks(self, chunk: int = CHUNK) -> Iterator[Block]:
        """The rows below the heading. `chunk`: bytes a block, more or less; the rows are the same for any."""
        if self.form == "text":
            return _text_blocks(self, chunk)
        return _value_blocks(self, chunk)

    def size(self) -> int:
        return self.path.stat().st_size


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
        return _read_text(path, head, kind, given)
    return _read_values(path, form, sheet, kind, given)


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


# --- text ----------------------------------------------------------------------------------------------


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


def _split(line: bytes, separator: int) -> list[tuple[int, int]] | None:
    """Where the fields of one record begin and end, quotes taken off; None where its quotes do not close."""
    fields: list[tuple[int, int]] = []
    at, size = 0, len(line)
    while True:
        if at < size and line[at] == 34:
            end = at + 1
            while True:
                end = line.find(b'"', end)
                if end < 0:
                    return None
                if line[end + 1 : end + 2] == b'"':
                    end += 2
                    continue
                break
            if end + 1 < size and line[end + 1] != separator:
                return None
            fields.append((at + 1, end))
            at = end + 1
        else:
            end = line.find(separator, at)
            end = size if end < 0 else end
            fields.append((at, end))
            at = end
        if at >= size:
            return fields
        at += 1  # over the separator


@dataclass(slots=True)
class _Record:
    start: int
    end: int  # behind the line break
    fields: list[tuple[int, int]]
    sound: bool


def _records(data: bytes, separator: int, width: int, whole: bool) -> Iterator[_Record]:
    """Record by record, with care. Stops before a record that more data could still change, unless `whole`."""
    at, size = 0, len(data)
    while at < size:
        end = data.find(b"\n", at)
        if end < 0 and not whole:
            return
        stop = size if end < 0 else end
        fields = _line(data, at, stop, separator)
        after = stop + 1
        if fields is None:
            joined, tried, reach = None, 1, stop
            while tried < JOINED and reach - at < JOINED_BYTES and reach < size:
                following = data.find(b"\n", reach + 1)
                if following < 0 and not whole:
                    return
                reach = size if following < 0 else following
                tried += 1
                found = _line(data, at, reach, separator)
                if found is not None:
                    if width == 0 or len(found) == width:
                        joined = found
                    break
            if joined is not None:
                fields, after = joined, reach + 1
        if fields is None:
            # Quotes that do not close: the quote is a character like any other, if that gives the right width.
            plain: list[tuple[int, int]] = []
            begin = at
            last = stop - 1 if stop > at and data[stop - 1] == 13 else stop
            while True:
                cut = data.find(separator, begin, last)
                plain.append((begin, last if cut < 0 else cut))
                if cut < 0:
                    break
                begin = cut + 1
            yield _Record(at, after, plain, False)
        else:
            yield _Record(at, after, fields, True)
        at = after


def _line(data: bytes, start: int, stop: int, separator: int) -> list[tuple[int, int]] | None:
    if stop > start and data[stop - 1] == 13:
        stop -= 1
    fields = _split(data[start:stop], separator)
    return None if fields is None else [(a + start, b + start) for a, b in fields]


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


def _read_text(path: Path, head: bytes, kind: Kind | None, given: Mapping[str, str | None] | None) -> Source:
    encoding, mark = _encoding(path, head)
    text = head[mark:].decode(encoding, "ignore")
    strange = sum(1 for c in text[:4000] if (c < " " and c not in "\t\r\n\x00\x1a\x0c") or c == "�")
    if strange * 10 > len(text[:4000]):
        raise Refused("file_kind", file=path.name, found="binary")
    if not text.strip("\x00 \t\r\n﻿"):
        raise Refused("file_empty", file=path.name)
    line_end = "\r" if "\n" not in text and "\r" in text else "\n"
    data = text.replace("\r", "\n").encode() if line_end == "\r" else text.encode()
    best: tuple[tuple[int, int, int], str, _Heading] | None = None
    for order, separator in enumerate(_SEPARATORS):
        rows = _first_rows(data, ord(separator))
        found = _locate(rows, kind, given)
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
    for number, record in enumerate(_records(begin, ord(separator), 0, True), start=1):
        if number > found.last:
            break
        skip = record.end
    return Source(
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
        skip,
        line_end,
    )


def _first_rows(data: bytes, separator: int) -> list[list[str]]:
    rows: list[list[str]] = []
    for record in _records(data, separator, 0, True):
        rows.append([data[a:b].decode("utf-8", "replace").replace('""', '"') for a, b in record.fields])
        if len(rows) == HEAD_ROWS:
            break
    return rows


def _text_blocks(source: Source, chunk: int) -> Iterator[Block]:
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
            block, used, row = _block(data, separator, width, row, stream.encoding, ended)
            block.done = stream.file.tell()
            rest = data[used:]
            if len(rest) > bounds.LONGEST:
                raise Refused("line_endless", file=source.path.name, row=row + 1)
            if len(block) or block.broken:
                yield block
            if ended:
                return


def _block(
    data: bytes, separator: int, width: int, row: int, encoding: str, ended: bool
) -> tuple[Block, int, int]:
    """The records of `data`, how many bytes they took, and the last row's number."""
    cut_off = ended and not data.endswith(b"\n")
    if cut_off:
        data += b"\n"
    buffer = np.zeros(len(data) + PADDING, dtype=np.uint8)
    buffer[: len(data)] = np.frombuffer(data, dtype=np.uint8)
    inside = buffer[: len(data)]
    stops = np.flatnonzero((inside == separator) | (inside == 10))
    quoted = b'"' in data
    quotes = np.flatnonzero(inside == 34) if quoted else np.zeros(0, dtype=np.int64)
    if quoted:
        stops = stops[np.searchsorted(quotes, stops) % 2 == 0]
    is_line = buffer[stops] == 10
    line_at = np.flatnonzero(is_line)
    if len(line_at) == 0:
        if quoted:
            return _careful(data, buffer, separator, width, row, encoding, ended, cut_off)
        return _nothing(buffer, width, encoding), 0, row
    used = int(stops[line_at[-1]]) + 1
    counts = np.diff(line_at, prepend=-1)
    sound = counts == width
    if quoted:
        inner = quotes[quotes < used]
        if (
            not bool(sound.all())
            or (len(inner) != len(quotes) and ended)
            or not _well_quoted(buffer, inner, separator)
        ):
            return _careful(data, buffer, separator, width, row, encoding, ended, cut_off)
    numbers = row + 1 + np.arange(len(line_at), dtype=np.int64)
    last = line_at[sound]
    ends = stops[last[:, None] + np.arange(1 - width, 1)].reshape(len(last), width)
    starts = np.empty_like(ends)
    starts[:, 1:] = ends[:, :-1] + 1
    before = last - width
    starts[:, 0] = np.where(before >= 0, stops[np.maximum(before, 0)] + 1, 0)
    broken: list[Broken] = []
    if not bool(sound.all()):
        more_s: list[list[int]] = []
        more_e: list[list[int]] = []
        more_n: list[int] = []
        for k in np.flatnonzero(~sound).tolist():
            begin = int(stops[line_at[k - 1]]) + 1 if k else 0
            cuts = [int(c) for c in stops[line_at[k] - counts[k] + 1 : line_at[k] + 1]]
            fields = list(zip([begin, *(c + 1 for c in cuts[:-1])], cuts, strict=True))
            _odd(
                data,
                fields,
                width,
                int(numbers[k]),
                encoding,
                cut_off and k == len(line_at) - 1,
                broken,
                more_s,
                more_e,
                more_n,
            )
        if more_n:
            starts = np.concatenate([starts, np.array(more_s, dtype=np.int64)])
            ends = np.concatenate([ends, np.array(more_e, dtype=np.int64)])
            order = np.argsort(
                np.concatenate([numbers[sound], np.array(more_n, dtype=np.int64)]), kind="stable"
            )
            starts, ends = starts[order], ends[order]
            kept = np.concatenate([numbers[sound], np.array(more_n, dtype=np.int64)])[order]
        else:
            kept = numbers[sound]
    else:
        kept = numbers
    if len(ends):
        tail = ends[:, -1]
        ends[:, -1] = tail - ((buffer[np.maximum(tail - 1, 0)] == 13) & (tail > starts[:, -1]))
    if quoted and len(ends):
        wrapped = (buffer[starts] == 34) & (ends - starts >= 2)
        starts = starts + wrapped
        ends = ends - wrapped
    return Block(buffer, starts, ends, kept, encoding, quoted, broken), used, row + len(line_at)


def _nothing(buffer: np.ndarray[tuple[int], np.dtype[np.uint8]], width: int, encoding: str) -> Block:
    none = np.zeros((0, width), dtype=np.int64)
    return Block(buffer, none, none, np.zeros(0, dtype=np.int64), encoding)


def _well_quoted(buffer: np.ndarray[tuple[int], np.dtype[np.uint8]], quotes: Ints, separator: int) -> bool:
    """Every quote opens a field, closes one, or is half of a doubled one inside."""
    if len(quotes) % 2:
        return False
    opening, closing = quotes[0::2], quotes[1::2]
    before = buffer[np.maximum(opening - 1, 0)]
    after = buffer[closing + 1]
    opens = (opening == 0) | (before == separator) | (before == 10)
    closes = (after == separator) | (after == 10) | ((after == 13) & (buffer[closing + 2] == 10))
    # `""` inside: a closing one directly followed by an opening one.
    doubled = np.zeros(len(opening), dtype=np.bool_)
    doubled[1:] = opening[1:] == closing[:-1] + 1
    closes[:-1] |= doubled[1:]
    opens |= doubled
    return bool(opens.all() and closes.all())


def _odd(
    data: bytes,
    fields: Sequence[tuple[int, int]],
    width: int,
    row: int,
    encoding: str,
    cut_off: bool,
    broken: list[Broken],
    starts: list[list[int]],
    ends: list[list[int]],
    numbers: list[int],
) -> None:
    """A line of another width: blank, only longer by empty fields, or broken."""
    text = data[fields[0][0] : fields[-1][1]]
    bare = text.strip(b' \t\r\x00\x1a,;|"')
    if not bare:
        return
    found = len(fields)
    if found > width and not data[fields[width][0] : fields[-1][1]].strip(b" \t\r,;|"):
        starts.append([a for a, _ in fields[:width]])
        ends.append([b for _, b in fields[:width]])
        numbers.append(row)
        return
    code = (
        "line_cut_off" if cut_off and found < width else "fields_missing" if found < width else "fields_extra"
    )
    broken.append(Broken(row, code, text.decode(encoding, "replace").strip("\r"), width, found))


def _careful(
    data: bytes,
    buffer: np.ndarray[tuple[int], np.dtype[np.uint8]],
    separator: int,
    width: int,
    row: int,
    encoding: str,
    ended: bool,
    cut_off: bool,
) -> tuple[Block, int, int]:
    """The same as `_block`, line by line: for data whose quotes are not all in order."""
    starts: list[list[int]] = []
    ends: list[list[int]] = []
    numbers: list[int] = []
    broken: list[Broken] = []
    used = 0
    for record in _records(data, separator, width, ended):
        row += 1
        used = record.end
        last = cut_off and record.end >= len(data)
        if record.sound and len(record.fields) == width:
            starts.append([a for a, _ in record.fields])
            ends.append([b for _, b in record.fields])
            numbers.append(row)
        elif record.sound:
            _odd(data, record.fields, width, row, encoding, last, broken, starts, ends, numbers)
        else:
            text = data[record.start : record.end].decode(encoding, "replace").strip("\r\n")
            broken.append(
                Broken(row, "line_cut_off" if last else "quote_open", text, width, len(record.fields))
            )
    if not numbers:
        block = _nothing(buffer, width, encoding)
        block.broken = broken
        return block, used, row
    return (
        Block(
            buffer,
            np.array(starts, dtype=np.int64),
            np.array(ends, dtype=np.int64),
            np.array(numbers, dtype=np.int64),
            encoding,
            True,
            broken,
        ),
        used,
        row,
    )


# --- workbooks and databases ---------------------------------------------------------------------------


def cell_text(value: object) -> str:
    """A typed cell as the text a CSV export of it would have: numbers with the 15 digits that Excel keeps."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        text = format(value, ".15g")
        # Beyond 15 digits Excel has lost some: left as 3.50900123456789e+20, so that no code and no amount is made of it.
        return format(Decimal(text), "f") if "e-" in text else text
    if isinstance(value, datetime):
        if not (value.hour or value.minute or value.second or value.microsecond):
            return value.strftime("%Y-%m-%d")
        return (value + timedelta(microseconds=500_000)).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return format(value / timedelta(days=1), ".15g")
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value)


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _sheets(path: Path, form: Form) -> tuple[str, ...]:
    if form == "database":
        with _database(path) as database:
            try:
                rows = database.connection.execute(
                    "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' ORDER BY rowid"
                )
                return tuple(str(row[0]) for row in rows)
            except (engine.DatabaseError, UnicodeDecodeError) as fault:
                raise Refused("file_damaged", file=path.name) from fault
    from python_calamine import CalamineError, PasswordError, load_workbook

    try:
        if zipfile.is_zipfile(path):
            bounds.check(path)
        book = load_workbook(str(path))
        return tuple(book.sheet_names)
    except PasswordError as fault:
        raise Refused("file_kind", file=path.name, found="password") from fault
    except (CalamineError, OSError, ValueError) as fault:
        raise Refused("file_damaged", file=path.name) from fault
    except BaseException as fault:  # a panic inside the Rust reader on a damaged file
        if type(fault).__name__ != "PanicException":
            raise
        raise Refused("file_damaged", file=path.name) from fault


class _database:  # noqa: N801 - used like the function `contextlib.closing`
    def __init__(self, path: Path) -> None:
        self.connection = engine.connect(path.resolve(), "ro")
        # What another program put into its schema is not run on our behalf.
        for pragma in ("trusted_schema = OFF", "query_only = ON", "cell_size_check = ON", "mmap_size = 0"):
            self.connection.execute(f"PRAGMA {pragma}")
        self.steps = 0
        self.connection.set_progress_handler(self._tick, 1_000_000)

    def _tick(self) -> bool:
        """A view that never ends is stopped: so many steps for one row are none of a table's."""
        self.steps += 1
        return self.steps > STEPS

    def __enter__(self) -> _database:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()


def _values(path: Path, form: Form, sheet: str) -> Iterator[list[str]]:
    """Every row of a sheet or table from its first row on, as text."""
    if form == "database":
        with _database(path) as database:
            try:
                cursor = database.connection.execute(f"SELECT * FROM {_quote(sheet)}")
                yield [str(column[0]) for column in cursor.description]
                for count, row in enumerate(cursor):
                    database.steps = 0
                    if count > DATABASE_ROWS:
                        raise Refused("file_bomb", file=path.name, part=sheet, size=count)
                    yield [cell_text(value) for value in row]
            except (engine.DatabaseError, UnicodeDecodeError) as fault:
                raise Refused("file_damaged", file=path.name) from fault
        return
    from python_calamine import CalamineError, load_workbook

    try:
        book = load_workbook(str(path))
        found = book.get_sheet_by_name(sheet)
        rows = cast("list[list[object]]", found.to_python(skip_empty_area=False))
    except (CalamineError, OSError, ValueError) as fault:
        raise Refused("file_damaged", file=path.name) from fault
    except BaseException as fault:  # a panic inside the Rust reader on a damaged file
        if type(fault).__name__ != "PanicException":
            raise
        raise Refused("file_damaged", file=path.name) from fault
    for row in rows:
        yield [cell_text(value) for value in row]


def _read_values(
    path: Path, form: Form, sheet: str | None, kind: Kind | None, given: Mapping[str, str | None] | None
) -> Source:
    sheets = _sheets(path, form)
    if not sheets:
        raise Refused("file_empty", file=path.name)
    if sheet is not None and sheet not in sheets:
        raise Usage("sheet_unknown", file=path.name, sheet=sheet, sheets=sheets)
    wanted = (sheet,) if sheet is not None else sheets
    found: list[tuple[str, _Heading]] = []
    for name in wanted:
        head: list[list[str]] = []
        for row in _values(path, form, name):
            head.append(row)
            if len(head) == HEAD_ROWS:
                break
        if any(any(cell.strip() for cell in row) for row in head):
            found.append((name, _locate(head, kind, given)))
    if not found:
        raise Refused("file_empty", file=path.name)
    name, best = max(found, key=lambda pair: pair[1].matched)
    others = tuple(
        other
        for other, heading in found
        if other != name and heading.matched == best.matched and best.matched
    )
    if form == "database" and sheet is None and others:
        raise Usage("sheet_needed", file=path.name, sheets=sheets)
    return Source(
        path,
        form,
        "",
        "",
        name,
        sheets,
        best.headings,
        best.last,
        best.titles,
        best.claims.mapping,
        best.claims.twice,
        best.sample,
        best.matched,
        others=others,
    )


def _value_blocks(source: Source, chunk: int) -> Iterator[Block]:
    width = len(source.headings)
    rows: list[list[str]] = []
    numbers: list[int] = []
    broken: list[Broken] = []
    size = 0
    for number, row in enumerate(_values(source.path, source.form, source.sheet), start=1):
        if number <= source.heading_row or not any(cell and not cell.isspace() for cell in row):
            continue
        beyond = [cell for cell in row[width:] if cell.strip()]
        if beyond:
            broken.append(Broken(number, "fields_extra", ",".join(row), width, width + len(beyond)))
            continue
        cells = row[:width] + [""] * (width - len(row))
        rows.append(cells)
        numbers.append(number)
        size += sum(map(len, cells)) + width
        if size >= chunk:
            block = block_of(rows, numbers, width)
            block.broken = broken
            yield block
            rows, numbers, broken, size = [], [], [], 0
    if rows or broken:
        block = block_of(rows, numbers, width)
        block.broken = broken
        yield block


# --- the heading ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Heading:
    headings: tuple[str, ...]
    last: int
    titles: tuple[str, ...]
    claims: Claims
    matched: int
    sample: tuple[tuple[str, ...], ...]


def _named(cells: Sequence[str]) -> list[str]:
    """Unique headings: trimmed, line breaks out, `X (2)` for a second X, `#5` for an empty fifth."""
    names: list[str] = []
    seen: dict[str, int] = {}
    for place, cell in enumerate(cells, start=1):
        name = re.sub(r"\s*[\r\n\x00]\s*", "", cell).strip(" \t　﻿\xa0") or f"#{place}"
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return names


def _locate(
    rows: Sequence[Sequence[str]], kind: Kind | None, given: Mapping[str, str | None] | None
) -> _Heading:
    """The row, or the two merged rows, whose cells claim most columns. Without any match: the first row that is not blank."""
    kinds = [kind] if kind else list(KINDS.values())
    usual = Counter(len(row) for row in rows if len(row) > 1).most_common(1)
    width = usual[0][0] if usual else 0
    best: tuple[int, int, int, list[str], Claims] | None = None
    for at, row in enumerate(rows[:30]):
        if not any(cell.strip() for cell in row):
            continue
        shapes = [(at + 1, _trimmed(row, width))]
        if at + 1 < len(rows) and len(row) > 1:
            shapes.append((at + 2, _trimmed(_merged(row, rows[at + 1]), width)))
        for last, cells in shapes:
            names = _named(cells)
            for each in kinds:
                claims = claim(each, names, given)
                matched = len(claims.columns)
                # A title above the heading adds nothing to it: of equals the row alone, and the title stays one.
                alone = best is not None and matched == best[0] > 0 and last == at + 1 == best[2] and at > best[1]
                if best is None or matched > best[0] or alone:
                    best = (matched, at, last, names, claims)
    if best is None:
        return _Heading((), 0, (), Claims({}, ()), 0, ())
    matched, at, last, names, claims = best
    titles = tuple(cell.strip() for row in rows[:at] for cell in row if cell.strip())
    sample = tuple(tuple(row) for row in rows[last : last + 20] if any(cell.strip() for cell in row))
    return _Heading(tuple(names), last, titles, claims, matched, sample)


def _trimmed(row: Sequence[str], width: int) -> list[str]:
    """Without the empty cells at its end, as far as the rows below do not have them too."""
    cells = list(row)
    while len(cells) > max(width, 1) and not cells[-1].strip():
        cells.pop()
    return cells


@cache
def _known_headings() -> frozenset[str]:
    """Every heading of every kind, ready to compare."""
    return frozenset(
        form
        for kind in KINDS.values()
        for column in kind.columns
        for name in (column.name, *column.aliases)
        for form in heading_forms(name)
    )


def _merged(upper: Sequence[str], lower: Sequence[str]) -> list[str]:
    """Two heading rows as one: the lower where it stands, else the upper; a lower one that says nothing alone
    (`编码` under `主要诊断`) gets the upper before it."""
    cells: list[str] = []
    above = ""
    known = _known_headings()
    for place in range(max(len(upper), len(lower))):
        top = upper[place].strip() if place < len(upper) else ""
        bottom = lower[place].strip() if place < len(lower) else ""
        above = top or above
        if not bottom:
            cells.append(top)
        elif not top and not above:
            cells.append(bottom)
        else:
            joined = above + bottom
            longer = any(form in known for form in heading_forms(joined))
            alone = any(form in known for form in heading_forms(bottom))
            cells.append(
                bottom
                if alone and not longer
                else joined
                if longer
                else bottom
                if len(bottom) > 1
                else joined
            )
    return cells
