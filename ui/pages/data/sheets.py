"""Batches and findings as worksheets, in the words of the language on screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.texts import LANGUAGES, Texts
from core.worksheet import Column, Kind, Worksheet, column_of
from ui.dialogs import local_time

if TYPE_CHECKING:
    from core.findings import Finding
    from core.storage.batches import Batch


SENTENCE = 560  # pixels of the column that says what was found; the rest of it stands below


def _column(area: str, name: str, kind: Kind = "text", unit: str = "", total: bool = False) -> Column:
    return Column(
        name, {lang: Texts(lang)(f"data.{area}.{name}") for lang in LANGUAGES}, kind, unit, total=total
    )


def _worksheet(
    area: str, columns: Sequence[Column], rows: Sequence[Sequence[object]], keys: Sequence[object]
) -> Worksheet:
    cells = {column.id: column_of([row[i] for row in rows], column.kind) for i, column in enumerate(columns)}
    title = {lang: Texts(lang)(f"data.tab.{area}") for lang in LANGUAGES}
    return Worksheet(f"data.{area}", title, columns, cells, len(rows), keys=column_of(keys, "text"))


def batches(found: Sequence[Batch], texts: Texts) -> Worksheet:
    """One row a batch, newest first; the key is the batch's number."""
    columns = [
        _column("batches", "id", "int"),
        _column("batches", "state"),
        _column("batches", "kind"),
        _column("batches", "file"),
        _column("batches", "sheet"),
        _column("batches", "rows_read", "int", total=True),
        _column("batches", "accepted", "int", total=True),
        _column("batches", "refused", "int", total=True),
        _column("batches", "encoding", "code"),
        _column("batches", "at", "code"),
        _column("batches", "sha256", "code"),
    ]
    newest = sorted(found, key=lambda batch: -batch.id)
    rows = [
        (
            batch.id,
            texts(f"data.state.{'withdrawn' if batch.withdrawn else 'in_force'}"),
            texts(f"kinds.{batch.kind}"),
            batch.file,
            batch.sheet,
            batch.rows_read,
            batch.accepted,
            batch.refused,
            batch.encoding,
            local_time(batch.at),
            batch.sha256[:16],
        )
        for batch in newest
    ]
    return _worksheet("batches", columns, rows, [batch.id for batch in newest])


def findings(found: Sequence[Finding], texts: Texts, area: str = "findings") -> Worksheet:
    """One row a finding; the key is its place in `found`."""
    columns = [
        _column("findings", "severity"),
        _column("findings", "said"),
        _column("findings", "file"),
        _column("findings", "sheet"),
        _column("findings", "row", "exact"),
        _column("findings", "column"),
        _column("findings", "value", "code"),
        _column("findings", "subject", "code"),
    ]
    rows = [
        (
            texts(f"severity.{one.severity}"),
            texts.finding(one),
            one.file,
            one.sheet,
            one.row,
            column_title(one.column, texts),
            one.value,
            one.subject,
        )
        for one in found
    ]
    return _worksheet(area, columns, rows, list(range(len(found))))


def column_title(column: str, texts: Texts) -> str:
    """A column's name as the field calls it, with the national name behind."""
    key = f"fields.{column}"
    said = texts(key) if column and texts.has(key) else column
    return said if said.lower() == column.lower() else f"{said} {column}"
