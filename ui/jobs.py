"""The only room with threads: one writer, a few readers, results back through one queued signal.

Work is called in a thread as `work(job)`; the job is its `Progress`. What comes back is handed over in the
window's thread, so that nobody else thinks about threads. A newer question from the same place makes the
older one stop and its answer worthless. Closing waits for the threads, so that none touches Qt afterwards.
"""

from __future__ import annotations

import gc
import queue
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot
from shiboken6 import isValid

from core.faults import Cancelled, Fault

# Two cores are what an auditor's laptop surely has; a third reader keeps a quick question from waiting for two slow ones.
READERS = 3
# Progress at most ten times a second.
REPORT_SECONDS = 0.1

Work = Callable[["Job"], Any]
Answer = Callable[[Any], None]
Failed = Callable[[Exception], None]

# "... (Chart) already deleted": how Qt for Python says it.
GONE = "libshiboken: Internal C++ object"


class Interruptible(Protocol):
    """A database connection whose running query can be stopped from another thread."""

    def interrupt(self) -> None: ...


class Job:
    """One piece of work under way; handed to the work as its progress.

    title: what the status line calls it. code, done, total: the newest report.
    """

    def __init__(
        self,
        jobs: Jobs,
        work: Work,
        answer: Answer | None,
        failed: Failed | None,
        place: str,
        title: str,
        writes: bool,
    ) -> None:
        self._jobs = jobs
        self._work: Work | None = work
        self._answer, self._failed = answer, failed
        self.place, self.title, self.writes = place, title, writes
        self.code, self.done, self.total = "", 0, None
        self.trace = ""  # of an unexpected error
        self._cancelled = False
        self._lock = threading.Lock()
        self._connection: Interruptible | None = None
        self._reported = 0.0

    @property
    def cancelled(self) -> bool:
        return self._cancelled

    def cancel(self) -> None:
        """Ask to stop; a running query stops at once."""
        self._cancelled = True
        with self._lock:
            if self._connection is not None:
                self._connection.interrupt()

    def interruptible(self, connection: Interruptible) -> None:
        """Name the connection that `cancel` may interrupt, until the work ends."""
        with self._lock:
            self._connection = connection
            if self._cancelled:
                connection.interrupt()

    def report(self, code: str, done: int, total: int | None = None) -> None:
        now = time.monotonic()
        if now - self._reported < REPORT_SECONDS:
            return
        self._reported = now
        self._jobs._post(self, (code, done, total))

    def _run(self) -> tuple[Any, Exception | None]:
        """The work's value, or what it raised."""
        try:
            if self._cancelled or self._work is None:
                raise Cancelled
            return self._work(self), None
        except (Fault, Cancelled) as error:
            # A traceback holds the frames, and they everything that was being computed.
            return None, error.with_traceback(None)
        except Exception as error:
            if self._cancelled and "interrupt" in str(error):
                return None, Cancelled()
            self.trace = traceback.format_exc()
            return None, error.with_traceback(None)
        finally:
            self._work = None
            with self._lock:
                self._connection = None


class Jobs(QObject):
    """See the module. Its signals and answers arrive in the thread that made it."""

    started = Signal(object)
    progressed = Signal(object)
    ended = Signal(object)
    broken = Signal(object, str)  # an error that only a bug can explain, and its trace
    _wake = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._to_read: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._to_write: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._back: deque[tuple[Job, tuple[str, int, int | None] | None, Any, Exception | None]] = deque()
        self._lock = threading.Lock()
        self._closed = False
        self._live: dict[Job, None] = {}
        self._newest: dict[str, Job] = {}
        self._when_idle: list[tuple[bool, Callable[[], None]]] = []
        self._wake.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    def ask(
        self, work: Work, answer: Answer | None, *, place: str, failed: Failed | None = None, title: str = ""
    ) -> Job:
        """Read in the background. `place` names who asks: the newest question of a place wins."""
        self.drop(place)
        job = Job(self, work, answer, failed, place, title, writes=False)
        self._newest[place] = job
        return self._begin(job)

    def change(
        self, work: Work, done: Answer | None, *, failed: Failed | None = None, title: str = ""
    ) -> Job:
        """Write in the background, strictly one after the other, in the order of the calls."""
        return self._begin(Job(self, work, done, failed, "", title, writes=True))

    def drop(self, place: str) -> None:
        """Nobody waits for the answer of this place any more."""
        older = self._newest.pop(place, None)
        if older is not None:
            older.cancel()

    def drop_all(self) -> None:
        """Nobody waits for any answer; changes go on."""
        for place in tuple(self._newest):
            self.drop(place)

    def cancel_all(self) -> None:
        for job in tuple(self._live):
            job.cancel()

    def live(self) -> tuple[Job, ...]:
        """What is under way or waiting, oldest first."""
        return tuple(self._live)

    def when_idle(self, then: Callable[[], None], *, writes_only: bool = False) -> None:
        """Call `then` once nothing (or no change) is under way; at once if so now."""
        self._when_idle.append((writes_only, then))
        self._release()

    def close(self, seconds: float = 10.0) -> bool:
        """Cancel everything and wait for the threads; False if one did not end in time. No answer arrives afterwards."""
        with self._lock:
            self._closed = True
        self.cancel_all()
        for thread in self._threads:
            (self._to_write if thread.name == "writer" else self._to_read).put(None)
        until = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        ended = not any(thread.is_alive() for thread in self._threads)
        self._back.clear()
        self._live.clear()
        self._newest.clear()
        return ended

    def _begin(self, job: Job) -> Job:
        if self._closed:
            job.cancel()
            return job
        if not self._threads:
            self._hire()
        self._live[job] = None
        (self._to_write if job.writes else self._to_read).put(job)
        self.started.emit(job)
        return job

    def _hire(self) -> None:
        # Daemons, so that work that hears no cancel cannot keep the process alive after `close` gave up on it.
        lanes = [("writer", self._to_write), *((f"reader {i}", self._to_read) for i in range(READERS))]
        for name, lane in lanes:
            thread = threading.Thread(target=self._serve, args=(lane,), name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, lane: queue.SimpleQueue[Job | None]) -> None:
        while (job := lane.get()) is not None:
            value, error = job._run()
            self._post(job, None, value, error)
            del job, value, error  # else the idle thread keeps the last answer alive

    def _post(
        self,
        job: Job,
        report: tuple[str, int, int | None] | None,
        value: Any = None,
        error: Exception | None = None,
    ) -> None:
        """From any thread. The values wait in a deque of ours: the signal itself carries nothing that could get lost."""
        with self._lock:
            if self._closed:
                return
            self._back.append((job, report, value, error))
            if len(self._back) == 1:
                self._wake.emit()

    @Slot()
    def _deliver(self) -> None:
        while True:
            with self._lock:
                if not self._back:
                    return
                job, report, value, error = self._back.popleft()
                if self._back:
                    self._wake.emit()  # a callback may open a dialog: the rest must not wait for it
            if report is not None:
                if job in self._live:
                    job.code, job.done, job.total = report
                    self.progressed.emit(job)
                continue
            self._finish(job, value, error)

    def _finish(self, job: Job, value: Any, error: Exception | None) -> None:
        self._live.pop(job, None)
        wanted = job.writes or self._newest.get(job.place) is job
        if wanted and not job.writes:
            del self._newest[job.place]
        self.ended.emit(job)
        if error is None:
            if wanted:
                self.hand(job._answer, value)
        elif isinstance(error, Fault | Cancelled):
            if wanted:
                self.hand(job._failed, error)
        else:
            self.broken.emit(error, job.trace)
            if wanted:
                self.hand(job._failed, error)
        job._answer = job._failed = None
        self._release()

    @staticmethod
    def hand(callback: Callable[[Any], None] | None, value: Any) -> None:
        """One callback's bug must not swallow the answers behind it; a widget that is gone wants none."""
        if callback is None:
            return
        # A method's object, and what a function of a page holds of it.
        held = [getattr(callback, "__self__", None)]
        with suppress(ValueError):  # a variable that never got its value
            held += [cell.cell_contents for cell in getattr(callback, "__closure__", None) or ()]
        if any(isinstance(one, QObject) and not isValid(one) for one in held):
            return
        try:
            callback(value)
        except Exception as error:
            if isinstance(error, RuntimeError) and str(error).startswith(GONE):
                return  # its page stands, what the page would have shown it in does not
            sys.excepthook(*sys.exc_info())

    def _release(self) -> None:
        busy = bool(self._live)
        writing = any(job.writes for job in self._live)
        waiting, self._when_idle = self._when_idle, []
        for writes_only, then in waiting:
            if writing or (busy and not writes_only):
                self._when_idle.append((writes_only, then))
            else:
                self.hand(lambda _, then=then: then(), None)


class Sweeper(QObject):
    """Runs Python's cycle collector in the window's thread only.

    A cycle may hold a widget; collected from a worker's thread, its destructor runs there and Qt aborts.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        gc.disable()
        self._timer = QTimer(self)
        self._timer.setInterval(1000)
        self._timer.timeout.connect(self._sweep)
        self._timer.start()

    @Slot()
    def _sweep(self) -> None:
        young, middle, old = gc.get_count()
        limits = gc.get_threshold()
        if old > limits[2]:
            gc.collect()
        elif middle > limits[1]:
            gc.collect(1)
        elif young > limits[0]:
            gc.collect(0)

    def stop(self) -> None:
        """Give the collector back to Python, with nothing left to do: a run that came due in the middle of one of Qt's
        destructors, which hold a lock, would destroy other widgets there and wait for that lock for ever."""
        self._timer.stop()
        gc.collect(1)
        gc.enable()
