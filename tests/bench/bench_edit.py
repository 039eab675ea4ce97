"""A cell written in the grid to the repainted effect beside it, in the window's own process: `bench_edit.py [ROWS ...]`.

The region is that of `bench_clear.py`: ROWS cases of the year, 155 institutions, both funds. Time runs from the entry to the
paint event of the table beside the grid that shows it; the edit goes into the ledger meanwhile, as it does for a person. The
peer, in the same run, is a full clearing of the same state. Paste: 155 x 6 cells from the clipboard to the grid that shows
them out of the ledger.
"""

from __future__ import annotations

import json
import os
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
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

EDITS, PEERS, PARTS = 100, 3, 6


def ours(path: Path) -> dict[str, float]:
    from PySide6.QtCore import QEvent, QEventLoop, QObject, QTimer
    from PySide6.QtGui import QGuiApplication
    from PySide6.QtWidgets import QApplication

    from core.settlement import coefficients
    from core.storage.workspace import Workspace
    from ui.desk import Desk
    from ui.jobs import Sweeper
    from ui.self_test import settle
    from ui.window import Window

    with Workspace.open(path) as workspace:
        source = coefficients.choose(workspace.reader())
        assert source is not None
        coefficients.draft(workspace, "bench", source.name)

    class Painted(QObject):
        """When the table last painted."""

        at = 0.0

        def eventFilter(self, watched: QObject, event: QEvent) -> bool:
            if event.type() == QEvent.Type.Paint:
                self.at = time.perf_counter()
            return False

    application = QApplication([])
    sweeper = Sweeper(application)
    desk = Desk("zh")
    window = Window(desk)
    window.resize(1366, 768)
    window.show()
    window.after_first_paint()
    desk.open(path)
    settle(desk)
    desk.choose(year=YEAR, set_name="bench")
    window.show_page("coefficients")
    settle(desk)
    settle(desk)
    editor = window.page().editor
    editor.reason = "bench"
    panel, table = editor.whatif, editor.table
    assert panel.pool is not None
    painted = Painted()
    panel.table.grid.viewport().installEventFilter(painted)
    told: list[float] = []
    panel.told.connect(lambda: told.append(time.perf_counter()))
    codes = [one.code for one in panel.pool.base.funds[0].institutions]
    dice, took, grid = random.Random(1), [], []

    def turn(until) -> None:
        end = time.monotonic() + 60
        while not until() and time.monotonic() < end:
            loop = QEventLoop()
            QTimer.singleShot(4, loop.quit)
            loop.exec()

    for number in range(EDITS):
        code, value = dice.choice(codes), f"{dice.randint(600, 1400) / 1000:.3f}"
        told.clear()
        start = time.perf_counter()
        table.enter(value, [(code, "base")])
        turn(lambda: told and painted.at > told[0])
        took.append(painted.at - start)
        turn(lambda: not desk.jobs.live())
        assert any(cell.code == code for cell in panel.outcome.changes.cells), number
        if number >= EDITS - PEERS:
            begun = time.perf_counter()
            clearing = panel.pool.clearing(panel.outcome.changes)
            grid.append(time.perf_counter() - begun)
            assert clearing.funds == panel.outcome.funds
    took.sort()
    for number in range(PARTS - 1):
        editor._more.append(f"bonus:{number}")
    editor.reload()
    settle(desk)
    block = "\n".join("\t".join(f"{dice.randint(600, 1400) / 1000:.3f}" for _ in range(PARTS)) for _ in codes)
    table.select(table.model.key_at(0), "base")
    lines = len(desk.workspace.ledger.lines())
    QGuiApplication.clipboard().setText(block)
    start = time.perf_counter()
    table.paste()
    shown = block.split("\n")[-1].split("\t")[0]
    row = len(codes) - 1
    turn(lambda: table.worksheet().text(row, table.model.column(table.model.place("base"))).rstrip("0") == shown.rstrip("0"))
    pasted = time.perf_counter() - start
    settle(desk)
    assert len(desk.workspace.ledger.lines()) == lines + 1
    result = {
        "median": took[EDITS // 2], "p95": took[EDITS * 95 // 100], "most": took[-1], "full": sorted(grid)[len(grid) // 2],
        "paste": pasted, "peak": peak(),
    }  # fmt: skip
    window.close()
    sweeper.stop()
    return result


def main(sizes: tuple[int, ...]) -> int:
    print("| cases | entry to repaint ms, median | p95 | most | full clearing ms | p95 of it | paste 155 x 6 ms | peak MB |")
    print("|---|---|---|---|---|---|---|---|")
    for rows in sizes:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "bench.dz"
            fill(path, rows)
            os.environ["DIANZHI_HOME"] = folder
            one = alone(__file__, path)
            print(
                f"| {rows:,} | {one['median'] * 1000:.1f} | {one['p95'] * 1000:.1f} | {one['most'] * 1000:.1f}"
                f" | {one['full'] * 1000:,.0f} | {one['p95'] / one['full']:.1%} | {one['paste'] * 1000:.0f} | {one['peak']:,.0f} |"
            )
    return 0


if __name__ == "__main__":
    if only := child():
        print(json.dumps(ours(Path(only[0]))))
    else:
        raise SystemExit(main(tuple(int(rows) for rows in sys.argv[1:]) or SIZES))
