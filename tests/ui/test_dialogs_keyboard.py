"""Dialogs by keyboard alone: where one types has the keyboard at once, Tab reaches every part, Enter does, Esc changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from types import SimpleNamespace

import pytest
from PySide6.QtCore import QDate, Qt
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QComboBox,
    QDateEdit,
    QDialog,
    QLineEdit,
    QPushButton,
    QWidget,
)

from core.storage import backups
from ui.desk import Desk
from ui.dialogs import DemoDialog, NewWorkspaceDialog, ReasonDialog, SureDialog, TextDialog
from ui.pages.assessment.indicators import IndicatorsDialog
from ui.pages.budget.proposing import ProposalDialog
from ui.pages.catalogue.drafts import SaveDraft
from ui.pages.clearing.tolerances import ToleranceDialog
from ui.pages.coefficients.questions import DatedDialog, KeepDialog, PartDialog
from ui.pages.coefficients.sets import NameDialog
from ui.passphrases import PassphraseDialog
from ui.restoring import BackupsDialog
from ui.unsaved import Leaving, LeavingDialog

Maker = Callable[[Desk, QWidget], QDialog]
NOTHING = Leaving((), lambda: None, lambda: None)
NO_BRIDGES = SimpleNamespace(bridges=(), pays=None, tolerance={}, clearing=SimpleNamespace(pack=SimpleNamespace(steps=())))
DIALOGS: dict[str, Maker] = {
    "reason": lambda desk, over: ReasonDialog(desk, "t", "said", "do", over),
    "reason needed": lambda desk, over: ReasonDialog(desk, "t", "said", "do", over, need_reason=True),
    "text": lambda desk, over: TextDialog(desk, "t", "said", "text", over),
    "new": NewWorkspaceDialog,
    "demonstration": DemoDialog,
    **{
        f"passphrase {what}": lambda desk, over, what=what: PassphraseDialog(desk, what, "n", over)
        for what in ("unlock", "new", "protect", "change", "remove")
    },
    "restore": lambda desk, over: SureDialog(desk, "title", "said", "do", over),
    "unsaved": lambda desk, over: LeavingDialog(desk, NOTHING, over),
    "part": lambda desk, over: PartDialog(desk, (), over),
    "dated": lambda desk, over: DatedDialog(desk, 2, QDate(2024, 1, 1), over),
    "scenario": KeepDialog,
    "set": lambda desk, over: NameDialog(desk, "publish", (), "", "2024", over),
    "indicators": lambda desk, over: IndicatorsDialog(desk, 2024, {"a": Fraction(5)}, {2023: {"a": Fraction(5)}}, over),
    "tolerances": lambda desk, over: ToleranceDialog(desk, NO_BRIDGES, over),
    "draft": lambda desk, over: SaveDraft(desk, SimpleNamespace(rows=(), bands=(), year=2024), (), over),
    "backups": lambda desk, over: backups.take(desk.workspace) and BackupsDialog(desk, desk.workspace.path, over),
    "proposal": lambda desk, over: ProposalDialog(desk, 2024, "employee", over),
}
CAUTIOUS = {"restore", "unsaved"}  # Enter keeps things as they are


def parts(dialog: QDialog) -> set[QWidget]:
    kinds = (QLineEdit, QComboBox, QAbstractButton, QDateEdit)
    return {
        one for kind in kinds for one in dialog.findChildren(kind)
        if one.isVisible() and one.isEnabled() and one.focusPolicy() & Qt.FocusPolicy.TabFocus
        and not one.objectName().startswith("qt_") and not isinstance(one.parentWidget(), QDateEdit | QComboBox)
        and not (isinstance(one, QAbstractButton) and one.autoExclusive() and one.isCheckable() and not one.isChecked())
    }  # fmt: skip


@pytest.mark.parametrize("name", DIALOGS)
def test_a_dialog_by_keyboard_alone(opened, desk, idle, qtbot, name: str) -> None:
    dialog = DIALOGS[name](desk, opened)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    ended: list[int] = []
    dialog.finished.connect(ended.append)
    dialog.open()
    qtbot.waitExposed(dialog)
    idle()
    dialog.activateWindow()
    qtbot.waitUntil(dialog.isActiveWindow)
    at = QApplication.focusWidget()
    assert at is not None and at.window() is dialog
    fields = [one for one in dialog.findChildren(QLineEdit) if one.isEnabled() and one.isVisible()]
    if fields and name not in ("part", "set", "indicators", "proposal"):
        assert at is fields[0]
    default = [one for one in dialog.findChildren(QPushButton) if one.isDefault()]
    assert len(default) == 1
    assert bool(default[0].property("primary")) == (name not in CAUTIOUS | {"text"})
    reached = {at}
    for _ in range(40):
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        reached.add(QApplication.focusWidget())
    assert {type(one).__name__ for one in parts(dialog) - reached} == set()
    for one in reached:
        spoken = QAccessible.queryAccessibleInterface(one)
        assert spoken is not None and spoken.text(QAccessible.Text.Name).strip(), one
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert ended == [int(QDialog.DialogCode.Rejected)] and not dialog.isVisible()
    dialog.deleteLater()


def test_enter_in_the_field_does_it(opened, desk, qtbot) -> None:
    dialog = ReasonDialog(desk, "t", "said", "do", opened, need_reason=True)
    dialog.open()
    qtbot.waitExposed(dialog)
    QTest.keyClick(dialog.field, Qt.Key.Key_Return)
    assert dialog.isVisible()
    QTest.keyClicks(dialog.field, "why")
    QTest.keyClick(dialog.field, Qt.Key.Key_Return)
    assert not dialog.isVisible() and dialog.result() == QDialog.DialogCode.Accepted and dialog.reason == "why"
