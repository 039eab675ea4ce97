"""Where the heading of a list stands, and what its columns are called: below titles, in one row or two merged ones."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from core.intake.kinds import KINDS, Claims, Kind, claim, heading_forms

HEAD_ROWS = 40  # looked at for the heading, and shown


@dataclass(frozen=True, slots=True)
class Heading:
    headings: tuple[str, ...]
    last: int
    titles: tuple[str, ...]
    claims: Claims
    matched: int
    sample: tuple[tuple[str, ...], ...]


def _named(cells: Sequence[str]) -> list[str]:
    """Unique headings: trimmed, line breaks out, `X (2)` for a second X, `#5` for an empty fifth."""
    names: list[str] = []
    seen: dict[str, int] = {}
    for place, cell in enumerate(cells, start=1):
        name = re.sub(r"\s*[\r\n\x00]\s*", "", cell).strip(" \t　﻿\xa0") or f"#{place}"
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return names


def locate(
    rows: Sequence[Sequence[str]], kind: Kind | None, given: Mapping[str, str | None] | None
) -> Heading:
    """The row, or the two merged rows, whose cells claim most columns. Without any match: the first row that is not blank."""
    kinds = [kind] if kind else list(KINDS.values())
    usual = Counter(len(row) for row in rows if len(row) > 1).most_common(1)
    width = usual[0][0] if usual else 0
    best: tuple[int, int, int, list[str], Claims] | None = None
    for at, row in enumerate(rows[:30]):
        if not any(cell.strip() for cell in row):
            continue
        shapes = [(at + 1, _trimmed(row, width))]
        if at + 1 < len(rows) and len(row) > 1:
            shapes.append((at + 2, _trimmed(_merged(row, rows[at + 1]), width)))
        for last, cells in shapes:
            names = _named(cells)
            for each in kinds:
                claims = claim(each, names, given)
                matched = len(claims.columns)
                # A title above the heading adds nothing to it: of equals the row alone, and the title stays one.
                alone = best is not None and matched == best[0] > 0 and last == at + 1 == best[2] and at > best[1]
                if best is None or matched > best[0] or alone:
                    best = (matched, at, last, names, claims)
    if best is None:
        return Heading((), 0, (), Claims({}, ()), 0, ())
    matched, at, last, names, claims = best
    titles = tuple(cell.strip() for row in rows[:at] for cell in row if cell.strip())
    sample = tuple(tuple(row) for row in rows[last : last + 20] if any(cell.strip() for cell in row))
    return Heading(tuple(names), last, titles, claims, matched, sample)


def _trimmed(row: Sequence[str], width: int) -> list[str]:
    """Without the empty cells at its end, as far as the rows below do not have them too."""
    cells = list(row)
    while len(cells) > max(width, 1) and not cells[-1].strip():
        cells.pop()
    return cells


@cache
def _known_headings() -> frozenset[str]:
    """Every heading of every kind, ready to compare."""
    return frozenset(
        form
        for kind in KINDS.values()
        for column in kind.columns
        for name in (column.name, *column.aliases)
        for form in heading_forms(name)
    )


def _merged(upper: Sequence[str], lower: Sequence[str]) -> list[str]:
    """Two heading rows as one: the lower where it stands, else the upper; a lower one that says nothing alone
    (`编码` under `主要诊断`) gets the upper before it."""
    cells: list[str] = []
    above = ""
    known = _known_headings()
    for place in range(max(len(upper), len(lower))):
        top = upper[place].strip() if place < len(upper) else ""
        bottom = lower[place].strip() if place < len(lower) else ""
        above = top or above
        if not bottom:
            cells.append(top)
        elif not top and not above:
            cells.append(bottom)
        else:
            joined = above + bottom
            longer = any(form in known for form in heading_forms(joined))
            alone = any(form in known for form in heading_forms(bottom))
            cells.append(
                bottom
                if alone and not longer
                else joined
                if longer
                else bottom
                if len(bottom) > 1
                else joined
            )
    return cells
