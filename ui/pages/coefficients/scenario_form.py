"""A scenario as a form: its changes one by one, of coefficients, scores, the rule and the budget; tried before it is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from core.faults import Fault
from core.money import decimal, plain
from core.settlement.changes import Changes
from core.settlement.coefficients import BASE, Cell
from core.settlement.entry import parse_entry
from ui.asking import Asking
from ui.desk import FUNDS, Desk
from ui.dialogs import words
from ui.look import EDGE, GAP, TIGHT, grouped, set_role
from ui.pages.coefficients.sets import fill

if TYPE_CHECKING:
    from core.lookup import Lookup
    from core.settlement.coefficients import SetHead
    from core.settlement.scenarios import Scenario
    from core.settlement.whatif import Pool

KINDS = ("coefficient", "score", "rule", "budget", "set")
OFFERED = 12  # finds under a field


@dataclass(frozen=True, slots=True)
class Rule:
    """A parameter of the rule: its name, what it is called, how it stands, what may be tried; options: what these are called."""

    name: str
    title: str
    now: str
    tried: tuple[str, ...]
    options: Mapping[str, str]

    def called(self, text: str) -> str:
        return self.options.get(text, text)


@dataclass(frozen=True, slots=True)
class Material:
    """What can be changed, with the ways to find it. codes: (code, name) in the order of the lookup's rows."""

    institutions: tuple[tuple[str, str], ...]
    find_institution: Lookup
    groups: tuple[tuple[str, str, Fraction | None], ...]
    find_group: Lookup
    parts: tuple[tuple[str, str], ...]
    rules: tuple[Rule, ...]
    items: tuple[tuple[str, str], ...]


def gather(pool: Pool, texts: Any) -> Material:
    from core.catalogue import library
    from core.lookup import Lookup
    from core.settlement import sensitivity
    from core.settlement.coefficient_sheets import part_title
    from core.settlement.given import ITEMS

    named = {
        (one.code, one.name) for sheet in pool.base.funds for one in sheet.institutions
    }
    institutions = tuple(sorted(named))
    entries = library.entries(pool.workspace.reader(), pool.standing.version)
    groups = tuple((one.dip_code, one.dip_name, one.score) for one in entries.rows)
    parts = sorted({part.name for part in pool.given.content} | {BASE}, key=lambda name: (name != BASE, name))
    pack, rules = pool.pack, dict[str, Rule]()
    boundaries = {one.parameter: one.text for one in sensitivity.boundaries_of(pack)}
    for one in sensitivity.variations(pool):
        for value, changes in one.tried:
            for name, text in changes.parameters.items():
                known = rules.get(name)
                now = boundaries.get(name, one.now)
                title = sensitivity.title_of(pack, one, texts)
                offered = (*(known.tried if known else (now,)), text if name in boundaries else value)
                declared = pack.parameters.get(name)
                options = {id: said[texts.lang] for id, said in declared.options.items()} if declared is not None else {}
                rules[name] = Rule(name, title, now, tuple(dict.fromkeys(offered)), options)
    return Material(
        institutions,
        Lookup([((code,), name) for code, name in institutions]),
        groups,
        Lookup([((code,), name) for code, name, _ in groups]),
        tuple((name, part_title(name)[texts.lang]) for name in parts),
        tuple(rules.values()),
        tuple((item, texts(f"item.{item}") if texts.has(f"item.{item}") else item) for item in ITEMS if item != "by_item"),
    )


class Finder(QComboBox):
    """A field that finds as one types, by code, name and pinyin; `code` is the one chosen, else the best find."""

    def __init__(self, lookup: Lookup, rows: Sequence[tuple[Any, ...]], hint: str) -> None:
        super().__init__(editable=True)
        self._lookup, self._rows = lookup, rows
        self.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.setCompleter(None)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(26)
        self.lineEdit().setPlaceholderText(hint)
        self.lineEdit().textEdited.connect(self._find)
        self._offer(range(min(OFFERED, len(rows))))
        self.setCurrentIndex(-1)

    @property
    def code(self) -> str:
        text = self.currentText().strip()
        at = self.findText(text)
        if at >= 0:
            return str(self.itemData(at))
        return str(self.itemData(0)) if text and self.count() else ""

    def choose(self, code: str) -> None:
        at = next((i for i, row in enumerate(self._rows) if row[0] == code), -1)
        if at >= 0:
            self._offer([at])
            self.setCurrentIndex(0)

    def _find(self, text: str) -> None:
        place = self.lineEdit().cursorPosition()
        self._offer(self._lookup.find(text)[0][:OFFERED].tolist())
        self.setEditText(text)
        self.lineEdit().setCursorPosition(place)

    def _offer(self, rows: Sequence[int]) -> None:
        self.clear()
        for row in rows:
            code, name = self._rows[row][:2]
            self.addItem(f"{name}  {code}", code)


class ScenarioDialog(QDialog):
    """`kept(name)` after it was tried and stored. one: the scenario to change, None for a new one."""

    kept = Signal(str)

    def __init__(
        self, desk: Desk, pool: Pool, material: Material, one: Scenario | None, heads: Sequence[SetHead],
        taken: set[str], parent: QWidget,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self.desk, self.texts, self.pool, self.material = desk, desk.texts, pool, material
        self._taken = taken - ({one.name} if one is not None else set())
        self._one = one
        self.changes = one.changes if one is not None else Changes()
        texts = self.texts
        self.setWindowTitle(texts(f"coefficients.scenario.{'change' if one is not None else 'new'}").rstrip("…"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(760, 520)
        self.name_field = QLineEdit(one.name if one is not None else self._free())
        self.name_field.setEnabled(one is None)
        self.note_field = QLineEdit(one.note if one is not None else "")
        self.note_field.setPlaceholderText(texts("coefficients.scenario.note_hint"))
        head = QFormLayout()
        head.setSpacing(GAP)
        for key, field in (("name", self.name_field), ("note", self.note_field)):
            head.addRow(texts(f"coefficients.scenario.{key}"), field)
            field.setAccessibleName(texts(f"coefficients.scenario.{key}"))
        on = QLabel(
            texts(
                "coefficients.scenario.on", year=pool.year, pack=pool.pack.title[texts.lang], set=pool.set_name,
                catalogue=pool.standing.version,
            ),
            wordWrap=True,
        )  # fmt: skip
        set_role(on, "muted")
        self.list = QListWidget()
        self.list.setAccessibleName(texts("coefficients.scenario.changes"))
        self.list.currentRowChanged.connect(lambda row: self.remove.setEnabled(row >= 0))
        self.remove = QPushButton(texts("coefficients.scenario.remove"))
        self.remove.clicked.connect(self._remove)
        self.remove.setEnabled(False)
        self.kind = QComboBox()
        self.kind.setAccessibleName(texts("coefficients.scenario.kind"))
        self.forms = QStackedWidget()
        for key in KINDS:
            self.kind.addItem(texts(f"coefficients.scenario.kinds.{key}"), key)
            self.forms.addWidget(getattr(self, f"_form_{key}")(heads))
        self.kind.activated.connect(self.forms.setCurrentIndex)
        self.plus = QPushButton(texts("coefficients.scenario.add"))
        self.plus.clicked.connect(self.add)
        line = QHBoxLayout()
        line.setSpacing(GAP)
        line.addWidget(self.kind)
        line.addWidget(self.forms, 1)
        line.addWidget(self.plus)
        self.asking = Asking(desk, "coefficients.scenario.form")
        self.do = QPushButton(texts("coefficients.scenario.keep"))
        self.do.setProperty("primary", True)
        self.do.setDefault(True)
        self.do.clicked.connect(self.keep)
        stop = QPushButton(texts("ui.cancel"))
        stop.clicked.connect(self.reject)
        foot = QHBoxLayout()
        foot.setSpacing(GAP)
        foot.addWidget(self.remove)
        foot.addStretch(1)
        foot.addWidget(stop)
        foot.addWidget(self.do)
        box = QVBoxLayout(self)
        box.setContentsMargins(EDGE, EDGE, EDGE, EDGE)
        box.setSpacing(GAP)
        box.addLayout(head)
        box.addWidget(on)
        box.addLayout(line)
        box.addWidget(self.list, 1)
        box.addWidget(self.asking)
        box.addLayout(foot)
        for button in (self.plus, self.remove, stop):
            button.setAutoDefault(False)
        self.name_field.textChanged.connect(lambda _: self._allow())
        self._fill()

    # -- unsaved -------------------------------------------------------------------------------------------------------

    of_choices = False

    def unsaved(self) -> str:
        before = (self._one.changes, self._one.note) if self._one is not None else (Changes(), "")
        if (self.changes, self.note_field.text().strip()) == before:
            return ""
        return self.texts("coefficients.scenario.unsaved", name=self.name_field.text().strip())

    def can_save(self) -> bool:
        return self.do.isEnabled()

    def save_then(self, then: Callable[[], None]) -> None:
        self.keep()

    def discard(self) -> None:
        pass

    def reject(self) -> None:
        """Esc and Cancel."""
        self.desk.leaving(super().reject, holders=(self,))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter in the form of a change goes on from what is looked for, and then adds it; Del takes one away."""
        at, enter = self.focusWidget(), event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if enter and at is not None and self.forms.isAncestorOf(at):
            if isinstance(at, Finder):
                self.focusNextChild()
            else:
                self.add()
        elif at is self.list and event.key() == Qt.Key.Key_Delete:
            self._remove()
        else:
            super().keyPressEvent(event)

    def _free(self) -> str:
        stem = self.texts("coefficients.scenario.stem")
        names = [f"{stem} {number}" for number in range(1, 1000)]
        return next(name for name in names if name not in self._taken)

    # -- one form a kind -----------------------------------------------------------------------------------------------

    @staticmethod
    def _row(*widgets: QWidget) -> QWidget:
        holder = QWidget()
        line = QHBoxLayout(holder)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(TIGHT)
        for number, widget in enumerate(widgets):
            line.addWidget(widget, 1 if number == 0 else 0)
        return holder

    def _line(self, key: str, width: int = 130) -> QLineEdit:
        field = QLineEdit()
        field.setPlaceholderText(self.texts(f"coefficients.scenario.hint.{key}"))
        field.setAccessibleName(self.texts(f"coefficients.scenario.hint.{key}"))
        field.setFixedWidth(width)
        return field

    def _form_coefficient(self, _: Sequence[SetHead]) -> QWidget:
        material = self.material
        self.institution = Finder(
            material.find_institution, material.institutions, self.texts("coefficients.scenario.hint.institution")
        )
        self.part = QComboBox()
        for name, title in material.parts:
            self.part.addItem(title, name)
        self.value = self._line("value")
        return self._row(self.institution, self.part, self.value)

    def _form_score(self, _: Sequence[SetHead]) -> QWidget:
        material = self.material
        self.group = Finder(material.find_group, material.groups, self.texts("coefficients.scenario.hint.group"))
        self.score = self._line("score")
        return self._row(self.group, self.score)

    def _form_rule(self, _: Sequence[SetHead]) -> QWidget:
        self.rule = QComboBox()
        self.rule.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.rule.setMinimumContentsLength(16)
        for one in self.material.rules:
            self.rule.addItem(one.title, one.name)
        self.setting = QComboBox(editable=True)
        self.setting.setMinimumContentsLength(14)
        self.rule.currentIndexChanged.connect(lambda _: self._offer_settings())
        self._offer_settings()
        return self._row(self.rule, self.setting)

    def _form_budget(self, _: Sequence[SetHead]) -> QWidget:
        self.item = QComboBox()
        for item, title in self.material.items:
            self.item.addItem(title, item)
        self.fund = QComboBox()
        for fund in FUNDS:
            self.fund.addItem(self.texts(f"fund.{fund}"), fund)
        self.money = self._line("amount", 160)
        return self._row(self.item, self.fund, self.money)

    def _form_set(self, heads: Sequence[SetHead]) -> QWidget:
        self.set = QComboBox()
        fill(self.set, self.texts, [head for head in heads if head.name != self.pool.set_name])
        self.set.setCurrentIndex(0)
        return self._row(self.set)

    def _offer_settings(self) -> None:
        found = next((one for one in self.material.rules if one.name == self.rule.currentData()), None)
        self.setting.clear()
        if found is not None:
            for text in found.tried:
                self.setting.addItem(found.called(text), text)

    # -- changes -------------------------------------------------------------------------------------------------------

    def add(self) -> None:
        """What the form of the chosen kind says, on top of the changes."""
        self.asking.hide()
        try:
            made = getattr(self, f"_of_{KINDS[self.kind.currentIndex()]}")()
        except Fault as why:
            self.asking.tell(words(self.texts, why))
            return
        except ValueError:
            self.asking.tell(self.texts("coefficients.scenario.unreadable"))
            return
        self.changes = self.changes | made
        self._fill()

    def _of_coefficient(self) -> Changes:
        code, part = self.institution.code, str(self.part.currentData())
        if not code:
            raise ValueError
        own = [one for one in self.pool.content.get(code, ()) if one.name == part]
        day = self.pool.year * 10000 + 1231
        there = [one for one in own if one.day <= day]
        cells: list[Cell] = []
        # What holds at the year's end, of both funds or of each that has its own.
        for fund in sorted({one.fund for one in there}) or ["all"]:
            newest = max((one for one in there if one.fund == fund), key=lambda one: one.day, default=None)
            value = parse_entry(self.value.text(), newest.value if newest is not None else None)
            from_day = "" if newest is None or not newest.day else f"{newest.day}"
            from_day = f"{from_day[:4]}-{from_day[4:6]}-{from_day[6:]}" if from_day else ""
            cells.append(Cell(code, fund, part, None if value is None else plain(value), from_day))
        return Changes(tuple(cells))

    def _of_score(self) -> Changes:
        code = self.group.code
        now = next((score for own, _, score in self.material.groups if own == code), None)
        value = parse_entry(self.score.text(), now)
        if not code or value is None:
            raise ValueError
        return Changes(scores={code: value})

    def _of_rule(self) -> Changes:
        text = self.setting.currentText().strip()
        at = self.setting.findText(text)
        text = str(self.setting.itemData(at)) if at >= 0 else text
        if not text:
            raise ValueError
        return Changes(parameters={str(self.rule.currentData()): text})

    def _of_budget(self) -> Changes:
        fen = decimal(self.money.text().replace(",", "").replace(" ", "")) * 100
        if fen.denominator != 1:
            raise ValueError
        return Changes(budget={(str(self.fund.currentData()), str(self.item.currentData())): int(fen)})

    def _of_set(self) -> Changes:
        if not self.set.currentData():
            raise ValueError
        return self.pool.towards(str(self.set.currentData()))

    def _remove(self) -> None:
        item = self.list.currentItem()
        if item is None:
            return
        kind, place = item.data(Qt.ItemDataRole.UserRole)
        changes = self.changes
        if kind == "cells":
            kept = tuple(one for one in changes.cells if one != place)
            changes = replace(changes, cells=kept)
        else:
            kept = {key: value for key, value in getattr(changes, kind).items() if key != place}
            changes = replace(changes, **{kind: kept})
        self.changes = changes
        self._fill()

    def _fill(self) -> None:
        from core.settlement.coefficient_sheets import part_title

        texts, changes = self.texts, self.changes
        names = dict(self.material.institutions)
        groups = {code: (name, score) for code, name, score in self.material.groups}
        rules = {one.name: one for one in self.material.rules}
        items = dict(self.material.items)
        nothing = texts("coefficients.cell.empty")
        self.list.clear()

        def line(said: str, kind: str, place: object) -> None:
            item = QListWidgetItem(said)
            item.setData(Qt.ItemDataRole.UserRole, (kind, place))
            self.list.addItem(item)

        for cell in changes.cells:
            day = int(cell.valid_from.replace("-", "") or 0)
            old = next(
                (
                    plain(one.value)
                    for one in self.pool.content.get(cell.code, ())
                    if (one.fund, one.name, one.day) == (cell.fund, cell.part, day)
                ),
                nothing,
            )
            line(
                f"{names.get(cell.code, cell.code)} · {part_title(cell.part)[texts.lang]} · "
                f"{texts(f'coefficients.fund.{cell.fund}')}:  {old} → {cell.value or nothing}",
                "cells", cell,
            )  # fmt: skip
        for code, score in changes.scores.items():
            name, now = groups.get(code, ("", None))
            line(f"{name} {code}:  {plain(now) if now is not None else nothing} → {plain(score)}", "scores", code)
        for name, text in changes.parameters.items():
            known = rules.get(name)
            said = f"{name}:  {text}"
            if known is not None:
                said = f"{known.title}:  {known.called(known.now)} → {known.called(text)}"
            line(said, "parameters", name)
        for (fund, item), fen in changes.budget.items():
            now = self.pool.given.facts[fund].budget.get(item)
            before, after = (nothing if one is None else grouped(plain(Fraction(one, 100), 2)) for one in (now, fen))
            said = f"{texts(f'fund.{fund}')} · {items.get(item, item)}:  {before} → {after} {texts('unit.yuan')}"
            line(said, "budget", (fund, item))
        self._allow()

    def _allow(self) -> None:
        name = self.name_field.text().strip()
        self.do.setEnabled(bool(name) and name not in self._taken and bool(self.changes))

    # -- keeping -------------------------------------------------------------------------------------------------------

    def keep(self) -> None:
        """Try it on the pool; what can be is stored."""
        pool, changes = self.pool, self.changes
        name, note = self.name_field.text().strip(), self.note_field.text().strip()

        def tried(_: Any) -> None:
            from core.settlement import scenarios

            one, new = scenarios.of(pool, name, changes, note), self._one is None

            def work(workspace: Any, _: Any) -> None:
                scenarios.keep(workspace, one, new=new)

            def done(_: Any) -> None:
                self.kept.emit(name)
                self.accept()

            self.desk.change(work, done, failed=self.asking.wrong, tables=("scenario",))

        self.asking.ask(
            lambda _, job: pool.outcome(changes, job), tried, self.texts("coefficients.scenario.trying")
        )
