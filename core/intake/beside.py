"""Reading and checking in a second process, while the first one writes.

The second one is spawned, never forked: so it is on every system, and a window's threads are not copied into it. It
needs neither the workspace nor its key file, only the plan. Where it cannot start, the work is done here.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Generator, Iterator, Mapping
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

from core.faults import Fault, Refused, Usage, WorldFault
from core.intake import readers
from core.intake.checks import Checks
from core.intake.plan import Checked, Plan
from core.intake.source import Source

Blocks = Generator[Checked, None, None]
_FAULTS: Mapping[str, type[Fault]] = {"Refused": Refused, "Usage": Usage, "WorldFault": WorldFault}


def blocks(source: Source, plan: Plan, chunk: int, *, alone: bool) -> Blocks:
    """The file's rows, checked, block by block. alone: in this process. Close it when it is not read to its end.

    The second process starts at once, so that it is ready when the caller is.
    """
    if alone or (os.cpu_count() or 1) < 2:
        return _here(source, plan, chunk)
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_read, args=(theirs, source, plan, chunk), daemon=True)
    try:
        process.start()
    except (OSError, RuntimeError, ValueError, AssertionError):  # no more processes here, or we are a daemon
        ours.close()
        theirs.close()
        return _here(source, plan, chunk)
    theirs.close()
    there = _there(ours, process, source, plan, chunk)
    next(there)  # into its `try`: from here on closing it ends the process
    return there  # type: ignore[return-value]


def _checked(source: Source, plan: Plan, chunk: int) -> Iterator[Checked]:
    check = Checks(plan)
    for block in readers.blocks(source, chunk):
        yield check.check(block)


def _here(source: Source, plan: Plan, chunk: int) -> Blocks:
    yield from _checked(source, plan, chunk)


def _there(
    pipe: Connection, process: SpawnProcess, source: Source, plan: Plan, chunk: int
) -> Generator[Checked | None, None, None]:
    came = False
    try:
        yield None
        while True:
            try:
                checked = pipe.recv()
            except (EOFError, ConnectionError):
                process.join(5)
                if came or process.exitcode != 1:  # the system ended it, for want of memory: here it would end this program
                    raise WorldFault("reader_died", file=plan.file) from None
                yield from _checked(source, plan, chunk)  # it never got going: `__main__` cannot be imported
                return
            came = True
            if checked is None:
                return
            if isinstance(checked, tuple):
                name, code, values = checked
                if name == "bug":
                    raise RuntimeError(f"{code}\n{values['trace']}")
                raise _FAULTS[name](code, **values)
            yield checked
    finally:
        pipe.close()
        process.join(5)
        if process.is_alive():
            process.kill()
            process.join()
        process.close()


def _read(pipe: Connection, source: Source, plan: Plan, chunk: int) -> None:
    """The second process: reads, checks, sends. It ends when its reader is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the writer decides; we see its end of the pipe close
    try:
        try:
            for checked in _checked(source, plan, chunk):
                pipe.send(checked)
            pipe.send(None)
        except (BrokenPipeError, ConnectionError):
            return
        except Fault as fault:
            pipe.send((type(fault).__name__, fault.code, fault.values))
        except Exception as bug:  # told to the writer, who raises it
            import traceback

            pipe.send(("bug", repr(bug), {"trace": traceback.format_exc()}))
    except (BrokenPipeError, ConnectionError):
        return
