"""A strip across a page: what is being computed, how far, and a way to stop; or what went wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QProgressBar, QPushButton

from core.faults import Cancelled
from ui.desk import Changes, Desk, DeskWork
from ui.dialogs import TextDialog, detail, far, outlived, show_far, words
from ui.jobs import Job
from ui.look import GAP, TIGHT, set_role

PATIENCE_MS = 300  # a short question must not flash


class Asking(QFrame):
    """A strip across the page: what is being computed, how far, and a way to stop; or what went wrong, until the next
    question. Otherwise it takes no room. The newest question wins.
    """

    over = Signal()  # the question ended, whatever came of it

    def __init__(self, desk: Desk, place: str) -> None:
        super().__init__()
        self._desk, self._place = desk, place
        self._job: Job | None = None
        self._details = ""
        self._wrong: Exception | None = None
        set_role(self, "notice")
        self.said = QLabel(wordWrap=True)
        self.said.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.bar = QProgressBar()
        self.bar.setFixedWidth(220)
        self.bar.setTextVisible(False)
        self.stop = QPushButton(desk.texts("ui.cancel"))
        self.stop.clicked.connect(self.cancel)
        self.more = QPushButton(desk.texts("ui.details"))
        self.more.clicked.connect(self._tell)
        line = QHBoxLayout(self)
        line.setContentsMargins(GAP, TIGHT, GAP, TIGHT)
        line.setSpacing(GAP)
        line.addWidget(self.said, 1)
        for widget in (self.bar, self.stop, self.more):
            line.addWidget(widget)
        self._patience = QTimer(self, singleShot=True, interval=PATIENCE_MS)
        self._patience.timeout.connect(self._show)
        desk.jobs.progressed.connect(self._progressed)
        desk.changed.connect(self._changed)
        self.hide()

    @property
    def busy(self) -> bool:
        return self._job is not None

    def ask(self, work: DeskWork, answer: Callable[[Any], None], title: str) -> None:
        """`Desk.ask` from this strip's place."""

        def have(value: Any) -> None:
            self._end()
            answer(value)
            self.over.emit()

        self._end()
        self._job = self._desk.ask(work, have, place=self._place, failed=self._failed, title=title)
        self._patience.start()

    def cancel(self) -> None:
        if self._job is not None:
            self._job.cancel()
            self.stop.setEnabled(False)

    def drop(self) -> None:
        """Nobody waits for the answer any more."""
        self._desk.jobs.drop(self._place)
        self._end()

    def wrong(self, error: Exception) -> None:
        """Say what went wrong, here."""
        said, details = words(self._desk.texts, error), detail(self._desk.texts, error)
        if details and "\n" not in details:  # one reason needs no list
            said, details = details, ""
        self.tell(said, details)
        self._wrong = error

    def tell(self, said: str, details: str = "") -> None:
        """Say this, until the next question; the details behind a button."""
        set_role(self.said, "bad")
        self._wrong = None
        self.said.setText(said)
        self._details = details
        for widget in (self.bar, self.stop):
            widget.hide()
        self.more.setVisible(bool(self._details))
        self.show()

    def _changed(self, changes: Changes) -> None:
        if self._job is None and outlived(self._wrong, changes):
            self._wrong = None
            self.hide()

    def _failed(self, error: Exception) -> None:
        self._end()
        if isinstance(error, Cancelled):
            self._desk.say(self._desk.texts("ui.cancelled"))
        else:
            self.wrong(error)
        self.over.emit()

    def _end(self) -> None:
        self._job = None
        self._patience.stop()
        self.hide()

    def _show(self) -> None:
        if self._job is None:
            return
        set_role(self.said, "")
        self.more.hide()
        self.stop.setEnabled(True)
        for widget in (self.bar, self.stop):
            widget.show()
        self._progressed(self._job)
        self.show()

    def _progressed(self, job: Job) -> None:
        if job is self._job and not self._patience.isActive():
            self.said.setText(f"{job.title}  {far(self._desk.texts, job)}".strip())
            show_far(self.bar, job)

    def _tell(self) -> None:
        TextDialog(
            self._desk, self._desk.texts("ui.details"), self.said.text(), self._details, self.window()
        ).open()

    def sizeHint(self) -> QSize:
        return QSize(200, super().sizeHint().height())
