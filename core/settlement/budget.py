"""The budget of a fund and year, line by line with date and document, and its edits: one edit, one line of the ledger.

A line is known by its item, document and date; another item, document or date is another line, so that an edit of these
takes the old one away and puts a new one in, in one go.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from core.faults import Refused
from core.findings import Finding
from core.money import decimal, fen, yuan
from core.rules.cases import FUNDS
from core.storage.ledger import Change, Edit, LedgerLine, Value

if TYPE_CHECKING:
    from core.storage.workspace import Workspace

DIP, TOPUP = "dip_budget", "dip_topup"
OUTSIDE = ("outside_card", "outside_manual")  # patients treated elsewhere: paid out of the DIP budget
# What the fund's total budget is for besides inpatients by DIP, in the order in which it is taken off.
BEFORE = ("outpatient", "chronic", "alliance", "other", "reserve")
INCOME, OTHER = "income", "other"
NAMED = (INCOME, OTHER)  # `income:征缴收入`, `other:床日`
PLAIN = (DIP, TOPUP, *OUTSIDE, "outpatient", "chronic", "alliance", "reserve")
YEARS = range(1900, 2101)
MOST = 10**15  # fen: ten trillion yuan


@dataclass(frozen=True, slots=True)
class Line:
    """One line; amount in fen. batch_id and row: where it was read, None of a line that was entered here."""

    item: str
    amount: int
    date: str = ""
    document: str = ""
    batch_id: int | None = None
    row: int | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        return self.item, self.document, self.date

    @property
    def kind(self) -> str:
        """The item without its name."""
        return self.item.partition(":")[0]


@dataclass(frozen=True, slots=True)
class LineEdit:
    """before: the line as the editor saw it, None of a new one; after: what is to stand, None to take it away."""

    before: Line | None
    after: Line | None


def order(item: str) -> tuple[int, str]:
    """Where an item stands: income, what is taken off, DIP, top-ups, patients elsewhere."""
    every = (INCOME, *BEFORE, DIP, TOPUP, *OUTSIDE)
    kind = item.partition(":")[0]
    return (every.index(kind) if kind in every else len(every)), item


def lines(connection: sqlite3.Connection, year: int, fund: str) -> tuple[Line, ...]:
    """The lines of a fund's year in the order of the chain, each item by date."""
    found = connection.execute(
        "SELECT item, amount, date, document, batch_id, row FROM budget WHERE year = ? AND fund = ?", (year, fund)
    ).fetchall()
    return tuple(sorted((Line(*row) for row in found), key=lambda one: (order(one.item), one.date, one.document)))


def amount_of(text: str) -> int:
    """What a person typed as yuan, in fen; `万` or `万元` behind it counts. Refused: "budget_amount"."""
    said = text.strip().replace(",", "").replace(chr(0xFF0C), "").replace(" ", "")
    times = 1
    for ending in ("万元", "万", "元"):
        if said.endswith(ending):
            said, times = said.removesuffix(ending), 1 if ending == "元" else 10_000
            break
    try:
        if times == 1:
            return fen(said)
        value = decimal(said) * times * 100
    except ValueError:
        raise Refused("budget_amount", value=text) from None
    if value.denominator != 1:
        raise Refused("budget_amount", value=text)
    return value.numerator


def faults(line: Line) -> list[Finding]:
    """What is wrong with a line, each with what to do."""
    said: list[Finding] = []

    def wrong(code: str, value: str) -> None:
        said.append(Finding(code, "refused", column=line.item, value=value))

    name = line.item.partition(":")[2]
    if line.item not in PLAIN and not (line.kind in NAMED and name and name == name.strip()):
        wrong("budget_item_unknown", line.item)
    if line.amount < 0 and line.item != TOPUP:  # a budget may be cut in the year, an item is never below nothing
        wrong("budget_negative", yuan(line.amount))
    if abs(line.amount) >= MOST:
        wrong("budget_too_large", yuan(line.amount))
    if line.date:
        try:  # Python reads 20240701 and 2024-W27-1 as well; a day that is written in two ways would be two lines
            right = date.fromisoformat(line.date).isoformat() == line.date
        except ValueError:
            right = False
        if not right:
            wrong("budget_date", line.date)
    if line.document != line.document.strip() or any(not sign.isprintable() for sign in line.document):
        wrong("budget_document", line.document)
    return said


def doubts(found: Sequence[Line], year: int) -> list[Finding]:
    """What a reader should look at: a top-up without day or document, or of another year; several lines that count as one.

    A top-up may be decided after the year, before its clearing: such a line counts, and is marked.
    """
    said: list[Finding] = []
    for line in found:
        if line.item == TOPUP and not (line.date and line.document):
            said.append(Finding("budget_topup_bare", "warning", column=line.item, value=yuan(line.amount)))
        if line.item == TOPUP and line.date and line.date[:4] != str(year):
            code = "budget_topup_later" if line.date[:4] > str(year) else "budget_topup_before"
            values = {"date": line.date, "year": str(year)}
            said.append(Finding(code, "warning", column=line.item, value=yuan(line.amount), values=values))
    for item in PLAIN:
        several = [line for line in found if line.item == item]
        if item != TOPUP and len(several) > 1:
            total = sum(line.amount for line in several)
            said.append(
                Finding("budget_several", "warning", column=item, value=yuan(total), values={"lines": str(len(several))})
            )
    return said


def edit(workspace: Workspace, year: int, fund: str, changes: Sequence[LineEdit], why: str) -> LedgerLine:
    """One edit of a fund's lines, one undo.

    Refused: budget_reason, budget_refused (each with its finding), stale_edit (a line is no longer as seen, both values in
    it and in its findings), nothing_changed.
    """
    if not why.strip():
        raise Refused("budget_reason")
    findings = [one for change in changes if change.after is not None for one in faults(change.after)]
    if fund not in FUNDS or year not in YEARS:
        findings.append(Finding("budget_place", "refused", subject=fund, value=str(year)))
    there = {one.key: one for one in lines(workspace.reader(), year, fund)}
    leave = {change.before.key for change in changes if change.before is not None}
    arrive: set[tuple[str, str, str]] = set()
    for change in changes:
        if change.after is None:
            continue
        if change.after.key in arrive or (change.after.key in there and change.after.key not in leave):
            findings.append(
                Finding(
                    "budget_line_there", "refused", column=change.after.item, value=yuan(change.after.amount),
                    values={"document": change.after.document or "—", "date": change.after.date or "—"},
                )
            )  # fmt: skip
        arrive.add(change.after.key)
    if findings:
        raise Refused("budget_refused", findings, count=len(findings))
    _refuse_stale(there, changes)
    gone: list[Change] = []
    put: list[Change] = []
    for change in changes:
        before, after = change.before, change.after
        if before is not None and after is not None and before.key == after.key:
            if before.amount != after.amount:
                stands = there[before.key]
                put.append(Change("budget", _key(year, fund, before), _row(stands), {"amount": after.amount, **_ENTERED}))
            continue
        if before is not None:
            gone.append(Change("budget", _key(year, fund, before), _row(there[before.key]), None))
        if after is not None:
            put.append(Change("budget", _key(year, fund, after), None, {"amount": after.amount, **_ENTERED}))
    if not gone and not put:
        raise Refused("nothing_changed")
    items = sorted({str(change.key["item"]) for change in (*gone, *put)}, key=order)
    subject = f"{year} {fund} {items[0]}" + (f" +{len(items) - 1}" if len(items) > 1 else "")
    return workspace.ledger.commit(Edit("edit", subject, (*gone, *put), why.strip()))


def _refuse_stale(there: dict[tuple[str, str, str], Line], changes: Sequence[LineEdit]) -> None:
    stale: list[Finding] = []
    for change in changes:
        if change.before is None:
            continue
        now = there.get(change.before.key)
        if now is None or now.amount != change.before.amount:
            stale.append(
                Finding(
                    "budget_stale", "refused", column=change.before.item, value="—" if now is None else yuan(now.amount),
                    values={"seen": yuan(change.before.amount), "document": change.before.document or "—"},
                )
            )  # fmt: skip
    if stale:
        raise Refused(
            "stale_edit", stale, table="budget", key=stale[0].column, expected=stale[0].values["seen"],
            found=stale[0].value,
        )  # fmt: skip


_ENTERED: dict[str, Value] = {"batch_id": None, "row": None}


def _key(year: int, fund: str, line: Line) -> dict[str, Value]:
    return {"year": year, "fund": fund, "item": line.item, "document": line.document, "date": line.date}


def _row(line: Line) -> dict[str, Value]:
    return {"amount": line.amount, "batch_id": line.batch_id, "row": line.row}
