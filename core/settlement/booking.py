"""A settled month, or the advance, booked as payments: rows of `payment` that name the run they came from.

One edit, one undo. Nothing that was paid is written over in silence: what a file brought is never touched, what was
booked before only where one asks for it.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from core.faults import Refused
from core.findings import Finding
from core.money import yuan
from core.settlement import annual
from core.settlement.doubts import ordered
from core.settlement.monthly import MONTH, PREPAY, Month
from core.storage.ledger import Change, Edit, LedgerLine, Row

if TYPE_CHECKING:
    from core.storage.workspace import Workspace

# Which steps of a chapter are paid, and as what.
BOOKED = {MONTH: {"month_paid": "monthly", "month_retention": "retention"}, PREPAY: {"prepay_amount": "advance"}}


def book(workspace: Workspace, month: Month, why: str = "", *, again: bool = False) -> LedgerLine:
    """Write what was settled into `payment`. again: in place of what was booked for the same period before.

    Refused("payments_there", findings): what is there already, by institution; nothing_to_book where it is all there as it is.
    """
    connection = workspace.reader()
    wanted = _wanted(month)
    there = _there(connection, month)
    findings: list[Finding] = []
    changes: list[Change] = []
    for place in sorted(wanted.keys() | there.keys()):
        code, fund, kind = place
        own, amount = there.get(place), wanted.get(place)
        key: Row = {"fixmedins_code": code, "fund": fund, "period": month.period, "kind": kind}
        basis = month.clearing.stamps.run_hash
        after: Row | None = None if amount is None else {"amount": amount, "batch_id": None, "row": None, "basis": basis}
        if own is None:
            changes.append(Change("payment", key, None, after))
        elif own["basis"] is None:
            if amount is not None and amount != own["amount"]:
                findings.append(_there_already("payment_imported", month, place, own, amount))
        elif amount == own["amount"] and own["basis"] == basis:
            continue
        elif not again:
            findings.append(_there_already("payment_booked", month, place, own, amount))
        else:
            changes.append(Change("payment", key, own, after))
    findings += _whole_year(connection, month, wanted)
    if findings:
        raise Refused("payments_there", ordered(findings), month=month.period, count=len(findings))
    if not changes:
        raise Refused("nothing_to_book", month=month.period)
    annual.keep(workspace, month.clearing, month.kind)
    subject = f"{month.period} {month.clearing.stamps.pack}"
    return workspace.ledger.commit(Edit("book", subject, tuple(changes), why))


def booked(connection: sqlite3.Connection, period: str) -> dict[tuple[str, str, str], tuple[int, str | None]]:
    """What was paid for a period by fund, institution and kind: fen, and the run that it was booked from, None of a file's."""
    return {
        (fund, code, kind): (amount, basis)
        for fund, code, kind, amount, basis in connection.execute(
            "SELECT fund, fixmedins_code, kind, amount, basis FROM payment WHERE period = ? ORDER BY 1, 2, 3", (period,)
        )
    }


Place = tuple[str, str, str]  # institution, fund, kind


def _wanted(month: Month) -> dict[Place, int]:
    """Fen by place; of what was retained only what is not zero."""
    found: dict[Place, int] = {}
    for sheet in month.funds:
        for step, kind in BOOKED[month.kind].items():
            for one, value in zip(sheet.institutions, sheet.values.get(step, ()), strict=False):
                fen = value * 100
                if fen.denominator != 1:
                    raise Refused("not_in_fen", step=step, institution=one.code)
                if fen or kind != "retention":
                    found[one.code, sheet.fund, kind] = int(fen)
    return found


def _there(connection: sqlite3.Connection, month: Month) -> dict[Place, Row]:
    """The period's payments of the kinds and funds that are booked."""
    kinds, funds = set(BOOKED[month.kind].values()), {sheet.fund for sheet in month.funds}
    return {
        (code, fund, kind): {"amount": amount, "batch_id": batch, "row": row, "basis": basis}
        for code, fund, kind, amount, batch, row, basis in connection.execute(
            "SELECT fixmedins_code, fund, kind, amount, batch_id, row, basis FROM payment WHERE period = ? ORDER BY 1, 2, 3",
            (month.period,),
        )
        if kind in kinds and fund in funds
    }


def _there_already(code: str, month: Month, place: Place, own: Row, amount: int | None) -> Finding:
    institution, fund, kind = place
    held = own["amount"]
    values = {"fund": fund, "month": month.period, "kind": kind, "new": "" if amount is None else yuan(amount)}
    return Finding(code, "refused", subject=institution, value=yuan(held) if isinstance(held, int) else "", values=values)


def _whole_year(connection: sqlite3.Connection, month: Month, wanted: dict[Place, int]) -> list[Finding]:
    """Payments of the other length of period: a year's sum holds its months already, and the other way round."""
    other = "period = ?" if month.kind == MONTH else "length(period) = 6 AND substr(period, 1, 4) = ?"
    found: list[Finding] = []
    for code, fund, kind, amount, period in connection.execute(
        f"SELECT fixmedins_code, fund, kind, sum(amount), min(period) FROM payment WHERE {other}"
        " GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
        (month.period[:4],),
    ):
        if (code, fund, kind) in wanted:
            values = {"fund": fund, "month": month.period, "kind": kind, "period": period}
            found.append(Finding("payment_other_period", "refused", subject=code, value=yuan(amount), values=values))
    return found
