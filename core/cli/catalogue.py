"""The disease catalogue as commands: cases into groups, scores from history, versions listed, compared, checked, published."""

from __future__ import annotations

import argparse
import csv
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli.terminal import (
    TerminalProgress,
    check_outs,
    parameters,
    print_findings,
    readable,
)
from core.faults import Usage
from core.progress import step
from core.texts import Texts

if TYPE_CHECKING:
    from core.analysis.agreement import Agreement

TABLE_ENDINGS = (".csv", ".xlsx")
SHOWN_REASONS = 12
GROUP_COLUMNS = ("setl_id", "dip_code", "kind", "path")


def group(arguments: argparse.Namespace, texts: Texts, progress: TerminalProgress) -> int:
    """Ends 0 also when cases are ungrouped: the share is what was asked for."""
    from core.analysis import agreement
    from core.rules import packs

    if arguments.out:
        check_outs([arguments.out], (".csv",))
    pack = packs.load(arguments.pack, parameters=parameters(arguments.param))
    with readable(arguments.workspace) as workspace:
        found = agreement.agree(workspace, arguments.year, pack, catalogue=arguments.catalogue, progress=progress)
        synthetic = workspace.synthetic
        if arguments.out:
            _write_groups(found, arguments.out, texts, progress)
    progress.done()
    if synthetic:
        print(texts("cli.synthetic"))
    print(texts("cli.group_by", year=found.year, pack=pack.title[texts.lang], catalogue=found.catalogue))
    print(texts("cli.grouped", grouped=found.grouped, cases=len(found), share=_share(found.grouped, len(found))))
    if found.stated:
        print(texts("cli.agreed", same=found.same, stated=found.stated, share=_share(found.same, found.stated)))
        reasons = agreement.by(found, "reason", texts.lang)
        title, cases = reasons.columns[0], reasons.cells["cases"]
        for row in range(min(reasons.rows, SHOWN_REASONS)):
            print(f"  {reasons.text(row, title)}  {int(cases[row])}")
    else:
        print(texts("cli.no_official"))
    print_findings(found.findings, texts)
    if arguments.out:
        print(texts("cli.wrote", path=arguments.out))
    return 0


def _share(part: int, whole: int) -> str:
    """Per cent with two decimals; of nothing, nothing."""
    from fractions import Fraction

    from core.money import plain

    return f"{plain(Fraction(100 * part, whole), 2)}%" if whole else "-"


def _write_groups(found: Agreement, path: Path, texts: Texts, progress: TerminalProgress) -> None:
    """One row a case that counts, in the order of the settlement's id; nothing else, so that a script can read it."""
    from core.analysis.agreement import group_rows
    from core.export.tables import inert
    from core.export.target import whole_file

    with whole_file(path) as beside, beside.open("w", encoding="utf-8-sig", newline="") as out:
        rows = csv.writer(out, lineterminator="\r\n")
        rows.writerow(GROUP_COLUMNS)
        for done, row in enumerate(group_rows(found, texts.lang)):
            if done % 4096 == 0:
                step(progress, "export", done, len(found))
            rows.writerow([inert(cell) for cell in row])


def score(arguments: argparse.Namespace, texts: Texts, progress: TerminalProgress) -> int:
    raise Usage("not_built", what="score")


def catalogue(arguments: argparse.Namespace, texts: Texts, progress: TerminalProgress) -> int:
    verbs = {"list": _list, "diff": _diff, "lint": _lint, "publish": _publish}
    return verbs[arguments.verb](arguments, texts, progress)


def _list(arguments: argparse.Namespace, texts: Texts, progress: TerminalProgress) -> int:
    """A line a version, parted by tabs: name, year, state, entries, kinds, based on, file."""
    from core.catalogue import library

    with readable(arguments.workspace) as workspace:
        found = library.versions(workspace.reader())
    if not found:
        print(texts("cli.no_versions"))
    for one in found:
        kinds = texts.listed(f"{texts(f'catalogue.kind.{kind}')} {count}" for kind, count in one.kinds.items())
        state = texts(f"catalogue.state.{one.state}")
        entries = texts("cli.entries", count=one.entries)
        print("\t".join([one.name, str(one.year), state, entries, kinds, one.based_on, one.file]).rstrip())
    return 0


def _diff(arguments: argparse.Namespace, texts: Texts, progress: TerminalProgress) -> int:
    raise Usage("not_built", what="catalogue diff")


def _lint(arguments: argparse.Namespace, texts: Texts, progress: TerminalProgress) -> int:
    raise Usage("not_built", what="catalogue lint")


def _publish(arguments: argparse.Namespace, texts: Texts, progress: TerminalProgress) -> int:
    raise Usage("not_built", what="catalogue publish")
