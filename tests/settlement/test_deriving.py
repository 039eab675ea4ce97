"""Derivation beside a slow, obvious loop, in any order of rows, twice to the byte; and what becomes of hospitals that have nothing."""

from __future__ import annotations

import random
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from region import Region

from core.catalogue.history import history
from core.faults import Cancelled, Refused
from core.money import plain, rounded
from core.progress import Silent
from core.rules import packs
from core.rules.deriving import rule_of
from core.settlement import coefficients, derive_working
from core.settlement.deriving import derive, store
from core.texts import LANGUAGES, Texts

NATIONAL, NINGDE = "national-draft-3", "ningde-2024"
HOSPITALS = (("H1", "甲", 2), ("H2", "乙", 3), ("H3", "丙", 6), ("H4", "丁", 13), ("H5", "戊", 9), ("H6", "己", 11))
LEVEL = {"H1": 3, "H2": 3, "H3": 2, "H4": 2, "H5": 1, "H6": 1}
GRADE = {"H1": 2, "H2": 3, "H3": 6, "H4": 6, "H5": 9, "H6": 9}  # undetermined ones as B
YEARS = (2021, 2022, 2023)
SCORES = {"A": Fraction("1.5"), "B": Fraction("0.8"), "C": Fraction("0.4")}  # C by the day


def catalogues(region: Region) -> None:
    for year in YEARS:
        region.groups(
            {"dip_code": "A", "score": "1.5"}, {"dip_code": "B", "score": "0.8"},
            {"dip_code": "C", "score": "0.4", "kind": "bed_day"}, version=f"v{year}", year=year,
        )  # fmt: skip


def some_cases(seed: int, count: int = 120) -> list[dict[str, object]]:
    draw = random.Random(seed)
    rows: list[dict[str, object]] = []
    for i in range(count):
        year = draw.choice(YEARS)
        row: dict[str, object] = {
            "setl_id": f"S{i}", "institution": draw.choice([*LEVEL, "H9"]), "fee": f"{draw.randint(100, 99999)}.{draw.randint(0, 99):02}",
            "group": draw.choice(["A", "B", "C", "Z", None]), "fund": draw.choice(["employee", "resident", ""]),
            "day": f"{year}-0{draw.randint(1, 9)}-11", "act_ipt_days": draw.choice([None, 0, 3, 9]),
        }  # fmt: skip
        row["med_type"] = draw.choice([None, 21, 21, 21, 11])
        row["hi_paymtd"] = 3
        row["insu_admdvs"] = draw.choice(["350902", "350902", "440100"])
        rows.append(row)
    return rows


def counted(row: dict[str, object], scope: str) -> bool:
    if row["med_type"] == 11 or row["institution"] == "H9":
        return False
    return scope == "all" or row["insu_admdvs"] == "350902"


def by_loop(rows: list[dict[str, object]], alike: dict[str, int], weights: tuple[int, ...], scope: str, score: bool, totals: bool) -> dict[str, str]:
    """Every hospital's coefficient, one case after the other."""

    def figures(codes: set[str]) -> list[tuple[Fraction, int]]:
        found = []
        for year in range(2024 - len(weights), 2024):
            above, below = Fraction(0), 0
            for row in rows:
                if str(row["day"])[:4] != str(year) or row["institution"] not in codes or not counted(row, scope):
                    continue
                if not score:
                    above, below = above + Fraction(str(row["fee"])), below + 1
                elif row["group"] in ("A", "B"):
                    above, below = above + SCORES[str(row["group"])], below + 1
                elif row["group"] == "C" and row["act_ipt_days"]:
                    above, below = above + SCORES["C"] * int(str(row["act_ipt_days"])), below + 1
            found.append((above, below))
        return found

    def value(codes: set[str]) -> Fraction | None:
        there = [(w, above, below) for w, (above, below) in zip(weights, figures(codes), strict=True) if below and w]
        if not there:
            return None
        if totals:
            return sum((w * a for w, a, _ in there), Fraction(0)) / sum(w * b for w, _, b in there)
        return sum((w * a / b for w, a, b in there), Fraction(0)) / sum(w for w, _, _ in there)

    city = value(set(alike))
    result: dict[str, str] = {}
    for code, kind in alike.items():
        own = value({other for other, of in alike.items() if of == kind})
        if own is not None and city:
            result[code] = plain(rounded(own / city, 4))
    return result


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10_000), totals=st.booleans())
def test_means_equal_a_slow_loop_in_any_order_of_rows(tmp_path_factory: pytest.TempPathFactory, seed: int, totals: bool) -> None:
    rows = some_cases(seed)
    shuffled = rows[:]
    random.Random(seed + 1).shuffle(shuffled)
    found = []
    weighting = "totals" if totals else "means"
    for place, order in enumerate((rows, shuffled)):
        region = Region(tmp_path_factory.mktemp("derive") / f"{place}.dz")
        try:
            region.institutions(*(HOSPITALS if place == 0 else HOSPITALS[::-1]))
            catalogues(region)
            region.cases(*order)
            for pack, alike, weights, scope in (
                (NATIONAL, LEVEL, (1, 2, 7), "all"), (NINGDE, GRADE, (1,), "settled"), (NINGDE, GRADE, (0, 3, 2), "settled"),
            ):  # fmt: skip
                loaded = packs.load(pack)
                text = " ".join(map(str, weights))
                rule = rule_of(loaded, {"weights": text, "weighting": weighting})
                derived = derive(region.workspace, loaded, 2024, rule=rule)
                got = {cell.code: cell.value for cell in derived.cells}
                wanted = by_loop(rows, alike, weights, scope, pack == NINGDE, totals)
                assert got == wanted
                found.append((place, derived.cells, tuple(derived.findings)))
        finally:
            region.workspace.close()
    half = len(found) // 2
    assert [one[1:] for one in found[:half]] == [one[1:] for one in found[half:]]


def test_figures_close_with_the_history_of_disease_scores(region: Region) -> None:
    region.institutions(*HOSPITALS)
    catalogues(region)
    region.cases(*some_cases(5, 300))
    pack = packs.load(NATIONAL)
    for scope in ("all", "settled"):
        derived = derive(region.workspace, pack, 2024, rule=rule_of(pack, {"scope": scope}))
        past = history(region.workspace, YEARS, scope=scope, ids=True)
        assert derived.figures is not None
        strays = sum(  # of hospitals that are not registered: they count for diseases, never for a hospital
            1 for row in some_cases(5, 300) if row["institution"] == "H9" and row["med_type"] != 11
        ) if scope == "all" else 0  # fmt: skip
        assert derived.figures.used == len(past) - strays
        assert derived.figures.read == sum(past.rows)


def test_two_readings_of_the_weights_by_hand(region: Region) -> None:
    """Vector B1: (100, 8,200), (150, 8,600), (200, 8,500): 8,490 by means, 8,500 by totals; the city has level 2 beside it."""
    region.institutions(("H1", "甲", 2), ("H3", "丙", 6))
    rows: list[dict[str, object]] = []
    for year, count, fee in ((2021, 100, "8200.00"), (2022, 150, "8600.00"), (2023, 200, "8500.00")):
        rows += [{"setl_id": f"{year}-{i}", "institution": "H1", "fee": fee, "day": f"{year}-03-01"} for i in range(count)]
        rows.append({"setl_id": f"{year}-x", "institution": "H3", "fee": "1000.00", "day": f"{year}-03-01"})
    region.cases(*rows)
    pack = packs.load(NATIONAL)
    for weighting, wanted in (("means", 849000), ("totals", 850000)):
        derived = derive(region.workspace, pack, 2024, rule=rule_of(pack, {"weighting": weighting}))
        own = derived.working["H1", "all"].pieces[0].own
        assert own is not None
        assert own.value == wanted


def test_years_without_cases(region: Region) -> None:
    region.institutions(("H1", "甲", 2), ("H3", "丙", 6))
    region.cases(
        {"setl_id": "a", "institution": "H1", "fee": "200.00", "day": "2023-03-01"},
        {"setl_id": "b", "institution": "H3", "fee": "100.00", "day": "2023-03-01"},
    )
    pack = packs.load(NATIONAL)
    assert [cell.value for cell in derive(region.workspace, pack, 2024).cells] == ["1.3333", "0.6667"]
    dropped = derive(region.workspace, pack, 2024, rule=rule_of(pack, {"zero_years": "drop"}))
    assert dropped.cells == ()
    assert [one.code for one in dropped.findings if one.severity == "warning"] == ["derive_no_own"] * 2
    with pytest.raises(Refused, match="derive_no_cases"):
        derive(region.workspace, pack, 2020)


def test_each_fund_its_own(region: Region) -> None:
    region.institutions(("H1", "甲", 2), ("H3", "丙", 6))
    region.cases(*(
        {"setl_id": f"{fund}{code}", "institution": code, "fee": fee, "fund": fund, "day": "2023-03-01"}
        for fund, code, fee in (
            ("employee", "H1", "300.00"), ("employee", "H3", "100.00"), ("resident", "H1", "120.00"), ("resident", "H3", "120.00"),
        )
    ))  # fmt: skip
    pack = packs.load(NATIONAL)
    derived = derive(region.workspace, pack, 2024, rule=rule_of(pack, {"funds": "each"}))
    assert [(cell.code, cell.fund, cell.value) for cell in derived.cells] == [
        ("H1", "employee", "1.5"), ("H1", "resident", "1"), ("H3", "employee", "0.5"), ("H3", "resident", "1"),
    ]  # fmt: skip


def test_undetermined_grades_count_as_grade_b_and_that_is_said(region: Region) -> None:
    region.institutions(*HOSPITALS)
    catalogues(region)
    region.cases(*some_cases(3))
    derived = derive(region.workspace, packs.load(NINGDE), 2024)
    values = {cell.code: cell.value for cell in derived.cells}
    assert values["H3"] == values["H4"]
    assert values["H5"] == values["H6"]
    assert "derive_undetermined" in {one.code for one in derived.findings}
    assert any("按二级乙等测算" in line for line in derive_working.words(derived, ("H4", "all"), Texts("zh")))
    own = derive(region.workspace, packs.load(NINGDE), 2024, rule=rule_of(packs.load(NINGDE), {"undetermined": "own"}))
    assert "derive_undetermined" not in {one.code for one in own.findings}


def test_the_table_is_tagged_secondary_wherever_it_shows(region: Region) -> None:
    region.institutions(
        ("H1", "梅州人民医院", 2), ("H2", "某三乙医院", 3), ("H3", "某县人民医院", 5), ("H4", "某精神专科医院", 6), ("H5", "某镇中心卫生院", 9),
        ("H6", "某镇卫生院", 9), ("H7", "某社区卫生服务中心", 14), ("H8", "某康复医院", 11),
    )  # fmt: skip
    derived = derive(region.workspace, packs.load("meizhou-2025"), 2025)
    assert {cell.code: cell.value for cell in derived.cells} == {
        "H1": "1", "H2": "0.944", "H3": "0.889", "H4": "0.828", "H5": "0.777", "H6": "0.677",
    }  # fmt: skip
    assert {one.subject for one in derived.findings if one.code == "derive_no_row"} == {"H7", "H8"}
    assert all("[S]" in cell.basis for cell in derived.cells)
    assert any(one.code == "derive_evidence" and one.severity == "warning" for one in derived.findings)
    sheet = derive_working.sheet(derived)
    assert {column.tag for column in sheet.columns if column.kind == "exact"} == {"S"}
    assert set(sheet.cells["evidence"].tolist()) == {"S"}
    for lang in LANGUAGES:
        assert any("[S]" in line for line in derive_working.words(derived, ("H1", "all"), Texts(lang)))
    store(region.workspace, derived, "梅州")
    assert all("[S]" in part.basis for part in coefficients.parts(region.workspace.reader(), "梅州"))


def test_cases_with_an_age_auxiliary_leave_the_shares(region: Region) -> None:
    region.institutions(("H1", "甲", 2), ("H2", "乙", 3))
    region.groups({"dip_code": "A", "score": "1"}, {"dip_code": "B", "score": "1"}, version="v2023", year=2023)
    region.batch("auxiliary", [
        {"version": "v2023", "year": 2023, "dip_code": "B", "type": "age", "band": "1-6", "factor": "1.2"}
    ], "auxiliary")  # fmt: skip
    rows = [("H1", "A", 3), ("H1", "B", 4), ("H1", "B", 40), ("H1", "A", 40), ("H2", "A", 3), ("H2", "A", 80), ("H2", "A", 40), ("H2", "A", 41)]
    region.cases(*(
        {"setl_id": f"S{i}", "institution": code, "fee": "100.00", "group": group, "age": age, "day": "2023-03-01", "tcm_fee": 100}
        for i, (code, group, age) in enumerate(rows)
    ))  # fmt: skip
    pack = packs.load("xiamen-2024")
    young = derive(region.workspace, pack, 2024).working["H1", "all"].pieces[2]
    assert young.own is not None
    assert young.mean is not None
    assert (young.own.value, young.mean.value) == (Fraction(1, 3), Fraction(1, 4))
    counted_all = derive(region.workspace, pack, 2024, rule=rule_of(pack, {"age_auxiliary": "counted"}))
    own = counted_all.working["H1", "all"].pieces[2].own
    assert own is not None
    assert own.value == Fraction(2, 4)


def test_without_grade_b_hospitals_a_step_is_not_derived_and_said(region: Region) -> None:
    region.institutions(("H1", "甲", 2), ("H5", "戊", 9))
    region.groups({"dip_code": "A", "score": "1"}, version="v2023", year=2023)
    region.cases(
        {"setl_id": "a", "institution": "H1", "fee": "100.00", "group": "A", "day": "2023-03-01", "age": 5, "tcm_fee": 1},
        {"setl_id": "b", "institution": "H5", "fee": "100.00", "group": "A", "day": "2023-03-01", "age": 5},
    )
    derived = derive(region.workspace, packs.load("xiamen-2024"), 2024)
    assert derived.working["H1", "all"].total is None
    assert {cell.part for cell in derived.cells if cell.code == "H1"} == {"base"}
    assert [one.column for one in derived.findings if one.code == "derive_no_mean"] == [
        "bonus:CMI", "bonus:6岁及以下占比", "bonus:70岁及以上占比", "bonus:中医费用占比",
    ]  # fmt: skip
    for lang in LANGUAGES:
        assert len(derive_working.words(derived, ("H1", "all"), Texts(lang))) > 10
        assert all("{" not in Texts(lang).finding(one) for one in derived.findings)


def test_stored_once_it_is_one_undo_and_twice_it_is_nothing_new(region: Region) -> None:
    region.institutions(*HOSPITALS)
    catalogues(region)
    region.cases(*some_cases(8))
    region.coefficients(
        ("H1", "all", "base", "", "1"), ("H1", "employee", "base", "2023-01-01", "1.1"), ("H1", "all", "base", "2024-07-01", "1.3"),
        ("H1", "all", "base", "2025-01-01", "1.4"), ("H1", "all", "bonus:专科", "", "0.02"),
    )  # fmt: skip
    workspace = region.workspace
    coefficients.publish(workspace, "imported", "定稿")
    derived = derive(workspace, packs.load(NATIONAL), 2024)
    store(workspace, derived, "试算")
    after = coefficients.parts(workspace.reader(), "试算")
    value = {cell.code: Fraction(str(cell.value)) for cell in derived.cells}["H1"]
    for fund in ("employee", "resident"):
        line = coefficients.timelines(after, fund)["H1"]
        assert [line.at(day) for day in (20231231, 20240101, 20241231)] == [
            Fraction("1.12") if fund == "employee" else Fraction("1.02"), value + Fraction("0.02"), value + Fraction("0.02"),
        ]  # fmt: skip
    assert coefficients.timelines(after, "resident")["H1"].at(20250101) == Fraction("1.42"), "another year's value stays"
    again = derive(workspace, packs.load(NATIONAL), 2024)
    assert (again.cells, again.findings) == (derived.cells, derived.findings)
    with pytest.raises(Refused, match="nothing_changed"):
        store(workspace, again, "试算")
    with pytest.raises(Refused, match="nothing_changed"):
        store(workspace, again, "试算", based_on="定稿")  # what it was made from
    for other in ("imported", "没有的"):
        with pytest.raises(Refused, match="set_exists"):
            store(workspace, again, "试算", based_on=other)
    workspace.ledger.undo()
    assert coefficients.content_hash(coefficients.parts(workspace.reader(), "试算")) == coefficients.content_hash(
        coefficients.parts(workspace.reader(), "定稿")
    )


def test_cancelled_it_stores_nothing(region: Region) -> None:
    class Impatient(Silent):
        cancelled = True

    region.institutions(*HOSPITALS)
    region.cases(*some_cases(8))
    with pytest.raises(Cancelled):
        derive(region.workspace, packs.load(NATIONAL), 2024, Impatient())
    assert [one.rows for one in coefficients.sets(region.workspace.reader())] == [0]  # the empty set that imports go into


def test_limits_of_the_pack_refuse_what_was_derived(region: Region, tmp_path: Path) -> None:
    region.institutions(("H1", "甲", 2), ("H3", "丙", 6))
    region.cases(
        {"setl_id": "a", "institution": "H1", "fee": "300.00", "day": "2023-03-01"},
        {"setl_id": "b", "institution": "H3", "fee": "100.00", "day": "2023-03-01"},
    )
    path = tmp_path / "city.toml"
    path.write_text(
        '[pack]\nid = "city"\nextends = "national-draft-3"\ntitle = { zh = "市", en = "City" }\n'
        '[coefficients]\n[[coefficients.limit]]\npart = "base"\nmin = 0.6\nmax = 1.6\n',
        "utf-8",
    )
    derived = derive(region.workspace, packs.load(path), 2024)  # 1.5 and 0.5
    assert [(one.subject, one.severity) for one in derived.findings if one.code == "coefficient_outside"] == [("H3", "refused")]
    with pytest.raises(Refused, match="cells_refused"):
        store(region.workspace, derived, "试算")
    assert [one.name for one in coefficients.sets(region.workspace.reader())] == ["imported"]
