"""`attribute` as a script drives it: what it prints, writes and ends with."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from core import cli
from tests.analysis.two_years import CODES, Year, made

Run = Callable[..., tuple[int, str, str]]
BEFORE = Year(
    {"K35.3:p": "1", "K35.8:d": "2"}, dict.fromkeys(CODES, "1"),
    {("H1", "K35.3:p"): 6, ("H1", "K35.8:d"): 3, ("H2", "K35.3:p"): 7, ("H2", "K35.8:d"): 3},
)  # fmt: skip
AFTER = replace(BEFORE, cases={**BEFORE.cases, ("H1", "K35.3:p"): 2, ("H1", "K35.8:d"): 7}, budget="1100000.00")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def command(*words: object, lang: str = "en") -> tuple[int, str, str]:
        status = cli.main(["attribute", *map(str, words), "--lang", lang])
        said = capsys.readouterr()
        return status, said.out, said.err

    return command


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nobody writes into it."""
    path = tmp_path_factory.mktemp("years") / "w.dianzhi"
    made(path, BEFORE, AFTER, funds=("employee", "resident")).workspace.close()
    return path


def rows(path: Path) -> list[list[str]]:
    return list(csv.reader(path.read_text("utf-8-sig").splitlines()))


def test_what_is_printed_and_what_files_hold(run: Run, workspace: Path, tmp_path: Path) -> None:
    status, out, err = run(workspace, "--from", 2023, "--to", 2024, "--out", tmp_path / "a.csv")  # the city's own pack
    assert status == 0, err
    assert "Budget and top-ups" in out
    assert "H1 H1医院  12.0000 → 16.0000 (33.33%)  Shift within the same diagnosis 4.00" in out
    table = rows(tmp_path / "a.csv")
    employee = [line for line in table if line[0] == "Employee fund"]
    assert [employee[0][1], employee[-1][1]] == ["2023", "2024"]
    amounts = [Decimal(line[2]) for line in employee]
    assert sum(amounts[:-1]) == amounts[-1]
    beside = rows(tmp_path / "a-attribution_institutions.csv")
    heading, lines = beside[0], [line for line in beside[1:] if line[1].startswith("H")]
    first = heading.index("Number of cases (points)")
    for line in lines:
        assert sum(Decimal(cell) for cell in line[first : first + 6]) == Decimal(line[6])
    assert [line[1] for line in lines] == ["H1", "H2"] * 2

    file = tmp_path / "a.json"
    assert run(workspace, "--from", 2023, "--to", 2024, "--fund", "employee", "--out", file)[0] == 0
    sheets = json.loads(file.read_text("utf-8"))["worksheets"]
    assert {"attribution_point_value", "attribution_institutions", "attribution_budget_employee"} <= set(sheets)
    assert not any(name.endswith("_resident") for name in sheets)
    book = tmp_path / "a.xlsx"
    assert run(workspace, "--from", 2023, "--to", 2024, "--out", book)[0] == 0
    assert book.stat().st_size > 5000


def test_one_institution_and_back_again(run: Run, workspace: Path, tmp_path: Path) -> None:
    file = tmp_path / "one.json"
    words = ("--fund", "employee", "--code", "H1", "--pack", "national-draft-3", "--out", file)
    assert run(workspace, "--from", 2023, "--to", 2024, *words)[0] == 0
    sheets = json.loads(file.read_text("utf-8"))["worksheets"]
    told = {line["factor"]: Decimal(line["amount"]) for line in sheets["attribution_score_employee"]["rows"]}
    assert run(workspace, "--from", 2024, "--to", 2023, *words)[0] == 0
    back = json.loads(file.read_text("utf-8"))["worksheets"]["attribution_score_employee"]["rows"]
    assert {line["factor"]: -Decimal(line["amount"]) for line in back[1:-1]} == {
        name: amount for name, amount in told.items() if name not in ("2023", "2024")
    }
    drivers = sheets["attribution_drivers_employee"]["rows"]
    assert [line["dip_code"] for line in drivers] == ["K35.8:d", "K35.3:p"]


def test_in_chinese(run: Run, workspace: Path) -> None:
    status, out, _ = run(workspace, "--from", 2023, "--to", 2024, "--code", "H1", lang="zh")
    assert status == 0
    assert "点值变动归因：2023 年至 2024 年，职工医保" in out
    assert "同诊断内病种转移" in out
    assert "Number of cases" not in out


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("--from", 2024, "--to", 2024), 2, "two different years"),
        (("--from", 2023, "--to", 2024, "--code", "H9"), 2, "institution H9"),
        (("--from", 2023), 2, "--to"),
        (("--from", 2023, "--to", 2024, "--out", "a.pdf"), 2, ".csv .xlsx .json"),
        (("--from", 2022, "--to", 2024), 1, "2022 cannot be cleared"),
        (("--from", 2023, "--to", 2024, "--pack", "hubei-2023"), 1, "hubei-2023"),
    ],
)
def test_refused(run: Run, workspace: Path, words: tuple[object, ...], status: int, said: str) -> None:
    mark = workspace.read_bytes()
    got, out, err = run(workspace, *words)
    assert got == status, out + err
    assert said in err
    assert workspace.read_bytes() == mark
