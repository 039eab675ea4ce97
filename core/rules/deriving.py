"""How coefficients are derived, as data: the `[coefficients]` of a pack. Read strictly, merged through `extends`.

Keys of [coefficients]: `method`, the choices of CHOICES, `part` (base unless said), cite evidence open note, and lists
that a later file replaces whole:

    [[coefficients.row]]    id title value, and what a hospital must be for it: levels (1..3), grades (hosp_lv 1..14), words
                            (one of which its category or name holds); the first row that fits counts. Of `table`, `steps`
    [[coefficients.step]]   a bonus by steps: id title measure against excess every add first caps levels from_age to_age
    [[coefficients.limit]]  part (base, bonus, bonus:NAME, deduction ..., k) min max outside (refuse or mark)

each with cite evidence open note; a row, step or limit that cites nothing has those of [coefficients].

    level_mean   mean cost of the hospitals of the level over that of all hospitals
    mean_score   mean score of a case at the hospitals of the level over that of all; scores of the catalogue, no coefficient
    steps        a row's value, and for each step `first` once above the mean and `add` per `every`, at most the level's cap
    table        a row's value

Measures of a step: cmi (mean score of a case), age_share (cases of from_age to to_age years, of all), tcm_share (TCM fees of
the fees). excess: ratio (how far above the mean, as a share of it) or points (in percentage points).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal, cast

from core.faults import Refused, Usage
from core.money import plain
from core.rules import scoring
from core.rules.scoring import Choice
from core.rules.sheet import Title
from core.rules.source import Item, Source, items_of, plainly

if TYPE_CHECKING:
    from core.rules.circular import Pack

Method = Literal["level_mean", "mean_score", "steps", "table"]
METHODS: tuple[Method, ...] = ("level_mean", "mean_score", "steps", "table")
MEASURES = ("cmi", "age_share", "tcm_share")
MEANS = ("level_mean", "mean_score")
_MOST_AGE = 150
_MOST_PLACES = 9

# What may be chosen beside the method, of which methods, and the evidence of its default.
CHOICES: tuple[Choice, ...] = (
    Choice("weights", "weights", "years", "V"),
    Choice("weighting", "option", "years", "U", ("means", "totals")),
    Choice("zero_years", "option", "years", "U", ("renormalise", "drop")),
    Choice("scope", "option", "cases", "V", ("all", "settled")),
    Choice("by", "option", "groups", "V", ("level", "grade")),
    Choice("undetermined", "option", "groups", "V", ("grade_b", "own")),
    Choice("funds", "option", "method", "U", ("all", "each")),
    Choice("against", "option", "groups", "V", ("grade_b", "level", "city")),
    Choice("excess", "option", "method", "U", ("ratio", "points")),
    Choice("rounding", "option", "method", "U", ("floor", "round")),
    Choice("age_auxiliary", "option", "cases", "V", ("excluded", "counted")),
    Choice("places", "places", "method", "U"),
)  # fmt: skip
BY_KEY: Mapping[str, Choice] = {choice.key: choice for choice in CHOICES}
_OF_MEANS = ("weights", "weighting", "zero_years", "scope", "by", "undetermined", "funds", "places")
OF_METHOD: Mapping[str, tuple[str, ...]] = {
    "level_mean": _OF_MEANS,
    "mean_score": _OF_MEANS,
    "steps": (
        "weights", "weighting", "zero_years", "scope", "undetermined", "funds", "against", "excess", "rounding",
        "age_auxiliary",
    ),
    "table": ("undetermined",),
}  # fmt: skip
_SOURCED = frozenset({"cite", "evidence", "open", "note"})
_LISTS = ("row", "step", "limit")
KEYS = _SOURCED | frozenset(BY_KEY) | {"method", "part", *_LISTS}
ROW_KEYS = _SOURCED | {"id", "title", "value", "levels", "grades", "words"}
STEP_KEYS = _SOURCED | {
    "id", "title", "measure", "against", "excess", "every", "add", "first", "caps", "levels", "from_age", "to_age",
}  # fmt: skip
LIMIT_KEYS = _SOURCED | {"part", "min", "max", "outside"}
GRADES = range(1, 15)
LEVELS = (1, 2, 3)


@dataclass(frozen=True, slots=True)
class Sourced:
    """Where a rule stands, how sure it is, and what the document leaves open."""

    cite: str = ""
    evidence: str = ""
    open: Title = field(default_factory=dict[str, str])
    note: Title = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Row:
    """A value for the hospitals that it fits; empty conditions fit every hospital."""

    id: str
    title: Title
    value: Fraction
    levels: tuple[int, ...]
    grades: tuple[int, ...]
    words: tuple[str, ...]
    source: Sourced

    def fits(self, level: int, grade: int, described: str) -> bool:
        """described: the hospital's category and name."""
        return (
            (not self.levels or level in self.levels)
            and (not self.grades or grade in self.grades)
            and (not self.words or any(word in described for word in self.words))
        )


@dataclass(frozen=True, slots=True)
class Step:
    """`first` once a hospital is above the mean, then `add` for every `every` above it, at most the cap of its level.

    levels: those that have the step. against, excess: "" as [coefficients] says. Shares are fractions of one.
    """

    id: str
    title: Title
    measure: str
    every: Fraction
    add: Fraction
    first: Fraction
    caps: Mapping[int, Fraction]
    levels: tuple[int, ...]
    against: str
    excess: str
    ages: tuple[int, int]  # from, to, both included; of age_share
    source: Sourced

    @property
    def part(self) -> str:
        """The bonus's name in a set is the document's own, in its own language."""
        return f"bonus:{self.title.get('zh', self.id)}"


@dataclass(frozen=True, slots=True)
class Limit:
    """What a part may be at least and at most. outside: refuse it, or mark it."""

    part: str
    least: Fraction | None
    most: Fraction | None
    outside: Literal["refuse", "mark"]
    source: Sourced = field(default_factory=Sourced)

    @property
    def refuses(self) -> bool:
        return self.outside == "refuse"

    @property
    def cite(self) -> str:
        return self.source.cite

    @property
    def text(self) -> str:
        """`0.5..1.2`, one side empty where it is free."""
        return f"{'' if self.least is None else plain(self.least)}..{'' if self.most is None else plain(self.most)}"

    def part_holds(self, part: str) -> bool:
        """Whether the limit is one of this part: `bonus` is of every bonus."""
        return part == self.part or (":" not in self.part and part.partition(":")[0] == self.part)

    def holds(self, value: Fraction) -> bool:
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)


@dataclass(frozen=True)
class DeriveRule:
    """A pack's rule, ready to be used.

    weights: of the years before the one derived for, eldest first, so that their number is the number of years. weighting,
    zero_years, scope: as with scores (`core.rules.scoring`). by: hospitals of one level, or of one grade, have one value.
    undetermined: grades 11..14 count as grade B of their level, or as what they are. funds: one value for both funds, or
    each its own. rounding: whole steps by floor, or to the nearest. age_auxiliary: whether cases whose group has an age
    band that fits them are left out of age shares. places: of the values of level_mean and mean_score.
    """

    method: Method | Literal[""] = ""
    part: str = "base"
    weights: tuple[Fraction, ...] = (Fraction(1), Fraction(2), Fraction(7))
    weighting: Literal["means", "totals"] = "means"
    zero_years: Literal["renormalise", "drop"] = "renormalise"
    scope: Literal["all", "settled"] = "all"
    by: Literal["level", "grade"] = "level"
    undetermined: Literal["grade_b", "own"] = "grade_b"
    funds: Literal["all", "each"] = "all"
    against: Literal["grade_b", "level", "city"] = "grade_b"
    excess: Literal["ratio", "points"] = "ratio"
    rounding: Literal["floor", "round"] = "floor"
    age_auxiliary: Literal["excluded", "counted"] = "excluded"
    places: int = 4
    rows: tuple[Row, ...] = ()
    steps: tuple[Step, ...] = ()
    limits: tuple[Limit, ...] = ()
    source: Sourced = field(default_factory=Sourced)

    def text(self, key: str) -> str:
        """A choice as it is written: what `chosen` reads back."""
        return scoring.text_of(BY_KEY[key], getattr(self, key))

    @property
    def choices(self) -> tuple[Choice, ...]:
        """What may be chosen with this method."""
        return tuple(BY_KEY[key] for key in OF_METHOD.get(self.method, ()))


def rule_of(pack: Pack, choices: Mapping[str, str] | None = None) -> DeriveRule:
    """The pack's rule with choices applied. Refused("coefficients_missing") where the pack derives none; Usage as `chosen`."""
    rule = pack.coefficients
    if rule is None or not rule.method:
        raise Refused("coefficients_missing", pack=pack.id)
    return chosen(rule, choices or {})


def limits_of(pack: Pack | None) -> tuple[Limit, ...]:
    """The limits that a pack sets; none without a pack."""
    return pack.coefficients.limits if pack is not None and pack.coefficients is not None else ()


def chosen(rule: DeriveRule, choices: Mapping[str, str]) -> DeriveRule:
    """The rule with choices given as text. Usage: an unknown key (of this method), or a value that may not be."""
    known = [choice.key for choice in rule.choices]
    for key, text in choices.items():
        if key not in known:
            raise Usage("parameter_unknown", name=key, pack="coefficients", known=", ".join(known))
        try:
            rule = replace(rule, **{key: _value(BY_KEY[key], text.strip())})
        except ValueError as error:
            raise Usage("parameter_value", name=key, value=text, known=str(error)) from None
    return rule


def _value(choice: Choice, text: str) -> object:
    value = scoring.value_of(choice, text)
    if choice.key == "places" and cast(int, value) > _MOST_PLACES:
        raise ValueError(f"0..{_MOST_PLACES}")
    return value


# --- from the files of a pack ---


@dataclass
class Merged:
    """[coefficients] of a chain of files: settings one by one, each list replaced whole."""

    settings: dict[str, Item] = field(default_factory=dict[str, Item])
    lists: dict[str, list[Item]] = field(default_factory=dict[str, list[Item]])
    table: Item | None = None  # the newest [coefficients]

    def add(self, source: Source, value: object) -> None:
        if not isinstance(value, dict):
            source.wrong(("coefficients",), "pack_type", value=plainly(value), wanted="[coefficients]", key="coefficients")
            return
        item = Item(source, ("coefficients",), cast("dict[str, Any]", value))
        item.only(KEYS)
        self.table = item
        for key in item.data:
            if key in KEYS - {*_LISTS}:
                self.settings[key] = item
        for key in _LISTS:
            if key in item.data:
                self.lists[key] = list(items_of(source, item.data, ("coefficients",), key))

    def data(self) -> dict[str, object]:
        """What the pack's hash is made of; empty without any [coefficients]."""
        if self.table is None:
            return {}
        return {
            "settings": {key: item.data[key] for key, item in self.settings.items()},
            **{key: [dict(item.data) for item in items] for key, items in self.lists.items()},
        }


def read(merged: Merged, sourced: Callable[[Item], tuple[str, str]]) -> DeriveRule | None:
    """The rule of merged files; what is wrong becomes findings at their places. None without any [coefficients]."""
    if merged.table is None:
        return None
    return _Reading(merged, merged.table, sourced).rule()


class _Reading:
    def __init__(self, merged: Merged, table: Item, sourced: Callable[[Item], tuple[str, str]]) -> None:
        self.merged = merged
        self.table = table
        self.sourced = sourced
        cited = merged.settings.get("cite")
        if cited is None:
            table.wrong("cite", "pack_missing", value="cite")
        cite, evidence = sourced(cited) if cited is not None else ("", "U")
        if said := merged.settings.get("evidence"):
            evidence = said.sourced(required=False)[1] or evidence
        self.source = Sourced(cite, evidence, self._title("open"), self._title("note"))

    def _title(self, key: str) -> Title:
        item = self.merged.settings.get(key)
        return item.title(key) if item is not None else {}

    def rule(self) -> DeriveRule:
        settings = self.merged.settings
        rule = DeriveRule(source=self.source)
        if item := settings.get("method"):
            method = item.text("method", required=True)
            if method in METHODS:
                rule = replace(rule, method=method)
            elif method:
                item.wrong("method", "pack_option", value=method, known=" ".join(METHODS))
        if item := settings.get("part"):
            part = item.text("part", required=True)
            if not _is_part(part):
                item.wrong("part", "coefficients_part", value=part)
            rule = replace(rule, part=part)
        for key in BY_KEY:
            if item := settings.get(key):
                rule = self._choose(rule, key, item)
        rows = tuple(self._row(item) for item in self._unique("row"))
        steps = tuple(self._step(item) for item in self._unique("step"))
        limits = tuple(self._limit(item) for item in self.merged.lists.get("limit", ()))
        if rule.method in ("table", "steps") and not rows:
            self.table.wrong("row", "pack_missing", value="[[coefficients.row]]")
        if rule.method == "steps" and not steps:
            self.table.wrong("step", "pack_missing", value="[[coefficients.step]]")
        return replace(rule, rows=rows, steps=steps, limits=limits)

    @staticmethod
    def _choose(rule: DeriveRule, key: str, item: Item) -> DeriveRule:
        choice, value = BY_KEY[key], item.data[key]
        several = isinstance(value, list)
        texts = cast("list[object]", value) if several else [value]
        try:
            if several != (choice.kind == "weights") or any(isinstance(one, bool) for one in texts):
                raise ValueError(key)
            text = " ".join(plain(one) if isinstance(one, Fraction) else str(one) for one in texts)
            return replace(rule, **{key: _value(choice, text)})
        except ValueError:
            known = scoring.wanted_of(choice) if choice.key != "places" else f"0..{_MOST_PLACES}"
            item.wrong(key, "coefficients_value", value=plainly(value), key=key, wanted=known)
            return rule

    def _unique(self, key: str) -> list[Item]:
        kept: dict[str, Item] = {}
        for item in self.merged.lists.get(key, ()):
            if item.id in kept:
                item.wrong("id", "pack_twice", value=item.id)
            else:
                kept[item.id] = item
        return list(kept.values())

    def _sources(self, item: Item) -> Sourced:
        if "cite" in item.data:
            cite, evidence = self.sourced(item)
        else:
            cite, evidence = self.source.cite, item.sourced(required=False)[1] or self.source.evidence
        return Sourced(cite, evidence, item.title("open"), item.title("note"))

    def _row(self, item: Item) -> Row:
        item.only(ROW_KEYS)
        return Row(
            item.name(), item.title("title", required=True), self._amount(item, "value"),
            self._whole(item, "levels", LEVELS), self._whole(item, "grades", GRADES), self._words(item),
            self._sources(item),
        )  # fmt: skip

    def _step(self, item: Item) -> Step:
        item.only(STEP_KEYS)
        measure = self._word(item, "measure", MEASURES, required=True)
        every = self._amount(item, "every")
        if every == 0 and "every" in item.data:
            item.wrong("every", "coefficients_value", value="0", key="every", wanted="> 0")
        ages = self._age(item, "from_age", 0), self._age(item, "to_age", _MOST_AGE)
        if measure == "age_share" and not {"from_age", "to_age"} & set(item.data):
            item.wrong("from_age", "pack_missing", value="from_age")
        if ages[0] > ages[1]:
            item.wrong("to_age", "coefficients_value", value=str(ages[1]), key="to_age", wanted=f"{ages[0]}..{_MOST_AGE}")
        return Step(
            item.name(), item.title("title", required=True), measure, every or Fraction(1), self._amount(item, "add"),
            self._amount(item, "first", required=False), self._caps(item), self._whole(item, "levels", LEVELS) or LEVELS,
            self._word(item, "against", BY_KEY["against"].options), self._word(item, "excess", BY_KEY["excess"].options),
            ages, self._sources(item),
        )  # fmt: skip

    def _limit(self, item: Item) -> Limit:
        item.only(LIMIT_KEYS)
        part = item.text("part", required=True)
        if part and part not in ("bonus", "deduction", "k") and not _is_part(part):
            item.wrong("part", "coefficients_part", value=part)
        least, most = (self._optional(item, key) for key in ("min", "max"))
        if least is None and most is None:
            item.wrong("min", "pack_missing", value="min, max")
        if least is not None and most is not None and least > most:
            item.wrong("max", "coefficients_value", value=plain(most), key="max", wanted=f">= {plain(least)}")
        outside = self._word(item, "outside", ("refuse", "mark")) or "refuse"
        return Limit(part, least, most, "mark" if outside == "mark" else "refuse", self._sources(item))

    # values

    @staticmethod
    def _word(item: Item, key: str, options: Sequence[str], *, required: bool = False) -> str:
        text = item.text(key, required=required)
        if text and text not in options:
            item.wrong(key, "pack_option", value=text, known=" ".join(options))
            return ""
        return text

    @staticmethod
    def _optional(item: Item, key: str) -> Fraction | None:
        value = item.number(key)
        if value is not None and (value < 0 or (value * 10**_MOST_PLACES).denominator != 1 or value >= 1000):
            item.wrong(key, "coefficients_value", value=plain(value), key=key, wanted="0..1000")
            return None
        return value

    def _amount(self, item: Item, key: str, *, required: bool = True) -> Fraction:
        if key not in item.data:
            if required:
                item.wrong(key, "pack_missing", value=key)
            return Fraction(0)
        return self._optional(item, key) or Fraction(0)

    @staticmethod
    def _whole(item: Item, key: str, allowed: Sequence[int]) -> tuple[int, ...]:
        value: object = item.data.get(key, [])
        listed = cast("list[object]", value) if isinstance(value, list) else [value]
        wrong = [one for one in listed if type(one) is not int or one not in allowed]
        if not isinstance(value, list) or wrong or len(set(map(str, listed))) != len(listed):
            item.wrong(key, "coefficients_value", value=plainly(value), key=key, wanted=f"[{allowed[0]}..{allowed[-1]}]")
            return ()
        return tuple(cast("list[int]", listed))

    @staticmethod
    def _words(item: Item) -> tuple[str, ...]:
        value: object = item.data.get("words", [])
        listed = cast("list[object]", value) if isinstance(value, list) else []
        if not isinstance(value, list) or not all(isinstance(one, str) and one.strip() for one in listed):
            item.wrong("words", "pack_type", value=plainly(value), wanted='["..."]', key="words")
            return ()
        return tuple(str(one) for one in listed)

    @staticmethod
    def _age(item: Item, key: str, default: int) -> int:
        value = item.data.get(key, default)
        if type(value) is not int or not 0 <= value <= _MOST_AGE:
            item.wrong(key, "coefficients_value", value=plainly(value), key=key, wanted=f"0..{_MOST_AGE}")
            return default
        return value

    def _caps(self, item: Item) -> dict[int, Fraction]:
        value: object = item.data.get("caps")
        if value is None:
            item.wrong("caps", "pack_missing", value="caps")
            return {}
        if not isinstance(value, dict):
            item.wrong("caps", "pack_type", value=plainly(value), wanted="{ 3 = 0.13 }", key="caps")
            return {}
        inner = Item(item.source, (*item.path, "caps"), cast("dict[str, Any]", value))
        inner.only(frozenset(map(str, LEVELS)))
        return {level: self._amount(inner, str(level)) for level in LEVELS if str(level) in inner.data}


def _is_part(part: str) -> bool:
    kind, colon, name = part.partition(":")
    return part == "base" or (kind in ("bonus", "deduction") and bool(colon and name.strip()))
