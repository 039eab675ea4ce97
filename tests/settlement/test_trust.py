"""What must not go unnoticed: sets altered outside the ledger, runs taken away, runs that stand again, a pack for another fund."""

from __future__ import annotations

import hashlib
import sqlite3 as standard
from contextlib import closing
from pathlib import Path

import pytest
from region import Region

from core.faults import Refused
from core.rules import packs
from core.rules.sheet import Clearing
from core.settlement import confirmed, digest, evidence, runs
from core.settlement.clearing import case_story, cases_of, clear, rows_of, verify
from core.settlement.coefficients import publish
from core.storage.engine import library as sqlite3
from core.storage.workspace import Workspace

GROUP = "K35.3:g"


@pytest.fixture
def small(region: Region) -> Region:
    region.institutions(("H1", "甲", 5), ("H2", "乙", 9))
    region.groups({"dip_code": GROUP, "score": "1.5", "mean_fee": 1_000_000})
    region.coefficients(("H1", "all", "base", "", "1"), ("H2", "all", "base", "", "0.8"))
    region.funded("employee", "resident")
    region.cases(
        {"setl_id": "A", "institution": "H1", "fee": "10000.00"},
        {"setl_id": "B", "institution": "H2", "fee": "9000.00"},
        {"setl_id": "C", "institution": "H2", "fee": "8000.00", "fund": "resident"},
    )
    return region


def outside(region: Region, *statements: str) -> None:
    """Past the product, as somebody with a database browser would."""
    with closing(sqlite3.connect(region.workspace.path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def blocking(region: Region) -> list[str]:
    return [f.code for f in verify(region.workspace) if f.severity == "blocked"]


def test_a_draft_altered_outside_the_ledger_is_a_fault(small: Region) -> None:
    clear(small.workspace, 2024, packs.load("ningde-2024"))
    outside(small, "UPDATE coefficient SET value = '1.2' WHERE fixmedins_code = 'H1'")
    assert "run_differs_set" in blocking(small)


def test_a_published_set_altered_is_a_fault_with_or_without_a_run(small: Region) -> None:
    publish(small.workspace, "imported", "定稿")
    assert verify(small.workspace) == []
    outside(
        small,
        "DROP TRIGGER published_no_update",
        "UPDATE coefficient SET value = '1.2' WHERE fixmedins_code = 'H1' AND set_name = '定稿'",
    )
    assert blocking(small) == ["set_altered"]


def earlier(clearing: Clearing, under: digest.Under) -> str:
    """A hash of another form, as an earlier version of the program may have stored it."""
    return hashlib.sha256(f"{clearing.stamps.data_hash} {under}".encode()).hexdigest()


def test_a_run_stored_under_another_form_of_hash_is_to_be_cleared_again(small: Region, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its figures come out the same; that it is not silently taken for proven, verify says in words of its own."""
    pack = packs.load("ningde-2024")
    with monkeypatch.context() as then:
        then.setattr(digest, "of_run", earlier)
        old = clear(small.workspace, 2024, pack).stamps.run_hash
    assert blocking(small) == ["run_differs_hash"]
    with pytest.raises(Refused) as refused:
        confirmed.confirm(small.workspace, 2024)
    assert refused.value.code == "confirm_differs"
    with pytest.raises(Refused) as refused:
        evidence.bundle(small.workspace, 2024, small.workspace.path.with_suffix(".zip"))
    assert refused.value.code == "bundle_differs"
    assert clear(small.workspace, 2024, pack).stamps.run_hash != old
    assert [(one.code, one.severity) for one in verify(small.workspace)] == [("run_cleared_anew", "note")]
    confirmed.confirm(small.workspace, 2024)
    outside(small, "UPDATE run SET hash = substr(hash, 1, 63) || 'x' WHERE id = 2")
    assert "run_differs_figures" in blocking(small)


def test_a_run_taken_away_is_missed(small: Region) -> None:
    clear(small.workspace, 2024, packs.load("ningde-2024"))
    outside(small, "DELETE FROM finding WHERE run_id IS NOT NULL", "DELETE FROM run")
    assert blocking(small) == ["run_missing"]


def test_cleared_again_on_the_same_data_it_stands_again(small: Region) -> None:
    """The file is withdrawn and imported anew: the same figures, on a batch of another number."""
    pack = packs.load("ningde-2024")
    paid = small.payments(("H1", "employee", "202401", "monthly", "10"))
    first = clear(small.workspace, 2024, pack)
    small.workspace.ledger.undo()
    assert [run.stale for run in runs.runs(small.workspace)] == ["withdrawn"]
    assert small.payments(("H1", "employee", "202401", "monthly", "10")) != paid
    again = clear(small.workspace, 2024, pack)
    assert again.stamps.run_hash == first.stamps.run_hash
    assert [run.stale for run in runs.runs(small.workspace)] == ["", "withdrawn"]
    assert [f.severity for f in verify(small.workspace)] == ["note"]


def test_a_pack_for_one_fund_says_so_for_the_other(small: Region, tmp_path: Path) -> None:
    path = tmp_path / "city.toml"
    path.write_text(
        '[pack]\nid = "city"\nextends = "ningde-2024"\ntitle = { zh = "某市", en = "City" }\nfunds = ["employee"]\n',
        "utf-8",
    )
    done = clear(small.workspace, 2024, packs.load(path))
    said = [(f.subject, f.value) for f in done.findings if f.code == "pack_other_fund"]
    assert said == [("resident", "city")]
    alone = clear(small.workspace, 2024, packs.load(path), funds=("employee",))
    assert "pack_other_fund" not in [f.code for f in alone.findings]


def test_rows_beneath_by_item_are_those_of_the_figure(small: Region) -> None:
    """Cases of actual_fee are among them; a decided case that is not in scope is not."""
    small.cases(
        {"setl_id": "item", "institution": "H1", "fee": "100.00"},
        {"setl_id": "away", "institution": "H1", "fee": "200.00", "insu_admdvs": "110100"},
        {"setl_id": "none", "institution": "H1", "fee": "300.00", "group": None},
    )
    small.special(("item", "by_item", None), ("away", "by_item", None))
    for chosen, expected in (("zero", ["item"]), ("actual_fee", ["item", "none"])):
        done = clear(small.workspace, 2024, packs.load("ningde-2024", {"ungrouped": chosen}))
        table = rows_of(small.workspace, done, "employee", "H1", "by_item")
        assert list(table.cells["period"]) == expected
        assert table.totals["amount"] == done.fund("employee").values["by_item"][0] * 100
        assert next(iter(table.cells["file"])).startswith("cases-")
        story = case_story(small.workspace, done, "away")
        assert (story.counted, story.out) == (False, "area")


def test_a_parameter_at_its_default_is_not_changed() -> None:
    pack = packs.load("ningde-2024", {"own_pay": "all", "case.places": "4", "due.places": "2"})
    assert pack.changed == {}
    assert packs.load("ningde-2024", {"case.places": "none", "own_pay": "all"}).changed == {"case.places": "none"}


def test_a_newborn_age_of_zero_does_not_outdo_the_date_of_birth(small: Region) -> None:
    """Platforms write nwb_age 0 for anybody: half a year old is not `0-28d`."""
    small.auxiliary((GROUP, "age", "0-28d", "2"), (GROUP, "age", "29d-1y", "1.5"))
    small.cases(
        {"setl_id": "old", "institution": "H1", "fee": "1.00", "nwb_age": 0, "brdy": "2023-09-01"},
        {"setl_id": "new", "institution": "H1", "fee": "1.00", "nwb_age": 0, "brdy": "2024-03-05"},
        {"setl_id": "undated", "institution": "H1", "fee": "1.00", "nwb_age": 0, "age": 0},
        {"setl_id": "counted", "institution": "H1", "fee": "1.00", "nwb_age": 30, "age": 0},
    )
    done = clear(small.workspace, 2024, packs.load("ningde-2024"))
    table = cases_of(small.workspace, done, "employee", "H1")
    factors = dict(zip(table.cells["setl_id"], table.cells["u"], strict=True))
    assert {name: factors[name] for name in ("old", "new", "undated", "counted")} == {
        "old": 15, "new": 20, "undated": 20, "counted": 15,
    }  # fmt: skip


def test_a_damaged_file_is_a_finding_and_no_crash(small: Region) -> None:
    small.cases(*({"setl_id": f"D{i:04d}", "institution": "H1", "fee": "1.00"} for i in range(1000)))
    clear(small.workspace, 2024, packs.load("ningde-2024"))
    path = small.workspace.path
    small.workspace.close()
    with closing(standard.connect(path)) as connection:  # which has the table of pages
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        pages = [page for (page,) in connection.execute("SELECT pageno FROM dbstat WHERE name = 'cases'")]
    content = bytearray(path.read_bytes())
    start = (pages[-1] - 1) * size
    content[start : start + size] = b"U" * size
    path.write_bytes(content)
    with Workspace.open(path) as damaged:
        assert {f.code for f in verify(damaged)} == {"file_damaged"}


def test_a_fund_that_is_not_cleared_neither_blocks_nor_speaks(small: Region) -> None:
    """Ungrouped cases of the residents stop the residents' clearing, not the employees'."""
    small.cases({"setl_id": "none", "institution": "H1", "fee": "300.00", "group": None, "fund": "resident"})
    pack = packs.load("ningde-2024", {"ungrouped": "block"})
    alone = clear(small.workspace, 2024, pack, funds=("employee",))
    assert not {"ungrouped", "case_without_group"} & {f.code for f in alone.findings}
    with pytest.raises(Refused, match="blocked") as caught:
        clear(small.workspace, 2024, pack)
    assert [(f.code, f.values["fund"], f.value) for f in caught.value.findings] == [("ungrouped", "resident", "1")]


def test_deductions_beyond_the_base_block(small: Region) -> None:
    """A negative coefficient would pay a hospital less for every case it treats, and turn the point value round."""
    small.coefficients(("H1", "all", "deduction:a", "2024-03-01", "1.1"))
    with pytest.raises(Refused, match="blocked") as caught:
        clear(small.workspace, 2024, packs.load("ningde-2024"))
    said = [(f.code, f.subject, f.value, f.values["fund"]) for f in caught.value.findings]
    assert said == [("coefficient_negative", "H1", "-0.1", "employee")]


def test_a_point_value_that_is_not_positive_is_said(small: Region) -> None:
    small.budget(("employee", "outside_card", "200000.00"))
    done = clear(small.workspace, 2024, packs.load("ningde-2024"))
    told = [(f.subject, f.severity) for f in done.findings if f.code == "point_value_not_positive"]
    assert done.fund("employee").region["point_value"] < 0
    assert told == [("employee", "warning")]


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("UPDATE run SET funds = ''", "run_damaged"),
        ("UPDATE run SET parameters = 'zz'", "run_damaged"),
        ("UPDATE run SET batches = 'zz'", "run_damaged"),
        ("UPDATE cases SET medfee_sumamt = medfee_sumamt + 1", "case_altered"),
        ("UPDATE cases SET setl_time = '2023-01-01'", "case_altered"),
        ("UPDATE cases SET insutype = 330", "case_altered"),
        ("UPDATE batch SET accepted = accepted + 1, rows_read = rows_read + 1 WHERE kind = 'cases'", "batch_altered"),
    ],
)
def test_what_was_written_past_the_program_is_found(small: Region, statement: str, code: str) -> None:
    clear(small.workspace, 2024, packs.load("ningde-2024"))
    assert blocking(small) == []
    outside(small, statement)
    assert code in blocking(small)
