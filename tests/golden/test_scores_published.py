"""A9, A10 and B1 of the specification, with their arithmetic."""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "catalogue"))

from past_years import Case, arrays, catalogue, group, workspace_with

from core.catalogue.scores import derive, from_workspace
from core.money import plain
from core.rules.scoring import ScoreRule, chosen

ONE_YEAR = {"weights": "1", "auxiliary": "", "places": "4"}
# A10: K35.9, cases and mean cost in yuan.
APPENDIX = {"K35.9:保守治疗": (6_722, 4_099), "K35.9:47.0901": (7_120, 9_173), "K35.9:47.0100": (12_103, 13_385)}


def appendix() -> list[Case]:
    """Fees that spread around each mean and sum to n times it."""
    cases: list[Case] = []
    for code, (n, mean) in APPENDIX.items():
        cases += [Case(2023, code, (mean + (37 if i % 2 else -37)) * 100) for i in range(n - n % 2)]
        cases += [Case(2023, code, mean * 100)] * (n % 2)
    return cases


def scores_of(choices: dict[str, str], cases: list[Case]) -> dict[str, str]:
    base = catalogue(*(group(code) for code in {case.group for case in cases}))
    derived = derive(chosen(ScoreRule(), choices), arrays(cases), base)
    return {entry.dip_code: plain(entry.score or Fraction(0), 4) for entry in derived.rows}


def test_a10_benchmark() -> None:
    """4,099 / 13,385 x 1000 = 306.2383; 9,173 / 13,385 x 1000 = 685.3194; the benchmark itself is 1000."""
    found = scores_of({**ONE_YEAR, "method": "benchmark", "benchmark": "K35.9:47.0100"}, appendix())
    assert found == {"K35.9:保守治疗": "306.2383", "K35.9:47.0901": "685.3194", "K35.9:47.0100": "1000.0000"}


def test_a10_mean_within_the_three() -> None:
    """6,722 x 4,099 + 7,120 x 9,173 + 12,103 x 13,385 = 27,553,478 + 65,311,760 + 161,998,655 = 254,863,893 yuan;
    / 25,945 cases = 9,823.2373; 4,099 / 9,823.2373 x 1000 = 417.2759, 933.8062, 1362.5854."""
    assert 27_553_478 + 65_311_760 + 161_998_655 == 254_863_893
    found = scores_of({**ONE_YEAR, "method": "mean"}, appendix())
    assert found == {"K35.9:保守治疗": "417.2759", "K35.9:47.0901": "933.8062", "K35.9:47.0100": "1362.5854"}
    base = catalogue(*(group(code) for code in APPENDIX))
    derived = derive(chosen(ScoreRule(), ONE_YEAR), arrays(appendix()), base)
    assert plain(derived.divisor / 100, 4) == "9823.2373"
    assert derived.working("K35.9:保守治疗").formulas[-1] == "4099.00 / 9823.2373 × 1000 = 417.2759"


def test_a10_through_the_workspace(tmp_path: Path) -> None:
    """The same from imported rows; the group's code comes with the case."""
    rows = ({"fee": case.fee, "dip_dise_grp_code": case.group} for case in appendix())
    entries = [group(code, "1") for code in APPENDIX]
    with workspace_with(tmp_path / "a10.dz", rows, entries) as workspace:
        rule = chosen(ScoreRule(), {**ONE_YEAR, "method": "benchmark", "benchmark": "K35.9:47.0100"})
        derived = from_workspace(workspace, rule, [2023], base="old")
    assert [plain(entry.score or Fraction(0), 4) for entry in derived.rows] == ["1000.0000", "685.3194", "306.2383"]
    assert derived.counts.cases == derived.counts.used == (25_945, 254_863_893 * 100)


def test_a10_ningde_is_the_plain_ratio() -> None:
    found = scores_of({**ONE_YEAR, "scale": "1"}, appendix())
    assert found == {"K35.9:保守治疗": "0.4173", "K35.9:47.0901": "0.9338", "K35.9:47.0100": "1.3626"}


def test_quota() -> None:
    """4,099 / 10,000 = 0.4099."""
    found = scores_of({**ONE_YEAR, "method": "quota", "quota": "10000", "scale": "1"}, appendix())
    assert found["K35.9:保守治疗"] == "0.4099"


B1 = {2021: (100, 820_000), 2022: (150, 1_290_000), 2023: (200, 1_700_000)}


@pytest.mark.parametrize(
    ("reading", "mean", "score"),
    [
        # (1 x 8,200 + 2 x 8,600 + 7 x 8,500) / 10 = 84,900 / 10
        ("means", "8490.0000", "0.8490"),
        # (1 x 820,000 + 2 x 1,290,000 + 7 x 1,700,000) / (1 x 100 + 2 x 150 + 7 x 200) = 15,300,000 / 1,800
        ("totals", "8500.0000", "0.8500"),
    ],
)
def test_b1(reading: str, mean: str, score: str) -> None:
    cases = [Case(year, "A", cost // n * 100) for year, (n, cost) in B1.items() for _ in range(n)]
    rule = chosen(ScoreRule(), {"weighting": reading, "method": "quota", "quota": "10000", "scale": "1", "auxiliary": ""})
    derived = derive(rule, arrays(cases), catalogue(group("A")))
    working = derived.working("A")
    assert working.mean is not None
    assert plain(working.mean / 100, 4) == mean
    assert [plain(entry.score or Fraction(0), 4) for entry in derived.rows] == [score]
    assert [line.cases for line in working.lines] == [100, 150, 200]
    said = {
        "means": "(1 × 8200.00 + 2 × 8600.00 + 7 × 8500.00) / 10 = 8490.00",
        "totals": "(1 × 820000.00 + 2 × 1290000.00 + 7 × 1700000.00) / (1 × 100 + 2 × 150 + 7 × 200) = 8500.00",
    }
    assert working.formulas[0] == said[reading]


def test_a9_related_operations() -> None:
    """I21.0 with a stent 28,033; with two-catheter angiography 28,849: + 816 = 2.91 %, no group of its own; with
    intravascular ultrasound 44,003: + 15,970 = 56.97 %, a group of its own."""
    stent, angiography, ultrasound = "36.0700x004", "88.5600", "00.2400"
    cases = [
        Case(2023, "", yuan * 100, diagnosis="I21.000", operations="|".join(done))
        for yuan, done in (
            (28_033, (stent,)),
            (28_849, (stent, angiography)),
            (44_003, (stent, ultrasound)),
        )
        for _ in range(20)
    ]
    derived = derive(chosen(ScoreRule(), ONE_YEAR), arrays(cases), None, attributes={stent: "intervention"})
    tried = {one.rel_oprn_code: one for one in derived.related}
    assert {code: plain((one.rise or Fraction(0)) * 100, 2) for code, one in tried.items()} == {
        angiography: "2.91",
        ultrasound: "56.97",
    }
    assert {code: one.why for code, one in tried.items()} == {angiography: "below_rise", ultrasound: "made"}
    assert [(entry.dip_code, entry.cases, entry.mean_fee) for entry in derived.rows] == [
        (f"I21.0:{stent}", 40, (28_033 + 28_849) * 100 // 2),
        (f"I21.0:{stent}+{ultrasound}", 20, 44_003_00),
    ]
