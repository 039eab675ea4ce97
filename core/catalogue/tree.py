"""Where a group stands in the ICD: chapter, block, category, and a version's groups as a tree of these.

Chapters and blocks are `resources/icd/icd10.toml`. Nothing else is named here: a category is called what the
catalogue itself calls it, else by its code alone.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from core.catalogue.entries import ATTRIBUTES, Entries, Entry
from core.settings import RESOURCES
from core.texts import LANGUAGES, Texts

Title = Mapping[str, str]
NO_TITLE: Title = dict.fromkeys(LANGUAGES, "")
# Codes of nodes that stand for no section: TCM diseases; no diagnosis of the ICD; more than one chapter, block or
# category; an operation whose attribute is not stated. Their titles are `catalogue.tree.*`.
TCM, ELSEWHERE, SEVERAL, UNSTATED = "tcm", "elsewhere", "several", "unstated"

_TCM_CODE = re.compile(r"[A-Z]\d\d\.\d\d\.\d\d")  # three groups of digits: the national codes of TCM diseases
_CODE = re.compile(r"([A-Z]\d{0,2})(?![A-Z])")
_RANGE = re.compile(r"([A-Z]\d{1,2})[.\dX]*\s*[-~—–]\s*([A-Z]\d{1,2})")
_KEY = re.compile(r"[A-Z]\d\d(?=[.:_\-])")  # a dip_code that begins with a diagnosis
_ANY = re.compile(r"[|/、]")
# What a name says of the treatment, behind the disease.
_TREATMENT = re.compile(r"[\s:：\-—_·(（\[【]*(内科诊疗组?|诊断性操作组?|治疗性操作组?|相关手术组?|保守治疗组?)[)）\]】]*$")


@dataclass(frozen=True, slots=True)
class Section:
    """A chapter or a block. codes: `A00-B99`. number: of a chapter, I to XXII."""

    codes: str
    first: str
    last: str
    title: Title
    number: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """chapter, block: None where the code has none, or spans `several`. category: three characters, "" likewise."""

    chapter: Section | None = None
    block: Section | None = None
    category: str = ""
    several: bool = False


@dataclass(frozen=True, slots=True)
class Node:
    """level: chapter, block, category, attribute. code: `A00-B99`, `A00-A09`, `A09`, `surgery`, or one of the above.

    number: of a chapter. title: by language; "" where nothing names it. rows: places in the version's rows, ascending.
    What has no place in the ICD has no blocks and categories: its children are attributes.
    """

    level: str
    code: str
    title: Title
    rows: tuple[int, ...]
    children: tuple[Node, ...] = ()
    number: str = ""

    @property
    def count(self) -> int:
        return len(self.rows)


@cache
def _sections() -> tuple[tuple[Section, tuple[Section, ...]], ...]:
    read = tomllib.loads((RESOURCES / "icd" / "icd10.toml").read_text("utf-8"))
    return tuple(
        (
            _section(chapter["codes"], chapter["zh"], chapter["en"], chapter["number"]),
            tuple(_section(*block) for block in chapter["blocks"]),
        )
        for chapter in read["chapter"]
    )


def _section(codes: str, zh: str, en: str, number: str = "") -> Section:
    first, last = codes.split("-")
    return Section(codes, first, last, {"zh": zh, "en": en}, number)


@cache
def chapters() -> tuple[Section, ...]:
    return tuple(chapter for chapter, _ in _sections())


@cache
def blocks(chapter: str = "") -> tuple[Section, ...]:
    """Of the chapter with these codes, or all."""
    return tuple(block for own, inner in _sections() if chapter in ("", own.codes) for block in inner)


@lru_cache(1 << 16)
def place(diag_code: str) -> Place:
    """Where a diagnosis expression belongs: a code, a prefix, a range, a key such as `K35.8_47.0901_01_00`.

    Of alternatives, what they have in common. A TCM code has no place.
    """
    text = unicodedata.normalize("NFKC", diag_code).upper().strip()
    if _TCM_CODE.match(text):
        return Place()
    first = re.split(r"[+,]", text, maxsplit=1)[0]
    spans = [span for part in _ANY.split(first) if (span := _span(part.strip())) is not None]
    if not spans:
        return Place()
    in_chapters = _touched(chapters(), spans)
    if len(in_chapters) != 1:
        return Place(category=_category(spans) if not in_chapters else "", several=len(in_chapters) > 1)
    in_blocks = _touched(blocks(in_chapters[0].codes), spans)
    block = in_blocks[0] if len(in_blocks) == 1 else None
    return Place(in_chapters[0], block, _category(spans), several=len(in_blocks) > 1)


def _span(part: str) -> tuple[str, str] | None:
    """The first and last category that a part names."""
    if found := _RANGE.match(part):
        low, high = found.groups()
    elif found := _CODE.match(part):
        low = high = found[1]
    else:
        return None
    return low.ljust(3, "0"), high.ljust(3, "9")


def _touched(sections: Sequence[Section], spans: Sequence[tuple[str, str]]) -> list[Section]:
    return [
        one for one in sections if any(low <= one.last and high >= one.first for low, high in spans)
    ]


def _category(spans: Sequence[tuple[str, str]]) -> str:
    named = {code for span in spans for code in span}
    return named.pop() if len(named) == 1 else ""


def place_of(entry: Entry) -> Place:
    """By its diagnosis; without one, by a key that begins like one."""
    if entry.diag_code.strip(" ."):
        return place(entry.diag_code)
    return place(entry.dip_code) if _KEY.match(entry.dip_code.upper()) else Place()


def attribute_of(entry: Entry) -> str:
    """conservative, diagnostic, therapeutic, surgery; a group without operations is conservative, else UNSTATED."""
    if entry.attribute:
        return entry.attribute
    return UNSTATED if entry.oprn_code.strip(" .") else "conservative"


def category_names(entries: Entries) -> dict[str, str]:
    """What the catalogue calls a whole category: its groups of exactly three characters, if they agree on a name."""
    said: dict[str, set[str]] = defaultdict(set)
    for entry in entries.rows:
        code = entry.diag_code.strip().upper().removesuffix(".")
        if len(code) == 3:
            name = _TREATMENT.sub("", entry.dip_name).strip()
            said[code].add(name)
    return {code: names.pop() for code, names in said.items() if len(names) == 1}


def tree(entries: Entries, rows: Iterable[int] | None = None) -> tuple[Node, ...]:
    """Chapters with blocks, categories and attributes, in the order of the ICD; what has no place stands last.

    rows: only these of the version, as a filter leaves them. Sections without groups are left out.
    """
    names = category_names(entries)
    titles = _titles()
    leaves: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for row in range(len(entries)) if rows is None else sorted(rows):
        entry = entries.rows[row]
        at, attribute = place_of(entry), attribute_of(entry)
        if at.chapter is not None:
            block = at.block.codes if at.block else SEVERAL if at.several else ELSEWHERE
            leaves[at.chapter.codes, block, at.category or SEVERAL, attribute].append(row)
        else:
            top = SEVERAL if at.several else TCM if entry.kind == "tcm" else ELSEWHERE
            leaves[top, attribute].append(row)
    section = {one.codes: one for own, inner in _sections() for one in (own, *inner)}
    ranks = {one.codes: f"{place:02d}" for place, one in enumerate(chapters())}
    ranks |= {name: f"{place}" for place, name in enumerate((*ATTRIBUTES, UNSTATED))}
    ranks |= {name: f"~{place}" for place, name in enumerate((SEVERAL, ELSEWHERE, TCM))}  # behind every code

    def grown(keys: list[tuple[str, ...]], depth: int) -> tuple[Node, ...]:
        made: list[Node] = []
        for code, own in _runs(keys, depth):
            last = len(own[0]) == depth + 1
            level = "attribute" if last else ("chapter", "block", "category")[depth]
            children = () if last else grown(own, depth + 1)
            at = tuple(sorted(row for key in own for row in leaves[key]))
            known = section.get(code) if level in ("chapter", "block") else None
            if known is not None:
                title: Title = known.title
            elif level == "category" and code not in titles:
                title = dict.fromkeys(LANGUAGES, names.get(code, ""))
            else:
                title = titles.get(code, NO_TITLE)
            made.append(Node(level, code, title, at, children, known.number if known else ""))
        return tuple(made)

    return grown(sorted(leaves, key=lambda key: [ranks.get(code, code) for code in key]), 0)


def _runs(keys: list[tuple[str, ...]], depth: int) -> list[tuple[str, list[tuple[str, ...]]]]:
    """Sorted keys by what they have at `depth`."""
    runs: list[tuple[str, list[tuple[str, ...]]]] = []
    for key in keys:
        if not runs or runs[-1][0] != key[depth]:
            runs.append((key[depth], []))
        runs[-1][1].append(key)
    return runs


@cache
def _titles() -> Mapping[str, Title]:
    """Of nodes that no section names."""
    said = {lang: Texts(lang) for lang in LANGUAGES}
    return {
        code: {lang: texts(f"catalogue.tree.{code}") for lang, texts in said.items()}
        for code in (TCM, ELSEWHERE, SEVERAL, UNSTATED, *ATTRIBUTES)
    }
