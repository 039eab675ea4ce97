"""What the Packs page asks: the id of a copy, and why."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QLineEdit, QVBoxLayout, QWidget

from core.rules.builder import PACK_ID
from ui.desk import Desk
from ui.dialogs import ReasonDialog
from ui.look import set_role


class CopyDialog(ReasonDialog):
    """`id` and `reason` once accepted."""

    def __init__(self, desk: Desk, name: str, id: str, taken: set[str], parent: QWidget) -> None:
        texts = desk.texts
        self._texts, self._taken = texts, taken
        self.id_field = QLineEdit(id)
        self.problem = QLabel(" ")
        super().__init__(
            desk, texts("packs.own.copy_title"), texts("packs.own.copy_about", pack=name), texts("packs.own.copy_do"), parent
        )
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.id_field.setAccessibleName(texts("packs.fill.id"))
        set_role(self.problem, "bad")
        layout = self.layout()
        assert isinstance(layout, QVBoxLayout)
        layout.insertWidget(1, self.id_field)
        layout.insertWidget(2, self.problem)
        self.id_field.textChanged.connect(lambda _: self._check())
        self.id_field.setFocus()
        self.id_field.selectAll()

    @property
    def id(self) -> str:
        return self.id_field.text().strip()

    def _check(self) -> None:
        wrong = "there" if self.id in self._taken else "" if PACK_ID.fullmatch(self.id) else "id"
        self.problem.setText(self._texts(f"packs.own.copy_{wrong}") if wrong else " ")
        self.do.setEnabled(not wrong)
