"""The opening point value: B1 in both readings, intervals by hand, trimming and medians a slow second way, months."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from region import Region

from core.catalogue import library
from core.rules import packs
from core.settlement import budget, opening, opening_sheets, runs
from core.settlement.budget import Line, LineEdit
from core.settlement.budget_months import used_by_month
from core.settlement.monthly import settle
from core.settlement.opening import Past, Sums, of_fund
from core.settlement.opening_statistics import kept_between, median_of
from core.texts import Texts

FUND = "employee"
WEIGHTS = {2021: 1, 2022: 2, 2023: 7}


def row(setl_id: str, institution: str, fee: str, **more: object) -> dict[str, object]:
    return {"setl_id": setl_id, "institution": institution, "fee": fee, **more}


@pytest.fixture(autouse=True)
def _nothing_kept() -> None:
    opening.forget()


def sums(cost: int, score: int, resources: int | None = None, income: int | None = None) -> Sums:
    return Sums(
        1, Fraction(cost), Fraction(score), Fraction(cost if income is None else income),
        None if resources is None else Fraction(resources),
    )  # fmt: skip


def past(year: int, **institutions: Sums) -> Past:
    return Past(year, str(year), {(FUND, code): one for code, one in institutions.items()}, {})


def test_b1_both_readings() -> None:
    """domain.md B1, scores in the place of cases: means 8,200, 8,600 and 8,500."""
    years = [past(2021, a=sums(820_000, 100)), past(2022, a=sums(1_290_000, 150)), past(2023, a=sums(1_700_000, 200))]
    found = of_fund(2024, FUND, WEIGHTS, years)
    # (1 * 820,000 + 2 * 1,290,000 + 7 * 1,700,000) / (1 * 100 + 2 * 150 + 7 * 200) = 15,300,000 / 1,800
    assert found.value == 8500
    assert found.reading("totals").cost == 15_300_000
    assert found.reading("totals").score == 1800
    # (1 * 8,200 + 2 * 8,600 + 7 * 8,500) / 10 = 84,900 / 10
    assert found.reading("means").value == 8490


def test_a_year_less_leaves_its_weight_to_the_others() -> None:
    years = [past(2022, a=sums(1_290_000, 150)), past(2023, a=sums(1_700_000, 200))]
    found = of_fund(2024, FUND, WEIGHTS, years)
    assert found.value == Fraction(2 * 1_290_000 + 7 * 1_700_000, 2 * 150 + 7 * 200)
    assert of_fund(2024, FUND, WEIGHTS, []).reading("totals").why == "no_scores"
    assert of_fund(2024, "resident", WEIGHTS, years).value is None


def test_preferred_intervals_by_hand() -> None:
    """Region: 1,000 over 10 is 100 a point, resources 400 over 10 are 40."""
    year = past(
        2023, a=sums(160, 2, 60), b=sums(180, 2, 70), c=sums(190, 2, 100), d=sums(230, 2, 80), e=sums(240, 2, 90),
    )  # fmt: skip
    found = of_fund(2024, FUND, {2023: 7}, [year])
    assert found.value == 100
    assert found.reading("band_1d").codes == ("a", "b", "c")
    assert found.reading("band_1d").value == Fraction(530, 6)
    assert found.reading("band_2d").codes == ("a", "b")  # c uses 50 a point
    assert found.reading("band_2d").value == 85  # of two points the middle: (80 + 90) / 2
    assert not found.reading("band_2d").exact
    assert found.reading("band_1d").exact
    # Income that does not cover its resources is out; who has no resource cost is out; nobody has one: said.
    poor = past(2023, **{**{c: one for (_, c), one in year.institutions.items()}, "a": sums(160, 2, 60, income=59)})
    assert of_fund(2024, FUND, {2023: 7}, [poor]).reading("band_2d").codes == ("b",)
    bare = past(2023, a=sums(160, 2), b=sums(240, 2))
    assert of_fund(2024, FUND, {2023: 7}, [bare]).reading("band_2d").why == "no_resources"
    alike = past(2023, a=sums(100, 1, 5), b=sums(100, 1, 5))
    assert of_fund(2024, FUND, {2023: 7}, [alike]).reading("band_1d").why == "none_below"


def slow_kept(pairs: list[tuple[int, int]], low: Fraction, high: Fraction) -> list[int]:
    """Fractions all the way."""
    ordered = sorted(Fraction(o, u) for o, u in pairs)

    def at(share: Fraction) -> Fraction:
        place = (len(ordered) - 1) * share
        i = math.floor(place)
        return ordered[i] if place == i else ordered[i] + (place - i) * (ordered[i + 1] - ordered[i])

    return [i for i, (o, u) in enumerate(pairs) if at(low) <= Fraction(o, u) <= at(high)]


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.integers(1, 10**11), st.integers(1, 10**9)), min_size=1, max_size=60),
    st.sampled_from([opening.TRIM, (Fraction(1, 10), Fraction(1, 2)), (Fraction(0), Fraction(1))]),
)
def test_trimming_is_exact(pairs: list[tuple[int, int]], shares: tuple[Fraction, Fraction]) -> None:
    over, under = (np.array(one, np.int64) for one in zip(*pairs, strict=True))
    assert kept_between(over, under, *shares).tolist() == slow_kept(pairs, *shares)


def test_trimming_tells_ratios_apart_that_floats_do_not() -> None:
    wide = 10**17
    pairs = [(wide, wide - 1), (wide + 1, wide), (wide - 1, wide - 2), (1, 1), (2, 1)]
    over, under = (np.array(one, np.int64) for one in zip(*pairs, strict=True))
    for shares in ((Fraction(1, 4), Fraction(1, 2)), (Fraction(1, 2), Fraction(3, 4))):
        assert kept_between(over, under, *shares).tolist() == slow_kept(pairs, *shares)


@given(st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 1000)), min_size=1, max_size=9), st.randoms())
@settings(max_examples=60, deadline=None)
def test_no_point_near_the_median_is_nearer_to_all(points: list[tuple[int, int]], chance: random.Random) -> None:
    data = [(float(x), float(y)) for x, y in points]
    x, y = median_of(data)

    def far(x: float, y: float) -> float:
        return math.fsum(math.hypot(x - a, y - b) for a, b in data)

    here = far(x, y)
    for step in (1e-3, 1e-1, 10.0):
        for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, -1)):
            assert far(x + step * dx, y + step * dy) >= here - 1e-6 * max(1.0, here)
    chance.shuffle(data)
    assert median_of(data) == (x, y)


def test_medians_known() -> None:
    assert median_of([(0.0, 0.0), (2.0, 4.0)]) == (1.0, 2.0)
    assert median_of([(0, 0), (2, 0), (2, 2), (0, 2)]) == (1.0, 1.0)
    x, y = median_of([(0, 0), (0, 0), (0, 0), (9, 9)])
    assert math.hypot(x, y) < 1e-9
    with pytest.raises(ValueError, match="no points"):
        median_of([])


# -- on a workspace ------------------------------------------------------------------------------------------------------


def history(region: Region) -> None:
    """Groups of 1 and 2 points in every year, coefficient 1; 2022 has no catalogue and cannot be scored."""
    region.institutions(("H1", "一院", 2), ("H2", "二院", 5))
    region.coefficients(("H1", "all", "base", "", "1"), ("H2", "all", "base", "", "1"))
    groups = ({"dip_code": "A", "score": "1", "mean_fee": 1_000_00}, {"dip_code": "B", "score": "2", "mean_fee": 2_000_00})
    for year in (2021, 2023, 2024):
        region.groups(*groups, version=f"v{year}", year=year)
    more = {"drug_fee": 300_00, "consumable_fee": 100_00}
    region.cases(
        row("1", "H1", "1000", group="A", day="2021-03-01", **more), row("2", "H2", "900", group="A", day="2021-04-01", **more),
        row("3", "H1", "1100", group="A", day="2022-04-01", **more),
        row("4", "H1", "2200", group="B", day="2023-02-01", **more), row("5", "H2", "1000", group="A", day="2023-02-02", **more),
        row("6", "H2", "1010", group=None, day="2023-05-02", **more),
        row("7", "H1", "1200", group="A", day="2024-01-31", booked="700", own="400", other="100"),
        row("8", "H1", "2100", group="B", day="2024-03-01", booked="1300", own="800", other="0"),
        row("9", "H2", "1000", group="A", day="2024-03-02", booked="555", own="445", other="0"),
    )  # fmt: skip
    region.special(("9", "by_item", None))


def test_one_missing_coefficient_names_whose_it_is(region: Region) -> None:
    """Two cases of 2021 have no score: the year is left out as a whole, and says for whose."""
    history(region)
    region.institutions(("H3", "三院", 5))
    region.cases(row("31", "H3", "100", group="A", day="2021-05-01"), row("32", "H3", "100", group="A", day="2021-05-02"))
    rates = opening.rates(region.workspace, 2024, packs.load("ningde-2024"), funds=(FUND,))[FUND]
    said = next(one for one in rates[1] if one.code == "opening_year_coefficients")
    assert (said.subject, said.value, said.values["institutions"], said.values["cases"]) == ("2021", "1", "H3", "2")
    for lang in ("zh", "en"):
        assert "H3" in Texts(lang).finding(said) and "{" not in Texts(lang).finding(said)
    assert opening.openings(region.workspace, 2024, packs.load("ningde-2024"))[FUND].weights == {2023: 7}
    region.coefficients(("H3", "all", "base", "", "1"))
    assert opening.openings(region.workspace, 2024, packs.load("ningde-2024"))[FUND].weights == {2021: 1, 2023: 7}


# 1 * (1000 + 900) + 7 * (2200 + 1000 + 1010) = 31,370 over 1 * 2 + 7 * 3 = 23 points
VALUE = Fraction(31_370, 23)


def test_opening_from_cases(region: Region) -> None:
    history(region)
    found = opening.openings(region.workspace, 2024, packs.load("ningde-2024"))[FUND]
    assert found.value == VALUE
    assert found.weights == {2021: 1, 2023: 7}
    assert sorted(one.code for one in found.findings) == ["opening_scoreless", "opening_year_lacking"]
    assert found.reading("means").value == (1 * Fraction(1900, 2) + 7 * Fraction(4210, 3)) / 8
    assert found.reading("trimmed").why == "none_left"  # two cases a year are both beyond the percentiles
    h2 = found.institutions["H2"]
    assert (h2.cost, h2.score, h2.resources, h2.scoreless) == (900 + 7 * 2010, 1 + 7 * 1, 400 * (1 + 7 * 2), 1)
    # Plain SQL, the second way.
    cost = region.workspace.reader().execute(
        "SELECT sum(fee * CASE year WHEN 2021 THEN 1 ELSE 7 END) FROM cases WHERE year IN (2021, 2023)"
    ).fetchone()[0]
    assert found.reading("totals").cost == Fraction(cost, 100)


def test_rates_have_the_places_of_the_pack(region: Region) -> None:
    history(region)
    pack = packs.load("ningde-2024")
    told = opening.rates(region.workspace, 2024, pack)
    assert told[FUND][0] == Fraction("1363.9130")
    assert [(one.code, one.subject) for one in told[FUND][1]] == [("opening_year_lacking", "2022")]
    assert told["resident"][0] is None
    assert opening.rates(region.workspace, 2021, pack)[FUND][0] is None


def test_kept_years_follow_the_data(region: Region) -> None:
    history(region)
    pack = packs.load("ningde-2024")
    first = opening.openings(region.workspace, 2024, pack)[FUND].value
    region.cases(row("10", "H1", "500", group="A", day="2021-06-01"))
    assert opening.openings(region.workspace, 2024, pack)[FUND].value == (31_370 + 500) / Fraction(24)
    region.workspace.ledger.undo()
    assert opening.openings(region.workspace, 2024, pack)[FUND].value == first == VALUE


def test_a_year_whose_catalogue_is_published_meanwhile_counts(region: Region) -> None:
    """Nothing of the rows changed, only that the draft of 2022 holds now: 2 * 1,100 over 2 points come in."""
    history(region)
    workspace, pack = region.workspace, packs.load("ningde-2024")
    rows = library.entries(workspace.reader(), "v2021").rows
    library.store_draft(workspace, "2022 draft", 2022, rows, method={})
    assert opening.openings(workspace, 2024, pack)[FUND].value == VALUE
    library.publish(workspace, "2022 draft")
    assert opening.openings(workspace, 2024, pack)[FUND].value == Fraction(31_370 + 2 * 1100, 23 + 2)


def test_a_months_run_is_stale_where_an_earlier_years_catalogue_comes_in(region: Region) -> None:
    """Its rate stands on it: computed again it is another, and that is nobody's doing past the ledger."""
    history(region)
    month = settle(region.workspace, "2024-03", packs.load("ningde-2024"))
    assert ("opening_year_lacking", "2022") in {(one.code, one.subject) for one in month.clearing.findings}
    assert runs.verify(region.workspace) == []
    region.groups({"dip_code": "A", "score": "1", "mean_fee": 1_000_00}, version="v2022", year=2022)
    assert [(one.code, one.values["stale"]) for one in runs.verify(region.workspace)] == [("run_stale", "data_changed")]
    region.workspace.ledger.undo()
    assert runs.verify(region.workspace) == []


def test_months_against_the_budget(region: Region) -> None:
    history(region)
    lines = [
        Line("dip_budget", 12_000_00), Line("dip_topup", 1_200_00, "2024-03-15", "追"), Line("outside_card", 1_000_00),
        Line("outside_manual", 200_00),
    ]  # fmt: skip
    budget.edit(region.workspace, 2024, FUND, [LineEdit(None, one) for one in lines], "年初")
    found = used_by_month(region.workspace, 2024, FUND, packs.load("ningde-2024"))
    rate = Fraction("1363.9130")
    assert [one.month for one in found.months] == [1, 2, 3]
    january, february, march = found.months
    assert (january.booked, january.due, january.fund) == (700, rate - 400 - 100, 10_800)
    assert (february.cases, february.booked, february.due, february.rising_booked) == (0, 0, 0, 700)
    # March: case 8 scores 2 * ... by the pack, case 9 left and is paid what was booked.
    assert (march.cases, march.booked, march.score) == (1, 1300 + 555, 2)
    assert march.due == 2 * rate - 800
    assert (march.fund, march.share, march.rising_share) == (12_000, 1000, 3000)
    assert march.rising_booked == 2555
    assert march.used == Fraction(255_500, 12_000)
    booked = region.workspace.reader().execute("SELECT sum(hifp_pay) FROM cases WHERE year = 2024").fetchone()[0]
    assert march.rising_booked == Fraction(booked, 100)
    assert found.worksheet().rows == 3


def test_months_say_what_is_lacking(region: Region) -> None:
    history(region)
    found = used_by_month(region.workspace, 2024, FUND, packs.load("ningde-2024"))
    assert [one.column for one in found.findings if one.code == "budget_month_lacks"] == ["dip_budget", "outside_card", "outside_manual"]
    assert all(one.fund is None and one.share is None and one.used is None for one in found.months)
    early = used_by_month(region.workspace, 2021, FUND, packs.load("ningde-2024"))
    assert early.rate is None
    assert all(one.due is None and one.rising_due is None for one in early.months)
    assert "budget_no_opening" in [one.code for one in early.findings]


def test_point_values_beside_each_other(region: Region) -> None:
    history(region)
    found = opening_sheets.point_values(region.workspace, 2024, packs.load("ningde-2024"), funds=(FUND,))
    assert found.settled == {}
    assert found.lacking is not None
    assert found.lacking.code == "budget_missing"
    lines = [Line("dip_budget", 12_000_00), Line("outside_card", 0), Line("outside_manual", 0)]
    budget.edit(region.workspace, 2024, FUND, [LineEdit(None, one) for one in lines], "年初")
    runs = region.workspace.reader().execute("SELECT count(*) FROM run").fetchone()
    found = opening_sheets.point_values(region.workspace, 2024, packs.load("ningde-2024"), funds=(FUND,))
    # (12,000 - 555 + 400 + 100 + 800) / 3 points
    assert found.settled[FUND] == Fraction("4248.3333")
    assert region.workspace.reader().execute("SELECT count(*) FROM run").fetchone() == runs
    sheet = opening_sheets.readings(found, FUND, "zh")
    assert list(sheet.keys) == ["totals", "means", "trimmed", "band_1d", "band_2d", "settled"]
    assert sheet.cells["settled_less"][0] == Fraction("4248.3333") - VALUE
    assert opening_sheets.years(found, FUND).rows == 2
    assert list(opening_sheets.institutions(found, FUND, "en").keys) == ["H1", "H2"]
