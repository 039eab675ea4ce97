"""Coefficients derived by a pack: choices to the left, each value beside the present one, and how it came about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from ui.asking import Asking
from ui.desk import Changes, Desk
from ui.look import GAP, TIGHT, count, set_role
from ui.pages.coefficients.editor import TABLES
from ui.pages.coefficients.pool import Pools
from ui.pages.coefficients.questions import Form
from ui.pages.coefficients.sets import fill, free_name
from ui.splits import side_by_side
from ui.table import Table
from ui.tabs import TabRow

if TYPE_CHECKING:
    from core.rules.circular import Pack
    from core.rules.deriving import DeriveRule
    from core.settlement.coefficients import SetHead
    from core.settlement.deriving import Derived
    from core.worksheet import Worksheet

VIEWS = ("beside", "figures", "findings")
FORM_WIDTH = 380
TAG_ROLE = {"V": "good", "C": "muted", "S": "warn", "D": "muted", "U": "warn"}


@dataclass(frozen=True, slots=True)
class Result:
    derived: Derived
    beside: Worksheet
    figures: Worksheet
    findings: Worksheet


class DeriveTab(QWidget):
    def __init__(self, desk: Desk, pools: Pools) -> None:
        super().__init__()
        self.desk, self.texts, self.pools = desk, desk.texts, pools
        self.result: Result | None = None
        self.heads: tuple[SetHead, ...] = ()
        self.head: SetHead | None = None
        self._packs: tuple[Pack, ...] = ()
        self._wanted: Pack | None = None
        self._stood_on: tuple[object, ...] = ()  # set, year and catalogue of the result
        self.fields: dict[str, QWidget] = {}
        self._build()

    def _build(self) -> None:
        texts = self.texts
        self.pack = QComboBox()
        self.pack.setAccessibleName(texts("coefficients.derive.pack"))
        self.pack.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.pack.setMinimumContentsLength(14)
        self.pack.activated.connect(lambda _: self._pack_chosen())
        self.method = QLabel(wordWrap=True)
        set_role(self.method, "heading")
        self.source = QLabel(wordWrap=True)
        set_role(self.source, "muted")
        self.source.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.form = QWidget()
        self.problem = QLabel(wordWrap=True)
        set_role(self.problem, "bad")
        self.problem.hide()
        self.go = QPushButton(texts("coefficients.derive.go"))
        self.go.setProperty("primary", True)
        self.go.clicked.connect(self.derive)
        left = QWidget()
        left.setMinimumWidth(FORM_WIDTH)
        self.left = QVBoxLayout(left)
        self.left.setContentsMargins(0, 0, GAP, 0)
        self.left.setSpacing(GAP)
        caption = QLabel(texts("coefficients.derive.pack"))
        set_role(caption, "muted")
        for widget in (caption, self.pack, self.method, self.source, self.form, self.problem):
            self.left.addWidget(widget)
        self.left.addWidget(self.go, 0, Qt.AlignmentFlag.AlignRight)
        self.left.addStretch(1)

        self.asking = Asking(self.desk, "coefficients.derive")
        self.views = TabRow("", {key: texts(f"coefficients.derive.view.{key}") for key in VIEWS})
        self.take = QPushButton(texts("coefficients.derive.take"))
        self.take.setToolTip(texts("coefficients.derive.take_tip"))
        self.take.clicked.connect(self.take_over)
        self.take.setEnabled(False)
        top = QHBoxLayout()
        top.addWidget(self.views)
        top.addStretch(1)
        top.addWidget(self.take)
        self.beside, self.figures, self.findings = Table(self.desk), Table(self.desk), Table(self.desk)
        self.findings.widest = {"said": 860}
        self.stack = QStackedWidget()
        for table in (self.beside, self.figures, self.findings):
            table.set_empty(texts("coefficients.derive.not_yet"), texts("coefficients.derive.go"), self.derive)
            self.stack.addWidget(table)
        self.views.currentChanged.connect(self.stack.setCurrentIndex)
        for table in (self.beside, self.figures):
            table.current_changed.connect(lambda key, _: self._tell(key))
        self.working = QPlainTextEdit(readOnly=True)
        self.working.setTabChangesFocus(True)
        self.working.setAccessibleName(texts("coefficients.derive.working"))
        self.working.setPlaceholderText(texts("coefficients.derive.working_hint"))
        self.working.setFrameShape(QFrame.Shape.NoFrame)
        pair = QSplitter(Qt.Orientation.Vertical)
        pair.addWidget(self.stack)
        pair.addWidget(self.working)
        pair.setCollapsible(0, False)
        pair.setStretchFactor(0, 1)
        pair.setSizes([340, 190])
        right = QWidget()
        side = QVBoxLayout(right)
        side.setContentsMargins(GAP, 0, 0, 0)
        side.setSpacing(TIGHT)
        side.addLayout(top)
        side.addWidget(self.asking)
        side.addWidget(pair, 1)
        split = side_by_side(left, right, sizes=(FORM_WIDTH, 860), stretch=(0, 1))
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(split)
        self.setFocusProxy(self.pack)

    # -- what the page says ----------------------------------------------------------------------------------------

    def show_set(self, heads: Sequence[SetHead], head: SetHead | None, pack: Pack | None) -> None:
        self.heads = tuple(heads)
        stands_on = (head.name if head else "", self.desk.year, self.pools.catalogue)
        if stands_on != self._stood_on:
            self._forget()
        self.head, self._stood_on = head, stands_on
        if pack is not self._wanted or not self._packs:
            self._wanted = pack
            self.desk.ask(
                lambda workspace, _: _deriving_packs(workspace), self._have_packs, place="coefficients.derive.packs"
            )

    def settled(self, changes: Changes) -> None:
        if changes.workspace or changes.touches("cases", "batch", "institution", "catalogue"):
            self._forget()

    def _forget(self) -> None:
        from core.worksheet import Worksheet

        self.result = None
        self.asking.drop()
        self.take.setEnabled(False)
        for table in (self.beside, self.figures, self.findings):
            table.set_worksheet(Worksheet("", {"zh": "", "en": ""}, (), {}, 0))
        self.views.setTabText(2, self.texts("coefficients.derive.view.findings"))
        self.working.clear()

    # -- choices ---------------------------------------------------------------------------------------------------

    def _have_packs(self, found: tuple[Pack, ...]) -> None:
        lang = self.texts.lang
        self._packs = found
        kept = self.pack.currentData()
        wanted = self._wanted.id if self._wanted is not None else ""
        self.pack.clear()
        for pack in found:
            self.pack.addItem(pack.title[lang], pack.id)
        ids = [pack.id for pack in found]
        self.pack.setCurrentIndex(ids.index(kept) if kept in ids else ids.index(wanted) if wanted in ids else 0)
        self._pack_chosen()

    def chosen_pack(self) -> Pack | None:
        return next((pack for pack in self._packs if pack.id == self.pack.currentData()), None)

    def _pack_chosen(self) -> None:
        texts, pack = self.texts, self.chosen_pack()
        if pack is None or pack.coefficients is None:
            return
        rule = pack.coefficients
        self.method.setText(texts(f"coefficients.method.{rule.method}"))
        lines = [f"{rule.source.cite}  [{rule.source.evidence}] {texts(f'table.evidence.{rule.source.evidence}')}"]
        if opened := rule.source.open.get(texts.lang):
            lines.append(texts("coefficients.derive.open", text=opened))
        self.source.setText("\n".join(lines))
        set_role(self.source, "warn" if rule.source.evidence in "SU" else "muted")
        fresh = QWidget()
        grid = QGridLayout(fresh)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(GAP)
        grid.setVerticalSpacing(TIGHT)
        grid.setColumnStretch(1, 1)
        self.fields = {}
        for row, choice in enumerate(rule.choices):
            caption = QLabel(texts(f"coefficients.choice.{choice.key}"), wordWrap=True)
            caption.setMinimumWidth(110)
            set_role(caption, "muted")
            field: QWidget
            if choice.kind == "option":
                field = QComboBox()
                field.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
                field.setMinimumContentsLength(8)
                for option in choice.options:
                    field.addItem(texts(f"coefficients.option.{choice.key}.{option}"), option)
                field.setCurrentIndex(max(0, field.findData(rule.text(choice.key))))
                field.activated.connect(lambda _: self._check())
            else:
                field = QLineEdit(rule.text(choice.key))
                field.textEdited.connect(lambda _: self._check())
            field.setAccessibleName(caption.text())
            tag = QLabel(f"[{choice.evidence}]")
            tag.setToolTip(texts(f"table.evidence.{choice.evidence}"))
            set_role(tag, TAG_ROLE[choice.evidence])
            for column, widget in enumerate((caption, field, tag)):
                grid.addWidget(widget, row, column)
            self.fields[choice.key] = field
        self.left.replaceWidget(self.form, fresh)
        self.form.deleteLater()
        self.form = fresh
        self._check()

    def choose(self, key: str, text: str) -> None:
        field = self.fields[key]
        if isinstance(field, QComboBox):
            field.setCurrentIndex(field.findData(text))
        else:
            field.setText(text)
        self._check()

    def choices(self) -> dict[str, str]:
        """What differs from the pack."""
        pack = self.chosen_pack()
        assert pack is not None
        assert pack.coefficients is not None
        said = {
            key: str(field.currentData()) if isinstance(field, QComboBox) else field.text().strip()
            for key, field in self.fields.items()
        }
        return {key: text for key, text in said.items() if text != pack.coefficients.text(key)}

    def rule(self) -> DeriveRule:
        """Usage where a choice cannot be read."""
        from core.rules.deriving import rule_of

        pack = self.chosen_pack()
        assert pack is not None
        return rule_of(pack, self.choices())

    def _check(self) -> None:
        from core.faults import Fault

        said = ""
        try:
            self.rule()
        except Fault as why:
            said = self.texts.fault(why)
        self.problem.setText(said)
        self.problem.setVisible(bool(said))
        self.go.setEnabled(not said and self.desk.year is not None)

    # -- deriving ----------------------------------------------------------------------------------------------------

    def derive(self) -> None:
        """Every hospital's coefficient of the year by what is chosen now."""
        pack, year, head, texts = self.chosen_pack(), self.desk.year, self.head, self.texts
        if pack is None or year is None or not self.go.isEnabled():
            return
        rule, name, version = self.rule(), head.name if head is not None else "", self.pools.catalogue or None

        def work(workspace: Any, job: Any) -> Result:
            from core.analysis import catalogue_sheets
            from core.settlement import derive_working, deriving
            from core.settlement.derive_beside import beside

            found = deriving.derive(workspace, pack, year, job, rule=rule, catalogue=version)
            return Result(
                found,
                beside(workspace.reader(), found, name, texts),
                derive_working.sheet(found, texts),
                catalogue_sheets.findings(found.findings, texts, "coefficients.derive.findings"),
            )

        self.asking.ask(work, self._have, texts("coefficients.derive.under_way", year=year))

    def _have(self, result: Result) -> None:
        texts = self.texts
        self.result = result
        workspace = self.desk.workspace
        self.take.setEnabled(workspace is not None and not workspace.read_only)
        self.beside.set_worksheet(result.beside, frozen=1)
        self.figures.set_worksheet(result.figures, frozen=2)
        self.findings.set_worksheet(result.findings, frozen=1)
        number = len(result.derived.findings)
        self.views.setTabText(2, f"{texts('coefficients.derive.view.findings')} {count(number)}")
        self.views.setCurrentIndex(0)
        if self.beside.model.rowCount():
            self.beside.select(self.beside.model.key_at(0))
            self._tell(self.beside.model.key_at(0))
        self.desk.say(texts("coefficients.derive.done", cells=count(len(result.derived.cells))))

    def _tell(self, key: object) -> None:
        from core.settlement.derive_working import words

        if self.result is not None and isinstance(key, tuple) and key in self.result.derived.working:
            self.working.setPlainText("\n".join(words(self.result.derived, key, self.texts)))

    # -- into a draft --------------------------------------------------------------------------------------------------

    def take_over(self) -> None:
        result, texts = self.result, self.texts
        if result is None:
            return
        dialog = TakeDialog(self.desk, result.derived, self.heads, self.head, self.window())

        def accepted() -> None:
            name, source, why = dialog.name, dialog.source, dialog.reason

            def work(workspace: Any, _: Any) -> None:
                from core.settlement import deriving

                deriving.store(workspace, result.derived, name, why, source)

            def done(_: object) -> None:
                self.desk.say(texts("coefficients.derive.taken", name=name))
                self.desk.choose(set_name=name)
                self.desk.go("coefficients", "editor")

            self.desk.change(
                work, done, failed=self.asking.wrong, title=texts("coefficients.derive.taking"), tables=TABLES
            )

        dialog.accepted.connect(accepted)
        dialog.open()


def _deriving_packs(workspace: Any) -> tuple[Pack, ...]:
    """Packs that say how coefficients are derived."""
    from core.settlement import own_packs

    found = [own_packs.load(workspace, head.id) for head in own_packs.available(workspace)]
    return tuple(pack for pack in found if pack.coefficients is not None and pack.coefficients.method)


class TakeDialog(Form):
    """Into which draft, with what reason. `name`, `source` (None for a draft that is there), `reason` once accepted."""

    def __init__(
        self, desk: Desk, derived: Derived, heads: Sequence[SetHead], current: SetHead | None, parent: QWidget
    ) -> None:
        texts = desk.texts
        super().__init__(desk, texts("coefficients.derive.take_title"), texts("coefficients.derive.take_do"), parent)
        self._taken = {head.name for head in heads}
        self._drafts = [head.name for head in heads if head.state == "draft"]
        about = QLabel(texts("coefficients.derive.take_about", cells=count(len(derived.cells)), year=derived.year))
        about.setWordWrap(True)
        set_role(about, "muted")
        self.form.addRow(about)
        self.name_field = QComboBox(editable=True)
        self.name_field.addItem(free_name(texts("coefficients.sets.stem", year=derived.year), list(self._taken)))
        self.name_field.addItems(self._drafts)
        self.source_field = QComboBox()
        fill(self.source_field, texts, heads, current.name if current is not None else "")
        self.reason_field = QLineEdit()
        self.reason_field.setPlaceholderText(texts("ui.reason_hint"))
        for key, field in (("draft", self.name_field), ("source", self.source_field), ("reason", self.reason_field)):
            self.add(f"coefficients.derive.{key}", field)
        self.name_field.currentTextChanged.connect(lambda _: self._check())
        self.reason_field.textChanged.connect(lambda _: self._check())
        self.reason_field.setFocus()
        self._check()

    @property
    def name(self) -> str:
        return self.name_field.currentText().strip()

    @property
    def source(self) -> str | None:
        return None if self.name in self._taken else str(self.source_field.currentData() or "")

    @property
    def reason(self) -> str:
        return self.reason_field.text().strip()

    def _check(self) -> None:
        frozen = self.name in self._taken and self.name not in self._drafts
        self.source_field.setEnabled(self.name not in self._taken)
        self.problem.setText(self.texts("coefficients.derive.frozen") if frozen else " ")
        self.do.setEnabled(bool(self.name) and bool(self.reason) and not frozen)
