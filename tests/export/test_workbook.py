"""What the clearing's files say and how: living cells, marks, tags, texts that stay texts, same bytes."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import openpyxl
import pytest
from clearings import many, vector_d
from openpyxl.utils import get_column_letter

from core.export import tables, workbook
from core.faults import Cancelled, WorldFault
from core.money import plain
from core.rules.sheet import Clearing
from core.texts import LANGUAGES, Texts

OPTIONS = pytest.mark.parametrize("lang", LANGUAGES)


def book_of(clearing: Clearing, folder: Path, lang: str = "zh") -> openpyxl.Workbook:
    workbook.write(clearing, folder / "sheet.xlsx", lang)
    return openpyxl.load_workbook(folder / "sheet.xlsx")


@OPTIONS
def test_every_step_is_a_formula_and_every_sum_a_value(tmp_path: Path, lang: str) -> None:
    made = vector_d()
    page = book_of(made, tmp_path, lang)[Texts(lang)("fund.employee")]
    columns = {page.cell(4, col).value: col for col in range(1, page.max_column + 1)}
    for one in made.pack.scope("institution"):
        for row in (6, 7, 8):
            cell = page.cell(row, columns[one.id])
            assert cell.data_type == ("n" if one.expr is None else "f"), (one.id, cell.value)
    gross = page.cell(6, columns["gross"]).value
    score, due = (get_column_letter(columns[name]) for name in ("score", "due"))
    assert re.fullmatch(rf"=ROUND\(\${score}6\*\$D\$\d+,2\)", gross)
    assert page.cell(9, columns["due"]).value == f"=SUM(${due}$6:${due}$8)"
    assert page.cell(9, columns["coefficient"]).value is None
    assert page.freeze_panes == "C6"


def test_budget_is_the_sum_of_its_lines(tmp_path: Path) -> None:
    book = book_of(vector_d(), tmp_path, "en")
    page, inputs = book["Employee fund"], book["Inputs"]
    row = next(row for row in range(10, 30) if page.cell(row, 1).value == "budget")
    cells = page.cell(row, 4).value.removeprefix("=").replace("'Inputs'!", "").replace("$", "").split("+")
    assert [inputs[cell].value for cell in cells] == [125_000_000, 5_000_000]
    card = next(row for row in range(10, 30) if page.cell(row, 1).value == "outside_card")
    assert page.cell(card, 4).data_type == "f"


def test_texts_never_become_formulas(tmp_path: Path) -> None:
    page = book_of(vector_d(), tmp_path)["职工医保"]
    names = [page.cell(row, col) for row in (6, 7, 8) for col in (1, 2, 4)]
    assert [(cell.value, cell.data_type) for cell in names if cell.value] == [
        ("A", "s"), ("=甲医院", "s"), ("蕉城区", "s"), ("B", "s"), ("+乙医院", "s"), ("@福安市", "s"),
        ("C", "s"), ("丙医院", "s"),
    ]
    for sheet in book_of(vector_d(), tmp_path):
        for row in sheet.iter_rows():
            for cell in row:
                if cell.data_type == "f":
                    assert "文件" not in cell.value
                    assert "正式" not in cell.value


@pytest.mark.parametrize("synthetic", [True, False])
@OPTIONS
def test_synthetic_is_marked_on_every_sheet_or_none(tmp_path: Path, synthetic: bool, lang: str) -> None:
    made = vector_d()
    if not synthetic:
        made = replace(made, stamps=replace(made.stamps, synthetic=False))
    book = book_of(made, tmp_path, lang)
    assert "synthetic" in Texts(lang)("export.synthetic")
    assert len(book.sheetnames) == 6
    for page in book:
        assert (page["A2"].value == Texts(lang)("export.synthetic")) == synthetic
        assert ("synthetic" in (page.oddHeader.left.text or "")) == synthetic


@OPTIONS
def test_open_fields_documents_and_stamps_stand_in_the_book(tmp_path: Path, lang: str) -> None:
    made = vector_d()
    book = book_of(made, tmp_path, lang)
    said = {
        page.title: "\n".join(str(cell.value) for row in page.iter_rows() for cell in row if cell.value)
        for page in book
    }
    texts = Texts(lang)
    for document in made.pack.documents:
        assert document.number in said[texts("workbook.pack")]
    opens = [one.open[lang] for one in made.pack.steps if one.open.get(lang)]
    assert opens
    for left in opens:
        assert left in said[texts("workbook.summary")]
        assert left in said[texts("workbook.pack")]
    for stamp in (made.stamps.pack_hash, made.stamps.data_hash, made.stamps.run_hash, made.stamps.set_hash):
        assert stamp in said[texts("workbook.stamps")]
    for one in made.pack.case.branches:
        assert one.title[lang] in said[texts("workbook.pack")]


def test_changed_parameters_are_told_on_the_first_page(tmp_path: Path) -> None:
    book = book_of(vector_d(point_value__places="2"), tmp_path, "en")
    said = [cell.value for row in book["Summary"].iter_rows() for cell in row if cell.value]
    assert any("point_value.places" in str(one) and "2" in str(one) for one in said)


def test_same_clearing_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        workbook.write(many(count=20), tmp_path / f"{name}.xlsx", "zh")
        tables.write_json(many(count=20), tmp_path / f"{name}.json")
    for ending in ("xlsx", "json"):
        assert (tmp_path / f"a.{ending}").read_bytes() == (tmp_path / f"b.{ending}").read_bytes()


def test_a_region_without_institutions(tmp_path: Path) -> None:
    made = vector_d()
    sheet = made.funds[0]
    empty = replace(sheet, institutions=(), values=dict.fromkeys(sheet.values, ()))
    page = book_of(replace(made, funds=(empty,)), tmp_path)["职工医保"]
    assert page["A6"].value == "合计"


class Unwanted:
    cancelled = True

    def report(self, code: str, done: int, total: int | None = None) -> None:
        raise AssertionError("cancelled work reports nothing")


def test_cancelling_leaves_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_text("old")
    with pytest.raises(Cancelled):
        workbook.write(vector_d(), tmp_path / "a.xlsx", "zh", Unwanted())
    assert (tmp_path / "a.xlsx").read_text() == "old"
    assert [path.name for path in tmp_path.glob("*.xlsx")] == ["a.xlsx"]
    with pytest.raises(WorldFault):
        workbook.write(vector_d(), tmp_path / "none" / "a.xlsx", "zh")


# --- json and csv of a clearing ---


def no_numbers(value: object) -> bool:
    if isinstance(value, dict):
        return all(no_numbers(inner) for inner in value.values())
    if isinstance(value, list):
        return all(no_numbers(inner) for inner in value)
    return isinstance(value, str | bool)


def test_json_is_as_specified() -> None:
    made = vector_d()
    document = json.loads(tables.clearing_json(made))
    assert set(document) == {"pack", "year", "set", "synthetic", "stamps", "funds"}
    assert (document["pack"], document["year"], document["synthetic"]) == ("ningde-2024", "2024", True)
    assert no_numbers(document)
    fund = document["funds"]["employee"]
    assert fund["region"]["point_value"] == "8605.0658"
    assert fund["region"]["residual"] == "-0.30"
    assert [row["fixmedins_code"] for row in fund["institutions"]] == ["A", "B", "C"]
    assert [row["due"] for row in fund["institutions"]] == ["48546654.07", "36635280.76", "19818065.47"]
    assert fund["institutions"][0]["score"] == "9000.1234"
    assert document["stamps"]["tags"]["region.point_value"]["open"]["zh"]
    assert document["stamps"]["tags"]["case.low"]["evidence"] == "S"


def test_json_holds_every_value_exactly() -> None:
    made = many(count=12)
    document = json.loads(tables.clearing_json(made))
    for sheet in made.funds:
        rows = document["funds"][sheet.fund]["institutions"]
        for name, values in sheet.values.items():
            # A ratio without end has twelve decimals; everything else is exact.
            said = [Fraction(plain(value)) for value in values] if name == "share_rate" else list(values)
            assert [Fraction(row[name]) for row in rows] == said, name


def test_csv_rows_and_totals(tmp_path: Path) -> None:
    made = many(count=12)
    tables.write_csv(made, tmp_path / "a.csv", Texts("zh"))
    raw = (tmp_path / "a.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline="")))
    assert next(iter(rows[0])) == "fund"
    for sheet in made.funds:
        own = [row for row in rows if row["fund"] == sheet.fund]
        assert [row["fixmedins_code"] for row in own] == [*(one.code for one in sheet.institutions), "TOTAL"]
        for name in ("cases", "score", "due", "final"):
            assert sum(Decimal(row[name]) for row in own[:-1]) == Decimal(own[-1][name])
        assert own[-1]["coefficient"] == ""
    tables.write_csv(vector_d(), tmp_path / "d.csv", Texts("zh"))
    texts = (tmp_path / "d.csv").read_text("utf-8-sig")
    assert "'=甲医院" in texts
    assert "-2573345.93" in texts, "a negative number stays a number"


def test_the_filter_sorts_institutions_and_nothing_else(tmp_path: Path) -> None:
    """Its head is the row right above them: a heading among the rows would be sorted into the sums' range."""
    page = book_of(vector_d(), tmp_path)["职工医保"]
    first, last = page.auto_filter.ref.split(":")
    assert first == "A5"
    assert page["A6"].value == "A"
    assert last.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "8", "three institutions in rows 6 to 8"


def test_every_parameter_stands_with_the_value_that_was_used(tmp_path: Path) -> None:
    made = vector_d()
    cells = {str(cell.value) for row in book_of(made, tmp_path)["输入"].iter_rows() for cell in row}
    assert set(made.pack.parameters) <= cells
    assert "15" in cells, "reference_min_cases by default"
