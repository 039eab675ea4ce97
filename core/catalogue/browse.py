"""A catalogue's versions as the browser shows them: one worksheet, the tree beside it, and the filters over both.

Everything that a keystroke or a tick needs is an array by row, made once in a job, so that the window only picks rows.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from core.catalogue.entries import ATTRIBUTES, KINDS, Entries, Entry
from core.catalogue.lineage import CHANGES, Relation
from core.catalogue.search import Index
from core.catalogue.tree import Node, tree
from core.progress import SILENT, Progress, step
from core.texts import LANGUAGES, Texts
from core.worksheet import Cells, Column, Kind, Worksheet, column_of

PLACES = 4  # of a score on screen; the tip and every copy carry all of it

Rows = NDArray[np.intp]


class Figures(Protocol):
    """What a year's cases say of a group (`analysis.group_profile.year_figures`). mean: fen."""

    @property
    def cases(self) -> int: ...
    @property
    def mean(self) -> int | None: ...
    @property
    def cv(self) -> Fraction | None: ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the filters let through; an empty set lets all through. cv: at least, below; low and high: scores, both in."""

    node: Node | None = None
    kinds: frozenset[str] = frozenset()
    attributes: frozenset[str] = frozenset()
    low: Fraction | None = None
    high: Fraction | None = None
    changed: bool = False
    with_cases: bool = False
    cv: tuple[float, float] | None = None


@dataclass(frozen=True)
class Shelf:
    """The rows on screen: one version's groups by code, or those of several, a group's versions together.

    nodes: the chapters, with all beneath. year: whose cases are counted, None where none were.
    """

    versions: tuple[str, ...]
    rows: tuple[tuple[str, Entry], ...]
    sheet: Worksheet
    nodes: tuple[Node, ...]
    year: int | None
    _kind: NDArray[np.int8] = field(repr=False)
    _attribute: NDArray[np.int8] = field(repr=False)
    _score: NDArray[np.float64] = field(repr=False)
    _changed: NDArray[np.bool_] = field(repr=False)
    _cases: NDArray[np.int64] = field(repr=False)
    _cv: NDArray[np.float64] = field(repr=False)

    def passing(self, wanted: Wanted) -> NDArray[np.bool_]:
        """The rows that the filters let through."""
        mask = np.ones(len(self.rows), dtype=bool)
        if wanted.node is not None:
            beneath = np.zeros(len(self.rows), dtype=bool)
            beneath[list(wanted.node.rows)] = True
            mask &= beneath
        if wanted.kinds:
            mask &= np.isin(self._kind, [KINDS.index(kind) for kind in wanted.kinds])
        if wanted.attributes:
            mask &= np.isin(self._attribute, [_attribute_place(one) for one in wanted.attributes])
        # The nearest float of a decimal is the same on both sides, so a bound takes in the score that equals it.
        if wanted.low is not None:
            mask &= self._score >= float(wanted.low)
        if wanted.high is not None:
            mask &= self._score <= float(wanted.high)
        if wanted.changed:
            mask &= self._changed
        if wanted.with_cases:
            mask &= self._cases > 0
        if wanted.cv is not None:
            mask &= (self._cv >= wanted.cv[0]) & (self._cv < wanted.cv[1])
        return mask

    def found(self, index: Index, text: str) -> Rows:
        """Rows that a search finds, best first."""
        one = self.versions[0] if len(self.versions) == 1 else ""
        return index.places(text, one)


def key_of(version: str, dip_code: str) -> str:
    """What a row stands for."""
    return f"{version}\n{dip_code}"


def of_key(key: str) -> tuple[str, str]:
    """(version, dip_code) of a row's key."""
    version, _, code = key.partition("\n")
    return version, code


def operation_names(connection: sqlite3.Connection, entry: Entry) -> dict[str, str]:
    """What the operations of a group are called, as far as the list of operations says."""
    codes = [code for part in (entry.oprn_code, entry.rel_oprn_code) for code in re.split(r"[+,|/\s]+", part) if code]
    found = connection.execute(
        "SELECT oprn_code, oprn_name FROM operation WHERE oprn_name <> '' AND oprn_code IN (SELECT value FROM json_each(?))",
        (json.dumps(codes),),
    )
    return dict(found)


def shelf(
    listed: Sequence[Entries],
    texts: Texts,
    *,
    year: int | None = None,
    figures: Mapping[str, Figures] | None = None,
    before: Entries | None = None,
    relations: Sequence[Relation] = (),
    progress: Progress = SILENT,
) -> Shelf:
    """The browser's rows. figures: of `year`, by dip_code; before, relations: the version that the only one is held
    against. Words in the language of `texts`."""
    rows = sorted(
        ((entry.dip_code, number, one.version, entry) for number, one in enumerate(listed) for entry in one.rows),
        key=lambda row: row[:2],
    )
    held = tuple((version, entry) for _, _, version, entry in rows)
    step(progress, "catalogue_tree", 0)
    nodes = tree(Entries("", 0, tuple(entry for _, entry in held)))
    step(progress, "catalogue_tree", 1)
    relation_of = {code: relation for relation in relations for code in relation.new}
    told = [relation_of.get(entry.dip_code) for _, entry in held]
    counted = [figures.get(entry.dip_code) if figures is not None else None for _, entry in held]
    cases = [(one.cases if one is not None else 0) for one in counted]
    cv = [(one.cv if one is not None and one.cv is not None else entry.cv)
          for one, (_, entry) in zip(counted, held, strict=True)]  # fmt: skip
    sheet = _worksheet(held, told, counted, cases, cv, texts, several=len(listed) > 1, year=year,
                       versus=before is not None)  # fmt: skip
    return Shelf(
        tuple(one.version for one in listed),
        held,
        sheet,
        nodes,
        year,
        np.array([KINDS.index(entry.kind) if entry.kind in KINDS else -1 for _, entry in held], np.int8),
        np.array([_attribute_place(entry.attribute) for _, entry in held], np.int8),
        np.array([_float(entry.score) for _, entry in held], np.float64),
        np.array([one is not None and one.change != "same" for one in told], bool),
        np.array(cases, np.int64),
        np.array([_float(one) for one in cv], np.float64),
    )


def _attribute_place(attribute: str) -> int:
    return ATTRIBUTES.index(attribute) if attribute in ATTRIBUTES else len(ATTRIBUTES)


def _float(value: Fraction | None) -> float:
    """NaN passes no bound."""
    return float("nan") if value is None else float(value)


# -- the worksheet -------------------------------------------------------------------------------------------------


def _worksheet(
    held: Sequence[tuple[str, Entry]],
    told: Sequence[Relation | None],
    counted: Sequence[Figures | None],
    cases: Sequence[int],
    cv: Sequence[Fraction | None],
    texts: Texts,
    *,
    several: bool,
    year: int | None,
    versus: bool,
) -> Worksheet:
    columns: list[Column] = []
    cells: dict[str, Cells] = {}

    def put(
        name: str, kind: Kind, values: Sequence[object], unit: str = "", places: int | None = None, total: bool = False
    ) -> None:
        title = {lang: Texts(lang)(f"catalogue.column.{name}", year=year or "").strip() for lang in LANGUAGES}
        columns.append(Column(name, title, kind, unit, places, total=total))
        cells[name] = column_of(values, kind)

    entries = [entry for _, entry in held]
    put("dip_code", "code", [entry.dip_code for entry in entries])
    put("dip_name", "text", [entry.dip_name for entry in entries])
    if several:
        put("version", "code", [version for version, _ in held])
    put("score", "exact", [entry.score for entry in entries], "points", PLACES)
    if year is not None:
        put("cases", "int", cases, "cases", total=True)
        put("year_mean", "exact", [_yuan(one.mean if one is not None else None) for one in counted], "yuan", 2)
    put("cv", "exact", cv, places=2)
    kinds = {kind: texts(f"catalogue.kind.{kind}") for kind in KINDS}
    put("kind", "text", [kinds.get(entry.kind, entry.kind) for entry in entries])
    attributes = {one: texts(f"catalogue.tree.{one}") for one in ATTRIBUTES}
    put("attribute", "text", [attributes.get(entry.attribute, entry.attribute) for entry in entries])
    if versus:
        words = {change: texts(f"catalogue.change.{change}") for change in CHANGES}
        put("change", "text", ["" if one is None or one.change == "same" else words[one.change] for one in told])
        put("before", "exact", [None if one is None else one.old_score for one in told], "points", PLACES)
        put("growth", "exact", [_growth(one) for one in told], "percent", 2)
    put("mean_fee", "exact", [_yuan(entry.mean_fee or None) for entry in entries], "yuan", 2)
    put("mean_days", "exact", [entry.mean_days for entry in entries], "days", 1)
    put("diag_code", "code", [entry.diag_code for entry in entries])
    put("oprn_code", "code", [entry.oprn_code for entry in entries])
    put("rel_oprn_code", "code", [entry.rel_oprn_code for entry in entries])
    title = {lang: Texts(lang)("catalogue.sheet") for lang in LANGUAGES}
    keys = column_of([key_of(version, entry.dip_code) for version, entry in held], "code")
    name = "catalogue.all" if several else "catalogue.version"
    return Worksheet(name, title, columns, cells, len(held), keys=keys)


def _yuan(fen: int | None) -> Fraction | None:
    return None if fen is None else Fraction(fen, 100)


def _growth(relation: Relation | None) -> Fraction | None:
    """Per cent by which the score is other than before."""
    if relation is None or relation.old_score is None or relation.new_score is None or not relation.old_score:
        return None
    return (relation.new_score / relation.old_score - 1) * 100
