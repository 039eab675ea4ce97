"""What the region's books say by fund: what went outside, and income, expenditure and balance month by month."""

from __future__ import annotations

import sqlite3

import numpy as np

from core.analysis.measured_rows import MONTHS, Table
from core.findings import Finding
from core.rules.cases import FUNDS, Ints

NAMES = ("outside", "expenditure", "balance")
_OUTSIDE = ("outside_card", "outside_manual")


def read(connection: sqlite3.Connection, year: int) -> Table:
    """outside: fen of both outside items, for the year; expenditure, balance: fen by month. All of the region."""
    region: dict[str, Ints] = {name: np.zeros((len(FUNDS), MONTHS), np.int64) for name in NAMES}
    said = {"year": str(year)}
    lacking: dict[str, Finding] = {}
    items = connection.execute(
        "SELECT fund, item, sum(amount) FROM budget WHERE year = ? AND item IN (?, ?) GROUP BY 1, 2", (year, *_OUTSIDE)
    ).fetchall()
    for fund, _, amount in items:
        if fund in FUNDS:
            region["outside"][FUNDS.index(fund), -1] += amount
    if not {(fund, item) for fund in FUNDS for item in _OUTSIDE} <= {(fund, item) for fund, item, _ in items}:
        lacking["outside"] = Finding("lacking_outside", "note", values=said)
    lines = connection.execute(
        "SELECT fund, CAST(replace(month, '-', '') AS INTEGER) % 100, expenditure, balance FROM fund_month"
        " WHERE CAST(substr(replace(month, '-', ''), 1, 4) AS INTEGER) = ?",
        (year,),
    ).fetchall()
    for fund, month, expenditure, balance in lines:
        if fund in FUNDS and 1 <= month <= MONTHS:
            region["expenditure"][FUNDS.index(fund), month - 1] = expenditure or 0
            region["balance"][FUNDS.index(fund), month - 1] = balance or 0
    whole = {(fund, month) for fund, month, expenditure, balance in lines if None not in (expenditure, balance)}
    if len(whole) < len(FUNDS) * MONTHS:
        lacking |= dict.fromkeys(("expenditure", "balance"), Finding("lacking_fund_months", "note", values=said))
    return Table((), {}, region=region, lacking=lacking)
