"""The start page: recent workspaces and their state, new, open, demonstration."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from core.faults import Fault
from ui.desk import Changes, Desk
from ui.dialogs import words
from ui.jobs import Job
from ui.look import EDGE, GAP, TIGHT, count, set_role

# Faults of a look into a workspace that have a sentence of their own on its card.
STATES = ("missing", "newer_layout", "older_layout", "damaged", "locked_by_passphrase")
OPENS = ("older_layout", "unfinished", "locked_by_passphrase")


@dataclass(frozen=True, slots=True)
class Card:
    """What is known of a workspace without taking it in hand. state: "" where all is well, else a word of STATES."""

    path: str
    name: str
    region: str = ""
    size: int = 0
    modified: float = 0.0
    synthetic: bool = False
    state: str = ""
    fault: Fault | None = None  # why it does not open
    locked: bool = False  # with a passphrase
    backups: int = 0


def look_into(path: str) -> Card:
    """Read a workspace's name and state, without lock and without changing it."""
    from core.storage.contents import glance

    place = Path(path)
    try:
        stat = place.stat()
    except OSError:
        return Card(path, place.stem, state="missing")
    try:
        seen = glance(place)
    except Fault as fault:
        state = fault.code if fault.code in STATES else "other"
        return Card(
            path, place.stem, size=stat.st_size, modified=stat.st_mtime, state=state, fault=fault,
            locked=state == "locked_by_passphrase",
        )  # fmt: skip
    return Card(
        path,
        seen.name,
        seen.region,
        stat.st_size,
        stat.st_mtime,
        seen.synthetic,
        "unfinished" if seen.unfinished else "",
    )


def bytes_of(size: int) -> str:
    """1,234 KB below ten megabytes, 12 MB above."""
    return f"{count(size // 1_000_000)} MB" if size >= 10_000_000 else f"{count((size + 999) // 1000)} KB"


class CardRow(QFrame):
    """One recent workspace: a button to the keyboard, a card to the eye."""

    chosen = Signal(str)
    forgotten = Signal(str)
    backups_wanted = Signal(str)

    def __init__(self, desk: Desk, card: Card) -> None:
        super().__init__()
        self.card = card
        texts = desk.texts
        self.setProperty("role", "card")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        row = QHBoxLayout(self)
        row.setContentsMargins(GAP + TIGHT, GAP, GAP, GAP)
        row.setSpacing(GAP)
        lines = QVBoxLayout()
        lines.setSpacing(2)
        first = QHBoxLayout()
        first.setSpacing(GAP)
        name = QLabel(card.name)
        set_role(name, "heading")
        name.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        if card.locked:
            lock = QLabel()
            lock.setPixmap(desk.look.icon("lock", "muted").pixmap(16, 16))
            lock.setToolTip(texts("start.locked"))
            first.addWidget(lock)
        first.addWidget(name, 1)
        if card.synthetic:
            badge = QLabel(texts("ui.synthetic"))
            badge.setProperty("badge", "synthetic")
            first.addWidget(badge)
        lines.addLayout(first)
        place = QLabel(card.path)
        place.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        place.setToolTip(card.path)
        set_role(place, "muted")
        lines.addWidget(place)
        facts: list[str] = []
        if card.modified:
            when = datetime.datetime.fromtimestamp(card.modified).strftime("%Y-%m-%d %H:%M")
            region = texts("start.region_of", region=card.region) if card.region else texts("start.no_region")
            facts = [bytes_of(card.size), texts("start.modified", when=when)]
            if not card.locked:
                facts.insert(0, region)
        if facts:
            line = QLabel("   ".join(facts))
            set_role(line, "muted")
            lines.addWidget(line)
        if card.state:
            said = texts(f"start.state.{card.state}", reason=words(texts, card.fault) if card.fault else "")
            state = QLabel(said)
            state.setWordWrap(True)
            good = card.state in ("open_now",)
            set_role(state, "good" if good else "muted" if card.locked else "warn" if card.state in OPENS else "bad")
            lines.addWidget(state)
        row.addLayout(lines, 1)
        if card.backups:
            self.backups = QToolButton()
            self.backups.setText(texts("start.backups", count=card.backups))
            self.backups.setToolTip(texts("start.backups_tip"))
            self.backups.clicked.connect(lambda: self.backups_wanted.emit(card.path))
            row.addWidget(self.backups, 0, Qt.AlignmentFlag.AlignTop)
        forget = QToolButton()
        forget.setIcon(desk.look.icon("close", "muted"))
        forget.setToolTip(texts("start.forget"))
        forget.setAccessibleName(texts("start.forget"))
        forget.clicked.connect(lambda: self.forgotten.emit(card.path))
        row.addWidget(forget, 0, Qt.AlignmentFlag.AlignTop)
        self.setAccessibleName(f"{card.name} {card.path}")

    def _choose(self) -> None:
        self.chosen.emit(self.card.path)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self._choose()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self._choose()
        elif event.key() == Qt.Key.Key_Delete:
            self.forgotten.emit(self.card.path)
        elif event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Up):
            self.focusNextPrevChild(event.key() == Qt.Key.Key_Down)
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        _restyle(self, "card_focus")

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        _restyle(self, "card")


def _restyle(frame: QFrame, role: str) -> None:
    set_role(frame, role)


class Way(QPushButton):
    """One of the three ways in: an icon, a name, what it is."""

    def __init__(self, desk: Desk, which: str) -> None:
        super().__init__(desk.texts(f"start.button.{which}"))
        self._desk, self._which = desk, which
        self.setObjectName(f"start.{which}")
        self.setToolTip(desk.texts(f"start.button.{which}_tip"))
        self.setIconSize(QSize(24, 24))
        self.setProperty("way", True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._tint()
        desk.look.changed.connect(self._tint)

    def _tint(self) -> None:
        self.setIcon(self._desk.look.icon(self._which, "accent"))


class StartPage(QWidget):
    key = "start"

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        texts = desk.texts
        outer = QHBoxLayout(self)
        outer.setContentsMargins(EDGE, EDGE, EDGE, EDGE)
        column = QWidget()
        column.setMaximumWidth(760)
        self.column = QVBoxLayout(column)
        self.column.setContentsMargins(0, EDGE, 0, 0)
        self.column.setSpacing(GAP)
        outer.addStretch(1)
        outer.addWidget(column, 6)
        outer.addStretch(1)
        title = QLabel(texts("ui.title"))
        set_role(title, "title")
        lead = QLabel(texts("start.lead"))
        set_role(lead, "muted")
        self.column.addWidget(title)
        self.column.addWidget(lead)
        self.column.addSpacing(GAP)
        ways = QHBoxLayout()
        ways.setSpacing(GAP)
        self.ways = {which: Way(desk, which) for which in ("new", "open", "demo")}
        for which, way in self.ways.items():
            way.clicked.connect(lambda _checked=False, which=which: desk.act(f"workspace.{which}"))
            ways.addWidget(way)
        self.column.addLayout(ways)
        self.column.addSpacing(EDGE)
        heading = QLabel(texts("start.recent"))
        set_role(heading, "heading")
        self.column.addWidget(heading)
        self.none = QLabel(texts("start.none_recent"))
        self.none.setWordWrap(True)
        set_role(self.none, "muted")
        self.column.addWidget(self.none)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        inner = QWidget()
        self.cards = QVBoxLayout(inner)
        self.cards.setContentsMargins(0, 0, 0, 0)
        self.cards.setSpacing(GAP)
        self.cards.addStretch(1)
        area.setWidget(inner)
        self.column.addWidget(area, 1)
        drop = QLabel(texts("start.drop"))
        set_role(drop, "muted")
        self.column.addWidget(drop)
        unprotected = QLabel(texts("protect.unprotected"))
        unprotected.setWordWrap(True)
        set_role(unprotected, "muted")
        self.column.addWidget(unprotected)
        self._shown: list[CardRow] = []
        self.setFocusProxy(self.ways["new"])

    def refresh(self, changes: Changes | None = None) -> None:
        if changes is not None and not (changes.workspace or changes.touches("ledger")):
            return
        recent = list(self.desk.settings.recent)
        self.none.setVisible(not recent)
        known = {row.card.path: row.card for row in self._shown}
        self._put([known.get(path, Card(path, Path(path).stem)) for path in recent])
        if recent:
            open_now = str(self.desk.workspace.path) if self.desk.workspace is not None else ""
            self.desk.ask(
                lambda workspace, job: _look_at(recent, open_now, job), self._put, place="start.recent"
            )

    def _put(self, cards: list[Card]) -> None:
        if cards == [row.card for row in self._shown]:
            return
        focused = next((row.card.path for row in self._shown if row.hasFocus()), "")
        for row in self._shown:
            self.cards.removeWidget(row)
            row.deleteLater()
        self._shown = []
        for at, card in enumerate(cards):
            row = CardRow(self.desk, card)
            row.chosen.connect(self._open)
            row.forgotten.connect(self._forget)
            row.backups_wanted.connect(self._backups)
            self.cards.insertWidget(at, row)
            self._shown.append(row)
            if card.path == focused:
                row.setFocus()

    def rows(self) -> list[CardRow]:
        return list(self._shown)

    def _open(self, path: str) -> None:
        if self.desk.workspace is not None and str(self.desk.workspace.path) == path:
            self.desk.go("data")
        else:
            self.desk.open(path)

    def _backups(self, path: str) -> None:
        from ui import restoring

        restoring.show(self.desk, Path(path), self)

    def _forget(self, path: str) -> None:
        self.desk.forget(path)
        self.refresh()

    def event(self, event: QEvent) -> bool:
        # Down from anywhere on the page leads into the list.
        if (
            isinstance(event, QKeyEvent)
            and event.type() == QEvent.Type.KeyPress
            and event.key() == Qt.Key.Key_Down
        ):
            self.focusNextPrevChild(True)
            return True
        return super().event(event)


def _look_at(paths: list[str], open_now: str, job: Job) -> list[Card]:
    from core.storage import backups

    cards: list[Card] = []
    for at, path in enumerate(paths):
        if job.cancelled:
            break
        job.report("looking", at, len(paths))
        card = look_into(path)
        if path == open_now:
            card = replace(card, state="open_now")
        cards.append(replace(card, backups=len(backups.listed(Path(path)))))
    return cards
