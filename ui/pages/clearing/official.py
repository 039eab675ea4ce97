"""The official tab: the bureau's result beside the one here, by step, by institution, down to the case, with the causes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QTabBar,
    QVBoxLayout,
    QWidget,
)

from core.faults import Refused
from ui.asking import Asking
from ui.desk import Changes, Desk
from ui.dialogs import documents
from ui.look import GAP, TIGHT, set_role
from ui.pages.clearing.tabs import Choice
from ui.splits import one_above_other, side_by_side
from ui.table import Table

if TYPE_CHECKING:
    from core.settlement.reconcile import Reconciliation
    from core.worksheet import Worksheet
    from ui.jobs import Job

READ = ("cases", "batch", "institution", "catalogue", "auxiliary", "reference_mean", "coefficient", "coefficient_set",
        "budget", "payment", "deduction", "special_case", "rule_pack", "official_clearing", "official_case")  # fmt: skip
STEPS, CAUSES, OWN, OFFICIAL, PAYS = VIEWS = ("steps", "causes", "own", "official", "pays")
MOST_CASES = 20_000  # in the table; a file holds them all


@dataclass(frozen=True)
class Told:
    """A reconciliation with the tables of one fund that show at once; found None: why there is none."""

    found: Reconciliation | None
    why: Refused | None
    sheets: dict[tuple[str, str], Worksheet]  # (fund, view)


def _told(
    workspace: Any, job: Job, year: int, choice: Choice, set_name: str, lang: str, tolerance: Mapping[str, Fraction]
) -> Told:
    from core.settlement import own_packs, reconcile

    pack = own_packs.load(workspace, choice.pack, {})
    try:
        found = reconcile.reconcile(
            workspace, year, pack, tolerance=tolerance, set_name=set_name or None, catalogue=choice.catalogue or None,
            progress=job,
        )  # fmt: skip
    except Refused as refused:
        if refused.code == "official_missing":
            return Told(None, refused, {})
        raise
    return _shown(found, lang)


def _shown(found: Reconciliation, lang: str) -> Told:
    from core.settlement import reconcile_sheets as tables
    from core.texts import Texts

    texts = Texts(lang)
    sheets: dict[tuple[str, str], Worksheet] = {}
    for one in found.bridges:
        sheets[one.fund, STEPS] = tables.steps(found, one.fund, texts)
        sheets[one.fund, CAUSES] = tables.summary(found, texts, one.fund)
        sheets[one.fund, PAYS] = tables.pays(found, texts, fund=one.fund, most=MOST_CASES)
        for side in (OWN, OFFICIAL):
            sheets[one.fund, side] = tables.sheet_of(found, one.fund, side)
    return Told(found, None, sheets)


class OfficialTab(QWidget):
    def __init__(self, desk: Desk, choice: Callable[[], Choice]) -> None:
        super().__init__()
        self.desk, self.texts, self._choice = desk, desk.texts, choice
        self.told: Told | None = None
        self._of: tuple[object, ...] = ()  # year, set and choice that it is told of
        self._target = ""
        self.tolerance: Mapping[str, Fraction] = {}  # while the window is open
        self._build()

    def _build(self) -> None:
        texts = self.texts
        self.views = QTabBar()
        self.views.setDrawBase(False)
        self.views.setExpanding(False)
        self.views.setAccessibleName(texts("reconcile.views"))
        for key in VIEWS:
            self.views.addTab(texts(f"reconcile.view.{key}"))
        self.views.currentChanged.connect(lambda _: self._show())
        self.said = QLabel(wordWrap=True)
        self.said.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.save = QPushButton(texts("reconcile.export"))
        self.save.setToolTip(texts("reconcile.export_tip"))
        self.save.clicked.connect(self.export)
        self.tolerate = QPushButton(texts("reconcile.tolerances"))
        self.tolerate.setToolTip(texts("reconcile.tolerances_tip"))
        self.tolerate.clicked.connect(self.ask_tolerance)
        line = QHBoxLayout()
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(GAP)
        line.addWidget(self.views)
        line.addStretch(1)
        line.addWidget(self.tolerate)
        line.addWidget(self.save)
        self.asking = Asking(self.desk, "clearing.official")
        self.asking.over.connect(self._allow)
        self.steps, self.bridge, self.cases = Table(self.desk), Table(self.desk), Table(self.desk)
        for table in (self.steps, self.bridge, self.cases):
            table.condition.hide()
            table.bar.insertStretch(2, 1)
        self.steps.current_changed.connect(lambda *_: self._show_bridge())
        self.bridge.current_changed.connect(lambda *_: self._show_cases())
        self.bridge.activated.connect(lambda key, _: self._to_institution(key))
        self.cases.set_empty(texts("reconcile.no_cases"))
        self.bridge.set_empty(texts("reconcile.choose_step"))
        beneath = side_by_side(self.bridge, self.cases, sizes=(620, 560))
        self.split = one_above_other(self.steps, beneath, sizes=(260, 300))
        self.beneath = beneath
        set_role(self.said, "muted")
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(TIGHT)
        box.addLayout(line)
        box.addWidget(self.asking)
        box.addWidget(self.said)
        box.addWidget(self.split, 1)
        self.setFocusProxy(self.steps)
        self._allow()

    # -- what the page says ------------------------------------------------------------------------------------

    def refresh(self, changes: Changes | None = None) -> None:
        desk, texts = self.desk, self.texts
        if changes is not None and not (changes.workspace or changes.choices or changes.touches(*READ)):
            return
        year, choice = desk.year, self._choice()
        if changes is not None and self._of == (year, desk.set_name, choice) and not changes.touches(*READ):
            self._show()  # the other fund of the same
            return
        self.told, self._of = None, (year, desk.set_name, choice)
        self._show()
        if desk.workspace is None or year is None or not choice.pack:
            self.steps.set_empty(texts("reconcile.no_pack"))
            return
        set_name, lang, tolerance = desk.set_name, texts.lang, self.tolerance

        def have(told: Told) -> None:
            self.told = told
            self._show()

        self.asking.ask(
            lambda workspace, job: _told(workspace, job, year, choice, set_name, lang, tolerance), have, texts("reconcile.asking")
        )

    def show_target(self, target: object) -> None:
        """A step: its bridge; or one of the views."""
        name = str(target)
        if name in VIEWS:
            self.views.setCurrentIndex(VIEWS.index(name))
            return
        self._target = name
        self.views.setCurrentIndex(0)
        if self.told is not None:
            self._show()

    # -- showing -----------------------------------------------------------------------------------------------

    def _allow(self) -> None:
        there = self.told is not None and self.told.found is not None and not self.asking.busy
        self.save.setEnabled(there)
        self.tolerate.setEnabled(there)

    def _show(self) -> None:
        texts, told = self.texts, self.told
        view, fund = VIEWS[self.views.currentIndex()], self.desk.fund
        self.beneath.setVisible(view == STEPS and told is not None and told.found is not None)
        self._allow()
        self.views.setVisible(told is None or told.found is not None)  # all of them would say the same
        sheet = told.sheets.get((fund, view)) if told is not None else None
        if told is None or told.found is None or sheet is None:
            self.said.setText("")
            self._clear(self.steps)
            if told is not None:
                if told.found is None:
                    self.steps.set_empty(texts("reconcile.none"), texts("reconcile.import"), lambda: self.desk.go("data"))
                else:
                    self.steps.set_empty(texts("reconcile.other_fund"))
            return
        found = told.found
        differing = [one for one in found.differing() if one[0].fund == fund]
        key = "same" if found.agrees else "differs"
        self.said.setText(
            texts(f"reconcile.said.{key}", compared=f"{found.compared:,}", cases=f"{found.count:,}", steps=f"{len(differing):,}")
        )
        further = [texts.finding(one) for one in found.findings]
        if self.tolerance:
            further.append(texts("reconcile.said.tolerated", count=len(self.tolerance)))
        if further:
            self.said.setText("\n".join((self.said.text(), *further)))
        if view == PAYS:
            self.steps.set_empty(texts(f"reconcile.{'no_pays' if found.pays is None or not found.pays.reading else 'pays_same'}"))
        self.steps.set_worksheet(sheet, frozen=2)
        if view == STEPS:
            first = self._target or next((step for _, step, i in differing if i >= 0), "")
            self._target = ""
            if first:
                self.steps.select(f"institution.{first}")
            self._show_bridge()

    def _clear(self, *tables: Table) -> None:
        from core.worksheet import Worksheet

        for table in tables:
            table.set_worksheet(Worksheet("", {}, (), {}, 0))

    def _key(self, table: Table) -> str:
        row, keys = table.current_row(), table.worksheet().keys
        return str(keys[row]) if row >= 0 and keys is not None and row < len(keys) else ""

    def _show_bridge(self) -> None:
        """The step that is current: an institution's by institution, the region's by figure."""
        told = self.told
        if told is None or told.found is None or VIEWS[self.views.currentIndex()] != STEPS:
            return
        from core.settlement import reconcile_sheets as tables

        scope, _, step = self._key(self.steps).partition(".")
        if scope == "institution":
            self.bridge.set_worksheet(tables.bridge(told.found, self.desk.fund, step, self.texts), frozen=2)
        elif scope == "region":
            self.bridge.set_worksheet(tables.region_bridge(told.found, self.desk.fund, self.texts), frozen=1)
        self._show_cases()

    def _show_cases(self) -> None:
        """Of the institution that is current, else of all."""
        told = self.told
        if told is None or told.found is None:
            return
        found, fund, texts = told.found, self.desk.fund, self.texts
        scope = self._key(self.steps).partition(".")[0]
        code = self._key(self.bridge) if scope == "institution" else ""

        def work(workspace: Any, job: Job) -> Worksheet:
            from core.settlement import reconcile_sheets as tables

            return tables.cases(found, texts, fund=fund, code=code, most=MOST_CASES)

        def have(sheet: Worksheet) -> None:
            if self.told is told:
                self.cases.set_worksheet(sheet, frozen=1)

        self.desk.ask(work, have, place="clearing.official_cases")

    def _to_institution(self, key: object) -> None:
        """Double click on an institution: the cursor into its cases."""
        self.cases.setFocus()

    # -- tolerance ---------------------------------------------------------------------------------------------

    def ask_tolerance(self) -> None:
        told = self.told
        if told is None or told.found is None:
            return
        from ui.pages.clearing.tolerances import ToleranceDialog

        dialog = ToleranceDialog(self.desk, told.found, self)
        if dialog.exec():
            self.tolerate_up_to(dialog.given())

    def tolerate_up_to(self, tolerance: Mapping[str, Fraction]) -> None:
        """The same differences, judged by other amounts: nothing is reconciled again."""
        self.tolerance = dict(tolerance)
        if self.told is not None and self.told.found is not None:
            self.told = _shown(replace(self.told.found, tolerance=self.tolerance), self.texts.lang)
            self._show()

    # -- handing over ------------------------------------------------------------------------------------------

    def export(self) -> None:
        """Both sheets, the bridges and the cases as one workbook, or for print."""
        told, texts = self.told, self.texts
        if told is None or told.found is None or self.desk.workspace is None:
            return
        fitting = [texts("table.files_xlsx"), texts("clearing.files_pdf")]
        path, chosen = QFileDialog.getSaveFileName(
            self, texts("reconcile.export"),
            str(documents() / f"{texts('reconcile.file', year=told.found.clearing.year)}.xlsx"), ";;".join(fitting),
        )  # fmt: skip
        if path:
            named = path.lower().endswith((".xlsx", ".pdf"))
            self.export_to(path if named else f"{path}{'.pdf' if chosen == fitting[1] else '.xlsx'}")

    def export_to(self, file: str | Path) -> None:
        told, texts, path = self.told, self.texts, Path(file)
        if told is None or told.found is None:
            return
        found = told.found

        def work(_: Any, job: Job) -> Path:
            from core.settlement import reconcile_book

            (reconcile_book.write_pdf if path.suffix.lower() == ".pdf" else reconcile_book.write)(found, path, texts, job)
            return path

        self.asking.ask(
            work, lambda done: self.desk.say(texts("cli.wrote", path=str(done))), texts("table.exporting", name=path.name)
        )
