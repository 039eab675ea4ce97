"""Own against official grouping: how far the two agree, by whom and why not, and each differing case with both paths."""

from __future__ import annotations

import html
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QStackedWidget,
    QTabBar,
    QTextBrowser,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from ui import look
from ui.asking import Asking
from ui.desk import Changes, Desk
from ui.dialogs import documents
from ui.look import GAP, TIGHT, count, grouped, set_role
from ui.pages.catalogue.chips import SENTENCE, Chips, notices
from ui.splits import one_above_other
from ui.table import Table

if TYPE_CHECKING:
    from pathlib import Path

    from core.analysis.agreement import Agreement, BothPaths
    from core.catalogue.library import Version
    from core.rules.packs import PackHead
    from core.worksheet import Worksheet

GROUND = ("catalogue", "catalogue_version", "batch", "rule_pack")
READ = (*GROUND, "cases", "diagnosis", "operation_done", "case_group", "operation", "exclusion", "institution")
VIEWS = ("institution", "chapter", "reason", "pair", "cases", "findings")
PARTS = VIEWS[:4]  # whose rows are cases that one can look at


@dataclass(frozen=True, slots=True)
class Ground:
    versions: tuple[Version, ...]
    packs: tuple[PackHead, ...]


@dataclass(frozen=True, slots=True)
class Compared:
    """The agreement and its tables by view; `cases`: all that differ."""

    found: Agreement
    sheets: dict[str, Worksheet]


def _ground(workspace: Any) -> Ground:
    from core.catalogue import library
    from core.settlement import own_packs

    shared = own_packs.load(workspace, "common").grouping
    # A pack that clears nothing by itself may still say how a city groups.
    heads = tuple(
        head
        for head in own_packs.available(workspace)
        if not head.abstract or own_packs.load(workspace, head.id).grouping != shared
    )
    return Ground(tuple(library.versions(workspace.reader())), heads)


def _compared(found: Agreement, texts: Any) -> Compared:
    from core.analysis import agreement, catalogue_sheets

    sheets = {what: agreement.by(found, what, texts.lang) for what in PARTS}
    sheets["cases"] = catalogue_sheets.differing(found, texts.lang)
    sheets["findings"] = catalogue_sheets.findings(found.findings, texts, "catalogue.agreement.findings")
    return Compared(found, sheets)


class AgreementTab(QWidget):
    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk, self.texts = desk, desk.texts
        self._ground: Ground | None = None
        self.compared: Compared | None = None
        self._build()

    # -- building ------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        texts = self.texts
        self.pack = self._combo("pack", 27)
        self.catalogue = self._combo("catalogue", 12)
        for combo in (self.pack, self.catalogue):
            combo.activated.connect(lambda _: self._forget())
        self.go = QPushButton(texts("catalogue.agreement.go"))
        self.go.setProperty("primary", True)
        self.go.setToolTip(texts("catalogue.agreement.go_tip"))
        self.go.clicked.connect(self.compare)
        self.export = QToolButton()
        self.export.setText(texts("catalogue.versions.export"))
        self.export.setToolTip(texts("catalogue.agreement.export_tip"))
        self.export.setEnabled(False)
        self.export.clicked.connect(self.choose_export)
        line = QHBoxLayout()
        line.setSpacing(GAP)
        for key, combo in (("pack", self.pack), ("catalogue", self.catalogue)):
            caption = QLabel(texts(f"catalogue.agreement.{key}"))
            set_role(caption, "muted")
            line.addWidget(caption)
            line.addWidget(combo)
        line.addStretch(1)
        line.addWidget(self.go)
        line.addWidget(self.export)
        self.asking = Asking(self.desk, "catalogue.agreement")
        self.share = QLabel()
        set_role(self.share, "title")
        self.counted = QLabel(wordWrap=True)
        set_role(self.counted, "muted")
        self.counted.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        figures = QWidget()
        across = QHBoxLayout(figures)
        across.setContentsMargins(0, 0, 0, 0)
        across.setSpacing(GAP * 2)
        across.addWidget(self.share)
        across.addWidget(self.counted, 1)
        self.figures = figures
        figures.hide()
        self.views = QTabBar()
        self.views.setDrawBase(False)
        self.views.setExpanding(False)
        self.stack = QStackedWidget()
        self.tables: dict[str, Table] = {}
        self.chips = Chips()
        self.chips.chosen.connect(lambda reason: self.narrow("reason", reason) if reason else self.narrow())
        self.narrowed = QLabel()
        self.widen = QPushButton(texts("catalogue.agreement.widen"))
        self.widen.clicked.connect(lambda: self.narrow())
        for key in VIEWS:
            self.views.addTab(texts(f"catalogue.agreement.view.{key}"))
            table = self.tables[key] = notices(self.desk) if key == "findings" else Table(self.desk)
            if key == "reason":
                table.widest = {"because": SENTENCE}
            if key in PARTS:
                table.activated.connect(lambda row, _, key=key: self.narrow(key, row))
                table.cell_menu = self._menu_of(key)
            self.stack.addWidget(self._cases() if key == "cases" else table)
        self.views.currentChanged.connect(self.stack.setCurrentIndex)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(TIGHT)
        outer.addLayout(line)
        outer.addWidget(self.asking)
        outer.addWidget(figures)
        outer.addWidget(self.views)
        outer.addWidget(self.stack, 1)
        self.setFocusProxy(self.go)
        self._empty()

    def _combo(self, key: str, wide: int) -> QComboBox:
        combo = QComboBox()
        combo.setAccessibleName(self.texts(f"catalogue.agreement.{key}"))
        combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        combo.setMinimumContentsLength(wide)
        return combo

    def _cases(self) -> QWidget:
        """The differing cases; under them both paths of the current one."""
        table = self.tables["cases"]
        table.current_changed.connect(lambda *_: self._show_paths())
        table.activated.connect(lambda key, _: self.desk.go("packs", ("calculate", str(key))))
        self.paths = Paths(self.desk)
        head = QHBoxLayout()
        head.setSpacing(GAP)
        head.addWidget(self.narrowed, 1)
        head.addWidget(self.widen)
        pair = one_above_other(table, self.paths, sizes=(280, 220), stretch=(1, 1))
        whole = QWidget()
        box = QVBoxLayout(whole)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(TIGHT)
        box.addWidget(self.chips)
        box.addLayout(head)
        box.addWidget(pair, 1)
        self.narrowed.hide()
        self.widen.hide()
        return whole

    def _menu_of(self, view: str) -> Any:
        def fill(menu: QMenu, key: object, _: str) -> None:
            menu.addAction(
                self.texts("catalogue.agreement.look"),
                QKeySequence(Qt.Key.Key_Return),
                lambda: self.narrow(view, key),
            )

        return fill

    # -- what the page asks ----------------------------------------------------------------------------------------

    def refresh(self, changes: Changes | None = None) -> None:
        desk = self.desk
        if desk.workspace is None:
            return
        if changes is not None and (changes.choices or changes.touches(*READ)):
            self._forget()
        if (
            changes is not None
            and self._ground is not None
            and not (changes.workspace or changes.choices or changes.touches(*GROUND))
        ):
            return
        desk.ask(
            lambda workspace, _: _ground(workspace),
            self._have_ground,
            place="catalogue.agreement.ground",
            title=self.texts("catalogue.versions.reading"),
        )

    def _have_ground(self, ground: Ground) -> None:
        self._ground = ground
        texts = self.texts
        pack, version = self.pack.currentData(), self.catalogue.currentData()
        self.pack.clear()
        for head in ground.packs:
            self.pack.addItem(head.title[texts.lang], head.id)
        self.pack.setCurrentIndex(max(0, self.pack.findData(pack or self._fitting(ground))))
        self.catalogue.clear()
        self.catalogue.addItem(texts("clearing.catalogue_of_year"), "")
        for one in ground.versions:
            state = texts(f"catalogue.state.{one.state}")
            self.catalogue.addItem(texts("catalogue.versions.named", name=one.name, state=state), one.name)
        self.catalogue.setCurrentIndex(max(0, self.catalogue.findData(version or "")))

    def _fitting(self, ground: Ground) -> str:
        """The pack of the workspace's city and year, else of its city, else any."""
        region = str(getattr(self.desk.workspace, "region", ""))[:4]
        of_city = [head for head in ground.packs if region and head.region[:4] == region]
        of_year = [head for head in of_city if self.desk.year in head.years]
        found = of_year or of_city or list(ground.packs)
        return found[0].id if found else ""

    # -- comparing -------------------------------------------------------------------------------------------------

    def compare(self) -> None:
        """Group the year's cases by the pack's rule, beside the official groups."""
        desk, texts = self.desk, self.texts
        if desk.workspace is None or desk.year is None or self._ground is None:
            return
        year, source = desk.year, str(self.pack.currentData() or "")
        version = str(self.catalogue.currentData() or "") or None

        def work(workspace: Any, job: Any) -> Compared:
            from core.analysis.agreement import agree
            from core.settlement import own_packs

            return _compared(agree(workspace, year, own_packs.load(workspace, source), catalogue=version, progress=job), texts)

        self.asking.ask(work, self._have_compared, texts("catalogue.agreement.comparing"))

    def _have_compared(self, compared: Compared) -> None:
        from core.analysis.agreement import REASONS

        self.compared = compared
        texts, found = self.texts, compared.found
        for key, sheet in compared.sheets.items():
            self.tables[key].set_empty(texts("catalogue.agreement.none"))
            self.tables[key].set_worksheet(sheet, frozen=2 if key in ("institution", "chapter") else 1)
            self.views.setTabText(
                VIEWS.index(key), f"{texts(f'catalogue.agreement.view.{key}')} {count(sheet.rows)}"
            )
        counts = {reason: int((found.reason == at).sum()) for at, reason in enumerate(REASONS)}
        self.chips.put([
            ("", texts("catalogue.agreement.all_differing"), int(found.differs.sum()), ""),
            *(
                (reason, texts(f"agreement.reason.{reason}"), number, texts(f"agreement.because.{reason}"))
                for reason, number in sorted(counts.items(), key=lambda pair: -pair[1])
                if number and reason not in ("same", "no_official")
            ),
        ])
        self._say_figures(found)
        self.narrow(show=False)
        self.export.setEnabled(True)
        self.tables["institution"].setFocus()

    def _say_figures(self, found: Agreement) -> None:
        from core.money import plain

        texts = self.texts
        share = look.share(Fraction(found.same, found.stated) if found.stated else None)
        self.share.setText(texts("catalogue.agreement.share", share=share))
        said = [
            texts("catalogue.agreement.stated", cases=count(found.stated)),
            texts("catalogue.agreement.same", cases=count(found.same)),
            texts("catalogue.agreement.differing", cases=count(int(found.differs.sum()))),
            texts("catalogue.agreement.own_grouped", cases=count(found.grouped), all=count(len(found))),
            texts("catalogue.agreement.difference", points=grouped(plain(found.difference, 4))),
            texts("catalogue.agreement.of", catalogue=found.catalogue, year=found.year),
        ]
        self.counted.setText("  ·  ".join(said))
        self.figures.show()

    def narrow(self, view: str = "", key: object = None, show: bool = True) -> None:
        """The differing cases of one institution, chapter, reason or pair; without one, all of them."""
        compared, texts = self.compared, self.texts
        if compared is None:
            return
        from core.analysis import catalogue_sheets

        wanted: dict[str, Any] = {view: tuple(key) if view == "pair" else str(key)} if view else {}  # type: ignore[arg-type]
        sheet = (
            catalogue_sheets.differing(compared.found, texts.lang, **wanted) if view else compared.sheets["cases"]
        )
        self.tables["cases"].set_worksheet(sheet, frozen=1)
        self.chips.mark(str(key) if view == "reason" else "" if not view else None)
        beside = view in ("institution", "chapter", "pair")
        if beside:
            self.narrowed.setText(texts("catalogue.agreement.narrowed", name=self._name(view, key)))
        self.narrowed.setVisible(beside)
        self.widen.setVisible(beside)
        if self.tables["cases"].model.rowCount():
            self.tables["cases"].select(self.tables["cases"].model.key_at(0))
        self._show_paths()
        if show:
            self.views.setCurrentIndex(VIEWS.index("cases"))
            self.tables["cases"].setFocus()

    def _name(self, view: str, key: object) -> str:
        """A row of a part as one calls it."""
        compared = self.compared
        assert compared is not None
        if view == "institution":
            return compared.found.names.get(str(key), str(key))
        if view == "pair":
            own, official = tuple(key)  # type: ignore[arg-type]
            none = self.texts("packs.answer.ungrouped")
            return f"{own or none} / {official or none}"
        return str(key) or self.texts("agreement.no_chapter")

    def _show_paths(self) -> None:
        compared, table = self.compared, self.tables["cases"]
        row, keys = table.current_row(), table.worksheet().keys
        if compared is None or row < 0 or keys is None:
            self.paths.clear()
            return
        from core.analysis.agreement import both_paths

        self.paths.put(both_paths(compared.found, str(keys[row]), self.texts.lang))

    def _forget(self) -> None:
        """What was compared is of another pack, version or year, or of data that were written since."""
        self.asking.drop()
        if self.compared is None:
            return
        self.compared = None
        self._empty()

    def _empty(self) -> None:
        from core.worksheet import Worksheet

        texts = self.texts
        self.figures.hide()
        self.export.setEnabled(False)
        self.chips.put(())
        self.narrowed.hide()
        self.widen.hide()
        self.paths.clear()
        for key, table in self.tables.items():
            table.set_empty(texts("catalogue.agreement.not_yet"), texts("catalogue.agreement.go"), self.compare)
            table.set_worksheet(Worksheet("", {"zh": "", "en": ""}, (), {}, 0))
            self.views.setTabText(VIEWS.index(key), texts(f"catalogue.agreement.view.{key}"))

    # -- out -------------------------------------------------------------------------------------------------------

    def choose_export(self) -> None:
        if self.compared is None:
            return
        name = self.texts("catalogue.agreement.file", year=self.compared.found.year)
        path, _ = QFileDialog.getSaveFileName(
            self, self.texts("catalogue.versions.export"), str(documents() / f"{name}.xlsx"), self.texts("table.files_xlsx")
        )
        if path:
            self.export_to(path if path.lower().endswith(".xlsx") else f"{path}.xlsx")

    def export_to(self, path: str | Path) -> None:
        """All tables, with every differing case, in one workbook."""
        compared, texts, workspace = self.compared, self.texts, self.desk.workspace
        if compared is None or workspace is None:
            return
        synthetic, target = workspace.synthetic, str(path)

        def work(_: object, job: Any) -> str:
            from core.export.tables import worksheets_xlsx

            worksheets_xlsx(list(compared.sheets.values()), target, texts.lang, job, synthetic)
            return target

        self.asking.ask(
            work,
            lambda done: self.desk.say(texts("clearing.exported", path=done)),
            texts("clearing.exporting", name=target),
        )


class Paths(QTextBrowser):
    """Both groups of a case side by side: the path to the own one, why not the official one, and what else was looked at."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self._shown: BothPaths | None = None
        self.setOpenLinks(False)
        self.setTabChangesFocus(True)
        desk.look.changed.connect(self._write)

    def clear(self) -> None:
        self._shown = None
        super().clear()

    def put(self, shown: BothPaths) -> None:
        self._shown = shown
        self._write()

    def _fact(self, name: str, value: str) -> str:
        unit = {"fee": "yuan", "days": "days"}.get(name)
        return f"{grouped(value)} {self._desk.texts(f'unit.{unit}')}" if unit else value

    def _write(self) -> None:
        from core.money import plain

        shown = self._shown
        if shown is None:
            return
        texts, colours = self._desk.texts, self._desk.look.colours

        def muted(text: str) -> str:
            return f'<span style="color:{colours.muted}">{html.escape(text)}</span>'

        facts = "&nbsp;&nbsp;&nbsp;".join(
            f"{muted(texts(f'agreement.column.{name}'))} {html.escape(self._fact(name, value))}"
            for name, value in shown.facts
            if value
        )
        columns: list[str] = []
        for key, side in (("own", shown.own), ("official", shown.official)):
            title = muted(texts(f"catalogue.agreement.{key}"))
            name = side.entry.dip_name if side.entry is not None else "" if side.code else texts("packs.answer.ungrouped")
            points = texts("catalogue.agreement.points", points=plain(side.points)) if side.points is not None else ""
            # The path is counted; why not the other one is two sentences.
            lines = [f"{at}. {line}" for at, line in enumerate(side.lines, 1)] if key == "own" else side.lines
            columns.append(
                f"<p style='margin:0'>{title}&nbsp;&nbsp;<b>{html.escape(side.code)}</b> {html.escape(name)}"
                f"&nbsp;&nbsp;<span style='color:{colours.accent}'>{html.escape(points)}</span></p>"
                + "".join(f"<p style='margin:1px 0'>{html.escape(line)}</p>" for line in lines)
            )
        parts = [
            f"<p style='margin:0 0 4px 0'>{facts}</p>",
            "<table width='100%'><tr>"
            + "".join(f"<td width='50%' style='padding-right:16px'>{column}</td>" for column in columns)
            + "</tr></table>",
        ]
        if shown.alternatives:
            rows = "".join(
                f"<tr><td style='padding:1px 14px 1px 0'>{html.escape(entry.dip_code)}</td>"
                f"<td style='padding:1px 14px 1px 0'>{html.escape(entry.dip_name)}</td>"
                f"<td align='right' style='padding:1px 14px 1px 0'>{plain(entry.score) if entry.score is not None else ''}</td>"
                f"<td>{muted(why)}</td></tr>"
                for entry, why in shown.alternatives
            )
            parts.append(
                f"<p style='margin:6px 0 0 0'>{muted(texts('catalogue.agreement.alternatives'))}</p><table>{rows}</table>"
            )
        self.setHtml("".join(parts))
