"""Attributions as worksheets: the waterfalls, and all institutions side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

from core.analysis.attribution import Attribution, Bar, Growth, Growths
from core.analysis.attribution_cells import OF_INSTITUTION
from core.money import is_terminating, rounded, total
from core.rules.sheet import Institution
from core.settlement.exact import places_of
from core.texts import LANGUAGES, Texts
from core.worksheet import Column, Kind, Worksheet, column_of

# id, kind, unit, places
Plan = tuple[str, Kind, str, int | None]
CODE: tuple[Plan, ...] = (("fixmedins_code", "code", "", None), ("fixmedins_name", "text", "", None), ("level", "text", "", None))
SUMMED = {"cases_before", "cases_after", "cases_change", "points", "yuan_before", "yuan_after", "yuan_change"}
PLACES = 4  # of points and point values that are shown; the parts themselves are exact


# -- waterfalls --------------------------------------------------------------------------------------------------


def point_value(found: Attribution, lang: str = "") -> Worksheet:
    """before, each factor, after. keys: "before", FACTOR, "after"."""
    ends = (found.before, found.after)
    return _waterfall("attribution_point_value", ends, found.bars, "yuan/point", found.years, found.fund, lang)


def growth(found: Growths, code: str, fund: str, lang: str = "") -> Worksheet:
    """An institution's waterfall, "" the region's; beside it what the same factors did to the others of its level."""
    one = found.of(code, fund)
    peers = found.peers(code, fund) if code else None
    ends = (one.before, one.after)
    return _waterfall("attribution_score", ends, one.bars, "points", found.years, fund, lang, peers)


def _waterfall(
    id: str,
    ends: tuple[Fraction, Fraction],
    bars: Sequence[Bar],
    unit: str,
    years: tuple[int, int],
    fund: str,
    lang: str,
    peers: Growth | None = None,
) -> Worksheet:
    texts, (before, after) = Texts(lang), ends
    plan: list[Plan] = [
        ("factor", "text", "", None), ("amount", "exact", unit, PLACES), ("level_after", "exact", unit, PLACES),
        ("of_before", "exact", "percent", 2),
    ]  # fmt: skip
    lines: list[list[object]] = [[texts("attribution.year", year=years[0]), before, before, None]]
    level = before
    for bar, amount in zip(bars, shown(bars), strict=True):
        level += amount
        lines.append([texts(f"attribution.factor.{bar.factor}"), amount, level, percent(bar.amount, before)])
    lines.append([texts("attribution.year", year=years[1]), after, after, percent(after - before, before)])
    if peers is not None:
        plan.append(("peers_of_before", "exact", "percent", 2))
        parts = [percent(bar.amount, peers.before) for bar in peers.bars]
        for line, part in zip(lines, [None, *parts, percent(peers.after - peers.before, peers.before)], strict=True):
            line.append(part)
    return sheet(id, plan, lines, ["before", *(bar.factor for bar in bars), "after"], years, fund)


def point_values(found: Sequence[Attribution], lang: str = "") -> Worksheet:
    """The waterfalls of all funds in one table. keys: FUND.FACTOR"""
    texts = Texts(lang)
    lines: list[list[object]] = []
    keys: list[str] = []
    for one in found:
        own = point_value(one, lang)
        assert own.keys is not None
        for row in range(own.rows):
            lines.append([texts(f"fund.{one.fund}"), *(own.cells[column.id][row] for column in own.columns)])
            keys.append(f"{one.fund}.{own.keys[row]}")
    plan: list[Plan] = [
        ("fund", "text", "", None), ("factor", "text", "", None), ("amount", "exact", "yuan/point", PLACES),
        ("level_after", "exact", "yuan/point", PLACES), ("of_before", "exact", "percent", 2),
    ]  # fmt: skip
    return sheet("attribution_point_value", plan, lines, keys, found[0].years, "")


def institutions(found: Growths, fund: str = "", lang: str = "") -> Worksheet:
    """Each institution in each fund, or in one: both scores, growth, every factor's part in points and in per cent.
    keys: FUND.CODE"""
    texts = Texts(lang)
    plan: list[Plan] = [
        ("fund", "text", "", None), *CODE, *((f"score_{when}", "exact", "points", PLACES) for when in ("before", "after")),
        ("score_change", "exact", "points", PLACES), ("growth", "exact", "percent", 2),
        *((f"part_{factor}", "exact", "points", PLACES) for factor in OF_INSTITUTION),
        *((f"percent_{factor}", "exact", "percent", 2) for factor in OF_INSTITUTION),
    ]  # fmt: skip
    own = [one for one in found.items if fund in ("", one.fund)]
    lines: list[list[object]] = [
        [
            texts(f"fund.{one.fund}"), *named(one.institution, texts), one.before, one.after,
            one.after - one.before, percent(one.after - one.before, one.before), *shown(one.bars),
            *(percent(bar.amount, one.before) for bar in one.bars),
        ]
        for one in own
    ]  # fmt: skip
    summed = {"score_before", "score_after", "score_change", *(f"part_{factor}" for factor in OF_INSTITUTION)}
    keys = [f"{one.fund}.{one.code}" for one in own]
    return sheet("attribution_institutions", plan, lines, keys, found.years, fund, summed)


def shown(bars: Sequence[Bar]) -> list[Fraction]:
    """The parts as they are written, to PLACES or to as many decimals as their sum has: the sum of what is written is the whole,
    by largest remainders. A part of zero stays zero."""
    amounts = [bar.amount for bar in bars]
    whole = total(amounts)
    unit = 10 ** max(PLACES, places_of([whole]) if is_terminating(whole) else PLACES)
    down = [amount * unit // 1 for amount in amounts]
    short = rounded(whole * unit, 0) - sum(down)
    order = sorted(range(len(bars)), key=lambda i: (down[i] - amounts[i] * unit, i))
    return [Fraction(one + (i in order[: int(short)]), unit) for i, one in enumerate(down)]


# -- cells -------------------------------------------------------------------------------------------------------


def named(one: Institution, texts: Texts) -> list[object]:
    """What `CODE` holds of an institution."""
    return [one.code, one.name, texts(f"indicators.level.{one.level}")]


def percent(part: Fraction, whole: Fraction) -> Fraction | None:
    return 100 * part / whole if whole else None


def sheet(
    id: str,
    plan: Sequence[Plan],
    lines: Sequence[Sequence[object]],
    keys: Iterable[str],
    years: tuple[int, int],
    fund: str,
    summed: set[str] = SUMMED,
    factor: str = "",
) -> Worksheet:
    columns: list[Column] = []
    for name, kind, unit, places in plan:
        title = {lang: Texts(lang)(f"attribution.column.{name}", before=years[0], after=years[1]) for lang in LANGUAGES}
        columns.append(Column(name, title, kind, unit, places, total=name in summed))
    cells = {one[0]: column_of([line[i] for line in lines], one[1]) for i, one in enumerate(plan)}
    totals = {
        name: sum(cells[name].tolist()) if kind == "int" else total([one for one in cells[name] if one is not None])
        for name, kind, _, _ in plan
        if name in summed
    }
    name = "beneath" if factor else id.removeprefix("attribution_")
    title = {
        lang: (texts := Texts(lang))(
            f"attribution.sheet.{name}",
            before=years[0],
            after=years[1],
            factor=texts(f"attribution.factor.{factor}") if factor else "",
            fund=texts(f"fund.{fund}") if fund else texts("fund.all"),
        )
        for lang in LANGUAGES
    }
    id = f"{id}_{fund}" if fund else id
    return Worksheet(id, title, columns, cells, len(lines), totals, keys=column_of(list(keys), "code"))
