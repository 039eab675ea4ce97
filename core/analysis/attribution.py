"""Why the point value moved between two years, and why each institution's score did: parts that sum to the whole, in no order.

The model stands in the manual (resources/manual, chapter attribution). Both years are cleared by the same pack; the point
value of every mixed state is what the pack's own steps make of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from math import factorial
from typing import TYPE_CHECKING

from core.analysis import attribution_cells, shapley
from core.analysis.attribution_cells import COARSE, OF_INSTITUTION, OF_REGION, Cells, Sums
from core.analysis.attribution_years import Side, cells_of
from core.catalogue import library
from core.faults import Refused, Usage
from core.findings import ALOUD, Finding
from core.progress import SILENT, Progress, step
from core.rules import formula, steps
from core.rules.cases import FUNDS
from core.rules.circular import Pack, Step
from core.rules.sheet import Clearing, FundSheet, Institution, Scope
from core.settlement import annual, coefficients
from core.settlement.annual import Scored
from core.settlement.gather import snapshot

if TYPE_CHECKING:
    from core.storage.workspace import Workspace
    from core.worksheet import Worksheet

POINT_VALUE = "point_value"
# Which inputs of the steps move together under a factor of the point value; those of the score are OF_REGION.
MONEY: Mapping[str, tuple[str, ...]] = {
    "budget": ("budget",),
    "outside": ("outside_card", "outside_manual"),
    "reserved": ("outpatient", "chronic", "alliance", "reserve"),
    "by_item": ("by_item",),
    "own_pay": ("own_pay",),
    "other_pay": ("other_pay",),
    "fund_ratio": ("booked", "total_cost"),
}
OF_SCORES = ("cases", "base_score", "score")
OTHER = "other"  # whatever else a pack's point value is made of
KEPT = 2  # pairs of a fund's years whose cells are kept: both funds of the years at work


@dataclass(frozen=True, slots=True)
class Bar:
    """One factor's part. beneath: what `beneath(factor)` lists: lines of the budget, institutions, groups."""

    factor: str
    amount: Fraction
    beneath: str


@dataclass(frozen=True)
class Pair:
    """The two years of one fund: their clearings and cells."""

    fund: str
    years: tuple[int, int]
    pack: Pack
    sheets: tuple[FundSheet, FundSheet]
    cells: Cells
    findings: tuple[Finding, ...] = ()
    synthetic: bool = False
    known: dict[bool, Sums] = field(default_factory=dict[bool, Sums], repr=False, compare=False)
    grown: list[Growth] = field(default_factory=list["Growth"], repr=False, compare=False)

    def sums(self, progress: Progress = SILENT, *, base: bool = False) -> Sums:
        """The region's scores by subset of factors, computed once; base: before coefficient and deviation."""
        if base not in self.known:
            self.known[base] = attribution_cells.region_sums(self.cells, progress, base=base)
        return self.known[base]


@dataclass(frozen=True)
class Attribution:
    """The point value of two years, as cleared, and what moved it, yuan a point: before + bars = after, exactly."""

    fund: str
    before: Fraction
    after: Fraction
    bars: tuple[Bar, ...]
    pair: Pair = field(repr=False, compare=False)

    @property
    def years(self) -> tuple[int, int]:
        return self.pair.years

    def beneath(self, factor: str, lang: str = "") -> Worksheet:
        """What a bar stands on. KeyError for a factor without bar."""
        from core.analysis import attribution_beneath

        return attribution_beneath.of_point_value(self, _bar(self.bars, factor), lang)


@dataclass(frozen=True, slots=True)
class Growth:
    """An institution's score of two years in a fund, and what moved it, points: before + bars = after, exactly. code "": all."""

    institution: Institution
    fund: str
    before: Fraction
    after: Fraction
    bars: tuple[Bar, ...]

    @property
    def code(self) -> str:
        return self.institution.code

    @property
    def growth(self) -> Fraction | None:
        """after / before - 1; None where there was nothing before."""
        return self.after / self.before - 1 if self.before else None

    def part(self, factor: str) -> Fraction:
        return _bar(self.bars, factor).amount


@dataclass(frozen=True)
class Growths:
    """Every institution's growth in every fund that both years have, by fund, then by code."""

    years: tuple[int, int]
    items: tuple[Growth, ...]
    pairs: Mapping[str, Pair] = field(repr=False, compare=False)

    @cached_property
    def _by_key(self) -> Mapping[tuple[str, str], Growth]:
        return {(one.code, one.fund): one for one in self.items}

    @property
    def funds(self) -> tuple[str, ...]:
        return tuple(self.pairs)

    def of(self, code: str, fund: str) -> Growth:
        """One institution's; "" the region's, the sum of all. KeyError where neither year has cases of it."""
        if code:
            return self._by_key[code, fund]
        own = [one for one in self.items if one.fund == fund]
        return _together(Institution("", "", 0), fund, own)

    def peers(self, code: str, fund: str) -> Growth:
        """The other institutions of the same level, taken as one."""
        level = self.of(code, fund).institution.level
        own = [one for one in self.items if one.fund == fund and one.institution.level == level and one.code != code]
        return _together(Institution("", "", level), fund, own)

    def drivers(self, code: str, fund: str, lang: str = "") -> Worksheet:
        """The groups that make the shift within the same diagnoses, dearest first, their peers' share beside."""
        from core.analysis import attribution_beneath

        return attribution_beneath.drivers(self, code, fund, lang)

    def beneath(self, code: str, fund: str, factor: str, lang: str = "") -> Worksheet:
        """What a bar stands on, group by group, of the region institution by institution. KeyError for a factor without bar."""
        from core.analysis import attribution_beneath

        one = self.of(code, fund)
        return attribution_beneath.of_score(self, one, _bar(one.bars, factor).factor, lang)


def _bar(bars: Sequence[Bar], factor: str) -> Bar:
    found = {one.factor: one for one in bars}
    return found[factor]


def _together(institution: Institution, fund: str, own: Sequence[Growth]) -> Growth:
    bars = tuple(
        Bar(factor, sum((one.part(factor) for one in own), Fraction(0)), "groups") for factor in OF_INSTITUTION
    )
    before = sum((one.before for one in own), Fraction(0))
    after = sum((one.after for one in own), Fraction(0))
    return Growth(institution, fund, before, after, bars)


# -- the region's point value ----------------------------------------------------------------------------------


def point_value(
    workspace: Workspace,
    before: int,
    after: int,
    *,
    pack: Pack,
    set_name: str | None = None,
    fund: str,
    progress: Progress = SILENT,
) -> Attribution:
    """Refused: "blocked" where a year cannot be cleared, with its findings; "attribute_no_fund" where a year lacks the fund;
    "attribute_no_point_value", "attribute_not_additive" where the pack's point value is not one of sums."""
    pair = _pairs(workspace, before, after, pack, set_name, (fund,), progress)[fund]
    return _point_value(pair, progress)


def _point_value(pair: Pair, progress: Progress) -> Attribution:
    needed = _needed(pair.pack)
    rule = replace(pair.pack, steps=needed, order=tuple(one for one in pair.pack.order if one in needed))
    inputs = inputs_of(pair.pack)
    factors, switches = _factors(inputs)
    step(progress, "attribute_values", 0)
    scores = pair.sums(progress).region
    base = pair.sums(progress, base=True).region if "base_score" in inputs else ()
    facts = [_facts(sheet, inputs) for sheet in pair.sheets]
    known: dict[tuple[Fraction, ...], Fraction] = {}

    def value(changed: frozenset[str]) -> Fraction:
        mask = sum(1 << i for i, one in enumerate(OF_REGION) if one in changed)
        given = {name: facts[switches.get(name, "") in changed][name] for name in inputs}
        if "score" in given:
            given["score"] = Fraction(scores[mask], COARSE)
        if "base_score" in given:
            given["base_score"] = Fraction(base[mask], COARSE)
        if "cases" in given:
            given["cases"] = Fraction(pair.cells.total[mask & 1])
        key = tuple(given.values())
        if key not in known:
            step(progress, "attribute_values", len(known))
            region = {name: one for name, one in given.items() if inputs[name] == "region"}
            own = {name: (one,) for name, one in given.items() if inputs[name] == "institution"}
            known[key] = steps.run(rule, region, own, [""], pair.fund).region[POINT_VALUE]
        return known[key]

    ends = [value(frozenset()), value(frozenset(factors))]
    for year, sheet, end in zip(pair.years, pair.sheets, ends, strict=True):
        if end != sheet.region[POINT_VALUE]:
            raise Refused("attribute_not_additive", pack=pair.pack.id, year=year)
    parts = shapley.shapley(factors, value)
    bars = tuple(Bar(one, amount, _beneath(one)) for one, amount in parts.items())
    return Attribution(pair.fund, ends[0], ends[1], bars, pair)


def inputs_of(pack: Pack) -> dict[str, Scope]:
    """What the pack's point value is made of in the end, and whether the region's or the institutions'."""
    return {one.id: one.scope for one in _needed(pack) if one.input}


def _needed(pack: Pack) -> tuple[Step, ...]:
    """The steps that the point value stands on, itself among them."""
    if pack.abstract:
        steps.run(pack, {}, {}, [])  # refuses it, naming what is lacking
    if not any(one.id == POINT_VALUE and one.scope == "region" for one in pack.steps):
        raise Refused("attribute_no_point_value", pack=pack.id)
    wanted = [pack.step("region", POINT_VALUE)]
    for one in wanted:
        if one.expr is None:
            continue
        used = formula.uses(one.expr)
        below = [pack.find(one.scope, name) for name in used.names]
        below += [pack.find("institution", name) for name in used.columns]
        for table in used.tables:
            values = [row.value for row in pack.tables[table].rows] + [pack.tables[table].otherwise]
            below += [pack.find(one.scope, name) for value in values if value for name in formula.names(value)]
        wanted += [each for each in below if each is not None and each not in wanted]
    return tuple(one for one in pack.steps if one in wanted)


def _factors(inputs: Mapping[str, Scope]) -> tuple[list[str], dict[str, str]]:
    """The factors that these inputs leave, in the order in which they are told; which factor each input moves with."""
    switches = {name: factor for factor, names in MONEY.items() for name in names if name in inputs}
    switches |= {name: OTHER for name in inputs if name not in switches and name not in OF_SCORES}
    factors = [one for one in MONEY if one in switches.values()]
    if any(name in inputs for name in OF_SCORES):
        factors += OF_REGION
    if OTHER in switches.values():
        factors.append(OTHER)
    return factors, switches


def _facts(sheet: FundSheet, inputs: Mapping[str, Scope]) -> dict[str, Fraction]:
    """One summed institution in place of all."""
    return {
        name: sheet.region[name] if scope == "region" else sum(sheet.values[name], Fraction(0))
        for name, scope in inputs.items()
    }


def _beneath(factor: str) -> str:
    if factor in ("budget", "outside", "reserved"):
        return "lines"
    return "groups" if factor == "catalogue" else "institutions"


# -- the institutions' scores ----------------------------------------------------------------------------------


def scores(
    workspace: Workspace,
    before: int,
    after: int,
    *,
    pack: Pack,
    set_name: str | None = None,
    funds: Sequence[str] = FUNDS,
    progress: Progress = SILENT,
) -> Growths:
    """Refused as `point_value`; of several funds one that a year lacks is left out."""
    pairs = _pairs(workspace, before, after, pack, set_name, funds, progress)
    for pair in pairs.values():
        if not pair.grown:
            pair.grown.extend(_growths(pair, progress))
    return Growths((before, after), tuple(one for pair in pairs.values() for one in pair.grown), pairs)


def _growths(pair: Pair, progress: Progress) -> list[Growth]:
    values = attribution_cells.institution_values(pair.cells, progress)
    parts = shapley.numerators(values, len(OF_INSTITUTION))
    scale = factorial(len(OF_INSTITUTION)) * COARSE
    found: list[Growth] = []
    for i, institution in enumerate(pair.cells.institutions):
        bars = tuple(
            Bar(factor, Fraction(int(part[i]), scale), "groups")
            for factor, part in zip(OF_INSTITUTION, parts, strict=True)
        )
        ends = (Fraction(int(values[0][i]), COARSE), Fraction(int(values[-1][i]), COARSE))
        found.append(Growth(institution, pair.fund, *ends, bars))
    return found


# -- the two years ---------------------------------------------------------------------------------------------

_kept: dict[tuple[object, ...], Pair] = {}  # oldest first


def forget() -> None:
    """Drop what is kept."""
    _kept.clear()


def _pairs(
    workspace: Workspace,
    before: int,
    after: int,
    pack: Pack,
    set_name: str | None,
    funds: Sequence[str],
    progress: Progress,
) -> dict[str, Pair]:
    """The funds that both years have, cleared and as cells; from memory while the ledger stands still."""
    if before == after:
        raise Usage("attribute_same_year", year=before)
    connection = workspace.reader()
    with snapshot(connection):
        mark = workspace.generation()
        key = (str(workspace.path), workspace.created, mark, before, after, pack.hash, *sorted(pack.changed.items()), set_name)
        if all((*key, fund) in _kept for fund in funds):
            return {fund: _kept[*key, fund] for fund in funds}
        scored: list[Scored] = []
        cleared: list[Clearing] = []
        for year in (before, after):
            scored.append(annual.score_cases(workspace, year, pack, funds=funds, set_name=set_name, progress=progress))
            step(progress, "steps", 0)
            cleared.append(annual.sheets(pack, scored[-1]))
        both = [fund for fund in funds if all(fund in {sheet.fund for sheet in one.funds} for one in cleared)]
        if not both:
            here = {sheet.fund for sheet in cleared[0].funds} & set(funds)
            raise Refused("attribute_no_fund", year=after if here else before)
        maps = [one for system in ("diagnosis", "operation", "group") for one in library.code_maps(connection, system)]
        content = coefficients.parts(connection, scored[0].inputs.stamps.set_name)
    found: dict[str, Pair] = {}
    for fund in both:
        lines = coefficients.timelines(content, fund)
        sides = [
            Side(one, {code: k for code, line in lines.items() if (k := line.at(year * 10000 + 1231)) is not None})
            for year, one in zip((before, after), scored, strict=True)
        ]
        cells = cells_of(fund, sides[0], sides[1], maps, progress)
        sheets = (cleared[0].fund(fund), cleared[1].fund(fund))
        pair = Pair(fund, (before, after), pack, sheets, cells, _loud(cleared), workspace.synthetic)
        found[fund] = pair
    for old in list(_kept)[: max(0, len(_kept) + len(found) - KEPT)]:
        del _kept[old]
    _kept.update({(*key, fund): pair for fund, pair in found.items()})
    return found


def _loud(cleared: Sequence[Clearing]) -> tuple[Finding, ...]:
    """Warnings that put a whole year in doubt, each once."""
    found: list[Finding] = []
    for one in cleared:
        found += [f for f in one.findings if f.severity == "warning" and f.code.startswith(ALOUD) and f not in found]
    return tuple(found)
