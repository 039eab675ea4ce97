"""What a pack leaves open, as a form: choices, figures, formulas, tables as small grids; kept as a pack of the workspace.

Filled are only the fields that were changed; each takes the local document named above it. A shipped pack is extended
under a new id; a pack of the workspace is filled in its own text.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from core.rules.pack_text import Fill, OpenField
from ui.asking import Asking
from ui.desk import Desk
from ui.look import GAP, TIGHT, set_role
from ui.pages.packs.told import Told

ROWS = 3  # empty rows that a table offers
EVIDENCE = ("V", "S", "C", "D", "U")
FIELDS = ("from", "to", "value")


class TierGrid(QTableWidget):
    """A table of tiers: from, to, what is paid. A row that is filled brings an empty one under it."""

    def __init__(self, desk: Desk, rows: tuple[tuple[str, str, str], ...]) -> None:
        super().__init__(0, len(FIELDS))
        self.setHorizontalHeaderLabels([desk.texts(f"packs.fill.{name}") for name in FIELDS])
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.verticalHeader().hide()
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setTabKeyNavigation(False)
        for row in (*rows, *([("", "", "")] * (ROWS if not rows else 1))):
            self._append(row)
        self.cellChanged.connect(lambda *_: self._grown())
        self._fit()

    def tiers(self) -> tuple[tuple[str, str, str], ...]:
        """The rows that say anything."""
        found: list[tuple[str, str, str]] = []
        for row in range(self.rowCount()):
            start, end, value = (
                item.text().strip() if (item := self.item(row, column)) is not None else "" for column in range(len(FIELDS))
            )
            if start or end or value:
                found.append((start, end, value))
        return tuple(found)

    def _append(self, row: tuple[str, str, str]) -> None:
        at = self.rowCount()
        self.insertRow(at)
        for column, text in enumerate(row):
            self.setItem(at, column, QTableWidgetItem(text))

    def _grown(self) -> None:
        if len(self.tiers()) == self.rowCount():
            self._append(("", "", ""))
            self._fit()

    def _fit(self) -> None:
        high = self.horizontalHeader().sizeHint().height() + 2 * self.frameWidth()
        self.setFixedHeight(high + sum(self.rowHeight(row) for row in range(self.rowCount())))


class FieldRow(QFrame):
    """One open field: what it is, what the document leaves open, and what it is filled with."""

    def __init__(self, desk: Desk, field: OpenField) -> None:
        super().__init__()
        self.field, self._desk = field, desk
        texts, lang = desk.texts, desk.texts.lang
        set_role(self, "notice" if field.missing else "card")
        title = QLabel(f"<b>{field.title[lang]}</b>&nbsp;&nbsp;[{field.evidence}] {field.cite}")
        title.setTextFormat(Qt.TextFormat.RichText)
        open = QLabel(field.open.get(lang, ""), wordWrap=True)
        set_role(open, "warn" if field.missing else "muted")
        self.choice: QComboBox | None = None
        self.line: QLineEdit | None = None
        self.places: QLineEdit | None = None
        self.grid: TierGrid | None = None
        box = QVBoxLayout(self)
        box.setContentsMargins(GAP, TIGHT, GAP, GAP)
        box.setSpacing(TIGHT)
        box.addWidget(title)
        box.addWidget(open)
        if field.kind == "table":
            self.grid = TierGrid(desk, field.rows)
            self.grid.setAccessibleName(field.title[lang])
            box.addWidget(self.grid)
        elif field.options:
            self.choice = QComboBox()
            for option, words in field.options.items():
                self.choice.addItem(words[lang], option)
            self.choice.setCurrentIndex(self.choice.findData(field.value))  # nothing chosen where nothing is said
            self.choice.setPlaceholderText(texts("packs.fill.choose"))
            self.choice.setMinimumContentsLength(12)
            self.choice.setAccessibleName(field.title[lang])
            box.addWidget(self.choice, alignment=Qt.AlignmentFlag.AlignLeft)
        else:
            self.line = QLineEdit(" ".join(field.value.split()))
            self.line.setCursorPosition(0)
            self.line.setAccessibleName(field.title[lang])
            line = QHBoxLayout()
            line.setSpacing(GAP)
            line.addWidget(self.line, 1)
            if field.kind in ("region", "institution"):
                self.line.setPlaceholderText(texts("packs.fill.formula"))
                self.places = QLineEdit("" if field.places is None else str(field.places))
                self.places.setFixedWidth(56)
                self.places.setAccessibleName(texts("packs.fill.places"))
                line.addWidget(QLabel(texts("packs.fill.places")))
                line.addWidget(self.places)
            box.addLayout(line)

    def said(self) -> tuple[str, tuple[tuple[str, str, str], ...], str | None]:
        """Value, rows, places as they stand."""
        value = str(self.choice.currentData() or "") if self.choice is not None else self.line.text().strip() if self.line else ""
        return value, self.grid.tiers() if self.grid is not None else (), self.places.text().strip() if self.places else None

    def changed(self) -> bool:
        value, rows, places = self.said()
        before = "" if self.field.places is None else str(self.field.places)
        return value != " ".join(self.field.value.split()) or rows != self.field.rows or (places is not None and places != before)


class FillForm(QWidget):
    """`closed` carries the id of the pack that was kept, "" where nothing was."""

    closed = Signal(str)
    in_text = Signal()  # to the editor
    of_choices = False

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk, self.texts = desk, desk.texts
        self.told: Told | None = None
        self.rows: list[FieldRow] = []
        texts = desk.texts
        self.title = QLabel()
        set_role(self.title, "title")
        self.keep = QPushButton(texts("packs.own.keep"))
        self.keep.setProperty("primary", True)
        self.keep.clicked.connect(lambda: self.save())
        self.leave = QPushButton(texts("packs.own.leave"))
        self.leave.clicked.connect(lambda: desk.leaving(lambda: self.closed.emit(""), holders=(self,)))
        self.id = QLineEdit()
        self.document = QLineEdit()
        self.document.setPlaceholderText(texts("packs.fill.document_hint"))
        self.article = QLineEdit()
        self.why = QLineEdit()
        self.why.setPlaceholderText(texts("ui.reason_hint"))
        self.evidence = QComboBox()
        for tag in EVIDENCE:
            self.evidence.addItem(texts(f"packs.evidence.{tag}"), tag)
        form = QGridLayout()
        form.setHorizontalSpacing(GAP)
        form.setVerticalSpacing(TIGHT)
        for at, (key, widget) in enumerate((
            ("id", self.id), ("why", self.why), ("document", self.document), ("article", self.article),
            ("evidence", self.evidence),
        )):  # fmt: skip
            label = QLabel(texts(f"packs.fill.{key}"))
            label.setBuddy(widget)
            widget.setAccessibleName(label.text())
            form.addWidget(label, at // 2, 2 * (at % 2))
            form.addWidget(widget, at // 2, 2 * (at % 2) + 1)
        form.setColumnStretch(1, 1)
        form.setColumnStretch(3, 1)
        self.about = QLabel(texts("packs.fill.about"), wordWrap=True)
        set_role(self.about, "muted")
        self.asking = Asking(desk, "packs.fill")
        self.inner = QWidget()
        self.lines = QVBoxLayout(self.inner)
        self.lines.setContentsMargins(0, 0, GAP, 0)
        self.lines.setSpacing(GAP)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(self.inner)
        head = QHBoxLayout()
        head.setSpacing(GAP)
        head.addWidget(self.title, 1)
        head.addWidget(self.leave)
        head.addWidget(self.keep)
        box = QVBoxLayout(self)
        box.setContentsMargins(GAP, 0, 0, 0)
        box.setSpacing(TIGHT)
        box.addLayout(head)
        box.addWidget(self.about)
        box.addLayout(form)
        box.addWidget(self.asking)
        box.addWidget(area, 1)
        desk.guard(self)

    def start(self, one: Told, new_id: str) -> None:
        """new_id: under which a shipped pack is extended."""
        assert one.pack is not None
        self.told = one
        texts = self.texts
        self.title.setText(texts("packs.fill.title", pack=one.title[texts.lang]))
        self.id.setText(one.id if one.own else new_id)
        self.id.setReadOnly(one.own)
        for field in (self.document, self.article, self.why):
            field.clear()
        while (item := self.lines.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.setParent(None)
                widget.deleteLater()
        self.rows = [FieldRow(self.desk, field) for field in one.open if field.kind != "text"]
        for row in self.rows:
            self.lines.addWidget(row)
        rest = [field for field in one.open if field.kind == "text"]
        if rest:
            names = texts.listed(dict.fromkeys(field.title[texts.lang] for field in rest))
            said = QLabel(texts("packs.fill.in_text", names=names), wordWrap=True)
            set_role(said, "muted")
            self.lines.addWidget(said)
        self.lines.addStretch(1)
        read_only = bool(getattr(self.desk.workspace, "read_only", True))
        self.keep.setEnabled(not read_only)
        self.document.setFocus()

    def fills(self) -> list[Fill]:
        """The fields that were changed, with their document."""
        found: list[Fill] = []
        for row in self.rows:
            if row.changed():
                value, rows, places = row.said()
                found.append(Fill(
                    row.field.kind, row.field.id, value, rows, places, self.document.text().strip(),
                    self.article.text().strip(), str(self.evidence.currentData()),
                ))  # fmt: skip
        return found

    def unsaved(self) -> str:
        typed = any(field.text().strip() for field in (self.document, self.article, self.why))
        if self.told is None or not (typed or any(row.changed() for row in self.rows)):
            return ""
        return self.texts("packs.fill.unsaved", pack=self.told.title[self.texts.lang])

    def can_save(self) -> bool:
        return self.keep.isEnabled() and bool(self.fills())

    def save_then(self, then: Callable[[], None]) -> None:
        self.save(then)

    def discard(self) -> None:
        self.told = None

    def save(self, then: Callable[[], None] | None = None) -> None:
        one, texts = self.told, self.texts
        if one is None:
            return
        fills = self.fills()
        if not fills:
            self.asking.tell(texts("packs.fill.nothing"))
            return
        base, own, id, why = one.id, one.own, self.id.text().strip(), self.why.text().strip()

        def work(workspace: Any, _: Any) -> None:
            from core.settlement import own_packs

            if own:
                own_packs.fill(workspace, base, fills, why)
            else:
                own_packs.extend(workspace, base, id, fills, why)

        def done(_: object) -> None:
            self.desk.say(texts("packs.own.kept", pack=id))
            self.closed.emit(id)
            if then is not None:
                then()

        self.desk.change(work, done, failed=self.asking.wrong, title=texts("packs.own.keeping"), tables=("rule_pack",))
