"""What a gesture puts into the grid, without a window: blocks, wrong cells, what is shared."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.intake import load
from core.settlement import coefficients
from core.settlement.coefficient_sheets import Grid, grid
from core.settlement.coefficients import Cell
from core.storage.workspace import Workspace
from ui.pages.coefficients.entering import block_of, filled, is_change, pasted, typed

A, B, C = "H35090000001", "H35090000002", "H35090000003"


@pytest.fixture
def standing(tmp_path: Path) -> Grid:
    with Workspace.create(tmp_path / "w.dianzhi", region="350900", name="测试") as workspace:
        register = tmp_path / "register.csv"
        register.write_text("fixmedins_code,fixmedins_name,hosp_lv\n" + "".join(f"{code},医院,5\n" for code in (A, B, C)))
        load.import_file(workspace, "institutions", register)
        coefficients.draft(workspace, "草稿")
        cells = [Cell(A, "all", "base", "1"), Cell(B, "all", "base", "0.9"), Cell(A, "all", "bonus:专科", "0.02")]
        coefficients.edit(workspace, "草稿", cells)
        return grid(workspace.reader(), "草稿", "all", 20241231)


def said(entered) -> dict[tuple[str, str], str | None]:
    assert entered.wrong == ()
    return {(cell.code, cell.part): cell.value for cell in entered.cells}


def test_a_change_is_made_of_what_stands_in_each_cell(standing: Grid) -> None:
    assert said(typed(standing, [(A, "base"), (B, "base")], "+0.01")) == {(A, "base"): "1.01", (B, "base"): "0.91"}
    assert said(typed(standing, [(A, "base"), (B, "base")], "*1.02")) == {(A, "base"): "1.02", (B, "base"): "0.918"}
    assert said(typed(standing, [(A, "base")], "")) == {(A, "base"): None}
    assert said(typed(standing, [(C, "base")], "")) == {}  # empty already
    assert said(typed(standing, [(A, "base")], "1.00")) == {}  # the same value


def test_what_was_seen_goes_with_every_cell(standing: Grid) -> None:
    (cell,) = typed(standing, [(A, "bonus:专科")], "0.03").cells
    assert (cell.seen, cell.value, cell.fund) == ("0.02", "0.03", "all")
    (cell,) = typed(standing, [(C, "base")], "0.8").cells
    assert cell.seen == ""


def test_fill_goes_down_every_column(standing: Grid) -> None:
    entered = filled(standing, {"base": [A, B, C], "bonus:专科": [A, B]})
    assert said(entered) == {(B, "base"): "1", (C, "base"): "1", (B, "bonus:专科"): "0.02"}


def test_a_block_lands_where_it_was_put(standing: Grid) -> None:
    entered = pasted(standing, [A, B], ["base", "bonus:专科"], block_of("1.1\t0.05\r\n1.2\t\r\n"))
    assert said(entered) == {(A, "base"): "1.1", (A, "bonus:专科"): "0.05", (B, "base"): "1.2"}


def test_one_wrong_cell_stops_all_and_each_is_named(standing: Grid) -> None:
    entered = pasted(standing, [A, B], ["base"], block_of("1.1\t9\nabc\t\n1.3\n"))
    assert entered.cells == ()
    assert [(one.line, one.across, one.text) for one in entered.wrong] == [(1, 2, "9"), (2, 1, "abc"), (3, 1, "1.3")]
    assert [one.why for one in entered.wrong if isinstance(one.why, str)] == [
        "coefficients.wrong.beside", "coefficients.wrong.below",
    ]


def test_the_value_of_both_funds_is_not_emptied_for_one(standing: Grid) -> None:
    from dataclasses import replace

    of_one = replace(standing, fund="employee")
    entered = typed(of_one, [(A, "base")], "")
    assert [one.why for one in entered.wrong] == ["coefficients.wrong.of_all"]
    (cell,) = typed(of_one, [(A, "base")], "1.05").cells  # its own row, beside that of both
    assert (cell.fund, cell.value, cell.seen) == ("employee", "1.05", "")


@given(st.lists(st.lists(st.text("0123456789.,+-*ab\" \n中", max_size=6), min_size=1, max_size=4), min_size=1, max_size=5))
def test_a_block_comes_back_as_excel_wrote_it(rows: list[list[str]]) -> None:
    """Cells with quotes and line breaks as Excel writes them, read back; empty lines at the end belong to no block."""
    def quoted(cell: str) -> str:
        return '"' + cell.replace('"', '""') + '"' if any(sign in cell for sign in '"\n\t') else cell

    text = "\r\n".join("\t".join(map(quoted, row)) for row in rows) + "\r\n"
    wanted = list(rows)
    while wanted and not any(cell.strip() for cell in wanted[-1]):
        wanted.pop()
    assert block_of(text) == wanted


@pytest.mark.parametrize(("text", "change"), [("+0.01", True), ("*1.02", True), ("-", False), ("1.05", False), ("=1+1", False)])
def test_what_is_a_change(text: str, change: bool) -> None:
    assert is_change(text) is change


def test_values_shown_meanwhile_are_those_written(standing: Grid) -> None:
    entered = typed(standing, [(A, "base"), (B, "base")], "=1+1/4")
    assert dict(entered.values) == {(A, "base"): Fraction(5, 4), (B, "base"): Fraction(5, 4)}
