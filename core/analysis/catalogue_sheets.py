"""What the catalogue's pages show as tables that no other room makes.

What became of each group between two versions, beside what the groups are made of; the groups that a typed case could
also have had.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from core.money import plain
from core.texts import LANGUAGES, Texts
from core.worksheet import Cells, Column, Kind, Worksheet, column_of

if TYPE_CHECKING:
    from core.catalogue.entries import Entries, Entry
    from core.catalogue.lineage import Relation
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
            texts("packs.others.taken") if one is taken else texts(f"grouping.why.{one.why}", **one.values),
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


def relations(found: Sequence[Relation], old: Entries, new: Entries, texts: Texts) -> Worksheet:
    """A row a relation, the key its place in `found`. Several groups of a split or merger stand in one cell."""
    area = "catalogue.versions.column"
    columns = [
        _column(area, "change"),
        _column(area, "old", "code"),
        _column(area, "new", "code"),
        _column(area, "name"),
        _column(area, "old_score", "exact", "points"),
        _column(area, "new_score", "exact", "points"),
        _column(area, "score_change", "exact", "points"),
        _column(area, "score_share", "exact", "percent", 2),
        _column(area, "cases", "int", "cases"),
        _column(area, "by"),
        _column(area, "old_name"),
    ]
    rows: list[tuple[object, ...]] = []
    for one in found:
        before, after = one.old_score, one.new_score
        change = after - before if before is not None and after is not None else None
        old_names = names(old, one.old)
        rows.append((
            texts(f"catalogue.change.{one.change}"),
            " | ".join(one.old),
            " | ".join(one.new),
            names(new, one.new) or old_names,
            before,
            after,
            change,
            change / before * 100 if change is not None and before else None,
            one.cases,
            texts(f"catalogue.versions.by.{one.by}") if one.change not in ("new", "gone") else "",
            old_names,
        ))  # fmt: skip
    cells: dict[str, Cells] = {
        column.id: column_of([row[i] for row in rows], column.kind) for i, column in enumerate(columns)
    }
    keys = column_of(list(range(len(rows))), "int")
    return Worksheet(
        "catalogue.relations", _title("catalogue.versions.title"), columns, cells, len(rows), keys=keys
    )


def names(entries: Entries, codes: Sequence[str]) -> str:
    """Names of groups in a row, each once."""
    found = [entry.dip_name for code in codes if (entry := entries.get(code)) is not None]
    return " | ".join(dict.fromkeys(found))


MADE_OF = (
    "dip_code", "dip_name", "kind", "stage", "diag_code", "oprn_code", "rel_oprn_code", "oth_diag_code", "condition",
    "attribute", "score", "mean_fee", "mean_days", "primary_care", "equal_to",
)  # fmt: skip


def made_of(entry: Entry, texts: Texts) -> dict[str, str]:
    """What a group is made of, in words, by column of the catalogue; what it has not stays out."""
    found: dict[str, str] = {}
    for name in MADE_OF:
        value = getattr(entry, name)
        if name in ("kind", "stage", "attribute") and value:
            found[name] = texts(f"catalogue.{'tree' if name == 'attribute' else name}.{value}")
        elif name == "mean_fee":
            found[name] = plain(Fraction(value, 100), 2) if value else ""
        elif name == "primary_care":
            found[name] = texts("catalogue.yes") if value else ""
        elif isinstance(value, Fraction):
            found[name] = plain(value)
        else:
            found[name] = value or ""
    return {name: text for name, text in found.items() if text}
