"""The step language of a rule pack: one definition computes, is a spreadsheet formula, and reads as a sentence.

Numbers, names, `+ - * /`, comparisons, `and or not`, `A if C else B`, `min max abs floor ceil round(x, n)`,
`sum(column)`, `tiers(x, TABLE)`, `share(total, column)`; nothing else parses. Values are exact rationals.
Pure: no input or output; the words of a language are handed in as phrases (`rules.*` of the translations).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Literal, Protocol, assert_never

from core.money import plain, rounded, total

# A circular's longest formula has some 200 characters and five levels; these bounds keep a hostile one harmless.
MAX_LENGTH = 2000
MAX_DEPTH = 60
MAX_DIGITS = 30
MAX_PLACES = 12
# Of a numerator or denominator while steps are run: a few figures multiplied with themselves step by step would never end.
# A fund's amounts take 60; Python writes no whole number of more than 14,280.
MAX_BITS = 14_000

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


# --- parsing ---

_TOKEN = re.compile(
    r"(?P<space>\s+)|(?P<number>\d+(?:\.\d+)?|\.\d+)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<op><=|>=|==|!=|[-+*/<>(),])",
    re.ASCII,
)
KEYWORDS = frozenset({"if", "else", "and", "or", "not"})
FUNCTIONS: Mapping[str, tuple[int, int]] = {  # name: least and most arguments
    "min": (2, 20), "max": (2, 20), "abs": (1, 1), "floor": (1, 1), "ceil": (1, 1),
    "round": (2, 2), "sum": (1, 1), "tiers": (2, 2), "share": (2, 2),
}  # fmt: skip
RESERVED = KEYWORDS | frozenset(FUNCTIONS)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: Literal["number", "name", "op", "end"]
    text: str
    at: int


def _tokens(text: str) -> list[_Token]:
    if len(text) > MAX_LENGTH:
        raise FormulaError("too_long", MAX_LENGTH, limit=str(MAX_LENGTH))
    found: list[_Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise FormulaError("character", at, found=text[at])
        word = match.group()
        if match.lastgroup == "number":
            if len(word) > MAX_DIGITS:
                raise FormulaError("number_long", at, limit=str(MAX_DIGITS))
            found.append(_Token("number", word, at))
        elif match.lastgroup == "name":
            found.append(_Token("op" if word in KEYWORDS else "name", word, at))
        elif match.lastgroup == "op":
            found.append(_Token("op", word, at))
        at = match.end()
    found.append(_Token("end", "", len(text)))
    return found


# How tight an infix operator binds; a conditional is loosest, a sign tightest.
_IF, _OR, _AND, _NOT, _COMPARE, _ADD, _MUL, _NEG, _ATOM = range(1, 10)
_INFIX: Mapping[str, int] = {
    "if": _IF, "or": _OR, "and": _AND,
    "<": _COMPARE, "<=": _COMPARE, ">": _COMPARE, ">=": _COMPARE, "==": _COMPARE, "!=": _COMPARE,
    "+": _ADD, "-": _ADD, "*": _MUL, "/": _MUL,
}  # fmt: skip
_ARITH: Mapping[str, ArithOp] = {"+": "+", "-": "-", "*": "*", "/": "/"}
_COMPARISONS: Mapping[str, CompareOp] = {"<": "<", "<=": "<=", ">": ">", ">=": ">=", "==": "==", "!=": "!="}


class _Parser:
    """Pratt's method. Every recursion and every node of the tree counts against MAX_DEPTH."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._next = 0
        self._nesting = 0
        self._depth: dict[int, int] = {}  # id of a node of this tree -> its height
        self._kept: list[Expr] = []  # keeps those ids from being reused

    def whole(self) -> Expr:
        if self._peek().kind == "end":
            raise FormulaError("empty", 0)
        tree = self._expression(0)
        token = self._peek()
        if token.kind != "end":
            raise FormulaError("unexpected", token.at, found=token.text)
        return tree

    def _peek(self) -> _Token:
        return self._tokens[self._next]

    def _take(self) -> _Token:
        token = self._tokens[self._next]
        if token.kind != "end":
            self._next += 1
        return token

    def _expect(self, text: str) -> _Token:
        token = self._take()
        if token.text != text:
            if token.kind == "end":
                raise FormulaError("unfinished", token.at, expected=text)
            raise FormulaError("expected", token.at, expected=text, found=token.text)
        return token

    def _node(self, node: Expr) -> Expr:
        height = 1 + max((self._depth.get(id(child), 0) for child in children(node)), default=0)
        if height > MAX_DEPTH:
            raise FormulaError("too_deep", node.at, limit=str(MAX_DEPTH))
        self._depth[id(node)] = height
        self._kept.append(node)
        return node

    def _expression(self, binding: int) -> Expr:
        self._nesting += 1
        if self._nesting > MAX_DEPTH:
            raise FormulaError("too_deep", self._peek().at, limit=str(MAX_DEPTH))
        left = self._prefix()
        while True:
            token = self._peek()
            power = _INFIX.get(token.text, 0) if token.kind == "op" else 0
            if power <= binding:
                break
            left = self._infix(left, self._take(), power)
        self._nesting -= 1
        return left

    def _infix(self, left: Expr, token: _Token, power: int) -> Expr:
        if token.text == "if":
            condition = self._expression(_IF)
            self._expect("else")
            return self._node(If(left, condition, self._expression(_IF - 1), token.at))
        right = self._expression(power)
        if token.text in ("and", "or"):
            return self._node(Logic("and" if token.text == "and" else "or", left, right, token.at))
        if token.text in _ARITH:
            return self._node(Arith(_ARITH[token.text], left, right, token.at))
        following = self._peek()
        if following.kind == "op" and following.text in _COMPARISONS:
            raise FormulaError("chained", following.at, found=following.text)
        return self._node(Compare(_COMPARISONS[token.text], left, right, token.at))

    def _prefix(self) -> Expr:
        token = self._take()
        if token.kind == "number":
            return self._node(Num(Fraction(token.text), token.at))
        if token.kind == "name":
            if self._peek().text == "(":
                return self._call(token)
            if token.text in FUNCTIONS:
                raise FormulaError("function_name", token.at, found=token.text)
            return self._node(Name(token.text, token.at))
        if token.text == "(":
            inner = self._expression(0)
            self._expect(")")
            return inner
        if token.text == "-":
            return self._node(Neg(self._expression(_NEG), token.at))
        if token.text == "not":
            return self._node(Not(self._expression(_NOT), token.at))
        if token.kind == "end":
            raise FormulaError("unfinished", token.at, expected="...")
        raise FormulaError("unexpected", token.at, found=token.text)

    def _call(self, token: _Token) -> Expr:
        if token.text not in FUNCTIONS:
            raise FormulaError("function", token.at, found=token.text, known=" ".join(sorted(FUNCTIONS)))
        self._expect("(")
        least, most = FUNCTIONS[token.text]
        arguments: list[Expr] = []
        if self._peek().text != ")":
            arguments.append(self._expression(0))
            while self._peek().text == ",":
                self._take()
                arguments.append(self._expression(0))
        self._expect(")")
        if not least <= len(arguments) <= most:
            wanted = str(least) if least == most else f"{least}..{most}"
            raise FormulaError(
                "arguments", token.at, function=token.text, wanted=wanted, found=str(len(arguments))
            )
        match token.text:
            case "round":
                return self._node(Round(arguments[0], self._places(arguments[1]), token.at))
            case "sum":
                return self._node(Sum(self._plain_name(arguments[0], "sum"), token.at))
            case "tiers":
                return self._node(Tiers(arguments[0], self._plain_name(arguments[1], "tiers"), token.at))
            case "share":
                return self._node(Share(arguments[0], self._plain_name(arguments[1], "share"), token.at))
            case function:
                return self._node(Call(function, tuple(arguments), token.at))

    @staticmethod
    def _plain_name(node: Expr, function: str) -> str:
        if not isinstance(node, Name):
            raise FormulaError("plain_name", node.at, function=function)
        return node.id

    @staticmethod
    def _places(node: Expr) -> int:
        value = node.value if isinstance(node, Num) else None
        if isinstance(node, Neg) and isinstance(node.value, Num):
            value = -node.value.value
        if value is None or value.denominator != 1 or abs(value) > MAX_PLACES:
            raise FormulaError("places", node.at, limit=str(MAX_PLACES))
        return value.numerator


def parse(text: str) -> Expr:
    """The tree of a formula; FormulaError with its place for anything else."""
    return _Parser(text).whole()


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


def _mapped(expr: Expr, change: Callable[[Expr], Expr]) -> Expr:
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


# --- values ---


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
    left = _mapped(expr, lambda child: settle(child, symbols, known))
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
            return _mapped(expr, lambda child: reduce(child, env))


# --- the three ways to write a formula ---


def _joined(
    op: str, left: tuple[str, int], right: tuple[str, int], sign: str, *, keep: bool
) -> tuple[str, int]:
    """Infix with no more parentheses than the meaning needs; `keep` also keeps those of a + (b + c)."""
    power = _INFIX[op]
    after = power + 1 if keep or op in ("-", "/") or power == _COMPARE else power
    first = f"({left[0]})" if left[1] < power or (power == _COMPARE and left[1] == power) else left[0]
    second = f"({right[0]})" if right[1] < after else right[0]
    return f"{first}{sign}{second}", power


class Refs(Protocol):
    """Where a formula's values stand in a workbook."""

    def cell(self, name: str) -> str:
        """The cell of a name as seen from the formula's row: a step, an input or a parameter."""
        ...

    def column(self, name: str) -> str:
        """The range of a column over all institutions."""
        ...

    def share(self, node: Share) -> str:
        """The cell with the institution's part: the exporter lays helper columns (floor, remainder, rank)."""
        ...

    @property
    def tables(self) -> Mapping[str, Table]: ...


def excel(expr: Expr, ref: Refs, places: int | None = None, symbols: Mapping[str, str] | None = None) -> str:
    """The formula for Excel and LibreOffice, without the leading `=`, in ROUND() where the step has `places`.

    ROUND is half away from zero in both. floor and ceil go through INT, right for negatives; what is
    computed is rounded to 12 decimals before it is floored or compared, so that binary noise moves no edge.
    `symbols`: options of parameters, written as texts.
    """
    options = symbols or {}

    def steady(node: Expr) -> str:
        text = write(node)
        return text[0] if isinstance(node, Name | Num | Sum | Round) else f"ROUND({text[0]},12)"

    def write(node: Expr) -> tuple[str, int]:
        match node:
            case Num(value):
                return plain(value), _ATOM
            case Name(id):
                return (f'"{id}"' if id in options else ref.cell(id)), _ATOM
            case Neg(value):
                text = write(value)
                return f"-({text[0]})" if text[1] <= _NEG else f"-{text[0]}", _NEG
            case Not(value):
                return f"NOT({write(value)[0]})", _ATOM
            case Arith(op, left, right):
                second = write(right)
                if second[1] == _NEG:
                    second = (f"({second[0]})", _ATOM)
                return _joined(op, write(left), second, op, keep=True)
            case Compare(op, left, right):
                sign = {"==": "=", "!=": "<>"}.get(op, op)
                return f"{steady(left)}{sign}{steady(right)}", _COMPARE
            case Logic(op, left, right):
                return f"{op.upper()}({write(left)[0]},{write(right)[0]})", _ATOM
            case If(then, condition, other):
                return f"IF({write(condition)[0]},{write(then)[0]},{write(other)[0]})", _ATOM
            case Call("floor", (argument,)):
                return f"INT({steady(argument)})", _ATOM
            case Call("ceil", (argument,)):
                return f"-INT(-{steady(argument)})", _NEG
            case Call(function, arguments):
                return f"{function.upper()}({','.join(write(argument)[0] for argument in arguments)})", _ATOM
            case Round(value, digits):
                return f"ROUND({write(value)[0]},{digits})", _ATOM
            case Sum(column):
                return f"SUM({ref.column(column)})", _ATOM
            case Tiers(argument, table):
                return tiers(steady(argument), ref.tables[table])
            case Share():
                return ref.share(node), _ATOM
            case _:
                assert_never(node)

    def tiers(x: str, table: Table) -> tuple[str, int]:
        if not table.rows:
            assert table.otherwise is not None, table.id
            return write(table.otherwise)
        text = "NA()"
        for row in reversed(table.rows):
            value = write(row.value)[0]
            # Rows follow one another without a gap: the upper edge alone decides.
            text = (
                value
                if row.end is None
                else f"IF({x}{'<=' if row.closed else '<'}{plain(row.end)},{value},{text})"
            )
        first = table.rows[0].start
        if first is not None:
            text = f"IF({x}<{plain(first)},NA(),{text})"
        return f"({text})", _ATOM

    whole = write(expr)[0]
    return whole if places is None else f"ROUND({whole},{places})"


Phrases = Mapping[str, str]


def _shown(
    expr: Expr,
    name: Callable[[str], str],
    total: Callable[[str], str],
    column: Callable[[str], str],
    phrases: Phrases,
    tables: Mapping[str, Table],
    lang: str,
) -> str:
    signs = {"+": " + ", "-": " − ", "*": " × ", "/": " ÷ "}
    comparisons = {"<": " < ", "<=": " ≤ ", ">": " > ", ">=": " ≥ ", "==": " = ", "!=": " ≠ "}
    comma = phrases["comma"]

    def write(node: Expr) -> tuple[str, int]:
        match node:
            case Num(value):
                return plain(value), _ATOM
            case Name(id):
                text = name(id)
                return text, (_NEG if text.startswith("−") else _ATOM)
            case Neg(value):
                text = write(value)
                return f"−({text[0]})" if text[1] <= _NEG else f"−{text[0]}", _NEG
            case Not(value):
                text, power = write(value)
                return phrases["not"].format(f"({text})" if power < _NOT else text), _NOT
            case Arith(op, left, right):
                second = write(right)
                if second[1] == _NEG:
                    second = (f"({second[0]})", _ATOM)
                return _joined(op, write(left), second, signs[op], keep=False)
            case Compare(op, left, right):
                return _joined(op, write(left), write(right), comparisons[op], keep=False)
            case Logic(op, left, right):
                return _joined(op, write(left), write(right), f" {phrases[op]} ", keep=False)
            case If(then, condition, other):
                values = {"condition": write(condition)[0], "then": write(then)[0], "other": write(other)[0]}
                return phrases["if"].format_map(values), _IF
            case Call(function, arguments):
                return phrases[function].format(
                    comma.join(write(argument)[0] for argument in arguments)
                ), _ATOM
            case Round(value, places):
                return phrases["round"].format(write(value)[0], places), _ATOM
            case Sum(id):
                text = total(id)
                return text, (_NEG if text.startswith("−") else _ATOM)
            case Tiers(argument, id):
                table = tables[id]
                if not table.rows and table.otherwise is not None:
                    return write(table.otherwise)
                return phrases["tiers"].format(table=table.title[lang], x=write(argument)[0]), _ATOM
            case Share(whole, id):
                return phrases["share"].format(total=write(whole)[0], column=column(id)), _ATOM
            case _:
                assert_never(node)

    return write(expr)[0]


def words(
    expr: Expr,
    title: Callable[[str], str],
    phrases: Phrases,
    lang: str = "zh",
    *,
    column: Callable[[str], str] | None = None,
    tables: Mapping[str, Table] | None = None,
) -> str:
    """The formula in the field's words: (可分配基金 + Σ个人支付) ÷ Σ分值.

    title: a name's words; column: those of a column of the institutions, where they differ; phrases: the `rules.*`
    texts of the language, by their keys without the prefix.
    """
    of_column = column or title
    return _shown(
        expr, title, lambda id: phrases["sum"].format(of_column(id)), of_column, phrases, tables or {}, lang
    )


def filled(
    expr: Expr,
    show: Callable[[str], str],
    show_sum: Callable[[str], str],
    phrases: Phrases,
    lang: str = "zh",
    *,
    column: Callable[[str], str],
    tables: Mapping[str, Table] | None = None,
) -> str:
    """The formula with values put in; give it what `reduce` left. Negative values come with the sign −."""
    return _shown(expr, show, show_sum, column, phrases, tables or {}, lang)
