"""Who wrote a cell, when and why: the history of the current cell beneath the grid."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QTextBrowser, QVBoxLayout, QWidget

from core.money import decimal, plain
from ui.desk import Desk
from ui.dialogs import action_words, local_time
from ui.look import GAP, TIGHT, set_role

if TYPE_CHECKING:
    from core.settlement.coefficient_history import CellChange
    from core.settlement.coefficient_sheets import Grid

MOST = 40  # lines of a history


class CellStory(QWidget):
    """`ask(grid, code, part)` reads and shows a cell's history; the newest question wins."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk, self.texts = desk, desk.texts
        self.title = QLabel()
        set_role(self.title, "heading")
        self.about = QLabel()
        set_role(self.about, "muted")
        self.story = QTextBrowser()
        self.story.setFrameShape(QFrame.Shape.NoFrame)
        self.story.setAccessibleName(self.texts("coefficients.cell.history"))
        self.story.setTabChangesFocus(True)
        self.story.viewport().setAutoFillBackground(False)
        line = QHBoxLayout()
        line.setSpacing(GAP)
        line.addWidget(self.title)
        line.addWidget(self.about, 1)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, TIGHT, 0, 0)
        box.setSpacing(TIGHT)
        box.addLayout(line)
        box.addWidget(self.story, 1)
        desk.look.changed.connect(self._paint)
        self._lines: list[CellChange] = []
        self.clear()

    def clear(self) -> None:
        self.desk.jobs.drop("coefficients.cell")
        self.title.setText(self.texts("coefficients.cell.none"))
        self.about.clear()
        self._lines = []
        self._paint()

    def ask(self, grid: Grid, code: str, part: str) -> None:
        from core.settlement.coefficient_sheets import K, iso, part_title

        texts = self.texts
        rows = list(grid.sheet.keys) if grid.sheet.keys is not None else []
        name = str(grid.sheet.cells["name"][rows.index(code)]) if code in rows else code
        if part != K and part not in grid.parts:
            self.clear()
            self.title.setText(name)
            return
        title = texts("coefficients.part.k") if part == K else part_title(part)[texts.lang]
        self.title.setText(texts("coefficients.cell.title", name=name or code, part=title))
        said: list[str] = []
        shown = grid.standing.get((code, part))
        if shown is not None:
            said.append(texts(f"coefficients.fund.{shown.fund}"))
            said.append(texts("coefficients.cell.from", day=iso(shown.day)) if shown.day else texts("coefficients.cell.always"))
            if shown.basis:
                said.append(texts("coefficients.cell.basis", basis=shown.basis))
        said += [
            texts("coefficients.cell.limit", limits=limit.text, cite=limit.cite, evidence=limit.source.evidence)
            for limit in grid.limits.get(part, ())
        ]
        self.about.setText("  ·  ".join(said))
        self.about.setToolTip("\n".join(said))
        if part == K:
            self._lines = []
            self._paint()
            return
        self.desk.ask(
            lambda workspace, _: history(workspace, grid, code, part), self._have, place="coefficients.cell",
            failed=lambda _: self.clear(),
        )  # fmt: skip

    def _have(self, lines: list[CellChange]) -> None:
        self._lines = lines
        self._paint()

    def _paint(self) -> None:
        colours = self.desk.look.colours
        rows = [
            f"<tr><td style='color:{colours.muted}'>{html.escape(local_time(one.at)[:16])}</td>"
            f"<td>&nbsp;&nbsp;{html.escape(one.who)}</td>"
            f"<td>&nbsp;&nbsp;{html.escape(action_words(self.texts, one.action))}</td>"
            f"<td>&nbsp;&nbsp;{html.escape(moved(self.texts, one))}</td>"
            f"<td>&nbsp;&nbsp;{html.escape(reasons(self.texts, one))}</td></tr>"
            for one in self._lines[:MOST]
        ]
        self.story.setHtml(f"<table cellspacing='0' cellpadding='1'>{''.join(rows)}</table>")


def history(workspace: Any, grid: Grid, code: str, part: str) -> list[CellChange]:
    from core.settlement.coefficient_history import cell_history

    return cell_history(workspace.reader(), grid.set_name, code, grid.fund, part)


def moved(texts: Any, one: CellChange) -> str:
    """`1.02 → 1.05`, with the day and the fund where they are not the usual."""
    nothing = texts("coefficients.cell.empty")
    if one.before == "" and one.after == "":
        return one.set_name
    said = f"{_number(one.before) or nothing} → {_number(one.after) or nothing}"
    if one.valid_from:
        said += "  " + texts("coefficients.cell.from", day=one.valid_from)
    return said


def reasons(texts: Any, one: CellChange) -> str:
    said = [one.why, texts("coefficients.cell.basis", basis=one.basis) if one.basis else "", one.file]
    if one.answers:
        said.append(texts("coefficients.cell.answers", line=one.answers))
    return "  ·  ".join(filter(None, said))


def brief(texts: Any, lines: list[CellChange]) -> str:
    """The newest line for a tip: who, when, what, why."""
    written = [one for one in lines if one.before or one.after]
    if not written:
        return ""
    one = written[0]
    head = f"{local_time(one.at)[:16]}  {one.who}  {action_words(texts, one.action)}"
    return "\n".join(filter(None, (head, moved(texts, one), reasons(texts, one))))


def _number(text: str) -> str:
    try:
        return plain(decimal(text)) if text else ""
    except ValueError:
        return text


