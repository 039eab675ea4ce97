"""A cell's text put in order before anybody reads it, and the form of what it then says."""

from __future__ import annotations

import re
from dataclasses import dataclass

from core.intake.kinds import folded

# What other systems write for an empty cell.
EMPTY = frozenset({"", "null", "\\n", "none", "nan", "<null>", "(null)"})
SPACES = re.compile(r"[\s\x00-\x1f\x7f​‌‍﻿]+")


@dataclass(frozen=True, slots=True)
class Read:
    """What a cell says. problem: why it could not be read. repaired: what was changed in meaning, before and after are told."""

    value: str | int | None
    problem: str = ""
    repaired: str = ""


def tidy(text: str) -> str:
    """Full-width forms folded, control characters and line breaks out, blanks trimmed, `="x"` and `'x` unwrapped."""
    return unwrapped(folded(text))


def unwrapped(text: str) -> str:
    """`tidy` without the folding: words for people keep their punctuation."""
    text = text.strip(" ")
    if not text.isprintable() or not text.isascii():
        text = SPACES.sub(" ", text).strip()
    if text[:2] == '="' and text[-1:] == '"':
        text = text[2:-1].strip()
    return text[1:].strip() if text[:1] == "'" else text
