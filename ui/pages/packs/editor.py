"""A pack's TOML as text, checked as one types; what is wrong stands beside it and leads to its place."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QRect, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QFontDatabase, QPainter, QPaintEvent, QResizeEvent, QTextCursor
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPlainTextEdit,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from ui.asking import Asking
from ui.desk import Desk
from ui.dialogs import ReasonDialog
from ui.look import GAP, TIGHT, set_role
from ui.splits import side_by_side

if TYPE_CHECKING:
    from core.findings import Finding
    from ui.pages.packs.told import Told

PAUSE = 400  # ms without a key before it is checked
PLACE = Qt.ItemDataRole.UserRole


class TomlEdit(QPlainTextEdit):
    """Plain text with its line numbers; `wrong`: lines that are marked."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self.wrong: frozenset[int] = frozenset()
        font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        font.setPointSizeF(self.font().pointSizeF())
        self.setFont(font)
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.setTabChangesFocus(True)  # TOML needs no tabs, and the keyboard must get out
        self.margin = _Margin(self)
        self.blockCountChanged.connect(lambda _: self._room())
        self.updateRequest.connect(self._scrolled)
        self._room()

    def go(self, line: int, column: int) -> None:
        block = self.document().findBlockByNumber(max(0, line - 1))
        if block.isValid():
            cursor = QTextCursor(block)
            right = QTextCursor.MoveOperation.Right
            cursor.movePosition(right, n=min(max(0, column - 1), max(0, block.length() - 1)))
            self.setTextCursor(cursor)
            self.centerCursor()
            self.setFocus()

    def width_of_numbers(self) -> int:
        return TIGHT * 3 + self.fontMetrics().horizontalAdvance("9") * max(3, len(str(self.blockCount())))

    def paint_numbers(self, event: QPaintEvent) -> None:
        colours = self._desk.look.colours
        painter = QPainter(self.margin)
        painter.fillRect(event.rect(), QColor(colours.raised))
        painter.setFont(self.font())
        block = self.firstVisibleBlock()
        top = self.blockBoundingGeometry(block).translated(self.contentOffset()).top()
        while block.isValid() and top <= event.rect().bottom():
            height = self.blockBoundingRect(block).height()
            bad = block.blockNumber() + 1 in self.wrong
            painter.setPen(QColor(colours.bad if bad else colours.muted))
            painter.drawText(
                0, int(top), self.margin.width() - TIGHT, int(height), int(Qt.AlignmentFlag.AlignRight),
                f"{'▶ ' if bad else ''}{block.blockNumber() + 1}",
            )  # fmt: skip
            top += height
            block = block.next()
        painter.end()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        inside = self.contentsRect()
        self.margin.setGeometry(QRect(inside.left(), inside.top(), self.width_of_numbers(), inside.height()))

    def _room(self) -> None:
        self.setViewportMargins(self.width_of_numbers(), 0, 0, 0)

    def _scrolled(self, rect: QRect, moved: int) -> None:
        if moved:
            self.margin.scroll(0, moved)
        else:
            self.margin.update(0, rect.y(), self.margin.width(), rect.height())


class _Margin(QWidget):
    def __init__(self, edit: TomlEdit) -> None:
        super().__init__(edit)
        self._edit = edit

    def sizeHint(self) -> QSize:
        return QSize(self._edit.width_of_numbers(), 0)

    def paintEvent(self, event: QPaintEvent) -> None:
        self._edit.paint_numbers(event)


class PackEditor(QWidget):
    """Edits one pack of the workspace. `closed` carries its id once it was kept, "" where nothing was."""

    closed = Signal(str)
    of_choices = False

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk, self.texts = desk, desk.texts
        self.id, self._seen = "", ""
        self._fresh = False  # whether the checker has seen what stands here
        texts = desk.texts
        self.title = QLabel()
        set_role(self.title, "title")
        self.title.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
        self.state = QLabel()
        set_role(self.state, "muted")
        self.keep = QPushButton(texts("packs.own.keep"))
        self.keep.setProperty("primary", True)
        self.keep.clicked.connect(lambda: self.save())
        self.leave = QPushButton(texts("packs.own.leave"))
        self.leave.clicked.connect(lambda: desk.leaving(lambda: self.closed.emit(""), holders=(self,)))
        self.edit = TomlEdit(desk)
        self.edit.setAccessibleName(texts("packs.own.text"))
        self.edit.textChanged.connect(self._typed)
        self.places = QListWidget()
        self.places.setWordWrap(True)
        self.places.setAccessibleName(texts("packs.own.places"))
        self.places.itemActivated.connect(self._go)
        self.places.itemClicked.connect(self._go)
        self.asking = Asking(desk, "packs.keep")
        head = QHBoxLayout()
        head.setSpacing(GAP)
        head.addWidget(self.title)
        head.addWidget(self.state, 1)
        head.addWidget(self.leave)
        head.addWidget(self.keep)
        split = side_by_side(self.edit, self.places, sizes=(620, 260), stretch=(1, 0))
        box = QVBoxLayout(self)
        box.setContentsMargins(GAP, 0, 0, 0)
        box.setSpacing(TIGHT)
        box.addLayout(head)
        box.addWidget(self.asking)
        box.addWidget(split, 1)
        self._pause = QTimer(self, singleShot=True, interval=PAUSE)
        self._pause.timeout.connect(self.check)
        desk.guard(self)
        desk.look.changed.connect(lambda: self.check() if self.id else None)  # in the colours of now

    def start(self, one: Told) -> None:
        self.id, self._seen = one.id, one.text
        self.title.setText(one.title[self.texts.lang])
        self.places.clear()
        self.edit.setPlainText(one.text)
        self.edit.document().setModified(False)
        self.edit.setFocus()
        self.check()

    @property
    def changed(self) -> bool:
        return bool(self.id) and self.edit.toPlainText() != self._seen

    def check(self) -> None:
        self._pause.stop()
        id, text = self.id, self.edit.toPlainText()

        def work(workspace: Any, _: Any) -> list[Finding]:
            from core.settlement import own_packs

            return own_packs.check(workspace, id, text)

        self.desk.ask(work, lambda found: self._have(text, found), place="packs.check", title=self.texts("packs.own.checking"))

    def unsaved(self) -> str:
        return self.texts("packs.own.unsaved", pack=self.title.text()) if self.changed else ""

    def can_save(self) -> bool:
        return self._fresh and self.keep.isEnabled()

    def save_then(self, then: Callable[[], None]) -> None:
        self.save(then)

    def discard(self) -> None:
        self.id = ""
        self._pause.stop()

    def save(self, then: Callable[[], None] | None = None) -> None:
        if not self.keep.isEnabled():
            return
        id, text, seen, texts = self.id, self.edit.toPlainText(), self._seen, self.texts
        dialog = ReasonDialog(
            self.desk, texts("packs.own.keep_title"), texts("packs.own.keep_about", pack=id), texts("packs.own.keep"),
            self.window(),
        )  # fmt: skip

        def accepted() -> None:
            why = dialog.reason

            def work(workspace: Any, _: Any) -> None:
                from core.settlement import own_packs

                own_packs.keep(workspace, id, text, why, seen=seen)

            def done(_: object) -> None:
                self._seen = text
                self.desk.say(texts("packs.own.kept", pack=id))
                self.closed.emit(id)
                if then is not None:
                    then()

            self.desk.change(work, done, failed=self.asking.wrong, title=texts("packs.own.keeping"), tables=("rule_pack",))

        dialog.accepted.connect(accepted)
        dialog.open()

    def _typed(self) -> None:
        self._fresh = False
        self.keep.setEnabled(False)
        self._pause.start()

    def _have(self, text: str, found: list[Finding]) -> None:
        if text != self.edit.toPlainText():
            return
        texts = self.texts
        blocking = [one for one in found if one.severity == "blocked"]
        own = f"{self.id}.toml"
        self.places.clear()
        for one in found:
            where = texts("packs.own.place", line=one.row or 1, column=one.column or "1")
            file = "" if one.file == own else f"{one.file} "
            item = QListWidgetItem(f"{file}{where}\n{texts.finding(one)}")
            item.setData(PLACE, (one.row or 1, int(one.column) if one.column.isdecimal() else 1) if one.file == own else None)
            item.setForeground(QColor(getattr(self.desk.look.colours, "bad" if one.severity == "blocked" else "warn")))
            self.places.addItem(item)
        if not found:
            item = QListWidgetItem(texts("packs.own.sound"))
            item.setForeground(QColor(self.desk.look.colours.good))
            self.places.addItem(item)
        self.edit.wrong = frozenset(one.row or 1 for one in blocking if one.file == own)
        self.edit.margin.update()
        self._fresh = True
        self.state.setText(texts("packs.own.wrong", count=len(blocking)) if blocking else texts("packs.own.no_wrong"))
        read_only = bool(getattr(self.desk.workspace, "read_only", False))
        self.keep.setEnabled(self.changed and not blocking and not read_only)

    def _go(self, item: QListWidgetItem) -> None:
        place = item.data(PLACE)
        if place is not None:
            self.edit.go(*place)
