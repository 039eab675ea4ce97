"""What somebody would like to try, on top of what holds: coefficients, scores, rules, budget. A value, with one text form.

The text is canonical, so two scenarios that say the same have the same text, and a clearing's stamp names it whole.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, cast

from core.faults import Refused, Usage
from core.findings import Finding
from core.money import decimal, plain
from core.rules import packs
from core.rules.circular import Pack
from core.settlement.coefficients import Cell

_CELL = ("code", "fund", "part", "value", "valid_from", "basis")
RESTORED = 16  # packs kept with their parameters
_restored: dict[tuple[str, str, tuple[tuple[str, str], ...]], Pack] = {}  # oldest first


@dataclass(frozen=True)
class Changes:
    """cells: as an edit of a set takes them, value None takes the row away. scores: of the catalogue, by dip_code.
    parameters: as `packs.load` takes them. budget: (fund, item) -> fen, in place of that item's lines."""

    cells: tuple[Cell, ...] = ()
    scores: Mapping[str, Fraction] = field(default_factory=dict[str, Fraction])
    parameters: Mapping[str, str] = field(default_factory=dict[str, str])
    budget: Mapping[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])

    def __bool__(self) -> bool:
        return bool(self.cells or self.scores or self.parameters or self.budget)

    def __or__(self, later: Changes) -> Changes:
        """Both, the later one's word where they speak of the same."""
        return Changes(
            tuple({_place(cell): cell for cell in (*self.cells, *later.cells)}.values()),
            {**self.scores, **later.scores},
            {**self.parameters, **later.parameters},
            {**self.budget, **later.budget},
        )

    @property
    def text(self) -> str:
        """Canonical JSON, "" without any change; `of` reads it."""
        if not self:
            return ""
        cells = sorted({_place(cell): cell for cell in self.cells}.values(), key=_place)
        said = {
            "cells": [[_plain(cell.value) if name == "value" else getattr(cell, name) for name in _CELL] for cell in cells],
            "scores": [[code, plain(score)] for code, score in sorted(self.scores.items())],
            "parameters": [[name, text.strip()] for name, text in sorted(self.parameters.items())],
            "budget": [[fund, item, amount] for (fund, item), amount in sorted(self.budget.items())],
        }
        return json.dumps({name: rows for name, rows in said.items() if rows}, ensure_ascii=False)

    @staticmethod
    def of(text: str) -> Changes:
        """Refused("scenario_unreadable") for a text that this program did not write."""
        try:
            said = cast("dict[str, list[list[Any]]]", json.loads(text) if text else {})
            if not set(said) <= {"cells", "scores", "parameters", "budget"}:
                raise ValueError(text)
            return Changes(
                tuple(Cell(**dict(zip(_CELL, row, strict=True))) for row in said.get("cells", [])),
                {str(code): decimal(score) for code, score in said.get("scores", [])},
                {str(name): str(value) for name, value in said.get("parameters", [])},
                {(str(fund), str(item)): int(amount) for fund, item, amount in said.get("budget", [])},
            )
        except (ValueError, TypeError, AttributeError) as error:
            raise Refused("scenario_unreadable", value=text[:80]) from error

    def pack(self, pack: Pack) -> Pack:
        """The pack with these parameters on top of its own. Refused("changes_refused") names one that it does not take."""
        if not self.parameters:
            return pack
        wanted = {**pack.changed, **self.parameters}
        key = (pack.hash, pack.text, tuple(sorted(wanted.items())))
        made = _restored.pop(key, None)
        if made is None:
            try:
                made = packs.restore(pack.text, wanted)
            except Usage as usage:
                said = {name: str(value) for name, value in usage.values.items()}
                finding = Finding(
                    f"change_{usage.code}", "refused", subject=said.get("name", ""), value=said.get("value", ""), values=said
                )
                raise Refused("changes_refused", [finding], count=1) from usage
            for old in list(_restored)[: 1 - RESTORED]:
                _restored.pop(old, None)
        _restored[key] = made
        return made


NONE = Changes()


def _place(cell: Cell) -> tuple[str, str, str, str]:
    return cell.code, cell.fund, cell.part, cell.valid_from


def _plain(value: str | None) -> str | None:
    """A number as it is always written; what is none stays, for `given` to refuse."""
    try:
        return None if value is None else plain(decimal(value))
    except ValueError:
        return value

