"""What the catalogue's pages show as tables that no other room makes.

What became of each group between two versions, beside what the groups are made of; versions made here; the groups that
a typed case could also have had.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from core.catalogue import telling
from core.money import plain
from core.rules.grouping import GroupingRule, rule_of
from core.texts import LANGUAGES, Texts
from core.worksheet import Cells, Column, Kind, Worksheet, column_of

if TYPE_CHECKING:
    from core.analysis.agreement import Agreement
    from core.analysis.revision import Revision
    from core.catalogue.entries import Entries, Entry
    from core.catalogue.library import Version
    from core.catalogue.lineage import Relation
    from core.catalogue.scores import Derived
    from core.findings import Finding
    from core.rules.circular import Pack
    from core.settlement.one_case import OneCase, Worth


MEAN_PLACES = 4


def _column(area: str, name: str, kind: Kind = "text", unit: str = "", places: int | None = None) -> Column:
    return Column(name, {lang: Texts(lang)(f"{area}.{name}") for lang in LANGUAGES}, kind, unit, places)


def _title(key: str) -> dict[str, str]:
    return {lang: Texts(lang)(key) for lang in LANGUAGES}


@dataclass(frozen=True, slots=True)
class Told:
    """A typed case in words: the path to its group, step by step, the groups that were looked at, what the score rests on."""

    path: tuple[str, ...]
    others: Worksheet
    documents: tuple[str, ...] = ()


def told(case: OneCase, pack: Pack, texts: Texts) -> Told:
    """The path and the alternatives of a typed case, with the titles of the pack's own searches."""
    rule = rule_of(pack) if pack.grouping is not None else None
    steps = case.path.steps if case.path is not None and rule is not None else ()
    said = tuple(telling.step(rule, one, texts) for one in steps) if rule is not None else ()
    cited = pack.cited(case.explanation.cite) if case.explanation is not None else ()
    rests_on = tuple(
        " ".join(filter(None, (number or title, article, f"[{evidence}]" if evidence else "")))
        for number, title, evidence, article in cited
    )
    return Told(said, alternatives(case, rule, texts), rests_on)


def alternatives(case: OneCase, rule: GroupingRule | None, texts: Texts) -> Worksheet:
    """The group taken first, then those not taken: each with score, pay, the difference to the one taken, and why not."""
    area = "packs.others"
    columns = [
        _column(area, "dip_code", "code"),
        _column(area, "dip_name"),
        _column(area, "score", "exact", "points"),
        _column(area, "pay", "exact", "yuan", 2),
        _column(area, "why"),
        _column(area, "score_change", "exact", "points"),
        _column(area, "pay_change", "exact", "yuan", 2),
        _column(area, "rw", "exact", "points"),
        _column(area, "kind"),
    ]
    taken = case.taken

    def why(one: Worth) -> str:
        if one is taken:
            return texts("packs.others.taken")
        return telling.why_words(rule, one.why, one.values, texts) if rule is not None and one.why else ""

    worths: Sequence[Worth] = [*([taken] if taken is not None else []), *case.alternatives]

    def less(value: Fraction | None, base: Fraction | None) -> Fraction | None:
        return value - base if value is not None and base is not None else None

    rows = [
        {
            "dip_code": one.entry.dip_code,
            "dip_name": one.entry.dip_name,
            "score": one.score,
            "score_change": less(one.score, taken.score) if taken is not None and one is not taken else None,
            "pay": one.pay,
            "pay_change": less(one.pay, taken.pay) if taken is not None and one is not taken else None,
            "why": why(one),
            "rw": one.rw,
            "kind": texts(f"catalogue.kind.{one.entry.kind}"),
        }
        for one in worths
    ]
    return aligned(
        _sheet("packs.others", "packs.others.title", columns, rows, [one.entry.dip_code for one in worths])
    )


def relations(
    found: Sequence[Relation], old: Entries, new: Entries, texts: Texts, *, counted: bool = False
) -> Worksheet:
    """A row a relation, the key its place in `found`. Several groups of a split or merger stand in one cell.

    counted: the relations carry the year's cases; else that column stays empty.
    """
    area = "catalogue.versions.column"
    # The mean score of several groups has no decimals of its own: it is shown as the scores of single groups are.
    single = [one for one in found if len(one.old) < 2 and len(one.new) < 2]
    scores = [score for one in single for score in (one.old_score, one.new_score) if score is not None]
    places = places_for(scores) or MEAN_PLACES
    columns = [
        _column(area, "change"),
        _column(area, "old", "code"),
        _column(area, "new", "code"),
        _column(area, "name"),
        _column(area, "old_score", "exact", "points", places),
        _column(area, "new_score", "exact", "points", places),
        _column(area, "score_change", "exact", "points", places),
        _column(area, "score_share", "exact", "percent", 2),
        *([_column(area, "cases", "int", "cases")] if counted else []),
        _column(area, "by"),
        _column(area, "old_name"),
    ]
    rows: list[dict[str, object]] = []
    for one in found:
        before, after = one.old_score, one.new_score
        change = after - before if before is not None and after is not None else None
        old_names, new_names = names(old, one.old), names(new, one.new)
        rows.append({
            "change": texts(f"catalogue.change.{one.change}"),
            "old": " | ".join(one.old),
            "new": " | ".join(one.new),
            "name": new_names or old_names,
            "old_score": before,
            "new_score": after,
            "score_change": change,
            "score_share": change / before * 100 if change is not None and before else None,
            "cases": one.cases,
            "by": texts(f"catalogue.versions.by.{one.by}") if one.change not in ("new", "gone") else "",
            "old_name": old_names if new_names and old_names != new_names else "",
        })  # fmt: skip
    return _sheet("catalogue.relations", "catalogue.versions.title", columns, rows, list(range(len(rows))))


def _sheet(
    id: str, title: str, columns: Sequence[Column], rows: Sequence[Mapping[str, object]], keys: Sequence[object]
) -> Worksheet:
    cells: dict[str, Cells] = {
        column.id: column_of([row[column.id] for row in rows], column.kind) for column in columns
    }
    kind: Kind = "int" if keys and isinstance(keys[0], int) else "code"
    return Worksheet(id, _title(title), columns, cells, len(rows), keys=column_of(keys, kind))


def places_for(values: Iterable[Fraction], most: int = 6) -> int | None:
    """As many decimals as the values need, so that they stand under each other; None where that is too many."""
    denominators = {value.denominator for value in values}
    return next((p for p in range(most + 1) if all(10**p % d == 0 for d in denominators)), None)


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
            found[name] = _separated(plain(Fraction(value, 100), 2)) if value else ""
        elif name == "primary_care":
            found[name] = texts("catalogue.yes") if value else ""
        elif isinstance(value, Fraction):
            found[name] = _separated(plain(value))
        else:
            found[name] = value or ""
    return {name: text for name, text in found.items() if text}


def _separated(plain_text: str) -> str:
    whole, point, rest = plain_text.partition(".")
    return f"{int(whole):,}{point}{rest}"


def findings(found: Sequence[Finding], texts: Texts, id: str) -> Worksheet:
    """What a computation warned of, a row each; the key is the place in `found`."""
    area = "catalogue.findings"
    columns = [_column(area, "severity"), _column(area, "said"), _column(area, "subject"), _column(area, "value")]
    rows = [
        {
            "severity": texts(f"severity.{one.severity}"),
            "said": texts.finding(one),
            "subject": texts.subject(one),
            "value": one.value,
        }
        for one in found
    ]
    return _sheet(id, "catalogue.findings.title", columns, rows, list(range(len(rows))))


def made_here(versions: Sequence[Version], texts: Texts) -> Worksheet:
    """Versions that were made or published here; the key is the name."""
    area = "catalogue.scores.drafts"
    columns = [
        _column(area, "name"),
        _column(area, "state"),
        _column(area, "year", "code"),
        _column(area, "based_on"),
        _column(area, "entries", "int"),
        _column(area, "made"),
        _column(area, "hash", "code"),
    ]
    rows = [
        {
            "name": one.name,
            "state": texts(f"catalogue.state.{one.state}"),
            "year": str(one.year),
            "based_on": one.based_on,
            "entries": one.entries,
            "made": _made_by(one, texts),
            "hash": one.hash[:16],
        }
        for one in versions
    ]
    return _sheet("catalogue.drafts", "catalogue.scores.drafts.title", columns, rows, [one.name for one in versions])


def _made_by(version: Version, texts: Texts) -> str:
    """Method, years and weights of a derived version in words; of another nothing."""
    method = dict(version.method)
    rule, years = method.get("rule"), method.get("years")
    if not isinstance(rule, dict) or not isinstance(years, list):
        return ""
    chosen = cast("dict[str, str]", rule)
    parts = [
        texts(f"scores.option.method.{chosen.get('method', 'mean')}"),
        texts.listed(cast("list[int]", years)),
        ":".join(chosen.get("weights", "").split()),
        texts(f"scores.option.weighting.{chosen.get('weighting', 'means')}"),
    ]
    return "  ·  ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class Gains:
    """Who wins and who loses by a revision of a fund: how many, by how much in yuan, and what is left over."""

    winners: int
    gained: Fraction
    losers: int
    lost: Fraction

    @property
    def rest(self) -> Fraction:
        """What does not cancel out: the change of the residual and of the fund available."""
        return self.gained + self.lost


def gains(found: Revision, fund: str) -> Gains:
    """Changes of what is due, institution by institution."""
    changes: dict[str, Fraction] = {}
    for sign, side in ((-1, found.before), (1, found.after)):
        sheet = side.clearing.fund(fund)
        for at, one in enumerate(sheet.institutions):
            changes[one.code] = changes.get(one.code, Fraction(0)) + sign * sheet.values["due"][at]
    up = [value for value in changes.values() if value > 0]
    down = [value for value in changes.values() if value < 0]
    return Gains(len(up), sum(up, Fraction(0)), len(down), sum(down, Fraction(0)))


def scores(derived: Derived, texts: Texts) -> Worksheet:
    """The worksheet of derived scores, old and new score first, then what they were made from."""
    from core.catalogue.score_working import worksheet

    sheet = worksheet(derived, texts)
    first = ("dip_code", "dip_name", "score_old", "score_new", "change", "change_share", "decision", "mean")
    rank = {name: at for at, name in enumerate(first)}
    return replace(sheet, columns=sorted(sheet.columns, key=lambda one: rank.get(one.id, len(rank))))


def institutions(found: Revision, fund: str, lang: str) -> Worksheet:
    """`Revision.institutions` of one fund, those that gain most first, what is due before what it comes from."""
    sheet = found.institutions(lang)
    first = (
        "fixmedins_code", "fixmedins_name", "level", "due_old", "due_new", "due_change", "points_effect",
        "value_effect", "points_old", "points_new", "points_change", "points_growth", "cases", "cases_moved",
    )  # fmt: skip
    assert sheet.keys is not None
    of_fund = [row for row, key in enumerate(sheet.keys) if str(key).startswith(f"{fund}.")]
    order = sorted(of_fund, key=lambda row: -sheet.cells["due_change"][row])
    return aligned(_picked(sheet, first, order))


def groups(found: Revision, lang: str) -> Worksheet:
    """`Revision.groups`, those that move most yuan first, the amounts before the definitions."""
    sheet = found.groups(lang)
    first = (
        "change", "old_codes", "new_codes", "new_names", "cases_new", "points_change", "amount_change", "points_effect",
        "value_effect", "score_old", "score_new",
    )  # fmt: skip
    order = sorted(range(sheet.rows), key=lambda row: -abs(sheet.cells["amount_change"][row]))
    return aligned(_picked(sheet, first, order))


def moves(found: Revision, lang: str) -> Worksheet:
    """`Revision.moved`, what goes to another group first, the most cases first."""
    sheet = found.moved(lang)
    old, new, cases = (sheet.cells[name] for name in ("old_code", "new_code", "cases"))
    order = sorted(range(sheet.rows), key=lambda row: (old[row] == new[row], -int(cases[row]), str(old[row])))
    return aligned(_picked(sheet, (), order))


def aligned(sheet: Worksheet) -> Worksheet:
    """Exact columns without decimals of their own get as many as their values need, so that they stand under each other."""
    columns = [
        replace(one, places=places_for(value for value in sheet.cells[one.id] if value is not None))
        if one.kind == "exact" and one.places is None
        else one
        for one in sheet.columns
    ]
    return replace(sheet, columns=columns)


def _picked(sheet: Worksheet, first: Sequence[str], order: Sequence[int]) -> Worksheet:
    """The same worksheet with columns and rows in another order."""
    rank = {name: at for at, name in enumerate(first)}
    rows = np.array(order, dtype=np.int64)
    return replace(
        sheet,
        columns=sorted(sheet.columns, key=lambda one: rank.get(one.id, len(rank))),
        cells={name: cells[rows] for name, cells in sheet.cells.items()},
        rows=len(rows),
        totals=sheet.totals if len(rows) == sheet.rows else {},
        keys=None if sheet.keys is None else sheet.keys[rows],
    )


def differing(found: Agreement, lang: str, **part: Any) -> Worksheet:
    """`agreement.differing`, both groups and why they differ before the facts of the case."""
    from core.analysis import agreement

    sheet = agreement.differing(found, lang, **part)
    first = (
        "setl_id", "reason", "own_code", "official_code", "difference", "diagnosis", "operations", "own_name",
        "official_name", "own_points", "official_points", "fixmedins_name", "fund", "fee",
    )  # fmt: skip
    return _picked(sheet, first, range(sheet.rows))
