"""Why the mean costs of a pair differ: the waterfall from one to the other, exact, and the groups that carry each part."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QMenu,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from core.money import plain
from ui.asking import Asking
from ui.chart import Chart, Panel, Series, prepare
from ui.desk import Desk
from ui.look import GAP, TIGHT, grouped, set_role
from ui.pages.comparison.views import Shown, View
from ui.splits import side_by_side
from ui.table import Table

if TYPE_CHECKING:
    from core.analysis.comparison import Comparison
    from core.analysis.mix import Split
    from core.worksheet import Worksheet

PARTS = ("mix", "intensity", "interaction")
BEYOND = ("level", "region")
CHART = 430  # pixels
# Columns of the groups as they are read: what a group does to the difference, then how often and how dear on both sides.
ORDER = ("dip_name", "whole", *PARTS, "own_cases", "other_cases", "own_share", "other_share", "group_mean", "group_other_mean",
         "dip_code")  # fmt: skip
BANDS = {"cases": ORDER[5:7], "share": ORDER[7:9], "mean": ORDER[9:11]}


@dataclass(frozen=True, slots=True)
class Pair:
    code: str
    other: str
    split: Split
    sheet: Worksheet


class DifferenceView(View):
    told = Signal()  # the pair that was asked for is there, or there is none

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        texts = self.texts
        self.shown: Shown | None = None
        self.pair: Pair | None = None
        self.own, self.other = QComboBox(), QComboBox()
        line = QHBoxLayout()
        line.setSpacing(GAP)
        for key, field in (("comparison.own", self.own), ("comparison.other", self.other)):
            caption = QLabel(texts(key))
            set_role(caption, "muted")
            field.setAccessibleName(texts(key))
            field.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
            field.activated.connect(lambda _: self.ask())
            line.addWidget(caption)
            line.addWidget(field)
        self.swap = QToolButton()
        self.swap.setText(texts("comparison.swap"))
        self.swap.setToolTip(texts("comparison.swap_tip"))
        self.swap.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.swap.clicked.connect(self._swap)
        line.addWidget(self.swap)
        line.addStretch(1)
        self.asking = Asking(desk, "comparison.difference")
        self.asking.over.connect(self.told)
        self.chart = Chart(desk)
        self.chart.hint = texts("comparison.bar_hint")
        self.chart.setMinimumWidth(300)
        self.chart.activated.connect(lambda _, at: self._sort_by(at))
        self.said = QLabel(wordWrap=True)
        self.said.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.table = Table(desk)
        self.table.widest = {"dip_name": 220}
        self.table.set_empty(texts("comparison.no_pair"))
        self.table.activated.connect(lambda key, _: self._open(str(key)))
        self.table.cell_menu = self._menu
        left = QWidget()
        side = QVBoxLayout(left)
        side.setContentsMargins(0, 0, GAP, 0)
        side.setSpacing(TIGHT)
        side.addWidget(self.chart, 1)
        side.addWidget(self.said)
        right = QWidget()
        beside = QVBoxLayout(right)
        beside.setContentsMargins(GAP, 0, 0, 0)
        beside.addWidget(self.table)
        split = side_by_side(left, right, sizes=(CHART, 700), stretch=(0, 1))
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(TIGHT)
        box.addLayout(line)
        box.addWidget(self.asking)
        box.addWidget(split, 1)
        self.setFocusProxy(self.own)

    def table_shown(self) -> Table | None:
        return self.table if self.pair is not None else None

    # The pair.

    def put(self, shown: Shown) -> None:
        """The first two of the institutions, unless another pair of theirs was chosen."""
        found, texts = shown.comparison, self.texts
        before = (self.own.currentData(), self.other.currentData())
        self.shown = shown
        there = [one for one in found.institutions if found.has_cases(one.code)]
        self.own.clear()
        self.other.clear()
        for one in there:
            self.own.addItem(one.name, one.code)
            self.other.addItem(one.name, one.code)
        for key in BEYOND:
            self.other.addItem(texts(f"comparison.beyond.{key}"), key)
        own, other = (max(0, field.findData(old)) for field, old in zip((self.own, self.other), before, strict=True))
        if before[0] is None or self.own.findData(before[0]) < 0 or self.other.findData(before[1]) < 0:
            own, other = 0, 1
        self.own.setCurrentIndex(own)
        self.other.setCurrentIndex(other)
        self.ask()

    def choose(self, code: str, other: str) -> None:
        self.own.setCurrentIndex(self.own.findData(code))
        self.other.setCurrentIndex(self.other.findData(other))
        self.ask()

    def ask(self) -> None:
        shown, texts = self.shown, self.texts
        code, other = str(self.own.currentData() or ""), str(self.other.currentData() or "")
        self.swap.setEnabled(other not in BEYOND)
        if shown is None:
            return
        if not code:  # nobody of them has a case
            self._forget()
            self.asking.drop()
            names = texts.listed(one.name for one in shown.comparison.institutions)
            self.asking.tell(texts("comparison.no_cases", year=shown.comparison.year, names=names))
            self.told.emit()
            return
        if code == other:
            self._forget()
            self.asking.drop()
            self.asking.tell(texts("comparison.same_side"))
            self.told.emit()
            return
        found = shown.comparison

        def work(_: Any, __: Any) -> Pair:
            prepare()
            sheet = found.parts(code, other, texts)
            columns = sorted(sheet.columns, key=lambda column: ORDER.index(_figure(column.id)))
            return Pair(code, other, found.split(code, other), replace(sheet, columns=columns))

        self.asking.ask(work, self._have, texts("comparison.splitting"))

    def _forget(self) -> None:
        from ui.table.model import EMPTY

        self.pair = None
        self.chart.show_panels([])
        self.table.set_worksheet(EMPTY)
        self.said.clear()

    def _swap(self) -> None:
        own, other = self.own.currentData(), self.other.currentData()
        if self.own.findData(other) >= 0:
            self.choose(other, own)

    def _have(self, pair: Pair) -> None:
        self.pair = pair
        assert self.shown is not None
        self.chart.name = self.texts("comparison.tab.difference")
        self.chart.show_panels([self._panel(self.shown.comparison, pair)])
        groups = dict.fromkeys(("whole", *PARTS), self.texts("comparison.band.effect"))
        short = {part: self.texts(f"comparison.part.{part}") for part in ("whole", *PARTS)}
        for column in pair.sheet.columns:
            figure = _figure(column.id)
            for band, figures in BANDS.items():
                if figure in figures:
                    groups[column.id] = self.texts(f"comparison.band.{band}")
                    short[column.id] = self.name(pair.code if figure == figures[0] else pair.other)
        self.table.set_worksheet(pair.sheet, frozen=1, groups=groups, short=short)
        self._say(pair)

    # What shows.

    def name(self, key: str) -> str:
        assert self.shown is not None
        for one in self.shown.comparison.institutions:
            if one.code == key:
                return one.name
        return self.texts(f"comparison.beyond.{key}")

    def _panel(self, found: Comparison, pair: Pair) -> Panel:
        """Always in yuan: a difference of means in 万元 would be all zeros."""
        texts, split, fen = self.texts, pair.split, pair.split.fen
        steps = (fen.other_mean, fen.mix, fen.intensity, fen.interaction, fen.mean)
        names = (self.name(pair.other), *(texts(f"comparison.part.{part}") for part in PARTS), self.name(pair.code))
        cases: list[int | None] = [split.other_cases, None, None, None, split.cases]
        return Panel(
            texts("comparison.waterfall"), texts("unit.yuan"), texts("comparison.year", year=found.year),
            split.cases + split.other_cases,
            [
                Series(
                    texts("comparison.mean_cost"), [float(step) / 100 for step in steps], form="waterfall", cases=cases,
                    texts=[_yuan(step, sign=0 < at < 4) for at, step in enumerate(steps)],
                )
            ],
            x=names,
        )  # fmt: skip

    def _say(self, pair: Pair) -> None:
        texts, split = self.texts, pair.split
        key = "comparison.dearer" if split.whole > 0 else "comparison.cheaper" if split.whole < 0 else "comparison.equal"
        lines = [
            texts(
                key, own=self.name(pair.code), other=self.name(pair.other), whole=_yuan(abs(split.fen.whole)),
                **{part: _yuan(getattr(split.fen, part), sign=True) for part in PARTS},
            )
        ]  # fmt: skip
        if split.unmatched or split.other_unmatched:
            shares = [f"{plain(share * 100, 2)}%" for share in (split.unmatched, split.other_unmatched)]
            lines.append(
                texts("comparison.unmatched", own=self.name(pair.code), other=self.name(pair.other), share=shares[0],
                      other_share=shares[1])
            )  # fmt: skip
        self.said.setText("\n".join(lines))

    def _sort_by(self, at: int) -> None:
        """A bar opens what it stands on: the groups that carry that part, those that raise it most first (or lower it)."""
        if self.pair is not None and 0 < at < 4:
            part = PARTS[at - 1]
            self.table.sort(part, descending=getattr(self.pair.split, part) >= 0)
            self.table.grid.scrollToTop()

    def _open(self, code: str) -> None:
        if code:
            self.desk.go("catalogue", ("group", code))

    def _menu(self, menu: QMenu, key: object, column: str) -> None:
        if key:
            menu.addAction(self.texts("comparison.open_group"), lambda: self._open(str(key)))


def _figure(id: str) -> str:
    """What a column of the groups tells, whoever it is of."""
    return next((name for name in sorted(ORDER, key=len, reverse=True) if id == name or id.startswith(f"{name}_")), id)


def _yuan(fen: Fraction, sign: bool = False) -> str:
    text = grouped(plain(fen / 100, 2))
    return f"+{text}" if sign and fen > 0 else text
