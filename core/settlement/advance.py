"""The advance at the year's beginning: the pack's chapter `prepay` on what last year brought each institution."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from core.faults import Refused
from core.findings import Finding
from core.progress import SILENT, Progress, step
from core.rules.cases import FUNDS
from core.rules.chapters import chapter
from core.rules.circular import Pack
from core.rules.formula import uses
from core.rules.sheet import Institution, Stamps
from core.settlement import annual, coefficients, facts, gather
from core.settlement.arrivals import home_of
from core.settlement.coefficients import SetHead
from core.settlement.doubts import ordered
from core.settlement.monthly import PREPAY, Month, cleared
from core.settlement.year import institutions

if TYPE_CHECKING:
    from core.storage.workspace import Workspace

CREDIT = {grade: Fraction(number) for number, grade in enumerate("ABCDE", 1)}
_BOOKED = Path(__file__).with_name("booked_year.sql").read_text("utf-8")


def advance(
    workspace: Workspace,
    year: int,
    pack: Pack,
    *,
    funds: Sequence[str] = FUNDS,
    progress: Progress = SILENT,
    store: bool = True,
) -> Month:
    """The advance of each institution in the year, period `YYYY`. Refused: "month_blocked", "chapter_missing", "rule_failed"."""
    chain = chapter(pack, PREPAY)
    connection = workspace.reader()
    with gather.snapshot(connection):
        step(progress, "advance", 0)
        region: dict[str, dict[str, Fraction]] = {}
        values: dict[str, dict[str, tuple[Fraction, ...]]] = {}
        listed: dict[str, tuple[Institution, ...]] = {}
        blocked: list[Finding] = []
        said: list[Finding] = []
        known = institutions(connection)
        home, beyond = home_of(workspace.region, pack.case.intra_province)
        asked = {"year": year - 1, "home": home, "beyond": beyond}
        booked = {
            (FUNDS[fund - 1], code): (Fraction(fen, 100), months)
            for fund, code, fen, months in connection.execute(_BOOKED, asked)
        }
        grades = dict(connection.execute("SELECT fixmedins_code, upper(trim(coalesce(credit, ''))) FROM institution"))
        graded, by_payments = _graded(chain), _by_payments(chain)
        for fund in funds:
            paid = facts.of_fund(connection, year - 1, fund).paid
            monthly = {code for code, own in paid.items() if "monthly_paid" in own}
            codes = sorted({code for of, code in booked if of == fund} | monthly)
            if not codes:
                said.append(Finding("prepay_no_cases", "note", subject=fund, values={"year": str(year - 1)}))
                continue
            listed[fund] = tuple(known.get(code, Institution(code, "", 0)) for code in codes)
            region[fund], lacking = _region(connection, chain, fund, year)
            blocked += lacking
            own = {
                "last_booked": [booked.get((fund, code), (Fraction(0), 0))[0] for code in codes],
                "last_paid": [Fraction(paid.get(code, {}).get("monthly_paid", 0), 100) for code in codes],
                "credit": [CREDIT.get(grades.get(code, ""), Fraction(0)) for code in codes],
            }
            values[fund] = {name: tuple(own[name]) for name in chain.inputs("institution")}
            part_year: list[str] = []
            for code in codes:
                if graded and grades.get(code, "") not in CREDIT:
                    blocked.append(
                        Finding("credit_missing", "blocked", subject=code, value=grades.get(code, ""), values={"fund": fund})
                    )
                if by_payments and code not in monthly:
                    values_of = {"fund": fund, "year": str(year - 1)}
                    said.append(Finding("prepay_unpaid", "warning", subject=code, values=values_of))
                months = booked.get((fund, code), (Fraction(0), 0))[1]
                if 0 < months < 12:
                    part_year.append(code)
            if part_year:
                values_of = {"first": part_year[0]}
                said.append(Finding("prepay_part_year", "note", subject=fund, value=str(len(part_year)), values=values_of))
        head = coefficients.choose(connection, None) or SetHead("", "draft", "", "", "", 0)
    if not listed:
        blocked.append(Finding("prepay_nothing", "blocked", values={"year": str(year - 1)}))
    if blocked:
        raise Refused("month_blocked", ordered(blocked), month=year, count=len(blocked))
    data = json.dumps([PREPAY, year, region, values], sort_keys=True, ensure_ascii=False, default=str)
    stamps = Stamps(
        region=workspace.region, workspace=workspace.name, synthetic=workspace.synthetic, pack=pack.id, pack_hash=pack.hash,
        set_name=head.name, set_hash=head.hash, set_state=head.state, catalogue="", grouping="official",
        data_hash=hashlib.sha256(data.encode()).hexdigest(), parameters=dict(sorted(pack.changed.items())),
        references={}, counts={},
    )  # fmt: skip
    found = Month(str(year), cleared(chain, year, region, values, listed, stamps, said))
    if store and not workspace.read_only:
        annual.keep(workspace, found.clearing, PREPAY)
    return found


def _graded(chain: Pack) -> bool:
    """Whether a table that is filled asks for the credit grade."""
    tables = {name for one in chain.steps if one.expr is not None for name in uses(one.expr).tables}
    return "credit" in chain.inputs("institution") and any(chain.tables[name].rows for name in tables)


def _by_payments(chain: Pack) -> bool:
    """Whether last year's monthly payments come into it, as the options are chosen."""
    return any("last_paid" in uses(one.expr).names for one in chain.steps if one.expr is not None)


def _region(
    connection: sqlite3.Connection, chain: Pack, fund: str, year: int
) -> tuple[dict[str, Fraction], list[Finding]]:
    """Budget items of the new year, where the chain asks for any."""
    values: dict[str, Fraction] = {}
    lacking: list[Finding] = []
    budget = facts.of_fund(connection, year, fund).budget if chain.inputs("region") else {}
    for name in chain.inputs("region"):
        item = "dip_budget" if name == "budget" else name
        if item not in budget:
            lacking.append(Finding("budget_missing", "blocked", column=item, subject=fund, values={"year": str(year)}))
        values[name] = Fraction(budget.get(item, 0) + (budget.get("dip_topup", 0) if name == "budget" else 0), 100)
    return values, lacking
