"""The cases whose scores differ from the bureau's list, with all that they can be scored by: theirs, the list's, another's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core.catalogue import library
from core.rules import case_scores
from core.rules.cases import FUNDS, REFERENCE_CATALOGUE, CaseTable, Ints, Scaled
from core.rules.circular import CaseRule, Pack
from core.settlement import applied, coefficients, gather, references
from core.settlement import year as years
from core.settlement.annual import Scored, taken
from core.settlement.groups import Version, score_of
from core.settlement.official import OfficialCases, Stated
from core.settlement.standing import Grouped, Standing, stand

if TYPE_CHECKING:
    import sqlite3

    from core.progress import Progress
    from core.storage.workspace import Workspace

ENDLESS = 9  # decimals that stand for a score which the pack does not round
# What a list states of a case; a mask of them says which are put in the place of those here.
OF_GROUP, OF_RW, OF_K, OF_U = 1, 2, 4, 8
ALL = OF_GROUP | OF_RW | OF_K | OF_U
Truth = NDArray[np.bool_]


class Scene:
    """The cases that differ, with all that they can be scored by."""

    def __init__(
        self,
        workspace: Workspace,
        connection: sqlite3.Connection,
        pack: Pack,
        scored: Scored,
        listed: OfficialCases,
        where: Ints,
        row: Ints,
        progress: Progress,
    ) -> None:
        """where: places of the cases; row: of each its row in the list."""
        self.workspace, self.connection, self.pack, self.progress = workspace, connection, pack, progress
        self.inputs = scored.inputs
        self.rule = pack.case if pack.case.places is not None else replace(pack.case, places=ENDLESS)
        self.where = where
        self.standing = scored.inputs.standing
        self.own = taken(scored.inputs.cases, where)
        self.rw, self.k, self.u = (one.at(row) for one in (listed.rw, listed.coefficient, listed.factor))
        self.target = listed.score.at(row)
        self.stated_group = [listed.groups[i] if listed.groups else "" for i in listed.group[row].tolist()]
        self.deviation = [listed.deviations[i] if listed.deviations else "" for i in listed.deviation[row].tolist()]
        self.places = max(self.rule.places or 0, listed.score.value.places)
        self.year = self._part()
        self.set_name = scored.inputs.stamps.set_name

    def _part(self) -> years.Year:
        """The year's rows of these cases alone."""
        whole = years.of(
            self.workspace, self.connection, self.inputs.year, self.rule, self.progress,
            days=self.standing.rows.days is not None, persons=self.standing.rows.age is not None,
        )  # fmt: skip
        return _taken(whole, self.standing.stay[self.where])

    # -- cases as they would be -----------------------------------------------------------------------------

    @cached_property
    def content(self) -> Sequence[coefficients.Part]:
        return coefficients.parts(self.connection, self.set_name)

    @cached_property
    def version(self) -> Version:
        return gather.version_of(self.workspace, self.connection, self.inputs.year, self.standing.version)

    @cached_property
    def others(self) -> dict[str, Version]:
        """The catalogue's other versions, drafts aside."""
        names = [one.name for one in library.versions(self.connection) if one.state != "draft"]
        return {
            name: gather.version_of(self.workspace, self.connection, self.inputs.year, name)
            for name in names
            if name != self.version.name
        }

    @cached_property
    def groups(self) -> list[str]:
        """Of each case, the list's group, else its own."""
        own = self.own_groups
        return [stated or mine for stated, mine in zip(self.stated_group, own, strict=True)]

    @cached_property
    def own_groups(self) -> list[str]:
        names = (*self.standing.rows.groups, "")
        return [names[i] for i in self.standing.rows.group[self.where].tolist()]

    def stood(
        self, rows: Ints, groups: Sequence[str], *, rule: CaseRule | None = None, version: Version | None = None
    ) -> Standing:
        """What a version and these groups make of some of the cases."""
        named: list[str] = [groups[int(i)] for i in rows]
        codes = sorted({one for one in named if one})
        place = {code: i for i, code in enumerate(codes)} | {"": -1}
        grouped = Grouped("stated", tuple(codes), np.array([place[one] for one in named], np.int32))
        fees = partial(years.fees, self.workspace, self.connection, self.year, self.progress)
        part = _taken(self.year, rows)
        asked = replace(rule or self.rule, ungrouped="zero")
        return stand(part, version or self.version, grouped, asked, fees)

    def table(self, standing: Standing, content: Sequence[coefficients.Part] | None = None) -> CaseTable:
        """With the coefficients of a set."""
        return applied.apply(standing, content or self.content, FUNDS, self.inputs.year, self.set_name).cases

    @cached_property
    def changed(self) -> Truth:
        """Whose group is another one in the list."""
        return np.array([a != b for a, b in zip(self.groups, self.own_groups, strict=True)], bool)

    @cached_property
    def regrouped(self) -> tuple[CaseTable, Ints]:
        """The cases in the groups of the list; their reference means before k."""
        raw = self.standing.reference[self.where]
        if not self.changed.any():
            return self.own, raw
        standing = self.stood(np.arange(len(self.where)), self.groups)
        table = self.table(standing)
        # Of an unchanged group the mean is the one here: by the own grouping it is not that of the stated groups.
        source = np.where(self.changed, table.reference_source, self.own.reference_source)
        reference = np.where(self.changed, table.reference, self.own.reference)
        return replace(table, reference=reference, reference_source=source), np.where(
            self.changed, standing.reference, raw
        )

    def put(self, table: CaseTable, rows: Ints, mask: int, raw: Ints | None = None) -> CaseTable:
        """The list's score of the group, coefficient and factor in the table of `rows`. raw: catalogue means before k."""
        rw, k, u = table.rw, table.k, table.u
        group = table.group
        if mask & OF_RW:
            stated = self.rw.at(rows)
            rw = _put(rw, stated, stated.there & ~self._per_day(rows, table))
            group = np.where((group < 0) & stated.there & (stated.value.values > 0), 0, group).astype(np.int32)
        if mask & OF_U:
            u = _put(u, self.u.at(rows), self.u.at(rows).there)
        reference = table.reference
        if mask & OF_K:
            k = _put(k, self.k.at(rows), self.k.at(rows).there)
            late = table.reference_source == REFERENCE_CATALOGUE
            if raw is not None and bool(late.any()):
                reference = reference.copy()
                reference[late] = references.times_coefficient(raw[late], k.values[late], k.places)
        return replace(table, rw=rw, k=k, u=u, group=group, reference=reference)

    def _per_day(self, rows: Ints, table: CaseTable) -> Truth:
        """Bed-day cases whose stated score is the group's score a day: the same as here, not another one."""
        stated = self.rw.at(rows)
        same = np.zeros(len(rows), bool)
        entries = [self.version.groups.get(code) for code in table.groups]
        bed = np.array([one is not None and one.kind == "bed_day" for one in entries] + [False])
        for i in np.flatnonzero(bed[table.group] & stated.there).tolist():
            same[i] = stated.value.at(i) == score_of(entries[int(table.group[i])])
        return same

    def at_mask(self, rows: Ints, mask: int) -> CaseTable:
        """The own cases with what the list states of the things in the mask."""
        if mask & OF_GROUP:
            table, raw = self.regrouped
            table, raw = taken(table, rows), raw[rows]
        else:
            table, raw = taken(self.own, rows), self.standing.reference[self.where[rows]]
        if mask & OF_GROUP and not mask & OF_RW:
            # A group that the catalogue here lacks has the score that the list gives it: one cause, not two.
            stated = self.rw.at(rows)
            lost = (table.group < 0) & stated.there & (stated.value.values > 0)
            table = replace(
                table, rw=_put(table.rw, stated, lost), group=np.where(lost, 0, table.group).astype(np.int32)
            )
        return self.put(table, rows, mask, raw)

    def score(self, table: CaseTable, rule: CaseRule | None = None) -> Ints:
        """Scores over 10**self.places; a rule of more decimals than that gives what no list can state."""
        rule = rule or self.rule
        found = case_scores.score(rule, table).score
        assert found is not None
        more = self.places - found.places
        if more >= 0:
            return found.values * 10**more
        cut, rest = np.divmod(found.values, 10**-more)
        return np.where(rest == 0, cut, np.iinfo(np.int64).min)

    @cached_property
    def wanted(self) -> Ints:
        return self.target.value.values * 10 ** (self.places - self.target.value.places)

    # -- what the list states -------------------------------------------------------------------------------

    @cached_property
    def flags(self) -> NDArray[np.int8]:
        """Of each case, which of the things that the list states are other than here."""
        found = np.zeros(len(self.where), np.int8)
        changed = self.changed
        found |= np.where(changed, OF_GROUP, 0).astype(np.int8)
        rows = np.arange(len(self.where))
        table, _ = self.regrouped
        for bit, mine, stated in ((OF_RW, table.rw, self.rw), (OF_K, table.k, self.k), (OF_U, table.u, self.u)):
            other = stated.there & ~_same(mine, stated)
            if bit == OF_RW:
                other &= ~self._per_day(rows, table)
                other &= ~(changed & (table.group < 0))
            found |= np.where(other, bit, 0).astype(np.int8)
        return found


def _taken(whole: years.Year, where: Ints) -> years.Year:
    rows = whole.rows
    names = {
        name: getattr(rows, name)[where]
        for name in rows.__dataclass_fields__
        if isinstance(getattr(rows, name), np.ndarray)
    }
    return replace(
        whole, rows=replace(rows, **names), own_pay=whole.own_pay[where], special=whole.special[where],
        decision=whole.decision[where],
    )  # fmt: skip


def _put(mine: Scaled, stated: Stated, where: Truth) -> Scaled:
    if not where.any():
        return mine
    places = max(mine.places, stated.value.places)
    a = mine.values * 10 ** (places - mine.places)
    b = stated.value.values * 10 ** (places - stated.value.places)
    return Scaled(np.where(where, b, a), places)


def _same(mine: Scaled, stated: Stated) -> Truth:
    places = max(mine.places, stated.value.places)
    return mine.values * 10 ** (places - mine.places) == stated.value.values * 10 ** (places - stated.value.places)
