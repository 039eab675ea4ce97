"""What became of each group: worked examples, then properties over random pairs of versions."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.catalogue.entries import CodeMap, Entries, Entry
from core.catalogue.lineage import CHANGES, MIRROR, Relation, definition, relate


def entry(code: str, score: str | None = "1", **more: object) -> Entry:
    told: dict[str, object] = {"dip_name": code, "kind": "core", **more}
    return Entry(dip_code=code, score=None if score is None else Fraction(score), **told)  # type: ignore[arg-type]


def version(name: str, *rows: Entry) -> Entries:
    return Entries(name, 2024, tuple(sorted(rows, key=lambda row: row.dip_code)))


def told(found: list[Relation]) -> list[tuple[object, ...]]:
    return [(one.change, one.old, one.new, one.by, one.cases) for one in found]


# -- definitions


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("47.0100+54.2100", "54.2100,47.0100"),
        ("47.0100|47.0901", "47.0901/47.0100"),
        ("a/b+c/d", "D|C , B|A"),
        ("47.0100", " 47.0100 "),
        ("", "."),
        ("47.0100+47.0100", "47.0100"),
        ("４７．０１００", "47.0100"),
    ],
)
def test_spelling_and_order_of_an_expression_do_not_matter(one: str, other: str) -> None:
    assert definition(entry("x", diag_code="K35", oprn_code=one)) == definition(entry("y", diag_code="K35", oprn_code=other))


def test_and_joins_parts_of_alternatives() -> None:
    """`a/b+c/d` is (a or b) and (c or d), not a or (b and c) or d."""
    assert definition(entry("x", diag_code="K", oprn_code="a/b+c/d"))[2] == "A|B+C|D"
    assert definition(entry("x", diag_code="K", oprn_code="a/b+c/d")) != definition(entry("x", diag_code="K", oprn_code="a/d+c/b"))


def test_a_related_operation_counts_in_either_column() -> None:
    apart = entry("x", diag_code="I21.0", oprn_code="36.0700", rel_oprn_code="00.2401")
    assert definition(apart) == definition(entry("y", diag_code="I21.0", oprn_code="36.0700+00.2401"))


def test_attribute_tells_composite_groups_apart() -> None:
    ways = [definition(entry("x", kind="composite", diag_code="K35", attribute=one)) for one in ("surgery", "diagnostic")]
    assert ways[0] != ways[1]


def test_nothing_said_is_no_definition() -> None:
    assert definition(entry("x", oprn_code=".", kind="bed_day")) == ()


# -- worked examples


def test_by_key_the_score_decides_between_same_and_rescored() -> None:
    old = version("a", entry("K35.3:47.0100", "0.8", diag_code="K35.3"), entry("J18.9:", "1", diag_code="J18.9"))
    new = version("b", entry("K35.3:47.0100", "0.80", diag_code="K35.3"), entry("J18.9:", "1.1", diag_code="J18.9"))
    assert relate(old, new) == [
        Relation("rescored", ("J18.9:",), ("J18.9:",), "key", Fraction(1), Fraction(11, 10), 0),
        Relation("same", ("K35.3:47.0100",), ("K35.3:47.0100",), "key", Fraction(4, 5), Fraction(4, 5), 0),
    ]


def test_another_key_with_the_same_definition_is_renumbered() -> None:
    old = version("a", entry("A02.0C", diag_code="A02.0"), entry("X", diag_code="K35", oprn_code="a/b"))
    new = version("b", entry("A02.0:保守治疗", diag_code="A02.0"), entry("Y", diag_code="k35", oprn_code="b|a"))
    assert told(relate(old, new)) == [
        ("renumbered", ("A02.0C",), ("A02.0:保守治疗",), "definition", 0),
        ("renumbered", ("X",), ("Y",), "definition", 0),
    ]


def test_a_key_given_to_another_disease_goes_with_the_disease() -> None:
    """Number 1 was appendicitis and is pneumonia now; appendicitis is number 2."""
    old = version("a", entry("1", diag_code="K35"), entry("2", diag_code="I10"))
    new = version("b", entry("1", diag_code="J18"), entry("2", diag_code="K35"))
    assert told(relate(old, new)) == [
        ("new", (), ("1",), "key", 0),
        ("renumbered", ("1",), ("2",), "definition", 0),
        ("gone", ("2",), (), "key", 0),
    ]


@pytest.mark.parametrize("change", [{"kind": "primary_care", "primary_care": True}, {"condition": "age < 18"}, {"stage": "merged"}])
def test_the_same_key_for_something_else_is_redefined(change: dict[str, object]) -> None:
    one = entry("K35", diag_code="K35")
    assert told(relate(version("a", one), version("b", replace(one, **change))))[0][0] == "redefined"  # type: ignore[arg-type]
    assert told(relate(version("a", one), version("b", replace(one, stage="basic"))))[0][0] == "same"


def test_a_vanished_key_whose_cases_go_to_two_new_ones_is_split() -> None:
    """60 of 100 cases to Z1, 38 to Z2, 2 elsewhere. Scores: 2 before; after (60 * 1 + 38 * 3) / 98."""
    stays = entry("J18", diag_code="J18")
    old = version("a", entry("K35", "2", diag_code="K35"), stays)
    new = version("b", entry("Z1", "1", diag_code="K35.1"), entry("Z2", "3", diag_code="K35.3"), stays)
    moves = {("K35", "Z1"): 60, ("K35", "Z2"): 38, ("K35", "J18"): 2, ("J18", "J18"): 500}
    assert relate(old, new, moves=moves) == [
        Relation("same", ("J18",), ("J18",), "key", Fraction(1), Fraction(1), 500),
        Relation("split", ("K35",), ("Z1", "Z2"), "cases", Fraction(2), Fraction(60 + 114, 98), 98),
    ]


def test_two_vanished_keys_whose_cases_go_to_one_are_merged() -> None:
    old = version("a", entry("A", "1", diag_code="A01"), entry("B", "4", diag_code="A02"))
    new = version("b", entry("C", "2", diag_code="A01-A02"))
    found = relate(old, new, moves={("A", "C"): 30, ("B", "C"): 10, ("B", ""): 3})
    assert found == [Relation("merged", ("A", "B"), ("C",), "cases", Fraction(30 + 40, 40), Fraction(2), 40)]


def test_a_vanished_group_swallowed_by_one_that_stays_is_merged_into_it() -> None:
    rest = entry("K35:内科", diag_code="K35", kind="composite", attribute="conservative")
    old, new = version("a", rest, entry("K35.1", diag_code="K35.1")), version("b", rest)
    moves = {("K35.1", "K35:内科"): 6, ("K35.1", ""): 5, ("K35:内科", "K35:内科"): 900}
    assert told(relate(old, new, moves=moves)) == [("merged", ("K35.1", "K35:内科"), ("K35:内科",), "cases", 906)]
    # With no more than half of its cases there it is merely gone.
    less = {**moves, ("K35.1", ""): 6}
    assert told(relate(old, new, moves=less)) == [
        ("gone", ("K35.1",), (), "key", 12),
        ("same", ("K35:内科",), ("K35:内科",), "key", 900),
    ]


def test_a_new_group_carved_out_of_one_that_stays_is_split_from_it() -> None:
    rest = entry("K35", diag_code="K35", kind="composite", attribute="surgery")
    old, new = version("a", rest), version("b", rest, entry("K35.2:47.0901", diag_code="K35.2", oprn_code="47.0901"))
    moves = {("K35", "K35"): 80, ("K35", "K35.2:47.0901"): 20}
    assert told(relate(old, new, moves=moves)) == [("split", ("K35",), ("K35", "K35.2:47.0901"), "cases", 100)]


def test_where_cases_went_brings_one_to_one_too() -> None:
    old, new = version("a", entry("A", diag_code="A01")), version("b", entry("B", diag_code="A02"))
    assert told(relate(old, new, moves={("A", "B"): 1})) == [("renumbered", ("A",), ("B",), "cases", 1)]
    assert [one.change for one in relate(old, new)] == ["gone", "new"]


def test_the_larger_move_decides_and_no_group_is_lost() -> None:
    """o1 -> n1 100, o1 -> n2 60, o2 -> n1 50: o1 is the middle of a split; o2 cannot belong to it as well."""
    old = version("a", *(entry(code, diag_code=code) for code in ("o1", "o2")))
    new = version("b", *(entry(code, diag_code=code) for code in ("n1", "n2")))
    moves = {("o1", "n1"): 100, ("o1", "n2"): 60, ("o2", "n1"): 50}
    assert told(relate(old, new, moves=moves)) == [
        ("split", ("o1",), ("n1", "n2"), "cases", 160),
        ("gone", ("o2",), (), "key", 50),
    ]


def test_a_map_of_groups_splits_and_merges() -> None:
    old = version("a", *(entry(code, diag_code=code) for code in "ABC"))
    new = version("b", *(entry(code, diag_code=code) for code in "XYZ"))
    maps = [CodeMap("group", "1", a, "2", b) for a, b in (("A", "X"), ("A", "Y"), ("B", "Z"), ("C", "Z"), ("Q", "Z"))]
    assert told(relate(old, new, maps=maps)) == [
        ("split", ("A",), ("X", "Y"), "map", 0),
        ("merged", ("B", "C"), ("Z",), "map", 0),
    ]


def test_a_map_of_operations_makes_definitions_the_same() -> None:
    old = version("a", entry("1", diag_code="K35", oprn_code="47.0100x001"), entry("2", diag_code="K36", oprn_code="47.0100"))
    new = version("b", entry("3", diag_code="K35", oprn_code="47.0100"), entry("4", diag_code="K36", oprn_code="47.0100"))
    found = told(relate(old, new, maps=[CodeMap("operation", "1", "47.0100x001", "2", "47.0100"), CodeMap("operation", "1", "47.0100", "2", "47.0100")]))
    assert found == [("renumbered", ("1",), ("3",), "definition", 0), ("renumbered", ("2",), ("4",), "definition", 0)]


def test_groups_without_definition_are_never_taken_for_each_other() -> None:
    old = version("a", entry("精神1", kind="bed_day"), entry("精神2", kind="bed_day"))
    new = version("b", entry("床日1", kind="bed_day"), entry("精神2", kind="bed_day"))
    assert told(relate(old, new)) == [
        ("new", (), ("床日1",), "key", 0),
        ("gone", ("精神1",), (), "key", 0),
        ("same", ("精神2",), ("精神2",), "key", 0),
    ]


def test_an_unknown_score_stays_unknown() -> None:
    old = version("a", entry("A", None, diag_code="A"), entry("B", "1", diag_code="B"))
    found = relate(old, version("b", entry("C", "1", diag_code="C")), moves={("A", "C"): 1, ("B", "C"): 1})
    assert (found[0].old_score, found[0].new_score) == (None, Fraction(1))


# -- properties

codes = st.sampled_from([f"G{number}" for number in range(7)])
one_entry = st.builds(
    entry,
    codes,
    st.sampled_from(["1", "2"]),
    diag_code=st.sampled_from(["", "K35", "K36", "J18"]),
    oprn_code=st.sampled_from(["", "a", "b", "a/b"]),
    kind=st.sampled_from(["core", "primary_care"]),
)
catalogue = st.lists(one_entry, max_size=7, unique_by=lambda one: one.dip_code).map(lambda rows: version("v", *rows))
moved = st.dictionaries(st.tuples(st.one_of(codes, st.just("")), st.one_of(codes, st.just(""))), st.integers(0, 6), max_size=14)
mapped = st.lists(
    st.one_of(
        st.builds(lambda a, b: ("group", a, b), codes, codes),
        st.builds(lambda a, b: ("diagnosis", a, b), st.sampled_from(["K35", "K36"]), st.sampled_from(["K36", "J18"])),
    ),
    max_size=4,
)


def maps_of(pairs: list[tuple[str, str, str]], turned: bool = False) -> list[CodeMap]:
    return [CodeMap(system, "1", b if turned else a, "2", a if turned else b) for system, a, b in pairs]


def mirrored(found: list[Relation]) -> set[Relation]:
    return {
        Relation(MIRROR.get(one.change, one.change), one.new, one.old, one.by, one.new_score, one.old_score, one.cases)
        for one in found
    }


@given(catalogue, catalogue, moved, mapped)
def test_every_group_in_exactly_one_relation_and_each_well_formed(old, new, moves, pairs) -> None:
    found = relate(old, new, moves=moves, maps=maps_of(pairs))
    assert Counter(code for one in found for code in one.old) == Counter(row.dip_code for row in old.rows)
    assert Counter(code for one in found for code in one.new) == Counter(row.dip_code for row in new.rows)
    shapes = {
        "same": (1, 1), "rescored": (1, 1), "redefined": (1, 1), "renumbered": (1, 1), "gone": (1, 0), "new": (0, 1),
    }  # fmt: skip
    for one in found:
        assert one.change in CHANGES
        if one.change == "split":
            assert len(one.old) == 1 and len(one.new) > 1
        elif one.change == "merged":
            assert len(one.old) > 1 and len(one.new) == 1
        else:
            assert (len(one.old), len(one.new)) == shapes[one.change]
        if one.change in ("same", "rescored", "redefined"):
            assert one.old == one.new
        if one.change in ("same", "rescored"):
            assert (one.old_score == one.new_score) == (one.change == "same")
        if one.change == "renumbered":
            assert one.old != one.new
        assert one.old == tuple(sorted(one.old)) and one.new == tuple(sorted(one.new))


@given(catalogue, catalogue, moved, mapped)
def test_the_mirror_of_a_relation_is_the_relation_of_the_mirror(old, new, moves, pairs) -> None:
    there = relate(old, new, moves=moves, maps=maps_of(pairs))
    back = relate(new, old, moves={(b, a): n for (a, b), n in moves.items()}, maps=maps_of(pairs, turned=True))
    assert mirrored(there) == set(back)


@given(catalogue, catalogue, moved, mapped, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(old, new, moves, pairs, chance: random.Random) -> None:
    def shuffled(rows):
        rows = list(rows)
        chance.shuffle(rows)
        return rows

    expected = relate(old, new, moves=moves, maps=maps_of(pairs))
    again = relate(
        Entries("v", 2024, tuple(shuffled(old.rows))),
        Entries("v", 2024, tuple(shuffled(new.rows))),
        moves=dict(shuffled(moves.items())),
        maps=shuffled(maps_of(pairs)),
    )
    assert again == expected


@given(catalogue)
def test_a_version_against_itself_is_all_the_same(one) -> None:
    assert {relation.change for relation in relate(one, one)} <= {"same"}
