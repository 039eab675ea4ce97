"""Score sheets of the assessment: points by institution, year and indicator; entered by one, checked by another.

Points that came with a file stand as they are. What is entered here carries the name of who entered it (the maker) until
somebody of another name has checked it; both names are those of the ledger. A point that is not given yet is empty, never 0.
"""

from __future__ import annotations

import sqlite3
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

from core.faults import Refused
from core.findings import Finding
from core.money import decimal, plain
from core.storage.ledger import Change, Edit, who

if TYPE_CHECKING:
    from core.storage.ledger import LedgerLine, Row, Value
    from core.storage.workspace import Workspace

What = Literal["points", "self_points"]
State = Literal["imported", "unreviewed", "entered", "checked"]
MOST = 10_000  # points; more is a slip of the pen
MOST_PLACES = 4


@dataclass(frozen=True, slots=True)
class Line:
    """One indicator of one institution. points: as reviewed, self_points: what it gave itself; None not given yet."""

    code: str
    indicator: str
    most: Fraction
    points: Fraction | None
    self_points: Fraction | None
    entered_by: str
    checked_by: str
    imported: bool

    @property
    def state(self) -> State:
        if self.points is None:
            return "unreviewed"
        if self.entered_by:
            return "checked" if self.checked_by else "entered"
        return "imported"

    def value(self, what: What) -> Fraction | None:
        return self.points if what == "points" else self.self_points


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell as it is to be. value: plain decimal, None empty. seen: what the editor saw ("" empty), None not asked."""

    code: str
    indicator: str
    what: What
    value: str | None
    seen: str | None = None


_OTHERS = ("max_points", "points", "self_points", "entered_by", "checked_by", "batch_id", "row")


def lines(connection: sqlite3.Connection, year: int, code: str = "") -> list[Line]:
    """By institution and indicator; of one institution or of all."""
    return [
        Line(
            *place, decimal(str(row["max_points"])), _number(row["points"]), _number(row["self_points"]),
            str(row["entered_by"] or ""), str(row["checked_by"] or ""), row["batch_id"] is not None,
        )
        for place, row in _rows(connection, year).items()
        if code in ("", place[0])
    ]  # fmt: skip


def indicators(connection: sqlite3.Connection, year: int) -> dict[str, Fraction]:
    """Each indicator of the year with its maximum, that of most institutions; in the order of their weight."""
    counted: dict[str, dict[Fraction, int]] = {}
    for name, most, count in connection.execute(
        "SELECT indicator, max_points, count(*) FROM assessment WHERE year = ? GROUP BY 1, 2", (year,)
    ):
        own = counted.setdefault(name, {})
        own[decimal(most)] = own.get(decimal(most), 0) + count
    found = {name: max(own, key=lambda most: (own[most], most)) for name, own in counted.items()}
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def years(connection: sqlite3.Connection) -> list[int]:
    """The years that have a score sheet."""
    return [year for (year,) in connection.execute("SELECT DISTINCT year FROM assessment ORDER BY 1")]


def institutions(connection: sqlite3.Connection, year: int) -> list[str]:
    """Whom a year's assessment is about: who has a score sheet, and who is registered and had cases (all, before any arrived)."""
    listed = {code for (code,) in connection.execute("SELECT DISTINCT fixmedins_code FROM cases WHERE year = ?", (year,))}
    registered = {code for (code,) in connection.execute("SELECT fixmedins_code FROM institution")}
    scored = {
        code for (code,) in connection.execute("SELECT DISTINCT fixmedins_code FROM assessment WHERE year = ?", (year,))
    }
    return sorted(scored | (registered & listed if listed else registered))


# -- entering ------------------------------------------------------------------------------------------------------


def set_indicators(
    workspace: Workspace, year: int, wanted: Mapping[str, str], why: str = "", *, codes: Collection[str] | None = None
) -> LedgerLine:
    """The year's indicators with their maxima, for everyone: new ones empty, those no longer named go. One edit, one undo.

    codes: whom new sheets are for, else `institutions`. Refused: cells_refused with findings, nothing_changed.
    """
    findings: list[Finding] = []
    for name, text in wanted.items():
        if not name.strip() or name != name.strip():
            findings.append(Finding("assessment_indicator_unnamed", "refused", value=name))
        if _unfit(text, Fraction(MOST)) or decimal(text) == 0:
            findings.append(Finding("assessment_most_unfit", "refused", column=name, value=text, values={"most": str(MOST)}))
    connection = workspace.reader()
    there = _rows(connection, year)
    if not findings:
        findings = [
            Finding("assessment_above_max", "refused", subject=code, column=indicator, value=str(row[what]),
                    values={"most": wanted[indicator]})
            for (code, indicator), row in there.items() for what in ("points", "self_points")
            if indicator in wanted and row[what] and decimal(str(row[what])) > decimal(wanted[indicator])
        ]  # fmt: skip
    if findings:
        raise Refused("cells_refused", findings, count=len(findings))
    name = _maker()
    changes: list[Change] = []
    for place, row in there.items():
        if place[1] not in wanted:
            changes.append(_change(year, place, row, None))
        elif decimal(str(row["max_points"])) != decimal(wanted[place[1]]):
            after = {**row, "max_points": plain(decimal(wanted[place[1]]))}
            changes.append(_change(year, place, row, _entered(after, name) if row["points"] else after))
    for code in sorted(codes) if codes is not None else institutions(connection, year):
        for indicator, most in wanted.items():
            if (code, indicator) not in there:
                changes.append(_change(year, (code, indicator), None, _empty(plain(decimal(most)))))
    return _commit(workspace, year, changes, why)


def enter(workspace: Workspace, year: int, cells: Sequence[Cell], why: str = "") -> LedgerLine:
    """Put points into score sheets: one edit, one undo. Reviewed points wait for a checker from then on.

    Refused: cells_refused (each with its finding), stale_edit (no longer as seen, findings too), nothing_changed,
    assessment_nameless.
    """
    connection = workspace.reader()
    there = _rows(connection, year)
    most = {name: plain(value) for name, value in indicators(connection, year).items()}
    known = {code for (code,) in connection.execute("SELECT fixmedins_code FROM institution")}
    asked = {(cell.code, cell.indicator, cell.what): cell for cell in cells}
    findings = [one for cell in asked.values() for one in _faults(cell, there, most, known)]
    stale = [
        Finding("assessment_stale", "refused", subject=cell.code, column=cell.indicator, value=found or "—",
                values={"seen": cell.seen or "—"})
        for cell in asked.values()
        if cell.seen is not None
        and _number(cell.seen) != _number(found := str((there.get((cell.code, cell.indicator)) or {}).get(cell.what) or ""))
    ]  # fmt: skip
    if stale and not findings:
        first = stale[0]
        raise Refused(
            "stale_edit", stale, table="assessment", key=f"{first.subject}, {first.column}",
            expected=first.values["seen"], found=first.value,
        )  # fmt: skip
    if findings:
        raise Refused("cells_refused", findings, count=len(findings))
    name = _maker()
    after: dict[tuple[str, str], dict[str, Value]] = {}
    for (code, indicator, what), cell in asked.items():
        place = (code, indicator)
        row = after.get(place) or _content(there.get(place)) or _empty(most[indicator])
        value = None if cell.value is None else plain(decimal(cell.value))
        new: dict[str, Value] = {**row, what: value if what == "self_points" else value or ""}
        if new[what] == row[what] or (value is not None and row[what] and decimal(str(row[what])) == decimal(value)):
            after[place] = row
        elif what == "self_points":
            after[place] = new
        else:
            after[place] = _entered(new, name if new["points"] else None)
    changes = [
        _change(year, place, there.get(place), row)
        for place, row in after.items()
        if row != (_content(there.get(place)) or _empty(most[place[1]]))
    ]
    return _commit(workspace, year, changes, why)


def check(
    workspace: Workspace,
    year: int,
    codes: Collection[str],
    why: str = "",
    *,
    seen: Mapping[tuple[str, str], str] | None = None,
) -> LedgerLine:
    """Somebody else says that the points entered for these institutions are right; one edit, one undo.

    seen: (institution, indicator) -> points that the checker looked at; others by now are refused.
    Refused: assessment_same_name (with a finding for each sheet that the checker entered), assessment_nothing_to_check,
    stale_edit, assessment_nameless.
    """
    name = _maker()
    waiting = {
        place: row
        for place, row in _rows(workspace.reader(), year).items()
        if place[0] in codes and row["points"] and row["entered_by"] and not row["checked_by"]
    }
    if not waiting:
        raise Refused("assessment_nothing_to_check", year=year)
    own = [
        Finding("assessment_same_name", "refused", subject=code, column=indicator, value=name)
        for (code, indicator), row in waiting.items()
        if same_name(str(row["entered_by"]), name)
    ]
    if own:
        raise Refused("assessment_same_name", own, who=name, count=len({one.subject for one in own}))
    if seen is not None:
        for (code, indicator), row in waiting.items():
            was = seen.get((code, indicator), "")
            if _number(was) != _number(str(row["points"])):
                raise Refused(
                    "stale_edit", table="assessment", key=f"{code}, {indicator}", expected=was or "—", found=row["points"]
                )
    changes = [_change(year, place, row, {**_content(row), "checked_by": name}) for place, row in waiting.items()]
    return _commit(workspace, year, changes, why, "check")


def same_name(one: str, other: str) -> bool:
    """Whether two names are one person's: width, case and blanks make no second one."""
    return _folded(one) == _folded(other)


def _folded(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


def _maker() -> str:
    name = who().strip()
    if not name:
        raise Refused("assessment_nameless")
    return name


def _faults(
    cell: Cell, there: Mapping[tuple[str, str], Row], most: Mapping[str, str], known: Collection[str]
) -> list[Finding]:
    place = (cell.code, cell.indicator)
    if cell.code not in known and place not in there:
        return [Finding("assessment_institution_unknown", "refused", subject=cell.code)]
    if cell.indicator not in most:
        return [Finding("assessment_indicator_unknown", "refused", subject=cell.code, column=cell.indicator)]
    limit = str(there[place]["max_points"]) if place in there else most[cell.indicator]
    if cell.value is None:
        return []
    if _unfit(cell.value, Fraction(MOST)):
        return [Finding("assessment_points_unfit", "refused", subject=cell.code, column=cell.indicator, value=cell.value)]
    if decimal(cell.value) > decimal(limit):
        return [Finding("assessment_above_max", "refused", subject=cell.code, column=cell.indicator, value=cell.value,
                        values={"most": limit})]  # fmt: skip
    return []


def _unfit(text: str, most: Fraction) -> bool:
    try:
        value = decimal(text)
    except ValueError:
        return True
    return not 0 <= value <= most or (value * 10**MOST_PLACES).denominator != 1


def _number(text: Value) -> Fraction | None:
    try:
        return decimal(str(text)) if text else None
    except ValueError:
        return None


def _entered(row: Mapping[str, Value], name: str | None) -> dict[str, Value]:
    """The row as somebody entered it here: no longer the file's, and not checked."""
    return {**row, "entered_by": name, "checked_by": None, "batch_id": None, "row": None}


def _empty(most: str) -> dict[str, Value]:
    return {**dict.fromkeys(_OTHERS), "max_points": most, "points": ""}


def _content(row: Row | None) -> dict[str, Value]:
    return {} if row is None else {name: row[name] for name in _OTHERS}


def _change(year: int, place: tuple[str, str], before: Row | None, after: Mapping[str, Value] | None) -> Change:
    key: dict[str, Value] = {"fixmedins_code": place[0], "year": year, "indicator": place[1]}
    return Change(
        "assessment", key, None if before is None else _content(before), None if after is None else _content(after)
    )


def _commit(workspace: Workspace, year: int, changes: Sequence[Change], why: str, action: str = "edit") -> LedgerLine:
    if not changes:
        raise Refused("nothing_changed")
    codes = sorted({str(change.key["fixmedins_code"]) for change in changes})
    subject = f"{year}: {codes[0]}" + (f" +{len(codes) - 1}" if len(codes) > 1 else "")
    return workspace.ledger.commit(Edit(action, subject, tuple(changes), why))


def _rows(connection: sqlite3.Connection, year: int) -> dict[tuple[str, str], dict[str, Value]]:
    names = ("fixmedins_code", "indicator", *_OTHERS)
    found = connection.execute(
        f"SELECT {', '.join(names)} FROM assessment WHERE year = ? ORDER BY fixmedins_code, indicator", (year,)
    )
    return {(row[0], row[1]): dict(zip(names, row, strict=True)) for row in found}
