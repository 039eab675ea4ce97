"""Vector C by the shipped packs: catalogue score 1.2, reference mean 10,000.00, coefficient 0.9, factor 1, before rounding."""

from __future__ import annotations

import numpy as np
import pytest

from core.money import plain
from core.rules import case_scores, packs
from core.rules.cases import CaseTable, Scaled

FEES = ["4000.00", "5000.00", "5000.01", "20000.00", "30000.00", "50000.00", "50000.01", "60000.00"]
PACKS = ["ningde-2024", "national-draft-3", "hubei-2023", "jining-2023", "taian-2023"]
# Cities of which no rule for deviating cases was found: every case scores 1.2 * 0.9, and Zibo's go to review above twice.
PLAIN = {"zibo-2025": FEES[4:], "xiamen-2024": [], "meizhou-2025": []}
# domain 10 C, columns Nat 1.0, 3.0 draft, Hubei, Jining, Tai'an; written out to what the formula gives exactly. The row of
# 5,000.01 has x = 0.500001 and stays normal; x = 5.000001 of 50,000.01 gives 1.2 * 4.000001 * 0.9 = 4.32000108 by
# national 1.0 and Hubei, 1.2 * (3.000001 + 0.9) = 4.6800012 in Tai'an, and falls back to normal in Jining.
EXPECTED = {
    "4000.00": ["0.432", "0.432", "0.432", "0.48", "0.48"],
    "5000.00": ["1.08", "1.08", "0.54", "0.6", "0.6"],
    "5000.01": ["1.08", "1.08", "1.08", "1.08", "1.08"],
    "20000.00": ["1.08", "1.08", "1.08", "1.08", "1.08"],
    "30000.00": ["2.16", "1.08", "2.16", "2.28", "2.28"],
    "50000.00": ["4.32", "1.08", "4.32", "4.68", "4.68"],
    "50000.01": ["4.32000108", "1.08", "4.32000108", "1.08", "4.6800012"],
    "60000.00": ["5.4", "1.08", "5.4", "1.08", "5.88"],
}
REVIEWED = {
    "ningde-2024": FEES[6:], "national-draft-3": FEES[3:], "hubei-2023": [], "jining-2023": FEES[6:], "taian-2023": [],
}  # fmt: skip


def cases() -> CaseTable:
    n = len(FEES)
    whole = np.ones(n, np.int64)
    none = np.zeros(n, np.int64)
    return CaseTable(
        setl_id=np.array(FEES, object), institutions=("H1",), groups=("G",), fund=none.astype(np.int8),
        institution=none.astype(np.int32), group=none.astype(np.int32), day=none, booked=none, own_pay=none, other_pay=none,
        fee=np.array([int(fee.replace(".", "")) for fee in FEES]), rw=Scaled(12 * whole, 1), k=Scaled(9 * whole, 1),
        u=Scaled(whole, 0), reference=10_000_00 * whole, reference_source=whole.astype(np.int8),
        special=none.astype(np.int8), special_score=Scaled(none, 0),
    )  # fmt: skip


@pytest.mark.parametrize("id", PACKS)
def test_every_row_of_the_column(id: str) -> None:
    pack = packs.load(id, {"case.places": "none"})
    scores = case_scores.score(pack.case, cases())
    assert scores.exact is not None
    assert [plain(score) for score in scores.exact] == [EXPECTED[fee][PACKS.index(id)] for fee in FEES]
    assert [fee for fee, marked in zip(FEES, scores.review, strict=True) if marked] == REVIEWED[id]


@pytest.mark.parametrize("id", PLAIN)
def test_no_deviation_is_made_up_where_none_was_found(id: str) -> None:
    pack = packs.load(id, {"case.places": "none"})
    scores = case_scores.score(pack.case, cases())
    assert scores.exact is not None
    assert [plain(score) for score in scores.exact] == ["1.08"] * len(FEES)
    assert [fee for fee, marked in zip(FEES, scores.review, strict=True) if marked] == PLAIN[id]
    assert pack.case.open


def test_rounded_as_the_packs_say() -> None:
    scores = case_scores.score(packs.load("hubei-2023").case, cases())
    assert scores.score is not None
    assert plain(scores.score.at(6)) == "4.32"  # 4.32000108 to four places
