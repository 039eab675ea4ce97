"""What an assessment score does to money: the pack's tables on the scores as they are, at full marks, and as somebody would try.

A score counts by three ways: a factor on what is due, the return of the retention, a factor on the sharing. Each is a table of
the pack, empty where no document gives it; then the score moves nothing by that way, and the sheet says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

from core.faults import Refused
from core.findings import Finding
from core.money import plain
from core.progress import SILENT, Progress
from core.rules import formula, parsing
from core.settlement import annual, chain
from core.settlement.assessment_sheets import made, money, named
from core.texts import Texts
from core.worksheet import Column, Worksheet

if TYPE_CHECKING:
    from core.rules.circular import Pack, Step
    from core.rules.sheet import Clearing, FundSheet
    from core.storage.workspace import Workspace

FULL = Fraction(100)
_SHOWN = (chain.SCORE, "share_factor", "assessment", "retention", "retention_return", "final")


@dataclass(frozen=True, slots=True)
class Way:
    """A step that the score goes into, and the table it is looked up in. filled: whether the table has rows and the step is
    taken up by another or by a tier."""

    step: Step
    table: str
    filled: bool


@dataclass(frozen=True)
class Effect:
    """now: as cleared; full: everyone at full marks; after: with the tried scores, None where none were tried."""

    clearing: Clearing
    ways: tuple[Way, ...]
    full: tuple[FundSheet, ...]
    tried: Mapping[str, Fraction] = field(default_factory=dict[str, Fraction])
    after: tuple[FundSheet, ...] | None = None

    @property
    def moves(self) -> bool:
        """Whether a score does anything to money under this pack."""
        return any(way.filled or not way.table for way in self.ways)

    def cost(self, fund: str) -> Fraction:
        """What the scores cost all institutions of a fund against full marks, in yuan: kept by the fund where negative."""
        return _sum(self.clearing.funds, fund) - _sum(self.full, fund)


def effect(
    workspace: Workspace,
    year: int,
    pack: Pack,
    *,
    tried: Mapping[str, Fraction] | None = None,
    set_name: str | None = None,
    catalogue: str | None = None,
    grouping: str = "official",
    progress: Progress = SILENT,
) -> Effect:
    """Clear the year, without storing anything, and see. Refused as a clearing, and as `of`."""
    clearing = annual.clear(
        workspace, year, pack, set_name=set_name, catalogue=catalogue, grouping=grouping, progress=progress, store=False
    )
    return of(clearing, tried)


def of(clearing: Clearing, tried: Mapping[str, Fraction] | None = None) -> Effect:
    """Of a clearing that is there. tried: institution -> percent of the maximum.

    Refused: cells_refused for a score below 0 or above 100, or an institution that the clearing has not.
    """
    known = {one.code for sheet in clearing.funds for one in sheet.institutions}
    wrong = [
        Finding("assessment_tried_unfit", "refused", subject=code, value=plain(score))
        for code, score in sorted((tried or {}).items())
        if code not in known or not 0 <= score <= FULL
    ]
    if wrong:
        raise Refused("cells_refused", wrong, count=len(wrong))
    full = chain.again(clearing, scores=dict.fromkeys(known, FULL))
    after = chain.again(clearing, scores=tried) if tried else None
    return Effect(clearing, ways(clearing.pack), full, dict(tried or {}), after)


def ways(pack: Pack) -> tuple[Way, ...]:
    """Every step of the pack that names the score, with its table; "" where the formula takes the score itself."""
    found: list[Way] = []
    for step in pack.scope("institution"):
        if not step.formula:
            continue
        used = formula.uses(parsing.parse(step.formula))  # as written: of an empty table only `otherwise` is left in `expr`
        if chain.SCORE in used.names:
            table = next((name for name in used.tables if name in pack.tables), "")
            found.append(Way(step, table, bool(table) and bool(pack.tables[table].rows) and _heard(pack, step.id)))
    return tuple(found)


def _heard(pack: Pack, step: str) -> bool:
    """Whether anything takes the step up: the factor on the sharing counts only where a tier names it."""
    exprs = [one.expr for one in pack.scope("institution") if one.expr is not None]
    exprs += [row.value for table in pack.tables.values() for row in table.rows]
    return any(step in formula.names(expr) for expr in exprs)


def worksheet(found: Effect, fund: str, lang: str = "") -> Worksheet:
    """The institutions of a fund: score, what the tables make of it, final, final at full marks, and what is tried.

    Who lost most by its score comes first; keys are institution codes.
    """
    texts = Texts(lang)
    now, full = _sheet(found.clearing.funds, fund), _sheet(found.full, fund)
    after = _sheet(found.after, fund) if found.after is not None else None
    pack = found.clearing.pack
    columns = [named("code", "code"), named("name")]
    values: dict[str, list[object]] = {name: [] for name in ("code", "name", "level", "county")}
    steps = [step for step in pack.scope("institution") if step.id in _SHOWN]
    columns += [
        Column(step.id, step.title, "exact", step.unit, step.places, step.evidence, step.open.get(texts.lang, ""),
               total=step.unit == "yuan")
        for step in steps
    ]  # fmt: skip
    has = full is not None and now is not None and "final" in now.values
    if has:
        columns += [money("final_full"), money("by_score")]
    if after is not None and has:
        columns += [named("tried", "exact", "percent"), money("final_tried"), money("change")]
    columns += [named("level"), named("county")]
    order: list[int] = []
    if now is not None:
        cost = [Fraction(0)] * len(now.institutions)
        if has and full is not None:
            cost = [a - b for a, b in zip(now.values["final"], full.values["final"], strict=True)]
        order = sorted(range(len(cost)), key=lambda i: (cost[i], now.institutions[i].code))
        for i in order:
            one = now.institutions[i]
            row: dict[str, object] = {
                "code": one.code, "name": one.name, "level": texts(f"indicators.level.{one.level}"), "county": one.county,
                **{step.id: now.values[step.id][i] for step in steps},
            }  # fmt: skip
            if has and full is not None:
                row |= {"final_full": full.values["final"][i], "by_score": cost[i]}
            if after is not None and has:
                row |= {
                    "tried": found.tried.get(one.code), "final_tried": after.values["final"][i],
                    "change": after.values["final"][i] - now.values["final"][i],
                }  # fmt: skip
            for name, value in row.items():
                values.setdefault(name, []).append(value)
    keys = [now.institutions[i].code for i in order] if now is not None else []
    return made("assessment_effect", columns, values, keys)


def _sheet(sheets: tuple[FundSheet, ...], fund: str) -> FundSheet | None:
    return next((one for one in sheets if one.fund == fund), None)


def _sum(sheets: tuple[FundSheet, ...], fund: str) -> Fraction:
    sheet = _sheet(sheets, fund)
    return sum(sheet.values.get("final", ()), Fraction(0)) if sheet is not None else Fraction(0)
