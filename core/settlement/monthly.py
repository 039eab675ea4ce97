"""A month's settlement and the advance: the pack's chapters on the facts of one month, and their booking as payments.

A month is a clearing of the pack's chapter `month`: its figures answer why, and are exported, as the year's are. What is
booked names the run that it came from (`payment.basis`); the year's clearing takes payments as they stand. The rate of
the months is the pack's parameter `month_rate_FUND` where it is given, else the opening point value.
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

from core.faults import Refused, Usage
from core.findings import Finding
from core.money import plain, yuan
from core.progress import SILENT, Progress, step
from core.rules.cases import FUNDS
from core.rules.chapters import chapter
from core.rules.sheet import Clearing, FundSheet, Institution, Stamps
from core.settlement import annual, digest, facts, month_cases, opening
from core.settlement.coefficients import timelines
from core.settlement.doubts import ordered
from core.settlement.month_cases import MonthCases

if TYPE_CHECKING:
    from core.rules.circular import Pack
    from core.storage.workspace import Workspace

MONTH, PREPAY = "month", "prepay"
_PERIOD = re.compile(r"((?:19|20)\d\d)-?(0[1-9]|1[0-2])")


@dataclass(frozen=True)
class Month:
    """What was settled for a period: YYYYMM, or YYYY of the advance. clearing: of the pack's chapter, a sheet for each fund."""

    period: str
    clearing: Clearing

    @property
    def kind(self) -> str:
        """The pack's chapter that it is of."""
        return MONTH if len(self.period) == 6 else PREPAY

    @property
    def funds(self) -> tuple[FundSheet, ...]:
        return self.clearing.funds


def period_of(text: str) -> tuple[int, int]:
    """`2024-03` or `202403` as year and month; Usage for anything else."""
    found = _PERIOD.fullmatch(text.strip())
    if found is None:
        raise Usage("month_unreadable", month=text)
    return int(found[1]), int(found[2])


def settle(
    workspace: Workspace,
    month: str,
    pack: Pack,
    *,
    funds: Sequence[str] = FUNDS,
    set_name: str | None = None,
    catalogue: str | None = None,
    grouping: str = "official",
    progress: Progress = SILENT,
    store: bool = True,
) -> Month:
    """One month by the pack's month chain. Refused: "month_blocked" with every blocking fact, "chapter_missing", "rule_failed".

    Stored as a run of kind `month` unless the workspace is read-only or `store` is off.
    """
    year, number = period_of(month)
    chain = chapter(pack, MONTH)
    found = month_cases.read(
        workspace, year, pack, funds=funds, set_name=set_name, catalogue=catalogue, grouping=grouping, progress=progress
    )
    rates = _rates(workspace, year, pack, chain, funds, found, progress)
    settled = _settled(workspace, found, pack, chain, funds, number, rates, progress)
    if store and not workspace.read_only:
        annual.keep(workspace, settled.clearing, MONTH)
    return settled


def year_of_months(
    workspace: Workspace,
    year: int,
    pack: Pack,
    *,
    funds: Sequence[str] = FUNDS,
    set_name: str | None = None,
    catalogue: str | None = None,
    grouping: str = "official",
    progress: Progress = SILENT,
) -> tuple[Month, ...]:
    """Every month of the year that has cases, in order, in one reading of them; nothing is stored."""
    chain = chapter(pack, MONTH)
    found = month_cases.read(
        workspace, year, pack, funds=funds, set_name=set_name, catalogue=catalogue, grouping=grouping, progress=progress
    )
    rates = _rates(workspace, year, pack, chain, funds, found, progress)
    return tuple(
        _settled(workspace, found, pack, chain, funds, number, rates, progress) for number in found.months()
    )


# -- one month ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Rate:
    """Yuan per point, None where there is none; given: by the pack's parameter, else the opening point value, which is
    without the years that are told."""

    value: Fraction | None
    given: bool
    without: tuple[Finding, ...] = ()


def _rates(
    workspace: Workspace, year: int, pack: Pack, chain: Pack, funds: Sequence[str], found: MonthCases, progress: Progress
) -> dict[str, _Rate]:
    rates: dict[str, _Rate] = {}
    if "month_rate" not in chain.inputs("region"):
        return rates
    for fund in funds:
        given = pack.values.get(f"month_rate_{fund}")
        if isinstance(given, Fraction) and given > 0:
            rates[fund] = _Rate(given, True)
    if any(fund not in rates and found.any_case(fund) for fund in funds):
        computed = opening.rates(workspace, year, pack, funds=funds, set_name=found.head.name, progress=progress)
        for fund, (value, without) in computed.items():
            rates.setdefault(fund, _Rate(value, False, without))
    return rates


def _settled(
    workspace: Workspace,
    found: MonthCases,
    pack: Pack,
    chain: Pack,
    funds: Sequence[str],
    month: int,
    rates: Mapping[str, _Rate],
    progress: Progress,
) -> Month:
    year = found.given.year
    period = f"{year}{month:02d}"
    step(progress, "month", month, month_cases.MONTHS)
    connection = workspace.reader()
    blocked = [one for one in found.blocked if _touches(one, period)]
    region: dict[str, dict[str, Fraction]] = {}
    institution: dict[str, dict[str, tuple[Fraction, ...]]] = {}
    listed: dict[str, tuple[Institution, ...]] = {}
    said: list[Finding] = []
    for fund in funds:
        cut = _deductions(connection, fund, period)
        codes = sorted({*found.codes(fund, month), *cut})
        if not codes:
            said.append(Finding("month_no_cases", "note", subject=fund, values={"month": period}))
            continue
        listed[fund] = tuple(found.standing.registered.get(code, Institution(code, "", 0)) for code in codes)
        region[fund], lacking = _region(chain, found, fund, month, rates.get(fund))
        blocked += lacking
        institution[fund] = _institutions(chain, found, fund, month, codes, cut)
        count, fee = found.ungrouped(fund, month)
        if count:
            said.append(
                Finding("month_ungrouped", "warning", subject=fund, value=str(count), values={"amount": yuan(fee)})
            )
        if (rate := rates.get(fund)) is not None and rate.value is not None:
            code = "month_rate_given" if rate.given else "month_rate_opening"
            said.append(Finding(code, "note", subject=fund, value=plain(rate.value)))
            said += [one for one in rate.without if one not in said]
    if not listed:
        blocked.append(Finding("month_empty", "blocked", value=f"{year}-{month:02d}"))
    if blocked:
        raise Refused("month_blocked", ordered(blocked), month=f"{year}-{month:02d}", count=len(blocked))
    data = [found.digest(month), period, region, institution]
    stamps = _stamps(found, pack, data, period)
    clearing = cleared(chain, year, region, institution, listed, stamps, said)
    return Month(period, clearing)


def cleared(
    chain: Pack,
    year: int,
    region: Mapping[str, Mapping[str, Fraction]],
    institution: Mapping[str, Mapping[str, tuple[Fraction, ...]]],
    listed: Mapping[str, tuple[Institution, ...]],
    stamps: Stamps,
    said: Sequence[Finding],
) -> Clearing:
    """The chain on every fund's facts."""
    sheets = tuple(
        annual.fund_sheet(chain, fund, listed[fund], region[fund], institution[fund], ()) for fund in listed
    )
    findings = ordered([*said, *(one for sheet in sheets for one in _doubts(chain, sheet))])
    clearing = Clearing(chain, year, sheets, stamps, findings)
    return replace(clearing, stamps=replace(stamps, run_hash=digest.of_run(clearing)))


def _touches(finding: Finding, period: str) -> bool:
    """Whether what blocks some days of the year blocks this month."""
    first, last = finding.values.get("from", ""), finding.values.get("to", "")
    return not first or first.replace("-", "")[:6] <= period <= last.replace("-", "")[:6]


def _deductions(connection: sqlite3.Connection, fund: str, period: str) -> dict[str, dict[str, int]]:
    """Fen by institution and step of what was deducted for the month itself."""
    found: dict[str, dict[str, int]] = {}
    for code, kind, amount in connection.execute(
        "SELECT fixmedins_code, kind, sum(amount) FROM deduction WHERE fund = ? AND period = ? GROUP BY 1, 2 ORDER BY 1, 2",
        (fund, period),
    ):
        if kind in facts.DEDUCTIONS:
            found.setdefault(code, {})[facts.DEDUCTIONS[kind]] = amount
    return found


def _region(
    chain: Pack, found: MonthCases, fund: str, month: int, rate: _Rate | None
) -> tuple[dict[str, Fraction], list[Finding]]:
    """The region's facts of a month, and those that nobody gave. A top-up counts from the month of its date on; the budget
    is the year's from January, whenever its document was signed."""
    year = found.given.year
    last = f"{year}-{month:02d}-31"
    lines = found.given.facts[fund].lines
    values: dict[str, Fraction] = {}
    lacking: list[Finding] = []
    for name in chain.inputs("region"):
        if name == "month":
            values[name] = Fraction(month)
        elif name == "month_rate":
            value = None if rate is None else rate.value
            if value is None:
                lacking.append(Finding("month_rate_missing", "blocked", subject=fund, values={"year": str(year)}))
            values[name] = value or Fraction(0)
        else:
            item = "dip_budget" if name == "budget" else name
            if not any(line.item == item for line in lines):
                lacking.append(
                    Finding("budget_missing", "blocked", column=item, subject=fund, values={"year": str(year)})
                )
            items = {"dip_budget", "dip_topup"} if name == "budget" else {name}
            amounts = [
                line.amount for line in lines if line.item in items and (line.item != "dip_topup" or line.date <= last)
            ]
            values[name] = Fraction(sum(amounts), 100)
    return values, lacking


def _institutions(
    chain: Pack, found: MonthCases, fund: str, month: int, codes: Sequence[str], cut: Mapping[str, Mapping[str, int]]
) -> dict[str, tuple[Fraction, ...]]:
    """The institutions' facts of a month, aligned with the codes."""
    values: dict[str, tuple[Fraction, ...]] = {}
    for name in chain.inputs("institution"):
        if name in facts.DEDUCTIONS.values():
            values[name] = tuple(Fraction(cut.get(code, {}).get(name, 0), 100) for code in codes)
        elif name == "coefficient":
            lines = timelines(found.given.content, fund)
            day = found.given.year * 10000 + month * 100 + 31
            own = [lines[code].at(day) if code in lines else None for code in codes]
            values[name] = tuple(one or Fraction(0) for one in own)
        else:
            values[name] = tuple(found.sum(name, fund, code, month) for code in codes)
    return values


def _doubts(chain: Pack, sheet: FundSheet) -> list[Finding]:
    """What an auditor should look at: more retained than may be or less than nothing, and amounts below zero."""
    said: list[Finding] = []
    limit = chain.values.get("retention_limit")
    due, held = sheet.values.get("month_due"), sheet.values.get("month_retention")
    if isinstance(limit, Fraction) and due is not None and held is not None:
        most = [(kept / of, one.code) for one, of, kept in zip(sheet.institutions, due, held, strict=True) if of > 0]
        # The share is of amounts in fen: half a fen of rounding is no breach.
        over = [
            one.code for one, of, kept in zip(sheet.institutions, due, held, strict=True)
            if of > 0 and kept - of * limit > Fraction(1, 200)
        ]  # fmt: skip
        if over:
            values = {
                "count": str(len(over)), "share": plain(max(most)[0] * 100, 2), "limit": plain(limit * 100),
                "first": over[0],
            }  # fmt: skip
            said.append(Finding("retention_high", "warning", subject=sheet.fund, values=values))
    below = [(one.code, value) for one, value in zip(sheet.institutions, held or (), strict=False) if value < 0]
    if below:
        amount = plain(sum((value for _, value in below), Fraction(0)), 2)
        values = {"count": str(len(below)), "first": below[0][0]}
        said.append(Finding("retention_negative", "warning", subject=sheet.fund, value=amount, values=values))
    prepaid = sheet.values.get("month_prepaid", ())
    for name in ("month_due", "month_paid"):
        for i, (one, value) in enumerate(zip(sheet.institutions, sheet.values.get(name, ()), strict=False)):
            # Nothing was deducted from a month that itself comes to less than nothing.
            if name == "month_paid" and i < len(prepaid) and value < 0 and prepaid[i] <= value:
                continue
            if value < 0:
                said.append(
                    Finding(
                        f"{name}_negative", "warning", subject=one.code, value=plain(value, 2), values={"fund": sheet.fund}
                    )
                )
    return said


def _stamps(found: MonthCases, pack: Pack, data: Sequence[object], period: str) -> Stamps:
    given, standing = found.given, found.standing
    text = json.dumps(data, sort_keys=True, ensure_ascii=False, default=str)
    return Stamps(
        region=given.region,
        workspace=given.workspace,
        synthetic=given.synthetic,
        pack=pack.id,
        pack_hash=pack.hash,
        set_name=found.head.name,
        set_hash=found.head.hash,
        set_state=found.head.state,
        catalogue=standing.version,
        grouping=standing.grouped.by,
        data_hash=hashlib.sha256(text.encode()).hexdigest(),
        parameters=dict(sorted(pack.changed.items())),
        references={},
        counts={},
        period=period,
    )
