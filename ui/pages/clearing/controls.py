"""The line above the worksheet: pack and catalogue to clear by, and the buttons for what one does with a clearing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QPushButton, QWidget

from ui.look import GAP, set_role
from ui.menu_button import MenuButton
from ui.pages.clearing import sheets
from ui.pages.clearing.tabs import Choice
from ui.tabs import Choice as ChoiceField

if TYPE_CHECKING:
    from core.settlement.clearing import Run
    from core.texts import Texts
    from ui.pages.clearing.standing import Standing

RUNS_LISTED = 30
NARROW = 1040  # width under which the line leaves out its captions, and one button goes into a menu


class Controls(QWidget):
    """beside: buttons of what may stand beside the worksheet. confirming: the button of the year's confirmation."""

    pack_chosen = Signal(str)
    run_chosen = Signal(int)

    def __init__(
        self,
        texts: Texts,
        beside: Sequence[QWidget],
        confirming: QWidget,
        fill_export: Callable[[QMenu], None],
    ) -> None:
        super().__init__()
        self._texts = texts
        self._runs: tuple[Run, ...] = ()
        self._run: Run | None = None
        self.pack = ChoiceField(texts("clearing.pack"), texts("clearing.pack_tip"), 10)
        self.pack.activated.connect(lambda: self.pack_chosen.emit(self.choice().pack))
        self.catalogue = ChoiceField(texts("clearing.catalogue"), texts("clearing.catalogue_tip"), 6)
        self.clear = QPushButton(texts("clearing.clear"))
        self.clear.setProperty("primary", True)
        self.clear.setToolTip(texts("clearing.clear_tip"))
        self.moved = QPushButton(texts("clearing.moved"))
        self.moved.setToolTip(texts("clearing.moved_tip"))
        self.history = MenuButton(texts("clearing.runs"), self._fill_runs)
        self.export = MenuButton(texts("clearing.export"), fill_export)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(GAP)
        self._captions: list[QLabel] = []
        for label, widget in (("clearing.pack", self.pack), ("clearing.catalogue", self.catalogue)):
            caption = QLabel(texts(label))
            set_role(caption, "muted")
            self._captions.append(caption)
            line.addWidget(caption)
            line.addWidget(widget, 300 if widget is self.pack else 100)  # before the empty room gets any
        line.addWidget(self.clear)
        line.addStretch(1)
        for button in (self.moved, *beside, self.history, confirming, self.export):
            line.addWidget(button)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        for widget in (*self._captions, self.moved):
            widget.setVisible(self.width() >= NARROW)

    def choice(self) -> Choice:
        return Choice(str(self.pack.currentData() or ""), str(self.catalogue.currentData() or ""))

    def offer(self, standing: Standing, pack: str) -> None:
        """What may be chosen now; `pack` is, and the catalogue that was where it is still there."""
        self.pack.clear()
        for head in standing.packs:
            self.pack.addItem(head.title[self._texts.lang], head.id)
            self.pack.setItemData(self.pack.count() - 1, head.id, Qt.ItemDataRole.ToolTipRole)
        self.pack.setCurrentIndex(max(0, self.pack.findData(pack)))
        before = self.catalogue.currentData()
        self.catalogue.clear()
        self.catalogue.addItem(self._texts("clearing.catalogue_of_year"), "")
        for version in standing.catalogues:
            state = self._texts(f"catalogue.state.{version.state}")
            named = self._texts("catalogue.versions.named", name=version.name, state=state)
            self.catalogue.addItem(named, version.name)
        self.catalogue.setCurrentIndex(max(0, self.catalogue.findData(before)))

    def ask_for_catalogue(self) -> None:
        self.catalogue.setFocus()
        self.catalogue.showPopup()

    def show_runs(self, runs: tuple[Run, ...], shown: Run | None) -> None:
        self._runs, self._run = runs, shown
        self.history.setEnabled(bool(runs))

    def _fill_runs(self, menu: QMenu) -> None:
        if self.moved.isHidden():
            menu.addAction(self.moved.text(), self.moved.click)
            menu.addSeparator()
        if not self._runs:
            menu.addAction(self._texts("clearing.no_runs")).setEnabled(False)
            return
        for run in self._runs[:RUNS_LISTED]:
            entry = menu.addAction(sheets.run_words(run, self._texts))
            entry.setCheckable(True)
            entry.setChecked(self._run is not None and run.id == self._run.id)
            entry.triggered.connect(lambda _=False, number=run.id: self.run_chosen.emit(number))
