"""Several worksheets in one workbook: each whole, each under a name of its own."""

from __future__ import annotations

from pathlib import Path

import openpyxl

from core.export.tables import worksheets_xlsx
from core.worksheet import Column, Worksheet, column_of


def sheet(title: str, numbers: list[int]) -> Worksheet:
    column = Column("n", {"zh": "数", "en": "number"}, "int", total=True)
    return Worksheet("s", {"zh": title, "en": title}, (column,), {"n": column_of(numbers, "int")}, len(numbers))


def test_names_are_told_apart_and_nothing_is_lost(tmp_path: Path) -> None:
    """Excel cuts a name at 31 characters and knows no capitals: three that begin alike stay three."""
    long = "目录 2023 改为 2024：病例在病种间的去向与分值金额变动明细表"
    given = [sheet(long + "甲", [1, 2]), sheet(long + "乙", [3]), sheet("AB", []), sheet("ab", [4, 5, 6])]
    path = tmp_path / "several.xlsx"
    worksheets_xlsx(given, path, "zh")
    book = openpyxl.load_workbook(path)
    names = [name.lower() for name in book.sheetnames]
    assert len(set(names)) == len(given)
    assert all(len(name) <= 31 for name in names)
    for page, one in zip(book.worksheets, given, strict=True):
        rows = [page.cell(3 + at, 1).value for at in range(one.rows)]
        assert rows == one.cells["n"].tolist()
        assert page.cell(3 + one.rows, 1).value == int(one.cells["n"].sum())
