"""Files as they arrive: few lines, real encodings, real formats; and how to look at what became of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import xlsxwriter

from core.storage.workspace import Workspace

HEADINGS = ["setl_id", "psn_no", "insutype", "hi_paymtd", "med_type", "fixmedins_code", "adm_time", "dscg_time", "setl_time", "diag_code", "oprn_code", "medfee_sumamt", "fund_pay_sumamt", "hifp_pay", "psn_part_amt", "dip_dise_grp_code"]


def case(setl_id: str = "S1", **values: str) -> dict[str, str]:
    """One sound case by column names."""
    return {
        "setl_id": setl_id,
        "psn_no": "3509000001",
        "insutype": "310",
        "hi_paymtd": "3",
        "med_type": "21",
        "fixmedins_code": "H35090200001",
        "adm_time": "2024-03-01",
        "dscg_time": "2024-03-08",
        "setl_time": "2024-03-08 10:11:12",
        "diag_code": "K35.300",
        "oprn_code": "47.0100",
        "medfee_sumamt": "1000.00",
        "fund_pay_sumamt": "700.50",
        "hifp_pay": "600.00",
        "psn_part_amt": "299.50",
        "dip_dise_grp_code": "K35.3:47.0100",
    } | values


def table(rows: Sequence[dict[str, str]], headings: Sequence[str] | None = None) -> list[list[str]]:
    """Rows by name as a grid, the heading first."""
    names = list(headings or rows[0])
    return [names, *([row.get(name, "") for name in names] for row in rows)]


def csv_text(grid: Sequence[Sequence[str]], separator: str = ",") -> str:
    def cell(text: str) -> str:
        quoted = any(sign in text for sign in (separator, '"', "\n", "\r"))
        return '"' + text.replace('"', '""') + '"' if quoted else text

    return "".join(separator.join(cell(text) for text in row) + "\n" for row in grid)


def write_csv(
    path: Path, grid: Sequence[Sequence[str]], encoding: str = "utf-8", separator: str = ","
) -> Path:
    path.write_bytes(csv_text(grid, separator).encode(encoding))
    return path


def write_xlsx(path: Path, grid: Sequence[Sequence[object]], sheet: str = "Sheet1") -> Path:
    with xlsxwriter.Workbook(path) as book:
        page = book.add_worksheet(sheet)
        for i, row in enumerate(grid):
            for j, value in enumerate(row):
                if isinstance(value, str):
                    page.write_string(i, j, value)
                else:
                    page.write(i, j, value)
    return path


def write_sqlite(path: Path, grid: Sequence[Sequence[str]], name: str = "t") -> Path:
    connection = sqlite3.connect(path)
    columns = ", ".join(f'"{heading}"' for heading in grid[0])
    connection.execute(f'CREATE TABLE "{name}" ({columns})')
    connection.executemany(f'INSERT INTO "{name}" VALUES ({", ".join("?" * len(grid[0]))})', grid[1:])
    connection.commit()
    connection.close()
    return path


def rows_of(
    workspace: Workspace, table_name: str, columns: str = "*", order: str = "1"
) -> list[tuple[object, ...]]:
    return workspace.reader().execute(f"SELECT {columns} FROM {table_name} ORDER BY {order}").fetchall()


# What a table says, without the numbers of batches, rows and cases.
def content(workspace: Workspace, table_name: str = "cases") -> list[tuple[object, ...]]:
    names = [row[1] for row in workspace.reader().execute(f"PRAGMA table_info({table_name})")]
    kept = ", ".join(name for name in names if name not in ("case_id", "batch_id", "row"))
    return sorted(workspace.reader().execute(f"SELECT {kept} FROM {table_name}").fetchall(), key=repr)
