"""`[scores]` of a pack: every choice read strictly, faults at their place, text and value the same thing."""

from __future__ import annotations

from dataclasses import fields
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.faults import Refused, Usage
from core.rules import packs
from core.rules.scoring import BY_KEY, CHOICES, ScoreRule, chosen, rule_of
from core.texts import LANGUAGES, Texts

HEAD = """\
[pack]
id = "city"
extends = "national-draft-3"
title = { zh = "市", en = "City" }
"""


def pack_file(folder: Path, scores: str) -> Path:
    path = folder / "city.toml"
    path.write_text(f"{HEAD}\n[scores]\n{scores}\n", "utf-8")
    return path


def test_every_field_is_a_choice_with_words() -> None:
    assert set(BY_KEY) | {"cite", "evidence", "open"} == {one.name for one in fields(ScoreRule)}
    for lang in LANGUAGES:
        texts = Texts(lang)
        for choice in CHOICES:
            assert texts.has(f"scores.choice.{choice.key}")
            assert texts.has(f"scores.part.{choice.part}")
            assert all(texts.has(f"scores.option.{choice.key}.{option}") for option in choice.options)


@given(st.data())
def test_text_and_value_are_the_same(data: st.DataObject) -> None:
    values = {
        "option": lambda choice: st.sampled_from(choice.options),
        "options": lambda choice: st.lists(st.sampled_from(choice.options), unique=True).map(" ".join),
        "flag": lambda _: st.sampled_from(["true", "false"]),
        "count": lambda _: st.integers(1, 500).map(str),
        "places": lambda _: st.integers(0, 12).map(str),
        "number": lambda _: st.decimals("0.01", "100", places=2).map(str),
        "share": lambda _: st.decimals("0", "1", places=3).map(str),
        "yuan": lambda _: st.decimals("0.01", "99999", places=2).map(str),
        "weights": lambda _: st.lists(st.integers(1, 9), min_size=1, max_size=5).map(lambda some: ":".join(map(str, some))),
        "shares": lambda _: st.just("0.05, 0.9"),
        "text": lambda _: st.just("K35.9:47.0100"),
    }
    given_ = {choice.key: data.draw(values[choice.kind](choice), choice.key) for choice in CHOICES}
    rule = chosen(ScoreRule(), given_)
    assert chosen(ScoreRule(), rule.as_texts()) == rule


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("method", "median"), ("weights", ""), ("weights", "1 2 0"), ("weights", "1 -2 7"), ("weights", "1e3"), ("places", "13"), ("places", "-1"),
        ("related_rise", "10"), ("least", "0"), ("scale", "0"), ("scale", "-1"), ("percentiles", "0.9 0.1"), ("percentiles", "0.1"),
        ("percentiles", "0.00001 0.9"), ("fence", "101"), ("fence", "0.001"), ("quota", "1.234"), ("auxiliary", "age age"), ("auxiliary", "sex"),
        ("keep_total", "yes"), ("nothing", "1"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(key: str, text: str) -> None:
    with pytest.raises(Usage) as usage:
        chosen(ScoreRule(), {key: text})
    assert usage.value.values["name"] == key


def test_quota_needs_an_amount() -> None:
    with pytest.raises(Usage):
        chosen(ScoreRule(), {"method": "quota"})
    assert chosen(ScoreRule(), {"method": "quota", "quota": "9823.24"}).quota == 982_324


def test_shipped_packs_have_their_rule() -> None:
    national, ningde = (rule_of(packs.load(id)) for id in ("national-draft-3", "ningde-2024"))
    assert (national.scale, ningde.scale) == (1000, 1)  # domain 2: Ningde without the x1000
    assert national.weights == ningde.weights == (1, 2, 7)
    assert (national.method, national.least, national.related_rise, national.primary_cv) == (
        "mean", 15, Fraction(1, 10), Fraction(7, 10),
    )  # fmt: skip
    assert national.cite.startswith("S1") and national.evidence == "V" and national.open["zh"]
    with pytest.raises(Refused, match="scores_missing"):
        rule_of(packs.load("common"))


def test_a_city_changes_what_it_says(tmp_path: Path) -> None:
    path = pack_file(tmp_path, 'method = "benchmark"\nbenchmark = "K35.9:47.0100"\ncite = "S1, 第五章"')
    assert packs.check(path) == []
    pack = packs.load(path)
    rule = rule_of(pack, {"weights": "1:1:1"})
    assert (rule.method, rule.benchmark, rule.least, rule.weights) == ("benchmark", "K35.9:47.0100", 15, (1, 1, 1))
    assert packs.restore(pack.text).scores == pack.scores
    plain = packs.load(pack_file(tmp_path, 'method = "mean"\ncite = "S1"'))
    assert plain.hash != pack.hash


@pytest.mark.parametrize(
    ("line", "code", "column"),
    [
        ('method = "median"', "scores_value", 10), ("scale = 0", "scores_value", 9), ('weights = "1 2 7"', "scores_value", 11),
        ("weights = [1, 2, -7]", "scores_value", 11), ('keep_total = "true"', "scores_value", 14), ("least = true", "scores_value", 9),
        ("least = 1.5", "scores_value", 9), ("related_rise = 10", "scores_value", 16), ('auxiliary = "age"', "scores_value", 13),
        ("scale = 1e3", "scores_value", 9), ("weight = [1]", "pack_key", 10), ("scale = [1, { a = 2 }]", "scores_value", 9),
    ],
)  # fmt: skip
def test_faults_stand_at_their_place(tmp_path: Path, line: str, code: str, column: int) -> None:
    path = pack_file(tmp_path, f'cite = "S1"\n{line}')
    found = packs.check(path)
    assert [(one.code, one.row, one.column) for one in found] == [(code, 8, str(column))]
    for lang in LANGUAGES:
        assert not any(hole in Texts(lang).finding(found[0]) for hole in ("{key}", "{value}", "{wanted}", "finding."))
    with pytest.raises(Refused):
        packs.load(path)


def test_scores_must_be_a_table_with_a_citation(tmp_path: Path) -> None:
    path = tmp_path / "city.toml"
    path.write_text("scores = 3\n" + HEAD, "utf-8")
    assert [one.code for one in packs.check(path)] == ["pack_type"]
    assert [one.code for one in packs.check(pack_file(tmp_path, "scale = 1"))] == ["pack_missing"]
