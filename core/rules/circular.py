"""A rule pack as data: documents, parameters, steps, case rule. Made by `builder`, got by `packs`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

from core.money import plain
from core.rules import formula as language
from core.rules.formula import Expr, Table, Value
from core.rules.sheet import Scope, Title
from core.rules.spelling import Phrases
from core.texts import LANGUAGES

if TYPE_CHECKING:
    from core.rules.deriving import DeriveRule
    from core.rules.grouping import GroupingRule
    from core.rules.scoring import ScoreRule

EVIDENCE = ("V", "C", "S", "D", "U")
SCOPES: tuple[Scope, ...] = ("region", "institution")
REFERENCES = ("reference_means", "level_mean", "catalogue")
# Facts that a clearing is given, by scope; a pack may take in any of them by `input = "rows"` or `"cases"`.
INPUTS: Mapping[str, frozenset[str]] = {
    "region": frozenset({
        "budget", "outside_card", "outside_manual", "outpatient", "chronic", "alliance", "reserve", "other_budget",
        "file_rows", "netted_rows", "away_rows", "not_inpatient_rows", "unregistered_rows", "unlisted_cases", "unlisted_paid",
    }),
    "institution": frozenset({
        "cases", "base_score", "score", "coefficient", "total_cost", "booked", "own_pay", "other_pay", "by_item",
        "assessment_score", "audit_deduction", "violation", "retention", "monthly_paid", "advance",
        "by_item_cases", "item_cases", "item_paid", "bed_day_cases", "bed_day_paid", "quota_cases", "quota_paid",
        "other_method_cases", "other_method_paid",
    }),
}  # fmt: skip
# Of these, what only a whole year is given: rows of its file counted by what became of them, and payment outside DIP.
OF_YEAR: Mapping[str, frozenset[str]] = {
    "region": frozenset({
        "other_budget", "file_rows", "netted_rows", "away_rows", "not_inpatient_rows", "unregistered_rows", "unlisted_cases",
        "unlisted_paid",
    }),
    "institution": frozenset({
        "by_item_cases", "item_cases", "item_paid", "bed_day_cases", "bed_day_paid", "quota_cases", "quota_paid",
        "other_method_cases", "other_method_paid",
    }),
}  # fmt: skip
# Parts of a sheet beside the chain itself: paid outside DIP, what the fund pays and keeps, the count of the file's rows.
PARTS = ("", "outside", "closing", "control")
# Chains beside the year's, in the same language: `[[month.region]]`, `[[prepay.institution]]` and so on, with the facts that
# each is given. A file that brings a step of a chapter gives all of it: the chapter of its parents is gone.
CHAPTERS: Mapping[str, Mapping[str, frozenset[str]]] = {
    "month": {
        "region": INPUTS["region"] - OF_YEAR["region"] | {"month", "month_rate"},
        "institution": INPUTS["institution"]
        - OF_YEAR["institution"]
        - {"assessment_score", "retention", "monthly_paid", "advance"},
    },
    "prepay": {
        "region": INPUTS["region"] - OF_YEAR["region"],
        "institution": frozenset({"last_booked", "last_paid", "credit"}),
    },
}
CASE_NAMES = ("rw", "k", "u", "x", "fee", "reference")
MEASURE_NAMES = ("rw", "k", "u", "fee", "score", "booked", "own_pay", "other_pay")
MAX_PLACES = 12


@dataclass(frozen=True, slots=True)
class Document:
    """What a pack rests on.

    evidence: V read in it, C seen in a tool's source, S secondary, D derived, U unverified.
    """

    key: str
    number: str
    title: str
    evidence: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Parameter:
    """What the document leaves to choose. With options it is a symbol, without it is a number, which `least` and `most` bound."""

    id: str
    title: Title
    default: str
    options: Mapping[str, Title]
    cite: str
    evidence: str
    open: Title
    note: Title
    least: Fraction | None = None
    most: Fraction | None = None

    def bounds(self, number: Fraction) -> tuple[str, str] | None:
        """Both bounds in words where the number is beyond one of them, `…` where there is none."""
        if (self.least is None or number >= self.least) and (self.most is None or number <= self.most):
            return None
        least, most = ("…" if one is None else plain(one) for one in (self.least, self.most))
        return least, most


@dataclass(frozen=True, slots=True)
class Step:
    """One figure of the sheet.

    `expr` is None for an input, which says where it comes from (`input`: cases or rows), and for an abstract
    step, whose formula a city's pack gives. places None: exact. `open`: what the document leaves open, or empty.
    """

    id: str
    scope: Scope
    title: Title
    unit: str
    formula: str
    expr: Expr | None
    input: Literal["", "cases", "rows"]
    places: int | None
    cite: str
    evidence: str
    open: Title
    note: Title
    when: str = ""
    part: str = ""  # one of PARTS


@dataclass(frozen=True, slots=True)
class Branch:
    """A way to score a case: the first whose `when` holds counts; the one without is the normal case."""

    id: str
    title: Title
    when: Expr | None
    score: Expr
    review: Expr | None
    cite: str
    evidence: str
    open: Title
    note: Title
    when_text: str = ""
    score_text: str = ""
    review_text: str = ""


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure of the single case beside its score, rounded to `places`; its sum is the institution's input of that id."""

    id: str
    title: Title
    unit: str
    expr: Expr
    places: int
    cite: str
    evidence: str
    open: Title
    note: Title
    when: str = ""
    formula: str = ""


@dataclass(frozen=True)
class CaseRule:
    """How a case is scored; what gather needs to know about cases stands here too.

    primary_care_coefficient: whether k applies to primary-care groups. disease_level_coefficient: whether the
    catalogue's coef_3..1 win over the institution's. own_pay: `all`, or `without_ownpay` (psn_ownpay taken off).
    reference: lists to take the reference mean from, first that exists. intra_province: take in patients insured
    elsewhere in the province.
    ungrouped: `zero` scores 0; `actual_fee` leaves the scores and is paid its booked amount like a by_item case;
    `block` stops the clearing.
    """

    places: int | None
    branches: tuple[Branch, ...]
    measures: tuple[Measure, ...] = ()
    primary_care_coefficient: bool = True
    disease_level_coefficient: bool = False
    ungrouped: Literal["zero", "actual_fee", "block"] = "zero"
    reference: tuple[str, ...] = REFERENCES
    reference_min_cases: int = 15
    own_pay: Literal["all", "without_ownpay"] = "all"
    intra_province: bool = False
    cite: str = ""
    evidence: str = ""
    open: Title = field(default_factory=dict[str, str])
    values: Mapping[str, Value] = field(default_factory=dict[str, Value])  # parameters and their options
    phrases: Mapping[str, Phrases] = field(default_factory=dict[str, Phrases], compare=False, repr=False)


@dataclass(frozen=True)
class Pack:
    """A resolved, checked pack with its parameters applied.

    steps: in the order of the sheet; order: the same so that each comes after what it needs. hash: of the
    resolved rule before parameters, comments and layout aside. text: the TOML of the pack and of its parents,
    which `restore` reads.
    values: every parameter's value, and every option as itself. chapters: the chains beside the year's, see `chapters`.
    """

    id: str
    title: Title
    region: str
    years: tuple[int, ...]
    funds: tuple[str, ...]
    issuer: str
    documents: tuple[Document, ...]
    parameters: Mapping[str, Parameter]
    values: Mapping[str, Value]
    changed: Mapping[str, str]
    tables: Mapping[str, Table]
    steps: tuple[Step, ...]
    order: tuple[Step, ...]
    case: CaseRule
    chapters: Mapping[str, tuple[Step, ...]]
    hash: str
    text: str
    phrases: Mapping[str, Phrases] = field(compare=False, repr=False)
    grouping: GroupingRule | None = None
    scores: ScoreRule | None = None
    coefficients: DeriveRule | None = None

    @property
    def abstract(self) -> bool:
        return any(step.expr is None and not step.input for step in self.steps)

    @property
    def symbols(self) -> Mapping[str, str]:
        return {name: value for name, value in self.values.items() if isinstance(value, str)}

    def scope(self, scope: Scope) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if step.scope == scope)

    def step(self, scope: Scope, id: str) -> Step:
        return next(step for step in self.steps if step.id == id and step.scope == scope)

    def find(self, scope: Scope, name: str) -> Step | None:
        """The step that a plain name means in a formula of `scope`: its own, else the region's."""
        both = {step.scope: step for step in self.steps if step.id == name}
        return both.get(scope) or both.get("region")

    def inputs(self, scope: Scope) -> tuple[str, ...]:
        """The facts that `steps.run` must be given."""
        return tuple(step.id for step in self.steps if step.scope == scope and step.input)

    def title_of(self, scope: Scope, name: str) -> Title:
        """What a name of a formula is called: a step, a parameter, an option."""
        step = self.find(scope, name)
        if step is not None:
            return step.title
        if name in self.parameters:
            return self.parameters[name].title
        for parameter in self.parameters.values():
            if name in parameter.options:
                return parameter.options[name]
        return dict.fromkeys(LANGUAGES, name)

    def cited(self, cite: str) -> tuple[tuple[str, str, str, str], ...]:
        """(number, title, evidence, article) of each document of a citation `KEY, article; KEY, article`."""
        by_key = {document.key: document for document in self.documents}
        found: list[tuple[str, str, str, str]] = []
        for part in cite.split(";"):
            key, _, article = part.strip().partition(",")
            document = by_key.get(key.strip())
            if document is None:
                found.append((part.strip(), "", "", ""))
            else:
                found.append((document.number, document.title, document.evidence, article.strip()))
        return tuple(found)


# The settings of [case]: each may also be declared as a parameter, with its document.
SETTINGS = frozenset({
    "primary_care_coefficient", "disease_level_coefficient", "ungrouped", "reference", "reference_min_cases",
    "own_pay", "intra_province",
})  # fmt: skip
CHOICES: Mapping[str, tuple[str, ...]] = {
    "ungrouped": ("zero", "actual_fee", "block"),
    "own_pay": ("all", "without_ownpay"),
}
_BOOLEANS = {"true": True, "false": False}


def with_setting(rule: CaseRule, key: str, text: str) -> CaseRule:
    """`rule` with one setting of [case]; ValueError naming what is allowed."""
    if key in CHOICES:
        if text not in CHOICES[key]:
            raise ValueError(" ".join(CHOICES[key]))
        return replace(rule, **{key: text})
    if key == "reference":
        lists = tuple(part.strip() for part in text.split(",") if part.strip())
        if not set(lists) <= set(REFERENCES) or len(set(lists)) != len(lists):
            raise ValueError(" ".join(REFERENCES))
        return replace(rule, reference=lists)
    if key == "reference_min_cases":
        if not text.isascii() or not text.isdigit() or len(text) > 9:
            raise ValueError("1 2 3 ...")
        return replace(rule, reference_min_cases=int(text))
    if text not in _BOOLEANS:
        raise ValueError("true false")
    return replace(rule, **{key: _BOOLEANS[text]})


def needs_reference(expr: Expr) -> bool:
    """Whether a case formula asks for x or the reference mean."""
    return any(name in ("x", "reference") for name in language.names(expr))
