"""A group's page: definition, history over versions and years, spread, institutions, auxiliary bands, cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from html import escape
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QScrollArea,
    QSizePolicy,
    QSplitter,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from core.faults import Fault
from core.money import plain
from core.texts import Texts
from core.worksheet import Worksheet
from ui.chart import Chart, Mark, Panel, Series, prepare
from ui.desk import Changes, Desk
from ui.dialogs import words
from ui.look import GAP, TIGHT, amount, count, grouped, set_role
from ui.table import Table
from ui.tabs import TabRow

if TYPE_CHECKING:
    from core.analysis.group_profile import GroupProfile, HistoryLine, Spread
    from core.catalogue.entries import Entry

TABS = ("overview", "spread", "institutions", "bands", "cases")
CHART = 168  # height of a small drawing
LINE = 8  # space between two facts of the definition


@dataclass(frozen=True, slots=True)
class Page:
    """A group as read: its profile, and the tables of it."""

    profile: GroupProfile
    sheets: dict[str, Worksheet]
    operations: dict[str, str]  # code -> name


class GroupPanel(QWidget):
    """See the module. `wanted` asks for another group's page: version, dip_code."""

    closed = Signal()
    wanted = Signal(str, str)
    widened = Signal(bool)

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk, self._texts = desk, desk.texts
        self.shown: tuple[str, str] | None = None
        self.page: Page | None = None
        self._year: int | None = None  # what the user chose on this page; None: the page's own
        self._cases_of: tuple[str, str, int] | None = None
        self._wide = False
        self.setMinimumWidth(330)
        self._build()

    # Building.

    def _build(self) -> None:
        texts = self._texts
        self.code = QLabel()
        set_role(self.code, "heading")
        self.code.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.code.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.name = QLabel(wordWrap=True)
        self.name.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.kind = QLabel(wordWrap=True)
        set_role(self.kind, "muted")
        self.widen = self._tool("catalogue.group.widen", "widen", lambda: self.widened.emit(not self._wide))
        self.close_button = self._tool("catalogue.group.close", "close", self.closed.emit)
        head = QHBoxLayout()
        head.setSpacing(TIGHT)
        head.addWidget(self.code, 1)
        self.year = QComboBox()
        self.year.setAccessibleName(texts("catalogue.group.year"))
        self.year.setToolTip(texts("catalogue.group.year_tip"))
        self.year.activated.connect(self._year_chosen)
        self.year.hide()
        for widget in (self.year, self.widen, self.close_button):
            head.addWidget(widget)
        self.tabs = TabRow(texts("catalogue.group.tabs"), {key: texts(f"catalogue.group.tab.{key}") for key in TABS})
        self.tabs.setUsesScrollButtons(True)
        self.stack = QStackedWidget()
        self.waiting = QLabel(alignment=Qt.AlignmentFlag.AlignCenter, wordWrap=True)
        set_role(self.waiting, "muted")
        self.stack.addWidget(self.waiting)
        made = (self._overview(), self._spread(), *(self._table(key) for key in ("institutions", "bands", "cases")))
        for widget in made:
            self.stack.addWidget(widget)
        self.institutions.activated.connect(lambda key, _: self._desk.go("clearing", ("institution", str(key))))
        self.cases.activated.connect(lambda key, _: self._case(str(key)))
        self.cases.cell_menu = self._case_menu
        self.bands.set_empty(texts("catalogue.group.no_bands"))
        for table in (self.institutions, self.cases):
            table.set_empty(texts("catalogue.group.no_cases"))
        self.tabs.currentChanged.connect(self._show_tab)
        box = QVBoxLayout(self)
        box.setContentsMargins(GAP, 0, 0, 0)
        box.setSpacing(TIGHT)
        box.addLayout(head)
        box.addWidget(self.name)
        box.addWidget(self.kind)
        box.addWidget(self.tabs)
        box.addWidget(self.stack, 1)
        self.setFocusProxy(self.tabs)
        self._desk.look.changed.connect(self._say)

    def _tool(self, key: str, icon: str, then: Any) -> QToolButton:
        button = QToolButton()
        button.setIcon(self._desk.look.icon(icon, "muted"))
        button.setToolTip(self._texts(key))
        button.setAccessibleName(self._texts(key))
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        button.clicked.connect(lambda: then())
        return button

    def _overview(self) -> QWidget:
        inside = QWidget()
        box = QVBoxLayout(inside)
        box.setContentsMargins(0, TIGHT, GAP, 0)
        box.setSpacing(GAP)
        self.definition = QLabel(wordWrap=True)
        self.definition.setTextFormat(Qt.TextFormat.RichText)
        self.definition.setTextInteractionFlags(Qt.TextInteractionFlag.TextBrowserInteraction)
        self.definition.linkActivated.connect(self._follow)
        self.past = QLabel(wordWrap=True)
        self.past.setTextFormat(Qt.TextFormat.RichText)
        self.past.setTextInteractionFlags(Qt.TextInteractionFlag.TextBrowserInteraction)
        self.past.linkActivated.connect(self._follow)
        self.trend = Chart(self._desk)
        self.trend.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        box.addWidget(self.definition)
        box.addWidget(self.past)
        box.addWidget(self.trend)
        box.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidget(inside)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        inside.setAutoFillBackground(False)
        scroll.viewport().setAutoFillBackground(False)
        return scroll

    def _spread(self) -> QWidget:
        split = QSplitter(Qt.Orientation.Vertical)
        split.setChildrenCollapsible(False)
        self.histogram = Chart(self._desk)
        self.years = Table(self._desk)
        self.years.set_empty(self._texts("catalogue.group.no_cases"))
        split.addWidget(self.histogram)
        split.addWidget(self.years)
        split.setSizes([260, 200])
        return split

    def _table(self, key: str) -> QWidget:
        table = Table(self._desk)
        setattr(self, key, table)
        return table

    institutions: Table
    bands: Table
    cases: Table

    # What the browser says.

    def show_group(self, version: str, dip_code: str) -> None:
        if (version, dip_code) == self.shown and self.page is not None:
            return
        if self.shown is None or self.shown[1] != dip_code:
            self._year = None
        self.shown = (version, dip_code)
        self._ask()

    def refresh(self, changes: Changes | None) -> None:
        """The data or the choices are different; amounts in 万元 or the theme need only be said anew."""
        if self.shown is None or not self.isVisibleTo(self.parentWidget()):
            self.forget()
        elif changes is None or changes.workspace or changes.tables or changes.choices:
            self._ask()
        elif changes.display:
            self._say()

    def forget(self) -> None:
        self.shown, self.page, self._cases_of = None, None, None
        self._desk.jobs.drop("catalogue.group")
        self._desk.jobs.drop("catalogue.cases")

    def set_wide(self, wide: bool) -> None:
        """Over the whole tab, or beside the table."""
        self._wide = wide
        key = "catalogue.group.narrow" if wide else "catalogue.group.widen"
        self.widen.setToolTip(self._texts(key))
        self.widen.setAccessibleName(self._texts(key))
        if self.page is not None:
            self._fit_charts()

    # Data.

    def _ask(self) -> None:
        assert self.shown is not None
        version, code = self.shown
        texts, year = self._texts, self._year or self._desk.year
        if self.page is None or (self.page.profile.version, self.page.profile.entry.dip_code) != self.shown:
            self.code.setText(code)
            self.name.clear()
            self.kind.clear()
            self.waiting.setText(texts("catalogue.group.loading"))
            self.stack.setCurrentWidget(self.waiting)

        def work(workspace: Any, job: Any) -> Page:
            from core.analysis import group_profile
            from core.analysis.group_sheets import worksheets
            from core.catalogue.browse import operation_names

            prepare()
            found = group_profile.profile(workspace, code, version, job, year=year)
            if found.line(found.year) is None or not found.line(found.year).cases:  # type: ignore[union-attr]
                found = group_profile.profile(workspace, code, version, job)
            names = operation_names(workspace.reader(), found.entry)
            return Page(found, worksheets(found, texts), names)

        def failed(why: Exception) -> None:
            self.page = None
            self.waiting.setText(words(texts, why) if isinstance(why, Fault) else texts("catalogue.group.failed"))
            self.stack.setCurrentWidget(self.waiting)

        self._desk.ask(work, self._have, place="catalogue.group", failed=failed, title=texts("catalogue.group.loading"))

    def _have(self, page: Page) -> None:
        self.page = page
        self._cases_of = None
        self.year.blockSignals(True)
        self.year.clear()
        for line in page.profile.years[::-1]:
            if line.cases:
                self.year.addItem(self._texts("catalogue.group.year_line", year=line.year), line.year)
        self.year.setCurrentIndex(self.year.findData(page.profile.year))
        self.year.setVisible(self.year.count() > 0)
        self.year.blockSignals(False)
        sheets = page.sheets
        self.years.set_worksheet(sheets["years"], frozen=1)
        self.institutions.set_worksheet(sheets["institutions"], frozen=2)
        self.bands.set_worksheet(sheets["bands"], frozen=2)
        self._say()
        self._show_tab()

    def _year_chosen(self) -> None:
        self._year = self.year.currentData()
        self._ask()

    def _show_tab(self) -> None:
        if self.page is None:
            return
        number = self.tabs.currentIndex()
        self.stack.setCurrentIndex(number + 1)
        if TABS[number] == "cases":
            self._ask_cases()

    def _ask_cases(self) -> None:
        page = self.page
        assert page is not None
        profile = page.profile
        line = profile.line(profile.year)
        codes = line.codes if line is not None and line.codes else (profile.entry.dip_code,)
        key = (profile.version, profile.entry.dip_code, profile.year)
        if self._cases_of == key:
            return

        def work(workspace: Any, job: Any) -> Worksheet:
            from core.analysis import group_profile

            return group_profile.cases(workspace, codes, profile.year, job)

        def have(sheet: Worksheet) -> None:
            self._cases_of = key
            self.cases.set_worksheet(sheet, frozen=1)

        self._desk.ask(work, have, place="catalogue.cases", title=self._texts("catalogue.group.loading"))

    # What shows.

    def _say(self) -> None:
        """Words and charts of the group in hand, in the colours and units of now."""
        for button, icon in ((self.widen, "widen"), (self.close_button, "close")):
            button.setIcon(self._desk.look.icon(icon, "muted"))
        page = self.page
        if page is None:
            return
        texts, profile = self._texts, page.profile
        entry = profile.entry
        self.code.setText(entry.dip_code)
        self.code.setToolTip(entry.dip_code)
        self.name.setText(entry.dip_name)
        here = next((line for line in profile.history if line.change == "here"), None)
        parts = [texts(f"catalogue.kind.{entry.kind}")]
        if entry.primary_care and entry.kind != "primary_care":
            parts.append(texts("catalogue.kind.primary_care"))
        if entry.stage:
            parts.append(texts(f"catalogue.stage.{entry.stage}"))
        if entry.attribute:
            parts.append(texts(f"catalogue.tree.{entry.attribute}"))
        if here is not None:
            parts.append(texts("catalogue.group.of_version", version=here.version,
                               state=texts(f"catalogue.state.{here.state}")))  # fmt: skip
        self.kind.setText("  ·  ".join(parts))
        self.definition.setText(self._definition(page))
        self.past.setText(self._past(profile))
        self._charts(profile)

    def _definition(self, page: Page) -> str:
        texts, entry = self._texts, page.profile.entry
        facts: list[tuple[str, str]] = [("score", self._score(entry))]
        for name, text in (
            ("diagnosis", entry.diag_code),
            ("operation", _in_words(entry.oprn_code, page.operations)),
            ("related", _in_words(entry.rel_oprn_code, page.operations)),
            ("other_diagnosis", entry.oth_diag_code),
            ("condition", _condition(entry.condition, texts)),
        ):
            if text.strip(" ."):
                facts.append((name, escape(text)))
        if not entry.oprn_code.strip(" .") and entry.attribute == "conservative":
            facts.append(("operation", texts("catalogue.group.no_operation")))
        if entry.mean_fee:
            facts.append(("mean_fee", self._money(entry.mean_fee)))
        if entry.mean_days is not None:
            facts.append(("mean_days", f"{plain(entry.mean_days)} {texts('unit.days')}"))
        levels = [
            texts("catalogue.group.level", level=texts(f"clearing.level.{3 - place}"), value=plain(value))
            for place, value in enumerate(entry.coefficients[::-1])
            if value is not None
        ]
        if levels:
            facts.append(("coefficients", "  ".join(levels)))
        for name, value in (("drug_score", entry.drug_score), ("consumable_score", entry.consumable_score), ("cv", entry.cv)):
            if value is not None:
                facts.append((name, plain(value)))
        if entry.cases is not None:
            facts.append(("cases", count(entry.cases)))
        if entry.equal_to:
            facts.append(("equal_to", self._link(page.profile.version, entry.equal_to, entry.equal_to)))
        muted = self._desk.look.colours.muted
        rows = "".join(
            f"<tr><td style='color:{muted}; padding-right:{LINE}px; white-space:nowrap'>"
            f"{texts(f'catalogue.group.fact.{name}')}</td><td>{said}</td></tr>"
            for name, said in facts
        )
        return f"<table cellspacing='0' cellpadding='1'>{rows}</table>"

    def _past(self, profile: GroupProfile) -> str:
        """The versions, newest first: what became of the group, under which key, at which score."""
        texts = self._texts
        muted = self._desk.look.colours.muted
        rows: list[str] = []
        for line in profile.history[::-1]:
            change = texts("catalogue.group.here") if line.change == "here" else self._change(line)
            said = "<br>".join(self._entry(line, entry, profile) for entry in line.entries) or "—"
            rows.append(
                f"<tr><td style='padding-right:{LINE}px; white-space:nowrap'>{escape(line.version)}</td>"
                f"<td style='color:{muted}; padding-right:{LINE}px; white-space:nowrap'>{change}</td><td>{said}</td></tr>"
            )
        title = f"<b>{texts('catalogue.group.past')}</b>"
        return f"{title}<table cellspacing='0' cellpadding='1'>{''.join(rows)}</table>"

    def _change(self, line: HistoryLine) -> str:
        return self._texts(f"catalogue.change.{line.change}")

    def _entry(self, line: HistoryLine, entry: Entry, profile: GroupProfile) -> str:
        score = self._score(entry)
        if entry.dip_code == profile.entry.dip_code:
            return score if line.change == "here" else self._link(line.version, entry.dip_code, score)
        return f"{self._link(line.version, entry.dip_code, entry.dip_code)} {score}"

    def _link(self, version: str, code: str, text: str) -> str:
        colour = self._desk.look.colours.accent
        target = escape(f"{version}\n{code}", quote=True)
        return f"<a href='{target}' style='color:{colour}; text-decoration:none'>{escape(text)}</a>"

    def _follow(self, target: str) -> None:
        version, _, code = target.partition("\n")
        self.wanted.emit(version, code)

    def _score(self, entry: Entry) -> str:
        if entry.score is None:
            return "—"
        return f"{grouped(plain(entry.score))} {self._texts('unit.points')}"

    def _money(self, fen: int) -> str:
        unit = "wan" if self._desk.wan else "yuan"
        return f"{amount(fen, self._desk.wan)} {self._texts(f'unit.{unit}')}"

    # Charts.

    def _charts(self, profile: GroupProfile) -> None:
        self.trend.name = self.histogram.name = f"{profile.entry.dip_code} {profile.entry.dip_name}"
        self.trend.show_panels(self._trends(profile), columns=2 if not self._wide else 4)
        line = profile.line(profile.year)
        spread = line.spread if line is not None else None
        self.histogram.show_panels([self._histogram(profile, spread)] if spread is not None else [])
        self._fit_charts()

    def _fit_charts(self) -> None:
        columns = 4 if self._wide else 2
        rows = -(-len(self.trend.panels) // columns)
        self.trend.setFixedHeight(rows * CHART)
        if self.trend.panels:
            self.trend.show_panels(self.trend.panels, columns=columns)

    def _trends(self, profile: GroupProfile) -> list[Panel]:
        texts = self._texts
        lines = profile.years
        period = _period([str(line.year) for line in lines])
        years = [str(line.year) for line in lines]
        behind = [line.cases for line in lines]
        whole = sum(behind)
        of_year = {line.year: line.cases for line in lines}
        scores = [line.entries[0].score if len(line.entries) == 1 else None for line in profile.history]
        names = [line.version for line in profile.history]
        panels = [
            Panel(
                texts("catalogue.chart.score"), texts("unit.points"), texts("catalogue.chart.versions", period=_period(names)),
                whole if lines else None,
                [
                    Series(
                        texts("catalogue.chart.score"), [None if one is None else float(one) for one in scores],
                        cases=[of_year.get(line.year) for line in profile.history],
                        texts=["" if one is None else grouped(plain(one)) for one in scores],
                    )
                ],
                x=names, x_title="", places=4,
            )
        ]  # fmt: skip
        if not whole:
            return panels
        wan = self._desk.wan
        unit = texts("unit.wan" if wan else "unit.yuan")
        said = texts("catalogue.chart.years", period=period)
        means = [line.mean for line in lines]
        panels.append(
            Panel(
                texts("catalogue.chart.mean"), unit, said, whole,
                [
                    Series(
                        texts("catalogue.chart.mean"), [None if one is None else one / (1e6 if wan else 100) for one in means],
                        cases=behind, texts=["" if one is None else amount(one, wan) for one in means],
                    )
                ],
                x=years,
            )
        )  # fmt: skip
        panels.append(
            Panel(
                texts("catalogue.chart.cases"), texts("unit.cases"), said, whole,
                [
                    Series(
                        texts("catalogue.chart.cases"), [float(one) for one in behind], form="bar",
                        texts=[count(one) for one in behind],
                    )
                ],
                x=years, places=0,
            )
        )  # fmt: skip
        stays = [line.days for line in lines]
        if any(one is not None for one in stays):
            panels.append(
                Panel(
                    texts("catalogue.chart.days"), texts("unit.days"), said, sum(line.stayed for line in lines),
                    [
                        Series(
                            texts("catalogue.chart.days"), [None if one is None else float(one) for one in stays],
                            cases=[line.stayed for line in lines], texts=["" if one is None else plain(one, 2) for one in stays],
                        )
                    ],
                    x=years,
                )
            )  # fmt: skip
        return panels

    def _histogram(self, profile: GroupProfile, spread: Spread) -> Panel:
        texts, wan = self._texts, self._desk.wan
        scale = 1_000_000 if wan else 100
        line = profile.line(profile.year)
        assert line is not None
        marks = [
            Mark(texts(f"catalogue.profile.p{share}"), fen / scale, amount(fen, wan))
            for share, fen in spread.percentiles.items()
        ]
        notes = []
        if spread.cv is not None:
            notes.append(texts("catalogue.chart.cv", cv=plain(Fraction(spread.cv), 4)))
        elif len(spread.fees) == 1:
            notes.append(texts("catalogue.chart.cv_one"))
        if spread.beyond:
            notes.append(texts("catalogue.chart.beyond", cases=count(spread.beyond)))
        return Panel(
            texts("catalogue.chart.spread"), texts("unit.cases"), texts("catalogue.chart.years", period=str(profile.year)),
            line.cases,
            [Series(texts("catalogue.chart.cases"), [float(one) for one in spread.counts], form="bar",
                    texts=[count(one) for one in spread.counts])],
            edges=[edge / scale for edge in spread.edges], marks=marks,
            x_title=texts("catalogue.chart.fee", unit=texts("unit.wan" if wan else "unit.yuan")), places=0,
            note="  ·  ".join(notes),
        )  # fmt: skip

    # Cases.

    def _case(self, setl_id: str) -> None:
        """The case's story in the clearing of its year where there is one, else the calculator with it."""
        desk, page = self._desk, self.page
        if page is None:
            return
        if desk.contents is not None and desk.contents.counts.get("run"):
            desk.go("clearing", ("case", setl_id), year=page.profile.year)
        else:
            self._calculate(setl_id)

    def _calculate(self, setl_id: str) -> None:
        self._desk.go("packs", ("calculate", setl_id))

    def _case_menu(self, menu: QMenu, key: object, column: str) -> None:
        menu.addAction(self._texts("catalogue.group.case_story"), lambda: self._case(str(key)))
        menu.addAction(self._texts("catalogue.group.case_calculate"), lambda: self._calculate(str(key)))


def _period(names: Sequence[str]) -> str:
    return names[0] if len(set(names)) == 1 else f"{names[0]}–{names[-1]}" if names else ""


def _condition(text: str, texts: Texts) -> str:
    """A group's condition in the field's words; one that cannot be read stays as it was printed."""
    from core.rules.formula import FormulaError
    from core.rules.packs import phrases_of
    from core.rules.parsing import parse
    from core.rules.spelling import words

    if not text.strip(" ."):
        return ""
    try:
        read = parse(text)
    except FormulaError:
        return text
    return words(read, lambda name: texts(f"catalogue.group.known.{name}"), phrases_of(texts.lang), texts.lang)


def _in_words(expression: str, names: dict[str, str]) -> str:
    """An expression of codes, each code with its name behind it where the workspace knows it."""
    out, code = "", ""
    for sign in expression + "\n":
        if sign in "+,|/\n":
            bare = code.strip()
            out += f"{bare} {names[bare]}" if bare in names else code
            out += f" {sign} " if sign != "\n" else ""
            code = ""
        else:
            code += sign
    return out
