"""Why a derived score is what it is, year by year with the formula filled in; and all of them as one worksheet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from core.catalogue.building import Related
from core.catalogue.entries import Entry
from core.catalogue.score_groups import SCORED, mean_of
from core.catalogue.scores import Derived
from core.catalogue.spread import cv, weighted
from core.catalogue.subtypes import Subtype
from core.money import plain
from core.texts import LANGUAGES, Texts, catalogue
from core.worksheet import Column, Kind, Worksheet, column_of

if TYPE_CHECKING:
    from core.rules.sheet import Title


@dataclass(frozen=True, slots=True)
class YearLine:
    """One year of a group, or of all cases. weight: as the rule gives it, 0 where the year has no case.

    cases: used; units: what the cost is divided by (cases, for bed-day groups days); total: fen; mean: fen a unit.
    trimmed: cases and cost that trimming took; low, high: the least and greatest fen that stayed.
    """

    year: int
    weight: Fraction
    cases: int
    units: int
    total: int
    mean: Fraction | None
    trimmed: int = 0
    trimmed_fee: int = 0
    low: int | None = None
    high: int | None = None
    cv: Fraction | None = None


@dataclass(frozen=True, slots=True)
class Working:
    """Everything behind one group's score. mean, divisor: fen; formulas: the sums as they were done, filled in, in yuan;
    part_formulas: the same of `drug` and `consumable`, where the cases state them.

    members: the groups that share the score, this one included. exact: before rounding. decision: `scores.decision.*`.
    """

    dip_code: str
    dip_name: str
    kind: str
    decision: str
    members: tuple[str, ...]
    lines: tuple[YearLine, ...]
    overall: tuple[YearLine, ...]
    mean: Fraction | None
    divisor: Fraction
    scale: Fraction
    factor: Fraction
    exact: Fraction | None
    score: Fraction | None
    base_score: Fraction | None
    cv: Fraction | None
    drug_score: Fraction | None
    consumable_score: Fraction | None
    formulas: tuple[str, ...]
    part_formulas: Mapping[str, tuple[str, ...]]
    related: tuple[Related, ...]
    subtypes: tuple[Subtype, ...]


def working(derived: Derived, dip_code: str) -> Working:
    """KeyError: a group that was not looked at."""
    place = {entry.dip_code: i for i, entry in enumerate(derived.groups)}[dip_code]
    group, figures, rule = derived.groups[place], derived.figures, derived.rule
    pool = int(figures.pool[place])
    lines = _lines(derived, pool)
    overall = _plain_lines(derived, *figures.overall["fee"])
    mean = mean_of(rule, figures, pool)
    factor = derived.total.factor if derived.total is not None else Fraction(1)
    entry = derived.entry(dip_code)
    exact = None if mean is None else mean / derived.divisor * rule.scale * factor
    cells = range(pool * figures.years, (pool + 1) * figures.years)
    spread = (
        sum(int(figures.spread.count[cell]) for cell in cells),
        sum(int(figures.spread.total[cell]) for cell in cells),
        sum(figures.spread.square(cell) for cell in cells),
    )
    decision = derived.decisions[dip_code]
    return Working(
        dip_code,
        group.dip_name,
        group.kind,
        decision,
        tuple(derived.groups[i].dip_code for i in range(len(derived.groups)) if int(figures.pool[i]) == pool),
        lines,
        overall,
        mean,
        derived.divisor,
        rule.scale,
        factor,
        exact,
        entry.score if entry is not None else None,
        derived.base.rows[place].score if derived.base is not None else None,
        cv(*spread),
        entry.drug_score if entry is not None else None,
        entry.consumable_score if entry is not None else None,
        _formulas(derived, lines, overall, mean, factor, entry) if decision == SCORED else (),
        _part_formulas(derived, pool, entry) if decision == SCORED else {},
        tuple(
            one for one in derived.related if (one.diag_code, one.oprn_code) == (group.diag_code, group.oprn_code)
        ) if group.kind == "core" else (),
        tuple(one for one in derived.tried if one.dip_code == dip_code),
    )  # fmt: skip


def _lines(derived: Derived, pool: int) -> tuple[YearLine, ...]:
    figures, rule, lines = derived.figures, derived.rule, list[YearLine]()
    for y, year in enumerate(derived.years):
        cell = pool * figures.years + y
        count, units, total = (
            int(values[cell]) for values in (figures.spread.count, figures.units, figures.spread.total)
        )
        low = high = None
        if figures.limits is not None and not figures.bed_day[pool]:
            at = cell if rule.trim_by == "year" else pool
            if int(figures.limits.high[at]) < 1 << 60:  # large enough to be trimmed
                low, high = int(figures.limits.low[at]), int(figures.limits.high[at])
        lines.append(
            YearLine(
                year,
                rule.weights[y] if units else Fraction(0),
                count,
                units,
                total,
                Fraction(total, units) if units else None,
                int(figures.placed[cell]) - count,
                int(figures.placed_fee[cell]) - total,
                low,
                high,
                cv(count, total, figures.spread.square(cell)),
            )
        )
    return tuple(lines)


def _formulas(
    derived: Derived,
    lines: tuple[YearLine, ...],
    overall: tuple[YearLine, ...],
    mean: Fraction | None,
    factor: Fraction,
    entry: Entry | None,
) -> tuple[str, ...]:
    rule = derived.rule
    if mean is None or entry is None or entry.score is None:
        return ()
    said = [_mean(derived, lines, mean)]
    if rule.method == "mean":
        said.append(_mean(derived, overall, derived.divisor))
    elif rule.method == "benchmark":
        code = next(e.dip_code for e in derived.groups if e.dip_code == rule.benchmark)
        place = next(i for i, e in enumerate(derived.groups) if e.dip_code == code)
        said.append(f"{code}: " + _mean(derived, _lines(derived, int(derived.figures.pool[place])), derived.divisor))
    score = f"{_yuan(mean)} / {_yuan(derived.divisor)}"
    if rule.scale != 1:
        score += f" × {plain(rule.scale)}"
    if factor != 1:
        score += f" × {plain(factor, 10)}"
    said.append(f"{score} = {plain(entry.score, rule.places)}")
    return tuple(said)


def _part_formulas(derived: Derived, pool: int, entry: Entry | None) -> dict[str, tuple[str, ...]]:
    figures, rule, said = derived.figures, derived.rule, dict[str, tuple[str, ...]]()
    if not rule.parts or entry is None:
        return said
    cells = slice(pool * figures.years, (pool + 1) * figures.years)
    for name, total, count, score in (
        ("drug", figures.drug, figures.drug_cases, entry.drug_score),
        ("consumable", figures.consumable, figures.consumable_cases, entry.consumable_score),
    ):
        own, whole = (count[cells].tolist(), total[cells].tolist()), figures.overall[name]
        mean, over = weighted(*own, rule), weighted(*whole, rule)
        if mean is None or over is None or score is None:
            continue
        times = "" if rule.parts_scale == 1 else f" × {plain(rule.parts_scale)}"
        said[name] = (
            _mean(derived, _plain_lines(derived, *own), mean),
            _mean(derived, _plain_lines(derived, *whole), over),
            f"{_yuan(mean)} / {_yuan(over)}{times} = {plain(score, rule.places)}",
        )
    return said


def _plain_lines(derived: Derived, count: Sequence[int], total: Sequence[int]) -> tuple[YearLine, ...]:
    """Counts and costs of each year as lines."""
    return tuple(
        YearLine(year, weight if n else Fraction(0), n, n, cost, Fraction(cost, n) if n else None)
        for year, weight, n, cost in zip(derived.years, derived.rule.weights, count, total, strict=True)
    )


def _mean(derived: Derived, lines: tuple[YearLine, ...], mean: Fraction) -> str:
    """(1 × 8,200 + 2 × 8,600 + 7 × 8,500) / 10 = 8,490, or the totals over the counts; years with cases only."""
    there = [line for line in lines if line.units and line.weight > 0]
    if derived.rule.weighting == "totals":
        above = " + ".join(f"{plain(line.weight)} × {_yuan(Fraction(line.total))}" for line in there)
        below = " + ".join(f"{plain(line.weight)} × {line.units}" for line in there)
        return f"({above}) / ({below}) = {_yuan(mean)}"
    above = " + ".join(f"{plain(line.weight)} × {_yuan(line.mean or Fraction(0))}" for line in there)
    return f"({above}) / {plain(sum((line.weight for line in there), Fraction(0)))} = {_yuan(mean)}"


def _yuan(fen: Fraction) -> str:
    """Fen as yuan: two decimals where they are exact, else four."""
    value = fen / 100
    return plain(value, 2 if (value * 100).denominator == 1 else 4)


def worksheet(derived: Derived, texts: Texts | None = None) -> Worksheet:
    """Every group that was looked at: what became of it, cases and means by year, old and new score, spread, parts."""
    texts = texts or Texts()
    figures, rule, years = derived.figures, derived.rule, derived.figures.years
    shown = list(range(len(derived.groups)))
    groups = [derived.groups[i] for i in shown]
    entries = [derived.entry(entry.dip_code) for entry in groups]
    pools = [int(figures.pool[i]) for i in shown]
    old = [derived.base.rows[i].score if derived.base is not None else None for i in shown]
    new = [entry.score if entry is not None else None for entry in entries]
    candidates = set(derived.candidates)
    means = [mean_of(rule, figures, pool) for pool in pools]
    columns: list[Column] = []
    cells: dict[str, object] = {}

    def add(id: str, kind: Kind, values: list[object], unit: str = "", places: int | None = None, total: bool = False) -> None:
        columns.append(Column(id, _title(id, derived.years), kind, unit, places, total=total))
        cells[id] = column_of(values, kind)

    add("dip_code", "code", [entry.dip_code for entry in groups])
    add("dip_name", "text", [entry.dip_name for entry in groups])
    add("kind", "text", [texts(f"scores.kind.{entry.kind}") for entry in groups])
    add("decision", "text", [texts(f"scores.decision.{derived.decisions[entry.dip_code]}") for entry in groups])
    for y in range(years):
        add(f"cases_{y}", "int", [int(figures.own[i * years + y]) for i in shown], "cases", total=True)
    for y in range(years):
        add(f"mean_{y}", "exact", [_per_unit(derived, pool * years + y) for pool in pools], "yuan", 2)
    add("mean", "exact", [None if mean is None else mean / 100 for mean in means], "yuan", 2)
    add("trimmed", "int", [_trimmed(derived, pool) for pool in pools], "cases")
    add("score_old", "exact", list(old), "points", rule.places)
    add("score_new", "exact", list(new), "points", rule.places)
    add("change", "exact", [
        b - a if a is not None and b is not None else None for a, b in zip(old, new, strict=True)
    ], "points", rule.places)  # fmt: skip
    add("change_share", "exact", [
        (b / a - 1) * 100 if a and b is not None else None for a, b in zip(old, new, strict=True)
    ], "percent", 2)  # fmt: skip
    add("cv", "exact", [entry.cv if entry is not None else None for entry in entries], "", 4)
    add("primary", "text", [texts("scores.primary.yes") if entry.dip_code in candidates else "" for entry in groups])
    if rule.parts:
        add("drug_score", "exact", [entry.drug_score if entry is not None else None for entry in entries], "", rule.places)
        add("consumable_score", "exact", [
            entry.consumable_score if entry is not None else None for entry in entries
        ], "", rule.places)  # fmt: skip
    totals: dict[str, object] = {
        f"cases_{y}": sum(int(figures.own[i * years + y]) for i in shown) for y in range(years)
    }
    return Worksheet(
        "scores", _title("sheet", derived.years), columns, cells, len(groups), totals,  # type: ignore[arg-type]
        keys=column_of([entry.dip_code for entry in groups], "text"),
    )  # fmt: skip


def _title(id: str, years: tuple[int, ...]) -> Title:
    name, _, at = id.rpartition("_")
    if at.isdigit():
        return {lang: catalogue(lang)[f"scores.column.{name}_year"].format(year=years[int(at)]) for lang in LANGUAGES}
    return {lang: catalogue(lang)[f"scores.column.{id}"] for lang in LANGUAGES}


def _per_unit(derived: Derived, cell: int) -> Fraction | None:
    units = int(derived.figures.units[cell])
    return Fraction(int(derived.figures.spread.total[cell]), units * 100) if units else None


def _trimmed(derived: Derived, pool: int) -> int:
    figures = derived.figures
    cells = slice(pool * figures.years, (pool + 1) * figures.years)
    return int(figures.placed[cells].sum() - figures.spread.count[cells].sum())


