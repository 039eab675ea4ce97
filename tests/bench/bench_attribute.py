"""Why the point value and every institution's score moved between two years: `bench_attribute.py [SCALE | WORKSPACE ...]`.

The demonstration region at one case in SCALE (1: 470,000 cases a year), 2023 against 2024, both funds, after both years are
scored. scores: cells of both funds and the six parts of every institution; values: the ten parts of both point values.
sheets: institutions, one institution's drivers, and what every bar of one point value stands on. The peer, where there
are few enough cells, is the same model plainly: every cell's product for every subset of factors as a Fraction, rounded to
twelve decimals and summed, and the parts from these tables by the definition; the results are held against each other.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from measuring import alone, child, peak

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

SIZES = ("50", "10", "1")
YEARS = (2023, 2024)
FEW = 20_000  # cells that the peer can do in minutes


def ours(path: Path) -> dict[str, float]:
    from core.analysis import attribution, attribution_sheets
    from core.rules import packs
    from core.settlement import annual
    from core.storage.workspace import Workspace

    pack = packs.load("ningde-2024")
    with Workspace.open(path, write=False) as workspace:
        start = time.perf_counter()
        cases = sum(len(annual.score_cases(workspace, year, pack).inputs.cases) for year in YEARS)
        scored = time.perf_counter() - start
        before = peak()
        start = time.perf_counter()
        growths = attribution.scores(workspace, *YEARS, pack=pack)
        scores = time.perf_counter() - start
        start = time.perf_counter()
        values = [attribution.point_value(workspace, *YEARS, pack=pack, fund=fund) for fund in growths.funds]
        worth = time.perf_counter() - start
        start = time.perf_counter()
        attribution_sheets.institutions(growths)
        largest = max(growths.items, key=lambda one: one.after)
        growths.drivers(largest.code, largest.fund)
        for bar in values[0].bars:
            values[0].beneath(bar.factor)
        sheets = time.perf_counter() - start
    return {
        "cases": cases, "cells": sum(len(pair.cells) for pair in growths.pairs.values()), "scored": scored, "scores": scores,
        "values": worth, "sheets": sheets, "peak": peak(), "more": peak() - before,
    }  # fmt: skip


def peer(path: Path) -> dict[str, float]:
    from core.analysis import attribution
    from core.analysis.attribution_cells import OF_INSTITUTION, OF_REGION, Cells
    from core.analysis.shapley import shapley
    from core.money import rounded
    from core.rules import packs
    from core.storage.workspace import Workspace

    pack = packs.load("ningde-2024")
    with Workspace.open(path, write=False) as workspace:
        growths = attribution.scores(workspace, *YEARS, pack=pack)
        values = [attribution.point_value(workspace, *YEARS, pack=pack, fund=fund) for fund in growths.funds]

    def worth(cells: Cells, rows: Sequence[int], shares: Sequence[Sequence[Fraction]], n: Sequence[int], mask: int) -> Fraction:
        """rows' products; the last three bits of mask are catalogue, coefficient, realised, the first the number of cases."""
        total = Fraction(0)
        bits = len(shares)
        for at, row in enumerate(rows):
            one = Fraction(n[mask & 1])
            for i, share in enumerate(shares):
                one *= share[2 * at + (mask >> 1 + i & 1)]
            for i, ratio in enumerate((cells.catalogue, cells.coefficient, cells.realised)):
                one *= ratio[mask >> 1 + bits + i & 1].at(row)
            total += rounded(one, 12)
        return total

    start = time.perf_counter()
    worst = Fraction(0)
    for value in values:
        cells = value.pair.cells
        share = [Fraction(int(cells.cases[y][row]), cells.total[y]) for row in range(len(cells)) for y in (0, 1)]
        table = [worth(cells, range(len(cells)), [share], cells.total, mask) for mask in range(32)]
        sheets = value.pair.sheets
        money = {
            "budget": ["budget"], "outside": ["outside_card", "outside_manual"], "by_item": ["by_item"],
            "own_pay": ["own_pay"], "other_pay": ["other_pay"],
        }  # fmt: skip

        def point(changed: frozenset[str], table=table, sheets=sheets, money=money) -> Fraction:  # type: ignore[no-untyped-def]
            figures: dict[str, Fraction] = {}
            for factor, names in money.items():
                sheet = sheets[factor in changed]
                figures |= {name: sheet.region[name] if name in sheet.region else sum(sheet.values[name]) for name in names}
            score = table[sum(1 << i for i, one in enumerate(OF_REGION) if one in changed)]
            available = figures["budget"] - figures["outside_card"] - figures["outside_manual"] - figures["by_item"]
            return rounded((available + figures["own_pay"] + figures["other_pay"]) / score, 4)

        parts = shapley([bar.factor for bar in value.bars], point)
        worst = max([worst, *(abs(bar.amount - parts[bar.factor]) for bar in value.bars)])
    for growth in growths.items:
        cells = growths.pairs[growth.fund].cells
        rows = cells.of(growth.code).tolist()
        n = [sum(int(cells.cases[y][row]) for row in rows) for y in (0, 1)]
        category = [cells.groups[int(cells.group[row])].category for row in rows]
        of = [
            {one: sum(int(cells.cases[y][row]) for row, own in zip(rows, category, strict=True) if own == one) for one in set(category)}
            for y in (0, 1)
        ]  # fmt: skip
        mix, shift = [], []
        for row, own in zip(rows, category, strict=True):
            for y in (0, 1):
                whole = y if n[y] else 1 - y
                mix.append(Fraction(of[whole][own], n[whole]))
                there = y if of[y][own] else 1 - y
                shift.append(Fraction(int(cells.cases[there][row]), of[there][own]))
        table = [worth(cells, rows, [mix, shift], n, mask) for mask in range(64)]
        parts = shapley(OF_INSTITUTION, lambda changed, table=table: table[
            sum(1 << i for i, one in enumerate(OF_INSTITUTION) if one in changed)
        ])  # fmt: skip
        worst = max([worst, *(abs(bar.amount - parts[bar.factor]) for bar in growth.bars)])
    assert worst < Fraction(1, 10**7), float(worst)
    return {"seconds": time.perf_counter() - start, "worst": float(worst)}


def main() -> int:
    if one := child():
        print(json.dumps({"ours": ours, "peer": peer}[one[0]](Path(one[1]))))
        return 0
    print("| cases of two years | cells | scoring both | scores s | values s | together s | sheets s | peak MB | of it attribution | plain Fractions s | times |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for size in sys.argv[1:] or SIZES:
        with tempfile.TemporaryDirectory(prefix="dianzhi-bench-") as folder:
            path = Path(size)
            if size.isdigit():
                from core.demo import build

                path = Path(folder) / "demo.dz"
                build(path, int(size)).close()
            found = alone(__file__, "ours", path, times=3)
            together = found["scores"] + found["values"]
            beside = "| - | - |"
            if found["cells"] <= FEW:
                plain = alone(__file__, "peer", path)["seconds"]
                beside = f"| {plain:.1f} | {plain / together:.0f} |"
            print(
                f"| {found['cases']:,.0f} | {found['cells']:,.0f} | {found['scored']:.2f} | {found['scores']:.2f} | {found['values']:.2f}"
                f" | {together:.2f} | {found['sheets']:.2f} | {found['peak']:.0f} | {found['more']:.0f} {beside}",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
