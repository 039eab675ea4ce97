"""Rows found as one types: by code, by any part of a Chinese name, by pinyin; the one search behind finder, browser and forms.

All names lie behind each other in one lane of characters, all codes in another. A word is looked for at every
place of a lane together: where its first character stands, which of those have the second behind it, and so on.
So two Chinese characters are as quick as ten, and a character with several readings is found by each of them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.settings import RESOURCES

# How well a row fits, best first; a word that fits in two ways counts as the better one.
CODE, CODE_START, NAME_START, PINYIN_START, INSIDE, PINYIN_INSIDE = range(6)
NOT = 9
_BMP = 1 << 16
_BEYOND = 0xFFFD  # stands for every rare character beyond the first 65,536
_END = "\n"  # between two rows of a lane; stands in no code and no name

Places = NDArray[np.intp]
Fits = NDArray[np.int8]


class Lookup:
    """Rows of codes and a name. Building 36,000 rows takes a fraction of a second: in a job; `find` a few ms.

    Texts are folded: width, case and punctuation do not matter, `4709` finds `47.0901`. Pinyin goes by initials, by whole
    syllables, and by both mixed: lwy, lanweiyan, lanwy.
    """

    def __init__(self, rows: Sequence[tuple[Sequence[str], str]]) -> None:
        self._first = [code_folded(codes[0]) if codes else "" for codes, _ in rows]
        self._codes = _Lane(code_folded(_row_by_row("_".join(codes) for codes, _ in rows)))
        self._names = _Lane(name_folded(_row_by_row(name for _, name in rows)))
        self._sounds = _Sounds(self._names)

    def __len__(self) -> int:
        return len(self._first)

    def find(self, text: str, among: NDArray[np.bool_] | None = None) -> tuple[Places, Fits]:
        """The rows that hold every word of `text` in code, name or pinyin, best first, equals in their own order; and
        how well every row fits. Nothing typed finds everything. among: only these rows.
        """
        fits = np.full(len(self), NOT, np.int8)
        there = np.ones(len(self), bool) if among is None else among.copy()
        for word in text.split():
            own = self._fit(word)
            if own is not None:
                there &= own < NOT
                np.minimum(fits, own, out=fits)
        rows = np.flatnonzero(there)
        return rows[np.argsort(fits[rows], kind="stable")], fits

    def _fit(self, word: str) -> Fits | None:
        """How well every row fits one word; None where the word holds nothing to look for."""
        code, name = code_folded(word).strip("_"), name_folded(word)
        if not code and not name:
            return None
        fits = np.full(len(self), NOT, np.int8)
        if name and name.isascii() and any(letter.isalpha() for letter in name):
            found = self._sounds.find(name)
            self._names.mark(fits, found, PINYIN_START, PINYIN_INSIDE)
        if name:
            self._names.mark(fits, self._names.find(name), NAME_START, INSIDE)
        if code:
            self._codes.mark(fits, self._codes.find(code), CODE_START, INSIDE)
            for row in np.flatnonzero(fits == CODE_START).tolist():
                if self._first[row] == code:
                    fits[row] = CODE
        return fits


def code_folded(text: str) -> str:
    """A code as it is looked for: width and case folded, dots dropped, any other separator a `_`."""
    folded = unicodedata.normalize("NFKC", text).lower()
    return folded.translate(_codes_table())


def name_folded(text: str) -> str:
    """A name as it is looked for: width and case folded, only letters, digits and Chinese kept."""
    return unicodedata.normalize("NFKC", text).lower().translate(_names_table())


def _row_by_row(texts: Iterable[str]) -> str:
    """Each on a line of its own."""
    return "".join(text.replace(_END, " ") + _END for text in texts)


class _Lane:
    """All rows behind each other. `row`: which row a place belongs to; `start`: where each row begins."""

    def __init__(self, text: str) -> None:
        points = np.frombuffer(text.encode("utf-32-le"), np.uint32)
        self.chars = np.minimum(points, _BEYOND).astype(np.uint16)
        ends = np.flatnonzero(points == ord(_END))
        self.start = np.concatenate([[0], ends[:-1] + 1]) if len(ends) else ends
        self.row = np.repeat(np.arange(len(ends), dtype=np.int32), ends + 1 - self.start)

    def find(self, word: str) -> Places:
        """Where the word begins."""
        places: Places | None = None
        for at, char in enumerate(word):
            point = min(ord(char), _BEYOND)
            if places is None:
                places = np.flatnonzero(self.chars == point)
            else:
                places = places[places < len(self.chars) - at]
                places = places[self.chars[places + at] == point]
        return places if places is not None else np.empty(0, np.intp)

    def mark(self, fits: Fits, places: Places, start: int, inside: int) -> None:
        """Write the better of what a row has and what these places make of it."""
        if not len(places):
            return
        rows = self.row[places]
        within = np.full(len(fits), NOT, np.int8)
        within[rows] = inside
        within[rows[places == self.start[rows]]] = start
        np.minimum(fits, within, out=fits)


class _Sounds:
    """The same names by how they are read. A letter or digit in a name is read as itself."""

    def __init__(self, lane: _Lane) -> None:
        present = np.flatnonzero(np.bincount(lane.chars, minlength=_BMP))
        number = np.zeros(_BMP, np.uint16)
        number[present] = np.arange(len(present), dtype=np.uint16)
        self._ids = number[lane.chars]
        self._syllables = list(syllables())
        says: NDArray[np.bool_] = np.zeros((len(self._syllables), len(present)), bool)
        at = {int(point): i for i, point in enumerate(present)}
        for which, chars in enumerate(syllables().values()):
            says[which, [at[ord(char)] for char in chars if ord(char) in at]] = True
        self._says = says
        self._begins: dict[str, NDArray[np.bool_]] = {}
        for letter in "abcdefghijklmnopqrstuvwxyz0123456789":
            own = _any(says[[i for i, name in enumerate(self._syllables) if name[0] == letter]])
            if ord(letter) in at:
                own[at[ord(letter)]] = True
            self._begins[letter] = own

    def find(self, word: str) -> Places:
        """Where a stretch of characters begins that reads like `word`: each by its first letter or in full, the last
        syllable perhaps unfinished."""
        found: list[Places] = []
        # From a place in the word: where in the lane one is, and where one set out.
        reached: dict[int, list[tuple[Any, Any]]] = {0: []}
        for done in range(len(word)):
            here = reached.pop(done, [])
            if done and not here:
                continue
            rest = word[done:]
            now = origin = None
            if done:
                now = np.concatenate([one for one, _ in here])
                origin = np.concatenate([one for _, one in here])
                inside = now < len(self._ids)
                now, origin = now[inside], origin[inside]
            for length, which in self._steps(rest):
                if now is None or origin is None:
                    hit = np.flatnonzero(which[self._ids])
                    to, start = hit + 1, hit
                else:
                    hit = which[self._ids[now]]
                    to, start = now[hit] + 1, origin[hit]
                if length == len(rest):
                    found.append(start)
                elif len(to):
                    reached.setdefault(done + length, []).append((to, start))
        if len(found) == 1:  # as with a single letter, whose many places np.unique would sort for nothing
            return found[0]
        return np.unique(np.concatenate(found)) if found else np.empty(0, np.intp)

    def _steps(self, rest: str) -> list[tuple[int, NDArray[np.bool_]]]:
        """How far one character can carry, and which characters do: its first letter, a whole syllable, or all of
        the rest as the beginning of one."""
        steps: list[tuple[int, NDArray[np.bool_]]] = []
        if rest[0] in self._begins:
            steps.append((1, self._begins[rest[0]]))
        if len(rest) > 1:
            unfinished = [i for i, name in enumerate(self._syllables) if name.startswith(rest)]
            if unfinished:
                steps.append((len(rest), _any(self._says[unfinished])))
            for i, name in enumerate(self._syllables):
                if 1 < len(name) < len(rest) and rest.startswith(name):
                    steps.append((len(name), self._says[i]))
        return steps


def _any(rows: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return np.logical_or.reduce(rows, axis=0)


@cache
def syllables() -> dict[str, str]:
    """Syllable without tone -> every character read so."""
    lines = (RESOURCES / "pinyin.txt").read_text("utf-8").splitlines()
    pairs = (line.partition(" ") for line in lines if not line.startswith("#"))
    return {name: chars for name, _, chars in pairs}


@cache
def _codes_table() -> _Folding:
    return _Folding(keep_separators=True)


@cache
def _names_table() -> _Folding:
    return _Folding(keep_separators=False)


class _Folding(dict[int, str | None]):
    """For `str.translate`: what stays of a character, found once for each."""

    def __init__(self, keep_separators: bool) -> None:
        super().__init__()
        self._separator = "_" if keep_separators else None

    def __missing__(self, point: int) -> str | None:
        char = chr(point)
        if char == _END or char.isalnum():
            kept: str | None = char
        elif char == ".":
            kept = None
        else:
            kept = self._separator
        self[point] = kept
        return kept
