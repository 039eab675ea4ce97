"""What to compare: the institutions compared last, and neighbours of the same level. No Qt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

PAIRS = 6  # offered where nothing is chosen
PEERS = 8  # offered beside what is chosen


@dataclass(frozen=True, slots=True)
class Candidate:
    """An institution that can be compared. level: 1..3, 0 unknown; cases: those of the year that count."""

    code: str
    name: str
    level: int
    county: str
    cases: int


def pairs(candidates: Sequence[Candidate], last: Sequence[str] = ()) -> list[tuple[str, ...]]:
    """The institutions compared last, then of each level the largest beside its neighbour, one pair of a level after
    another's."""
    there = {one.code for one in candidates if one.cases}
    kept = tuple(code for code in last if code in there)
    found: list[tuple[str, ...]] = [kept] if len(kept) > 1 else []
    levels = sorted({one.level for one in candidates}, reverse=True)
    ranked = {level: _by_cases([one for one in candidates if one.level == level and one.cases]) for level in levels}
    for turn in range(PAIRS):
        for level in levels:
            pair = tuple(one.code for one in ranked[level][2 * turn : 2 * turn + 2])
            if len(pair) == 2 and set(pair) != set(kept):
                found.append(pair)
    return found[:PAIRS]


def peers(candidates: Mapping[str, Candidate], chosen: Sequence[str], most: int = PEERS) -> list[str]:
    """Of the level of the first chosen, those nearest to it in cases: its county's own win over equals."""
    first = candidates.get(chosen[0]) if chosen else None
    if first is None:
        return []
    beside = [
        one for one in candidates.values() if one.level == first.level and one.cases and one.code not in chosen
    ]
    beside.sort(key=lambda one: (abs(one.cases - first.cases), one.county != first.county, one.code))
    return [one.code for one in beside[:most]]


def _by_cases(candidates: Sequence[Candidate]) -> list[Candidate]:
    return sorted(candidates, key=lambda one: (-one.cases, one.code))
