"""Scores of several years on one version of the catalogue, so that like is compared with like; and what changed when.

Each case of a year goes to its group under the version as `carrying` takes it there: by the lineage of the year's own
catalogue and that one, and by the pack's rule where the lineage leaves it open. Its catalogue score is then the version's
(`base_score`), and its score the one that it was given, times new catalogue score over old (`score`): coefficients, deviation
and auxiliary factors stay those of its year. A score that was decided on for the single case stays as it is, and so does
that of a case without a score in its own year's catalogue. A case whose group has no score under the version cannot be
carried: it is not in the re-based figures and is counted (`uncarried`, and what it scored, `uncarried_score`). The
years whose own catalogue is the version have the figures of the plain series, to the last digit.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.analysis import carrying, measures
from core.analysis.measured_rows import MONTHS, SPOTS, Table, shaped
from core.analysis.measured_scores import SCORE_PLACES, scored_cases
from core.analysis.measures import Monthly
from core.catalogue import library
from core.findings import Finding
from core.money import plain, round_ratio, rounded
from core.progress import SILENT, Progress, step
from core.rules.cases import FUNDS, SPECIAL_ADJUSTED, CaseScores, Ints
from core.settlement import coefficients, gather, groups
from core.settlement.arrivals import Arrivals, frozen, iso_day
from core.settlement.exact import places_of, scaled, sums
from core.settlement.groups import Version, score_of
from core.settlement.standing import Standing
from core.settlement.usual_pack import usual
from core.settlement.year import LIGHT, LIGHT_KINDS, Mark, mark, untouched

if TYPE_CHECKING:
    from core.rules.circular import Pack
    from core.storage.workspace import Workspace
    from core.texts import Texts

# weight and grouped, of which CMI is made, count cases that are paid by item too, as the indicator does.
NAMES = ("score", "base_score", "scored", "weight", "grouped", "uncarried", "uncarried_score")  # beside `cases`, all of them
_PLAIN = ("cases", "score", "base_score", "scored", "weight", "grouped")
_EXACT = 12  # decimals of what one pair of catalogue scores adds to a sum
_COEFFICIENTS = {"coefficient", "coefficient_set"}
KEPT = 16  # years on a version, the oldest go first
_kept: dict[tuple[object, ...], tuple[Mark, Table]] = {}


def forget() -> None:
    """Drop what is kept."""
    _kept.clear()


def rebased(
    workspace: Workspace,
    years: Sequence[int],
    version: str,
    *,
    pack: Pack,
    set_name: str | None = None,
    progress: Progress = SILENT,
) -> Monthly:
    """NAMES by institution, fund and month, on the version. Sums of scores are exact to SCORE_PLACES where new over old does
    not end in decimals. A year that has no plain scores has none here (`lacking`). Refused: "catalogue_unknown"."""
    connection = workspace.reader()
    with gather.snapshot(connection):
        library.choose(connection, 0, version)
        found = measures.monthly(workspace, years, _PLAIN, progress, pack=pack, set_name=set_name)
        head = coefficients.choose(connection, set_name)
        stands_on = pack.hash, tuple(sorted(pack.changed.items())), (head.name, head.hash) if head is not None else ()
        tables: dict[int, Table] = {}
        for year in reversed(found.years):  # the latest are those that are still in memory
            own = groups.choose(connection, year, None)[0]
            if year not in found.lacking.get("score", {}) and own != version:
                key = str(workspace.path), workspace.created, workspace.region, year, own, version, *stands_on
                tables[year] = _remembered(
                    connection, key, partial(_made, workspace, connection, year, version, pack, set_name, progress)
                )
    return _together(found, tables)


def uncarried(monthly: Monthly) -> dict[int, tuple[int, Fraction]]:
    """By year with any, the cases that could not be carried, and the score that they had."""
    found: dict[int, tuple[int, Fraction]] = {}
    for at, year in enumerate(monthly.years):
        stretch = slice(at * MONTHS, (at + 1) * MONTHS)
        cases = int(monthly.values["uncarried"][:, :, stretch].sum())
        if cases:
            score = sum(monthly.values["uncarried_score"][:, :, stretch].ravel().tolist())
            found[year] = cases, Fraction(score, 10 ** monthly.places["uncarried_score"])
    return found


def told(monthly: Monthly, version: str, texts: Texts) -> str:
    """What is to be said beneath a re-based series: on which version it stands, and which cases are not in it."""
    said = [texts("rebased.on", version=version)]
    for year, (cases, score) in uncarried(monthly).items():
        said.append(texts("rebased.uncarried", year=year, cases=cases, score=plain(rounded(score, 2), 2)))
    if len(said) == 1 and not monthly.lacking.get("score"):
        said.append(texts("rebased.all_carried"))
    said += [
        texts("rebased.lacking", year=year, why=texts.finding(why))
        for year, why in sorted(monthly.lacking.get("score", {}).items())
    ]
    return texts("rebased.join").join(said)


def _together(found: Monthly, tables: dict[int, Table]) -> Monthly:
    """The plain months with those of the carried years in their place."""
    place = {one.code: i for i, one in enumerate(found.institutions)}
    values, places = {"cases": found.values["cases"]}, {"cases": 0}
    for name in NAMES:
        own = found.places.get(name, 0)
        most = max([own, *(table.places.get(name, 0) for table in tables.values())])
        shape = (len(found.institutions), len(FUNDS), len(found.months))
        whole = found.values[name] * 10 ** (most - own) if name in _PLAIN else np.zeros(shape, np.int64)
        for year, table in tables.items():
            first = found.years.index(year) * MONTHS
            rows = np.array([place[code] for code in table.codes], np.int64)
            whole[:, :, first : first + MONTHS] = 0
            whole[rows, :, first : first + MONTHS] = table.values[name] * 10 ** (most - table.places.get(name, 0))
        values[name], places[name] = frozen(whole), most
    return replace(found, values=values, places=places, region={})


def _remembered(connection: sqlite3.Connection, key: tuple[object, ...], made: Callable[[], Table]) -> Table:
    """One year on a version that is not its own, from memory where no ledger line since then touched what it is made of."""
    held = _kept.pop(key, None)
    if held is None or not untouched(connection, held[0], LIGHT - _COEFFICIENTS, LIGHT_KINDS - {"coefficients"}):
        held = mark(connection), made()
    for old in list(_kept)[: 1 - KEPT]:
        _kept.pop(old, None)
    _kept[key] = held
    return held[1]


def _made(
    workspace: Workspace,
    connection: sqlite3.Connection,
    year: int,
    version: str,
    pack: Pack,
    set_name: str | None,
    progress: Progress,
) -> Table:
    found = scored_cases(workspace, year, pack, set_name, progress)
    if isinstance(found, Finding):
        raise AssertionError(found)  # plain scores were there a moment ago
    standing, scores = found
    step(progress, "rebase", year)
    own = gather.version_of(workspace, connection, year, None)
    other = gather.version_of(workspace, connection, year, version)
    maps = [one for system in carrying.SYSTEMS for one in library.code_maps(connection, system)]
    rows = gather.rows_for(workspace, connection, year, pack.case, [own, other], progress)
    home = carrying.home_of(rows, own.entries, other.entries)
    away = other.entries if home is own.entries else own.entries
    asked = carrying.asked_of(workspace, connection, pack, rows, (own, other), progress)
    at_home, abroad = carrying.carry(rows, home, away, maps, asked)
    under = abroad if home is own.entries else at_home
    rw, places = _scores_of(other, under.entry, rows.rows.days)
    stated = np.array([own.entries.by_code.get(code, -1) for code in rows.rows.groups] + [-1], np.int32)
    was, _ = _scores_of(own, stated[rows.rows.group], rows.rows.days)
    found = table(standing, scores, (rw[standing.stay], places))
    both = (was > 0) & (rw > 0)
    cell = _cells(rows.rows)[both]
    cells = len(rows.rows.institutions) * SPOTS
    values = {
        **found.values,
        "weight": shaped(np.array(sums(rw[both], cell, cells), np.int64)),
        "grouped": shaped(np.bincount(cell, minlength=cells).astype(np.int64)),
    }
    return replace(found, values=values, places={**found.places, "weight": places})


def _scores_of(version: Version, entry: NDArray[Any], days: Ints | None) -> tuple[Ints, int]:
    """A version's catalogue score of each case, scaled, and its places; 0 where it has none. entry: index into its rows."""
    known = [version.groups.get(one.dip_code) for one in version.entries.rows]
    values = [score_of(one) or Fraction(0) for one in known]
    places = places_of(values)
    found = np.append(scaled(values, places).values, 0)[entry]
    bed = np.array([one is not None and one.kind == "bed_day" for one in known] + [False])[entry]
    if bool(bed.any()):
        stay = np.maximum(days, 0) if days is not None else np.zeros(len(found), np.int64)
        found = np.where(bed, found * stay, found)
    return found, places


def table(standing: Standing, scores: CaseScores, new: tuple[Ints, int]) -> Table:
    """The cases of a year by institution, fund and month with other catalogue scores, scaled, with their places. Pure."""
    codes, old = standing.rows.institutions, standing.rw
    rw, rw_places = new
    cell = _cells(standing.rows)
    cells = len(codes) * SPOTS
    grouped = old.values > 0
    lost = grouped & (rw <= 0)
    moves = grouped & ~lost & (standing.special != SPECIAL_ADJUSTED)
    still = ~grouped | (~lost & ~moves)
    total = _summed(scores, still, cell, cells)

    # Cases of one old and one new score move by the same factor: exact by cell and pair of scores, rounded once each.
    where = np.flatnonzero(moves)
    olds, before = np.unique(old.values[where], return_inverse=True)
    news, after = np.unique(rw[where], return_inverse=True)
    kind = (before.astype(np.int64) * max(1, len(news)) + after) * cells + cell[where]
    kinds, place = np.unique(kind, return_inverse=True)
    spot = np.full(len(cell), -1, np.int64)
    spot[where] = place
    pair, at = np.divmod(kinds, cells)
    up = news[pair % max(1, len(news))].tolist()
    down = olds[pair // max(1, len(news))].tolist()
    more, less = 10 ** max(0, old.places - rw_places), 10 ** max(0, rw_places - old.places)
    for part, i, to, by in zip(_summed(scores, moves, spot, len(kinds)), at.tolist(), up, down, strict=True):
        total[i] += round_ratio(part * to * more, by * less)
    score = [round_ratio(one, 10 ** (_EXACT - SCORE_PLACES)) for one in total]
    left = [round_ratio(one, 10 ** (_EXACT - SCORE_PLACES)) for one in _summed(scores, lost, cell, cells)]

    def counted(only: NDArray[np.bool_]) -> Ints:
        return shaped(np.bincount(cell[only], minlength=cells).astype(np.int64))

    values = {
        "score": shaped(np.array(score, np.int64)),
        "base_score": shaped(np.array(sums(np.where(grouped, rw, 0), cell, cells), np.int64)),
        "scored": counted(~lost),
        "uncarried": counted(lost),
        "uncarried_score": shaped(np.array(left, np.int64)),
    }
    places = {"score": SCORE_PLACES, "base_score": rw_places, "uncarried_score": SCORE_PLACES}
    return Table(codes, values, places)


def _cells(rows: Arrivals) -> Ints:
    """Institution, fund and month of each case as one number."""
    place = rows.institution.astype(np.int64) * SPOTS + rows.fund.astype(np.int64) * MONTHS
    return place + rows.day // 100 % 100 - 1


def _summed(scores: CaseScores, only: NDArray[np.bool_], place: Ints, places: int) -> list[int]:
    """Case scores by place over 10**_EXACT."""
    if scores.score is not None:
        up = 10 ** (_EXACT - scores.score.places)
        return [one * up for one in sums(scores.score.values[only], place[only], places)]
    totals = [Fraction(0)] * places
    every = scores.exact or ()
    for i in np.flatnonzero(only).tolist():
        totals[int(place[i])] += every[i]
    return [round_ratio(one.numerator * 10**_EXACT, one.denominator) for one in totals]


# -- what changed when -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Change:
    """From this month, YYYYMM, on. kind: catalogue, coefficients or pack. name: the version, the day, the pack. count: of
    institutions whose coefficient changes on that day, else 0."""

    month: int
    kind: str
    name: str
    count: int = 0

    def words(self, texts: Texts) -> str:
        return texts(f"rebased.axis.{self.kind}", name=self.name, count=self.count)


def changes_on_axis(
    workspace: Workspace, years: Sequence[int], *, set_name: str | None = None, code: str = ""
) -> list[Change]:
    """What changed after the first month of the years: versions of the catalogue, days on which coefficients of the set
    (of `code` alone, where given) begin to hold, packs. In order of time."""
    connection = workspace.reader()
    years = sorted(set(years))
    found: list[Change] = []
    with gather.snapshot(connection):
        for one, following in pairwise(years):
            versions = [groups.choose(connection, year, None)[0] for year in (one, following)]
            if versions[1] and versions[0] != versions[1]:
                found.append(Change(following * 100 + 1, "catalogue", versions[1]))
        head = coefficients.choose(connection, set_name)
        content = coefficients.parts(connection, head.name) if head is not None else []
    days: dict[int, set[str]] = {}
    for part in content:
        if (not code or part.code == code) and years and years[0] * 10000 + 101 < part.day <= years[-1] * 10000 + 1231:
            days.setdefault(part.day, set()).add(part.code)
    found += [
        Change(day // 100, "coefficients", iso_day(day), len(codes))
        for day, codes in sorted(days.items())
        if day // 10000 in years
    ]
    packs = [usual(workspace, year) for year in years]
    found += [
        Change(year * 100 + 1, "pack", after)
        for (before, after), year in zip(pairwise(packs), years[1:], strict=True)
        if after and before != after
    ]
    return sorted(found, key=lambda one: (one.month, one.kind, one.name))
