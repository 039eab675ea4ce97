"""The catalogue library: which version is taken, drafts that arrive as batches, edits, publishing, undo, other processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.catalogue import library
from core.catalogue.entries import ATTRIBUTES, KINDS, STAGES, Band, Entry
from core.catalogue.library import Cell
from core.faults import Refused, WorldFault
from core.intake.load import import_file
from core.storage import batches
from core.storage.ledger import Edit, arrival
from core.storage.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]
ROWS = (
    Entry("A02.0C", "沙门菌肠炎", "core", diag_code="A02.0", attribute="conservative", score=Fraction("0.7"), mean_fee=700_00),
    Entry("AI3", "新生儿，出生体重1000～1499g", "core", "pre", "P07", condition="age_days < 29 and birth_weight < 1500", score=Fraction(5)),
    Entry("K35.8_47.0901_01_00", "阑尾炎", "core", "", "K35.8", "47.0901|47.0100", "54.2100", score=Fraction("1.0625"), mean_fee=9173_00,
          coefficients=(Fraction("0.8"), None, Fraction("1.05")), cases=7120, cv=Fraction("0.41")),
    Entry("K35:相关手术组", "阑尾炎", "composite", "", "K35", attribute="surgery", score=Fraction("1.1"), equal_to="A02.0C"),
)  # fmt: skip
BANDS = (Band("K35:相关手术组", "age", "66+", Fraction("1.08")), Band("A02.0C", "age", "1-6", Fraction("1.1"), 800_00))
METHOD = {"by": "score 2021-2023 mean", "weights": [1, 2, 7]}


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.create(tmp_path / "w", region="350900") as opened:
        yield opened


def imported(workspace: Workspace, year: int, name: str, score: str = "1") -> None:
    path = workspace.path.with_name(f"{name}.csv")
    path.write_text(f"年度,病种编码,病种名称,病种类型,主要诊断代码,分值\n{year},K35.8,阑尾炎,核心,K35.8,{score}\n", "utf-8")
    assert import_file(workspace, "catalogue", path).accepted == 1


def refusal(code: str, of: object, *args: object, **named: object) -> Refused:
    with pytest.raises(Refused) as caught:
        of(*args, **named)  # type: ignore[operator]
    assert caught.value.code == code
    return caught.value


def state(workspace: Workspace) -> list[object]:
    """All that the library holds, without what the ledger and batches tell of it."""
    reader = workspace.reader()
    tables = ("catalogue", "auxiliary", "exclusion", "catalogue_version")
    return [reader.execute(f"SELECT * FROM {table} ORDER BY 1, 2, 3").fetchall() for table in tables]


# Which version


def test_the_only_version_of_the_year_is_taken_and_drafts_only_by_name(workspace: Workspace) -> None:
    reader = workspace.reader()
    said = refusal("catalogue_missing", library.choose, reader, 2024)
    assert [(f.code, f.severity, f.values["year"]) for f in said.findings] == [("catalogue_missing", "blocked", "2024")]
    imported(workspace, 2024, "市目录")
    library.store_draft(workspace, "草稿", 2024, ROWS, method=METHOD)
    assert library.choose(reader, 2024) == "市目录"
    assert library.choose(reader, 2024, "草稿") == "草稿"
    assert refusal("catalogue_unknown", library.choose, reader, 2024, "x").values["known"] == "市目录, 草稿"
    imported(workspace, 2024, "市目录二", "2")
    assert refusal("catalogue_several", library.choose, reader, 2024).values["value"] == "市目录, 市目录二"


def test_a_draft_is_what_was_stored(workspace: Workspace) -> None:
    line = library.store_draft(workspace, "草稿", 2025, ROWS[::-1], method=METHOD, bands=BANDS, why="测算")
    reader = workspace.reader()
    found = library.entries(reader, "草稿")
    assert found.rows == tuple(replace(entry, row=place) for place, entry in enumerate(sorted(ROWS, key=lambda e: e.dip_code), 1))
    assert [found.by_code[entry.dip_code] for entry in found.rows] == list(range(len(ROWS)))
    assert library.bands(reader, "草稿", 2025) == sorted(BANDS, key=lambda band: band.dip_code)
    (one,) = library.versions(reader)
    assert (one.state, one.year, one.entries, one.kinds, one.method) == ("draft", 2025, 4, {"core": 3, "composite": 1}, METHOD)
    assert (one.file, line.why, line.action) == (METHOD["by"], "测算", "draft")
    (batch,) = batches.batches(reader)
    assert (batch.kind, batch.rows_read, batch.accepted, batch.refused) == ("catalogue", 6, 6, 0)


decimals = st.decimals(0, 99, places=4).map(Fraction)
entries = st.builds(
    Entry,
    dip_code=st.text("ABCK0123456789.:_|", min_size=1, max_size=8),
    dip_name=st.text("急性阑尾炎,\"'\n\x00A", min_size=1),
    kind=st.sampled_from(KINDS), stage=st.sampled_from(("", *STAGES)), diag_code=st.text("K35.8|+", max_size=6),
    oprn_code=st.text("47.01+|", max_size=6), attribute=st.sampled_from(("", *ATTRIBUTES)),
    score=decimals, mean_fee=st.integers(0, 10**12), mean_days=st.none() | decimals,
    coefficients=st.tuples(*[st.none() | decimals] * 3), cases=st.none() | st.integers(0, 10**9), cv=st.none() | decimals,
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(st.lists(entries, min_size=1, max_size=6, unique_by=lambda entry: entry.dip_code))
def test_any_sound_draft_comes_back_the_same(tmp_path_factory: pytest.TempPathFactory, rows: list[Entry]) -> None:
    with Workspace.create(tmp_path_factory.mktemp("w") / "w", region="350900") as workspace:
        library.store_draft(workspace, "v", 2025, rows, method={})
        wanted = [
            replace(entry, row=place, primary_care=entry.kind == "primary_care")
            for place, entry in enumerate(sorted(rows, key=lambda entry: entry.dip_code), 1)
        ]
        assert list(library.entries(workspace.reader(), "v").rows) == wanted


def test_what_no_version_can_be_is_refused_and_leaves_nothing(workspace: Workspace) -> None:
    one = ROWS[0]
    bad = [
        one, one, replace(one, dip_code="B", kind="other"), replace(one, dip_code="C", score=None),
        replace(one, dip_code="D", score=Fraction(1, 3)), replace(one, dip_code="E", score=Fraction(-1)),
        replace(one, dip_code="F", dip_name=""),
    ]  # fmt: skip
    before = state(workspace)
    said = refusal("entries_refused", library.store_draft, workspace, "v", 2025, bad, method={}, bands=[Band("Z", "age", "1-6", Fraction(1))])
    assert [(f.code, f.subject, f.column) for f in said.findings] == [
        ("entry_repeated", "A02.0C", "dip_code"), ("entry_word_unknown", "B", "kind"), ("entry_value_missing", "C", "score"),
        ("entry_number_unfit", "D", "score"), ("entry_number_unfit", "E", "score"), ("entry_value_missing", "F", "dip_name"),
        ("band_without_entry", "Z", "band"),
    ]  # fmt: skip
    refusal("version_unnamed", library.store_draft, workspace, " ", 2025, ROWS, method={})
    refusal("catalogue_unknown", library.store_draft, workspace, "v", 2025, ROWS, method={}, based_on="x")
    assert refusal("entries_refused", library.store_draft, workspace, "v", 2025, [], method={}).findings[0].code == "version_empty"
    assert state(workspace) == before and [line.action for line in workspace.ledger.lines()] == ["new"]
    library.store_draft(workspace, "v", 2025, ROWS, method={})
    refusal("version_exists", library.store_draft, workspace, "v", 2025, ROWS, method={})


# Undo and redo, withdrawing and returning


def test_undo_and_redo_of_a_draft(workspace: Workspace) -> None:
    empty = state(workspace)
    library.store_draft(workspace, "v", 2025, ROWS, method=METHOD, bands=BANDS)
    full = state(workspace)
    workspace.ledger.undo()
    assert state(workspace) == empty and library.versions(workspace.reader()) == []
    workspace.ledger.redo()
    assert state(workspace) == full
    workspace.ledger.undo()
    library.store_draft(workspace, "v", 2026, ROWS, method={})  # the name is free again
    assert [one.year for one in library.versions(workspace.reader())] == [2026]
    assert workspace.ledger.check() == []


def test_a_withdrawn_draft_gives_its_name_to_whoever_comes(workspace: Workspace) -> None:
    library.store_draft(workspace, "v", 2024, ROWS, method=METHOD)
    batch = library.versions(workspace.reader())[0].batch_id
    withdraw = Edit("withdraw", "v", (arrival(batch).inverse(),))
    workspace.ledger.commit(withdraw)
    assert library.versions(workspace.reader()) == []
    imported(workspace, 2024, "v")
    (one,) = library.versions(workspace.reader())
    assert (one.state, one.method) == ("imported", {})
    assert library.choose(workspace.reader(), 2024) == "v"


def test_an_edit_is_one_line_and_one_undo(workspace: Workspace) -> None:
    library.store_draft(workspace, "v", 2025, ROWS, method={})
    before = state(workspace)
    cells = [
        Cell("AI3", "score", "5.25"), Cell("AI3", "mean_fee", "3500000"), Cell("A02.0C", "", None), Cell("NEW", "dip_name", "新病种"),
        Cell("NEW", "kind", "core"), Cell("NEW", "score", "1"), Cell("K35:相关手术组", "equal_to", None),
    ]  # fmt: skip
    line = library.edit(workspace, "v", cells, "核定")
    assert (line.subject, line.why, len(line.changes)) == ("v: A02.0C +3", "核定", 4)
    found = library.entries(workspace.reader(), "v")
    assert (found.rows[found.by_code["AI3"]].score, found.rows[found.by_code["AI3"]].mean_fee) == (Fraction("5.25"), 3500000)
    assert "A02.0C" not in found.by_code and found.get("NEW") == Entry("NEW", "新病种", "core", score=Fraction(1))
    workspace.ledger.undo()
    assert state(workspace) == before
    workspace.ledger.redo()
    assert library.entries(workspace.reader(), "v") == found
    refusal("nothing_changed", library.edit, workspace, "v", [Cell("AI3", "score", "5.250")])
    said = refusal("cells_refused", library.edit, workspace, "v", [
        Cell("AI3", "score", "五"), Cell("AI3", "colour", "1"), Cell("NEW", "kind", "x"), Cell("NEW", "score", None),
    ])  # fmt: skip
    assert {f.code for f in said.findings} == {"entry_cell_unreadable", "entry_word_unknown", "entry_value_missing"}
    refusal("catalogue_unknown", library.edit, workspace, "x", [])


# Publishing


def test_a_published_version_is_frozen(workspace: Workspace) -> None:
    library.store_draft(workspace, "v", 2025, ROWS, method=METHOD, bands=BANDS)
    library.edit(workspace, "v", [Cell("AI3", "score", "6")])
    published = library.publish(workspace, "v", "定稿")
    reader = workspace.reader()
    assert published == library.version_of(reader, "v") and len(published.hash) == 64 and published.method == METHOD
    assert library.choose(reader, 2025) == "v"
    before = state(workspace)
    refusal("version_published", library.publish, workspace, "v")
    refusal("version_published", library.edit, workspace, "v", [Cell("AI3", "score", "7")])
    withdraw = Edit("withdraw", "v", (arrival(published.batch_id).inverse(),))
    assert refusal("catalogue_frozen", workspace.ledger.commit, withdraw).values["version"] == "v"
    refusal("catalogue_frozen", workspace.ledger.undo)  # the edit before
    (first,) = [line for line in workspace.ledger.lines() if line.action == "draft"]
    assert refusal("catalogue_frozen", workspace.ledger.undo, first.id).values["version"] == "v"
    for statement in (
        "UPDATE catalogue SET score = '9'", "DELETE FROM catalogue", "UPDATE auxiliary SET factor = '9'", "DELETE FROM auxiliary",
        "DELETE FROM catalogue_version", "UPDATE catalogue_version SET state = 'draft'",
        "INSERT INTO catalogue (version, year, dip_code, dip_name, kind, score, batch_id, row) VALUES ('v', 2025, 'X', 'x', 'core', '1', 1, 9)",
    ):  # fmt: skip
        with pytest.raises(Refused), workspace.transaction("edit", "v") as writer:
            writer.execute(statement)
    assert state(workspace) == before and library.altered(reader) == []


def test_rows_of_a_file_do_not_come_into_a_published_version(workspace: Workspace) -> None:
    imported(workspace, 2024, "v")
    library.publish(workspace, "v")
    path = workspace.path.with_name("more.csv")
    path.write_text(
        "版本,年度,病种编码,辅助类型,分档,校正系数\nv,2024,K35.8,年龄,66+,1.1\nw,2024,K35.8,年龄,66+,1.1\n", "utf-8"
    )
    receipt = import_file(workspace, "auxiliary", path)
    assert (receipt.rows_read, receipt.accepted, receipt.refused) == (2, 1, 1)
    assert [(f.code, f.row, f.value, f.severity) for f in receipt.findings] == [("version_frozen", 2, "v", "refused")]


def test_content_changed_past_the_triggers_is_found(workspace: Workspace) -> None:
    imported(workspace, 2024, "v")
    library.publish(workspace, "v")
    with workspace.transaction("edit", "v") as writer:
        writer.execute("DROP TRIGGER catalogue_frozen_update")
        writer.execute("UPDATE catalogue SET score = '2'")
    assert [(f.code, f.subject) for f in library.altered(workspace.reader())] == [("catalogue_altered", "v")]


def test_the_hash_is_of_what_is_said_not_of_who_said_it(workspace: Workspace, tmp_path: Path) -> None:
    library.store_draft(workspace, "v", 2025, ROWS, method={}, bands=BANDS)
    with Workspace.create(tmp_path / "other", region="350900") as other:
        imported(other, 2024, "x")
        library.store_draft(other, "v", 2025, ROWS[::-1], method={"other": 1}, bands=BANDS[::-1])
        assert library.content_hash(other.reader(), "v") == library.content_hash(workspace.reader(), "v")
        library.edit(other, "v", [Cell("AI3", "score", "5.0001")])
        assert library.content_hash(other.reader(), "v") != library.content_hash(workspace.reader(), "v")


# What is kept beside a version


def test_lists_go_by_the_versions_own_name_else_the_only_one_of_the_year(workspace: Workspace) -> None:
    reader = workspace.reader()

    def brought(name: str, code: str) -> None:
        path = workspace.path.with_name(f"{name}.csv")
        path.write_text(f"年度,清单,编码\n2024,手术操作,{code}\n", "utf-8")
        assert import_file(workspace, "exclusions", path).accepted == 1

    imported(workspace, 2024, "市目录")
    assert not library.exclusions(reader, "市目录", 2024).operation
    brought("清单", "03.9100")
    assert library.exclusions(reader, "市目录", 2024).operation == {"03.9100"}
    library.store_draft(workspace, "草稿", 2024, ROWS, method={}, based_on="市目录", bands=BANDS)
    assert library.exclusions(reader, "草稿", 2024).operation == {"03.9100"}  # came with the draft
    assert library.exclusions(reader, "市目录", 2024).operation == {"03.9100"}  # another's draft counts for nobody
    assert library.bands(reader, "市目录", 2024) == []
    library.publish(workspace, "草稿")
    assert library.exclusions(reader, "市目录", 2024).operation == {"03.9100"}  # nor, published, for another
    assert library.bands(reader, "市目录", 2024) == []
    brought("清单二", "96.0700")
    assert refusal("exclusions_several", library.exclusions, reader, "市目录", 2024).findings[0].severity == "blocked"
    brought("市目录", "93.9600")
    assert library.exclusions(reader, "市目录", 2024).operation == {"93.9600"}


# Other processes

KILLED = """
import sys, time
from pathlib import Path
from core.catalogue import library
from core.catalogue.entries import Entry
from core.storage.workspace import Workspace
from fractions import Fraction
rows = [Entry(f"K{n:06d}", "阑尾炎", "core", score=Fraction(n, 100)) for n in range(20000)]
workspace = Workspace.open(Path(sys.argv[1]))
original = library.batches.finish
def slow(*given):
    print("inside", flush=True)
    time.sleep(60)
    original(*given)
library.batches.finish = slow
library.store_draft(workspace, "v", 2025, rows, method={})
"""


def test_a_killed_process_leaves_no_half_draft(tmp_path: Path) -> None:
    path = tmp_path / "w"
    Workspace.create(path, region="350900").close()
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path)], cwd=ROOT, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert process.stdout is not None and process.stdout.readline().strip() == b"inside"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    with Workspace.open(path) as workspace:
        assert [one["what"] for one in workspace.interrupted] == ["draft"]
        assert library.versions(workspace.reader()) == [] and batches.batches(workspace.reader()) == []
        library.store_draft(workspace, "v", 2025, ROWS, method={})
        assert workspace.integrity() == []


def test_a_second_process_reads_what_the_first_publishes_and_cannot_write(tmp_path: Path) -> None:
    path = tmp_path / "w"
    with Workspace.create(path, region="350900") as workspace:
        library.store_draft(workspace, "v", 2025, ROWS, method={})
        script = (
            "import sys; from pathlib import Path; from core.catalogue import library; from core.storage.workspace import Workspace\n"
            "from core.faults import Fault\n"
            "with Workspace.open(Path(sys.argv[1])) as w:\n"
            "    print([one.state for one in library.versions(w.reader())])\n"
            "    try:\n        library.publish(w, 'v')\n    except Fault as fault:\n        print(fault.code)\n"
        )
        for states in (b"['draft']", b"['published']"):
            told = subprocess.run(
                [sys.executable, "-c", script, str(path)], cwd=ROOT, capture_output=True, check=True,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            ).stdout.split(b"\n")  # fmt: skip
            assert told[0].strip() == states
            assert told[1].strip() == (b"read_only" if states == b"['draft']" else b"version_published")
            if states == b"['draft']":
                library.publish(workspace, "v")


def test_a_draft_is_not_stored_in_a_read_only_workspace(tmp_path: Path) -> None:
    path = tmp_path / "w"
    Workspace.create(path, region="350900").close()
    with Workspace.open(path, write=False) as workspace, pytest.raises(WorldFault) as caught:
        library.store_draft(workspace, "v", 2025, ROWS, method={})
    assert caught.value.code == "read_only"
