"""Rule packs: list, show, check; those of a workspace kept, copied, dropped; several side by side."""

from __future__ import annotations

import argparse
import sys
from contextlib import nullcontext

from core.cli.terminal import TerminalProgress, check_outs, readable, sentence, writable, write_worksheets
from core.faults import Usage
from core.texts import Texts

TABLE_ENDINGS = (".xlsx", ".csv", ".json")


def pack(arguments: argparse.Namespace, texts: Texts, progress: TerminalProgress) -> int:
    verb = {"list": _list, "show": _show, "check": _check, "keep": _keep, "copy": _copy, "drop": _drop, "beside": _beside}
    return verb[arguments.verb](arguments, texts, progress)


def _list(arguments: argparse.Namespace, texts: Texts, _: TerminalProgress) -> int:
    from core.settlement import own_packs

    with readable(arguments.workspace, texts) if arguments.workspace else nullcontext() as workspace:
        for head in own_packs.available(workspace):
            own = [texts("cli.pack_own", pack=head.based_on)] if head.own else []
            print("\t".join([head.id, head.title[texts.lang], *own]))
    return 0


def _show(arguments: argparse.Namespace, texts: Texts, _: TerminalProgress) -> int:
    from core.rules import description
    from core.settlement import own_packs

    with readable(arguments.workspace, texts) if arguments.workspace else nullcontext() as workspace:
        if arguments.toml:
            print(own_packs.text_of(workspace, arguments.pack), end="")
            return 0
        for line in description.describe(own_packs.load(workspace, arguments.pack), texts):
            print(line)
    return 0


def _check(arguments: argparse.Namespace, texts: Texts, _: TerminalProgress) -> int:
    from core.rules import packs
    from core.settlement import own_packs

    with readable(arguments.workspace, texts) if arguments.workspace else nullcontext() as workspace:
        findings = packs.check(arguments.file, own_packs.texts_of(workspace))
    for finding in findings:
        print(sentence(finding, texts))
    if any(finding.severity in ("refused", "blocked") for finding in findings):
        print(texts("cli.pack_bad", path=arguments.file, count=len(findings)), file=sys.stderr)
        return 1
    print(texts("cli.pack_good", path=arguments.file))
    return 0


def _keep(arguments: argparse.Namespace, texts: Texts, _: TerminalProgress) -> int:
    """A file's pack into the workspace, under the id that it says."""
    from core.rules import packs
    from core.settlement import own_packs

    id = packs.id_of(arguments.file)
    with writable(arguments.workspace, texts) as workspace:
        own_packs.keep(workspace, id, packs.text_of(arguments.file), arguments.why)
    print(texts("cli.pack_kept", pack=id))
    return 0


def _copy(arguments: argparse.Namespace, texts: Texts, _: TerminalProgress) -> int:
    from core.settlement import own_packs

    with writable(arguments.workspace, texts) as workspace:
        own_packs.copy(workspace, arguments.pack, arguments.new_id, arguments.why)
    print(texts("cli.pack_kept", pack=arguments.new_id))
    return 0


def _drop(arguments: argparse.Namespace, texts: Texts, _: TerminalProgress) -> int:
    from core.settlement import own_packs

    with writable(arguments.workspace, texts) as workspace:
        own_packs.drop(workspace, arguments.pack, arguments.why)
    print(texts("cli.pack_dropped", pack=arguments.pack))
    return 0


def _beside(arguments: argparse.Namespace, texts: Texts, progress: TerminalProgress) -> int:
    """The year cleared under each pack, nothing stored; which step first differs, and the sheets."""
    from core.settlement import packs_beside, packs_beside_sheets

    for out in arguments.out:
        check_outs([out], TABLE_ENDINGS)
    if len(arguments.packs) < 2:
        raise Usage("packs_too_few")
    with readable(arguments.workspace, texts) as workspace:
        found = packs_beside.beside(
            workspace, arguments.year, arguments.packs, set_name=arguments.set_name, catalogue=arguments.catalogue,
            progress=progress,
        )  # fmt: skip
        for out in arguments.out:
            write_worksheets(
                packs_beside_sheets.worksheets(found, texts.lang), out, texts, progress, synthetic=workspace.synthetic
            )
        synthetic = workspace.synthetic
    progress.done()
    if synthetic:
        print(texts("clearing.stamp.synthetic"))
    for i in range(1, len(found.packs)):
        for fund in found.funds:
            print(packs_beside_sheets.told(found, fund, i, texts))
    for out in arguments.out:
        print(texts("cli.wrote", path=out))
    return 0
