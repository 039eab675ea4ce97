"""Institutions side by side as a command."""

from __future__ import annotations

import argparse
from fractions import Fraction
from typing import TYPE_CHECKING

from core.cli.terminal import (
    TerminalProgress,
    check_outs,
    endings,
    parameters,
    pictured,
    print_findings,
    readable,
    write_pictures,
    write_whole,
    write_worksheets,
)
from core.texts import Texts

if TYPE_CHECKING:
    from core.analysis.comparison import Comparison


def compare(arguments: argparse.Namespace, texts: Texts, progress: TerminalProgress) -> int:
    """Indicators on stdout, then why mean costs differ; every worksheet in the files. Without any pack to go by, what needs
    one is empty and says so."""
    from core.analysis import comparison
    from core.settlement import own_packs
    from core.settlement.usual_pack import usual

    check_outs(arguments.out, endings(arguments.draw))
    with readable(arguments.workspace, texts) as workspace:
        pack = arguments.pack or usual(workspace, arguments.year)
        rule = own_packs.load(workspace, pack, parameters=parameters(arguments.param)) if pack else None
        found = comparison.compare(
            workspace, arguments.codes, arguments.year, fund="" if arguments.fund == "all" else arguments.fund, pack=rule,
            set_name=arguments.set_name, progress=progress,
        )  # fmt: skip
        synthetic = workspace.synthetic
    progress.done()
    if synthetic:
        print(texts("cli.synthetic"))
    by = rule.title[texts.lang] if rule is not None else texts("cli.compare_no_pack")
    print(texts("cli.compared_in", year=found.year, fund=texts(f"fund.{found.fund or 'all'}"), pack=by))
    _print(found, texts)
    print_findings(found.findings, texts)
    write_whole(found.findings, arguments.findings, texts)
    sheets = found.worksheets(texts) if arguments.out else ()
    write_pictures(arguments.draw, "compare", found, arguments.out, texts)
    for out in (out for out in arguments.out if out not in pictured(arguments.out)):
        write_worksheets(sheets, out, texts, progress, synthetic=synthetic)
    return 0


def _print(found: Comparison, texts: Texts) -> None:
    """A line an indicator, parted by tabs: title, unit, each institution, their levels, the region."""
    from core.money import plain

    sheet = found.indicators(texts)
    shown = sheet.columns[: 2 + len(found.codes) + len(found.beyond)]
    print("\t".join(column.title[texts.lang] for column in shown))
    for row in range(sheet.rows):
        print("\t".join(sheet.text(row, column) for column in shown))
    print(texts("cli.compare_shared", count=found.groups(texts).rows))
    splits = found.splits(texts)

    def yuan(value: object) -> str:
        return plain(Fraction(str(value)), 2)

    for row in range(splits.rows):
        told = {column.id: splits.cells[column.id][row] for column in splits.columns}
        if told["whole"] is not None:
            figures = {name: yuan(told[name]) for name in ("whole", "mix", "intensity", "interaction")}
            print("  " + texts("cli.compare_split", own=told["own"], other=told["other"], **figures))
