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
    for institution, paid, held in connection.execute(
        "SELECT fixmedins_code, sum(amount * (kind = 'monthly')), sum(amount * (kind = 'retention')) FROM payment"
        " WHERE fund = ? AND substr(period, 1, 4) = ? AND kind IN ('monthly', 'retention') GROUP BY 1 ORDER BY 1",
        (fund, str(year)),
    ):
        (cut,) = connection.execute(
            "SELECT coalesce(sum(amount), 0) FROM deduction WHERE fixmedins_code = ? AND fund = ? AND kind = 'audit'"
            " AND length(period) = 6 AND substr(period, 1, 4) = ?",
            (institution, fund, str(year)),
        ).fetchone()
        due = paid + cut + held  # what the months came to before deductions and retention
        if held > 0 and due > 0 and held - due * limit > 12:  # half a fen of rounding in each month, both ways
            values = {"fund": fund, "share": plain(Fraction(held * 100, due), 2), "limit": plain(limit * 100)}
            found.append(Finding("retained_high", "warning", subject=institution, value=yuan(held), values=values))
    return found
