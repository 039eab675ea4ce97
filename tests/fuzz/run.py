"""The fuzzers: `python tests/fuzz/run.py imports|packs|workspaces|kills --minutes 10 --seed N [--times 500]`.

What was tried, refused and accepted goes to stdout; a crash leaves its input and its trace under --folder.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent.parent)]

import fuzzing  # noqa: E402
from fuzzing import Target  # noqa: E402


def target(name: str, folder: Path) -> Target:
    if name == "imports":
        from importing import Imports

        return Imports(folder)
    if name == "packs":
        from packing import Packs

        return Packs(folder)
    from opening import Workspaces

    return Workspaces(folder)


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("name", choices=("imports", "packs", "workspaces", "kills"))
    asked.add_argument("--minutes", type=float, default=10)
    asked.add_argument("--seed", default="1")
    asked.add_argument("--times", type=int, default=500)
    asked.add_argument("--folder", type=Path)
    asked.add_argument("--worker", type=Path)
    asked.add_argument("--first", type=int, default=1)
    given = asked.parse_args()
    folder: Path = given.worker or given.folder or Path(tempfile.mkdtemp(prefix=f"fuzz-{given.name}-"))
    os.environ["DIANZHI_HOME"] = str(folder / "home")
    if given.worker:
        fuzzing.bound_memory()
        made = target(given.name, folder)
        fuzzing.here(made, given.seed, folder, seconds=given.minutes * 60, first=given.first)
        return 0
    started = time.monotonic()
    if given.name == "kills":
        from killing import soak

        told = soak(folder, given.times, given.seed)
        print(f"kills, seed {given.seed}, {time.monotonic() - started:.0f} s: {told}")
        print("\n".join(told.wrong))
        return bool(told.wrong)
    tally = fuzzing.apart(given.name, given.seed, folder, given.minutes * 60)
    print(f"{given.name}, seed {given.seed}, {time.monotonic() - started:.0f} s: {tally}")
    print("\n".join(tally.crashes))
    return bool(tally.crashes)


if __name__ == "__main__":
    sys.exit(main())
