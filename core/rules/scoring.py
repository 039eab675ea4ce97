"""How disease scores are made from history: a pack's `[scores]` as data, every choice a parameter.

`CHOICES` is the one list of what may be chosen: packs are read by it, commands take text by it, a screen makes its form
of it. What a document leaves open is tagged U; a pack that settles it says so in its own `[scores]`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal, cast

from core.faults import Refused, Usage
from core.money import decimal, plain
from core.rules.sheet import Title
from core.rules.source import Item, Source, plainly

if TYPE_CHECKING:
    from core.rules.circular import Pack

Method = Literal["mean", "benchmark", "quota"]
Kind = Literal["option", "flag", "count", "places", "number", "share", "yuan", "weights", "shares", "options", "text"]

PERCENTILES = ("linear", "exclusive", "lower", "higher", "midpoint", "nearest")
SUBTYPES = ("age", "icu_days", "severity", "tumour", "cci")


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing to choose: its key in `[scores]`, what it takes, and the evidence of its default.

    part: where a form shows it. options: of `option` and `options`. The words: `scores.choice.KEY`, `scores.option.KEY.OPTION`.
    """

    key: str
    kind: Kind
    part: Literal["method", "years", "cases", "groups", "primary", "auxiliary", "total"]
    evidence: str
    options: tuple[str, ...] = ()


CHOICES: tuple[Choice, ...] = (
    Choice("method", "option", "method", "V", ("mean", "benchmark", "quota")),
    Choice("benchmark", "text", "method", "V"),
    Choice("quota", "yuan", "method", "V"),
    Choice("scale", "number", "method", "V"),
    Choice("places", "places", "method", "U"),
    Choice("parts", "flag", "method", "V"),
    Choice("parts_scale", "number", "method", "V"),
    Choice("weights", "weights", "years", "V"),
    Choice("weighting", "option", "years", "U", ("means", "totals")),
    Choice("zero_years", "option", "years", "U", ("renormalise", "drop")),
    Choice("scope", "option", "cases", "V", ("all", "settled")),
    Choice("overall", "option", "cases", "V", ("all", "scored")),
    Choice("trimming", "option", "cases", "U", ("none", "percentile", "iqr")),
    Choice("percentiles", "shares", "cases", "V"),
    Choice("fence", "number", "cases", "U"),
    Choice("interpolation", "option", "cases", "U", PERCENTILES),
    Choice("trim_by", "option", "cases", "U", ("year", "group")),
    Choice("trim_least", "count", "cases", "C"),
    Choice("threshold", "option", "groups", "V", ("count", "coverage")),
    Choice("least", "count", "groups", "V"),
    Choice("coverage", "share", "groups", "V"),
    Choice("threshold_years", "option", "groups", "U", ("all", "last")),
    Choice("related_rise", "share", "groups", "V"),
    Choice("attribute", "option", "groups", "V", ("main", "highest")),
    Choice("thin", "option", "groups", "V", ("score", "keep", "drop")),
    Choice("absent", "option", "groups", "U", ("keep", "drop")),
    Choice("primary_care", "option", "primary", "V", ("list", "mark")),
    Choice("primary_cv", "number", "primary", "V"),
    Choice("primary_least", "count", "primary", "U"),
    Choice("primary_deaths", "share", "primary", "U"),
    Choice("primary_share", "share", "primary", "U"),
    Choice("auxiliary", "options", "auxiliary", "V", SUBTYPES),
    Choice("auxiliary_cv", "number", "auxiliary", "V"),
    Choice("auxiliary_fall", "share", "auxiliary", "V"),
    Choice("auxiliary_icu_fall", "share", "auxiliary", "U"),
    Choice("auxiliary_least", "count", "auxiliary", "U"),
    Choice("auxiliary_band_least", "count", "auxiliary", "U"),
    Choice("auxiliary_years", "option", "auxiliary", "V", ("last", "all")),
    Choice("auxiliary_places", "places", "auxiliary", "U"),
    Choice("keep_total", "flag", "total", "V"),
    Choice("total_years", "option", "total", "U", ("last", "all")),
)  # fmt: skip
BY_KEY: Mapping[str, Choice] = {choice.key: choice for choice in CHOICES}
_SOURCED = frozenset({"cite", "evidence", "open", "note"})


@dataclass(frozen=True)
class ScoreRule:
    """Every choice, with the national specification's examples where it has one.

    method: mean m/M, benchmark m/m(benchmark group), quota m/quota (fen); each times scale, rounded to places.
    weights: of the years, eldest first. weighting: `means` weighs the years' means, `totals` their sums and counts.
    zero_years: a group without cases in a year has its weights renormalised over the others, or drops out.
    scope: `all` inpatient cases whoever pays (全口径), or those that are `settled` by DIP.
    overall: M over `all` cases in scope, or over those that made a score (grouped, not trimmed).
    trimming by group and year (trim_by `year`) or by group alone, from trim_least cases on; percentiles, fence: see
    `core.catalogue.spread`. parts: drug and consumable scores dm/dM, cm/cM, times parts_scale.
    threshold: groups of at least `least` cases, or the largest groups that cover `coverage` of the cases.
    thin, absent: what becomes of a group of the catalogue with fewer than `least` cases, with none.
    primary_*: candidates have at most this CV and share of deaths, at least so many cases and such a share of them at
    first-level institutions. auxiliary_*: candidates above this CV, sub-types that lower it by at least this share.
    keep_total: the sum of score x cases over the groups scored anew stays what it was, by one factor.
    """

    method: Method = "mean"
    benchmark: str = ""
    quota: int = 0
    scale: Fraction = Fraction(1000)
    places: int = 4
    parts: bool = True
    parts_scale: Fraction = Fraction(1)
    weights: tuple[Fraction, ...] = (Fraction(1), Fraction(2), Fraction(7))
    weighting: Literal["means", "totals"] = "means"
    zero_years: Literal["renormalise", "drop"] = "renormalise"
    scope: Literal["all", "settled"] = "all"
    overall: Literal["all", "scored"] = "all"
    trimming: Literal["none", "percentile", "iqr"] = "none"
    percentiles: tuple[Fraction, ...] = (Fraction(25, 1000), Fraction(975, 1000))
    fence: Fraction = Fraction(3, 2)
    interpolation: str = "linear"
    trim_by: Literal["year", "group"] = "year"
    trim_least: int = 25
    threshold: Literal["count", "coverage"] = "count"
    least: int = 15
    coverage: Fraction = Fraction(95, 100)
    threshold_years: Literal["all", "last"] = "all"
    related_rise: Fraction = Fraction(1, 10)
    attribute: Literal["main", "highest"] = "main"
    thin: Literal["score", "keep", "drop"] = "score"
    absent: Literal["keep", "drop"] = "keep"
    primary_care: Literal["list", "mark"] = "list"
    primary_cv: Fraction = Fraction(7, 10)
    primary_least: int = 15
    primary_deaths: Fraction = Fraction(1)
    primary_share: Fraction = Fraction(0)
    auxiliary: tuple[str, ...] = ("age", "icu_days")
    auxiliary_cv: Fraction = Fraction(7, 10)
    auxiliary_fall: Fraction = Fraction(1, 5)
    auxiliary_icu_fall: Fraction = Fraction(1, 5)
    auxiliary_least: int = 30
    auxiliary_band_least: int = 15
    auxiliary_years: Literal["last", "all"] = "last"
    auxiliary_places: int = 4
    keep_total: bool = False
    total_years: Literal["last", "all"] = "last"
    cite: str = ""
    evidence: str = ""
    open: Title = field(default_factory=dict[str, str])

    def text(self, key: str) -> str:
        """A choice as it is written: what `chosen` reads back."""
        return text_of(BY_KEY[key], getattr(self, key))

    def as_texts(self) -> dict[str, str]:
        """Every choice as text, for a method that can be repeated."""
        return {choice.key: self.text(choice.key) for choice in CHOICES}


def chosen(rule: ScoreRule, choices: Mapping[str, str]) -> ScoreRule:
    """The rule with choices given as text. Usage: an unknown key, or a value that is not among what may be."""
    for key, text in choices.items():
        choice = BY_KEY.get(key)
        if choice is None:
            raise Usage("parameter_unknown", name=key, pack="scores", known=", ".join(BY_KEY))
        try:
            rule = replace(rule, **{key: value_of(choice, text.strip())})
        except ValueError as error:
            raise Usage("parameter_value", name=key, value=text, known=str(error)) from None
    for key in faults(rule):
        if key == "quota":
            raise Usage("quota_missing")
        raise Usage("parameter_value", name=key, value=rule.text(key), known=wanted(key))
    return rule


def faults(rule: ScoreRule) -> list[str]:
    """Keys whose values do not go together."""
    wrong: list[str] = []
    if rule.method == "quota" and rule.quota <= 0:
        wrong.append("quota")
    if rule.scale <= 0:
        wrong.append("scale")
    if rule.parts_scale <= 0:
        wrong.append("parts_scale")
    if rule.fence > 100 or rule.fence.denominator > 100:  # limits of trimming stay exact in 64 bits
        wrong.append("fence")
    if len(rule.percentiles) != 2 or not 0 <= rule.percentiles[0] < rule.percentiles[1] <= 1:
        wrong.append("percentiles")
    return wrong


def wanted(key: str) -> str:
    """What a choice of scores takes, for the sentence that refuses another value."""
    return wanted_of(BY_KEY[key])


def wanted_of(choice: Choice) -> str:
    """What a choice takes."""
    return _WANTED.get(choice.key) or " ".join(choice.options) or _WANTED[choice.kind]


@dataclass
class Merged:
    """The `[scores]` of a chain of files, eldest first: a later file's key in the place of an earlier one's."""

    items: list[Item] = field(default_factory=list[Item])

    def add(self, source: Source, raw: object) -> None:
        if isinstance(raw, dict):
            self.items.append(Item(source, ("scores",), cast("dict[str, Any]", raw)))
        else:
            source.wrong(("scores",), "pack_type", value="scores", wanted="[scores]", key="scores")

    def data(self) -> dict[str, object]:
        return {key: value for item in self.items for key, value in item.data.items()}


def read(merged: Merged, sourced: Callable[[Item], tuple[str, str]]) -> ScoreRule | None:
    """The rule; faults become findings at their place. None: no file has `[scores]`."""
    if not merged.items:
        return None
    rule = ScoreRule()
    for item in merged.items:
        rule = _from(item, rule)
        cite, evidence = sourced(item)
        rule = replace(rule, cite=cite, evidence=evidence, open=item.title("open"))
    return rule


def rule_of(pack: Pack, choices: Mapping[str, str] | None = None) -> ScoreRule:
    """The pack's rule with choices applied. Refused("scores_missing") where the pack has none; Usage as `chosen`."""
    if pack.scores is None:
        raise Refused("scores_missing", pack=pack.id)
    return chosen(pack.scores, choices or {})


def _from(item: Item, rule: ScoreRule) -> ScoreRule:
    item.only(frozenset(BY_KEY) | _SOURCED)
    for key, value in item.data.items():
        choice = BY_KEY.get(key)
        if choice is None:
            continue
        several = isinstance(value, list)
        texts = cast("list[Any]", value) if several else [value]
        text = " ".join(_plain(one) for one in texts)
        try:
            if several != (choice.kind in ("weights", "shares", "options")):
                raise ValueError(text)
            if isinstance(value, bool) != (choice.kind == "flag"):
                raise ValueError(text)
            rule = replace(rule, **{key: value_of(choice, text)})
        except ValueError:
            item.wrong(key, "scores_value", value=plainly(value), key=key, wanted=wanted(key))
    for key in faults(rule):
        item.wrong(key, "scores_value", value=rule.text(key), key=key, wanted=wanted(key))
    return rule


def _plain(value: object) -> str:
    """A TOML value as the text that a user would type for it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return plain(value) if isinstance(value, Fraction) else str(value)


_FLAGS = {"true": True, "false": False}
_MOST = 1_000_000
_WANTED = {
    "flag": "true false", "count": "1 2 3 ...", "places": "0..12", "number": "0.7, 1000, ...", "share": "0..1",
    "yuan": "9823.24", "weights": "1 2 7", "shares": "0.025 0.975", "text": "K35.9:47.0100", "percentiles": "0.025 0.975",
    "fence": "0..100, 1.5",
}  # fmt: skip


def value_of(choice: Choice, text: str) -> object:
    """The value of a text; ValueError names what is allowed."""
    try:
        match choice.kind:
            case "option":
                if text in choice.options:
                    return text
            case "options":
                parts = tuple(text.replace(",", " ").split())
                if set(parts) <= set(choice.options) and len(set(parts)) == len(parts):
                    return tuple(one for one in choice.options if one in parts)
            case "flag":
                return _FLAGS[text]
            case "count":
                if text.isascii() and text.isdigit() and 1 <= int(text) <= _MOST:
                    return int(text)
            case "places":
                if text.isascii() and text.isdigit() and int(text) <= 12:
                    return int(text)
            case "yuan":
                value = decimal(text) * 100
                if value.denominator == 1 and value >= 0:
                    return value.numerator
            case "number":
                if 0 <= (value := decimal(text)) <= _MOST:
                    return value
            case "share":
                if 0 <= (value := decimal(text)) <= 1:
                    return value
            case "weights":
                values = tuple(decimal(one) for one in text.replace(":", " ").replace(",", " ").split())
                if values and all(0 <= one <= _MOST for one in values) and values[-1] > 0:
                    return values
            case "shares":
                values = tuple(decimal(one) for one in text.replace(",", " ").split())
                if all(0 <= one <= 1 and one.denominator <= 10_000 for one in values):
                    return values
            case "text":
                return text
    except (ValueError, KeyError):
        pass
    raise ValueError(wanted_of(choice))


def text_of(choice: Choice, value: Any) -> str:
    """A value as it is typed: what `value_of` reads back."""
    match choice.kind:
        case "flag":
            return "true" if value else "false"
        case "yuan":
            return plain(Fraction(value, 100))
        case "number" | "share":
            return plain(value)
        case "weights" | "shares":
            return " ".join(plain(one) for one in value)
        case "options":
            return " ".join(value)
        case _:
            return str(value)

