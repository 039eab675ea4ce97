"""Scores from three years of history against plain pandas that groups the same rows: `bench_scores.py [ROWS ...]`.

ROWS cases in three years, 5,000 groups, 155 institutions. Both read the same columns of the same rows from the same SQLite
file, each in a process of its own; medians of three, reading and computing apart. The peer nets and scopes in SQL,
groups by group and year, weighs the means 1:2:7, and takes scores, CVs, drug and consumable scores in floats. Ours does
the same exactly, with decisions, counts and findings; `whole` adds auxiliary factors and trimming, `built` makes the groups
from diagnoses and operations.
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

INSTITUTIONS, GROUPS, YEARS = 155, 5_000, (2022, 2023, 2024)
SIZES = (50_000, 500_000, 2_500_000)
INSERT = (
    "INSERT INTO cases (batch_id, row, setl_id, sign, mdtrt_id, person, insutype, med_type, clr_type, hi_paymtd,"
    " fixmedins_code, insu_admdvs, dept, gend, brdy, age, adm_time, dscg_time, setl_time, act_ipt_days, dscg_way, diag_code,"
    " diag_name, oprn_code, oth_oprn_codes, medfee_sumamt, fund_pay_sumamt, hifp_pay, psn_part_amt, drug_fee, consumable_fee,"
    " icu_days, dip_dise_grp_code, dip_dise_grp_name, grp_dise_sco, fund, year, day, fee, own_pay, other_pay, scope)"
    f" VALUES ({', '.join('?' * 42)})"
)


def fill(path: Path, rows: int) -> None:
    """Three years by plain inserts; the same for the same size."""
    import numpy as np

    from core.storage.workspace import Workspace

    rng = np.random.default_rng(rows)
    mean = rng.integers(100_000, 4_000_000, GROUPS)
    popular = 1 / np.arange(1, GROUPS + 1) ** 0.8
    with (
        Workspace.create(path, region="350900") as workspace,
        workspace.transaction("import", "bench") as out,
    ):
        out.execute(
            "INSERT INTO batch (id, kind, file, sha256, mapping, rows_read, accepted, refused, at)"
            " VALUES (1, 'cases', 'cases.csv', '', '{}', 0, 0, 0, '')"
        )
        out.executemany(
            "INSERT INTO institution (fixmedins_code, fixmedins_name, hosp_lv, batch_id, row) VALUES (?, ?, ?, 1, ?)",
            [(f"H3509{i:08d}", f"医院{i}", (2, 5, 8)[i % 3], i) for i in range(INSTITUTIONS)],
        )
        out.executemany(
            "INSERT INTO catalogue (version, year, dip_code, dip_name, kind, score, mean_fee, batch_id, row)"
            " VALUES ('2024', 2024, ?, ?, 'core', ?, ?, 1, ?)",
            [(group(i), f"病种{i}", f"{mean[i] / 1e6:.4f}", int(mean[i]), i) for i in range(GROUPS)],
        )
        for year in YEARS:
            for start in range(0, rows // 3, 100_000):
                n = min(100_000, rows // 3 - start)
                which = rng.choice(GROUPS, n, p=popular / popular.sum())
                fee = (mean[which] * rng.lognormal(0, 0.5, n)).astype(int).tolist()
                hospital, age = rng.integers(0, INSTITUTIONS, n).tolist(), rng.integers(0, 95, n).tolist()
                icu, second = rng.integers(0, 40, n).tolist(), rng.integers(0, 6, n).tolist()
                out.executemany(
                    INSERT,
                    (
                        record(year, start + i, g, fee[i], hospital[i], age[i], icu[i], second[i])
                        for i, g in enumerate(which.tolist())
                    ),
                )
        workspace.ledger.record(out, "import", "bench")


def record(
    year: int, i: int, g: int, fee: int, hospital: int, age: int, icu: int, second: int
) -> tuple[object, ...]:
    day = f"{year}-{i % 12 + 1:02d}-{i % 28 + 1:02d}"
    paid = fee * 6 // 10
    return (
        1, i + 2, f"3509{year}{i * 7919 % 1_000_000_007:010d}{i:08d}", 1, f"M{i}", f"{i * 2654435761 % 2**64:032x}", 310, 21, 21, 3,
        f"H3509{hospital:08d}", "350902", "内科", 1, f"{year - age:04d}-05-06", age, f"{day}T08:00:00", f"{day}T10:00:00",
        f"{day}T10:30:00", 7, 1, f"J{g // 100:02d}.{g // 10 % 10}00", "肺炎", f"33.{g % 10}100" if g % 3 else None,
        "|".join(f"99.{k}000" for k in range(second)) or None, fee, paid, paid, fee - paid, fee // 4, fee // 9,
        icu if icu < 32 and i % 9 == 0 else None, group(g), "肺炎:保守治疗", "1.0000", 1, year, int(day.replace("-", "")), fee,
        fee - paid, 0, 0,
    )  # fmt: skip


def group(i: int) -> str:
    return f"J{i // 100:02d}.{i % 100:02d}:保守治疗"


# -- what is measured, each in a process of its own -----------------------------------------------------------


def ours(path: Path) -> dict[str, float]:
    from core.catalogue import library
    from core.catalogue.history import history
    from core.catalogue.scores import derive
    from core.rules.scoring import ScoreRule, chosen
    from core.storage.workspace import Workspace

    rule = chosen(ScoreRule(), {"auxiliary": ""})
    with Workspace.open(path, write=False) as workspace:
        start = time.perf_counter()
        base = library.entries(workspace.reader(), "2024")
        past = history(workspace, YEARS, detail=False)
        read = time.perf_counter()
        derived = derive(rule, past, base)
        took = time.perf_counter()
        score = sum(float(entry.score or 0) for entry in derived.rows if derived.decisions[entry.dip_code] == "scored")
        return {"read": read - start, "compute": took - read, "peak": peak(), "score": score}


def whole(path: Path) -> dict[str, float]:
    return _from_workspace(path, {"trimming": "percentile"}, "2024")


def built(path: Path) -> dict[str, float]:
    return _from_workspace(path, {}, None)


def _from_workspace(path: Path, choices: dict[str, str], base: str | None) -> dict[str, float]:
    from core.catalogue.scores import from_workspace
    from core.rules.scoring import ScoreRule, chosen
    from core.storage.workspace import Workspace

    with Workspace.open(path, write=False) as workspace:
        start = time.perf_counter()
        derived = from_workspace(workspace, chosen(ScoreRule(), choices), YEARS, base=base)
        return {"seconds": time.perf_counter() - start, "peak": peak(), "groups": len(derived.rows)}


def peer(path: Path) -> dict[str, float]:
    """Plain pandas, floats."""
    import sqlite3

    import pandas as pd

    start = time.perf_counter()
    connection = sqlite3.connect(path)
    cases = pd.read_sql(
        "SELECT year, dip_dise_grp_code, fee, drug_fee, consumable_fee, act_ipt_days FROM cases WHERE year IN (2022, 2023, 2024)"
        " AND netting = 0 AND (med_type IN (21, 22, 24, 52, 92) OR med_type IS NULL) AND fee > 0",
        connection,
    )
    catalogue = pd.read_sql("SELECT * FROM catalogue WHERE version = '2024'", connection)
    connection.close()
    read = time.perf_counter()
    weight = {2022: 1, 2023: 2, 2024: 7}

    def weighed(frame: pd.DataFrame, by: list[str]) -> pd.Series:
        means = frame.groupby([*by, "year"]).value.mean().reset_index()
        means["w"] = means.year.map(weight)
        means["wm"] = means.w * means.value
        if not by:
            return means.wm.sum() / means.w.sum()
        sums = means.groupby(by[0])[["wm", "w"]].sum()
        return sums.wm / sums.w

    result = catalogue.set_index("dip_code")
    by = ["dip_dise_grp_code"]
    for name, column in (("new", "fee"), ("drug", "drug_fee"), ("consumable", "consumable_fee"), ("days", "act_ipt_days")):
        frame = cases.rename(columns={column: "value"})
        result[name] = weighed(frame, by) / (weighed(frame, []) if name != "days" else 1)
    result["new"] = (result.new * 1000).round(4)
    groups = cases.groupby("dip_dise_grp_code").fee
    result["cases"] = groups.count()
    result["cv"] = groups.std(ddof=0) / groups.mean()
    took = time.perf_counter()
    return {"read": read - start, "compute": took - read, "peak": peak(), "score": float(result.new.sum())}


def main(sizes: tuple[int, ...]) -> int:
    print("| cases | read s | compute s | pandas read | pandas compute | ratio | peak MB | pandas MB | whole s | built s | built MB |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for rows in sizes:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "bench.dz"
            fill(path, rows)
            turns = 3 if rows <= 500_000 else 1
            runs = [(alone(__file__, "ours", path), alone(__file__, "peer", path)) for _ in range(turns)]
            full, made = alone(__file__, "whole", path), alone(__file__, "built", path)
        own, other = (
            {key: statistics.median(run[side][key] for run in runs) for key in runs[0][side]} for side in (0, 1)
        )
        if abs(own["score"] / other["score"] - 1) > 1e-6:
            print(f"the peer computes something else: {own['score']} {other['score']}", file=sys.stderr)
            return 1
        ratio = (own["read"] + own["compute"]) / (other["read"] + other["compute"])
        print(
            f"| {rows:,} | {own['read']:.2f} | {own['compute']:.2f} | {other['read']:.2f} | {other['compute']:.2f} | {ratio:.2f} "
            f"| {own['peak']:.0f} | {other['peak']:.0f} | {full['seconds']:.2f} | {made['seconds']:.2f} | {made['peak']:.0f} |",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    doers = {"ours": ours, "peer": peer, "whole": whole, "built": built}
    if one := child():
        print(json.dumps(doers[one[0]](Path(one[1]))))
        sys.exit(0)
    sys.exit(main(tuple(int(one) for one in sys.argv[1:]) or SIZES))
