"""Why a figure is what it is: from a cell of the sheet down to the cases and imported rows beneath it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from core.catalogue import telling
from core.faults import Refused
from core.money import round_ratios, rounded, yuan
from core.progress import SILENT
from core.rules import steps
from core.rules.case_scores import explain_case
from core.rules.cases import FUNDS, Ints, Scaled
from core.rules.grouping import rule_of
from core.rules.sheet import Clearing, Explanation, Scope, Stamps, Title
from core.settlement import (
    annual,
    arrivals,
    coefficients,
    facts,
    grouping,
    groups,
    month_cases,
    outside_rows,
    references,
)
from core.settlement import year as years
from core.settlement.annual import Scored, score_cases, taken
from core.settlement.changes import Changes
from core.settlement.coefficients import Part
from core.settlement.funds import OTHER
from core.settlement.gather import Inputs
from core.settlement.given import content_of
from core.texts import LANGUAGES, Texts
from core.worksheet import Cells, Column, Kind, Worksheet, column_of

if TYPE_CHECKING:
    from core.storage.workspace import Workspace

X_PLACES = 6  # of the shown ratio of fee to reference; branches are decided exactly
_BOOKED = Path(__file__).with_name("booked_months.sql").read_text("utf-8")
# Which imported rows are beneath an input step.
ROWS = {
    **{step: ("payment", kind) for kind, step in facts.PAYMENTS.items()},
    **{step: ("deduction", kind) for kind, step in facts.DEDUCTIONS.items()},
    "last_paid": ("payment", "monthly"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a case's story. `value` is plain; `cite` where a rule decided it."""

    id: str
    title: Title
    value: str
    unit: str = ""


@dataclass(frozen=True, slots=True)
class CaseStory:
    """One case from its row in the file to its score.

    counted: it is in the scores. out: else the reason (`finding.out_*`, by_item). sentence, filled: the branch's formula in
    words and with values. lines: what went in, in reading order. path: with own grouping, how the case came to its
    group, step by step.
    """

    setl_id: str
    file: str
    sheet: str
    row: int
    counted: bool
    out: str
    branch: Title
    sentence: Title
    filled: Title
    cite: str
    documents: Sequence[tuple[str, str, str, str]]
    open: Title
    score: Fraction | None
    review: bool
    lines: tuple[Line, ...]
    path: tuple[Title, ...] = ()


def explain(
    workspace: Workspace, clearing: Clearing, fund: str, scope: Scope, code: str, step: str
) -> Explanation:
    """The cell of a step; `beneath` says whether institutions, cases, settlements or imported rows lie under it."""
    told = steps.explain_step(clearing.pack, clearing.fund(fund), scope, code, step)
    return replace(told, beneath="settlements") if told.beneath == "cases" and step in outside_rows.STEPS else told


def settlements_of(
    workspace: Workspace, clearing: Clearing, fund: str, code: str, step: str, lang: str = ""
) -> Worksheet:
    """The settlements beneath what is counted of the year's file beside the scored cases: see `outside_rows.rows`."""
    return outside_rows.rows(workspace, clearing, detail(workspace, clearing), fund, code, step, lang)


def detail(workspace: Workspace, clearing: Clearing) -> Scored:
    """The cases of a clearing, from memory or computed again. Refused("run_stale") where its data is no longer there."""
    stamps = clearing.stamps
    if stamps.period:
        return _of_month(workspace, clearing)
    for scored in reversed(annual.kept()):
        own = scored.inputs.stamps
        if (
            own.data_hash == stamps.data_hash
            and own.set_hash == stamps.set_hash
            and own.changes == stamps.changes
            and scored.rule == clearing.pack.case
        ):
            return scored
    scored = score_cases(
        workspace,
        clearing.year,
        clearing.pack,
        funds=tuple(sheet.fund for sheet in clearing.funds),
        set_name=stamps.set_name,
        catalogue=stamps.catalogue,
        grouping=stamps.grouping,
        changes=Changes.of(stamps.changes),
        scenario=stamps.scenario,
    )
    own = scored.inputs.stamps
    if own.data_hash != stamps.data_hash or own.set_hash != stamps.set_hash:
        raise Refused("run_stale", run=stamps.run_hash[:16])
    return scored


def _of_month(workspace: Workspace, clearing: Clearing) -> Scored:
    """The cases of the month's whole year, scored; Refused("run_stale") where the month's sums are others by now."""
    stamps, month = clearing.stamps, int(clearing.stamps.period[4:])
    found = month_cases.read(
        workspace, clearing.year, clearing.pack, funds=tuple(sheet.fund for sheet in clearing.funds),
        set_name=stamps.set_name, catalogue=stamps.catalogue, grouping=stamps.grouping, progress=SILENT,
    )  # fmt: skip
    summed = [one.id for one in clearing.pack.scope("institution") if one.input == "cases"]
    same = found.head.hash == stamps.set_hash and all(
        found.sum(name, sheet.fund, one.code, month) == value
        for sheet in clearing.funds
        for name in summed
        for one, value in zip(sheet.institutions, sheet.values[name], strict=True)
    )
    if not same:
        raise Refused("run_stale", run=stamps.run_hash[:16])
    inputs = Inputs(
        clearing.year, found.cases, found.standing.place, {}, {}, {}, {}, stamps, clearing.findings, found.standing
    )
    return Scored(inputs, clearing.pack.case, found.scores)


def _content(connection: sqlite3.Connection, stamps: Stamps) -> tuple[Part, ...]:
    """The set's coefficients, with a scenario's changes."""
    return content_of(coefficients.parts(connection, stamps.set_name), Changes.of(stamps.changes).cells)


def cases_of(
    workspace: Workspace, clearing: Clearing, fund: str, code: str = "", lang: str = ""
) -> Worksheet:
    """Case by case what a fund's scores are made of, of one institution or of all; sorted by institution, then settlement."""
    scored = detail(workspace, clearing)
    whole = scored.inputs.cases
    where = whole.fund == FUNDS.index(fund)
    if code:
        at = whole.institutions.index(code) if code in whole.institutions else -1
        where &= whole.institution == at
    if clearing.stamps.period:
        where &= whole.day // 100 == int(clearing.stamps.period)
    chosen = np.flatnonzero(where)
    ids = np.asarray(pd.Series(whole.setl_id[chosen], dtype=object).argsort(kind="stable"))
    chosen = chosen[ids]
    chosen = chosen[np.argsort(whole.institution[chosen], kind="stable")]
    cases = taken(whole, chosen)
    standing = scored.inputs.standing
    stated = standing.rows.group[chosen]
    texts = Texts(lang)
    codes, names = (
        [*whole.groups, ""],
        [*(standing.groups[g].dip_name if g in standing.groups else "" for g in whole.groups), ""],
    )
    branches = [branch.title.get(texts.lang, branch.id) for branch in clearing.pack.case.branches]
    branches += [texts("case.ungrouped"), texts("case.adjusted")]  # -2 and -1 count from the end
    referenced = cases.reference > 0
    x = np.zeros(len(chosen), np.int64)
    x[referenced] = round_ratios(cases.fee[referenced] * 10**X_PLACES, cases.reference[referenced])
    cells: dict[str, Cells] = {
        "setl_id": cases.setl_id,
        "fixmedins_code": _named([*whole.institutions], cases.institution),
        "day": _named(*_days(cases.day)),
        "dip_code": _named(codes, stated),
        "dip_name": _named(names, stated),
        "fee": cases.fee,
        "reference": cases.reference,
        "reference_source": _named(
            [texts(f"reference.{references.NAMES[i]}") for i in sorted(references.NAMES)],
            cases.reference_source,
        ),
        "x": x,
        "rw": cases.rw.values,
        "k": cases.k.values,
        "u": cases.u.values,
        "branch": _named(branches, scored.scores.branch[chosen]),
        "review": scored.scores.review[chosen].astype(np.int64),
        "booked": cases.booked,
        "own_pay": cases.own_pay,
        "other_pay": cases.other_pay,
    }
    columns = [
        _column("setl_id", "结算ID", "Settlement", "code"),
        _column("fixmedins_code", "机构编码", "Institution", "code"),
        _column("day", "结算日期", "Settled on", "code"),
        _column("dip_code", "病种编码", "Group", "code"),
        _column("dip_name", "病种名称", "Group name"),
        _column("fee", "医疗费用", "Fee", "fixed", "yuan", 2, total=True),
        _column("reference", "参照均费", "Reference mean", "fixed", "yuan", 2),
        _column("reference_source", "均费来源", "From"),
        _column("x", "费用倍率", "Fee / mean", "fixed", "", X_PLACES),
        _column("rw", "病种分值", "Group score", "fixed", "points", cases.rw.places),
        _column("k", "机构系数", "Coefficient", "fixed", "", cases.k.places),
        _column("u", "辅助系数", "Auxiliary factor", "fixed", "", cases.u.places),
        _column("branch", "计分方式", "Branch"),
    ]
    if scored.scores.score is not None:
        cells["score"] = scored.scores.score.values[chosen]
        columns.append(
            _column(
                "score", "病例分值", "Case score", "fixed", "points", scored.scores.score.places, total=True
            )
        )
    else:
        exact = scored.scores.exact or ()
        cells["score"] = column_of([exact[i] for i in chosen.tolist()], "exact")
        columns.append(_column("score", "病例分值", "Case score", "exact", "points", None, total=True))
    columns += [
        _column("review", "待审核", "For review", "int"),
        _column("booked", "统筹记账", "Booked", "fixed", "yuan", 2, total=True),
        _column("own_pay", "个人支付", "Own payment", "fixed", "yuan", 2, total=True),
        _column("other_pay", "其他基金支付", "Other funds", "fixed", "yuan", 2, total=True),
    ]
    for name, values in scored.scores.measures.items():
        measure = next(one for one in clearing.pack.case.measures if one.id == name)
        cells[name] = values.values[chosen]
        columns.append(Column(name, measure.title, "fixed", measure.unit, values.places, total=True))
    totals: dict[str, object] = {}
    for column in columns:
        if column.total:
            own = cells[column.id]
            totals[column.id] = int(own.sum()) if column.kind == "fixed" else sum(own, Fraction(0))
    title = {"zh": "病例明细", "en": "Cases"}
    return Worksheet("cases", title, columns, cells, len(chosen), totals, keys=cases.setl_id)


def rows_of(workspace: Workspace, clearing: Clearing, fund: str, code: str, step: str, lang: str = "") -> Worksheet:
    """The imported rows beneath an input, each with its file and row: payments, deductions, assessments, budget
    lines, cases paid by item. What a scenario puts in their place stands there instead, named so, without a file."""
    connection = workspace.reader()
    year = clearing.year
    place = "coalesce(batch.file, ''), coalesce(batch.sheet, ''), t.row"
    joined = "AS t LEFT JOIN batch ON batch.id = t.batch_id"
    where = "(:code = '' OR t.fixmedins_code = :code)"
    period = clearing.stamps.period
    values: dict[str, Any] = {"fund": fund, "code": code, "year": year, "period": period or str(year)}
    if step == "last_booked":
        query, values = _BOOKED, values | {"year": year - 1, "number": FUNDS.index(fund) + 1}
        values["home"], values["beyond"] = arrivals.home_of(workspace.region, clearing.pack.case.intra_province)
    elif step in ROWS:
        table, values["kind"] = ROWS[step]
        if step == "last_paid":
            values["period"] = str(year - 1)
        note = "note" if table == "deduction" else "''"
        query = (
            f"SELECT t.fixmedins_code, t.period, {note}, t.amount, {place} FROM {table} {joined} WHERE {where}"
            " AND t.fund = :fund AND t.kind = :kind AND substr(t.period, 1, length(:period)) = :period ORDER BY 1, 2, 3"
        )
    elif step == "assessment_score":
        query = (
            f"SELECT t.fixmedins_code, t.indicator, t.points || ' / ' || t.max_points, NULL, {place} FROM assessment"
            f" {joined} WHERE {where} AND t.year = :year ORDER BY 1, 2"
        )
    elif step == "coefficient":
        values["set"] = clearing.stamps.set_name
        query = (
            "SELECT t.fixmedins_code, t.valid_from, t.part || ' = ' || t.value || CASE t.basis WHEN '' THEN '' ELSE"
            f" ' (' || t.basis || ')' END, NULL, {place}, t.fund, t.part FROM coefficient {joined} WHERE {where}"
            " AND t.set_name = :set AND t.fund IN (:fund, 'all') ORDER BY 1, t.part, t.valid_from"
        )
    elif step == "by_item":
        # Decided ones and, where the pack pays ungrouped cases their fee, those: what the sum was made of.
        standing = detail(workspace, clearing).inputs.standing
        n = len(standing.rows.institutions)
        values["left"] = json.dumps([one for one, at in standing.left.items() if at // n == FUNDS.index(fund)])
        query = (
            "SELECT t.fixmedins_code, t.setl_id, coalesce(s.document, ''), t.hifp_pay,"
            f" {place} FROM json_each(:left) AS paid CROSS JOIN cases AS t ON t.setl_id = paid.value AND t.sign = 1"
            " LEFT JOIN batch ON batch.id = t.batch_id LEFT JOIN special_case AS s ON s.setl_id = t.setl_id"
            f" WHERE {where} AND substr(t.day, 1, length(:period)) = :period ORDER BY 1, 2"
        )
    else:
        items = ("dip_budget", "dip_topup") if step == "budget" else (step,)
        marks = ", ".join(f"'{item}'" for item in items if item.replace("_", "").isalnum())
        named = f"t.item LIKE '{OTHER}%'" if step == "other_budget" else f"t.item IN ({marks})"
        query = (
            f"SELECT t.item, t.date, t.document, t.amount, {place} FROM budget {joined} WHERE t.year = :year"
            f" AND t.fund = :fund AND {named} ORDER BY 1, 2, 3"
        )
    found = _tried(connection.execute(query, values).fetchall(), clearing.stamps, fund, code, step, Texts(lang))
    amounts = step not in ("assessment_score", "coefficient")
    columns = [
        _column("subject", "机构或项目", "Institution or item", "code"),
        _column("period", "期间或日期", "Period or date", "code"),
        _column("remark", "说明", "Remark"),
        *([_column("amount", "金额", "Amount", "fixed", "yuan", 2, total=True)] if amounts else []),
        _column("file", "文件", "File"),
        _column("sheet", "工作表", "Sheet"),
        _column("row", "行", "Row", "exact", "", 0),
    ]
    picked = [0, 1, 2, *([3] if amounts else []), 4, 5, 6]
    cells = {c.id: column_of([row[i] for row in found], c.kind) for c, i in zip(columns, picked, strict=True)}
    totals: dict[str, object] = {"amount": int(cells["amount"].sum())} if amounts else {}
    return Worksheet(
        f"rows_{step}", {"zh": "导入行", "en": "Imported rows"}, columns, cells, len(found), totals
    )


def _tried(
    found: list[tuple[Any, ...]], stamps: Stamps, fund: str, code: str, step: str, texts: Texts
) -> list[tuple[Any, ...]]:
    """The rows with a scenario's budget amounts and coefficients in place of those that it changes."""
    changes = Changes.of(stamps.changes)
    named = texts("export.scenario", name=stamps.scenario or texts("export.unnamed_scenario"))
    if step == "coefficient":
        cells = [one for one in changes.cells if one.fund in (fund, "all") and code in ("", one.code)]
        gone = {(one.code, one.valid_from, one.fund, one.part) for one in cells}
        kept = [row for row in found if (row[0], row[1], *row[7:]) not in gone]
        kept += [
            (one.code, one.valid_from, f"{one.part} = {one.value} ({named})", None, "", "", None, one.fund, one.part)
            for one in cells if one.value is not None
        ]  # fmt: skip
        return sorted(kept, key=lambda row: (row[0], row[8], row[1])) if cells else found
    items = ("dip_budget", "dip_topup") if step == "budget" else (step,)
    amounts = {item: fen for (of, item), fen in changes.budget.items() if of == fund and item in items}
    kept = [row for row in found if row[0] not in amounts]
    kept += [(item, "", named, fen, "", "", None) for item, fen in amounts.items()]
    return sorted(kept, key=lambda row: row[:3]) if amounts else found


def case_story(workspace: Workspace, clearing: Clearing, setl_id: str) -> CaseStory:
    """One case. Refused("case_unknown") where the workspace holds no such settlement."""
    connection = workspace.reader()
    row = connection.execute(
        "SELECT coalesce(b.file, ''), coalesce(b.sheet, ''), c.row, c.fixmedins_code, c.fund, c.day, c.diag_code, c.diag_name,"
        " c.oprn_code, c.fee, c.netting, c.scope, c.hifp_pay, c.own_pay, c.other_pay FROM cases AS c"
        " LEFT JOIN batch AS b ON b.id = c.batch_id WHERE c.setl_id = ? ORDER BY c.sign DESC",
        (setl_id,),
    ).fetchone()
    if row is None:
        raise Refused("case_unknown", case=setl_id)
    (
        file,
        sheet,
        line,
        code,
        fund,
        day,
        diagnosis,
        named,
        operation,
        fee,
        netting,
        scope,
        booked,
        own,
        other,
    ) = row
    lines = [
        _line(
            "fixmedins_code", "医疗机构", "Institution", f"{code} {_institution(connection, code)}".strip()
        ),
        _line("day", "结算日期", "Settled on", arrivals.iso_day(day)),
        _line("diag_code", "主要诊断", "Principal diagnosis", f"{diagnosis} {named or ''}".strip()),
        _line("oprn_code", "主要手术操作", "Main operation", operation or ""),
        _line("fee", "医疗费用", "Fee", yuan(fee), "yuan"),
        _line("booked", "统筹记账", "Booked", yuan(booked), "yuan"),
        _line("own_pay", "个人支付", "Own payment", yuan(own), "yuan"),
        _line("other_pay", "其他基金支付", "Other funds", yuan(other), "yuan"),
    ]
    scored = detail(workspace, clearing)
    found = np.flatnonzero(scored.inputs.cases.setl_id == setl_id)
    if not len(found) or fund == 0:
        reason = (
            arrivals.NETTING.get(netting)
            or arrivals.SCOPE.get(scope)
            or _left(connection, scored, setl_id, code)
        )
        nothing: Title = dict.fromkeys(LANGUAGES, "")
        return CaseStory(
            setl_id,
            file,
            sheet,
            line,
            False,
            reason,
            nothing,
            nothing,
            nothing,
            "",
            (),
            nothing,
            None,
            False,
            tuple(lines),
        )
    path = _path(workspace, connection, clearing, scored, setl_id)
    return _counted(connection, clearing, scored, int(found[0]), (setl_id, file, sheet, line), lines, path)


def _path(
    workspace: Workspace, connection: sqlite3.Connection, clearing: Clearing, scored: Scored, setl_id: str
) -> tuple[Title, ...]:
    """How own grouping came to the case's group, step by step; nothing where the bureau's group counts."""
    standing, pack = scored.inputs.standing, clearing.pack
    if standing.grouped.by != "own":
        return ()
    version = groups.read(connection, clearing.year, standing.version)
    engine = grouping.engine(connection, pack, version, clearing.year)
    rows = years.of(workspace, connection, clearing.year, pack.case, SILENT)
    path = grouping.path_of(years.stays(workspace, connection, rows, SILENT), engine, setl_id)
    if path is None:
        return ()
    rule = rule_of(pack)
    texts = {lang: Texts(lang) for lang in LANGUAGES}
    return tuple({lang: telling.step(rule, one, texts[lang]) for lang in LANGUAGES} for one in path.steps)


def _counted(
    connection: sqlite3.Connection,
    clearing: Clearing,
    scored: Scored,
    i: int,
    place: tuple[str, str, str, int],
    lines: list[Line],
    path: tuple[Title, ...],
) -> CaseStory:
    """The story of a case that counts: group, score, coefficient, mean, branch."""
    cases, scores, standing = scored.inputs.cases, scored.scores, scored.inputs.standing
    fund, code = FUNDS[int(cases.fund[i])], cases.institutions[int(cases.institution[i])]
    stated = int(standing.rows.group[i])
    group = standing.groups.get(cases.groups[stated]) if stated >= 0 else None
    reference, source = int(cases.reference[i]), references.NAMES[int(cases.reference_source[i])]
    parts = coefficients.parts_on_day(
        [part for part in _content(connection, clearing.stamps) if part.code == code],
        fund,
        int(cases.day[i]),
    )
    texts = {lang: Texts(lang) for lang in LANGUAGES}
    lines = [
        *lines,
        _line(
            "group",
            "病种",
            "Group",
            f"{cases.groups[stated]} {group.dip_name if group else ''}".strip() if stated >= 0 else "",
        ),
        _line("rw", "病种分值", "Group score", _shown(cases.rw, i), "points"),
        *(
            _line(f"k_{name}", f"系数：{name}", f"Coefficient: {name}", str(steps.shown(part.value, None)))
            for name, part in sorted(parts.items())
        ),
        _line("k", "适用系数", "Coefficient that applies", _shown(cases.k, i)),
        _line("u", "辅助系数", "Auxiliary factor", _shown(cases.u, i)),
        Line(
            "reference",
            {
                lang: f"{texts[lang]('case.reference')} ({texts[lang](f'reference.{source}')})"
                for lang in LANGUAGES
            },
            yuan(reference) if reference else "",
            "yuan",
        ),
    ]
    told = explain_case(scored.rule, cases, i, scores)
    if "x" in told.values:
        ratio = steps.shown(rounded(told.values["x"], X_PLACES), X_PLACES)
        lines.append(_line("x", "费用倍率", "Fee / reference mean", ratio))
    return CaseStory(
        *place,
        counted=True,
        out="",
        branch=told.title,
        sentence=told.sentence,
        filled=told.filled,
        cite=told.cite,
        documents=clearing.pack.cited(told.cite) if told.cite else (),
        open=told.open,
        score=told.value,
        review=told.review,
        lines=tuple(lines),
        path=path,
    )


def _left(connection: sqlite3.Connection, scored: Scored, setl_id: str, code: str) -> str:
    """Why a case whose own row is in scope is not among the cases."""
    if setl_id in scored.inputs.standing.left:
        decided = connection.execute("SELECT decision FROM special_case WHERE setl_id = ?", (setl_id,)).fetchone()
        return facts.BY_ITEM if decided and decided[0] == facts.BY_ITEM else "actual_fee"
    if code not in scored.inputs.standing.registered:
        return arrivals.UNREGISTERED
    year = connection.execute("SELECT year FROM cases WHERE setl_id = ? AND sign = 1", (setl_id,)).fetchone()
    if year and year[0] != scored.inputs.year:
        return "year"
    return arrivals.AREA


def _institution(connection: sqlite3.Connection, code: str) -> str:
    found = connection.execute(
        "SELECT fixmedins_name FROM institution WHERE fixmedins_code = ?", (code,)
    ).fetchone()
    return found[0] if found else ""


def _shown(values: Scaled, i: int) -> str:
    return steps.shown(values.at(i), None)


def _line(name: str, zh: str, en: str, value: str, unit: str = "") -> Line:
    return Line(name, {"zh": zh, "en": en}, value, unit)


def _column(
    name: str,
    zh: str,
    en: str,
    kind: Kind = "text",
    unit: str = "",
    places: int | None = None,
    *,
    total: bool = False,
) -> Column:
    return Column(name, {"zh": zh, "en": en}, kind, unit, places, total=total)


def _named(names: Sequence[str], index: Ints | Cells) -> Cells:
    """Texts by index, negative ones from the end."""
    table = np.empty(len(names) or 1, dtype=object)
    table[: len(names)] = names
    return table[index]


def _days(day: Ints) -> tuple[list[str], Cells]:
    """ISO dates and the index of each case's."""
    index, distinct = pd.factorize(day)
    return [arrivals.iso_day(d) for d in np.asarray(distinct).tolist()], index
