"""Why a case has another score in the bureau's list: every difference split over named causes, exact, the rest unexplained.

What the list states (group, score of the group, coefficient, factor) is put in the place of what stands here, one after
another; each moves the score by its part. What still differs is tried against a fixed set of guesses: the other reading of
a boundary, another list of reference means, another version, another date, other decimals. A guess counts for a case only
where it gives the bureau's score to the last digit, and of several the one that explains most cases.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core.catalogue import library
from core.rules import case_scores
from core.rules import formula as language
from core.rules.cases import FUNDS, REFERENCE_CATALOGUE, SPECIAL_ADJUSTED, CaseTable, Ints, Scaled
from core.rules.circular import CaseRule, Pack
from core.settlement import applied, coefficients, gather, references
from core.settlement import year as years
from core.settlement.annual import Scored, taken
from core.settlement.changes import Changes
from core.settlement.exact import places_of, scaled
from core.settlement.groups import Version, score_of
from core.settlement.implied import implied_means
from core.settlement.official import OfficialCases, Stated
from core.settlement.sensitivity import boundaries_of
from core.settlement.standing import Grouped, Standing, stand

if TYPE_CHECKING:
    import sqlite3

    from core.progress import Progress
    from core.storage.workspace import Workspace

GROUP, CATALOGUE, COEFFICIENT, DATE, AUXILIARY = "group", "catalogue", "coefficient", "coefficient_date", "auxiliary"
REFERENCE, BOUNDARY, SPECIAL = "reference", "boundary", "special"
ROUNDING, ORDER, UNEXPLAINED = "rounding_place", "rounding_order", "unexplained"
MISSING, EXTRA = "missing", "extra"
# The causes of a case's score, in the order in which they are put in place.
CASE_CAUSES = (
    MISSING, EXTRA, GROUP, CATALOGUE, COEFFICIENT, DATE, AUXILIARY, SPECIAL, REFERENCE, BOUNDARY, ROUNDING, ORDER, UNEXPLAINED,
)  # fmt: skip
ENDLESS = 9  # decimals that stand for a score which the pack does not round
MANY, SAMPLE = 2_000, 400  # of many that differ, how many are tried first
MOST_OF = 20  # and which part of these a guess must explain to be tried on all
LEAST = 2  # cases that must agree before a guess of no decimals, or of one, counts
_GROUP, _RW, _K, _U = 1, 2, 4, 8
_ALL = _GROUP | _RW | _K | _U
Truth = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Found:
    """Of the cases at `where` (places among all that count): parts[cause] over 10**places, summing to the difference.

    base: the same split of the catalogue scores, which group and catalogue alone move. detail: by what, as a key of the
    words and its value, of each case.
    """

    where: Ints
    places: int
    parts: Mapping[str, Ints]
    base: Mapping[str, Ints]
    base_places: int
    detail: Sequence[tuple[str, str]]

    @property
    def difference(self) -> Ints:
        return np.sum(list(self.parts.values()), axis=0)


@dataclass(frozen=True)
class _Guess:
    """cause and what it is called; score: of some of the cases that differ."""

    cause: str
    detail: tuple[str, str]
    score: Callable[[Ints], Ints]
    least: int = 1


class Scene:
    """The cases that differ, with all that they can be scored by."""

    def __init__(
        self,
        workspace: Workspace,
        connection: sqlite3.Connection,
        pack: Pack,
        scored: Scored,
        listed: OfficialCases,
        where: Ints,
        row: Ints,
        progress: Progress,
    ) -> None:
        """where: places of the cases; row: of each its row in the list."""
        self.workspace, self.connection, self.pack, self.progress = workspace, connection, pack, progress
        self.inputs = scored.inputs
        self.rule = pack.case if pack.case.places is not None else replace(pack.case, places=ENDLESS)
        self.where = where
        self.standing = scored.inputs.standing
        self.own = taken(scored.inputs.cases, where)
        self.rw, self.k, self.u = (one.at(row) for one in (listed.rw, listed.coefficient, listed.factor))
        self.target = listed.score.at(row)
        self.stated_group = [listed.groups[i] if listed.groups else "" for i in listed.group[row].tolist()]
        self.deviation = [listed.deviations[i] if listed.deviations else "" for i in listed.deviation[row].tolist()]
        self.places = max(self.rule.places or 0, listed.score.value.places)
        self.year = self._part()
        self.set_name = scored.inputs.stamps.set_name

    def _part(self) -> years.Year:
        """The year's rows of these cases alone."""
        whole = years.of(
            self.workspace, self.connection, self.inputs.year, self.rule, self.progress,
            days=self.standing.rows.days is not None, persons=self.standing.rows.age is not None,
        )  # fmt: skip
        return _taken(whole, self.standing.stay[self.where])

    # -- cases as they would be -----------------------------------------------------------------------------

    @cached_property
    def content(self) -> Sequence[coefficients.Part]:
        return coefficients.parts(self.connection, self.set_name)

    @cached_property
    def version(self) -> Version:
        return gather.version_of(self.workspace, self.connection, self.inputs.year, self.standing.version)

    @cached_property
    def others(self) -> dict[str, Version]:
        """The catalogue's other versions, drafts aside."""
        names = [one.name for one in library.versions(self.connection) if one.state != "draft"]
        return {
            name: gather.version_of(self.workspace, self.connection, self.inputs.year, name)
            for name in names
            if name != self.version.name
        }

    @cached_property
    def groups(self) -> list[str]:
        """Of each case, the list's group, else its own."""
        own = self.own_groups
        return [stated or mine for stated, mine in zip(self.stated_group, own, strict=True)]

    @cached_property
    def own_groups(self) -> list[str]:
        names = (*self.standing.rows.groups, "")
        return [names[i] for i in self.standing.rows.group[self.where].tolist()]

    def stood(
        self, rows: Ints, groups: Sequence[str], *, rule: CaseRule | None = None, version: Version | None = None
    ) -> Standing:
        """What a version and these groups make of some of the cases."""
        named: list[str] = [groups[int(i)] for i in rows]
        codes = sorted({one for one in named if one})
        place = {code: i for i, code in enumerate(codes)} | {"": -1}
        grouped = Grouped("stated", tuple(codes), np.array([place[one] for one in named], np.int32))
        fees = partial(years.fees, self.workspace, self.connection, self.year, self.progress)
        part = _taken(self.year, rows)
        asked = replace(rule or self.rule, ungrouped="zero")
        return stand(part, version or self.version, grouped, asked, fees)

    def table(self, standing: Standing, content: Sequence[coefficients.Part] | None = None) -> CaseTable:
        """With the coefficients of a set."""
        return applied.apply(standing, content or self.content, FUNDS, self.inputs.year, self.set_name).cases

    @cached_property
    def changed(self) -> Truth:
        """Whose group is another one in the list."""
        return np.array([a != b for a, b in zip(self.groups, self.own_groups, strict=True)], bool)

    @cached_property
    def regrouped(self) -> tuple[CaseTable, Ints]:
        """The cases in the groups of the list; their reference means before k."""
        raw = self.standing.reference[self.where]
        if not self.changed.any():
            return self.own, raw
        standing = self.stood(np.arange(len(self.where)), self.groups)
        table = self.table(standing)
        # Of an unchanged group the mean is the one here: by the own grouping it is not that of the stated groups.
        source = np.where(self.changed, table.reference_source, self.own.reference_source)
        reference = np.where(self.changed, table.reference, self.own.reference)
        return replace(table, reference=reference, reference_source=source), np.where(
            self.changed, standing.reference, raw
        )

    def put(self, table: CaseTable, rows: Ints, mask: int, raw: Ints | None = None) -> CaseTable:
        """The list's score of the group, coefficient and factor in the table of `rows`. raw: catalogue means before k."""
        rw, k, u = table.rw, table.k, table.u
        group = table.group
        if mask & _RW:
            stated = self.rw.at(rows)
            rw = _put(rw, stated, stated.there & ~self._per_day(rows, table))
            group = np.where((group < 0) & stated.there & (stated.value.values > 0), 0, group).astype(np.int32)
        if mask & _U:
            u = _put(u, self.u.at(rows), self.u.at(rows).there)
        reference = table.reference
        if mask & _K:
            k = _put(k, self.k.at(rows), self.k.at(rows).there)
            late = table.reference_source == REFERENCE_CATALOGUE
            if raw is not None and bool(late.any()):
                reference = reference.copy()
                reference[late] = references.times_coefficient(raw[late], k.values[late], k.places)
        return replace(table, rw=rw, k=k, u=u, group=group, reference=reference)

    def _per_day(self, rows: Ints, table: CaseTable) -> Truth:
        """Bed-day cases whose stated score is the group's score a day: the same as here, not another one."""
        stated = self.rw.at(rows)
        same = np.zeros(len(rows), bool)
        entries = [self.version.groups.get(code) for code in table.groups]
        bed = np.array([one is not None and one.kind == "bed_day" for one in entries] + [False])
        for i in np.flatnonzero(bed[table.group] & stated.there).tolist():
            same[i] = stated.value.at(i) == score_of(entries[int(table.group[i])])
        return same

    def at_mask(self, rows: Ints, mask: int) -> CaseTable:
        """The own cases with what the list states of the things in the mask."""
        if mask & _GROUP:
            table, raw = self.regrouped
            table, raw = taken(table, rows), raw[rows]
        else:
            table, raw = taken(self.own, rows), self.standing.reference[self.where[rows]]
        if mask & _GROUP and not mask & _RW:
            # A group that the catalogue here lacks has the score that the list gives it: one cause, not two.
            stated = self.rw.at(rows)
            lost = (table.group < 0) & stated.there & (stated.value.values > 0)
            table = replace(
                table, rw=_put(table.rw, stated, lost), group=np.where(lost, 0, table.group).astype(np.int32)
            )
        return self.put(table, rows, mask, raw)

    def score(self, table: CaseTable, rule: CaseRule | None = None) -> Ints:
        """Scores over 10**self.places; a rule of more decimals than that gives what no list can state."""
        rule = rule or self.rule
        found = case_scores.score(rule, table).score
        assert found is not None
        more = self.places - found.places
        if more >= 0:
            return found.values * 10**more
        cut, rest = np.divmod(found.values, 10**-more)
        return np.where(rest == 0, cut, np.iinfo(np.int64).min)

    @cached_property
    def wanted(self) -> Ints:
        return self.target.value.values * 10 ** (self.places - self.target.value.places)

    # -- what the list states -------------------------------------------------------------------------------

    @cached_property
    def flags(self) -> NDArray[np.int8]:
        """Of each case, which of the things that the list states are other than here."""
        found = np.zeros(len(self.where), np.int8)
        changed = self.changed
        found |= np.where(changed, _GROUP, 0).astype(np.int8)
        rows = np.arange(len(self.where))
        table, _ = self.regrouped
        for bit, mine, stated in ((_RW, table.rw, self.rw), (_K, table.k, self.k), (_U, table.u, self.u)):
            other = stated.there & ~_same(mine, stated)
            if bit == _RW:
                other &= ~self._per_day(rows, table)
                other &= ~(changed & (table.group < 0))
            found |= np.where(other, bit, 0).astype(np.int8)
        return found


def _taken(whole: years.Year, where: Ints) -> years.Year:
    rows = whole.rows
    names = {
        name: getattr(rows, name)[where]
        for name in rows.__dataclass_fields__
        if isinstance(getattr(rows, name), np.ndarray)
    }
    return replace(
        whole, rows=replace(rows, **names), own_pay=whole.own_pay[where], special=whole.special[where],
        decision=whole.decision[where],
    )  # fmt: skip


def _put(mine: Scaled, stated: Stated, where: Truth) -> Scaled:
    if not where.any():
        return mine
    places = max(mine.places, stated.value.places)
    a = mine.values * 10 ** (places - mine.places)
    b = stated.value.values * 10 ** (places - stated.value.places)
    return Scaled(np.where(where, b, a), places)


def _same(mine: Scaled, stated: Stated) -> Truth:
    places = max(mine.places, stated.value.places)
    return mine.values * 10 ** (places - mine.places) == stated.value.values * 10 ** (places - stated.value.places)


# -- the split ------------------------------------------------------------------------------------------------


def explain(scene: Scene) -> Found:
    """Every case of the scene."""
    count = len(scene.where)
    start, wanted = scene.score(scene.own), scene.wanted
    mask = scene.flags.copy()
    full = scene.score(scene.at_mask(np.arange(count), _ALL)) if mask.any() else start
    reached, between = full.copy(), full.copy()  # between: before decimals are told apart from an input
    by_input, by_decimals = np.full(count, -1, np.int64), np.full(count, -1, np.int64)
    guesses: list[_Guess] = []

    def settle(rows: Ints, on: int) -> None:
        if not len(rows):
            return
        first = len(guesses)
        guesses.extend(_guesses(scene, on))
        for hit, one, other, middle in _settled(guesses[first:], rows, scene):
            by_input[hit] = one + first if one >= 0 else -1
            by_decimals[hit] = other + first if other >= 0 else -1
            reached[hit] = wanted[hit]
            between[hit] = middle
            mask[hit] &= on

    settle(np.flatnonzero(reached != wanted), _ALL)
    # Where all that the list states does not lead there, some of it may, or none of it and a guess.
    for less in sorted(range(_ALL), key=lambda bits: (-bin(bits).count("1"), bits)):
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
    return Found(scene.where, scene.places, parts, base, base_places, detail)


def _settled(guesses: Sequence[_Guess], left: Ints, scene: Scene) -> Iterator[tuple[Ints, int, int, Ints]]:
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
    guesses: Sequence[_Guess], left: Ints, shown: Sequence[int], scene: Scene
) -> Iterator[tuple[Ints, int, int, Ints]]:
    """An input and decimals at once: only decimals that explain other cases alone."""
    wanted = scene.wanted
    if not shown:
        return
    for number, one in enumerate(guesses):
        if not len(left):
            return
        if not isinstance(one.score, _Tabled):
            continue
        table, own = one.score.table(left), one.score.rule or scene.rule
        for other in shown:
            rule = guesses[other].score
            assert isinstance(rule, _Rounded)
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
        for bit, cause in ((_GROUP, GROUP), (_RW, CATALOGUE), (_K, COEFFICIENT), (_U, AUXILIARY)):
            done |= bit
            here = np.flatnonzero((mask & bit) != 0)
            if not len(here):
                continue
            now = last.copy()
            for bits in np.unique(mask[here]).tolist():
                rows = here[mask[here] == bits]
                table = scene.at_mask(rows, bits & done)
                now[rows] = scene.score(table)
                if bit in (_GROUP, _RW):
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
        if bits & _GROUP:
            return "group", scene.groups[i]
        if bits & _RW:
            return "version", _version_with(scene, i)
        if bits & _K:
            return ("date", "") if self.dated[i] else ("set", "")
        return ("factor", "") if bits & _U else ("", "")


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
    differ = np.flatnonzero((scene.flags & _K) != 0)
    if not len(differ):
        return found
    lines = {fund: coefficients.timelines(scene.content, fund) for fund in FUNDS}
    own = scene.own
    for i in differ.tolist():
        line = lines[FUNDS[int(own.fund[i])]].get(own.institutions[int(own.institution[i])])
        found[i] = line is not None and scene.k.of(i) in line.values
    return found


# -- guesses --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Tabled:
    """Other cases by the same or another rule."""

    scene: Scene
    table: Callable[[Ints], CaseTable]
    rule: CaseRule | None = None

    def __call__(self, rows: Ints) -> Ints:
        return self.scene.score(self.table(rows), self.rule)


@dataclass(frozen=True)
class _Rounded:
    """The same cases with other decimals."""

    scene: Scene
    table: Callable[[Ints], CaseTable]
    of: Callable[[CaseRule], CaseRule]

    def __call__(self, rows: Ints) -> Ints:
        return self.scene.score(self.table(rows), self.of(self.scene.rule))


def _guesses(scene: Scene, mask: int, shown: int | None = None) -> Iterator[_Guess]:
    """All that is tried, on top of what the list states of the things in the mask. shown: most decimals of a score there."""
    shown = scene.target.value.places if shown is None else shown
    plain = partial(scene.at_mask, mask=mask)
    groups = scene.groups if mask & _GROUP else scene.own_groups

    def stood(rows: Ints, rule: CaseRule | None = None, version: Version | None = None) -> CaseTable:
        standing = scene.stood(rows, groups, rule=rule, version=version)
        return scene.put(scene.table(standing), rows, mask, standing.reference)

    rule = scene.rule
    for boundary in boundaries_of(scene.pack):
        if boundary.key == "when":
            other = Changes(parameters={boundary.parameter: boundary.turned()}).pack(scene.pack).case
            turned = replace(other, places=rule.places)
            yield _Guess(BOUNDARY, ("turned", boundary.turned()), _Tabled(scene, plain, turned))
    stated = {bit: bool(one.there.all()) and bool(mask & bit) for bit, one in ((_RW, scene.rw), (_K, scene.k), (_U, scene.u))}
    if not (stated[_RW] and stated[_U]):
        for name in scene.others:
            yield _Guess(CATALOGUE, ("version", name), _Tabled(scene, partial(_by_version, scene, stood, name)))
    if not stated[_K]:
        yield from _coefficient_guesses(scene, mask, groups)
    if not stated[_U]:
        yield from _factor_guesses(scene, mask, plain)
    if bool((scene.own.special == SPECIAL_ADJUSTED).any()):
        yield _Guess(SPECIAL, ("undecided", ""), _Tabled(scene, partial(_undecided, plain)))
    for order in ("reference_means", "level_mean", "catalogue"):
        asked = replace(rule, reference=(order,))
        yield _Guess(REFERENCE, ("reference", order), _Tabled(scene, partial(_meant, stood, plain, asked)))
    if rule.reference_min_cases > 1:
        asked = replace(rule, reference_min_cases=1)
        yield _Guess(REFERENCE, ("reference_few", "1"), _Tabled(scene, partial(_meant, stood, plain, asked)))
    yield _Guess(REFERENCE, ("reference_implied", ""), _Tabled(scene, partial(_with_means, scene, plain)))
    for branch in rule.branches:
        if len(rule.branches) > 1:
            only = replace(rule, branches=(replace(branch, when=None, review=None),))
            yield _Guess(BOUNDARY, ("branch", branch.id), _Tabled(scene, plain, only))
    for places in range(shown + 1):
        if places != rule.places or scene.pack.case.places is None:
            least = LEAST if places < 2 else 1
            yield _Guess(ROUNDING, ("places", str(places)), _Rounded(scene, plain, partial(_to, places)), least)
    for places in range(1, shown + 1):
        least = LEAST if places < 2 else 1
        yield _Guess(ROUNDING, ("cut", str(places)), _Rounded(scene, plain, partial(_cut, places)), least)
    for places in sorted({rule.places or 0, 2, 3, 4}):
        yield _Guess(ORDER, ("each", str(places)), _Rounded(scene, plain, partial(_each, places)))
        yield _Guess(ORDER, ("ratio", str(places)), _Rounded(scene, plain, partial(_ratio, places)))
    for places in range(1, min(shown + 1, rule.places or 0)):
        least = LEAST if places < 2 else 1
        yield _Guess(ORDER, ("twice", str(places)), _Rounded(scene, plain, partial(_twice, places)), least)




def _by_version(scene: Scene, stood: Callable[..., CaseTable], name: str, rows: Ints) -> CaseTable:
    return stood(rows, version=scene.others[name])


def _coefficient_guesses(scene: Scene, mask: int, groups: Sequence[str]) -> Iterator[_Guess]:
    """The institution's coefficient on other days, of other sets, or applied where it was not."""

    def table(
        rows: Ints, day: int = 0, content: Sequence[coefficients.Part] | None = None, rule: CaseRule | None = None
    ) -> CaseTable:
        standing = scene.stood(rows, groups, rule=rule)
        if day:
            standing = replace(standing, rows=replace(standing.rows, day=np.full(len(rows), day, np.int64)))
        return scene.put(scene.table(standing, content), rows, mask & ~_K, standing.reference)

    days = sorted({part.day for part in scene.content})
    first = scene.inputs.year * 10000
    if len(days) > 1:
        for day in sorted({*(one for one in days if one), first + 101, first + 1231}):
            shown = coefficients.iso(day)
            yield _Guess(DATE, ("date", shown), _Tabled(scene, partial(table, day=day)))
    for head in coefficients.sets(scene.connection):
        if head.name != scene.set_name:
            content = coefficients.parts(scene.connection, head.name)
            yield _Guess(COEFFICIENT, ("set", head.name), _Tabled(scene, partial(table, content=content)))
    rule = scene.rule
    for name in ("primary_care_coefficient", "disease_level_coefficient"):
        asked = replace(rule, **{name: not getattr(rule, name)})
        yield _Guess(COEFFICIENT, (name, ""), _Tabled(scene, partial(table, rule=asked)))


def _factor_guesses(scene: Scene, mask: int, plain: Callable[[Ints], CaseTable]) -> Iterator[_Guess]:
    """Another band of the group, or none."""
    groups = scene.groups if mask & _GROUP else scene.own_groups
    bands: dict[str, list[Fraction]] = {}
    for band in scene.version.bands:
        own = bands.setdefault(band.group, [])
        if band.factor not in own:
            own.append(band.factor)
    every = sorted({Fraction(1), *(one for own in bands.values() for one in own)})
    places = places_of(every)

    def table(rows: Ints, number: int) -> CaseTable:
        made = plain(rows)
        values: list[Fraction] = []
        for i in rows.tolist():
            own = [Fraction(1), *bands.get(groups[i], ())]
            values.append(own[min(number, len(own) - 1)])
        return replace(made, u=scaled(values, places))

    most = max((len(bands.get(group, ())) for group in set(groups)), default=0)
    for number in range(most + 1 if most else 0):
        key = ("factor_none", "") if number == 0 else ("factor", str(number))
        yield _Guess(AUXILIARY, key, _Tabled(scene, partial(table, number=number)))


def _undecided(plain: Callable[[Ints], CaseTable], rows: Ints) -> CaseTable:
    table = plain(rows)
    return replace(table, special=np.zeros_like(table.special))


def _meant(
    stood: Callable[..., CaseTable], plain: Callable[[Ints], CaseTable], rule: CaseRule, rows: Ints
) -> CaseTable:
    """By another list of means, where it has one."""
    table, own = stood(rows, rule=rule), plain(rows)
    return replace(table, reference=np.where(table.reference > 0, table.reference, own.reference))


def _with_means(scene: Scene, plain: Callable[[Ints], CaseTable], rows: Ints) -> CaseTable:
    table = plain(rows)
    means = implied_means(scene.rule, table, scene.wanted[rows], scene.places)
    return replace(table, reference=np.where(means > 0, means, table.reference))


# -- decimals -------------------------------------------------------------------------------------------------


def _to(places: int, rule: CaseRule) -> CaseRule:
    return replace(rule, places=places)


def _scores(rule: CaseRule, made: Callable[[language.Expr], language.Expr], places: int | None) -> CaseRule:
    branches = tuple(replace(one, score=made(one.score)) for one in rule.branches)
    return replace(rule, branches=branches, places=rule.places if places is None else places)


def _cut(places: int, rule: CaseRule) -> CaseRule:
    """Further decimals left off."""
    scale = language.Num(Fraction(10**places), 0)

    def made(expr: language.Expr) -> language.Expr:
        return language.Arith("/", language.Call("floor", (language.Arith("*", expr, scale, 0),), 0), scale, 0)

    return _scores(rule, made, places)


def _each(places: int, rule: CaseRule) -> CaseRule:
    """Every product and quotient rounded on the way."""

    def made(expr: language.Expr) -> language.Expr:
        match expr:
            case language.Arith(op, left, right):
                whole: language.Expr = replace(expr, left=made(left), right=made(right))
                return language.Round(whole, places, 0) if op in "*/" else whole
            case language.Name("x"):
                return language.Round(expr, places, 0)
            case _:
                return expr

    return _scores(rule, made, None)


def _twice(places: int, rule: CaseRule) -> CaseRule:
    """Rounded as here, and once more to fewer decimals."""
    return _scores(rule, lambda expr: language.Round(expr, rule.places or 0, 0), places)


def _ratio(places: int, rule: CaseRule) -> CaseRule:
    """Only the fee over the reference mean rounded on the way."""

    def made(expr: language.Expr) -> language.Expr:
        match expr:
            case language.Arith(_, left, right):
                return replace(expr, left=made(left), right=made(right))
            case language.Name("x"):
                return language.Round(expr, places, 0)
            case _:
                return expr

    return _scores(rule, made, None)


# -- without a list -------------------------------------------------------------------------------------------


def of_sum(scene: Scene, wanted: Fraction) -> str:
    """The cause by which all cases of the scene together have that score; "" where no guess does. Nothing is stated."""
    rows = np.arange(len(scene.where))
    scene.places = max(scene.places, ENDLESS)
    for one in _guesses(scene, 0, ENDLESS):
        if one.detail[0] == "reference_implied" or (one.cause == BOUNDARY and one.detail[0] == "branch"):
            continue
        if sum(one.score(rows).tolist()) == wanted * 10**scene.places:
            return one.cause
    return ""
