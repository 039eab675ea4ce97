"""The special cases tab: who comes into question, deciding on the chosen ones, and what a decision does to everybody."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QItemSelectionModel, Qt, QTimer
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from core.faults import Refused, Usage
from core.money import decimal, plain
from ui.asking import Asking
from ui.desk import FUNDS, Changes, Desk
from ui.dialogs import SureDialog
from ui.look import GAP, TIGHT, grouped, set_bad, set_role
from ui.pages.clearing.special_form import DecisionForm
from ui.pages.clearing.tabs import Choice
from ui.splits import side_by_side
from ui.table import Table
from ui.table.model import EMPTY

if TYPE_CHECKING:
    from core.settlement.special import Bounds, Candidates, Decided, Stored
    from core.worksheet import Worksheet

READ = ("cases", "batch", "institution", "catalogue", "auxiliary", "reference_mean", "coefficient", "coefficient_set",
        "budget", "payment", "deduction", "assessment", "special_case", "rule_pack")  # fmt: skip
MARKS = ("over", "stay", "icu")
ALL, UNDECIDED, DECIDED = "all", "undecided", "decided"


@dataclass(frozen=True)
class Told:
    """What a trial did: a row for each fund, and the institutions by fund."""

    funds: Worksheet
    sheets: dict[str, Worksheet]


class SpecialTab(QWidget):
    of_choices = False  # the papers stay in the form, whatever year or fund is looked at

    def __init__(self, desk: Desk, choice: Callable[[], Choice]) -> None:
        super().__init__()
        self.desk, self.texts, self._choice = desk, desk.texts, choice
        self.found: Candidates | None = None
        self.told: Told | None = None
        self._of: tuple[object, ...] = ()
        self._of_cases: tuple[str, ...] = ()  # the settlements that the form is of
        self._leaving = False  # whether what is typed for them may go is being asked
        self._wanted = ""  # a settlement to be shown once the candidates are there
        self.asking = Asking(desk, "clearing.special")
        self.quota = QLabel(wordWrap=True)
        self.table = Table(desk)
        self.table.set_empty(self.texts("special.page.none"))
        self.split = side_by_side(self.table, self._deciding(), sizes=(720, 450), stretch=(1, 0))
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(TIGHT)
        box.addLayout(self._looking())
        box.addWidget(self.quota)
        box.addWidget(self.asking)
        box.addWidget(self.split, 1)
        self.setFocusProxy(self.table)
        self.table.grid.selectionModel().selectionChanged.connect(lambda *_: self._choose())
        self.asking.over.connect(self._allow)
        desk.stayed.connect(self._back)
        desk.guard(self)
        self._show()

    # -- building ----------------------------------------------------------------------------------------------------

    def _looking(self) -> QHBoxLayout:
        texts = self.texts
        line = QHBoxLayout()
        line.setSpacing(TIGHT)
        self.show_only = QComboBox()
        self.show_only.setAccessibleName(texts("special.page.show"))
        for key in (ALL, UNDECIDED, DECIDED):
            self.show_only.addItem(texts(f"special.page.{key}"), key)
        for key in MARKS:
            self.show_only.addItem(texts(f"special.mark.{key}"), key)
        self.show_only.activated.connect(lambda _: self._filter())
        line.addWidget(self.show_only)
        line.addSpacing(GAP)
        self.bounds: dict[str, QLineEdit] = {}
        for name, unit, value in (("times", "times_unit", "2"), ("days", "days_unit", "31"), ("icu", "days_unit", "2")):
            field = QLineEdit(value)
            field.setFixedWidth(48)
            field.setAccessibleName(texts(f"special.page.{name}"))
            field.returnPressed.connect(lambda: self.refresh())
            self.bounds[name] = field
            for part in (QLabel(texts(f"special.page.{name}")), field, QLabel(texts(f"special.page.{unit}"))):
                if isinstance(part, QLabel):
                    set_role(part, "muted")
                line.addWidget(part)
            line.addSpacing(GAP)
        self.look = QPushButton(texts("special.page.look"))
        self.look.setToolTip(texts("special.page.look_tip"))
        self.look.clicked.connect(lambda: self.refresh())
        line.addWidget(self.look)
        line.addStretch(1)
        return line

    def _deciding(self) -> QWidget:
        texts = self.texts
        panel = QWidget()
        self.chosen = QLabel(wordWrap=True)
        self.form = DecisionForm(self.desk)
        self.form.changed.connect(self._allow)
        self.attempt = QPushButton(texts("special.page.try"))
        self.attempt.setToolTip(texts("special.page.try_tip"))
        self.attempt.clicked.connect(self.do_try)
        self.enter = QPushButton(texts("special.page.decide"))
        self.enter.setToolTip(texts("special.page.decide_tip"))
        self.enter.setProperty("primary", True)
        self.enter.clicked.connect(lambda: self.do_decide())
        self.form.entered.connect(self.enter.click)
        line = QHBoxLayout()
        line.addStretch(1)
        line.addWidget(self.attempt)
        line.addWidget(self.enter)
        self.moved = QLabel(wordWrap=True)
        self.fund = QComboBox()
        self.fund.setAccessibleName(texts("special.column.fund"))
        for fund in FUNDS:
            self.fund.addItem(texts(f"fund.{fund}"), fund)
        self.fund.currentIndexChanged.connect(lambda _: self._show_effect())
        self.effect = Table(self.desk)
        self.effect.set_empty(texts("special.page.effect_none"))
        box = QVBoxLayout(panel)
        box.setContentsMargins(GAP, 0, 0, 0)
        box.setSpacing(TIGHT)
        box.addWidget(self.chosen)
        box.addWidget(self.form)
        box.addLayout(line)
        box.addWidget(self.moved)
        box.addWidget(self.fund, 0, Qt.AlignmentFlag.AlignLeft)
        box.addWidget(self.effect, 1)
        return panel

    # -- what the page says ------------------------------------------------------------------------------------------

    def refresh(self, changes: Changes | None = None) -> None:
        desk, choice = self.desk, self._choice()
        of = (id(desk.workspace), desk.year, desk.set_name, choice)
        if changes is not None and not changes.touches(*READ) and of == self._of:
            return
        if changes is None or of != self._of or changes.touches(*READ):
            self._forget_trial()
        if of != self._of:
            self.found = None
            self._show()
        self._of = of
        year = desk.year
        if desk.workspace is None or year is None or not choice.pack:
            self.found = None
            self.asking.drop()
            self._show()
            return
        bounds = self._bounds()
        if bounds is None:
            return
        set_name, lang = desk.set_name, self.texts.lang

        def work(workspace: Any, job: Any) -> Candidates:
            from core.settlement import own_packs, special

            return special.candidates(
                workspace, year, own_packs.load(workspace, choice.pack), bounds=bounds, set_name=set_name or None,
                catalogue=choice.catalogue or None, lang=lang, progress=job,
            )  # fmt: skip

        def have(found: Candidates) -> None:
            self.found = found
            self._show()

        self.asking.ask(work, have, self.texts("special.page.looking"))

    def show_target(self, target: object) -> None:
        """A settlement."""
        self._wanted = str(target)
        if self.found is not None and not self.asking.busy:
            self._show()

    def _bounds(self) -> Bounds | None:
        from core.settlement.special import Bounds

        text, field = "", self.bounds["times"]
        try:
            read: dict[str, Any] = {}
            for one in self.bounds.values():
                set_bad(one, False)
            for name, field in self.bounds.items():
                text = field.text().strip()
                value = decimal(text)
                if value <= 0 or value > 10_000 or (name != "times" and value.denominator != 1):
                    raise ValueError(text)
                if value.denominator > 10_000:  # more decimals than anybody means
                    raise ValueError(text)
                read[name] = value
        except ValueError:
            self.asking.wrong(Usage("special_bound_unreadable", value=text))
            set_bad(field, True)
            field.setFocus()
            field.selectAll()
            return None
        return Bounds(read["times"], int(read["days"]), int(read["icu"]))

    # -- showing -----------------------------------------------------------------------------------------------------

    def _show(self) -> None:
        found, texts = self.found, self.texts
        self.quota.setVisible(found is not None)
        self.table.set_worksheet(found.sheet if found is not None else EMPTY, frozen=2)
        if found is not None:
            quota = found.quota
            said = texts(
                "special.page.quota", cases=f"{quota.cases:,}", approved=f"{quota.approved:,}", by_item=f"{quota.by_item:,}",
                adjusted=f"{quota.adjusted:,}", share=plain(quota.share, 2), allowed=f"{quota.allowed:,}",
            )  # fmt: skip
            over = quota.finding
            self.quota.setText(f"{said}\n{texts.finding(over)}" if over is not None else said)
            set_role(self.quota, "bad" if over is not None else "muted")
        self._filter()
        if found is not None and self._wanted:
            self.table.select(self._wanted, "setl_id")
            self._wanted = ""
        if not self.form.unsaved():
            self._load(tuple(self.keys()))
        self._allow()

    def _filter(self) -> None:
        found, key = self.found, self.show_only.currentData()
        if found is None or key == ALL:
            self.table.show_only(None)
            return
        sheet = found.sheet
        if key in MARKS:
            name = self.texts(f"special.mark.{key}")
            where = [name in str(text) for text in sheet.cells["marks"]]
        else:
            where = [(str(one) in found.stored) == (key == DECIDED) for one in sheet.cells["setl_id"]]
        self.table.show_only(np.flatnonzero(np.array(where, bool)))

    def _choose(self) -> None:
        """The form follows the cases chosen: what stands on them, or nothing. What is typed and not entered stays while cases
        are added or taken off; for others it is asked about.
        """
        chosen = tuple(self.keys())
        self._allow()
        if not chosen or self._leaving:
            return
        if not self.form.unsaved():
            self._load(chosen)
        elif set(chosen) <= set(self._of_cases) or (set(self._of_cases) <= set(chosen) and (
            self._of_cases or not any(self._stored(key) for key in chosen)
        )):
            self._of_cases = chosen
        else:
            self._leaving = True
            QTimer.singleShot(0, self, lambda: self.desk.leaving(self._go_on, holders=(self,)))  # after the click is over

    def _go_on(self) -> None:
        self._leaving = False
        if chosen := tuple(self.keys()):
            self._load(chosen)

    def _back(self) -> None:
        """Staying with what is typed is staying with its cases."""
        if not self._leaving:
            return
        grid = self.table.grid
        grid.clearSelection()
        for key in self._of_cases[:1]:
            self.table.select(key)
        rows = [row for row in range(self.table.model.rowCount()) if str(self.table.model.key_at(row)) in self._of_cases[1:]]
        for row in rows:
            index = self.table.model.index(row, max(0, grid.currentIndex().column()))
            grid.selectionModel().select(index, QItemSelectionModel.SelectionFlag.Select)
        self._leaving = False
        self._allow()

    def _stored(self, key: str) -> Stored | None:
        return self.found.stored.get(key) if self.found is not None else None

    def _load(self, chosen: tuple[str, ...]) -> None:
        """What stands on all of these alike, else an empty form."""
        self._of_cases = chosen
        first, *others = [self._stored(key) for key in chosen] or [None]
        self.form.fill(first if all(one == first for one in others) else None)
        self._allow()

    def keys(self) -> list[str]:
        """The settlements chosen."""
        keys = self.table.worksheet().keys
        return [str(keys[row]) for row in self.table.selected_rows()] if keys is not None else []

    def _allow(self) -> None:
        count = len(self.keys())
        self.chosen.setText(self.texts("special.page.chosen", count=count) if count else self.texts("special.page.choose"))
        workspace = self.desk.workspace
        self.attempt.setEnabled(bool(count) and not self.asking.busy)
        contents, year = self.desk.contents, self.desk.year
        held = contents is not None and year in contents.held.years
        writable = workspace is not None and not workspace.read_only and not held
        self.enter.setEnabled(bool(count) and writable and not self.asking.busy)
        tip = self.texts("special.page.decide_tip" if writable else "ui.not_writable")
        if held:
            tip = self.texts("confirmed.holds_year", year=year)
            self.chosen.setText(tip)
        self.enter.setToolTip(tip)

    # -- what is not saved -------------------------------------------------------------------------------------------

    def unsaved(self) -> str:
        return self.texts("special.page.unsaved") if self.form.unsaved() else ""

    def can_save(self) -> bool:
        return self.enter.isEnabled() and bool(self._of_cases)

    def save_then(self, then: Callable[[], None]) -> None:
        self.do_decide(then)

    def discard(self) -> None:
        self._load(self._of_cases)

    # -- trying and deciding -----------------------------------------------------------------------------------------

    def decided(self) -> list[Decided]:
        """The form, for every case that it is of."""
        return self.form.decided(self._of_cases, self.found.stored if self.found is not None else {})

    def _wrong(self, error: Exception) -> None:
        """Said above, and marked where it was typed."""
        self.asking.wrong(error)
        self.form.mark(getattr(error, "findings", ()))

    def do_try(self) -> None:
        from core.settlement.special import tried

        decided, choice, year = self.decided(), self._choice(), self.desk.year
        if not decided or self.found is None or year is None:
            return
        try:
            asked = tried(decided)
        except Refused as refused:
            self._wrong(refused)
            return
        set_name, texts = self.desk.set_name, self.texts
        sheet = self.found.sheet
        first = sheet.cells["fund"][list(sheet.cells["setl_id"]).index(decided[0].setl_id)]
        what = decided[0].setl_id + (f" +{len(decided) - 1}" if len(decided) > 1 else "")
        title = texts("special.page.effect", what=what, kind=self.form.kind.currentText())

        def work(workspace: Any, job: Any) -> Told:
            from core.settlement import own_packs, special_effect

            found = special_effect.effect(
                workspace, year, own_packs.load(workspace, choice.pack), asked, set_name=set_name or None,
                catalogue=choice.catalogue or None, progress=job,
            )  # fmt: skip
            sheets = {one.fund: special_effect.institutions(found, one.fund, texts.lang) for one in found.before.funds}
            return Told(special_effect.funds(found, texts.lang), sheets)

        def have(told: Told) -> None:
            self.told = told
            lines = [title, *_moved(told.funds, texts)]
            self.moved.setText("\n".join(lines))
            self.fund.setCurrentIndex(max(0, self.fund.findText(str(first))))
            self._show_effect()

        self.asking.ask(work, have, texts("special.page.trying"))
        self._allow()

    def do_decide(self, then: Callable[[], None] | None = None) -> None:
        """Enter the form for the cases chosen; where more than 5 per mille would be approved, asked about first."""
        from core.settlement.special import incomplete

        decided, why = self.decided(), self.form.reason.text().strip()
        if not decided or self.found is None:
            return
        if lacking := incomplete(decided, why):
            self._wrong(Refused("cells_refused", lacking, count=len(lacking)))
            return
        before = self.found.quota
        after = before.after((one.seen.kind if one.seen is not None else "", one.kind) for one in decided)
        if after.approved <= max(after.allowed, before.approved):
            self._enter(decided, why, then)
            return
        counts = {"cases": after.cases, "allowed": after.allowed, "before": before.approved, "after": after.approved}
        counts["over"] = after.approved - after.allowed
        said = self.texts("special.limit.about", **{name: f"{count:,}" for name, count in counts.items()})
        sure = SureDialog(self.desk, self.texts("special.limit.title"), said, self.texts("special.limit.do"), self.window())
        sure.accepted.connect(lambda: self._enter(decided, why, then))
        sure.open()

    def _enter(self, decided: list[Decided], why: str, then: Callable[[], None] | None) -> None:
        typed = self.form.typed()

        def done(line: Any) -> None:
            self.form.stands(typed)
            self.desk.say(self.texts("special.page.done", subject=line.subject))
            if then is not None:
                then()

        def work(workspace: Any, _: Any) -> Any:
            from core.settlement import special

            return special.decide(workspace, decided, why)

        self.desk.change(
            work, done, failed=self._wrong, title=self.texts("special.page.deciding"), tables=("special_case",),
        )  # fmt: skip

    def _forget_trial(self) -> None:
        self.told = None
        self.moved.setText("")
        self._show_effect()

    def _show_effect(self) -> None:
        sheet = self.told.sheets.get(self.fund.currentData()) if self.told is not None else None
        self.moved.setVisible(self.told is not None)
        self.fund.setVisible(self.told is not None)
        self.effect.set_worksheet(sheet if sheet is not None else EMPTY, frozen=1)


def _moved(funds: Worksheet, texts: Any) -> list[str]:
    """The point value of each fund, before and after."""
    by_id = {column.id: column for column in funds.columns}
    if "point_value_before" not in by_id:
        return []
    return [
        texts("special.page.moved", fund=funds.cells["fund"][row], **{
            part: grouped(funds.text(row, by_id[f"point_value_{part}"])) for part in ("before", "after", "change")
        })
        for row in range(funds.rows)
    ]  # fmt: skip
