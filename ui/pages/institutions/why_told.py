"""One attribution on screen: the waterfall, its parts as a table, what each part stands on, and the cases beneath that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from core.worksheet import text_of
from ui.asking import Asking
from ui.chart import Chart, Panel, Series
from ui.desk import Desk
from ui.look import GAP, TIGHT, grouped, set_role
from ui.pages.institutions.cases import Cases
from ui.pages.institutions.ground import Ground
from ui.table import Table
from ui.table.rows import Filter
from ui.tabs import TabRow

if TYPE_CHECKING:
    from core.analysis.attribution import Attribution, Growths
    from core.texts import Texts
    from core.worksheet import Worksheet

ENDS = ("before", "after")
VIEWS = ("parts", "beneath", "drivers")


@dataclass(frozen=True, slots=True)
class Story:
    """What is told: the waterfall as core makes it, and how to ask for more of it.

    cases: of each year. beneath: factor -> worksheet, called in a job. drivers: the groups behind a shift, None for the
    region. code: "" the region. dip_codes(group, year's place) -> that year's own code of a group, "" without one.
    """

    title: str
    sheet: Worksheet
    years: tuple[int, int]
    code: str
    fund: str
    cases: tuple[int, int]
    beneath: Callable[[str], Worksheet]
    drivers: Worksheet | None = None
    dip_codes: Callable[[str, int], str] = lambda code, _: code


def point_value_story(found: Attribution, texts: Texts) -> Story:
    from core.analysis import attribution_sheets

    return Story(
        texts("attribution.page.point_value_of", fund=texts(f"fund.{found.fund}")),
        attribution_sheets.point_value(found, texts.lang), found.years, "", found.fund,
        (int(found.pair.cells.total[0]), int(found.pair.cells.total[1])), partial(found.beneath, lang=texts.lang),
    )  # fmt: skip


def score_story(found: Growths, code: str, name: str, fund: str, texts: Texts) -> Story:
    from core.analysis import attribution_sheets

    volume = found.beneath(code, fund, "volume", texts.lang)
    groups = {one.code: one.codes for one in found.pairs[fund].cells.groups}
    return Story(
        texts("attribution.page.score_of", name=name, fund=texts(f"fund.{fund}")),
        attribution_sheets.growth(found, code, fund, texts.lang), found.years, code, fund,
        (int(volume.totals["cases_before"]), int(volume.totals["cases_after"])),  # type: ignore[call-overload]
        partial(found.beneath, code, fund, lang=texts.lang), found.drivers(code, fund, texts.lang),
        lambda group, which: groups[group][which] if group in groups else "",
    )  # fmt: skip


class Told(QWidget):
    """`tell(story, ground)`. A bar or a row of the parts, opened, shows what it stands on; a row of that its cases."""

    institution_wanted = Signal(str)
    year_wanted = Signal(int)  # its clearing

    def __init__(self, desk: Desk, place: str, orientation: Qt.Orientation) -> None:
        super().__init__()
        self.desk, self.texts, self._place = desk, desk.texts, place
        self.story: Story | None = None
        self.ground: Ground | None = None
        self.factor = ""
        self._of: tuple[str, str] | None = None  # code and factor that the table beneath shows
        self._build(orientation)

    def _build(self, orientation: Qt.Orientation) -> None:
        texts = self.texts
        self.said = QLabel(wordWrap=True)
        self.said.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.grey = QPushButton(texts("attribution.page.grey"))
        self.grey.setToolTip(texts("attribution.page.grey_tip"))
        self.grey.setCheckable(True)
        head = QHBoxLayout()
        head.setSpacing(GAP)
        head.addWidget(self.said, 1)
        head.addWidget(self.grey, 0, Qt.AlignmentFlag.AlignTop)
        self.chart = Chart(self.desk)
        self.chart.hint = texts("attribution.page.hint")
        self.grey.toggled.connect(self.chart.show_grey)
        self.chart.activated.connect(lambda _, at: self.open_factor(self._factor_at(at)))

        self.views = TabRow(texts("attribution.page.views"), {key: texts(f"attribution.page.view.{key}") for key in VIEWS})
        self.parts, self.beneath, self.drivers = Table(self.desk), Table(self.desk), Table(self.desk)
        for table in (self.parts, self.beneath, self.drivers):
            table.condition.hide()
            table.bar.insertStretch(2, 1)
            table.widest = {"dip_name": 240, "document": 240}
            table.set_empty(texts("attribution.page.nothing"))
        self.parts.activated.connect(lambda key, _: self.open_factor(str(key)))
        self.parts.current_changed.connect(lambda key, _: self._take(str(key)))
        for table in (self.beneath, self.drivers):
            table.activated.connect(lambda key, _: self._open_row(str(key)))
            table.current_changed.connect(lambda *_: self._allow())
        self.asking = Asking(self.desk, f"{self._place}.beneath")
        self.about = QLabel(wordWrap=True)
        set_role(self.about, "muted")
        self.go = [QPushButton(), QPushButton()]
        for which, button in enumerate(self.go):
            button.clicked.connect(lambda _=False, which=which: self.show_cases(which))
        line = QHBoxLayout()
        line.setSpacing(GAP)
        line.addWidget(self.views)
        line.addStretch(1)
        for button in self.go:
            line.addWidget(button)
        self.stack = QStackedWidget()
        for table in (self.parts, self.beneath, self.drivers):
            self.stack.addWidget(table)
        self.views.currentChanged.connect(self._view)
        lower = QWidget()
        box = QVBoxLayout(lower)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(TIGHT)
        box.addLayout(line)
        box.addWidget(self.asking)
        box.addWidget(self.about)
        box.addWidget(self.stack, 1)
        self.split = QSplitter(orientation)
        self.split.setChildrenCollapsible(False)
        self.split.addWidget(self.chart)
        self.split.addWidget(lower)
        self.split.setSizes([560, 620] if orientation == Qt.Orientation.Horizontal else [268, 320])
        drawn = QWidget()
        inner = QVBoxLayout(drawn)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(TIGHT)
        inner.addLayout(head)
        inner.addWidget(self.split, 1)
        self.cases = Cases(self.desk)
        self.cases.back.setText(texts("attribution.page.back"))
        self.cases.closed.connect(lambda: self.whole.setCurrentIndex(0))
        self._only = ""  # the group whose cases are wanted
        self.cases.asking.over.connect(self._narrow)
        self.whole = QStackedWidget()
        self.whole.addWidget(drawn)
        self.whole.addWidget(self.cases)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self.whole)
        self.setFocusProxy(self.parts)
        self.parts.find_field.hide()  # a dozen rows need no search
        self.forget()

    # -- what the tab says -----------------------------------------------------------------------------------------

    def tell(self, story: Story, ground: Ground) -> None:
        self.story, self.ground = story, ground
        self._of = None
        self.whole.setCurrentIndex(0)
        self.said.setText(headline(story, self.texts))
        self.chart.name = story.title
        self.chart.show_panels([panel(story, self.texts)])
        self.parts.set_worksheet(story.sheet, frozen=1)
        has_drivers = story.drivers is not None
        self.views.setTabVisible(2, has_drivers)
        if story.drivers is not None:
            self.drivers.set_worksheet(story.drivers, frozen=3)
        elif self.views.currentIndex() == 2:
            self.views.setCurrentIndex(0)
        for which, button in enumerate(self.go):
            button.setText(self.texts("attribution.page.cases", year=story.years[which]))
        factors = self._factors()
        self._take(self.factor if self.factor in factors else factors[0] if factors else "")
        self.grey.setEnabled(True)
        self._view(self.views.currentIndex())

    def forget(self) -> None:
        from core.worksheet import Worksheet

        self.story, self._of = None, None
        self.asking.drop()
        self.cases.forget()
        self.whole.setCurrentIndex(0)
        self.said.clear()
        self.chart.show_panels([])
        for table in (self.parts, self.beneath, self.drivers):
            table.set_worksheet(Worksheet("", {"zh": "", "en": ""}, (), {}, 0))
        self.grey.setEnabled(False)
        self._allow()

    # -- what the user does ----------------------------------------------------------------------------------------

    def open_factor(self, key: str) -> None:
        """What a bar stands on; of an end its year's clearing."""
        if self.story is None:
            return
        if key in ENDS:
            self.year_wanted.emit(self.story.years[ENDS.index(key)])
        elif key:
            self._take(key)
            self.views.setCurrentIndex(1)
            self._view(1)

    def show_cases(self, which: int) -> None:
        """The cases of the row in hand, of the first or the second year."""
        story, ground = self.story, self.ground
        if story is None or ground is None:
            return
        key = self._row_key()
        code, group = (story.code, key) if story.code else (key, "")
        self._only = story.dip_codes(group, which) if group else ""
        if group and not self._only:
            self.desk.say(self.texts("attribution.page.no_group", group=group, year=story.years[which]))
            return
        year = story.years[which]
        name = " ".join(part for part in (ground.name(code), self._only, self.texts("attribution.year", year=year)) if part)
        self.cases.show_cases("score", code, story.fund, year, ground, name, self.texts("attribution.page.cases_about"))
        self.whole.setCurrentIndex(1)

    def _narrow(self) -> None:
        self.cases.table.clear_all_filters()
        if self._only and self.cases.table.worksheet().rows:
            self.cases.table.set_filter("dip_code", Filter(frozenset({self._only})))

    def _open_row(self, key: str) -> None:
        """One step further down: the institution's own waterfall, or the group's page; a group of one institution: its cases."""
        story = self.story
        if story is None or not key:
            return
        if story.code:
            self.show_cases(1 if self._counts(1) else 0)
        elif self._has_institutions():
            self.institution_wanted.emit(key)
        elif self.factor == "catalogue":
            self.desk.go("catalogue", ("group", key))

    def _take(self, key: str) -> None:
        if not key or key in ENDS or (key == self.factor and self._of is not None):
            return
        self.factor = key
        self.views.setTabText(1, self.texts("attribution.page.view.beneath_of", factor=self.texts(f"attribution.factor.{key}")))
        if self.views.currentIndex() == 1:
            self._ask_beneath()

    def _view(self, number: int) -> None:
        self.stack.setCurrentIndex(number)
        if number == 1:
            self._ask_beneath()
        self._allow()

    def _ask_beneath(self) -> None:
        story, factor = self.story, self.factor
        if story is None or not factor or self._of == (story.code, factor):
            return
        self._of = (story.code, factor)

        def have(sheet: Worksheet) -> None:
            if self.story is story and self.factor == factor:
                self.beneath.set_worksheet(sheet, frozen=2)
                self._allow()

        self.asking.ask(lambda _, __: story.beneath(factor), have, self.texts("attribution.page.beneath_asked"))

    def _allow(self) -> None:
        """Which cases may be opened, and what the table under hand is."""
        number = self.views.currentIndex()
        story = self.story
        self.about.setVisible(number > 0)
        has_cases = story is not None and (bool(story.code) or self._has_institutions())
        for which, button in enumerate(self.go):
            button.setVisible(has_cases and number > 0)
            button.setEnabled(has_cases and bool(self._row_key()) and self._counts(which))
        key = "drivers" if number == 2 else "beneath"
        if story is not None and not story.code and number == 1:
            key = "beneath_region" if self.factor != "catalogue" else "beneath_groups"
            key = "beneath_lines" if not self._has_institutions() and self.factor != "catalogue" else key
        self.about.setText(self.texts(f"attribution.page.about.{key}") if story is not None else "")

    def _has_institutions(self) -> bool:
        return "fixmedins_code" in self.beneath.worksheet().cells

    def _table(self) -> Table:
        return self.drivers if self.views.currentIndex() == 2 else self.beneath

    def _counts(self, which: int) -> bool:
        """Whether the row in hand has cases in that year; money is not counted in cases."""
        table = self._table()
        counts = table.worksheet().cells.get(f"cases_{ENDS[which]}")
        return counts is None or bool(counts[table.current_row()])

    def _row_key(self) -> str:
        table = self._table()
        row, keys = table.current_row(), table.worksheet().keys
        return str(keys[row]) if row >= 0 and keys is not None and row < len(keys) else ""

    def _factors(self) -> list[str]:
        keys = self.story.sheet.keys if self.story is not None else None
        return [str(key) for key in keys if key not in ENDS] if keys is not None else []

    def _factor_at(self, position: int) -> str:
        keys = self.story.sheet.keys if self.story is not None else None
        return str(keys[position]) if keys is not None and position < len(keys) else ""


def panel(story: Story, texts: Texts) -> Panel:
    """The waterfall's panel: both ends in full, every part with its sign."""
    sheet = story.sheet
    column = next(one for one in sheet.columns if one.id == "amount")
    assert sheet.keys is not None
    written: list[str] = []
    for key, value in zip(sheet.keys, sheet.cells["amount"], strict=True):
        sign = "+" if key not in ENDS and value > 0 else ""
        written.append(sign + grouped(text_of(column, value)).replace("\N{MINUS SIGN}", "-"))
    before, after = story.years
    return Panel(
        story.title,
        texts(f"unit.{column.unit}"),
        texts("attribution.page.period", before=before, after=after),
        None,
        [Series(texts("attribution.page.change"), [float(one) for one in sheet.cells["amount"]], "waterfall", texts=written)],
        x=[str(one) for one in sheet.cells["factor"]],
        places=column.places or 0,
        note=texts(
            "attribution.page.of_cases", before=before, after=after, cases_before=f"{story.cases[0]:,}",
            cases_after=f"{story.cases[1]:,}",
        ),
        lying=True,
    )  # fmt: skip


def headline(story: Story, texts: Texts) -> str:
    """From what to what, and which parts weighed most either way."""
    sheet = story.sheet
    column = next(one for one in sheet.columns if one.id == "amount")
    assert sheet.keys is not None
    amounts: Sequence[Fraction] = sheet.cells["amount"]  # type: ignore[assignment]
    rows = [row for row, key in enumerate(sheet.keys) if key not in ENDS]

    def told(row: int) -> str:
        sign = "+" if amounts[row] > 0 else ""
        return f"{sheet.cells['factor'][row]} {sign}{grouped(text_of(column, amounts[row]))}"

    share = sheet.cells["of_before"][sheet.rows - 1]
    said = [
        texts(
            "attribution.page.headline", title=story.title, before=grouped(text_of(column, amounts[0])),
            after=grouped(text_of(column, amounts[-1])), unit=texts(f"unit.{column.unit}"),
        )
    ]  # fmt: skip
    if share is not None:
        percent = next(one for one in sheet.columns if one.id == "of_before")
        sign = "+" if share > 0 else ""
        said.append(texts("attribution.page.headline_share", share=f"{sign}{grouped(text_of(percent, share))}"))
    for key, own in (
        ("up", [row for row in rows if amounts[row] > 0]), ("down", [row for row in rows if amounts[row] < 0])
    ):  # fmt: skip
        own.sort(key=lambda row: -abs(amounts[row]))
        if own:
            said.append(texts(f"attribution.page.headline_{key}", factors=texts.listed(told(row) for row in own[:2])))
    return (" " if texts.lang == "en" else "").join(said)
