"""Sets, edits, history: one paste one undo, stale edits refused with both values, limits, and a ledger that gives the set again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from region import Region

from core.faults import Refused, WorldFault
from core.money import decimal
from core.rules.deriving import Limit
from core.settings import ROOT
from core.settlement import coefficients
from core.settlement.coefficient_history import cell_history, changed_since
from core.settlement.coefficient_sheets import difference, grid
from core.settlement.coefficients import Cell, Part, content_hash, draft, edit, outside, parts, publish
from core.settlement.entry import parse_entry
from core.storage.ledger import Edit, arrival
from core.storage.workspace import Workspace
from core.texts import LANGUAGES, Texts

ZH = Texts("zh")


@pytest.fixture
def small(region: Region) -> Region:
    region.institutions(("H1", "宁德市医院", 2), ("H2", "福安中医院", 6), ("H3", "霞浦卫生院", 14))
    region.coefficients(
        ("H1", "all", "base", "", "1.1"), ("H1", "employee", "base", "2024-07-01", "1.2"),
        ("H1", "all", "bonus:重点专科", "", "0.02"), ("H2", "all", "base", "", "0.9"),
        ("H2", "all", "deduction:违规", "2024-03-01", "0.05"),
    )  # fmt: skip
    return region


def content(region: Region, name: str) -> dict[tuple[str, str, str, int], Fraction]:
    return {(one.code, one.fund, one.name, one.day): one.value for one in parts(region.workspace.reader(), name)}


# -- the grid --------------------------------------------------------------------------------------------------


def test_the_grid_shows_what_holds_on_a_day_in_a_fund(small: Region) -> None:
    con = small.workspace.reader()
    seen = {
        (fund, day): [
            [shown.sheet.text(row, column) for column in shown.sheet.columns if column.kind == "exact"] for row in range(3)
        ]
        for fund, day in (("employee", 20240101), ("employee", 20241231), ("resident", 20241231), ("all", 20241231))
        for shown in [grid(con, "imported", fund, day, texts=ZH)]
    }  # columns: base, bonus, deduction, k
    assert seen["employee", 20240101] == [["1.1", "0.02", "", "1.12"], ["0.9", "", "", "0.9"], ["", "", "", ""]]
    assert seen["employee", 20241231] == [["1.2", "0.02", "", "1.22"], ["0.9", "", "0.05", "0.85"], ["", "", "", ""]]
    assert seen["resident", 20241231] == [["1.1", "0.02", "", "1.12"], ["0.9", "", "0.05", "0.85"], ["", "", "", ""]]
    assert seen["all", 20241231] == seen["resident", 20241231]


def test_institutions_are_found_by_name_pinyin_level_and_grade(small: Region) -> None:
    shown = grid(small.workspace.reader(), "imported", "employee", 20241231, texts=ZH)
    codes = [str(code) for code in shown.sheet.keys]  # type: ignore[union-attr]
    for text, wanted in (("中医", ["H2"]), ("fazyy", ["H2"]), ("H3", ["H3"]), ("三级甲等", ["H1"]), ("一级", ["H3"]), ("无", [])):
        assert [codes[row] for row in shown.find(text)] == wanted, text


def test_a_cell_knows_where_it_is_written_and_what_was_seen(small: Region) -> None:
    shown = grid(small.workspace.reader(), "imported", "employee", 20241231)
    own = shown.cell("H1", "base", parse_entry("+0.01", shown.value("H1", "base")))
    assert (own.fund, own.valid_from, own.value, own.seen) == ("employee", "2024-07-01", "1.21", "1.2")
    shared = shown.cell("H2", "deduction:违规", Fraction("0.1"))
    assert (shared.fund, shared.valid_from, shared.seen) == ("employee", "2024-03-01", "")
    new = shown.cell("H3", "base", Fraction(1), "2024-01-01")
    assert (new.valid_from, new.seen) == ("2024-01-01", "")
    draft(small.workspace, "稿", "imported")
    edit(small.workspace, "稿", [own, shared, new])
    after = grid(small.workspace.reader(), "稿", "employee", 20241231)
    assert [after.value(code, part) for code, part in (("H1", "base"), ("H2", "deduction:违规"), ("H3", "base"))] == [
        Fraction("1.21"), Fraction("0.1"), 1,
    ]  # fmt: skip
    assert grid(small.workspace.reader(), "稿", "resident", 20241231).value("H2", "deduction:违规") == Fraction("0.05")


def test_limits_are_marked_in_the_grid_and_refuse_edits(small: Region) -> None:
    limits = [
        Limit("base", Fraction("0.5"), Fraction("1.15"), "mark"), Limit("bonus", None, Fraction("0.03"), "refuse"),
        Limit("k", None, Fraction("1.25"), "refuse"),
    ]  # fmt: skip
    shown = grid(small.workspace.reader(), "imported", "employee", 20241231, limits, texts=ZH)
    assert shown.outside == {("H1", "base"): False}
    assert shown.sheet.text(0, shown.sheet.columns[-1]) == "基本系数"
    draft(small.workspace, "稿", "imported")
    edit(small.workspace, "稿", [Cell("H1", "all", "base", "1.16")], limits=limits)  # only marked
    for cell, column in (
        (Cell("H1", "all", "bonus:新", "0.031"), "bonus:新"),
        (Cell("H1", "employee", "base", "1.231", "2024-07-01"), "k"),  # with its bonus 1.251
    ):
        with pytest.raises(Refused, match="cells_refused") as refused:
            edit(small.workspace, "稿", [cell], limits=limits)
        assert [(one.code, one.column) for one in refused.value.findings] == [("coefficient_outside", column)]
    edit(small.workspace, "稿", [Cell("H1", "employee", "base", "1.23", "2024-07-01")], limits=limits)


# -- edits -----------------------------------------------------------------------------------------------------


def test_findings_name_parts_in_words(small: Region) -> None:
    limits = (Limit("base", Fraction(0), Fraction(1), "refuse"), Limit("k", Fraction(0), Fraction(1), "refuse"))
    cells = [Cell("H1", "all", "base", "1.2"), Cell("H1", "all", "bonus:重点专科", "0.5"), Cell("H2", "all", "deduction:违规", "2", "x")]
    said = [*outside(cells, limits)]
    with pytest.raises(Refused) as refused:
        edit(small.workspace, "imported", [Cell("H1", "all", part, "1", "", "", "9") for part in ("base", "bonus:重点专科")])
    said += refused.value.findings
    assert [ZH.column(one.column) for one in said] == ["基本系数", "基本系数", "加成：重点专科"]
    for one in said:
        assert ZH.column(one.column) in ZH.finding(one)
        assert "base" not in ZH.finding(one)
    assert [ZH.column(name) for name in ("k", "deduction:违规", "dip_budget", "bonus", "own", "")] == [
        "机构系数", "扣减：违规", "DIP 预算", "bonus", "own", ""
    ]  # fmt: skip


def test_a_paste_is_one_edit_and_one_undo(small: Region) -> None:
    draft(small.workspace, "稿", "imported")
    before, lines = content(small, "稿"), len(small.workspace.ledger.lines())
    block = [Cell(code, "all", part, f"0.{i}") for i, code in enumerate(("H1", "H2", "H3"), 1) for part in ("base", "bonus:新")]
    edit(small.workspace, "稿", block, "粘贴")
    assert len(small.workspace.ledger.lines()) == lines + 1
    after = content(small, "稿")
    small.workspace.ledger.undo()
    assert content(small, "稿") == before
    small.workspace.ledger.redo()
    assert content(small, "稿") == after


def test_a_stale_edit_names_both_values_and_changes_nothing(small: Region) -> None:
    draft(small.workspace, "稿", "imported")
    shown = grid(small.workspace.reader(), "稿", "all", 20241231)
    mine = [shown.cell("H1", "base", Fraction("1.3")), shown.cell("H2", "base", Fraction("0.8")), shown.cell("H3", "base", Fraction(1))]
    edit(small.workspace, "稿", [Cell("H1", "all", "base", "1.05"), Cell("H3", "all", "base", "0.7")])
    before = content(small, "稿")
    with pytest.raises(Refused, match="stale_edit") as refused:
        edit(small.workspace, "稿", mine)
    assert [(one.subject, one.values["seen"], one.value) for one in refused.value.findings] == [
        ("H1", "1.1", "1.05"), ("H3", "—", "0.7"),
    ]  # fmt: skip
    assert content(small, "稿") == before
    for lang in LANGUAGES:
        said = Texts(lang).fault(refused.value)
        assert "1.1" in said
        assert "1.05" in said
    edit(small.workspace, "稿", [Cell("H2", "all", "base", "0.81", seen="0.900")])  # the same number, written otherwise


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        (Cell("H9", "all", "base", "1"), "coefficient_institution_unknown"),
        (Cell("H1", "everybody", "base", "1"), "coefficient_fund_unknown"),
        (Cell("H1", "all", "bonus:", "1"), "coefficient_part_unknown"),
        (Cell("H1", "all", "prize:x", "1"), "coefficient_part_unknown"),
        (Cell("H1", "all", "base", "1", "2024-02-30"), "coefficient_day_unreadable"),
        (Cell("H1", "all", "base", "1", "20240701"), "coefficient_day_unreadable"),
        (Cell("H1", "all", "base", "1", "2024-W27-1"), "coefficient_day_unreadable"),
        (Cell("H1", "all", "base", "1e3"), "coefficient_unreadable"),
        (Cell("H1", "all", "base", "-1"), "coefficient_out_of_range"),
        (Cell("H1", "all", "base", "0.1234567891"), "coefficient_out_of_range"),
    ],
)
def test_hostile_cells_are_refused_whole(small: Region, cell: Cell, code: str) -> None:
    draft(small.workspace, "稿", "imported")
    before = content(small, "稿")
    with pytest.raises(Refused, match="cells_refused") as refused:
        edit(small.workspace, "稿", [Cell("H2", "all", "base", "0.7"), cell])
    assert [one.code for one in refused.value.findings] == [code]
    assert content(small, "稿") == before


def test_hostile_names_go_through_unharmed(region: Region) -> None:
    code, part, name = "H\"1'\\", 'bonus:"; DROP TABLE coefficient; --\n\u202e\U0001f3e5', "稿'\"; --"
    region.institutions((code, "x", 2))
    draft(region.workspace, name)
    edit(region.workspace, name, [Cell(code, "all", "base", "1"), Cell(code, "all", part, "0.1", basis="=1+1")])
    assert content(region, name)[code, "all", part, 0] == Fraction("0.1")
    assert [one.after for one in cell_history(region.workspace.reader(), name, code, "employee", part)] == ["0.1"]
    for bad in ("", "  ", " x", "x "):
        with pytest.raises(Refused, match="set_unnamed"):
            draft(region.workspace, bad)
        with pytest.raises(Refused, match="set_unnamed"):
            publish(region.workspace, name, bad)


# -- sets ------------------------------------------------------------------------------------------------------


def test_publishing_keeps_the_hash_and_a_new_draft_starts_from_any_set(small: Region) -> None:
    head = publish(small.workspace, "imported", "2024 定稿")
    draft(small.workspace, "再稿", "2024 定稿")
    con = small.workspace.reader()
    by_name = {one.name: one for one in coefficients.sets(con)}
    assert by_name["再稿"].hash == head.hash == by_name["imported"].hash
    edit(small.workspace, "再稿", [Cell("H1", "all", "base", "1.0")])
    second = publish(small.workspace, "再稿", "2024 定稿二")
    assert second.hash != head.hash
    draft(small.workspace, "三稿", "2024 定稿")  # an old one
    assert content_hash(parts(small.workspace.reader(), "三稿")) == head.hash
    with pytest.raises(Refused, match="set_published"):
        edit(small.workspace, "2024 定稿", [Cell("H1", "all", "base", "2")])


def test_a_clock_that_goes_back_does_not_change_what_was_published_last(small: Region) -> None:
    with small.workspace.transaction("edit", "clock") as writer:  # as if the first had been made tomorrow
        writer.execute("UPDATE coefficient_set SET at = '2999-01-01T00:00:00+00:00'")
    publish(small.workspace, "imported", "先")
    edit(small.workspace, "imported", [Cell("H1", "all", "base", "1.5")])
    publish(small.workspace, "imported", "后")
    chosen = coefficients.choose(small.workspace.reader())
    assert chosen is not None
    assert chosen.name == "后"
    assert small.workspace.ledger.check() == []


def test_withdrawing_the_file_leaves_what_was_made_from_it(small: Region) -> None:
    batch = small.coefficients(("H3", "all", "base", "", "0.7"))
    draft(small.workspace, "稿", "imported")
    head = publish(small.workspace, "imported", "定稿")
    small.workspace.ledger.commit(Edit("withdraw", "coefficients", (arrival(batch).inverse(),)))
    assert ("H3", "all", "base", 0) not in content(small, "imported")
    assert content(small, "稿")["H3", "all", "base", 0] == Fraction("0.7")
    assert content_hash(parts(small.workspace.reader(), "定稿")) == head.hash
    small.workspace.ledger.undo()
    assert content(small, "imported") == content(small, "稿")


def test_difference_is_a_row_for_each_cell_and_its_mirror(small: Region) -> None:
    draft(small.workspace, "稿", "imported")
    edit(small.workspace, "稿", [
        Cell("H1", "all", "base", "1.15", basis="文"), Cell("H2", "all", "deduction:违规", None, "2024-03-01"),
        Cell("H3", "resident", "base", "0.7"), Cell("H2", "all", "base", "0.9", basis="只改依据"),
    ])  # fmt: skip
    con = small.workspace.reader()
    sheet = difference(con, "imported", "稿", ZH)
    rows = [[sheet.text(row, column) for column in sheet.columns] for row in range(sheet.rows)]
    assert rows == [
        ["H1", "宁德市医院", "修改", "两险种共用", "基本系数", "", "1.1", "1.15", "0.05", "文"],
        ["H2", "福安中医院", "删除", "两险种共用", "扣减：违规", "2024-03-01", "0.05", "", "", ""],
        ["H3", "霞浦卫生院", "新增", "居民", "基本系数", "", "", "0.7", "", ""],
    ]
    back = difference(con, "稿", "imported", ZH)
    assert [back.text(row, back.columns[7]) for row in range(3)] == [row[6] for row in rows]
    assert difference(con, "稿", "稿").rows == 0
    with pytest.raises(Refused, match="set_unknown"):
        difference(con, "稿", "没有")


# -- history ---------------------------------------------------------------------------------------------------


def test_the_history_of_a_cell_goes_back_through_undo_drafts_and_the_file(small: Region) -> None:
    workspace = small.workspace
    publish(workspace, "imported", "定稿", "首次")
    draft(workspace, "稿", "定稿", "调整")
    edit(workspace, "稿", [Cell("H1", "all", "base", "1.3")], "听证")
    edit(workspace, "imported", [Cell("H1", "all", "base", "9")], "别处")  # after the set was made: not its history
    workspace.ledger.undo()
    workspace.ledger.undo()
    said = [
        (one.action, one.set_name, one.why, one.before, one.after, bool(one.file))
        for one in cell_history(workspace.reader(), "稿", "H1", "employee", "base", "")
    ]
    assert said == [
        ("undo", "稿", "", "1.3", "1.1", False),
        ("edit", "稿", "听证", "1.1", "1.3", False),
        ("edit", "稿", "调整", "", "1.1", False),
        ("publish", "定稿", "首次", "", "", False),
        ("import", "imported", "", "", "1.1", True),
    ]
    lines = cell_history(workspace.reader(), "稿", "H1", "employee", "base")
    assert {one.valid_from for one in lines if one.action == "import"} == {"", "2024-07-01"}
    assert all(one.at for one in lines)
    answered = next(one for one in lines if one.action == "undo")
    assert answered.answers == next(one.line for one in lines if one.why == "听证")


def test_an_imported_cell_that_was_edited_keeps_its_file_in_its_history(small: Region) -> None:
    edit(small.workspace, "imported", [Cell("H2", "all", "base", "0.95")], "更正")
    said = [(one.action, one.before, one.after) for one in cell_history(small.workspace.reader(), "imported", "H2", "all", "base")]
    assert said == [("edit", "0.9", "0.95"), ("import", "", "0.9")]


def test_cells_changed_since_publication(small: Region) -> None:
    workspace = small.workspace
    assert changed_since(workspace.reader(), "imported").against == ""
    publish(workspace, "imported", "定稿")
    assert changed_since(workspace.reader(), "imported") == changed_since(workspace.reader(), "imported", "定稿")
    draft(workspace, "稿", "定稿")
    edit(workspace, "稿", [Cell("H1", "all", "base", "1.3"), Cell("H2", "all", "base", None), Cell("H3", "all", "base", "1")])
    changed = changed_since(workspace.reader(), "稿")
    assert changed.against == "定稿"
    assert changed.cells == {
        ("H1", "all", "base", 0): (Fraction("1.1"), Fraction("1.3")),
        ("H2", "all", "base", 0): (Fraction("0.9"), None),
        ("H3", "all", "base", 0): (None, Fraction(1)),
    }
    workspace.ledger.undo()
    assert changed_since(workspace.reader(), "稿").cells == {}


# -- the ledger gives the set again ------------------------------------------------------------------------------


def replayed(workspace: Workspace) -> dict[str, list[Part]]:
    """Every set that was made and edited here, from the lines alone."""
    rows: dict[tuple[str, str, str, str, str], str] = {}
    heads: set[str] = set()
    for line in reversed(workspace.ledger.lines()):
        for change in line.changes:
            if change.table == "coefficient_set":
                name = str(change.key["name"])
                (heads.discard if change.after is None else heads.add)(name)
            elif change.table == "coefficient":
                key = tuple(str(change.key[name]) for name in ("set_name", "fixmedins_code", "fund", "part", "valid_from"))
                if change.after is None:
                    del rows[key]  # type: ignore[arg-type]
                else:
                    assert change.before is not None or key not in rows
                    rows[key] = str(change.after["value"])  # type: ignore[index]
    return {
        head: [
            Part(code, fund, part, int(day.replace("-", "") or 0), decimal(value))
            for (name, code, fund, part, day), value in sorted(rows.items()) if name == head
        ]
        for head in heads
    }  # fmt: skip


value = st.one_of(st.none(), st.integers(0, 2000).map(lambda n: f"{n / 1000:.3f}"))
cell = st.builds(
    Cell, st.sampled_from(["H1", "H2", "H3"]), st.sampled_from(["all", "employee", "resident"]),
    st.sampled_from(["base", "bonus:甲", "deduction:乙"]), value, st.sampled_from(["", "2024-07-01"]),
)  # fmt: skip
deed = st.one_of(st.lists(cell, min_size=1, max_size=12), st.sampled_from(["undo", "redo", "draft"]))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(deeds=st.lists(deed, max_size=14))
def test_any_sequence_of_edits_undo_and_redo_is_in_the_ledger(tmp_path_factory: pytest.TempPathFactory, deeds: list[object]) -> None:
    region = Region(tmp_path_factory.mktemp("replay") / "r.dz")
    try:
        region.institutions(("H1", "甲", 2), ("H2", "乙", 6), ("H3", "丙", 9))
        ledger = region.workspace.ledger
        draft(region.workspace, "稿")
        for number, one in enumerate(deeds):
            try:
                if one == "draft":
                    draft(region.workspace, f"稿{number}", "稿")
                elif isinstance(one, str):
                    {"undo": ledger.undo, "redo": ledger.redo}[one]()
                else:
                    edit(region.workspace, "稿", one, "试")  # type: ignore[arg-type]
            except Refused as refused:
                assert refused.code in ("nothing_changed", "nothing_to_undo", "nothing_to_redo", "set_unknown")
        con = region.workspace.reader()
        found = replayed(region.workspace)
        assert sorted(found) == sorted(one.name for one in coefficients.sets(con) if one.name != "imported")
        for name, told in found.items():
            stored = parts(con, name)
            assert [(p.code, p.fund, p.name, p.day, p.value) for p in told] == [
                (p.code, p.fund, p.name, p.day, p.value) for p in stored
            ]
            assert content_hash(told) == content_hash(stored)
            if stored:
                assert publish(region.workspace, name, f"{name} 定").hash == content_hash(told)
        assert ledger.check() == []
    finally:
        region.workspace.close()


@given(order=st.permutations(range(6)))
def test_the_hash_knows_no_order(order: Sequence[int]) -> None:
    said = [Part(f"H{i}", "all", "base", 0, Fraction(i + 1, 10)) for i in range(6)]
    assert content_hash([said[i] for i in order]) == content_hash(said)


# -- other processes ---------------------------------------------------------------------------------------------

EDITING = """
import sys
from pathlib import Path
from core.settlement.coefficients import Cell, edit
from core.storage.ledger import Edit, arrival
from core.storage.workspace import Workspace
with Workspace.open(Path(sys.argv[1]), strict=True) as workspace:
    print("open", flush=True)
    for turn in range(int(sys.argv[2])):
        edit(workspace, "稿", [Cell(f"H{n:03}", "all", part, f"{turn + int(sys.argv[3])}.{n:03}") for n in range(150) for part in ("base", "bonus:甲")])
        print(turn, flush=True)
"""


def child(path: Path, turns: int, first: int = 1) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", EDITING, str(path), str(turns), str(first)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip


@pytest.fixture
def many(region: Region) -> Path:
    region.institutions(*((f"H{n:03}", f"院{n}", 2) for n in range(150)))
    draft(region.workspace, "稿")
    path = region.workspace.path
    region.workspace.close()
    return path


def test_of_two_processes_one_edits_and_the_other_hears_why_not(many: Path) -> None:
    with Workspace.open(many, strict=True) as first:
        other = child(many, 1)
        _, err = other.communicate(timeout=200)
        assert other.returncode != 0
        assert "locked" in err
        with Workspace.open(many) as second:
            assert second.read_only
            shown = grid(second.reader(), "稿", "all", 20241231)
            with pytest.raises(WorldFault, match="read_only"):
                edit(second, "稿", [Cell("H001", "all", "base", "1")])
        edit(first, "稿", [Cell("H001", "all", "base", "1.1")])
    with Workspace.open(many, strict=True) as later, pytest.raises(Refused, match="stale_edit"):
        edit(later, "稿", [shown.cell("H001", "base", Fraction(2))])


def test_a_process_killed_while_editing_loses_at_most_its_last_edit_and_doubles_none(many: Path) -> None:
    for first, delay in ((1, 0.0), (300, 0.013), (600, 0.05)):
        running = child(many, 250, first)
        assert running.stdout is not None
        assert running.stdout.readline().strip() == "open"
        assert running.stdout.readline().strip() == "0"
        time.sleep(delay)
        running.send_signal(signal.SIGKILL)
        running.communicate()
        with Workspace.open(many, strict=True) as workspace:
            stored = parts(workspace.reader(), "稿")
            assert len(stored) == 300
            turns = {one.value.numerator // one.value.denominator for one in stored}
            assert len(turns) == 1, "an edit is there whole or not at all"
            told = replayed(workspace)["稿"]
            assert content_hash(told) == content_hash(stored)
            assert workspace.ledger.check() == []
            whole = [line for line in workspace.ledger.lines() if line.action == "edit" and len(line.changes) == 300]
            assert len({json.dumps([dict(one.after or {}) for one in line.changes]) for line in whole}) == len(whole)
