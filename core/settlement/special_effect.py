"""What decisions on special cases do to everybody: the year cleared with them and without them, both exactly.

Nothing is estimated and nothing stored. Decided points change the point value, by-item payment the fund and the points, so
one case moves every institution of its fund. The after side is what a clearing computes once the decisions are made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from core.progress import SILENT, Progress, step
from core.rules import case_scores
from core.rules.cases import FUNDS, SPECIAL_ADJUSTED
from core.rules.deriving import limits_of
from core.rules.sheet import Clearing, FundSheet
from core.settlement import annual, facts, gather
from core.settlement import grouping as own_grouping
from core.settlement import year as years
from core.settlement.annual import Scored
from core.settlement.arrivals import Fees, frozen
from core.settlement.changes import NONE
from core.settlement.given import changed
from core.settlement.given import read as read_given
from core.settlement.standing import Standing, stand
from core.settlement.year import BY_ITEM, Year
from core.texts import LANGUAGES, Texts, catalogue
from core.worksheet import Column, Kind, Worksheet, column_of

if TYPE_CHECKING:
    import sqlite3

    from core.rules.circular import Pack
    from core.storage.workspace import Workspace

# What is put beside itself, where the pack has it. What is due leaves out by-item payment, so that one stands beside it.
STEPS = ("score", "due", "by_item", "final")
Tried = Mapping[str, facts.Decision | None]


@dataclass(frozen=True)
class Effect:
    """before: with the decisions that stand; after: with the tried ones on top (None takes a decision back)."""

    tried: Tried
    before: Clearing
    after: Clearing


def effect(
    workspace: Workspace,
    year: int,
    pack: Pack,
    tried: Tried,
    *,
    set_name: str | None = None,
    catalogue: str | None = None,
    grouping: str = "official",
    progress: Progress = SILENT,
) -> Effect:
    """Both clearings of the year. Refused: "blocked" as a clearing."""
    before = annual.score_cases(
        workspace, year, pack, set_name=set_name, catalogue=catalogue, grouping=grouping, progress=progress
    )
    connection = workspace.reader()
    with gather.snapshot(connection):
        decided: dict[str, facts.Decision | None] = {**facts.decisions(connection)[0], **tried}
        standing = stood(
            workspace, connection, year, pack, {id: one for id, one in decided.items() if one is not None},
            catalogue=catalogue, grouping=grouping, progress=progress,
        )[1]  # fmt: skip
        given = changed(read_given(workspace, connection, year, FUNDS, set_name), NONE, "", limits_of(pack))
        inputs = gather.assemble(given, pack, standing)
    step(progress, "score_cases", 0, len(inputs.cases))
    # Not among the clearings that are kept: the next one is again without the trial.
    after = Scored(inputs, pack.case, case_scores.score(pack.case, inputs.cases, progress))
    step(progress, "steps", 0)
    return Effect(dict(tried), annual.sheets(pack, before), annual.sheets(pack, after))


def stood(
    workspace: Workspace,
    connection: sqlite3.Connection,
    year: int,
    pack: Pack,
    decided: Mapping[str, facts.Decision],
    *,
    catalogue: str | None = None,
    grouping: str = "official",
    progress: Progress = SILENT,
) -> tuple[Year, Standing]:
    """The year's rows, and what they come to with exactly these decisions; the grouping is that of the clearing."""
    own = gather.standing_of(workspace, connection, year, pack, catalogue, grouping, progress)
    version = gather.version_of(workspace, connection, year, catalogue)
    rows = gather.rows_for(workspace, connection, year, pack.case, [version], progress)
    fees: Callable[[], Fees] = partial(years.fees, workspace, connection, rows, progress)
    if grouping == "own" and version.name:
        engine = own_grouping.engine(connection, pack, version, year)
        fees = partial(own_grouping.earlier, workspace, connection, rows, engine, progress)
    step(progress, "resolve", 0)
    return rows, stand(marked(rows, decided), version, own.grouped, pack.case, fees)


def marked(rows: Year, decided: Mapping[str, facts.Decision]) -> Year:
    """The year with these decisions in place of those that were read with it; other settlements' are passed over."""
    ids = sorted(decided)
    special = np.zeros(len(rows.rows), np.int8)
    place = np.zeros(len(rows.rows), np.int64)
    scores = [Fraction(0)]
    asked = pd.Index(ids, dtype=object).get_indexer(rows.rows.setl_id)
    at = np.flatnonzero(asked >= 0)
    for number, i in sorted(zip(asked[at].tolist(), at.tolist(), strict=True)):
        one = decided[ids[number]]
        if one.kind == facts.BY_ITEM:
            special[i] = BY_ITEM
        elif one.kind == facts.ADJUSTED and one.score is not None:
            special[i] = SPECIAL_ADJUSTED
            place[i] = len(scores)
            scores.append(one.score)
    return replace(rows, special=frozen(special), decided=tuple(scores), decision=frozen(place))


# -- as tables -------------------------------------------------------------------------------------------------


def funds(found: Effect, lang: str = "") -> Worksheet:
    """A row for each fund: point value, points, due and final of all, before, after and by how much. Keys are funds."""
    texts = Texts(lang)
    values: dict[str, list[object]] = {"fund": []}
    steps = _steps(found, "region")
    for sheet in found.before.funds:
        other = found.after.fund(sheet.fund)
        values["fund"].append(texts(f"fund.{sheet.fund}"))
        for name in steps:
            _put(values, name, _of_region(sheet, name), _of_region(other, name))
    columns = [_column("fund"), *_columns(found, steps)]
    return _made("special_funds", columns, values, [sheet.fund for sheet in found.before.funds])


def institutions(found: Effect, fund: str, lang: str = "") -> Worksheet:
    """A row for each institution of a fund, the one that moves most first; what changes first. Keys are institution codes."""
    texts = Texts(lang)
    before, after = found.before.fund(fund), found.after.fund(fund)
    place = {one.code: i for i, one in enumerate(after.institutions)}
    steps = _steps(found, "institution")
    last = steps[-1] if steps else ""
    moved = {
        one.code: abs(after.values[last][place[one.code]] - before.values[last][i]) if last else Fraction(0)
        for i, one in enumerate(before.institutions)
    }
    codes = [one.code for one in before.institutions]
    order = sorted(range(len(codes)), key=lambda i: (-moved[codes[i]], codes[i]))
    values: dict[str, list[object]] = {name: [] for name in ("code", "name", "level", "county")}
    for i in order:
        one = before.institutions[i]
        told = (one.code, one.name, texts(f"indicators.level.{one.level}"), one.county)
        for name, value in zip(("code", "name", "level", "county"), told, strict=True):
            values[name].append(value)
        for name in steps:
            _put(values, name, before.values[name][i], after.values[name][place[one.code]])
    beside = sorted(_columns(found, steps[::-1], total=True), key=lambda column: not column.id.endswith("_change"))
    columns = [_column("name"), *beside, _column("code", "code"), _column("level"), _column("county")]
    return _made("special_effect", columns, values, [codes[i] for i in order])


def _steps(found: Effect, scope: str) -> list[str]:
    pack = found.before.pack
    own = [name for name in STEPS if pack.find("institution", name) is not None]
    return [*(["point_value"] if scope == "region" and pack.find("region", "point_value") is not None else []), *own]


def _of_region(sheet: FundSheet, name: str) -> Fraction:
    return sheet.region[name] if name == "point_value" else sum(sheet.values[name], Fraction(0))


def _put(values: dict[str, list[object]], name: str, before: Fraction, after: Fraction) -> None:
    for part, value in (("before", before), ("after", after), ("change", after - before)):
        values.setdefault(f"{name}_{part}", []).append(value)


def _columns(found: Effect, steps: list[str], *, total: bool = False) -> list[Column]:
    pack, columns = found.before.pack, list[Column]()
    for name in steps:
        one = pack.find("region" if name == "point_value" else "institution", name)
        assert one is not None
        places = pack.case.places if name == "score" else one.places
        if places is None and one.unit == "yuan":
            places = 2
        for part in ("before", "after", "change"):
            title = {lang: catalogue(lang)[f"special.{part}"].format(title=catalogue(lang)[f"special.figure.{name}"])
                     for lang in LANGUAGES}
            columns.append(Column(f"{name}_{part}", title, "exact", one.unit, places, total=total))
    return columns


def _column(id: str, kind: Kind = "text") -> Column:
    return Column(id, {lang: catalogue(lang)[f"special.column.{id}"] for lang in LANGUAGES}, kind)


def _made(id: str, columns: list[Column], values: Mapping[str, list[object]], keys: list[str]) -> Worksheet:
    title = {lang: catalogue(lang)[f"special.sheet.{id}"] for lang in LANGUAGES}
    cells = {column.id: column_of(values.get(column.id, []), column.kind) for column in columns}
    totals: dict[str, object] = {
        column.id: sum((value for value in cells[column.id] if value is not None), Fraction(0))
        for column in columns
        if column.total
    }
    return Worksheet(id, title, columns, cells, len(keys), totals, column_of(keys, "code"))
