"""What is there by kind, year and fund, and what a clearing of the chosen year still lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from ui.desk import Changes, Desk
from ui.look import GAP, TIGHT, set_role
from ui.table import Table

if TYPE_CHECKING:
    from core.findings import Finding
    from core.worksheet import Worksheet

SEVERITY_COLOUR = {"blocked": "bad", "refused": "bad", "warning": "warn", "note": "muted"}


class OverviewPanel(QWidget):
    wants_files = Signal()

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        texts = desk.texts
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GAP)
        top = QHBoxLayout()
        self.drop = QLabel(texts("data.drop_hint"))
        set_role(self.drop, "muted")
        top.addWidget(self.drop, 1)
        self.add = QPushButton(texts("actions.data.import.text"))
        self.add.setProperty("primary", True)
        self.add.clicked.connect(self.wants_files)
        top.addWidget(self.add)
        layout.addLayout(top)
        self.unprotected = QLabel(texts("protect.unprotected"))
        self.unprotected.setWordWrap(True)
        set_role(self.unprotected, "muted")
        layout.addWidget(self.unprotected)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setChildrenCollapsible(False)
        self.table = Table(desk)
        self.table.set_empty(
            texts("data.nothing_there"), texts("actions.data.import.text"), self.wants_files.emit
        )
        split.addWidget(self.table)
        side = QWidget()
        inside = QVBoxLayout(side)
        inside.setContentsMargins(GAP, 0, 0, 0)
        inside.setSpacing(TIGHT)
        self.heading = QLabel()
        set_role(self.heading, "heading")
        inside.addWidget(self.heading)
        self.verdict = QLabel()
        self.verdict.setWordWrap(True)
        inside.addWidget(self.verdict)
        self.lacks = QListWidget()
        self.lacks.setWordWrap(True)
        self.lacks.setAlternatingRowColors(True)
        self.lacks.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.lacks.setAccessibleName(texts("data.lacks"))
        inside.addWidget(self.lacks, 1)
        self.clear = QPushButton(texts("pages.to_clearing"))
        self.clear.clicked.connect(lambda: desk.go("clearing"))
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(self.clear)
        inside.addLayout(row)
        split.addWidget(side)
        split.setStretchFactor(0, 3)
        split.setStretchFactor(1, 2)
        split.setSizes([700, 460])
        layout.addWidget(split, 1)

    def refresh(self, changes: Changes | None = None) -> None:
        year, set_name = self.desk.year, self.desk.set_name or None
        workspace = self.desk.workspace
        self.add.setEnabled(workspace is not None and not workspace.read_only)
        self.unprotected.setVisible(workspace is not None and workspace.key is None)

        def work(workspace: Any, job: Any) -> tuple[Worksheet, list[Finding] | None]:
            from core.settlement import control

            return control.inventory(workspace), control.lacks(workspace, year, set_name) if year else None

        self.desk.ask(work, self._have, place="data.overview", title=self.desk.texts("data.reading"))

    def _have(self, both: tuple[Worksheet, list[Finding] | None]) -> None:
        sheet, lacks = both
        texts = self.desk.texts
        self.table.set_worksheet(_spoken(sheet, texts), frozen=1)
        self.lacks.clear()
        self.heading.setText(
            texts("data.lacks_of", year=self.desk.year) if self.desk.year else texts("data.lacks")
        )
        if lacks is None:
            self._say(texts("data.no_year"), "muted")
            self.clear.setEnabled(False)
            return
        blocking = sum(finding.severity == "blocked" for finding in lacks)
        self.clear.setEnabled(not blocking)
        if blocking:
            self._say(texts("data.blocking", count=blocking), "bad")
        else:
            self._say(texts("data.ready", year=self.desk.year), "good")
        colours = self.desk.look.colours
        for finding, same in _gathered(lacks):
            said = f"{texts(f'severity.{finding.severity}')}  {texts.finding(finding)}"
            if same:
                said += texts("data.same_kind", count=same)
            item = QListWidgetItem(said)
            item.setForeground(QColor(getattr(colours, SEVERITY_COLOUR[finding.severity])))
            self.lacks.addItem(item)

    def _say(self, text: str, role: str) -> None:
        self.verdict.setText(text)
        set_role(self.verdict, role)


def _gathered(lacks: list[Finding]) -> list[tuple[Finding, int]]:
    """The worst first; of warnings and notes of one kind the first, and how many more there are."""
    into: dict[tuple[str, str, int], tuple[Finding, int]] = {}
    for place, one in enumerate(lacks):
        key = (one.severity, one.code, place if one.severity == "blocked" else -1)
        first, more = into.get(key, (one, -1))
        into[key] = (first, more + 1)
    order = tuple(SEVERITY_COLOUR)
    return sorted(into.values(), key=lambda entry: order.index(entry[0].severity))


def _spoken(sheet: Worksheet, texts: Any) -> Worksheet:
    """Kinds and funds in words; codes that have none (versions, sets) stay as they are."""
    from dataclasses import replace

    from core.worksheet import column_of

    def said(area: str, value: object) -> str:
        return texts(f"{area}.{value}") if texts.has(f"{area}.{value}") else str(value)

    cells = dict(sheet.cells)
    cells["kind"] = column_of([said("kinds", value) for value in sheet.cells["kind"]], "text")
    cells["part"] = column_of([said("fund", value) for value in sheet.cells["part"]], "text")
    return replace(sheet, cells=cells)
