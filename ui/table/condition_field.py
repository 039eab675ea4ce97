"""The field for a condition between columns: reads it, marks a bad one, names the columns in its tip."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit

from core.worksheet import Worksheet
from ui.table.condition import Condition, NoCondition

if TYPE_CHECKING:
    from core.texts import Texts

NAMED = 40  # columns in the tip


class ConditionField(QLineEdit):
    unreadable = Signal(str)  # in words
    left = Signal()  # by a key, for the rows

    def __init__(self, texts: Texts) -> None:
        super().__init__(placeholderText=texts("table.condition_hint"), clearButtonEnabled=True)
        self._texts = texts
        self.setAccessibleName(texts("table.condition_hint"))
        self.textChanged.connect(lambda: self._mark(False))

    def explain(self, sheet: Worksheet) -> None:
        """The tip: how a condition is written, and the names that it may use."""
        lang = self._texts.lang
        names = [
            f"{column.id} = {column.title.get(lang) or next(iter(column.title.values()), column.id)}"
            for column in sheet.columns
        ]
        self.setToolTip("\n".join([self._texts("table.condition_tip"), *names[:NAMED]]))

    def read(self, sheet: Worksheet) -> Condition | None:
        """None where the text cannot be read; what is wrong with it was said."""
        try:
            condition = Condition(self.text(), list(sheet.columns))
        except NoCondition as why:
            self._mark(True)
            self.unreadable.emit(self._texts(f"table.condition.{why.code}", what=why.what))
            return None
        self._mark(False)
        return condition

    def _mark(self, bad: bool) -> None:
        if self.property("bad") != bad:
            self.setProperty("bad", bad)
            self.style().polish(self)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Escape, Qt.Key.Key_Down):
            self.left.emit()
        else:
            super().keyPressEvent(event)
