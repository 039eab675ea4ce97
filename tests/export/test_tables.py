"""Worksheets as csv and xlsx: nothing lost, codes stay text, no text becomes a formula, faults have names."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.export import tables
from core.export.target import whole_file
from core.faults import Cancelled, WorldFault
from core.findings import Finding
from core.texts import Texts
from core.worksheet import Column, Worksheet, column_of

ROOT = Path(__file__).resolve().parents[2]
HOSTILE = [
    "=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "001234", "甲,乙", "a\nb",
    'say "x"', "",
]


def title(zh: str, en: str = "") -> dict[str, str]:
    return {"zh": zh, "en": en or zh}


def sheet(rows: int = len(HOSTILE)) -> Worksheet:
    columns = [
        Column("code", title("机构编号", "code"), "code"),
        Column("name", title("名称", "name"), "text"),
        Column("count", title("例数", "count"), "int", "cases", total=True),
        Column("fee", title("费用", "fee"), "fixed", "yuan", 2, total=True),
        Column("k", title("系数", "k"), "exact"),
    ]
    texts = [HOSTILE[i % len(HOSTILE)] for i in range(rows)]
    fees = [(-1) ** i * (i * 1_000_003 + 5) for i in range(rows)]
    cells = {
        "code": column_of([f"{i:05d}" for i in range(rows)], "code"),
        "name": column_of(texts, "text"),
        "count": column_of(list(range(rows)), "int"),
        "fee": column_of(fees, "fixed"),
        "k": column_of([Fraction(i, 8) if i % 3 else None for i in range(rows)], "exact"),
    }
    return Worksheet("w", title("机构/费用", "institutions"), columns, cells, rows)


def read(path: Path) -> list[list[str]]:
    raw = path.read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(raw.decode("utf-8-sig").splitlines(keepends=True)))


def test_csv_holds_every_row_and_control_totals(tmp_path: Path) -> None:
    tables.worksheet_csv(sheet(), tmp_path / "a.csv", "zh")
    rows = read(tmp_path / "a.csv")
    assert rows[0] == ["机构编号", "名称", "例数 (例)", "费用 (元)", "系数"]
    assert [row[0] for row in rows[1:-1]] == [f"{i:05d}" for i in range(11)]
    # 5 - 1000008 + 2000011 - ... + 10000035 fen = 5000020 fen = 50,000.20 yuan
    assert rows[-1] == ["共 11 行", "", "55", "50000.20", ""]
    assert rows[2][3] == "-10000.08"
    assert rows[2][4] == "0.125"
    assert [row[1] for row in rows[1:-1]] == [
        f"'{text}" if text[:1] in "=+-@\t\r" and text else text for text in HOSTILE
    ]


def test_csv_of_synthetic_data_says_so_and_a_bare_number_has_no_empty_brackets(tmp_path: Path) -> None:
    k = Column("k", title("机构系数", "coefficient"), "exact", "coefficient", 3)
    one = Worksheet("w", title("系数"), [k], {"k": column_of([Fraction(1)], "exact")}, 1)
    tables.worksheet_csv(one, tmp_path / "a.csv", "zh", synthetic=True)
    rows = read(tmp_path / "a.csv")
    assert rows[0] == ["机构系数"]
    assert rows[-1][0] == "共 1 行 · 模拟数据 / synthetic"


@given(st.lists(st.integers(-(10**17), 10**17), max_size=30), st.integers(0, 6))
def test_fixed_columns_read_back_exactly(values: list[int], places: int) -> None:
    column = Column("x", title("x"), "fixed", places=places)
    texts = tables._texts_of(column, np.array(values, dtype=np.int64))
    assert [Fraction(text) * 10**places for text in texts] == values


def test_xlsx_codes_are_text_numbers_numbers(tmp_path: Path) -> None:
    tables.worksheet_xlsx(sheet(), tmp_path / "a.xlsx", "en", synthetic=True)
    book = openpyxl.load_workbook(tmp_path / "a.xlsx")
    page = book.active
    assert page.title == "institutions"
    assert "synthetic" in page["A1"].value
    assert [cell.value for cell in page[2]] == ["code", "name", "count (cases)", "fee (yuan)", "k"]
    for i, text in enumerate(HOSTILE):
        code, name, count, fee, k = page[i + 3]
        assert (code.value, code.data_type) == (f"{i:05d}", "s")
        # inlined strings come back with normalised line ends
        assert (name.value or "").replace("_x000D_", "\r").strip() == text.strip()
        assert name.data_type != "f"
        assert count.value == i
        assert round(Decimal(str(fee.value)) * 100) == (-1) ** i * (i * 1_000_003 + 5)
        assert k.value == (i / 8 if i % 3 else None)
    last = [cell.value for cell in page[len(HOSTILE) + 3]]
    assert last == ["11 rows", None, 55, 50000.2, None]
    assert page.freeze_panes == "B3"


def test_xlsx_numbers_beyond_a_double_stay_whole_as_text(tmp_path: Path) -> None:
    column = Column("x", title("x"), "fixed", places=2)
    values = [10**15 - 1, 10**15 + 1, -(10**17) - 3]
    one = Worksheet("w", title("w"), [column], {"x": column_of(values, "fixed")}, 3)
    tables.worksheet_xlsx(one, tmp_path / "a.xlsx")
    page = openpyxl.load_workbook(tmp_path / "a.xlsx").active
    assert [page.cell(row, 1).value for row in (3, 4, 5)] == [
        9999999999999.99, "10000000000000.01", "-1000000000000000.03",
    ]


def test_xlsx_splits_where_a_sheet_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "EXCEL_ROWS", 8)  # five rows a sheet
    tables.worksheet_xlsx(sheet(11), tmp_path / "a.xlsx", "zh")
    book = openpyxl.load_workbook(tmp_path / "a.xlsx")
    assert book.sheetnames == ["机构_费用 (1)", "机构_费用 (2)", "机构_费用 (3)"]
    codes = [page.cell(row, 1).value for page in book for row in range(3, page.max_row + 1)]
    assert codes == [*(f"{i:05d}" for i in range(11)), "共 11 行"]


def test_same_input_same_bytes(tmp_path: Path) -> None:
    for name in ("a.xlsx", "b.xlsx"):
        tables.worksheet_xlsx(sheet(), tmp_path / name, "zh")
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()


def test_empty_worksheet(tmp_path: Path) -> None:
    tables.worksheet_csv(sheet(0), tmp_path / "a.csv", "zh")
    assert read(tmp_path / "a.csv")[1] == ["共 0 行", "", "0", "0.00", ""]
    tables.worksheet_xlsx(sheet(0), tmp_path / "a.xlsx")
    assert openpyxl.load_workbook(tmp_path / "a.xlsx").active.max_row == 3


def test_findings(tmp_path: Path) -> None:
    found = [Finding("some_code", "refused", "f.csv", "", 3, "fee", "=cmd()"), Finding("other", "note")]
    tables.write_findings(found, tmp_path / "f.csv", Texts("en"))
    rows = read(tmp_path / "f.csv")
    assert rows[0][:4] == ["severity", "file", "sheet", "row"]
    assert rows[1][:6] == ["refused", "f.csv", "", "3", "fee", "'=cmd()"]
    assert rows[1][-1] == "some_code"
    assert rows[2][3] == ""


# --- a file is written whole or not at all ---


class Stopping:
    """Cancels at the second report."""

    def __init__(self) -> None:
        self.reports = 0

    def report(self, code: str, done: int, total: int | None = None) -> None:
        self.reports += 1

    @property
    def cancelled(self) -> bool:
        return self.reports > 0


@pytest.mark.parametrize("write", [tables.worksheet_csv, tables.worksheet_xlsx])
def test_cancelling_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write) -> None:
    monkeypatch.setattr(tables, "CHUNK", 5)
    target = tmp_path / "a.out"
    target.write_text("old")
    with pytest.raises(Cancelled):
        write(sheet(), target, "zh", Stopping())
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.out"]


def test_missing_folder_and_taken_name(tmp_path: Path) -> None:
    for write in (tables.worksheet_csv, tables.worksheet_xlsx):
        with pytest.raises(WorldFault) as fault:
            write(sheet(), tmp_path / "none" / "a.out")
        assert fault.value.code == "export_no_folder"
        (tmp_path / "taken").mkdir(exist_ok=True)
        with pytest.raises(WorldFault) as fault:
            write(sheet(), tmp_path / "taken")
        assert fault.value.code in ("export_in_use", "export_failed")
    assert os.listdir(tmp_path) == ["taken"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a device that is always full")
def test_no_space_is_said(tmp_path: Path) -> None:
    with pytest.raises(WorldFault) as fault, whole_file(tmp_path / "a"), open("/dev/full", "w") as full:
        full.write("x" * 100_000)
    assert fault.value.code == "export_no_space"


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process are set as Linux does")
def test_full_disk_while_writing_leaves_the_old_file(tmp_path: Path, ending: str) -> None:
    """A process whose files may not grow over 20 kB: what a full disk does, in the middle of the writing."""
    target = tmp_path / f"a.{ending}"
    target.write_text("old")
    program = f"""
import resource, signal, sys, tempfile
sys.path[:0] = [{str(ROOT)!r}, {str(Path(__file__).parent)!r}]
from test_tables import sheet, tables, WorldFault
worksheet = sheet(60_000)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    tables.worksheet_{ending}(worksheet, {str(target)!r})
except WorldFault as fault:
    print(fault.code)
"""
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=120
    )
    assert ran.stdout.strip() == "export_no_space", ran.stdout + ran.stderr
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == [target.name]
