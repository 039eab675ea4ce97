"""An edited cell to the refreshed what-if, beside a full clearing of the same state: `bench_whatif.py [ROWS ...]`.

The region is that of `bench_clear.py`: ROWS cases of the year, 155 institutions, both funds. An edit is one cell of one
institution on top of all edits before it, 200 of them; its time runs from the changed set to the table's worksheet of all
institutions. The peers are the clearing itself: from memory, as the window clears again after an edit, and with nothing
remembered but the year's rows. Every result is held against the full clearing's. Tornado: ten parameters, both directions.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from pathlib import Path

from bench_clear import SIZES, YEAR, fill
from measuring import alone, child, peak

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

EDITS, CHECKED, PARAMETERS = 200, 4, 10


def ours(path: Path) -> dict[str, float]:
    from core.rules import packs
    from core.settlement import annual, sensitivity
    from core.settlement.changes import NONE, Changes
    from core.settlement.coefficients import Cell
    from core.settlement.whatif import Pool
    from core.settlement.whatif_sheets import institutions
    from core.storage.workspace import Workspace

    dice = random.Random(1)
    pack = packs.load("ningde-2024")
    with Workspace.open(path) as workspace:
        start = time.perf_counter()
        pool = Pool.open(workspace, YEAR, pack)
        opened = time.perf_counter() - start
        codes = [one.code for one in pool.base.funds[0].institutions]
        changes, took = NONE, []
        again, full = [], []
        for number in range(EDITS):
            cell = Cell(dice.choice(codes), "all", "base", f"{dice.randint(600, 1400) / 1000:.3f}")
            start = time.perf_counter()
            changes = changes | Changes((cell,))
            outcome = pool.outcome(changes)
            institutions(outcome, lang="zh")
            took.append(time.perf_counter() - start)
            if number % (EDITS // CHECKED) == 0:
                start = time.perf_counter()
                clearing = pool.clearing(changes)
                again.append(time.perf_counter() - start)
                annual.forget()
                start = time.perf_counter()
                clearing = pool.clearing(changes)
                full.append(time.perf_counter() - start)
                assert clearing.funds == outcome.funds
        took.sort()
        tried = [one for one in sensitivity.variations(pool) if one.id != "own_pay"][:PARAMETERS]  # no row tells that one
        start = time.perf_counter()
        sensitivity.tornado(pool, tried)
        tornado = time.perf_counter() - start
        return {
            "opened": opened, "median": took[EDITS // 2], "p95": took[EDITS * 95 // 100], "most": took[-1],
            "again": sorted(again)[len(again) // 2], "full": sorted(full)[len(full) // 2], "tornado": tornado, "peak": peak(),
        }  # fmt: skip


def main(sizes: tuple[int, ...]) -> int:
    print(
        "| cases | open s | edit ms, median | p95 | most | clearing again ms | in full ms | p95 of it | tornado of 10 s | peak MB |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for rows in sizes:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "bench.dz"
            fill(path, rows)
            own = alone(__file__, path)
        print(
            f"| {rows:,} | {own['opened']:.1f} | {own['median'] * 1000:.0f} | {own['p95'] * 1000:.0f} | {own['most'] * 1000:.0f} "
            f"| {own['again'] * 1000:.0f} | {own['full'] * 1000:.0f} | 1/{own['full'] / own['p95']:.0f} | {own['tornado']:.1f} "
            f"| {own['peak']:.0f} |",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    if one := child():
        print(json.dumps(ours(Path(one[0]))))
        sys.exit(0)
    sys.exit(main(tuple(int(one) for one in sys.argv[1:]) or SIZES))
