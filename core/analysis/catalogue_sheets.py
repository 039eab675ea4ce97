"""What the catalogue's pages show as tables that no other room makes: the groups that a case could also have had."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from core.texts import LANGUAGES, Texts
from core.worksheet import Cells, Column, Kind, Worksheet, column_of

if TYPE_CHECKING:
    from core.settlement.one_case import OneCase, Worth


def _column(area: str, name: str, kind: Kind = "text", unit: str = "", places: int | None = None) -> Column:
    return Column(name, {lang: Texts(lang)(f"{area}.{name}") for lang in LANGUAGES}, kind, unit, places)


def _title(key: str) -> dict[str, str]:
    return {lang: Texts(lang)(key) for lang in LANGUAGES}


def alternatives(case: OneCase, texts: Texts) -> Worksheet:
    """The group taken first, then those not taken: each with score, pay, the difference to the one taken, and why not."""
    area = "packs.others"
    columns = [
        _column(area, "dip_code", "code"),
        _column(area, "dip_name"),
        _column(area, "score", "exact", "points"),
        _column(area, "score_change", "exact", "points"),
        _column(area, "pay", "exact", "yuan", 2),
        _column(area, "pay_change", "exact", "yuan", 2),
        _column(area, "why"),
        _column(area, "rw", "exact", "points"),
        _column(area, "kind"),
    ]
    taken = case.taken
    worths: Sequence[Worth] = [*([taken] if taken is not None else []), *case.alternatives]

    def less(value: Fraction | None, base: Fraction | None) -> Fraction | None:
        return value - base if value is not None and base is not None else None

    rows = [
        (
            one.entry.dip_code,
            one.entry.dip_name,
            one.score,
            less(one.score, taken.score) if taken is not None and one is not taken else None,
            one.pay,
            less(one.pay, taken.pay) if taken is not None and one is not taken else None,
            texts("packs.others.taken") if one is taken else texts(f"grouping.{one.why}", **one.values),
            one.rw,
            texts(f"catalogue.kind.{one.entry.kind}"),
        )
        for one in worths
    ]
    cells: dict[str, Cells] = {
        column.id: column_of([row[i] for row in rows], column.kind) for i, column in enumerate(columns)
    }
    keys = column_of([one.entry.dip_code for one in worths], "code")
    return Worksheet("packs.others", _title("packs.others.title"), columns, cells, len(rows), keys=keys)
