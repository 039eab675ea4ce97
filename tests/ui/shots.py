"""Pictures of every page, to be looked at: both languages, light and dark, as large as the smallest laptop.

    python tests/ui/shots.py FOLDER [WORKSPACE] [--pages start ledger ...] [--institutions 3]

Without a workspace a small one with a few edits is made. --institutions: of a copy of the workspace's region only so many
are left, the largest of each level first. QT_SCALE_FACTOR scales as a system does; --size is in the pixels of 100 %.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


def small_workspace(path: Path) -> None:
    from core.storage.ledger import Change, Edit
    from core.storage.workspace import Workspace

    with Workspace.create(path, region="350900", name="宁德市 2024 年度清算") as workspace:
        for code, value, why in (
            ("H35090100001", "1.0520", "等级系数,宁医保〔2023〕90号"), ("H35090100002", "0.9800", ""),
        ):
            key = {"set_name": "imported", "fixmedins_code": code, "fund": "all", "part": "base", "valid_from": ""}
            change = Change("coefficient", key, None, {"value": value, "basis": "", "batch_id": None, "row": None})
            workspace.ledger.commit(Edit("edit", code, (change,), why))
        key = {"year": 2024, "fund": "employee", "item": "dip_budget", "document": "宁医保〔2024〕12号", "date": ""}
        change = Change("budget", key, None, {"amount": 109_200_000_000, "batch_id": None, "row": None})
        workspace.ledger.commit(Edit("edit", "2024 职工 dip_budget", (change,), "年初预算"))
        workspace.ledger.undo(why="金额待核")
        workspace.ledger.redo(why="已与文件核对")


def few(path: Path, number: int) -> None:
    """Leave so many institutions of the workspace at `path`, the largest of each level in turn, with the cases, payments
    and papers that are theirs, and of the budget what their cases weigh. Below the ledger: for looking at, not for verifying.
    """
    from core.storage import engine

    connection = engine.connect(path, "rw")
    by_level: dict[int, list[str]] = {}
    for level, code in connection.execute(
        "SELECT coalesce(i.hi_setl_lv, 0), i.fixmedins_code FROM institution i JOIN cases c USING (fixmedins_code)"
        " GROUP BY 2 ORDER BY count(*) DESC, 2"
    ):
        by_level.setdefault(level, []).append(code)
    in_turn = [codes[n] for n in range(number) for _, codes in sorted(by_level.items(), reverse=True) if n < len(codes)]
    kept = json.dumps(in_turn[:number])
    theirs = "(SELECT value FROM json_each(?))"
    whole, part = connection.execute(
        f"SELECT sum(hifp_pay), sum(hifp_pay) FILTER (WHERE fixmedins_code IN {theirs}) FROM cases", (kept,)
    ).fetchone()
    connection.execute("BEGIN")
    for table in ("cases", "institution", "payment", "deduction", "assessment", "control_total", "official_clearing"):
        connection.execute(
            f"DELETE FROM {table} WHERE fixmedins_code NOT IN {theirs} AND fixmedins_code <> 'REGION'", (kept,)
        )
    connection.execute(
        f"DELETE FROM coefficient WHERE fixmedins_code NOT IN {theirs} AND set_name NOT IN"
        " (SELECT name FROM coefficient_set WHERE state = 'published')", (kept,)
    )  # fmt: skip
    for table in ("special_case", "diagnosis", "operation_done", "case_group"):
        connection.execute(f"DELETE FROM {table} WHERE setl_id NOT IN (SELECT setl_id FROM cases)")
    connection.execute("UPDATE budget SET amount = amount * ? / ?", (part, whole))
    connection.execute("COMMIT")
    connection.close()


def catalogue(window, shoot) -> None:
    """The states of the browser: searched, a group's page part by part, whole, and nothing found."""
    from core.storage.contents import names

    desk = window.desk
    groups = [name.code for name in names(desk.workspace.reader()) if name.kind == "group"]
    counted = desk.workspace.reader().execute(
        "SELECT dip_dise_grp_code FROM cases GROUP BY 1 ORDER BY count(*) DESC LIMIT 1"
    ).fetchone()  # fmt: skip
    window.show_page("catalogue", ("group", counted[0] if counted and counted[0] in groups else groups[0]))
    tab = window.page().stack.currentWidget()
    for number, name in enumerate(("group", "spread", "institutions", "bands", "cases")):
        tab.panel.tabs.setCurrentIndex(number)
        shoot(name)
    tab.panel.tabs.setCurrentIndex(0)
    tab._widen(True)
    shoot("whole")
    tab._close_panel()
    tab.tree.expandItem(tab.tree.topLevelItem(1))
    tab.search.setText("lwy")
    shoot("search")
    tab.search.setText("zzzz")
    shoot("nothing")
    tab.search.clear()


def catalogue_tabs(window, shoot) -> None:
    """Versions, agreement and scores: before they were asked, and every view of their result. Shooting waits."""
    for key in ("versions", "agreement", "scores"):
        window.show_page("catalogue", key)
        shoot(key)
        tab = window.page().stack.currentWidget()
        getattr(tab, {"versions": "measure", "agreement": "compare", "scores": "derive"}[key])()
        for number in range(tab.views.count()):
            shoot(f"{key}-{number}")  # the first waits for the result
            tab.views.setCurrentIndex(number + 1)
        tab.views.setCurrentIndex(0)
        if key == "versions":
            tab.chips.press("split")
            shoot("versions-split")
            tab.chips.press("changed")
    window.show_page("catalogue", "browse")


def packs(window, shoot) -> None:
    """The calculator: empty, with a diagnosis alone, the list under a field, a case of the files, nothing found."""
    form = window.page().open_tab("calculate")
    shoot("empty")
    form.diagnosis.setText("K35.300")
    form.ask()
    shoot("diagnosis")
    form.operation.setFocus()
    form.operation.setText("lwqc")
    form.operation._offer()
    shoot("list")
    form.operation.list.hide()
    found = window.desk.workspace.reader().execute(
        "SELECT setl_id FROM cases WHERE year = ? AND oprn_code <> '' AND netting = 0 AND scope = 0 LIMIT 1",
        (window.desk.year,),
    ).fetchone()  # fmt: skip
    if found is not None:
        form.fill_from(found[0])
        shoot("case")
    form.fill_from("404")
    shoot("unknown")
    form.clear()
    window.page().open_tab("rules")


def own_packs(window, shoot) -> None:
    """Open fields as a form, a pack of the workspace, its editor with a fault in it, packs side by side."""
    from core.settlement import own_packs as own

    workspace, rules = window.desk.workspace, window.page().open_tab("rules")
    rules.choose("xiamen-2024")
    shoot("lacking")
    rules.start_fill()
    shoot("fill")
    rules._closed("")
    if not workspace.read_only and "ningde-2024-own" not in own.stored(workspace.reader()):
        window.desk.change(lambda held, _: own.copy(held, "ningde-2024", "ningde-2024-own", "试改"), tables=("rule_pack",))
    rules.choose("ningde-2024-own")
    shoot("own")
    rules.choose("ningde-2024-own")
    rules.start_edit()
    rules.editor.edit.setPlainText(rules.editor.edit.toPlainText().replace("sum(other_pay)) / sum(score)", "sum(other) / sum(score"))
    shoot("editor")
    rules._closed("")
    panel = window.page().open_tab("beside")
    shoot("beside")
    panel.choose(["ningde-2024", "national-draft-3", "zibo-2025"])
    panel.compare()
    for number in range(panel.views.count()):
        panel.views.setCurrentIndex(number)
        shoot(f"beside-{number}")
    window.page().open_tab("rules")


def coefficients(window, shoot) -> None:
    """An edit being typed, its reason, a refused paste, another language of the effect; every tab with its result."""
    from PySide6.QtGui import QGuiApplication
    from PySide6.QtTest import QTest
    from PySide6.QtWidgets import QApplication, QDialog

    from core.settlement import coefficients as sets
    from core.settlement import scenarios
    from core.settlement.changes import Changes
    from core.settlement.coefficients import Cell
    from ui.pages.coefficients.grid import Writing

    desk, page = window.desk, window.page()

    def prepared(workspace, _) -> None:
        if any(head.name == "2024" for head in sets.sets(workspace.reader())):
            return
        sets.publish(workspace, "imported", "2024", "年初发布")
        sets.draft(workspace, "2024 年草稿", "2024", "年中调整")
        codes = [code for (code,) in workspace.reader().execute("SELECT fixmedins_code FROM institution LIMIT 3")]
        sets.edit(workspace, "2024 年草稿", [Cell(code, "all", "base", "1.1", "2024-01-01") for code in codes[:2]], "评审")
        for name, changes in (
            ("二类机构加 0.02", Changes((Cell(codes[1], "all", "base", "1.12", "2024-01-01"),))),
            ("高倍率三倍", Changes(parameters={"high.when": "x > 3"})),
        ):
            one = scenarios.Scenario(name, 2024, "ningde-2024", changes, "2024 年草稿", "2024")
            scenarios.keep(workspace, one, "试算")

    desk.change(prepared, lambda _: desk.choose(year=2024, set_name="2024 年草稿"))
    shoot("draft")
    editor = page.editor
    editor.table.setFocus()
    editor.table.select(str(editor.table.model.key_at(min(3, editor.table.worksheet().rows - 1))), "base")
    QTest.keyClicks(editor.table.grid, "+")
    field = editor.table.grid.viewport().findChildren(Writing)[-1]
    QTest.keyClicks(field, "0.05")
    shoot("typing")
    QTest.keyClick(field, "\t")
    shoot("pending")
    for dialog in QApplication.topLevelWidgets():
        if isinstance(dialog, QDialog) and dialog.isVisible():
            shoot("reason", dialog)
            dialog.reject()
    QGuiApplication.clipboard().setText("1.1\nabc\n1..2\n")
    editor.table.paste()
    shoot("refused")
    editor.trouble.hide()
    editor.seek.setText("zyy")
    shoot("found")
    editor.seek.clear()
    page.show_target("disease")
    shoot("disease")
    tables = ("catalogue", "catalogue_version")
    desk.change(lambda workspace, _: _disease_draft(workspace), lambda name: page._take_catalogue(name), tables=tables)
    shoot("disease-draft")
    page.pools.catalogue = ""
    page.refresh()
    for key in ("derive", "scenarios", "sensitivity"):
        page.show_target(key)
        shoot(key)
        tab = page.stack.currentWidget()
        if key == "derive":
            tab.derive()
            shoot("derive-done")
        elif key == "scenarios":
            tab.compare()
            shoot("scenarios-done")
            tab.views.setCurrentIndex(1)
            shoot("scenarios-region")
        else:
            tab.views.setCurrentIndex(1)
            tab.run_tornado()
            shoot("tornado")
            tab.run_boundaries()
            tab.views.setCurrentIndex(2)
            shoot("boundaries")
            tab.views.setCurrentIndex(3)
            shoot("readings")
    page.show_target("editor")


def _disease_draft(workspace) -> str:
    """A draft of the catalogue with a few coefficients of its own."""
    from core.catalogue import library
    from core.settlement import disease_coefficients
    from core.settlement.coefficients import Cell

    name = "2024 病种系数"
    if name in {one.name for one in library.versions(workspace.reader())}:
        return name
    disease_coefficients.draft(workspace, "2024", name, "病种系数")
    codes = [one.dip_code for one in library.entries(workspace.reader(), name).rows[:4]]
    cells = [Cell(code, "", f"coef_{level}", f"1.{level}{n}") for n, code in enumerate(codes) for level in (3, 2, 1)]
    disease_coefficients.edit(workspace, name, cells, "按文件")
    return name


def why(window, shoot) -> None:
    """Why the point value moved, a bar opened, in grey; why one institution's score grew: parts, a factor, the drivers."""
    page = window.page()
    page.open_tab("why")
    shoot("why")
    tab = page.stack.currentWidget()
    tab.region.open_factor("cases")
    shoot("why-beneath")
    tab.region.grey.setChecked(True)
    tab.region.views.setCurrentIndex(0)
    shoot("why-grey")
    tab.region.grey.setChecked(False)
    tab.views.setCurrentIndex(1)
    shoot("why-scores")
    tab.one.open_factor("shift")
    shoot("why-scores-beneath")
    tab.one.views.setCurrentIndex(2)
    shoot("why-drivers")
    tab.one.views.setCurrentIndex(0)
    tab.views.setCurrentIndex(0)


def comparison(window, shoot) -> None:
    """What is offered before anybody is chosen; two, then six of the largest: every tab, and each section of drawings."""
    page = window.page()
    page.chooser.choose(())
    shoot("offers")
    rows = window.desk.workspace.reader().execute(
        "SELECT fixmedins_code FROM cases WHERE year = ? GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 6", (window.desk.year,)
    )
    codes = tuple(code for (code,) in rows)
    for chosen in (codes[:2], codes):
        page.chooser.choose(chosen)
        for at in range(page.tabs.count()):
            page.tabs.setCurrentIndex(at)
            shoot(f"{len(chosen)}-{at}")
    sections = page.views["charts"].sections
    for at in range(1, sections.count()):
        sections.setCurrentIndex(at)
        shoot(f"charts-{at}")
    sections.setCurrentIndex(0)
    page.tabs.setCurrentIndex(0)


def institutions(window, shoot) -> None:
    """The league with one of a pair taken; one institution by month, pointed at, re-based, by year; the cases of a month."""
    page = window.page()
    league = page.stack.currentWidget()
    league._pick(str(league.table.worksheet().keys[2]))
    shoot("pair")
    league._take(None)
    page.open_tab("institution")
    shoot("one")
    tab = page.stack.currentWidget()
    tab._judge()
    tab.chart.point(1, 24)
    shoot("pointed")
    tab.chart.activated.emit(3, 24)
    shoot("cases")
    tab._close_cases()
    tab.rebase.setChecked(True)
    shoot("rebased")
    tab.rebase.setChecked(False)
    tab.by.setCurrentIndex(2)
    tab._ask()
    shoot("years")
    tab.by.setCurrentIndex(0)
    tab._ask()
    shoot("one")
    why(window, shoot)
    page.open_tab("league")


def assessment(window, shoot) -> None:
    """Points entered and not checked, the indicators, a refused check, the effect tried, tiers tried, surplus."""
    from PySide6.QtWidgets import QApplication, QDialog, QTableWidgetItem

    page, desk = window.page(), window.desk
    page.take_name("甲")
    page.show_target("scoring")
    tab = page.stack.currentWidget()
    grid = tab.told.grid
    code, indicator = str(grid.sheet.keys[1]), next(iter(grid.most))
    value = grid.value(code, indicator)
    desk.settings.user = "甲"
    tab.enter([grid.cell(code, indicator, (value or 0) - 1 if value else value)])
    shoot("entered")
    tab.beneath.setCurrentIndex(1)
    shoot("computed")
    tab.beneath.setCurrentIndex(0)
    tab.ask_indicators()
    for dialog in QApplication.topLevelWidgets():
        if isinstance(dialog, QDialog) and dialog.isVisible():
            shoot("indicators", dialog)
            dialog.reject()
    page.show_target("effect")
    shoot("effect")
    page.show_target("sharing")
    shoot("sharing")
    tab = page.stack.currentWidget()
    rows = (("", "0.80", "booked"), ("0.80", "<=1", "due"), ("1", "", "due + 0.6 * min(booked - audit_deduction - due, 0.1 * due)"))
    for n, row in enumerate(rows):
        for column, text in enumerate(row):
            tab.form.rows.setItem(n, column, QTableWidgetItem(text))
    tab.attempt()
    shoot("tiers")
    tab.views.setCurrentIndex(1)
    shoot("surplus")
    tab.views.setCurrentIndex(0)
    tab.form.rows.setItem(1, 2, QTableWidgetItem("due +"))
    tab.attempt()
    shoot("wrong")
    tab.form.forget()
    page.show_target("scoring")


def clearing(window, shoot) -> None:
    """Why a figure is what it is, the checks, what is handed over; the months, special cases and the official sheet."""
    from PySide6.QtWidgets import QApplication, QMenu

    page, desk = window.page(), window.desk
    if page.clearing is None:
        page.clear()
        shoot("cleared")
    code = page.table.worksheet().keys[0]
    page.table.select(str(code), "final")
    page.explain_cell(str(code), "final")
    shoot("why")
    page.beside.close_side()
    page.beside.show_findings(True)
    shoot("findings")
    page.beside.close_side()
    for name, button in (("handover", page.controls.export), ("runs", page.controls.history)):
        menu = button.menu()
        menu.popup(button.mapToGlobal(button.rect().bottomLeft()))
        QApplication.processEvents()
        shoot(name, menu)
        assert isinstance(menu, QMenu)
        menu.close()
    page.show_target(("tab", "months"))
    shoot("months")
    tab = page.tabs.tab("months")
    tab.rates["employee"].setText("12000")
    tab.rates["resident"].setText("9000")
    tab.go.click()
    shoot("months-settled")
    for number in range(1, tab.view.count()):
        if number in (1, 2, tab.view.count() - 1):
            tab.view.setCurrentIndex(number)
            tab._show()
            shoot(f"months-{number}")
    month = tab.month()
    if month is not None:
        tab.table.activated.emit(month.funds[0].institutions[0].code, "month_due")
        shoot("months-why")
    page.show_target(("tab", "special"))
    shoot("special")
    tab = page.tabs.tab("special")
    if tab.found is not None and tab.found.sheet.rows:
        tab.table.select(str(tab.found.sheet.keys[0]), "fee")
        tab.form.document.setText("特例〔2024〕9号")
        tab.form.reason.setText("费用合理")
        shoot("special-one")
        if tab.attempt.isEnabled():
            tab.attempt.click()
            shoot("special-tried")
    page.show_target(("tab", "official"))
    shoot("official")
    tab = page.tabs.tab("official")
    for number in range(1, tab.views.count()):
        tab.views.setCurrentIndex(number)
        shoot(f"official-{number}")
    tab.views.setCurrentIndex(0)
    page.show_target(("tab", "worksheet"))
    desk.say("")


def budget(window, shoot) -> None:
    """Lines changed and wrong, what is asked before they are left, a proposal; point values and their parts; the months."""
    from ui.pages.budget.proposing import ProposalDialog
    from ui.unsaved import LeavingDialog

    page, desk = window.page(), window.desk
    tab = page.tab("lines")
    tab.enter(tab.draft.rows[0].number, "amount", "1234567.89")
    tab.add()
    shoot("changed")
    tab.enter(tab.draft.rows[1].number, "amount", "12x")
    shoot("wrong")
    desk.choose(fund="resident" if desk.fund == "employee" else "employee")
    for dialog in window.findChildren(LeavingDialog):
        shoot("leaving", dialog)
        dialog.throw.click()
    shoot("resident")
    desk.choose(fund="employee")
    shoot("employee")
    tab.propose()
    for dialog in window.findChildren(ProposalDialog):
        shoot("proposal", dialog)
        dialog.reject()
    page.show_target("points")
    shoot("points")
    tab = page.tab("points")
    for number in range(1, tab.below.count()):
        tab.below.setCurrentIndex(number)
        shoot(f"points-{number}")
    page.show_target("months")
    shoot("months")
    page.show_target("lines")


def data(window, shoot) -> None:
    """Every tab."""
    for key in ("files", "batches", "findings", "control"):
        window.page().open_tab(key)
        shoot(key)
    window.page().open_tab("overview")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("workspace", type=Path, nargs="?")
    parser.add_argument("--pages", nargs="*", default=[])
    parser.add_argument("--institutions", type=int, default=0)
    parser.add_argument("--size", default="1366x768")
    parser.add_argument("--languages", nargs="*", default=["zh", "en"])
    parser.add_argument("--themes", nargs="*", default=["light", "dark"])
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    home = Path(tempfile.mkdtemp(prefix="dianzhi-shots-"))
    os.environ["DIANZHI_HOME"] = str(home)

    from PySide6.QtWidgets import QApplication, QWidget

    from ui.desk import Desk
    from ui.jobs import Sweeper
    from ui.pages import KEYS
    from ui.self_test import settle
    from ui.window import Window

    application = QApplication([])
    sweeper = Sweeper(application)  # widgets must not be collected from a worker's thread
    desk = Desk("zh")
    window = Window(desk)
    width, _, height = given.size.partition("x")
    window.resize(int(width), int(height))
    window.show()
    window.after_first_paint()
    keys = given.pages or KEYS

    def shoot(name: str, widget: QWidget = window) -> None:
        settle(desk)
        application.processEvents()
        widget.grab().save(str(given.folder / f"{name}.png"))

    def shoot_state(key: str, end: str, name: str, widget: QWidget = window) -> None:
        shoot(f"{key}-{name}-{end}", widget)

    shoot("empty-start")
    window.show_page("ledger")
    shoot("empty-ledger")
    window.show_page("start")
    workspace = given.workspace
    if workspace is None:
        workspace = home / "ningde-2024.dianzhi"
        small_workspace(workspace)
    elif given.institutions:
        workspace = Path(shutil.copy(given.workspace, home / "region.dianzhi"))
        few(workspace, given.institutions)
    desk.settings.recent = [str(home / "gone.dianzhi")]
    desk.open(workspace)
    settle(desk)
    for language in given.languages:
        desk.speak(language)
        settle(desk)
        title = desk.texts("ui.title")
        if desk.texts.lang != language or title not in window.windowTitle():
            raise SystemExit(f"the window does not speak {language}: {[one.unsaved() for one in desk.waiting()]}")
        for theme in given.themes:
            desk.wear(theme)
            for key in keys:
                window.show_page(key)
                shoot(f"{key}-{language}-{theme}")
                states = {
                    "catalogue": (catalogue, catalogue_tabs), "packs": (own_packs, packs), "coefficients": (coefficients,),
                    "comparison": (comparison,), "institutions": (institutions,), "assessment": (assessment,),
                    "clearing": (clearing,), "budget": (budget,), "data": (data,),
                }.get(key, ())  # fmt: skip
                for state in states if desk.contents.catalogues else ():
                    state(window, partial(shoot_state, key, f"{language}-{theme}"))
                for one in desk.waiting():  # or the window asks about it before it speaks another language
                    one.discard()
            window.do("finder.open")
            window.finder.field.setText("qs" if language == "zh" else "clear")
            shoot(f"finder-{language}-{theme}")
            window.finder.hide()
    window.close()
    sweeper.stop()


if __name__ == "__main__":
    main()
