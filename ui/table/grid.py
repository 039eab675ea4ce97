"""The view: one QTableView whose first columns stay in place, and the row of totals under it.

The frozen columns are drawn by a second view laid over the first, which lets every mouse and key event through:
selection, dragging, tips and keys know one view only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import (
    QEvent,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QContextMenuEvent,
    QFont,
    QFontMetrics,
    QGuiApplication,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QToolTip,
    QWidget,
)

from ui.table.heading import PAD, Heading, blend
from ui.table.model import SheetModel, written
from ui.table.rows import is_number

if TYPE_CHECKING:
    from core.texts import Texts


def _plain_look(view: QTableView) -> None:
    view.setFrameShape(QFrame.Shape.NoFrame)
    view.setWordWrap(False)
    view.setTextElideMode(Qt.TextElideMode.ElideRight)
    view.verticalHeader().hide()
    view.verticalHeader().setMinimumSectionSize(10)
    view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    view.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
    view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectItems)
    view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
    view.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
    view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    view.setAlternatingRowColors(False)
    view.setTabKeyNavigation(False)


class Cell(QStyledItemDelegate):
    """Draws a cell's text and nothing else: a style sheet's own way asks the model seven times and takes four times as long."""

    def __init__(self, grid: Grid, front: bool) -> None:
        super().__init__(grid)
        self._grid, self._front = grid, front

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        place = index.column()
        if not self._front and place < self._grid.hidden_behind:
            return
        grid = self._grid
        rect: QRect = option.rect
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, option.palette.brush(QPalette.ColorRole.Highlight))
            painter.setPen(option.palette.color(QPalette.ColorRole.HighlightedText))
        else:
            painter.setPen(option.palette.color(QPalette.ColorRole.Text))
        text = grid.text_at(index.row(), place)
        if not text:
            return
        if "\n" in text:  # a cell is one line; what a file broke shows where
            text = text.replace("\n", "↵")
        inner = rect.adjusted(PAD, 0, -PAD, 0)
        metrics: QFontMetrics = option.fontMetrics
        if metrics.horizontalAdvance(text) > inner.width():
            text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, inner.width())
        painter.drawText(inner, grid.side_of(place), text)


class Grid(QTableView):
    """`heading` is its own, `front` the heading of the frozen columns."""

    activated_cell = Signal(QModelIndex)
    menu_wanted = Signal(int)  # section: the column's menu by keyboard
    find_wanted = Signal(str)
    copy_wanted = Signal(bool)  # with headings
    moved = Signal()  # scrolled or resized sideways: the totals follow

    _tuning = False

    def __init__(self, model: SheetModel, texts: Texts, parent: QWidget) -> None:
        super().__init__(parent)
        self._frozen = 0
        self._sheet = model
        _plain_look(self)
        self.heading = Heading(model, texts, self)
        self.setHorizontalHeader(self.heading)
        self.heading.setSectionsClickable(False)
        self.setModel(model)

        self.body = QTableView(self)
        self.body.setModel(model)
        _plain_look(self.body)
        self.body.horizontalHeader().hide()
        self.body.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.body.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.body.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.body.setSelectionModel(self.selectionModel())
        self.front = Heading(model, texts, self)
        self.front.setModel(model)
        self.front.setSectionsClickable(False)
        self.setItemDelegate(Cell(self, front=False))
        self.body.setItemDelegate(Cell(self, front=True))
        self.hidden_behind = 0  # so many columns lie under the frozen ones and need not be drawn
        self.edge = QFrame(self)  # the line between what stays and what scrolls
        self.edge.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

        self.heading.sectionResized.connect(self._width_changed)
        self.front.sectionResized.connect(self._front_changed)
        self.verticalScrollBar().valueChanged.connect(self.body.verticalScrollBar().setValue)
        self.body.verticalScrollBar().valueChanged.connect(self.verticalScrollBar().setValue)
        self.horizontalScrollBar().valueChanged.connect(lambda: self.moved.emit())
        self.doubleClicked.connect(self.activated_cell)
        self._tune()

    def _tune(self) -> None:
        height = QFontMetrics(self.font()).height() + 7
        for view in (self, self.body):
            view.verticalHeader().setDefaultSectionSize(height)
        # Our own palette is mixed with the style sheet's, which may be the old theme's.
        palette = QGuiApplication.palette()
        line = blend(palette.color(QPalette.ColorRole.Base), palette.color(QPalette.ColorRole.Text), 0.10)
        edge = blend(palette.color(QPalette.ColorRole.Base), palette.color(QPalette.ColorRole.Text), 0.38)
        sheet = f"QTableView {{ gridline-color: {line.name()}; border: none; }}"
        if self.styleSheet() != sheet:
            self._tuning = True  # a style sheet is a change of palette itself
            self.setStyleSheet(sheet)
            self.edge.setStyleSheet(f"background: {edge.name()}; border: none;")
            self._tuning = False

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        kinds = (QEvent.Type.PaletteChange, QEvent.Type.FontChange)
        if event.type() in kinds and hasattr(self, "edge") and not self._tuning:
            self._tune()

    # What a cell's drawing asks.

    def text_at(self, row: int, place: int) -> str:
        return written(self._sheet.column(place), self._sheet.cell(row, place), self._sheet.wan)

    def side_of(self, place: int) -> int:
        return self._sheet.side(place)

    # The frozen columns.

    def freeze(self, count: int) -> None:
        self._frozen = 0  # a section that comes to light says the size it had for another sheet: not a drag
        columns = self._sheet.columnCount()
        for place in range(columns):
            hidden = self.isColumnHidden(place) or place >= count
            self.body.setColumnHidden(place, hidden)
            self.front.setSectionHidden(place, hidden)
            if not hidden:
                size = self.heading.sectionSize(place)
                self.body.setColumnWidth(place, size)
                self.front.resizeSection(place, size)
        self._frozen = count
        self._lay_out()

    def frozen_places(self) -> list[int]:
        """The frozen columns that are in sight; none where they would fill the view."""
        return [
            place
            for place in range(min(self._frozen, self._sheet.columnCount()))
            if not self.isColumnHidden(place)
        ]

    def frozen_width(self) -> int:
        wide = sum(self.heading.sectionSize(place) for place in self.frozen_places())
        return wide if wide < 0.75 * max(1, self.viewport().width()) else 0

    def _width_changed(self, place: int, _: int, size: int) -> None:
        if place < self._frozen and size > 0:
            self.body.setColumnWidth(place, size)
            if self.front.sectionSize(place) != size:
                self.front.resizeSection(place, size)
        self._lay_out()

    def _front_changed(self, place: int, _: int, size: int) -> None:
        """Dragged in the frozen heading. Hiding a section says size 0, and means nothing here."""
        if place < self._frozen and size > 0 and self.heading.sectionSize(place) != size:
            self.heading.resizeSection(place, size)

    def _lay_out(self) -> None:
        wide = self.frozen_width()
        for heading in (self.heading, self.front):
            heading.frozen, heading.frozen_width = (self._frozen, wide) if wide else (0, 0)
        self.hidden_behind = self._frozen if wide else 0
        top = self.heading.height()
        for part in (self.body, self.front, self.edge):
            part.setVisible(wide > 0)
        if wide:
            self.front.setGeometry(0, 0, wide, top)
            self.body.setGeometry(0, top, wide, self.viewport().height())
            self.edge.setGeometry(wide - 1, 0, 1, top + self.viewport().height())
            self.edge.raise_()
            self.body.verticalScrollBar().setValue(self.verticalScrollBar().value())
        self.moved.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._lay_out()

    def updateGeometries(self) -> None:
        super().updateGeometries()
        if hasattr(self, "edge"):
            self._lay_out()

    def _frozen_left(self, place: int) -> int:
        return sum(self.heading.sectionSize(p) for p in self.frozen_places() if p < place)

    def indexAt(self, at: QPoint) -> QModelIndex:
        if 0 <= at.x() < self.frozen_width():
            row = self.rowAt(at.y())
            for place in reversed(self.frozen_places()):
                if row >= 0 and at.x() >= self._frozen_left(place):
                    return self._sheet.index(row, place)
            return QModelIndex()
        return super().indexAt(at)

    def visualRect(self, index: QModelIndex) -> QRect:
        rect = super().visualRect(index)
        if index.isValid() and index.column() < self._frozen and self.frozen_width():
            rect.moveLeft(self._frozen_left(index.column()))
        return rect

    def scrollTo(
        self,
        index: QModelIndex,
        hint: QAbstractItemView.ScrollHint = QAbstractItemView.ScrollHint.EnsureVisible,
    ) -> None:
        wide, bar = self.frozen_width(), self.horizontalScrollBar()
        if index.isValid() and index.column() < self._frozen and wide:
            across = bar.value()
            super().scrollTo(index, hint)
            bar.setValue(across)
            return
        super().scrollTo(index, hint)
        left = super().visualRect(index).left()
        if wide and left < wide:
            bar.setValue(bar.value() - (wide - left))

    # Keys.

    def event(self, event: QEvent) -> bool:
        if (
            isinstance(event, QContextMenuEvent)
            and event.reason() == QContextMenuEvent.Reason.Keyboard
            and self.currentIndex().isValid()
        ):
            # Qt tells a place in the whole widget, and below the heading that is another row.
            self.scrollTo(self.currentIndex())
            self.customContextMenuRequested.emit(self.visualRect(self.currentIndex()).center())
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, held = event.key(), event.modifiers()
        control = bool(held & Qt.KeyboardModifier.ControlModifier)
        if key == Qt.Key.Key_Escape:
            event.ignore()  # the page's business
        elif control and key in (Qt.Key.Key_C, Qt.Key.Key_Insert):
            self.copy_wanted.emit(bool(held & Qt.KeyboardModifier.ShiftModifier))
        elif control and key == Qt.Key.Key_F:
            self.find_wanted.emit("")
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if self.currentIndex().isValid():
                self.activated_cell.emit(self.currentIndex())
        elif key == Qt.Key.Key_Down and held & Qt.KeyboardModifier.AltModifier:
            if self.currentIndex().isValid():
                self.menu_wanted.emit(self.currentIndex().column())
        elif control and key in (Qt.Key.Key_Home, Qt.Key.Key_End) and self._sheet.rowCount():
            # Qt's own way walks over the rows one by one where some are hidden; here a jump is a jump.
            row = 0 if key == Qt.Key.Key_Home else self._sheet.rowCount() - 1
            flags = QItemSelectionModel.SelectionFlag.ClearAndSelect
            self.selectionModel().setCurrentIndex(
                self._sheet.index(row, max(0, self.currentIndex().column())), flags
            )
        else:
            super().keyPressEvent(event)

    def keyboardSearch(self, search: str) -> None:
        """Typing finds; Qt's own search would ask the model row by row."""
        if search.strip():
            self.find_wanted.emit(search)

    def sizeHintForRow(self, row: int) -> int:
        return self.verticalHeader().defaultSectionSize()


class Totals(QWidget):
    """Sums of the rows that show, under their columns. `values` by column id, in cells' units."""

    activated = Signal(str)  # column id

    def __init__(self, grid: Grid, model: SheetModel, parent: QWidget) -> None:
        super().__init__(parent)
        self._grid, self._sheet = grid, model
        self.values: dict[str, object] = {}
        self.label = ""
        self.setMouseTracking(True)
        grid.moved.connect(self.update)
        self.setFixedHeight(QFontMetrics(self.font()).height() + 11)

    def text(self, place: int) -> str:
        column = self._sheet.column(place)
        return written(column, self.values[column.id], self._sheet.wan) if column.id in self.values else ""

    def _spans(self) -> list[tuple[int, QRect]]:
        """Visible columns and where they stand; the frozen ones last, so that they lie on top."""
        grid, heading = self._grid, self._grid.heading
        wide, places = grid.frozen_width(), grid.frozen_places()
        frozen = places if wide else []
        spans: list[tuple[int, QRect]] = []
        for place in range(self._sheet.columnCount()):
            left, size = heading.sectionViewportPosition(place), heading.sectionSize(place)
            if place in frozen or heading.isSectionHidden(place) or left + size < wide or left > self.width():
                continue
            spans.append((place, QRect(left, 0, size, self.height())))
        left = 0
        for place in frozen:
            size = heading.sectionSize(place)
            spans.append((place, QRect(left, 0, size, self.height())))
            left += size
        return spans

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        palette = self.palette()
        ground, ink = palette.color(QPalette.ColorRole.Base), palette.color(QPalette.ColorRole.Text)
        back = blend(ground, ink, 0.05)
        painter.fillRect(self.rect(), back)
        painter.setPen(QPen(blend(ground, ink, 0.38)))
        painter.drawLine(0, 0, self.width(), 0)
        bold = QFont(self.font())
        bold.setWeight(QFont.Weight.DemiBold)
        metrics = QFontMetrics(bold)
        painter.setFont(bold)
        wide, frozen = self._grid.frozen_width(), set(self._grid.frozen_places())
        shown = self._grid.viewport().width()  # as far as the rows: not under their scroll bar
        spans = self._spans()
        labelled = min(
            (place for place, _ in spans if self._sheet.column(place).id not in self.values), default=-1
        )
        for place, rect in spans:
            on_top = bool(wide) and place in frozen
            painter.setClipRect(
                rect if on_top else rect.intersected(QRect(wide, 0, shown - wide, self.height()))
            )
            if on_top:
                painter.fillRect(rect.adjusted(0, 1, 0, 0), back)
            column = self._sheet.column(place)
            text = self.label if place == labelled else self.text(place)
            side = Qt.AlignmentFlag.AlignRight if is_number(column) else Qt.AlignmentFlag.AlignLeft
            inner = rect.adjusted(PAD, 0, -PAD, 0)
            if metrics.horizontalAdvance(text) > inner.width():  # half a number would be a wrong number
                text = (
                    "#" * max(1, inner.width() // max(1, metrics.horizontalAdvance("#")))
                    if is_number(column)
                    else (metrics.elidedText(text, Qt.TextElideMode.ElideRight, inner.width()))
                )
            painter.setPen(ink)
            painter.drawText(inner, int(side | Qt.AlignmentFlag.AlignVCenter), text)
        if wide:
            painter.setClipping(False)
            painter.setPen(QPen(blend(ground, ink, 0.38)))
            painter.drawLine(wide - 1, 0, wide - 1, self.height())

    def place_at(self, at: QPoint) -> int:
        for place, rect in reversed(self._spans()):
            if rect.contains(at):
                return place
        return -1

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        place = self.place_at(event.position().toPoint())
        if place >= 0:
            self.activated.emit(self._sheet.column(place).id)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            place = self.place_at(event.pos())
            text = self.text(place) if place >= 0 else ""
            QToolTip.showText(
                event.globalPos(),
                f"{self._grid.heading.full(self._sheet.column(place))}: {text}" if text else "",
                self,
            )
            return True
        return super().event(event)
