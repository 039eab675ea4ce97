"""Which institutions are compared: found by code, name or pinyin initials, kept as chips that are removed and put in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QMenu, QSizePolicy, QToolButton, QWidget

from ui.desk import Desk
from ui.finder import Entry, Index
from ui.look import GAP, TIGHT, set_role
from ui.searching import SearchField

LEAST, MOST = 2, 6
WIDEST, NARROWEST, FIELD = 240, 96, 420  # of a chip, and of the field, in pixels


class _Name(QLabel):
    """A name that gives way: as much of it as there is room for."""

    def minimumSizeHint(self) -> QSize:
        return QSize(30, super().minimumSizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(self.palette().color(self.foregroundRole()))
        said = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideMiddle, self.width())
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, said)


class Chip(QFrame):
    """One institution. The first is what the others are measured against."""

    removed = Signal()
    moved = Signal(int)  # so many places to the right
    dragged = Signal(QPoint)  # in the chooser's pixels
    dropped = Signal()
    opened = Signal()
    stepped = Signal(int)  # the keyboard goes on to a neighbour

    def __init__(self, desk: Desk, code: str, name: str) -> None:
        super().__init__()
        self._desk, self.code = desk, code
        self._pressed: QPoint | None = None
        set_role(self, "card")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMaximumWidth(WIDEST)
        self.setMinimumWidth(NARROWEST)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.place = QLabel()
        set_role(self.place, "muted")
        self.name = _Name(name)
        self.close_button = QToolButton()
        self.close_button.setIcon(desk.look.icon("close", "muted"))
        self.close_button.setIconSize(QSize(12, 12))
        self.close_button.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # Del does it
        said = desk.texts("comparison.remove", name=name)
        self.close_button.setToolTip(said)
        self.close_button.setAccessibleName(said)
        self.close_button.clicked.connect(self.removed)
        line = QHBoxLayout(self)
        line.setContentsMargins(GAP, 1, 1, 1)
        line.setSpacing(TIGHT)
        line.addWidget(self.place)
        line.addWidget(self.name, 1)
        line.addWidget(self.close_button)
        desk.look.changed.connect(self._tint)

    def put(self, place: int) -> None:
        texts, name = self._desk.texts, self.name.text()
        self.place.setText(str(place + 1))
        base = texts("comparison.chip_first") if place == 0 else ""
        self.setToolTip("\n".join(part for part in (f"{name} {self.code}", base, texts("comparison.chip_tip")) if part))
        self.setAccessibleName(texts("comparison.chip", place=place + 1, name=name, code=self.code))

    def _tint(self) -> None:
        self.close_button.setIcon(self._desk.look.icon("close", "muted"))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()), 0)
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.removed.emit()
        elif step and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.moved.emit(step)
        elif step:
            self.stepped.emit(step)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.opened.emit()
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        set_role(self, "card_focus")

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        set_role(self, "card")

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed = event.position().toPoint()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._pressed is not None:
            self.dragged.emit(self.mapToParent(event.position().toPoint()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._pressed = None
        self.dropped.emit()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self.menu().popup(event.globalPos())

    def menu(self) -> QMenu:
        texts = self._desk.texts
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction(texts("comparison.open"), self.opened.emit)
        menu.addSeparator()
        menu.addAction(texts("comparison.move_left"), lambda: self.moved.emit(-1))
        menu.addAction(texts("comparison.move_right"), lambda: self.moved.emit(1))
        menu.addAction(texts("comparison.remove", name=self.name.text()), self.removed.emit)
        return menu


class Chooser(QWidget):
    """`changed` says that other institutions, or the same in another order, are chosen."""

    changed = Signal()
    opened = Signal(str)  # an institution's own page

    def __init__(self, desk: Desk, over: QWidget) -> None:
        """over: what the list of found institutions lies over."""
        super().__init__()
        self._desk, self._texts = desk, desk.texts
        self._names: dict[str, str] = {}
        self.chips: list[Chip] = []
        self._told: tuple[str, ...] = ()  # what was last said to be chosen
        self.field = SearchField(desk, over, several=True)
        self.field.setPlaceholderText(desk.texts("comparison.find"))
        self.field.setToolTip(desk.texts("comparison.find_tip"))
        self.field.setAccessibleName(desk.texts("comparison.find"))
        self.field.setMinimumWidth(200)
        self.field.setMaximumWidth(FIELD)
        self.field.settled.connect(self._settled)
        self._line = QHBoxLayout(self)
        self._line.setContentsMargins(0, 0, 0, 0)
        self._line.setSpacing(TIGHT)
        self._line.addWidget(self.field, 3)
        self._rest = QWidget()  # takes what is left
        self._rest.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._line.addWidget(self._rest, 1)
        self.setFocusProxy(self.field)

    @property
    def codes(self) -> tuple[str, ...]:
        return tuple(chip.code for chip in self.chips)

    def name(self, code: str) -> str:
        return self._names.get(code, code)

    def put(self, names: Mapping[str, str]) -> None:
        """What can be chosen. A chosen one that is there no more goes."""
        if names != self._names:
            self._names = dict(names)
            self._show([code for code in self.codes if code in names])

    def choose(self, codes: Sequence[str]) -> None:
        """Exactly these, in this order; unknown ones, repeated ones and those beyond six are left out."""
        self._show([code for code in dict.fromkeys(codes) if code in self._names][:MOST])
        self._tell()

    def add(self, *codes: str) -> None:
        self.choose((*self.codes, *codes))

    def remove(self, code: str) -> None:
        at = self.codes.index(code)
        self.choose([one for one in self.codes if one != code])
        beside: QWidget = self.chips[min(at, len(self.chips) - 1)] if self.chips else self.field
        beside.setFocus()

    def move(self, code: str, by: int) -> None:
        codes = list(self.codes)
        at = codes.index(code)
        to = min(max(0, at + by), len(codes) - 1)
        if to != at:
            codes.insert(to, codes.pop(at))
            self.choose(codes)
            self.chips[to].setFocus()

    # Showing.

    def _show(self, codes: Sequence[str]) -> None:
        """A chip for each; one that stays is the same widget."""
        known = {chip.code: chip for chip in self.chips}
        for chip in self.chips:
            self._line.removeWidget(chip)
            if chip.code not in codes or chip.name.text() != self.name(chip.code):
                known.pop(chip.code)
                chip.hide()
                chip.deleteLater()
        self.chips = [known.get(code) or self._chip(code) for code in codes]
        for place, chip in enumerate(self.chips):
            chip.put(place)
            self._line.insertWidget(place, chip, 0)
            chip.show()
        for one, after in pairwise((*self.chips, self.field)):
            QWidget.setTabOrder(one, after)
        full = len(self.chips) >= MOST
        if full and self.field.hasFocus():
            self.chips[-1].setFocus()
        self.field.setVisible(not full)
        left = [Entry("institution", code, name) for code, name in self._names.items() if code not in codes]
        self.field.put(Index(left), self._names)

    def _chip(self, code: str) -> Chip:
        chip = Chip(self._desk, code, self.name(code))
        chip.removed.connect(lambda: self.remove(code))
        chip.moved.connect(lambda by: self.move(code, by))
        chip.stepped.connect(lambda by: self._step(code, by))
        chip.opened.connect(lambda: self.opened.emit(code))
        chip.dragged.connect(lambda at: self._drag(code, at))
        chip.dropped.connect(self._tell)
        return chip

    def _step(self, code: str, by: int) -> None:
        at = self.codes.index(code) + by
        if 0 <= at < len(self.chips):
            self.chips[at].setFocus()
        elif at >= 0:
            self.field.setFocus()

    def _drag(self, code: str, at: QPoint) -> None:
        """The chip goes where the pointer is; only letting go says so."""
        codes = [one for one in self.codes if one != code]
        others = [chip for chip in self.chips if chip.code != code]
        to = sum(at.x() > chip.geometry().center().x() for chip in others)
        codes.insert(to, code)
        if tuple(codes) != self.codes:
            self._show(codes)

    def _tell(self) -> None:
        if self.codes != self._told:
            self._told = self.codes
            self.changed.emit()

    # Typing.

    def _settled(self) -> None:
        """Known codes become chips; the rest stays to be corrected, and is named."""
        typed = self.field.codes()
        known = [code for code in typed if code in self._names]
        if known:
            over = len(self.codes) + len([code for code in known if code not in self.codes]) > MOST
            self.field.clear()
            self.add(*known)
            if over:
                self._desk.say(self._texts("comparison.full", most=MOST))
        elif typed and self.field.hasFocus():
            self._desk.say(self._texts("comparison.not_found", text=self.field.text().strip()))
