"""The official tab as a person uses it: nothing there, a sheet with differences, from a step to an institution to its cases."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from core.rules import packs
from core.settlement import annual
from core.storage.engine import library as sqlite3
from core.storage.workspace import Workspace
from core.texts import Texts
from ui.desk import Desk
from ui.pages.clearing import ClearingPage
from ui.pages.clearing.official import CAUSES, OFFICIAL, OWN, VIEWS, OfficialTab

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
    target = tmp_path / "核对.xlsx"
    tab.export_to(target)
    idle(qtbot, desk)
    assert target.stat().st_size > 5_000


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
