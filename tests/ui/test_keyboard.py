"""The keyboard alone: from the rail Tab goes through every page and tab and comes back, past nothing that can be used;
whatever takes the keyboard tells a screen reader what it is.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QComboBox,
    QDateEdit,
    QHeaderView,
    QLineEdit,
    QPlainTextEdit,
    QTabBar,
    QTextBrowser,
    QTextEdit,
    QWidget,
)

from ui.pages import KEYS

USED = (QAbstractButton, QAbstractItemView, QComboBox, QLineEdit, QPlainTextEdit, QTextEdit, QTabBar)
ENOUGH = 250  # steps: more than any page has


def path_of(widget: QWidget) -> str:
    """Where it is, for a person who reads that the test failed."""
    names = []
    one: QWidget | None = widget
    while one is not None and len(names) < 4:
        names.append(type(one).__name__ + (f"({one.text()})" if isinstance(one, QAbstractButton) else ""))
        one = one.parentWidget()
    return " < ".join(names)


def inside(widget: QWidget) -> bool:
    """A part of something that takes the keyboard as one: a combo box's field, a table's corner, a tab bar's arrows."""
    if widget.objectName().startswith("qt_") or type(widget).__name__ == "QTableCornerButton":
        return True
    parent = widget.parentWidget()
    if isinstance(widget, QAbstractButton) and widget.group() is not None and not widget.isChecked():
        return True  # one of several that exclude each other: arrows choose
    return isinstance(widget, QHeaderView) or (parent is not None and (
        isinstance(parent, QComboBox | QTabBar | QLineEdit | QAbstractItemView) or widget.focusProxy() is not None or type(parent).__name__ == "QMenuBar"
    ))


def usable(window: QWidget) -> set[QWidget]:
    return {
        one for kind in USED for one in window.findChildren(kind)
        if one.isVisible() and one.isEnabled() and one.window() is window and not inside(one)
    }  # fmt: skip


def places(window) -> Iterator[str]:
    """Every page, and each of its tabs."""
    for key in KEYS:
        window.show_page(key)
        yield key
        tabs = getattr(window.page(), "tabs", None)
        for number in range(1, tabs.count() if isinstance(tabs, QTabBar) and tabs.isVisible() else 0):
            tabs.setCurrentIndex(number)
            yield f"{key} {tabs.tabText(number)}"


def walk(window) -> list[QWidget]:
    """What Tab reaches from the rail, until it is there again."""
    if not window.isActiveWindow():
        window.activateWindow()
        QTest.qWaitForWindowActive(window)
    window.rail.setFocus()
    assert QApplication.focusWidget() is window.rail
    reached: list[QWidget] = []
    for _ in range(ENOUGH):
        before = QApplication.focusWidget()
        # A date goes from year to month to day, a text from link to link.
        for _ in range(4 if isinstance(before, QDateEdit) else 100 if isinstance(before, QTextBrowser) else 1):
            if QApplication.focusWidget() is before:
                QTest.keyClick(before, Qt.Key.Key_Tab)
        if QApplication.focusWidget() is before:  # a table or a text to write in, where Tab has a meaning of its own
            QTest.keyClick(before, Qt.Key.Key_Tab, Qt.KeyboardModifier.ControlModifier)
        now = QApplication.focusWidget()
        assert now is not None and now is not before, f"nothing leads on from {path_of(before)}"
        if now is window.rail:
            return reached
        reached.append(now)
    raise AssertionError("Tab does not come back: " + "; ".join(path_of(one) for one in reached[-4:]))


@pytest.mark.parametrize("with_workspace", [False, True])
def test_tab_goes_through_every_page_and_back(window, desk, idle, demonstration_copy, tmp_path, with_workspace) -> None:
    if with_workspace:
        desk.open(demonstration_copy(100, tmp_path))
        idle()
    passed: list[str] = []
    nameless: list[str] = []
    for place in places(window):
        idle()
        there = usable(window)
        reached = walk(window)
        # What the walk itself put on or off (a table's current row does) was not there the whole way.
        missed = (there & usable(window)) - set(reached) - {window.rail}
        passed += [f"{place}: {path_of(one)}" for one in missed]
        for one in reached:
            spoken = QAccessible.queryAccessibleInterface(one)
            if spoken is None or not spoken.text(QAccessible.Text.Name).strip():
                nameless.append(f"{place}: {path_of(one)}")
    assert "\n".join(sorted(set(passed))) == ""
    assert "\n".join(sorted(set(nameless))) == ""
