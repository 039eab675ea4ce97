"""Reconciliation as a command: own result against the official one, every difference with its cause."""

from __future__ import annotations

import argparse
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli.terminal import (
    TerminalProgress,
    check_outs,
    parameters,
    print_findings,
    readable,
    write_whole,
    write_worksheets,
)
from core.faults import Usage
from core.money import decimal
from core.texts import Texts

if TYPE_CHECKING:
    from core.settlement.reconcile import Reconciliation
    from core.worksheet import Column, Worksheet

ENDINGS = (".csv", ".xlsx", ".json", ".pdf")
SHOWN = 20
# What is printed of a step and of a case.
OF_STEP = ("scope", "step", "own", "official", "difference", "causes")
OF_CASE = ("setl_id", "fixmedins_code", "own_score", "official_score", "score_difference", "causes", "by")


def reconcile(arguments: argparse.Namespace, texts: Texts, progress: TerminalProgress) -> int:
    """Print what differs by step, then the cases; 1 where anything differs by more than its tolerance."""
    from core.settlement import own_packs
    from core.settlement import reconcile as room
    from core.settlement import reconcile_sheets as tables

    outs: list[Path] = arguments.out
    check_outs(outs, ENDINGS)
    tolerance = _tolerance(arguments.tolerance)
    with readable(arguments.workspace, texts) as workspace:
        pack = own_packs.load(workspace, arguments.pack, parameters(arguments.param))
        known = {step.id for step in pack.steps} | {"case_score", "case_pay"}
        for name in tolerance:
            if name not in known:
                raise Usage("tolerance_unknown", name=name)
        found = room.reconcile(
            workspace, arguments.year, pack, tolerance=tolerance, set_name=arguments.set_name,
            catalogue=arguments.catalogue, grouping=arguments.grouping or "official", progress=progress,
        )  # fmt: skip
        for out in outs:
            _write(found, out, texts, progress)
        synthetic = workspace.synthetic
    progress.done()
    if synthetic:
        print(texts("cli.synthetic"))
    print(texts("cli.reconciled", year=arguments.year, pack=pack.title[texts.lang], cases=found.compared))
    print_findings(found.findings, texts)
    write_whole(found.findings, arguments.findings, texts)
    for one in found.bridges:
        sheet = tables.steps(found, one.fund, texts)
        print()
        print(texts(f"fund.{one.fund}"))
        if not _print(sheet, OF_STEP, texts, sheet.rows, only_differing=True):
            count = found.count_of(one.fund)
            said = "reconciled_cases_only" if sheet.rows else "reconciled_no_sheet"
            print("  " + texts(f"cli.{said if count or not sheet.rows else 'reconciled_no_step'}", count=count))
    if found.count:
        sheet = tables.cases(found, texts, most=SHOWN)
        print()
        print(texts("cli.reconciled_cases", count=found.count, shown=min(SHOWN, sheet.rows)))
        _print(sheet, OF_CASE, texts, SHOWN)
    print()
    print(texts("cli.reconciled_same" if found.agrees else "cli.reconciled_differs"))
    return 0 if found.agrees else 1


def _write(found: Reconciliation, out: Path, texts: Texts, progress: TerminalProgress) -> None:
    """One file cannot hold a dozen tables of other columns: a csv has the differences by step and the cases."""
    from core.settlement import reconcile_book
    from core.settlement import reconcile_sheets as tables

    ending = out.suffix.lower()
    if ending in (".xlsx", ".pdf"):
        (reconcile_book.write if ending == ".xlsx" else reconcile_book.write_pdf)(found, out, texts, progress)
        progress.done()
        print(texts("cli.wrote", path=out))
        return
    narrow = [*(tables.steps(found, one.fund, texts) for one in found.bridges), tables.cases(found, texts)]
    some = narrow if ending == ".csv" else tables.worksheets(found, texts)
    write_worksheets(some, out, texts, progress, synthetic=found.clearing.stamps.synthetic)


def _tolerance(given: list[str]) -> dict[str, Fraction]:
    """STEP=AMOUNT, not negative."""
    found: dict[str, Fraction] = {}
    for one in given:
        name, equals, value = one.partition("=")
        try:
            amount = decimal(value)
        except ValueError:
            amount = Fraction(-1)
        if not equals or amount < 0:
            raise Usage("bad_tolerance", given=one)
        found[name.strip()] = amount
    return found


def _print(sheet: Worksheet, names: tuple[str, ...], texts: Texts, most: int, *, only_differing: bool = False) -> int:
    """How many lines were printed."""
    columns = [column for column in sheet.columns if column.id in names]
    said = 0
    for row in range(sheet.rows):
        if only_differing and not sheet.cells["differing"][row]:
            continue
        if said == most:
            break
        said += 1
        print("  " + "  ".join(filter(None, (_cell(sheet, row, column) for column in columns))))
    return said


def _cell(sheet: Worksheet, row: int, column: Column) -> str:
    """A figure with thousands separators and the unit of its line."""
    text = sheet.text(row, column)
    if column.kind not in ("exact", "fixed") or not text:
        return text
    whole, point, decimals = text.lstrip("-").partition(".")
    if not whole.isdigit():
        return text
    unit = sheet.text(row, next(one for one in sheet.columns if one.id == "unit")) if "unit" in sheet.cells else ""
    said = f"{'-' if text.startswith('-') else ''}{int(whole):,}{point}{decimals}"
    return f"{said} {unit}" if unit else said
