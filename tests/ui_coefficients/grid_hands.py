"""What hands do in the grid: type, select, find the dialog that asks."""

from __future__ import annotations

from PySide6.QtCore import QItemSelection, QItemSelectionModel, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from ui.pages.coefficients.editor import Editor
from ui.pages.coefficients.grid import Writing

CODES = ("H35093000001", "H35093000002", "H35093000003")  # the first of the demonstration


def field(editor: Editor) -> Writing:
    """The open field of the grid."""
    found = [one for one in editor.table.grid.viewport().findChildren(Writing) if one.isVisible()]
    assert found, "no field is open"
    return found[-1]


def write(editor: Editor, text: str, key: Qt.Key = Qt.Key.Key_Return, held=Qt.KeyboardModifier.NoModifier) -> None:
    """Type into the current cell, the first letter opens it."""
    QTest.keyClicks(editor.table.grid, text[0])
    open_field = field(editor)
    QTest.keyClicks(open_field, text[1:])
    QTest.keyClick(open_field, key, held)


def pick(editor: Editor, rows: range, part: str = "base", more: int = 0) -> None:
    """Select cells as a mouse does: rows as shown, from a part's column on."""
    model = editor.table.model
    place = model.place(part)
    first, last = model.index(rows[0], place), model.index(rows[-1], place + more)
    chosen = editor.table.grid.selectionModel()
    chosen.setCurrentIndex(first, QItemSelectionModel.SelectionFlag.ClearAndSelect)
    chosen.select(QItemSelection(first, last), QItemSelectionModel.SelectionFlag.ClearAndSelect)


def dialog(kind: type):
    return next(one for one in QApplication.topLevelWidgets() if isinstance(one, kind) and one.isVisible())
