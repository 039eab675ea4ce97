"""The editor: the grid of a set, the history of a cell beneath it, and beside it what an edit does to everybody."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QDate, QModelIndex, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QComboBox,
    QDateEdit,
    QHBoxLayout,
    QLabel,
    QMenu,
    QSplitter,
    QToolButton,
    QToolTip,
    QVBoxLayout,
    QWidget,
)

from core.faults import Fault, Refused
from ui.asking import Asking
from ui.desk import Changes, Desk
from ui.dialogs import EscapeField
from ui.look import GAP, TIGHT, set_role
from ui.pages.coefficients import cell, entering
from ui.pages.coefficients.cell import CellStory
from ui.pages.coefficients.entering import Entered, Place
from ui.pages.coefficients.grid import PartsTable, Sign
from ui.pages.coefficients.pool import Pools
from ui.pages.coefficients.questions import DatedDialog, EditReason, KeepDialog, PartDialog
from ui.pages.coefficients.whatif import WhatIf

if TYPE_CHECKING:
    from core.rules.circular import Pack
    from core.settlement.coefficient_sheets import Grid
    from core.settlement.coefficients import SetHead

GRID_FUNDS = ("all", "employee", "resident")
TABLES = ("coefficient", "coefficient_set")
MANY = 50  # cells
PATIENCE_MS = 100  # an edit does not wait longer for its effect to be shown
LISTED = 4  # wrong cells that are named at once; the others behind a button


@dataclass(frozen=True, slots=True)
class Loaded:
    grid: Grid
    against: str
    changed: int
    signs: dict[Place, Sign]


def load(workspace: Any, name: str, fund: str, day: int, pack: Pack | None, more: Sequence[str], texts: Any) -> Loaded:
    from core.rules.deriving import limits_of
    from core.settlement.coefficient_history import changed_since
    from core.settlement.coefficient_sheets import K, grid

    connection = workspace.reader()
    standing = grid(connection, name, fund, day, limits_of(pack), more=more, texts=texts)
    since = changed_since(connection, name)
    signs: dict[Place, Sign] = {}

    def add(code: str, part: str, sign: Sign) -> None:
        signs[code, part] = signs.get((code, part), Sign.NONE) | sign

    for (code, part), shown in standing.standing.items():
        if fund != "all" and shown.fund == "all":
            add(code, part, Sign.SHARED)
        if shown.day > day // 10000 * 10000 + 101:  # within the year: another value held before
            add(code, part, Sign.DATED)
    for (code, part), refuses in standing.outside.items():
        add(code, part, Sign.FORBIDDEN if refuses else Sign.OUTSIDE)
    touched = {(code, part) for code, of, part, _ in since.cells if of in (fund, "all") or fund == "all"}
    for code, part in touched:
        add(code, part, Sign.CHANGED)
        add(code, K, Sign.CHANGED)
    return Loaded(standing, since.against, len(since.cells), signs)


class Editor(QWidget):
    """`draft_wanted`: somebody writes into a set that is frozen."""

    draft_wanted = Signal()

    def __init__(self, desk: Desk, pools: Pools) -> None:
        super().__init__()
        self.desk, self.texts, self.pools = desk, desk.texts, pools
        self.loaded: Loaded | None = None
        self.head: SetHead | None = None
        self.pack: Pack | None = None
        self.heads: tuple[SetHead, ...] = ()
        self.reason = ""  # kept for the edits to come
        self._more: list[str] = []
        self._under_way: list[Entered] = []
        self._waiting: Loaded | None = None
        self._chosen_fund = ""
        self._day_of: int | None = None
        self._go_to = ""  # a part that was just added
        self._ready: list[tuple[str, Entered, str]] = []  # set, cells, reason: to be written next
        self._patience = QTimer(self, singleShot=True, interval=PATIENCE_MS)
        self._patience.timeout.connect(self._write_ready)
        self._build()
        self.whatif.answered.connect(self._write_ready)

    # -- building ------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        texts = self.texts
        self.fund = QComboBox()
        self.fund.setAccessibleName(texts("coefficients.editor.fund"))
        self.fund.setToolTip(texts("coefficients.editor.fund_tip"))
        for name in GRID_FUNDS:
            self.fund.addItem(texts(f"coefficients.fund.{name}"), name)
        self.fund.activated.connect(lambda _: self._fund_chosen())
        self.day = QDateEdit()
        self.day.setDisplayFormat("yyyy-MM-dd")
        self.day.setCalendarPopup(True)
        self.day.setAccessibleName(texts("coefficients.editor.day"))
        self.day.setToolTip(texts("coefficients.editor.day_tip"))
        self.day.dateChanged.connect(lambda _: self.reload())
        self.seek = EscapeField()
        self.seek.setPlaceholderText(texts("coefficients.editor.find"))
        self.seek.setAccessibleName(texts("coefficients.editor.find"))
        self.seek.setToolTip(texts("coefficients.editor.find_tip"))
        self.seek.setClearButtonEnabled(True)
        self.seek.textChanged.connect(lambda _: self._filter())
        self.entry = EscapeField()
        self.entry.setPlaceholderText(texts("coefficients.editor.entry"))
        self.entry.setToolTip(texts("coefficients.editor.entry_tip"))
        self.entry.setAccessibleName(texts("coefficients.editor.entry"))
        self.entry.returnPressed.connect(self._entry_given)
        self.entry.textEdited.connect(self._entry_typed)
        self.only_changed = QToolButton()
        self.only_changed.setCheckable(True)
        self.only_changed.setToolTip(texts("coefficients.editor.only_changed_tip"))
        self.only_changed.toggled.connect(lambda _: self._filter())
        self.part = QToolButton()
        self.part.setText(texts("coefficients.editor.part"))
        self.part.setToolTip(texts("coefficients.editor.part_tip"))
        self.part.clicked.connect(self.add_part)
        self.dated = QToolButton()
        self.dated.setText(texts("coefficients.editor.dated"))
        self.dated.setToolTip(texts("coefficients.editor.dated_tip"))
        self.dated.clicked.connect(self.enter_dated)
        self.undo, self.redo = QToolButton(), QToolButton()
        for button, verb in ((self.undo, "undo"), (self.redo, "redo")):
            button.setToolTip(texts(f"coefficients.editor.{verb}_tip"))
            button.setAccessibleName(texts(f"coefficients.editor.{verb}_tip"))
            button.clicked.connect(lambda _=False, verb=verb: self.desk.act(f"ledger.{verb}"))
        for button in (self.only_changed, self.part, self.dated, self.undo, self.redo):
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        tools = QHBoxLayout()
        tools.setSpacing(GAP)
        for widget in (self.fund, self.day, self.part, self.dated, self.undo, self.redo):
            tools.addWidget(widget)
        tools.addStretch(1)
        tools.addWidget(self.only_changed)
        self.trouble = Asking(self.desk, "coefficients.trouble")
        self.kept = QLabel()
        self.kept.setTextFormat(Qt.TextFormat.RichText)
        set_role(self.kept, "muted")
        self.kept.linkActivated.connect(lambda _: self._keep(""))
        self.kept.hide()

        self.table = PartsTable(self.desk)
        self.table.condition.hide()
        for widget, at, stretch in ((self.seek, 0, 2), (self.entry, 1, 3)):
            self.table.bar.insertWidget(at, widget, stretch)
        self.table.set_empty(texts("coefficients.editor.nothing"))
        self.table.entered.connect(self._entered)
        self.table.refused.connect(self._refused)
        self.table.tried.connect(self._tried)
        self.table.locked.connect(self._locked)
        self.table.seek_wanted.connect(lambda: (self.seek.setFocus(), self.seek.selectAll()))
        self.table.current_changed.connect(lambda *_: self._tell())
        self.table.arranged.connect(self._tell)
        self.table.grid.tip_wanted.connect(self._tip)
        self.table.grid.closed.connect(self._put_waiting)
        self.table.cell_menu = self._cell_menu
        self.legend = QLabel()
        self.legend.setTextFormat(Qt.TextFormat.RichText)
        set_role(self.legend, "muted")
        self.story = CellStory(self.desk)
        upper = QWidget()
        box = QVBoxLayout(upper)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(TIGHT)
        box.addLayout(tools)
        box.addWidget(self.trouble)
        box.addWidget(self.kept)
        box.addWidget(self.table, 1)
        box.addWidget(self.legend)
        left = QSplitter(Qt.Orientation.Vertical)
        left.addWidget(upper)
        left.addWidget(self.story)
        left.setCollapsible(0, False)
        left.setStretchFactor(0, 1)
        left.setSizes([470, 100])
        self.whatif = WhatIf(self.desk, self.pools)
        self.whatif.keep_wanted.connect(self._keep_scenario)
        self.split = QSplitter(Qt.Orientation.Horizontal)
        self.split.addWidget(left)
        self.split.addWidget(self.whatif)
        self.split.setCollapsible(0, False)
        self.split.setStretchFactor(0, 1)
        self.split.setSizes([760, 420])
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self.split)
        self.setFocusProxy(self.table)
        self.desk.look.changed.connect(self._tint)
        self._tint()

    def _tint(self) -> None:
        look, texts = self.desk.look, self.texts
        self.undo.setIcon(look.icon("undo"))
        self.redo.setIcon(look.icon("redo"))
        c = look.colours
        sample = "<span style='background:{}; color:{}'>&nbsp;1.00&nbsp;</span> {}"
        said = (
            f"<span style='color:{c.accent}'>◤</span> {texts('coefficients.sign.changed')}",
            f"<span style='color:{c.muted}'>▁</span> {texts('coefficients.sign.dated')}",
            sample.format(c.warn_soft, c.text, texts("coefficients.sign.outside")),
            sample.format(c.bad_soft, c.bad, texts("coefficients.sign.forbidden")),
            texts("coefficients.sign.shared"),
        )
        self.legend.setText("&nbsp;&nbsp;&nbsp;".join(said))

    # -- what the page says --------------------------------------------------------------------------------------------

    def show_set(self, heads: Sequence[SetHead], head: SetHead | None, pack: Pack | None) -> None:
        """Another set, another pack, or the same with other content."""
        if head is None or self.head is None or head.name != self.head.name:
            self._more, self._under_way, self._chosen_fund = [], [], ""
        self.heads, self.head, self.pack = tuple(heads), head, pack
        if self.desk.year is not None and self._day_of != self.desk.year:
            self._day_of = self.desk.year
            self.day.blockSignals(True)
            self.day.setDate(QDate(self.desk.year, 12, 31))
            self.day.blockSignals(False)
        self.reload()

    def settled(self, changes: Changes) -> None:
        self.whatif.settled(changes)

    def reload(self) -> None:
        head, pack, texts = self.head, self.pack, self.texts
        if head is None or self.desk.workspace is None:
            self.loaded = None
            self._empty()
            return
        fund = self._chosen_fund
        day = int(self.day.date().toString("yyyyMMdd"))
        more = tuple(self._more)

        def work(workspace: Any, _: Any) -> Loaded:
            chosen = fund or fund_of(workspace, head.name)
            return load(workspace, head.name, chosen, day, pack, more, texts)

        self.desk.ask(work, self._have, place="coefficients.editor", title=texts("coefficients.editor.reading"))

    def _empty(self) -> None:
        from core.worksheet import Worksheet

        self.table.standing = None
        self.table.set_worksheet(Worksheet("", {"zh": "", "en": ""}, (), {}, 0))
        self.story.clear()
        self.whatif.forget()

    def _have(self, loaded: Loaded) -> None:
        if self.table.grid.open_field:
            self._waiting = loaded  # what is being typed must not be lost
            return
        self._waiting = None
        self.loaded = loaded
        self._chosen_fund = loaded.grid.fund
        self.fund.setCurrentIndex(self.fund.findData(loaded.grid.fund))
        self.table.put(loaded.grid, loaded.signs, self._writable())
        self._show_pending()
        self.only_changed.setText(self.texts("coefficients.editor.only_changed", cells=loaded.changed))
        self.only_changed.setVisible(bool(loaded.against))
        for widget in (self.entry, self.part, self.dated):
            widget.setEnabled(self._writable())
        self._filter()
        if self._go_to in loaded.grid.parts:
            place = self.table.current_place()
            keys = loaded.grid.sheet.keys
            if place:
                self.table.select(place[0], self._go_to)
            elif keys is not None:
                self.table.select(str(keys[0]), self._go_to)
            self.table.setFocus()
            self._go_to = ""
        if not self.table.grid.currentIndex().isValid() and self.table.model.rowCount():
            self.table.select(self.table.model.key_at(0), loaded.grid.parts[0])
        self._tell()
        if self.isVisible():
            self.whatif.show_set(self.pack, self.heads, self.head, loaded.against)

    def _put_waiting(self) -> None:
        if self._waiting is not None:
            self._have(self._waiting)

    def _writable(self) -> bool:
        workspace = self.desk.workspace
        return (
            self.loaded is not None
            and self.loaded.grid.state == "draft"
            and workspace is not None
            and not workspace.read_only
            and not self._held()
        )

    def _held(self) -> int:
        """The confirmed year that rests on the set, 0 where none does."""
        contents, name = self.desk.contents, self.head.name if self.head is not None else ""
        return contents.held.sets.get(name, 0) if contents is not None else 0

    def _fund_chosen(self) -> None:
        self._chosen_fund = str(self.fund.currentData())
        if self._chosen_fund != "all":
            self.desk.choose(fund=self._chosen_fund)
        self.reload()

    def _filter(self) -> None:
        """Only what was looked for, and only rows with changes where that is wanted."""
        import numpy as np

        loaded = self.loaded
        if loaded is None:
            return
        text = self.seek.text().strip()
        rows = loaded.grid.find(text) if text else None
        if self.only_changed.isChecked() and not self.only_changed.isHidden():
            codes = {code for (code, _), sign in loaded.signs.items() if sign & Sign.CHANGED}
            keys = loaded.grid.sheet.keys
            assert keys is not None
            among = np.arange(loaded.grid.sheet.rows) if rows is None else rows
            rows = np.array([row for row in among if str(keys[row]) in codes], dtype=np.int64)
        self.table.show_only(rows)

    # -- a cell --------------------------------------------------------------------------------------------------------

    def _tell(self) -> None:
        place = self.table.current_place()
        if self.loaded is None or place is None:
            self.story.clear()
        else:
            self.story.ask(self.loaded.grid, *place)

    def _tip(self, index: QModelIndex, at: QPoint) -> None:
        loaded, model = self.loaded, self.table.model
        if loaded is None or not index.isValid() or not model.is_part(index.column()):
            return
        code, part = model.place_of(index.row(), index.column())
        value = model.tip(index) or ""

        def have(lines: Any) -> None:
            said = "\n".join(filter(None, (value, cell.brief(self.texts, lines))))
            if said and self.table.grid.viewport().underMouse():
                QToolTip.showText(at, said, self.table.grid)

        self.desk.ask(
            lambda workspace, _: cell.history(workspace, loaded.grid, code, part), have, place="coefficients.tip",
            failed=lambda _: None,
        )  # fmt: skip

    def _cell_menu(self, menu: QMenu, key: object, column: str) -> None:
        texts, table = self.texts, self.table
        places = table.places()
        write = self._writable() and bool(places)
        for word, keys, does in (
            ("paste", "Ctrl+V", table.paste),
            ("fill", "Ctrl+D", table.fill),
            ("clear", "Del", table.clear_cells),
            ("dated", "", self.enter_dated),
        ):
            action = menu.addAction(texts(f"coefficients.menu.{word}"), does)
            if keys:
                action.setShortcut(QKeySequence(keys))
            action.setEnabled(write)

    # -- edits -----------------------------------------------------------------------------------------------------------

    def _tried(self, entered: Entered) -> None:
        """What stands in an open field, or nothing any more."""
        if not entered.wrong:
            self.whatif.tried([*self._waiting_cells(), *entered.cells])

    def _waiting_cells(self) -> list[Any]:
        return [cell for one in self._under_way for cell in one.cells]

    def _entry_typed(self, text: str) -> None:
        if self.loaded is not None and text.strip():
            self._tried(entering.typed(self.loaded.grid, self.table.places(), text))
        else:
            self._tried(Entered())

    def _entry_given(self) -> None:
        text = self.entry.text().strip()
        if not text:
            return
        if not self.table.places():
            self.desk.say(self.texts("coefficients.editor.no_cells"))
            return
        self.entry.clear()
        self.table.enter(text)

    def _entered(self, entered: Entered) -> None:
        """A gesture's cells: ask why, once, then put them into the ledger as one edit of the set that shows now."""
        assert self.loaded is not None
        name = self.loaded.grid.set_name
        self.trouble.hide()
        self._under_way.append(entered)
        self._show_pending()
        if self.reason and len(entered.cells) > MANY:  # the effect of many takes longer than writing them
            self._write(name, entered, self.reason)
            return
        self.whatif.tried(self._waiting_cells())
        if self.reason:
            self._commit(name, entered, self.reason)
            return
        dialog = EditReason(self.desk, entered, self.window())

        def accepted() -> None:
            if dialog.keep.isChecked():
                self._keep(dialog.reason)
            self._commit(name, entered, dialog.reason)

        dialog.accepted.connect(accepted)
        dialog.rejected.connect(lambda: self._drop(entered))
        dialog.open()

    def _commit(self, name: str, entered: Entered, why: str) -> None:
        """Into the ledger, once the effect is on screen: both at the same time would hold each other up."""
        self._ready.append((name, entered, why))
        if self.whatif.busy:
            self._patience.start()
        else:
            self._write_ready()

    def _write_ready(self) -> None:
        self._patience.stop()
        ready, self._ready = self._ready, []
        for one in ready:
            self._write(*one)

    def _write(self, name: str, entered: Entered, why: str) -> None:
        pack, texts = self.pack, self.texts

        def work(workspace: Any, _: Any) -> Any:
            from core.rules.deriving import limits_of
            from core.settlement import coefficients

            return coefficients.edit(workspace, name, entered.cells, why, limits=limits_of(pack))

        def done(_: Any) -> None:
            self._over(entered)
            self.desk.say(texts("coefficients.editor.done", cells=len(entered.cells)))

        def failed(error: Exception) -> None:
            self._drop(entered)
            self._say_refusal(error)

        self.desk.change(work, done, failed=failed, title=texts("coefficients.editor.writing"), tables=TABLES)

    def _over(self, entered: Entered) -> None:
        self._under_way = [one for one in self._under_way if one is not entered]
        self.whatif.tried(self._waiting_cells())

    def _drop(self, entered: Entered) -> None:
        self._over(entered)
        self._show_pending()
        self.table.setFocus()

    def _show_pending(self) -> None:
        values = {place: value for one in self._under_way for place, value in one.values.items()}
        self.table.show_pending(values)

    def _keep(self, reason: str) -> None:
        """A reason for all further edits; "" asks again each time."""
        self.reason = reason
        c = self.desk.look.colours
        link = f"<a href='ask' style='color:{c.accent}'>{self.texts('coefficients.editor.reason_ask')}</a>"
        self.kept.setText(f"{html.escape(self.texts('coefficients.editor.reason_kept', reason=reason))}&nbsp;&nbsp;{link}")
        self.kept.setVisible(bool(reason))

    def _refused(self, entered: Entered) -> None:
        """Nothing was entered: every wrong cell with its place and what to do."""
        texts = self.texts
        assert self.loaded is not None
        lines = [entering.told(self.loaded.grid, one, texts) for one in entered.wrong]
        shown = [texts("coefficients.wrong.title", cells=len(lines)), *lines[:LISTED]]
        if len(lines) > LISTED:
            shown.append(texts("coefficients.wrong.more", cells=len(lines) - LISTED))
        self.trouble.tell("\n".join(shown), "\n".join(lines) if len(lines) > LISTED else "")
        self.whatif.tried(self._waiting_cells())

    def _say_refusal(self, error: Exception) -> None:
        if isinstance(error, Refused) and error.code == "stale_edit":
            lines = [self.texts.finding(one) for one in error.findings]
            said = [self.texts("coefficients.editor.stale", cells=len(lines)), *lines[:LISTED]]
            self.trouble.tell("\n".join(said), "\n".join(lines) if len(lines) > LISTED else "")
            self.reload()  # what is there now
        elif isinstance(error, Refused) and error.code == "nothing_changed":
            self.desk.say(self.texts("coefficients.editor.nothing_changed"))
        elif isinstance(error, Fault):
            self.trouble.wrong(error)
        else:
            self.desk.troubled.emit(error)

    def _locked(self) -> None:
        """A published set, one that a confirmed year rests on, or a workspace that may not be written."""
        if self.head is not None and self.head.state == "draft" and self._held():
            self.trouble.wrong(Refused("year_confirmed", year=self._held(), table="coefficient"))
        elif self.desk.workspace is not None and self.desk.workspace.read_only:
            self.desk.say(self.texts("ui.not_now"))
        else:
            self.draft_wanted.emit()

    def _keep_scenario(self, outcome: Any) -> None:
        """What stands beside the grid, under a name."""
        dialog = KeepDialog(self.desk, self.window())

        def accepted() -> None:
            name, note = dialog.name, dialog.note

            def work(workspace: Any, _: Any) -> None:
                from core.settlement import scenarios

                scenarios.keep(workspace, scenarios.of(outcome.pool, name, outcome.changes, note), new=True)

            said = self.texts("coefficients.scenario.kept", name=name)
            self.desk.change(work, lambda _: self.desk.say(said), failed=self.trouble.wrong, tables=("scenario",))

        dialog.accepted.connect(accepted)
        dialog.open()

    # -- parts and days ------------------------------------------------------------------------------------------------

    def add_part(self) -> None:
        if not self._writable():
            self._locked()
            return
        dialog = PartDialog(self.desk, self.loaded.grid.parts if self.loaded is not None else (), self.window())

        def accepted() -> None:
            self._more.append(dialog.part)
            self._go_to = dialog.part
            self.reload()

        dialog.accepted.connect(accepted)
        dialog.open()

    def enter_dated(self) -> None:
        """A value valid from a day on, into the selected cells."""
        loaded, places = self.loaded, self.table.places()
        if loaded is None or not self._writable():
            self._locked()
            return
        if not places:
            self.desk.say(self.texts("coefficients.editor.no_cells"))
            return
        dialog = DatedDialog(self.desk, len(places), self.day.date(), self.window())

        def accepted() -> None:
            entered = entering.typed(loaded.grid, places, dialog.text, dialog.day, dialog.basis)
            if entered.wrong:
                self._refused(entered)
            elif entered.cells:
                self._entered(entered)

        dialog.accepted.connect(accepted)
        dialog.open()


def fund_of(workspace: Any, name: str) -> str:
    """The fund whose rows a set speaks of: of both, unless it has rows of single funds alone."""
    from core.settlement.coefficients import parts

    funds = {part.fund for part in parts(workspace.reader(), name)}
    return "all" if "all" in funds or len(funds) != 1 else funds.pop()
