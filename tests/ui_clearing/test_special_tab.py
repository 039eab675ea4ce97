"""The special cases tab as a person uses it: looking, trying, deciding on several, taking back, and what it refuses."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

from PySide6.QtWidgets import QLabel

from core.storage.engine import library as sqlite3
from ui.desk import Desk
from ui.dialogs import SureDialog
from ui.pages.clearing import ClearingPage
from ui.pages.clearing.special import SpecialTab

from .conftest import idle


def open_tab(page: ClearingPage, desk: Desk, qtbot) -> SpecialTab:
    page.show_target(("tab", "special"))
    idle(qtbot, desk)
    return page.tabs.tab("special")


def rows(path: Path) -> dict[str, tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute("SELECT setl_id, decision, score, document, reason FROM special_case").fetchall()
    return {row[0]: row[1:] for row in found}


def undecided(tab: SpecialTab) -> list[str]:
    assert tab.found is not None
    return [one for one in tab.found.sheet.keys.tolist() if one not in tab.found.stored]  # type: ignore[union-attr]


def fill(tab: SpecialTab, kind: str, score: str = "", document: str = "特例〔2024〕9号", reason: str = "费用合理") -> None:
    tab.form.kind.setCurrentIndex(tab.form.kind.findData(kind))
    tab.form.score.setText(score)
    tab.form.document.setText(document)
    tab.form.reason.setText(reason)


def test_try_decide_and_undo(make_page, desk: Desk, workspace: Path, qtbot) -> None:
    tab = open_tab(make_page(), desk, qtbot)
    stood = rows(workspace)
    assert tab.found is not None and not tab.attempt.isEnabled()
    quota = tab.found.quota
    key = undecided(tab)[0]
    assert tab.table.select(key, "fee") and tab.keys() == [key]
    fill(tab, "by_item")
    tab.attempt.click()
    idle(qtbot, desk)
    assert tab.told is not None and rows(workspace) == stood
    assert tab.fund.currentText() == dict(zip(tab.found.sheet.keys, tab.found.sheet.cells["fund"], strict=True))[key]  # type: ignore[arg-type]
    shown = tab.effect.worksheet()
    assert any(value != 0 for value in shown.cells["score_change"])
    tab.enter.click()
    idle(qtbot, desk)
    assert rows(workspace)[key] == ("by_item", None, "特例〔2024〕9号", "费用合理")
    assert tab.found is not None and tab.found.quota.approved == quota.approved + 1
    assert tab.told is None  # what was tried is past
    assert tab.keys() == [key] and tab.found.stored[key].kind == "by_item"
    fill(tab, "", reason="复核不予认可")
    tab.enter.click()
    idle(qtbot, desk)
    assert rows(workspace) == stood
    desk.change(lambda workspace, _: workspace.ledger.undo(), lambda _: None, tables=("special_case",))
    idle(qtbot, desk)
    assert tab.found.stored[key].document == "特例〔2024〕9号"


def test_what_is_missing_is_said_and_nothing_written(make_page, desk: Desk, workspace: Path, qtbot) -> None:
    tab = open_tab(make_page(), desk, qtbot)
    stood, key = rows(workspace), undecided(tab)[0]
    tab.table.select(key, "fee")
    for what, said in (
        ({"kind": "adjusted"}, "核定分值"), ({"kind": "adjusted", "score": "三分"}, "三分"),
        ({"kind": "by_item", "document": " "}, "依据文件"), ({"kind": "rejected", "reason": ""}, "评议意见"),
    ):  # fmt: skip
        fill(tab, **what)
        tab.enter.click()
        idle(qtbot, desk)
        assert tab.asking.isVisible() and said in tab.asking.said.text()
        marked = [name for name in ("score", "document", "reason") if getattr(tab.form, name).property("bad")]
        field = {"核定分值": "score", "三分": "score", "依据文件": "document", "评议意见": "reason"}[said]
        assert marked == [field] and getattr(tab.form, field).hasFocus()
    fill(tab, "adjusted", "三分")
    tab.attempt.click()
    assert tab.form.score.property("bad") and "三分" in tab.asking.said.text()
    qtbot.keyClicks(tab.form.score, "2")
    assert not tab.form.score.property("bad")
    assert rows(workspace) == stood


def test_above_the_limit_it_is_asked_before_it_is_done(make_page, desk: Desk, workspace: Path, qtbot) -> None:
    tab = open_tab(make_page(), desk, qtbot)
    assert tab.found is not None
    stood, key = rows(workspace), undecided(tab)[0]
    quota = replace(tab.found.quota, by_item=tab.found.quota.allowed - tab.found.quota.adjusted)  # as many as may be
    tab.found = replace(tab.found, quota=quota)
    tab.table.select(key, "fee")
    fill(tab, "rejected")
    fill(tab, "by_item")
    tab.enter.click()
    idle(qtbot, desk)
    dialog = tab.window().findChild(SureDialog)
    said = " ".join(one.text() for one in dialog.findChildren(QLabel))
    assert f"最多可通过 {quota.allowed:,} 例" in said and f"{quota.allowed + 1:,} 例，超出 1 例" in said and "医疗保障部门同意" in said
    dialog.reject()
    idle(qtbot, desk)
    assert rows(workspace) == stood
    fill(tab, "rejected")  # approves nobody: not asked
    tab.enter.click()
    idle(qtbot, desk)
    assert rows(workspace)[key][0] == "rejected"


def test_filters_bounds_and_the_way_in(make_page, desk: Desk, qtbot) -> None:
    page = make_page()
    tab = open_tab(page, desk, qtbot)
    assert tab.found is not None
    every, decided = tab.found.sheet.rows, len(tab.found.stored)
    tab.show_only.setCurrentIndex(tab.show_only.findData("decided"))
    tab.show_only.activated.emit(0)
    idle(qtbot, desk)
    assert len(tab.table.visible_rows()) == decided
    tab.show_only.setCurrentIndex(0)
    tab.show_only.activated.emit(0)
    tab.bounds["days"].setText("二十")
    tab.look.click()
    assert tab.asking.isVisible() and "二十" in tab.asking.said.text()
    assert tab.bounds["days"].property("bad") and not tab.bounds["times"].property("bad")
    tab.bounds["days"].setText("21")
    tab.look.click()
    idle(qtbot, desk)
    assert tab.found.sheet.rows > every
    key = str(tab.found.sheet.keys[-1])  # type: ignore[index]
    page.show_target(("tab", "special", key))
    idle(qtbot, desk)
    assert tab.keys() == [key]


def test_a_year_without_and_no_workspace(make_page, desk: Desk, qtbot) -> None:
    tab = open_tab(make_page(), desk, qtbot)
    desk.choose(year=2021)
    idle(qtbot, desk)
    assert tab.found is not None or tab.asking.isVisible()  # what it cannot do it says
    desk.close()
    assert not tab.enter.isEnabled()


def test_the_form_is_of_the_case_chosen_and_what_is_typed_is_asked_about(make_page, desk: Desk, workspace: Path, qtbot) -> None:
    tab = open_tab(make_page(), desk, qtbot)
    assert tab.found is not None
    (first, second), decided = undecided(tab)[:2], next(iter(tab.found.stored))
    stored, stood = tab.found.stored[decided], rows(workspace)
    form, asked = tab.form, []
    desk.leaving_asked.connect(asked.append)

    def shown() -> tuple[str, ...]:
        return form.typed()

    empty = ("by_item", "", "", "")
    tab.table.select(decided, "fee")
    assert shown() == (stored.kind, stored.score, stored.document, stored.reason)
    tab.table.select(first, "fee")  # nothing of the other case is left for this one
    assert shown() == empty and tab.decided()[0].setl_id == first
    tab.table.select(decided, "fee")
    form.kind.setCurrentIndex(form.kind.findData("by_item" if stored.kind != "by_item" else "rejected"))
    assert tab.unsaved()  # another decision on the same papers is work too
    tab.discard()
    tab.table.select(first, "fee")
    fill(tab, "rejected", document="typed", reason="typed too")
    for wish in ("stay", "discard", "save"):
        tab.table.select(decided, "fee")
        qtbot.waitUntil(lambda: bool(asked), timeout=5_000)
        leaving = asked.pop()
        assert shown() == ("rejected", "", "typed", "typed too") and [one.setl_id for one in tab.decided()] == [first]
        getattr(leaving, wish)()
        idle(qtbot, desk)
        assert not asked and rows(workspace).get(decided) == stood[decided]
        if wish == "stay":
            assert tab.keys() == [first] and shown() == ("rejected", "", "typed", "typed too")
        elif wish == "discard":
            assert tab.keys() == [decided] and shown()[2] == stored.document
            tab.table.select(first, "fee")
            assert shown() == empty
            fill(tab, "rejected", document="typed", reason="typed too")
    assert rows(workspace)[first][0] == "rejected" and tab.keys() == [decided] and shown()[2] == stored.document
    tab.table.select(second, "fee")
    assert shown() == empty
