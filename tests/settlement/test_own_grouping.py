"""The clearing by the product's own grouping: another way to the group, the same way to the money."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from region import Region

from core.catalogue import library, stays
from core.catalogue.entries import Band
from core.catalogue.grouper import Grouper
from core.catalogue.stays import Stay
from core.faults import Refused
from core.rules import packs
from core.rules.grouping import rule_of
from core.settlement import annual, arrivals, gather
from core.settlement.clearing import case_story, cases_of, clear, last_run, runs, verify
from core.storage.ledger import Change, Edit

PACK = "ningde-2024"  # groups by the draft's order, which `common` brings
# Two groups under K35.3, with and without operation; a composite one under K35 for surgery.
GROUPS: Sequence[dict[str, object]] = (
    {"dip_code": "K35.3:-", "diag_code": "K35.3", "attribute": "conservative", "score": "0.4"},
    {"dip_code": "K35.3:47.01", "diag_code": "K35.3", "oprn_code": "47.0100", "attribute": "surgery", "score": "1"},
    {"dip_code": "K35:S", "kind": "composite", "diag_code": "K35", "attribute": "surgery", "score": "0.7"},
)


def ready(region: Region, *, attributes: bool = True) -> None:
    region.institutions(("H1", "甲", 2), ("H2", "乙", 5))
    region.groups(*GROUPS)
    region.coefficients(("H1", "all", "base", "", "1"), ("H2", "all", "base", "", "1"))
    region.funded("employee")
    if attributes:
        region.batch(
            "operations",
            [{"oprn_code": code, "attribute": "surgery"} for code in ("47.0100", "47.0900")],
            "operation",
        )


def grouped(region: Region, **more: str) -> dict[str, str]:
    clearing = clear(region.workspace, 2024, packs.load(PACK), grouping="own", **more)
    sheet = cases_of(region.workspace, clearing, "employee")
    return dict(zip(sheet.cells["setl_id"].tolist(), sheet.cells["dip_code"].tolist(), strict=True))


CASES: Sequence[dict[str, object]] = (
    {"setl_id": "conservative", "institution": "H1", "fee": "100", "group": "X", "diag_code": "K35.300"},
    {"setl_id": "core", "institution": "H1", "fee": "100", "group": None, "diag_code": "K35.300", "oprn_code": "47.0100"},
    {"setl_id": "composite", "institution": "H2", "fee": "100", "diag_code": "K35.900", "oprn_code": "47.0900"},
    {"setl_id": "none", "institution": "H2", "fee": "100", "group": "K35.3:-", "diag_code": "I21.000"},
)


def test_the_rule_decides_and_not_the_file(region: Region) -> None:
    """0.4 + 1 points in H1, 0.7 + 0 in H2, all of them for normal cases: no mean is given, so each counts as it is."""
    ready(region)
    region.cases(*CASES)
    assert grouped(region) == {"conservative": "K35.3:-", "core": "K35.3:47.01", "composite": "K35:S", "none": ""}
    clearing = last_run(region.workspace, 2024)
    assert clearing is not None
    assert clearing.stamps.grouping == "own"
    assert list(clearing.fund("employee").values["score"]) == [Fraction("1.4"), Fraction("0.7")]
    assert clearing.stamps.counts["ungrouped"] == 1
    official = clear(region.workspace, 2024, packs.load(PACK))
    assert official.stamps.data_hash != clearing.stamps.data_hash
    assert official.stamps.run_hash != clearing.stamps.run_hash
    assert [f.severity for f in verify(region.workspace)] == []


def test_every_case_as_if_it_were_alone(region: Region) -> None:
    """The second way: each case typed by hand and grouped by itself."""
    ready(region)
    region.cases(*CASES)
    connection = region.workspace.reader()
    grouper = Grouper(
        rule_of(packs.load(PACK)), library.entries(connection, "v2024"), library.attributes(connection)
    )
    alone: dict[str, str] = {}
    for case in CASES:
        operation = str(case.get("oprn_code") or "")
        stay = Stay(str(case["diag_code"]), [operation] if operation else [], fee=10000)
        entry = int(grouper.group(stays.one(stay)).entry[0])
        alone[str(case["setl_id"])] = grouper.entries.rows[entry].dip_code if entry >= 0 else ""
    assert grouped(region) == alone


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_order_and_strangers_do_not_matter(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """The same cases in another order, one file or several, strangers to the region among them: the same to the hash."""
    diagnoses, operations = ("K35.300", "K35.900", "I21.000"), (None, "47.0100", "47.0900", "88.0100")
    cases = [
        {
            "setl_id": f"c{i}",
            "institution": data.draw(st.sampled_from(("H1", "H2"))),
            "fee": str(data.draw(st.integers(1, 999))),
            "group": data.draw(st.sampled_from((None, "K35.3:-"))),
            "diag_code": data.draw(st.sampled_from(diagnoses)),
            "oprn_code": data.draw(st.sampled_from(operations)),
        }
        for i in range(data.draw(st.integers(1, 12)))
    ]
    strangers = [
        {"setl_id": f"s{i}", "institution": "H1", "fee": "9", "diag_code": "K35.300", "insu_admdvs": "110101"}
        for i in range(3)
    ]
    cut = data.draw(st.integers(0, len(cases)))
    found: list[tuple[str, dict[str, str]]] = []
    for turn in (cases, [*cases[cut:], *reversed(cases[:cut])]):
        annual.forget()
        gather.forget()
        made = Region(tmp_path_factory.mktemp("own") / "region.dz")
        ready(made)
        made.cases(*strangers[: 1 + cut % 3])
        # Somebody scores whatever the groups are, or there is no point value.
        made.cases({"setl_id": "sure", "institution": "H1", "fee": "9"})
        made.special(("sure", "adjusted", "1"))
        made.cases(*strangers[1 + cut % 3 :], *turn)
        groups = grouped(made)
        clearing = last_run(made.workspace, 2024)
        assert clearing is not None
        found.append((clearing.stamps.data_hash, groups))
        made.workspace.close()
    assert found[0] == found[1]


def test_means_of_the_year_before_are_of_the_same_grouping(region: Region) -> None:
    """15 cases of last year without any stated group have, by the same rule, the mean 200: a case of 100 is half of it, and
    x = 0.5 is normal (below is low); one of 99 is low: 1 * 0.495 * 1."""
    ready(region)
    region.cases(
        *(
            {
                "setl_id": f"b{i}",
                "institution": "H1",
                "fee": "200",
                "group": None,
                "day": "2023-05-01",
                "diag_code": "K35.300",
                "oprn_code": "47.0100",
            }
            for i in range(15)
        )
    )
    same = {"institution": "H1", "group": None, "diag_code": "K35.300", "oprn_code": "47.0100"}
    region.cases({"setl_id": "half", "fee": "100", **same}, {"setl_id": "low", "fee": "99", **same})
    clearing = clear(region.workspace, 2024, packs.load(PACK), grouping="own")
    assert clearing.stamps.references == {"none": 0, "given": 0, "level": 2, "catalogue": 0}
    assert clearing.fund("employee").values["score"] == (Fraction("1.495"),)


def test_operations_without_attribute_are_conservative_and_counted(region: Region) -> None:
    ready(region, attributes=False)
    region.cases(*CASES)
    clearing = clear(region.workspace, 2024, packs.load(PACK), grouping="own")
    said = [f for f in clearing.findings if f.code == "operations_without_attribute"]
    assert [(f.value, f.values["cases"], f.values["codes"]) for f in said] == [("2", "2", "47.0100, 47.0900")]
    assert grouped(region)["composite"] == ""  # no surgery any more


def test_what_the_grouping_stood_on_is_in_the_hash_and_makes_stale(region: Region) -> None:
    ready(region)
    region.cases(*CASES)
    pack = packs.load(PACK)
    own = clear(region.workspace, 2024, pack, grouping="own")
    official = clear(region.workspace, 2024, pack)
    standing = {run.hash: run.stale for run in runs(region.workspace)}
    assert set(standing.values()) == {""}
    # An operation that no case has: not one group moves, yet what the run stood on is another.
    region.batch("operations", [{"oprn_code": "99.9900", "attribute": "diagnostic"}], "operation")
    standing = {run.hash: run.stale for run in runs(region.workspace)}
    assert standing == {own.stamps.run_hash: "data_changed", official.stamps.run_hash: ""}
    again = clear(region.workspace, 2024, pack, grouping="own")
    assert again.stamps.data_hash != own.stamps.data_hash
    assert again.fund("employee").values == own.fund("employee").values
    region.batch(
        "exclusions",
        [{"version": "v2024", "year": 2024, "list": "operation", "code": "47.0900"}],
        "exclusion",
    )
    assert next(run.stale for run in runs(region.workspace) if run.hash == again.stamps.run_hash) == "data_changed"
    assert grouped(region)["composite"] == ""
    assert {run.stale for run in runs(region.workspace) if run.hash == official.stamps.run_hash} == {""}


def test_another_version_does_not_touch_a_run(region: Region) -> None:
    """A file with another version, an edit of it: the run that named its own stands. An edit of its own: it does not."""
    ready(region)
    region.cases(*CASES)
    own = clear(region.workspace, 2024, packs.load(PACK), grouping="own", catalogue="v2024")
    other = region.groups({"dip_code": "Z", "score": "1"}, version="v2025", year=2025)

    def said() -> str:
        return next(run.stale for run in runs(region.workspace) if run.hash == own.stamps.run_hash)

    assert said() == ""
    library.edit(region.workspace, "v2025", [library.Cell("Z", "score", "2")])
    assert said() == ""
    region.workspace.ledger.commit(
        Edit("withdraw", "v2025", (Change("batch", {"id": other}, {"withdrawn": 0}, {"withdrawn": 1}),))
    )
    assert said() == ""
    library.edit(region.workspace, "v2024", [library.Cell("K35:S", "score", "0.8")])
    assert said() == "data_changed"


def test_another_version_reads_no_case_again(region: Region, monkeypatch: pytest.MonkeyPatch) -> None:
    ready(region)
    region.cases(*CASES)
    grouped(region)
    region.groups(
        {"dip_code": "N", "kind": "composite", "diag_code": "K35", "attribute": "surgery", "score": "2"},
        version="w2024",
    )
    for room, name in ((arrivals, "read"), (stays, "read")):
        monkeypatch.setattr(room, name, lambda *_: pytest.fail("the cases were read again"))
    assert grouped(region, catalogue="w2024") == {"conservative": "", "core": "N", "composite": "N", "none": ""}
    clear(region.workspace, 2024, packs.load(PACK), catalogue="v2024")


def test_the_story_tells_the_path(region: Region) -> None:
    ready(region)
    region.cases(*CASES)
    clearing = clear(region.workspace, 2024, packs.load(PACK), grouping="own")
    story = case_story(region.workspace, clearing, "core")
    assert any("K35.3:47.01" in step["en"] for step in story.path)
    assert all(set(step) == {"zh", "en"} for step in story.path)
    assert next(line.value for line in story.lines if line.id == "group").startswith("K35.3:47.01")
    official = clear(region.workspace, 2024, packs.load(PACK))
    assert case_story(region.workspace, official, "core").path == ()


def test_a_pack_without_rule_is_refused(region: Region, tmp_path: Path) -> None:
    ready(region)
    region.cases(*CASES)
    bare = packs.load(PACK)
    object.__setattr__(bare, "grouping", None)
    with pytest.raises(Refused) as caught:
        clear(region.workspace, 2024, bare, grouping="own")
    assert caught.value.code == "grouping_missing"


def test_several_exclusion_lists_block(region: Region) -> None:
    ready(region)
    region.cases(*CASES)
    for version in ("a", "b"):
        region.batch(
            "exclusions",
            [{"version": version, "year": 2024, "list": "operation", "code": "47.0900"}],
            "exclusion",
        )
    with pytest.raises(Refused) as caught:
        clear(region.workspace, 2024, packs.load(PACK), grouping="own")
    assert [f.code for f in caught.value.findings] == ["exclusions_several"]
    clear(region.workspace, 2024, packs.load(PACK))  # the official group asks for no list


def test_some_cases_read_alone_are_as_among_all(region: Region) -> None:
    ready(region)
    region.cases(*CASES)
    connection = region.workspace.reader()
    whole = stays.read(connection, 2024)
    some = stays.read(connection, 2024, only=["core", "none", "nobody"])
    assert sorted(some.setl_id.tolist()) == ["core", "none"]
    at = whole.locate(some.setl_id)
    assert [some.diagnosis_of(i) for i in range(2)] == [whole.diagnosis_of(int(i)) for i in at]
    assert [some.operations_of(i) for i in range(2)] == [whole.operations_of(int(i)) for i in at]
    assert some.locate(whole.setl_id).tolist().count(-1) == len(whole) - 2


@pytest.mark.parametrize("by", ["official", "own"])
def test_a_draft_that_no_run_named_leaves_every_run(region: Region, by: str) -> None:
    """Made with bands and the exclusion lists of its base, edited, withdrawn: the run stands through all of it."""
    ready(region)
    region.cases(*CASES)
    region.batch("exclusions", [{"version": "v2024", "year": 2024, "list": "operation", "code": "47.0900"}], "exclusion")
    made = clear(region.workspace, 2024, packs.load(PACK), grouping=by)
    rows = library.entries(region.workspace.reader(), "v2024").rows

    def said() -> str:
        return next(run.stale for run in runs(region.workspace) if run.hash == made.stamps.run_hash)

    bands = [Band(rows[0].dip_code, "age", "66+", Fraction(2))]
    drafted = library.store_draft(region.workspace, "draft", 2024, rows, based_on="v2024", method={}, bands=bands)
    assert said() == ""
    library.edit(region.workspace, "draft", [library.Cell(rows[0].dip_code, "score", "7")])
    assert said() == ""
    again = clear(region.workspace, 2024, packs.load(PACK), grouping=by)
    assert again.stamps.run_hash == made.stamps.run_hash
    assert drafted.action == "draft"
