"""`total_cost > 2 * mean_fee`: a condition between columns, exact over every row at once.

Names are column ids or their headings in either language; amounts are in the units of the full heading (yuan,
never fen or 万元). Python's own parser reads it, and nothing but arithmetic, comparison and logic is let through.
"""

from __future__ import annotations

import ast
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from core.worksheet import Column, Worksheet
from ui.table.rows import CHUNK, is_number

LIMIT = 2**62
_SIGNS = str.maketrans({"×": "*", "÷": "/", "≥": ">=", "≤": "<=", "≠": "!=", "“": '"', "”": '"', "，": ","})


class NoCondition(ValueError):
    """The text cannot be read. `args` are a code under `table.condition` and the place or name."""

    def __init__(self, code: str, what: str = "") -> None:
        super().__init__(code, what)
        self.code, self.what = code, what


@dataclass(frozen=True, slots=True)
class Numbers:
    """up / down, exactly, down > 0 wherever `known`; int64 arrays, or Python's integers where those would not fit."""

    up: Any
    down: Any
    known: Any


def _times(a: Any, b: Any) -> Any:
    """a * b without overflow."""
    if isinstance(a, int) and isinstance(b, int):
        return a * b
    for side in (a, b):
        if isinstance(side, np.ndarray) and side.dtype == object:
            return _wide(a) * _wide(b)
    return a * b if _most(a) * _most(b) < LIMIT else _wide(a) * _wide(b)


def _plus(a: Any, b: Any) -> Any:
    return a + b if _most(a) + _most(b) < LIMIT else _wide(a) + _wide(b)


def _most(a: Any) -> int:
    if isinstance(a, int):
        return abs(a)
    if len(a) == 0:
        return 0
    return max(abs(int(a.max())), abs(int(a.min())))


def _wide(a: Any) -> Any:
    return a.astype(object) if isinstance(a, np.ndarray) else a


def _column(column: Column, cells: np.ndarray) -> Numbers:
    if cells.dtype != object:
        return Numbers(cells, 10 ** (column.places or 0) if column.kind == "fixed" else 1, True)
    known = np.array([cell is not None for cell in cells], dtype=bool)
    exact = [Fraction(0) if cell is None else Fraction(cell) for cell in cells]
    scale = 10 ** (column.places or 0) if column.kind == "fixed" else 1
    up, down = np.empty(len(exact), dtype=object), np.empty(len(exact), dtype=object)
    up[:] = [value.numerator for value in exact]
    down[:] = [value.denominator * scale for value in exact]
    return Numbers(up, down, known)


def _flat(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).split())


class Condition:
    """A condition that was read and fits the columns; `mask(sheet)` says which rows fulfil it."""

    def __init__(self, text: str, columns: list[Column]) -> None:
        self._columns: dict[str, Column] = {}
        for column in columns:
            for name in (column.id, *column.title.values()):
                self._columns.setdefault(_flat(name), column)
        source = unicodedata.normalize("NFKC", text.translate(_SIGNS)).strip()
        if len(source) > 500:
            raise NoCondition("long")
        # One sign of equality is what people write.
        source = (
            "".join(
                "=="
                if sign == "=" and source[i - 1 : i] not in "<>!=" and source[i + 1 : i + 2] != "="
                else sign
                for i, sign in enumerate(source)
            )
            if '"' not in source
            else source.replace(" = ", " == ")
        )
        try:
            tree = ast.parse(source, mode="eval").body
        except (SyntaxError, ValueError, RecursionError) as fault:
            raise NoCondition("unreadable", str(getattr(fault, "offset", "") or "")) from None
        self._source = source
        self.names: list[str] = []
        self._test = self._logic(tree)

    def mask(self, sheet: Worksheet, cancelled: Callable[[], bool] = lambda: False) -> np.ndarray:
        mask = np.zeros(sheet.rows, dtype=bool)
        for start in range(0, sheet.rows, CHUNK):
            if cancelled():
                break
            part = slice(start, min(start + CHUNK, sheet.rows))
            mask[part] = self._test(sheet, part)
        return mask

    # Reading: each method gives a function (sheet, slice) -> array.

    def _logic(self, node: ast.expr) -> Callable[[Worksheet, slice], Any]:
        if isinstance(node, ast.BoolOp):
            parts = [self._logic(value) for value in node.values]
            join = np.logical_and if isinstance(node.op, ast.And) else np.logical_or
            return lambda sheet, part: join.reduce([one(sheet, part) for one in parts])
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            inner = self._logic(node.operand)
            return lambda sheet, part: ~inner(sheet, part)
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            tests = [
                self._comparison(left, op, right)
                for left, op, right in zip(sides, node.ops, sides[1:], strict=False)
            ]
            return lambda sheet, part: np.logical_and.reduce([one(sheet, part) for one in tests])
        raise NoCondition("no_comparison", ast.get_source_segment(self._source, node) or "")

    def _comparison(
        self, left: ast.expr, op: ast.cmpop, right: ast.expr
    ) -> Callable[[Worksheet, slice], Any]:
        if self._is_text(left) or self._is_text(right):
            a, b = self._text(left), self._text(right)
            match op:
                case ast.Eq():
                    test: Callable[[str, str], bool] = str.__eq__
                case ast.NotEq():
                    test = str.__ne__
                case ast.In():
                    test = lambda x, y: x in y  # noqa: E731
                case ast.NotIn():
                    test = lambda x, y: x not in y  # noqa: E731
                case _:
                    raise NoCondition("text_order")
            return lambda sheet, part: np.fromiter(
                (test(x, y) for x, y in zip(a(sheet, part), b(sheet, part), strict=True)),
                dtype=bool,
                count=part.stop - part.start,
            )
        first, second = self._number(left), self._number(right)

        def compare(sheet: Worksheet, part: slice) -> Any:
            a, b = first(sheet, part), second(sheet, part)
            x, y = _times(a.up, b.down), _times(b.up, a.down)
            match op:
                case ast.Lt():
                    hit = x < y
                case ast.LtE():
                    hit = x <= y
                case ast.Gt():
                    hit = x > y
                case ast.GtE():
                    hit = x >= y
                case ast.Eq():
                    hit = x == y
                case ast.NotEq():
                    hit = x != y
                case _:
                    raise NoCondition("text_order")
            full = np.zeros(part.stop - part.start, dtype=bool)
            full[:] = hit
            return full & a.known & b.known

        if not isinstance(op, ast.Lt | ast.LtE | ast.Gt | ast.GtE | ast.Eq | ast.NotEq):
            raise NoCondition("text_order")
        return compare

    def _find(self, name: str) -> Column:
        column = self._columns.get(_flat(name))
        if column is None:
            raise NoCondition("unknown_name", name)
        self.names.append(column.id)
        return column

    def _is_text(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Name):
            return not is_number(self._find(node.id))
        return isinstance(node, ast.Constant) and isinstance(node.value, str)

    def _text(self, node: ast.expr) -> Callable[[Worksheet, slice], list[str]]:
        if isinstance(node, ast.Constant):
            word = str(node.value)
            return lambda sheet, part: [word] * (part.stop - part.start)
        if isinstance(node, ast.Name):
            column = self._find(node.id)
            if is_number(column):
                raise NoCondition("text_order")
            return lambda sheet, part: ["" if c is None else str(c) for c in sheet.cells[column.id][part]]
        raise NoCondition("text_order")

    def _number(self, node: ast.expr) -> Callable[[Worksheet, slice], Numbers]:
        if isinstance(node, ast.Constant) and type(node.value) in (int, float):
            try:
                value = Fraction(ast.get_source_segment(self._source, node) or "")
            except ValueError:
                raise NoCondition("unreadable", str(node.col_offset + 1)) from None
            if value.denominator > 10**30 or abs(value) > 10**30:
                raise NoCondition("long")
            constant = Numbers(value.numerator, value.denominator, True)
            return lambda sheet, part: constant
        if isinstance(node, ast.Name):
            column = self._find(node.id)
            if not is_number(column):
                raise NoCondition("text_order")
            return lambda sheet, part: _column(column, sheet.cells[column.id][part])
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
            inner, sign = self._number(node.operand), -1 if isinstance(node.op, ast.USub) else 1

            def signed(sheet: Worksheet, part: slice) -> Numbers:
                a = inner(sheet, part)
                return Numbers(a.up * sign, a.down, a.known)

            return signed
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub | ast.Mult | ast.Div):
            return self._arithmetic(node)
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "abs"
            and len(node.args) == 1
        ):
            inside = self._number(node.args[0])

            def absolute(sheet: Worksheet, part: slice) -> Numbers:
                a = inside(sheet, part)
                return Numbers(abs(a.up), a.down, a.known)

            return absolute
        raise NoCondition("not_allowed", ast.get_source_segment(self._source, node) or "")

    def _arithmetic(self, node: ast.BinOp) -> Callable[[Worksheet, slice], Numbers]:
        left, right, op = self._number(node.left), self._number(node.right), node.op

        def work(sheet: Worksheet, part: slice) -> Numbers:
            a, b = left(sheet, part), right(sheet, part)
            known = np.logical_and(a.known, b.known)
            if isinstance(op, ast.Mult):
                return Numbers(_times(a.up, b.up), _times(a.down, b.down), known)
            if isinstance(op, ast.Div):  # a row divided by zero fulfils nothing
                zero = b.up == 0
                sign = np.sign(b.up) if isinstance(b.up, np.ndarray) else (b.up > 0) - (b.up < 0)
                down = _times(a.down, abs(b.up))
                if isinstance(down, np.ndarray):
                    down = np.where(zero, 1, down)
                elif zero:
                    down = 1
                return Numbers(
                    _times(_times(a.up, b.down), sign), down, np.logical_and(known, np.logical_not(zero))
                )
            second = _times(b.up, a.down)
            up = _plus(_times(a.up, b.down), second if isinstance(op, ast.Add) else -second)
            return Numbers(up, _times(a.down, b.down), known)

        return work
