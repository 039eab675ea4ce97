"""What the result hangs on: a hundredth for one institution, every parameter in turn, every boundary and open reading."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from core.faults import Fault
from core.money import decimal
from ui.asking import Asking
from ui.chart import Chart, Panel, Series, prepare
from ui.desk import Changes, Desk
from ui.dialogs import words
from ui.look import GAP, TIGHT, set_role
from ui.pages.coefficients.pool import Key, Pools
from ui.pages.coefficients.sets import head_words
from ui.pages.coefficients.whatif import signed
from ui.splits import side_by_side
from ui.table import Table
from ui.tabs import TabRow

if TYPE_CHECKING:
    from fractions import Fraction

    from core.rules.circular import Pack
    from core.settlement.coefficients import SetHead
    from core.settlement.sensitivity import Hundredth
    from core.settlement.whatif import Pool
    from core.worksheet import Worksheet

VIEWS = ("hundredth", "tornado", "boundaries", "readings")
DRAWN = 12  # variations that the chart shows, the largest first


@dataclass(frozen=True, slots=True)
class Told:
    """What a hundredth brings one institution and takes from the others."""

    found: Hundredth
    sheet: Worksheet


class SensitivityTab(QWidget):
    def __init__(self, desk: Desk, pools: Pools) -> None:
        super().__init__()
        self.desk, self.texts, self.pools = desk, desk.texts, pools
        self.pool: Pool | None = None
        self.head: SetHead | None = None
        self.pack: Pack | None = None
        self._key: Key | None = None
        self._busy = self._again = False
        self._build()

    def _build(self) -> None:
        texts = self.texts
        self.views = TabRow("", {key: texts(f"coefficients.sensitivity.view.{key}") for key in VIEWS})
        self.about = QLabel()
        set_role(self.about, "muted")
        top = QHBoxLayout()
        top.setSpacing(GAP)
        top.addWidget(self.views)
        top.addStretch(1)
        top.addWidget(self.about)
        self.asking = Asking(self.desk, "coefficients.sensitivity")
        self.asking.over.connect(self._allow)
        self.stack = QStackedWidget()
        self.views.currentChanged.connect(self.stack.setCurrentIndex)

        # a hundredth
        caption = QLabel(texts("coefficients.sensitivity.amount"))
        set_role(caption, "muted")
        self.amount = QLineEdit("0.01")
        self.amount.setFixedWidth(90)
        self.amount.setAccessibleName(texts("coefficients.sensitivity.amount"))
        self.amount.setToolTip(texts("coefficients.sensitivity.amount_tip"))
        self.amount.textEdited.connect(lambda _: self._ask_hundredth())
        self.said = QLabel(wordWrap=True)
        self.said.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        line = QHBoxLayout()
        line.setSpacing(GAP)
        line.addWidget(caption)
        line.addWidget(self.amount)
        line.addWidget(self.said, 1)
        self.institutions, self.others = Table(self.desk), Table(self.desk)
        self.institutions.condition.hide()
        self.institutions.current_changed.connect(lambda *_: self._ask_hundredth())
        self.others.set_empty(texts("coefficients.sensitivity.choose"))
        pair = side_by_side(self.institutions, self.others, sizes=(430, 750))
        first = QWidget()
        box = QVBoxLayout(first)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(TIGHT)
        box.addLayout(line)
        box.addWidget(pair, 1)
        self.stack.addWidget(first)

        # tornado, boundaries and readings
        self.chart = Chart(self.desk)
        self.chart.setMinimumHeight(120)
        self.tornado, self.boundaries, self.readings = Table(self.desk), Table(self.desk), Table(self.desk)
        for table in (self.tornado, self.boundaries, self.readings):
            table.widest = {"remark": 520, "parameter": 240, "boundary": 240, "value_now": 150, "value_tried": 150}
        self.go: dict[str, QPushButton] = {}
        self.stack.addWidget(self._asked("tornado", self.run_tornado, (self.chart, self.tornado)))
        self.stack.addWidget(self._asked("boundaries", self.run_boundaries, (self.boundaries,)))
        self.stack.addWidget(self._asked("readings", self.run_boundaries, (self.readings,)))
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(TIGHT)
        outer.addLayout(top)
        outer.addWidget(self.asking)
        outer.addWidget(self.stack, 1)
        self.setFocusProxy(self.views)

    def _asked(self, key: str, run: Callable[[], None], shown: Sequence[QWidget]) -> QWidget:
        """A view whose answer takes seconds: what it answers, the button that asks, and what comes of it."""
        texts = self.texts
        said = QLabel(texts(f"coefficients.sensitivity.{key}_about"), wordWrap=True)
        set_role(said, "muted")
        self.go[key] = QPushButton(texts("coefficients.sensitivity.go"))
        self.go[key].setProperty("primary", True)
        self.go[key].clicked.connect(lambda: run())
        line = QHBoxLayout()
        line.setSpacing(GAP)
        line.addWidget(said, 1)
        line.addWidget(self.go[key])
        split = QSplitter(Qt.Orientation.Vertical)
        split.setChildrenCollapsible(False)
        for widget in shown:
            split.addWidget(widget)
            if isinstance(widget, Table):
                widget.set_empty(texts("coefficients.sensitivity.not_yet"), texts("coefficients.sensitivity.go"), run)
        split.setSizes([330, 260] if len(shown) > 1 else [1])
        whole = QWidget()
        box = QVBoxLayout(whole)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(TIGHT)
        box.addLayout(line)
        box.addWidget(split, 1)
        return whole

    # -- what the page says ----------------------------------------------------------------------------------------

    def show_set(self, heads: Sequence[SetHead], head: SetHead | None, pack: Pack | None) -> None:
        self.head, self.pack = head, pack
        year = self.desk.year
        if head is None or pack is None or year is None:
            self._forget()
            return
        key = self.pools.key(pack, year, head.name, head.hash)
        if key == self._key:
            if self.pool is not None:
                self._show_institutions()
            return
        self._forget()
        self._key = key
        said = self.texts(
            "coefficients.sensitivity.on", year=year, set=head_words(self.texts, head), pack=pack.title[self.texts.lang]
        )
        version = self.pools.catalogue
        self.about.setText(f"{said} · {self.texts('clearing.stamp.catalogue', catalogue=version)}" if version else said)

        def have(pool: Pool) -> None:
            if self._key == key:
                self.pool = pool
                self._show_institutions()
                self._allow()

        self.pools.open(self.asking, key, pack, year, head.name, have)

    def settled(self, changes: Changes) -> None:
        if self.pools.stale(changes):
            self._forget()

    def _forget(self) -> None:
        from core.worksheet import Worksheet

        self.pool, self._key, self._busy, self._again = None, None, False, False
        self.asking.drop()
        for place in ("coefficients.hundredth", "coefficients.institutions"):
            self.desk.jobs.drop(place)
        nothing = Worksheet("", {"zh": "", "en": ""}, (), {}, 0)
        for table in (self.institutions, self.others, self.tornado, self.boundaries, self.readings):
            table.set_worksheet(nothing)
        self.chart.show_panels([])
        self.said.clear()
        self._allow()

    def _allow(self) -> None:
        for button in self.go.values():
            button.setEnabled(self.pool is not None and not self.asking.busy)

    # -- a hundredth ---------------------------------------------------------------------------------------------------

    def _show_institutions(self) -> None:
        pool, fund, lang = self.pool, self.desk.fund, self.texts.lang
        assert pool is not None

        def work(_: Any, __: Any) -> Worksheet:
            from dataclasses import replace

            from core.settlement import whatif_sheets

            sheet = whatif_sheets.institutions(pool.outcome(), fund, lang)
            columns = {column.id: column for column in sheet.columns}
            kept = ("fixmedins_name", "coefficient_before", "due_before", "level", "county", "fixmedins_code")
            return replace(sheet, id="sensitivity_institutions", columns=[columns[id] for id in kept if id in columns])

        def have(sheet: Worksheet) -> None:
            self.institutions.set_worksheet(sheet, frozen=1)
            if self.institutions.current_row() < 0 and self.institutions.model.rowCount():
                self.institutions.select(self.institutions.model.key_at(0))
            self._ask_hundredth()

        self.desk.ask(work, have, place="coefficients.institutions")

    def _ask_hundredth(self) -> None:
        pool, row, keys = self.pool, self.institutions.current_row(), self.institutions.worksheet().keys
        if pool is None or row < 0 or keys is None:
            return
        if self._busy:
            self._again = True
            return
        fund, _, code = str(keys[row]).partition(".")
        try:
            amount = decimal(self.amount.text())
        except ValueError:
            self._say_wrong(self.texts("coefficients.sensitivity.amount_wrong", text=self.amount.text()))
            return
        lang = self.texts.lang
        self._busy, self._again = True, False

        def work(_: Any, job: Any) -> Told:
            from core.settlement import sensitivity

            found = sensitivity.hundredth(pool, code, fund, amount, job)
            return Told(found, sensitivity.hundredth_sheet(found, lang))

        self.desk.ask(work, lambda told: self._have_hundredth(told, amount), place="coefficients.hundredth", failed=self._not)

    def _have_hundredth(self, told: Told, amount: Fraction) -> None:
        texts, found = self.texts, told.found
        self._busy = False
        if self._again:
            self._ask_hundredth()
        self.others.set_worksheet(told.sheet, frozen=1)
        losing = sum(1 for one in found.others if one.changes["due"] < 0)
        from core.money import plain

        set_role(self.said, "")
        self.said.setText(
            texts(
                "coefficients.sensitivity.said", name=found.own.name, amount=("+" if amount > 0 else "") + plain(amount),
                fund=texts(f"fund.{found.fund}"), brought=signed(found.brought, 2), taken=signed(found.taken, 2), losing=losing,
            )
        )  # fmt: skip

    def _not(self, error: Exception) -> None:
        self._busy = False
        if self._again:
            self._ask_hundredth()
        elif isinstance(error, Fault):
            self._say_wrong(words(self.texts, error))

    def _say_wrong(self, text: str) -> None:
        from core.worksheet import Worksheet

        set_role(self.said, "bad")
        self.said.setText(text)
        self.others.set_worksheet(Worksheet("", {"zh": "", "en": ""}, (), {}, 0))

    # -- tornado -------------------------------------------------------------------------------------------------------

    def run_tornado(self) -> None:
        pool, lang, fund, texts = self.pool, self.texts.lang, self.desk.fund, self.texts
        if pool is None or self.asking.busy:
            return

        def work(_: Any, job: Any) -> tuple[Worksheet, Panel]:
            from core.settlement import sensitivity

            prepare()
            sheet = sensitivity.tornado(pool, progress=job, lang=lang)
            return sheet, drawn(sheet, fund, pool, texts)

        def have(both: tuple[Worksheet, Panel]) -> None:
            sheet, panel = both
            self.tornado.set_worksheet(sheet, frozen=2)
            self.chart.show_panels([panel] if panel.x else [])

        self.asking.ask(work, have, texts("coefficients.sensitivity.tornado_under_way"))
        self._allow()

    # -- boundaries and readings -------------------------------------------------------------------------------------------

    def run_boundaries(self) -> None:
        pool, lang = self.pool, self.texts.lang
        if pool is None or self.asking.busy:
            return

        def work(_: Any, job: Any) -> tuple[Worksheet, Worksheet]:
            from core.settlement import sensitivity

            found = sensitivity.boundaries(pool, job)
            return sensitivity.boundary_sheet(pool, found, lang), sensitivity.reading_sheet(pool, found, lang)

        def have(both: tuple[Worksheet, Worksheet]) -> None:
            self.boundaries.set_worksheet(both[0], frozen=1)
            self.readings.set_worksheet(both[1], frozen=2)

        self.asking.ask(work, have, self.texts("coefficients.sensitivity.boundaries_under_way"))
        self._allow()


def _cases(pool: Pool, fund: str) -> int | None:
    """How many cases stand behind a fund's point value; None where the pack counts none."""
    counted = next((one.values.get("cases") for one in pool.base.funds if one.fund == fund), None)
    return None if counted is None else int(sum(counted))


def drawn(sheet: Worksheet, fund: str, pool: Pool, texts: Any) -> Panel:
    """The largest variations as lying bars: how far each value tried moves the point value of a fund."""
    changes = sheet.cells.get(f"point_value_{fund}", ())
    assert sheet.keys is not None
    rows: dict[str, list[int]] = {}
    for row, key in enumerate(sheet.keys):
        if len(changes) and changes[row] is not None:
            rows.setdefault(str(key).rpartition("|")[0], []).append(row)
    moving = [own for own in rows.values() if any(changes[row] for row in own)]
    moving.sort(key=lambda own: -max(abs(changes[row]) for row in own))
    shown = moving[:DRAWN]
    many = max((len(own) for own in shown), default=0)
    column = next(one for one in sheet.columns if one.id == f"point_value_{fund}") if shown else None
    series = [
        Series(
            texts(f"coefficients.sensitivity.side_{min(number, 2)}"),
            [float(changes[own[number]]) if number < len(own) else None for own in shown],
            "bar",
            texts=[
                f"{sheet.cells['value_tried'][own[number]]}: {signed(changes[own[number]], 4)}" if number < len(own) else ""
                for own in shown
            ],
        )
        for number in range(min(many, 3))
    ]
    return Panel(
        texts("coefficients.sensitivity.chart", fund=texts(f"fund.{fund}")),
        texts("unit.yuan/point") if column is not None else "",
        str(pool.year),
        _cases(pool, fund),
        series,
        x=[str(sheet.cells["parameter"][own[0]]) for own in shown],
        places=4,
        lying=True,
    )
