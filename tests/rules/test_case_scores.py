"""Case scores: every row and column of the deviation vector, and the vectorised result against one case at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.faults import Cancelled, Refused
from core.money import rounded
from core.rules import case_scores, packs
from core.rules.cases import SPECIAL_ADJUSTED, CaseScores, CaseTable, Scaled
from core.rules.circular import Branch, CaseRule, Measure, needs_reference
from core.rules.evaluation import Env, evaluate, number
from core.rules.parsing import parse


def table(rows: Sequence[Mapping[str, int]], *, rw: int = 4, k: int = 4, u: int = 4, special: int = 2) -> CaseTable:
    """A case table of plain integers: fen, and scores over 10**places."""

    def column(name: str, default: int = 0, kind: Any = np.int64) -> Any:
        return np.array([row.get(name, default) for row in rows], dtype=kind)

    setl_id = np.empty(len(rows), dtype=object)
    setl_id[:] = [f"S{i}" for i in range(len(rows))]
    return CaseTable(
        setl_id=setl_id, institutions=("H1",), groups=("G",), fund=column("fund", kind=np.int8),
        institution=column("institution", kind=np.int32), group=column("group", kind=np.int32), day=column("day", 20240101),
        fee=column("fee"), booked=column("booked"), own_pay=column("own_pay"), other_pay=column("other_pay"),
        rw=Scaled(column("rw"), rw), k=Scaled(column("k"), k), u=Scaled(column("u", 10**u), u),
        reference=column("reference"), reference_source=column("source", kind=np.int8),
        special=column("special", kind=np.int8), special_score=Scaled(column("special_score"), special),
    )  # fmt: skip


def branch(name: str, when: str, score: str, review: str = "") -> Branch:
    return Branch(
        name, {"zh": name, "en": name}, parse(when) if when else None, parse(score), parse(review) if review else None,
        "", "C", {}, {},
    )  # fmt: skip


def rule(*branches: Branch, places: int | None = None, measures: tuple[Measure, ...] = ()) -> CaseRule:
    return CaseRule(places=places, branches=branches, measures=measures)


HUBEI = rule(
    branch("low", "x <= 0.5", "rw * x * k * u"), branch("high", "x >= 2", "rw * (x - 1) * k * u"),
    branch("normal", "", "rw * k * u"),
)  # fmt: skip
JINING = rule(
    branch("low", "x <= 0.5", "rw * x * u"), branch("high", "2 < x_ and x <= 5".replace("x_", "x"), "rw * (x - 2 + k) * u"),
    branch("extreme", "x > 5", "rw * k * u", "x > 5"), branch("normal", "", "rw * k * u"),
)  # fmt: skip
TAIAN = rule(
    branch("low", "x <= 0.5", "rw * x * u"), branch("high", "x > 2", "rw * (x - 2 + k) * u"),
    branch("normal", "", "rw * k * u"),
)  # fmt: skip

# RW 1.2, reference 10,000 yuan, k 0.9, u 1: so rw * k * u = 1.08, and x is the fee in units of 10,000.
#   4,000:     x 0.4;  1.2*0.4*0.9 = 0.432;  without k 1.2*0.4 = 0.480
#   5,000:     x 0.5;  x < 0.5 is false, so 1.080 nationally; x <= 0.5: 1.2*0.5*0.9 = 0.540, without k 0.600
#   20,000:    x 2;    x > 2 is false; Hubei's x >= 2: 1.2*(2-1)*0.9 = 1.080, the same
#   30,000:    x 3;    1.2*(3-1)*0.9 = 2.160;   Jining, Tai'an 1.2*(3-2+0.9) = 2.280
#   50,000:    x 5;    1.2*4*0.9 = 4.320;       1.2*(5-2+0.9) = 4.680
#   50,000.01: x 5.000001; 1.2*4.000001*0.9 = 4.32000108; Jining above 5: 1.080; Tai'an 1.2*3.900001 = 4.6800012
#   60,000:    x 6;    1.2*5*0.9 = 5.400;       Tai'an 1.2*4.9 = 5.880
DEVIATION = {
    "4000.00": ("0.432", "0.432", "0.432", "0.480", "0.480"),
    "5000.00": ("1.080", "1.080", "0.540", "0.600", "0.600"),
    "5000.01": ("1.080", "1.080", "1.080", "1.080", "1.080"),
    "20000.00": ("1.080", "1.080", "1.080", "1.080", "1.080"),
    "30000.00": ("2.160", "1.080", "2.160", "2.280", "2.280"),
    "50000.00": ("4.320", "1.080", "4.320", "4.680", "4.680"),
    "50000.01": ("4.32000108", "1.080", "4.32000108", "1.080", "4.6800012"),
    "60000.00": ("5.400", "1.080", "5.400", "1.080", "5.880"),
}


def deviating() -> CaseTable:
    fees = [int(Fraction(fee) * 100) for fee in DEVIATION]
    return table([{"fee": fee, "rw": 12000, "k": 9000, "reference": 1_000_000} for fee in fees])


def rules() -> list[CaseRule]:
    shipped = [packs.load(id, {"case.places": "none"}).case for id in ("ningde-2024", "national-draft-3")]
    return [*shipped, HUBEI, JINING, TAIAN]


@pytest.mark.parametrize("column", range(5))
def test_deviation_vector(column: int) -> None:
    scores = case_scores.score(rules()[column], deviating())
    assert scores.exact is not None
    assert list(scores.exact) == [Fraction(row[column]) for row in DEVIATION.values()]


@pytest.mark.parametrize("column", range(5))
def test_deviation_vector_rounded_to_six_places(column: int) -> None:
    """As the table is printed: 4.320001 and 4.680001."""
    scores = case_scores.score(replace(rules()[column], places=6), deviating())
    assert scores.score is not None
    printed = [rounded(Fraction(row[column]), 6) for row in DEVIATION.values()]
    assert [scores.score.at(i) for i in range(len(DEVIATION))] == printed


def test_review_above_five_times() -> None:
    ningde, jining = (case_scores.score(one, deviating()) for one in (rules()[0], JINING))
    assert list(ningde.review) == [0, 0, 0, 0, 0, 0, 1, 1]
    assert list(jining.review) == [0, 0, 0, 0, 0, 0, 1, 1]


def test_draft_sends_twice_the_standard_to_review() -> None:
    scores = case_scores.score(rules()[1], deviating())
    assert list(scores.review) == [0, 0, 0, 1, 1, 1, 1, 1]


def test_special_ungrouped_and_without_reference() -> None:
    cases = table([
        {"fee": 1, "rw": 12000, "k": 9000, "reference": 0},                # no reference: normal, 1.08
        {"fee": 9_000_000, "rw": 12000, "k": 9000, "reference": 1, "special": SPECIAL_ADJUSTED, "special_score": 12345},
        {"fee": 500_000, "rw": 0, "k": 9000, "group": -1, "reference": 1_000_000},
        {"fee": 400_000, "rw": 0, "group": -1, "special": SPECIAL_ADJUSTED, "special_score": -50},
    ])  # fmt: skip
    scores = case_scores.score(replace(HUBEI, places=4), cases)
    assert scores.score is not None
    assert scores.score.places == 4
    assert list(scores.score.values) == [10800, 1234500, 0, -5000]
    assert list(scores.branch) == [2, -1, -2, -1]
    exact = case_scores.score(HUBEI, cases)
    assert exact.exact == (Fraction("1.08"), Fraction("123.45"), 0, Fraction("-0.5"))


def test_a_decided_score_keeps_all_its_places() -> None:
    cases = table(
        [{"special": SPECIAL_ADJUSTED, "special_score": 1234567}, {"rw": 12000, "k": 9000}], special=6
    )  # 1.234567: two places more than the pack's four
    scores = case_scores.score(replace(HUBEI, places=4), cases)
    assert scores.score is not None
    assert [scores.score.at(0), scores.score.at(1)] == [Fraction("1.234567"), Fraction("1.08")]
    trimmed = case_scores.score(replace(HUBEI, places=4), table([{"special": 2, "special_score": 1500000}], special=6))
    assert trimmed.score is not None
    assert trimmed.score.places == 4
    assert trimmed.score.at(0) == Fraction("1.5")


def test_half_rounds_away_from_zero() -> None:
    # 1.00005 and -1.00005 to four places; 0.99995 is 1.0000.
    cases = table([{"rw": 100005, "k": 1}, {"rw": -100005, "k": 1}, {"rw": 99995, "k": 1}], rw=5, k=0)
    scores = case_scores.score(rule(branch("normal", "", "rw * k * u"), places=4), cases)
    assert scores.score is not None
    assert list(scores.score.values) == [10001, -10001, 10000]


def test_no_cases() -> None:
    for one in rules():
        scores = case_scores.score(one, table([]))
        assert len(scores.branch) == 0


def test_measure_of_the_case_ratio() -> None:
    pack = packs.load("national-draft-3", {"ratio_mode": "case"})
    # score 1.08; 4,000 of 6,000 booked: 0.72; a third: 0.36; without fee 0.
    cases = table([
        {"fee": 600_000, "booked": 400_000, "rw": 12000, "k": 9000},
        {"fee": 900_000, "booked": 300_000, "rw": 12000, "k": 9000},
        {"fee": 0, "booked": 0, "rw": 12000, "k": 9000},
        {"fee": 700_000, "booked": 300_000, "rw": 10000, "k": 10000},
    ])  # fmt: skip
    figures = case_scores.score(pack.case, cases).measures["ratio_score"]
    assert figures.places == 6
    assert list(figures.values) == [720_000, 360_000, 0, 428_571]  # 3/7 = 0.428571...


def test_division_by_zero_names_the_settlement() -> None:
    broken = rule(branch("normal", "", "rw / fee"), places=4)
    with pytest.raises(Refused) as refused:
        case_scores.score(broken, table([{"fee": 1, "rw": 1}, {"fee": 0, "rw": 1}]))
    assert refused.value.code == "rule_failed"
    assert [(one.code, one.subject) for one in refused.value.findings] == [("rule_division", "S1")]


def test_a_score_beyond_all_measure_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        case_scores.score(replace(HUBEI, places=4), table([{"rw": 2**62, "k": 2**62}]))
    assert refused.value.findings[0].code == "rule_score_too_large"


def test_cancelling() -> None:
    class Impatient:
        cancelled = True

        def report(self, code: str, done: int, total: int | None = None) -> None:
            return

    with pytest.raises(Cancelled):
        case_scores.score(HUBEI, deviating(), Impatient())


# --- against one case at a time ---


def one_by_one(rule: CaseRule, cases: CaseTable) -> list[tuple[int, Fraction, int]]:
    """branch, exact score and review of each case, straight from the language's evaluator."""
    found: list[tuple[int, Fraction, int]] = []
    for i in range(len(cases)):
        if cases.special[i] == SPECIAL_ADJUSTED:
            found.append((-1, cases.special_score.at(i), 0))
            continue
        if cases.group[i] < 0:
            found.append((-2, Fraction(0), 0))
            continue
        env = Env({**rule.values, **case_scores.case_values(cases, i)})
        for index, one in enumerate(rule.branches):
            blind = one.when is not None and needs_reference(one.when) and cases.reference[i] <= 0
            if one.when is None or (not blind and evaluate(one.when, env)):
                review = one.review is not None and bool(evaluate(one.review, env))
                value = number(one.score, env)
                found.append((index, value if rule.places is None else rounded(value, rule.places), int(review)))
                break
    return found


SIZES = st.one_of(st.integers(0, 3), st.integers(0, 10**6), st.integers(0, 2**52))
FACTORS = st.one_of(st.sampled_from([0, 5000, 9000, 10000, 12345]), st.integers(0, 10**7))
ROWS = st.fixed_dictionaries({
    "fee": st.one_of(SIZES, st.integers(-(2**40), 2**40)),
    "reference": SIZES,
    "rw": st.one_of(FACTORS, st.integers(0, 2**40)),
    "k": FACTORS, "u": FACTORS,
    "group": st.sampled_from([0, 0, 0, -1]),
    "special": st.sampled_from([0, 0, 0, 2]),
    "special_score": st.integers(-(10**6), 10**6),
})  # fmt: skip
AWKWARD = rule(
    branch("odd", "not (x > 0.5 and x <= 3) and (fee > 100 or 1 / x > 0.3 and x != 1)" , "max(rw * x, k, u - 1.5) * min(x, 7 / 3)"),
    branch("even", "x < 2", "abs(rw - x) * k + floor(x * 10) / 10 - ceil(u / 3)", "x > 1"),
    branch("normal", "", "round(rw * k, 2) * u if rw > k else -rw * (k - u) / 7"),
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(
    rows=st.lists(ROWS, min_size=1, max_size=12),
    which=st.integers(0, 5),
    places=st.sampled_from([None, 0, 2, 4, 8]),
)
def test_equals_one_case_at_a_time(rows: list[dict[str, int]], which: int, places: int | None) -> None:
    if which == 5:
        # 1 / x stands in a condition: without a fee the evaluator divides by zero, and so does the vector.
        rows = [{**row, "fee": row["fee"] or 1} for row in rows]
    chosen = replace([*rules(), AWKWARD][which], places=places)
    cases = table(rows)
    try:
        scores = case_scores.score(chosen, cases)
    except Refused as refused:
        assert refused.findings[0].code == "rule_score_too_large"
        assert max(abs(value) for _, value, _ in one_by_one(chosen, cases)) * 10 ** (places or 0) > 2**63 - 1
        return
    assert result(scores) == one_by_one(chosen, cases)


def result(scores: CaseScores) -> list[tuple[int, Fraction, int]]:
    values = scores.exact or [scores.score.at(i) for i in range(len(scores.branch)) if scores.score]
    return list(zip(scores.branch.tolist(), values, scores.review.tolist(), strict=True))


def many(count: int) -> CaseTable:
    random = np.random.default_rng(7)
    reference = random.integers(100_000, 3_000_000, count)
    fee = (reference * np.exp(random.normal(0, 0.6, count))).astype(np.int64)
    rows = [
        {"fee": int(fee[i]), "reference": int(reference[i]), "rw": int(random.integers(1, 99_999)),
         "k": int(random.integers(6000, 11000)), "u": 10000 + int(random.integers(0, 3000))}
        for i in range(count)
    ]  # fmt: skip
    rows[17]["fee"], rows[99]["rw"] = 10**15, 10**14  # two that no int64 holds, among many that it does
    return table(rows)


def test_a_few_extreme_rows_among_many() -> None:
    cases = many(6000)
    for one in (packs.load("ningde-2024").case, replace(JINING, places=4)):
        assert result(case_scores.score(one, cases)) == one_by_one(one, cases)


def test_a_subset_scores_as_it_does_in_the_whole() -> None:
    cases, chosen = many(3000), packs.load("ningde-2024").case
    whole = result(case_scores.score(chosen, cases))
    some = np.flatnonzero(np.arange(3000) % 7 == 3)
    part = CaseTable(
        *(
            Scaled(value.values[some], value.places) if isinstance(value, Scaled)
            else value if isinstance(value, tuple) else value[some]
            for value in (getattr(cases, name) for name in CaseTable.__dataclass_fields__)
        )
    )  # fmt: skip
    assert result(case_scores.score(chosen, part)) == [whole[i] for i in some]


# --- in words ---


def test_a_case_explains_itself() -> None:
    pack = packs.load("ningde-2024")
    cases = deviating()
    scores = case_scores.score(pack.case, cases)
    said = case_scores.explain_case(pack.case, cases, 4, scores)  # 30,000 yuan
    assert said.branch == "high"
    assert said.sentence["zh"] == "病例分值 = 病种分值 × (费用倍率 − 1) × 机构系数 × 辅助系数"
    assert said.filled["zh"] == "病例分值 = 1.2 × (3 − 1) × 0.9 × 1 = 2.1600"
    assert said.filled["en"] == "Case score = 1.2 × (3 − 1) × 0.9 × 1 = 2.1600"
    assert said.evidence == "S"
    almost = case_scores.explain_case(pack.case, cases, 6, scores)  # 50,000.01: 4.32000108 rounds to 4.3200
    assert almost.filled["zh"] == "病例分值 = 1.2 × (5.000001 − 1) × 0.9 × 1 ≈ 4.3200"
    assert almost.review


def test_cases_without_branch_explain_themselves() -> None:
    pack = packs.load("ningde-2024")
    cases = table([{"special": 2, "special_score": 350}, {"group": -1}])
    scores = case_scores.score(pack.case, cases)
    decided, ungrouped = (case_scores.explain_case(pack.case, cases, i, scores) for i in (0, 1))
    assert (decided.value, decided.title["zh"]) == (Fraction("3.5"), "特例单议核定分值，不再乘任何系数")
    assert (ungrouped.value, ungrouped.title["zh"]) == (0, "未入组，零分值")
