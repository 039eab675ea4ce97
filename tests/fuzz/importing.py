"""Files of every KIND and format, shaken: whatever arrives is taken whole, row by row, or refused with a word."""

from __future__ import annotations

import csv
import io
import random
import sqlite3
import tempfile
from pathlib import Path

import xlsxwriter
from shaking import shaken, shaken_within

from core.faults import Fault
from core.intake.kinds import KINDS, Field
from core.intake.load import import_file, propose
from core.storage.migrations import fact_tables
from core.storage.workspace import Workspace

FORMATS = ("csv", "gbk", "utf16", "tab", "xlsx", "sqlite")
ROWS = 6
EACH = 60  # files into one workspace


def cell(field: Field, row: int, dice: random.Random) -> str:
    """A value that the contract of the column takes."""
    if field.words:
        return str(dice.choice(sorted(field.words)))
    match field.type:
        case "diag" | "either" | "diag_rule":
            return f"K{dice.randint(10, 99)}.{dice.randint(0, 999):03d}"
        case "diags" | "list":
            return "I10.x00|E11.900"
        case "oprn" | "oprns" | "oprn_rule":
            return f"{dice.randint(10, 86)}.{dice.randint(0, 9999):04d}"
        case "dip":
            return f"K{35 + row}.3:47.0100"
        case "code" | "int":
            return str(dice.randint(0, 9))
        case "money":
            return f"{dice.randint(0, 99999)}.{dice.randint(0, 99):02d}"
        case "decimal":
            return f"{dice.randint(0, 3)}.{dice.randint(0, 9999)}"
        case "date":
            return f"2024-{dice.randint(1, 12):02d}-{dice.randint(1, 28):02d}"
        case "time":
            return f"2024-{dice.randint(1, 12):02d}-{dice.randint(1, 28):02d} 10:11:12"
        case "year":
            return "2024"
        case "month" | "period":
            return f"2024{dice.randint(1, 12):02d}"
        case "condition":
            return "age < 18"
        case "step":
            return "point_value"
        case _:
            return f"{field.name[:6]}{row}"


def grid(kind: str, dice: random.Random) -> list[list[str]]:
    fields = [
        field for field in KINDS[kind].columns if field.required or field.key or dice.random() < 0.5
    ]
    heads = [dice.choice((field.name, *field.aliases[:3])) for field in fields]
    return [heads, *([cell(field, row, dice) for field in fields] for row in range(ROWS))]


def written(rows: list[list[str]], form: str) -> tuple[bytes, str]:
    if form == "xlsx":
        made = io.BytesIO()
        with xlsxwriter.Workbook(made, {"in_memory": True}) as book:
            page = book.add_worksheet()
            for at, row in enumerate(rows):
                page.write_row(at, 0, row)
        return made.getvalue(), ".xlsx"
    if form == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "a.db"
            connection = sqlite3.connect(path)
            columns = ", ".join(f'"{name}"' for name in dict.fromkeys(rows[0]))
            width = len(dict.fromkeys(rows[0]))
            connection.execute(f"CREATE TABLE t ({columns})")
            marks = ", ".join("?" * width)
            connection.executemany(f"INSERT INTO t VALUES ({marks})", [row[:width] for row in rows[1:]])
            connection.commit()
            connection.close()
            return path.read_bytes(), ".db"
    out = io.StringIO()
    csv.writer(out, delimiter="\t" if form == "tab" else ",").writerows(rows)
    return out.getvalue().encode({"gbk": "gb18030", "utf16": "utf-16"}.get(form, "utf-8"), "replace"), ".csv"


class Imports:
    name = "imports"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._workspace: Workspace | None = None
        self._taken = 0
        self._kinds = sorted(KINDS)

    def make(self, dice: random.Random) -> tuple[bytes, str]:
        self._kind = dice.choice(self._kinds)
        self._asked = dice.random() < 0.7
        data, ending = written(grid(self._kind, dice), dice.choice(FORMATS))
        return (shaken_within if ending == ".xlsx" else shaken)(data, dice), ending

    def attempt(self, path: Path) -> str:
        workspace = self._fresh()
        lines = len(workspace.ledger.lines())
        try:
            kind = self._kind if self._asked else propose(workspace, path).kind
            receipt = import_file(workspace, kind, path, year=2024 if self._taken % 2 else None)
        except Fault:
            assert len(workspace.ledger.lines()) == lines, "a refusal left a line"
            return "refused"
        assert receipt.rows_read == receipt.accepted + receipt.refused, receipt
        if receipt.batch_id is None:
            assert receipt.accepted == 0 and (receipt.findings or receipt.rows_read == 0), receipt
            assert len(workspace.ledger.lines()) == lines, "nothing was taken and a line is there"
            return "refused"
        reader = workspace.reader()
        batch = reader.execute(
            "SELECT rows_read, accepted, refused FROM batch WHERE id = ?", (receipt.batch_id,)
        ).fetchone()
        assert batch == (receipt.rows_read, receipt.accepted, receipt.refused), (batch, receipt)
        stored = sum(
            reader.execute(
                f'SELECT count(DISTINCT "row") FROM "{table}" WHERE batch_id = ?', (receipt.batch_id,)
            ).fetchone()[0]
            for table in {KINDS[kind].table} & set(fact_tables(reader))
        )
        assert stored == receipt.accepted, (stored, receipt)
        return "accepted"

    def _fresh(self) -> Workspace:
        if self._workspace is not None and self._taken % EACH == 0:
            assert self._workspace.integrity() == []
            assert self._workspace.ledger.check() == []
            self._workspace.close()
            self._workspace.path.unlink()
            self._workspace = None
        if self._workspace is None:
            path = self._folder / "into.dz"
            path.unlink(missing_ok=True)
            self._workspace = Workspace.create(path, region="350900")
        self._taken += 1
        return self._workspace
