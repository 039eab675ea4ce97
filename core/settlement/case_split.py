"""Why a case has another score in the bureau's list: every difference split over named causes, exact, the rest unexplained.

What the list states (group, score of the group, coefficient, factor) is put in the place of what stands here, one after
another; each moves the score by its part. What still differs is tried against the guesses. A guess counts for a case only
where it gives the bureau's score to the last digit, and of several the one that explains most cases.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from core.rules import case_scores
from core.rules.cases import FUNDS, SPECIAL_ADJUSTED, Ints, Scaled
from core.settlement import coefficients
from core.settlement.annual import taken
from core.settlement.causes import (
    AUXILIARY,
    BOUNDARY,
    CASE_CAUSES,
    CATALOGUE,
    COEFFICIENT,
    DATE,
    GROUP,
    ORDER,
    ROUNDING,
    UNEXPLAINED,
)
from core.settlement.groups import score_of
from core.settlement.guesses import Guess, Rounded, Tabled, tried
from core.settlement.scene import ALL, ENDLESS, OF_GROUP, OF_K, OF_RW, OF_U, Scene, Truth

MANY, SAMPLE = 2_000, 400  # of many that differ, how many are tried first
_STATED = {GROUP: OF_GROUP, CATALOGUE: OF_RW, COEFFICIENT: OF_K, DATE: OF_K, AUXILIARY: OF_U}
MOST_OF = 20  # and which part of these a guess must explain to be tried on all


@dataclass(frozen=True, slots=True)
class Found:
    """Of the cases at `where` (places among all that count): parts[cause] over 10**places, summing to the difference.

    base: the same split of the catalogue scores, which group and catalogue alone move. measures: of each of the pack's, with
    its decimals. detail: by what, as a key of the words and its value, of each case.
    """

    where: Ints
    places: int
    parts: Mapping[str, Ints]
    base: Mapping[str, Ints]
    base_places: int
    measures: Mapping[str, tuple[Mapping[str, Ints], int]]
    detail: Sequence[tuple[str, str]]

    @property
    def difference(self) -> Ints:
        return np.sum(list(self.parts.values()), axis=0)


# -- the split ------------------------------------------------------------------------------------------------


def explain(scene: Scene) -> Found:
    """Every case of the scene."""
    count = len(scene.where)
    start, wanted = scene.score(scene.own), scene.wanted
    mask = scene.flags.copy()
    full = scene.score(scene.at_mask(np.arange(count), ALL)) if mask.any() else start
    reached, between = full.copy(), full.copy()  # between: before decimals are told apart from an input
    by_input, by_decimals = np.full(count, -1, np.int64), np.full(count, -1, np.int64)
    guesses: list[Guess] = []

    def settle(rows: Ints, on: int) -> None:
        if not len(rows):
            return
        first = len(guesses)
        guesses.extend(tried(scene, on))
        for hit, one, other, middle in _settled(guesses[first:], rows, scene):
            by_input[hit] = one + first if one >= 0 else -1
            by_decimals[hit] = other + first if other >= 0 else -1
            reached[hit] = wanted[hit]
            between[hit] = middle
            mask[hit] &= on

    settle(np.flatnonzero(reached != wanted), ALL)
    # Where all that the list states does not lead there, some of it may, or none of it and a guess.
    for less in sorted(range(ALL), key=lambda bits: (-bin(bits).count("1"), bits)):
        rows = np.flatnonzero((reached != wanted) & (scene.flags != 0) & ((scene.flags & less) == less))
        rows = rows[scene.flags[rows] != less]
        if not len(rows):
            continue
        hit = rows[scene.score(scene.at_mask(rows, less)) == wanted[rows]]
        mask[hit], reached[hit], between[hit] = less, wanted[hit], wanted[hit]
    settle(np.flatnonzero((reached != wanted) & (scene.flags != 0)), 0)
    # What is stated, but leads further away than one was, is not claimed.
    worse = (reached != wanted) & (np.abs(wanted - full) >= np.abs(wanted - start))
    mask[worse], between[worse] = 0, start[worse]

    parts = {cause: np.zeros(count, np.int64) for cause in CASE_CAUSES}
    split = _Split(scene, mask, _dated(scene))
    base, base_places = split.walk(start, parts)
    after = start + np.sum(list(parts.values()), axis=0)
    only = (by_decimals >= 0) & (by_input < 0)
    between[only] = after[only]
    for number in np.unique(by_input[by_input >= 0]).tolist():
        at = by_input == number
        parts[guesses[number].cause][at] += (between - after)[at]
    for number in np.unique(by_decimals[by_decimals >= 0]).tolist():
        at = by_decimals == number
        parts[guesses[number].cause][at] += (wanted - between)[at]
    parts[UNEXPLAINED] += wanted - start - np.sum(list(parts.values()), axis=0)
    last = np.where(by_input >= 0, by_input, by_decimals)
    detail = [guesses[one].detail if one >= 0 else split.detail(i) for i, one in enumerate(last.tolist())]
    measures = _measured(scene, mask, start, parts) if scene.pack.case.measures else {}
    return Found(scene.where, scene.places, parts, base, base_places, measures, detail)


def _settled(guesses: Sequence[Guess], left: Ints, scene: Scene) -> Iterator[tuple[Ints, int, int, Ints]]:
    """(cases, guess of an input or -1, guess of decimals or -1, their scores between the two) that are explained."""
    wanted = scene.wanted
    decimals = [i for i, one in enumerate(guesses) if one.cause in (ROUNDING, ORDER)]
    shown: list[int] = []

    def told(hit: Ints, number: int) -> tuple[Ints, int, int, Ints]:
        if number in decimals:
            shown.append(number)
            return hit, -1, number, wanted[hit]
        return hit, number, -1, wanted[hit]

    # Where many differ, some few of them tell what is behind most: decimals first, which cost least to try.
    for some in (decimals, range(len(guesses))):
        if len(left) <= MANY:
            break
        few = left[:SAMPLE]
        counts = [(int((guesses[i].score(few) == wanted[few]).sum()), i) for i in some]
        for hits, number in sorted(counts, key=lambda pair: (-pair[0], pair[1])):
            if hits >= len(few) // MOST_OF:
                found = guesses[number].score(left) == wanted[left]
                yield told(left[found], number)
                left = left[~found]
    for start in range(0, len(left), MANY):
        rows = left[start : start + MANY]
        masks = [one.score(rows) == wanted[rows] for one in guesses]
        unclaimed = np.ones(len(rows), bool)
        counts = [(int(mask.sum()), i) for i, mask in enumerate(masks)]
        for hits, number in sorted(counts, key=lambda pair: (-pair[0], pair[1])):
            found = masks[number] & unclaimed
            if hits >= guesses[number].least and found.any():
                yield told(rows[found], number)
                unclaimed &= ~found
        yield from _both(guesses, rows[unclaimed], sorted(set(shown)), scene)


def _both(
    guesses: Sequence[Guess], left: Ints, shown: Sequence[int], scene: Scene
) -> Iterator[tuple[Ints, int, int, Ints]]:
    """An input and decimals at once: only decimals that explain other cases alone."""
    wanted = scene.wanted
    if not shown:
        return
    for number, one in enumerate(guesses):
        if not len(left):
            return
        if not isinstance(one.score, Tabled):
            continue
        table, own = one.score.table(left), one.score.rule or scene.rule
        for other in shown:
            rule = guesses[other].score
            assert isinstance(rule, Rounded)
            found = scene.score(table, rule.of(own)) == wanted[left]
            if found.any():
                yield left[found], number, other, scene.score(table, own)[found]
                left, table = left[~found], taken(table, np.flatnonzero(~found))


class _Split:
    """How far each thing that the list states moves the score."""

    def __init__(self, scene: Scene, mask: NDArray[np.int8], dated: Truth) -> None:
        self.scene = scene
        self.mask = mask
        self.dated = dated

    def walk(self, start: Ints, parts: dict[str, Ints]) -> tuple[dict[str, Ints], int]:
        """Into parts; the same of the catalogue scores alone, with their decimals."""
        scene, mask = self.scene, self.mask
        base: dict[str, Ints] = {}
        places = max(scene.own.rw.places, scene.regrouped[0].rw.places, scene.rw.value.places)
        last = start.copy()
        last_rw = scene.own.rw.values * 10 ** (places - scene.own.rw.places)
        done = 0
        for bit, cause in ((OF_GROUP, GROUP), (OF_RW, CATALOGUE), (OF_K, COEFFICIENT), (OF_U, AUXILIARY)):
            done |= bit
            here = np.flatnonzero((mask & bit) != 0)
            if not len(here):
                continue
            now = last.copy()
            for bits in np.unique(mask[here]).tolist():
                rows = here[mask[here] == bits]
                table = scene.at_mask(rows, bits & done)
                now[rows] = scene.score(table)
                if bit in (OF_GROUP, OF_RW):
                    moved = table.rw.values * 10 ** (places - table.rw.places)
                    base.setdefault(cause, np.zeros(len(mask), np.int64))[rows] = moved - last_rw[rows]
                    last_rw[rows] = moved
            if cause == COEFFICIENT:
                parts[DATE] += np.where(self.dated, now - last, 0)
                parts[COEFFICIENT] += np.where(self.dated, 0, now - last)
            else:
                parts[cause] += now - last
            last = now
        return base, places

    def detail(self, i: int) -> tuple[str, str]:
        scene, bits = self.scene, int(self.mask[i])
        if bits & OF_GROUP:
            return "group", scene.groups[i]
        if bits & OF_RW:
            return "version", _version_with(scene, i)
        if bits & OF_K:
            return ("date", "") if self.dated[i] else ("set", "")
        return ("factor", "") if bits & OF_U else ("", "")


def _measured(
    scene: Scene, mask: NDArray[np.int8], start: Ints, parts: Mapping[str, Ints]
) -> dict[str, tuple[Mapping[str, Ints], int]]:
    """How far each cause moves what the pack makes of a case beside its score."""
    split: dict[str, dict[str, Ints]] = {one.id: {} for one in scene.pack.case.measures}
    score, done = start, 0
    last = _measures(scene, mask & 0, score)
    for cause, moved in parts.items():
        done |= _STATED.get(cause, 0)
        if not moved.any():
            continue
        score = score + moved
        now = _measures(scene, mask & done, score)
        for name, own in split.items():
            own[cause] = now[name] - last[name]
        last = now
    return {one.id: (split[one.id], one.places) for one in scene.pack.case.measures}


def _measures(scene: Scene, mask: NDArray[np.int8], score: Ints) -> dict[str, Ints]:
    """The pack's measures of every case, had it that score: as if it were decided."""
    found = {one.id: np.zeros(len(score), np.int64) for one in scene.pack.case.measures}
    for bits in np.unique(mask).tolist():
        rows = np.flatnonzero(mask == bits)
        decided = np.full(len(rows), SPECIAL_ADJUSTED, np.int8)
        table = replace(scene.at_mask(rows, bits), special=decided, special_score=Scaled(score[rows], scene.places))
        for name, values in case_scores.score(scene.pack.case, table).measures.items():
            found[name][rows] = values.values
    return found


def _version_with(scene: Scene, i: int) -> str:
    """A version in which the group has the score that the list gives it, "" for none."""
    wanted = scene.rw.of(i)
    for name, version in scene.others.items():
        entry = version.groups.get(scene.groups[i])
        if entry is not None and score_of(entry) == wanted:
            return name
    return ""


def _dated(scene: Scene) -> Truth:
    """Where the coefficient that the list states is the institution's own on another day."""
    found = np.zeros(len(scene.where), bool)
    differ = np.flatnonzero((scene.flags & OF_K) != 0)
    if not len(differ):
        return found
    lines = {fund: coefficients.timelines(scene.content, fund) for fund in FUNDS}
    own = scene.own
    for i in differ.tolist():
        line = lines[FUNDS[int(own.fund[i])]].get(own.institutions[int(own.institution[i])])
        found[i] = line is not None and scene.k.of(i) in line.values
    return found


# -- without a list -------------------------------------------------------------------------------------------


def of_sum(scene: Scene, wanted: Fraction) -> str:
    """The cause by which all cases of the scene together have that score; "" where no guess does. Nothing is stated."""
    rows = np.arange(len(scene.where))
    scene.places = max(scene.places, ENDLESS)
    for one in tried(scene, 0, ENDLESS):
        if one.detail[0] == "reference_implied" or (one.cause == BOUNDARY and one.detail[0] == "branch"):
            continue
        if sum(one.score(rows).tolist()) == wanted * 10**scene.places:
            return one.cause
    return ""
