"""The commands: everything the window does to data, done without a window by the same core.

Exit status: 0 done; 1 the data or the rules refused; 2 asked wrongly; 3 the world failed.
Results go to stdout, one line of what went wrong and what to do to stderr.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from io import TextIOWrapper
from pathlib import Path

from core.cli import (
    attributing,
    backing,
    catalogue,
    clearing,
    coefficients,
    comparing,
    confirming,
    files,
    monthly,
    packing,
    protecting,
    reconciling,
    trending,
)
from core.cli.parsing import parser
from core.cli.terminal import Draw, TerminalProgress, check_outs, listed, write_whole
from core.faults import Cancelled, Fault, Refused, WorldFault
from core.texts import Texts

INTERRUPTED = 130  # what shells expect of a command that Ctrl-C ended
COMMANDS: dict[str, Callable[[argparse.Namespace, Texts, TerminalProgress], int]] = {
    "new": files.new,
    "demo": files.demo,
    "import": files.take,
    "findings": files.list_findings,
    "group": catalogue.group,
    "score": catalogue.score,
    "catalogue": catalogue.catalogue,
    "coefficients": coefficients.coefficients,
    "clear": clearing.annual,
    "month": monthly.month,
    "compare": comparing.compare,
    "attribute": attributing.attribute,
    "trend": trending.trend,
    "reconcile": reconciling.reconcile,
    "pack": packing.pack,
    "backup": backing.backup,
    "year": confirming.year,
    "bundle": confirming.bundle,
    "protect": protecting.protect,
    "verify": files.check_all,
}


def main(argv: Sequence[str], draw: Draw | None = None) -> int:
    """Run one command; returns the exit status. draw: who makes pictures of results; without it no picture can be asked for."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a legacy console must not end the work
    texts = Texts(_language(argv))
    progress = TerminalProgress(texts)
    whole: Path | None = None
    try:
        arguments = parser(texts).parse_args(list(argv))
        arguments.draw = draw
        whole = getattr(arguments, "findings", None)
        if whole is not None:
            check_outs([whole], (".csv",))
        return COMMANDS[arguments.command](arguments, texts, progress)
    except Fault as fault:
        progress.done()
        print(texts.fault(fault), file=sys.stderr)
        found = fault.findings if isinstance(fault, Refused) else ()
        for line in listed(found, texts, "cli.more_refused"):
            print("  " + line, file=sys.stderr)
        if found and whole is not None:
            try:
                write_whole(found, whole, texts)
            except WorldFault as unwritten:
                print(texts.fault(unwritten), file=sys.stderr)
        return fault.status
    except (Cancelled, KeyboardInterrupt):
        progress.done()
        print(texts("cli.interrupted"), file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()  # whoever read us has gone; nobody is left to tell
        return 0
    except Exception as error:
        fault = _of_the_disk(error, argv)
        if fault is None:
            raise
        progress.done()
        print(texts.fault(fault), file=sys.stderr)
        return fault.status
    finally:
        progress.done()


def _of_the_disk(error: Exception, argv: Sequence[str]) -> Fault | None:
    """What came out of the middle of a reading, or of writing a file: a damaged page, a disk that is gone or full."""
    if "core.storage.engine" not in sys.modules:
        return None
    from core.storage.workspace import world_fault

    return world_fault(error, next((Path(word) for word in argv[1:] if Path(word).is_file()), Path(argv[0])))


def _language(argv: Sequence[str]) -> str:
    for at, word in enumerate(argv):
        if word == "--lang" and at + 1 < len(argv):
            return argv[at + 1]
        if word.startswith("--lang="):
            return word.partition("=")[2]
    return ""
