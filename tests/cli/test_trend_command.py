"""`trend` as a script drives it: what it prints, writes and ends with; the published figures off its own output."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from openpyxl import load_workbook

from core import cli
from core.analysis.indicators import INDICATORS
from core.storage.workspace import Workspace

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def shown(demonstration_copy: Callable[[int, Path], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return demonstration_copy(100, tmp_path_factory.mktemp("trend"))


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def command(*words: object, lang: str = "en") -> tuple[int, str, str]:
        status = cli.main([*map(str, words), "--lang", lang])
        said = capsys.readouterr()
        return status, said.out, said.err

    return command


def test_the_published_figures_are_read_off_the_file(run: Run, shown: Path, tmp_path: Path) -> None:
    out = tmp_path / "region.csv"
    status, said, _ = run("trend", shown, "--out", out)
    assert status == 0 and "Synthetic" in said
    with out.open(encoding="utf-8-sig", newline="") as file:
        head, *rows = csv.reader(file)
    column = {title: i for i, title in enumerate(head)}
    row = {(one[column["fund"]], one[column["period"]]): one for one in rows}

    def cell(fund: str, period: str, title: str) -> str:
        return row[fund, period][column[title]]

    assert cell("Both funds", "2024", "Mean cost (yuan)") == "6186.82"
    assert cell("Both funds", "2024", "Mean stay (days)") == "6.82"
    assert cell("Both funds", "2023", "Patient burden a case (yuan)") == "2615.88"
    assert cell("Both funds", "2024", "Patient burden a case (yuan)") == "2240.32"
    assert [cell(fund, "2024", "Score growth (%)") for fund in ("Employee fund", "Resident fund")] == ["17.96", "13.95"]
    assert cell("Both funds", "2021", "Score growth (%)") == ""
    assert "no year before" in cell("Both funds", "2021", "why cells are empty")
    growth = tmp_path / "growth.csv"
    assert run("trend", shown, "--scope", "institution", "--indicator", "score_growth", "--years", "2024", "--out", growth)[0] == 0
    with growth.open(encoding="utf-8-sig", newline="") as file:
        _, *rows = csv.reader(file)
    by_code: dict[str, list[str]] = {}
    for code, _, fund, _, value, *_ in rows:
        if fund in ("Employee fund", "Resident fund"):
            by_code.setdefault(code, []).append(value)
    pairs = {("64.70", "79.75"), ("50.84", "50.14"), ("38.76", "34.38"), ("25.33", "27.85"), ("20.59", "26.00")}
    assert pairs <= {tuple(values) for values in by_code.values()}


def test_every_form_says_the_same(run: Run, shown: Path, tmp_path: Path) -> None:
    outs = [tmp_path / f"a.{ending}" for ending in ("csv", "xlsx", "json")]
    code = "H35093000001"
    words = ("--institution", code, "--by", "quarter", "--years", "2023", "2024", "--fund", "employee")
    assert run("trend", shown, *words, "--out", *outs, lang="zh")[0] == 0
    with outs[0].open(encoding="utf-8-sig", newline="") as file:
        table = list(csv.reader(file))
    assert [row[3] for row in table[1:9]] == [f"{year} 年{quarter}季度" for year in (2023, 2024) for quarter in (1, 2, 3, 4)]
    sheet = load_workbook(outs[1]).worksheets[0]
    assert [sheet.cell(2, i + 1).value for i in range(4)] == table[0][:4]
    document = json.loads(outs[2].read_text("utf-8"))
    assert document["synthetic"] is True
    rows = document["worksheets"]["trend"]["rows"]
    assert len(rows) == 8
    assert [row["mean_cost"] or "" for row in rows] == [row[table[0].index("次均费用 (元)")] for row in table[1:9]]


def test_cases_behind_a_figure(run: Run, shown: Path, tmp_path: Path) -> None:
    out = tmp_path / "cases.csv"
    status, said, _ = run("trend", shown, "--indicator", "surgery_share", "--institution", "H35093000001", "--cases", "2024Q2")
    assert status == 0 and "Surgery share" in said
    assert run("trend", shown, "--indicator", "cases", "--cases", "2024-03", "--fund", "resident", "--out", out)[0] == 0
    with out.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))[:-1]
    assert rows and {row["Settled on"][:7] for row in rows} == {"2024-03"} and {row["Fund"] for row in rows} == {"resident"}


@pytest.mark.parametrize(("words", "said"), [
    (("--out", "{tmp}/a.doc"), "doc"),
    (("--institution", "H00000000000"), "H00000000000"),
    (("--indicator", "nonsense"), "nonsense"),
    (("--by", "week"), "--by"),
    (("--indicator", "cases", "--cases", "2024Q5"), "2024Q1"),
    (("--indicator", "fund_months", "--cases", "2024"), "fund_months"),
    (("--institution", "H35093000001", "--scope", "county"), "--scope"),
    (("--pack", "nonsense"), "nonsense"),
])  # fmt: skip
def test_asked_wrongly(run: Run, shown: Path, tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    status, _, heard = run("trend", shown, *(word.format(tmp=tmp_path) for word in words))
    assert status == 2 and said in heard and len(heard.strip().splitlines()) == 1
    assert list(tmp_path.glob("a.*")) == []


def test_without_cases_years_or_pack(run: Run, shown: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty.dz"
    Workspace.create(empty, region="110100").close()
    status, _, heard = run("trend", empty)
    assert status == 1 and "import" in heard
    status, _, heard = run("trend", shown, "--years", "1999")
    assert status == 1 and "1999" in heard and "2024" in heard
    cases = tmp_path / "cases.csv"
    head = "setl_id,insutype,fixmedins_code,dscg_time,diag_code,medfee_sumamt,fund_pay_sumamt,hifp_pay,psn_part_amt\n"
    cases.write_text(head + "1,310,H1,2024-02-01,K35.3,300.00,200.00,200.00,100.00\n", "utf-8")
    register = tmp_path / "institutions.csv"
    register.write_text("fixmedins_code,fixmedins_name,hosp_lv\nH1,甲医院,2\n", "utf-8")
    for kind, file in (("institutions", register), ("cases", cases)):
        assert run("import", empty, kind, file)[0] == 0
    status, said, _ = run("trend", empty)
    assert status == 0 and "Mean cost (yuan)\t300.00" in said and "no rule pack is chosen" in said
    status, _, heard = run("trend", empty, "--indicator", "score")
    assert status == 2 and "--pack" in heard


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_list_of_indicators(run: Run, shown: Path, lang: str) -> None:
    status, said, _ = run("trend", shown, "--indicator", "list", lang=lang)
    assert status == 0 and [line.split("\t")[0] for line in said.splitlines()] == list(INDICATORS)
    assert all(len(line.split("\t")) == 4 for line in said.splitlines())
