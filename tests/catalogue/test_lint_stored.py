"""The linter of a stored version: what each finding needs to appear, and that a sound version has none."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from core.catalogue.entries import Band, Entries, Entry
from core.catalogue.lint import lint

ONE = Fraction(1)
SOUND = (
    Entry("AI3", "新生儿", "core", "pre", "P07", condition="age_days < 29 and birth_weight < 1500", score=Fraction(5), row=2),
    Entry("A00-B99:内科诊疗组", "传染病", "composite", "", "A00-B99", attribute="conservative", score=ONE, row=3),
    Entry("B:01", "某组", "core", "", "C34", "99.2500", oth_diag_code="C77-C79", score=ONE, row=4),
    Entry("K35.8:47.0100", "阑尾炎:切除", "core", "merged", "K35.8", "47.0100|47.0901", score=ONE, row=5),
    Entry("K35.8:中医", "阑尾炎（中医）", "tcm", "", "K35.8", score=ONE, equal_to="K35.8:47.0100", row=6),
)
OPERATIONS = {"99.2500": "therapeutic", "47.0100": "surgery", "47.0901": "surgery"}


def said(*changed: tuple[int, dict[str, object]], more: tuple[Entry, ...] = ()) -> list[tuple[str, str, int | None]]:
    rows = list(SOUND)
    for place, changes in changed:
        rows[place] = replace(rows[place], **changes)  # type: ignore[arg-type]
    whole = Entries("v", 2024, tuple(sorted((*rows, *more), key=lambda entry: entry.dip_code)))
    return [(f.code, f.subject, f.row) for f in lint(whole, (), OPERATIONS, file="目录.csv")]


def test_a_sound_version_yields_nothing() -> None:
    assert said() == []


@pytest.mark.parametrize(
    ("place", "changes", "code"),
    [
        (1, {"score": None}, "score_empty"),
        (1, {"score": Fraction(0)}, "score_zero"),
        (2, {"diag_code": ""}, "core_without_diagnosis"),
        (1, {"diag_code": ""}, "core_without_diagnosis"),
        (2, {"oprn_code": "", "attribute": "surgery"}, "bare_with_attribute"),
        (1, {"attribute": ""}, "composite_without_attribute"),
        (0, {"diag_code": "", "condition": ""}, "pre_without_rule"),
        (2, {"oprn_code": "99.2500/47.0100+47.0901"}, "precedence_read"),
        (2, {"oprn_code": "99.2500、47.0100"}, "sign_unclear"),
        (2, {"oprn_code": "99.2500+"}, "sign_dangling"),
        (2, {"diag_code": "C3O.4"}, "code_shape"),
        (2, {"oprn_code": "9.2500"}, "code_shape"),
        (2, {"oth_diag_code": "C79-C77"}, "range_reversed"),
        (2, {"oprn_code": "99.25"}, "zeros_lost_behind"),
        (2, {"oprn_code": "99.2800"}, "operation_unknown"),
        (3, {"diag_code": "K40.9"}, "key_disagrees"),
        (3, {"oprn_code": "47.0901"}, "key_disagrees"),
        (0, {"condition": "age_days <"}, "condition_unreadable"),
        (0, {"condition": "age_days + 1"}, "condition_unreadable"),
        (0, {"condition": "weight < 3"}, "condition_name_unknown"),
        (4, {"equal_to": "X"}, "equal_unknown"),
        (4, {"score": Fraction(2)}, "equal_differs"),
    ],
)
def test_each_finding(place: int, changes: dict[str, object], code: str) -> None:
    entry = SOUND[place]
    assert (code, entry.dip_code, entry.row) in said((place, changes))
    assert {found for found, _, _ in said((place, changes))} == {code}


def test_one_step_of_equal_scores_is_followed_and_no_more() -> None:
    """A group declared equal to one that is declared equal to another keeps its own score, and the linter says so."""
    third = replace(SOUND[4], dip_code="Z", diag_code="K29.7", equal_to=SOUND[4].dip_code, score=Fraction(7), row=9)
    assert said(more=(third,)) == [("equal_chained", "Z", 9)]
    entries = Entries("v", 2024, tuple(sorted((*SOUND, third), key=lambda one: one.dip_code)))
    first = entries.get(SOUND[4].equal_to)
    assert first is not None
    assert (entries.score_for(third), entries.score_for(SOUND[4]), entries.score_for(first)) == (7, first.score, first.score)


def test_keys_and_definitions_that_come_twice() -> None:
    again = replace(SOUND[3], dip_code="k35.8:47.0100", diag_code="K35.9", oprn_code="47.0100", row=9)
    assert said(more=(again,)) == [("key_alike", "k35.8:47.0100", 9)]
    turned = replace(SOUND[3], dip_code="X", oprn_code="47.0901/47.0100", row=9)
    assert said(more=(turned,)) == [("same_definition", "X", 9)]
    # Composite groups of one category are told apart by their attribute.
    other = replace(SOUND[1], dip_code="A00-B99:相关手术组", attribute="surgery", row=9)
    assert said(more=(other,)) == []


def test_a_diagnosis_filled_down_onto_another_disease() -> None:
    rows = (
        Entry("D1", "肺炎:保守治疗", "core", "", "J18.9", score=ONE, row=7),
        Entry("D2", "肺炎:呼吸机", "core", "", "J18.9", "99.2500", score=ONE, row=8),
        Entry("D3", "股骨颈骨折", "core", "", "J18.9", "47.0100", score=ONE, row=9),
    )
    assert said(more=rows) == [("filled_down_doubt", "D3", 9)]


def test_a_band_of_no_group() -> None:
    found = lint(Entries("v", 2024, SOUND), [Band("X", "age", "66+", ONE), Band("AI3", "age", "0-28d", ONE)])
    assert [(f.code, f.subject, f.value) for f in found] == [("band_without_entry", "X", "age:66+")]
