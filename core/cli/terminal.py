"""What a command shows: how far it is, findings line by line, and the doors to a workspace."""

from __future__ import annotations

import getpass
import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.faults import Usage, WorldFault
from core.findings import Finding
from core.texts import Texts

if TYPE_CHECKING:
    from core.storage.workspace import Workspace
    from core.worksheet import Worksheet

PICTURES = (".png", ".svg")
# (command, what it found, file, words): writes the file. The core draws nothing itself.
Draw = Callable[[str, Any, Path, Texts], None]
# Never an argument: those are seen by all.
PASSPHRASE, NEW_PASSPHRASE, PRESENT_PASSPHRASE = "DIANZHI_PASSPHRASE", "DIANZHI_NEW_PASSPHRASE", "DIANZHI_PRESENT_PASSPHRASE"
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


def _place(finding: Finding, texts: Texts) -> str:
    where = [finding.file, finding.sheet] if finding.file else []
    if finding.row is not None:
        where.append(texts("cli.row", row=finding.row))
    if finding.column:
        titled = f"fields.{finding.column}"
        where.append(f"{texts(titled)} {finding.column}" if texts.has(titled) else texts.column(finding.column))
    # Some sentences begin with what they are about: it is not said twice.
    if finding.subject and not texts.finding(finding).startswith(texts.subject(finding)):
        where.append(texts.subject(finding))
    return " ".join(part for part in where if part)


def sentence(finding: Finding, texts: Texts) -> str:
    """A finding with its severity, after its place where it has one."""
    place = _place(finding, texts)
    said = f"[{texts(f'severity.{finding.severity}')}] {texts.finding(finding)}"
    return f"{place}: {said}" if place else said


def listed(
    findings: Sequence[Finding], texts: Texts, more: str = "cli.more_findings", found: int = 0
) -> list[str]:
    """A line each of the first, and how many more there are. found: of how many these are the first."""
    lines = [sentence(finding, texts) for finding in findings[:SHOWN_FINDINGS]]
    if (left := max(found, len(findings)) - len(lines)) > 0:
        lines.append(texts(more, count=left))
    return lines


def print_findings(findings: Sequence[Finding], texts: Texts, found: int = 0) -> None:
    for line in listed(findings, texts, found=found):
        print("  " + line)


def write_whole(findings: Sequence[Finding], path: Path | None, texts: Texts) -> None:
    """All of them into the file of --findings, if there is one, and say so."""
    if path is not None:
        from core.export.tables import write_findings

        write_findings(findings, path, texts)
        print(texts("cli.wrote", path=path))


def parameters(given: Sequence[str]) -> dict[str, str]:
    """NAME=VALUE of --param."""
    found: dict[str, str] = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals or not name:
            raise Usage("bad_param", given=one)
        found[name.strip()] = value.strip()
    return found


def check_outs(outs: Sequence[Path], endings: Sequence[str]) -> None:
    """Before hours of work: every file has an ending that can be written, and a folder to lie in."""
    for out in outs:
        if out.suffix.lower() not in endings:
            raise Usage("bad_ending", path=out, endings=" ".join(endings))
        if not out.absolute().parent.is_dir():
            raise WorldFault("no_folder", path=out.absolute().parent)


def pictured(outs: Sequence[Path]) -> list[Path]:
    """Those of the files that are pictures."""
    return [out for out in outs if out.suffix.lower() in PICTURES]


def endings(draw: Draw | None) -> tuple[str, ...]:
    """What results of an analysis are written as."""
    return (".csv", ".xlsx", ".json", *(PICTURES if draw is not None else ()))


def write_pictures(draw: Draw | None, command: str, found: object, outs: Sequence[Path], texts: Texts) -> None:
    """The pictures among the files, and say so."""
    for out in pictured(outs):
        assert draw is not None  # checked with the endings
        draw(command, found, out, texts)
        print(texts("cli.wrote", path=out))


def write_worksheets(
    worksheets: Sequence[Worksheet], path: Path, texts: Texts, progress: TerminalProgress, *, synthetic: bool
) -> None:
    """As the file's ending has it, and say so: one workbook, one json, or a csv for each, named after the first's file."""
    from core.export import tables

    written = [path]
    if path.suffix.lower() == ".xlsx":
        tables.worksheets_xlsx(worksheets, path, texts.lang, progress, synthetic)
    elif path.suffix.lower() == ".json":
        tables.worksheets_json(worksheets, path, texts.lang, progress, synthetic)
    else:
        written = [path, *(path.with_name(f"{path.stem}-{one.id}{path.suffix}") for one in worksheets[1:])]
        for worksheet, beside in zip(worksheets, written, strict=True):
            tables.worksheet_csv(worksheet, beside, texts.lang, progress, synthetic)
    progress.done()
    for one in written:
        print(texts("cli.wrote", path=one))


def passphrase(path: Path, texts: Texts, variable: str = PASSPHRASE, asked: str = "cli.passphrase") -> str:
    """From the environment, else typed without echo. WorldFault: locked_by_passphrase, or passphrase_missing of one that
    will be set, where nobody can type."""
    nobody = WorldFault("locked_by_passphrase", path=path)
    if asked != "cli.passphrase":
        nobody = WorldFault("passphrase_missing", path=path, variable=variable)
    given = os.environ.get(variable)
    if given:
        return given
    if not sys.stdin.isatty():
        raise nobody
    try:
        return getpass.getpass(f"{texts(asked, name=path.name)} ")
    except EOFError:
        raise nobody from None


def present_passphrase(path: Path, texts: Texts) -> str | None:
    """Of the file that a backup with another passphrase replaces; None where nobody knows it, or can type."""
    with suppress(WorldFault):
        return passphrase(path, texts, PRESENT_PASSPHRASE, "cli.passphrase_present") or None
    return None


def new_passphrase(path: Path, texts: Texts, variable: str = PASSPHRASE) -> str:
    """One that will be set, typed twice. Usage: passphrases_differ."""
    typed = passphrase(path, texts, variable, "cli.passphrase_new")
    if not os.environ.get(variable) and passphrase(path, texts, variable, "cli.passphrase_again") != typed:
        raise Usage("passphrases_differ")
    return typed


def _opened(path: Path, texts: Texts, *, write: bool) -> Workspace:
    from core.storage.workspace import Workspace

    try:
        return Workspace.open(path, write=write, strict=write)
    except WorldFault as fault:
        if fault.code != "locked_by_passphrase":
            raise
    return Workspace.open(path, write=write, strict=write, passphrase=passphrase(path, texts))


def writable(path: Path, texts: Texts) -> Workspace:
    workspace = _opened(path, texts, write=True)
    for left in workspace.interrupted:
        print(texts("cli.was_interrupted", **left), file=sys.stderr)
    workspace.tell = lambda fault: print(texts.fault(fault), file=sys.stderr)
    for fault in workspace.notices:
        workspace.tell(fault)
    return workspace


def readable(path: Path, texts: Texts) -> Workspace:
    workspace = _opened(path, texts, write=False)
    for fault in workspace.notices:
        print(texts.fault(fault), file=sys.stderr)
    return workspace
