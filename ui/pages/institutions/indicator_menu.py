"""Which indicators are drawn: a list with a tick for each, open until one is done with it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QLabel,
    QListWidget,
    QListWidgetItem,
    QMenu,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
    QWidgetAction,
)

from ui.desk import Desk
from ui.look import GAP, ROW, TIGHT, set_role
from ui.pages.institutions.series import MOST, USUAL

KEPT = "institutions.series"  # where the choice is kept among the settings of tables


class IndicatorMenu(QToolButton):
    """`changed` when other indicators are to be drawn. What is ticked is kept for the next time."""

    changed = Signal()

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk, self._texts = desk, desk.texts
        self._by = ""
        self._offered: dict[str, bool] = {}  # id -> whether it can be drawn by this period
        kept = desk.settings.tables.get(KEPT, {}).get("ids")
        self._ids: tuple[str, ...] = tuple(str(one) for one in kept) if isinstance(kept, list) and kept else USUAL
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setToolTip(self._texts("institutions.series.indicators_tip", most=MOST))
        inside = QWidget()
        self.list = QListWidget()
        self.list.setMinimumSize(290, 16 * ROW)
        self.list.itemChanged.connect(self._ticked)
        self.said = QLabel(wordWrap=True)
        set_role(self.said, "muted")
        self.usual = QPushButton(self._texts("institutions.series.usual"))
        self.usual.clicked.connect(lambda: self._set(USUAL))
        box = QVBoxLayout(inside)
        box.setContentsMargins(GAP, GAP, GAP, GAP)
        box.setSpacing(TIGHT)
        box.addWidget(self.list)
        box.addWidget(self.said)
        box.addWidget(self.usual)
        inside.setFocusProxy(self.list)
        menu = QMenu(self)
        action = QWidgetAction(menu)
        action.setDefaultWidget(inside)
        menu.addAction(action)
        menu.aboutToShow.connect(self.list.setFocus)
        self.setMenu(menu)

    def ids(self) -> tuple[str, ...]:
        """What is drawn, in the order of the list: what is ticked and can be had by this period."""
        return tuple(id for id in self._ids if self._offered.get(id)) or USUAL[:1]

    def offer(self, by: str) -> None:
        """Everything that is a figure of an institution; what only whole years have is offered by the year."""
        from core.analysis.indicators import BYS, INDICATORS

        if by == self._by:
            return
        self._by = by
        self._offered = {
            id: BYS.index(by) >= BYS.index(one.by)  # type: ignore[arg-type]
            for id, one in INDICATORS.items()
            if "institution" in one.scopes
        }
        first = [id for id in USUAL if id in self._offered]
        self._order = [*first, *(id for id in self._offered if id not in first)]
        self._ids = tuple(id for id in self._order if id in self._ids) or USUAL
        self._fill()

    def _fill(self) -> None:
        texts = self._texts
        self.list.blockSignals(True)
        self.list.clear()
        full = len(self.ids()) >= MOST
        for id in self._order:
            item = QListWidgetItem(texts(f"indicators.{id}.title"))
            item.setData(Qt.ItemDataRole.UserRole, id)
            item.setToolTip(texts(f"indicators.{id}.formula"))
            item.setCheckState(Qt.CheckState.Checked if id in self._ids else Qt.CheckState.Unchecked)
            if not self._offered[id]:
                item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsEnabled)
                item.setToolTip(texts("institutions.series.by_year_only"))
            elif full and id not in self._ids:
                item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsEnabled)
            self.list.addItem(item)
        self.list.blockSignals(False)
        self.said.setText(texts("institutions.series.most", most=MOST) if full else "")
        self.said.setVisible(full)
        self.setText(texts("institutions.series.indicators", count=len(self.ids())) + " ▾")

    def _ticked(self, item: QListWidgetItem) -> None:
        id = str(item.data(Qt.ItemDataRole.UserRole))
        ticked = item.checkState() == Qt.CheckState.Checked
        wanted = {*self._ids, id} if ticked else {*self._ids} - {id}
        if not wanted & {id for id, can in self._offered.items() if can}:  # one stays
            wanted = {id}
        row = self.list.currentRow()
        self._set(tuple(id for id in self._order if id in wanted))
        self.list.setCurrentRow(row)

    def _set(self, ids: tuple[str, ...]) -> None:
        self._ids = ids
        self._fill()
        self._desk.settings.tables[KEPT] = {"ids": list(ids)}
        self._desk.save()
        self.changed.emit()
