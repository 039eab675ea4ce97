"""Another institution on its own page, from the arrow key until its drawings are painted: `bench_switch.py [WORKSPACE]`.

The real page in a real window, the figures read before, keys by QTest; once with the usual eight drawings and once with twelve,
each of three rows of 36 months. Without a workspace the demonstration at a tenth is made: what is drawn does not depend on how
many cases are behind it. The peer draws the same rows with matplotlib's own ticks, labels and legends on one figure that is
cleared before. Wall clock, and the processor's time of the window's thread, which a busy machine does not touch.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from measuring import peak

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

TURNS = 24
MORE = ("burden_share", "core_share", "drug_share", "consumable_share")


def timed(what: Callable[[], None], settle: Callable[[], None]) -> tuple[float, float]:
    """Medians of wall clock and own processor's time, in ms."""
    walls, owns = [], []
    for _ in range(TURNS):
        wall, own = time.perf_counter(), time.thread_time()
        what()
        owns.append(1000 * (time.thread_time() - own))
        walls.append(1000 * (time.perf_counter() - wall))
        settle()
    return statistics.median(walls), statistics.median(owns)


def main() -> None:
    os.environ["DIANZHI_HOME"] = tempfile.mkdtemp(prefix="dianzhi-bench-")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest
    from PySide6.QtWidgets import QApplication

    from core import demo
    from ui.chart.style import styled
    from ui.desk import Desk
    from ui.self_test import settle
    from ui.window import Window

    application = QApplication([])
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(os.environ["DIANZHI_HOME"]) / "demo.dianzhi"
    if not path.exists():
        demo.build(path, scale=10).close()
    desk = Desk("zh")
    window = Window(desk)
    window.resize(1366, 768)
    window.show()
    window.after_first_paint()
    desk.open(path)
    settle(desk)
    desk.choose(year=2024)
    window.show_page("institutions", "institution")

    def quiet() -> None:
        settle(desk)
        end = time.perf_counter() + 0.4  # months that stand out are looked for a moment later
        while time.perf_counter() < end:
            application.processEvents()
        settle(desk)

    quiet()
    tab = window.page().stack.currentWidget()
    print("| drawings | ms | ms of the processor | peer ms | peer's processor | ratio | peak MB |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for ids in ((), MORE):
        for row in range(tab.indicators.list.count()):
            item = tab.indicators.list.item(row)
            if item.data(Qt.ItemDataRole.UserRole) in ids:
                item.setCheckState(Qt.CheckState.Checked)
        quiet()

        def switched() -> None:
            QTest.keyClick(tab.chooser.field, Qt.Key.Key_Down)
            window.grab()

        figure = Figure(figsize=(9.5, 5.2), dpi=96)
        canvas = FigureCanvasAgg(figure)

        def plainly(figure: Figure = figure, canvas: FigureCanvasAgg = canvas) -> None:
            with styled():
                figure.clear()
                down = -(-len(tab.chart.panels) // 4)
                for number, panel in enumerate(tab.chart.panels):
                    axes = figure.add_subplot(down, 4, number + 1)
                    axes.set_title(f"{panel.title}\n{tab.chart.about(panel)}")
                    for series in panel.series:
                        values = [float("nan") if value is None else value for value in series.values]
                        axes.plot(range(len(values)), values, label=series.name)
                    axes.set_xticks(list(panel.beneath), list(panel.beneath.values()))
                    axes.legend()
                canvas.draw()

        own, peer = timed(switched, quiet), timed(plainly, application.processEvents)
        print(
            f"| {len(tab.chart.panels)} | {own[0]:.0f} | {own[1]:.0f} | {peer[0]:.0f} | {peer[1]:.0f} | {peer[1] / own[1]:.1f} |"
            f" {peak():.0f} |"
        )
    window.close()


if __name__ == "__main__":
    main()
