"""Coefficients by level means against plain pandas of the same rows, and a pasted block: `bench_coefficients.py [ROWS ...]`.

ROWS cases in three years, 155 institutions of three levels. Ours reads the cases, weighs 1:2:7 exactly, and gives every
hospital's coefficient with its working and findings; the peer takes the same rows by `read_sql` and groups them in floats. Each
in a process of its own, medians of three. The block is 155 institutions by 6 parts: pasted as one edit with its ledger line,
undone, and the grid shown again; its peer writes the same cells by `executemany` into a table of its own, with no ledger.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

from measuring import alone, child, peak

ROOT = Path(__file__).resolve().parents[2]
for folder in (ROOT, ROOT / "tests" / "bench"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

SIZES = (45_000, 450_000, 2_250_000)
PARTS = ("base", "bonus:甲", "bonus:乙", "bonus:丙", "deduction:甲", "deduction:乙")
YEAR = 2025  # from the cases of 2022 to 2024


def ours(path: Path) -> dict[str, float]:
    from core.rules import packs
    from core.settlement.deriving import derive
    from core.storage.workspace import Workspace

    pack = packs.load("national-draft-3")
    with Workspace.open(path, write=False) as workspace:
        start = time.perf_counter()
        derived = derive(workspace, pack, YEAR)
        took = time.perf_counter() - start
        assert len(derived.cells) == 155
        return {"seconds": took, "peak": peak(), "sum": sum(float(cell.value or 0) for cell in derived.cells)}


def peer(path: Path) -> dict[str, float]:
    """Plain pandas, floats."""
    import sqlite3

    import pandas as pd

    start = time.perf_counter()
    connection = sqlite3.connect(path)
    cases = pd.read_sql(
        "SELECT year, fixmedins_code, fee FROM cases WHERE year IN (2022, 2023, 2024) AND netting = 0"
        " AND (med_type IN (21, 22, 24, 52, 92) OR med_type IS NULL) AND fee > 0",
        connection,
    )
    register = pd.read_sql("SELECT fixmedins_code, hosp_lv FROM institution", connection)
    connection.close()
    level = register.set_index("fixmedins_code").hosp_lv.map({2: 3, 5: 2, 8: 1})
    cases["level"] = cases.fixmedins_code.map(level)
    weight = pd.Series({2022: 1, 2023: 2, 2024: 7})
    city = (cases.groupby("year").fee.mean() * weight).sum() / 10
    means = cases.groupby(["level", "year"]).fee.mean().unstack()
    k = (means * weight).sum(axis=1) / 10 / city
    took = time.perf_counter() - start
    return {"seconds": took, "peak": peak(), "sum": float(level.map(k.round(4)).sum())}


def paste(path: Path) -> dict[str, float]:
    """One block pasted, undone, shown; the medians of five."""
    from core.settlement import coefficients
    from core.settlement.coefficient_sheets import grid
    from core.storage.workspace import Workspace

    took: dict[str, list[float]] = {"paste": [], "undo": [], "grid": [], "peer": []}
    with Workspace.open(path) as workspace:
        codes = [code for (code,) in workspace.reader().execute("SELECT fixmedins_code FROM institution ORDER BY 1")]
        coefficients.draft(workspace, "bench")
        for turn in range(5):
            values = [f"0.{turn + 1}{i % 10}" for i in range(len(codes))]
            cells = [
                coefficients.Cell(code, "all", part, value, basis="粘贴")
                for code, value in zip(codes, values, strict=True) for part in PARTS
            ]
            start = time.perf_counter()
            coefficients.edit(workspace, "bench", cells, "粘贴")
            took["paste"].append(time.perf_counter() - start)
            start = time.perf_counter()
            shown = grid(workspace.reader(), "bench", "employee", 20241231)
            took["grid"].append(time.perf_counter() - start)
            assert shown.sheet.rows == len(codes)
            start = time.perf_counter()
            workspace.ledger.undo()
            took["undo"].append(time.perf_counter() - start)
            start = time.perf_counter()
            with workspace.transaction("bench", "plain") as writer:
                writer.execute("CREATE TABLE IF NOT EXISTS plain (code, part, value, PRIMARY KEY (code, part))")
                writer.executemany(
                    "INSERT OR REPLACE INTO plain VALUES (?, ?, ?)", [(cell.code, cell.part, cell.value) for cell in cells]
                )
            took["peer"].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in took.items()}


def main(sizes: tuple[int, ...]) -> int:
    from bench_scores import fill

    print("| cases in three years | ours s | pandas s | ratio | peak MB | pandas MB |")
    print("|---|---|---|---|---|---|")
    pasted: dict[str, float] = {}
    for rows in sizes:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "bench.dz"
            fill(path, rows)
            turns = 3 if rows <= 500_000 else 1
            runs = [(alone(__file__, "ours", path), alone(__file__, "peer", path)) for _ in range(turns)]
            own, other = (
                {key: statistics.median(run[side][key] for run in runs) for key in runs[0][side]} for side in (0, 1)
            )
            if abs(own["sum"] - other["sum"]) > 0.05:
                raise AssertionError(f"{own['sum']} and {other['sum']} are not the same coefficients")
            print(
                f"| {rows:,} | {own['seconds']:.2f} | {other['seconds']:.2f} | {own['seconds'] / other['seconds']:.2f} |"
                f" {own['peak']:.0f} | {other['peak']:.0f} |",
                flush=True,
            )
            pasted = pasted or alone(__file__, "paste", path)
    print()
    print("| block | paste ms | undo ms | grid ms | plain executemany ms |")
    print("|---|---|---|---|---|")
    print(
        f"| 155 × {len(PARTS)} cells | {1000 * pasted['paste']:.0f} | {1000 * pasted['undo']:.0f} |"
        f" {1000 * pasted['grid']:.0f} | {1000 * pasted['peer']:.0f} |"
    )
    return 0


WHO = {"ours": ours, "peer": peer, "paste": paste}
if __name__ == "__main__":
    if one := child():
        print(json.dumps(WHO[one[0]](Path(one[1]))))
    else:
        sys.exit(main(tuple(map(int, sys.argv[1:])) or SIZES))
