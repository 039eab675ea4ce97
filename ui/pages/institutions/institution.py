"""One institution's own page: small drawings of its indicators against its level and the region, and the cases beneath them."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from ui.asking import Asking
from ui.chart import Chart
from ui.desk import Changes, Desk
from ui.look import GAP, TIGHT, set_role
from ui.pages.institutions import reading, series, series_sheets
from ui.pages.institutions.cases import Cases
from ui.pages.institutions.chooser import Chooser
from ui.pages.institutions.ground import Ground
from ui.pages.institutions.indicator_menu import IndicatorMenu
from ui.pages.institutions.series import Read

if TYPE_CHECKING:
    from core.analysis.standing_out import Judged

TALL = 182  # pixels of a row of drawings, at least
COLUMNS = 4
PAUSE_MS = 180  # the drawing goes first, and whoever walks through the list does not wait
YEARS = 3  # unless another beginning is chosen


class InstitutionTab(QWidget):
    """See the module. Figures are read once for all institutions; another institution is only drawn."""

    wanted = Signal(str, str, str)

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk, self.texts = desk, desk.texts
        self.ground: Ground | None = None
        self.read: Read | None = None
        self.told: tuple[int, int] = (0, -1)  # panel and position that the line beneath speaks of
        self._asked: tuple[object, ...] | None = None
        self._pause = QTimer(self, singleShot=True, interval=PAUSE_MS)
        self._pause.timeout.connect(self._judge)
        self._build()

    # -- building --------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        texts = self.texts
        self.chooser = Chooser(self.desk)
        self.chooser.chosen.connect(lambda _: self._switch())
        self.name = QLabel()
        set_role(self.name, "heading")
        self.name.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.about = QLabel()
        set_role(self.about, "muted")
        self.about.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.about.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.why = QPushButton(texts("institutions.series.why"))
        self.why.setToolTip(texts("institutions.series.why_tip"))
        self.why.clicked.connect(lambda: self.wanted.emit("why", self.chooser.code, self.desk.fund))
        self.export = QPushButton(texts("institutions.series.export"))
        self.export.setToolTip(texts("institutions.series.export_tip"))
        self.export.clicked.connect(self._export)
        head = QHBoxLayout()
        head.setSpacing(GAP)
        head.addWidget(self.name)
        head.addWidget(self.about, 1)
        head.addWidget(self.why)
        head.addWidget(self.export)

        self.by = QComboBox()
        for key in series.BY:
            self.by.addItem(texts(f"institutions.series.by.{key}"), key)
        self.since = QComboBox()
        self.fund = QComboBox()
        for key in ("", "employee", "resident"):
            self.fund.addItem(texts(f"fund.{key}") if key else texts("institutions.series.both_funds"), key)
        self.rebase = QCheckBox(texts("institutions.series.rebase"))
        self.rebase.setToolTip(texts("institutions.series.rebase_tip"))
        self.version = QComboBox()
        self.indicators = IndicatorMenu(self.desk)
        options = QHBoxLayout()
        options.setSpacing(GAP)
        for key, field in (("by", self.by), ("since", self.since), ("fund", self.fund), ("version", self.version)):
            field.setAccessibleName(texts(f"institutions.series.field.{key}"))
            field.setToolTip(texts(f"institutions.series.field.{key}"))
            field.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
            field.activated.connect(lambda _: self._ask())
        options.addWidget(self.by)
        options.addWidget(self.since)
        options.addWidget(self.fund)
        options.addSpacing(GAP)
        options.addWidget(self.rebase)
        options.addWidget(self.version)
        options.addStretch(1)
        options.addWidget(self.indicators)
        self.rebase.toggled.connect(lambda _: self._ask())
        self.indicators.changed.connect(self._ask)

        self.asking = Asking(self.desk, "institutions.series")
        self.chart = Chart(self.desk)
        self.chart.pointed_at.connect(self._pointed)
        self.chart.activated.connect(self._open_cases)
        self.chart.hint = texts("institutions.series.hint")
        scroll = QScrollArea()
        scroll.setWidget(self.chart)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.formula = QLabel(wordWrap=True)
        self.formula.setTextFormat(Qt.TextFormat.RichText)
        self.formula.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        # The longest formula and the rule: the drawings must not move while one points at them.
        self.formula.setMinimumHeight(3 * self.formula.fontMetrics().lineSpacing() + 2)
        self.formula.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        self.beneath = QPushButton()
        self.beneath.clicked.connect(lambda: self._open_cases(*self.told))
        foot = QHBoxLayout()
        foot.setSpacing(GAP)
        foot.addWidget(self.formula, 1)
        foot.addWidget(self.beneath, 0, Qt.AlignmentFlag.AlignTop)
        drawn = QWidget()
        inner = QVBoxLayout(drawn)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(TIGHT)
        inner.addLayout(options)
        inner.addWidget(self.asking)
        inner.addWidget(scroll, 1)
        inner.addLayout(foot)
        self.cases = Cases(self.desk)
        self.cases.closed.connect(self._close_cases)
        self.stack = QStackedWidget()
        self.stack.addWidget(drawn)
        self.stack.addWidget(self.cases)
        right = QVBoxLayout()
        right.setSpacing(TIGHT)
        right.addLayout(head)
        right.addWidget(self.stack, 1)
        box = QHBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(2 * GAP)
        box.addWidget(self.chooser)
        box.addLayout(right, 1)
        self.setFocusProxy(self.chooser)

    # -- what the page says ----------------------------------------------------------------------------------------

    def choose(self, code: str, fund: str = "") -> None:
        if fund:
            self.fund.setCurrentIndex(self.fund.findData(fund))
        if code:
            if self.ground is not None:
                self.chooser.put(self.ground.institutions)
            self._wanted = code
            if self.chooser.choose(code):
                self._wanted = ""

    _wanted = ""  # chosen before anybody knew who there is
    _cases_wanted: tuple[str, str, int] | None = None  # indicator, fund and year, until the drawings are there

    def show_cases(self, code: str, id: str, fund: str, year: int) -> None:
        """The cases of a year behind one figure of an institution. Before `show_ground`."""
        self._cases_wanted = (id, fund, year)
        self.choose(code)

    def _open_wanted(self) -> None:
        wanted, ground = self._cases_wanted, self.ground
        if wanted is None or ground is None:
            return
        self._cases_wanted = None
        id, fund, year = wanted
        texts, code = self.texts, self.chooser.code
        title = texts(
            "institutions.cases.title", name=ground.name(code), indicator=texts(f"indicators.{id}.title"),
            period=texts("institutions.series.year", year=year),
        )  # fmt: skip
        self.cases.show_cases(id, code, fund, year, ground, title, series_sheets.formula(id, texts))
        self.stack.setCurrentWidget(self.cases)
        self.cases.table.setFocus()

    def show_ground(self, ground: Ground) -> None:
        if self.ground is not None and ground.years == self.ground.years and ground.year == self.ground.year:
            kept = self.since.currentData()
        else:
            kept = None
        self.ground = ground
        years = [year for year in ground.years if year <= ground.year]
        self.since.clear()
        for year in years:
            self.since.addItem(self.texts("institutions.series.since", year=year), year)
        first = kept if kept in years else years[-YEARS:][0] if years else None
        self.since.setCurrentIndex(self.since.findData(first))
        versions = self.desk.contents.catalogues if self.desk.contents is not None else ()
        chosen = self.version.currentData()
        self.version.clear()
        for version in versions:
            self.version.addItem(self.texts("institutions.series.version", version=version), version)
        at = self.version.findData(chosen if chosen is not None else str(ground.year))
        self.version.setCurrentIndex(at if at >= 0 else self.version.count() - 1)
        self.rebase.setEnabled(self.version.count() > 0)
        self.chooser.put(ground.institutions)
        if self._wanted:
            self.choose(self._wanted)
        elif not self.chooser.code and ground.institutions:
            self.chooser.choose(ground.institutions[0].code)
        self._ask()

    def settled(self, changes: Changes) -> None:
        if changes.workspace:
            self.ground, self.read, self._asked = None, None, None
            self.asking.drop()
            self.chart.show_panels([])
            self._close_cases()
        elif changes.display and self.read is not None:
            self._draw()

    # -- figures ---------------------------------------------------------------------------------------------------

    def _ask(self) -> None:
        """The figures of all institutions for what is chosen, once."""
        ground = self.ground
        if ground is None:
            return
        self.version.setVisible(self.rebase.isChecked())
        since = self.since.currentData()
        if since is None:
            self.read, self._asked = None, None
            self.chart.show_panels([])
            self.asking.tell(self.texts("institutions.year_without_cases", year=ground.year))
            return
        by = str(self.by.currentData())
        self.indicators.offer(by)
        wish = reading.Wish(
            years=tuple(year for year in ground.years if since <= year <= ground.year),
            by=by,
            fund=str(self.fund.currentData()),
            ids=self.indicators.ids(),
            pack=ground.pack,
            set_name=ground.set_name,
            version=str(self.version.currentData() or "") if self.rebase.isChecked() else "",
        )
        asked = (ground.generation, wish)
        if asked == self._asked:
            if not self.asking.busy:
                self._open_wanted()
            return
        self._asked = asked

        def have(read: Read) -> None:
            self.read, self.told = read, (self.told[0], -1)
            self._switch()
            self._open_wanted()

        self.asking.ask(
            lambda workspace, job: reading.read(workspace, wish, job), have,
            self.texts("institutions.series.reading"),
        )

    # -- drawing ---------------------------------------------------------------------------------------------------

    def _switch(self) -> None:
        """Another institution, or other figures."""
        self._close_cases()
        self._head()
        if self.read is not None:
            self._draw()
            self._pause.start()

    def _head(self) -> None:
        code, ground = self.chooser.code, self.ground
        if ground is None:
            return
        self.name.setText(ground.name(code))
        parts = [code]
        if self.read is not None:
            one = next((one for one in self.read.monthly.institutions if one.code == code), None)
            if one is not None:
                level = self.texts(f"indicators.level.{one.level}") if one.level else ""
                parts = [part for part in (level, one.county, code) if part]
        self.about.setText("  ·  ".join(parts))
        self.about.setToolTip(self.about.text())

    def _draw(self) -> None:
        read, code, ground = self.read, self.chooser.code, self.ground
        assert read is not None
        assert ground is not None
        found = series.panels(read, code, ground.name(code), self.texts, self.desk.wan)
        columns = COLUMNS if self.width() > 1000 else COLUMNS - 1
        self.chart.setMinimumHeight(TALL * -(-len(found) // columns) if found else 120)
        self.chart.name = f"{ground.name(code)} {series.span(read, self.texts)}"
        self.chart.show_panels(found, min(columns, len(found)))
        self.export.setEnabled(bool(found))
        if not found:
            self.asking.tell(self.texts("institutions.series.no_cases", name=ground.name(code)))
        elif not self.asking.busy:
            self.asking.hide()
        self._say()

    def _judge(self) -> None:
        """The months that stand out are looked for after the drawing is there, and ringed."""
        read, code = self.read, self.chooser.code
        if read is None or read.by != "month" or read.row(code) < 0:
            return
        if all((code, id) in read.judged for id in read.ids):
            return

        def have(found: dict[tuple[str, str], Judged]) -> None:
            read.judged.update(found)
            if self.read is read and self.chooser.code == code and any(one.standouts for one in found.values()):
                self._draw()

        self.desk.ask(lambda _, __: series.judge(read, code), have, place="institutions.standouts")

    # -- one indicator, and the cases beneath it -------------------------------------------------------------------

    def _pointed(self, panel: int, position: int) -> None:
        if (panel, position) != self.told:
            self.told = panel, position
            self._say()

    def _say(self) -> None:
        """Formula and source of the indicator that the pointer was last on, and the rule of the rings."""
        from core.analysis.cases_behind import has_cases

        texts, read = self.texts, self.read
        if read is None or not self.chart.panels:
            self.formula.clear()
            self.beneath.hide()
            return
        panel, position = self.told
        id = read.ids[min(panel, len(read.ids) - 1)]
        muted = self.desk.look.colours.muted
        lines = [f"<b>{escape(texts(f'indicators.{id}.title'))}</b>  {escape(series_sheets.formula(id, texts))}"]
        if read.moved is not None and id in read.rebased:
            from core.analysis.rebased import told

            lines.append(escape(told(read.moved, read.version, texts)))
        elif read.by == "month":
            lines.append(f"<span style='color:{muted}'>{escape(texts('standouts.rule.short'))}</span>")
        self.formula.setText("<br>".join(lines))
        self.formula.setToolTip(texts("standouts.rule.text"))
        periods = read.own.periods
        at = position if 0 <= position < len(periods) else len(periods) - 1
        self.told = panel, at
        self.beneath.setText(texts("institutions.series.cases", period=self.chart.panels[0].x[at]))
        self.beneath.setVisible(has_cases(id))

    def _open_cases(self, panel: int, position: int) -> None:
        from core.analysis.cases_behind import has_cases

        read, ground = self.read, self.ground
        if read is None or ground is None or not self.chart.panels:
            return
        if not has_cases(read.ids[min(panel, len(read.ids) - 1)]):
            return
        texts, code = self.texts, self.chooser.code
        id = read.ids[min(panel, len(read.ids) - 1)]
        title = texts(
            "institutions.cases.title", name=ground.name(code), indicator=texts(f"indicators.{id}.title"),
            period=self.chart.panels[0].x[position],
        )  # fmt: skip
        self.cases.show_cases(id, code, read.fund, read.own.periods[position], ground, title, series_sheets.formula(id, texts))
        self.stack.setCurrentWidget(self.cases)
        self.cases.table.setFocus()

    def _close_cases(self) -> None:
        if self.stack.currentWidget() is self.cases:
            self.cases.forget()
            self.stack.setCurrentIndex(0)
            self.chart.setFocus()

    # -- handing over ----------------------------------------------------------------------------------------------

    def _export(self) -> None:
        name = "".join("_" if sign in '\\/:*?"<>|' else sign for sign in self.chart.name)
        path, _ = QFileDialog.getSaveFileName(
            self, self.texts("institutions.series.export"), str(Path.home() / f"{name}.xlsx"), self.texts("table.files_xlsx")
        )
        if path:
            self.export_to(path if path.lower().endswith(".xlsx") else f"{path}.xlsx")

    def export_to(self, path: str | Path) -> None:
        """Everything that is drawn, as figures: series, months that stand out, changes, formulas."""
        read, ground, texts = self.read, self.ground, self.texts
        if read is None or ground is None:
            return
        path, code = Path(path), self.chooser.code
        synthetic = bool(getattr(self.desk.workspace, "synthetic", False))

        def work(_: Any, job: Any) -> Path:
            series_sheets.write(read, code, ground.name(code), path, texts, synthetic, job)
            return path

        self.desk.ask(
            work, lambda written: self.desk.say(texts("institutions.series.exported", path=str(written))),
            place="institutions.export", title=texts("table.exporting", name=path.name),
        )  # fmt: skip
