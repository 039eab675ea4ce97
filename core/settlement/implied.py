"""The reference mean that the bureau must have had, read back from its scores where several cases agree on one.

In a branch whose score is linear in x, a score to its last digit leaves an interval for x, and so for the mean that the
fee was divided by. Cases that share a mean here must share one there: the whole fen that all their intervals hold is
taken; one case alone proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from core.rules import case_scores, evaluation
from core.rules import formula as language
from core.rules.cases import CaseTable, Ints
from core.rules.circular import Branch, CaseRule
from core.rules.evaluation import Env
from core.rules.formula import RuleFault

MOST = 20_000  # more cases than that do not differ for their means
LEAST = 2  # cases of different fees that must agree on a mean


def implied_means(rule: CaseRule, table: CaseTable, wanted: Ints, places: int) -> Ints:
    """Fen of each case, 0 where nothing is implied. wanted: the bureau's scores over 10**places."""
    means = np.zeros(len(table), np.int64)
    if len(table) > MOST or rule.places is None:
        return means
    by_mean: dict[tuple[int, int], list[int]] = {}
    for i, (group, reference) in enumerate(zip(table.group.tolist(), table.reference.tolist(), strict=True)):
        if group >= 0 and reference > 0 and wanted[i] > 0:
            by_mean.setdefault((group, reference), []).append(i)
    for rows in by_mean.values():
        if len({int(table.fee[i]) for i in rows}) < LEAST:
            continue
        mean = _agreed([spans for i in rows if (spans := [*_spans(rule, table, i, Fraction(int(wanted[i]), 10**places))])])
        if mean:
            means[rows] = mean
    return means


def _agreed(cases: list[list[tuple[Fraction, Fraction]]]) -> int:
    """A whole number of fen within one interval of each case; 0 where there is none, or too few."""
    if len(cases) < LEAST:
        return 0
    held = cases[0]
    for spans in cases[1:]:
        held = [(max(a, c), min(b, d)) for a, b in held for c, d in spans if max(a, c) <= min(b, d)]
        if not held:
            return 0
    low, high = held[0]
    middle = (low + high) / 2
    for fen in (int(middle), int(middle) + 1):
        if low <= fen <= high and fen > 0:
            return fen
    return 0


def _spans(rule: CaseRule, table: CaseTable, i: int, score: Fraction) -> Iterator[tuple[Fraction, Fraction]]:
    """Means in fen by which a branch gives case i that score."""
    values = case_scores.case_values(table, i)
    fee = int(table.fee[i])
    half = Fraction(1, 2 * 10 ** (rule.places or 0))
    for branch in rule.branches:
        # A score that needs no mean says nothing of one.
        plain = _line(rule, branch, values) if "x" not in language.names(branch.score) else None
        if plain is not None and abs(plain[0] - score) <= half:
            return
    for branch in rule.branches:
        line = _line(rule, branch, values)
        if line is None or line[1] <= 0:
            continue
        offset, slope = line
        low, high = (score - half - offset) / slope, (score + half - offset) / slope
        if low <= 0 or not _holds(rule, branch, values, (low + high) / 2):
            continue
        yield fee / high, fee / low


def _line(rule: CaseRule, branch: Branch, values: dict[str, Fraction]) -> tuple[Fraction, Fraction] | None:
    """score = offset + slope * x, None where the branch is no line in x."""
    if "reference" in language.names(branch.score):
        return None
    try:
        at = [
            evaluation.number(branch.score, Env({**rule.values, **values, "x": Fraction(x)})) for x in (1, 2, 3)
        ]
    except RuleFault:
        return None
    slope = at[1] - at[0]
    return (at[0] - slope, slope) if at[2] - at[1] == slope else None


def _holds(rule: CaseRule, branch: Branch, values: dict[str, Fraction], x: Fraction) -> bool:
    if branch.when is None:
        return True
    reference = values["fee"] / x if x else Fraction(0)
    env = Env({**rule.values, **values, "x": x, "reference": reference})
    return bool(evaluation.evaluate(branch.when, env))
