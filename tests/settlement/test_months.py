"""Months: money conserved over random years, against a slow second way, and what must not pass in silence."""

from __future__ import annotations

import random
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from region import Region

from core.faults import Refused, Usage
from core.money import plain, rounded
from core.rules import packs
from core.rules.circular import Pack
from core.settlement import annual, booking, doubled, gather, month_cases, runs
from core.settlement.advance import advance
from core.settlement.clearing import cases_of, clear, explain, last_run, stale
from core.settlement.monthly import Month, period_of, settle, year_of_months

CODES = ("H01", "H02", "H03")
GROUP = "K35.3:g"
RATES = {"month_rate_employee": "81.5", "month_rate_resident": "63", "reference_min_cases": "1"}
FUNDS = ("employee", "resident")


def pack_of(**more: str) -> Pack:
    return packs.load("ningde-2024", RATES | more)


def made(path: Path, seed: int, cases: int = 60, deductions: bool = True) -> Region:
    for room in (annual, gather, month_cases):
        room.forget()
    dice = random.Random(seed)
    region = Region(path)
    region.institutions(*((code, f"医院{code}", 2 + 3 * i) for i, code in enumerate(CODES)))
    region.groups({"dip_code": GROUP, "score": "97.53", "mean_fee": 900_000})
    region.coefficients(
        *((code, "all", "base", "", f"0.{90 + 3 * i}") for i, code in enumerate(CODES)),
        ("H02", "all", "bonus:a", "2024-06-15", "0.0431"),
    )
    region.funded(*FUNDS, amount="700000.00")
    rows = [
        {
            "setl_id": f"s{i:04d}", "institution": dice.choice(CODES), "fund": FUNDS[i % 2] if i < 12 else dice.choice(FUNDS),
            "fee": f"{dice.randint(1000, 30000)}.{dice.randint(0, 99):02d}",
            "day": f"2024-{dice.randint(1, 12):02d}-{dice.randint(1, 28):02d}",
        }
        for i in range(cases)
    ]  # fmt: skip
    region.cases(*rows)
    if deductions:
        region.deductions(
            *((code, fund, f"2024{month:02d}", "audit", f"{dice.randint(0, 500)}.{dice.randint(1, 99):02d}")
              for code in CODES for fund in FUNDS for month in dice.sample(range(1, 13), 3))
        )  # fmt: skip
    return region


@pytest.fixture
def year(tmp_path: Path) -> Region:
    return made(tmp_path / "y.dz", 7)


@given(st.integers(0, 10**6))
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_money_is_conserved(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    """What the fund pays in months, advance and final, what it keeps and what rounding leaves is the budget, to the fen."""
    region = made(tmp_path_factory.mktemp("money") / "m.dz", seed)
    region.cases(*({"setl_id": f"o{i}", "institution": code, "fee": "9000", "day": "2023-05-05"} for i, code in enumerate(CODES)))
    region.special(("s0001", "by_item", None), ("s0002", "by_item", None))
    pack, workspace = pack_of(), region.workspace
    for month in year_of_months(workspace, 2024, pack):
        booking.book(workspace, month)
    booking.book(workspace, advance(workspace, 2024, pack))
    clearing = clear(workspace, 2024, pack)
    for sheet in clearing.funds:
        total = {name: sum(values, Fraction(0)) for name, values in sheet.values.items()}
        rows = dict(
            workspace.reader().execute(
                "SELECT kind, sum(amount) FROM payment WHERE fund = ? AND substr(period, 1, 4) = '2024' GROUP BY 1", (sheet.fund,)
            ).fetchall()
        )
        assert total["monthly_paid"] == Fraction(rows["monthly"], 100)
        assert total["advance"] == Fraction(rows.get("advance", 0), 100)
        paid = total["monthly_paid"] + total["advance"] + total["final"]
        kept = total["audit_deduction"] + total["violation"] + total["retention"] - total["retention_return"]
        assert total["by_item"] > 0
        assert paid + kept + total["by_item"] + sheet.region["residual"] == sheet.region["budget"]
    assert not doubled.doubled(workspace, 2024)
    region.workspace.close()


def test_months_are_the_slow_way_and_sum_to_the_year(year: Region) -> None:
    pack, workspace = pack_of(), year.workspace
    clearing = clear(workspace, 2024, pack)
    months = year_of_months(workspace, 2024, pack)
    for fund in FUNDS:
        sheet = cases_of(workspace, clearing, fund)
        scores, days = sheet.cells["score"], sheet.cells["day"]
        places = next(one.places for one in sheet.columns if one.id == "score")
        assert places is not None
        summed: dict[str, Fraction] = {}
        for month in months:
            own = next((one for one in month.funds if one.fund == fund), None)
            if own is None:
                continue
            for i, one in enumerate(own.institutions):
                rows = [
                    row for row in range(sheet.rows)
                    if sheet.cells["fixmedins_code"][row] == one.code and days[row].replace("-", "")[:6] == month.period
                ]  # fmt: skip
                score = Fraction(sum(int(scores[row]) for row in rows), 10**places)
                patients = Fraction(sum(int(sheet.cells["own_pay"][row]) for row in rows), 100)
                gross = rounded(score * pack.values[f"month_rate_{fund}"], 2)  # type: ignore[operator]
                due = gross - patients
                prepaid = rounded(due * Fraction(95, 100), 2) if due > 0 else due
                (cut,) = workspace.reader().execute(
                    "SELECT coalesce(sum(amount), 0) FROM deduction WHERE fixmedins_code = ? AND fund = ? AND period = ?",
                    (one.code, fund, month.period),
                ).fetchone()
                assert own.values["score"][i] == score
                assert own.values["month_paid"][i] == prepaid - Fraction(cut, 100)
                assert own.values["month_retention"][i] == due - prepaid
                summed[one.code] = summed.get(one.code, Fraction(0)) + score
        annual_sheet = clearing.fund(fund)
        told = dict(zip((one.code for one in annual_sheet.institutions), annual_sheet.values["score"], strict=True))
        assert summed == told


def test_one_month_is_the_same_alone_and_in_the_year(year: Region) -> None:
    pack = pack_of()
    alone = settle(year.workspace, "2024-05", pack, store=False)
    beside = next(one for one in year_of_months(year.workspace, 2024, pack) if one.period == "202405")
    assert alone.clearing.stamps.run_hash == beside.clearing.stamps.run_hash
    month_cases.forget(), annual.forget(), gather.forget()
    assert settle(year.workspace, "202405", pack, store=False).clearing == alone.clearing


def test_other_months_do_not_move_a_month(year: Region) -> None:
    pack = pack_of()
    before = settle(year.workspace, "2024-05", pack)
    year.cases({"setl_id": "late", "institution": "H01", "fee": "8000", "day": "2024-09-09"})
    year.deductions(("H01", "employee", "202409", "violation", "12.00"))
    after = settle(year.workspace, "2024-05", pack)
    assert after.clearing.stamps.data_hash == before.clearing.stamps.data_hash
    year.deductions(("H01", "employee", "202405", "violation", "12.00"))
    moved = settle(year.workspace, "2024-05", pack)
    assert moved.clearing.stamps.data_hash != before.clearing.stamps.data_hash


def test_every_amount_says_why_and_leads_to_its_cases(year: Region) -> None:
    month = settle(year.workspace, "2024-05", pack_of())
    sheet = month.funds[0]
    code = sheet.institutions[0].code
    why = explain(year.workspace, month.clearing, sheet.fund, "institution", code, "month_paid")
    assert why.value == sheet.values["month_paid"][0] and {part.id for part in why.parts} == {"month_prepaid", "audit_deduction"}
    cases = cases_of(year.workspace, month.clearing, sheet.fund, code)
    assert cases.rows == sheet.values["cases"][0]
    assert all(day.startswith("2024-05") for day in cases.cells["day"])
    year.cases({"setl_id": "late", "institution": code, "fund": sheet.fund, "fee": "8000", "day": "2024-05-09"})
    with pytest.raises(Refused) as refused:
        cases_of(year.workspace, month.clearing, sheet.fund, code)
    assert refused.value.code == "run_stale"


# -- what must not pass in silence -----------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["2024-13", "2024", "24-03", "2024-3", "März", ""])
def test_what_is_no_month(text: str) -> None:
    with pytest.raises(Usage):
        period_of(text)


def test_a_month_without_cases(tmp_path: Path) -> None:
    region = made(tmp_path / "e.dz", 3, cases=0, deductions=False)
    region.cases({"setl_id": "a", "institution": "H01", "fee": "8000", "day": "2024-02-05"})
    with pytest.raises(Refused) as refused:
        settle(region.workspace, "2024-03", pack_of())
    assert [one.code for one in refused.value.findings] == ["month_empty"]
    only = settle(region.workspace, "2024-02", pack_of())
    assert [sheet.fund for sheet in only.funds] == ["employee"]
    assert "month_no_cases" in {one.code for one in only.clearing.findings}
    with pytest.raises(Refused) as refused:
        settle(region.workspace, "2019-02", pack_of())
    assert "no_cases" in {one.code for one in refused.value.findings}
    region.workspace.close()


def test_without_a_rate_nothing_is_invented(year: Region) -> None:
    with pytest.raises(Refused) as refused:
        settle(year.workspace, "2024-05", packs.load("ningde-2024", {"reference_min_cases": "1"}))
    assert {one.code for one in refused.value.findings} == {"month_rate_missing"}
    assert year.workspace.reader().execute("SELECT count(*) FROM run").fetchone() == (0,)


def test_booked_twice(year: Region) -> None:
    pack, workspace = pack_of(), year.workspace
    month = settle(workspace, "2024-05", pack)
    booking.book(workspace, month, "五月")
    with pytest.raises(Refused) as refused:
        booking.book(workspace, month)
    assert refused.value.code == "nothing_to_book"
    other = settle(workspace, "2024-05", pack_of(prepay_ratio="0.97"))
    with pytest.raises(Refused) as refused:
        booking.book(workspace, other)
    assert {one.code for one in refused.value.findings} == {"payment_booked"}
    assert paid(year) == of(month)
    booking.book(workspace, other, "改比例", again=True)
    assert paid(year) == of(other)
    workspace.ledger.undo()
    assert paid(year) == of(month)
    workspace.ledger.undo()
    assert paid(year) == {}


def test_a_files_payment_is_never_written_over(year: Region) -> None:
    month = settle(year.workspace, "2024-05", pack_of())
    sheet = month.funds[0]
    year.payments((sheet.institutions[0].code, sheet.fund, "202405", "monthly", "1.00"))
    for again in (False, True):
        with pytest.raises(Refused) as refused:
            booking.book(year.workspace, month, again=again)
        assert [one.code for one in refused.value.findings] == ["payment_imported"]


def test_the_whole_year_is_paid_already(year: Region) -> None:
    month = settle(year.workspace, "2024-05", pack_of())
    sheet = month.funds[0]
    year.payments((sheet.institutions[0].code, sheet.fund, "2024", "monthly", "99.00"))
    with pytest.raises(Refused) as refused:
        booking.book(year.workspace, month)
    assert [one.code for one in refused.value.findings] == ["payment_other_period"]


def test_payments_of_another_year_do_not_come_in(year: Region) -> None:
    year.payments(("H01", "employee", "202305", "monthly", "500.00"), ("H01", "employee", "202501", "monthly", "900.00"))
    sheet = clear(year.workspace, 2024, pack_of()).fund("employee")
    assert set(sheet.values["monthly_paid"]) == {Fraction(0)}
    assert not doubled.doubled(year.workspace, 2024)


def test_an_advance_without_last_years_payments_says_so(tmp_path: Path) -> None:
    """H01 was paid 1,200 last year, H02 has cases and no payment: its 0 is none that a file brought."""
    region = made(tmp_path / "p.dz", 4, cases=0, deductions=False)
    region.cases(*({"setl_id": code, "institution": code, "fee": "9000", "day": "2023-05-05"} for code in ("H01", "H02")))
    region.payments(("H01", "employee", "202303", "monthly", "1200.00"))
    by_paid = advance(region.workspace, 2024, pack_of(prepay_base="prepay_paid"))
    assert by_paid.funds[0].values["prepay_amount"] == (Fraction(100), Fraction(0))
    assert [one.subject for one in by_paid.clearing.findings if one.code == "prepay_unpaid"] == ["H02"]
    booked = advance(region.workspace, 2024, pack_of())
    assert all(booked.funds[0].values["prepay_amount"])
    assert not [one for one in booked.clearing.findings if one.code == "prepay_unpaid"]
    region.workspace.close()


def test_retention_over_its_limit_is_warned_of(year: Region) -> None:
    month = settle(year.workspace, "2024-05", pack_of(prepay_ratio="0.9"))
    high = [one for one in month.clearing.findings if one.code == "retention_high"]
    assert {one.subject for one in high} <= set(FUNDS) and high
    assert all(Fraction(one.values["share"]) >= Fraction("9.9") for one in high)
    assert not [one for one in settle(year.workspace, "2024-05", pack_of()).clearing.findings if one.code == "retention_high"]
    booking.book(year.workspace, month)
    assert "retained_high" in {one.code for one in doubled.doubled(year.workspace, 2024)}
    assert "retained_high" in {one.code for one in clear(year.workspace, 2024, pack_of()).findings}


def test_retention_below_nothing_is_warned_of_and_makes_no_room(year: Region) -> None:
    """A pack of one's own can pay half as much again: what is retained is then negative, and no other month's excuse."""
    pack = pack_of()
    month = settle(year.workspace, "2024-05", replace(pack, values={**pack.values, "prepay_ratio": Fraction("1.5")}))
    below = {one.subject: one for one in month.clearing.findings if one.code == "retention_negative"}
    for sheet in month.funds:
        negative = [value for value in sheet.values["month_retention"] if value < 0]
        assert Fraction(below[sheet.fund].value) == sum(negative)
        assert below[sheet.fund].values["count"] == str(len(negative))
    said = {one.code for one in settle(year.workspace, "2024-05", pack).clearing.findings}
    assert "retention_negative" not in said


def test_a_negative_month_does_not_offset_what_others_retain(tmp_path: Path) -> None:
    """900 paid and 100 retained in one month, 1,500 paid and -500 in another: the first is over 5 % all the same."""
    region = made(tmp_path / "n.dz", 3, deductions=False)
    region.payments(
        ("H01", "employee", "202401", "monthly", "900.00"), ("H01", "employee", "202401", "retention", "100.00"),
        ("H01", "employee", "202402", "monthly", "1000.00"), ("H01", "employee", "202402", "retention", "-500.00"),
    )  # fmt: skip
    high = [one for one in doubled.doubled(region.workspace, 2024) if one.code == "retained_high"]
    assert [(one.subject, one.value) for one in high] == [("H01", "100.00")]
    region.workspace.close()


def test_what_would_be_subtracted_twice(tmp_path: Path) -> None:
    region = made(tmp_path / "d.dz", 5, deductions=False)
    region.payments(
        ("H01", "employee", "2024", "monthly", "300.00"), ("H01", "employee", "202401", "monthly", "100.00"),
        ("H02", "employee", "202401", "monthly", "100.00"),
    )  # fmt: skip
    region.deductions(
        ("H01", "employee", "2024", "audit", "30.00"), ("H01", "employee", "202401", "audit", "10.00"),
        ("H01", "employee", "202402", "audit", "20.00"), ("H02", "employee", "202403", "audit", "5.00"),
        ("H02", "employee", "202403", "violation", "5.00"), ("H03", "employee", "202403", "audit", "8.00"),
        ("H03", "employee", "202403", "refund", "8.00"),
    )  # fmt: skip
    found = {(one.code, one.subject, one.value) for one in doubled.doubled(region.workspace, 2024)}
    assert found == {
        ("doubled_payment_periods", "H01", "100.00"), ("doubled_deduction_periods", "H01", "30.00"),
        ("doubled_deduction_kinds", "H02", "5.00"), ("doubled_deduction_returned", "H03", "8.00"),
    }  # fmt: skip
    assert {one.code for one in clear(region.workspace, 2024, pack_of()).findings} >= {code for code, _, _ in found}
    region.workspace.close()


def test_paid_before_its_deductions(year: Region) -> None:
    months = year_of_months(year.workspace, 2024, pack_of())
    month, sheet, i = next(
        (month, sheet, i) for month in months for sheet in month.funds
        for i, cut in enumerate(sheet.values["audit_deduction"]) if cut and sheet.values["month_paid"][i] > 0
    )  # fmt: skip
    whole = sheet.values["month_paid"][i] + sheet.values["audit_deduction"][i]
    year.payments((sheet.institutions[i].code, sheet.fund, month.period, "monthly", plain(whole, 2)))
    (found,) = doubled.gross(year.workspace.reader(), months)
    assert (found.code, found.subject, Fraction(found.value)) == (
        "doubled_payment_gross", sheet.institutions[i].code, sheet.values["audit_deduction"][i],
    )  # fmt: skip


def test_runs_of_months_stand_and_are_verified(year: Region) -> None:
    workspace, pack = year.workspace, pack_of()
    month = settle(workspace, "2024-05", pack)
    booking.book(workspace, month)
    assert last_run(workspace, 2024) is None  # a month is no clearing of the year
    ((number, kind, period),) = workspace.reader().execute("SELECT id, kind, period FROM run").fetchall()
    assert (kind, period) == ("month", "202405") and stale(workspace, number) == ""
    assert runs.verify(workspace) == []
    told = runs.stored(workspace.reader(), number)
    assert told.funds[0].values["month_paid"] == month.funds[0].values["month_paid"]
    year.deductions(("H01", "employee", "202405", "audit", "3.00"))
    assert stale(workspace, number) == "data_changed"
    assert [one.code for one in runs.verify(workspace)] == ["run_stale"]


def test_an_altered_month_is_found(year: Region) -> None:
    settle(year.workspace, "2024-05", pack_of())
    with year.workspace.transaction("alter", "") as connection:
        connection.execute("UPDATE run SET result = replace(result, '202405', '202406')")
    assert "run_differs_result" in {one.code for one in runs.verify(year.workspace)}


def test_a_missing_coefficient_blocks_only_its_months(tmp_path: Path) -> None:
    region = made(tmp_path / "k.dz", 4, cases=0, deductions=False)
    region.institutions(("H09", "新医院", 5))
    region.coefficients(("H09", "all", "base", "2024-06-01", "1"))
    region.cases(
        {"setl_id": "a", "institution": "H09", "fee": "8000", "day": "2024-02-05"},
        {"setl_id": "b", "institution": "H09", "fee": "8000", "day": "2024-07-05"},
    )
    assert settle(region.workspace, "2024-07", pack_of()).funds[0].institutions[0].code == "H09"
    with pytest.raises(Refused) as refused:
        settle(region.workspace, "2024-02", pack_of())
    assert [one.code for one in refused.value.findings] == ["coefficient_missing"]
    region.workspace.close()


MONTH_BUDGET = """
[pack]
id = "month-budget"
extends = "ningde-2024"
title = { zh = "月预算口径", en = "Against the month's budget" }

[[month.region]]
id = "budget"
title = { zh = "年度预算", en = "Budget" }
unit = "yuan"
input = "rows"
cite = "Z"
[[month.region]]
id = "month_budget"
title = { zh = "月预算", en = "Month's budget" }
unit = "yuan"
formula = "budget / 12"
places = 2
cite = "Z"
[[month.region]]
id = "city_booked"
title = { zh = "全市记账", en = "Booked in the city" }
unit = "yuan"
formula = "sum(booked)"
cite = "Z"
[[month.institution]]
id = "booked"
title = { zh = "记账", en = "Booked" }
unit = "yuan"
input = "cases"
cite = "Z"
[[month.institution]]
id = "month_paid"
title = { zh = "月预结", en = "Paid" }
unit = "yuan"
formula = "booked if city_booked <= month_budget else share(month_budget, booked)"
places = 2
cite = "Z"
"""


def test_another_citys_form_replaces_the_chapter(tmp_path: Path) -> None:
    """12,000 of budget and 6,000 dated July: March has 1,000 a month, August 1,500; 1,800 and 900 were booked in each."""
    path = tmp_path / "month-budget.toml"
    path.write_text(MONTH_BUDGET, "utf-8")
    region = made(tmp_path / "z.dz", 4, cases=0, deductions=False)
    with region.workspace.transaction("edit", "") as connection:
        # The document that sets the year's budget is of April: March has its twelfth of it all the same.
        connection.execute(
            "UPDATE budget SET amount = 1200000, date = '2024-04-15' WHERE item = 'dip_budget' AND fund = 'employee'"
        )
        connection.execute(
            "INSERT INTO budget (year, fund, item, document, date, amount) VALUES (2024, 'employee', 'dip_topup', 'x', '2024-07-31', 600000)"
        )
    for month in ("03", "08"):
        region.cases(
            {"setl_id": f"a{month}", "institution": "H01", "fee": "3000", "day": f"2024-{month}-05"},
            {"setl_id": f"b{month}", "institution": "H02", "fee": "1500", "day": f"2024-{month}-05"},
        )
    pack = packs.load(path)
    assert [one.id for one in pack.chapters["month"]] == ["budget", "month_budget", "city_booked", "booked", "month_paid"]
    march, august = year_of_months(region.workspace, 2024, pack)
    assert march.funds[0].values["month_paid"] == (Fraction("666.67"), Fraction("333.33"))
    assert august.funds[0].values["month_paid"] == (Fraction(1000), Fraction(500))
    region.workspace.close()


def of(month: Month) -> dict[tuple[str, str, str], Fraction]:
    return {
        (one.code, sheet.fund, kind): value
        for sheet in month.funds
        for step, kind in (("month_paid", "monthly"), ("month_retention", "retention"))
        for one, value in zip(sheet.institutions, sheet.values[step], strict=True)
        if kind == "monthly" or value
    }


def paid(region: Region) -> dict[tuple[str, str, str], Fraction]:
    rows = region.workspace.reader().execute("SELECT fixmedins_code, fund, kind, amount FROM payment").fetchall()
    return {(code, fund, kind): Fraction(amount, 100) for code, fund, kind, amount in rows}
