"""Coefficient sets as commands: listed, derived by a pack, compared, published."""

from __future__ import annotations

import argparse
from pathlib import Path

from core.cli.terminal import (
    TerminalProgress,
    check_outs,
    parameters,
    print_findings,
    readable,
    writable,
    write_whole,
    write_worksheets,
)
from core.faults import Refused, Usage
from core.settings import pasted
from core.texts import Texts

TABLE_ENDINGS = (".csv", ".xlsx")
SHOWN = 40


def coefficients(arguments: argparse.Namespace, texts: Texts, progress: TerminalProgress) -> int:
    return VERBS[arguments.verb](arguments, texts, progress)


def _list(arguments: argparse.Namespace, texts: Texts, progress: TerminalProgress) -> int:
    """A line a set, parted by tabs: name, state, rows, hash of its content, based on, when. What `clear --set` would take
    without a name comes first."""
    from core.settlement.coefficients import choose, sets

    with readable(arguments.workspace, texts) as workspace:
        found = sets(workspace.reader())
        used = choose(workspace.reader())
    if not found:
        print(texts("cli.no_sets"))
    for one in sorted(found, key=lambda one: one.name != (used.name if used else "")):
        said = [one.name, texts(f"state.{one.state}"), texts("cli.set_rows", count=one.rows), one.hash[:16], one.based_on, one.at]
        print("\t".join(said))
    return 0


def _derive(arguments: argparse.Namespace, texts: Texts, progress: TerminalProgress) -> int:
    """Each hospital's coefficient for a year by a pack: shown, written, and stored where the draft has a name."""
    from core.rules.deriving import rule_of
    from core.settlement import derive_working, own_packs
    from core.settlement.deriving import derive, store

    if arguments.out:
        check_outs([arguments.out], TABLE_ENDINGS)
    with writable(arguments.workspace, texts) if arguments.name else readable(arguments.workspace, texts) as workspace:
        pack = own_packs.load(workspace, arguments.pack)
        rule = rule_of(pack, parameters(arguments.param))
        found = derive(workspace, pack, arguments.year, progress, rule=rule, catalogue=arguments.catalogue)
        keys = [key for key in found.working if key[0] == arguments.show]
        if arguments.show and not keys:
            raise Usage("derive_code_unknown", institution=arguments.show)
        if arguments.name:
            try:
                store(workspace, found, arguments.name, arguments.why, arguments.based_on)
            except Refused as refused:
                if refused.code != "nothing_changed":  # derived again with the same result
                    raise
        synthetic = workspace.synthetic
        if arguments.out:
            sheet = derive_working.sheet(found, texts)
            write_worksheets([sheet], arguments.out, texts, progress, synthetic=synthetic)
    progress.done()
    if synthetic:
        print(texts("cli.synthetic"))
    whole = sum(one.total is not None for one in found.working.values())
    print(texts(
        "cli.coefficients_derived", year=found.year, pack=pack.title[texts.lang], count=whole,
        method=texts(f"coefficients.method.{rule.method}"), cite=rule.source.cite, evidence=rule.source.evidence,
    ))  # fmt: skip
    for key in keys:
        for line in derive_working.words(found, key, texts):
            print("  " + line if line else "")
    print_findings(found.findings, texts)
    write_whole(found.findings, arguments.findings, texts)
    if arguments.name:
        print(texts("cli.coefficients_drafted", set=arguments.name, count=len(found.cells)))
        print(texts("cli.coefficients_next", workspace=pasted(arguments.workspace), set=pasted(arguments.name)))
    return 0


def _diff(arguments: argparse.Namespace, texts: Texts, progress: TerminalProgress) -> int:
    from core.settlement.coefficient_sheets import difference

    out: Path | None = arguments.out
    if out:
        check_outs([out], TABLE_ENDINGS)
    with readable(arguments.workspace, texts) as workspace:
        sheet = difference(workspace.reader(), arguments.one, arguments.other, texts)
        synthetic = workspace.synthetic
        if out:
            write_worksheets([sheet], out, texts, progress, synthetic=synthetic)
    if synthetic:
        print(texts("cli.synthetic"))
    institutions = 0 if sheet.keys is None else len(set(sheet.keys.tolist()))
    print(texts("cli.sets_compared", one=arguments.one, other=arguments.other, count=sheet.rows, institutions=institutions))
    for row in range(0 if out else min(sheet.rows, SHOWN)):
        print("  " + "  ".join(filter(None, (sheet.text(row, column) for column in sheet.columns))))
    if not out and sheet.rows > SHOWN:
        print("  " + texts("cli.more_differences", count=sheet.rows - SHOWN))
    return 0


def _publish(arguments: argparse.Namespace, texts: Texts, progress: TerminalProgress) -> int:
    from core.settlement.coefficients import publish

    with writable(arguments.workspace, texts) as workspace:
        found = publish(workspace, arguments.source, arguments.name, arguments.why)
    print(texts("cli.set_published", set=found.name, count=found.rows, hash=found.hash[:16]))
    return 0


VERBS = {"list": _list, "derive": _derive, "diff": _diff, "publish": _publish}
