"""The official tab as a person uses it: nothing there, a sheet with differences, from a step to an institution to its cases."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import openpyxl
import pytest

from core.rules import packs
from core.settlement import annual
from core.storage.engine import library as sqlite3
from core.storage.workspace import Workspace
from core.texts import Texts
from ui.desk import Desk
from ui.pages.clearing import ClearingPage
from ui.pages.clearing.official import CAUSES, OFFICIAL, OWN, VIEWS, OfficialTab
from ui.pages.clearing.tolerances import ToleranceDialog

from .conftest import idle


@pytest.fixture
def official(workspace: Path) -> Path:
    """The region with the bureau's sheet and list: as cleared here, but for one case with another coefficient."""
    from core.money import plain

    with Workspace.open(workspace, write=False) as opened:
        scored = annual.score_cases(opened, 2024, packs.load("ningde-2024"))
        clearing = annual.sheets(packs.load("ningde-2024"), scored)
    cases, scores = scored.inputs.cases, scored.scores.score
    assert scores is not None
    with closing(sqlite3.connect(workspace)) as connection:
        connection.execute(
            "INSERT INTO batch (id, kind, file, sha256, year, mapping, rows_read, accepted, refused, at)"
            " VALUES (9001, 'official_cases', 'x.csv', 'x', 2024, '{}', 0, 0, 0, '2025-01-01')"
        )
        for i in range(len(cases)):
            score = scores.at(i) + (1 if i == 3 else 0)
            connection.execute(
                "INSERT INTO official_case (setl_id, fixmedins_code, score, batch_id, row) VALUES (?, ?, ?, 9001, 2)",
                (cases.setl_id[i], cases.institutions[cases.institution[i]], plain(score)),
            )
        for sheet in clearing.funds:
            for i, one in enumerate(sheet.institutions):
                moved = 100 if i == 0 else 0
                connection.execute(
                    "INSERT INTO official_clearing (fixmedins_code, fund, year, column_id, amount) VALUES (?, ?, 2024, 'final', ?)",
                    (one.code, sheet.fund, plain(sheet.values["final"][i] + moved)),
                )
        connection.commit()
    annual.forget()
    return workspace


def open_tab(page: ClearingPage, desk: Desk, qtbot) -> OfficialTab:
    page.show_target(("tab", "official"))
    idle(qtbot, desk)
    tab = page.tabs.tab("official")
    idle(qtbot, desk)
    return tab


def test_without_an_official_result_it_says_what_to_do(make_page, desk: Desk, qtbot) -> None:
    tab = open_tab(make_page(), desk, qtbot)
    assert tab.told is not None and tab.told.found is None
    assert not tab.save.isEnabled() and tab.beneath.isHidden()


def test_from_a_step_to_the_case(official: Path, make_page, desk: Desk, qtbot, tmp_path: Path) -> None:
    tab = open_tab(make_page(), desk, qtbot)
    told = tab.told
    assert told is not None and told.found is not None and not told.found.agrees
    case = told.found.cases[0]
    assert case.difference == 1 and case.parts == {"unexplained": 1}
    desk.choose(fund=case.fund)
    idle(qtbot, desk)
    tab.show_target("score")
    idle(qtbot, desk)
    assert tab.bridge.worksheet().id == f"reconcile_bridge_{case.fund}_score"
    assert tab.bridge.select(case.code)
    idle(qtbot, desk)
    cases = tab.cases.worksheet()
    assert cases.rows == 1 and cases.keys is not None and cases.keys[0] == case.setl_id
    assert Texts("zh")("reconcile.cause.unexplained") in cases.cells["causes"][0]
    for view in (CAUSES, OWN, OFFICIAL):
        tab.views.setCurrentIndex(VIEWS.index(view))
        assert tab.steps.worksheet().rows > 0 and tab.beneath.isHidden()
    for name in ("核对.xlsx", "核对.pdf"):
        tab.export_to(tmp_path / name)
        idle(qtbot, desk)
        assert (tmp_path / name).stat().st_size > 5_000
    assert any(cell.data_type == "f" for row in openpyxl.load_workbook(tmp_path / "核对.xlsx").worksheets[1] for cell in row)


def test_a_withdrawn_list_is_noticed(official: Path, make_page, desk: Desk, qtbot) -> None:
    tab = open_tab(make_page(), desk, qtbot)
    assert tab.told is not None and tab.told.found is not None
    first = tab.told
    desk.choose(fund="resident" if desk.fund == "employee" else "employee")
    idle(qtbot, desk)
    assert tab.told is first  # the other fund of the same is not computed again
    desk.choose(year=2022)
    idle(qtbot, desk)
    assert tab.told is not first


def test_tolerances_are_asked_and_judge_the_same_differences(official: Path, make_page, desk: Desk, qtbot) -> None:
    """100 yuan at one institution of each fund and a point at one case; what is no amount cannot be taken."""
    tab = open_tab(make_page(), desk, qtbot)
    assert tab.told is not None and tab.told.found is not None and not tab.told.found.agrees
    reconciled = tab.told.found
    dialog = ToleranceDialog(desk, reconciled, tab)
    assert {"case_score", "final", "score"} <= set(dialog.fields)
    assert "case_pay" not in dialog.fields  # the list has no amounts
    for bad in ("一百", "-1", "1,0,"):
        dialog.fields["final"].setText(bad)
        assert not dialog.take.isEnabled()
    dialog.fields["final"].setText("100")
    dialog.fields["score"].setText(" 1 ")
    dialog.fields["case_score"].setText("1")
    assert dialog.take.isEnabled()
    given = dialog.given()
    assert given == {"final": 100, "score": 1, "case_score": 1}
    assert ToleranceDialog(desk, replace(reconciled, tolerance={"final": Fraction(1, 2)}), tab).fields["final"].text() == "0.5"
    tab.tolerate_up_to(given)
    assert tab.told.found is not reconciled and tab.told.found.clearing is reconciled.clearing  # nothing reconciled again
    assert tab.told.found.agrees and "已设 3 项容差" in tab.said.text()
    tab.show_target("final")
    idle(qtbot, desk)
    assert Texts("zh")("reconcile.state.within") in tab.bridge.worksheet().cells["within"]
    tab.tolerate_up_to({"final": Fraction("99.99"), "score": Fraction(1), "case_score": Fraction(1)})
    assert not tab.told.found.agrees


def test_a_list_unlike_its_own_sheet_stands_above_the_table(
    official: Path, make_page, desk: Desk, qtbot, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(official)) as connection:
        code = connection.execute("SELECT min(fixmedins_code) FROM official_clearing WHERE fund = 'employee'").fetchone()[0]
        connection.execute(
            "INSERT INTO official_clearing (fixmedins_code, fund, year, column_id, amount)"
            " VALUES (?, 'employee', 2024, 'score', '123456.5')", (code,),
        )  # fmt: skip
        connection.commit()
    annual.forget()
    page = make_page()
    tab = open_tab(page, desk, qtbot)
    assert tab.told is not None and tab.told.found is not None
    assert [(one.code, one.subject) for one in tab.told.found.findings] == [("official_list_unlike_sheet", code)]
    (line,) = [line for line in tab.said.text().splitlines() if "123456.5" in line]
    assert line.count(code) == 1 and "职工医保" in line
    page.clear()
    idle(qtbot, desk)
    page.handover.reconcile(tmp_path / "b.xlsx")
    idle(qtbot, desk)
    assert (tmp_path / "b.xlsx").read_bytes().startswith(b"PK")
