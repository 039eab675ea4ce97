"""Money and rows of a year close: what is paid outside DIP, what the fund pays and keeps, what became of every row."""

from __future__ import annotations

import tempfile
from collections import Counter
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from invented_tiers import invented
from region import Region

from core.faults import Refused
from core.money import fen
from core.rules import packs
from core.rules.sheet import Clearing, FundSheet
from core.settlement.clearing import case_story, clear, explain, rows_of, settlements_of

A, B, P, Q = "H35090000001", "H35090000002", "H35090000003", "H35090000099"
# hi_paymtd -> the line of the sheet, by hand from the dictionary (1 item, 2 single disease, 4 DRG, 5 bed-day, 6 visit, 7 quota).
LINE = {1: "item", 2: "quota", 4: "other_method", 5: "bed_day", 6: "quota", 7: "quota", 9: "other_method"}
INVENTED = invented(
    assessment_factor=((None, 90, "0.97"), (90, None, "1")),
    retention_share=((None, 90, "retention * 0.333"), (90, None, "retention")),
)
LOST = """
[[institution]]
id = "final"
title = { zh = "清算应拨（应退）", en = "To pay" }
unit = "yuan"
formula = "after_assessment - audit_deduction - violation - (retention - retention_return) - monthly_paid - advance - 7"
places = 2
cite = "T"
"""


@pytest.fixture(scope="module")
def sound_and_losing(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A pack with tiers, and one whose final payment loses seven yuan on the way."""
    folder = tmp_path_factory.mktemp("packs")
    for name, text in (("sound", INVENTED), ("losing", INVENTED + LOST)):
        (folder / f"{name}.toml").write_text(text, "utf-8")
    return folder / "sound.toml", folder / "losing.toml"


def founded(region: Region) -> Region:
    region.institutions((A, "甲医院", 2), (B, "乙医院", 5), (P, "精神病医院", 6))
    region.groups({"dip_code": "K35.3:g", "score": "1.2345"})
    region.coefficients(*((code, "all", "base", "", "1") for code in (A, B, P)))
    return region


def amounts(sheet: FundSheet, *names: str) -> list[str]:
    return [f"{float(sheet.region[name]):.2f}" for name in names]


def closes(sheet: FundSheet) -> None:
    assert sheet.region["money_open"] == 0
    assert sheet.region["rows_open"] == 0


def test_what_is_paid_outside_dip_by_hand(region: Region) -> None:
    founded(region)
    region.funded("employee")
    region.budget(("employee", "other:按床日", "5000.00"), ("employee", "other:按项目、定额", "1000.00"))
    out = {"scope": 2}
    region.cases(
        {"setl_id": "dip", "institution": A, "fee": "1000.00"},
        {"setl_id": "item", "institution": A, "fee": "200.00", "booked": "100.10", "hi_paymtd": 1, **out},
        {"setl_id": "day1", "institution": A, "fee": "300.00", "booked": "210.00", "hi_paymtd": 5, **out},
        {"setl_id": "day2", "institution": P, "fee": "900.00", "booked": "700.03", "hi_paymtd": 5, "med_type": 21, **out},
        {"setl_id": "single", "institution": A, "fee": "50.00", "booked": "30.00", "hi_paymtd": 2, **out},
        {"setl_id": "visit", "institution": B, "fee": "50.00", "booked": "31.00", "hi_paymtd": 6, **out},
        {"setl_id": "quota", "institution": A, "fee": "50.00", "booked": "32.00", "hi_paymtd": 7, **out},
        {"setl_id": "drg", "institution": A, "fee": "50.00", "booked": "33.00", "hi_paymtd": 4, **out},
        {"setl_id": "decided", "institution": A, "fee": "500.00", "booked": "250.00"},
        {"setl_id": "both", "institution": A, "fee": "60.00", "booked": "40.00", "hi_paymtd": 1, **out},
        {"setl_id": "clinic", "institution": A, "fee": "9.00", "hi_paymtd": 1, "med_type": 14, **out},
        {"setl_id": "dialysis", "institution": A, "fee": "9.00", "hi_paymtd": 7, "clr_type": 11, **out},
        {"setl_id": "birth", "institution": A, "fee": "9.00", "med_type": 51, "scope": 3},
        {"setl_id": "guest", "institution": A, "fee": "70.00", "hi_paymtd": 1, "insu_admdvs": "320100", **out},
        {"setl_id": "stray", "institution": Q, "fee": "80.00", "booked": "44.00", "hi_paymtd": 9, **out},
        {"setl_id": "stray-dip", "institution": Q, "fee": "80.00"},
        {"setl_id": "back", "institution": A, "fee": "20.00", "hi_paymtd": 1, **out},
        {"setl_id": "back", "institution": A, "fee": "-20.00", "hi_paymtd": 1, "sign": -1, "init_setl_id": "back", **out},
        {"setl_id": "void", "institution": A, "fee": "20.00", "vali_flag": 0},
        {"setl_id": "retired", "institution": A, "fee": "20.00", "fund": "", "scope": 1},
    )
    # What is by item already is not paid a second time because somebody decides that it is.
    region.special(("decided", "by_item", None), ("both", "by_item", None))
    made = clear(region.workspace, 2024, packs.load("ningde-2024"))
    sheet = made.fund("employee")
    assert [one.code for one in sheet.institutions] == [A]  # listed are those with DIP cases, payments or deductions
    own = {name: f"{float(values[0]):.2f}" for name, values in sheet.values.items()}
    assert [own[f"{line}_cases"] for line in ("item", "bed_day", "quota", "other_method", "by_item", "outside")] == [
        "2.00", "1.00", "2.00", "1.00", "1.00", "6.00",
    ]  # fmt: skip
    assert [own[f"{line}_paid"] for line in ("item", "bed_day", "quota", "other_method", "outside")] == [
        "140.10", "210.00", "62.00", "33.00", "445.10",
    ]  # fmt: skip
    assert own["by_item"] == "250.00"
    assert amounts(sheet, "unlisted_cases", "unlisted_paid", "outside_cases", "outside_paid") == ["3.00", "775.03", "9.00", "1220.13"]
    assert amounts(sheet, "other_budget", "outside_left") == ["6000.00", "4779.87"]
    assert amounts(sheet, "file_rows", "netted_rows", "away_rows", "not_inpatient_rows", "unregistered_rows") == [
        "19.00", "3.00", "1.00", "3.00", "1.00",
    ]  # fmt: skip
    assert amounts(sheet, "by_item_cases", "dip_cases") == ["1.00", "1.00"]
    closes(sheet)
    assert sheet.region["fund_paid"] == sheet.region["dip_paid"] + 250 + Fraction("1220.13")
    assert sheet.values["fund_paid"][0] == sheet.values["final"][0] + 250 + Fraction("445.10")
    assert {"outside_unlisted"} <= {one.code for one in made.findings}
    _why(region, made)


def _why(region: Region, made: Clearing) -> None:
    """Each figure opens the settlements that it counts, and no others."""
    expected = {
        ("item_paid", A): {"item", "both"}, ("quota_cases", A): {"single", "quota"}, ("by_item", A): {"decided"},
        ("by_item_cases", A): {"decided"}, ("unlisted_paid", ""): {"day2", "visit", "stray"}, ("netted_rows", ""): {"back", "void"},
        ("not_inpatient_rows", ""): {"clinic", "dialysis", "birth"}, ("unregistered_rows", ""): {"stray-dip"}, ("away_rows", ""): {"guest"},
    }  # fmt: skip
    for (step, code), ids in expected.items():
        assert explain(region.workspace, made, "employee", "institution" if code else "region", code, step).beneath == "settlements"
        told = settlements_of(region.workspace, made, "employee", code, step, "zh")
        assert told.keys is not None and set(told.keys.tolist()) == ids, step
    assert settlements_of(region.workspace, made, "employee", "", "file_rows").rows == 19
    assert rows_of(region.workspace, made, "employee", "", "other_budget").rows == 2
    assert case_story(region.workspace, made, "item").out == "hi_paymtd"
    region.cases({"setl_id": "late", "institution": A, "fee": "1.00", "hi_paymtd": 1, "scope": 2})
    with pytest.raises(Refused) as stale:
        settlements_of(region.workspace, made, "employee", A, "item_paid")
    assert stale.value.code == "run_stale"


def test_a_pack_that_loses_money_says_how_much(region: Region, sound_and_losing: tuple[Path, Path]) -> None:
    founded(region)
    region.funded("employee")
    region.cases(*({"setl_id": f"{code}{i}", "institution": code, "fee": "1000.00"} for code in (A, B) for i in range(3)))
    sound, losing = (
        clear(region.workspace, 2024, packs.load(str(path)), store=False).fund("employee") for path in sound_and_losing
    )
    closes(sound)
    assert losing.region["money_open"] == 14  # seven yuan of each of two institutions


def test_more_special_cases_than_allowed_are_a_warning_of_the_clearing(region: Region) -> None:
    founded(region)
    region.funded("employee", "resident")
    funds = ("employee", "resident")
    region.cases(*({"setl_id": f"{fund}{i}", "institution": A, "fee": "100.00", "fund": fund} for fund in funds for i in range(200)))
    region.special(("employee0", "by_item", None), ("resident1", "adjusted", "2"))
    pack = packs.load("ningde-2024")
    said = [one for one in clear(region.workspace, 2024, pack).findings if one.code == "special_over_limit"]
    assert said == []  # 2 of 400: just 5 per mille, over both funds together
    region.special(("employee2", "by_item", None), ("employee3", "rejected", None))
    (over,) = (one for one in clear(region.workspace, 2024, pack).findings if one.code == "special_over_limit")
    assert (over.severity, over.value) == ("warning", "3")
    assert {"cases": "400", "allowed": "2", "by_item": "2", "adjusted": "1", "over": "1"}.items() <= over.values.items()


CASES = st.lists(
    st.tuples(
        st.sampled_from((A, B, P, Q)), st.sampled_from(("employee", "resident", "")), st.integers(100, 9_000_000),
        st.sampled_from((3, 3, 3, 3, 1, 2, 4, 5, 6, 7, 9)), st.sampled_from((21, 21, 21, 14)),
        st.sampled_from(("350902", "350902", "320100")), st.sampled_from((1, 1, 1, 0)), st.sampled_from(("", "", "by_item", "adjusted")),
    ),
    max_size=14,
)  # fmt: skip
MONEY = st.lists(
    st.tuples(
        st.sampled_from((A, B, P)), st.sampled_from(("employee", "resident")),
        st.sampled_from(("monthly", "advance", "retention", "audit", "violation")), st.integers(0, 3_000_000),
    ),
    max_size=8, unique_by=lambda one: one[:3],
)  # fmt: skip
PACKS = ("invented", "ningde-2024", "national-draft-3", "zibo-2025")


def check_year(cases: list[tuple], money: list[tuple], budget: tuple[int, int, int, int], scores: tuple[int, int], pack: packs.Pack) -> None:
    """Figures of the sheet against sums of the rows that were written, made here a second time."""
    with tempfile.TemporaryDirectory() as folder:
        region = founded(Region(Path(folder) / "year.dz"))
        dip, card, manual, other = (f"{amount / 100:.2f}" for amount in budget)
        region.budget(*(
            (fund, item, amount) for fund in ("employee", "resident")
            for item, amount in (("dip_budget", dip), ("outside_card", card), ("outside_manual", manual), ("other:其他", other))
        ))  # fmt: skip
        # A point value needs points.
        rows: list[dict[str, object]] = [
            {"setl_id": f"base-{fund}", "institution": A, "fee": "800.00", "fund": fund} for fund in ("employee", "resident")
        ]
        expected = {fund: Counter(dip=1) for fund in ("employee", "resident")}
        booked = {fund: Counter[str]() for fund in ("employee", "resident")}
        decisions = []
        for i, (code, fund, fee, method, kind, area, valid, decision) in enumerate(cases):
            scope = 1 if not fund else 2 if method != 3 else 3 if kind == 14 else 0
            rows.append({
                "setl_id": f"c{i}", "institution": code, "fee": f"{fee / 100:.2f}", "fund": fund, "hi_paymtd": method, "med_type": kind,
                "insu_admdvs": area, "vali_flag": valid, "scope": scope,
            })  # fmt: skip
            if decision:
                decisions.append((f"c{i}", decision, "1.5" if decision == "adjusted" else None))
            if not fund:
                continue
            line = (
                "netted" if not valid else "away" if area != "350902" else "not_inpatient" if kind == 14
                else LINE[method] if method != 3 else "unregistered" if code == Q else "by_item" if decision == "by_item" else "dip"
            )  # fmt: skip
            expected[fund][line] += 1
            booked[fund][line] += fen(f"{fee / 100:.2f}") * 6 // 10
        region.cases(*rows)
        region.special(*decisions)
        paid = [one for one in money if one[2] in ("monthly", "advance", "retention")]
        region.payments(*((code, fund, "2024", kind, f"{amount / 100:.2f}") for code, fund, kind, amount in paid))
        cut = [one for one in money if one not in paid]
        region.deductions(*((code, fund, "202405", kind, f"{amount / 100:.2f}") for code, fund, kind, amount in cut))
        region.assessments(*((code, "100", str(score)) for code, score in zip((A, B), scores, strict=True)))
        try:
            made = clear(region.workspace, 2024, pack, store=False)
        except Refused as why:  # sums that no formula fits say so and pay nothing
            assert why.code == "rule_failed"
            return
        for sheet in made.funds:
            of = sheet.region
            lines, paid_by = expected[sheet.fund], booked[sheet.fund]
            assert of["rows_open"] == 0
            assert of["file_rows"] == sum(lines.values())
            assert of["dip_cases"] == lines["dip"] and of["by_item_cases"] == lines["by_item"]
            assert of["outside_cases"] == sum(lines[one] for one in set(LINE.values()))
            assert of["outside_paid"] * 100 == sum(paid_by[one] for one in set(LINE.values()))
            assert of["by_item"] * 100 == paid_by["by_item"]
            assert of["other_budget"] == of["outside_paid"] + of["outside_left"]
            # The money: what is paid is read off the rows and the final column, what is kept off the sheet.
            months = sum(amount for _, fund, kind, amount in money if fund == sheet.fund and kind in ("monthly", "advance"))
            spent = Fraction(months, 100) + sum(sheet.values["final"], Fraction(0)) + of["by_item"]
            apart = Fraction(0) if pack.id == "zibo-2025" and of["fund_available"] + of["by_item"] == of["budget"] else Fraction(
                budget[1] + budget[2], 100
            )
            assert spent + of["fund_kept"] + of["money_open"] == Fraction(budget[0], 100) - apart
            assert of["money_open"] == 0
            assert sum(sheet.values["fund_paid"], of["unlisted_paid"]) == spent + of["outside_paid"]


YEAR = (
    CASES, MONEY, st.tuples(st.integers(1, 90_000_000), st.integers(0, 9_000_000), st.integers(0, 900_000), st.integers(0, 9_000_000)),
    st.tuples(st.integers(0, 100), st.integers(0, 100)), st.sampled_from(PACKS),
)  # fmt: skip


@settings(max_examples=20, deadline=None)
@given(*YEAR)
def test_money_and_rows_of_any_year_close(cases, money, budget, scores, name) -> None:  # type: ignore[no-untyped-def]
    check_year(cases, money, budget, scores, _pack(name))


@pytest.mark.soak
@settings(max_examples=600, deadline=None)
@given(*YEAR)
def test_money_and_rows_of_many_years_close(cases, money, budget, scores, name) -> None:  # type: ignore[no-untyped-def]
    check_year(cases, money, budget, scores, _pack(name))


def _pack(name: str) -> packs.Pack:
    if name != "invented":
        return packs.load(name)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "invented.toml"
        path.write_text(INVENTED, "utf-8")
        return packs.load(str(path))
