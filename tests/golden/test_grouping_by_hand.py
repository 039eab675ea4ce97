"""Cases grouped by hand, each with the reason in its comment: the seven points of `hubei-2023`, the orders of Jining and of
the national draft."""

from __future__ import annotations

from fractions import Fraction

import pytest

from core.catalogue import telling
from core.catalogue.entries import Entries, Entry, Exclusions
from core.catalogue.grouper import Grouper
from core.catalogue.stays import Stay, many
from core.rules import packs
from core.rules.grouping import rule_of
from core.texts import Texts

ATTRIBUTES = {
    "47.0100": "surgery", "47.0901": "surgery", "54.5100": "surgery", "54.2100": "diagnostic", "45.1302": "diagnostic",
    "39.7400": "intervention", "99.2500": "therapeutic", "86.2201": "therapeutic", "33.6x00": "surgery", "88.0100": "diagnostic",
}  # fmt: skip


def row(code: str, kind: str, diagnosis: str, operation: str = "", mean: int = 0, **more: object) -> Entry:
    score = Fraction(mean, 100_000) if mean else None
    return Entry(code, code, kind, diag_code=diagnosis, oprn_code=operation, mean_fee=mean, **{"score": score} | more)  # type: ignore[arg-type]


def grouped(pack: str, rows: list[Entry], stay: Stay, excluded: Exclusions | None = None, **parameters: str) -> str:
    entries = Entries("v", 2024, tuple(sorted(rows, key=lambda one: one.dip_code)))
    grouper = Grouper(rule_of(packs.load(pack, parameters)), entries, ATTRIBUTES, excluded)
    stays = many([stay])
    entry = int(grouper.group(stays).entry[0])
    path = grouper.path(stays, 0)
    assert path.entry == entry
    for lang in ("zh", "en"):  # every step and every reason has words
        texts = Texts(lang)
        said = [telling.trails(grouper, stays, texts).of(0)]
        said += [telling.why(grouper.rule, one, texts) for one in path.alternatives]
        assert not any("grouping." in one or "{" in one for one in said), said
    return entries.rows[entry].dip_code if entry >= 0 else ""


HUBEI = [
    row("C1", "core", "K35.3", "47.0100", 900_000), row("C2", "core", "K35.3", "47.0100+54.5100", 1_500_000),
    row("C3", "core", "K35.3", "47.0100/47.0901", 1_000_000), row("C4", "core", "K35.3", "", 300_000),
    row("C5", "core", "K35.3", "45.1302", 400_000), row("B1", "primary_care", "K35.3", "47.0901", 800_000),
    row("B2", "primary_care", "J18.9", "", 250_000), row("Z1", "composite", "K35", attribute="surgery"),
    row("Z2", "composite", "K3", attribute="diagnostic"), row("Z3", "composite", "J", attribute="conservative"),
    row("Z4", "composite", "A00-B99", attribute="surgery"), row("Z5", "composite", "A00-A09", attribute="surgery"),
    row("Z6", "composite", "A00-A09", attribute="conservative"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("stay", "group"),
    [
        # 4: two parts met beat one.
        (Stay("K35.300", ("47.0100", "54.5100"), fee=1_000_000), "C2"),
        # 4: one part each (C1, C3), one operation each; |1,000,000 - 900,000| > |1,000,000 - 1,000,000|.
        (Stay("K35.300", ("47.0100",), fee=1_000_000), "C3"),
        # 4: the fee stands in the middle, 50,000 from both: the smallest code.
        (Stay("K35.300", ("47.0100",), fee=950_000), "C1"),
        # 4: C3 names both operations of the case, C1 one.
        (Stay("K35.300", ("47.0100", "47.0901"), fee=900_000), "C3"),
        # 6: core surgery (C3) before primary-care surgery (B1).
        (Stay("K35.300", ("47.0901",), fee=800_000), "C3"),
        # 6: C5 is core diagnostic by its matched operation; the composite surgery row comes after it.
        (Stay("K35.300", ("45.1302", "54.5100"), fee=1), "C5"),
        # 1: repeated operations count once, so C1 and C3 stay even but for the fee.
        (Stay("K35.300", ("47.0100", "47.0100"), fee=1_000_000), "C3"),
        # 3: no operation, so the case is conservative and the row without expression belongs.
        (Stay("K35.300", (), fee=5_000_000), "C4"),
        # 3: an operation of unknown attribute is conservative too.
        (Stay("K35.300", ("00.0001",), fee=5_000_000), "C4"),
        # 3: a surgery that no row names: no row without expression; 5: composite under K35.
        (Stay("K35.300", ("54.5100",)), "Z1"),
        # 2: an intervention is surgery.
        (Stay("K35.300", ("39.7400",)), "Z1"),
        # 5: no K35 row of that attribute, but one under K3.
        (Stay("K35.900", ("54.2100",)), "Z2"),
        (Stay("J20.900", ()), "Z3"),
        # 6: primary care before composite conservative.
        (Stay("J18.900", ()), "B2"),
        # 5: the narrower of two ranges; its ends belong to it; beyond it the wider one.
        (Stay("A09.900", ("47.0100",)), "Z5"),
        (Stay("A10.000", ("47.0100",)), "Z4"),
        (Stay("B99.x00", ("47.0100",)), "Z4"),
        # 7
        (Stay("C34.900", ("47.0100",)), ""),
        (Stay("", ()), ""),
    ],
)  # fmt: skip
def test_hubei(stay: Stay, group: str) -> None:
    assert grouped("hubei-2023", HUBEI, stay) == group


def test_hubei_excluded_operations_and_settings() -> None:
    excluded = Exclusions(operation=frozenset({"47.0100"}))
    assert grouped("hubei-2023", HUBEI, Stay("K35.300", ("47.0100",), fee=1), excluded) == "C4"
    stay = Stay("K35.300", ("47.0100",), fee=900_000)
    assert grouped("hubei-2023", HUBEI, stay) == "C1"
    assert grouped("hubei-2023", HUBEI, stay, grouping_tie="higher_score") == "C3"  # 10 over 9 points
    # Yichang: C5 leaves the surgery 54.5100 unnamed, so the composite surgery row goes first.
    left = Stay("K35.300", ("45.1302", "54.5100"), fee=1)
    assert grouped("hubei-2023", HUBEI, left, grouping_unnamed="surgery_named") == "Z1"
    prefix = [*HUBEI, row("P1", "core", "K35.9", "47.0")]
    assert grouped("hubei-2023", prefix, Stay("K35.900", ("47.0901",))) == "Z1"
    assert grouped("hubei-2023", prefix, Stay("K35.900", ("47.0901",)), grouping_codes="digits_3") == "P1"
    assert grouped("hubei-2023", prefix, Stay("K35.900", ("47.0901",)), grouping_codes="digits_4") == "Z1"


@pytest.mark.parametrize("pack", ["jining-2023", "taian-2023"])
def test_shandong_order_of_choice(pack: str) -> None:
    rows = [
        row("A1", "core", "K35.3", "47.0100", 900_000), row("A2", "core", "K35.3", "54.5100,54.2100", 1_000_000),
        row("A3", "core", "K35.3", "54.5100", 2_000_000), row("A4", "primary_care", "K35.3", "54.5100", 2_000_000),
        row("Z1", "composite", "K35", mean=500_000, attribute="surgery"),
        row("Z2", "composite", "K35", mean=300_000, attribute="conservative"), row("A5", "core", "K35.3", "", 300_000),
    ]  # fmt: skip
    done = ("47.0100", "54.5100", "54.2100")
    # the flagged main operation first, though A2 matches more
    assert grouped(pack, rows, Stay("K35.300", done, main="47.0100")) == "A1"
    # with 54.5100 flagged A2 to A4 contain it, and A2 matches two
    assert grouped(pack, rows, Stay("K35.300", done, main="54.5100")) == "A2"
    # A3 and A4 are even, to the fee too: core before primary care
    assert grouped(pack, rows, Stay("K35.300", ("54.5100",), fee=1)) == "A3"
    # nothing names the operation: composite of the highest attribute
    assert grouped(pack, rows, Stay("K35.300", ("39.7400",), fee=1)) == "Z1"
    # no operation: A5 and Z2 are equally far; core conservative before composite conservative
    assert grouped(pack, rows, Stay("K35.300", (), fee=1)) == "A5"
    # in these packs `+` is no sign of the expression
    assert grouped(pack, [row("B1", "core", "K35.3", "47.0100+54.5100")], Stay("K35.300", done)) == ""


DRAFT = [
    row("AA1", "core", "", "33.6x00", stage="pre"),
    row("AI1", "core", "P07", stage="pre", condition="age_days < 29 and birth_weight < 750"),
    row("AI2", "core", "P07", stage="pre", condition="age_days < 29 and birth_weight >= 750 and birth_weight < 1000"),
    row("M1", "core", "K35", "47.0100+54.5100", stage="merged"), row("M2", "core", "K36", "47.0100|47.0901", stage="merged"),
    row("T1", "core", "Z51.1", "99.2500", stage="assisted", oth_diag_code="C00-C14|C30-C39"),
    row("T2", "core", "Z51.1", "99.2500", stage="assisted", oth_diag_code="C50"),
    row("W1", "core", "T20-T25", "86.2201", stage="assisted", condition="age >= 60"),
    row("D1", "core", "I21.0", "36.0600", 2_803_300), row("D2", "core", "I21.0", "36.0600", 4_400_300, rel_oprn_code="88.0100"),
    row("D3", "core", "I21.0", "36.0600", 4_500_000, rel_oprn_code="88.0100+00.2400"),
    row("D4", "core", "I21.0", "", 900_000), row("D5", "primary_care", "J18.9", "", 200_000),
    row("D6", "core", "J18.9", "", 400_000), row("Y1", "tcm", "J18.9", condition="tcm_fee >= 0.6 * fee"),
    row("Y2", "bed_day", "F20"), row("Z1", "composite", "I21", attribute="surgery"),
    row("Z2", "composite", "I21", attribute="diagnostic"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("stay", "group"),
    [
        # 1: a transplant, whatever the principal diagnosis
        (Stay("J18.900", ("33.6x00",)), "AA1"),
        (Stay("P07.001", age_days=28, birth_weight=749), "AI1"),
        (Stay("P07.001", age_days=28, birth_weight=750), "AI2"),
        (Stay("P07.001", age_days=29, birth_weight=749), ""),
        # a weight that the case does not state meets no condition
        (Stay("P07.001", age_days=3), ""),
        # 2: combined operations need each other, equivalent ones do not
        (Stay("K35.900", ("47.0100", "54.5100")), "M1"),
        (Stay("K35.900", ("47.0100",)), ""),
        (Stay("K36.x00", ("47.0901",)), "M2"),
        # 3: chemotherapy by the tumour among the other diagnoses, ranges with their ends
        (Stay("Z51.100", ("99.2500",), others=("I10.x00", "C39.900")), "T1"),
        (Stay("Z51.100", ("99.2500",), others=("C50.900x001",)), "T2"),
        (Stay("Z51.100", ("99.2500",), others=("C40.000",)), ""),
        (Stay("T25.300", ("86.2201",), age=60), "W1"),
        (Stay("T25.300", ("86.2201",), age=59), ""),
        # 4: full match; part of the related ones; none of them
        (Stay("I21.000", ("36.0600", "88.0100", "00.2400"), fee=1), "D3"),
        (Stay("I21.000", ("36.0600", "88.0100"), fee=9_000_000), "D2"),
        (Stay("I21.000", ("36.0600", "00.2400"), fee=1), "D3"),
        (Stay("I21.000", ("36.0600",), fee=9_000_000), "D1"),
        # the main operation is the flagged one; 88.0100 as main leaves the composite of its attribute
        (Stay("I21.000", ("88.0100", "36.0600"), main="88.0100"), "Z2"),
        # 5: an intervention makes a surgery group
        (Stay("I21.900", ("39.7400",)), "Z1"),
        # ties go to the nearest mean fee: 100,000 off against 100,000 off, then the smaller code
        (Stay("J18.900", fee=300_000), "D5"),
        (Stay("J18.900", fee=300_001), "D6"),
        # TCM by the condition of its own row only; bed-day rows without one take no case
        (Stay("J18.900", fee=300_000, tcm_fee=180_000), "Y1"),
        (Stay("J18.900", fee=300_001, tcm_fee=180_000), "D6"),
        (Stay("F20.000", days=60), ""),
    ],
)  # fmt: skip
def test_draft(stay: Stay, group: str) -> None:
    assert grouped("national-draft-3", DRAFT, stay) == group


def test_draft_exclusions() -> None:
    excluded = Exclusions(frozenset({"I21.000"}), frozenset({"88.0100"}))
    # an excluded principal diagnosis leaves only groups that ask for none
    assert grouped("national-draft-3", DRAFT, Stay("I21.000", ("36.0600",)), excluded) == ""
    assert grouped("national-draft-3", DRAFT, Stay("I21.000", ("33.6x00",)), excluded) == "AA1"
    # where the flagged main operation is excluded the next one is the main one
    stay = Stay("I21.001", ("88.0100", "36.0600"), main="88.0100", fee=1)
    assert grouped("national-draft-3", DRAFT, stay, excluded) == "D1"


def test_groups_declared_equal_compare_with_one_score() -> None:
    rows = [
        row("A1", "core", "K35.3", "47.0100", 100_000), row("A2", "core", "K35.3", "47.0100", 500_000, equal_to="A3"),
        row("A3", "core", "K99.9", "", 50_000),
    ]  # fmt: skip
    stay = Stay("K35.300", ("47.0100",))
    assert grouped("ningde-2024", rows, stay, grouping_tie="higher_score") == "A1"  # 1 point against the 0.5 of A3
