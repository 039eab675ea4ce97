"""A process that imports, edits, clears, books, publishes and restores, killed at a random moment, again and again.

After each kill the workspace opens, is whole, has all that was told as done, and of what was under way everything or
nothing. The child is forked, so that a kill costs no start; the parent has no workspace open while it lives.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from small_region import GIVEN, PACK, build, forget, pack

from core.faults import Fault, Refused
from core.settlement import booking, coefficients
from core.settlement.clearing import clear
from core.settlement.monthly import settle
from core.settlement.runs import verify
from core.storage import backups, restoring
from core.storage.ledger import Change, Edit
from core.storage.workspace import Workspace

ROWS = 40  # of an edit: all of one number, so that half an edit shows
FRESH = 25  # kills of one workspace, whose runs are all verified each time
HEAD = "setl_id,insutype,fixmedins_code,dscg_time,setl_time,diag_code,medfee_sumamt,hifp_pay,psn_part_amt,dip_dise_grp_code\n"


@dataclass
class Told:
    kills: int = 0
    whole: int = 0
    interrupted: int = 0
    during: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        during = ", ".join(f"{what} {count}" for what, count in sorted(self.during.items()))
        return (
            f"{self.kills} kills, {self.whole} whole workspaces, {self.interrupted} told of an interrupted work; "
            f"killed during: {during}"
        )


def soak(folder: Path, times: int, seed: str) -> Told:
    folder.mkdir(parents=True, exist_ok=True)
    dice = random.Random(f"kills:{seed}")
    told = Told()
    # Whatever a child needs is loaded before the fork.
    (folder / "warm.dz").unlink(missing_ok=True)
    build(folder / "warm.dz")
    _work(folder / "warm.dz", folder / "warm.log", random.Random(1), steps=12)
    path = folder / "w.dz"
    for number in range(times):
        if number % FRESH == 0:
            for left in folder.glob("w.dz*"):
                if left.is_file():
                    left.unlink()
            for one in backups.listed(path):
                one.path.unlink()
            build(path)
        if wrong := _once(path, folder / "log", dice, told):
            told.wrong.append(f"kill {number + 1}: {wrong}")
    return told


def _once(path: Path, log: Path, dice: random.Random, told: Told) -> str:
    """Start, kill, look; what is wrong, or ""."""
    log.write_text("")
    ready, started = os.pipe()
    order = dice.random()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(ready)
            forget()
            os.write(started, b".")
            _work(path, log, random.Random(order))
        except BaseException as error:
            import traceback

            log.open("a").write(f"died {error!r}\n{traceback.format_exc()}")
        finally:
            os._exit(status)
    os.close(started)
    os.read(ready, 1)
    os.close(ready)
    time.sleep(dice.uniform(0.0, dice.choice((0.1, 0.5, 1.5))))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    told.kills += 1
    lines = log.read_text().splitlines()
    if any(line.startswith("died") for line in lines):
        return log.read_text()[-3000:]
    under_way = lines[-1].split()[1] if lines and lines[-1].startswith("begin") else "between"
    told.during[under_way] += 1
    done = [line.split()[2] for line in lines if line.startswith("done")]
    forget()
    try:
        with _opened(path) as workspace:
            if workspace.read_only:
                return f"read only: {workspace.read_only_why}"
            if len(workspace.interrupted) > 1:
                return f"interrupted: {workspace.interrupted}"
            told.interrupted += len(workspace.interrupted)
            reader = workspace.reader()
            if found := [one for one in verify(workspace) if one.severity == "blocked"]:
                return f"during {under_way}: {found[:3]}"
            hashes = {line.hash for line in workspace.ledger.lines()}
            # A restoring turns the ledger back: what counts is what was told after the last one, under way or not.
            if done and under_way != "restore" and done[-1] not in hashes:
                return f"during {under_way}: what was told as done is gone"
            counted = reader.execute(
                "SELECT count(*), count(DISTINCT amount) FROM budget WHERE document LIKE 'kill-%'"
            ).fetchone()
            if counted not in ((0, 0), (ROWS, 1)):
                return f"during {under_way}: half an edit, {counted}"
            for batch, accepted in reader.execute(
                "SELECT id, accepted FROM batch WHERE kind = 'cases' AND file LIKE 'kill%' AND withdrawn = 0"
            ).fetchall():
                rows = reader.execute("SELECT count(*) FROM cases WHERE batch_id = ?", (batch,)).fetchone()[0]
                if rows != accepted:
                    return f"during {under_way}: half an import, {rows} of {accepted}"
            half = reader.execute(
                "SELECT count(*) FROM payment WHERE basis IS NOT NULL GROUP BY period HAVING count(DISTINCT basis) > 1"
            ).fetchall()
            if half:
                return f"during {under_way}: half a booking, {half}"
    except Fault as fault:
        return f"during {under_way}: {fault!r}"
    told.whole += 1
    return ""


def _opened(path: Path) -> Workspace:
    """A process that the killed one was just starting holds its lock for a moment more."""
    for _ in range(50):
        workspace = Workspace.open(path)
        if workspace.read_only_why != "locked":
            return workspace
        workspace.close()
        time.sleep(0.02)
    return Workspace.open(path)


def _work(path: Path, log: Path, dice: random.Random, steps: int = 1000) -> None:
    """Work after work, each told of before and after."""
    out = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    workspace = Workspace.open(path)
    for _ in range(steps):
        name = dice.choice(("edit", "edit", "undo", "import", "import", "clear", "book", "publish", "backup", "restore"))
        os.write(out, f"begin {name}\n".encode())
        try:
            match name:
                case "edit":
                    _edit(workspace, dice)
                case "undo":
                    workspace.ledger.undo()
                case "import":
                    _import(workspace, path.with_name(f"kill-{dice.random()}.csv"), dice)
                case "clear":
                    clear(workspace, 2024, pack())
                case "book":
                    month = settle(workspace, f"2024-{dice.randint(1, 12):02d}", pack())
                    booking.book(workspace, month, again=True)
                case "publish":
                    coefficients.publish(workspace, "imported", f"set-{dice.random()}")
                case "backup":
                    backups.take(workspace)
                case _:
                    chosen = dice.choice(backups.listed(path)) if backups.listed(path) else None
                    workspace.close()
                    if chosen is not None:
                        restoring.restore(path, chosen.path)
                    forget()
                    workspace = Workspace.open(path)
        except Refused:
            pass
        os.write(out, f"done {name} {workspace.generation()}\n".encode())
    workspace.close()
    os.close(out)


def _edit(workspace: Workspace, dice: random.Random) -> None:
    amount = dice.randrange(10**9)
    reader = workspace.reader()
    there = dict(reader.execute("SELECT document, amount FROM budget WHERE document LIKE 'kill-%'").fetchall())
    changes = [
        Change(
            "budget",
            {"year": 2019, "fund": "employee", "item": "dip_budget", "document": f"kill-{n}", "date": ""},
            {"amount": there[f"kill-{n}"]} if there else None,
            {"amount": amount},
        )
        for n in range(ROWS)
    ]
    workspace.ledger.commit(Edit("edit", "2019", tuple(changes), "soak"))


def _import(workspace: Workspace, file: Path, dice: random.Random) -> None:
    from core.intake.load import import_file

    tag = f"{dice.random()}"[2:10]
    file.write_text(
        HEAD
        + "".join(
            f"k{tag}-{n},{dice.choice((310, 390))},H0{n % 3 + 1},2024-{n % 12 + 1:02d}-05,2024-{n % 12 + 1:02d}-05 10:00:00,"
            f"K35.300,{1000 + n}.00,{600 + n}.00,400.00,K35.3:g\n"
            for n in range(dice.choice((20, 300)))
        )
    )
    import_file(workspace, "cases", file)
    file.unlink()


__all__ = ["GIVEN", "PACK", "Told", "soak"]
