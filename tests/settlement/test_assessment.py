"""Score sheets: maker and checker are two, import stands, nothing missing is 0, stale edits refused, undo gives all back."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from region import Region

from core import settings as kept
from core.faults import Refused
from core.rules import packs
from core.settlement import assessment, facts
from core.settlement.assessment import Cell, check, enter, indicators, lines, same_name, set_indicators
from core.settlement.assessment_sheets import grid, sheet
from core.settlement.clearing import clear

YEAR = 2024


def as_(name: str) -> None:
    found = kept.load()
    found.user = name
    kept.save(found)


@pytest.fixture
def small(region: Region, own_home: object) -> Region:
    region.institutions(("H1", "甲医院", 2), ("H2", "乙医院", 5), ("H3", "丙卫生院", 8))
    as_("张三")
    return region


@pytest.fixture
def started(small: Region) -> Region:
    set_indicators(small.workspace, YEAR, {"协议履行": "60", "结算清单质量": "40"}, "年度方案")
    return small


def rows(region: Region) -> list[tuple[object, ...]]:
    return region.workspace.reader().execute("SELECT * FROM assessment ORDER BY 1, 2, 3").fetchall()


def cell(code: str, value: str | None, seen: str | None = None, indicator: str = "协议履行", what: str = "points") -> Cell:
    return Cell(code, indicator, what, value, seen)  # type: ignore[arg-type]


def test_indicators_make_an_empty_sheet_for_everyone(started: Region) -> None:
    reader = started.workspace.reader()
    assert indicators(reader, YEAR) == {"协议履行": 60, "结算清单质量": 40}
    assert {(line.code, line.points, line.state) for line in lines(reader, YEAR)} == {
        (code, None, "unreviewed") for code in ("H1", "H2", "H3")
    }
    # Not given is not 0: nobody has a score, and each of the six is said.
    assert facts.assessments(reader, YEAR) == {}
    assert [(f.subject, f.code, f.value) for f in facts.assessment_doubts(reader, YEAR)] == [
        (code, "assessment_unreviewed", "2") for code in ("H1", "H2", "H3")
    ]


def test_what_one_enters_another_checks(started: Region) -> None:
    workspace = started.workspace
    enter(workspace, YEAR, [cell("H1", "54"), cell("H1", "30.50", indicator="结算清单质量")], "现场复评")
    first, second = lines(workspace.reader(), YEAR, "H1")
    assert (first.points, first.state, first.entered_by, first.checked_by) == (54, "entered", "张三", "")
    # (54 + 30.5) / 100
    assert facts.assessments(workspace.reader(), YEAR) == {"H1": Fraction("84.5")}
    assert second.points == Fraction("30.5")
    before = rows(started)
    for name in ("张三", " 张 三", "张三 "):
        as_(name)
        with pytest.raises(Refused) as refused:
            check(workspace, YEAR, ["H1"], "自己复核")
        assert refused.value.code == "assessment_same_name"
        assert [f.column for f in refused.value.findings] == ["协议履行", "结算清单质量"]
        assert rows(started) == before
    as_("李四")
    line = check(workspace, YEAR, ["H1", "H2"], "复核无误")
    assert (line.who, line.action, line.why) == ("李四", "check", "复核无误")
    assert {(one.state, one.entered_by, one.checked_by) for one in lines(workspace.reader(), YEAR, "H1")} == {("checked", "张三", "李四")}
    with pytest.raises(Refused, match="assessment_nothing_to_check"):
        check(workspace, YEAR, ["H1"])
    # Points that change after the check wait again, under the name of who changed them.
    enter(workspace, YEAR, [cell("H1", "50", "54")], "申诉")
    assert [(one.indicator, one.state, one.entered_by) for one in lines(workspace.reader(), YEAR, "H1")] == [
        ("协议履行", "entered", "李四"), ("结算清单质量", "checked", "张三"),
    ]  # fmt: skip
    assert [f.code for f in facts.assessment_doubts(workspace.reader(), YEAR) if f.subject == "H1"] == ["assessment_unchecked"]


@pytest.mark.parametrize(("one", "other"), [("Li Si", "li si"), ("ＬｉＳｉ", "lisi"), ("王 五", "王五")])
def test_width_case_and_blanks_make_no_second_person(one: str, other: str) -> None:
    assert same_name(one, other)
    assert not same_name(one, "张三")


def test_a_checker_checks_what_was_seen(started: Region) -> None:
    workspace = started.workspace
    enter(workspace, YEAR, [cell("H1", "54")])
    seen = grid(workspace.reader(), YEAR).waiting(["H1", "H2"])
    assert seen == {("H1", "协议履行"): "54"}
    enter(workspace, YEAR, [cell("H1", "60", "54")])
    as_("李四")
    with pytest.raises(Refused, match="stale_edit"):
        check(workspace, YEAR, ["H1"], seen=seen)
    check(workspace, YEAR, ["H1"], seen={("H1", "协议履行"): "60.0"})


def test_import_stands_and_an_edit_of_it_is_to_be_checked(small: Region) -> None:
    small.assessments(("H1", "100", "91"), ("H2", "100", "88"))
    workspace = small.workspace
    assert {line.state for line in lines(workspace.reader(), YEAR)} == {"imported"}
    assert facts.assessment_doubts(workspace.reader(), YEAR) == ()
    before = rows(small)
    enter(workspace, YEAR, [cell("H1", "90", "91", "总分")])
    assert [(line.code, line.state) for line in lines(workspace.reader(), YEAR)] == [("H1", "entered"), ("H2", "imported")]
    own = sheet(workspace.reader(), "H2", YEAR, "zh")
    assert own.text(0, next(c for c in own.columns if c.id == "source")) == "assessments-2.csv 第 3 行"
    workspace.ledger.undo()
    assert rows(small) == before
    workspace.ledger.redo()
    assert lines(workspace.reader(), YEAR, "H1")[0].points == 90


def test_self_given_points_stand_beside_and_wait_for_nobody(started: Region) -> None:
    workspace = started.workspace
    enter(workspace, YEAR, [cell("H1", "58", "", what="self_points")])
    line = lines(workspace.reader(), YEAR, "H1")[0]
    assert (line.self_points, line.points, line.state) == (58, None, "unreviewed")
    assert facts.assessments(workspace.reader(), YEAR) == {}
    enter(workspace, YEAR, [cell("H1", "54", "")])
    as_("李四")
    check(workspace, YEAR, ["H1"])
    enter(workspace, YEAR, [cell("H1", "57", "58", what="self_points")])
    assert lines(workspace.reader(), YEAR, "H1")[0].state == "checked"
    own = sheet(workspace.reader(), "H1", YEAR, "zh")
    assert [own.cells["revised"][0], own.cells["revised"][1]] == [-3, None]


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (cell("H1", "60.01"), "assessment_above_max"),
        (cell("H1", "-1"), "assessment_points_unfit"),
        (cell("H1", "五十"), "assessment_points_unfit"),
        (cell("H1", "1e1"), "assessment_points_unfit"),
        (cell("H1", "1.00001"), "assessment_points_unfit"),
        (cell("H9", "1"), "assessment_institution_unknown"),
        (cell("H1", "1", indicator="没有"), "assessment_indicator_unknown"),
    ],
)
def test_what_cannot_be_refuses_the_whole_edit(started: Region, wrong: Cell, code: str) -> None:
    before = rows(started)
    with pytest.raises(Refused) as refused:
        enter(started.workspace, YEAR, [cell("H2", "10"), wrong])
    assert [finding.code for finding in refused.value.findings] == [code]
    assert rows(started) == before


def test_a_stale_cell_is_refused_with_both_values(started: Region) -> None:
    enter(started.workspace, YEAR, [cell("H1", "50")])
    before = rows(started)
    with pytest.raises(Refused) as refused:
        enter(started.workspace, YEAR, [cell("H1", "40", "45"), cell("H2", "40", "")])
    assert refused.value.code == "stale_edit"
    assert (refused.value.values["expected"], refused.value.values["found"]) == ("45", "50")
    assert rows(started) == before
    with pytest.raises(Refused, match="nothing_changed"):
        enter(started.workspace, YEAR, [cell("H1", "50.0", "50")])


def test_indicators_change_for_all_and_come_back(started: Region) -> None:
    workspace = started.workspace
    enter(workspace, YEAR, [cell("H1", "54")])
    before = rows(started)
    with pytest.raises(Refused) as refused:
        set_indicators(workspace, YEAR, {"协议履行": "50", "结算清单质量": "50"})
    assert [(f.code, f.subject) for f in refused.value.findings] == [("assessment_above_max", "H1")]
    set_indicators(workspace, YEAR, {"协议履行": "70", "域外医保基金支出占比": "30"}, "新方案")
    assert indicators(workspace.reader(), YEAR) == {"协议履行": 70, "域外医保基金支出占比": 30}
    assert len(lines(workspace.reader(), YEAR)) == 6
    workspace.ledger.undo()
    assert rows(started) == before
    for bad in ({"": "10"}, {" a": "10"}, {"a": "0"}, {"a": "x"}):
        with pytest.raises(Refused, match="cells_refused"):
            set_indicators(workspace, YEAR, bad)


def test_nobody_enters_without_a_name(started: Region, monkeypatch: pytest.MonkeyPatch) -> None:
    as_("　")  # what is left of it is nothing
    with pytest.raises(Refused, match="assessment_nameless"):
        enter(started.workspace, YEAR, [cell("H1", "1")])


def test_the_clearing_says_whose_score_is_doubtful(started: Region) -> None:
    region = started
    region.groups({"dip_code": "K35.3:g", "score": "10"})
    region.coefficients(*((code, "all", "base", "", "1") for code in ("H1", "H2", "H3")))
    region.funded("employee")
    region.cases({"setl_id": "1", "institution": "H1", "fee": "1000"}, {"setl_id": "2", "institution": "H2", "fee": "1000"})
    enter(region.workspace, YEAR, [cell("H1", "54"), cell("H1", "40", indicator="结算清单质量"), cell("H2", "30")])
    found = clear(region.workspace, YEAR, packs.load("ningde-2024"), funds=("employee",), store=False)
    said = {(f.code, f.subject, f.value) for f in found.findings if f.code.startswith("assessment_un")}
    assert said == {
        ("assessment_unchecked", "H1", "2"), ("assessment_unchecked", "H2", "1"), ("assessment_unreviewed", "H2", "1"),
        ("assessment_unreviewed", "H3", "2"),
    }  # fmt: skip
    # H2: 30 of the 60 that were reviewed.
    assert found.fund("employee").values["assessment_score"] == (94, 50)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(points=st.lists(st.tuples(st.sampled_from(["H1", "H2", "H3"]), st.decimals(0, 60, places=4)), min_size=1, max_size=6))
def test_entering_and_undoing_leaves_nothing(started: Region, points: list[tuple[str, object]]) -> None:
    """Against plain SQL: the score is the sum of points over the sum of maxima, whatever the order."""
    before = rows(started)
    done = 0
    for code, value in points:
        try:
            enter(started.workspace, YEAR, [cell(code, f"{value:f}")])
            done += 1
        except Refused as refused:
            assert refused.code == "nothing_changed"
    reader = started.workspace.reader()
    slow = {
        code: Fraction(got) / 60 * 100
        for code, got in reader.execute("SELECT fixmedins_code, points FROM assessment WHERE points <> ''")
    }
    assert facts.assessments(reader, YEAR) == slow
    for _ in range(done):
        started.workspace.ledger.undo()
    assert rows(started) == before
    assert assessment.years(started.workspace.reader()) == [YEAR]
