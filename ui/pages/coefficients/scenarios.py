"""Scenarios: what-ifs under a name, kept beside the published state and never in it; laid side by side, exported, dropped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from ui.asking import Asking
from ui.desk import Changes, Desk
from ui.dialogs import ReasonDialog, documents
from ui.look import GAP, TIGHT, set_role
from ui.pages.coefficients.pool import Key, Pools
from ui.pages.coefficients.questions import Form
from ui.pages.coefficients.scenario_form import Material, ScenarioDialog, gather
from ui.splits import side_by_side
from ui.table import Table
from ui.tabs import TabRow

if TYPE_CHECKING:
    from core.rules.circular import Pack
    from core.settlement.coefficients import SetHead
    from core.settlement.scenarios import Scenario
    from core.settlement.whatif import Outcome, Pool
    from core.worksheet import Worksheet

VIEWS = ("institutions", "regions")
FIGURES = ("due", "final", "score", "coefficient")
LIST_WIDTH = 360


@dataclass(frozen=True, slots=True)
class Stored:
    scenarios: tuple[Scenario, ...]
    sheet: Worksheet


def _stored(workspace: Any, texts: Any) -> Stored:
    from core.settlement import scenarios
    from core.settlement.scenario_sheets import listed

    found = tuple(scenarios.stored(workspace.reader()))
    return Stored(found, listed(found, texts.lang))


class ScenariosTab(QWidget):
    def __init__(self, desk: Desk, pools: Pools) -> None:
        super().__init__()
        self.desk, self.texts, self.pools = desk, desk.texts, pools
        self.heads: tuple[SetHead, ...] = ()
        self.head: SetHead | None = None
        self.pack: Pack | None = None
        self.scenarios: dict[str, Scenario] = {}
        self.outcomes: dict[str, Outcome] = {}
        self.pool: Pool | None = None
        self._wanted = ""
        self._build()

    def _build(self) -> None:
        texts = self.texts
        self.band = QFrame()
        set_role(self.band, "notice")
        mark = QLabel(texts("coefficients.scenario.mark"))
        set_role(mark, "heading")
        said = QLabel(texts("coefficients.scenario.band"), wordWrap=True)
        inside = QHBoxLayout(self.band)
        inside.setContentsMargins(GAP, TIGHT, GAP, TIGHT)
        inside.setSpacing(GAP)
        inside.addWidget(mark)
        inside.addWidget(said, 1)
        self.list = Table(self.desk)
        self.list.condition.hide()
        self.list.columns.hide()
        self.list.widest = {"note": 200}
        self.list.set_empty(texts("coefficients.scenario.none"), texts("coefficients.scenario.new"), lambda: self.new())
        self.list.current_changed.connect(lambda *_: self._allow())
        self.list.activated.connect(lambda *_: self.compare())
        self.buttons: dict[str, QPushButton] = {}
        for key, does in (
            ("new", self.new), ("change", self.change), ("rename", self.rename), ("drop", self.drop),
            ("export", self.choose_export), ("compare", self.compare),
        ):  # fmt: skip
            button = self.buttons[key] = QPushButton(texts(f"coefficients.scenario.{key}"))
            button.setToolTip(texts(f"coefficients.scenario.{key}_tip"))
            button.clicked.connect(lambda _=False, does=does: does())
        self.buttons["compare"].setProperty("primary", True)
        upper, lower = QHBoxLayout(), QHBoxLayout()
        for line, keys in ((upper, ("new", "change", "rename", "drop")), (lower, ("export", "compare"))):
            line.setSpacing(TIGHT)
            for key in keys:
                if key == "compare":
                    line.addStretch(1)
                line.addWidget(self.buttons[key])
        upper.addStretch(1)
        left = QWidget()
        left.setMinimumWidth(LIST_WIDTH)
        box = QVBoxLayout(left)
        box.setContentsMargins(0, 0, GAP, 0)
        box.setSpacing(TIGHT)
        box.addLayout(upper)
        box.addWidget(self.list, 1)
        box.addLayout(lower)

        self.views = TabRow("", {key: texts(f"coefficients.scenario.view.{key}") for key in VIEWS})
        caption = QLabel(texts("coefficients.scenario.figure"))
        set_role(caption, "muted")
        self.figure = QComboBox()
        self.figure.setAccessibleName(texts("coefficients.scenario.figure"))
        for key in FIGURES:
            self.figure.addItem(texts(f"coefficients.scenario.figures.{key}"), key)
        self.figure.activated.connect(lambda _: self._show())
        self.about = QLabel()
        set_role(self.about, "muted")
        top = QHBoxLayout()
        top.setSpacing(GAP)
        top.addWidget(self.views)
        top.addWidget(self.about, 1)
        top.addWidget(caption)
        top.addWidget(self.figure)
        self.asking = Asking(self.desk, "coefficients.scenarios")
        self.stack = QStackedWidget()
        self.tables = {key: Table(self.desk) for key in VIEWS}
        for table in self.tables.values():
            table.set_empty(texts("coefficients.scenario.not_yet"), texts("coefficients.scenario.compare"), self.compare)
            self.stack.addWidget(table)
        self.views.currentChanged.connect(self.stack.setCurrentIndex)
        right = QWidget()
        side = QVBoxLayout(right)
        side.setContentsMargins(GAP, 0, 0, 0)
        side.setSpacing(TIGHT)
        side.addLayout(top)
        side.addWidget(self.stack, 1)
        split = side_by_side(left, right, sizes=(LIST_WIDTH, 800), stretch=(0, 1))
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(TIGHT)
        outer.addWidget(self.band)
        outer.addWidget(self.asking)
        outer.addWidget(split, 1)
        self.setFocusProxy(self.list)
        self._allow()

    # -- what the page says ----------------------------------------------------------------------------------------

    def show_set(self, heads: Sequence[SetHead], head: SetHead | None, pack: Pack | None) -> None:
        self.heads, self.head, self.pack = tuple(heads), head, pack
        texts = self.texts
        self.desk.ask(
            lambda workspace, _: _stored(workspace, texts), self._have, place="coefficients.scenario.list"
        )

    def settled(self, changes: Changes) -> None:
        if changes.workspace or changes.touches("coefficient", "scenario", "cases", "budget", "catalogue"):
            self._forget()

    def _forget(self) -> None:
        from core.worksheet import Worksheet

        self.outcomes, self.pool = {}, None
        self.asking.drop()
        for table in self.tables.values():
            table.set_worksheet(Worksheet("", {"zh": "", "en": ""}, (), {}, 0))
        self.about.clear()

    def _have(self, stored: Stored) -> None:
        self.scenarios = {one.name: one for one in stored.scenarios}
        self.list.set_worksheet(stored.sheet, frozen=1)
        if self._wanted in self.scenarios:
            self.list.select(self._wanted)
            self._wanted = ""
        elif self.list.current_row() < 0 and stored.scenarios:
            self.list.select(stored.scenarios[0].name)
        self._allow()

    def chosen(self) -> list[Scenario]:
        """The selected ones."""
        keys = self.list.worksheet().keys
        rows = self.list.selected_rows() or ([self.list.current_row()] if self.list.current_row() >= 0 else [])
        return [self.scenarios[str(keys[row])] for row in rows] if keys is not None else []

    def _allow(self) -> None:
        workspace = self.desk.workspace
        write = workspace is not None and not workspace.read_only
        there = bool(self.scenarios)
        for key, on in (
            ("new", write), ("change", write and there), ("rename", write and there), ("drop", write and there),
            ("export", there), ("compare", there),
        ):  # fmt: skip
            self.buttons[key].setEnabled(on)

    # -- a scenario ----------------------------------------------------------------------------------------------------

    def new(self) -> None:
        """Tried on the set, pack and year that the page shows."""
        head, pack, year = self.head, self.pack, self.desk.year
        if head is None or pack is None or year is None:
            return
        key = self.pools.key(pack, year, head.name, head.hash)
        self.pools.open(self.asking, key, pack, year, head.name, lambda pool: self._ask_form(pool, None))

    def change(self) -> None:
        one = next(iter(self.chosen()), None)
        if one is not None:
            self._open_pool(one, lambda pool: self._ask_form(pool, one))

    def _open_pool(self, one: Scenario, have: Any) -> None:
        """The pool that a scenario stands on."""
        from core.faults import Fault
        from core.settlement import own_packs

        try:
            pack = own_packs.load(self.desk.workspace, one.pack)
        except Fault as why:
            self.asking.wrong(why)
            return
        self.pools.open(
            self.asking, self._key_of(one, pack), pack, one.year, one.set_name, have,
            catalogue=one.catalogue, grouping=one.grouping,
        )  # fmt: skip

    def _key_of(self, one: Scenario, pack: Pack) -> Key:
        head = next((head for head in self.heads if head.name == one.set_name), None)
        return self.pools.key(
            pack, one.year, one.set_name, head.hash if head is not None else "", one.grouping, catalogue=one.catalogue
        )

    def _ask_form(self, pool: Pool, one: Scenario | None) -> None:
        texts = self.texts

        def have(material: Material) -> None:
            dialog = ScenarioDialog(self.desk, pool, material, one, self.heads, set(self.scenarios), self.window())
            dialog.kept.connect(self._kept)
            dialog.open()

        self.asking.ask(
            lambda _, __: gather(pool, texts), have, texts("coefficients.scenario.reading")
        )

    def _kept(self, name: str) -> None:
        self._wanted = name
        self.desk.say(self.texts("coefficients.scenario.kept", name=name))

    def rename(self) -> None:
        one = next(iter(self.chosen()), None)
        if one is None:
            return
        dialog = RenameDialog(self.desk, one.name, set(self.scenarios), self.window())

        def accepted() -> None:
            new = dialog.name

            def work(workspace: Any, _: Any) -> None:
                from core.settlement import scenarios

                scenarios.rename(workspace, one.name, new)

            self._wanted = new
            self.desk.change(work, failed=self.asking.wrong, tables=("scenario",))

        dialog.accepted.connect(accepted)
        dialog.open()

    def drop(self) -> None:
        chosen, texts = self.chosen(), self.texts
        if not chosen:
            return
        said = texts("coefficients.scenario.drop_about", names=texts.listed(one.name for one in chosen))
        dialog = ReasonDialog(
            self.desk, texts("coefficients.scenario.drop"), said, texts("coefficients.scenario.drop"), self.window()
        )
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)

        def accepted() -> None:
            why = dialog.reason

            def work(workspace: Any, _: Any) -> None:
                from core.settlement import scenarios

                for one in chosen:
                    scenarios.drop(workspace, one.name, why)

            self.desk.change(work, failed=self.asking.wrong, tables=("scenario",))

        dialog.accepted.connect(accepted)
        dialog.open()

    # -- side by side --------------------------------------------------------------------------------------------------

    def compare(self) -> None:
        """The selected scenarios; of a single one, all that stand on the same."""
        chosen = self.chosen()
        if not chosen:
            return
        if len(chosen) == 1:
            chosen = [one for one in self.scenarios.values() if stands_on(one) == stands_on(chosen[0])]
        if len({stands_on(one) for one in chosen}) > 1:
            from core.faults import Refused

            self.asking.wrong(Refused("scenarios_differ", count=len({stands_on(one) for one in chosen})))
            return
        tried = {one.name: one.changes for one in chosen}

        def with_pool(pool: Pool) -> None:
            def work(_: Any, job: Any) -> dict[str, Outcome]:
                from core.settlement import scenarios

                return scenarios.outcomes(pool, tried, job)

            def have(found: dict[str, Outcome]) -> None:
                self.pool, self.outcomes = pool, found
                self._show()

            self.asking.ask(work, have, self.texts("coefficients.scenario.comparing"))

        self._open_pool(chosen[0], with_pool)

    def _show(self) -> None:
        pool, outcomes, lang = self.pool, self.outcomes, self.texts.lang
        figure = str(self.figure.currentData())
        if pool is None or not outcomes:
            return

        def work(_: Any, __: Any) -> tuple[Worksheet, Worksheet]:
            from core.settlement import scenarios

            return scenarios.side_by_side(pool, outcomes, figure, lang), scenarios.regions(pool, outcomes, lang)

        def have(both: tuple[Worksheet, Worksheet]) -> None:
            for key, sheet in zip(VIEWS, both, strict=True):
                self.tables[key].set_worksheet(sheet, frozen=3 if key == "institutions" else 2)
            self.about.setText(
                self.texts("coefficients.scenario.against", year=pool.year, set=pool.set_name, count=len(outcomes))
            )

        self.asking.ask(work, have, self.texts("coefficients.scenario.comparing"))

    # -- export ----------------------------------------------------------------------------------------------------------

    def choose_export(self) -> None:
        one = next(iter(self.chosen()), None)
        if one is None:
            return
        path, _ = QFileDialog.getSaveFileName(
            self, self.texts("coefficients.scenario.export"), str(documents() / f"{one.name}.xlsx"),
            self.texts("clearing.files_xlsx"),
        )  # fmt: skip
        if path:
            self.export_to(one.name, path if path.lower().endswith(".xlsx") else f"{path}.xlsx")

    def export_to(self, name: str, path: str | Path) -> None:
        """The scenario's full clearing as a living workbook, stamped with its name and changes."""
        path, texts = Path(path), self.texts

        def work(workspace: Any, job: Any) -> Path:
            from core.export import workbook
            from core.settlement import scenarios

            workbook.write(scenarios.clear(workspace, name, progress=job), path, texts.lang, job)
            return path

        self.asking.ask(
            work, lambda done: self.desk.say(texts("clearing.exported", path=str(done))),
            texts("coefficients.scenario.exporting", name=name),
        )  # fmt: skip


def stands_on(one: Scenario) -> tuple[object, ...]:
    return one.year, one.pack, one.set_name, one.catalogue, one.grouping


class RenameDialog(Form):
    """`name` once accepted."""

    def __init__(self, desk: Desk, name: str, taken: set[str], parent: QWidget) -> None:
        texts = desk.texts
        title = texts("coefficients.scenario.rename").rstrip("…")
        super().__init__(desk, title, title, parent)
        self._taken = taken
        self.name_field = QLineEdit(name)
        self.add("coefficients.scenario.name", self.name_field)
        self.name_field.textChanged.connect(lambda _: self._check())
        self.name_field.selectAll()
        self._check()

    @property
    def name(self) -> str:
        return self.name_field.text().strip()

    def _check(self) -> None:
        self.do.setEnabled(bool(self.name) and self.name not in self._taken)


