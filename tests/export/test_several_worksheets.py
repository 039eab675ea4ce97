"""Several worksheets in one file: each whole, each under a name of its own."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import openpyxl

from core.export.tables import worksheets_json, worksheets_xlsx
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


def test_one_json_holds_them_all_with_numbers_as_plain_text(tmp_path: Path) -> None:
    title = {"zh": "表", "en": "Sheet"}
    columns = (
        Column("code", title, "code"),
        Column("cases", title, "int", "cases", total=True),
        Column("fee", title, "fixed", "yuan", 2, total=True),
        Column("mean", title, "exact", "yuan", 2),
    )
    cells = {
        "code": column_of(["007", "=1+1"], "code"),
        "cases": column_of([2, 0], "int"),
        "fee": column_of([12345678901234567, -5], "fixed"),
        "mean": column_of([Fraction(1, 3), None], "exact"),
    }
    one = Worksheet("first", title, columns, cells, 2)
    empty = Worksheet("second", title, columns[:1], {"code": column_of([], "code")}, 0)
    path = tmp_path / "all.json"
    worksheets_json([one, empty], path, "en", synthetic=True)
    assert json.loads(path.read_text("utf-8")) == {
        "synthetic": True,
        "worksheets": {
            "first": {
                "title": "Sheet",
                "columns": [
                    {"id": "code", "title": "Sheet"}, {"id": "cases", "title": "Sheet (cases)"},
                    {"id": "fee", "title": "Sheet (yuan)"}, {"id": "mean", "title": "Sheet (yuan)"},
                ],
                "rows": [
                    {"code": "007", "cases": "2", "fee": "123456789012345.67", "mean": "0.33"},
                    {"code": "=1+1", "cases": "0", "fee": "-0.05", "mean": None},
                ],
                "totals": {"cases": "2", "fee": "123456789012345.62"},
            },
            "second": {"title": "Sheet", "columns": [{"id": "code", "title": "Sheet"}], "rows": [], "totals": {}},
        },
    }  # fmt: skip
    worksheets_json([one, empty], tmp_path / "again.json", "en", synthetic=True)
    assert (tmp_path / "again.json").read_bytes() == path.read_bytes()
