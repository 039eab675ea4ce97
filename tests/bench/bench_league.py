"""The league, scores re-based on one catalogue and months that stand out, against plain pandas: `bench_league.py [SCALE|FILE ...]`.

The demonstration region at these scales (10 and 1: 45,000 and 450,000 cases a year), or a workspace that is there. league: two
years, every column; first in a process that has just opened the file, then again. re-based: three years on the newest
version, after their plain scores. odd: months that stand out in twelve indicators of each institution over all years. The peer
reads the same columns, merges the catalogue and a coefficient, sums and divides, in floats; it knows no deviation, no auxiliary
factor, no coefficient by date, re-bases by equal code alone, and takes a rolling median without season for odd months.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from measuring import alone, child, peak

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

SCALES = ("10", "1")
YEAR, PACK = 2024, "ningde-2024"
SERIES = ("cases", "cmi", "mean_cost", "mean_stay", "burden", "burden_share", "time_index", "cost_index", "ungrouped_share",
          "primary_care_share", "drug_share", "consumable_share")  # fmt: skip


def timed(work: Any) -> tuple[float, Any]:
    began = time.perf_counter()
    found = work()
    return time.perf_counter() - began, found


def ours(path: Path) -> dict[str, float]:
    from core.analysis.indicators import figures, names_of
    from core.analysis.league import league
    from core.analysis.measures import monthly, years_with_cases
    from core.analysis.rebased import rebased
    from core.analysis.standing_out import judge
    from core.rules import packs
    from core.storage.workspace import Workspace

    pack = packs.load(PACK)
    with Workspace.open(path, write=False) as workspace:
        first, sheet = timed(lambda: league(workspace, YEAR, pack=pack))
        again, _ = timed(lambda: league(workspace, YEAR, pack=pack))
        three = (YEAR - 2, YEAR - 1, YEAR)
        monthly(workspace, three, ("score", "weight"), pack=pack)
        moved, found = timed(lambda: rebased(workspace, three, str(YEAR), pack=pack))
        moved_again, _ = timed(lambda: rebased(workspace, three, str(YEAR), pack=pack))
        years = years_with_cases(workspace.reader())
        every = figures(monthly(workspace, years, names_of(SERIES)), SERIES)

        def odd() -> int:
            return sum(
                len(judge(every.periods, every.values[id][at], cases=None if id == "cases" else every.cases[at]).standouts)
                for at in range(len(every.keys))
                for id in SERIES
            )

        seconds, months = timed(odd)
    return {
        "cases": float(found.values["cases"].sum()), "rows": sheet.rows, "first": first, "again": again, "moved": moved,
        "moved_again": moved_again, "series": len(every.keys) * len(SERIES), "odd": seconds, "months": months, "peak": peak(),
    }  # fmt: skip


def peer(path: Path) -> dict[str, float]:
    import sqlite3

    import pandas as pd

    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)

    def read(years: str) -> Any:
        cases = pd.read_sql(
            "SELECT year, day / 100 AS month, fund, fixmedins_code AS code, dip_dise_grp_code AS grp, fee, own_pay,"
            f" act_ipt_days AS days, drug_fee, consumable_fee FROM cases WHERE year IN ({years}) AND scope = 0 AND netting = 0",
            connection,
        )
        scores = pd.read_sql("SELECT year, dip_code AS grp, CAST(score AS REAL) AS rw FROM catalogue", connection)
        k = pd.read_sql(
            "SELECT fixmedins_code AS code, max(CAST(value AS REAL)) AS k FROM coefficient WHERE part = 'base' GROUP BY 1", connection
        )
        cases = cases.merge(scores, on=["year", "grp"], how="left").merge(k, on="code", how="left")
        cases["score"] = cases.rw * cases.k
        return cases

    def table(cases: Any) -> Any:
        means = cases.groupby(["year", "grp"])[["fee", "days"]].transform("mean")
        cases["cost"], cases["time"] = cases.fee / means.fee, cases.days / means.days
        by = cases.groupby(["code", "year"])
        sums = by[["fee", "own_pay", "days", "drug_fee", "consumable_fee", "score", "rw", "cost", "time"]].sum()
        both = sums.div(by.size(), axis=0).join(cases.groupby(["code", "year", "fund"]).score.sum().unstack()).unstack()
        return both.xs(YEAR, axis=1, level=1) / both.xs(YEAR - 1, axis=1, level=1) - 1

    first, cases = timed(lambda: read(f"{YEAR - 1}, {YEAR}"))
    again, found = timed(lambda: table(cases))
    three = read(f"{YEAR - 2}, {YEAR - 1}, {YEAR}")
    new = pd.read_sql(f"SELECT dip_code AS grp, CAST(score AS REAL) AS new FROM catalogue WHERE year = {YEAR}", connection)

    def moved() -> Any:
        merged = three.merge(new, on="grp", how="left")
        merged["score"] = merged.score * merged.new / merged.rw
        return merged.groupby(["code", "fund", "month"])[["score", "new"]].sum()

    seconds, _ = timed(moved)
    monthly = cases.groupby(["code", "month"])[["fee", "own_pay", "days", "score", "rw", "cost", "time"]].mean().unstack()

    def odd() -> int:
        count = 0
        for _, line in monthly.stack(level=0, future_stack=True).iterrows():
            away = line / line.rolling(13, center=True, min_periods=4).median() - 1
            count += int((away.abs() > 3.5 * 1.4826 * away.abs().median()).sum())
        return count

    long, months = timed(odd)
    return {
        "cases": len(three), "rows": len(found), "first": first + again, "again": again, "moved": seconds, "moved_again": seconds,
        "series": len(monthly) * 7, "odd": long, "months": months, "peak": peak(),
    }  # fmt: skip


WAYS = {"dianzhi": ours, "pandas": peer}


def main() -> int:
    if only := child():
        print(json.dumps(WAYS[only[0]](Path(only[1]))))
        return 0
    print("| cases of three years | | league first s | to pandas | again ms | re-based s | to pandas | again ms | a series' odd months ms | of pandas | peak MB |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for given in sys.argv[1:] or SCALES:
        with tempfile.TemporaryDirectory(prefix="dianzhi-bench-") as folder:
            path = Path(given)
            if given.isdecimal():
                from core.demo import build

                path = Path(folder) / "bench.dz"
                build(path, int(given)).close()
            said = {way: alone(__file__, way, path, times=3) for way in WAYS}
        plain = said["pandas"]
        each = {way: one["odd"] / one["series"] for way, one in said.items()}
        for way, one in said.items():
            print(
                f"| {one['cases']:,.0f} | {way} | {one['first']:.2f} | {one['first'] / plain['first']:.2f} | {one['again'] * 1000:.0f} |"
                f" {one['moved']:.2f} | {one['moved'] / plain['moved']:.2f} | {one['moved_again'] * 1000:.0f} |"
                f" {each[way] * 1000:.2f} | {each[way] / each['pandas']:.2f} | {one['peak']:.0f} |",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
