"""A formula over all institutions at once: whole numbers over denominators, exact, and quick enough for every keystroke.

It computes what `evaluation.evaluate` does of each institution alone. Where any of them does not fit the formula it gives up
(`RuleFault`), and whoever asked goes through them one by one to say which.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from core.rules import evaluation
from core.rules import formula as language
from core.rules.formula import Expr, RuleFault, Share, Table, Value


@dataclass(frozen=True, slots=True)
class Column:
    """nums[i] / dens[i], or nums[i] / den where `dens` is None; denominators are positive, not reduced."""

    nums: list[int]
    den: int = 1
    dens: list[int] | None = None

    def fractions(self) -> tuple[Fraction, ...]:
        if self.dens is None:
            return tuple(Fraction(num, self.den) for num in self.nums)
        return tuple(map(Fraction, self.nums, self.dens))

    def rounded(self, places: int) -> Column:
        """Half away from zero to `places` decimals (negative: tens)."""
        up, down = 10 ** max(places, 0), 10 ** max(-places, 0)
        if self.dens is None:
            den = self.den * down
            if up % den == 0:
                more = up // den
                whole = self.nums if more == 1 else [num * more for num in self.nums]
            else:
                twice, up2 = 2 * den, 2 * up
                whole = [
                    (num * up2 + den) // twice if num >= 0 else -((den - num * up2) // twice) for num in self.nums
                ]
        else:
            whole = [
                (2 * num * up + den * down) // (2 * den * down)
                if num >= 0
                else -((den * down - 2 * num * up) // (2 * den * down))
                for num, den in zip(self.nums, self.dens, strict=True)
            ]
        return Column([num * down for num in whole] if down > 1 else whole, up)


def column_of(values: Sequence[Fraction]) -> Column:
    dens = {value.denominator for value in values}
    den = math.lcm(*dens)
    if len(dens) == 1:
        return Column([value.numerator for value in values], den)
    return Column([value.numerator * (den // value.denominator) for value in values], den)


class Rows:
    """What the names of an institution's formula mean: columns of their own before plain values, the same for all."""

    def __init__(
        self,
        count: int,
        columns: Callable[[str], Column | None],
        values: Mapping[str, Value],
        tables: Mapping[str, Table],
        shares: Mapping[Share, Sequence[Fraction]],
        only: Sequence[int] | None = None,
    ) -> None:
        self._count = count
        self._columns = columns
        self._values = values
        self._tables = tables
        self._shares = shares
        self._only = only

    def _some(self, picked: Sequence[int]) -> Rows:
        """Only the rows at these places of this one's."""
        only = picked if self._only is None else [self._only[i] for i in picked]
        return Rows(len(picked), self._columns, self._values, self._tables, self._shares, only)

    def _taken(self, column: Column) -> Column:
        if self._only is None:
            return column
        dens = None if column.dens is None else [column.dens[i] for i in self._only]
        return Column([column.nums[i] for i in self._only], column.den, dens)

    def number(self, expr: Expr) -> Column:
        match expr:
            case language.Num(value):
                return self._constant(value)
            case language.Name(id):
                column = self._columns(id)
                if column is not None:
                    return self._taken(column)
                value = self._values[id]
                assert isinstance(value, Fraction), id
                return self._constant(value)
            case language.Neg(value):
                inner = self.number(value)
                return Column([-num for num in inner.nums], inner.den, inner.dens)
            case language.Arith("*", left, right):
                return _measured(_times(self.number(left), self.number(right)), expr.at)
            case language.Arith("/", left, right):
                return _measured(_divided(self.number(left), self.number(right), expr.at), expr.at)
            case language.Arith(op, left, right):
                a, b = _aligned(self.number(left), self.number(right))
                pairs = zip(a.nums, b.nums, strict=True)
                nums = [x + y for x, y in pairs] if op == "+" else [x - y for x, y in pairs]
                return _measured(Column(nums, a.den, a.dens), expr.at)
            case language.If(then, condition, other):
                return self._parted([then if holds else other for holds in self.truth(condition)])
            case language.Call("abs", (argument,)):
                inner = self.number(argument)
                return Column([abs(num) for num in inner.nums], inner.den, inner.dens)
            case language.Call("floor" | "ceil" as function, (argument,)):
                inner = self.number(argument)
                dens = inner.dens or [inner.den] * self._count
                pairs = zip(inner.nums, dens, strict=True)
                return Column([-(-n // d) for n, d in pairs] if function == "ceil" else [n // d for n, d in pairs])
            case language.Call(function, arguments):
                pick = min if function == "min" else max
                best = self.number(arguments[0])
                for argument in arguments[1:]:
                    a, b = _aligned(best, self.number(argument))
                    best = Column([pick(x, y) for x, y in zip(a.nums, b.nums, strict=True)], a.den, a.dens)
                return best
            case language.Round(value, places):
                return self.number(value).rounded(places)
            case language.Tiers(argument, table):
                known = self._tables[table]
                if not known.rows:
                    if known.otherwise is None:
                        raise RuleFault("empty_table", expr.at, table=table)
                    return self.number(known.otherwise)
                return self._parted([known.pick(x, expr.at) for x in self.number(argument).fractions()])
            case language.Share():
                return self._taken(column_of(self._shares[expr]))
            case _:
                raise AssertionError(expr)

    def truth(self, expr: Expr) -> list[bool]:
        match expr:
            case language.Compare(op, language.Name(left), language.Name(right)) if (
                self._columns(left) is None and isinstance(symbol := self._values[left], str)
            ):
                return [(symbol == self._values[right]) == (op == "==")] * self._count
            case language.Compare(op, left, right):
                a, b = _aligned(self.number(left), self.number(right))
                compare = _COMPARE[op]
                return [compare(x, y) for x, y in zip(a.nums, b.nums, strict=True)]
            case language.Not(value):
                return [not one for one in self.truth(value)]
            case language.Logic(op, left, right):
                # The right side is looked at only where the left one leaves it open: it may not be defined elsewhere.
                found = self.truth(left)
                open_rows = [i for i, one in enumerate(found) if one == (op == "and")]
                if open_rows:
                    for i, one in zip(open_rows, self._some(open_rows).truth(right), strict=True):
                        found[i] = one
                return found
            case _:
                raise AssertionError(expr)

    def _constant(self, value: Fraction) -> Column:
        return Column([value.numerator] * self._count, value.denominator)

    def _parted(self, chosen: Sequence[Expr]) -> Column:
        """Each row by a formula of its own: the rows of one formula together."""
        by_formula: dict[int, list[int]] = {}
        formulas: dict[int, Expr] = {}
        for i, expr in enumerate(chosen):
            formulas[id(expr)] = expr
            by_formula.setdefault(id(expr), []).append(i)
        if len(formulas) == 1:
            return self.number(chosen[0])
        nums, dens = [0] * self._count, [1] * self._count
        for key, picked in by_formula.items():
            part = self._some(picked).number(formulas[key])
            own = part.dens or [part.den] * len(picked)
            for i, num, den in zip(picked, part.nums, own, strict=True):
                nums[i], dens[i] = num, den
        return Column(nums, 1, dens)


def _measured(column: Column, at: int) -> Column:
    """RuleFault for numbers beyond `formula.MAX_BITS`."""
    for some in (column.nums, column.dens or (column.den,)):
        if max(map(int.bit_length, some), default=0) > evaluation.MAX_BITS:
            raise RuleFault("too_large", at)
    return column


def _times(a: Column, b: Column) -> Column:
    nums = [x * y for x, y in zip(a.nums, b.nums, strict=True)]
    if a.dens is None and b.dens is None:
        return Column(nums, a.den * b.den)
    return Column(nums, 1, [x * y for x, y in zip(_dens(a), _dens(b), strict=True)])


def _divided(a: Column, b: Column, at: int) -> Column:
    if 0 in b.nums:
        raise RuleFault("division", at)
    turned = Column(
        [den if num > 0 else -den for num, den in zip(b.nums, _dens(b), strict=True)], 1, [abs(num) for num in b.nums]
    )
    return _times(a, turned)


def _dens(a: Column) -> list[int]:
    return a.dens if a.dens is not None else [a.den] * len(a.nums)


def _aligned(a: Column, b: Column) -> tuple[Column, Column]:
    """Both over the same denominators."""
    if a.dens is None and b.dens is None:
        if a.den == b.den:
            return a, b
        den = math.lcm(a.den, b.den)
        return _over(a, den), _over(b, den)
    first, second = _dens(a), _dens(b)
    dens = [x * y for x, y in zip(first, second, strict=True)]
    return (
        Column([x * y for x, y in zip(a.nums, second, strict=True)], 1, dens),
        Column([x * y for x, y in zip(b.nums, first, strict=True)], 1, dens),
    )


def _over(a: Column, den: int) -> Column:
    more = den // a.den
    return a if more == 1 else Column([num * more for num in a.nums], den)


_COMPARE: Mapping[str, Callable[[int, int], bool]] = {
    "<": int.__lt__,
    "<=": int.__le__,
    ">": int.__gt__,
    ">=": int.__ge__,
    "==": int.__eq__,
    "!=": int.__ne__,
}
