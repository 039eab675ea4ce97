"""The catalogue library: every version that a region used or drafts, and what is kept beside it.

A version arrives by import, or is made here as a draft, which arrives as a batch as a file would: withdrawing, returning and
undo work the same. Publishing freezes a version with its bands and exclusion lists under the hash of its content.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.catalogue.entries import ATTRIBUTES, KINDS, STAGES, Band, CodeMap, Entries, Entry, Exclusions
from core.faults import Refused
from core.findings import Finding
from core.money import decimal, plain
from core.storage import backups, batches
from core.storage.ledger import Change, Edit, LedgerLine, Value, arrival

if TYPE_CHECKING:
    from core.storage.workspace import Workspace

VERSIONS = Path(__file__).with_name("versions.sql").read_text("utf-8")
IMPORTED, DRAFT, PUBLISHED = "imported", "draft", "published"
MOST_PLACES = 12  # decimals of a derived score or factor that is stored; beyond it nothing a circular says


@dataclass(frozen=True, slots=True)
class Version:
    """A version by name. kinds: entries of each kind. file, batch_id: what its first rows came with. hash: of a
    published one, of its content when it was."""

    name: str
    year: int
    state: str  # imported, draft, published
    based_on: str
    method: Mapping[str, object]
    hash: str
    entries: int
    kinds: Mapping[str, int]
    file: str
    batch_id: int


@dataclass(frozen=True, slots=True)
class Cell:
    """What an edit puts into one cell of an entry; value None empties it. Without column: the entry goes."""

    dip_code: str
    column: str
    value: str | None


def versions(connection: sqlite3.Connection) -> list[Version]:
    """All that hold an entry, by year and name."""
    found: dict[str, Version] = {}
    for name, year, state, based_on, method, digest, kind, count, batch in connection.execute(VERSIONS):
        before = found.get(name)
        if before is None:
            found[name] = Version(
                name, year, state, based_on, json.loads(method), digest, count, {kind: count}, "", batch
            )
        else:
            found[name] = replace(
                before,
                year=min(before.year, year),
                entries=before.entries + count,
                kinds={**before.kinds, kind: count},
                batch_id=min(before.batch_id, batch),
            )
    files = dict(connection.execute("SELECT id, file FROM batch WHERE kind = 'catalogue'").fetchall())
    named = [replace(one, file=files.get(one.batch_id, "")) for one in found.values()]
    return sorted(named, key=lambda one: (one.year, one.name))


def choose(connection: sqlite3.Connection, year: int, wanted: str | None = None) -> str:
    """The version that is named, else the only one of the year that is no draft.

    Refused, with the finding: catalogue_unknown, catalogue_missing, catalogue_several.
    """
    there = versions(connection)
    if wanted is not None:
        if wanted not in {one.name for one in there}:
            known = ", ".join(one.name for one in there)
            raise _blocked("catalogue_unknown", wanted, known=known)
        return wanted
    of_year = [one.name for one in there if one.year == year and one.state != DRAFT]
    if len(of_year) != 1:
        code = "catalogue_several" if of_year else "catalogue_missing"
        raise _blocked(code, ", ".join(of_year), year=str(year))
    return of_year[0]


def _blocked(code: str, value: str, **values: str) -> Refused:
    return Refused(code, [Finding(code, "blocked", value=value, values=values)], value=value, **values)


def version_of(connection: sqlite3.Connection, name: str) -> Version:
    """One version. Refused: catalogue_unknown."""
    found = next((one for one in versions(connection) if one.name == name), None)
    return found or version_of(connection, choose(connection, 0, name))


_COLUMNS = (
    "dip_code, dip_name, kind, stage, diag_code, oprn_code, rel_oprn_code, oth_diag_code, condition, attribute, score,"
    " mean_fee, mean_days, coef_1, coef_2, coef_3, primary_care, equal_to, drug_score, consumable_score, cases, cv, row"
)


def entries(connection: sqlite3.Connection, version: str) -> Entries:
    """The version whole. Refused: catalogue_unknown."""
    found = connection.execute(
        f"SELECT {_COLUMNS}, year FROM catalogue WHERE version = ? ORDER BY dip_code", (version,)
    ).fetchall()
    if not found:
        choose(connection, 0, version)
    return Entries(version, min(row[-1] for row in found), tuple(_entry(*row[:-1]) for row in found))


@lru_cache(1 << 16)
def _exact(text: str) -> Fraction:
    return decimal(text)


def _number(text: str | None) -> Fraction | None:
    return _exact(text) if text else None


def _entry(
    dip_code: str, dip_name: str, kind: str, stage: str | None, diag_code: str | None, oprn_code: str | None,
    rel_oprn_code: str | None, oth_diag_code: str | None, condition: str | None, attribute: str | None, score: str | None,
    mean_fee: int | None, mean_days: str | None, one: str | None, two: str | None, three: str | None,
    primary_care: int | None, equal_to: str | None, drug: str | None, consumable: str | None, cases: int | None,
    cv: str | None, row: int | None,
) -> Entry:  # fmt: skip
    """From the columns of _COLUMNS."""
    return Entry(
        dip_code, dip_name, kind, stage or "", diag_code or "", oprn_code or "", rel_oprn_code or "", oth_diag_code or "",
        condition or "", attribute or "", _number(score), mean_fee or 0, _number(mean_days),
        (_number(one), _number(two), _number(three)), kind == "primary_care" or primary_care == 1, equal_to or "",
        _number(drug), _number(consumable), cases, _number(cv), row or 0,
    )  # fmt: skip


# What is kept beside a version: its own, else the only one of the year


def bands(connection: sqlite3.Connection, version: str, year: int) -> list[Band]:
    """The auxiliary bands that go with a version. Refused: auxiliary_several."""
    own = _beside(connection, "auxiliary", version, year)
    found = connection.execute(
        "SELECT dip_code, type, band, factor, mean_fee FROM auxiliary WHERE version = ? ORDER BY 1, 2, 3", (own,)
    )
    return [Band(code, kind, band, decimal(factor), fee or 0) for code, kind, band, factor, fee in found]


def exclusions(connection: sqlite3.Connection, version: str, year: int) -> Exclusions:
    """The exclusion lists that go with a version. Refused: exclusions_several."""
    own = _beside(connection, "exclusion", version, year)
    lists: dict[str, set[str]] = {"diagnosis": set(), "operation": set()}
    for name, code in connection.execute("SELECT list, code FROM exclusion WHERE version = ?", (own,)):
        lists[name].add(code)
    return Exclusions(frozenset(lists["diagnosis"]), frozenset(lists["operation"]))


def _beside(connection: sqlite3.Connection, table: str, version: str, year: int) -> str | None:
    """Under which version a list stands that goes with this one; what was made with another version counts for nobody else,
    published or not: publishing changes no clearing."""
    there = [
        name
        for (name,) in connection.execute(
            f"SELECT DISTINCT version FROM {table} WHERE version = ? OR (year = ? AND batch_id NOT IN"
            " (SELECT id FROM batch WHERE kind = 'catalogue')) ORDER BY 1",
            (version, year),
        )
    ]
    if version in there:
        return version
    if len(there) > 1:
        code = "auxiliary_several" if table == "auxiliary" else "exclusions_several"
        raise _blocked(code, ", ".join(there), catalogue=version)
    return there[0] if there else None


def attributes(connection: sqlite3.Connection) -> dict[str, str]:
    """Attribute of each operation code: conservative, diagnostic, therapeutic, surgery, intervention."""
    found = connection.execute("SELECT oprn_code, attribute FROM operation WHERE attribute IS NOT NULL")
    return dict(found)


def code_maps(connection: sqlite3.Connection, system: str) -> list[CodeMap]:
    """Codes between editions. system: diagnosis, operation, group."""
    found = connection.execute(
        "SELECT system, from_edition, from_code, to_edition, to_code, coalesce(note, '') FROM code_map"
        " WHERE system = ? ORDER BY 2, 3, 4, 5",
        (system,),
    )
    return [CodeMap(*row) for row in found]


# Drafts, edits, publishing


def store_draft(
    workspace: Workspace,
    name: str,
    year: int,
    rows: Sequence[Entry],
    *,
    based_on: str = "",
    method: Mapping[str, object],
    bands: Sequence[Band] = (),
    why: str = "",
) -> LedgerLine:
    """A new draft version, whole: one batch, one line, one undo. The exclusion lists of `based_on` come with it.

    method: how it was made, plain JSON; its "by" is what the batch is called. Numbers have at most MOST_PLACES decimals.
    Refused: version_unnamed, version_exists, catalogue_unknown (of based_on), entries_refused with what is wrong.
    """
    connection = workspace.reader()
    name = name.strip()
    if not name:
        raise Refused("version_unnamed")
    if name in {one.name for one in versions(connection)}:
        raise Refused("version_exists", version=name)
    listed: list[tuple[str, str, str | None]] = []
    if based_on:
        base = version_of(connection, based_on)
        source = _beside(connection, "exclusion", based_on, base.year)
        listed = connection.execute(
            "SELECT list, code, note FROM exclusion WHERE version = ? ORDER BY 1, 2", (source,)
        ).fetchall()
    found = _faults_of(rows, bands)
    if found:
        raise Refused("entries_refused", found, count=len(found))
    ordered = sorted(rows, key=lambda entry: entry.dip_code)
    told = json.dumps(dict(method), ensure_ascii=False, sort_keys=True)
    with workspace.transaction("draft", name) as writer:
        digest = _hash([name, year, based_on, told], ordered, bands, [row[:2] for row in listed])
        by = str(method.get("by") or name)
        batch = batches.begin(writer, "catalogue", by, "", digest, year, {}, "")
        writer.executemany(
            f"INSERT INTO catalogue (version, year, batch_id, {_COLUMNS})"
            f" VALUES (?, ?, ?, {', '.join('?' * len(_COLUMNS.split(',')))})",
            ((name, year, batch, *_stored(entry), place) for place, entry in enumerate(ordered, start=1)),
        )
        writer.executemany(
            "INSERT INTO auxiliary (version, year, dip_code, type, band, factor, mean_fee, batch_id, row)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (name, year, one.dip_code, one.type, one.band, _text(one.factor), one.mean_fee or None, batch, place)
                for place, one in enumerate(bands, start=1)
            ),
        )
        writer.executemany(
            "INSERT INTO exclusion (version, year, list, code, note, batch_id, row) VALUES (?, ?, ?, ?, ?, ?, ?)",
            ((name, year, *row, batch, place) for place, row in enumerate(listed, start=1)),
        )
        count = len(ordered) + len(bands) + len(listed)
        batches.finish(writer, batch, count, count, 0)
        head: dict[str, Value] = {
            "year": year,
            "state": DRAFT,
            "based_on": based_on,
            "method": told,
            "hash": None,
            "batch_id": batch,
            "at": _now(),
        }
        change = _put_head(writer, name, head)
        # Turned back from the end: the batch goes first, which says so where the version is published.
        return workspace.ledger.record(writer, "draft", name, (change, arrival(batch)), why)


def _put_head(writer: sqlite3.Connection, name: str, head: Mapping[str, Value]) -> Change:
    """Write a version's head; one may be left of a draft whose batch was withdrawn."""
    before = _head(writer, name)
    writer.execute("DELETE FROM catalogue_version WHERE version = ?", (name,))
    columns = ", ".join(("version", *head))
    marks = ", ".join("?" * (len(head) + 1))
    writer.execute(f"INSERT INTO catalogue_version ({columns}) VALUES ({marks})", (name, *head.values()))
    return Change("catalogue_version", {"version": name}, before, head)


def _head(connection: sqlite3.Connection, name: str) -> dict[str, Value] | None:
    cursor = connection.execute("SELECT * FROM catalogue_version WHERE version = ?", (name,))
    row = cursor.fetchone()
    if row is None:
        return None
    named = dict(zip((column[0] for column in cursor.description), row, strict=True))
    del named["version"]
    return named


def _stored(entry: Entry) -> tuple[Value, ...]:
    """As the columns of _COLUMNS but the last."""
    one, two, three = entry.coefficients
    return (
        entry.dip_code,
        entry.dip_name,
        entry.kind,
        entry.stage or None,
        entry.diag_code or None,
        entry.oprn_code or None,
        entry.rel_oprn_code or None,
        entry.oth_diag_code or None,
        entry.condition or None,
        entry.attribute or None,
        _text(entry.score),
        entry.mean_fee or None,
        _text(entry.mean_days),
        _text(one),
        _text(two),
        _text(three),
        int(entry.primary_care),
        entry.equal_to or None,
        _text(entry.drug_score),
        _text(entry.consumable_score),
        entry.cases,
        _text(entry.cv),
    )


def _text(value: Fraction | None) -> str | None:
    return None if value is None else plain(value)


def _fits(value: Fraction) -> bool:
    return (value * 10**MOST_PLACES).denominator == 1


def _faults_of(rows: Sequence[Entry], bands: Sequence[Band]) -> list[Finding]:
    """What keeps entries from being a version, each under its code."""
    said: list[Finding] = []

    def say(code: str, entry: str, column: str, value: object = "") -> None:
        said.append(Finding(code, "refused", subject=entry, column=column, value=str(value)))

    if not rows:
        say("version_empty", "", "")
    seen: set[str] = set()
    for entry in rows:
        code = entry.dip_code
        if not code or code in seen:
            say("entry_repeated" if code else "entry_value_missing", code, "dip_code", code)
        seen.add(code)
        if not entry.dip_name:
            say("entry_value_missing", code, "dip_name")
        for column, value, known in (
            ("kind", entry.kind, KINDS),
            ("stage", entry.stage, ("", *STAGES)),
            ("attribute", entry.attribute, ("", *ATTRIBUTES)),
        ):
            if value not in known:
                say("entry_word_unknown", code, column, value)
        if entry.score is None:
            say("entry_value_missing", code, "score")
        numbers = {
            "score": entry.score,
            "mean_days": entry.mean_days,
            **dict(zip(("coef_1", "coef_2", "coef_3"), entry.coefficients, strict=True)),
            "drug_score": entry.drug_score,
            "consumable_score": entry.consumable_score,
            "cv": entry.cv,
        }
        for column, number in numbers.items():
            if number is not None and (number < 0 or not _fits(number)):
                say("entry_number_unfit", code, column, number)
    of_bands: set[tuple[str, str, str]] = set()
    for band in bands:
        key = (band.dip_code, band.type, band.band)
        if band.dip_code not in seen:
            say("band_without_entry", band.dip_code, "band", f"{band.type}:{band.band}")
        if key in of_bands or band.factor <= 0 or not _fits(band.factor):
            say("band_unfit", band.dip_code, "factor", f"{band.type}:{band.band} {band.factor}")
        of_bands.add(key)
    return said


# Column of the table -> what kind of text it holds
_CELLS: Mapping[str, str] = {
    "dip_name": "text", "kind": "word", "stage": "word", "diag_code": "text", "oprn_code": "text", "rel_oprn_code": "text",
    "oth_diag_code": "text", "condition": "text", "attribute": "word", "score": "number", "mean_fee": "int",
    "mean_days": "number", "coef_1": "number", "coef_2": "number", "coef_3": "number", "primary_care": "int",
    "equal_to": "text", "drug_score": "number", "consumable_score": "number", "cases": "int", "cv": "number",
}  # fmt: skip


def edit(workspace: Workspace, version: str, cells: Sequence[Cell], why: str = "") -> LedgerLine:
    """Put cells into a version that is not published: one edit, one undo. mean_fee in fen. An unknown dip_code
    is a new entry.

    Refused: catalogue_unknown, version_published, cells_refused with what is wrong, nothing_changed.
    """
    connection = workspace.reader()
    head = version_of(connection, version)
    if head.state == PUBLISHED:
        raise Refused("version_published", version=version)
    by_code: dict[str, list[Cell]] = {}
    for cell in cells:
        by_code.setdefault(cell.dip_code, []).append(cell)
    changes: list[Change] = []
    said: list[Finding] = []
    for code, own in sorted(by_code.items()):
        key: dict[str, Value] = {"version": version, "dip_code": code}
        before = _row(connection, key)
        after = _edited(head, before, own, said)
        if after is None and before is None:
            continue
        if after is None or before is None:
            changes.append(Change("catalogue", key, before, after))
        elif differing := {name: value for name, value in after.items() if before[name] != value}:
            changes.append(Change("catalogue", key, {name: before[name] for name in differing}, differing))
    if said:
        raise Refused("cells_refused", said, count=len(said))
    if not changes:
        raise Refused("nothing_changed")
    subject = f"{version}: {changes[0].key['dip_code']}" + (f" +{len(changes) - 1}" if len(changes) > 1 else "")
    return workspace.ledger.commit(Edit("edit", subject, tuple(changes), why))


def _edited(
    head: Version, before: Mapping[str, Value] | None, cells: Sequence[Cell], said: list[Finding]
) -> dict[str, Value] | None:
    """An entry's row after the cells; None where it goes. What cannot be goes to `said`."""
    code = cells[0].dip_code
    after: dict[str, Value] | None = (
        dict.fromkeys(_CELLS) | {"year": head.year, "batch_id": head.batch_id, "row": 0} if before is None else dict(before)
    )
    for cell in cells:
        if not cell.column:
            after = None
            continue
        if after is None:
            after = dict.fromkeys(_CELLS) | {"year": head.year, "batch_id": head.batch_id, "row": 0}
        kind = _CELLS.get(cell.column)
        text = (cell.value or "").strip()
        value: Value = text or None
        try:
            if kind is None:
                raise ValueError(cell.column)
            if text and kind == "number":
                value = plain(decimal(text))
            elif text and kind == "int":
                value = int(text)
        except ValueError:
            said.append(Finding("entry_cell_unreadable", "refused", column=cell.column, value=text, subject=code))
            continue
        after[cell.column] = value
    if after is not None:
        row: list[Any] = [code, *(after[name] for name in _NAMES[1:])]
        with suppress(ValueError):  # then the cell is among the findings
            said += _faults_of([_entry(*row)], ())
    return after


_NAMES = [name.strip() for name in _COLUMNS.split(",")]


def _row(connection: sqlite3.Connection, key: Mapping[str, Value]) -> dict[str, Value] | None:
    names = ["year", "batch_id", "row", *_CELLS]
    found = connection.execute(
        f"SELECT {', '.join(names)} FROM catalogue WHERE version = ? AND dip_code = ?", tuple(key.values())
    ).fetchone()
    return dict(zip(names, found, strict=True)) if found else None


def publish(workspace: Workspace, version: str, why: str = "") -> Version:
    """Freeze a version with its bands and exclusion lists under the hash of its content. It cannot be undone: runs name it.

    Refused: catalogue_unknown, version_published.
    """
    connection = workspace.reader()
    found = version_of(connection, version)
    if found.state == PUBLISHED:
        raise Refused("version_published", version=version)
    digest = content_hash(connection, version)
    backups.before(workspace, "publication")
    with workspace.transaction("publish", version) as writer:
        head: dict[str, Value] = {
            "year": found.year,
            "state": PUBLISHED,
            "based_on": found.based_on,
            "method": json.dumps(dict(found.method), ensure_ascii=False, sort_keys=True),
            "hash": digest,
            "batch_id": None,
            "at": _now(),
        }
        change = _put_head(writer, version, head)
        workspace.ledger.record(writer, "publish", f"{version} {digest[:16]}", (change,), why)
    return replace(found, state=PUBLISHED, hash=digest)


def content_hash(connection: sqlite3.Connection, version: str) -> str:
    """What a version says, its own bands and exclusion lists included, whoever imported it and in whatever order."""
    whole = entries(connection, version)
    own = connection.execute("SELECT 1 FROM auxiliary WHERE version = ? LIMIT 1", (version,)).fetchone()
    beside = bands(connection, version, whole.year) if own else []
    listed = connection.execute(
        "SELECT list, code FROM exclusion WHERE version = ? ORDER BY 1, 2", (version,)
    ).fetchall()
    return _hash([version, whole.year], whole.rows, beside, listed)


def _hash(
    head: Sequence[object],
    rows: Sequence[Entry],
    beside: Sequence[Band],
    listed: Sequence[tuple[str, ...]],
) -> str:
    said = [
        list(head),
        sorted(_stored(entry) for entry in rows),
        sorted((one.dip_code, one.type, one.band, plain(one.factor), one.mean_fee) for one in beside),
        sorted(listed),
    ]
    return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest()


def altered(connection: sqlite3.Connection) -> list[Finding]:
    """Published versions whose content is not what was published."""
    published = connection.execute(
        "SELECT version, hash FROM catalogue_version WHERE state = 'published' ORDER BY 1"
    ).fetchall()
    there = {one.name for one in versions(connection)}
    return [
        Finding("catalogue_altered", "blocked", subject=name)
        for name, frozen in published
        if name not in there or content_hash(connection, name) != frozen
    ]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")
