"""A reconciliation as tables: both sheets side by side, the bridge between them, the cases that differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from core.money import plain, total
from core.rules.cases import FUNDS
from core.settlement.case_differences import Case
from core.settlement.causes import CAUSES, COEFFICIENT, ROUNDING, UNEXPLAINED
from core.settlement.reconcile import Reconciliation
from core.texts import LANGUAGES, Texts
from core.worksheet import Column, Kind, Worksheet, column_of

if TYPE_CHECKING:
    from core.rules.circular import Step
    from core.settlement.bridge import Bridge, Mode

REGION_ROW = "REGION"
# Counts, ratios and prices of institutions have no sum that means anything.
UNSUMMED = ("coefficient", "yuan/point", "percent", "ratio", "%")
NAMED_CAUSES = 3  # in a sentence


def _named(id: str, kind: Kind = "text", unit: str = "", places: int | None = None, *, summed: bool = False) -> Column:
    return Column(id, {lang: Texts(lang)(f"reconcile.column.{id}") for lang in LANGUAGES}, kind, unit, places, total=summed)


def _titled(title: str, what: Mapping[str, str] | None = None, **values: str) -> dict[str, str]:
    """A sheet's title in both languages; what: a step's title, fund: its id."""
    made: dict[str, str] = {}
    for lang in LANGUAGES:
        texts = Texts(lang)
        filled = {**values, "what": what[lang] if what else ""}
        if "fund" in values:
            filled["fund"] = texts(f"fund.{values['fund']}")
        made[lang] = texts(f"reconcile.sheet.{title}", **filled)
    return made


def _of(title: str, shown: int, every: int) -> dict[str, str]:
    """A list's title, and of how many it shows the largest."""
    return _titled(title) if shown >= every else _titled(f"{title}_part", shown=f"{shown:,}", every=f"{every:,}")


def _sheet(
    id: str, title: Mapping[str, str], columns: Sequence[Column], lines: Sequence[Sequence[object]], keys: Sequence[str]
) -> Worksheet:
    cells = {column.id: column_of([line[i] for line in lines], column.kind) for i, column in enumerate(columns)}
    totals: dict[str, object] = {}
    for column in columns:
        if column.total:
            told = [value for value in cells[column.id].tolist() if value is not None]
            totals[column.id] = sum(told) if column.kind in ("int", "fixed") else total(told)
    return Worksheet(id, title, columns, cells, len(lines), totals, keys=column_of(keys, "code"))


def _places(one: Step) -> int | None:
    return 2 if one.unit == "yuan" else 0 if one.unit == "cases" else None


def told(parts: Mapping[str, Fraction], texts: Texts, step: Step, mode: Mode | None = None) -> str:
    """Causes with their amounts, the largest first; what is unexplained is always named. mode: how the bureau rounds."""
    ranked = sorted(((cause, value) for cause, value in parts.items() if value), key=lambda one: -abs(one[1]))
    named = [one for n, one in enumerate(ranked) if n < NAMED_CAUSES or one[0] == UNEXPLAINED]
    said = [f"{_cause(cause, texts, mode)} {_signed(value, step, texts)}" for cause, value in named]
    if rest := [value for cause, value in ranked if (cause, value) not in named]:
        said.append(texts("reconcile.further", count=len(rest), amount=_signed(total(rest), step, texts)))
    return texts.listed(said)


def _counted(one: Bridge, step: str, stated: Sequence[int], texts: Texts, mode: Mode | None) -> str:
    """Of a figure that has no sum: at how many institutions each cause moves it."""
    counts = {cause: sum(bool(one.part(cause, step, i)) for i in stated) for cause in CAUSES}
    return texts.listed(
        [texts("reconcile.counted", cause=_cause(cause, texts, mode), count=count) for cause, count in counts.items() if count]
    )


def _cause(cause: str, texts: Texts, mode: Mode | None) -> str:
    said = texts(f"reconcile.cause.{cause}")
    if cause != ROUNDING or mode is None:
        return said
    return texts("reconcile.at_places", cause=said, how=texts(f"reconcile.{'cut' if mode[1] else 'rounded'}", places=mode[0]))


def _signed(value: Fraction, step: Step, texts: Texts) -> str:
    said = amount(value, step, texts)
    return f"+{said}" if value > 0 else said


def amount(value: Fraction, step: Step, texts: Texts) -> str:
    """With thousands separators, and its unit."""
    text = plain(value, _places(step))
    whole, point, decimals = text.lstrip("-").partition(".")
    unit = _unit(step, texts)
    return f"{'-' if text.startswith('-') else ''}{int(whole):,}{point}{decimals}" + (f" {unit}" if unit else "")


def _bridge_of(found: Reconciliation, fund: str) -> Bridge:
    return next(one for one in found.bridges if one.fund == fund)


def _step(found: Reconciliation, scope: str, id: str) -> Step:
    return found.clearing.pack.step("region" if scope == "region" else "institution", id)


def _parts(one: Bridge, step: str, i: int) -> dict[str, Fraction]:
    """Of an institution's difference; -1: of the region's."""
    if i < 0:
        return {cause: own[step] for cause, own in one.region_parts.items() if own.get(step)}
    return {cause: value for cause in CAUSES if (value := one.part(cause, step, i))}


# -- by cause ------------------------------------------------------------------------------------------------


def summary(found: Reconciliation, texts: Texts, fund: str = "") -> Worksheet:
    """What each cause is worth: cases, points, and the money of institutions at the last step that both sheets have.

    keys: FUND.CAUSE"""
    columns = [
        _named("fund"), _named("cause"), _named("cases", "int", "cases"), _named("points", "exact", "points"),
        _named("institutions", "int"), _named("due", "exact", "yuan", 2), _named("final", "exact", "yuan", 2),
    ]  # fmt: skip
    lines: list[list[object]] = []
    keys: list[str] = []
    for one in found.bridges:
        for cause in CAUSES if fund in ("", one.fund) else ():
            count, points = found.of_cause(one.fund, cause)
            moved = {
                step: [
                    one.part(cause, step, i) for i in range(len(one.codes)) if one.difference(step, i) is not None
                ]
                for step in ("due", "final")
            }
            touched = {
                i
                for step in one.official
                for i in range(len(one.codes))
                if one.difference(step, i) is not None and one.part(cause, step, i)
            }
            if not count and not touched and not any(one.region_parts.get(cause, {}).get(s) for s in one.official_region):
                continue
            sums = [total(values) if values else None for values in moved.values()]
            lines.append(
                [texts(f"fund.{one.fund}"), texts(f"reconcile.cause.{cause}"), count, points, len(touched), *sums]
            )
            keys.append(f"{one.fund}.{cause}")
    return _sheet("reconcile_causes", _titled("causes"), columns, lines, keys)


# -- by step -------------------------------------------------------------------------------------------------


def steps(found: Reconciliation, fund: str, texts: Texts) -> Worksheet:
    """Every step that the official sheet has: the region's, and the institutions' added up. keys: SCOPE.STEP"""
    one = _bridge_of(found, fund)
    columns = [
        _named("scope"), _named("step"), _named("unit"), _named("own", "exact"), _named("official", "exact"),
        _named("difference", "exact"), _named("differing", "int"), _named("causes"),
    ]  # fmt: skip
    lines: list[list[object]] = []
    keys: list[str] = []
    for step in found.clearing.pack.scope("region"):
        if step.id in one.official_region:
            own, official = one.own_region[step.id], one.official_region[step.id]
            said = told(_parts(one, step.id, -1), texts, step, one.rounded.get(("region", step.id))) if official != own else ""
            off = int(found.beyond(step.id, official - own))
            lines.append(
                [texts("reconcile.scope.region"), step.title[texts.lang], _unit(step, texts), own, official, official - own,
                 off, said]
            )  # fmt: skip
            keys.append(f"region.{step.id}")
    for step in found.clearing.pack.scope("institution"):
        if step.id not in one.official:
            continue
        stated = [i for i in range(len(one.codes)) if one.official[step.id][i] is not None]
        differences = [one.difference(step.id, i) or Fraction(0) for i in stated]
        off = sum(found.beyond(step.id, value) for value in differences)
        sums: list[Fraction | None] = [None, None, None]
        parts: dict[str, Fraction] = {}
        if step.unit not in UNSUMMED:
            own = total([one.own[step.id][i] for i in stated])
            moved = total(differences)
            sums = [own, own + moved, moved]
            parts = {cause: total([one.part(cause, step.id, i) for i in stated]) for cause in CAUSES}
        mode = one.rounded.get(("institution", step.id))
        said = ""
        if any(differences):
            said = told(parts, texts, step, mode) or _counted(one, step.id, stated, texts, mode)
        lines.append(
            [texts("reconcile.scope.institution"), step.title[texts.lang], _unit(step, texts), *sums, off,
             said]
        )  # fmt: skip
        keys.append(f"institution.{step.id}")
    return _sheet(f"reconcile_steps_{fund}", _titled("steps", fund=fund), columns, lines, keys)


def _unit(step: Step, texts: Texts) -> str:
    return texts(f"unit.{step.unit}") if step.unit and texts.has(f"unit.{step.unit}") else ""


def bridge(found: Reconciliation, fund: str, step: str, texts: Texts) -> Worksheet:
    """One step from here to there: own, what each cause brings, official. Largest difference first. keys: institution"""
    one = _bridge_of(found, fund)
    of = _step(found, "institution", step)
    stated = [i for i in range(len(one.codes)) if step in one.official and one.official[step][i] is not None]
    present = [cause for cause in CAUSES if any(one.part(cause, step, i) for i in stated)]
    summed, places = of.unit not in UNSUMMED, _places(of)
    unit = "" if of.unit == "coefficient" else of.unit
    columns = [
        _named("fixmedins_code", "code"), _named("fixmedins_name"), _named("difference", "exact", unit, places, summed=summed),
        _named("own", "exact", unit, places, summed=summed),
        *(_cause_column(cause, unit, places, summed) for cause in present),
        _named("official", "exact", unit, places, summed=summed), _named("within"),
    ]  # fmt: skip
    ranked = sorted(stated, key=lambda i: (-abs(one.difference(step, i) or Fraction(0)), one.codes[i]))
    lines: list[list[object]] = []
    for i in ranked:
        difference = one.difference(step, i) or Fraction(0)
        code = one.codes[i]
        lines.append(
            [code, _name(found, code), difference, one.own[step][i], *(one.part(cause, step, i) for cause in present),
             one.official[step][i], texts(f"reconcile.state.{_state(found, step, difference)}")]
        )  # fmt: skip
    title = _titled("bridge", of.title, fund=fund)
    return _sheet(f"reconcile_bridge_{fund}_{step}", title, columns, lines, [one.codes[i] for i in ranked])


def region_bridge(found: Reconciliation, fund: str, texts: Texts) -> Worksheet:
    """The region's figures from here to there. keys: STEP"""
    one = _bridge_of(found, fund)
    there = [step for step in found.clearing.pack.scope("region") if step.id in one.official_region]
    present = [cause for cause in CAUSES if any(one.region_parts.get(cause, {}).get(step.id) for step in there)]
    columns = [
        _named("step"), _named("unit"), _named("own", "exact"), *(_cause_column(cause, "", None, False) for cause in present),
        _named("official", "exact"), _named("difference", "exact"), _named("within"),
    ]  # fmt: skip
    lines: list[list[object]] = []
    for step in there:
        own, official = one.own_region[step.id], one.official_region[step.id]
        parts = [one.region_parts.get(cause, {}).get(step.id, Fraction(0)) for cause in present]
        state = texts(f"reconcile.state.{_state(found, step.id, official - own)}")
        lines.append([step.title[texts.lang], _unit(step, texts), own, *parts, official, official - own, state])
    return _sheet(
        f"reconcile_region_{fund}", _titled("region", fund=fund), columns, lines, [step.id for step in there]
    )


def sheet_of(found: Reconciliation, fund: str, side: str) -> Worksheet:
    """One of the two sheets, own or official: the region first, then the institutions; empty where it says nothing.

    keys: REGION and institutions"""
    one = _bridge_of(found, fund)
    pack = found.clearing.pack
    in_region = [step for step in pack.scope("region") if step.id in one.official_region]
    there = [step for step in pack.scope("institution") if step.id in one.official]
    own = side == "own"
    columns = [_named("fixmedins_code", "code"), _named("fixmedins_name")]
    shown: dict[str, Step] = {}
    for step in (*in_region, *there):
        if step.id not in shown:
            shown[step.id] = step
            unit = "" if step.unit == "coefficient" else step.unit
            columns.append(Column(step.id, step.title, "exact", unit, _places(step), step.evidence))
    region = one.own_region if own else one.official_region
    known = {step.id for step in in_region}
    lines: list[list[object]] = [
        [REGION_ROW, Texts("zh")("reconcile.scope.region"), *(region[id] if id in known else None for id in shown)]
    ]
    ids = {step.id for step in there}
    for i, code in enumerate(one.codes):
        values = [(one.own[id][i] if own else one.official[id][i]) if id in ids else None for id in shown]
        lines.append([code, _name(found, code), *values])
    title = _titled(side, fund=fund)
    return _sheet(f"reconcile_{side}_{fund}", title, columns, lines, [REGION_ROW, *one.codes])


def _cause_column(cause: str, unit: str, places: int | None, summed: bool) -> Column:
    return Column(cause, _cause_title(cause), "exact", unit, places, total=summed)


def _cause_title(cause: str) -> dict[str, str]:
    return {lang: Texts(lang)(f"reconcile.cause.{cause}") for lang in LANGUAGES}


def _name(found: Reconciliation, code: str) -> str:
    return found.institutions[code].name if code in found.institutions else ""


def _state(found: Reconciliation, step: str, difference: Fraction) -> str:
    return "same" if not difference else "beyond" if found.beyond(step, difference) else "within"


# -- cases ---------------------------------------------------------------------------------------------------


def cases(
    found: Reconciliation, texts: Texts, *, fund: str = "", code: str = "", cause: str = "", most: int | None = None
) -> Worksheet:
    """The cases that differ, largest first: both sides' figures, points by cause, and by what. keys: settlements"""
    some = found.picked(fund=fund, code=code, cause=cause, most=most)
    present = [name for name in CAUSES if any(one.parts.get(name) for one in some)]
    columns = [
        _named("setl_id", "code"), _named("score_difference", "exact", "points", summed=True), _named("causes"), _named("by"),
        _named("own_score", "exact", "points", summed=True), _named("official_score", "exact", "points", summed=True),
        _named("fund"), _named("fixmedins_code", "code"), _named("fixmedins_name"),
        *(_cause_column(name, "points", None, True) for name in present),
        *(_named(f"{side}_{name}", "code" if name == "group" else "exact") for name in ("group", "rw", "k", "u")
          for side in ("own", "official")),
        _named("official_deviation"),
    ]  # fmt: skip
    lines: list[list[object]] = []
    for one in some:
        said = texts.listed([texts(f"reconcile.cause.{name}") for name in CAUSES if one.parts.get(name)])
        lines.append(
            [one.setl_id, one.difference, said, detail(one, found, texts), one.own, one.official,
             texts(f"fund.{one.fund}") if one.fund else "", one.code, _name(found, one.code),
             *(one.parts.get(name) for name in present), *_sides(found, one)]
        )  # fmt: skip
    every = len(some) if fund or code or cause else found.count
    return _sheet("reconcile_cases", _of("cases", len(some), every), columns, lines, [one.setl_id for one in some])


def detail(one: Case, found: Reconciliation, texts: Texts) -> str:
    """By what a case differs, in words; "" where the causes say it all."""
    key, value = one.detail
    if not key or (key == "set" and not value):
        if UNEXPLAINED in one.parts:
            return texts("reconcile.by.none")
        own, there = _sides(found, one)[4:6] if one.parts.get(COEFFICIENT) else (None, None)
        if isinstance(own, Fraction) and isinstance(there, Fraction) and own != there:
            return texts("reconcile.by.coefficients", own=plain(own), official=plain(there))
        return ""
    if key == "branch":
        rule = found.clearing.pack.case
        value = next((branch.title[texts.lang] for branch in rule.branches if branch.id == value), value)
    if key == "reference" or key == "out":
        value = texts(f"reconcile.{key}.{value}")
    if key == "version" and not value:
        key = "score"
    if key == "date" and not value:
        key = "another_day"
    if key == "factor" and not value:
        key = "factor_stated"
    return texts(f"reconcile.by.{key}", value=value)


def _sides(found: Reconciliation, one: Case) -> list[object]:
    """Group, score of the group, coefficient and factor here and there, and what the list calls the deviation."""
    table, listed = found.scored.inputs.cases, found.listed
    own: list[object] = ["", None, None, None]
    if one.at >= 0:
        rows = found.scored.inputs.standing.rows
        group = int(rows.group[one.at])
        own = [rows.groups[group] if group >= 0 else "", table.rw.at(one.at), table.k.at(one.at), table.u.at(one.at)]
    there: list[object] = ["", None, None, None]
    deviation = ""
    if one.row >= 0:
        there = [
            listed.groups[listed.group[one.row]], listed.rw.of(one.row), listed.coefficient.of(one.row),
            listed.factor.of(one.row),
        ]  # fmt: skip
        deviation = listed.deviations[listed.deviation[one.row]]
    return [value for pair in zip(own, there, strict=True) for value in pair] + [deviation]


def pays(found: Reconciliation, texts: Texts, *, fund: str = "", code: str = "", most: int | None = None) -> Worksheet:
    """The cases whose amounts differ, largest first: yuan here and there and by cause. keys: settlements"""
    paid, table = found.pays, found.scored.inputs.cases
    rows, every = np.zeros(0, np.int64), 0
    if paid is not None:
        keep = np.ones(len(paid.where), bool)
        if fund:
            keep &= table.fund[paid.where] == FUNDS.index(fund)
        if code:
            keep &= table.institution[paid.where] == (table.institutions.index(code) if code in table.institutions else -1)
        rows = np.flatnonzero(keep)
        every = len(rows)
        rows = rows[np.argsort(-np.abs(paid.difference[rows]), kind="stable")][:most]
    parts = {cause: paid.parts[cause][rows] for cause in CAUSES if cause in paid.parts} if paid is not None else {}
    present = [cause for cause, values in parts.items() if values.any()]
    columns = [
        _named("setl_id", "code"), _named("pay_difference", "fixed", "yuan", 2, summed=True), _named("causes"), _named("by"),
        _named("own_pay", "fixed", "yuan", 2, summed=True), _named("official_pay", "fixed", "yuan", 2, summed=True),
        _named("fund"), _named("fixmedins_code", "code"), _named("fixmedins_name"),
        *(Column(name, _cause_title(name), "fixed", "yuan", 2, total=True) for name in present),
    ]  # fmt: skip
    lines: list[list[object]] = []
    said = {name: texts(f"reconcile.cause.{name}") for name in present}
    for n, i in enumerate(rows.tolist()):
        assert paid is not None
        at = int(paid.where[i])
        own = table.institutions[int(table.institution[at])]
        lines.append(
            [str(table.setl_id[at]), int(paid.official[i] - paid.own[i]),
             texts.listed([said[name] for name in present if parts[name][n]]),
             texts(f"reconcile.by.{paid.by[i]}") if paid.by[i] else "", int(paid.own[i]), int(paid.official[i]),
             texts(f"fund.{FUNDS[int(table.fund[at])]}"), own, _name(found, own), *(int(parts[name][n]) for name in present)]
        )  # fmt: skip
    return _sheet("reconcile_pays", _of("pays", len(lines), every), columns, lines, [str(line[0]) for line in lines])


def bridged(one: Bridge) -> list[str]:
    """The institutions' steps that differ anywhere."""
    return [step for step in one.official if any(one.difference(step, i) for i in range(len(one.codes)))]


def worksheets(found: Reconciliation, texts: Texts, most: int | None = None) -> list[Worksheet]:
    """All, for export: causes, steps, both sheets, the bridges of every step that differs, the cases.

    most: at most so many cases, the largest differences; the title says how many there are."""
    made = [summary(found, texts)]
    for one in found.bridges:
        made.append(steps(found, one.fund, texts))
        made += [sheet_of(found, one.fund, side) for side in ("own", "official")]
        made.append(region_bridge(found, one.fund, texts))
        made += [bridge(found, one.fund, step, texts) for step in bridged(one)]
    made.append(cases(found, texts, most=most))
    return [*made, pays(found, texts, most=most)] if found.pays is not None and found.pays.reading else made
