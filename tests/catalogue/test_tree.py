"""The ICD's chapters and blocks, where a diagnosis belongs, and a version as a tree."""

from __future__ import annotations

import csv
import re
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.catalogue.entries import Entries, Entry
from core.catalogue.tree import Node, blocks, category_names, chapters, place, tree

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "icd10_nhsa.csv"


def version(*rows: Entry) -> Entries:
    return Entries("v", 2024, tuple(sorted(rows, key=lambda row: row.dip_code)))


def entry(code: str, name: str = "", **more: object) -> Entry:
    return Entry(code, name or code, str(more.pop("kind", "core")), **more)  # type: ignore[arg-type]


def everything(nodes: tuple[Node, ...]) -> list[Node]:
    return [one for node in nodes for one in (node, *everything(node.children))]


# -- the ICD


def test_twenty_two_chapters_in_order_with_both_names() -> None:
    ones = ["", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX"]
    numbers = [f"{tens}{one}" for tens in ("", "X", "XX") for one in ones][1:23]
    assert [one.number for one in chapters()] == numbers
    assert len(blocks()) == 263
    for one in (*chapters(), *blocks()):
        assert re.fullmatch(r"[A-Z]\d\d-[A-Z]\d\d", one.codes)
        assert one.first <= one.last
        assert re.search("[一-龥]", one.title["zh"]) and not re.search("[a-z]", one.title["zh"])
        assert re.match("[A-Z]", one.title["en"]) and not re.search("[一-龥]", one.title["en"])


def test_blocks_follow_each_other_within_their_chapter() -> None:
    for chapter in chapters():
        inner = blocks(chapter.codes)
        assert inner[0].first >= chapter.first and inner[-1].last <= chapter.last
        assert all(one.last < following.first for one, following in pairwise(inner))
    names = [one.title["zh"] for one in blocks()]
    assert len(set(names)) == len(names)


def test_every_national_diagnosis_has_a_block() -> None:
    if not SHARED.exists():
        pytest.skip(f"{SHARED} is not there")
    with SHARED.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            at = place(row["code"])
            assert at.chapter is not None and at.block is not None, row["code"]
            assert at.category == row["code"][:3]
            assert at.block.first <= at.category <= at.block.last


# -- where a diagnosis belongs


@pytest.mark.parametrize(
    ("text", "chapter", "block", "category"),
    [
        ("K35.3", "XI", "K35-K38", "K35"),
        ("K35", "XI", "K35-K38", "K35"),
        ("K35.8_47.0901_01_00", "XI", "K35-K38", "K35"),
        ("A09.9:45.1302", "I", "A00-A09", "A09"),
        ("A02.0C", "I", "A00-A09", "A02"),
        ("c50.9_86.0603", "II", "C50-C50", "C50"),
        ("J65.x", "X", "J60-J70", "J65"),
        ("A00.000x001", "I", "A00-A09", "A00"),
        ("A17.0†", "I", "A15-A19", "A17"),
        (" ｋ３５．１ ", "XI", "K35-K38", "K35"),
        ("U07.100", "XXII", "U00-U49", "U07"),
        ("K35.1|K35.3", "XI", "K35-K38", "K35"),
        ("K35.1/K36", "XI", "K35-K38", ""),
        ("K35.1|K80.1", "XI", "", ""),
        ("K35.1|J18.9", "", "", ""),
        ("Z51.1+C34", "XXI", "Z40-Z54", "Z51"),  # the principal one is named first
        ("A00-B99", "I", "", ""),
        ("A00-A09", "I", "A00-A09", ""),
        ("A00.0-A00.9", "I", "A00-A09", "A00"),
        ("C00-C97", "II", "", ""),
        ("C00-D89", "", "", ""),
        ("H00-H99", "", "", ""),
        ("I6", "IX", "I60-I69", ""),
        ("I2", "IX", "", ""),
        ("K", "XI", "", ""),
        ("D", "", "", ""),
        ("D49", "", "", "D49"),  # no such category
        ("A07.01.21", "", "", ""),  # TCM, national codes
        ("BNS150", "", "", ""),  # TCM, the codes of 1995
        ("AA1", "", "", ""),
        ("阑尾炎", "", "", ""),
        ("", "", "", ""),
        (".", "", "", ""),
        ("47.0100", "", "", ""),
    ],
)
def test_where_it_belongs(text: str, chapter: str, block: str, category: str) -> None:
    at = place(text)
    assert (at.chapter.number if at.chapter else "", at.block.codes if at.block else "", at.category) == (chapter, block, category)


@given(st.text(max_size=12))
def test_anything_typed_has_a_place_or_none(text: str) -> None:
    at = place(text)
    if at.block is not None:
        assert at.chapter is not None and at.block in blocks(at.chapter.codes)


# -- the tree


def test_chapter_block_category_attribute_with_counts() -> None:
    found = tree(
        version(
            entry("K35.3:47.0100", diag_code="K35.3", oprn_code="47.0100", attribute="surgery"),
            entry("K35.8", diag_code="K35.8", attribute="conservative"),
            entry("K36", diag_code="K36"),
            entry("A09.9", diag_code="A09.9", oprn_code="45.13"),
            entry("K80.1", diag_code="K80.1", attribute="surgery"),
        )
    )
    told = [(one.level, one.number or one.code, one.count) for one in everything(found)]
    assert told == [
        ("chapter", "I", 1),
        ("block", "A00-A09", 1),
        ("category", "A09", 1),
        ("attribute", "unstated", 1),
        ("chapter", "XI", 4),
        ("block", "K35-K38", 3),
        ("category", "K35", 2),
        ("attribute", "conservative", 1),
        ("attribute", "surgery", 1),
        ("category", "K36", 1),
        ("attribute", "conservative", 1),
        ("block", "K80-K87", 1),
        ("category", "K80", 1),
        ("attribute", "surgery", 1),
    ]
    assert found[1].title == {"zh": "消化系统疾病", "en": "Diseases of the digestive system"}
    assert [one.title["zh"] for one in found[1].children] == ["阑尾疾病", "胆囊、胆道和胰腺疾患"]
    assert found[1].rows == (1, 2, 3, 4)
    assert found[1].children[0].children[0].rows == (1, 2)


def test_what_spans_sections_and_what_has_no_place() -> None:
    found = tree(
        version(
            entry("A00-B99:内科", diag_code="A00-B99", kind="composite", attribute="conservative"),
            entry("C00-D89", diag_code="C00-D89", kind="composite", attribute="surgery"),
            entry("T1", diag_code="A07.01.21", kind="tcm"),
            entry("AA1", oprn_code="33.6x00", stage="pre", attribute="surgery"),
            entry("A02.0C"),
            entry("D49", diag_code="D49"),
        )
    )
    told = [(one.level, one.number or one.code, one.count) for one in everything(found)]
    assert told == [
        ("chapter", "I", 2),
        ("block", "A00-A09", 1),
        ("category", "A02", 1),
        ("attribute", "conservative", 1),
        ("block", "several", 1),
        ("category", "several", 1),
        ("attribute", "conservative", 1),
        ("chapter", "several", 1),
        ("attribute", "surgery", 1),
        ("chapter", "elsewhere", 2),
        ("attribute", "conservative", 1),
        ("attribute", "surgery", 1),
        ("chapter", "tcm", 1),
        ("attribute", "conservative", 1),
    ]
    for one in everything(found):
        if one.level != "category" or one.code == "several":
            assert one.title["zh"] and one.title["en"]
            assert "catalogue." not in one.title["zh"]


def test_chapters_stand_in_the_order_of_the_icd() -> None:
    found = tree(version(*(entry(code, diag_code=code) for code in ("U07.1", "V01", "Z51", "A00", "H60", "H00", "D50"))))
    assert [one.number for one in found] == ["I", "III", "VII", "VIII", "XX", "XXI", "XXII"]


def test_a_category_is_called_what_the_catalogue_calls_it_or_nothing() -> None:
    entries = version(
        entry("K35:内科诊疗组", "急性阑尾炎:内科诊疗组", diag_code="K35", kind="composite"),
        entry("K35:相关手术组", "急性阑尾炎（相关手术组）", diag_code="K35", kind="composite"),
        entry("K36:内科诊疗组", "其他阑尾炎-内科诊疗组", diag_code="K36", kind="composite"),
        entry("K36:相关手术组", "阑尾炎:相关手术组", diag_code="K36", kind="composite"),
        entry("K37.x:保守治疗", "未特指的阑尾炎:保守治疗", diag_code="K37.x"),
    )
    assert category_names(entries) == {"K35": "急性阑尾炎"}
    titles = {one.code: one.title["zh"] for one in everything(tree(entries)) if one.level == "category"}
    assert titles == {"K35": "急性阑尾炎", "K36": "", "K37": ""}


def test_only_the_rows_that_a_filter_left() -> None:
    entries = version(*(entry(f"K3{n}", diag_code=f"K3{n}") for n in range(5, 9)))
    found = tree(entries, [2, 0])
    assert [(one.code, one.rows) for one in everything(found) if one.level == "category"] == [("K35", (0,)), ("K37", (2,))]
    assert tree(entries, []) == ()


codes = st.sampled_from(["K35.3", "A09", "A00-B99", "C00-D89", "", "A07.01.21", "D49", "I2", "K35|K36", "K35|J18", "Z51.1+C34"])
attributes = st.sampled_from(["", "conservative", "diagnostic", "therapeutic", "surgery"])


@given(st.lists(st.builds(lambda d, a, o, k: (d, a, o, k), codes, attributes, st.sampled_from(["", "47.01"]), st.sampled_from(["core", "tcm"])), max_size=30))
def test_every_group_once_at_every_level(rows: list[tuple[str, str, str, str]]) -> None:
    entries = version(*(entry(f"#{at:03d}", diag_code=d, attribute=a, oprn_code=o, kind=k) for at, (d, a, o, k) in enumerate(rows)))
    found = tree(entries)
    assert sorted(row for node in found for row in node.rows) == list(range(len(rows)))
    for node in everything(found):
        assert node.rows == tuple(sorted(node.rows)) and node.count
        if node.children:
            assert sorted(row for child in node.children for row in child.rows) == list(node.rows)
        else:
            assert node.level == "attribute"
