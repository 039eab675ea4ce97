"""Rule packs: a circular as data. Finds it, resolves `extends`, checks, applies parameters.

Parameters that `load(source, parameters)` takes, all as text:

    NAME                  a parameter that the pack declares: one of its options, or a plain decimal
    STEP.places           decimals of a step or of a measure, 0..12, or `none` for not rounded
    case.places           decimals of the case score, or `none`
    BRANCH.when .score .review    the formulas of a way to score a case, where the pack has one there
    own_pay, ungrouped, reference, reference_min_cases, primary_care_coefficient, disease_level_coefficient,
    intra_province        the settings of [case]; yes/no ones take `true` or `false`, `reference` a comma list

The only room of `core/rules` that opens files.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from core.faults import Refused, Usage, WorldFault
from core.findings import Finding
from core.money import decimal
from core.rules import formula as language
from core.rules.builder import PACK_ID, Builder
from core.rules.circular import CASE_NAMES, MAX_PLACES, SETTINGS, Pack, Step, needs_reference, with_setting
from core.rules.formula import Expr, FormulaError, Phrases, Sort, Value
from core.rules.grouping import settled
from core.rules.order import needs, ordered
from core.rules.sheet import Title
from core.rules.source import Source, items_of, plainly
from core.settings import RESOURCES
from core.texts import LANGUAGES, catalogue

PACKS = RESOURCES / "packs"
_MAX_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class PackHead:
    id: str
    title: Title
    region: str
    years: tuple[int, ...]
    abstract: bool
    path: Path


# --- files ---


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


def _chain(path: Path, findings: list[Finding]) -> list[Source]:
    """The pack's file behind its parents, eldest first. A parent is a shipped pack, else a file beside the pack's own."""
    sources: list[Source] = []
    seen: set[Path] = set()
    current: Path | None = path
    while current is not None:
        source = Source(str(current) if current.parent != PACKS else current.name, _read(current), findings)
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


def _parent(source: Source) -> str:
    head = source.data.get("pack", {})
    parent = cast("dict[str, Any]", head).get("extends", "") if isinstance(head, dict) else ""
    if parent and (not isinstance(parent, str) or not PACK_ID.fullmatch(parent)):
        source.wrong(("pack", "extends"), "pack_parent", value=plainly(parent), known=" ".join(_shipped()))
        return ""
    return str(parent)


# --- doors ---


def available() -> list[PackHead]:
    """The packs that are shipped, by id."""
    shipped = _shipped().values()
    return list(_heads(tuple((path, path.stat().st_mtime_ns, path.stat().st_size) for path in shipped)))


@lru_cache(maxsize=1)
def _heads(shipped: tuple[tuple[Path, int, int], ...]) -> tuple[PackHead, ...]:
    """Read once while the files are as they were."""
    heads: list[PackHead] = []
    for path, _, _ in shipped:
        pack = _built([*_chain(path, [])], [])[1]
        if pack is not None:
            heads.append(PackHead(pack.id, pack.title, pack.region, pack.years, pack.abstract, path))
    return tuple(heads)


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
    formal = [one for one in pack.parameters.values() if one.id not in SETTINGS]
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
        Source(name, body.lstrip("\n"), findings)
        for name, body in zip(parts[1::2], parts[2::2], strict=True)
    ]
    if not sources:
        sources = [Source("pack", text, findings)]
    return _finished(*_built(sources, findings), findings, parameters or {}, sources[-1].name)


def phrases_of(lang: str) -> Phrases:
    """The words that formulas are written with."""
    prefix = "rules."
    return {key[len(prefix) :]: text for key, text in catalogue(lang).items() if key.startswith(prefix)}


# --- from files to a pack ---


def _built(sources: list[Source], findings: list[Finding]) -> tuple[list[Source], Pack | None]:
    before = [finding for finding in findings if finding.severity == "blocked"]
    if before:
        return sources, None
    builder = Builder(sources, findings)
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
        builder.tables, steps, ordered(steps, builder.tables), replace(rule, phrases=phrases),
        {chapter: tuple(own.values()) for chapter, own in builder.chapters.items()},
        hashlib.sha256(builder.canonical().encode("utf-8")).hexdigest(), text, phrases,
        builder.grouping, builder.scores, builder.coefficients,
    )  # fmt: skip


def _finished(
    sources: Sequence[Source],
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
        _absent([Source(source.name, source.text, found) for source in sources], absent)
        raise Refused("pack_invalid", found, pack=name, count=len(found)) from absent


# --- parameters ---


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
    formal = {id: one for id, one in pack.parameters.items() if id not in SETTINGS}
    values: dict[str, Value] = {option: option for one in formal.values() for option in one.options}
    rule, chains = pack.case, {"": pack.steps, **pack.chapters}
    chosen = {id: one.default for id, one in pack.parameters.items()}
    every = {step.id for steps in chains.values() for step in steps if not step.input}
    placed = sorted({f"{id}.places" for id in every} | {"case.places"})
    placed += [f"{measure.id}.places" for measure in rule.measures]
    typed = [
        f"{branch.id}.{key}"
        for branch in rule.branches
        for key in ("when", "score", "review")
        if getattr(branch, f"{key}_text")
    ]
    known = ", ".join([*pack.parameters, *sorted(SETTINGS - set(pack.parameters)), *placed, *typed])
    for name, raw in parameters.items():
        text = raw.strip()
        if name in pack.parameters:
            chosen[name] = text
        elif name in SETTINGS:
            try:
                rule = with_setting(rule, name, text)
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
            chains = {
                chapter: tuple(
                    replace(step, places=places) if step.id == target and not step.input else step for step in steps
                )
                for chapter, steps in chains.items()
            }
        elif name in typed:
            target, _, key = name.rpartition(".")
            expr = _case_formula(pack, name, text, "number" if key == "score" else "truth")
            rule = replace(
                rule,
                branches=tuple(
                    replace(one, **{key: expr, f"{key}_text": text}) if one.id == target else one
                    for one in rule.branches
                ),
            )
        else:
            raise Usage("parameter_unknown", name=name, pack=pack.id, known=known)
    for branch in rule.branches:
        for key, expr in (("score", branch.score), ("review", branch.review)):
            if (
                parameters
                and expr is not None
                and needs_reference(expr)
                and (branch.when is None or not needs_reference(branch.when))
            ):
                name = f"{branch.id}.{key}"
                raise Usage("parameter_value", name=name, value=getattr(branch, f"{key}_text"), known="rw k u fee")
    for id, text in chosen.items():
        one = pack.parameters[id]
        try:
            if one.options and text not in one.options:
                raise ValueError(" ".join(one.options))
            if id in SETTINGS:
                rule = with_setting(rule, id, text)
            else:
                values[id] = text if one.options else _decimal_value(text)
        except ValueError as error:
            raise Usage("parameter_value", name=id, value=text, known=str(error)) from None
    steps = chains.pop("")
    return replace(pack, values=values, case=replace(rule, values=values), steps=steps, chapters=chains)


def _decimal_value(text: str) -> Fraction:
    try:
        return decimal(text)
    except ValueError:
        raise ValueError("0.5, 12, ...") from None


def _case_formula(pack: Pack, name: str, text: str, sort: Sort) -> Expr:
    """A case's formula as the builder of packs takes one; Usage says what is wrong with it."""
    formal = {id: one for id, one in pack.parameters.items() if id not in SETTINGS}
    sorts: dict[str, Sort] = {id: "symbol" for id, one in formal.items() if one.options}
    sorts.update({option: "symbol" for one in formal.values() for option in one.options})
    allowed = [*CASE_NAMES, *formal, *sorts]
    try:
        expr = language.parse(text)
        for node in language.walk(expr):
            if isinstance(node, language.Sum | language.Tiers | language.Share):
                raise FormulaError("scope", node.at, name="sum tiers share", scope="case")
            if isinstance(node, language.Name) and node.id not in allowed:
                raise FormulaError("name", node.at, name=node.id, known=" ".join(allowed))
        if language.sort_of(expr, sorts) != sort:
            raise FormulaError("sort", expr.at, wanted=sort, found="")
    except FormulaError as error:
        raise Usage("parameter_value", name=name, value=text, known=" ".join(CASE_NAMES)) from error
    return expr


def _digits(name: str, text: str, *, none: bool = True) -> int | None:
    if none and text == "none":
        return None
    if text.isascii() and text.isdigit() and len(text) <= 2 and int(text) <= MAX_PLACES:
        return int(text)
    raise Usage("parameter_value", name=name, value=text, known=f"0..{MAX_PLACES}{', none' if none else ''}")


# --- what the options leave ---


class _Absent(Exception):
    """The chosen options switch a step off that another still asks for."""

    def __init__(self, chapter: str, step: Step, needed: str) -> None:
        super().__init__(step.id, needed)
        self.chapter = chapter
        self.step = step
        self.needed = needed


def _absent(sources: Sequence[Source], absent: _Absent) -> None:
    """The finding of it, at the formula that asks."""
    for source in reversed(sources):
        within, base = (source.data.get(absent.chapter, {}), (absent.chapter,)) if absent.chapter else (source.data, ())
        for item in items_of(source, within, base, absent.step.scope):
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

    def left(chapter: str, steps: Sequence[Step]) -> tuple[Step, ...]:
        """A chain's steps that are not switched off. _Absent where one of them asks for one that is."""
        kept = tuple(
            replace(step, expr=settle(step.expr)) if step.expr is not None else step
            for step in steps
            if holds(step.when)
        )
        live, known = {(step.scope, step.id) for step in kept}, {(step.scope, step.id) for step in steps}
        for step in kept:
            for name in needs(step, pack.tables):
                column = step.expr is not None and name[1] in language.uses(step.expr).columns
                reach = {("institution", name[1])} if column else {(step.scope, name[1]), ("region", name[1])}
                if {(step.scope, name[1]), ("region", name[1])} & known and not reach & live:
                    raise _Absent(chapter, step, name[1])
        return kept

    steps = left("", pack.steps)
    chapters = {chapter: left(chapter, own) for chapter, own in pack.chapters.items()}
    measures = tuple(replace(one, expr=settle(one.expr)) for one in pack.case.measures if holds(one.when))
    branches = tuple(
        replace(
            branch, score=settle(branch.score), when=None if branch.when is None else settle(branch.when),
            review=None if branch.review is None else settle(branch.review),
        )
        for branch in pack.case.branches
    )  # fmt: skip
    rule = replace(pack.case, measures=measures, branches=branches)
    grouped = settled(pack.grouping, symbols)
    return replace(
        pack, steps=steps, order=ordered(steps, pack.tables), chapters=chapters, case=rule, grouping=grouped
    )
