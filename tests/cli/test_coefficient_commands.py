"""`coefficients` through main.py as a process, on real files: what it prints, writes and ends with."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from core.storage.workspace import Workspace

Run = Callable[..., tuple[int, str, str]]
FILES = {
    "institutions": "fixmedins_code,fixmedins_name,hosp_lv\nH1,甲医院,2\nH2,乙医院,8\n",
    "coefficients": "fixmedins_code,fund,part,value\nH1,all,base,1.0\nH2,all,base,0.8\n",
    "cases": "setl_id,insutype,fixmedins_code,dscg_time,diag_code,medfee_sumamt,fund_pay_sumamt,hifp_pay,psn_part_amt\n"
    + "".join(
        f"{year}{code},310,{code},{year}-02-01,K35.300,{fee},{fee},{fee},0.00\n"
        for year in (2021, 2022, 2023) for code, fee in (("H1", "300.00"), ("H2", "100.00"))
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def made(made_of: Callable[..., Path]) -> Path:
    return made_of("350900", FILES, 2023)


@pytest.fixture
def workspace(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(made, tmp_path))


def test_from_derivation_to_a_published_set(run: Run, workspace: Path, tmp_path: Path) -> None:
    status, out, _ = run("coefficients", workspace, "list")
    assert status == 0
    assert out.split("\t")[:3] == ["imported", "draft", "2 rows"]

    file = tmp_path / "working.csv"
    derive = ("coefficients", workspace, "derive", "--year", 2024, "--pack", "national-draft-3")
    status, out, err = run(*derive, "--name", "试算", "--why", "年度", "--out", file, "--show", "H1")
    assert (status, err) == (0, "")
    assert "(1 × 300.00 + 2 × 300.00 + 7 × 300.00) / 10 = 300.00" in out
    assert "300.00 / 200.00 = 1.5000" in out
    rows = list(csv.reader(file.read_text("utf-8-sig").splitlines()))
    assert [row[0] for row in rows if row and row[0].startswith("H")] == ["H1", "H2"]
    first = file.read_bytes()
    assert run(*derive, "--name", "试算", "--out", file)[0] == 0, "derived again: the same, and no fault"
    assert file.read_bytes() == first

    status, out, _ = run("coefficients", workspace, "diff", "imported", "试算")
    assert status == 0
    assert "2 differences at 2 institutions" in out
    diff = tmp_path / "diff.xlsx"
    status, out, _ = run("coefficients", workspace, "diff", "imported", "试算", "--out", diff, lang="zh")
    assert status == 0
    assert diff.stat().st_size > 0
    assert "2 家机构 2 处不同" in out

    status, out, _ = run("coefficients", workspace, "publish", "试算", "2024 定稿", "--why", "定稿")
    assert status == 0
    status, listed, _ = run("coefficients", workspace, "list")
    lines = [line.split("\t") for line in listed.splitlines()]
    assert [line[0] for line in lines] == ["2024 定稿", "试算", "imported"], "what a clearing takes comes first"
    assert lines[0][3] == lines[1][3], "the draft's content, frozen"
    assert lines[0][3] in out
    with Workspace.open(workspace, write=False) as opened:
        whys = [line.why for line in opened.ledger.lines() if line.why]
        assert whys == ["定稿", "年度 · national-draft-3 level_mean 2024", "年度"]


def test_without_a_name_nothing_is_stored(run: Run, workspace: Path) -> None:
    with Workspace.open(workspace, write=False) as opened:
        before = opened.generation()
    status, out, _ = run(
        "coefficients", workspace, "derive", "--year", 2024, "--pack", "national-draft-3", "--param", "weighting=totals",
        "weights=1:1:1", lang="zh",
    )  # fmt: skip
    assert status == 0
    assert "2 家机构得出系数 [V]" in out
    with Workspace.open(workspace, write=False) as opened:
        assert opened.generation() == before


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("derive", "--year", 2024, "--pack", "common"), 1, "does not say how coefficients are derived"),
        (("derive", "--year", 2024, "--pack", "no-such"), 2, "no-such"),
        (("derive", "--year", 2024, "--pack", "national-draft-3", "--param", "roundng=floor"), 2, "roundng"),
        (("derive", "--year", 2024, "--pack", "national-draft-3", "--param", "weighting=both"), 2, "both"),
        (("derive", "--year", 2024, "--pack", "national-draft-3", "--show", "H9"), 2, "H9"),
        (("derive", "--year", 2024, "--pack", "national-draft-3", "--out", "x.pdf"), 2, ".csv"),
        (("derive", "--year", 2024, "--pack", "national-draft-3", "--name", " x"), 1, "needs a name"),
        (("derive", "--year", 2015, "--pack", "national-draft-3"), 1, "no cases of"),
        (("derive", "--year", 24, "--pack", "national-draft-3"), 2, "--year"),
        (("derive", "--year", 2024), 2, "--pack"),
        (("derive", "--year", 2024, "--pack", "ningde-2024"), 1, "2023"),
        (("diff", "imported", "nothing"), 1, "nothing"),
        (("diff", "imported"), 2, "SET"),
        (("publish", "nothing", "x"), 1, "nothing"),
        (("publish", "imported", "imported"), 1, "exists"),
        (("invent",), 2, "--help"),
        ((), 2, "list|derive|diff|publish"),
    ],
)  # fmt: skip
def test_refused_in_one_line_with_its_status(
    called: Run, workspace: Path, words: tuple[object, ...], status: int, said: str
) -> None:
    with Workspace.open(workspace, write=False) as opened:
        before = opened.generation()
    for lang in ("en", "zh"):
        ended, out, err = called("coefficients", workspace, *words, lang=lang)
        assert ended == status, out + err
        assert err.strip()
        assert "{" not in err
        assert said in err or lang == "zh"
    with Workspace.open(workspace, write=False) as opened:
        assert opened.generation() == before


def test_another_writer_and_a_file_that_is_not_there(run: Run, workspace: Path, tmp_path: Path) -> None:
    with Workspace.open(workspace, strict=True):
        status, _, err = run("coefficients", workspace, "publish", "imported", "x")
        assert (status, bool(err)) == (3, True)
        assert run("coefficients", workspace, "list")[0] == 0
    assert run("coefficients", tmp_path / "none.dianzhi", "list")[0] == 3


def test_derivation_from_a_pack_file_into_a_set_that_one_names(run: Run, workspace: Path, tmp_path: Path) -> None:
    pack = tmp_path / "city.toml"
    pack.write_text(
        '[pack]\nid = "city"\nextends = "common"\ntitle = { zh = "市", en = "City" }\n'
        '[coefficients]\nmethod = "table"\ncite = "S1"\n'
        '[[coefficients.row]]\nid = "all"\ntitle = { zh = "全部", en = "all" }\nvalue = 0.75\n',
        "utf-8",
    )
    derive = ("coefficients", workspace, "derive", "--year", 2024, "--pack", pack, "--name", "表", "--from", "imported")
    assert run(*derive)[0] == 0
    status, out, _ = run("coefficients", workspace, "diff", "imported", "表")
    assert status == 0
    assert "H1  甲医院  added" in out
