"""Bytes of text to fields: where the fields of every line begin and end, at once where all is in order, else with care.

A line with the wrong number of fields is never guessed at: it comes back as `Broken`. A quote that is never closed
spoils its own line only: lines are joined while that gives a row of the right width, at most JOINED of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from core.intake.cells import PADDING, Block, Broken, Ints

JOINED = 64  # physical lines that one record with line breaks may span
JOINED_BYTES = 1 << 16


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
class Record:
    start: int
    end: int  # behind the line break
    fields: list[tuple[int, int]]
    sound: bool


def records(data: bytes, separator: int, width: int, whole: bool) -> Iterator[Record]:
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
            yield Record(at, after, plain, False)
        else:
            yield Record(at, after, fields, True)
        at = after


def _line(data: bytes, start: int, stop: int, separator: int) -> list[tuple[int, int]] | None:
    if stop > start and data[stop - 1] == 13:
        stop -= 1
    fields = _split(data[start:stop], separator)
    return None if fields is None else [(a + start, b + start) for a, b in fields]


def block_of_bytes(
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
    """The same as `block_of_bytes`, line by line: for data whose quotes are not all in order."""
    starts: list[list[int]] = []
    ends: list[list[int]] = []
    numbers: list[int] = []
    broken: list[Broken] = []
    used = 0
    for record in records(data, separator, width, ended):
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
