"""Stored scenarios as a list: what each changes and what it stands on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from core.texts import LANGUAGES, Texts, catalogue
from core.worksheet import Column, Kind, Worksheet, column_of

if TYPE_CHECKING:
    from core.settlement.scenarios import Scenario

_COLUMNS: tuple[tuple[str, Kind], ...] = (
    ("name", "text"), ("changes", "text"), ("note", "text"), ("year", "code"), ("set_name", "text"), ("pack", "text"),
    ("catalogue", "text"), ("at", "text"),
)  # fmt: skip


def listed(found: Sequence[Scenario], lang: str = "") -> Worksheet:
    """A row for each, keys their names; `changes`: how many of which kind."""
    texts = Texts(lang)
    cells: dict[str, list[object]] = {name: [] for name, _ in _COLUMNS}
    for one in found:
        counted = (
            ("cells", len(one.changes.cells)), ("scores", len(one.changes.scores)),
            ("parameters", len(one.changes.parameters)), ("budget", len(one.changes.budget)),
        )  # fmt: skip
        said = texts.listed(texts(f"coefficients.scenario.counted.{kind}", count=count) for kind, count in counted if count)
        at = datetime.fromisoformat(one.at).astimezone().strftime("%Y-%m-%d %H:%M") if one.at else ""
        line = (one.name, said, one.note, str(one.year), one.set_name, one.pack, one.catalogue, at)
        for (name, _), value in zip(_COLUMNS, line, strict=True):
            cells[name].append(value)

    def title(key: str) -> dict[str, str]:
        return {lang: catalogue(lang)[f"coefficients.scenario.{key}"] for lang in LANGUAGES}

    columns = [Column(name, title(f"column.{name}"), kind) for name, kind in _COLUMNS]
    return Worksheet(
        "scenarios", title("title"), columns, {name: column_of(cells[name], kind) for name, kind in _COLUMNS}, len(found),
        keys=column_of([one.name for one in found], "text"),
    )  # fmt: skip
