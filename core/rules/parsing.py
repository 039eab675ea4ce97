"""A formula's text as its tree, or what is wrong with it and where."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from core.rules.formula import (
    INFIX,
    Arith,
    ArithOp,
    Binds,
    Call,
    Compare,
    CompareOp,
    Expr,
    FormulaError,
    If,
    Logic,
    Name,
    Neg,
    Not,
    Num,
    Round,
    Share,
    Sum,
    Tiers,
    children,
)

# A circular's longest formula has some 200 characters and five levels; these bounds keep a hostile one harmless.
MAX_LENGTH = 2000
MAX_DEPTH = 60
MAX_DIGITS = 30
MAX_PLACES = 12

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
_ARITH: Mapping[str, ArithOp] = {"+": "+", "-": "-", "*": "*", "/": "/"}
_COMPARISONS: Mapping[str, CompareOp] = {"<": "<", "<=": "<=", ">": ">", ">=": ">=", "==": "==", "!=": "!="}


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
            power = INFIX.get(token.text, 0) if token.kind == "op" else 0
            if power <= binding:
                break
            left = self._infix(left, self._take(), power)
        self._nesting -= 1
        return left

    def _infix(self, left: Expr, token: _Token, power: int) -> Expr:
        if token.text == "if":
            condition = self._expression(Binds.IF)
            self._expect("else")
            return self._node(If(left, condition, self._expression(Binds.IF - 1), token.at))
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
            return self._node(Neg(self._expression(Binds.NEG), token.at))
        if token.text == "not":
            return self._node(Not(self._expression(Binds.NOT), token.at))
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
