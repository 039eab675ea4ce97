"""A case's path to its group in words: `grouping.*` of the translations, with the titles of the pack's own searches."""

from __future__ import annotations

from collections.abc import Mapping

from core.catalogue.grouper import Alternative, Path, PathStep
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


def brief(rule: GroupingRule, path: Path, texts: Texts) -> str:
    """The whole path in one line."""
    return texts("grouping.between").join(step(rule, one, texts) for one in path.steps)


def _values(rule: GroupingRule, values: Mapping[str, str], texts: Texts) -> dict[str, str]:
    searches = {one.id: one.title[texts.lang] for one in rule.searches}
    choices = {one.id: one.title[texts.lang] for one in rule.choices}
    said = dict(values)
    for name, titles in (("search", searches), ("choice", choices)):
        if name in said:
            said[name] = texts.listed(titles.get(id, id) for id in said[name].split(","))
    return said
