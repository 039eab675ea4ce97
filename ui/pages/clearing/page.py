"""The Clearing page: choose a pack, clear, read the worksheet, ask why, hand over a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QSplitter,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from core.faults import Cancelled, Refused
from ui.desk import Changes, Desk
from ui.dialogs import Empty
from ui.look import EDGE, GAP, TIGHT, set_role
from ui.pages.clearing import sheets
from ui.pages.clearing.closing import Closing
from ui.pages.clearing.confirming import Confirming
from ui.pages.clearing.figures import Figures
from ui.pages.clearing.handover import Handover
from ui.pages.clearing.tabs import WORKSHEET, Choice, Tabs, Worksheet
from ui.pages.clearing.why import Place, Why
from ui.table import Table

if TYPE_CHECKING:
    from core.catalogue.library import Version
    from core.findings import Finding
    from core.rules.packs import PackHead
    from core.rules.sheet import Clearing
    from core.settlement.clearing import Run
    from core.settlement.confirmed import Confirmed

# What a run stands on: when one of these is written, it may be stale.
READ = (
    "cases",
    "rule_pack",
    "batch",
    "institution",
    "catalogue",
    "auxiliary",
    "reference_mean",
    "coefficient",
    "coefficient_set",
    "budget",
    "payment",
    "deduction",
    "assessment",
    "special_case",
    "run",
    "confirmed_year",
)
# Where a blocking finding is put right: the page, and the kind of file that is missing there.
CURES = {
    "budget_missing": ("data", "budget"),
    "coefficient_missing": ("data", "coefficients"),
    "no_cases": ("data", "cases"),
    "no_cases_in_fund": ("data", "cases"),
    "set_missing": ("data", "coefficients"),
    "no_institutions": ("data", "institutions"),
    "catalogue_missing": ("data", "catalogue"),
    "catalogue_unknown": ("data", "catalogue"),
    "auxiliary_several": ("data", "batches"),
    "special_without_score": ("data", "special_cases"),
    "ownpay_missing": ("data", "cases"),
    "assessment_missing": ("data", "assessments"),
    "ungrouped": ("data", "catalogue"),
}


@dataclass(frozen=True, slots=True)
class Standing:
    """What the page reads when it is shown."""

    packs: tuple[PackHead, ...]
    runs: tuple[Run, ...]  # of the year
    run: Run | None
    clearing: Clearing | None
    catalogues: tuple[Version, ...]
    confirmed: Confirmed | None


def _stand(workspace: Any, year: int | None, pack: str, run_id: int | None) -> Standing:
    """Packs, runs, and the run to show: the one asked for, else the newest that stands, else the newest."""
    from core.catalogue.library import versions
    from core.settlement import own_packs
    from core.settlement.clearing import runs
    from core.settlement.confirmed import confirmed
    from core.settlement.runs import stored

    heads = tuple(head for head in own_packs.available(workspace) if not head.abstract)
    connection = workspace.reader()
    of_year = tuple(run for run in runs(workspace) if run.year == year)
    fitting = [run for run in of_year if not pack or run.pack == pack]
    chosen = next((run for run in of_year if run.id == run_id), None)
    held = confirmed(connection).get(year) if year is not None else None
    if chosen is None and held is not None:  # what is confirmed is what one sees first
        chosen = next((run for run in fitting if run.hash in held.runs), None)
    chosen = (
        chosen or next((run for run in fitting if not run.stale), None) or (fitting[0] if fitting else None)
    )
    clearing = stored(connection, chosen.id) if chosen is not None else None
    return Standing(heads, of_year, chosen, clearing, tuple(versions(connection)), held)


class ClearingPage(QWidget):
    key = "clearing"

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk, self._texts = desk, desk.texts
        self._standing: Standing | None = None
        self.clearing: Clearing | None = None
        self.run: Run | None = None
        self._just_cleared = False
        self._pack = ""  # what the user chose; "" takes the fitting one
        self._target: tuple[str, str] | None = None
        self._build()
        self._show_state()

    # -- building ------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        texts = self._texts
        self.pack = QComboBox()
        self.pack.setToolTip(texts("clearing.pack_tip"))
        self.pack.setAccessibleName(texts("clearing.pack"))
        self.pack.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.pack.setMinimumContentsLength(18)
        self.pack.activated.connect(self._pack_chosen)
        self.catalogue = QComboBox()
        self.catalogue.setToolTip(texts("clearing.catalogue_tip"))
        self.catalogue.setAccessibleName(texts("clearing.catalogue"))
        self.catalogue.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.clear_button = QPushButton(texts("clearing.clear"))
        self.clear_button.setProperty("primary", True)
        self.clear_button.setToolTip(texts("clearing.clear_tip"))
        self.clear_button.clicked.connect(self.clear)
        self.moved = QPushButton(texts("clearing.moved"))
        self.moved.setToolTip(texts("clearing.moved_tip"))
        self.moved.clicked.connect(lambda: self._desk.go("institutions", ("why", "", self._desk.fund)))
        self.history = self._menu("clearing.runs", self._fill_runs)
        self.findings_button = QToolButton()
        self.findings_button.setCheckable(True)
        self.findings_button.setToolTip(texts("clearing.findings_tip"))
        self.findings_button.toggled.connect(self._toggle_findings)
        self.closing_button = QToolButton()
        self.closing_button.setCheckable(True)
        self.closing_button.setText(texts("closing.button"))
        self.closing_button.setToolTip(texts("closing.tip"))
        self.closing_button.toggled.connect(self._toggle_closing)
        self.export_button = self._menu("clearing.export", self._fill_export)
        self.confirming = Confirming(self._desk, self, self.load)
        line = QHBoxLayout()
        line.setSpacing(GAP)
        for label, widget in (("clearing.pack", self.pack), ("clearing.catalogue", self.catalogue)):
            caption = QLabel(texts(label))
            set_role(caption, "muted")
            line.addWidget(caption)
            line.addWidget(widget, 2 if widget is self.pack else 0)
        line.addWidget(self.clear_button)
        line.addStretch(1)
        for button in (self.moved, self.closing_button, self.findings_button, self.history):
            line.addWidget(button)
        for button in (self.confirming.button, self.export_button):
            line.addWidget(button)

        self.notice = QFrame()
        set_role(self.notice, "notice")
        noticed = QHBoxLayout(self.notice)
        noticed.setContentsMargins(GAP, TIGHT, GAP, TIGHT)
        self.notice_text = QLabel(wordWrap=True)
        self.notice_button = QPushButton(texts("clearing.clear_again"))
        self.notice_button.clicked.connect(self.clear)
        noticed.addWidget(self.notice_text, 1)
        noticed.addWidget(self.notice_button)

        self.figures = Figures(self._desk)
        self.figures.asked.connect(lambda step: self.ask("region", "", step))
        self.table = Table(self._desk)
        self.table.activated.connect(self._cell_activated)
        self.table.total_activated.connect(self._total_activated)
        self.table.cell_menu = self._cell_menu
        self.why = Why(self._desk)
        self.why.closed.connect(self._close_side)
        self.why.shown.connect(self._mark_place)
        self.why.again_wanted.connect(self.clear)
        self.findings = Table(self._desk)
        self.findings.activated.connect(self._finding_activated)
        self.findings_side = self._side(self.findings)
        self.side = QStackedWidget()
        self.side.addWidget(self.why)
        self.side.addWidget(self.findings_side)
        self.closing = Closing(self._desk)
        self.closing.asked.connect(lambda step: self.ask("region", "", step))
        self.closing.closed.connect(self._close_side)
        self.side.addWidget(self.closing)
        self.split = QSplitter(Qt.Orientation.Horizontal)
        self.split.setChildrenCollapsible(False)
        self.split.addWidget(self.table)
        self.split.addWidget(self.side)
        self.split.setStretchFactor(0, 1)
        self.split.setStretchFactor(1, 0)
        self.side.hide()
        self.stamps = QLabel()
        set_role(self.stamps, "muted")
        self.stamps.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.stamps.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        sheet = QWidget()
        inner = QVBoxLayout(sheet)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(TIGHT)
        inner.addWidget(self.figures)
        inner.addWidget(self.split, 1)
        inner.addWidget(self.stamps)

        self.blocked = Blocked(self._desk)
        self.blocked.cure_wanted = self._cure
        self.empty = Empty(self._desk, "clearing")
        self.empty.pressed.connect(self._empty_pressed)
        self.stack = QStackedWidget()
        for widget in (sheet, self.blocked, self.empty):
            self.stack.addWidget(widget)
        self.sheet = sheet
        self.control = QWidget()
        self.control.setLayout(line)
        line.setContentsMargins(0, 0, 0, 0)
        worksheet = Worksheet()
        body = QVBoxLayout(worksheet)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(GAP)
        body.addWidget(self.control)
        body.addWidget(self.notice)
        self.handover = Handover(self._desk, self.table, lambda: self.clearing)
        body.addWidget(self.handover.asking)
        body.addWidget(self.stack, 1)
        self.tabs = Tabs(self._desk, worksheet, self._choice)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(EDGE, TIGHT, EDGE, GAP)
        outer.addWidget(self.tabs)
        self.setFocusProxy(self.table)

    def _menu(self, key: str, fill: Callable[[QMenu], None]) -> QToolButton:
        button = QToolButton()
        button.setText(self._texts(key) + " ▾")
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        menu = QMenu(button)
        menu.setToolTipsVisible(True)
        menu.aboutToShow.connect(lambda: (menu.clear(), fill(menu)))
        button.setMenu(menu)
        return button

    def _side(self, table: Table) -> QWidget:
        side = QWidget()
        box = QVBoxLayout(side)
        box.setContentsMargins(GAP, 0, 0, 0)
        box.setSpacing(TIGHT)
        head = QHBoxLayout()
        title = QLabel(self._texts("clearing.findings_title"))
        set_role(title, "heading")
        close = QToolButton()
        close.setText("×")
        close.setToolTip(self._texts("clearing.close"))
        close.setAccessibleName(self._texts("clearing.close"))
        close.clicked.connect(self._close_side)
        head.addWidget(title, 1)
        head.addWidget(close)
        whole = QLabel(wordWrap=True)  # the sentence of the current row, in full
        whole.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        whole.setMinimumWidth(10)
        table.current_changed.connect(
            lambda row, _: whole.setText(str(table.worksheet().cells["reason"][row]))
        )
        table.arranged.connect(lambda: whole.setText("") if table.current_row() < 0 else None)
        box.addLayout(head)
        box.addWidget(table, 1)
        box.addWidget(whole)
        return side

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.side.isVisible():
            self._close_side()
            return
        if event.matches(QKeySequence.StandardKey.Find) and self.stack.currentWidget() is self.sheet:
            self.table.start_find()
            return
        super().keyPressEvent(event)

    # -- what the window asks ------------------------------------------------------------------------------------

    def handlers(self) -> dict[str, Callable[[], None]]:
        return {"clearing.run": self.clear, "clearing.export": self.choose_export}

    def _choice(self) -> Choice:
        return Choice(str(self.pack.currentData() or ""), str(self.catalogue.currentData() or ""))

    def refresh(self, changes: Changes | None = None) -> None:
        self.tabs.refresh(changes)
        if changes is not None and self._standing is not None:
            if not changes.workspace and not changes.choices and not changes.touches(*READ):
                if changes.display:
                    self._say_amounts()
                return
            if self._just_cleared and not changes.workspace and not changes.choices:
                return  # the clearing under way hands over its own result
            same_year = self.clearing is not None and self.clearing.year == self._desk.year
            if changes.choices and same_year:
                self._show_fund()
        self.load()

    def show_target(self, target: object) -> None:
        """("institution", code): its row. ("case", settlement): how it was scored. ("tab", key, target): a tab."""
        if isinstance(target, tuple) and target and target[0] == "tab":
            self.tabs.show_target(*map(str, target[1:2]), *target[2:3])
            return
        if isinstance(target, tuple) and len(target) == 2 and target[0] in ("institution", "case"):
            self.tabs.show_target(WORKSHEET)
            self._target = (str(target[0]), str(target[1]))
            self._go_to_target()

    def load(self, run_id: int | None = None) -> None:
        desk = self._desk
        if desk.workspace is None:
            self._standing, self.clearing, self.run = None, None, None
            self._show_state()
            return
        year, pack = desk.year, self._pack
        desk.ask(
            lambda workspace, _: _stand(workspace, year, pack, run_id),
            self._have,
            place="clearing.load",
            title=self._texts("clearing.loading"),
        )

    def _have(self, standing: Standing) -> None:
        self._standing = standing
        self._fill_choices()
        self.clearing, self.run = standing.clearing, standing.run
        self._show_state()

    # -- choices -------------------------------------------------------------------------------------------------

    def _fill_choices(self) -> None:
        standing, lang = self._standing, self._texts.lang
        assert standing is not None
        fitting = (
            self._pack
            or (standing.run.pack if standing.run is not None else "")
            or self._fitting(standing.packs)
        )
        self.pack.clear()
        for head in standing.packs:
            self.pack.addItem(head.title[lang], head.id)
            self.pack.setItemData(self.pack.count() - 1, head.id, Qt.ItemDataRole.ToolTipRole)
        self.pack.setCurrentIndex(max(0, self.pack.findData(fitting)))
        before = self.catalogue.currentData()
        self.catalogue.clear()
        self.catalogue.addItem(self._texts("clearing.catalogue_of_year"), "")
        for version in standing.catalogues:
            state = self._texts(f"catalogue.state.{version.state}")
            self.catalogue.addItem(
                self._texts("catalogue.versions.named", name=version.name, state=state), version.name
            )
        self.catalogue.setCurrentIndex(max(0, self.catalogue.findData(before)))

    def _fitting(self, heads: Sequence[PackHead]) -> str:
        """The pack of the workspace's city and year, else of its city, else any."""
        region = str(getattr(self._desk.workspace, "region", ""))[:4]
        of_city = [head for head in heads if region and head.region[:4] == region]
        of_year = [head for head in of_city if self._desk.year in head.years]
        found = of_year or of_city or list(heads)
        return found[0].id if found else ""

    def _pack_chosen(self) -> None:
        self._pack = str(self.pack.currentData() or "")
        self.load()

    # -- states --------------------------------------------------------------------------------------------------

    def _show_state(self) -> None:
        texts, desk = self._texts, self._desk
        has = desk.workspace is not None
        ready = has and bool(desk.contents and desk.contents.cases) and desk.year is not None
        self.control.setVisible(ready)
        self.notice.hide()
        self.export_button.setEnabled(self.clearing is not None)
        self.history.setEnabled(bool(self._standing and self._standing.runs))
        self.findings_button.setVisible(self.clearing is not None)
        self.closing_button.setVisible(self.clearing is not None)
        self.why.use(self.clearing)
        self._show_confirmed()
        if not has or not ready:
            key = "no_data" if has else "no_workspace"
            self.empty.say(
                texts("pages.clearing.title"),
                texts("clearing.holds"),
                texts(f"clearing.{key}"),
                texts(f"clearing.{key}_go"),
            )
            self.stack.setCurrentWidget(self.empty)
        elif self.clearing is None:
            self.empty.say(
                texts("pages.clearing.title"),
                texts("clearing.holds"),
                texts("clearing.no_run", year=desk.year),
                texts("clearing.clear"),
            )
            self.stack.setCurrentWidget(self.empty)
        else:
            self._show_clearing()

    def _show_confirmed(self) -> None:
        standing, digest = self._standing, self.clearing.stamps.run_hash if self.clearing is not None else ""
        run = next((one for one in standing.runs if one.hash == digest), None) if standing is not None else None
        held = standing.confirmed if standing is not None else None
        self.confirming.show_state(self.clearing, held, run is not None and not run.stale)

    def _show_clearing(self) -> None:
        clearing, texts = self.clearing, self._texts
        assert clearing is not None
        self.stack.setCurrentWidget(self.sheet)
        count = len(clearing.findings)
        self.findings_button.setText(texts("clearing.findings", count=f"{count:,}"))
        self.findings_button.setEnabled(count > 0)
        if count == 0 and self.side.currentWidget() is self.findings_side:
            self._close_side()
        self.findings.set_worksheet(sheets.findings(clearing.findings, texts), frozen=1)
        self._say_notice()
        self._say_stamps()
        self._show_fund()

    def _say_notice(self) -> None:
        texts, run = self._texts, self.run
        said: list[str] = []
        if run is not None and run.stale:
            said.append(texts("clearing.is_stale", why=texts(f"clearing.stale.{run.stale}")))
        wanted = self._desk.set_name
        if self.clearing is not None and wanted and wanted != self.clearing.stamps.set_name:
            said.append(
                texts(
                    "clearing.other_set",
                    ran=sheets.set_words(self.clearing.stamps.set_name, texts),
                    chosen=sheets.set_words(wanted, texts),
                )
            )
        newest = self._standing.runs[0] if self._standing and self._standing.runs else None
        if run is not None and newest is not None and run.id != newest.id and not run.stale:
            said.append(texts("clearing.earlier_run", at=run.at.replace("T", " ")[:16]))
        self.notice_text.setText(" ".join(said))
        self.notice.setVisible(bool(said))

    def _say_stamps(self) -> None:
        assert self.clearing is not None
        stamps, texts = self.clearing.stamps, self._texts
        parts = [
            texts("clearing.stamp.pack", pack=stamps.pack, hash=stamps.pack_hash[:8]),
            texts(
                "clearing.stamp.set",
                set=sheets.set_words(stamps.set_name, texts),
                state=texts(f"state.{stamps.set_state}"),
            ),
            texts("clearing.stamp.catalogue", catalogue=stamps.catalogue),
            texts(f"clearing.grouping.{stamps.grouping}"),
            texts("clearing.stamp.data", hash=stamps.data_hash[:8]),
        ]
        parts += [f"{name} = {value}" for name, value in sorted(stamps.parameters.items())]
        held = self._standing.confirmed if self._standing is not None else None
        if held is not None and stamps.run_hash in held.runs:
            parts.insert(0, self.confirming.words())
        else:
            parts.insert(0, texts("confirmed.draft"))
        if stamps.synthetic:
            parts.append(texts("clearing.stamp.synthetic"))
        self.stamps.setText("  ·  ".join(parts))
        counted = [
            f"{texts(f'clearing.count.{name}') if texts.has(f'clearing.count.{name}') else name}: {n:,}"
            for name, n in stamps.counts.items()
            if n
        ]
        counted += [
            texts("clearing.reference_used", source=texts(f"reference.{name}"), count=f"{n:,}")
            for name, n in stamps.references.items()
            if n
        ]
        self.stamps.setToolTip("\n".join([*parts, *counted]))

    def _show_fund(self) -> None:
        clearing, texts = self.clearing, self._texts
        assert clearing is not None
        sheet = next((one for one in clearing.funds if one.fund == self._desk.fund), None)
        self.figures.setVisible(sheet is not None)
        if sheet is None:
            from core.worksheet import Worksheet

            self.table.set_empty(texts("clearing.fund_not_cleared", fund=texts(f"fund.{self._desk.fund}")))
            self.table.set_worksheet(Worksheet("", {"zh": "", "en": ""}, (), {}, 0))
            return
        self.figures.show_sheet(clearing, sheet)
        self.closing.show_sheet(clearing, sheet)
        worksheet, groups = sheets.institutions(clearing, sheet, texts)
        self.table.set_worksheet(worksheet, frozen=2, groups=groups)
        place = self.why.place
        if place is not None and place.fund != sheet.fund and self.side.isVisible():
            codes = {one.code for one in sheet.institutions}
            if place.kind != "case" and (not place.code or place.code in codes):
                self.why.go(Place(place.kind, sheet.fund, place.step, place.scope, place.code))
            else:
                self._close_side()
        self._go_to_target()

    def _go_to_target(self) -> None:
        if (
            self._target is not None
            and self.clearing is not None
            and self.stack.currentWidget() is self.sheet
        ):
            kind_code, self._target = self._target, None
            if kind_code[0] == "case":
                self._open_side(self.why)
                self.why.go(Place("case", self._desk.fund, setl_id=kind_code[1]))
                return
            if not self.table.select(kind_code[1], "final"):
                self._desk.say(self._texts("clearing.not_in_sheet", code=kind_code[1]))
            self.table.setFocus()

    def _say_amounts(self) -> None:
        if self.clearing is not None:
            self.figures.say()
            self.why.say()

    def _empty_pressed(self) -> None:
        if self._desk.workspace is None:
            self._desk.go("start")
        elif not (self._desk.contents and self._desk.contents.cases):
            self._desk.go("data")
        else:
            self.clear()

    # -- clearing ------------------------------------------------------------------------------------------------

    def clear(self) -> None:
        """Run the clearing with what is chosen; it is stored unless the workspace is read-only."""
        desk, texts = self._desk, self._texts
        if desk.workspace is None or desk.year is None or self._just_cleared:
            return
        source = str(self.pack.currentData() or "")
        year, set_name, version = (
            desk.year,
            desk.set_name or None,
            str(self.catalogue.currentData() or "") or None,
        )

        def work(workspace: Any, job: Any) -> Clearing:
            from core.settlement import own_packs
            from core.settlement.clearing import clear

            return clear(
                workspace,
                year,
                own_packs.load(workspace, source),
                set_name=set_name,
                catalogue=version,
                progress=job,
                store=not workspace.read_only,
            )

        title = texts("clearing.clearing", year=year)
        self._just_cleared = True
        self.clear_button.setEnabled(False)
        if desk.workspace.read_only:
            desk.ask(work, self._cleared, place="clearing.run", failed=self._not_cleared, title=title)
        else:
            desk.change(work, self._cleared, failed=self._not_cleared, title=title, tables=("run", "finding"))

    def _cleared(self, clearing: Clearing) -> None:
        self._just_cleared = False
        self.clear_button.setEnabled(True)
        self._pack = clearing.pack.id
        self.clearing, self.run = clearing, None
        self._show_state()
        self.load_runs()
        self._desk.say(self._texts("clearing.cleared", year=clearing.year))

    def load_runs(self) -> None:
        """Which runs there are now; the sheet on screen stays."""
        year, pack = self._desk.year, self._pack
        shown = self.clearing

        def have(standing: Standing) -> None:
            if shown is self.clearing and shown is not None:
                self._standing = standing
                digest = shown.stamps.run_hash
                self.run = next((run for run in standing.runs if run.hash == digest), None)
                self._fill_choices()
                self.history.setEnabled(bool(standing.runs))
                self._say_notice()
                self._show_confirmed()
                self._say_stamps()

        self._desk.ask(lambda workspace, _: _stand(workspace, year, pack, None), have, place="clearing.load")

    def _not_cleared(self, why: Exception) -> None:
        self._just_cleared = False
        self.clear_button.setEnabled(True)
        if isinstance(why, Refused) and why.findings:
            self.blocked.put(why)
            self.notice.hide()
            self.stack.setCurrentWidget(self.blocked)
        elif isinstance(why, Cancelled):
            self._desk.say(self._texts("clearing.cancelled"))
        else:
            self._desk.troubled.emit(why)

    def _cure(self, finding: Finding | None) -> None:
        """Go where a blocking fact is put right; None: back to what was on screen."""
        if finding is None:
            self._show_state()
        elif finding.code == "catalogue_several":
            self.catalogue.setFocus()
            self.catalogue.showPopup()
        else:
            page, kind = CURES.get(finding.code, ("data", ""))
            self._desk.go(page, kind if kind == "batches" else ("kind", kind) if kind else None)

    # -- why -----------------------------------------------------------------------------------------------------

    def ask(self, scope: str, code: str, step: str) -> None:
        """Open the panel on a cell."""
        if self.clearing is None:
            return
        self._open_side(self.why)
        self.why.go(
            Place("cell", self._desk.fund, step, "region" if scope == "region" else "institution", code)
        )

    def _mark_place(self, place: Place) -> None:
        """The worksheet's cell goes along with the panel."""
        if place.kind == "cell" and place.code and place.fund == self._desk.fund:
            self.table.select(place.code, place.step)

    def _open_side(self, widget: QWidget) -> None:
        self.side.setCurrentWidget(widget)
        if not self.side.isVisible():
            wide = self.split.width()
            self.side.show()
            aside = max(330, min(620, int(wide * 0.42)))
            self.split.setSizes([wide - aside, aside])
        self._check_buttons(widget)

    def _check_buttons(self, shown: QWidget | None) -> None:
        """Pressed is the button of what stands beside the worksheet."""
        for button, widget in ((self.findings_button, self.findings_side), (self.closing_button, self.closing)):
            button.blockSignals(True)
            button.setChecked(widget is shown)
            button.blockSignals(False)

    def _close_side(self) -> None:
        self.side.hide()
        self.why.forget()
        self._check_buttons(None)
        self.table.setFocus()

    def _cell_activated(self, key: object, column: str) -> None:
        clearing = self.clearing
        if clearing is None:
            return
        steps = {step.id for step in clearing.pack.scope("institution")}
        self.ask(
            "institution", str(key), column if column in steps else "final" if "final" in steps else "due"
        )

    def _total_activated(self, column: str) -> None:
        if self.clearing is not None and column in {
            step.id for step in self.clearing.pack.scope("institution")
        }:
            self._open_side(self.why)
            self.why.go(Place("sum", self._desk.fund, column))

    def _cell_menu(self, menu: QMenu, key: object, column: str) -> None:
        menu.addAction(
            self._texts("clearing.why"),
            QKeySequence(Qt.Key.Key_Return),
            lambda: self._cell_activated(key, column),
        )

    # -- findings, runs, export -------------------------------------------------------------------------------------

    def _toggle_findings(self, on: bool) -> None:
        if on:
            self._open_side(self.findings_side)
            if self.findings.current_row() < 0:
                self.findings.select(0)
        else:
            self._close_side()

    def _toggle_closing(self, on: bool) -> None:
        if on:
            self._open_side(self.closing)
        else:
            self._close_side()

    def _finding_activated(self, key: object, column: str) -> None:
        if self.clearing is None or not isinstance(key, int):
            return
        subject = self.clearing.findings[key].subject
        if not self.table.select(subject) and self.clearing.findings[key].code.startswith("case_"):
            self._open_side(self.why)
            self.why.go(Place("case", self._desk.fund, setl_id=subject))

    def _fill_runs(self, menu: QMenu) -> None:
        standing = self._standing
        if standing is None or not standing.runs:
            menu.addAction(self._texts("clearing.no_runs")).setEnabled(False)
            return
        for run in standing.runs[:30]:
            entry = menu.addAction(sheets.run_words(run, self._texts))
            entry.setCheckable(True)
            entry.setChecked(self.run is not None and run.id == self.run.id)
            entry.triggered.connect(lambda _=False, number=run.id: self.load(number))

    def _fill_export(self, menu: QMenu) -> None:
        self.handover.fill(menu)

    def choose_export(self) -> None:
        self.handover.choose()


class Blocked(QWidget):
    """What forbids the clearing: a line each, what to do, and the button that goes there."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self.cure_wanted: Callable[[Finding | None], None] = lambda finding: None
        self.title = QLabel()
        set_role(self.title, "heading")
        self.about = QLabel(wordWrap=True)
        set_role(self.about, "muted")
        self.list = QVBoxLayout()
        self.list.setSpacing(TIGHT)
        holder = QWidget()
        inner = QVBoxLayout(holder)
        inner.setContentsMargins(0, 0, GAP, 0)
        inner.addLayout(self.list)
        inner.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidget(holder)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        back = QPushButton(desk.texts("clearing.blocked_back"))
        back.clicked.connect(lambda: self.cure_wanted(None))
        box = QVBoxLayout(self)
        box.setContentsMargins(0, GAP, 0, 0)
        box.setSpacing(GAP)
        box.addWidget(self.title)
        box.addWidget(self.about)
        box.addWidget(scroll, 1)
        box.addWidget(back, 0, Qt.AlignmentFlag.AlignLeft)

    def put(self, why: Refused) -> None:
        texts = self._desk.texts
        while (item := self.list.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.setParent(None)
                widget.deleteLater()
        blocking = [one for one in why.findings if one.severity == "blocked"]
        self.title.setText(texts("clearing.blocked_title", count=len(blocking)))
        self.about.setText(texts("clearing.blocked_about"))
        # A coefficient that 150 institutions lack is one thing to do, not 150.
        kinds: dict[tuple[str, str], list[Finding]] = {}
        for finding in blocking:
            kinds.setdefault((finding.code, finding.column), []).append(finding)
        for found in kinds.values():
            self.list.addWidget(self._line(found))

    def _line(self, found: list[Finding]) -> QWidget:
        texts = self._desk.texts
        card = QFrame()
        set_role(card, "card")
        row = QHBoxLayout(card)
        row.setContentsMargins(GAP, GAP - 2, GAP, GAP - 2)
        shown = [texts.finding(one) for one in found[:5]]
        shown = list(dict.fromkeys(shown))
        if len(found) > 5:
            shown.append(texts("clearing.blocked_more", count=f"{len(found) - 5:,}"))
        label = QLabel("\n".join(shown), wordWrap=True)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        row.addWidget(label, 1)
        code = found[0].code
        key = "catalogue_several" if code == "catalogue_several" else CURES.get(code, ("", ""))[1]
        if key:
            button = QPushButton(texts(f"clearing.cure.{key}"))
            button.clicked.connect(lambda: self.cure_wanted(found[0]))
            row.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
        return card
