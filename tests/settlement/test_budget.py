"""Budget lines through the ledger, the chain from the total to the fund available, and proposals, by arithmetic written out."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from region import Region

from core.faults import Refused, Usage
from core.rules import packs
from core.settlement import budget, budget_chain
from core.settlement.budget import Line, LineEdit
from core.settlement.clearing import clear
from core.texts import Texts

FUND, YEAR = "employee", 2024


def yuan(amount: int) -> int:
    return amount * 100


def row(setl_id: str, institution: str, fee: str, **more: object) -> dict[str, object]:
    return {"setl_id": setl_id, "institution": institution, "fee": fee, **more}


WHOLE = (
    Line("income:征缴收入", yuan(900), "2024-01-10", "甲"), Line("income:财政补助", yuan(100), "2024-01-10", "甲"),
    Line("outpatient", yuan(200)), Line("chronic", yuan(100)), Line("alliance", yuan(50)), Line("other:床日", yuan(30)),
    Line("reserve", yuan(20)), Line("dip_budget", yuan(580), "2024-01-10", "甲"), Line("dip_topup", yuan(40), "2024-09-01", "乙"),
    Line("dip_topup", yuan(-5), "2024-11-01", "丙"), Line("outside_card", yuan(90)), Line("outside_manual", yuan(10)),
)  # fmt: skip


def put(region: Region, *lines: Line, year: int = YEAR, fund: str = FUND) -> None:
    budget.edit(region.workspace, year, fund, [LineEdit(None, one) for one in lines], "年初下达")


def amounts(links: tuple[budget_chain.Link, ...]) -> dict[str, int | None]:
    return {one.id: one.amount for one in links}


def test_the_chain_by_hand() -> None:
    found = amounts(budget_chain.chained(WHOLE, yuan(7)))
    assert found["total"] == yuan(1000)
    assert found["left"] == yuan(600)  # 1000 - 200 - 100 - 50 - 30 - 20
    assert found["budget"] == yuan(615)  # 580 + 40 - 5
    assert found["unassigned"] == yuan(20)  # 600 - 580, as first set
    assert found["dip_fund"] == yuan(515)  # 615 - 90 - 10: patients elsewhere are taken off once
    assert found["available"] == yuan(508)


@given(st.permutations(WHOLE))
def test_the_chain_hangs_on_no_order(lines: list[Line]) -> None:
    sums = ("total", "left", "budget", "unassigned", "dip_fund", "available")
    one, other = amounts(budget_chain.chained(lines, 0)), amounts(budget_chain.chained(WHOLE, 0))
    assert [one[id] for id in sums] == [other[id] for id in sums]


def test_what_nobody_entered_is_empty_and_says_so(region: Region) -> None:
    put(region, Line("dip_budget", yuan(580)))
    links = {one.id: one for one in budget_chain.links(region.workspace.reader(), YEAR, FUND, "350900")}
    assert links["total"].amount is None
    assert links["total"].why == "no_income"
    assert links["outpatient"].amount is None
    assert links["outside_card"].why == "not_entered"
    assert links["dip_fund"].amount is None
    assert links["dip_fund"].missing == ("outside_card", "outside_manual")
    assert links["available"].amount is None
    assert links["budget"].amount == yuan(580)
    sheet = budget_chain.chain(region.workspace.reader(), YEAR, FUND, "350900", "zh")
    row = list(sheet.keys).index("dip_fund")
    assert sheet.cells["amount"][row] is None
    assert sheet.cells["why"][row] == "缺少：异地联网住院、住院手工（零星）报销"


def test_items_beyond_the_total_are_marked() -> None:
    links = {one.id: one for one in budget_chain.chained([Line("income:a", 100), Line("reserve", 30), Line("dip_budget", 90)], 0)}
    assert (links["unassigned"].amount, links["unassigned"].why) == (-20, "over")


def test_the_end_of_the_chain_is_what_a_clearing_has(region: Region) -> None:
    region.institutions(("H1", "一院", 2))
    region.groups({"dip_code": "K35.3:g", "score": "1", "mean_fee": 1_000_00})
    region.coefficients(("H1", "all", "base", "", "1"))
    region.cases(row("1", "H1", "1000"), row("2", "H1", "1000", booked="333.33"), row("3", "H1", "1000"))
    region.special(("2", "by_item", None))
    put(region, *WHOLE)
    cleared = clear(region.workspace, YEAR, packs.load("ningde-2024"), funds=(FUND,), store=False)
    available = amounts(budget_chain.links(region.workspace.reader(), YEAR, FUND, "350900"))["available"]
    assert available == 515_00 - 333_33
    assert cleared.funds[0].region["fund_available"] == Fraction(available, 100)


def test_by_item_cases_are_those_that_the_pack_counts(region: Region) -> None:
    """A patient of the province counts where the pack takes the province in; what a pack leaves to its fee beside is said."""
    region.institutions(("H1", "一院", 2))
    region.groups({"dip_code": "K35.3:g", "score": "1", "mean_fee": 1_000_00})
    region.coefficients(("H1", "all", "base", "", "1"))
    region.cases(
        row("1", "H1", "1000"), row("2", "H1", "1000", booked="333.33"), row("3", "H1", "1000", booked="50", group=None),
        row("4", "H1", "1000", booked="200.00", insu_admdvs="350102"), row("5", "H1", "1000", booked="9", insu_admdvs="440100"),
    )  # fmt: skip
    region.special(("2", "by_item", None), ("4", "by_item", None), ("5", "by_item", None))
    put(region, *WHOLE)
    connection = region.workspace.reader()
    for province, paid in (("false", 333_33), ("true", 533_33)):
        pack = packs.load("ningde-2024", {"intra_province": province})
        links = budget_chain.links(connection, YEAR, FUND, "350900", pack.case)
        assert amounts(links)["available"] == 515_00 - paid and not any(one.why == "ungrouped_apart" for one in links)
        cleared = clear(region.workspace, YEAR, pack, funds=(FUND,), store=False)
        assert cleared.funds[0].region["fund_available"] == Fraction(515_00 - paid, 100)
    pack = packs.load("ningde-2024", {"ungrouped": "actual_fee"})
    links = {one.id: one for one in budget_chain.links(connection, YEAR, FUND, "350900", pack.case)}
    cleared = clear(region.workspace, YEAR, pack, funds=(FUND,), store=False)
    assert cleared.funds[0].region["fund_available"] == Fraction(links["available"].amount - 50_00, 100)
    for lang, said in (("zh", "未入组"), ("en", "ungrouped")):
        assert all(said in budget_chain.said(links[id], Texts(lang)) for id in ("by_item", "available"))


def test_one_edit_one_undo(region: Region) -> None:
    put(region, *WHOLE)
    before = budget.lines(region.workspace.reader(), YEAR, FUND)
    top, card = Line("dip_topup", yuan(40), "2024-09-01", "乙"), Line("outside_card", yuan(90))
    line = budget.edit(
        region.workspace, YEAR, FUND,
        [
            LineEdit(top, Line("dip_topup", yuan(45), "2024-09-12", "乙")),  # another day: another line
            LineEdit(card, Line("outside_card", yuan(91))),
            LineEdit(Line("reserve", yuan(20)), None),
            LineEdit(None, Line("other:透析", yuan(1), "2024-01-10", "甲")),
        ],
        "核对后更正",
    )  # fmt: skip
    assert (line.why, line.subject) == ("核对后更正", "2024 employee other:透析 +3")
    # Plain SQL, the second way.
    rows = region.workspace.reader().execute(
        "SELECT item, document, date, amount FROM budget WHERE year = 2024 AND fund = 'employee'"
        " AND (item IN ('dip_topup', 'outside_card', 'reserve') OR item LIKE 'other:%') ORDER BY 1, 3"
    ).fetchall()
    assert rows == [
        ("dip_topup", "乙", "2024-09-12", 45_00), ("dip_topup", "丙", "2024-11-01", -5_00),
        ("other:床日", "", "", 30_00), ("other:透析", "甲", "2024-01-10", 1_00), ("outside_card", "", "", 91_00),
    ]  # fmt: skip
    region.workspace.ledger.undo()
    assert budget.lines(region.workspace.reader(), YEAR, FUND) == before
    region.workspace.ledger.redo()
    assert region.workspace.reader().execute("SELECT sum(amount) FROM budget WHERE item = 'dip_topup'").fetchone() == (40_00,)
    assert region.workspace.ledger.check() == []


def test_lines_change_places_in_one_edit(region: Region) -> None:
    one, other = Line("reserve", 1, "2024-01-01", "a"), Line("reserve", 2, "2024-01-01", "b")
    put(region, one, other)
    swapped = [LineEdit(one, Line("reserve", 1, "2024-01-01", "b")), LineEdit(other, Line("reserve", 2, "2024-01-01", "a"))]
    budget.edit(region.workspace, YEAR, FUND, swapped, "文号填反")
    assert [(x.document, x.amount) for x in budget.lines(region.workspace.reader(), YEAR, FUND)] == [("a", 2), ("b", 1)]


def test_a_stale_edit_is_refused_with_both_values(region: Region) -> None:
    put(region, Line("reserve", yuan(20)), Line("chronic", yuan(10)))
    seen = Line("reserve", yuan(20))
    budget.edit(region.workspace, YEAR, FUND, [LineEdit(seen, Line("reserve", yuan(25)))], "他人")
    lines = len(region.workspace.ledger.lines())
    edits = [LineEdit(Line("chronic", yuan(10)), None), LineEdit(seen, Line("reserve", yuan(30)))]
    with pytest.raises(Refused) as refused:
        budget.edit(region.workspace, YEAR, FUND, edits, "我")
    assert refused.value.code == "stale_edit"
    assert (refused.value.values["expected"], refused.value.values["found"]) == ("20.00", "25.00")
    assert [one.code for one in refused.value.findings] == ["budget_stale"]
    with pytest.raises(Refused) as refused:
        budget.edit(region.workspace, YEAR, FUND, [LineEdit(Line("alliance", 5), None)], "没有这行")
    assert refused.value.values["found"] == "—"
    assert len(region.workspace.ledger.lines()) == lines
    assert {one.item: one.amount for one in budget.lines(region.workspace.reader(), YEAR, FUND)} == {
        "chronic": yuan(10), "reserve": yuan(25),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (Line("dip", 1), "budget_item_unknown"), (Line("other:", 1), "budget_item_unknown"),
        (Line("reserve:x", 1), "budget_item_unknown"), (Line("income: a", 1), "budget_item_unknown"),
        (Line("reserve", -1), "budget_negative"), (Line("reserve", 10**15), "budget_too_large"),
        (Line("reserve", 1, "20240101"), "budget_date"), (Line("reserve", 1, "2024-02-30"), "budget_date"),
        (Line("reserve", 1, "2024-W01-1"), "budget_date"), (Line("reserve", 1, "", " 甲"), "budget_document"),
        (Line("reserve", 1, "", "甲\n乙"), "budget_document"),
    ],
)  # fmt: skip
def test_bad_lines_are_refused_and_nothing_is_written(region: Region, line: Line, code: str) -> None:
    with pytest.raises(Refused) as refused:
        put(region, Line("chronic", 1), line)
    assert [one.code for one in refused.value.findings] == [code]
    assert budget.lines(region.workspace.reader(), YEAR, FUND) == ()


def test_an_edit_wants_a_reason_a_place_and_a_change(region: Region) -> None:
    line = Line("reserve", 1)
    for year, fund, why, edits, code in (
        (YEAR, FUND, "  ", [LineEdit(None, line)], "budget_reason"),
        (YEAR, "other", "x", [LineEdit(None, line)], "budget_refused"),
        (1066, FUND, "x", [LineEdit(None, line)], "budget_refused"),
        (YEAR, FUND, "x", [LineEdit(None, line), LineEdit(None, line)], "budget_refused"),
        (YEAR, FUND, "x", [], "nothing_changed"),
    ):
        with pytest.raises(Refused) as refused:
            budget.edit(region.workspace, year, fund, edits, why)
        assert refused.value.code == code
    put(region, line)
    with pytest.raises(Refused) as refused:
        put(region, Line("reserve", 2))
    assert refused.value.findings[0].code == "budget_line_there"
    with pytest.raises(Refused, match="nothing_changed"):
        budget.edit(region.workspace, YEAR, FUND, [LineEdit(line, line)], "x")


def test_amounts_as_people_write_them() -> None:
    for text, fen in (("1,234.50", 123450), (" 8 ", 800), ("1.5万", 1_500_000), ("0.000001万元", 1), ("-3元", -300), ("１２", None)):
        if fen is None:
            continue
        assert budget.amount_of(text) == fen
    for text in ("", "abc", "1e5", "0.001", "0.0000001万", "1..2", "NaN", "万"):
        with pytest.raises(Refused, match="budget_amount"):
            budget.amount_of(text)


def test_doubts() -> None:
    said = budget.doubts([Line("dip_topup", 5, "", "文"), Line("reserve", 1, "2024-01-01"), Line("reserve", 2)], 2024)
    assert [one.code for one in said] == ["budget_topup_bare", "budget_several"]
    assert said[1].value == "0.03"
    assert budget.doubts([Line("dip_topup", 5, "2024-12-31", "文")], 2024) == []


def test_a_top_up_of_another_year_is_marked_and_counts(region: Region) -> None:
    """Decided in the next year before the clearing, or, more likely a slip, before the year."""
    lines = [Line("dip_budget", 7), Line("dip_topup", 5, "2025-01-20", "文"), Line("dip_topup", 3, "2023-12-31", "文")]
    said = budget.doubts(lines, 2024)
    assert [(one.code, one.severity, one.value) for one in said] == [
        ("budget_topup_later", "warning", "0.05"), ("budget_topup_before", "warning", "0.03"),
    ]  # fmt: skip
    assert amounts(budget_chain.chained(lines, 0))["budget"] == 15
    for lang in ("zh", "en"):
        assert "2025-01-20" in Texts(lang).finding(said[0]) and "2024" in Texts(lang).finding(said[0])


def test_three_ways_to_a_dip_budget_and_none_is_written(region: Region) -> None:
    put(region, *WHOLE)
    put(region, Line("income:a", yuan(800)), Line("dip_budget", yuan(480)), Line("dip_topup", yuan(20), "2023-09-01", "x"),
        year=2023)  # fmt: skip
    connection = region.workspace.reader()
    lines = len(region.workspace.ledger.lines())
    by_item = budget_chain.propose(connection, YEAR, FUND, "by_item")
    assert by_item.amount == yuan(600)
    assert sum(value for id, value, _ in by_item.working if id != "proposed") == 600
    ratio = budget_chain.propose(connection, YEAR, FUND, "ratio")
    assert ratio.amount == yuan(600)  # 480 / 800 * 1000
    assert budget_chain.propose(connection, YEAR, FUND, "ratio", topups=True).amount == yuan(625)  # 500 / 800 * 1000
    growth = budget_chain.propose(connection, YEAR, FUND, "growth", growth=" 9.95% ")
    assert growth.amount == 52776  # 480 * 1.0995 = 527.76
    assert budget_chain.propose(connection, YEAR, FUND, "growth", growth="0.0001").amount == 48000  # 480.00048 to the fen
    assert len(region.workspace.ledger.lines()) == lines
    assert by_item.replaces == budget.lines(connection, YEAR, FUND)[7]
    budget.edit(region.workspace, YEAR, FUND, [growth.change("2024-01-10", "甲")], "按增长率")
    assert amounts(budget_chain.links(connection, YEAR, FUND))["budget"] == 52776 + 40_00 - 5_00


def test_ningde_2025_by_growth(region: Region) -> None:
    """A2: 31.35 and 9.9522 per cent come to 34.47 (hundred million)."""
    put(region, Line("dip_budget", yuan(3_135_000_000)))
    found = budget_chain.propose(region.workspace.reader(), 2025, FUND, "growth", growth="9.9522")
    assert found.amount == round(Fraction(3_135_000_000_00) * Fraction(1099522, 1000000))
    assert f"{found.amount / 1e10:.2f}" == "34.47"


def test_what_cannot_be_proposed(region: Region) -> None:
    connection = region.workspace.reader()
    put(region, Line("dip_budget", yuan(5)))
    for year, method, growth, code in (
        (YEAR, "by_item", "", "budget_no_income"), (YEAR, "ratio", "", "budget_no_last_dip"),
        (2025, "ratio", "", "budget_no_last_income"), (2025, "growth", "", "budget_growth"),
        (2025, "growth", "-101", "budget_growth"), (2025, "growth", "ten", "budget_growth"),
    ):  # fmt: skip
        with pytest.raises(Refused, match=code):
            budget_chain.propose(connection, year, FUND, method, growth=growth)
    with pytest.raises(Usage):
        budget_chain.propose(connection, YEAR, FUND, "guess")
    put(region, Line("income:a", yuan(1)), Line("reserve", yuan(2)))
    with pytest.raises(Refused, match="budget_below_zero"):
        budget_chain.propose(connection, YEAR, FUND, "by_item")
    put(region, Line("dip_budget", yuan(6), "2024-02-01"))
    with pytest.raises(Refused, match="budget_several_dip"):
        budget_chain.propose(connection, YEAR, FUND, "by_item")
