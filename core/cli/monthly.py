"""The months as a command: one month settled, a year's months, the advance; and their booking as payments."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli.clearing import region_lines, write_clearing
from core.cli.terminal import (
    TerminalProgress,
    check_outs,
    parameters,
    print_findings,
    writable,
    write_whole,
    write_worksheets,
)
from core.faults import Refused, Usage
from core.texts import Texts

if TYPE_CHECKING:
    from core.settlement.monthly import Month
    from core.storage.ledger import LedgerLine
    from core.storage.workspace import Workspace

ENDINGS = (".xlsx", ".csv", ".json", ".pdf")


def month(arguments: argparse.Namespace, texts: Texts, progress: TerminalProgress) -> int:
    """`--month 2024-03` settles one; `--month 2024` shows every month of the year beside what is booked; `--advance` the
    advance of that year; `--book` writes what was settled into the payments."""
    from core.rules.cases import FUNDS
    from core.settlement import advance, doubled, month_sheets, monthly, own_packs

    outs: list[Path] = arguments.out
    check_outs(outs, ENDINGS)
    whole = re.fullmatch(r"(19|20)\d\d", arguments.month) is not None
    if arguments.advance and not whole:
        raise Usage("advance_of_year", month=arguments.month)
    if not whole:
        monthly.period_of(arguments.month)
    funds = FUNDS if arguments.fund == "all" else (arguments.fund,)
    with writable(arguments.workspace, texts) as workspace:
        pack = own_packs.load(workspace, arguments.pack, parameters(arguments.param))
        if arguments.advance:
            found = (advance.advance(workspace, int(arguments.month), pack, funds=funds, progress=progress),)
        elif whole:
            found = monthly.year_of_months(
                workspace, int(arguments.month), pack, funds=funds, set_name=arguments.set_name,
                catalogue=arguments.catalogue, progress=progress,
            )  # fmt: skip
        else:
            found = (
                monthly.settle(
                    workspace, arguments.month, pack, funds=funds, set_name=arguments.set_name,
                    catalogue=arguments.catalogue, progress=progress,
                ),
            )  # fmt: skip
        year = found[0].clearing.year
        doubts = doubled.doubled(workspace, year, funds) + doubled.gross(workspace.reader(), found)
        sheet = month_sheets.months(workspace.reader(), found, texts.lang)
        lines = []
        if arguments.book:
            lines = [line for one in found if (line := _booked(workspace, one, arguments, texts)) is not None]
        for out in outs:
            if out.suffix.lower() == ".pdf":
                from core.export.document import worksheets_pdf

                # A year's months stand on runs of their own; of one the sheet says which.
                alone = found[0] if len(found) == 1 else None
                each = (
                    [month_sheets.institutions(workspace.reader(), alone, one, texts.lang) for one in alone.funds]
                    if alone is not None
                    else [sheet]
                )
                stamps = alone.clearing.stamps if alone is not None else None
                worksheets_pdf(each, out, texts.lang, progress, workspace.synthetic, stamps=stamps)
                if whole and not arguments.advance:
                    print(texts("cli.wrote", path=out))
            elif whole and not arguments.advance:
                write_worksheets([sheet], out, texts, progress, synthetic=workspace.synthetic)
            else:
                write_clearing(found[0].clearing, out, texts, progress)
        progress.done()
        _say(workspace, found, texts)
    print_findings(doubts, texts)
    write_whole([*(finding for one in found for finding in one.clearing.findings), *doubts], arguments.findings, texts)
    for line in lines:
        print(texts("cli.month_booked", subject=line.subject, count=len(line.changes)))
    for out in outs if not whole or arguments.advance else ():
        print(texts("cli.wrote", path=out))
    return 0


def _booked(workspace: Workspace, month: Month, arguments: argparse.Namespace, texts: Texts) -> LedgerLine | None:
    """None where all of it is booked already, which is said and is no fault."""
    from core.settlement import booking

    try:
        return booking.book(workspace, month, arguments.why, again=arguments.again)
    except Refused as refused:
        if refused.code != "nothing_to_book":
            raise
        print(texts("fault.nothing_to_book", **refused.values))
        return None


def _say(workspace: Workspace, found: tuple[Month, ...], texts: Texts) -> None:
    """The region's figures of each month, and what is to be looked at."""
    print(found[0].clearing.pack.title[texts.lang])
    if workspace.synthetic:
        print(texts("cli.synthetic"))
    for one in found:
        for sheet in one.funds:
            count = texts("cli.institutions", count=len(sheet.institutions))
            print(f"\n{spoken(one.period)} · {texts(f'fund.{sheet.fund}')}{count}")
            for line in region_lines(one.clearing, sheet, texts):
                print(line)
        # They are kept with the run: this is where they are read.
        print_findings([f for f in one.clearing.findings if f.severity == "warning" or len(found) == 1], texts)
        if len(found) == 1:
            print(texts("cli.run_hash", hash=one.clearing.stamps.run_hash[:16]))


def spoken(period: str) -> str:
    """202403 as 2024-03; a year as it is."""
    return f"{period[:4]}-{period[4:]}" if len(period) == 6 else period
