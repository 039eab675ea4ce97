"""The same region and year cleared under several packs, side by side: which step first differs, and why.

The first pack is what the others are held against. A step of the chain differs by its own rule (formula, decimals,
table, parameter), by what the cases' rule made of it, by the facts that the pack takes in, or only because something before
it differs. The cases are compared by the way that each pack scored them. Nothing is stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

import numpy as np

from core.faults import Refused, Usage
from core.money import total
from core.progress import SILENT, Progress, step
from core.rules import formula as language
from core.rules import parsing
from core.rules.cases import FUNDS, CaseScores, Ints
from core.rules.sheet import Clearing, FundSheet, Scope
from core.settlement import annual, own_packs

if TYPE_CHECKING:
    from core.rules.circular import Pack, Step
    from core.settlement.annual import Scored
    from core.storage.workspace import Workspace

# How a pack's step stands to that of the first pack. alike: another rule, and the same values by it.
How = Literal["same", "alike", "carried", "rule", "cases", "facts", "missing", "more"]
ROOTS: tuple[How, ...] = ("rule", "cases", "facts", "missing", "more")
SUMMED = ("yuan", "points", "cases")
_LEFT = {-1: "adjusted", -2: "ungrouped"}  # ways to score that are no branch


@dataclass(frozen=True, slots=True)
class Side:
    """A step under one pack. value: the region's figure, or the institutions' sum where a sum has a sense.

    formula: as the pack has it, "" of a fact. rests_on: `number article [tag]` of each document. institutions: how many
    have another value than under the first pack.
    """

    step: Step | None
    value: Fraction | None
    formula: str
    rests_on: tuple[str, ...]
    how: How
    institutions: int = 0


@dataclass(frozen=True, slots=True)
class StepRow:
    """A step of one fund under every pack, in the order of the chain."""

    fund: str
    scope: Scope
    id: str
    title: Mapping[str, str]
    unit: str
    places: int | None
    sides: tuple[Side, ...]


@dataclass(frozen=True, slots=True)
class CaseMove:
    """Cases of a fund that the first pack scored one way, and another pack another way (or with another result).

    before, after: names of branches, `adjusted`, `ungrouped`, "" where the pack does not take the case. biggest: the
    settlement with the greatest difference.
    """

    pack: int
    fund: str
    before: str
    after: str
    cases: int
    score_before: Fraction
    score_after: Fraction
    biggest: str
    biggest_before: Fraction
    biggest_after: Fraction


@dataclass(frozen=True)
class Beside:
    """Clearings of the same year under the packs, in the order asked for."""

    year: int
    packs: tuple[Pack, ...]
    clearings: tuple[Clearing, ...]
    rows: tuple[StepRow, ...]
    moves: tuple[CaseMove, ...]

    @property
    def funds(self) -> tuple[str, ...]:
        return tuple(fund for fund in FUNDS if any(row.fund == fund for row in self.rows))

    def first(self, fund: str, pack: int) -> StepRow | None:
        """The first step of the chain that differs under the pack of that number, None where none does. What the chain is
        given comes before what it makes of it."""
        return next((row for row in self.in_turn(pack) if row.fund == fund and row.sides[pack].how in ROOTS), None)

    def in_turn(self, pack: int) -> list[StepRow]:
        """The rows of each fund in the order of what needs what: facts and cases, then the steps made of them."""
        order: dict[tuple[Scope, str], int] = {}
        for one in (*self.packs[0].order, *self.packs[pack].order):
            order.setdefault((one.scope, one.id), len(order))
        given = ("cases", "facts")
        rows = [row for row in self.rows if (row.scope, row.id) in order]
        return sorted(
            rows,
            key=lambda row: (FUNDS.index(row.fund), row.sides[pack].how not in given, order[row.scope, row.id]),
        )


def beside(
    workspace: Workspace,
    year: int,
    packs: Sequence[Pack | str],
    *,
    funds: Sequence[str] = FUNDS,
    set_name: str | None = None,
    catalogue: str | None = None,
    grouping: str = "official",
    progress: Progress = SILENT,
) -> Beside:
    """Clear the year under each pack. Usage packs_too_few, packs_twice; Refused packs_not_clearable (what is to be filled),
    and as a clearing is."""
    own = [own_packs.load(workspace, one) if isinstance(one, str) else one for one in packs]
    if len(own) < 2:
        raise Usage("packs_too_few")
    for i, one in enumerate(own):
        if any((one.hash, one.changed) == (other.hash, other.changed) for other in own[:i]):
            raise Usage("packs_twice", pack=one.id)
        lacking = [each.id for each in one.steps if each.expr is None and not each.input]
        if lacking:
            raise Refused("packs_not_clearable", pack=one.id, steps=", ".join(lacking))
    scored: list[Scored] = []
    clearings: list[Clearing] = []
    for i, one in enumerate(own):
        step(progress, "packs_beside", i, len(own))
        cases = annual.score_cases(
            workspace, year, one, funds=funds, set_name=set_name, catalogue=catalogue, grouping=grouping, progress=progress
        )
        scored.append(cases)
        clearings.append(annual.sheets(one, cases))
    step(progress, "packs_beside", len(own), len(own))
    rows = [row for fund in funds for row in _rows(own, clearings, fund)]
    moves = [move for i in range(1, len(own)) for move in _moves(scored[0], scored[i], i, funds)]
    return Beside(year, tuple(own), tuple(clearings), tuple(rows), tuple(moves))


# -- steps -------------------------------------------------------------------------------------------------------


def _rows(packs: Sequence[Pack], clearings: Sequence[Clearing], fund: str) -> list[StepRow]:
    sheets = [next((one for one in clearing.funds if one.fund == fund), None) for clearing in clearings]
    if not any(sheets):
        return []
    keys: list[tuple[Scope, str]] = []
    for pack in packs:
        for one in pack.steps:
            if (one.scope, one.id) not in keys:
                keys.append((one.scope, one.id))
    keys.sort(key=lambda key: key[0] != "region")
    rows: list[StepRow] = []
    for scope, id in keys:
        steps = [next((one for one in pack.scope(scope) if one.id == id), None) for pack in packs]
        known = next(one for one in steps if one is not None)
        sides = tuple(
            _side(packs[0], pack, steps[0], own, sheets[0], sheet) for pack, own, sheet in zip(packs, steps, sheets, strict=True)
        )
        rows.append(StepRow(fund, scope, id, known.title, known.unit, known.places, sides))
    return rows


def _side(
    base: Pack, pack: Pack, before: Step | None, own: Step | None, first: FundSheet | None, sheet: FundSheet | None
) -> Side:
    if own is None or sheet is None:
        return Side(None, None, "", (), "missing" if before is not None else "same")
    values, there = _values(own, sheet), _values(before, first) if before is not None and first is not None else {}
    if own.scope == "region":
        value = values[""]
    else:
        value = total(list(values.values())) if own.unit in SUMMED else None
    rests_on = tuple(
        " ".join(filter(None, (number, article, f"[{tag}]" if tag else "")))
        for number, _, tag, article in pack.cited(own.cite)
    )
    formula = " ".join(own.formula.split())
    if before is None:
        return Side(own, value, formula, rests_on, "more", len(values) if own.scope == "institution" else 0)
    # An institution that a pack does not list has no case, payment or deduction under it.
    differing = sum(values.get(code) != there.get(code) for code in {*values, *there})
    how: How
    if not differing:
        how = "same" if _rule(base, before) == _rule(pack, own) else "alike"
    elif _rule(base, before) != _rule(pack, own):
        how = "rule"
    elif own.input == "cases":
        how = "cases"
    elif own.input:
        how = "facts"
    else:
        how = "carried"
    return Side(own, value, formula, rests_on, how, differing if own.scope == "institution" else 0)


def _values(own: Step, sheet: FundSheet) -> dict[str, Fraction]:
    """By institution, under "" of the region."""
    if own.scope == "region":
        return {"": sheet.region[own.id]}
    return {one.code: value for one, value in zip(sheet.institutions, sheet.values[own.id], strict=True)}


def _rule(pack: Pack, own: Step) -> tuple[object, ...]:
    """All that the step itself says: two steps with the same rule make the same of the same."""
    if own.expr is None:
        return (own.input,)
    named = language.names(parsing.parse(own.formula))
    chosen = tuple(sorted((name, str(pack.values[name])) for name in named if name in pack.values))
    tables = tuple(
        (id, str(_table(pack, id))) for id in sorted(language.uses(own.expr).tables) if id in pack.tables
    )
    return (" ".join(own.formula.split()), own.places, chosen, tables)


def _table(pack: Pack, id: str) -> tuple[object, ...]:
    table = pack.tables[id]
    return (tuple((row.start, row.end, row.closed, row.text) for row in table.rows), table.otherwise_text)


# -- cases -------------------------------------------------------------------------------------------------------


def _moves(base: Scored, other: Scored, pack: int, funds: Sequence[str]) -> list[CaseMove]:
    """Every case whose score differs, or that only one of the packs takes, by the ways that it was scored."""
    left, right = base.inputs.cases, other.inputs.cases
    at = _matched(list(left.setl_id), list(right.setl_id))
    found: dict[tuple[str, str, str], list[tuple[Fraction, Fraction, str]]] = {}

    def add(fund: int, before: str, after: str, scores: tuple[Fraction, Fraction], setl_id: object) -> None:
        if FUNDS[fund] in funds:
            found.setdefault((FUNDS[fund], before, after), []).append((*scores, str(setl_id)))

    mine = np.flatnonzero(at >= 0)
    differing = mine[_differ(base.scores, other.scores, mine, at[mine])]
    for i in differing.tolist():
        j = int(at[i])
        scores = _score(base.scores, i), _score(other.scores, j)
        add(int(left.fund[i]), _way(base, i), _way(other, j), scores, left.setl_id[i])
    for i in np.flatnonzero(at < 0).tolist():
        add(int(left.fund[i]), _way(base, i), "", (_score(base.scores, i), Fraction(0)), left.setl_id[i])
    unmatched = np.setdiff1d(np.arange(len(right)), at[at >= 0])
    for j in unmatched.tolist():
        add(int(right.fund[j]), "", _way(other, j), (Fraction(0), _score(other.scores, j)), right.setl_id[j])
    moves: list[CaseMove] = []
    for (fund, before, after), cases in found.items():
        biggest = min(cases, key=lambda one: (-abs(one[1] - one[0]), one[2]))
        moves.append(CaseMove(
            pack, fund, before, after, len(cases), total([one[0] for one in cases]), total([one[1] for one in cases]),
            biggest[2], biggest[0], biggest[1],
        ))  # fmt: skip
    moves.sort(key=lambda one: (FUNDS.index(one.fund), -abs(one.score_after - one.score_before), one.before, one.after))
    return moves


def _matched(left: list[str], right: list[str]) -> Ints:
    """For each settlement of `left` its place in `right`, -1 where it is not there."""
    if left == right:
        return np.arange(len(left), dtype=np.int64)
    places = {one: i for i, one in enumerate(right)}
    return np.fromiter((places.get(one, -1) for one in left), np.int64, len(left))


def _differ(one: CaseScores, other: CaseScores, mine: Ints, theirs: Ints) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Of matched cases, which have another score."""
    a, b = one.score, other.score
    if a is not None and b is not None and a.places == b.places:
        return a.values[mine] != b.values[theirs]
    pairs = zip(mine.tolist(), theirs.tolist(), strict=True)
    return np.fromiter((_score(one, i) != _score(other, j) for i, j in pairs), bool, len(mine))


def _score(scores: CaseScores, i: int) -> Fraction:
    if scores.score is not None:
        return scores.score.at(i)
    assert scores.exact is not None
    return scores.exact[i]


def _way(scored: Scored, i: int) -> str:
    """The branch that a case was scored by."""
    number = int(scored.scores.branch[i])
    return _LEFT[number] if number in _LEFT else scored.rule.branches[number].id
