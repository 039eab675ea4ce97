"""Where something waits to be saved: the rail's mark, and the papers of a special case."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from ui.pages import KEYS
from ui.unsaved import LeavingDialog


def marked(window) -> list[str]:
    """The pages whose tip says that they hold a draft."""
    said = window.desk.texts("ui.holds_draft")
    rail = window.rail
    by_tip = [key for row, key in enumerate(KEYS) if said in rail.item(row).toolTip()]
    spoken = Qt.ItemDataRole.AccessibleTextRole
    assert by_tip == [key for row, key in enumerate(KEYS) if said in rail.item(row).data(spoken)]
    return by_tip


def question() -> LeavingDialog | None:
    return next((one for one in QApplication.topLevelWidgets() if isinstance(one, LeavingDialog) and one.isVisible()), None)


def test_papers_of_a_special_case_are_marked_and_not_left_unasked(opened, desk, idle) -> None:
    opened.show_page("clearing", ("tab", "special"))
    idle()
    tab = opened.page().tabs.tab("special")
    assert marked(opened) == [] and not tab.unsaved()
    QTest.keyClicks(tab.form.document, "No. 9")
    opened.show_page("ledger")
    assert marked(opened) == ["clearing"]
    opened.do("rail.toggle")
    opened.do("theme.dark")
    idle()
    assert marked(opened) == ["clearing"], "neither icons alone nor another theme takes the mark away"
    opened.do("theme.light")
    desk.choose(fund="resident")
    idle()
    assert question() is None and tab.form.document.text() == "No. 9", "papers are of no fund"
    opened.do("workspace.close")
    assert "特例" in tab.unsaved()
    QTest.mouseClick(question().stay, Qt.MouseButton.LeftButton)
    assert desk.workspace is not None and tab.form.document.text() == "No. 9"
    assert not tab.can_save(), "no case is chosen"
    opened.do("workspace.close")
    QTest.mouseClick(question().throw, Qt.MouseButton.LeftButton)
    idle()
    assert desk.workspace is None and tab.form.document.text() == "" and marked(opened) == []


def test_the_window_has_the_products_own_sign(window) -> None:
    icon = window.windowIcon()
    assert not icon.isNull()
    picture = icon.pixmap(32, 32).toImage()
    assert picture.pixelColor(16, 3).name() == "#1f5f8b", "its ground"
