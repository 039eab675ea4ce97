"""The browser: versions, tree, search as you type, filters, the table of groups, and beside it the page of one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QMenu,
    QPushButton,
    QSplitter,
    QToolButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from core.catalogue.browse import Wanted, key_of, of_key
from core.catalogue.entries import ATTRIBUTES, KINDS
from core.money import decimal
from ui.desk import Changes, Desk
from ui.dialogs import EscapeField
from ui.look import GAP, count, set_role
from ui.pages.catalogue.group import GroupPanel
from ui.table import Table

if TYPE_CHECKING:
    from core.catalogue.browse import Figures, Shelf
    from core.catalogue.entries import Entries
    from core.catalogue.library import Version
    from core.catalogue.lineage import Relation
    from core.catalogue.search import Index
    from core.catalogue.tree import Node

ALL = ""  # every version together
CVS = {"any": None, "low": (0.0, 0.5), "middle": (0.5, 0.7), "high": (0.7, 1.0), "higher": (1.0, float("inf"))}
NODE = Qt.ItemDataRole.UserRole
READS = ("catalogue", "catalogue_version", "code_map", "batch")  # else the cases alone are counted anew


@dataclass(frozen=True, slots=True)
class Library:
    """What is read when the page opens: all versions, and the rows of the chosen one."""

    versions: tuple[Version, ...]
    entries: Mapping[str, Entries]
    chosen: str
    shelf: Shelf


@dataclass(frozen=True, slots=True)
class Counted:
    """What takes longer: a year's cases by group, and what became of the version before."""

    before: str
    relations: Sequence[Relation]
    figures: Mapping[str, Figures] | None
    shelf: Shelf


def version_before(versions: Sequence[Version], name: str) -> str:
    """The version that one is held against: what it was made from, else the newest of an earlier year; "" without."""
    one = next((version for version in versions if version.name == name), None)
    if one is None:
        return ""
    if one.based_on and any(version.name == one.based_on for version in versions):
        return one.based_on
    earlier = [version for version in versions if version.year < one.year and version.state != "draft"]
    return earlier[-1].name if earlier else ""


def default_version(versions: Sequence[Version], year: int | None) -> str:
    """The year's version, else the newest before it, else the newest; no draft where there is another."""
    firm = [version for version in versions if version.state != "draft"] or list(versions)
    of_year = [version for version in firm if version.year == year]
    before = [version for version in firm if year is not None and version.year < year]
    return (of_year or before or firm)[-1].name


class BrowseTab(QWidget):
    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk, self._texts = desk, desk.texts
        self._library: Library | None = None
        self._counted: Counted | None = None
        self._index: Index | None = None
        self._version: str | None = None  # what the user chose; None takes the year's
        self._target: tuple[str, str] | None = None
        self._node: Node | None = None
        self._year: int | None = None
        self._quiet = False  # several filters change together
        self._build()

    # Building.

    def _build(self) -> None:
        texts = self._texts
        self.version = QComboBox()
        self.version.setAccessibleName(texts("catalogue.browse.version"))
        self.version.setToolTip(texts("catalogue.browse.version_tip"))
        self.version.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.version.activated.connect(self._version_chosen)
        self.search = EscapeField()
        self.search.setPlaceholderText(texts("catalogue.browse.search"))
        self.search.setAccessibleName(texts("catalogue.browse.search_name"))
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._sift)
        self.search.installEventFilter(self)
        self.elsewhere = QToolButton()
        self.elsewhere.setToolTip(texts("catalogue.browse.elsewhere_tip"))
        self.elsewhere.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.elsewhere.clicked.connect(lambda: self._take(ALL))
        keep = self.elsewhere.sizePolicy()
        keep.setRetainSizeWhenHidden(True)  # what comes and goes with each key must not move the rest
        self.elsewhere.setSizePolicy(keep)
        self.elsewhere.hide()
        top = QHBoxLayout()
        top.setSpacing(GAP)
        top.addWidget(self.search, 1)
        top.addWidget(self.elsewhere)
        caption = QLabel(texts("catalogue.browse.version"))
        set_role(caption, "muted")
        top.addWidget(caption)
        top.addWidget(self.version)

        self.kinds = _Ticks(texts("catalogue.browse.kinds"), texts("catalogue.browse.chosen"), self._sift)
        self.attributes = _Ticks(texts("catalogue.browse.attributes"), texts("catalogue.browse.chosen"), self._sift)
        self.low, self.high = (self._bound(name) for name in ("low", "high"))
        self.cv = QComboBox()
        self.cv.setAccessibleName(texts("catalogue.browse.cv"))
        for name in CVS:
            self.cv.addItem(texts(f"catalogue.browse.cv_{name}"), name)
        self.cv.activated.connect(self._sift)
        self.changed = _Toggle(texts("catalogue.browse.changed"), self._sift)
        self.with_cases = _Toggle(texts("catalogue.browse.with_cases"), self._sift)
        self.reset = QPushButton(texts("catalogue.browse.reset"))
        self.reset.clicked.connect(self.clear_filters)
        self.reset.hide()
        filters = QHBoxLayout()
        filters.setSpacing(GAP)
        for widget in (self.kinds, self.attributes):
            filters.addWidget(widget)
        score = QLabel(texts("catalogue.browse.score"))
        set_role(score, "muted")
        filters.addWidget(score)
        filters.addWidget(self.low)
        filters.addWidget(QLabel("–"))
        filters.addWidget(self.high)
        for widget in (self.cv, self.changed, self.with_cases, self.reset):
            filters.addWidget(widget)

        self.tree = Tree(self._desk)
        self.tree.itemSelectionChanged.connect(self._branch_chosen)
        self.table = Table(self._desk)
        self.table.set_empty(texts("catalogue.browse.loading"))
        self.table.find_field.hide()  # the page's own line finds more
        for widget, stretch in (
            (self.table.condition, 1), (self.table.clear_filters, 0), (self.table.columns, 0), (self.table.export, 0),
        ):  # fmt: skip
            filters.addWidget(widget, stretch)  # one line of tools instead of two
        self.table.activated.connect(lambda key, _: self._open(str(key)))
        self.table.current_changed.connect(lambda key, _: self._follow(str(key)))
        self.table.nothing.button.clicked.connect(self._show_all)
        self.panel = GroupPanel(self._desk)
        self.panel.closed.connect(self._close_panel)
        self.panel.wanted.connect(self.show_group)
        self.panel.widened.connect(self._widen)
        self.panel.hide()
        self.split = QSplitter(Qt.Orientation.Horizontal)
        self.split.setChildrenCollapsible(False)
        middle = QWidget()
        beside = QHBoxLayout(middle)
        beside.setContentsMargins(GAP, 0, 0, 0)
        beside.addWidget(self.table)
        self.middle = middle
        for widget, stretch in ((self.tree, 0), (middle, 1), (self.panel, 0)):
            self.split.addWidget(widget)
            self.split.setStretchFactor(self.split.count() - 1, stretch)
        self.split.setSizes([220, 900, 0])
        self.head = QWidget()
        inner = QVBoxLayout(self.head)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(GAP)
        inner.addLayout(top)
        inner.addLayout(filters)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(GAP)
        box.addWidget(self.head)
        box.addWidget(self.split, 1)
        self.setFocusProxy(self.search)
        self._pause = QTimer(self, singleShot=True, interval=120)  # while the arrow keys run down the table
        self._pause.timeout.connect(self._show_followed)
        self._followed = ""
        back = QShortcut(QKeySequence("Ctrl+Shift+F"), self)
        back.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        back.activated.connect(self.search.setFocus)

    def _bound(self, name: str) -> QLineEdit:
        field = EscapeField()
        field.setPlaceholderText(self._texts(f"catalogue.browse.score_{name}"))
        field.setAccessibleName(
            f"{self._texts('catalogue.browse.score')} {self._texts(f'catalogue.browse.score_{name}')}"
        )
        field.setFixedWidth(64)
        field.textChanged.connect(self._sift)
        return field

    # Data.

    def refresh(self, changes: Changes | None = None) -> None:
        anew = changes is None or changes.workspace or self._library is None
        if changes is not None and changes.workspace:
            self._version, self._node, self._target = None, None, None
            self._show_all()
            self._close_panel()
        if anew or (changes is not None and changes.touches(*READS)):
            self._load()
        elif changes is not None and (changes.choices or changes.touches("cases", "case_group")):
            if self._year != self._desk.year and self._version is None:
                self._take(None)
            else:
                self._count()
        self.panel.refresh(changes)

    def _load(self) -> None:
        texts, year, wanted = self._texts, self._desk.year, self._version
        self._index = None

        def work(workspace: Any, job: Any) -> Library | None:
            from core.catalogue import browse, library

            connection = workspace.reader()
            versions = tuple(library.versions(connection))
            if not versions:
                return None
            names = {version.name for version in versions}
            chosen = wanted if wanted == ALL or wanted in names else default_version(versions, year)
            entries = {version.name: library.entries(connection, version.name) for version in versions}
            listed = list(entries.values()) if chosen == ALL else [entries[chosen]]
            return Library(versions, entries, chosen, browse.shelf(listed, texts, progress=job))

        self.table.set_empty(texts("catalogue.browse.loading"))
        self._desk.ask(work, self._loaded, place="catalogue.load", title=texts("catalogue.browse.loading"))

    def _loaded(self, library: Library | None) -> None:
        self._library, self._counted = library, None
        if library is None:
            return
        self._year = self._desk.year
        texts = self._texts
        self.version.clear()
        for version in library.versions[::-1]:
            self.version.addItem(
                texts(
                    "catalogue.browse.version_line", name=version.name, year=version.year,
                    state=texts(f"catalogue.state.{version.state}"), count=count(version.entries),
                ),
                version.name,
            )  # fmt: skip
        if len(library.versions) > 1:
            rows = sum(version.entries for version in library.versions)
            self.version.addItem(texts("catalogue.browse.all_versions", count=count(rows)), ALL)
        self._put(library.shelf)
        entries = list(library.entries.values())

        def index(_: Any, job: Any) -> Index:
            from core.catalogue.search import Index

            return Index(entries)

        self._desk.ask(index, self._indexed, place="catalogue.index", title=texts("catalogue.browse.indexing"))
        self._count()

    def _indexed(self, index: Index) -> None:
        self._index = index
        index.places("lwy")  # the first key is as fast as the second
        if self.search.text():
            self._sift()

    def _count(self) -> None:
        """The year's cases by group and what became of the version before: columns that come a little later."""
        library, texts, year = self._library, self._texts, self._desk.year
        if library is None:
            return
        chosen, version = self._chosen(), None if self._chosen() == ALL else self._chosen()
        before = version_before(library.versions, version) if version else ""
        cases = bool(self._desk.contents and self._desk.contents.cases) and year is not None

        def work(workspace: Any, job: Any) -> tuple[str, Counted]:
            from core.analysis.group_profile import year_figures
            from core.catalogue import browse, lineage
            from core.catalogue import library as shelves

            relations: Sequence[Relation] = ()
            if before and version:
                maps = shelves.code_maps(workspace.reader(), "group")
                relations = lineage.relate(library.entries[before], library.entries[version], maps=maps)
            figures = year_figures(workspace, year) if cases else None
            listed = [library.entries[version]] if version else list(library.entries.values())
            made = browse.shelf(
                listed, texts, year=year if cases else None, figures=figures,
                before=library.entries[before] if before else None, relations=relations, progress=job,
            )  # fmt: skip
            return chosen, Counted(before, relations, figures, made)

        self._year = year
        self._desk.ask(work, self._have_counted, place="catalogue.count", title=texts("catalogue.browse.counting"))

    def _have_counted(self, both: tuple[str, Counted]) -> None:
        chosen, counted = both
        if chosen == self._chosen():
            self._counted = counted
            self._put(counted.shelf)

    # What shows.

    def shelf(self) -> Shelf | None:
        if self._counted is not None:
            return self._counted.shelf
        return self._library.shelf if self._library is not None else None

    def _chosen(self) -> str:
        return self._library.chosen if self._library is not None else ALL

    def _put(self, shelf: Shelf) -> None:
        """Another worksheet in the table; what is searched, filtered and chosen stays."""
        texts, library = self._texts, self._library
        assert library is not None
        place = self.version.findData(library.chosen)
        self.version.setCurrentIndex(max(0, place))
        self.kinds.offer({kind: texts(f"catalogue.kind.{kind}") for kind in _kinds(library, shelf)})
        self.attributes.offer({name: texts(f"catalogue.tree.{name}") for name in _attributes(shelf)})
        before = self._counted.before if self._counted is not None else ""
        self.changed.allow(
            bool(before),
            texts("catalogue.browse.changed_tip", version=before) if before else texts("catalogue.browse.changed_none"),
        )
        self.with_cases.allow(
            shelf.year is not None,
            texts("catalogue.browse.with_cases_tip", year=shelf.year)
            if shelf.year is not None
            else texts("catalogue.browse.with_cases_none"),
        )
        self._node = self.tree.put(shelf.nodes, len(shelf.rows), self._node)
        version, code = self._current()
        self.table.set_worksheet(shelf.sheet, frozen=2, only=self._rows())
        if code and library.chosen not in (ALL, version):
            self.table.select(key_of(library.chosen, code))  # the same group in the version that shows now
        shown = self.panel.shown
        if shown is not None and (shown[0] not in library.entries or shown[1] not in library.entries[shown[0]].by_code):
            if library.chosen != ALL and shown[1] in library.entries[library.chosen].by_code:
                self._open(key_of(library.chosen, shown[1]))
            else:
                self._close_panel()
        self._go_to_target()

    def _current(self) -> tuple[str, str]:
        """Version and group of the current row; empty without one."""
        index = self.table.grid.currentIndex()
        return of_key(str(self.table.model.key_at(index.row()))) if index.isValid() else ("", "")

    def _rows(self) -> np.ndarray | None:
        """The rows that search and filters leave, best first; None for all."""
        shelf, text = self.shelf(), self.search.text().strip()
        if shelf is None:
            return None
        wanted = Wanted(
            self._node, self.kinds.ticked(), self.attributes.ticked(), self._number(self.low), self._number(self.high),
            self.changed.isChecked() and self.changed.isEnabled(),
            self.with_cases.isChecked() and self.with_cases.isEnabled(),
            CVS[self.cv.currentData() or "any"],
        )  # fmt: skip
        filtered = wanted != Wanted(self._node)
        self.reset.setVisible(filtered)
        if not text or self._index is None:
            return np.flatnonzero(shelf.passing(wanted)) if filtered or self._node is not None else None
        found = shelf.found(self._index, text)
        if not filtered and self._node is None:
            return found
        return found[shelf.passing(wanted)[found]]

    def _sift(self) -> None:
        """A key was pressed or a filter ticked."""
        if self._quiet or self.shelf() is None:
            return
        self.table.show_only(self._rows())
        self._say_elsewhere()

    def _say_elsewhere(self) -> None:
        """How many more the other versions have of what was searched."""
        text, chosen = self.search.text().strip(), self._chosen()
        more = 0
        if text and chosen != ALL and self._index is not None and len(self._index.versions) > 1:
            shelf = self.shelf()
            assert shelf is not None
            more = len(self._index.places(text)) - len(shelf.found(self._index, text))
        self.elsewhere.setVisible(more > 0)
        self.elsewhere.setText(self._texts("catalogue.browse.elsewhere", count=count(more)))

    def _number(self, field: QLineEdit) -> Fraction | None:
        text = field.text().strip().replace(",", "")
        value: Fraction | None = None
        bad = False
        if text:
            try:
                value = decimal(text)
            except ValueError:
                bad = True
        if bool(field.property("bad")) != bad:
            field.setProperty("bad", bad)
            field.setToolTip(self._texts("catalogue.browse.score_wrong") if bad else "")
            field.style().polish(field)
        return value

    def clear_filters(self) -> None:
        self._quiet = True
        self.kinds.clear_ticks()
        self.attributes.clear_ticks()
        self.low.clear()
        self.high.clear()
        self.cv.setCurrentIndex(0)
        self.changed.setChecked(False)
        self.with_cases.setChecked(False)
        self._quiet = False
        self._sift()

    def _show_all(self) -> None:
        """Search, branch and filters let everything through."""
        self._quiet = True
        self.search.clear()
        self.tree.choose_all()
        self._node = None
        self._quiet = False
        self.table.clear_all_filters()
        self.clear_filters()

    def _branch_chosen(self) -> None:
        self._node = self.tree.chosen()
        self._sift()

    # Versions.

    def _version_chosen(self) -> None:
        self._version = self.version.currentData()
        self._take(self._version)

    def _take(self, version: str | None) -> None:
        """Show another version; None: the year's."""
        library, texts = self._library, self._texts
        if library is None:
            return
        name = default_version(library.versions, self._desk.year) if version is None else version
        self._version = version
        if name == library.chosen:
            self._count()
            return

        def work(_: Any, job: Any) -> Library:
            from core.catalogue import browse

            listed = list(library.entries.values()) if name == ALL else [library.entries[name]]
            return Library(library.versions, library.entries, name, browse.shelf(listed, texts, progress=job))

        def have(taken: Library) -> None:
            self._library, self._counted = taken, None
            self._put(taken.shelf)
            self._say_elsewhere()
            self._count()

        self._desk.ask(work, have, place="catalogue.take", title=texts("catalogue.browse.loading"))

    # The page of a group.

    def show_target(self, target: object) -> None:
        """("group", version, dip_code), or ("group", dip_code) in the version on screen."""
        if isinstance(target, tuple) and target[:1] == ("group",) and len(target) > 1:
            self.show_group(str(target[1]) if len(target) > 2 else "", str(target[-1]))

    def show_group(self, version: str, dip_code: str) -> None:
        self._target = (version, dip_code)
        self._go_to_target()

    def _go_to_target(self) -> None:
        """Once the rows are there: the group in its version, the one on screen if it has it, else the newest that does."""
        library, target = self._library, self._target
        if library is None or target is None:
            return
        version, code = target
        chosen = library.chosen
        order = [version] if version else [chosen, *(one.name for one in library.versions[::-1])]
        has = next((name for name in order if name in library.entries and code in library.entries[name].by_code), "")
        if not has:
            self._target = None
            self._desk.say(self._texts("catalogue.browse.no_such_group", code=code))
            return
        if chosen not in (ALL, has):
            self._take(has)  # and comes back here with its rows
            return
        self._target = None
        key = key_of(has, code)
        if not self.table.select(key):
            self._show_all()
            self.table.select(key)
        self._open(key)
        self.table.setFocus()

    def _open(self, key: str) -> None:
        version, code = of_key(key)
        if not code:
            return
        if not self.panel.isVisibleTo(self):
            self.panel.show()
            wide = sum(self.split.sizes())
            left, aside = min(self.split.sizes()[0], wide // 6), max(400, min(680, int(wide * 0.38)))
            self.split.setSizes([left, wide - left - aside, aside])
        self.panel.show_group(version, code)

    def _follow(self, key: str) -> None:
        """The current row is another: the page of the group, where it is open, goes along."""
        if self.panel.isVisibleTo(self):
            self._followed = key
            self._pause.start()

    def _show_followed(self) -> None:
        if self.panel.isVisibleTo(self) and self._followed:
            self._open(self._followed)

    def _close_panel(self) -> None:
        self._widen(False)
        had = self.panel.isAncestorOf(self.focusWidget()) if self.focusWidget() is not None else False
        self.panel.hide()
        self.panel.forget()
        if had:
            self.table.setFocus()

    def _widen(self, wide: bool) -> None:
        """The group's page over the whole tab, or beside the table."""
        for widget in (self.head, self.tree, self.middle):
            widget.setVisible(not wide)
        self.panel.set_wide(wide)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Down goes from the search into the rows, Enter opens the best."""
        keys = (Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if watched is not self.search or event.type() != QEvent.Type.KeyPress or event.key() not in keys:
            return super().eventFilter(watched, event)
        model, grid = self.table.model, self.table.grid
        self.table.setFocus()
        if model.rowCount() and (event.key() != Qt.Key.Key_Down or not grid.currentIndex().isValid()):
            grid.setCurrentIndex(model.index(0, 0))
        if model.rowCount() and event.key() != Qt.Key.Key_Down:
            self._open(str(model.key_at(0)))
        return True

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.panel.isVisibleTo(self):
            self._close_panel()
            return
        super().keyPressEvent(event)


def _kinds(library: Library, shelf: Shelf) -> list[str]:
    there = {kind for version in library.versions if version.name in shelf.versions for kind in version.kinds}
    return [kind for kind in KINDS if kind in there]


def _attributes(shelf: Shelf) -> list[str]:
    there = {entry.attribute for _, entry in shelf.rows}
    return [name for name in ATTRIBUTES if name in there]


class Tree(QTreeWidget):
    """Chapters with what is beneath; a branch gets its children when it is opened first."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._texts = desk.texts
        self.setColumnCount(2)
        self.setHeaderHidden(True)
        self.setUniformRowHeights(True)
        self.setIndentation(14)
        self.setAccessibleName(desk.texts("catalogue.browse.tree"))
        self.setMinimumWidth(150)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        header = self.header()
        header.setStretchLastSection(False)
        header.setMinimumSectionSize(20)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self.itemExpanded.connect(self._fill)

    def put(self, nodes: Sequence[Node], whole: int, chosen: Node | None) -> Node | None:
        """Other rows; the branch that was chosen stays so, as far as it is still there. Returns it."""
        path = self._path() if chosen is not None else []
        self.blockSignals(True)
        self.clear()
        self.invisibleRootItem().addChild(self._item(self._texts("catalogue.browse.whole"), whole, None))
        for node in nodes:
            self.invisibleRootItem().addChild(self._item(self._said(node), node.count, node))
        self.blockSignals(False)
        found = self.topLevelItem(0)
        beneath = self.invisibleRootItem()
        for code in path:
            self._fill(beneath)
            match = [
                beneath.child(i)
                for i in range(beneath.childCount())
                if (node := beneath.child(i).data(0, NODE)) is not None and node.code == code
            ]
            if not match:
                break
            found = beneath = match[0]
        self.blockSignals(True)
        if found is not None:
            self.setCurrentItem(found)
            self.scrollToItem(found)
        self.blockSignals(False)
        return self.chosen()

    def chosen(self) -> Node | None:
        item = self.currentItem()
        return item.data(0, NODE) if item is not None else None

    def choose_all(self) -> None:
        if self.topLevelItemCount():
            self.setCurrentItem(self.topLevelItem(0))

    def _path(self) -> list[str]:
        codes: list[str] = []
        item = self.currentItem()
        while item is not None and item.data(0, NODE) is not None:
            codes.insert(0, item.data(0, NODE).code)
            item = item.parent()
        return codes

    def _said(self, node: Node) -> str:
        title = node.title.get(self._texts.lang, "")
        named = node.level != "attribute" and node.code[:1].isupper()
        return f"{node.code} {title}".strip() if named else title or node.code

    def _item(self, text: str, number: int, node: Node | None) -> QTreeWidgetItem:
        item = QTreeWidgetItem([text, count(number)])
        item.setToolTip(0, text)
        item.setTextAlignment(1, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        item.setForeground(1, self.palette().placeholderText())
        item.setData(0, NODE, node)
        if node is not None and node.children:
            item.setChildIndicatorPolicy(QTreeWidgetItem.ChildIndicatorPolicy.ShowIndicator)
        return item

    def _fill(self, item: QTreeWidgetItem) -> None:
        node: Node | None = item.data(0, NODE)
        if node is None or item.childCount():
            return
        item.addChildren([self._item(self._said(child), child.count, child) for child in node.children])


class _Ticks(QToolButton):
    """A menu of which several can be ticked; none ticked lets all through."""

    def __init__(self, title: str, chosen: str, then: Callable[[], None]) -> None:
        super().__init__()
        self._title, self._chosen, self._then = title, chosen, then
        self._names: dict[str, str] = {}
        self._ticked: set[str] = set()
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMenu(QMenu(self))
        self._say()

    def offer(self, names: Mapping[str, str]) -> None:
        if dict(names) == self._names:
            return
        self._names = dict(names)
        self._ticked &= set(names)
        menu = self.menu()
        menu.clear()
        for key, name in names.items():
            action = menu.addAction(name)
            action.setCheckable(True)
            action.setChecked(key in self._ticked)
            action.toggled.connect(lambda on, key=key: self._tick(key, on))
        self._say()

    def ticked(self) -> frozenset[str]:
        return frozenset(self._ticked)

    def clear_ticks(self) -> None:
        self._ticked.clear()
        for action in self.menu().actions():
            action.blockSignals(True)
            action.setChecked(False)
            action.blockSignals(False)
        self._say()

    def _tick(self, key: str, on: bool) -> None:
        (self._ticked.add if on else self._ticked.discard)(key)
        self._say()
        self._then()

    def _say(self) -> None:
        said = self._title
        if len(self._ticked) == 1:
            said = self._names[next(iter(self._ticked))]
        elif self._ticked:
            said = self._chosen.format(name=self._title, count=len(self._ticked))
        self.setText(f"{said} ▾")


class _Toggle(QToolButton):
    """A filter that is on or off; greyed out where there is nothing to go by."""

    def __init__(self, text: str, then: Callable[[], None]) -> None:
        super().__init__()
        self.setText(text)
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.clicked.connect(lambda: then())

    def allow(self, on: bool, tip: str) -> None:
        self.setEnabled(on)
        self.setToolTip(tip)


