"""The months tab: a year of months beside what is paid, one month by institution with why, the advance, and booking."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from core.faults import Cancelled, Refused, Usage
from core.money import decimal
from ui.asking import Asking
from ui.desk import FUNDS, Changes, Desk
from ui.dialogs import ReasonDialog, TextDialog
from ui.look import GAP, TIGHT, set_role
from ui.pages.clearing.tabs import Choice
from ui.pages.clearing.why import Place, Why
from ui.splits import side_by_side
from ui.table import Table

if TYPE_CHECKING:
    from core.findings import Finding
    from core.settlement.monthly import Month
    from core.worksheet import Worksheet

READ = ("cases", "batch", "institution", "catalogue", "auxiliary", "reference_mean", "coefficient", "coefficient_set",
        "budget", "payment", "deduction", "special_case", "rule_pack")  # fmt: skip
YEAR, ACROSS, ADVANCE = "year", "across", "advance"  # views beside the single months, which are 202401 ...


@dataclass(frozen=True)
class Told:
    """Everything that the tab shows of a year. lacking: why there are no months (YEAR), or no advance (ADVANCE)."""

    months: tuple[Month, ...]
    advance: Month | None
    lacking: dict[str, Exception]
    doubts: tuple[Finding, ...]
    year: Worksheet
    across: dict[str, Worksheet]
    sheets: dict[tuple[str, str], Worksheet]  # (period, fund)


def _told(workspace: Any, job: Any, year: int, choice: Choice, rates: dict[str, str], set_name: str, lang: str) -> Told:
    from core.settlement import advance, doubled, month_sheets, monthly, own_packs

    pack = own_packs.load(workspace, choice.pack, rates)
    found: tuple[Month, ...] = ()
    ahead: Month | None = None
    lacking: dict[str, Exception] = {}
    try:
        found = monthly.year_of_months(
            workspace, year, pack, set_name=set_name or None, catalogue=choice.catalogue or None, progress=job
        )
    except Refused as refused:
        lacking[YEAR] = refused
    try:
        ahead = advance.advance(workspace, year, pack, progress=job, store=False)
    except Refused as refused:
        lacking[ADVANCE] = refused
    connection = workspace.reader()
    every = (*found, *((ahead,) if ahead is not None else ()))
    sheets = {
        (one.period, sheet.fund): month_sheets.institutions(connection, one, sheet, lang)
        for one in every for sheet in one.funds
    }  # fmt: skip
    across = {
        fund: month_sheets.by_month(found, fund, "month_paid", lang)
        for fund in FUNDS if any(sheet.fund == fund for one in found for sheet in one.funds)
    }  # fmt: skip
    doubts = (*doubled.doubled(workspace, year), *doubled.gross(connection, found))
    doubts += tuple(one for month in found for one in month.clearing.findings if one.severity == "warning")
    return Told(found, ahead, lacking, doubts, month_sheets.months(connection, found, lang), across, sheets)


class MonthsTab(QWidget):
    def __init__(self, desk: Desk, choice: Callable[[], Choice]) -> None:
        super().__init__()
        self.desk, self.texts, self._choice = desk, desk.texts, choice
        self.told: Told | None = None
        self._of: tuple[object, ...] = ()  # year, set and choice that it is told of
        self._build()

    def _build(self) -> None:
        texts = self.texts
        self.view = QComboBox()
        self.view.setAccessibleName(texts("months.view"))
        self.view.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.view.currentIndexChanged.connect(lambda _: self._show())
        self.rates: dict[str, QLineEdit] = {}
        line = QHBoxLayout()
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(GAP)
        line.addWidget(self.view)
        for fund in FUNDS:
            caption = QLabel(texts("months.rate", fund=texts(f"fund.{fund}")))
            set_role(caption, "muted")
            field = QLineEdit()
            field.setFixedWidth(104)
            field.setPlaceholderText(texts("months.rate_opening"))
            field.setToolTip(texts("months.rate_tip"))
            field.setAccessibleName(caption.text())
            field.returnPressed.connect(self.refresh)
            self.rates[fund] = field
            line.addWidget(caption)
            line.addWidget(field)
        self.go = QPushButton(texts("months.settle"))
        self.go.setToolTip(texts("months.settle_tip"))
        self.go.setProperty("primary", True)
        self.go.clicked.connect(lambda: self.refresh())
        line.addWidget(self.go)
        line.addStretch(1)
        self.checks = QPushButton()
        self.checks.clicked.connect(self._tell_checks)
        self.book = QPushButton(texts("months.book"))
        self.book.setToolTip(texts("months.book_tip"))
        self.book.clicked.connect(self.ask_book)
        line.addWidget(self.checks)
        line.addWidget(self.book)
        self.asking = Asking(self.desk, "clearing.months")
        self.said = QLabel(wordWrap=True)
        set_role(self.said, "muted")
        self.table = Table(self.desk)
        self.table.activated.connect(self._activated)
        self.table.set_empty(texts("months.nothing"))
        self.why = Why(self.desk)
        self.why.closed.connect(self.why.hide)
        self.why.again_wanted.connect(lambda: self.refresh())
        self.split = side_by_side(self.table, self.why, stretch=(1, 0))
        self.why.hide()
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(TIGHT)
        box.addLayout(line)
        box.addWidget(self.asking)
        box.addWidget(self.said)
        box.addWidget(self.split, 1)
        self.setFocusProxy(self.table)
        self.asking.over.connect(self._allow)
        self._allow()

    # -- what the page says ------------------------------------------------------------------------------------------

    def refresh(self, changes: Changes | None = None) -> None:
        desk, texts = self.desk, self.texts
        if changes is not None and not (changes.workspace or changes.choices or changes.touches(*READ)):
            return
        year, choice = desk.year, self._choice()
        if changes is not None and self._of == (year, desk.set_name, choice) and not changes.touches(*READ):
            self._show()  # the other fund of the same
            return
        if desk.workspace is None or year is None or not choice.pack:
            self.told = None
            self._fill()
            return
        rates: dict[str, str] = {}
        for fund, field in self.rates.items():
            text = field.text().strip()
            try:
                if text and decimal(text) <= 0:
                    raise ValueError(text)
            except ValueError:
                self.asking.wrong(Usage("month_rate_unreadable", value=text))
                field.setFocus()
                return
            if text:
                rates[f"month_rate_{fund}"] = text
        set_name, lang = desk.set_name, texts.lang

        def have(told: Told) -> None:
            self.told = told
            self._fill()

        self.told, self._of = None, (year, set_name, choice)
        self._allow()
        self.asking.ask(
            lambda workspace, job: _told(workspace, job, year, choice, rates, set_name, lang), have, texts("months.settling")
        )

    def show_target(self, target: object) -> None:
        """A month as YYYYMM, `advance`, `across` or `year`."""
        at = self.view.findData(str(target))
        if at >= 0:
            self.view.setCurrentIndex(at)

    # -- showing -----------------------------------------------------------------------------------------------------

    def _fill(self) -> None:
        told, texts = self.told, self.texts
        before = self.view.currentData()
        self.view.blockSignals(True)
        self.view.clear()
        if told is not None:
            self.view.addItem(texts("months.view_year"), YEAR)
            self.view.addItem(texts("months.view_across"), ACROSS)
            for one in told.months:
                month = f"{one.period[:4]}-{one.period[4:]}"
                self.view.addItem(texts("months.view_month", month=month), one.period)
            self.view.addItem(texts("months.view_advance"), ADVANCE)
            self.view.setCurrentIndex(max(0, self.view.findData(before)))
        self.view.blockSignals(False)
        self._show()

    def month(self) -> Month | None:
        """The month, or the advance, that is looked at."""
        if self.told is None:
            return None
        key = self.view.currentData()
        if key == ADVANCE:
            return self.told.advance
        return next((one for one in self.told.months if one.period == key), None)

    def _show(self) -> None:
        told, texts = self.told, self.texts
        self._allow()
        key, fund, month = self.view.currentData(), self.desk.fund, self.month()
        self.why.hide()
        self.why.forget()
        self.why.use(month.clearing if month is not None else None)
        said: list[str] = []
        sheet: Worksheet | None = None
        if told is not None and key == YEAR and told.months:
            sheet = told.year
            said.append(texts("months.about_year"))
        elif told is not None and key == ACROSS:
            sheet = told.across.get(fund)
            said.append(texts("months.about_across"))
        elif told is not None and month is not None:
            sheet = told.sheets.get((month.period, fund))
            of_fund = next((one for one in month.funds if one.fund == fund), None)
            for step in month.clearing.pack.scope("region") if of_fund is not None else ():
                from core.rules.steps import shown

                unit = texts(f"unit.{step.unit}") if step.unit else ""
                said.append(f"{step.title[texts.lang]} {shown(of_fund.region[step.id], step.places, step.unit)} {unit}")
        missing = told.lacking.get(ADVANCE if key == ADVANCE else YEAR) if told is not None else None
        if missing is not None:
            self.asking.wrong(missing)
        self.said.setText("　".join(said) if texts.lang == "zh" else "  ·  ".join(said))
        from ui.table.model import EMPTY

        self.table.set_worksheet(sheet if sheet is not None else EMPTY, frozen=2)

    def _allow(self) -> None:
        told, workspace = self.told, self.desk.workspace
        count = len(told.doubts) if told is not None else 0
        self.checks.setText(
            self.texts("months.checks", count=count) if count else self.texts("months.no_checks")
        )
        self.checks.setEnabled(bool(count))
        month = self.month()
        self.book.setEnabled(month is not None and workspace is not None and not workspace.read_only)

    def _activated(self, key: object, column: str) -> None:
        """A month of the year opens; a figure of an institution says why."""
        view, month = self.view.currentData(), self.month()
        if view == YEAR and isinstance(key, tuple):
            self.desk.choose(fund=str(key[1]))
            self.show_target(key[0])
        elif view == ACROSS:
            if column.startswith("m20"):
                self.show_target(column[1:])
                self.table.select(key, "month_paid")
        elif month is not None:
            steps = [one.id for one in month.clearing.pack.scope("institution")]
            self.why.show()
            if self.split.sizes()[1] < 200:
                wide = self.split.width()
                self.split.setSizes([int(wide * 0.6), int(wide * 0.4)])
            self.why.go(Place("cell", self.desk.fund, column if column in steps else steps[-1], "institution", str(key)))

    def _tell_checks(self) -> None:
        told = self.told
        if told is not None:
            text = "\n".join(dict.fromkeys(self.texts.finding(one) for one in told.doubts))
            title, about = self.texts("months.checks_title"), self.texts("months.checks_about")
            TextDialog(self.desk, title, about, text, self.window()).open()

    # -- booking -----------------------------------------------------------------------------------------------------

    def ask_book(self, again: bool = False) -> None:
        """Why, then booked: of both funds. What was booked before is replaced only when asked again."""
        month, texts = self.month(), self.texts
        if month is None:
            return
        period = month.period if len(month.period) == 4 else f"{month.period[:4]}-{month.period[4:]}"
        about = texts("months.book_again_about" if again else "months.book_about", period=period)
        dialog = ReasonDialog(self.desk, texts("months.book_title"), about, texts("months.book_do"), self.window())
        dialog.accepted.connect(lambda: self.do_book(month, dialog.reason, again))
        dialog.open()

    def do_book(self, month: Month, why: str, again: bool = False) -> None:
        texts = self.texts

        def work(workspace: Any, _: Any) -> Any:
            from core.settlement import booking

            return booking.book(workspace, month, why, again=again)

        def failed(error: Exception) -> None:
            if isinstance(error, Cancelled):
                return
            mine = isinstance(error, Refused) and error.code == "payments_there" and not again
            if mine and all(one.code == "payment_booked" for one in error.findings):  # type: ignore[union-attr]
                self.ask_book(again=True)
            else:
                self.asking.wrong(error)

        self.desk.change(
            work, lambda line: self.desk.say(texts("months.booked", subject=line.subject, count=len(line.changes))),
            failed=failed, title=texts("months.booking"), tables=("payment", "run"),
        )  # fmt: skip
