"""`compare` through main.py as a process, on real files: what it prints, writes and ends with."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest

from core.texts import Texts

Run = Callable[..., tuple[int, str, str]]
FILES = {
    "institutions": "fixmedins_code,fixmedins_name,hosp_lv\nH1,甲医院,2\nH2,乙医院,8\nH3,丙医院,8\n",
    "cases": "setl_id,insutype,fixmedins_code,dscg_time,diag_code,medfee_sumamt,fund_pay_sumamt,hifp_pay,psn_part_amt,dip_dise_grp_code\n"
    + "".join(
        f"{code}{number},310,{code},2023-02-01,K35.300,{fee},{fee},{fee},0.00,{group}\n"
        for code, number, group, fee in (
            ("H1", 1, "A", "300.00"), ("H1", 2, "B", "100.00"), ("H2", 1, "A", "200.00"), ("H2", 2, "A", "100.00"),
        )
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def made(made_of: Callable[..., Path]) -> Path:
    return made_of("110100", FILES, 2023)  # a city that no shipped pack is for


@pytest.fixture
def workspace(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(made, tmp_path))


def test_side_by_side_to_every_kind_of_file(run: Run, workspace: Path, tmp_path: Path) -> None:
    """H1: A 300, B 100, mean 200; H2: A 200, 100, mean 150. Mix: half less of A at 150 (-75), half more of B at 100 (50);
    intensity: A 150 dearer at H2's share of one; interaction: half less of it (-75)."""
    files = [tmp_path / f"out.{ending}" for ending in ("csv", "xlsx", "json")]
    status, out, err = run("compare", workspace, "H1", "H2", "--year", 2023, "--out", *files)
    assert (status, err) == (0, "")
    assert "no rule pack" in out
    assert [Texts("en")("indicators.mean_cost.title"), "yuan", "200", "150"] in [line.split("\t")[:4] for line in out.splitlines()]
    assert "甲医院 less 乙医院: mean cost 50.00 yuan = case mix -25.00 + cost within groups 150.00 + interaction -75.00" in out
    names = ["compare_indicators", "compare_groups", "compare_splits", "compare_parts"]
    told = json.loads(files[2].read_text("utf-8"))
    assert (list(told["worksheets"]), told["synthetic"]) == (names, False)
    assert told["worksheets"]["compare_splits"]["rows"][0]["mix"] == "-25.00"
    assert [row["dip_code"] for row in told["worksheets"]["compare_groups"]["rows"]] == ["A"]
    assert len(openpyxl.load_workbook(files[1]).sheetnames) == len(names)
    for name in names:
        path = files[0] if name == names[0] else tmp_path / f"out-{name}.csv"
        lines = list(csv.reader(path.read_text("utf-8-sig").splitlines()))
        assert len(lines) == 2 + len(told["worksheets"][name]["rows"])


def test_an_institution_without_cases_and_a_fund(run: Run, workspace: Path) -> None:
    status, out, _ = run("compare", workspace, "H1", "H3", "--year", 2023, "--fund", "employee", lang="zh")
    assert status == 0
    assert "丙医院（本年度无病例）" in out
    assert "H3 丙医院" in out and "没有病例，指标留空" in out
    status, out, _ = run("compare", workspace, "H1", "H2", "--year", 2023, "--fund", "resident", lang="zh")
    assert status == 0
    assert "共有病种（至少两家收治）：0 个" in out


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("H1", "--year", 2023), 2, "Two to six"),
        (("H1", "H2", "H1", "--year", 2023), 2, "H1 is named more than once"),
        (("H1", "H8", "H9", "--year", 2023), 2, "H8, H9"),
        (("H1", "H2", "--year", 2019), 1, "2023"),
        (("H1", "H2"), 2, "--year"),
        (("H1", "H2", "--year", 2023, "--pack", "atlantis-1"), 2, "atlantis-1"),
        (("H1", "H2", "--year", 2023, "--out", "x.pdf"), 2, ".json"),
    ],
)
def test_what_cannot_be_compared(called: Run, workspace: Path, words: tuple[object, ...], status: int, said: str) -> None:
    before = workspace.read_bytes()
    ended, out, err = called("compare", workspace, *words)
    assert (ended, out) == (status, "")
    assert said in err
    assert len(err.splitlines()) == 1
    assert workspace.read_bytes() == before
