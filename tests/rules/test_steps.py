"""Running a pack's steps: sums that close, faults that name the step, explanations that lead on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from core.faults import Refused
from core.rules import packs, steps
from core.rules.circular import Pack
from core.rules.sheet import FundSheet, Institution
from core.texts import LANGUAGES, Texts

F = Fraction
AMOUNTS = ("total_cost", "booked", "own_pay", "other_pay", "by_item", "audit_deduction", "violation", "retention",
           "monthly_paid", "advance")  # fmt: skip


def exact(pack: Pack) -> Pack:
    """The pack without any rounding."""
    bare = (tuple(replace(step, places=None) for step in some) for some in (pack.steps, pack.order))
    return replace(pack, steps=next(bare), order=next(bare))


def facts(count: int, **columns: Sequence[int | Fraction]) -> dict[str, Sequence[Fraction]]:
    given = {"cases": [1] * count, "base_score": [1] * count, "coefficient": [1] * count, "assessment_score": [100] * count}
    given |= {name: [0] * count for name in (*AMOUNTS, "score")}
    return {name: [F(value) for value in column] for name, column in {**given, **columns}.items()}


def region(budget: int | Fraction, card: int = 0, manual: int = 0) -> dict[str, Fraction]:
    return {"budget": F(budget), "outside_card": F(card), "outside_manual": F(manual)}


FEN = st.integers(0, 10**12).map(lambda fen: F(fen, 100))
HOSPITAL = st.tuples(st.integers(0, 10**9).map(lambda score: F(score, 10**4)), FEN, FEN, FEN, FEN)
NINGDE, NATIONAL = packs.load("ningde-2024"), packs.load("national-draft-3")


def clearing(pack: Pack, rows: Sequence[tuple[Fraction, ...]], budget: Fraction) -> steps.Values:
    score, own, other, booked, by_item = zip(*rows, strict=True)
    total = [a + b + c for a, b, c in zip(own, other, booked, strict=True)]
    given = facts(len(rows), score=score, own_pay=own, other_pay=other, booked=booked, by_item=by_item, total_cost=total)
    return steps.run(pack, region(budget), given, [f"H{i:03}" for i in range(len(rows))])


@settings(max_examples=100, deadline=None)
@given(rows=st.lists(HOSPITAL, min_size=1, max_size=8), budget=FEN)
def test_without_rounding_the_dues_sum_to_the_fund(rows: list[tuple[Fraction, ...]], budget: Fraction) -> None:
    assume(any(row[0] for row in rows))
    values = clearing(exact(NINGDE), rows, budget)
    assert sum(values.institutions["due"]) == values.region["fund_available"]
    assert values.region["residual"] == 0
    if any(row[3] for row in rows):
        pooled = clearing(exact(NATIONAL), rows, budget)
        assert sum(pooled.institutions["due"]) == pooled.region["fund_available"]


@settings(max_examples=100, deadline=None)
@given(rows=st.lists(HOSPITAL, min_size=1, max_size=8), budget=FEN)
def test_with_rounding_the_residual_is_what_is_left(rows: list[tuple[Fraction, ...]], budget: Fraction) -> None:
    assume(any(row[0] for row in rows))
    values = clearing(NINGDE, rows, budget)
    due = values.institutions["due"]
    assert values.region["residual"] == values.region["fund_available"] - sum(due)
    assert all((one * 100).denominator == 1 for one in due)
    # Half a unit of the point value's last place on every point, and half a fen on every institution.
    bound = sum((row[0] for row in rows), F(0)) * F(1, 20000) + F(len(rows), 200)
    assert abs(values.region["residual"]) <= bound


@settings(max_examples=50, deadline=None)
@given(rows=st.lists(HOSPITAL, min_size=2, max_size=8), budget=FEN, order=st.randoms(use_true_random=False))
def test_the_order_of_institutions_changes_nothing(
    rows: list[tuple[Fraction, ...]], budget: Fraction, order: object
) -> None:
    assume(any(row[0] for row in rows))
    shuffled = list(enumerate(rows))
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    straight = clearing(NINGDE, rows, budget)
    mixed = clearing(NINGDE, [row for _, row in shuffled], budget)
    assert mixed.region == straight.region
    for id, column in straight.institutions.items():
        assert [mixed.institutions[id][at] for at in range(len(rows))] == [column[i] for i, _ in shuffled]


def test_no_score_at_all_names_the_step() -> None:
    with pytest.raises(Refused) as refused:
        steps.run(NINGDE, region(100), facts(2), ["H1", "H2"], "resident")
    (finding,) = refused.value.findings
    assert (refused.value.code, finding.code, finding.subject) == ("rule_failed", "rule_division", "point_value")
    assert finding.values["fund"] == "resident"
    for lang in LANGUAGES:
        assert "point_value" in Texts(lang).finding(finding)
        assert "{" not in Texts(lang).finding(finding)


def test_common_alone_does_not_run() -> None:
    with pytest.raises(Refused) as refused:
        steps.run(packs.load("common"), region(100), facts(1), ["H1"])
    assert (refused.value.code, refused.value.values["steps"]) == ("pack_abstract", "point_value")


def local(folder: Path, text: str) -> Pack:
    path = folder / "local.toml"
    head = (
        '[pack]\nid = "local"\nextends = "ningde-2024"\ntitle = { zh = "地方", en = "local" }\n'
        '[[document]]\nkey = "L"\nnumber = "1"\nevidence = "V"\n'
    )
    path.write_text(head + text, "utf-8")
    return packs.load(path)


def test_outside_a_table_names_the_institution(tmp_path: Path) -> None:
    pack = local(tmp_path, '[[table]]\nid = "assessment_factor"\ntitle = { zh = "表", en = "t" }\ncite = "L"\n'
                           "[[table.row]]\nfrom = 60\nto = 100\nclosed = true\nvalue = 1\n")  # fmt: skip
    given = facts(3, score=[1, 1, 1], assessment_score=[59, 60, F("100.5")])
    with pytest.raises(Refused) as refused:
        steps.run(pack, region(100), given, ["H1", "H2", "H3"])
    assert [(one.code, one.subject, one.column) for one in refused.value.findings] == [
        ("rule_no_tier", "H1", "assessment"), ("rule_no_tier", "H3", "assessment"),
    ]  # fmt: skip
    assert refused.value.findings[1].values["value"] == "100.5"


def test_where_due_is_not_positive_nothing_is_shared(tmp_path: Path) -> None:
    pack = local(tmp_path, '[[table]]\nid = "sharing"\ntitle = { zh = "表", en = "t" }\ncite = "L"\n'
                           '[[table.row]]\nvalue = "booked"\n')  # fmt: skip
    # H1 has no score and 30 of own payments: due -30, and no ratio to look up.
    values = steps.run(pack, region(100), facts(2, score=[0, 1], own_pay=[30, 0], booked=[50, 60]), ["H1", "H2"])
    assert values.institutions["due"] == (-30, 130)
    assert values.institutions["after_share"] == (-30, 60)


@settings(max_examples=60, deadline=None)
@given(weights=st.lists(st.integers(0, 10**6), min_size=1, max_size=9), total=st.integers(-(10**9), 10**9))
def test_shares_sum_to_the_total(tmp_path_factory: pytest.TempPathFactory, weights: list[int], total: int) -> None:
    pack = local(tmp_path_factory.mktemp("packs"), '[[institution]]\nid = "due"\ntitle = { zh = "应付", en = "due" }\n'
                 'unit = "yuan"\nformula = "share(fund_available, score) - 0"\nplaces = 2\ncite = "L"\n')  # fmt: skip
    assume(any(weights))
    budget = F(total, 100)
    codes = [f"H{i}" for i in range(len(weights))]
    values = steps.run(pack, region(budget), facts(len(weights), score=weights), codes)
    due = values.institutions["due"]
    assert sum(due) == budget
    for weight, part in zip(weights, due, strict=True):
        assert abs(part - budget * weight / sum(weights)) < F(1, 100)


def test_nothing_to_share_by_is_a_fault(tmp_path: Path) -> None:
    pack = local(tmp_path, '[[institution]]\nid = "retention_return"\ntitle = { zh = "返", en = "r" }\nunit = "yuan"\n'
                           'formula = "share(budget, violation)"\nplaces = 2\ncite = "L"\n')  # fmt: skip
    with pytest.raises(Refused) as refused:
        steps.run(pack, region(100), facts(2, score=[1, 1]), ["H1", "H2"])
    assert refused.value.findings[0].code == "rule_share_weights"


# --- why ---


def sheet(pack: Pack, values: steps.Values, codes: Sequence[str]) -> FundSheet:
    return FundSheet("employee", tuple(Institution(code, code, 2) for code in codes), values.region, values.institutions)


def cleared(pack: Pack) -> FundSheet:
    given = facts(2, score=[60, 40], own_pay=[300, 200], other_pay=[0, 50], booked=[700, 350], total_cost=[1000, 600],
                  audit_deduction=[F("12.5"), 0], monthly_paid=[900, 100])  # fmt: skip
    return sheet(pack, steps.run(pack, region(1200, 150, 50), given, ["H1", "H2"]), ["H1", "H2"])


def test_the_point_value_explains_itself() -> None:
    # (1,200 - 150 - 50 + 500 + 50) / 100 = 1,550 / 100 = 15.5
    found = steps.explain_step(NINGDE, cleared(NINGDE), "region", "", "point_value")
    assert found.sentence == {
        "zh": "结算点值 = (可分配基金 + Σ个人支付 + Σ其他基金支付) ÷ Σ分值",
        "en": "Point value = (Fund available + Σ Own payments + Σ Other funds) ÷ Σ Score",
    }
    assert found.filled["zh"] == "结算点值 = (1,000.00 + 500.00 + 50.00) ÷ 100 = 15.5000"
    assert [(part.id, part.value, part.link) for part in found.parts] == [
        ("fund_available", 1000, ("region", "fund_available")),
        ("own_pay", 500, ("institution", "own_pay")),
        ("other_pay", 50, ("institution", "other_pay")),
        ("score", 100, ("institution", "score")),
    ]
    assert found.documents == (("宁医保函〔2025〕116号", "宁德市医疗保障局，2025-08-11", "V", "二（一）"),)
    assert found.beneath == "institutions"
    assert "4" in found.open["zh"]
    assert (found.value, found.places, found.unit, found.evidence) == (F("15.5"), 4, "yuan/point", "V")


def test_an_institutions_cell_explains_itself() -> None:
    found = steps.explain_step(NINGDE, cleared(NINGDE), "institution", "H1", "final")
    # gross 60 * 15.5 = 930; due 630; final 630 - 12.5 - 900 = -282.5
    assert found.filled["zh"].endswith(" = 630.00 − 12.50 − 0.00 − (0.00 − 0.00) − 900.00 − 0.00 = −282.50")
    links = {part.id: part.link for part in found.parts}
    assert links["after_assessment"] == ("institution", "after_assessment")
    assert links["monthly_paid"] == ("input", "monthly_paid")
    gross = steps.explain_step(NINGDE, cleared(NINGDE), "institution", "H1", "gross")
    assert {part.id: part.link for part in gross.parts} == {"score": ("cases", "score"), "point_value": ("region", "point_value")}


def test_a_fact_explains_itself() -> None:
    found = steps.explain_step(NINGDE, cleared(NINGDE), "institution", "H2", "booked")
    assert (found.sentence["zh"], found.filled["zh"], found.beneath) == ("统筹记账金额", "统筹记账金额 = 350.00", "cases")
    assert steps.explain_step(NINGDE, cleared(NINGDE), "region", "", "budget").beneath == "rows"


def test_a_tier_explains_which_row_counted(tmp_path: Path) -> None:
    pack = local(tmp_path, '[[table]]\nid = "sharing"\ntitle = { zh = "分担表", en = "tiers" }\ncite = "L"\n'
                           '[[table.row]]\nto = 1\nclosed = true\nvalue = "due"\n'
                           '[[table.row]]\nfrom = 1\nvalue = "due + 0.5 * (booked - audit_deduction - due)"\n')  # fmt: skip
    found = steps.explain_step(pack, cleared(pack), "institution", "H1", "after_share")
    # r = (700 - 12.5) / 630 = 1.0912...; 630 + 0.5 * (700 - 12.5 - 630) = 658.75
    assert found.sentence["zh"] == (
        "分担后应付 = 若 统筹应支付 > 0，则 按《分担表》查 分担依据比值 所在档；否则 统筹应支付"
    )
    assert found.filled["zh"] == "分担后应付 = 630.00 + 0.5 × (700.00 − 12.50 − 630.00) = 658.75"
    ratio = next(part for part in found.parts if part.id == "sharing")
    assert ratio.value == F("687.5") / 630


@pytest.mark.parametrize("mode", ["pooled", "hospital", "case"])
def test_every_cell_explains_itself(mode: str) -> None:
    pack = packs.load("national-draft-3", {"ratio_mode": mode})
    more = {"ratio_score": [42, 20]} if mode == "case" else {}
    given = facts(2, score=[60, 40], booked=[700, 350], total_cost=[1000, 600], own_pay=[300, 250], **more)
    whole = sheet(pack, steps.run(pack, region(1200), given, ["H1", "H2"]), ["H1", "H2"])
    for step in pack.steps:
        found = steps.explain_step(pack, whole, step.scope, "H2", step.id)
        expected = whole.region[step.id] if step.scope == "region" else whole.values[step.id][1]
        assert found.value == expected
        for lang in LANGUAGES:
            said = found.sentence[lang] + found.filled[lang]
            assert found.filled[lang].endswith(steps.shown(expected, step.places, step.unit))
            assert not any(other.id in said for other in pack.steps if "_" in other.id), said
        for part in found.parts:
            if part.link is not None and part.link[0] in ("region", "institution"):
                assert any(other.id == part.link[1] and other.scope == part.link[0] for other in pack.steps)


def test_unknown_cells() -> None:
    for scope, code, step in (("region", "", "nothing"), ("institution", "H9", "due"), ("region", "", "due")):
        with pytest.raises(KeyError):
            steps.explain_step(NINGDE, cleared(NINGDE), scope, code, step)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "places", "unit", "text"),
    [
        ("1234567.5", 2, "yuan", "1,234,567.50"),
        ("-0.3", 2, "", "−0.30"),
        ("1000", None, "yuan", "1,000.00"),
        ("1/3", None, "", "0.33333333…"),
        ("86835.01", None, "points", "86,835.01"),
        ("0", None, "", "0"),
        ("-1234", 0, "", "−1,234"),
    ],
)
def test_shown(value: str, places: int | None, unit: str, text: str) -> None:
    assert steps.shown(F(value), places, unit) == text
