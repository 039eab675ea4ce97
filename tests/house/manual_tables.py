"""The tables of the manual that the program knows better: columns of every KIND, steps, branches, parameters of every pack.

`python tests/house/manual_tables.py` writes them anew between `<!-- table: NAME -->` and `<!-- end -->`;
`test_manual_text.py` fails while a chapter holds an older one.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from core.intake.kinds import KINDS, Field  # noqa: E402
from core.money import plain  # noqa: E402
from core.rules import packs, scoring  # noqa: E402
from core.rules.circular import Branch, Measure, Step  # noqa: E402
from core.rules.deriving import CHOICES  # noqa: E402
from core.rules.formula import names, words  # noqa: E402
from core.settings import RESOURCES  # noqa: E402
from core.texts import LANGUAGES, Texts  # noqa: E402

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
        "year": "YYYY", "month": "YYYYMM", "period": "YYYY 或 YYYYMM", "step": "步骤标识（第四章）或其中文名", "name": "名称",
        "reference": "不保存，仅供对照", "named": "（冒号后自拟名称）", "empty": "空 = {}", "nothing": "空", "natural": "自然主键：{}",
        "step_id": "标识", "title": "名称", "unit": "单位", "formula": "公式", "places": "小数位", "source": "依据", "cases": "由病例汇总",
        "rows": "取自导入的行", "abstract": "由各地规则包给出", "exact": "不取整", "open": "待明确", "when": "条件", "score": "病例分值",
        "always": "其余", "review": "提请审核", "all": "全部", "parameter": "参数", "default": "默认值", "options": "可选", "meaning": "含义",
        "number": "数值", "measure": "病例量 `{}`", "flag": "`true` 或 `false`", "ningde": "ningde-2024", "evidence": "证据",
        "method": "方法", "taken": "随附规则包所取", "groups": "病种", "diagnosis": "诊断如何比对", "ties": "多个符合时依次取",
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
        "step": "a step id (chapter 4) or its Chinese name", "name": "name", "reference": "not kept, for the reader only",
        "named": " (a name of your own after the colon)", "empty": "empty = {}", "nothing": "empty", "natural": "Natural key: {}",
        "step_id": "id", "title": "title", "unit": "unit", "formula": "formula", "places": "decimals", "source": "source",
        "cases": "summed from the cases", "rows": "from imported rows", "abstract": "given by a city's pack", "exact": "exact",
        "open": "open", "when": "when", "score": "case score", "always": "else", "review": "for review", "all": "all",
        "parameter": "parameter", "default": "default", "options": "can be", "meaning": "meaning", "number": "a number",
        "measure": "case measure `{}`", "flag": "`true` or `false`", "ningde": "ningde-2024", "evidence": "evidence",
        "groups": "groups", "diagnosis": "how diagnoses compare", "ties": "of several, in turn",
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


TABLES: Mapping[str, Callable[[str], str]] = {
    "kinds": kinds, "branches": branches, "parameters": parameters, "scores": scores, "grouping": grouping,
    "deriving": deriving, "deriving-choices": deriving_choices,
    **{f"steps-{head.id}": steps(head.id) for head in packs.available() if own_steps(head.id)},
}  # fmt: skip


def written(text: str, lang: str) -> str:
    """A chapter with its tables as the program has them now."""
    return BLOCK.sub(
        lambda found: f"<!-- table: {found['name']} -->\n{TABLES[found['name']](lang)}<!-- end -->", text
    )


def main() -> None:
    for lang in LANGUAGES:
        for path in sorted((MANUAL / lang).glob("*.md")):
            text = path.read_text("utf-8")
            new = written(text, lang)
            if new != text:
                Path(path).write_text(new, "utf-8")
                print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
