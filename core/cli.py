"""The commands: everything the window does to data, done without a window by the same core.

Exit status: 0 done; 1 the data or the rules refused; 2 asked wrongly, or not built yet; 3 the world failed.
Results go to stdout, one line of what went wrong and what to do to stderr.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Callable, Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from core.faults import Cancelled, Fault, Refused, Usage, WorldFault
from core.findings import ALOUD, Finding
from core.texts import LANGUAGES, Texts

if TYPE_CHECKING:
    from core.rules.sheet import Clearing, FundSheet
    from core.storage.workspace import Workspace

INTERRUPTED = 130  # what shells expect of a command that Ctrl-C ended
NOT_BUILT = ("group", "score", "coefficients", "month", "trend", "compare", "attribute", "reconcile")
CLEAR_ENDINGS = (".xlsx", ".csv", ".json", ".pdf")
SHOWN_FINDINGS = 20  # on a terminal; the file of --out holds them all


class TerminalProgress:
    """A line on stderr, only where somebody can see it and only after half a second."""

    cancelled = False

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self._visible = sys.stderr.isatty()
        self._started = time.monotonic()
        self._shown = 0.0
        self._width = 0

    def report(self, code: str, done: int, total: int | None = None) -> None:
        now = time.monotonic()
        if not self._visible or now - self._started < 0.5 or now - self._shown < 0.1:
            return
        self._shown = now
        far = f"{done:,} / {total:,}" if total else f"{done:,}"
        line = f"{self._texts(f'progress.{code}')} {far}"
        sys.stderr.write("\r" + line.ljust(self._width))
        sys.stderr.flush()
        self._width = len(line)

    def done(self) -> None:
        if self._width:
            sys.stderr.write("\r" + " " * (2 * self._width) + "\r")
            sys.stderr.flush()
            self._width = 0


class _Parser(argparse.ArgumentParser):
    """argparse that answers wrong usage with one line, in the user's language."""

    # What argparse says -> our sentence; the group is what it names.
    SAYINGS = (
        (re.compile(r"the following arguments are required: (.+)"), "cli.missing_arguments"),
        (re.compile(r"unrecognized arguments: (.+)"), "cli.unknown_arguments"),
        (re.compile(r"argument (.+?): invalid choice: .+"), "cli.bad_choice"),
        (re.compile(r"argument (.+?): expected .+"), "cli.missing_value"),
        (re.compile(r"argument (.+?): .*invalid .+"), "cli.bad_value"),
    )
    texts = Texts()

    def error(self, message: str) -> NoReturn:
        for pattern, key in self.SAYINGS:
            if found := pattern.search(message):
                raise Usage("usage", problem=self.texts(key, what=found.group(1)), command=self.prog)
        raise Usage("usage", problem=message, command=self.prog)


def _year(text: str) -> int:
    """Four digits; ValueError for anything else, 24 included."""
    if not re.fullmatch(r"(19|20)[0-9]{2}", text):
        raise ValueError(text)
    return int(text)


def _parser(texts: Texts) -> _Parser:
    _Parser.texts = texts
    common = _Parser(add_help=False)
    common.add_argument("--lang", choices=LANGUAGES, help=texts("cli.help.lang"))
    root = _Parser(prog="main.py", description=texts("cli.help.program"), parents=[common])
    commands = root.add_subparsers(dest="command", required=True, parser_class=_Parser, metavar="COMMAND")

    def command(name: str, *, workspace: bool = True) -> argparse.ArgumentParser:
        sub = commands.add_parser(
            name, help=texts(f"cli.help.{name}"), description=texts(f"cli.help.{name}"), parents=[common]
        )
        if workspace:
            sub.add_argument("workspace", metavar="WORKSPACE", type=Path)
        return sub

    new = command("new")
    new.add_argument("--region", default="", metavar="CODE")

    demo = command("demo")
    demo.add_argument("--scale", type=int, default=10, metavar="N")
    demo.add_argument("--seed", type=int, default=None, metavar="S")

    take = command("import")
    take.add_argument("kind", metavar="KIND")
    take.add_argument("file", metavar="FILE", type=Path)
    take.add_argument("--year", type=_year, metavar="Y")
    take.add_argument("--sheet", metavar="NAME")
    take.add_argument("--map", type=Path, metavar="FILE")
    take.add_argument("--dry-run", action="store_true")

    findings = command("findings")
    findings.add_argument("--out", type=Path, metavar="FILE")

    clear = command("clear")
    clear.add_argument("--year", type=_year, required=True, metavar="Y")
    clear.add_argument("--pack", required=True, metavar="ID|FILE")
    clear.add_argument("--fund", choices=("employee", "resident", "all"), default="all")
    clear.add_argument("--set", dest="set_name", metavar="NAME")
    clear.add_argument("--catalogue", metavar="VERSION")
    clear.add_argument("--grouping", choices=("official", "own"), default="official")
    clear.add_argument("--param", action="extend", nargs="+", default=[], metavar="NAME=VALUE")
    clear.add_argument("--out", action="extend", nargs="+", default=[], type=Path, metavar="FILE")

    pack = command("pack", workspace=False)
    verbs = pack.add_subparsers(dest="verb", required=True, parser_class=_Parser, metavar="list|show|check")
    verbs.add_parser("list", parents=[common], help=texts("cli.help.pack_list"))
    show = verbs.add_parser("show", parents=[common], help=texts("cli.help.pack_show"))
    show.add_argument("pack", metavar="ID|FILE")
    check = verbs.add_parser("check", parents=[common], help=texts("cli.help.pack_check"))
    check.add_argument("file", metavar="FILE", type=Path)

    command("verify")
    return root


def main(argv: Sequence[str]) -> int:
    """Run one command; returns the exit status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a legacy console must not end the work
    texts = Texts(_language(argv))
    progress = TerminalProgress(texts)
    try:
        if argv and argv[0] in NOT_BUILT:
            raise Usage("not_built", what=argv[0])
        arguments = _parser(texts).parse_args(list(argv))
        return COMMANDS[arguments.command](arguments, texts, progress)
    except Fault as fault:
        progress.done()
        print(texts.fault(fault), file=sys.stderr)
        for finding in fault.findings if isinstance(fault, Refused) else ():
            print("  " + _line(finding, texts), file=sys.stderr)
        return fault.status
    except (Cancelled, KeyboardInterrupt):
        progress.done()
        print(texts("cli.interrupted"), file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()  # whoever read us has gone; nobody is left to tell
        return 0
    finally:
        progress.done()


def _language(argv: Sequence[str]) -> str:
    for at, word in enumerate(argv):
        if word == "--lang" and at + 1 < len(argv):
            return argv[at + 1]
        if word.startswith("--lang="):
            return word.partition("=")[2]
    return ""


def _place(finding: Finding, texts: Texts) -> str:
    where = [finding.file, finding.sheet] if finding.file else []
    if finding.row is not None:
        where.append(texts("cli.row", row=finding.row))
    if finding.column:
        titled = f"fields.{finding.column}"
        where.append(f"{texts(titled)} {finding.column}" if texts.has(titled) else finding.column)
    if finding.subject:
        where.append(texts.subject(finding))
    return " ".join(part for part in where if part)


def _line(finding: Finding, texts: Texts) -> str:
    place = _place(finding, texts)
    said = f"[{texts(f'severity.{finding.severity}')}] {texts.finding(finding)}"
    return f"{place}: {said}" if place else said


def _print_findings(findings: Sequence[Finding], texts: Texts) -> None:
    for finding in findings[:SHOWN_FINDINGS]:
        print("  " + _line(finding, texts))
    if len(findings) > SHOWN_FINDINGS:
        print("  " + texts("cli.more_findings", count=len(findings) - SHOWN_FINDINGS))


# -- the commands ------------------------------------------------------------------------------------------


def _new(arguments: argparse.Namespace, texts: Texts, progress: TerminalProgress) -> int:
    from core.storage.workspace import Workspace

    if arguments.region and not re.fullmatch(r"[0-9]{6}", arguments.region):
        raise Usage("bad_region", region=arguments.region)
    Workspace.create(arguments.workspace, region=arguments.region).close()
    print(texts("cli.created", path=arguments.workspace))
    return 0


def _demo(arguments: argparse.Namespace, texts: Texts, progress: TerminalProgress) -> int:
    from core import demo

    if arguments.scale < 1:
        raise Usage("bad_scale", scale=arguments.scale)
    seed = {} if arguments.seed is None else {"seed": arguments.seed}
    with demo.build(arguments.workspace, scale=arguments.scale, progress=progress, **seed):
        progress.done()
    print(texts("cli.demo_made", path=arguments.workspace, scale=arguments.scale))
    print(texts("cli.demo_next", path=arguments.workspace))
    return 0


def _import(arguments: argparse.Namespace, texts: Texts, progress: TerminalProgress) -> int:
    from core.intake.load import import_file, read_mapping

    mapping = read_mapping(arguments.map) if arguments.map else None
    with _writable(arguments.workspace, texts) as workspace:
        receipt = import_file(
            workspace, arguments.kind, arguments.file, year=arguments.year, sheet=arguments.sheet,
            mapping=mapping, dry_run=arguments.dry_run, progress=progress,
        )
    progress.done()
    key = "cli.would_import" if arguments.dry_run else "cli.imported"
    print(texts(key, file=arguments.file.name, kind=texts(f"kinds.{receipt.kind}")))
    print(texts("cli.rows", read=receipt.rows_read, accepted=receipt.accepted, refused=receipt.refused))
    if receipt.warnings:
        print(texts("cli.warnings", count=receipt.warnings))
    _print_findings(receipt.findings, texts)
    if receipt.refused:
        said = texts("cli.some_refused", refused=receipt.refused, workspace=arguments.workspace)
        print(said, file=sys.stderr)
        return 1
    return 0


def _findings(arguments: argparse.Namespace, texts: Texts, progress: TerminalProgress) -> int:
    from core.settlement.control import all_findings

    if arguments.out and arguments.out.suffix.lower() != ".csv":
        raise Usage("bad_ending", path=arguments.out, endings=".csv")
    with _readable(arguments.workspace) as workspace:
        findings = all_findings(workspace)
    if arguments.out:
        from core.export.tables import write_findings

        write_findings(findings, arguments.out, texts)
        print(texts("cli.wrote", path=arguments.out))
        print(texts("cli.findings_count", count=len(findings)))
    else:
        print(texts("cli.findings_count", count=len(findings)))
        for finding in findings:
            print("  " + _line(finding, texts))
    return 0


def _clear(arguments: argparse.Namespace, texts: Texts, progress: TerminalProgress) -> int:
    from core.rules import packs
    from core.rules.cases import FUNDS

    outs: list[Path] = arguments.out
    for out in outs:
        if out.suffix.lower() not in CLEAR_ENDINGS:
            raise Usage("bad_ending", path=out, endings=" ".join(CLEAR_ENDINGS))
        if out.suffix.lower() == ".pdf":
            raise Usage("not_built", what="pdf")
        if not out.absolute().parent.is_dir():
            raise WorldFault("no_folder", path=out.absolute().parent)
    if arguments.grouping == "own":
        raise Usage("not_built", what="--grouping own")
    pack = packs.load(arguments.pack, parameters=_parameters(arguments.param))
    with _writable(arguments.workspace, texts) as workspace:
        from core.settlement.clearing import clear

        clearing = clear(
            workspace, arguments.year, pack,
            funds=FUNDS if arguments.fund == "all" else (arguments.fund,),
            set_name=arguments.set_name, catalogue=arguments.catalogue, progress=progress,
        )
        for out in outs:
            write_clearing(clearing, out, texts, progress)
    progress.done()
    for line in summary(clearing, texts):
        print(line)
    for out in outs:
        print(texts("cli.wrote", path=out))
    return 0


def _parameters(given: Sequence[str]) -> dict[str, str]:
    parameters: dict[str, str] = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals or not name:
            raise Usage("bad_param", given=one)
        parameters[name.strip()] = value.strip()
    return parameters


def write_clearing(clearing: Clearing, path: Path, texts: Texts, progress: TerminalProgress) -> None:
    """Write a clearing in the form that the file's ending picks."""
    from core.export import tables, workbook

    ending = path.suffix.lower()
    if ending == ".json":
        tables.write_json(clearing, path)
    elif ending == ".csv":
        tables.write_csv(clearing, path, texts)
    else:
        workbook.write(clearing, path, texts.lang, progress)


def summary(clearing: Clearing, texts: Texts) -> list[str]:
    """What a person wants to read at once: per fund the region's steps and the sums that matter."""
    stamps = clearing.stamps
    lines = [texts("cli.cleared", year=clearing.year, pack=clearing.pack.title[texts.lang])]
    if stamps.synthetic:
        lines.append(texts("cli.synthetic"))
    lines.append(texts("cli.set_used", name=stamps.set_name, state=texts(f"state.{stamps.set_state}")))
    for sheet in clearing.funds:
        lines.append("")
        lines.append(texts(f"fund.{sheet.fund}") + texts("cli.institutions", count=len(sheet.institutions)))
        lines += _region_lines(clearing, sheet, texts)
    loud = [f for f in clearing.findings if f.severity == "warning" and f.code.startswith(ALOUD)]
    lines += [""] * bool(loud) + [_line(finding, texts) for finding in loud]
    severities: dict[str, int] = {}
    for finding in clearing.findings:
        severities[finding.severity] = severities.get(finding.severity, 0) + 1
    if severities:
        said = texts.listed(
            f"{texts(f'severity.{severity}')} {count}" for severity, count in sorted(severities.items())
        )
        lines += ["", texts("cli.run_findings", counts=said)]
    lines.append(texts("cli.run_hash", hash=stamps.run_hash[:16]))
    return lines


def _region_lines(clearing: Clearing, sheet: FundSheet, texts: Texts) -> list[str]:
    from fractions import Fraction

    from core.money import plain

    lines: list[str] = []
    for step in clearing.pack.scope("region"):
        value = sheet.region[step.id]
        places = step.places if step.places is not None else (2 if step.unit == "yuan" else None)
        unit = texts(f"unit.{step.unit}")
        lines.append(f"  {step.title[texts.lang]}  {plain(value, places)} {unit}".rstrip())
    for step in clearing.pack.scope("institution"):
        if step.id in ("due", "final"):
            total = sum(sheet.values[step.id], Fraction(0))
            title = texts("cli.sum_of", what=step.title[texts.lang])
            lines.append(f"  {title}  {plain(total, 2)} {texts('unit.yuan')}")
    return lines


def _pack(arguments: argparse.Namespace, texts: Texts, progress: TerminalProgress) -> int:
    from core.rules import description, packs

    if arguments.verb == "list":
        for head in packs.available():
            print(f"{head.id}\t{head.title[texts.lang]}")
        return 0
    if arguments.verb == "show":
        for line in description.describe(packs.load(arguments.pack), texts):
            print(line)
        return 0
    findings = packs.check(arguments.file)
    for finding in findings:
        print(_line(finding, texts))
    if any(finding.severity in ("refused", "blocked") for finding in findings):
        print(texts("cli.pack_bad", path=arguments.file, count=len(findings)), file=sys.stderr)
        return 1
    print(texts("cli.pack_good", path=arguments.file))
    return 0


def _verify(arguments: argparse.Namespace, texts: Texts, progress: TerminalProgress) -> int:
    from core.settlement.clearing import verify

    with _readable(arguments.workspace) as workspace:
        findings = verify(workspace, progress)
    progress.done()
    for finding in findings:
        print(_line(finding, texts))
    wrong = [finding for finding in findings if finding.severity in ("refused", "blocked")]
    if wrong:
        print(texts("cli.verify_failed", count=len(wrong)), file=sys.stderr)
        return 1
    print(texts("cli.verified"))
    return 0


def _writable(path: Path, texts: Texts) -> Workspace:
    from core.storage.workspace import Workspace

    workspace = Workspace.open(path, write=True, strict=True)
    for left in workspace.interrupted:
        print(texts("cli.was_interrupted", **left), file=sys.stderr)
    return workspace


def _readable(path: Path) -> Workspace:
    from core.storage.workspace import Workspace

    return Workspace.open(path, write=False)


COMMANDS: dict[str, Callable[[argparse.Namespace, Texts, TerminalProgress], int]] = {
    "new": _new,
    "demo": _demo,
    "import": _import,
    "findings": _findings,
    "clear": _clear,
    "pack": _pack,
    "verify": _verify,
}
# Every first word that means "no window".
HEADLESS = (*COMMANDS, *NOT_BUILT)
