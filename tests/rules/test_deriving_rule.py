"""`[coefficients]` of a pack: read strictly, merged through `extends`, every fault at its place, text and value the same."""

from __future__ import annotations

from dataclasses import fields
from fractions import Fraction
from pathlib import Path

import pytest

from core.faults import Refused, Usage
from core.rules import description, packs
from core.rules.deriving import BY_KEY, CHOICES, METHODS, DeriveRule, Limit, chosen, limits_of, rule_of
from core.texts import LANGUAGES, Texts

HEAD = """\
[pack]
id = "city"
extends = "{parent}"
title = {{ zh = "市", en = "City" }}
"""
TABLE = '[coefficients]\nmethod = "table"\ncite = "S1"\n'
ROW = '[[coefficients.row]]\nid = "r"\ntitle = { zh = "行", en = "Row" }\nvalue = 0.9\n'
STEPS = '[coefficients]\nmethod = "steps"\ncite = "S1"\n' + ROW
STEP = (
    '[[coefficients.step]]\nid = "s"\ntitle = { zh = "档", en = "Step" }\nmeasure = "cmi"\nevery = 0.05\nadd = 0.01\n'
    "caps = { 3 = 0.1 }\n"
)


def pack_file(folder: Path, text: str, parent: str = "common") -> Path:
    path = folder / "city.toml"
    path.write_text(HEAD.format(parent=parent) + "\n" + text, "utf-8")
    return path


def test_every_field_is_a_choice_with_words_or_a_list() -> None:
    others = {"method", "part", "rows", "steps", "limits", "source"}
    assert set(BY_KEY) | others == {one.name for one in fields(DeriveRule)}
    for lang in LANGUAGES:
        texts = Texts(lang)
        assert all(texts.has(f"coefficients.method.{method}") for method in METHODS)
        for choice in CHOICES:
            assert texts.has(f"coefficients.choice.{choice.key}")
            assert all(texts.has(f"coefficients.option.{choice.key}.{option}") for option in choice.options)


def test_defaults_are_what_choices_read_back() -> None:
    for method in METHODS:
        rule = DeriveRule(method=method)
        assert chosen(rule, {choice.key: rule.text(choice.key) for choice in rule.choices}) == rule


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ('[coefficients]\nmethod = "guess"\ncite = "S1"\n', "pack_option", 7),
        ('[coefficients]\nmethod = "level_mean"\n', "pack_missing", 6),
        (TABLE, "pack_missing", 6),
        (TABLE + 'weigts = [1]\n' + ROW, "pack_key", 9),
        (TABLE + 'weights = [0, 0]\n' + ROW, "coefficients_value", 9),
        (TABLE + 'weights = 1\n' + ROW, "coefficients_value", 9),
        (TABLE + 'places = 10\n' + ROW, "coefficients_value", 9),
        (TABLE + 'scope = "some"\n' + ROW, "coefficients_value", 9),
        (TABLE + 'part = "bonus:"\n' + ROW, "coefficients_part", 9),
        (TABLE + ROW.replace("0.9", "-0.9"), "coefficients_value", 12),
        (TABLE + ROW.replace("0.9", "1e3"), "pack_number", 12),
        (TABLE + ROW.replace("0.9", '"high"'), "pack_number", 12),
        (TABLE + ROW + "levels = [4]\n", "coefficients_value", 13),
        (TABLE + ROW + "grades = [2, 2]\n", "coefficients_value", 13),
        (TABLE + ROW + "words = [1]\n", "pack_type", 13),
        (TABLE + ROW + ROW, "pack_twice", 14),
        (STEPS, "pack_missing", 6),
        (STEPS + STEP.replace("cmi", "beds"), "pack_option", 16),
        (STEPS + STEP.replace("0.05", "0"), "coefficients_value", 17),
        (STEPS + STEP.replace("3 = 0.1", "4 = 0.1"), "pack_key", 19),
        (STEPS + STEP.replace("caps = { 3 = 0.1 }\n", ""), "pack_missing", 13),
        (STEPS + STEP.replace("cmi", "age_share"), "pack_missing", 13),
        (STEPS + STEP.replace("cmi", "age_share") + "from_age = 70\nto_age = 6\n", "coefficients_value", 21),
        (TABLE + ROW + '[[coefficients.limit]]\npart = "base"\n', "pack_missing", 13),
        (TABLE + ROW + '[[coefficients.limit]]\npart = "base"\nmin = 2\nmax = 1\n', "coefficients_value", 16),
        (TABLE + ROW + '[[coefficients.limit]]\npart = "all"\nmax = 1\n', "coefficients_part", 14),
        (TABLE + ROW + '[[coefficients.limit]]\npart = "k"\nmax = 1\noutside = "drop"\n', "pack_option", 16),
        ('coefficients = "high"\n', "pack_type", 6),
    ],
)  # fmt: skip
def test_faults_stand_at_their_place(tmp_path: Path, text: str, code: str, line: int) -> None:
    path = pack_file(tmp_path, text)
    if text.startswith("coefficients"):  # a bare key belongs before any table
        path.write_text(text + HEAD.format(parent="common"), "utf-8")
        line = 1
    found = [one for one in packs.check(path) if one.severity == "blocked"]
    assert [(one.code, one.row) for one in found] == [(code, line)]
    for lang in LANGUAGES:
        assert "{" not in Texts(lang).finding(found[0])


def test_a_child_changes_settings_and_replaces_lists(tmp_path: Path) -> None:
    parent = packs.load("xiamen-2024").coefficients
    path = pack_file(tmp_path, '[coefficients]\nrounding = "round"\n' + ROW, "xiamen-2024")
    child = packs.load(path).coefficients
    assert parent is not None
    assert child is not None
    assert (child.rounding, child.method, child.source.cite) == ("round", "steps", parent.source.cite)
    assert [row.id for row in child.rows] == ["r"]
    assert child.steps == parent.steps


def test_the_hash_knows_the_coefficients(tmp_path: Path) -> None:
    plain, more = (packs.load(pack_file(tmp_path, text)).hash for text in ("", TABLE + ROW))
    assert plain != more
    spaced = packs.load(pack_file(tmp_path, TABLE.replace(" = ", "=") + "\n\n" + ROW.replace("0.9", "0.90"))).hash
    assert spaced == more


def test_a_pack_without_them_says_so() -> None:
    with pytest.raises(Refused, match="coefficients_missing"):
        rule_of(packs.load("common"))
    assert limits_of(None) == limits_of(packs.load("common")) == ()


def test_wrong_choices_name_what_may_be() -> None:
    pack = packs.load("xiamen-2024")
    for choices in ({"roundng": "round"}, {"rounding": "up"}, {"weights": ""}, {"places": "4"}, {"weights": "1 0"}):
        with pytest.raises(Usage) as usage:
            rule_of(pack, choices)
        assert usage.value.values["known"]


def test_limits_hold_on_their_edges() -> None:
    limit = Limit("bonus", Fraction("0.5"), Fraction(1), "refuse")
    assert [limit.holds(Fraction(value)) for value in ("0.499999999", "0.5", "1", "1.000000001")] == [False, True, True, False]
    assert limit.part_holds("bonus:甲")
    assert not limit.part_holds("base")
    assert not Limit("bonus:甲", None, Fraction(1), "mark").part_holds("bonus:乙")


def test_what_is_shipped_says_its_evidence() -> None:
    tags = {id: packs.load(id).coefficients.source.evidence for id in  # type: ignore[union-attr]
            ("xiamen-2024", "meizhou-2025", "ningde-2024", "national-draft-3")}  # fmt: skip
    assert tags == {"xiamen-2024": "V", "meizhou-2025": "S", "ningde-2024": "D", "national-draft-3": "V"}
    table = packs.load("meizhou-2025").coefficients
    assert table is not None
    assert [row.value for row in table.rows] == [
        Fraction(value) for value in ("1.000", "0.944", "0.889", "0.828", "0.777", "0.677")
    ]
    assert {row.source.evidence for row in table.rows} == {"S"}


def test_described_for_a_reader() -> None:
    for lang, wanted in (
        ("zh", "例均分值（CMI）高于同级乙等机构均值：每 5% 加 0.01；上限：二级 0.06、三级 0.13"),
        ("en", "share of cases by age above the mean of grade B of the same level: 0.01, then 0.01 for every 20%"),
    ):
        lines = description.describe(packs.load("xiamen-2024"), Texts(lang))
        assert any(wanted in line for line in lines)
    secondary = description.describe(packs.load("meizhou-2025"), Texts("zh"))
    rows = [line for line in secondary if "S6" in line and "二级" in line]
    assert rows
    assert all("[S]" in line for line in rows)
