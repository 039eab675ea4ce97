"""The heading: group band, title, unit and evidence; sort arrow, filter sign, and where one clicks for which."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetrics,
    QHelpEvent,
    QMouseEvent,
    QPainter,
    QPalette,
    QPen,
    QPolygonF,
)
from PySide6.QtWidgets import QHeaderView, QToolTip, QWidget

from core.worksheet import Column
from ui.table.model import SheetModel
from ui.table.rows import is_number

if TYPE_CHECKING:
    from core.texts import Texts

PAD = 3  # what Qt leaves beside the text of a cell
SIGN = 16  # width of the filter sign's place


def blend(one: QColor, other: QColor, share: float) -> QColor:
    """`share` of the way from one colour to the other: tints that fit light and dark alike."""
    return QColor(
        round(one.red() + (other.red() - one.red()) * share),
        round(one.green() + (other.green() - one.green()) * share),
        round(one.blue() + (other.blue() - one.blue()) * share),
    )


class Heading(QHeaderView):
    """Click sorts; the sign at the right, a right click or the menu key opens the column's menu."""

    menu_wanted = Signal(int, QPoint)  # section, where
    sort_wanted = Signal(int)

    def __init__(self, model: SheetModel, texts: Texts, parent: QWidget) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._sheet, self._texts = model, texts
        self.groups: Mapping[str, str] = {}
        self.short: Mapping[str, str] = {}  # column id -> what is written under a band that says the rest
        self.sorted_by: tuple[str, bool] | None = None  # column id, descending
        self.filtered: frozenset[str] = frozenset()
        self.frozen = 0
        self.frozen_width = 0
        self._pressed: QPoint | None = None
        self._over = -1
        self.setSectionsClickable(True)
        self.setSectionsMovable(False)
        self.setHighlightSections(False)
        self.setMinimumSectionSize(44)
        self.setDefaultSectionSize(104)
        self.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft)
        self.setMouseTracking(True)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._context)

    # Words of a column.

    def unit(self, column: Column) -> str:
        unit = "wan" if column.unit == "yuan" and self._sheet.wan else column.unit
        key = f"unit.{unit}"
        return (self._texts(key) if self._texts.has(key) else unit) if unit else ""

    def second(self, column: Column) -> str:
        """The line under the title: unit, evidence, and whether the document leaves something open."""
        parts = [self.unit(column)]
        if column.tag:
            parts.append(f"[{column.tag}]")
        if column.open:
            parts.append(self._texts("table.open"))
        return " ".join(part for part in parts if part)

    def title(self, column: Column) -> str:
        """What is written: tips, menus, copies and exports have the whole title."""
        return self.short.get(column.id) or self._sheet.title(column)

    def full(self, column: Column) -> str:
        """Title with unit in brackets: for lists, copies and screen readers."""
        unit = self.unit(column)
        return f"{self._sheet.title(column)} ({unit})" if unit else self._sheet.title(column)

    def wanted_width(self, place: int) -> int:
        """What title and second line need."""
        column = self._sheet.column(place)
        bold = QFont(self.font())
        bold.setWeight(QFont.Weight.DemiBold)
        title = QFontMetrics(bold).horizontalAdvance(self.title(column))
        return (
            max(title, QFontMetrics(self.font()).horizontalAdvance(self.second(column))) + 2 * PAD + SIGN + 10
        )

    # Size and painting.

    def _line(self) -> int:
        return QFontMetrics(self.font()).height()

    def _band(self) -> int:
        return self._line() + 4 if self.groups else 0

    def sizeHint(self) -> QSize:
        # A sheet without units and evidence needs no second line.
        columns = self._sheet.sheet.columns
        lines = 2 if any(self.second(column) for column in columns) else 1
        return QSize(super().sizeHint().width(), self._band() + lines * self._line() + 9)

    def paintSection(self, painter: QPainter, rect: QRect, place: int) -> None:
        if not rect.isValid() or place >= self._sheet.columnCount():
            return
        column = self._sheet.column(place)
        palette = self.palette()
        ground, ink = palette.color(QPalette.ColorRole.Base), palette.color(QPalette.ColorRole.Text)
        back = blend(ground, ink, 0.05)
        rule = blend(ground, ink, 0.18)
        accent = palette.color(QPalette.ColorRole.Highlight)
        painter.save()
        painter.setClipRect(rect)
        painter.fillRect(rect, blend(back, accent, 0.10) if place == self._over else back)
        top = rect.top() + self._band()
        if self.groups:
            self._paint_band(painter, rect, place, rule, blend(ground, ink, 0.75))
        painter.setPen(QPen(rule))
        painter.drawLine(rect.right(), top + 3, rect.right(), rect.bottom() - 3)
        painter.drawLine(rect.left(), rect.bottom(), rect.right(), rect.bottom())

        right = is_number(column)
        inner = QRect(rect.left() + PAD, top + 3, rect.width() - 2 * PAD - SIGN, self._line())
        if right:  # the sign stands left of a number's title, so that the title ends where the numbers end
            inner.moveLeft(rect.left() + PAD + SIGN)
        side = Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
        bold = QFont(self.font())
        bold.setWeight(QFont.Weight.DemiBold)
        painter.setFont(bold)
        painter.setPen(ink)
        title = QFontMetrics(bold).elidedText(
            self.title(column), Qt.TextElideMode.ElideRight, inner.width()
        )
        painter.drawText(inner, int(side | Qt.AlignmentFlag.AlignVCenter), title)
        painter.setFont(self.font())
        painter.setPen(blend(ground, ink, 0.62))
        inner.translate(0, self._line() + 1)
        second = self.second(column)
        painter.drawText(
            inner,
            int(side | Qt.AlignmentFlag.AlignVCenter),
            QFontMetrics(self.font()).elidedText(second, Qt.TextElideMode.ElideRight, inner.width()),
        )
        self._paint_signs(
            painter, self._sign(rect, right, top), column, accent, blend(ground, ink, 0.45), place
        )
        painter.restore()

    def _paint_band(self, painter: QPainter, rect: QRect, place: int, rule: QColor, ink: QColor) -> None:
        group = self.groups.get(self._sheet.column(place).id, "")
        first, last = place, place
        while first > 0 and self.groups.get(self._sheet.column(first - 1).id, "") == group:
            first -= 1
        while last + 1 < self.count() and self.groups.get(self._sheet.column(last + 1).id, "") == group:
            last += 1
        left = self.sectionViewportPosition(first)
        end = self.sectionViewportPosition(last) + self.sectionSize(last)
        painter.setPen(QPen(rule))
        bottom = rect.top() + self._band() - 1
        if group:
            painter.drawLine(max(rect.left(), left + PAD), bottom, min(rect.right(), end - PAD), bottom)
        if end - 1 <= rect.right():
            painter.drawLine(rect.right(), rect.top() + 3, rect.right(), bottom)
        shown = left if place < self.frozen else max(left, self.frozen_width)
        painter.setPen(ink)
        painter.setFont(self.font())
        painter.drawText(
            QRect(shown + PAD, rect.top(), max(0, end - shown - 2 * PAD), self._band()),
            int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter),
            group,
        )

    def _sign(self, rect: QRect, right: bool, top: int) -> QRect:
        left = rect.left() + 3 if right else rect.right() - SIGN - 2
        return QRect(left, top + 2, SIGN, rect.bottom() - top - 4)

    def _paint_signs(
        self, painter: QPainter, where: QRect, column: Column, accent: QColor, muted: QColor, place: int
    ) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle = where.center()
        apart = min(8, where.height() // 4)  # arrow above, funnel below
        if self.sorted_by and self.sorted_by[0] == column.id:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(accent)
            y, tip = middle.y() - apart, -4 if not self.sorted_by[1] else 4
            painter.drawPolygon(
                QPolygonF(
                    [
                        QPointF(middle.x() - 4, y - tip / 2),
                        QPointF(middle.x() + 4, y - tip / 2),
                        QPointF(middle.x(), y + tip),
                    ]
                )
            )
        if column.id in self.filtered:  # a funnel
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(accent)
            x, y = middle.x(), middle.y() + apart - 1
            painter.drawPolygon(
                QPolygonF(
                    [
                        QPointF(x - 5, y - 4),
                        QPointF(x + 5, y - 4),
                        QPointF(x + 1.2, y + 0.5),
                        QPointF(x + 1.2, y + 5),
                        QPointF(x - 1.2, y + 4),
                        QPointF(x - 1.2, y + 0.5),
                    ]
                )
            )
        elif place == self._over:
            painter.setPen(QPen(muted, 1.4))
            x, y = middle.x(), middle.y() + apart - 1
            painter.drawPolyline(
                QPolygonF([QPointF(x - 3.5, y - 1.5), QPointF(x, y + 2), QPointF(x + 3.5, y - 1.5)])
            )

    # Mouse.

    def _section_rect(self, place: int) -> QRect:
        return QRect(self.sectionViewportPosition(place), 0, self.sectionSize(place), self.height())

    def _in_sign(self, at: QPoint) -> int:
        place = self.logicalIndexAt(at)
        if place < 0:
            return -1
        rect = self._section_rect(place)
        sign = self._sign(rect, is_number(self._sheet.column(place)), rect.top() + self._band())
        return place if sign.contains(at) else -1

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._pressed = None
        if event.button() == Qt.MouseButton.LeftButton:
            place = self._in_sign(event.position().toPoint())
            if place >= 0 and self.cursor().shape() != Qt.CursorShape.SplitHCursor:
                rect = self._section_rect(place)
                self.menu_wanted.emit(place, self.viewport().mapToGlobal(rect.bottomLeft()))
                return
            self._pressed = event.position().toPoint()
        super().mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        pressed, resizing = self._pressed, self.cursor().shape() == Qt.CursorShape.SplitHCursor
        super().mouseReleaseEvent(event)
        self._pressed = None
        at = event.position().toPoint()
        if pressed is None or resizing or (at - pressed).manhattanLength() > 5:
            return
        place = self.logicalIndexAt(at)
        if place >= 0 and place == self.logicalIndexAt(pressed):
            self.sort_wanted.emit(place)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        over = self.logicalIndexAt(event.position().toPoint())
        if over != self._over:
            self._over = over
            self.viewport().update()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._over = -1
        self.viewport().update()

    def _context(self, at: QPoint) -> None:
        place = self.logicalIndexAt(at)
        if place >= 0:
            self.menu_wanted.emit(place, self.viewport().mapToGlobal(at))

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            place = self.logicalIndexAt(event.pos())
            if 0 <= place < self._sheet.columnCount():
                QToolTip.showText(event.globalPos(), self.explain(place), self)
                return True
        return super().viewportEvent(event)

    def explain(self, place: int) -> str:
        """The tip of a heading: full title, id for conditions, what its evidence tag and open field mean."""
        column = self._sheet.column(place)
        lines = [self.full(column), self._texts("table.name_tip", id=column.id)]
        if column.tag:
            key = f"table.evidence.{column.tag}"
            lines.append(f"[{column.tag}] {self._texts(key)}" if self._texts.has(key) else f"[{column.tag}]")
        if column.open:
            lines.append(self._texts("table.open_tip", text=column.open))
        return "\n".join(lines)
