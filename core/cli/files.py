"""A workspace and its files: new, demonstration, import, findings, verify."""

from __future__ import annotations

import argparse
import re
import sys

from core.cli.terminal import TerminalProgress, new_passphrase, print_findings, readable, sentence, writable
from core.faults import Usage
from core.findings import WRONG
from core.settings import pasted
from core.texts import Texts


def new(arguments: argparse.Namespace, texts: Texts, progress: TerminalProgress) -> int:
    from core.storage.workspace import Workspace

    if arguments.region and not re.fullmatch(r"[0-9]{6}", arguments.region):
        raise Usage("bad_region", region=arguments.region)
    chosen = new_passphrase(arguments.workspace, texts) if arguments.protect else None
    Workspace.create(arguments.workspace, region=arguments.region, passphrase=chosen).close()
    print(texts("cli.created", path=arguments.workspace))
    print(texts("cli.passphrase_lost" if arguments.protect else "cli.unprotected_new"))
    return 0


def demo(arguments: argparse.Namespace, texts: Texts, progress: TerminalProgress) -> int:
    from core import demo

    if arguments.scale < 1:
        raise Usage("bad_scale", scale=arguments.scale)
    seed = {} if arguments.seed is None else {"seed": arguments.seed}
    with demo.build(arguments.workspace, scale=arguments.scale, progress=progress, **seed):
        progress.done()
    print(texts("cli.demo_made", path=arguments.workspace, scale=arguments.scale))
    print(texts("cli.demo_next", path=pasted(arguments.workspace)))
    return 0


def take(arguments: argparse.Namespace, texts: Texts, progress: TerminalProgress) -> int:
    from core.intake.load import import_file, read_mapping

    mapping = read_mapping(arguments.map) if arguments.map else None
    with writable(arguments.workspace, texts) as workspace:
        receipt = import_file(
            workspace, arguments.kind, arguments.file, year=arguments.year, sheet=arguments.sheet,
            mapping=mapping, dry_run=arguments.dry_run, progress=progress,
        )
    progress.done()
    key = "cli.nothing_imported" if not receipt.accepted else "cli.would_import" if arguments.dry_run else "cli.imported"
    print(texts(key, file=arguments.file.name, kind=texts(f"kinds.{receipt.kind}")))
    print(texts("cli.rows", read=receipt.rows_read, accepted=receipt.accepted, refused=receipt.refused))
    if receipt.warnings:
        print(texts("cli.warnings", count=receipt.warnings))
    print_findings(receipt.findings, texts, receipt.found)
    if not receipt.accepted:
        print(texts("cli.nothing_in"), file=sys.stderr)
        return 1
    if receipt.refused:
        said = texts("cli.some_refused", refused=receipt.refused, workspace=pasted(arguments.workspace))
        print(said, file=sys.stderr)
        return 1
    return 0


def list_findings(arguments: argparse.Namespace, texts: Texts, progress: TerminalProgress) -> int:
    from core.settlement.control import all_findings

    if arguments.out and arguments.out.suffix.lower() != ".csv":
        raise Usage("bad_ending", path=arguments.out, endings=".csv")
    with readable(arguments.workspace, texts) as workspace:
        findings = all_findings(workspace)
    if arguments.out:
        from core.export.tables import write_findings

        write_findings(findings, arguments.out, texts)
        print(texts("cli.wrote", path=arguments.out))
        print(texts("cli.findings_count", count=len(findings)))
    else:
        print(texts("cli.findings_count", count=len(findings)))
        for finding in findings:
            print("  " + sentence(finding, texts))
    return 0


def check_all(arguments: argparse.Namespace, texts: Texts, progress: TerminalProgress) -> int:
    from core.settlement.clearing import verify

    with readable(arguments.workspace, texts) as workspace:
        findings = verify(workspace, progress)
    progress.done()
    for finding in findings:
        print(sentence(finding, texts))
    wrong = [finding for finding in findings if finding.severity in WRONG]
    if wrong:
        print(texts("cli.verify_failed", count=len(wrong)), file=sys.stderr)
        return 1
    print(texts("cli.verified"))
    return 0
