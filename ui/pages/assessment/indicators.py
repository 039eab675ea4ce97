"""The indicators of a year: names and maxima, typed as a list or taken over from another year."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from fractions import Fraction

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from core.money import decimal, plain
from ui.desk import Desk
from ui.dialogs import DoOrCancel
from ui.look import EDGE, GAP, set_role

BLANK = 3  # lines to write in


class IndicatorsDialog(QDialog):
    """`wanted` and `why` after it was accepted."""

    def __init__(
        self,
        desk: Desk,
        year: int,
        there: Mapping[str, Fraction],
        others: Mapping[int, Mapping[str, Fraction]],
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        texts = self._texts = desk.texts
        self._others = others
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(texts("assessment.page.indicators_of", year=year))
        self.resize(560, 420)
        about = QLabel(texts("assessment.page.indicators_about"), wordWrap=True)
        set_role(about, "muted")
        self.list = QTableWidget(0, 2)
        self.list.setTabKeyNavigation(False)
        self.list.setAccessibleName(self.windowTitle())
        self.list.setHorizontalHeaderLabels([texts("assessment.column.indicator"), texts("assessment.column.most")])
        self.list.verticalHeader().hide()
        self.list.setColumnWidth(0, 380)
        self.list.horizontalHeader().setStretchLastSection(True)
        self.list.itemChanged.connect(lambda _: self._check())
        self.sum = QLabel()
        set_role(self.sum, "muted")
        self.other = QComboBox()
        self.other.setAccessibleName(texts("assessment.page.take_over"))
        for one in sorted(others, reverse=True):
            self.other.addItem(str(one), one)
        take = QPushButton(texts("assessment.page.take_over"))
        take.clicked.connect(self._take)
        remove = QPushButton(texts("assessment.page.remove"))
        remove.clicked.connect(self._remove)
        line = QHBoxLayout()
        line.setSpacing(GAP)
        line.addWidget(self.sum, 1)
        for widget in (remove, self.other, take):
            line.addWidget(widget)
        for widget in (self.other, take):
            widget.setVisible(bool(others))
        self.reason = QLineEdit()
        self.reason.setPlaceholderText(texts("ui.reason_hint"))
        self.reason.setAccessibleName(texts("ui.reason"))
        buttons = DoOrCancel(self, texts, texts("assessment.page.set_indicators"))
        self.do = buttons.do
        box = QVBoxLayout(self)
        box.setContentsMargins(EDGE, EDGE, EDGE, EDGE)
        box.setSpacing(GAP)
        box.addWidget(about)
        box.addWidget(self.list, 1)
        box.addLayout(line)
        box.addWidget(self.reason)
        box.addWidget(buttons)
        self._fill([(name, plain(most)) for name, most in there.items()])

    @property
    def wanted(self) -> dict[str, str]:
        """Name -> maximum as typed, lines that say nothing left out."""
        found: dict[str, str] = {}
        for row in range(self.list.rowCount()):
            name, most = (self._text(row, column) for column in (0, 1))
            if name or most:
                found[name] = most
        return found

    @property
    def why(self) -> str:
        return self.reason.text().strip()

    def _text(self, row: int, column: int) -> str:
        item = self.list.item(row, column)
        return unicodedata.normalize("NFKC", item.text()).strip() if item is not None and column else (
            item.text().strip() if item is not None else ""
        )

    def _fill(self, rows: Sequence[tuple[str, str]]) -> None:
        self.list.blockSignals(True)
        self.list.setRowCount(len(rows) + BLANK)
        for row in range(len(rows) + BLANK):
            name, most = rows[row] if row < len(rows) else ("", "")
            self.list.setItem(row, 0, QTableWidgetItem(name))
            right = QTableWidgetItem(most)
            right.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            self.list.setItem(row, 1, right)
        self.list.blockSignals(False)
        self._check()

    def _take(self) -> None:
        taken = self._others[int(self.other.currentData())]
        self._fill([(name, plain(most)) for name, most in taken.items()])

    def _remove(self) -> None:
        gone = {item.row() for item in self.list.selectedItems()}
        kept = [(self._text(row, 0), self._text(row, 1)) for row in range(self.list.rowCount()) if row not in gone]
        self._fill([one for one in kept if any(one)])

    def _check(self) -> None:
        names = [self._text(row, 0) for row in range(self.list.rowCount()) if self._text(row, 0) or self._text(row, 1)]
        total = Fraction(0)
        sound = bool(names) and all(names) and len(set(names)) == len(names)
        for text in self.wanted.values():
            try:
                total += decimal(text)
            except ValueError:
                sound = False
        self.sum.setText(self._texts("assessment.page.sum", sum=plain(total)))
        self.do.setEnabled(sound)
        if names and self._text(self.list.rowCount() - 1, 0):  # the last line is in use: one more
            self.list.setRowCount(self.list.rowCount() + 1)
