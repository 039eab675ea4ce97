"""Scenarios: changes under a name, kept in the workspace through the ledger, cleared on demand, laid side by side.

A scenario is no set, no version and no run: it names the state it stands on, its clearing is stamped with it and is never
stored among the runs, and no scenario may carry a set's name.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from core.faults import Refused
from core.findings import Finding
from core.money import total
from core.progress import SILENT, Progress, step
from core.rules.cases import FUNDS
from core.rules.sheet import Clearing
from core.settlement import annual, coefficients, own_packs
from core.settlement.changes import Changes
from core.settlement.whatif import Outcome, Pool
from core.settlement.whatif_sheets import named, sheet
from core.storage.ledger import Change, Edit, LedgerLine, Value
from core.texts import LANGUAGES, Texts
from core.worksheet import Column, Kind

if TYPE_CHECKING:
    from core.rules.circular import Pack
    from core.storage.workspace import Workspace
    from core.worksheet import Worksheet

_COLUMNS = ("name", "year", "pack", "set_name", "catalogue", "grouping", "changes", "note", "at")


@dataclass(frozen=True, slots=True)
class Scenario:
    """pack: id or path. set_name, catalogue: "" for what a clearing would take by itself."""

    name: str
    year: int
    pack: str
    changes: Changes
    set_name: str = ""
    catalogue: str = ""
    grouping: str = "official"
    note: str = ""
    at: str = ""


def stored(connection: sqlite3.Connection) -> list[Scenario]:
    """All scenarios by name."""
    rows = connection.execute(f"SELECT {', '.join(_COLUMNS)} FROM scenario ORDER BY name").fetchall()
    return [_scenario(row) for row in rows]


def find(connection: sqlite3.Connection, name: str) -> Scenario | None:
    row = connection.execute(f"SELECT {', '.join(_COLUMNS)} FROM scenario WHERE name = ?", (name,)).fetchone()
    return _scenario(row) if row else None


def of(pool: Pool, name: str, changes: Changes, note: str = "", pack: str = "") -> Scenario:
    """What was tried on a pool, under a name. pack: its path, where it is none of the shipped ones."""
    own = Changes(parameters=pool.pack.changed) | changes
    return Scenario(
        name, pool.year, pack or pool.pack.id, own, pool.set_name, pool.standing.version, pool.grouping, note
    )


def keep(workspace: Workspace, scenario: Scenario, why: str = "", *, new: bool = False) -> LedgerLine:
    """Store it, in place of one of the same name unless it shall be a new one. Refused: scenario_unnamed, scenario_is_set,
    scenario_empty, nothing_changed, scenario_exists."""
    _named(workspace.reader(), scenario.name)
    if not scenario.changes:
        raise Refused("scenario_empty", name=scenario.name)
    before = _row(workspace.reader(), scenario.name)
    if new and before is not None:
        raise Refused("scenario_exists", name=scenario.name)
    said: dict[str, Value] = {
        "year": scenario.year,
        "pack": scenario.pack,
        "set_name": scenario.set_name,
        "catalogue": scenario.catalogue,
        "grouping": scenario.grouping,
        "changes": scenario.changes.text,
        "note": scenario.note,
    }
    if before is not None and all(before[name] == value for name, value in said.items()):
        raise Refused("nothing_changed")
    after = {**said, "at": datetime.now(UTC).isoformat(timespec="microseconds")}
    return _commit(workspace, scenario.name, [Change("scenario", {"name": scenario.name}, before, after)], why)


def drop(workspace: Workspace, name: str, why: str = "") -> LedgerLine:
    """Refused: scenario_unknown."""
    return _commit(workspace, name, [Change("scenario", {"name": name}, _known(workspace, name), None)], why)


def rename(workspace: Workspace, name: str, new: str, why: str = "") -> LedgerLine:
    """One edit, one undo. Refused: scenario_unknown, scenario_exists, and as `keep` of the new name."""
    row = _known(workspace, name)
    _named(workspace.reader(), new)
    if find(workspace.reader(), new) is not None:
        raise Refused("scenario_exists", name=new)
    changes = [Change("scenario", {"name": name}, row, None), Change("scenario", {"name": new}, None, row)]
    return _commit(workspace, f"{name} → {new}", changes, why)


def clear(
    workspace: Workspace,
    name: str,
    *,
    year: int | None = None,
    pack: Pack | None = None,
    funds: Sequence[str] = FUNDS,
    progress: Progress = SILENT,
) -> Clearing:
    """The scenario's full clearing, stamped with its name and changes; nothing is stored.

    year, pack: what the caller thinks it is of. Refused: scenario_unknown, scenario_other_year, scenario_other_pack, and as
    a clearing is.
    """
    _known(workspace, name)
    one = find(workspace.reader(), name)
    assert one is not None
    own = own_packs.load(workspace, one.pack) if pack is None else pack
    for what, said, held in (("year", year, one.year), ("pack", own.id, _id(workspace, one.pack))):
        if said is not None and str(said) != str(held):
            raise Refused(f"scenario_other_{what}", name=name, said=str(said), held=str(held))
    return annual.clear(
        workspace,
        one.year,
        own,
        funds=funds,
        set_name=one.set_name or None,
        catalogue=one.catalogue or None,
        grouping=one.grouping,
        changes=one.changes,
        scenario=one.name,
        progress=progress,
        store=False,
    )


# -- side by side --------------------------------------------------------------------------------------------


def outcomes(pool: Pool, tried: Mapping[str, Changes], progress: Progress = SILENT) -> dict[str, Outcome]:
    """Each of the changes on the pool, by name. Refused as an outcome is, naming the scenario."""
    found: dict[str, Outcome] = {}
    for done, (name, changes) in enumerate(tried.items()):
        step(progress, "scenarios", done, len(tried))
        try:
            found[name] = pool.outcome(changes, progress)
        except Refused as refused:
            findings = [replace(one, values={**one.values, "scenario": name}) for one in refused.findings]
            raise Refused("scenario_refused", findings, name=name, count=len(findings)) from refused
    return found


def compare(
    workspace: Workspace,
    names: Sequence[str],
    *,
    figure: str = "due",
    lang: str = "",
    progress: Progress = SILENT,
) -> Worksheet:
    """Stored scenarios side by side. Refused: scenario_unknown; scenarios_differ where they stand on different states."""
    found: list[Scenario] = []
    for name in names:
        _known(workspace, name)
        one = find(workspace.reader(), name)
        assert one is not None
        found.append(one)
    stands = {(one.year, one.pack, one.set_name, one.catalogue, one.grouping) for one in found}
    if len(stands) != 1:
        said = [
            Finding(
                "scenario_stands_on", "refused", subject=one.name,
                values={"year": str(one.year), "pack": one.pack, "set": one.set_name, "catalogue": one.catalogue},
            )
            for one in found
        ]  # fmt: skip
        raise Refused("scenarios_differ", said, count=len(stands))
    first = found[0]
    pool = Pool.open(
        workspace,
        first.year,
        own_packs.load(workspace, first.pack),
        set_name=first.set_name or None,
        catalogue=first.catalogue or None,
        grouping=first.grouping,
        progress=progress,
    )
    return side_by_side(pool, outcomes(pool, {one.name: one.changes for one in found}, progress), figure, lang)


def side_by_side(pool: Pool, tried: Mapping[str, Outcome], figure: str = "due", lang: str = "") -> Worksheet:
    """One row an institution and fund: a figure of `whatif.FIGURES` as it is, and under each scenario with its change.
    keys: FUND.CODE"""
    texts = Texts(lang)
    unit = next((one.unit for one in pool.pack.scope("institution") if one.id == figure), "")
    unit = "" if unit == "coefficient" else unit
    summed = figure != "coefficient"
    title = pool.pack.title_of("institution", figure)
    columns = [named(id, kind) for id, kind in _HEAD]
    columns.append(_titled("now", {lang: Texts(lang)("whatif.before_of", what=title[lang]) for lang in LANGUAGES}, unit, summed))
    for i, name in enumerate(tried):
        columns.append(_titled(f"tried_{i}", dict.fromkeys(LANGUAGES, name), unit, summed))
        change = {lang: Texts(lang)("whatif.change_of", what=name) for lang in LANGUAGES}
        columns.append(_titled(f"change_{i}", change, unit, summed))
    lines: list[list[object]] = []
    keys: list[str] = []
    by_key = [
        {(gain.fund, gain.code): gain for gain in outcome.gains()} for outcome in (pool.outcome(), *tried.values())
    ]
    for fund, code in sorted(by_key[0], key=lambda key: (FUNDS.index(key[0]), key[1])):
        own = by_key[0][fund, code]
        line: list[object] = [texts(f"fund.{fund}"), code, own.name, own.level, own.county, own.before[figure]]
        for other in by_key[1:]:
            gain = other[fund, code]
            line += [gain.after[figure], gain.changes[figure]]
        lines.append(line)
        keys.append(f"{fund}.{code}")
    made = sheet("whatif_scenarios", columns, lines, keys)
    return replace(made, title={lang: Texts(lang)("whatif.sheet.scenarios", what=title[lang]) for lang in LANGUAGES})


def regions(pool: Pool, tried: Mapping[str, Outcome], lang: str = "") -> Worksheet:
    """The region's figures under each scenario. keys: FUND.STEP, FUND.sum.STEP"""
    texts = Texts(lang)
    columns = [named("fund"), named("figure"), named("unit"), named("before", "exact")]
    for i, name in enumerate(tried):
        columns.append(Column(f"tried_{i}", dict.fromkeys(LANGUAGES, name), "exact"))
    lines: list[list[object]] = []
    keys: list[str] = []
    every = (pool.outcome(), *tried.values())
    for fund in FUNDS:
        there = [outcome.sheet(fund) for outcome in every]
        if not any(there):
            continue
        for one in (one for one in pool.pack.scope("region") if not one.part):
            values = [sheet.region.get(one.id) if sheet is not None else None for sheet in there]
            lines.append([texts(f"fund.{fund}"), one.title[texts.lang], texts(f"unit.{one.unit}") if one.unit else "", *values])
            keys.append(f"{fund}.{one.id}")
        for name in ("due", "final"):
            sums = [total(sheet.values.get(name, ())) if sheet is not None else None for sheet in there]
            words = texts("whatif.sum_of", what=pool.pack.title_of("institution", name)[texts.lang])
            lines.append([texts(f"fund.{fund}"), words, texts("unit.yuan"), *sums])
            keys.append(f"{fund}.sum.{name}")
    return sheet("whatif_regions", columns, lines, keys)


_HEAD: tuple[tuple[str, Kind], ...] = (
    ("fund", "text"),
    ("fixmedins_code", "code"),
    ("fixmedins_name", "text"),
    ("level", "int"),
    ("county", "text"),
)


def _titled(id: str, title: Mapping[str, str], unit: str, summed: bool) -> Column:
    return Column(id, title, "exact", unit, 2 if unit == "yuan" else None, total=summed)


# -- rows ----------------------------------------------------------------------------------------------------


def _scenario(row: Sequence[object]) -> Scenario:
    said = dict(zip(_COLUMNS, row, strict=True))
    return Scenario(**{**said, "changes": Changes.of(str(said["changes"]))})  # pyright: ignore[reportArgumentType]


def _row(connection: sqlite3.Connection, name: str) -> dict[str, Value] | None:
    names = _COLUMNS[1:]
    found = connection.execute(f"SELECT {', '.join(names)} FROM scenario WHERE name = ?", (name,)).fetchone()
    return dict(zip(names, found, strict=True)) if found else None


def _known(workspace: Workspace, name: str) -> dict[str, Value]:
    row = _row(workspace.reader(), name)
    if row is None:
        raise Refused("scenario_unknown", name=name)
    return row


def _named(connection: sqlite3.Connection, name: str) -> None:
    if not name.strip() or name != name.strip():
        raise Refused("scenario_unnamed", name=name)
    if coefficients.state_of(connection, name) is not None:
        raise Refused("scenario_is_set", name=name)


def _commit(workspace: Workspace, subject: str, changes: Sequence[Change], why: str) -> LedgerLine:
    return workspace.ledger.commit(Edit("edit", subject, tuple(changes), why))


def _id(workspace: Workspace, pack: str) -> str:
    """What a pack is called, by id or by path."""
    return own_packs.load(workspace, pack).id
