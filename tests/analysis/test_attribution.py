"""Attribution on regions of two years: by hand, a second way, on random regions, and blind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.analysis import attribution, attribution_sheets
from core.analysis.attribution import Attribution, Growths, point_value, scores
from core.analysis.attribution_cells import OF_INSTITUTION, OF_REGION, Cells
from core.faults import Cancelled, Refused, Usage
from core.progress import Progress
from core.rules import packs
from core.rules.circular import Pack
from core.settlement.clearing import clear
from tests.analysis.two_years import CODES, GROUPS, YEARS, Cell, Year, by_orders, made, score
from tests.settlement.region import Region

F = Fraction
PACKS = ("ningde-2024", "national-draft-3")


def pack(name: str = "ningde-2024") -> Pack:
    return packs.load(name)


def value_of(region: Region, name: str = "ningde-2024", years: tuple[int, int] = YEARS) -> Attribution:
    return point_value(region.workspace, *years, pack=pack(name), fund="employee")


def growths(region: Region, name: str = "ningde-2024", years: tuple[int, int] = YEARS) -> Growths:
    return scores(region.workspace, *years, pack=pack(name))


def bars(found: Attribution | attribution.Growth) -> dict[str, Fraction]:
    return {bar.factor: bar.amount for bar in found.bars}


# -- by hand -----------------------------------------------------------------------------------------------------


def hand(path: Path) -> Region:
    """H1 has 2 then 4 cases of a group of 1 then 1.5, at a coefficient of 1 then 1.2; H2 has 1 then 2 cases of a group of 2.
    Fees are paid by the fund alone; 100,000 yuan in both years. Three factors move: cases, catalogue, coefficients."""
    still = {"H1": "1", "H2": "1", "H3": "1"}
    return made(
        path,
        Year({"K35.3:p": "1", "J18.9:g": "2"}, still, {("H1", "K35.3:p"): 2, ("H2", "J18.9:g"): 1}, own_share=0,
             budget="100000.00", outside="0"),
        Year({"K35.3:p": "1.5", "J18.9:g": "2"}, {**still, "H1": "1.2"}, {("H1", "K35.3:p"): 4, ("H2", "J18.9:g"): 2},
             own_share=0, budget="100000.00", outside="0"),
    )  # fmt: skip


def test_by_hand(tmp_path: Path) -> None:
    region = hand(tmp_path / "r.dz")
    found = growths(region)
    one = found.of("H1", "employee")
    assert (one.before, one.after) == (2, F("7.2"))
    # The product of test_shapley: 2 x 1 x 1 to 4 x 1.5 x 1.2.
    assert bars(one) == {
        "volume": F(83, 30), "mix": 0, "shift": 0, "catalogue": F(5, 3), "coefficient": F(23, 30), "deviation": 0,
    }  # fmt: skip
    assert one.growth == F("2.6")
    other = found.of("H2", "employee")
    assert (other.before, other.after) == (2, 4)
    assert {factor: part for factor, part in bars(other).items() if part} == {"volume": 2}
    assert bars(found.of("", "employee"))["volume"] == F(83, 30) + 2

    # All scores: 3 cases of 2/3 x c x k + 1/3 x 2, with the cases c and k of each state:
    #   none 4, cases 8, catalogue 5, coefficient 4.4, cases+catalogue 10, cases+coefficient 8.8, both others 5.6, all 11.2.
    # 100,000 over them, to four decimals:
    #   25000, 12500, 20000, 22727.2727, 10000, 11363.6364, 17857.1429, 8928.5714
    region_value = value_of(region)
    assert (region_value.before, region_value.after) == (25000, F("8928.5714"))
    cases = F(12500 - 25000, 3) + F((10000 - 20000) + F("11363.6364") - F("22727.2727"), 6) + (F("8928.5714") - F("17857.1429")) / 3
    catalogue = F(20000 - 25000, 3) + ((10000 - 12500) + F("17857.1429") - F("22727.2727")) / 6 + (F("8928.5714") - F("11363.6364")) / 3
    coefficient = (F("22727.2727") - 25000) / 3 + ((F("11363.6364") - 12500) + F("17857.1429") - 20000) / 6 + (F("8928.5714") - 10000) / 3
    assert {name: part for name, part in bars(region_value).items() if part} == {
        "cases": cases, "catalogue": catalogue, "coefficient": coefficient,
    }  # fmt: skip
    assert cases + catalogue + coefficient == F("8928.5714") - 25000
    region.workspace.close()


def test_what_bars_stand_on_adds_up(tmp_path: Path) -> None:
    region = hand(tmp_path / "r.dz")
    found, value = growths(region), value_of(region)
    for factor in OF_INSTITUTION:
        sheet = found.beneath("H1", "employee", factor)
        assert abs(sum(sheet.cells["points"]) - found.of("H1", "employee").part(factor)) < F(1, 10**11), factor
        whole = found.beneath("", "employee", factor)
        assert sum(whole.cells["points"]) == found.of("", "employee").part(factor)
    # The region's score goes 4 to 11.2; what institutions and groups add to each factor's part is all of it.
    parts = {factor: sum(value.beneath(factor).cells["points"]) for factor in OF_REGION}
    assert abs(sum(parts.values()) - F("7.2")) < F(1, 10**11)
    groups = value.beneath("catalogue")
    assert groups.keys is not None
    assert dict(zip(groups.keys, groups.cells["points"], strict=True))["J18.9:g"] == 0
    assert [groups.text(0, column) for column in groups.columns][:7] == ["K35", "K35.3:p", "K35.3:p", "2", "4", "1", "1.5"]
    lines = value.beneath("budget")
    assert lines.totals["yuan_before"] == lines.totals["yuan_after"] == 100_000
    with pytest.raises(KeyError):
        value.beneath("fund_ratio")  # Ningde's point value has no such part
    region.workspace.close()


# -- random regions ----------------------------------------------------------------------------------------------

SCORES = st.decimals("0.1", "5", places=3).map(str)
KS = st.decimals("0.5", "1.5", places=2).map(str)
COUNTS = st.integers(0, 4)


@st.composite
def years(draw: st.DrawFn) -> Year:
    groups = draw(st.lists(st.sampled_from(sorted(GROUPS)), min_size=1, max_size=3, unique=True))
    cases = {
        (code, group): n for code in CODES for group in sorted(GROUPS) if (n := draw(COUNTS))
    } or {("H1", groups[0]): 1}
    if not any(group in groups for _, group in cases):
        cases["H1", groups[0]] = 1
    return Year(
        {group: draw(SCORES) for group in groups},
        {code: draw(KS) for code in CODES},
        cases,
        fee=draw(st.integers(1000, 50_000)),
        own_share=draw(st.integers(0, 90)),
        budget=f"{draw(st.integers(1, 10**7))}.00",
        outside=f"{draw(st.integers(0, 10**5))}.00",
        fees={key: draw(st.lists(st.integers(100, 90_000), max_size=3)) for key in cases},
    )


def check(before: Year, after: Year, does: Callable[[Region], None]) -> None:
    with TemporaryDirectory() as folder:
        region = made(Path(folder) / "r.dz", before, after)
        try:
            does(region)
        finally:
            region.workspace.close()


@settings(max_examples=12, deadline=None)
@given(years(), years(), st.sampled_from(PACKS))
def test_parts_sum_exactly_and_the_ends_are_the_clearings(before: Year, after: Year, name: str) -> None:
    def does(region: Region) -> None:
        found, value = growths(region, name), value_of(region, name)
        sheets = [clear(region.workspace, year, pack(name), store=False).fund("employee") for year in YEARS]
        assert [value.before, value.after] == [sheet.region["point_value"] for sheet in sheets]
        assert value.before + sum(bars(value).values()) == value.after
        for one in found.items:
            assert one.before + sum(bars(one).values()) == one.after
            for sheet, end in zip(sheets, (one.before, one.after), strict=True):
                codes = [each.code for each in sheet.institutions]
                assert end == (sheet.values["score"][codes.index(one.code)] if one.code in codes else 0)
        # What is written adds up as well.
        for table in (attribution_sheets.point_value(value), attribution_sheets.growth(found, "", "employee")):
            amounts = table.cells["amount"].tolist()
            assert sum(amounts[:-1]) == amounts[-1]
        # Back again: every sign turned.
        back, worth = growths(region, name, YEARS[::-1]), value_of(region, name, YEARS[::-1])
        assert bars(worth) == {factor: -part for factor, part in bars(value).items()}
        for one in found.items:
            assert bars(back.of(one.code, one.fund)) == {factor: -part for factor, part in bars(one).items()}

    check(before, after, does)


def plain_cells(cells: Cells, code: str) -> dict[tuple[str, str], tuple[Cell, Cell]]:
    found: dict[tuple[str, str], tuple[Cell, Cell]] = {}
    for row in cells.of(code).tolist():
        group = cells.groups[int(cells.group[row])]
        pair = [
            (F(int(cells.cases[y][row])), cells.catalogue[y].at(row), cells.coefficient[y].at(row), cells.realised[y].at(row))
            for y in (0, 1)
        ]
        found[group.category, group.before + group.after] = (pair[0], pair[1])
    return found


@settings(max_examples=8, deadline=None)
@given(years(), years())
def test_a_second_way_over_every_order(before: Year, after: Year) -> None:
    def does(region: Region) -> None:
        found = growths(region)
        for one in found.items:
            cells = plain_cells(found.pairs["employee"].cells, one.code)
            expected = by_orders(OF_INSTITUTION, lambda changed, cells=cells: score(cells, changed))
            for factor, part in bars(one).items():
                assert abs(part - expected[factor]) < F(1, 10**9), (one.code, factor)

    check(before, after, does)


def test_cells_are_what_the_files_say(tmp_path: Path) -> None:
    """H3 has no cases of the dear group in 2024: then it has that year's score and coefficient, and realised 1."""
    before = Year({"K35.3:p": "1", "K35.8:d": "2"}, dict.fromkeys(CODES, "1"), {("H3", "K35.8:d"): 2, ("H3", "K35.3:p"): 1},
                  fees={("H3", "K35.8:d"): [10_000, 10_000]})  # fmt: skip
    after = Year({"K35.3:p": "1.1", "K35.8:d": "2.5"}, {**dict.fromkeys(CODES, "1"), "H3": "0.9"}, {("H3", "K35.3:p"): 3})
    region = made(tmp_path / "r.dz", before, after)
    cells = plain_cells(growths(region).pairs["employee"].cells, "H3")
    assert cells == {
        ("K35", "K35.3:pK35.3:p"): ((1, 1, 1, 1), (3, F("1.1"), F("0.9"), 1)),
        ("K35", "K35.8:dK35.8:d"): ((2, 2, 1, 1), (0, F("2.5"), F("0.9"), 1)),
    }
    region.workspace.close()


@settings(max_examples=12, deadline=None)
@given(years(), st.sampled_from(("scores", "k", "cases", "money")), years(), st.sampled_from(PACKS))
def test_what_did_not_move_has_nothing(before: Year, moved: str, other: Year, name: str) -> None:
    after = {
        "scores": replace(before, scores={group: other.scores.get(group, "1.7") for group in before.scores}),
        "k": replace(before, k=other.k),
        "cases": replace(before, cases={key: 2 * n for key, n in before.cases.items()}, fees={}),
        "money": replace(before, budget=other.budget, outside=other.outside),
    }[moved]
    start = replace(before, fees={}) if moved == "cases" else before
    allowed = {
        "scores": {"catalogue"}, "k": {"coefficient"}, "cases": {"cases", "volume", "own_pay", "other_pay"},
        "money": {"budget", "outside"},
    }[moved]  # fmt: skip

    def does(region: Region) -> None:
        found, value = growths(region, name), value_of(region, name)
        for one in (value, *found.items):
            # Where score or coefficient move, the rounding of each case to four decimals does too: that is deviation's.
            rounding = {"deviation"} if moved in ("scores", "k") else set[str]()
            still = {factor: part for factor, part in bars(one).items() if factor not in allowed | rounding}
            assert set(still.values()) <= {0}, (moved, still)

    check(start, after, does)


# -- cells that are not like others --------------------------------------------------------------------------------


def test_a_group_that_only_changed_its_code_is_the_same_group(tmp_path: Path) -> None:
    """K35.3:p becomes K35.3:q with the same definition: nothing moved between groups."""
    one = {"K35.3:p": "1", "J18.9:g": "2"}
    before = Year(one, dict.fromkeys(CODES, "1"), {("H1", "K35.3:p"): 2, ("H1", "J18.9:g"): 1})
    after = replace(before, scores={"K35.3:q": "1.5", "J18.9:g": "2"}, cases={("H1", "K35.3:q"): 2, ("H1", "J18.9:g"): 1})
    region = made(tmp_path / "r.dz", before, after)
    found = growths(region)
    assert {factor: part for factor, part in bars(found.of("H1", "employee")).items() if part} == {"catalogue": 1}
    sheet = found.beneath("H1", "employee", "catalogue")
    assert [sheet.text(0, column) for column in sheet.columns] == ["K35", "K35.3:q", "K35.3:q", "2", "2", "1", "1.5", "1.0000"]
    region.workspace.close()


def test_days_decisions_and_cases_without_score(tmp_path: Path) -> None:
    """A bed-day group of 0.1 a day: 2 cases of 10 days, then of 30. A case decided at 5 points in its group of 2. One case
    without a group, then three. Only 2024 has them changed, so mix and deviation share it and the ends are the clearing's."""
    region = made(tmp_path / "r.dz", *[Year({"J18.9:g": "2"}, dict.fromkeys(CODES, "1"), {("H1", "J18.9:g"): 2})] * 2)
    for year, days, loose in ((2023, 10, 1), (2024, 30, 3)):
        region.groups({"dip_code": "F20.0:b", "score": "0.1", "diag_code": "F20.0", "kind": "bed_day"}, version=f"v{year}", year=year)
        rows: list[dict[str, object]] = [
            {"setl_id": f"{year}b{i}", "institution": "H2", "fee": "9000", "group": "F20.0:b", "day": f"{year}-03-05", "act_ipt_days": days}
            for i in (0, 1)
        ]
        rows += [{"setl_id": f"{year}n{i}", "institution": "H2", "fee": "9000", "group": None, "day": f"{year}-03-05"} for i in range(loose)]
        region.cases(*rows)
    region.special(("2024eH1J18.9:g0000", "adjusted", "5"))
    found = growths(region)
    one, other = found.of("H1", "employee"), found.of("H2", "employee")
    assert (one.before, one.after) == (4, 7)  # 2 + 2, then 5 + 2
    assert {factor: part for factor, part in bars(one).items() if part} == {"deviation": 3}
    # 3 cases to 5, of which 2 of days in both: 2 x 0.1 x 10 = 2, then 2 x 0.1 x 30 = 6. Cases alone give 10/3, the mix alone
    # 3 x 2/5 x 1 = 1.2, longer stays alone 6; both first ones 2, cases and stays 10, mix and stays 3.6, all 6.
    assert (other.before, other.after) == (2, 6)
    volume = F(4, 3) / 3 + ((2 - F("1.2")) + (10 - 6)) / 6 + (6 - F("3.6")) / 3
    mix = (F("1.2") - 2) / 3 + ((2 - F(10, 3)) + (F("3.6") - 6)) / 6 + F(6 - 10, 3)
    got = bars(other)
    assert abs(got["volume"] - volume) < F(1, 10**11)
    assert abs(got["mix"] - mix) < F(1, 10**11)
    assert got["volume"] + got["mix"] + got["deviation"] == 4
    assert got["catalogue"] == got["coefficient"] == got["shift"] == 0
    for name in PACKS:
        value = value_of(region, name)
        assert value.before + sum(bars(value).values()) == value.after
    region.workspace.close()


def test_a_primary_care_group_takes_no_coefficient_in_a_year_without_cases(tmp_path: Path) -> None:
    region = made(tmp_path / "r.dz", *[Year({"J18.9:g": "2"}, {**dict.fromkeys(CODES, "1"), "H1": "0.8"}, {("H1", "J18.9:g"): 1})] * 2)
    for year in YEARS:
        region.groups({"dip_code": "J00.x:p", "score": "0.5", "diag_code": "J00.x", "primary_care": 1}, version=f"v{year}", year=year)
    region.cases({"setl_id": "p", "institution": "H1", "fee": "900", "group": "J00.x:p", "day": "2024-05-05"})
    cells = plain_cells(growths(region).pairs["employee"].cells, "H1")
    assert cells["J00", "J00.x:pJ00.x:p"] == ((0, F("0.5"), 1, 1), (1, F("0.5"), 1, 1))
    assert cells["J18", "J18.9:gJ18.9:g"][0] == (1, 2, F("0.8"), 1)
    region.workspace.close()


def test_a_score_decided_under_a_coefficient_of_nothing(tmp_path: Path) -> None:
    """A coefficient of 0 cannot explain 5 points; they stand as deviation."""
    year = Year({"J18.9:g": "2"}, dict.fromkeys(CODES, "1"), {("H1", "J18.9:g"): 1, ("H2", "J18.9:g"): 1})
    region = made(tmp_path / "r.dz", year, replace(year, k={**year.k, "H1": "0"}))
    assert {factor: part for factor, part in bars(growths(region).of("H1", "employee")).items() if part} == {"coefficient": -2}
    region.special(("2024eH1J18.9:g0000", "adjusted", "5"))
    one = growths(region).of("H1", "employee")
    assert (one.before, one.after) == (2, 5)
    assert {factor: part for factor, part in bars(one).items() if part} == {"deviation": 3}
    region.workspace.close()


def test_a_pack_that_rounds_no_case(tmp_path: Path) -> None:
    """Scores without end are taken to twelve decimals: parts still sum, and the point value is the clearing's."""
    before = replace(STILL, fees={("H1", "K35.3:p"): [3_333, 29_999, 7_777]})
    region = made(tmp_path / "r.dz", before, nearly(before))
    region.reference_means(("K35.3:p", "all", "all", "10000.00"), year=2022)
    whole = pack()
    exact = replace(whole, case=replace(whole.case, places=None))
    value = point_value(region.workspace, *YEARS, pack=exact, fund="employee")
    sheets = [clear(region.workspace, year, exact, store=False).fund("employee") for year in YEARS]
    assert [value.before, value.after] == [sheet.region["point_value"] for sheet in sheets]
    assert value.before + sum(bars(value).values()) == value.after
    for one in scores(region.workspace, *YEARS, pack=exact).items:
        assert one.before + sum(bars(one).values()) == one.after
    region.workspace.close()


# -- blind: one planted change, and it is named first --------------------------------------------------------------

STILL = Year(
    {"K35.3:p": "1.000", "K35.8:d": "2.400", "J18.9:g": "0.700"},
    {"H1": "1.05", "H2": "0.95", "H3": "0.80"},
    {("H1", "K35.3:p"): 30, ("H1", "K35.8:d"): 10, ("H1", "J18.9:g"): 20, ("H2", "K35.3:p"): 25, ("H2", "K35.8:d"): 10,
     ("H2", "J18.9:g"): 15, ("H3", "K35.3:p"): 15, ("H3", "J18.9:g"): 30},
)  # fmt: skip


def nearly(year: Year) -> Year:
    """A year is never quite like the one before: a case more here and there, a little more money, fees a little higher."""
    cases = {key: n + (1 if i % 3 == 0 else 0) for i, (key, n) in enumerate(year.cases.items())}
    return replace(year, cases=cases, budget="1012000.00", outside="101000.00", fee=10_100)


def generated(seed: int) -> tuple[Year, str]:
    """A region by chance, and the institution where something is planted."""
    dice = Random(seed)
    cases = {(code, group): dice.randint(18, 40) for code in CODES for group in sorted(GROUPS)}
    scores_ = {"K35.3:p": f"{dice.uniform(0.8, 1.2):.3f}", "K35.8:d": f"{dice.uniform(2.2, 3):.3f}", "J18.9:g": f"{dice.uniform(0.5, 1):.3f}"}
    return Year(scores_, {code: f"{dice.uniform(0.8, 1.1):.3f}" for code in CODES}, cases), dice.choice(CODES)


def first(found: Attribution | attribution.Growth) -> str:
    return max(found.bars, key=lambda bar: abs(bar.amount)).factor


def moved_most(found: Growths) -> str:
    return max(found.items, key=lambda one: abs(one.after - one.before)).code


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("name", PACKS)
@pytest.mark.parametrize("planted", ["coefficient", "shift", "budget", "catalogue", "cases", "own_pay"])
def test_blind(tmp_path: Path, planted: str, name: str, seed: int) -> None:
    before, where = generated(seed)
    base = nearly(before)
    plain, dear = (where, "K35.3:p"), (where, "K35.8:d")
    shifted = {**base.cases, plain: base.cases[plain] - 15, dear: base.cases[dear] + 15}
    after = {
        "coefficient": replace(base, k={**base.k, where: "1.45"}),
        "shift": replace(base, cases=shifted),
        "budget": replace(base, budget="700000.00"),
        "catalogue": replace(base, scores={**base.scores, "K35.8:d": "1.400"}),
        "cases": replace(base, cases={key: n * 3 // 2 for key, n in base.cases.items()}, fee=6_800),
        "own_pay": replace(base, own_share=65),
    }[planted]
    region = made(tmp_path / "r.dz", before, after)
    value, found = value_of(region, name), growths(region, name)
    in_region = {
        "coefficient": "coefficient", "shift": "mix", "budget": "budget", "catalogue": "catalogue", "cases": "cases",
        "own_pay": "own_pay" if name == "ningde-2024" else "fund_ratio",
    }[planted]  # fmt: skip
    assert first(value) == in_region, bars(value)
    sheet = value.beneath(in_region)
    assert sheet.keys is not None
    if planted in ("coefficient", "shift"):
        assert sheet.keys[0] == where
        assert moved_most(found) == where
        own = found.of(where, "employee")
        assert first(own) == planted, bars(own)
        others = [one for one in found.items if one.code != where]
        assert all(abs(one.part(planted)) < abs(own.part(planted)) / 5 for one in others)
    if planted == "shift":
        drivers = found.drivers(where, "employee")
        assert drivers.keys is not None
        assert drivers.keys[0] == "K35.8:d"
        assert set(drivers.cells["category"]) == {"K35"}
        assert drivers.cells["within_after"][0] > drivers.cells["within_before"][0] + 15
        assert abs(drivers.cells["peers_after"][0] - drivers.cells["peers_before"][0]) < 5
        # The dearer group's gain and the plain one's loss are the bar; J18 has one group and no shift.
        assert abs(sum(drivers.cells["points"]) - own.part("shift")) < F(1, 10**11)
        assert abs(found.peers(where, "employee").part("shift")) * 4 < own.part("shift")
    if planted == "catalogue":
        assert sheet.keys[0] == "K35.8:d"
    region.workspace.close()


# -- refused, both funds, kept -----------------------------------------------------------------------------------


def test_a_year_that_cannot_be_cleared_is_refused_with_its_findings(tmp_path: Path) -> None:
    region = made(tmp_path / "r.dz", STILL, STILL, budget=False)
    mark = region.workspace.generation()
    for ask in (value_of, growths):
        with pytest.raises(Refused) as refused:
            ask(region)
        assert refused.value.code == "blocked"
        assert refused.value.values["year"] == 2023
        assert {(finding.code, finding.column) for finding in refused.value.findings} >= {("budget_missing", "dip_budget")}
    assert region.workspace.generation() == mark
    region.workspace.close()


def test_asked_wrongly(tmp_path: Path) -> None:
    region = made(tmp_path / "r.dz", STILL, STILL)
    with pytest.raises(Usage, match="attribute_same_year"):
        growths(region, years=(2024, 2024))
    with pytest.raises(Refused, match="blocked"):
        point_value(region.workspace, *YEARS, pack=pack(), fund="resident")
    with pytest.raises(Refused, match="pack_abstract"):
        value_of(region, "hubei-2023")
    assert growths(region).funds == ("employee",)
    region.workspace.close()


def test_years_without_a_fund_in_common(tmp_path: Path) -> None:
    region = made(tmp_path / "r.dz", STILL, STILL, later=("resident",))
    with pytest.raises(Refused, match="attribute_no_fund") as refused:
        growths(region)
    assert refused.value.values["year"] == 2024
    region.workspace.close()


def test_a_point_value_that_is_not_one_of_sums_is_refused(tmp_path: Path) -> None:
    """The mean of the institutions' coefficients is not theirs taken as one."""
    text = """
[pack]
id = "odd"
extends = "ningde-2024"
title = { zh = "不可加", en = "Not of sums" }
funds = ["employee"]

[[region]]
id = "point_value"
title = { zh = "结算点值", en = "Point value" }
unit = "yuan/point"
formula = "fund_available / sum(weighted)"
places = 4
cite = "N116"

[[institution]]
id = "weighted"
title = { zh = "折算分值", en = "Weighted score" }
unit = "points"
formula = "score * coefficient"
cite = "N116"
"""
    file = tmp_path / "odd.toml"
    file.write_text(text, "utf-8")
    region = made(tmp_path / "r.dz", STILL, nearly(STILL))
    with pytest.raises(Refused, match="attribute_not_additive"):
        value_of(region, str(file))
    assert growths(region, str(file)).items  # scores rest on no point value
    region.workspace.close()


def test_a_point_value_of_catalogue_scores_alone(tmp_path: Path) -> None:
    """Before coefficients and deviation: neither moves it, however much they change; by hand from the hand region."""
    text = """
[pack]
id = "bare"
extends = "ningde-2024"
title = { zh = "目录分值", en = "Catalogue scores" }
funds = ["employee"]

[[region]]
id = "point_value"
title = { zh = "结算点值", en = "Point value" }
unit = "yuan/point"
formula = "fund_available / sum(base_score)"
cite = "N116"
"""
    file = tmp_path / "bare.toml"
    file.write_text(text, "utf-8")
    region = hand(tmp_path / "r.dz")
    found = value_of(region, str(file))
    # 2 x 1 + 1 x 2 points, then 4 x 1.5 + 2 x 2.
    assert (found.before, found.after) == (F(100_000, 4), F(100_000, 10))
    told = bars(found)
    assert sum(told.values()) == found.after - found.before
    assert told["coefficient"] == told["deviation"] == told["mix"] == 0
    # Cases double the points, the new score makes 5 of 4: 4, 8, 5, 10 points.
    assert told["cases"] == 50_000 * (F(1, 8) - F(1, 4) + F(1, 10) - F(1, 5))
    assert told["catalogue"] == 50_000 * (F(1, 5) - F(1, 4) + F(1, 10) - F(1, 8))
    back = value_of(region, str(file), (YEARS[1], YEARS[0]))
    assert bars(back) == {factor: -part for factor, part in told.items()}
    region.workspace.close()


def test_both_funds_and_what_is_kept(tmp_path: Path) -> None:
    region = made(tmp_path / "r.dz", STILL, nearly(STILL), funds=("employee", "resident"))
    found = growths(region)
    assert found.funds == ("employee", "resident")
    for fund in found.funds:
        value = point_value(region.workspace, *YEARS, pack=pack(), fund=fund)
        assert value.pair is found.pairs[fund]  # the cells are not made twice
    assert bars(found.of("H1", "employee")) == bars(found.of("H1", "resident"))
    region.coefficients(("H1", "all", "bonus:x", "2024-01-01", "0.5"))
    again = growths(region)
    assert again.of("H1", "employee").part("coefficient") > 5
    assert found.of("H1", "employee").part("coefficient") == 0
    region.workspace.close()


class Stopping:
    """Asks to stop at the first report of a stage."""

    def __init__(self, stage: str) -> None:
        self.stage, self.cancelled = stage, False

    def report(self, code: str, done: int, total: int | None = None) -> None:
        self.cancelled = self.cancelled or code == self.stage


@pytest.mark.parametrize("stage", ["attribute_cells", "attribute_mix", "attribute_shift", "attribute_values"])
def test_it_can_be_stopped(tmp_path: Path, stage: str) -> None:
    region = made(tmp_path / "r.dz", STILL, nearly(STILL))
    progress: Progress = Stopping(stage)

    def both() -> None:
        scores(region.workspace, *YEARS, pack=pack(), progress=progress)
        point_value(region.workspace, *YEARS, pack=pack(), fund="employee", progress=progress)

    with pytest.raises(Cancelled):
        both()
    assert value_of(region).bars
    region.workspace.close()
