"""Versions side by side: what became of each group, and what the change is worth in points and yuan on a year's cases."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
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
from ui.dialogs import documents
from ui.look import GAP, TIGHT, count, set_role
from ui.pages.catalogue.beside import Detail, Figures
from ui.pages.catalogue.chips import Chips, notices
from ui.splits import one_above_other
from ui.table import Filter, Table
from ui.tabs import TabRow

if TYPE_CHECKING:
    from core.analysis.catalogue_sheets import Gains
    from core.analysis.revision import Revision
    from core.catalogue.entries import Entries
    from core.catalogue.library import Version
    from core.catalogue.lineage import Relation
    from core.rules.packs import PackHead
    from core.worksheet import Worksheet

READ = ("catalogue", "catalogue_version", "code_map", "batch", "rule_pack")
WORTH = (*READ, "cases", "coefficient", "coefficient_set", "budget", "payment", "deduction", "auxiliary", "exclusion",
         "operation", "reference_mean", "special_case", "assessment", "institution")  # fmt: skip
# In the order in which one reads them: what came and went first.
CHANGES = ("new", "gone", "split", "merged", "renumbered", "redefined", "rescored", "same")
GROUPINGS = ("official", "own")
VIEWS = ("relations", "institutions", "groups", "moves", "cases", "findings")


@dataclass(frozen=True, slots=True)
class Ground:
    versions: tuple[Version, ...]
    packs: tuple[PackHead, ...]


@dataclass(frozen=True, slots=True)
class Related:
    """Two versions brought together by what they say of their groups."""

    old: Entries
    new: Entries
    relations: tuple[Relation, ...]
    sheet: Worksheet


@dataclass(frozen=True, slots=True)
class Measured:
    """What the change is worth, and its tables; the relations now carry the year's cases."""

    revision: Revision
    related: Related
    sheets: dict[str, Worksheet]
    institutions: dict[str, Worksheet]  # by fund
    gains: dict[str, Gains]


def _measured(found: Revision, texts: Any) -> Measured:
    from core.analysis import catalogue_sheets

    old, new = found.before.entries, found.after.entries
    told = _arranged(found.relations)
    sheet = catalogue_sheets.relations(told, old, new, texts, counted=True)
    return Measured(
        found,
        Related(old, new, told, sheet),
        {
            "groups": catalogue_sheets.groups(found, texts.lang),
            "moves": catalogue_sheets.moves(found, texts.lang),
            "cases": found.cases(texts.lang),
            "findings": catalogue_sheets.findings(found.findings, texts, "catalogue.versions.findings"),
        },
        {fund: catalogue_sheets.institutions(found, fund, texts.lang) for fund in found.funds},
        {fund: catalogue_sheets.gains(found, fund) for fund in found.funds},
    )


def _ground(workspace: Any) -> Ground:
    from core.catalogue import library
    from core.settlement import own_packs

    heads = tuple(head for head in own_packs.available(workspace) if not head.abstract)
    return Ground(tuple(library.versions(workspace.reader())), heads)


def _related(workspace: Any, old: str, new: str, texts: Any) -> Related:
    from core.analysis.catalogue_sheets import relations
    from core.catalogue import library
    from core.catalogue.lineage import relate

    connection = workspace.reader()
    before, after = library.entries(connection, old), library.entries(connection, new)
    maps = [one for system in ("group", "diagnosis", "operation") for one in library.code_maps(connection, system)]
    found = _arranged(relate(before, after, maps=maps))
    return Related(before, after, found, relations(found, before, after, texts))


def _arranged(found: Iterable[Relation]) -> tuple[Relation, ...]:
    """By kind of change, then by code."""
    return tuple(sorted(found, key=lambda one: (CHANGES.index(one.change), one.new or one.old)))


class VersionsTab(QWidget):
    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk, self.texts = desk, desk.texts
        self._ground: Ground | None = None
        self.related: Related | None = None
        self.measured: Measured | None = None
        self._wanted: tuple[str, str] | None = None
        self._stood_on: tuple[int | None, str] = (None, "")  # year and coefficient set
        self._fresh = True  # the first time what changed shows; afterwards what was pressed
        self._build()

    # -- building ------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        texts = self.texts
        self.old = self._combo("old", 12)
        self.new = self._combo("new", 12)
        self.swap = QToolButton()
        self.swap.setText("⇄")
        self.swap.setToolTip(texts("catalogue.versions.swap"))
        self.swap.setAccessibleName(texts("catalogue.versions.swap"))
        self.swap.clicked.connect(self._swap)
        self.pack = self._combo("pack", 25)
        self.grouping = self._combo("grouping", 8)
        for name in GROUPINGS:
            self.grouping.addItem(texts(f"catalogue.versions.grouping_{name}"), name)
            self.grouping.setItemData(
                self.grouping.count() - 1, texts(f"catalogue.versions.grouping_{name}_tip"), Qt.ItemDataRole.ToolTipRole
            )
        self.go = QPushButton(texts("catalogue.versions.go"))
        self.go.setProperty("primary", True)
        self.go.setToolTip(texts("catalogue.versions.go_tip"))
        self.go.clicked.connect(self.measure)
        for combo in (self.old, self.new):
            combo.activated.connect(lambda _: self.relate())
        for combo in (self.pack, self.grouping):
            combo.activated.connect(lambda _: self._forget_worth())
        line = QHBoxLayout()
        line.setSpacing(GAP)
        for key, widgets in (
            ("old", (self.old, self.swap)), ("new", (self.new,)), ("pack", (self.pack,)), ("grouping", (self.grouping,)),
        ):  # fmt: skip
            caption = QLabel(texts(f"catalogue.versions.{key}"))
            set_role(caption, "muted")
            line.addWidget(caption)
            for widget in widgets:
                line.addWidget(widget)
        line.addStretch(1)
        line.addWidget(self.go)
        self.export = QToolButton()
        self.export.setText(texts("catalogue.versions.export"))
        self.export.setToolTip(texts("catalogue.versions.export_tip"))
        self.export.setEnabled(False)
        self.export.clicked.connect(self.choose_export)
        line.addWidget(self.export)

        self.asking = Asking(self.desk, "catalogue.versions")
        self.figures = Figures(self.desk)
        self.views = TabRow("", {key: texts(f"catalogue.versions.view.{key}") for key in VIEWS})
        self.views.currentChanged.connect(self._show_view)
        self.chips = Chips()
        self.chips.chosen.connect(self._filter)
        self.table = Table(self.desk)
        self.table.current_changed.connect(lambda *_: self._show_detail(self.table.current_row()))
        self.table.activated.connect(self._open_group)
        self.detail = Detail(self.desk)
        self.detail.setAccessibleName(self.texts("catalogue.tab.versions"))
        pair = one_above_other(self.table, self.detail, sizes=(370, 96), stretch=(1, 0))
        relations = QWidget()
        box = QVBoxLayout(relations)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(TIGHT)
        box.addWidget(self.chips)
        box.addWidget(pair, 1)
        self.tables: dict[str, Table] = {}
        self.stack = QStackedWidget()
        self.stack.addWidget(relations)
        for key in VIEWS[1:]:
            self.tables[key] = notices(self.desk) if key == "findings" else Table(self.desk)
            self.tables[key].set_empty(
                texts("catalogue.versions.not_measured"), texts("catalogue.versions.go"), self.measure
            )
            self.stack.addWidget(self.tables[key])
        self.tables["institutions"].activated.connect(
            lambda key, _: self.desk.go("clearing", ("institution", str(key).partition(".")[2]))
        )
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(TIGHT)
        outer.addLayout(line)
        outer.addWidget(self.asking)
        outer.addWidget(self.figures)
        outer.addWidget(self.views)
        outer.addWidget(self.stack, 1)
        self.setFocusProxy(self.table)

    def _combo(self, key: str, wide: int) -> QComboBox:
        combo = QComboBox()
        combo.setAccessibleName(self.texts(f"catalogue.versions.{key}"))
        combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        combo.setMinimumContentsLength(wide)
        return combo

    # -- what the page asks ----------------------------------------------------------------------------------------

    def refresh(self, changes: Changes | None = None) -> None:
        desk = self.desk
        if desk.workspace is None:
            return
        if changes is not None and self._ground is not None:
            if changes.display:
                self._say_worth()
            other = self._stood_on != (desk.year, desk.set_name)
            if other or changes.touches(*WORTH):
                self._forget_worth()
            elif changes.choices:
                self._show_fund()
            if not other and not changes.workspace and not changes.touches(*READ):
                return
        desk.ask(
            lambda workspace, _: _ground(workspace),
            self._have_ground,
            place="catalogue.versions.ground",
            title=self.texts("catalogue.versions.reading"),
        )

    def show_target(self, target: object) -> None:
        """("versions", old, new): these two side by side."""
        if isinstance(target, tuple) and len(target) == 3:
            self._wanted = (str(target[1]), str(target[2]))
            if self._ground is not None:
                self._choose()
                self.relate()

    def _have_ground(self, ground: Ground) -> None:
        self._ground = ground
        self._stood_on = (self.desk.year, self.desk.set_name)
        texts = self.texts
        kept = (str(self.old.currentData() or ""), str(self.new.currentData() or ""))
        pack = str(self.pack.currentData() or "")
        for combo in (self.old, self.new):
            combo.clear()
            for version in ground.versions:
                state = texts(f"catalogue.state.{version.state}")
                combo.addItem(texts("catalogue.versions.named", name=version.name, state=state), version.name)
                combo.setItemData(
                    combo.count() - 1,
                    texts("catalogue.versions.named_tip", year=version.year, count=count(version.entries)),
                    Qt.ItemDataRole.ToolTipRole,
                )
        self.pack.clear()
        for head in ground.packs:
            self.pack.addItem(head.title[texts.lang], head.id)
        self.pack.setCurrentIndex(max(0, self.pack.findData(pack or self._fitting(ground))))
        self._wanted = self._wanted or (kept if all(kept) else None)
        self._choose()
        self.relate()

    def _fitting(self, ground: Ground) -> str:
        """The pack of the workspace's city and year, else of its city, else any."""
        region = str(getattr(self.desk.workspace, "region", ""))[:4]
        of_city = [head for head in ground.packs if region and head.region[:4] == region]
        of_year = [head for head in of_city if self.desk.year in head.years]
        found = of_year or of_city or list(ground.packs)
        return found[0].id if found else ""

    def _choose(self) -> None:
        """Two versions: those wanted, else the year's own beside the one before it."""
        ground = self._ground
        assert ground is not None
        there = [version.name for version in ground.versions]
        if self._wanted is not None and set(self._wanted) <= set(there):
            old, new = self._wanted
        else:
            fixed = [version for version in ground.versions if version.state != "draft"] or list(ground.versions)
            of_year = [one.name for one in fixed if one.year == self.desk.year]
            new = of_year[-1] if of_year else (there[-1] if there else "")
            earlier = [one.name for one in fixed if one.name != new and one.year <= (self.desk.year or 0)]
            others = earlier or [name for name in there if name != new]
            old = others[-1] if others else new
        self._wanted = None
        self.old.setCurrentIndex(self.old.findData(old))
        self.new.setCurrentIndex(self.new.findData(new))

    def _swap(self) -> None:
        old, new = self.old.currentIndex(), self.new.currentIndex()
        self.old.setCurrentIndex(new)
        self.new.setCurrentIndex(old)
        self.relate()

    # -- relations -------------------------------------------------------------------------------------------------

    def relate(self) -> None:
        """Bring the chosen versions together by what they say; what it is worth is asked for by the button."""
        self._forget_worth()
        old, new = str(self.old.currentData() or ""), str(self.new.currentData() or "")
        several = bool(old) and bool(new) and old != new
        self.go.setEnabled(several)
        if not several:
            from core.worksheet import Worksheet

            self.related = None
            self.asking.drop()
            self.chips.put(())
            self.detail.clear()
            self.table.set_empty(
                self.texts("catalogue.versions.only_one" if old == new else "catalogue.versions.none"),
                self.texts("catalogue.to_import"),
                lambda: self.desk.go("data", ("kind", "catalogue")),
            )
            self.table.set_worksheet(Worksheet("", {"zh": "", "en": ""}, (), {}, 0))
            return
        texts = self.texts
        self.asking.ask(
            lambda workspace, _: _related(workspace, old, new, texts),
            self._have_related,
            texts("catalogue.versions.relating"),
        )

    def _have_related(self, related: Related) -> None:
        self.related = related
        self._show_relations()

    def _show_relations(self) -> None:
        related, texts = self.related, self.texts
        assert related is not None
        counts: dict[str, int] = {}
        for one in related.relations:
            counts[one.change] = counts.get(one.change, 0) + 1
        changed = len(related.relations) - counts.get("same", 0)
        self.chips.put([
            ("", texts("catalogue.versions.all"), len(related.relations), ""),
            ("changed", texts("catalogue.versions.changed"), changed, texts("catalogue.versions.changed_tip")),
            *(
                (change, texts(f"catalogue.change.{change}"), counts[change], texts(f"catalogue.versions.means.{change}"))
                for change in CHANGES
                if counts.get(change)
            ),
        ])  # fmt: skip
        self.table.set_empty(texts("catalogue.versions.no_relations"))
        self.table.set_worksheet(related.sheet, frozen=1)
        if self._fresh and changed:
            self._fresh = False
            self.chips.press("changed")
        self.views.setTabText(0, f"{texts('catalogue.versions.view.relations')} {count(len(related.relations))}")
        if self.table.current_row() < 0 and self.table.model.rowCount():
            self.table.select(self.table.model.key_at(0))
        self._show_detail(self.table.current_row())

    def _filter(self, change: str) -> None:
        kept = [one for one in CHANGES if one == change or (change == "changed" and one != "same")]
        said = frozenset(self.texts(f"catalogue.change.{one}") for one in kept)
        self.table.set_filter("change", Filter(values=said) if change else None)
        if self.table.model.rowCount():
            self.table.select(self.table.model.key_at(0))

    def _show_detail(self, row: int) -> None:
        related = self.related
        if related is None or not 0 <= row < len(related.relations):
            self.detail.clear()
            return
        one = related.relations[row]
        self.detail.put(
            [entry for code in one.old if (entry := related.old.get(code)) is not None],
            [entry for code in one.new if (entry := related.new.get(code)) is not None],
            related.old.version,
            related.new.version,
        )

    def _open_group(self, key: object, _: str) -> None:
        related = self.related
        if related is None or not isinstance(key, int | np.integer):
            return
        one = related.relations[int(key)]
        version, codes = (related.new.version, one.new) if one.new else (related.old.version, one.old)
        self.desk.go("catalogue", ("group", version, codes[0]))

    def _show_view(self, number: int) -> None:
        self.stack.setCurrentIndex(number)

    # -- worth -----------------------------------------------------------------------------------------------------

    def measure(self) -> None:
        """What the change is worth on the year's cases."""
        desk, texts = self.desk, self.texts
        old, new = str(self.old.currentData() or ""), str(self.new.currentData() or "")
        if desk.workspace is None or desk.year is None or not old or old == new:
            return
        year, source, grouping = desk.year, str(self.pack.currentData() or ""), str(self.grouping.currentData())
        set_name = desk.set_name or None

        def work(workspace: Any, job: Any) -> Measured:
            from core.analysis.revision import worth
            from core.settlement import own_packs

            found = worth(
                workspace, year, own_packs.load(workspace, source), old, new, grouping=grouping, set_name=set_name, progress=job
            )
            return _measured(found, texts)

        self.asking.ask(work, self._have_worth, texts("catalogue.versions.measuring"))

    def _have_worth(self, measured: Measured) -> None:
        self.measured = measured
        self.related = measured.related
        for key, sheet in measured.sheets.items():
            self._put(key, sheet, 1)
        self._show_fund()
        self._show_relations()
        self._say_worth()
        self.export.setEnabled(True)
        self.desk.say(self.texts("catalogue.versions.measured"))

    def _put(self, key: str, sheet: Worksheet, frozen: int) -> None:
        self.tables[key].set_empty(self.texts("catalogue.versions.none_of_these"))
        self.tables[key].set_worksheet(sheet, frozen=frozen)
        said = self.texts(f"catalogue.versions.view.{key}")
        self.views.setTabText(VIEWS.index(key), f"{said} {count(sheet.rows)}")

    def _show_fund(self) -> None:
        """The institutions of the fund that is chosen for all pages."""
        measured = self.measured
        if measured is not None and self.desk.fund in measured.institutions:
            self._put("institutions", measured.institutions[self.desk.fund], 2)

    def _say_worth(self) -> None:
        if self.measured is not None:
            self.figures.put(self.measured.revision, self.measured.gains)

    def _forget_worth(self) -> None:
        """What was measured is of other versions, another year, or data that were written since."""
        from core.worksheet import Worksheet

        self.asking.drop()
        self.export.setEnabled(False)
        self.figures.hide()
        if self.measured is None:
            return
        self.measured = None
        for key, table in self.tables.items():
            table.set_empty(
                self.texts("catalogue.versions.not_measured"), self.texts("catalogue.versions.go"), self.measure
            )
            table.set_worksheet(Worksheet("", {"zh": "", "en": ""}, (), {}, 0))
            self.views.setTabText(VIEWS.index(key), self.texts(f"catalogue.versions.view.{key}"))

    def choose_export(self) -> None:
        measured = self.measured
        if measured is None:
            return
        name = self.texts("catalogue.versions.file", old=measured.revision.old, new=measured.revision.new)
        clean = "".join("_" if sign in '\\/:*?"<>|' else sign for sign in name)
        path, _ = QFileDialog.getSaveFileName(
            self, self.texts("catalogue.versions.export"), str(documents() / f"{clean}.xlsx"), self.texts("table.files_xlsx")
        )
        if path:
            self.export_to(path if path.lower().endswith(".xlsx") else f"{path}.xlsx")

    def export_to(self, path: str | Path) -> None:
        """Everything that was measured in one workbook: region, institutions, groups, moves, every case that changes."""
        measured, texts, path = self.measured, self.texts, Path(path)
        workspace = self.desk.workspace
        if measured is None or workspace is None:
            return
        synthetic = workspace.synthetic

        def work(_: object, job: Any) -> Path:
            from core.export.tables import worksheets_xlsx

            sheets = (*measured.revision.worksheets(texts.lang), measured.related.sheet, measured.sheets["findings"])
            worksheets_xlsx(sheets, path, texts.lang, job, synthetic)
            return path

        self.asking.ask(
            work,
            lambda done: self.desk.say(texts("clearing.exported", path=str(done))),
            texts("clearing.exporting", name=path.name),
        )
