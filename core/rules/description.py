"""A pack for a reader, line by line."""

from __future__ import annotations

from core.rules import formula as language
from core.rules.circular import SCOPES, Branch, Measure, Pack, Parameter, Step
from core.rules.formula import Table
from core.rules.grouping import Choice, GroupingRule, Search
from core.texts import Texts


def describe(pack: Pack, texts: Texts) -> list[str]:
    """The pack for a reader, line by line: documents, parameters, tables, steps and branches, with what they leave open."""
    lang = texts.lang
    lines = [
        f"{pack.id}  {pack.title[lang]}",
        f"sha256 {pack.hash}",
        "",
        f"# {texts('rules.describe.documents')}",
    ]
    lines += [
        f"{one.key}  [{one.evidence}]  {one.number}  {one.title}  {one.url}".rstrip()
        for one in pack.documents
    ]

    def said(
        head: str, rule: str, one: Parameter | Table | Step | Branch | Measure | Search | Choice
    ) -> None:
        lines.append(f"{head}  {one.title[lang]}  [{one.evidence}] {one.cite}")
        if rule:
            lines.append(f"    {rule}")
        if one.note:
            lines.append(f"    {one.note[lang]}")
        if one.open:
            lines.append(f"    {texts('rules.describe.open', text=one.open[lang])}")

    lines += ["", f"# {texts('rules.describe.parameters')}"]
    for parameter in pack.parameters.values():
        options = " | ".join(f"{id} ({words[lang]})" for id, words in parameter.options.items())
        said(f"{parameter.id} = {parameter.default}", options, parameter)
    lines += ["", f"# {texts('rules.describe.tables')}"]
    for table in pack.tables.values():
        said(table.id, "", table)
        for row in table.rows:
            start = "" if row.start is None else language.plain(row.start)
            end = "" if row.end is None else language.plain(row.end)
            lines.append(f"    [{start}, {end}{']' if row.closed else ')'} = {row.text}")
    for scope in SCOPES:
        lines += ["", f"# {texts(f'rules.describe.{scope}')}"]
        for one in pack.scope(scope):
            origin = "input_" + one.input if one.input else "abstract"
            rule = f"= {one.formula}" if one.formula else texts(f"rules.describe.{origin}")
            if one.places is not None:
                rule += "  " + texts("rules.describe.places", places=one.places)
            said(one.id, rule, one)
    lines += ["", f"# {texts('rules.describe.cases')}"]
    for branch in pack.case.branches:
        when = f"  ({branch.when_text})" if branch.when_text else f"  ({texts('rules.describe.otherwise')})"
        said(branch.id, f"= {branch.score_text}{when}", branch)
    for measure in pack.case.measures:
        said(measure.id, f"= {measure.formula}", measure)
    if pack.grouping is not None:
        rule = pack.grouping
        lines += ["", f"# {texts('grouping.rule.grouping')}  [{rule.evidence}] {rule.cite}"]
        lines += [f"    {line}" for line in _grouping(rule, texts)]
        for search in rule.searches:
            said(search.id, texts("grouping.between").join(_search(search, texts)), search)
        if [choice.among for choice in rule.choices] != [(search.id,) for search in rule.searches]:
            for choice in rule.choices:
                said(choice.id, texts("grouping.between").join(_choice(rule, choice, texts)), choice)
    return lines


def _grouping(rule: GroupingRule, texts: Texts) -> list[str]:
    """What holds for every search."""
    lists = texts.listed(texts(f"grouping.rule.list.{name}") for name in sorted(rule.exclude))
    lines = [texts("grouping.rule.exclude", lists=lists) if lists else texts("grouping.rule.exclude_none")]
    if rule.any_of:
        lines.append(texts("grouping.rule.syntax", all_of=" ".join(rule.all_of), any_of=" ".join(rule.any_of)))
    else:
        lines.append(texts("grouping.rule.syntax_all", all_of=" ".join(rule.all_of)))
    for key in ("operation_match", "main_excluded", "attribute_of", "intervention"):
        lines.append(texts(f"grouping.rule.{key}.{getattr(rule, key)}"))
    if rule.type_order:
        types = [
            texts(
                "grouping.rule.type_parted",
                kind=texts(f"grouping.rule.kind.{kind}"),
                attribute=texts(f"grouping.rule.treatment.{attribute}") if attribute else "",
            ).strip()
            for kind, attribute in rule.type_order
        ]
        lines.append(texts("grouping.rule.type_order", types=" > ".join(types)))
    lines += [one[texts.lang] for one in (rule.note,) if one]
    lines += [texts("rules.describe.open", text=one[texts.lang]) for one in (rule.open,) if one]
    return lines


def _ties(prefer: tuple[str, ...], texts: Texts) -> str:
    ties = [texts(f"grouping.rule.tie.{tie}") for tie in (*prefer, "code")]
    return texts("grouping.rule.prefer", ties=" > ".join(ties))


def _search(search: Search, texts: Texts) -> list[str]:
    kinds = [texts(f"grouping.rule.kind.{kind}") for kind in search.kinds]
    stages = [texts(f"grouping.rule.stage.{stage}") for stage in search.stages]
    diagnosis = [
        texts("grouping.rule.diagnosis.characters", count=way)
        if isinstance(way, int)
        else texts(f"grouping.rule.diagnosis.{way}")
        for way in search.diagnosis
    ]
    said = [texts.listed(kinds) + (f" ({texts.listed(stages)})" if stages else "")]
    said.append(texts("grouping.rule.searches", diagnosis=" > ".join(diagnosis)))
    if search.attribute:
        said.append(texts("grouping.rule.attribute"))
    for key in ("main", "related", "bare", "condition"):
        said.append(texts(f"grouping.rule.{key}.{getattr(search, key)}"))
    return [*said, _ties(search.prefer, texts)] if search.prefer else said


def _choice(rule: GroupingRule, choice: Choice, texts: Texts) -> list[str]:
    among = texts.listed(rule.search(id).title[texts.lang] for id in choice.among)
    return [texts("grouping.rule.choice", among=among), _ties(choice.prefer, texts)]
