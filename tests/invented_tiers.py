"""A pack with tiers that no circular prints: Ningde's leaves its tables open, and a chain to the final amount needs them filled.

Between 80 and 100 % of what is due the saving is the hospital's; of what is over, 60 %, up to a tenth of what is due.
"""

from __future__ import annotations

Row = tuple[float | None, float | None, str]  # from, to (not reached), the formula that counts between

_HEAD = """
[pack]
id = "invented"
extends = "ningde-2024"
title = { zh = "虚构分担", en = "Invented tiers" }

[[document]]
key = "T"
number = "test"
title = "invented for a test"
evidence = "D"

[[table]]
id = "sharing"
title = { zh = "分担", en = "Sharing" }
cite = "T"
[[table.row]]
to = 0.80
value = "booked"
[[table.row]]
from = 0.80
to = 1
closed = true
value = "due"
[[table.row]]
from = 1
value = "due + min(booked - audit_deduction - due, due * 0.10) * 0.60"
"""


def invented(**tables: tuple[Row, ...]) -> str:
    """The text of the pack, with these tables of it filled too."""
    return _HEAD + "".join(_table(id, rows) for id, rows in tables.items())


def _table(id: str, rows: tuple[Row, ...]) -> str:
    lines = ["", "[[table]]", f'id = "{id}"', f'title = {{ zh = "{id}", en = "{id}" }}', 'cite = "T"']
    for start, end, value in rows:
        edges = [f"{word} = {edge}" for word, edge in (("from", start), ("to", end)) if edge is not None]
        lines += ["[[table.row]]", *edges, f'value = "{value}"']
    return "\n".join([*lines, ""])
