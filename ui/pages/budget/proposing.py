"""Three ways to a DIP budget, each with its working. What is accepted goes into the grid, and is written only from there."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QFormLayout,
    QLabel,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from core.faults import Fault, Refused
from core.money import plain
from ui.desk import Desk
from ui.dialogs import DoOrCancel, words
from ui.look import EDGE, GAP, MINUS, grouped, set_role
from ui.pages.budget.drafting import day_of

if TYPE_CHECKING:
    from core.settlement.budget import LineEdit
    from core.settlement.budget_chain import Proposal

METHODS = ("by_item", "ratio", "growth")


class ProposalDialog(QDialog):
    """`proposal` is what stands below the choices, None where it cannot be made; `change()` after it was accepted."""

    def __init__(self, desk: Desk, year: int, fund: str, parent: QWidget | None) -> None:
        super().__init__(parent)
        texts = desk.texts
        self.desk, self.texts, self.year, self.fund = desk, texts, year, fund
        self.proposal: Proposal | None = None
        self.setWindowTitle(texts("budget.propose.title"))
        self.setMinimumWidth(520)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(EDGE, EDGE, EDGE, EDGE)
        layout.setSpacing(GAP)
        about = QLabel(texts("budget.propose.about", year=year, fund=texts(f"fund.{fund}")))
        about.setWordWrap(True)
        layout.addWidget(about)
        form = QFormLayout()
        form.setSpacing(GAP)
        self.method = QComboBox()
        for key in METHODS:
            self.method.addItem(texts(f"budget.propose.{key}"), key)
        self.growth = QLineEdit()
        self.growth.setPlaceholderText(texts("budget.propose.growth_hint"))
        self.topups = QCheckBox(texts("budget.propose.topups"))
        self.day = QLineEdit(date.today().isoformat())
        self.document = QLineEdit()
        self.document.setPlaceholderText(texts("budget.propose.document_hint"))
        form.addRow(texts("budget.propose.method"), self.method)
        form.addRow(texts("budget.propose.rate"), self.growth)
        form.addRow("", self.topups)
        form.addRow(texts("budget.column.date"), self.day)
        form.addRow(texts("budget.column.document"), self.document)
        layout.addLayout(form)
        self.working = QLabel()
        self.working.setWordWrap(True)
        self.working.setTextFormat(Qt.TextFormat.RichText)
        self.working.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        layout.addWidget(self.working)
        layout.addStretch(1)
        buttons = DoOrCancel(self, texts, texts("budget.propose.take"))
        self.take = buttons.do
        layout.addWidget(buttons)
        self.method.currentIndexChanged.connect(lambda _: self.ask())
        self.growth.textChanged.connect(lambda _: self.ask())
        self.topups.toggled.connect(lambda _: self.ask())
        for field in (self.day, self.document):
            field.textChanged.connect(lambda _: self._allow())
        self.ask()

    def ask(self) -> None:
        """Compute again. It reads the lines that stand in the workspace, not those under the pen."""
        method, growth, topups = str(self.method.currentData()), self.growth.text(), self.topups.isChecked()
        self.growth.setEnabled(method == "growth")
        self.topups.setEnabled(method != "by_item")
        year, fund = self.year, self.fund
        self.proposal = None
        self._allow()

        def work(workspace: Any, _: Any) -> Proposal:
            from core.settlement import budget_chain

            return budget_chain.propose(workspace.reader(), year, fund, method, growth=growth, topups=topups)

        self.desk.ask(work, self._have, place="budget.propose", failed=self._failed)

    def change(self) -> LineEdit | None:
        return None if self.proposal is None else self.proposal.change(day_of(self.day.text()), self.document.text().strip())

    def _have(self, proposal: Proposal) -> None:
        from core.settlement.budget_chain import item_name

        texts = self.texts
        self.proposal = proposal
        now = proposal.replaces
        if now is not None and not (self.day.isModified() or self.document.isModified()):
            self.day.setText(now.date)
            self.document.setText(now.document)
        set_role(self.working, "")
        rows = [
            f"<tr><td style='padding-right:24px'>{item_name(id, texts)}</td><td align='right'>{_written(value, unit)}</td></tr>"
            for id, value, unit in proposal.working[:-1]
        ]
        id, value, unit = proposal.working[-1]
        rows.append(
            f"<tr><td><b>{item_name(id, texts)}</b></td><td align='right'><b>{_written(value, unit)}</b></td></tr>"
        )
        said = [f"<table>{''.join(rows)}</table>"]
        if now is not None:
            said.append(texts("budget.propose.replaces", amount=_written(Fraction(now.amount, 100), "yuan")))
        if proposal.missing:
            said.append(texts("budget.why.without", items=texts.listed(item_name(one, texts) for one in proposal.missing)))
        self.working.setText("<br>".join(said))
        self._allow()

    def _failed(self, error: Exception) -> None:
        if isinstance(error, Fault):
            set_role(self.working, "bad")
            self.working.setText(words(self.texts, error))
        self._allow()

    def _allow(self) -> None:
        try:
            day_of(self.day.text())
        except Refused:
            self.take.setEnabled(False)
        else:
            self.take.setEnabled(self.proposal is not None)


def _written(value: Fraction, unit: str) -> str:
    return grouped(plain(value, 2)).replace("-", MINUS) + ("%" if unit == "percent" else "")
