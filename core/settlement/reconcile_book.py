"""A reconciliation handed over: a workbook whose bridges are formulas over the two sheets, and the same for print.

What is typed in are both sheets, what each cause brings, and the cases; differences, sums, the figures by step and by cause
and what is within tolerance follow from them. Checks beneath every sheet are 0 where the parts make up the difference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from core.export import document, living
from core.export.living import Check, Living, Rule, decimals, fewer, worded
from core.money import plain, total
from core.progress import SILENT, Progress
from core.rules.formula import Sum
from core.settlement import reconcile_sheets as tables
from core.settlement.causes import CAUSES
from core.settlement.reconcile import Reconciliation
from core.settlement.reconcile_sheets import REGION_ROW, UNSUMMED
from core.texts import LANGUAGES, Texts
from core.worksheet import Column, Worksheet, column_of

if TYPE_CHECKING:
    from core.settlement.bridge import Bridge

PRINTED = 1_000  # cases on paper; a workbook holds them all
MONEY = ("due", "final")  # of the summary


def write(found: Reconciliation, path: Path | str, texts: Texts, progress: Progress = SILENT) -> None:
    """As xlsx."""
    living.write(sheets(found, texts), path, _title(found, texts), found.clearing.stamps, texts.lang, progress)


def write_pdf(found: Reconciliation, path: Path | str, texts: Texts, progress: Progress = SILENT) -> None:
    """A4 across; of the cases the largest differences, and of how many."""
    document.worksheets_pdf(
        tables.worksheets(found, texts, PRINTED), path, texts.lang, progress, stamps=found.clearing.stamps
    )


def _title(found: Reconciliation, texts: Texts) -> str:
    return texts("reconcile.book", year=found.clearing.year, pack=found.clearing.pack.title[texts.lang])


def sheets(found: Reconciliation, texts: Texts) -> list[Living]:
    """In the order of `reconcile_sheets.worksheets`."""
    made: list[Living] = [_summary(found, texts)]
    for one in found.bridges:
        made.append(_steps(found, one, texts))
        made += _sides(found, one, texts)
        made.append(_region(found, one, texts))
        made += [_bridge(found, one, step, texts) for step in tables.bridged(one)]
    made.append(_listed(tables.cases(found, texts), "score", texts))
    if found.pays is not None and found.pays.reading:
        made.append(_listed(tables.pays(found, texts), "pay", texts))
    return made


# -- what follows from what ----------------------------------------------------------------------------------


def _values(sheet: Worksheet, *columns: str) -> list[Fraction | None]:
    return [value for name in columns if name in sheet.cells for value in sheet.cells[name].tolist()]


def _checked(sheet: Worksheet, difference: str, texts: Texts) -> Living:
    """With a column of what the parts by cause leave of the difference, row by row, and its sum of sizes beneath."""
    present = [column.id for column in sheet.columns if column.id in CAUSES]
    if not sheet.rows:
        return Living(sheet)
    open_column = Column(
        "open", {lang: Texts(lang)("reconcile.column.open") for lang in LANGUAGES}, "exact", "", None
    )
    sheet = replace(
        sheet, columns=(*sheet.columns, open_column),
        cells={**sheet.cells, "open": column_of([Fraction(0)] * sheet.rows, "exact")},
    )  # fmt: skip
    places = fewer(_values(sheet, "own", "official", difference, *present))
    less = "".join(f"-[{cause}]" for cause in present)
    check = Check(texts("reconcile.check.parts"), "open", Rule("SUMPRODUCT(ABS([open:]))", places))
    return Living(sheet, {"open": Rule(f"[{difference}]{less}", places)}, checks=[check])


def _state(found: Reconciliation, step: str, texts: Texts) -> Rule:
    """Same, within tolerance or beyond it, of the row's difference."""
    most = found.tolerance.get(step, Fraction(0))
    said = {name: texts(f"reconcile.state.{name}") for name in ("same", "within", "beyond")}
    choices = [(f"ABS([difference])>{plain(most)}", said["beyond"]), ("[difference]=0", said["same"])]
    return Rule(worded(choices, said["within"]))


def _bridge(found: Reconciliation, one: Bridge, step: str, texts: Texts) -> Living:
    made = _checked(tables.bridge(found, one.fund, step, texts), "difference", texts)
    places = decimals(_values(made.worksheet, "own", "official"))
    cells: dict[tuple[str, str], Rule] = {}
    for key in made.worksheet.keys if made.worksheet.keys is not None else ():
        for side in ("own", "official"):
            cells[side, str(key)] = Rule(f"[reconcile_{side}_{one.fund}!{step}@{key}]", places)
    rules = {**made.rules, "difference": Rule("[official]-[own]", places), "within": _state(found, step, texts)}
    return replace(made, rules=rules, cells=cells)


def _region(found: Reconciliation, one: Bridge, texts: Texts) -> Living:
    made = _checked(tables.region_bridge(found, one.fund, texts), "difference", texts)
    cells: dict[tuple[str, str], Rule] = {}
    for step in one.official_region:
        own, official = one.own_region[step], one.official_region[step]
        places = decimals([own, official])
        cells["own", step] = Rule(f"[reconcile_own_{one.fund}!{step}@{REGION_ROW}]", places)
        cells["official", step] = Rule(f"[reconcile_official_{one.fund}!{step}@{REGION_ROW}]", places)
        cells["difference", step] = Rule("[official]-[own]", places)
        cells["within", step] = _state(found, step, texts)
        parts = [by_step.get(step, Fraction(0)) for by_step in one.region_parts.values()]
        less = "".join(f"-[{column.id}]" for column in made.worksheet.columns if column.id in CAUSES)
        cells["open", step] = Rule(f"[difference]{less}", fewer([own, official, *parts]))
    return replace(made, cells=cells)


def _sides(found: Reconciliation, one: Bridge, texts: Texts) -> list[Living]:
    """Both sheets. Own region figures that are sums are sums; what the bureau states stays, a check beside it."""
    made: list[Living] = []
    pack = found.clearing.pack
    both = {step.id for step in pack.scope("region")} & {step.id for step in pack.scope("institution")}
    for side in ("own", "official"):
        sheet = tables.sheet_of(found, one.fund, side)
        cells: dict[tuple[str, str], Rule] = {}
        checks: list[Check] = []
        for step in pack.scope("region"):
            if step.id not in sheet.cells or step.id not in one.official_region or not isinstance(step.expr, Sum):
                continue
            of = step.expr.column
            if of not in sheet.cells or of in both or step.id in both:
                continue
            parts = sheet.cells[of].tolist()[1:]
            if any(value is None for value in parts):
                continue  # somebody's figure is not stated: there is no sum
            stated, summed = sheet.cells[step.id][0], total(parts)
            places = decimals([stated, *parts])
            if side == "own" and stated == summed:
                cells[step.id, REGION_ROW] = Rule(f"SUM([{of}:])", places)
            else:
                words = texts("reconcile.check.region", what=step.title[texts.lang])
                rule = Rule(f"[reconcile_{side}_{one.fund}!{step.id}@{REGION_ROW}]-SUM([{of}:])", places)
                checks.append(Check(words, step.id, rule, stated - summed))
        made.append(Living(sheet, cells=cells, checks=checks))
    return made


def _steps(found: Reconciliation, one: Bridge, texts: Texts) -> Living:
    """Region figures from the sheets' region rows, institutions' as sums of where the bureau states one."""
    sheet = tables.steps(found, one.fund, texts)
    pack = found.clearing.pack
    both = {step.id for step in pack.scope("region")} & set(one.official)
    cells: dict[tuple[str, str], Rule] = {}
    for at, key in enumerate(() if sheet.keys is None else sheet.keys.tolist()):
        scope, _, step = str(key).partition(".")
        own, official = (f"reconcile_{side}_{one.fund}!{step}" for side in ("own", "official"))
        tolerated = plain(found.tolerance.get(step, Fraction(0)))
        if scope == "region":
            places = decimals([sheet.cells["own"][at], sheet.cells["official"][at]])
            cells["own", key] = Rule(f"[{own}@{REGION_ROW}]", places)
            cells["official", key] = Rule(f"[{official}@{REGION_ROW}]", places)
            cells["difference", key] = Rule("[official]-[own]", places)
            cells["differing", key] = Rule(f"IF(ABS([difference])>{tolerated},1,0)")
            continue
        if step in both:
            continue  # the region's own figure stands in that column too
        values = [*one.own[step], *(value for value in one.official[step] if value is not None)]
        places = decimals(values)
        cells["differing", key] = Rule(
            f'SUMPRODUCT(([{official}:]<>"")*(ABS(ROUND([{official}:]-[{own}:],{places}))>{tolerated}))'
        )
        if pack.step("institution", step).unit not in UNSUMMED:
            places = decimals([*values, sheet.cells["own"][at], sheet.cells["official"][at]])
            cells["own", key] = Rule(f'SUMPRODUCT(([{official}:]<>"")*[{own}:])', places)
            cells["official", key] = Rule(f"SUM([{official}:])", places)
            cells["difference", key] = Rule("[official]-[own]", places)
    return Living(sheet, cells=cells)


def _summary(found: Reconciliation, texts: Texts) -> Living:
    """Cases and points counted in the list of cases, money summed up by the bridges; the causes make up each difference."""
    sheet = tables.summary(found, texts)
    cells: dict[tuple[str, str], Rule] = {}
    checks: list[Check] = []
    keys: Sequence[str] = [] if sheet.keys is None else [str(key) for key in sheet.keys]
    cases = "reconcile_cases!"
    points = decimals([*sheet.cells["points"].tolist()])
    for at, key in enumerate(keys):
        fund, _, cause = key.partition(".")
        mine = f"([{cases}fund:]=[fund])"
        if sheet.cells["cases"][at]:
            cells["cases", key] = Rule(f"SUMPRODUCT({mine}*([{cases}{cause}:]<>0))")
            cells["points", key] = Rule(f"SUMIFS([{cases}{cause}:],[{cases}fund:],[fund])", points)
        for step in MONEY:
            value = sheet.cells[step][at]
            if value:
                cells[step, key] = Rule(f"[reconcile_bridge_{fund}_{step}!{cause}]", decimals([value]))
    for one in found.bridges:
        rows = [at for at, key in enumerate(keys) if key.startswith(f"{one.fund}.")]
        for step in MONEY:
            if not rows or step not in tables.bridged(one):
                continue
            values = [sheet.cells[step][at] for at in rows]
            moved = total([one.difference(step, i) or Fraction(0) for i in range(len(one.codes))])
            words = texts("reconcile.check.causes", what=texts(f"reconcile.column.{step}"), fund=texts(f"fund.{one.fund}"))
            left = f"SUMIFS([{step}:],[fund:],\"{texts(f'fund.{one.fund}')}\")-[reconcile_bridge_{one.fund}_{step}!difference]"
            checks.append(Check(words, step, Rule(left, fewer([*values, moved])), total([v for v in values if v]) - moved))
    return Living(sheet, cells=cells, checks=checks)


def _listed(sheet: Worksheet, what: str, texts: Texts) -> Living:
    """The cases: each one's difference, and what the causes make of it."""
    difference, own, official = f"{what}_difference", f"own_{what}", f"official_{what}"
    present = [column.id for column in sheet.columns if column.id in CAUSES]
    if not sheet.rows:
        return Living(sheet)
    if what == "pay":
        places = least = 2
    else:
        places = decimals(_values(sheet, own, official))
        least = fewer(_values(sheet, own, official, difference))
    summed = "-".join([f"[{difference}]", *(f"[{cause}]" for cause in present)])
    check = Check(texts("reconcile.check.parts"), difference, Rule(summed, least))
    return Living(sheet, {difference: Rule(f"[{official}]-[{own}]", places)}, checks=[check])
