"""What the draft, and what is being typed into it, does to everybody: beside the grid, after every edit.

The pool is opened once for year, pack and set compared with; every edit is one question to it. One question is under way at
a time, and only the newest of those that wait is asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from core.faults import Fault
from core.money import plain
from ui.asking import Asking
from ui.desk import FUNDS, Changes, Desk
from ui.look import GAP, TIGHT, grouped, set_role
from ui.pages.coefficients.pool import Pools
from ui.pages.coefficients.sets import head_words
from ui.table import Table
from ui.tabs import Choice, TabRow

if TYPE_CHECKING:
    from core.rules.circular import Pack
    from core.settlement.coefficients import Cell, SetHead
    from core.settlement.whatif import Outcome, Pool
    from core.worksheet import Worksheet

VIEWS = ("institutions", "level", "county")
# Columns of each view, in the order in which they are read beside the grid.
SHOWN = {
    "institutions": ("fixmedins_name", "due_change", "final_change", "due_before", "due_after", "final_before",
                     "final_after", "coefficient_before", "coefficient_after", "score_change", "level", "county",
                     "fixmedins_code"),
    "level": ("level", "due_change", "final_change", "institutions", "gaining", "losing", "due_before", "due_after"),
    "county": ("county", "due_change", "final_change", "institutions", "gaining", "losing", "due_before", "due_after"),
}  # fmt: skip

@dataclass(frozen=True, slots=True)
class Told:
    """An outcome in one fund, ready to be shown: arranged in the job."""

    outcome: Outcome
    fund: str
    view: str
    sheet: Worksheet


def signed(value: Fraction, places: int, wan: bool = False) -> str:
    """A change: +1,234.56, −0.01, 0.00."""
    text = plain(value / 10_000 if wan else value, places)
    return ("+" if value > 0 else "") + grouped(text)


class WhatIf(QWidget):
    """`show_set(year, pack, heads, head, against)` opens the pool; `tried(cells)` shows what these do on top of the set."""

    told = Signal()  # another outcome is on screen
    answered = Signal()  # no question is under way any more
    keep_wanted = Signal(object)  # an Outcome, as a scenario

    def __init__(self, desk: Desk, pools: Pools) -> None:
        super().__init__()
        self.desk, self.texts, self.pools = desk, desk.texts, pools
        self._pack: Pack | None = None
        self.pool: Pool | None = None
        self.outcome: Outcome | None = None
        self.shown: Told | None = None
        self._key: tuple[object, ...] | None = None
        self._set = ""
        self._hashes: dict[str, str] = {}
        self._cells: tuple[Cell, ...] = ()
        self.busy = False
        self._again = False
        self._build()

    def _build(self) -> None:
        texts = self.texts
        title = QLabel(texts("coefficients.whatif.title"))
        set_role(title, "heading")
        caption = QLabel(texts("coefficients.whatif.against"))
        set_role(caption, "muted")
        self.against = Choice(texts("coefficients.whatif.against"), texts("coefficients.whatif.against_tip"), 8)
        self.against.activated.connect(lambda _: self._open())
        head = QHBoxLayout()
        head.setSpacing(GAP)
        head.addWidget(title)
        head.addStretch(1)
        head.addWidget(caption)
        head.addWidget(self.against, 1)
        self.asking = Asking(self.desk, "coefficients.pool")
        self.asking.over.connect(self._say)
        self.figures = QGridLayout()
        self.figures.setHorizontalSpacing(GAP)
        self.figures.setVerticalSpacing(2)
        self.labels: dict[tuple[str, str], QLabel] = {}
        self._told: dict[tuple[int, int], QLabel] = {}  # by row and column, where they stand side by side
        self._upright = False
        for column, key in enumerate(("", "point_before", "point_after", "sum", "residual")):
            label = QLabel(texts(f"coefficients.whatif.{key}") if key else "")
            set_role(label, "muted")
            label.setAlignment(Qt.AlignmentFlag.AlignRight if column else Qt.AlignmentFlag.AlignLeft)
            self.figures.addWidget(label, 0, column)
            self._told[0, column] = label
            self.figures.setColumnStretch(column, 1 if column else 0)
        for row, fund in enumerate(FUNDS, 1):
            name = QLabel(texts(f"fund.{fund}"))
            self.figures.addWidget(name, row, 0)
            self._told[row, 0] = name
            for column, key in enumerate(("before", "after", "sum", "residual"), 1):
                label = self.labels[fund, key] = QLabel("—")
                label.setAlignment(Qt.AlignmentFlag.AlignRight)
                label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
                self.figures.addWidget(label, row, column)
                self._told[row, column] = label
        self.keep = QToolButton()
        self.keep.setText(texts("coefficients.scenario.save"))
        self.keep.setToolTip(texts("coefficients.scenario.save_tip"))
        self.keep.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.keep.setEnabled(False)
        self.keep.clicked.connect(lambda: self.keep_wanted.emit(self.outcome))
        self.said = QLabel(wordWrap=True)
        set_role(self.said, "muted")
        self.views = TabRow("", {key: texts(f"coefficients.whatif.by.{key}") for key in VIEWS})
        self.views.currentChanged.connect(lambda _: self._ask())
        self.table = Table(self.desk)
        self.table.condition.hide()
        self.table.columns.hide()
        self.table.find_field.setMaximumWidth(120)
        self.table.set_empty(texts("coefficients.whatif.nothing"))
        self.table.bar.insertWidget(0, self.views)
        line = QHBoxLayout()
        line.addWidget(self.said, 1)
        line.addWidget(self.keep)
        box = QVBoxLayout(self)
        box.setContentsMargins(GAP, 0, 0, 0)
        box.setSpacing(TIGHT)
        box.addLayout(head)
        box.addWidget(self.asking)
        box.addLayout(self.figures)
        box.addLayout(line)
        box.addWidget(self.table, 1)
        self.setMinimumWidth(300)

    def event(self, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.LayoutRequest, QEvent.Type.Resize):
            self._arrange()
        return super().event(event)

    def _arrange(self) -> None:
        """Where the four figures of a fund do not stand beside each other whole, the funds do: no digit is ever cut off."""
        widths: dict[int, int] = {}
        for (_, column), one in self._told.items():
            widths[column] = max(widths.get(column, 0), one.minimumSizeHint().width())
        upright = self.contentsRect().width() < sum(widths.values()) + len(widths) * GAP
        if self._upright != upright:
            self._upright = upright
            for (row, column), widget in self._told.items():
                self.figures.removeWidget(widget)
                self.figures.addWidget(widget, *((column, row) if upright else (row, column)))

    # -- what the editor asks ----------------------------------------------------------------------------------------

    def show_set(self, pack: Pack | None, heads: Sequence[SetHead], head: SetHead | None, against: str) -> None:
        """The set whose cells are shown; against: what it is compared with unless something else is chosen."""
        kept = str(self.against.currentData() or "")
        names = [one.name for one in heads]
        self._hashes = {one.name: one.hash for one in heads}
        other = head is None or head.name != self._set
        self._set = head.name if head is not None else ""
        self._pack = pack
        self.against.blockSignals(True)
        self.against.clear()
        for one in heads:
            self.against.addItem(head_words(self.texts, one), one.name)
        wanted = kept if kept in names and not other else against if against in names else self._set
        self.against.setCurrentIndex(self.against.findData(wanted))
        self.against.blockSignals(False)
        self._open()

    def tried(self, cells: Sequence[Cell]) -> None:
        """What these cells would do on top of the set; () for the set as it is in the ledger."""
        if tuple(cells) != self._cells:
            self._cells = tuple(cells)
            self._ask()

    def settled(self, changes: Changes) -> None:
        """The workspace changed: a pool on other data is opened again, and one that was refused."""
        if self.pools.stale(changes):
            self._key = None

    def forget(self) -> None:
        self._key, self.pool, self.outcome, self._set, self._cells = None, None, None, "", ()
        self.asking.drop()
        self.desk.jobs.drop("coefficients.outcome")
        self.busy = False
        self._clear()

    # -- the pool --------------------------------------------------------------------------------------------------

    def _open(self) -> None:
        desk, pack = self.desk, self._pack
        against = str(self.against.currentData() or "")
        if desk.workspace is None or desk.year is None or pack is None or not against:
            self._clear()
            return
        # The set that shows is followed edit by edit; another one is compared with as it is now.
        followed = "" if against == self._set else self._hashes.get(against, "")
        key = self.pools.key(pack, desk.year, against, followed)
        if key == self._key and (self.pool is not None or self.asking.busy):
            self._ask()
            return
        self._key, self.pool, self.outcome = key, None, None
        self._clear()

        def have(pool: Pool) -> None:
            if self._key == key:
                self.pool = pool
                self._ask()

        self.pools.open(self.asking, key, pack, desk.year, against, have)

    def _ask(self) -> None:
        if self.pool is None:
            return
        if self.busy:
            self._again = True
            return
        pool, name, cells = self.pool, self._set, self._cells
        fund, view, lang = self.desk.fund, VIEWS[self.views.currentIndex()], self.texts.lang
        self.busy, self._again = True, False
        shown = self.shown

        def work(_: Any, job: Any) -> Told | None:
            from core.settlement import whatif_sheets
            from core.settlement.changes import Changes as Tried

            changes = pool.towards(name) | Tried(tuple(replace(cell, seen=None) for cell in cells))
            same = shown is not None and (shown.fund, shown.view) == (fund, view) and shown.outcome.pool is pool
            if same and shown.outcome.changes.text == changes.text:  # it was typed, now it is written: nothing new
                return None
            outcome = pool.outcome(changes, job)
            make = {
                "institutions": whatif_sheets.institutions,
                "level": whatif_sheets.by_level,
                "county": whatif_sheets.by_county,
            }[view]
            sheet = make(outcome, fund, lang)
            columns = {column.id: column for column in sheet.columns}
            return Told(outcome, fund, view, replace(sheet, columns=[columns[id] for id in SHOWN[view] if id in columns]))

        self.desk.ask(work, self._have, place="coefficients.outcome", failed=self._failed)

    def _have(self, told: Told | None) -> None:
        self.asking.hide()
        if told is not None and self.pool is told.outcome.pool:
            same = self.shown is not None and (self.shown.fund, self.shown.view) == (told.fund, told.view)
            self.shown, self.outcome = told, told.outcome
            as_it_came = self.table.model.order is None  # neither sorted nor filtered
            if not (same and as_it_came and self.table.renew(told.sheet)):
                self.table.set_worksheet(told.sheet, frozen=1)
            self._say()
            self.told.emit()
        self._answered()

    def _failed(self, error: Exception) -> None:
        if isinstance(error, Fault) and not self._again:
            self.shown = None
            self.asking.wrong(error)
        self._answered()

    def _answered(self) -> None:
        self.busy = False
        if self._again:
            self._ask()
        else:
            self.answered.emit()

    # -- words -------------------------------------------------------------------------------------------------------

    def _clear(self) -> None:
        from core.worksheet import Worksheet

        self.shown = None
        self.table.set_worksheet(Worksheet("", {"zh": "", "en": ""}, (), {}, 0))
        self._say()

    def _say(self) -> None:
        texts, outcome = self.texts, self.outcome
        self.keep.setEnabled(outcome is not None and bool(outcome.changes))
        if outcome is None:
            for label in self.labels.values():
                label.setText("—")
            self.said.setText("" if self.asking.busy or self.asking.isVisible() else texts("coefficients.whatif.nothing"))
            return
        wan = self.desk.wan
        rest = []
        for fund in FUNDS:
            if outcome.sheet(fund) is None:
                continue
            before, after = outcome.point_value(fund)
            step = outcome.pack.find("region", "point_value")
            places = step.places if step is not None and step.places is not None else 4
            closing = outcome.closing(fund)
            self.labels[fund, "before"].setText(grouped(plain(before, places)))
            self.labels[fund, "after"].setText(grouped(plain(after, places)))
            role = "good" if after > before else "bad" if after < before else ""
            set_role(self.labels[fund, "after"], role)
            self.labels[fund, "after"].setToolTip(signed(after - before, places))
            self.labels[fund, "sum"].setText(signed(closing.due, 4 if wan else 2, wan))
            self.labels[fund, "residual"].setText(signed(closing.residual, 4 if wan else 2, wan))
            if closing.rest:
                rest.append(texts("coefficients.whatif.rest", fund=texts(f"fund.{fund}"), amount=signed(closing.rest, 2)))
        changed = len(outcome.changes.cells)
        said = texts("coefficients.whatif.cells", cells=changed) if changed else texts("coefficients.whatif.same")
        self.said.setText("  ·  ".join([said, *rest]))
