"""The data page: what is there, files in, batches, findings, the sender's control totals."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QStackedWidget, QTabBar, QVBoxLayout, QWidget

from ui.desk import Changes, Desk
from ui.dialogs import Empty
from ui.look import EDGE, GAP

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
        self.tabs = QTabBar()
        self.tabs.setDrawBase(False)
        self.tabs.setExpanding(False)
        self.tabs.setAccessibleName(texts("data.tabs"))
        for key in TABS:
            self.tabs.addTab(texts(f"data.tab.{key}"))
        layout.addWidget(self.tabs)
        self.setFocusProxy(self.tabs)
        self.stack = QStackedWidget()
        layout.addWidget(self.stack, 1)
        self._made: dict[str, QWidget] = {}
        self._stale: set[str] = set()
        self.tabs.currentChanged.connect(self._show)

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
        if changes is None or changes.workspace or changes.tables:
            self._stale = set(TABS)
        elif changes.choices or changes.display:
            self._stale.add("overview")
        self._show(self.tabs.currentIndex())

    def handlers(self) -> dict[str, Callable[[], None]]:
        return {"data.import": self.choose_files}

    def show_target(self, target: object) -> None:
        """("files", paths) to import them; ("kind", KIND) to bring files of it; the key of a tab; or nothing."""
        if isinstance(target, tuple) and target[:1] == ("files",):
            self.add_files([Path(path) for path in target[1]])
        elif isinstance(target, tuple) and target[:1] == ("kind",):
            self.open_tab("files").ask_for(str(target[1]))  # type: ignore[attr-defined]
        elif target in TABS:
            self.open_tab(str(target))

    # Tabs

    def open_tab(self, key: str) -> QWidget:
        self.tabs.setCurrentIndex(TABS.index(key))
        self._show(TABS.index(key))
        return self._made[key]

    def _show(self, number: int) -> None:
        if self.desk.workspace is None:
            return
        key = TABS[number]
        if key not in self._made:
            self._made[key] = self._make(key)
            self.stack.addWidget(self._made[key])
            self._stale.add(key)
        panel = self._made[key]
        self.stack.setCurrentWidget(panel)
        if key in self._stale:
            self._stale.discard(key)
            panel.refresh()  # type: ignore[attr-defined]
        self.shown_tab.emit(key)

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
        self.open_tab("files").choose()  # type: ignore[attr-defined]

    def add_files(self, paths: list[Path]) -> None:
        self.open_tab("files").add(paths)  # type: ignore[attr-defined]

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if self.desk.workspace is not None and event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        if paths:
            event.acceptProposedAction()
            self.add_files(paths)
