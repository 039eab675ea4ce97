"""A group's page: arithmetic written out, then every figure a second way, by plain loops over plain SQL."""

from __future__ import annotations

import random
import statistics
from collections import defaultdict
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest
from grouped_cases import Grouped

from core.analysis import group_profile, group_sheets
from core.analysis.group_year import PERCENTILES, Figures
from core.faults import Refused
from core.storage.ledger import Change, Edit
from core.texts import Texts


@pytest.fixture
def region(tmp_path: Path) -> Iterator[Grouped]:
    group_profile.forget()
    made = Grouped(tmp_path / "region.dz")
    yield made
    made.workspace.close()


def test_the_spread_of_four_fees(region: Grouped) -> None:
    """100, 200, 300, 400 yuan: mean 250; squares about it 22500 + 2500 + 2500 + 22500 over 4 = 12500, whose root is
    111.8034; 111.8034 / 250 = 0.4472. At place (4 - 1) 5 % = 0.15: 115; 0.75: 175; 1.5: 250; 2.25: 325; 2.85: 385."""
    region.version("v", 2024, {"dip_code": "A"})
    region.cases(*({"setl_id": str(fee), "group": "A", "fee": fee} for fee in (300, 100, 400, 200)))
    assert group_profile.year_figures(region.workspace, 2024) == {"A": Figures(4, 250_00, Fraction("0.4472"))}
    found = group_profile.profile(region.workspace, "A", "v")
    line = found.line(2024)
    assert line is not None and line.spread is not None
    assert (line.cases, line.total, line.mean) == (4, 1000_00, 250_00)
    assert line.spread.cv == Fraction("0.4472")
    assert line.spread.percentiles == {5: 115_00, 25: 175_00, 50: 250_00, 75: 325_00, 95: 385_00}
    assert line.spread.fees.tolist() == [100_00, 200_00, 300_00, 400_00]
    assert (line.days, line.stayed, line.drug_share, line.consumable_share) == (None, 0, None, None)


def test_a_histogram_holds_every_case(region: Grouped) -> None:
    """Nineteen fees of 10 to 28 yuan, one of 1000: the axis ends at twice the 95th percentile (76.6 yuan: at place
    18.05, 28 + 0.05 * 972), bins of 10 yuan; one case lies beyond."""
    region.version("v", 2024, {"dip_code": "A"})
    fees = [*range(10, 29), 1000]
    region.cases(*({"setl_id": str(fee), "group": "A", "fee": fee} for fee in fees))
    spread = group_profile.profile(region.workspace, "A", "v").line(2024).spread  # type: ignore[union-attr]
    assert spread is not None
    assert spread.percentiles[95] == 76_60
    assert spread.edges[:4] == (0, 10_00, 20_00, 30_00)
    assert spread.edges[-1] > 2 * 76_60
    assert (spread.counts[:4], spread.beyond) == ((0, 10, 9, 0), 1)
    assert sum(spread.counts) + spread.beyond == 20


def test_shares_are_of_the_cases_that_state_the_part(region: Grouped) -> None:
    """Drugs 30 of 100 and 90 of 300: 120 / 400; the third states none. Stays of 3 and 8 days: 5.5."""
    region.version("v", 2024, {"dip_code": "A"})
    region.cases(
        {"setl_id": "1", "group": "A", "fee": 100, "drug_fee": 30_00, "act_ipt_days": 3},
        {"setl_id": "2", "group": "A", "fee": 300, "drug_fee": 90_00},
        {"setl_id": "3", "group": "A", "fee": 600, "consumable_fee": 0, "act_ipt_days": 8},
    )
    line = group_profile.profile(region.workspace, "A", "v").line(2024)
    assert line is not None
    assert (line.drug_share, line.consumable_share) == (Fraction(3, 10), Fraction(0))
    assert (line.days, line.stayed) == (Fraction(11, 2), 2)


def test_institutions_against_the_group(region: Grouped) -> None:
    """H1: 100 and 300, mean 200; H2: 500. The group's mean is 300: two thirds, and five thirds."""
    region.version("v", 2024, {"dip_code": "A"})
    region.cases(
        {"setl_id": "1", "group": "A", "fee": 100},
        {"setl_id": "2", "group": "A", "fee": 300},
        {"setl_id": "3", "group": "A", "fee": 500, "fixmedins_code": "H2", "act_ipt_days": 4},
    )
    found = group_profile.profile(region.workspace, "A", "v").institutions
    assert [(one.code, one.name, one.level, one.cases, one.mean, one.share, one.ratio, one.days) for one in found] == [
        ("H1", "第一医院", 2, 2, 200_00, Fraction(2, 3), Fraction(2, 3), None),
        ("H2", "县医院", 6, 1, 500_00, Fraction(1, 3), Fraction(5, 3), Fraction(4)),
    ]


def test_the_past_follows_a_group_under_its_other_keys(region: Grouped) -> None:
    region.version("2022", 2022, {"dip_code": "OLD", "diag_code": "K35", "score": "0.9", "mean_fee": 500_00})
    region.version("2023", 2023, {"dip_code": "K35", "diag_code": "K35", "score": "0.95"}, {"dip_code": "X", "diag_code": "J18"})
    region.version("2024", 2024, {"dip_code": "K35", "diag_code": "K35", "score": "1.1"})
    region.cases({"setl_id": "1", "group": "OLD", "fee": 100, "day": "2022-05-05"})
    region.cases({"setl_id": "2", "group": "K35", "fee": 200, "day": "2023-05-05"})
    region.cases({"setl_id": "3", "group": "K35", "fee": 300}, {"setl_id": "4", "group": "OLD", "fee": 999})
    found = group_profile.profile(region.workspace, "K35", "2024")
    told = [(one.version, [row.dip_code for row in one.entries], one.change, one.by) for one in found.history]
    assert told == [
        ("2022", ["OLD"], "renumbered", "definition"),
        ("2023", ["K35"], "rescored", "key"),
        ("2024", ["K35"], "here", ""),
    ]
    assert [(line.year, line.codes, line.cases, line.mean) for line in found.years] == [
        (2022, ("OLD",), 1, 100_00),
        (2023, ("K35",), 1, 200_00),
        (2024, ("K35",), 1, 300_00),
    ]
    assert found.year == 2024
    back = group_profile.profile(region.workspace, "OLD", "2022")
    assert [(one.version, one.change) for one in back.history] == [("2022", "here"), ("2023", "renumbered"), ("2024", "renumbered")]
    gone = group_profile.profile(region.workspace, "X", "2023")
    assert [(one.version, one.change, one.entries) for one in gone.history][::2] == [("2022", "new", ()), ("2024", "gone", ())]


def test_bands_count_the_cases_that_they_fit(region: Grouped) -> None:
    """Case 1 is 70 years old and five days in intensive care: both fit, the larger factor is taken."""
    region.version("v", 2024, {"dip_code": "A"}, {"dip_code": "T", "kind": "tcm"})
    region.put(
        "auxiliary",
        "auxiliary",
        [
            {"version": "v", "year": 2024, "dip_code": code, "type": kind, "band": band, "factor": factor, "mean_fee": mean}
            for code, kind, band, factor, mean in (
                ("A", "age", "66+", "1.2", None),
                ("A", "icu_days", "2-7", "1.5", 900_00),
                ("A", "severity", "2", "1.1", None),
                ("A", "age", "1-6", "1.3", None),
                ("T", "age", "66+", "1.2", None),
            )
        ],
    )
    region.cases(
        {"setl_id": "1", "group": "A", "fee": 100, "age": 70, "icu_days": 5},
        {"setl_id": "2", "group": "A", "fee": 200, "age": 80, "icu_days": 1},
        {"setl_id": "3", "group": "A", "fee": 300, "age": 30, "asst_list_detl": "severity:2|cci:1"},
        {"setl_id": "4", "group": "A", "fee": 400, "age": 30},
        {"setl_id": "5", "group": "T", "fee": 400, "age": 70},
    )
    bands = group_profile.profile(region.workspace, "A", "v").bands
    assert [(one.band.type, one.band.band, one.cases, one.taken, one.mean) for one in bands] == [
        ("age", "1-6", 0, 0, None),
        ("age", "66+", 2, 1, 150_00),
        ("icu_days", "2-7", 1, 1, 100_00),
        ("severity", "2", 1, 1, 300_00),
    ]
    tcm = group_profile.profile(region.workspace, "T", "v").bands
    assert [(one.cases, one.taken) for one in tcm] == [(1, 0)]  # it takes no factor


def test_the_cases_themselves(region: Grouped) -> None:
    region.version("v", 2024, {"dip_code": "A"})
    region.cases(
        {"setl_id": "B2", "group": "A", "fee": 100, "fixmedins_code": "H2", "diag_name": "急性阑尾炎", "oprn_code": "47.0100", "oth_oprn_codes": "54.2100|38.9300", "act_ipt_days": 5},
        {"setl_id": "C", "group": "B", "fee": 100},
        {"setl_id": "A9", "group": "A", "fee": 1, "fixmedins_code": "H2"},
        {"setl_id": "B1", "group": None, "fee": 250, "day": "2024-12-31"},
        file="cases-2024.csv",
    )  # fmt: skip
    region.put("groups", "case_group", [{"setl_id": "B1", "grp_stas": 1, "dip_dise_grp_code": "A"}])
    region.put("operations_done", "operation_done", [
        {"setl_id": "B1", "ord": 1, "oprn_oprt_type": 2, "oprn_oprt_code": "38.9300"},
        {"setl_id": "B1", "ord": 2, "oprn_oprt_type": 1, "oprn_oprt_code": "47.0901"},
    ])  # fmt: skip
    sheet = group_profile.cases(region.workspace, "A", 2024)
    assert [[sheet.text(row, column) for column in sheet.columns] for row in range(sheet.rows)] == [
        ["B1", "H1", "第一医院", "2024-12-31", "K35.300", "", "47.0901|38.9300", "250.00", "", "", "", "A", "cases-2024.csv", "5"],
        ["A9", "H2", "县医院", "2024-03-05", "K35.300", "", "", "1.00", "", "", "", "A", "cases-2024.csv", "4"],
        ["B2", "H2", "县医院", "2024-03-05", "K35.300", "急性阑尾炎", "47.0100|54.2100|38.9300", "100.00", "5", "", "", "A", "cases-2024.csv", "2"],
    ]  # fmt: skip
    assert sheet.totals["fee"] == 351_00
    assert list(sheet.keys) == ["B1", "A9", "B2"]  # type: ignore[arg-type]
    assert group_profile.cases(region.workspace, ("A", "B"), 2024).rows == 4
    assert group_profile.cases(region.workspace, "A", 2023).rows == 0
    assert group_profile.cases(region.workspace, "nothing", 2024).rows == 0


def test_a_group_without_cases_still_has_its_page(region: Grouped) -> None:
    region.version("v", 2024, {"dip_code": "A"})
    found = group_profile.profile(region.workspace, "A", "v")
    assert (found.year, found.years, found.institutions, found.bands) == (2024, (), (), ())
    region.cases({"setl_id": "1", "group": "B", "fee": 10, "day": "2021-01-01"})
    found = group_profile.profile(region.workspace, "A", "v")
    assert [(line.year, line.cases, line.mean, line.spread) for line in found.years] == [(2021, 0, None, None)]
    for sheet in group_sheets.worksheets(found, Texts("zh")).values():
        assert all(column.title["zh"] and "catalogue." not in column.title["zh"] for column in sheet.columns)


def test_what_there_is_not_is_refused(region: Grouped) -> None:
    region.version("v", 2024, {"dip_code": "A"})
    with pytest.raises(Refused) as unknown:
        group_profile.profile(region.workspace, "Z", "v")
    assert unknown.value.code == "group_unknown"
    with pytest.raises(Refused) as missing:
        group_profile.profile(region.workspace, "A", "w")
    assert missing.value.code == "catalogue_unknown"


def test_what_is_kept_ends_with_the_ledger_line(region: Grouped) -> None:
    region.version("v", 2024, {"dip_code": "A"})
    region.cases({"setl_id": "1", "group": "A", "fee": 100})
    first = group_profile.year_figures(region.workspace, 2024)
    assert group_profile.year_figures(region.workspace, 2024) is first
    region.cases({"setl_id": "2", "group": "A", "fee": 300})
    assert group_profile.year_figures(region.workspace, 2024)["A"].cases == 2
    key = {"version": "v", "dip_code": "A"}
    region.workspace.ledger.commit(Edit("edit", "v", (Change("catalogue", key, {"score": "1"}, {"score": "2"}),)))
    assert group_profile.profile(region.workspace, "A", "v").entry.score == 2


# -- a second way


def counted(region: Grouped, year: int) -> dict[str, list[tuple[str, int]]]:
    """Group -> (settlement, fee) of the cases that count, one row at a time."""
    reader = region.workspace.reader()
    registered = {code for (code,) in reader.execute("SELECT fixmedins_code FROM institution")}
    beside = {
        setl_id: group
        for setl_id, group, status in reader.execute("SELECT setl_id, dip_dise_grp_code, grp_stas FROM case_group")
        if status != 0
    }
    found: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for setl_id, own, fee, scope, netting, area, institution in reader.execute(
        "SELECT setl_id, dip_dise_grp_code, fee, scope, netting, insu_admdvs, fixmedins_code FROM cases WHERE year = ?", (year,)
    ):
        group = own or beside.get(setl_id)
        at_home = not area or area.startswith(region.workspace.region[:4])
        if group and scope == 0 and netting == 0 and at_home and institution in registered:
            found[group].append((setl_id, fee))
    return found


@pytest.mark.parametrize("seed", range(3))
def test_every_figure_a_second_way(region: Grouped, seed: int) -> None:
    chance = random.Random(seed)
    groups = [f"G{number:02d}" for number in range(12)]
    region.version("v", 2024, *({"dip_code": code} for code in groups))
    rows = [
        {
            "setl_id": f"S{number:05d}", "fee": chance.choice([0, 7, chance.randrange(1, 90_000)]),
            "group": chance.choice([None, "", *groups, *groups]), "fixmedins_code": chance.choice(["H1", "H2", "H3", "H9"]),
            "insu_admdvs": chance.choice(["350902", "350981", "", None, "351002", "110101"]),
            "scope": chance.choice([0, 0, 0, 1, 3]), "netting": chance.choice([0, 0, 0, 0, 1, 5]),
            "day": chance.choice(["2024-02-29", "2023-12-31"]), "act_ipt_days": chance.choice([None, 0, 4, 30]),
        }
        for number in range(1500)
    ]  # fmt: skip
    region.cases(*rows)
    region.put("groups", "case_group", [
        {"setl_id": f"S{number:05d}", "grp_stas": chance.choice([0, 1, None]), "dip_dise_grp_code": chance.choice([*groups, "", None])}
        for number in range(0, 1500, 3)
    ])  # fmt: skip
    for year in (2023, 2024):
        expected = counted(region, year)
        figures = group_profile.year_figures(region.workspace, year)
        assert set(figures) == set(expected)
        for code, found in expected.items():
            fees = [fee for _, fee in found]
            mean = statistics.fmean(fees)
            assert figures[code].cases == len(fees)
            assert abs(figures[code].mean - mean) <= Fraction(1, 2)
            if mean:
                assert float(figures[code].cv or 0) == pytest.approx(statistics.pstdev(fees) / mean, abs=5.1e-5)
            else:
                assert figures[code].cv is None
            line = group_profile.profile(region.workspace, code, "v").line(year)
            assert line is not None and line.spread is not None
            assert (line.cases, line.total) == (len(fees), sum(fees))
            if len(fees) > 1:
                cuts = statistics.quantiles(fees, n=100, method="inclusive")
                for share in PERCENTILES:
                    assert abs(line.spread.percentiles[share] - cuts[share - 1]) <= 0.5 + 1e-6
            assert sum(line.spread.counts) + line.spread.beyond == len(fees)
            for low, high, count in zip(line.spread.edges, line.spread.edges[1:], line.spread.counts, strict=False):
                assert sum(low <= fee < high for fee in fees) == count
            sheet = group_profile.cases(region.workspace, code, year)
            assert sorted(sheet.cells["setl_id"].tolist()) == sorted(setl_id for setl_id, _ in found)
            assert sheet.totals["fee"] == sum(fees)


def test_the_order_of_import_does_not_matter(tmp_path: Path) -> None:
    rows = [{"setl_id": f"S{number}", "group": "AB"[number % 2], "fee": number * 37 % 101, "fixmedins_code": f"H{number % 3 + 1}"} for number in range(60)]
    told = []
    for name, order in (("a", rows), ("b", rows[::-1])):
        group_profile.forget()
        made = Grouped(tmp_path / f"{name}.dz")
        made.version("v", 2024, {"dip_code": "A"}, {"dip_code": "B"})
        made.cases(*order)
        found = group_profile.profile(made.workspace, "A", "v")
        sheet = group_profile.cases(made.workspace, "A", 2024)
        told.append((found.years, found.institutions, sheet.cells["setl_id"].tolist()))
        made.workspace.close()
    assert told[0] == told[1]
