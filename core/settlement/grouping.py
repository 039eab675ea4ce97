"""Which group each case has by the product's own grouping: a pack's rule over one version of the catalogue.

The clinical side of a year is read once and kept with its rows; another version is grouped on what is kept. The level
means of the year before then go by the same rule over the same version, since a mean is of the same group.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np
from numpy.typing import NDArray

from core.catalogue import library
from core.catalogue import stays as clinical
from core.catalogue.entries import Entries, Exclusions
from core.catalogue.grouper import Grouper, Path
from core.catalogue.stays import Stays
from core.faults import Refused
from core.findings import Finding
from core.money import plain
from core.progress import Progress
from core.rules.cases import Ints
from core.rules.grouping import rule_of
from core.settlement import year as years
from core.settlement.arrivals import Fees, Reading, frozen, read_fees
from core.settlement.groups import Version
from core.settlement.standing import Grouped
from core.settlement.year import Mark, Year, mark

if TYPE_CHECKING:
    from core.rules.circular import Pack
    from core.storage.workspace import Workspace

NAMED = 5  # operations that a finding names
KEPT = 2  # versions whose engine, and whose fees of the year before, stay in memory


@dataclass(frozen=True)
class Engine:
    """A rule over a version with all that it stands on; stood_on: the hash of that."""

    grouper: Grouper
    entries: Entries
    attributes: frozenset[str]
    stood_on: str
    findings: tuple[Finding, ...]


_engines: dict[str, Engine] = {}  # oldest first
# By what it stood on, with the rows that it is of: known by their arrays, which it does not keep alive.
_grouped: dict[str, tuple[ref[NDArray[Any]], ref[NDArray[Any]], Grouped]] = {}
_before: dict[tuple[object, ...], tuple[Mark, _Before]] = {}
_earlier: dict[tuple[object, ...], Fees] = {}


def forget() -> None:
    """Drop what is kept."""
    _engines.clear()
    _grouped.clear()
    _before.clear()
    _earlier.clear()


def engine(connection: sqlite3.Connection, pack: Pack, version: Version, year: int) -> Engine:
    """Refused("grouping_missing") where the pack has no rule. Several exclusion lists block, as findings."""
    rule = rule_of(pack)
    attributes = library.attributes(connection)
    findings: list[Finding] = []
    exclusions = Exclusions()
    try:
        exclusions = library.exclusions(connection, version.name, year)
    except Refused as refused:
        findings += refused.findings
    stood_on = _stood_on(pack, version.entries, attributes, exclusions)
    kept = _engines.pop(stood_on, None)
    if kept is None:
        for old in list(_engines)[: 1 - KEPT]:
            del _engines[old]
        grouper = Grouper(rule, version.entries, attributes, exclusions)
        kept = Engine(
            grouper, version.entries, frozenset(attributes), stood_on, (*findings, *grouper.findings)
        )
    _engines[stood_on] = kept
    return kept


def _stood_on(pack: Pack, entries: Entries, attributes: dict[str, str], exclusions: Exclusions) -> str:
    """Of all that decides a group: what the rows ask for, the operations' attributes, the exclusion lists, the rule."""
    said = [
        pack.hash,
        sorted(pack.changed.items()),
        [
            [
                one.dip_code, one.kind, one.stage, one.diag_code, one.oprn_code, one.rel_oprn_code, one.oth_diag_code,
                one.condition, one.attribute, one.mean_fee, one.primary_care, one.equal_to,
                "" if one.score is None else plain(one.score),
            ]
            for one in entries.rows
        ],
        sorted(attributes.items()),
        sorted(exclusions.diagnosis),
        sorted(exclusions.operation),
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest()


def own(stays: Stays, year: Year, made: Engine, progress: Progress) -> Grouped:
    """The groups of the year's cases; of a case without clinical side, none."""
    kept = _grouped.pop(made.stood_on, None)
    if kept is None or kept[0]() is not stays.keys or kept[1]() is not year.rows.fee:
        for old in list(_grouped)[: 1 - KEPT]:
            del _grouped[old]
        kept = ref(stays.keys), ref(year.rows.fee), _own(stays, year, made, progress)
    _grouped[made.stood_on] = kept
    return kept[2]


def _own(stays: Stays, year: Year, made: Engine, progress: Progress) -> Grouped:
    grouping = made.grouper.group(stays, progress)
    at = stays.locate(year.rows.setl_id)
    entry = np.where(at >= 0, grouping.entry[np.maximum(at, 0)], -1) if len(stays) else np.full(len(at), -1)
    groups, index = used(entry, [one.dip_code for one in made.entries.rows])
    return Grouped(
        "own", groups, index, made.stood_on, (*made.findings, *_without_attribute(stays, at, made))
    )


def used(entry: NDArray[np.int64] | NDArray[np.int32], codes: Sequence[str]) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    """Only the groups that cases have, and each case's index among them; -1 stays -1. codes: sorted."""
    present = np.zeros(len(codes) + 1, bool)
    present[entry] = True  # -1, no group, falls on the last place
    present = present[:-1]
    place = np.full(len(codes) + 1, -1, np.int32)
    place[:-1][present] = np.arange(int(present.sum()), dtype=np.int32)
    return tuple(code for code, here in zip(codes, present, strict=True) if here), frozen(place[entry])


def _without_attribute(stays: Stays, at: Ints, made: Engine) -> list[Finding]:
    """How many operations of the year's cases have no attribute, and so count as conservative."""
    unknown = np.array([code not in made.attributes for code in stays.operations] or [False])
    case = np.repeat(np.arange(len(stays)), np.diff(stays.operation_start))
    here = np.zeros(len(stays), bool)
    here[at[at >= 0]] = True
    hit = unknown[stays.operation] & here[case] if len(stays.operation) else np.zeros(0, bool)
    if not bool(hit.any()):
        return []
    codes, count = np.unique(stays.operation[hit], return_counts=True)
    named = sorted(
        zip((-count).tolist(), (stays.operations[code] for code in codes.tolist()), strict=True)
    )
    cases = len(np.unique(case[hit]))
    first = ", ".join(code for _, code in named[:NAMED])
    return [
        Finding(
            "operations_without_attribute",
            "warning",
            value=str(len(codes)),
            values={"cases": str(cases), "codes": first},
        )
    ]


@dataclass(frozen=True)
class _Before:
    """The year before: fees of its cases, their clinical side, and the place of each in it, -1 where it is not."""

    fees: Fees
    stays: Stays
    at: Ints


def earlier(
    workspace: Workspace, connection: sqlite3.Connection, year: Year, made: Engine, progress: Progress
) -> Fees:
    """Fees of the year before, by the group that the same rule and version give each case."""
    reading = Reading(year.number - 1, workspace.region, year.wanted.province)
    key = (str(workspace.path), workspace.created, reading)
    kept = _before.pop(key, None)
    if kept is None or not years.rows_stand(connection, kept[0]):
        _before.clear()
        _earlier.clear()
        kept = (mark(connection), _read_before(connection, reading, year, progress))
    _before[key] = (mark(connection), kept[1])
    of_rule = (*key, made.stood_on)
    fees = _earlier.pop(of_rule, None)
    if fees is None:
        for old in list(_earlier)[: 1 - KEPT]:
            del _earlier[old]
        before = kept[1]
        entry = made.grouper.group(before.stays, progress).entry
        codes = tuple(one.dip_code for one in made.entries.rows)
        # A case without group stands under the last place, whose code is no group's.
        group = np.where(before.at >= 0, entry[before.at], -1).astype(np.int32) if len(entry) else before.at
        fees = replace(before.fees, groups=(*codes, ""), group=group.astype(np.int32))
    _earlier[of_rule] = fees
    return fees


def _read_before(connection: sqlite3.Connection, reading: Reading, year: Year, progress: Progress) -> _Before:
    fees = read_fees(connection, reading, year.registered, progress, ids=True)
    assert fees.setl_id is not None
    stays = clinical.read(connection, reading.year, progress)
    at = stays.locate(fees.setl_id)
    # Who the cases are is asked no more: the ids are most of what they weigh.
    nobody = replace(stays, setl_id=stays.setl_id[:0], keys=stays.keys[:0])
    return _Before(replace(fees, setl_id=None), nobody, at)


def path_of(stays: Stays, made: Engine, setl_id: str) -> Path | None:
    """How one case came to its group; None where its clinical side is not there."""
    at = int(stays.locate(np.array([setl_id], dtype=object))[0])
    return made.grouper.path(stays, at) if at >= 0 else None
