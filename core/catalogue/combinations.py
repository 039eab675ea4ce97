"""Cases as a grouping rule sees them: those that it cannot tell apart are one combination.

The same rows for the diagnosis, the same operations among those that these rows name, the same treatment attribute, the
same other diagnoses and conditions met. A fact that a condition needs and the case lacks does not meet it. An excluded
principal diagnosis leaves only rows that ask for none.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.catalogue.contest import SURGERY, View
from core.catalogue.rule_rows import Class, Reading, fits, other_parts, spelled
from core.catalogue.stays import UNKNOWN, Stays, spread
from core.rules import evaluation
from core.rules import formula as language
from core.rules.cases import Index, Ints, Small
from core.rules.evaluation import Env
from core.rules.formula import Expr, RuleFault, Value
from core.rules.grouping import ATTRIBUTES

# Why a case is where it is (`Grouping.reason`), said as `grouping.step.ungrouped.CODE`.
GROUPED, NO_DIAGNOSIS, EXCLUDED, NO_ROW, NOT_MET = range(5)
REASONS = ("grouped", "no_diagnosis", "diagnosis_excluded", "no_row", "not_met")
_NOTHING = frozenset[str]()
_ROOM = 1 << 62  # keys of combinations stay below


class Combinations:
    """The cases as a rule sees them: what tells them apart, and the view of any one of them."""

    def __init__(self, reading: Reading, stays: Stays) -> None:
        self.reading = reading
        self.stays = stays
        rule, n, v = reading.rule, len(stays), max(len(stays.operations), 1)
        self.tokens = [reading.tokens(code) for code in stays.operations]
        self.attribute = np.array([reading.attributes.get(code, 0) for code in stays.operations] or [0], np.int8)
        dropped = np.array([code in reading.no_operation for code in stays.operations] or [False])
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
        reading, codes = self.reading, self.stays.diagnoses
        cls = np.zeros(max(len(codes), 1), np.int64)
        reason = np.full(max(len(codes), 1), NOT_MET, np.int8)
        for i in np.unique(self.stays.diagnosis).tolist():
            code = codes[i]
            excluded = code in reading.no_diagnosis
            cls[i] = reading.class_of("" if excluded else code)
            if excluded:
                reason[i] = EXCLUDED
            elif not code:
                reason[i] = NO_DIAGNOSIS
            elif not any(reading.classes[int(cls[i])].rungs):
                reason[i] = NO_ROW
        return cls[self.stays.diagnosis], reason[self.stays.diagnosis]

    def _mains(self, case: Ints, operation: Ints, dropped: NDArray[np.bool_]) -> Ints:
        main = self.stays.main.astype(np.int64)
        gone = (main >= 0) & dropped[main]
        main[gone] = -1
        if self.reading.rule.main_excluded == "next" and gone.any():
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
            named = self.reading.classes[number].named
            known.extend(number * v + i for token in named if token in by_token for i in by_token[token])
        return np.unique(np.array(known, np.int64))

    def _bits(self) -> list[tuple[str, int, NDArray[np.bool_]]]:
        """Which other diagnoses and conditions are met, for those that a class's rows ask for."""
        reading = self.reading
        present = np.unique(self.cls).tolist()
        found: list[tuple[str, int, NDArray[np.bool_]]] = []
        for text, number in reading.others.items():
            asking = [c for c in present if number in reading.classes[c].others]
            if asking:
                rows = np.flatnonzero(np.isin(self.cls, asking))
                bit = np.zeros(len(self.cls), bool)
                bit[rows] = self._others_met(text, rows)
                found.append(("other", number, bit))
        for number in range(len(reading.conditions)):
            asking = [c for c in present if number in reading.classes[c].conditions]
            if asking:
                rows = np.flatnonzero(np.isin(self.cls, asking))
                bit = np.zeros(len(self.cls), bool)
                bit[rows] = _holding(reading.conditions[number], self.stays, rows)
                found.append(("condition", number, bit))
        return found

    def _others_met(self, text: str, rows: Ints) -> NDArray[np.bool_]:
        stays = self.stays
        length = stays.other_start[rows + 1] - stays.other_start[rows]
        other = stays.other[spread(stays.other_start[rows], length)]
        owner = np.repeat(np.arange(len(rows)), length)
        result = np.ones(len(rows), bool)
        for part in other_parts(text):
            hit = np.zeros(len(stays.diagnoses) + 1, bool)
            for code in np.unique(other).tolist():
                hit[code] = fits(part, spelled(self.reading.rule, stays.diagnoses[code]))
            met = np.zeros(len(rows), bool)
            met[owner[hit[other]]] = True
            result &= met
        return result

    def combinations(self) -> tuple[Index, Ints]:
        """The combination of each case, and a case of each."""
        reading, n, v = self.reading, len(self.stays), len(self.stays.operations)
        code = self.cls * len(ATTRIBUTES) + self.rank
        if reading.uses_loose:
            code = _folded(code, self.loose, 2)
        if reading.uses_any:
            code = _folded(code, self.any, 2)
        if reading.uses_main:
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

    def view(self, i: int) -> tuple[Class, View]:
        cls = self.reading.classes[int(self.cls[i])]
        mine = self.operation[self.start[i] : self.start[i + 1]].tolist()
        main = int(self.main[i])
        met: set[int] = set()
        holding: set[int] = set()
        for what, number, bit in self.bits:
            if bit[i]:
                (met if what == "other" else holding).add(number)
        view = View(
            int(self.rank[i]), bool(self.loose[i]), bool(self.any[i]), self.tokens[main] if main >= 0 else _NOTHING,
            tuple((self.tokens[j], int(self.attribute[j])) for j in mine),
            _NOTHING.union(*(self.tokens[j] for j in mine)) if mine else _NOTHING, frozenset(met), frozenset(holding),
        )  # fmt: skip
        return cls, view


def _folded(code: Ints, values: NDArray[Any], size: int) -> Ints:
    """One number for each pair, the same pair the same number."""
    top = int(code.max()) + 1 if len(code) else 1
    if top * size >= _ROOM:
        code = pd.factorize(code)[0].astype(np.int64)
    return code * size + values


def _within(keys: Ints, table: Ints) -> NDArray[np.bool_]:
    if not len(table):
        return np.zeros(len(keys), bool)
    return table[np.minimum(np.searchsorted(table, keys), len(table) - 1)] == keys


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
                return bool(evaluation.evaluate(expr, env))
            except RuleFault:
                return None
