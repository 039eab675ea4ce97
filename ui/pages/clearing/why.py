"""Why a figure is what it is: formula, values, document, and the way down to institutions, cases and imported rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QFontMetrics, QGuiApplication, QKeyEvent, QKeySequence, QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from core.faults import Cancelled, Fault
from core.worksheet import Column, Worksheet
from ui.dialogs import words
from ui.look import GAP, TIGHT, grouped, set_role
from ui.pages.clearing import sheets
from ui.splits import one_above_other
from ui.table import Table
from ui.table.model import EMPTY, written

if TYPE_CHECKING:
    from core.rules.sheet import Clearing, Explanation, Part, Scope
    from core.settlement.why import CaseStory, Line
    from ui.desk import Desk

LINK = Qt.ItemDataRole.UserRole
WIDE = 680


@dataclass(frozen=True, slots=True)
class Place:
    """Where the panel stands. cell: a step of a scope; sum: an institutions' column added up; case: one settlement."""

    kind: Literal["cell", "sum", "case"]
    fund: str
    step: str = ""
    scope: Scope = "region"
    code: str = ""
    setl_id: str = ""


class Parts(QTreeWidget):
    """What went in, a line each; a line that leads on is drawn as a link and opens by click or Enter."""

    followed = Signal(object)  # Place

    def __init__(self, desk: Desk, parent: QWidget) -> None:
        super().__init__(parent)
        self._desk = desk
        self.setColumnCount(2)
        self.setHeaderHidden(True)
        self.setRootIsDecorated(False)
        self.setUniformRowHeights(True)
        self.setIndentation(0)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setStyleSheet("QTreeView { border: 0; background: transparent; }")
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.header().setStretchLastSection(False)
        self.itemClicked.connect(lambda item, _: self._follow(item))

    def put(self, lines: Sequence[tuple[str, str, Place | None]]) -> None:
        self.clear()
        accent = self.palette().link()
        for title, value, place in lines:
            item = QTreeWidgetItem([title[:1].upper() + title[1:], value])  # some stand in sentences elsewhere
            for column in (0, 1):
                item.setSizeHint(column, QSize(0, self._line()))
            item.setTextAlignment(1, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            item.setToolTip(0, title)
            item.setToolTip(1, value)
            if place is not None:
                item.setData(0, LINK, place)
                item.setForeground(0, accent)
                item.setToolTip(0, self._desk.texts("clearing.why_of", title=title))
            self.addTopLevelItem(item)
        self.setFixedHeight(len(lines) * self._line() + 4)
        self._share()
        self.setVisible(bool(lines))

    def _line(self) -> int:
        return QFontMetrics(self.font()).height() + 5

    def _share(self) -> None:
        metrics = QFontMetrics(self.font())
        wide = max(
            (
                metrics.horizontalAdvance(self.topLevelItem(i).text(1))
                for i in range(self.topLevelItemCount())
            ),
            default=0,
        )
        value = min(wide + 16, int(self.viewport().width() * 0.62))
        self.setColumnWidth(1, value)
        self.setColumnWidth(0, max(40, self.viewport().width() - value))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._share()

    def _follow(self, item: QTreeWidgetItem | None) -> None:
        place = item.data(0, LINK) if item is not None else None
        if place is not None:
            self.followed.emit(place)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        first = self.topLevelItem(0)
        if self.currentItem() is None and first is not None:
            self.setCurrentItem(first)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            event.ignore()
            return
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self._follow(self.currentItem())
            return
        super().keyPressEvent(event)


class Why(QWidget):
    """The panel. `shown` says that a place is on screen, `closed` that the user put the panel away."""

    shown = Signal(object)  # Place
    closed = Signal()
    again_wanted = Signal()  # the run is stale: clear again

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk, self._texts = desk, desk.texts
        self._clearing: Clearing | None = None
        self._past: list[Place] = []
        self._future: list[Place] = []
        self.place: Place | None = None
        self._plain: list[str] = []
        self._build()

    def _build(self) -> None:
        texts = self._texts
        self.back = self._tool("‹", "clearing.back", "Alt+Left", self.go_back)
        self.forward = self._tool("›", "clearing.forward", "Alt+Right", self.go_forward)
        self.path = QLabel()
        set_role(self.path, "muted")
        self.path.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.copy_button = QToolButton()
        self.copy_button.setText(texts("clearing.copy"))
        self.copy_button.setToolTip(texts("clearing.copy_tip"))
        self.copy_button.clicked.connect(self.copy)
        self.close_button = self._tool("×", "clearing.close", "", self.put_away)
        head = QHBoxLayout()
        head.setContentsMargins(0, 0, 0, 0)
        head.setSpacing(TIGHT)
        for widget in (self.back, self.forward):
            head.addWidget(widget)
        head.addWidget(self.path, 1)
        head.addWidget(self.copy_button)
        head.addWidget(self.close_button)

        self.subject = self._label("muted")
        self.title = self._label("heading")
        self.value = self._label("title")
        self.sentence = self._label("")
        self.filled = self._label("")
        self.note = self._label("muted")
        self.documents = self._label("muted")
        self.open = self._label("warn")
        self.trouble = self._label("bad")
        self.again = QPushButton(texts("clearing.clear_again"))
        self.again.clicked.connect(self.again_wanted)
        self.parts_title = self._label("muted")
        self.parts = Parts(self._desk, self)
        self.parts.followed.connect(self.go)
        body = QWidget()
        box = QVBoxLayout(body)
        box.setContentsMargins(0, 0, TIGHT, 0)
        box.setSpacing(GAP - 2)
        for widget in (
            self.subject,
            self.title,
            self.value,
            self.trouble,
            self.again,
            self.sentence,
            self.filled,
            self.parts_title,
            self.parts,
            self.note,
            self.open,
            self.documents,
        ):
            box.addWidget(widget)
        box.addStretch(1)
        self.body = QScrollArea()
        self.body.setWidget(body)
        self.body.setWidgetResizable(True)
        self.body.setFrameShape(QFrame.Shape.NoFrame)
        self.body.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.body.setFocusPolicy(Qt.FocusPolicy.NoFocus)

        self.beneath_title = QLabel()
        set_role(self.beneath_title, "heading")
        self.beneath = Table(self._desk)
        self.beneath.activated.connect(self._deeper)
        self.beneath.cell_menu = self._cell_menu
        self.under = QWidget()
        low = QVBoxLayout(self.under)
        low.setContentsMargins(0, TIGHT, 0, 0)
        low.setSpacing(TIGHT)
        low.addWidget(self.beneath_title)
        low.addWidget(self.beneath, 1)
        self.split = one_above_other(self.body, self.under, stretch=(0, 1))
        outer = QVBoxLayout(self)
        outer.setContentsMargins(GAP, 0, 0, 0)
        outer.setSpacing(TIGHT)
        outer.addLayout(head)
        outer.addWidget(self.split, 1)
        self.setMinimumWidth(300)

    def sizeHint(self) -> QSize:
        return QSize(440, 500)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Text over rows; where the panel is low and wide, side by side."""
        super().resizeEvent(event)
        wide = self.width() > max(WIDE, self.height())
        way = Qt.Orientation.Horizontal if wide else Qt.Orientation.Vertical
        if way != self.split.orientation():
            self.split.setOrientation(way)
            self._share()

    def _tool(self, sign: str, key: str, keys: str, does: Any) -> QToolButton:
        button = QToolButton()
        button.setText(sign)
        button.setToolTip(self._texts(key) + (f" ({keys})" if keys else ""))
        button.setAccessibleName(self._texts(key))
        if keys:
            button.setShortcut(QKeySequence(keys))
        button.clicked.connect(lambda: does())
        return button

    def _label(self, role: str) -> QLabel:
        label = QLabel()
        label.setWordWrap(True)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        if role:
            set_role(label, role)
        label.setMinimumWidth(10)
        return label

    # Going about.

    def use(self, clearing: Clearing | None) -> None:
        """Another clearing: where the panel stands is looked up in it again; what it does not have is put away."""
        self._clearing = clearing
        self._past, self._future = [], []
        if self.place is None:
            return
        place, sheets_of = self.place, () if clearing is None else clearing.funds
        sheet = next((one for one in sheets_of if one.fund == place.fund), None)
        if sheet is None or (place.code and place.code not in {one.code for one in sheet.institutions}):
            self.put_away()
        else:
            self._show(place)

    def go(self, place: Place) -> None:
        if self.place is not None and self.place != place:
            self._past.append(self.place)
            self._future = []
        self._show(place)

    def go_back(self) -> None:
        if self._past and self.place is not None:
            self._future.append(self.place)
            self._show(self._past.pop())

    def go_forward(self) -> None:
        if self._future and self.place is not None:
            self._past.append(self.place)
            self._show(self._future.pop())

    def put_away(self) -> None:
        self.forget()
        self.closed.emit()

    def forget(self) -> None:
        """Closed: another clearing has nothing to look up."""
        self._past, self._future, self.place = [], [], None

    def say(self) -> None:
        """Yuan or 万元: write everything again."""
        if self.place is not None and self._clearing is not None:
            self._show(self.place)

    def _show(self, place: Place) -> None:
        clearing = self._clearing
        if clearing is None:
            return
        self.place = place
        self.back.setEnabled(bool(self._past))
        self.forward.setEnabled(bool(self._future))
        self.path.setText(self._trail())
        self.path.setToolTip(self.path.text())
        self.beneath.set_worksheet(EMPTY)
        self.under.hide()

        def have(value: Explanation | CaseStory) -> None:
            if self.place == place:
                self._fill_case(value) if place.kind == "case" else self._fill_cell(place, value)  # type: ignore[arg-type]

        if place.kind == "case":
            from core.settlement.clearing import case_story

            self._ask(lambda workspace, _: case_story(workspace, clearing, place.setl_id), have, "case")
        elif place.kind == "sum":
            self._fill_sum(place)
        else:
            from core.settlement.clearing import explain

            self._ask(
                lambda workspace, _: explain(
                    workspace, clearing, place.fund, place.scope, place.code, place.step
                ),
                have,
                "cell",
            )
        self.shown.emit(place)

    def _ask(self, work: Any, have: Any, what: str) -> None:
        self._desk.ask(
            work, have, place="clearing.why", failed=self._failed, title=self._texts("clearing.explaining")
        )

    def _failed(self, why: Exception) -> None:
        if isinstance(why, Cancelled):
            return
        self._clear()
        self.trouble.setText(
            words(self._texts, why) if isinstance(why, Fault) else self._texts("clearing.no_explanation")
        )
        self.trouble.show()
        self.again.setVisible(getattr(why, "code", "") == "run_stale")

    def _trail(self) -> str:
        """Where one came from: the last three steps."""
        names = [self._name(place) for place in [*self._past[-2:], self.place] if place is not None]
        return (" … › " if len(self._past) > 2 else "") + " › ".join(names)

    def _name(self, place: Place) -> str:
        assert self._clearing is not None
        if place.kind == "case":
            return place.setl_id
        scope: Scope = "institution" if place.kind == "sum" else place.scope
        title = self._clearing.pack.title_of(scope, place.step)[self._texts.lang]
        return self._texts("clearing.sum_of", title=title) if place.kind == "sum" else title

    def _subject_of(self, place: Place) -> str:
        assert self._clearing is not None
        fund = self._texts(f"fund.{place.fund}")
        if not place.code:
            return self._texts("clearing.whole_region", fund=fund)
        one = next((i for i in self._clearing.fund(place.fund).institutions if i.code == place.code), None)
        return " · ".join(part for part in (one.name if one else "", place.code, fund) if part)

    # Filling.

    def _clear(self) -> None:
        for label in (
            self.subject,
            self.title,
            self.value,
            self.sentence,
            self.filled,
            self.note,
            self.documents,
            self.open,
            self.trouble,
            self.parts_title,
        ):
            label.clear()
            label.hide()
        self.again.hide()
        self.parts.put(())
        self._plain = []

    def _put(self, label: QLabel, text: str) -> None:
        label.setText(text)
        label.setVisible(bool(text))
        if text:
            self._plain.append(text)

    def _amount(self, value: Fraction | str, unit: str, places: int | None) -> str:
        if isinstance(value, str):
            return value
        from core.rules.steps import shown

        wan = self._desk.wan and unit == "yuan"
        column = Column("", {}, "exact", unit, places)
        text = written(column, value, True) if wan else shown(value, places, unit)
        key = "unit.wan" if wan else f"unit.{unit}"
        return f"{text} {self._texts(key) if unit and self._texts.has(key) else ''}".strip()

    def _documents(self, found: Sequence[tuple[str, str, str, str]], cite: str) -> str:
        lines: list[str] = []
        for number, title, evidence, article in found:
            words_ = " ".join(part for part in (number, title, article) if part)
            meaning = self._texts(f"table.evidence.{evidence}") if evidence else ""
            lines.append(f"{words_} [{evidence}] {meaning}" if evidence else words_)
        if not lines and cite:
            lines = [cite]
        return self._texts("clearing.rests_on") + "\n" + "\n".join(lines) if lines else ""

    def _fill_cell(self, place: Place, why: Explanation) -> None:
        lang = self._texts.lang
        self._clear()
        self._put(self.subject, self._subject_of(place))
        self._put(self.title, why.title[lang])
        self._put(self.value, self._amount(why.value, why.unit, why.places))
        is_input = not why.parts and why.beneath in ("cases", "settlements", "rows")
        if is_input:
            self._put(self.sentence, self._texts(f"clearing.input_{why.beneath}"))
        else:
            self._put(self.sentence, why.sentence[lang])
            self._put(self.filled, why.filled[lang])
        if why.parts:
            self._put(self.parts_title, self._texts("clearing.parts"))
            lines = [self._part(place, part) for part in why.parts]
            self.parts.put(lines)
            self._plain += [f"  {title}: {value}" for title, value, _ in lines]
        self._put(self.note, why.note[lang] if why.note else "")
        opened = why.open[lang] if why.open else ""
        self._put(self.open, self._texts("table.open_tip", text=opened) if opened else "")
        documents = self._documents(why.documents, why.cite)
        if why.evidence and f"[{why.evidence}]" not in documents:
            documents += "\n" + self._texts(
                "clearing.figure_evidence",
                tag=why.evidence,
                meaning=self._texts(f"table.evidence.{why.evidence}"),
            )
        self._put(self.documents, documents)
        self._look_beneath(place, why)

    def _part(self, place: Place, part: Part) -> tuple[str, str, Place | None]:
        assert self._clearing is not None
        title = part.title[self._texts.lang]
        value = self._amount(part.value, part.unit, part.places)
        if part.link is None:
            return title, value, None
        if part.link[0] == "institution" and place.scope == "region":
            return title, value, Place("sum", place.fund, part.link[1])
        step = self._clearing.pack.find(place.scope, part.link[1])
        scope: Scope = step.scope if step is not None else place.scope
        return (
            title,
            value,
            Place("cell", place.fund, part.link[1], scope, place.code if scope == "institution" else ""),
        )

    def _look_beneath(self, place: Place, why: Explanation) -> None:
        clearing, lang = self._clearing, self._texts.lang
        assert clearing is not None
        if why.beneath == "institutions":
            summed = [
                part.link[1]
                for part in why.parts
                if part.link is not None and part.link[0] == "institution" and place.scope == "region"
            ]
            if summed:
                sheet = sheets.parts_of_sum(
                    clearing, clearing.fund(place.fund), list(dict.fromkeys(summed)), self._texts
                )
                self._put_beneath(
                    sheet, self._texts("clearing.beneath_institutions", count=f"{sheet.rows:,}")
                )
        elif why.beneath == "cases":
            from core.settlement.clearing import cases_of

            self._ask_beneath(
                lambda workspace, _: cases_of(workspace, clearing, place.fund, place.code, lang),
                "clearing.beneath_cases",
                place,
                "",
            )
        elif why.beneath == "settlements":
            from core.settlement.clearing import settlements_of

            self._ask_beneath(
                lambda workspace, _: settlements_of(workspace, clearing, place.fund, place.code, place.step, lang),
                "clearing.beneath_settlements",
                place,
                self._texts("clearing.no_settlements"),
            )
        elif why.beneath == "rows":
            from core.settlement.clearing import rows_of

            nothing = self._texts("clearing.no_rows_zero" if why.value == 0 else "clearing.no_rows")
            self._ask_beneath(
                lambda workspace, _: rows_of(workspace, clearing, place.fund, place.code, place.step, lang),
                "clearing.beneath_rows",
                place,
                nothing,
            )

    def _ask_beneath(self, work: Any, key: str, place: Place, nothing: str) -> None:
        def have(sheet: Worksheet) -> None:
            if self.place != place:
                return
            if sheet.rows or not nothing:
                if key == "clearing.beneath_cases":
                    sheet = sheets.cases_for(sheet, place.step, bool(place.code))
                elif key == "clearing.beneath_rows":
                    sheet = sheets.rows_for(sheet, place.step, self._texts)
                self._put_beneath(sheet, self._texts(key, count=f"{sheet.rows:,}"))
            else:
                self._put(self.note, nothing)

        def failed(why: Exception) -> None:
            if self.place == place and not isinstance(why, Cancelled):
                self._put(
                    self.trouble,
                    words(self._texts, why)
                    if isinstance(why, Fault)
                    else self._texts("clearing.no_explanation"),
                )
                self.again.setVisible(getattr(why, "code", "") == "run_stale")

        self._desk.ask(
            work, have, place="clearing.beneath", failed=failed, title=self._texts("clearing.looking_beneath")
        )

    def _put_beneath(self, sheet: Worksheet, title: str) -> None:
        self.beneath_title.setText(title)
        self.under.show()
        self.beneath.set_worksheet(sheet, frozen=1)
        self._share()

    def _share(self) -> None:
        if self.split.orientation() == Qt.Orientation.Horizontal:
            self.split.setSizes([int(self.split.width() * share) for share in (0.42, 0.58)])
            return
        # The text gets what it needs up to a good half, the rows beneath it the rest.
        high, inside = self.split.height(), self.body.widget()
        laid = inside.layout() if inside is not None else None
        needs = laid.heightForWidth(self.body.viewport().width()) if laid is not None else 0
        upper = min(needs + 6, int(high * 0.56))
        self.split.setSizes([upper, high - upper])

    def _fill_sum(self, place: Place) -> None:
        assert self._clearing is not None
        step = self._clearing.pack.step("institution", place.step)
        sheet = self._clearing.fund(place.fund)
        total = sum(sheet.values[place.step], Fraction(0))
        self._clear()
        self._put(self.subject, self._subject_of(place))
        self._put(self.title, self._name(place))
        places = step.places if step.places is not None or step.unit != "yuan" else 2
        self._put(self.value, self._amount(total, step.unit, places))
        self._put(self.sentence, self._texts("clearing.sum_sentence", count=len(sheet.institutions)))
        self._put(self.note, step.note[self._texts.lang] if step.note else "")
        self._put(self.documents, self._documents(self._clearing.pack.cited(step.cite), step.cite))
        beneath = sheets.parts_of_sum(self._clearing, sheet, [place.step], self._texts)
        self._put_beneath(beneath, self._texts("clearing.beneath_institutions", count=f"{beneath.rows:,}"))

    def _fill_case(self, story: CaseStory) -> None:
        lang, texts = self._texts.lang, self._texts
        self._clear()
        self._put(self.subject, texts("clearing.case_title"))
        self._put(self.title, story.setl_id)
        if story.score is not None:
            places = self._clearing.pack.case.places if self._clearing else None
            self._put(self.value, self._amount(story.score, "points", places))
        if not story.counted:
            self._put(self.sentence, texts("clearing.not_counted", reason=texts(f"clearing.out.{story.out}")))
        else:
            branch = story.branch[lang] + (texts("clearing.for_review") if story.review else "")
            path = [f"{number}. {one[lang]}" for number, one in enumerate(story.path, start=1)]
            said = [
                *([texts("clearing.path"), *path] if path else []),
                texts("clearing.branch", branch=branch),
                story.sentence[lang],
            ]
            self._put(self.sentence, "\n".join(filter(None, said)))
            self._put(self.filled, story.filled[lang])
        where = [story.file, story.sheet, texts("clearing.file_row", row=story.row) if story.row else ""]
        lines: list[tuple[str, str, Place | None]] = [
            (
                self._line_title(line),
                (grouped(line.value) if line.unit == "yuan" else line.value) + self._unit(line.unit),
                None,
            )
            for line in story.lines
            if line.value
        ]
        lines.insert(0, (texts("clearing.from_file"), " ".join(part for part in where if part), None))
        self._put(self.parts_title, texts("clearing.parts"))
        self.parts.put(lines)
        self._plain += [f"  {title}: {value}" for title, value, _ in lines]
        opened = story.open[lang] if story.open else ""
        self._put(self.open, texts("table.open_tip", text=opened) if opened else "")
        self._put(self.documents, self._documents(story.documents, story.cite))

    def _unit(self, unit: str) -> str:
        key = f"unit.{unit}"
        return f" {self._texts(key)}" if unit and self._texts.has(key) else ""

    def _line_title(self, line: Line) -> str:
        """A part of the coefficient is named in words: base, bonus:NAME, deduction:NAME."""
        if not line.id.startswith("k_"):
            return line.title[self._texts.lang]
        part, _, name = line.id[2:].partition(":")
        return self._texts(f"clearing.part.{part}", name=name)

    def _deeper(self, key: object, column: str) -> None:
        sheet = self.beneath.worksheet()
        if self.place is None or sheet.keys is None:
            return
        if sheet.id == "clearing.beneath":
            name = column if column not in ("code", "name") else sheet.columns[2].id
            self.go(Place("cell", self.place.fund, name, "institution", str(key)))
        elif any(one.id == "setl_id" for one in sheet.columns):
            self.go(Place("case", self.place.fund, setl_id=str(key), code=self.place.code))

    def _cell_menu(self, menu: Any, key: object, column: str) -> None:
        if self.beneath.worksheet().keys is not None:
            menu.addAction(self._texts("clearing.why"), lambda: self._deeper(key, column))

    def copy(self) -> None:
        """The explanation as text, for a letter or a note."""
        QGuiApplication.clipboard().setText("\n".join(self._plain))
        self._desk.say(self._texts("clearing.explanation_copied"))

    def text(self) -> str:
        return "\n".join(self._plain)
