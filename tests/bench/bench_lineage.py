"""What became of each group, against a plain outer join on the key: `bench_lineage.py [GROUPS ...]`.

Of every hundred groups five vanish, five get another key, thirty another score; three moves of cases a group. Each size
in a process of its own; medians of three. The peer, pandas, says same, other score, new and gone by key; it sees no
renumbering, split or merger.
"""

from __future__ import annotations

import json
import random
import statistics
import sys
import time
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from measuring import alone, child, peak

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

SIZES = (1_000, 10_000, 30_000)


def versions(groups: int):
    from core.catalogue.entries import Entries, Entry

    chance = random.Random(groups)
    made: dict[str, Entry] = {}
    while len(made) < groups:
        diagnosis = f"{chance.choice('ABCDEFGHIJKLMNOPQRST')}{chance.randrange(100):02d}.{chance.randrange(10)}"
        operations = [f"{chance.randrange(100):02d}.{chance.randrange(100):02d}00" for _ in range(chance.randrange(3))]
        key = f"{diagnosis}:{'+'.join(operations)}"
        score = Fraction(chance.randrange(1_000, 99_999), 10_000)
        made[key] = Entry(
            key, key, "core", diag_code=diagnosis, oprn_code="".join(operations[:1]), rel_oprn_code="".join(operations[1:]),
            score=score,
        )  # fmt: skip
    before = sorted(made.values(), key=lambda one: one.dip_code)
    after: list[Entry] = []
    moves: Counter[tuple[str, str]] = Counter()
    for one in before:
        fate = chance.random()
        if fate < 0.05:
            continue
        if fate < 0.10:
            after.append(replace(one, dip_code=f"N{one.dip_code}"))
        else:
            after.append(replace(one, score=(one.score or 0) * 2) if fate < 0.4 else one)
        moves[one.dip_code, after[-1].dip_code] += chance.randrange(1, 90)
    for _ in range(2 * groups):
        moves[chance.choice(before).dip_code, chance.choice(after).dip_code] += chance.randrange(1, 4)
    after.sort(key=lambda one: one.dip_code)
    return Entries("old", 2023, tuple(before)), Entries("new", 2024, tuple(after)), moves


def ours(groups: int) -> dict[str, object]:
    from core.catalogue.lineage import relate

    old, new, moves = versions(groups)
    times: list[float] = []
    for _ in range(3):
        began = time.perf_counter()
        found = relate(old, new, moves=moves)
        times.append(time.perf_counter() - began)
    return told(times, Counter(one.change for one in found))


def peer(groups: int) -> dict[str, object]:
    import pandas as pd

    old, new, _ = versions(groups)
    times: list[float] = []
    for _ in range(3):
        began = time.perf_counter()
        frames = [
            pd.DataFrame({"code": [row.dip_code for row in one.rows], "score": [float(row.score) for row in one.rows]})
            for one in (old, new)
        ]
        joined = frames[0].merge(frames[1], on="code", how="outer", indicator=True)
        changed = joined["score_x"] != joined["score_y"]
        found = Counter(
            {
                "gone": int((joined["_merge"] == "left_only").sum()),
                "new": int((joined["_merge"] == "right_only").sum()),
                "rescored": int(((joined["_merge"] == "both") & changed).sum()),
                "same": int((~changed).sum()),
            }
        )
        times.append(time.perf_counter() - began)
    return told(times, found)


def told(times: list[float], found: Counter[str]) -> dict[str, object]:
    return {"first": times[0], "median": statistics.median(times), "found": dict(found), "peak": peak()}


WAYS = {"dianzhi": ours, "pandas on the key": peer}


def main() -> int:
    if only := child():
        print(json.dumps(WAYS[only[0]](int(only[1]))))
        return 0
    print("| groups | | first s | median s | to pandas | peak MB | found |")
    print("|---|---|---|---|---|---|---|")
    for groups in tuple(map(int, sys.argv[1:])) or SIZES:
        said = {way: alone(__file__, way, groups) for way in WAYS}
        base = said["pandas on the key"]["median"]
        for way, one in said.items():
            found = ", ".join(f"{change} {count}" for change, count in sorted(one["found"].items()))
            print(
                f"| {groups:,} | {way} | {one['first']:.3f} | {one['median']:.3f} | {one['median'] / base:.1f} |"
                f" {one['peak']:.0f} | {found} |"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
