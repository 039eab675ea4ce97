"""The bureau's own group of each case under another version of the catalogue.

A code that a case states is a code of one version, the home: the one of the two that knows more of the year's cases.
Under the home a case keeps its code. Under the other version it goes where its group went, by the lineage of the two
catalogues alone (same key and definition, same definition, code map, same key): this year's cases are not asked, or the
worth of a change would decide itself. Where the lineage does not decide (the group is gone, or was split), the pack's
grouping rule is asked for that case; without a rule, or where it finds nothing, the case of a split group keeps its code if
the version still has it, and any other has no group there. A case without code, or with one that neither version knows,
has no group under either: what the bureau left out, a comparison of catalogues does not bring in.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core.catalogue.entries import CodeMap, Entries
from core.catalogue.lineage import relate
from core.progress import Progress
from core.rules.cases import Index, Ints, Small
from core.settlement import grouping as own_grouping
from core.settlement import year as years
from core.settlement.arrivals import Fees
from core.settlement.groups import Version
from core.settlement.references import GivenMean
from core.settlement.year import Year

if TYPE_CHECKING:
    from core.rules.circular import Pack
    from core.storage.workspace import Workspace

SYSTEMS = ("diagnosis", "operation", "group")  # code maps that tell codes of one catalogue in another

# How a case came to its group under a version; `revision.way.CODE`.
WAYS = ("stated", "carried", "grouped", "kept", "lost", "none")
STATED, CARRIED, GROUPED, KEPT, LOST, NONE = range(len(WAYS))

# Own groups of some cases under a version, by their places among the rows; of all cases, -1 where not asked for.
Asked = Callable[[Entries, Ints], Index]


@dataclass(frozen=True)
class Carried:
    """The cases of a year under one version. entry: index into its rows, -1 none. way: index into WAYS.

    codes: stated code -> code under this version, for what the lineage alone decides.
    """

    entry: Index
    way: Small
    codes: Mapping[str, str]


def home_of(year: Year, old: Entries, new: Entries) -> Entries:
    """The version whose codes the cases state. Even: the one of the year, then the earlier, then by name."""

    def rank(version: Entries) -> tuple[int, bool, int, str]:
        known = np.array([code in version.by_code for code in year.rows.groups] + [False])
        return -int(known[year.rows.group].sum()), version.year != year.number, version.year, version.version

    return min(old, new, key=rank)


def asked_of(
    workspace: Workspace,
    connection: sqlite3.Connection,
    pack: Pack,
    year: Year,
    versions: Sequence[Version],
    progress: Progress,
) -> Asked | None:
    """Own groups by the pack's rule under any of these versions; None where the pack has no rule."""
    if pack.grouping is None:
        return None

    def asked(version: Entries, which: Ints) -> Index:
        whole = next(one for one in versions if one.entries is version)
        engine = own_grouping.engine(connection, pack, whole, year.number)
        stays = years.stays(workspace, connection, year, progress, only=which)
        grouped = own_grouping.own(stays, year, engine, progress)
        place = np.array([version.by_code[code] for code in grouped.groups] + [-1], np.int32)
        return place[grouped.index]

    return asked


def carry(
    year: Year,
    home: Entries,
    other: Entries,
    maps: Sequence[CodeMap],
    asked: Asked | None,
) -> tuple[Carried, Carried]:
    """The cases under their home and under the other version."""
    there: dict[str, tuple[str, ...]] = {}
    back: dict[str, tuple[str, ...]] = {}
    for one in relate(home, other, maps=maps):
        there |= dict.fromkeys(one.old, one.new)
        back |= dict.fromkeys(one.new, one.old)
    # A code that only the other version knows is that version's, and goes the other way.
    foreign = {code for code in year.rows.groups if code not in home.by_code and code in other.by_code}
    under_home = _under(year, home, {code: back[code] for code in foreign}, home.by_code, asked)
    return under_home, _under(year, other, there, foreign, asked)


def _under(
    year: Year,
    version: Entries,
    went: Mapping[str, tuple[str, ...]],
    own: Mapping[str, int] | set[str],
    asked: Asked | None,
) -> Carried:
    """went: by stated code, where its group went; own: codes that are this version's own."""
    codes = year.rows.groups
    entry = np.full(len(codes) + 1, -1, np.int32)
    way = np.full(len(codes) + 1, NONE, np.int8)
    open_ = np.zeros(len(codes) + 1, bool)
    fallback = np.full(len(codes) + 1, -1, np.int32)
    decided = {code: targets[0] for code, targets in went.items() if len(targets) == 1}
    decided |= {code: code for code in own}
    for i, code in enumerate(codes):
        if code in went:
            targets = went[code]
            if len(targets) == 1:
                entry[i] = version.by_code[targets[0]]
                way[i] = STATED if targets[0] == code else CARRIED
            else:
                open_[i] = True
                way[i] = LOST
                if code in targets:
                    fallback[i], way[i] = version.by_code[code], KEPT
        elif code in own:
            entry[i], way[i] = version.by_code[code], STATED
    of_case, how = entry[year.rows.group], way[year.rows.group]
    undecided = open_[year.rows.group]
    if bool(undecided.any()):
        of_case = np.where(undecided, fallback[year.rows.group], of_case)
        if asked is not None:
            found = asked(version, np.flatnonzero(undecided))
            hit = undecided & (found >= 0)
            of_case = np.where(hit, found, of_case)
            how = np.where(hit, np.int8(GROUPED), how)
    return Carried(of_case.astype(np.int32), how.astype(np.int8), decided)


def carried_fees(fees: Fees, codes: Mapping[str, str], version: Entries) -> Fees:
    """The fees of the year before under a version: by the same lineage; what it does not decide has no group."""
    return replace(fees, groups=tuple(_code(code, codes, version) for code in fees.groups))


def carried_given(year: Year, codes: Mapping[str, str], version: Entries) -> Year:
    """The year with its imported reference means under a version's codes.

    A mean that was imported for the version's own code wins. Two means that come together in one group are none: how
    many cases each stands for is not known.
    """
    found: dict[tuple[str, str, str], list[GivenMean]] = {}
    for one in year.given:
        code = _code(one.group, codes, version)
        if code:
            found.setdefault((code, one.level, one.fund), []).append(one)
    given: list[GivenMean] = []
    for (code, _, _), means in sorted(found.items()):
        own = [one for one in means if one.group == code and one.group not in codes]
        given += [replace(one, group=code) for one in own or (means if len(means) == 1 else [])]
    return replace(year, given=tuple(given))


def _code(code: str, codes: Mapping[str, str], version: Entries) -> str:
    return codes.get(code, code if code in version.by_code else "")


def counted(way: Small, rows: NDArray[np.bool_]) -> dict[str, int]:
    """Cases by way, of those rows."""
    return {name: int(n) for name, n in zip(WAYS, np.bincount(way[rows], minlength=len(WAYS)), strict=True)}
