"""Rule packs: a circular as data. Finds it, resolves `extends`, checks, applies parameters (see `parameters`).

A pack is shipped, a file that somebody names, or one that a workspace keeps: `own`, id -> its TOML, is given by whoever
has the workspace. The only room of `core/rules` that opens files.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from core.faults import Refused, Usage, WorldFault
from core.findings import Finding
from core.rules import evaluation, parsing
from core.rules import formula as language
from core.rules.builder import PACK_ID, Builder
from core.rules.circular import SETTINGS, Pack, Step
from core.rules.formula import Expr
from core.rules.grouping import settled
from core.rules.order import needs, ordered
from core.rules.parameters import applied
from core.rules.sheet import Title
from core.rules.source import Source, items_of, plainly
from core.rules.spelling import Phrases
from core.settings import RESOURCES
from core.texts import LANGUAGES, catalogue

PACKS = RESOURCES / "packs"
MAX_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class PackHead:
    """What one chooses a pack by. own: kept in the workspace. based_on: the pack that it extends, or ""."""

    id: str
    title: Title
    region: str
    years: tuple[int, ...]
    abstract: bool
    own: bool = False
    based_on: str = ""


Own = Mapping[str, str]
_NONE: Own = {}


@dataclass(frozen=True, slots=True)
class _Text:
    """A pack before it is read: how findings call it, what tells it from others, and where files beside it may lie."""

    name: str
    key: str
    text: str
    folder: Path | None


# --- files ---


def _read(path: Path) -> _Text:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise WorldFault("pack_unreadable", path=str(path), reason=error.strerror or str(error)) from error
    name = path.name if path.parent == PACKS else str(path)
    if len(raw) > MAX_BYTES:
        raise Refused("pack_invalid", [Finding("pack_size", "blocked", file=name)], pack=name, count=1)
    try:
        text = raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        finding = Finding("pack_encoding", "blocked", file=name, row=line)
        raise Refused("pack_invalid", [finding], pack=name, count=1) from error
    return _Text(name, str(path.resolve()), text, path.parent)


def _shipped() -> dict[str, Path]:
    return {path.stem: path for path in sorted(PACKS.glob("*.toml"))}


def _kept(id: str, own: Own) -> _Text:
    """A workspace's own pack; as long as a file may be."""
    name = f"{id}.toml"
    if len(own[id].encode("utf-8", "replace")) > MAX_BYTES:
        raise Refused("pack_invalid", [Finding("pack_size", "blocked", file=name)], pack=name, count=1)
    return _Text(name, f"own:{id}", own[id].replace("\r\n", "\n"), None)


def _chain(start: _Text, findings: list[Finding], own: Own = _NONE) -> list[Source]:
    """The pack's file behind its parents, eldest first. A parent is a shipped pack, else one of the workspace, else a
    file beside the pack's own."""
    sources: list[Source] = []
    seen: set[str] = set()
    current: _Text | None = start
    while current is not None:
        source = Source(current.name, current.text, findings)
        sources.insert(0, source)
        seen.add(current.key)
        known = [*_shipped(), *own]
        parent = _parent(source, known)
        if not parent:
            break
        folder, current = current.folder, None
        beside = folder / f"{parent}.toml" if folder is not None else None
        if parent in _shipped():
            current = _read(_shipped()[parent])
        elif parent in own:
            current = _kept(parent, own)
        elif beside is not None and beside.exists():
            current = _read(beside)
        else:
            source.wrong(("pack", "extends"), "pack_parent", value=parent, known=" ".join(known))
        if current is not None and current.key in seen:
            source.wrong(("pack", "extends"), "pack_circle", value=parent)
            break
    return sources


def _parent(source: Source, known: Sequence[str] = ()) -> str:
    head = source.data.get("pack", {})
    parent = cast("dict[str, Any]", head).get("extends", "") if isinstance(head, dict) else ""
    if parent and (not isinstance(parent, str) or not PACK_ID.fullmatch(parent)):
        source.wrong(("pack", "extends"), "pack_parent", value=plainly(parent), known=" ".join(known))
        return ""
    return str(parent)


# --- doors ---


def available(own: Own = _NONE) -> list[PackHead]:
    """The packs that are shipped, by id, then those of the workspace that are sound."""
    files = _files()
    return [*_heads(files), *_own_heads(files, tuple(sorted(own.items())))]


_Files = tuple[tuple[Path, int, int], ...]


def _files() -> _Files:
    """The shipped packs and what tells whether one was changed."""
    return tuple((path, path.stat().st_mtime_ns, path.stat().st_size) for path in _shipped().values())


@lru_cache(maxsize=1)
def _heads(shipped: _Files) -> tuple[PackHead, ...]:
    """Read once while the files are as they were."""
    heads = [_head(_read(path), _NONE) for path, _, _ in shipped]
    return tuple(head for head in heads if head is not None)


@lru_cache(maxsize=4)
def _own_heads(shipped: _Files, kept: tuple[tuple[str, str], ...]) -> tuple[PackHead, ...]:
    """shipped: what the kept ones stand on, so that nothing stale is said when a file changes."""
    own = dict(kept)
    heads: list[PackHead] = []
    for id in own:
        try:
            head = _head(_kept(id, own), own)
        except Refused:
            continue
        if head is not None and head.id == id:
            heads.append(replace(head, own=True))
    return tuple(heads)


def _head(start: _Text, own: Own) -> PackHead | None:
    findings: list[Finding] = []
    sources, pack = _built(_chain(start, findings, own), findings)
    if pack is None:
        return None
    return PackHead(pack.id, pack.title, pack.region, pack.years, pack.abstract, based_on=_parent(sources[-1]))


def check(path: str | Path, own: Own = _NONE) -> list[Finding]:
    """Everything wrong with a pack file, each with file, line (`row`) and column; warnings too. Empty: it is sound."""
    try:
        return _checked(_read(Path(path)), own)
    except Refused as refused:
        return list(refused.findings)


def check_text(text: str, id: str, own: Own = _NONE) -> list[Finding]:
    """`check` of a pack that stands in no file yet: it would be kept under `id`, beside the workspace's others."""
    try:
        findings = _checked(_kept(id, {**own, id: text}), {**own, id: text})
    except Refused as refused:
        return list(refused.findings)
    said = Source(f"{id}.toml", text, findings)
    head: Any = said.data.get("pack")
    if isinstance(head, dict) and cast("dict[str, Any]", head).get("id", id) != id:
        said.wrong(("pack", "id"), "pack_other_id", value=plainly(cast("dict[str, Any]", head)["id"]), id=id)
    return _sorted(findings)


def _checked(start: _Text, own: Own) -> list[Finding]:
    findings: list[Finding] = []
    try:
        sources, pack = _built(_chain(start, findings, own), findings)
        for choice in _choices(pack) if pack is not None else ():
            try:
                _settled(applied(cast(Pack, pack), choice))
            except _Absent as absent:
                _absent(sources, absent)
    except Refused as refused:
        findings.extend(refused.findings)
    return _sorted(findings)


def _sorted(findings: Sequence[Finding]) -> list[Finding]:
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


def load(source: str | Path, parameters: Mapping[str, str] | None = None, own: Own = _NONE) -> Pack:
    """A pack by id or by path of a TOML file, with parameters applied. An id of the workspace wins over a shipped one.

    Usage: unknown pack (`known` lists them), parameter or value. Refused("pack_invalid", findings): see `check`.
    """
    start = _start_of(source, own)
    if start.folder in (None, PACKS):
        sources, pack, findings = _once(start, _files(), tuple(sorted(own.items())))
    else:  # beside a file of somebody's own lie others that may change
        sources, pack, findings = _unfinished(start, own)
    return _finished(sources, pack, findings, parameters or {}, start.name)


def _unfinished(start: _Text, own: Own) -> tuple[list[Source], Pack | None, list[Finding]]:
    findings: list[Finding] = []
    return (*_built(_chain(start, findings, own), findings), findings)


@lru_cache(maxsize=32)
def _once(
    start: _Text, shipped: _Files, kept: tuple[tuple[str, str], ...]
) -> tuple[list[Source], Pack | None, list[Finding]]:
    """`_unfinished` of what is shipped or kept: a page asks for the same pack again and again, each time 40 ms."""
    return _unfinished(start, dict(kept))


def _start_of(source: str | Path, own: Own = _NONE) -> _Text:
    """The text that `source` names. Usage("pack_unknown")."""
    if str(source) in own:
        return _kept(str(source), own)
    path = Path(source)
    if path.suffix == ".toml":
        return _read(path)
    shipped = _shipped()
    if str(source) not in shipped:
        raise Usage("pack_unknown", pack=str(source), known=", ".join([*shipped, *own]))
    return _read(shipped[str(source)])


def text_of(source: str | Path, own: Own = _NONE) -> str:
    """A pack's own TOML as it stands, without its parents'. Usage("pack_unknown")."""
    return _start_of(source, own).text


def id_of(path: str | Path) -> str:
    """The id that a file's [pack] says. Refused("pack_invalid") where it says none."""
    start, findings = _read(Path(path)), list[Finding]()
    source = Source(start.name, start.text, findings)
    head: Any = source.data.get("pack")
    id = cast("dict[str, Any]", head).get("id") if isinstance(head, dict) else None
    if isinstance(id, str) and id:
        return id
    if not findings:
        source.wrong(("pack", "id"), "pack_missing", value="id")
    raise Refused("pack_invalid", findings, pack=start.name, count=len(findings))


def shipped_ids() -> tuple[str, ...]:
    return tuple(_shipped())


_MARK = "#=== "


def restore(text: str, parameters: Mapping[str, str] | None = None) -> Pack:
    """The pack that `Pack.text` was kept from, without any file."""
    sources, pack, findings = _again(text)
    return _finished(sources, pack, findings, parameters or {}, sources[-1].name)


@lru_cache(maxsize=8)
def _again(text: str) -> tuple[list[Source], Pack | None, list[Finding]]:
    """One case by hand reads the standing run each time, and with it the run's pack."""
    findings: list[Finding] = []
    return (*_built(_kept_sources(text, findings), findings), findings)


def canonical(text: str) -> str:
    """The resolved rule of a `Pack.text` as the one text that `Pack.hash` is of (JSON)."""
    builder = Builder(_kept_sources(text, []), [])
    builder.rule()
    return builder.canonical()


def _kept_sources(text: str, findings: list[Finding]) -> list[Source]:
    parts = re.split(rf"^{re.escape(_MARK)}(.*)$", text, flags=re.MULTILINE)
    sources = [
        Source(name, body.lstrip("\n"), findings)
        for name, body in zip(parts[1::2], parts[2::2], strict=True)
    ]
    return sources or [Source("pack", text, findings)]


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
        return _settled(applied(pack, parameters))
    except _Absent as absent:
        found: list[Finding] = []
        _absent([Source(source.name, source.text, found) for source in sources], absent)
        raise Refused("pack_invalid", found, pack=name, count=len(found)) from absent


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
        return not when or evaluation.truth_of(parsing.parse(when), symbols)

    def settle(expr: Expr) -> Expr:
        return evaluation.settle(expr, symbols, pack.tables)

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
