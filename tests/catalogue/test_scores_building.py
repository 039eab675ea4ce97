"""Groups built from cases against a slow builder that takes one case at a time; sub-types and their triggers."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from past_years import Case, arrays, catalogue, group, workspace_with

from core.catalogue.building import ATTRIBUTE_NAMES, CONSERVATIVE
from core.catalogue.entries import ATTRIBUTES, Exclusions
from core.catalogue.history import history
from core.catalogue.scores import derive, from_workspace
from core.faults import Usage
from core.rules import packs
from core.rules.bands import AGE
from core.rules.scoring import ScoreRule

YEARS = (2022, 2023)
RULE = ScoreRule(auxiliary=(), weights=(Fraction(1), Fraction(3)), least=3)
ATTRIBUTE = {"47.0100": "surgery", "36.0700": "intervention", "88.5600": "diagnostic", "99.2500": "therapeutic"}
OPERATIONS = [*ATTRIBUTE, "00.2400"]  # the last has no attribute
LISTS = Exclusions(frozenset({"Z00.000"}), frozenset({"89.0000"}))

case_lists = st.lists(
    st.builds(
        Case, st.sampled_from(YEARS), st.just(""), st.sampled_from([1000_00, 1050_00, 1150_00, 2000_00, 5000_00]),
        diagnosis=st.sampled_from(["K35.300", "K35.301", "K35.900", "I21.000", "K36", "", "Z00.000"]),
        operations=st.lists(st.sampled_from([*OPERATIONS, "89.0000", "", "47.0100", "47.0100"]), max_size=4).map("|".join),
    ),
    min_size=1, max_size=100,
)  # fmt: skip


def weighed(rule: ScoreRule, cases: list[Case]) -> Fraction:
    there = [
        (w, [case.fee for case in cases if case.year == year])
        for w, year in zip(rule.weights, YEARS, strict=True)
    ]
    there = [(w, fees) for w, fees in there if fees]
    return Fraction(sum(w * Fraction(sum(fees), len(fees)) for w, fees in there)) / sum(w for w, _ in there)


def slow_groups(rule: ScoreRule, cases: list[Case]) -> tuple[dict[str, list[Case]], Counter[str]]:
    """Straight from the rule: core, related operations, composite; and the reasons of what is left."""
    dropped: Counter[str] = Counter()
    read: list[tuple[Case, str, set[str], str]] = []
    for case in cases:
        if not case.diagnosis:
            dropped["no_diagnosis"] += 1
            continue
        if case.diagnosis in LISTS.diagnosis:
            dropped["excluded_diagnosis"] += 1
            continue
        done = [code for code in case.operations.split("|") if code and code not in LISTS.operation]
        main = done[0] if done else ""
        ranks = [("conservative", "diagnostic", "therapeutic", "surgery").index(
            {"intervention": "surgery", "": "conservative"}.get(ATTRIBUTE.get(code, ""), ATTRIBUTE.get(code, ""))
        ) for code in (done if rule.attribute == "highest" else done[:1])]  # fmt: skip
        read.append((case, main, set(done[1:]) - {main}, ATTRIBUTES[max(ranks, default=0)]))

    def enough(some: list[tuple[Case, str, set[str], str]], least: int) -> bool:
        return sum(rule.threshold_years == "all" or one[0].year == YEARS[-1] for one in some) >= least

    cells: dict[tuple[str, str], list[tuple[Case, str, set[str], str]]] = {}
    for one in read:
        cells.setdefault((one[0].diagnosis[:5], one[1]), []).append(one)
    threshold = rule.least
    if rule.threshold == "coverage":
        sizes = sorted(
            (sum(rule.threshold_years == "all" or one[0].year == YEARS[-1] for one in cell) for cell in cells.values()), reverse=True
        )
        covered = 0
        for size in sizes:
            covered += size
            if covered >= rule.coverage * sum(sizes):
                threshold = max(1, size)
                break
    groups: dict[str, list[Case]] = {}
    rest: list[tuple[Case, str, set[str], str]] = []
    for (diagnosis, main), cell in cells.items():
        if not enough(cell, threshold):
            rest += cell
            continue
        candidates = []
        for code in sorted({code for one in cell for code in one[2]}) if main else []:
            own = [one for one in cell if code in one[2]]
            if not enough(own, threshold):
                continue
            reference = [one for one in cell if not one[2]]
            if len(reference) < threshold:
                reference = [one for one in cell if code not in one[2]]
            if not reference:
                continue
            below = weighed(rule, [one[0] for one in reference])
            rise = weighed(rule, [one[0] for one in own]) / below - 1
            if rise >= rule.related_rise:
                candidates.append((-rise, code, below))
        left = list(cell)
        for _, code, below in sorted(candidates):
            own = [one for one in left if code in one[2]]
            if enough(own, threshold) and weighed(rule, [one[0] for one in own]) >= below * (1 + rule.related_rise):
                groups[f"{diagnosis}:{main}+{code}"] = [one[0] for one in own]
                left = [one for one in left if code not in one[2]]
        if enough(left, threshold):
            groups[f"{diagnosis}:{main or CONSERVATIVE}"] = [one[0] for one in left]
        else:
            rest += left
    composites: dict[str, list[tuple[Case, str, set[str], str]]] = {}
    for one in rest:
        composites.setdefault(f"{one[0].diagnosis[:3]}:{ATTRIBUTE_NAMES[one[3]]}", []).append(one)
    for code, some in composites.items():
        if enough(some, rule.least):
            groups[code] = [one[0] for one in some]
        else:
            dropped["below_threshold"] += len(some)
    return groups, dropped


rules = st.builds(
    lambda **given: replace(RULE, **given),
    threshold=st.sampled_from(["count", "coverage"]), least=st.integers(1, 6), threshold_years=st.sampled_from(["all", "last"]),
    coverage=st.sampled_from([Fraction(1, 2), Fraction(95, 100), Fraction(1)]), related_rise=st.sampled_from([Fraction(1, 10), Fraction(0)]),
    attribute=st.sampled_from(["main", "highest"]),
)  # fmt: skip


@given(case_lists, rules)
def test_built_as_the_slow_builder_does(cases: list[Case], rule: ScoreRule) -> None:
    groups, dropped = slow_groups(rule, cases)
    if not groups:
        return
    derived = derive(rule, arrays(cases, YEARS), None, attributes=ATTRIBUTE, exclusions=LISTS)
    found = {entry.dip_code: (entry.cases, entry.mean_fee) for entry in derived.rows}
    expected = {}
    for code, own in groups.items():
        mean = weighed(rule, own)
        expected[code] = (len(own), int(mean + Fraction(1, 2)))
    assert found == expected
    assert {name: n for name, (n, _) in derived.counts.dropped.items()} == dict(dropped)


@given(case_lists, rules, st.randoms(use_true_random=False))
def test_building_does_not_depend_on_order(cases: list[Case], rule: ScoreRule, chance: random.Random) -> None:
    mixed = list(cases)
    chance.shuffle(mixed)
    if not slow_groups(rule, cases)[0]:
        return
    one, other = (derive(rule, arrays(some, YEARS), None, attributes=ATTRIBUTE, exclusions=LISTS) for some in (cases, mixed))
    assert (one.rows, one.related, one.counts, one.findings) == (other.rows, other.related, other.counts, other.findings)


def test_what_was_tried_says_why() -> None:
    """Own group at exactly 10 %; nothing to compare with; too few left once the dearer one took its cases."""
    def some(n: int, yuan: int, *operations: str, diagnosis: str = "K35.300") -> list[Case]:
        return [Case(2023, "", yuan * 100, diagnosis=diagnosis, operations="|".join(operations)) for _ in range(n)]

    cases = [
        *some(5, 1000, "47.0100"), *some(3, 1100, "47.0100", "88.5600"), *some(3, 5000, "47.0100", "99.2500", "00.2400"),
        *some(4, 900, "36.0700", "88.5600", diagnosis="I21.000"),
    ]  # fmt: skip
    derived = derive(replace(RULE, weights=(Fraction(1),)), arrays(cases), None, attributes=ATTRIBUTE)
    assert {(one.oprn_code, one.rel_oprn_code): (one.why, one.rise) for one in derived.related} == {
        ("36.0700", "88.5600"): ("always", None),
        ("47.0100", "00.2400"): ("made", 4),  # of two alike the first by code
        ("47.0100", "99.2500"): ("taken", 4),
        ("47.0100", "88.5600"): ("made", Fraction(1, 10)),
    }
    assert {one.rel_oprn_code for one in derived.working("K35.3:47.0100").related} == {"00.2400", "99.2500", "88.5600"}


def test_platform_lists_win_when_groups_are_built(tmp_path: Path) -> None:
    rows = [{"setl_id": f"S{i}", "diag_code": "A00.000", "diag_name": "霍乱", "fee": 100_00} for i in range(20)]
    with workspace_with(tmp_path / "w.dz", rows) as workspace:
        with workspace.transaction("import", "lists") as out:
            out.executemany(
                "INSERT INTO diagnosis (setl_id, ord, diag_type, diag_code, maindiag_flag, batch_id, row) VALUES (?, ?, ?, ?, ?, 1, 2)",
                [(f"S{i}", *rest) for i in range(15) for rest in ((1, 2, "BNW010", 1), (2, 1, "J18.900", 0), (3, 1, "K35.300", 1))],
            )
            out.executemany(
                "INSERT INTO operation_done (setl_id, ord, oprn_oprt_type, oprn_oprt_code, batch_id, row) VALUES (?, ?, ?, ?, 1, 2)",
                [(f"S{i}", *rest) for i in range(15) for rest in ((1, 2, "88.5600"), (2, 1, "47.0100"))],
            )
        past = history(workspace, [2023], clinical=True)
        derived = from_workspace(workspace, replace(RULE, weights=(Fraction(1),)), [2023], base=None)
    assert past.clinical is not None
    assert past.clinical.operation_lists == ("47.0100|88.5600", "|")
    assert [(entry.dip_code, entry.cases) for entry in derived.rows] == [("A00.0:保守治疗", 5), ("K35.3:47.0100", 15)]
    assert derived.rows[0].dip_name == "霍乱:保守治疗"


def test_own_grouping_scores_what_the_rule_finds(tmp_path: Path) -> None:
    """The base's groups by the national rule, whatever group the case carries; the method repeats it."""
    from core.catalogue.scores import again

    rows = [{"diag_code": "K35.300", "dip_dise_grp_code": "wrong", "fee": 400_00} for _ in range(4)]
    rows += [{"diag_code": "K35.300", "oprn_code": "47.0100", "fee": 1000_00} for _ in range(4)]
    rows += [{"diag_code": "K35.300", "fee": 9000_00, "scope": 1}]
    entries = [group("K35.3:保守治疗", "1"), group("K35.3:47.0100", "2")]
    with workspace_with(tmp_path / "o.dz", rows, entries) as workspace:
        with workspace.transaction("import", "codes") as out:
            out.execute("UPDATE catalogue SET diag_code = 'K35.3', oprn_code = CASE WHEN dip_code LIKE '%47%' THEN '47.0100' ELSE '' END")
            out.execute("INSERT INTO operation (oprn_code, attribute, batch_id, row) VALUES ('47.0100', 'surgery', 1, 2)")
        rule = replace(RULE, weights=(Fraction(1),), method="quota", quota=1000_00, scale=Fraction(1))
        pack = packs.load("national-draft-3")
        derived = from_workspace(workspace, rule, [2023], base="old", own=pack)
        assert {entry.dip_code: entry.score for entry in derived.rows} == {"K35.3:47.0100": 1, "K35.3:保守治疗": Fraction(2, 5)}
        assert derived.counts.dropped == {"ungrouped": (1, 9000_00)}
        assert derived.method["grouping"] == "own"
        repeated = again(workspace, derived.method)
        assert (repeated.rows, repeated.method) == (derived.rows, derived.method)
        with pytest.raises(Usage, match="scores_own_without_base"):
            from_workspace(workspace, rule, [2023], base=None, own=pack)


# -- sub-types -----------------------------------------------------------------------------------------------

SPLIT = ScoreRule(auxiliary=("age",), weights=(Fraction(1),), auxiliary_least=20, auxiliary_band_least=5)


def old_and_young(old: int = 20, young: int = 10) -> list[Case]:
    """Old people at 9,000 and 11,000 yuan, the others at 900 and 1,100."""
    cases = [Case(2023, "A", (9000, 11000)[i % 2] * 100, age=4) for i in range(old)]
    return cases + [Case(2023, "A", (900, 1100)[i % 2] * 100, age=-1) for i in range(young)]


def test_factor_is_the_ratio_of_means() -> None:
    """10 at 10,000 and 30 at 1,000 yuan: mean 130,000 / 40 = 3,250; k = 10,000 / 3,250 = 3.0769."""
    derived = derive(SPLIT, arrays(old_and_young(10, 30)), catalogue(group("A")))
    assert [(one.type, one.band, one.factor, one.mean_fee) for one in derived.bands] == [
        ("age", AGE[4], Fraction("3.0769"), 10_000_00)
    ]
    (tried,) = derived.tried
    assert (tried.why, tried.cases, tried.mean) == ("made", 40, 3_250_00)
    # Squares around the bands: 10 x 1,000**2 + 30 x 100**2; around the group: 10 x 6,750**2 + 30 x 2,250**2 more.
    assert tried.within is not None
    inside = 10 * 1000**2 + 30 * 100**2
    assert float(tried.within) == pytest.approx((inside / 40) ** 0.5 / 3250, abs=1e-4)
    around = inside + 10 * 6750**2 + 30 * 2250**2
    assert float(tried.cv) == pytest.approx((around / 40) ** 0.5 / 3250, abs=1e-4)


@pytest.mark.parametrize(
    ("choices", "cases", "why"),
    [
        ({"auxiliary_least": 41}, old_and_young(10, 30), None),
        ({"auxiliary_cv": Fraction(2)}, old_and_young(10, 30), None),
        ({"auxiliary_band_least": 11}, old_and_young(10, 30), "no_bands"),
        ({"auxiliary_fall": Fraction(99, 100)}, old_and_young(10, 30), "small_fall"),
        ({}, old_and_young(20, 20), "made"),
        ({}, [Case(2022, "A", 100, age=4), *old_and_young(10, 30)], "made"),
    ],
)
def test_triggers(choices: dict[str, object], cases: list[Case], why: str | None) -> None:
    years = sorted({case.year for case in cases})
    rule = replace(SPLIT, weights=tuple(Fraction(1) for _ in years), **choices)
    derived = derive(rule, arrays(cases), catalogue(group("A")))
    assert [one.why for one in derived.tried] == ([why] if why else [])
    assert bool(derived.bands) == (why == "made")


def test_intensive_care_may_be_looser_and_lists_are_read() -> None:
    cases = [Case(2023, "A", 9000_00 if i < 8 else 1000_00, icu=9 if i % 2 else 0, listed="severity:MCC" if i < 8 else "") for i in range(30)]
    rule = replace(SPLIT, auxiliary=("icu_days", "severity"), auxiliary_fall=Fraction(1, 2), auxiliary_icu_fall=Fraction(0))
    derived = derive(rule, arrays(cases), catalogue(group("A")))
    assert {(one.type, one.why) for one in derived.tried} == {("icu_days", "made"), ("severity", "made")}
    assert {(one.type, one.band) for one in derived.bands} == {("icu_days", "8-14"), ("severity", "MCC")}
    strict = derive(replace(rule, auxiliary_icu_fall=Fraction(1, 2)), arrays(cases), catalogue(group("A")))
    assert {one.type for one in strict.bands} == {"severity"}
    tcm = derive(rule, arrays(cases), catalogue(group("A", kind="tcm")))
    assert tcm.tried == () and tcm.bands == ()


@pytest.mark.parametrize(
    ("given", "band"),
    [
        ({"brdy": "2023-02-10", "adm_time": "2023-03-10T08:00:00"}, 0),
        ({"brdy": "2023-02-09", "adm_time": "2023-03-10T08:00:00"}, 1),
        ({"brdy": "2022-03-11", "adm_time": "2023-03-10T08:00:00", "nwb_age": 0}, 1),
        ({"brdy": "2022-03-10", "adm_time": "2023-03-10T08:00:00", "nwb_age": 0}, 2),
        ({"nwb_age": 3}, 0), ({"nwb_age": 0, "age": 0}, 0), ({"nwb_age": 0, "age": 70}, 4), ({"age": 6}, 2), ({"age": 7}, 3),
        ({"age": 17}, 3), ({"age": 18}, -1), ({"age": 65}, -1), ({"age": 66}, 4), ({}, -2), ({"age": 0}, -2),
        ({"brdy": "2030-01-01", "adm_time": "2023-03-10", "age": 70}, 4),
    ],
)  # fmt: skip
def test_age_bands(tmp_path: Path, given: dict[str, object], band: int) -> None:
    with workspace_with(tmp_path / "a.dz", [given]) as workspace:
        past = history(workspace, [2023])
    assert past.detail is not None
    assert past.detail.age.tolist() == [band]
