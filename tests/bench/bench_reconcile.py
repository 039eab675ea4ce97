"""The result here against the bureau's list, case by case: `bench_reconcile.py [SCALE | WORKSPACE ...]`.

The demonstration region at one case in SCALE (1: 470,000 cases a year), 2024, both funds, with an official list of every
case written beside it: as cleared here, but for one case in a thousand that has another coefficient. after: the year has
been cleared in this process, the clearing's own time is not in it; opened: the workspace was just opened, the clearing is
part of it. Both read the list, compare scores and amounts, explain and bridge. rounded: a list whose scores have two
decimals, so that every case differs. CPU time stands beside wall time, for a machine with other work. The peer reads both sides with pandas and merges them: it says which
cases differ, and not why.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

from measuring import alone, child, peak

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

SIZES = ("50", "10", "1")
YEAR = 2024


def publish(path: Path, places: int | None = None) -> None:
    """An official list of every case of the year, written straight into the workspace."""
    from core.money import plain, round_ratio, rounded
    from core.rules import packs
    from core.rules.cases import FUNDS
    from core.settlement import annual
    from core.storage import batches, ledger
    from core.storage.workspace import Workspace

    with Workspace.open(path) as workspace:
        scored = annual.score_cases(workspace, YEAR, packs.load("ningde-2024"))
        cases, scores = scored.inputs.cases, scored.scores.score
        assert scores is not None
        worth = {sheet.fund: sheet.region["point_value"] for sheet in annual.sheets(packs.load("ningde-2024"), scored).funds}
        normal = [one.id for one in scored.rule.branches].index("normal")
        rows = []
        for i in range(len(cases)):
            score, k = scores.at(i), cases.k.at(i)
            if i % 1000 == 7 and scored.scores.branch[i] == normal:
                k += 1
                score = rounded(cases.rw.at(i) * k * cases.u.at(i), scores.places)
            if places is not None:
                score = rounded(score, places)
            group = scored.inputs.standing.rows.group[i]
            code = cases.groups[group] if group >= 0 else ""
            price = score * worth[FUNDS[int(cases.fund[i])]] * 100
            pay = round_ratio(price.numerator, price.denominator) - int(cases.own_pay[i] + cases.other_pay[i])
            rows.append(
                (cases.setl_id[i], cases.institutions[cases.institution[i]], code, plain(cases.rw.at(i)), plain(k),
                 plain(cases.u.at(i)), plain(score), pay)
            )  # fmt: skip
        with workspace.transaction("import", "official") as writer:
            number = batches.begin(writer, "official_cases", "official.csv", "", "0" * 64, YEAR, {}, "utf-8")
            writer.executemany(
                "INSERT INTO official_case (setl_id, fixmedins_code, dip_code, rw, coefficient, factor, score, pay, batch_id, row)"
                f" VALUES (?, ?, ?, ?, ?, ?, ?, ?, {number}, 1)",
                rows,
            )
            batches.finish(writer, number, len(rows), len(rows), 0)
            workspace.ledger.record(writer, "import", "official", (ledger.arrival(number),))


def ours(path: Path, warm: bool) -> dict[str, float]:
    from core.rules import packs
    from core.settlement import annual, reconcile
    from core.storage.workspace import Workspace

    pack = packs.load("ningde-2024")
    with Workspace.open(path, write=False) as workspace:
        if warm:
            annual.score_cases(workspace, YEAR, pack)
        before = peak()
        start, spent = time.perf_counter(), time.process_time()
        found = reconcile.reconcile(workspace, YEAR, pack)
        took, cpu = time.perf_counter() - start, time.process_time() - spent
    left = sum(found.of_cause(fund, "unexplained")[0] for fund in ("employee", "resident"))
    return {"cases": found.compared, "differ": found.count, "left": left, "took": took, "cpu": cpu, "peak": peak(), "more": peak() - before}


def peer(path: Path) -> dict[str, float]:
    import sqlite3

    import pandas as pd

    from core.rules import packs
    from core.settlement import annual
    from core.storage.workspace import Workspace

    with Workspace.open(path, write=False) as workspace:
        scored = annual.score_cases(workspace, YEAR, packs.load("ningde-2024"))
    scores = scored.scores.score
    assert scores is not None
    own = pd.DataFrame({"setl_id": scored.inputs.cases.setl_id, "score": scores.values / 10**scores.places})
    before = peak()
    start, spent = time.perf_counter(), time.process_time()
    with sqlite3.connect(path) as connection:
        official = pd.read_sql("SELECT * FROM official_case", connection)
    official["score"] = official["score"].astype(float)
    both = own.merge(official, on="setl_id", how="outer", suffixes=("", "_official"))
    differ = both[(both["score"] - both["score_official"]).abs() > 1e-9]
    took, cpu = time.perf_counter() - start, time.process_time() - spent
    return {"differ": len(differ), "took": took, "cpu": cpu, "more": peak() - before}


def _time(run: dict[str, float]) -> str:
    return f"{run['cpu']:.2f}, {run['took']:.2f}"


def main() -> int:
    started = child()
    if started:
        what, path = started[0], Path(started[1])
        print(json.dumps(peer(path) if what == "peer" else ours(path, what != "opened")))
        return 0
    print("| cases | list | differ | unexplained | after: CPU, wall (s) | opened: CPU, wall (s) | pandas merge: CPU, wall (s) |"
          " ratio of CPU | memory more (MB) | peak (MB) |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|---|---|")
    for size in sys.argv[1:] or SIZES:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "bench.dz"
            if Path(size).is_file():
                shutil.copy(size, path)
            else:
                from core.demo import build

                build(path, int(size)).close()
            rounded = Path(folder) / "rounded.dz"
            shutil.copy(path, rounded)
            publish(path)
            publish(rounded, 2)
            for name, file in (("as cleared", path), ("rounded", rounded)):
                after, opened, other = (alone(__file__, what, file) for what in ("after", "opened", "peer"))
                print(
                    f"| {after['cases']:,} | {name} | {after['differ']:,} | {after['left']:,} | {_time(after)} | {_time(opened)} |"
                    f" {_time(other)} | {after['cpu'] / other['cpu']:.2f} |"
                    f" {after['more']:.0f} | {after['peak']:.0f} |"
                )
    return 0


if __name__ == "__main__":
    sys.exit(main())
