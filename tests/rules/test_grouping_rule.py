"""The grouping rule of a pack: what is wrong with one is found at its line; merged, hashed, restored, put in words."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.faults import Refused, Usage
from core.rules import description, packs
from core.rules.formula import FormulaError
from core.rules.grouping import GroupingRule, condition_of, diagnosis_tokens, rule_of
from core.settings import ROOT
from core.texts import Texts

HEAD = """[pack]
id = "mine"
extends = "common"
title = { zh = "我的", en = "mine" }

"""
OWN = """[grouping]
cite = "S1, 第三章"
any_of = "/"
all_of = "+"
type_order = ["core:surgery", "core"]

[[grouping.search]]
id = "core"
title = { zh = "核心病种", en = "Core groups" }
kinds = ["core"]
diagnosis = [5, "range"]
prefer = ["parts", "grouping_tie"]

[[grouping.choice]]
id = "all"
title = { zh = "全部", en = "All" }
among = ["core"]
prefer = ["type_order"]
"""


def written(folder: Path, text: str, name: str = "mine.toml") -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize("id", [head.id for head in packs.available()])
def test_every_shipped_pack_can_group_and_says_how(id: str) -> None:
    pack = packs.load(id)
    rule = rule_of(pack)
    assert rule.cite and rule.open and rule.evidence in "VCD"
    assert packs.restore(pack.text).grouping == rule
    for lang in ("zh", "en"):
        lines = description.describe(pack, Texts(lang))
        assert f"# {Texts(lang)('grouping.rule.grouping')}" in lines
        assert not any("grouping." in line or "rules." in line for line in lines)
    for search in rule.searches:
        assert {word for word in search.prefer if word == "grouping_tie"} == set(), "parameters are put in"


def test_what_a_city_says_replaces_and_what_it_leaves_stays(tmp_path: Path) -> None:
    common = rule_of(packs.load("common"))
    settled = rule_of(packs.load("ningde-2024"))
    assert settled.searches[0].id == "pre" and [one.id for one in settled.searches] == [one.id for one in common.searches]
    assert settled.open != common.open and settled.evidence == "D"
    mine = packs.load(written(tmp_path, HEAD + OWN))
    rule = rule_of(mine)
    assert [one.id for one in rule.searches] == ["core"] and [one.among for one in rule.choices] == [("core",)]
    assert rule.attribute_of == "main" and rule.exclude == {"diagnosis", "operation"}  # as in common
    assert (rule.all_of, rule.any_of) == ("+", "/")
    assert rule.searches[0].prefer == ("parts", "nearest_fee")
    child = HEAD.replace('"mine"', '"child"', 1).replace('"common"', '"mine"') + '[grouping]\nattribute_of = "all"\n'
    assert rule_of(packs.load(written(tmp_path, child, "child.toml"))).searches == rule.searches


def test_every_word_counts_in_the_hash(tmp_path: Path) -> None:
    base = packs.load(written(tmp_path, HEAD + OWN)).hash
    assert packs.load(written(tmp_path, HEAD + "# a word aside\n" + OWN)).hash == base
    for old, new in [
        ('any_of = "/"', 'any_of = "|"'), ("[5,", "[4,"), ('"parts", ', ""), ('["core:surgery", ', "["), ('"全部"', '"所有"'),
    ]:  # fmt: skip
        assert packs.load(written(tmp_path, HEAD + OWN.replace(old, new))).hash != base, new


def test_parameters_stand_for_words() -> None:
    pack = packs.load("hubei-2023", {"grouping_tie": "higher_score", "grouping_codes": "digits_3_4"})
    rule = rule_of(pack)
    assert rule.operation_match == "digits_3_4"
    assert rule.searches[0].prefer == ("parts", "operations", "higher_score")
    assert rule.choices[0].prefer == ("type_order",)  # `none` is nothing
    assert pack.changed == {"grouping_tie": "higher_score", "grouping_codes": "digits_3_4"}
    with pytest.raises(Usage):
        packs.load("hubei-2023", {"grouping_tie": "parts"})


@pytest.mark.parametrize(
    ("old", "new", "code", "line"),
    [
        ('kinds = ["core"]', 'kinds = ["kore"]', "pack_option", 'kinds = ["kore"]'),
        ('kinds = ["core"]', "kinds = []", "pack_missing", "kinds = []"),
        ('kinds = ["core"]', 'kinds = "core"', "pack_type", 'kinds = "core"'),
        ('kinds = ["core"]', 'kinds = ["core", "core"]', "pack_twice", "kinds = "),
        ('[5, "range"]', '[5, "prefix"]', "grouping_diagnosis", "diagnosis = "),
        ('[5, "range"]', "[0]", "grouping_diagnosis", "diagnosis = "),
        ('[5, "range"]', "[true]", "grouping_diagnosis", "diagnosis = "),
        ('[5, "range"]', "[]", "pack_missing", "diagnosis = "),
        ('"parts", "grouping_tie"', '"parts", "parts"', "pack_twice", "prefer = "),
        ('"parts", "grouping_tie"', '"cheapest"', "pack_option", "prefer = "),
        ('any_of = "/"', 'any_of = "+"', "grouping_signs", "any_of = "),
        ('any_of = "/"', 'any_of = "//"', "grouping_signs", "any_of = "),
        ('any_of = "/"', 'any_of = "ab"', "grouping_signs", "any_of = "),
        ('any_of = "/"', "any_of = 3", "pack_type", "any_of = 3"),
        ('["core:surgery", "core"]', '["core:knife"]', "pack_option", "type_order = "),
        ('type_order = ["core:surgery", "core"]', "", "grouping_no_types", 'prefer = ["type_order"]'),
        ('among = ["core"]', 'among = ["kore"]', "pack_option", "among = "),
        ('id = "core"', 'id = "Core"', "pack_id", 'id = "Core"'),
        ('cite = "S1, 第三章"', 'cite = "S1, 第三章"\nattribute_of = "any"', "pack_option", "attribute_of = "),
        ('cite = "S1, 第三章"', 'cite = "S1, 第三章"\nexclude = ["drug"]', "pack_option", "exclude = "),
        ('cite = "S1, 第三章"', 'cite = "S1, 第三章"\nexcluded = []', "pack_key", "excluded = "),
        ('diagnosis = [5, "range"]', 'diagnosis = [5]\nbare = "sometimes"', "pack_option", "bare = "),
        ('diagnosis = [5, "range"]', 'diagnosis = [5]\nattribute = "yes"', "pack_type", "attribute = "),
        ('title = { zh = "核心病种", en = "Core groups" }', 'title = { zh = "核心病种" }', "pack_language", "title = { zh = "),
    ],
)  # fmt: skip
def test_faults_are_found_at_their_line(tmp_path: Path, old: str, new: str, code: str, line: str) -> None:
    text = HEAD + OWN.replace(old, new, 1)
    assert text != HEAD + OWN
    found = [(one.code, one.row) for one in packs.check(written(tmp_path, text)) if one.severity == "blocked"]
    lines = text.splitlines()
    assert code in {name for name, _ in found}
    assert any(name == code and line in lines[(row or 1) - 1] for name, row in found), found
    with pytest.raises(Refused):
        packs.load(tmp_path / "mine.toml")


def test_grouping_that_is_no_table_or_lacks_all(tmp_path: Path) -> None:
    alone = HEAD.replace('extends = "common"\n', "")
    for text in ("grouping = 3\n", "[[grouping]]\n", "[grouping]\n", '[grouping]\nsearch = "core"\n', "[grouping.search]\n"):
        body = text + alone if text.startswith("grouping =") else alone + text
        assert [one for one in packs.check(written(tmp_path, body)) if one.severity == "blocked"]


def test_a_pack_without_rule(tmp_path: Path) -> None:
    document = '[[document]]\nkey = "L1"\nnumber = "1"\nevidence = "V"\n\n[case]\ncite = "L1"\n\n'
    branch = '[[case.branch]]\nname = "normal"\nscore = "rw * k * u"\n'
    pack = packs.load(written(tmp_path, HEAD.replace('extends = "common"\n', "") + document + branch))
    with pytest.raises(Refused) as refused:
        rule_of(pack)
    assert refused.value.code == "grouping_missing"
    assert Texts("zh").has("fault.grouping_missing")


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_damaged_rule_never_crashes(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    text = (packs.PACKS / "hubei-2023.toml").read_text("utf-8")
    cut = data.draw(st.integers(text.index("[grouping]"), text.index("# --- cases ---")))
    length = data.draw(st.integers(0, 40))
    instead = data.draw(st.text(alphabet='[]="{}x,1. \n\'#a', max_size=8))
    path = tmp_path_factory.mktemp("packs") / "hubei-2023.toml"
    path.write_text(text[:cut] + instead + text[cut + length :], "utf-8")
    for finding in packs.check(path):
        assert finding.row is not None and finding.row >= 1
        assert Texts("zh").has(f"finding.{finding.code}")


test_a_damaged_rule_in_the_long_run = pytest.mark.soak(
    settings(max_examples=2000, deadline=None)(given(st.data())(test_a_damaged_rule_never_crashes.hypothesis.inner_test))
)


# --- expressions ---


def test_operation_expressions() -> None:
    rule = GroupingRule((), (), all_of="+", any_of="/")
    assert rule.parts("a/b+c/d") == (("a", "b"), ("c", "d"))
    assert rule.parts(" 47.0100 + . ") == (("47.0100",),)
    assert rule.parts(".") == rule.parts("") == rule.parts("+/+") == ()
    assert rule.parts("a|b,c") == (("a|b,c",),)
    assert GroupingRule((), (), all_of=",", any_of="").parts("a,b/c") == (("a",), ("b/c",))
    assert GroupingRule((), (), all_of="", any_of="").parts("a+b") == (("a+b",),)
    assert GroupingRule((), ()).parts("a|b+c/d,e") == (("a", "b"), ("c", "d"), ("e",))


def test_diagnosis_expressions() -> None:
    assert diagnosis_tokens("C00-C97|D45") == (("C00", "C97"), ("D45", ""))
    assert diagnosis_tokens("K35.2/K35.3") == (("K35.2", ""), ("K35.3", ""))
    assert diagnosis_tokens("-") == (("-", ""),)
    assert diagnosis_tokens(".") == ()


@pytest.mark.parametrize("text", ["age_days < 29 and birth_weight < 750", "not gender == 1", "tcm_fee >= 0.6 * fee"])
def test_conditions(text: str) -> None:
    condition_of(text)


@pytest.mark.parametrize("text", ["age", "1 + 1", "weight < 3", "sum(age) > 1", "age <", "age.days < 1", "((", "", "tiers(age, t) > 1"])
def test_no_conditions(text: str) -> None:
    with pytest.raises(FormulaError):
        condition_of(text)


def test_the_room_touches_no_disk() -> None:
    text = (ROOT / "core/rules/grouping.py").read_text("utf-8")
    assert "pathlib" not in text and "open(" not in text
