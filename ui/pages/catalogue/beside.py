"""What stands around the tables of two versions: the worth fund by fund, and what the groups of a relation are made of."""

from __future__ import annotations

import html
from fractions import Fraction
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QTextBrowser

from ui.look import EDGE, GAP, TIGHT, count, grouped, set_role

if TYPE_CHECKING:
    from core.analysis.catalogue_sheets import Gains
    from core.analysis.revision import Revision
    from core.catalogue.entries import Entry
    from ui.desk import Desk

FIGURES = (("score_total", "points"), ("point_value", "yuan/point"), ("due", "yuan"))
CLOSE = 1_000  # yuan that rounding the point value may leave over in a fund


class Figures(QFrame):
    """Fund by fund: points, point value and what is due under both versions; who wins and loses, and that it cancels out."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        set_role(self, "card")
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(GAP + TIGHT, TIGHT, GAP + TIGHT, TIGHT)
        self._grid.setHorizontalSpacing(EDGE)
        self._grid.setVerticalSpacing(1)
        self._labels: list[QLabel] = []
        self._changes: dict[QLabel, tuple[str, str]] = {}  # both values, and what lies between them
        self.hide()

    def put(self, revision: Revision, by_fund: dict[str, Gains]) -> None:
        for label in self._labels:
            label.setParent(None)
            label.deleteLater()
        self._labels, self._changes = [], {}
        texts, wan = self._desk.texts, self._desk.wan
        money = texts("unit.wan" if wan else "unit.yuan")
        heads = [""]
        for name, unit in (*FIGURES, ("gained", "yuan"), ("lost", "yuan"), ("rest", "yuan")):
            said = money if unit == "yuan" else texts(f"unit.{unit}")
            heads.append(texts("packs.answer.in_unit", name=texts(f"catalogue.versions.figure.{name}"), unit=said))
        for column, head in enumerate(heads):
            self._put(0, column, head, "muted")
        for row, fund in enumerate(revision.funds, 1):
            self._put(row, 0, texts(f"fund.{fund}"), "heading")
            for column, (name, unit) in enumerate(FIGURES, 1):
                figure = revision.figure(fund, name)
                places = 2 if unit == "yuan" else figure.places if figure.places is not None else 4
                old, new, change = (
                    _written(value, unit, places, wan) for value in (figure.old, figure.new, figure.change)
                )
                sign = "+" if figure.change > 0 else ""
                label = self._put(row, column, "", "")
                self._changes[label] = (f"{old} → {new}", f"({sign}{change})")
            gains = by_fund[fund]
            for column, (value, who) in enumerate(
                ((gains.gained, gains.winners), (gains.lost, gains.losers), (gains.rest, None)), 1 + len(FIGURES)
            ):
                said = _written(value, "yuan", 2, wan)
                if who is not None:
                    said = texts("catalogue.versions.figure.by", amount=said, count=count(who))
                role = "" if who is not None else "good" if abs(value) < CLOSE else "warn"
                self._put(row, column, said, role)
        self._grid.setColumnStretch(len(heads), 1)
        self.setToolTip(texts("catalogue.versions.figure.about"))
        self._fit()
        self.show()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """The change beside both values, or under them where the window is too narrow: a number is never cut."""
        for between in ("  ", "\n"):
            for label, (both, change) in self._changes.items():
                label.setText(f"{both}{between}{change}")
            widest = [0] * (self._grid.columnCount() - 1)  # the last takes what is left over
            for at, label in enumerate(self._labels):
                column = at % len(widest)
                widest[column] = max(widest[column], label.sizeHint().width())
            margins = self._grid.contentsMargins()
            room = self.width() - margins.left() - margins.right() - EDGE * len(widest)
            if sum(widest) <= room:
                break

    def _put(self, row: int, column: int, text: str, role: str) -> QLabel:
        label = QLabel(text)
        label.setMinimumWidth(10)  # nor does it make the window wider
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        if role:
            set_role(label, role)
        self._labels.append(label)
        self._grid.addWidget(label, row, column)
        return label


def _written(value: Fraction, unit: str, places: int, wan: bool) -> str:
    from core.money import plain

    if unit == "yuan" and wan:
        return grouped(plain(value / 10_000, 2))
    return grouped(plain(value, places))


class Detail(QTextBrowser):
    """What the groups of a relation are made of, old beside new; what differs is marked."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self.setOpenLinks(False)
        self.setTabChangesFocus(True)
        self._shown: tuple[list[Entry], list[Entry], str, str] | None = None
        desk.look.changed.connect(self._write)

    def clear(self) -> None:
        self._shown = None
        super().clear()

    def put(self, old: list[Entry], new: list[Entry], before: str, after: str) -> None:
        self._shown = (old, new, before, after)
        self._write()

    def _write(self) -> None:
        from core.analysis.catalogue_sheets import MADE_OF, made_of

        if self._shown is None:
            return
        old, new, before, after = self._shown
        texts, colours = self._desk.texts, self._desk.look.colours
        made = [(before, made_of(entry, texts)) for entry in old] + [(after, made_of(entry, texts)) for entry in new]
        named = [name for name in MADE_OF if any(name in one for _, one in made)]
        differs = {
            name
            for name in named
            if len(old) == 1 and len(new) == 1 and made[0][1].get(name) != made[1][1].get(name)
        }
        cell = "padding:2px 14px 2px 0;"
        heads = ["", *(texts(f"catalogue.versions.made_of.{name}") for name in named)]
        rows = ["".join(f'<td style="{cell}color:{colours.muted}">{html.escape(head)}</td>' for head in heads)]
        for version, one in made:
            line = f'<td style="{cell}color:{colours.muted}">{html.escape(version)}</td>'
            for name in named:
                style = f"color:{colours.accent};font-weight:600" if name in differs else f"color:{colours.text}"
                line += f'<td style="{cell}{style}">{html.escape(one.get(name, "")) or "—"}</td>'
            rows.append(line)
        rows = [f"<tr>{row}</tr>" for row in rows]
        self.setHtml(f"<table>{''.join(rows)}</table>")
