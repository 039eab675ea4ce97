"""Months as tables: a year of them beside what is booked, and one month's or the advance's institutions."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

from core.rules.circular import Step
from core.settlement.booking import BOOKED, booked
from core.texts import LANGUAGES, Texts
from core.worksheet import Column, Worksheet, column_of

if TYPE_CHECKING:
    from core.rules.sheet import FundSheet
    from core.settlement.monthly import Month

SUMMED = ("yuan", "points", "cases")
ORIGINS = ("none", "run", "earlier", "file", "differs")


def months(connection: sqlite3.Connection, found: Sequence[Month], lang: str = "") -> Worksheet:
    """A row for each period and fund: every figure of the chain that sums up, then what is in the payments, and the
    difference between the two. Keys are (period, fund)."""
    texts = Texts(lang)
    chain = found[0].clearing.pack if found else None
    steps = [one for one in chain.scope("institution") if one.unit in SUMMED] if chain is not None else []
    steps.sort(key=lambda one: one.id != _paid_step(found[0]))  # what is paid stands first, beside what is registered
    rows = [(month, sheet) for month in found for sheet in month.funds]
    columns = [_column("period", "code"), _column("fund"), _column("institutions", "int")]
    values: dict[str, list[object]] = {
        "period": [month.period if len(month.period) == 4 else f"{month.period[:4]}-{month.period[4:]}" for month, _ in rows],
        "fund": [texts(f"fund.{sheet.fund}") for _, sheet in rows],
        "institutions": [len(sheet.institutions) for _, sheet in rows],
    }
    for step in steps:
        columns.append(_of_step(step))
        values[step.id] = [sum(sheet.values[step.id], Fraction(0)) for _, sheet in rows]
    columns[4:4] = [_money("registered"), _money("difference")]
    values["registered"], values["difference"] = [], []
    for month, sheet in rows:
        there = {key: amount for key, (amount, _) in booked(connection, month.period).items()}
        paid = _paid_kind(month)
        own = [amount for (fund, _, kind), amount in there.items() if fund == sheet.fund and kind == paid]
        settled = sum(sheet.values[_paid_step(month)], Fraction(0))
        values["registered"].append(Fraction(sum(own), 100) if own else None)
        values["difference"].append(settled - Fraction(sum(own), 100) if own else None)
    return _sheet("months", columns, values, [(month.period, sheet.fund) for month, sheet in rows])


def institutions(connection: sqlite3.Connection, month: Month, sheet: FundSheet, lang: str = "") -> Worksheet:
    """One fund of a month by institution: every step, then the payment that is there, the difference and where it is from.

    Keys are institution codes. origin: none, run (booked from this very run), earlier (from another), file, differs.
    """
    texts = Texts(lang)
    there = booked(connection, month.period)
    paid, step_id = _paid_kind(month), _paid_step(month)
    columns = [_column("code", "code"), _column("name"), _column("level"), _column("county")]
    listed = sheet.institutions
    values: dict[str, list[object]] = {
        "code": [one.code for one in listed],
        "name": [one.name for one in listed],
        "level": [texts(f"months.level.{one.level}") for one in listed],
        "county": [one.county for one in listed],
    }
    for step in month.clearing.pack.scope("institution"):
        columns.append(_of_step(step))
        values[step.id] = list(sheet.values[step.id])
    columns += [_money("registered"), _money("difference"), _column("origin")]
    values |= {"registered": [], "difference": [], "origin": []}
    for one, settled in zip(listed, sheet.values[step_id], strict=True):
        amount, basis = there.get((sheet.fund, one.code, paid), (None, None))
        less = None if amount is None else settled - Fraction(amount, 100)
        values["registered"].append(None if amount is None else Fraction(amount, 100))
        values["difference"].append(less)
        origin = (
            "none" if amount is None else "file" if basis is None
            else "run" if basis == month.clearing.stamps.run_hash else "differs" if less else "earlier"
        )  # fmt: skip
        values["origin"].append(texts(f"months.origin.{origin}"))
    made = _sheet(f"month_{month.period}_{sheet.fund}", columns, values, [one.code for one in listed])
    period = f"{month.period[:4]}-{month.period[4:]}"
    kind = "of_advance" if len(month.period) == 4 else "of_month"
    title = {
        lang: Texts(lang)(f"months.sheet.{kind}", period=period.rstrip("-"), fund=Texts(lang)(f"fund.{sheet.fund}"))
        for lang in LANGUAGES
    }
    return replace(made, title=title)


def by_month(found: Sequence[Month], fund: str, step: str, lang: str = "") -> Worksheet:
    """One step of a fund: institutions down, months across, and their sum. An empty cell: not listed in that month."""
    sheets = {month.period: sheet for month in found for sheet in month.funds if sheet.fund == fund}
    known = {one.code: one for sheet in sheets.values() for one in sheet.institutions}
    codes = sorted(known)
    columns = [_column("code", "code"), _column("name")]
    values: dict[str, list[object]] = {"code": list(codes), "name": [known[code].name for code in codes]}
    chain = found[0].clearing.pack
    own = chain.step("institution", step)
    total = dict.fromkeys(codes, Fraction(0))
    for period, sheet in sheets.items():
        told = dict(zip((one.code for one in sheet.institutions), sheet.values[step], strict=True))
        title: dict[str, str] = dict.fromkeys(LANGUAGES, f"{period[:4]}-{period[4:]}")
        columns.append(Column(f"m{period}", title, "exact", own.unit, _places(own), own.evidence, total=own.unit in SUMMED))
        values[f"m{period}"] = [told.get(code) for code in codes]
        for code, value in told.items():
            total[code] += value
    columns.append(Column("sum", _titles("sum"), "exact", own.unit, _places(own), total=own.unit in SUMMED))
    values["sum"] = [total[code] for code in codes]
    return _sheet(f"by_month_{step}_{fund}", columns, values, codes)


def _paid_step(month: Month) -> str:
    return next(iter(BOOKED[month.kind]))


def _paid_kind(month: Month) -> str:
    return BOOKED[month.kind][_paid_step(month)]


def _places(step: Step) -> int | None:
    return step.places if step.places is not None else {"yuan": 2, "cases": 0}.get(step.unit)


def _of_step(step: Step) -> Column:
    return Column(
        step.id, step.title, "exact", step.unit, _places(step), step.evidence, "".join(list(step.open.values())[:1]),
        total=step.unit in SUMMED,
    )  # fmt: skip


def _titles(id: str) -> dict[str, str]:
    return {lang: Texts(lang)(f"months.column.{id}") for lang in LANGUAGES}


def _column(id: str, kind: str = "text") -> Column:
    return Column(id, _titles(id), "code" if kind == "code" else "int" if kind == "int" else "text")


def _money(id: str) -> Column:
    return Column(id, _titles(id), "exact", "yuan", 2, total=True)


def _sheet(id: str, columns: Sequence[Column], values: dict[str, list[object]], keys: Sequence[object]) -> Worksheet:
    title = {lang: Texts(lang)(f"months.sheet.{id.split('_')[0]}") for lang in LANGUAGES}
    cells = {column.id: column_of(values[column.id], column.kind) for column in columns}
    return Worksheet(id, title, columns, cells, len(keys), keys=column_of(list(keys), "text"))
