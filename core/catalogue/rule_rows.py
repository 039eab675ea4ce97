"""A catalogue as a grouping rule reads it: what each row asks for, and which rows fit a principal diagnosis.

Groups declared equal in score (`equal_to`) compare with that score. A primary-care group is one of that kind, or a core
one that carries the flag. A row whose condition cannot be read takes no case, and is said.

A category without subcategories is written `I10`, or with a placeholder for the fourth character `I10.x`: to what compares
more than three characters the two are one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from core.catalogue.entries import Entries, Entry, Exclusions
from core.findings import Finding
from core.rules.formula import Expr, FormulaError
from core.rules.grouping import (
    ATTRIBUTES,
    CONDITION_NAMES,
    DIGITS,
    EXPRESSION,
    RANGE,
    GroupingRule,
    Search,
    condition_of,
    diagnosis_tokens,
)

CATEGORY = 3  # characters of a category of the ICD


@dataclass(frozen=True, slots=True)
class Row:
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
class Class:
    """Principal diagnoses that the same rows fit. rungs: by search, the rows of each rung of its ladder."""

    rungs: tuple[tuple[tuple[Row, ...], ...], ...]
    named: frozenset[str]
    others: tuple[int, ...]
    conditions: tuple[int, ...]


@dataclass(slots=True)
class Ladder:
    """The rows of one search by how their diagnosis is found."""

    equal: dict[str, list[Row]] = field(default_factory=dict[str, list[Row]])
    prefixes: dict[str, list[Row]] = field(default_factory=dict[str, list[Row]])
    spans: list[tuple[str, str, Row]] = field(default_factory=list[tuple[str, str, Row]])
    free: list[Row] = field(default_factory=list[Row])
    ranges: list[tuple[int, str, str, list[Row]]] = field(default_factory=list[tuple[int, str, str, list[Row]]])
    lengths: tuple[int, ...] = ()


class Reading:
    """A rule over one catalogue, before any case. number: of each search by id. conditions, others: what rows ask for
    beside diagnosis and operations, by number. classes: of the diagnoses met so far."""

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
        self._unreadable: set[int] = set()
        self.attributes = {code: _attribute(rule, attribute) for code, attribute in attributes.items()}
        self.no_diagnosis = lists.diagnosis if "diagnosis" in rule.exclude else frozenset[str]()
        self.no_operation = lists.operation if "operation" in rule.exclude else frozenset[str]()
        self.others: dict[str, int] = {}
        self._numbers: dict[str, int] = {}
        self.conditions: list[Expr] = []
        self.ranks = _score_ranks(entries)
        ordered = sorted(range(len(entries)), key=lambda index: entries.rows[index].dip_code)
        self._places = {index: place for place, index in enumerate(ordered)}
        rows = [row for i, entry in enumerate(entries.rows) if (row := self._row(i, entry)) is not None]
        self._ladders = [self._indexed(search, rows) for search in rule.searches]
        self.number = {search.id: i for i, search in enumerate(rule.searches)}
        self.classes: list[Class] = []
        self._known: dict[str, int] = {}
        self._interned: dict[tuple[tuple[tuple[int, ...], ...], ...], int] = {}
        ties = {tie for one in (*rule.searches, *rule.choices) for tie in one.prefer}
        flagged = any(search.main == "flagged" for search in rule.searches)
        self.uses_main = flagged or "main_operation" in ties
        self.uses_loose = "surgery_named" in ties
        self.uses_any = any(search.bare == "no_operation" for search in rule.searches)

    def _row(self, index: int, entry: Entry) -> Row | None:
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
                self._unreadable.add(index)
                return None
            condition = self._numbers.setdefault(text, len(self._numbers))
            if condition == len(self.conditions):
                self.conditions.append(tree)
        other = entry.oth_diag_code.strip()
        needed = tuple(frozenset(part) for part in self.rule.parts(entry.oprn_code))
        related = tuple(frozenset(part) for part in self.rule.parts(entry.rel_oprn_code))
        return Row(
            index, self._places[index], type_of(entry),
            ATTRIBUTES.index(entry.attribute) if entry.attribute in ATTRIBUTES else -1,
            needed, related, frozenset().union(*needed, *related),
            self.others.setdefault(other, len(self.others)) if other not in ("", ".") else -1,
            condition, self.ranks[index], entry.mean_fee,
        )  # fmt: skip

    def unread(self, index: int) -> str:
        """Why the rule takes no case into a row, whatever the case: kind (no search looks at it), unreadable (its condition),
        unconditional (only with a condition, and it has none); '' where it may."""
        entry = self.entries.rows[index]
        looking = [one for one in self.rule.searches if one.looks_at(type_of(entry), entry.stage)]
        if not looking:
            return "kind"
        if index in self._unreadable:
            return "unreadable"
        bare = not entry.condition.strip() and all(one.condition == "needed" for one in looking)
        return "unconditional" if bare else ""

    def _indexed(self, search: Search, rows: Sequence[Row]) -> Ladder:
        found = Ladder()
        ranges: dict[tuple[str, str], list[Row]] = {}
        for row in rows:
            entry = self.entries.rows[row.index]
            if not search.looks_at(row.type, entry.stage):
                continue
            if search.condition == "needed" and row.condition < 0:
                continue
            code = entry.diag_code.strip()
            found.equal.setdefault(code, []).append(row)
            if (full := spelled(self.rule, code)) != code:
                found.equal.setdefault(full, []).append(row)
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

    def _rungs(self, search: Search, rows: Ladder, code: str) -> Iterator[tuple[Row, ...]]:
        """The rows whose diagnosis fits, rung by rung."""
        full = spelled(self.rule, code)
        for way in search.diagnosis:
            if way == EXPRESSION:
                found = {row.index: row for row in rows.free}
                if code:
                    for length in rows.lengths:
                        if length <= len(full):
                            found |= {row.index: row for row in rows.prefixes.get(full[:length], ())}
                    found |= {
                        row.index: row for first, last, row in rows.spans
                        if first <= full[: len(first)] and full[: len(last)] <= last
                    }  # fmt: skip
                if found:
                    yield tuple(found[index] for index in sorted(found))
            elif way == RANGE and code:
                held = [(width, rung) for width, start, end, rung in rows.ranges if start <= code[:3] <= end]
                for width in sorted({width for width, _ in held}):
                    same = {row.index: row for at, rung in held if at == width for row in rung}
                    yield tuple(same[index] for index in sorted(same))
            elif isinstance(way, int) and (start := (code if way <= CATEGORY else full)[:way]) in rows.equal:
                yield tuple(rows.equal[start])

    def class_of(self, code: str) -> int:
        """The class of a principal diagnosis; '' stands for one that is excluded or missing."""
        known = self._known.get(code)
        if known is not None:
            return known
        rungs = tuple(
            tuple(self._rungs(search, rows, code))
            for search, rows in zip(self.rule.searches, self._ladders, strict=True)
        )
        key = tuple(tuple(tuple(row.index for row in rung) for rung in ladder) for ladder in rungs)
        number = self._interned.setdefault(key, len(self._interned))
        if number == len(self.classes):
            rows = [row for ladder in rungs for rung in ladder for row in rung]
            self.classes.append(Class(
                rungs, frozenset[str]().union(*(row.named for row in rows)),
                tuple(sorted({row.other for row in rows} - {-1})),
                tuple(sorted({row.condition for row in rows} - {-1})),
            ))  # fmt: skip
        self._known[code] = number
        return number

    def tokens(self, operation: str) -> frozenset[str]:
        """What an operation meets in expressions: its code, and its beginnings where the rule compares by them."""
        digits = DIGITS[self.rule.operation_match]
        return frozenset({operation, *(start for count in digits if (start := _beginning(operation, count)))})


def type_of(entry: Entry) -> str:
    """The kind of a row for the rule: a core one that carries the flag is a primary-care one."""
    return "primary_care" if entry.kind == "core" and entry.primary_care else entry.kind


def _attribute(rule: GroupingRule, attribute: str) -> int:
    name = rule.intervention if attribute == "intervention" else attribute
    return ATTRIBUTES.index(name) if name in ATTRIBUTES else 0


def _score_ranks(entries: Entries) -> list[int]:
    scores = [entries.score_for(entry) for entry in entries.rows]
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


def other_parts(text: str) -> list[tuple[tuple[str, str], ...]]:
    """An expression over the other diagnoses: parts that must all be met, each a list of beginnings and ranges."""
    pieces = text.replace(",", "+").split("+")
    return [tokens for piece in pieces if (tokens := diagnosis_tokens(piece))]


def spelled(rule: GroupingRule, code: str) -> str:
    """A category on its own with the placeholder of its fourth character, where the rule says so; else as it stands."""
    return f"{code}.x" if rule.category == "placeholder" and len(code) == CATEGORY else code


def fits(tokens: Sequence[tuple[str, str]], full: str) -> bool:
    """Whether a diagnosis, as `spelled` has it, is within one of the beginnings and ranges."""
    return any(
        (first <= full[: len(first)] and full[: len(last)] <= last) if last else full.startswith(first)
        for first, last in tokens
    )
