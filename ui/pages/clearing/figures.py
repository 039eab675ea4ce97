"""The region's figures above the worksheet: each a button that says why."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QFont, QFontMetrics, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from core.money import plain
from core.worksheet import Column
from ui.look import GAP, grouped
from ui.pages.clearing.sheets import step_column
from ui.table.heading import blend
from ui.table.model import written

if TYPE_CHECKING:
    from core.rules.packs import Step
    from core.rules.sheet import Clearing, FundSheet
    from ui.desk import Desk

PADS = (11, 8, 5)  # beside a figure; the narrower ones where that saves a line
STRONG = ("point_value", "residual")


class Figure(QAbstractButton):
    """Title, value and unit. Enter, Space or a click asks why."""

    def __init__(self, desk: Desk, step: Step, value: Fraction, parent: QWidget) -> None:
        super().__init__(parent)
        texts = desk.texts
        self.step = step
        self._value = value
        column, _ = step_column(step, [value], texts.lang)
        self._column: Column = column
        self._desk = desk
        self.title = step.title[texts.lang]
        self.strong = step.id in STRONG
        self.pad = PADS[0]
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.say()

    def say(self) -> None:
        """Write the value again: yuan or 万元."""
        texts = self._desk.texts
        wan = self._desk.wan and not self.strong  # a residual of some fen would vanish in 万元
        cell = (
            int(self._value * 10 ** (self._column.places or 0))
            if self._column.kind == "fixed"
            else self._value
        )
        self.value = written(self._column, cell, wan)
        unit = "wan" if wan and self.step.unit == "yuan" else self.step.unit
        self.unit = texts(f"unit.{unit}") if texts.has(f"unit.{unit}") else unit
        tags = f" [{self.step.evidence}]" if self.step.evidence else ""
        opened = texts("table.open") if self.step.open else ""
        self.mark = f"{tags} {opened}".strip()
        lines = [f"{self.title} {grouped(plain(self._value))} {texts(f'unit.{self.step.unit}')}"]
        meaning = f"clearing.meaning.{self.step.id}"
        note = self.step.note.get(texts.lang, "") if self.step.note else ""
        lines.append(texts(meaning) if texts.has(meaning) else note)
        if self.step.open:
            lines.append(texts("table.open_tip", text=self.step.open[texts.lang]))
        lines.append(texts("clearing.click_for_why"))
        self.setToolTip("\n".join(line for line in lines if line))
        self.setAccessibleName(f"{self.title} {self.value} {self.unit}")
        self.updateGeometry()
        self.update()

    def _fonts(self) -> tuple[QFont, QFont]:
        small, large = QFont(self.font()), QFont(self.font())
        small.setPointSizeF(max(7.5, self.font().pointSizeF() * 0.92))
        large.setPointSizeF(self.font().pointSizeF() * 1.12)
        large.setWeight(QFont.Weight.DemiBold)
        return small, large

    def sizeHint(self) -> QSize:
        small, large = self._fonts()
        top = QFontMetrics(small).horizontalAdvance(f"{self.title}  {self.mark}")
        low = QFontMetrics(large).horizontalAdvance(self.value) + QFontMetrics(small).horizontalAdvance(
            f" {self.unit}"
        )
        height = QFontMetrics(small).height() + QFontMetrics(large).height() + 11
        return QSize(max(top, low, 50) + 2 * self.pad, height)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        palette = self.palette()
        ground, ink = palette.color(QPalette.ColorRole.Base), palette.color(QPalette.ColorRole.Text)
        accent = palette.color(QPalette.ColorRole.Highlight)
        if self.strong or self.underMouse() or self.isDown():
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(blend(ground, accent, 0.16 if self.underMouse() or self.isDown() else 0.09))
            painter.drawRoundedRect(self.rect().adjusted(1, 1, -1, -1), 4, 4)
        if self.hasFocus():
            painter.setPen(QPen(accent))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(self.rect().adjusted(1, 1, -2, -2), 4, 4)
        small, large = self._fonts()
        line = QFontMetrics(small).height()
        inner = self.rect().adjusted(self.pad, 4, 0, -4)
        painter.setFont(small)
        painter.setPen(blend(ground, ink, 0.62))
        painter.drawText(inner.left(), inner.top() + QFontMetrics(small).ascent(), self.title)
        after = inner.left() + QFontMetrics(small).horizontalAdvance(self.title + "  ")
        painter.setPen(blend(ground, ink, 0.45))
        painter.drawText(after, inner.top() + QFontMetrics(small).ascent(), self.mark)
        base = inner.top() + line + 3 + QFontMetrics(large).ascent()
        painter.setFont(large)
        painter.setPen(ink)
        painter.drawText(inner.left(), base, self.value)
        painter.setFont(small)
        painter.setPen(blend(ground, ink, 0.62))
        painter.drawText(
            inner.left() + QFontMetrics(large).horizontalAdvance(self.value + " "), base, self.unit
        )

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()


class Figures(QWidget):
    """The chain's figures in the order of the pack, in as many lines as they need; what stands beside it is in `closing`."""

    asked = Signal(str)  # step of the region

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._figures: list[Figure] = []

    def show_sheet(self, clearing: Clearing, sheet: FundSheet) -> None:
        for figure in self._figures:
            figure.setParent(None)
            figure.deleteLater()
        self._figures = []
        for step in (one for one in clearing.pack.scope("region") if not one.part):
            figure = Figure(self._desk, step, sheet.region[step.id], self)
            figure.clicked.connect(lambda _=False, name=step.id: self.asked.emit(name))
            figure.show()
            self._figures.append(figure)
        self._lay_out()

    def say(self) -> None:
        for figure in self._figures:
            figure.say()
        self._lay_out()

    def figure(self, step: str) -> Figure:
        return next(figure for figure in self._figures if figure.step.id == step)

    def _lay_out(self) -> None:
        left = top = deep = 0
        gap = GAP
        for pad in PADS:
            for figure in self._figures:
                figure.pad = pad
            gap = GAP if pad == PADS[0] else 2
            if sum(figure.sizeHint().width() + gap for figure in self._figures) - gap <= self.width():
                break
        else:
            gap = GAP
            for figure in self._figures:
                figure.pad = PADS[0]
        for figure in self._figures:
            size = figure.sizeHint()
            if left and left + size.width() > self.width():
                left, top = 0, top + deep
            figure.setGeometry(QRect(left, top, size.width(), size.height()))
            left += size.width() + gap
            deep = size.height()
        self.setFixedHeight(top + deep)

    def resizeEvent(self, event: object) -> None:
        self._lay_out()
