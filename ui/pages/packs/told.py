"""A pack as the page has it: its words in both languages, what it rests on, what it leaves open; no Qt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.findings import Finding
    from core.rules.circular import Pack
    from core.rules.pack_text import OpenField


@dataclass(frozen=True, slots=True)
class Told:
    """pack: None where a pack of the workspace is not sound (its `findings` say why). text: its own TOML."""

    id: str
    title: Mapping[str, str]
    pack: Pack | None
    lines: Mapping[str, tuple[str, ...]]  # of `describe`, by language
    documents: tuple[tuple[str, int], ...]  # evidence tag -> how many
    open: tuple[OpenField, ...]
    own: bool
    based_on: str
    text: str
    findings: tuple[Finding, ...] = ()


def told(workspace: Any) -> list[Told]:
    """Every pack that there is, with or without a workspace."""
    from core.rules.description import describe
    from core.rules.pack_text import open_fields
    from core.settlement import own_packs
    from core.texts import LANGUAGES, Texts

    kept = {} if workspace is None else own_packs.stored(workspace.reader())
    found: list[Told] = []
    for head in own_packs.available(workspace):
        pack = own_packs.load(workspace, head.id)
        by_tag: dict[str, int] = {}
        for document in pack.documents:
            by_tag[document.evidence] = by_tag.get(document.evidence, 0) + 1
        lines = {lang: tuple(describe(pack, Texts(lang))) for lang in LANGUAGES}
        based_on = kept[head.id].based_on if head.id in kept else head.based_on
        found.append(Told(
            head.id, head.title, pack, lines, tuple(sorted(by_tag.items())), tuple(open_fields(pack)), head.own,
            based_on, own_packs.text_of(workspace, head.id),
        ))  # fmt: skip
    sound = {one.id for one in found}
    for one in kept.values():
        if one.id not in sound:
            wrong = tuple(own_packs.check(workspace, one.id, one.text))
            lines = {lang: tuple(Texts(lang).finding(each) for each in wrong) for lang in LANGUAGES}
            title = dict.fromkeys(LANGUAGES, one.id)
            found.append(Told(one.id, title, None, lines, (), (), True, one.based_on, one.text, wrong))
    return found
