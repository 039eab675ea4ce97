"""A pack for a reader, line by line."""

from __future__ import annotations

from core.rules import formula as language
from core.rules.circular import SCOPES, Branch, Measure, Pack, Parameter, Step
from core.rules.formula import Table
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

    def said(head: str, rule: str, one: Parameter | Table | Step | Branch | Measure) -> None:
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
    return lines
