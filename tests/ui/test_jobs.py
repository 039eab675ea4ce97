"""The room with threads: order, newest question, cancelling, faults, load, and a quiet end."""

from __future__ import annotations

import random
import sqlite3
import sys
import threading
import time

import pytest
from PySide6.QtCore import QObject, QThread

from core.faults import Cancelled, Refused
from core.progress import step
from ui.jobs import Job, Jobs


@pytest.fixture
def jobs(qapp):
    jobs = Jobs()
    yield jobs
    assert jobs.close()


def until(qtbot, what) -> None:
    qtbot.waitUntil(lambda: bool(what()), timeout=60_000)


def test_the_answer_comes_in_the_windows_thread(jobs, qtbot) -> None:
    seen: list[tuple[object, bool, bool]] = []
    here = threading.get_ident()
    jobs.ask(lambda job: threading.get_ident(),
             lambda there: seen.append((there, there != here, threading.get_ident() == here)), place="a")
    until(qtbot, lambda: seen)
    assert seen[0][1:] == (True, True)


def test_the_newest_question_of_a_place_wins_and_the_older_one_stops(jobs, qtbot) -> None:
    answers: list[int] = []
    stopped: list[int] = []

    def work(number: int):
        def slow(job: Job) -> int:
            try:
                for at in range(200):
                    step(job, "slow", at)
                    time.sleep(0.01)
            except Cancelled:
                stopped.append(number)
                raise
            return number

        return slow

    for number in range(5):
        jobs.ask(work(number), answers.append, place="same")
        time.sleep(0.005)
    jobs.ask(lambda job: 99, answers.append, place="other")
    until(qtbot, lambda: not jobs.live())
    assert sorted(answers) == [4, 99]
    assert 4 not in stopped


def test_changes_run_one_after_the_other_in_order(jobs, qtbot) -> None:
    running = 0
    most = 0
    order: list[int] = []

    def work(number: int):
        def write(job: Job) -> int:
            nonlocal running, most
            running += 1
            most = max(most, running)
            time.sleep(random.random() / 200)
            running -= 1
            return number

        return write

    for number in range(40):
        jobs.change(work(number), order.append)
    until(qtbot, lambda: len(order) == 40)
    assert order == list(range(40))
    assert most == 1


def test_faults_arrive_as_values_and_bugs_with_their_trace(jobs, qtbot) -> None:
    failed: list[Exception] = []
    broken: list[tuple[Exception, str]] = []
    jobs.broken.connect(lambda error, trace: broken.append((error, trace)))

    def refuse(job: Job) -> None:
        raise Refused("blocked", fund="employee")

    def stumble(job: Job) -> None:
        raise ZeroDivisionError("by nothing")

    jobs.ask(refuse, None, place="a", failed=failed.append)
    jobs.ask(stumble, None, place="b", failed=failed.append)
    until(qtbot, lambda: len(failed) == 2)
    fault = next(error for error in failed if isinstance(error, Refused))
    assert (fault.code, fault.values) == ("blocked", {"fund": "employee"})
    assert len(broken) == 1
    assert "in stumble" in broken[0][1]


def test_cancel_interrupts_a_running_query(jobs, qtbot) -> None:
    failed: list[Exception] = []
    begun = threading.Event()

    def work(job: Job) -> None:
        connection = sqlite3.connect(":memory:", check_same_thread=False)
        job.interruptible(connection)
        begun.set()
        connection.execute(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n").fetchone()

    job = jobs.change(work, None, failed=failed.append)
    assert begun.wait(10)
    time.sleep(0.05)
    job.cancel()
    until(qtbot, lambda: failed)
    assert isinstance(failed[0], Cancelled)


def test_a_change_that_finished_before_the_cancel_counts_as_done(jobs, qtbot) -> None:
    done: list[str] = []

    def work(job: Job) -> str:
        job.cancel()  # asked too late: the work below commits all the same
        return "written"

    jobs.change(work, done.append)
    until(qtbot, lambda: done)


def test_progress_at_most_ten_times_a_second(jobs, qtbot) -> None:
    seen: list[float] = []
    ended: list[object] = []
    jobs.progressed.connect(lambda job: seen.append(time.monotonic()))

    def work(job: Job) -> None:
        until_ = time.monotonic() + 0.6
        while time.monotonic() < until_:
            job.report("reading", 1, 2)

    jobs.ask(work, ended.append, place="p")
    until(qtbot, lambda: ended)
    assert 1 <= len(seen) <= 7


def test_a_callbacks_bug_does_not_swallow_the_answers_behind_it(jobs, qtbot, monkeypatch) -> None:
    told: list[BaseException] = []
    monkeypatch.setattr(sys, "excepthook", lambda kind, error, trace: told.append(error))
    answers: list[int] = []

    def bad(_value: object) -> None:
        raise KeyError("bug")

    jobs.change(lambda job: 1, bad)
    jobs.change(lambda job: 2, answers.append)
    until(qtbot, lambda: answers)
    assert [type(error) for error in told] == [KeyError]


def test_a_part_of_a_page_that_is_gone_is_no_bug(jobs, qtbot, monkeypatch) -> None:
    """The page stands still while what it draws in is already taken down; any other mistake is told."""
    from shiboken6 import delete

    told: list[str] = []
    monkeypatch.setattr(sys, "excepthook", lambda kind, error, trace: told.append(str(error)))
    parts = [QObject()]
    delete(parts[0])
    jobs.hand(lambda _: parts[0].setObjectName("drawing"), None)
    assert told == []
    jobs.hand(lambda _: [][0], None)
    assert told == ["list index out of range"]


def test_a_receiver_that_is_gone_gets_nothing(jobs, qtbot) -> None:
    class Page(QObject):
        def have(self, value: object) -> None:
            raise AssertionError("a deleted page was called")

        def ask(self) -> None:
            def have(value: object) -> None:
                self.have(value)

            jobs.ask(lambda job: time.sleep(0.05), have, place="within")

    from shiboken6 import delete

    page = Page()
    ended: list[Job] = []
    jobs.ended.connect(ended.append)
    jobs.ask(lambda job: time.sleep(0.05), page.have, place="page")
    page.ask()
    delete(page)
    until(qtbot, lambda: len(ended) == 2)


def test_when_idle_waits_for_changes_only_where_that_is_asked(jobs, qtbot) -> None:
    said: list[str] = []
    gate = threading.Event()
    jobs.ask(lambda job: gate.wait(10), None, place="slow")
    jobs.change(lambda job: time.sleep(0.02), None)
    jobs.when_idle(lambda: said.append("writes"), writes_only=True)
    jobs.when_idle(lambda: said.append("all"))
    until(qtbot, lambda: said)
    assert said == ["writes"]
    gate.set()
    until(qtbot, lambda: len(said) == 2)
    jobs.when_idle(lambda: said.append("now"))
    assert said == ["writes", "all", "now"]


def test_load_from_many_places_loses_nothing(jobs, qtbot) -> None:
    """Thousands of questions and changes at once: each that is wanted is answered once, and only in order."""
    answers: dict[str, list[int]] = {}
    written: list[int] = []
    main = QThread.currentThread()

    def have(place: str):
        def take(value: int) -> None:
            assert QThread.currentThread() is main
            answers.setdefault(place, []).append(value)

        return take

    def read(number: int):
        def work(job: Job) -> int:
            job.report("n", number)
            if number % 7 == 0:
                time.sleep(0.001)
            return number

        return work

    for number in range(3000):
        place = f"p{number % 11}"
        jobs.ask(read(number), have(place), place=place)
        if number % 3 == 0:
            jobs.change(lambda job, number=number: number, written.append)
        if number % 50 == 0:
            qtbot.wait(1)
    until(qtbot, lambda: not jobs.live())
    assert written == list(range(0, 3000, 3))
    assert {place: values[-1] for place, values in answers.items()} == {f"p{n % 11}": n for n in range(2989, 3000)}
    for values in answers.values():
        assert values == sorted(set(values))


def test_closing_in_the_midst_of_work_is_quiet(qapp, qtbot) -> None:
    for _ in range(20):
        jobs = Jobs()
        heard: list[object] = []

        def work(job: Job) -> None:
            for at in range(1000):
                step(job, "x", at)
                time.sleep(0.001)

        for number in range(12):
            jobs.ask(work, heard.append, place=str(number), failed=heard.append)
        jobs.change(work, heard.append, failed=heard.append)
        time.sleep(0.002)
        assert jobs.close()
        qtbot.wait(1)
        assert heard == []
        jobs.ask(work, heard.append, place="late")
        qtbot.wait(1)
        assert heard == []


def test_close_gives_up_on_work_that_hears_nothing(qapp) -> None:
    jobs = Jobs()
    gate = threading.Event()
    jobs.ask(lambda job: gate.wait(20), None, place="deaf")
    time.sleep(0.02)
    assert not jobs.close(0.1)
    gate.set()
    assert jobs.close(10)


ended_in: list[int] = []  # threads


class _Loop:
    """It holds itself: only the cycle collector ends it."""

    def __init__(self) -> None:
        self.itself = self

    def __del__(self) -> None:
        ended_in.append(threading.get_ident())


def test_a_cycle_ends_in_the_windows_thread_however_busy_the_workers(swept, jobs, qtbot) -> None:
    ended_in.clear()
    answers: list[int] = []
    for place in ("a", "b"):
        jobs.ask(lambda _: sum(_Loop().itself is not None for _ in range(2_000)), answers.append, place=place)
    until(qtbot, lambda: answers == [2_000] * 2 and len(ended_in) == 4_000)
    assert set(ended_in) == {threading.get_ident()}
