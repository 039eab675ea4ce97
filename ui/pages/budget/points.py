"""Point values: the opening one by every reading, beside the settlement point value; what each stands on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QTabWidget, QVBoxLayout, QWidget

from core.money import plain
from ui.asking import Asking
from ui.chart import Chart, Panel, Series, prepare
from ui.desk import Changes, Desk
from ui.look import TIGHT, grouped, set_role
from ui.splits import one_above_other, side_by_side
from ui.table import Table

if TYPE_CHECKING:
    from core.settlement.opening_sheets import PointValues
    from ui.pages.budget.page import Ground


class PointsTab(QWidget):
    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk, self.texts = desk, desk.texts
        self.ground: Ground | None = None
        self.found: PointValues | None = None
        self._for: tuple[object, ...] = ()  # what `found` was asked for
        texts = self.texts
        self.asking = Asking(desk, "budget.points")
        self.notes = QLabel(wordWrap=True)
        self.notes.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        set_role(self.notes, "muted")
        self.readings, self.years, self.institutions = Table(desk), Table(desk), Table(desk)
        self.readings.widest = {"way": 420}
        for table in (self.readings, self.years, self.institutions):
            table.condition.setVisible(table is self.institutions)
            table.find_field.setVisible(table is self.institutions)
            if table is not self.institutions:
                table.bar.addStretch(1)  # the fields' place
        self.way = QLabel(wordWrap=True)
        set_role(self.way, "muted")
        self.readings.current_changed.connect(lambda *_: self._say_way())
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(TIGHT)
        column.addWidget(self.readings, 1)
        column.addWidget(self.way)
        self.chart = Chart(desk)
        self.chart.name = texts("budget.page.tab.points")
        top = side_by_side(left, self.chart, sizes=(720, 460))
        self.below = QTabWidget()
        self.below.setDocumentMode(True)
        self.below.addTab(self.years, texts("budget.page.years"))
        self.below.addTab(self.institutions, texts("budget.page.hospitals"))
        split = one_above_other(top, self.below, sizes=(330, 230))
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(TIGHT)
        box.addWidget(self.asking)
        box.addWidget(split, 1)
        box.addWidget(self.notes)
        self.setFocusProxy(self.readings.grid)

    def show_ground(self, ground: Ground) -> None:
        self.ground = ground
        key = (ground.generation, ground.year, ground.pack, ground.set_name)
        if not ground.pack:
            self._forget()
            self.asking.tell(self.texts("budget.page.pack_needed"))
            return
        if key == self._for and self.found is not None:
            self._show()
            return
        if key == self._for and self.asking.busy:
            return
        self._forget()
        self._for = key

        def work(workspace: Any, job: Any) -> PointValues:
            from core.settlement import own_packs
            from core.settlement.opening_sheets import point_values

            prepare()
            pack = own_packs.load(workspace, ground.pack)
            return point_values(workspace, ground.year, pack, set_name=ground.set_name or None, progress=job)

        self.asking.ask(work, self._have, self.texts("budget.page.points_asked"))

    def settled(self, changes: Changes) -> None:
        if changes.workspace:
            self._forget()

    def _forget(self) -> None:
        from core.worksheet import Worksheet

        self.found, self._for = None, ()
        self.asking.drop()
        for table in (self.readings, self.years, self.institutions):
            table.set_worksheet(Worksheet("", {"zh": "", "en": ""}, (), {}, 0))
        self.chart.show_panels(())
        self.notes.clear()
        self.way.clear()

    def _say_way(self) -> None:
        """How the reading of the current row is made: the column is far to the right."""
        row, sheet = self.readings.current_row(), self.readings.worksheet()
        if not 0 <= row < sheet.rows:
            self.way.clear()
            return
        self.way.setText(self.texts("budget.page.way", reading=sheet.cells["reading"][row], way=sheet.cells["way"][row]))

    def _have(self, found: PointValues) -> None:
        self.found = found
        self._show()

    def _show(self) -> None:
        from core.settlement import opening_sheets

        found, texts, fund = self.found, self.texts, self.desk.fund
        if found is None:
            return
        sheet = opening_sheets.readings(found, fund, texts.lang)
        self.readings.set_worksheet(sheet, frozen=2)
        if self.readings.current_row() < 0:
            self.readings.select("totals")
        self._say_way()
        self.years.set_worksheet(opening_sheets.years(found, fund, texts.lang), frozen=1)
        self.institutions.set_worksheet(opening_sheets.institutions(found, fund, texts.lang), frozen=2)
        one = found.openings[fund]
        self.notes.setText("\n".join(texts.finding(finding) for finding in one.findings))
        self.notes.setVisible(bool(one.findings))
        rows = [row for row in range(sheet.rows) if sheet.cells["value"][row] is not None]
        values = [sheet.cells["value"][row] for row in rows]
        if not values:
            self.chart.show_panels(())
            return
        years = sorted(one.weights)
        panel = Panel(
            texts("budget.page.points_chart", fund=texts(f"fund.{fund}"), year=found.year), texts("unit.yuan/point"),
            texts("budget.page.years_read", first=years[0], last=years[-1], year=found.year) if years else str(found.year),
            sum(past.of(fund).cases for past in one.past) or None,
            [Series(texts("opening.column.value"), [float(value) for value in values], "bar",
                    texts=[grouped(plain(value, found.places)) for value in values])],
            x=[texts(f"opening.short.{(sheet.keys if sheet.keys is not None else ())[row]}") for row in rows],
            places=found.places, lying=True,
        )  # fmt: skip
        self.chart.show_panels([panel])
