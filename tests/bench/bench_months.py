"""A year with twelve months of both funds against the annual clearing alone: `bench_months.py [ROWS ...]`.

The workspace of `bench_clear.py`. Every figure comes from a process of its own that has just opened the file; medians of three.
The peer settles the months one by one, each in a process that reads the year again: what a month alone costs.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

from bench_clear import YEAR, fill
from measuring import alone, child, peak

SIZES = (50_000, 500_000)
RATES = {"month_rate_employee": "90", "month_rate_resident": "60"}


def one(path: str, what: str) -> dict[str, float]:
    """The seconds of one of: clear, year (cleared, and its months), months, month, warm (months after the clearing)."""
    from core.rules import packs
    from core.settlement.clearing import clear
    from core.settlement.monthly import settle, year_of_months
    from core.storage.workspace import Workspace

    with Workspace.open(Path(path)) as workspace:
        pack = packs.load("ningde-2024", RATES)
        started = time.perf_counter()
        if what in ("clear", "year", "warm"):
            clear(workspace, YEAR, pack, store=False)
        if what == "warm":
            started = time.perf_counter()
        if what in ("year", "months", "warm"):
            assert len(year_of_months(workspace, YEAR, pack)) == 12
        if what == "month":
            settle(workspace, f"{YEAR}-03", pack, store=False)
        return {"seconds": time.perf_counter() - started, "mb": peak()}


def main(sizes: tuple[int, ...]) -> None:
    print("| cases | clearing alone | with twelve months | ratio | the months after it | months alone | one month alone | x 12 | peak MB |")
    print("|---|---|---|---|---|---|---|---|---|")
    for rows in sizes:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "bench.dz"
            fill(path, rows)
            found = {
                what: alone(__file__, path, what, times=3) for what in ("clear", "year", "warm", "months", "month")
            }
        told = {what: one["seconds"] for what, one in found.items()}
        print(
            f"| {rows:,} | {told['clear']:.2f} s | {told['year']:.2f} s | {told['year'] / told['clear']:.2f} |"
            f" {told['warm']:.2f} s | {told['months']:.2f} s | {told['month']:.2f} s | {12 * told['month']:.1f} s |"
            f" {found['year']['mb']:.0f} |"
        )


if __name__ == "__main__":
    if asked := child():
        print(json.dumps(one(*asked)))
    else:
        main(tuple(int(word) for word in sys.argv[1:]) or SIZES)
