"""The small inputs of a clearing: budget, payments, deductions, assessments, decisions on special cases.

Amounts are fen. What is missing and must not be guessed is a blocking finding that says what to do.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from core.findings import Finding
from core.money import decimal, yuan
from core.rules.sheet import BudgetLine
from core.settlement import doubled

# Budget items that a clearing cannot do without; a dip_topup may be absent.
NEEDED = ("dip_budget", "outside_card", "outside_manual")
BY_ITEM, ADJUSTED, REJECTED = "by_item", "adjusted", "rejected"
PAYMENTS = {"monthly": "monthly_paid", "advance": "advance", "retention": "retention"}
DEDUCTIONS = {"audit": "audit_deduction", "violation": "violation"}
# Money that hospitals returned after checking themselves is with the fund already: taking it off again would
# count it twice. It is shown, and stays out of the chain.
RETURNED = "refund"


@dataclass(frozen=True, slots=True)
class Facts:
    """Of one fund and year. budget: item -> fen, of `lines`. paid: institution -> step -> fen."""

    budget: Mapping[str, int]
    paid: Mapping[str, Mapping[str, int]]
    lines: tuple[BudgetLine, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided on a special case."""

    kind: str
    score: Fraction | None


def of_fund(connection: sqlite3.Connection, year: int, fund: str) -> Facts:
    lines = tuple(
        BudgetLine(item, amount, day, document)
        for item, amount, day, document in connection.execute(
            "SELECT item, amount, date, document FROM budget WHERE year = ? AND fund = ? ORDER BY item, date, document",
            (year, fund),
        )
    )
    budget, findings = _summed(lines, fund, year)
    paid: dict[str, dict[str, int]] = {}
    for table, names in (("payment", PAYMENTS), ("deduction", DEDUCTIONS)):
        rows = connection.execute(
            f"SELECT fixmedins_code, kind, sum(amount) FROM {table} WHERE fund = ? AND substr(period, 1, 4) = ?"
            " GROUP BY 1, 2 ORDER BY 1, 2",
            (fund, str(year)),
        ).fetchall()
        if not rows:
            findings.append(Finding(f"no_{table}s", "note", subject=fund, values={"year": str(year)}))
        for code, kind, amount in rows:
            own = paid.setdefault(code, {})
            if kind in names:
                own[names[kind]] = own.get(names[kind], 0) + amount
            elif kind == RETURNED:
                findings.append(
                    Finding(
                        "refund_returned", "note", subject=code, value=yuan(amount), values={"fund": fund}
                    )
                )
            else:
                findings.append(
                    Finding(
                        "payment_kind_unknown",
                        "warning",
                        subject=code,
                        value=kind,
                        values={"amount": yuan(amount), "fund": fund},
                    )
                )
    findings += doubled.of_fund(connection, year, fund)
    return Facts(budget, paid, lines, tuple(findings))


def with_budget(found: Facts, items: Mapping[str, int], fund: str, year: int) -> Facts:
    """The same with other amounts, in fen, in place of all lines of these items."""
    kept = [line for line in found.lines if line.item not in items]
    lines = sorted(
        [*kept, *(BudgetLine(item, amount) for item, amount in items.items())],
        key=lambda line: (line.item, line.date, line.document),
    )
    before = len(_summed(found.lines, fund, year)[1])
    budget, findings = _summed(lines, fund, year)
    return replace(found, budget=budget, lines=tuple(lines), findings=(*findings, *found.findings[before:]))


def _summed(lines: Sequence[BudgetLine], fund: str, year: int) -> tuple[dict[str, int], list[Finding]]:
    """Item -> fen, with what is lacking or was summed."""
    budget: dict[str, int] = {}
    findings: list[Finding] = []
    for line in lines:
        budget[line.item] = budget.get(line.item, 0) + line.amount
    for item in NEEDED:
        if item not in budget:
            findings.append(
                Finding("budget_missing", "blocked", column=item, subject=fund, values={"year": str(year)})
            )
        elif item == "dip_budget" and (several := sum(line.item == item for line in lines)) > 1:
            findings.append(
                Finding(
                    "budget_summed",
                    "warning",
                    column=item,
                    subject=fund,
                    value=yuan(budget[item]),
                    values={"lines": str(several)},
                )
            )
    return budget, findings


def assessments(connection: sqlite3.Connection, year: int) -> dict[str, Fraction]:
    """Every assessed institution's points out of 100, of the indicators that were reviewed."""
    points: dict[str, list[Fraction]] = {}
    for code, most, got in connection.execute(
        "SELECT fixmedins_code, max_points, points FROM assessment WHERE year = ? AND points <> ''", (year,)
    ):
        own = points.setdefault(code, [Fraction(0), Fraction(0)])
        own[0] += decimal(most)
        own[1] += decimal(got)
    return {code: got / most * 100 for code, (most, got) in points.items() if most > 0}


def assessment_doubts(connection: sqlite3.Connection, year: int) -> tuple[Finding, ...]:
    """Whose score stands on points that nobody else has checked, or on some of the indicators only."""
    lacking = connection.execute(
        "SELECT fixmedins_code, sum(points = ''), sum(points <> '' AND entered_by IS NOT NULL AND checked_by IS NULL)"
        " FROM assessment WHERE year = ? GROUP BY 1 ORDER BY 1",
        (year,),
    )
    return tuple(
        Finding(code, "warning", subject=institution, value=str(count), values={"year": str(year)})
        for institution, unreviewed, unchecked in lacking
        for code, count in (("assessment_unreviewed", unreviewed), ("assessment_unchecked", unchecked))
        if count
    )


def decisions(connection: sqlite3.Connection) -> tuple[dict[str, Decision], list[Finding]]:
    """Special cases by settlement; an adjusted one without score blocks, an unknown settlement is said."""
    found: dict[str, Decision] = {}
    findings: list[Finding] = []
    for setl_id, kind, score in connection.execute(
        "SELECT setl_id, decision, score FROM special_case ORDER BY 1"
    ):
        value = decimal(score) if score else None
        if kind == ADJUSTED and value is None:
            findings.append(Finding("special_without_score", "blocked", subject=setl_id))
        found[setl_id] = Decision(kind, value)
    strays = connection.execute(
        "SELECT setl_id FROM special_case WHERE NOT EXISTS"
        " (SELECT 1 FROM cases WHERE cases.setl_id = special_case.setl_id) ORDER BY 1"
    )
    findings += [Finding("special_case_unknown", "warning", subject=setl_id) for (setl_id,) in strays]
    return found, findings


def unassessed(assessed: Mapping[str, Fraction], codes: Sequence[str], year: int) -> list[Finding]:
    """Who has no assessment: counted as zero points, and said so."""
    without = [code for code in codes if code not in assessed]
    if len(without) == len(codes):
        return [Finding("no_assessments", "note", values={"year": str(year)})]
    return [
        Finding("assessment_missing", "warning", subject=code, values={"year": str(year)}) for code in without
    ]
