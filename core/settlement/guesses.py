"""What a bureau may have done otherwise, tried on the cases that differ: a fixed set of guesses, each a score of every case.

The other reading of a boundary, another list of reference means, another version, another date, other decimals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial

import numpy as np

from core.rules import formula as language
from core.rules.cases import SPECIAL_ADJUSTED, CaseTable, Ints
from core.rules.circular import CaseRule
from core.settlement import coefficients
from core.settlement.causes import (
    AUXILIARY,
    BOUNDARY,
    CATALOGUE,
    COEFFICIENT,
    DATE,
    ORDER,
    REFERENCE,
    ROUNDING,
    SPECIAL,
)
from core.settlement.changes import Changes
from core.settlement.exact import places_of, scaled
from core.settlement.groups import Version
from core.settlement.implied import implied_means
from core.settlement.scene import OF_GROUP, OF_K, OF_RW, OF_U, Scene
from core.settlement.sensitivity import boundaries_of

LEAST = 2  # cases that must agree before a guess of no decimals, or of one, counts


@dataclass(frozen=True)
class Guess:
    """cause and what it is called; score: of some of the cases that differ."""

    cause: str
    detail: tuple[str, str]
    score: Callable[[Ints], Ints]
    least: int = 1


@dataclass(frozen=True)
class Tabled:
    """Other cases by the same or another rule."""

    scene: Scene
    table: Callable[[Ints], CaseTable]
    rule: CaseRule | None = None

    def __call__(self, rows: Ints) -> Ints:
        return self.scene.score(self.table(rows), self.rule)


@dataclass(frozen=True)
class Rounded:
    """The same cases with other decimals."""

    scene: Scene
    table: Callable[[Ints], CaseTable]
    of: Callable[[CaseRule], CaseRule]

    def __call__(self, rows: Ints) -> Ints:
        return self.scene.score(self.table(rows), self.of(self.scene.rule))


def tried(scene: Scene, mask: int, shown: int | None = None) -> Iterator[Guess]:
    """All that is tried, on top of what the list states of the things in the mask. shown: most decimals of a score there."""
    shown = scene.target.value.places if shown is None else shown
    plain = partial(scene.at_mask, mask=mask)
    groups = scene.groups if mask & OF_GROUP else scene.own_groups

    def stood(rows: Ints, rule: CaseRule | None = None, version: Version | None = None) -> CaseTable:
        standing = scene.stood(rows, groups, rule=rule, version=version)
        return scene.put(scene.table(standing), rows, mask, standing.reference)

    rule = scene.rule
    for boundary in boundaries_of(scene.pack):
        if boundary.key == "when":
            other = Changes(parameters={boundary.parameter: boundary.turned()}).pack(scene.pack).case
            turned = replace(other, places=rule.places)
            yield Guess(BOUNDARY, ("turned", boundary.turned()), Tabled(scene, plain, turned))
    known = ((OF_RW, scene.rw), (OF_K, scene.k), (OF_U, scene.u))
    stated = {bit: bool(one.there.all()) and bool(mask & bit) for bit, one in known}
    if not (stated[OF_RW] and stated[OF_U]):
        for name in scene.others:
            yield Guess(CATALOGUE, ("version", name), Tabled(scene, partial(_by_version, scene, stood, name)))
    if not stated[OF_K]:
        yield from _coefficient_guesses(scene, mask, groups)
    if not stated[OF_U]:
        yield from _factor_guesses(scene, mask, plain)
    if bool((scene.own.special == SPECIAL_ADJUSTED).any()):
        yield Guess(SPECIAL, ("undecided", ""), Tabled(scene, partial(_undecided, plain)))
    for order in ("reference_means", "level_mean", "catalogue"):
        asked = replace(rule, reference=(order,))
        yield Guess(REFERENCE, ("reference", order), Tabled(scene, partial(_meant, stood, plain, asked)))
    if rule.reference_min_cases > 1:
        asked = replace(rule, reference_min_cases=1)
        yield Guess(REFERENCE, ("reference_few", "1"), Tabled(scene, partial(_meant, stood, plain, asked)))
    yield Guess(REFERENCE, ("reference_implied", ""), Tabled(scene, partial(_with_means, scene, plain, rule.places or 0)))
    for places in range(LEAST, min(shown, (rule.places or 0) - 1) + 1):  # of scores that show fewer decimals than here
        yield Guess(REFERENCE, ("reference_implied", ""), Tabled(scene, partial(_with_means, scene, plain, places)))
    for branch in rule.branches:
        if len(rule.branches) > 1:
            only = replace(rule, branches=(replace(branch, when=None, review=None),))
            yield Guess(BOUNDARY, ("branch", branch.id), Tabled(scene, plain, only))
    for places in range(shown + 1):
        if places != rule.places or scene.pack.case.places is None:
            least = LEAST if places < 2 else 1
            yield Guess(ROUNDING, ("places", str(places)), Rounded(scene, plain, partial(_to, places)), least)
    for places in range(1, shown + 1):
        least = LEAST if places < 2 else 1
        yield Guess(ROUNDING, ("cut", str(places)), Rounded(scene, plain, partial(_cut, places)), least)
    for places in sorted({rule.places or 0, 2, 3, 4}):
        yield Guess(ORDER, ("each", str(places)), Rounded(scene, plain, partial(_each, places)))
        yield Guess(ORDER, ("ratio", str(places)), Rounded(scene, plain, partial(_ratio, places)))
    for places in range(1, min(shown + 1, rule.places or 0)):
        least = LEAST if places < 2 else 1
        yield Guess(ORDER, ("twice", str(places)), Rounded(scene, plain, partial(_twice, places)), least)




def _by_version(scene: Scene, stood: Callable[..., CaseTable], name: str, rows: Ints) -> CaseTable:
    return stood(rows, version=scene.others[name])


def _coefficient_guesses(scene: Scene, mask: int, groups: Sequence[str]) -> Iterator[Guess]:
    """The institution's coefficient on other days, of other sets, or applied where it was not."""

    def table(
        rows: Ints, day: int = 0, content: Sequence[coefficients.Part] | None = None, rule: CaseRule | None = None
    ) -> CaseTable:
        standing = scene.stood(rows, groups, rule=rule)
        if day:
            standing = replace(standing, rows=replace(standing.rows, day=np.full(len(rows), day, np.int64)))
        return scene.put(scene.table(standing, content), rows, mask & ~OF_K, standing.reference)

    days = sorted({part.day for part in scene.content})
    first = scene.inputs.year * 10000
    if len(days) > 1:
        for day in sorted({*(one for one in days if one), first + 101, first + 1231}):
            shown = coefficients.iso(day)
            yield Guess(DATE, ("date", shown), Tabled(scene, partial(table, day=day)))
    for head in coefficients.sets(scene.connection):
        if head.name != scene.set_name:
            content = coefficients.parts(scene.connection, head.name)
            yield Guess(COEFFICIENT, ("set", head.name), Tabled(scene, partial(table, content=content)))
    rule = scene.rule
    for name in ("primary_care_coefficient", "disease_level_coefficient"):
        asked = replace(rule, **{name: not getattr(rule, name)})
        yield Guess(COEFFICIENT, (name, ""), Tabled(scene, partial(table, rule=asked)))


def _factor_guesses(scene: Scene, mask: int, plain: Callable[[Ints], CaseTable]) -> Iterator[Guess]:
    """Another band of the group, or none."""
    groups = scene.groups if mask & OF_GROUP else scene.own_groups
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
        yield Guess(AUXILIARY, key, Tabled(scene, partial(table, number=number)))


def _undecided(plain: Callable[[Ints], CaseTable], rows: Ints) -> CaseTable:
    table = plain(rows)
    return replace(table, special=np.zeros_like(table.special))


def _meant(
    stood: Callable[..., CaseTable], plain: Callable[[Ints], CaseTable], rule: CaseRule, rows: Ints
) -> CaseTable:
    """By another list of means, where it has one."""
    table, own = stood(rows, rule=rule), plain(rows)
    return replace(table, reference=np.where(table.reference > 0, table.reference, own.reference))


def _with_means(scene: Scene, plain: Callable[[Ints], CaseTable], places: int, rows: Ints) -> CaseTable:
    table = plain(rows)
    means = implied_means(replace(scene.rule, places=places), table, scene.wanted[rows], scene.places)
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
