"""Finding groups as one types: worked examples, then against a slow search written straight from the rule."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.catalogue.entries import Entries, Entry
from core.catalogue.search import Index
from core.lookup import (
    CODE,
    CODE_START,
    INSIDE,
    NAME_START,
    PINYIN_INSIDE,
    PINYIN_START,
    code_folded,
    name_folded,
    syllables,
)

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "icd10_nhsa.csv"


def version(name: str, *rows: tuple[str, str] | Entry) -> Entries:
    made = [row if isinstance(row, Entry) else Entry(row[0], row[1], "core") for row in rows]
    return Entries(name, 2024, tuple(sorted(made, key=lambda row: row.dip_code)))


APPENDIX = version(
    "2024",
    ("K35.3:47.0100", "急性阑尾炎伴局限性腹膜炎：腹腔镜下阑尾切除术"),
    ("K35.8_47.0901_01_00", "急性阑尾炎，其他和未特指的"),
    ("K36:保守治疗", "阑尾炎，其他的"),
    ("A09.9:45.1302", "未特指病因的胃肠炎和结肠炎:胃镜检查"),
    ("J18.9:保守治疗", "重症肺炎"),
    ("I10.x", "Ⅱ型ＣＴ检查"),
    ("L98:行", "长期卧床"),
)


def codes(text: str, index: Index | None = None, **more: object) -> list[str]:
    found = (index or Index([APPENDIX])).find(text, **more)  # type: ignore[arg-type]
    return [hit.entry.dip_code for hit in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("阑尾", {"K36:保守治疗", "K35.3:47.0100", "K35.8_47.0901_01_00"}),  # two characters
        ("阑", {"K36:保守治疗", "K35.3:47.0100", "K35.8_47.0901_01_00"}),
        ("性阑尾炎伴", {"K35.3:47.0100"}),
        ("炎其他", {"K35.8_47.0901_01_00", "K36:保守治疗"}),  # across a comma
        ("炎，其他", {"K35.8_47.0901_01_00", "K36:保守治疗"}),
        ("lwy", {"K36:保守治疗", "K35.3:47.0100", "K35.8_47.0901_01_00"}),
        ("LWY", {"K36:保守治疗", "K35.3:47.0100", "K35.8_47.0901_01_00"}),
        ("lanweiyan", {"K36:保守治疗", "K35.3:47.0100", "K35.8_47.0901_01_00"}),
        ("lanweiy", {"K36:保守治疗", "K35.3:47.0100", "K35.8_47.0901_01_00"}),
        ("lanwy", {"K36:保守治疗", "K35.3:47.0100", "K35.8_47.0901_01_00"}),
        ("4709", {"K35.8_47.0901_01_00"}),
        ("47.09", {"K35.8_47.0901_01_00"}),
        ("k358:470901", {"K35.8_47.0901_01_00"}),  # the separator does not matter
        ("ｋ３５．８", {"K35.8_47.0901_01_00"}),
        ("1302", {"A09.9:45.1302"}),
        ("zzfy", {"J18.9:保守治疗"}),
        ("czfy", {"J18.9:保守治疗"}),  # 重 is zhong and chong
        ("zhongzheng", {"J18.9:保守治疗"}),
        ("chongz", {"J18.9:保守治疗"}),
        ("cqwc", {"L98:行"}),
        ("zqwc", {"L98:行"}),  # 长 is chang and zhang
        ("ct", {"I10.x"}),
        ("ct检查", {"I10.x"}),
        ("iixctjc", {"I10.x"}),
        ("保守", {"K36:保守治疗", "J18.9:保守治疗"}),  # Chinese within a code
        ("k35 fmy", {"K35.3:47.0100"}),
        ("fmy　k35", {"K35.3:47.0100"}),
        ("k36 j18", set()),
        ("没有", set()),
        ("𠀀", set()),
    ],
)  # fmt: skip
def test_what_is_found(text: str, expected: set[str]) -> None:
    assert set(codes(text)) == expected


@pytest.mark.parametrize("text", ["", "  ", "。", "...", "，、"])
def test_nothing_to_look_for_finds_everything_by_code(text: str) -> None:
    assert codes(text) == [row.dip_code for row in APPENDIX.rows]


def test_a_diagnosis_and_operations_of_the_definition_are_found() -> None:
    index = Index([version("a", Entry("BZ0001", "甲", "core", diag_code="K35.3", oprn_code="47.0100", rel_oprn_code="54.2100"))])
    for text in ("k353", "4701", "542100"):
        assert codes(text, index) == ["BZ0001"]
    assert codes("3534701", index) == []  # no word runs from one column into the next


def test_the_best_fit_stands_first_and_equals_by_code() -> None:
    index = Index(
        [
            version(
                "a",
                ("CT9", "甲"),
                ("CT", "乙"),
                ("B1", "CT检查"),
                ("B0", "肠痛"),  # chang tong
                ("D2", "胸部ct"),
                ("D1", "胸部CT"),
                ("A0", "某肠痛"),
            )
        ]
    )
    found = index.find("ct")
    assert [(hit.entry.dip_code, hit.fit) for hit in found] == [
        ("CT", CODE),
        ("CT9", CODE_START),
        ("B1", NAME_START),
        ("B0", PINYIN_START),
        ("D1", INSIDE),
        ("D2", INSIDE),
        ("A0", PINYIN_INSIDE),
    ]


@pytest.mark.parametrize(("char", "obsolete"), [("炎", "tan"), ("大", "duo"), ("肿", "dong")])
def test_nobody_types_an_obsolete_reading(char: str, obsolete: str) -> None:
    assert char not in syllables().get(obsolete, "")


def test_versions_side_by_side_or_one_of_them() -> None:
    index = Index([version("2023", ("B", "阑尾炎"), ("A", "阑尾炎")), version("2024", ("A", "阑尾炎症"), ("C", "肺炎"))])
    assert [(hit.version, hit.entry.dip_code) for hit in index.find("lwy")] == [("2023", "A"), ("2024", "A"), ("2023", "B")]
    assert [(hit.version, hit.entry.dip_name) for hit in index.find("lwy", "2024")] == [("2024", "阑尾炎症")]
    assert index.find("lwy", "2022").total == 0
    assert index.places("lwy").tolist() == [0, 1, 2]
    assert index.places("", "2024").tolist() == [0, 1]
    assert index.places("fy", "2024").tolist() == [1]


def test_a_limit_cuts_the_list_but_not_the_count() -> None:
    index = Index([version("a", *((f"K{number:03d}", "阑尾炎") for number in range(50)))])
    found = index.find("lwy", limit=7)
    assert (found.total, len(found)) == (50, 7)
    assert [hit.entry.dip_code for hit in found] == [f"K{number:03d}" for number in range(7)]


def test_an_empty_index_finds_nothing() -> None:
    for index in (Index([]), Index([version("a")])):
        assert index.find("lwy").total == 0
        assert index.find("").total == 0


def test_breaks_and_odd_characters_in_a_name_shift_no_row() -> None:
    index = Index([version("a", ("A\nB", "第一行\n第二行"), ("B", ""), ("C", "𠮷田病"), ("D", "\u0301尾"), ("E", "ß\r肺炎"))])
    assert codes("第二行", index) == ["A\nB"]
    assert codes("一行第", index) == ["A\nB"]
    assert codes("田病", index) == ["C"]
    assert codes("fy", index) == ["E"]


# -- against a slow search


def readings(char: str) -> set[str]:
    """How a character may be typed: itself, its first letter, or in full."""
    own = {char} if char.isascii() else set()
    for name, chars in syllables().items():
        if char in chars:
            own |= {name, name[0]}
    return own


def sounds_from(name: str, word: str) -> bool:
    """Whether what stands from here on reads like `word`, its last syllable perhaps unfinished."""
    if not word:
        return True
    if not name:
        return False
    if any(len(full) > len(word) and full.startswith(word) for full in readings(name[0])):
        return True
    return any(word.startswith(own) and sounds_from(name[1:], word[len(own) :]) for own in readings(name[0]))


def fit(entry: Entry, word: str) -> int | None:
    code, name = code_folded(word).strip("_"), name_folded(word)
    own_name = name_folded(entry.dip_name)
    own_code = "_".join(map(code_folded, (entry.dip_code, entry.diag_code, entry.oprn_code, entry.rel_oprn_code)))
    fits = []
    if code:
        fits += [CODE] if code_folded(entry.dip_code) == code else []
        fits += [CODE_START] if own_code.startswith(code) else [INSIDE] if code in own_code else []
    if name:
        fits += [NAME_START] if own_name.startswith(name) else [INSIDE] if name in own_name else []
    if name and name.isascii() and any(map(str.isalpha, name)):
        heard = [at for at in range(len(own_name)) if sounds_from(own_name[at:], name)]
        fits += [PINYIN_START] if 0 in heard else [PINYIN_INSIDE] if heard else []
    return min(fits) if fits else None


letters = "阑尾炎重长行肺 Ｋk3.5:_，lwyzchang"
some_text = st.text(st.sampled_from(letters), max_size=8)
rows = st.lists(
    st.builds(lambda code, name, diag: Entry(code, name, "core", diag_code=diag), some_text, some_text, st.sampled_from(["", "K35", "l5"])),
    max_size=6,
    unique_by=lambda row: row.dip_code,
)


@given(rows, rows, st.one_of(some_text, st.sampled_from(["lwy", "zhang", "chong", "xing", "hangl", "lan", "fei", "k3.5", "n", "wei"])))
def test_the_fast_search_finds_what_the_slow_one_does(one, other, text) -> None:
    versions = [version("1", *one), version("2", *other)]
    words = [word for word in text.split() if code_folded(word).strip("_") or name_folded(word)]
    expected = []
    for number, entries in enumerate(versions):
        for row in entries.rows:
            fits = [fit(row, word) for word in words]
            if None not in fits:
                expected.append((min(fits, default=None), row.dip_code, number))  # type: ignore[type-var]
    expected.sort(key=lambda found: (found[0] if found[0] is not None else 0, found[1], found[2]))
    index = Index(versions)
    found = [(hit.entry.dip_code, int(hit.version) - 1) for hit in index.find(text)]
    assert found == [(code, number) for _, code, number in expected]


# -- real names


@pytest.fixture(scope="module")
def national() -> Index:
    if not SHARED.exists():
        pytest.skip(f"{SHARED} is not there")
    with SHARED.open(encoding="utf-8") as file:
        rows = [(row["code"], row["name"]) for row in csv.DictReader(file)]
    return Index([version("icd", *rows)])


@pytest.mark.parametrize(
    ("text", "name"),
    [("lwy", "阑尾炎"), ("tnb", "糖尿病"), ("gxy", "高血压"), ("mxzsxfjb", "慢性阻塞性肺疾病"), ("naogs", "脑梗死"), ("bnz", "白内障"), ("zhangai", "障碍"), ("nvxing", "女性")],
)  # fmt: skip
def test_every_name_that_holds_it_is_found_by_pinyin(national: Index, text: str, name: str) -> None:
    sought = {row for row in range(len(national)) if name in national.entry(row).dip_name}
    assert sought
    assert sought <= set(national.places(text).tolist())


def test_every_character_of_the_national_names_can_be_typed(national: Index) -> None:
    known = set("".join(syllables().values()))
    names = "".join(national.entry(row).dip_name for row in range(len(national)))
    assert {char for char in names if "一" <= char <= "龥"} <= known
