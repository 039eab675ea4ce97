"""Six institutions side by side, against pandas on the same cases: `bench_compare.py [SCALE | WORKSPACE ...]`.

A demonstration region of one to SCALE, or a workspace of yours, opened read-only. First: nothing read yet, scores, clearings
and readmissions of two years among it. Kept: six other institutions once the year is; indicators, shared groups and both as
tables. New figures: the cases are kept, what is computed from them for all institutions is not. Splits: all pairs, each
with its level and the region; parts: one of them group by group. Each in a process of its own; medians of three.

The peer has the year's cases in a frame; its first is the reading. It takes sums, means, shares and indices by institution,
level and region, ranks, groups with standard deviation and quartiles, and the splits, in floats; it knows no scores,
clearing, operations or readmissions.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from itertools import combinations
from pathlib import Path

from measuring import alone, child, peak

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

SCALES = ("10", "1")
YEAR, PACK, SIX = 2024, "ningde-2024", 6
LEVEL = {1: 3, 2: 3, 3: 3, 4: 3, 12: 3, 5: 2, 6: 2, 7: 2, 13: 2}


def largest(path: Path) -> tuple[list[str], list[str]]:
    """The six institutions with most cases, and the six after them."""
    import sqlite3

    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    found = connection.execute(
        "SELECT fixmedins_code FROM cases WHERE year = ? AND fixmedins_code IN (SELECT fixmedins_code FROM institution)"
        " GROUP BY fixmedins_code ORDER BY count(*) DESC, 1 LIMIT ?",
        (YEAR, 2 * SIX),
    ).fetchall()
    connection.close()
    return [code for (code,) in found[:SIX]], [code for (code,) in found[SIX:]]


def ours(path: Path) -> dict[str, object]:
    from core.analysis import comparison
    from core.storage.workspace import Workspace
    from core.texts import Texts

    texts = Texts("zh")
    first, others = largest(path)
    with Workspace.open(path, write=False) as workspace:

        def both(codes: list[str]) -> tuple[float, int, comparison.Comparison]:
            began = time.perf_counter()
            found = comparison.compare(workspace, codes, YEAR, pack=PACK)
            found.indicators(texts)
            rows = found.groups(texts).rows
            return time.perf_counter() - began, rows, found

        cold, _, _ = both(first)
        kept, rows, found = both(others)
        began = time.perf_counter()
        found.splits(texts)
        splits = time.perf_counter() - began
        began = time.perf_counter()
        found.parts(others[0], others[1], texts)
        parts = time.perf_counter() - began
        comparison._kept.clear()
        anew, _, _ = both(first)
        cases = int(found.side("region").cases.sum())
    return {
        "cases": cases, "rows": rows, "first": cold, "kept": kept, "anew": anew, "splits": splits, "parts": parts, "peak": peak(),
    }  # fmt: skip


def peer(path: Path) -> dict[str, object]:
    import sqlite3

    import pandas as pd

    first, others = largest(path)
    began = time.perf_counter()
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    cases = pd.read_sql(
        "SELECT c.fixmedins_code AS code, hosp_lv, coalesce(dip_dise_grp_code, '') AS grp, fee, act_ipt_days AS days, own_pay,"
        " psn_ownpay, drug_fee, consumable_fee, insu_admdvs FROM cases AS c JOIN institution AS i USING (fixmedins_code)"
        f" WHERE year = {YEAR} AND scope = 0 AND netting = 0",
        connection,
    )
    connection.close()
    cases = cases[cases.insu_admdvs.str[:4].isin(["3509", ""])]
    cases["level"] = cases.hosp_lv.map(LEVEL).fillna(1)
    cases["all"] = "region"
    read = time.perf_counter() - began

    def figures(by: str):  # type: ignore[no-untyped-def]
        sums = cases.groupby(by)[["fee", "days", "own_pay", "psn_ownpay", "drug_fee", "consumable_fee", "time", "cost"]].sum()
        count = cases.groupby(by).size()
        shares = sums.div(count, axis=0)
        shares["burden"] = sums.own_pay / sums.fee
        shares["drug"] = sums.drug_fee / sums.fee
        return shares

    def both(codes: list[str]) -> tuple[float, int]:
        began = time.perf_counter()
        means = cases.groupby("grp")[["fee", "days"]].transform("mean")
        cases["cost"], cases["time"] = cases.fee / means.fee, cases.days / means.days
        own, level, whole = figures("code"), figures("level"), figures("all")
        _ = own.rank(ascending=False), own.loc[codes].rank(ascending=False), level, whole
        mine = cases[cases.code.isin(codes)].groupby(["grp", "code"])
        table = mine.fee.agg(["count", "mean", "std"]).join(mine.days.mean())
        table = table.join(mine.fee.quantile([0.25, 0.5, 0.75]).unstack()).unstack()
        _ = [cases.groupby([by, "grp"]).fee.agg(["count", "mean", "std"]) for by in ("level", "all")]
        shared = table[(table["count"] > 0).sum(axis=1) > 1].drop(index="", errors="ignore")
        return time.perf_counter() - began, len(shared)

    cold, _ = both(first)
    kept, rows = both(others)
    began = time.perf_counter()
    sides = {code: cases[cases.code == code].groupby("grp").fee.agg(["count", "sum"]) for code in others}
    for one, other in combinations(others, 2):
        pair = sides[one].join(sides[other], how="outer", suffixes=("_a", "_b"))
        a, b = pair.count_a.fillna(0) / pair.count_a.sum(), pair.count_b.fillna(0) / pair.count_b.sum()
        x, y = pair.sum_a / pair.count_a, pair.sum_b / pair.count_b
        x, y = x.fillna(y), y.fillna(x)
        _ = ((a - b) * y).sum(), (b * (x - y)).sum(), ((a - b) * (x - y)).sum()
    splits = time.perf_counter() - began
    return {
        "cases": len(cases), "rows": rows, "first": read + cold, "kept": kept, "anew": kept, "splits": splits, "parts": 0.0,
        "peak": peak(),
    }  # fmt: skip


WAYS = {"dianzhi": ours, "pandas": peer}


def main() -> int:
    if only := child():
        print(json.dumps(WAYS[only[0]](Path(only[1]))))
        return 0
    print("| cases | | first s | kept ms | to pandas | new figures ms | splits ms | parts ms | shared groups | peak MB |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for given in sys.argv[1:] or SCALES:
        with tempfile.TemporaryDirectory(prefix="dianzhi-bench-") as folder:
            path = Path(given)
            if given.isdecimal():
                from core.demo import build

                path = Path(folder) / "bench.dz"
                build(path, int(given)).close()
            said = {way: alone(__file__, way, path, times=3) for way in WAYS}
        for way, one in said.items():
            kept, anew, splits, parts = (one[name] * 1000 for name in ("kept", "anew", "splits", "parts"))
            print(
                f"| {one['cases']:,.0f} | {way} | {one['first']:.2f} | {kept:.0f} | {one['kept'] / said['pandas']['kept']:.2f} |"
                f" {anew:.0f} | {splits:.0f} | {parts or 0:.0f} | {one['rows']:.0f} | {one['peak']:.0f} |",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
