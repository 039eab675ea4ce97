"""Coefficients by disease group and level: shown of any catalogue version, written into a draft of it as a set is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from core.faults import Fault, Refused
from ui.asking import Asking
from ui.desk import Changes, Desk
from ui.dialogs import EscapeField
from ui.look import GAP, TIGHT, count, set_role
from ui.pages.coefficients import entering
from ui.pages.coefficients.entering import Entered
from ui.pages.coefficients.grid import PartsTable, Sign
from ui.pages.coefficients.pool import Pools
from ui.pages.coefficients.questions import EditReason, Form
from ui.pages.coefficients.sets import free_name

if TYPE_CHECKING:
    from core.rules.circular import Pack
    from core.settlement.coefficients import SetHead
    from core.settlement.disease_coefficients import DiseaseGrid

TABLES = ("catalogue", "catalogue_version", "auxiliary", "exclusion", "batch")
LISTED = 4  # wrong cells that are named at once; the others behind a button


class DiseaseTab(QWidget):
    """Of the catalogue version that the page has chosen, else of the year's only one."""

    version_wanted = Signal(str)  # the page shall choose this version

    def __init__(self, desk: Desk, pools: Pools) -> None:
        super().__init__()
        self.desk, self.texts, self.pools = desk, desk.texts, pools
        self.shown: DiseaseGrid | None = None
        self.pack: Pack | None = None
        self._versions: tuple[str, ...] = ()
        self._waiting: tuple[DiseaseGrid, tuple[str, ...]] | None = None
        self._build()

    def _build(self) -> None:
        texts = self.texts
        self.about = QLabel()
        set_role(self.about, "muted")
        self.filled = QToolButton()
        self.filled.setCheckable(True)
        self.filled.setToolTip(texts("coefficients.disease.filled_tip"))
        self.filled.toggled.connect(lambda _: self._filter())
        self.undo, self.redo = QToolButton(), QToolButton()
        for button, verb in ((self.undo, "undo"), (self.redo, "redo")):
            button.setToolTip(texts(f"coefficients.editor.{verb}_tip"))
            button.setAccessibleName(texts(f"coefficients.editor.{verb}_tip"))
            button.clicked.connect(lambda _=False, verb=verb: self.desk.act(f"ledger.{verb}"))
        for button in (self.filled, self.undo, self.redo):
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.new = QPushButton(texts("coefficients.disease.draft"))
        self.new.setToolTip(texts("coefficients.disease.draft_tip"))
        self.new.clicked.connect(self.new_draft)
        top = QHBoxLayout()
        top.setSpacing(GAP)
        top.addWidget(self.about, 1)
        for widget in (self.filled, self.undo, self.redo, self.new):
            top.addWidget(widget)
        self.used = QLabel(wordWrap=True)
        self.asking = Asking(self.desk, "coefficients.disease")
        self.asking.over.connect(self._read)
        self.trouble = Asking(self.desk, "coefficients.disease.trouble")  # what was refused, until the next edit
        self.seek = EscapeField()
        self.seek.setPlaceholderText(texts("coefficients.disease.find"))
        self.seek.setAccessibleName(texts("coefficients.disease.find"))
        self.seek.setToolTip(texts("coefficients.disease.find_tip"))
        self.seek.setClearButtonEnabled(True)
        self.seek.textChanged.connect(lambda _: self._filter())
        self.entry = EscapeField()
        self.entry.setPlaceholderText(texts("coefficients.editor.entry"))
        self.entry.setToolTip(texts("coefficients.editor.entry_tip"))
        self.entry.setAccessibleName(texts("coefficients.editor.entry"))
        self.entry.returnPressed.connect(self._entry_given)
        self.table = PartsTable(self.desk)
        self.table.condition.hide()
        self.table.widest = {"dip_name": 420}
        for widget, at, stretch in ((self.seek, 0, 2), (self.entry, 1, 3)):
            self.table.bar.insertWidget(at, widget, stretch)
        self.table.set_empty(texts("coefficients.disease.nothing"))
        self.table.entered.connect(self._entered)
        self.table.refused.connect(self._refused)
        self.table.locked.connect(self._locked)
        self.table.seek_wanted.connect(lambda: (self.seek.setFocus(), self.seek.selectAll()))
        self.table.grid.closed.connect(self._put_waiting)
        self.table.cell_menu = self._cell_menu
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(TIGHT)
        box.addLayout(top)
        box.addWidget(self.used)
        box.addWidget(self.asking)
        box.addWidget(self.trouble)
        box.addWidget(self.table, 1)
        self.setFocusProxy(self.table)
        self.desk.look.changed.connect(self._tint)
        self._tint()
        self._allow()

    def _tint(self) -> None:
        self.undo.setIcon(self.desk.look.icon("undo"))
        self.redo.setIcon(self.desk.look.icon("redo"))

    # -- what the page says ----------------------------------------------------------------------------------------

    def show_set(self, heads: Sequence[SetHead], head: SetHead | None, pack: Pack | None) -> None:
        texts, year, wanted = self.texts, self.desk.year, self.pools.catalogue or None
        self.pack = pack
        self.used.setVisible(pack is not None)
        if pack is not None:
            used = pack.case.disease_level_coefficient
            self.used.setText(texts(f"coefficients.disease.{'used' if used else 'unused'}", pack=pack.title[texts.lang]))
            set_role(self.used, "muted" if used else "warn")
        if year is None:
            return

        def work(workspace: Any, _: Any) -> tuple[DiseaseGrid, tuple[str, ...]]:
            from core.catalogue import library
            from core.settlement.disease_coefficients import grid

            connection = workspace.reader()
            found = grid(connection, library.choose(connection, year, wanted))
            return found, tuple(one.name for one in library.versions(connection))

        self.asking.ask(work, self._have, texts("coefficients.disease.reading"))

    def settled(self, changes: Changes) -> None:
        """Every refresh of the page reads again."""

    def _read(self) -> None:
        """Nothing of another version stays where this one could not be read."""
        from core.worksheet import Worksheet

        if not self.asking.isHidden():
            self.shown = None
            self.table.standing = None
            self.table.set_worksheet(Worksheet("", {"zh": "", "en": ""}, (), {}, 0))
            self.about.clear()
            self._allow()

    def _have(self, both: tuple[DiseaseGrid, tuple[str, ...]]) -> None:
        if self.table.grid.open_field:
            self._waiting = both  # what is being typed must not be lost
            return
        self._waiting = None
        shown, self._versions = both
        other = self.shown is None or self.shown.version != shown.version
        self.shown = shown
        texts = self.texts
        self.table.put(shown, dict.fromkeys(shown.changed, Sign.CHANGED), self._writable())
        state = texts(f"catalogue.state.{shown.state}")
        self.about.setText(texts("coefficients.disease.of", version=shown.version, state=state, groups=count(shown.sheet.rows)))
        self.filled.setText(texts("coefficients.disease.filled", count=count(shown.sheet.rows - len(shown.unfilled))))
        if other:
            self.table.show_pending({})
        self._filter()
        if not self.table.grid.currentIndex().isValid() and self.table.model.rowCount():
            self.table.select(self.table.model.key_at(0), shown.parts[0])
        self._allow()

    def _put_waiting(self) -> None:
        if self._waiting is not None:
            self._have(self._waiting)

    def _writable(self) -> bool:
        workspace = self.desk.workspace
        if self.shown is None or self.shown.state != "draft" or self._held():
            return False
        return workspace is not None and not workspace.read_only

    def _held(self) -> int:
        """The confirmed year that rests on the catalogue, 0 where none does."""
        contents = self.desk.contents
        return contents.held.catalogues.get(self.shown.version, 0) if contents is not None and self.shown is not None else 0

    def _allow(self) -> None:
        workspace = self.desk.workspace
        self.new.setEnabled(self.shown is not None and workspace is not None and not workspace.read_only)
        self.entry.setEnabled(self._writable())

    def _filter(self) -> None:
        """Only what was looked for, and only groups that have a coefficient where that is wanted."""
        import numpy as np

        shown = self.shown
        if shown is None:
            return
        text = self.seek.text().strip()
        rows = shown.find(text) if text else None
        if self.filled.isChecked():
            keys = shown.sheet.keys
            assert keys is not None
            among = np.arange(shown.sheet.rows) if rows is None else rows
            rows = np.array([row for row in among if str(keys[row]) not in shown.unfilled], dtype=np.int64)
        self.table.show_only(rows)

    # -- edits -----------------------------------------------------------------------------------------------------------

    def _cell_menu(self, menu: QMenu, key: object, column: str) -> None:
        write = self._writable() and bool(self.table.places())
        for word, keys, does in (
            ("paste", "Ctrl+V", self.table.paste), ("fill", "Ctrl+D", self.table.fill), ("clear", "Del", self.table.clear_cells),
        ):  # fmt: skip
            action = menu.addAction(self.texts(f"coefficients.menu.{word}"), does)
            action.setShortcut(QKeySequence(keys))
            action.setEnabled(write)

    def _entry_given(self) -> None:
        text = self.entry.text().strip()
        if text and not self.table.places():
            self.desk.say(self.texts("coefficients.editor.no_cells"))
        elif text:
            self.entry.clear()
            self.table.enter(text)

    def _entered(self, entered: Entered) -> None:
        """A gesture's cells: ask why, once, then put them into the ledger as one edit of the version that shows now."""
        assert self.shown is not None
        version = self.shown.version
        self.trouble.hide()
        self.table.show_pending(entered.values)
        dialog = EditReason(self.desk, entered, self.window(), "coefficients.disease.many")
        dialog.keep.hide()
        dialog.accepted.connect(lambda: self._write(version, entered, dialog.reason))
        dialog.rejected.connect(lambda: self.table.show_pending({}))
        dialog.open()

    def _write(self, version: str, entered: Entered, why: str) -> None:
        texts = self.texts

        def work(workspace: Any, _: Any) -> None:
            from core.settlement import disease_coefficients

            disease_coefficients.edit(workspace, version, entered.cells, why)

        def failed(error: Exception) -> None:
            self.table.show_pending({})
            if isinstance(error, Fault):
                self.show_set((), None, self.pack)  # what is there now
                self._say(error)
            else:
                self.desk.troubled.emit(error)

        def done(_: object) -> None:
            self.desk.say(texts("coefficients.editor.done", cells=len(entered.cells)))

        self.desk.change(work, done, failed=failed, title=texts("coefficients.editor.writing"), tables=TABLES)

    def _say(self, error: Fault) -> None:
        if isinstance(error, Refused) and error.findings:
            self._list([self.texts.finding(one) for one in error.findings], self.texts.fault(error))
        else:
            self.trouble.wrong(error)

    def _refused(self, entered: Entered) -> None:
        """Nothing was entered: every wrong cell with its place and what to do."""
        assert self.shown is not None
        lines = [entering.told(self.shown, one, self.texts) for one in entered.wrong]
        self._list(lines, self.texts("coefficients.wrong.title", cells=len(lines)))

    def _list(self, lines: Sequence[str], title: str) -> None:
        said = [title, *lines[:LISTED]]
        if len(lines) > LISTED:
            said.append(self.texts("coefficients.wrong.more", cells=len(lines) - LISTED))
        self.trouble.tell("\n".join(said), "\n".join(lines) if len(lines) > LISTED else "")

    def _locked(self) -> None:
        """A version that is no draft, one that a confirmed year rests on, or a workspace that may not be written."""
        if self.shown is not None and self.shown.state == "draft" and (year := self._held()):
            self.trouble.wrong(Refused("year_confirmed", year=year, table="catalogue"))
        elif self.desk.workspace is not None and self.desk.workspace.read_only:
            self.desk.say(self.texts("ui.not_now"))
        else:
            self.new_draft()

    # -- a draft of the catalogue -----------------------------------------------------------------------------------------

    def new_draft(self) -> None:
        shown, texts = self.shown, self.texts
        if shown is None:
            return
        dialog = CatalogueDraft(self.desk, shown.version, self._versions, self.window())

        def accepted() -> None:
            name, why = dialog.name, dialog.reason

            def work(workspace: Any, _: Any) -> None:
                from core.settlement import disease_coefficients

                disease_coefficients.draft(workspace, shown.version, name, why)

            def done(_: object) -> None:
                self.desk.say(texts("coefficients.disease.drafted", name=name))
                self.version_wanted.emit(name)

            self.desk.change(
                work, done, failed=self.trouble.wrong, title=texts("coefficients.disease.drafting"), tables=TABLES
            )

        dialog.accepted.connect(accepted)
        dialog.open()


class CatalogueDraft(Form):
    """A name and a reason for a draft of a version; `name`, `reason` once accepted."""

    def __init__(self, desk: Desk, version: str, taken: Sequence[str], parent: QWidget) -> None:
        texts = desk.texts
        super().__init__(
            desk, texts("coefficients.disease.draft").rstrip("…"), texts("coefficients.disease.draft_do"), parent
        )
        self._taken = set(taken)
        about = QLabel(texts("coefficients.disease.draft_about", version=version))
        about.setWordWrap(True)
        set_role(about, "muted")
        self.form.addRow(about)
        self.name_field = QLineEdit(free_name(texts("coefficients.disease.draft_stem", version=version), taken))
        self.reason_field = QLineEdit()
        self.reason_field.setPlaceholderText(texts("ui.reason_hint"))
        self.add("coefficients.disease.name", self.name_field)
        self.add("coefficients.sets.reason", self.reason_field)
        self.name_field.textChanged.connect(lambda _: self._check())
        self.name_field.selectAll()
        self._check()

    @property
    def name(self) -> str:
        return self.name_field.text().strip()

    @property
    def reason(self) -> str:
        return self.reason_field.text().strip()

    def _check(self) -> None:
        taken = self.name in self._taken
        self.problem.setText(self.texts("coefficients.disease.taken") if taken else " ")
        self.do.setEnabled(bool(self.name) and not taken)
