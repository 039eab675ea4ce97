"""大写金额: hard amounts written out, the published examples, and everything read back by a reader of its own."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.export import capitals as room
from core.export.capitals import capitals, excel_capitals

HARD = {
    "0": "零元整",
    "0.01": "壹分",
    "0.10": "壹角整",
    "0.11": "壹角壹分",
    "1.01": "壹元零壹分",
    "10.00": "壹拾元整",
    "10.10": "壹拾元壹角整",
    "101": "壹佰零壹元整",
    "1001.10": "壹仟零壹元壹角整",
    "1010.01": "壹仟零壹拾元零壹分",
    "10001": "壹万零壹元整",
    "10010.50": "壹万零壹拾元伍角整",
    "100000": "壹拾万元整",
    "105000": "壹拾万伍仟元整",
    "1000500": "壹佰万零伍佰元整",
    "10000000.01": "壹仟万元零壹分",
    "100010000.05": "壹亿零壹万元零伍分",
    "100000001": "壹亿零壹元整",
    "110000000": "壹亿壹仟万元整",
    "100001000": "壹亿零壹仟元整",
    "-175141.22": "负壹拾柒万伍仟壹佰肆拾壹元贰角贰分",
    "-0.05": "负伍分",
    "999999999999.99": "玖仟玖佰玖拾玖亿玖仟玖佰玖拾玖万玖仟玖佰玖拾玖元玖角玖分",
    "1000000000000": "壹万亿元整",
    "1000000000001": "壹万亿零壹元整",
    "1000500000000": "壹万零伍亿元整",
    "10000000000000000": "壹亿亿元整",
    # 支付结算办法, appendix 1; where it leaves a zero to choice, without it.
    "1409.50": "壹仟肆佰零玖元伍角整",
    "6007.14": "陆仟零柒元壹角肆分",
    "1680.32": "壹仟陆佰捌拾元叁角贰分",
    "107000.53": "壹拾万柒仟元伍角叁分",
    "16409.02": "壹万陆仟肆佰零玖元零贰分",
    "325.04": "叁佰贰拾伍元零肆分",
}


def fen(text: str) -> int:
    sign, bare = (-1, text[1:]) if text.startswith("-") else (1, text)
    whole, _, part = bare.partition(".")
    return sign * (int(whole) * 100 + int((part + "00")[:2]))


@pytest.mark.parametrize(("amount", "said"), HARD.items())
def test_hard_amounts(amount: str, said: str) -> None:
    assert capitals(fen(amount)) == said


def read(said: str) -> int:
    """Fen out of capitals: the usual stack of units."""
    sign, said = (-1, said[1:]) if said.startswith("负") else (1, said)
    yuan, _, rest = said.partition("元") if "元" in said else ("", "", said)
    amount = 0
    for digit, unit in pairwise(rest):
        amount += {"角": 10, "分": 1}.get(unit, 0) * max(0, room.DIGITS.find(digit))
    return sign * (number(yuan) * 100 + amount)


def number(said: str) -> int:
    for unit, worth in (("亿", 10**8), ("万", 10**4)):
        high, found, low = said.rpartition(unit)
        if found:
            return number(high) * worth + number(low)
    total, digit = 0, 0
    for sign in said:
        if sign in room.DIGITS:
            digit = room.DIGITS.index(sign)
        else:
            total += digit * {"拾": 10, "佰": 100, "仟": 1000}[sign]
            digit = 0
    return total + digit


amounts = st.one_of(
    st.integers(-(10**20), 10**20),
    st.integers(0, 10**14 - 1),
    st.text("00001", min_size=1, max_size=16).map(int),  # many zeros: where the mistakes are
)


@given(amounts)
def test_read_back_it_is_the_amount(amount: int) -> None:
    said = capitals(amount)
    assert read(said) == amount
    assert "零零" not in said and not said.removeprefix("负").startswith(("拾", "佰", "仟", "万", "亿"))
    assert said.endswith(("整", "分"))


@given(st.one_of(st.integers(-(10**14) + 1, 10**14 - 1), st.text("00001", min_size=1, max_size=14).map(int)))
def test_the_spreadsheets_way_says_the_same(amount: int) -> None:
    """The replacements that the formula is made of, done here one after another."""
    said = "^" + "".join(
        room.DIGITS[int(digit)] + unit for digit, unit in zip(f"{abs(amount):014d}", room._UNITS, strict=True)
    )
    for old, new in room._DRAWN:
        said = said.replace(old, new)
    assert ("负" if amount < 0 else "") + said == capitals(amount)


def test_the_formula_fits_excel() -> None:
    formula = excel_capitals("$AB$1048576")
    assert len(formula) < 8192
    assert formula.count("SUBSTITUTE(") < 60  # 64 levels
