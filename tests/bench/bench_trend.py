"""Indicators by institution and month, 36 months, against pandas on the same rows: `bench_trend.py [SCALE | WORKSPACE ...]`.

The demonstration at 1:SCALE (1 unless given), or a workspace that is there. Each figure in a process of its own that has
just opened the file: first time, and again with all in memory, medians of three. The peer reads the columns that mean cost
needs by `read_sql` and groups them; for readmissions it sorts persons and admissions.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

from measuring import alone, child, peak

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

PACK = "ningde-2024"
SCALES = (10, 1)
MONTHS = 36
SHOWN = (
    "mean_cost", "mean_stay", "drug_share", "cost_index", "cmi", "surgery_share", "special_share", "visits_per_person",
    "readmission_30", "score", "deviating_share",
)  # fmt: skip
YEARLY = ("fund_payment_rate", "point_value")


def ours(path: str, id: str) -> dict[str, object]:
    from core.analysis.indicators import INDICATORS, figures, names_of
    from core.analysis.measures import monthly, years_with_cases
    from core.storage.workspace import Workspace

    by = INDICATORS[id].by
    scope = "institution" if "institution" in INDICATORS[id].scopes else "region"
    with Workspace.open(path, write=False) as workspace:
        times: list[float] = []
        processor = 0.0
        for number in range(6):
            began, used = time.perf_counter(), time.process_time()
            years = years_with_cases(workspace.reader())[-MONTHS // 12 :]
            found = figures(monthly(workspace, years, names_of((id,)), pack=PACK), (id,), by=by, scope=scope)
            times.append(time.perf_counter() - began)
            processor = processor if number else time.process_time() - used
        cases = int(found.cases.sum())
    return {"cases": cases, "first": times[0], "cpu": processor, "again": statistics.median(times[1:]), "peak": peak()}


def peer(path: str, id: str) -> dict[str, object]:
    import sqlite3

    import pandas as pd

    began, used = time.perf_counter(), time.process_time()
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    columns = "fixmedins_code, day / 100 AS month, fee"
    if id == "readmission_30":
        columns += ", person, substr(adm_time, 1, 10) AS came, substr(dscg_time, 1, 10) AS went"
    rows = pd.read_sql(
        f"SELECT {columns} FROM cases WHERE netting = 0 AND scope = 0"
        " AND (coalesce(insu_admdvs, '') = '' OR substr(insu_admdvs, 1, 4) = '3509')", connection,
    )  # fmt: skip
    rows = rows[rows["month"] >= rows["month"].max() // 100 * 100 - 200] if id != "readmission_30" else rows
    if id == "readmission_30":
        rows = rows.sort_values(["person", "came", "went"])
        came, went = pd.to_datetime(rows["came"]), pd.to_datetime(rows["went"])
        gap = (came.shift(-1) - went).dt.days
        rows["back"] = (rows["person"] == rows["person"].shift(-1)) & gap.between(0, 30)
        found = rows.groupby(["fixmedins_code", "month"])["back"].mean()
    else:
        found = rows.groupby(["fixmedins_code", "month"])["fee"].mean()
    return {
        "cases": len(rows), "groups": len(found), "first": time.perf_counter() - began, "cpu": time.process_time() - used,
        "peak": peak(),
    }  # fmt: skip


def measure(path: Path) -> None:
    print(f"| {path.name} | cases | first s | of it cpu s | again ms | peak MB |")
    print("|---|---|---|---|---|---|")
    for id in (*SHOWN, *YEARLY):
        one = alone(__file__, "ours", path, id, times=3)
        print(
            f"| {id} | {one['cases']:,} | {one['first']:.2f} | {one['cpu']:.2f} | {1000 * one['again']:.0f} | {one['peak']:.0f} |",
            flush=True,
        )
    for id in ("mean_cost", "readmission_30"):
        one = alone(__file__, "peer", path, id, times=3)
        print(f"| pandas: {id} | {one['cases']:,} | {one['first']:.2f} | {one['cpu']:.2f} | | {one['peak']:.0f} |", flush=True)


def main() -> int:
    if only := child():
        print(json.dumps({"ours": ours, "peer": peer}[only[0]](only[1], only[2])))
        return 0
    for given in sys.argv[1:] or [str(scale) for scale in SCALES]:
        if not given.isdigit():
            measure(Path(given))
            continue
        from core import demo

        with tempfile.TemporaryDirectory(prefix="dianzhi-bench-") as folder:
            path = Path(folder) / f"scale-{given}.dz"
            demo.build(path, scale=int(given)).close()
            measure(path)
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
