"""A clearing of both funds against plain pandas that does the same sums in floats: `bench_clear.py [ROWS ...]`.

The workspace holds ROWS cases of the year and nine tenths as many of the year before, 155 institutions, 3,000
groups. Every figure comes from a process of its own that has just opened the file; medians of three. The peer reads only the
columns that it needs, nets, scopes, takes reference means by level, scores by the same branches, and sums.
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

INSTITUTIONS, GROUPS, YEAR = 155, 3_000, 2024
SIZES = (50_000, 500_000, 2_500_000)


def fill(path: Path, rows: int) -> None:
    """A region by plain inserts; the same for the same size."""
    import numpy as np

    from core.storage.workspace import Workspace

    rng = np.random.default_rng(rows)
    level = rng.choice([2, 5, 8], INSTITUTIONS, p=[0.1, 0.4, 0.5])
    score = rng.integers(1_000, 60_000, GROUPS)
    weight = 1 / np.arange(1, INSTITUTIONS + 1) ** 0.7
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
            [(code(i), f"医院{i}", int(level[i]), i) for i in range(INSTITUTIONS)],
        )
        out.executemany(
            "INSERT INTO catalogue (version, year, dip_code, dip_name, kind, score, mean_fee, primary_care, batch_id, row)"
            " VALUES ('2024', ?, ?, ?, 'core', ?, ?, ?, 1, ?)",
            [
                (YEAR, group(i), f"病种{i}", f"{score[i] / 1e4:.4f}", int(score[i]) * 65, int(i % 30 == 0), i)
                for i in range(GROUPS)
            ],
        )
        out.execute(
            "INSERT OR IGNORE INTO coefficient_set (name, state, at) VALUES ('imported', 'draft', '')"
        )
        out.executemany(
            "INSERT INTO coefficient (set_name, fixmedins_code, fund, part, value, batch_id, row)"
            " VALUES ('imported', ?, 'all', 'base', ?, 1, ?)",
            [(code(i), f"{0.6 + 0.003 * i:.3f}", i) for i in range(INSTITUTIONS)],
        )
        out.executemany(
            "INSERT INTO budget (year, fund, item, amount) VALUES (?, ?, ?, ?)",
            [
                (YEAR, fund, item, rows * 200_000 if item == "dip_budget" else rows * 5_000)
                for fund in ("employee", "resident")
                for item in ("dip_budget", "outside_card", "outside_manual")
            ],
        )
        for year, count in ((YEAR - 1, rows * 9 // 10), (YEAR, rows)):
            for start in range(0, count, 100_000):
                n = min(100_000, count - start)
                inst = rng.choice(INSTITUTIONS, n, p=weight / weight.sum()).tolist()
                which = rng.choice(GROUPS, n, p=popular / popular.sum())
                fee = (score[which] * 65 * rng.lognormal(0, 0.5, n)).astype(int).tolist()
                day = (year * 10000 + rng.integers(1, 13, n) * 100 + rng.integers(1, 29, n)).tolist()
                fund = rng.choice([1, 2], n, p=[0.2, 0.8]).tolist()
                out.executemany(
                    INSERT,
                    (
                        record(year, start + i, code(inst[i]), group(g), fee[i], day[i], fund[i], score[g])
                        for i, g in enumerate(which.tolist())
                    ),
                )
        workspace.ledger.record(out, "import", "bench")


INSERT = (
    "INSERT INTO cases (batch_id, row, setl_id, sign, mdtrt_id, person, insutype, med_type, clr_type, hi_paymtd,"
    " fixmedins_code, insu_admdvs, dept, gend, brdy, age, adm_time, dscg_time, setl_time, act_ipt_days, dscg_way, diag_code,"
    " diag_name, oprn_code, medfee_sumamt, fund_pay_sumamt, hifp_pay, psn_part_amt, acct_pay, psn_cash_pay, drug_fee,"
    " dip_dise_grp_code, dip_dise_grp_name, grp_dise_sco, fund, year, day, fee, own_pay, other_pay, scope) VALUES"
    f" ({', '.join('?' * 41)})"
)


def record(
    year: int, i: int, institution: str, dip: str, fee: int, day: int, fund: int, score: int
) -> tuple[object, ...]:
    paid, beside = fee * 6 // 10, fee // 25
    own = fee - paid - beside
    date = f"{day // 10000}-{day // 100 % 100:02d}-{day % 100:02d}"
    return (
        1,
        i + 2,
        f"3509{year}{i * 7919 % 1_000_000_007:010d}{i:08d}",
        1,
        f"M{i}",
        f"{i * 2654435761 % 2**64:032x}",
        310 if fund == 1 else 390,
        21,
        21,
        3,
        institution,
        "350902",
        "内科",
        1,
        "1960-05-06",
        64,
        f"{date}T08:00:00",
        f"{date}T10:00:00",
        f"{date}T10:30:00",
        7,
        1,
        "J18.900",
        "肺炎",
        None,
        fee,
        paid + beside,
        paid,
        own,
        0,
        own,
        fee // 4,
        dip,
        "肺炎:保守治疗",
        f"{score / 1e4:.4f}",
        fund,
        year,
        day,
        fee,
        own,
        beside,
        0,
    )


def code(i: int) -> str:
    return f"H3509{i:08d}"


def group(i: int) -> str:
    return f"J{i // 100:02d}.{i % 100:02d}:保守治疗"


# -- what is measured, each in a process of its own -----------------------------------------------------------


def ours(path: Path) -> dict[str, float]:
    from core.rules import packs
    from core.settlement.clearing import clear
    from core.settlement.coefficients import Cell, edit
    from core.storage.workspace import Workspace

    pack = packs.load("ningde-2024")
    with Workspace.open(path, strict=True) as workspace:
        start = time.perf_counter()
        last = clear(workspace, YEAR, pack)
        took = time.perf_counter() - start
        again: list[float] = []
        for turn in range(3):
            edit(
                workspace,
                "imported",
                [Cell(code(turn), "all", "base", f"0.7{turn}{int(time.time()) % 10_000:04d}")],
            )
            start = time.perf_counter()
            last = clear(workspace, YEAR, pack)
            again.append(time.perf_counter() - start)
        value = last.fund("resident").region["point_value"]
    return {"seconds": took, "again": statistics.median(again), "peak": peak(), "point_value": float(value)}


def peer(path: Path) -> dict[str, float]:
    """Plain pandas, floats, the same branches and means."""
    import sqlite3

    import numpy as np
    import pandas as pd

    start = time.perf_counter()
    connection = sqlite3.connect(path)
    cases = pd.read_sql(
        "SELECT fund, insu_admdvs, fixmedins_code, dip_dise_grp_code, day, fee, hifp_pay, own_pay, other_pay FROM cases"
        " WHERE year = 2024 AND scope = 0 AND netting = 0",
        connection,
    )
    earlier = pd.read_sql(
        "SELECT insu_admdvs, fixmedins_code, dip_dise_grp_code, fee FROM cases"
        " WHERE year = 2023 AND scope = 0 AND netting = 0",
        connection,
    )
    catalogue = pd.read_sql(
        "SELECT dip_code, score, mean_fee, primary_care FROM catalogue WHERE year = 2024", connection
    )
    hospitals = pd.read_sql("SELECT fixmedins_code, hosp_lv FROM institution", connection)
    factors = pd.read_sql("SELECT fixmedins_code, value FROM coefficient", connection)
    budget = pd.read_sql("SELECT fund, item, amount FROM budget WHERE year = 2024", connection)
    connection.close()
    hospitals["level"] = hospitals.hosp_lv.map({2: 3, 5: 2, 8: 1})
    factors["k"] = factors.value.astype(float)
    catalogue["rw"] = catalogue.score.astype(float)
    cases = cases[cases.insu_admdvs.str[:4] == "3509"]
    earlier = earlier[earlier.insu_admdvs.str[:4] == "3509"].merge(hospitals, on="fixmedins_code")
    means = earlier.groupby(["dip_dise_grp_code", "level"], as_index=False).fee.agg(["mean", "count"])
    means = means[means["count"] >= 15]
    cases = cases.merge(hospitals, on="fixmedins_code").merge(factors, on="fixmedins_code")
    cases = cases.merge(catalogue, left_on="dip_dise_grp_code", right_on="dip_code", how="left")
    cases = cases.merge(means, on=["dip_dise_grp_code", "level"], how="left")
    k = np.where(cases.primary_care == 1, 1.0, cases.k)
    x = cases.fee / cases["mean"].round().fillna((cases.mean_fee * k).round())
    cases["score"] = np.round(cases.rw * k * np.where(x < 0.5, x, np.where(x > 2, x - 1, 1.0)), 4)
    sums = cases.groupby(["fund", "fixmedins_code"])[
        ["score", "fee", "hifp_pay", "own_pay", "other_pay"]
    ].sum()
    value = 0.0
    for number, fund in ((1, "employee"), (2, "resident")):
        own, lines = sums.loc[number], budget[budget.fund == fund].set_index("item").amount
        available = lines["dip_budget"] - lines["outside_card"] - lines["outside_manual"]
        value = (available + own.own_pay.sum() + own.other_pay.sum()) / 100 / own.score.sum()
        _ = (own.score * value).round(2) - own.own_pay / 100 - own.other_pay / 100
    return {"seconds": time.perf_counter() - start, "peak": peak(), "point_value": value}


def main(sizes: tuple[int, ...]) -> int:
    print("| cases | ours s | pandas s | ratio | again ms | of the first | peak MB | pandas MB |")
    print("|---|---|---|---|---|---|---|---|")
    for rows in sizes:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "bench.dz"
            fill(path, rows)
            turns = 3 if rows <= 500_000 else 1
            runs = [(alone(__file__, "ours", path), alone(__file__, "peer", path)) for _ in range(turns)]
        own, other = (
            {key: statistics.median(run[side][key] for run in runs) for key in runs[0][side]}
            for side in (0, 1)
        )
        if abs(own["point_value"] / other["point_value"] - 1) > 1e-4:
            print(
                f"the peer computes something else: {own['point_value']} {other['point_value']}",
                file=sys.stderr,
            )
            return 1
        print(
            f"| {rows:,} | {own['seconds']:.2f} | {other['seconds']:.2f} | {own['seconds'] / other['seconds']:.2f} "
            f"| {own['again'] * 1000:.0f} | 1/{own['seconds'] / own['again']:.0f} | {own['peak']:.0f} | {other['peak']:.0f} |",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    if one := child():
        print(json.dumps({"ours": ours, "peer": peer}[one[0]](Path(one[1]))))
        sys.exit(0)
    sys.exit(main(tuple(int(one) for one in sys.argv[1:]) or SIZES))
