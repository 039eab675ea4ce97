"""What stops a clearing, each named with what to do; all of it at once; what is only said."""

from __future__ import annotations

from fractions import Fraction

import pytest
from region import Region

from core.faults import Refused
from core.findings import Finding
from core.rules import packs
from core.settlement import control
from core.settlement.clearing import clear, runs
from core.texts import Texts

PACK = "ningde-2024"


def ready(region: Region) -> None:
    """Everything that one employee case needs, the case left out."""
    region.institutions(("H1", "甲", 2), ("H2", "乙", 5))
    region.groups({"dip_code": "K35.3:g", "score": "1.5"})
    region.coefficients(("H1", "all", "base", "", "1.0"))
    region.funded("employee")


def blocked(region: Region, **more: object) -> list[Finding]:
    with pytest.raises(Refused) as caught:
        clear(region.workspace, 2024, packs.load(PACK), **more)  # type: ignore[arg-type]
    assert caught.value.code == "blocked"
    assert runs(region.workspace) == []
    for lang in ("zh", "en"):
        texts = Texts(lang)
        for finding in caught.value.findings:
            assert finding.severity == "blocked"
            sentence = texts.finding(finding)
            assert "{" not in sentence
            assert sentence != f"finding.{finding.code}"
    return list(caught.value.findings)


def said(findings: list[Finding]) -> set[tuple[str, str, str]]:
    return {(f.code, f.subject, f.column) for f in findings}


ONE = {"setl_id": "a", "institution": "H1", "fee": "100.00"}


def test_an_empty_workspace_names_all_that_is_missing(region: Region) -> None:
    assert {f.code for f in blocked(region)} == {"no_institutions", "no_cases", "catalogue_missing"}


def test_all_at_once(region: Region) -> None:
    region.institutions(("H1", "甲", 2), ("H2", "乙", 5))
    region.cases(ONE, {"setl_id": "b", "institution": "H2", "fee": "5.00", "fund": "resident"})
    assert said(blocked(region)) == {
        ("catalogue_missing", "", ""),
        ("coefficient_missing", "H1", ""),
        ("coefficient_missing", "H2", ""),
        *{
            ("budget_missing", fund, item)
            for fund in ("employee", "resident")
            for item in ("dip_budget", "outside_card", "outside_manual")
        },
    }


def test_coefficient_missing_on_some_days(region: Region) -> None:
    ready(region)
    region.coefficients(("H2", "employee", "base", "2024-04-01", "0.9"), ("H2", "all", "bonus:x", "", "0.1"))
    region.cases(
        ONE,
        {"setl_id": "b", "institution": "H2", "fee": "5.00", "day": "2024-03-31"},
        {"setl_id": "c", "institution": "H2", "fee": "5.00", "day": "2024-04-01"},
    )
    (one,) = blocked(region)
    assert (one.code, one.subject, one.value) == ("coefficient_missing", "H2", "1")
    assert (one.values["from"], one.values["to"]) == ("2024-03-31", "2024-03-31")


def test_out_of_scope_institutions_need_none(region: Region) -> None:
    """By scope, area and refund; H3 is not registered."""
    ready(region)
    region.cases(
        ONE,
        {"setl_id": "b", "institution": "H2", "fee": "5.00", "scope": 2},
        {"setl_id": "c", "institution": "H2", "fee": "6.00", "insu_admdvs": "350102"},
        {"setl_id": "d", "institution": "H3", "fee": "7.00"},
        {"setl_id": "e", "institution": "H2", "fee": "8.00", "fund": "", "scope": 1},
        {"setl_id": "f", "institution": "H2", "fee": "9.00", "vali_flag": 0},
        {"setl_id": "g", "institution": "H1", "fee": "1.00", "insu_admdvs": None},
    )
    clearing = clear(region.workspace, 2024, packs.load(PACK))
    counts = clearing.stamps.counts
    assert (counts["in_scope"], counts["hi_paymtd"], counts["area"], counts["unregistered"]) == (2, 1, 1, 1)
    assert (counts["insutype"], counts["invalid"]) == (1, 1)
    amounts = {f.code: f.values["amount"] for f in clearing.findings if f.code.startswith("out_")}
    assert amounts == {
        "out_hi_paymtd": "5.00",
        "out_area": "6.00",
        "out_insutype": "8.00",
        "out_invalid": "9.00",
    }
    assert [f.values["amount"] for f in clearing.findings if f.code == "institution_unregistered"] == ["7.00"]


def test_patients_of_the_province(region: Region) -> None:
    ready(region)
    region.cases(
        ONE,
        {"setl_id": "c", "institution": "H1", "fee": "6.00", "insu_admdvs": "350102"},
        {"setl_id": "d", "institution": "H1", "fee": "6.00", "insu_admdvs": "360102"},
    )
    assert clear(region.workspace, 2024, packs.load(PACK)).stamps.counts["area"] == 2
    wide = clear(region.workspace, 2024, packs.load(PACK, {"intra_province": "true"}))
    assert (wide.stamps.counts["in_scope"], wide.stamps.counts["area"]) == (2, 1)


def test_several_catalogues(region: Region) -> None:
    ready(region)
    region.groups({"dip_code": "K35.3:g", "score": "2.5"}, version="v2024b")
    region.groups({"dip_code": "K35.3:g", "score": "3.5"}, version="v2023", year=2023)
    region.cases(ONE)
    (one,) = blocked(region)
    assert (one.code, one.value) == ("catalogue_several", "v2024, v2024b")
    assert [f.code for f in blocked(region, catalogue="nowhere")] == ["catalogue_unknown"]
    named = clear(region.workspace, 2024, packs.load(PACK), catalogue="v2024b")
    assert named.fund("employee").values["score"] == (Fraction("2.5"),)
    older = clear(region.workspace, 2024, packs.load(PACK), catalogue="v2023")
    assert "catalogue_other_year" in {f.code for f in older.findings}


def test_set_that_is_not_there(region: Region) -> None:
    ready(region)
    region.cases(ONE)
    assert "set_missing" in {f.code for f in blocked(region, set_name="2025")}


def test_adjusted_without_score(region: Region) -> None:
    ready(region)
    region.cases(ONE)
    region.special(("a", "adjusted", None), ("elsewhere", "adjusted", None))
    assert said(blocked(region)) == {("special_without_score", "a", "")}


def test_ungrouped_may_block(region: Region) -> None:
    ready(region)
    region.cases(ONE, {"setl_id": "b", "institution": "H1", "fee": "5.00", "group": None})
    with pytest.raises(Refused) as caught:
        clear(region.workspace, 2024, packs.load(PACK, {"ungrouped": "block"}))
    assert [(f.code, f.value) for f in caught.value.findings] == [("ungrouped", "1")]


def test_full_own_pay_is_not_guessed(region: Region) -> None:
    ready(region)
    region.cases({**ONE, "psn_ownpay": 500}, {**ONE, "setl_id": "b"})
    with pytest.raises(Refused) as caught:
        clear(region.workspace, 2024, packs.load(PACK, {"own_pay": "without_ownpay"}))
    assert [(f.code, f.value) for f in caught.value.findings] == [("ownpay_missing", "1")]


def test_fund_without_cases(region: Region) -> None:
    ready(region)
    region.funded("resident")
    region.cases(ONE)
    assert said(blocked(region)) == {("no_cases_in_fund", "resident", "")}
    assert [s.fund for s in clear(region.workspace, 2024, packs.load(PACK), funds=("employee",)).funds] == [
        "employee"
    ]


def test_what_counts_as_zero_is_said(region: Region) -> None:
    ready(region)
    region.cases(ONE, {"setl_id": "b", "institution": "H1", "fee": "5.00", "group": "X"})
    region.deductions(
        ("H2", "employee", "202403", "violation", "7.00"),
        ("H2", "employee", "2024", "refund", "3.00"),
        ("H2", "employee", "202301", "audit", "9.00"),
    )
    clearing = clear(region.workspace, 2024, packs.load(PACK))
    told = {(f.code, f.subject): f for f in clearing.findings}
    assert {"no_payments", "no_assessments", "refund_returned", "case_without_score", "ungrouped"} <= {
        code for code, _ in told
    }
    assert told["refund_returned", "H2"].value == "3.00"
    assert told["case_without_score", "b"].values["amount"] == "5.00"
    sheet = clearing.fund("employee")
    assert [one.code for one in sheet.institutions] == ["H1", "H2"]  # H2 has a deduction and no case
    assert sheet.values["violation"] == (0, 7)
    assert sheet.values["audit_deduction"] == (0, 0)
    assert sheet.values["final"][1] == -7


def test_platform_score_that_differs(region: Region) -> None:
    ready(region)
    region.cases(
        {**ONE, "grp_dise_sco": "1.50"},
        {**ONE, "setl_id": "b", "grp_dise_sco": "1.4"},
        {**ONE, "setl_id": "c", "grp_dise_sco": "x"},
    )
    clearing = clear(region.workspace, 2024, packs.load(PACK))
    assert [
        (f.subject, f.value, f.values["cases"]) for f in clearing.findings if f.code == "score_differs"
    ] == [("K35.3:g", "1.4", "1"), ("K35.3:g", "x", "1")]
    assert clearing.fund("employee").values["score"] == (Fraction("4.5"),)


def test_findings_hold_what_the_newest_run_said(region: Region) -> None:
    ready(region)
    region.cases(ONE, {"setl_id": "b", "institution": "H1", "fee": "5.00", "group": None})
    assert control.all_findings(region.workspace) == []
    clearing = clear(region.workspace, 2024, packs.load(PACK))
    assert control.all_findings(region.workspace) == list(clearing.findings)


def test_lacks_says_the_same_as_a_clearing(region: Region) -> None:
    region.institutions(("H1", "甲", 2))
    region.cases(ONE)
    told = {
        (f.code, f.subject, f.column)
        for f in control.lacks(region.workspace, 2024)
        if f.severity == "blocked"
    }
    assert told == said(blocked(region))
    region.groups({"dip_code": "K35.3:g", "score": "1.5"})
    region.coefficients(("H1", "all", "base", "", "1.0"))
    region.funded("employee")
    assert not [f for f in control.lacks(region.workspace, 2024) if f.severity == "blocked"]


def test_lacks_names_cases_days_and_cost_as_a_clearing_does(region: Region) -> None:
    ready(region)
    region.institutions(("H9", "新", 1))
    region.cases(
        ONE,
        {"setl_id": "b", "institution": "H9", "fee": "5.00", "day": "2024-02-03"},
        {"setl_id": "c", "institution": "H9", "fee": "5.00", "day": "2024-11-30"},
        {"setl_id": "d", "institution": "NO", "fee": "1000.10", "day": "2024-04-01"},
        {"setl_id": "e", "institution": "NO", "fee": "0.25", "fund": "resident", "day": "2024-04-01"},
    )
    told = {f.code: f for f in control.lacks(region.workspace, 2024)}
    lacking = told["coefficient_missing"]
    assert (lacking.subject, lacking.value) == ("H9", "2")
    assert (lacking.values["from"], lacking.values["to"]) == ("2024-02-03", "2024-11-30")
    stray = told["institution_unregistered"]
    assert (stray.subject, stray.value, stray.values["amount"]) == ("NO", "2", "1000.35")


def test_control_totals_and_inventory(region: Region) -> None:
    ready(region)
    region.cases(
        ONE, {"setl_id": "b", "institution": "H2", "fee": "5.00", "fund": "resident", "day": "2024-04-01"}
    )
    region.batch(
        "control_totals",
        [
            {"period": "2024", "rows": 2, "medfee_sumamt": 10_500, "hifp_pay": 6_300},
            {
                "period": "202403",
                "fixmedins_code": "H1",
                "fund": "employee",
                "rows": 2,
                "medfee_sumamt": 20_000,
            },
        ],
        "control_total",
    )
    sheet = control.control_totals(region.workspace)
    assert list(sheet.cells["rows_difference"]) == [0, -1]
    assert list(sheet.cells["medfee_difference"]) == [0, -10_000]
    assert list(sheet.cells["hifp_difference"]) == [0, None]
    differing = [(f.subject, f.column, f.value) for f in control.all_findings(region.workspace)]
    assert differing == [("H1", "rows", "-1"), ("H1", "medfee_sumamt", "-100.00")]
    there = control.inventory(region.workspace)
    found = set(
        zip(there.cells["kind"], there.cells["year"], there.cells["part"], there.cells["rows"], strict=True)
    )
    assert {
        ("cases", "2024", "employee", 1),
        ("cases", "2024", "resident", 1),
        ("budget", "2024", "employee", 3),
    } <= found
