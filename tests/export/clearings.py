"""Clearings made by hand: vector D of the specification under any pack, and a region of many institutions."""

from __future__ import annotations

import random
from fractions import Fraction
from pathlib import Path

from core.findings import Finding
from core.rules import packs, steps
from core.rules.circular import Pack
from core.rules.sheet import BudgetLine, Clearing, FundSheet, Institution, Stamps

# Domain 10 D: institutions A, B, C.
VECTOR_D = {
    "score": ["9000.1234", "6000.5678", "3000.3333"],
    "total_cost": ["85000000", "50000000", "24000000"],
    "booked": ["56100000", "35000000", "18000000"],
    "audit_deduction": ["120000.00", "80000.55", "0"],
    "monthly_paid": ["48000000", "30000000", "15000000"],
    "advance": ["3000000", "2000000", "1000000"],
}
REGION_D = {"budget": "130000000", "outside_card": "20000000", "outside_manual": "5000000"}
LINES_D = (
    BudgetLine("dip_budget", 125_000_000_00, "2024-01-31", "=文件一"),
    BudgetLine("dip_topup", 5_000_000_00, "2024-09-30", "文件二"),
    BudgetLine("outside_card", 20_000_000_00),
    BudgetLine("outside_manual", 5_000_000_00),
    BudgetLine("outpatient", 1_000_00),
)


def stamps(pack: Pack, synthetic: bool = True) -> Stamps:
    return Stamps(
        region="350900", workspace="vector D", synthetic=synthetic, pack=pack.id, pack_hash=pack.hash,
        set_name="=2024 正式", set_hash="ab" * 32, set_state="draft", catalogue="2024", grouping="official",
        data_hash="cd" * 32, parameters=dict(pack.changed), references={"level": 3, "none": 1},
        counts={"rows": 5, "in_scope": 4, "refund_pair": 1}, run_hash="ef" * 32,
    )


def fund_sheet(
    pack: Pack, fund: str, region: dict[str, Fraction], columns: dict[str, list[Fraction]],
    institutions: tuple[Institution, ...], lines: tuple[BudgetLine, ...] = (),
) -> FundSheet:
    """Run the pack's steps; an input that is not given is zero."""
    count = len(institutions)
    given = {name: columns.get(name, [Fraction(0)] * count) for name in pack.inputs("institution")}
    facts = {name: region.get(name, Fraction(0)) for name in pack.inputs("region")}
    values = steps.run(pack, facts, given, [one.code for one in institutions], fund)
    return FundSheet(fund, institutions, values.region, values.institutions, lines)


def clearing(pack: Pack, *funds: FundSheet, synthetic: bool = True) -> Clearing:
    found = (Finding("no_assessments", "note", values={"year": "2024"}),)
    return Clearing(pack, 2024, funds, stamps(pack, synthetic), found)


def vector_d(source: str | Path = "ningde-2024", fund: str = "employee", **parameters: str) -> Clearing:
    pack = packs.load(source, {name.replace("__", "."): value for name, value in parameters.items()})
    columns = {name: [Fraction(value) for value in values] for name, values in VECTOR_D.items()}
    columns["own_pay"] = [t - a for t, a in zip(columns["total_cost"], columns["booked"], strict=True)]
    columns["cases"] = [Fraction(n) for n in (9000, 6000, 3000)]
    columns["base_score"] = columns["score"]
    columns["coefficient"] = [Fraction(1), Fraction("0.94"), Fraction("0.777")]
    named = (
        Institution("A", "=甲医院", 3, "蕉城区"),
        Institution("B", "+乙医院", 2, "@福安市"),
        Institution("C", "丙医院", 1),
    )
    region = {name: Fraction(value) for name, value in REGION_D.items()}
    return clearing(pack, fund_sheet(pack, fund, region, columns, named, LINES_D))


def many(source: str | Path = "ningde-2024", count: int = 155, seed: int = 7) -> Clearing:
    """Both funds of a region with invented figures of real size."""
    pack = packs.load(source)
    draw = random.Random(seed)
    sheets: list[FundSheet] = []
    for fund, scale in (("employee", 560), ("resident", 2380)):
        weights = [draw.paretovariate(1.1) for _ in range(count)]
        score = [Fraction(round(w * scale / sum(weights) * count * 10_000), 10_000) for w in weights]
        cost = [Fraction(int(s * draw.randrange(900_000, 1_100_000)), 100) for s in score]
        booked = [Fraction(int(c * draw.randrange(55, 75)), 100) for c in cost]
        other = [Fraction(int(c * draw.randrange(0, 5)), 100) for c in cost]
        columns = {
            "cases": [Fraction(round(s)) for s in score], "base_score": score, "score": score,
            "coefficient": [Fraction(draw.randrange(600, 1100), 1000) for _ in score],
            "total_cost": cost, "booked": booked, "other_pay": other,
            "own_pay": [c - b - o for c, b, o in zip(cost, booked, other, strict=True)],
            "audit_deduction": [Fraction(b // 200) for b in booked],
            "monthly_paid": [Fraction(b * 9 // 10) for b in booked],
            "assessment_score": [Fraction(draw.randrange(7000, 10_000), 100) for _ in score],
            "retention": [Fraction(b // 50) for b in booked],
        }
        total = sum(booked, Fraction(0))
        region = {"budget": total, "outside_card": Fraction(total // 7)}
        region["outside_manual"] = Fraction(total // 70)
        named = tuple(
            Institution(f"H3509{i:07d}", f"虚拟{i}医院", 1 + i % 3, "蕉城区") for i in range(count)
        )
        sheets.append(fund_sheet(pack, fund, region, columns, named))
    return clearing(pack, *sheets)
