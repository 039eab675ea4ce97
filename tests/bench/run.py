"""All benchmarks in one run, peers side by side: `python tests/bench/run.py [NAME ...] [--save]`.

Each `bench_*.py` beside this file prints a Markdown table and exits 0. Names pick some of them (`import`,
`start`). `--save` puts the tables, with the machine they come from, under "Measured" of README.md.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
MARK = "## Measured\n"


def machine() -> str:
    memory = ""
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        size = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        memory = f", {size / 2**30:.0f} GiB"
    return (
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores{memory}, "
        f"Python {platform.python_version()}, {time.strftime('%Y-%m-%d')}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description="run the benchmarks")
    parser.add_argument("names", nargs="*", help="only these: import, clear, workbook ...")
    parser.add_argument("--save", action="store_true", help="write the tables into README.md")
    arguments = parser.parse_args()
    benches = [
        path for path in sorted(HERE.glob("bench_*.py"))
        if not arguments.names or path.stem.removeprefix("bench_") in arguments.names
    ]
    if not benches:
        print("no such benchmark: " + " ".join(arguments.names), file=sys.stderr)
        return 2
    environment = os.environ | {
        "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1",
        "QT_QPA_PLATFORM": os.environ.get("QT_QPA_PLATFORM", "offscreen"),
    }
    said = [f"{machine()}\n"]
    print(said[0], flush=True)
    failed = []
    for path in benches:
        name = path.stem.removeprefix("bench_")
        ran = subprocess.run(
            [sys.executable, str(path)], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True,
            encoding="utf-8", check=False,
        )
        if ran.returncode:
            failed.append(name)
        text = f"### {name}\n\n{ran.stdout.strip()}\n"
        print(text, flush=True)
        said.append(text)
    if failed:
        print("failed: " + ", ".join(failed), file=sys.stderr)
        return 1
    if arguments.save:
        readme = HERE / "README.md"
        before = readme.read_text("utf-8").split(MARK, 1)[0]
        readme.write_text(before + MARK + "\n" + "\n".join(said), "utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
