"""What a change of catalogue is worth: a region worked by hand, and what must hold for every region."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.analysis.carrying import WAYS
from core.analysis.revision import Revision, worth
from core.catalogue import library
from core.export.tables import worksheet_csv, worksheet_xlsx
from core.faults import Refused, Usage
from core.rules import packs
from core.rules.circular import Pack
from core.settlement import annual, arrivals, gather
from core.settlement.clearing import clear, runs
from core.worksheet import Worksheet
from tests.settlement.region import Region

F = Fraction
OLD, NEW = "v2024", "w2024"


@pytest.fixture
def region(tmp_path: Path) -> Iterator[Region]:
    made = fresh(tmp_path / "region.dz")
    yield made
    made.workspace.close()


def fresh(path: Path) -> Region:
    annual.forget()
    gather.forget()
    made = Region(path)
    made.institutions(("H1", "甲", 2), ("H2", "乙", 5))
    made.coefficients(("H1", "all", "base", "", "1"), ("H2", "all", "base", "", "1"))
    return made


def ningde() -> Pack:
    return packs.load("ningde-2024")


def without_rule() -> Pack:
    return replace(ningde(), grouping=None)


def group(code: str, score: str, diagnosis: str = "", **more: object) -> dict[str, object]:
    return {"dip_code": code, "score": score, "diag_code": diagnosis, "attribute": "conservative", **more}


def column(sheet: Worksheet, name: str) -> dict[str, str]:
    """A column as text by the sheet's keys."""
    assert sheet.keys is not None
    wanted = next(one for one in sheet.columns if one.id == name)
    return {str(sheet.keys[row]): sheet.text(row, wanted) for row in range(sheet.rows)}


def by_hand(region: Region) -> None:
    """Two versions and six cases of 1,000 yuan each, of which patients pay 400.

    A is rescored, B is renumbered and rescored, C is gone, D is new; one case has no group.
    """
    region.groups(group("A", "1", "A00.0"), group("B", "2", "B00.0"), group("C", "0.5", "C00.0"))
    region.groups(group("A", "1.2", "A00.0"), group("B2", "1.5", "B00.0"), group("D", "3", "D00.0"), version=NEW)
    region.funded("employee", amount="1110.00")
    region.cases(
        *(
            {"setl_id": setl_id, "institution": code, "fee": "1000", "group": stated}
            for setl_id, code, stated in (
                ("a1", "H1", "A"),
                ("a2", "H1", "A"),
                ("b1", "H1", "B"),
                ("b2", "H2", "B"),
                ("c1", "H2", "C"),
                ("n1", "H2", None),
            )
        )
    )


def test_worked_by_hand(region: Region) -> None:
    """Six own payments of 400 are 2,400; with the fund's 1,110 that is 3,510 to share out.

    old  H1 1 + 1 + 2 = 4, H2 2 + 0.5 = 2.5, together 6.5; point value 3,510 / 6.5 = 540
         due H1 4 * 540 - 1,200 = 960, H2 2.5 * 540 - 1,200 = 150, together 1,110
    new  H1 1.2 + 1.2 + 1.5 = 3.9, H2 1.5 + 0 = 1.5, together 5.4; point value 3,510 / 5.4 = 650
         due H1 3.9 * 650 - 1,200 = 1,335, H2 1.5 * 650 - 1,200 = -225, together 1,110
    why  H1 (3.9 - 4) * 540 = -54 and 3.9 * 110 = 429, together 375
         H2 (1.5 - 2.5) * 540 = -540 and 1.5 * 110 = 165, together -375
    """
    by_hand(region)
    found = worth(region.workspace, 2024, ningde(), OLD, NEW)
    figures = {one.id: (one.old, one.new, one.change) for one in found.figures}
    assert figures["score_total"] == (F("6.5"), F("5.4"), F("-1.1"))
    assert figures["point_value"] == (540, 650, 110)
    assert figures["due"] == (1110, 1110, 0)
    assert figures["residual"] == (0, 0, 0)
    assert figures["cases"] == (6, 6, 0)
    assert figures["ungrouped"] == (1, 2, 1)  # what the bureau left out stays out; c1's group is gone

    sheet = found.institutions("en")
    assert column(sheet, "due_old") == {"employee.H1": "960.00", "employee.H2": "150.00"}
    assert column(sheet, "due_new") == {"employee.H1": "1335.00", "employee.H2": "-225.00"}
    assert column(sheet, "due_change") == {"employee.H1": "375.00", "employee.H2": "-375.00"}
    assert column(sheet, "points_effect") == {"employee.H1": "-54.00", "employee.H2": "-540.00"}
    assert column(sheet, "value_effect") == {"employee.H1": "429.00", "employee.H2": "165.00"}
    assert column(sheet, "rest") == {"employee.H1": "0.00", "employee.H2": "0.00"}
    assert column(sheet, "cases_moved") == {"employee.H1": "1", "employee.H2": "2"}
    assert sheet.totals["due_change"] == 0

    # A 2 -> 2.4 points; B 4 -> 3, under another code; C 0.5 -> nothing; D has no case
    groups = found.groups("en")
    keys = {"A": "A||A", "B": "B||B2", "C": "C|", "D": "|D", "none": ""}
    assert {name: column(groups, "change")[key] for name, key in keys.items()} == {
        "A": "Rescored", "B": "Renumbered", "C": "Gone", "D": "New", "none": "Without group",
    }  # fmt: skip
    assert {name: column(groups, "amount_old")[key] for name, key in keys.items()} == {
        "A": "1080.00", "B": "2160.00", "C": "270.00", "D": "0.00", "none": "0.00",
    }  # fmt: skip
    assert {name: column(groups, "amount_new")[key] for name, key in keys.items()} == {
        "A": "1560.00", "B": "1950.00", "C": "0.00", "D": "0.00", "none": "0.00",
    }  # fmt: skip
    assert {name: column(groups, "points_effect")[key] for name, key in keys.items()} == {
        "A": "216.00", "B": "-540.00", "C": "-270.00", "D": "0.00", "none": "0.00",
    }  # fmt: skip
    assert found.moves == {("A", "A"): 2, ("B", "B2"): 2, ("C", ""): 1, ("", ""): 1}
    assert column(found.cases("en"), "new_code") == {"b1": "B2", "b2": "B2", "c1": ""}
    assert column(found.cases("en", every=True), "points_change") == {
        "a1": "0.2000", "a2": "0.2000", "b1": "-0.5000", "b2": "-0.5000", "c1": "-0.5000",
    }  # fmt: skip
    assert found.home == OLD
    assert found.ways["old"] == dict.fromkeys(WAYS, 0) | {"stated": 5, "none": 1}
    assert found.ways["new"] == dict.fromkeys(WAYS, 0) | {"stated": 2, "carried": 2, "lost": 1, "none": 1}
    lost = [(f.severity, f.subject, f.value, f.values["amount"]) for f in found.findings if f.code == "revision_lost"]
    assert lost == [("warning", NEW, "1", "1000.00")]
    assert runs(region.workspace) == []  # nothing is stored


def test_a_map_of_codes_places_what_is_gone(region: Region) -> None:
    by_hand(region)
    region.batch(
        "code_maps", [{"system": "group", "from_edition": "", "from_code": "C", "to_edition": "", "to_code": "D"}], "code_map"
    )
    found = worth(region.workspace, 2024, ningde(), OLD, NEW)
    assert found.moves["C", "D"] == 1
    assert found.ways["new"]["lost"] == 0


def split(region: Region, *, kept: bool) -> None:
    """S, of K35.3 whatever is done, becomes one group with operation 47.0100 and one without."""
    region.groups(group("S", "1", "K35.3"), group("T", "1", "T00.0"))
    bare = "S" if kept else "S0"
    region.groups(
        group(bare, "0.5", "K35.3"),
        group("S1", "2", "K35.3", oprn_code="47.0100", attribute="surgery"),
        group("T", "1", "T00.0"),
        version=NEW,
    )
    region.batch(
        "code_maps",
        [
            {"system": "group", "from_edition": "", "from_code": "S", "to_edition": "", "to_code": code}
            for code in (bare, "S1")
        ],
        "code_map",
    )
    region.batch("operations", [{"oprn_code": "47.0100", "attribute": "surgery"}], "operation")
    region.funded("employee")
    region.cases({"setl_id": "t", "institution": "H2", "fee": "10", "group": "T", "diag_code": "T00.000"})
    for setl_id, operation in (("with", "47.0100"), ("without", None)):
        region.cases(
            {
                "setl_id": setl_id,
                "institution": "H1",
                "fee": "10",
                "group": "S",
                "diag_code": "K35.300",
                "oprn_code": operation,
            }
        )


def test_of_a_split_group_the_rule_decides(region: Region) -> None:
    split(region, kept=False)
    found = worth(region.workspace, 2024, ningde(), OLD, NEW)
    assert found.moves == {("S", "S0"): 1, ("S", "S1"): 1, ("T", "T"): 1}
    assert found.ways["new"]["grouped"] == 2
    assert found.ways["old"]["stated"] == 3
    assert [(one.change, one.old, one.new) for one in found.relations if one.change == "split"] == [
        ("split", ("S",), ("S0", "S1"))
    ]


def test_without_a_rule_a_split_is_not_guessed(region: Region) -> None:
    split(region, kept=False)
    found = worth(region.workspace, 2024, without_rule(), OLD, NEW)
    assert found.moves == {("S", ""): 2, ("T", "T"): 1}
    assert found.ways["new"]["lost"] == 2


def test_without_a_rule_a_split_group_that_keeps_its_key_keeps_its_cases(region: Region) -> None:
    """S still stands, with another score; that S1 took some of its cases away nobody can tell case by case."""
    split(region, kept=True)
    found = worth(region.workspace, 2024, without_rule(), OLD, NEW)
    assert found.moves == {("S", "S"): 2, ("T", "T"): 1}
    assert [(f.severity, f.value) for f in found.findings if f.code == "revision_kept"] == [("warning", "2")]
    by_rule = worth(region.workspace, 2024, ningde(), OLD, NEW)
    assert by_rule.moves == {("S", "S"): 1, ("S", "S1"): 1, ("T", "T"): 1}
    # Grouped anew under both, the case with the operation moves: under the old version no group asks for one.
    own = worth(region.workspace, 2024, ningde(), OLD, NEW, grouping="own")
    assert own.moves == {("S", "S"): 1, ("", "S1"): 1, ("T", "T"): 1}


def test_a_key_that_means_something_else_is_not_followed(region: Region) -> None:
    """X and Y change places: the case goes with what it is, not with the letters."""
    region.groups(group("X", "1", "A00.0"), group("Y", "2", "B00.0"))
    region.groups(group("X", "2", "B00.0"), group("Y", "1", "A00.0"), version=NEW)
    region.funded("employee")
    region.cases({"setl_id": "x", "institution": "H1", "fee": "10", "group": "X"})
    found = worth(region.workspace, 2024, ningde(), OLD, NEW)
    assert found.moves == {("X", "Y"): 1}
    assert all(one.change == 0 for one in found.figures)


def test_means_follow_the_group(region: Region) -> None:
    """B's imported mean and last year's cases of B count for it under its new code: the case stays low, 0.4 of its mean."""
    region.groups(group("B", "2", "B00.0"), group("M", "1", "M00.0"))
    region.groups(group("B2", "2", "B00.0"), group("M2", "1", "M00.0"), version=NEW)
    region.funded("employee")
    region.reference_means(("B", "all", "all", "100.00"))
    region.cases(
        *(
            {"setl_id": f"e{i}", "institution": "H1", "fee": "50", "group": "M", "day": "2023-06-01"}
            for i in range(15)
        )
    )
    region.cases(
        {"setl_id": "b", "institution": "H1", "fee": "40", "group": "B"},
        {"setl_id": "m", "institution": "H1", "fee": "20", "group": "M"},
    )
    found = worth(region.workspace, 2024, ningde(), OLD, NEW)
    assert all(one.change == 0 for one in found.figures)
    assert found.before.clearing.stamps.references == {"none": 0, "given": 1, "level": 1, "catalogue": 0}
    assert found.after.clearing.stamps.references == found.before.clearing.stamps.references
    assert found.figure("employee", "score_total").new == F("0.8") + F("0.4")


# -- what holds for every region -----------------------------------------------------------------------------

DIAGNOSES = ("A00.0", "B00.0", "C00.0", "D00.0", "E00.0")
CODES = ("A", "B", "C", "D", "E", "F")


@st.composite
def catalogue(draw: st.DrawFn) -> list[dict[str, object]]:
    """Groups under keys and definitions that need not go together."""
    keys = draw(st.lists(st.sampled_from(CODES), min_size=1, unique=True))
    return [
        group(
            key,
            draw(st.sampled_from(("0", "0.5", "1", "1.25", "3"))),
            draw(st.sampled_from(DIAGNOSES)),
            mean_fee=draw(st.sampled_from((None, 5000, 10000))),
            kind=draw(st.sampled_from(("core", "primary_care"))),
        )
        for key in keys
    ]


@st.composite
def case_rows(draw: st.DrawFn) -> list[dict[str, object]]:
    return [
        {
            "setl_id": f"c{i}",
            "institution": draw(st.sampled_from(("H1", "H2"))),
            "fee": str(draw(st.integers(1, 300))),
            "group": draw(st.sampled_from((*CODES, None, "Z"))),
            "diag_code": draw(st.sampled_from(DIAGNOSES)) + "00",
            "fund": draw(st.sampled_from(("employee", "resident"))),
            "day": draw(st.sampled_from(("2024-01-05", "2024-08-01"))),
        }
        for i in range(draw(st.integers(2, 14)))
    ]


def drawn(path: Path, data: st.DataObject) -> tuple[Region, list[dict[str, object]]]:
    made = fresh(path)
    made.groups(*data.draw(catalogue()))
    made.groups(*data.draw(catalogue()), version=NEW)
    made.coefficients(("H2", "all", "base", "2024-07-01", "0.83"))
    made.funded("employee", amount="5000.00")
    made.funded("resident", amount="7000.00")
    # Somebody scores in both funds under every version, or there is no point value.
    rows = data.draw(case_rows())
    sure = [{"setl_id": f"sure-{fund}", "institution": "H1", "fee": "50", "fund": fund} for fund in ("employee", "resident")]
    made.special(*((str(one["setl_id"]), "adjusted", "1.5") for one in sure))
    return made, [*rows, *sure]


def said(found: Revision) -> tuple[object, ...]:
    """All that a revision says, as plain values."""
    return (
        found.home,
        [(one.fund, one.id, one.old, one.new) for one in found.figures],
        sorted(found.pairs.items()),
        found.relations,
        found.ways,
        [
            [sheet.text(row, one) for row in range(sheet.rows) for one in sheet.columns]
            for sheet in found.worksheets("en")
        ],
        found.findings,
    )


PROPERTY = settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize("grouping", ["official", "own"])
@PROPERTY
@given(data=st.data())
def test_properties(tmp_path_factory: pytest.TempPathFactory, grouping: str, data: st.DataObject) -> None:
    made, rows = drawn(tmp_path_factory.mktemp("revision") / "region.dz", data)
    made.cases(*rows)
    workspace, pack = made.workspace, ningde()
    there = worth(workspace, 2024, pack, OLD, NEW, grouping=grouping)
    back = worth(workspace, 2024, pack, NEW, OLD, grouping=grouping)
    same = worth(workspace, 2024, pack, OLD, OLD, grouping=grouping)

    # A change to itself is worth nothing, in any cell.
    assert all(one.change == 0 for one in same.figures)
    assert all(one.points_effect == one.value_effect == 0 for one in same.pairs.values())
    for sheet in same.worksheets("en"):
        for one in sheet.columns:
            if one.id.endswith(("_change", "_effect")) or one.id == "rest":
                assert not any(sheet.cells[one.id].tolist()), (sheet.id, one.id)
    assert same.cases("en", every=True).rows == 0

    # The way back is the mirror of the way there.
    assert there.home == back.home
    assert [(o.fund, o.id, o.new, o.old) for o in there.figures] == [(o.fund, o.id, o.old, o.new) for o in back.figures]
    assert {(b, a): n for (a, b), n in there.moves.items()} == dict(back.moves)
    assert {(b, a): (one.amount_new, one.amount_old) for (a, b), one in there.pairs.items()} == {
        pair: (one.amount_old, one.amount_new) for pair, one in back.pairs.items()
    }
    assert {(one.new, one.old) for one in there.relations} == {(one.old, one.new) for one in back.relations}
    assert (there.ways.get("old"), there.ways.get("new")) == (back.ways.get("new"), back.ways.get("old"))

    # What is summed closes: institutions, groups, moves and cases alike are the funds' totals.
    for which in ("old", "new"):
        points = sum((getattr(one, which) for one in there.figures if one.id == "score_total"), F(0))
        for sheet in (there.institutions("en"), there.groups("en"), there.moved("en")):
            assert sheet.totals[f"points_{which}"] == points
    for fund in there.funds:
        closes = [there.figure(fund, id).change for id in ("due", "fund_available", "residual")]
        assert closes[0] == closes[1] - closes[2]
    sheet = there.institutions("en")
    assert sheet.totals["due_change"] == sum(one.change for one in there.figures if one.id == "due")
    groups, moves = there.groups("en"), there.moved("en")
    for name in ("amount_old", "amount_new", "points_effect", "value_effect"):
        assert groups.totals[name] == moves.totals[name]
    assert groups.totals["cases_old"] == groups.totals["cases_new"] == moves.totals["cases"] == len(rows)

    # Each side is the clearing that anybody would get.
    if grouping == "own" or there.home == OLD:
        sides: Sequence[tuple[str, Revision]] = ((OLD, there),) if grouping == "official" else ((OLD, there), (NEW, back))
        for version, found in sides:
            cleared = clear(workspace, 2024, pack, catalogue=version, grouping=grouping, store=False)
            if not (grouping == "official" and foreign(found)):
                assert found.before.clearing.funds == cleared.funds
                assert found.before.clearing.stamps.run_hash == cleared.stamps.run_hash
    made.workspace.close()


def foreign(found: Revision) -> bool:
    """Whether a case states a code that only the other version knows: a clearing leaves it out, a revision carries it."""
    other = found.after.entries if found.home == found.old else found.before.entries
    home = found.before.entries if found.home == found.old else found.after.entries
    return any(code in other.by_code and code not in home.by_code for code in found.rows.rows.groups)


@PROPERTY
@given(data=st.data())
def test_the_order_of_rows_does_not_matter(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    made, rows = drawn(tmp_path_factory.mktemp("one") / "region.dz", data)
    made.cases(*rows)
    told = [said(worth(made.workspace, 2024, ningde(), OLD, NEW, grouping=one)) for one in ("official", "own")]
    shuffled = data.draw(st.permutations(rows))
    with made.workspace.transaction("import", "again") as writer:
        writer.execute("DELETE FROM cases")
    made.cases(*shuffled)
    annual.forget()
    gather.forget()
    again = [said(worth(made.workspace, 2024, ningde(), OLD, NEW, grouping=one)) for one in ("official", "own")]
    assert told == again
    made.workspace.close()


def test_a_second_version_reads_no_case_again(region: Region, monkeypatch: pytest.MonkeyPatch) -> None:
    by_hand(region)
    clear(region.workspace, 2024, ningde(), catalogue=OLD)
    monkeypatch.setattr(arrivals, "read", lambda *_: pytest.fail("the cases were read again"))
    worth(region.workspace, 2024, without_rule(), OLD, NEW)


def test_a_draft_is_compared_by_name(region: Region) -> None:
    by_hand(region)
    rows = [
        replace(one, score=None if one.score is None else one.score * 2)
        for one in library.entries(region.workspace.reader(), OLD).rows
    ]
    library.store_draft(region.workspace, "draft", 2024, rows, based_on=OLD, method={"by": "test"})
    found = worth(region.workspace, 2024, ningde(), OLD, "draft")
    assert found.figure("employee", "score_total").new == 13
    assert found.figure("employee", "point_value").new == 270
    assert found.figure("employee", "due").change == 0
    assert not any(found.institutions("en").cells["due_change"].tolist())


def test_what_is_wrong_is_said(region: Region) -> None:
    by_hand(region)
    with pytest.raises(Refused) as caught:
        worth(region.workspace, 2024, ningde(), OLD, "nowhere")
    assert caught.value.code == "catalogue_unknown"
    with pytest.raises(Refused) as caught:
        worth(region.workspace, 2024, without_rule(), OLD, NEW, grouping="own")
    assert caught.value.code == "grouping_missing"
    with pytest.raises(Usage):
        worth(region.workspace, 2024, ningde(), OLD, NEW, grouping="neither")
    region.groups(group("Q", "1", "Q00.0"), version="empty")
    with pytest.raises(Refused) as caught:
        worth(region.workspace, 2024, without_rule(), OLD, "empty")
    assert (caught.value.code, caught.value.values["version"]) == ("revision_failed", "empty")
    region.coefficients(("H1", "all", "bonus:x", "", "-3"))
    with pytest.raises(Refused) as caught:
        worth(region.workspace, 2024, ningde(), OLD, NEW)
    assert [f.code for f in caught.value.findings] == ["coefficient_negative"]


def test_exports_hold_every_row(region: Region, tmp_path: Path) -> None:
    by_hand(region)
    found = worth(region.workspace, 2024, ningde(), OLD, NEW)
    for lang in ("zh", "en"):
        for sheet in found.worksheets(lang):
            for write, ending in ((worksheet_csv, "csv"), (worksheet_xlsx, "xlsx")):
                write(sheet, tmp_path / f"{sheet.id}.{ending}", lang)
            lines = (tmp_path / f"{sheet.id}.csv").read_text("utf-8-sig").splitlines()
            assert len(lines) == sheet.rows + 2
            assert not any(word.startswith("revision.") for word in lines[0].split(","))


