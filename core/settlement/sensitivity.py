"""What the result hangs on: a hundredth of one coefficient, each parameter of the rule, each boundary between branches.

Every figure is an `outcome` of the same pool, exact as a clearing. Boundaries are read from the pack's own conditions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from core.catalogue import library
from core.catalogue import scores as catalogue_scores
from core.faults import Fault, Refused, Usage
from core.findings import Finding
from core.money import plain, total
from core.progress import SILENT, Progress, step
from core.rules import case_scores, parsing, scoring
from core.rules import formula as language
from core.rules.cases import FUNDS, CaseScores, CaseTable
from core.rules.circular import MAX_PLACES, SETTINGS, Branch, Pack, Parameter
from core.settlement import applied
from core.settlement.changes import Changes
from core.settlement.coefficients import BASE, MOST_PLACES, Cell
from core.settlement.exact import sums
from core.settlement.whatif import Gain, Outcome, Pool
from core.settlement.whatif_sheets import named, sheet
from core.texts import LANGUAGES, Texts

if TYPE_CHECKING:
    from core.worksheet import Worksheet

HUNDREDTH = Fraction(1, 100)
STEP = Fraction(1, 10)  # numbers of a rule are tried a tenth lower and higher
PERCENT = Fraction(1, 100)  # coefficients of a level a hundredth part
NEAR = (Fraction(0), Fraction(1, 100), Fraction(5, 100))  # how far from a boundary a case is looked for
TURNED = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}


@dataclass(frozen=True, slots=True)
class Effect:
    """How far an outcome moves the pool, both funds together; yuan. largest: the institution whose due moves most."""

    moved: Fraction  # sum of the absolute changes of due
    largest: Gain | None
    point_values: Mapping[str, tuple[Fraction, Fraction]]
    refused: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Hundredth:
    """What `step` more on one institution's base brings it, and takes from each other one. gains: of the fund, losers first."""

    code: str
    fund: str
    outcome: Outcome
    own: Gain
    others: tuple[Gain, ...]

    @property
    def brought(self) -> Fraction:
        return self.own.changes["due"]

    @property
    def taken(self) -> Fraction:
        """Sum of what the others lose, negative; with `brought` it is what rounding moved."""
        return total([one.changes["due"] for one in self.others])


@dataclass(frozen=True, slots=True)
class Variation:
    """One thing that is tried in one or both directions: each with its value as text."""

    id: str
    kind: str  # parameter, setting, threshold, places, level
    subject: str  # parameter, BRANCH.key, STEP.places, level
    now: str
    tried: tuple[tuple[str, Changes], ...]


@dataclass(frozen=True, slots=True)
class Boundary:
    """A comparison with a number in a branch's condition. at: of the operator in the text; number: of the number in it."""

    branch: str
    key: str  # when, review
    text: str
    op: str
    at: int
    value: Fraction
    number: tuple[int, int]
    side: language.Expr  # what is compared with the number

    @property
    def parameter(self) -> str:
        return f"{self.branch}.{self.key}"

    def turned(self) -> str:
        """The condition with `<` for `<=` and the like."""
        return self.text[: self.at] + TURNED[self.op] + self.text[self.at + len(self.op) :]

    def moved(self, value: Fraction) -> str:
        """The condition with another number."""
        start, end = self.number
        return self.text[:start] + plain(value) + self.text[end:]


# -- a hundredth ---------------------------------------------------------------------------------------------


def hundredth(
    pool: Pool, code: str, fund: str = "", amount: Fraction = HUNDREDTH, progress: Progress = SILENT
) -> Hundredth:
    """`amount` more on an institution's base, on every day of the year; fund "" shows both. Refused: as an outcome; no_base."""
    cells = tuple(_raised(pool, code, lambda value: value + amount))
    if not cells:
        raise Refused("whatif_no_base", [Finding("whatif_no_base", "refused", subject=code)], institution=code)
    outcome = pool.outcome(Changes(cells), progress)
    gains = outcome.gains(fund)
    of_one = [one for one in gains if one.code == code]
    if not of_one:
        raise Refused("whatif_not_listed", [Finding("whatif_not_listed", "refused", subject=code)], institution=code)
    own = of_one[0] if len(of_one) == 1 else _together(of_one)
    others = sorted(
        (one for one in gains if one.code != code), key=lambda one: (one.changes["due"], one.fund, one.code)
    )
    return Hundredth(code, fund, outcome, own, tuple(others))


def hundredth_sheet(found: Hundredth, lang: str = "") -> Worksheet:
    """What each other one loses, the hardest hit first; the institution itself on top. keys: FUND.CODE"""
    texts = Texts(lang)
    columns = [
        named("fund"), named("fixmedins_code", "code"), named("fixmedins_name"), named("level", "int"), named("county"),
        named("due_before", "exact", "yuan", 2, summed=True), named("due_change", "exact", "yuan", 2, summed=True),
        named("due_change_percent", "exact", "percent", 4),
    ]  # fmt: skip
    own = [one for one in found.outcome.gains(found.fund) if one.code == found.code]
    lines = [
        [texts(f"fund.{one.fund}"), one.code, one.name, one.level, one.county, one.before["due"], one.changes["due"],
         one.changes["due"] / one.before["due"] * 100 if one.before["due"] > 0 else None]
        for one in (*own, *found.others)
    ]  # fmt: skip
    return sheet("whatif_hundredth", columns, lines, [f"{one.fund}.{one.code}" for one in (*own, *found.others)])


def _raised(pool: Pool, code: str, made: Callable[[Fraction], Fraction]) -> Iterator[Cell]:
    for part in pool.content.get(code, ()):
        if part.name == BASE:
            day = f"{part.day // 10000:04d}-{part.day // 100 % 100:02d}-{part.day % 100:02d}" if part.day else ""
            value = made(part.value)
            scale = 10**MOST_PLACES
            if (value * scale).denominator != 1:
                value = Fraction(round(value * scale), scale)
            yield Cell(code, part.fund, part.name, plain(value), day, part.basis)


def _together(gains: Sequence[Gain]) -> Gain:
    """One institution's funds added up, its coefficient aside."""
    first = gains[0]
    added = [
        {name: total([getattr(one, what)[name] for one in gains]) for name in first.before}
        for what in ("before", "after", "changes")
    ]
    return replace(first, fund="", before=added[0], after=added[1], changes=added[2])


# -- tornado -------------------------------------------------------------------------------------------------


def variations(pool: Pool) -> list[Variation]:
    """What a pack leaves to choose and what it sets: options and numbers, thresholds, places; and a percent of each level's
    coefficients."""
    pack = pool.pack
    found: list[Variation] = []
    for one in pack.parameters.values():
        now = pack.changed.get(one.id, one.default)
        if one.options:
            others = [option for option in one.options if option != now and option != "block"]
            if others and (one.id in SETTINGS or _counts(pack, one.id)):
                tried = tuple((option, Changes(parameters={one.id: option})) for option in others)
                found.append(Variation(one.id, "parameter", one.id, now, tried))
        else:
            whole = one.id in SETTINGS  # a least number of cases
            found.append(_number(one.id, "parameter", one.id, Fraction(now), lambda text, id=one.id: {id: text}, whole, one))
    for boundary in boundaries_of(pack):
        if boundary.value:
            found.append(
                _number(
                    f"{boundary.parameter}:{boundary.at}",
                    "threshold",
                    boundary.parameter,
                    boundary.value,
                    lambda text, of=boundary: {of.parameter: of.moved(Fraction(text))},
                )
            )
    found += _places(pack)
    for level in (1, 2, 3):
        codes = sorted({one.code for gain in pool.base.funds for one in gain.institutions if one.level == level})
        by_percent: list[tuple[str, Changes]] = []
        for sign, factor in (("-1 %", 1 - PERCENT), ("+1 %", 1 + PERCENT)):
            cells = tuple(
                cell for code in codes for cell in _raised(pool, code, lambda value, by=factor: value * by)
            )
            if cells:
                by_percent.append((sign, Changes(cells)))
        if by_percent:
            found.append(Variation(f"level.{level}", "level", str(level), "", tuple(by_percent)))
    return found


def _number(
    id: str, kind: str, subject: str, now: Fraction, made: Callable[[str], dict[str, str]], whole: bool = False,
    of: Parameter | None = None,
) -> Variation:
    low, high = now * (1 - STEP), now * (1 + STEP)
    if whole:
        low, high = Fraction(min(int(low), int(now) - 1)), Fraction(max(int(high), int(now) + 1))
    if of is not None:  # no further than the pack allows
        low = low if of.least is None else max(low, of.least)
        high = high if of.most is None else min(high, of.most)
    tried = tuple((plain(value), Changes(parameters=made(plain(value)))) for value in (low, high) if value >= 0)
    return Variation(id, kind, subject, plain(now), tried)


def _counts(pack: Pack, parameter: str) -> bool:
    """Whether a parameter stands in a step or a branch: one that only groups cases moves nothing with official groups."""
    texts = [step.when + " " + step.formula for step in pack.steps]
    texts += [f"{one.when_text} {one.score_text} {one.review_text}" for one in pack.case.branches]
    texts += [f"{one.when} {one.formula}" for one in pack.case.measures]
    texts += [row.text for table in pack.tables.values() for row in table.rows]
    return any(parameter in words for words in (text.replace("(", " ").replace(")", " ").split() for text in texts))


def _places(pack: Pack) -> list[Variation]:
    """One decimal less and one more, of the case score and of every rounded figure of the region."""
    rounded = [("case", pack.case.places), *((one.id, one.places) for one in pack.scope("region") if not one.input)]
    found: list[Variation] = []
    for id, places in rounded:
        if places is None:
            continue
        name = f"{id}.places"
        tried = tuple(
            (str(other), Changes(parameters={name: str(other)}))
            for other in (places - 1, places + 1)
            if 0 <= other <= MAX_PLACES
        )
        found.append(Variation(name, "places", name, str(places), tried))
    return found


def effect(pool: Pool, changes: Changes, progress: Progress = SILENT) -> Effect:
    """What an outcome moves; one that is refused moves nothing and says why."""
    try:
        return _effect(pool.outcome(changes, progress))
    except Refused as refused:
        return Effect(Fraction(0), None, {}, refused.findings or (Finding(refused.code, "refused"),))


def _effect(outcome: Outcome) -> Effect:
    gains = outcome.gains()
    moved = total([abs(one.changes["due"]) for one in gains])
    largest = max(gains, key=lambda one: abs(one.changes["due"]), default=None)
    if largest is not None and not largest.changes["due"]:
        largest = None
    there = [one.fund for one in outcome.closings()]
    return Effect(moved, largest, {fund: outcome.point_value(fund) for fund in there})


def tornado(
    pool: Pool, tried: Sequence[Variation] | None = None, progress: Progress = SILENT, *, lang: str = ""
) -> Worksheet:
    """Which of them moves the result most: one row a value tried, the variation that moves most first. keys: ID|VALUE"""
    texts = Texts(lang)
    chosen = variations(pool) if tried is None else list(tried)
    every = sum(len(one.tried) for one in chosen)
    found: list[tuple[Variation, list[tuple[str, Effect]]]] = []
    done = 0
    for one in chosen:
        effects: list[tuple[str, Effect]] = []
        for value, changes in one.tried:
            step(progress, "tornado", done, every)
            effects.append((value, effect(pool, changes, progress)))
            done += 1
        found.append((one, effects))
    step(progress, "tornado", done, every)
    found.sort(key=lambda pair: (-max((e.moved for _, e in pair[1]), default=Fraction(0)), pair[0].id))
    funds = [fund for fund in FUNDS if fund in pool.funds]
    columns = [
        named("kind"), named("parameter"), named("value_now"), named("value_tried"),
        named("moved", "exact", "yuan", 2), named("largest_name"), named("largest_change", "exact", "yuan", 2),
    ]  # fmt: skip
    for fund in funds:
        title = {
            lang: Texts(lang)("whatif.point_value_change", fund=Texts(lang)(f"fund.{fund}")) for lang in LANGUAGES
        }
        columns.append(replace(named("change", "exact", "yuan/point"), id=f"point_value_{fund}", title=title))
    columns.append(named("remark"))
    lines: list[list[object]] = []
    keys: list[str] = []
    for one, effects in found:
        for value, moved in effects:
            largest = moved.largest
            values: list[object] = []
            for fund in funds:
                pair = moved.point_values.get(fund)
                values.append(pair[1] - pair[0] if pair is not None else None)
            said = texts.listed(texts.finding(finding) for finding in moved.refused[:3])
            lines.append(
                [
                    texts(f"whatif.kind.{one.kind}"), title_of(pool.pack, one, texts), _shown(pool.pack, one, one.now, texts),
                    _shown(pool.pack, one, value, texts), None if moved.refused else moved.moved,
                    f"{largest.name or largest.code} ({texts(f'fund.{largest.fund}')})" if largest is not None else "",
                    largest.changes["due"] if largest is not None else None, *values, said,
                ]
            )  # fmt: skip
            keys.append(f"{one.id}|{value}")
    return sheet("whatif_tornado", columns, lines, keys)


def title_of(pack: Pack, one: Variation, texts: Texts) -> str:
    """What a variation is called."""
    if one.kind == "level":
        return texts("whatif.level_coefficients", level=texts(f"whatif.level.{one.subject}"))
    if one.kind == "parameter":
        return pack.parameters[one.subject].title[texts.lang]
    target, _, key = one.subject.rpartition(".")
    if one.kind == "places":
        title = texts("rules.case.score") if target == "case" else pack.title_of("region", target)[texts.lang]
        return texts("whatif.places_of", what=title)
    branch = next(branch for branch in pack.case.branches if branch.id == target)
    return texts(f"whatif.threshold_{key}", what=branch.title[texts.lang])


def _shown(pack: Pack, one: Variation, value: str, texts: Texts) -> str:
    if one.kind == "parameter" and value in pack.parameters[one.subject].options:
        return pack.parameters[one.subject].options[value][texts.lang]
    return value


# -- boundaries ----------------------------------------------------------------------------------------------


def boundaries_of(pack: Pack) -> list[Boundary]:
    """Every comparison with a number in the conditions of the pack's branches, in their order."""
    found: list[Boundary] = []
    for branch in pack.case.branches:
        for key, text in (("when", branch.when_text), ("review", branch.review_text)):
            if text:
                found += _in(branch, key, text)
    return found


def _in(branch: Branch, key: str, text: str) -> Iterator[Boundary]:
    for node in language.walk(parsing.parse(text)):
        if not isinstance(node, language.Compare) or node.op not in TURNED:
            continue
        left, right = node.left, node.right
        number, side = (right, left) if isinstance(right, language.Num) else (left, right)
        if not isinstance(number, language.Num) or isinstance(side, language.Num):
            continue
        end = number.at
        while end < len(text) and (text[end].isdigit() or text[end] == "."):
            end += 1
        yield Boundary(branch.id, key, text, node.op, node.at, number.value, (number.at, end), side)


@dataclass(frozen=True, slots=True)
class Nearness:
    """Cases within `within` of a boundary, relative to it; 0: exactly on it. fee, booked: fen."""

    within: Fraction
    cases: int
    fee: int
    booked: int
    points: Fraction
    money: Fraction  # points times their fund's point value, yuan


@dataclass(frozen=True, slots=True)
class Edge:
    """A boundary with the cases near it, and what turning its comparison would move."""

    boundary: Boundary
    near: tuple[Nearness, ...]
    turned: Effect


@dataclass(frozen=True, slots=True)
class Boundaries:
    """What the result hangs on where the documents are silent. weights: both readings against what holds and, the last, one
    against the other; empty with `weights_why` where they cannot be read."""

    edges: tuple[Edge, ...]
    rounding: tuple[tuple[Variation, tuple[tuple[str, Effect], ...]], ...]
    options: tuple[tuple[Variation, tuple[tuple[str, Effect], ...]], ...]
    weights: tuple[tuple[str, Effect], ...]
    weights_why: Fault | None


def boundaries(
    pool: Pool, progress: Progress = SILENT, *, weights_years: Sequence[int] | None = None
) -> Boundaries:
    """Cases and money near each boundary of the branches, and what `<` for `<=`, a decimal more or less, each option of the pack
    (its ratio mode among them) and the reading of the weights would change. weights_years: of the history; () leaves them out."""
    cases = applied.apply(pool.standing, pool.given.content, FUNDS, pool.year, pool.set_name).cases
    scored = case_scores.score(pool.pack.case, cases, progress)
    edges = [_edge(pool, one, cases, scored, progress) for one in boundaries_of(pool.pack)]
    rounding = _tried(pool, _places(pool.pack), progress)
    options = [one for one in variations(pool) if one.kind == "parameter" and pool.pack.parameters[one.subject].options]
    chosen = _tried(pool, options, progress)
    weights, why = _weights(pool, weights_years, progress)
    return Boundaries(tuple(edges), rounding, chosen, weights, why)


def _tried(
    pool: Pool, chosen: Sequence[Variation], progress: Progress
) -> tuple[tuple[Variation, tuple[tuple[str, Effect], ...]], ...]:
    return tuple((one, tuple((value, effect(pool, changes, progress)) for value, changes in one.tried)) for one in chosen)


def _edge(pool: Pool, boundary: Boundary, cases: CaseTable, scored: CaseScores, progress: Progress) -> Edge:
    """Cases near a boundary: of those that the branches score at all, and of a review's boundary those of its branch."""
    step(progress, "boundaries", 0)
    looked = scored.branch >= 0
    if boundary.key == "review":
        looked &= scored.branch == [one.id for one in pool.pack.case.branches].index(boundary.branch)
    worth = {sheet.fund: sheet.region.get("point_value", Fraction(0)) for sheet in pool.base.funds}
    near: list[Nearness] = []
    for within in NEAR:
        low, high = (language.Num(boundary.value * (1 + sign * within)) for sign in (-1, 1))
        condition = language.Logic(
            "and",
            language.Compare(">=", boundary.side, low),
            language.Compare("<=", boundary.side, high),
        )
        there = case_scores.holds(pool.pack.case, cases, condition) & looked
        points = [Fraction(0)] * len(FUNDS)
        where = np.flatnonzero(there)
        if scored.score is not None:
            by_fund = sums(scored.score.values[where], cases.fund[where].astype(np.int64), len(FUNDS))
            points = [Fraction(one, 10**scored.score.places) for one in by_fund]
        elif scored.exact is not None:
            for number in range(len(FUNDS)):
                points[number] = total([scored.exact[i] for i in where[cases.fund[where] == number].tolist()])
        near.append(
            Nearness(
                within,
                len(where),
                int(cases.fee[where].sum()),
                int(cases.booked[where].sum()),
                total(points),
                total([one * worth.get(fund, Fraction(0)) for one, fund in zip(points, FUNDS, strict=True)]),
            )
        )
    turned = effect(pool, Changes(parameters={boundary.parameter: boundary.turned()}), progress)
    return Edge(boundary, tuple(near), turned)


def boundary_sheet(pool: Pool, found: Boundaries, lang: str = "") -> Worksheet:
    """One row a boundary and distance. keys: BRANCH.KEY@OFFSET|DISTANCE"""
    texts = Texts(lang)
    columns = [
        named("boundary"), named("condition"), named("within"), named("cases", "int", "cases"),
        named("total_cost", "fixed", "yuan", 2), named("booked", "fixed", "yuan", 2), named("points", "exact", "points"),
        named("money", "exact", "yuan", 2), named("turned"), named("turned_moved", "exact", "yuan", 2),
    ]  # fmt: skip
    lines: list[list[object]] = []
    keys: list[str] = []
    for one in found.edges:
        of = one.boundary
        branch = next(branch for branch in pool.pack.case.branches if branch.id == of.branch)
        title = texts(f"whatif.threshold_{of.key}", what=branch.title[texts.lang])
        for near in one.near:
            within = texts("whatif.on_it") if not near.within else f"±{plain(near.within * 100)} %"
            on = not near.within
            lines.append(
                [title, of.text, within, near.cases, near.fee, near.booked, near.points, near.money,
                 of.turned() if on else "", (None if one.turned.refused else one.turned.moved) if on else None]
            )  # fmt: skip
            keys.append(f"{of.parameter}@{of.at}|{plain(near.within)}")
    return sheet("whatif_boundaries", columns, lines, keys)


def reading_sheet(pool: Pool, found: Boundaries, lang: str = "") -> Worksheet:
    """What the result hangs on where documents are silent: decimals, options, the reading of the weights. keys: ID|VALUE"""
    texts = Texts(lang)
    columns = [
        named("kind"), named("parameter"), named("value_now"), named("value_tried"), named("moved", "exact", "yuan", 2),
        named("largest_name"), named("largest_change", "exact", "yuan", 2), named("remark"),
    ]  # fmt: skip
    lines: list[list[object]] = []
    keys: list[str] = []

    def add(key: str, head: Sequence[str], moved: Effect, remark: str = "") -> None:
        largest = moved.largest
        said = remark or texts.listed(texts.finding(finding) for finding in moved.refused[:3])
        lines.append(
            [*head, None if moved.refused else moved.moved, largest.name or largest.code if largest is not None else "",
             largest.changes["due"] if largest is not None else None, said]
        )  # fmt: skip
        keys.append(key)

    for one, effects in (*found.rounding, *found.options):
        for value, moved in effects:
            head = [
                texts(f"whatif.kind.{one.kind}"), title_of(pool.pack, one, texts), _shown(pool.pack, one, one.now, texts),
                _shown(pool.pack, one, value, texts),
            ]  # fmt: skip
            add(f"{one.id}|{value}", head, moved)
    words = texts("whatif.kind.weights"), texts("whatif.weights")
    for reading, moved in found.weights:
        add(f"weights|{reading}", [*words, "", texts(f"whatif.reading.{reading}")], moved)
    if found.weights_why:
        lines.append([*words, "", "", None, "", None, texts.fault(found.weights_why)])
        keys.append("weights|")
    return sheet("whatif_readings", columns, lines, keys)


def _weights(
    pool: Pool, years: Sequence[int] | None, progress: Progress
) -> tuple[tuple[tuple[str, Effect], ...], Fault | None]:
    """Scores derived from the same history under both readings of the weights, each on the pool."""
    if years is not None and not years:
        return (), None
    try:
        rule = scoring.rule_of(pool.pack)
        count = len(rule.weights)
        wanted = list(years) if years is not None else list(range(pool.year - count, pool.year))
        base = pool.standing.version
        entries = library.entries(pool.workspace.reader(), base)
        read: dict[str, dict[str, Fraction]] = {}
        for reading in ("means", "totals"):
            step(progress, "boundaries", 1)
            of = scoring.chosen(rule, {"weighting": reading})
            derived = catalogue_scores.from_workspace(
                pool.workspace, of, wanted, base=base, year=pool.year, progress=progress
            )
            read[reading] = {
                one.dip_code: one.score
                for one in derived.rows
                if one.score and entries.get(one.dip_code) is not None
            }
    except (Refused, Usage) as fault:
        return (), fault
    found = {reading: _outcome(pool, own, progress) for reading, own in read.items()}
    told = [(reading, _effect(one)) for reading, one in found.items() if one is not None]
    first, second = found["means"], found["totals"]
    if first is not None and second is not None:
        told.append(("between", _between(first, second)))
    return tuple(told), None


def _outcome(pool: Pool, scores: Mapping[str, Fraction], progress: Progress) -> Outcome | None:
    try:
        return pool.outcome(Changes(scores=scores), progress)
    except Refused:
        return None


def _between(first: Outcome, second: Outcome) -> Effect:
    """From one outcome to another."""
    old = {(one.fund, one.code): one for one in first.gains()}
    gains = [
        replace(
            one,
            before=old[one.fund, one.code].after,
            changes={name: one.after[name] - old[one.fund, one.code].after[name] for name in one.after},
        )
        for one in second.gains()
    ]
    moved = total([abs(one.changes["due"]) for one in gains])
    largest = max(gains, key=lambda one: abs(one.changes["due"]), default=None)
    values = {
        one.fund: (first.point_value(one.fund)[1], second.point_value(one.fund)[1]) for one in second.closings()
    }
    return Effect(moved, largest if largest is not None and largest.changes["due"] else None, values)
