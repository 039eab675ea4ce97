"""What a change would do to everybody: the pool is closed, so one hospital's hundredth is the others' money.

A `Pool` holds a year's cases and their clearing; every `outcome` computes again only what its changes touch, by the same
functions as the clearing, and is equal to a full clearing of the same state to the last figure. Coefficients touch the cases of
their institutions, scores and settings those of the whole year, a budget line or the places of a step none at all.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from core.faults import Refused
from core.findings import Finding
from core.money import plain, total
from core.progress import SILENT, Progress, step
from core.rules import case_scores
from core.rules.cases import FUNDS, Ints
from core.rules.deriving import limits_of
from core.rules.sheet import Clearing, FundSheet, Institution
from core.settlement import annual, applied, coefficients, gather, given
from core.settlement import funds as fund_inputs
from core.settlement.changes import NONE, Changes
from core.settlement.coefficients import Cell, Part
from core.settlement.doubts import ordered
from core.settlement.given import Given
from core.settlement.standing import Standing, taken
from core.settlement.year import LIGHT, LIGHT_KINDS, Mark, mark, untouched

if TYPE_CHECKING:
    from core.rules.circular import CaseRule, Pack
    from core.storage.workspace import Workspace

PARTS = 4  # institutions whose cases are kept apart, ready for the next edit
RULES = 32  # rules under which the same cases were scored


@dataclass(frozen=True, slots=True)
class _Told:
    """One institution under its coefficients: fund -> `score` or measure -> total of its cases, its own k, and what blocks."""

    totals: Mapping[str, Mapping[str, Fraction]]
    own: Mapping[str, Fraction]
    findings: tuple[Finding, ...]


@dataclass
class _Scoring:
    """A year's cases under one standing and one case rule, summed by institution; those of changed coefficients are kept."""

    standing: Standing
    rule: CaseRule
    order: Ints  # cases by institution
    starts: Ints
    totals: Mapping[str, Sequence[Fraction]]  # under the pool's own set, by place
    told: dict[tuple[str, tuple[Part, ...]], _Told] = field(default_factory=dict[tuple[str, tuple[Part, ...]], _Told])
    parts: dict[int, Standing] = field(default_factory=dict[int, Standing])

    def of(self, code: str, content: tuple[Part, ...], year: int, set_name: str) -> _Told:
        """The institution under these parts of its coefficient; without cases it has no totals."""
        found = self.told.get((code, content))
        if found is None:
            own = {fund: value for fund in FUNDS if (value := _own({code: content}, fund, year).get(code)) is not None}
            codes = self.standing.rows.institutions
            found = _Told({}, own, ())
            if code in codes:
                found = self._told(codes.index(code), content, own, year, set_name)
            if len(self.told) > 50_000:
                self.told.clear()
            self.told[code, content] = found
        return found

    def _told(
        self, i: int, content: tuple[Part, ...], own: Mapping[str, Fraction], year: int, set_name: str
    ) -> _Told:
        part = self.parts.pop(i, None)
        if part is None:
            part = taken(self.standing, self.order[self.starts[i] : self.starts[i + 1]])
        for old in list(self.parts)[: 1 - PARTS]:
            self.parts.pop(old, None)
        self.parts[i] = part
        with_k = applied.apply(part, content, FUNDS, year, set_name)
        findings = with_k.findings
        totals: dict[str, dict[str, Fraction]] = {fund: {} for fund in FUNDS}
        if not findings:
            by_place = annual.totals_of(part, case_scores.score(self.rule, with_k.cases))
            n = len(part.rows.institutions)
            totals = {
                fund: {name: sums[f * n + i] for name, sums in by_place.items()} for f, fund in enumerate(FUNDS)
            }
        return _Told(totals, own, findings)


@dataclass(frozen=True)
class Pool:
    """A year's clearing, ready to be tried on. Whoever holds it may ask from any thread."""

    workspace: Workspace
    year: int
    pack: Pack
    set_name: str
    catalogue: str | None
    grouping: str
    since: Mark
    given: Given
    standing: Standing
    base: Clearing
    books: gather.Books
    content: Mapping[str, tuple[Part, ...]]
    own: Mapping[str, Mapping[str, Fraction]]
    scoring: _Scoring
    _rules: list[_Scoring] = field(default_factory=list[_Scoring])  # oldest first
    # Of the scores or settings tried last: one, being as big as the base's cases.
    _standings: list[tuple[object, Standing, Ints, Ints]] = field(
        default_factory=list[tuple[object, Standing, Ints, Ints]]
    )

    @staticmethod
    def open(
        workspace: Workspace,
        year: int,
        pack: Pack,
        *,
        set_name: str | None = None,
        catalogue: str | None = None,
        grouping: str = "official",
        progress: Progress = SILENT,
    ) -> Pool:
        """Clear the year as it stands and keep what is needed to try changes on it. Refused as a clearing is."""
        connection = workspace.reader()
        with gather.snapshot(connection):
            since = mark(connection)
            scored = annual.score_cases(
                workspace,
                year,
                pack,
                set_name=set_name,
                catalogue=catalogue,
                grouping=grouping,
                progress=progress,
            )
            held = given.read(workspace, connection, year, FUNDS, set_name)
        standing = scored.inputs.standing
        step(progress, "steps", 0)
        order, starts = _by_institution(standing)
        content: dict[str, list[Part]] = {}
        for part in held.content:
            content.setdefault(part.code, []).append(part)
        parts = {code: tuple(own) for code, own in content.items()}
        pool = Pool(
            workspace,
            year,
            pack,
            held.head.name if held.head is not None else "",
            catalogue,
            grouping,
            since,
            held,
            standing,
            annual.sheets(pack, scored),
            gather.books(held, pack, standing),
            parts,
            {fund: _own(parts, fund, year) for fund in FUNDS},
            _Scoring(standing, pack.case, order, starts, annual.totals_of(standing, scored.scores)),
        )
        # Every outcome makes thousands of small values, so Python would look through all that a program holds every few
        # edits, which takes longer than the edits. What is there by now stays: it need not be looked through again.
        gc.collect()
        gc.freeze()
        return pool

    @property
    def funds(self) -> tuple[str, ...]:
        return tuple(sheet.fund for sheet in self.base.funds)

    def stands(self) -> bool:
        """Whether the workspace still is what this pool was opened on."""
        connection = self.workspace.reader()
        if not untouched(connection, self.since, LIGHT, LIGHT_KINDS):
            return False
        return given.read(self.workspace, connection, self.year, FUNDS, self.given.wanted) == self.given

    def towards(self, set_name: str) -> Changes:
        """The cells that make another set's coefficients out of this pool's. Refused: set_unknown."""
        connection = self.workspace.reader()
        if coefficients.state_of(connection, set_name) is None:
            raise Refused("set_unknown", set=set_name)
        old = {(one.code, one.fund, one.name, one.day): one.value for one in self.given.content}
        new = {(one.code, one.fund, one.name, one.day): one for one in coefficients.parts(connection, set_name)}
        cells = [
            Cell(*place[:3], plain(one.value), _iso(place[3]), one.basis)
            for place, one in new.items()
            if old.get(place) != one.value
        ]
        cells += [Cell(*place[:3], None, _iso(place[3])) for place in old if place not in new]
        return Changes(tuple(sorted(cells, key=lambda cell: (cell.code, cell.fund, cell.part, cell.valid_from))))

    def outcome(self, changes: Changes = NONE, progress: Progress = SILENT) -> Outcome:
        """What the changes would do. Refused("changes_refused" or "blocked", findings), "whatif_stale" where cases or catalogue
        have changed since and are asked for again: the pool is as it was."""
        if not changes:
            return Outcome(self, changes, self.pack, self.base.funds)
        pack = changes.pack(self.pack)
        new = given.changed(self.given, changes, limits=limits_of(pack))
        scoring = self._scored(pack, changes, progress)
        books = self.books
        if changes.budget or scoring.standing is not self.standing or pack is not self.pack:
            books = gather.books(new, pack, scoring.standing)
        named = {cell.code for cell in changes.cells}
        parts: dict[str, list[Part]] = {code: [] for code in sorted(named)}
        for part in new.content:
            if part.code in named:
                parts[part.code].append(part)
        touched = {code: tuple(own) for code, own in parts.items()}
        blocked = [*books.blocked]
        told: dict[str, _Told] = {}
        for done, (code, content) in enumerate(touched.items()):
            step(progress, "whatif", done, len(touched))
            if content != self.content.get(code, ()):
                one = told[code] = scoring.of(code, content, self.year, self.set_name)
                blocked += [f for f in one.findings if f.values.get("fund") in books.present]
        if blocked:
            raise Refused("blocked", ordered(blocked), year=self.year, count=len(blocked))
        sheets: list[FundSheet] = []
        for fund in books.present:
            listed = books.listed[fund]
            totals = annual.totals_of_fund(scoring.standing, scoring.totals, fund, listed)
            if told:
                at = {one.code: i for i, one in enumerate(listed)}
                for name in totals:
                    column = list(totals[name])
                    for code, one in told.items():
                        if code in at and one.totals:
                            column[at[code]] = one.totals[fund][name]
                    totals[name] = tuple(column)
            own = {code: value for code, value in self.own[fund].items() if code not in told}
            own.update({code: one.own[fund] for code, one in told.items() if fund in one.own})
            facts = {
                **books.institution[fund],
                "coefficient": fund_inputs.coefficient_input(listed, own, fund)[0],
                **totals,
            }
            sheets.append(
                annual.fund_sheet(pack, fund, listed, books.region[fund], facts, new.facts[fund].lines)
            )
        return Outcome(self, changes, pack, tuple(sheets))

    def clearing(self, changes: Changes, scenario: str = "", progress: Progress = SILENT) -> Clearing:
        """The same by a full clearing, stamped as a scenario's: what is exported. Refused: whatif_stale, and as `outcome`."""
        if not self.stands():
            raise Refused("whatif_stale")
        return annual.clear(
            self.workspace,
            self.year,
            self.pack,
            set_name=self.given.wanted,
            catalogue=self.catalogue,
            grouping=self.grouping,
            changes=changes,
            scenario=scenario,
            progress=progress,
            store=False,
        )

    def _scored(self, pack: Pack, changes: Changes, progress: Progress) -> _Scoring:
        """Every case under another rule or other scores; from memory where it was asked before."""
        rule = pack.case
        standing, order, starts = self.standing, self.scoring.order, self.scoring.starts
        same_groups = self.grouping == "official" or pack.grouping == self.pack.grouping
        of_cases = gather.what_counts(rule)
        if changes.scores or not same_groups or of_cases != gather.what_counts(self.pack.case):
            groups = () if same_groups else tuple(sorted(pack.changed.items()))
            key = (of_cases, groups, tuple(sorted(changes.scores.items())))
            kept = next((one for one in self._standings if one[0] == key), None)
            if kept is None:
                self._standings.clear()  # before computing, so that memory holds no third one
                connection = self.workspace.reader()
                with gather.snapshot(connection):
                    if not untouched(connection, self.since, LIGHT, LIGHT_KINDS):
                        raise Refused("whatif_stale")  # its cases would not be the pool's
                    made = gather.standing_of(
                        self.workspace, connection, self.year, pack, self.catalogue, self.grouping, progress,
                        scores=changes.scores,
                    )  # fmt: skip
                kept = (key, made, *_by_institution(made))
                self._standings.append(kept)
                held = [self.standing, *(one[1] for one in self._standings)]
                self._rules[:] = [one for one in self._rules if any(one.standing is there for there in held)]
            _, standing, order, starts = kept
        for one in (self.scoring, *self._rules):
            if one.standing is standing and one.rule == rule:
                return one
        with_k = applied.apply(standing, self.given.content, FUNDS, self.year, self.set_name)
        found = _Scoring(
            standing,
            rule,
            order,
            starts,
            annual.totals_of(standing, case_scores.score(rule, with_k.cases, progress)),
        )
        self._rules[:] = [*self._rules, found][-RULES:]
        return found


def _by_institution(standing: Standing) -> tuple[Ints, Ints]:
    """Places of the cases, institution after institution, and where each one's begin."""
    institution = standing.rows.institution
    order = np.argsort(institution, kind="stable")
    counts = np.bincount(institution, minlength=len(standing.rows.institutions))
    return order, np.concatenate([[0], np.cumsum(counts)])


def _own(content: Mapping[str, Sequence[Part]], fund: str, year: int) -> dict[str, Fraction]:
    """Every institution's own k on 31 December, as `applied` has it."""
    day = year * 10000 + 1231
    found = {code: coefficients.on_day(own, fund, day) for code, own in content.items()}
    return {code: value for code, value in found.items() if value is not None}


def _iso(day: int) -> str:
    return f"{day // 10000:04d}-{day // 100 % 100:02d}-{day % 100:02d}" if day else ""


@dataclass(frozen=True, slots=True)
class Gain:
    """One institution in one fund, before and after. Figures the pack lacks are 0."""

    fund: str
    code: str
    name: str
    level: int
    county: str
    before: Mapping[str, Fraction]  # coefficient, score, due, final
    after: Mapping[str, Fraction]
    changes: Mapping[str, Fraction]


@dataclass(frozen=True, slots=True)
class Closing:
    """Nothing comes from nowhere: what all gained and lost is what the fund had more less what stayed over. In yuan."""

    fund: str
    due: Fraction  # sum of the changes
    fund_available: Fraction
    residual: Fraction

    @property
    def rest(self) -> Fraction:
        """0 wherever the pack's residual is the fund available less the sum of due."""
        return self.due - self.fund_available + self.residual


FIGURES = ("coefficient", "score", "due", "final")


@dataclass(frozen=True)
class Outcome:
    """What changes would do, beside what holds. funds: the sheets as a full clearing would give them."""

    pool: Pool
    changes: Changes
    pack: Pack
    funds: tuple[FundSheet, ...]

    @property
    def before(self) -> tuple[FundSheet, ...]:
        return self.pool.base.funds

    def sheet(self, fund: str) -> FundSheet | None:
        return next((one for one in self.funds if one.fund == fund), None)

    def figure(self, fund: str, name: str) -> tuple[Fraction, Fraction]:
        """A figure of the region before and after; 0 where there is none."""
        return tuple(  # pyright: ignore[reportReturnType]
            next((one.region.get(name, Fraction(0)) for one in sheets if one.fund == fund), Fraction(0))
            for sheets in (self.before, self.funds)
        )

    def point_value(self, fund: str) -> tuple[Fraction, Fraction]:
        """Yuan a point, before and after."""
        return self.figure(fund, "point_value")

    def gains(self, fund: str = "") -> list[Gain]:
        """Every institution, who gains most first; of one fund or of all."""
        found: list[Gain] = []
        for name in FUNDS:
            if fund in ("", name):
                old, new = (_rows(sheets, name) for sheets in (self.before, self.funds))
                for code in sorted({*old, *new}):
                    one = (new.get(code) or old[code])[0]
                    before = old[code][1] if code in old else _NOTHING
                    after = new[code][1] if code in new else _NOTHING
                    changes = {
                        figure: _ZERO if after[figure] is before[figure] else after[figure] - before[figure]
                        for figure in FIGURES
                    }
                    found.append(Gain(name, code, one.name, one.level, one.county, before, after, changes))
        return sorted(
            found,
            key=lambda one: (-_whole(one.changes["due"]), -_whole(one.changes["final"]), one.fund, one.code),
        )

    def closing(self, fund: str) -> Closing:
        sums = [
            next((total(one.values.get("due", ())) for one in sheets if one.fund == fund), Fraction(0))
            for sheets in (self.before, self.funds)
        ]
        available, residual = self.figure(fund, "fund_available"), self.figure(fund, "residual")
        return Closing(fund, sums[1] - sums[0], available[1] - available[0], residual[1] - residual[0])

    def closings(self) -> list[Closing]:
        """Of every fund that has a sheet before or after."""
        there = {one.fund for one in (*self.before, *self.funds)}
        return [self.closing(fund) for fund in FUNDS if fund in there]


_ZERO = Fraction(0)
_NOTHING: Mapping[str, Fraction] = dict.fromkeys(FIGURES, _ZERO)


def _whole(value: Fraction) -> int:
    """To order by: whole numbers compare in a tenth of the time, and twelve decimals are more than any amount has."""
    return value.numerator * 10**12 // value.denominator


def _rows(sheets: Iterable[FundSheet], fund: str) -> dict[str, tuple[Institution, dict[str, Fraction]]]:
    sheet = next((one for one in sheets if one.fund == fund), None)
    if sheet is None:
        return {}
    columns = {name: sheet.values.get(name) for name in FIGURES}
    return {
        one.code: (one, {name: own[i] if own is not None else Fraction(0) for name, own in columns.items()})
        for i, one in enumerate(sheet.institutions)
    }
