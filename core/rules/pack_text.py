"""The TOML of a pack as it is written here: another id, an extending pack, open fields filled in their place.

What else stands in a text (comments, order, layout) stays. What is written is exact text again; whether it is sound is
for `packs.check_text` to say.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, cast

from core.faults import Usage
from core.money import plain
from core.rules import formula as language
from core.rules import parsing
from core.rules.circular import CHOICES, SCOPES, SETTINGS, Parameter
from core.rules.source import header_of, immoderate, places_of
from core.texts import LANGUAGES, Texts

if TYPE_CHECKING:
    from core.rules.circular import Pack, Step
    from core.rules.formula import Table
    from core.rules.sheet import Title

# Parameters (settings of [case] too), tables and steps (region, institution) can be filled in a form; `text`: in the TOML alone.
Kind = Literal["parameter", "table", "region", "institution", "text"]
CLOSED = "<="  # before the upper edge of a table's row that belongs to the row


@dataclass(frozen=True, slots=True)
class OpenField:
    """Something that the document leaves open, or a step whose formula a city gives.

    value: the parameter's default or the step's formula, as text; rows: of a table (from, to, value), "" where
    there is no edge. options: what may be chosen, with their words. missing: nothing can be cleared before it is filled.
    """

    kind: Kind
    id: str
    title: Title
    open: Title
    cite: str
    evidence: str
    value: str = ""
    rows: tuple[tuple[str, str, str], ...] = ()
    options: Mapping[str, Title] = field(default_factory=dict[str, "Title"])
    places: int | None = None
    missing: bool = False


@dataclass(frozen=True, slots=True)
class Fill:
    """What an open field is filled with. rows: of a table. places: of a step ("" not rounded, None as it was).

    document: the local document's number, article: where in it. Without a document the figure is tagged U and stays open.
    """

    kind: Kind
    id: str
    value: str = ""
    rows: tuple[tuple[str, str, str], ...] = ()
    places: str | None = None
    document: str = ""
    article: str = ""
    evidence: str = "V"


# -- what is open ------------------------------------------------------------------------------------------------


def open_fields(pack: Pack) -> list[OpenField]:
    """What the pack leaves open, what stops it from clearing first."""
    found: list[OpenField] = []
    for scope in SCOPES:
        for step in pack.scope(scope):
            missing = step.expr is None and not step.input
            if missing or (step.open and not step.input and not _left_to(pack, step)):
                found.append(OpenField(
                    scope, step.id, step.title, step.open or step.note, step.cite, step.evidence, step.formula,
                    places=step.places, missing=missing,
                ))  # fmt: skip
    found.sort(key=lambda one: not one.missing)
    for table in pack.tables.values():
        if table.open:
            found.append(OpenField(
                "table", table.id, table.title, table.open, table.cite, table.evidence, rows=rows_of(table)
            ))  # fmt: skip
    settings = [_setting(pack, key) for key in sorted(SETTINGS - set(pack.parameters) - {"reference"})] if pack.case.open else []
    for one in (*pack.parameters.values(), *settings):
        if one.open:
            found.append(OpenField(
                "parameter", one.id, one.title, one.open, one.cite, one.evidence, one.default, options=one.options
            ))  # fmt: skip
    return [*found, *_in_text(pack)]


def _left_to(pack: Pack, step: Step) -> bool:
    """Whether a step is open only because a table or a choice that it names is: that one is filled."""
    if step.expr is None:
        return False
    chosen = {id for id, one in pack.parameters.items() if one.options and one.open}
    named = set(language.names(parsing.parse(step.formula)))
    open = {id for id, one in pack.tables.items() if one.open}
    return bool(open & set(language.uses(step.expr).tables) or chosen & named)


def _setting(pack: Pack, key: str) -> Parameter:
    """A setting of [case] as the parameter by which a document states it."""
    value, rule = getattr(pack.case, key), pack.case
    options = ("true", "false") if isinstance(value, bool) else CHOICES.get(key, ())
    default = ("true" if value else "false") if isinstance(value, bool) else str(value)

    def words(name: str) -> Title:
        return {lang: pack.phrases[lang][name] for lang in LANGUAGES}

    titles = {one: words(f"option.{one}") for one in options}
    return Parameter(key, words(f"setting.{key}"), default, titles, rule.cite, rule.evidence, rule.open, {})


def rows_of(table: Table) -> tuple[tuple[str, str, str], ...]:
    """From, to and value of each row as `Fill` takes them."""

    def edge(value: object) -> str:
        return "" if value is None else language.plain(value)  # type: ignore[arg-type]

    return tuple((edge(row.start), (CLOSED if row.closed else "") + edge(row.end), row.text) for row in table.rows)


def _in_text(pack: Pack) -> list[OpenField]:
    """What is open and is no single figure: ways to score a case, grouping, scores and coefficients from history, months."""
    found: list[OpenField] = []

    def said(id: str, title: Title, open: Title, cite: str, evidence: str, value: str = "") -> None:
        if open:
            found.append(OpenField("text", id, title, open, cite, evidence, value))

    for branch in pack.case.branches:
        said(branch.id, branch.title, branch.open, branch.cite, branch.evidence, branch.score_text)
    for measure in pack.case.measures:
        said(measure.id, measure.title, measure.open, measure.cite, measure.evidence, measure.formula)
    for chapter, steps in pack.chapters.items():
        for step in steps:
            said(f"{chapter}.{step.scope}.{step.id}", step.title, step.open, step.cite, step.evidence, step.formula)
    words = {lang: pack.phrases[lang] for lang in LANGUAGES}
    if pack.grouping is not None:
        title = {lang: words[lang]["part.grouping"] for lang in LANGUAGES}
        said("grouping", title, pack.grouping.open, pack.grouping.cite, pack.grouping.evidence)
    if pack.scores is not None:
        title = {lang: words[lang]["part.scores"] for lang in LANGUAGES}
        said("scores", title, pack.scores.open, pack.scores.cite, pack.scores.evidence)
    if pack.coefficients is not None:
        source = pack.coefficients.source
        title = {lang: words[lang]["part.coefficients"] for lang in LANGUAGES}
        said("coefficients", title, source.open, source.cite, source.evidence)
    return found


# -- texts -------------------------------------------------------------------------------------------------------


def parent(text: str) -> str:
    """The pack that a text extends, "" where it says none or cannot be read."""
    try:
        head = {} if immoderate(text) else tomllib.loads(text).get("pack", {})
    except (tomllib.TOMLDecodeError, ValueError):
        return ""
    found = cast("dict[str, object]", head).get("extends", "") if isinstance(head, dict) else ""
    return found if isinstance(found, str) else ""


def renamed(text: str, id: str) -> str:
    """A text under another id, its title saying so: the id first, so that a narrow field shows it."""
    lines = text.split("\n")
    places = places_of(text)
    if ("pack", "id") not in places:
        return f"[pack]\nid = {quoted(id)}\n\n{text}"
    number, column = places["pack", "id"]
    rest = lines[number - 1][column - 1 :]
    found = re.match(r"\"(?:[^\"\\]|\\.)*\"|'[^']*'", rest)
    lines[number - 1] = lines[number - 1][: column - 1] + quoted(id) + rest[found.end() if found else len(rest) :]
    if ("pack", "title") in places:
        number, column = places["pack", "title"]
        try:
            title = tomllib.loads(f"title = {lines[number - 1][column - 1 :]}")["title"]
        except tomllib.TOMLDecodeError:
            title = None
        if isinstance(title, dict) and all(isinstance(title.get(lang), str) for lang in LANGUAGES):
            words = {lang: f"{id} · {title[lang]!s}" for lang in LANGUAGES}
            lines[number - 1] = lines[number - 1][: column - 1] + worded(words)
    return "\n".join(lines).rstrip("\n") + "\n"


def extension(
    pack: Pack,
    id: str,
    *,
    title: Title | None = None,
    region: str | None = None,
    years: Sequence[int] | None = None,
) -> str:
    """The head of a pack that extends `pack`; everything else is its parent's."""
    words = title or {lang: f"{id} · {pack.title[lang]}" for lang in LANGUAGES}
    lines = ["[pack]", f"id = {quoted(id)}", f"extends = {quoted(pack.id)}", f"title = {worded(words)}"]
    if pack.issuer:
        lines.append(f"issuer = {quoted(pack.issuer)}")
    if where := pack.region if region is None else region:
        lines.append(f"region = {quoted(where)}")
    if when := pack.years if years is None else tuple(years):
        lines.append(f"years = [{', '.join(map(str, when))}]")
    if pack.funds:
        lines.append(f"funds = [{', '.join(map(quoted, pack.funds))}]")
    return "\n".join(lines) + "\n"


def filled(pack: Pack, text: str, fills: Sequence[Fill]) -> str:
    """The text with the fields filled: its own item of that id is replaced, else one is added at its end.

    pack: what the text resolves to (before the fills), or its parent. Usage("fill_unknown") for what the pack has not.
    """
    keys = {document.number: document.key for document in pack.documents}
    for one in fills:
        number = " ".join(one.document.split())
        if number and number not in keys:
            key = next(f"L{n}" for n in range(1, 1000) if f"L{n}" not in keys.values())
            keys[number] = key
            block = ["[[document]]", f"key = {quoted(key)}", f"number = {quoted(number)}"]
            text = _added(text, [*block, f"evidence = {quoted(one.evidence)}"])
        article = " ".join(one.article.split())
        cite = f"{keys[number]}, {article}" if number and article else keys.get(number, "")
        text = _item(pack, text, one, cite)
    return text


def _item(pack: Pack, text: str, one: Fill, cite: str) -> str:
    lines: list[str] = []
    if one.kind == "parameter" and one.id in pack.parameters:
        lines = _parameter(pack.parameters[one.id], one, cite)
    elif one.kind == "parameter" and one.id in SETTINGS - {"reference"}:
        lines = _parameter(_setting(pack, one.id), one, cite)
    elif one.kind == "table" and one.id in pack.tables:
        lines = _table(pack.tables[one.id], one, cite)
    elif one.kind in SCOPES and any(step.id == one.id for step in pack.scope(one.kind)):
        lines = _step(pack.step(one.kind, one.id), one, cite)
    if not lines:
        raise Usage("fill_unknown", pack=pack.id, kind=one.kind, id=one.id)
    return _added(_without(text, one.kind, one.id), lines)


def _sourced(item: Parameter | Table | Step, one: Fill, cite: str) -> list[str]:
    """A figure with a document is settled; without one it stays open, and unverified."""
    lines = [f"cite = {quoted(cite or item.cite)}", f"evidence = {quoted(one.evidence if cite else 'U')}"]
    if not cite and item.open:
        # What was said of an empty table no longer holds of one that is filled.
        filled = one.kind == "table" and any("".join(row).strip() for row in one.rows)
        open = {lang: Texts(lang)("packtext.no_document") for lang in LANGUAGES} if filled else item.open
        lines.append(f"open = {worded(open)}")
    if item.note:
        lines.append(f"note = {worded(item.note)}")
    return lines


def _parameter(item: Parameter, one: Fill, cite: str) -> list[str]:
    lines = ["[[parameter]]", f"id = {quoted(item.id)}", f"title = {worded(item.title)}"]
    lines.append(f"default = {quoted(one.value.strip())}")
    lines += [f"{key} = {quoted(plain(edge))}" for key in ("least", "most") if (edge := getattr(item, key)) is not None]
    lines += _sourced(item, one, cite)
    if item.options:
        lines.append("[parameter.options]")
        lines += [f"{option} = {worded(words)}" for option, words in item.options.items()]
    return lines


def _table(item: Table, one: Fill, cite: str) -> list[str]:
    lines = ["[[table]]", f"id = {quoted(item.id)}", f"title = {worded(item.title)}"]
    if item.otherwise is not None:
        lines.append(f"otherwise = {quoted(item.otherwise_text)}")
    lines += _sourced(item, one, cite)
    for start, end, value in one.rows:
        if not (start.strip() or end.strip() or value.strip()):
            continue
        lines.append("[[table.row]]")
        edges = (("from", start.strip()), ("to", end.strip().removeprefix(CLOSED).removeprefix("≤").strip()))
        lines += [f"{key} = {quoted(edge)}" for key, edge in edges if edge]
        if end.strip().startswith((CLOSED, "≤")):
            lines.append("closed = true")
        lines.append(f"value = {quoted(value.strip())}")
    return lines


def _step(item: Step, one: Fill, cite: str) -> list[str]:
    lines = [f"[[{item.scope}]]", f"id = {quoted(item.id)}", f"title = {worded(item.title)}"]
    if item.unit:
        lines.append(f"unit = {quoted(item.unit)}")
    lines.append(f"formula = {quoted(one.value.strip())}")
    places = one.places.strip() if one.places is not None else "" if item.places is None else str(item.places)
    if places:
        lines.append(f"places = {places if places.isdecimal() else quoted(places)}")
    if item.when:
        lines.append(f"when = {quoted(item.when)}")
    return lines + _sourced(item, one, cite)


def _added(text: str, lines: Sequence[str]) -> str:
    return text.rstrip("\n") + "\n\n" + "\n".join(lines) + "\n"


def _without(text: str, kind: str, id: str) -> str:
    """The text without its own `[[kind]]` of that id, tables within it included."""
    try:
        items = tomllib.loads(text).get(kind, [])
    except tomllib.TOMLDecodeError:
        return text
    places = places_of(text)
    lines = text.split("\n")
    drop: set[int] = set()
    for number, item in enumerate(cast("list[object]", items) if isinstance(items, list) else []):
        if not (isinstance(item, dict) and cast("dict[str, object]", item).get("id") == id) or (kind, number) not in places:
            continue
        start = places[kind, number][0] - 1
        end = start + 1
        others = [line - 1 for path, (line, _) in places.items() if path[:2] != (kind, number)]
        heads = {line for line in others if header_of(lines[line])}
        while end < len(lines) and end not in heads:
            end += 1
        while end > start + 1 and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#")):
            end -= 1  # what stands before the next header belongs to it
        drop |= set(range(start, end))
    kept = [line for number, line in enumerate(lines) if number not in drop]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).rstrip("\n") + "\n"


# -- TOML --------------------------------------------------------------------------------------------------------


def quoted(text: str) -> str:
    """A basic string of TOML."""
    safe = "".join(sign for sign in text if not "\ud800" <= sign <= "\udfff")
    return json.dumps(safe, ensure_ascii=False).replace("\x7f", "\\u007f")


def worded(words: Title) -> str:
    """Words in every language."""
    return "{ " + ", ".join(f"{lang} = {quoted(words[lang])}" for lang in LANGUAGES) + " }"
