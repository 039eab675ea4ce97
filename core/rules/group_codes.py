"""Codes of a catalogue as text: what its expressions' signs mean, what a group's key says, which keys and names are alike."""

from __future__ import annotations

import re

# Between codes: all of the parts, any of the alternatives within a part; the last two signs say neither.
ALL, ANY, UNCLEAR = re.compile(r"[+,]"), re.compile(r"[|/]"), re.compile(r"[;、]")

_DIAG_IN_KEY = re.compile(r"([A-Z]\d[0-9A-Z](?:\.[0-9Xx]{1,3})?)(?=[:_+]|[A-Z]?$)")
_OPERATION = re.compile(r"\d{2}\.[0-9Xx][0-9A-Za-z]{1,3}")
_CONSERVATIVE = re.compile(r"保守|内科|BSZL|^\.?$", re.IGNORECASE)
_OF_CATEGORY = re.compile(r"[一-鿿]*[组疗]|ZDXCZ|ZLXCZ|SS", re.IGNORECASE)
_HAN = re.compile(r"[一-鿿]")
# Characters that nearly every disease's name has.
_COMMON = frozenset("的病症性炎急慢及和伴其他未特指型")


def folded_key(key: str) -> str:
    """Two keys that are alike here are most likely one: letter case, O for 0, and which of two equal signs is used."""
    plain = re.sub(r"[|/]", "|", re.sub(r"[+,]", "+", key.casefold().replace("o", "0")))
    return plain.rstrip(".:_|+")


def diagnosis_of(key: str) -> str:
    """The diagnosis that a group's key begins with, "" where its shape has none."""
    found = _DIAG_IN_KEY.match(key)
    return found[1] if found else ""


def operations_of(key: str) -> tuple[str, ...] | None:
    """The operations in a group's key; () where it says that there are none, None where it says nothing."""
    if not diagnosis_of(key):
        return None
    rest = key[len(diagnosis_of(key)) :].lstrip(":_")
    found = tuple(_OPERATION.findall(rest))
    if found:
        return found
    if rest and (_CONSERVATIVE.search(rest) or _OF_CATEGORY.fullmatch(rest)):
        return ()
    return None


def agrees(shown: str, expression: str) -> bool:
    """Whether a diagnosis can be one of those that an expression holds."""
    for part in re.split(r"[+,|/;、]", expression):
        low, dash, high = part.partition("-")
        if dash and low[:3] <= shown[:3] <= high[:3]:
            return True
        if not dash and low and (shown.startswith(low) or low.startswith(shown)):
            return True
    return False


def alien(head: str, other: str) -> bool:
    """Whether two names of diseases have not one character in common but what nearly every name has."""
    one, two = ({sign for sign in text if _HAN.match(sign)} - _COMMON for text in (head, other))
    return bool(one and two) and not one & two


def reading(expression: str) -> str:
    """`a/b+c/d` as it is read: (a / b) + (c / d)."""
    parts = [part for part in ALL.split(expression) if part]
    return " + ".join("(" + " / ".join(ANY.split(part)) + ")" if ANY.search(part) else part for part in parts)


def operations_in(text: str) -> list[str]:
    """The whole operation codes in a text."""
    return _OPERATION.findall(text)
