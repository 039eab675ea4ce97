"""The league: institutions by score, the growth of both funds side by side; two clicks lay two of them side by side."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QMenu, QPushButton, QVBoxLayout, QWidget

from ui.asking import Asking
from ui.desk import Changes, Desk
from ui.look import GAP, TIGHT, set_role
from ui.pages.institutions.ground import Ground
from ui.pages.institutions.league_table import LeagueTable
from ui.table.rows import Filter

if TYPE_CHECKING:
    from core.worksheet import Worksheet

NARROWED = ("level", "county")
MOST = 6  # institutions side by side


class LeagueTab(QWidget):
    wanted = Signal(str, str, str)

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk, self.texts = desk, desk.texts
        self._shown: tuple[object, ...] | None = None
        self.taken: str | None = None  # the first of a pair
        self._build()

    def _build(self) -> None:
        texts = self.texts
        self.fields: dict[str, QComboBox] = {}
        line = QHBoxLayout()
        line.setSpacing(GAP)
        for key in NARROWED:
            caption = QLabel(texts(f"institutions.league.{key}"))
            set_role(caption, "muted")
            field = self.fields[key] = QComboBox()
            field.setAccessibleName(texts(f"institutions.league.{key}"))
            field.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
            field.activated.connect(lambda _, key=key: self._narrow(key))
            line.addWidget(caption)
            line.addWidget(field)
        self.said = QLabel(texts("institutions.league.pick_tip"))
        set_role(self.said, "muted")
        self.drop = QPushButton(texts("institutions.league.pick_drop"))
        self.drop.clicked.connect(lambda: self._take(None))
        self.drop.hide()
        self.compare = QPushButton()
        self.compare.clicked.connect(self._compare_selected)
        self.compare.hide()
        line.addSpacing(GAP)
        line.addWidget(self.said, 1)
        line.addWidget(self.drop)
        line.addWidget(self.compare)
        self.asking = Asking(self.desk, "institutions.league")
        self.table = LeagueTable(self.desk)
        self.table.set_empty(texts("institutions.league.nothing"))
        self.table.activated.connect(self._open)
        self.table.picked.connect(lambda key: self._pick(str(key)))
        self.table.cell_menu = self._menu
        self.table.grid.selectionModel().selectionChanged.connect(lambda *_: self._selected())
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(TIGHT)
        box.addLayout(line)
        box.addWidget(self.asking)
        box.addWidget(self.table, 1)
        self.setFocusProxy(self.table)

    # -- what the page says ----------------------------------------------------------------------------------------

    def show_ground(self, ground: Ground) -> None:
        key = (ground.generation, ground.year, ground.pack, ground.set_name)
        if key == self._shown:
            return
        texts, set_name = self.texts, ground.set_name or None
        if not ground.pack:
            self._shown = None
            self._clear()
            self.asking.tell(texts("institutions.pack_needed"))
            return
        if ground.year not in ground.years:
            self._shown = None
            self._clear()
            self.asking.tell(texts("institutions.year_without_cases", year=ground.year))
            return
        self._shown = key

        def work(workspace: Any, job: Any) -> tuple[Worksheet, str]:
            from core.analysis import league
            from core.analysis.indicators import names_of
            from core.analysis.measures import monthly

            names = names_of(("score", "score_growth", *league.INDICATORS_SHOWN))
            years = (ground.year - 1, ground.year)
            found = monthly(workspace, years, names, job, pack=ground.pack, set_name=set_name)
            sheet = league.sheet_of(found, ground.year, "", texts, job)
            why = league.why_empty(found, ground.year)
            return ordered(sheet), texts("list.sentences").join(texts.finding(one) for one in why)

        self.asking.ask(work, self._have, texts("institutions.league.reading"))

    def settled(self, changes: Changes) -> None:
        if changes.workspace:
            self._shown = None
            self.asking.drop()
            self._clear()

    def _clear(self) -> None:
        from core.worksheet import Worksheet

        self._take(None)
        self.table.set_worksheet(Worksheet("", {"zh": "", "en": ""}, (), {}, 0))

    def _have(self, both: tuple[Worksheet, str]) -> None:
        sheet, why = both
        if why:
            self.asking.tell(why)
        self.taken = None
        self._say_taken()
        self.table.show_league(sheet, [one.id for one in sheet.columns if "growth" in one.id], frozen=1)
        for key, field in self.fields.items():
            kept = field.currentData()
            field.clear()
            field.addItem(self.texts("institutions.league.all"), "")
            for value in dict.fromkeys(sorted(str(cell) for cell in sheet.cells[key] if cell)):
                field.addItem(value, value)
            field.setCurrentIndex(max(0, field.findData(kept)))
            self._narrow(key)
        self._selected()

    # -- what the user does ----------------------------------------------------------------------------------------

    def _narrow(self, key: str) -> None:
        value = self.fields[key].currentData()
        self.table.set_filter(key, Filter(frozenset({str(value)})) if value else None)

    def _open(self, key: object, column: str) -> None:
        self.wanted.emit("institution", str(key), "")

    def _pick(self, code: str) -> None:
        """The first click takes one, the second lays both side by side; the same again lets go of it."""
        if self.taken is None:
            self._take(code)
        elif code == self.taken:
            self._take(None)
        else:
            first = self.taken
            self._take(None)
            self.desk.go("comparison", ("codes", (first, code)))

    def _take(self, code: str | None) -> None:
        if code != self.taken:
            self.taken = code
            self.table.say_pick(code)
        self._say_taken()

    def _say_taken(self) -> None:
        texts = self.texts
        set_role(self.said, "muted" if self.taken is None else "")
        self.said.setText(
            texts("institutions.league.pick_tip") if self.taken is None
            else texts("institutions.league.pick_other", name=self._name(self.taken))
        )  # fmt: skip
        self.drop.setVisible(self.taken is not None)

    def _name(self, code: str) -> str:
        sheet = self.table.worksheet()
        assert sheet.keys is not None
        rows = [row for row, key in enumerate(sheet.keys) if key == code]
        return str(sheet.cells["fixmedins_name"][rows[0]]) if rows else code

    def _codes(self) -> list[str]:
        keys = self.table.worksheet().keys
        return [] if keys is None else [str(keys[row]) for row in self.table.selected_rows()]

    def _selected(self) -> None:
        many = len(self._codes())
        self.compare.setVisible(2 <= many <= MOST)
        self.compare.setText(self.texts("institutions.league.compare", count=many))

    def _compare_selected(self) -> None:
        self.desk.go("comparison", ("codes", tuple(self._codes())))

    def _menu(self, menu: QMenu, key: Any, column: str) -> None:
        texts, code = self.texts, str(key)
        menu.addAction(texts("institutions.league.open"), lambda: self.wanted.emit("institution", code, ""))
        menu.addAction(texts("institutions.league.why"), lambda: self.wanted.emit("why", code, self.desk.fund))
        menu.addAction(texts("institutions.league.take"), lambda: self._pick(code))
        codes = self._codes()
        if 2 <= len(codes) <= MOST:
            menu.addAction(texts("institutions.league.compare", count=len(codes)), self._compare_selected)
        menu.addAction(texts("institutions.league.clearing"), lambda: self.desk.go("clearing", ("institution", code)))


def ordered(sheet: Worksheet) -> Worksheet:
    """The columns as one reads them: who it is, scores and growths, the rest; the code behind the scores."""
    columns = {one.id: one for one in sheet.columns}
    code = columns.pop("fixmedins_code")
    shown = list(columns.values())
    at = max(place for place, one in enumerate(shown) if one.id.endswith("_growth")) + 1
    return replace(sheet, columns=[*shown[:at], code, *shown[at:]])
