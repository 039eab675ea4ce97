"""What became of each group between two versions of a catalogue: who is still the same, who was renumbered, split, merged.

Groups are brought together in stages, the surest first: same key with the same definition; same definition
under another key; a code map; same key with another definition; and where this year's cases went. Within a
stage nothing depends on the order of rows, and nothing on which version is called the old one: the mirror of a
relation is the relation of the mirror.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Literal

from core.catalogue.entries import CodeMap, Entries, Entry

Change = Literal["same", "new", "gone", "split", "merged", "renumbered", "redefined", "rescored"]
By = Literal["key", "definition", "map", "cases"]
CHANGES: tuple[Change, ...] = ("same", "rescored", "redefined", "renumbered", "split", "merged", "gone", "new")
MIRROR: Mapping[Change, Change] = {"split": "merged", "merged": "split", "gone": "new", "new": "gone"}

# Cases bring two groups together that nothing else does: more than half of a group's cases towards one that has
# its counterpart already, a fifth of them between two groups that both have none.
_HALF, _FIFTH = 2, 5  # one in so many
_ALL, _ANY = re.compile(r"[+,]"), re.compile(r"[|/、]")

Definition = tuple[str, ...]
Moves = Mapping[tuple[str, str], int]


@dataclass(frozen=True, slots=True)
class Relation:
    """Groups of the old version that became groups of the new one. Codes are sorted.

    by: the weakest of the signs that hold it together. old_score, new_score: of the group, or the mean of several
    by their cases; None where there is none, or none can be told. cases: this year's cases that went this way;
    of a group that is gone or new, all that it has.
    """

    change: Change
    old: tuple[str, ...]
    new: tuple[str, ...]
    by: By
    old_score: Fraction | None
    new_score: Fraction | None
    cases: int


def relate(
    old: Entries, new: Entries, *, moves: Moves | None = None, maps: Sequence[CodeMap] = ()
) -> list[Relation]:
    """Every group of both versions in exactly one relation, sorted by code.

    moves: (old code, new code) -> cases of the year, "" where a case has no group. maps: of groups, and of diagnoses
    and operations where the versions stand on different editions of those.
    """
    moves = {pair: n for pair, n in (moves or {}).items() if n > 0}
    before, after = _by_code(old), _by_code(new)
    ties = _Ties(before, after)
    translated = _editions(maps)
    was = {code: definition(entry, translated.old) for code, entry in before.items()}
    became = {code: definition(entry, translated.new) for code, entry in after.items()}
    both = before.keys() & after.keys()
    ties.bring("key", [(code, code) for code in both if was[code] == became[code]])
    for kinds in (True, False):
        ties.bring("definition", _same_definition(before, after, was, became, ties, kinds))
    ties.bring("map", [pair for pair in translated.groups if pair[0] in before and pair[1] in after])
    ties.bring("key", [(code, code) for code in both if not ties.of_old[code] and not ties.of_new[code]])
    _by_cases(ties, before, after, moves)
    return _relations(ties, before, after, was, became, moves)


def definition(entry: Entry, editions: Mapping[tuple[str, str], str] | None = None) -> Definition:
    """What a group is made of, in one normal form; () where the catalogue does not say.

    Order and spelling of an expression do not matter, nor in which of the two columns an operation stands.
    """
    said = editions or {}
    diagnosis = _normal(entry.diag_code, "diagnosis", said)
    others = _normal(entry.oth_diag_code, "diagnosis", said)
    operations = _normal(f"{entry.oprn_code}+{entry.rel_oprn_code}", "operation", said)
    attribute = entry.attribute if not operations else ""
    condition = " ".join(entry.condition.split())
    if not (diagnosis or others or operations or condition):
        return ()
    return diagnosis, others, operations, condition, attribute


# -- expressions and editions ------------------------------------------------------------------------------


def _normal(text: str, system: str, editions: Mapping[tuple[str, str], str]) -> str:
    """`b/a+c` -> `a|b+c`: parts that must all be met, each of alternatives."""
    if not editions:
        return _as_it_stands(text)
    return _written([{editions.get((system, word), word) for word in part} for part in _parts(text)])


@lru_cache(1 << 16)
def _as_it_stands(text: str) -> str:
    return _written(_parts(text))


def _written(parts: Iterable[Iterable[str]]) -> str:
    return "+".join(sorted({"|".join(sorted(part)) for part in parts}))


@lru_cache(1 << 16)
def _parts(text: str) -> tuple[tuple[str, ...], ...]:
    parts = _ALL.split(unicodedata.normalize("NFKC", text).upper())
    words = ({word.strip() for word in _ANY.split(part)} - {"", "."} for part in parts)
    return tuple(tuple(part) for part in words if part)


@dataclass(frozen=True, slots=True)
class _Editions:
    """Codes of both editions under one name, by (system, code); groups: pairs of the map itself."""

    old: Mapping[tuple[str, str], str]
    new: Mapping[tuple[str, str], str]
    groups: tuple[tuple[str, str], ...]


def _editions(maps: Sequence[CodeMap]) -> _Editions:
    groups = tuple(sorted({(one.from_code, one.to_code) for one in maps if one.system == "group"}))
    linked: dict[tuple[int, str, str], set[tuple[int, str, str]]] = defaultdict(set)
    for one in maps:
        if one.system != "group":
            ends = (0, one.system, one.from_code.upper()), (1, one.system, one.to_code.upper())
            linked[ends[0]].add(ends[1])
            linked[ends[1]].add(ends[0])
    named: tuple[dict[tuple[str, str], str], dict[tuple[str, str], str]] = {}, {}
    seen: set[tuple[int, str, str]] = set()
    for start in linked:
        if start in seen:
            continue
        together, open_ends = {start}, [start]
        while open_ends:
            for end in linked[open_ends.pop()] - together:
                together.add(end)
                open_ends.append(end)
        seen |= together
        # What stands under its own name on both sides needs no other one.
        if len({code for _, _, code in together}) > 1:
            name = "=".join(sorted({code for _, _, code in together}))
            for side, system, code in together:
                named[side][system, code] = name
    return _Editions(named[0], named[1], groups)


# -- bringing groups together ------------------------------------------------------------------------------


class _Ties:
    """Which old groups belong to which new ones. Every component is a star: one to one, one to many, many to one."""

    def __init__(self, before: Iterable[str], after: Iterable[str]) -> None:
        self.of_old: dict[str, set[str]] = {code: set() for code in before}
        self.of_new: dict[str, set[str]] = {code: set() for code in after}
        self.by: dict[tuple[str, str], By] = {}

    def bring(self, by: By, pairs: Iterable[tuple[str, str]]) -> None:
        """Add pairs of equal rank, all at once: those that keep stars against what stands and among themselves.

        Where two of them exclude each other neither comes in, so that no order decides.
        """
        fitting = {pair for pair in pairs if pair not in self.by and self._fits(*pair)}
        for a, b in fitting:
            self.of_old[a].add(b)
            self.of_new[b].add(a)
        # First what lies between two centres; then what would make a second centre of a group that stands in a star.
        for odd in (self._between, self._second):
            bad = {pair for pair in fitting if odd(*pair)}
            for a, b in bad:
                self.of_old[a].discard(b)
                self.of_new[b].discard(a)
            fitting -= bad
        for pair in fitting:
            self.by[pair] = by

    def _fits(self, a: str, b: str) -> bool:
        """Whether what stands stays made of stars with this pair."""
        left, right = self.of_old[a], self.of_new[b]
        if left and right:
            return False
        return all(len(self.of_new[one]) == 1 for one in left) and all(len(self.of_old[one]) == 1 for one in right)

    def _between(self, a: str, b: str) -> bool:
        return len(self.of_old[a]) > 1 and len(self.of_new[b]) > 1

    def _second(self, a: str, b: str) -> bool:
        if len(self.of_old[a]) > 1:
            return any(len(self.of_new[one]) > 1 for one in self.of_old[a])
        return len(self.of_new[b]) > 1 and any(len(self.of_old[one]) > 1 for one in self.of_new[b])


def _same_definition(
    before: Mapping[str, Entry],
    after: Mapping[str, Entry],
    was: Mapping[str, Definition],
    became: Mapping[str, Definition],
    ties: _Ties,
    kinds: bool,
) -> list[tuple[str, str]]:
    """Groups without counterpart yet that are made of the same; with `kinds`, of the same kind too."""
    there: dict[tuple[Definition, str], list[str]] = defaultdict(list)
    for code, entry in after.items():
        if became[code] and not ties.of_new[code]:
            there[became[code], entry.kind if kinds else ""].append(code)
    return [
        (code, other)
        for code, entry in before.items()
        if was[code] and not ties.of_old[code]
        for other in there.get((was[code], entry.kind if kinds else ""), ())
    ]


def _by_cases(ties: _Ties, before: Mapping[str, Entry], after: Mapping[str, Entry], moves: Moves) -> None:
    """Groups without counterpart go to where their cases went, or to where they came from; the largest move first."""
    left: dict[str, int] = defaultdict(int)
    came: dict[str, int] = defaultdict(int)
    for (a, b), n in moves.items():
        left[a] += n
        came[b] += n
    lonely_old = {code for code in before if not ties.of_old[code]}
    lonely_new = {code for code in after if not ties.of_new[code]}
    by_size: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for (a, b), n in moves.items():
        if a not in before or b not in after:
            continue
        if a in lonely_old and b in lonely_new:
            wanted = n * _FIFTH >= left[a] or n * _FIFTH >= came[b]
        else:
            wanted = (a in lonely_old and n * _HALF > left[a]) or (b in lonely_new and n * _HALF > came[b])
        if wanted:
            by_size[n].append((a, b))
    for n in sorted(by_size, reverse=True):
        ties.bring("cases", by_size[n])


# -- relations ---------------------------------------------------------------------------------------------

_WEAKER: tuple[By, ...] = ("key", "definition", "map", "cases")


def _relations(
    ties: _Ties,
    before: Mapping[str, Entry],
    after: Mapping[str, Entry],
    was: Mapping[str, Definition],
    became: Mapping[str, Definition],
    moves: Moves,
) -> list[Relation]:
    left: dict[str, int] = defaultdict(int)
    came: dict[str, int] = defaultdict(int)
    for (a, b), n in moves.items():
        left[a] += n
        came[b] += n
    relations: list[Relation] = []
    for code, entry in before.items():
        if not ties.of_old[code]:
            relations.append(Relation("gone", (code,), (), "key", entry.score, None, left[code]))
    for code, entry in after.items():
        if not ties.of_new[code]:
            relations.append(Relation("new", (), (code,), "key", None, entry.score, came[code]))
    for a, b in ties.by:
        if len(ties.of_old[a]) == 1 and len(ties.of_new[b]) == 1:
            old, new = before[a], after[b]
            change = _one_to_one(old, new, was[a] == became[b])
            relations.append(
                Relation(change, (a,), (b,), ties.by[a, b], old.score, new.score, moves.get((a, b), 0))
            )
    for a, several in ties.of_old.items():
        if len(several) > 1:
            by = _WEAKER[max(_WEAKER.index(ties.by[a, b]) for b in several)]
            cases = {b: moves.get((a, b), 0) for b in several}
            score, whole = _mean(after, cases), sum(cases.values())
            relations.append(Relation("split", (a,), tuple(sorted(several)), by, before[a].score, score, whole))
    for b, several in ties.of_new.items():
        if len(several) > 1:
            by = _WEAKER[max(_WEAKER.index(ties.by[a, b]) for a in several)]
            cases = {a: moves.get((a, b), 0) for a in several}
            score, whole = _mean(before, cases), sum(cases.values())
            relations.append(Relation("merged", tuple(sorted(several)), (b,), by, score, after[b].score, whole))
    return sorted(relations, key=lambda one: (min(one.old + one.new), one.old, one.new))


def _one_to_one(old: Entry, new: Entry, same_definition: bool) -> Change:
    if old.dip_code != new.dip_code:
        return "renumbered"
    if not same_definition or _standing(old) != _standing(new):
        return "redefined"
    return "same" if old.score == new.score else "rescored"


def _standing(entry: Entry) -> tuple[str, str, bool]:
    """What else a group is beside what it is made of."""
    return entry.kind, entry.stage or "basic", entry.primary_care


def _mean(entries: Mapping[str, Entry], weights: Mapping[str, int]) -> Fraction | None:
    """The score of several groups by their cases."""
    whole = sum(weights.values())
    counted = [(entries[code].score, n) for code, n in weights.items() if n]
    if not whole or any(score is None for score, _ in counted):
        return None
    return sum((score * n for score, n in counted if score is not None), Fraction(0)) / whole


def _by_code(entries: Entries) -> dict[str, Entry]:
    return {entry.dip_code: entry for entry in entries.rows}
