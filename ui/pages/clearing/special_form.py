"""The form of a decision on special cases: what is typed for the cases chosen, and which of its fields is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QFormLayout, QLineEdit, QWidget

from ui.desk import Desk
from ui.look import TIGHT, set_bad

if TYPE_CHECKING:
    from core.findings import Finding
    from core.settlement.special import Decided, Stored

KINDS = ("by_item", "adjusted", "rejected", "")  # as core.settlement.special.Decided has them
FIELDS = ("score", "document", "reason")
# Which field a finding is about.
WRONG = {"special_score_unfit": "score", "special_score_idle": "score", "special_no_document": "document",
         "special_no_reason": "reason"}  # fmt: skip


class DecisionForm(QWidget):
    """kind, score, document, reason: its fields. entered: Enter in the last one."""

    changed = Signal()  # another kind of decision
    entered = Signal()

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        texts = desk.texts
        self.kind = QComboBox()
        for kind in KINDS:
            self.kind.addItem(texts(f"special.state.{kind}" if kind else "special.page.take_back"), kind)
        self.score, self.document, self.reason = QLineEdit(), QLineEdit(), QLineEdit()
        self.score.setPlaceholderText(texts("special.page.score_hint"))
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setSpacing(TIGHT)
        for name in ("kind", *FIELDS):
            widget = getattr(self, name)
            widget.setAccessibleName(texts(f"special.page.{name}"))
            form.addRow(texts(f"special.page.{name}"), widget)
        for name in FIELDS:
            field: QLineEdit = getattr(self, name)
            field.textEdited.connect(lambda _, field=field: set_bad(field, False))
        self.kind.currentIndexChanged.connect(self._another)
        self.reason.returnPressed.connect(self.entered)
        self._stood = self.typed()  # as it was given: nobody's work yet

    def _another(self) -> None:
        self.mark(())
        self.score.setEnabled(self.kind.currentData() == "adjusted")
        self.document.setEnabled(bool(self.kind.currentData()))
        self.changed.emit()

    def typed(self) -> tuple[str, ...]:
        """kind, score, document, reason."""
        return self.kind.currentData(), *(getattr(self, name).text().strip() for name in FIELDS)

    def unsaved(self) -> bool:
        """Whether papers are typed for a decision that is not entered."""
        return any(self.typed()[1:]) and self.typed() != self._stood

    def stands(self, typed: tuple[str, ...]) -> None:
        """This is entered now."""
        self._stood = typed

    def fill(self, stored: Stored | None) -> None:
        """What stands on a case; None: empty, for one that is undecided."""
        self.kind.setCurrentIndex(max(0, self.kind.findData(stored.kind if stored is not None else KINDS[0])))
        for name in FIELDS:
            getattr(self, name).setText(getattr(stored, name) if stored is not None else "")
        self.mark(())
        self._stood = self.typed()

    def decided(self, keys: Sequence[str], stored: Mapping[str, Stored]) -> list[Decided]:
        """The form, for every case chosen."""
        from core.settlement.special import Decided

        kind, score, document, reason = self.typed()
        score, document = score if kind == "adjusted" else "", document if kind else ""
        return [Decided(key, kind, score, document, reason, stored.get(key)) for key in keys]

    def mark(self, findings: Sequence[Finding]) -> None:
        """The fields that these are about, and no other; the keyboard goes to the first of them."""
        wrong = {WRONG[one.code] for one in findings if one.code in WRONG}
        for name in FIELDS:
            set_bad(getattr(self, name), name in wrong)
        if first := next((name for name in FIELDS if name in wrong), ""):
            field: QLineEdit = getattr(self, first)
            field.setFocus()
            field.selectAll()
