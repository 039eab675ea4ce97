"""The tab of coefficients by disease: a draft of the catalogue is written into as a set is, and what it does shows."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import pytest
from grid_hands import dialog
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest

from core.catalogue import library
from core.settlement import disease_coefficients
from core.settlement.coefficients import Cell
from ui.desk import Desk
from ui.pages.coefficients.disease import CatalogueDraft, DiseaseTab
from ui.pages.coefficients.grid import Sign, Writing
from ui.pages.coefficients.questions import EditReason


@pytest.fixture
def tab(page, idle) -> DiseaseTab:
    page.show_target("disease")
    idle()
    return page.stack.currentWidget()


@pytest.fixture
def draft(tab: DiseaseTab, desk: Desk, idle) -> DiseaseTab:
    """On a draft that was made here."""
    tab.new.click()
    asked = dialog(CatalogueDraft)
    asked.name_field.setText("2024")
    assert not asked.do.isEnabled()  # the name is taken
    asked.name_field.setText("目录稿")
    asked.reason_field.setText("病种系数")
    asked.accept()
    idle()
    return tab


@pytest.fixture
def coefficient(desk: Desk) -> Callable[[str, str], str | None]:
    def of(code: str, column: str) -> str | None:
        query = f"SELECT {column} FROM catalogue WHERE version = '目录稿' AND dip_code = ?"
        return desk.workspace.reader().execute(query, (code,)).fetchone()[0]

    return of


def because(reason: str) -> None:
    asked = dialog(EditReason)
    asked.field.setText(reason)
    asked.accept()


def test_the_years_catalogue_is_shown_and_not_written_into(tab: DiseaseTab, page) -> None:
    assert tab.shown.version == "2024"
    assert tab.shown.sheet.rows == len(library.entries(tab.desk.workspace.reader(), "2024").rows)
    assert "不用病种系数" in tab.used.text()
    assert not tab.entry.isEnabled()
    tab.table.select(tab.table.model.key_at(0), "coef_3")
    QTest.keyClick(tab.table.grid, Qt.Key.Key_Delete)
    assert dialog(CatalogueDraft).name == "2024 病种系数"  # writing asks for a draft instead


def test_typed_pasted_filled_and_undone_in_a_draft(draft: DiseaseTab, page, desk: Desk, idle, coefficient) -> None:
    tab = draft
    assert (tab.shown.version, tab.shown.state, page.catalogue.currentData()) == ("目录稿", "draft", "目录稿")
    codes = [str(tab.table.model.key_at(row)) for row in range(4)]
    filled = tab.shown.sheet.rows - len(tab.shown.unfilled)
    assert tab.shown.unfilled >= set(codes)
    lines = desk.workspace.reader().execute("SELECT count(*) FROM ledger").fetchone()[0]
    tab.table.select(codes[0], "coef_3")
    QTest.keyClicks(tab.table.grid, "1")
    field = next(one for one in tab.table.grid.viewport().findChildren(Writing) if one.isVisible())
    QTest.keyClicks(field, ".1")
    QTest.keyClick(field, Qt.Key.Key_Tab)
    because("按文件")
    idle()
    assert coefficient(codes[0], "coef_3") == "1.1"
    tab.table.select(codes[1], "coef_3")
    QGuiApplication.clipboard().setText("1.2\t1\t0.8\r\n1.3\t=0.9+0.03\t\r\n")
    QTest.keyClick(tab.table.grid, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    because("粘贴")
    idle()
    assert [coefficient(codes[1], f"coef_{level}") for level in (3, 2, 1)] == ["1.2", "1", "0.8"]
    assert [coefficient(codes[2], f"coef_{level}") for level in (3, 2, 1)] == ["1.3", "0.93", None]
    tab.table.select(codes[3], "coef_3")
    QTest.keyClick(tab.table.grid, Qt.Key.Key_D, Qt.KeyboardModifier.ControlModifier)
    because("向下填充")
    idle()
    assert coefficient(codes[3], "coef_3") == "1.3"
    assert desk.workspace.reader().execute("SELECT count(*) FROM ledger").fetchone()[0] == lines + 3
    assert tab.table.model.signs[codes[1], "coef_2"] == Sign.CHANGED
    tab.filled.setChecked(True)
    idle()
    assert tab.table.model.rowCount() == filled + 4

    desk.change(lambda workspace, _: workspace.ledger.undo(), tables=("catalogue",))
    idle()
    assert tab.table.model.rowCount() == filled + 3
    tab.filled.setChecked(False)
    tab.seek.setText(codes[2])
    idle()
    assert tab.table.model.key_at(0) == codes[2]


def test_wrong_cells_are_named_and_a_stale_edit_says_both_values(draft: DiseaseTab, desk: Desk, idle, coefficient) -> None:
    tab = draft
    first, second = (str(tab.table.model.key_at(row)) for row in range(2))
    name = tab.shown.sheet.cells["dip_name"][0]
    tab.table.select(first, "coef_3")
    QGuiApplication.clipboard().setText("1.1\tabc\n-1\t1\t1\t9\n")
    tab.table.paste()
    said = tab.trouble.said.text()
    assert "3 格不能填" in said
    assert f"第 1 行第 2 列 {name} · 二级系数" in said
    assert coefficient(first, "coef_3") is None
    tab.table.enter("1.1")
    asked = dialog(EditReason)
    disease_coefficients.edit(desk.workspace, "目录稿", [Cell(first, "", "coef_3", "1.05")])  # somebody else, meanwhile
    asked.field.setText("评审")
    asked.accept()
    idle()
    assert "填写时为 —，现为 1.05" in tab.trouble.said.text()
    assert tab.trouble.isVisible()
    assert coefficient(first, "coef_3") == "1.05"
    assert tab.table.model.cell(0, tab.table.model.place("coef_3")) == Fraction("1.05")
    tab.table.select(second, "coef_3")
    tab.table.enter("0.9")
    dialog(EditReason).reject()
    idle()
    assert not tab.table.model.pending
    assert coefficient(second, "coef_3") is None
    assert not tab.trouble.isVisible()


def test_a_version_that_cannot_be_chosen_shows_nothing_of_another(tab: DiseaseTab, page, desk: Desk, idle) -> None:
    desk.choose(year=2030)
    idle()
    assert tab.asking.isVisible()
    assert tab.table.model.rowCount() == 0
    assert not tab.new.isEnabled()
    desk.choose(year=2024)
    idle()
    assert not tab.asking.isVisible()
    assert tab.shown.version == "2024"
