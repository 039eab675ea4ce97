"""Workspaces with damaged bytes: named as damaged, or every figure as it was. Never a crash, never another figure in silence."""

from __future__ import annotations

import random
from contextlib import suppress
from pathlib import Path

from shaking import shaken
from small_region import build, figures, forget

from core.faults import Fault
from core.settlement.runs import verify
from core.storage.backups import listed
from core.storage.contents import contents, glance
from core.storage.workspace import Workspace, world_fault

PAGE = 8192


class Workspaces:
    name = "workspaces"

    def __init__(self, folder: Path) -> None:
        path = folder / "whole.dz"
        path.unlink(missing_ok=True)
        build(path)
        with Workspace.open(path) as workspace:
            self._figures = figures(workspace)
            self._lines = [line.hash for line in workspace.ledger.lines()]
            assert verify(workspace) == []
        self._whole = path.read_bytes()
        self._folder = folder

    def make(self, dice: random.Random) -> tuple[bytes, str]:
        data = bytearray(self._whole)
        for _ in range(dice.choice((1, 1, 1, 2, 5))):
            pages = len(data) // PAGE
            page = dice.randrange(pages) * PAGE
            at = dice.randrange(len(data))
            match dice.randrange(9):
                case 0 | 1:
                    data[at] ^= 1 << dice.randrange(8)
                case 2:
                    data[at : at + 64] = bytes(dice.randrange(256) for _ in range(64))
                case 3:
                    data[page : page + PAGE] = bytes(PAGE)
                case 4:
                    data[page : page + PAGE] = bytes(dice.randrange(256) for _ in range(PAGE))
                case 5:
                    other = dice.randrange(pages) * PAGE
                    data[page : page + PAGE] = data[other : other + PAGE]
                case 6:
                    del data[at:]
                    data += bytes(0 if dice.random() < 0.5 else len(self._whole) - len(data))
                case 7:
                    data[: dice.choice((16, 100, PAGE))] = shaken(bytes(data[:100]), dice)[:100].ljust(100, b"\0")
                case _:
                    # A small value within a cell: what no structure of the file betrays.
                    data[page + dice.randrange(PAGE // 2, PAGE)] = dice.randrange(256)
            if len(data) < PAGE:
                break
        return bytes(data[: len(self._whole)]), ".dz"

    def attempt(self, path: Path) -> str:
        forget()
        for left in self._folder.glob("input.dz?*"):
            if left.is_file():
                left.unlink()
        listed(path)
        with suppress(Fault):
            glance(path)
        try:
            with Workspace.open(path) as workspace:
                said = {finding.code for finding in verify(workspace) if finding.severity == "blocked"}
                try:
                    contents(workspace.reader())
                    now = figures(workspace)
                    lines = [line.hash for line in workspace.ledger.lines()]
                except Exception as error:
                    # The window and the commands make a word of what the engine says of a damaged page.
                    if isinstance(error, Fault) or said or world_fault(error, path):
                        return "named"
                    raise
                if said:
                    return "named"
                assert now == self._figures, "other figures, and nobody says so"
                assert [hash for hash in lines if hash in self._lines] == self._lines
                return "accepted"
        except Fault:
            return "refused"
