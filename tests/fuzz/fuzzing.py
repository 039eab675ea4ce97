"""What the fuzzers share: one input after the other, in a process of its own, until the time is over.

An input is made by `target.make(dice)` and tried by `target.attempt(path)`, which says "accepted" or "refused"; any
exception but those of the product for bad input is a crash, as is a dead process, memory beyond bounds, or silence.
"""

from __future__ import annotations

import json
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
import traceback
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Protocol

SILENCE = 60  # seconds that one input may take
MEMORY = 6 << 30


class Target(Protocol):
    name: str

    def make(self, dice: random.Random) -> tuple[bytes, str]:
        """The input, and the ending of its file."""
        ...

    def attempt(self, path: Path) -> str: ...


@dataclass
class Tally:
    tried: int = 0
    accepted: int = 0
    refused: int = 0
    named: int = 0
    crashes: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.tried} inputs: {self.accepted} accepted, {self.refused} refused, {self.named} named damaged, "
            f"{len(self.crashes)} crashes"
        )


def one(target: Target, seed: str, number: int, folder: Path) -> tuple[str, str]:
    """(outcome, trace of a crash or "")."""
    data, ending = target.make(random.Random(f"{target.name}:{seed}:{number}"))
    path = folder / f"input{ending}"
    path.write_bytes(data)
    (folder / "current").write_text(f"{number} {path.name}")
    before = signal.signal(signal.SIGALRM, _silent)
    signal.alarm(SILENCE)
    try:
        return target.attempt(path), ""
    except Exception:
        return "crash", traceback.format_exc()
    except BaseException as error:  # a panic inside a Rust library
        if isinstance(error, KeyboardInterrupt | SystemExit):
            raise
        return "crash", traceback.format_exc()
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _silent(*_: object) -> None:
    raise TimeoutError(f"over {SILENCE} s")


def here(target: Target, seed: str, folder: Path, *, seconds: float = 0.0, count: int = 0, first: int = 1) -> Tally:
    """In this process: for so many seconds, or so many inputs."""
    folder.mkdir(parents=True, exist_ok=True)
    tally = Tally()
    until = time.monotonic() + seconds
    number = first
    while number < first + count if count else time.monotonic() < until:
        outcome, trace = one(target, seed, number, folder)
        note(tally, outcome, trace, folder, number)
        number += 1
        if tally.tried % 20 == 0:
            (folder / "tally.json").write_text(json.dumps(asdict(tally)))
    (folder / "tally.json").write_text(json.dumps(asdict(tally)))
    return tally


def note(tally: Tally, outcome: str, trace: str, folder: Path, number: int) -> None:
    tally.tried += 1
    if outcome != "crash":
        setattr(tally, outcome, getattr(tally, outcome) + 1)
        return
    name = (folder / "current").read_text().split(maxsplit=1)[1]
    kept = folder / f"crash-{number}{Path(name).suffix}"
    shutil.copyfile(folder / name, kept)
    kept.with_name(f"{kept.name}.trace").write_text(trace)
    tally.crashes.append(f"{kept}: {trace.strip().splitlines()[-1] if trace.strip() else 'died'}")


def apart(name: str, seed: str, folder: Path, seconds: float) -> Tally:
    """In processes of their own, a new one wherever one dies; crashes leave their input in `folder`."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    total = Tally()
    until = time.monotonic() + seconds
    first = 1
    while time.monotonic() < until:
        (folder / "tally.json").unlink(missing_ok=True)
        words = [sys.executable, str(Path(__file__).with_name("run.py")), name, "--worker", str(folder)]
        words += ["--minutes", str((until - time.monotonic()) / 60), "--seed", seed, "--first", str(first)]
        ended = subprocess.run(words, stderr=subprocess.PIPE, text=True, check=False)
        part = Tally()
        if (folder / "tally.json").exists():
            part = Tally(**json.loads((folder / "tally.json").read_text()))
        for key in ("tried", "accepted", "refused", "named"):
            setattr(total, key, getattr(total, key) + getattr(part, key))
        total.crashes += part.crashes
        if ended.returncode == 0:
            break
        if not (folder / "current").exists():
            raise RuntimeError(ended.stderr)
        number = int((folder / "current").read_text().split()[0])
        note(total, "crash", f"{ended.stderr[-3000:]}\ndied of {ended.returncode}", folder, number)
        first = number + 1
    return total


def bound_memory() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
