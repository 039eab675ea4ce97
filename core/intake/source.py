"""What a file was recognised as: plain values, so that another process reads the same rows from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Form = Literal["text", "workbook", "database"]

CHUNK = 6 << 20  # bytes of a block: some 30,000 rows; larger ones cost memory and win nothing
HEAD = 1 << 18  # bytes looked at to find encoding, separator and heading


@dataclass(frozen=True, slots=True)
class Source:
    """What a file was recognised as. Plain values: another process reads the same from it.

    headings: unique; a second `X` is `X (2)`, an empty one `#5` (its place). heading_row: the last of the heading's
    rows, 0 where none was found. titles: what stands above. skip: bytes before the first row below the heading.
    """

    path: Path
    form: Form
    encoding: str
    separator: str
    sheet: str
    sheets: tuple[str, ...]
    headings: tuple[str, ...]
    heading_row: int
    titles: tuple[str, ...]
    mapping: Mapping[str, str | None]
    twice: tuple[str, ...]
    sample: tuple[tuple[str, ...], ...]
    matched: int
    skip: int = 0
    line_end: str = "\n"
    others: tuple[str, ...] = field(default=())  # further sheets that would have served as well

    def size(self) -> int:
        return self.path.stat().st_size
