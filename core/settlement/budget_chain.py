"""From a fund's total budget through its items to the DIP fund and what is available of it (domain.md 5.1).

    total (income)  - outpatient - chronic - alliance - other payment methods - reserve  = left for DIP
    DIP budget + top-ups = budget;  budget - out-of-area by card - manual = DIP fund;  DIP fund - paid by item = available

Patients treated elsewhere are paid out of the DIP budget (N116 subtracts them there), so they are never taken off a second
time before it. What nobody entered is an empty cell with its reason, never 0.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from core.faults import Refused, Usage
from core.money import decimal, round_ratio
from core.rules.cases import FUNDS
from core.settlement.arrivals import home_of
from core.settlement.budget import BEFORE, DIP, INCOME, OTHER, OUTSIDE, TOPUP, Line, LineEdit, lines
from core.texts import LANGUAGES, Texts
from core.worksheet import Column, Worksheet, column_of

if TYPE_CHECKING:
    from core.rules.circular import CaseRule

_BY_ITEM = Path(__file__).with_name("by_item_paid.sql").read_text("utf-8")
METHODS = ("by_item", "ratio", "growth")


@dataclass(frozen=True, slots=True)
class Link:
    """One row of the chain. id: an item, or total, left, unassigned, budget, dip_fund, by_item, available. sign: what it
    does to the sum under way, "=" is a sum. amount: fen, None with the reason in `why`."""

    id: str
    sign: str
    amount: int | None
    date: str = ""
    document: str = ""
    why: str = ""
    missing: tuple[str, ...] = ()


def links(
    connection: sqlite3.Connection, year: int, fund: str, region: str = "", rule: CaseRule | None = None
) -> tuple[Link, ...]:
    """region: the workspace's, by whose patients the by-item cases are counted. rule: of the pack, which may count the
    province's, and leave further cases to their fee."""
    paid = by_item_paid(connection, year, fund, region, province=rule is not None and rule.intra_province)
    return chained(lines(connection, year, fund), paid, apart=leaves_more(rule))


def leaves_more(rule: CaseRule | None) -> bool:
    """Whether a pack pays ungrouped cases what was booked too. How many there are is known once the year's cases have groups."""
    return rule is not None and rule.ungrouped == "actual_fee"


def by_item_paid(connection: sqlite3.Connection, year: int, fund: str, region: str = "", *, province: bool = False) -> int:
    """Fen booked by the cases that were decided to be paid by item; province: of patients insured anywhere in it."""
    home, beyond = home_of(region, province)
    asked = {"year": year, "fund": FUNDS.index(fund) + 1, "home": home, "beyond": beyond}
    return int(connection.execute(_BY_ITEM, asked).fetchone()[0])


def chained(found: Sequence[Line], by_item: int, *, apart: bool = False) -> tuple[Link, ...]:
    """The chain of these lines. Pure. apart: more is paid by fee than `by_item`, see `leaves_more`; that is said."""
    made: list[Link] = []
    income = [one for one in found if one.kind == INCOME]
    total = sum(one.amount for one in income) if income else None
    made += [Link(one.item, "+", one.amount, one.date, one.document) for one in income]
    made.append(Link("total", "=", total, why="" if income else "no_income"))
    off, missing = 0, list[str]()
    for kind in BEFORE:
        own = [one for one in found if one.kind == kind]
        if not own and kind != OTHER:
            made.append(Link(kind, "-", None, why="not_entered"))
            missing.append(kind)
        for one in own:
            made.append(Link(one.item, "-", one.amount, one.date, one.document))
            off += one.amount
    left = None if total is None else total - off
    why = "no_income" if total is None else "without" if missing else ""
    made.append(Link("left", "=", left, why=why, missing=tuple(missing)))
    dip = [one for one in found if one.item == DIP]
    tops = [one for one in found if one.item == TOPUP]
    if not dip:
        made.append(Link(DIP, "+", None, why="not_entered"))
    made += [Link(one.item, "+", one.amount, one.date, one.document) for one in (*dip, *tops)]
    budget = sum(one.amount for one in (*dip, *tops)) if dip else None
    set_at_first = sum(one.amount for one in dip) if dip else None
    made.append(Link("budget", "=", budget, why="" if dip else "no_dip"))
    gap = None if left is None or set_at_first is None else left - set_at_first
    why = "no_income" if left is None else "no_dip" if gap is None else "over" if gap < 0 else ""
    made.append(Link("unassigned", "", gap, why=why))
    fund, lacking = budget, list[str]()
    for item in OUTSIDE:
        own = [one for one in found if one.item == item]
        if not own:
            made.append(Link(item, "-", None, why="not_entered"))
            lacking.append(item)
        for one in own:
            made.append(Link(one.item, "-", one.amount, one.date, one.document))
            fund = None if fund is None else fund - one.amount
    if lacking:
        fund = None
    why = "no_dip" if budget is None else "lacking" if lacking else ""
    made.append(Link("dip_fund", "=", fund, why=why, missing=tuple(lacking)))
    made.append(Link("by_item", "-", by_item, why="ungrouped_apart" if apart else ""))
    why = why or ("before_ungrouped" if apart else "")
    made.append(Link("available", "=", None if fund is None else fund - by_item, why=why, missing=tuple(lacking)))
    return tuple(made)


def item_name(item: str, texts: Texts) -> str:
    """An item in words; a named one with its name."""
    kind, _, name = item.partition(":")
    known = texts(f"budget.item.{kind}") if texts.has(f"budget.item.{kind}") else kind
    return texts("budget.item.named", kind=known, name=name) if name else known


def chain(connection: sqlite3.Connection, year: int, fund: str, region: str = "", lang: str = "") -> Worksheet:
    """The chain as a table; keys are the ids of its links."""
    return chain_sheet(links(connection, year, fund, region), year, fund, lang)


def chain_sheet(made: Sequence[Link], year: int, fund: str, lang: str = "") -> Worksheet:
    texts = Texts(lang)
    total = next(one.amount for one in made if one.id == "total")
    values: dict[str, list[object]] = {
        "sign": [{"-": "−"}.get(one.sign, one.sign) for one in made],
        "item": [item_name(one.id, texts) for one in made],
        "amount": [None if one.amount is None else Fraction(one.amount, 100) for one in made],
        "share": [None if one.amount is None or not total else Fraction(one.amount * 100, total) for one in made],
        "why": [said(one, texts) for one in made],
        "date": [one.date for one in made],
        "document": [one.document for one in made],
    }
    kinds = {"amount": ("exact", "yuan", 2), "share": ("exact", "percent", 2)}
    columns = [Column(id, titles(f"budget.column.{id}"), *kinds.get(id, ("text",))) for id in values]  # type: ignore[arg-type]
    cells = {column.id: column_of(values[column.id], column.kind) for column in columns}
    title = titles("budget.sheet.chain", year=year, fund=fund)
    return Worksheet("budget_chain", title, columns, cells, len(made), keys=column_of([one.id for one in made], "text"))


def said(link: Link, texts: Texts) -> str:
    """Why a row is empty, or what to look at."""
    if not link.why:
        return ""
    return texts(f"budget.why.{link.why}", items=texts.listed(item_name(one, texts) for one in link.missing))


def titles(key: str, **values: object) -> dict[str, str]:
    found: dict[str, str] = {}
    for lang in LANGUAGES:
        texts = Texts(lang)
        told = {name: texts(f"fund.{value}") if name == "fund" else value for name, value in values.items()}
        found[lang] = texts(key, **told)
    return found


# -- proposals ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Proposal:
    """A DIP budget that is proposed: nothing is written. amount: fen. working: (id or item, value, unit yuan|percent) down to
    it. missing: items that nobody entered and that it is without. replaces: the line that it would take the place of."""

    year: int
    fund: str
    method: str
    amount: int
    working: tuple[tuple[str, Fraction, str], ...]
    missing: tuple[str, ...]
    replaces: Line | None

    def change(self, day: str, document: str) -> LineEdit:
        """The edit that a person may make of it."""
        return LineEdit(self.replaces, Line(DIP, self.amount, day, document))


def propose(
    connection: sqlite3.Connection, year: int, fund: str, method: str, *, growth: str = "", topups: bool = False
) -> Proposal:
    """method: of METHODS. growth: per cent, as typed. topups: whether last year's count to its DIP budget.

    Refused: budget_no_income, budget_no_last_income, budget_no_last_dip, budget_growth, budget_below_zero,
    budget_several_dip (of this year: which one it should replace is not said).
    """
    own = lines(connection, year, fund)
    now = [one for one in own if one.item == DIP]
    if len(now) > 1:
        raise Refused("budget_several_dip", year=year, count=len(now))
    replaces = now[0] if now else None
    links = {one.id: one for one in chained(own, 0)}
    total = links["total"].amount
    missing: tuple[str, ...] = ()
    if method == "by_item":
        if total is None:
            raise Refused("budget_no_income", year=year)
        off = [one for one in own if one.kind in BEFORE]
        working = [("total", _yuan(total), "yuan"), *((one.item, -_yuan(one.amount), "yuan") for one in off)]
        amount, missing = links["left"].amount or 0, links["left"].missing
    elif method in METHODS:
        past = lines(connection, year - 1, fund)
        items = {DIP, TOPUP} if topups else {DIP}
        before = sum(one.amount for one in past if one.item in items)
        if not any(one.item == DIP for one in past):
            raise Refused("budget_no_last_dip", year=year - 1)
        if method == "ratio":
            last = next(one.amount for one in chained(past, 0) if one.id == "total")
            if not last:
                raise Refused("budget_no_last_income", year=year - 1)
            if total is None:
                raise Refused("budget_no_income", year=year)
            amount = round_ratio(before * total, last)
            working = [
                ("last_dip", _yuan(before), "yuan"), ("last_total", _yuan(last), "yuan"),
                ("last_ratio", Fraction(before * 100, last), "percent"), ("total", _yuan(total), "yuan"),
            ]  # fmt: skip
        else:
            rate = _rate(growth)
            exact = before * (1 + rate / 100)
            amount = round_ratio(exact.numerator, exact.denominator)
            working = [("last_dip", _yuan(before), "yuan"), ("growth", rate, "percent")]
    else:
        raise Usage("budget_method", method=method)
    if amount < 0:
        raise Refused("budget_below_zero", year=year)
    working.append(("proposed", _yuan(amount), "yuan"))
    return Proposal(year, fund, method, amount, tuple(working), missing, replaces)


def _rate(text: str) -> Fraction:
    try:
        found = decimal(text.strip().removesuffix("%").strip())
    except ValueError:
        raise Refused("budget_growth", value=text) from None
    if not -100 <= found <= 1000:
        raise Refused("budget_growth", value=text)
    return found


def _yuan(amount: int) -> Fraction:
    return Fraction(amount, 100)
