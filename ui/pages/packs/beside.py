"""Packs side by side: the year on the desk cleared under each, where they part, and by which rule and document."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from core.faults import Cancelled
from ui.asking import Asking
from ui.desk import FUNDS, Changes, Desk
from ui.dialogs import Empty, documents
from ui.look import GAP, TIGHT, set_role
from ui.splits import side_by_side
from ui.table import Table
from ui.tabs import TabRow

if TYPE_CHECKING:
    from core.rules.packs import PackHead
    from core.settlement.packs_beside import Beside
    from core.worksheet import Worksheet

VIEWS = ("reasons", "chain", "cases", "institutions")
FIGURES = ("due", "final", "score", "gross", "after_share", "surplus")
MOST = 6
READ = (
    "cases", "batch", "institution", "catalogue", "auxiliary", "reference_mean", "coefficient", "coefficient_set", "budget",
    "payment", "deduction", "assessment", "special_case", "operation", "rule_pack",
)  # fmt: skip


class BesidePanel(QWidget):
    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk, self.texts = desk, desk.texts
        self.found: Beside | None = None
        self._heads: tuple[PackHead, ...] = ()
        self._build()

    def _build(self) -> None:
        texts = self.texts
        self.list = QListWidget()
        self.list.setAccessibleName(texts("packs.list"))
        self.list.setWordWrap(True)
        self.list.itemChanged.connect(lambda _: self._ready())
        self.go = QPushButton(texts("packs.beside.go"))
        self.go.setProperty("primary", True)
        self.go.clicked.connect(self.compare)
        self.about = QLabel(texts("packs.beside.about"), wordWrap=True)
        set_role(self.about, "muted")
        left = QWidget()
        box = QVBoxLayout(left)
        box.setContentsMargins(0, 0, GAP, 0)
        box.setSpacing(TIGHT)
        box.addWidget(self.about)
        box.addWidget(self.list, 1)
        box.addWidget(self.go)
        self.asking = Asking(self.desk, "packs.beside")
        self.said = QLabel(wordWrap=True)
        self.said.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.views = TabRow("", {view: texts(f"packs.beside.view.{view}") for view in VIEWS})
        self.views.currentChanged.connect(lambda _: self._show())
        self.fund = QComboBox()
        self.fund.addItem(texts("packs.beside.both"), "")
        for fund in FUNDS:
            self.fund.addItem(texts(f"fund.{fund}"), fund)
        self.fund.activated.connect(lambda _: self._show())
        self.fund.setAccessibleName(texts("packs.calc.fund"))
        self.figure = QComboBox()
        self.figure.setAccessibleName(texts("packs.beside.figure"))
        self.figure.activated.connect(lambda _: self._show())
        self.export = QPushButton(texts("packs.beside.export"))
        self.export.clicked.connect(self._export)
        line = QHBoxLayout()
        line.setSpacing(GAP)
        line.addWidget(self.views)
        line.addStretch(1)
        for widget in (self.figure, self.fund, self.export):
            line.addWidget(widget)
        self.table = Table(self.desk)
        self.table.widest = {"step": 380, "how": 380}
        right = QWidget()
        box = QVBoxLayout(right)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(TIGHT)
        box.addWidget(self.asking)
        box.addWidget(self.said)
        box.addLayout(line)
        box.addWidget(self.table, 1)
        box.addStretch(0)
        split = side_by_side(left, right, sizes=(280, 900), stretch=(0, 1))
        self.split = split
        self.empty = Empty(self.desk, "packs")
        self.empty.pressed.connect(self._empty_pressed)
        self.stack = QStackedWidget()
        self.stack.addWidget(split)
        self.stack.addWidget(self.empty)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self.stack)
        self.setFocusProxy(self.list)

    # -- what the page says ----------------------------------------------------------------------------------------

    def refresh(self, changes: Changes | None = None) -> None:
        texts, contents = self.texts, self.desk.contents
        if contents is None or not contents.cases or self.desk.year is None:
            missing = texts("packs.beside.no_workspace" if contents is None else "packs.beside.no_cases")
            self.empty.say(
                texts("packs.tab.beside"), texts("packs.beside.holds"), missing,
                texts("pages.to_start" if contents is None else "packs.beside.to_data"),
            )  # fmt: skip
            self.stack.setCurrentWidget(self.empty)
            return
        self.stack.setCurrentWidget(self.split)
        if changes is None or changes.workspace or changes.choices or changes.touches(*READ):
            self._forget()
        if not self._heads or changes is None or changes.workspace or changes.touches("rule_pack"):
            year = self.desk.year
            self.desk.ask(
                lambda workspace, _: _heads(workspace, year), self._have_heads, place="packs.beside.packs",
                title=texts("packs.reading"),
            )  # fmt: skip

    def chosen(self) -> list[str]:
        """Ids in the order of the list; the first is what the others are held against."""
        items = [self.list.item(row) for row in range(self.list.count())]
        return [item.data(Qt.ItemDataRole.UserRole) for item in items if item.checkState() == Qt.CheckState.Checked]

    def choose(self, ids: list[str]) -> None:
        for row in range(self.list.count()):
            item = self.list.item(row)
            on = item.data(Qt.ItemDataRole.UserRole) in ids
            item.setCheckState(Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)

    def compare(self) -> None:
        ids, year = self.chosen(), self.desk.year
        if year is None or not self.go.isEnabled():
            return
        set_name = self.desk.set_name or None

        def work(workspace: Any, job: Any) -> Beside:
            from core.settlement.packs_beside import beside

            return beside(workspace, year, ids, set_name=set_name, progress=job)

        self._forget()
        self.asking.ask(work, self._have, self.texts("packs.beside.asking"))

    def _have_heads(self, both: tuple[tuple[PackHead, ...], str]) -> None:
        heads, usual = both
        kept = self.chosen() or [usual]
        self._heads = tuple(sorted(heads, key=lambda head: (head.id != usual, not head.own, head.id)))
        self.list.blockSignals(True)
        self.list.clear()
        for head in self._heads:
            item = QListWidgetItem(f"{head.title[self.texts.lang]}\n{head.id}")
            item.setData(Qt.ItemDataRole.UserRole, head.id)
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            item.setCheckState(Qt.CheckState.Checked if head.id in kept else Qt.CheckState.Unchecked)
            self.list.addItem(item)
        self.list.blockSignals(False)
        self._ready()

    def _have(self, found: Beside) -> None:
        from core.settlement.packs_beside_sheets import told

        self.found = found
        texts = self.texts
        lines = [told(found, fund, i, texts) for i in range(1, len(found.packs)) for fund in found.funds]
        self.said.setText("\n".join(lines))
        self.figure.clear()
        for name in FIGURES:
            if found.packs[0].find("institution", name) is not None:
                self.figure.addItem(found.packs[0].title_of("institution", name)[texts.lang], name)
        self._show()

    def _show(self) -> None:
        view = VIEWS[self.views.currentIndex()]
        self.figure.setVisible(view == "institutions" and self.found is not None)
        self.export.setEnabled(self.found is not None)
        if self.found is None:
            return
        self.table.show()
        sheet = self._sheet(view)
        self.table.set_empty(self.texts("packs.beside.nothing"))
        self.table.set_worksheet(sheet, frozen={"reasons": 2, "chain": 3, "cases": 2, "institutions": 3}[view])

    def _sheet(self, view: str) -> Worksheet:
        from core.settlement import packs_beside_sheets as sheets

        assert self.found is not None
        lang, fund = self.texts.lang, str(self.fund.currentData())
        if view == "institutions":
            return sheets.institutions(self.found, lang, fund, str(self.figure.currentData() or "due"))
        return {"reasons": sheets.reasons, "chain": sheets.chain, "cases": sheets.cases}[view](self.found, lang, fund)

    def _forget(self) -> None:
        self.found = None
        self.asking.drop()
        self.said.setText(self.texts("packs.beside.start"))
        self.table.hide()
        self._show()

    def _ready(self) -> None:
        count = len(self.chosen())
        self.go.setEnabled(2 <= count <= MOST)
        self.go.setToolTip("" if self.go.isEnabled() else self.texts("packs.beside.how_many", most=MOST))

    def _export(self) -> None:
        found, texts = self.found, self.texts
        if found is None:
            return
        name = texts("packs.beside.file", year=found.year)
        path, _ = QFileDialog.getSaveFileName(
            self, texts("packs.beside.export"), str(documents() / f"{name}.xlsx"), texts("packs.beside.files")
        )
        if path:
            self.export_to(path if path.lower().endswith(".xlsx") else f"{path}.xlsx")

    def export_to(self, path: str | Path) -> None:
        """All tables of the comparison, one sheet each."""
        found, texts, path = self.found, self.texts, Path(path)
        if found is None:
            return
        synthetic = bool(getattr(self.desk.workspace, "synthetic", False))

        def work(_: object, job: Any) -> Path:
            from core.export import tables
            from core.settlement.packs_beside_sheets import worksheets

            tables.worksheets_xlsx(worksheets(found, texts.lang), path, texts.lang, job, synthetic)
            return path

        def failed(error: Exception) -> None:
            if not isinstance(error, Cancelled):
                self.asking.wrong(error)

        self.desk.ask(
            work, lambda done: self.desk.say(texts("packs.beside.exported", path=str(done))), failed=failed,
            place="packs.beside.export", title=texts("packs.beside.exporting"),
        )  # fmt: skip

    def _empty_pressed(self) -> None:
        self.desk.go("start" if self.desk.contents is None else "data")


def _heads(workspace: Any, year: int) -> tuple[tuple[PackHead, ...], str]:
    from core.settlement import own_packs
    from core.settlement.usual_pack import usual

    return tuple(head for head in own_packs.available(workspace) if not head.abstract), usual(workspace, year)
