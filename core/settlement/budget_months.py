"""What is used of the DIP fund month by month: what hospitals booked, and what would be due at the opening point value.

due of a month = score * opening point value - own payments - other payments: the national monthly form before ratio and
deductions [V S1]; exact. The fund of a month is the budget as it stood then (top-ups from their day on) less what goes
elsewhere in the year; beside the months stands a twelfth of it for each, beside their sum as many twelfths [D].
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from core.findings import Finding
from core.money import rounded
from core.progress import SILENT, Progress
from core.settlement import month_cases, opening
from core.settlement.budget import DIP, OUTSIDE, TOPUP, lines
from core.settlement.budget_chain import titles
from core.worksheet import Column, Worksheet, column_of

if TYPE_CHECKING:
    from core.rules.circular import Pack
    from core.storage.workspace import Workspace

MONTHS = 12


@dataclass(frozen=True, slots=True)
class MonthUsed:
    """One month; points and yuan, exact. booked: with what is paid by item. due and fund: None where the opening value, or
    the budget, is not known. rising: sums from January on."""

    month: int
    cases: int
    score: Fraction
    booked: Fraction
    due: Fraction | None
    fund: Fraction | None
    rising_booked: Fraction
    rising_due: Fraction | None

    @property
    def share(self) -> Fraction | None:
        """Of the fund: its twelfth."""
        return None if self.fund is None else self.fund / MONTHS

    @property
    def rising_share(self) -> Fraction | None:
        return None if self.fund is None else self.fund * self.month / MONTHS

    @property
    def used(self) -> Fraction | None:
        """Per cent of the year's fund that is booked by now."""
        return None if not self.fund else self.rising_booked * 100 / self.fund

    @property
    def used_due(self) -> Fraction | None:
        return None if not self.fund or self.rising_due is None else self.rising_due * 100 / self.fund


@dataclass(frozen=True)
class Used:
    """rate: the opening point value, yuan per point. months: from January to the last with cases. rounding: what each
    institution's month to the fen sums up to beyond what is due, yuan; None where that is not known."""

    year: int
    fund: str
    rate: Fraction | None
    months: tuple[MonthUsed, ...]
    findings: tuple[Finding, ...]
    rounding: Fraction | None = None

    def worksheet(self) -> Worksheet:
        """A row for each month, keys 1..12."""
        values: dict[str, list[object]] = {
            "month": [f"{self.year}-{one.month:02d}" for one in self.months],
            "cases": [one.cases for one in self.months],
            "score": [one.score for one in self.months],
            "booked": [one.booked for one in self.months],
            "due": [one.due for one in self.months],
            "month_share": [one.share for one in self.months],
            "over": [None if one.share is None else one.booked - one.share for one in self.months],
            "rising_booked": [one.rising_booked for one in self.months],
            "rising_due": [one.rising_due for one in self.months],
            "rising_share": [one.rising_share for one in self.months],
            "fund_known": [one.fund for one in self.months],
            "used": [one.used for one in self.months],
            "used_due": [one.used_due for one in self.months],
        }
        summed = {"cases", "score", "booked", "due"}
        columns: list[Column] = []
        for id in values:
            title = titles(f"budget.column.{id}")
            if id == "month":
                columns.append(Column(id, title, "code"))
            elif id == "cases":
                columns.append(Column(id, title, "int", "cases", total=True))
            elif id == "score":
                columns.append(Column(id, title, "exact", "points", 4, total=True))
            elif id.startswith("used"):
                columns.append(Column(id, title, "exact", "percent", 2))
            else:
                tag = "D" if "due" in id or "share" in id else ""
                columns.append(Column(id, title, "exact", "yuan", 2, tag, total=id in summed))
        cells = {column.id: column_of(values[column.id], column.kind) for column in columns}
        title = titles("budget.sheet.months", year=self.year, fund=self.fund)
        keys = column_of([one.month for one in self.months], "text")
        return Worksheet("budget_months", title, columns, cells, len(self.months), keys=keys)


def used_by_month(
    workspace: Workspace,
    year: int,
    fund: str,
    pack: Pack,
    *,
    set_name: str | None = None,
    progress: Progress = SILENT,
) -> Used:
    """Refused: "month_blocked" where no case of the year can be scored. What else is lacking is said, never guessed."""
    rate, without = opening.rates(workspace, year, pack, funds=(fund,), set_name=set_name, progress=progress)[fund]
    found = month_cases.read(workspace, year, pack, funds=(fund,), set_name=set_name, progress=progress)
    findings: list[Finding] = list(found.blocked)
    if rate is not None:
        findings += without
    else:
        findings.append(Finding("budget_no_opening", "warning", subject=fund, values={"year": str(year)}))
    own = lines(workspace.reader(), year, fund)
    lacking = [item for item in (DIP, *OUTSIDE) if not any(one.item == item for one in own)]
    for item in lacking:
        findings.append(Finding("budget_month_lacks", "warning", column=item, subject=fund, values={"year": str(year)}))
    elsewhere = sum(one.amount for one in own if one.item in OUTSIDE)
    months: list[MonthUsed] = []
    if found.blocked:  # a case without coefficient has no score, and what is due is not known
        rate = None
    rounding = Fraction(0)
    booked_so_far, due_so_far = Fraction(0), None if rate is None else Fraction(0)
    last = max((month for month in found.months() if found.codes(fund, month)), default=0)
    for month in range(1, last + 1):
        codes = found.codes(fund, month)

        def total(name: str, codes: tuple[str, ...] = codes, month: int = month) -> Fraction:
            return sum((found.sum(name, fund, code, month) for code in codes), Fraction(0))

        score, booked = total("score"), total("booked") + total("by_item")
        due = None if rate is None else score * rate - total("own_pay") - total("other_pay")
        if rate is not None and due is not None:
            each = ([found.sum(name, fund, code, month) for name in ("score", "own_pay", "other_pay")] for code in codes)
            rounding += sum((rounded(s * rate - own_pay - other, 2) for s, own_pay, other in each), Fraction(0)) - due
        known = None
        if not lacking:
            end = f"{year}-{month:02d}-31"
            budget = sum(one.amount for one in own if one.item == DIP or (one.item == TOPUP and one.date <= end))
            known = Fraction(budget - elsewhere, 100)
        booked_so_far += booked
        due_so_far = None if due is None or due_so_far is None else due_so_far + due
        months.append(MonthUsed(month, int(total("cases")), score, booked, due, known, booked_so_far, due_so_far))
    return Used(year, fund, rate, tuple(months), tuple(findings), None if rate is None else rounding)
