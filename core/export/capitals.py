"""大写金额: an amount in Chinese capitals, as vouchers and confirmations carry it beside the figures.

The form is that of 支付结算办法, appendix 1 (正确填写票据和结算凭证的基本规定): zeros within the figure are said once, 零 stands
between 元 and 分 where there is no 角, and what ends before 分 ends with 整. Where that text leaves a zero to choice
(万 or 元 itself is 0 and something follows), it is not said: one amount has one form.
"""

from __future__ import annotations

DIGITS = "零壹贰叁肆伍陆柒捌玖"
PLACES = ("", "拾", "佰", "仟")


def capitals(fen: int) -> str:
    """Of any whole amount of fen, however large: 壹亿零壹万元零伍分; a negative one begins with 负, nothing is 零元整."""
    yuan, rest = divmod(abs(fen), 100)
    jiao, last = divmod(rest, 10)
    said = f"{_whole(yuan)}元" if yuan else ""
    if jiao:
        said += f"{DIGITS[jiao]}角"
    if last:
        said += ("零" if yuan and not jiao else "") + f"{DIGITS[last]}分"
    else:
        said = f"{said or '零元'}整"
    return f"负{said}" if fen < 0 else said


def _whole(number: int) -> str:
    """A whole number above zero. Beyond 亿 the count of 亿 is said in the same way: 壹万亿, 壹亿亿."""
    for unit, worth in (("亿", 10**8), ("万", 10**4)):
        if number >= worth:
            high, low = divmod(number, worth)
            said = _whole(high) + unit
            if not low:
                return said
            return said + ("零" if low < worth // 10 else "") + _whole(low)
    said, gap = "", False
    for place in (3, 2, 1, 0):
        digit = number // 10**place % 10
        if digit:
            said += ("零" if gap and said else "") + DIGITS[digit] + PLACES[place]
        gap = not digit
    return said


# The spreadsheet's way: each digit with its unit, then these one after another.
_UNITS = ("仟", "佰", "拾", "亿", "仟", "佰", "拾", "万", "仟", "佰", "拾", "元", "角", "分")
_DRAWN = (
    # Zeros lose their units and are drawn together; a section's own unit needs no zero before it.
    ("零仟", "零"), ("零佰", "零"), ("零拾", "零"), ("零零", "零"), ("零零", "零"),
    ("零亿", "亿"), ("零万", "万"), ("零元", "元"), ("亿万", "亿零"), ("零零", "零"), ("零元", "元"),
    ("零角零分", "整"), ("零分", "整"), ("零角", "零"),
    # What stands at the beginning without a digit was nothing.
    ("^零", "^"), ("^亿", "^"), ("^零", "^"), ("^万", "^"), ("^零", "^"),
    ("^元整", "零元整"), ("^元", "^"), ("^零", "^"), ("^", ""),
)  # fmt: skip


def excel_capitals(cell: str) -> str:
    """The same as a spreadsheet formula over a cell in yuan, without the leading `=`, below a trillion yuan.

    Plain text functions only, so that it says the same in every program and language. From a trillion on it says
    #N/A instead of something wrong.
    """
    digits = f'TEXT(ROUND(ABS({cell})*100,0),"{"0" * len(_UNITS)}")'
    said = '"^"' + "".join(
        f'&MID("{DIGITS}",MID({digits},{at},1)+1,1)&"{unit}"' for at, unit in enumerate(_UNITS, 1)
    )
    for old, new in _DRAWN:
        said = f'SUBSTITUTE({said},"{old}","{new}")'
    return f'IF(ABS({cell})>=1000000000000,NA(),IF(ROUND({cell},2)<0,"负","")&{said})'
