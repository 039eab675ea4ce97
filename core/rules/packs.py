"""Rule packs: a circular as data. Reads TOML, resolves `extends`, checks with places, applies parameters.

Parameters that `load(source, parameters)` takes, all as text:

    NAME                  a parameter that the pack declares: one of its options, or a plain decimal
    STEP.places           decimals of a step or of a measure, 0..12, or `none` for not rounded
    case.places           decimals of the case score, or `none`
    own_pay, ungrouped, reference, reference_min_cases, primary_care_coefficient, disease_level_coefficient,
    intra_province        the settings of [case]; yes/no ones take `true` or `false`, `reference` a comma list

The only room of `core/rules` that opens files.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, cast

from core.faults import Refused, Usage, WorldFault
from core.findings import Finding
from core.money import decimal
from core.rules import formula as language
from core.rules.formula import Expr, FormulaError, Phrases, Row, Sort, Table, Value
from core.rules.sheet import Scope, Title
from core.settings import RESOURCES
from core.texts import LANGUAGES, Texts, catalogue

PACKS = RESOURCES / "packs"
EVIDENCE = ("V", "C", "S", "D", "U")
SCOPES: tuple[Scope, ...] = ("region", "institution")
REFERENCES = ("reference_means", "level_mean", "catalogue")
# Facts that a clearing is given, by scope; a pack may take in any of them by `input = "rows"` or `"cases"`.
INPUTS: Mapping[str, frozenset[str]] = {
    "region": frozenset({
        "budget", "outside_card", "outside_manual", "outpatient", "chronic", "alliance", "reserve",
    }),
    "institution": frozenset({
        "cases", "base_score", "score", "coefficient", "total_cost", "booked", "own_pay", "other_pay", "by_item",
        "assessment_score", "audit_deduction", "violation", "retention", "monthly_paid", "advance",
    }),
}  # fmt: skip
CASE_NAMES = ("rw", "k", "u", "x", "fee", "reference")
MEASURE_NAMES = ("rw", "k", "u", "fee", "score", "booked", "own_pay", "other_pay")
RESERVED_TABLES = frozenset({"grouping", "scores", "coefficients", "month"})  # other rooms' parts of a pack
MAX_PLACES = 12
_MAX_BYTES = 1_000_000
_MAX_ITEMS = 400
_ID = re.compile(r"[a-z][a-z0-9_]{0,39}")
_PACK_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")


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
    """What the document leaves to choose. With options it is a symbol, without it is a number."""

    id: str
    title: Title
    default: str
    options: Mapping[str, Title]
    cite: str
    evidence: str
    open: Title
    note: Title


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


@dataclass(frozen=True, slots=True)
class PackHead:
    id: str
    title: Title
    region: str
    years: tuple[int, ...]
    abstract: bool
    path: Path


@dataclass(frozen=True)
class Pack:
    """A resolved, checked pack with its parameters applied.

    steps: in the order of the sheet; order: the same so that each comes after what it needs. hash: of the
    resolved rule before parameters, comments and layout aside. text: the TOML of the pack and of its parents,
    which `restore` reads.
    values: every parameter's value, and every option as itself.
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
    reserved: Mapping[str, object]
    hash: str
    text: str
    phrases: Mapping[str, Phrases] = field(compare=False, repr=False)

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


# --- TOML with places ---


class _NotDecimal(str):
    """A float of the file that is no plain decimal (1e5, inf, 1_0.5): kept as its text and reported."""


def _exact(text: str) -> object:
    try:
        return decimal(text)
    except ValueError:
        return _NotDecimal(text)


Path_ = tuple[str | int, ...]
_HEADER = re.compile(r"\s*(\[\[?)\s*([A-Za-z0-9_.\-\s]+?)\s*\]\]?\s*(#.*)?$")
_KEY = re.compile(r"\s*([A-Za-z0-9_\-]+)((?:\s*\.\s*[A-Za-z0-9_\-]+)*)\s*=\s*")


def _places(text: str) -> dict[Path_, tuple[int, int]]:
    """Line and column (from 1) of every table and of every key's value, by the path that tomllib gives it."""
    places: dict[Path_, tuple[int, int]] = {}
    counts: dict[Path_, int] = {}
    base: Path_ = ()
    inside = ""  # the closing quotes of a multi-line string
    brackets = 0
    for number, line in enumerate(text.splitlines(), start=1):
        if inside:
            if inside in line:
                inside = ""
            continue
        if brackets > 0:
            brackets += _open_brackets(line)
            continue
        if header := _HEADER.match(line):
            base = _header_path(
                tuple(part.strip() for part in header[2].split(".")), header[1] == "[[", counts
            )
            places[base] = (number, header.start(1) + 1)
        elif key := _KEY.match(line):
            path = (*base, key[1], *(part.strip() for part in key[2].split(".") if part.strip()))
            places[path] = (number, key.end() + 1)
            rest = line[key.end() :]
            for quotes in ('"""', "'''"):
                if rest.startswith(quotes) and quotes not in rest[3:]:
                    inside = quotes
            if not inside:
                brackets = max(0, _open_brackets(rest))
    return places


def _header_path(parts: tuple[str, ...], repeated: bool, counts: dict[Path_, int]) -> Path_:
    path: Path_ = ()
    for i, part in enumerate(parts):
        path = (*path, part)
        last = i == len(parts) - 1
        if last and repeated:
            counts[path] = counts.get(path, -1) + 1
            for longer in [
                known for known in counts if len(known) > len(path) and known[: len(path)] == path
            ]:
                if longer[len(path)] == counts[path]:
                    del counts[longer]
        if path in counts:
            path = (*path, counts[path])
    return path


def _open_brackets(line: str) -> int:
    bare = re.sub(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'|#.*$', "", line)
    return sum(bare.count(sign) for sign in "[{") - sum(bare.count(sign) for sign in "]}")


class _Source:
    """One TOML file: its data, and where each key stands."""

    def __init__(self, name: str, text: str, findings: list[Finding]) -> None:
        self.name = name
        self.text = text
        self._places = _places(text)
        self._findings = findings
        self.data: dict[str, Any] = {}
        try:
            self.data = tomllib.loads(text, parse_float=_exact)
        except tomllib.TOMLDecodeError as error:
            found = re.search(r"at line (\d+), column (\d+)", str(error))
            line, column = (int(found[1]), found[2]) if found else (len(text.splitlines()) or 1, "1")
            self._add("pack_toml", line, column, "", "", {"reason": str(error)})
        except (RecursionError, ValueError):
            self._add("pack_toml", 1, "1", "", "", {"reason": "nesting"})

    def _add(
        self,
        code: str,
        line: int,
        column: str,
        value: str,
        subject: str,
        values: Mapping[str, str],
        severity: Literal["blocked", "warning"] = "blocked",
    ) -> None:
        self._findings.append(Finding(
            code, severity, file=self.name, row=line, column=column, value=value[:200], subject=subject, values=dict(values),
        ))  # fmt: skip

    def wrong(
        self,
        path: Path_,
        code: str,
        /,
        *,
        subject: str = "",
        value: object = "",
        at: int | None = None,
        warn: bool = False,
        **values: str,
    ) -> None:
        """A finding at the place of `path`, or of the nearest table around it; `at`: offset in the text there."""
        near = path
        while near and near not in self._places:
            near = near[:-1]
        line, column = self._places.get(near, (1, 1))
        if at is not None and near == path:
            start = self.text.splitlines()[line - 1][column - 1 :]
            quotes = 3 if start.startswith(('"""', "'''")) else 1
            if quotes == 1:
                column += quotes + at
        self._add(code, line, str(column), str(value), subject, values, "warning" if warn else "blocked")


# --- reading one file strictly ---

_SOURCED = frozenset({"cite", "evidence", "open", "note"})
_STEP_KEYS = _SOURCED | {"id", "title", "unit", "formula", "input", "places", "when", "abstract"}
_BRANCH_KEYS = _SOURCED | {"name", "title", "when", "score", "review"}
_MEASURE_KEYS = _SOURCED | {"id", "title", "unit", "formula", "places", "when"}
_TABLE_KEYS = _SOURCED | {"id", "title", "closed", "otherwise", "row"}
_ROW_KEYS = frozenset({"from", "to", "closed", "value"})
_PARAMETER_KEYS = _SOURCED | {"id", "title", "default", "options"}
_DOCUMENT_KEYS = frozenset({"key", "number", "title", "evidence", "url", "date", "note"})
_PACK_KEYS = frozenset({"id", "extends", "title", "region", "years", "funds", "issuer", "note"})
# The settings of [case]: each may also be declared as a parameter, with its document.
_SETTINGS = frozenset({
    "primary_care_coefficient", "disease_level_coefficient", "ungrouped", "reference", "reference_min_cases",
    "own_pay", "intra_province",
})  # fmt: skip
_CASE_KEYS = _SOURCED | _SETTINGS | {"places", "branch", "measure"}
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "ungrouped": ("zero", "actual_fee", "block"),
    "own_pay": ("all", "without_ownpay"),
}
_UNITS = ("yuan", "points", "yuan/point", "days", "cases", "percent", "ratio", "coefficient", "")


@dataclass(frozen=True)
class _Item:
    """A table of a file with its place: what the reading functions look at."""

    source: _Source
    path: Path_
    data: Mapping[str, Any]

    @property
    def id(self) -> str:
        for key in ("id", "name", "key"):
            value = self.data.get(key)
            if isinstance(value, str):
                return value
        return ""

    def wrong(self, key: str, code: str, /, **values: Any) -> None:
        self.source.wrong((*self.path, key) if key else self.path, code, subject=self.id, **values)

    def only(self, known: frozenset[str]) -> None:
        for key in self.data:
            if key not in known:
                self.wrong(key, "pack_key", value=key, known=" ".join(sorted(known)))

    def text(self, key: str, *, required: bool = False) -> str:
        value = self.data.get(key)
        if value is None or value == "":
            if required:
                self.wrong(key, "pack_missing", value=key)
            return ""
        if not isinstance(value, str) or isinstance(value, _NotDecimal):
            self.wrong(key, "pack_type", value=_plainly(value), wanted="text", key=key)
            return ""
        return value

    def title(self, key: str, *, required: bool = False) -> Title:
        """Words in every language; a plain text (of `open`, say) stands for all of them unless `required`."""
        value = self.data.get(key)
        if value is None:
            if required:
                self.wrong(key, "pack_missing", value=key)
            return {}
        if isinstance(value, str) and not required:
            return dict.fromkeys(LANGUAGES, value) if value else {}
        if not isinstance(value, dict):
            self.wrong(key, "pack_title", value=_plainly(value), key=key)
            return {}
        words = cast("dict[str, Any]", value)
        for lang in LANGUAGES:
            if not isinstance(words.get(lang), str) or not words[lang].strip():
                self.wrong(key, "pack_language", value=key, lang=lang, key=key)
                return {}
        for lang in words:
            if lang not in LANGUAGES:
                self.wrong(key, "pack_key", value=lang, known=" ".join(LANGUAGES))
        return {lang: str(words[lang]) for lang in LANGUAGES}

    def flag(self, key: str, default: bool = False) -> bool:
        value = self.data.get(key, default)
        if not isinstance(value, bool):
            self.wrong(key, "pack_type", value=_plainly(value), wanted="true / false", key=key)
            return default
        return value

    def digits(self, key: str = "places", *, required: bool = False) -> int | None:
        value = self.data.get(key)
        if value is None or value == "none":
            if required:
                self.wrong(key, "pack_missing", value=key)
                return 0
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_PLACES:
            self.wrong(key, "pack_places", value=_plainly(value), limit=str(MAX_PLACES))
            return None
        return value

    def number(self, key: str) -> Fraction | None:
        value = self.data.get(key)
        if value is None or value == "":
            return None
        try:
            return _number(value)
        except ValueError:
            self.wrong(key, "pack_number", value=_plainly(value), key=key)
            return None

    def formula(self, key: str, *, required: bool = False) -> Expr | None:
        """A formula, or a number as the simplest one."""
        value = self.data.get(key)
        if value is None:
            if required:
                self.wrong(key, "pack_missing", value=key)
            return None
        if isinstance(value, str) and not isinstance(value, _NotDecimal):
            try:
                return language.parse(value)
            except FormulaError as error:
                self.unfit(key, error)
                return None
        try:
            constant = _number(value)
        except ValueError:
            self.wrong(key, "pack_number", value=_plainly(value), key=key)
            return None
        return language.Num(constant) if constant >= 0 else language.Neg(language.Num(-constant))

    def unfit(self, key: str, error: FormulaError) -> None:
        text = self.data.get(key)
        self.wrong(
            key, f"formula_{error.code}", at=error.at, value=text, place=str(error.at + 1), **error.values
        )

    def sourced(self, *, required: bool = True) -> tuple[str, str]:
        """cite and evidence; the evidence may be left to the document."""
        cite = self.text("cite", required=required)
        evidence = self.text("evidence")
        if evidence and evidence not in EVIDENCE:
            self.wrong("evidence", "pack_evidence", value=evidence, known=" ".join(EVIDENCE))
        return cite, evidence

    def name(self) -> str:
        id = self.text("id", required=True)
        if id and (not _ID.fullmatch(id) or id in language.RESERVED):
            self.wrong("id", "pack_id", value=id)
        return id


def _number(value: object) -> Fraction:
    """An exact decimal of a TOML value; ValueError for anything else."""
    if isinstance(value, Fraction):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return Fraction(value)
    if isinstance(value, str) and not isinstance(value, _NotDecimal):
        return decimal(value)
    raise ValueError(value)


def _shown(item: _Item, key: str) -> str:
    """A formula as it was typed."""
    value = item.data.get(key, "")
    return value if isinstance(value, str) else _plainly(value)


def _plainly(value: object) -> str:
    return (
        str(value)
        if not isinstance(value, dict | list)
        else json.dumps(value, default=str, ensure_ascii=False)[:80]
    )


def _items(source: _Source, within: Mapping[str, Any], base: Path_, key: str) -> Iterator[_Item]:
    """The tables of `[[key]]`."""
    found = within.get(key, [])
    if (
        not isinstance(found, list)
        or len(found) > _MAX_ITEMS
        or not all(isinstance(one, dict) for one in found)
    ):
        source.wrong((*base, key), "pack_type", value=key, wanted=f"[[{key}]]", key=key)
        return
    for i, data in enumerate(cast("list[dict[str, Any]]", found)):
        yield _Item(source, (*base, key, i), data)


# --- resolving the chain of packs ---


@dataclass
class _Merged:
    """The items of a chain of files, a later file's item in the place of an earlier one of the same id."""

    documents: dict[str, _Item] = field(default_factory=dict[str, _Item])
    parameters: dict[str, _Item] = field(default_factory=dict[str, _Item])
    tables: dict[str, _Item] = field(default_factory=dict[str, _Item])
    steps: dict[tuple[Scope, str], _Item] = field(default_factory=dict[tuple[Scope, str], _Item])
    new: list[tuple[Scope, str]] = field(default_factory=list[tuple[Scope, str]])
    settings: dict[str, _Item] = field(default_factory=dict[str, _Item])
    branches: dict[str, _Item] = field(default_factory=dict[str, _Item])
    measures: dict[str, _Item] = field(default_factory=dict[str, _Item])
    reserved: dict[str, object] = field(default_factory=dict[str, object])


def _gathered(items: Iterator[_Item], key: str, into: dict[str, _Item]) -> None:
    seen: set[str] = set()
    for item in items:
        if not item.id:
            item.wrong(key, "pack_missing", value=key)
        elif item.id in seen:
            item.wrong(key, "pack_twice", value=item.id)
        else:
            seen.add(item.id)
            into[item.id] = item


def _merge(sources: Sequence[_Source]) -> _Merged:
    merged = _Merged()
    for depth, source in enumerate(sources):
        data = source.data
        known = {"pack", "document", "parameter", "table", "case", *SCOPES}
        for key in data:
            if key in RESERVED_TABLES:
                merged.reserved[key] = data[key]
            elif key not in known:
                source.wrong((key,), "pack_key", value=key, known=" ".join(sorted(known | RESERVED_TABLES)))
        _gathered(_items(source, data, (), "document"), "key", merged.documents)
        _gathered(_items(source, data, (), "parameter"), "id", merged.parameters)
        _gathered(_items(source, data, (), "table"), "id", merged.tables)
        for scope in SCOPES:
            steps: dict[str, _Item] = {}
            _gathered(_items(source, data, (), scope), "id", steps)
            for id, item in steps.items():
                if depth and (scope, id) not in merged.steps:
                    merged.new.append((scope, id))
                merged.steps[scope, id] = item
        case = data.get("case", {})
        if not isinstance(case, dict):
            source.wrong(("case",), "pack_type", value="case", wanted="[case]", key="case")
            continue
        settings = _Item(source, ("case",), cast("dict[str, Any]", case))
        settings.only(_CASE_KEYS)
        for key in settings.data:
            if key in _CASE_KEYS - {"branch", "measure"}:
                merged.settings[key] = settings
        if "branch" in settings.data:  # a list of branches is one rule: replaced whole
            merged.branches = {}
            _gathered(_items(source, settings.data, ("case",), "branch"), "name", merged.branches)
        _gathered(_items(source, settings.data, ("case",), "measure"), "id", merged.measures)
    return merged


def _read(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise WorldFault("pack_unreadable", path=str(path), reason=error.strerror or str(error)) from error
    if len(raw) > _MAX_BYTES:
        raise Refused(
            "pack_invalid", [Finding("pack_size", "blocked", file=str(path))], pack=str(path), count=1
        )
    try:
        return raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        finding = Finding("pack_encoding", "blocked", file=str(path), row=line)
        raise Refused("pack_invalid", [finding], pack=str(path), count=1) from error


def _shipped() -> dict[str, Path]:
    return {path.stem: path for path in sorted(PACKS.glob("*.toml"))}


def _chain(path: Path, findings: list[Finding]) -> list[_Source]:
    """The pack's file behind its parents, eldest first. A parent is a shipped pack, else a file beside the pack's own."""
    sources: list[_Source] = []
    seen: set[Path] = set()
    current: Path | None = path
    while current is not None:
        source = _Source(str(current) if current.parent != PACKS else current.name, _read(current), findings)
        sources.insert(0, source)
        seen.add(current.resolve())
        parent = _parent(source)
        if not parent:
            break
        beside = current.parent / f"{parent}.toml"
        current = _shipped().get(parent) or (beside if beside.exists() else None)
        if current is None:
            source.wrong(("pack", "extends"), "pack_parent", value=parent, known=" ".join(_shipped()))
        elif current.resolve() in seen:
            source.wrong(("pack", "extends"), "pack_circle", value=parent)
            break
    return sources


def _parent(source: _Source) -> str:
    head = source.data.get("pack", {})
    parent = cast("dict[str, Any]", head).get("extends", "") if isinstance(head, dict) else ""
    if parent and (not isinstance(parent, str) or not _PACK_ID.fullmatch(parent)):
        source.wrong(("pack", "extends"), "pack_parent", value=_plainly(parent), known=" ".join(_shipped()))
        return ""
    return str(parent)


# --- building ---


class _Builder:
    """Turns merged items into a Pack; whatever is wrong becomes a finding, and then there is no pack."""

    def __init__(self, sources: Sequence[_Source], findings: list[Finding]) -> None:
        self.findings = findings
        self.sources = sources
        self.merged = _merge(sources)
        self.documents = self._documents()
        self.parameters = {id: self._parameter(item) for id, item in self.merged.parameters.items()}
        self.tables = {id: self._table(item) for id, item in self.merged.tables.items()}
        self.measures = {id: self._measure(item) for id, item in self.merged.measures.items()}
        self.steps = {key: self._step(key[0], item) for key, item in self.merged.steps.items()}
        self.branches = tuple(self._branch(item) for item in self.merged.branches.values())
        # A parameter that documents a setting of [case] takes no part in formulas.
        chosen = {id: one for id, one in self.parameters.items() if id not in _SETTINGS}
        self.numbers = [id for id, one in chosen.items() if not one.options]
        self.options = {option for one in chosen.values() for option in one.options}
        symbols = [*self.options, *(id for id, one in chosen.items() if one.options)]
        self.sorts: dict[str, Sort] = dict.fromkeys(symbols, "symbol")

    # reading

    def _documents(self) -> dict[str, Document]:
        documents: dict[str, Document] = {}
        for key, item in self.merged.documents.items():
            item.only(_DOCUMENT_KEYS)
            evidence = item.text("evidence", required=True)
            if evidence and evidence not in EVIDENCE:
                item.wrong("evidence", "pack_evidence", value=evidence, known=" ".join(EVIDENCE))
            documents[key] = Document(
                key, item.text("number", required=True), item.text("title"), evidence, item.text("url")
            )
        return documents

    def _sourced(self, item: _Item) -> tuple[str, str]:
        """cite and evidence of an item; a branch without citation has that of [case]."""
        case = self.merged.settings.get("cite") if item.path[:2] == ("case", "branch") else None
        cite, evidence = item.sourced(required=case is None)
        if not cite and case is not None:
            return self._sourced(case)
        for part in filter(None, cite.split(";")):
            document = self.documents.get(part.partition(",")[0].strip())
            if document is None:
                item.wrong(
                    "cite",
                    "pack_document",
                    value=part.partition(",")[0].strip(),
                    known=" ".join(self.documents),
                    warn=True,
                )
            elif not evidence:
                evidence = document.evidence
        return cite, evidence or "U"

    def _parameter(self, item: _Item) -> Parameter:
        item.only(_PARAMETER_KEYS)
        id = item.name()
        cite, evidence = self._sourced(item)
        options: dict[str, Title] = {}
        raw = item.data.get("options", {})
        if isinstance(raw, list):
            options = {
                str(option): {lang: str(option) for lang in LANGUAGES} for option in cast("list[Any]", raw)
            }
        elif isinstance(raw, dict):
            inner = _Item(item.source, (*item.path, "options"), cast("dict[str, Any]", raw))
            options = {option: inner.title(option, required=True) for option in inner.data}
        for option in options:
            if not _ID.fullmatch(option) or option in language.RESERVED:
                item.wrong("options", "pack_id", value=option)
        default = item.data.get("default")
        text = "" if default is None else _plainly(default)
        if options and text not in options:
            item.wrong("default", "pack_option", value=text, known=" ".join(options))
        if not options:
            number = item.number("default")
            if number is None and default is None:
                item.wrong("default", "pack_missing", value="default")
            elif number is not None:
                text = language.plain(number)
        return Parameter(
            id,
            item.title("title", required=True),
            text,
            options,
            cite,
            evidence,
            item.title("open"),
            item.title("note"),
        )

    def _table(self, item: _Item) -> Table:
        item.only(_TABLE_KEYS)
        id = item.name()
        cite, evidence = self._sourced(item)
        closed = item.flag("closed")
        rows: list[Row] = []
        previous: Row | None = None
        for data in _items(item.source, item.data, item.path, "row"):
            data.only(_ROW_KEYS)
            value = data.formula("value", required=True)
            row = Row(
                data.number("from"),
                data.number("to"),
                data.flag("closed", closed),
                value or _ZERO,
                _shown(data, "value"),
            )
            start, end = row.start, row.end
            if start is not None and end is not None and (end < start or (end == start and not row.closed)):
                data.wrong("to", "table_backwards", table=id)
            if previous is not None:
                edge = previous.end
                if edge is None or start is None or start < edge:
                    data.wrong("from", "table_overlap", table=id)
                elif start > edge:
                    data.wrong(
                        "from", "table_gap", table=id, start=language.plain(edge), end=language.plain(start)
                    )
            previous = row
            rows.append(row)
        if len(rows) > 40:
            item.wrong("", "table_long", value=id, limit="40")
        otherwise = item.formula("otherwise", required=not rows)
        return Table(
            id, item.title("title", required=True), tuple(rows), otherwise, cite, evidence,
            item.title("open"), item.title("note"),
        )  # fmt: skip

    def _measure(self, item: _Item) -> Measure:
        item.only(_MEASURE_KEYS)
        id = item.name()
        cite, evidence = self._sourced(item)
        return Measure(
            id, item.title("title", required=True), self._unit(item), item.formula("formula", required=True) or _ZERO,
            item.digits(required=True) or 0, cite, evidence, item.title("open"), item.title("note"), item.text("when"),
            _shown(item, "formula"),
        )  # fmt: skip

    def _step(self, scope: Scope, item: _Item) -> Step:
        item.only(_STEP_KEYS)
        id = item.name()
        cite, evidence = self._sourced(item)
        origin = item.text("input")
        if origin not in ("", "cases", "rows"):
            item.wrong("input", "pack_option", value=origin, known="cases rows")
            origin = "rows"
        expr = item.formula("formula")
        abstract = item.flag("abstract")
        if ("formula" in item.data) + bool(origin) + abstract != 1:
            item.wrong("formula", "step_origin", value=id)
        if origin and id not in INPUTS[scope] and not (scope == "institution" and id in self.measures):
            item.wrong("id", "step_input", value=id, known=" ".join(sorted(INPUTS[scope])))
        return Step(
            id, scope, item.title("title", required=True), self._unit(item),
            _shown(item, "formula"), expr, origin, item.digits(), cite, evidence,
            item.title("open"), item.title("note"), item.text("when"),
        )  # fmt: skip

    def _branch(self, item: _Item) -> Branch:
        item.only(_BRANCH_KEYS)
        cite, evidence = self._sourced(item)
        review = item.data.get("review")
        always = language.parse("1 == 1")
        return Branch(
            item.id, item.title("title") or dict.fromkeys(LANGUAGES, item.id), item.formula("when"),
            item.formula("score", required=True) or _ZERO,
            (always if review else None) if isinstance(review, bool) else item.formula("review"),
            cite, evidence, item.title("open"), item.title("note"), _shown(item, "when"), _shown(item, "score"),
        )  # fmt: skip

    @staticmethod
    def _unit(item: _Item) -> str:
        unit = item.text("unit")
        if unit not in _UNITS:
            item.wrong("unit", "pack_option", value=unit, known=" ".join(_UNITS))
        return unit

    # checking

    def check(self) -> None:
        self._check_names()
        for (scope, _), step in self.steps.items():
            item = self.merged.steps[step.scope, step.id]
            self._check_when(item)
            if step.expr is not None:
                self._check_formula(item, "formula", step.expr, scope, "number")
        for branch in self.branches:
            item = self.merged.branches[branch.id]
            self._check_case(item, "score", branch.score, CASE_NAMES, "number")
            for key, expr in (("when", branch.when), ("review", branch.review)):
                if expr is not None:
                    self._check_case(item, key, expr, CASE_NAMES, "truth")
            for key, expr in (("score", branch.score), ("review", branch.review)):
                if (
                    expr is not None
                    and needs_reference(expr)
                    and (branch.when is None or not needs_reference(branch.when))
                ):
                    item.wrong(key, "branch_reference", value=branch.id)
        normal = [branch.when is None for branch in self.branches]
        if self.branches and (not normal[-1] or sum(normal) != 1):
            self.merged.branches[self.branches[-1].id].wrong(
                "when", "branch_normal", value=self.branches[-1].id
            )
        if not self.branches:
            self.sources[-1].wrong(("case",), "pack_missing", value="case.branch")
        for measure in self.measures.values():
            item = self.merged.measures[measure.id]
            self._check_when(item)
            self._check_case(item, "formula", measure.expr, MEASURE_NAMES, "number")
        if not any(finding.severity == "blocked" for finding in self.findings):
            self._check_circles()

    def _check_names(self) -> None:
        taken: dict[str, str] = {}
        for id in CASE_NAMES:
            taken[id] = "case"
        for _, id in self.steps:
            taken[id] = "step"
        for id, item in self.merged.parameters.items():
            # own_pay and the like name a setting of [case] as well as a step: they never stand in a formula.
            if taken.get(id) and id not in _SETTINGS:
                item.wrong("id", "name_taken", value=id)
            for option in self.parameters[id].options if id not in _SETTINGS else ():
                if option in taken or option in self.merged.parameters:
                    item.wrong("options", "name_taken", value=option)

    def _check_when(self, item: _Item) -> None:
        text = item.text("when")
        if not text:
            return
        expr = item.formula("when")
        if expr is None:
            return
        try:
            if language.sort_of(expr, self.sorts) != "truth":
                raise FormulaError("sort", 0, wanted="truth", found="number")
            for node in language.walk(expr):
                if not isinstance(node, language.Name | language.Compare | language.Logic | language.Not):
                    raise FormulaError("scope", node.at, name="", scope="when")
                if isinstance(node, language.Name) and node.id not in self.sorts:
                    raise FormulaError("name", node.at, name=node.id, known=" ".join(self.sorts))
        except FormulaError as error:
            item.unfit("when", error)

    def _check_formula(self, item: _Item, key: str, expr: Expr, scope: Scope, sort: Sort) -> None:
        try:
            self._fits(expr, scope, sort, inside_table=False)
            if (
                any(isinstance(node, language.Share) for node in language.walk(expr))
                and item.digits() is None
            ):
                raise FormulaError("share_places", 0)
        except FormulaError as error:
            item.unfit(key, error)

    def _fits(self, expr: Expr, scope: Scope, sort: Sort, *, inside_table: bool) -> None:
        region = {id for where, id in self.steps if where == "region"}
        institution = {id for where, id in self.steps if where == "institution"}
        within = region if scope == "region" else region | institution
        allowed = {*self.numbers, *self.sorts}
        for node in language.walk(expr):
            match node:
                case language.Name(id) if id not in within and id not in allowed:
                    if id in institution:
                        raise FormulaError("scope", node.at, name=id, scope=scope)
                    raise FormulaError("name", node.at, name=id, known=" ".join(sorted(within | allowed)))
                case language.Sum(column):
                    if scope != "region":
                        raise FormulaError("scope", node.at, name=f"sum({column})", scope=scope)
                    if column not in institution:
                        raise FormulaError("name", node.at, name=column, known=" ".join(sorted(institution)))
                case language.Share(total, column):
                    if scope != "institution" or inside_table:
                        raise FormulaError("scope", node.at, name=f"share(..., {column})", scope=scope)
                    if column not in institution:
                        raise FormulaError("name", node.at, name=column, known=" ".join(sorted(institution)))
                    for inner in language.walk(total):
                        if isinstance(inner, language.Share | language.Sum | language.Tiers):
                            raise FormulaError("scope", inner.at, name="share", scope=scope)
                        if isinstance(inner, language.Name) and inner.id not in region | allowed:
                            raise FormulaError("scope", inner.at, name=inner.id, scope="region")
                case language.Tiers(_, table):
                    if inside_table:
                        raise FormulaError("tiers_nested", node.at, name=table)
                    if table not in self.tables:
                        raise FormulaError("table", node.at, name=table, known=" ".join(sorted(self.tables)))
                    self._table_fits(self.tables[table], scope)
                case _:
                    pass
        found = language.sort_of(expr, self.sorts)
        if found != sort:
            raise FormulaError("sort", expr.at, wanted=sort, found=found)

    def _table_fits(self, table: Table, scope: Scope) -> None:
        item = self.merged.tables[table.id]
        for i, row in enumerate(table.rows):
            data = cast("list[dict[str, Any]]", item.data["row"])[i]
            try:
                self._fits(row.value, scope, "number", inside_table=True)
            except FormulaError as error:
                _Item(item.source, (*item.path, "row", i), data).unfit("value", error)
        if table.otherwise is not None:
            try:
                self._fits(table.otherwise, scope, "number", inside_table=True)
            except FormulaError as error:
                item.unfit("otherwise", error)

    def _check_case(self, item: _Item, key: str, expr: Expr, known: Sequence[str], sort: Sort) -> None:
        allowed = [*known, *self.numbers, *self.sorts]
        try:
            for node in language.walk(expr):
                if isinstance(node, language.Sum | language.Tiers | language.Share):
                    raise FormulaError("scope", node.at, name="sum tiers share", scope="case")
                if isinstance(node, language.Name) and node.id not in allowed:
                    raise FormulaError("name", node.at, name=node.id, known=" ".join(allowed))
            found = language.sort_of(expr, self.sorts)
            if found != sort:
                raise FormulaError("sort", expr.at, wanted=sort, found=found)
        except FormulaError as error:
            item.unfit(key, error)

    def _check_circles(self) -> None:
        try:
            ordered(tuple(self.steps.values()), self.tables)
        except _Circle as circle:
            first = circle.path[0]
            self.merged.steps[first].wrong(
                "formula", "pack_cycle", value=" -> ".join(id for _, id in circle.path)
            )

    # making

    def head(self) -> tuple[str, Title, str, tuple[int, ...], tuple[str, ...], str]:
        source = self.sources[-1]
        raw = source.data.get("pack")
        if not isinstance(raw, dict):
            source.wrong((), "pack_missing", value="[pack]")
            raw = {}
        item = _Item(source, ("pack",), cast("dict[str, Any]", raw))
        item.only(_PACK_KEYS)
        id = item.text("id", required=True)
        if id and not _PACK_ID.fullmatch(id):
            item.wrong("id", "pack_id", value=id)
        years, funds = item.data.get("years", []), item.data.get("funds", [])
        if not isinstance(years, list) or not all(type(year) is int for year in cast("list[Any]", years)):
            item.wrong("years", "pack_type", value=_plainly(years), wanted="[2024]", key="years")
            years = []
        if not isinstance(funds, list) or not set(map(str, cast("list[Any]", funds))) <= {
            "employee",
            "resident",
        }:
            item.wrong(
                "funds", "pack_type", value=_plainly(funds), wanted='["employee", "resident"]', key="funds"
            )
            funds = []
        return (
            id, item.title("title", required=True), item.text("region"), tuple(cast("list[int]", years)),
            tuple(map(str, cast("list[Any]", funds))), item.text("issuer"),
        )  # fmt: skip

    def sheet_order(self) -> tuple[Step, ...]:
        """The parents' order; a new step stands before the first of its scope that uses it, else at the end."""
        keys = [key for key in self.steps if key not in self.merged.new]
        for key in self.merged.new:
            users = [
                i
                for i, other in enumerate(keys)
                if other[0] == key[0] and key in _needs(self.steps[other], self.tables)
            ]
            keys.insert(min(users, default=len(keys)), key)
        return tuple(self.steps[key] for key in keys)

    def rule(self) -> CaseRule:
        """[case] with its checks; parameters of the same name win over the setting of a parent."""
        rule = CaseRule(places=None, branches=self.branches, measures=tuple(self.measures.values()))
        for key, item in self.merged.settings.items():
            value = item.data[key]
            if key == "places":
                rule = replace(rule, places=item.digits())
            elif key in _SOURCED:
                cite, evidence = self._sourced(item)
                rule = replace(rule, cite=cite, evidence=evidence, open=item.title("open"))
            elif isinstance(value, list):
                rule = self._set(
                    rule, key, ",".join(map(str, cast("list[Any]", value))), lambda item=item, key=key: item
                )
            else:
                text = str(value).lower() if isinstance(value, bool) else _plainly(value)
                rule = self._set(rule, key, text, lambda item=item, key=key: item)
        for id, parameter in self.parameters.items():
            if id in _SETTINGS:
                rule = self._set(rule, id, parameter.default, lambda id=id: self.merged.parameters[id])
        return rule

    def _set(self, rule: CaseRule, key: str, text: str, item: Callable[[], _Item]) -> CaseRule:
        try:
            return _with_setting(rule, key, text)
        except ValueError as error:
            where = item()
            where.wrong(key if key in where.data else "default", "pack_option", value=text, known=str(error))
            return rule

    def canonical(self) -> str:
        """The resolved rule as one text: what the hash is of."""
        merged = self.merged
        whole = {
            "pack": {
                key: value for key, value in self.sources[-1].data.get("pack", {}).items() if key != "extends"
            },
            "document": [item.data for item in merged.documents.values()],
            "parameter": [item.data for item in merged.parameters.values()],
            "table": [item.data for item in merged.tables.values()],
            "steps": [[step.scope, merged.steps[step.scope, step.id].data] for step in self.sheet_order()],
            "case": {key: item.data[key] for key, item in merged.settings.items()},
            "branch": [item.data for item in merged.branches.values()],
            "measure": [item.data for item in merged.measures.values()],
            "reserved": merged.reserved,
        }
        return json.dumps(_normal(whole), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


_ZERO = language.Num(Fraction(0))


def _normal(value: object) -> object:
    """One way to write each value: numbers as exact text, texts with single blanks."""
    if isinstance(value, dict):
        return {str(key): _normal(inner) for key, inner in cast("dict[Any, Any]", value).items()}
    if isinstance(value, list):
        return [_normal(inner) for inner in cast("list[Any]", value)]
    if isinstance(value, bool):
        return value
    if isinstance(value, int | Fraction):
        return str(Fraction(value))
    return " ".join(str(value).split())


def needs_reference(expr: Expr) -> bool:
    """Whether a case formula asks for x or the reference mean."""
    return any(name in ("x", "reference") for name in language.names(expr))


_BOOLEANS = {"true": True, "false": False}


def _with_setting(rule: CaseRule, key: str, text: str) -> CaseRule:
    """`rule` with one setting of [case]; ValueError naming what is allowed."""
    if key in _CHOICES:
        if text not in _CHOICES[key]:
            raise ValueError(" ".join(_CHOICES[key]))
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


# --- order ---

_Key = tuple[Scope, str]


class _Circle(Exception):
    def __init__(self, path: Sequence[_Key]) -> None:
        super().__init__(path)
        self.path = path


def _needs(step: Step, tables: Mapping[str, Table]) -> set[_Key]:
    """Every step that the formula may ask for; names of parameters are among them and match no step."""
    if step.expr is None:
        return set()
    used = language.uses(step.expr)
    plain_names = set(used.names)
    for id in used.tables:
        table = tables[id]
        for expr in (
            *(row.value for row in table.rows),
            *((table.otherwise,) if table.otherwise is not None else ()),
        ):
            plain_names |= set(language.names(expr))
    needed: set[_Key] = {(scope, name) for name in plain_names for scope in SCOPES}
    columns: set[_Key] = {("institution", column) for column in used.columns}
    return needed | columns


def ordered(steps: Sequence[Step], tables: Mapping[str, Table]) -> tuple[Step, ...]:
    """The steps so that each comes after what it needs, else as given; raises on a circle."""
    by_key: dict[_Key, Step] = {(step.scope, step.id): step for step in steps}
    done: dict[_Key, Step] = {}

    def needed(step: Step) -> list[_Key]:
        used = language.uses(step.expr) if step.expr is not None else language.Uses((), (), ())
        columns: set[_Key] = {("institution", column) for column in used.columns}
        found: list[_Key] = []
        wanted = _needs(step, tables)
        for key in by_key:
            if key not in wanted:
                continue
            scope, id = key
            own = (step.scope, id)
            # A plain name means the own scope's step, else the region's; only columns cross the other way.
            if scope == step.scope or (scope == "region" and own not in by_key) or key in columns:
                if scope == "institution" and step.scope == "region" and key not in columns:
                    continue
                found.append(key)
        return found

    def visit(key: _Key, path: list[_Key]) -> None:
        if key in done:
            return
        if key in path:
            raise _Circle([*path[path.index(key) :], key])
        path.append(key)
        for before in needed(by_key[key]):
            visit(before, path)
        path.pop()
        done[key] = by_key[key]

    for key in by_key:
        visit(key, [])
    return tuple(done.values())


# --- doors ---


def available() -> list[PackHead]:
    """The packs that are shipped, by id."""
    heads: list[PackHead] = []
    for path in _shipped().values():
        pack = _built([*_chain(path, [])], [])[1]
        if pack is not None:
            heads.append(PackHead(pack.id, pack.title, pack.region, pack.years, pack.abstract, path))
    return heads


def check(path: str | Path) -> list[Finding]:
    """Everything wrong with a pack file, each with file, line (`row`) and column; warnings too. Empty: it is sound."""
    findings: list[Finding] = []
    try:
        sources, pack = _built(_chain(Path(path), findings), findings)
        for choice in _choices(pack) if pack is not None else ():
            try:
                _settled(_applied(cast(Pack, pack), choice))
            except _Absent as absent:
                _absent(sources, absent)
    except Refused as refused:
        findings.extend(refused.findings)
    return sorted(set_of(findings), key=lambda one: (one.file, one.row or 0, one.column, one.code))


def _choices(pack: Pack) -> list[dict[str, str]]:
    """The parameters as they stand, and each option in its turn."""
    formal = [one for one in pack.parameters.values() if one.id not in _SETTINGS]
    return [{}, *({one.id: option} for one in formal for option in one.options)]


def set_of(findings: Sequence[Finding]) -> list[Finding]:
    """The findings without repetition (a table used by two steps is looked at twice)."""
    kept: dict[tuple[object, ...], Finding] = {}
    for finding in findings:
        kept.setdefault((finding.code, finding.file, finding.row, finding.column, finding.value), finding)
    return list(kept.values())


def load(source: str | Path, parameters: Mapping[str, str] | None = None) -> Pack:
    """A pack by id or by path of a TOML file, with parameters applied.

    Usage: unknown pack (`known` lists them), parameter or value. Refused("pack_invalid", findings): see `check`.
    """
    path = Path(source)
    if path.suffix != ".toml":
        known = _shipped()
        if str(source) not in known:
            raise Usage("pack_unknown", pack=str(source), known=", ".join(known))
        path = known[str(source)]
    findings: list[Finding] = []
    return _finished(*_built(_chain(path, findings), findings), findings, parameters or {}, path.name)


_MARK = "#=== "


def restore(text: str, parameters: Mapping[str, str] | None = None) -> Pack:
    """The pack that `Pack.text` was kept from, without any file."""
    findings: list[Finding] = []
    parts = re.split(rf"^{re.escape(_MARK)}(.*)$", text, flags=re.MULTILINE)
    sources = [
        _Source(name, body.lstrip("\n"), findings)
        for name, body in zip(parts[1::2], parts[2::2], strict=True)
    ]
    if not sources:
        sources = [_Source("pack", text, findings)]
    return _finished(*_built(sources, findings), findings, parameters or {}, sources[-1].name)


def phrases_of(lang: str) -> Phrases:
    """The words that formulas are written with."""
    prefix = "rules."
    return {key[len(prefix) :]: text for key, text in catalogue(lang).items() if key.startswith(prefix)}


def _built(sources: list[_Source], findings: list[Finding]) -> tuple[list[_Source], Pack | None]:
    before = [finding for finding in findings if finding.severity == "blocked"]
    if before:
        return sources, None
    builder = _Builder(sources, findings)
    id, title, region, years, funds, issuer = builder.head()
    rule = builder.rule()
    builder.check()
    if any(finding.severity == "blocked" for finding in findings):
        return sources, None
    steps = builder.sheet_order()
    phrases = {lang: phrases_of(lang) for lang in LANGUAGES}
    text = "".join(f"{_MARK}{source.name}\n{source.text.rstrip()}\n\n" for source in sources)
    return sources, Pack(
        id, title, region, years, funds, issuer, tuple(builder.documents.values()), builder.parameters, {}, {},
        builder.tables, steps, ordered(steps, builder.tables), replace(rule, phrases=phrases), builder.merged.reserved,
        hashlib.sha256(builder.canonical().encode("utf-8")).hexdigest(), text, phrases,
    )  # fmt: skip


def _finished(
    sources: Sequence[_Source],
    pack: Pack | None,
    findings: Sequence[Finding],
    parameters: Mapping[str, str],
    name: str,
) -> Pack:
    blocking = [finding for finding in set_of(findings) if finding.severity == "blocked"]
    if pack is None or blocking:
        raise Refused("pack_invalid", blocking, pack=name, count=len(blocking))
    try:
        return _settled(_applied(pack, parameters))
    except _Absent as absent:
        found: list[Finding] = []
        _absent([_Source(source.name, source.text, found) for source in sources], absent)
        raise Refused("pack_invalid", found, pack=name, count=len(found)) from absent


def _applied(pack: Pack, parameters: Mapping[str, str]) -> Pack:
    """The pack with its parameters; `changed` has those that make a difference, each by itself."""
    plain_pack = _chosen(pack, {})
    changed = {
        name: text.strip()
        for name, text in sorted(parameters.items())
        if _chosen(pack, {name: text}) != plain_pack
    }
    return replace(_chosen(pack, parameters), changed=changed)


def _chosen(pack: Pack, parameters: Mapping[str, str]) -> Pack:
    formal = {id: one for id, one in pack.parameters.items() if id not in _SETTINGS}
    values: dict[str, Value] = {option: option for one in formal.values() for option in one.options}
    rule, steps = pack.case, list(pack.steps)
    chosen = {id: one.default for id, one in pack.parameters.items()}
    placed = sorted({f"{step.id}.places" for step in steps if not step.input} | {"case.places"})
    placed += [f"{measure.id}.places" for measure in rule.measures]
    known = ", ".join([*pack.parameters, *sorted(_SETTINGS - set(pack.parameters)), *placed])
    for name, raw in parameters.items():
        text = raw.strip()
        if name in pack.parameters:
            chosen[name] = text
        elif name in _SETTINGS:
            try:
                rule = _with_setting(rule, name, text)
            except ValueError as error:
                raise Usage("parameter_value", name=name, value=text, known=str(error)) from None
        elif name in placed:
            places = _digits(name, text)
            target = name.removesuffix(".places")
            if target == "case":
                rule = replace(rule, places=places)
            measures = tuple(
                replace(one, places=_digits(name, text, none=False) or 0) if one.id == target else one
                for one in rule.measures
            )
            rule = replace(rule, measures=measures)
            steps = [
                replace(step, places=places) if step.id == target and not step.input else step
                for step in steps
            ]
        else:
            raise Usage("parameter_unknown", name=name, pack=pack.id, known=known)
    for id, text in chosen.items():
        one = pack.parameters[id]
        try:
            if one.options and text not in one.options:
                raise ValueError(" ".join(one.options))
            if id in _SETTINGS:
                rule = _with_setting(rule, id, text)
            else:
                values[id] = text if one.options else _decimal_value(text)
        except ValueError as error:
            raise Usage("parameter_value", name=id, value=text, known=str(error)) from None
    return replace(pack, values=values, case=replace(rule, values=values), steps=tuple(steps))


def _decimal_value(text: str) -> Fraction:
    try:
        return decimal(text)
    except ValueError:
        raise ValueError("0.5, 12, ...") from None


def _digits(name: str, text: str, *, none: bool = True) -> int | None:
    if none and text == "none":
        return None
    if text.isascii() and text.isdigit() and len(text) <= 2 and int(text) <= MAX_PLACES:
        return int(text)
    raise Usage("parameter_value", name=name, value=text, known=f"0..{MAX_PLACES}{', none' if none else ''}")


class _Absent(Exception):
    """The chosen options switch a step off that another still asks for."""

    def __init__(self, step: Step, needed: str) -> None:
        super().__init__(step.id, needed)
        self.step = step
        self.needed = needed


def _absent(sources: Sequence[_Source], absent: _Absent) -> None:
    """The finding of it, at the formula that asks."""
    for source in reversed(sources):
        for item in _items(source, source.data, (), absent.step.scope):
            if item.id == absent.step.id:
                item.wrong("formula", "step_absent", value=absent.needed)
                return


def _settled(pack: Pack) -> Pack:
    """What the chosen options leave: conditions on parameters decided, steps and measures that they switch off gone."""
    symbols = pack.symbols

    def holds(when: str) -> bool:
        return not when or language.truth_of(language.parse(when), symbols)

    def settle(expr: Expr) -> Expr:
        return language.settle(expr, symbols, pack.tables)

    steps = tuple(
        replace(step, expr=settle(step.expr)) if step.expr is not None else step
        for step in pack.steps
        if holds(step.when)
    )
    measures = tuple(replace(one, expr=settle(one.expr)) for one in pack.case.measures if holds(one.when))
    live = {(step.scope, step.id) for step in steps}
    for step in steps:
        for name in _needs(step, pack.tables):
            column = step.expr is not None and name[1] in language.uses(step.expr).columns
            reach = {("institution", name[1])} if column else {(step.scope, name[1]), ("region", name[1])}
            if pack.find(step.scope, name[1]) is not None and not reach & live:
                raise _Absent(step, name[1])
    branches = tuple(
        replace(
            branch, score=settle(branch.score), when=None if branch.when is None else settle(branch.when),
            review=None if branch.review is None else settle(branch.review),
        )
        for branch in pack.case.branches
    )  # fmt: skip
    rule = replace(pack.case, measures=measures, branches=branches)
    return replace(pack, steps=steps, order=ordered(steps, pack.tables), case=rule)


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
