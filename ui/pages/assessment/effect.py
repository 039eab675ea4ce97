"""What the score does to money: by institution, by which table of the pack, and what another score would do."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from core.faults import Usage
from core.money import decimal, plain
from ui.asking import Asking
from ui.desk import Changes, Desk
from ui.look import GAP, TIGHT, grouped, set_role
from ui.pages.assessment.cleared import Cleared, Clearings
from ui.table import Table

if TYPE_CHECKING:
    from core.settlement.assessment_effect import Effect
    from core.worksheet import Worksheet


@dataclass(frozen=True)
class Told:
    effect: Effect
    sheet: Worksheet


class EffectTab(QWidget):
    tiers_wanted = Signal(str)  # a table of the pack, to be filled

    def __init__(self, desk: Desk, clearings: Clearings) -> None:
        super().__init__()
        self.desk, self.texts, self.clearings = desk, desk.texts, clearings
        self.told: Told | None = None
        self.tried: dict[str, Fraction] = {}
        self._tried_for: tuple[object, ...] = ()
        texts = self.texts
        self.ways = QLabel(wordWrap=True)
        self.fill = QPushButton(texts("assessment.page.fill_table"))
        self.fill.setToolTip(texts("assessment.page.fill_table_tip"))
        self.fill.clicked.connect(self._fill_table)
        self.said = QLabel(wordWrap=True)
        set_role(self.said, "muted")
        self.score = QLineEdit()
        self.score.setFixedWidth(90)
        self.score.setPlaceholderText("0–100")
        self.score.setAccessibleName(texts("assessment.column.tried"))
        self.score.returnPressed.connect(self.attempt)
        self.go = QPushButton(texts("assessment.page.try"))
        self.go.setToolTip(texts("assessment.page.try_tip"))
        self.go.clicked.connect(self.attempt)
        self.clear = QPushButton(texts("assessment.page.try_clear"))
        self.clear.clicked.connect(self.forget)
        top = QHBoxLayout()
        top.setSpacing(GAP)
        top.addWidget(self.ways, 1)
        top.addWidget(self.fill)
        line = QHBoxLayout()
        line.setSpacing(GAP)
        line.addWidget(self.said, 1)
        caption = QLabel(texts("assessment.column.tried"))
        set_role(caption, "muted")
        for widget in (caption, self.score, self.go, self.clear):
            line.addWidget(widget)
        self.asking = Asking(desk, "assessment.effect")
        self.table = Table(desk)
        self.table.set_empty(texts("assessment.page.nothing"))
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(TIGHT)
        box.addLayout(top)
        box.addLayout(line)
        box.addWidget(self.asking)
        box.addWidget(self.table, 1)
        self.setFocusProxy(self.table)

    def refresh(self, changes: Changes | None = None) -> None:
        stands = (id(self.desk.workspace), self.desk.year)
        if self._tried_for != stands:
            self._tried_for, self.tried = stands, {}
        if not self.clearings.want(self.asking, self._cleared):
            self._show(None)

    def show_target(self, target: object) -> None:
        """An institution's code."""
        self.table.select(str(target), "final")

    def attempt(self) -> None:
        """The typed score into the selected institutions."""
        text, keys = self.score.text().strip().rstrip("%"), self.table.worksheet().keys
        try:
            score = decimal(text)
            if not 0 <= score <= 100:
                raise ValueError(text)
        except ValueError:
            self.asking.wrong(Usage("assessment_score_unreadable", value=text))
            self.score.setFocus()
            return
        codes = [str(keys[row]) for row in self.table.selected_rows()] if keys is not None else []
        if not codes:
            self.asking.wrong(Usage("assessment_choose_institutions"))
            return
        self.tried |= dict.fromkeys(codes, score)
        self.refresh()

    def forget(self) -> None:
        self.tried = {}
        self.refresh()

    def _cleared(self, cleared: Cleared) -> None:
        tried, fund, lang = dict(self.tried), self.desk.fund, self.texts.lang

        def work(_: Any, __: Any) -> Told:
            from core.settlement import assessment_effect

            found = assessment_effect.of(cleared.clearing, tried)
            return Told(found, assessment_effect.worksheet(found, fund, lang))

        self.asking.ask(work, self._show, self.texts("assessment.page.clearing"))

    def _show(self, told: Told | None) -> None:
        texts, fund = self.texts, self.desk.fund
        self.told = told
        self.clear.setEnabled(bool(self.tried))
        self.go.setEnabled(told is not None)
        if told is None:
            self.ways.setText("")
            self.said.setText("")
            self.fill.hide()
            return
        pack = told.effect.clearing.pack
        lines: list[str] = []
        for way in told.effect.ways:
            key = "way_free" if not way.table else "way_filled" if way.filled else (
                "way_unused" if pack.tables[way.table].rows else "way_empty")  # fmt: skip
            table = pack.tables[way.table].title[texts.lang] if way.table else ""
            lines.append(texts(f"assessment.page.{key}", step=way.step.title[texts.lang], table=table))
        self.ways.setText("\n".join(lines) or texts("assessment.page.no_ways"))
        self.fill.setVisible(any(way.table and not way.filled for way in told.effect.ways))
        if not told.effect.moves:
            self.said.setText(texts("assessment.page.moves_nothing"))
        else:
            self.said.setText(
                texts("assessment.page.cost", fund=texts(f"fund.{fund}"), amount=grouped(plain(told.effect.cost(fund), 2)))
            )
        self.table.set_worksheet(told.sheet, frozen=2)

    def _fill_table(self) -> None:
        ways = self.told.effect.ways if self.told is not None else ()
        self.tiers_wanted.emit(next((way.table for way in ways if way.table and not way.filled), ""))
