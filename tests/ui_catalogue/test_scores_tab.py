"""Scores from history, clicked through: choices with their meaning, derived, explained, saved, published, withdrawn."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from core.catalogue import library
from core.rules.scoring import CHOICES
from core.texts import Texts
from ui.desk import Desk
from ui.dialogs import ReasonDialog
from ui.pages.catalogue.drafts import SaveDraft
from ui.pages.catalogue.scores import VIEWS, ScoresTab


@pytest.fixture
def tab(desk: Desk, make_page, idle: Callable[[], None]) -> ScoresTab:
    page = make_page()
    page.show_target("scores")
    idle()
    tab = page.stack.currentWidget()
    assert isinstance(tab, ScoresTab)
    return tab


@pytest.fixture
def derived(tab: ScoresTab, qtbot, idle) -> ScoresTab:
    qtbot.mouseClick(tab.go, Qt.MouseButton.LeftButton)
    idle()
    assert tab.derived is not None
    return tab


def dialog(kind: type):
    return next(one for one in QApplication.topLevelWidgets() if isinstance(one, kind) and one.isVisible())


def test_every_choice_says_what_it_means_and_rests_on(tab: ScoresTab) -> None:
    zh, en = Texts("zh"), Texts("en")
    for choice in CHOICES:
        for texts in (zh, en):
            assert texts.has(f"catalogue.scores.means.{choice.key}"), choice.key
        tab.form._tell(choice.key)
        assert tab.form.about_title.text() == zh(f"scores.choice.{choice.key}")
        assert tab.form.source.text().startswith(f"[{choice.evidence}]")


def test_choices_show_where_they_apply(tab: ScoresTab) -> None:
    form = tab.form
    assert not form.fields["quota"].isVisibleTo(form)
    form.choose("method", "quota")
    assert form.fields["quota"].isVisibleTo(form)
    assert form.changes()["method"] == "quota"
    form.choose("quota", "abc")
    assert not tab.go.isEnabled()
    assert "标准定额" in tab.problem.text()
    form.back.click()
    assert form.changes() == {}
    assert tab.go.isEnabled()


def test_years_and_weights_must_agree(tab: ScoresTab, qtbot) -> None:
    assert tab.chosen_years() == [2021, 2022, 2023]
    qtbot.mouseClick(tab.years[2021], Qt.MouseButton.LeftButton)
    assert not tab.go.isEnabled()
    assert "2" in tab.problem.text() and "3" in tab.problem.text()
    field = tab.form.fields["weights"]
    field.clear()
    qtbot.keyClicks(field, "3 7")
    assert tab.go.isEnabled()


def test_a_score_is_what_plain_sql_makes_of_the_cases(derived: ScoresTab, desk: Desk) -> None:
    """1:2:7 over the years' means, read a second way for the ten groups with most cases."""
    sheet = derived.table.worksheet()
    groups = sorted(range(sheet.rows), key=lambda row: -sum(int(sheet.cells[f"cases_{y}"][row]) for y in range(3)))
    for row in groups[:10]:
        code = sheet.keys[row]
        above = below = Fraction(0)
        for year, weight in ((2021, 1), (2022, 2), (2023, 7)):
            count, total = desk.workspace.reader().execute(
                "SELECT count(*), sum(fee) FROM cases WHERE dip_dise_grp_code = ? AND year = ? AND netting = 0"
                " AND med_type IN (21, 22, 24, 52, 92) AND fee > 0",
                (code, year),
            ).fetchone()
            if count:
                above += weight * Fraction(total, count)
                below += weight
        mean = above / below
        entry = derived.derived.entry(code)
        score = mean / derived.derived.divisor
        assert abs(entry.score - score) <= Fraction(1, 20_000), code


def test_the_working_ends_in_the_score(derived: ScoresTab, qtbot) -> None:
    sheet = derived.table.worksheet()
    told = 0
    for row in range(0, sheet.rows, max(1, sheet.rows // 12)):
        code = sheet.keys[row]
        assert derived.table.select(code)
        said = derived.why.toPlainText()
        assert code in said
        entry = derived.derived.entry(code)
        if derived.derived.decisions[code] == "scored":
            assert re.search(rf"= {float(entry.score):.4f}(\D|$)", said), code
            told += 1
    assert told
    assert "scores." not in derived.why.toPlainText()


def test_chips_count_what_became_of_the_groups(derived: ScoresTab, qtbot) -> None:
    for decision, button in derived.chips.buttons.items():
        number = sum(one == decision for one in derived.derived.decisions.values())
        if decision:
            qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
            assert derived.table.model.rowCount() == number
            assert button.text().endswith(f" {number:,}")


def test_saved_compared_published(derived: ScoresTab, desk: Desk, qtbot, idle) -> None:
    wanted: list[object] = []
    desk.wanted.connect(lambda page, target: wanted.append((page, target)))
    qtbot.mouseClick(derived.save, Qt.MouseButton.LeftButton)
    box = dialog(SaveDraft)
    box.name_field.setText("2024")
    assert not box.do.isEnabled()
    assert box.problem.text().strip()
    box.name_field.clear()
    qtbot.keyClicks(box.name_field, "2025A")
    qtbot.mouseClick(box.do, Qt.MouseButton.LeftButton)
    idle()
    version = library.version_of(desk.workspace.reader(), "2025A")
    assert (version.state, version.entries, version.based_on) == ("draft", len(derived.derived.rows), "2024")
    assert derived.views.currentIndex() == VIEWS.index("drafts")
    assert derived.drafts.current().name == "2025A"
    qtbot.mouseClick(derived.drafts.compare_button, Qt.MouseButton.LeftButton)
    assert wanted[-1] == ("catalogue", ("versions", "2024", "2025A"))

    qtbot.mouseClick(derived.drafts.publish_button, Qt.MouseButton.LeftButton)
    box = dialog(ReasonDialog)
    assert not box.do.isEnabled(), "publishing needs a reason"
    qtbot.keyClicks(box.field, "N116")
    qtbot.mouseClick(box.do, Qt.MouseButton.LeftButton)
    idle()
    version = library.version_of(desk.workspace.reader(), "2025A")
    assert version.state == "published"
    assert not derived.drafts.publish_button.isEnabled()
    assert not derived.drafts.withdraw_button.isEnabled()
    assert desk.workspace.ledger.lines(1)[0].why == "N116"


def test_a_draft_is_withdrawn_and_comes_back_by_undo(derived: ScoresTab, desk: Desk, qtbot, idle) -> None:
    derived._store("试", 2025, "")
    idle()
    assert derived.drafts.current().name == "试"
    qtbot.mouseClick(derived.drafts.withdraw_button, Qt.MouseButton.LeftButton)
    dialog(ReasonDialog).do.click()
    idle()
    assert "试" not in {one.name for one in library.versions(desk.workspace.reader())}
    assert derived.drafts.current() is None
    desk.change(lambda workspace, _: workspace.ledger.undo())
    idle()
    assert library.version_of(desk.workspace.reader(), "试").state == "draft"
    assert derived.drafts.current().name == "试"


def test_choices_made_since_are_said(derived: ScoresTab, qtbot, idle) -> None:
    """The result stays what it was derived by; that the choices are others now stands beside it."""
    assert not derived.problem.isVisibleTo(derived)
    derived.form.choose("weighting", "totals")
    assert "上次" in derived.problem.text() and derived.problem.isVisibleTo(derived)
    assert derived.go.isEnabled()
    derived.derive()
    idle()
    assert not derived.problem.isVisibleTo(derived)
    assert derived.derived.rule.weighting == "totals"


def test_groups_can_be_made_from_the_cases(tab: ScoresTab, qtbot, idle) -> None:
    tab.base.setCurrentIndex(tab.base.findData(""))
    tab.base.activated.emit(tab.base.currentIndex())
    assert tab.form.fields["related_rise"].isVisibleTo(tab.form)
    assert not tab.groups.isEnabled()
    tab.derive()
    idle()
    assert tab.derived is not None
    assert tab.derived.base is None
    assert tab.table.worksheet().rows == len(tab.derived.decisions)


def test_what_cannot_be_derived_says_why(tab: ScoresTab, idle) -> None:
    tab.form.choose("method", "benchmark")
    tab.form.choose("benchmark", "没有这个病种")
    tab.derive()
    idle()
    assert tab.derived is None
    assert tab.asking.isVisibleTo(tab)
    assert "没有这个病种" in tab.asking.said.text(), "one reason is said at once, not behind a button"
    assert not tab.asking.more.isVisibleTo(tab.asking)


def test_cancelled_leaves_the_result_before(derived: ScoresTab, idle) -> None:
    before = derived.derived
    derived.derive()
    derived.asking.cancel()
    idle()
    assert derived.derived is before
