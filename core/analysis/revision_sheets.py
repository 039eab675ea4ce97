"""A revision's worksheets: region, institutions, groups, moves between groups, cases. What is summed closes exactly."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import reduce
from operator import add
from typing import TYPE_CHECKING

import numpy as np

from core.analysis.carrying import WAYS
from core.analysis.revision import Amounts, Revision, Scale, Side
from core.catalogue.lineage import Relation
from core.rules.cases import FUNDS, Ints
from core.settlement import references
from core.texts import LANGUAGES, Texts
from core.worksheet import Cells, Column, Kind, Worksheet, column_of

if TYPE_CHECKING:
    from core.rules.sheet import FundSheet, Title

# id, kind, unit, places, whether a sum makes sense
Plan = tuple[str, Kind, str, int | None, bool]
POINTS: tuple[Plan, ...] = tuple(
    (name, "exact", "points", None, True) for name in ("points_old", "points_new", "points_change")
)
YUAN: tuple[Plan, ...] = tuple(
    (name, "exact", "yuan", 2, True)
    for name in ("amount_old", "amount_new", "amount_change", "points_effect", "value_effect")
)


def region(found: Revision, lang: str = "") -> Worksheet:
    texts = Texts(lang)
    plan: tuple[Plan, ...] = (
        ("fund", "text", "", None, False),
        ("figure", "text", "", None, False),
        ("unit", "text", "", None, False),
        ("old", "exact", "", None, False),
        ("new", "exact", "", None, False),
        ("change", "exact", "", None, False),
    )
    titles = {step.id: step.title for step in found.pack.scope("region")}
    due = {step.id: step.title for step in found.pack.scope("institution")}
    rows = [
        (
            texts(f"fund.{one.fund}"),
            _title(titles[one.id], texts)
            if one.id in titles
            else texts("revision.sum_of", what=_title(due[one.id], texts))
            if one.id in due and one.unit == "yuan"
            else texts(f"revision.figure.{one.id}"),
            texts(f"unit.{one.unit}") if one.unit else "",
            one.old,
            one.new,
            one.change,
        )
        for one in found.figures
    ]
    return _sheet("revision_region", plan, rows, found, keys=[f"{one.fund}.{one.id}" for one in found.figures])


def institutions(found: Revision, lang: str = "") -> Worksheet:
    texts = Texts(lang)
    plan: tuple[Plan, ...] = (
        ("fund", "text", "", None, False),
        ("fixmedins_code", "code", "", None, False),
        ("fixmedins_name", "text", "", None, False),
        ("level", "text", "", None, False),
        ("cases", "int", "cases", None, True),
        ("cases_moved", "int", "cases", None, True),
        *POINTS,
        ("points_growth", "exact", "percent", 2, False),
        *((name, "exact", "yuan", 2, True) for name in ("due_old", "due_new", "due_change")),
        *((name, "exact", "yuan", 2, True) for name in ("points_effect", "value_effect", "rest")),
        *((name, "exact", "yuan", 2, True) for name in ("final_old", "final_new", "final_change")),
    )
    rows: list[tuple[object, ...]] = []
    keys: list[str] = []
    spots = len(FUNDS) * len(found.rows.rows.institutions)
    place = found.rows.rows.fund.astype(np.int64) * len(found.rows.rows.institutions) + found.rows.rows.institution
    cases = np.bincount(place[found.counted], minlength=spots)
    moved = np.bincount(place[found.counted & changed_group(found)], minlength=spots)
    at = {code: i for i, code in enumerate(found.rows.rows.institutions)}
    for fund in found.funds:
        before, after = found.before.clearing.fund(fund), found.after.clearing.fund(fund)
        listed = {one.code: one for one in (*before.institutions, *after.institutions)}
        values = found.before.point_value(fund), found.after.point_value(fund)
        for code in sorted(listed):
            old, new = _row(before, code), _row(after, code)
            points = old.get("score", Fraction(0)), new.get("score", Fraction(0))
            due = old.get("due", Fraction(0)), new.get("due", Fraction(0))
            final = old.get("final", Fraction(0)), new.get("final", Fraction(0))
            by_points = (points[1] - points[0]) * values[0]
            by_value = points[1] * (values[1] - values[0])
            spot = FUNDS.index(fund) * len(at) + at[code] if code in at else -1
            rows.append(
                (
                    texts(f"fund.{fund}"),
                    code,
                    listed[code].name,
                    texts(f"clearing.level.{listed[code].level}") if listed[code].level in (1, 2, 3) else "",
                    int(cases[spot]) if spot >= 0 else 0,
                    int(moved[spot]) if spot >= 0 else 0,
                    *points,
                    points[1] - points[0],
                    (points[1] / points[0] - 1) * 100 if points[0] else None,
                    *due,
                    due[1] - due[0],
                    by_points,
                    by_value,
                    due[1] - due[0] - by_points - by_value,
                    *final,
                    final[1] - final[0],
                )
            )
            keys.append(f"{fund}.{code}")
    return _sheet("revision_institutions", plan, rows, found, keys=keys)


def _row(sheet: FundSheet, code: str) -> dict[str, Fraction]:
    for i, one in enumerate(sheet.institutions):
        if one.code == code:
            return {name: values[i] for name, values in sheet.values.items()}
    return {}


def changed_group(found: Revision) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Cases whose group has another code under the new version, or that have one under one of them only."""
    width = {one.dip_code: i for i, one in enumerate(found.after.entries.rows)}
    same = np.array([width.get(one.dip_code, -2) for one in found.before.entries.rows] + [-1], np.int64)
    return same[found.before.entry] != found.after.entry


def amounts_of(found: Revision) -> tuple[list[tuple[Relation, Amounts]], Amounts | None]:
    """Every relation with what its old groups had and what its new groups have; last, what cases without group had."""
    old: dict[str, Amounts] = {}
    new: dict[str, Amounts] = {}
    for (before, after), one in found.pairs.items():
        was, became = one.left(), one.came()
        old[before] = old[before] + was if before in old else was
        new[after] = new[after] + became if after in new else became

    def together(olds: Sequence[str], news: Sequence[str]) -> Amounts | None:
        parts = [old[code] for code in olds if code in old] + [new[code] for code in news if code in new]
        return reduce(add, parts) if parts else None

    nothing = Amounts(Scale(1, 1), 0, 0, 0, 0, 0, 0, 0)
    return [(one, together(one.old, one.new) or nothing) for one in found.relations], together([""], [""])


def groups(found: Revision, lang: str = "") -> Worksheet:
    texts = Texts(lang)
    plan: tuple[Plan, ...] = (
        ("change", "text", "", None, False),
        ("by", "text", "", None, False),
        ("old_codes", "code", "", None, False),
        ("old_names", "text", "", None, False),
        ("new_codes", "code", "", None, False),
        ("new_names", "text", "", None, False),
        ("score_old", "exact", "points", None, False),
        ("score_new", "exact", "points", None, False),
        ("cases_old", "int", "cases", None, True),
        ("cases_new", "int", "cases", None, True),
        *POINTS,
        *YUAN,
    )
    told, without = amounts_of(found)
    rows = [
        (
            texts(f"revision.change.{relation.change}"),
            texts(f"revision.by.{relation.by}"),
            ", ".join(relation.old),
            _names(found.before, relation.old),
            ", ".join(relation.new),
            _names(found.after, relation.new),
            relation.old_score,
            relation.new_score,
            one.cases_old,
            one.cases_new,
            *_amounts(one),
        )
        for relation, one in told
    ]
    if without is not None:
        word = texts("revision.change.ungrouped")
        rows.append((word, "", "", "", "", "", None, None, without.cases_old, without.cases_new, *_amounts(without)))
    keys = ["|".join((*one.old, "", *one.new)) for one, _ in told]
    return _sheet("revision_groups", plan, rows, found, keys=[*keys, *([""] if without is not None else [])])


def moved(found: Revision, lang: str = "") -> Worksheet:
    plan: tuple[Plan, ...] = (
        ("old_code", "code", "", None, False),
        ("old_name", "text", "", None, False),
        ("new_code", "code", "", None, False),
        ("new_name", "text", "", None, False),
        ("cases", "int", "cases", None, True),
        *POINTS,
        *YUAN,
    )
    rows = [
        (
            old,
            _names(found.before, (old,)),
            new,
            _names(found.after, (new,)),
            found.moves[old, new],
            *_amounts(one),
        )
        for (old, new), one in sorted(found.pairs.items())
    ]
    return _sheet("revision_moves", plan, rows, found, keys=[f"{old}|{new}" for old, new in sorted(found.pairs)])


def cases(found: Revision, lang: str, every: bool) -> Worksheet:
    texts = Texts(lang)
    other = changed_group(found)
    if every:
        other |= _differ(found.before, found.after)
    where = np.flatnonzero(found.counted & other)
    rows = found.rows.rows
    where = where[np.argsort(rows.setl_id[where].astype(str), kind="stable")]
    where = where[np.argsort(rows.institution[where], kind="stable")]
    where = where[np.argsort(rows.fund[where], kind="stable")]
    n = len(where)
    names = {code: one.name for code, one in found.rows.registered.items()}
    both = (("old", found.before), ("new", found.after))
    columns: list[tuple[Plan, Cells]] = []

    def put(plan: Plan, values: Cells) -> None:
        columns.append((plan, values))

    put(("setl_id", "code", "", None, False), rows.setl_id[where])
    put(("fund", "text", "", None, False), _picked([texts(f"fund.{fund}") for fund in FUNDS], rows.fund[where]))
    put(("fixmedins_code", "code", "", None, False), _picked(rows.institutions, rows.institution[where]))
    titles = [names.get(code, "") for code in rows.institutions]
    put(("fixmedins_name", "text", "", None, False), _picked(titles, rows.institution[where]))
    put(("stated_code", "code", "", None, False), _picked([*rows.groups, ""], rows.group[where]))
    put(("fee", "fixed", "yuan", 2, True), rows.fee[where])
    for which, side in both:
        codes = [*(one.dip_code for one in side.entries.rows), ""]
        titles = [*(one.dip_name for one in side.entries.rows), ""]
        put((f"{which}_code", "code", "", None, False), _picked(codes, side.entry[where]))
        put((f"{which}_name", "text", "", None, False), _picked(titles, side.entry[where]))
        if side.way is not None:
            ways = [texts(f"revision.way.{way}") for way in WAYS]
            put((f"{which}_way", "text", "", None, False), _picked(ways, side.way[where]))
        sources = [texts(f"reference.{references.NAMES[i]}") for i in sorted(references.NAMES)]
        put((f"{which}_source", "text", "", None, False), _picked(sources, side.source[where]))
    kind: Kind = "fixed"
    points: list[Cells] = []
    places = max(side.places for _, side in both)
    if any(side.points.dtype == object for _, side in both):
        kind, places_shown = "exact", None
        points = [_fractions(side, where) for _, side in both]
    else:
        places_shown = places
        points = [side.points[where] * 10 ** (places - side.places) for _, side in both]
    for name, values in zip(("points_old", "points_new", "points_change"), (*points, points[1] - points[0]), strict=True):
        put((name, kind, "points", places_shown, True), values)
    funds = [fund for fund in FUNDS if fund in found.funds]
    worth: list[Cells] = []
    for values, (_, side) in zip(points, both, strict=True):
        scale = 1 if kind == "exact" else 10**places
        of_fund = {FUNDS.index(fund): side.point_value(fund) / scale for fund in funds}
        told = np.empty(n, dtype=object)
        told[:] = [of_fund[f] * v for f, v in zip(rows.fund[where].tolist(), values.tolist(), strict=True)]
        worth.append(told)
    for name, values in zip(
        ("amount_old", "amount_new", "amount_change"), (*worth, worth[1] - worth[0]), strict=True
    ):
        put((name, "exact", "yuan", 2, True), values)
    cells = {plan[0]: values for plan, values in columns}
    totals: dict[str, object] = {}
    for (id, of, _, _, summed), values in columns:
        if summed:
            totals[id] = int(values.sum()) if of == "fixed" else _total(values.tolist())
    return Worksheet(
        "revision_cases",
        _titled("cases", found),
        [_column(plan, found) for plan, _ in columns],
        cells,
        n,
        totals,
        keys=rows.setl_id[where],
    )


def _differ(before: Side, after: Side) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    if object in (before.points.dtype, after.points.dtype):
        return np.array(_fractions(before, None) != _fractions(after, None), bool)
    places = max(before.places, after.places)
    one, other = (side.points * 10 ** (places - side.places) for side in (before, after))
    return one != other


def _fractions(side: Side, where: Ints | None) -> Cells:
    values = side.points if where is None else side.points[where]
    if values.dtype == object:
        return values
    told = np.empty(len(values), dtype=object)
    told[:] = [Fraction(value, 10**side.places) for value in values.tolist()]
    return told


def all_of(found: Revision, lang: str = "") -> tuple[Worksheet, ...]:
    return (
        region(found, lang),
        institutions(found, lang),
        groups(found, lang),
        moved(found, lang),
        cases(found, lang, every=True),
    )


# -- cells -------------------------------------------------------------------------------------------------


def _amounts(one: Amounts) -> tuple[Fraction, ...]:
    return (
        one.points_old,
        one.points_new,
        one.points_change,
        one.amount_old,
        one.amount_new,
        one.amount_change,
        one.points_effect,
        one.value_effect,
    )


def _total(values: Sequence[Fraction | None]) -> Fraction:
    """Numerators over each denominator first: adding thousands of fractions one by one is slow."""
    parts: dict[int, int] = {}
    for value in values:
        if value is not None:
            parts[value.denominator] = parts.get(value.denominator, 0) + value.numerator
    return sum((Fraction(numerator, denominator) for denominator, numerator in parts.items()), Fraction(0))


def _names(side: Side, codes: Sequence[str]) -> str:
    return "; ".join(entry.dip_name for code in codes if (entry := side.entries.get(code)) is not None)


def _title(title: Title, texts: Texts) -> str:
    return title.get(texts.lang) or next(iter(title.values()), "")


def _picked(names: Sequence[str], index: Cells) -> Cells:
    """Texts by index, negative ones from the end."""
    table = np.empty(len(names) or 1, dtype=object)
    table[: len(names)] = list(names)
    return table[index]


def _titled(name: str, found: Revision) -> dict[str, str]:
    """The title in both languages; the versions stand in it."""
    return {lang: Texts(lang)(f"revision.sheet.{name}", old=found.old, new=found.new) for lang in LANGUAGES}


def _column(plan: Plan, found: Revision) -> Column:
    id, kind, unit, places, total = plan
    title = {
        lang: Texts(lang)(f"revision.column.{id}", old=found.old, new=found.new) for lang in LANGUAGES
    }
    return Column(id, title, kind, unit, places, total=total)


def _sheet(
    id: str, plan: Sequence[Plan], rows: Sequence[Sequence[object]], found: Revision, keys: Sequence[str]
) -> Worksheet:
    cells = {column[0]: column_of([row[i] for row in rows], column[1]) for i, column in enumerate(plan)}
    totals: dict[str, object] = {}
    for name, kind, _, _, summed in plan:
        if summed:
            told = cells[name].tolist()
            totals[name] = sum(told) if kind == "int" else _total(told)
    title = _titled(id.removeprefix("revision_"), found)
    columns = [_column(column, found) for column in plan]
    return Worksheet(id, title, columns, cells, len(rows), totals, keys=column_of(keys, "code"))
