"""The tables of a comparison: its indicators, and the disease groups that the institutions share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QLabel, QMenu, QVBoxLayout, QWidget

from ui.desk import Desk
from ui.look import TIGHT, set_role
from ui.pages.comparison.marked import BEST, WORST, MarkedTable
from ui.table import Table

if TYPE_CHECKING:
    from core.analysis.comparison import Comparison
    from core.worksheet import Worksheet

# Of which indicators anybody would say which end is better. Of the others nobody is marked: more cases are not better,
# and what a high share of surgery says depends on the hospital.
BETTER = {
    **dict.fromkeys(("cmi", "grouped_rate"), "more"),
    **dict.fromkeys(
        ("mean_cost", "mean_stay", "burden", "burden_share", "self_pay_share", "own_expense_share", "time_index", "cost_index",
         "ungrouped_share", "deviating_share", "high_share", "low_share", "drug_share", "consumable_share", "readmission_14",
         "readmission_30"), "less",
    ),
}  # fmt: skip
# Columns of the shared groups, in the order in which they are read: a figure of everybody, then the next.
FIGURES = ("cases", "mean", "stay", "cv", "p50", "p25", "p75")


@dataclass(frozen=True, slots=True)
class Shown:
    """A comparison with its tables, made in the job."""

    comparison: Comparison
    indicators: Worksheet
    groups: Worksheet


def made(comparison: Comparison, texts: Any, least: int) -> Shown:
    """In a job."""
    sheet = comparison.groups(texts, least)
    place = {name: at for at, name in enumerate(FIGURES)}
    columns = sorted(sheet.columns, key=lambda column: place.get(column.id.partition("_")[0], -1))
    columns.sort(key=lambda column: column.id == "shared_by")
    return Shown(comparison, comparison.indicators(texts), replace(sheet, columns=columns))


class View(QWidget):
    """One tab of the page."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk, self.texts = desk, desk.texts

    def put(self, shown: Shown) -> None:
        raise NotImplementedError

    def table_shown(self) -> Table | None:
        """What is exported of it."""
        return None


def _banded(
    comparison: Comparison, sheet: Worksheet, bands: dict[str, str], texts: Any
) -> tuple[dict[str, str], dict[str, str]]:
    """Bands and short headings of columns whose ids begin with a band's name and go on with whose they are."""
    names = {one.code: one.name for one in comparison.institutions}
    names |= {key.replace(".", ""): texts(f"comparison.side.{key}") for key in comparison.beyond}
    groups: dict[str, str] = {}
    short: dict[str, str] = {}
    for column in sheet.columns:
        band, _, rest = column.id.partition("_")
        whose = rest.partition("_")[0]
        if band in bands and whose:
            groups[column.id] = bands[band]
            if whose in names:
                short[column.id] = names[whose]
    return groups, short


class IndicatorsView(View):
    """A row an indicator; beneath the table what the current one means and where it comes from."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        texts = self.texts
        self.shown: Shown | None = None
        self.table = MarkedTable(desk)
        self.table.widest = {"indicator": 230, "note": 420}
        self.table.current_changed.connect(lambda key, _: self._explain(str(key)))
        self.table.arranged.connect(lambda: self._explain(""))
        self.table.cell_menu = self._menu
        self.table.activated.connect(lambda key, column: self._open_cases(str(key), column))
        self.legend = QLabel(texts("comparison.legend"))
        self.legend.setToolTip(texts("comparison.legend_tip"))
        set_role(self.legend, "muted")
        self.about = QLabel(texts("comparison.pick_indicator"), wordWrap=True)
        self.about.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.about.setMinimumHeight(2 * self.about.fontMetrics().lineSpacing() + TIGHT)
        self.about.setAlignment(Qt.AlignmentFlag.AlignTop)
        set_role(self.about, "muted")
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(TIGHT)
        box.addWidget(self.table, 1)
        box.addWidget(self.legend)
        box.addWidget(self.about)
        self.setFocusProxy(self.table)

    def put(self, shown: Shown) -> None:
        from core.analysis.indicators import INDICATORS

        found, texts = shown.comparison, self.texts
        self.shown = shown
        first = found.institutions[0].name
        bands = {
            "value": texts("comparison.band.value"), "against": texts("comparison.band.against", name=first),
            "beside": texts("comparison.band.beside"), "rank": texts("comparison.band.rank"),
            "place": texts("comparison.band.place"),
        }  # fmt: skip
        groups, short = _banded(found, shown.indicators, bands, texts)
        means = {f"value_{key.replace('.', '')}" for key in found.beyond}
        self.table.mark(
            signs_of(found),
            {
                (id, column.id): mean_places(found, id) if column.id in means or column.id.startswith("beside_") else places
                for id in found.ids
                for places in (INDICATORS[id].places,)
                for column in shown.indicators.columns
            },
        )
        self.table.set_worksheet(shown.indicators, frozen=2, groups=groups, short=short)

    def table_shown(self) -> Table:
        return self.table

    def _explain(self, id: str) -> None:
        texts = self.texts
        if not id or not texts.has(f"indicators.{id}.title"):
            self.about.setText(texts("comparison.pick_indicator"))
            return
        parts = [texts(f"indicators.{id}.{what}") for what in ("title", "formula", "source")]
        self.about.setText(texts("comparison.indicator", title=parts[0], formula=parts[1], source=parts[2]))

    def _menu(self, menu: QMenu, key: object, column: str) -> None:
        code = self._code(column)
        if not code:
            return
        if self._has_cases(str(key), code):
            menu.addAction(self.texts("comparison.open_cases"), lambda: self._open_cases(str(key), column))
        menu.addAction(self.texts("comparison.open"), lambda: self.desk.go("institutions", ("institution", code)))

    def _code(self, column: str) -> str:
        """The institution whose figures stand in a column; "" of all other columns."""
        codes = self.shown.comparison.codes if self.shown is not None else ()
        return next((code for code in codes if column == f"value_{code}"), "")

    def _has_cases(self, id: str, code: str) -> bool:
        from core.analysis.cases_behind import has_cases

        return self.shown is not None and has_cases(id) and self.shown.comparison.value(id, code) is not None

    def _open_cases(self, id: str, column: str) -> None:
        code = self._code(column)
        if self.shown is not None and code and self._has_cases(id, code):
            found = self.shown.comparison
            self.desk.go("institutions", ("cases", code, id, found.fund, found.year))


def mean_places(found: Comparison, id: str) -> int:
    """Decimals of a level's or the region's figure: the mean of counts over hospitals is no count."""
    from core.analysis.indicators import INDICATORS

    places = INDICATORS[id].places
    return places + (not places and id in found.plain)


def signs_of(found: Comparison) -> dict[tuple[object, str], str]:
    """The best and the worst institution of each indicator of which anybody would say which is better; nobody where all
    are equal, or fewer than two have the figure."""
    signs: dict[tuple[object, str], str] = {}
    for id in found.ids:
        better = BETTER.get(id)
        told: dict[str, Fraction] = {
            code: value for code in found.codes if (value := found.value(id, code)) is not None
        }
        if better is None or len(set(told.values())) < 2:
            continue
        most, least = max(told.values()), min(told.values())
        for code, value in told.items():
            if value in (most, least):
                signs[id, f"value_{code}"] = BEST if (value == most) is (better == "more") else WORST
    return signs


class GroupsView(View):
    """A row a disease group; double click or Enter opens its page in the catalogue."""

    least_changed = Signal()

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        texts = self.texts
        self.table = MarkedTable(desk)
        self.table.widest = {"dip_name": 240}
        self.table.set_empty(texts("comparison.no_shared"))
        self.table.activated.connect(lambda key, _: self._open(str(key)))
        self.table.cell_menu = self._menu
        self.least = QComboBox(sizeAdjustPolicy=QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.least.setAccessibleName(texts("comparison.least"))
        self.least.setToolTip(texts("comparison.least_tip"))
        self.least.activated.connect(lambda _: self.least_changed.emit())
        self._many = 0
        self.table.add_tool(self.least, 0)
        hint = QLabel(texts("comparison.groups_hint"), wordWrap=True)
        set_role(hint, "muted")
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(TIGHT)
        box.addWidget(self.table, 1)
        box.addWidget(hint)
        self.setFocusProxy(self.table)

    def ready(self, many: int) -> int:
        """So many are compared now: how many of them must treat a group for it to be listed."""
        if many != self._many:
            self._many = many
            self.least.clear()
            for least in range(many, 1, -1):
                key = "comparison.least_all" if least == many else "comparison.least_some"
                self.least.addItem(self.texts(key, count=least), least)
            self.least.addItem(self.texts("comparison.least_one"), 1)
            self.least.setCurrentIndex(self.least.findData(2))
        return int(self.least.currentData())

    def put(self, shown: Shown) -> None:
        texts = self.texts
        bands = {name: texts(f"comparison.band.{name}") for name in FIGURES}
        groups, short = _banded(shown.comparison, shown.groups, bands, texts)
        for key in shown.comparison.beyond:  # cases of a level are all of them, no mean
            short[f"cases_{key.replace('.', '')}"] = texts(f"comparison.whole.{key}")
        self.table.set_worksheet(shown.groups, frozen=2, groups=groups, short=short)

    def table_shown(self) -> Table:
        return self.table

    def _open(self, code: str) -> None:
        if code:
            self.desk.go("catalogue", ("group", code))

    def _menu(self, menu: QMenu, key: object, column: str) -> None:
        menu.addAction(self.texts("comparison.open_group"), lambda: self._open(str(key)))
