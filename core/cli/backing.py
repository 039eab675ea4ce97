"""Backups of a workspace: make one, list them, put one back. The last two need no workspace that can be opened."""

from __future__ import annotations

import argparse

from core.cli.terminal import TerminalProgress, passphrase, present_passphrase, writable
from core.texts import Texts


def backup(arguments: argparse.Namespace, texts: Texts, progress: TerminalProgress) -> int:
    return {"make": _make, "list": _list, "restore": _restore}[arguments.verb](arguments, texts, progress)


def _make(arguments: argparse.Namespace, texts: Texts, progress: TerminalProgress) -> int:
    from core.storage import backups

    with writable(arguments.workspace, texts) as workspace:
        made = backups.take(workspace, "asked", progress)
    progress.done()
    print(texts("cli.backup_made", path=made.path))
    return 0


def _list(arguments: argparse.Namespace, texts: Texts, progress: TerminalProgress) -> int:
    from core.storage import backups

    found = backups.listed(arguments.workspace)
    for one in found:
        when = one.at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
        print(f"{one.number}\t{when}\t{texts(f'backup.reason.{one.reason}')}\t{one.size:,}\t{one.path}")
    if not found:
        print(texts("cli.backup_none"))
    return 0


def _restore(arguments: argparse.Namespace, texts: Texts, progress: TerminalProgress) -> int:
    from core.storage import backups, restoring

    chosen = backups.find(arguments.workspace, arguments.backup)
    asked = restoring.locked_by(arguments.workspace, chosen.path) is not None
    typed = passphrase(arguments.workspace, texts) if asked else None
    loss, present = restoring.lost(arguments.workspace, chosen.path, typed), None
    if loss.locked:
        present = present_passphrase(arguments.workspace, texts)
        loss = restoring.lost(arguments.workspace, chosen.path, typed, present)
    kept = restoring.restore(arguments.workspace, chosen.path, typed, progress, arguments.why, present)
    progress.done()
    print(texts("cli.backup_restored", name=chosen.name))
    if loss.years:
        print(texts("cli.backup_unconfirmed", years=", ".join(map(str, loss.years))))
    if kept is not None:
        print(texts("cli.backup_kept", path=kept.path))
    return 0
