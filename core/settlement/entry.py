"""What is typed into a cell of the coefficient grid: a value, a change to the value that stands there, or a sum.

    1.05             that value
    +0.01  -0.02     so much more or less than what stands there
    *1.02  /1.02     times, or divided by, so much
    =0.9+0.03        a sum of plain numbers, `+ - * / ( )`
    (nothing)        the cell is emptied

Exact: a result that does not end within the decimals of a coefficient is refused, never rounded. Full-width signs count as
their narrow ones.
"""

from __future__ import annotations

import unicodedata
from fractions import Fraction

from core.faults import Refused
from core.money import decimal, plain
from core.rules import evaluation, formula, parsing
from core.rules.formula import FormulaError, RuleFault
from core.settlement.coefficients import MOST, MOST_PLACES

_SIGNS = str.maketrans({"×": "*", "÷": "/", "−": "-", "—": "-", "。": ".", "．": "."})
_LONGEST = 60


def parse_entry(text: str, current: Fraction | None) -> Fraction | None:
    """The value that an entry means; None empties the cell. current: what stands there, None where it is empty.

    Refused: entry_unreadable, entry_without_current (a change to an empty cell), entry_endless (does not end within
    MOST_PLACES decimals), entry_out_of_range (below 0 or not below MOST).
    """
    typed = unicodedata.normalize("NFKC", text).translate(_SIGNS).strip()
    if not typed:
        return None
    if len(typed) > _LONGEST:
        raise Refused("entry_unreadable", text=typed[:_LONGEST] + "…")
    value = _sum(typed) if typed[0] == "=" else _changed(typed, current)
    if (value * 10**MOST_PLACES).denominator != 1:
        raise Refused("entry_endless", text=typed, value=plain(value, MOST_PLACES), places=MOST_PLACES)
    if not 0 <= value < MOST:
        raise Refused("entry_out_of_range", text=typed, value=plain(value), most=MOST)
    return value


def _changed(typed: str, current: Fraction | None) -> Fraction:
    sign = typed[0] if typed[0] in "+-*/" else ""
    try:
        number = decimal(typed[1:] if sign else typed)
        if sign and typed[1:].strip()[:1] in "+-":  # +-1 is neither a change nor a value
            raise ValueError(typed)
    except ValueError:
        raise Refused("entry_unreadable", text=typed) from None
    if not sign:
        return number
    if current is None:
        raise Refused("entry_without_current", text=typed)
    match sign:
        case "+":
            return current + number
        case "-":
            return current - number
        case "*":
            return current * number
        case _:
            if number == 0:
                raise Refused("entry_unreadable", text=typed)
            return current / number


def _sum(typed: str) -> Fraction:
    try:
        expr = parsing.parse(typed[1:].strip())
        if not all(isinstance(node, formula.Num | formula.Neg | formula.Arith) for node in formula.walk(expr)):
            raise Refused("entry_unreadable", text=typed)
        return evaluation.number(expr, evaluation.Env({}))
    except (FormulaError, RuleFault):
        raise Refused("entry_unreadable", text=typed) from None
