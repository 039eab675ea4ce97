"""The passphrase of a workspace as a command: set, changed, taken away."""

from __future__ import annotations

import argparse
import sys

from core.cli.terminal import NEW_PASSPHRASE, TerminalProgress, new_passphrase, passphrase
from core.faults import Fault, Refused
from core.texts import Texts


def protect(arguments: argparse.Namespace, texts: Texts, progress: TerminalProgress) -> int:
    from core.storage import protection, recognised

    path = arguments.workspace

    def tell(fault: Fault) -> None:
        print(texts.fault(fault), file=sys.stderr)

    locked = recognised.protected(path)  # what stands is told before anything is typed
    if locked != (arguments.change or arguments.remove):
        raise Refused("already_protected" if locked else "not_protected", path=path)
    if arguments.change:
        before = protection.standing(path, passphrase(path, texts))  # wrong ones are told before a new one is typed
        protection.change(path, before, new_passphrase(path, texts, NEW_PASSPHRASE), progress, tell)
    elif arguments.remove:
        protection.unprotect(path, passphrase(path, texts), progress)
    else:
        protection.protect(path, new_passphrase(path, texts), progress, tell)
    progress.done()
    done = "rekeyed" if arguments.change else "unprotected" if arguments.remove else "protected"
    print(texts(f"cli.{done}", path=path))
    if arguments.remove:
        return 0
    print(texts("cli.passphrase_lost"))
    if arguments.drop_backups:
        for one in protection.drop_copies(path, tell):
            print(texts("cli.copy_dropped", path=one))
    elif readable := protection.open_copies(path):
        print(texts("cli.copies_open", count=len(readable)))
        for one in readable:
            print(f"  {one}")
    return 0
