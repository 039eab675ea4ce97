"""From the files of a pack and its parents to one rule: merged, checked, every fault a finding at its place."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, cast

from core.findings import Finding
from core.rules import deriving, grouping, parsing, scoring
from core.rules import formula as language
from core.rules.circular import (
    CASE_NAMES,
    CHAPTERS,
    EVIDENCE,
    INPUTS,
    MEASURE_NAMES,
    PARTS,
    SCOPES,
    SETTINGS,
    Branch,
    CaseRule,
    Document,
    Measure,
    Parameter,
    Step,
    needs_reference,
    with_setting,
)
from core.rules.formula import Expr, FormulaError, Row, Sort, Table
from core.rules.order import Circle, needs, ordered
from core.rules.sheet import Scope, Title
from core.rules.source import ID, Item, Source, items_of, plainly, typed
from core.texts import LANGUAGES

_SOURCED = frozenset({"cite", "evidence", "open", "note"})
STEP_KEYS = _SOURCED | {"id", "title", "unit", "formula", "input", "places", "when", "abstract", "part"}
BRANCH_KEYS = _SOURCED | {"name", "title", "when", "score", "review"}
MEASURE_KEYS = _SOURCED | {"id", "title", "unit", "formula", "places", "when"}
TABLE_KEYS = _SOURCED | {"id", "title", "closed", "otherwise", "row"}
ROW_KEYS = frozenset({"from", "to", "closed", "value"})
PARAMETER_KEYS = _SOURCED | {"id", "title", "default", "options", "least", "most"}
DOCUMENT_KEYS = frozenset({"key", "number", "title", "evidence", "url", "date", "note"})
PACK_KEYS = frozenset({"id", "extends", "title", "region", "years", "funds", "issuer", "note"})
CASE_KEYS = _SOURCED | SETTINGS | {"places", "branch", "measure"}
UNITS = ("yuan", "points", "yuan/point", "days", "cases", "percent", "ratio", "coefficient", "")
PACK_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")
_Steps = Mapping[tuple[Scope, str], Step]
_ZERO = language.Num(Fraction(0))


@dataclass
class _Merged:
    """The items of a chain of files, a later file's item in the place of an earlier one of the same id."""

    documents: dict[str, Item] = field(default_factory=dict[str, Item])
    parameters: dict[str, Item] = field(default_factory=dict[str, Item])
    # By parameter and bound the last file that gives it: who declares a parameter anew keeps the bounds it says nothing of.
    bounds: dict[tuple[str, str], Item] = field(default_factory=dict[tuple[str, str], Item])
    tables: dict[str, Item] = field(default_factory=dict[str, Item])
    steps: dict[tuple[Scope, str], Item] = field(default_factory=dict[tuple[Scope, str], Item])
    new: list[tuple[Scope, str]] = field(default_factory=list[tuple[Scope, str]])
    settings: dict[str, Item] = field(default_factory=dict[str, Item])
    branches: dict[str, Item] = field(default_factory=dict[str, Item])
    measures: dict[str, Item] = field(default_factory=dict[str, Item])
    chapters: dict[str, dict[tuple[Scope, str], Item]] = field(default_factory=dict[str, dict[tuple[Scope, str], Item]])
    grouping: grouping.Merged = field(default_factory=grouping.Merged)
    scores: scoring.Merged = field(default_factory=scoring.Merged)
    coefficients: deriving.Merged = field(default_factory=deriving.Merged)


def _gathered(items: Iterator[Item], key: str, into: dict[str, Item]) -> None:
    seen: set[str] = set()
    for item in items:
        if not item.id:
            item.wrong(key, "pack_missing", value=key)
        elif item.id in seen:
            item.wrong(key, "pack_twice", value=item.id)
        else:
            seen.add(item.id)
            into[item.id] = item


def _merge(sources: Sequence[Source]) -> _Merged:
    merged = _Merged()
    for depth, source in enumerate(sources):
        data = source.data
        known = {"pack", "document", "parameter", "table", "case", "grouping", "scores", "coefficients", *SCOPES, *CHAPTERS}
        for key in data:
            if key not in known:
                source.wrong((key,), "pack_key", value=key, known=" ".join(sorted(known)))
        _gathered(items_of(source, data, (), "document"), "key", merged.documents)
        _gathered(items_of(source, data, (), "parameter"), "id", merged.parameters)
        for id, item in merged.parameters.items():
            merged.bounds |= {(id, bound): item for bound in ("least", "most") if bound in item.data}
        _gathered(items_of(source, data, (), "table"), "id", merged.tables)
        for scope in SCOPES:
            steps: dict[str, Item] = {}
            _gathered(items_of(source, data, (), scope), "id", steps)
            for id, item in steps.items():
                if depth and (scope, id) not in merged.steps:
                    merged.new.append((scope, id))
                merged.steps[scope, id] = item
        for chapter in CHAPTERS:
            if chapter in data:
                merged.chapters[chapter] = _chapter(source, chapter, data[chapter])
        if "grouping" in data:
            merged.grouping.add(source, data["grouping"])
        if "scores" in data:
            merged.scores.add(source, data["scores"])
        if "coefficients" in data:
            merged.coefficients.add(source, data["coefficients"])
        case = data.get("case", {})
        if not isinstance(case, dict):
            source.wrong(("case",), "pack_type", value="case", wanted="[case]", key="case")
            continue
        settings = Item(source, ("case",), cast("dict[str, Any]", case))
        settings.only(CASE_KEYS)
        for key in settings.data:
            if key in CASE_KEYS - {"branch", "measure"}:
                merged.settings[key] = settings
        if "branch" in settings.data:  # a list of branches is one rule: replaced whole
            merged.branches = {}
            _gathered(items_of(source, settings.data, ("case",), "branch"), "name", merged.branches)
        _gathered(items_of(source, settings.data, ("case",), "measure"), "id", merged.measures)
    return merged


def _chapter(source: Source, chapter: str, data: object) -> dict[tuple[Scope, str], Item]:
    """The steps of `[[month.region]]`, `[[month.institution]]` ...: a file's whole chain of that chapter."""
    steps: dict[tuple[Scope, str], Item] = {}
    if not isinstance(data, dict):
        source.wrong((chapter,), "pack_type", value=chapter, wanted=f"[[{chapter}.institution]]", key=chapter)
        return steps
    inner = Item(source, (chapter,), cast("dict[str, Any]", data))
    inner.only(frozenset(SCOPES))
    for scope in SCOPES:
        found: dict[str, Item] = {}
        _gathered(items_of(source, inner.data, inner.path, scope), "id", found)
        steps |= {(scope, id): item for id, item in found.items()}
    return steps


class Builder:
    """Turns merged items into a Pack; whatever is wrong becomes a finding, and then there is no pack."""

    def __init__(self, sources: Sequence[Source], findings: list[Finding]) -> None:
        self.findings = findings
        self.sources = sources
        self.merged = _merge(sources)
        self.documents = self._documents()
        self.parameters = {id: self._parameter(item) for id, item in self.merged.parameters.items()}
        self.tables = {id: self._table(item) for id, item in self.merged.tables.items()}
        self.measures = {id: self._measure(item) for id, item in self.merged.measures.items()}
        self.steps = {key: self._step(key[0], item, INPUTS) for key, item in self.merged.steps.items()}
        self.chapters = {
            chapter: {key: self._step(key[0], item, CHAPTERS[chapter]) for key, item in steps.items()}
            for chapter, steps in self.merged.chapters.items()
        }
        self.branches = tuple(self._branch(item) for item in self.merged.branches.values())
        self.grouping = grouping.read(self.merged.grouping, self.parameters, self._sourced)
        self.scores = scoring.read(self.merged.scores, self._sourced)
        self.coefficients = deriving.read(self.merged.coefficients, self._sourced)
        # A parameter that documents a setting of [case] takes no part in formulas.
        chosen = {id: one for id, one in self.parameters.items() if id not in SETTINGS}
        self.numbers = [id for id, one in chosen.items() if not one.options]
        self.options = {option for one in chosen.values() for option in one.options}
        symbols = [*self.options, *(id for id, one in chosen.items() if one.options)]
        self.sorts: dict[str, Sort] = dict.fromkeys(symbols, "symbol")

    # reading

    def _documents(self) -> dict[str, Document]:
        documents: dict[str, Document] = {}
        for key, item in self.merged.documents.items():
            item.only(DOCUMENT_KEYS)
            evidence = item.text("evidence", required=True)
            if evidence and evidence not in EVIDENCE:
                item.wrong("evidence", "pack_evidence", value=evidence, known=" ".join(EVIDENCE))
            documents[key] = Document(
                key, item.text("number", required=True), item.text("title"), evidence, item.text("url")
            )
        return documents

    def _sourced(self, item: Item) -> tuple[str, str]:
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

    def _parameter(self, item: Item) -> Parameter:
        item.only(PARAMETER_KEYS)
        id = item.name()
        cite, evidence = self._sourced(item)
        options: dict[str, Title] = {}
        raw = item.data.get("options", {})
        if isinstance(raw, list):
            options = {
                str(option): {lang: str(option) for lang in LANGUAGES} for option in cast("list[Any]", raw)
            }
        elif isinstance(raw, dict):
            inner = Item(item.source, (*item.path, "options"), cast("dict[str, Any]", raw))
            options = {option: inner.title(option, required=True) for option in inner.data}
        for option in options:
            if not ID.fullmatch(option) or option in parsing.RESERVED:
                item.wrong("options", "pack_id", value=option)
        default = item.data.get("default")
        text = "" if default is None else plainly(default)
        if options and text not in options:
            item.wrong("default", "pack_option", value=text, known=" ".join(options))
        number: Fraction | None = None
        if not options:
            number = item.number("default")
            if number is None and default is None:
                item.wrong("default", "pack_missing", value="default")
            elif number is not None:
                text = language.plain(number)
        stated = {bound: self.merged.bounds.get((id, bound), item) for bound in ("least", "most")}
        least, most = (None, None) if options else (one.number(bound) for bound, one in stated.items())
        if options and ("least" in item.data or "most" in item.data):
            item.wrong("least" if "least" in item.data else "most", "pack_bounds_of_options", value=id)
        if least is not None and most is not None and least > most:
            place = "most" if "most" in item.data else "least"
            item.wrong(place, "pack_bounds_turned", least=language.plain(least), most=language.plain(most))
        made = Parameter(
            id,
            item.title("title", required=True),
            text,
            options,
            cite,
            evidence,
            item.title("open"),
            item.title("note"),
            least,
            most,
        )
        if number is not None and (bounds := made.bounds(number)) is not None:
            item.wrong("default", "pack_bounds", value=text, least=bounds[0], most=bounds[1])
        return made

    def _table(self, item: Item) -> Table:
        item.only(TABLE_KEYS)
        id = item.name()
        cite, evidence = self._sourced(item)
        closed = item.flag("closed")
        rows: list[Row] = []
        previous: Row | None = None
        for data in items_of(item.source, item.data, item.path, "row"):
            data.only(ROW_KEYS)
            value = data.formula("value", required=True)
            row = Row(
                data.number("from"),
                data.number("to"),
                data.flag("closed", closed),
                value or _ZERO,
                typed(data, "value"),
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
            item.title("open"), item.title("note"), typed(item, "otherwise"),
        )  # fmt: skip

    def _measure(self, item: Item) -> Measure:
        item.only(MEASURE_KEYS)
        id = item.name()
        cite, evidence = self._sourced(item)
        return Measure(
            id, item.title("title", required=True), self._unit(item), item.formula("formula", required=True) or _ZERO,
            item.digits(required=True) or 0, cite, evidence, item.title("open"), item.title("note"), item.text("when"),
            typed(item, "formula"),
        )  # fmt: skip

    def _step(self, scope: Scope, item: Item, inputs: Mapping[str, frozenset[str]]) -> Step:
        item.only(STEP_KEYS)
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
        if origin and id not in inputs[scope] and not (scope == "institution" and id in self.measures):
            item.wrong("id", "step_input", value=id, known=" ".join(sorted(inputs[scope])))
        if item.text("part") not in PARTS:
            item.wrong("part", "pack_option", value=item.text("part"), known=" ".join(filter(None, PARTS)))
        return Step(
            id, scope, item.title("title", required=True), self._unit(item),
            typed(item, "formula"), expr, origin, item.digits(), cite, evidence,
            item.title("open"), item.title("note"), item.text("when"), item.text("part"),
        )  # fmt: skip

    def _branch(self, item: Item) -> Branch:
        item.only(BRANCH_KEYS)
        cite, evidence = self._sourced(item)
        review = item.data.get("review")
        always = parsing.parse("1 == 1")
        return Branch(
            item.id, item.title("title") or dict.fromkeys(LANGUAGES, item.id), item.formula("when"),
            item.formula("score", required=True) or _ZERO,
            (always if review else None) if isinstance(review, bool) else item.formula("review"),
            cite, evidence, item.title("open"), item.title("note"), typed(item, "when"), typed(item, "score"),
            "" if isinstance(review, bool) else typed(item, "review"),
        )  # fmt: skip

    @staticmethod
    def _unit(item: Item) -> str:
        unit = item.text("unit")
        if unit not in UNITS:
            item.wrong("unit", "pack_option", value=unit, known=" ".join(UNITS))
        return unit

    # checking

    def check(self) -> None:
        self._check_names()
        for steps, items in self._chains():
            for (scope, id), step in steps.items():
                self._check_when(items[scope, id])
                if step.expr is not None:
                    self._check_formula(items[scope, id], "formula", step.expr, scope, steps)
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

    def _chains(self) -> Iterator[tuple[_Steps, Mapping[tuple[Scope, str], Item]]]:
        """The year's steps, then every chapter's, each with the items that they were read from."""
        yield self.steps, self.merged.steps
        for chapter, steps in self.chapters.items():
            yield steps, self.merged.chapters[chapter]

    def _check_names(self) -> None:
        taken: dict[str, str] = {}
        for id in CASE_NAMES:
            taken[id] = "case"
        for steps, _ in self._chains():
            for _, id in steps:
                taken[id] = "step"
        for id, item in self.merged.parameters.items():
            # own_pay and the like name a setting of [case] as well as a step: they never stand in a formula.
            if taken.get(id) and id not in SETTINGS:
                item.wrong("id", "name_taken", value=id)
            for option in self.parameters[id].options if id not in SETTINGS else ():
                if option in taken or option in self.merged.parameters:
                    item.wrong("options", "name_taken", value=option)

    def _check_when(self, item: Item) -> None:
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

    def _check_formula(self, item: Item, key: str, expr: Expr, scope: Scope, steps: _Steps) -> None:
        try:
            self._fits(expr, scope, steps, inside_table=False)
            if (
                any(isinstance(node, language.Share) for node in language.walk(expr))
                and item.digits() is None
            ):
                raise FormulaError("share_places", 0)
        except FormulaError as error:
            item.unfit(key, error)

    def _fits(self, expr: Expr, scope: Scope, steps: _Steps, *, inside_table: bool) -> None:
        """steps: of the chain that it stands in. FormulaError where a name means none of them, or no number comes out."""
        region = {id for where, id in steps if where == "region"}
        institution = {id for where, id in steps if where == "institution"}
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
                    self._table_fits(self.tables[table], scope, steps)
                case _:
                    pass
        found = language.sort_of(expr, self.sorts)
        if found != "number":
            raise FormulaError("sort", expr.at, wanted="number", found=found)

    def _table_fits(self, table: Table, scope: Scope, steps: _Steps) -> None:
        item = self.merged.tables[table.id]
        for i, row in enumerate(table.rows):
            data = cast("list[dict[str, Any]]", item.data["row"])[i]
            try:
                self._fits(row.value, scope, steps, inside_table=True)
            except FormulaError as error:
                Item(item.source, (*item.path, "row", i), data).unfit("value", error)
        if table.otherwise is not None:
            try:
                self._fits(table.otherwise, scope, steps, inside_table=True)
            except FormulaError as error:
                item.unfit("otherwise", error)

    def _check_case(self, item: Item, key: str, expr: Expr, known: Sequence[str], sort: Sort) -> None:
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
        for steps, items in self._chains():
            try:
                ordered(tuple(steps.values()), self.tables)
            except Circle as circle:
                path = " -> ".join(id for _, id in circle.path)
                items[circle.path[0]].wrong("formula", "pack_cycle", value=path)

    # making

    def head(self) -> tuple[str, Title, str, tuple[int, ...], tuple[str, ...], str]:
        source = self.sources[-1]
        raw = source.data.get("pack")
        if not isinstance(raw, dict):
            source.wrong((), "pack_missing", value="[pack]")
            raw = {}
        item = Item(source, ("pack",), cast("dict[str, Any]", raw))
        item.only(PACK_KEYS)
        id = item.text("id", required=True)
        if id and not PACK_ID.fullmatch(id):
            item.wrong("id", "pack_id", value=id)
        years, funds = item.data.get("years", []), item.data.get("funds", [])
        if not isinstance(years, list) or not all(type(year) is int for year in cast("list[Any]", years)):
            item.wrong("years", "pack_type", value=plainly(years), wanted="[2024]", key="years")
            years = []
        if not isinstance(funds, list) or not set(map(str, cast("list[Any]", funds))) <= {
            "employee",
            "resident",
        }:
            item.wrong(
                "funds", "pack_type", value=plainly(funds), wanted='["employee", "resident"]', key="funds"
            )
            funds = []
        if "funds" in item.data and not funds:  # unsaid it is the parent's; none at all clears nothing
            item.wrong("funds", "pack_missing", value="funds")
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
                if other[0] == key[0] and key in needs(self.steps[other], self.tables)
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
                text = str(value).lower() if isinstance(value, bool) else plainly(value)
                rule = self._set(rule, key, text, lambda item=item, key=key: item)
        for id, parameter in self.parameters.items():
            if id in SETTINGS:
                rule = self._set(rule, id, parameter.default, lambda id=id: self.merged.parameters[id])
        return rule

    def _set(self, rule: CaseRule, key: str, text: str, item: Callable[[], Item]) -> CaseRule:
        try:
            return with_setting(rule, key, text)
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
            "reserved": {
                chapter: [[scope, item.data] for (scope, _), item in steps.items()]
                for chapter, steps in merged.chapters.items()
            },
        }
        if grouped := merged.grouping.data():
            whole["grouping"] = grouped
        if scored := merged.scores.data():
            whole["scores"] = scored
        if derived := merged.coefficients.data():
            whole["coefficients"] = derived
        return json.dumps(_normal(whole), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


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
