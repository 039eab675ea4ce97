"""What a year's clearing would take off twice, and what was retained over the limit: read off the rows, nothing is cleared.

The chain is right once: payments are net of their month's deductions, the year takes each deduction off once
(`domain.md` 6.1). What breaks it is told apart from the rows alone; a sum that merely looks odd is a warning to look at.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from core.findings import Finding
from core.money import plain, yuan
from core.rules.cases import FUNDS

if TYPE_CHECKING:
    from core.settlement.monthly import Month
    from core.storage.workspace import Workspace

LIMIT = Fraction(5, 100)  # S3 art. 26, where no pack says its own
ROUNDING = 12  # fen: half a one in each month, in what was paid and in what was retained
_MONTHS = Path(__file__).with_name("months_came_to.sql").read_text("utf-8")
_ROWS = Path(__file__).with_name("doubled.sql").read_text("utf-8")


def doubled(workspace: Workspace, year: int, funds: Sequence[str] = FUNDS, limit: Fraction = LIMIT) -> list[Finding]:
    """Warnings by fund and institution. limit: the most that may be retained, as a share of what the months came to."""
    connection = workspace.reader()
    return [finding for fund in funds for finding in of_fund(connection, year, fund, limit)]


def gross(connection: sqlite3.Connection, months: Sequence[Month]) -> list[Finding]:
    """`doubled_payment_gross`: a file's payment that is the month's amount before its deductions, which the year takes off."""
    found: list[Finding] = []
    for month in months:
        paid = {
            (fund, code): amount
            for fund, code, amount in connection.execute(
                "SELECT fund, fixmedins_code, amount FROM payment WHERE period = ? AND kind = 'monthly' AND basis IS NULL",
                (month.period,),
            )
        }
        for sheet in month.funds:
            cut, net = sheet.values.get("audit_deduction"), sheet.values.get("month_paid")
            if cut is None or net is None:
                continue
            for one, less, own in zip(sheet.institutions, cut, net, strict=True):
                if less and paid.get((sheet.fund, one.code)) == (own + less) * 100:
                    values = {"fund": sheet.fund, "period": month.period, "kind": "monthly"}
                    found.append(
                        Finding(
                            "doubled_payment_gross", "warning", subject=one.code, value=plain(less, 2), values=values
                        )
                    )
    return found


def of_fund(connection: sqlite3.Connection, year: int, fund: str, limit: Fraction = LIMIT) -> list[Finding]:
    """The same of one fund; `value` is the amount that would count twice, yuan.

    doubled_payment_periods     a year's sum beside months of the same kind
    doubled_deduction_periods   a year's deduction that is the sum of its months'
    doubled_deduction_kinds     the same amount as audit deduction and as violation, of one period
    doubled_deduction_notes     the same amount twice under two notes
    doubled_deduction_returned  an amount that the institution has returned already
    """
    found: list[Finding] = []
    for code, institution, period, kind, amount in connection.execute(_ROWS, {"fund": fund, "year": str(year)}):
        values = {"fund": fund, "period": period, "kind": kind}
        found.append(Finding(f"doubled_{code}", "warning", subject=institution, value=yuan(amount), values=values))
    came: dict[str, int] = {}  # what the months came to before deductions and retention; one below zero retains nothing
    held: dict[str, int] = {}
    for institution, amount, kept in connection.execute(_MONTHS, {"fund": fund, "year": str(year)}):
        came[institution] = came.get(institution, 0) + max(0, amount)
        held[institution] = held.get(institution, 0) + max(0, kept)  # less than nothing retained makes no room elsewhere
    for institution, due in came.items():
        if due > 0 and held[institution] - due * limit > ROUNDING:
            values = {"fund": fund, "share": plain(Fraction(held[institution] * 100, due), 2), "limit": plain(limit * 100)}
            found.append(
                Finding("retained_high", "warning", subject=institution, value=yuan(held[institution]), values=values)
            )
    return found
