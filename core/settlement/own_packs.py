"""Packs of the workspace: a copy of a shipped pack, or one that extends it and fills what its document leaves open.

Every one is checked before it is kept, and kept, changed and dropped through the ledger. Whatever takes a pack id takes
these too: `load` and `available` in place of those of `core.rules.packs`. Runs keep the text of the pack that they were
cleared with, so nothing here changes a stored run.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from core.faults import Refused
from core.findings import Finding
from core.rules import pack_text, packs
from core.rules.builder import PACK_ID
from core.rules.pack_text import Fill
from core.storage.ledger import Change, Edit, LedgerLine

if TYPE_CHECKING:
    from core.rules.circular import Pack
    from core.rules.packs import PackHead
    from core.rules.sheet import Title
    from core.storage.workspace import Workspace


@dataclass(frozen=True, slots=True)
class OwnPack:
    """A pack as the workspace keeps it. text: TOML. based_on: the pack it was made from. at: UTC, ISO."""

    id: str
    text: str
    based_on: str
    at: str


def stored(connection: sqlite3.Connection) -> dict[str, OwnPack]:
    """Every pack of the workspace by id, sound or not."""
    rows = connection.execute("SELECT id, text, based_on, at FROM rule_pack ORDER BY id")
    return {row[0]: OwnPack(*row) for row in rows}


def texts_of(workspace: Workspace | None) -> dict[str, str]:
    """id -> TOML: what the doors of `core.rules.packs` take as `own`. Nothing where there is no workspace."""
    return {} if workspace is None else {one.id: one.text for one in stored(workspace.reader()).values()}


def available(workspace: Workspace | None) -> list[PackHead]:
    """The shipped packs, then the workspace's own that are sound."""
    return packs.available(texts_of(workspace))


def load(workspace: Workspace | None, source: str | Path, parameters: Mapping[str, str] | None = None) -> Pack:
    """As `packs.load`, the workspace's own packs among the known ids."""
    return packs.load(source, parameters, texts_of(workspace))


def text_of(workspace: Workspace | None, source: str | Path) -> str:
    """A pack's own TOML, without its parents'."""
    return packs.text_of(source, texts_of(workspace))


def check(workspace: Workspace | None, id: str, text: str) -> list[Finding]:
    """Everything wrong with a pack's text before it is kept under `id`, with line and column; warnings too."""
    own = texts_of(workspace)
    findings = packs.check_text(text, id, own)
    if id in packs.shipped_ids():
        findings.append(Finding("pack_id_shipped", "blocked", file=f"{id}.toml", row=1, column="1", value=id))
    elif not PACK_ID.fullmatch(id):
        findings = [one for one in findings if (one.code, one.value) != ("pack_id", id)]  # the same, said of an item's id
        findings.append(Finding("pack_name", "blocked", file=f"{id}.toml", row=1, column="1", value=id))
    if not _blocking(findings):
        findings += _broken_by(own, id, text)
    return findings


def keep(workspace: Workspace, id: str, text: str, why: str = "", *, based_on: str = "", seen: str | None = None) -> LedgerLine:
    """Keep the text as pack `id`, new or in place of what is there; checked first, one edit, one undo.

    seen: the text that an editor began with ("" a new pack); another one there by now is refused.
    Refused: "pack_invalid" with findings, "pack_stale", "nothing_changed".
    """
    text = text.replace("\r\n", "\n")
    found = stored(workspace.reader()).get(id)
    if found is not None and found.text == text and seen in (None, text):
        raise Refused("nothing_changed")
    if seen is not None and seen != (found.text if found is not None else ""):
        raise Refused("pack_stale", pack=id)
    wrong = _blocking(check(workspace, id, text))
    if wrong:
        raise Refused("pack_invalid", wrong, pack=id, count=len(wrong))
    before = None if found is None else {"text": found.text, "based_on": found.based_on, "at": found.at}
    standing = based_on or (found.based_on if found is not None else "") or pack_text.parent(text)
    return _commit(workspace, id, before, {"text": text, "based_on": standing, "at": _now()}, why)


def copy(workspace: Workspace, id: str, new_id: str, why: str = "") -> LedgerLine:
    """A pack's own text under another id, standing on the same parent. Refused: "pack_there", as `keep`."""
    _free(workspace, new_id)
    text = pack_text.renamed(text_of(workspace, id), new_id)
    return keep(workspace, new_id, text, why, based_on=id, seen="")


def extend(
    workspace: Workspace,
    id: str,
    new_id: str,
    fills: Sequence[Fill] = (),
    why: str = "",
    *,
    title: Title | None = None,
    region: str | None = None,
    years: Sequence[int] | None = None,
) -> LedgerLine:
    """A pack of the workspace that extends `id` and fills some of its open fields."""
    _free(workspace, new_id)
    pack = load(workspace, id)
    text = pack_text.extension(pack, new_id, title=title, region=region, years=years)
    return keep(workspace, new_id, pack_text.filled(pack, text, fills), why, based_on=id, seen="")


def fill(workspace: Workspace, id: str, fills: Sequence[Fill], why: str = "") -> LedgerLine:
    """Open fields of a pack of the workspace filled in its own text; what else stands there stays as it is."""
    found = _known(workspace, id)
    return keep(workspace, id, pack_text.filled(load(workspace, id), found.text, fills), why, seen=found.text)


def drop(workspace: Workspace, id: str, why: str = "") -> LedgerLine:
    """Refused: "pack_unkept", "pack_extended" where another pack of the workspace extends it."""
    found = _known(workspace, id)
    needed = [one.id for one in stored(workspace.reader()).values() if one.id != id and pack_text.parent(one.text) == id]
    if needed:
        raise Refused("pack_extended", pack=id, by=", ".join(needed))
    return _commit(workspace, id, {"text": found.text, "based_on": found.based_on, "at": found.at}, None, why)


def free_id(workspace: Workspace, id: str) -> str:
    """An id made from `id` that nobody has: `ningde-2024-own`, `ningde-2024-own-2` ..."""
    taken = {*packs.shipped_ids(), *stored(workspace.reader())}
    base = re.sub(r"-own(-\d+)?$", "", id)[:50] + "-own"
    number = 1
    while (new := base if number == 1 else f"{base}-{number}") in taken:
        number += 1
    return new


# -- what they stand on ------------------------------------------------------------------------------------------


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _blocking(findings: Sequence[Finding]) -> list[Finding]:
    return [one for one in findings if one.severity == "blocked"]


def _known(workspace: Workspace, id: str) -> OwnPack:
    found = stored(workspace.reader()).get(id)
    if found is None:
        raise Refused("pack_unkept", pack=id)
    return found


def _free(workspace: Workspace, id: str) -> None:
    if id in packs.shipped_ids() or id in stored(workspace.reader()):
        raise Refused("pack_there", pack=id)


def _broken_by(own: Mapping[str, str], id: str, text: str) -> list[Finding]:
    """Packs of the workspace that stand on `id`, are sound now, and would not be with its new text."""
    after = {**own, id: text}
    said: list[Finding] = []
    for other in _standing_on(own, id):
        if _blocking(packs.check_text(own[other], other, own)):
            continue
        wrong = _blocking(packs.check_text(own[other], other, after))
        if wrong:
            first = wrong[0]
            said.append(Finding(
                "pack_breaks", "blocked", file=f"{other}.toml", row=first.row, column=first.column, value=first.value,
                subject=other, values={"count": str(len(wrong))},
            ))  # fmt: skip
    return said


def _standing_on(own: Mapping[str, str], id: str) -> list[str]:
    """Ids whose chain of parents has `id`, itself aside."""
    parents = {one: pack_text.parent(text) for one, text in own.items()}
    found: list[str] = []
    for one in parents:
        at, seen = parents[one], {one}
        while at and at not in seen and at != id:
            seen.add(at)
            at = parents.get(at, "")
        if at == id and one != id:
            found.append(one)
    return found


def _commit(
    workspace: Workspace, id: str, before: Mapping[str, str] | None, after: Mapping[str, str] | None, why: str
) -> LedgerLine:
    return workspace.ledger.commit(Edit("edit", id, (Change("rule_pack", {"id": id}, before, after),), why))
