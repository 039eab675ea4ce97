"""What stands around every page: the rail of pages, the top line with the choices that hold for all, the status line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from PySide6.QtCore import QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QIcon, QPainter, QResizeEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from ui.actions import Actions
from ui.desk import FUNDS, Desk
from ui.dialogs import far, show_far
from ui.jobs import Job
from ui.look import EDGE, GAP, ICON, TIGHT

WIDE, NARROW = 168, 46
ITEM = 32  # height of a page in the rail
SHORT_BELOW = 1060  # window width under which the top line leaves out what its tips also say
SET, SHORT_SET = 190, 120
NARROW_BELOW = 1120  # window width under which the rail shows icons only
SAID_MS = 8000  # how long a line of news stays


TIP = Qt.ItemDataRole.UserRole  # what a page of the rail says of itself, without what it says of its state


class Rail(QListWidget):
    """The pages to the left, icons and words, or icons only. `chosen` carries a page's key."""

    chosen = Signal(str)

    def __init__(self, desk: Desk, keys: Sequence[str], shortcuts: Sequence[str]) -> None:
        super().__init__()
        self._desk, self._keys = desk, tuple(keys)
        self.setObjectName("rail")
        self.setAccessibleName(desk.texts("ui.pages"))
        self.setIconSize(QSize(ICON, ICON))
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.setUniformItemSizes(True)
        for key, shortcut in zip(self._keys, shortcuts, strict=True):
            title = desk.texts(f"pages.{key}.title")
            item = QListWidgetItem(title)
            item.setData(TIP, f"{title} ({shortcut})\n{desk.texts(f'pages.{key}.job')}")
            item.setSizeHint(QSize(NARROW, ITEM))
            self.addItem(item)
        self._drafts: frozenset[str] = frozenset()
        self._tint()
        desk.look.changed.connect(self._tint)
        self.currentRowChanged.connect(lambda row: self.chosen.emit(self._keys[row]))
        self._narrow = False
        self.narrow(False)

    def _tint(self) -> None:
        draft = self._desk.texts("ui.holds_draft")
        for row, key in enumerate(self._keys):
            item, icon, held = self.item(row), self._desk.look.icon(key), key in self._drafts
            item.setIcon(_dotted(icon, self._desk.look.colours.warn, self.devicePixelRatioF()) if held else icon)
            item.setToolTip(f"{item.data(TIP)}\n{draft}" if held else item.data(TIP))
            title = self._desk.texts(f"pages.{key}.title")
            item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{title}, {draft}" if held else title)

    def hold(self, keys: Iterable[str]) -> None:
        """Mark the pages that hold something entered and not saved."""
        if (drafts := frozenset(keys)) != self._drafts:
            self._drafts = drafts
            self._tint()

    def narrow(self, on: bool) -> None:
        """Icons only."""
        self._narrow = on
        self.setFixedWidth(NARROW if on else WIDE)
        for row, key in enumerate(self._keys):
            self.item(row).setText("" if on else self._desk.texts(f"pages.{key}.title"))

    def is_narrow(self) -> bool:
        return self._narrow

    def mark(self, key: str) -> None:
        """Show which page is open, without choosing it."""
        before = self.blockSignals(True)
        self.setCurrentRow(self._keys.index(key))
        self.blockSignals(before)


def _dotted(icon: QIcon, colour: str, ratio: float) -> QIcon:
    """With a dot in the corner."""
    picture = icon.pixmap(QSize(ICON, ICON), ratio)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colour))
    painter.drawEllipse(QRectF(ICON - 7, 0, 7, 7))
    painter.end()
    return QIcon(picture)


class TopLine(QFrame):
    """Workspace, badges, year, fund, coefficient set, yuan or 万元, and the way to the finder."""

    def __init__(self, desk: Desk, actions: Actions) -> None:
        super().__init__()
        self._desk = desk
        texts = desk.texts
        self.setObjectName("topline")
        self.setFixedHeight(42)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(EDGE, TIGHT, GAP, TIGHT)
        layout.setSpacing(GAP)
        self.name = QLabel()
        self.name.setProperty("role", "heading")
        self.name.setMinimumWidth(80)  # a long name gives way, down to this
        layout.addWidget(self.name)
        self.synthetic = self._badge("synthetic", texts("ui.synthetic"), texts("ui.synthetic_tip"))
        self.read_only = self._badge("read_only", texts("ui.read_only"), "")
        layout.addWidget(self.synthetic)
        layout.addWidget(self.read_only)
        self.anew = QPushButton(texts("ui.outdated"))
        self.anew.setToolTip(texts("ui.outdated_tip"))
        self.anew.setVisible(desk.watch.outdated)
        self.anew.clicked.connect(desk.read_again)
        desk.watch.told.connect(self.anew.setVisible)
        layout.addWidget(self.anew)
        layout.addStretch(1)

        self._captions: list[QLabel] = []
        self.year = self._choice("year", 84, layout)
        self.year.activated.connect(lambda row: desk.choose(year=self.year.itemData(row)))
        self.funds = QButtonGroup(self)
        self.funds.setExclusive(True)
        box = QHBoxLayout()
        box.setSpacing(0)
        for number, fund in enumerate(FUNDS):
            button = QPushButton(texts(f"fund.{fund}"))
            button.setCheckable(True)
            button.setToolTip(texts("ui.fund_tip"))
            self.funds.addButton(button, number)
            box.addWidget(button)
        self.funds.idClicked.connect(lambda number: desk.choose(fund=FUNDS[number]))
        layout.addLayout(box)
        self.sets = self._choice("set", SET, layout)
        self.sets.activated.connect(lambda row: desk.choose(set_name=self.sets.itemData(row)))
        self.wan = QToolButton()
        self.wan.setDefaultAction(actions["amounts.wan"])
        self.wan.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        layout.addWidget(self.wan)
        self.find = QToolButton()
        self.find.setDefaultAction(actions["finder.open"])
        self.find.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.find.setText(texts("ui.find_button"))
        layout.addWidget(self.find)

    def _badge(self, kind: str, text: str, tip: str) -> QLabel:
        badge = QLabel(text)
        badge.setProperty("badge", kind)
        badge.setToolTip(tip)
        badge.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        return badge

    def _choice(self, what: str, width: int, layout: QHBoxLayout) -> QComboBox:
        label = QLabel(self._desk.texts(f"ui.{what}"))
        label.setProperty("role", "muted")
        box = QComboBox()
        box.setFixedWidth(width)
        box.setToolTip(self._desk.texts(f"ui.{what}_tip"))
        box.setAccessibleName(self._desk.texts(f"ui.{what}"))
        label.setBuddy(box)
        self._captions.append(label)
        layout.addWidget(label)
        layout.addWidget(box)
        return box

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        short = self.width() < SHORT_BELOW
        self.sets.setFixedWidth(SHORT_SET if short else SET)
        for caption in self._captions:
            caption.setVisible(not short)

    def refresh(self) -> None:
        """Show what the desk holds now."""
        desk, texts = self._desk, self._desk.texts
        workspace, contents = desk.workspace, desk.contents
        if workspace is not None:
            self.name.setText(workspace.name or workspace.path.stem)
            self.name.setToolTip(f"{workspace.path}\n{texts('ui.region')} {workspace.region}")
        else:
            self.name.setText(
                texts("ui.opening", name=desk.opening.name) if desk.opening else texts("ui.none_open")
            )
            self.name.setToolTip("")
        self.synthetic.setVisible(workspace is not None and workspace.synthetic)
        self.read_only.setVisible(workspace is not None and workspace.read_only)
        if workspace is not None and workspace.read_only:
            why = texts(f"ui.read_only_why.{workspace.read_only_why}")
            self.read_only.setToolTip(texts("ui.read_only_tip", why=why))
        self.year.clear()
        for year in reversed(contents.years if contents else ()):
            self.year.addItem(texts("ui.year_of", year=year), year)
        self.year.setCurrentIndex(self.year.findData(desk.year))
        self.year.setEnabled(self.year.count() > 0)
        self.funds.button(FUNDS.index(desk.fund)).setChecked(True)
        self.sets.clear()
        if contents is not None:
            self.sets.addItem(texts("ui.set_auto" if contents.published else "ui.set_auto_draft"), "")
            for name in contents.sets:
                state = texts("state.published" if name in contents.published else "state.draft")
                self.sets.addItem(texts("ui.set_named", name=name, state=state), name)
            self.sets.setCurrentIndex(self.sets.findData(desk.set_name))
        self.sets.setEnabled(contents is not None)
        for button in self.funds.buttons():
            button.setEnabled(contents is not None)


class StatusLine(QFrame):
    """News to the left; to the right the work under way that has a name, with how far it is and a way to stop it."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self._job: Job | None = None
        self._said = ""
        self.setObjectName("statusline")
        self.setFixedHeight(26)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(EDGE, 0, GAP, 0)
        layout.setSpacing(GAP)
        self.news = QLabel()
        self.news.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        layout.addWidget(self.news, 1)
        self.stage = QLabel()
        self.bar = QProgressBar()
        self.bar.setFixedWidth(140)
        self.bar.setTextVisible(False)
        self.stop = QToolButton()
        self.stop.setIcon(desk.look.icon("close", "muted"))
        self.stop.setToolTip(desk.texts("ui.cancel"))
        self.stop.setAccessibleName(desk.texts("ui.cancel"))
        self.stop.clicked.connect(self._cancel)
        self._under_way: tuple[QWidget, ...] = (self.stage, self.bar, self.stop)
        for widget in self._under_way:
            layout.addWidget(widget)
            widget.hide()
        self._fade = QTimer(self)
        self._fade.setSingleShot(True)
        self._fade.setInterval(SAID_MS)
        self._fade.timeout.connect(lambda: self.say(""))
        jobs = desk.jobs
        jobs.started.connect(self._look)
        jobs.progressed.connect(self._look)
        jobs.ended.connect(self._look)
        desk.said.connect(self.say)

    def hint(self, text: str) -> None:
        """What the menu entry under the pointer does; news stands again afterwards."""
        self.news.setText(text or self._said)

    def say(self, text: str) -> None:
        self._said = text
        self.news.setText(text)
        if text:
            self._fade.start()

    def _look(self, _job: Job) -> None:
        named = [job for job in self._desk.jobs.live() if job.title and not job.cancelled]
        self._job = named[0] if named else None
        for widget in self._under_way:
            widget.setVisible(self._job is not None)
        if self._job is not None:
            self.stage.setText(f"{self._job.title}  {far(self._desk.texts, self._job)}")
            show_far(self.bar, self._job)

    def _cancel(self) -> None:
        if self._job is not None:
            self._job.cancel()
            self._look(self._job)
