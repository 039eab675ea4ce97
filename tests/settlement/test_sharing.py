"""Vector D's chain with its invented tiers, kept in a pack of the workspace: to the fen, tried as kept, effect by both ways.

The tiers are INVENTED (domain 10 D): no city's percentages are known.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from region import Region

from core.faults import Refused
from core.money import yuan
from core.rules import packs
from core.rules.pack_text import Fill
from core.settlement import annual, assessment_effect, chain, own_packs, sharing
from core.settlement.clearing import clear

A, B, C = "H35090000001", "H35090000002", "H35090000003"
CASES = (
    (A, "A01.0:g", "4000.0617", "40000000.00", "26100000.00"), (A, "A02.0:g", "5000.0617", "45000000.00", "30000000.00"),
    (B, "B01.0:g", "2500.5678", "20000000.01", "15000000.00"), (B, "B02.0:g", "3500.0000", "29999999.99", "20000000.00"),
    (C, "C01.0:g", "3000.3333", "24000000.00", "18000000.00"),
)  # fmt: skip
INVENTED = "虚构，仅供测试"
TIERS = Fill(
    "table", "sharing",
    rows=(("", "0.80", "booked"), ("0.80", "<=1", "due"), ("1", "", "due + min(booked - audit_deduction - due, due * 0.10) * 0.60")),
    document=INVENTED, evidence="D",
)  # fmt: skip
FACTORS = Fill("table", "assessment_factor", rows=(("", "98.5", "0.98"), ("98.5", "100", "0.99"), ("100", "", "1")), document=INVENTED, evidence="D")


@pytest.fixture
def vector(region: Region) -> Region:
    region.institutions((A, "甲医院", 2), (B, "乙医院", 5), (C, "丙医院", 8))
    region.groups(*({"dip_code": group, "score": score} for _, group, score, _, _ in CASES))
    region.coefficients(*((code, "all", "base", "", "1") for code in (A, B, C)))
    region.cases(*(
        {"setl_id": group, "institution": code, "fee": fee, "group": group, "booked": booked} for code, group, _, fee, booked in CASES
    ))  # fmt: skip
    region.budget(
        ("employee", "dip_budget", "100000000"), ("employee", "dip_topup", "30000000"), ("employee", "outside_card", "20000000"),
        ("employee", "outside_manual", "5000000"),
    )  # fmt: skip
    region.payments(*(
        (code, "employee", "2024", kind, amount)
        for code, paid, capital in ((A, "48000000", "3000000"), (B, "30000000", "2000000"), (C, "15000000", "1000000"))
        for kind, amount in (("monthly", paid), ("advance", capital))
    ))  # fmt: skip
    region.deductions((A, "employee", "202406", "audit", "120000.00"), (B, "employee", "202407", "audit", "80000.55"))
    region.assessments((A, "100", "99"), (B, "100", "100"), (C, "100", "98"))
    return region


def shown(values: tuple[Fraction, ...]) -> list[str]:
    return [yuan(int(value * 100)) for value in values]


def test_the_chain_with_invented_tiers_in_the_workspaces_own_pack(vector: Region) -> None:
    workspace = vector.workspace
    shipped = own_packs.load(workspace, "ningde-2024")
    kept = sharing.keep(workspace, shipped, [TIERS], "试验")
    assert (kept.pack, kept.new) == ("ningde-2024-own", True)
    again = sharing.keep(workspace, own_packs.load(workspace, kept.pack), [FACTORS], "试验")
    assert (again.pack, again.new) == (kept.pack, False)
    pack = own_packs.load(workspace, kept.pack)
    assert (pack.tables["sharing"].evidence, pack.tables["sharing"].rows[1].closed) == ("D", True)
    assert any(one.number == INVENTED for one in pack.documents)
    sheet = clear(workspace, 2024, pack, store=False).fund("employee")
    assert shown(sheet.values["due"]) == ["48546654.07", "36635280.76", "19818065.47"]
    # 55,980,000.00 / 48,546,654.07; 34,919,999.45 / 36,635,280.76; 18,000,000 / 19,818,065.47
    assert [f"{float(one):.6f}" for one in sheet.values["share_rate"]] == ["1.153118", "0.953180", "0.908262"]
    assert shown(sheet.values["after_share"]) == ["51459453.31", "36635280.76", "19818065.47"]
    assert sheet.values["assessment"] == (Fraction("0.99"), 1, Fraction("0.98"))
    assert shown(sheet.values["after_assessment"]) == ["50944858.78", "36635280.76", "19421704.16"]
    assert shown(sheet.values["final"]) == ["-175141.22", "4555280.21", "3421704.16"]
    # Both edits undone: the shipped pack alone.
    workspace.ledger.undo()
    workspace.ledger.undo()
    assert [head.id for head in own_packs.available(workspace)] == [head.id for head in packs.available()]


def test_tried_tiers_are_what_keeping_them_gives(vector: Region) -> None:
    workspace = vector.workspace
    shipped = own_packs.load(workspace, "ningde-2024")
    clearing = clear(workspace, 2024, shipped, store=False)
    assert clearing.fund("employee").values["after_share"] == clearing.fund("employee").values["due"]
    proposed = sharing.proposed(workspace, shipped, [TIERS])
    tried = chain.again(clearing, pack=proposed)[0]
    assert own_packs.stored(workspace.reader()) == {}
    kept = sharing.keep(workspace, shipped, [TIERS])
    full = clear(workspace, 2024, own_packs.load(workspace, kept.pack), store=False).fund("employee")
    assert (tried.region, tried.values) == (full.region, full.values)
    table = sharing.worksheet(clearing, "employee", "zh", after=(proposed, tried))
    assert list(table.cells["tier"]) == ["空表"] * 3
    assert list(table.cells["tier_tried"]) == ["1 < x", "0.8 ≤ x ≤ 1", "0.8 ≤ x ≤ 1"]
    assert shown(tuple(table.cells["shared_tried"])) == ["2912799.24", "0.00", "0.00"]  # 51,459,453.31 - 48,546,654.07


def test_an_edge_that_belongs_below_stays_so_when_the_table_is_kept_again(vector: Region) -> None:
    workspace = vector.workspace
    kept = sharing.keep(workspace, own_packs.load(workspace, "ningde-2024"), [TIERS])
    pack = own_packs.load(workspace, kept.pack)
    from core.rules.pack_text import rows_of

    rows = rows_of(pack.tables["sharing"])
    assert [row[1] for row in rows] == ["0.8", "<=1", ""]
    sharing.keep(workspace, pack, [replace(TIERS, rows=rows, article="第二条")])
    assert own_packs.load(workspace, kept.pack).tables["sharing"].rows == pack.tables["sharing"].rows


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        # booked / due, audit left in: 56,100,000 / 48,546,654.07
        ("share_gross", [Fraction(5_610_000_000, 4_854_665_407), Fraction(3_500_000_000, 3_663_528_076), Fraction(1_800_000_000, 1_981_806_547)]),
        # the region's: (109,100,000 - 200,000.55) / 105,000,000, the same for everyone
        ("share_region", [Fraction(10_889_999_945, 10_500_000_000)] * 3),
    ],
)
def test_other_bases_are_a_parameter(vector: Region, option: str, expected: list[Fraction]) -> None:
    pack = packs.load("ningde-2024", {"sharing_basis": option})
    sheet = clear(vector.workspace, 2024, pack, store=False).fund("employee")
    assert list(sheet.values["share_rate"]) == expected
    cost = clear(vector.workspace, 2024, packs.load("ningde-2024", {"sharing_basis": "share_cost"}), store=False).fund("employee")
    assert list(cost.values["share_rate"]) == [a / b for a, b in zip(cost.values["total_cost"], cost.values["gross"], strict=True)]


def test_what_the_score_does_to_money(vector: Region) -> None:
    """At full marks A has 51,459,453.31 - 120,000 - 51,000,000 = 339,453.31: the score costs it 514,594.53."""
    workspace = vector.workspace
    shipped = own_packs.load(workspace, "ningde-2024")
    nothing = assessment_effect.effect(workspace, 2024, shipped)
    assert not nothing.moves
    assert nothing.cost("employee") == 0
    assert [(way.step.id, way.filled) for way in nothing.ways] == [("share_factor", False), ("assessment", False), ("retention_return", False)]
    pack = sharing.proposed(workspace, shipped, [TIERS, FACTORS])
    found = assessment_effect.effect(workspace, 2024, pack, tried={C: Fraction(100)})
    assert found.moves
    sheet = assessment_effect.worksheet(found, "employee", "zh")
    at = {code: i for i, code in enumerate(sheet.keys)}
    assert list(sheet.keys)[:2] == [A, C]  # who lost most first
    assert shown((sheet.cells["by_score"][at[A]], sheet.cells["by_score"][at[B]], sheet.cells["by_score"][at[C]])) == [
        "-514594.53", "0.00", "-396361.31",
    ]  # fmt: skip
    assert yuan(int(found.cost("employee") * 100)) == "-910955.84"
    assert shown((sheet.cells["change"][at[A]], sheet.cells["change"][at[C]])) == ["0.00", "396361.31"]
    for bad in ({A: Fraction(101)}, {A: Fraction(-1)}, {"H9": Fraction(50)}):
        with pytest.raises(Refused, match="cells_refused"):
            assessment_effect.of(found.clearing, bad)


def test_trying_scores_is_what_a_clearing_of_those_scores_gives(vector: Region) -> None:
    """The second way: the same points entered into the workspace and everything cleared again."""
    from core.settlement.assessment import Cell, enter

    workspace = vector.workspace
    pack = sharing.proposed(workspace, own_packs.load(workspace, "ningde-2024"), [TIERS, FACTORS])
    found = assessment_effect.effect(workspace, 2024, pack, tried={A: Fraction(50), B: Fraction(99)})
    enter(workspace, 2024, [Cell(A, "总分", "points", "50"), Cell(B, "总分", "points", "99")])
    full = clear(workspace, 2024, pack, store=False).fund("employee")
    assert found.after is not None
    assert found.after[0].values == full.values


def test_the_score_may_move_the_sharing_ratio(vector: Region) -> None:
    """Half of the overspend's 60 % below 99.5 points: 48,546,654.07 + 4,854,665.407 x 0.6 x 0.5 = 50,003,053.69."""
    workspace = vector.workspace
    half = Fill("table", "share_by_score", rows=(("", "99.5", "0.5"), ("99.5", "", "1")), document=INVENTED, evidence="D")
    shipped = own_packs.load(workspace, "ningde-2024")
    unheard = sharing.proposed(workspace, shipped, [TIERS, half])
    assert not next(way for way in assessment_effect.ways(unheard) if way.table == "share_by_score").filled
    named = replace(TIERS, rows=(*TIERS.rows[:2], ("1", "", f"{TIERS.rows[2][2]} * share_factor")))
    pack = sharing.proposed(workspace, shipped, [named, half])
    assert next(way for way in assessment_effect.ways(pack) if way.table == "share_by_score").filled
    sheet = clear(workspace, 2024, pack, store=False).fund("employee")
    assert shown(sheet.values["after_share"])[0] == "50003053.69"


def test_wrong_tiers_name_their_row_and_keep_nothing(vector: Region) -> None:
    workspace = vector.workspace
    shipped = own_packs.load(workspace, "ningde-2024")
    gap = replace(TIERS, rows=(("", "0.8", "booked"), ("0.9", "", "due")))
    broken = replace(TIERS, rows=(("", "0.8", "booked"), ("0.8", "", "due +")))
    unknown = replace(TIERS, rows=(("", "0.8", "nobody"), ("0.8", "", "due")))
    for fill, row in ((gap, 2), (broken, 2), (unknown, 1)):
        for act in (sharing.proposed, sharing.keep):
            with pytest.raises(Refused) as refused:
                act(workspace, shipped, [fill])
            assert refused.value.code == "pack_invalid"
            assert refused.value.findings[0].row == row
    assert own_packs.stored(workspace.reader()) == {}


def test_three_meanings_of_surplus(vector: Region) -> None:
    workspace = vector.workspace
    pack = own_packs.load(workspace, "ningde-2024")
    scored = annual.score_cases(workspace, 2024, pack)
    clearing = annual.sheets(pack, scored)
    found = sharing.surpluses(clearing, scored, "employee", "zh")
    assert list(found.cells["meaning"]) == ["区域结余", "机构结余", "病种结余"]
    net = dict(zip(found.keys, found.cells["net"], strict=True))
    # 105,000,000 - (109,100,000 - 200,000.55)
    assert net["region"] == Fraction("-3899999.45")
    # -7,433,345.93 + 1,715,281.31 + 1,818,065.47: what is due is 0.30 above the fund.
    assert net["institution"] == Fraction("-3899999.15")
    # 18,001.0245 x 8605.0658 - 159,000,000, group by group
    assert net["disease"] == Fraction("18001.0245") * Fraction("8605.0658") - 159_000_000
    groups = sharing.diseases(clearing, scored, "employee", "zh")
    assert sum(groups.cells["total_cost"]) == 159_000_000
    assert sorted(groups.keys) == sorted(group for _, group, _, _, _ in CASES)


def test_an_empty_table_says_what_holds(vector: Region) -> None:
    table = sharing.tiers(packs.load("ningde-2024"), lang="zh")
    assert [table.cells[name][0] for name in ("interval", "value", "words")] == ["空表", "due", "统筹应支付"]
