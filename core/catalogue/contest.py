"""Which rows of a catalogue a combination of facts has, and what decides between them: one look-up, in plain Python.

A group without mean fee is farther than any other, one without score lower. What is still even goes to the smallest code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from core.catalogue.rule_rows import Class, Reading, Row
from core.rules.grouping import ATTRIBUTES, NEAREST_FEE, Search

SURGERY = ATTRIBUTES.index("surgery")
FAR = 1 << 62  # farther than any fee


@dataclass(frozen=True, slots=True)
class View:
    """All that a combination is. operations: (tokens, attribute) of those that the class's rows name. loose: a surgery
    that none of them names. any: the case has an operation at all. met: other diagnoses; holding: conditions."""

    attribute: int
    loose: bool
    any: bool
    main: frozenset[str]
    operations: tuple[tuple[frozenset[str], int], ...]
    have: frozenset[str]
    met: frozenset[int]
    holding: frozenset[int]


class Candidate:
    """A row that belongs, with its ranks by tie-break: lower is better. They are made when somebody compares."""

    __slots__ = ("_keys", "_make", "row", "search")

    def __init__(self, row: Row, search: int, make: Callable[[Row, int], Mapping[str, int]]) -> None:
        self.row = row
        self.search = search
        self._make = make
        self._keys: Mapping[str, int] | None = None

    @property
    def keys(self) -> Mapping[str, int]:
        if self._keys is None:
            self._keys = self._make(self.row, self.search)
        return self._keys


@dataclass(frozen=True, slots=True)
class Contest:
    """What is left to the fee. pools: of each search the even candidates, in the order that decides among equal
    distances; before, after: ranks by the choice's tie-breaks before and after the fee; by_fee: whether it asks for it."""

    pools: tuple[tuple[Candidate, ...], ...]
    before: Mapping[int, int]
    after: Mapping[int, int]
    by_fee: bool


class Lookup:
    """The candidates of a combination by a rule over a catalogue."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading

    def belongs(self, search: Search, row: Row, view: View) -> bool:
        """Diagnosis aside, and for a row that asks for operations."""
        return (
            (row.other < 0 or row.other in view.met)
            and (row.condition < 0 or row.condition in view.holding)
            and (not search.attribute or row.attribute == view.attribute)
            and all(not part.isdisjoint(view.have) for part in row.needed)
            and (
                any(not part.isdisjoint(view.have) for part in row.related)
                if search.related == "best" and row.related
                else all(not part.isdisjoint(view.have) for part in row.related)
            )
            and (
                search.main != "flagged"
                or not row.needed
                or any(not part.isdisjoint(view.main) for part in row.needed)
            )
        )

    def found(self, number: int, rung: Sequence[Row], view: View) -> list[Candidate]:
        search = self.reading.rule.searches[number]
        have = view.have
        asking = [
            row for row in rung if not row.named.isdisjoint(have) and self.belongs(search, row, view)
        ]  # most rows name nothing that the case has: said at once
        if not asking and bare(search, view):
            asking = [row for row in rung if not row.named and self.belongs(search, row, view)]
        make = partial(self._keys, view)
        return [Candidate(row, number, make) for row in asking]

    def _keys(self, view: View, row: Row, number: int) -> dict[str, int]:
        related = sum(not part.isdisjoint(view.have) for part in row.related)
        needed = sum(not part.isdisjoint(view.have) for part in row.needed)
        named = [attribute for tokens, attribute in view.operations if not tokens.isdisjoint(row.named)]
        surgeries = sum(attribute == SURGERY for _, attribute in view.operations) + view.loose
        attribute = row.attribute if row.type == "composite" else max(named, default=0)
        return {
            "full_match": 0 if row.related and related == len(row.related) else 1,
            "related": -related,
            "parts": -(needed + related),
            "operations": -len(named),
            "main_operation": int(view.main.isdisjoint(row.named)),
            "higher_score": -row.score,
            "type_order": self.reading.rule.type_rank(row.type, ATTRIBUTES[attribute] if attribute >= 0 else ""),
            "search_order": number,
            "surgery_named": int(not _covers(row) and surgeries > sum(one == SURGERY for one in named)),
        }

    def _pool(self, number: int, cls: Class, view: View) -> list[list[Candidate]]:
        """What a search hands to its choice: pools of even candidates; without tie-breaks each candidate alone."""
        for rung in cls.rungs[number]:
            found = self.found(number, rung, view)
            if found:
                prefer = self.reading.rule.searches[number].prefer
                return [_left(found, holding_ties(prefer, found))] if prefer else [[one] for one in found]
        return []

    def decide(self, cls: Class, view: View) -> Candidate | Contest | None:
        for choice in self.reading.rule.choices:
            numbers = [number for id in choice.among if cls.rungs[number := self.reading.number[id]]]
            pools = [pool for number in numbers for pool in self._pool(number, cls, view)]
            if not pools:
                continue
            everyone = [one for pool in pools for one in pool]
            prefer = holding_ties(choice.prefer, everyone)
            if all(len(pool) == 1 for pool in pools):
                left = _left(everyone, prefer)
                if len(left) == 1:
                    return left[0]
                return Contest((tuple(left),), _same(left), _same(left), False)
            before, by_fee, after = _parted(prefer)
            return Contest(
                tuple(tuple(pool) for pool in pools), _ranks(everyone, before, exact=not by_fee),
                _ranks(everyone, after, exact=True), by_fee,
            )  # fmt: skip
        return None

    def first_rung(self, number: int, cls: Class, view: View) -> list[Candidate]:
        return next((found for rung in cls.rungs[number] if (found := self.found(number, rung, view))), [])


def bare(search: Search, view: View) -> bool:
    match search.bare:
        case "always":
            return True
        case "conservative":
            return view.attribute == 0
        case "no_operation":
            return not view.any
        case _:
            return False


def _parted(prefer: Sequence[str]) -> tuple[Sequence[str], bool, Sequence[str]]:
    if NEAREST_FEE not in prefer:
        return prefer, False, ()
    at = list(prefer).index(NEAREST_FEE)
    return prefer[:at], True, prefer[at + 1 :]


def _covers(row: Row) -> bool:
    return row.type == "composite" and row.attribute == SURGERY


def holding_ties(prefer: Sequence[str], found: Sequence[Candidate]) -> Sequence[str]:
    """`surgery_named` is about a composite surgery row: without one among the candidates it says nothing."""
    if "surgery_named" not in prefer or any(_covers(one.row) for one in found):
        return prefer
    return [tie for tie in prefer if tie != "surgery_named"]


def sorted_by(found: Iterable[Candidate], prefer: Sequence[str]) -> list[Candidate]:
    return sorted(found, key=lambda one: (*(one.keys[tie] for tie in prefer), one.row.place, one.search))


def _left(found: Sequence[Candidate], prefer: Sequence[str]) -> list[Candidate]:
    """The candidates that only the fee can part, best first among equal distances; one where none asks for it."""
    if len(found) == 1:
        return list(found)
    before, by_fee, after = _parted(prefer)
    best = min(tuple(one.keys[tie] for tie in before) for one in found)
    even = [one for one in found if tuple(one.keys[tie] for tie in before) == best]
    ordered = sorted_by(even, after)
    return ordered if by_fee else ordered[:1]


def _ranks(found: Sequence[Candidate], prefer: Sequence[str], *, exact: bool) -> dict[int, int]:
    """Of each candidate (by id) its rank; `exact`: what the tie-breaks leave even is parted by the code."""
    if exact:
        return {id(one): rank for rank, one in enumerate(sorted_by(found, prefer))}
    keys = [tuple(one.keys[tie] for tie in prefer) for one in found]
    order = {key: rank for rank, key in enumerate(sorted(set(keys)))}
    return {id(one): order[key] for one, key in zip(found, keys, strict=True)}


def _same(found: Sequence[Candidate]) -> dict[int, int]:
    return {id(one): 0 for one in found}
