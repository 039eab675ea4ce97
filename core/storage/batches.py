"""What was imported, file by file: batches, their findings and mappings, withdrawing, returning, refunds."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from core.faults import Refused
from core.findings import Finding, Severity
from core.money import yuan
from core.progress import SILENT, Progress, step
from core.storage.migrations import columns, fact_tables, run

NETTING = Path(__file__).with_name("netting.sql")

# Tables whose rows belong to a catalogue's version and are frozen with it.
VERSIONED = ("catalogue", "auxiliary", "exclusion")

# cases.netting to the finding of a case that is left out; 1, the reversed pair, needs no word.
LEFT_OUT: dict[int, tuple[str, Severity]] = {
    2: ("refund_without_reversal", "warning"),
    3: ("reversal_without_original", "warning"),
    4: ("pair_across_years", "warning"),
    5: ("settlement_invalid", "note"),
}


@dataclass(frozen=True, slots=True)
class Batch:
    """One imported file (or sheet of it). year: what was given for rows that carry none. at: UTC."""

    id: int
    kind: str
    file: str
    sheet: str
    sha256: str
    year: int | None
    mapping: Mapping[str, str | None]
    encoding: str
    rows_read: int
    accepted: int
    refused: int
    withdrawn: bool
    at: str


def begin(
    connection: sqlite3.Connection,
    kind: str,
    file: str,
    sheet: str,
    sha256: str,
    year: int | None,
    mapping: Mapping[str, str | None],
    encoding: str,
) -> int:
    """Register an import in the caller's transaction; the id goes into every row. Refused("file_known") where
    the same bytes are in force as this kind and sheet; once withdrawn they may come again."""
    _refuse_known(connection, kind, sheet, sha256)
    cursor = connection.execute(
        "INSERT INTO batch"
        " (kind, file, sheet, sha256, year, mapping, encoding, rows_read, accepted, refused, at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0, 0, ?)",
        (
            kind,
            file,
            sheet,
            sha256,
            year,
            _json(mapping),
            encoding,
            datetime.now(UTC).isoformat(timespec="seconds"),
        ),
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def finish(
    connection: sqlite3.Connection, batch_id: int, rows_read: int, accepted: int, refused: int
) -> None:
    """The counts, which have to close: rows read = accepted + refused (the table holds to it)."""
    connection.execute(
        "UPDATE batch SET rows_read = ?, accepted = ?, refused = ? WHERE id = ?",
        (rows_read, accepted, refused, batch_id),
    )


def batches(connection: sqlite3.Connection) -> list[Batch]:
    """All of them, withdrawn ones too, in the order of their arrival."""
    rows = connection.execute(
        "SELECT id, kind, file, sheet, sha256, year, mapping, encoding, rows_read, accepted, refused,"
        " withdrawn, at FROM batch ORDER BY id"
    )
    read = [Batch(*row) for row in rows.fetchall()]
    return [replace(b, mapping=json.loads(cast(str, b.mapping)), withdrawn=bool(b.withdrawn)) for b in read]


# Withdrawing and returning: called by the ledger when it applies a change of batch.withdrawn


def withdraw(connection: sqlite3.Connection, batch_id: int, progress: Progress = SILENT) -> None:
    """Move the batch's rows to the withdrawn_* tables. Refused: catalogue_frozen (rows of a published version)."""
    tables = fact_tables(connection)
    for table in VERSIONED:
        frozen = connection.execute(
            f'SELECT version FROM "{table}" JOIN catalogue_version USING (version)'
            f' WHERE "{table}".batch_id = ? AND state = \'published\' LIMIT 1',
            (batch_id,),
        ).fetchone()
        if frozen:
            raise Refused("catalogue_frozen", version=frozen[0])
    for done, table in enumerate(tables):
        step(progress, "withdraw", done, len(tables))
        names = ", ".join(f'"{name}"' for name in columns(connection, table))
        # Coefficient sets made from the imported one are what somebody drew up: they keep the rows that came with a file.
        own = "batch_id = ?" + (" AND set_name = 'imported'" if table == "coefficient" else "")
        connection.execute(
            f'INSERT INTO "withdrawn_{table}" ({names}) SELECT {names} FROM "{table}" WHERE {own}', (batch_id,)
        )
        connection.execute(f'DELETE FROM "{table}" WHERE {own}', (batch_id,))
    connection.execute("UPDATE batch SET withdrawn = 1 WHERE id = ?", (batch_id,))


def put_back(connection: sqlite3.Connection, batch_id: int, progress: Progress = SILENT) -> None:
    """Move the batch's rows back. Refused: file_known, key_taken (others took their place meanwhile)."""
    kind, sheet, sha256 = connection.execute(
        "SELECT kind, sheet, sha256 FROM batch WHERE id = ?", (batch_id,)
    ).fetchone()
    _refuse_known(connection, kind, sheet, sha256)
    tables = fact_tables(connection)
    for done, table in enumerate(tables):
        step(progress, "put_back", done, len(tables))
        shadow = f'"withdrawn_{table}"'
        names = columns(connection, table)
        _refuse_taken(connection, table, batch_id)
        quoted = ", ".join(f'"{name}"' for name in names)
        wanted = quoted
        # cases.case_id only tells rows apart; where a later import has the same numbers, take new ones.
        if (
            table == "cases"
            and connection.execute(
                f"SELECT 1 FROM {shadow} AS w JOIN cases USING (case_id) WHERE w.batch_id = ? LIMIT 1",
                (batch_id,),
            ).fetchone()
        ):
            wanted = quoted.replace('"case_id"', "NULL")
        connection.execute(
            f'INSERT INTO "{table}" ({quoted}) SELECT {wanted} FROM {shadow} WHERE batch_id = ?', (batch_id,)
        )
        connection.execute(f"DELETE FROM {shadow} WHERE batch_id = ?", (batch_id,))
    connection.execute("UPDATE batch SET withdrawn = 0 WHERE id = ?", (batch_id,))


def _refuse_known(connection: sqlite3.Connection, kind: str, sheet: str, sha256: str) -> None:
    known = connection.execute(
        "SELECT id, file, at FROM batch WHERE sha256 = ? AND kind = ? AND sheet = ? AND withdrawn = 0",
        (sha256, kind, sheet),
    ).fetchone()
    if known:
        raise Refused("file_known", batch=known[0], file=known[1], at=known[2], kind=kind)


def _refuse_taken(connection: sqlite3.Connection, table: str, batch_id: int) -> None:
    indexes = connection.execute(
        'SELECT name FROM pragma_index_list(?) WHERE "unique" = 1', (table,)
    ).fetchall()
    for (index,) in indexes:
        rows = connection.execute("SELECT name FROM pragma_index_info(?) ORDER BY seqno", (index,))
        key = [name for (name,) in rows.fetchall()]
        quoted = ", ".join(f'w."{name}"' for name in key)
        same = " AND ".join(f't."{name}" = w."{name}"' for name in key)
        taken = connection.execute(
            f'SELECT {quoted} FROM "withdrawn_{table}" AS w JOIN "{table}" AS t ON {same}'
            " WHERE w.batch_id = ? LIMIT 1",
            (batch_id,),
        ).fetchone()
        if taken:
            shown = ", ".join(f"{name} = {value}" for name, value in zip(key, taken, strict=True))
            raise Refused("key_taken", table=table, key=shown, batch=batch_id)


# Refunds


def net_refunds(connection: sqlite3.Connection) -> None:
    """Set cases.netting, from the content alone; due after every import, withdrawal and return of cases."""
    run(connection, NETTING.read_text("utf-8"))


# Findings


def store_findings(
    connection: sqlite3.Connection,
    found: Iterable[Finding],
    batch_id: int | None = None,
    run_id: int | None = None,
) -> None:
    """Keep findings under the batch or run they belong to; any iterable, taken as a stream."""
    connection.executemany(
        "INSERT INTO finding"
        " (batch_id, run_id, severity, code, file, sheet, row, column_name, value, subject, details)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (
                batch_id,
                run_id,
                f.severity,
                f.code,
                f.file,
                f.sheet,
                f.row,
                f.column,
                f.value,
                f.subject,
                _json(f.values),
            )
            for f in found
        ),
    )


def findings(
    connection: sqlite3.Connection,
    batch_id: int | None = None,
    run_id: int | None = None,
    limit: int | None = None,
) -> list[Finding]:
    """Stored findings in the order they were stored: of one batch, of one run, or of every batch in force."""
    if batch_id is not None:
        where, values = "batch_id = ?", (batch_id,)
    elif run_id is not None:
        where, values = "run_id = ?", (run_id,)
    else:
        where, values = "batch_id IN (SELECT id FROM batch WHERE withdrawn = 0)", ()
    rows = connection.execute(
        "SELECT code, severity, file, sheet, row, column_name, value, subject, details FROM finding"
        f" WHERE {where} ORDER BY id LIMIT ?",
        (*values, -1 if limit is None else limit),
    )
    return [Finding(*row[:8], values=json.loads(row[8])) for row in rows]


def lone_reversals(connection: sqlite3.Connection, batch_id: int) -> list[Finding]:
    """One for every reversal of the batch that has no original by now, as `standing_findings` says it."""
    return [finding for finding, batch in _left_out(connection, "netting = 3") if batch == batch_id]


def _left_out(connection: sqlite3.Connection, which: str) -> list[tuple[Finding, int]]:
    rows = connection.execute(
        "SELECT netting, batch.file, batch.sheet, cases.row, setl_id, fee, cases.year, fixmedins_code, batch.id"
        " FROM cases INDEXED BY cases_odd JOIN batch ON batch.id = batch_id"
        f" WHERE (sign < 0 OR refd_setl_flag = 1 OR vali_flag = 0 OR netting <> 0) AND {which}"
        " ORDER BY netting, setl_id, sign DESC"
    )
    found: list[tuple[Finding, int]] = []
    for netting, file, sheet, row, setl_id, fee, year, institution, batch in rows:
        code, severity = LEFT_OUT[netting]
        values = {"fee": yuan(fee), "year": str(year), "institution": cast(str, institution)}
        found.append((Finding(code, severity, file, sheet, row, subject=setl_id, values=values), batch))
    return found


def standing_findings(connection: sqlite3.Connection) -> list[Finding]:
    """What stands now: findings of the batches in force; one for every case that its refund state leaves out
    (subject its setl_id, `values` its fee in yuan); one for every pair whose amounts differ.

    A pair that matches needs no word.
    """
    found = findings(connection) + [finding for finding, _ in _left_out(connection, "netting > 1")]
    unequal = connection.execute(
        "SELECT r.setl_id, batch.file, batch.sheet, r.row, r.medfee_sumamt, o.setl_id, o.medfee_sumamt"
        " FROM cases AS r INDEXED BY cases_odd JOIN batch ON batch.id = r.batch_id"
        " LEFT JOIN cases AS named ON named.setl_id = r.init_setl_id AND named.sign = 1"
        " JOIN cases AS o ON o.setl_id = coalesce(named.setl_id, r.setl_id) AND o.sign = 1"
        " WHERE (r.sign < 0 OR r.refd_setl_flag = 1 OR r.vali_flag = 0 OR r.netting <> 0) AND r.sign < 0"
        " AND r.netting IN (1, 4) AND o.medfee_sumamt <> -r.medfee_sumamt ORDER BY r.setl_id"
    )
    for setl_id, file, sheet, row, amount, original, was in unequal:
        values = {"fee": yuan(amount), "original": original, "original_fee": yuan(was)}
        found.append(
            Finding("reversal_amount_differs", "warning", file, sheet, row, subject=setl_id, values=values)
        )
    return found


# Mappings


def remember_mapping(
    connection: sqlite3.Connection, kind: str, headings: Sequence[str], mapping: Mapping[str, str | None]
) -> None:
    """Keep how a file's headings were read, for the next file with the same headings in any order."""
    connection.execute(
        "INSERT INTO mapping (kind, headings, mapping) VALUES (?, ?, ?)"
        " ON CONFLICT (kind, headings) DO UPDATE SET mapping = excluded.mapping",
        (kind, _headings(headings), _json(mapping)),
    )


def recall_mapping(
    connection: sqlite3.Connection, kind: str, headings: Sequence[str]
) -> dict[str, str | None] | None:
    """What was remembered for these headings, or None."""
    row = connection.execute(
        "SELECT mapping FROM mapping WHERE kind = ? AND headings = ?", (kind, _headings(headings))
    ).fetchone()
    return json.loads(row[0]) if row else None


def _headings(headings: Sequence[str]) -> str:
    normal = sorted(unicodedata.normalize("NFKC", heading).strip().casefold() for heading in headings)
    return hashlib.sha256("\x1f".join(normal).encode()).hexdigest()


def _json(value: Mapping[str, str | None] | Mapping[str, str]) -> str:
    return json.dumps(dict(value), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
