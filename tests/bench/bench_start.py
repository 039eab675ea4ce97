"""The window's first paint against importing what it is made of in a bare interpreter.

`main.py` prints a line and ends at its first paint when DIANZHI_FIRST_PAINT is set.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TIMES = 5
IMPORTS = "import PySide6.QtWidgets, pandas, matplotlib.pyplot"


def median(command: list[str], environment: dict[str, str]) -> float:
    """Seconds from start to end of the process, disk caches warm."""
    taken: list[float] = []
    for _ in range(TIMES + 1):
        began = time.perf_counter()
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL, timeout=120)
        taken.append(time.perf_counter() - began)
    return statistics.median(taken[1:])


def main() -> None:
    with tempfile.TemporaryDirectory() as home:
        environment = os.environ | {
            "DIANZHI_HOME": home, "QT_QPA_PLATFORM": os.environ.get("QT_QPA_PLATFORM", "offscreen"),
        }
        peer = median([sys.executable, "-c", IMPORTS], environment)
        first = environment | {"DIANZHI_FIRST_PAINT": "1"}
        window = median([sys.executable, str(ROOT / "main.py")], first)
    print("| what | seconds | of the imports |\n|---|---|---|")
    print(f"| importing PySide6, pandas, matplotlib | {peer:.2f} | 1 |")
    print(f"| process start to first paint and end | {window:.2f} | {window / peer:.2f} |")


if __name__ == "__main__":
    main()
