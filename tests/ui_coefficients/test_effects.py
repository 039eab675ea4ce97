"""What stands beside the grid and on the other tabs, each figure read a second way: by a full clearing, by the core."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import pytest
from grid_hands import CODES, dialog, field, write
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from core.catalogue import library
from core.money import decimal
from core.rules import packs
from core.settlement import coefficients, deriving, scenarios
from core.settlement.clearing import clear
from core.settlement.coefficients import Cell
from core.storage.ledger import Change, Edit
from ui.desk import Desk
from ui.pages.coefficients.derive import TakeDialog
from ui.pages.coefficients.editor import Editor
from ui.pages.coefficients.questions import KeepDialog
from ui.pages.coefficients.scenario_form import ScenarioDialog
from ui.pages.coefficients.sets import DifferenceDialog, NameDialog

A, B, C = CODES


def test_beside_the_grid_stands_what_a_full_clearing_says(editor: Editor, desk: Desk, idle) -> None:
    editor.table.select(A, "base")
    write(editor, "1.3")
    idle()
    outcome = editor.whatif.outcome
    assert outcome is not None
    pack = packs.load("ningde-2024")
    before = clear(desk.workspace, 2024, pack, set_name="2024", store=False)
    after = clear(desk.workspace, 2024, pack, set_name="草稿", store=False)
    assert (outcome.before, outcome.funds) == (before.funds, after.funds)
    sheet, keys = editor.whatif.table.worksheet(), editor.whatif.table.worksheet().keys
    old, new = (
        {one.code: due for one, due in zip(fund.institutions, fund.values["due"], strict=True)}
        for fund in (before.funds[0], after.funds[0])
    )
    told = dict(zip(keys, sheet.cells["due_change"], strict=True))
    assert told == {f"employee.{code}": new[code] - old[code] for code in new}
    assert list(sheet.cells["due_change"]) == sorted(sheet.cells["due_change"], reverse=True)  # winners first
    closing = outcome.closing("employee")
    assert closing.rest == 0
    said = editor.whatif.labels["employee", "after"].text().replace(",", "")
    assert decimal(said) == after.funds[0].region["point_value"]


def test_no_digit_of_the_effect_is_cut_off(editor: Editor) -> None:
    whatif = editor.whatif
    for width in (600, 300, 600):
        editor.split.setSizes([1200 - width, width])
        for label in whatif.labels.values():
            label.setText("−12,345.6789" if width == 300 else "6,545.1372")
        QApplication.processEvents()
        assert all(label.width() >= label.minimumSizeHint().width() for label in whatif.labels.values()), width
        assert (whatif.figures.getItemPosition(whatif.figures.indexOf(whatif.labels["resident", "residual"]))[:2]) == (
            (4, 2) if width == 300 else (2, 4)
        )


def test_what_is_typed_is_tried_before_it_is_written(editor: Editor, idle) -> None:
    assert not editor.whatif.outcome.changes
    editor.table.select(A, "base")
    QTest.keyClicks(editor.table.grid, "*")
    QTest.keyClicks(field(editor), "1.1")
    idle()
    gain = next(one for one in editor.whatif.outcome.gains("employee") if one.code == A)
    assert gain.changes["due"] > 0
    QTest.keyClick(field(editor), Qt.Key.Key_Escape)
    idle()
    assert not editor.whatif.outcome.changes


@pytest.mark.parametrize("view", [1, 2])
def test_by_level_and_by_county_sum_to_the_same(editor: Editor, idle, view: int) -> None:
    editor.table.select(A, "base")
    write(editor, "1.3")
    idle()
    whole = sum(editor.whatif.table.worksheet().cells["due_change"], Fraction(0))
    editor.whatif.views.setCurrentIndex(view)
    idle()
    sheet = editor.whatif.table.worksheet()
    assert sheet.rows < 20
    assert sum(sheet.cells["due_change"], Fraction(0)) == whole


def test_an_edit_that_blocks_the_clearing_is_said(editor: Editor, idle) -> None:
    """A hospital with cases and without a coefficient cannot be cleared."""
    for _ in range(2):  # the value of 2024, then the older one beneath it
        editor.table.select(A, "base")
        if editor.loaded.grid.value(A, "base") is None:
            break
        QTest.keyClick(editor.table.grid, Qt.Key.Key_Delete)
        idle()
    assert editor.loaded.grid.value(A, "base") is None
    assert editor.whatif.asking.isVisible()
    editor.table.select(A, "base")
    write(editor, "1")
    idle()
    assert not editor.whatif.asking.isVisible()


def test_a_pool_that_was_refused_is_opened_once_it_can_be(editor: Editor, page, desk: Desk, idle) -> None:
    """A budget line that lacks, and is entered."""
    key = {"year": 2024, "fund": "employee", "item": "outside_manual"}
    reader = desk.workspace.reader()
    columns = ("document", "date", "amount", "batch_id", "row")
    (row,) = reader.execute(
        f"SELECT {', '.join(columns)} FROM budget WHERE year = 2024 AND fund = 'employee' AND item = 'outside_manual'"
    ).fetchall()
    place = key | {"document": row[0], "date": row[1]}
    held = dict(zip(columns[2:], row[2:], strict=True))
    for before, after in ((held, None), (None, held)):
        desk.change(
            lambda workspace, _, b=before, a=after: workspace.ledger.commit(Edit("edit", "预算", (Change("budget", place, b, a),))),
            tables=("budget",),
        )
        idle()
        assert (editor.whatif.pool is None) == (after is None)
        assert editor.whatif.asking.isVisible() == (after is None)
    assert editor.whatif.outcome is not None


def test_another_set_is_compared_with_as_it_is_now(editor: Editor, page, desk: Desk, idle) -> None:
    coefficients.draft(desk.workspace, "另一草稿", "2024")
    desk.choose(set_name="草稿")
    page.refresh()
    idle()

    def compare() -> Fraction:
        editor.whatif.against.setCurrentIndex(editor.whatif.against.findData("另一草稿"))
        editor.whatif.against.activated.emit(editor.whatif.against.currentIndex())
        idle()
        return editor.whatif.outcome.point_value("employee")[0]

    first = compare()
    desk.choose(set_name="另一草稿")
    idle()
    editor.table.select(A, "base")
    write(editor, "1.5")
    idle()
    desk.choose(set_name="草稿")
    idle()
    second = compare()
    pack = packs.load("ningde-2024")
    assert second == clear(desk.workspace, 2024, pack, set_name="另一草稿", store=False).fund("employee").region["point_value"]
    assert second != first


def test_of_several_catalogues_one_is_chosen(editor: Editor, page, desk: Desk, idle) -> None:
    """Two versions of the year: refused with what to do, then by the one that was chosen, in every tab."""

    def second(workspace, _) -> None:
        one = library.entries(workspace.reader(), "2024")
        rows = [replace(entry, score=entry.score * 2, row=0) for entry in one.rows]
        library.store_draft(workspace, "2024 修订", 2024, rows, based_on="2024", method={"by": "x"})
        library.publish(workspace, "2024 修订")

    before = editor.whatif.outcome.point_value("employee")[0]
    desk.change(second, tables=("catalogue", "catalogue_version"))
    idle()
    assert editor.whatif.pool is None
    assert editor.whatif.asking.isVisible()
    said = editor.whatif.asking.said.text()
    assert "2024 修订" in said and "选定其中一个" in said
    page.catalogue.setCurrentIndex(page.catalogue.findData("2024 修订"))
    page.catalogue.activated.emit(page.catalogue.currentIndex())
    idle()
    assert not editor.whatif.asking.isVisible()
    assert editor.whatif.pool.standing.version == "2024 修订"
    after = editor.whatif.outcome.point_value("employee")[0]
    assert after * 2 == pytest.approx(before, rel=1e-3)
    assert tab(page, "sensitivity", idle).pool.standing.version == "2024 修订"
    assert "2024 修订" in page.stack.currentWidget().about.text()
    page.catalogue.setCurrentIndex(page.catalogue.findData("2024"))
    page.catalogue.activated.emit(page.catalogue.currentIndex())
    idle()
    assert page.stack.currentWidget().pool.standing.version == "2024"
    assert page.stack.currentWidget().pool.base.fund("employee").region["point_value"] == before
    desk.choose(year=2023)
    idle()
    assert page.catalogue.currentData() == "" == page.pools.catalogue  # chosen for 2024, not for every year
    assert page.stack.currentWidget().pool.standing.version == "2023"


# -- sets -----------------------------------------------------------------------------------------------------


def test_publish_draft_compare(page, desk: Desk, editor: Editor, idle) -> None:
    editor.table.select(A, "base")
    write(editor, "1.3")
    idle()
    page.publish.click()
    asked = dialog(NameDialog)
    assert not asked.do.isEnabled()  # no publishing without a reason
    asked.name_field.setText("2024")
    asked.reason_field.setText("年中调整")
    assert not asked.do.isEnabled()  # the name is taken
    asked.name_field.setText("2024 年中")
    asked.accept()
    idle()
    head = next(one for one in coefficients.sets(desk.workspace.reader()) if one.name == "2024 年中")
    assert head.state == "published"
    assert desk.set_name == "2024 年中"
    assert head.hash[:12] in page.stamp.text()
    # frozen: writing asks for a draft instead
    editor.table.select(A, "base")
    editor.table.enter("1.4")
    asked = dialog(NameDialog)
    assert asked.source == "2024 年中"
    asked.name_field.setText("再议")
    asked.accept()
    idle()
    assert desk.set_name == "再议"
    assert coefficients.state_of(desk.workspace.reader(), "再议") == "draft"
    page.compare.click()
    compared = dialog(DifferenceDialog)
    idle()
    assert compared.table.worksheet().rows == 0  # as it was published
    compared.one.setCurrentIndex(compared.one.findData("2024"))
    compared.compare()
    idle()
    sheet = compared.table.worksheet()
    assert list(sheet.cells["code"]) == [A]
    assert list(sheet.cells["after"]) == [Fraction(13, 10)]


def test_empty_states_say_what_to_do(empty_desk: Desk, make_page, tmp_path, idle) -> None:
    page = make_page()
    wanted: list[tuple[str, object]] = []
    empty_desk.wanted.connect(lambda key, target: wanted.append((key, target)))
    assert page.empty.isVisible()
    page.empty.button.click()
    empty_desk.new(tmp_path / "leer.dianzhi", "350900", "空")
    idle()
    assert page.empty.isVisible() and not page.stack.isVisible()
    page.empty.button.click()
    assert wanted == [("start", None), ("data", ("kind", "institutions"))]


# -- derive -----------------------------------------------------------------------------------------------------


def tab(page, key: str, idle) -> object:
    page.show_target(key)
    idle()
    return page.stack.currentWidget()


def test_derived_beside_present_values_and_into_a_draft(page, desk: Desk, idle) -> None:
    derive = tab(page, "derive", idle)
    derive.derive()
    idle()
    again = deriving.derive(desk.workspace, packs.load("ningde-2024"), 2024)
    assert derive.result.derived.cells == again.cells
    sheet = derive.beside.worksheet()
    row = list(sheet.keys).index((A, "all"))
    cell = next(one for one in again.cells if one.code == A and one.part == "base")
    assert sheet.cells["derived.base"][row] == decimal(cell.value)
    assert sheet.cells["change.base"][row] == decimal(cell.value) - sheet.cells["present.base"][row]
    derive.beside.select((B, "all"))
    assert B in derive.working.toPlainText()
    assert "N90" in derive.working.toPlainText()  # source and tag of the working
    before = len(desk.workspace.ledger.lines())
    derive.take.click()
    asked = dialog(TakeDialog)
    assert not asked.do.isEnabled()
    asked.name_field.setCurrentText("草稿")
    asked.reason_field.setText("按宁德办法测算")
    asked.accept()
    idle()
    assert len(desk.workspace.ledger.lines()) == before + 1  # one edit, one undo
    assert desk.workspace.reader().execute(
        "SELECT value FROM coefficient WHERE set_name = '草稿' AND fixmedins_code = ? AND part = 'base' AND fund = 'all'"
        " AND valid_from = '2024-01-01'", (A,)
    ).fetchone() == (cell.value,)  # fmt: skip


def test_choices_are_the_packs_until_they_are_changed(page, idle) -> None:
    derive = tab(page, "derive", idle)
    assert derive.choices() == {}
    derive.choose("places", "x")
    assert not derive.go.isEnabled()
    derive.choose("places", "2")
    assert derive.go.isEnabled()
    derive.derive()
    idle()
    assert all(len(cell.value.partition(".")[2]) <= 2 for cell in derive.result.derived.cells)


# -- scenarios ----------------------------------------------------------------------------------------------------


def test_a_scenario_of_every_kind_is_tried_kept_and_compared(page, desk: Desk, idle) -> None:
    shown = tab(page, "scenarios", idle)
    shown.new()
    idle()
    form = dialog(ScenarioDialog)
    form.institution._find("dyyy")
    form.institution.choose(A)
    form.institution.setFocus()
    QTest.keyClick(form.institution, Qt.Key.Key_Return)
    assert form.focusWidget() is form.part
    form.value.setFocus()
    QTest.keyClicks(form.value, "+0.05")
    QTest.keyClick(form.value, Qt.Key.Key_Return)
    assert form.list.count() == 1 and not form.asking.isVisible()  # added, and not kept yet
    form.kind.setCurrentIndex(2)
    form.rule.setCurrentIndex(form.rule.findData("high.when"))
    form.setting.setEditText("x > 3")
    form.add()
    form.kind.setCurrentIndex(3)
    form.money.setText("12,000,000")
    form.add()
    assert form.list.count() == 3
    lines = desk.workspace.reader().execute(
        "SELECT sum(amount) FROM budget WHERE year = 2024 AND fund = 'employee' AND item = 'dip_budget'"
    ).fetchone()  # fmt: skip
    assert form.list.item(2).text().endswith(f"{lines[0] // 100:,}.{lines[0] % 100:02} → 12,000,000.00 元")
    form.name_field.setText("草稿")
    form.keep()
    idle()
    assert form.isVisible() and form.asking.isVisible()  # no scenario under a set's name
    form.name_field.setText("高倍率三倍")
    form.keep()
    idle()
    one = scenarios.find(desk.workspace.reader(), "高倍率三倍")
    assert one is not None
    assert one.changes.budget == {("employee", "dip_budget"): 1_200_000_000}
    assert one.changes.parameters == {"high.when": "x > 3"}
    shown.compare()
    idle()
    full = scenarios.clear(desk.workspace, "高倍率三倍")
    sheet = shown.tables["institutions"].worksheet()
    row = list(sheet.keys).index(f"employee.{A}")
    fund = next(one for one in full.funds if one.fund == "employee")
    at = [one.code for one in fund.institutions].index(A)
    assert sheet.cells["tried_0"][row] == fund.values["due"][at]
    # nothing of it holds
    assert clear(desk.workspace, 2024, packs.load("ningde-2024"), set_name="草稿", store=False).stamps.parameters == {}


def test_a_wrong_change_is_named_and_not_kept(page, desk: Desk, idle) -> None:
    shown = tab(page, "scenarios", idle)
    shown.new()
    idle()
    form = dialog(ScenarioDialog)
    form.add()
    assert form.list.count() == 0 and form.asking.isVisible()
    form.kind.setCurrentIndex(2)
    form.setting.setEditText("unsinn")
    form.add()
    form.keep()
    idle()
    assert form.isVisible() and form.asking.isVisible()
    assert scenarios.stored(desk.workspace.reader()) == []
    form.list.setCurrentRow(0)
    form.remove.click()
    assert form.list.count() == 0 and not form.do.isEnabled()


def test_the_effect_beside_the_grid_becomes_a_scenario(page, desk: Desk, editor: Editor, idle, tmp_path) -> None:
    assert not editor.whatif.keep.isEnabled()
    editor.table.select(A, "base")
    write(editor, "1.3")
    idle()
    editor.whatif.keep.click()
    asked = dialog(KeepDialog)
    asked.name_field.setText("评审晋级")
    asked.accept()
    idle()
    one = scenarios.find(desk.workspace.reader(), "评审晋级")
    assert [(cell.code, cell.value) for cell in one.changes.cells] == [(A, "1.3")]
    editor.table.select(B, "base")
    write(editor, "1.3")
    idle()
    editor.whatif.keep.click()
    asked = dialog(KeepDialog)
    asked.name_field.setText("评审晋级")  # there already: never replaced in silence
    asked.accept()
    idle()
    assert "评审晋级" in editor.trouble.said.text()
    assert scenarios.find(desk.workspace.reader(), "评审晋级") == one
    shown = tab(page, "scenarios", idle)
    path = tmp_path / "情景.xlsx"
    shown.export_to("评审晋级", path)
    idle()
    assert path.stat().st_size > 10_000
    shown.drop()
    from ui.dialogs import ReasonDialog

    asked = dialog(ReasonDialog)
    asked.accept()
    idle()
    assert scenarios.stored(desk.workspace.reader()) == []
    desk.change(lambda workspace, _: workspace.ledger.undo())
    idle()
    assert list(shown.scenarios) == ["评审晋级"]


# -- sensitivity -----------------------------------------------------------------------------------------------------


def test_a_hundredth_costs_the_others_what_it_brings(page, desk: Desk, idle) -> None:
    shown = tab(page, "sensitivity", idle)
    shown.institutions.select(f"employee.{A}")
    idle()
    sheet = shown.others.worksheet()
    assert sheet.keys[0] == f"employee.{A}"
    own, others = sheet.cells["due_change"][0], sum(sheet.cells["due_change"][1:], Fraction(0))
    assert own > 0 > others
    assert abs(own + others) < 1  # what rounding moves between 155 institutions
    parts = coefficients.parts(desk.workspace.reader(), "草稿")
    raised = [
        Cell(one.code, one.fund, one.name, str(float(one.value + Fraction(1, 100))), coefficients.iso(one.day))
        for one in parts
        if one.code == A and one.name == "base"
    ]
    coefficients.edit(desk.workspace, "草稿", raised, "第二种算法")
    full = clear(desk.workspace, 2024, packs.load("ningde-2024"), set_name="草稿", store=False)
    at = [one.code for one in full.funds[0].institutions].index(A)
    assert full.funds[0].values["due"][at] - sheet.cells["due_before"][0] == own
    shown.amount.setText("x")
    shown._ask_hundredth()
    assert "x" in shown.said.text()


def test_tornado_and_boundaries_with_their_chart(page, idle) -> None:
    shown = tab(page, "sensitivity", idle)
    shown.views.setCurrentIndex(1)
    shown.run_tornado()
    idle()
    sheet = shown.tornado.worksheet()
    moved = [value for value in sheet.cells["moved"] if value is not None]
    assert sheet.rows > 10 and max(moved) == moved[0]
    (panel,) = shown.chart.panels
    assert panel.lying and panel.x and panel.unit
    sheet = clear(page.desk.workspace, 2024, packs.load("ningde-2024"), set_name="草稿", store=False).fund("employee")
    assert panel.cases == sum(sheet.values["cases"])
    shown.chart.setFocus()
    QTest.keyClick(shown.chart, Qt.Key.Key_Down)
    assert shown.chart.pointed()[0] == panel.x[0]
    assert not shown.chart.grab().isNull()
    shown.views.setCurrentIndex(2)
    shown.run_boundaries()
    idle()
    assert {str(one) for one in shown.boundaries.worksheet().cells["condition"]} >= {"x < 0.5", "x > 2", "x > 5"}
    assert shown.readings.worksheet().rows > 0


def test_a_tornado_is_cancelled(page, idle) -> None:
    shown = tab(page, "sensitivity", idle)
    shown.run_tornado()
    shown.asking.cancel()
    idle()
    assert shown.tornado.worksheet().rows == 0
    assert shown.go["tornado"].isEnabled()


@pytest.fixture(autouse=True)
def _no_dialog_left() -> Callable[[], None]:
    yield
    for one in QApplication.topLevelWidgets():
        if one.isVisible() and hasattr(one, "reject"):
            one.reject()
