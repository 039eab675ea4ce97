"""How a file is read, and what comes of each block of it: what goes to the second process and what comes back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from core.findings import Finding
from core.intake.cells import Ints
from core.intake.kinds import KINDS, Field, Kind
from core.intake.values import Values


@dataclass(frozen=True, slots=True)
class Plan:
    """How a file's columns are read. places: column name -> its place in the file. wan: columns given in 万元."""

    kind: str
    file: str
    sheet: str
    places: Mapping[str, int]
    wan: frozenset[str]
    year: int | None
    version: str
    person_key: bytes
    unnamed: Mapping[str, int] = field(default_factory=dict[str, int])  # columns without a heading

    @property
    def contract(self) -> Kind:
        return KINDS[self.kind]

    def fields(self) -> dict[str, Field]:
        """The contracts of the file's columns by name; a wide sheet has a column for each step."""
        known = {column.name: column for column in self.contract.columns}
        return {
            name: Field(name, "decimal", strict=True) if name.startswith("step:") else known[name]
            for name in self.places
        }


@dataclass(slots=True)
class Checked:
    """A block after its checks. values: stored column -> its values, accepted rows only; rows: their numbers.

    findings: every refused row, and warnings up to the bound; counts: all of them by severity, code and column.
    spread: in a wide file several stored rows come from one row of it; `rows` then repeats.
    """

    rows: Ints
    values: dict[str, Values]
    read: int
    accepted: int
    findings: list[Finding]
    counts: Counter[tuple[str, str, str]]
    done: int = 0
