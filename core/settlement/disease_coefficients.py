"""Coefficients by disease group and level: coef_3 to coef_1 of a catalogue version, which no coefficient set holds.

They are edited in a draft of the catalogue. A clearing takes them before an institution's own where the pack says so.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from core.catalogue import library
from core.catalogue.entries import Entry
from core.faults import Refused
from core.findings import Finding
from core.lookup import Lookup, Places
from core.money import plain
from core.settlement.coefficients import Cell
from core.texts import LANGUAGES, catalogue
from core.worksheet import Column, Kind, Worksheet, column_of

if TYPE_CHECKING:
    from core.storage.ledger import LedgerLine
    from core.storage.workspace import Workspace

LEVELS = ("coef_3", "coef_2", "coef_1")


@dataclass(frozen=True)
class DiseaseGrid:
    """Groups by levels, written into as `coefficient_sheets.Grid` is: a part is one of LEVELS, a code a dip_code.

    changed: cells that differ from the version which this one is based on. unfilled: rows of groups without any.
    """

    version: str
    state: str  # imported, draft, published
    sheet: Worksheet
    changed: frozenset[tuple[str, str]]
    unfilled: frozenset[str]
    _values: Mapping[tuple[str, str], Fraction]
    _lookup: Lookup

    parts = LEVELS
    order = ("dip_name", "dip_code", *LEVELS)

    def value(self, code: str, part: str) -> Fraction | None:
        return self._values.get((code, part))

    def shared(self, code: str, part: str) -> bool:
        """Whether a cell shows what stands elsewhere: never here."""
        return False

    def cell(self, code: str, part: str, value: Fraction | None, valid_from: str | None = None, basis: str = "") -> Cell:
        """The edit of a cell as it is seen; it has neither fund, day nor remark."""
        now = self.value(code, part)
        return Cell(code, "", part, None if value is None else plain(value), seen="" if now is None else plain(now))

    def find(self, text: str) -> Places:
        """Rows whose code or name (pinyin too) hold every word of `text`, best first."""
        return self._lookup.find(text)[0]


def grid(connection: sqlite3.Connection, version: str) -> DiseaseGrid:
    """Every group of a version. Refused: catalogue_unknown. 2,200 groups: a quarter of a second, most of it for pinyin."""
    head = library.version_of(connection, version)
    rows = library.entries(connection, version).rows
    values = _values(rows)
    before: dict[tuple[str, str], Fraction] | None = None
    if head.based_on and head.based_on in {one.name for one in library.versions(connection)}:
        before = _values(library.entries(connection, head.based_on).rows)
    changed = {key for key in {*values, *before} if values.get(key) != before.get(key)} if before is not None else set()
    filled = {code for code, _ in values}
    return DiseaseGrid(
        version, head.state, _sheet(rows), frozenset(changed),
        frozenset(one.dip_code for one in rows) - filled, values, Lookup([((one.dip_code,), one.dip_name) for one in rows]),
    )  # fmt: skip


def edit(workspace: Workspace, version: str, cells: Sequence[Cell], why: str = "") -> LedgerLine:
    """Put cells into a draft of the catalogue: one edit, one undo.

    Refused: version_published, version_imported (of which a draft is to be made first), stale_edit (a cell is no longer as
    seen, both values in it and in the findings), and as `library.edit`.
    """
    connection = workspace.reader()
    head = library.version_of(connection, version)
    if head.state != library.DRAFT:
        raise Refused(f"version_{head.state}", version=version)
    now = _values(library.entries(connection, version).rows)
    stale = [
        Finding("disease_coefficient_stale", "refused", subject=cell.code, column=cell.part, value=found or "—",
                values={"seen": cell.seen or "—", "level": cell.part.removeprefix("coef_")})
        for cell in cells
        if cell.seen is not None and cell.seen != (found := _text(now.get((cell.code, cell.part))))
    ]  # fmt: skip
    if stale:
        first = stale[0]
        raise Refused(
            "stale_edit", stale, table="catalogue", key=f"{first.subject}, {first.column}", expected=first.values["seen"],
            found=first.value,
        )  # fmt: skip
    return library.edit(workspace, version, [library.Cell(cell.code, cell.part, cell.value) for cell in cells], why)


def draft(workspace: Workspace, version: str, name: str, why: str = "") -> LedgerLine:
    """A draft with the whole content of a version, its bands and exclusion lists too. Refused as `library.store_draft`."""
    connection = workspace.reader()
    head = library.version_of(connection, version)
    return library.store_draft(
        workspace, name, head.year, library.entries(connection, version).rows, based_on=version,
        method={"by": f"coef: {version}"}, bands=library.bands(connection, version, head.year), why=why,
    )  # fmt: skip


def _sheet(entries: Sequence[Entry]) -> Worksheet:
    """Keys: the dip_codes."""
    kinds: dict[str, Kind] = {"dip_name": "text", "dip_code": "code", **dict.fromkeys(LEVELS, "exact")}
    cells: dict[str, Sequence[object]] = {
        "dip_name": [one.dip_name for one in entries],
        "dip_code": [one.dip_code for one in entries],
        **{name: [one.coefficients[2 - i] for one in entries] for i, name in enumerate(LEVELS)},
    }

    def titled(key: str) -> dict[str, str]:
        return {lang: catalogue(lang)[f"coefficients.{key}"] for lang in LANGUAGES}

    columns = [
        Column(name, titled(f"column.{name}"), kind, "coefficient" if kind == "exact" else "") for name, kind in kinds.items()
    ]
    return Worksheet(
        "coefficients_by_disease", titled("sheet.by_disease"), columns,
        {name: column_of(values, kinds[name]) for name, values in cells.items()}, len(entries),
        keys=column_of(cells["dip_code"], "text"),
    )  # fmt: skip


def _values(entries: Sequence[Entry]) -> dict[tuple[str, str], Fraction]:
    return {
        (one.dip_code, name): value
        for one in entries
        for name, value in zip(LEVELS, reversed(one.coefficients), strict=True)
        if value is not None
    }


def _text(value: Fraction | None) -> str:
    return "" if value is None else plain(value)
