"""A key in the catalogue's search line until its result is painted, in the window's own process: `bench_keystroke.py [GROUPS]`.

Three versions of 12,000 groups, the real page in a real window, keys by QTest; the first key is the first of the run. The peer
asks SQLite for the same letters with LIKE over code, name and ready-made pinyin initials, its rows fetched and nothing drawn.
"""

from __future__ import annotations

import os
import random
import statistics
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

from measuring import peak

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

GROUPS = 12_000
YEARS = (2022, 2023, 2024)
TYPED = ("lwy", "4701", "k35.8", "naogengsi", "gxy", "a", "bszl", "fei", "xiaohua")
COMMITTED = ("阑", "阑尾", "脑梗死", "肺", "切除术", "术")


def entries(groups: int, year: int):
    """A catalogue as large as the national one: diagnoses and operations of the demonstration, crossed."""
    import csv

    from core.catalogue.entries import Entry

    folder = ROOT / "resources" / "demo"

    def rows(name: str) -> list[tuple[str, str]]:
        with (folder / name).open(encoding="utf-8-sig", newline="") as file:
            return [tuple(row[:2]) for row in csv.reader(file)][1:]

    diagnoses, operations = rows("diagnoses.csv"), rows("operations.csv")
    draw = random.Random(7)
    seen: dict[str, Entry] = {}
    while len(seen) < groups:
        diagnosis, operation = draw.choice(diagnoses), draw.choice(operations)
        code = f"{diagnosis[0]}:{operation[0]}"
        seen.setdefault(
            code,
            Entry(code, f"{diagnosis[1]}:{operation[1]}", "core", diag_code=diagnosis[0], oprn_code=operation[0],
                  attribute="surgery", score=Fraction(draw.randint(1000, 90_000) + year, 10_000)),
        )  # fmt: skip
    return list(seen.values())


def peer(path: Path, texts: list[str]) -> list[float]:
    import sqlite3

    from pypinyin import Style, lazy_pinyin

    connection = sqlite3.connect(path)
    connection.create_function("initials", 1, lambda text: "".join(lazy_pinyin(text, style=Style.FIRST_LETTER)).lower())
    connection.execute(
        "CREATE TEMP TABLE flat AS SELECT dip_code, dip_name, version, initials(dip_name) AS short FROM catalogue"
    )
    took: list[float] = []
    for text in texts:
        began = time.perf_counter()
        like = f"%{text}%"
        connection.execute(
            "SELECT * FROM flat WHERE version = '2024' AND (dip_code LIKE ? OR dip_name LIKE ? OR short LIKE ?)",
            (like, like, like),
        ).fetchall()
        took.append((time.perf_counter() - began) * 1000)
    return took


def measured(groups: int) -> None:
    from PySide6.QtCore import QEvent, QObject
    from PySide6.QtGui import QInputMethodEvent
    from PySide6.QtTest import QTest
    from PySide6.QtWidgets import QApplication

    from core.catalogue import library
    from core.storage.workspace import Workspace
    from ui.desk import Desk
    from ui.self_test import settle
    from ui.window import Window

    path = Path(os.environ["DIANZHI_HOME"]) / "bench.dianzhi"
    with Workspace.create(path, region="350900", name="bench") as workspace:
        for year in YEARS:
            library.store_draft(workspace, str(year), year, entries(groups, year), method={"by": "bench"})
            library.publish(workspace, str(year))
    application = QApplication.instance() or QApplication([])
    desk = Desk("zh")
    window = Window(desk)
    window.resize(1366, 768)
    window.show()
    window.after_first_paint()
    desk.open(path)
    settle(desk)

    class Painted(QObject):
        at = 0.0

        def eventFilter(self, watched: QObject, event: QEvent) -> bool:
            if event.type() == QEvent.Type.Paint:
                Painted.at = time.perf_counter()
            return False

    began = time.perf_counter()
    window.show_page("catalogue")
    settle(desk)
    opened = time.perf_counter() - began
    tab = window.page().tabs.tab("browse")
    assert len(tab.shelf().rows) == groups and tab._index is not None
    watch = Painted()
    tab.table.grid.viewport().installEventFilter(watch)

    def key(press) -> tuple[float, float]:
        """Milliseconds until the rows are painted, and of the processor alone: what a busy machine does not stretch."""
        Painted.at = 0.0
        began, busy = time.perf_counter(), time.process_time()
        press()
        while not Painted.at:
            application.processEvents()
        return (time.perf_counter() - began) * 1000, (time.process_time() - busy) * 1000

    def commit(text: str) -> None:
        event = QInputMethodEvent()
        event.setCommitString(text)
        QApplication.sendEvent(tab.search, event)

    keys: list[tuple[float, float]] = []
    texts: list[str] = []
    for word in (*TYPED, *COMMITTED):
        pieces = list(word) if word in TYPED else [word]
        so_far = ""
        for piece in pieces:
            so_far += piece
            press = (lambda piece=piece: QTest.keyClicks(tab.search, piece)) if word in TYPED else (
                lambda piece=piece: commit(piece))
            keys.append(key(press))
            texts.append(so_far)
        keys.append(key(tab.search.clear))
    other = peer(path, texts)
    wall, busy = [took for took, _ in keys], [took for _, took in keys]
    print("| groups x versions | page ready s | keys | first key ms | median | longest | processor alone: first | median | longest "
          "| SQLite LIKE median ms | longest | peak MB |")  # fmt: skip
    print("|" + "---|" * 12)
    print(
        f"| {groups:,} x {len(YEARS)} | {opened:.1f} | {len(keys)} | {wall[0]:.0f} | {statistics.median(wall):.0f} | {max(wall):.0f} "
        f"| {busy[0]:.0f} | {statistics.median(busy):.0f} | {max(busy):.0f} "
        f"| {statistics.median(other):.0f} | {max(other):.0f} | {peak():.0f} |",
        flush=True,
    )
    window.close()
    desk.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as home:
        os.environ["DIANZHI_HOME"] = home
        measured(int(sys.argv[1].replace("_", "")) if sys.argv[1:] else GROUPS)
