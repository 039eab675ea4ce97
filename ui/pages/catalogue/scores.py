"""Scores from history: years and choices to the left, every group's score beside its old one, and how it came about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from ui.asking import Asking
from ui.desk import Changes, Desk
from ui.look import GAP, TIGHT, count, grouped, set_role
from ui.pages.catalogue.chips import Chips, notices
from ui.pages.catalogue.drafts import Drafts, SaveDraft
from ui.pages.catalogue.score_form import ScoreForm
from ui.pages.catalogue.score_why import ScoreWhy
from ui.splits import one_above_other, side_by_side
from ui.table import Filter, Table
from ui.tabs import TabRow

if TYPE_CHECKING:
    from core.catalogue.library import Version
    from core.catalogue.scores import Derived
    from core.rules.circular import Pack
    from core.worksheet import Worksheet

READ = ("catalogue", "catalogue_version", "batch", "rule_pack")
VIEWS = ("result", "findings", "drafts")
DECISIONS = ("scored", "kept_absent", "kept_thin", "dropped_absent", "dropped_thin", "zero")
FORM_WIDTH = 340
MOST_YEARS = 5  # of history that are offered; the newest before the year on the desk


@dataclass(frozen=True, slots=True)
class Ground:
    versions: tuple[Version, ...]
    packs: tuple[Pack, ...]
    years: tuple[int, ...]  # that have cases


def _ground(workspace: Any) -> Ground:
    from core.catalogue import library
    from core.settlement import own_packs
    from core.storage.contents import contents

    connection = workspace.reader()
    heads = [head for head in own_packs.available(workspace) if not head.abstract]
    return Ground(
        tuple(library.versions(connection)),
        tuple(own_packs.load(workspace, head.id) for head in heads),
        contents(connection).years,
    )


class ScoresTab(QWidget):
    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk, self.texts = desk, desk.texts
        self._ground: Ground | None = None
        self.derived: Derived | None = None
        self._asked: tuple[object, ...] = ()  # the choices that it was derived by
        self._build()

    # -- building ------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        texts = self.texts
        self.pack = self._combo("pack")
        self.pack.activated.connect(lambda _: self._pack_chosen())
        self.base = self._combo("base")
        self.base.activated.connect(lambda _: self._base_chosen())
        self.groups = self._combo("groups")
        self.groups.activated.connect(lambda _: self._check())
        for name in ("official", "own"):
            self.groups.addItem(texts(f"catalogue.scores.groups_{name}"), name)
        self.years: dict[int, QToolButton] = {}
        self._years_line = QHBoxLayout()
        self._years_line.setSpacing(TIGHT)
        self._years_line.addStretch(1)
        head = QGridLayout()
        head.setHorizontalSpacing(GAP)
        head.setVerticalSpacing(TIGHT)
        head.setColumnStretch(1, 1)
        for row, (key, what) in enumerate(
            (("pack", self.pack), ("base", self.base), ("groups", self.groups), ("years", self._years_line))
        ):
            caption = QLabel(texts(f"catalogue.scores.{key}"))
            set_role(caption, "muted")
            head.addWidget(caption, row, 0)
            if isinstance(what, QWidget):
                head.addWidget(what, row, 1)
            else:
                head.addLayout(what, row, 1)
        self.form = ScoreForm(self.desk)
        self.form.edited.connect(self._check)
        self.problem = QLabel(wordWrap=True)
        set_role(self.problem, "bad")
        self.go = QPushButton(texts("catalogue.scores.go"))
        self.go.setProperty("primary", True)
        self.go.setToolTip(texts("catalogue.scores.go_tip"))
        self.go.clicked.connect(self.derive)
        left = QWidget()
        box = QVBoxLayout(left)
        box.setContentsMargins(0, 0, GAP, 0)
        box.setSpacing(GAP)
        box.addLayout(head)
        box.addWidget(self.form, 1)
        box.addWidget(self.problem)
        box.addWidget(self.go, 0, Qt.AlignmentFlag.AlignRight)
        left.setMinimumWidth(FORM_WIDTH)

        self.asking = Asking(self.desk, "catalogue.scores")
        self.views = TabRow("", {key: texts(f"catalogue.scores.view_{key}") for key in VIEWS})
        self.save = QPushButton(texts("catalogue.scores.save"))
        self.save.setToolTip(texts("catalogue.scores.save_tip"))
        self.save.clicked.connect(self.save_draft)
        self.save.setEnabled(False)
        top = QHBoxLayout()
        top.setSpacing(GAP)
        top.addWidget(self.views)
        top.addStretch(1)
        top.addWidget(self.save)
        self.counted = QLabel(wordWrap=True)
        set_role(self.counted, "muted")
        self.counted.hide()
        self.chips = Chips()
        self.chips.chosen.connect(self._filter)
        self.chips.hide()
        self.table = Table(self.desk)
        self.table.set_empty(texts("catalogue.scores.not_yet"), texts("catalogue.scores.go"), self.derive)
        self.table.current_changed.connect(lambda *_: self._tell(self.table.current_row()))
        self.why = ScoreWhy(self.desk)
        pair = one_above_other(self.table, self.why, sizes=(320, 190), stretch=(1, 0))
        result = QWidget()
        inner = QVBoxLayout(result)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(TIGHT)
        inner.addWidget(self.counted)
        inner.addWidget(self.chips)
        inner.addWidget(pair, 1)
        self.findings = notices(self.desk)
        self.findings.set_empty(texts("catalogue.versions.none_of_these"))
        self.drafts = Drafts(self.desk)
        self.stack = QStackedWidget()
        for widget in (result, self.findings, self.drafts):
            self.stack.addWidget(widget)
        self.views.currentChanged.connect(self.stack.setCurrentIndex)
        right = QWidget()
        side = QVBoxLayout(right)
        side.setContentsMargins(GAP, 0, 0, 0)
        side.setSpacing(TIGHT)
        side.addLayout(top)
        side.addWidget(self.asking)
        side.addWidget(self.stack, 1)
        split = side_by_side(left, right, sizes=(FORM_WIDTH, 830), stretch=(0, 1))
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(split)
        self.setFocusProxy(self.pack)

    def _combo(self, key: str) -> QComboBox:
        combo = QComboBox()
        combo.setAccessibleName(self.texts(f"catalogue.scores.{key}"))
        tip = f"catalogue.scores.{key}_tip"
        if self.texts.has(tip):
            combo.setToolTip(self.texts(tip))
        combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        combo.setMinimumContentsLength(12)
        return combo

    # -- what the page asks ----------------------------------------------------------------------------------------

    def refresh(self, changes: Changes | None = None) -> None:
        if self.desk.workspace is None:
            return
        if changes is not None and changes.workspace:
            self._forget()
        if (
            changes is not None
            and self._ground is not None
            and not (changes.workspace or changes.choices or changes.touches(*READ, "cases"))
        ):
            return
        self.desk.ask(
            lambda workspace, _: _ground(workspace),
            self._have_ground,
            place="catalogue.scores.ground",
            title=self.texts("catalogue.scores.reading"),
        )

    def _have_ground(self, ground: Ground) -> None:
        first = self._ground is None
        self._ground = ground
        texts = self.texts
        pack, base = self.pack.currentData(), self.base.currentData()
        self.pack.clear()
        for one in ground.packs:
            self.pack.addItem(one.title[texts.lang], one.id)
        self.pack.setCurrentIndex(max(0, self.pack.findData(pack or self._fitting(ground))))
        self.base.clear()
        for version in ground.versions:
            state = texts(f"catalogue.state.{version.state}")
            self.base.addItem(texts("catalogue.versions.named", name=version.name, state=state), version.name)
        self.base.addItem(texts("catalogue.scores.build"), "")
        fixed = [one for one in ground.versions if one.state != "draft" and one.year <= (self.desk.year or 0)]
        wanted = base if base is not None else (fixed[-1].name if fixed else "")
        self.base.setCurrentIndex(max(0, self.base.findData(wanted)))
        self._fill_years(ground)
        if first:
            self._pack_chosen()
        self._base_chosen()
        self.drafts.put(ground.versions)

    def _fitting(self, ground: Ground) -> str:
        """The pack of the workspace's city and year, else of its city, else any."""
        region = str(getattr(self.desk.workspace, "region", ""))[:4]
        of_city = [one for one in ground.packs if region and one.region[:4] == region]
        of_year = [one for one in of_city if self.desk.year in one.years]
        found = of_year or of_city or list(ground.packs)
        return found[0].id if found else ""

    def _fill_years(self, ground: Ground) -> None:
        """The three years before the one on the desk are history, unless others were chosen."""
        kept = {year for year, button in self.years.items() if button.isChecked()}
        there = [year for year in ground.years if year <= (self.desk.year or 9999)]
        offered = there[-MOST_YEARS:]
        if not kept & set(offered):
            before = [year for year in offered if year != self.desk.year] or offered
            kept = set(before[-3:])
        for button in self.years.values():
            button.setParent(None)
            button.deleteLater()
        self.years = {}
        for year in offered:
            button = QToolButton()
            button.setText(str(year))
            button.setCheckable(True)
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            button.setChecked(year in kept)
            button.toggled.connect(lambda _: self._check())
            self.years[year] = button
            self._years_line.insertWidget(self._years_line.count() - 1, button)

    def _pack_chosen(self) -> None:
        from core.faults import Refused
        from core.rules.scoring import ScoreRule, rule_of

        pack = self._chosen_pack()
        if pack is None:
            return
        try:
            rule = rule_of(pack)
        except Refused:  # a pack without [scores]: the national examples
            rule = ScoreRule()
        self.form.put(rule, pack)

    def _chosen_pack(self) -> Pack | None:
        ground = self._ground
        found = [one for one in ground.packs if one.id == self.pack.currentData()] if ground is not None else []
        return found[0] if found else None

    def _base_chosen(self) -> None:
        building = not self.base.currentData()
        self.form.set_building(building)
        self.groups.setEnabled(not building)

    def chosen_years(self) -> list[int]:
        return sorted(year for year, button in self.years.items() if button.isChecked())

    def _check(self) -> None:
        """Say what keeps the scores from being derived."""
        texts, years = self.texts, self.chosen_years()
        wrong = self.form.wrong()
        weights = len(self.form.text("weights").replace(":", " ").replace(",", " ").split())
        if not self.years:
            said = texts("catalogue.scores.no_years")
        elif wrong:
            said = texts("catalogue.scores.wrong", what=texts.listed(wrong))
        elif weights != len(years):
            said = texts("catalogue.scores.weights", years=len(years), weights=weights)
        else:
            said = ""
        self.go.setEnabled(not said)
        outdated = not said and self.derived is not None and self._asked != self._choices()
        self.problem.setText(texts("catalogue.scores.outdated") if outdated else said)
        set_role(self.problem, "warn" if outdated else "bad")
        self.problem.setVisible(bool(self.problem.text()))

    def _choices(self) -> tuple[object, ...]:
        """All that a result depends on, as it is chosen now."""
        return (
            self.pack.currentData(), self.base.currentData(), self.groups.currentData(), tuple(self.chosen_years()),
            tuple(self.form.text(key) for key in self.form.fields),
        )  # fmt: skip

    # -- deriving --------------------------------------------------------------------------------------------------

    def derive(self) -> None:
        """Scores of every group by what is chosen now."""
        pack = self._chosen_pack()
        if self.desk.workspace is None or pack is None or not self.go.isEnabled():
            return
        rule, changes, years = self.form.rule, self.form.changes(), self.chosen_years()
        base = str(self.base.currentData() or "") or None
        own = pack if base is not None and self.groups.currentData() == "own" else None
        texts, asked = self.texts, self._choices()

        def work(workspace: Any, job: Any) -> tuple[Derived, Worksheet, Worksheet]:
            from core.analysis import catalogue_sheets
            from core.catalogue.scores import from_workspace
            from core.rules.scoring import chosen

            found = from_workspace(workspace, chosen(rule, changes), years, base=base, own=own, progress=job)
            said = catalogue_sheets.findings(found.findings, texts, "catalogue.scores.findings")
            return found, catalogue_sheets.scores(found, texts), said

        self.views.setCurrentIndex(0)
        self.asking.ask(work, lambda both: self._have_derived(both, asked), texts("catalogue.scores.deriving"))

    def _have_derived(self, both: tuple[Derived, Worksheet, Worksheet], asked: tuple[object, ...]) -> None:
        texts = self.texts
        self.derived, sheet, findings = both
        self._asked = asked
        self._check()
        derived = self.derived
        workspace = self.desk.workspace
        self.save.setEnabled(workspace is not None and not workspace.read_only)
        self.table.set_worksheet(sheet, frozen=1)
        self.findings.set_worksheet(findings, frozen=1)
        self.views.setTabText(1, f"{texts('catalogue.scores.view_findings')} {count(len(derived.findings))}")
        by: dict[str, int] = {}
        for decision in derived.decisions.values():
            by[decision] = by.get(decision, 0) + 1
        self.chips.put([
            ("", texts("catalogue.versions.all"), len(derived.decisions), ""),
            *((one, texts(f"scores.decision.{one}"), by[one], "") for one in DECISIONS if by.get(one)),
        ])
        self.chips.show()
        self._say_counts(derived)
        if self.table.model.rowCount():
            self.table.select(self.table.model.key_at(0))
        self._tell(self.table.current_row())
        self.desk.say(texts("catalogue.scores.derived", count=count(len(derived.rows))))

    def _say_counts(self, derived: Derived) -> None:
        from core.money import plain

        texts, counts = self.texts, derived.counts
        said = [texts("catalogue.scores.used", cases=count(counts.used[0]))]
        if counts.trimmed[0]:
            said.append(texts("catalogue.scores.trimmed", cases=count(counts.trimmed[0])))
        said += [
            texts("catalogue.scores.dropped", reason=texts(f"scores.reason.{name}"), cases=count(cases))
            for name, (cases, _) in (*counts.dropped.items(), *counts.out.items())
            if cases
        ]
        said.append(texts("catalogue.scores.divisor", amount=grouped(plain(derived.divisor / 100, 2))))
        if derived.total is not None:
            old, new = (grouped(plain(value, 4)) for value in (derived.total.old, derived.total.new))
            said.append(texts("catalogue.scores.total", old=old, new=new))
        self.counted.setText("  ·  ".join(said))
        self.counted.show()

    def _filter(self, decision: str) -> None:
        said = self.texts(f"scores.decision.{decision}")
        self.table.set_filter("decision", Filter(values=frozenset({said})) if decision else None)
        if self.table.model.rowCount():
            self.table.select(self.table.model.key_at(0))

    def _tell(self, row: int) -> None:
        if self.derived is None or row < 0:
            self.why.clear()
            return
        keys = self.table.worksheet().keys
        assert keys is not None
        self.why.put(self.derived.working(str(keys[row])))

    def _forget(self) -> None:
        from core.worksheet import Worksheet

        self.derived = None
        self._ground = None
        self.asking.drop()
        nothing = Worksheet("", {"zh": "", "en": ""}, (), {}, 0)
        for table in (self.table, self.findings):
            table.set_worksheet(nothing)
        self.views.setTabText(1, self.texts("catalogue.scores.view_findings"))
        self.counted.hide()
        self.chips.hide()
        self.why.clear()
        self.save.setEnabled(False)

    # -- draft -----------------------------------------------------------------------------------------------------

    def save_draft(self) -> None:
        """Ask for a name and keep the result as a draft version."""
        derived, ground = self.derived, self._ground
        if derived is None or ground is None:
            return
        dialog = SaveDraft(self.desk, derived, [one.name for one in ground.versions], self.window())
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.accepted.connect(lambda: self._store(dialog.name, dialog.year, dialog.reason))
        dialog.open()

    def _store(self, name: str, year: int, why: str) -> None:
        derived, texts = self.derived, self.texts
        assert derived is not None
        based_on = derived.base.version if derived.base is not None else ""

        def work(workspace: Any, _: Any) -> None:
            from core.catalogue import library

            library.store_draft(
                workspace, name, year, derived.rows, based_on=based_on, method=derived.method, bands=derived.bands, why=why
            )

        def done(_: object) -> None:
            self.desk.say(texts("catalogue.scores.saved", name=name))
            self.views.setCurrentIndex(VIEWS.index("drafts"))
            self.drafts.choose(name)

        self.desk.change(work, done, failed=self.asking.wrong, title=texts("catalogue.scores.saving"))
