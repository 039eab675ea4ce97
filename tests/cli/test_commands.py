"""The commands as a script drives them: exit status, one line on stderr, files written or not."""

from __future__ import annotations

import csv
import json
import os
import shlex
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from core import cli
from core.settings import ROOT, called, pasted

Run = Callable[..., tuple[int, str, str]]

FILES = {
    "institutions": "fixmedins_code,fixmedins_name,hosp_lv\nH1,甲医院,2\nH2,乙医院,8\n",
    "catalogue": "dip_code,dip_name,kind,score\nK35.3:g,阑尾炎,core,1.5000\n",
    "coefficients": "fixmedins_code,fund,part,value\nH1,all,base,1.0\nH2,all,base,0.8\n",
    "budget": "year,fund,item,amount\n2024,employee,dip_budget,10000.00\n"
    "2024,employee,outside_card,1000.00\n2024,employee,outside_manual,0.00\n",
    "cases": "setl_id,insutype,fixmedins_code,dscg_time,diag_code,medfee_sumamt,fund_pay_sumamt,hifp_pay,"
    "psn_part_amt,dip_dise_grp_code\n"
    "S1,310,H1,2024-02-01,K35.301,6000.00,4000.00,4000.00,2000.00,K35.3:g\n"
    "S2,310,H2,2024-03-01,K35.301,5000.00,3500.00,3500.00,1500.00,K35.3:g\n",
}


@pytest.fixture
def run(capsys) -> Run:
    def command(*words: object) -> tuple[int, str, str]:
        status = cli.main([str(word) for word in words])
        said = capsys.readouterr()
        return status, said.out, said.err

    return command


@pytest.fixture
def workspace(tmp_path: Path, run: Run) -> Path:
    """Everything for the employee fund of 2024."""
    path = tmp_path / "w.dianzhi"
    assert run("new", path, "--region", "350900")[0] == 0
    for kind, text in FILES.items():
        file = tmp_path / f"{kind}.csv"
        file.write_text(text, "utf-8")
        status, out, _ = run("import", path, kind, file, "--year", 2024, "--lang", "en")
        assert status == 0, out
    return path


CLEAR = ("--year", 2024, "--pack", "ningde-2024", "--fund", "employee")


def test_clear_writes_what_the_endings_ask_for(workspace: Path, tmp_path: Path, run: Run) -> None:
    outs = [tmp_path / name for name in ("o.json", "o.csv", "o.xlsx")]
    status, out, err = run("clear", workspace, *CLEAR, "--out", *outs)
    assert (status, err) == (0, "")
    document = json.loads(outs[0].read_text("utf-8"))
    fund = document["funds"]["employee"]
    # Scores 1.5 x 1.0 and 1.5 x 0.8; (10,000 - 1,000 + 3,500) / 2.7 = 4,629.6296 (4 places).
    assert [row["score"] for row in fund["institutions"]] == ["1.5", "1.2"]
    assert fund["region"]["point_value"] == "4629.6296"
    # 1.5 x 4,629.6296 = 6,944.4444 -> 6,944.44, less 2,000; 1.2 x 4,629.6296 = 5,555.5555 -> 5,555.56, less 1,500.
    assert [row["due"] for row in fund["institutions"]] == ["4944.44", "4055.56"]
    assert fund["region"]["residual"] == "0.00"
    raw = outs[1].read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(raw.decode("utf-8-sig").splitlines()))
    assert len(rows) == 4, "heading, two institutions, the total"
    assert "TOTAL" in rows[3]
    assert outs[2].read_bytes()[:2] == b"PK"
    assert "4629.6296" in out


def test_the_language_changes_words_and_no_figure(workspace: Path, tmp_path: Path, run: Run) -> None:
    made = []
    for lang in ("zh", "en"):
        out = tmp_path / f"{lang}.json"
        assert run("clear", workspace, *CLEAR, "--lang", lang, "--out", out)[0] == 0
        made.append(out.read_bytes())
    assert made[0] == made[1]


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("group", "x"), 2), (("reconcile", "x"), 2), (("nonsense",), 2), (("new",), 2),
        (("new", "{tmp}/n.dianzhi", "--region", "35"), 2), (("new", "{w}"), 3),
        (("findings", "{tmp}/none.dianzhi"), 3), (("findings", "{w}", "--out", "{tmp}/f.xlsx"), 2),
        (("import", "{w}", "nonsense", "{tmp}/cases.csv"), 2), (("import", "{w}", "cases", "{tmp}/none.csv"), 3),
        (("import", "{w}", "cases", "{tmp}/cases.csv"), 1),
        (("clear", "{w}", "--year", "2024", "--pack", "nowhere"), 2),
        (("clear", "{w}", "--year", "2024", "--pack", "common"), 1),
        (("clear", "{w}", "--year", "2023", "--pack", "ningde-2024"), 1),
        (("clear", "{w}", "--year", "2024", "--pack", "ningde-2024", "--grouping", "own"), 1),
        (("clear", "{w}", "--year", "2024", "--pack", "ningde-2024", "--set", "none"), 1),
        (("clear", "{w}", "--year", "2024", "--pack", "ningde-2024", "--param", "nothing=1"), 2),
        (("clear", "{w}", "--year", "2024", "--pack", "ningde-2024", "--param", "own_pay"), 2),
        (("clear", "{w}", "--year", "2024", "--pack", "ningde-2024", "--out", "{tmp}/o.doc"), 2),
        (("clear", "{w}", "--year", "2024", "--pack", "ningde-2024", "--out", "{tmp}/no/o.csv"), 3),
        (("pack", "check", "{tmp}/cases.csv"), 1), (("pack", "show", "nowhere"), 2), (("pack", "list"), 0),
        (("pack", "show", "national-draft-3"), 0), (("verify", "{w}"), 0), (("findings", "{w}"), 0),
        (("clear", "{w}", "--year", "24", "--pack", "ningde-2024"), 2),
        (("demo", "{tmp}/d.dianzhi", "--scale", "0"), 2), (("demo", "{w}"), 3),
    ],
)  # fmt: skip
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_exit_status(workspace: Path, tmp_path: Path, run: Run, words, status: int, lang: str) -> None:
    filled = [word.format(w=workspace, tmp=tmp_path) for word in words]
    before = sorted(path.name for path in tmp_path.iterdir())
    code, _, err = run(*filled, "--lang", lang)
    assert code == status, err
    first = err.splitlines()[0] if err else ""
    assert bool(first) == (status != 0)
    assert "fault." not in err
    assert "cli." not in err
    assert sorted(path.name for path in tmp_path.iterdir()) == before, "a command that fails leaves no file"


def test_a_blocked_clearing_writes_nothing_and_names_what_is_missing(workspace, tmp_path, run) -> None:
    more = tmp_path / "more.csv"
    more.write_text(FILES["cases"].replace("S1,310,H1", "S9,310,H9").splitlines()[0] + "\n"
                    "S9,310,H3,2024-02-01,K35.301,6000.00,4000.00,4000.00,2000.00,K35.3:g\n", "utf-8")  # fmt: skip
    extra = tmp_path / "h3.csv"
    extra.write_text("fixmedins_code,fixmedins_name,hosp_lv\nH3,丙医院,5\n", "utf-8")
    assert run("import", workspace, "institutions", extra)[0] == 0
    assert run("import", workspace, "cases", more)[0] == 0
    out = tmp_path / "o.json"
    status, _, err = run("clear", workspace, *CLEAR, "--out", out)
    assert status == 1
    assert "H3" in err
    assert not out.exists()


def test_findings_name_the_row_and_go_to_a_file(workspace: Path, tmp_path: Path, run: Run) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text("fixmedins_code,fixmedins_name,hosp_lv\nH7,丁医院,2\nH8,戊医院,九级\n", "utf-8")
    status, out, err = run("import", workspace, "institutions", bad, "--lang", "en")
    assert status == 1
    assert "read 2, accepted 1, refused 1" in out
    assert len(err.splitlines()) == 1
    listed = tmp_path / "f.csv"
    assert run("findings", workspace, "--out", listed)[0] == 0
    rows = list(csv.reader(listed.read_text("utf-8-sig").splitlines()))
    assert any("bad.csv" in row and "3" in row and "九级" in row for row in rows)


def test_dry_run_writes_nothing(workspace: Path, tmp_path: Path, run: Run) -> None:
    more = tmp_path / "more.csv"
    more.write_text("fixmedins_code,fixmedins_name,hosp_lv\nH7,丁医院,2\n", "utf-8")
    with sqlite3.connect(workspace) as connection:
        before = list(connection.iterdump())
    assert run("import", workspace, "institutions", more, "--dry-run")[0] == 0
    with sqlite3.connect(workspace) as connection:
        assert list(connection.iterdump()) == before
    connection.close()


def test_verify_finds_a_changed_figure(workspace: Path, run: Run) -> None:
    assert run("clear", workspace, *CLEAR)[0] == 0
    assert run("verify", workspace)[0] == 0
    connection = sqlite3.connect(workspace)
    connection.execute("UPDATE cases SET hifp_pay = hifp_pay + 1 WHERE setl_id = 'S1'")
    connection.commit()
    connection.close()
    status, out, err = run("verify", workspace)
    assert status == 1
    assert out
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(("lang", "shown"), [
    ("zh", "定点医药机构名称（fixmedins_name）、医院等级（hosp_lv）"), ("en", "Institution name (fixmedins_name), Hospital grade (hosp_lv)"),
])
def test_names_in_a_row_stand_as_the_language_has_them(workspace, tmp_path, run, lang: str, shown: str) -> None:
    file = tmp_path / "x.csv"
    file.write_text("fixmedins_code,a,b\nH5,1,2\n", "utf-8")
    status, _, err = run("import", workspace, "institutions", file, "--lang", lang)
    assert status == 1
    assert shown in err


def test_an_unknown_set_blocks_once(workspace: Path, run: Run) -> None:
    status, _, err = run("clear", workspace, *CLEAR, "--set", "none", "--lang", "en")
    assert status == 1
    assert len(err.splitlines()) == 2, "the sentence and its one reason"


def test_a_pack_of_another_year_is_said_with_the_result(workspace: Path, tmp_path: Path, run: Run) -> None:
    """The result stands, but nobody may take the pack for the year's own."""
    pack = tmp_path / "later.toml"
    title = '{ zh = "甲", en = "A" }'
    pack.write_text(f'[pack]\nid = "later"\nextends = "ningde-2024"\ntitle = {title}\nyears = [2025]\n', "utf-8")
    status, out, _ = run("clear", workspace, "--year", 2024, "--pack", pack, "--fund", "employee", "--lang", "en")
    assert status == 0
    assert "2025" in out


def test_a_python_without_the_libraries_says_what_to_run(tmp_path: Path) -> None:
    main = Path(cli.__file__).parents[2] / "main.py"
    ran = subprocess.run(
        [sys.executable, "-S", "-E", str(main), "new", str(tmp_path / "x.dianzhi"), "--lang", "en"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 3
    assert "bootstrap.py" in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


@pytest.mark.parametrize("found", [True, False])
@pytest.mark.parametrize("windows", [True, False])
def test_an_installed_copy_goes_by_the_name_it_has(tmp_path: Path, windows: bool, found: bool) -> None:
    """`dianzhi` where the search path has it; else the whole path, so that the line works from any folder."""
    place = tmp_path / "点 值"
    (place / "python").mkdir(parents=True)

    def path_has(name: str) -> str | None:
        return name if found else None

    assert called(place, windows, path_has) == "python main.py", "a source tree with a folder of that name"
    command = place / ("dianzhi.cmd" if windows else "dianzhi")
    command.touch()
    sign = '"' if windows else "'"
    assert called(place, windows, path_has) == ("dianzhi" if found else f"{sign}{command}{sign}")
    assert called(ROOT, windows, path_has) == "python main.py"


def test_a_path_as_a_shell_takes_it() -> None:
    assert [pasted(word, windows=True) for word in (r"C:\a\w.dz", r"C:\Eigene Daten\w.dz", "a&b", "")] == [
        r"C:\a\w.dz", r'"C:\Eigene Daten\w.dz"', '"a&b"', '""',
    ]  # fmt: skip
    assert [pasted(word, windows=False) for word in ("/a/w.dz", "/my data/w.dz", "it's", "$HOME")] == [
        "/a/w.dz", "'/my data/w.dz'", "'it'\"'\"'s'", "'$HOME'",
    ]  # fmt: skip


@pytest.mark.skipif(os.name != "posix", reason="a line pasted in sh")
def test_the_next_line_can_be_pasted(tmp_path: Path, run: Run) -> None:
    folder = tmp_path / "my 'data'"
    folder.mkdir()
    path, bad = folder / "w 1.dianzhi", tmp_path / "bad.csv"
    assert run("new", path)[0] == 0
    bad.write_text(FILES["institutions"] + "H3,,9\n", "utf-8")
    status, _, err = run("import", path, "institutions", bad, "--lang", "en")
    line = err.strip().partition("reasons: ")[2]
    assert status == 1 and line.startswith("python main.py findings ")
    ran = subprocess.run(line.replace("python", shlex.quote(sys.executable), 1), shell=True, cwd=ROOT, capture_output=True, check=False)
    assert ran.returncode == 0 and b"bad.csv" in ran.stdout, ran


@pytest.mark.skipif(os.name != "posix", reason="the command of an installed copy")
def test_an_installed_copy_says_its_own_name(tmp_path: Path) -> None:
    for name in ("core", "resources/translations"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "main.py", tmp_path)
    (tmp_path / "python").mkdir()
    (tmp_path / "dianzhi").write_text("#!/bin/sh\n")
    (tmp_path / "dianzhi").chmod(0o755)
    ask = "from core.texts import Texts; print(Texts('zh')('cli.demo_next', path='x')); from core import cli; cli.main(['--help', '--lang', 'zh'])"
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    ran = subprocess.run([sys.executable, "-c", ask], cwd=tmp_path, capture_output=True, text=True, check=False, env=environment)
    assert "下一步：dianzhi clear x" in ran.stdout and "用法：dianzhi" in ran.stdout and "main.py" not in ran.stdout, ran


@pytest.mark.parametrize("rows", ["", "2024,employee,outside_card,-5\n"])
def test_nothing_imported_is_no_success(rows: str, run: Run, tmp_path: Path) -> None:
    file, home = tmp_path / "b.csv", tmp_path / "w.dianzhi"
    file.write_text("year,fund,item,amount\n" + rows, "utf-8")
    assert run("new", home)[0] == 0
    for words in ((), ("--dry-run",)):
        status, out, err = run("import", home, "budget", file, *words, "--lang", "en")
        assert status == 1 and out.startswith("Nothing imported: b.csv") and "no batch is left" in err
    status, out, _ = run("findings", home, "--lang", "en")
    assert status == 0 and out.startswith("Findings: 0")
