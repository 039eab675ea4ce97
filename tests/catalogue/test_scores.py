"""Scores from history: against plain loops, in any order of rows, with sums that close; and what it does with bad history."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from past_years import Case, arrays, catalogue, group, slow_scores, workspace_with

from core.catalogue import library
from core.catalogue.history import history
from core.catalogue.score_working import worksheet
from core.catalogue.scores import again, derive, from_workspace
from core.catalogue.spread import cv, limits, sums
from core.faults import Refused, Usage
from core.money import rounded
from core.rules.scoring import PERCENTILES, ScoreRule, chosen

YEARS = (2021, 2022, 2023)
CODES = ("A", "B", "C", "D")
PLAIN = ScoreRule(auxiliary=(), places=6)
BASE = catalogue(*(group(code, "1.5") for code in CODES))

case_lists = st.lists(
    st.builds(
        Case, st.sampled_from(YEARS), st.sampled_from([*CODES, "X", ""]), st.integers(1, 10**7),
        drug=st.integers(-1, 10**6), consumable=st.just(-1), days=st.integers(-1, 40),
    ),
    min_size=1, max_size=120,
)  # fmt: skip
rules = st.builds(
    lambda **given: replace(PLAIN, **given),
    method=st.sampled_from(["mean", "quota"]), quota=st.just(800_000), weighting=st.sampled_from(["means", "totals"]),
    zero_years=st.sampled_from(["renormalise", "drop"]), overall=st.sampled_from(["all", "scored"]),
    trimming=st.sampled_from(["none", "percentile", "iqr"]), trim_by=st.sampled_from(["year", "group"]),
    trim_least=st.integers(1, 6), interpolation=st.sampled_from(PERCENTILES),
    percentiles=st.sampled_from([(Fraction(1, 40), Fraction(39, 40)), (Fraction(1, 10), Fraction(4, 5))]),
    fence=st.sampled_from([Fraction(0), Fraction(1, 2), Fraction(3, 2)]),
    weights=st.sampled_from([(1, 2, 7), (0, 0, 1), (Fraction(1, 3), Fraction(1, 2), Fraction(5, 2))]).map(
        lambda weights: tuple(Fraction(w) for w in weights)
    ),
)  # fmt: skip


def scored(derived: Any) -> dict[str, Fraction]:
    return {
        entry.dip_code: entry.score for entry in derived.rows if derived.decisions[entry.dip_code] == "scored"
    }


@given(case_lists, rules)
def test_as_plain_loops_do(cases: list[Case], rule: ScoreRule) -> None:
    slow = {
        code: rounded(value, rule.places)
        for code, value in slow_scores(rule, cases, CODES, YEARS).items()
    }
    try:
        derived = derive(rule, arrays(cases, YEARS), BASE)
    except Refused as refused:
        assert [finding.code for finding in refused.findings] == ["score_no_cases"]
        assert slow == {}
        return
    assert scored(derived) == {code: value for code, value in slow.items() if value}
    for code, value in scored(derived).items():
        exact = derived.working(code).exact
        assert exact is not None and rounded(exact, rule.places) == value


@given(case_lists, rules, st.randoms(use_true_random=False))
def test_order_of_rows_does_not_matter(cases: list[Case], rule: ScoreRule, chance: random.Random) -> None:
    mixed = list(cases)
    chance.shuffle(mixed)
    found = []
    for one in (cases, mixed):
        try:
            derived = derive(replace(rule, auxiliary=("age", "icu_days")), arrays(one, YEARS), BASE)
            found.append((derived.rows, derived.bands, json.dumps(derived.method), derived.counts, derived.findings))
        except Refused as refused:
            found.append(refused.findings)
    assert found[0] == found[1]


@given(case_lists, rules)
def test_counts_close(cases: list[Case], rule: ScoreRule) -> None:
    try:
        counts = derive(rule, arrays(cases, YEARS), BASE).counts
    except Refused:
        return
    parts = [counts.used, counts.trimmed, *counts.dropped.values()]
    assert tuple(map(sum, zip(*parts, strict=True))) == counts.cases == (len(cases), sum(one.fee for one in cases))


@given(case_lists, rules, st.integers(2, 9))
def test_ratio_methods_are_free_of_scale(cases: list[Case], rule: ScoreRule, times: int) -> None:
    rule = replace(rule, method="mean")
    dearer = [replace(case, fee=case.fee * times, drug=case.drug * times if case.drug > 0 else case.drug) for case in cases]
    try:
        one, other = (derive(rule, arrays(some, YEARS), BASE) for some in (cases, dearer))
    except Refused:
        return
    assert scored(one) == scored(other)
    assert [entry.drug_score for entry in one.rows] == [entry.drug_score for entry in other.rows]
    assert [entry.cv for entry in one.rows] == [entry.cv for entry in other.rows]


@given(case_lists, st.sampled_from(["last", "all"]), st.integers(0, 6))
def test_total_is_kept_up_to_the_shown_residual(cases: list[Case], years: str, places: int) -> None:
    rule = replace(PLAIN, keep_total=True, total_years=years, places=places)
    derived = derive(rule, arrays(cases, YEARS), BASE)
    counted = [case for case in cases if years == "all" or case.year == YEARS[-1]]
    old, new = Fraction(0), Fraction(0)
    for entry in derived.rows:
        if derived.decisions[entry.dip_code] == "scored":
            n = sum(case.group == entry.dip_code for case in counted)
            old, new = old + n * Fraction("1.5"), new + n * (entry.score or 0)
    if derived.total is None:
        assert old == 0
        assert any(finding.code == "score_total_empty" for finding in derived.findings)
        return
    # A group whose score rounds to zero leaves the sum; that is part of the residual.
    lost = sum(
        (Fraction("1.5") * sum(case.group == code for case in counted) for code, what in derived.decisions.items() if what == "zero"),
        Fraction(0),
    )
    assert derived.total.old == old + lost
    assert derived.total.new == new
    assert derived.total.residual == derived.total.new - derived.total.old
    assert derived.total.free * derived.total.factor == derived.total.old
    assert [one.values["groups"] for one in derived.findings if one.code == "score_total_kept"] == [str(derived.total.groups)]
    if not lost:
        assert abs(derived.total.residual) <= Fraction(1, 2 * 10**places) * derived.total.cases


@given(st.lists(st.integers(1, 2**40 - 1), min_size=1, max_size=60))
def test_spread_is_exact(fees: list[int]) -> None:
    import numpy as np

    found = sums(np.zeros(len(fees), np.int64), 1, np.array(fees, np.int64))
    assert int(found.total[0]) == sum(fees)
    assert found.square(0) == sum(fee * fee for fee in fees)
    value = cv(len(fees), sum(fees), found.square(0))
    mean = Fraction(sum(fees), len(fees))
    square = sum((fee - mean) ** 2 for fee in fees) / len(fees) / mean**2
    assert value is not None
    half = Fraction(1, 20_000)
    assert max(Fraction(0), value - half) ** 2 <= square <= (value + half) ** 2


@settings(max_examples=30)
@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=40), st.sampled_from(["linear", "lower", "higher", "midpoint"]))
def test_limits_against_numpy(fees: list[int], how: str) -> None:
    """numpy's percentiles in floats: the exact limits enclose the same fees wherever no fee lies on the edge."""
    import numpy as np

    share = (Fraction(1, 10), Fraction(9, 10))
    found = limits(
        np.zeros(len(fees), np.int64), 1, np.array(fees, np.int64), shares=share, fence=None, interpolation=how, least=1
    )
    low, high = (float(np.percentile(fees, float(q * 100), method=how)) for q in share)
    assert int(found.low[0]) == pytest.approx(low, abs=1.0)
    assert int(found.high[0]) == pytest.approx(high, abs=1.0)


def test_wide_fees_do_not_overflow() -> None:
    fee = (1 << 40) - 1
    cases = [Case(2023, "A", fee) for _ in range(2_000)] + [Case(2023, "A", 1)]
    rule = replace(PLAIN, weights=(Fraction(1),), trimming="iqr", trim_least=1, fence=Fraction(9999, 100))
    derived = derive(rule, arrays(cases), BASE)
    assert derived.counts.cases[1] == 2_000 * fee + 1
    assert derived.working("A").mean == fee  # the one fen is trimmed: the quartiles do not differ


def test_zero_case_year_is_renormalised_or_drops() -> None:
    """(1 x 100 + 7 x 300) / 8 = 275 yuan without 2022."""
    cases = [Case(2021, "A", 100_00), Case(2023, "A", 300_00), Case(2022, "B", 500_00)]
    rule = replace(PLAIN, method="quota", quota=100_00, scale=Fraction(1))
    assert scored(derive(rule, arrays(cases), BASE))["A"] == Fraction("2.75")
    dropping = derive(replace(rule, zero_years="drop", absent="drop"), arrays(cases), BASE)
    assert dropping.decisions == dict.fromkeys(CODES, "dropped_absent")
    assert dropping.rows == ()


def test_groups_declared_equal_share_their_score() -> None:
    base = catalogue(group("A", "1"), group("T", "1", kind="tcm", equal_to="A"), group("Q", "1", equal_to="nowhere"))
    cases = [Case(2023, "A", 100_00), Case(2023, "A", 200_00), Case(2023, "T", 600_00), Case(2023, "Q", 50_00)]
    rule = replace(PLAIN, weights=(Fraction(1),), method="quota", quota=100_00, scale=Fraction(1))
    derived = derive(rule, arrays(cases), base)
    assert scored(derived) == {"A": 3, "T": 3, "Q": Fraction("0.5")}
    assert [entry.cases for entry in derived.rows] == [2, 1, 1]
    assert derived.working("T").members == ("A", "T")
    assert ("score_equal_unknown", "Q", "nowhere") in [(one.code, one.subject, one.value) for one in derived.findings]


def test_bed_day_groups_are_scored_by_the_day() -> None:
    """(3,000 + 1,000) yuan / (10 + 10) days = 200 a day; a case without days makes no score."""
    base = catalogue(group("L", "1", kind="bed_day"), group("A", "1"))
    cases = [
        Case(2023, "L", 3_000_00, days=10), Case(2023, "L", 1_000_00, days=10), Case(2023, "L", 9_000_00, days=0), Case(2023, "A", 400_00),
    ]  # fmt: skip
    rule = replace(PLAIN, weights=(Fraction(1),), method="quota", quota=100_00, scale=Fraction(1), keep_total=True)
    derived = derive(replace(rule, keep_total=False), arrays(cases), base)
    assert scored(derived) == {"A": 4, "L": 2}
    assert derived.counts.dropped == {"no_days": (1, 9_000_00)}
    long = derived.entry("L")
    assert long is not None and long.mean_fee == 2_000_00 and long.mean_days == 10
    kept = derive(rule, arrays(cases), base)
    assert kept.total is not None
    assert (kept.total.old, kept.total.free, kept.total.cases) == (21, 44, 21)  # 20 days and one case at 1; 20 x 2 + 4


def test_thin_and_absent_groups() -> None:
    base = catalogue(group("A", "2"), group("B", "3"), group("C", "4"))
    cases = [Case(2023, "A", 100_00)] * 20 + [Case(2023, "B", 100_00)] * 3
    rule = replace(PLAIN, weights=(Fraction(1),))
    kept = derive(replace(rule, thin="keep"), arrays(cases), base)
    assert kept.decisions == {"A": "scored", "B": "kept_thin", "C": "kept_absent"}
    assert [(entry.dip_code, entry.score) for entry in kept.rows][1:] == [("B", 3), ("C", 4)]
    dropped = derive(replace(rule, thin="drop", absent="drop"), arrays(cases), base)
    assert [entry.dip_code for entry in dropped.rows] == ["A"]
    assert {one.code for one in dropped.findings} == {"score_group_dropped_absent", "score_group_dropped_thin", "score_parts_missing"}
    said = derive(rule, arrays(cases), base)
    assert "score_group_thin" in {one.code for one in said.findings}


def test_drug_and_consumable_scores_come_from_cases_that_state_them() -> None:
    """Drugs: A (40 + 80) / 2 = 60, all cases (40 + 80 + 30) / 3 = 50 yuan: 1.2; B 30 / 50 = 0.6. Consumables: nobody says."""
    cases = [
        Case(2023, "A", 100_00, drug=40_00), Case(2023, "A", 100_00, drug=80_00), Case(2023, "A", 100_00), Case(2023, "B", 100_00, drug=30_00),
    ]  # fmt: skip
    rule = replace(PLAIN, weights=(Fraction(1),))
    derived = derive(rule, arrays(cases), catalogue(group("A"), group("B")))
    assert [(entry.drug_score, entry.consumable_score) for entry in derived.rows] == [
        (Fraction("1.2"), None),
        (Fraction("0.6"), None),
    ]
    assert derived.working("A").part_formulas == {
        "drug": ("(1 × 60.00) / 1 = 60.00", "(1 × 50.00) / 1 = 50.00", "60.00 / 50.00 = 1.200000")
    }
    silent = derive(replace(rule, parts=False), arrays(cases), catalogue(group("A"), group("B")))
    assert {entry.drug_score for entry in silent.rows} == {None}


def test_primary_care_candidates() -> None:
    cases = [Case(2023, "A", fee, first=i % 2) for i, fee in enumerate((90_00, 110_00) * 10)]
    cases += [Case(2023, "B", fee, died=i == 0) for i, fee in enumerate((10_00, 990_00) * 10)]
    cases += [Case(2023, "C", 100_00, died=1) for _ in range(20)]
    base = catalogue(group("A"), group("B"), group("C"), group("D", kind="composite"))
    rule = replace(PLAIN, weights=(Fraction(1),))
    derived = derive(rule, arrays(cases), base)
    assert derived.candidates == ("A", "C")  # B: 490 / 500 = 0.98
    assert not any(entry.primary_care for entry in derived.rows)
    strict = replace(rule, primary_deaths=Fraction(1, 100), primary_share=Fraction(1, 2), primary_care="mark")
    marked = derive(strict, arrays(cases), base)
    assert marked.candidates == ("A",)
    assert [entry.dip_code for entry in marked.rows if entry.primary_care] == ["A"]
    edge = [Case(2023, "A", fee) for fee in (30_00, 170_00)] * 10  # CV exactly 70 / 100
    assert derive(rule, arrays(edge), base).candidates == ("A",)


# -- history -------------------------------------------------------------------------------------------------


def rows_of_all_kinds() -> list[dict[str, Any]]:
    return [
        {"dip_dise_grp_code": "A", "fee": 100_00, "drug_fee": 10_00},
        {"dip_dise_grp_code": "A", "fee": 300_00, "scope": 1, "fund": 0},  # pays himself
        {"dip_dise_grp_code": "A", "fee": 500_00, "scope": 3, "med_type": 11},  # outpatient
        {"dip_dise_grp_code": "A", "fee": 700_00, "scope": 2, "hi_paymtd": 1},
        {"dip_dise_grp_code": "A", "fee": 900_00, "insu_admdvs": "350100"},
        {"dip_dise_grp_code": "A", "fee": 1100_00, "fixmedins_code": "H99990000009"},
        {"dip_dise_grp_code": "A", "fee": 0},
        {"dip_dise_grp_code": "A", "fee": -5_00},
        {"dip_dise_grp_code": "A", "fee": 1 << 41},
        {"dip_dise_grp_code": "A", "fee": 1300_00, "vali_flag": 0},
        {"dip_dise_grp_code": "A", "fee": 1500_00, "setl_id": "R1"},
        {"dip_dise_grp_code": "A", "fee": -1500_00, "setl_id": "R2", "sign": -1, "init_setl_id": "R1"},
        {"fee": 1700_00},
        {"dip_dise_grp_code": "gone", "fee": 1900_00},
        {"dip_dise_grp_code": "A", "fee": 2100_00, "year": 2022},
    ]


def test_scope_is_stated_and_rows_close(tmp_path: Path) -> None:
    rows = rows_of_all_kinds()
    with workspace_with(tmp_path / "h.dz", rows) as workspace:
        whole = history(workspace, [2023])
        settled = history(workspace, [2023], scope="settled")
        both = history(workspace, [2023, 2022])
    assert sorted(whole.fee.tolist()) == [100_00, 300_00, 700_00, 900_00, 1100_00, 1700_00, 1900_00]
    assert {name: one[0] for name, one in whole.out.items()} == {
        "refund_pair": (2, 0), "invalid": (1, 1300_00), "med_type": (1, 500_00), "no_cost": (2, -5_00), "beyond_cost": (1, 1 << 41),
    }  # fmt: skip
    assert sorted(settled.fee.tolist()) == [100_00, 1700_00, 1900_00]
    assert {"insutype", "hi_paymtd", "area", "unregistered"} < set(settled.out)
    for past in (whole, settled, both):
        left = [sum(one[y][0] for one in past.out.values()) for y in range(len(past.years))]
        kept = [int((past.year == y).sum()) for y in range(len(past.years))]
        assert [a + b for a, b in zip(left, kept, strict=True)] == list(past.rows)
    assert both.years == (2022, 2023)
    assert sorted(whole.drug.tolist()) == [-1] * 6 + [10_00]


def test_groups_stated_beside_the_case(tmp_path: Path) -> None:
    with workspace_with(tmp_path / "g.dz", [{"setl_id": "S1"}, {"setl_id": "S2"}]) as workspace:
        with workspace.transaction("import", "groups") as out:
            out.executemany(
                "INSERT INTO case_group (setl_id, grp_stas, dip_dise_grp_code, batch_id, row) VALUES (?, ?, ?, 1, 2)",
                [("S1", 1, "A"), ("S2", 0, "A")],
            )
        past = history(workspace, [2023])
    assert past.groups == ("A",)
    assert sorted(past.group.tolist()) == [-1, 0]


def test_draft_is_derived_again_to_the_byte(tmp_path: Path) -> None:
    rng = random.Random(7)
    rows = [
        {"year": rng.choice(YEARS), "dip_dise_grp_code": rng.choice("ABC"), "fee": rng.randint(1_00, 90_000_00), "act_ipt_days": rng.randint(1, 30),
         "drug_fee": rng.randint(0, 9_00), "age": rng.randint(1, 90), "icu_days": rng.randint(0, 9)}
        for _ in range(400)
    ]  # fmt: skip
    choices = {"trimming": "percentile", "keep_total": "true", "auxiliary_cv": "0.1", "auxiliary_fall": "0", "weighting": "totals"}
    with workspace_with(tmp_path / "d.dz", rows, [group(code, "1.5") for code in CODES]) as workspace:
        derived = from_workspace(workspace, chosen(ScoreRule(), choices), YEARS, base="old")
        assert derived.bands
        library.store_draft(
            workspace, "new", derived.year, derived.rows, based_on="old", method=derived.method, bands=derived.bands, why="test"
        )
        stored = library.version_of(workspace.reader(), "new")
        kept = library.entries(workspace.reader(), "new")
        bands = library.bands(workspace.reader(), "new", derived.year)
        assert stored.state == "draft" and stored.based_on == "old"
        assert [replace(entry, row=0) for entry in kept.rows] == list(derived.rows)
        assert sorted(bands, key=repr) == sorted(derived.bands, key=repr)
        repeated = again(workspace, stored.method)
        assert (repeated.rows, repeated.bands, repeated.method) == (derived.rows, derived.bands, derived.method)
        assert library.publish(workspace, "new").state == "published"
        assert again(workspace, library.version_of(workspace.reader(), "new").method).rows == derived.rows


def test_every_group_looked_at_is_a_row_and_says_why() -> None:
    cases = [Case(year, code, 100_00 * (i + 1)) for i, code in enumerate("AB") for year in YEARS]
    derived = derive(replace(PLAIN, trimming="percentile", trim_least=1), arrays(cases), BASE)
    sheet = worksheet(derived)
    assert sheet.rows == len(CODES)
    assert list(sheet.keys if sheet.keys is not None else []) == list(CODES)
    for column in sheet.columns:
        assert column.title["zh"] and column.title["en"]
        for row in range(sheet.rows):
            sheet.text(row, column)
    for code in CODES:
        assert derived.working(code).decision == derived.decisions[code]
    with pytest.raises(KeyError):
        derived.working("X")


# -- hostile -------------------------------------------------------------------------------------------------


def test_nothing_to_score() -> None:
    rule = replace(PLAIN, weights=(Fraction(1),))
    for past, base, code in (
        (arrays([], [2023]), BASE, "score_no_cases"),
        (arrays([Case(2023, "A", 1)]), catalogue(), "score_no_groups"),
        (arrays([Case(2023, "A", 1, diagnosis="A00.000")]), None, "score_no_groups"),
    ):
        with pytest.raises(Refused) as refused:
            derive(rule, past, base)
        assert [finding.code for finding in refused.value.findings] == [code]


def test_one_case() -> None:
    derived = derive(replace(PLAIN, weights=(Fraction(1),), absent="drop"), arrays([Case(2023, "A", 1)]), BASE)
    assert scored(derived) == {"A": 1000}
    assert derived.rows[0].cv == 0


def test_benchmark_without_cases_blocks() -> None:
    past = arrays([Case(2023, "A", 100)])
    for code, benchmark in (("score_benchmark_empty", "B"), ("score_benchmark_unknown", "Z"), ("score_benchmark_missing", "")):
        with pytest.raises(Refused) as refused:
            derive(replace(PLAIN, weights=(Fraction(1),), method="benchmark", benchmark=benchmark), past, BASE)
        assert [(one.code, one.severity, one.value) for one in refused.value.findings] == [(code, "blocked", benchmark)]


def test_missing_years_are_said(tmp_path: Path) -> None:
    with workspace_with(tmp_path / "m.dz", [{"dip_dise_grp_code": "A"}], [group("A", "1")]) as workspace:
        derived = from_workspace(workspace, PLAIN, [2021, 2022, 2023], base="old")
        assert [one.value for one in derived.findings if one.code == "score_year_missing"] == ["2021", "2022"]
        with pytest.raises(Refused) as refused:
            from_workspace(workspace, PLAIN, [2018, 2019, 2020], base="old")
        assert [one.code for one in refused.value.findings] == ["score_no_cases"]
        with pytest.raises(Usage, match="scores_weights"):
            from_workspace(workspace, PLAIN, [2022, 2023], base="old")
        for years in ([], [2023, 2023]):
            with pytest.raises(Usage, match="scores_years"):
                history(workspace, years)
        with pytest.raises(Usage, match="scores_scope"):
            history(workspace, [2023], scope="some")
        with pytest.raises(Usage, match="scores_method"):
            again(workspace, {"rule": {}})


def test_a_score_that_rounds_to_zero_is_no_score() -> None:
    cases = [Case(2023, "A", 1), *[Case(2023, "B", 10**9)] * 9]
    derived = derive(replace(PLAIN, weights=(Fraction(1),), scale=Fraction(1), places=2, absent="drop"), arrays(cases), BASE)
    assert derived.decisions["A"] == "zero"
    assert [entry.dip_code for entry in derived.rows] == ["B"]
    assert ("score_group_zero", "1") in [(one.code, one.value) for one in derived.findings]
