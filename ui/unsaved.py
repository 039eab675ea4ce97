"""What somebody entered and has not saved: nothing takes it away unasked.

A widget that holds such work tells the desk once (`Desk.guard`). Before the desk leaves the ground it stands on, the window
asks: save and go on, discard and go on, or stay (`Desk.leaving`). Going to another page needs no question: the work stays
where it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QVBoxLayout, QWidget

from ui.look import EDGE, GAP, set_role

if TYPE_CHECKING:
    from ui.desk import Desk


class Unsaved(Protocol):
    """of_choices: whether the work is of the year, fund or set chosen, and so cannot follow to others."""

    of_choices: bool

    def unsaved(self) -> str:
        """What waits, in words; "" where nothing does."""
        ...

    def can_save(self) -> bool: ...

    def save_then(self, then: Callable[[], None]) -> None:
        """Save, with whatever that asks; `then` once it is in the ledger, and not at all where it is not."""
        ...

    def discard(self) -> None: ...


@dataclass(frozen=True)
class Leaving:
    """then: what was wanted. stay: what puts right a field that already shows it."""

    holders: Sequence[Unsaved]
    then: Callable[[], None]
    stay: Callable[[], None]

    def save(self) -> None:
        """One after the other; the first that is not saved keeps everything here."""
        waiting = [one for one in self.holders if one.unsaved()]
        if not waiting:
            self.then()
            return
        rest = Leaving(waiting[1:], self.then, self.stay)
        waiting[0].save_then(rest.save)

    def discard(self) -> None:
        for one in self.holders:
            one.discard()
        self.then()


class LeavingDialog(QDialog):
    """Save, discard or stay; closing it is staying."""

    def __init__(self, desk: Desk, leaving: Leaving, parent: QWidget) -> None:
        super().__init__(parent)
        texts = desk.texts
        self.setWindowTitle(texts("ui.unsaved.title"))
        self.setMinimumWidth(420)
        said = QLabel("\n".join(one.unsaved() for one in leaving.holders), wordWrap=True)
        about = QLabel(texts("ui.unsaved.about"), wordWrap=True)
        set_role(about, "muted")
        buttons = QDialogButtonBox()
        role = QDialogButtonBox.ButtonRole
        self.save = buttons.addButton(texts("ui.unsaved.save"), role.AcceptRole)
        self.save.setProperty("primary", True)
        self.save.setEnabled(all(one.can_save() for one in leaving.holders))
        if not self.save.isEnabled():
            self.save.setToolTip(texts("ui.unsaved.cannot"))
        self.throw = buttons.addButton(texts("ui.unsaved.discard"), role.DestructiveRole)
        self.stay = buttons.addButton(texts("ui.unsaved.stay"), role.RejectRole)
        self.stay.setDefault(True)
        self._wish: Callable[[], None] = leaving.stay
        self.save.clicked.connect(lambda: self._take(leaving.save))
        self.throw.clicked.connect(lambda: self._take(leaving.discard))
        self.stay.clicked.connect(self.reject)
        self.finished.connect(lambda _: self._wish())
        box = QVBoxLayout(self)
        box.setContentsMargins(EDGE, EDGE, EDGE, EDGE)
        box.setSpacing(GAP)
        for widget in (said, about, buttons):
            box.addWidget(widget)
        self.stay.setFocus()

    def _take(self, wish: Callable[[], None]) -> None:
        self._wish = wish
        self.accept()
