"""The data page: what is there, files in, batches, findings, the sender's control totals."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from ui.desk import Changes, Desk
from ui.dialogs import Empty
from ui.look import EDGE, GAP
from ui.tabs import FreshTabs

__all__ = ["DataPage"]

TABS = ("overview", "files", "batches", "findings", "control")


class DataPage(QWidget):
    """Five tabs over one workspace; each asks for its own data when it is shown and stale."""

    key = "data"
    shown_tab = Signal(str)

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        texts = desk.texts
        self.setAcceptDrops(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(EDGE, GAP, EDGE, GAP)
        layout.setSpacing(GAP)
        self.empty = Empty(desk, "data")
        self.empty.pressed.connect(lambda: desk.go("start"))
        layout.addWidget(self.empty)
        self.tabs = FreshTabs(texts("data.tabs"), {key: texts(f"data.tab.{key}") for key in TABS}, self._make)
        self.tabs.shown.connect(self.shown_tab)
        self.stack = self.tabs.stack
        layout.addWidget(self.tabs)
        layout.addWidget(self.stack, 1)
        self.setFocusProxy(self.tabs)

    # What the window calls

    def refresh(self, changes: Changes | None = None) -> None:
        workspace, texts = self.desk.workspace, self.desk.texts
        self.empty.setVisible(workspace is None)
        self.tabs.setVisible(workspace is not None)
        self.stack.setVisible(workspace is not None)
        if workspace is None:
            self.empty.say(
                texts("pages.data.title"),
                texts("pages.data.job"),
                texts("pages.no_workspace"),
                texts("pages.to_start"),
            )
            return
        self.tabs.refresh(changes)

    def handlers(self) -> dict[str, Callable[[], None]]:
        return {"data.import": self.choose_files}

    def show_target(self, target: object) -> None:
        """("files", paths) to import them; ("kind", KIND) to bring files of it; the key of a tab; or nothing."""
        if isinstance(target, tuple) and target[:1] == ("files",):
            self.add_files([Path(path) for path in target[1]])
        elif isinstance(target, tuple) and target[:1] == ("kind",):
            self.open_tab("files").ask_for(str(target[1]))
        elif target in TABS:
            self.open_tab(str(target))

    # Tabs

    def open_tab(self, key: str) -> Any:
        return self.tabs.open(key)

    def _make(self, key: str) -> QWidget:
        from ui.pages.data.arrived import BatchesPanel, ControlPanel, FindingsPanel
        from ui.pages.data.files import FilesPanel
        from ui.pages.data.overview import OverviewPanel

        made = {
            "overview": OverviewPanel,
            "files": FilesPanel,
            "batches": BatchesPanel,
            "findings": FindingsPanel,
            "control": ControlPanel,
        }[key](self.desk)
        if isinstance(made, OverviewPanel):
            made.wants_files.connect(self.choose_files)
        if isinstance(made, FilesPanel):
            made.wants_findings.connect(lambda: self.open_tab("findings"))
        return made

    # Files

    def choose_files(self) -> None:
        self.open_tab("files").choose()

    def add_files(self, paths: list[Path]) -> None:
        self.open_tab("files").add(paths)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if self.desk.workspace is not None and event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        if paths:
            event.acceptProposedAction()
            self.add_files(paths)
