"""What a change of catalogue is worth, against plain pandas: `bench_revision.py [ROWS ...]`.

Two versions of 10,000 groups, ROWS cases of the year and nine tenths as many of the year before, 155 institutions. From one version
to the other four fifths of the groups keep key and definition (half of these are rescored), a twentieth each is renumbered,
gone, and new. cold: a process that has just opened the file; cleared: one that has cleared the year by the old version; again:
one that has done it before. The peer reads the same columns, merges cases with both versions by code, takes means by
level, scores by the same branches in floats and sums; it knows no lineage and no own grouping.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

from measuring import alone, child, peak

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

INSTITUTIONS, GROUPS, YEAR = 155, 10_000, 2024
PER_DIAGNOSIS = 5  # groups of one subcategory: one without operation, the others each with its own
SIZES = (45_000, 450_000)
OURS = ("cold", "cleared", "own cold", "own cleared")


def diagnosis(i: int) -> str:
    return f"{chr(65 + i // 1000 % 26)}{i // 10 % 100:02d}.{i % 10}"


def operation(i: int) -> str:
    return f"{i // 100 % 90 + 1:02d}.{i % 100:02d}00"


def asked(i: int) -> tuple[str, str | None]:
    """Diagnosis and operation that group i asks for."""
    d, o = divmod(i, PER_DIAGNOSIS)
    return diagnosis(d), operation(d * 7 + o) if o else None


def code(i: int) -> str:
    return f"H3509{i:08d}"


def key(i: int) -> str:
    d, o = asked(i)
    return f"{d}:{o or '保守治疗'}"


def fill(path: Path, rows: int) -> None:
    """A region by plain inserts; the same for the same size."""
    import numpy as np

    from core.storage.workspace import Workspace

    rng = np.random.default_rng(rows)
    level = rng.choice([2, 5, 8], INSTITUTIONS, p=[0.1, 0.4, 0.5])
    score = rng.integers(1_000, 60_000, GROUPS)
    rescored = np.where(rng.random(GROUPS) < 0.5, score, score * rng.integers(80, 125, GROUPS) // 100)
    fate = rng.random(GROUPS)  # below 0.05 gone, below 0.10 renumbered, below 0.2 asks for another operation as well
    popular = 1 / np.arange(1, GROUPS + 1) ** 0.8
    popular /= popular.sum()
    weight = 1 / np.arange(1, INSTITUTIONS + 1) ** 0.7
    weight /= weight.sum()

    def groups(version: str):  # type: ignore[no-untyped-def]
        for i in range(GROUPS):
            d, o = asked(i)
            name, points = key(i), score[i]
            if version == "new":
                points = rescored[i]
                if fate[i] < 0.05:
                    name, o = f"{d}:新增{i}", operation(i * 13 + 5)
                elif fate[i] < 0.10:
                    name = f"{d}_{o or '-'}"
                elif fate[i] < 0.20 and o:
                    o = f"{o}|{operation(i * 13 + 5)}"
            kind = "conservative" if o is None else "surgery"
            yield version, YEAR, name, f"病种{i}", d, o, kind, f"{points / 1e4:.4f}", int(points) * 65, int(i % 30 == 0), i

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
        for version in ("old", "new"):
            out.executemany(
                "INSERT INTO catalogue (version, year, dip_code, dip_name, kind, diag_code, oprn_code, attribute, score,"
                " mean_fee, primary_care, batch_id, row) VALUES (?, ?, ?, ?, 'core', ?, ?, ?, ?, ?, ?, 1, ?)",
                groups(version),
            )
        out.executemany(
            "INSERT INTO operation (oprn_code, attribute, batch_id, row) VALUES (?, 'surgery', 1, ?)",
            [(operation(i), i) for i in range(9_000)],
        )
        out.execute("INSERT OR IGNORE INTO coefficient_set (name, state, at) VALUES ('imported', 'draft', '')")
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
            inst = rng.choice(INSTITUTIONS, count, p=weight)
            which = rng.choice(GROUPS, count, p=popular)
            fee = (score[which] * 65 * rng.lognormal(0, 0.5, count)).astype(int)
            day = year * 10000 + rng.integers(1, 13, count) * 100 + rng.integers(1, 29, count)
            fund = rng.choice([1, 2], count, p=[0.2, 0.8])
            columns = zip(inst.tolist(), which.tolist(), fee.tolist(), day.tolist(), fund.tolist(), strict=True)
            out.executemany(INSERT, (record(year, i, *values) for i, values in enumerate(columns)))
        workspace.ledger.record(out, "import", "bench")


COLUMNS = (
    "batch_id", "row", "setl_id", "sign", "insutype", "med_type", "hi_paymtd", "fixmedins_code", "insu_admdvs", "age",
    "adm_time", "dscg_time", "setl_time", "act_ipt_days", "diag_code", "oth_diag_codes", "oprn_code", "oth_oprn_codes",
    "medfee_sumamt", "fund_pay_sumamt", "hifp_pay", "psn_part_amt", "dip_dise_grp_code", "fund", "year", "day", "fee",
    "own_pay", "other_pay", "scope",
)  # fmt: skip
INSERT = f"INSERT INTO cases ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"


def record(year: int, i: int, inst: int, group: int, fee: int, day: int, fund: int) -> tuple[object, ...]:
    paid, beside = fee * 6 // 10, fee // 25
    own = fee - paid - beside
    date = f"{day // 10000}-{day // 100 % 100:02d}-{day % 100:02d}"
    d, o = asked(group)
    return (
        1, i + 2, f"3509{year}{i * 7919 % 1_000_000_007:010d}{i:08d}", 1, 310 if fund == 1 else 390, 21, 3, code(inst),
        "350902", 64, f"{date}T08:00:00", f"{date}T10:00:00", f"{date}T10:30:00", 7, f"{d}00", "I10.x00|E11.900", o,
        operation(group * 13 + 5) if i % 4 == 0 else None, fee, paid + beside, paid, own, key(group), fund, year, day,
        fee, own, beside, 0,
    )  # fmt: skip


# -- what is measured, each in a process of its own -----------------------------------------------------------


def ours(path: Path, state: str) -> dict[str, float]:
    from core.analysis.revision import worth
    from core.rules import packs
    from core.settlement.clearing import clear
    from core.storage.workspace import Workspace

    pack = packs.load("ningde-2024")
    grouping = "own" if state.startswith("own") else "official"
    with Workspace.open(path, strict=True) as workspace:
        if state.endswith("cleared"):
            clear(workspace, YEAR, pack, catalogue="old", grouping=grouping, store=False)
        start = time.perf_counter()
        found = worth(workspace, YEAR, pack, "old", "new", grouping=grouping)
        took = time.perf_counter() - start
        start = time.perf_counter()
        found = worth(workspace, YEAR, pack, "old", "new", grouping=grouping)
        again = time.perf_counter() - start
        start = time.perf_counter()
        for sheet in (found.region, found.institutions, found.groups):
            sheet("zh")
        sheets = time.perf_counter() - start
        change = found.figure("resident", "point_value").change
    return {"seconds": took, "again": again, "sheets": sheets, "peak": peak(), "change": float(change)}


def peer(path: Path, _: str) -> dict[str, float]:
    import sqlite3

    import numpy as np
    import pandas as pd

    start = time.perf_counter()
    connection = sqlite3.connect(path)
    cases = pd.read_sql(
        "SELECT fund, insu_admdvs, fixmedins_code, dip_dise_grp_code, fee, hifp_pay, own_pay, other_pay FROM cases"
        f" WHERE year = {YEAR} AND scope = 0 AND netting = 0",
        connection,
    )
    earlier = pd.read_sql(
        "SELECT insu_admdvs, fixmedins_code, dip_dise_grp_code, fee FROM cases"
        f" WHERE year = {YEAR - 1} AND scope = 0 AND netting = 0",
        connection,
    )
    catalogue = pd.read_sql("SELECT version, dip_code, score, mean_fee, primary_care FROM catalogue", connection)
    hospitals = pd.read_sql("SELECT fixmedins_code, hosp_lv FROM institution", connection)
    factors = pd.read_sql("SELECT fixmedins_code, value FROM coefficient", connection)
    budget = pd.read_sql(f"SELECT fund, item, amount FROM budget WHERE year = {YEAR}", connection)
    connection.close()
    hospitals["level"] = hospitals.hosp_lv.map({2: 3, 5: 2, 8: 1})
    factors["k"] = factors.value.astype(float)
    catalogue["rw"] = catalogue.score.astype(float)
    cases = cases[cases.insu_admdvs.str[:4] == "3509"]
    earlier = earlier[earlier.insu_admdvs.str[:4] == "3509"].merge(hospitals, on="fixmedins_code")
    means = earlier.groupby(["dip_dise_grp_code", "level"], as_index=False).fee.agg(["mean", "count"])
    means = means[means["count"] >= 15]
    cases = cases.merge(hospitals, on="fixmedins_code").merge(factors, on="fixmedins_code")
    cases = cases.merge(means, on=["dip_dise_grp_code", "level"], how="left")
    due: dict[str, object] = {}
    values: dict[str, float] = {}
    for version in ("old", "new"):
        scored = cases.merge(
            catalogue[catalogue.version == version], left_on="dip_dise_grp_code", right_on="dip_code", how="left"
        )
        k = np.where(scored.primary_care == 1, 1.0, scored.k)
        x = scored.fee / scored["mean"].round().fillna((scored.mean_fee * k).round())
        scored["score"] = np.round(scored.rw * k * np.where(x < 0.5, x, np.where(x > 2, x - 1, 1.0)), 4)
        scored["score"] = scored["score"].fillna(0)
        sums = scored.groupby(["fund", "fixmedins_code"])[["score", "fee", "hifp_pay", "own_pay", "other_pay"]].sum()
        by_group = scored.groupby(["fund", "dip_dise_grp_code"]).score.agg(["sum", "count"])
        for number, fund in ((1, "employee"), (2, "resident")):
            own, lines = sums.loc[number], budget[budget.fund == fund].set_index("item").amount
            available = lines["dip_budget"] - lines["outside_card"] - lines["outside_manual"]
            value = (available + own.own_pay.sum() + own.other_pay.sum()) / 100 / own.score.sum()
            values[version] = value
            due[f"{version} {fund}"] = (own.score * value).round(2) - own.own_pay / 100 - own.other_pay / 100
            due[f"{version} {fund} groups"] = by_group.loc[number]["sum"] * value
    for fund in ("employee", "resident", "employee groups", "resident groups"):
        _ = due[f"new {fund}"] - due[f"old {fund}"]  # type: ignore[operator]
    return {"seconds": time.perf_counter() - start, "peak": peak(), "change": values["new"] - values["old"]}


def main() -> int:
    if one := child():
        work = {"ours": ours, "peer": peer}[one[0]]
        print(json.dumps(work(Path(one[1]), one[2])))
        return 0
    sizes = [int(size) for size in sys.argv[1:]] or SIZES
    print("| cases | state | seconds | again | sheets | peak MB | pandas s | ratio | pandas MB |")
    print("|---|---|---|---|---|---|---|---|---|")
    for rows in sizes:
        with tempfile.TemporaryDirectory(prefix="dianzhi-bench-") as folder:
            path = Path(folder) / "bench.dz"
            fill(path, rows)
            other = alone(__file__, "peer", path, "", times=3)
            for state in OURS:
                found = alone(__file__, "ours", path, state, times=3)
                print(
                    f"| {rows:,} | {state} | {found['seconds']:.2f} | {found['again']:.2f} | {found['sheets']:.2f}"
                    f" | {found['peak']:.0f} | {other['seconds']:.2f} | {found['seconds'] / other['seconds']:.2f}"
                    f" | {other['peak']:.0f} |",
                    flush=True,
                )
    return 0


if __name__ == "__main__":
    sys.exit(main())
