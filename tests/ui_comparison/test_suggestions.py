"""What is offered for comparison: the last one first, neighbours of the same level by cases."""

from __future__ import annotations

from ui.pages.comparison.suggestions import PAIRS, PEERS, Candidate, pairs, peers

TOWN = [
    Candidate("A", "甲", 3, "市", 900), Candidate("B", "乙", 3, "市", 500), Candidate("C", "丙", 3, "县", 480),
    Candidate("D", "丁", 2, "县", 300), Candidate("E", "戊", 2, "市", 310), Candidate("F", "己", 1, "县", 20),
    Candidate("N", "无", 2, "县", 0),
]  # fmt: skip
BY_CODE = {one.code: one for one in TOWN}


def test_pairs_are_of_one_level_the_largest_first_and_levels_take_turns() -> None:
    # level 3: A B, then C alone; level 2: E D (310 before 300), N has no case; level 1: F alone
    assert pairs(TOWN) == [("A", "B"), ("E", "D")]


def test_what_was_compared_last_comes_first_and_once() -> None:
    assert pairs(TOWN, ("D", "E")) == [("D", "E"), ("A", "B")]
    assert pairs(TOWN, ("F", "A", "C")) == [("F", "A", "C"), ("A", "B"), ("E", "D")]


def test_the_last_ones_that_are_gone_or_without_cases_are_left_out() -> None:
    assert pairs(TOWN, ("A", "gone"))[0] == ("A", "B")
    assert pairs(TOWN, ("A", "N"))[0] == ("A", "B")


def test_no_more_than_have_room() -> None:
    many = [Candidate(f"{n:03}", str(n), n % 3 + 1, "", 1000 - n) for n in range(60)]
    found = pairs(many)
    assert len(found) == PAIRS
    assert [many[int(one)].level for one, _ in found] == [3, 2, 1, 3, 2, 1]
    assert len(peers({one.code: one for one in many}, ("000",))) == PEERS


def test_peers_are_those_nearest_to_the_first_in_cases() -> None:
    assert peers(BY_CODE, ("B",)) == ["C", "A"]
    assert peers(BY_CODE, ("B", "A")) == ["C"]
    assert peers(BY_CODE, ("F",)) == []
    assert peers(BY_CODE, ()) == []
    assert peers(BY_CODE, ("gone",)) == []


def test_of_equals_the_own_county_wins() -> None:
    near = {
        one.code: one
        for one in (
            Candidate("1", "", 2, "甲县", 100), Candidate("2", "", 2, "乙县", 90), Candidate("3", "", 2, "甲县", 110),
        )
    }  # fmt: skip
    assert peers(near, ("1",)) == ["3", "2"]
