"""Rows of cases as an import leaves them, with only what the tests look at given."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable
from typing import Any

from core.storage import batches

DEFAULTS: dict[str, Any] = {
    "sign": 1, "insutype": 310, "fixmedins_code": "H35090000001", "dscg_time": "2024-03-01",
    "diag_code": "K35.3", "hifp_pay": 60_00, "fund": 1, "year": 2024, "day": 20240301,
    "own_pay": 40_00, "other_pay": 0, "scope": 0, "medfee_sumamt": 100_00,
}  # fmt: skip


def put_case(connection: sqlite3.Connection, batch_id: int, row: int, **given: Any) -> None:
    values = DEFAULTS | {"batch_id": batch_id, "row": row} | given
    if values["sign"] < 0 and "medfee_sumamt" not in given:
        values["medfee_sumamt"] = -100_00
    values.setdefault("fee", values["medfee_sumamt"])
    columns = ", ".join(values)
    marks = ", ".join("?" * len(values))
    connection.execute(f"INSERT INTO cases ({columns}) VALUES ({marks})", tuple(values.values()))


def put_batch(
    connection: sqlite3.Connection,
    cases: Iterable[dict[str, Any]],
    file: str = "cases.csv",
    kind: str = "cases",
) -> int:
    """A batch with these cases, numbered from row 2, refunds netted; no ledger line."""
    given = list(cases)
    sha256 = hashlib.sha256(file.encode()).hexdigest()
    batch_id = batches.begin(connection, kind, file, "", sha256, None, {"setl_id": "setl_id"}, "utf-8")
    for row, case in enumerate(given, start=2):
        put_case(connection, batch_id, row, **case)
    batches.finish(connection, batch_id, len(given), len(given), 0)
    batches.net_refunds(connection)
    return batch_id


def content(connection: sqlite3.Connection, surrogate: bool = True) -> str:
    """A hash over all rows of all tables of data: not the ledger, nor batches and what only tells of them.

    surrogate: with cases.case_id.
    """
    digest = hashlib.sha256()
    tables = [
        name
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    ]
    for table in tables:
        if table in ("ledger", "batch", "finding", "mapping", "activity") or table.startswith("sqlite_"):
            continue
        names = [name for (name,) in connection.execute("SELECT name FROM pragma_table_info(?)", (table,))]
        if not surrogate and "case_id" in names:
            names.remove("case_id")
        rows = sorted(map(repr, connection.execute(f'SELECT {", ".join(names)} FROM "{table}"')))
        digest.update(f"{table}\n{rows}\n".encode())
    return digest.hexdigest()
