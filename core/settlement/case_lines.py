"""The list of a clearing's cases as a bureau hands it over: of one institution or of all, every case with how it was scored.

Columns as real annual exports have them, as far as data are there. What the clearing holds in arrays is cut into
stretches, the rest is read beside each stretch: 450,000 cases need no more memory than the clearing itself.
Names of patients are not held by a workspace, so there are none.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from core.export import case_list
from core.export.case_list import Control, Part
from core.faults import Usage
from core.money import round_ratio, round_ratios
from core.progress import SILENT, Progress
from core.rules.cases import FUNDS, Ints
from core.rules.sheet import Clearing, FundSheet
from core.settlement.annual import Scored
from core.settlement.arrivals import iso_day
from core.settlement.why import detail
from core.texts import LANGUAGES, Texts
from core.worksheet import Cells, Column, Kind, column_of

if TYPE_CHECKING:
    from core.storage.workspace import Workspace

STRETCH = 2_000
PAGES = 8_192  # kB of the file that are held while rows are read
RATIO_PLACES = 6  # of shown shares; nothing is computed from them
DEAD = 5  # dscg_way
_ROWS = Path(__file__).with_name("case_lines.sql").read_text("utf-8")
# What the clearing's sheet says the columns sum up to: column -> step.
EXPECTED = {
    "fee": "total_cost", "booked": "booked", "own_pay": "own_pay", "other_pay": "other_pay", "rw": "base_score", "score": "score",
}  # fmt: skip


def write(
    workspace: Workspace,
    clearing: Clearing,
    path: Path | str,
    code: str = "",
    lang: str = "",
    progress: Progress = SILENT,
) -> list[Control]:
    """The list of an institution, "" of all, as xlsx; returns its control totals, written beside expected.

    Usage `not_in_clearing`; Refused `run_stale` where the clearing's data are no longer there.
    """
    texts = Texts(lang)
    known = {one.code: one for sheet in clearing.funds for one in sheet.institutions}
    if code and code not in known:
        raise Usage("not_in_clearing", institution=code)
    who = f"{code} {known[code].name}" if code else texts("caselist.all")
    title = texts("caselist.title", year=clearing.year, who=who)
    lists = parts(workspace, clearing, code, lang)
    with _sparing(workspace.reader()):
        return case_list.write(lists, path, title, clearing.stamps, lang, progress)


@contextmanager
def _sparing(connection: sqlite3.Connection) -> Generator[None]:
    """Few pages are kept: each row is read once, and in no order that another's page would serve."""
    (pages,) = connection.execute("PRAGMA cache_size").fetchone()
    connection.execute(f"PRAGMA cache_size = {-PAGES}")
    try:
        yield
    finally:
        connection.execute(f"PRAGMA cache_size = {pages}")


def parts(workspace: Workspace, clearing: Clearing, code: str = "", lang: str = "") -> list[Part]:
    """A part for each fund, and one for cases paid by item, where there are any: they are in no score."""
    connection = workspace.reader()
    scored = detail(workspace, clearing)
    texts = Texts(lang)
    lists = [_fund(connection, scored, clearing, sheet, code, texts) for sheet in clearing.funds]
    left = _by_item(connection, scored, clearing, code, texts)
    return [*lists, *([left] if left is not None else [])]


def _fund(
    connection: sqlite3.Connection, scored: Scored, clearing: Clearing, sheet: FundSheet, code: str, texts: Texts
) -> Part:
    """The scored cases of a fund, by institution, then settlement."""
    whole = scored.inputs.cases
    in_fund = whole.fund == FUNDS.index(sheet.fund)
    chosen = np.flatnonzero(in_fund & (whole.institution == _place(whole.institutions, code)) if code else in_fund)
    ids = np.asarray(pd.Series(whole.setl_id[chosen], dtype=object).argsort(kind="stable"))
    chosen = chosen[ids]
    chosen = chosen[np.argsort(whole.institution[chosen], kind="stable")]
    stated = scored.inputs.standing.rows.group  # also of groups without a score
    n = len(whole.institutions)
    shares = (
        _shares(whole.institution[in_fund], whole.booked[in_fund], whole.fee[in_fund], n),
        _shares(stated[in_fund], whole.booked[in_fund], whole.fee[in_fund], len(whole.groups)),
    )
    columns = _columns(scored, clearing, sheet)

    def stretches() -> Iterator[Mapping[str, Cells]]:
        for start in range(0, len(chosen), STRETCH):
            yield _stretch(connection, scored, clearing, sheet, chosen[start : start + STRETCH], shares, columns, texts)

    at = [i for i, one in enumerate(sheet.institutions) if code in ("", one.code)]
    expected: dict[str, int | Fraction] = {}
    for name, step, scale in (("", "cases", 1), *((c.id, EXPECTED.get(c.id, c.id), _scale(c)) for c in columns if c.total)):
        if step in sheet.values:
            expected[name] = sum((sheet.values[step][i] for i in at), Fraction(0)) * scale
    title = {lang: Texts(lang)(f"fund.{sheet.fund}") for lang in LANGUAGES}
    return Part(title, columns, len(chosen), stretches, expected)


def _scale(column: Column) -> int:
    return 10 ** (column.places or 0) if column.kind == "fixed" else 1


def _place(institutions: Sequence[str], code: str) -> int:
    return institutions.index(code) if code in institutions else -1


def _shares(index: Any, booked: Ints, fee: Ints, count: int) -> Ints:
    """Booked over fee by index, scaled; the last element stands for index -1."""
    table = np.zeros(count + 1, np.int64)
    sums = [np.zeros(count + 1, np.int64), np.zeros(count + 1, np.int64)]
    for own, values in zip(sums, (booked, fee), strict=True):
        np.add.at(own, index, values)
    for i in range(count + 1):
        if sums[1][i] > 0:
            table[i] = round_ratio(int(sums[0][i]) * 10**RATIO_PLACES, int(sums[1][i]))
    return table


def _worth(clearing: Clearing) -> Column:
    """The point value as a number, so that the case's score times it can be worked out in the sheet."""
    places = clearing.pack.step("region", "point_value").places
    return _column("point_value", "结算点值", "Point value", "exact" if places is None else "fixed", "yuan/point", places)


def _columns(scored: Scored, clearing: Clearing, sheet: FundSheet) -> tuple[Column, ...]:
    cases = scored.inputs.cases
    own = scored.scores.score
    kind, places = ("exact", None) if own is None else ("fixed", own.places)
    score = _column("score", "最终分值", "Case score", kind, "points", places, True)
    measures = [
        Column(one.id, one.title, "fixed", one.unit, scored.scores.measures[one.id].places, total=True)
        for one in clearing.pack.case.measures
        if one.id in scored.scores.measures
    ]
    worth = [_worth(clearing)] * ("point_value" in sheet.region)
    return (
        _column("insu_admdvs", "参保地", "Insured at", "code"),
        _column("setl_id", "结算流水号", "Settlement", "code"),
        _column("medcasno", "病案号", "Record", "code"),
        _column("fixmedins_code", "机构编码", "Institution", "code"),
        _column("fixmedins_name", "机构名称", "Name"),
        _column("level", "机构等级", "Level"),
        _column("dept", "出院科室", "Department"),
        _column("doctor", "医师", "Doctor"),
        _column("day", "结算日期", "Settled on", "code"),
        _column("insutype", "医保类型", "Insurance", "code"),
        _column("fee", "实际发生总费用", "Fee", "fixed", "yuan", 2, True),
        _column("booked", "医保记账费用", "Booked", "fixed", "yuan", 2, True),
        _column("own_pay", "个人支付", "Own payment", "fixed", "yuan", 2, True),
        _column("other_pay", "其他基金支付", "Other funds", "fixed", "yuan", 2, True),
        _column("age", "年龄", "Age", "int"),
        _column("dead", "是否死亡病例", "Died"),
        _column("days", "住院天数", "Days", "int", "days"),
        _column("adm_time", "入院时间", "Admitted", "code"),
        _column("dscg_time", "出院时间", "Discharged", "code"),
        _column("kind", "病种类型", "Kind of group"),
        _column("dip_code", "病种编码", "Group", "code"),
        _column("dip_name", "病种名称", "Group name"),
        _column("rw", "病种分值", "Group score", "fixed", "points", cases.rw.places, True),
        _column("k", "机构系数", "Coefficient", "fixed", "", cases.k.places),
        _column("detail", "辅助目录明细", "Auxiliary detail"),
        _column("u", "辅助目录最终系数", "Auxiliary factor", "fixed", "", cases.u.places),
        _column("reference", "参照均费", "Reference mean", "fixed", "yuan", 2),
        _column("deviates", "是否偏差病例", "Deviating"),
        _column("branch", "偏差类型", "Scored as"),
        _column("special", "是否特例单议", "Special case"),
        _column("special_score", "特例单议分值", "Decided score", "fixed", "points", cases.special_score.places),
        score,
        *measures,
        *worth,
        _column("group_share", "所在病组支付率", "Booked share, group", "fixed", "", RATIO_PLACES),
        _column("own_share", "所在机构支付率", "Booked share, institution", "fixed", "", RATIO_PLACES),
        _column("case_share", "该病例支付率", "Booked share, case", "fixed", "", RATIO_PLACES),
        _column("review", "是否待审核", "For review"),
        _column("diag_name", "主诊断", "Diagnosis"),
        _column("diag_code", "主诊断编码", "Diagnosis code", "code"),
        _column("oth_diag", "次要诊断编码", "Other diagnoses", "code"),
        _column("oprn_code", "主要手术及操作编码", "Main operation", "code"),
        _column("oth_oprn", "其他手术及操作编码", "Other operations", "code"),
    )  # fmt: skip


def _stretch(
    connection: sqlite3.Connection,
    scored: Scored,
    clearing: Clearing,
    sheet: FundSheet,
    at: Ints,
    shares: tuple[Ints, Ints],
    columns: Sequence[Column],
    texts: Texts,
) -> Mapping[str, Cells]:
    """Some of the cases, a cell for each column."""
    cases, scores, standing = scored.inputs.cases, scored.scores, scored.inputs.standing
    rows = _rows(connection, cases.setl_id[at].tolist())
    stated = standing.rows.group[at]
    entries = [standing.groups.get(code) for code in cases.groups]
    institutions = [standing.registered.get(code) for code in cases.institutions]
    branches = [one.title.get(texts.lang, one.id) for one in clearing.pack.case.branches]
    branches += [texts("case.ungrouped"), texts("case.adjusted")]  # -2 and -1 count from the end
    deviates = [one.when is not None for one in clearing.pack.case.branches]
    yes, no = texts("caselist.yes"), texts("caselist.no")
    adjusted = cases.special[at] != 0
    cells: dict[str, Cells] = {
        **_read(rows, texts),
        "setl_id": cases.setl_id[at],
        "fixmedins_code": _named(cases.institutions, cases.institution[at]),
        "fixmedins_name": _named([one.name if one else "" for one in institutions], cases.institution[at]),
        "level": _named([texts(f"workbook.grade.{one.level if one else 0}") for one in institutions], cases.institution[at]),
        "day": column_of([iso_day(day) for day in cases.day[at].tolist()], "code"),
        "fee": cases.fee[at],
        "booked": cases.booked[at],
        "own_pay": cases.own_pay[at],
        "other_pay": cases.other_pay[at],
        "kind": _named([*(texts(f"catalogue.kind.{one.kind}") if one else "" for one in entries), ""], stated),
        "dip_code": _named([*cases.groups, ""], stated),
        "dip_name": _named([*(one.dip_name if one else "" for one in entries), ""], stated),
        "rw": cases.rw.values[at],
        "k": cases.k.values[at],
        "u": cases.u.values[at],
        "reference": _where(cases.reference[at], cases.reference[at] > 0),
        "deviates": _named([yes if one else no for one in (*deviates, False, False)], scores.branch[at]),
        "branch": _named(branches, scores.branch[at]),
        "special": _named([no, yes], adjusted.astype(np.int64)),
        "special_score": _where(cases.special_score.values[at], adjusted),
        "group_share": shares[1][stated],
        "own_share": shares[0][cases.institution[at]],
        "case_share": _case_shares(cases.booked[at], cases.fee[at]),
        "review": _named([no, yes], scores.review[at].astype(np.int64)),
    }
    if scores.score is not None:
        cells["score"] = scores.score.values[at]
    else:
        exact = scores.exact or ()
        cells["score"] = column_of([exact[i] for i in at.tolist()], "exact")
    for name, values in scores.measures.items():
        cells[name] = values.values[at]
    if "point_value" in sheet.region:
        one = clearing.pack.step("region", "point_value")
        value = sheet.region["point_value"]
        if one.places is None:
            cells["point_value"] = column_of([value] * len(at), "exact")
        else:
            cells["point_value"] = np.full(len(at), int(value * 10**one.places), np.int64)
    return {column.id: cells[column.id] for column in columns}


def _rows(connection: sqlite3.Connection, ids: Sequence[str]) -> list[tuple[Any, ...]]:
    """The rows of settlements, in the order in which they are asked for."""
    return connection.execute(_ROWS, {"ids": json.dumps(list(ids))}).fetchall()


def _read(rows: Sequence[tuple[Any, ...]], texts: Texts) -> dict[str, Cells]:
    """What only the rows say."""
    told = list(zip(*rows, strict=True)) or [()] * 26
    dead = {None: "", DEAD: texts("caselist.yes")}
    cells = {name: column_of([str(value) for value in told[i]], "code") for name, i in _TEXTS.items()}
    cells |= {name: column_of(told[i], "exact") for name, i in (("age", 6), ("days", 8))}
    return cells | {"dead": column_of([dead.get(way, texts("caselist.no")) for way in told[7]], "text")}


# Texts of case_lines.sql by their place in its rows.
_TEXTS = {
    "insu_admdvs": 1, "medcasno": 2, "dept": 3, "doctor": 4, "insutype": 5, "adm_time": 9, "dscg_time": 10, "diag_code": 11,
    "diag_name": 12, "oth_diag": 13, "oprn_code": 14, "oth_oprn": 15, "detail": 16,
}  # fmt: skip


_AMOUNTS = {"fee": 20, "booked": 21, "own_pay": 22, "other_pay": 23}


def _by_item(
    connection: sqlite3.Connection, scored: Scored, clearing: Clearing, code: str, texts: Texts
) -> Part | None:
    """Cases that are paid by item: no score, no coefficient; their booked amount is paid."""
    standing = scored.inputs.standing
    codes = standing.rows.institutions
    funds = {FUNDS.index(sheet.fund) for sheet in clearing.funds}
    ids = sorted(
        (at // len(codes), codes[at % len(codes)], setl_id)
        for setl_id, at in standing.left.items()
        if at // len(codes) in funds and code in ("", codes[at % len(codes)])
    )
    if not ids:
        return None
    out = {"rw", "k", "u", "reference", "deviates", "branch", "special_score", "score", "point_value", "review"}
    out |= {"group_share", "own_share", *scored.scores.measures}
    every = _columns(scored, clearing, clearing.funds[0])
    columns = tuple(column for column in every if column.id not in out)

    def stretches() -> Iterator[Mapping[str, Cells]]:
        for start in range(0, len(ids), STRETCH):
            rows = _rows(connection, [one for _, _, one in ids[start : start + STRETCH]])
            told = list(zip(*rows, strict=True))
            known = [standing.registered.get(row[17]) for row in rows]
            entries = [standing.groups.get(row[24]) for row in rows]
            cells = _read(rows, texts) | {
                "setl_id": column_of(told[0], "code"),
                "fixmedins_code": column_of(told[17], "code"),
                "fixmedins_name": column_of([one.name if one else "" for one in known], "text"),
                "level": column_of([texts(f"workbook.grade.{one.level if one else 0}") for one in known], "text"),
                "day": column_of([iso_day(day) for day in told[19]], "code"),
                **{name: column_of(told[i], "fixed") for name, i in _AMOUNTS.items()},
                "kind": column_of([texts(f"catalogue.kind.{one.kind}") if one else "" for one in entries], "text"),
                "dip_code": column_of(told[24], "code"),
                "dip_name": column_of([one.dip_name if one else row[25] for one, row in zip(entries, rows, strict=True)], "text"),
                "special": column_of([texts("caselist.by_item")] * len(rows), "text"),
                "case_share": _case_shares(column_of(told[21], "int"), column_of(told[20], "int")),
            }
            yield {column.id: cells[column.id] for column in columns}

    booked = Fraction(0)
    for sheet in clearing.funds:
        at = [i for i, one in enumerate(sheet.institutions) if code in ("", one.code)]
        booked += sum((sheet.values["by_item"][i] for i in at), Fraction(0)) if "by_item" in sheet.values else 0
    title = {lang: Texts(lang)("caselist.by_item") for lang in LANGUAGES}
    return Part(title, columns, len(ids), stretches, {"": len(ids), "booked": booked * 100})


def _column(
    name: str, zh: str, en: str, kind: Kind = "text", unit: str = "", places: int | None = None, total: bool = False
) -> Column:
    return Column(name, {"zh": zh, "en": en}, kind, unit, places, total=total)


def _named(names: Sequence[str], index: Any) -> Cells:
    """Texts by index, negative ones from the end."""
    table = np.empty(len(names) or 1, dtype=object)
    table[: len(names)] = names
    return table[index]


def _where(values: Ints, there: Any) -> Cells:
    """Whole numbers, None where there is none."""
    cells = values.astype(object)
    cells[~there] = None
    return cells


def _case_shares(booked: Ints, fee: Ints) -> Cells:
    """Booked over fee; empty where there is no fee."""
    there = fee > 0
    return _where(round_ratios(booked * 10**RATIO_PLACES, np.where(there, fee, 1)), there)
