"""Special cases: candidates beside plain SQL, the limit at its edge, decisions in the ledger, the effect beside two clearings.

A region of 1,000 cases, both funds: 5 per mille are 5 cases. Reference mean of K35.3:g is 10,000.00 for level 3 (H1);
H2 (level 1, coefficient 0.8) has none, so the catalogue's 8,000.00 x 0.8 = 6,400.00 holds there.
"""

from __future__ import annotations

import json
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from region import Region

from core.faults import Refused
from core.rules import packs
from core.settlement import annual, facts, gather, special, special_effect
from core.settlement.special import Bounds, Decided, Quota, Stored

YEAR = 2024
PACK = packs.load("ningde-2024")


@pytest.fixture
def many(region: Region) -> Region:
    region.institutions(("H1", "市医院", 2), ("H2", "卫生院", 8))
    region.groups(
        {"dip_code": "K35.3:g", "score": "1.2", "mean_fee": 800_000},
        {"dip_code": "F20.9:b", "score": "0.03", "kind": "bed_day"},
    )
    region.coefficients(("H1", "all", "base", "", "1.0"), ("H2", "all", "base", "", "0.8"))
    region.funded("employee", "resident", amount="9000000")
    region.reference_means(("K35.3:g", "3", "all", "10000.00"))
    rows: list[dict[str, object]] = []
    for i in range(1000):
        rows.append({
            "setl_id": f"s{i:04d}", "institution": "H1" if i % 3 else "H2", "fund": "resident" if i % 2 else "employee",
            "fee": str(3000 + (i * 7919) % 9000), "act_ipt_days": i % 30,
        })  # fmt: skip
    rows[1] |= {"fee": "20000.00"}  # H1: twice, not above
    rows[2] |= {"fee": "20000.01"}  # H1: a fen above
    rows[3] |= {"fee": "12800.00"}  # H2: twice 6,400
    rows[6] |= {"fee": "12800.01"}
    rows[4] |= {"act_ipt_days": 30}
    rows[5] |= {"act_ipt_days": 31, "icu_days": 1}
    rows[7] |= {"icu_days": 2}
    rows[8] |= {"group": "F20.9:b", "act_ipt_days": 90}  # paid by the day: nothing special
    rows[10] |= {"group": None, "fee": "90000", "icu_days": 9}  # no mean, so no standard to be above
    rows[11] |= {"act_ipt_days": None, "icu_days": None, "fee": "40000"}
    rows[20] |= {"fee": "77000", "day": "2023-02-02"}  # another year's
    region.cases(*rows, {"setl_id": "extra", "institution": "H1", "fee": "5000"})
    return region


def test_the_quota_after_a_decision() -> None:
    """5 of 1,000: one more goes over, one moved between kinds or taken back does not; each counted by hand."""
    full = Quota(1000, 3, 2, 1)
    assert full.finding is None and full.approved == full.allowed == 5
    assert full.after([("", "by_item")]) == Quota(1000, 4, 2, 1) and full.after([("", "by_item")]).finding is not None
    assert full.after([("by_item", "adjusted"), ("rejected", "rejected")]) == Quota(1000, 2, 3, 1)
    assert full.after([("by_item", ""), ("adjusted", "rejected"), ("rejected", "by_item")]) == Quota(1000, 3, 1, 1)


def look(region: Region, **more: object) -> special.Candidates:
    return special.candidates(region.workspace, YEAR, PACK, lang="zh", **more)  # type: ignore[arg-type]


def marks(found: special.Candidates) -> dict[str, str]:
    sheet = found.sheet
    return dict(zip(sheet.cells["setl_id"].tolist(), sheet.cells["marks"].tolist(), strict=True))


def test_candidates_are_what_plain_sql_finds(many: Region) -> None:
    found = marks(look(many))
    rows = many.workspace.reader().execute(
        """
        WITH counted AS (
            SELECT *, CASE fixmedins_code WHEN 'H1' THEN 1000000 ELSE 640000 END AS standard
            FROM cases WHERE year = 2024 AND netting = 0 AND scope = 0
        )
        SELECT setl_id FROM counted WHERE (dip_dise_grp_code = 'K35.3:g' AND (fee > 2 * standard OR act_ipt_days > 30))
            OR icu_days > 1
        """
    ).fetchall()
    assert set(found) == {setl_id for (setl_id,) in rows}
    assert found == {
        "s0002": "费用超标准", "s0006": "费用超标准", "s0005": "住院时间长", "s0007": "重症监护", "s0010": "重症监护",
        "s0011": "费用超标准",
    }  # fmt: skip


def test_what_a_candidate_rests_on(many: Region) -> None:
    sheet = look(many).sheet
    cells = {name: dict(zip(sheet.cells["setl_id"], sheet.cells[name], strict=True)) for name in sheet.cells}
    assert sheet.cells["setl_id"][0] == "s0011"  # 4 times, the dearest
    assert cells["standard"]["s0002"] == 10_000
    assert cells["standard"]["s0006"] == 6_400
    assert cells["times"]["s0006"] == Fraction(1_280_001, 640_000)
    assert (cells["standard"]["s0010"], cells["times"]["s0010"]) == (None, None)
    assert (cells["days"]["s0011"], cells["icu_days"]["s0011"]) == (None, None)
    assert cells["rests_on"]["s0002"] == "下达均费"
    assert cells["rests_on"]["s0006"] == "目录均费×系数"
    assert cells["points"]["s0011"] == Fraction("3.6")  # 1.2 x (4 - 1)
    assert set(cells["state"].values()) == {"未议"}


def test_bounds_are_the_callers(many: Region) -> None:
    assert set(marks(look(many, bounds=Bounds(Fraction(39, 10), 91, 10)))) == {"s0011"}
    assert "s0001" in marks(look(many, bounds=Bounds(Fraction(199, 100), 31, 2)))


def test_a_decided_case_stays_in_sight_as_if_it_were_not(many: Region) -> None:
    before = look(many).sheet
    many.special(("s0002", "by_item", None), ("s0100", "adjusted", "2.123456"), ("s0006", "rejected", None))
    found = look(many)
    cells = {name: dict(zip(found.sheet.cells["setl_id"], found.sheet.cells[name], strict=True)) for name in found.sheet.cells}
    assert set(cells["marks"]) == set(before.cells["setl_id"]) | {"s0100"}
    assert cells["marks"]["s0100"] == ""
    assert cells["points"]["s0002"] == Fraction("1.2")  # 1.2 x (2.000001 - 1), to 4 places
    assert (cells["state"]["s0002"], cells["state"]["s0006"]) == ("按项目付费", "不予通过")
    assert cells["decided"]["s0100"] == Fraction("2.123456")
    assert found.quota == Quota(1000, 1, 1, 1)


def test_the_limit_counts_the_whole_region_at_its_edge(many: Region) -> None:
    assert look(many).quota.allowed == 5
    # All of one hospital: it is no hospital's limit. Rejected ones, and other years' and unknown ones, do not count.
    of_h1 = [f"s{i:04d}" for i in (1, 2, 4, 5, 7)]
    many.special(*((one, "by_item", None) for one in of_h1), ("s0008", "rejected", None), ("s0020", "by_item", None),
                 ("nobody", "by_item", None))  # fmt: skip
    edge = look(many).quota
    assert (edge.cases, edge.approved, edge.share, edge.finding) == (1000, 5, Fraction(5), None)
    many.special(("s0011", "adjusted", "1"))
    over = look(many).quota
    assert over.approved == 6
    assert over.finding is not None
    assert (over.finding.value, over.finding.values["allowed"]) == ("6", "5")
    assert Quota(999, 4, 0, 0).finding is None
    assert Quota(999, 5, 0, 0).finding is not None  # 5 of 999 are more than 5 per mille
    assert Quota(0, 0, 0, 0).finding is None


def decision(setl_id: str, kind: str = "by_item", **more: object) -> Decided:
    return Decided(setl_id, kind, document="特例〔2024〕1号", reason="多学科联合诊疗", **more)  # type: ignore[arg-type]


def rows(region: Region) -> list[tuple[object, ...]]:
    return region.workspace.reader().execute("SELECT * FROM special_case ORDER BY 1").fetchall()


def test_decide_and_undo(many: Region) -> None:
    many.special(("s0006", "adjusted", "9.5"))
    stood, line = rows(many), many.workspace.ledger.lines(1)[0]
    seen = look(many).stored["s0006"]
    assert seen == Stored("adjusted", "9.5", "", "")
    made = special.decide(
        many.workspace,
        [decision("s0002"), decision("s0005", "adjusted", score="２.50"), Decided("s0006", "", seen=seen)],
        "第一次评议会",
    )  # fmt: skip
    assert rows(many) == [
        ("s0002", "by_item", None, "特例〔2024〕1号", None, None, "多学科联合诊疗"),
        ("s0005", "adjusted", "2.5", "特例〔2024〕1号", None, None, "多学科联合诊疗"),
    ]
    assert (made.why, made.id, len(made.changes)) == ("第一次评议会", line.id + 1, 3)
    many.workspace.ledger.undo()
    assert rows(many) == stood
    many.workspace.ledger.redo()
    assert len(rows(many)) == 2
    assert many.workspace.ledger.check() == []


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (decision("nobody"), "special_unknown"),
        (decision("s0002", "perhaps"), "special_kind_unknown"),
        (decision("s0002", "adjusted"), "special_score_unfit"),
        (decision("s0002", "adjusted", score="-1"), "special_score_unfit"),
        (decision("s0002", "adjusted", score="1e"), "special_score_unfit"),
        (decision("s0002", "adjusted", score="0.0000000001"), "special_score_unfit"),
        (decision("s0002", "rejected", score="1"), "special_score_idle"),
        (Decided("s0002", "by_item", reason="r"), "special_no_document"),
        (Decided("s0002", "by_item", document="d", reason="  "), "special_no_reason"),
    ],
)
def test_what_is_refused_changes_nothing(many: Region, wrong: Decided, code: str) -> None:
    before = len(many.workspace.ledger.lines())
    with pytest.raises(Refused) as refused:
        special.decide(many.workspace, [decision("s0005"), wrong], "评议")
    assert [one.code for one in refused.value.findings] == [code]
    assert (rows(many), len(many.workspace.ledger.lines())) == ([], before)


def test_a_stale_decision_is_refused(many: Region) -> None:
    special.decide(many.workspace, [decision("s0002")], "甲")
    stood = rows(many)
    for seen in (None, Stored("by_item", "", "另一文件", "多学科联合诊疗")):
        with pytest.raises(Refused) as refused:
            special.decide(many.workspace, [decision("s0002", "rejected", seen=seen)], "乙")
        assert refused.value.code == "stale_edit"
    seen = look(many).stored["s0002"]
    with pytest.raises(Refused, match="nothing_changed"):
        special.decide(many.workspace, [decision("s0002", seen=seen)], "甲")
    with pytest.raises(Refused) as refused:  # taking back needs a why
        special.decide(many.workspace, [Decided("s0002", "", seen=seen)], " ")
    assert refused.value.findings[0].code == "special_no_reason"
    assert rows(many) == stood


CHOICES = st.dictionaries(
    st.sampled_from(["s0002", "s0005", "s0006", "s0007", "s0010", "s0011", "s0100"]),
    st.one_of(
        st.sampled_from([("by_item", ""), ("rejected", ""), ("", "")]),
        st.decimals(0, 50, places=5).map(lambda score: ("adjusted", f"{score:f}")),
    ),
    min_size=1,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chosen=CHOICES)
def test_the_effect_is_the_difference_of_two_clearings(many: Region, chosen: dict[str, tuple[str, str]]) -> None:
    workspace = many.workspace
    if not rows(many):
        many.special(("s0007", "adjusted", "3.25"), ("s0100", "by_item", None))
    stored = special.decisions(workspace.reader())
    decided = [
        Decided(setl_id, kind, score, "文件" if kind else "", "意见" if kind else "", stored.get(setl_id))
        for setl_id, (kind, score) in chosen.items()
    ]
    lines = len(workspace.ledger.lines())
    found = special_effect.effect(workspace, YEAR, PACK, special.tried(decided))
    assert len(workspace.ledger.lines()) == lines  # nothing is stored
    before = annual.clear(workspace, YEAR, PACK, store=False)
    try:
        special.decide(workspace, decided, "评议")
        wrote = True
    except Refused as refused:
        assert refused.code == "nothing_changed"
        wrote = False
    annual.forget()
    gather.forget()
    after = annual.clear(workspace, YEAR, PACK, store=False)
    assert found.before.stamps.run_hash == before.stamps.run_hash
    assert found.after.stamps.run_hash == after.stamps.run_hash  # every input and every figure
    if wrote:
        workspace.ledger.undo()
    if any(kind == "by_item" and setl_id != "s0100" for setl_id, (kind, _) in chosen.items()):
        assert found.after.stamps.run_hash != before.stamps.run_hash


def test_the_effect_as_tables(many: Region) -> None:
    found = special_effect.effect(many.workspace, YEAR, PACK, {"s0002": facts.Decision("by_item", None)})
    sheet = special_effect.institutions(found, "employee", "zh")
    before, after = found.before.fund("employee"), found.after.fund("employee")
    assert sheet.totals["score_change"] == -Fraction("1.2")
    assert dict(zip(sheet.keys.tolist(), sheet.cells["final_change"].tolist(), strict=True)) == {  # type: ignore[union-attr]
        one.code: after.values["final"][i] - before.values["final"][i] for i, one in enumerate(before.institutions)
    }
    funds = special_effect.funds(found, "zh")
    assert list(funds.cells["fund"]) == ["职工医保", "居民医保"]
    assert funds.cells["point_value_change"][0] == after.region["point_value"] - before.region["point_value"]
    assert funds.cells["by_item_change"][0] == 12_000  # booked
    assert funds.cells["point_value_change"][1] == 0  # the other fund is another pool
    assert json.dumps([column.title["zh"] for column in funds.columns], ensure_ascii=False).count("（议定后）") == 5


def test_without_coefficients_it_says_what_is_missing(region: Region) -> None:
    region.institutions(("H1", "市医院", 2))
    region.groups({"dip_code": "K35.3:g", "score": "1.2", "mean_fee": 800_000})
    region.cases({"setl_id": "s1", "institution": "H1", "fee": "10"})
    with pytest.raises(Refused) as refused:
        look(region)
    assert [one.code for one in refused.value.findings] == ["coefficient_missing"]
