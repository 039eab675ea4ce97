"""The calculator for one case (一例试算): what is known of the case to the left, what follows from it to the right.

It answers as one types: a short pause, or Enter, asks anew, and the newest question wins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from core.faults import Cancelled
from ui.desk import FUNDS, Changes, Desk
from ui.dialogs import Empty, detail, words
from ui.finder import Entry, Index
from ui.look import GAP, TIGHT, set_role
from ui.pages.packs.answer import Answer
from ui.pages.packs.fields import NumberField
from ui.searching import SearchField
from ui.splits import side_by_side

if TYPE_CHECKING:
    from core.analysis.catalogue_sheets import Told
    from core.analysis.real_case import RealCase
    from core.catalogue.library import Version
    from core.rules.packs import PackHead
    from core.settlement.one_case import OneCase, TypedCase

PAUSE = 300  # ms without a key before it answers
# What an answer rests on: when one of these is written it is asked anew.
READ = (
    "catalogue", "catalogue_version", "operation", "exclusion", "auxiliary", "institution", "coefficient",
    "coefficient_set", "reference_mean", "cases", "run", "rule_pack",
)  # fmt: skip
GENDERS = (0, 1, 2)
FORM_WIDTH = 384
MONEY = ("fee", "own_pay", "other_pay", "booked")
COUNTS = ("days", "age", "age_days", "birth_weight", "icu_days")
NUMBERS = (*MONEY, *COUNTS, "point_value")
# What a real case has that the form has no field for.
BEHIND = ("detail", "born", "admitted", "day", "tcm_fee")


@dataclass(frozen=True, slots=True)
class Ground:
    """What the form offers: packs, catalogue versions, and everything that can be typed."""

    packs: tuple[PackHead, ...]
    versions: tuple[Version, ...]
    indexes: dict[str, Index]  # diagnosis, operation, institution
    names: dict[str, str]


def _ground(workspace: Any, year: int, job: Any) -> Ground:
    from core.analysis.typed_codes import typed_codes
    from core.catalogue import library
    from core.settlement import own_packs

    known = typed_codes(workspace, year, job)
    kinds = {
        "diagnosis": known.diagnoses,
        "operation": known.operations,
        "institution": known.institutions,
        "group": known.groups,
    }
    indexes = {
        kind: Index([Entry(kind, one.code, one.name or one.code) for one in found]).prepared()
        for kind, found in kinds.items()
    }
    return Ground(
        tuple(head for head in own_packs.available(workspace) if not head.abstract),
        tuple(library.versions(workspace.reader())),
        indexes,
        {one.code: one.name for found in kinds.values() for one in found},
    )


class Calculator(QWidget):
    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self._ground: Ground | None = None
        self._wanted_pack = ""
        self._wanted_case = ""
        self._filling = False
        self._real: RealCase | None = None
        self._pause = QTimer(self, singleShot=True, interval=PAUSE)
        self._pause.timeout.connect(self.ask)
        self._build()

    # -- building ------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        texts = self.desk.texts
        self.pack = self._combo("packs.calc.pack")
        self.catalogue = self._combo("packs.calc.catalogue")
        self.fund = self._combo("packs.calc.fund")
        for fund in FUNDS:
            self.fund.addItem(texts(f"fund.{fund}"), fund)
        self.institution = SearchField(self.desk, self)
        self.diagnosis = SearchField(self.desk, self)
        self.other_diagnoses = SearchField(self.desk, self, several=True)
        self.operation = SearchField(self.desk, self)
        self.other_operations = SearchField(self.desk, self, several=True)
        self.searches: dict[str, SearchField] = {
            "institution": self.institution,
            "diagnosis": self.diagnosis,
            "other_diagnoses": self.other_diagnoses,
            "operation": self.operation,
            "other_operations": self.other_operations,
        }
        self.names: dict[str, QLabel] = {}
        self.group = SearchField(self.desk, self)
        self.group.setPlaceholderText(texts("packs.calc.group_hint"))
        self.searches["group"] = self.group
        self.fee = NumberField(2)
        self.own_pay = NumberField(2, texts("packs.calc.counts_nothing"))
        self.other_pay = NumberField(2, texts("packs.calc.counts_nothing"))
        self.booked = NumberField(2)
        self.icu_days = NumberField(0)
        self.days = NumberField(0)
        self.age = NumberField(0)
        self.age_days = NumberField(0)
        self.birth_weight = NumberField(0)
        self.point_value = NumberField(6, texts("packs.calc.point_value_hint"))
        self.numbers: dict[str, NumberField] = {name: getattr(self, name) for name in NUMBERS}
        self.gender = self._combo("packs.calc.gender")
        for gender in GENDERS:
            self.gender.addItem(texts(f"packs.calc.gender_{gender}"), gender)
        self.settlement = QLineEdit()
        self.settlement.setAccessibleName(texts("packs.calc.settlement_hint"))
        self.settlement.setPlaceholderText(texts("packs.calc.settlement_hint"))
        self.settlement.returnPressed.connect(self.fill)
        self.fill_button = QPushButton(texts("packs.calc.fill"))
        self.fill_button.clicked.connect(self.fill)

        form = QWidget()
        self._grid = QGridLayout(form)
        self._grid.setContentsMargins(0, 0, GAP, 0)
        self._grid.setHorizontalSpacing(GAP)
        self._grid.setVerticalSpacing(TIGHT + 1)
        self._grid.setColumnStretch(1, 1)
        self._grid.setColumnStretch(3, 1)
        taken = QHBoxLayout()
        taken.setSpacing(TIGHT)
        taken.addWidget(self.settlement, 1)
        taken.addWidget(self.fill_button)
        self._line("settlement", taken)
        self._rule()
        self._line("diagnosis", self.diagnosis, named=True)
        self._line("other_diagnoses", self.other_diagnoses)
        self._line("operation", self.operation, named=True)
        self._line("other_operations", self.other_operations)
        self._line("group", self.group, named=True)
        self._pair("age", self.age, "age_days", self.age_days)
        self._pair("gender", self.gender, "birth_weight", self.birth_weight)
        self._pair("days", self.days, "icu_days", self.icu_days)
        self._rule()
        self._pair("fee", self.fee, "booked", self.booked)
        self._pair("own_pay", self.own_pay, "other_pay", self.other_pay)
        self._rule()
        self._line("institution", self.institution, named=True)
        self._line("pack", self.pack)
        self._line("fund", self.fund)
        self._line("catalogue", self.catalogue)
        self._line("point_value", self.point_value)
        self._grid.setRowStretch(self._grid.rowCount(), 1)
        self.clear_button = QPushButton(texts("packs.calc.clear"))
        self.clear_button.clicked.connect(self.clear)
        self.go = QPushButton(texts("packs.calc.go"))
        self.go.setProperty("primary", True)
        self.go.setToolTip(texts("packs.calc.go_tip"))
        self.go.clicked.connect(self.ask)
        foot = QHBoxLayout()
        foot.setContentsMargins(0, 0, GAP, 0)
        foot.addWidget(self.clear_button)
        foot.addStretch(1)
        foot.addWidget(self.go)

        scroll = QScrollArea()
        scroll.setWidget(form)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        left = QWidget()
        box = QVBoxLayout(left)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(GAP)
        box.addWidget(scroll, 1)
        box.addLayout(foot)
        left.setMinimumWidth(FORM_WIDTH)
        self.answer = Answer(self.desk)
        self.answer.hint(texts("packs.calc.start"))
        self.split = side_by_side(left, self.answer, sizes=(FORM_WIDTH, 800), stretch=(0, 1))
        self.empty = Empty(self.desk, "packs")
        self.empty.pressed.connect(self._empty_pressed)
        self.stack = QStackedWidget()
        self.stack.addWidget(self.split)
        self.stack.addWidget(self.empty)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self.stack)
        self.setFocusProxy(self.diagnosis)
        for field in self.searches.values():
            field.list.raise_()
            field.textChanged.connect(lambda _: self._typed())
            field.settled.connect(self._settled)
        for number in self.numbers.values():
            number.textChanged.connect(lambda _: self._typed())
            number.returnPressed.connect(self._enter)
        for combo in (self.pack, self.catalogue, self.fund, self.gender):
            combo.activated.connect(lambda _: self._typed())

    def _combo(self, key: str) -> QComboBox:
        combo = QComboBox()
        combo.setAccessibleName(self.desk.texts(key))
        combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        combo.setMinimumContentsLength(6)
        return combo

    def _caption(self, key: str, widget: QWidget | None) -> QLabel:
        label = QLabel(self.desk.texts(f"packs.calc.{key}"))
        set_role(label, "muted")
        tip = f"packs.calc.{key}_tip"
        if self.desk.texts.has(tip):
            label.setToolTip(self.desk.texts(tip))
        if widget is not None:
            widget.setAccessibleName(label.text())
            if label.toolTip():
                widget.setToolTip(label.toolTip())
            label.setBuddy(widget)
        return label

    def _line(self, key: str, what: QWidget | QHBoxLayout, named: bool = False) -> None:
        row = self._grid.rowCount()
        widget = what if isinstance(what, QWidget) else None
        self._grid.addWidget(self._caption(key, widget), row, 0)
        if widget is not None:
            self._grid.addWidget(widget, row, 1, 1, 3)
        else:
            self._grid.addLayout(what, row, 1, 1, 3)
        if named:
            name = QLabel()
            set_role(name, "muted")
            name.setWordWrap(True)
            name.hide()
            self.names[key] = name
            self._grid.addWidget(name, row + 1, 1, 1, 3)

    def _pair(self, first: str, one: QWidget, second: str, other: QWidget) -> None:
        row = self._grid.rowCount()
        for column, key, widget in ((0, first, one), (2, second, other)):
            self._grid.addWidget(self._caption(key, widget), row, column)
            self._grid.addWidget(widget, row, column + 1)

    def _rule(self) -> None:
        line = QFrame()
        set_role(line, "rule")
        line.setFixedHeight(1)
        self._grid.addWidget(line, self._grid.rowCount(), 0, 1, 4)

    # -- what the page asks ----------------------------------------------------------------------------------------

    def refresh(self, changes: Changes | None = None) -> None:
        desk, texts = self.desk, self.desk.texts
        if desk.workspace is None:
            self._ground = None
            self.empty.say(
                texts("packs.calc.title"), texts("packs.calc.holds"), texts("pages.no_workspace"), texts("pages.to_start")
            )
            self.stack.setCurrentWidget(self.empty)
            return
        if desk.year is None or not (desk.contents and desk.contents.catalogues):
            self.empty.say(
                texts("packs.calc.title"), texts("packs.calc.holds"), texts("packs.calc.no_catalogue"), texts("pages.to_data")
            )
            self.stack.setCurrentWidget(self.empty)
            return
        self.stack.setCurrentWidget(self.split)
        if changes is not None and self._ground is not None:
            if changes.display:
                self.answer.say()
            if changes.choices:
                self.fund.setCurrentIndex(max(0, self.fund.findData(desk.fund)))
            if not changes.workspace and not changes.choices and not changes.touches(*READ):
                return
        else:
            self.fund.setCurrentIndex(max(0, self.fund.findData(desk.fund)))
        year = desk.year
        desk.ask(
            lambda workspace, job: _ground(workspace, year, job),
            self._have_ground,
            place="packs.ground",
            title=texts("packs.calc.reading"),
        )

    def _empty_pressed(self) -> None:
        self.desk.go("start" if self.desk.workspace is None else "data")

    def start(self, setl_id: str = "") -> None:
        """Ready to be typed into; with a settlement, filled in from that case."""
        self.diagnosis.setFocus()
        if setl_id:
            self._wanted_case = setl_id
            if self._ground is not None:
                self.fill_from(setl_id)

    def use_pack(self, pack: str) -> None:
        self._wanted_pack = pack
        if self._ground is not None:
            self.pack.setCurrentIndex(max(0, self.pack.findData(pack)))
            self.ask()

    def _have_ground(self, ground: Ground) -> None:
        self._ground = ground
        lang = self.desk.texts.lang
        chosen = self._wanted_pack or str(self.pack.currentData() or "") or self._fitting(ground)
        self.pack.clear()
        for head in ground.packs:
            self.pack.addItem(head.title[lang], head.id)
            self.pack.setItemData(self.pack.count() - 1, head.id, Qt.ItemDataRole.ToolTipRole)
        self.pack.setCurrentIndex(max(0, self.pack.findData(chosen)))
        before = self.catalogue.currentData()
        self.catalogue.clear()
        self.catalogue.addItem(self.desk.texts("clearing.catalogue_of_year"), "")
        for version in ground.versions:
            state = self.desk.texts(f"catalogue.state.{version.state}")
            self.catalogue.addItem(
                self.desk.texts("catalogue.versions.named", name=version.name, state=state), version.name
            )
        self.catalogue.setCurrentIndex(max(0, self.catalogue.findData(before)))
        for kind, fields in (
            ("diagnosis", (self.diagnosis, self.other_diagnoses)),
            ("operation", (self.operation, self.other_operations)),
            ("institution", (self.institution,)),
            ("group", (self.group,)),
        ):
            for field in fields:
                field.put(ground.indexes[kind], ground.names)
        self._say_names()
        if self._wanted_case:
            self.fill_from(self._wanted_case)
        else:
            self.ask()

    def _fitting(self, ground: Ground) -> str:
        """The pack of the workspace's city and year, else of its city, else any."""
        region = str(getattr(self.desk.workspace, "region", ""))[:4]
        of_city = [head for head in ground.packs if region and head.region[:4] == region]
        of_year = [head for head in of_city if self.desk.year in head.years]
        found = of_year or of_city or list(ground.packs)
        return found[0].id if found else ""

    # -- typing ------------------------------------------------------------------------------------------------

    def _typed(self) -> None:
        if not self._filling:
            self._say_names()
            self._pause.start()

    def _settled(self) -> None:
        """A code was chosen, or the field was left: what is known of it is said, what was typed is answered."""
        self._say_names()
        if self._pause.isActive():
            self._enter()

    def _enter(self) -> None:
        self._pause.stop()
        self.ask()

    def _say_names(self) -> None:
        for key, label in self.names.items():
            field = self.searches[key]
            name = field.name()
            unknown = bool(field.code()) and not name and self._ground is not None and not field.hasFocus()
            label.setText(self.desk.texts("packs.calc.unknown_code") if unknown else name)
            set_role(label, "warn" if unknown else "muted")
            label.setVisible(bool(label.text()))

    def clear(self) -> None:
        """An empty form; pack, catalogue, fund and point value stay."""
        self._filling = True
        for field in (*self.searches.values(), self.settlement):
            field.clear()
        for name, number in self.numbers.items():
            if name != "point_value":
                number.clear()
        self._real = None
        self.gender.setCurrentIndex(0)
        self._filling = False
        self._pause.stop()
        self.desk.jobs.drop("packs.answer")
        self._say_names()
        self.answer.hint(self.desk.texts("packs.calc.start"))
        self.diagnosis.setFocus()

    def fill(self) -> None:
        setl_id = self.settlement.text().strip()
        if setl_id:
            self.fill_from(setl_id)

    def fill_from(self, setl_id: str) -> None:
        """The form as this settlement has it."""
        self._wanted_case = ""
        self.settlement.setText(setl_id)

        def work(workspace: Any, _: Any) -> Any:
            from core.analysis.real_case import real_case

            return real_case(workspace, setl_id)

        self.desk.ask(
            work, self._filled, place="packs.fill", failed=self._failed, title=self.desk.texts("packs.calc.filling")
        )

    def _filled(self, real: RealCase) -> None:
        case = real.case
        self._filling = True
        self.diagnosis.setText(case.diagnosis)
        self.other_diagnoses.setText(" ".join(case.other_diagnoses))
        self.operation.setText(case.operations[0] if case.operations else "")
        self.other_operations.setText(" ".join(case.operations[1:]))
        self.group.clear()
        for name in MONEY:
            value = getattr(case, name)
            self.numbers[name].setText("" if value is None else _yuan(value))
        for name in COUNTS:
            value = getattr(case, name)
            self.numbers[name].setText("" if value is None else str(value))
        self.gender.setCurrentIndex(max(0, self.gender.findData(case.gender or 0)))
        self.institution.setText(real.institution)
        self.fund.setCurrentIndex(max(0, self.fund.findData(real.fund)))
        self._filling = False
        self._real = real
        self._say_names()
        self.ask()

    # -- asking ------------------------------------------------------------------------------------------------

    def typed(self) -> TypedCase:
        """What stands in the form; what it has no field for comes from the real case it was filled from."""
        from dataclasses import replace

        from core.settlement.one_case import TypedCase

        operation = self.operation.codes()
        amounts = {name: _fen(self.numbers[name].plain()) for name in MONEY}
        counted = {name: self.numbers[name].plain() for name in COUNTS}
        plain = TypedCase(
            diagnosis=self.diagnosis.code(),
            operations=(*operation[:1], *self.other_operations.codes()),
            other_diagnoses=self.other_diagnoses.codes(),
            **{**amounts, "booked": amounts["booked"] if self.booked.plain() else None},
            **{name: int(text) if text else None for name, text in counted.items()},
            gender=int(self.gender.currentData() or 0) or None,
            group=self.group.code(),
        )
        real = self._real
        if real is None or self.settlement.text().strip() != real.setl_id:
            return plain
        kept = {name: getattr(real.case, name) for name in BEHIND}
        if (plain.age, plain.age_days) != (real.case.age, real.case.age_days):
            kept |= {"born": "", "admitted": ""}  # another age than the dates say
        return replace(plain, **kept)

    def lacking(self) -> list[str]:
        """Fields that an answer cannot do without, in words; numbers that are none among them."""
        texts = self.desk.texts
        lacks = [texts("packs.calc.diagnosis")] if not self.diagnosis.code() and not self.group.code() else []
        return lacks + [texts(f"packs.calc.{name}") for name, field in self.numbers.items() if field.wrong]

    def ask(self) -> None:
        """The answer to what stands in the form now."""
        desk, texts = self.desk, self.desk.texts
        self._pause.stop()
        if desk.workspace is None or desk.year is None or self._ground is None:
            return
        lacks = self.lacking()
        if lacks:
            desk.jobs.drop("packs.answer")
            empty = not any(field.text() for field in (self.diagnosis, self.group, self.fee))
            self.answer.hint(texts("packs.calc.start") if empty else texts("packs.calc.lacks", what=texts.listed(lacks)))
            return
        case, year, source = self.typed(), desk.year, str(self.pack.currentData() or "")
        fund, institution = str(self.fund.currentData()), self.institution.code()
        version = str(self.catalogue.currentData() or "") or None
        set_name, point = desk.set_name or None, self.point_value.plain()
        shown = self.captions()

        texts_now = self.desk.texts

        def work(workspace: Any, job: Any) -> tuple[OneCase, Told]:
            from core.analysis.catalogue_sheets import told
            from core.money import decimal
            from core.settlement import own_packs
            from core.settlement.one_case import one_case

            pack = own_packs.load(workspace, source)
            answer = one_case(
                workspace,
                year,
                pack,
                case,
                fund=fund,
                institution=institution,
                catalogue=version,
                set_name=set_name,
                point_value=decimal(point) if point else None,
                progress=job,
            )
            return answer, told(answer, pack, texts_now)

        desk.ask(work, lambda both: self.answer.put(*both, shown), place="packs.answer", failed=self._failed)

    def captions(self) -> list[tuple[str, str]]:
        """Caption and content of every field that holds something, names beside codes."""
        texts = self.desk.texts
        found: list[tuple[str, str]] = []
        for name in ("diagnosis", "other_diagnoses", "operation", "other_operations", "group", "institution"):
            field = self.searches[name]
            found.append((texts(f"packs.calc.{name}"), f"{field.text().strip()} {field.name()}".strip()))
        for name, number in self.numbers.items():
            found.append((texts(f"packs.calc.{name}"), number.plain()))
        if self.gender.currentData():
            found.append((texts("packs.calc.gender"), self.gender.currentText()))
        for name in ("fund", "pack", "catalogue"):
            found.append((texts(f"packs.calc.{name}"), getattr(self, name).currentText()))
        return found

    def _failed(self, error: Exception) -> None:
        if not isinstance(error, Cancelled):
            said = words(self.desk.texts, error)
            more = detail(self.desk.texts, error)
            self.answer.trouble(f"{said}\n{more}".strip())


def _fen(yuan: str) -> int:
    from core.money import decimal

    return int(decimal(yuan) * 100) if yuan else 0


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"
