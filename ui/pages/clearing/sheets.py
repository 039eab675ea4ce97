"""A clearing as tables: the worksheet of all institutions, what one figure sums up, findings and runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

from core.worksheet import Column, Worksheet, column_of

if TYPE_CHECKING:
    from core.findings import Finding
    from core.rules.packs import Pack, Step
    from core.rules.sheet import Clearing, FundSheet
    from core.settlement.clearing import Run
    from core.texts import Texts

SUMMED = ("yuan", "points", "cases")
LIMIT = 2**62
# The columns in the order in which one reads a clearing. What a city's pack adds stands with its neighbour.
GROUPS = (
    ("scores", ("cases", "base_score", "score", "coefficient")),
    ("costs", ("total_cost", "booked", "own_pay", "other_pay", "by_item")),
    ("due", ("gross", "due", "surplus")),
    ("chain", (
        "after_share", "assessment_score", "assessment", "after_assessment", "audit_deduction", "violation",
        "retention", "retention_return", "monthly_paid", "advance", "final",
    )),
)  # fmt: skip


def step_column(step: Step, values: Sequence[Fraction], lang: str) -> tuple[Column, object]:
    """A step's values as a column: integers of a fixed scale where they all have one, else exact."""
    places = step.places
    if places is None:
        least = {"yuan": 2, "cases": 0}.get(step.unit, 0)
        places = next((p for p in range(least, 7) if all((v * 10**p).denominator == 1 for v in values)), None)
    opened = step.open.get(lang, "") if step.open else ""
    scaled = None if places is None else [v * 10**places for v in values]
    fits = scaled is not None and all(v.denominator == 1 and abs(v) < LIMIT for v in scaled)
    column = Column(
        step.id, step.title, "fixed" if fits else "exact", step.unit, places, step.evidence, opened,
        total=step.unit in SUMMED,
    )
    if fits and scaled is not None:
        return column, column_of([int(v) for v in scaled], "fixed")
    return column, column_of(list(values), "exact")


def _grouped(pack: Pack) -> list[tuple[str, Step]]:
    """Institution steps with their group, groups together, in the pack's order within each."""
    of = {name: group for group, names in GROUPS for name in names}
    found: list[tuple[str, Step]] = []
    group = GROUPS[0][0]
    for step in pack.scope("institution"):
        group = of.get(step.id, group)
        found.append((group, step))
    rank = {group: i for i, (group, _) in enumerate(GROUPS)}
    return sorted(found, key=lambda pair: rank[pair[0]])


def institutions(clearing: Clearing, sheet: FundSheet, texts: Texts) -> tuple[Worksheet, dict[str, str]]:
    """The worksheet of a fund, and the band of each column."""
    columns: list[Column] = [
        Column("code", _titles("code"), "code"), Column("name", _titles("name")),
        Column("level", _titles("level")), Column("county", _titles("county")),
    ]
    listed = sheet.institutions
    cells: dict[str, object] = {
        "code": column_of([one.code for one in listed], "code"),
        "name": column_of([one.name for one in listed], "text"),
        "level": column_of([_level(one.level, texts) for one in listed], "text"),
        "county": column_of([one.county for one in listed], "text"),
    }
    groups: dict[str, str] = {}
    for group, step in _grouped(clearing.pack):
        column, values = step_column(step, sheet.values[step.id], texts.lang)
        columns.append(column)
        cells[step.id] = values
        groups[step.id] = texts(f"clearing.group.{group}")
    title = {
        lang: f"{words} {_texts(lang)(f'fund.{sheet.fund}')}" for lang, words in clearing.pack.title.items()
    }
    keys = column_of([one.code for one in listed], "code")
    name = f"clearing.{clearing.pack.id}"
    return Worksheet(name, title, columns, cells, len(listed), keys=keys), groups  # type: ignore[arg-type]


def parts_of_sum(clearing: Clearing, sheet: FundSheet, names: Sequence[str], texts: Texts) -> Worksheet:
    """The institutions beneath a figure of the region: the columns that were summed."""
    columns: list[Column] = [Column("code", _titles("code"), "code"), Column("name", _titles("name"))]
    cells: dict[str, object] = {
        "code": column_of([one.code for one in sheet.institutions], "code"),
        "name": column_of([one.name for one in sheet.institutions], "text"),
    }
    for name in names:
        column, values = step_column(clearing.pack.step("institution", name), sheet.values[name], texts.lang)
        columns.append(column)
        cells[name] = values
    keys = column_of([one.code for one in sheet.institutions], "code")
    return Worksheet(
        "clearing.beneath", clearing.pack.title, columns, cells, len(sheet.institutions), keys=keys,  # type: ignore[arg-type]
    )


def findings(found: Sequence[Finding], texts: Texts) -> Worksheet:
    """Findings of a run, a row each; the key is the place in `found`."""
    names = ("severity", "reason", "subject", "value", "file", "row", "column")
    rows = [
        (
            texts(f"severity.{one.severity}"), said(one, texts), _subject(one.subject, texts), one.value, one.file,
            "" if one.row is None else str(one.row), one.column,
        )
        for one in found
    ]
    columns = [Column(name, _titles(f"finding.{name}")) for name in names]
    cells = {
        column.id: column_of([row[i] for row in rows], "text") for i, column in enumerate(columns)
    }
    title = {lang: _texts(lang)("clearing.findings_title") for lang in ("zh", "en")}
    return Worksheet("clearing.findings", title, columns, cells, len(rows))


def said(finding: Finding, texts: Texts) -> str:
    """A finding's sentence with funds and budget items in words."""
    values = {name: _subject(value, texts) if name == "fund" else value for name, value in finding.values.items()}
    item = f"clearing.item.{finding.column}"
    column = texts(item) if texts.has(item) else finding.column
    return texts.finding(replace(finding, subject=_subject(finding.subject, texts), column=column, values=values))


def run_words(run: Run, texts: Texts) -> str:
    """A stored run in a line of a menu."""
    at = run.at.replace("T", " ")[:16]
    words = texts("clearing.run_line", at=at, who=run.who, pack=run.pack, set=run.set_name or "—", hash=run.hash[:8])
    return f"{words} · {texts(f'clearing.stale.{run.stale}')}" if run.stale else words


def _subject(subject: str, texts: Texts) -> str:
    return texts(f"fund.{subject}") if subject in ("employee", "resident") else subject


def _level(level: int, texts: Texts) -> str:
    return texts(f"clearing.level.{level}") if level in (1, 2, 3) else "—"


def _texts(lang: str) -> Texts:
    from core.texts import Texts

    return Texts(lang)


def _titles(name: str) -> dict[str, str]:
    return {lang: _texts(lang)(f"clearing.column.{name}") for lang in ("zh", "en")}
