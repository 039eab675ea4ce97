"""One case by hand: equal to the clearing for cases of the files, arithmetic written out, and what is missing named."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from region import Region

from core.analysis.real_case import real_case
from core.rules import packs
from core.rules.cases import SPECIAL_ADJUSTED
from core.settlement import annual, gather
from core.settlement.annual import Scored
from core.settlement.clearing import clear
from core.settlement.one_case import OneCase, TypedCase, one_case
from core.storage.workspace import Workspace

NINGDE = "ningde-2024"


@pytest.fixture(scope="module")
def town(demonstration_copy: Callable[[int, Path], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    with Workspace.open(demonstration_copy(100, tmp_path_factory.mktemp("town"))) as made:
        clear(made, 2024, packs.load(NINGDE))
        yield made


def chosen(scored: Scored) -> list[int]:
    """Cases of every kind of group, branch, reference, coefficient and factor; a few of each."""
    cases, scores, standing = scored.inputs.cases, scored.scores, scored.inputs.standing
    kinds = np.array([standing.groups[code].kind for code in cases.groups] + [""])
    told = [
        (str(kinds[cases.group[i]]), int(scores.branch[i]), int(cases.reference_source[i]), int(cases.fund[i]),
         bool(cases.u.values[i] != 10**cases.u.places), bool(standing.neutral[i]))
        for i in range(len(cases))
    ]  # fmt: skip
    seen: dict[object, int] = {}
    rows: list[int] = []
    for i, what in enumerate(told):
        seen[what] = seen.get(what, 0) + 1
        if seen[what] <= 4 and cases.special[i] != SPECIAL_ADJUSTED:
            rows.append(i)
    return rows


def same_as_cleared(scored: Scored, i: int, answer: OneCase) -> None:
    cases, scores = scored.inputs.cases, scored.scores
    score = scores.score.at(i) if scores.score is not None else (scores.exact or ())[i]
    at = cases.setl_id[i]
    if cases.group[i] < 0:
        assert not answer.score, at
        return
    assert answer.taken is not None, at
    assert answer.taken.entry.dip_code == cases.groups[cases.group[i]], at
    assert answer.score == score, at
    assert (answer.rw, answer.k, answer.u) == (cases.rw.at(i), cases.k.at(i), cases.u.at(i)), at
    assert (answer.reference or 0) * 100 == cases.reference[i], at
    assert answer.explanation is not None
    assert answer.explanation.branch == scored.rule.branches[int(scores.branch[i])].id, at


@pytest.mark.parametrize("pack", [NINGDE, "national-draft-3"])
def test_own_grouping_comes_out_as_cleared(town: Workspace, pack: str) -> None:
    rule = packs.load(pack)
    scored = annual.score_cases(town, 2024, rule, grouping="own")
    rows = chosen(scored)
    assert len(rows) > 60
    assert len({int(scored.scores.branch[i]) for i in rows}) >= 3
    for i in rows:
        real = real_case(town, str(scored.inputs.cases.setl_id[i]))
        answer = one_case(town, 2024, rule, real.case, fund=real.fund, institution=real.institution)
        same_as_cleared(scored, i, answer)
        assert answer.path is not None
        assert answer.path.steps


def test_a_group_chosen_by_hand_comes_out_as_the_official_clearing(town: Workspace) -> None:
    rule = packs.load(NINGDE)
    scored = annual.score_cases(town, 2024, rule)
    cleared = clear(town, 2024, rule, store=False)
    rows = [i for i in chosen(scored) if scored.inputs.cases.group[i] >= 0]
    assert any(scored.inputs.standing.groups[scored.inputs.cases.groups[scored.inputs.cases.group[i]]].kind == "bed_day"
               for i in rows)  # fmt: skip
    for i in rows:
        real = real_case(town, str(scored.inputs.cases.setl_id[i]))
        case = replace(real.case, group=real.group)
        answer = one_case(town, 2024, rule, case, fund=real.fund, institution=real.institution)
        same_as_cleared(scored, i, answer)
        assert answer.path is None
        value = cleared.fund(real.fund).region["point_value"]
        assert (answer.point_value, answer.point_source) == (value, "run")


def test_alternatives_come_out_as_if_they_had_been_chosen(town: Workspace) -> None:
    rule = packs.load(NINGDE)
    scored = annual.score_cases(town, 2024, rule, grouping="own")
    looked = 0
    for i in chosen(scored)[:40]:
        real = real_case(town, str(scored.inputs.cases.setl_id[i]))
        asked = {"fund": real.fund, "institution": real.institution}
        answer = one_case(town, 2024, rule, real.case, **asked)
        for one in answer.alternatives[:2]:
            alone = one_case(town, 2024, rule, replace(real.case, group=one.entry.dip_code), **asked)
            if alone.source != "level":  # by hand the level mean is that of the official groups, as in a clearing by those
                assert (alone.score, alone.gross, alone.pay) == (one.score, one.gross, one.pay)
                looked += 1
    assert looked > 10


# -- by hand -----------------------------------------------------------------------------------------------------


@pytest.fixture
def small(region: Region) -> Region:
    region.institutions(("H1", "甲医院", 2), ("H2", "乙医院", 8))
    region.groups(
        {"dip_code": "K35.3:47.0100", "diag_code": "K35.3", "oprn_code": "47.0100", "attribute": "surgery", "score": "2.5",
         "mean_fee": 1000000},
        {"dip_code": "K35.3:bare", "diag_code": "K35.3", "attribute": "conservative", "score": "1.2", "mean_fee": 400000},
        {"dip_code": "K35:surgery", "kind": "composite", "diag_code": "K35", "attribute": "surgery", "score": "1.8",
         "mean_fee": 700000},
        {"dip_code": "F20:days", "kind": "bed_day", "diag_code": "F20", "attribute": "conservative", "score": "0.05",
         "mean_fee": 600000},
    )  # fmt: skip
    region.batch("operations", [{"oprn_code": "47.0100", "attribute": "surgery"}], "operation")
    region.coefficients(("H1", "all", "base", "", "1.1"), ("H2", "all", "base", "", "0.9"))
    region.auxiliary(("K35.3:47.0100", "age", "66+", "1.2"), ("K35.3:47.0100", "severity", "2", "1.3"))
    return region


APPENDIX = TypedCase("K35.300", operations=("47.0100",), fee=1200000, own_pay=300000, other_pay=50000, age=40)


def ask(region: Region, case: TypedCase, **more: object) -> OneCase:
    asked: dict[str, object] = {"fund": "employee", "institution": "H1", **more}
    pack = packs.load(str(asked.pop("pack", NINGDE)))
    return one_case(region.workspace, 2024, pack, case, **asked)  # pyright: ignore[reportArgumentType]


def test_arithmetic_written_out(small: Region) -> None:
    answer = ask(small, APPENDIX, point_value=Fraction(5000))
    # 2.5 x 1.1 x 1; reference 10,000 x 1.1 = 11,000; x = 12,000 / 11,000; 2.75 x 5,000 = 13,750 - 3,000 - 500.
    assert (answer.rw, answer.k, answer.u, answer.score) == (Fraction("2.5"), Fraction("1.1"), 1, Fraction("2.75"))
    assert (answer.reference, answer.source, answer.x) == (11000, "catalogue", Fraction(12, 11))
    assert (answer.gross, answer.pay, answer.point_source) == (13750, 10250, "given")
    assert "2.5 × 1.1 × 1 = 2.75" in answer.explanation.filled["zh"]
    assert answer.steps["due"]["en"].endswith("13,750.00 − 3,000.00 − 500.00 = 10,250.00")
    others = {one.entry.dip_code: (one.score, one.pay, bool(one.why)) for one in answer.alternatives}
    # 1.8 x 1.1 = 1.98 -> 9,900 - 3,500; 1.2: mean 4,400, x = 12,000 / 4,400 > 2: 1.2 x (x - 1) x 1.1 = 2.28 -> 11,400 - 3,500.
    assert others == {
        "K35:surgery": (Fraction("1.98"), 6400, True), "K35.3:bare": (Fraction("2.28"), 7900, True),
    }  # fmt: skip
    assert not answer.findings


@pytest.mark.parametrize(
    ("change", "u"),
    [({"age": 66}, "1.2"), ({"age": 65}, "1"), ({"detail": "severity:2"}, "1.3"), ({"age": 70, "detail": "severity:2"}, "1.3"),
     ({"age": None, "born": "1950-03-02", "admitted": "2024-03-01"}, "1.2"),
     ({"age": None, "born": "1958-03-02", "admitted": "2024-03-01"}, "1")],
)  # fmt: skip
def test_the_largest_auxiliary_factor_counts(small: Region, change: dict[str, object], u: str) -> None:
    answer = ask(small, replace(APPENDIX, **change), point_value=Fraction(1))
    assert answer.u == Fraction(u)


def test_bed_days(small: Region) -> None:
    days = replace(APPENDIX, group="F20:days", fee=600000, days=20)
    assert ask(small, days).score == Fraction("1.1"), "0.05 x 20 x 1.1"
    lacking = ask(small, replace(days, days=None))
    assert lacking.score == 0
    assert {one.code for one in lacking.findings} >= {"bed_day_without_days", "case_no_score_zero"}


def test_the_last_run_that_stands_gives_the_point_value(small: Region) -> None:
    nothing = ask(small, APPENDIX)
    assert (nothing.score, nothing.gross, nothing.pay) == (Fraction("2.75"), None, None)
    assert [one.code for one in nothing.findings] == ["case_point_value_missing"]
    small.cases(_row("S1"))
    small.funded("employee")
    run = clear(small.workspace, 2024, packs.load(NINGDE), funds=("employee",))
    answer = ask(small, APPENDIX)
    assert (answer.point_value, answer.run_hash) == (run.fund("employee").region["point_value"], run.stamps.run_hash)
    assert answer.run_at
    assert ask(small, APPENDIX, fund="resident").point_value is None, "that run knows nothing of the other fund"
    small.cases(_row("S2"))  # the run is stale now
    gather.forget()
    assert ask(small, APPENDIX).point_source == ""


def _row(setl_id: str) -> dict[str, object]:
    return {"setl_id": setl_id, "institution": "H1", "fee": "8000", "group": "K35.3:47.0100"}


def test_a_ratio_of_the_run_pays_by_the_national_draft(small: Region) -> None:
    small.cases(_row("S1"))
    small.funded("employee")
    pack = packs.load("national-draft-3")
    run = clear(small.workspace, 2024, pack, funds=("employee",)).fund("employee").region
    answer = ask(small, APPENDIX, pack="national-draft-3")
    assert answer.score is not None
    exact = answer.score * run["point_value"] * run["ratio"]
    assert answer.pay is not None
    assert abs(answer.pay - exact) <= Fraction(1, 200)
    with_typed = ask(small, APPENDIX, pack="national-draft-3", point_value=Fraction(100))
    assert with_typed.gross == with_typed.score * 100


@pytest.mark.parametrize(
    ("change", "more", "code"),
    [
        ({"diagnosis": ""}, {}, "case_diagnosis_missing"), ({"fee": 0}, {}, "case_fee_missing"),
        ({"group": "none"}, {}, "case_group_unknown"), ({}, {"institution": "H9"}, "case_institution_unknown"),
        ({}, {"catalogue": "none"}, "catalogue_unknown"), ({}, {"set_name": "none"}, "set_missing"),
    ],
)  # fmt: skip
def test_what_is_missing_blocks_and_is_named(small: Region, change, more, code: str) -> None:
    answer = ask(small, replace(APPENDIX, **change), **more)
    assert answer.blocked
    assert code in {one.code for one in answer.findings if one.severity == "blocked"}
    assert (answer.score, answer.pay) == (None, None)


def test_an_institution_without_coefficient_blocks(small: Region) -> None:
    small.institutions(("H3", "丙医院", 5))
    answer = ask(small, APPENDIX, institution="H3")
    assert [one.code for one in answer.findings if one.severity == "blocked"] == ["coefficient_missing"]
    assert answer.score is None


@pytest.mark.parametrize(
    ("change", "code"),
    [({"diagnosis": "??"}, "case_diagnosis_unknown"), ({"operations": ("47.0100", "99.9999")}, "case_operation_unknown"),
     ({"diagnosis": "A09.900"}, "case_ungrouped_zero")],
)  # fmt: skip
def test_doubtful_codes_are_said(small: Region, change, code: str) -> None:
    answer = ask(small, replace(APPENDIX, **change))
    assert code in {one.code for one in answer.findings}
    assert not answer.blocked


def test_excluded_codes_are_said(small: Region) -> None:
    rows = [{"version": "v2024", "year": 2024, "list": name, "code": code}
            for name, code in (("diagnosis", "K35.301"), ("operation", "47.0100"))]  # fmt: skip
    small.batch("exclusions", rows, "exclusion")
    assert "case_operation_excluded" in {one.code for one in ask(small, APPENDIX).findings}
    out = ask(small, replace(APPENDIX, diagnosis="K35.301"))
    assert out.taken is None
    assert "case_diagnosis_excluded" in {one.code for one in out.findings}


def test_an_edit_is_seen_at_once(small: Region, tmp_path: Path) -> None:
    assert ask(small, APPENDIX).rw == Fraction("2.5")
    from core.catalogue.library import Cell, edit

    edit(small.workspace, "v2024", [Cell("K35.3:47.0100", "score", "2.6")], "why")
    assert ask(small, APPENDIX).rw == Fraction("2.6")


def test_days_of_age_are_read_as_in_the_clearing(small: Region) -> None:
    """Days typed alone are a newborn's; a 0 that a platform writes for a grown-up is nobody's."""
    small.groups({"dip_code": "P07:new", "diag_code": "P07", "stage": "pre", "condition": "age_days < 29", "score": "9"})
    born = TypedCase("P07.100", fee=100000, own_pay=0, other_pay=0)

    def group(**change: object) -> str:
        taken = ask(small, replace(born, **change)).taken  # pyright: ignore[reportArgumentType]
        return taken.entry.dip_code if taken is not None else ""

    assert group(age_days=10) == group(born="2024-02-01", admitted="2024-02-11") == "P07:new"
    assert group(age=0, age_days=0, born="2024-02-01", admitted="2024-02-11") == "P07:new"
    assert group(age=50, age_days=0) == group(age_days=0, born="1974-02-01", admitted="2024-02-11") == ""
