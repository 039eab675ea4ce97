"""A formula over all institutions at once against `evaluation.evaluate` of each alone: the same values, the same refusals."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.money import rounded, total
from core.rules import evaluation, parsing
from core.rules.columns import Column, Rows, column_of
from core.rules.evaluation import Env
from core.rules.formula import Row, RuleFault, Table

NUMBERS = st.fractions(-50, 50, max_denominator=40)
COLUMNS = ("a", "b", "c")
TABLES = {
    "full": Table(
        "full", {},
        (Row(None, Fraction(0), False, parsing.parse("a + 1")), Row(Fraction(0), Fraction(9), True, parsing.parse("b / c")),
         Row(Fraction(9), None, False, parsing.parse("2"))), None,
    ),
    "gap": Table("gap", {}, (Row(Fraction(0), Fraction(5), False, parsing.parse("1")),), None),
    "empty": Table("empty", {}, (), parsing.parse("c * 2")),
    "waiting": Table("waiting", {}, (), None),
}  # fmt: skip
ATOMS = st.sampled_from(["a", "b", "c", "r", "0", "1.5", "7", "100"])


def formulas() -> st.SearchStrategy[str]:
    def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        truth = st.one_of(
            st.builds("({} {} {})".format, inner, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), inner),
            st.builds("(mode {} here)".format, st.sampled_from(["==", "!="])),
        )
        truths = st.one_of(
            truth, st.builds("({} {} {})".format, truth, st.sampled_from(["and", "or"]), truth), st.builds("(not {})".format, truth)
        )
        return st.one_of(
            st.builds("({} {} {})".format, inner, st.sampled_from(["+", "-", "*", "/"]), inner),
            st.builds("(-{})".format, inner),
            st.builds("{}({}, {})".format, st.sampled_from(["min", "max"]), inner, inner),
            st.builds("{}({})".format, st.sampled_from(["abs", "floor", "ceil"]), inner),
            st.builds("round({}, {})".format, inner, st.integers(-2, 4)),
            st.builds("({} if {} else {})".format, inner, truths, inner),
            st.builds("tiers({}, {})".format, inner, st.sampled_from(list(TABLES))),
        )

    return st.recursive(ATOMS, grown, max_leaves=8)


ANY = given(formulas(), st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS), min_size=1, max_size=6), NUMBERS)


@settings(max_examples=250)
@ANY
def test_equal_to_each_institution_alone(
    text: str, rows: list[tuple[Fraction, Fraction, Fraction]], region: Fraction
) -> None:
    expr = parsing.parse(text)
    values = {"r": region, "mode": "here", "here": "here", "there": "there"}
    columns = {name: column_of([row[i] for row in rows]) for i, name in enumerate(COLUMNS)}
    alone: list[Fraction] | None = []
    for row in rows:
        try:
            env = Env({**values, **dict(zip(COLUMNS, row, strict=True))}, {}, TABLES)
            alone.append(evaluation.number(expr, env))
        except RuleFault:
            alone = None
            break
    try:
        together: list[Fraction] | None = list(Rows(len(rows), columns.get, values, TABLES, {}).number(expr).fractions())
    except RuleFault:
        together = None
    assert together == alone


test_equal_in_the_long_run = pytest.mark.soak(settings(max_examples=5000)(ANY(test_equal_to_each_institution_alone.hypothesis.inner_test)))


@given(st.lists(NUMBERS, min_size=1, max_size=9), st.integers(-3, 6))
def test_rounding_is_that_of_money(values: list[Fraction], places: int) -> None:
    expected = tuple(rounded(value, places) for value in values)
    assert column_of(values).rounded(places).fractions() == expected
    apart = Column([value.numerator for value in values], 1, [value.denominator for value in values])
    assert apart.rounded(places).fractions() == expected
    assert total(values) == sum(values, Fraction(0))


def test_sum_of_nothing() -> None:
    assert total([]) == 0
