"""Which group of a catalogue each case belongs to, by a rule of `core.rules.grouping`: all cases at once, and any one
of them with its path.

Cases that the rule cannot tell apart are one combination: the same rows for the diagnosis, the same operations among
those that these rows name, the same conditions met. A combination is looked up once, in plain Python, by the very code
that writes a path. Only where groups are still even is the fee asked, case by case, in integer fen.

Decisions where the texts are silent: a fact that a condition needs and the case lacks does not meet it. A group without
mean fee is farther than any other, one without score lower. An excluded principal diagnosis leaves only rows that ask
for none. Groups declared equal in score (`equal_to`) compare with that score. A primary-care group is one of that kind,
or a core one that carries the flag.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.catalogue.entries import Entries, Entry, Exclusions
from core.catalogue.stays import UNKNOWN, Stays
from core.findings import Finding
from core.money import plain
from core.progress import SILENT, Progress, step
from core.rules import formula as language
from core.rules.cases import Index, Ints, Small
from core.rules.formula import Env, Expr, FormulaError, RuleFault, Value
from core.rules.grouping import (
    ATTRIBUTES,
    CONDITION_NAMES,
    DIGITS,
    EXPRESSION,
    NEAREST_FEE,
    RANGE,
    GroupingRule,
    Search,
    condition_of,
    diagnosis_tokens,
)

SURGERY = ATTRIBUTES.index("surgery")
# Why a case is where it is (`Grouping.reason`), said as `grouping.reason.CODE`.
GROUPED, NO_DIAGNOSIS, EXCLUDED, NO_ROW, NOT_MET = range(5)
REASONS = ("grouped", "no_diagnosis", "diagnosis_excluded", "no_row", "not_met")
# Why a case did not get a group. It fitted: another was better by a tie-break, by the fee, by the code; an earlier search
# had decided; a row of a closer diagnosis was there; a row that asks for operations was. It did not fit: by what.
FITTED = ("lost", "farther", "code", "later", "wider", "behind")
WHYS = (
    *FITTED, "diagnosis", "other_diagnosis", "condition", "attribute", "operations", "main", "bare", "kind", "unreadable",
)  # fmt: skip
_FAR = 1 << 62  # farther than any fee
_ROOM = 1 << 62  # keys of combinations stay below
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


@dataclass(frozen=True, slots=True)
class PathStep:
    """One thing that was looked at or decided, said by `telling.step`; its words are `grouping.step.CODE`."""

    code: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Alternative:
    """A group that the case did not get, said by `telling.why`. why: one of WHYS, what stands behind a dot is its kind
    (`lost.parts`: by which tie-break); its words are `grouping.why.WHY`."""

    entry: int
    why: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Path:
    entry: int
    steps: tuple[PathStep, ...]
    alternatives: tuple[Alternative, ...]


@dataclass(frozen=True, slots=True)
class _Row:
    """A catalogue row as a rule reads it. other, condition: what it asks beside, -1 nothing."""

    index: int
    place: int  # in the order of the codes
    type: str
    attribute: int
    needed: tuple[frozenset[str], ...]
    related: tuple[frozenset[str], ...]
    named: frozenset[str]
    other: int
    condition: int
    score: int  # rank, higher is higher, -1 none
    mean_fee: int


@dataclass(slots=True)
class _Class:
    """Principal diagnoses that the same rows fit. rungs: by search, the rows of each rung of its ladder."""

    rungs: tuple[tuple[tuple[_Row, ...], ...], ...]
    named: frozenset[str]
    others: tuple[int, ...]
    conditions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _View:
    """All that a combination is. operations: (tokens, attribute) of those that the class's rows name. loose: a surgery
    that none of them names. any: the case has an operation at all. met: other diagnoses; holding: conditions."""

    attribute: int
    loose: bool
    any: bool
    main: frozenset[str]
    operations: tuple[tuple[frozenset[str], int], ...]
    have: frozenset[str]
    met: frozenset[int]
    holding: frozenset[int]


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A row that belongs, with its ranks: lower is better. keys: by tie-break."""

    row: _Row
    search: int
    keys: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Contest:
    """What is left to the fee. pools: of each search the even candidates, in the order that decides among equal
    distances; before, after: ranks by the choice's tie-breaks before and after the fee; by_fee: whether it asks for it."""

    pools: tuple[tuple[_Candidate, ...], ...]
    before: Mapping[int, int]
    after: Mapping[int, int]
    by_fee: bool


@dataclass(slots=True)
class _Rows:
    """The rows of one search by how their diagnosis is found."""

    equal: dict[str, list[_Row]] = field(default_factory=dict[str, list[_Row]])
    prefixes: dict[str, list[_Row]] = field(default_factory=dict[str, list[_Row]])
    spans: list[tuple[str, str, _Row]] = field(default_factory=list[tuple[str, str, _Row]])
    free: list[_Row] = field(default_factory=list[_Row])
    ranges: list[tuple[int, str, str, list[_Row]]] = field(default_factory=list[tuple[int, str, str, list[_Row]]])
    lengths: tuple[int, ...] = ()


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
        lists = exclusions or Exclusions()
        self.rule = rule
        self.entries = entries
        self.findings: list[Finding] = []
        self._attributes = {code: _attribute(rule, attribute) for code, attribute in attributes.items()}
        self._no_diagnosis = lists.diagnosis if "diagnosis" in rule.exclude else frozenset[str]()
        self._no_operation = lists.operation if "operation" in rule.exclude else frozenset[str]()
        self._others: dict[str, int] = {}
        self._conditions: dict[str, int] = {}
        self._condition_trees: list[Expr] = []
        self._ranks = _score_ranks(entries)
        ordered = sorted(range(len(entries)), key=lambda index: entries.rows[index].dip_code)
        self._places = {index: place for place, index in enumerate(ordered)}
        rows = [row for i, entry in enumerate(entries.rows) if (row := self._row(i, entry)) is not None]
        self._searches = [self._indexed(search, rows) for search in rule.searches]
        self._number = {search.id: i for i, search in enumerate(rule.searches)}
        self._classes: list[_Class] = []
        self._class_of: dict[str, int] = {}
        self._interned: dict[tuple[tuple[tuple[int, ...], ...], ...], int] = {}
        ties = {tie for one in (*rule.searches, *rule.choices) for tie in one.prefer}
        flagged = any(search.main == "flagged" for search in rule.searches)
        self._uses_main = flagged or "main_operation" in ties
        self._uses_loose = "surgery_named" in ties
        self._uses_any = any(search.bare == "no_operation" for search in rule.searches)

    # --- the catalogue, as the rule reads it ---

    def _row(self, index: int, entry: Entry) -> _Row | None:
        condition = -1
        if entry.condition.strip():
            text = entry.condition.strip()
            try:
                tree = condition_of(text)
            except FormulaError:
                self.findings.append(Finding(
                    "group_condition", "warning", row=entry.row or None, column="condition", value=text,
                    subject=entry.dip_code, values={"known": " ".join(CONDITION_NAMES)},
                ))  # fmt: skip
                return None
            condition = self._conditions.setdefault(text, len(self._conditions))
            if condition == len(self._condition_trees):
                self._condition_trees.append(tree)
        other = entry.oth_diag_code.strip()
        needed = tuple(frozenset(part) for part in self.rule.parts(entry.oprn_code))
        related = tuple(frozenset(part) for part in self.rule.parts(entry.rel_oprn_code))
        return _Row(
            index, self._places[index], type_of(entry), ATTRIBUTES.index(entry.attribute) if entry.attribute in ATTRIBUTES else -1,
            needed, related, frozenset().union(*needed, *related),
            self._others.setdefault(other, len(self._others)) if other not in ("", ".") else -1,
            condition, self._ranks[index], entry.mean_fee,
        )  # fmt: skip

    def _indexed(self, search: Search, rows: Sequence[_Row]) -> _Rows:
        found = _Rows()
        ranges: dict[tuple[str, str], list[_Row]] = {}
        for row in rows:
            entry = self.entries.rows[row.index]
            if not search.looks_at(row.type, entry.stage):
                continue
            if search.condition == "needed" and row.condition < 0:
                continue
            code = entry.diag_code.strip()
            found.equal.setdefault(code, []).append(row)
            start, dash, end = (piece.strip() for piece in code.partition("-"))
            if dash and start and end:
                ranges.setdefault((start[:3], end[:3]), []).append(row)
            if EXPRESSION in search.diagnosis:
                tokens = diagnosis_tokens(code)
                if not tokens:
                    found.free.append(row)
                for first, last in tokens:
                    if last:
                        found.spans.append((first, last, row))
                    else:
                        found.prefixes.setdefault(first, []).append(row)
        found.equal.pop("", None)
        found.lengths = tuple(sorted({len(prefix) for prefix in found.prefixes}))
        found.ranges = sorted(
            ((_width(start, end), start, end, held) for (start, end), held in ranges.items()), key=lambda one: one[:3]
        )
        return found

    def _rungs(self, search: Search, rows: _Rows, code: str) -> Iterator[tuple[_Row, ...]]:
        """The rows whose diagnosis fits, rung by rung."""
        for way in search.diagnosis:
            if way == EXPRESSION:
                found = {row.index: row for row in rows.free}
                if code:
                    for length in rows.lengths:
                        if length <= len(code):
                            found |= {row.index: row for row in rows.prefixes.get(code[:length], ())}
                    found |= {
                        row.index: row for first, last, row in rows.spans
                        if first <= code[: len(first)] and code[: len(last)] <= last
                    }  # fmt: skip
                if found:
                    yield tuple(found[index] for index in sorted(found))
            elif way == RANGE and code:
                held = [(width, rung) for width, start, end, rung in rows.ranges if start <= code[:3] <= end]
                for width in sorted({width for width, _ in held}):
                    same = {row.index: row for at, rung in held if at == width for row in rung}
                    yield tuple(same[index] for index in sorted(same))
            elif isinstance(way, int) and code[:way] in rows.equal:
                yield tuple(rows.equal[code[:way]])

    def _class(self, code: str) -> int:
        """The class of a principal diagnosis; '' stands for one that is excluded or missing."""
        known = self._class_of.get(code)
        if known is not None:
            return known
        rungs = tuple(
            tuple(self._rungs(search, rows, code))
            for search, rows in zip(self.rule.searches, self._searches, strict=True)
        )
        key = tuple(tuple(tuple(row.index for row in rung) for rung in ladder) for ladder in rungs)
        number = self._interned.setdefault(key, len(self._interned))
        if number == len(self._classes):
            rows = [row for ladder in rungs for rung in ladder for row in rung]
            self._classes.append(_Class(
                rungs, frozenset[str]().union(*(row.named for row in rows)),
                tuple(sorted({row.other for row in rows} - {-1})),
                tuple(sorted({row.condition for row in rows} - {-1})),
            ))  # fmt: skip
        self._class_of[code] = number
        return number

    def _tokens(self, operation: str) -> frozenset[str]:
        """What an operation meets in expressions: its code, and its beginnings where the rule compares by them."""
        digits = DIGITS[self.rule.operation_match]
        return frozenset({operation, *(start for count in digits if (start := _beginning(operation, count)))})

    # --- one combination ---

    def _belongs(self, search: Search, row: _Row, view: _View) -> bool:
        """Diagnosis aside, and for a row that asks for operations."""
        return (
            (row.other < 0 or row.other in view.met)
            and (row.condition < 0 or row.condition in view.holding)
            and (not search.attribute or row.attribute == view.attribute)
            and all(not part.isdisjoint(view.have) for part in row.needed)
            and (
                any(not part.isdisjoint(view.have) for part in row.related)
                if search.related == "best" and row.related
                else all(not part.isdisjoint(view.have) for part in row.related)
            )
            and (
                search.main != "flagged"
                or not row.needed
                or any(not part.isdisjoint(view.main) for part in row.needed)
            )
        )

    def _found(self, number: int, rung: Sequence[_Row], view: _View) -> list[_Candidate]:
        search = self.rule.searches[number]
        asking = [row for row in rung if row.named and self._belongs(search, row, view)]
        if not asking and _bare(search, view):
            asking = [row for row in rung if not row.named and self._belongs(search, row, view)]
        return [_Candidate(row, number, self._keys(row, number, view)) for row in asking]

    def _keys(self, row: _Row, number: int, view: _View) -> dict[str, int]:
        related = sum(not part.isdisjoint(view.have) for part in row.related)
        needed = sum(not part.isdisjoint(view.have) for part in row.needed)
        named = [attribute for tokens, attribute in view.operations if not tokens.isdisjoint(row.named)]
        surgeries = sum(attribute == SURGERY for _, attribute in view.operations) + view.loose
        attribute = row.attribute if row.type == "composite" else max(named, default=0)
        return {
            "full_match": 0 if row.related and related == len(row.related) else 1,
            "related": -related,
            "parts": -(needed + related),
            "operations": -len(named),
            "main_operation": int(view.main.isdisjoint(row.named)),
            "higher_score": -row.score,
            "type_order": self.rule.type_rank(row.type, ATTRIBUTES[attribute] if attribute >= 0 else ""),
            "search_order": number,
            "surgery_named": int(not _covers(row) and surgeries > sum(one == SURGERY for one in named)),
        }

    def _pool(self, number: int, cls: _Class, view: _View) -> list[list[_Candidate]]:
        """What a search hands to its choice: pools of even candidates; without tie-breaks each candidate alone."""
        for rung in cls.rungs[number]:
            found = self._found(number, rung, view)
            if found:
                prefer = self.rule.searches[number].prefer
                return [_left(found, _holding_ties(prefer, found))] if prefer else [[one] for one in found]
        return []

    def _decide(self, cls: _Class, view: _View) -> _Candidate | _Contest | None:
        for choice in self.rule.choices:
            pools = [pool for id in choice.among for pool in self._pool(self._number[id], cls, view)]
            if not pools:
                continue
            everyone = [one for pool in pools for one in pool]
            prefer = _holding_ties(choice.prefer, everyone)
            if all(len(pool) == 1 for pool in pools):
                left = _left(everyone, prefer)
                if len(left) == 1:
                    return left[0]
                return _Contest((tuple(left),), _same(left), _same(left), False)
            before, by_fee, after = _parted(prefer)
            return _Contest(
                tuple(tuple(pool) for pool in pools), _ranks(everyone, before, exact=not by_fee),
                _ranks(everyone, after, exact=True), by_fee,
            )  # fmt: skip
        return None

    # --- all cases ---

    def group(self, stays: Stays, progress: Progress = SILENT) -> Grouping:
        """The group of every case, whatever the order of cases and of catalogue rows."""
        n = len(stays)
        step(progress, "group_combinations", 0, n)
        cases = _Cases(self, stays)
        step(progress, "group_combinations", n, n)
        combination, first = cases.combinations()
        entry = np.full(len(first), -1, np.int32)
        search = np.full(len(first), -1, np.int8)
        contests: dict[int, _Contest] = {}
        for number, i in enumerate(first.tolist()):
            if number % 1024 == 0:
                step(progress, "group_lookup", number, len(first))
            found = self._decide(*cases.view(i))
            if isinstance(found, _Contest):
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


    # --- one case ---

    def path(self, stays: Stays, i: int) -> Path:
        """How case i came to its group, and every other whose diagnosis fits: those that fitted whole first, dearer first."""
        alone = stays.single(i)
        cases = _Cases(self, alone)
        cls, view = cases.view(0)
        fee = int(alone.fee[0])
        steps = list(self._looked(alone, cases, view))
        others: dict[int, Alternative] = {}
        taken: _Candidate | None = None
        for choice in self.rule.choices:
            pools: list[list[_Candidate]] = []
            for id in choice.among:
                number = self._number[id]
                found = self._first_rung(number, cls, view)
                if not found:
                    empty = [id]
                    if steps[-1].code == "search_empty":
                        empty.insert(0, steps.pop().values["search"])
                    steps.append(PathStep("search_empty", {"search": ",".join(empty)}))
                    continue
                steps.append(PathStep("search_found", {"search": id, "groups": self._codes(found)}))
                prefer = self.rule.searches[number].prefer
                if not prefer:
                    pools.extend([one] for one in found)
                    continue
                best = self._told(found, prefer, fee, steps, others)
                pools.append([best])
            if pools:
                best_of_each = [pool[0] for pool in pools]
                if len(choice.among) > 1 and len(best_of_each) > 1:
                    steps.append(PathStep("choice", {"choice": choice.id, "groups": self._codes(best_of_each)}))
                taken = self._told(best_of_each, choice.prefer, fee, steps, others)
                break
        if taken is None:
            steps.append(PathStep(f"ungrouped.{REASONS[int(cases.reason[0])]}", {}))
        else:
            entry = self.entries.rows[taken.row.index]
            search = self.rule.searches[taken.search].id
            steps.append(PathStep("taken", {"group": entry.dip_code, "name": entry.dip_name, "search": search}))
            others.pop(taken.row.index, None)
        for index in sorted(self._near(cls)):
            if index not in others and (taken is None or index != taken.row.index):
                others[index] = self._refused(index, cls, view)
        order = sorted(others.values(), key=lambda one: (not fitted(one.why), -self._ranks[one.entry], one.entry))
        return Path(-1 if taken is None else taken.row.index, tuple(steps), tuple(order))

    def why_not(self, stays: Stays, i: int, entry: int) -> Alternative | None:
        """Why case i did not get a group of the catalogue, whichever; None where it did."""
        path = self.path(stays, i)
        if path.entry == entry:
            return None
        for one in path.alternatives:
            if one.entry == entry:
                return one
        row = self.entries.rows[entry]
        kind = type_of(row)
        if not any(search.looks_at(kind, row.stage) for search in self.rule.searches):
            return Alternative(entry, f"kind.{kind}", {})
        if any(finding.subject == row.dip_code for finding in self.findings):
            return Alternative(entry, "unreadable", {"condition": row.condition})
        return Alternative(entry, "diagnosis", {"wanted": row.diag_code, "code": stays.diagnosis_of(i)})

    def _looked(self, alone: Stays, cases: _Cases, view: _View) -> Iterator[PathStep]:
        code = alone.diagnosis_of(0)
        if not code:
            yield PathStep("no_diagnosis", {})
        else:
            yield PathStep("diagnosis_excluded" if code in self._no_diagnosis else "diagnosis", {"code": code})
        listed = list(dict.fromkeys(alone.operations_of(0)))
        dropped = [one for one in listed if one in self._no_operation]
        left = [one for one in listed if one not in self._no_operation]
        if dropped:
            yield PathStep("operations_dropped", {"codes": ", ".join(dropped)})
        yield PathStep("operations", {"codes": ", ".join(left)}) if left else PathStep("no_operations", {})
        main = int(cases.main[0])
        if main >= 0 and (self._uses_main or self.rule.attribute_of == "main"):
            replaced = alone.operations[main] != alone.main_of(0)
            yield PathStep("main_replaced" if replaced else "main", {"code": alone.operations[main]})
        yield PathStep(f"attribute.{ATTRIBUTES[view.attribute]}", {})

    def _first_rung(self, number: int, cls: _Class, view: _View) -> list[_Candidate]:
        return next((found for rung in cls.rungs[number] if (found := self._found(number, rung, view))), [])

    def _told(
        self,
        found: Sequence[_Candidate],
        prefer: Sequence[str],
        fee: int,
        steps: list[PathStep],
        others: dict[int, Alternative],
    ) -> _Candidate:
        """The best by the tie-breaks, one after the other, each that parts them said."""
        left = list(found)
        for tie in _holding_ties(prefer, found):
            if len(left) == 1:
                return left[0]
            rank = {id(one): self._distance(one, fee) if tie == NEAREST_FEE else one.keys[tie] for one in left}
            best = min(rank.values())
            gone = [one for one in left if rank[id(one)] > best]
            left = [one for one in left if rank[id(one)] == best]
            groups = {"groups": self._codes(left)}
            for one in gone:
                if tie != NEAREST_FEE:
                    why, values = f"lost.{tie}", groups
                elif rank[id(one)] == _FAR:
                    why, values = "farther.unknown", groups
                else:
                    why, values = "farther.by", groups | {"distance": _yuan(rank[id(one)]), "best": _yuan(best)}
                others[one.row.index] = Alternative(one.row.index, why, values)
            if gone:
                by_fee = {"fee": _yuan(fee), "best": _yuan(best)} if tie == NEAREST_FEE else {}
                steps.append(PathStep(f"tie.{tie}", groups | by_fee))
        left = _sorted_by(left, ())
        for one in left[1:]:
            if one.row.index != left[0].row.index:
                others[one.row.index] = Alternative(one.row.index, "code", {"groups": self._codes(left[:1])})
        if len({one.row.index for one in left}) > 1:
            steps.append(PathStep("code", {"groups": self._codes(left[:1])}))
        return left[0]

    @staticmethod
    def _distance(one: _Candidate, fee: int) -> int:
        return abs(fee - one.row.mean_fee) if one.row.mean_fee else _FAR

    def _codes(self, found: Sequence[_Candidate]) -> str:
        return ", ".join(dict.fromkeys(self.entries.rows[one.row.index].dip_code for one in found))

    @staticmethod
    def _near(cls: _Class) -> set[int]:
        return {row.index for ladder in cls.rungs for rung in ladder for row in rung}

    def _refused(self, index: int, cls: _Class, view: _View) -> Alternative:
        """Why a row whose diagnosis fits was not looked at, or did not belong; the best that any search says."""
        entry = self.entries.rows[index]
        first: Alternative | None = None
        for number, ladder in enumerate(cls.rungs):
            search = self.rule.searches[number]
            found = {one.row.index for one in self._first_rung(number, cls, view)}
            for rung in ladder:
                row = next((one for one in rung if one.index == index), None)
                if row is None:
                    continue
                values: dict[str, str] = {}
                if row.other >= 0 and row.other not in view.met:
                    why, values = "other_diagnosis", {"wanted": entry.oth_diag_code}
                elif row.condition >= 0 and row.condition not in view.holding:
                    why, values = "condition", {"condition": entry.condition}
                elif search.attribute and row.attribute != view.attribute:
                    why = f"attribute.{entry.attribute or 'none'}"
                elif not self._belongs(search, row, view):
                    parts = (*row.needed, *row.related)
                    missing = [self.rule.any_of[:1].join(sorted(part)) for part in parts if part.isdisjoint(view.have)]
                    why, values = ("operations", {"missing": ", ".join(missing)}) if missing else ("main", {})
                elif index in found:
                    why, values = "later", {"search": search.id}
                elif not row.named and not _bare(search, view):
                    why = f"bare.{search.bare}"
                else:
                    why = "behind" if found & {one.index for one in rung} else "wider"
                told = Alternative(index, why, values)
                if fitted(why):
                    return told
                first = first or told
        assert first is not None
        return first


def fitted(why: str) -> bool:
    """Whether the case could have had the group, had no other been better."""
    return why.partition(".")[0] in FITTED


def _yuan(fen: int) -> str:
    return plain(Fraction(fen, 100))


def type_of(entry: Entry) -> str:
    """The kind of a row for the rule: a core one that carries the flag is a primary-care one."""
    return "primary_care" if entry.kind == "core" and entry.primary_care else entry.kind


def _attribute(rule: GroupingRule, attribute: str) -> int:
    name = rule.intervention if attribute == "intervention" else attribute
    return ATTRIBUTES.index(name) if name in ATTRIBUTES else 0


def _score_ranks(entries: Entries) -> list[int]:
    def score(entry: Entry) -> Fraction | None:
        equal = entries.by_code.get(entry.equal_to) if entry.equal_to else None
        other = None if equal is None else entries.rows[equal].score
        return entry.score if other is None else other

    scores = [score(entry) for entry in entries.rows]
    order = {value: rank for rank, value in enumerate(sorted({one for one in scores if one is not None}))}
    return [-1 if one is None else order[one] for one in scores]


def _width(start: str, end: str) -> int:
    """How many three-character categories a range spans."""

    def place(code: str) -> int:
        found = ord(code[0]) * 100 if code else 0
        for weight, sign in zip((10, 1), code[1:3], strict=False):
            found += weight * (int(sign) if sign.isascii() and sign.isdigit() else 9)
        return found

    return place(end) - place(start)


def _beginning(code: str, digits: int) -> str:
    """The code up to its n-th digit; '' where it has fewer."""
    seen = 0
    for at, sign in enumerate(code):
        seen += sign.isdigit()
        if seen == digits:
            return code[: at + 1]
    return ""


def _bare(search: Search, view: _View) -> bool:
    match search.bare:
        case "always":
            return True
        case "conservative":
            return view.attribute == 0
        case "no_operation":
            return not view.any
        case _:
            return False


def _parted(prefer: Sequence[str]) -> tuple[Sequence[str], bool, Sequence[str]]:
    if NEAREST_FEE not in prefer:
        return prefer, False, ()
    at = list(prefer).index(NEAREST_FEE)
    return prefer[:at], True, prefer[at + 1 :]


def _covers(row: _Row) -> bool:
    return row.type == "composite" and row.attribute == SURGERY


def _holding_ties(prefer: Sequence[str], found: Sequence[_Candidate]) -> Sequence[str]:
    """`surgery_named` is about a composite surgery row: without one among the candidates it says nothing."""
    if "surgery_named" not in prefer or any(_covers(one.row) for one in found):
        return prefer
    return [tie for tie in prefer if tie != "surgery_named"]


def _sorted_by(found: Iterable[_Candidate], prefer: Sequence[str]) -> list[_Candidate]:
    return sorted(found, key=lambda one: (*(one.keys[tie] for tie in prefer), one.row.place, one.search))


def _left(found: Sequence[_Candidate], prefer: Sequence[str]) -> list[_Candidate]:
    """The candidates that only the fee can part, best first among equal distances; one where none asks for it."""
    if len(found) == 1:
        return list(found)
    before, by_fee, after = _parted(prefer)
    best = min(tuple(one.keys[tie] for tie in before) for one in found)
    even = [one for one in found if tuple(one.keys[tie] for tie in before) == best]
    ordered = _sorted_by(even, after)
    return ordered if by_fee else ordered[:1]


def _ranks(found: Sequence[_Candidate], prefer: Sequence[str], *, exact: bool) -> dict[int, int]:
    """Of each candidate (by id) its rank; `exact`: what the tie-breaks leave even is parted by the code."""
    if exact:
        return {id(one): rank for rank, one in enumerate(_sorted_by(found, prefer))}
    keys = [tuple(one.keys[tie] for tie in prefer) for one in found]
    order = {key: rank for rank, key in enumerate(sorted(set(keys)))}
    return {id(one): order[key] for one, key in zip(found, keys, strict=True)}


def _same(found: Sequence[_Candidate]) -> dict[int, int]:
    return {id(one): 0 for one in found}


# --- cases as keys ---


def _folded(code: Ints, values: NDArray[Any], size: int) -> Ints:
    """One number for each pair, the same pair the same number."""
    top = int(code.max()) + 1 if len(code) else 1
    if top * size >= _ROOM:
        code = pd.factorize(code)[0].astype(np.int64)
    return code * size + values


class _Cases:
    """The cases as a grouper sees them: what tells them apart, and the view of any one of them."""

    def __init__(self, grouper: Grouper, stays: Stays) -> None:
        self.grouper = grouper
        self.stays = stays
        rule, n, v = grouper.rule, len(stays), max(len(stays.operations), 1)
        self.tokens = [grouper._tokens(code) for code in stays.operations]  # pyright: ignore[reportPrivateUsage]
        self.attribute = np.array([grouper._attributes.get(code, 0) for code in stays.operations] or [0], np.int8)
        dropped = np.array([code in grouper._no_operation for code in stays.operations] or [False])
        self.cls, self.reason = self._classified()

        # operations that are left, each with its case
        case = np.repeat(np.arange(n, dtype=np.int64), np.diff(stays.operation_start))
        operation = stays.operation.astype(np.int64)
        if dropped.any():
            left = ~dropped[operation]
            case, operation = case[left], operation[left]
        self.any = np.zeros(n, bool)
        self.any[case] = True
        self.main = self._mains(case, operation, dropped)
        rank = self.attribute[operation]
        self.rank = np.zeros(n, np.int8)
        if rule.attribute_of == "main":
            there = self.main >= 0
            self.rank[there] = self.attribute[self.main[there]]
        else:
            np.maximum.at(self.rank, case[rank > 0], rank[rank > 0])
        table = self._table(v)
        named = _within(self.cls[case] * v + operation, table)
        self.asked = np.where(_within(self.cls * v + self.main, table) & (self.main >= 0), self.main, -1)
        self.loose = np.zeros(n, bool)
        self.loose[case[~named & (rank == SURGERY)]] = True
        pairs = np.unique(case[named] * v + operation[named])
        self.case, self.operation = pairs // v, pairs % v
        self.start = np.searchsorted(self.case, np.arange(n + 1))
        self.bits = self._bits()

    def _classified(self) -> tuple[Ints, Small]:
        grouper, codes = self.grouper, self.stays.diagnoses
        cls = np.zeros(max(len(codes), 1), np.int64)
        reason = np.full(max(len(codes), 1), NOT_MET, np.int8)
        for i in np.unique(self.stays.diagnosis).tolist():
            code = codes[i]
            excluded = code in grouper._no_diagnosis
            cls[i] = grouper._class("" if excluded else code)
            if excluded:
                reason[i] = EXCLUDED
            elif not code:
                reason[i] = NO_DIAGNOSIS
            elif not any(grouper._classes[int(cls[i])].rungs):
                reason[i] = NO_ROW
        return cls[self.stays.diagnosis], reason[self.stays.diagnosis]

    def _mains(self, case: Ints, operation: Ints, dropped: NDArray[np.bool_]) -> Ints:
        main = self.stays.main.astype(np.int64)
        gone = (main >= 0) & dropped[main]
        main[gone] = -1
        if self.grouper.rule.main_excluded == "next" and gone.any():
            firsts, at = np.unique(case, return_index=True)
            wanted = gone[firsts]
            main[firsts[wanted]] = operation[at[wanted]]
        return main

    def _table(self, v: int) -> Ints:
        """class * v + operation of every operation that a row of a class names, ascending."""
        by_token: dict[str, list[int]] = {}
        for i, tokens in enumerate(self.tokens):
            for token in tokens:
                by_token.setdefault(token, []).append(i)
        known: list[int] = []
        for number in np.unique(self.cls).tolist():
            named = self.grouper._classes[number].named
            known.extend(number * v + i for token in named if token in by_token for i in by_token[token])
        return np.unique(np.array(known, np.int64))

    def _bits(self) -> list[tuple[str, int, NDArray[np.bool_]]]:
        """Which other diagnoses and conditions are met, for those that a class's rows ask for."""
        grouper = self.grouper
        present = np.unique(self.cls).tolist()
        found: list[tuple[str, int, NDArray[np.bool_]]] = []
        for text, number in grouper._others.items():
            asking = [c for c in present if number in grouper._classes[c].others]
            if asking:
                rows = np.flatnonzero(np.isin(self.cls, asking))
                bit = np.zeros(len(self.cls), bool)
                bit[rows] = self._others_met(text, rows)
                found.append(("other", number, bit))
        for number in range(len(grouper._condition_trees)):
            asking = [c for c in present if number in grouper._classes[c].conditions]
            if asking:
                rows = np.flatnonzero(np.isin(self.cls, asking))
                bit = np.zeros(len(self.cls), bool)
                bit[rows] = _holding(grouper._condition_trees[number], self.stays, rows)
                found.append(("condition", number, bit))
        return found

    def _others_met(self, text: str, rows: Ints) -> NDArray[np.bool_]:
        stays = self.stays
        result = np.ones(len(rows), bool)
        for part in other_parts(text):
            fits = np.array([_fits(part, code) for code in stays.diagnoses] or [False])
            hits = np.concatenate(([0], np.cumsum(fits[stays.other]))) if len(stays.other) else np.zeros(1, np.int64)
            result &= hits[stays.other_start[rows + 1]] > hits[stays.other_start[rows]]
        return result

    def combinations(self) -> tuple[Index, Ints]:
        """The combination of each case, and a case of each."""
        grouper, n, v = self.grouper, len(self.stays), len(self.stays.operations)
        code = self.cls * len(ATTRIBUTES) + self.rank
        if grouper._uses_loose:
            code = _folded(code, self.loose, 2)
        if grouper._uses_any:
            code = _folded(code, self.any, 2)
        if grouper._uses_main:
            code = _folded(code, self.asked + 1, v + 1)
        for _, _, bit in self.bits:
            code = _folded(code, bit, 2)
        ids = pd.factorize(code)[0].astype(np.int64) if n else code
        length = np.diff(self.start)
        top = int(ids.max()) + 1 if n else 0
        for depth in range(int(length.max()) if n else 0):
            rows = np.flatnonzero(length > depth)
            longer = _folded(ids[rows], self.operation[self.start[rows] + depth], v)
            ids[rows] = pd.factorize(longer)[0] + top  # numbers of shorter lists stay below
            top = int(ids.max()) + 1
        combination, _ = pd.factorize(ids)
        combination = combination.astype(np.int32)
        _, first = np.unique(combination, return_index=True)
        return combination, first

    def view(self, i: int) -> tuple[_Class, _View]:
        cls = self.grouper._classes[int(self.cls[i])]
        mine = self.operation[self.start[i] : self.start[i + 1]].tolist()
        operations = tuple((self.tokens[j], int(self.attribute[j])) for j in mine)
        main = int(self.main[i])
        view = _View(
            int(self.rank[i]), bool(self.loose[i]), bool(self.any[i]),
            self.tokens[main] if main >= 0 else frozenset(), operations,
            frozenset().union(*(tokens for tokens, _ in operations)),
            frozenset(number for what, number, bit in self.bits if what == "other" and bit[i]),
            frozenset(number for what, number, bit in self.bits if what == "condition" and bit[i]),
        )  # fmt: skip
        return cls, view


def _within(keys: Ints, table: Ints) -> NDArray[np.bool_]:
    if not len(table):
        return np.zeros(len(keys), bool)
    return table[np.minimum(np.searchsorted(table, keys), len(table) - 1)] == keys


def other_parts(text: str) -> list[tuple[tuple[str, str], ...]]:
    """An expression over the other diagnoses: parts that must all be met, each a list of beginnings and ranges."""
    pieces = text.replace(",", "+").split("+")
    return [tokens for piece in pieces if (tokens := diagnosis_tokens(piece))]


def _fits(tokens: Sequence[tuple[str, str]], code: str) -> bool:
    return any(
        (first <= code[: len(first)] and code[: len(last)] <= last) if last else code.startswith(first)
        for first, last in tokens
    )


def _holding(tree: Expr, stays: Stays, rows: Ints) -> NDArray[np.bool_]:
    """Whether a condition holds: each distinct set of facts is looked at once."""
    names = sorted(set(language.names(tree)))
    columns = [getattr(stays, name)[rows].astype(np.int64) for name in names]
    code = np.zeros(len(rows), np.int64)
    for column in columns:
        code = _folded(code, *_numbered(column))
    ids, _ = pd.factorize(code)
    _, first = np.unique(ids, return_index=True)
    found = [
        holds(tree, {name: int(column[i]) for name, column in zip(names, columns, strict=True)}) for i in first.tolist()
    ]
    return np.array(found or [False])[ids]


def _numbered(column: Ints) -> tuple[Ints, int]:
    ids, texts = pd.factorize(column)
    return ids.astype(np.int64), max(len(texts), 1)


def holds(tree: Expr, facts: Mapping[str, int]) -> bool:
    """Whether a condition holds with these facts (fees in fen); one that is UNKNOWN leaves open what asks for it."""
    values: dict[str, Value] = {
        name: Fraction(value, 100) if name in ("fee", "tcm_fee") else Fraction(value)
        for name, value in facts.items() if value != UNKNOWN
    }  # fmt: skip
    return _truth(tree, Env(values)) is True


def _truth(expr: Expr, env: Env) -> bool | None:
    """True, False, or None where a fact is missing."""
    match expr:
        case language.Not(value):
            inner = _truth(value, env)
            return None if inner is None else not inner
        case language.Logic(op, left, right):
            a, b = _truth(left, env), _truth(right, env)
            decisive = op == "or"
            if a is decisive or b is decisive:
                return decisive
            return None if a is None or b is None else not decisive
        case language.If(then, condition, other):
            chosen = _truth(condition, env)
            return None if chosen is None else _truth(then if chosen else other, env)
        case _:
            if any(name not in env.values for name in language.names(expr)):
                return None
            try:
                return bool(language.evaluate(expr, env))
            except RuleFault:
                return None


# --- what the fee decides ---


def _by_fee(
    contests: Mapping[int, _Contest],
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
        distance[far] = _FAR
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
