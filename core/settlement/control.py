"""What arrived against what the sender says it sent; what is there; what a clearing of a year still lacks."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from core.findings import Finding
from core.money import yuan
from core.settlement import arrivals, coefficients, facts
from core.storage import batches
from core.worksheet import Column, Kind, Worksheet, column_of

if TYPE_CHECKING:
    from core.storage.workspace import Workspace

_ARRIVED = Path(__file__).with_name("arrived.sql").read_text("utf-8")
_INVENTORY = Path(__file__).with_name("inventory.sql").read_text("utf-8")
_FUND_NUMBER = {"employee": 1, "resident": 2}


def all_findings(workspace: Workspace) -> list[Finding]:
    """What imports in force refused or warned of, control totals that differ, what the newest runs said."""
    connection = workspace.reader()
    found = list(batches.standing_findings(connection)) + differing_totals(workspace)
    for (run,) in connection.execute("SELECT max(id) FROM run GROUP BY year, pack ORDER BY 1").fetchall():
        found += batches.findings(connection, run_id=run)
    return found


def control_totals(workspace: Workspace) -> Worksheet:
    """Each line of the sender's control totals beside what arrived, with the differences (arrived - sent)."""
    connection = workspace.reader()
    sent = connection.execute(
        "SELECT period, fixmedins_code, fund, rows, medfee_sumamt, hifp_pay FROM control_total ORDER BY 1, 2, 3"
    ).fetchall()
    arrived: list[tuple[int, str, int, int, int, int]] = []
    if sent:
        years = [int(row[0][:4]) for row in sent]
        arrived = connection.execute(_ARRIVED, {"first": min(years), "last": max(years)}).fetchall()
    # Sums for every grain that a sender may state: month or year, one institution or all, one fund or all.
    sums: dict[tuple[str, str, str], list[int]] = {}
    named = {number: fund for fund, number in _FUND_NUMBER.items()}
    for month, code, fund, rows, medfee, hifp in arrived:
        for period in (str(month), str(month // 100)):
            for institution in (code, ""):
                for name in ("all", named.get(fund, "other")):
                    total = sums.setdefault((period, institution, name), [0, 0, 0])
                    total[0] += rows
                    total[1] += medfee
                    total[2] += hifp
    table: list[tuple[object, ...]] = []
    for period, code, fund, rows, medfee, hifp in sent:
        there = sums.get((period, code, fund), [0, 0, 0])
        table.append(
            (
                period,
                code,
                fund,
                rows,
                there[0],
                there[0] - rows,
                medfee,
                there[1],
                there[1] - medfee,
                None if hifp is None else Fraction(hifp, 100),
                Fraction(there[2], 100),
                None if hifp is None else Fraction(there[2] - hifp, 100),
            )
        )
    columns = [
        _column("period", "期间", "Period", "code"),
        _column("fixmedins_code", "机构编码", "Institution", "code"),
        _column("fund", "险种", "Fund"),
        _column("rows_sent", "报送笔数", "Rows sent", "int", "cases"),
        _column("rows_arrived", "收到笔数", "Rows arrived", "int", "cases"),
        _column("rows_difference", "笔数差", "Rows difference", "int", "cases"),
        _column("medfee_sent", "报送医疗费总额", "Total cost sent", "fixed", "yuan"),
        _column("medfee_arrived", "收到医疗费总额", "Total cost arrived", "fixed", "yuan"),
        _column("medfee_difference", "医疗费总额差", "Total cost difference", "fixed", "yuan"),
        _column("hifp_sent", "报送统筹支付", "Pooled fund sent", "exact", "yuan"),
        _column("hifp_arrived", "收到统筹支付", "Pooled fund arrived", "exact", "yuan"),
        _column("hifp_difference", "统筹支付差", "Pooled fund difference", "exact", "yuan"),
    ]
    return _sheet("control_totals", "对账总数核对", "Control totals", columns, table)


def differing_totals(workspace: Workspace) -> list[Finding]:
    """The control totals that do not agree with what arrived, each difference by its column."""
    sheet = control_totals(workspace)
    by_id = {column.id: column for column in sheet.columns}
    findings: list[Finding] = []
    for row in range(sheet.rows):
        for name in ("rows", "medfee", "hifp"):
            sent, arrived, difference = (
                sheet.text(row, by_id[f"{name}_{which}"]) for which in ("sent", "arrived", "difference")
            )
            if difference and Fraction(difference):
                where = {key: sheet.text(row, by_id[key]) for key in ("period", "fund")}
                findings.append(
                    Finding(
                        "control_total_differs",
                        "warning",
                        subject=sheet.text(row, by_id["fixmedins_code"]),
                        column={"rows": "rows", "medfee": "medfee_sumamt", "hifp": "hifp_pay"}[name],
                        value=difference,
                        values={**where, "sent": sent, "arrived": arrived},
                    )
                )
    return findings


def inventory(workspace: Workspace) -> Worksheet:
    """What is there by kind, year and fund, version or set."""
    rows = workspace.reader().execute(_INVENTORY).fetchall()
    table = [
        (
            kind,
            "" if year is None else str(year),
            part,
            count,
            None if amount is None else Fraction(amount, 100),
        )
        for kind, year, part, count, amount in rows
    ]
    columns = [
        _column("kind", "数据种类", "Kind"),
        _column("year", "年度", "Year", "code"),
        _column("part", "险种或版本", "Fund or version"),
        _column("rows", "行数", "Rows", "int"),
        _column("amount", "金额", "Amount", "exact", "yuan"),
    ]
    return _sheet("inventory", "现有数据", "What is there", columns, table)


def lacks(workspace: Workspace, year: int, set_name: str | None = None) -> list[Finding]:
    """What a clearing of the year still lacks, whatever its pack: blocking facts, and what will count as zero."""
    connection = workspace.reader()
    findings: list[Finding] = []
    said = {"year": str(year)}
    present = connection.execute(
        "SELECT fixmedins_code, fund, count(*), sum(fee), min(day), max(day) FROM cases"
        " WHERE year = ? AND netting = 0 AND scope = 0 GROUP BY 1, 2",
        (year,),
    ).fetchall()
    registered = {code for (code,) in connection.execute("SELECT fixmedins_code FROM institution")}
    if not registered:
        findings.append(Finding("no_institutions", "blocked"))
    if not present:
        findings.append(Finding("no_cases", "blocked", values=said))
    if not workspace.region:
        findings.append(Finding("region_unknown", "warning"))
    versions = [
        v
        for (v,) in connection.execute(
            "SELECT DISTINCT version FROM catalogue WHERE year = ? ORDER BY 1", (year,)
        )
    ]
    if len(versions) != 1:
        code = "catalogue_several" if versions else "catalogue_missing"
        findings.append(Finding(code, "blocked", value=", ".join(versions), values=said))
    head = coefficients.choose(connection, set_name)
    if head is None:
        findings.append(Finding("set_missing", "blocked", value=set_name or ""))
    else:
        content = coefficients.parts(connection, head.name)
        for fund, number in _FUND_NUMBER.items():
            lines = coefficients.timelines(content, fund)
            findings += [
                Finding(
                    "coefficient_missing",
                    "blocked",
                    subject=code,
                    value=str(count),
                    values={"fund": fund, "set": head.name, "from": arrivals.iso_day(first), "to": arrivals.iso_day(last)},
                )
                for code, of, count, _, first, last in present
                if of == number
                and code in registered
                and (code not in lines or not any(v is not None for v in lines[code].values))
            ]
    strays: dict[str, tuple[int, int]] = {}
    for code, _, count, fee, *_ in present:
        if code not in registered:
            before = strays.get(code, (0, 0))
            strays[code] = (before[0] + count, before[1] + fee)
    findings += [
        Finding(
            "institution_unregistered", "warning", subject=code, value=str(count), values={"amount": yuan(fee)}
        )
        for code, (count, fee) in sorted(strays.items())
    ]
    for fund, number in _FUND_NUMBER.items():
        if any(of == number for _, of, *_ in present):
            findings += facts.of_fund(connection, year, fund).findings
    earlier = connection.execute(
        "SELECT EXISTS (SELECT 1 FROM cases WHERE year = :y) OR EXISTS (SELECT 1 FROM reference_mean WHERE year = :y)",
        {"y": year - 1},
    ).fetchone()[0]
    if not earlier:
        findings.append(Finding("no_earlier_year", "warning", values={"year": str(year - 1)}))
    if not facts.assessments(connection, year):
        findings.append(Finding("no_assessments", "note", values=said))
    return findings


def _column(name: str, zh: str, en: str, kind: Kind = "text", unit: str = "") -> Column:
    places = 2 if kind in ("fixed", "exact") else None
    return Column(name, {"zh": zh, "en": en}, kind, unit, places, total=False)


def _sheet(
    name: str, zh: str, en: str, columns: Sequence[Column], rows: Sequence[Sequence[object]]
) -> Worksheet:
    cells = {column.id: column_of([row[i] for row in rows], column.kind) for i, column in enumerate(columns)}
    return Worksheet(name, {"zh": zh, "en": en}, columns, cells, len(rows))
