"""The score sheets: all institutions by indicators, written into; beneath them one institution's sheet, and what data say."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from ui.asking import Asking
from ui.desk import Changes, Desk
from ui.dialogs import ReasonDialog
from ui.look import GAP, TIGHT, set_role
from ui.pages.assessment.indicators import IndicatorsDialog
from ui.pages.assessment.points_grid import PointsTable
from ui.splits import one_above_other
from ui.table import Table

if TYPE_CHECKING:
    from core.settlement.assessment import Cell
    from core.settlement.assessment_sheets import Grid
    from core.worksheet import Worksheet

TABLES = ("assessment",)
READ = ("assessment", "institution", "batch", "cases", "budget")


@dataclass(frozen=True)
class Told:
    grid: Grid
    others: dict[int, dict[str, Fraction]]  # indicators of other years
    who: str


def _told(workspace: Any, year: int, what: Any, lang: str) -> Told:
    from core.settlement import assessment, assessment_sheets
    from core.storage.ledger import who

    connection = workspace.reader()
    others = {one: assessment.indicators(connection, one) for one in assessment.years(connection) if one != year}
    return Told(assessment_sheets.grid(connection, year, what, lang), others, who())


class ScoringTab(QWidget):
    def __init__(self, desk: Desk, pack: Any) -> None:
        super().__init__()
        self.desk, self.texts = desk, desk.texts
        self.told: Told | None = None
        self._seek = ""
        self._build()

    def _build(self) -> None:
        texts = self.texts
        self.what = QComboBox()
        self.what.setAccessibleName(texts("assessment.page.what"))
        for key in ("points", "self_points"):
            self.what.addItem(texts(f"assessment.column.{key}"), key)
        self.what.currentIndexChanged.connect(lambda _: self.refresh())
        self.reason = QLineEdit()
        self.reason.setPlaceholderText(texts("assessment.page.reason"))
        self.reason.setToolTip(texts("assessment.page.reason_tip"))
        self.reason.setAccessibleName(texts("ui.reason"))
        self.reason.setMaximumWidth(340)
        self.indicators = QPushButton(texts("assessment.page.indicators"))
        self.indicators.setToolTip(texts("assessment.page.indicators_about"))
        self.indicators.clicked.connect(self.ask_indicators)
        self.check = QPushButton(texts("assessment.page.check"))
        self.check.setToolTip(texts("assessment.page.check_tip"))
        self.check.setProperty("primary", True)
        self.check.clicked.connect(self.ask_check)
        self.said = QLabel()
        set_role(self.said, "muted")
        line = QHBoxLayout()
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(GAP)
        line.addWidget(self.what)
        line.addWidget(self.reason, 1)
        line.addStretch(1)
        for widget in (self.said, self.indicators, self.check):
            line.addWidget(widget)
        self.asking = Asking(self.desk, "assessment.scoring")
        self.table = PointsTable(self.desk)
        self.table.entered.connect(self.enter)
        self.table.beyond.connect(self.asking.tell)
        self.table.current_changed.connect(lambda *_: self._show_one())
        self.table.set_empty(texts("assessment.page.no_indicators"), texts("assessment.page.indicators"), self.ask_indicators)
        self.one, self.computed = Table(self.desk), Table(self.desk)
        for table in (self.one, self.computed):
            table.condition.hide()
            table.find_field.hide()
            table.bar.insertStretch(0, 1)
        self.table.bar.insertStretch(2, 1)
        self.computed.widest = {"why": 420}
        self.beneath = QTabWidget()
        self.beneath.setDocumentMode(True)
        self.beneath.addTab(self.one, texts("assessment.sheet.assessment_sheet"))
        self.beneath.addTab(self.computed, texts("assessment.sheet.assessment_computed"))
        split = one_above_other(self.table, self.beneath, sizes=(420, 230))
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(TIGHT)
        box.addLayout(line)
        box.addWidget(self.asking)
        box.addWidget(split, 1)
        self.setFocusProxy(self.table)

    def refresh(self, changes: Changes | None = None) -> None:
        desk, year = self.desk, self.desk.year
        if changes is not None and not (changes.workspace or changes.choices or changes.touches(*READ)):
            return
        if desk.workspace is None or year is None:
            return
        what, lang, fund = self.what.currentData(), self.texts.lang, desk.fund
        self.asking.ask(
            lambda workspace, _: _told(workspace, year, what, lang), self._have, self.texts("assessment.page.reading")
        )

        def computed(workspace: Any, job: Any) -> Worksheet:
            from core.analysis import assessed

            return assessed.computed(workspace, year, fund, lang, job)

        desk.ask(computed, lambda sheet: self._show_computed(sheet, year), place="assessment.computed")

    def _show_computed(self, sheet: Worksheet, year: int) -> None:
        """Each indicator as a band over the year, the year before and the change."""
        groups: dict[str, str] = {}
        short: dict[str, str] = {}
        by_id = {column.id: column for column in sheet.columns}
        for column in sheet.columns:
            of = column.id.removesuffix("_before").removesuffix("_moved")
            if column.unit:
                groups[column.id] = by_id[of].title[self.texts.lang]
                short[column.id] = (
                    str(year) if of == column.id
                    else str(year - 1) if column.id.endswith("_before") else self.texts("assessment.page.moved")
                )  # fmt: skip
        self.computed.set_worksheet(sheet, frozen=1, groups=groups, short=short)

    def show_target(self, target: object) -> None:
        """An institution's code: its row."""
        self._seek = str(target)
        if self.told is not None:
            self.table.select(self._seek, next(iter(self.told.grid.most), ""))

    def _have(self, told: Told) -> None:
        texts = self.texts
        self.told = told
        write = self.desk.workspace is not None and not self.desk.workspace.read_only
        current = self.table.current_row()
        self.table.put(told.grid, write)
        keys = told.grid.sheet.keys
        if keys is not None and len(keys) and (self._seek or current < 0):
            self.table.select(self._seek or str(keys[0]), next(iter(told.grid.most), ""))
            self._seek = ""
        states = [line.state for line in told.grid.lines.values()]
        parts = [
            texts(f"assessment.page.count.{state}", count=states.count(state))
            for state in ("unreviewed", "entered") if state in states
        ]  # fmt: skip
        self.said.setText("  ·  ".join(parts))
        self.indicators.setEnabled(write)
        self.check.setEnabled(write and "entered" in states)
        self._show_one()

    def _show_one(self) -> None:
        row, told, year = self.table.current_row(), self.told, self.desk.year
        if told is None or row < 0 or year is None or told.grid.sheet.keys is None:
            return
        code, lang = str(told.grid.sheet.keys[row]), self.texts.lang
        name = str(told.grid.sheet.cells["name"][row]) or code
        self.beneath.setTabText(0, self.texts("assessment.page.sheet_of", name=name))

        def read(workspace: Any, _: Any) -> Worksheet:
            from core.settlement import assessment_sheets

            return assessment_sheets.sheet(workspace.reader(), code, year, lang)

        self.desk.ask(read, lambda sheet: self.one.set_worksheet(sheet, frozen=1), place="assessment.one")

    # -- changes -----------------------------------------------------------------------------------------------------

    def enter(self, cells: list[Cell]) -> None:
        year, why = self.desk.year, self.reason.text().strip()

        def work(workspace: Any, _: Any) -> None:
            from core.settlement import assessment

            assessment.enter(workspace, year, cells, why)

        self.desk.change(
            work, lambda _: self.desk.say(self.texts("assessment.page.entered", count=len(cells))),
            failed=self.asking.wrong, title=self.texts("assessment.page.entering"), tables=TABLES,
        )  # fmt: skip

    def ask_check(self) -> None:
        """The selected institutions with something to check, else all of them."""
        told, texts, year = self.told, self.texts, self.desk.year
        if told is None:
            return
        seen = told.grid.waiting(self.table.codes()) if len(self.table.codes()) > 1 else {}
        seen = seen or told.grid.waiting(sorted({code for code, _ in told.grid.lines}))
        codes = sorted({code for code, _ in seen})
        dialog = ReasonDialog(
            self.desk, texts("assessment.page.check"),
            texts("assessment.page.check_about", count=len(codes), points=len(seen), who=told.who),
            texts("assessment.page.check"), self.window(),
        )  # fmt: skip
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)

        def go() -> None:
            why = dialog.reason

            def work(workspace: Any, _: Any) -> None:
                from core.settlement import assessment

                assessment.check(workspace, year, codes, why, seen=seen)

            self.desk.change(
                work, lambda _: self.desk.say(texts("assessment.page.checked", count=len(codes))),
                failed=self.asking.wrong, title=texts("assessment.page.checking"), tables=TABLES,
            )  # fmt: skip

        dialog.accepted.connect(go)
        dialog.open()

    def ask_indicators(self) -> None:
        told, year = self.told, self.desk.year
        if told is None or year is None:
            return
        dialog = IndicatorsDialog(self.desk, year, told.grid.most, told.others, self.window())

        def go() -> None:
            wanted, why = dialog.wanted, dialog.why

            def work(workspace: Any, _: Any) -> None:
                from core.settlement import assessment

                assessment.set_indicators(workspace, year, wanted, why)

            self.desk.change(
                work, lambda _: self.desk.say(self.texts("assessment.page.indicators_set", count=len(wanted))),
                failed=self.asking.wrong, title=self.texts("assessment.page.entering"), tables=TABLES,
            )  # fmt: skip

        dialog.accepted.connect(go)
        dialog.open()
