"""The worksheet and what stands beside it, one thing at a time: why a figure is what it is, the findings, the year's closing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QApplication,
    QLabel,
    QSplitter,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from ui.desk import Desk
from ui.look import GAP, TIGHT
from ui.pages.clearing import sheets
from ui.pages.clearing.closing import Closing
from ui.pages.clearing.side_heading import SideHeading
from ui.pages.clearing.why import Place, Why
from ui.table import Table

if TYPE_CHECKING:
    from core.rules.sheet import Clearing, FundSheet


class Beside(QSplitter):
    """`buttons` open and close the findings and the closing; they belong into the page's line."""

    opened = Signal()  # or closed again: whether anything stands beside the worksheet

    def __init__(self, desk: Desk, table: Table) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self._desk, self._texts, self._table = desk, desk.texts, table
        self._clearing: Clearing | None = None
        self.why = Why(desk)
        self.why.closed.connect(self.close_side)
        self.why.shown.connect(self._mark_place)
        self.findings = Table(desk)
        self.findings.activated.connect(self._finding_activated)
        self.findings_side = self._with_heading(self.findings)
        self.closing = Closing(desk)
        self.closing.asked.connect(lambda step: self.explain("region", "", step))
        self.closing.closed.connect(self.close_side)
        self.side = QStackedWidget()
        for widget in (self.why, self.findings_side, self.closing):
            self.side.addWidget(widget)
        self.setChildrenCollapsible(False)
        self.addWidget(table)
        self.addWidget(self.side)
        self.setStretchFactor(0, 1)
        self.setStretchFactor(1, 0)
        self.side.hide()

        self.findings_button, self.closing_button = QToolButton(), QToolButton()
        self.findings_button.setToolTip(self._texts("clearing.findings_tip"))
        self.findings_button.toggled.connect(self.show_findings)
        self.closing_button.setText(self._texts("closing.button"))
        self.closing_button.setToolTip(self._texts("closing.tip"))
        self.closing_button.toggled.connect(self._show_closing)
        self.buttons = (self.closing_button, self.findings_button)
        for button in self.buttons:
            button.setCheckable(True)

    def _with_heading(self, table: Table) -> QWidget:
        side = QWidget()
        box = QVBoxLayout(side)
        box.setContentsMargins(GAP, 0, 0, 0)
        box.setSpacing(TIGHT)
        head = SideHeading(self._texts, self._texts("clearing.findings_title"))
        head.closed.connect(self.close_side)
        whole = QLabel(wordWrap=True)  # the sentence of the current row, in full
        whole.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        whole.setMinimumWidth(10)
        table.current_changed.connect(
            lambda row, _: whole.setText(str(table.worksheet().cells["reason"][row]))
        )
        table.arranged.connect(lambda: whole.setText("") if table.current_row() < 0 else None)
        box.addLayout(head)
        box.addWidget(table, 1)
        box.addWidget(whole)
        return side

    # -- which clearing ------------------------------------------------------------------------------------------

    def use(self, clearing: Clearing | None) -> None:
        self._clearing = clearing
        self.why.use(clearing)
        for button in self.buttons:
            button.setVisible(clearing is not None)

    def put_findings(self, clearing: Clearing) -> None:
        count = len(clearing.findings)
        self.findings_button.setText(self._texts("clearing.findings", count=f"{count:,}"))
        self.findings_button.setEnabled(count > 0)
        if count == 0 and self.side.currentWidget() is self.findings_side:
            self.close_side()
        self.findings.set_worksheet(sheets.findings(clearing.findings, self._texts), frozen=1)

    def put_fund(self, clearing: Clearing, sheet: FundSheet) -> None:
        """The worksheet shows this fund now: what is explained goes along where that fund has it too."""
        self.closing.show_sheet(clearing, sheet)
        place = self.why.place
        if place is None or place.fund == sheet.fund or not self.side.isVisible():
            return
        codes = {one.code for one in sheet.institutions}
        if place.kind != "case" and (not place.code or place.code in codes):
            self.why.go(Place(place.kind, sheet.fund, place.step, place.scope, place.code))
        else:
            self.close_side()

    # -- what stands there ---------------------------------------------------------------------------------------

    def open_side(self, widget: QWidget) -> None:
        self.side.setCurrentWidget(widget)
        if not self.side.isVisible():
            wide = self.width()
            self.side.show()
            aside = max(330, min(620, int(wide * 0.42)))
            self.setSizes([wide - aside, aside])
            self.opened.emit()
        self._check_buttons(widget)

    def close_side(self) -> None:
        self.side.hide()
        self.why.forget()
        self._check_buttons(None)
        self.opened.emit()
        self._table.setFocus()

    def alone(self, on: bool) -> None:
        """What is open takes the worksheet's place too."""
        if on and self._table.isAncestorOf(QApplication.focusWidget()):
            self.side.setFocus()
        self._table.setVisible(not on)

    def _check_buttons(self, shown: QWidget | None) -> None:
        """Pressed is the button of what stands beside the worksheet."""
        for button, widget in (
            (self.findings_button, self.findings_side),
            (self.closing_button, self.closing),
        ):
            button.blockSignals(True)
            button.setChecked(widget is shown)
            button.blockSignals(False)

    def show_findings(self, on: bool) -> None:
        if on:
            self.open_side(self.findings_side)
            if self.findings.current_row() < 0:
                self.findings.select(0)
        else:
            self.close_side()

    def _show_closing(self, on: bool) -> None:
        if on:
            self.open_side(self.closing)
        else:
            self.close_side()

    # -- why -----------------------------------------------------------------------------------------------------

    def explain(self, scope: str, code: str, step: str) -> None:
        """A cell: a figure of the region, or of the institution with this code."""
        if self._clearing is not None:
            scope = "region" if scope == "region" else "institution"
            self._go(Place("cell", self._desk.fund, step, scope, code))

    def explain_sum(self, step: str) -> None:
        self._go(Place("sum", self._desk.fund, step))

    def explain_case(self, setl_id: str) -> None:
        self._go(Place("case", self._desk.fund, setl_id=setl_id))

    def _go(self, place: Place) -> None:
        self.open_side(self.why)
        self.why.go(place)

    def _mark_place(self, place: Place) -> None:
        """The worksheet's cell goes along with the panel."""
        if place.kind == "cell" and place.code and place.fund == self._desk.fund:
            self._table.select(place.code, place.step)

    def _finding_activated(self, key: object, column: str) -> None:
        if self._clearing is None or not isinstance(key, int):
            return
        finding = self._clearing.findings[key]
        if not self._table.select(finding.subject) and finding.code.startswith("case_"):
            self.explain_case(finding.subject)
