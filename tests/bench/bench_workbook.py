"""Writing the clearing's workbook: both funds, 155 institutions, every step a living formula."""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "export")]

from clearings import many  # noqa: E402

from core.export import tables, workbook  # noqa: E402
from core.texts import Texts  # noqa: E402


def median(work) -> float:
    taken = []
    for _ in range(3):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def main() -> None:
    made = many()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        print("| what | seconds | kB |\n|---|---|---|")
        for name, work in (
            ("xlsx", lambda path: workbook.write(made, path, "zh")),
            ("csv", lambda path: tables.write_csv(made, path, Texts("zh"))),
            ("json", lambda path: tables.write_json(made, path)),
        ):
            path = out / f"clearing.{name}"
            taken = median(lambda work=work, path=path: work(path))
            size = path.stat().st_size / 1000
            print(f"| {name}, both funds, 155 institutions | {taken:.2f} | {size:.0f} |")


if __name__ == "__main__":
    main()
