"""Special cases (特例单议): who comes into question and what that rests on, how many may be approved, and deciding.

Candidates are cases above twice the standard that the clearing uses, long stays and stays in intensive care. The limit of
5 per mille holds for all cases of the region together, never for one hospital. It is counted and shown; the bureau
decides, so going over it is said and not refused. A case that the pack pays by item anyway (ungrouped, where it says so)
is no candidate.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from core.faults import Refused
from core.findings import Finding
from core.money import decimal, plain
from core.progress import SILENT, Progress, step
from core.rules import case_scores
from core.rules.cases import FUNDS, CaseTable, Ints
from core.settlement import annual, applied, facts, gather, references, special_effect
from core.settlement.given import read as read_given
from core.settlement.special_limit import Quota
from core.settlement.standing import Standing
from core.settlement.year import Year
from core.storage.ledger import Change, Edit, LedgerLine, Row, Value
from core.texts import LANGUAGES, Texts, catalogue
from core.worksheet import Column, Kind, Worksheet, column_of

if TYPE_CHECKING:
    from core.rules.circular import Pack
    from core.storage.workspace import Workspace

KINDS = (facts.BY_ITEM, facts.ADJUSTED, facts.REJECTED)
APPROVED = (facts.BY_ITEM, facts.ADJUSTED)
MARKS = ("over", "stay", "icu")
MOST, MOST_PLACES = 1_000_000, 9  # a decided score: points, decimals
_ROWS = Path(__file__).with_name("special_rows.sql").read_text("utf-8")
_CONTENT = ("decision", "score", "document", "batch_id", "row", "reason")


@dataclass(frozen=True, slots=True)
class Bounds:
    """Above how many times the standard, from how many days, and from how many days in intensive care.

    Twice is the national 3.0 draft's [V]. No document gives days: 31, the stays of over 30 days that hospitals have to
    watch, and 2 days, the lowest band of intensive care in the auxiliary catalogue, are taken [D].
    """

    times: Fraction = Fraction(2)
    days: int = 31
    icu_days: int = 2


@dataclass(frozen=True, slots=True)
class Stored:
    """What stands on a case; score "" without one."""

    kind: str
    score: str
    document: str
    reason: str


@dataclass(frozen=True, slots=True)
class Decided:
    """What is to stand on a case. kind: by_item, adjusted (with a score in points), rejected, or "" to take the decision back.

    seen: what stood when it was looked at, None for nothing; something else by now is refused.
    """

    setl_id: str
    kind: str
    score: str = ""
    document: str = ""
    reason: str = ""
    seen: Stored | None = None


@dataclass(frozen=True)
class Candidates:
    """sheet: keys are settlements, marked and decided ones. stored: what stands on them."""

    sheet: Worksheet
    quota: Quota
    bounds: Bounds
    stored: Mapping[str, Stored]


def candidates(
    workspace: Workspace,
    year: int,
    pack: Pack,
    *,
    bounds: Bounds = Bounds(),
    set_name: str | None = None,
    catalogue: str | None = None,
    grouping: str = "official",
    lang: str = "",
    progress: Progress = SILENT,
) -> Candidates:
    """Everybody who comes into question or is decided on, dearest against the standard first.

    Standard and score are the clearing's own, as if nothing had been decided. Refused: "blocked" without coefficients.
    """
    connection = workspace.reader()
    with gather.snapshot(connection):
        rows, standing = special_effect.stood(
            workspace, connection, year, pack, {}, catalogue=catalogue, grouping=grouping, progress=progress
        )
        given = read_given(workspace, connection, year, FUNDS, set_name)
        if given.head is None:
            raise Refused("blocked", [Finding("set_missing", "blocked", value=set_name or "")], year=year, count=1)
        with_k = applied.apply(standing, given.content, FUNDS, year, given.head.name)
        if with_k.findings:
            raise Refused("blocked", with_k.findings, year=year, count=len(with_k.findings))
        step(progress, "special_candidates", 0, len(with_k.cases))
        stored = decisions(connection)
        marks = _marks(connection, with_k.cases, standing, bounds, year)
        at = np.flatnonzero(marks.any(axis=0) | _among(with_k.cases.setl_id, list(stored)))
        sheet = _sheet(connection, with_k.cases, standing, pack, marks, at, Texts(lang))
        quota = _quota(rows, stored)
    shown = set(sheet.cells["setl_id"].tolist())
    return Candidates(sheet, quota, bounds, {id: one for id, one in stored.items() if id in shown})


def decisions(connection: sqlite3.Connection) -> dict[str, Stored]:
    """Every decision of the workspace, whatever the year."""
    return {
        setl_id: Stored(kind, score or "", document or "", reason or "")
        for setl_id, kind, score, document, reason in connection.execute(
            "SELECT setl_id, decision, score, document, reason FROM special_case ORDER BY 1"
        )
    }


def decide(workspace: Workspace, decided: Sequence[Decided], why: str) -> LedgerLine:
    """Write decisions: one edit, one undo. A later decision on the same case within one call replaces the former.

    Refused: cells_refused (each with its finding), stale_edit (no longer as seen), nothing_changed.
    """
    connection = workspace.reader()
    asked = {one.setl_id: one for one in decided}
    there: dict[str, Row] = {
        row[0]: dict(zip(_CONTENT, row[1:], strict=True))
        for row in connection.execute(f"SELECT setl_id, {', '.join(_CONTENT)} FROM special_case")
        if row[0] in asked
    }
    found = connection.execute(
        "SELECT setl_id FROM cases JOIN json_each(?) AS asked ON setl_id = asked.value AND sign = 1",
        (json.dumps(list(asked)),),
    )
    known = {setl_id for (setl_id,) in found}
    strangers = [one.setl_id for one in asked.values() if one.kind and one.setl_id not in known]
    faults = [Finding("special_unknown", "refused", subject=setl_id) for setl_id in strangers]
    faults += incomplete(list(asked.values()), why)
    if faults:
        raise Refused("cells_refused", faults, count=len(faults))
    for setl_id, decision in asked.items():
        stands = _stored(there.get(setl_id))
        if stands != decision.seen:
            raise Refused(
                "stale_edit", table="special_case", key=setl_id, expected=_told(decision.seen), found=_told(stands)
            )
    changes: list[Change] = []
    for setl_id in sorted(asked):
        before, after = there.get(setl_id), _row(asked[setl_id])
        if _stored(before) != _stored(after):
            changes.append(Change("special_case", {"setl_id": setl_id}, before, after))
    if not changes:
        raise Refused("nothing_changed")
    subject = str(changes[0].key["setl_id"]) + (f" +{len(changes) - 1}" if len(changes) > 1 else "")
    return workspace.ledger.commit(Edit("edit", subject, tuple(changes), why))


def tried(decided: Sequence[Decided]) -> dict[str, facts.Decision | None]:
    """The same for `special_effect.effect`, before anything is written. Refused: cells_refused for a score that is none."""
    faults = [one for decision in decided for one in _unfit(decision)]
    if faults:
        raise Refused("cells_refused", faults, count=len(faults))
    return {
        one.setl_id: facts.Decision(one.kind, decimal(one.score) if one.kind == facts.ADJUSTED else None) if one.kind else None
        for one in decided
    }


def incomplete(decided: Sequence[Decided], why: str) -> list[Finding]:
    """What a decision cannot be entered with, or lacks."""
    found: list[Finding] = []
    for one in decided:
        found += _unfit(one)
        if one.kind and not one.document.strip():
            found.append(Finding("special_no_document", "refused", subject=one.setl_id))
        if not (one.reason if one.kind else why).strip():
            found.append(Finding("special_no_reason", "refused", subject=one.setl_id))
    return found


def _unfit(one: Decided) -> list[Finding]:
    if one.kind not in ("", *KINDS):
        return [Finding("special_kind_unknown", "refused", subject=one.setl_id, value=one.kind)]
    if one.kind != facts.ADJUSTED:
        return [Finding("special_score_idle", "refused", subject=one.setl_id, value=one.score)] if one.score else []
    try:
        value = decimal(one.score)
    except ValueError:
        value = Fraction(-1)
    if not 0 <= value <= MOST or (value * 10**MOST_PLACES).denominator != 1:
        return [Finding("special_score_unfit", "refused", subject=one.setl_id, value=one.score or "—")]
    return []


def _row(one: Decided) -> dict[str, Value] | None:
    """As it is decided here: no longer a file's."""
    if not one.kind:
        return None
    score = plain(decimal(one.score)) if one.kind == facts.ADJUSTED else None
    return {
        "decision": one.kind, "score": score, "document": one.document.strip(), "batch_id": None, "row": None,
        "reason": one.reason.strip(),
    }  # fmt: skip


def _stored(row: Row | None) -> Stored | None:
    if row is None:
        return None
    return Stored(*(str(row[name] or "") for name in ("decision", "score", "document", "reason")))


def _told(one: Stored | None) -> str:
    return " ".join(part for part in (one.kind, one.score, one.document) if part) if one is not None else "—"


# -- who comes into question -----------------------------------------------------------------------------------


def _quota(rows: Year, stored: Mapping[str, Stored]) -> Quota:
    here = set(rows.rows.setl_id[_among(rows.rows.setl_id, list(stored))].tolist())
    kinds = [one.kind for setl_id, one in stored.items() if setl_id in here]
    return Quota(len(rows.rows), *(kinds.count(kind) for kind in KINDS))


def _among(ids: Ints, wanted: list[str]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """The few are looked up by the many."""
    return np.asarray(pd.Index(wanted, dtype=object).get_indexer(ids) >= 0)


def _marks(
    connection: sqlite3.Connection, cases: CaseTable, standing: Standing, bounds: Bounds, year: int
) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """A row for each of MARKS. A bed-day group is paid by the day, so a long stay is nothing special there."""
    by_day = np.array(
        [one is not None and one.kind == "bed_day" for one in map(standing.groups.get, cases.groups)] + [False]
    )[cases.group]
    long: tuple[list[str], list[str]] = ([], [])
    for setl_id, *held in connection.execute(
        "SELECT setl_id, act_ipt_days >= :days, icu_days >= :icu FROM cases WHERE year = :year AND sign = 1 AND netting = 0"
        " AND (act_ipt_days >= :days OR icu_days >= :icu)",
        {"year": year, "days": bounds.days, "icu": bounds.icu_days},
    ):
        for ids, holds in zip(long, held, strict=True):
            if holds:
                ids.append(setl_id)
    over = (cases.reference > 0) & (
        cases.fee * bounds.times.denominator > cases.reference * bounds.times.numerator
    )
    return np.array([over, _among(cases.setl_id, long[0]) & ~by_day, _among(cases.setl_id, long[1])])


def _sheet(
    connection: sqlite3.Connection,
    cases: CaseTable,
    standing: Standing,
    pack: Pack,
    marks: np.ndarray[tuple[int, int], np.dtype[np.bool_]],
    at: Ints,
    texts: Texts,
) -> Worksheet:
    part = annual.taken(cases, at)
    scores = case_scores.score(pack.case, part)
    ratios = [
        Fraction(int(fee), int(mean)) if mean > 0 else None for fee, mean in zip(part.fee, part.reference, strict=True)
    ]
    order = sorted(range(len(at)), key=lambda i: (-(ratios[i] or Fraction(0)), str(part.setl_id[i])))
    ids = [str(part.setl_id[i]) for i in order]
    read = connection.execute(_ROWS, {"ids": json.dumps(ids)}).fetchall()
    values: dict[str, list[object]] = {name: [] for name, *_ in _COLUMNS}
    for i, (days, icu, group_name, diagnosis, kind, score, document, reason) in zip(order, read, strict=True):
        one = standing.registered[part.institutions[part.institution[i]]]
        code = part.groups[part.group[i]] if part.group[i] >= 0 else ""
        entry = standing.groups.get(code)
        mean = int(part.reference[i])
        row: dict[str, object] = {
            "setl_id": str(part.setl_id[i]),
            "name": one.name,
            "marks": texts.listed([texts(f"special.mark.{MARKS[m]}") for m in range(len(MARKS)) if marks[m, at[i]]]),
            "state": texts(f"special.state.{kind}") if kind else texts("special.state.open"),
            "fee": Fraction(int(part.fee[i]), 100),
            "standard": Fraction(mean, 100) if mean > 0 else None,
            "times": ratios[i],
            "days": days,
            "icu_days": icu,
            "points": scores.score.at(i) if scores.score is not None else (scores.exact or ())[i],
            "booked": Fraction(int(part.booked[i]), 100),
            "decided": decimal(score) if score else None,
            "document": document,
            "reason": reason,
            "fund": texts(f"fund.{FUNDS[part.fund[i]]}"),
            "dip_code": code,
            "dip_name": entry.dip_name if entry is not None else group_name,
            "diagnosis": diagnosis,
            "rests_on": texts(f"reference.{references.NAMES[part.reference_source[i]]}"),
            "code": one.code,
            "level": texts(f"indicators.level.{one.level}"),
            "county": one.county,
        }
        for name, value in row.items():
            values[name].append(value)
    # Seldom empty, but no 0 where a row does not say.
    columns = [
        Column(id, {lang: catalogue(lang)[f"special.column.{id}"] for lang in LANGUAGES}, kind, unit,
               pack.case.places if id == "points" else places)
        for id, kind, unit, places in _COLUMNS
    ]  # fmt: skip
    title = {lang: catalogue(lang)["special.sheet.special_candidates"] for lang in LANGUAGES}
    cells = {column.id: column_of(values[column.id], column.kind) for column in columns}
    return Worksheet("special_candidates", title, columns, cells, len(ids), {}, column_of(ids, "code"))


_COLUMNS: tuple[tuple[str, Kind, str, int | None], ...] = (
    ("setl_id", "code", "", None), ("name", "text", "", None), ("marks", "text", "", None), ("state", "text", "", None),
    ("fee", "exact", "yuan", 2), ("standard", "exact", "yuan", 2), ("times", "exact", "", 2), ("days", "exact", "days", 0),
    ("icu_days", "exact", "days", 0), ("points", "exact", "points", None), ("booked", "exact", "yuan", 2),
    ("decided", "exact", "points", None), ("document", "text", "", None), ("reason", "text", "", None),
    ("fund", "text", "", None), ("dip_code", "code", "", None), ("dip_name", "text", "", None),
    ("diagnosis", "text", "", None), ("rests_on", "text", "", None), ("code", "code", "", None), ("level", "text", "", None),
    ("county", "text", "", None),
)  # fmt: skip
