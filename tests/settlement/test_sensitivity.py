"""Sensitivity against arithmetic written out: a hundredth, thresholds, boundaries; nothing hard-coded, all from the pack."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from region import Region
from test_whatif import made

from core.faults import Cancelled, Refused
from core.money import plain
from core.rules import packs
from core.settlement import annual, gather, sensitivity
from core.settlement.changes import Changes
from core.settlement.coefficients import Cell, edit
from core.settlement.whatif import Pool

GROUP = "K35.3:g"


def two_hospitals(region: Region, fees: list[tuple[str, str]]) -> Pool:
    """A and B at level 2, k = 1, one group of score 1 and reference mean 1,000 yuan; 40 % of each fee is paid by the patient."""
    region.institutions(("A", "甲院", 5), ("B", "乙院", 5))
    region.groups({"dip_code": GROUP, "score": "1", "mean_fee": 100_000})
    region.reference_means((GROUP, "2", "employee", "1000.00"))
    region.coefficients(("A", "all", "base", "", "1"), ("B", "all", "base", "", "1"))
    region.budget(
        ("employee", "dip_budget", "12000.00"), ("employee", "outside_card", "0"), ("employee", "outside_manual", "0")
    )
    region.cases(*({"setl_id": f"S{i:03d}", "institution": at, "fee": fee} for i, (at, fee) in enumerate(fees)))
    return Pool.open(region.workspace, 2024, packs.load("ningde-2024"))


def test_a_hundredth_by_hand(region: Region) -> None:
    """20 cases of 1,000 yuan, half each: (12,000 + 8,000) / 20 = 1,000 a point. With k 1.01 at A 10.1 + 10 points: 20,000 / 20.1 =
    995.0249 a point; A 10.1 x 995.0249 - 4,000 = 6,049.75, B 9,950.25 - 4,000 = 5,950.25."""
    pool = two_hospitals(region, [(at, "1000.00") for at in "AB" for _ in range(10)])
    assert pool.base.fund("employee").region["point_value"] == 1000
    found = sensitivity.hundredth(pool, "A", "employee")
    assert found.outcome.point_value("employee") == (1000, Fraction("995.0249"))
    assert (found.own.before["due"], found.own.after["due"]) == (6000, Fraction("6049.75"))
    assert found.brought == Fraction("49.75")
    assert [(one.code, one.changes["due"]) for one in found.others] == [("B", Fraction("-49.75"))]
    assert found.brought + found.taken == -found.outcome.closing("employee").residual == 0
    sheet = sensitivity.hundredth_sheet(found, "en")
    assert list(sheet.cells["fixmedins_code"]) == ["A", "B"]
    assert sheet.totals["due_change"] == 0


def test_a_hundredth_needs_a_base(region: Region) -> None:
    pool = two_hospitals(region, [("A", "1000.00"), ("B", "1000.00")])
    with pytest.raises(Refused) as refused:
        sensitivity.hundredth(pool, "Z", "employee")
    assert refused.value.code == "whatif_no_base"


def test_cases_at_a_boundary_by_hand(region: Region) -> None:
    """x exactly 0.5, 0.504 and 0.52, then 1 and 2 exactly: near 0.5 there are 1, 2, 3 cases; turned to <=, the first scores 0.5
    instead of 1."""
    fees = [("A", "500.00"), ("A", "504.00"), ("B", "520.00"), ("B", "1000.00"), ("B", "2000.00")]
    pool = two_hospitals(region, fees)
    found = sensitivity.boundaries(pool, weights_years=())
    assert [(one.boundary.branch, one.boundary.op, one.boundary.value) for one in found.edges] == [
        ("low", "<", Fraction(1, 2)),
        ("high", ">", 2),
        ("high", ">", 5),
    ]
    low, high, review = found.edges
    assert [one.cases for one in low.near] == [1, 2, 3]
    assert [one.fee for one in low.near] == [50_000, 100_400, 152_400]
    assert [one.points for one in low.near] == [1, 2, 3]
    value = pool.base.fund("employee").region["point_value"]
    assert [one.money for one in low.near] == [value, 2 * value, 3 * value]
    assert [one.cases for one in high.near] == [1, 1, 1]
    assert [one.cases for one in review.near] == [0, 0, 0]
    assert low.boundary.turned() == "x <= 0.5"
    outcome = pool.outcome(Changes(parameters={"low.when": "x <= 0.5"}))
    scores = dict(zip("AB", outcome.sheet("employee").values["score"], strict=True))  # type: ignore[union-attr]
    assert scores == {"A": Fraction("1.5"), "B": 3}
    assert low.turned.moved == sum(abs(one.changes["due"]) for one in outcome.gains())
    assert low.turned.moved > 0
    # rw * (x - 1) at 2 is 1: the high branch goes on where the normal one ends, so the comparison means nothing there.
    assert high.turned.moved == 0
    sheet = sensitivity.boundary_sheet(pool, found, "zh")
    assert sheet.rows == 9


def test_boundaries_are_the_packs_own() -> None:
    told = {
        id: [(one.parameter, one.op, plain(one.value)) for one in sensitivity.boundaries_of(packs.load(id))]
        for id in ("ningde-2024", "national-draft-3", "jining-2023", "taian-2023")
    }
    assert told["ningde-2024"] == [("low.when", "<", "0.5"), ("high.when", ">", "2"), ("high.review", ">", "5")]
    assert told["national-draft-3"][:2] == [("low.when", "<", "0.5"), ("high.when", ">=", "2")]
    assert ("extreme.when", ">", "5") in told["jining-2023"]
    for id in told:
        pack = packs.load(id)
        for one in sensitivity.boundaries_of(pack):
            for text in (one.turned(), one.moved(Fraction("3.25"))):
                changed = packs.load(id, {one.parameter: text})
                assert changed.changed == {one.parameter: text}
    own = packs.load("ningde-2024", {"low.when": "0.45 >= x and rw < 3"})
    assert [(one.op, plain(one.value)) for one in sensitivity.boundaries_of(own) if one.branch == "low"] == [
        (">=", "0.45"),
        ("<", "3"),
    ]
    first = sensitivity.boundaries_of(own)[0]
    assert (first.turned(), first.moved(Fraction(1, 4))) == ("0.45 > x and rw < 3", "0.25 >= x and rw < 3")


def test_tornado_is_sorted_and_each_row_is_an_outcome(tmp_path: Path) -> None:
    annual.forget()
    gather.forget()
    workspace = made(tmp_path / "w.dz")
    pool = Pool.open(workspace, 2024, packs.load("ningde-2024"), set_name="P")
    tried = sensitivity.variations(pool)
    assert {one.kind for one in tried} == {"parameter", "threshold", "places", "level"}
    # With the official grouping the tie of grouping moves nothing and is not tried; a clearing is never blocked on purpose.
    assert "grouping_tie" not in {one.id for one in tried}
    assert not any(value == "block" for one in tried for value, _ in one.tried)
    sheet = sensitivity.tornado(pool, tried, lang="en")
    most: dict[str, Fraction] = {}
    for key, moved in zip(sheet.keys.tolist(), sheet.cells["moved"], strict=True):  # type: ignore[union-attr]
        name = key.partition("|")[0]
        most[name] = max(most.get(name, Fraction(0)), moved or Fraction(0))
    assert list(most.values()) == sorted(most.values(), reverse=True)
    assert set(most) == {one.id for one in tried}
    by_key = {f"{one.id}|{value}": changes for one in tried for value, changes in one.tried}
    for row, key in enumerate(sheet.keys.tolist()):  # type: ignore[union-attr]
        if sheet.cells["remark"][row]:
            continue
        full = {(one.fund, code.code): due for one in pool.clearing(by_key[key]).funds
                for code, due in zip(one.institutions, one.values["due"], strict=True)}  # fmt: skip
        base = {(one.fund, code.code): due for one in pool.base.funds
                for code, due in zip(one.institutions, one.values["due"], strict=True)}  # fmt: skip
        changes = {place: full[place] - base[place] for place in base}
        assert sheet.cells["moved"][row] == sum(map(abs, changes.values()))
        largest = sheet.cells["largest_change"][row]
        assert largest is None or abs(largest) == max(map(abs, changes.values()))
    workspace.close()


def test_a_refused_variation_says_so_and_the_others_stand(region: Region) -> None:
    """Own payments without what is fully self-paid cannot be computed where no row tells it."""
    pool = two_hospitals(region, [("A", "1000.00"), ("B", "460.00")])
    sheet = sensitivity.tornado(pool, lang="zh")
    row = sheet.keys.tolist().index("own_pay|without_ownpay")  # type: ignore[union-attr]
    assert sheet.cells["moved"][row] is None
    assert sheet.cells["remark"][row]
    assert any(moved for moved in sheet.cells["moved"])
    assert pool.outcome(Changes()).funds == pool.base.funds


def test_the_reading_of_the_weights_is_said_where_there_is_no_history(region: Region) -> None:
    pool = two_hospitals(region, [("A", "1000.00"), ("B", "600.00")])
    found = sensitivity.boundaries(pool)
    assert found.weights == ()
    assert found.weights_why is not None
    sheet = sensitivity.reading_sheet(pool, found, "zh")
    assert sheet.cells["remark"][sheet.rows - 1]


def test_a_tornado_can_be_stopped(region: Region) -> None:
    pool = two_hospitals(region, [("A", "1000.00"), ("B", "600.00")])

    class Later:
        said = 0

        @property
        def cancelled(self) -> bool:
            return self.said > 5

        def report(self, code: str, done: int, total: int | None = None) -> None:
            self.said += 1

    with pytest.raises(Cancelled):
        sensitivity.tornado(pool, progress=Later())
    assert pool.outcome(Changes()).funds == pool.base.funds


def test_each_dated_base_is_raised(region: Region) -> None:
    """A base that changes within the year is a hundredth more on either side of the day."""
    pool = two_hospitals(region, [("A", "1000.00"), ("B", "1000.00")])
    edit(region.workspace, "imported", [Cell("A", "all", "base", "1.2", "2024-07-01")])
    assert not pool.stands()
    again = Pool.open(region.workspace, 2024, pool.pack)
    cells = sensitivity.hundredth(again, "A", "employee").outcome.changes.cells
    assert [(one.value, one.valid_from) for one in cells] == [("1.01", ""), ("1.21", "2024-07-01")]
