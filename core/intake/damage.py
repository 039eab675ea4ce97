"""What real catalogue files suffer from, where only the raw cells show it: codes broken over lines, letters for digits,
lost zeros, codes filled down from merged cells, keys that differ only in their writing, printed totals.

Repaired is only what is certain, and every repair is said.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from core.rules.group_codes import (
    ALL,
    ANY,
    UNCLEAR,
    agrees,
    alien,
    diagnosis_of,
    folded_key,
    operations_in,
    operations_of,
    reading,
)

# Columns of codes, where a line break inside a cell is damage.
TYPES = frozenset({"diag_rule", "oprn_rule", "dip", "either"})
CODES = ("diag_code", "oprn_code", "rel_oprn_code", "oth_diag_code")

_BREAK = re.compile(r"[\r\n]+")
_SIGN = "+/|,;、:_-.，；：．。＋／｜"
_WHOLE = r"(?:[A-Z]\d[0-9A-Z](?:\.[0-9Xx][0-9A-Za-z]*)?|\d{2}\.[0-9Xx][0-9A-Za-z]{1,3})"
_ENDS = re.compile(rf"(?:.*[{re.escape(_SIGN)}])?{_WHOLE}")
_BEGINS = re.compile(rf"{_WHOLE}(?:[{re.escape(_SIGN)}].*)?")


def lines(text: str) -> list[str]:
    """The lines of a cell that hold anything, trimmed."""
    return [line.strip() for line in _BREAK.split(text) if line.strip()]


def rejoined(pieces: Sequence[str]) -> str | None:
    """One code again from its lines; None where a whole code ends one line and begins the next: the sign between is lost."""
    whole = pieces[0]
    for piece in pieces[1:]:
        signed = whole[-1] in _SIGN or piece[0] in _SIGN
        if not signed and _ENDS.fullmatch(whole.upper()) and _BEGINS.fullmatch(piece.upper()):
            return None
        whole += piece
    return whole


def named(before: str, after: str) -> str:
    """What was put right in a code, as the finding that says it."""
    if before.upper().replace("O", "0") == after.upper().replace("O", "0"):
        return "letter_o"
    return "zero_restored" if before.upper().count("O") == after.upper().count("O") else "repaired"


@dataclass(slots=True)
class _Above:
    """Where a run of equal cells began: what its first row says of itself."""

    value: str | None = None
    own: bool = False  # the first row's key agrees with the value
    head: str = ""


@dataclass(slots=True)
class Remark:
    """A finding about row i; after: what the cell becomes, None where it stays."""

    i: int
    code: str
    column: str
    value: str
    values: dict[str, str] = field(default_factory=dict[str, str])
    after: str | None = None


class Watch:
    """Looks at a catalogue's rows one after the other, over the borders of blocks."""

    def __init__(self) -> None:
        self._diag, self._oprn = _Above(), _Above()
        self._keys: dict[tuple[str, str], tuple[str, int]] = {}

    def row(self, i: int, number: int, cells: Mapping[str, str], say: Callable[[Remark], None]) -> None:
        """One row as read: column -> text, empty ones absent. number: its row in the file."""
        key, name = cells.get("dip_code", ""), cells.get("dip_name", "")
        head = re.split(r"[:：_]", name)[0]
        shown = diagnosis_of(key)
        diag = cells.get("diag_code")
        fits = not (shown and diag) or agrees(shown, diag)
        if diag is None or diag != self._diag.value:
            self._diag = _Above(diag, fits and bool(shown), head)
            if not fits:
                say(Remark(i, "key_disagrees", "diag_code", diag or "", {"key": key}))
        elif not fits:
            certain = self._diag.own and alien(head, self._diag.head)
            say(
                Remark(i, "filled_down", "diag_code", diag, {"after": shown, "key": key}, shown)
                if certain
                else Remark(i, "filled_down_doubt", "diag_code", diag, {"key": key, "name": name})
            )
        elif not shown and alien(head, self._diag.head):
            say(Remark(i, "filled_down_doubt", "diag_code", diag, {"key": key, "name": name}))
        self._operation(i, key, name, cells, say)
        for column in CODES:
            text = cells.get(column, "")
            if ALL.search(text) and ANY.search(text):
                say(Remark(i, "precedence_read", column, text, {"reading": reading(text)}))
            if UNCLEAR.search(text):
                say(Remark(i, "sign_unclear", column, text))
        if key:
            where = (cells.get("version", ""), folded_key(key))
            first, row = self._keys.setdefault(where, (key, number))
            if first != key:
                say(Remark(i, "key_alike", "dip_code", key, {"first": first, "first_row": str(row)}))

    def _operation(
        self, i: int, key: str, name: str, cells: Mapping[str, str], say: Callable[[Remark], None]
    ) -> None:
        value = cells.get("oprn_code")
        own = operations_of(key)
        there = set(operations_in(value or ""))
        fits = own is None or not value or bool(there & set(own))
        if value is None or value != self._oprn.value:
            self._oprn = _Above(value, bool(own) and fits)
            if not fits:
                say(Remark(i, "key_disagrees", "oprn_code", value or "", {"key": key}))
            return
        if not fits:
            after = "+".join(own or ())
            if self._oprn.own and len(own or ()) < 2:
                say(Remark(i, "filled_down", "oprn_code", value, {"after": after or "—", "key": key}, after))
            else:
                say(Remark(i, "filled_down_doubt", "oprn_code", value, {"key": key, "name": name}))
        elif own is None and cells.get("attribute") == "conservative":
            say(Remark(i, "filled_down_doubt", "oprn_code", value, {"key": key, "name": name}))


# Totals that a file prints about itself

_TOTAL = re.compile(r"(?:总计|合计|共计|共有|共|总数为?|总)[^\d，,；;。]{0,10}(\d[\d,]*)\s*(?:个|种|组|条)")
_PART = re.compile(
    r"(核心|综合|中医|床日|日间|先期|并项|诊断辅助|基本)[^\d，,；;。]{0,10}(\d[\d,]*)\s*(?:个|种|组|条)?"
)
PARTS: Mapping[str, tuple[str, str]] = {
    "核心": ("kind", "core"), "综合": ("kind", "composite"), "中医": ("kind", "tcm"), "床日": ("kind", "bed_day"),
    "日间": ("kind", "day_case"), "先期": ("stage", "pre"), "并项": ("stage", "merged"), "诊断辅助": ("stage", "assisted"),
    "基本": ("stage", "basic"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Printed:
    """What a title or a last row says: how many groups in all, None where it does not, and how many of each sort."""

    text: str
    total: int | None
    parts: Mapping[str, int]


def printed(text: str) -> Printed | None:
    """The counts of groups in a title or closing row; None where there are none."""
    total = _TOTAL.search(text)
    parts = {word: int(number.replace(",", "")) for word, number in _PART.findall(text)} if total else {}
    return Printed(text, int(total[1].replace(",", "")), parts) if total else None
