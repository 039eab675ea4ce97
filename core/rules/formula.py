"""The step language of a rule pack, as trees: one definition computes, is a spreadsheet formula, and reads as a sentence.

Numbers, names, `+ - * /`, comparisons, `and or not`, `A if C else B`, `min max abs floor ceil round(x, n)`,
`sum(column)`, `tiers(x, TABLE)`, `share(total, column)`; nothing else parses. Values are exact rationals.
A text becomes a tree in `parsing`, a tree a value in `evaluation`, and it is written for Excel and in words in `spelling`.
All of it is pure: no input or output; the words of a language are handed in as phrases (`rules.*` of the translations).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Literal, assert_never

from core.money import plain

Value = Fraction | bool | str  # a str is a symbol: an option of a parameter
Sort = Literal["number", "truth", "symbol"]
ArithOp = Literal["+", "-", "*", "/"]
CompareOp = Literal["<", "<=", ">", ">=", "==", "!="]


class FormulaError(Exception):
    """A formula that is none, or does not fit. `code`: `finding.formula_CODE`; `at`: the offset in its text."""

    def __init__(self, code: str, at: int, **values: str) -> None:
        super().__init__(code, at, values)
        self.code = code
        self.at = at
        self.values = values


class RuleFault(Exception):
    """A sound formula that these values do not fit (division by zero, no row of a table): `finding.rule_CODE`."""

    def __init__(self, code: str, at: int, **values: str) -> None:
        super().__init__(code, at, values)
        self.code = code
        self.at = at
        self.values = values


# --- the tree. `at` is where the node stands in the text; it takes no part in equality. ---


@dataclass(frozen=True, slots=True)
class Num:
    value: Fraction
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Name:
    id: str
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Neg:
    value: Expr
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Not:
    value: Expr
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Arith:
    op: ArithOp
    left: Expr
    right: Expr
    at: int = field(default=0, compare=False)  # of the operator


@dataclass(frozen=True, slots=True)
class Compare:
    op: CompareOp
    left: Expr
    right: Expr
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Logic:
    op: Literal["and", "or"]
    left: Expr
    right: Expr
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class If:
    """`then if condition else other`"""

    then: Expr
    condition: Expr
    other: Expr
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """min, max (two or more), abs, floor, ceil (one)."""

    function: str
    arguments: tuple[Expr, ...]
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Round:
    """Half away from zero to `places` decimals (negative: tens)."""

    value: Expr
    places: int
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Sum:
    """Of a column of the institutions; regional formulas only."""

    column: str
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Tiers:
    """The value of the row of `table` that `argument` falls into."""

    argument: Expr
    table: str
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Share:
    """The institution's part of the region's `total`, split by `column` with the largest remainder."""

    total: Expr
    column: str
    at: int = field(default=0, compare=False)


Expr = Num | Name | Neg | Not | Arith | Compare | Logic | If | Call | Round | Sum | Tiers | Share


@dataclass(frozen=True, slots=True)
class Row:
    """start <= x < end, or <= end where `closed`; None is no bound. The first row that holds x counts,
    so an edge shared by two rows belongs to the lower one where that one is closed."""

    start: Fraction | None
    end: Fraction | None
    closed: bool
    value: Expr
    text: str = ""  # the value as it was typed

    def holds(self, x: Fraction) -> bool:
        above = self.start is None or x >= self.start
        return above and (self.end is None or x < self.end or (self.closed and x == self.end))


@dataclass(frozen=True, slots=True)
class Table:
    """Rows in ascending order without gaps. Without rows `otherwise` stands: it waits for the local document."""

    id: str
    title: Mapping[str, str]
    rows: tuple[Row, ...]
    otherwise: Expr | None
    cite: str = ""
    evidence: str = ""
    open: Mapping[str, str] = field(default_factory=dict[str, str])
    note: Mapping[str, str] = field(default_factory=dict[str, str])
    otherwise_text: str = ""

    def pick(self, x: Fraction, at: int = 0) -> Expr:
        for row in self.rows:
            if row.holds(x):
                return row.value
        raise RuleFault("no_tier", at, table=self.id, value=plain(x))


class Binds:
    """How tight an operator binds; a conditional is loosest, a sign tightest."""

    IF, OR, AND, NOT, COMPARE, ADD, MUL, NEG, ATOM = range(1, 10)


INFIX: Mapping[str, int] = {
    "if": Binds.IF, "or": Binds.OR, "and": Binds.AND,
    **dict.fromkeys(("<", "<=", ">", ">=", "==", "!="), Binds.COMPARE),
    "+": Binds.ADD, "-": Binds.ADD, "*": Binds.MUL, "/": Binds.MUL,
}  # fmt: skip


# --- looking at a tree ---


def children(expr: Expr) -> tuple[Expr, ...]:
    match expr:
        case Num() | Name() | Sum():
            return ()
        case Neg(value) | Not(value) | Round(value):
            return (value,)
        case Arith(_, left, right) | Compare(_, left, right) | Logic(_, left, right):
            return (left, right)
        case If(then, condition, other):
            return (then, condition, other)
        case Call(_, arguments):
            return arguments
        case Tiers(argument):
            return (argument,)
        case Share(total):
            return (total,)
        case _:
            assert_never(expr)


def walk(expr: Expr) -> Iterator[Expr]:
    """The node and all beneath it, in reading order of the tree."""
    yield expr
    for child in children(expr):
        yield from walk(child)


def mapped(expr: Expr, change: Callable[[Expr], Expr]) -> Expr:
    """The same node over changed children."""
    match expr:
        case Num() | Name() | Sum():
            return expr
        case Neg(value) | Not(value) | Round(value):
            return replace(expr, value=change(value))
        case Arith(_, left, right) | Compare(_, left, right) | Logic(_, left, right):
            return replace(expr, left=change(left), right=change(right))
        case If(then, condition, other):
            return replace(expr, then=change(then), condition=change(condition), other=change(other))
        case Call(_, arguments):
            return replace(expr, arguments=tuple(change(argument) for argument in arguments))
        case Tiers(argument):
            return replace(expr, argument=change(argument))
        case Share(total):
            return replace(expr, total=change(total))
        case _:
            assert_never(expr)


@dataclass(frozen=True, slots=True)
class Uses:
    """What a formula needs: plain names, columns (of sum and share), tables; each in order of appearance."""

    names: tuple[str, ...]
    columns: tuple[str, ...]
    tables: tuple[str, ...]


def uses(expr: Expr) -> Uses:
    plain_names: dict[str, None] = {}
    columns: dict[str, None] = {}
    tables: dict[str, None] = {}
    for node in walk(expr):
        match node:
            case Name(id):
                plain_names[id] = None
            case Sum(column) | Share(_, column):
                columns[column] = None
            case Tiers(_, table):
                tables[table] = None
            case _:
                pass
    return Uses(tuple(plain_names), tuple(columns), tuple(tables))


def names(expr: Expr) -> tuple[str, ...]:
    """The plain names of a formula, without the columns of sum and share and without tables."""
    return uses(expr).names


def sort_of(expr: Expr, sorts: Mapping[str, Sort]) -> Sort:
    """What kind of value comes out; FormulaError where kinds do not fit (`1 + (2 < 3)`). Other names are numbers."""

    def want(node: Expr, sort: Sort) -> None:
        found = sort_of(node, sorts)
        if found != sort:
            raise FormulaError("sort", node.at, wanted=sort, found=found)

    match expr:
        case Num() | Sum():
            return "number"
        case Name(id):
            return sorts.get(id, "number")
        case Neg() | Arith() | Call() | Round() | Tiers() | Share():
            for child in children(expr):
                want(child, "number")
            return "number"
        case Not() | Logic():
            for child in children(expr):
                want(child, "truth")
            return "truth"
        case Compare(op, left, right):
            if sort_of(left, sorts) == "symbol" and op in ("==", "!="):
                want(right, "symbol")
            else:
                want(left, "number")
                want(right, "number")
            return "truth"
        case If(then, condition, other):
            want(condition, "truth")
            sort = sort_of(then, sorts)
            want(other, sort)
            return sort
        case _:
            assert_never(expr)
