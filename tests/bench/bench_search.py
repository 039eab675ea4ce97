"""Finding groups as one types, against SQLite over the same rows: `bench_search.py [GROUPS ...]`.

Three versions of GROUPS groups each, with real names where the shared code sets are there. Every size in a process of
its own that has just built the index; a line of typing is every prefix of it, one keystroke after the other. Peers: LIKE
'%...%' over code, name and initials, in memory, all matches counted and the first 300 fetched; and FTS5 with the
trigram tokenizer, which finds nothing of fewer than three characters and no initials.
"""

from __future__ import annotations

import csv
import json
import random
import sqlite3
import statistics
import sys
import time
from pathlib import Path

from measuring import alone, child, peak

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

SHARED = ROOT.parent / "shared" / "data"
SIZES = (1_200, 12_000, 30_000)
TYPED = ("阑尾炎", "急性 腹膜", "lwy", "tnb", "gaoxueya", "xzcs", "k35.8", "4709", "i10 gxy", "a")
LIMIT = 300


def codes(name: str, column: str) -> list[tuple[str, str]]:
    file = SHARED / name
    if file.exists():
        with file.open(encoding="utf-8") as lines:
            return [(row["code"], row["name"]) for row in csv.DictReader(lines)]
    own = ROOT / "resources" / "demo" / ("diagnoses.csv" if column == "diag" else "operations.csv")
    with own.open(encoding="utf-8") as lines:
        return [tuple(row.values())[:2] for row in csv.DictReader(lines)]  # type: ignore[misc]


def versions(groups: int) -> list:
    from core.catalogue.entries import Entries, Entry

    chance = random.Random(groups)
    diagnoses, operations = codes("icd10_nhsa.csv", "diag"), codes("icd9cm3_nhsa.csv", "oprn")
    made: dict[str, Entry] = {}
    while len(made) < groups:
        diagnosis, name = chance.choice(diagnoses)
        code, treatment = chance.choice([("", "保守治疗"), *chance.sample(operations, 2)])
        key = f"{diagnosis[:5]}:{code}"
        made[key] = Entry(key, f"{name}:{treatment}", "core", diag_code=diagnosis[:5], oprn_code=code)
    every = sorted(made.values(), key=lambda one: one.dip_code)
    return [
        Entries(str(year), year, tuple(one for one in every if year == 2024 or chance.random() < 0.97))
        for year in (2022, 2023, 2024)
    ]


def ours(groups: int) -> dict[str, object]:
    given = versions(groups)
    from core.catalogue.search import Index

    began = time.perf_counter()
    index = Index(given)
    built = time.perf_counter() - began
    keys: list[float] = []
    for line in TYPED:
        for end in range(1, len(line) + 1):
            began = time.perf_counter()
            index.find(line[:end], limit=LIMIT)
            keys.append(time.perf_counter() - began)
    found = {line: index.find(line).total for line in TYPED}
    return {"rows": len(index), "build": built, "keys": keys, "found": found, "peak": peak()}


def like(groups: int) -> dict[str, object]:
    given = versions(groups)
    from pypinyin import Style, lazy_pinyin

    began = time.perf_counter()
    base = sqlite3.connect(":memory:")
    base.execute("CREATE TABLE entry (version TEXT, code TEXT, bare TEXT, name TEXT, initials TEXT)")
    for one in given:
        base.executemany(
            "INSERT INTO entry VALUES (?, ?, ?, ?, ?)",
            [
                (one.version, row.dip_code, row.dip_code.replace(".", ""), row.dip_name,
                 "".join(lazy_pinyin(row.dip_name, style=Style.FIRST_LETTER)))
                for row in one.rows
            ],
        )  # fmt: skip
    built = time.perf_counter() - began
    keys: list[float] = []
    found: dict[str, int] = {}
    for line in TYPED:
        for end in range(1, len(line) + 1):
            words = line[:end].split() or [""]
            marks = [f"%{word}%" for word in words for _ in range(3)]
            bare = [mark.replace(".", "") if at % 3 == 0 else mark for at, mark in enumerate(marks)]
            where = " AND ".join("(bare LIKE ? OR name LIKE ? OR initials LIKE ?)" for _ in words)
            began = time.perf_counter()
            found[line] = base.execute(f"SELECT count(*) FROM entry WHERE {where}", bare).fetchone()[0]
            base.execute(f"SELECT version, code, name FROM entry WHERE {where} ORDER BY code LIMIT {LIMIT}", bare).fetchall()
            keys.append(time.perf_counter() - began)
    return {"rows": 0, "build": built, "keys": keys, "found": found, "peak": peak()}


def trigram(groups: int) -> dict[str, object]:
    given = versions(groups)
    began = time.perf_counter()
    base = sqlite3.connect(":memory:")
    base.execute("CREATE VIRTUAL TABLE entry USING fts5 (version UNINDEXED, code, name, tokenize = 'trigram')")
    for one in given:
        base.executemany(
            "INSERT INTO entry VALUES (?, ?, ?)", [(one.version, row.dip_code, row.dip_name) for row in one.rows]
        )
    built = time.perf_counter() - began
    keys: list[float] = []
    found: dict[str, int] = {}
    for line in TYPED:
        for end in range(1, len(line) + 1):
            asked = " AND ".join(f'"{word}"' for word in line[:end].split()) or '""'
            began = time.perf_counter()
            found[line] = base.execute("SELECT count(*) FROM entry WHERE entry MATCH ?", (asked,)).fetchone()[0]
            base.execute(
                f"SELECT version, code, name FROM entry WHERE entry MATCH ? ORDER BY rank LIMIT {LIMIT}", (asked,)
            ).fetchall()
            keys.append(time.perf_counter() - began)
    return {"rows": 0, "build": built, "keys": keys, "found": found, "peak": peak()}


WAYS = {"dianzhi": ours, "SQLite LIKE": like, "FTS5 trigram": trigram}


def main() -> int:
    if only := child():
        print(json.dumps(WAYS[only[0]](int(only[1]))))
        return 0
    sizes = tuple(map(int, sys.argv[1:])) or SIZES
    print("| groups x 3 | | build s | first key ms | median key ms | slowest key ms | to dianzhi | peak MB |")
    print("|---|---|---|---|---|---|---|---|")
    last: dict[str, dict] = {}
    for groups in sizes:
        own = 1.0
        for way in WAYS:
            one = last[way] = alone(__file__, way, groups)
            keys = [key * 1000 for key in one["keys"]]
            middle = statistics.median(keys)
            own = middle if way == "dianzhi" else own
            print(
                f"| {groups:,} | {way} | {one['build']:.2f} | {keys[0]:.1f} | {middle:.1f} | {max(keys):.1f} |"
                f" {middle / own:.1f} | {one['peak']:.0f} |"
            )
    print(f"\nFound of {sizes[-1]:,} x 3 when each line is typed to its end:\n")
    print("| typed | " + " | ".join(WAYS) + " |")
    print("|---" * (len(WAYS) + 1) + "|")
    for line in TYPED:
        print(f"| {line} | " + " | ".join(str(last[way]["found"].get(line, 0)) for way in WAYS) + " |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
