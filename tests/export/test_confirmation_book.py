"""Confirmation workbooks live: LibreOffice recalculates every formula, the capitals among them, to what the run says."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
import xlsxwriter
from clearings import many, vector_d
from test_capitals import HARD, fen
from test_recalc import SOFFICE, Cells, Recalculated, differing, formula_cells, recalculated, tampered, values

from core.export import confirmation, confirmation_book
from core.export.capitals import capitals, excel_capitals
from core.rules.sheet import Clearing

__all__ = ["recalculated"]  # a fixture
needs_office = pytest.mark.skipif(SOFFICE is None, reason="not recalculated: LibreOffice is missing (libreoffice-calc-nogui)")


def checked(path: Path, again: Cells) -> int:
    """Every formula gives what is stored; returns how many."""
    formulas, run = formula_cells(path), values(path)
    words = {at for at in formulas if isinstance(run.get(at), str)}
    assert {at: again.get(at) for at in words} == {at: run[at] for at in words}
    assert differing(run, again, {at: said for at, said in formulas.items() if at not in words}) == []
    return len(formulas)


@needs_office
@pytest.mark.parametrize("source", ["ningde-2024", "national-draft-3"])
def test_every_formula_gives_the_runs_value(recalculated: Recalculated, tmp_path: Path, source: str) -> None:
    path = tmp_path / "all.xlsx"
    made = many(source, 12)
    assert confirmation_book.write(made, path, lang="zh") == 12
    assert checked(path, recalculated(path)) > 12 * 30


@needs_office
def test_what_is_corrected_is_corrected_down_to_the_capitals(recalculated: Recalculated, tmp_path: Path) -> None:
    """The audit deduction typed over: the result, its direction and its capitals follow."""
    made = vector_d()
    path = tmp_path / "b.xlsx"
    confirmation_book.write(made, path, ["B"], "zh")
    sheet = made.fund("employee")
    final = sheet.values["final"][1]
    changed = tampered(path, tmp_path / "changed.xlsx", lambda xml: xml.replace("<v>80000.55</v>", "<v>8000000.55</v>"))
    said = set(map(str, recalculated(changed).values()))
    wanted = final - Fraction("7920000")
    assert f"人民币{capitals((final * 100).numerator)}" not in said
    assert f"人民币{capitals((wanted * 100).numerator)}" in said
    assert "应退回" in said


@needs_office
def test_hard_amounts_in_a_spreadsheet(recalculated: Recalculated, tmp_path: Path) -> None:
    path = tmp_path / "capitals.xlsx"
    below = {amount: said for amount, said in HARD.items() if abs(fen(amount)) < 10**14}
    with xlsxwriter.Workbook(str(path)) as book:
        page = book.add_worksheet("页")
        for i, amount in enumerate(below):
            page.write_number(i, 0, float(amount))
            page.write_formula(i, 1, "=" + excel_capitals(f"A{i + 1}"))
        page.write_number(len(below), 0, 1e12)
        page.write_formula(len(below), 1, "=" + excel_capitals(f"A{len(below) + 1}"))
    again = recalculated(path)
    assert [again["页", f"B{i + 1}"] for i in range(len(below))] == list(below.values())
    assert again["页", f"B{len(below) + 1}"] == "#N/A"


def test_codes_stay_text_and_no_name_becomes_a_formula(tmp_path: Path) -> None:
    path = tmp_path / "d.xlsx"
    confirmation_book.write(vector_d(), path, lang="zh")
    formulas = formula_cells(path)
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
