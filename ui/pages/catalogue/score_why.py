"""How a derived score came about: the years, the means, the formula filled in, and what else was tried for the group."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QTextBrowser

from core.money import plain
from ui.look import count, grouped, share

if TYPE_CHECKING:
    from core.catalogue.score_working import Working, YearLine
    from ui.desk import Desk

CELL = "padding:1px 16px 1px 0;"
NUMBER = re.compile(r"\d+(?:\.\d+)?")


class ScoreWhy(QTextBrowser):
    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self._working: Working | None = None
        self.setOpenLinks(False)
        self.setTabChangesFocus(True)
        self.setPlaceholderText(desk.texts("catalogue.scores.why_none"))
        self.setAccessibleName(desk.texts("catalogue.scores.why"))
        desk.look.changed.connect(self._write)

    def clear(self) -> None:
        self._working = None
        super().clear()

    def put(self, working: Working) -> None:
        self._working = working
        self._write()

    def _write(self) -> None:
        working = self._working
        if working is None:
            return
        texts, colours = self._desk.texts, self._desk.look.colours
        parts = [
            f'<p style="margin:0 0 4px 0"><b>{html.escape(working.dip_name)}</b>&nbsp;&nbsp;'
            f'<span style="color:{colours.muted}">{html.escape(working.dip_code)}</span></p>'
        ]
        if working.formulas:
            last = len(working.formulas) - 1
            for number, formula in enumerate(working.formulas):
                colour = colours.accent if number == last else colours.text
                what = "formula_mean" if number == 0 else "formula_score" if number == last else "formula_divisor"
                parts.append(
                    f'<p style="margin:1px 0;color:{colour}"><span style="color:{colours.muted}">'
                    f"{html.escape(texts(f'catalogue.scores.{what}'))}</span>&nbsp;&nbsp;{html.escape(_told(formula))}</p>"
                )
        else:
            said = texts("catalogue.scores.no_formula", decision=texts(f"scores.decision.{working.decision}"))
            parts.append(f'<p style="margin:1px 0;color:{colours.warn}">{html.escape(said)}</p>')
        others = [code for code in working.members if code != working.dip_code]
        if others:
            said = texts("catalogue.scores.shares_score", codes=texts.listed(others))
            parts.append(f'<p style="margin:1px 0">{html.escape(said)}</p>')
        parts.append(self._years(working))
        parts.append(self._tried(working))
        self.setHtml("".join(parts))

    def _years(self, working: Working) -> str:
        texts = self._desk.texts
        heads = ["", *(texts(f"catalogue.scores.{name}") for name in ("year", "weight", "cases", "mean", "trimmed_cases", "cv"))]
        rows: list[list[str]] = []
        for title, lines in (("of_group", working.lines), ("of_all", working.overall)):
            rows += [self._line(texts(f"catalogue.scores.{title}"), line) for line in lines]
        return self._table(heads, rows)

    def _line(self, title: str, line: YearLine) -> list[str]:
        return [
            title,
            str(line.year),
            plain(line.weight),
            count(line.cases),
            _yuan(line.mean),
            count(line.trimmed) if line.trimmed else "",
            plain(line.cv, 4) if line.cv is not None else "",
        ]

    def _tried(self, working: Working) -> str:
        """Related operations and sub-types, with what they brought and why they were taken or not."""
        texts = self._desk.texts
        rows = [
            [
                texts("catalogue.scores.related"), one.rel_oprn_code, count(one.cases), _yuan(one.mean),
                share(one.rise), texts(f"scores.why.{one.why}"),
            ]
            for one in working.related
        ] + [
            [
                texts("catalogue.scores.subtype"), texts(f"scores.option.auxiliary.{one.type}"), count(one.cases),
                _yuan(one.mean), "  ".join(f"{part.band} × {plain(part.factor)}" for part in one.parts),
                texts(f"scores.why.{one.why}"),
            ]
            for one in working.subtypes
        ]  # fmt: skip
        return self._table([], rows) if rows else ""

    def _table(self, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
        colours = self._desk.look.colours
        lines = [
            "<tr>" + "".join(f'<td style="{CELL}color:{colours.muted}">{html.escape(head)}</td>' for head in heads) + "</tr>"
        ] if heads else []  # fmt: skip
        for row in rows:
            first = f'<td style="{CELL}color:{colours.muted}">{html.escape(row[0])}</td>'
            lines.append("<tr>" + first + "".join(f'<td style="{CELL}">{html.escape(cell)}</td>' for cell in row[1:]) + "</tr>")
        return f'<table style="margin-top:4px">{"".join(lines)}</table>'


def _told(formula: str) -> str:
    """With separators in its numbers; the code that a divisor is named by stays as it is."""
    head, colon, sums = formula.rpartition(": ")
    return head + colon + NUMBER.sub(lambda found: grouped(found[0]), sums)


def _yuan(fen: Fraction | None) -> str:
    return "—" if fen is None else grouped(plain(fen / 100, 2))
