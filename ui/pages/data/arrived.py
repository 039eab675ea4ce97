"""What arrived: batches that can be withdrawn, findings beside their rows, the sender's control totals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSplitter, QVBoxLayout, QWidget

from ui.desk import Changes, Desk
from ui.dialogs import ReasonDialog
from ui.look import GAP, TIGHT, count, set_role
from ui.pages.data import sheets
from ui.table import Table

if TYPE_CHECKING:
    from core.faults import Refused
    from core.findings import Finding
    from core.storage.batches import Batch
    from core.storage.ledger import Change
    from core.worksheet import Worksheet

DIFFERENCES = ("rows_difference", "medfee_difference", "hifp_difference")


class BatchesPanel(QWidget):
    """Every file that came in, withdrawn ones too."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        texts = desk.texts
        self._batches: dict[int, Batch] = {}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GAP)
        row = QHBoxLayout()
        self.said = QLabel(texts("data.batches_hint"))
        self.said.setWordWrap(True)
        set_role(self.said, "muted")
        row.addWidget(self.said, 1)
        self.turn = QPushButton(texts("data.withdraw"))
        self.turn.clicked.connect(self._turn)
        row.addWidget(self.turn)
        layout.addLayout(row)
        self.table = Table(desk)
        self.table.set_empty(texts("data.no_batches"))
        self.table.current_changed.connect(lambda *_: self._choose())
        layout.addWidget(self.table, 1)

    def refresh(self, changes: Changes | None = None) -> None:
        if changes is not None and not (changes.workspace or changes.tables):
            return
        def work(workspace: Any, job: Any) -> list[Batch]:
            from core.storage import batches

            return batches.batches(workspace.reader())

        self.desk.ask(work, self._have, place="data.batches", title=self.desk.texts("data.reading"))

    def _have(self, found: list[Batch]) -> None:
        self._batches = {batch.id: batch for batch in found}
        texts, contents = self.desk.texts, self.desk.contents
        held = sorted(contents.held.years) if contents is not None else []
        self.said.setText(texts("confirmed.holds_years", years=texts.listed(held)) if held else texts("data.batches_hint"))
        self.table.set_worksheet(sheets.batches(found, self.desk.texts), frozen=2)
        self._choose()

    def _current(self) -> Batch | None:
        row = self.table.current_row()
        keys = self.table.worksheet().keys
        return self._batches.get(int(keys[row])) if row >= 0 and keys is not None else None

    def _choose(self) -> None:
        batch, workspace = self._current(), self.desk.workspace
        self.turn.setEnabled(batch is not None and workspace is not None and not workspace.read_only)
        self.turn.setText(self.desk.texts("data.put_back" if batch and batch.withdrawn else "data.withdraw"))

    def _turn(self) -> None:
        """Ask why, unless a confirmed year rests on it."""
        batch = self._current()
        if batch is None:
            return

        def work(workspace: Any, _: Any) -> Refused | None:
            from core.storage import closed

            return closed.refusal(workspace.reader(), (_turned(batch),))

        def have(refused: Refused | None) -> None:
            if refused is None:
                self._ask_why(batch)
            else:
                self.desk.troubled.emit(refused)

        self.desk.ask(work, have, place="data.held")

    def _ask_why(self, batch: Batch) -> None:
        texts = self.desk.texts
        what = "put_back" if batch.withdrawn else "withdraw"
        said = texts(f"data.{what}_said", file=batch.file, rows=count(batch.accepted))
        dialog = ReasonDialog(self.desk, texts(f"data.{what}"), said, texts(f"data.{what}"), self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.accepted.connect(lambda: self._change(batch, what, dialog.reason))
        dialog.open()

    def _change(self, batch: Batch, what: str, why: str) -> None:
        def work(workspace: Any, job: Any) -> None:
            from core.storage.ledger import Edit

            workspace.ledger.commit(Edit(what, batch.file, (_turned(batch),), why), progress=job)

        self.desk.change(work, title=self.desk.texts(f"data.{what}"))


def _turned(batch: Batch) -> Change:
    """Withdrawn, or put back."""
    from core.storage.ledger import Change

    before = int(batch.withdrawn)
    return Change("batch", {"id": batch.id}, {"withdrawn": before}, {"withdrawn": 1 - before})


class FindingsPanel(QWidget):
    """What imports and runs refused or warned of; the chosen one in full below."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        texts = desk.texts
        self._found: list[Finding] = []
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GAP)
        self.counted = QLabel()
        set_role(self.counted, "muted")
        layout.addWidget(self.counted)
        split = QSplitter(Qt.Orientation.Vertical)
        split.setChildrenCollapsible(False)
        self.table = Table(desk)
        self.table.set_empty(texts("data.no_findings"))
        self.table.current_changed.connect(lambda *_: self._show())
        split.addWidget(self.table)
        below = QWidget()
        inside = QVBoxLayout(below)
        inside.setContentsMargins(0, GAP, 0, 0)
        inside.setSpacing(TIGHT)
        self.place = QLabel()
        set_role(self.place, "heading")
        inside.addWidget(self.place)
        self.detail = QLabel(texts("data.select_finding"))
        self.detail.setWordWrap(True)
        self.detail.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.detail.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        inside.addWidget(self.detail, 1)
        split.addWidget(below)
        split.setStretchFactor(0, 4)
        split.setStretchFactor(1, 1)
        split.setSizes([420, 120])
        layout.addWidget(split, 1)

    def refresh(self, changes: Changes | None = None) -> None:
        if changes is not None and not (changes.workspace or changes.tables):
            return
        texts = self.desk.texts

        def work(workspace: Any, job: Any) -> tuple[list[Finding], Worksheet]:
            from core.settlement import control

            found = control.all_findings(workspace)
            return found, sheets.findings(found, texts)

        self.desk.ask(work, self._have, place="data.findings", title=texts("data.reading"))

    def _have(self, both: tuple[list[Finding], Worksheet]) -> None:
        self._found, sheet = both
        texts = self.desk.texts
        counts: dict[str, int] = {}
        for finding in self._found:
            counts[finding.severity] = counts.get(finding.severity, 0) + 1
        said = [
            f"{texts(f'severity.{one}')} {count(counts[one])}"
            for one in ("blocked", "refused", "warning", "note")
            if one in counts
        ]
        self.counted.setText(texts("data.findings_counted", counts="  ·  ".join(said)) if said else "")
        self.table.set_worksheet(sheet, frozen=1)
        self._show()

    def _show(self) -> None:
        row, texts = self.table.current_row(), self.desk.texts
        if row < 0 or row >= len(self._found):
            self.place.setText("")
            self.detail.setText(texts("data.select_finding") if self._found else "")
            return
        finding = self._found[row]
        where = [
            finding.file,
            finding.sheet,
            texts("ui.row", row=finding.row) if finding.row is not None else "",
            sheets.column_title(finding.column, texts),
            finding.subject,
        ]
        self.place.setText("  ".join(part for part in where if part))
        lines = [texts.finding(finding)]
        if finding.value:
            lines.append(texts("data.value_is", value=finding.value))
        if finding.values.get("text"):
            lines.append(texts("data.row_is", text=finding.values["text"]))
        self.detail.setText("\n".join(lines))


class ControlPanel(QWidget):
    """What the sender says it sent against what arrived."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GAP)
        self.said = QLabel(desk.texts("data.control_hint"))
        self.said.setWordWrap(True)
        set_role(self.said, "muted")
        layout.addWidget(self.said)
        self.table = Table(desk)
        self.table.set_empty(desk.texts("data.no_control"))
        layout.addWidget(self.table, 1)

    def refresh(self, changes: Changes | None = None) -> None:
        if changes is not None and not (changes.workspace or changes.tables):
            return
        def work(workspace: Any, job: Any) -> Worksheet:
            from core.settlement import control

            return control.control_totals(workspace)

        self.desk.ask(work, self._have, place="data.control", title=self.desk.texts("data.reading"))

    def _have(self, sheet: Worksheet) -> None:
        texts = self.desk.texts
        self.table.set_worksheet(_funds_in_words(sheet, texts), frozen=3)
        if sheet.rows:
            differing = sum(_differs(sheet, row) for row in range(sheet.rows))
            key = "data.control_differs" if differing else "data.control_agrees"
            self.said.setText(texts(key, count=count(differing), all=count(sheet.rows)))
            set_role(self.said, "warn" if differing else "good")


def _funds_in_words(sheet: Worksheet, texts: Any) -> Worksheet:
    """Funds in words, and the lines that differ first."""
    from dataclasses import replace

    from core.worksheet import column_of

    order = sorted(range(sheet.rows), key=lambda row: not _differs(sheet, row))
    cells = {name: cells[order] for name, cells in sheet.cells.items()}
    cells["fund"] = column_of([texts(f"fund.{fund}") for fund in cells["fund"]], "text")
    return replace(sheet, cells=cells)


def _differs(sheet: Worksheet, row: int) -> bool:
    return any(sheet.cells[name][row] for name in DIFFERENCES)
