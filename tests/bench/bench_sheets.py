"""Sheets to hand over: 155 confirmation sheets, the region's table, and the list of a whole year's cases.

Peer of the list: XlsxWriter in constant memory with as many rows and columns of half texts, half numbers, in the same run but
a process of its own; it writes and computes nothing. Seconds are of CPU, for a machine with other work.
Give a workspace at scale 1 as argument for the full list; without one a demonstration at a tenth is made.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "export")]

from clearings import many  # noqa: E402
from measuring import alone, child, peak  # noqa: E402

from core import demo  # noqa: E402
from core.export import clearing_table, confirmation, confirmation_book  # noqa: E402
from core.rules import packs  # noqa: E402
from core.settlement import case_lines  # noqa: E402
from core.settlement.clearing import clear  # noqa: E402
from core.storage.workspace import Workspace  # noqa: E402


def taken(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def peer(path: Path, rows: int, columns: int) -> None:
    from xlsxwriter import Workbook

    with Workbook(str(path), {"constant_memory": True}) as book:
        page = book.add_worksheet()
        half = columns // 2
        for row in range(rows):
            for column in range(half):
                page.write_string(row, column, f"text {row}")
            for column in range(half, columns):
                page.write_number(row, column, row / 100)


def main() -> None:
    if started := child():
        path, rows, columns = started
        print(json.dumps({"took": taken(lambda: peer(Path(path), int(rows), int(columns))), "peak": peak()}))
        return
    made = many()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        each = out / "each"
        each.mkdir()
        # The list first: a process's peak never falls again.
        given = Path(sys.argv[1]) if len(sys.argv) > 1 else None
        workspace = Workspace.open(given, write=False) if given else demo.build(out / "demo.dianzhi", scale=10)
        with workspace:
            clearing = clear(workspace, 2024, packs.load("ningde-2024"), store=False)
            cleared = peak()
            path = out / "cases.xlsx"
            controls: list[case_lines.Control] = []
            seconds = taken(lambda: controls.extend(case_lines.write(workspace, clearing, path, lang="zh")))
            rows = sum(int(one.written) for one in controls if one.column is None)
            columns = len(case_lines.parts(workspace, clearing)[0].columns)
            beside = alone(__file__, out / "peer.xlsx", rows, columns)
            print("| list of cases | rows | CPU s | XlsxWriter CPU s | ratio | peak MB | of it clearing | XlsxWriter MB | MB file |"
                  " totals agree |")  # fmt: skip
            print("|---|---|---|---|---|---|---|---|---|---|")
            agree = all(one.written == one.expected for one in controls)
            size = path.stat().st_size / 1e6
            print(f"| all institutions | {rows:,} | {seconds:.1f} | {beside['took']:.1f} | {seconds / beside['took']:.2f} |"
                  f" {peak():.0f} | {cleared:.0f} | {beside['peak']:.0f} | {size:.0f} | {agree} |")
        print("\n| what | CPU seconds | kB |\n|---|---|---|")
        for name, path, work in (
            ("155 confirmations, one PDF", out / "all.pdf", lambda p: confirmation.write(made, p, lang="zh")),
            ("155 confirmations, a folder of 155 PDFs", each, lambda p: confirmation.write_each(made, p, lang="zh")),
            ("155 confirmations, workbook of formulas", out / "all.xlsx", lambda p: confirmation_book.write(made, p, lang="zh")),
            ("clearing table A3, both funds", out / "table.pdf", lambda p: clearing_table.write(made, p, "zh")),
        ):
            seconds = taken(lambda work=work, path=path: work(path))
            files = list(path.iterdir()) if path.is_dir() else [path]
            print(f"| {name} | {seconds:.2f} | {sum(one.stat().st_size for one in files) / 1000:.0f} |")


if __name__ == "__main__":
    main()
