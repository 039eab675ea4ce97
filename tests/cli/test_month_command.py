"""`month` as a script drives it: one month, a year's, the advance, booking; what it refuses leaves no file."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from core import cli
from core.export import lettering
from core.faults import WorldFault
from core.storage.engine import library as sqlite3

READER = shutil.which("pdftotext")
try:
    lettering.faces()
    LETTERS = True
except WorldFault:  # no Chinese font on this computer
    LETTERS = False

FILES = {
    "institutions": "fixmedins_code,fixmedins_name,hosp_lv\nH1,甲医院,2\n",
    "catalogue": "dip_code,dip_name,kind,score\nK35.3:g,阑尾炎,core,100\n",
    "coefficients": "fixmedins_code,fund,part,value\nH1,all,base,1.0\n",
    "cases": "setl_id,insutype,fixmedins_code,dscg_time,diag_code,medfee_sumamt,fund_pay_sumamt,hifp_pay,"
    "psn_part_amt,dip_dise_grp_code\n"
    "S0,310,H1,2023-02-01,K35.301,6000.00,3600.00,3600.00,2400.00,K35.3:g\n"
    "S1,310,H1,2024-02-01,K35.301,6000.00,4000.00,4000.00,2000.00,K35.3:g\n"
    "S2,310,H1,2024-03-01,K35.301,5000.00,3500.00,3500.00,1500.00,K35.3:g\n",
    "deductions": "fixmedins_code,fund,period,kind,amount,note\nH1,employee,202403,audit,12.34,x\n",
}
PACK = ("--pack", "ningde-2024", "--lang", "en")
RATE = ("--param", "month_rate_employee=60")


def run(*words: object) -> int:
    return cli.main([str(word) for word in words])


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    path = tmp_path / "w.dianzhi"
    run("new", path, "--region", "350900")
    for kind, text in FILES.items():
        file = tmp_path / f"{kind}.csv"
        file.write_text(text, "utf-8")
        assert run("import", path, kind, file, "--year", 2024) == 0
    return path


def payments(path: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT period, kind, amount FROM payment ORDER BY 1, 2").fetchall()


def test_a_month_without_any_budget(workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """100 points at 60 less 1,500 is 4,500; 95 % is 4,275.00, less 12.34 is 4,262.66."""
    out = tmp_path / "m.json"
    assert run("month", workspace, "--month", "2024-03", *PACK, *RATE, "--out", out, tmp_path / "m.xlsx", tmp_path / "m.csv") == 0
    told = json.loads(out.read_text("utf-8"))
    (one,) = told["funds"]["employee"]["institutions"]
    assert (one["month_due"], one["month_retention"], one["month_paid"]) == ("4500.00", "225.00", "4262.66")
    assert told["stamps"]["period"] == "202403" and told["stamps"]["parameters"] == {"month_rate_employee": "60"}
    assert (tmp_path / "m.xlsx").stat().st_size > 3000
    if LETTERS:
        for asked, alone in (("2024-03", True), ("2024", False)):
            path = tmp_path / f"{asked}.pdf"
            assert run("month", workspace, "--month", asked, *PACK, *RATE, "--out", path) == 0
            assert path.read_bytes().startswith(b"%PDF")
            if READER is not None:
                read = subprocess.run([READER, "-layout", str(path), "-"], capture_output=True, check=True).stdout.decode()
                assert "4,262.66" in read and ("Settlement of 2024-03, Employee fund" in read) == alone
                assert (told["stamps"]["run_hash"][:16] in read) == alone
    assert "2024-03" in capsys.readouterr().out


def test_a_year_and_booking(workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "y.csv"
    assert run("month", workspace, "--month", "2024", *PACK, *RATE, "--book", "--why", "按月", "--out", out) == 0
    rows = list(csv.reader(out.read_text("utf-8-sig").splitlines()))
    assert [row[0] for row in rows[1:3]] == ["2024-02", "2024-03"]
    # February: 6,000 less 2,000 is 4,000, 95 % is 3,800.
    assert payments(workspace) == [
        ("202402", "monthly", 380_000), ("202402", "retention", 20_000),
        ("202403", "monthly", 426_266), ("202403", "retention", 22_500),
    ]  # fmt: skip
    capsys.readouterr()
    # All of it is booked: said, and no fault.
    assert run("month", workspace, "--month", "2024-03", *PACK, *RATE, "--book") == 0
    assert "2024" in capsys.readouterr().out and len(payments(workspace)) == 4
    more = ("--param", "month_rate_employee=61")
    assert run("month", workspace, "--month", "2024-03", *PACK, *more, "--book") == 1
    assert "Book again" in capsys.readouterr().err
    assert run("month", workspace, "--month", "2024-03", *PACK, *more, "--book", "--again") == 0
    assert payments(workspace)[2] == ("202403", "monthly", 435_766)
    assert run("verify", workspace) == 0


def test_the_advance(workspace: Path) -> None:
    assert run("month", workspace, "--month", "2024", "--advance", "--book", *PACK) == 0
    assert payments(workspace) == [("2024", "advance", 30_000)]


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("--month", "2024-13", *PACK), 2),
        (("--month", "2024-03", "--advance", *PACK), 2),
        (("--month", "2024-05", *PACK, *RATE), 1),
        (("--month", "2024-03", *PACK), 1),
        (("--month", "2024-03", "--pack", "nowhere"), 2),
        ((*PACK,), 2),
    ],
)
def test_refused(workspace: Path, tmp_path: Path, words: tuple[str, ...], status: int) -> None:
    out = tmp_path / "none.json"
    assert run("month", workspace, *words, "--out", out) == status
    assert not out.exists() and payments(workspace) == []


def test_of_many_refusals_the_rest_is_counted_and_all_are_in_the_file(
    workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pack, whole = tmp_path / "p.toml", tmp_path / "f.csv"
    pack.write_text("[pack]\n" + "".join(f"wrong{n} = 1\n" for n in range(60)), "utf-8")
    words = ("month", workspace, "--month", "2024-03", "--pack", pack)
    assert run(*words, "--findings", whole) == 1
    said = capsys.readouterr()
    lines = said.err.splitlines()
    more = int(lines[-1].split()[1])
    assert len(lines) == 22 and more >= 40 and "f.csv" in said.out
    assert len(list(csv.reader(whole.read_text("utf-8-sig").splitlines()))) == 1 + 20 + more
    assert run(*words, "--findings", tmp_path / "f.xlsx") == 2
    assert run(*words, "--findings", tmp_path / "none" / "f.csv") == 3


def test_booking_over_payments_that_are_there(workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Imported payments of many institutions: a terminal's worth of reasons, all of them in the file, nothing booked."""
    codes = [f"H{n}" for n in range(1, 41)]
    for kind, head, line in (
        ("institutions", "fixmedins_code,fixmedins_name,hosp_lv", "{0},医院{0},2"),
        ("coefficients", "fixmedins_code,fund,part,value", "{0},all,base,1.0"),
        ("cases", FILES["cases"].splitlines()[0], "{0}-3,310,{0},2024-03-02,K35.301,5000.00,3500.00,3500.00,1500.00,K35.3:g"),
        ("payments", "fixmedins_code,fund,period,kind,amount", "{0},employee,202403,monthly,1.00"),
    ):
        file = tmp_path / f"more_{kind}.csv"
        mine = codes if kind in ("cases", "payments") else codes[1:]
        file.write_text("\n".join([head, *(line.format(code) for code in mine), ""]), "utf-8")
        assert run("import", workspace, kind, file, "--year", 2024) == 0, kind
    before, whole = payments(workspace), tmp_path / "f.csv"
    capsys.readouterr()
    assert run("month", workspace, "--month", "2024-03", *PACK, *RATE, "--book", "--findings", whole) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 22 and "20" in lines[-1] and len(whole.read_text("utf-8-sig").splitlines()) == 41
    assert payments(workspace) == before and len(before) == 40
