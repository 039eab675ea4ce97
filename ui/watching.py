"""Watches a workspace that another program writes: says when the file is not any more what the pages were read from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

if TYPE_CHECKING:
    from ui.desk import Changes, Desk

LOOK_MS = 3_000


class Watch(QObject):
    """outdated: whether the file has changed since the pages were told to read. A look costs one row, the newest of the
    ledger, and is taken only while another program has the workspace.
    """

    told = Signal(bool)  # outdated is another

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._desk = desk
        self.outdated = False
        self._seen = ""
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_MS)
        self._timer.timeout.connect(self.look)
        desk.changed.connect(self._heard)

    def look(self) -> None:
        now = self._generation()
        if now != self._seen:
            self._say(True)

    def _heard(self, changes: Changes) -> None:
        workspace = self._desk.workspace
        if workspace is None or workspace.read_only_why != "locked":
            self._timer.stop()
            self._say(False)
        elif changes.workspace or changes.tables:  # the pages read again from here on
            self._seen = self._generation()
            self._timer.start()
            self._say(False)

    def _generation(self) -> str:
        workspace = self._desk.workspace
        return workspace.generation_after(self._seen) if workspace is not None else self._seen

    def _say(self, outdated: bool) -> None:
        if outdated != self.outdated:
            self.outdated = outdated
            self.told.emit(outdated)
