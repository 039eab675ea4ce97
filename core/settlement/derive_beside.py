"""Derived coefficients beside those of a set: what taking them into a draft would change."""

from __future__ import annotations

import sqlite3
from fractions import Fraction

from core.settlement.coefficient_sheets import K, part_title
from core.settlement.coefficients import Part, on_day, parts, parts_on_day
from core.settlement.deriving import Derived
from core.texts import LANGUAGES, Texts, catalogue
from core.worksheet import Column, Kind, Worksheet, column_of


def beside(connection: sqlite3.Connection, derived: Derived, set_name: str, texts: Texts | None = None) -> Worksheet:
    """A row for each hospital and fund, keys (code, fund): for every derived part, and for the whole, what the set has on
    31 December, what was derived, and the change. Empty where there is none of either."""
    texts = texts or Texts()
    day = derived.year * 10000 + 1231
    own: dict[str, list[Part]] = {}
    for part in parts(connection, set_name):
        own.setdefault(part.code, []).append(part)
    workings = list(derived.working.items())
    names = list(dict.fromkeys(piece.part for _, one in workings for piece in one.pieces))
    tag = derived.rule.source.evidence
    columns: list[Column] = []
    cells: dict[str, list[object]] = {}

    def add(id: str, title: dict[str, str], values: list[object], kind: Kind = "text") -> None:
        marked = tag if id.startswith("derived.") else ""
        columns.append(Column(id, title, kind, "coefficient" if kind == "exact" else "", None, marked))
        cells[id] = values

    def three(name: str, title: dict[str, str], present: list[Fraction | None], new: list[Fraction | None]) -> None:
        change = [b - a if a is not None and b is not None else None for a, b in zip(present, new, strict=True)]
        for kind, values in (("present", present), ("derived", new), ("change", change)):
            said = {
                lang: catalogue(lang)[f"coefficients.beside.{kind}"].format(part=title[lang]) for lang in LANGUAGES
            }
            add(f"{kind}.{name}", said, list(values), "exact")

    add("name", _title("name"), [one.hospital.name for _, one in workings])
    if len({fund for (_, fund), _ in workings}) > 1:
        add("fund", _title("fund"), [texts(f"coefficients.fund.{one.fund}") for _, one in workings])
    for name in names:
        present = [
            found.value if (found := parts_on_day(own.get(code, []), fund, day).get(name)) is not None else None
            for (code, fund), _ in workings
        ]
        new = [next((piece.value for piece in one.pieces if piece.part == name), None) for _, one in workings]
        three(name, dict(part_title(name)), present, new)
    if len(names) > 1:
        title = {lang: catalogue(lang)["coefficients.part.k"] for lang in LANGUAGES}
        present = [on_day(own.get(code, []), fund, day) for (code, fund), _ in workings]
        three(K, title, present, [one.total for _, one in workings])
    add("code", _title("code"), [one.hospital.code for _, one in workings], "code")
    add("grade", _title("grade"), [texts(f"coefficients.grade.{one.hospital.grade}") for _, one in workings])
    add("counted", _title("counted"), [texts(f"coefficients.grade.{one.hospital.counted}") for _, one in workings])
    keys = column_of([key for key, _ in workings], "text")
    title = {
        lang: catalogue(lang)["coefficients.sheet.beside"].format(name=set_name, year=derived.year)
        for lang in LANGUAGES
    }
    return Worksheet(
        "coefficients_beside", title, columns,
        {column.id: column_of(cells[column.id], column.kind) for column in columns}, len(workings), keys=keys,
    )  # fmt: skip


def _title(name: str) -> dict[str, str]:
    return {lang: catalogue(lang)[f"coefficients.column.{name}"] for lang in LANGUAGES}
