"""The year confirmed and reopened on the Clearing page: one sign, a reason, and what cannot be changed meanwhile says so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.faults import Refused
from core.settlement import confirmed
from core.storage.ledger import Change, Edit
from ui.desk import Desk
from ui.dialogs import ErrorBar
from ui.pages.clearing import ClearingPage

from .conftest import idle


def test_confirmed_shown_refused_and_reopened(cleared: ClearingPage, desk: Desk, qtbot, tmp_path: Path) -> None:
    page, texts = cleared, desk.texts
    assert page.confirming.button.text() == texts("confirmed.confirm")
    assert page.stamps.text().startswith(texts("confirmed.draft"))
    page.confirming.change("confirm", "核对无误")
    idle(qtbot, desk)
    assert desk.workspace is not None
    held = confirmed.confirmed(desk.workspace.reader())[page.clearing.year]
    assert held.runs == (page.clearing.stamps.run_hash,)
    assert page.confirming.button.text() == texts("confirmed.is")
    assert held.runs[0][:16] in page.stamps.text() and "核对无误" in page.confirming.button.toolTip()
    key = {"year": page.clearing.year, "fund": "employee", "item": "chronic", "document": "", "date": ""}
    edit = Edit("edit", "预算", (Change("budget", key, None, {"amount": 1}),))
    with pytest.raises(Refused) as caught:
        desk.workspace.ledger.commit(edit)
    said = texts.fault(caught.value)
    assert "预算" in said and "重新开启" in said and "budget" not in said
    page.handover.write(tmp_path / "x.json")
    idle(qtbot, desk)
    stamps = json.loads((tmp_path / "x.json").read_text("utf-8"))["stamps"]
    assert (stamps["confirmed_by"], stamps["confirmed_at"]) == (held.who, held.at)
    page.confirming.change("reopen", "预算有误")
    idle(qtbot, desk)
    assert page.confirming.button.text() == texts("confirmed.confirm")
    desk.workspace.ledger.commit(edit)


def test_what_was_refused_is_not_said_any_more_once_the_year_is_open(cleared: ClearingPage, desk: Desk, qtbot) -> None:
    """In the window's bar and in a tab's; what else went wrong stays until it is put away."""
    page, bar = cleared, ErrorBar(desk)
    qtbot.addWidget(bar)
    desk.troubled.connect(bar.put)
    page.confirming.change("confirm", "")
    idle(qtbot, desk)
    year = page.clearing.year
    page.tabs.show_target("special")
    asking = page.tabs.tab("special").asking
    idle(qtbot, desk)
    refused = Refused("year_confirmed", year=year, table="special_case")
    for wrong, left in ((refused, False), (Refused("stale_edit", subject="x", before="1", now="2"), True)):
        desk.troubled.emit(wrong)
        asking.wrong(wrong)
        assert not bar.isHidden() and not asking.isHidden()
        page.confirming.change("reopen" if wrong is refused else "confirm", "预算有误")
        idle(qtbot, desk)
        assert (not bar.isHidden(), not asking.isHidden()) == (left, left)


def test_reopening_asks_for_a_reason(cleared: ClearingPage, desk: Desk, qtbot) -> None:
    from ui.dialogs import ReasonDialog

    page = cleared
    page.confirming.change("confirm", "")
    idle(qtbot, desk)
    page.confirming.button.click()
    dialog = page.window().findChild(ReasonDialog)
    assert dialog is not None
    assert not dialog.do.isEnabled()
    dialog.field.setText("预算有误")
    dialog.do.click()
    idle(qtbot, desk)
    assert page.confirming.button.text() == desk.texts("confirmed.confirm")


def test_a_stale_run_is_noted_beside_success(cleared: ClearingPage, desk: Desk, qtbot) -> None:
    """As the command has it: verified, and a note in words."""
    from ui.dialogs import TextDialog
    from ui.pages.ledger import LedgerPage

    assert desk.workspace is not None and cleared.clearing is not None
    key = {"year": cleared.clearing.year, "fund": "employee", "item": "chronic", "document": "", "date": ""}
    desk.workspace.ledger.commit(Edit("edit", "预算", (Change("budget", key, None, {"amount": 1}),)))
    page = LedgerPage(desk)
    qtbot.addWidget(page)
    page.refresh()
    idle(qtbot, desk)
    page.verify()
    idle(qtbot, desk)
    assert page.note.property("role") == "good" and page.note.text().startswith("校验通过")
    said = page.window().findChild(TextDialog).text.toPlainText()
    assert said.startswith("[提示]") and "数据已变更" in said and "data_changed" not in said


def test_what_a_confirmed_year_holds_is_refused_before_anything_is_asked(cleared: ClearingPage, desk: Desk, qtbot) -> None:
    """Budget, coefficients and batches say so, in a line and before a value or a reason is typed."""
    from PySide6.QtWidgets import QWidget

    from core.storage import closed
    from ui.dialogs import ReasonDialog
    from ui.pages.budget import BudgetPage
    from ui.pages.coefficients import CoefficientsPage
    from ui.pages.data.arrived import BatchesPanel

    def shown(page: QWidget) -> QWidget:
        qtbot.addWidget(page)
        page.refresh()  # type: ignore[attr-defined]
        idle(qtbot, desk)
        return page

    assert cleared.clearing is not None and desk.workspace is not None
    year, name = cleared.clearing.year, cleared.clearing.stamps.set_name
    pages = [shown(BudgetPage(desk)), shown(CoefficientsPage(desk))]
    assert pages[0].tab("lines").add_button.isEnabled() and pages[1].tabs.tab("editor")._writable()  # type: ignore[attr-defined]
    cleared.confirming.change("confirm", "")
    idle(qtbot, desk)
    held = closed.held(desk.workspace.reader())
    assert held.years == {year} and held.sets == {name: year} and cleared.clearing.pack.id in held.packs
    for page in pages:
        page.refresh()  # type: ignore[attr-defined]
    idle(qtbot, desk)
    lines, editor = pages[0].tab("lines"), pages[1].tabs.tab("editor")  # type: ignore[attr-defined]
    assert not lines.add_button.isEnabled() and "已确认" in lines.said.text()
    assert "已确认" in pages[1].stamp.text() and not editor._writable()  # type: ignore[attr-defined]
    editor._locked()
    assert "重新开启" in editor.trouble.said.text()
    cleared.show_target(("tab", "special"))
    idle(qtbot, desk)
    special = cleared.tabs.tab("special")
    special.table.select(str(special.found.sheet.keys[0]))
    assert special.keys() and not special.enter.isEnabled() and "已确认" in special.chosen.text()
    panel, said = shown(BatchesPanel(desk)), []
    assert "已确认" in panel.said.text()  # type: ignore[attr-defined]
    desk.troubled.connect(said.append)
    batch = next(one for one in panel._batches.values() if one.kind == "budget")  # type: ignore[attr-defined]
    panel.table.select(batch.id)  # type: ignore[attr-defined]
    panel._turn()  # type: ignore[attr-defined]
    idle(qtbot, desk)
    assert [one.code for one in said] == ["year_confirmed"] and not panel.findChildren(ReasonDialog)
