"""A table of cases on screen, 50,000 to 2.5 million rows: shown, sorted, filtered, scrolled: `bench_scroll.py [ROWS ...]`.

A scroll step is a jump to a random row with its repaint in full; the longest of 200 tells whether anybody waits.
"""

from __future__ import annotations

import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

SIZES = (50_000, 500_000, 2_500_000)
STEPS = 200


def cases(rows: int):
    """Twelve columns as the cases of a clearing have them."""
    import numpy as np

    from core.worksheet import Column, Worksheet

    rng = np.random.default_rng(rows)
    texts = {
        "setl_id": [f"3509{i:014d}" for i in rng.permutation(rows).tolist()],
        "institution": [f"H3509{i:07d}" for i in rng.integers(0, 155, rows).tolist()],
        "group": [f"K{i // 10 % 100:02d}.{i % 10}" for i in rng.integers(0, 3_000, rows).tolist()],
    }
    columns = [Column(name, {"zh": name, "en": name}, "code") for name in texts]
    cells = {name: np.array(values, dtype=object) for name, values in texts.items()}
    for number in range(9):
        name = f"amount_{number}"
        columns.append(Column(name, {"zh": name, "en": name}, "fixed", "yuan", 2, total=True))
        cells[name] = rng.integers(0, 10**7, rows)
    return Worksheet(f"bench.{rows}", {"zh": "病例", "en": "Cases"}, columns, cells, rows)


def measured(rows: int) -> tuple[float, float, float, float, float]:
    """Seconds to show, to sort, to filter; milliseconds of a scroll step, median and longest."""
    from PySide6.QtCore import QEventLoop
    from PySide6.QtWidgets import QApplication

    from ui.desk import Desk
    from ui.table import Filter, Table

    application = QApplication.instance() or QApplication([])
    desk = Desk("zh")
    table = Table(desk)
    table.resize(1190, 560)
    table.show()

    def arranged(change: Callable[[], object]) -> float:
        heard: list[bool] = []
        table.arranged.connect(lambda: heard.append(True))
        began = time.perf_counter()
        change()
        while not heard or desk.jobs.live():
            application.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)
        table.grab()
        return time.perf_counter() - began

    sheet = cases(rows)
    shown = arranged(lambda: table.set_worksheet(sheet, frozen=1))
    ordered = arranged(lambda: table.sort("amount_0", True))
    filtered = arranged(lambda: table.set_filter("group", Filter(op="contains", first="K1")))
    arranged(table.clear_all_filters)
    bar = table.grid.verticalScrollBar()
    draw = random.Random(1)
    steps: list[float] = []
    for _ in range(STEPS):
        began = time.perf_counter()
        bar.setValue(draw.randint(0, bar.maximum()))
        application.processEvents()
        table.grab()
        steps.append((time.perf_counter() - began) * 1000)
    table.close()
    desk.close()
    return shown, ordered, filtered, statistics.median(steps), max(steps)


def main(sizes: tuple[int, ...]) -> None:
    with tempfile.TemporaryDirectory() as home:
        os.environ["DIANZHI_HOME"] = home
        print("| rows | shown s | sorted s | filtered s | scroll step ms | longest ms |\n|---|---|---|---|---|---|")
        for rows in sizes:
            shown, ordered, filtered, step, longest = measured(rows)
            print(f"| {rows:,} | {shown:.2f} | {ordered:.2f} | {filtered:.2f} | {step:.0f} | {longest:.0f} |", flush=True)


if __name__ == "__main__":
    main(tuple(int(word.replace("_", "")) for word in sys.argv[1:]) or SIZES)
