"""The demonstration at both scales, each in a process of its own: seconds by stage, file, peak memory."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

STAGES = {"demo_draw": "draw", "demo_write": "write", "import": "import", "demo_finish": "finish"}


class Watch:
    """Seconds between the first words of stages; clearing and the importer's own stages count with what they serve."""

    cancelled = False

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self._stage, self._since = "draw", time.perf_counter()

    def report(self, code: str, done: int, total: int | None = None) -> None:
        stage = STAGES.get(code, "import" if code.startswith("import") else "clear")
        if stage != self._stage:
            now = time.perf_counter()
            self.seconds[self._stage] += now - self._since
            self._stage, self._since = stage, now


def child(scale: int) -> None:
    from core.demo import build

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "region.dianzhi"
        watch, began = Watch(), time.perf_counter()
        build(path, scale=scale, progress=watch).close()
        whole = time.perf_counter() - began
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"seconds": whole, "size": path.stat().st_size / 1e6, "peak": peak, **watch.seconds}))


def main() -> None:
    print("| scale | seconds in all | drawing | writing | importing | clearing 2023 | file, MB | peak memory, MB |")
    print("|---|---|---|---|---|---|---|---|")
    for scale in (10, 1):
        ran = subprocess.run([sys.executable, __file__, str(scale)], stdout=subprocess.PIPE, text=True, check=True)
        said = json.loads(ran.stdout)
        cells = [f"{said.get(name, 0):.1f}" for name in ("seconds", "draw", "write", "import", "clear")]
        print(f"| 1:{scale} | {' | '.join(cells)} | {said['size']:.0f} | {said['peak']:.0f} |")


if __name__ == "__main__":
    child(int(sys.argv[1])) if len(sys.argv) > 1 else main()
