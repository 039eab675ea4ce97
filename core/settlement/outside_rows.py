"""The settlements beneath a figure of the year's file: paid outside DIP by method, paid by item, refunds and all the rest."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from core.faults import Refused
from core.rules.cases import FUNDS
from core.rules.circular import OF_YEAR
from core.rules.sheet import Clearing
from core.settlement import arrivals, outside
from core.texts import LANGUAGES, Texts, catalogue
from core.worksheet import Column, Kind, Worksheet, column_of

if TYPE_CHECKING:
    from core.settlement.annual import Scored
    from core.storage.workspace import Workspace

_SQL = Path(__file__).with_name("outside_rows.sql").read_text("utf-8")
BY_ITEM = ("by_item", "by_item_cases")
STEPS = frozenset((*BY_ITEM, *OF_YEAR["region"], *OF_YEAR["institution"])) - {"other_budget"}
_COLUMNS: tuple[tuple[str, Kind, str], ...] = (
    ("setl_id", "code", ""), ("code", "code", ""), ("name", "text", ""), ("day", "code", ""), ("method", "text", ""),
    ("med_type", "text", ""), ("fee", "fixed", "yuan"), ("booked", "fixed", "yuan"), ("document", "text", ""),
    ("file", "text", ""), ("sheet", "text", ""), ("row", "exact", ""),
)  # fmt: skip


def rows(
    workspace: Workspace, clearing: Clearing, scored: Scored, fund: str, code: str, step: str, lang: str = ""
) -> Worksheet:
    """Row by row what a step of STEPS counts, of one institution or of all; keys are settlements.

    scored: the cases of the clearing. Refused("run_stale") where the rows no longer make the clearing's figure.
    """
    sheet, texts = clearing.fund(fund), Texts(lang)
    standing = scored.inputs.standing
    home, beyond = arrivals.home_of(workspace.region, clearing.pack.case.intra_province)
    listed = [one.code for one in sheet.institutions]
    places = len(standing.rows.institutions)
    left = [one for one, at in standing.left.items() if at // places == FUNDS.index(fund)] if step in BY_ITEM else []
    away = (
        "coalesce(insu_admdvs <> '' AND (insu_admdvs < :home OR insu_admdvs >= :beyond), 0)" if home else "0"
    )
    if step in BY_ITEM:
        condition = "t.sign = 1 AND t.setl_id IN (SELECT value FROM json_each(:left))"
    else:
        condition = outside.condition(step, away)
    if step.startswith("unlisted"):
        condition += " AND t.fixmedins_code NOT IN (SELECT value FROM json_each(:listed))"
    asked = {
        "year": clearing.year, "number": FUNDS.index(fund) + 1, "code": code, "home": home, "beyond": beyond,
        "left": json.dumps(left), "listed": json.dumps(listed),
    }  # fmt: skip
    found = workspace.reader().execute(_SQL.replace("{condition}", condition), asked).fetchall()
    own = sheet.values[step][listed.index(code)] if code else sheet.region[step]
    amount = step == "by_item" or step.endswith("_paid")
    if own != (Fraction(sum(row[7] for row in found), 100) if amount else len(found)):
        raise Refused("run_stale", run=clearing.stamps.run_hash[:16])
    told = [
        (
            setl_id, at, name, arrivals.iso_day(day), _word("method", method, texts), _word("med_type", med_type, texts),
            *rest,
        )
        for setl_id, at, name, day, method, med_type, *rest in found
    ]  # fmt: skip
    columns = [
        Column(
            id, {spoken: catalogue(spoken)[f"outside.column.{id}"] for spoken in LANGUAGES}, kind, unit,
            2 if kind == "fixed" else 0 if kind == "exact" else None, total=kind == "fixed",
        )
        for id, kind, unit in _COLUMNS
    ]  # fmt: skip
    cells = {column.id: column_of([row[i] for row in told], column.kind) for i, column in enumerate(columns)}
    totals: dict[str, object] = {name: int(cells[name].sum()) for name in ("fee", "booked")}
    title = {spoken: catalogue(spoken)["outside.title"] for spoken in LANGUAGES}
    return Worksheet(f"rows_{step}", title, columns, cells, len(told), totals, column_of([row[0] for row in told], "code"))


def _word(area: str, value: int | None, texts: Texts) -> str:
    """A code of the settlement interface in words; one that the dictionary lacks stays as it is."""
    key = f"outside.{area}.{value}"
    return "" if value is None else texts(key) if texts.has(key) else str(value)
