"""Why the point value moved between two years, and why each institution's score did: waterfalls that close to the last digit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from ui.asking import Asking
from ui.chart import prepare
from ui.desk import FUNDS, Changes, Desk
from ui.look import GAP, TIGHT, set_role
from ui.pages.institutions.ground import Ground
from ui.pages.institutions.why_told import Story, Told, point_value_story, score_story
from ui.splits import side_by_side
from ui.table import Table
from ui.tabs import TabRow

if TYPE_CHECKING:
    from core.analysis.attribution import Attribution, Growths
    from core.worksheet import Worksheet

VIEWS = ("point_value", "scores")
SIDE = 470  # pixels of the list of institutions


class WhyTab(QWidget):
    """Two years of the fund in hand: the point value on one side, every institution's score on the other."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk, self.texts = desk, desk.texts
        self.ground: Ground | None = None
        self.found: Attribution | None = None
        self.growths: Growths | None = None
        self._shown: dict[str, tuple[object, ...]] = {}  # view -> what it was asked for
        self._code = ""  # the institution that is wanted
        self._build()

    def _build(self) -> None:
        texts = self.texts
        self.views = TabRow(texts("attribution.page.choice"), {key: texts(f"attribution.page.tab.{key}") for key in VIEWS})
        self.before, self.after = QComboBox(), QComboBox()
        line = QHBoxLayout()
        line.setSpacing(GAP)
        line.addWidget(self.views)
        line.addSpacing(2 * GAP)
        for key, field in (("before", self.before), ("after", self.after)):
            caption = QLabel(texts(f"attribution.page.{key}"))
            set_role(caption, "muted")
            field.setAccessibleName(texts(f"attribution.page.{key}_year"))
            field.setToolTip(texts(f"attribution.page.{key}_year"))
            field.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
            field.activated.connect(lambda _: self._ask())
            line.addWidget(caption)
            line.addWidget(field)
        self.notes = QLabel()
        set_role(self.notes, "muted")
        line.addWidget(self.notes, 1)
        self.export = QPushButton(texts("attribution.page.export"))
        self.export.setToolTip(texts("attribution.page.export_tip"))
        self.export.clicked.connect(self._ask_path)
        line.addWidget(self.export)
        self.asking = Asking(self.desk, "institutions.why")
        self.asking.over.connect(self._allow)

        self.region = Told(self.desk, "institutions.why.region", Qt.Orientation.Horizontal)
        self.region.institution_wanted.connect(lambda code: self.choose(code))
        self.table = Table(self.desk)
        self.table.condition.hide()
        self.table.bar.insertStretch(2, 1)
        self.table.set_empty(texts("attribution.page.nothing"))
        self.table.current_changed.connect(lambda key, _: self._pick(str(key)))
        self.one = Told(self.desk, "institutions.why.one", Qt.Orientation.Vertical)
        pair = side_by_side(self.table, self.one, sizes=(SIDE, 700), stretch=(0, 1))
        for told in (self.region, self.one):
            told.year_wanted.connect(self._open_clearing)
        self.stack = QStackedWidget()
        self.stack.addWidget(self.region)
        self.stack.addWidget(pair)
        self.views.currentChanged.connect(self._view)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(TIGHT)
        box.addLayout(line)
        box.addWidget(self.asking)
        box.addWidget(self.stack, 1)
        self.setFocusProxy(self.views)

    # -- what the page says ----------------------------------------------------------------------------------------

    def choose(self, code: str, fund: str = "") -> None:
        """An institution's score; "" leaves the point value in view, and with a fund brings it there."""
        if fund in FUNDS and fund != self.desk.fund:
            self.desk.choose(fund=fund)
        if code:
            self._code = code
            self.views.setCurrentIndex(1)
            self._select()
        elif fund:
            self.views.setCurrentIndex(0)

    def show_ground(self, ground: Ground) -> None:
        kept = (self.before.currentData(), self.after.currentData())
        new = self.ground is None or ground.year != self.ground.year or ground.years != self.ground.years
        self.ground = ground
        wanted = (ground.year - 1 if ground.year - 1 in ground.years else None, ground.year) if new else kept
        for field, year in zip((self.before, self.after), wanted, strict=True):
            field.clear()
            for one in ground.years:
                field.addItem(str(one), one)
            field.setCurrentIndex(field.findData(year))
        self._ask()

    def settled(self, changes: Changes) -> None:
        if changes.workspace:
            self.ground = None
            self._forget()

    # -- figures ---------------------------------------------------------------------------------------------------

    def _forget(self) -> None:
        from core.worksheet import Worksheet

        self._shown.clear()
        self.found, self.growths = None, None
        self.asking.drop()
        self.region.forget()
        self.one.forget()
        self.table.set_worksheet(Worksheet("", {"zh": "", "en": ""}, (), {}, 0))
        self.notes.clear()
        self._allow()

    def _ask(self) -> None:
        """The view in hand, computed where it is not what is chosen."""
        ground, texts = self.ground, self.texts
        if ground is None:
            return
        before, after = self.before.currentData(), self.after.currentData()
        lacking = (
            texts("institutions.pack_needed") if not ground.pack
            else texts("attribution.page.one_year", year=ground.year) if before is None or after is None
            else texts("attribution.page.same_year") if before == after
            else ""
        )  # fmt: skip
        if lacking:
            self._forget()
            self.asking.tell(lacking)
            return
        view = VIEWS[self.views.currentIndex()]
        key = (ground.generation, before, after, ground.pack, ground.set_name, self.desk.fund)
        if self._shown.get(view) == key:
            return
        if any(one != key for one in self._shown.values()):
            self._forget()
        self._shown[view] = key
        fund, lang = self.desk.fund, texts.lang
        set_name = ground.set_name or None

        def failed_too() -> None:
            if (self.found if view == "point_value" else self.growths) is None:
                self._shown.pop(view, None)  # asked again when it is looked at again

        def moved(workspace: Any, job: Any) -> tuple[Attribution, Story]:
            from core.analysis import attribution
            from core.settlement import own_packs

            prepare()
            found = attribution.point_value(
                workspace, before, after, pack=own_packs.load(workspace, ground.pack), set_name=set_name, fund=fund, progress=job
            )
            return found, point_value_story(found, texts)

        def grown(workspace: Any, job: Any) -> tuple[Growths, Worksheet]:
            from core.analysis import attribution, attribution_sheets
            from core.settlement import own_packs

            prepare()
            found = attribution.scores(
                workspace, before, after, pack=own_packs.load(workspace, ground.pack), set_name=set_name, funds=(fund,),
                progress=job,
            )  # fmt: skip
            return found, _ordered(attribution_sheets.institutions(found, fund, lang))

        self._over = failed_too
        if view == "point_value":
            self.asking.ask(moved, self._have_point_value, texts("attribution.page.point_value_asked"))
        else:
            self.asking.ask(grown, self._have_scores, texts("attribution.page.scores_asked"))
        self._allow()

    def _have_point_value(self, both: tuple[Attribution, Story]) -> None:
        self.found = both[0]
        assert self.ground is not None
        self.region.tell(both[1], self.ground)
        self._say_notes(both[0].pair.findings)

    def _have_scores(self, both: tuple[Growths, Worksheet]) -> None:
        self.growths, sheet = both
        bands = {one.id: self.texts(f"attribution.page.band.{one.id.partition('_')[0]}") for one in sheet.columns
                 if one.id.startswith(("part_", "percent_"))}  # fmt: skip
        self.table.set_worksheet(sheet, frozen=1, groups=bands)
        self._say_notes(next(iter(self.growths.pairs.values())).findings)
        if not self._code and sheet.rows:
            assert sheet.keys is not None
            self._code = str(sheet.keys[0])
        self._select()

    def _say_notes(self, findings: Any) -> None:
        """What the two clearings warned of."""
        said = [self.texts.finding(one) for one in findings]
        self.notes.setText(self.texts("attribution.page.notes", count=len(said)) if said else "")
        self.notes.setToolTip("\n".join(said))

    def _over(self) -> None: ...

    def _allow(self) -> None:
        if not self.asking.busy:
            self._over()
        self.export.setEnabled(not self.asking.busy and (self.found is not None or self.growths is not None))

    # -- one institution -------------------------------------------------------------------------------------------

    def _select(self) -> None:
        if self.growths is not None and self._code:
            if self.table.select(self._code):
                self._pick(self._code)
            else:
                self.one.forget()
                self.asking.tell(self.texts("attribution.page.no_institution", code=self._code))

    def _pick(self, code: str) -> None:
        found, ground, texts = self.growths, self.ground, self.texts
        if found is None or ground is None or not code:
            return
        told = self.one.story
        if told is not None and told.code == code and self.one.ground is ground:
            return
        self._code = code
        fund = found.funds[0]

        def work(_: Any, __: Any) -> Story:
            return score_story(found, code, ground.name(code), fund, texts)

        def have(story: Story) -> None:
            if self.growths is found and self._code == code:
                self.one.tell(story, ground)

        self.desk.ask(work, have, place="institutions.why.pick")

    # -- elsewhere -------------------------------------------------------------------------------------------------

    def _view(self, number: int) -> None:
        self.stack.setCurrentIndex(number)
        self._ask()

    def _open_clearing(self, year: int) -> None:
        self.desk.go("clearing", year=year)

    def _ask_path(self) -> None:
        found = self.found or self.growths
        if found is None:
            return
        name = self.texts("attribution.page.file", before=found.years[0], after=found.years[1])
        path, _ = QFileDialog.getSaveFileName(
            self, self.texts("attribution.page.export"), str(Path.home() / f"{name}.xlsx"), self.texts("table.files_xlsx")
        )
        if path:
            self.export_to(path if path.lower().endswith(".xlsx") else f"{path}.xlsx")

    def export_to(self, path: str | Path) -> None:
        """All that was computed: both waterfalls, every institution, and what each bar stands on."""
        found, growths, texts = self.found, self.growths, self.texts
        story, told, ground = self.region.story, self.one.story, self.ground
        path, synthetic = Path(path), bool(getattr(self.desk.workspace, "synthetic", False))

        def work(_: Any, job: Any) -> Path:
            from core.export import tables

            sheets: list[Worksheet] = []
            if found is not None and story is not None:
                sheets += [story.sheet, *(found.beneath(bar.factor, texts.lang) for bar in found.bars)]
            if growths is not None:
                sheets.append(_shown_first(growths, texts.lang))
            if growths is not None and told is not None and ground is not None:
                name = ground.name(told.code)
                own = [told.sheet, *([told.drivers] if told.drivers is not None else [])]
                own += [told.beneath(bar.factor) for bar in growths.of(told.code, told.fund).bars]
                sheets += [
                    replace(sheet, title={lang: f"{name} {title}" for lang, title in sheet.title.items()}) for sheet in own
                ]
            tables.worksheets_xlsx(sheets, path, texts.lang, job, synthetic)
            return path

        self.desk.ask(
            work, lambda written: self.desk.say(texts("attribution.page.exported", path=str(written))),
            place="institutions.why.export", title=texts("table.exporting", name=path.name),
        )  # fmt: skip


def _shown_first(growths: Growths, lang: str) -> Worksheet:
    from core.analysis import attribution_sheets

    return attribution_sheets.institutions(growths, growths.funds[0], lang)


def _ordered(sheet: Worksheet) -> Worksheet:
    """The name first and the growth beside it; whose score moved most on top. keys: codes"""
    first = ("fixmedins_name", "growth", "score_change")
    columns = {one.id: one for one in sheet.columns if one.id != "fund"}
    change, codes = sheet.cells["score_change"], sheet.cells["fixmedins_code"]
    order = sorted(range(sheet.rows), key=lambda row: (-abs(change[row]), codes[row]))
    cells = {id: values[order] for id, values in sheet.cells.items()}
    shown = [columns[id] for id in first] + [one for id, one in columns.items() if id not in first]
    return replace(sheet, columns=shown, cells=cells, keys=cells["fixmedins_code"])
