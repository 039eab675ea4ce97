"""Confirmation workbooks live: LibreOffice recalculates every formula, the capitals among them, to what the run says."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import openpyxl
import xlsxwriter
from clearings import vector_d
from recalculation import Recalculated, needs_office, tampered, values, workbook
from test_capitals import HARD, fen

from core.export import confirmation, confirmation_book
from core.export.capitals import capitals, excel_capitals
from core.rules.sheet import Clearing


@workbook("audit deduction typed over")
def _typed(path: Path, _: Path) -> None:
    whole = path.with_suffix(".whole.xlsx")
    confirmation_book.write(vector_d(), whole, ["B"], "zh")
    tampered(whole, path, lambda xml: xml.replace("<v>80000.55</v>", "<v>8000000.55</v>"))


@needs_office
def test_what_is_corrected_is_corrected_down_to_the_capitals(books: dict[str, Recalculated]) -> None:
    """The audit deduction typed over: the result, its direction and its capitals follow."""
    final = vector_d().fund("employee").values["final"][1]
    said = set(map(str, books["audit deduction typed over"].again.values()))
    wanted = final - Fraction("7920000")
    assert f"人民币{capitals((final * 100).numerator)}" not in said
    assert f"人民币{capitals((wanted * 100).numerator)}" in said
    assert "应退回" in said


BELOW = {amount: said for amount, said in HARD.items() if abs(fen(amount)) < 10**14}


@workbook("capitals")
def _capitals(path: Path, _: Path) -> None:
    with xlsxwriter.Workbook(str(path)) as book:
        page = book.add_worksheet("页")
        for i, amount in enumerate([*BELOW, "1000000000000"]):
            page.write_number(i, 0, float(amount))
            page.write_formula(i, 1, "=" + excel_capitals(f"A{i + 1}"))


@needs_office
def test_hard_amounts_in_a_spreadsheet(books: dict[str, Recalculated]) -> None:
    again = books["capitals"].again
    assert [again["页", f"B{i + 1}"] for i in range(len(BELOW))] == list(BELOW.values())
    assert openpyxl.load_workbook(books["capitals"].out, data_only=True)["页"][f"B{len(BELOW) + 1}"].value == "#N/A"


def test_codes_stay_text_and_no_name_becomes_a_formula(tmp_path: Path) -> None:
    path = tmp_path / "d.xlsx"
    confirmation_book.write(vector_d(), path, lang="zh")
    formulas = values(path, formulas=True)
    assert not any("甲医院" in str(said) or "正式" in str(said) for said in formulas.values())
    shown = set(map(str, values(path).values()))
    assert "=甲医院" in shown and "A" in shown


def test_what_is_shared_over_all_keeps_its_value_and_says_so(tmp_path: Path) -> None:
    from test_recalc import TIERED

    pack = tmp_path / "tiered.toml"
    pack.write_text(TIERED, "utf-8")
    made: Clearing = vector_d(pack)
    path = tmp_path / "t.xlsx"
    confirmation_book.write(made, path, ["A"], "zh")
    rows = {str(value) for value in values(path).values()}
    assert any("单表不能重算" in said for said in rows)
    assert "499978.4" in rows
    assert [line.step.id for line in confirmation.of(made, "A").chain] == [one.id for one in made.pack.scope("institution")]
