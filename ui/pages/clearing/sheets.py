"""A clearing as tables: the worksheet of all institutions, what one figure sums up, findings and runs."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from core.worksheet import Cells, Column, Worksheet, column_of

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
        "share_rate", "share_factor", "after_share", "assessment_score", "assessment", "after_assessment",
        "audit_deduction", "violation",
        "retention", "retention_return", "monthly_paid", "advance", "final",
    )),
    ("outside", (
        "by_item_cases", "item_cases", "item_paid", "bed_day_cases", "bed_day_paid", "quota_cases", "quota_paid",
        "other_method_cases", "other_method_paid", "outside_cases", "outside_paid", "fund_paid",
    )),
)  # fmt: skip


def step_column(step: Step, values: Sequence[Fraction], lang: str) -> tuple[Column, Cells]:
    """A step's values as a column: integers of a fixed scale where they all have one, else exact."""
    places = step.places
    if places is None:
        least = {"yuan": 2, "cases": 0}.get(step.unit, 0)
        places = next((p for p in range(least, 7) if all((v * 10**p).denominator == 1 for v in values)), None)
    opened = step.open.get(lang, "") if step.open else ""
    scaled = None if places is None else [v * 10**places for v in values]
    fits = scaled is not None and all(v.denominator == 1 and abs(v) < LIMIT for v in scaled)
    column = Column(
        step.id,
        step.title,
        "fixed" if fits else "exact",
        step.unit,
        places,
        step.evidence,
        opened,
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
        Column("code", _titles("code"), "code"),
        Column("name", _titles("name")),
        Column("level", _titles("level")),
        Column("county", _titles("county")),
    ]
    listed = sheet.institutions
    cells: dict[str, Cells] = {
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
    return Worksheet(name, title, columns, cells, len(listed), keys=keys), groups


def parts_of_sum(clearing: Clearing, sheet: FundSheet, names: Sequence[str], texts: Texts) -> Worksheet:
    """The institutions beneath a figure of the region: the columns that were summed."""
    columns: list[Column] = [Column("code", _titles("code"), "code"), Column("name", _titles("name"))]
    cells: dict[str, Cells] = {
        "code": column_of([one.code for one in sheet.institutions], "code"),
        "name": column_of([one.name for one in sheet.institutions], "text"),
    }
    for name in names:
        column, values = step_column(clearing.pack.step("institution", name), sheet.values[name], texts.lang)
        columns.append(column)
        cells[name] = values
    keys = column_of([one.code for one in sheet.institutions], "code")
    return Worksheet(
        "clearing.beneath",
        clearing.pack.title,
        columns,
        cells,
        len(sheet.institutions),
        keys=keys,
    )


# Which column of the cases an institution's figure sums, and what one wants to see beside it.
OF_CASES = {"base_score": "rw", "score": "score", "total_cost": "fee", "booked": "booked", "own_pay": "own_pay",
            "other_pay": "other_pay"}  # fmt: skip
NEAR = ("score", "branch", "fee", "reference", "x", "rw", "k", "u")


def cases_for(cases: Worksheet, step: str, of_one: bool) -> Worksheet:
    """The cases beneath a figure, what is summed first; of one institution its code says nothing."""
    wanted = [OF_CASES[step]] if step in OF_CASES else []
    order = ["setl_id", *wanted, *(name for name in NEAR if name not in wanted)]
    rank = {name: i for i, name in enumerate(order)}
    columns = [one for one in cases.columns if not (of_one and one.id == "fixmedins_code")]
    columns = sorted(columns, key=lambda one: rank.get(one.id, len(rank)))
    cells = {one.id: cases.cells[one.id] for one in columns}
    name = f"clearing.cases.{step}" if step in OF_CASES else "clearing.cases"
    return Worksheet(name, cases.title, columns, cells, cases.rows, cases.totals, cases.keys)


def rows_for(rows: Worksheet, step: str, texts: Texts) -> Worksheet:
    """Imported rows with budget items and parts of a coefficient in words."""
    cells = dict(rows.cells)
    if step == "coefficient":
        cells["remark"] = column_of([_part_words(str(cell), texts) for cell in cells["remark"]], "text")
    named = [
        texts(f"item.{cell}") if texts.has(f"item.{cell}") else cell
        for cell in cells["subject"]
    ]
    cells["subject"] = column_of(named, "text")
    return Worksheet(rows.id, rows.title, rows.columns, cells, rows.rows, rows.totals, rows.keys)


def _part_words(remark: str, texts: Texts) -> str:
    """`bonus:NAME = 0.02 (basis)` in words."""
    part, equals, rest = remark.partition(" = ")
    kind, _, name = part.partition(":")
    key = f"clearing.part.{kind}"
    return f"{texts(key, name=name)}{equals}{rest}" if texts.has(key) else remark


def set_words(name: str, texts: Texts) -> str:
    """A coefficient set's name; that of the imports has a name in words."""
    return texts("set.imported") if name == "imported" else name


def findings(found: Sequence[Finding], texts: Texts) -> Worksheet:
    """Findings of a run, a row each; the key is the place in `found`."""
    names = ("severity", "reason", "subject", "value", "file", "row", "column")
    rows = [
        (
            texts(f"severity.{one.severity}"),
            texts.finding(one),
            _subject(one.subject, texts),
            one.value,
            one.file,
            "" if one.row is None else str(one.row),
            one.column,
        )
        for one in found
    ]
    columns = [Column(name, _titles(f"finding.{name}")) for name in names]
    cells = {column.id: column_of([row[i] for row in rows], "text") for i, column in enumerate(columns)}
    title = {lang: _texts(lang)("clearing.findings_title") for lang in ("zh", "en")}
    return Worksheet("clearing.findings", title, columns, cells, len(rows))


def run_words(run: Run, texts: Texts) -> str:
    """A stored run in a line of a menu."""
    at = run.at.replace("T", " ")[:16]
    words = texts(
        "clearing.run_line",
        at=at,
        who=run.who,
        pack=run.pack,
        set=set_words(run.set_name, texts),
        hash=run.hash[:8],
    )
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
