"""Indicators: golden G, the published figures, each by plain SQL a second way, and workspaces that lack something."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import demo
from core.analysis import measures
from core.analysis.cases_behind import cases_behind, has_cases
from core.analysis.indicators import BYS, INDICATORS, SCOPES, Figures, figures, names_of, period_words
from core.analysis.measures import monthly, years_with_cases
from core.catalogue.library import choose
from core.faults import Refused, Usage
from core.rules import packs
from core.rules.cases import FUNDS
from core.settlement import annual, gather
from core.settlement import year as years_kept
from core.settlement.arrivals import Reading
from core.settlement.clearing import clear
from core.settlement.usual_pack import usual
from core.storage.engine import library as sqlite3
from core.storage.ledger import Change, Edit
from core.storage.workspace import Workspace
from core.texts import LANGUAGES, Texts
from tests.settlement.region import Region

F = Fraction
PACK = "ningde-2024"


def forget() -> None:
    measures.forget()
    annual.forget()
    gather.forget()


@pytest.fixture
def region(tmp_path: Path) -> Iterator[Region]:
    forget()
    made = Region(tmp_path / "region.dz")
    made.institutions(("H1", "甲", 2), ("H2", "乙", 9))
    made.groups({"dip_code": "x", "score": "0.8"}, {"dip_code": "y", "score": "2.24", "kind": "composite"})
    yield made
    made.workspace.close()


@pytest.fixture(scope="module")
def shown(demonstration_copy: Callable[[int, Path], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    forget()
    with Workspace.open(demonstration_copy(100, tmp_path_factory.mktemp("indicators"))) as workspace:
        yield workspace


def told(workspace: Workspace, *ids: str, years: tuple[int, ...] = (2024,), pack: str = "", **more: object) -> Figures:
    read = monthly(workspace, years, names_of(ids), pack=pack or None)
    return figures(read, ids, **{"by": "year", "scope": "region", **more})  # type: ignore[arg-type]


# -- by hand ---------------------------------------------------------------------------------------------------


def test_golden_g(region: Region) -> None:
    """Means x 7 days / 10,000 and y 9.5 days / 28,000; equal weight a case: a ratio of sums would be other figures."""
    region.cases(
        {"setl_id": "a", "institution": "H1", "fee": "12000", "group": "x", "act_ipt_days": 8},
        {"setl_id": "b", "institution": "H1", "fee": "9000", "group": "x", "act_ipt_days": 5},
        {"setl_id": "c", "institution": "H1", "fee": "30000", "group": "y", "act_ipt_days": 10},
        # The rest of the region brings the means to where the vector has them.
        {"setl_id": "d", "institution": "H2", "fee": "9000", "group": "x", "act_ipt_days": 8},
        {"setl_id": "e", "institution": "H2", "fee": "26000", "group": "y", "act_ipt_days": 9, "fund": "resident"},
    )
    found = told(region.workspace, "time_index", "cost_index", "cmi", scope="institution")
    at = found.keys.index("H1")
    assert round(float(found.values["time_index"][at, 0]), 6) == 0.969925
    assert round(float(found.values["cost_index"][at, 0]), 6) == 1.057143
    assert found.exact("cmi", "H1", 2024) == F(128, 100)
    exact = (F(8, 7) + F(5, 7) + F(10) / F(19, 2)) / 3
    assert abs((found.exact("time_index", "H1", 2024) or 0) - exact) < F(1, 10**10)
    assert float((F(23) / 3) / (F(14 + 19, 2) / 2)) != pytest.approx(float(exact), abs=1e-3)


def test_every_share_by_hand(region: Region) -> None:
    """Four cases of two institutions; every figure counted on the fingers."""
    region.batch(
        "operations",
        [
            {"oprn_code": "47.01", "oprn_name": "s", "attribute": "surgery", "level": "4"},
            {"oprn_code": "45.13", "oprn_name": "d", "attribute": "diagnostic", "level": "1"},
        ],
        "operation",
    )
    region.cases(
        {"setl_id": "a", "institution": "H1", "fee": "100", "own": "40", "group": "x", "oprn_code": "47.01", "drug_fee": 2000,
         "psn_ownpay": 1000, "act_ipt_days": 3, "day": "2024-01-31"},
        {"setl_id": "b", "institution": "H1", "fee": "300", "own": "60", "group": "y", "oprn_code": "45.13", "drug_fee": 9000,
         "day": "2024-02-01", "fund": "resident"},
        {"setl_id": "c", "institution": "H2", "fee": "200", "own": "0", "group": "gone", "oprn_code": "99.99", "day": "2024-04-01"},
        {"setl_id": "d", "institution": "H2", "fee": "400", "own": "100", "group": None, "consumable_fee": 10000, "day": "2024-12-31"},
        # None of these count.
        {"setl_id": "e", "institution": "H2", "fee": "999", "group": "x", "scope": 1},
        {"setl_id": "f", "institution": "H9", "fee": "999", "group": "x"},
        {"setl_id": "g", "institution": "H1", "fee": "999", "group": "x", "insu_admdvs": "440100"},
    )  # fmt: skip
    region.special(("c", "by_item", None), ("a", "rejected", None))
    found = told(region.workspace, *(id for id, one in INDICATORS.items() if one.needs == "rows" and one.way == "ratio"))
    expected = {
        "cases": F(4), "mean_cost": F(250), "burden": F(50), "burden_share": F(20), "mean_stay": F(3), "cmi": F(304, 200),
        "drug_share": F(110 * 100, 400), "consumable_share": F(25), "own_expense_share": F(10), "self_pay_share": F(30),
        "grouped_rate": F(50), "ungrouped_share": F(50), "core_share": F(25), "composite_share": F(25),
        "primary_care_share": F(0), "special_share": F(25), "surgery_share": F(100, 3), "surgery_4_share": F(100),
        "primary_level_share": F(50), "primary_level_fund_share": F((120 + 240) * 100, 60 + 180 + 120 + 240),
    }  # fmt: skip
    assert {id: found.exact(id, "region", 2024) for id in expected} == expected
    by_month = told(region.workspace, "mean_cost", by="month")
    assert [by_month.exact("mean_cost", "region", 202400 + month) for month in (1, 2, 3, 4, 12)] == [100, 300, None, 200, 400]
    by_quarter = told(region.workspace, "mean_cost", by="quarter", fund="employee")
    assert [by_quarter.exact("mean_cost", "region", 20240 + quarter) for quarter in (1, 2, 3, 4)] == [100, 200, None, 400]
    by_level = told(region.workspace, "cases", scope="level")
    assert by_level.keys == ("3", "1") and by_level.cases.tolist() == [[2], [2]]


def test_readmissions_by_hand(region: Region) -> None:
    """Across institutions and the turn of the year; on the day itself; beyond the window; nobody knows yet; no number."""

    def stay(setl_id: str, person: str | None, institution: str, came: str, left: str) -> dict[str, object]:
        return {
            "setl_id": setl_id, "person": person, "institution": institution, "fee": "100", "group": "x", "day": left,
            "adm_time": f"{came}T08:00:00", "dscg_time": f"{left}T10:00:00",
        }  # fmt: skip

    region.cases(
        stay("a", "p", "H1", "2023-12-01", "2023-12-20"),
        stay("b", "p", "H2", "2024-01-03", "2024-01-08"),  # 14 days after a
        stay("c", "p", "H2", "2024-01-08", "2024-01-09"),  # the day that b ended
        stay("d", "p", "H2", "2024-02-09", "2024-02-10"),  # 31 days after c
        stay("e", "q", "H1", "2024-01-01", "2024-02-20"),
        stay("f", None, "H1", "2024-01-01", "2024-01-05"),
        stay("g", "r", "H1", "2024-03-01", "2024-03-31"),  # the last day of the records
        stay("h", "q", "H1", "2024-03-10", "2024-03-18"),  # 19 days after e; 14 days on is 1 April
    )
    found = told(region.workspace, "readmission_14", "readmission_30", "visits_per_person", years=(2023, 2024), scope="institution")
    rows = {(id, key): [found.exact(id, key, year) for year in (2023, 2024)] for id in found.values for key in found.keys}
    assert rows["readmission_14", "H1"] == [100, 0]  # a; e, not h
    assert rows["readmission_30", "H1"] == [100, 100]  # a; e
    assert rows["readmission_14", "H2"] == [None, F(100, 3)]  # b, not c, d
    assert rows["readmission_30", "H2"] == [None, F(100, 3)]
    assert rows["visits_per_person", "H1"] == [1, F(3, 2)]  # e, h and g; f has no number
    assert rows["visits_per_person", "H2"] == [None, 3]


# -- a second way ----------------------------------------------------------------------------------------------

# Every figure of rows as sums of SQL over one case each: over, under. c is a case with its group in the year's catalogue.
SQL = {
    "cases": ("1", None), "mean_cost": ("fee / 100.0", "1"), "mean_stay": ("act_ipt_days", "act_ipt_days IS NOT NULL"),
    "burden": ("own_pay / 100.0", "1"), "burden_share": ("own_pay", "fee"), "drug_share": ("drug_fee", "iif(drug_fee IS NULL, 0, fee)"),
    "consumable_share": ("consumable_fee", "iif(consumable_fee IS NULL, 0, fee)"),
    "own_expense_share": ("psn_ownpay", "iif(psn_ownpay IS NULL, 0, fee)"),
    "self_pay_share": ("iif(psn_ownpay IS NULL, 0, own_pay - psn_ownpay)", "iif(psn_ownpay IS NULL, 0, fee)"),
    "cmi": ("iif(scored, score * iif(kind = 'bed_day', act_ipt_days, 1), 0)", "scored"),
    "grouped_rate": ("scored", "1"), "ungrouped_share": ("NOT scored", "1"),
    "core_share": ("scored AND kind = 'core' AND NOT primary_care", "1"), "composite_share": ("scored AND kind = 'composite'", "1"),
    "primary_care_share": ("scored AND primary_care", "1"),
    "time_index": ("1.0 * act_ipt_days / mean_days", "mean_days > 0 AND act_ipt_days IS NOT NULL"),
    "cost_index": ("fee / mean_fee", "mean_fee > 0"), "special_share": ("special", "1"),
    "surgery_share": ("operation IN ('surgery', 'intervention')", "1 - (op <> '' AND operation IS NULL)"),
    "surgery_4_share": (
        "operation IN ('surgery', 'intervention') AND level = '4'",
        "operation IN ('surgery', 'intervention') AND level IN ('1', '2', '3', '4')",
    ),
    "primary_level_share": ("own_level = 1", "1"), "primary_level_fund_share": ("iif(own_level = 1, hifp_pay, 0)", "hifp_pay"),
}  # fmt: skip
CASES = """
CREATE TEMP TABLE counted AS
SELECT c.*, coalesce(nullif(c.dip_dise_grp_code, ''), (SELECT g.dip_dise_grp_code FROM case_group g
        WHERE g.setl_id = c.setl_id AND coalesce(g.grp_stas, 1) <> 0), '') AS stated,
    coalesce((SELECT oprn_oprt_code FROM operation_done d WHERE d.setl_id = c.setl_id
        ORDER BY coalesce(oprn_oprt_type, 2) <> 1, ord LIMIT 1), c.oprn_code, '') AS op,
    i.county, coalesce(i.hi_setl_lv, CASE WHEN i.hosp_lv IN (1,2,3,4,12) THEN 3 WHEN i.hosp_lv IN (5,6,7,13) THEN 2 ELSE 1 END) AS own_level
FROM cases c JOIN institution i USING (fixmedins_code)
WHERE c.netting = 0 AND c.scope = 0 AND (coalesce(c.insu_admdvs, '') = '' OR substr(c.insu_admdvs, 1, 4) = '3509');
CREATE TEMP TABLE c AS
SELECT counted.*, k.kind, coalesce(k.primary_care, k.kind = 'primary_care', 0) AS primary_care, CAST(k.score AS REAL) AS score,
    coalesce(CAST(k.score AS REAL) > 0 AND (k.kind <> 'bed_day' OR act_ipt_days > 0), 0) AS scored,
    o.attribute AS operation, o.level,
    EXISTS (SELECT 1 FROM special_case s WHERE s.setl_id = counted.setl_id AND s.decision <> 'rejected') AS special,
    iif(stated = '', NULL, avg(act_ipt_days) OVER (PARTITION BY counted.year, stated)) AS mean_days,
    iif(stated = '', NULL, avg(fee) OVER (PARTITION BY counted.year, stated)) AS mean_fee
FROM counted
LEFT JOIN catalogue k ON k.dip_code = stated AND k.version = CASE counted.year {versions} END
LEFT JOIN operation o ON o.oprn_code = op;
"""
PERIOD = {"year": "year", "quarter": "year * 10 + (day / 100 % 100 + 2) / 3", "month": "day / 100"}
KEY = {"institution": "fixmedins_code", "level": "CAST(own_level AS TEXT)", "county": "county", "region": "'region'"}


def plain(workspace: Workspace) -> sqlite3.Connection:
    """A connection of its own to a copy of what the indicators read."""
    connection = sqlite3.connect(f"file:{workspace.path}?mode=ro", uri=True)
    versions = {year: choose(workspace.reader(), year) for year in years_with_cases(workspace.reader())}
    connection.executescript(CASES.format(versions=" ".join(f"WHEN {y} THEN '{v}'" for y, v in versions.items())))
    return connection


@pytest.mark.parametrize(("by", "scope", "fund"), [
    ("month", "institution", "resident"), ("quarter", "level", ""), ("year", "county", "employee"), ("year", "region", ""),
])  # fmt: skip
def test_each_by_plain_sql(shown: Workspace, by: str, scope: str, fund: str) -> None:
    years = years_with_cases(shown.reader())
    ids = [id for id in SQL if scope in INDICATORS[id].scopes]
    found = told(shown, *ids, years=years, by=by, scope=scope, fund=fund)
    connection = plain(shown)
    where = f"fund = {FUNDS.index(fund) + 1}" if fund else "1"
    checked = 0
    for id in ids:
        over, under = SQL[id]
        asked = (
            f"SELECT {KEY[scope]}, {PERIOD[by]}, sum({f'iif({under}, {over}, 0)' if 'mean_' in over else over}), sum({under or 1})"
            f" FROM c WHERE {where} GROUP BY 1, 2"
        )
        expected: dict[tuple[str, int], float] = {}
        for key, period, above, below in connection.execute(asked):
            if below:
                scale = 100 if INDICATORS[id].unit == "percent" else 1
                expected[key, period] = scale * (above or 0) / (below if under else 1)
        own = {
            (key, period): float(found.values[id][i, j])
            for i, key in enumerate(found.keys) for j, period in enumerate(found.periods)
            if not math.isnan(found.values[id][i, j]) and (id != "cases" or found.values[id][i, j])
        }  # fmt: skip
        assert own.keys() == expected.keys(), id
        assert all(math.isclose(own[at], expected[at], rel_tol=1e-9, abs_tol=1e-9) for at in own), id
        checked += len(own)
    assert checked > 20


def test_counts_of_persons_and_spreads_by_plain_sql(shown: Workspace) -> None:
    found = told(shown, "visits_per_person", "cv_low", "cv_high", scope="county")
    connection = plain(shown)
    for key in found.keys:
        settled, persons = connection.execute(
            "SELECT count(*), count(DISTINCT person) FROM c WHERE year = 2024 AND county = ? AND person <> ''", (key,)
        ).fetchone()
        assert found.exact("visits_per_person", key, 2024) == (F(settled, persons) if persons else None)
        spreads = [
            math.sqrt(max(0, square - mean * mean)) / mean
            for mean, square in connection.execute(
                "SELECT avg(fee), avg(1.0 * fee * fee) FROM c WHERE year = 2024 AND county = ? AND stated <> ''"
                " GROUP BY stated HAVING count(*) >= 15", (key,),
            )
        ]  # fmt: skip
        assert found.exact("cv_low", key, 2024) == sum(one < 0.5 for one in spreads)
        assert found.exact("cv_high", key, 2024) == sum(one > 1 for one in spreads)


def test_readmissions_by_a_slow_loop(shown: Workspace) -> None:
    years = years_with_cases(shown.reader())
    found = told(shown, "readmission_14", "readmission_30", years=years)
    rows = plain(shown).execute(
        "SELECT person, substr(adm_time, 1, 10), substr(dscg_time, 1, 10), year, julianday(substr(adm_time, 1, 10)),"
        " julianday(substr(dscg_time, 1, 10)), setl_id FROM c WHERE person <> '' AND adm_time <> ''"
    ).fetchall()  # fmt: skip
    last = max(row[5] for row in rows)
    by_person: dict[str, list[tuple[object, ...]]] = {}
    for row in rows:
        by_person.setdefault(row[0], []).append(row)
    for window in (14, 30):
        back, open_ = dict.fromkeys(years, 0), dict.fromkeys(years, 0)
        for stays in by_person.values():
            stays.sort(key=lambda row: (row[4], row[5], row[6]))
            for at, row in enumerate(stays):
                if row[5] + window > last:
                    continue
                open_[row[3]] += 1
                back[row[3]] += any(0 <= later[4] - row[5] <= window for later in stays[at + 1 :])
        assert [found.exact(f"readmission_{window}", "region", year) for year in years] == [
            F(back[year] * 100, open_[year]) for year in years
        ]


def test_scores_and_payments_are_the_clearings(shown: Workspace) -> None:
    ids = ("score", "base_score", "deviating_share", "low_share", "high_share", "accuracy", "settlement_ratio", "fund_payment_rate",
           "kept_coverage", "point_value", "score_growth", "point_value_change")  # fmt: skip
    pack = packs.load(PACK)
    cleared = {year: clear(shown, year, pack, store=False) for year in (2023, 2024)}
    for fund in FUNDS:
        now, before = cleared[2024].fund(fund), cleared[2023].fund(fund)
        found = told(shown, *ids, years=(2023, 2024), pack=PACK, fund=fund, scope="institution")
        for name in ("score", "base_score"):
            ours = [found.exact(name, one.code, 2024) or 0 for one in now.institutions]
            assert ours == list(now.values[name])
        whole = told(shown, *ids, years=(2023, 2024), pack=PACK, fund=fund)
        sums = {name: sum(values, F(0)) for name, values in now.values.items()}
        paid = sums["final"] + sums["monthly_paid"] + sums["advance"]
        assert whole.exact("point_value", "region", 2024) == now.region["point_value"]
        assert whole.exact("point_value_change", "region", 2024) == (now.region["point_value"] / before.region["point_value"] - 1) * 100
        assert whole.exact("score_growth", "region", 2024) == (sums["score"] / sum(before.values["score"]) - 1) * 100
        assert whole.exact("accuracy", "region", 2024) == sums["due"] / paid * 100
        assert whole.exact("settlement_ratio", "region", 2024) == sums["booked"] / paid * 100
        assert whole.exact("fund_payment_rate", "region", 2024) == sums["due"] / sums["booked"] * 100
        kept = sum(value > 0 for value in now.values["surplus"])
        assert whole.exact("kept_coverage", "region", 2024) == F(kept * 100, len(now.institutions))
    scored = next(one for one in reversed(annual.kept()) if one.inputs.year == 2024)
    low = [branch.id for branch in pack.case.branches].index("low")
    both = told(shown, *ids, pack=PACK)
    assert both.exact("low_share", "region", 2024) == F(int((scored.scores.branch == low).sum()) * 100, len(scored.inputs.cases))
    assert both.exact("deviating_share", "region", 2024) == sum(
        both.exact(name, "region", 2024) or 0 for name in ("low_share", "high_share")
    )


def test_the_regions_books(shown: Workspace) -> None:
    years = years_with_cases(shown.reader())
    found = told(shown, "outside_share", "fund_months", years=years, fund="employee")
    connection = plain(shown)
    for year in years:
        outside = connection.execute(
            "SELECT sum(amount) FROM budget WHERE year = ? AND fund = 'employee' AND item LIKE 'outside%'", (year,)
        ).fetchone()[0]
        booked = connection.execute("SELECT sum(hifp_pay) FROM c WHERE year = ? AND fund = 1", (year,)).fetchone()[0]
        assert found.exact("outside_share", "region", year) == F(outside * 100, outside + booked)
        spent, balance = connection.execute(
            "SELECT sum(expenditure), (SELECT balance FROM fund_month WHERE fund = 'employee' AND month = ?) FROM fund_month"
            " WHERE fund = 'employee' AND month LIKE ?", (f"{year}12", f"{year}%"),
        ).fetchone()  # fmt: skip
        assert found.exact("fund_months", "region", year) == F(balance * 12, spent)
    monthly_ = told(shown, "fund_months", years=years, fund="employee", by="month")
    assert monthly_.exact("fund_months", "region", 202112) == found.exact("fund_months", "region", 2021)
    assert monthly_.exact("fund_months", "region", 202111) is None
    assert monthly_.why["fund_months"][202111].code == "lacking_year_before"
    assert monthly_.exact("fund_months", "region", 202201) is not None


# -- published -------------------------------------------------------------------------------------------------


def published(workspace: Workspace) -> None:
    """domain.md 0 and 10 A of 2024 against 2023, as the texts print them."""
    read = monthly(workspace, (2023, 2024), names_of(("score_growth", "score", "mean_cost", "mean_stay", "burden")), pack=PACK)
    both = figures(read, ("mean_cost", "mean_stay", "burden"), by="year", scope="region")

    def shown_as(id: str, year: int) -> str:
        return f"{float(both.exact(id, 'region', year) or 0):.2f}"

    def change(id: str) -> str:
        now, before = (both.exact(id, "region", year) or F(1) for year in (2024, 2023))
        return f"{float((now / before - 1) * 100):+.2f}"

    assert [shown_as("mean_cost", 2024), change("mean_cost")] == ["6186.82", "-6.71"]
    assert [shown_as("mean_stay", 2024), change("mean_stay")] == ["6.82", "-2.15"]
    assert [shown_as("burden", 2024), shown_as("burden", 2023), change("burden")] == ["2240.32", "2615.88", "-14.36"]
    grown = {fund: figures(read, ("score_growth",), by="year", scope="institution", fund=fund) for fund in FUNDS}
    region = {fund: figures(read, ("score_growth", "score"), by="year", scope="region", fund=fund) for fund in FUNDS}
    assert [f"{float(region[fund].exact('score_growth', 'region', 2024) or 0):+.2f}" for fund in FUNDS] == ["+17.96", "+13.95"]
    pairs = {
        tuple(f"{float(grown[fund].exact('score_growth', key, 2024) or 0):+.2f}" for fund in FUNDS)
        for key in set(grown["employee"].keys) & set(grown["resident"].keys)
    }
    assert pairs >= {("+64.70", "+79.75"), ("+50.84", "+50.14"), ("+38.76", "+34.38"), ("+25.33", "+27.85"), ("+20.59", "+26.00")}


@pytest.mark.soak
def test_published_figures_at_scale_1(tmp_path: Path) -> None:
    forget()
    with demo.build(tmp_path / "one.dz", scale=1) as workspace:
        published(workspace)
        read = monthly(workspace, (2024,), ("score",), pack=PACK)
        scores = [figures(read, ("score",), by="year", scope="region", fund=fund).exact("score", "region", 2024) for fund in FUNDS]
        assert [f"{float(score or 0):.2f}" for score in scores] == ["86835.01", "369415.04"]
    forget()


def test_published_figures_at_a_small_scale(shown: Workspace) -> None:
    published(shown)


# -- what a workspace lacks ------------------------------------------------------------------------------------


def test_what_is_missing_is_empty_with_its_reason(region: Region) -> None:
    """No persons, operations, days, drug fees, budget, pack, coefficients or fund months: nothing is zero, everything says why."""
    region.cases(
        {"setl_id": "a", "institution": "H1", "fee": "100", "group": "x"},
        {"setl_id": "b", "institution": "H1", "fee": "100", "group": "x", "day": "2023-05-05"},
    )
    found = told(region.workspace, *INDICATORS, years=(2023, 2024))
    why = {id: found.why[id].get(2024) for id in INDICATORS if found.exact(id, "region", 2024) is None}
    assert {id: one.code for id, one in why.items() if one is not None} == {
        "mean_stay": "lacking_column", "time_index": "lacking_column", "drug_share": "lacking_column",
        "consumable_share": "lacking_column", "own_expense_share": "lacking_column", "self_pay_share": "lacking_column",
        "readmission_14": "lacking_persons", "readmission_30": "lacking_persons", "visits_per_person": "lacking_persons",
        "surgery_share": "lacking_operations", "surgery_4_share": "lacking_operations", "outside_share": "lacking_outside",
        "fund_months": "lacking_fund_months", "point_value": "lacking_one_fund", "point_value_change": "lacking_one_fund",
        **dict.fromkeys(
            (id for id, one in INDICATORS.items() if one.needs != "rows" and not id.startswith("point_value")), "lacking_pack"
        ),
    }  # fmt: skip
    assert all(one is not None for one in why.values())
    assert found.exact("cmi", "region", 2023) is None and found.why["cmi"][2023].code == "catalogue_missing"
    assert found.exact("special_share", "region", 2024) == 0  # nobody was decided on: that is known
    with_pack = told(region.workspace, *INDICATORS, pack=PACK, fund="employee")
    assert with_pack.why["score"][2024].code == "coefficient_missing"
    assert with_pack.why["point_value"][2024].severity == "blocked"
    for lang in LANGUAGES:
        texts = Texts(lang)
        for finding in [*(one for one in why.values() if one), with_pack.why["score"][2024]]:
            said = texts.finding(finding)
            assert "{" not in said and not said.startswith("finding.")


def test_scores_need_no_budget(region: Region) -> None:
    region.coefficients(("H1", "all", "base", "", "1.1"))
    region.cases({"setl_id": "a", "institution": "H1", "fee": "100", "group": "x"})
    found = told(region.workspace, "score", "point_value", pack=PACK, fund="employee")
    assert found.exact("score", "region", 2024) == F(88, 100)
    assert found.exact("point_value", "region", 2024) is None
    assert found.why["point_value"][2024].code == "budget_missing"


def test_an_empty_year_and_an_empty_workspace(region: Region) -> None:
    assert years_with_cases(region.workspace.reader()) == ()
    nothing = told(region.workspace, *INDICATORS, pack=PACK)
    assert all(nothing.exact(id, "region", 2024) is None for id in INDICATORS if id != "cases")
    assert nothing.cases.tolist() == [[0]]
    region.cases({"setl_id": "a", "institution": "H1", "fee": "100", "group": "x", "day": "2022-05-05"})
    assert years_with_cases(region.workspace.reader()) == (2022,)
    found = told(region.workspace, "mean_cost", years=(2022, 2023, 2024))
    assert [found.exact("mean_cost", "region", year) for year in (2022, 2023, 2024)] == [100, None, None]
    institution = told(region.workspace, "mean_cost", years=(2022,), scope="institution", by="month")
    assert institution.keys == ("H1",) and institution.periods[4] == 202205


def test_wrong_asking(region: Region) -> None:
    with pytest.raises(Usage, match="measure_unknown"):
        monthly(region.workspace, (2024,), ("nonsense",))
    with pytest.raises(Usage, match="indicator_unknown"):
        names_of(("nonsense",))
    read = monthly(region.workspace, (2024,), ("cases",))
    with pytest.raises(Usage, match="indicator_unknown"):
        figures(read, ("cases",), by="week")  # type: ignore[arg-type]
    with pytest.raises(Usage, match="institution_unlisted"):
        read.place("H9")
    with pytest.raises(Usage, match="no_cases_behind"):
        cases_behind(region.workspace, "fund_months", period=2024)
    with pytest.raises(Refused) as refused:
        cases_behind(region.workspace, "score", scope="region", period=2024)
    assert [one.code for one in refused.value.findings] == ["lacking_pack"]


# -- kept, and only while it stands ------------------------------------------------------------------------------


def test_what_is_kept_follows_the_ledger(region: Region) -> None:
    region.coefficients(("H1", "all", "base", "", "1"))
    region.cases({"setl_id": "a", "institution": "H1", "fee": "100", "group": "x"})
    ids = ("mean_cost", "score", "cmi", "surgery_share")

    def now() -> list[Fraction | None]:
        found = told(region.workspace, *ids, pack=PACK)
        return [found.exact(id, "region", 2024) for id in ids]

    assert now() == [100, F(4, 5), F(4, 5), None]
    kept = monthly(region.workspace, (2024,), ("cost",)).tables["cases"][2024]
    region.budget(("employee", "dip_budget", "5"))
    assert monthly(region.workspace, (2024,), ("cost",)).tables["cases"][2024] is kept
    region.coefficients(("H1", "all", "bonus:a", "", "1"))
    assert now() == [100, F(8, 5), F(4, 5), None]
    batch = region.cases({"setl_id": "b", "institution": "H1", "fee": "300", "group": "y", "oprn_code": "1"})
    region.batch("operations", [{"oprn_code": "1", "attribute": "surgery", "level": "2"}], "operation")
    assert now() == [200, F(8, 5) + F(448, 100), F(304, 200), 50]
    region.workspace.ledger.undo(why="试验")
    region.workspace.ledger.undo(why="试验")
    assert batch and now() == [100, F(8, 5), F(4, 5), None]


def edited(region: Region, table: str, key: dict[str, object], before: dict[str, object], after: dict[str, object]) -> None:
    region.workspace.ledger.commit(Edit("edit", table, (Change(table, key, before, after),), why="试验"))


EDITS: dict[str, tuple[str, Callable[[Region], object]]] = {
    "cases": ("mean_cost", lambda r: r.cases({"setl_id": "n", "institution": "H1", "fee": "900", "group": "x"})),
    "parts": ("drug_share", lambda r: r.cases({"setl_id": "n", "institution": "H1", "fee": "9", "group": "x", "drug_fee": 1})),
    "groups": ("cmi", lambda r: edited(r, "catalogue", {"version": "v2024", "dip_code": "x"}, {"score": "0.8"}, {"score": "0.9"})),
    "operations": (
        "surgery_share", lambda r: edited(r, "operation", {"oprn_code": "1"}, {"attribute": "diagnostic"}, {"attribute": "surgery"})
    ),
    "decisions": ("special_share", lambda r: r.special(("b", "by_item", None))),
    "persons": (
        "readmission_14",
        lambda r: r.cases({"setl_id": "n", "institution": "H2", "fee": "1", "group": "x", "person": "p", "day": "2024-03-12",
                           "adm_time": "2024-03-11", "dscg_time": "2024-03-12"}),
    ),
    "scores": ("score", lambda r: r.coefficients(("H1", "all", "bonus:a", "", "1"))),
    "scores of another group": (
        "score", lambda r: edited(r, "catalogue", {"version": "v2024", "dip_code": "x"}, {"score": "0.8"}, {"score": "0.9"})
    ),
    "clearing": ("point_value", lambda r: r.budget(("employee", "dip_topup", "77"))),
    "books": ("outside_share", lambda r: r.budget(("resident", "outside_card", "5"), ("resident", "outside_manual", "0"))),
    "register": (
        "primary_level_share", lambda r: edited(r, "institution", {"fixmedins_code": "H2"}, {"hi_setl_lv": None}, {"hi_setl_lv": 3})
    ),
}  # fmt: skip


@pytest.mark.parametrize("source", EDITS)
def test_whatever_is_kept_is_dropped_when_what_it_is_made_of_changes(region: Region, source: str) -> None:
    """Asked, edited, asked again: the same as of one who never asked before."""
    id, edit = EDITS[source]
    region.coefficients(("H1", "all", "base", "", "1"), ("H2", "all", "base", "", "1"))
    region.batch("operations", [{"oprn_code": "1", "oprn_name": "s", "attribute": "diagnostic", "level": "2"}], "operation")
    region.funded("employee")
    stay = {"person": "p", "adm_time": "2024-02-20", "dscg_time": "2024-03-01", "day": "2024-03-01"}
    region.cases(
        {"setl_id": "a", "institution": "H1", "fee": "100", "group": "x", "oprn_code": "1", "drug_fee": 1000, **stay},
        {"setl_id": "b", "institution": "H2", "fee": "300", "group": "y", "day": "2024-12-31"},
    )

    def now() -> list[Fraction | None]:
        found = told(region.workspace, id, pack=PACK, fund="employee")
        return [found.exact(id, key, 2024) for key in found.keys]

    before = now()
    edit(region)
    after = now()
    forget()
    assert after == now() and after != before
    region.workspace.ledger.undo(why="试验")
    assert now() == before


def test_a_year_in_memory_tells_what_its_rows_tell(shown: Workspace) -> None:
    """A clearing's rows stand in for a reading of the cases, and who follows persons has counted the cases."""
    names = sorted({*measures.SOURCES["cases"], *measures.SOURCES["groups"]})
    forget()
    cold = monthly(shown, (2023, 2024), names)
    measures.forget()
    read = monthly(shown, (2023, 2024), [*names, "score"], pack=PACK)
    for year in (2023, 2024):
        assert years_kept.held(shown, shown.reader(), Reading(year, shown.region, False, days=True)) is not None
    assert [one.code for one in read.institutions] == [one.code for one in cold.institutions]
    for name in names:
        assert read.values[name].tobytes() == cold.values[name].tobytes(), name
    for id in ("cv_low", "cv_high"):
        one, other = (figures(found, (id,), by="year", scope="county").values[id].tobytes() for found in (cold, read))
        assert one == other
    counted = monthly(shown, (2023, 2024), ("cases", "primary_level_cases", "followed_14"))
    assert "cases" not in counted.tables
    again = monthly(shown, (2023, 2024), ("cases", "primary_level_cases"))
    for name in ("cases", "primary_level_cases"):
        assert counted.values[name].tobytes() == again.values[name].tobytes()


def test_a_code_that_holds_the_separator_of_columns(region: Region) -> None:
    region.cases(
        {"setl_id": "a", "institution": "H1", "fee": "100", "group": "x\x1fy", "person": "p\x1fq", "day": "2024-01-31"},
        {"setl_id": "b", "institution": "H2", "fee": "300", "group": "x", "oprn_code": "1\x1f2", "day": "2024-02-29"},
    )
    found = told(region.workspace, "mean_cost", "grouped_rate", "visits_per_person")
    assert [found.exact(id, "region", 2024) for id in found.values] == [200, 50, 1]


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
@given(st.permutations(range(14)), st.integers(0, 3))
def test_the_order_of_rows_changes_nothing(tmp_path_factory: pytest.TempPathFactory, order: list[int], seed: int) -> None:
    """Bit for bit, floats included."""
    rows = [
        {"setl_id": f"s{i}", "institution": f"H{i % 3}", "fee": f"{(i * 7919 + seed * 13) % 9000 + 1}.{i % 10}7", "group": "xy"[i % 2],
         "act_ipt_days": i % 5, "person": f"p{i % 4}", "day": f"2024-0{i % 4 + 1}-1{i % 9}", "drug_fee": i * 11}
        for i in range(14)
    ]  # fmt: skip
    ids = [id for id, one in INDICATORS.items() if one.needs == "rows"]
    seen = []
    for number, listed in enumerate((range(14), order)):
        forget()
        made = Region(tmp_path_factory.mktemp("order") / f"{number}.dz")
        made.institutions(("H0", "甲", 2), ("H1", "乙", 9), ("H2", "丙", 9))
        made.groups({"dip_code": "x", "score": "0.8"}, {"dip_code": "y", "score": "2.24"})
        made.cases(*(rows[i] for i in listed))
        found = told(made.workspace, *ids, by="month", scope="institution")
        seen.append({id: found.values[id].tobytes() for id in ids})
        made.workspace.close()
    assert seen[0] == seen[1]


# -- the cases behind a figure -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("scope", "by", "period", "fund"), [
    ("institution", "year", 2024, ""), ("county", "quarter", 20242, "resident"), ("level", "month", 202411, ""),
])  # fmt: skip
def test_the_cases_behind_a_figure_are_the_figure(shown: Workspace, scope: str, by: str, period: int, fund: str) -> None:
    read = monthly(shown, (2024,), names_of(INDICATORS), pack=PACK)
    found = figures(read, list(INDICATORS), by=by, scope=scope, fund=fund)  # type: ignore[arg-type]
    key = found.keys[1]
    checked = 0
    for id, one in INDICATORS.items():
        if not has_cases(id) or scope not in one.scopes:
            continue
        sheet = cases_behind(shown, id, code=key, scope=scope, fund=fund, period=period, pack=PACK)  # type: ignore[arg-type]
        assert sheet.rows > 0 and sheet.keys is not None and len(set(sheet.keys)) == sheet.rows
        if one.way != "ratio" or one.needs == "clearing":
            continue
        over, under = (
            sum((value for value in sheet.cells[name] if value is not None), F(0)) if name in sheet.cells else F(1)
            for name in ("over", "under")
        )
        places = {column.id: column.places for column in sheet.columns}
        assert all((value * 10 ** places["over"]).denominator == 1 for value in sheet.cells["over"] if value is not None), id
        assert all(column.places >= 2 for column in sheet.columns if column.unit == "yuan"), "6,737.40 and not 6,737.4"
        exact = found.exact(id, key, period)
        assert (exact is None and not under) or over / under * (100 if one.unit == "percent" else 1) == exact, id
        checked += 1
    assert checked > 20


# -- words -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", LANGUAGES)
def test_each_indicator_has_words(lang: str) -> None:
    texts = Texts(lang)
    for id, one in INDICATORS.items():
        for part in ("title", "formula", "source"):
            assert texts.has(f"indicators.{id}.{part}"), id
        assert texts.has(f"unit.{one.unit}") and one.tag in ("V", "D")
        assert {*one.scopes} <= {*SCOPES} and one.by in BYS
    assert [period_words(period, texts) for period in (2024, 20243, 202403)] == {
        "zh": ["2024 年", "2024 年3季度", "2024 年 3 月"], "en": ["2024", "2024 Q3", "2024-03"],
    }[lang]  # fmt: skip


# -- the pack that one means -------------------------------------------------------------------------------------


def test_the_usual_pack(region: Region, tmp_path: Path) -> None:
    assert usual(region.workspace, 2024) == PACK  # by the city, and its year
    assert usual(region.workspace, 2021) == PACK
    region.coefficients(("H1", "all", "base", "", "1"))
    region.cases({"setl_id": "a", "institution": "H1", "fee": "100", "group": "x", "adm_time": None})
    region.funded("employee")
    clear(region.workspace, 2024, packs.load("national-draft-3"))
    assert usual(region.workspace, 2024) == "national-draft-3"
    assert usual(region.workspace, 2023) == "national-draft-3"  # of any year
    region.cases({"setl_id": "b", "institution": "H1", "fee": "100", "group": "x"})
    assert usual(region.workspace, 2024) == PACK  # the run no longer stands
    with Workspace.create(tmp_path / "other.dz", region="110100") as elsewhere:
        assert usual(elsewhere, 2024) == ""
