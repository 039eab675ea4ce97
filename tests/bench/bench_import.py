"""Import of cases against `iconv | sqlite3 .import` of the same file: typed, checked and indexed against plain text.

`python tests/bench/bench_import.py [--sizes 50000 500000 2500000] [--runs 3]`. The file is made anew, always the same:
20 columns, GB18030, some 215 bytes a row; one row in a thousand is damaged. Both sides run in turn in processes of
their own; memory is the sum of the peaks (VmHWM) of all processes of the import. Largest sizes run once.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from core.storage.workspace import Workspace  # noqa: E402

HEADINGS = (
    "结算ID,就诊ID,人员编号,险种类型,医疗类别,医保支付方式,定点医药机构编号,出院科室,性别,年龄,入院时间,出院时间,结算时间,"
    "主要诊断代码,主要诊断名称,医疗费总额,基金支付总额,基本医疗保险统筹基金支出,个人负担总金额,DIP病种编码"
)
DEPARTMENTS = ("心血管内科", "普外科", "儿科", "妇产科", "骨科", "呼吸内科", "中医科", "神经内科")


def make(path: Path, rows: int) -> None:
    """A city's year as a hospital system exports it."""
    draw = random.Random(20240101)
    groups = [(f"{chr(65 + n % 26)}{n % 90 + 10}.{n % 10}00", f"疾病名称之{n}，伴有并发症") for n in range(4000)]
    with path.open("w", encoding="gb18030", newline="") as file:
        file.write(HEADINGS + "\r\n")
        for n in range(rows):
            fee = draw.randint(100_000, 5_000_000)
            fund = int(fee * draw.random() * 0.8)
            month, day = draw.randint(1, 12), draw.randint(1, 28)
            settled = f"2024-{month:02d}-{day:02d} {draw.randint(0, 23):02d}:{draw.randint(0, 59):02d}:{draw.randint(0, 59):02d}"
            code, name = draw.choice(groups)
            amounts = [f"{fen // 100}.{fen % 100:02d}" for fen in (fee, fund, fund // 2, fee - fund)]
            if n % 1000 == 999:
                amounts[0] = "待核"
            cells = [
                f"3509{draw.getrandbits(46):014d}", f"MD{n:012d}", f"3500{draw.randint(0, 10**9):010d}",
                draw.choice(("310", "390")), draw.choice(("21", "21", "21", "52")), "3", f"H35090{draw.randint(1, 155):06d}",
                draw.choice(DEPARTMENTS), draw.choice("12"), str(draw.randint(0, 95)),
                f"2024-{month:02d}-{max(1, day - draw.randint(0, 9)):02d} 08:00:00", settled, settled, code, name,
                *amounts, f"{code[:5]}:{draw.choice(('保守治疗', '47.0100', '38.9301'))}",
            ]
            file.write(",".join(cells) + "\r\n")


def peer(path: Path, folder: Path) -> float:
    database = folder / "peer.db"
    database.unlink(missing_ok=True)
    begun = time.perf_counter()
    subprocess.run(
        f"iconv -f GB18030 -t UTF-8 '{path}' | sqlite3 '{database}' '.import --csv /dev/stdin t'",
        shell=True, check=True,
    )
    return time.perf_counter() - begun


OURS = """
import sys
from pathlib import Path
if __name__ == "__main__":
    from core.intake.load import import_file
    from core.storage.workspace import Workspace
    with Workspace.open(Path(sys.argv[2])) as workspace:
        receipt = import_file(workspace, "cases", Path(sys.argv[1]))
    print(receipt.rows_read, receipt.accepted, receipt.refused)
"""


def _peak(process: int) -> dict[int, int]:
    """VmHWM in KiB of a process and of its children, by their numbers."""
    peaks: dict[int, int] = {}
    for pid in [process, *_children(process)]:
        try:
            status = Path(f"/proc/{pid}/status").read_text()
        except OSError:
            continue
        for line in status.splitlines():
            if line.startswith("VmHWM:"):
                peaks[pid] = int(line.split()[1])
    return peaks


def _children(process: int) -> list[int]:
    try:
        return [int(pid) for pid in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    except OSError:
        return []


def ours(path: Path, folder: Path, rows: int) -> tuple[float, float]:
    """Seconds of a whole process, interpreter and all, and MiB at its peak."""
    for old in folder.glob("ours.dz*"):
        old.unlink()
    Workspace.create(folder / "ours.dz", region="350900").close()
    script = folder / "ours.py"
    script.write_text(OURS)
    begun = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, str(script), str(path), str(folder / "ours.dz")], cwd=ROOT, stdout=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    peaks: dict[int, int] = {}
    while process.poll() is None:
        for pid, peak in _peak(process.pid).items():
            peaks[pid] = max(peaks.get(pid, 0), peak)
        time.sleep(0.05)
    seconds = time.perf_counter() - begun
    assert process.stdout is not None
    read, accepted, refused = map(int, process.stdout.read().split())
    if process.returncode or read != rows or read != accepted + refused or refused < rows // 1000:
        raise SystemExit(f"import went wrong: {read} = {accepted} + {refused}")
    return seconds, sum(peaks.values()) / 1024


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="*", default=[50_000, 500_000, 2_500_000])
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    if not (shutil.which("iconv") and shutil.which("sqlite3")):
        print("iconv or sqlite3 is not here: nothing to compare with", file=sys.stderr)
        return 0
    print("| cases | file | iconv + sqlite3 .import | import | ratio | peak memory |\n|---|---|---|---|---|---|")
    for rows in arguments.sizes:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            path = folder / "cases.csv"
            make(path, rows)
            theirs: list[float] = []
            own: list[tuple[float, float]] = []
            for _ in range(arguments.runs if rows <= 1_000_000 else 1):
                theirs.append(peer(path, folder))
                own.append(ours(path, folder, rows))
            a, b = statistics.median(theirs), statistics.median(seconds for seconds, _ in own)
            memory = max(peak for _, peak in own)
            print(f"| {rows:,} | {path.stat().st_size / 1e6:.0f} MB | {a:.2f} s | {b:.2f} s | {b / a:.2f} | {memory:.0f} MiB |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
