"""One case by hand: what a diagnosis, operations and a fee come to at a hospital, by the same stages as the clearing.

The typed case becomes a year of a single row: catalogue, coefficient, auxiliary factor, reference mean and branches
are those of `gather` and `case_scores`, so that a case of the files typed in comes out as it was cleared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

from core.findings import Finding
from core.rules.case_scores import CaseExplanation

if TYPE_CHECKING:
    from core.catalogue.entries import Entry
    from core.catalogue.grouper import Path


@dataclass(frozen=True, slots=True)
class TypedCase:
    """What is known of a case. Amounts in fen, birth weight in grams; None where it is not known.

    operations: the first one is the main operation. day: YYYYMMDD of settlement, 0 for 31 December of the year.
    severity, tumour, cci: bands of the auxiliary catalogue, as `asst_list_detl` names them, "" for none.
    group: a dip_code chosen by hand; the grouping rule is then not asked. booked: hifp_pay, for packs whose payment
    ratio is the case's own.
    """

    diagnosis: str
    operations: tuple[str, ...] = ()
    other_diagnoses: tuple[str, ...] = ()
    fee: int = 0
    own_pay: int = 0
    other_pay: int = 0
    booked: int | None = None
    age: int | None = None
    age_days: int | None = None
    birth_weight: int | None = None
    gender: int | None = None
    days: int | None = None
    icu_days: int | None = None
    severity: str = ""
    tumour: str = ""
    cci: str = ""
    day: int = 0
    group: str = ""


@dataclass(frozen=True, slots=True)
class Worth:
    """What the case comes to in one group.

    why, values: why the grouping did not take it (`grouping.WHY` of the translations), "" for the group taken.
    score None: it has none by this pack. gross: score * point value; pay: what the fund would owe; both yuan, rounded as
    the pack rounds, None without a point value.
    """

    entry: Entry
    rw: Fraction
    score: Fraction | None
    gross: Fraction | None
    pay: Fraction | None
    why: str = ""
    values: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class OneCase:
    """How a typed case is grouped, scored and paid; whatever cannot be told is None and named in `findings`.

    path: by the grouping rule, None where the group was chosen by hand or the pack has none. reference: yuan, 0 where
    there is none; source: none, given, level, catalogue (`reference.*`). x: fee / reference. explanation: branch, sentence,
    formula filled in, documents by its citation. steps: gross and due filled in, by step id. point_source: run (run_hash,
    run_at name it), given, or "". region_step values come from that run.
    """

    catalogue: str
    set_name: str
    taken: Worth | None
    path: Path | None
    alternatives: tuple[Worth, ...]
    rw: Fraction | None
    k: Fraction | None
    u: Fraction | None
    reference: Fraction | None
    source: str
    x: Fraction | None
    explanation: CaseExplanation | None
    score: Fraction | None
    point_value: Fraction | None
    point_source: str
    run_hash: str
    run_at: str
    gross: Fraction | None
    pay: Fraction | None
    steps: Mapping[str, Mapping[str, str]]
    findings: tuple[Finding, ...]

    @property
    def blocked(self) -> bool:
        """Something that a score needs is missing; `findings` name it."""
        return any(one.severity == "blocked" for one in self.findings)
