"""Why scores and the point value moved: both ends are the cleared values, the parts close, every bar opens what it stands on."""

from __future__ import annotations

from fractions import Fraction

import openpyxl
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest

from core.rules import packs
from core.settlement.clearing import clear
from ui.desk import FUNDS
from ui.pages.institutions import InstitutionsPage
from ui.pages.institutions.why import WhyTab

PACK = "ningde-2024"


@pytest.fixture
def why(page: InstitutionsPage, idle) -> WhyTab:
    page.show_target(("why", "", "employee"))
    idle()
    tab = page.stack.currentWidget()
    assert isinstance(tab, WhyTab)
    return tab


def amounts(sheet) -> dict[str, Fraction]:
    return dict(zip((str(key) for key in sheet.keys), sheet.cells["amount"], strict=True))


def drawn(told) -> list[float]:
    return list(told.chart.panels[0].series[0].values)


@pytest.mark.parametrize("fund", FUNDS)
def test_both_ends_are_what_a_clearing_gives_and_the_parts_close(page, desk, idle, fund) -> None:
    page.show_target(("why", "", fund))
    idle()
    why = page.stack.currentWidget()
    assert desk.fund == fund
    told = amounts(why.region.parts.worksheet())
    for year, end in ((2023, "before"), (2024, "after")):
        cleared = clear(desk.workspace, year, packs.load(PACK), funds=(fund,), store=False)
        assert told[end] == cleared.funds[0].region["point_value"]
    parts = [value for key, value in told.items() if key not in ("before", "after")]
    assert len(parts) >= 8
    assert told["before"] + sum(parts) == told["after"], "as written, to the last digit"
    assert drawn(why.region) == [float(value) for value in told.values()]
    panel = why.region.chart.panels[0]
    assert panel.unit == "元/分"
    assert panel.period == "2023 年至 2024 年"
    assert " 例，2024 年 " in panel.note
    assert panel.series[0].texts[0] in why.region.said.text().replace("\N{MINUS SIGN}", "-")


def test_each_bar_opens_what_it_stands_on(why, idle) -> None:
    told = why.region
    keys = [str(key) for key in told.parts.worksheet().keys]
    for at, key in enumerate(keys[1:-1], 1):
        told.chart.activated.emit(0, at)
        idle()
        assert told.views.currentIndex() == 1
        assert told.beneath.worksheet().rows > 0, key
        assert told.beneath.worksheet().id == f"attribution_{key}_employee"
        assert told.views.tabText(1).endswith(why.texts(f"attribution.factor.{key}"))
    told.open_factor("budget")
    idle()
    sheet, rows = told.beneath.worksheet(), why.desk.workspace.reader()
    paid = rows.execute(
        "SELECT sum(amount) FROM budget WHERE year = 2024 AND fund = 'employee' AND item IN ('dip_budget', 'dip_topup')"
    ).fetchone()[0]
    assert sheet.totals["yuan_after"] == Fraction(paid, 100)
    assert not told.go[0].isVisible(), "a line of the budget has no cases"


def test_the_keyboard_opens_a_bar(why, idle) -> None:
    why.region.chart.setFocus()
    for _ in range(2):
        QTest.keyClick(why.region.chart, Qt.Key.Key_Down)
    QTest.keyClick(why.region.chart, Qt.Key.Key_Return)
    idle()
    assert why.region.factor == "budget"
    assert why.region.beneath.worksheet().rows > 0
    assert "双击或回车查看依据" in [*why.region.chart.told(0, 1), why.region.chart.hint]


def test_an_end_leads_to_its_clearing(why, desk) -> None:
    wanted: list[tuple[str, object]] = []
    desk.wanted.connect(lambda page, target: wanted.append((page, target)))
    why.region.open_factor("before")
    assert wanted == [("clearing", None)]
    assert desk.year == 2023


def test_from_the_region_to_an_institution_to_a_case(why, desk, idle) -> None:
    why.region.open_factor("cases")
    idle()
    sheet = why.region.beneath.worksheet()
    code = str(sheet.keys[0])
    why.region.beneath.activated.emit(code, "fixmedins_name")
    idle()
    assert why.views.currentIndex() == 1
    assert why.one.story.code == code
    one = amounts(why.one.parts.worksheet())
    assert one["before"] + sum(value for key, value in one.items() if key not in ("before", "after")) == one["after"]

    why.one.open_factor("mix")
    idle()
    beneath = why.one.beneath.worksheet()
    row = next(i for i in range(beneath.rows) if beneath.cells["cases_after"][i] > 0 and beneath.keys[i])
    group = str(beneath.keys[row])
    why.one.beneath.select(group)
    why.one.show_cases(1)
    idle()
    cases = why.one.cases.table
    expected = desk.workspace.reader().execute(
        "SELECT count(*) FROM cases WHERE year = 2024 AND fund = 1 AND fixmedins_code = ? AND dip_dise_grp_code = ?"
        " AND netting = 0 AND scope = 0",
        (code, group),
    ).fetchone()[0]  # fmt: skip
    assert len(cases.visible_rows()) == expected == beneath.cells["cases_after"][row]
    wanted: list[tuple[str, object]] = []
    desk.wanted.connect(lambda page, target: wanted.append((page, target)))
    cases.activated.emit(cases.worksheet().keys[0], "setl_id")
    assert wanted[0][0] in ("clearing", "packs")
    why.one.cases.back.click()
    assert why.one.whole.currentIndex() == 0


def test_every_institution_with_growth_and_parts(page, desk, idle) -> None:
    page.show_target(("why", "", "employee"))
    idle()
    why = page.stack.currentWidget()
    why.views.setCurrentIndex(1)
    idle()
    sheet = why.table.worksheet()
    codes = {row[0] for row in desk.workspace.reader().execute(
        "SELECT DISTINCT fixmedins_code FROM cases WHERE year IN (2023, 2024) AND fund = 1 AND netting = 0 AND scope = 0"
    )}  # fmt: skip
    assert set(sheet.keys) == codes
    factors = [id.removeprefix("part_") for id in sheet.cells if id.startswith("part_")]
    for row in range(sheet.rows):
        value = {id: sheet.cells[id][row] for id in sheet.cells}
        assert sum(value[f"part_{one}"] for one in factors) == value["score_after"] - value["score_before"]
        if value["score_before"]:
            assert value["growth"] == 100 * (value["score_after"] / value["score_before"] - 1)
            assert sum(value[f"percent_{one}"] for one in factors) == value["growth"]
        else:
            assert value["growth"] is None
    changes = [abs(one) for one in sheet.cells["score_change"]]
    assert changes == sorted(changes, reverse=True)


def test_the_chosen_institution_with_its_peers_and_drivers(page, idle) -> None:
    page.show_target(("why", "", "employee"))
    idle()
    why = page.stack.currentWidget()
    why.views.setCurrentIndex(1)
    idle()
    code = str(why.table.worksheet().keys[3])
    why.table.select(code)
    idle()
    assert why.one.story.code == code
    assert "peers_of_before" in why.one.parts.worksheet().cells
    drivers = why.one.drivers.worksheet()
    assert {"peers_before", "peers_after", "category_points"} <= set(drivers.cells)
    assert why.one.views.isTabVisible(2)
    assert not why.region.views.isTabVisible(2)


def test_a_code_without_cases_is_said(page, idle) -> None:
    page.show_target(("why", "H00000000000", "employee"))
    idle()
    why = page.stack.currentWidget()
    assert "H00000000000" in why.asking.said.text()
    assert why.one.story is None


def test_the_same_year_twice_and_a_year_that_cannot_be_cleared(why, idle) -> None:
    why.before.setCurrentIndex(why.before.findData(2024))
    why._ask()
    assert why.asking.said.text() == why.texts("attribution.page.same_year")
    assert why.region.chart.panels == ()
    assert not why.export.isEnabled()
    why.before.setCurrentIndex(why.before.findData(2023))
    why._ask()
    idle()
    assert why.region.story is not None


def test_a_refused_year_says_why_and_what_to_do(page, desk, idle) -> None:
    from core.storage.ledger import Change, Edit

    rows = desk.workspace.reader().execute(
        "SELECT year, fund, item, document, date, amount, batch_id, row FROM budget WHERE year = 2023 AND fund = 'employee'"
        " AND item = 'dip_budget'"
    ).fetchall()
    changes = tuple(
        Change("budget", dict(zip(("year", "fund", "item", "document", "date"), row[:5], strict=True)),
               {"amount": row[5], "batch_id": row[6], "row": row[7]}, None)
        for row in rows
    )  # fmt: skip
    desk.change(lambda workspace, _: workspace.ledger.commit(Edit("edit", "2023", changes, "试")))
    idle()
    page.show_target(("why", "", "employee"))
    idle()
    why = page.stack.currentWidget()
    assert why.asking.isVisibleTo(why)
    assert "2023" in why.asking.said.text() + why.asking._details
    assert why.region.story is None
    desk.change(lambda workspace, _: workspace.ledger.undo())
    idle()
    assert why.region.story is not None, "asked again when what was lacking is there"


def test_cancelled_it_can_be_asked_again(page, desk, idle) -> None:
    page.show_target(("why", "", "resident"))
    why = page.stack.currentWidget()
    why.asking.cancel()
    idle()
    if why.region.story is None:
        page.show_target(("why", "", "resident"))
        idle()
    assert why.region.story is not None


def test_another_fund_is_another_story(why, desk, idle) -> None:
    first = amounts(why.region.parts.worksheet())
    desk.choose(fund="resident")
    idle()
    assert why.region.story.fund == "resident"
    assert amounts(why.region.parts.worksheet()) != first


def test_all_is_exported_as_it_stands(why, tmp_path, idle) -> None:
    why.views.setCurrentIndex(1)
    idle()
    path = tmp_path / "归因.xlsx"
    why.export_to(path)
    idle()
    book = openpyxl.load_workbook(path)
    bars = len(why.found.bars)
    own = len(why.growths.items[0].bars)
    assert len(book.sheetnames) == 1 + bars + 1 + 2 + own
    texts = [str(cell.value) for row in book.worksheets[0].iter_rows() for cell in row if cell.value is not None]
    assert "预算与追加" in texts
    book.close()


def test_the_picture_saves_and_shows_in_grey(why, tmp_path) -> None:
    chart = why.region.chart
    for form in ("png", "svg"):
        path = tmp_path / f"点值.{form}"
        chart.save(path)
        assert path.stat().st_size > 1000
    why.region.grey.click()
    picture = chart.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    for x in range(0, picture.width(), 7):
        for y in range(0, picture.height(), 7):
            colour = picture.pixelColor(x, y)
            assert max(colour.red(), colour.green(), colour.blue()) - min(colour.red(), colour.green(), colour.blue()) <= 3
    why.region.grey.click()
    assert chart.graphicsEffect() is None


def test_another_workspace_forgets(why, desk, idle) -> None:
    desk.put_away()
    idle()
    assert why.region.story is None
    assert why.region.chart.panels == ()
