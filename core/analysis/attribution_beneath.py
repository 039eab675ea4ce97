"""What a bar of an attribution stands on: lines of the budget, institutions, groups; and the groups behind a shift."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from core.analysis.attribution import MONEY, OF_SCORES, Attribution, Bar, Growth, Growths, Pair, inputs_of
from core.analysis.attribution_cells import COARSE, MIDDLE, Cells, cell_points
from core.analysis.attribution_sheets import CODE, Plan, named, percent, sheet
from core.money import total
from core.rules.cases import Ints
from core.rules.sheet import Institution
from core.texts import Texts
from core.worksheet import Worksheet

GROUP: tuple[Plan, ...] = (("category", "code", "", None), ("dip_code", "code", "", None), ("dip_name", "text", "", None))
CASES: tuple[Plan, ...] = (("cases_before", "int", "cases", None), ("cases_after", "int", "cases", None))
POINTS: Plan = ("points", "exact", "points", 4)
BUDGET_ITEMS = {"budget": ("dip_budget", "dip_topup")}
# Beside a cell's or an institution's cases, what moved under a factor.
OF_CELL: dict[str, tuple[Plan, ...]] = {
    "volume": (),
    "mix": (("share_before", "exact", "percent", 2), ("share_after", "exact", "percent", 2)),
    "shift": (("within_before", "exact", "percent", 2), ("within_after", "exact", "percent", 2)),
    "catalogue": (("rw_before", "exact", "points", None), ("rw_after", "exact", "points", None)),
    "coefficient": (("coefficient_before", "exact", "coefficient", 4), ("coefficient_after", "exact", "coefficient", 4)),
    "deviation": (("realised_before", "exact", "ratio", 4), ("realised_after", "exact", "ratio", 4)),
}


# -- beneath a bar of the point value ----------------------------------------------------------------------------


def of_point_value(found: Attribution, bar: Bar, lang: str = "") -> Worksheet:
    pair, factor = found.pair, bar.factor
    if bar.beneath == "lines":
        return _lines(pair, factor, Texts(lang))
    if factor == "other":
        return _inputs(pair, Texts(lang))
    if factor == "fund_ratio":
        return _ratios(pair, Texts(lang))
    if factor in MONEY:
        return _amounts(pair, factor, Texts(lang))
    if factor == "catalogue":
        return _groups(pair, Texts(lang))
    return _institutions(pair, factor, Texts(lang))


def _lines(pair: Pair, factor: str, texts: Texts) -> Worksheet:
    """The lines of both years' budgets."""
    items = BUDGET_ITEMS.get(factor, MONEY[factor])
    found: dict[tuple[str, str, str], list[int | None]] = {}
    for y, year in enumerate(pair.sheets):
        for line in year.budget_lines:
            if line.item in items:
                own = found.setdefault((line.item, line.date, line.document), [None, None])
                own[y] = (own[y] or 0) + line.amount
    plan: list[Plan] = [("item", "text", "", None), ("date", "text", "", None), ("document", "text", "", None), *_yuan()]
    lines: list[list[object]] = []
    keys: list[str] = []
    for (item, date, document), amounts in sorted(found.items(), key=lambda one: (items.index(one[0][0]), one[0])):
        told = [None if one is None else Fraction(one, 100) for one in amounts]
        lines.append([texts(f"item.{item}"), date, document, *told, (told[1] or 0) - (told[0] or 0)])
        keys.append(item)
    return sheet(f"attribution_{factor}", plan, lines, keys, pair.years, pair.fund, factor=factor)


def _amounts(pair: Pair, factor: str, texts: Texts) -> Worksheet:
    before, after = (_by_code(pair, MONEY[factor][0], y) for y in (0, 1))
    lines: list[list[object]] = []
    for one in _listed(pair):
        told = before.get(one.code), after.get(one.code)
        lines.append([*named(one, texts), *told, (told[1] or 0) - (told[0] or 0)])
    return _sorted(f"attribution_{factor}", [*CODE, *_yuan()], lines, 0, pair, factor)


def _ratios(pair: Pair, texts: Texts) -> Worksheet:
    sums = {name: [_by_code(pair, name, y) for y in (0, 1)] for name in MONEY["fund_ratio"]}
    plan: list[Plan] = [
        *CODE, *((f"{name}_{when}", "exact", "yuan", 2) for name in ("booked", "total_cost") for when in ("before", "after")),
        ("ratio_before", "exact", "percent", 2), ("ratio_after", "exact", "percent", 2),
    ]  # fmt: skip
    lines: list[list[object]] = []
    for one in _listed(pair):
        values = [sums[name][y].get(one.code) for name in ("booked", "total_cost") for y in (0, 1)]
        ratios = [percent(values[y] or Fraction(0), values[2 + y] or Fraction(0)) for y in (0, 1)]
        lines.append([*named(one, texts), *values, *ratios])
    summed = {"booked_before", "booked_after", "total_cost_before", "total_cost_after"}
    keys = [str(line[0]) for line in lines]
    return sheet("attribution_fund_ratio", plan, lines, keys, pair.years, pair.fund, summed, "fund_ratio")


def _inputs(pair: Pair, texts: Texts) -> Worksheet:
    """What else the pack's point value takes in."""
    plan: list[Plan] = [("figure", "text", "", None), ("before", "exact", "", None), ("after", "exact", "", None)]
    known = {name for names in MONEY.values() for name in names} | set(OF_SCORES)
    lines: list[list[object]] = []
    keys: list[str] = []
    for name, scope in inputs_of(pair.pack).items():
        if name not in known:
            both = [year.region[name] if scope == "region" else total(year.values[name]) for year in pair.sheets]
            lines.append([pair.pack.title_of(scope, name)[texts.lang], *both])
            keys.append(name)
    return sheet("attribution_other", plan, lines, keys, pair.years, pair.fund, factor="other")


def _groups(pair: Pair, texts: Texts) -> Worksheet:
    """What the catalogue's new scores add, group by group."""
    cells = pair.cells
    points = pair.sums().points("catalogue", "groups")
    counts = [np.bincount(cells.group, one, len(cells.groups)).astype(np.int64) for one in cells.cases]
    first = np.full(len(cells.groups), -1, np.int64)
    first[cells.group[::-1]] = np.arange(len(cells))[::-1]
    plan: list[Plan] = [*GROUP, *CASES, ("rw_before", "exact", "points", None), ("rw_after", "exact", "points", None), POINTS]
    lines: list[list[object]] = []
    for i, one in enumerate(cells.groups):
        if not one.code:
            continue
        scores = [cells.catalogue[y].at(first[i]) if one.codes[y] else None for y in (0, 1)]
        lines.append([*_group(cells, i, texts), int(counts[0][i]), int(counts[1][i]), *scores, points[i]])
    return _sorted("attribution_catalogue", plan, lines, 1, pair, "catalogue")


def _institutions(pair: Pair, factor: str, texts: Texts) -> Worksheet:
    """What each institution adds to the region's score by a factor; the point value moves the other way."""
    cells = pair.cells
    points = pair.sums().points(factor, "institutions")
    n = [np.add.reduceat(one, cells.starts) for one in cells.cases]
    if factor == "coefficient":
        extra = OF_CELL["coefficient"]
        ratios = [_means(cells, cells.rw_k[y], cells.rw[y]) for y in (0, 1)]
    elif factor == "deviation":
        extra = OF_CELL["deviation"]
        ratios = [_means(cells, cells.score[y] * (MIDDLE // COARSE), cells.rw_k[y]) for y in (0, 1)]
    elif factor == "mix":
        extra = OF_CELL["mix"]
        ratios = [[percent(Fraction(int(one)), Fraction(cells.total[y])) for one in n[y]] for y in (0, 1)]
    else:
        extra, ratios = OF_CELL["volume"], []
    lines: list[list[object]] = [
        [*named(one, texts), int(n[0][i]), int(n[1][i]), *(ratio[i] for ratio in ratios), points[i]]
        for i, one in enumerate(cells.institutions)
    ]
    return _sorted(f"attribution_{factor}", [*CODE, *CASES, *extra, POINTS], lines, 0, pair, factor)


def _means(cells: Cells, over: np.ndarray, under: np.ndarray) -> list[Fraction | None]:
    sums = zip(np.add.reduceat(over, cells.starts).tolist(), np.add.reduceat(under, cells.starts).tolist(), strict=True)
    return [Fraction(one, other) if other else None for one, other in sums]


# -- beneath a bar of an institution -----------------------------------------------------------------------------

def of_score(found: Growths, one: Growth, factor: str, lang: str = "") -> Worksheet:
    """Group by group; of the whole region, institution by institution."""
    texts, pair = Texts(lang), found.pairs[one.fund]
    if not one.code:
        n = [np.add.reduceat(cases, pair.cells.starts) for cases in pair.cells.cases]
        lines: list[list[object]] = [
            [*named(each, texts), int(n[0][i]), int(n[1][i]), found.of(each.code, one.fund).part(factor)]
            for i, each in enumerate(pair.cells.institutions)
        ]
        return _sorted(f"attribution_{factor}", [*CODE, *CASES, POINTS], lines, 0, pair, factor)
    cells = pair.cells
    rows, points = cell_points(cells, one.code)
    own = cells.group[rows]
    shares = _of_categories(cells, rows, own)
    whole = [int(cases[rows].sum()) for cases in cells.cases]
    ratios = {"catalogue": cells.catalogue, "coefficient": cells.coefficient, "deviation": cells.realised}.get(factor)
    lines = []
    for at, (row, group) in enumerate(zip(rows.tolist(), own.tolist(), strict=True)):
        n = [int(cases[row]) for cases in cells.cases]
        if factor == "mix":
            more: list[object] = [percent(Fraction(n[y]), Fraction(whole[y])) for y in (0, 1)]
        elif factor == "shift":
            more = [shares[y][at] for y in (0, 1)]
        elif ratios is not None:
            more = [ratios[y].at(row) if n[y] or factor == "catalogue" else None for y in (0, 1)]
        else:
            more = []
        lines.append([*_group(cells, group, texts), *n, *more, points[factor][at]])
    return _sorted(f"attribution_{factor}", [*GROUP, *CASES, *OF_CELL[factor], POINTS], lines, 1, pair, factor)


def drivers(found: Growths, code: str, fund: str, lang: str = "") -> Worksheet:
    """Of each diagnosis that more than one group of the institution shares: the groups, how the cases moved between them, and how
    they did so in the other hospitals of its level. The diagnosis that makes most of it first. keys: group codes"""
    texts, pair = Texts(lang), found.pairs[fund]
    cells, one = pair.cells, found.of(code, fund)
    rows, points = cell_points(cells, code)
    own = cells.group[rows]
    within = _of_categories(cells, rows, own)
    peers = _peers(cells, one)
    by_category: dict[str, list[int]] = {}
    for at, group in enumerate(own.tolist()):
        by_category.setdefault(cells.groups[group].category, []).append(at)
    plan: list[Plan] = [
        *GROUP, *CASES, *OF_CELL["shift"], ("peers_before", "exact", "percent", 2), ("peers_after", "exact", "percent", 2),
        *OF_CELL["catalogue"], POINTS, ("category_points", "exact", "points", 4),
    ]  # fmt: skip
    lines: list[list[object]] = []
    for places in by_category.values():
        if len(places) < 2:
            continue
        whole = total([points["shift"][at] for at in places])
        for at in places:
            row, group = int(rows[at]), int(own[at])
            scores = [cells.catalogue[y].at(row) if cells.groups[group].codes[y] else None for y in (0, 1)]
            lines.append([
                *_group(cells, group, texts), *(int(cases[row]) for cases in cells.cases), within[0][at], within[1][at],
                peers[0].get(group), peers[1].get(group), *scores, points["shift"][at], whole,
            ])  # fmt: skip
    way = -1 if one.part("shift") < 0 else 1  # what makes the shift first, wherever it goes
    lines.sort(key=lambda line: (-way * line[-1], line[0], -way * line[-2], line[1]))  # type: ignore[operator]
    return sheet("attribution_drivers", plan, lines, [str(line[1]) for line in lines], pair.years, fund)


def _of_categories(cells: Cells, rows: Ints, own: Ints) -> list[list[Fraction | None]]:
    """Each cell's share of the institution's cases of the same diagnosis, percent."""
    wholes: list[dict[str, int]] = [{}, {}]
    for y in (0, 1):
        for row, group in zip(rows.tolist(), own.tolist(), strict=True):
            category = cells.groups[group].category
            wholes[y][category] = wholes[y].get(category, 0) + int(cells.cases[y][row])
    return [
        [
            percent(Fraction(int(cells.cases[y][row])), Fraction(wholes[y][cells.groups[group].category]))
            for row, group in zip(rows.tolist(), own.tolist(), strict=True)
        ]
        for y in (0, 1)
    ]


def _peers(cells: Cells, one: Growth) -> list[dict[int, Fraction]]:
    """Each group's share of its diagnosis in the other institutions of the level, percent, by year."""
    level = one.institution.level
    others = np.array([each.level == level and each.code != one.code for each in cells.institutions])[cells.institution]
    found: list[dict[int, Fraction]] = []
    for cases in cells.cases:
        n = np.bincount(cells.group[others], cases[others], len(cells.groups)).astype(np.int64)
        wholes: dict[str, int] = {}
        for i, each in enumerate(cells.groups):
            wholes[each.category] = wholes.get(each.category, 0) + int(n[i])
        found.append({
            i: Fraction(100 * int(n[i]), wholes[each.category]) for i, each in enumerate(cells.groups) if wholes[each.category]
        })  # fmt: skip
    return found


# -- cells -------------------------------------------------------------------------------------------------------


def _by_code(pair: Pair, name: str, y: int) -> dict[str, Fraction]:
    year = pair.sheets[y]
    return {one.code: value for one, value in zip(year.institutions, year.values[name], strict=True)}


def _listed(pair: Pair) -> list[Institution]:
    """Every institution of either year's clearing."""
    found = {one.code: one for year in pair.sheets for one in year.institutions}
    return [one for _, one in sorted(found.items())]


def _group(cells: Cells, i: int, texts: Texts) -> list[object]:
    one = cells.groups[i]
    return [one.category, one.code, one.name if one.code else texts("attribution.no_group")]


def _yuan() -> tuple[Plan, ...]:
    return tuple((f"yuan_{name}", "exact", "yuan", 2) for name in ("before", "after", "change"))


def _sorted(id: str, plan: Sequence[Plan], lines: list[list[object]], key: int, pair: Pair, factor: str) -> Worksheet:
    """What adds or takes most first."""
    lines.sort(key=lambda line: (-abs(line[-1]), str(line[key])))  # type: ignore[arg-type]
    return sheet(id, plan, lines, [str(line[key]) for line in lines], pair.years, pair.fund, factor=factor)
