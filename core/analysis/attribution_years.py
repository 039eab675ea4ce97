"""From the scored cases of two years to the cells of one fund: which groups are the same in both, sums, and what stands in for
what a year lacks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from core.analysis.attribution_cells import COARSE, MIDDLE, Cells, Group, Objects, Ratio
from core.catalogue.entries import CodeMap, Entries, Entry
from core.catalogue.lineage import relate
from core.catalogue.tree import place_of
from core.money import rounded
from core.progress import SILENT, Progress, step
from core.rules.cases import FUNDS, CaseScores, Ints
from core.rules.sheet import Institution
from core.settlement.exact import sums
from core.settlement.groups import score_of

if TYPE_CHECKING:
    from core.settlement.annual import Scored

PLACES = 12  # of COARSE
NONE = 0  # number of the group of cases without a catalogue score


@dataclass(frozen=True)
class Side:
    """What cells need of one year. k: the institutions' own coefficients of the fund on 31 December."""

    scored: Scored
    k: Mapping[str, Fraction]

    @property
    def groups(self) -> Mapping[str, Entry]:
        return self.scored.inputs.standing.groups


@dataclass(frozen=True)
class _Sums:
    """Of one year by cell: cases, rw over 10**rw_places, rw times k over 10**(rw_places + k_places), score over COARSE."""

    cases: Ints
    rw: Objects
    rw_k: Objects
    score: Objects
    rw_places: int
    k_places: int


def cells_of(
    fund: str, before: Side, after: Side, maps: Sequence[CodeMap] = (), progress: Progress = SILENT
) -> Cells:
    """maps: how codes of one catalogue are told in the other."""
    step(progress, "attribute_cells", 0)
    sides = (before, after)
    groups, numbers = _groups(sides, maps)
    registered = [side.scored.inputs.standing.registered for side in sides]
    codes = sorted({code for side in sides for code in side.scored.inputs.cases.institutions})
    ids = [
        _ids(side, fund, codes, number, len(groups)) for side, number in zip(sides, numbers, strict=True)
    ]
    present = np.unique(np.concatenate(ids))
    step(progress, "attribute_cells", 1, 2)
    found = [
        _summed(side, fund, np.searchsorted(present, own), len(present))
        for side, own in zip(sides, ids, strict=True)
    ]
    institution, group = np.divmod(present, len(groups))
    used, institution = np.unique(institution, return_inverse=True)
    kept, group = np.unique(group, return_inverse=True)
    listed = tuple(
        registered[1].get(codes[i]) or registered[0].get(codes[i]) or Institution(codes[i], "", 0)
        for i in used.tolist()
    )
    groups = tuple(groups[i] for i in kept.tolist())
    return _filled(sides, fund, listed, groups, institution.astype(np.int64), group.astype(np.int64), found)


def _groups(sides: tuple[Side, Side], maps: Sequence[CodeMap]) -> tuple[tuple[Group, ...], list[Ints]]:
    """Every group with a score in either year, sorted by category; and each year's index of groups as a place among them.

    A group that goes over into exactly one, and that one comes from it alone, is the same group under another code.
    """
    scored = [
        {code: one for code, one in side.groups.items() if score_of(one) is not None} for side in sides
    ]
    partner = {code: code for code in scored[0] if code in scored[1]}
    standings = [side.scored.inputs.standing for side in sides]
    if standings[0].version != standings[1].version:
        old, new = (
            Entries(one.version, side.scored.inputs.year, tuple(one.groups.values()))
            for one, side in zip(standings, sides, strict=True)
        )
        for tie in relate(old, new, maps=maps):
            if len(tie.old) != 1 or len(tie.new) != 1 or tie.old == tie.new:
                continue
            old_code, new_code = tie.old[0], tie.new[0]
            if old_code in scored[0] and new_code in scored[1]:
                if partner.get(new_code) == new_code:
                    del partner[new_code]  # the same code meant another group in the year before
                partner[old_code] = new_code
    found = [Group("", "", "", "")]
    pairs = [(code, partner.get(code, "")) for code in scored[0]]
    met = {after for _, after in pairs}
    pairs += [("", code) for code in scored[1] if code not in met]
    made: list[Group] = []
    for before, after in pairs:
        entry = scored[1][after] if after else scored[0][before]
        made.append(Group(before, after, place_of(entry).category or entry.dip_code, entry.dip_name))
    made.sort(key=lambda one: (one.category, one.code, one.before))
    found += made
    numbers: list[Ints] = []
    for y, standing in enumerate(standings):
        place = {one.codes[y]: i for i, one in enumerate(found) if one.codes[y]}
        numbers.append(
            np.array([*(place.get(code, NONE) for code in standing.rows.groups), NONE], np.int64)
        )
    return tuple(found), numbers


def _ids(side: Side, fund: str, codes: Sequence[str], number: Ints, groups: int) -> Ints:
    """The cell of each case of the fund."""
    cases = side.scored.inputs.cases
    place = {code: i for i, code in enumerate(codes)}
    own = np.array([place[code] for code in cases.institutions] or [0], np.int64)
    mine = cases.fund == FUNDS.index(fund)
    return own[cases.institution[mine]] * groups + number[cases.group[mine]]


def _summed(side: Side, fund: str, cell: Ints, cells: int) -> _Sums:
    cases = side.scored.inputs.cases
    mine = cases.fund == FUNDS.index(fund)
    rw, k = cases.rw.values[mine], cases.k.values[mine]
    if len(rw) and int(rw.max(initial=0)) * int(k.max(initial=0)) >= 2**62:
        product = np.zeros(cells, object)
        np.add.at(product, cell, rw.astype(object) * k)
    else:
        product = _objects(sums(rw * k, cell, cells))
    return _Sums(
        np.bincount(cell, minlength=cells).astype(np.int64),
        _objects(sums(rw, cell, cells)),
        product,
        _scores(side.scored.scores, np.flatnonzero(mine), cell, cells),
        cases.rw.places,
        cases.k.places,
    )


def _scores(scores: CaseScores, mine: Ints, cell: Ints, cells: int) -> Objects:
    """A pack that does not round the score of a case leaves sums without end; those are taken to twelve decimals."""
    if scores.score is not None:
        scale = 10 ** (PLACES - scores.score.places)
        return _objects([one * scale for one in sums(scores.score.values[mine], cell, cells)])
    assert scores.exact is not None
    totals = [Fraction(0)] * cells
    for at, i in zip(cell.tolist(), mine.tolist(), strict=True):
        totals[at] += scores.exact[i]
    return _objects([int(rounded(one, PLACES) * COARSE) for one in totals])


# -- what stands in for what a year lacks ----------------------------------------------------------------------


def _filled(
    sides: tuple[Side, Side],
    fund: str,
    institutions: tuple[Institution, ...],
    groups: tuple[Group, ...],
    institution: Ints,
    group: Ints,
    found: Sequence[_Sums],
) -> Cells:
    named = np.array([bool(one.code) for one in groups] or [False])[group]
    catalogue = _catalogue(sides, groups, group)
    days: list[Ratio] = []
    coefficient: list[Ratio] = []
    realised: list[Ratio] = []
    for own, c in zip(found, catalogue, strict=True):
        here = own.cases > 0
        n = np.maximum(own.cases, 1).astype(object)
        counted = here & named
        # Cases without a catalogue score: what a special decision gave them stands as realised, of a score and coefficient of 1.
        days.append(_ratio(
            np.where(counted, own.rw * c.under, np.where(named, 1, 0)),
            np.where(counted, n * c.over * 10**own.rw_places, 1),
        ))  # fmt: skip
        # A coefficient of 0 under a score that was decided all the same explains nothing: the score stands as realised.
        blind = (own.rw_k == 0) & (own.score != 0)
        k = _ratio(
            np.where(counted & ~blind, own.rw_k, 1),
            np.where(counted & ~blind, own.rw * 10**own.k_places, 1),
        )
        coefficient.append(k)
        zero = k.over == 0
        under = n * c.over * k.over * COARSE
        realised.append(_ratio(
            np.where(here & ~zero, own.score * c.under * k.under, 1), np.where(here & ~zero, under, 1)
        ))  # fmt: skip
    for y in (0, 1):
        gone = found[y].cases == 0
        other = 1 - y
        _put(coefficient[y], gone, _coefficients(sides, institutions, groups, institution, group, y, gone, coefficient[other]))
        _put(realised[y], gone & named, days[other])
        _put(realised[y], gone & ~named, realised[other])
        _put(days[y], gone, days[other])
    return Cells(
        fund,
        institutions,
        groups,
        institution,
        group,
        (found[0].cases, found[1].cases),
        (catalogue[0], catalogue[1]),
        (coefficient[0], coefficient[1]),
        (realised[0], realised[1]),
        (days[0], days[1]),
        (found[0].score, found[1].score),
        (found[0].rw * (MIDDLE // 10**found[0].rw_places), found[1].rw * (MIDDLE // 10**found[1].rw_places)),
        (
            found[0].rw_k * (MIDDLE // 10 ** (found[0].rw_places + found[0].k_places)),
            found[1].rw_k * (MIDDLE // 10 ** (found[1].rw_places + found[1].k_places)),
        ),
    )


def _catalogue(sides: tuple[Side, Side], groups: Sequence[Group], group: Ints) -> list[Ratio]:
    """That year's score, else the other year's; 1 without any."""
    scores = [
        [score_of(side.groups.get(one.codes[y])) if one.codes[y] else None for one in groups]
        for y, side in enumerate(sides)
    ]
    found: list[Ratio] = []
    for y in (0, 1):
        own = [one or other or Fraction(1) for one, other in zip(scores[y], scores[1 - y], strict=True)]
        found.append(
            Ratio(
                _objects([one.numerator for one in own])[group],
                _objects([one.denominator for one in own])[group],
            )
        )
    return found


def _coefficients(
    sides: tuple[Side, Side],
    institutions: Sequence[Institution],
    groups: Sequence[Group],
    institution: Ints,
    group: Ints,
    y: int,
    gone: np.ndarray,
    other: Ratio,
) -> Ratio:
    """What the year's rule would apply to a case of a cell that has none: 1 for a primary-care group where the pack says so,
    the group's own for the level where the pack says so, the institution's on 31 December, else the other year's."""
    rule = sides[y].scored.rule
    entries = [
        sides[y].groups.get(one.codes[y]) or sides[1 - y].groups.get(one.codes[1 - y]) for one in groups
    ]
    over, under = other.over.copy(), other.under.copy()
    for row in np.flatnonzero(gone).tolist():
        entry, one = entries[group[row]], institutions[institution[row]]
        value: Fraction | None = None
        if entry is None or (entry.primary_care and not rule.primary_care_coefficient):
            value = Fraction(1)
        elif rule.disease_level_coefficient and one.level:
            value = entry.coefficients[one.level - 1]
        if value is None:
            value = sides[y].k.get(one.code)
        if value is not None:
            over[row], under[row] = value.numerator, value.denominator
    return Ratio(over, under)


def _put(into: Ratio, where: np.ndarray, values: Ratio) -> None:
    into.over[where] = values.over[where]
    into.under[where] = values.under[where]


def _ratio(over: Objects, under: Objects) -> Ratio:
    """In lowest terms, so that what is equal is short and looks equal."""
    over, under = _objects(over.tolist()), _objects(under.tolist())
    common = np.maximum(np.gcd(over, under), 1) if len(over) else over
    return Ratio(over // common, under // common) if len(over) else Ratio(over, under)


def _objects(values: Sequence[int]) -> Objects:
    cells = np.empty(len(values), object)
    cells[:] = values
    return cells
