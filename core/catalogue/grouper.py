"""Which group of a catalogue each case belongs to, by a rule of `core.rules.grouping`: all cases at once, and any one
of them with its path.

A combination of facts is looked up once, by the very code that writes a path. Only where groups are still even is the fee
asked, case by case, in integer fen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.catalogue.combinations import GROUPED, REASONS, Combinations
from core.catalogue.contest import FAR, Contest, Lookup
from core.catalogue.entries import Entries, Exclusions
from core.catalogue.path import FITTED, WHYS, Alternative, Path, Paths, PathStep, Trails, fitted
from core.catalogue.rule_rows import Reading, type_of
from core.catalogue.stays import Stays
from core.progress import SILENT, Progress, step
from core.rules.cases import Index, Ints, Small
from core.rules.grouping import GroupingRule

__all__ = [
    "FITTED", "REASONS", "WHYS", "Alternative", "Grouper", "Grouping", "Path", "PathStep", "fitted", "type_of",
]  # fmt: skip
_AT_ONCE = 1 << 18  # cases whose fee is compared at once: bounds the memory


@dataclass(frozen=True, slots=True)
class Grouping:
    """One element a case, in the order of the stays. entry: index into entries.rows, -1 ungrouped. search: index into
    the rule's searches, -1 ungrouped. reason: index into REASONS. combination: cases of one number cannot be told
    apart except by fee."""

    entry: Index
    search: Small
    reason: Small
    combination: Index

    @property
    def grouped(self) -> int:
        return int((self.entry >= 0).sum())


class Grouper:
    """A rule over one catalogue. `findings`: rows that cannot be read, and so take no case."""

    def __init__(
        self,
        rule: GroupingRule,
        entries: Entries,
        attributes: Mapping[str, str],
        exclusions: Exclusions | None = None,
    ) -> None:
        """attributes: of operation codes, also `intervention`; a code without one is conservative."""
        self._reading = Reading(rule, entries, attributes, exclusions)
        self._lookup = Lookup(self._reading)
        self._paths = Paths(self._lookup)
        self.rule = rule
        self.entries = entries
        self.findings = self._reading.findings

    def group(self, stays: Stays, progress: Progress = SILENT) -> Grouping:
        """The group of every case, whatever the order of cases and of catalogue rows."""
        n = len(stays)
        step(progress, "group_combinations", 0, n)
        cases = Combinations(self._reading, stays)
        step(progress, "group_combinations", n, n)
        combination, first = cases.combinations()
        entry = np.full(len(first), -1, np.int32)
        search = np.full(len(first), -1, np.int8)
        contests: dict[int, Contest] = {}
        for number, i in enumerate(first.tolist()):
            if number % 1024 == 0:
                step(progress, "group_lookup", number, len(first))
            found = self._lookup.decide(*cases.view(i))
            if isinstance(found, Contest):
                contests[number] = found
            elif found is not None:
                entry[number], search[number] = found.row.index, found.search
        result, searches = entry[combination], search[combination]
        if contests:
            _by_fee(contests, combination, stays.fee, result, searches, progress)
        reason = np.where(result >= 0, GROUPED, cases.reason).astype(np.int8)
        for values in (result, searches, reason, combination):
            values.setflags(write=False)
        return Grouping(result, searches, reason, combination)

    def path(self, stays: Stays, i: int) -> Path:
        """How case i came to its group, and every other whose diagnosis fits: those that fitted whole first, dearer first."""
        return self._paths.of(stays, i)

    def why_not(self, stays: Stays, i: int, entry: int) -> Alternative | None:
        """Why case i did not get a group of the catalogue, whichever; None where it did."""
        return self._paths.why_not(stays, i, entry)

    def far(self, entry: int, code: str) -> Alternative:
        """Why a group that no path of a principal diagnosis names is not even looked at for it."""
        return self._paths.far(entry, code)

    def trails(self, stays: Stays, said: Callable[[Sequence[PathStep]], str], between: str) -> Trails:
        """The paths of all these cases in words: `said` makes a line of steps, `between` parts two lines."""
        return Trails(self._paths, stays, said, between)


def _by_fee(
    contests: Mapping[int, Contest],
    combination: Index,
    fee: Ints,
    entry: Index,
    search: Small,
    progress: Progress,
) -> None:
    """Writes the entry and the search of every case whose combination is left to the fee."""
    numbers = np.array(sorted(contests), np.int64)
    row: list[int] = []
    found: list[int] = []
    mean: list[int] = []
    before: list[int] = []
    after: list[int] = []
    fresh: list[bool] = []  # the first of a pool
    by_fee: list[bool] = []
    start = [0]
    for number in numbers.tolist():
        contest = contests[number]
        for pool in contest.pools:
            for place, one in enumerate(pool):
                row.append(one.row.index)
                found.append(one.search)
                mean.append(one.row.mean_fee)
                before.append(contest.before[id(one)])
                after.append(contest.after[id(one)])
                fresh.append(place == 0)
                by_fee.append(contest.by_fee)
        start.append(len(row))
    columns = [np.array(values) for values in (row, found, mean, before, after, fresh, by_fee)]
    rows, searches, means, befores, afters, opens, fees = columns
    place = np.full(int(combination.max()) + 1, -1, np.int64)
    place[numbers] = np.arange(len(numbers))
    starts = np.array(start, np.int64)
    lengths = np.diff(starts)
    cases = np.flatnonzero(place[combination] >= 0)
    for at in range(0, len(cases), _AT_ONCE):
        step(progress, "group_fees", at, len(cases))
        these = cases[at : at + _AT_ONCE]
        which = place[combination[these]]
        count = lengths[which]
        begin = np.cumsum(count) - count
        index = np.arange(int(count.sum())) + np.repeat(starts[which] - begin, count)
        far = means[index] == 0
        distance = np.abs(np.repeat(fee[these], count) - means[index])
        distance[far] = FAR
        pool = np.flatnonzero(opens[index])
        best = np.minimum.reduceat(distance, pool)
        size = np.diff(np.append(pool, len(index)))
        hit = np.flatnonzero(distance == np.repeat(best, size))
        owner = np.repeat(np.arange(len(pool)), size)[hit]
        first = hit[np.unique(owner, return_index=True)[1]]  # one candidate a pool
        case = np.repeat(np.arange(len(these)), count)[first]
        left = np.arange(len(first))
        for key in (befores[index[first]], np.where(fees[index[first]], distance[first], 0), afters[index[first]]):
            mine = key[left]
            bounds = np.flatnonzero(np.append(True, np.diff(case[left]) != 0))
            least = np.repeat(np.minimum.reduceat(mine, bounds), np.diff(np.append(bounds, len(left))))
            left = left[mine == least]
        winner = index[first[left[np.unique(case[left], return_index=True)[1]]]]
        entry[these], search[these] = rows[winner], searches[winner]
