"""Files in: kind, sheet, encoding and columns guessed and shown, tried, then imported."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QStackedWidget,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from core.faults import Cancelled
from ui.desk import Changes, Desk
from ui.dialogs import Empty, detail, words
from ui.look import GAP, TIGHT, count, set_role
from ui.pages.data import sheets
from ui.pages.data.sheets import SENTENCE
from ui.splits import side_by_side
from ui.table import Table

if TYPE_CHECKING:
    from core.intake.load import Proposal, Receipt

SAMPLES = 3  # rows of the file shown beside each heading
SUFFIXES = "*.csv *.tsv *.txt *.xlsx *.xlsm *.xls *.db *.sqlite *.sqlite3"


@dataclass
class Offer:
    """One file that waits for its import. state: reading, ready, lacking, trouble, done, refused, tried."""

    path: Path
    state: str = "reading"
    kind: str = ""
    sheet: str = ""
    year: str = ""
    version: str = ""
    mapping: dict[str, str | None] | None = None  # only what the user changed the columns to
    proposal: Proposal | None = None
    receipt: Receipt | None = None
    trouble: str = ""
    item: QListWidgetItem = field(default_factory=QListWidgetItem)


class FilesPanel(QWidget):
    """A list of files to the left; how the chosen one is read, and what became of it, to the right."""

    wants_findings = Signal()

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self._offers: list[Offer] = []
        texts = desk.texts
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self.pages = QStackedWidget()
        layout.addWidget(self.pages)
        self.nothing = Empty(desk, "data")
        self.nothing.say(texts("data.files_title"), texts("data.files_about"), "", texts("data.choose"))
        self.nothing.pressed.connect(self.choose)
        self.pages.addWidget(self.nothing)
        split = side_by_side(self._list_side(), self._form_side(), sizes=(230, 930), stretch=(0, 1))
        self.pages.addWidget(split)

    def _list_side(self) -> QWidget:
        side = QWidget()
        inside = QVBoxLayout(side)
        inside.setContentsMargins(0, 0, GAP, 0)
        inside.setSpacing(TIGHT)
        self.list = QListWidget()
        self.list.setWordWrap(True)
        self.list.setAccessibleName(self.desk.texts("data.tab.files"))
        self.list.currentRowChanged.connect(lambda _: self._show())
        inside.addWidget(self.list, 1)
        self.more = QPushButton(self.desk.texts("data.choose"))
        self.more.clicked.connect(self.choose)
        inside.addWidget(self.more)
        return side

    def _form_side(self) -> QWidget:
        texts = self.desk.texts
        side = QWidget()
        inside = QVBoxLayout(side)
        inside.setContentsMargins(GAP, 0, 0, 0)
        inside.setSpacing(GAP)
        self.name = QLabel()
        set_role(self.name, "heading")
        inside.addWidget(self.name)
        form = QGridLayout()
        form.setHorizontalSpacing(GAP)
        form.setVerticalSpacing(TIGHT)
        self.kind, self.sheet = QComboBox(), QComboBox()
        self.kind.setMinimumWidth(190)
        self.sheet.setMinimumWidth(130)
        self.year, self.version = QLineEdit(), QLineEdit()
        self.year.setMaxLength(4)
        self.year.setFixedWidth(70)
        self.year.setPlaceholderText(texts("data.year_hint"))
        self.year.setToolTip(texts("data.year_tip"))
        self.version.setToolTip(texts("data.version_tip"))
        self.version.setMinimumWidth(110)
        fields = (("kind", self.kind), ("sheet", self.sheet), ("year", self.year), ("version", self.version))
        self._labels: dict[str, QLabel] = {}
        for column, (key, widget) in enumerate(fields):
            label = QLabel(texts(f"data.form.{key}"))
            set_role(label, "muted")
            label.setBuddy(widget)
            widget.setAccessibleName(texts(f"data.form.{key}"))
            form.addWidget(label, 0, column)
            form.addWidget(widget, 1, column)
            self._labels[key] = label
        form.setColumnStretch(4, 1)
        inside.addLayout(form)
        self.facts = QLabel()
        self.facts.setWordWrap(True)
        set_role(self.facts, "muted")
        inside.addWidget(self.facts)
        self.trouble = QLabel()
        self.trouble.setWordWrap(True)
        self.trouble.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        set_role(self.trouble, "bad")
        inside.addWidget(self.trouble)

        self.middle = QStackedWidget()
        self.columns = QTableWidget(0, 2 + SAMPLES)
        self.columns.setTabKeyNavigation(False)
        self.columns.setAccessibleName(texts("data.form.heading"))
        self.columns.setHorizontalHeaderLabels(
            [
                texts("data.form.heading"),
                texts("data.form.column"),
                *(texts("data.form.sample", number=k + 1) for k in range(SAMPLES)),
            ]
        )
        self.columns.verticalHeader().setVisible(False)
        self.columns.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.columns.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.columns.setAlternatingRowColors(True)
        self.columns.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        self.columns.horizontalHeader().setStretchLastSection(True)
        for column, width in enumerate((190, 270, 150, 150, 150)):
            self.columns.setColumnWidth(column, width)
        self.middle.addWidget(self.columns)
        result = QWidget()
        below = QVBoxLayout(result)
        below.setContentsMargins(0, 0, 0, 0)
        below.setSpacing(TIGHT)
        self.counts = QLabel()
        set_role(self.counts, "heading")
        below.addWidget(self.counts)
        self.receipt_note = QLabel()
        self.receipt_note.setWordWrap(True)
        set_role(self.receipt_note, "muted")
        below.addWidget(self.receipt_note)
        self.found = Table(self.desk)
        self.found.widest = {"said": SENTENCE}
        self.found.set_empty(texts("data.no_findings_of_file"))
        below.addWidget(self.found, 1)
        self.middle.addWidget(result)
        inside.addWidget(self.middle, 1)

        row = QHBoxLayout()
        self.remove = QPushButton(texts("data.take_off"))
        self.remove.clicked.connect(self._remove)
        row.addWidget(self.remove)
        self.back = QPushButton(texts("data.show_columns"))
        self.back.clicked.connect(self._show_columns)
        row.addWidget(self.back)
        row.addStretch(1)
        self.all_findings = QPushButton(texts("data.all_findings"))
        self.all_findings.clicked.connect(self.wants_findings)
        row.addWidget(self.all_findings)
        self.try_it = QPushButton(texts("data.try"))
        self.try_it.setToolTip(texts("data.try_tip"))
        self.try_it.clicked.connect(lambda: self._import(dry_run=True))
        row.addWidget(self.try_it)
        self.go = QPushButton(texts("data.import"))
        self.go.setProperty("primary", True)
        self.go.clicked.connect(lambda: self._import(dry_run=False))
        row.addWidget(self.go)
        inside.addLayout(row)
        self.kind.activated.connect(lambda _: self._changed("kind", self.kind.currentData()))
        self.sheet.activated.connect(lambda _: self._changed("sheet", self.sheet.currentText()))
        self.year.textEdited.connect(lambda text: self._changed("year", text.strip()))
        self.version.textEdited.connect(lambda text: self._changed("version", text.strip()))
        return side

    # What the page calls

    def refresh(self, changes: Changes | None = None) -> None:
        if changes is not None and not (changes.workspace or changes.tables):
            return
        self._show()

    def ask_for(self, kind: str) -> None:
        """Somebody lacks this kind: say so where files come in."""
        texts = self.desk.texts
        wanted = texts("data.wanted", kind=texts(f"kinds.{kind}"))
        self.nothing.say(texts("data.files_title"), texts("data.files_about"), wanted, texts("data.choose"))
        self.more.setFocus()
        self.desk.say(wanted)

    def choose(self) -> None:
        texts = self.desk.texts
        chosen, _ = QFileDialog.getOpenFileNames(
            self,
            texts("data.choose"),
            "",
            f"{texts('data.data_files')} ({SUFFIXES});;{texts('ui.all_files')} (*)",
        )
        self.add([Path(path) for path in chosen])

    def add(self, paths: Sequence[Path]) -> None:
        """Put files on the list and look into each; nothing is written yet."""
        known = {offer.path for offer in self._offers}
        fresh = [Offer(path) for path in paths if path not in known]
        for offer in fresh:
            self._offers.append(offer)
            self.list.addItem(offer.item)
            self._name(offer)
            self._look_into(offer)
        if fresh:
            self.list.setCurrentRow(self._offers.index(fresh[0]))
        self._show()

    # One offer

    def current(self) -> Offer | None:
        row = self.list.currentRow()
        return self._offers[row] if 0 <= row < len(self._offers) else None

    def _name(self, offer: Offer) -> None:
        texts = self.desk.texts
        said = texts(f"data.offer.{offer.state}")
        if offer.receipt is not None:
            said = texts(
                "data.offer_rows",
                said=said,
                accepted=count(offer.receipt.accepted),
                refused=count(offer.receipt.refused),
            )
        offer.item.setText(f"{offer.path.name}\n{said}")
        offer.item.setToolTip(str(offer.path))

    def _look_into(self, offer: Offer) -> None:
        kind, sheet, mapping = offer.kind or None, offer.sheet or None, offer.mapping

        def work(workspace: Any, job: Any) -> Proposal:
            from core.intake.load import propose

            return propose(workspace, offer.path, kind, sheet, mapping)

        def have(proposal: Proposal) -> None:
            offer.proposal, offer.trouble = proposal, ""
            offer.kind, offer.sheet = proposal.kind, proposal.sheet
            offer.state = "lacking" if proposal.missing else "ready"
            self._name(offer)
            self._show()

        def failed(error: Exception) -> None:
            if isinstance(error, Cancelled):
                return
            offer.proposal, offer.state = None, "trouble"
            offer.trouble = "\n".join(
                filter(None, (words(self.desk.texts, error), detail(self.desk.texts, error)))
            )
            self._name(offer)
            self._show()

        offer.state = "reading"
        self.desk.ask(
            work,
            have,
            failed=failed,
            place=f"data.file:{offer.path}",
            title=self.desk.texts("data.looking", file=offer.path.name),
        )

    def _changed(self, what: str, value: str | None) -> None:
        offer = self.current()
        if offer is None or getattr(offer, what) == (value or ""):
            return
        setattr(offer, what, value or "")
        if what in ("kind", "sheet"):
            offer.mapping, offer.receipt = None, None
            self._look_into(offer)
        self._allow(offer)

    def _map(self, heading: str, column: str | None) -> None:
        offer = self.current()
        if offer is None or offer.proposal is None:
            return
        mapping = dict(offer.proposal.mapping) if offer.mapping is None else offer.mapping
        if column is not None:  # a column is claimed once: the newest claim wins
            mapping = {other: None if taken == column else taken for other, taken in mapping.items()}
        mapping[heading] = column
        offer.mapping = mapping
        self._look_into(offer)

    def _remove(self) -> None:
        offer = self.current()
        if offer is None:
            return
        self.desk.jobs.drop(f"data.file:{offer.path}")
        row = self._offers.index(offer)
        del self._offers[row]
        self.list.takeItem(row)
        self._show()

    # Import

    def _import(self, *, dry_run: bool) -> None:
        offer, texts = self.current(), self.desk.texts
        if offer is None or not offer.kind:
            return
        year = int(offer.year) if offer.year.isdecimal() else None
        kind, sheet, mapping, version = offer.kind, offer.sheet or None, offer.mapping, offer.version or None

        def work(workspace: Any, job: Any) -> Receipt:
            from core.intake.load import import_file

            return import_file(
                workspace,
                kind,
                offer.path,
                year=year,
                sheet=sheet,
                mapping=mapping,
                version=version,
                dry_run=dry_run,
                progress=job,
            )

        def done(receipt: Receipt) -> None:
            offer.receipt, offer.trouble = receipt, ""
            nothing = not receipt.accepted and not dry_run
            offer.state = "nothing" if nothing else "tried" if dry_run else "refused" if receipt.refused else "done"
            self._name(offer)
            self._show()

        def failed(error: Exception) -> None:
            if not isinstance(error, Cancelled):
                offer.state = "trouble"
                offer.trouble = "\n".join(filter(None, (words(texts, error), detail(texts, error))))
                self._name(offer)
            self._show()

        key = "data.trying" if dry_run else "data.importing"
        self.desk.change(work, done, failed=failed, title=texts(key, file=offer.path.name))

    # Showing

    def _allow(self, offer: Offer) -> None:
        workspace = self.desk.workspace
        ready = (
            offer.proposal is not None
            and not offer.proposal.missing
            and workspace is not None
            and not workspace.read_only
        )
        fresh = offer.state not in ("done", "refused")
        self.try_it.setEnabled(ready and fresh)
        self.go.setEnabled(ready and fresh)
        self.back.setVisible(offer.receipt is not None and self.middle.currentIndex() == 1)
        self.all_findings.setVisible(offer.state in ("done", "refused"))

    def _show_columns(self) -> None:
        self.middle.setCurrentIndex(0)
        offer = self.current()
        if offer is not None:
            self._allow(offer)

    def _show(self) -> None:
        offer = self.current()
        self.pages.setCurrentIndex(1 if self._offers else 0)
        if offer is None:
            return
        texts = self.desk.texts
        self.name.setText(offer.path.name)
        self.trouble.setText(offer.trouble)
        self.trouble.setVisible(bool(offer.trouble))
        self._fill_form(offer)
        proposal = offer.proposal
        if proposal is None:
            self.facts.setText(
                texts("data.looking", file=offer.path.name) if offer.state == "reading" else ""
            )
            self.columns.setRowCount(0)
        else:
            self._say_facts(proposal)
            self._fill_columns(offer, proposal)
        if offer.receipt is not None:
            self._show_receipt(offer, offer.receipt)
        self.middle.setCurrentIndex(0 if offer.receipt is None else 1)
        self._allow(offer)

    def _fill_form(self, offer: Offer) -> None:
        from core.intake.kinds import KINDS

        texts = self.desk.texts
        if self.kind.count() != len(KINDS):
            self.kind.clear()
            for kind in KINDS:
                self.kind.addItem(texts(f"kinds.{kind}"), kind)
        self.kind.setCurrentIndex(self.kind.findData(offer.kind) if offer.kind else -1)
        several = offer.proposal.sheets if offer.proposal else ()
        self.sheet.clear()
        self.sheet.addItems(list(several))
        self.sheet.setCurrentIndex(self.sheet.findText(offer.sheet))
        self._labels["sheet"].setVisible(len(several) > 1)
        self.sheet.setVisible(len(several) > 1)
        has_version = offer.kind in ("catalogue", "auxiliary", "exclusions")
        self.version.setVisible(has_version)
        self._labels["version"].setVisible(has_version)
        self.version.setPlaceholderText(offer.path.stem)
        if self.version.text() != offer.version:
            self.version.setText(offer.version)
        if self.year.text() != offer.year:
            self.year.setText(offer.year)

    def _say_facts(self, proposal: Proposal) -> None:
        texts = self.desk.texts
        facts = [texts("data.fact.heading_row", row=proposal.heading_row)]
        if proposal.encoding:
            facts.append(texts("data.fact.encoding", encoding=proposal.encoding))
        if proposal.separator:
            named = {"\t": "tab", ",": "comma", ";": "semicolon", "|": "bar"}.get(proposal.separator)
            facts.append(
                texts(
                    "data.fact.separator",
                    separator=texts(f"data.separator.{named}") if named else proposal.separator,
                )
            )
        if proposal.wan:
            facts.append(texts("data.fact.wan", columns=self._listed([texts.field(column) for column in sorted(proposal.wan)])))
        if proposal.unclaimed:
            facts.append(texts("data.fact.unclaimed", headings=self._listed(proposal.unclaimed)))
        workspace = self.desk.workspace
        if workspace is not None and workspace.read_only:
            facts.append(texts("ui.read_only_tip", why=texts(f"ui.read_only_why.{workspace.read_only_why}")))
        self.facts.setText("  ·  ".join(facts))
        if proposal.missing:
            named = self._listed([texts.field(column) for column in proposal.missing])
            self.trouble.setText(texts("data.missing", columns=named))
            self.trouble.setVisible(True)

    def _listed(self, names: Sequence[str]) -> str:
        return self.desk.texts.listed(names)

    def _fill_columns(self, offer: Offer, proposal: Proposal) -> None:
        from core.intake.kinds import KINDS

        texts = self.desk.texts
        choices = [(sheets.column_title(one.name, texts), one.name) for one in KINDS[proposal.kind].columns]
        held = next((r for r in range(self.columns.rowCount()) if self.columns.cellWidget(r, 1).hasFocus()), -1)
        self.columns.setRowCount(len(proposal.headings))
        for row, heading in enumerate(proposal.headings):
            self.columns.setItem(row, 0, QTableWidgetItem(heading))
            box = QComboBox()
            box.setAccessibleName(heading)
            box.addItem(texts("data.not_taken"), None)
            for title, name in choices:
                box.addItem(title, name)
            box.setCurrentIndex(max(0, box.findData(proposal.mapping.get(heading))))
            box.activated.connect(lambda _, heading=heading, box=box: self._map(heading, box.currentData()))
            box.setEnabled(offer.state not in ("done", "refused"))
            self.columns.setCellWidget(row, 1, box)
            QWidget.setTabOrder(self.columns.cellWidget(row - 1, 1) if row else self.columns, box)  # and then the buttons
            for k in range(SAMPLES):
                cells = proposal.sample[k] if k < len(proposal.sample) else ()
                self.columns.setItem(row, 2 + k, QTableWidgetItem(cells[row] if row < len(cells) else ""))
        if 0 <= held < len(proposal.headings):  # the keyboard stays where it was choosing
            self.columns.cellWidget(held, 1).setFocus()

    def _show_receipt(self, offer: Offer, receipt: Receipt) -> None:
        texts = self.desk.texts
        self.counts.setText(
            texts(
                "data.rows_said",
                read=count(receipt.rows_read),
                accepted=count(receipt.accepted),
                refused=count(receipt.refused),
                warnings=count(receipt.warnings),
            )
        )
        if offer.state == "tried":
            said = texts("data.tried")
        else:
            said = texts("data.some_refused" if receipt.refused else "data.all_in")
        if not receipt.accepted:
            said = texts("data.nothing_in")
        if receipt.found > len(receipt.findings):
            said += texts("data.first_found", shown=count(len(receipt.findings)), all=count(receipt.found))
        self.receipt_note.setText(said)
        self.found.set_worksheet(sheets.findings(receipt.findings, texts, "findings_of_file"), frozen=1)
