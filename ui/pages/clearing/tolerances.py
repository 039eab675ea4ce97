"""Up to which amount a difference from the official result counts as none: by step, and for the score and pay of a case."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QFormLayout,
    QLabel,
    QLineEdit,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from core.money import decimal, plain
from ui.desk import Desk
from ui.dialogs import DoOrCancel
from ui.look import EDGE, GAP

if TYPE_CHECKING:
    from core.settlement.reconcile import Reconciliation


class ToleranceDialog(QDialog):
    """`given()` after it was accepted: step -> amount in the step's unit, only what is above zero."""

    def __init__(self, desk: Desk, found: Reconciliation, parent: QWidget | None) -> None:
        super().__init__(parent)
        texts = desk.texts
        self.setWindowTitle(texts("reconcile.tolerance"))
        self.resize(460, 520)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(EDGE, EDGE, EDGE, EDGE)
        layout.setSpacing(GAP)
        layout.addWidget(QLabel(texts("reconcile.tolerance_about"), wordWrap=True))
        self.fields: dict[str, QLineEdit] = {}
        form = QFormLayout()
        form.setSpacing(GAP)
        for step, title in self._steps(found, texts.lang, texts("reconcile.tolerance_score"), texts("reconcile.tolerance_pay")):
            field = QLineEdit(plain(found.tolerance[step]) if step in found.tolerance else "")
            field.setPlaceholderText("0")
            field.setAccessibleName(title)
            field.textChanged.connect(self._check)
            self.fields[step] = field
            form.addRow(title, field)
        inside = QWidget()
        inside.setLayout(form)
        area = QScrollArea(widgetResizable=True)
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # its fields take the keyboard
        area.setWidget(inside)
        layout.addWidget(area, 1)
        buttons = DoOrCancel(self, texts, texts("reconcile.tolerances_take"))
        self.take = buttons.do
        layout.addWidget(buttons)

    @staticmethod
    def _steps(found: Reconciliation, lang: str, score: str, pay: str) -> list[tuple[str, str]]:
        """The two of a case, then every step that the bureau states, in the order of the sheet."""
        there = {step for one in found.bridges for step in (*one.official, *one.official_region)}
        steps = {step.id: step for step in found.clearing.pack.steps if step.id in there}
        named = [(id, step.title[lang]) for id, step in steps.items()]
        return [("case_score", score), *([("case_pay", pay)] if found.pays is not None else []), *named]

    def _check(self) -> None:
        try:
            self.given()
            good = True
        except ValueError:
            good = False
        self.take.setEnabled(good)

    def given(self) -> Mapping[str, Fraction]:
        """ValueError where a field holds no amount."""
        found: dict[str, Fraction] = {}
        for step, field in self.fields.items():
            amount = decimal(field.text().strip() or "0")
            if amount < 0:
                raise ValueError(field.text())
            if amount:
                found[step] = amount
        return found
