"""The catalogue's commands through main.py as a process, on real files: what they print, write and end with."""

from __future__ import annotations

import csv
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from openpyxl import load_workbook

from core.settings import ROOT
from core.storage.engine import library as sqlite3

Run = Callable[..., tuple[int, str, str]]
PACK = "ningde-2024"
FILES = {
    "institutions": "fixmedins_code,fixmedins_name,hosp_lv\nH1,甲医院,2\nH2,乙医院,8\n",
    "catalogue": "version,year,dip_code,dip_name,kind,diag_code,oprn_code,attribute,score,mean_fee\n"
    "old,2024,K35.3:47.0100,阑尾切除,core,K35.3,47.0100,surgery,1.5,8000.00\n"
    "old,2024,K35.3:bare,阑尾炎保守,core,K35.3,,conservative,0.8,4000.00\n"
    "old,2024,K35:surgery,阑尾手术组,composite,K35,,surgery,1.2,6000.00\n"
    "old,2024,J18.9:bare,肺炎,core,J18.9,,conservative,0.6,3000.00\n",
    "operations": "oprn_code,attribute\n47.0100,surgery\n47.0901,surgery\n",
    "coefficients": "fixmedins_code,fund,part,value\nH1,all,base,1.0\nH2,all,base,0.8\n",
    "budget": "year,fund,item,amount\n2024,employee,dip_budget,20000.00\n2024,employee,outside_card,1000.00\n"
    "2024,employee,outside_manual,0.00\n",
}
HEAD = (
    "setl_id,insutype,fixmedins_code,dscg_time,diag_code,oprn_code,medfee_sumamt,fund_pay_sumamt,hifp_pay,psn_part_amt,"
    "dip_dise_grp_code\n"
)
CASES = (
    HEAD + "S3,310,H1,2024-02-01,K35.301,47.0100,6000.00,4000.00,4000.00,2000.00,K35.3:47.0100\n"
    "S1,310,H2,2024-03-01,K35.301,,5000.00,3500.00,3500.00,1500.00,K35.3:bare\n"
    "S2,310,H2,2024-03-02,K35.301,47.0901,5000.00,3500.00,3500.00,1500.00,K35.3:47.0100\n"
    "S4,310,H2,2024-03-03,Y99.900,,5000.00,3500.00,3500.00,1500.00,\n"
)
YEARS = ("--years", 2021, 2022, 2023)


def take(run: Run, workspace: Path, kind: str, text: str, name: str = "") -> None:
    file = workspace.with_name(name or f"{kind}.csv")
    file.write_text(text, "utf-8")
    status, out, err = run("import", workspace, kind, file, "--year", 2024)
    assert status == 0, out + err


@pytest.fixture(scope="module")
def made(made_of: Callable[..., Path]) -> Path:
    return made_of("350900", {**FILES, "cases": CASES}, 2024)


@pytest.fixture
def workspace(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(made, tmp_path))


def files(folder: Path) -> list[str]:
    """All but the lock, which a copied workspace does not have yet."""
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock" and path.is_file())


def history(run: Run, workspace: Path) -> None:
    rows = [
        f"{year}{i},310,H1,{year}-02-01,{diagnosis},,{fee}.00,{fee}.00,{fee}.00,0.00,{code}\n"
        for year, scale in ((2021, 1), (2022, 2), (2023, 3))
        for i, (diagnosis, fee, code) in enumerate(
            [("K35.301", 4000 * scale, "K35.3:bare"), ("J18.900", 2000 * scale, "J18.9:bare")]
        )
    ]
    take(run, workspace, "cases", HEAD + "".join(rows), "history.csv")


def test_group_writes_every_case_and_says_the_share(workspace: Path, tmp_path: Path, run: Run) -> None:
    out = tmp_path / "g.csv"
    status, said, err = run("group", workspace, "--year", 2024, "--pack", PACK, "--out", out)
    assert (status, err) == (0, ""), "ungrouped cases are an answer"
    assert "Grouped 3 of 4 cases, 75.00%" in said
    assert "2 of 3 cases, 66.67%" in said
    assert "other operation  1" in said
    raw = out.read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(raw.decode("utf-8-sig").splitlines()))
    assert [(row["setl_id"], row["dip_code"], row["kind"]) for row in rows] == [
        ("S1", "K35.3:bare", "core"), ("S2", "K35:surgery", "composite"), ("S3", "K35.3:47.0100", "core"), ("S4", "", ""),
    ]  # fmt: skip
    assert list(rows[0]) == ["setl_id", "dip_code", "kind", "path"]
    assert all(row["path"] for row in rows)
    assert "47.0901" in rows[1]["path"]


def test_group_speaks_the_language_that_is_asked_for(workspace: Path, tmp_path: Path, run: Run) -> None:
    made = {}
    for lang in ("zh", "en"):
        out = tmp_path / f"{lang}.csv"
        assert run("group", workspace, "--year", 2024, "--pack", PACK, "--out", out, lang=lang)[0] == 0
        made[lang] = list(csv.reader(out.read_text("utf-8-sig").splitlines()))
    assert [row[:3] for row in made["zh"]] == [row[:3] for row in made["en"]]
    assert made["zh"][1][3] != made["en"][1][3]


def test_grouping_own_clears_by_the_same_groups(workspace: Path, tmp_path: Path, run: Run) -> None:
    out = tmp_path / "c.csv"
    words = ("clear", workspace, "--year", 2024, "--pack", PACK, "--fund", "employee", "--grouping", "own", "--out", out)
    status, _, err = run(*words)
    assert (status, err) == (0, "")
    by = {row["fixmedins_code"]: row["score"] for row in csv.DictReader(out.read_text("utf-8-sig").splitlines())}
    # H1: S3 1.5 x 1.0. H2: S1 0.8 x 0.8 = 0.64, S2 1.2 x 0.8 = 0.96, S4 ungrouped 0.
    assert (by["H1"], by["H2"]) == ("1.5", "1.6")
    assert run("verify", workspace)[0] == 0


def test_scores_become_a_draft_that_is_compared_and_published(workspace: Path, tmp_path: Path, run: Run) -> None:
    history(run, workspace)
    out = tmp_path / "s.csv"
    words = ("score", workspace, *YEARS, "--method", "mean", "--param", "scale=1", "auxiliary=", "--name", "new", "--out", out)
    status, said, err = run(*words)
    assert (status, err) == (0, ""), said
    # Weighted 1:2:7 by yearly means: K35.3 (4,000 + 2 x 8,000 + 7 x 12,000) / 10 = 10,400; J18.9 5,200; all 7,800.
    rows = {row[0]: row for row in csv.reader(out.read_text("utf-8-sig").splitlines())}
    assert "1.3333" in rows["K35.3:bare"]
    assert "0.6667" in rows["J18.9:bare"]
    listed = run("catalogue", workspace, "list")[1].splitlines()
    assert [line.split("\t")[:3] for line in listed] == [["new", "2024", "draft"], ["old", "2024", "imported"]]
    status, said, _ = run("catalogue", workspace, "diff", "old", "new")
    assert status == 0
    assert "rescored  2" in said
    assert "same  2" in said
    status, said, _ = run("catalogue", workspace, "publish", "new", "--why", "decided")
    assert status == 0
    assert "published" in run("catalogue", workspace, "list")[1]
    status, _, err = run("catalogue", workspace, "publish", "new")
    assert (status, len(err.splitlines())) == (1, 1)


def test_scores_without_a_name_change_nothing(workspace: Path, run: Run) -> None:
    history(run, workspace)
    before = workspace.read_bytes()
    status, said, _ = run("score", workspace, *YEARS, "--method", "quota", "--param", "quota=10000")
    assert status == 0
    assert "4 groups" in said
    assert workspace.read_bytes() == before


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_diff_says_what_it_is_worth(workspace: Path, tmp_path: Path, run: Run, ending: str) -> None:
    newer = FILES["catalogue"].replace("\nold,", "\nnew,").replace("surgery,1.5,", "surgery,1.8,")
    take(run, workspace, "catalogue", newer, "newer.csv")
    out = tmp_path / f"d.{ending}"
    words = ("catalogue", workspace, "diff", "old", "new", "--year", 2024, "--pack", PACK, "--out", out)
    status, said, err = run(*words)
    assert status == 0, err
    assert "rescored  1" in said
    # Officially S3 and S2 are of that group: 1.5 + 0.8 x 1.5 = 2.7 -> 3.24, and S1 0.64 beside them.
    assert "3.34" in said
    assert "3.88" in said
    written = list(tmp_path.glob(f"d*.{ending}"))
    assert out in written and all(f"Written: {one}" in said for one in written)
    if ending == "csv":
        assert len(written) > 3
    else:  # one workbook, a sheet for each
        assert written == [out] and len(load_workbook(out).sheetnames) > 3


def test_lint_tells_doubts_and_stays_zero(workspace: Path, tmp_path: Path, run: Run) -> None:
    status, said, _ = run("catalogue", workspace, "lint")
    assert status == 0
    assert "old" in said
    doubtful = FILES["catalogue"].replace("\nold,", "\nodd,").replace("K35.3,47.0100", "K35.3,47.01")
    take(run, workspace, "catalogue", doubtful, "odd.csv")
    out = tmp_path / "lint.csv"
    status, said, err = run("catalogue", workspace, "lint", "odd", "--printed", "national-draft-3", "--out", out)
    assert (status, err) == (0, "")
    assert "5061" in said
    assert "5051" in said
    rows = list(csv.reader(out.read_text("utf-8-sig").splitlines()))
    assert any("47.01" in row for row in rows)
    assert any("odd.csv" in row and "2" in row for row in rows)


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("group", "{w}", "--year", "2024"), 2), (("group", "{w}", "--year", "24", "--pack", PACK), 2),
        (("group", "{w}", "--year", "2024", "--pack", PACK, "--out", "{tmp}/g.xlsx"), 2),
        (("group", "{w}", "--year", "2024", "--pack", PACK, "--out", "{tmp}/no/g.csv"), 3),
        (("group", "{w}", "--year", "2023", "--pack", PACK), 1), (("group", "{tmp}/none.dianzhi", "--year", "2024", "--pack", PACK), 3),
        (("group", "{w}", "--year", "2024", "--pack", PACK, "--catalogue", "none"), 1),
        (("score", "{w}", "--years", "2021"), 2), (("score", "{w}", "--years", "2021", "--method", "guess"), 2),
        (("score", "{w}", *map(str, YEARS), "--method", "mean"), 1),
        (("score", "{w}", *map(str, YEARS), "--method", "mean", "--param", "nothing=1"), 2),
        (("score", "{w}", *map(str, YEARS), "--method", "mean", "--param", "least=x"), 2),
        (("score", "{w}", *map(str, YEARS), "--method", "mean", "--grouping", "own"), 2),
        (("score", "{w}", "--years", "2024", "--method", "mean", "--param", "weights=1", "--name", "old"), 1),
        (("catalogue", "{w}"), 2), (("catalogue", "{w}", "guess"), 2), (("catalogue", "{w}", "diff", "old"), 2),
        (("catalogue", "{w}", "diff", "old", "none"), 1), (("catalogue", "{w}", "diff", "old", "old", "--year", "2024"), 2),
        (("catalogue", "{w}", "lint", "none"), 1), (("catalogue", "{w}", "lint", "--printed", "none"), 2),
        (("catalogue", "{w}", "publish", "none"), 1), (("catalogue", "{tmp}/none.dianzhi", "list"), 3),
    ],
)  # fmt: skip
def test_exit_status(workspace: Path, tmp_path: Path, called: Run, words, status: int) -> None:
    filled = [word.format(w=workspace, tmp=tmp_path) for word in words]
    before = files(tmp_path)
    for lang in ("zh", "en"):
        code, _, err = called(*filled, lang=lang)
        assert code == status, err
        assert err
        assert not any(raw in err for raw in ("fault.", "finding.", "cli.", "{"))
    assert files(tmp_path) == before, "a command that fails leaves no file"


@pytest.mark.parametrize("words", [("group",), ("score",), ("catalogue",), ("catalogue", "x", "diff"), ("catalogue", "x", "publish")])
def test_help_in_both_languages(run: Run, words: tuple[str, ...]) -> None:
    told = {lang: run(*words, "--help", lang=lang) for lang in ("zh", "en")}
    assert all(status == 0 and "cli.help" not in out for status, out, _ in told.values())
    assert told["zh"][1] != told["en"][1]


@pytest.mark.skipif(sys.platform == "win32", reason="a process cannot be sent Ctrl-C there from here")
def standing(path: Path) -> list[object]:
    """What a workspace holds: its ledger, its batches, its versions, and work that was left in the middle."""
    tables = ("ledger", "batch", "catalogue_version", "activity")
    with closing(sqlite3.connect(path)) as connection:
        counts = connection.execute("SELECT version, count(*) FROM catalogue GROUP BY 1 ORDER BY 1").fetchall()
        return [counts, *(connection.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall() for table in tables)]


def test_ctrl_c_leaves_all_or_nothing(demonstration_copy: Callable[[int, Path], Path], tmp_path: Path) -> None:
    path = demonstration_copy(50, tmp_path)
    before = standing(path)
    words = ["score", path, "--years", "2021", "2022", "2023", "--method", "mean", "--name", "draft", "--lang", "en"]
    process = subprocess.Popen(
        [sys.executable, "main.py", *map(str, words)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    time.sleep(1.2)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=200)
    if process.returncode:
        # 130; or the signal itself, where a slow machine had not reached the command yet.
        assert process.returncode == -signal.SIGINT or (process.returncode == 130 and "interrupted" in err), err
        after = standing(path)
        if after != before:  # it came after the commit, while the table was written: then the whole draft is there
            assert len(after[1]) == len(before[1]) + 1 and not after[-1]
            assert dict(after[0])["draft"] == dict(before[0])["2024"]
