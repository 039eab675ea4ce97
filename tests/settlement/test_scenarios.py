"""Scenarios: kept through the ledger, stamped wherever they show, never among sets and runs, and side by side."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from openpyxl import load_workbook
from test_whatif import made

from core import cli
from core.export.tables import clearing_json, write_csv
from core.export.workbook import write
from core.faults import Refused, WorldFault
from core.rules import packs
from core.rules.sheet import Clearing
from core.settings import ROOT
from core.settlement import annual, coefficients, gather, scenarios
from core.settlement.changes import NONE, Changes
from core.settlement.clearing import clear, rows_of, verify
from core.settlement.coefficients import Cell
from core.settlement.runs import runs
from core.settlement.scenarios import Scenario
from core.settlement.whatif import Pool
from core.storage.workspace import Workspace
from core.texts import Texts

HIGHER = Changes((Cell("H00", "all", "base", "1.1"),), parameters={"low.when": "x <= 0.5"})
LOWER = Changes((Cell("H00", "all", "base", "0.6"),), budget={("employee", "dip_budget"): 5_000_000_00})


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    annual.forget()
    gather.forget()
    one = made(tmp_path / "w.dz", 90)
    yield one
    one.close()


@pytest.fixture
def pool(workspace: Workspace) -> Pool:
    return Pool.open(workspace, 2024, packs.load("ningde-2024"), set_name="P")


def names(workspace: Workspace) -> list[str]:
    return [one.name for one in scenarios.stored(workspace.reader())]


def test_kept_undone_redone_renamed_dropped(workspace: Workspace, pool: Pool) -> None:
    scenarios.keep(workspace, scenarios.of(pool, "甲", HIGHER, "备注"), "试一试")
    kept = scenarios.find(workspace.reader(), "甲")
    assert kept is not None
    assert (kept.year, kept.pack, kept.set_name, kept.catalogue, kept.note) == (2024, "ningde-2024", "P", "v2024", "备注")
    assert kept.changes.text == HIGHER.text
    assert workspace.ledger.lines(1)[0].why == "试一试"
    scenarios.keep(workspace, scenarios.of(pool, "甲", LOWER))
    workspace.ledger.undo()
    assert scenarios.find(workspace.reader(), "甲") == kept
    workspace.ledger.redo()
    assert scenarios.find(workspace.reader(), "甲").changes.text == LOWER.text  # type: ignore[union-attr]
    scenarios.rename(workspace, "甲", "乙")
    assert names(workspace) == ["乙"]
    workspace.ledger.undo()
    assert names(workspace) == ["甲"]
    scenarios.drop(workspace, "甲")
    assert names(workspace) == []
    workspace.ledger.undo()
    assert names(workspace) == ["甲"]
    assert not workspace.ledger.check()


def test_names_and_empty_ones_are_refused(workspace: Workspace, pool: Pool) -> None:
    scenarios.keep(workspace, scenarios.of(pool, "甲", HIGHER))
    scenarios.keep(workspace, scenarios.of(pool, "乙", HIGHER))
    line = workspace.generation()
    for work, code in (
        (lambda: scenarios.keep(workspace, scenarios.of(pool, "P", HIGHER)), "scenario_is_set"),
        (lambda: scenarios.keep(workspace, scenarios.of(pool, " 丙", HIGHER)), "scenario_unnamed"),
        (lambda: scenarios.keep(workspace, scenarios.of(pool, "", HIGHER)), "scenario_unnamed"),
        (lambda: scenarios.keep(workspace, scenarios.of(pool, "丙", NONE)), "scenario_empty"),
        (lambda: scenarios.keep(workspace, scenarios.of(pool, "甲", HIGHER)), "nothing_changed"),
        (lambda: scenarios.keep(workspace, scenarios.of(pool, "甲", LOWER), new=True), "scenario_exists"),
        (lambda: scenarios.rename(workspace, "甲", "乙"), "scenario_exists"),
        (lambda: scenarios.rename(workspace, "甲", "D"), "scenario_is_set"),
        (lambda: coefficients.draft(workspace, "甲", "P"), "set_is_scenario"),
        (lambda: coefficients.publish(workspace, "D", "乙"), "set_is_scenario"),
        (lambda: scenarios.rename(workspace, "丁", "戊"), "scenario_unknown"),
        (lambda: scenarios.drop(workspace, "丁"), "scenario_unknown"),
        (lambda: scenarios.clear(workspace, "丁"), "scenario_unknown"),
        (lambda: scenarios.clear(workspace, "甲", year=2023), "scenario_other_year"),
        (lambda: scenarios.clear(workspace, "甲", pack=packs.load("national-draft-3")), "scenario_other_pack"),
    ):
        with pytest.raises(Refused) as refused:
            work()
        assert refused.value.code == code
        assert Texts("zh").fault(refused.value) != code
    assert workspace.generation() == line


def test_a_scenarios_clearing_is_stamped_and_never_a_run(workspace: Workspace, pool: Pool, tmp_path: Path) -> None:
    plain = clear(workspace, 2024, pool.pack, set_name="P")
    scenarios.keep(workspace, scenarios.of(pool, "甲", HIGHER))
    found = scenarios.clear(workspace, "甲", year=2024, pack=pool.pack)
    assert found.funds == pool.outcome(HIGHER).funds
    assert (found.stamps.scenario, found.stamps.parameters) == ("甲", {"low.when": "x <= 0.5"})
    assert json.loads(found.stamps.changes) == {"cells": [["H00", "all", "base", "1.1", "", ""]]}
    assert [run.hash for run in runs(workspace)] == [plain.stamps.run_hash]
    assert "scenario" not in json.loads(clearing_json(plain))["stamps"]
    assert json.loads(clearing_json(found))["stamps"]["scenario"] == "甲"
    named = clear(workspace, 2024, pool.pack, set_name="P", changes=HIGHER, scenario="乙")
    assert named.funds == found.funds
    assert named.stamps.run_hash != found.stamps.run_hash
    assert not [one for one in verify(workspace) if one.severity == "blocked"]

    write_csv(found, tmp_path / "s.csv", Texts("zh"))
    with (tmp_path / "s.csv").open(encoding="utf-8-sig", newline="") as file:
        last = list(csv.reader(file))[-1]
    assert last[:2] == ["SCENARIO", "甲"]
    write_csv(plain, tmp_path / "p.csv", Texts("zh"))
    assert "SCENARIO" not in (tmp_path / "p.csv").read_text("utf-8-sig")
    write(found, tmp_path / "s.xlsx", "zh")
    book = load_workbook(tmp_path / "s.xlsx")
    assert all("甲" in str(page["A2"].value) for page in book.worksheets)
    told = [str(cell.value) for page in book.worksheets for row in page.iter_rows() for cell in row if cell.value is not None]
    assert "H00 · 两险种共用 · 基本系数 · 1.1" in told
    every = Changes((Cell("H00", "employee", "bonus:专科", None, "2024-07-01"),), {"G1": Fraction("12.5")}, budget=LOWER.budget)
    tried = replace(found, stamps=replace(found.stamps, changes=every.text))
    write(tried, tmp_path / "t.xlsx", "zh")
    told = [str(cell.value) for page in load_workbook(tmp_path / "t.xlsx").worksheets for row in page.iter_rows() for cell in row]
    assert {"H00 · 职工 · 加成：专科 · — · 2024-07-01", "G1 · 12.5", "职工医保 · DIP 预算 · 5000000.00 元"} <= set(told)  # yuan, not fen
    write(plain, tmp_path / "p.xlsx", "zh")
    assert not any("情景" in str(page["A2"].value) for page in load_workbook(tmp_path / "p.xlsx").worksheets)


def test_beneath_a_scenarios_figure_stands_what_it_put_there(workspace: Workspace, pool: Pool) -> None:
    """An amount that was tried is never shown as rows that came from a file."""
    plain = clear(workspace, 2024, pool.pack, set_name="P")
    scenarios.keep(workspace, scenarios.of(pool, "甲", LOWER))
    found = scenarios.clear(workspace, "甲")
    for clearing, fund in ((plain, "employee"), (plain, "resident"), (found, "resident"), (found, "employee")):
        rows = rows_of(workspace, clearing, fund, "", "budget", "zh")
        assert Fraction(int(rows.totals["amount"]), 100) == clearing.fund(fund).region["budget"]
    told = [[rows.text(row, column) for column in rows.columns] for row in range(rows.rows)]
    ours = [line for line in told if line[0] == "dip_budget"]
    assert ours == [["dip_budget", "", "情景试算，不是正式清算：甲", "5000000.00", "", "", ""]]
    assert all(line[2] == "" or "情景" not in line[2] for line in told if line[0] != "dip_budget")

    def coefficients_of(clearing: Clearing, code: str) -> list[str]:
        rows = rows_of(workspace, clearing, "employee", code, "coefficient", "zh")
        return [str(one) for one in rows.cells["remark"]]

    other = next(one.code for one in found.fund("employee").institutions if one.code != "H00")
    assert coefficients_of(found, other) == coefficients_of(plain, other)
    assert coefficients_of(plain, "H00") != coefficients_of(found, "H00")
    assert "base = 0.6 (情景试算，不是正式清算：甲)" in coefficients_of(found, "H00")
    scenarios.keep(workspace, scenarios.of(pool, "乙", Changes((Cell("H01", "all", "base", "1.1", "2024-07-01"),))))
    dated = coefficients_of(scenarios.clear(workspace, "乙"), "H01")
    assert len(dated) == len(coefficients_of(plain, "H01")) + 1  # the older row still holds before that day


def test_parameters_of_the_pool_go_with_the_scenario(workspace: Workspace) -> None:
    pack = packs.load("ningde-2024", {"case.places": "2"})
    pool = Pool.open(workspace, 2024, pack, set_name="P")
    scenarios.keep(workspace, scenarios.of(pool, "甲", HIGHER))
    found = scenarios.clear(workspace, "甲")
    assert found.stamps.parameters == {"case.places": "2", "low.when": "x <= 0.5"}
    assert found.funds == pool.outcome(HIGHER).funds


def test_side_by_side(workspace: Workspace, pool: Pool) -> None:
    scenarios.keep(workspace, scenarios.of(pool, "高", HIGHER))
    scenarios.keep(workspace, scenarios.of(pool, "低", LOWER))
    sheet = scenarios.compare(workspace, ["高", "低"], lang="zh")
    high, low = pool.outcome(HIGHER), pool.outcome(LOWER)
    assert [column.title["zh"] for column in sheet.columns[-4:]] == ["高", "高增减", "低", "低增减"]
    for i, outcome in enumerate((high, low)):
        by_key = {f"{one.fund}.{one.code}": one for one in outcome.gains()}
        for row, key in enumerate(sheet.keys.tolist()):  # type: ignore[union-attr]
            assert sheet.cells[f"tried_{i}"][row] == by_key[key].after["due"]
            assert sheet.cells[f"change_{i}"][row] == by_key[key].changes["due"]
        assert sheet.totals[f"change_{i}"] == sum((one.due for one in outcome.closings()), Fraction(0))
    region = scenarios.regions(pool, {"高": high, "低": low}, "zh")
    row = region.keys.tolist().index("employee.budget")  # type: ignore[union-attr]
    assert [region.cells[name][row] for name in ("before", "tried_0", "tried_1")] == [2_000_000, 2_000_000, 5_000_000]


def test_different_states_are_not_laid_side_by_side(workspace: Workspace, pool: Pool) -> None:
    scenarios.keep(workspace, scenarios.of(pool, "甲", HIGHER))
    scenarios.keep(workspace, Scenario("乙", 2024, "ningde-2024", HIGHER, "D", "v2024"))
    with pytest.raises(Refused) as refused:
        scenarios.compare(workspace, ["甲", "乙"])
    assert refused.value.code == "scenarios_differ"
    assert [one.subject for one in refused.value.findings] == ["甲", "乙"]
    with pytest.raises(Refused) as unknown:
        scenarios.compare(workspace, ["甲", "丙"])
    assert unknown.value.code == "scenario_unknown"


def test_a_scenario_that_cannot_be_is_named(workspace: Workspace, pool: Pool) -> None:
    bad = Changes((Cell("H99", "all", "base", "1"),))
    with pytest.raises(Refused) as refused:
        scenarios.outcomes(pool, {"好": HIGHER, "坏": bad})
    assert refused.value.values["name"] == "坏"
    assert refused.value.findings[0].values["scenario"] == "坏"


def test_text_that_nobody_wrote_is_refused() -> None:
    for text in ("{", "[]", '{"cells": [["H00"]]}', '{"other": []}', '{"budget": [["employee", "x", "y"]]}', "3"):
        with pytest.raises(Refused) as refused:
            Changes.of(text)
        assert refused.value.code == "scenario_unreadable"


def test_clear_takes_a_scenario(workspace: Workspace, pool: Pool, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scenarios.keep(workspace, scenarios.of(pool, "甲", HIGHER))
    path, out = str(workspace.path), tmp_path / "s.json"
    workspace.close()
    base = ["clear", path, "--year", "2024", "--pack", "ningde-2024", "--lang", "zh"]
    assert cli.main([*base, "--set", "甲", "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "情景试算，不是正式清算：甲" in said
    told = json.loads(out.read_text("utf-8"))
    assert (told["stamps"]["scenario"], told["set"]) == ("甲", "P")
    assert cli.main([*base, "--set", "甲", "--grouping", "own"]) == 2
    assert cli.main([*base[:3], "2023", *base[4:], "--set", "甲"]) == 1
    assert cli.main([*base, "--set", "P"]) == 0
    assert "情景" not in capsys.readouterr().out
    with Workspace.open(path) as again:
        assert len(runs(again)) == 1
        with again.transaction("draft", "甲") as writer:  # past the check of names: a set arrives under the name
            writer.execute("INSERT INTO coefficient_set (name, state, at) VALUES ('甲', 'draft', '')")
    assert cli.main([*base, "--set", "甲"]) == 1
    assert "改名" in capsys.readouterr().err


# -- other processes -------------------------------------------------------------------------------------------

KEEPING = """
import sys
from pathlib import Path
from core.settlement.changes import Changes
from core.settlement.coefficients import Cell
from core.settlement.scenarios import Scenario, keep, rename
from core.storage.workspace import Workspace
with Workspace.open(Path(sys.argv[1]), strict=True) as workspace:
    print("open", flush=True)
    for turn in range(int(sys.argv[2])):
        cells = tuple(Cell(f"H{n:03}", "all", "base", f"1.{turn:04}1") for n in range(40))
        keep(workspace, Scenario("甲", 2024, "ningde-2024", Changes(cells), "P"), f"{turn}")
        rename(workspace, "甲", "乙")
        rename(workspace, "乙", "甲")
        print(turn, flush=True)
"""


def keeping(path: Path, turns: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", KEEPING, str(path), str(turns)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip


def test_of_two_processes_one_keeps_scenarios_and_the_other_hears_why_not(workspace: Workspace, pool: Pool) -> None:
    path = workspace.path
    other = keeping(path, 1)
    _, err = other.communicate(timeout=200)
    assert other.returncode != 0
    assert "locked" in err
    scenarios.keep(workspace, scenarios.of(pool, "丙", HIGHER))
    workspace.close()
    other = keeping(path, 200)
    assert other.stdout is not None
    assert [other.stdout.readline().strip() for _ in range(2)] == ["open", "0"]
    with Workspace.open(path) as second:  # while the other one writes
        assert second.read_only
        assert "丙" in names(second)
        mine = Scenario("丙", 2024, "ningde-2024", LOWER, "P")
        for work in (
            lambda: scenarios.keep(second, mine),
            lambda: scenarios.rename(second, "丙", "丁"),
            lambda: scenarios.drop(second, "丙"),
        ):
            with pytest.raises(WorldFault, match="read_only"):
                work()
    other.send_signal(signal.SIGKILL)
    other.communicate()
    with Workspace.open(path, strict=True) as later:
        assert scenarios.find(later.reader(), "丙").changes == HIGHER  # type: ignore[union-attr]
        (theirs,) = [one for one in scenarios.stored(later.reader()) if one.name != "丙"]  # under one of its two names
        assert len(theirs.changes.cells) == 40
        assert len({one.value for one in theirs.changes.cells}) == 1, "a scenario is there whole or not at all"
        assert later.ledger.check() == []
        edits = [line for line in later.ledger.lines() if line.action == "edit" and any(c.table == "scenario" for c in line.changes)]
        replayed: dict[str, object] = {}
        for line in sorted(edits, key=lambda line: line.id):
            for change in line.changes:
                replayed.pop(str(change.key["name"]), None)
                if change.after is not None:
                    replayed[str(change.key["name"])] = change.after["changes"]
        assert replayed == {one.name: one.changes.text for one in scenarios.stored(later.reader())}
