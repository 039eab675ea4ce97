"""A protected workspace against a plain one of the same content: `bench_protected.py [ROWS ...]`.

Opening, where the passphrase becomes a key; import; a clearing of both funds; and what scrolling reads: all cases once, then
2,000 random screens of 60 rows. Each in a process of its own that has just opened the file, plain and protected in turn;
medians of three. CPU time counts all processes.
"""

from __future__ import annotations

import json
import random
import resource
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from bench_clear import YEAR, fill
from bench_import import make
from measuring import alone, child, peak

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

SIZES = (50_000, 500_000)
PASSPHRASE = "four words of no kin"
TIMES = 3
SCREENS, ROWS = 2_000, 60


def cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def one(what: str, path: str, file: str) -> dict[str, float]:
    from core.rules import packs
    from core.settlement.clearing import clear
    from core.storage.workspace import Workspace

    begun, before = time.perf_counter(), cpu()
    with Workspace.open(path, passphrase=PASSPHRASE) as workspace:
        if what == "opening":
            return {"wall": time.perf_counter() - begun, "cpu": cpu() - before, "peak": peak()}
        begun, before = time.perf_counter(), cpu()
        if what == "import":
            from core.intake.load import import_file

            import_file(workspace, "cases", Path(file))
        elif what == "clearing":
            clear(workspace, YEAR, packs.load("ningde-2024"))
        else:
            reader = workspace.reader()
            rows = sum(1 for _ in reader.execute("SELECT * FROM cases"))
            draw = random.Random(1)
            for _ in range(SCREENS):
                reader.execute("SELECT * FROM cases WHERE case_id >= ? LIMIT ?", (draw.randrange(rows), ROWS)).fetchall()
    return {"wall": time.perf_counter() - begun, "cpu": cpu() - before, "peak": peak()}


def main() -> None:
    from core.storage import protection
    from core.storage.workspace import Workspace

    sizes = [int(word) for word in sys.argv[1:]] or SIZES
    print("| cases | what | plain s | protected s | ratio | plain CPU s | protected CPU s | ratio | plain MB | protected MB |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="dianzhi-bench-") as held:
        folder = Path(held)
        for rows in sizes:
            file, plain, locked = folder / "cases.csv", folder / "plain.dianzhi", folder / "locked.dianzhi"
            make(file, rows)
            for path in (plain, locked):
                path.unlink(missing_ok=True)
            fill(plain, rows)
            shutil.copyfile(plain, locked)
            protection.protect(locked, PASSPHRASE)
            for what in ("opening", "import", "clearing", "scrolling"):
                found: dict[bool, list[dict[str, float]]] = {False: [], True: []}
                for turn in range(TIMES):
                    for protected in (False, True) if turn % 2 == 0 else (True, False):
                        path = locked if protected else plain
                        if what == "import":
                            path = folder / "empty.dianzhi"
                            path.unlink(missing_ok=True)
                            Workspace.create(path, region="350900", passphrase=PASSPHRASE if protected else None).close()
                        found[protected].append(alone(__file__, what, path, file))
                said = {
                    protected: {name: statistics.median(run[name] for run in runs) for name in ("wall", "cpu", "peak")}
                    for protected, runs in found.items()
                }
                bare, kept = said[False], said[True]
                print(
                    f"| {rows:,} | {what} | {bare['wall']:.2f} | {kept['wall']:.2f} | {kept['wall'] / bare['wall']:.2f}"
                    f" | {bare['cpu']:.2f} | {kept['cpu']:.2f} | {kept['cpu'] / bare['cpu']:.2f}"
                    f" | {bare['peak']:.0f} | {kept['peak']:.0f} |",
                    flush=True,
                )


if __name__ == "__main__":
    if arguments := child():
        print(json.dumps(one(*arguments)))
    else:
        main()
