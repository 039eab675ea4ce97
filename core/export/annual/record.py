"""The sheets of record: what the run warned of, and what it stands on by name and hash; no clock."""

from __future__ import annotations

import json
from collections.abc import Iterator

from core.export.annual.pen import Pen, put_row
from core.export.tables import confirmation_of
from core.money import yuan
from core.rules.sheet import Stamps
from core.texts import Texts

FINDINGS_SHOWN = 20_000


def write_findings(pen: Pen) -> None:
    """What the run warned of, with its reason; nothing is left out in silence."""
    texts = pen.texts
    found = pen.plan.clearing.findings
    page = pen.page(texts("workbook.findings"), texts("workbook.findings_title", count=len(found)))
    for col, width in enumerate((10, 24, 18, 18, 80)):
        page.set_column(col, col, width)
    heads = ("severity", "subject", "column", "value", "reason")
    put_row(page, 3, [texts(f"export.finding.{name}") for name in heads], pen.head)
    page.freeze_panes(4, 0)
    page.repeat_rows(3)
    for i, one in enumerate(found[:FINDINGS_SHOWN]):
        said = [
            texts(f"severity.{one.severity}"),
            texts.subject(one),
            one.column,
            one.value,
            texts.finding(one),
        ]
        put_row(page, 4 + i, said, pen.wrapped)
    if len(found) > FINDINGS_SHOWN:
        said = texts("workbook.more", count=len(found) - FINDINGS_SHOWN)
        page.write_string(4 + FINDINGS_SHOWN, 4, said, pen.open)


def write_stamps(pen: Pen) -> None:
    """What the sheet stands on, by name and hash; no clock."""
    texts, stamps = pen.texts, pen.plan.clearing.stamps
    page = pen.page(texts("workbook.stamps"), texts("workbook.stamps_title"))
    page.set_column(0, 0, 34)
    page.set_column(1, 1, 72)
    state = texts(f"state.{stamps.set_state}")
    grouping = f"workbook.grouping_{stamps.grouping}"
    lines: list[tuple[str, str]] = [
        (texts("workbook.year"), str(pen.plan.clearing.year)),
        (texts("workbook.region_code"), stamps.region),
        (texts("workbook.workspace"), stamps.workspace),
        (texts("workbook.pack"), stamps.pack),
        (texts("workbook.pack_hash"), stamps.pack_hash),
        (texts("workbook.set"), f"{stamps.set_name} ({state})"),
        (texts("workbook.set_hash"), stamps.set_hash),
        (texts("workbook.catalogue"), stamps.catalogue),
        (texts("workbook.grouping"), texts(grouping) if texts.has(grouping) else stamps.grouping),
        (texts("workbook.data_hash"), stamps.data_hash),
        (texts("workbook.run_hash"), stamps.run_hash),
        *((texts("workbook.state"), said) for said in confirmation_of(stamps, texts)),
        *(
            [(texts("workbook.scenario"), stamps.scenario or texts("export.unnamed_scenario"))]
            if stamps.tried
            else []
        ),
        *_changes(stamps, texts),
        *((texts("workbook.changed_parameter", name=n), value) for n, value in stamps.parameters.items()),
        *((_named(texts, "reference", "source", name), str(n)) for name, n in stamps.references.items()),
        *((_named(texts, "counted", "reason", name), str(n)) for name, n in stamps.counts.items()),
    ]
    for i, (name, value) in enumerate(lines):
        page.write_string(3 + i, 0, name, pen.text)
        page.write_string(3 + i, 1, value, pen.wrapped)


def _changes(stamps: Stamps, texts: Texts) -> Iterator[tuple[str, str]]:
    """What a scenario changed, one line each, in words; parameters of the rule have their own place."""
    said = json.loads(stamps.changes) if stamps.changes else {}
    for code, fund, part, value, day, basis in said.get("cells", ()):
        named = [
            code,
            texts(f"coefficients.fund.{fund}"),
            texts.column(part),
            "—" if value is None else value,
            day,
            basis,
        ]
        yield texts("workbook.change_cells"), " · ".join(filter(None, named))
    for code, score in said.get("scores", ()):
        yield texts("workbook.change_scores"), f"{code} · {score}"
    for fund, item, amount in said.get("budget", ()):
        named = [texts(f"fund.{fund}"), texts.column(item), f"{yuan(amount)} {texts('unit.yuan')}"]
        yield texts("workbook.change_budget"), " · ".join(named)


def _named(texts: Texts, sentence: str, area: str, name: str) -> str:
    """A counter's words; an unknown one shows its own name."""
    key = f"workbook.{area}.{name}"
    return texts(f"workbook.{sentence}", what=texts(key) if texts.has(key) else name)
