"""One cell, read carefully by the kind of its column: the definition of what a cell says.

`core.intake.columns` reads whole columns of cells in their usual clean form at once, and gives the rest to this.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from core import money
from core.intake import damage, one_code
from core.intake.kinds import Field, folded, word
from core.intake.one_moment import moment, period, since
from core.intake.tidy import EMPTY, SPACES, Read, tidy, unwrapped
from core.rules import formula, parsing

_GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?")
_STEP = re.compile(r"[a-z][a-z0-9_]*")


def read_cell(column: Field, raw: str, wan: bool = False) -> Read:
    """One cell, carefully. An empty one reads as None without a problem."""
    if "�" in raw and column.type != "text":
        return Read(None, "undecodable")
    joined = False
    if column.type in damage.TYPES and len(pieces := damage.lines(raw)) > 1:
        whole = damage.rejoined(pieces)
        if whole is None:
            return Read(None, "codes_without_sign")
        raw, joined = whole, True
    text = unwrapped(raw) if column.type == "text" else tidy(raw)
    if text.lower() in EMPTY:
        return Read(None)
    read = _READERS[column.type](column, text, wan)
    if read.repaired == "repaired" and column.type in damage.TYPES:
        read = Read(read.value, "", damage.named(text.replace(" ", ""), str(read.value)))
    elif joined and not read.problem and not read.repaired:
        read = Read(read.value, "", "code_rejoined")
    if "\x00" in raw and not read.problem and not read.repaired and column.type != "private":
        return Read(read.value, "", "repaired")
    if "�" in raw and not read.problem:
        return Read(read.value, "", "undecodable_part")
    return read


def _number(text: str) -> str:
    """A number without thousands separators, currency signs and a plus; ValueError for anything that is none."""
    plain = text.replace(" ", "")
    plain = plain.removeprefix("¥").removeprefix("￥").removeprefix("$").removesuffix("元")
    if plain[:1] == "(" and plain[-1:] == ")":
        plain = "-" + plain[1:-1]
    plain = plain.replace("−", "-").replace("－", "-")
    if "," in plain:
        if not _GROUPED.fullmatch(plain):
            raise ValueError(text)
        plain = plain.replace(",", "")
    money.decimal(plain)  # raises for anything that is not a plain decimal
    if not plain.isascii():
        raise ValueError(text)
    return plain


def _money(text: str, wan: bool, signed: bool) -> Read:
    try:
        plain = _number(text)
        exact = money.decimal(plain) * (1_000_000 if wan else 100)
    except ValueError:
        return Read(None, "amount_unreadable")
    if exact.denominator != 1:
        return Read(None, "amount_decimals")
    if abs(exact.numerator) >= 10**17:
        return Read(None, "amount_unreadable")
    if exact < 0 and not signed:
        return Read(None, "amount_negative")
    return Read(exact.numerator)


def _decimal(text: str) -> Read:
    try:
        return Read(money.plain(money.decimal(_number(text))))
    except ValueError:
        return Read(None, "number_unreadable")


def _int(text: str, low: int, high: int) -> Read:
    plain = re.sub(r"(?<=\d)(天|岁|日|张|例|次|人次|人|床|年|笔|条|行|克|g|G)$", "", text.replace(" ", ""))
    try:
        value = money.decimal(_number(plain))
    except ValueError:
        return Read(None, "number_unreadable")
    if value.denominator != 1:
        return Read(None, "number_unreadable")
    if not low <= value.numerator <= high:
        return Read(None, "number_out_of_range")
    return Read(value.numerator)


def _code(text: str, words: Mapping[str, str | int], low: int, high: int) -> Read:
    key = word(text)
    if key in words:
        return Read(words[key])
    # "310 职工", "310-职工基本医疗保险": the code with its word behind.
    found = re.fullmatch(r"(\d{1,9})(?:\.0+)?(?:[-_.|/、(]?[^\d].*)?", key)
    if not found:
        return Read(None, "code_unknown")
    value = int(found[1])
    named = word(re.sub(r"^\d+(\.0+)?[-_.|/、(]?", "", key).removesuffix(")"))
    if named and words.get(named) != value:
        return Read(None, "code_unknown")
    return Read(value) if low <= value <= min(high, 10**9) else Read(None, "number_out_of_range")


def _word(text: str, words: Mapping[str, str | int]) -> Read:
    key = word(text)
    if key in words:
        return Read(str(words[key]))
    whole = re.fullmatch(r"(\d+)\.0", key)
    if whole and whole[1] in words:
        return Read(str(words[whole[1]]))
    return Read(None, "word_unknown")


def _named(text: str, words: Mapping[str, str | int]) -> Read:
    """One of the words, or PREFIX:NAME with the prefix in either language."""
    key = word(text)
    if key in words and not str(words[key]).endswith(":"):
        return Read(str(words[key]))
    head, colon, name = folded(text).partition(":")
    prefix = str(words.get(word(head), ""))
    name = SPACES.sub(" ", name).strip()
    if not colon:
        bracket = re.fullmatch(r"([^()]+)\((.+)\)", folded(text))
        if bracket:
            prefix, name = str(words.get(word(bracket[1]), "")), bracket[2].strip()
    if prefix.endswith(":") and name:
        return Read(prefix + name)
    return Read(None, "word_unknown")


def _step(text: str, words: Mapping[str, str | int]) -> Read:
    key = word(text)
    if key in words:
        return Read(str(words[key]))
    return Read(key) if _STEP.fullmatch(key) else Read(None, "word_unknown")


def _condition(text: str) -> Read:
    plain = text.replace("≤", "<=").replace("≥", ">=").replace("≠", "!=")
    try:
        parsing.parse(plain)
    except formula.FormulaError:
        return Read(None, "condition_unreadable")
    return Read(plain)


def _id(column: Field, text: str) -> Read:
    if column.words and (found := column.words.get(word(text))):
        return Read(str(found))
    return one_code.identifier(text)


_READERS: dict[str, Callable[[Field, str, bool], Read]] = {
    "id": lambda column, text, wan: _id(column, text),
    "person": lambda column, text, wan: one_code.identifier(text),
    "private": lambda column, text, wan: Read(None),
    "diag": lambda column, text, wan: one_code.diagnosis(text),
    "diags": lambda column, text, wan: one_code.listed(
        text, one_code.diagnosis, (one_code.LISTED, one_code.PLUS)
    ),
    "oprn": lambda column, text, wan: one_code.operation(text),
    "oprns": lambda column, text, wan: one_code.listed(
        text, one_code.operation, (one_code.LISTED, re.compile(r"\+"))
    ),
    "oprn_rule": lambda column, text, wan: one_code.operation_rule(text),
    "diag_rule": lambda column, text, wan: one_code.diagnosis_rule(text),
    "condition": lambda column, text, wan: _condition(text),
    "either": lambda column, text, wan: one_code.either(text),
    "dip": lambda column, text, wan: one_code.group_key(text),
    "list": lambda column, text, wan: one_code.listed(text, Read, (re.compile(r"[|,;、，；｜+]+"),)),
    "text": lambda column, text, wan: Read(text),
    "code": lambda column, text, wan: _code(text, column.words, column.low, column.high),
    "word": lambda column, text, wan: _word(text, column.words),
    "named": lambda column, text, wan: _named(text, column.words),
    "int": lambda column, text, wan: _int(text, column.low, column.high),
    "money": lambda column, text, wan: _money(text, wan, column.signed),
    "decimal": lambda column, text, wan: _decimal(text),
    "date": lambda column, text, wan: since(text) if column.key else moment(text, False),
    "time": lambda column, text, wan: moment(text, True),
    "year": lambda column, text, wan: period(text, "year"),
    "month": lambda column, text, wan: period(text, "month"),
    "period": lambda column, text, wan: period(text, "period"),
    "step": lambda column, text, wan: _step(text, column.words),
}
