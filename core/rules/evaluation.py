"""What a formula comes to: its exact value, what of it counted, and what chosen options and filled tables leave of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import assert_never

from core.money import rounded, total
from core.rules.formula import (
    Arith,
    ArithOp,
    Call,
    Compare,
    CompareOp,
    Expr,
    If,
    Logic,
    Name,
    Neg,
    Not,
    Num,
    Round,
    RuleFault,
    Share,
    Sum,
    Table,
    Tiers,
    Value,
    mapped,
)

# Of a numerator or denominator while steps are run: a few figures multiplied with themselves step by step would never end.
# A fund's amounts take 60; Python writes no whole number of more than 14,280.
MAX_BITS = 14_000


@dataclass(frozen=True, slots=True)
class Env:
    """What a formula is evaluated in. `shares`: every share() of the formula split, one part an institution."""

    values: Mapping[str, Value]
    columns: Mapping[str, Sequence[Fraction]] = field(default_factory=dict[str, Sequence[Fraction]])
    tables: Mapping[str, Table] = field(default_factory=dict[str, Table])
    shares: Mapping[Share, Sequence[Fraction]] = field(default_factory=dict[Share, Sequence[Fraction]])
    index: int = 0


def evaluate(expr: Expr, env: Env) -> Value:
    """The exact value. RuleFault for a division by zero, a value that no row of a table holds, one beyond MAX_BITS."""
    match expr:
        case Num(value):
            return value
        case Name(id):
            return env.values[id]
        case Neg(value):
            return -number(value, env)
        case Not(value):
            return not evaluate(value, env)
        case Arith(op, left, right):
            return _measured(_arithmetic(op, number(left, env), number(right, env), expr.at), expr.at)
        case Compare(op, left, right):
            return _compare(op, evaluate(left, env), evaluate(right, env))
        case Logic("and", left, right):
            return bool(evaluate(left, env)) and bool(evaluate(right, env))
        case Logic(_, left, right):
            return bool(evaluate(left, env)) or bool(evaluate(right, env))
        case If(then, condition, other):
            return evaluate(then if evaluate(condition, env) else other, env)
        case Call(function, arguments):
            return _call(function, [number(argument, env) for argument in arguments])
        case Round(value, places):
            return rounded(number(value, env), places)
        case Sum(column):
            return _measured(total(env.columns[column]), expr.at)
        case Tiers():
            return evaluate(_tier(expr, env), env)
        case Share():
            return env.shares[expr][env.index]
        case _:
            assert_never(expr)


def number(expr: Expr, env: Env) -> Fraction:
    """`evaluate` of a formula whose checked sort is number."""
    value = evaluate(expr, env)
    assert isinstance(value, Fraction), (expr, value)
    return value


def _measured(value: Fraction, at: int) -> Fraction:
    if value.numerator.bit_length() > MAX_BITS or value.denominator.bit_length() > MAX_BITS:
        raise RuleFault("too_large", at)
    return value


def _arithmetic(op: ArithOp, left: Fraction, right: Fraction, at: int) -> Fraction:
    match op:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "/":
            if not right:
                raise RuleFault("division", at)
            return left / right


def _compare(op: CompareOp, left: Value, right: Value) -> bool:
    if op == "==":
        return left == right
    if op == "!=":
        return left != right
    assert isinstance(left, Fraction)
    assert isinstance(right, Fraction)
    match op:
        case "<":
            return left < right
        case "<=":
            return left <= right
        case ">":
            return left > right
        case ">=":
            return left >= right


def _call(function: str, arguments: Sequence[Fraction]) -> Fraction:
    match function:
        case "min":
            return min(arguments)
        case "max":
            return max(arguments)
        case "abs":
            return abs(arguments[0])
        case "floor":
            return Fraction(arguments[0].__floor__())
        case "ceil":
            return Fraction(arguments[0].__ceil__())
        case _:
            raise AssertionError(function)


def _tier(node: Tiers, env: Env) -> Expr:
    """The formula of the row that counts; the argument of an empty table is not even looked at."""
    table = env.tables[node.table]
    if not table.rows:
        if table.otherwise is None:
            raise RuleFault("empty_table", node.at, table=table.id)
        return table.otherwise
    return table.pick(number(node.argument, env), node.at)


def settle(expr: Expr, symbols: Mapping[str, str], tables: Mapping[str, Table] | None = None) -> Expr:
    """What the chosen options and the filled tables leave of a formula.

    Conditions on symbolic parameters are decided, an empty table gives way to its `otherwise`, and a conditional
    whose two sides have become the same to that side.
    `symbols`: the parameter's value by its id, and every option by itself.
    """
    known = tables or {}

    def truth(node: Expr) -> bool | None:
        match node:
            case Compare("==" | "!=" as op, Name(left), Name(right)) if left in symbols and right in symbols:
                return (symbols[left] == symbols[right]) == (op == "==")
            case Not(value):
                inner = truth(value)
                return None if inner is None else not inner
            case Logic(op, left, right):
                sides = (truth(left), truth(right))
                decisive = op == "or"
                if decisive in sides:
                    return decisive
                return None if None in sides else not decisive
            case _:
                return None

    if isinstance(expr, If):
        decided = truth(expr.condition)
        if decided is not None:
            return settle(expr.then if decided else expr.other, symbols, known)
    if isinstance(expr, Tiers) and expr.table in known:
        table = known[expr.table]
        if not table.rows and table.otherwise is not None:
            return settle(table.otherwise, symbols)
    left = mapped(expr, lambda child: settle(child, symbols, known))
    return left.then if isinstance(left, If) and left.then == left.other else left


def truth_of(expr: Expr, symbols: Mapping[str, str]) -> bool:
    """A condition on symbolic parameters alone (`when` of a step)."""
    return bool(evaluate(expr, Env(dict(symbols))))


def reduce(expr: Expr, env: Env) -> Expr:
    """What was really computed: conditionals and tables replaced by the side or row that counted."""
    match expr:
        case If(then, condition, other):
            return reduce(then if evaluate(condition, env) else other, env)
        case Tiers():
            return reduce(_tier(expr, env), env)
        case _:
            return mapped(expr, lambda child: reduce(child, env))
