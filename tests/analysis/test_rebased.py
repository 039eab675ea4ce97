"""Scores re-based on one catalogue: by hand, against a slow second way, and equal to the plain ones where nothing changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.analysis import measures
from core.analysis.measures import Monthly
from core.analysis.rebased import changes_on_axis, forget, rebased, told, uncarried
from core.catalogue import library
from core.catalogue.lineage import relate
from core.faults import Refused
from core.money import rounded
from core.rules import packs
from core.rules.cases import FUNDS
from core.rules.circular import Pack
from core.settlement import annual, gather
from core.texts import Texts
from tests.settlement.region import Region

F = Fraction
PLAIN = ("score", "base_score", "scored", "weight", "grouped")


@pytest.fixture
def region(tmp_path: Path) -> Iterator[Region]:
    made = fresh(tmp_path / "region.dz")
    yield made
    made.workspace.close()


def fresh(path: Path) -> Region:
    annual.forget()
    gather.forget()
    measures.forget()
    forget()
    made = Region(path)
    made.institutions(("H1", "甲", 2), ("H2", "乙", 5))
    made.coefficients(("H1", "all", "base", "", "1.1"), ("H2", "all", "base", "", "0.9"))
    return made


def ningde() -> Pack:
    return packs.load("ningde-2024")


def group(code: str, score: str, diagnosis: str = "", **more: object) -> dict[str, object]:
    return {"dip_code": code, "score": score, "diag_code": diagnosis, "attribute": "conservative", **more}


def at(monthly: Monthly, name: str, code: str, month: int, fund: str = "employee") -> Fraction:
    value = monthly.values[name][monthly.place(code), FUNDS.index(fund), monthly.months.index(month)]
    return F(int(value), 10 ** monthly.places[name])


def by_hand(region: Region) -> None:
    """A is rescored from 1 to 1.2, B renumbered and rescored from 2 to 3, C is gone."""
    old = (group("A", "1", "A00.0"), group("B", "2", "B00.0"), group("C", "0.5", "C00.0"))
    region.groups(*old, version="v2023", year=2023)
    region.groups(group("A", "1.2", "A00.0"), group("B2", "3", "B00.0"), group("D", "3", "D00.0"))
    region.cases(
        {"setl_id": "a", "institution": "H1", "fee": "1000", "group": "A", "day": "2023-02-01", "diag_code": "A00.0"},
        {"setl_id": "b", "institution": "H1", "fee": "1000", "group": "B", "day": "2023-02-09", "diag_code": "B00.0"},
        {"setl_id": "c", "institution": "H1", "fee": "1000", "group": "C", "day": "2023-02-09", "diag_code": "Z99.9"},
        {"setl_id": "e", "institution": "H2", "fee": "1000", "group": "A", "day": "2023-05-09", "diag_code": "A00.0", "fund": "resident"},
        {"setl_id": "n", "institution": "H2", "fee": "1000", "group": "A", "day": "2024-05-09", "diag_code": "A00.0"},
    )


def test_by_hand(region: Region) -> None:
    by_hand(region)
    found = rebased(region.workspace, [2023, 2024], "v2024", pack=ningde())
    # Scores of the year: 1 x 1.1, 2 x 1.1, 0.5 x 1.1; re-based 1.1 x 1.2/1 + 2.2 x 3/2; C is not carried.
    assert at(found, "score", "H1", 202302) == F("4.62")
    assert at(found, "base_score", "H1", 202302) == F("4.2")
    assert at(found, "uncarried", "H1", 202302) == 1
    assert at(found, "uncarried_score", "H1", 202302) == F("0.55")
    assert at(found, "scored", "H1", 202302) == 2
    assert (at(found, "weight", "H1", 202302), at(found, "grouped", "H1", 202302)) == (F("4.2"), 2)
    assert at(found, "score", "H2", 202305, "resident") == F("1.08")
    assert at(found, "score", "H2", 202405) == F("1.08")
    assert uncarried(found) == {2023: (1, F("0.55"))}
    for lang in ("zh", "en"):
        said = told(found, "v2024", Texts(lang))
        assert "v2024" in said
        assert "2023" in said
        assert "0.55" in said


def test_back_to_the_earlier_version(region: Region) -> None:
    """The other way round B2 goes back to B; D, that is new, cannot be carried."""
    by_hand(region)
    region.cases(
        {"setl_id": "b2", "institution": "H1", "fee": "1000", "group": "B2", "day": "2024-01-09", "diag_code": "B00.0"},
        {"setl_id": "d", "institution": "H1", "fee": "1000", "group": "D", "day": "2024-01-09", "diag_code": "D00.0"},
    )
    found = rebased(region.workspace, [2023, 2024], "v2023", pack=ningde())
    assert at(found, "score", "H1", 202401) == F("3.3") * F(2, 3)
    assert at(found, "base_score", "H1", 202401) == 2
    assert uncarried(found) == {2024: (1, F("3.3"))}
    # the year whose own catalogue it is
    plain = measures.monthly(region.workspace, [2023, 2024], ("score",), pack=ningde())
    assert at(found, "score", "H1", 202302) == at(plain, "score", "H1", 202302) == F("3.85")


def test_a_decided_score_and_a_case_without_group_stay(region: Region) -> None:
    by_hand(region)
    region.special(("b", "adjusted", "7"))
    region.cases(
        {"setl_id": "u", "institution": "H1", "fee": "1000", "group": None, "day": "2023-02-09", "diag_code": "A00.0"}
    )
    found = rebased(region.workspace, [2023], "v2024", pack=ningde())
    plain = measures.monthly(region.workspace, [2023], ("score",), pack=ningde())
    ungrouped = at(plain, "score", "H1", 202302) - F("1.1") - 7 - F("0.55")
    assert at(found, "score", "H1", 202302) == F("1.32") + 7 + ungrouped
    assert at(found, "base_score", "H1", 202302) == F("4.2")


def test_a_case_paid_by_item_counts_in_the_case_mix_alone(region: Region) -> None:
    by_hand(region)
    region.special(("b", "by_item", None))
    found = rebased(region.workspace, [2023], "v2024", pack=ningde())
    assert at(found, "base_score", "H1", 202302) == F("1.2")
    assert (at(found, "weight", "H1", 202302), at(found, "grouped", "H1", 202302)) == (F("4.2"), 2)
    plain = measures.monthly(region.workspace, [2023], ("weight", "grouped"), pack=ningde())
    assert (at(plain, "weight", "H1", 202302), at(plain, "grouped", "H1", 202302)) == (F("3.5"), 3)


def test_bed_days_score_by_the_day(region: Region) -> None:
    region.groups(group("P", "0.1", "F20.0", kind="bed_day"), version="v2023", year=2023)
    region.groups(group("P", "0.15", "F20.0", kind="bed_day"))
    region.cases(
        {"setl_id": "p", "institution": "H1", "fee": "1000", "group": "P", "day": "2023-02-01", "diag_code": "F20.0", "act_ipt_days": 20}
    )
    found = rebased(region.workspace, [2023], "v2024", pack=ningde())
    assert at(found, "base_score", "H1", 202302) == 3
    assert at(found, "score", "H1", 202302) == F("3.3")


def test_the_same_figures_as_the_plain_ones_where_the_version_did_not_change(region: Region) -> None:
    by_hand(region)
    found = rebased(region.workspace, [2024], "v2024", pack=ningde())
    plain = measures.monthly(region.workspace, [2024], PLAIN, pack=ningde())
    for name in PLAIN:
        assert np.array_equal(found.values[name], plain.values[name])
        assert found.places[name] == plain.places[name]
    assert uncarried(found) == {}


def test_a_version_of_the_same_content_changes_nothing(region: Region) -> None:
    """Even where the figures go the long way: another version that is equal."""
    rows = (group("A", "1.37", "A00.0"), group("B", "2.11", "B00.0"))
    region.groups(*rows, version="v2023", year=2023)
    region.groups(*rows)
    region.cases(
        *(
            {"setl_id": f"s{i}", "institution": ("H1", "H2")[i % 2], "fee": str(500 + 70 * i), "group": "AB"[i % 3 % 2], "day": f"2023-{i % 12 + 1:02d}-03"}
            for i in range(30)
        )
    )
    found = rebased(region.workspace, [2023], "v2024", pack=ningde())
    plain = measures.monthly(region.workspace, [2023], PLAIN, pack=ningde())
    for name in PLAIN:
        scale = 10 ** (found.places[name] - plain.places[name])
        assert np.array_equal(found.values[name], plain.values[name] * scale)


def test_kept_until_a_coefficient_changes(region: Region) -> None:
    by_hand(region)
    first = rebased(region.workspace, [2023], "v2024", pack=ningde())
    region.budget(("employee", "dip_budget", "5"))
    assert at(rebased(region.workspace, [2023], "v2024", pack=ningde()), "score", "H1", 202302) == F("4.62")
    region.coefficients(("H1", "all", "bonus:x", "", "0.9"))
    again = rebased(region.workspace, [2023], "v2024", pack=ningde())
    assert at(first, "score", "H1", 202302) == F("4.62")
    assert at(again, "score", "H1", 202302) == F("8.4")  # 2 x 1.2 + 2 x 3


def test_a_year_without_scores_says_why(region: Region) -> None:
    by_hand(region)
    found = rebased(region.workspace, [2022, 2023, 2024], "v2024", pack=ningde())
    assert set(found.lacking["score"]) == {2022}
    assert "2022" in told(found, "v2024", Texts("en"))
    with pytest.raises(Refused) as refused:
        rebased(region.workspace, [2023], "no such", pack=ningde())
    assert refused.value.code == "catalogue_unknown"


def test_changes_on_the_axis(region: Region) -> None:
    by_hand(region)
    region.coefficients(
        ("H1", "all", "bonus:a", "2023-07-01", "0.1"), ("H2", "all", "bonus:a", "2023-07-01", "0.1"), ("H2", "all", "bonus:b", "2021-07-01", "0.1")
    )
    found = changes_on_axis(region.workspace, [2024, 2023])
    assert [(one.month, one.kind, one.name, one.count) for one in found] == [
        (202307, "coefficients", "2023-07-01", 2),
        (202401, "catalogue", "v2024", 0),
    ]
    assert [one.count for one in changes_on_axis(region.workspace, [2023, 2024], code="H1")] == [1, 0]
    assert changes_on_axis(region.workspace, [2023]) == [found[0]]
    assert changes_on_axis(region.workspace, []) == []
    for lang in ("zh", "en"):
        assert "v2024" in found[1].words(Texts(lang))


# -- a slow second way -------------------------------------------------------------------------------------------

CODES = ("A", "B", "C", "D")


@given(
    st.lists(st.integers(1, 4000), min_size=4, max_size=4),
    st.lists(st.one_of(st.none(), st.integers(1, 4000)), min_size=4, max_size=4),
    st.lists(
        st.tuples(st.sampled_from([*CODES, None]), st.integers(100, 90000), st.integers(1, 12), st.booleans(), st.booleans()),
        min_size=1,
        max_size=25,
    ),
)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_case_by_case(
    tmp_path_factory: pytest.TempPathFactory,
    old: list[int],
    new: list[int | None],
    stays: list[tuple[str | None, int, int, bool, bool]],
) -> None:
    """Each case by itself: its score times new over old by the lineage alone, added up as fractions."""
    region = fresh(tmp_path_factory.mktemp("rebased") / "r.dz")
    with_old = dict(zip(CODES, old, strict=True))
    with_new = {code: value for code, value in zip(CODES, new, strict=True) if value}
    if not with_new:
        with_new = {"Z": 1}
    region.groups(*(group(code, str(value / 1000), f"{code}00.0") for code, value in with_old.items()), version="v2023", year=2023)
    region.groups(*(group(code, str(value / 1000), f"{code}00.0") for code, value in with_new.items()))
    region.cases(
        *(
            {
                "setl_id": f"s{i}", "institution": "H1" if first else "H2", "fee": f"{fee}", "group": code,
                "day": f"2023-{month:02d}-05", "diag_code": "Y99.9", "fund": "employee" if mine else "resident",
            }
            for i, (code, fee, month, first, mine) in enumerate(stays)
        )
    )  # fmt: skip
    pack = replace(ningde(), grouping=None)
    found = rebased(region.workspace, [2023], "v2024", pack=pack)
    funds = [fund for fund in FUNDS if any(one[4] == (fund == "employee") for one in stays)]
    items = ("dip_budget", "outside_card", "outside_manual")
    region.budget(*((fund, item, "1000000") for fund in funds for item in items), year=2023)
    scored = annual.score_cases(region.workspace, 2023, pack, funds=funds)
    cases, scores = scored.inputs.cases, scored.scores
    connection = region.workspace.reader()
    entries = [library.entries(connection, name) for name in ("v2023", "v2024")]
    went = {one.old[0]: one.new for one in relate(*entries) if len(one.old) == 1}
    expected: dict[tuple[str, str, int], Fraction] = {}
    lost = 0
    for i in range(len(cases)):
        stated = cases.groups[cases.group[i]] if cases.group[i] >= 0 else None
        assert scores.score is not None
        value = scores.score.at(i)
        if stated is not None:
            targets = went[stated]
            if not targets:
                lost += 1
                continue
            value *= F(with_new[targets[0]], with_old[stated])
        key = cases.institutions[cases.institution[i]], FUNDS[cases.fund[i]], int(cases.day[i]) // 100
        expected[key] = expected.get(key, F(0)) + value
    for one in found.institutions:
        for fund in FUNDS:
            for month in found.months:
                assert at(found, "score", one.code, month, fund) == rounded(expected.get((one.code, fund, month), F(0)), 8)
    assert sum(cases for cases, _ in uncarried(found).values()) == lost
    region.workspace.close()
