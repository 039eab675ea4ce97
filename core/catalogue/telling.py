"""A case's path to its group in words: `grouping.*` of the translations, with the titles of the pack's own searches."""

from __future__ import annotations

from collections.abc import Mapping

from core.catalogue.grouper import Alternative, Grouper, PathStep
from core.catalogue.path import Trails
from core.catalogue.stays import Stays
from core.rules.grouping import GroupingRule
from core.texts import Texts


def step(rule: GroupingRule, one: PathStep, texts: Texts) -> str:
    """One step of a path as a sentence."""
    return texts(f"grouping.step.{one.code}", **_values(rule, one.values, texts))


def why(rule: GroupingRule, one: Alternative, texts: Texts) -> str:
    """Why a group was not taken, as a sentence."""
    return why_words(rule, one.why, one.values, texts)


def why_words(rule: GroupingRule, code: str, values: Mapping[str, str], texts: Texts) -> str:
    return texts(f"grouping.why.{code}", **_values(rule, values, texts))


def trails(grouper: Grouper, stays: Stays, texts: Texts) -> Trails:
    """The whole path of each of many cases in one line."""
    between = texts("grouping.between")
    return grouper.trails(stays, lambda steps: between.join(step(grouper.rule, one, texts) for one in steps), between)


def _values(rule: GroupingRule, values: Mapping[str, str], texts: Texts) -> Mapping[str, str]:
    for name, named in (("search", rule.searches), ("choice", rule.choices)):
        if name in values:
            titles = {one.id: one.title[texts.lang] for one in named}
            values = {**values, name: texts.listed(titles.get(id, id) for id in values[name].split(","))}
    return values
