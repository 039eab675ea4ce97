"""The form of a pack's table: rows of from, to and what is paid, the measure of the sharing, and the document they stand in."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from ui.desk import Desk
from ui.look import GAP, TIGHT, set_role

if TYPE_CHECKING:
    from core.rules.circular import Pack
    from core.rules.pack_text import Fill

TABLES = ("sharing", "assessment_factor", "retention_share", "share_by_score")
BASIS = "sharing_basis"
LEAST = 5  # rows to write in


class Tiers(QWidget):
    """`try_wanted`, `keep_wanted`: the buttons; `fills()` is what stands in the form."""

    try_wanted = Signal()
    keep_wanted = Signal()
    table_changed = Signal()

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        texts = self._texts = desk.texts
        self.pack: Pack | None = None
        self._shown = ("", "")  # pack and table
        self._filled: tuple[tuple[str, ...], ...] = ()  # the pack's own rows of it
        self._waiting: dict[tuple[str, str], tuple[tuple[str, ...], ...]] = {}  # typed, not kept, by pack and table
        self.table = QComboBox()
        self.table.setAccessibleName(texts("assessment.page.table"))
        self.table.currentIndexChanged.connect(lambda _: self._fill())
        self.about = QLabel(wordWrap=True)
        set_role(self.about, "muted")
        self.basis = QComboBox()
        self.basis.setAccessibleName(texts("assessment.page.basis"))
        self.basis.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.basis.setMinimumContentsLength(18)
        self.basis_caption = QLabel(texts("assessment.page.basis"))
        set_role(self.basis_caption, "muted")
        self.rows = QTableWidget(0, 3)
        self.rows.setTabKeyNavigation(False)
        self.rows.setHorizontalHeaderLabels([texts(f"assessment.page.{key}") for key in ("from", "to", "paid")])
        self.rows.verticalHeader().hide()
        self.rows.setToolTip(texts("assessment.page.rows_tip"))
        self.rows.setAccessibleName(texts("assessment.page.table"))
        heading = self.rows.horizontalHeader()
        self.rows.setWordWrap(True)
        self.rows.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        for column, width in ((0, 56), (1, 56)):
            self.rows.setColumnWidth(column, width)
        heading.setSectionResizeMode(2, QHeaderView.ResizeMode.Stretch)
        self.document, self.article = QLineEdit(), QLineEdit()
        self.document.setPlaceholderText(texts("assessment.page.document_hint"))
        self.document.setAccessibleName(texts("assessment.page.document"))
        self.article.setAccessibleName(texts("assessment.page.article"))
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.setSpacing(TIGHT)
        form.addRow(self.basis_caption, self.basis)
        for key, field in (("document", self.document), ("article", self.article)):
            caption = QLabel(texts(f"assessment.page.{key}"))
            set_role(caption, "muted")
            form.addRow(caption, field)
        self.attempt = QPushButton(texts("assessment.page.try_tiers"))
        self.attempt.setToolTip(texts("assessment.page.try_tiers_tip"))
        self.attempt.clicked.connect(self.try_wanted)
        self.keep = QPushButton(texts("assessment.page.keep"))
        self.keep.setToolTip(texts("assessment.page.keep_tip"))
        self.keep.setProperty("primary", True)
        self.keep.clicked.connect(self.keep_wanted)
        buttons = QHBoxLayout()
        buttons.setSpacing(GAP)
        buttons.addStretch(1)
        buttons.addWidget(self.attempt)
        buttons.addWidget(self.keep)
        self.names = QLabel(wordWrap=True)
        set_role(self.names, "muted")
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(TIGHT)
        box.addWidget(self.table)
        box.addWidget(self.about)
        box.addWidget(self.rows, 1)
        box.addWidget(self.names)
        box.addLayout(form)
        box.addLayout(buttons)
        self.setFocusProxy(self.table)

    def put(self, pack: Pack, writable: bool) -> None:
        """The pack whose tables are shown; what was typed for the same text of it stays."""
        self.keep.setEnabled(writable)
        if self.pack is not None and (self.pack.id, self.pack.hash) == (pack.id, pack.hash):
            return
        chosen = self.chosen()
        self.pack = pack
        self.table.blockSignals(True)
        self.table.clear()
        for id in TABLES:
            if id in pack.tables:
                self.table.addItem(pack.tables[id].title[self._texts.lang], id)
        self.table.setCurrentIndex(max(0, self.table.findData(chosen)))
        self.table.blockSignals(False)
        self.basis.clear()
        parameter = pack.parameters.get(BASIS)
        for option, title in parameter.options.items() if parameter is not None else ():
            self.basis.addItem(title[self._texts.lang], option)
        self.basis.setCurrentIndex(max(0, self.basis.findData(pack.values.get(BASIS))))
        self._fill()

    def chosen(self) -> str:
        return str(self.table.currentData() or "")

    def choose(self, table: str) -> None:
        if (at := self.table.findData(table)) >= 0:
            self.table.setCurrentIndex(at)

    def fills(self) -> list[Fill]:
        from core.rules.pack_text import Fill

        pack = self.pack
        if pack is None or not self.chosen():
            return []
        source = {"document": self.document.text().strip(), "article": self.article.text().strip()}
        found: list[Fill] = []
        found.append(Fill("table", self.chosen(), rows=self.typed(), **source))
        basis = str(self.basis.currentData() or "")
        if self.chosen() == "sharing" and basis and basis != pack.values.get(BASIS):
            found.append(Fill("parameter", BASIS, basis, **source))
        return found

    def typed(self) -> tuple[tuple[str, str, str], ...]:
        return tuple(row for row in (self._row(n) for n in range(self.rows.rowCount())) if any(row))

    def changed(self) -> bool:
        """Whether the rows shown are others than the pack's."""
        return bool(self._shown[0]) and self.typed() != self._filled

    def remember(self) -> None:
        """Rows typed for a table wait while another table or pack is shown."""
        if self.changed():
            self._waiting[self._shown] = self.typed()
        else:
            self._waiting.pop(self._shown, None)

    def waiting(self) -> list[tuple[str, str]]:
        """Pack and table of everything typed and not kept."""
        self.remember()
        return list(self._waiting)

    def kept(self) -> None:
        """The rows shown are a pack's now."""
        self._filled = self.typed()

    def forget(self) -> None:
        """The pack's own rows again, everywhere."""
        self._waiting.clear()
        self._shown = ("", "")
        self._fill()

    def _row(self, row: int) -> tuple[str, str, str]:
        def text(column: int) -> str:
            item = self.rows.item(row, column)
            return _plain(item.text()) if item is not None else ""

        return text(0), text(1), text(2)

    def _fill(self) -> None:
        self.remember()
        pack, texts = self.pack, self._texts
        if pack is None or not self.chosen():
            return
        from core.rules.pack_text import rows_of

        table = pack.tables[self.chosen()]
        said = table.open.get(texts.lang, "") if table.open else ""
        note = table.note.get(texts.lang, "") if table.note else ""
        self.about.setText(said or note)
        self._shown = (pack.id, self.chosen())
        self._filled = tuple(tuple(_plain(text) for text in row) for row in rows_of(table))
        filled = self._waiting.get(self._shown, self._filled)
        self.rows.setRowCount(max(LEAST, len(filled) + 1))
        for row in range(self.rows.rowCount()):
            for column in range(3):
                self.rows.setItem(row, column, QTableWidgetItem(filled[row][column] if row < len(filled) else ""))
        sharing = self.chosen() == "sharing"
        self.basis.setVisible(sharing)
        self.basis_caption.setVisible(sharing)
        kind = "sharing" if sharing else "retention" if self.chosen() == "retention_share" else "score"
        self.names.setText(texts(f"assessment.page.names_{kind}"))
        self.table_changed.emit()


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip()
