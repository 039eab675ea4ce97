"""Coefficient sets: which one holds, what an institution's coefficient is on a day, edits, publishing.

A coefficient is base + bonuses - deductions, exact, each part as valid on the day; a part given for the fund
wins over the same part for `all`. Edits go through the ledger; publishing freezes a set under its hash.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING

from core.faults import Refused
from core.findings import Finding
from core.money import decimal, plain
from core.rules.cases import FUNDS
from core.storage import backups
from core.storage.ledger import Change, Edit, LedgerLine, Value

if TYPE_CHECKING:
    from core.rules.deriving import Limit
    from core.storage.workspace import Workspace

IMPORTED = "imported"  # the draft that imports write into
BASE, BONUS, DEDUCTION = "base", "bonus:", "deduction:"
# More decimals than any circular prints; beyond it 64-bit arithmetic over all cases would not be exact.
MOST_PLACES = 9
MOST = 1000  # no coefficient comes near it


@dataclass(frozen=True, slots=True)
class SetHead:
    """A set by name. `hash` is that of its content now; of a published one it can never change."""

    name: str
    state: str  # draft, published
    hash: str
    based_on: str
    at: str
    rows: int


@dataclass(frozen=True, slots=True)
class Part:
    """One part of an institution's coefficient from a day on. `day`: YYYYMMDD, 0 from the beginning."""

    code: str
    fund: str  # employee, resident, all
    name: str
    day: int
    value: Fraction
    basis: str = ""


@dataclass(frozen=True, slots=True)
class Timeline:
    """An institution's coefficient in one fund: from days[i] on it is values[i]; None where no base is valid."""

    days: tuple[int, ...]
    values: tuple[Fraction | None, ...]

    def at(self, day: int) -> Fraction | None:
        found = None
        for start, value in zip(self.days, self.values, strict=True):
            if start > day:
                break
            found = value
        return found


@dataclass(frozen=True, slots=True)
class Cell:
    """What an edit puts into one cell of the grid; value None takes the row away.

    seen: what the editor saw there, "" for an empty cell; another value by now refuses the edit. None: whatever is there.
    """

    code: str
    fund: str
    part: str
    value: str | None
    valid_from: str = ""
    basis: str = ""
    seen: str | None = None


def sets(connection: sqlite3.Connection) -> list[SetHead]:
    """All sets, the published ones from new to old, then the drafts."""
    return [_head(connection, *row) for row in _listed(connection)]


def choose(connection: sqlite3.Connection, name: str | None = None) -> SetHead | None:
    """The set that is named, else the latest published one, else the imported draft; None where there is none."""
    rows = _listed(connection)
    if name is None:
        name = next((row[0] for row in rows if row[1] == "published"), IMPORTED)
    found = next((row for row in rows if row[0] == name), None)
    return None if found is None else _head(connection, *found)


def _listed(connection: sqlite3.Connection) -> list[tuple[str, str, str, str]]:
    """Name, state, what it was based on and when, in the order of `sets`."""
    return connection.execute(
        "SELECT name, state, coalesce(based_on, ''), at FROM coefficient_set ORDER BY state DESC, at DESC, name"
    ).fetchall()


def _head(connection: sqlite3.Connection, name: str, state: str, based_on: str, at: str) -> SetHead:
    content = parts(connection, name)
    return SetHead(name, state, content_hash(content), based_on, at, len(content))


def parts(connection: sqlite3.Connection, name: str) -> list[Part]:
    """The content of a set in canonical order."""
    rows = connection.execute(
        "SELECT fixmedins_code, fund, part, valid_from, value, basis FROM coefficient"
        " WHERE set_name = ? ORDER BY 1, 2, 3, 4",
        (name,),
    )
    return [
        Part(code, fund, part, int(valid_from.replace("-", "")[:8] or 0), decimal(value), basis)
        for code, fund, part, valid_from, value, basis in rows
    ]


def content_hash(content: Sequence[Part]) -> str:
    """What a set says, whoever imported it and in whatever order; the basis is a remark and stays out."""
    said = sorted([part.code, part.fund, part.name, part.day, plain(part.value)] for part in content)
    return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest()


def altered(connection: sqlite3.Connection) -> list[Finding]:
    """Published sets whose content is not what was published."""
    published = connection.execute(
        "SELECT name, hash FROM coefficient_set WHERE state = 'published' ORDER BY name"
    ).fetchall()
    return [
        Finding("set_altered", "blocked", subject=name)
        for name, frozen in published
        if content_hash(parts(connection, name)) != frozen
    ]


def timelines(content: Sequence[Part], fund: str) -> dict[str, Timeline]:
    """Every institution's coefficient in a fund over time."""
    by_code: dict[str, list[Part]] = {}
    for part in content:
        if part.fund in (fund, "all"):
            by_code.setdefault(part.code, []).append(part)
    lines: dict[str, Timeline] = {}
    for code, own in by_code.items():
        days = tuple(sorted({part.day for part in own}))
        lines[code] = Timeline(days, tuple(on_day(own, fund, day) for day in days))
    return lines


def on_day(own: Sequence[Part], fund: str, day: int) -> Fraction | None:
    """One institution's coefficient on a day from its parts; None without a valid base."""
    valid = parts_on_day(own, fund, day)
    if BASE not in valid:
        return None
    total = Fraction(0)
    for name, part in valid.items():
        total += -part.value if name.startswith(DEDUCTION) else part.value
    return total


def parts_on_day(own: Sequence[Part], fund: str, day: int) -> dict[str, Part]:
    """The parts that make up one institution's coefficient on a day, by name."""
    valid: dict[str, Part] = {}
    for part in own:
        if part.day > day or part.fund not in (fund, "all"):
            continue
        kept = valid.get(part.name)
        if kept is None or (part.fund != "all", part.day) > (kept.fund != "all", kept.day):
            valid[part.name] = part
    return valid


def iso(day: int) -> str:
    """YYYYMMDD as a date; 0 is '', from the beginning."""
    return f"{day // 10000:04}-{day // 100 % 100:02}-{day % 100:02}" if day else ""


# -- changes -----------------------------------------------------------------------------------------------


def edit(
    workspace: Workspace, set_name: str, cells: Sequence[Cell], why: str = "", *, limits: Sequence[Limit] = ()
) -> LedgerLine:
    """Put cells into a draft: one edit, one undo. limits: a pack's, of which those that refuse are held.

    Refused: set_unknown, set_published, cells_refused (each with its finding), stale_edit (a cell is no longer as seen,
    both values in it and in the findings), nothing_changed.
    """
    connection = workspace.reader()
    state = state_of(connection, set_name)
    if state is None:
        raise Refused("set_unknown", set=set_name)
    if state == "published":
        raise Refused("set_published", set=set_name)
    known = {code for (code,) in connection.execute("SELECT fixmedins_code FROM institution")}
    asked = {(c.code, c.fund, c.part, c.valid_from): c for c in cells}
    findings = [finding for cell in asked.values() for finding in faults(cell, known)]
    if not findings:
        findings = [
            finding
            for finding in outside([cell for cell in asked.values() if cell.value is not None], limits)
            if finding.severity == "refused"
        ]
    if findings:
        raise Refused("cells_refused", findings, count=len(findings))
    there = _rows(connection, set_name)
    stale = [
        Finding("coefficient_stale", "refused", subject=cell.code, column=cell.part, value=found,
                values={"fund": cell.fund, "seen": cell.seen or "—", "day": cell.valid_from})
        for key, cell in asked.items()
        if cell.seen is not None and not _same(cell.seen, found := str(there[key]["value"]) if key in there else "")
    ]  # fmt: skip
    if stale:
        first = stale[0]
        raise Refused(
            "stale_edit", stale, table="coefficient", key=f"{first.subject}, {first.column}",
            expected=first.values["seen"], found=first.value or "—",
        )  # fmt: skip
    if any(limit.part_holds("k") for limit in limits) and (
        beyond := wholes_outside(parts(connection, set_name), asked.values(), limits)
    ):
        raise Refused("cells_refused", beyond, count=len(beyond))
    changes: list[Change] = []
    for place, cell in asked.items():
        key: dict[str, Value] = dict(zip(_KEY, (set_name, *place), strict=True))
        before = there.get(place)
        after: dict[str, Value] | None = None
        if cell.value is not None:
            after = {"value": plain(decimal(cell.value)), "basis": cell.basis, "batch_id": None, "row": None}
        if before is None and after is None:
            continue
        if before and after and all(before[name] == after[name] for name in ("value", "basis")):
            continue
        changes.append(Change("coefficient", key, before, after))
    if not changes:
        raise Refused("nothing_changed")
    return workspace.ledger.commit(Edit("edit", _subject(set_name, changes), tuple(changes), why))


def outside(cells: Sequence[Cell], limits: Sequence[Limit]) -> list[Finding]:
    """Cells beyond a pack's limits: refused or marked (a warning) by the pack's word."""
    said: list[Finding] = []
    for cell in cells:
        for limit in limits:
            if cell.value is not None and limit.part_holds(cell.part) and not limit.holds(decimal(cell.value)):
                said.append(
                    Finding(
                        "coefficient_outside", "refused" if limit.refuses else "warning", subject=cell.code,
                        column=cell.part, value=cell.value, values={"limits": limit.text, "cite": limit.cite},
                    )
                )  # fmt: skip
    return said


def wholes_outside(content: Sequence[Part], cells: Collection[Cell], limits: Sequence[Limit]) -> list[Finding]:
    """Institutions whose whole coefficient would leave limits that refuse on some day through these cells of a set's content,
    and was inside before."""
    codes = {cell.code for cell in cells}
    limits = [limit for limit in limits if limit.refuses and limit.part_holds("k")]
    before = [part for part in content if part.code in codes]
    after = {(part.code, part.fund, part.name, part.day): part for part in before}
    for cell in cells:
        key = (cell.code, cell.fund, cell.part, int(cell.valid_from.replace("-", "") or 0))
        after.pop(key, None)
        if cell.value is not None:
            after[key] = Part(*key, decimal(cell.value))
    said: dict[str, Finding] = {}
    for fund in FUNDS:
        was, becomes = timelines(before, fund), timelines(list(after.values()), fund)
        for code in sorted(codes & becomes.keys()):
            old = set(was[code].values) if code in was else set[Fraction | None]()
            for value in becomes[code].values:
                broken = [limit for limit in limits if value is not None and value not in old and not limit.holds(value)]
                if broken and value is not None:
                    said.setdefault(code, Finding(
                        "coefficient_outside", "refused", subject=code, column="k", value=plain(value),
                        values={"limits": broken[0].text, "cite": broken[0].cite},
                    ))  # fmt: skip
    return list(said.values())


def draft(workspace: Workspace, name: str, based_on: str = "", why: str = "") -> LedgerLine:
    """A new draft with the content of any other set, to be edited; without one, empty.

    Refused: set_unnamed, set_unknown (of based_on), set_exists, set_is_scenario.
    """
    connection = workspace.reader()
    if based_on and state_of(connection, based_on) is None:
        raise Refused("set_unknown", set=based_on)
    _free(connection, name)
    head: dict[str, Value] = {"state": "draft", "based_on": based_on, "hash": None, "at": _now(connection)}
    changes = [Change("coefficient_set", {"name": name}, None, head)]
    for row in connection.execute(
        f"SELECT {', '.join(_KEY + _OTHERS)} FROM coefficient WHERE set_name = ? ORDER BY 2, 3, 4, 5",
        (based_on,),
    ):
        key: dict[str, Value] = dict(zip(_KEY, (name, *row[1 : len(_KEY)]), strict=True))
        changes.append(Change("coefficient", key, None, dict(zip(_OTHERS, row[len(_KEY) :], strict=True))))
    return workspace.ledger.commit(Edit("edit", name, tuple(changes), why))


def publish(workspace: Workspace, source: str, name: str, why: str = "") -> SetHead:
    """Freeze a set's content under a new name and its hash. It cannot be undone: runs name it.

    Refused: set_unnamed, set_unknown (of source), set_exists, set_is_scenario, set_empty.
    """
    connection = workspace.reader()
    if state_of(connection, source) is None:
        raise Refused("set_unknown", set=source)
    _free(connection, name)
    content = parts(connection, source)
    if not content:
        raise Refused("set_empty", set=source)
    frozen, at = content_hash(content), _now(connection)
    backups.before(workspace, "publication")
    with workspace.transaction("publish", name) as writer:
        writer.execute("INSERT INTO coefficient_set VALUES (?, 'draft', ?, NULL, ?)", (name, source, at))
        writer.execute(
            "INSERT INTO coefficient (set_name, fixmedins_code, fund, part, valid_from, value, basis, batch_id, row)"
            " SELECT ?, fixmedins_code, fund, part, valid_from, value, basis, batch_id, row"
            " FROM coefficient WHERE set_name = ?",
            (name, source),
        )
        writer.execute(
            "UPDATE coefficient_set SET state = 'published', hash = ? WHERE name = ?", (frozen, name)
        )
        workspace.ledger.record(writer, "publish", f"{name} {frozen[:16]}", (), why)
    return SetHead(name, "published", frozen, source, at, len(content))


def _free(connection: sqlite3.Connection, name: str) -> None:
    """A name for a new set; what a scenario is called would be taken for it."""
    if not name.strip() or name != name.strip():
        raise Refused("set_unnamed", set=name)
    if state_of(connection, name) is not None:
        raise Refused("set_exists", set=name)
    if connection.execute("SELECT 1 FROM scenario WHERE name = ?", (name,)).fetchone():
        raise Refused("set_is_scenario", set=name)


def faults(cell: Cell, known: Collection[str]) -> list[Finding]:
    """What is wrong with a cell, each with what to do."""
    said: list[Finding] = []
    if cell.code not in known:
        said.append(Finding("coefficient_institution_unknown", "refused", subject=cell.code))
    if cell.fund not in (*FUNDS, "all"):
        said.append(Finding("coefficient_fund_unknown", "refused", subject=cell.code, value=cell.fund))
    named = (BONUS, DEDUCTION)
    if cell.part != BASE and not (cell.part.startswith(named) and cell.part.partition(":")[2].strip()):
        said.append(Finding("coefficient_part_unknown", "refused", subject=cell.code, value=cell.part))
    if cell.valid_from:
        try:  # Python reads 20240701 and 2024-W27-1 as well; a day that is written in two ways would be two rows
            written = date.fromisoformat(cell.valid_from).isoformat() == cell.valid_from
        except ValueError:
            written = False
        if not written:
            said.append(
                Finding("coefficient_day_unreadable", "refused", subject=cell.code, value=cell.valid_from)
            )
    if cell.value is not None:
        try:
            value = decimal(cell.value)
        except ValueError:
            said.append(Finding("coefficient_unreadable", "refused", subject=cell.code, value=cell.value))
        else:
            if value < 0 or (value * 10**MOST_PLACES).denominator != 1 or value >= MOST:
                said.append(
                    Finding("coefficient_out_of_range", "refused", subject=cell.code, value=cell.value)
                )
    return said


def _subject(set_name: str, changes: Sequence[Change]) -> str:
    codes = sorted({str(change.key["fixmedins_code"]) for change in changes})
    return f"{set_name}: {codes[0]}" + (f" +{len(codes) - 1}" if len(codes) > 1 else "")


def state_of(connection: sqlite3.Connection, name: str) -> str | None:
    """draft, published; None: no such set."""
    found = connection.execute("SELECT state FROM coefficient_set WHERE name = ?", (name,)).fetchone()
    return found[0] if found else None


_KEY: tuple[str, ...] = ("set_name", "fixmedins_code", "fund", "part", "valid_from")
_OTHERS = ("value", "basis", "batch_id", "row")


def _rows(connection: sqlite3.Connection, set_name: str) -> dict[tuple[Value, ...], dict[str, Value]]:
    """A set's rows by institution, fund, part and day, as the ledger wants them."""
    found = connection.execute(
        f"SELECT {', '.join(_KEY[1:] + _OTHERS)} FROM coefficient WHERE set_name = ?", (set_name,)
    )
    width = len(_KEY) - 1
    return {row[:width]: dict(zip(_OTHERS, row[width:], strict=True)) for row in found}


def _same(seen: str, found: str) -> bool:
    """Whether two texts of a cell are one value: 1.0 is 1.00, empty is empty."""
    try:
        return decimal(seen) == decimal(found)
    except ValueError:
        return seen.strip() == found


def _now(connection: sqlite3.Connection) -> str:
    """The time, never before that of a set that is there: which one was published last does not hang on the clock."""
    now = datetime.now(UTC)
    row = connection.execute("SELECT max(at) FROM coefficient_set").fetchone()
    if row and row[0]:
        with suppress(ValueError):
            now = max(now, datetime.fromisoformat(row[0]).astimezone(UTC) + timedelta(microseconds=1))
    return now.isoformat(timespec="microseconds")
