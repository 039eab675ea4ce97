"""Planted differences: each is named with its exact amount, and nothing is left unexplained; what is unknown stays so.

The official sheets come from `bureau`, a clearing by other arithmetic; the amounts expected are the two clearings' own
difference, worked out there once without and once with the plant.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import bureau
import pytest
from bureau import Result, Rule, Told, changed, town
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from region import Region

from core.faults import Refused
from core.intake.load import import_file
from core.rules import packs
from core.settlement import annual, gather, reconcile_sheets
from core.settlement.causes import CAUSES
from core.settlement.reconcile import Reconciliation, reconcile
from core.texts import Texts

F = Fraction


def reconciled(region: Region, **more: object) -> Reconciliation:
    return reconcile(region.workspace, 2024, packs.load("ningde-2024"), **more)


def closes(found: Reconciliation) -> None:
    """Every difference is the sum of its parts, of every step, institution, case, and the region."""
    for one in found.bridges:
        for step in one.official:
            for i in range(len(one.codes)):
                difference = one.difference(step, i)
                if difference is not None:
                    assert sum(one.part(cause, step, i) for cause in CAUSES) == difference, (step, one.codes[i])
        for step, value in one.official_region.items():
            parts = sum((own.get(step, F(0)) for own in one.region_parts.values()), F(0))
            assert parts == value - one.own_region[step], step
    for one in found.cases:
        assert sum(one.parts.values()) == one.difference, one.setl_id


def claimed(found: Reconciliation) -> set[str]:
    """Every cause that anything is put down to."""
    told = {cause for case in found.cases for cause in case.parts}
    for one in found.bridges:
        told |= {cause for cause, own in one.region_parts.items() if any(own[s] for s in own if s in one.official_region)}
        for cause in CAUSES:
            if any(
                one.part(cause, step, i)
                for step in one.official
                for i in range(len(one.codes))
                if one.difference(step, i) is not None
            ):
                told.add(cause)
    return told


@dataclass(frozen=True)
class Plant:
    """What the bureau does otherwise: its cases, its rule, its finished sheet; and how the reconciliation must call it.

    alone: beside it only the point value, which all scores stand under, may move."""

    cause: str
    cases: Callable[[list[Told]], list[Told]] = lambda told: told
    rule: Rule | None = None
    sheet: Callable[[Result], None] = lambda result: None
    components: bool = True
    setl_id: str = ""


def raised(step: str, code: str, amount: str) -> Callable[[Result], None]:
    def edit(result: Result) -> None:
        own = result.institutions[code]
        own[step] += F(amount)
        own["final"] -= F(amount)

    return edit


def new_value(result: Result) -> None:
    """A point value that nothing leads to."""
    value = F("7300.1234")
    result.region["point_value"] = value
    for own in result.institutions.values():
        own["gross"] = bureau.half_up(own["score"] * value, 2)
        own["due"] = own["after_assessment"] = own["gross"] - own["own_pay"]
        own["final"] = own["due"] - bureau.AUDIT - bureau.VIOLATION - bureau.MONTHLY - bureau.ADVANCE


def other_mean(told: list[Told]) -> list[Told]:
    """Another mean for one group at two institutions, as a table of another year would have it."""
    return [replace(one, mean=F("10450.37")) if one.group == "G2" and one.code != "H1" else one for one in told]


def stranger(told: list[Told]) -> list[Told]:
    return [*told, replace(told[5], setl_id="H1-unknown", booked=F(0), fee=F(20_000))]


PLANTS = {
    "missing": Plant("missing", lambda told: [one for one in told if one.setl_id != "H1-G2-3"], setl_id="H1-G2-3"),
    "extra": Plant("extra", stranger, setl_id="H1-unknown"),
    "group": Plant(
        "group", lambda told: changed(told, "H2-G1-3", group="G3", rw=F("2.5037"), u=F(1)), setl_id="H2-G1-3"
    ),
    "catalogue": Plant(
        "catalogue", lambda told: [replace(one, rw=F("0.8111")) if one.group == "G2" else one for one in told],
        setl_id="H2-G2-3",
    ),
    "reference": Plant("reference", other_mean, components=False),
    "boundary": Plant("boundary", rule=Rule(low=lambda x: x <= F(1, 2)), setl_id="H2-G1-1"),
    "boundary_moved": Plant("boundary", rule=Rule(low=lambda x: x < F(3, 10)), components=False),
    "coefficient": Plant("coefficient", lambda told: changed(told, "H2-G1-4", k=F("0.93")), setl_id="H2-G1-4"),
    "coefficient_date": Plant(
        "coefficient_date", lambda told: [replace(one, k=F("0.95")) if one.code == "H1" else one for one in told],
        setl_id="H1-G1-4",
    ),
    "date_unstated": Plant(
        "coefficient_date", lambda told: changed(told, "H1-G1-4", k=F("0.95")), components=False, setl_id="H1-G1-4"
    ),
    "auxiliary": Plant("auxiliary", lambda told: changed(told, "H2-G1-3", u=F(1)), setl_id="H2-G1-3"),
    "auxiliary_unstated": Plant(
        "auxiliary", lambda told: changed(told, "H2-G1-3", u=F(1)), components=False, setl_id="H2-G1-3"
    ),
    "rounding_place": Plant("rounding_place", rule=Rule(places=2)),
    "rounding_finer": Plant("rounding_place", rule=Rule(places=6)),
    "rounding_cut": Plant("rounding_place", rule=Rule(cut=True)),
    "rounding_order": Plant("rounding_order", rule=Rule(each=True)),
    "rounding_value": Plant("rounding_place", rule=Rule(value_places=2)),
    "money_by_case": Plant("rounding_order", rule=Rule(over_cases=True)),
    "point_value": Plant("point_value", sheet=new_value),
    "deduction": Plant("deduction", sheet=raised("violation", "H2", "123.45")),
    "payment": Plant("payment", sheet=raised("monthly_paid", "H3", "-1000.00")),
}  # fmt: skip


def planted(region: Region, *plants: Plant, rule: Rule | None = None) -> tuple[Reconciliation, Result, Result]:
    """(reconciliation, the bureau's sheet as it should be, as it is)"""
    told = town()
    bureau.settle(region)
    right = bureau.clear(told)
    for one in plants:
        told = one.cases(told)
        rule = one.rule or rule
    result = bureau.clear(told, rule)
    for one in plants:
        one.sheet(result)
    bureau.publish(region, result, told, components=all(one.components for one in plants))
    return reconciled(region), right, result


def test_nothing_planted_nothing_claimed(region: Region) -> None:
    found, right, _ = planted(region)
    assert found.agrees and found.compared == 72 and found.count == 0 and claimed(found) == set()
    own = found.bridges[0]
    for i, code in enumerate(own.codes):  # two arithmetics, one sheet
        assert {step: own.own[step][i] for step in right.institutions[code]} == right.institutions[code]


@pytest.mark.parametrize("name", PLANTS)
def test_each_cause_is_named_with_its_amount(region: Region, name: str) -> None:
    plant = PLANTS[name]
    found, right, result = planted(region, plant)
    closes(found)
    assert not found.agrees
    beside = {"point_value"} if plant.cases is not Plant.cases or plant.rule is not None or name == "point_value" else set()
    told = claimed(found)
    assert plant.cause in told
    assert told <= {plant.cause, *beside}, told
    one = found.bridges[0]
    for setl_id, score in result.scores.items():
        case = next((case for case in found.cases if case.setl_id == setl_id), None)
        moved = score - right.scores.get(setl_id, F(0))
        assert (case.parts if case else {}) == ({plant.cause: moved} if moved else {}), setl_id
    if plant.setl_id:
        assert plant.setl_id in {case.setl_id for case in found.cases}
    for i, code in enumerate(one.codes):  # the points of an institution's own cases, to the last digit
        moved = result.institutions[code]["score"] - right.institutions[code]["score"]
        assert one.part(plant.cause, "score", i) == moved
        money = {step: result.institutions[code][step] - right.institutions[code][step] for step in ("due", "final")}
        for step, difference in money.items():
            assert one.part(plant.cause, step, i) + one.part("point_value", step, i) * (plant.cause != "point_value") == difference


def shifted(step: str, own_value: str, by: Callable[[str], Fraction]) -> Callable[[Result], None]:
    """A step of every institution moved from what it is here, and nothing after it."""

    def edit(result: Result) -> None:
        for code, own in result.institutions.items():
            own[step] = F(own_value) + by(code)

    return edit


def test_one_figure_that_happens_to_fit_a_rounding_is_no_rounding(region: Region) -> None:
    """H2's gross in whole yuan, the others' to the fen as here: a coincidence, and no cause."""

    def in_yuan(result: Result) -> None:
        own = result.institutions["H2"]
        own["gross"] = bureau.half_up(own["gross"], 0)

    found, _, _ = planted(region, Plant("unexplained", sheet=in_yuan))
    one = found.bridges[0]
    assert one.part("unexplained", "gross", one.codes.index("H2")) == one.difference("gross", one.codes.index("H2")) != 0
    assert "rounding_place" not in one.parts and not one.rounded


def test_a_rounding_that_all_share_is_told_with_its_places(region: Region) -> None:
    def all_at_one_place(result: Result) -> None:
        for own in result.institutions.values():
            own["gross"] = bureau.half_up(own["gross"], 1)

    found, _, _ = planted(region, Plant("rounding_place", sheet=all_at_one_place))
    one = found.bridges[0]
    assert one.rounded == {("institution", "gross"): (1, False)}
    said = reconcile_sheets.steps(found, one.fund, Texts("zh"))
    told = said.cells["causes"][list(said.keys).index("institution.gross")]
    assert "取整位数（官方四舍五入到 1 位小数）" in told


def test_what_is_unexplained_is_named_beside_any_larger_causes(region: Region) -> None:
    """Five causes of one step: the smallest is unexplained, and is not netted away among the others."""
    found, _, _ = planted(region)
    step = found.clearing.pack.step("institution", "final")
    parts = {"payment": F(-13009), "assessment": F(-7032), "sharing": F(-1234), "budget": F(-1000), "unexplained": F("77.77")}
    said = reconcile_sheets.told(parts, Texts("zh"), step)
    assert "未能解释 +77.77 元" in said and "-13,009.00 元" in said and "另有 1 项 -1,000.00 元" in said


def test_a_coefficient_has_no_sum_but_its_causes_are_counted(region: Region) -> None:
    found, _, _ = planted(region, Plant("assessment", sheet=shifted("assessment", "1", lambda code: F("0.01") * (code != "H1"))))
    said = reconcile_sheets.steps(found, found.bridges[0].fund, Texts("zh"))
    assert said.cells["causes"][list(said.keys).index("institution.assessment")] == "绩效考核 2 家"


def test_retention_is_not_called_a_payment(region: Region) -> None:
    found, _, _ = planted(region, Plant("retention", sheet=shifted("retention_return", "0", lambda code: F("-17.56"))))
    assert "payment" not in claimed(found) and "retention" in claimed(found)


def test_what_the_official_sheet_alone_has_is_said(region: Region) -> None:
    """An institution that nobody registered, and a figure that is no step of the pack."""

    def strangers(result: Result) -> None:
        result.institutions["H999"] = {"final": F(10)}
        result.institutions["H1"]["nosuch"] = F(1)

    found, _, _ = planted(region, Plant("unexplained", sheet=strangers))
    said = {(one.code, one.subject or one.value) for one in found.findings}
    assert {("official_institution_unregistered", "H999"), ("official_step_unknown", "nosuch")} <= said


def test_money_of_a_deduction_and_a_payment(region: Region) -> None:
    found, _, _ = planted(region, PLANTS["deduction"], PLANTS["payment"])
    one = found.bridges[0]
    h2, h3 = one.codes.index("H2"), one.codes.index("H3")
    assert one.part("deduction", "final", h2) == F("-123.45") and one.part("payment", "final", h3) == F("1000.00")
    assert one.part("payment", "final", h2) == 0 and claimed(found) == {"deduction", "payment"}


def test_several_at_once(region: Region) -> None:
    names = ("missing", "group", "coefficient", "boundary", "auxiliary_unstated", "deduction", "payment")
    plants = [replace(PLANTS[name], components=True) for name in names]
    found, _, _ = planted(region, *plants)
    closes(found)
    assert {"missing", "coefficient", "boundary", "deduction", "payment", "point_value", "group"} <= claimed(found)
    assert "unexplained" not in claimed(found)


def test_a_cause_and_other_decimals_in_one_case(region: Region) -> None:
    plants = (PLANTS["coefficient"], replace(PLANTS["group"]))
    found, _, result = planted(region, *plants, rule=Rule(places=2))
    closes(found)
    assert claimed(found) == {"coefficient", "group", "rounding_place", "point_value"}
    case = next(one for one in found.cases if one.setl_id == "H2-G1-4")
    own = bureau.case_score(next(one for one in town() if one.setl_id == "H2-G1-4"), Rule())
    full = bureau.case_score(replace(next(one for one in town() if one.setl_id == "H2-G1-4"), k=F("0.93")), Rule())
    assert case.parts == {"coefficient": full - own, "rounding_place": result.scores["H2-G1-4"] - full}


@pytest.mark.parametrize("score", ["1.7", "0.0001", "99.5"])
def test_a_difference_of_no_known_cause_stays_unexplained(region: Region, score: str) -> None:
    plant = Plant("unexplained", lambda told: changed(told, "H2-G1-4", score=F(score)))
    found, right, _ = planted(region, plant)
    closes(found)
    (case,) = found.cases
    assert case.parts == {"unexplained": F(score) - right.scores["H2-G1-4"]}
    assert claimed(found) == {"unexplained", "point_value"}


def test_what_is_stated_but_leads_away_is_not_claimed(region: Region) -> None:
    """The list shows another coefficient, and a score that has nothing to do with it."""
    plant = Plant("unexplained", lambda told: changed(told, "H2-G1-4", k=F("2"), score=F("1.1")))
    found, right, _ = planted(region, plant)
    (case,) = found.cases
    assert case.parts == {"unexplained": F("1.1") - right.scores["H2-G1-4"]}


def test_without_a_list_sums_are_explained_by_what_gives_them(region: Region) -> None:
    """Only figures by institution: a reading that gives all its cases together the official score is the cause."""
    bureau.settle(region)
    result = bureau.clear(town(), Rule(low=lambda x: x <= F(1, 2)))
    bureau.publish(region, result)
    found = reconciled(region)
    closes(found)
    assert claimed(found) == {"boundary", "point_value"} and found.compared == 0


def test_a_list_alone_gives_scores_and_point_value(region: Region) -> None:
    bureau.settle(region)
    told = changed(town(), "H2-G1-4", k=F("0.93"))
    bureau.publish(region, bureau.clear(told), told, sheet=False)
    found = reconciled(region)
    closes(found)
    assert claimed(found) == {"coefficient"}
    one = found.bridges[0]
    assert one.official_region["point_value"] - one.own_region["point_value"] == one.region_parts["coefficient"]["point_value"]


def test_the_row_of_a_case_counts_where_the_list_has_none(region: Region) -> None:
    bureau.settle(region)
    with region.workspace.transaction("import", "x") as connection:
        connection.execute("UPDATE cases SET official_score = '9.9999' WHERE setl_id = 'H1-G1-2'")
        connection.execute("UPDATE cases SET official_score = '8.8888' WHERE setl_id = 'H1-G1-3'")
    told = [one for one in town() if one.setl_id == "H1-G1-3"]
    bureau.publish(region, bureau.clear(town()), told, sheet=False)
    found = reconciled(region)
    both = {one.setl_id for one in found.cases if one.official is not None}
    assert both == {"H1-G1-2"}  # the list's own row of H1-G1-3 agrees, and wins


def test_an_institution_that_the_list_leaves_out_has_nothing_missing(region: Region) -> None:
    bureau.settle(region)
    told = [one for one in town() if one.code == "H2"]
    bureau.publish(region, bureau.clear(town()), told, sheet=False)
    found = reconciled(region)
    assert found.agrees and found.compared == 24


def test_tolerance_is_by_step(region: Region) -> None:
    found, _, _ = planted(region, PLANTS["rounding_value"])
    assert not found.agrees
    loose = {"point_value": F("0.01"), **dict.fromkeys(("gross", "due", "after_assessment", "final"), F("1"))}
    assert reconciled(region, tolerance=loose).agrees
    assert not reconciled(region, tolerance=loose | {"due": F("0.01")}).agrees
    assert reconciled(region, tolerance=loose).bridges[0].difference("due", 0)  # still there, only within


def test_nothing_official_is_refused(region: Region) -> None:
    bureau.settle(region)
    with pytest.raises(Refused, match="official_missing"):
        reconciled(region)


def test_reconciling_stores_nothing(region: Region) -> None:
    planted(region, PLANTS["group"])
    before = region.workspace.generation()
    reconciled(region)
    assert region.workspace.generation() == before
    assert region.workspace.reader().execute("SELECT count(*) FROM run").fetchone() == (0,)


def test_the_bureaus_export_is_read(region: Region, tmp_path: Path) -> None:
    """Headings of a real case list; an unreadable score refuses its row."""
    bureau.settle(region)
    path = tmp_path / "清算明细.csv"
    path.write_text(
        "结算流水号,姓名,机构编码,病种编码,病种分值,机构等级系数,辅助目录最终系数,偏差类型,最终分值,分值结算点值,DIP支付金额(元)\n"
        "H1-G1-3,张三,H1,G1,1.2345,0.95,1.3,正常,1.5246,7222.4012,\"10,011.25\"\n"
        "H1-G1-4,李四,H1,G1,1.2345,1.05,1,正常,一点三,7222.4012,\n",
        encoding="utf-8-sig",
    )
    receipt = import_file(region.workspace, "official_cases", path, year=2024)
    assert (receipt.rows_read, receipt.accepted, receipt.refused) == (2, 1, 1)
    row = region.workspace.reader().execute(
        "SELECT setl_id, fixmedins_code, dip_code, rw, coefficient, factor, deviation, score, point_value, pay FROM official_case"
    ).fetchall()  # fmt: skip
    assert row == [("H1-G1-3", "H1", "G1", "1.2345", "0.95", "1.3", "正常", "1.5246", "7222.4012", 1001125)]
    with pytest.raises(Refused):
        import_file(region.workspace, "official_cases", path, year=2024)
    found = reconciled(region)
    assert found.compared == 1 and len(found.cases) == 23  # the list holds H1, and lacks all its other cases


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    scores=st.dictionaries(st.sampled_from([one.setl_id for one in town()]), st.integers(0, 99_999), max_size=6),
    dropped=st.sets(st.sampled_from([one.setl_id for one in town()]), max_size=4),
    places=st.integers(2, 5),
)
def test_whatever_is_planted_closes(tmp_path_factory, scores: dict[str, int], dropped: set[str], places: int) -> None:
    annual.forget()
    gather.forget()
    region = Region(tmp_path_factory.mktemp("any") / "region.dz")
    told = [
        replace(one, score=F(scores[one.setl_id], 10_000)) if one.setl_id in scores else one
        for one in town()
        if one.setl_id not in dropped
    ]
    bureau.settle(region)
    bureau.publish(region, bureau.clear(told, Rule(places=places)), told)
    closes(reconciled(region))
    region.workspace.close()
