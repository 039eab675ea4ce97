"""What a gesture puts into the grid: cells of one edit, or a list of what is wrong with it. No Qt.

A place is (institution, part). An entry may be a value or a change to what stands there (`core.settlement.entry`).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from core.faults import Fault
from core.settlement.entry import parse_entry

if TYPE_CHECKING:
    from core.settlement import coefficient_sheets
    from core.settlement.coefficients import Cell
    from core.settlement.disease_coefficients import DiseaseGrid

    Grid = coefficient_sheets.Grid | DiseaseGrid

Place = tuple[str, str]
CHANGES = "+-*/×÷−＋－＊／"  # an entry that begins so changes what stands there


@dataclass(frozen=True, slots=True)
class Wrong:
    """A cell that cannot be: `line` and `across` count within what was pasted, from 1; 0 where nothing was. why: a fault, or
    the key of a sentence."""

    code: str
    part: str
    text: str
    why: Fault | str
    line: int = 0
    across: int = 0


@dataclass(frozen=True, slots=True)
class Entered:
    """cells: of one edit; values: what the grid shows meanwhile. Nothing is entered as long as anything is wrong."""

    cells: tuple[Cell, ...] = ()
    values: Mapping[Place, Fraction | None] = field(default_factory=dict[Place, Fraction | None])
    wrong: tuple[Wrong, ...] = ()


def is_change(text: str) -> bool:
    return text.strip()[:1] in CHANGES and len(text.strip()) > 1


def typed(grid: Grid, places: Iterable[Place], text: str, valid_from: str | None = None, basis: str = "") -> Entered:
    """One entry in one or many cells."""
    return _entered(grid, ((code, part, text, 0, 0) for code, part in places), valid_from, basis)


def filled(grid: Grid, columns: Mapping[str, Sequence[str]]) -> Entered:
    """Down each column (part -> its institutions as shown): the first cell's value into all others."""
    from core.money import plain

    entries: list[tuple[str, str, str, int, int]] = []
    for part, codes in columns.items():
        value = grid.value(codes[0], part) if codes else None
        entries += [(code, part, "" if value is None else plain(value), 0, 0) for code in codes[1:]]
    return _entered(grid, entries)


def block_of(text: str) -> list[list[str]]:
    """What Excel puts on the clipboard: lines of cells between tabs, cells with line breaks in quotes."""
    rows = [row or [""] for row in csv.reader(io.StringIO(text.replace("\r\n", "\n"), newline=""), delimiter="\t")]
    while rows and not any(cell.strip() for cell in rows[-1]):
        rows.pop()
    return rows


def pasted(grid: Grid, codes: Sequence[str], parts: Sequence[str], block: Sequence[Sequence[str]]) -> Entered:
    """A block whose upper left corner is the first of `codes` (rows as shown from there on) and of `parts`."""
    entries: list[tuple[str, str, str, int, int]] = []
    wrong: list[Wrong] = []
    for line, row in enumerate(block, 1):
        for across, text in enumerate(row, 1):
            if line <= len(codes) and across <= len(parts):
                entries.append((codes[line - 1], parts[across - 1], text, line, across))
            elif text.strip():
                outside = "below" if line > len(codes) else "beside"
                wrong.append(Wrong("", "", text.strip(), f"coefficients.wrong.{outside}", line, across))
    entered = _entered(grid, entries)
    both = sorted((*entered.wrong, *wrong), key=lambda one: (one.line, one.across))
    return Entered((), {}, tuple(both)) if both else entered


def told(grid: Grid, wrong: Wrong, texts: Any) -> str:
    """A wrong cell in words: where it is, and what to do."""
    why = texts(wrong.why, text=wrong.text) if isinstance(wrong.why, str) else texts.fault(wrong.why)
    where: list[str] = []
    if wrong.line:
        where.append(texts("coefficients.wrong.place", line=wrong.line, across=wrong.across))
    if wrong.code:
        sheet = grid.sheet
        assert sheet.keys is not None
        name = sheet.cells[grid.order[0]][list(sheet.keys).index(wrong.code)] or wrong.code
        title = next(column.title for column in sheet.columns if column.id == wrong.part)
        where.append(f"{name} · {title[texts.lang]}")
    return f"{' '.join(where)}: {why}" if where else why


def _entered(
    grid: Grid,
    entries: Iterable[tuple[str, str, str, int, int]],
    valid_from: str | None = None,
    basis: str = "",
) -> Entered:
    cells: list[Cell] = []
    values: dict[Place, Fraction | None] = {}
    wrong: list[Wrong] = []
    for code, part, text, line, across in entries:
        current = grid.value(code, part)
        try:
            value = parse_entry(text, current)
        except Fault as why:
            wrong.append(Wrong(code, part, text.strip(), why, line, across))
            continue
        if valid_from is None and value == current:
            continue
        if value is None and grid.shared(code, part):
            wrong.append(Wrong(code, part, text.strip(), "coefficients.wrong.of_all", line, across))
            continue
        cells.append(grid.cell(code, part, value, valid_from, basis))
        values[code, part] = value
    return Entered((), {}, tuple(wrong)) if wrong else Entered(tuple(cells), values)
