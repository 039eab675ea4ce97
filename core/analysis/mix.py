"""Why the mean costs of two bodies of cases differ: split exactly into mix, intensity and interaction. Pure, in fractions.

Of each group g: s its share of the cases, m its mean cost; M the mean cost of all cases, so that M = sum of s m. The own
side is compared with the other one (marked '):

    mix         = sum of (s - s') m'           the same care, other patients: own shares at the other's costs
    intensity   = sum of s' (m - m')           the same patients, other care: the other's shares at own costs
    interaction = sum of (s - s') (m - m')     dearer (or cheaper) just where there are more (or fewer) cases
    M - M'      = mix + intensity + interaction

A group that only one side treats has no mean cost on the other. It takes there the mean cost of the side that treats it:
all that it does to the difference is mix, and intensity and interaction are of groups that both treat alone. How much of
each side's cases that concerns is said beside the result.

Group by group mix is written (s - s')(m' - M'), which has the same sum, since shares sum to one on both sides: more of
what is dearer than the other's mean raises the difference, more of what is cheaper lowers it.

Seen from the other side: the whole changes its sign, the interaction keeps it, and mix and intensity change theirs once
half of the interaction is added to each: mix + interaction / 2 and intensity + interaction / 2 are the parts that do not
depend on whose side one takes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from core.money import rounded, total

Cases = Mapping[str, tuple[int, int]]  # group -> cases, at least one, and their cost in fen


@dataclass(frozen=True, slots=True)
class GroupPart:
    """What one group does to the difference, fen. mean, other_mean: None where that side has no case of it."""

    code: str
    cases: int
    other_cases: int
    mean: Fraction | None
    other_mean: Fraction | None
    mix: Fraction
    intensity: Fraction
    interaction: Fraction

    @property
    def whole(self) -> Fraction:
        return self.mix + self.intensity + self.interaction


@dataclass(frozen=True, slots=True)
class Fen:
    """A split in whole fen: whole = mean - other_mean = mix + intensity + interaction = even_mix + even_intensity."""

    mean: Fraction
    other_mean: Fraction
    whole: Fraction
    mix: Fraction
    intensity: Fraction
    interaction: Fraction
    even_mix: Fraction
    even_intensity: Fraction


@dataclass(frozen=True)
class Split:
    """The difference of two mean costs, exactly, in fen: whole = mean - other_mean = mix + intensity + interaction.

    cases, other_cases: of each side. unmatched: the share of own cases in groups that the other side does not treat;
    other_unmatched: the other way round. groups: who moves the difference most first.
    """

    own: Cases
    other: Cases
    cases: int
    other_cases: int
    mean: Fraction
    other_mean: Fraction
    mix: Fraction
    intensity: Fraction
    interaction: Fraction
    unmatched: Fraction
    other_unmatched: Fraction

    @property
    def whole(self) -> Fraction:
        return self.mean - self.other_mean

    @cached_property
    def fen(self) -> Fen:
        """As it is written: both means to the fen, their difference, and parts that sum to it by largest remainders."""
        mean, other_mean = rounded(self.mean, 0), rounded(self.other_mean, 0)
        whole, half = mean - other_mean, self.interaction / 2
        parts = _closing((self.mix, self.intensity, self.interaction), whole)
        return Fen(mean, other_mean, whole, *parts, *_closing((self.mix + half, self.intensity + half), whole))

    @cached_property
    def groups(self) -> tuple[GroupPart, ...]:
        made = (self._part(code) for code in sorted({*self.own, *self.other}))
        return tuple(sorted(made, key=lambda one: (-abs(one.whole), one.code)))

    def _part(self, code: str) -> GroupPart:
        cases, cost = self.own.get(code, (0, 0))
        other_cases, other_cost = self.other.get(code, (0, 0))
        mean = Fraction(cost, cases) if cases else None
        other_mean = Fraction(other_cost, other_cases) if other_cases else None
        there = other_mean if other_mean is not None else mean
        assert there is not None  # a group of neither side is not in the table
        share = Fraction(other_cases, self.other_cases)
        more = Fraction(cases, self.cases) - share
        dearer = mean - there if mean is not None else Fraction(0)
        return GroupPart(
            code, cases, other_cases, mean, other_mean, more * (there - self.other_mean), share * dearer, more * dearer
        )


def _closing(parts: Sequence[Fraction], whole: Fraction) -> list[Fraction]:
    """Each part to the fen below or above it, so that they sum to `whole`, which is less than a fen off their sum."""
    down = [Fraction(part // 1) for part in parts]
    order = sorted(range(len(parts)), key=lambda i: (down[i] - parts[i], i))
    short = int(whole - total(down))
    return [one + (i in order[:short]) for i, one in enumerate(down)]


def split(own: Cases, other: Cases) -> Split:
    """Both sides by group. ValueError where a side has no case, or a group none."""
    cases, cost, other_cases, other_cost = 0, 0, 0, 0
    for n, fen in own.values():
        if n < 1:
            raise ValueError("a group of no case")
        cases, cost = cases + n, cost + fen
    for n, fen in other.values():
        if n < 1:
            raise ValueError("a group of no case")
        other_cases, other_cost = other_cases + n, other_cost + fen
    if not cases or not other_cases:
        raise ValueError("a side of no case")
    both = [(*own[code], *other[code]) for code in own if code in other]
    alone, alone_cost = cases - sum(n for n, *_ in both), cost - sum(fen for _, fen, *_ in both)
    other_alone = other_cases - sum(n for _, _, n, _ in both)
    mean, other_mean = Fraction(cost, cases), Fraction(other_cost, other_cases)
    # Own shares at the other's mean costs, and the other's shares at own ones: over the groups of both.
    own_at_other = total([Fraction(n * there, m) for n, _, m, there in both]) / cases
    other_at_own = total([Fraction(m * here, n) for n, here, m, _ in both]) / other_cases
    shared = Fraction(sum(fen for *_, fen in both), other_cases)
    mix = own_at_other + Fraction(alone_cost, cases) - other_mean
    intensity = other_at_own - shared
    return Split(
        own, other, cases, other_cases, mean, other_mean, mix, intensity, mean - other_mean - mix - intensity,
        Fraction(alone, cases), Fraction(other_alone, other_cases),
    )  # fmt: skip
