"""How a case finds its disease group, as data: the `[grouping]` of a pack. Read strictly, merged through `extends`.

A rule is a list of searches and a list of choices. A search says which rows of the catalogue it looks at, how they
must fit the case's diagnosis and operations, and by which tie-breaks one of several is taken. A choice lets searches
compete; the first choice that has a group decides. Without choices every search is one, in the order of the file.
The rows of the catalogue hold the clinical content; this says only how they are read.

Keys of [grouping] (each word may be the id of a parameter whose options are words of the same list):

    all_of, any_of        signs that join operations of which all, or any one, are asked for (`+,` and `|/`)
    exclude               exclusion lists that hold: diagnosis, operation
    operation_match       exact; digits_3, digits_4, digits_3_4: a row's code of so many digits stands for all that begin so
    main_excluded         next: where the flagged main operation is excluded the first one left is the main one; none
    attribute_of          main, all: whose attribute the case has (the highest of all)
    intervention          surgery, therapeutic: what an intervention counts as
    category              exact; placeholder: a three-character diagnosis is written out, `I10` and `I10.x` are one
    type_order            kinds with or without attribute, `core:surgery`, best first
    cite evidence open note

Keys of [[grouping.search]]: id title cite evidence open note, and

    kinds, stages         of the catalogue's rows; without stages any
    diagnosis             how the principal diagnosis fits, tried in this order until rows are found: a number of first
                          characters that the row's diag_code equals; `expression`: codes, beginnings, ranges, or empty for
                          any; `range`: `A00-B99` by the first three characters, ends included, narrowest first
    attribute             true: the row must have the case's attribute
    main                  any; flagged: an operation that the row asks for as its main one must be the case's main one
    related               required: all; best: a row belongs when its main operations are met and any of its related ones
    bare                  rows that ask for no operation, looked at when no other row of the search belongs:
                          conservative (the case's attribute is), no_operation (the case has none), always, never
    condition             allowed: where a row carries a condition it must hold; needed: only rows that carry one belong
    prefer                tie-breaks in order; what is still even is decided by the smallest dip_code

Keys of [[grouping.choice]]: id title among prefer cite evidence open note. A search that prefers nothing hands all its
rows on to its choice. A row's condition and its other diagnoses hold in every search.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

from core.faults import Refused
from core.rules import formula as language
from core.rules import parsing
from core.rules.formula import Expr, FormulaError, Sort
from core.rules.sheet import Title
from core.rules.source import Item, Source, items_of, plainly

if TYPE_CHECKING:
    from core.rules.circular import Pack, Parameter

KINDS = ("core", "composite", "primary_care", "tcm", "bed_day", "day_case")
STAGES = ("pre", "merged", "assisted", "basic")
ATTRIBUTES = ("conservative", "diagnostic", "therapeutic", "surgery")  # ascending
# full_match: all related operations met. related: most of them met. parts: most parts of the row's expression met.
# operations: most of the case's operations named. main_operation: names the flagged main operation. search_order: the earlier
# search. surgery_named: a composite surgery row among them goes before rows that leave a surgery of the case unnamed.
TIES = (
    "full_match", "related", "parts", "operations", "main_operation", "nearest_fee", "higher_score", "type_order",
    "search_order", "surgery_named", "none",
)  # fmt: skip
NEAREST_FEE, NOTHING = "nearest_fee", "none"
EXPRESSION, RANGE = "expression", "range"
WORDS: Mapping[str, tuple[str, ...]] = {
    "operation_match": ("exact", "digits_3", "digits_4", "digits_3_4"),
    "main_excluded": ("next", "none"),
    "attribute_of": ("main", "all"),
    "intervention": ("surgery", "therapeutic"),
    "category": ("exact", "placeholder"),
    "main": ("any", "flagged"),
    "related": ("required", "best"),
    "bare": ("conservative", "no_operation", "always", "never"),
    "condition": ("allowed", "needed"),
}
DIGITS: Mapping[str, tuple[int, ...]] = {"exact": (), "digits_3": (3,), "digits_4": (4,), "digits_3_4": (3, 4)}
# What a row's condition may speak of: years, days, grams, days of stay, 1 male 2 female, yuan.
CONDITION_NAMES = ("age", "age_days", "birth_weight", "days", "gender", "fee", "tcm_fee")

_SOURCED = frozenset({"cite", "evidence", "open", "note"})
_TEXTS = ("all_of", "any_of")
_DEFAULTS = {
    "operation_match": "exact", "main_excluded": "next", "attribute_of": "all", "intervention": "surgery",
    "category": "exact",
}  # fmt: skip
_SETTINGS = tuple(_DEFAULTS)
KEYS = _SOURCED | {*_TEXTS, *_SETTINGS, "exclude", "type_order", "search", "choice"}
SEARCH_KEYS = _SOURCED | {
    "id", "title", "kinds", "stages", "diagnosis", "attribute", "main", "related", "bare", "condition", "prefer",
}  # fmt: skip
CHOICE_KEYS = _SOURCED | {"id", "title", "among", "prefer"}
_MOST_CHARACTERS = 20
_SIGNS = re.compile(r"[^\w\s.\-]*")


@dataclass(frozen=True, slots=True)
class Search:
    """One way of looking for groups: see the module."""

    id: str
    title: Title
    kinds: tuple[str, ...]
    stages: tuple[str, ...]
    diagnosis: tuple[int | str, ...]
    attribute: bool
    main: str
    related: str
    bare: str
    condition: str
    prefer: tuple[str, ...]
    cite: str
    evidence: str
    open: Title = field(default_factory=dict[str, str])
    note: Title = field(default_factory=dict[str, str])

    def looks_at(self, kind: str, stage: str) -> bool:
        return kind in self.kinds and (not self.stages or (stage or "basic") in self.stages)


@dataclass(frozen=True, slots=True)
class Choice:
    """Searches that compete, and by what one of their groups is taken."""

    id: str
    title: Title
    among: tuple[str, ...]
    prefer: tuple[str, ...]
    cite: str
    evidence: str
    open: Title = field(default_factory=dict[str, str])
    note: Title = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class GroupingRule:
    """A pack's rule, ready to be used: `rule_of(pack)` has the words of its parameters put in.

    type_order: (kind, attribute or '' for any). choices: never empty.
    """

    searches: tuple[Search, ...]
    choices: tuple[Choice, ...]
    exclude: frozenset[str] = frozenset()
    all_of: str = "+,"
    any_of: str = "|/"
    operation_match: str = "exact"
    main_excluded: str = "next"
    attribute_of: str = "all"
    intervention: str = "surgery"
    category: str = "exact"
    type_order: tuple[tuple[str, str], ...] = ()
    cite: str = ""
    evidence: str = ""
    open: Title = field(default_factory=dict[str, str])
    note: Title = field(default_factory=dict[str, str])

    def search(self, id: str) -> Search:
        return next(one for one in self.searches if one.id == id)

    def parts(self, expression: str) -> tuple[tuple[str, ...], ...]:
        """An operation expression as parts that must all be met, each a list of alternatives; a lone dot is empty."""
        text = expression.strip()
        if text in ("", "."):
            return ()
        alternatives = [_split(part, self.any_of) for part in _split(text, self.all_of)]
        return tuple(part for part in alternatives if part)

    def type_rank(self, kind: str, attribute: str) -> int:
        for i, (wanted, with_attribute) in enumerate(self.type_order):
            if wanted == kind and with_attribute in ("", attribute):
                return i
        return len(self.type_order)


def _split(text: str, signs: str) -> tuple[str, ...]:
    for sign in signs[1:]:
        text = text.replace(sign, signs[0])
    pieces = text.split(signs[0]) if signs else [text]
    return tuple(piece.strip() for piece in pieces if piece.strip() not in ("", "."))


def diagnosis_tokens(expression: str) -> tuple[tuple[str, str], ...]:
    """Alternatives of a diagnosis expression: (beginning, ''), or (first, last) of a range."""
    found: list[tuple[str, str]] = []
    for token in _split(expression, "|/+,"):
        start, dash, end = (piece.strip() for piece in token.partition("-"))
        found.append((start, end) if dash and start and end else (token, ""))
    return tuple(found)


def condition_of(text: str) -> Expr:
    """A catalogue row's condition; FormulaError for one that is none or speaks of something else."""
    expr = parsing.parse(text)
    for node in language.walk(expr):
        if isinstance(node, language.Sum | language.Tiers | language.Share):
            raise FormulaError("scope", node.at, name="sum tiers share", scope="case")
        if isinstance(node, language.Name) and node.id not in CONDITION_NAMES:
            raise FormulaError("name", node.at, name=node.id, known=" ".join(CONDITION_NAMES))
    sorts: dict[str, Sort] = {}
    if language.sort_of(expr, sorts) != "truth":
        raise FormulaError("sort", 0, wanted="truth", found="number")
    return expr


# --- from the files of a pack ---


@dataclass
class Merged:
    """[grouping] of a chain of files: settings one by one, the list of searches and that of choices replaced whole."""

    settings: dict[str, Item] = field(default_factory=dict[str, Item])
    searches: list[Item] = field(default_factory=list[Item])
    choices: list[Item] = field(default_factory=list[Item])
    table: Item | None = None  # the newest [grouping]

    def add(self, source: Source, value: object) -> None:
        if not isinstance(value, dict):
            source.wrong(("grouping",), "pack_type", value=plainly(value), wanted="[grouping]", key="grouping")
            return
        item = Item(source, ("grouping",), cast("dict[str, Any]", value))
        item.only(KEYS)
        self.table = item
        for key in item.data:
            if key in KEYS - {"search", "choice"}:
                self.settings[key] = item
        if "search" in item.data:  # a list of searches is one rule, and its choices are part of it
            self.searches = list(items_of(source, item.data, ("grouping",), "search"))
            self.choices = []
        if "choice" in item.data:
            self.choices = list(items_of(source, item.data, ("grouping",), "choice"))

    def data(self) -> dict[str, object]:
        """What the pack's hash is made of; empty without any [grouping]."""
        if self.table is None:
            return {}
        return {
            "settings": {key: item.data[key] for key, item in self.settings.items()},
            "search": [dict(item.data) for item in self.searches],
            "choice": [dict(item.data) for item in self.choices],
        }


class _Reading:
    def __init__(self, parameters: Mapping[str, Parameter], sourced: Callable[[Item], tuple[str, str]]) -> None:
        self.parameters = parameters
        self.sourced = sourced

    def _stands(self, word: str, allowed: Sequence[str]) -> bool:
        parameter = self.parameters.get(word)
        return word in allowed or (parameter is not None and set(parameter.options) <= set(allowed) != set())

    def word(self, item: Item | None, key: str, default: str) -> str:
        if item is None or key not in item.data:
            return default
        text = item.text(key, required=True)
        if text and not self._stands(text, WORDS[key]):
            item.wrong(key, "pack_option", value=text, known=" ".join(WORDS[key]))
            return default
        return text or default

    def listed(
        self, item: Item | None, key: str, allowed: Sequence[str], *, required: bool = False
    ) -> tuple[str, ...]:
        if item is None or key not in item.data:
            if required and item is not None:
                item.wrong(key, "pack_missing", value=key)
            return ()
        value: object = item.data[key]
        if not isinstance(value, list) or not all(isinstance(one, str) for one in cast("list[object]", value)):
            item.wrong(key, "pack_type", value=plainly(value), wanted=f'["{allowed[0] if allowed else ""}"]', key=key)
            return ()
        found: list[str] = []
        for word in cast("list[str]", value):
            if not self._stands(word, allowed):
                item.wrong(key, "pack_option", value=word, known=" ".join(allowed))
            elif word in found:
                item.wrong(key, "pack_twice", value=word)
            else:
                found.append(word)
        if required and not cast("list[str]", value):
            item.wrong(key, "pack_missing", value=key)
        return tuple(found)

    @staticmethod
    def signs(item: Item | None, key: str, default: str) -> str:
        if item is None:
            return default
        text = item.text(key)
        if not _SIGNS.fullmatch(text) or len(set(text)) != len(text):
            item.wrong(key, "grouping_signs", value=text)
            return default
        return text

    @staticmethod
    def ladder(item: Item) -> tuple[int | str, ...]:
        value: object = item.data.get("diagnosis")
        if value is None:
            item.wrong("diagnosis", "pack_missing", value="diagnosis")
            return ()
        rungs = cast("list[object]", value) if isinstance(value, list) else [value]
        found: list[int | str] = []
        for rung in rungs:
            number = isinstance(rung, int) and not isinstance(rung, bool) and 1 <= rung <= _MOST_CHARACTERS
            if not number and rung not in (EXPRESSION, RANGE):
                item.wrong("diagnosis", "grouping_diagnosis", value=plainly(rung), limit=str(_MOST_CHARACTERS))
            elif rung in found:
                item.wrong("diagnosis", "pack_twice", value=plainly(rung))
            else:
                found.append(cast("int | str", rung))
        if not rungs:
            item.wrong("diagnosis", "pack_missing", value="diagnosis")
        return tuple(found)

    def types(self, item: Item | None) -> tuple[tuple[str, str], ...]:
        known = (*KINDS, *(f"{kind}:{attribute}" for kind in KINDS for attribute in ATTRIBUTES))
        listed = self.listed(item, "type_order", known)
        return tuple((kind, attribute) for kind, _, attribute in (word.partition(":") for word in listed))

    def cited(self, item: Item, rule: tuple[str, str]) -> tuple[str, str]:
        """cite and evidence; what cites nothing has those of [grouping]."""
        if "cite" in item.data:
            return self.sourced(item)
        return rule[0], item.sourced(required=False)[1] or rule[1]

    def search(self, item: Item, rule: tuple[str, str]) -> Search:
        item.only(SEARCH_KEYS)
        cite, evidence = self.cited(item, rule)
        return Search(
            item.name(), item.title("title", required=True), self.listed(item, "kinds", KINDS, required=True),
            self.listed(item, "stages", STAGES), self.ladder(item), item.flag("attribute"),
            self.word(item, "main", "any"), self.word(item, "related", "required"),
            self.word(item, "bare", "conservative"), self.word(item, "condition", "allowed"),
            self.listed(item, "prefer", TIES), cite, evidence, item.title("open"), item.title("note"),
        )  # fmt: skip

    def choice(self, item: Item, known: Sequence[str], rule: tuple[str, str]) -> Choice:
        item.only(CHOICE_KEYS)
        cite, evidence = self.cited(item, rule)
        return Choice(
            item.name(), item.title("title", required=True), self.listed(item, "among", known, required=True),
            self.listed(item, "prefer", TIES), cite, evidence, item.title("open"), item.title("note"),
        )  # fmt: skip


def _unique(items: Sequence[Item]) -> Iterator[Item]:
    seen: set[str] = set()
    for item in items:
        if item.id in seen:
            item.wrong("id", "pack_twice", value=item.id)
        else:
            seen.add(item.id)
            yield item


def read(
    merged: Merged, parameters: Mapping[str, Parameter], sourced: Callable[[Item], tuple[str, str]]
) -> GroupingRule | None:
    """The rule of merged files; what is wrong becomes findings at their places. None without any [grouping]."""
    table = merged.table
    if table is None:
        return None
    reading = _Reading(parameters, sourced)
    settings = merged.settings.get
    if "cite" in merged.settings:
        cited = sourced(merged.settings["cite"])
    else:
        table.wrong("cite", "pack_missing", value="cite")
        cited = "", "U"
    searches = tuple(reading.search(item, cited) for item in _unique(merged.searches))
    if not searches:
        table.wrong("search", "pack_missing", value="[[grouping.search]]")
    ids = [search.id for search in searches]
    choices = tuple(reading.choice(item, ids, cited) for item in _unique(merged.choices))
    if not choices:
        choices = tuple(
            Choice(one.id, one.title, (one.id,), (), one.cite, one.evidence, one.open, one.note) for one in searches
        )
    all_of = reading.signs(settings("all_of"), "all_of", "+,")
    any_of = reading.signs(settings("any_of"), "any_of", "|/")
    if set(all_of) & set(any_of):
        (settings("any_of") or settings("all_of") or table).wrong("any_of", "grouping_signs", value=any_of)
    words = {key: reading.word(settings(key), key, _DEFAULTS[key]) for key in _SETTINGS}
    opened, noted = settings("open"), settings("note")
    rule = GroupingRule(
        searches, choices, frozenset(reading.listed(settings("exclude"), "exclude", ("diagnosis", "operation"))),
        all_of, any_of, words["operation_match"], words["main_excluded"], words["attribute_of"], words["intervention"],
        words["category"], reading.types(settings("type_order")), cited[0], cited[1],
        opened.title("open") if opened else {}, noted.title("note") if noted else {},
    )  # fmt: skip
    if not rule.type_order:
        for item in (*merged.searches, *merged.choices):
            if "type_order" in rule_words(item.data.get("prefer"), parameters):
                item.wrong("prefer", "grouping_no_types")
    return rule


def rule_words(prefer: object, parameters: Mapping[str, Parameter]) -> set[str]:
    """The tie-breaks that a list can come to mean, parameters put in."""
    found: set[str] = set()
    for word in cast("list[object]", prefer) if isinstance(prefer, list) else []:
        parameter = parameters.get(str(word))
        found |= set(parameter.options) if parameter is not None else {str(word)}
    return found


def settled(rule: GroupingRule | None, symbols: Mapping[str, str]) -> GroupingRule | None:
    """The rule with the chosen options in the place of parameters' names."""
    if rule is None:
        return None

    def word(text: str, key: str = "") -> str:
        return text if text in (WORDS[key] if key else TIES) else symbols.get(text, text)

    def ties(prefer: Sequence[str]) -> tuple[str, ...]:
        words = dict.fromkeys(word(one) for one in prefer)
        return tuple(one for one in words if one != NOTHING)

    searches = tuple(
        replace(
            one, prefer=ties(one.prefer),
            **{key: word(getattr(one, key), key) for key in ("main", "related", "bare", "condition")},
        )
        for one in rule.searches
    )  # fmt: skip
    choices = tuple(replace(one, prefer=ties(one.prefer)) for one in rule.choices)
    words = {key: word(getattr(rule, key), key) for key in _SETTINGS}
    return replace(rule, searches=searches, choices=choices, **words)


def rule_of(pack: Pack) -> GroupingRule:
    """The pack's grouping rule with its parameters put in; Refused where it has none."""
    if pack.grouping is None:
        raise Refused("grouping_missing", pack=pack.id)
    return pack.grouping
