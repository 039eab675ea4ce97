"""A pack for a reader, line by line."""

from __future__ import annotations

from core.rules import formula as language
from core.rules.circular import SCOPES, Branch, Measure, Pack, Parameter, Step
from core.rules.deriving import DeriveRule, Sourced
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
    chains = [(texts(f"rules.describe.{scope}"), pack.scope(scope)) for scope in SCOPES]
    chains += [(texts(f"rules.chapter.{name}"), steps) for name, steps in pack.chapters.items()]
    for heading, steps in chains:
        lines += ["", f"# {heading}"]
        for one in steps:
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
        lines += ["", f"# {texts('grouping.rule.grouping')}", f"    [{rule.evidence}] {rule.cite}"]
        lines += [f"    {line}" for line in _grouping(rule, texts)]
        for search in rule.searches:
            said(search.id, texts("grouping.between").join(_search(search, texts)), search)
        if [choice.among for choice in rule.choices] != [(search.id,) for search in rule.searches]:
            for choice in rule.choices:
                said(choice.id, texts("grouping.between").join(_choice(rule, choice, texts)), choice)
    if pack.coefficients is not None:
        lines += _coefficients(pack.coefficients, texts)
    return lines


def _coefficients(rule: DeriveRule, texts: Texts) -> list[str]:
    """How coefficients are derived: method and choices, rows, steps with their caps, limits."""
    lang = texts.lang
    lines = ["", f"# {texts('coefficients.rule.title')}", f"    [{rule.source.evidence}] {rule.source.cite}"]
    if rule.method:
        lines.append(f"    {texts(f'coefficients.method.{rule.method}')}")
    for choice in rule.choices:
        text = rule.text(choice.key)
        word = f"coefficients.option.{choice.key}.{text}"
        lines.append(f"    {texts(f'coefficients.choice.{choice.key}')} = {texts(word) if texts.has(word) else text}")
    lines += [f"    {one[lang]}" for one in (rule.source.note,) if one]
    lines += [f"    {texts('rules.describe.open', text=one[lang])}" for one in (rule.source.open,) if one]

    def said(head: str, title: str, what: str, source: Sourced) -> None:
        lines.append(f"{head}  {title}  [{source.evidence}] {source.cite}")
        lines.append(f"    {what}")
        if source.open:
            lines.append(f"    {texts('rules.describe.open', text=source.open[lang])}")

    for row in rule.rows:
        conditions = [
            *(texts(f"coefficients.level.{level}") for level in row.levels),
            *(texts(f"coefficients.grade.{grade}") for grade in row.grades),
            *row.words,
        ]
        said(row.id, row.title[lang], f"= {language.plain(row.value)}  ({texts.listed(conditions)})", row.source)
    for step in rule.steps:
        caps = texts.listed(
            f"{texts(f'coefficients.level.{level}')} {language.plain(cap)}" for level, cap in step.caps.items()
        )
        said(step.id, step.title[lang], texts(
            "coefficients.rule.step_first" if step.first else "coefficients.rule.step",
            measure=texts(f"coefficients.measure.{step.measure}"), first=language.plain(step.first),
            against=texts(f"coefficients.option.against.{step.against or rule.against}"),
            every=f"{language.plain(step.every * 100)}%", add=language.plain(step.add), caps=caps,
        ), step.source)  # fmt: skip
    for limit in rule.limits:
        outside = texts(f"coefficients.rule.outside.{limit.outside}")
        said(limit.part, texts("coefficients.rule.limit"), f"{limit.text}  {outside}", limit.source)
    return lines


def _grouping(rule: GroupingRule, texts: Texts) -> list[str]:
    """What holds for every search."""
    lists = texts.listed(texts(f"grouping.rule.list.{name}") for name in sorted(rule.exclude))
    lines = [texts("grouping.rule.exclude", lists=lists) if lists else texts("grouping.rule.exclude_none")]
    if rule.any_of:
        lines.append(texts("grouping.rule.syntax", all_of=" ".join(rule.all_of), any_of=" ".join(rule.any_of)))
    else:
        lines.append(texts("grouping.rule.syntax_all", all_of=" ".join(rule.all_of)))
    for key in ("operation_match", "main_excluded", "attribute_of", "intervention", "category"):
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
