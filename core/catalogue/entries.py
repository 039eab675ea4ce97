"""A catalogue's version as values: its disease groups and auxiliary bands, exclusion lists and code maps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from core.rules.grouping import ATTRIBUTES as ATTRIBUTES
from core.rules.grouping import CONDITION_NAMES as CONDITION_NAMES
from core.rules.grouping import KINDS as KINDS
from core.rules.grouping import STAGES as STAGES

UNBANDED = ("tcm", "bed_day")  # kinds without auxiliary sub-types (domain 1.4, 1.5)


@dataclass(frozen=True, slots=True)
class Entry:
    """One disease group of a version. Texts are "" where the file has nothing.

    diag_code, oprn_code, rel_oprn_code, oth_diag_code: expressions as they stand in files (domain 1.2): `+` and `,`
    join parts that must all be met, `|` and `/` alternatives within a part, ranges `A00-B99`, prefixes. stage: "" is
    basic. condition: a comparison in the step language over CONDITION_NAMES. mean_fee: fen, 0 where none is given.
    coefficients: of levels 1, 2, 3. equal_to: the dip_code of the group declared equal in score. row: in its file.
    """

    dip_code: str
    dip_name: str
    kind: str
    stage: str = ""
    diag_code: str = ""
    oprn_code: str = ""
    rel_oprn_code: str = ""
    oth_diag_code: str = ""
    condition: str = ""
    attribute: str = ""
    score: Fraction | None = None
    mean_fee: int = 0
    mean_days: Fraction | None = None
    coefficients: tuple[Fraction | None, Fraction | None, Fraction | None] = (None, None, None)
    primary_care: bool = False
    equal_to: str = ""
    drug_score: Fraction | None = None
    consumable_score: Fraction | None = None
    cases: int | None = None
    cv: Fraction | None = None
    row: int = 0


@dataclass(frozen=True, slots=True)
class Band:
    """One row of the auxiliary catalogue. mean_fee: fen, 0 where none is given."""

    dip_code: str
    type: str
    band: str
    factor: Fraction
    mean_fee: int = 0


@dataclass(frozen=True, slots=True)
class Exclusions:
    """diagnosis: codes that are never a main one. operation: codes that take no part in grouping."""

    diagnosis: frozenset[str] = frozenset()
    operation: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class CodeMap:
    """One code of an edition under its code in another. system: diagnosis, operation, group."""

    system: str
    from_edition: str
    from_code: str
    to_edition: str
    to_code: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Entries:
    """A version whole: rows sorted by dip_code, by_code the place of each among them."""

    version: str
    year: int
    rows: tuple[Entry, ...]
    by_code: Mapping[str, int] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_code", {entry.dip_code: place for place, entry in enumerate(self.rows)})

    def __len__(self) -> int:
        return len(self.rows)

    def get(self, dip_code: str) -> Entry | None:
        place = self.by_code.get(dip_code)
        return None if place is None else self.rows[place]

    def score_for(self, entry: Entry) -> Fraction | None:
        """A group's score: that of the group it is declared equal to, where that one stands for itself and has any."""
        other = self.get(entry.equal_to) if entry.equal_to else None
        return entry.score if other is None or other.equal_to or not other.score else other.score
