"""Cells to rows and findings: what a cell says, whether the row can be taken, and what else there is to say.

A column is read all at once where its cells have the usual clean form (`cells`), and cell by cell where not. Both
ways give the same: the careful way is the definition, the fast way its shortcut.

Refused rows are each a finding. Warnings of one kind on one column are stored up to WARNINGS_KEPT and counted in full.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from functools import partial

import numpy as np

from core import money
from core.findings import Finding, Severity
from core.intake import cells, damage
from core.intake.cells import Block, Ints, Mask
from core.intake.kinds import INTEGERS, KINDS, Field, Kind, folded, step_in_yuan, word
from core.rules import formula

WARNINGS_KEPT = 1000  # of one code on one column, of a whole file
SHOWN = 200  # characters of a cell in a finding
SHOWN_ROW = 2_000  # characters of a whole row

# What other systems write for an empty cell.
_EMPTY = frozenset({"", "null", "\\n", "none", "nan", "<null>", "(null)"})
_SPACES = re.compile(r"[\s\x00-\x1f\x7f​‌‍﻿]+")
_SCIENTIFIC = re.compile(r"\d(\.\d+)?[eE]\+?\d+")
_GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?")
_TIME = re.compile(
    r"(\d{4})(?:([-/.])(\d{1,2})\2(\d{1,2})|年(\d{1,2})月(\d{1,2})日?|(\d{2})(\d{2}))"
    r"(?:[ T]*(\d{1,2})(?::(\d{1,2})(?::(\d{1,2})(?:\.\d+)?)?|时(\d{1,2})分?(?:(\d{1,2})秒)?)Z?)?"
)
_STAMP = re.compile(r"(\d{4})(\d{2})(\d{2})[ T]?(\d{2})(\d{2})(\d{2})?")
_SERIAL = re.compile(r"[2-7]\d{4}(\.\d+)?")
_PERIOD = re.compile(r"(\d{4})(?:年度?|\.0)?(?:[-/.]?(\d{1,2})(?:月|\.0)?(?:[-/.](\d{1,2}))?)?")
_STEP = re.compile(r"[a-z][a-z0-9_]*")
_LISTED = re.compile(r"[|,;、，；｜/]+|\s{2,}")
# In a diagnosis `+` also ties a dagger code to its asterisk code: A17.000+G01*.
_PLUS = re.compile(r"\+(?![^+|,;、]*\*)")


@dataclass(frozen=True, slots=True)
class Read:
    """What a cell says. problem: why it could not be read. repaired: what was changed in meaning, before and after are told."""

    value: str | int | None
    problem: str = ""
    repaired: str = ""


def tidy(text: str) -> str:
    """Full-width forms folded, control characters and line breaks out, blanks trimmed, `="x"` and `'x` unwrapped."""
    return unwrapped(folded(text))


def unwrapped(text: str) -> str:
    """`tidy` without the folding: words for people keep their punctuation."""
    text = text.strip(" ")
    if not text.isprintable() or not text.isascii():
        text = _SPACES.sub(" ", text).strip()
    if text[:2] == '="' and text[-1:] == '"':
        text = text[2:-1].strip()
    return text[1:].strip() if text[:1] == "'" else text


def _plain_id(text: str) -> Read:
    value = text.replace(" ", "")
    if _SCIENTIFIC.fullmatch(value):
        return Read(None, "digits_lost")
    if re.fullmatch(r"\d{5,}\.0", value):
        return Read(value[:-2], "", "repaired")
    return Read(value)


def _zeros(code: str, first_too: bool) -> str:
    """Letter O for zero: wherever a digit belongs."""
    start = 0 if first_too else 1
    return code[:start] + code[start:].replace("O", "0").replace("o", "0")


def _diag(text: str) -> Read:
    plain = text.replace(" ", "").replace("。", ".").replace("·", ".")
    if plain in (".", "-", "--", "—", "无"):
        return Read(None)
    cased = plain[:1].upper() + re.sub(r"(?<=[\d.])X", "x", plain[1:])
    # A dagger code carries a second diagnosis whose first place is a letter too.
    value = "+".join(_zeros(part, False) for part in cased.split("+"))
    if not re.fullmatch(r"[A-Z]\d.*|[A-Z]{2}\d.*", value) or not value.isascii():
        return Read(None, "diagnosis_unreadable")
    return Read(value, "", "repaired" if value != cased else "")


def _oprn(text: str) -> Read:
    plain = text.replace(" ", "").replace("。", ".").replace("·", ".")
    if plain in (".", "-", "--", "—", "无"):
        return Read(None)
    cased = re.sub(r"(?<=[\d.])X", "x", plain)
    value = _zeros(cased, True)
    if re.fullmatch(r"\d\.[0-9x].*", value):
        value = "0" + value
    if not re.fullmatch(r"\d{2}(\.[0-9x][0-9A-Za-z]*)?", value):
        return Read(None, "operation_unreadable")
    if value != cased:
        return Read(value, "", "repaired")
    # 47.01 may have been 47.0100 or 47.01x0: an Excel number has lost what stood behind.
    return Read(value, "", "code_shortened" if len(value) < 7 else "")


def _listed(text: str, each: Callable[[str], Read], split: Sequence[re.Pattern[str]]) -> Read:
    parts = [text]
    for pattern in split:
        parts = [piece for part in parts for piece in pattern.split(part)]
    values: list[str] = []
    repaired = ""
    for part in parts:
        if not part.strip() or part.strip() == ".":
            continue
        one = each(part.strip())
        if one.problem:
            return Read(None, one.problem)
        if one.value is not None:
            values.append(str(one.value))
        repaired = repaired or one.repaired
    return Read("|".join(values) or None, "", repaired)


def _oprn_rule(text: str) -> Read:
    """Operations joined by a catalogue's own signs, which have a meaning there; only the codes are put right."""
    pieces = re.split(r"([+/|,;、]+)", text.replace(" ", "").replace("，", ",").replace("；", ";"))
    values: list[str] = []
    repaired = ""
    for k, piece in enumerate(pieces):
        if k % 2 or not piece:
            values.append(piece)
            continue
        one = _oprn(piece)
        if one.problem:
            return Read(None, one.problem)
        values.append("" if one.value is None else str(one.value))
        repaired = repaired or one.repaired
    return Read("".join(values) or None, "", repaired)


def _diag_rule(text: str) -> Read:
    """Diagnoses joined by a catalogue's own signs: codes, prefixes from one character on, ranges `A00-B99`."""
    plain = re.sub(r"[~～–—－至]", "-", text.replace(" ", "").replace("，", ",").replace("；", ";"))
    if plain in (".", "-", "--", "无"):
        return Read(None)
    values: list[str] = []
    repaired = ""
    for k, piece in enumerate(re.split(r"([+/|,;、-]+)", plain)):
        short = re.fullmatch(r"[A-Za-z][\dOo]?", piece)
        if k % 2 or not piece or piece == ".":
            values.append("" if piece == "." else piece)
        elif short:
            values.append(piece[:1].upper() + piece[1:].replace("O", "0").replace("o", "0"))
            repaired = repaired or ("repaired" if piece[1:] in ("O", "o") else "")
        else:
            one = _diag(piece)
            if one.problem:
                return Read(None, one.problem)
            values.append(str(one.value))
            repaired = repaired or one.repaired
    return Read("".join(values) or None, "", repaired)


def _condition(text: str) -> Read:
    plain = text.replace("≤", "<=").replace("≥", ">=").replace("≠", "!=")
    try:
        formula.parse(plain)
    except formula.FormulaError:
        return Read(None, "condition_unreadable")
    return Read(plain)


def _either(text: str) -> Read:
    plain = text.replace(" ", "")
    if re.fullmatch(r"[\dOo]{1,2}\.[\dxXOo][0-9A-Za-z]*", plain):
        return _oprn(plain)
    if re.fullmatch(r"[A-Za-z]{1,2}[\dOo][0-9A-Za-z.+*]*", plain):
        return _diag(plain)
    return _dip(text)


def _dip(text: str) -> Read:
    plain = text.replace(" ", "")
    if _SCIENTIFIC.fullmatch(plain):
        return Read(None, "digits_lost")
    value = re.sub(r"(?<=[\d.])[Oo](?=[\dOo.x:_+/|-]|$)", "0", plain)
    # An operation of the key that has lost its first zero: `J18.9:3.3101`.
    value = re.sub(r"(?<=[:_+/|])(?=\d\.[\dx][0-9A-Za-z]{1,3}(?:[:_+/|]|$))", "0", value)
    return Read(value, "", "repaired" if value != plain else "")


def _number(text: str) -> str:
    """A number without thousands separators, currency signs and a plus; ValueError for anything that is none."""
    plain = text.replace(" ", "")
    plain = plain.removeprefix("¥").removeprefix("￥").removeprefix("$").removesuffix("元")
    if plain[:1] == "(" and plain[-1:] == ")":
        plain = "-" + plain[1:-1]
    plain = plain.replace("−", "-").replace("－", "-")
    if "," in plain:
        if not _GROUPED.fullmatch(plain):
            raise ValueError(text)
        plain = plain.replace(",", "")
    money.decimal(plain)  # raises for anything that is not a plain decimal
    if not plain.isascii():
        raise ValueError(text)
    return plain


def _money(text: str, wan: bool, signed: bool) -> Read:
    try:
        plain = _number(text)
        exact = money.decimal(plain) * (1_000_000 if wan else 100)
    except ValueError:
        return Read(None, "amount_unreadable")
    if exact.denominator != 1:
        return Read(None, "amount_decimals")
    if abs(exact.numerator) >= 10**17:
        return Read(None, "amount_unreadable")
    if exact < 0 and not signed:
        return Read(None, "amount_negative")
    return Read(exact.numerator)


def _decimal(text: str) -> Read:
    try:
        return Read(money.plain(money.decimal(_number(text))))
    except ValueError:
        return Read(None, "number_unreadable")


def _int(text: str, low: int, high: int) -> Read:
    plain = re.sub(r"(?<=\d)(天|岁|日|张|例|次|人次|人|床|年|笔|条|行|克|g|G)$", "", text.replace(" ", ""))
    try:
        value = money.decimal(_number(plain))
    except ValueError:
        return Read(None, "number_unreadable")
    if value.denominator != 1:
        return Read(None, "number_unreadable")
    if not low <= value.numerator <= high:
        return Read(None, "number_out_of_range")
    return Read(value.numerator)


def _code(text: str, words: Mapping[str, str | int], low: int, high: int) -> Read:
    key = word(text)
    if key in words:
        return Read(words[key])
    # "310 职工", "310-职工基本医疗保险": the code with its word behind.
    found = re.fullmatch(r"(\d{1,9})(?:\.0+)?(?:[-_.|/、(]?[^\d].*)?", key)
    if not found:
        return Read(None, "code_unknown")
    value = int(found[1])
    named = word(re.sub(r"^\d+(\.0+)?[-_.|/、(]?", "", key).removesuffix(")"))
    if named and words.get(named) != value:
        return Read(None, "code_unknown")
    return Read(value) if low <= value <= min(high, 10**9) else Read(None, "number_out_of_range")


def _word(text: str, words: Mapping[str, str | int]) -> Read:
    key = word(text)
    if key in words:
        return Read(str(words[key]))
    whole = re.fullmatch(r"(\d+)\.0", key)
    if whole and whole[1] in words:
        return Read(str(words[whole[1]]))
    return Read(None, "word_unknown")


def _named(text: str, words: Mapping[str, str | int]) -> Read:
    """One of the words, or PREFIX:NAME with the prefix in either language."""
    key = word(text)
    if key in words and not str(words[key]).endswith(":"):
        return Read(str(words[key]))
    head, colon, name = folded(text).partition(":")
    prefix = str(words.get(word(head), ""))
    name = _SPACES.sub(" ", name).strip()
    if not colon:
        bracket = re.fullmatch(r"([^()]+)\((.+)\)", folded(text))
        if bracket:
            prefix, name = str(words.get(word(bracket[1]), "")), bracket[2].strip()
    if prefix.endswith(":") and name:
        return Read(prefix + name)
    return Read(None, "word_unknown")


def _clock(year: int, month: int, day: int, hour: int, minute: int, second: int, with_time: bool) -> Read:
    try:
        moment = datetime(year, month, day, hour, minute, second)
    except ValueError:
        return Read(None, "date_unreadable")
    if not 1900 <= year < 2100:
        return Read(None, "date_unreadable")
    form = "%Y-%m-%d %H:%M:%S" if with_time and (hour or minute or second) else "%Y-%m-%d"
    return Read(moment.strftime(form))


def _time(text: str, with_time: bool) -> Read:
    if found := _TIME.fullmatch(text):
        year, _, m1, d1, m2, d2, m3, d3, hour, minute, second, hour_minute, hour_second = found.groups()
        return _clock(
            int(year),
            int(m1 or m2 or m3),
            int(d1 or d2 or d3),
            int(hour or 0),
            int(minute or hour_minute or 0),
            int(second or hour_second or 0),
            with_time,
        )
    if found := _STAMP.fullmatch(text):
        return _clock(*(int(part or 0) for part in found.groups()), with_time)  # type: ignore[call-arg]
    if _SERIAL.fullmatch(text):
        # Excel's day 1 is 1900-01-01 and its 1900 has a 29 February.
        whole, _, part = text.partition(".")
        seconds = (int(part) * 86400 * 2 // 10 ** len(part) + 1) // 2 if part else 0
        moment = datetime(1899, 12, 30) + timedelta(days=int(whole), seconds=seconds)
        read = _clock(*moment.timetuple()[:6], with_time)
        return Read(read.value, read.problem, "" if read.problem else "date_serial")
    if re.fullmatch(r"\d{8}\.0", text):
        return _time(text[:-2], with_time)
    return Read(None, "date_unreadable")


def _period(text: str, shape: str) -> Read:
    found = _PERIOD.fullmatch(text.replace(" ", "").split("00:00")[0])
    if not found or not 1990 <= int(found[1]) < 2100:
        return Read(None, "period_unreadable")
    year, month, _ = found.groups()
    if shape == "year":
        return Read(int(year)) if not month else Read(None, "period_unreadable")
    if month is None:
        return Read(None, "period_unreadable") if shape == "month" else Read(year)
    if not 1 <= int(month) <= 12:
        return Read(None, "period_unreadable")
    return Read(f"{year}{int(month):02d}")


def _since(text: str) -> Read:
    """A day; a year or a month alone means its first day."""
    read = _time(text, False)
    if not read.problem:
        return read
    period = _period(text, "period")
    if period.problem or period.value is None:
        return read
    year, month = str(period.value)[:4], str(period.value)[4:] or "01"
    return Read(f"{year}-{month}-01", "", "repaired")


def _step(text: str, words: Mapping[str, str | int]) -> Read:
    key = word(text)
    if key in words:
        return Read(str(words[key]))
    return Read(key) if _STEP.fullmatch(key) else Read(None, "word_unknown")


def read_cell(column: Field, raw: str, wan: bool = False) -> Read:
    """One cell, carefully. An empty one reads as None without a problem."""
    if "�" in raw and column.type != "text":
        return Read(None, "undecodable")
    joined = False
    if column.type in damage.TYPES and len(pieces := damage.lines(raw)) > 1:
        whole = damage.rejoined(pieces)
        if whole is None:
            return Read(None, "codes_without_sign")
        raw, joined = whole, True
    text = unwrapped(raw) if column.type == "text" else tidy(raw)
    if text.lower() in _EMPTY:
        return Read(None)
    read = _READERS[column.type](column, text, wan)
    if read.repaired == "repaired" and column.type in damage.TYPES:
        read = Read(read.value, "", damage.named(text.replace(" ", ""), str(read.value)))
    elif joined and not read.problem and not read.repaired:
        read = Read(read.value, "", "code_rejoined")
    if "\x00" in raw and not read.problem and not read.repaired and column.type != "private":
        return Read(read.value, "", "repaired")
    if "�" in raw and not read.problem:
        return Read(read.value, "", "undecodable_part")
    return read


def _id(column: Field, text: str) -> Read:
    if column.words and (found := column.words.get(word(text))):
        return Read(str(found))
    return _plain_id(text)


_READERS: dict[str, Callable[[Field, str, bool], Read]] = {
    "id": lambda column, text, wan: _id(column, text),
    "person": lambda column, text, wan: _plain_id(text),
    "private": lambda column, text, wan: Read(None),
    "diag": lambda column, text, wan: _diag(text),
    "diags": lambda column, text, wan: _listed(text, _diag, (_LISTED, _PLUS)),
    "oprn": lambda column, text, wan: _oprn(text),
    "oprns": lambda column, text, wan: _listed(text, _oprn, (_LISTED, re.compile(r"\+"))),
    "oprn_rule": lambda column, text, wan: _oprn_rule(text),
    "diag_rule": lambda column, text, wan: _diag_rule(text),
    "condition": lambda column, text, wan: _condition(text),
    "either": lambda column, text, wan: _either(text),
    "dip": lambda column, text, wan: _dip(text),
    "list": lambda column, text, wan: _listed(text, Read, (re.compile(r"[|,;、，；｜+]+"),)),
    "text": lambda column, text, wan: Read(text),
    "code": lambda column, text, wan: _code(text, column.words, column.low, column.high),
    "word": lambda column, text, wan: _word(text, column.words),
    "named": lambda column, text, wan: _named(text, column.words),
    "int": lambda column, text, wan: _int(text, column.low, column.high),
    "money": lambda column, text, wan: _money(text, wan, column.signed),
    "decimal": lambda column, text, wan: _decimal(text),
    "date": lambda column, text, wan: _since(text) if column.key else _time(text, False),
    "time": lambda column, text, wan: _time(text, True),
    "year": lambda column, text, wan: _period(text, "year"),
    "month": lambda column, text, wan: _period(text, "month"),
    "period": lambda column, text, wan: _period(text, "period"),
    "step": lambda column, text, wan: _step(text, column.words),
}


# --- columns -------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Values:
    """A column of values, in the form that costs least to make, send and store.

    numbers (with nulls where `empty`), or distinct texts with codes (-1 empty), or lines: texts each ended by a
    line feed, an empty one being no value.
    """

    numbers: Ints | None = None
    empty: Mask | None = None
    distinct: list[str] | None = None
    codes: Ints | None = None
    lines: bytes | None = None

    def packed(self) -> Values:
        """The same in fewer bytes, for the way to another process."""
        if self.numbers is not None:
            empty = None if self.empty is None or not self.empty.any() else self.empty
            return Values(numbers=_small(self.numbers), empty=empty)
        return self if self.codes is None else Values(distinct=self.distinct, codes=_small(self.codes))

    def constant(self) -> int | None:
        """The one number that all rows have, where that is so."""
        if self.numbers is None or len(self.numbers) == 0 or (self.empty is not None and self.empty.any()):
            return None
        first = int(self.numbers[0])
        return first if bool((self.numbers == first).all()) else None

    def kept(self, keep: Mask) -> Values:
        if self.numbers is not None:
            return Values(numbers=self.numbers[keep], empty=None if self.empty is None else self.empty[keep])
        if self.codes is not None:
            return Values(distinct=self.distinct, codes=self.codes[keep])
        texts = self.listed()
        return Values(
            lines="".join(
                [f"{text or ''}\n" for text, stay in zip(texts, keep.tolist(), strict=True) if stay]
            ).encode()
        )

    def listed(self) -> list[str | int | None]:
        """As the values SQLite takes."""
        if self.numbers is not None:
            if self.empty is None or not self.empty.any():
                return self.numbers.tolist()
            mixed = self.numbers.astype(object)
            mixed[self.empty] = None
            return mixed.tolist()
        if self.codes is not None:
            assert self.distinct is not None
            table = np.empty(len(self.distinct) + 1, dtype=object)
            table[:-1] = self.distinct
            table[-1] = None
            return table[self.codes].tolist()
        assert self.lines is not None
        texts: list[str | int | None] = self.lines.decode().split("\n")[:-1]  # type: ignore[assignment]
        if self.lines.startswith(b"\n") or b"\n\n" in self.lines:
            return [text or None for text in texts]
        return texts


def _small(numbers: Ints) -> Ints:
    if len(numbers) == 0:
        return numbers
    low, high = int(numbers.min()), int(numbers.max())
    for form in (np.int8, np.int16, np.int32):
        limits = np.iinfo(form)
        if limits.min <= low and high <= limits.max:
            return numbers.astype(form)  # pyright: ignore[reportReturnType]
    return numbers


@dataclass(slots=True)
class _Column:
    values: Values
    empty: Mask
    troubles: list[tuple[int, Read]] = field(
        default_factory=list[tuple[int, Read]]
    )  # row index, what was wrong or repaired
    day: Ints | None = None


_ID_BYTES = cells.table("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-")
_MEMORY = 1 << 16


class Reader:
    """Reads one column of a file, block after block, and remembers the cells it has seen."""

    def __init__(self, column: Field, wan: bool) -> None:
        self.column = column
        self.wan = wan
        self._seen: dict[bytes, Read] = {}
        self._many = False  # most cells of the last block were distinct

    def _cell(self, block: Block, i: int, j: int) -> Read:
        raw = block.raw(i, j)
        found = self._seen.get(raw)
        if found is None:
            found = read_cell(self.column, block.text(i, j), self.wan)
            if len(self._seen) >= _MEMORY:
                self._seen.clear()
            self._seen[raw] = found
        return found

    def read(self, block: Block, j: int) -> _Column:
        match self.column.type:
            case "money":
                return self._money(block, j)
            case "date" | "time":
                return self._times(block, j)
            case _:
                return self._any(block, j)

    def _money(self, block: Block, j: int) -> _Column:
        numbers, good = cells.amounts(block, j, 6 if self.wan else 2)
        if not self.column.signed:
            good &= numbers >= 0
        empty = np.zeros(len(block), dtype=np.bool_)
        column = _Column(Values(numbers=numbers, empty=empty), empty)
        bare = block.lengths(j) == 0
        empty |= bare
        for i in np.flatnonzero(~good & ~bare).tolist():
            self._careful(block, i, j, column, numbers)
        return column

    def _careful(self, block: Block, i: int, j: int, column: _Column, numbers: Ints) -> None:
        read = self._cell(block, i, j)
        if read.value is None:
            column.empty[i] = True
        else:
            numbers[i] = int(read.value)
        if read.problem or read.repaired:
            column.troubles.append((i, read))

    def _times(self, block: Block, j: int) -> _Column:
        matrix, lengths, _ = cells.matrix(block, j, 24)
        found = cells.times(matrix, lengths)
        if self.column.type == "date":
            found.lengths = np.minimum(found.lengths, 10)
        empty = lengths == 0
        column = _Column(Values(), empty, day=found.day)
        for i in np.flatnonzero(~found.good & ~empty).tolist():
            read = self._cell(block, i, j)
            if read.value is None:
                empty[i] = True
            else:
                text = str(read.value).encode()
                found.text[i, : len(text)] = np.frombuffer(text, dtype=np.uint8)
                found.lengths[i] = len(text)
                found.day[i] = int(str(read.value)[:10].replace("-", ""))
            if read.problem or read.repaired:
                column.troubles.append((i, read))
        column.values = Values(lines=cells.lines(found.text, found.lengths))
        return column

    def _any(self, block: Block, j: int) -> _Column:
        rows = len(block)
        matrix, lengths, fits = cells.matrix(block, j)
        kind = self.column.type
        if kind == "private":
            return _Column(Values(), np.ones(rows, dtype=np.bool_))
        if (self._many or kind == "person") and kind in ("id", "person"):
            return self._codes(block, j, matrix, lengths)
        if not bool(fits.all()):
            return self._one_by_one(block, j)
        found = cells.factors(matrix, lengths)
        self._many = len(found.first) * 2 > rows > 1000
        if self._many and kind == "id":
            return self._codes(block, j, matrix, lengths)
        reads = [self._cell(block, i, j) for i in found.first.tolist()]
        troubled = np.array([bool(read.problem or read.repaired) for read in reads], dtype=np.bool_)
        void = np.array([read.value is None for read in reads], dtype=np.bool_)
        empty = void[found.codes]
        column = _Column(Values(), empty)
        if kind in INTEGERS:
            numbers = np.array(
                [0 if read.value is None else int(read.value) for read in reads], dtype=np.int64
            )
            column.values = Values(numbers=numbers[found.codes], empty=empty)
        else:
            distinct = ["" if read.value is None else str(read.value) for read in reads]
            column.values = Values(distinct=distinct, codes=np.where(empty, -1, found.codes))
        if bool(troubled.any()):
            column.troubles = [
                (i, reads[int(found.codes[i])]) for i in np.flatnonzero(troubled[found.codes]).tolist()
            ]
        return column

    def _codes(self, block: Block, j: int, matrix: cells.Bytes, lengths: Ints) -> _Column:
        """Identifiers, nearly all of them distinct: clean ones are taken as they stand."""
        clean = cells.made_of(matrix, lengths, _ID_BYTES)
        empty = lengths == 0
        column = _Column(Values(), empty)
        odd = np.flatnonzero(~clean & ~empty).tolist()
        # `12E34` is made of clean bytes and yet a number that lost its digits; so is NULL an empty cell.
        odd += np.flatnonzero(clean & _suspicious(matrix, lengths)).tolist()
        if not odd:
            column.values = Values(lines=cells.lines(matrix, lengths))
            return column
        lengths = lengths.copy()
        lengths[odd] = 0
        texts = cells.lines(matrix, np.minimum(lengths, matrix.shape[1])).decode("ascii").split("\n")[:-1]
        for i in sorted(odd):
            read = self._cell(block, i, j)
            texts[i] = "" if read.value is None else str(read.value)
            empty[i] = read.value is None
            if read.problem or read.repaired:
                column.troubles.append((i, read))
        column.values = Values(lines="".join([f"{text}\n" for text in texts]).encode())
        return column

    def _one_by_one(self, block: Block, j: int) -> _Column:
        empty = np.zeros(len(block), dtype=np.bool_)
        column = _Column(Values(), empty)
        texts: list[str] = []
        numbers = np.zeros(len(block), dtype=np.int64)
        for i in range(len(block)):
            read = self._cell(block, i, j)
            empty[i] = read.value is None
            texts.append("" if read.value is None else str(read.value))
            if read.problem or read.repaired:
                column.troubles.append((i, read))
            if self.column.type in INTEGERS and read.value is not None:
                numbers[i] = int(read.value)
        column.values = (
            Values(numbers=numbers, empty=empty)
            if self.column.type in INTEGERS
            else Values(lines="".join([f"{text}\n" for text in texts]).encode())
        )
        return column


def _suspicious(matrix: cells.Bytes, lengths: Ints) -> Mask:
    """Identifiers of clean bytes that are not to be taken as they stand: `3E17`, NULL, none, nan."""
    short = lengths <= 4
    exponent = (matrix == 69) | (matrix == 101)
    if not bool(short.any()) and not bool(exponent.any()):
        return short
    digits = np.count_nonzero(matrix - np.uint8(48) < 10, axis=1)
    return ((np.count_nonzero(exponent, axis=1) == 1) & (digits == lengths - 1)) | (short & (digits == 0))


# --- rows ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Plan:
    """How a file's columns are read. places: column name -> its place in the file. wan: columns given in 万元."""

    kind: str
    file: str
    sheet: str
    places: Mapping[str, int]
    wan: frozenset[str]
    year: int | None
    version: str
    person_key: bytes
    unnamed: Mapping[str, int] = field(
        default_factory=dict[str, int]
    )  # columns without a heading, by their place

    @property
    def contract(self) -> Kind:
        return KINDS[self.kind]


@dataclass(slots=True)
class Checked:
    """A block after its checks. values: stored column -> its values, accepted rows only; rows: their numbers.

    findings: every refused row, and warnings up to the bound; counts: all of them by severity, code and column.
    spread: in a wide file several stored rows come from one row of it; `rows` then repeats.
    """

    rows: Ints
    values: dict[str, Values]
    read: int
    accepted: int
    findings: list[Finding]
    counts: Counter[tuple[str, str, str]]
    done: int = 0


_TOTAL = re.compile(
    r"(本页|本表|全部|本期|累计|总)?\s*(合\s*计|总\s*计|小\s*计|共\s*计|total|grandtotal|sum).*",
    re.IGNORECASE,
)
_FOOTER = re.compile(
    r"(制表人?|填表人?|审核人?|复核人?|负责人|经办人?|单位负责人|制表日期|填表日期|打印时间|打印日期|导出时间|备注|注|说明|数据来源)\s*[:：].*",
    re.DOTALL,
)
_SHORT = re.compile(r"[0-9A-Za-z.\-:/ ]{1,8}|\d{4}[-/]\d{1,2}[-/]\d{1,2}([ T][\d:]+)?|-?\d{1,9}\.\d{1,2}")
PRIVATE = ("psn_no", "psn_name", "certno")


class Checks:
    """Checks a file block after block. What it counts over the whole file does not depend on the blocks."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        kind = plan.contract
        self._fields = {column.name: column for column in kind.columns}
        self._readers = {name: Reader(self._field(name), name in plan.wan) for name in plan.places}
        self._kept: Counter[tuple[str, str]] = Counter()
        self._unnamed = dict(plan.unnamed)
        self._private = any(name in plan.places for name in PRIVATE)
        self._watch = damage.Watch() if plan.kind == "catalogue" else None
        self._hash = hashlib.blake2b(key=plan.person_key, digest_size=16) if "psn_no" in plan.places else None

    def _field(self, name: str) -> Field:
        if name.startswith("step:"):
            return Field(name, "decimal", strict=True)
        return self._fields[name]

    # Findings

    def _finding(
        self,
        out: Checked,
        code: str,
        severity: Severity,
        row: int,
        column: str = "",
        value: str = "",
        subject: str = "",
        **values: str,
    ) -> None:
        out.counts[severity, code, column] += 1
        if severity != "refused":
            self._kept[code, column] += 1
            if self._kept[code, column] > WARNINGS_KEPT:
                return
        shown = "" if column in PRIVATE else _visible(value)
        out.findings.append(
            Finding(code, severity, self.plan.file, self.plan.sheet, row, column, shown, subject, values)
        )

    def _broken_text(self, text: str) -> str:
        """A broken line's text; where the file has persons in it, only what cannot name one."""
        if not self._private:
            return _visible(text)
        parts = re.split(r"([,\t;|^])", text)
        return _visible(
            "".join(
                part if k % 2 or not part or _SHORT.fullmatch(part.strip('" ')) else "···"
                for k, part in enumerate(parts)
            )
        )

    def _row_text(self, block: Block, i: int) -> str:
        """A refused row as it stood, column by column; nothing that could name a person."""
        shown: list[str] = []
        for name, place in self.plan.places.items():
            cell = block.text(i, place).strip()
            named = name in PRIVATE or (self._private and self._field(name).type == "text")
            if cell:
                shown.append(f"{name}={'···' if named else cell}")
        return _visible("; ".join(shown), SHOWN_ROW)

    # A block

    def check(self, block: Block) -> Checked:
        out = Checked(block.rows, {}, 0, 0, [], Counter(), block.done)
        for line in block.broken:
            out.read += 1
            text = "" if line.code == "" else self._broken_text(line.text)
            out.counts["refused", line.code, ""] += 1
            out.findings.append(
                Finding(
                    line.code,
                    "refused",
                    self.plan.file,
                    self.plan.sheet,
                    line.row,
                    "",
                    text,
                    values={"expected": str(line.expected), "found": str(line.found)},
                )
            )
        rows = len(block)
        if rows == 0:
            out.rows = np.zeros(0, dtype=np.int64)
            return out
        for heading, place in list(self._unnamed.items()):
            filled = np.flatnonzero(block.lengths(place) > 0)
            if len(filled):
                del self._unnamed[heading]
                self._finding(out, "column_unclaimed", "note", int(block.rows[filled[0]]), heading)
        columns: dict[str, _Column] = {
            name: self._readers[name].read(block, j) for name, j in self.plan.places.items()
        }
        refused = np.zeros(rows, dtype=np.bool_)
        reasons: list[tuple[int, str, str, str, dict[str, str]]] = []
        remarks: list[tuple[int, str, str, str, dict[str, str]]] = []

        def refuse(where: Mask, code: str, name: str) -> None:
            for i in np.flatnonzero(where).tolist():
                reasons.append((i, code, name, "", {}))
            refused[where] = True

        for name, column in columns.items():
            contract = self._field(name)
            unread = np.zeros(rows, dtype=np.bool_)
            for i, read in column.troubles:
                text = block.text(i, self.plan.places[name])
                if read.problem and contract.refuses:
                    reasons.append((i, read.problem, name, text, {}))
                    refused[i] = True
                    unread[i] = True
                elif read.problem:
                    remarks.append((i, read.problem, name, text, {"effect": "emptied"}))
                else:
                    after = "" if contract.type == "person" else str(read.value)
                    remarks.append((i, read.repaired, name, text, {"after": after}))
            missing = column.empty & ~unread
            if (
                contract.required
                and name != "year"
                and not (name == "period" and self.plan.year)
                and bool(missing.any())
            ):
                refuse(missing, "score_empty" if (self._watch and name == "score") else "value_missing", name)
            if name in ("year", "period") and contract.required and bool(missing.any()):
                if self.plan.year is None:
                    refuse(missing, "value_missing", name)
                elif column.values.numbers is not None:
                    column.values.numbers[missing] = self.plan.year
                    column.empty[missing] = False
                else:
                    column.values = _filled(column.values, missing, str(self.plan.year))
                    column.empty[missing] = False
        self._across(block, columns, refused, refuse, remarks)
        aside = self._aside(block, refused, reasons, out)
        for i, code, name, text, values in sorted(reasons, key=lambda reason: reason[0]):
            if not aside[i]:
                whole = self._row_text(block, i)
                self._finding(out, code, "refused", int(block.rows[i]), name, text, text=whole, **values)
        for i, code, name, text, values in sorted(remarks, key=lambda remark: remark[0]):
            if not aside[i] and not refused[i]:
                subject = values.pop("subject", "")
                self._finding(out, code, "warning", int(block.rows[i]), name, text, subject, **values)
        out.read += rows - int(aside.sum())
        keep = ~refused
        out.accepted = int(keep.sum())
        values = self._stored(columns, rows)
        whole = bool(keep.all())
        if not whole:
            out.rows = block.rows[keep]
        packed = {id(column): (column if whole else column.kept(keep)).packed() for column in values.values()}
        out.values = {name: packed[id(column)] for name, column in values.items()}
        if any(name.startswith("step:") for name in columns):
            self._spread(out)
        return out

    def _aside(
        self,
        block: Block,
        refused: Mask,
        reasons: Sequence[tuple[int, str, str, str, dict[str, str]]],
        out: Checked,
    ) -> Mask:
        """Of the rows that cannot be taken: blank ones, totals and footers are no rows at all; the last two are noted."""
        aside = np.zeros(len(block), dtype=np.bool_)
        if not reasons:
            return aside
        width = block.starts.shape[1]
        for i in np.flatnonzero(refused).tolist():
            texts = [tidy(block.text(i, j)) for j in range(width)]
            filled = [text for text in texts if text]
            if not filled:
                aside[i] = True
            elif _TOTAL.fullmatch(filled[0].replace(" ", "")) and len(filled[0]) <= 20:
                aside[i] = True
                said = " ".join(filled) if self._watch else filled[0]
                self._finding(out, "total_row", "note", int(block.rows[i]), "", said)
            elif _FOOTER.fullmatch(filled[0]) and len(filled) * 2 <= max(width, 3):
                aside[i] = True
                self._finding(out, "footer_row", "note", int(block.rows[i]), "", filled[0] if self._watch else "")
        return aside

    # What one row says in several columns

    def _across(
        self,
        block: Block,
        columns: dict[str, _Column],
        refused: Mask,
        refuse: Callable[[Mask, str, str], None],
        remarks: list[tuple[int, str, str, str, dict[str, str]]],
    ) -> None:
        kind = self.plan.kind
        if kind == "cases":
            self._identities(block, columns, refused, remarks)
        elif kind == "coefficients" and "value" in columns:
            part, value = columns["part"].values.listed(), columns["value"].values.listed()
            negative = [
                str(p or "").startswith("deduction:") and str(v or "").startswith("-")
                for p, v in zip(part, value, strict=True)
            ]
            refuse(np.array(negative, dtype=np.bool_) & ~refused, "deduction_negative", "value")
        elif self._watch is not None:
            self._catalogue(self._watch, block, columns, refused, refuse, remarks)
        elif kind == "special_cases":
            score = columns["score"].values.listed() if "score" in columns else [None] * len(block)
            decision = columns["decision"].values.listed()
            lacking = [d == "adjusted" and s is None for d, s in zip(decision, score, strict=True)]
            refuse(np.array(lacking, dtype=np.bool_) & ~refused, "score_missing", "score")
        elif kind == "budget":
            item, value = columns["item"].values.listed(), columns["amount"].values.listed()
            # As in the window: a budget may be cut in the year, an item is never below nothing.
            negative = [int(v or 0) < 0 and i != "dip_topup" for i, v in zip(item, value, strict=True)]
            refuse(np.array(negative, dtype=np.bool_) & ~refused, "budget_item_negative", "amount")
        elif kind == "assessments":
            points, most = columns["points"].values.listed(), columns["max_points"].values.listed()
            for i in np.flatnonzero(~refused).tolist():
                if Fraction(str(points[i])) > Fraction(str(most[i])):
                    remarks.append((i, "points_above_max", "points", str(points[i]), {"most": str(most[i])}))

    def _catalogue(
        self,
        watch: damage.Watch,
        block: Block,
        columns: dict[str, _Column],
        refused: Mask,
        refuse: Callable[[Mask, str, str], None],
        remarks: list[tuple[int, str, str, str, dict[str, str]]],
    ) -> None:
        """Damage that one row shows beside the others; what is put right is put into the columns."""
        listed = {name: columns[name].values.listed() for name in _WATCHED if name in columns}
        repaired: dict[str, dict[int, str]] = {}

        def say(remark: damage.Remark) -> None:
            remarks.append((remark.i, remark.code, remark.column, remark.value, remark.values))
            if remark.after is not None:
                repaired.setdefault(remark.column, {})[remark.i] = remark.after

        odd: dict[str, list[int]] = {"score_negative": [], "row_continues": []}
        for i in range(len(block)):
            row = {name: str(values[i]) for name, values in listed.items() if values[i] is not None}
            if refused[i]:
                if row and not row.keys() & {"dip_name", "kind", "score"}:
                    odd["row_continues"].append(i)
                continue
            watch.row(i, int(block.rows[i]), row, say)
            score = row.get("score", "")
            if score.startswith("-"):
                odd["score_negative"].append(i)
            elif score and not score.strip("0."):
                remarks.append((i, "score_zero", "score", score, {}))
        for code, rows in odd.items():
            mask = np.zeros(len(block), dtype=np.bool_)
            mask[rows] = True
            refuse(mask, code, "score" if code == "score_negative" else "")
        for name, changes in repaired.items():
            texts = listed[name]
            for i, text in changes.items():
                texts[i] = text or None
                columns[name].empty[i] = not text
            columns[name].values = _listed_values(texts)

    def _identities(
        self,
        block: Block,
        columns: dict[str, _Column],
        refused: Mask,
        remarks: list[tuple[int, str, str, str, dict[str, str]]],
    ) -> None:
        """Interface 2304: the whole is the sum of its parts; and a stay ends after it begins."""
        amount = partial(_amount, columns)
        ids: list[str | int | None] = []

        def subject(i: int) -> str:
            """Listed once for all: in a file without the patient's part nearly every row is remarked on."""
            if not ids:
                ids.extend(columns["setl_id"].values.listed())
            return str(ids[i])

        fee, fund, own = amount("medfee_sumamt"), amount("fund_pay_sumamt"), amount("psn_part_amt")
        total: Ints = np.zeros(len(block), np.int64)
        for name in _FUND_PARTS:
            if (part := amount(name)) is not None:
                total = total + part
        if fee is not None and own is not None:
            hospital = amount("hosp_part_amt")
            # Where the funds' sum is not stated, its parts stand for it: so does the reading of other_pay.
            paid = total if fund is None else np.where(columns["fund_pay_sumamt"].empty, total, fund)
            rest = fee - paid - own - (0 if hospital is None else hospital)
            for i in np.flatnonzero((rest != 0) & ~columns["psn_part_amt"].empty & ~refused).tolist():
                remarks.append(
                    (
                        i,
                        "fee_identity",
                        "medfee_sumamt",
                        money.yuan(int(fee[i])),
                        {
                            "subject": subject(i),
                            "parts": money.yuan(int(fee[i] - rest[i])),
                            "difference": money.yuan(int(rest[i])),
                        },
                    )
                )
        if fund is not None:
            parts = [name for name in _FUND_PARTS if name in columns]
            # Without the column for all others, what is there may only not exceed the whole.
            complete = "oth_pay" in parts or len(parts) == len(_FUND_PARTS) - 1
            if "hifp_pay" in parts:
                rest = fund - total
                wrong = rest != 0 if complete else np.where(fund < 0, -rest, rest) < 0
                for i in np.flatnonzero(wrong & ~columns["fund_pay_sumamt"].empty & ~refused).tolist():
                    remarks.append(
                        (
                            i,
                            "fund_identity",
                            "fund_pay_sumamt",
                            money.yuan(int(fund[i])),
                            {
                                "subject": subject(i),
                                "parts": money.yuan(int(total[i])),
                                "difference": money.yuan(int(rest[i])),
                            },
                        )
                    )
        admitted = columns.get("adm_time")
        if admitted is not None and admitted.day is not None:
            left = columns["dscg_time"].day
            assert left is not None
            for i in np.flatnonzero((admitted.day > left) & (left > 0) & ~refused).tolist():
                remarks.append(
                    (
                        i,
                        "stay_reversed",
                        "adm_time",
                        block.text(i, self.plan.places["adm_time"]),
                        {"subject": subject(i)},
                    )
                )

    # What is stored

    def _stored(self, columns: dict[str, _Column], rows: int) -> dict[str, Values]:
        kind = self.plan.contract
        into: dict[str, Values] = {}
        for name, column in columns.items():
            contract = self._field(name)
            if contract.type == "private" or contract.stored == "-":
                continue
            if contract.type == "person":
                into[contract.column] = self._persons(column.values)
            else:
                into[name if name.startswith("step:") else contract.column] = column.values
        for contract in kind.columns:
            if contract.default is None:
                continue
            if contract.name not in columns:
                into[contract.column] = _constant(contract.default, rows)
            elif bool(columns[contract.name].empty.any()):
                into[contract.column] = _filled(
                    into[contract.column], columns[contract.name].empty, contract.default
                )
        if kind.field("version"):
            given = columns.get("version")
            into["version"] = (
                _constant(self.plan.version, rows)
                if given is None
                else _filled(given.values, given.empty, self.plan.version)
            )
        if "year" not in columns and kind.field("year") and self.plan.year is not None:
            into["year"] = _whole(self.plan.year, rows)
        if "period" not in columns and kind.field("period") and self.plan.year is not None:
            into["period"] = _constant(str(self.plan.year), rows)
        if self.plan.kind == "coefficients":
            into["set_name"] = _constant("imported", rows)
        if self.plan.kind == "cases":
            self._derive(columns, into, rows)
        if "amount" in self.plan.wan and self.plan.kind == "official_clearing":
            pairs = zip(into["column_id"].listed(), into["amount"].listed(), strict=True)
            into["amount"] = _listed_values([_in_yuan(str(step), amount) for step, amount in pairs])
        return into

    def _persons(self, values: Values) -> Values:
        """Keyed hashes, so that a readmission can be followed and nobody named."""
        assert self._hash is not None
        base = self._hash
        texts = values.listed()
        digests: list[bytes] = []
        for text in texts:
            one = base.copy()
            one.update(b"" if text is None else str(text).encode())
            digests.append(one.digest())
        hexed = np.frombuffer(b"".join(digests).hex().encode(), dtype=np.uint8).reshape(len(texts), 32)
        lengths = np.array([0 if text is None else 32 for text in texts], dtype=np.int64)
        return Values(lines=cells.lines(hexed, lengths))

    def _derive(self, columns: dict[str, _Column], into: dict[str, Values], rows: int) -> None:
        """The reading of a case that its own row allows (interfaces, Reading of cases)."""
        amount = partial(_amount, columns)
        zero = np.zeros(rows, dtype=np.int64)

        def or_zero(name: str) -> Ints:
            found = amount(name)
            return zero if found is None else found

        def empty(name: str) -> Mask:
            return columns[name].empty if name in columns else np.ones(rows, dtype=np.bool_)

        fee, booked, excluded = or_zero("medfee_sumamt"), or_zero("hifp_pay"), or_zero("excluded_fee")
        paid = np.where(empty("fund_pay_sumamt"), booked, or_zero("fund_pay_sumamt"))
        own = np.where(empty("psn_part_amt"), fee - paid - or_zero("hosp_part_amt"), or_zero("psn_part_amt"))
        sign = np.where((fee < 0) | ((fee == 0) & ((booked < 0) | (paid < 0))), -1, 1)
        settled = columns["setl_time"].day if "setl_time" in columns else None
        left = columns["dscg_time"].day
        assert left is not None
        day = left if settled is None else np.where(settled > 0, settled, left)
        insured = or_zero("insutype")
        fund = np.where((insured == 310) | (insured == 510), 1, np.where(insured == 390, 2, 0))
        method, visit = or_zero("hi_paymtd"), or_zero("med_type")
        scope = np.where(
            fund == 0,
            1,
            np.where(
                ~empty("hi_paymtd") & (method != 3),
                2,
                np.where(~empty("med_type") & ~np.isin(visit, (21, 22, 24, 52, 92)), 3, 0),
            ),
        )
        for name, numbers in (
            ("sign", sign),
            ("fund", fund),
            ("year", day // 10000),
            ("day", day),
            ("fee", fee - excluded),
            ("own_pay", own - excluded),
            ("other_pay", paid - booked),
            ("scope", scope),
        ):
            into[name] = Values(numbers=numbers.astype(np.int64))
        # The same figures under two names are sent and bound once.
        if "excluded_fee" not in columns:
            into["fee"] = into["medfee_sumamt"]
            if "psn_part_amt" in columns and not columns["psn_part_amt"].empty.any():
                into["own_pay"] = into["psn_part_amt"]

    def _spread(self, out: Checked) -> None:
        """A wide official sheet: a column per step becomes a row per step."""
        steps = [name for name in out.values if name.startswith("step:")]
        keys = [name for name in out.values if not name.startswith("step:")]
        source = {name: out.values[name].listed() for name in out.values}
        numbers: list[int] = []
        wide: dict[str, list[str | int | None]] = {name: [] for name in (*keys, "column_id", "amount")}
        for i, row in enumerate(out.rows.tolist()):
            for step in steps:
                amount = source[step][i]
                if amount is None:
                    continue
                numbers.append(row)
                for name in keys:
                    wide[name].append(source[name][i])
                wide["column_id"].append(step.removeprefix("step:"))
                if step in self.plan.wan:
                    amount = _in_yuan(step.removeprefix("step:"), amount)
                wide["amount"].append(amount)
        out.rows = np.array(numbers, dtype=np.int64)
        out.values = {name: _listed_values(values) for name, values in wide.items()}


_WATCHED = ("version", "dip_code", "dip_name", "kind", "attribute", "score", *damage.CODES)
_FUND_PARTS = ("hifp_pay", "hifes_pay", "hifmi_pay", "hifob_pay", "cvlserv_pay", "maf_pay", "oth_pay")


def _visible(text: str, most: int = SHOWN) -> str:
    shown = text.replace("\x00", "␀")
    return shown if len(shown) <= most else shown[:most] + "…"


def _amount(columns: Mapping[str, _Column], name: str) -> Ints | None:
    column = columns.get(name)
    if column is None or column.values.numbers is None:
        return None
    return np.where(column.empty, 0, column.values.numbers)


def _in_yuan(step: str, amount: str | int | None) -> str | int | None:
    """A figure of a sheet in 万元; points, counts and ratios have no yuan and stay."""
    if amount is None or not step_in_yuan(step):
        return amount
    return money.plain(money.decimal(str(amount)) * 10000)


def _constant(text: str, rows: int) -> Values:
    return Values(distinct=[text], codes=np.zeros(rows, dtype=np.int64))


def _whole(number: int, rows: int) -> Values:
    return Values(numbers=np.full(rows, number, dtype=np.int64))


def _filled(values: Values, where: Mask, text: str) -> Values:
    if values.codes is not None and values.distinct is not None:
        return Values(
            distinct=[*values.distinct, text], codes=np.where(where, len(values.distinct), values.codes)
        )
    listed = values.listed()
    return _listed_values(
        [text if hole else value for value, hole in zip(listed, where.tolist(), strict=True)]
    )


def _listed_values(values: Sequence[str | int | None]) -> Values:
    if values and all(isinstance(value, int) for value in values):
        return Values(numbers=np.array(values, dtype=np.int64))
    order = {value: k for k, value in enumerate(dict.fromkeys(values)) if value is not None}
    distinct = list(order)
    place = {value: k for k, value in enumerate(distinct)}
    codes = np.array([-1 if value is None else place[value] for value in values], dtype=np.int64)
    return Values(distinct=[str(value) for value in distinct], codes=codes)
