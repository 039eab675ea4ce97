"""One code as a file writes it: an identifier, a diagnosis, an operation, a group's key, and several of them in one cell.

Repaired is what is certain: letter O for zero, an operation's first zero. What has lost its digits is not guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from core.intake.tidy import Read

_SCIENTIFIC = re.compile(r"\d(\.\d+)?[eE]\+?\d+")
LISTED = re.compile(r"[|,;、，；｜/]+|\s{2,}")
# In a diagnosis `+` also ties a dagger code to its asterisk code: A17.000+G01*.
PLUS = re.compile(r"\+(?![^+|,;、]*\*)")


def identifier(text: str) -> Read:
    value = text.replace(" ", "")
    if _SCIENTIFIC.fullmatch(value):
        return Read(None, "digits_lost")
    if re.fullmatch(r"\d{5,}\.0", value):
        return Read(value[:-2], "", "repaired")
    return Read(value)


def _zeros(code: str, first_too: bool) -> str:
    """Letter O for zero: wherever a digit belongs."""
    start = 0 if first_too else 1
    return code[:start] + code[start:].replace("O", "0").replace("o", "0")


def diagnosis(text: str) -> Read:
    plain = text.replace(" ", "").replace("。", ".").replace("·", ".")
    if plain in (".", "-", "--", "—", "无"):
        return Read(None)
    cased = plain[:1].upper() + re.sub(r"(?<=[\d.])X", "x", plain[1:])
    # A dagger code carries a second diagnosis whose first place is a letter too.
    value = "+".join(_zeros(part, False) for part in cased.split("+"))
    if not re.fullmatch(r"[A-Z]\d.*|[A-Z]{2}\d.*", value) or not value.isascii():
        return Read(None, "diagnosis_unreadable")
    return Read(value, "", "repaired" if value != cased else "")


def operation(text: str) -> Read:
    plain = text.replace(" ", "").replace("。", ".").replace("·", ".")
    if plain in (".", "-", "--", "—", "无"):
        return Read(None)
    cased = re.sub(r"(?<=[\d.])X", "x", plain)
    value = _zeros(cased, True)
    if re.fullmatch(r"\d\.[0-9x].*", value):
        value = "0" + value
    if not re.fullmatch(r"\d{2}(\.[0-9x][0-9A-Za-z]*)?", value):
        return Read(None, "operation_unreadable")
    if value != cased:
        return Read(value, "", "repaired")
    # 47.01 may have been 47.0100 or 47.01x0: an Excel number has lost what stood behind.
    return Read(value, "", "code_shortened" if len(value) < 7 else "")


def listed(text: str, each: Callable[[str], Read], split: Sequence[re.Pattern[str]]) -> Read:
    """Several codes in one cell, joined anew by `|`."""
    parts = [text]
    for pattern in split:
        parts = [piece for part in parts for piece in pattern.split(part)]
    values: list[str] = []
    repaired = ""
    for part in parts:
        if not part.strip() or part.strip() == ".":
            continue
        one = each(part.strip())
        if one.problem:
            return Read(None, one.problem)
        if one.value is not None:
            values.append(str(one.value))
        repaired = repaired or one.repaired
    return Read("|".join(values) or None, "", repaired)


def operation_rule(text: str) -> Read:
    """Operations joined by a catalogue's own signs, which have a meaning there; only the codes are put right."""
    pieces = re.split(r"([+/|,;、]+)", text.replace(" ", "").replace("，", ",").replace("；", ";"))
    values: list[str] = []
    repaired = ""
    for k, piece in enumerate(pieces):
        if k % 2 or not piece:
            values.append(piece)
            continue
        one = operation(piece)
        if one.problem:
            return Read(None, one.problem)
        values.append("" if one.value is None else str(one.value))
        repaired = repaired or one.repaired
    return Read("".join(values) or None, "", repaired)


def diagnosis_rule(text: str) -> Read:
    """Diagnoses joined by a catalogue's own signs: codes, prefixes from one character on, ranges `A00-B99`."""
    plain = re.sub(r"[~～–—－至]", "-", text.replace(" ", "").replace("，", ",").replace("；", ";"))
    if plain in (".", "-", "--", "无"):
        return Read(None)
    values: list[str] = []
    repaired = ""
    for k, piece in enumerate(re.split(r"([+/|,;、-]+)", plain)):
        short = re.fullmatch(r"[A-Za-z][\dOo]?", piece)
        if k % 2 or not piece or piece == ".":
            values.append("" if piece == "." else piece)
        elif short:
            values.append(piece[:1].upper() + piece[1:].replace("O", "0").replace("o", "0"))
            repaired = repaired or ("repaired" if piece[1:] in ("O", "o") else "")
        else:
            one = diagnosis(piece)
            if one.problem:
                return Read(None, one.problem)
            values.append(str(one.value))
            repaired = repaired or one.repaired
    return Read("".join(values) or None, "", repaired)


def either(text: str) -> Read:
    """Of a column that may hold operations, diagnoses or keys of groups."""
    plain = text.replace(" ", "")
    if re.fullmatch(r"[\dOo]{1,2}\.[\dxXOo][0-9A-Za-z]*", plain):
        return operation(plain)
    if re.fullmatch(r"[A-Za-z]{1,2}[\dOo][0-9A-Za-z.+*]*", plain):
        return diagnosis(plain)
    return group_key(text)


def group_key(text: str) -> Read:
    plain = text.replace(" ", "")
    if _SCIENTIFIC.fullmatch(plain):
        return Read(None, "digits_lost")
    value = re.sub(r"(?<=[\d.])[Oo](?=[\dOo.x:_+/|-]|$)", "0", plain)
    # An operation of the key that has lost its first zero: `J18.9:3.3101`.
    value = re.sub(r"(?<=[:_+/|])(?=\d\.[\dx][0-9A-Za-z]{1,3}(?:[:_+/|]|$))", "0", value)
    return Read(value, "", "repaired" if value != plain else "")
