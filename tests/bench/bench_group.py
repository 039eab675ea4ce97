"""Grouping cases against a plain grouper that takes one case at a time: `bench_group.py [ROWS ...]`.

A catalogue of 5,000 groups (core by main and related operations, conservative, composite), as many cases as ROWS, in
shapes that occur: 12,000 principal diagnoses under 1,500 subcategories and 4,000 operations, both long-tailed, none
to six operations a case, 300 of them excluded, four other diagnoses a case. The rule is the national draft's. The peer is
what cities' tools are: rows by diagnosis in dictionaries, sets of operations, one case after the other, in plain
Python. Each figure comes from a process of its own; the median of three. Reading the stays from a workspace stands beside it.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

from measuring import alone, child, peak

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

SIZES = (50_000, 500_000, 2_500_000)
GROUPS, YEAR = 5_000, 2024
SUBCATEGORIES, OPERATIONS = 1_500, 4_000


def subcategory(i: int) -> str:
    return f"{chr(65 + i // 60 % 25)}{i // 4 % 15 + i // 1500:02d}.{i % 4}"


def operation(i: int) -> str:
    return f"{i % 97:02d}.{i // 97 % 100:02d}00x{i:04d}"


def region() -> tuple[Any, dict[str, str], Any]:
    """The catalogue, the operations' attributes, the exclusion lists; the same every time."""
    from core.catalogue.entries import ATTRIBUTES, Entries, Entry, Exclusions

    chance = random.Random(20240101)
    weights = [1 / (i + 1) ** 0.7 for i in range(SUBCATEGORIES)]
    rows: dict[str, Any] = {}
    usual: dict[int, list[int]] = {i: [(i * 37 + j * j * 11) % OPERATIONS for j in range(30)] for i in range(SUBCATEGORIES)}
    while len(rows) < GROUPS * 7 // 10:
        i = chance.choices(range(SUBCATEGORIES), weights)[0]
        done = chance.random() < 0.75
        main = operation(chance.choice(usual[i][:12])) if done else ""
        if done and chance.random() < 0.1:
            main += "|" + operation(chance.choice(usual[i]))
        related = operation(chance.choice(usual[i])) if done and chance.random() < 0.25 else ""
        code = f"{subcategory(i)}:{main or '保守治疗'}" + (f"+{related}" if related else "")
        fee = chance.randrange(200_000, 8_000_000)
        rows[code] = Entry(code, code, "core", diag_code=subcategory(i), oprn_code=main, rel_oprn_code=related,
                           score=Fraction(fee, 7000), mean_fee=fee, row=len(rows) + 2)  # fmt: skip
    categories = sorted({subcategory(i)[:3] for i in range(SUBCATEGORIES)})
    for category in categories:
        for attribute in ATTRIBUTES:
            if len(rows) < GROUPS:
                fee = chance.randrange(200_000, 5_000_000)
                code = f"{category}:{attribute}"
                rows[code] = Entry(code, code, "composite", diag_code=category, attribute=attribute,
                                   score=Fraction(fee, 7000), mean_fee=fee, row=len(rows) + 2)  # fmt: skip
    known = [*ATTRIBUTES, "intervention"]
    attributes = {operation(i): chance.choice(known) for i in range(OPERATIONS)}
    excluded = Exclusions(operation=frozenset(operation(i) for i in chance.sample(range(OPERATIONS), 300)))
    return Entries("bench", YEAR, tuple(rows[code] for code in sorted(rows))), attributes, excluded


def drawn(rows: int) -> Any:
    """Diagnosis, operations, other diagnoses and fee of every case as lists of codes and fen."""
    import numpy as np

    rng = np.random.default_rng(rows)
    popular = 1 / np.arange(1, SUBCATEGORIES + 1) ** 0.8
    sub = rng.choice(SUBCATEGORIES, rows, p=popular / popular.sum())
    tail = rng.choice(8, rows, p=[0.5, 0.2, 0.1, 0.08, 0.05, 0.04, 0.02, 0.01])
    diagnoses = [f"{subcategory(i)}00x{t:03d}" if t else f"{subcategory(i)}00" for i in range(SUBCATEGORIES) for t in range(8)]
    diagnosis = sub * 8 + tail
    count = rng.choice(7, rows, p=[0.45, 0.25, 0.13, 0.08, 0.05, 0.03, 0.01])
    owner = np.repeat(sub, count)
    usual = rng.choice(30, len(owner), p=(1 / np.arange(1, 31) ** 1.1) / (1 / np.arange(1, 31) ** 1.1).sum())
    operations = np.where(
        rng.random(len(owner)) < 0.75, (owner * 37 + usual * usual * 11) % OPERATIONS,
        (OPERATIONS * rng.random(len(owner)) ** 2.5).astype(np.int64),
    )  # fmt: skip
    others = rng.poisson(4, rows)
    other = (len(diagnoses) * rng.random(int(others.sum())) ** 2).astype(np.int64)
    fee = rng.lognormal(13.3, 0.8, rows).astype(np.int64)
    return diagnoses, diagnosis, np.cumsum(count) - count, count, operations, np.cumsum(others) - others, others, other, fee


def stays_of(rows: int) -> Any:
    import numpy as np

    from core.catalogue.stays import Stays

    diagnoses, diagnosis, start, count, operations, other_start, others, other, fee = drawn(rows)
    unknown = np.full(rows, -1, np.int64)
    begins = np.append(start, count.sum())
    done = operations.astype(np.int32)
    main = np.where(count > 0, np.append(done, -1)[np.minimum(start, len(done))], -1).astype(np.int32)
    ids = np.array([f"S{i:08d}" for i in range(rows)], object)
    return Stays(
        ids, np.arange(rows, dtype=np.uint64), tuple(diagnoses), diagnosis.astype(np.int32), np.append(other_start, others.sum()),
        other.astype(np.int32), tuple(operation(i) for i in range(OPERATIONS)), begins, done, main, fee, unknown, unknown, unknown,
        unknown, unknown.astype(np.int8), unknown,
    )  # fmt: skip


# --- the product ---


def group(rows: int) -> dict[str, float]:
    from core.catalogue.grouper import Grouper
    from core.rules import packs
    from core.rules.grouping import rule_of

    rule = rule_of(packs.load("national-draft-3"))
    entries, attributes, excluded = region()
    stays = stays_of(rows)
    before = peak()
    start = time.perf_counter()
    grouper = Grouper(rule, entries, attributes, excluded)
    grouping = grouper.group(stays)
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "peak": peak(), "held": before, "combinations": int(grouping.combination.max()) + 1,
            "grouped": grouping.grouped / rows, "check": int((grouping.entry.astype("int64") * 31 % 1_000_003).sum())}  # fmt: skip


# --- the peer: one case at a time ---


def plain(rows: int) -> dict[str, float]:
    entries, attributes, excluded = region()
    stays = stays_of(rows)
    cases = [
        (stays.diagnosis_of(i), list(stays.operations_of(i)), stays.main_of(i), int(stays.fee[i])) for i in range(rows)
    ]
    before = peak()
    start = time.perf_counter()
    order = {"conservative": 0, "diagnostic": 1, "therapeutic": 2, "surgery": 3, "intervention": 3}
    core: dict[str, list[tuple[int, set[str], list[str], int]]] = {}
    composite: dict[tuple[str, int], list[tuple[int, int]]] = {}
    for index, row in enumerate(entries.rows):
        if row.kind == "composite":
            composite.setdefault((row.diag_code, order[row.attribute]), []).append((index, row.mean_fee))
        else:
            mains = {code for code in row.oprn_code.split("|") if code}
            related = [code for code in row.rel_oprn_code.split("|") if code]
            core.setdefault(row.diag_code, []).append((index, mains, related, row.mean_fee))
    found: list[int] = []
    for diagnosis, operations, main, fee in cases:
        left = [code for code in dict.fromkeys(operations) if code not in excluded.operation]
        if main not in left:
            main = left[0] if left else ""
        have = set(left)
        attribute = order[attributes.get(main, "conservative")] if main else 0
        best: tuple[int, int, int, int] | None = None
        bare: tuple[int, int] | None = None
        for index, mains, related, mean in core.get(diagnosis[:5], ()):
            if not mains:
                if attribute == 0:
                    key = (abs(fee - mean), index)
                    bare = key if bare is None or key < bare else bare
                continue
            if main not in mains:
                continue
            matched = sum(code in have for code in related)
            if related and not matched:
                continue
            ranked = (0 if related and matched == len(related) else 1, -matched, abs(fee - mean), index)
            best = ranked if best is None or ranked < best else best
        if best is not None:
            found.append(best[3])
        elif bare is not None:
            found.append(bare[1])
        else:
            rows_of = composite.get((diagnosis[:3], attribute), ())
            found.append(min(((abs(fee - mean), index) for index, mean in rows_of), default=(0, -1))[1])
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "peak": peak(), "held": before, "check": sum(e * 31 % 1_000_003 for e in found)}


# --- reading from a workspace ---


def fill(path: Path, rows: int) -> None:
    from core.storage.workspace import Workspace

    diagnoses, diagnosis, start, count, operations, other_start, others, other, fee = drawn(rows)
    codes = [operation(i) for i in range(OPERATIONS)]
    columns = "batch_id row setl_id sign insutype fixmedins_code gend brdy age adm_time dscg_time act_ipt_days diag_code"
    columns += " oth_diag_codes oprn_code oth_oprn_codes medfee_sumamt hifp_pay fund year day fee own_pay other_pay scope"
    names = columns.split()
    insert = f"INSERT INTO cases ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"

    def row(i: int) -> tuple[object, ...]:
        done = [codes[j] for j in operations[start[i] : start[i] + count[i]].tolist()]
        beside = [diagnoses[j] for j in other[other_start[i] : other_start[i] + others[i]].tolist()]
        money = int(fee[i])
        return (
            1, i, f"{YEAR}{i * 7919 % 10**9:09d}{i:08d}", 1, 310, "H35090000001", 1 + i % 2, f"19{i % 90 + 10}-05-17", i % 90,
            "2024-03-01", "2024-03-08", 7, diagnoses[int(diagnosis[i])], "|".join(beside), done[0] if done else None,
            "|".join(done[1:]) or None, money, money // 2, 1, YEAR, 20240308, money, money // 2, 0, 0,
        )  # fmt: skip

    with Workspace.create(path, region="350900") as workspace, workspace.transaction("import", "bench") as out:
        out.execute(
            "INSERT INTO batch (id, kind, file, sha256, mapping, rows_read, accepted, refused, at)"
            " VALUES (1, 'cases', 'cases.csv', '', '{}', 0, 0, 0, '')"
        )
        for begin in range(0, rows, 100_000):
            out.executemany(insert, [row(i) for i in range(begin, min(rows, begin + 100_000))])


def read(path: str) -> dict[str, float]:
    from core.catalogue.stays import read as read_stays
    from core.storage.workspace import Workspace

    with Workspace.open(path, write=False) as workspace:
        start = time.perf_counter()
        stays = read_stays(workspace.reader(), YEAR)
        seconds = time.perf_counter() - start
    return {"seconds": seconds, "peak": peak(), "rows": len(stays)}


# --- the table ---


def main() -> None:
    sizes = [int(argument) for argument in sys.argv[1:]] or list(SIZES)
    print(f"{GROUPS:,} groups, rule of the national draft; seconds hold the preparation of the catalogue\n")
    print("| cases | combinations | grouped | grouping s | cases/s | one at a time s | cases/s | ratio | peak MB | reading s | peak MB |")
    print("|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    for rows in sizes:
        times = 3 if rows <= 500_000 else 1
        own, peer = alone(__file__, "group", rows, times=times), alone(__file__, "plain", rows, times=times)
        if own["check"] != peer["check"]:
            raise SystemExit("the two disagree")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "bench.dianzhi"
            fill(path, rows)
            reading = alone(__file__, "read", path, times=times)
        print(
            f"| {rows:,} | {own['combinations']:,} | {own['grouped']:.1%} | {own['seconds']:.2f} | {rows / own['seconds']:,.0f} "
            f"| {peer['seconds']:.2f} | {rows / peer['seconds']:,.0f} | {peer['seconds'] / own['seconds']:.1f} "
            f"| {own['peak']:,.0f} | {reading['seconds']:.2f} | {reading['peak']:,.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    if only := child():
        way, given = only
        print(json.dumps(read(given) if way == "read" else {"group": group, "plain": plain}[way](int(given))))
    else:
        main()
