"""A disease group's page: its past over the versions, its cases by year, how their cost spreads, who treats them.

A case counts for the group that the bureau states for it, when a clearing would count it: net of refunds, in scope. Any
group's figures are a slice of its year (`group_year`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core.analysis import group_sheets, group_year
from core.analysis.group_year import PERCENTILES, Figures, GroupYear, Ints
from core.catalogue import library, spread
from core.catalogue.entries import UNBANDED, Band, Entries, Entry
from core.catalogue.lineage import By, Change, Relation, relate
from core.faults import Refused
from core.money import round_ratio
from core.progress import SILENT, Progress, step
from core.rules.bands import AGE, ICU, age_bands, ages, dates, icu_bands, said_in
from core.settlement.arrivals import frozen
from core.storage.contents import contents
from core.worksheet import Worksheet

if TYPE_CHECKING:
    from core.storage.workspace import Workspace

BINS = 30  # of a histogram, at most
_HERE = Path(__file__)
_CASES = _HERE.with_name("group_cases.sql").read_text("utf-8")
_PERSONS = _HERE.with_name("group_persons.sql").read_text("utf-8")

@dataclass(frozen=True, slots=True)
class Spread:
    """Fees of a group's cases, fen. percentiles: by linear interpolation, to the fen.

    edges, counts: a histogram, counts[i] cases from edges[i] up to below edges[i + 1]; `beyond` more lie above the
    last edge. fees: all of them, ascending.
    """

    cv: Fraction | None
    percentiles: Mapping[int, int]
    edges: tuple[int, ...]
    counts: tuple[int, ...]
    beyond: int
    fees: Ints = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class YearLine:
    """A group's cases in one year. codes: the group's keys in that year. mean: fen, None without cases.

    days: mean stay over the `stayed` cases that state one. drug_share, consumable_share: of the cost of the cases that
    state that part; None where none does.
    """

    year: int
    codes: tuple[str, ...]
    cases: int
    total: int
    mean: int | None
    days: Fraction | None
    stayed: int
    drug_share: Fraction | None
    consumable_share: Fraction | None
    spread: Spread | None


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """The group in one version: none, one or several entries. change, by: how they and the group in hand belong
    together, from the earlier version to the later one; "here" is the version in hand."""

    version: str
    year: int
    state: str
    entries: tuple[Entry, ...]
    change: Change | str
    by: By | str


@dataclass(frozen=True, slots=True)
class InstitutionLine:
    """Who treated the group in the year. share: of its cases. ratio: own mean to the group's mean."""

    code: str
    name: str
    level: int
    cases: int
    mean: int
    share: Fraction
    ratio: Fraction | None
    days: Fraction | None


@dataclass(frozen=True, slots=True)
class BandLine:
    """An auxiliary band. cases: of the year that it fits, mean: of these, fen; taken: where it is the largest that does."""

    band: Band
    cases: int
    taken: int
    mean: int | None


@dataclass(frozen=True, slots=True)
class GroupProfile:
    """What a group's page shows. year: whose institutions and bands these are. history, years: ascending."""

    version: str
    year: int
    entry: Entry
    history: tuple[HistoryLine, ...]
    years: tuple[YearLine, ...]
    institutions: tuple[InstitutionLine, ...]
    bands: tuple[BandLine, ...]

    def line(self, year: int) -> YearLine | None:
        return next((one for one in self.years if one.year == year), None)


def year_figures(workspace: Workspace, year: int, progress: Progress = SILENT) -> Mapping[str, Figures]:
    """Every group that has cases in the year, by its code."""
    return group_year.of(workspace, year, progress).figures


def profile(
    workspace: Workspace, dip_code: str, version: str, progress: Progress = SILENT, *, year: int | None = None
) -> GroupProfile:
    """A group of a version. year: of institutions and bands; else the version's own, or the newest with cases.

    Refused: catalogue_unknown, group_unknown.
    """
    connection = workspace.reader()
    memory = _memory(workspace)
    held = memory.entries(workspace, version)
    entry = held.get(dip_code)
    if entry is None:
        raise Refused("group_unknown", group=dip_code, version=version)
    there = library.versions(connection)
    history = tuple(_history(workspace, memory, held, entry, there, progress))
    lines: list[YearLine] = []
    for number in contents(connection).years:
        own = group_year.of(workspace, number, progress)
        codes = _codes_of(history, number) or (dip_code,)
        lines.append(_year_line(own, codes))
    counted = [line.year for line in lines if line.cases]
    if year is None:
        year = held.year if held.year in counted or not counted else counted[-1]
    codes = next((line.codes for line in lines if line.year == year), (dip_code,))
    own = group_year.of(workspace, year, progress)
    rows = own.rows_of(codes)
    registered = {
        code: (name, level)
        for code, name, level in connection.execute(
            "SELECT fixmedins_code, fixmedins_name, hosp_lv FROM institution"
        )
    }
    bands = [band for band in library.bands(connection, version, held.year) if band.dip_code == dip_code]
    return GroupProfile(
        version,
        year,
        entry,
        history,
        tuple(lines),
        tuple(_institutions(own, rows, registered)),
        tuple(_bands(workspace, own, rows, bands, entry)),
    )


def cases(workspace: Workspace, dip_code: str | Sequence[str], year: int, progress: Progress = SILENT) -> Worksheet:
    """The cases of a group in a year, by institution, then settlement; keys are the settlements.

    Several codes where the group went by several in that year (`YearLine.codes`).
    """
    own = group_year.of(workspace, year, progress)
    rows = own.rows_of((dip_code,) if isinstance(dip_code, str) else tuple(dip_code))
    ids = json.dumps(own.case_id[rows].tolist())
    found = workspace.reader().execute(_CASES, {"ids": ids}).fetchall()
    return group_sheets.cases(found)


# -- what is kept while the ledger stands ------------------------------------------------------------------


class _Memory:
    """What was read while the ledger stood at one line."""

    def __init__(self, generation: str) -> None:
        self.generation = generation
        self._entries: dict[str, Entries] = {}
        self._relations: dict[tuple[str, str], Sequence[Relation]] = {}

    def entries(self, workspace: Workspace, version: str) -> Entries:
        if version not in self._entries:
            self._entries[version] = library.entries(workspace.reader(), version)
        return self._entries[version]

    def relations(self, workspace: Workspace, old: Entries, new: Entries) -> Sequence[Relation]:
        key = old.version, new.version
        if key not in self._relations:
            connection = workspace.reader()
            maps = [one for system in ("diagnosis", "operation", "group") for one in library.code_maps(connection, system)]
            self._relations[key] = relate(old, new, maps=maps)
        return self._relations[key]


_kept: dict[Path, _Memory] = {}


def forget() -> None:
    """Drop what is kept."""
    _kept.clear()
    group_year.forget()


def _memory(workspace: Workspace) -> _Memory:
    generation = workspace.generation()
    memory = _kept.get(workspace.path)
    if memory is None or memory.generation != generation:
        _kept.clear()  # one workspace at a time
        memory = _kept[workspace.path] = _Memory(generation)
    return memory


# -- lines -------------------------------------------------------------------------------------------------


def _history(
    workspace: Workspace,
    memory: _Memory,
    held: Entries,
    entry: Entry,
    there: Sequence[library.Version],
    progress: Progress,
) -> Iterable[HistoryLine]:
    """The group in every version, earlier ones first; each held against the version in hand."""
    names = [one.name for one in there]
    here = names.index(held.version)
    for at, version in enumerate(there):
        step(progress, "profile_versions", at, len(there))
        if at == here:
            yield HistoryLine(version.name, version.year, version.state, (entry,), "here", "")
            continue
        other = memory.entries(workspace, version.name)
        old, new = (other, held) if at < here else (held, other)
        relation = next(
            relation for relation in memory.relations(workspace, old, new)
            if entry.dip_code in (relation.new if at < here else relation.old)
        )
        codes = relation.old if at < here else relation.new
        found = tuple(one for one in map(other.get, codes) if one is not None)
        yield HistoryLine(version.name, version.year, version.state, found, relation.change, relation.by if found else "")


def _codes_of(history: Sequence[HistoryLine], year: int) -> tuple[str, ...]:
    """The group's keys in a year: the version in hand if it is of that year, else those in force then."""
    lines = [line for line in history if line.year == year]
    own = [line for line in lines if line.change == "here"]
    chosen = own or [line for line in lines if line.state != library.DRAFT]
    return tuple(sorted({entry.dip_code for line in chosen for entry in line.entries}))


def _year_line(own: GroupYear, codes: tuple[str, ...]) -> YearLine:
    rows = own.rows_of(codes)
    fee, days = own.fee[rows], own.days[rows]
    total = sum(fee.tolist())
    stayed = days[days >= 0]
    return YearLine(
        own.year,
        codes,
        len(rows),
        total,
        round_ratio(total, len(rows)) if len(rows) else None,
        Fraction(int(stayed.sum()), len(stayed)) if len(stayed) else None,
        len(stayed),
        _share(own.drug[rows], fee),
        _share(own.consumable[rows], fee),
        _spread(np.sort(fee)) if len(rows) else None,
    )


def _share(part: Ints, fee: Ints) -> Fraction | None:
    stated = part >= 0
    whole = sum(fee[stated].tolist())
    return Fraction(sum(part[stated].tolist()), whole) if whole > 0 else None


def _spread(fees: Ints) -> Spread:
    """Of fees in ascending order, at least one."""
    listed: list[int] = fees.tolist()
    total = sum(listed)
    percentiles = {share: _percentile(listed, share) for share in PERCENTILES}
    top = min(listed[-1], 2 * percentiles[95]) if percentiles[95] > 0 else listed[-1]
    width = _nice(max(1, top))
    low = min(0, listed[0] // width)
    edges = tuple(range(low * width, (top // width + 2) * width, width))
    at = np.searchsorted(fees, np.array(edges), side="left")
    return Spread(
        spread.cv(len(listed), total, sum(fee * fee for fee in listed)) if len(listed) > 1 else None,
        percentiles,
        edges,
        tuple(np.diff(at).tolist()),
        len(listed) - int(at[-1]),
        frozen(fees),
    )


def _percentile(ascending: Sequence[int], share: int) -> int:
    """By linear interpolation at place (n - 1) share / 100, rounded to the fen."""
    whole, rest = divmod((len(ascending) - 1) * share, 100)
    below = ascending[whole]
    above = ascending[min(whole + 1, len(ascending) - 1)]
    return round_ratio(below * 100 + rest * (above - below), 100)


def _nice(top: int) -> int:
    """The least width of 1, 2 or 5 times a power of ten yuan that takes at most BINS bins up to `top` fen."""
    width = 100
    while True:
        for factor in (1, 2, 5):
            if width * factor * BINS > top:
                return width * factor
        width *= 10


def _institutions(
    own: GroupYear, rows: NDArray[np.intp], registered: Mapping[str, tuple[str, int]]
) -> Iterable[InstitutionLine]:
    """Those with most cases first, then by code."""
    if not len(rows):
        return
    place, fee, days = own.institution[rows], own.fee[rows], own.days[rows]
    count = len(rows)
    total = sum(fee.tolist())
    lines: list[InstitutionLine] = []
    for at in np.unique(place).tolist():
        mine = place == at
        n, whole = int(mine.sum()), sum(fee[mine].tolist())
        stayed = days[mine & (days >= 0)]
        name, level = registered.get(own.institutions[at], ("", 0))
        lines.append(
            InstitutionLine(
                own.institutions[at],
                name,
                level,
                n,
                round_ratio(whole, n),
                Fraction(n, count),
                Fraction(whole * count, n * total) if total else None,
                Fraction(int(stayed.sum()), len(stayed)) if len(stayed) else None,
            )
        )
    yield from sorted(lines, key=lambda line: (-line.cases, line.code))


def _bands(
    workspace: Workspace, own: GroupYear, rows: NDArray[np.intp], bands: Sequence[Band], entry: Entry
) -> Iterable[BandLine]:
    """Every band of the group, with the year's cases that it fits."""
    if not bands:
        return
    ids = json.dumps(own.case_id[rows].tolist())
    found = workspace.reader().execute(_PERSONS, {"ids": ids}).fetchall()
    born, admitted = (dates([line[at] for line in found]) for at in (0, 1))
    age, newborn = (np.array([line[at] for line in found], np.int64) for at in (2, 3))
    aged = age_bands(*ages(born, admitted, age, newborn)).tolist()
    cared = icu_bands(np.array([line[4] for line in found], np.int64)).tolist()
    by_key = {(band.type, band.band): band for band in bands}
    fits: dict[tuple[str, str], list[int]] = {key: [] for key in by_key}
    taken = dict.fromkeys(by_key, 0)
    for of_age, of_icu, (*_, detail, fee) in zip(aged, cared, found, strict=True):
        said = set(said_in(detail))
        if of_age >= 0:
            said.add(("age", AGE[of_age]))
        if of_icu >= 0:
            said.add(("icu_days", ICU[of_icu]))
        here = [by_key[key] for key in said if key in by_key]
        for band in here:
            fits[band.type, band.band].append(fee)
        if here and entry.kind not in UNBANDED:
            most = max(band.factor for band in here)
            best = min((band.type, band.band) for band in here if band.factor == most)
            taken[best] += 1
    for key, band in sorted(by_key.items()):
        n = len(fits[key])
        yield BandLine(band, n, taken[key], round_ratio(sum(fits[key]), n) if n else None)
