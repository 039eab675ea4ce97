"""A formula written out: for Excel and LibreOffice, in the field's words, and with its values put in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol, assert_never

from core.money import plain
from core.rules.formula import (
    INFIX,
    Arith,
    Binds,
    Call,
    Compare,
    Expr,
    If,
    Logic,
    Name,
    Neg,
    Not,
    Num,
    Round,
    Share,
    Sum,
    Table,
    Tiers,
)

Phrases = Mapping[str, str]


def _joined(
    op: str, left: tuple[str, int], right: tuple[str, int], sign: str, *, keep: bool
) -> tuple[str, int]:
    """Infix with no more parentheses than the meaning needs; `keep` also keeps those of a + (b + c)."""
    power = INFIX[op]
    after = power + 1 if keep or op in ("-", "/") or power == Binds.COMPARE else power
    first = f"({left[0]})" if left[1] < power or (power == Binds.COMPARE and left[1] == power) else left[0]
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
                return plain(value), Binds.ATOM
            case Name(id):
                return (f'"{id}"' if id in options else ref.cell(id)), Binds.ATOM
            case Neg(value):
                text = write(value)
                return f"-({text[0]})" if text[1] <= Binds.NEG else f"-{text[0]}", Binds.NEG
            case Not(value):
                return f"NOT({write(value)[0]})", Binds.ATOM
            case Arith(op, left, right):
                second = write(right)
                if second[1] == Binds.NEG:
                    second = (f"({second[0]})", Binds.ATOM)
                return _joined(op, write(left), second, op, keep=True)
            case Compare(op, left, right):
                sign = {"==": "=", "!=": "<>"}.get(op, op)
                return f"{steady(left)}{sign}{steady(right)}", Binds.COMPARE
            case Logic(op, left, right):
                return f"{op.upper()}({write(left)[0]},{write(right)[0]})", Binds.ATOM
            case If(then, condition, other):
                return f"IF({write(condition)[0]},{write(then)[0]},{write(other)[0]})", Binds.ATOM
            case Call("floor", (argument,)):
                return f"INT({steady(argument)})", Binds.ATOM
            case Call("ceil", (argument,)):
                return f"-INT(-{steady(argument)})", Binds.NEG
            case Call(function, arguments):
                return f"{function.upper()}({','.join(write(argument)[0] for argument in arguments)})", Binds.ATOM
            case Round(value, digits):
                return f"ROUND({write(value)[0]},{digits})", Binds.ATOM
            case Sum(column):
                return f"SUM({ref.column(column)})", Binds.ATOM
            case Tiers(argument, table):
                return tiers(steady(argument), ref.tables[table])
            case Share():
                return ref.share(node), Binds.ATOM
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
        return f"({text})", Binds.ATOM

    whole = write(expr)[0]
    return whole if places is None else f"ROUND({whole},{places})"


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
                return plain(value), Binds.ATOM
            case Name(id):
                text = name(id)
                return text, (Binds.NEG if text.startswith("−") else Binds.ATOM)
            case Neg(value):
                text = write(value)
                return f"−({text[0]})" if text[1] <= Binds.NEG else f"−{text[0]}", Binds.NEG
            case Not(value):
                text, power = write(value)
                return phrases["not"].format(f"({text})" if power < Binds.NOT else text), Binds.NOT
            case Arith(op, left, right):
                second = write(right)
                if second[1] == Binds.NEG:
                    second = (f"({second[0]})", Binds.ATOM)
                return _joined(op, write(left), second, signs[op], keep=False)
            case Compare(op, left, right):
                return _joined(op, write(left), write(right), comparisons[op], keep=False)
            case Logic(op, left, right):
                return _joined(op, write(left), write(right), f" {phrases[op]} ", keep=False)
            case If(then, condition, other):
                values = {"condition": write(condition)[0], "then": write(then)[0], "other": write(other)[0]}
                return phrases["if"].format_map(values), Binds.IF
            case Call(function, arguments):
                return phrases[function].format(
                    comma.join(write(argument)[0] for argument in arguments)
                ), Binds.ATOM
            case Round(value, places):
                return phrases["round"].format(write(value)[0], places), Binds.ATOM
            case Sum(id):
                text = total(id)
                return text, (Binds.NEG if text.startswith("−") else Binds.ATOM)
            case Tiers(argument, id):
                table = tables[id]
                if not table.rows and table.otherwise is not None:
                    return write(table.otherwise)
                return phrases["tiers"].format(table=table.title[lang], x=write(argument)[0]), Binds.ATOM
            case Share(whole, id):
                return phrases["share"].format(total=write(whole)[0], column=column(id)), Binds.ATOM
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
