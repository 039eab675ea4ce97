"""A year's clearing confirmed and reopened, and handed out with its evidence, as commands."""

from __future__ import annotations

import argparse
from pathlib import Path

from core.cli.terminal import TerminalProgress, check_outs, readable, writable
from core.faults import Usage
from core.texts import Texts


def year(arguments: argparse.Namespace, texts: Texts, progress: TerminalProgress) -> int:
    """`year WORKSPACE confirm|reopen --year Y [--why TEXT]`, `year WORKSPACE list`."""
    from core.settlement import confirmed

    if arguments.verb != "list" and arguments.year is None:
        raise Usage("year_needed")
    if arguments.verb == "list":
        with readable(arguments.workspace, texts) as workspace:
            held = confirmed.confirmed(workspace.reader())
        for one in held.values():
            runs = " ".join(f"#{digest[:16]}" for digest in one.runs)
            print(texts("cli.year_line", year=one.year, who=one.who, at=one.at, runs=runs, why=one.why).rstrip())
        if not held:
            print(texts("cli.year_none"))
        return 0
    with writable(arguments.workspace, texts) as workspace:
        if arguments.verb == "confirm":
            confirmed.confirm(workspace, arguments.year, arguments.why, run=arguments.run, progress=progress)
        else:
            confirmed.reopen(workspace, arguments.year, arguments.why)
        progress.done()
    print(texts(f"cli.year_{arguments.verb}", year=arguments.year))
    return 0


def bundle(arguments: argparse.Namespace, texts: Texts, progress: TerminalProgress) -> int:
    """`bundle WORKSPACE --year Y [--institution CODE] [--run HASH] --out FILE.zip`"""
    from core.settlement import evidence

    out: Path = arguments.out
    check_outs([out], (".zip",))
    with readable(arguments.workspace, texts) as workspace:
        made = evidence.bundle(
            workspace, arguments.year, out, institution=arguments.institution, run=arguments.run, lang=texts.lang,
            progress=progress,
        )  # fmt: skip
        progress.done()
    print(texts("cli.bundle_written", path=out, count=made.files))
    print(texts("cli.bundle_seal", seal=made.seal))
    print(texts("cli.bundle_head", head=made.head))
    for digest in made.runs:
        print(texts("cli.run_hash", hash=digest))
    if made.betrayed:
        print(texts("cli.bundle_betrays", funds=texts.listed(texts(f"fund.{one}") for one in made.betrayed)))
    return 0
