"""What may end a process, done in another one: a damaged or hostile workbook that asks its reader for more memory than there is.

A reader that gets no memory ends its process at once, without a word. The first look at a workbook goes through the whole
sheet, so what comes back from here can be read by this process too. One process for all looks, started by the first.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import ParamSpec, TypeVar

from core.faults import WorldFault
from core.intake import memory

P = ParamSpec("P")
T = TypeVar("T")

_pool: ProcessPoolExecutor | None = None


def call(file: str, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What `work`, a function of a module, gives, or the fault that it raises. WorldFault: reader_died. Where no process
    can be started the work is done here."""
    global _pool
    try:
        if _pool is None:
            _pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), _quiet)
        coming = _pool.submit(_limited, work, args, kwargs)
    except (OSError, RuntimeError, ValueError, AssertionError):  # no more processes here, or we are a daemon
        _pool = None
        return work(*args, **kwargs)
    try:
        return coming.result()  # type: ignore[return-value]
    except BrokenProcessPool as died:
        _pool = None
        raise WorldFault("reader_died", file=file) from died


def _quiet() -> None:
    """What the process says while it dies is for nobody; and who started it decides about Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def _limited(work: Callable[..., object], args: tuple[object, ...], kwargs: dict[str, object]) -> object:
    """The work with no more memory than is free now: what asks for more ends here, before the system ends somebody else."""
    if sys.platform != "win32":
        import resource

        free = memory.free()
        if free is not None:
            taken = _taken()
            _, hard = resource.getrlimit(resource.RLIMIT_AS)
            most = taken + free
            resource.setrlimit(resource.RLIMIT_AS, (most if hard < 0 else min(most, hard), hard))
    return work(*args, **kwargs)


def _taken() -> int:
    """Bytes of address space that this process has."""
    import resource

    try:
        with open("/proc/self/statm", encoding="ascii") as told:
            return int(told.read().split()[0]) * resource.getpagesize()
    except (OSError, ValueError):
        return 1 << 30
