"""Months against the budget: what is booked and what would be due at the opening point value, beside the fund's twelfths."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from core.money import plain
from ui.asking import Asking
from ui.chart import Chart, Panel, Series, prepare
from ui.desk import Changes, Desk
from ui.look import TIGHT, grouped, set_role
from ui.splits import one_above_other
from ui.table import Table

if TYPE_CHECKING:
    from core.settlement.budget_months import Used
    from ui.pages.budget.page import Ground

WAN = 10_000


class MonthsTab(QWidget):
    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk, self.texts = desk, desk.texts
        self.found: Used | None = None
        self._for: tuple[object, ...] = ()
        self.asking = Asking(desk, "budget.months")
        self.chart = Chart(desk)
        self.chart.name = self.texts("budget.page.tab.months")
        self.table = Table(desk)
        self.table.condition.hide()
        self.table.find_field.hide()
        self.table.bar.addStretch(1)  # the fields' place
        self.notes = QLabel(wordWrap=True)
        self.notes.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        set_role(self.notes, "muted")
        split = one_above_other(self.chart, self.table, sizes=(260, 320))
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(TIGHT)
        box.addWidget(self.asking)
        box.addWidget(split, 1)
        box.addWidget(self.notes)
        self.setFocusProxy(self.table.grid)

    def show_ground(self, ground: Ground) -> None:
        key = (ground.generation, ground.year, ground.fund, ground.pack, ground.set_name)
        if not ground.pack:
            self._forget()
            self.asking.tell(self.texts("budget.page.pack_needed"))
            return
        if key == self._for and (self.found is not None or self.asking.busy):
            return
        self._forget()
        self._for = key

        def work(workspace: Any, job: Any) -> Used:
            from core.settlement import own_packs
            from core.settlement.budget_months import used_by_month

            prepare()
            pack = own_packs.load(workspace, ground.pack)
            return used_by_month(workspace, ground.year, ground.fund, pack, set_name=ground.set_name or None, progress=job)

        self.asking.ask(work, self._have, self.texts("budget.page.months_asked"))

    def settled(self, changes: Changes) -> None:
        if changes.workspace:
            self._forget()

    def _forget(self) -> None:
        from core.worksheet import Worksheet

        self.found, self._for = None, ()
        self.asking.drop()
        self.table.set_worksheet(Worksheet("", {"zh": "", "en": ""}, (), {}, 0))
        self.chart.show_panels(())
        self.notes.clear()

    def _have(self, found: Used) -> None:
        self.found = found
        texts = self.texts
        self.table.set_worksheet(found.worksheet(), frozen=1)
        said = [texts.finding(one) for one in found.findings]
        if found.rate is not None:
            rounding = plain(found.rounding or Fraction(0), 2)
            said.insert(0, texts("budget.page.rate", rate=grouped(plain(found.rate)), rounding=rounding))
        self.notes.setText("\n".join(said))
        self.notes.setVisible(bool(said))
        if not found.months:
            self.chart.show_panels(())
            return
        cases = sum(one.cases for one in found.months)
        names = [str(one.month) for one in found.months]

        def series(id: str, values: list[Any], form: str = "line", behind: bool = False) -> Series:
            return Series(
                texts(f"budget.column.{id}"), [None if one is None else float(one / WAN) for one in values], form,
                cases=[one.cases for one in found.months] if behind else (),
                texts=["" if one is None else grouped(plain(one / WAN, 4)) for one in values],
            )  # fmt: skip

        def panel(title: str, rows: list[Series]) -> Panel:
            return Panel(
                texts(f"budget.page.{title}"), texts("budget.page.wan"), f"{found.year}", cases, rows, x=names,
                x_title=texts("budget.column.month"), places=2,
            )  # fmt: skip

        self.chart.show_panels([
            panel("chart_month", [
                series("booked", [one.booked for one in found.months], behind=True),
                series("due", [one.due for one in found.months]), series("month_share", [one.share for one in found.months]),
            ]),
            panel("chart_rising", [
                series("rising_booked", [one.rising_booked for one in found.months]),
                series("rising_due", [one.rising_due for one in found.months]),
                series("rising_share", [one.rising_share for one in found.months]),
                series("fund_known", [one.fund for one in found.months]),
            ]),
        ], columns=2)  # fmt: skip
