"""The Clearing page: choose a pack, clear, read the worksheet, ask why, hand over a file."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QKeySequence, QResizeEvent
from PySide6.QtWidgets import QMenu, QStackedWidget, QVBoxLayout, QWidget

from core.faults import Cancelled, Refused
from ui.desk import Changes, Desk
from ui.dialogs import Empty
from ui.look import EDGE, GAP, TIGHT
from ui.pages.clearing import sheets
from ui.pages.clearing.beside import Beside
from ui.pages.clearing.blocked import CURES, Blocked
from ui.pages.clearing.confirming import Confirming
from ui.pages.clearing.controls import Controls
from ui.pages.clearing.figures import Figures
from ui.pages.clearing.handover import Handover
from ui.pages.clearing.notice import Notice
from ui.pages.clearing.stamps import Stamps
from ui.pages.clearing.standing import READ, Standing, stand
from ui.pages.clearing.tabs import WORKSHEET, Tabs, Worksheet
from ui.table import Table
from ui.table.model import EMPTY

if TYPE_CHECKING:
    from core.findings import Finding
    from core.rules.sheet import Clearing
    from core.settlement.clearing import Run

LOW = 500  # height of the page under which what stands beside the worksheet takes the page


class ClearingPage(QWidget):
    key = "clearing"

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk, self._texts = desk, desk.texts
        self._standing: Standing | None = None
        self.clearing: Clearing | None = None
        self.run: Run | None = None
        self._just_cleared = False
        self._ready = False  # cases are there, and a year of them is chosen
        self._pack = ""  # what the user chose; "" takes the fitting one
        self._target: tuple[str, str] | None = None
        self._make()
        self._connect()
        self._lay_out()
        self._show_state()

    # -- building ------------------------------------------------------------------------------------------------

    def _make(self) -> None:
        desk, texts = self._desk, self._texts
        self.table = Table(desk)
        self.table.cell_menu = self._cell_menu
        self.figures = Figures(desk)
        self.beside = Beside(desk, self.table)
        self.stamps = Stamps(texts)
        self.confirming = Confirming(desk, self, self.load)
        self.handover = Handover(desk, self.table, lambda: self.clearing)
        self.controls = Controls(texts, self.beside.buttons, self.confirming.button, self.handover.fill)
        self.notice = Notice(texts)
        self.blocked = Blocked(desk)
        self.blocked.cure_wanted = self._cure
        self.empty = Empty(desk, "clearing")

    def _connect(self) -> None:
        self.table.activated.connect(self.explain_cell)
        self.table.total_activated.connect(self._total_activated)
        self.beside.opened.connect(self._make_room)
        self.figures.asked.connect(lambda step: self.ask("region", "", step))
        self.beside.why.again_wanted.connect(self.clear)
        self.controls.clear.clicked.connect(self.clear)
        self.controls.moved.clicked.connect(
            lambda: self._desk.go("institutions", ("why", "", self._desk.fund))
        )
        self.controls.pack_chosen.connect(self._pack_chosen)
        self.controls.run_chosen.connect(self.load)
        self.notice.button.clicked.connect(self.clear)
        self.empty.pressed.connect(self._empty_pressed)

    def _lay_out(self) -> None:
        self.sheet = QWidget()
        inner = QVBoxLayout(self.sheet)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(TIGHT)
        inner.addWidget(self.figures)
        inner.addWidget(self.beside, 1)
        inner.addWidget(self.stamps)
        self.stack = QStackedWidget()
        for widget in (self.sheet, self.blocked, self.empty):
            self.stack.addWidget(widget)
        worksheet = Worksheet()
        body = QVBoxLayout(worksheet)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(GAP)
        for widget in (self.controls, self.notice, self.handover.asking):
            body.addWidget(widget)
        body.addWidget(self.stack, 1)
        self.tabs = Tabs(self._desk, worksheet, self.controls.choice)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(EDGE, TIGHT, EDGE, GAP)
        outer.addWidget(self.tabs)
        self.setFocusProxy(self.table)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._make_room()

    def _make_room(self) -> None:
        """On a low screen what is opened beside the worksheet takes the page; closing it brings everything back."""
        alone = self.height() < LOW and not self.beside.side.isHidden()
        clearing = self.clearing
        of_fund = clearing is not None and any(one.fund == self._desk.fund for one in clearing.funds)
        self.beside.alone(alone)
        self.controls.setVisible(self._ready and not alone)
        self.figures.setVisible(of_fund and not alone)
        self.stamps.setVisible(not alone)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.beside.side.isVisible():
            self.beside.close_side()
            return
        if event.matches(QKeySequence.StandardKey.Find) and self.stack.currentWidget() is self.sheet:
            self.table.start_find()
            return
        super().keyPressEvent(event)

    # -- what the window asks ------------------------------------------------------------------------------------

    def handlers(self) -> dict[str, Callable[[], None]]:
        return {"clearing.run": self.clear, "clearing.export": self.handover.choose}

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

    # -- what stands ---------------------------------------------------------------------------------------------

    def load(self, run_id: int | None = None) -> None:
        desk = self._desk
        if desk.workspace is None:
            self._standing, self.clearing, self.run = None, None, None
            self._show_state()
            return
        year, pack = desk.year, self._pack
        desk.ask(
            lambda workspace, _: stand(workspace, year, pack, run_id),
            self._have,
            place="clearing.load",
            title=self._texts("clearing.loading"),
        )

    def _have(self, standing: Standing) -> None:
        self.clearing, self.run = standing.clearing, standing.run
        self._take(standing)
        self._show_state()

    def _load_runs(self) -> None:
        """Which runs there are now; the sheet on screen stays."""
        year, pack = self._desk.year, self._pack
        shown = self.clearing

        def have(standing: Standing) -> None:
            if shown is self.clearing and shown is not None:
                self.run = standing.run_of(shown)
                self._take(standing)
                self._say_notice()
                self._show_confirmed()
                self._say_stamps()

        self._desk.ask(lambda workspace, _: stand(workspace, year, pack, None), have, place="clearing.load")

    def _take(self, standing: Standing) -> None:
        self._standing = standing
        region = str(getattr(self._desk.workspace, "region", ""))
        self.controls.offer(standing, standing.wanted_pack(self._pack, region, self._desk.year))
        self.controls.show_runs(standing.runs, self.run)

    def _pack_chosen(self, pack: str) -> None:
        self._pack = pack
        self.load()

    # -- what shows ----------------------------------------------------------------------------------------------

    def _show_state(self) -> None:
        texts, desk = self._texts, self._desk
        has = desk.workspace is not None
        ready = has and bool(desk.contents and desk.contents.cases) and desk.year is not None
        self._ready = ready
        self._make_room()
        self.controls.export.setEnabled(self.clearing is not None)
        self.controls.show_runs(self._standing.runs if self._standing is not None else (), self.run)
        self.notice.hide()
        self.beside.use(self.clearing)
        self._show_confirmed()
        if ready and self.clearing is not None:
            self._show_clearing()
            return
        if ready:
            missing, button = texts("clearing.no_run", year=desk.year), texts("clearing.clear")
        else:
            key = "no_data" if has else "no_workspace"
            missing, button = texts(f"clearing.{key}"), texts(f"clearing.{key}_go")
        self.empty.say(texts("pages.clearing.title"), texts("clearing.holds"), missing, button)
        self.stack.setCurrentWidget(self.empty)

    def _show_confirmed(self) -> None:
        standing = self._standing
        run = standing.run_of(self.clearing) if standing is not None else None
        held = standing.confirmed if standing is not None else None
        self.confirming.show_state(self.clearing, held, run is not None and not run.stale)

    def _show_clearing(self) -> None:
        assert self.clearing is not None
        self.stack.setCurrentWidget(self.sheet)
        self.beside.put_findings(self.clearing)
        self._say_notice()
        self._say_stamps()
        self._show_fund()

    def _say_notice(self) -> None:
        runs = self._standing.runs if self._standing is not None else ()
        self.notice.say(self.clearing, self.run, runs[0] if runs else None, self._desk.set_name)

    def _say_stamps(self) -> None:
        assert self.clearing is not None
        held = self._standing.confirmed if self._standing is not None else None
        this = held is not None and self.clearing.stamps.run_hash in held.runs
        self.stamps.say(self.clearing, self.confirming.words() if this else "")

    def _show_fund(self) -> None:
        clearing, texts = self.clearing, self._texts
        assert clearing is not None
        sheet = next((one for one in clearing.funds if one.fund == self._desk.fund), None)
        self._make_room()
        if sheet is None:
            self.table.set_empty(texts("clearing.fund_not_cleared", fund=texts(f"fund.{self._desk.fund}")))
            self.table.set_worksheet(EMPTY)
            return
        self.figures.show_sheet(clearing, sheet)
        worksheet, groups = sheets.institutions(clearing, sheet, texts)
        self.table.set_worksheet(worksheet, frozen=2, groups=groups)
        self.beside.put_fund(clearing, sheet)
        self._go_to_target()

    def _go_to_target(self) -> None:
        if self._target is None or self.clearing is None or self.stack.currentWidget() is not self.sheet:
            return
        (kind, code), self._target = self._target, None
        if kind == "case":
            self.beside.explain_case(code)
            return
        if not self.table.select(code, "final"):
            self._desk.say(self._texts("clearing.not_in_sheet", code=code))
        self.table.setFocus()

    def _say_amounts(self) -> None:
        if self.clearing is not None:
            self.figures.say()
            self.beside.why.say()

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
        desk, choice = self._desk, self.controls.choice()
        if desk.workspace is None or desk.year is None or self._just_cleared:
            return
        year, set_name = desk.year, desk.set_name or None

        def work(workspace: Any, job: Any) -> Clearing:
            from core.settlement import own_packs
            from core.settlement.clearing import clear

            return clear(
                workspace,
                year,
                own_packs.load(workspace, choice.pack),
                set_name=set_name,
                catalogue=choice.catalogue or None,
                progress=job,
                store=not workspace.read_only,
            )

        title = self._texts("clearing.clearing", year=year)
        self._just_cleared = True
        self.controls.clear.setEnabled(False)
        if desk.workspace.read_only:
            desk.ask(work, self._cleared, place="clearing.run", failed=self._not_cleared, title=title)
        else:
            desk.change(work, self._cleared, failed=self._not_cleared, title=title, tables=("run", "finding"))

    def _cleared(self, clearing: Clearing) -> None:
        self._just_cleared = False
        self.controls.clear.setEnabled(True)
        self._pack = clearing.pack.id
        self.clearing, self.run = clearing, None
        self._show_state()
        self._load_runs()
        workspace = self._desk.workspace
        kept = workspace is None or not workspace.read_only
        self._desk.say(self._texts("clearing.cleared" if kept else "clearing.cleared_not_kept", year=clearing.year))

    def _not_cleared(self, why: Exception) -> None:
        self._just_cleared = False
        self.controls.clear.setEnabled(True)
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
            self.controls.ask_for_catalogue()
        else:
            page, kind = CURES.get(finding.code, ("data", ""))
            self._desk.go(page, kind if kind == "batches" else ("kind", kind) if kind else None)

    # -- why -----------------------------------------------------------------------------------------------------

    def ask(self, scope: str, code: str, step: str) -> None:
        """Open the panel on a cell."""
        self.beside.explain(scope, code, step)

    def explain_cell(self, key: object, column: str) -> None:
        """Of the worksheet; a column that is no step is taken for what the institution gets."""
        if self.clearing is not None:
            steps = {step.id for step in self.clearing.pack.scope("institution")}
            step = column if column in steps else "final" if "final" in steps else "due"
            self.ask("institution", str(key), step)

    def _total_activated(self, column: str) -> None:
        steps = self.clearing.pack.scope("institution") if self.clearing is not None else ()
        if any(step.id == column for step in steps):
            self.beside.explain_sum(column)

    def _cell_menu(self, menu: QMenu, key: object, column: str) -> None:
        menu.addAction(
            self._texts("clearing.why"),
            QKeySequence(Qt.Key.Key_Return),
            lambda: self.explain_cell(key, column),
        )
