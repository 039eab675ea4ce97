"""What the window's tests do by hand: an edit of the budget, typing as an input method does."""

from __future__ import annotations

from PySide6.QtGui import QInputMethodEvent
from PySide6.QtWidgets import QApplication, QWidget

from core.storage.ledger import Change, Edit
from ui.desk import Desk


def budget_edit(amount: int, before: int | None = None, why: str = "") -> Edit:
    """One budget line of the employee fund, in fen; `before` where it is there already."""
    key = {"year": 2024, "fund": "employee", "item": "dip_budget", "document": "宁医保〔2024〕12号", "date": ""}
    old = None if before is None else {"amount": before}
    new = {"amount": amount} if before is not None else {"amount": amount, "batch_id": None, "row": None}
    return Edit("edit", "职工 dip_budget", (Change("budget", key, old, new),), why)


def write(widget: QWidget, text: str) -> None:
    """Type as an input method does: Qt's own key clicks know Latin letters only."""
    event = QInputMethodEvent()
    event.setCommitString(text)
    QApplication.sendEvent(widget, event)


def amount(desk: Desk) -> int | None:
    """The budget line's amount now, in fen."""
    row = desk.workspace.reader().execute("SELECT amount FROM budget").fetchone()
    return row[0] if row else None
