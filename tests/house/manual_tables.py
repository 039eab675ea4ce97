"""The tables of the manual that the program knows better: columns of every KIND, steps, branches, parameters of every pack.

`python tests/house/manual_tables.py` writes them anew between `<!-- table: NAME -->` and `<!-- end -->`;
`test_manual_text.py` fails while a chapter holds an older one.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from core.analysis.indicators import INDICATORS  # noqa: E402
from core.cli.parsing import parser  # noqa: E402
from core.intake.kinds import KINDS, Field  # noqa: E402
from core.money import plain  # noqa: E402
from core.rules import pack_text, packs, scoring  # noqa: E402
from core.rules.circular import CASE_NAMES, INPUTS, MEASURE_NAMES, Branch, Measure, Step  # noqa: E402
from core.rules.deriving import CHOICES  # noqa: E402
from core.rules.formula import names  # noqa: E402
from core.rules.parsing import RESERVED  # noqa: E402
from core.rules.spelling import words  # noqa: E402
from core.settings import RESOURCES  # noqa: E402
from core.texts import LANGUAGES, Texts  # noqa: E402
from ui.manual import CHAPTERS  # noqa: E402

HAN = re.compile(r"[\u4e00-\u9fff]")
MANUAL = RESOURCES / "manual"
BLOCK = re.compile(r"<!-- table: (?P<name>[\w-]+) -->\n(?P<body>.*?)<!-- end -->", re.DOTALL)

WORDS: Mapping[str, Mapping[str, str]] = {
    "zh": {
        "column": "列名", "heading": "中文表头", "content": "内容", "must": "必填", "key": "主键", "yes": "是", "strict": "读不懂即拒收",
        "id": "编码（文本）", "diag": "ICD-10 编码", "diags": "ICD-10 编码，多个用 、;,| 分隔", "oprn": "手术操作编码",
        "oprns": "手术操作编码，多个用 、;,| 分隔", "oprn_rule": "手术操作编码，保留目录自己的 + / , | 连接符", "dip": "病种编码",
        "diag_rule": "ICD-10 编码、前几位或范围 A00-B99，保留目录自己的 + / , | 连接符", "condition": "条件式，如 `age_days < 29`",
        "either": "诊断、手术操作或病种编码",
        "list": "编码，多个", "text": "文字", "person": "只存带密钥的散列", "private": "跳过，从不保存", "int": "非负整数",
        "money": "金额（元）", "decimal": "小数", "date": "日期", "time": "日期，可带时间",
        "year": "YYYY", "month": "YYYYMM", "period": "YYYY 或 YYYYMM", "step": "步骤标识（见清算链一章）或其中文名", "name": "名称",
        "reference": "不保存，仅供对照", "named": "（冒号后自拟名称）", "empty": "空 = {}", "nothing": "空", "natural": "自然主键：{}",
        "step_id": "标识", "title": "名称", "unit": "单位", "formula": "公式", "places": "小数位", "source": "依据", "cases": "由病例汇总",
        "rows": "取自导入的行", "abstract": "由各地规则包给出", "exact": "不取整", "open": "待明确", "when": "条件", "score": "病例分值",
        "always": "其余", "review": "提请审核", "all": "全部", "parameter": "参数", "default": "默认值", "options": "可选", "meaning": "含义",
        "number": "数值", "measure": "病例量 `{}`", "flag": "`true` 或 `false`", "ningde": "ningde-2024", "evidence": "证据",
        "method": "方法", "taken": "随附规则包所取", "groups": "病种", "diagnosis": "诊断如何比对", "ties": "多个符合时依次取",
        "pack": "规则包", "region": "统筹区", "years": "年度", "clears": "可直接清算", "left_open": "待明确项", "doc_key": "简称",
        "document": "文件", "where": "出处", "now": "目前取值", "indicator": "指标", "finest": "最细期间", "by_month": "月",
        "by_quarter": "季", "by_year": "年", "argument": "参数", "command": "命令", "where_used": "用在", "names": "名称",
        "names_case": "病例分值的条件和公式", "names_measure": "病例量的公式", "names_region": "全市步骤的导入数",
        "names_institution": "机构步骤的导入数", "names_words": "函数和运算词",
    },
    "en": {
        "method": "method", "taken": "shipped packs take", "column": "column", "heading": "Chinese heading", "content": "content", "must": "needed", "key": "key", "yes": "yes",
        "strict": "unreadable refuses", "id": "code (text)", "diag": "ICD-10 code", "diags": "ICD-10 codes, several parted by 、;,|",
        "oprn": "operation code", "oprns": "operation codes, several parted by 、;,|",
        "oprn_rule": "operation codes, with the catalogue's own + / , | between them kept", "dip": "group code",
        "diag_rule": "ICD-10 codes, prefixes or ranges A00-B99, with the catalogue's own + / , | kept", "condition": "a condition, such as `age_days < 29`",
        "either": "a diagnosis, operation or group code", "list": "codes, several",
        "text": "words", "person": "kept as a keyed hash only", "private": "read past, never stored", "int": "whole number, not negative",
        "money": "yuan", "decimal": "decimal number", "date": "date",
        "time": "date, perhaps with time", "year": "YYYY", "month": "YYYYMM", "period": "YYYY or YYYYMM",
        "step": "a step id (see the clearing chain) or its Chinese name", "name": "name", "reference": "not kept, for the reader only",
        "named": " (a name of your own after the colon)", "empty": "empty = {}", "nothing": "empty", "natural": "Natural key: {}",
        "step_id": "id", "title": "title", "unit": "unit", "formula": "formula", "places": "decimals", "source": "source",
        "cases": "summed from the cases", "rows": "from imported rows", "abstract": "given by a city's pack", "exact": "exact",
        "open": "open", "when": "when", "score": "case score", "always": "else", "review": "for review", "all": "all",
        "parameter": "parameter", "default": "default", "options": "can be", "meaning": "meaning", "number": "a number",
        "measure": "case measure `{}`", "flag": "`true` or `false`", "ningde": "ningde-2024", "evidence": "evidence",
        "groups": "groups", "diagnosis": "how diagnoses compare", "ties": "of several, in turn",
        "pack": "pack", "region": "region", "years": "years", "clears": "clears as it is", "left_open": "open fields",
        "doc_key": "key", "document": "document", "where": "where", "now": "taken meanwhile", "indicator": "indicator",
        "finest": "finest period", "by_month": "month", "by_quarter": "quarter", "by_year": "year", "argument": "argument",
        "command": "command", "where_used": "used in", "names": "names", "names_case": "conditions and scores of cases",
        "names_measure": "case measures", "names_region": "facts of the region's steps",
        "names_institution": "facts of institutions' steps", "names_words": "functions and words",
    },
}  # fmt: skip


def table(headings: list[str], rows: list[list[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def content(field: Field, word: Mapping[str, str]) -> str:
    """What a cell may hold: the coded values with one spelling of each, else the type in words."""
    said = word.get(field.type, "")
    if field.words and field.type in ("code", "word", "named"):
        spelled: dict[str, str] = {}
        for spelling, value in field.words.items():
            chinese = bool(HAN.search(spelling))
            if str(value) not in spelled or (not spelled[str(value)] and chinese):
                spelled[str(value)] = spelling if chinese else ""
        said = "; ".join(f"{value} {name}".strip() for value, name in spelled.items())
        said = said.replace(":", ":NAME") + word["named"] if ":" in said else said
    elif field.type == "code":
        said = f"{field.low}..{field.high}"
    if field.stored == "-":
        said = word["reference"]
    if field.key and field.default is not None:
        said += f"; {word['empty'].format(field.default or word['nothing'])}"
    return said


def kinds(lang: str) -> str:
    word, texts = WORDS[lang], Texts(lang)
    parts: list[str] = []
    for kind in KINDS.values():
        rows = [
            [
                f"`{one.name}`",
                next((name for name in one.aliases if HAN.search(name)), ""),
                content(one, word),
                word["yes"] if one.required else word["strict"] if one.strict else "",
            ]
            for one in kind.columns
        ]
        key = word["natural"].format(" + ".join(f"`{name}`" for name in kind.key))
        parts.append(
            f"### {kind.name} — {texts(f'kinds.{kind.name}')}\n\n{key}\n\n"
            + table([word["column"], word["heading"], word["content"], word["must"]], rows)
        )
    return "\n".join(parts)


def source(one: Step | Branch | Measure, lang: str) -> str:
    said = f"[{one.evidence}] {one.cite}"
    return f"{said}; {WORDS[lang]['open']}: {one.open[lang]}" if one.open else said


def every_step(id: str) -> list[Step]:
    """The steps of a pack, those included that only another option of a parameter switches on."""
    default = packs.load(id)
    found = {(step.scope, step.id): step for step in default.steps}
    for one in default.parameters.values():
        for option in one.options:
            for step in packs.load(id, {one.id: option}).steps:
                found.setdefault((step.scope, step.id), step)
    return list(found.values())


def own_steps(id: str) -> list[Step]:
    """Steps that a pack brings or says otherwise than the common chain."""
    if id == "common":
        return every_step(id)
    before = {(step.scope, step.id): step for step in packs.load("common").steps}
    return [step for step in every_step(id) if before.get((step.scope, step.id)) != step]


def steps(id: str) -> Callable[[str], str]:
    def written(lang: str) -> str:
        word, texts = WORDS[lang], Texts(lang)
        rows = []
        for step in own_steps(id):
            how = f"`{step.formula}`" if step.formula else word[step.input or "abstract"]
            if step.when:
                how += f" ({word['when']} `{step.when}`)"
            places = "" if not step.formula else word["exact"] if step.places is None else str(step.places)
            rows.append([
                f"`{step.id}`" + ("" if step.scope == "institution" else " ◆"), step.title[lang],
                texts(f"unit.{step.unit}"), how, places, source(step, lang),
            ])  # fmt: skip
        names = ("step_id", "title", "unit", "formula", "places", "source")
        return table([word[name] for name in names], rows)

    return written


def branches(lang: str) -> str:
    word = WORDS[lang]
    rows = []
    for head in packs.available():
        pack = packs.load(head.id)
        for one in pack.case.branches:
            when = f"`{one.when_text}`" if one.when is not None else word["always"]
            review = "" if one.review is None else reviewed(one, lang)
            rows.append([
                f"`{pack.id}`", one.title[lang], when, f"`{one.score_text}`" + review, source(one, lang),
            ])  # fmt: skip
        modes = [{}, *({one.id: option} for one in pack.parameters.values() for option in one.options)]
        measures = {one.id: one for mode in modes for one in packs.load(head.id, mode).case.measures}
        for measure in measures.values():
            rows.append([
                f"`{pack.id}`", word["measure"].format(measure.id), f"`{measure.when}`" if measure.when else "",
                f"`{measure.formula}`", source(measure, lang),
            ])  # fmt: skip
    return table(["pack", word["title"], word["when"], word["score"], word["source"]], rows)


def reviewed(branch: Branch, lang: str) -> str:
    """`(for review, x > 5)`; without a condition where every case of the branch is."""
    assert branch.review is not None
    always = not names(branch.review)
    said = "" if always else f" `{words(branch.review, str, packs.phrases_of(lang), lang)}`"
    return f" ({WORDS[lang]['review']}{said})"


def parameters(lang: str) -> str:
    word = WORDS[lang]
    rows = []
    for head in packs.available():
        for one in packs.load(head.id).parameters.values():
            if head.id != "common" and one == packs.load("common").parameters.get(one.id):
                continue
            options = "; ".join(f"`{id}` {title[lang]}" for id, title in one.options.items()) or word["number"]
            said = f"[{one.evidence}] {one.cite}"
            if one.open:
                said += f"; {word['open']}: {one.open[lang]}"
            rows.append([f"`{head.id}`", f"`{one.id}`", one.title[lang], f"`{one.default}`", options, said])
    names = ("parameter", "meaning", "default", "options", "source")
    return table(["pack", *(word[name] for name in names)], rows)


def scores(lang: str) -> str:
    """Every choice of [scores] with its default, and what Ningde's pack takes instead."""
    word, texts = WORDS[lang], Texts(lang)
    default, ningde = scoring.ScoreRule(), scoring.rule_of(packs.load("ningde-2024"))
    rows = []
    for one in scoring.CHOICES:
        options = [f"`{name}` {texts(f'scores.option.{one.key}.{name}')}" for name in one.options]
        named = "; ".join(options) if one.options and texts.has(f"scores.option.{one.key}.{one.options[0]}") else ""
        if not named:
            named = ", ".join(f"`{name}`" for name in one.options) or word["flag" if one.kind == "flag" else "number"]
        own = ningde.text(one.key)
        rows.append([
            f"`{one.key}`", texts(f"scores.choice.{one.key}"), default.text(one.key),
            "" if own == default.text(one.key) else own, "" if one.kind == "text" else named, f"[{one.evidence}]",
        ])  # fmt: skip
    return table([word[name] for name in ("parameter", "meaning", "default", "ningde", "options", "evidence")], rows)


def grouping(lang: str) -> str:
    """The searches of every pack that has a rule of its own, in their order."""
    word, texts = WORDS[lang], Texts(lang)
    rows, seen = [], []
    for head in packs.available():
        rule = packs.load(head.id).grouping
        if rule is None or rule in seen:
            continue
        seen.append(rule)
        for one in rule.searches:
            kinds = texts.listed(texts(f"grouping.rule.kind.{kind}") for kind in one.kinds)
            stages = texts.listed(texts(f"grouping.rule.stage.{stage}") for stage in one.stages)
            ways = texts.listed(
                texts(f"grouping.rule.diagnosis.{way}") if isinstance(way, str)
                else texts("grouping.rule.diagnosis.characters", count=way) for way in one.diagnosis
            )  # fmt: skip
            ties = texts.listed(texts(f"grouping.rule.tie.{tie}") for tie in one.prefer)
            what = kinds + (f" ({stages})" if stages else "")
            rows.append([f"`{head.id}`", one.title[lang], what, ways, ties, f"[{one.evidence}] {one.cite}"])
    return table(["pack", *(word[name] for name in ("title", "groups", "diagnosis", "ties", "source"))], rows)


def deriving(lang: str) -> str:
    """How the shipped packs derive coefficients: rows with their values, steps with their caps."""
    word, texts = WORDS[lang], Texts(lang)
    rows, seen = [], []
    for head in packs.available():
        rule = packs.load(head.id).coefficients
        if rule is None or not rule.method or rule in seen:
            continue
        seen.append(rule)
        method = texts(f"coefficients.method.{rule.method}")
        tag = f"[{rule.source.evidence}] {rule.source.cite}"
        opened = f"; {word['open']}: {rule.source.open[lang]}" if rule.source.open else ""
        rows.append([f"`{head.id}`", method, (rule.source.note or {lang: ""})[lang], tag + opened])
        for one in rule.rows:
            value = f"{one.title[lang]}: {plain(one.value)}"
            rows.append([f"`{head.id}`", method, value, f"[{one.source.evidence}] {one.source.cite}"])
        for step in rule.steps:
            caps = texts.listed(f"{texts(f'coefficients.level.{level}')} {plain(cap)}" for level, cap in step.caps.items())
            said = texts(
                "coefficients.rule.step_first" if step.first else "coefficients.rule.step",
                measure=step.title[lang], first=plain(step.first), every=f"{plain(step.every * 100)}%", add=plain(step.add),
                against=texts(f"coefficients.option.against.{step.against or rule.against}"), caps=caps,
            )  # fmt: skip
            rows.append([f"`{head.id}`", method, said, f"[{step.source.evidence}] {step.source.cite}"])
    return table(["pack", *(word[name] for name in ("method", "meaning", "source"))], rows)


def deriving_choices(lang: str) -> str:
    """What may be chosen when coefficients are derived, and what each shipped pack takes."""
    word, texts = WORDS[lang], Texts(lang)
    rules = {head.id: packs.load(head.id).coefficients for head in packs.available()}
    rows = []
    for one in CHOICES:
        options = "; ".join(f"`{name}` {texts(f'coefficients.option.{one.key}.{name}')}" for name in one.options) or word["number"]
        taken = [f"{id}: {rule.text(one.key)}" for id, rule in rules.items() if rule and one in rule.choices]
        rows.append([f"`{one.key}`", texts(f"coefficients.choice.{one.key}"), options, "; ".join(taken), f"[{one.evidence}]"])
    return table([word[name] for name in ("parameter", "meaning", "options", "taken", "evidence")], rows)


def glance(lang: str) -> str:
    """Every pack on one line."""
    word = WORDS[lang]
    rows = []
    for head in packs.available():
        pack = packs.load(head.id)
        opened = len(pack_text.open_fields(pack))
        years = "、".join(map(str, head.years)) if lang == "zh" else ", ".join(map(str, head.years))
        rows.append([
            f"`{head.id}`", head.title[lang], head.region, years, "" if head.abstract else word["yes"], str(opened),
        ])  # fmt: skip
    names = ("pack", "title", "region", "years", "clears", "left_open")
    return table([word.get(name, name) for name in names], rows)


def documents(lang: str) -> str:
    """What the packs rest on; a pack that extends another rests on that one's documents as well."""
    word = WORDS[lang]
    rows = []
    common = packs.load("common").documents
    for head in packs.available():
        for one in packs.load(head.id).documents:
            if head.id == "common" or one not in common:
                rows.append([f"`{head.id}`", one.key, f"{one.number} {one.title}".strip(), f"[{one.evidence}]", one.url or ""])
    return table([word.get(name, name) for name in ("pack", "doc_key", "document", "evidence", "where")], rows)


def opened(lang: str) -> str:
    """What each pack leaves open, with what is taken meanwhile."""
    word = WORDS[lang]
    common = {(one.kind, one.id, one.value) for one in pack_text.open_fields(packs.load("common"))}
    rows = []
    for head in packs.available():
        for one in pack_text.open_fields(packs.load(head.id)):
            if head.id != "common" and (one.kind, one.id, one.value) in common:
                continue
            taken = f"`{one.value}`" if one.value else word["nothing"]
            rows.append([f"`{head.id}`", one.title[lang], taken, one.open[lang] if one.open else "", f"[{one.evidence}] {one.cite}"])
    return table([word.get(name, name) for name in ("pack", "title", "now", "open", "source")], rows)


def indicators(lang: str) -> str:
    """Every indicator with formula, what it rests on, and the finest period."""
    word, texts = WORDS[lang], Texts(lang)
    rows = [
        [
            texts(f"indicators.{one.id}.title"), f"`{one.id}`", texts(f"unit.{one.unit}") if one.unit else "",
            texts(f"indicators.{one.id}.formula"), word[f"by_{one.by}"],
            f"[{one.tag}] {texts(f'indicators.{one.id}.source')}",
        ]
        for one in INDICATORS.values()
    ]  # fmt: skip
    return table([word[name] for name in ("indicator", "step_id", "unit", "formula", "finest", "source")], rows)


def subcommands(one: argparse.ArgumentParser) -> Mapping[str, argparse.ArgumentParser]:
    return next((action.choices for action in one._actions if isinstance(action.choices, Mapping)), {})


def arguments(one: argparse.ArgumentParser, lang: str) -> list[list[str]]:
    """Every argument of a command: as it is written, what it means with its choices and default."""
    word = WORDS[lang]
    rows = []
    for action in one._actions:
        if isinstance(action.choices, Mapping) or action.dest in ("help", "lang"):
            continue
        metavar = action.metavar or ("|".join(map(str, action.choices)) if action.choices else "")
        written = " ".join([*action.option_strings[:1], *([str(metavar)] if metavar and action.nargs != 0 else [])])
        many = " ..." if action.nargs in ("+", "*") else ""
        said = action.help or ""
        if action.default not in (None, "", False, []) and action.default is not argparse.SUPPRESS:
            said += f"{'；' if lang == 'zh' else '; '}{word['default']} {action.default}"
        must = word["yes"] if action.required else ""
        rows.append([f"`{written}{many}`", said, must])
    return rows


def commands(lang: str) -> str:
    """Every command and verb with its arguments, as `--help` has them."""
    word = WORDS[lang]
    texts = Texts(lang)
    root = parser(texts)
    parts: list[str] = []
    for name, one in subcommands(root).items():
        verbs = subcommands(one)
        helps = {a.dest: a.help for action in one._actions if isinstance(action.choices, Mapping) for a in action._choices_actions}
        parts.append(f"## `{name}`\n\n{one.description or texts(f'cli.help.{name}')}\n\n")
        columns = [word[title] for title in ("argument", "meaning", "must")]
        if not verbs:
            parts[-1] += table(columns, arguments(one, lang))
            continue
        rows = []
        for verb, below in verbs.items():
            own = [*arguments(one, lang), *arguments(below, lang)]
            rows += [[f"`{name} {verb}`", helps.get(verb) or "", "", ""], *(["", *row] for row in own)]
        parts[-1] += table([word["command"], *columns], rows)
    return "\n".join(parts)


def formula_names(lang: str) -> str:
    """Every name that a formula may use, by where it stands; steps and parameters of the pack come on top."""
    word = WORDS[lang]
    groups = (
        ("names_case", CASE_NAMES), ("names_measure", MEASURE_NAMES), ("names_region", sorted(INPUTS["region"])),
        ("names_institution", sorted(INPUTS["institution"])), ("names_words", sorted(RESERVED)),
    )  # fmt: skip
    return table([word["where_used"], word["names"]], [[word[where], ", ".join(f"`{one}`" for one in found)] for where, found in groups])


TABLES: Mapping[str, Callable[[str], str]] = {
    "kinds": kinds, "branches": branches, "parameters": parameters, "scores": scores, "grouping": grouping,
    "packs": glance, "documents": documents, "open": opened, "indicators": indicators, "commands": commands,
    "formula-names": formula_names, "deriving": deriving, "deriving-choices": deriving_choices,
    **{f"steps-{head.id}": steps(head.id) for head in packs.available() if own_steps(head.id)},
}  # fmt: skip


def ordinal(number: int, lang: str) -> str:
    digits = "零一二三四五六七八九"
    if lang == "en":
        return str(number)
    tens, ones = divmod(number, 10)
    return ("" if tens < 2 else digits[tens]) + ("十" if tens else "") + (digits[ones] if ones or not tens else "")


def numbered(text: str, key: str, lang: str) -> str:
    """Numbers of chapters, in the title and in links, by their order in the window."""
    place = {one: ordinal(at, lang) for at, one in enumerate(CHAPTERS, 1)}
    if lang == "zh":
        text = re.sub(r"\A((?:<!--.*?-->\n)*)# (?:[一二三四五六七八九十]+、)?", rf"\1# {place[key]}、", text)
        return re.sub(r"\[第[^\]]*章\]\((\w+)\.md", lambda found: f"[第{place[found[1]]}章]({found[1]}.md", text)
    text = re.sub(r"\A((?:<!--.*?-->\n)*)# (?:\d+ )?", rf"\g<1># {place[key]} ", text)
    return re.sub(r"\[chapter \d+\]\((\w+)\.md", lambda found: f"[chapter {place[found[1]]}]({found[1]}.md", text)


def written(text: str, key: str, lang: str) -> str:
    """A chapter with its number and its tables as the program has them now."""
    return BLOCK.sub(
        lambda found: f"<!-- table: {found['name']} -->\n{TABLES[found['name']](lang)}<!-- end -->",
        numbered(text, key, lang),
    )


def main() -> None:
    for lang in LANGUAGES:
        for path in sorted((MANUAL / lang).glob("*.md")):
            text = path.read_text("utf-8")
            new = written(text, path.stem, lang)
            if new != text:
                Path(path).write_text(new, "utf-8")
                print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
