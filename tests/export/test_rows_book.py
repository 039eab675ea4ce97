"""Lists by our own writer, read by three programs: openpyxl, calamine, LibreOffice, each with its own reading of the format."""

from __future__ import annotations

import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import openpyxl
import pytest
import python_calamine
from hypothesis import given, settings
from hypothesis import strategies as st

from core.export.rows_book import CELL_SIGNS, row_book, sheet_name

SOFFICE = shutil.which("soffice") or shutil.which("libreoffice")
HARD = ["=1+1", "a<b>&c", " 前后空格 ", "第一行\n第二行", "x'\"y", "007", "", None, "宁德市医院", "_x0041_", "a\x1fb", "-5"]
NUMBERS = [0, -1, 12, 0.1, -1234567.89, 10**14 + 1, None, 99999999999999.9, 1, 2, 3, 0.05]


def made(path: Path) -> Path:
    with row_book(path) as book:
        text, number = book.style("@"), book.style("#,##0.00")
        with book.sheet(book.name("甲's [表]"), [20, 12], frozen=(1, 1), filtered="A1:B13", repeated=1, header="甲 & 乙") as page:
            page.row(["文字", "数"], [book.style(head=True)] * 2)
            page.block([HARD, NUMBERS], [text, number])
        with book.sheet(book.name("总数"), [20], first=True) as page:
            page.skip()
            page.row(["共", len(HARD)], [0, 0])
    return path


def test_openpyxl_reads_what_was_written(tmp_path: Path) -> None:
    book = openpyxl.load_workbook(made(tmp_path / "a.xlsx"))
    assert book.sheetnames == ["总数", "甲's _表_"]
    assert [cell.value for cell in book["总数"][2]] == ["共", len(HARD)]
    page = book["甲's _表_"]
    for row, (text, number) in enumerate(zip(HARD, NUMBERS, strict=True), 2):
        cell = page.cell(row, 1)
        # What XML cannot hold, and what looks like its writing, is written as Excel does, which openpyxl leaves.
        said = (cell.value or "").replace("_x001F_", "\x1f").replace("_x005F_x", "_x")
        assert said == (text or "") and cell.data_type != "f"
        assert page.cell(row, 2).value == number
    assert page.freeze_panes == "B2" and page.auto_filter.ref == "A1:B13" and page.print_title_rows == "$1:$1"
    assert page.cell(2, 1).number_format == "@" and page.cell(2, 2).number_format == "#,##0.00"
    assert page.cell(1, 1).font.b and page.column_dimensions["A"].width == 20
    assert page.page_setup.orientation == "landscape" and page.oddHeader.left.text == "甲 && 乙"


def test_calamine_reads_the_same(tmp_path: Path) -> None:
    book = python_calamine.CalamineWorkbook.from_path(str(made(tmp_path / "a.xlsx")))
    assert book.sheet_names == ["总数", "甲's _表_"]
    rows = book.get_sheet_by_index(1).to_python()
    assert len(rows) == 1 + len(HARD)
    for (text, number), row in zip(zip(HARD, NUMBERS, strict=True), rows[1:], strict=True):
        assert str(row[0]).strip(" ").replace("_x001F_", "\x1f").replace("_x005F_x", "_x") == (text or "").strip(" ")
        assert row[1] == ("" if number is None else number)


@pytest.mark.skipif(SOFFICE is None, reason="not opened: LibreOffice is missing")
def test_libreoffice_reads_the_same(tmp_path: Path) -> None:
    path = made(tmp_path / "a.xlsx")
    assert SOFFICE is not None
    subprocess.run(
        [SOFFICE, f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}", "--headless", "--convert-to", "xlsx",
         "--outdir", str(tmp_path / "again"), str(path)],
        check=True, capture_output=True, timeout=240,
    )  # fmt: skip
    page = openpyxl.load_workbook(tmp_path / "again" / "a.xlsx").worksheets[1]
    for row, (text, number) in enumerate(zip(HARD, NUMBERS, strict=True), 2):
        assert (page.cell(row, 1).value or "").replace("_x001f_", "\x1f").replace("_x005F_x", "_x") == (text or "")
        assert page.cell(row, 2).value == number
    assert page.auto_filter.ref == "A1:B13"


def test_every_part_is_named_and_the_bytes_are_the_same_again(tmp_path: Path) -> None:
    one, two = made(tmp_path / "a.xlsx"), made(tmp_path / "b.xlsx")
    assert one.read_bytes() == two.read_bytes()
    with zipfile.ZipFile(one) as archive:
        assert archive.testzip() is None
        kinds = archive.read("[Content_Types].xml").decode()
        named = set(re.findall(r'PartName="/([^"]+)"', kinds))
        assert named == {name for name in archive.namelist() if name.endswith(".xml") and name != "[Content_Types].xml"}
        assert all(entry.date_time[0] == 1980 for entry in archive.infolist())


def test_a_text_longer_than_a_cell_says_so(tmp_path: Path) -> None:
    with row_book(tmp_path / "a.xlsx") as book, book.sheet("a", [10]) as page:
        page.row(["文" * CELL_SIGNS, "字" * (CELL_SIGNS + 1)], [0, 0])
    first, second = openpyxl.load_workbook(tmp_path / "a.xlsx")["a"][1]
    assert first.value == "文" * CELL_SIGNS
    assert len(second.value) == CELL_SIGNS and second.value.endswith("字…")


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(st.none(), st.text(max_size=8), st.integers(-(10**14), 10**14)), min_size=1, max_size=8))
def test_any_cells_come_back(tmp_path_factory: pytest.TempPathFactory, values: list[str | int | None]) -> None:
    path = tmp_path_factory.mktemp("any") / "a.xlsx"
    with row_book(path) as book, book.sheet("a", [10]) as page:
        page.block([values], [0])
    read = python_calamine.CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python(skip_empty_area=False)
    told = [row[0] for row in read] + [""] * (len(values) - len(read))
    for value, back in zip(values, told, strict=True):
        if isinstance(value, int) or (value and not re.search(r"[\x00-\x1f\ud800-\udfff\ufffe\uffff]|_x|^\s|\s$", value)):
            assert back == value


@given(st.text(max_size=60), st.integers(0, 20), st.integers(1, 30))
def test_names_fit(title: str, number: int, of: int) -> None:
    name = sheet_name(title, number, of)
    assert 0 < len(name) <= 31 and not set(name) & set("[]:*?/\\")
