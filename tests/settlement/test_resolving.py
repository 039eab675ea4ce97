"""Coefficients by date, reference means by source, auxiliary factors by band: what gather resolves before any score."""

from __future__ import annotations

from fractions import Fraction

import pytest
from region import Region

from core.faults import Refused
from core.rules import packs
from core.settlement import coefficients
from core.settlement.clearing import cases_of, clear
from core.settlement.coefficients import Cell, Part, edit, on_day

PACK = "ningde-2024"


def column(region: Region, name: str, **parameters: str) -> dict[str, str]:
    """A column of the employee cases by settlement."""
    pack = packs.load(PACK, {key.replace("__", "."): value for key, value in parameters.items()})
    sheet = cases_of(region.workspace, clear(region.workspace, 2024, pack), "employee", lang="en")
    wanted = next(one for one in sheet.columns if one.id == name)
    return {str(sheet.cells["setl_id"][i]): sheet.text(i, wanted) for i in range(sheet.rows)}


def ready(region: Region) -> None:
    region.institutions(("H1", "甲", 2), ("H2", "乙", 5), ("H3", "丙", 8))
    region.coefficients(*((code, "all", "base", "", "1") for code in ("H1", "H2", "H3")))
    region.funded("employee")


def test_parts_by_date_and_fund() -> None:
    """A fund's own part wins over `all`, whichever began later; the newest that is valid counts."""
    own = [
        Part("H", "all", "base", 0, Fraction("0.9")),
        Part("H", "all", "base", 20240701, Fraction("0.95")),
        Part("H", "employee", "bonus:a", 20240301, Fraction("0.03")),
        Part("H", "all", "bonus:a", 20240601, Fraction("0.01")),
        Part("H", "all", "deduction:b", 20240901, Fraction("0.002")),
    ]
    days = (20240101, 20240301, 20240601, 20240701, 20240901)
    assert [on_day(own, "employee", day) for day in days] == [
        Fraction(v) for v in ("0.9", "0.93", "0.93", "0.98", "0.978")
    ]
    assert [on_day(own, "resident", day) for day in days] == [
        Fraction(v) for v in ("0.9", "0.9", "0.91", "0.96", "0.958")
    ]
    assert on_day(own[2:], "employee", 20241231) is None  # bonuses are no coefficient


def test_age_bands_at_their_edges(region: Region) -> None:
    ready(region)
    region.groups({"dip_code": "K35.3:g", "score": "1"}, {"dip_code": "T:g", "score": "1", "kind": "tcm"})
    bands = ("0-28d", "29d-1y", "1-6", "7-17", "66+")
    region.auxiliary(
        *(("K35.3:g", "age", band, f"1.{i + 1}") for i, band in enumerate(bands)), ("T:g", "age", "66+", "9")
    )
    born = {  # admitted on 2024-03-05
        "d0": ("2024-03-05", "1.1"),
        "d28": ("2024-02-06", "1.1"),
        "d29": ("2024-02-05", "1.2"),
        "y1-1": ("2023-03-06", "1.2"),
        "y1": ("2023-03-05", "1.3"),
        "y7-1": ("2017-03-06", "1.3"),
        "y7": ("2017-03-05", "1.4"),
        "y18-1": ("2006-03-06", "1.4"),
        "y18": ("2006-03-05", "1.0"),
        "y66-1": ("1958-03-06", "1.0"),
        "y66": ("1958-03-05", "1.5"),
    }
    told = {  # without birth
        "n5": ({"nwb_age": 5}, "1.1"),
        "n40": ({"nwb_age": 40, "age": 0}, "1.2"),
        "a70n0": ({"nwb_age": 0, "age": 70}, "1.5"),
        "a0": ({"age": 0}, "1.0"),
        "none": ({}, "1.0"),
        "a6": ({"age": 6}, "1.3"),
    }
    region.cases(
        *({"setl_id": name, "institution": "H1", "fee": "9", "brdy": day} for name, (day, _) in born.items()),
        *({"setl_id": name, "institution": "H1", "fee": "9", **more} for name, (more, _) in told.items()),
        {"setl_id": "tcm", "institution": "H1", "fee": "9", "group": "T:g", "age": 80},
    )
    wanted = {name: u for name, (_, u) in (*born.items(), *told.items())} | {"tcm": "1.0"}
    assert column(region, "u") == wanted
    clearing = clear(region.workspace, 2024, packs.load(PACK))
    assert [(f.value, f.subject) for f in clearing.findings if f.code == "age_unknown"] == [("2", "a0")]


def test_the_largest_band_that_fits(region: Region) -> None:
    ready(region)
    region.groups({"dip_code": "K35.3:g", "score": "1"}, {"dip_code": "J:g", "score": "1"})
    region.auxiliary(
        ("K35.3:g", "severity", "2", "1.4"),
        ("K35.3:g", "tumour", "3", "1.6"),
        ("K35.3:g", "icu_days", "8-14", "1.5"),
        ("K35.3:g", "cci", "1", "0.8"),
        ("K35.3:g", "age", "0-9", "7"),
    )
    detail = {
        "a": ({"asst_list_detl": "severity:2"}, "1.4"),
        "b": ({"asst_list_detl": "severity:2|tumour:3"}, "1.6"),
        "c": ({"asst_list_detl": "tumour:4；cci：1"}, "0.8"),
        "d": ({"asst_list_detl": "Severity: 2", "icu_days": 8}, "1.5"),
        "e": ({"icu_days": 15}, "1.0"),
        "f": ({"asst_list_detl": "severity:2", "group": "J:g"}, "1.0"),
        "g": ({}, "1.0"),
    }
    region.cases(
        *({"setl_id": name, "institution": "H1", "fee": "9", **more} for name, (more, _) in detail.items())
    )
    assert column(region, "u") == {name: u for name, (_, u) in detail.items()}
    clearing = clear(region.workspace, 2024, packs.load(PACK))
    assert [f.value for f in clearing.findings if f.code == "auxiliary_band_unknown"] == ["age:0-9"]


def test_reference_means_in_their_order(region: Region) -> None:
    """H1 and H2 as levels 3 and 2: given by level and fund, then for all levels; level mean; catalogue times k."""
    ready(region)
    edit(region.workspace, "imported", [Cell("H3", "all", "base", "0.333")])
    region.groups(*({"dip_code": code, "score": "1", "mean_fee": 100_001} for code in ("A", "B", "C")))
    region.reference_means(
        ("A", "3", "all", "11.00"),
        ("A", "3", "employee", "12.00"),
        ("A", "all", "all", "13.00"),
        ("A", "all", "resident", "14.00"),
        year=2023,
    )
    region.reference_means(("B", "all", "all", "99.00"), year=2022)
    # B at level 2: 15 cases of both funds and two hospitals' worth, mean 10.00 + 0.01 x 8/15 -> 10.01; at level 3 only 14.
    region.institutions(("H4", "丁", 13))
    region.coefficients(("H4", "all", "base", "", "1"))
    level_2 = [
        {
            "setl_id": f"p{i}",
            "institution": "H4" if i % 2 else "H2",
            "fee": "10.01" if i < 8 else "10.00",
            "group": "B",
            "day": "2023-05-05",
            "fund": "resident" if i % 3 else "employee",
        }
        for i in range(15)
    ]
    level_3 = [
        {"setl_id": f"q{i}", "institution": "H1", "fee": "20", "group": "B", "day": "2023-05-05"}
        for i in range(14)
    ]
    outside = [
        {
            "setl_id": "r1",
            "institution": "H1",
            "fee": "20",
            "group": "B",
            "day": "2023-05-05",
            "insu_admdvs": "110000",
        },
        {"setl_id": "r2", "institution": "H1", "fee": "20", "group": "B", "day": "2023-05-05", "scope": 1},
        {
            "setl_id": "r3",
            "institution": "H1",
            "fee": "20",
            "group": "B",
            "day": "2023-05-05",
            "vali_flag": 0,
        },
    ]
    region.cases(*level_2, *level_3, *outside)
    region.cases(
        *(
            {"setl_id": f"{group}{code}", "institution": code, "fee": "10", "group": group}
            for group in "ABC"
            for code in ("H1", "H2", "H3")
        )
    )
    assert column(region, "reference") == {
        "AH1": "12.00",
        "AH2": "13.00",
        "AH3": "13.00",
        "BH1": "1000.01",
        "BH2": "10.01",
        "BH3": "333.00",  # 1,000.01 x 0.333 = 333.00333
        "CH1": "1000.01",
        "CH2": "1000.01",
        "CH3": "333.00",
    }
    # Fewer cases are enough; the catalogue alone; none at all.
    assert column(region, "reference", reference_min_cases="14")["BH1"] == "20.00"
    assert column(region, "reference", reference="catalogue")["AH1"] == "1000.01"
    assert column(region, "reference", reference="catalogue,reference_means")["AH3"] == "333.00"


def test_disease_level_coefficient_wins_where_the_pack_says_so(region: Region) -> None:
    ready(region)
    region.groups(
        {"dip_code": "A", "score": "1", "coef_3": "1.111", "coef_2": "0.95"},
        {"dip_code": "P", "score": "1", "coef_3": "7", "primary_care": 1},
    )
    region.cases(
        *(
            {"setl_id": f"{g}{code}", "institution": code, "fee": "10", "group": g}
            for g in "AP"
            for code in ("H1", "H2", "H3")
        )
    )
    ones = dict.fromkeys(("PH1", "PH2", "PH3"), "1.000")
    assert (
        column(region, "k", disease_level_coefficient="true")
        == {"AH1": "1.111", "AH2": "0.950", "AH3": "1.000"} | ones
    )
    assert set(column(region, "k").values()) == {"1"}


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        (Cell("H9", "all", "base", "1"), "coefficient_institution_unknown"),
        (Cell("H1", "both", "base", "1"), "coefficient_fund_unknown"),
        (Cell("H1", "all", "bonus:", "1"), "coefficient_part_unknown"),
        (Cell("H1", "all", "base", "1e3"), "coefficient_unreadable"),
        (Cell("H1", "all", "base", "-1"), "coefficient_out_of_range"),
        (Cell("H1", "all", "base", "0.1234567891"), "coefficient_out_of_range"),
        (Cell("H1", "all", "base", "1", valid_from="2024-13-01"), "coefficient_day_unreadable"),
    ],
)
def test_a_bad_cell_changes_nothing(region: Region, cell: Cell, code: str) -> None:
    ready(region)
    before = coefficients.parts(region.workspace.reader(), "imported")
    with pytest.raises(Refused) as caught:
        edit(region.workspace, "imported", [Cell("H2", "all", "base", "0.5"), cell])
    assert [f.code for f in caught.value.findings] == [code]
    assert coefficients.parts(region.workspace.reader(), "imported") == before


def test_pasting_many_cells_is_one_edit_and_one_undo(region: Region) -> None:
    ready(region)
    before = coefficients.choose(region.workspace.reader())
    edit(
        region.workspace,
        "imported",
        [
            Cell("H1", "all", "base", "0.5"),
            Cell("H2", "employee", "bonus:x", "0.1", "2024-05-01", "文件"),
            Cell("H3", "all", "base", None),
        ],
    )
    after = coefficients.choose(region.workspace.reader())
    assert before is not None
    assert after is not None
    assert (after.rows, after.hash != before.hash) == (3, True)
    region.workspace.ledger.undo()
    assert coefficients.choose(region.workspace.reader()) == before


def test_the_auxiliary_catalogue_of_the_year_whatever_its_file_was_called(region: Region) -> None:
    ready(region)
    region.groups({"dip_code": "K35.3:g", "score": "1"})
    region.cases({"setl_id": "a", "institution": "H1", "fee": "9", "asst_list_detl": "severity:2"})
    assert column(region, "u") == {"a": "1"}
    region.auxiliary(("K35.3:g", "severity", "2", "1.3"), version="auxiliary")
    assert column(region, "u") == {"a": "1.3"}
    region.auxiliary(("K35.3:g", "severity", "2", "1.4"), version="other")
    with pytest.raises(Refused) as caught:
        clear(region.workspace, 2024, packs.load(PACK))
    assert [(f.code, f.value) for f in caught.value.findings] == [("auxiliary_several", "auxiliary, other")]
    region.auxiliary(("K35.3:g", "severity", "2", "1.5"), version="v2024")
    assert column(region, "u") == {"a": "1.5"}, "the catalogue's own name wins"
