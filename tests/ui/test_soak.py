"""Thousands of repaints: PySide6 6.12 on Python 3.11 lost references to None and aborted after some thousand."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHORT, LONG = 300, 6000

SCRIPT = """
import gc, sys
sys.path.insert(0, {root!r})
from PySide6.QtWidgets import QApplication
application = QApplication([])
import numpy as np
from core.worksheet import Column, Worksheet, column_of
from ui.desk import Desk
from ui.jobs import Sweeper
from ui.table import Table
from ui.window import Window

desk = Desk("zh")
sweeper = Sweeper(application)
window = Window(desk)
window.resize(1366, 768)
window.show()
window.after_first_paint()
rows = 2000
columns = [Column("code", {{"zh": "编码", "en": "Code"}}, "code"),
           *(Column(f"c{{n}}", {{"zh": "金额", "en": "Amount"}}, "fixed", "yuan", 2, total=True) for n in range(12))]
cells = {{"code": column_of([f"H{{n}}" for n in range(rows)], "code"),
         **{{f"c{{n}}": np.arange(rows, dtype=np.int64) * (n + 1) for n in range(12)}}}}
table = Table(desk)
table.set_worksheet(Worksheet("soak", {{"zh": "表", "en": "Sheet"}}, columns, cells, rows))
table.resize(1200, 700)
table.show()
keys = ("start", "ledger", "packs", "catalogue", "budget")
none = sys.getrefcount(None)
for at in range({times}):
    table.grid.verticalScrollBar().setValue(at * 7 % rows)
    table.grid.viewport().repaint()
    window.show_page(keys[at % len(keys)])
    window.repaint()
    if at % 100 == 0:
        desk.wear("dark" if at % 200 else "light")
        desk.show_wan(bool(at % 200))
        desk.ask(lambda workspace, job: list(range(1000)), lambda value: None, place="soak")
    application.processEvents()
lost = none - sys.getrefcount(None)
window.close()
table.close()
assert desk.close()
print("lost", lost)
"""


def soak(times: int, home: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", SCRIPT.format(root=str(ROOT), times=times)],
        env=os.environ | {"DIANZHI_HOME": str(home), "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True, text=True, encoding="utf-8", timeout=1200, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    lost = int(done.stdout.split()[-1])
    # Caches come and go by some hundreds; a repaint that loses one reference to None loses thousands.
    assert lost < times * 2, lost


def test_hundreds_of_repaints(own_home) -> None:
    soak(SHORT, own_home)


@pytest.mark.soak
@pytest.mark.timeout(1500)
def test_thousands_of_repaints(own_home) -> None:
    soak(LONG, own_home)
