"""What a case comes to: group and figures, the path that led there, the formula filled in, and what it was not grouped into."""

from __future__ import annotations

import html
from fractions import Fraction
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QTextDocument
from PySide6.QtWidgets import (
    QFileDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QMenu,
    QScrollArea,
    QSizePolicy,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from core.money import plain
from ui.dialogs import documents, local_time
from ui.look import EDGE, GAP, TIGHT, grouped, set_role
from ui.splits import one_above_other
from ui.table import Table

if TYPE_CHECKING:
    from core.analysis.catalogue_sheets import Told
    from core.settlement.one_case import OneCase
    from ui.desk import Desk

NOTHING = "—"
LARGE = ("score", "point_value", "gross", "pay")
SMALL = ("rw", "k", "u", "reference", "x", "branch")
UNITS = {"score": "points", "point_value": "yuan/point", "gross": "yuan", "pay": "yuan"}
X_PLACES = 4
# What is not typed yet; it blocks the score, and is nothing wrong.
LEFT_OPEN = ("case_institution_unknown", "case_fee_missing")


class Answer(QWidget):
    """`put` shows an answer, `hint` says what is still wanted, `trouble` what went wrong."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk, self.texts = desk, desk.texts
        self.case: OneCase | None = None
        self._told: Told | None = None
        self._typed: list[tuple[str, str]] = []
        texts = desk.texts
        self.badge = QLabel()
        self.badge.setProperty("badge", "kind")
        self.title = self._label("title")
        self.title.setWordWrap(True)
        self.below = self._label("muted")
        self.copy_button = QToolButton()
        self.copy_button.setText(texts("packs.answer.copy"))
        self.copy_button.clicked.connect(self.copy)
        self.print_button = QToolButton()
        self.print_button.setText(texts("packs.answer.print") + " ▾")
        self.print_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.print_button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        menu = QMenu(self.print_button)
        menu.addAction(texts("packs.answer.to_printer"), self.print_out)
        menu.addAction(texts("packs.answer.to_pdf"), self.choose_pdf)
        self.print_button.setMenu(menu)
        head = QHBoxLayout()
        head.setSpacing(GAP)
        head.addWidget(self.title, 1)
        for button in (self.copy_button, self.print_button):
            head.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)

        self.captions: dict[str, str] = {}
        self.values: dict[str, QLabel] = {}
        self.notes: dict[str, QLabel] = {}
        figures = QFrame()
        set_role(figures, "card")
        grid = QGridLayout(figures)
        grid.setContentsMargins(GAP + TIGHT, GAP, GAP + TIGHT, GAP)
        grid.setHorizontalSpacing(EDGE)
        grid.setVerticalSpacing(1)
        for row, names in ((0, LARGE), (4, SMALL)):
            for column, name in enumerate(names):
                # Four large figures over six small ones: twelve columns carry both.
                wide = 12 // len(names)
                caption = self._label("muted")
                unit = texts(f"unit.{UNITS[name]}") if name in UNITS else ""
                said = texts(f"packs.answer.{name}")
                caption.setText(texts("packs.answer.in_unit", name=said, unit=unit) if unit else said)
                self.captions[name] = caption.text()
                tip = f"packs.answer.{name}_tip"
                if texts.has(tip):
                    caption.setToolTip(texts(tip))
                value = self._label("title" if row == 0 else "heading")
                note = self._label("muted")
                note.setWordWrap(True)
                note.setTextInteractionFlags(Qt.TextInteractionFlag.NoTextInteraction)
                self.values[name], self.notes[name] = value, note
                for deep, label in enumerate((caption, value, note)):
                    grid.addWidget(label, row + deep, column * wide, 1, wide, Qt.AlignmentFlag.AlignTop)
        rule = QFrame()
        set_role(rule, "rule")
        grid.addWidget(rule, 3, 0, 1, 12)
        for column in range(12):
            grid.setColumnStretch(column, 1)
            grid.setColumnMinimumWidth(column, 20)
        self.notice = QFrame()
        set_role(self.notice, "notice")
        noticed = QVBoxLayout(self.notice)
        noticed.setContentsMargins(GAP, TIGHT, GAP, TIGHT)
        self.notice_text = self._label("")
        self.notice_text.setWordWrap(True)
        noticed.addWidget(self.notice_text)

        self.path = self._label("")
        self.formula = self._label("")
        self.rests_on = self._label("muted")
        for label in (self.path, self.formula, self.rests_on):
            label.setWordWrap(True)
        words = QWidget()
        two = QHBoxLayout(words)
        two.setContentsMargins(0, 0, GAP, 0)
        two.setSpacing(EDGE)
        for title, labels in (("path", (self.path,)), ("formula", (self.formula, self.rests_on))):
            box = QVBoxLayout()
            box.setSpacing(TIGHT)
            heading = self._label("heading")
            heading.setText(texts(f"packs.answer.{title}"))
            box.addWidget(heading)
            for label in labels:
                box.addWidget(label)
            box.addStretch(1)
            two.addLayout(box, 1)
        scroll = QScrollArea()
        scroll.setWidget(words)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

        self.others_title = self._label("heading")
        self.table = Table(desk)
        self.table.set_empty(texts("packs.answer.no_others"))
        under = QWidget()
        low = QVBoxLayout(under)
        low.setContentsMargins(0, TIGHT, 0, 0)
        low.setSpacing(TIGHT)
        low.addWidget(self.others_title)
        low.addWidget(self.table, 1)
        self.split = one_above_other(scroll, under, sizes=(190, 230), stretch=(1, 1))
        self.split.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Ignored)  # takes what there is
        self.split.setMinimumHeight(self.split.minimumSizeHint().height())
        page = QWidget()
        inner = QVBoxLayout(page)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(GAP)
        inner.addLayout(head)
        inner.addWidget(self.below)
        inner.addWidget(figures)
        inner.addWidget(self.notice)
        inner.addWidget(self.split, 1)

        self.hint_text = self._label("muted")
        self.hint_text.setWordWrap(True)
        self.hint_text.setAlignment(Qt.AlignmentFlag.AlignCenter)
        waiting = QWidget()
        middle = QVBoxLayout(waiting)
        middle.setContentsMargins(EDGE * 3, 0, EDGE * 3, 0)
        middle.addStretch(2)
        middle.addWidget(self.hint_text)
        middle.addStretch(3)
        self.stack = QStackedWidget()
        self.stack.addWidget(waiting)
        whole = QScrollArea()  # on a low screen the figures stay whole, and what is beneath is scrolled to
        whole.setWidget(page)
        whole.setWidgetResizable(True)
        whole.setFrameShape(QFrame.Shape.NoFrame)
        whole.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        whole.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.stack.addWidget(whole)
        self.page = whole
        outer = QVBoxLayout(self)
        outer.setContentsMargins(EDGE, 0, 0, 0)
        outer.addWidget(self.stack)

    def _label(self, role: str) -> QLabel:
        label = QLabel()
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        label.setMinimumWidth(10)
        if role:
            set_role(label, role)
        return label

    # -- states ------------------------------------------------------------------------------------------------

    def hint(self, text: str) -> None:
        self.case = None
        set_role(self.hint_text, "muted")
        self.hint_text.setText(text)
        self.stack.setCurrentIndex(0)

    def trouble(self, text: str) -> None:
        self.case = None
        set_role(self.hint_text, "bad")
        self.hint_text.setText(text)
        self.stack.setCurrentIndex(0)

    def put(self, case: OneCase, told: Told, typed: list[tuple[str, str]]) -> None:
        """`typed`: caption and content of what was filled in, for the copy and the print."""
        self.case, self._told, self._typed = case, told, typed
        self.say()

    def say(self) -> None:
        """Write everything; again where yuan or 万元 was chosen."""
        case, told, texts = self.case, self._told, self.texts
        if case is None or told is None:
            return
        self.stack.setCurrentIndex(1)
        if case.taken is None:
            self.title.setText(texts("packs.answer.ungrouped"))
            self.below.setText(texts("packs.answer.ungrouped_about"))
        else:
            entry = case.taken.entry
            self.title.setText(entry.dip_name)
            parts = [entry.dip_code, texts(f"catalogue.kind.{entry.kind}")]
            if entry.stage not in ("", "basic"):
                parts.append(texts(f"catalogue.stage.{entry.stage}"))
            if entry.primary_care and entry.kind != "primary_care":
                parts.append(texts("catalogue.kind.primary_care"))
            parts.append(texts("packs.answer.in_catalogue", version=case.catalogue))
            self.below.setText("  ·  ".join(parts))
        for name, value, note in self._figures(case):
            self.values[name].setText(value)
            self.notes[name].setText(note)
            self.notes[name].setVisible(bool(note))
        said = [texts.finding(one) for one in case.findings if not (one.code in LEFT_OPEN and not one.value)]
        open_yet = [texts(f"packs.answer.{one.code}") for one in case.findings if one.code in LEFT_OPEN and not one.value]
        if open_yet:
            said.insert(0, texts("packs.answer.open_yet", what=texts.listed(open_yet)))
        self.notice.setVisible(bool(said))
        self.notice_text.setText("\n".join(said))
        wrong = any(one.severity == "blocked" and (one.code not in LEFT_OPEN or one.value) for one in case.findings)
        set_role(self.notice_text, "bad" if wrong else "")
        self.path.setText("\n".join(self._path()) or texts(f"packs.answer.{'by_hand' if case.taken else 'no_path'}"))
        self.formula.setText("\n".join(self._formula(case)) or NOTHING)
        self.rests_on.setText("\n".join(self._documents(case)))
        self.others_title.setText(texts("packs.answer.others", count=len(case.alternatives)))
        self.table.set_worksheet(told.others, frozen=1)

    def _figures(self, case: OneCase) -> list[tuple[str, str, str]]:
        """(figure, value, what it stands on)."""
        texts = self.texts

        def shown(value: Fraction | None, places: int | None = None) -> str:
            return NOTHING if value is None else grouped(plain(value, places))

        reference = texts(f"reference.{case.source}") if case.source and texts.has(f"reference.{case.source}") else ""
        reference = "  ·  ".join(filter(None, (reference, texts("unit.yuan")))) if case.reference else reference
        at = local_time(case.run_at)[:16] if case.run_at else ""
        point = {
            "run": texts("packs.answer.point_of_run", at=at, hash=case.run_hash[:8]),
            "given": texts("packs.answer.point_given"),
        }.get(case.point_source, texts("packs.answer.no_point"))
        explained = case.explanation
        return [
            ("score", shown(case.score), ""),
            ("point_value", shown(case.point_value), point),
            ("gross", shown(case.gross, 2), ""),
            ("pay", shown(case.pay, 2), ""),
            ("rw", shown(case.rw), ""),
            ("k", shown(case.k), ""),
            ("u", shown(case.u), ""),
            ("reference", shown(case.reference, 2) if case.reference else NOTHING, reference),
            ("x", shown(case.x, X_PLACES), ""),
            ("branch", explained.title[texts.lang] if explained else NOTHING,
             texts("packs.answer.review") if explained and explained.review else ""),
        ]  # fmt: skip

    def _path(self) -> list[str]:
        told = self._told
        return [f"{number}. {line}" for number, line in enumerate(told.path, 1)] if told is not None else []

    def _formula(self, case: OneCase) -> list[str]:
        lang = self.texts.lang
        lines = [case.explanation.sentence[lang], case.explanation.filled[lang]] if case.explanation else []
        return [line for line in (*lines, *(words[lang] for words in case.steps.values())) if line]

    def _documents(self, case: OneCase) -> list[str]:
        explained, lang = case.explanation, self.texts.lang
        if explained is None:
            return []
        lines = list(self._told.documents if self._told is not None else ())
        if explained.open and explained.open.get(lang):
            lines.append(self.texts("packs.answer.open", text=explained.open[lang]))
        return [line for line in lines if line]

    # -- out ---------------------------------------------------------------------------------------------------

    def lines(self) -> list[tuple[str, list[str]]]:
        """The whole answer as sections of lines: what the copy and the print carry."""
        case, texts = self.case, self.texts
        if case is None:
            return []
        worksheet = self.table.worksheet()
        others = [
            "  ".join(filter(None, (worksheet.text(row, column) for column in worksheet.columns)))
            for row in range(worksheet.rows)
        ]
        figures = [
            f"{self.captions[name]}  {value}  {note}".rstrip() for name, value, note in self._figures(case)
        ]
        return [
            (texts("packs.answer.typed"), [f"{caption}  {value}" for caption, value in self._typed if value]),
            (self.title.text(), [self.below.text(), *figures]),
            (texts("packs.answer.notices"), [texts.finding(one) for one in case.findings]),
            (texts("packs.answer.path"), self._path()),
            (texts("packs.answer.formula"), [*self._formula(case), *self._documents(case)]),
            (self.others_title.text(), others),
        ]

    def plain_text(self) -> str:
        return "\n\n".join("\n".join([title, *lines]) for title, lines in self.lines() if lines)

    def copy(self) -> None:
        QGuiApplication.clipboard().setText(self.plain_text())
        self.desk.say(self.texts("packs.answer.copied"))

    def document(self) -> QTextDocument:
        """For paper: black on white, whatever the window wears."""
        parts = [f"<h2>{html.escape(self.texts('packs.calc.title'))}</h2>"]
        workspace = self.desk.workspace
        if workspace is not None and workspace.synthetic:
            parts.append(f"<p>{html.escape(self.texts('clearing.stamp.synthetic'))}</p>")
        for title, lines in self.lines():
            if lines:
                parts.append(f"<h3>{html.escape(title)}</h3>")
                parts += [f"<p style='margin:2px 0'>{html.escape(line)}</p>" for line in lines]
        document = QTextDocument()
        document.setDefaultStyleSheet("body { color: black; }")
        document.setHtml(f"<body>{''.join(parts)}</body>")
        return document

    def print_out(self) -> None:
        from PySide6.QtPrintSupport import QPrintDialog, QPrinter

        printer = QPrinter(QPrinter.PrinterMode.HighResolution)
        dialog = QPrintDialog(printer, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.accepted.connect(lambda: self.document().print_(printer))
        dialog.open()

    def choose_pdf(self) -> None:
        path, _ = QFileDialog.getSaveFileName(
            self, self.texts("packs.answer.to_pdf"), str(documents() / f"{self.texts('packs.calc.title')}.pdf"), "PDF (*.pdf)"
        )
        if path:
            self.write_pdf(path)

    def write_pdf(self, path: str) -> None:
        from PySide6.QtPrintSupport import QPrinter

        printer = QPrinter(QPrinter.PrinterMode.HighResolution)
        printer.setOutputFormat(QPrinter.OutputFormat.PdfFormat)
        printer.setOutputFileName(path if path.lower().endswith(".pdf") else f"{path}.pdf")
        self.document().print_(printer)
        self.desk.say(self.texts("table.exported", rows=1, path=printer.outputFileName()))
