"""The cases that a figure stands on, as a table, each leading on to its own story."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QPushButton, QVBoxLayout, QWidget

from core.worksheet import column_of
from ui.asking import Asking
from ui.desk import Desk
from ui.look import GAP, TIGHT, set_role
from ui.pages.institutions.ground import Ground
from ui.table import Table

if TYPE_CHECKING:
    from core.texts import Texts
    from core.worksheet import Worksheet


class Cases(QWidget):
    """`show_cases(...)` asks and shows; `closed` when one wants back to the drawings."""

    closed = Signal()

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk, self.texts = desk, desk.texts
        self._year = 0
        self.back = QPushButton(self.texts("institutions.cases.back"))
        self.back.clicked.connect(self.closed)
        self.title = QLabel()
        set_role(self.title, "heading")
        self.formula = QLabel(wordWrap=True)
        set_role(self.formula, "muted")
        self.asking = Asking(desk, "institutions.cases")
        self.table = Table(desk)
        self.table.set_empty(self.texts("institutions.cases.none"))
        self.table.activated.connect(lambda key, _: self._open(str(key)))
        self.table.cell_menu = self._menu
        line = QHBoxLayout()
        line.setSpacing(GAP)
        line.addWidget(self.back)
        line.addWidget(self.title, 1)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(TIGHT)
        box.addLayout(line)
        box.addWidget(self.formula)
        box.addWidget(self.asking)
        box.addWidget(self.table, 1)
        self.setFocusProxy(self.table)

    def show_cases(self, id: str, code: str, fund: str, period: int, ground: Ground, title: str, formula: str) -> None:
        """period: of the series, a month, a quarter or a year."""
        self._year = int(str(period)[:4])
        self.title.setText(title)
        self.formula.setText(formula)
        self._clear()

        def work(workspace: Any, job: Any) -> Worksheet:
            from core.analysis.cases_behind import cases_behind

            found = cases_behind(
                workspace, id, code=code, fund=fund, period=period, pack=ground.pack or None,
                set_name=ground.set_name or None, progress=job,
            )  # fmt: skip
            return arranged(found, texts)

        texts = self.texts

        self.asking.ask(work, lambda sheet: self.table.set_worksheet(sheet, frozen=1), self.texts("institutions.cases.reading"))

    def forget(self) -> None:
        self.asking.drop()
        self._clear()

    def _clear(self) -> None:
        from core.worksheet import Worksheet

        self.table.set_worksheet(Worksheet("", {"zh": "", "en": ""}, (), {}, 0))

    def _menu(self, menu: QMenu, key: Any, column: str) -> None:
        menu.addAction(self.texts("institutions.cases.story"), lambda: self._story(str(key)))
        menu.addAction(self.texts("institutions.cases.calculate"), lambda: self.desk.go("packs", ("calculate", str(key))))

    def _story(self, key: str) -> None:
        self.desk.go("clearing", ("case", key), year=self._year)

    def _open(self, key: str) -> None:
        """Its story in the clearing where there is one, else the calculator with what the files say of it."""
        contents = self.desk.contents
        if contents is not None and contents.counts.get("run"):
            self._story(key)
        else:
            self.desk.go("packs", ("calculate", key))


def arranged(sheet: Worksheet, texts: Texts) -> Worksheet:
    """What the figure takes of each case right behind its number; the institution is the same in every row."""
    first = ("setl_id", "over", "under")
    columns = {one.id: one for one in sheet.columns if one.id not in ("fixmedins_code", "fixmedins_name")}
    shown = [columns[id] for id in first if id in columns] + [one for id, one in columns.items() if id not in first]
    funds = {"fund": column_of([texts(f"fund.{one}") for one in sheet.cells["fund"]], "text")}
    return replace(sheet, columns=shown, cells={**sheet.cells, **funds})
