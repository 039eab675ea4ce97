"""The Comparison page: who is compared, and the tabs over the result."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QMenu,
    QSizePolicy,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from ui.asking import Asking
from ui.desk import Changes, Desk
from ui.dialogs import Empty, documents
from ui.look import EDGE, GAP, count, set_role
from ui.pages.comparison.charts import ChartsView
from ui.pages.comparison.chooser import LEAST, MOST, Chooser
from ui.pages.comparison.difference import DifferenceView
from ui.pages.comparison.ground import Ground, candidates, read
from ui.pages.comparison.offers import Offers
from ui.pages.comparison.suggestions import Candidate, pairs, peers
from ui.pages.comparison.views import GroupsView, IndicatorsView, Shown, View, made
from ui.tabs import PackField, TabRow

if TYPE_CHECKING:
    from core.worksheet import Worksheet

KEYS = ("indicators", "groups", "difference", "charts")
# What a comparison stands on: when one of these is written, it is made anew.
READ = ("cases", "batch", "institution", "catalogue", "auxiliary", "reference_mean", "coefficient", "coefficient_set", "budget",
        "payment", "deduction", "assessment", "special_case", "operation", "run", "rule_pack")  # fmt: skip


class ComparisonPage(QWidget):
    """Year, set and fund are the desk's; both funds together, the pack and the institutions are chosen here."""

    key = "comparison"

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk, self.texts = desk, desk.texts
        self.ground: Ground | None = None
        self.shown: Shown | None = None
        self.candidates: dict[str, Candidate] = {}
        self._candidates_of: int | None = None  # the year of these
        self._wanted: tuple[str, ...] | None = None  # by somebody else, before the names are there
        self._pack = ""  # what the user chose
        self._stale: set[str] = set()
        self._exporting: Path | None = None  # waits for the difference
        self._build()

    def _build(self) -> None:
        texts = self.texts
        self.empty = Empty(self.desk, "comparison")
        self.empty.pressed.connect(self._cure)
        self.chooser = Chooser(self.desk, self)
        self.chooser.changed.connect(self._chosen)
        self.chooser.opened.connect(lambda code: self.desk.go("institutions", ("institution", code)))
        self.suggest = self._menu("comparison.peers", self._fill_suggestions)
        above = QHBoxLayout()
        above.setSpacing(GAP)
        above.addWidget(self.chooser, 1)
        above.addWidget(self.suggest)
        self.tabs = TabRow(texts("comparison.tabs"), {key: texts(f"comparison.tab.{key}") for key in KEYS})
        self.about = QLabel()
        set_role(self.about, "muted")
        self.about.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.about.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.both = QCheckBox(texts("comparison.both_funds"))
        self.both.setToolTip(texts("comparison.both_funds_tip"))
        self.both.toggled.connect(lambda _: self.compare())
        self.pack = PackField(texts("comparison.pack"), texts("comparison.pack_tip"), 20)
        self.pack.activated.connect(lambda _: self._pack_chosen())
        self.export = self._menu("comparison.export", self._fill_export)
        line = QHBoxLayout()
        line.setSpacing(GAP)
        line.addWidget(self.tabs)
        line.addWidget(self.about, 1)
        for widget in (self.both, self.pack.caption, self.pack, self.export):
            line.addWidget(widget)
        self.result = QWidget()  # everything that there is once two are chosen
        self.result.setLayout(line)
        line.setContentsMargins(0, 0, 0, 0)
        self.asking = Asking(self.desk, "comparison.compare")
        self.groups, difference = GroupsView(self.desk), DifferenceView(self.desk)
        difference.told.connect(self._export_on)
        self.views: dict[str, View] = {
            "indicators": IndicatorsView(self.desk), "groups": self.groups, "difference": difference,
            "charts": ChartsView(self.desk),
        }  # fmt: skip
        self.groups.least_changed.connect(self.compare)
        self.stack = QStackedWidget()
        for view in self.views.values():
            self.stack.addWidget(view)
        self.offers = Offers(self.desk)
        self.offers.chosen.connect(self.chooser.choose)
        self.stack.addWidget(self.offers)
        self.tabs.currentChanged.connect(lambda _: self._show())
        self.body = QWidget()
        inside = QVBoxLayout(self.body)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(GAP)
        inside.addLayout(above)
        inside.addWidget(self.result)
        inside.addWidget(self.asking)
        inside.addWidget(self.stack, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(EDGE, GAP, EDGE, GAP)
        layout.addWidget(self.empty)
        layout.addWidget(self.body)
        self.setFocusProxy(self.chooser)

    def _menu(self, key: str, fill: Callable[[QMenu], None]) -> QToolButton:
        button = QToolButton()
        button.setText(self.texts(key) + " ▾")
        button.setToolTip(self.texts(f"{key}_tip"))
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        menu = QMenu(button)
        menu.aboutToShow.connect(lambda: (menu.clear(), fill(menu)))
        button.setMenu(menu)
        return button

    # -- what the window asks --------------------------------------------------------------------------------------

    def refresh(self, changes: Changes | None = None) -> None:
        desk, texts, contents = self.desk, self.texts, self.desk.contents
        lacking = [
            texts(f"pages.needs.{need}")
            for need, there in (
                ("institution", contents is not None and contents.counts.get("institution")),
                ("cases", contents is not None and contents.cases),
            )
            if not there
        ]
        self.empty.setVisible(bool(lacking))
        self.body.setVisible(not lacking)
        if changes is None or changes.workspace:
            self._forget()
        if lacking:
            said = texts("pages.no_workspace") if contents is None else texts(
                "comparison.lacking", what=texts("pages.and").join(lacking)
            )  # fmt: skip
            button = texts("pages.to_start" if contents is None else "pages.to_data")
            self.empty.say(texts("pages.comparison.title"), texts("comparison.holds"), said, button)
            return
        if changes is not None and not (changes.workspace or changes.choices or changes.touches(*READ)):
            if changes.display:
                self._put_all()
            return
        year = desk.year
        if year is None:
            return
        if changes is None or changes.touches(*READ):
            self._candidates_of = None
        desk.ask(
            lambda workspace, _: read(workspace, year), self._have_ground, place="comparison.ground",
            title=texts("comparison.reading"),
        )  # fmt: skip

    def show_target(self, target: object) -> None:
        """("codes", (code, ...)): these, in this order."""
        if isinstance(target, tuple) and len(target) == 2 and target[0] == "codes":
            self._wanted = tuple(str(code) for code in target[1])
            if self.ground is not None:
                self._take_wanted()

    def _forget(self) -> None:
        self.ground, self.shown = None, None
        self._candidates_of = None
        self.asking.drop()
        self.chooser.put({})

    def _have_ground(self, ground: Ground) -> None:
        self.ground = ground
        self.chooser.put(ground.names)
        self.pack.clear()
        for head in ground.packs:
            self.pack.addItem(head.title[self.texts.lang], head.id)
            self.pack.setItemData(self.pack.count() - 1, head.title[self.texts.lang], Qt.ItemDataRole.ToolTipRole)
        wanted = self._pack or ground.usual
        self.pack.setCurrentIndex(self.pack.findData(wanted) if wanted else -1)
        if not self._take_wanted():
            self.compare()

    def _take_wanted(self) -> bool:
        """Whether other institutions are chosen now."""
        wanted, self._wanted = self._wanted, None
        if wanted is None or wanted == self.chooser.codes:
            return False
        before = self.chooser.codes
        self.chooser.choose(wanted)
        return before != self.chooser.codes

    # -- who -----------------------------------------------------------------------------------------------------------

    def _chosen(self) -> None:
        self.compare()

    def _pack_chosen(self) -> None:
        self._pack = str(self.pack.currentData())
        self.compare()

    def _last(self) -> tuple[str, ...]:
        """Those compared last in this workspace."""
        kept = self.desk.settings.compared.get(str(getattr(self.desk.workspace, "path", "")), [])
        return tuple(code for code in kept if isinstance(code, str))

    def _remember(self, codes: tuple[str, ...]) -> None:
        settings, path = self.desk.settings, str(getattr(self.desk.workspace, "path", ""))
        if path and settings.compared.get(path) != list(codes):
            # Of the newest workspaces alone, as many as the start page lists.
            known = {old: kept for old, kept in settings.compared.items() if old in settings.recent}
            settings.compared = {**known, path: list(codes)}
            self.desk.save()

    def _ask_candidates(self, then: Callable[[], None]) -> None:
        year = self.desk.year
        assert year is not None
        if self._candidates_of == year:
            then()
            return

        def have(found: dict[str, Candidate]) -> None:
            self.candidates, self._candidates_of = found, year
            then()

        self.desk.ask(
            lambda workspace, job: candidates(workspace, year, job), have, place="comparison.candidates",
            title=self.texts("comparison.reading"),
        )  # fmt: skip

    def _offer(self) -> None:
        last = self._last()
        found = pairs(list(self.candidates.values()), last)
        again = bool(found) and set(found[0]) <= set(last)
        self.offers.put(found, self.candidates, again)

    def _fill_suggestions(self, menu: QMenu) -> None:
        texts, chosen = self.texts, self.chooser.codes
        names = self.ground.names if self.ground is not None else {}
        last = tuple(code for code in self._last() if code in names)
        if len(last) >= LEAST and set(last) != set(chosen):
            said = texts.listed(names[code] for code in last)
            menu.addAction(texts("comparison.again", names=said), lambda: self.chooser.choose(last))
            menu.addSeparator()
        beside = peers(self.candidates, chosen) if len(chosen) < MOST else []
        for code in beside:
            one = self.candidates[code]
            said = texts("comparison.add", name=one.name, cases=count(one.cases))
            menu.addAction(said, lambda code=code: self.chooser.add(code))
        if not menu.actions():
            menu.addAction(texts("comparison.no_peers")).setEnabled(False)

    # -- the comparison ------------------------------------------------------------------------------------------------

    def compare(self) -> None:
        """What is chosen, anew. With fewer than two there is something to begin with instead."""
        desk, codes, year = self.desk, self.chooser.codes, self.desk.year
        if self.ground is None or year is None:
            return
        enough = len(codes) >= LEAST
        self.result.setVisible(enough)
        self.suggest.setVisible(bool(codes))
        self.setFocusProxy(self.chooser)
        if not enough:
            self.asking.drop()
            self.shown = None
            self.offers.say(codes)
            self.stack.setCurrentWidget(self.offers)
            self._ask_candidates(self._offer)
            return
        fund = "" if self.both.isChecked() else desk.fund
        pack, set_name, texts = str(self.pack.currentData() or ""), desk.set_name, self.texts
        if self.stack.currentWidget() is self.offers:
            self._show()

        least = self.groups.ready(len(codes))

        def work(workspace: Any, job: Any) -> Shown:
            from core.analysis.comparison import compare

            found = compare(workspace, codes, year, fund=fund, pack=pack or None, set_name=set_name or None, progress=job)
            return made(found, texts, least)

        self.asking.ask(work, self._have, texts("comparison.comparing", count=len(codes)))

    def _have(self, shown: Shown) -> None:
        self.shown, found = shown, shown.comparison
        self._remember(self.chooser.codes)
        fund = "comparison.both_funds" if self.both.isChecked() else f"fund.{self.desk.fund}"
        self.about.setText(
            self.texts(
                "comparison.about", year=self.desk.year, fund=self.texts(fund),
                cases=count(sum(one.cases for one in found.institutions)),
            )
        )  # fmt: skip
        self._put_all()
        self._ask_candidates(lambda: None)  # for the menu of suggestions; its cases were read just now

    def _put_all(self) -> None:
        self._stale = set(KEYS)
        self._show()

    def _show(self) -> None:
        """The tab in front; it alone is filled."""
        if len(self.chooser.codes) < LEAST:
            return
        key = KEYS[self.tabs.currentIndex()]
        view = self.views[key]
        self.stack.setCurrentWidget(view)
        if self.shown is not None and key in self._stale:
            self._stale.discard(key)
            view.put(self.shown)

    def _cure(self) -> None:
        if self.desk.contents is None:
            self.desk.go("start")
        else:
            kind = "cases" if self.desk.contents.counts.get("institution") else "institutions"
            self.desk.go("data", ("kind", kind))

    # -- export ----------------------------------------------------------------------------------------------------------

    def _fill_export(self, menu: QMenu) -> None:
        for form in ("xlsx", "csv"):
            menu.addAction(
                self.texts(f"comparison.export_{form}"), lambda form=form: self._ask_path(form)
            ).setEnabled(self.shown is not None)

    def _ask_path(self, form: str) -> None:
        name = self.texts("comparison.file", year=self.desk.year)
        path, _ = QFileDialog.getSaveFileName(
            self, self.texts("comparison.export"), str(documents() / f"{name}.{form}"),
            self.texts(f"table.files_{form}"),
        )  # fmt: skip
        if path:
            self.export_to(path if path.lower().endswith(f".{form}") else f"{path}.{form}")

    def _export_on(self) -> None:
        path, self._exporting = self._exporting, None
        if path is not None:
            self.export_to(path)

    def export_to(self, path: str | Path) -> None:
        """All tables as they stand on screen, and how every pair's difference splits.

        By the name's ending one workbook, or beside `path` a CSV file for each.
        """
        path, texts, shown = Path(path), self.texts, self.shown
        if shown is None:
            return
        stale = self._stale - {"charts"}  # a tab that was not looked at has its table too
        self._stale -= stale
        self._exporting = path if "difference" in stale else None
        for key in stale:
            self.views[key].put(shown)
        if self._exporting is not None:  # the difference is asked for; its answer comes back here
            return
        sheets: list[tuple[str, Worksheet]] = [
            (texts(f"comparison.tab.{key}"), table.shown())
            for key in KEYS
            if (table := self.views[key].table_shown()) is not None and table.worksheet().columns
        ]
        splits = shown.comparison.splits
        synthetic = bool(getattr(self.desk.workspace, "synthetic", False))

        def work(_: Any, job: Any) -> list[Path]:
            from core.export import tables

            told = [*sheets, (texts("comparison.tab.splits"), splits(texts))]
            if path.suffix.lower() == ".xlsx":
                tables.worksheets_xlsx([sheet for _, sheet in told], path, texts.lang, job, synthetic)
                return [path]
            made: list[Path] = []
            for name, sheet in told:
                beside = path.with_name(f"{path.stem}_{name}.csv")
                tables.worksheet_csv(sheet, beside, texts.lang, job, synthetic)
                made.append(beside)
            return made

        self.asking.ask(
            work, lambda made: self.desk.say(texts("comparison.exported", paths=texts.listed(made))),
            texts("comparison.exporting"),
        )  # fmt: skip
