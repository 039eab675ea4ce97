"""A TOML file of which every key knows its line and column, and strict reading of its tables.

What cannot be read becomes a finding at its place; no reading function raises.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, cast

from core.findings import Finding
from core.money import decimal
from core.rules import formula as language
from core.rules import parsing
from core.rules.circular import EVIDENCE, MAX_PLACES
from core.rules.formula import Expr, FormulaError
from core.rules.sheet import Title
from core.texts import LANGUAGES

_MAX_ITEMS = 400
ID = re.compile(r"[a-z][a-z0-9_]{0,39}")


class _NotDecimal(str):
    """A float of the file that is no plain decimal (1e5, inf, 1_0.5): kept as its text and reported."""


def _exact(text: str) -> object:
    try:
        return decimal(text)
    except ValueError:
        return _NotDecimal(text)


Place = tuple[str | int, ...]
# TOML's parser takes time with the square of a line's dots, of brackets within brackets and of a whole number's digits:
# more of them than any pack has is refused before it is parsed.
MAX_PARTS = 16  # of a dotted key, and of brackets within brackets
MAX_DIGITS = 40  # of a number; in formulas `formula.MAX_DIGITS` holds
MAX_LINE = 20_000  # characters
_WORDS = re.compile(
    r"'{3}.*?(?:'{3}|\Z)|" r'"{3}(?:[^\\]|\\.)*?(?:"{3}|\Z)|' r'"(?:[^"\\\n]|\\.)*+"?|' r"'[^'\n]*+'?|\#[^\n]*+", re.DOTALL
)
_PART = r"[^\s.=\[\]{},]++"
_PARTS = re.compile(rf"(?<![^\s.=\[\]{{}},]){_PART}(?:[ \t]*+\.[ \t]*+{_PART}){{{MAX_PARTS}}}")
_DIGITS = re.compile(rf"(?<![A-Za-z0-9_])[0-9_.]{{{MAX_DIGITS + 1}}}")
_LINE = re.compile(rf"(?<![^\n])[^\n]{{{MAX_LINE + 1}}}")


def immoderate(text: str) -> tuple[str, int, int] | None:
    """What no pack needs and a parser would take long over: the first one's finding, its line (from 1), the limit."""
    bare = _WORDS.sub(lambda word: "x" * len(word[0].replace("\n", "")) + "\n" * word[0].count("\n"), text)
    found = [
        (match.start(), code, limit)
        for code, pattern, limit in (("pack_parts", _PARTS, MAX_PARTS), ("pack_digits", _DIGITS, MAX_DIGITS))
        if (match := pattern.search(bare))
    ]
    depth = 0
    for match in re.finditer(r"[\[{\]}]", bare):
        depth = depth + 1 if match[0] in "[{" else max(depth - 1, 0)
        if depth > MAX_PARTS:
            found.append((match.start(), "pack_nested", MAX_PARTS))
            break
    if not found and (long := _LINE.search(text)):
        return "pack_line", text.count("\n", 0, long.start()) + 1, MAX_LINE
    if not found:
        return None
    at, code, limit = min(found)
    return code, bare.count("\n", 0, at) + 1, limit


_HEADER = re.compile(r"\s*+(\[\[?)\s*+([A-Za-z0-9_.\-](?:[A-Za-z0-9_.\-\s]*[A-Za-z0-9_.\-])?)\s*+\]\]?\s*+(#.*)?$")
_KEY = re.compile(r"\s*([A-Za-z0-9_\-]+)((?:\s*\.\s*[A-Za-z0-9_\-]+)*)\s*=\s*")


def places_of(text: str) -> dict[Place, tuple[int, int]]:
    """Line and column (from 1) of every table and of every key's value, by the path that tomllib gives it."""
    places: dict[Place, tuple[int, int]] = {}
    counts: dict[Place, int] = {}
    base: Place = ()
    inside = ""  # the closing quotes of a multi-line string
    brackets = 0
    for number, line in enumerate(text.split("\n"), start=1):
        if inside:
            if inside in line:
                inside = ""
            continue
        if brackets > 0:
            brackets += _open_brackets(line)
            continue
        if header := _HEADER.match(line):
            base = _header_path(
                tuple(part.strip() for part in header[2].split(".")), header[1] == "[[", counts
            )
            places[base] = (number, header.start(1) + 1)
        elif key := _KEY.match(line):
            path = (*base, key[1], *(part.strip() for part in key[2].split(".") if part.strip()))
            places[path] = (number, key.end() + 1)
            rest = line[key.end() :]
            for quotes in ('"""', "'''"):
                if rest.startswith(quotes) and quotes not in rest[3:]:
                    inside = quotes
            if not inside:
                brackets = max(0, _open_brackets(rest))
    return places


def header_of(line: str) -> bool:
    """Whether a line opens a table."""
    return _HEADER.match(line) is not None


def _header_path(parts: tuple[str, ...], repeated: bool, counts: dict[Place, int]) -> Place:
    path: Place = ()
    for i, part in enumerate(parts):
        path = (*path, part)
        last = i == len(parts) - 1
        if last and repeated:
            counts[path] = counts.get(path, -1) + 1
            for longer in [
                known for known in counts if len(known) > len(path) and known[: len(path)] == path
            ]:
                if longer[len(path)] == counts[path]:
                    del counts[longer]
        if path in counts:
            path = (*path, counts[path])
    return path


def _open_brackets(line: str) -> int:
    bare = re.sub(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'|#.*$', "", line)
    return sum(bare.count(sign) for sign in "[{") - sum(bare.count(sign) for sign in "]}")


# What would not be seen, or would turn around what is read: control signs and those of writing direction.
_HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufffe\uffff]")


def _texts(value: Any) -> Iterator[str]:
    """Every text of the data, keys too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, one in cast(dict[str, Any], value).items():
            yield key
            yield from _texts(one)
    elif isinstance(value, list):
        for one in cast(list[Any], value):
            yield from _texts(one)


class Source:
    """One TOML file: its data, and where each key stands."""

    def __init__(self, name: str, text: str, findings: list[Finding]) -> None:
        self.name = name
        self.text = text
        self._findings = findings
        self._places: dict[Place, tuple[int, int]] = {}
        self.data: dict[str, Any] = {}
        if beyond := immoderate(text):
            self._add(beyond[0], beyond[1], "1", "", "", {"limit": f"{beyond[2]:,}"})
            return
        self._places = places_of(text)
        try:
            self.data = tomllib.loads(text, parse_float=_exact)
        except tomllib.TOMLDecodeError as error:
            found = re.search(r"at line (\d+), column (\d+)", str(error))
            line, column = (int(found[1]), found[2]) if found else (len(text.split("\n")) or 1, "1")
            self._add("pack_toml", line, column, "", "", {"reason": str(error)})
        if any(_HIDDEN.search(one) for one in _texts(self.data)):
            found = _HIDDEN.search(text) or re.search(r"\\[uU][0-9a-fA-F]{4,8}|\\[bfr]", text)
            line = text.count("\n", 0, found.start()) + 1 if found else 1
            self._add("pack_hidden", line, "1", "", "", {})

    def _add(
        self,
        code: str,
        line: int,
        column: str,
        value: str,
        subject: str,
        values: Mapping[str, str],
        severity: Literal["blocked", "warning"] = "blocked",
    ) -> None:
        self._findings.append(Finding(
            code, severity, file=self.name, row=line, column=column, value=value[:200], subject=subject, values=dict(values),
        ))  # fmt: skip

    def wrong(
        self,
        path: Place,
        code: str,
        /,
        *,
        subject: str = "",
        value: object = "",
        at: int | None = None,
        warn: bool = False,
        **values: str,
    ) -> None:
        """A finding at the place of `path`, or of the nearest table around it; `at`: offset in the text there."""
        near = path
        while near and near not in self._places:
            near = near[:-1]
        line, column = self._places.get(near, (1, 1))
        if at is not None and near == path:
            start = self.text.split("\n")[line - 1][column - 1 :]
            quotes = 3 if start.startswith(('"""', "'''")) else 1
            if quotes == 1:
                column += quotes + at
        self._add(code, line, str(column), str(value), subject, values, "warning" if warn else "blocked")


@dataclass(frozen=True)
class Item:
    """A table of a file with its place: what the reading functions look at."""

    source: Source
    path: Place
    data: Mapping[str, Any]

    @property
    def id(self) -> str:
        for key in ("id", "name", "key"):
            value = self.data.get(key)
            if isinstance(value, str):
                return value
        return ""

    def wrong(self, key: str, code: str, /, **values: Any) -> None:
        self.source.wrong((*self.path, key) if key else self.path, code, subject=self.id, **values)

    def only(self, known: frozenset[str]) -> None:
        for key in self.data:
            if key not in known:
                self.wrong(key, "pack_key", value=key, known=" ".join(sorted(known)))

    def text(self, key: str, *, required: bool = False) -> str:
        value = self.data.get(key)
        if value is None or value == "":
            if required:
                self.wrong(key, "pack_missing", value=key)
            return ""
        if not isinstance(value, str) or isinstance(value, _NotDecimal):
            self.wrong(key, "pack_type", value=plainly(value), wanted="text", key=key)
            return ""
        return value

    def title(self, key: str, *, required: bool = False) -> Title:
        """Words in every language; a plain text (of `open`, say) stands for all of them unless `required`."""
        value = self.data.get(key)
        if value is None:
            if required:
                self.wrong(key, "pack_missing", value=key)
            return {}
        if isinstance(value, str) and not required:
            return dict.fromkeys(LANGUAGES, value) if value else {}
        if not isinstance(value, dict):
            self.wrong(key, "pack_title", value=plainly(value), key=key)
            return {}
        words = cast("dict[str, Any]", value)
        for lang in LANGUAGES:
            if not isinstance(words.get(lang), str) or not words[lang].strip():
                self.wrong(key, "pack_language", value=key, lang=lang, key=key)
                return {}
        for lang in words:
            if lang not in LANGUAGES:
                self.wrong(key, "pack_key", value=lang, known=" ".join(LANGUAGES))
        return {lang: str(words[lang]) for lang in LANGUAGES}

    def flag(self, key: str, default: bool = False) -> bool:
        value = self.data.get(key, default)
        if not isinstance(value, bool):
            self.wrong(key, "pack_type", value=plainly(value), wanted="true / false", key=key)
            return default
        return value

    def digits(self, key: str = "places", *, required: bool = False) -> int | None:
        value = self.data.get(key)
        if value is None or value == "none":
            if required:
                self.wrong(key, "pack_missing", value=key)
                return 0
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_PLACES:
            self.wrong(key, "pack_places", value=plainly(value), limit=str(MAX_PLACES))
            return None
        return value

    def number(self, key: str) -> Fraction | None:
        value = self.data.get(key)
        if value is None or value == "":
            return None
        try:
            return _number(value)
        except ValueError:
            self.wrong(key, "pack_number", value=plainly(value), key=key)
            return None

    def formula(self, key: str, *, required: bool = False) -> Expr | None:
        """A formula, or a number as the simplest one."""
        value = self.data.get(key)
        if value is None:
            if required:
                self.wrong(key, "pack_missing", value=key)
            return None
        if isinstance(value, str) and not isinstance(value, _NotDecimal):
            try:
                return parsing.parse(value)
            except FormulaError as error:
                self.unfit(key, error)
                return None
        try:
            constant = _number(value)
        except ValueError:
            self.wrong(key, "pack_number", value=plainly(value), key=key)
            return None
        return language.Num(constant) if constant >= 0 else language.Neg(language.Num(-constant))

    def unfit(self, key: str, error: FormulaError) -> None:
        text = self.data.get(key)
        self.wrong(
            key, f"formula_{error.code}", at=error.at, value=text, place=str(error.at + 1), **error.values
        )

    def sourced(self, *, required: bool = True) -> tuple[str, str]:
        """cite and evidence; the evidence may be left to the document."""
        cite = self.text("cite", required=required)
        evidence = self.text("evidence")
        if evidence and evidence not in EVIDENCE:
            self.wrong("evidence", "pack_evidence", value=evidence, known=" ".join(EVIDENCE))
        return cite, evidence

    def name(self) -> str:
        id = self.text("id", required=True)
        if id and (not ID.fullmatch(id) or id in parsing.RESERVED):
            self.wrong("id", "pack_id", value=id)
        return id


def _number(value: object) -> Fraction:
    """An exact decimal of a TOML value; ValueError for anything else."""
    if isinstance(value, Fraction):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return Fraction(value)
    if isinstance(value, str) and not isinstance(value, _NotDecimal):
        return decimal(value)
    raise ValueError(value)


def typed(item: Item, key: str) -> str:
    """A formula as it was typed."""
    value = item.data.get(key, "")
    return value if isinstance(value, str) else plainly(value)


def plainly(value: object) -> str:
    return (
        str(value)
        if not isinstance(value, dict | list)
        else json.dumps(value, default=str, ensure_ascii=False)[:80]
    )


def items_of(source: Source, within: Mapping[str, Any], base: Place, key: str) -> Iterator[Item]:
    """The tables of `[[key]]`."""
    found = within.get(key, [])
    if (
        not isinstance(found, list)
        or len(found) > _MAX_ITEMS
        or not all(isinstance(one, dict) for one in found)
    ):
        source.wrong((*base, key), "pack_type", value=key, wanted=f"[[{key}]]", key=key)
        return
    for i, data in enumerate(cast("list[dict[str, Any]]", found)):
        yield Item(source, (*base, key, i), data)
