"""What the Clearing page hands over: the menu names what it will write, and every entry writes it."""

from __future__ import annotations

import runpy
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest
from PySide6.QtWidgets import QMenu

from core.rules.sheet import Clearing
from core.settlement import evidence
from ui.desk import Desk
from ui.pages.clearing import ClearingPage, handover

from .conftest import idle


@pytest.fixture
def cleared(make_page, desk: Desk, qtbot) -> ClearingPage:
    page = make_page()
    page.clear()
    idle(qtbot, desk)
    return page


def first(clearing: Clearing, count: int) -> Clearing:
    """The clearing with only so many institutions."""
    return replace(clearing, funds=tuple(
        replace(sheet, institutions=sheet.institutions[:count], values={name: own[:count] for name, own in sheet.values.items()})
        for sheet in clearing.funds
    ))  # fmt: skip


def entries(page: ClearingPage) -> dict[str, bool]:
    menu = QMenu(page)
    page.handover.fill(menu)
    return {one.text(): one.isEnabled() for one in menu.actions() if not one.isSeparator()}


def test_the_menu_names_the_institution_of_the_current_row(cleared: ClearingPage) -> None:
    page = cleared
    page.table.grid.setCurrentIndex(page.table.model.index(-1, -1))
    waiting = [text for text, on in entries(page).items() if not on]
    assert len(waiting) == 4 and all("请先在表中选一家机构" in text for text in waiting)
    one = page.clearing.fund("employee").institutions[5]
    assert page.table.select(one.code)
    told = entries(page)
    assert all(told.values())
    assert sum(one.name in text for text in told) == 4


def test_all_confirmations_in_a_folder_and_in_a_book(cleared: ClearingPage, desk: Desk, qtbot, tmp_path: Path) -> None:
    page = cleared
    one = page.clearing.fund("employee").institutions[0]
    page.handover.confirm(tmp_path / "one.pdf", one.code)
    idle(qtbot, desk)
    assert (tmp_path / "one.pdf").read_bytes().startswith(b"%PDF")
    page.clearing = first(page.clearing, 7)  # of 155 it is the same, and takes a while
    page.handover.confirm(tmp_path / "all.xlsx")
    idle(qtbot, desk)
    names = openpyxl.load_workbook(tmp_path / "all.xlsx", read_only=True).sheetnames
    assert len(names) == 7 and one.code in names[0]


def test_a_list_of_cases(cleared: ClearingPage, desk: Desk, qtbot, tmp_path: Path) -> None:
    page = cleared
    one = page.clearing.fund("resident").institutions[0]
    page.handover.list_cases(tmp_path / "one.xlsx", one.code)
    idle(qtbot, desk)
    assert len(openpyxl.load_workbook(tmp_path / "one.xlsx", read_only=True).sheetnames) >= 3


def test_it_can_be_stopped(cleared: ClearingPage, desk: Desk, qtbot, tmp_path: Path) -> None:
    page = cleared
    page.handover.list_cases(tmp_path / "all.xlsx")
    page.handover.asking.cancel()
    idle(qtbot, desk)
    assert not page.handover.asking.busy and list(tmp_path.glob("*.xlsx")) == []


def test_where_to_is_asked_with_a_name_that_fits(cleared: ClearingPage, desk: Desk, qtbot, tmp_path: Path, monkeypatch) -> None:
    asked: list[str] = []

    def answer(parent, title, start, fitting):
        asked.append(Path(start).name)
        return str(tmp_path / f"chosen{len(asked)}"), fitting

    monkeypatch.setattr(handover.QFileDialog, "getSaveFileName", answer)
    page = cleared
    code = page.clearing.fund("employee").institutions[2].code
    page.table.select(code)
    page.clearing = first(page.clearing, 7)
    page.handover.choose_confirmation("one", "xlsx")
    idle(qtbot, desk)
    page.handover.choose("pdf")
    idle(qtbot, desk)
    assert asked[0].startswith("2024 清算确认表") and code in asked[0] and asked[0].endswith(".xlsx")
    assert sorted(one.suffix for one in tmp_path.glob("chosen*")) == [".pdf", ".xlsx"]
    assert (tmp_path / "chosen2.pdf").read_bytes().startswith(b"%PDF")


def test_evidence_of_one_and_of_all(cleared: ClearingPage, desk: Desk, qtbot, tmp_path: Path) -> None:
    page = cleared
    one = page.clearing.fund("employee").institutions[0]
    checker = runpy.run_path(str(evidence.CHECKER))
    for name, code in (("all.zip", ""), ("one.zip", one.code)):
        page.handover.bundle(tmp_path / name, code)
        idle(qtbot, desk)
        check = checker["Check"]((tmp_path / name).read_bytes())
        check.run()
        assert check.wrong == []
