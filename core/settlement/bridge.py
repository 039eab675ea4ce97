"""The bridge from the sheet here to the bureau's: each step's difference split over causes, exact, nothing left over.

The pack's own chain is run again and again, each time with one more of the bureau's figures in the place of the one here:
what cases bring first, then facts, then the region's figures, then the steps one after another. How far a step moves at
each of these is what that cause brings to it; the last run is the bureau's sheet, so the parts sum to the difference.
Institutions are bridged with the region's figures held; what the region's own figures bring is one part, and has its
own bridge.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

from core.money import rounded
from core.rules import steps
from core.rules.sheet import Scope
from core.settlement.causes import (
    ASSESSMENT,
    BUDGET,
    DEDUCTION,
    EXTRA,
    MISSING,
    PAYMENT,
    POINT_VALUE,
    RETENTION,
    ROUNDING,
    SHARING,
    UNEXPLAINED,
)
from core.settlement.official import OfficialSheet

if TYPE_CHECKING:
    from core.rules.circular import Pack, Step
    from core.rules.steps import Values

# What another value of a step means where nothing before it explains it.
OF_STEP = {
    "point_value": POINT_VALUE, "budget": BUDGET, "outside_card": BUDGET, "outside_manual": BUDGET, "outpatient": BUDGET,
    "chronic": BUDGET, "alliance": BUDGET, "reserve": BUDGET, "after_share": SHARING, "assessment_score": ASSESSMENT,
    "assessment": ASSESSMENT, "audit_deduction": DEDUCTION, "violation": DEDUCTION, "monthly_paid": PAYMENT,
    "advance": PAYMENT, "retention": RETENTION, "retention_return": RETENTION,
}  # fmt: skip
OF_CASES = ("cases", "base_score", "total_cost", "booked", "own_pay", "other_pay", "by_item")
MOST_PLACES = 9
Figures = dict[str, tuple[Fraction, ...]]
Mode = tuple[int, bool]  # decimals, and whether what is beyond them is cut off instead of rounded
Parts = dict[str, dict[str, list[Fraction]]]  # cause -> step -> by institution


@dataclass(frozen=True)
class Stage:
    """What one cause brings to the facts of the institutions: input -> amount by institution."""

    cause: str
    moved: Mapping[str, Sequence[Fraction]]


@dataclass(frozen=True)
class Bridge:
    """Of one fund. own and official: step -> figure by institution (`codes`); official None where the bureau says nothing.

    parts[cause][step][i], region_parts[cause][step]: official - own is their sum over all causes.
    """

    fund: str
    codes: tuple[str, ...]
    own: Figures
    official: Mapping[str, tuple[Fraction | None, ...]]
    parts: Mapping[str, Mapping[str, Sequence[Fraction]]]
    own_region: Mapping[str, Fraction]
    official_region: Mapping[str, Fraction]
    region_parts: Mapping[str, Mapping[str, Fraction]]
    rounded: Mapping[tuple[Scope, str], Mode]  # how the bureau rounds a step, where that is told from its figures

    def part(self, cause: str, step: str, i: int) -> Fraction:
        return self.parts.get(cause, {}).get(step, _NONE)[i] if step in self.parts.get(cause, {}) else Fraction(0)

    def difference(self, step: str, i: int) -> Fraction | None:
        official = self.official[step][i] if step in self.official else None
        return None if official is None else official - self.own[step][i]


_NONE: Sequence[Fraction] = ()
# What a step's cause may be beside its own: (step, institution's number, the value before rounding, the bureau's) -> cause or "".
Told = Callable[[str, int, Fraction], str]


class _Chain:
    """A fund's chain with some steps given instead of computed."""

    def __init__(
        self, pack: Pack, fund: str, codes: Sequence[str], region: Mapping[str, Fraction], given: Figures
    ) -> None:
        self.pack, self.fund, self.codes = pack, fund, codes
        self.region = dict(region)
        self.given = dict(given)
        self.fixed: dict[tuple[Scope, str], None] = {}
        self.rounded: dict[tuple[Scope, str], Mode] = {}

    def run(self, exact: tuple[Scope, str] | None = None) -> Values:
        """exact: a step that is not to be rounded."""

        def made(one: Step) -> Step:
            if (one.scope, one.id) in self.fixed:
                return replace(one, expr=None, input="rows")
            return replace(one, places=None) if (one.scope, one.id) == exact else one

        pack = replace(
            self.pack, steps=tuple(map(made, self.pack.steps)), order=tuple(map(made, self.pack.order))
        )
        return steps.run(pack, self.region, self.given, self.codes, self.fund)

    def exact(self, one: Step) -> Values:
        """The values with a step as it is before its rounding; share() asks for places, so such a step stays."""
        return self.run((one.scope, one.id) if "share(" not in one.formula else None)

    def move(self, stage: Stage) -> None:
        for name, amounts in stage.moved.items():
            if name in self.given:
                self.given[name] = tuple(a + b for a, b in zip(self.given[name], amounts, strict=True))

    def fix_region(self, values: Mapping[str, Fraction]) -> None:
        for one in self.pack.scope("region"):
            if one.id in values:
                self.region[one.id] = values[one.id]
                self.fixed["region", one.id] = None

    def fix(self, step: str, values: Sequence[Fraction]) -> None:
        self.given[step] = tuple(values)
        self.fixed["institution", step] = None


def bridge(
    pack: Pack,
    fund: str,
    codes: Sequence[str],
    region: Mapping[str, Fraction],
    given: Figures,
    sheet: OfficialSheet,
    stages: Sequence[Stage],
    told: Told,
) -> Bridge:
    """region, given: the facts here. stages: what the cases explain, in order. told: what explains a single figure."""
    official: dict[str, tuple[Fraction | None, ...]] = {
        one.id: tuple(sheet.institutions[one.id].get(code) for code in codes)
        for one in pack.scope("institution")
        if one.id in sheet.institutions
    }
    in_region, region_parts, own, ended, there_rounded = _of_region(
        pack, fund, codes, region, given, sheet, official, stages, told
    )
    parts: Parts = {}
    chain = _Chain(pack, fund, codes, region, given)
    chain.fix_region(in_region)
    last = chain.run().institutions

    def moved(causes: Sequence[str]) -> None:
        nonlocal last
        now = chain.run().institutions
        for step, values in now.items():
            for i, (a, b) in enumerate(zip(last[step], values, strict=True)):
                if a != b:
                    by_step = parts.setdefault(causes[i], {})
                    by_step.setdefault(step, [Fraction(0)] * len(codes))[i] += b - a
        last = now

    for stage in stages:
        chain.move(stage)
        moved([stage.cause] * len(codes))
    counted = _counted(last, official, len(codes))
    for one in pack.scope("institution"):
        if one.expr is None:
            patched, causes = _patched(one, last[one.id], last[one.id], official, told, counted, chain.rounded)
            if patched is not None:
                chain.given[one.id] = patched
                moved(causes)
    chain.fix_region(ended)
    moved([POINT_VALUE] * len(codes))
    for one in pack.order:
        if one.scope == "institution" and one.expr is not None:
            values = last[one.id]
            if _differs(values, official.get(one.id)):
                before = chain.exact(one).institutions[one.id]
                patched, causes = _patched(one, values, before, official, told, counted, chain.rounded)
                if patched is not None:
                    chain.fix(one.id, patched)
                    moved(causes)
    there = {step: value for step, value in sheet.region.items() if step in own.region}
    return Bridge(fund, tuple(codes), dict(own.institutions), official, parts, own.region, there, region_parts,
                  {**there_rounded, **chain.rounded})  # fmt: skip


def _of_region(
    pack: Pack,
    fund: str,
    codes: Sequence[str],
    region: Mapping[str, Fraction],
    given: Figures,
    sheet: OfficialSheet,
    official: Mapping[str, Sequence[Fraction | None]],
    stages: Sequence[Stage],
    told: Told,
) -> tuple[
    dict[str, Fraction], dict[str, dict[str, Fraction]], Values, dict[str, Fraction], dict[tuple[Scope, str], Mode]
]:
    """The region's figures here, their parts by cause and step, all values here, the region's at the end, and how the
    bureau rounds the region's."""
    chain = _Chain(pack, fund, codes, region, given)
    own = chain.run()
    last = own
    parts: dict[str, dict[str, Fraction]] = {}

    def moved(cause: str) -> None:
        nonlocal last
        now = chain.run()
        for step, value in now.region.items():
            if value != last.region[step]:
                by_step = parts.setdefault(cause, {})
                by_step[step] = by_step.get(step, Fraction(0)) + value - last.region[step]
        last = now

    for stage in stages:
        chain.move(stage)
        moved(stage.cause)
    counted = _counted(last.institutions, official, len(codes))

    def put(one: Step, before: Sequence[Fraction]) -> None:
        """The bureau's figures of a step of the institutions, those of one cause after those of another."""
        patched, causes = _patched(one, last.institutions[one.id], before, official, told, counted, {})
        if patched is None:
            return
        values = list(last.institutions[one.id])
        for cause in dict.fromkeys(causes):
            values = [b if causes[i] == cause else a for i, (a, b) in enumerate(zip(values, patched, strict=True))]
            if one.expr is None:
                chain.given[one.id] = tuple(values)
            else:
                chain.fix(one.id, values)
            moved(cause)

    for one in pack.scope("institution"):
        if one.expr is None:
            put(one, last.institutions[one.id])
    for one in pack.order:
        if one.scope == "institution":
            if one.expr is not None and _differs(last.institutions[one.id], official.get(one.id)):
                put(one, chain.exact(one).institutions[one.id])
            continue
        wanted = sheet.region.get(one.id)
        if wanted is None or wanted == last.region[one.id]:
            continue
        before = chain.exact(one).region[one.id] if one.expr is not None else last.region[one.id]
        cause = OF_STEP.get(one.id, UNEXPLAINED)
        if one.expr is not None and (fitting := modes(before, wanted)):
            cause = ROUNDING
            chain.rounded["region", one.id] = min(fitting)
        chain.fix_region({one.id: wanted})
        moved(cause)
    return dict(own.region), parts, own, dict(last.region), chain.rounded


def _differs(values: Sequence[Fraction], official: Sequence[Fraction | None] | None) -> bool:
    return official is not None and any(b is not None and a != b for a, b in zip(values, official, strict=True))


def _patched(
    one: Step,
    values: Sequence[Fraction],
    before: Sequence[Fraction],
    official: Mapping[str, Sequence[Fraction | None]],
    told: Told,
    counted: Sequence[str],
    places: dict[tuple[Scope, str], Mode],
) -> tuple[tuple[Fraction, ...] | None, list[str]]:
    """The figures with the bureau's where it has them, and why each is another; None where none is.

    before: the same unrounded. counted: what another sum over an institution's cases means. places: takes how the bureau
    rounds the step, where that is a cause."""
    wanted = official.get(one.id)
    causes = [UNEXPLAINED] * len(values)
    if not _differs(values, wanted) or wanted is None:
        return None, causes
    patched = list(values)
    usual = _usual(values, before, wanted) if one.expr is not None or one.id == "score" else frozenset[Mode]()
    claimed: set[Mode] = set()

    def rounding(exact: Fraction, other: Fraction) -> bool:
        found = usual & modes(exact, other)
        claimed.update(found)
        return bool(found)

    for i, (value, exact, other) in enumerate(zip(values, before, wanted, strict=True)):
        if other is None or other == value:
            continue
        patched[i] = other
        if cause := told(one.id, i, other):
            causes[i] = cause
        elif one.id not in OF_STEP and rounding(exact, other):
            causes[i] = ROUNDING
        elif one.id in OF_CASES:
            causes[i] = counted[i]
        elif one.id in OF_STEP:
            causes[i] = ROUNDING if rounding(exact, other) else OF_STEP[one.id]
    if claimed:
        places["institution", one.id] = min(claimed)
    return tuple(patched), causes


def _usual(
    values: Sequence[Fraction], before: Sequence[Fraction], wanted: Sequence[Fraction | None]
) -> frozenset[Mode]:
    """The roundings that give most of the bureau's figures of a step, and more of them than the one here does: a single
    figure may fit another rounding by coincidence."""
    counts: Counter[Mode] = Counter()
    stated = same = 0
    for value, exact, other in zip(values, before, wanted, strict=True):
        if other is not None:
            stated += 1
            same += value == other
            counts.update(modes(exact, other))
    return frozenset(mode for mode, count in counts.items() if 2 * count > stated and count > same)


def _counted(
    values: Mapping[str, Sequence[Fraction]], official: Mapping[str, Sequence[Fraction | None]], count: int
) -> list[str]:
    """Where the bureau counts fewer cases than here, or more, and no list says which."""
    if "cases" not in official or "cases" not in values:
        return [UNEXPLAINED] * count
    pairs = zip(values["cases"], official["cases"], strict=True)
    return [UNEXPLAINED if b is None or a == b else MISSING if b < a else EXTRA for a, b in pairs]


def modes(exact: Fraction, other: Fraction) -> frozenset[Mode]:
    """The roundings and cuts of the exact figure that give the other."""
    found: set[Mode] = set()
    for places in range(MOST_PLACES + 1):
        scale = 10**places
        if other == rounded(exact, places):
            found.add((places, False))
        if other == Fraction(int(exact * scale), scale):
            found.add((places, True))
    return frozenset(found)

