"""What stands over a chart while one points at it: a line at the position, and what is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from ui.look import GAP

if TYPE_CHECKING:
    from ui.chart.widget import Chart


class Pointer(QWidget):
    """Lies over the canvas: a line at the position and what stands there, without drawing the chart again."""

    def __init__(self, chart: Chart) -> None:
        super().__init__(chart)
        self._chart = chart
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def paintEvent(self, event: QPaintEvent) -> None:
        chart = self._chart
        look = chart._desk.look.colours
        painter = QPainter(self)
        if chart.hasFocus():
            painter.setPen(QPen(QColor(look.accent)))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        if chart._at is None or not chart._axes:
            return
        at = chart.place_of(*chart._at)
        lying, bounds = chart.panels[chart._at[0]].lying, chart._axes[chart._at[0]].bbox
        half = (bounds.width if lying else bounds.height) / chart._canvas.device_pixel_ratio / 2
        painter.setPen(QPen(QColor(look.muted), 1, Qt.PenStyle.DotLine))
        if lying:
            painter.drawLine(QPointF(at.x() - half, at.y()), QPointF(at.x() + half, at.y()))
            half = 0
        else:
            painter.drawLine(QPointF(at.x(), at.y() - half), QPointF(at.x(), at.y() + half))
        lines = chart.pointed()
        font = QFont(self.font())
        painter.setFont(font)
        metrics = QFontMetrics(font)
        wide = max(metrics.horizontalAdvance(line) for line in lines) + 2 * GAP
        high = metrics.height() * len(lines) + GAP
        left = at.x() + GAP if at.x() + GAP + wide <= self.width() else at.x() - GAP - wide
        down = min(at.y() + GAP, self.height() - high) if lying else at.y() - half
        box = QRectF(max(0.0, left), max(0.0, down), wide, high)
        painter.setPen(QPen(QColor(look.line)))
        painter.setBrush(QColor(look.raised))
        painter.drawRect(box)
        painter.setPen(QColor(look.text))
        for number, line in enumerate(lines):
            painter.drawText(
                QPointF(box.left() + GAP, box.top() + GAP / 2 + metrics.ascent() + number * metrics.height()),
                line,
            )
