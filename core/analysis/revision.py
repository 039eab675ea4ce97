"""What going from one version of the catalogue to another is worth on a year's cases, in points and in yuan.

Both sides are whole clearings of the same cases, by the same stages, coefficients, budget and rule: only the catalogue
differs. The pool is closed, so the point value is computed anew on either side: what one institution gains others lose,
and the sum of what is due moves only as the fund available less the residual does.

An amount moves for two reasons that are kept apart: other points at the old point value (`points_effect`), and all points
at another point value (`value_effect`). What is then left is own payments that left with a case, and rounding.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.analysis import carrying
from core.analysis.carrying import GROUPED, KEPT, LOST, WAYS, Carried
from core.catalogue import library
from core.catalogue.entries import CodeMap, Entries
from core.catalogue.lineage import Relation, relate
from core.faults import Refused, Usage
from core.findings import Finding
from core.money import plain
from core.progress import SILENT, Progress, step
from core.rules.cases import FUNDS, Index, Small
from core.rules.sheet import Clearing
from core.settlement import annual, gather
from core.settlement import grouping as own_grouping
from core.settlement import year as years
from core.settlement.annual import Scored
from core.settlement.arrivals import frozen
from core.settlement.doubts import ordered
from core.settlement.exact import sums
from core.settlement.given import read as read_given
from core.settlement.groups import Version
from core.settlement.standing import Grouped, Standing, stand
from core.settlement.year import BY_ITEM, Year

if TYPE_CHECKING:
    from core.rules.circular import Pack
    from core.storage.workspace import Workspace
    from core.worksheet import Worksheet


@dataclass(frozen=True)
class Side:
    """One version's clearing, case by case over all rows of the year.

    entry: index into entries.rows, -1 without group. way: index into carrying.WAYS, None with own grouping. here: whether
    the case is in the scores. points: case scores times 10**places, or Fractions where the pack does not round
    (places 0). source: where the reference mean is from.
    """

    entries: Entries
    clearing: Clearing
    scored: Scored
    entry: Index
    way: Small | None
    here: NDArray[np.bool_]
    points: NDArray[Any]
    places: int
    source: Small

    @property
    def version(self) -> str:
        return self.entries.version

    def point_value(self, fund: str) -> Fraction:
        return self.clearing.fund(fund).region.get("point_value", Fraction(0))


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a fund under both versions. id: a step of the pack, or `cases`, `ungrouped`, `due`, `final`."""

    fund: str
    id: str
    unit: str
    places: int | None
    old: Fraction
    new: Fraction

    @property
    def change(self) -> Fraction:
        return self.new - self.old


@dataclass(frozen=True, slots=True)
class Scale:
    """What whole numbers of points and of yuan are over; 1 where they are Fractions."""

    points: int
    yuan: int


@dataclass(frozen=True, slots=True)
class Amounts:
    """Points and yuan of some cases under both versions; yuan are points times the fund's point value, exact.

    cases_old, cases_new: cases that are there under each; equal for a move. at_old: the new points at the old point value.
    Kept as whole numbers over one scale, so that thousands of groups add up quickly.
    """

    scale: Scale
    cases_old: int
    cases_new: int
    old: Any
    new: Any
    yuan_old: Any
    yuan_new: Any
    at_old: Any

    def __add__(self, other: Amounts) -> Amounts:
        return Amounts(
            self.scale,
            self.cases_old + other.cases_old,
            self.cases_new + other.cases_new,
            self.old + other.old,
            self.new + other.new,
            self.yuan_old + other.yuan_old,
            self.yuan_new + other.yuan_new,
            self.at_old + other.at_old,
        )

    @property
    def points_old(self) -> Fraction:
        return Fraction(self.old, self.scale.points)

    @property
    def points_new(self) -> Fraction:
        return Fraction(self.new, self.scale.points)

    @property
    def points_change(self) -> Fraction:
        return Fraction(self.new - self.old, self.scale.points)

    @property
    def amount_old(self) -> Fraction:
        return Fraction(self.yuan_old, self.scale.yuan)

    @property
    def amount_new(self) -> Fraction:
        return Fraction(self.yuan_new, self.scale.yuan)

    @property
    def amount_change(self) -> Fraction:
        return Fraction(self.yuan_new - self.yuan_old, self.scale.yuan)

    @property
    def points_effect(self) -> Fraction:
        """Other points at the old point value."""
        return Fraction(self.at_old - self.yuan_old, self.scale.yuan)

    @property
    def value_effect(self) -> Fraction:
        """All points at another point value."""
        return Fraction(self.yuan_new - self.at_old, self.scale.yuan)

    def left(self) -> Amounts:
        """What of a move belongs to the group that the cases left."""
        return Amounts(self.scale, self.cases_old, 0, self.old, 0, self.yuan_old, 0, 0)

    def came(self) -> Amounts:
        """What of a move belongs to the group that they came to."""
        return Amounts(self.scale, 0, self.cases_new, 0, self.new, 0, self.yuan_new, self.at_old)


@dataclass(frozen=True)
class Revision:
    """See the module. home: the version whose codes the cases state, "" with own grouping.

    moves: (old code, new code) -> cases, "" for no group. pairs: the same with points and yuan. relations: every group of
    both versions once. counted: rows of the year that the comparison is about (of its funds, not paid by item by decision).
    """

    year: int
    pack: Pack
    grouping: str
    set_name: str
    synthetic: bool
    home: str
    rows: Year
    before: Side
    after: Side
    counted: NDArray[np.bool_]
    figures: tuple[Figure, ...]
    relations: tuple[Relation, ...]
    moves: Mapping[tuple[str, str], int]
    pairs: Mapping[tuple[str, str], Amounts]
    ways: Mapping[str, Mapping[str, int]]
    findings: tuple[Finding, ...]

    @property
    def old(self) -> str:
        return self.before.version

    @property
    def new(self) -> str:
        return self.after.version

    @property
    def funds(self) -> tuple[str, ...]:
        return tuple(sheet.fund for sheet in self.before.clearing.funds)

    def figure(self, fund: str, id: str) -> Figure:
        return next(one for one in self.figures if (one.fund, one.id) == (fund, id))

    def region(self, lang: str = "") -> Worksheet:
        """Fund by fund the figures of the region, old, new, change."""
        return _sheets().region(self, lang)

    def institutions(self, lang: str = "") -> Worksheet:
        """By fund and institution: cases, points, due and final under both, and why what is due moved."""
        return _sheets().institutions(self, lang)

    def groups(self, lang: str = "") -> Worksheet:
        """A row a relation: cases, points and yuan under both."""
        return _sheets().groups(self, lang)

    def moved(self, lang: str = "") -> Worksheet:
        """A row a pair of old and new group that cases go between, those that stay in their group too."""
        return _sheets().moved(self, lang)

    def cases(self, lang: str = "", *, every: bool = False) -> Worksheet:
        """Case by case: those whose group has another code under the new version; with `every` those whose score changes
        too."""
        return _sheets().cases(self, lang, every)

    def worksheets(self, lang: str = "") -> tuple[Worksheet, ...]:
        """All of it, for export."""
        return _sheets().all_of(self, lang)


def _sheets() -> Any:
    from core.analysis import revision_sheets

    return revision_sheets


def worth(
    workspace: Workspace,
    year: int,
    pack: Pack,
    old: str,
    new: str,
    *,
    grouping: str = "official",
    set_name: str | None = None,
    funds: Sequence[str] = FUNDS,
    progress: Progress = SILENT,
) -> Revision:
    """The year's cases cleared under both versions; nothing is stored.

    official: see `carrying`. own: every case grouped by the pack's rule under either version.
    Refused: "blocked" as for a clearing, "grouping_missing" (own), "catalogue_unknown", "revision_failed" with the
    version under which a step cannot be computed.
    """
    if grouping not in gather.GROUPINGS:
        raise Usage("grouping_unknown", what=grouping, known=", ".join(gather.GROUPINGS))
    connection = workspace.reader()
    with gather.snapshot(connection):
        for name in (old, new):
            library.choose(connection, year, name)
        versions = [gather.version_of(workspace, connection, year, name) for name in (old, new)]
        maps = [one for system in carrying.SYSTEMS for one in library.code_maps(connection, system)]
        rows = gather.rows_for(workspace, connection, year, pack.case, versions, progress)
        home = ""
        standings: list[Standing] = []
        carried: tuple[Carried | None, Carried | None] = (None, None)
        if grouping == "own":
            standings = [
                gather.standing_of(workspace, connection, year, pack, name, "own", progress) for name in (old, new)
            ]
        else:
            under = _Official(workspace, pack, rows, versions, maps, progress)
            home, standings, carried = under.home.version, under.standings(), under.carried
        sides = [
            _side(
                pack,
                gather.assemble(read_given(workspace, connection, year, funds, set_name), pack, standing, funds),
                version.entries,
                rows,
                under_it,
                progress,
            )
            for standing, version, under_it in zip(standings, versions, carried, strict=True)
        ]
    step(progress, "revision", 0)
    return _compared(workspace, year, pack, grouping, home, rows, sides[0], sides[1], maps)


# The last answer, with what it is of; the rows are not kept alive by it.
_carried: list[tuple[ref[Year], tuple[Entries, Entries], tuple[object, ...], tuple[Carried, Carried]]] = []


class _Official:
    """The standings of both versions by the codes that the cases state."""

    def __init__(
        self,
        workspace: Workspace,
        pack: Pack,
        rows: Year,
        versions: Sequence[Version],
        maps: Sequence[CodeMap],
        progress: Progress,
    ) -> None:
        self.workspace, self.connection, self.pack, self.progress = workspace, workspace.reader(), pack, progress
        self.rows, self.versions = rows, versions
        old, new = (version.entries for version in versions)
        self.home = carrying.home_of(rows, old, new)
        other = new if self.home is old else old
        asked = carrying.asked_of(workspace, self.connection, pack, rows, versions, progress)
        found = self.remembered(other, maps, asked)
        self.carried = found if self.home is old else (found[1], found[0])

    def remembered(
        self, other: Entries, maps: Sequence[CodeMap], asked: carrying.Asked | None
    ) -> tuple[Carried, Carried]:
        """The last answer again where the same rows, versions, maps and rule are asked for."""
        versions = (self.home, other)
        rule = (tuple(maps), self.pack.hash, tuple(sorted(self.pack.changed.items())), asked is None)
        for rows, kept, kept_rule, found in _carried:
            same = rows() is self.rows and all(a is b for a, b in zip(kept, versions, strict=True))
            if same and kept_rule == rule:
                return found
        found = carrying.carry(self.rows, self.home, other, maps, asked)
        _carried[:] = [(ref(self.rows), versions, rule, found)]
        return found

    def standings(self) -> list[Standing]:
        return [self._of(version, under) for version, under in zip(self.versions, self.carried, strict=True)]

    def _of(self, version: Version, under: Carried) -> Standing:
        """The clearing's own standing where each case keeps the code that it states."""
        rows, connection, year = self.rows, self.connection, self.rows.number
        stated = np.array([version.entries.by_code.get(code, -1) for code in rows.rows.groups] + [-1], np.int32)
        if version.entries is self.home and np.array_equal(stated[rows.rows.group], under.entry):
            return gather.standing_of(
                self.workspace, connection, year, self.pack, version.name, "official", self.progress
            )
        index, codes = under.entry, [one.dip_code for one in version.entries.rows]
        used, place = own_grouping.used(index, codes)
        key = (
            "carried",
            str(self.workspace.path),
            self.workspace.created,
            self.workspace.region,
            year,
            version.name,
            hashlib.sha256(place.tobytes() + "|".join(used).encode()).hexdigest(),
            *gather.what_counts(self.pack.case),
        )

        def made() -> Standing:
            fees = years.fees(self.workspace, connection, rows, self.progress)
            given = carrying.carried_given(rows, under.codes, version.entries)
            return stand(
                given,
                version,
                Grouped("carried", used, place),
                self.pack.case,
                partial(carrying.carried_fees, fees, under.codes, version.entries),
            )

        return gather.remembered(connection, key, made)


def _side(
    pack: Pack,
    inputs: gather.Inputs,
    entries: Entries,
    rows: Year,
    under: Carried | None,
    progress: Progress,
) -> Side:
    scored = annual.score_inputs(inputs, pack.case, progress)
    standing = inputs.standing
    n, stay = len(rows.rows), standing.stay
    if under is not None:
        entry = under.entry
    else:
        # Cases that left the scores keep their group here: the standing's rows are only those that stayed.
        place = np.array([entries.by_code.get(code, -1) for code in standing.grouped.groups] + [-1], np.int32)
        entry = place[standing.grouped.index]
    here = np.zeros(n, bool)
    here[stay] = True
    source = np.zeros(n, np.int8)
    source[stay] = standing.source
    places = 0
    if scored.scores.score is not None:
        points: NDArray[Any] = np.zeros(n, np.int64)
        points[stay], places = scored.scores.score.values, scored.scores.score.places
    else:
        points = np.full(n, Fraction(0), dtype=object)
        points[stay] = np.array([*(scored.scores.exact or ()), None], dtype=object)[:-1]
    for values in (entry, here, source, points):
        frozen(values)
    way = under.way if under is not None else None
    try:
        clearing = annual.sheets(pack, scored)
    except Refused as refused:
        raise Refused("revision_failed", refused.findings, version=entries.version) from refused
    return Side(entries, clearing, scored, entry, way, here, points, places, source)


def _compared(
    workspace: Workspace,
    year: int,
    pack: Pack,
    grouping: str,
    home: str,
    rows: Year,
    before: Side,
    after: Side,
    maps: Sequence[CodeMap],
) -> Revision:
    funds = [sheet.fund for sheet in before.clearing.funds]
    counted = np.isin(rows.rows.fund, [FUNDS.index(fund) for fund in funds]) & (rows.special != BY_ITEM)
    pairs, moves = _pairs(rows, before, after, counted, funds)
    relations = relate(before.entries, after.entries, moves=moves, maps=maps)
    ways = {
        name: carrying.counted(side.way, counted)
        for name, side in (("old", before), ("new", after))
        if side.way is not None
    }
    figures = tuple(one for fund in funds for one in _figures(pack, fund, rows, before, after, counted))
    found = Revision(
        year,
        pack,
        grouping,
        before.clearing.stamps.set_name,
        workspace.synthetic,
        home,
        rows,
        before,
        after,
        counted,
        figures,
        tuple(relations),
        moves,
        pairs,
        ways,
        (),
    )
    return replace(found, findings=ordered(_findings(found)))


def _pairs(
    rows: Year, before: Side, after: Side, counted: NDArray[np.bool_], funds: Sequence[str]
) -> tuple[dict[tuple[str, str], Amounts], dict[tuple[str, str], int]]:
    """Cases, points and yuan by old and new group, "" for none."""
    width = len(after.entries) + 1
    key = (before.entry.astype(np.int64) + 1) * width + after.entry + 1
    number, distinct = pd.factorize(key[counted], sort=True)
    spots = len(distinct) * len(FUNDS)
    place = number.astype(np.int64) * len(FUNDS) + rows.rows.fund[counted]
    cases = np.bincount(place, minlength=spots).reshape(-1, len(FUNDS)).sum(axis=1).tolist()
    both = (before, after)
    here = [np.bincount(place[side.here[counted]], minlength=spots).tolist() for side in both]
    points = [_whole(side, counted, place, spots, max(one.places for one in both)) for side in both]
    values = [[side.point_value(fund) if fund in funds else Fraction(0) for fund in FUNDS] for side in both]
    common = math.lcm(*(value.denominator for line in values for value in line))
    scale = Scale(10 ** max(one.places for one in both), 10 ** max(one.places for one in both) * common)
    old_value, new_value = ([int(value * common) for value in line] for line in values)
    codes = [["", *(one.dip_code for one in side.entries.rows)] for side in both]
    pairs: dict[tuple[str, str], Amounts] = {}
    moves: dict[tuple[str, str], int] = {}
    each = range(len(FUNDS))
    for i, one in enumerate(np.asarray(distinct).tolist()):
        at = i * len(FUNDS)
        pair = codes[0][one // width], codes[1][one % width]
        moves[pair] = cases[i]
        pairs[pair] = Amounts(
            scale,
            sum(here[0][at + f] for f in each),
            sum(here[1][at + f] for f in each),
            sum(points[0][at + f] for f in each),
            sum(points[1][at + f] for f in each),
            sum(points[0][at + f] * old_value[f] for f in each),
            sum(points[1][at + f] * new_value[f] for f in each),
            sum(points[1][at + f] * old_value[f] for f in each),
        )
    return pairs, moves


def _whole(side: Side, counted: NDArray[np.bool_], place: NDArray[np.int64], size: int, places: int) -> list[Any]:
    """Points by place over 10**places, or Fractions where the pack does not round (places is 0 then)."""
    if side.points.dtype != object:
        return [one * 10 ** (places - side.places) for one in sums(side.points[counted], place, size)]
    found = np.full(size, Fraction(0), dtype=object)
    np.add.at(found, place, side.points[counted])
    return [one * 10**places for one in found.tolist()]


def _figures(
    pack: Pack, fund: str, rows: Year, before: Side, after: Side, counted: NDArray[np.bool_]
) -> list[Figure]:
    """Cases first, then the pack's region steps in their order, then sums of what is due and to be paid."""
    of_fund = counted & (rows.rows.fund == FUNDS.index(fund))

    def number(id: str, values: Sequence[int]) -> Figure:
        return Figure(fund, id, "cases", 0, Fraction(values[0]), Fraction(values[1]))

    both = (before, after)
    sheets = [side.clearing.fund(fund) for side in both]
    figures = [
        number("cases", [int((of_fund & side.here).sum()) for side in both]),
        number("ungrouped", [int((of_fund & (side.entry < 0)).sum()) for side in both]),
        number("without_mean", [int((of_fund & side.here & (side.source == 0)).sum()) for side in both]),
    ]
    for one in pack.scope("region"):
        figures.append(
            Figure(fund, one.id, one.unit, one.places, sheets[0].region[one.id], sheets[1].region[one.id])
        )
    for id in ("gross", "due", "final"):
        if all(id in sheet.values for sheet in sheets):
            totals = [sum(sheet.values[id], Fraction(0)) for sheet in sheets]
            figures.append(Figure(fund, id, "yuan", 2, totals[0], totals[1]))
    return figures


def _findings(found: Revision) -> list[Finding]:
    """What both clearings say, named by their version; what was carried, and what could not be; how the pool closes."""
    said: list[Finding] = []
    versions = {"old": found.old, "new": found.new}
    if found.home:
        other = found.new if found.home == found.old else found.old
        said.append(Finding("revision_home", "note", value=found.home, values={"other": other}))
    for which, side in (("old", found.before), ("new", found.after)):
        if side.way is None:
            continue
        for way in (GROUPED, KEPT, LOST):
            cases = found.ways[which][WAYS[way]]
            if cases:
                fee = int(found.rows.rows.fee[found.counted & (side.way == way)].sum())
                said.append(
                    Finding(
                        f"revision_{WAYS[way]}",
                        "note" if way == GROUPED else "warning",
                        subject=side.version,
                        value=str(cases),
                        values={"amount": plain(Fraction(fee, 100), 2)},
                    )
                )
    redefined = {one.old[0] for one in found.relations if one.change == "redefined"}
    if found.home and redefined:
        cases = sum(n for (old, _), n in found.moves.items() if old in redefined)
        if cases:
            values = {**versions, "groups": str(len(redefined))}
            said.append(Finding("revision_redefined", "note", value=str(cases), values=values))
    both = found.counted & found.before.here & found.after.here
    moved = int((both & (found.before.source != found.after.source)).sum())
    if moved:
        said.append(Finding("revision_means", "warning", value=str(moved), values=versions))
    for fund in found.funds:
        due, available, residual = (
            _change(found, fund, id) for id in ("due", "fund_available", "residual")
        )
        said.append(
            Finding(
                "revision_closes" if due == available - residual else "revision_open",
                "note" if due == available - residual else "warning",
                subject=fund,
                value=plain(due),
                values={"available": plain(available), "residual": plain(residual)},
            )
        )
    for side in (found.before, found.after):
        said += [
            replace(one, values={**one.values, "version": side.version})
            for one in side.clearing.findings
            if one.code in ("point_value_not_positive", "bed_day_without_days", "operations_without_attribute")
        ]
    return said


def _change(found: Revision, fund: str, id: str) -> Fraction:
    return next((one.change for one in found.figures if (one.fund, one.id) == (fund, id)), Fraction(0))
