"""The queue: each key by one worker at a time, woken at its moment, tried again later and later."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from waiting import until

from devcloud import patience
from govcloud.queue import WorkQueue

MOMENT = timedelta(milliseconds=60)
PATIENCE = timedelta(seconds=patience.PATIENCE)


class Work:
    """What the queue does with its keys, written down. `answers` are given one after the other; an exception is raised."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.moments: list[float] = []
        self.answers: dict[str, list[timedelta | BaseException | None]] = {}
        self.hold = threading.Event()
        self.hold.set()
        self.busy: list[str] = []
        self.most_at_once: dict[str, int] = {}
        self._lock = threading.Lock()

    def __call__(self, key: str) -> timedelta | None:
        with self._lock:
            self.busy.append(key)
            self.most_at_once[key] = max(self.most_at_once.get(key, 0), self.busy.count(key))
        self.hold.wait(patience.PATIENCE)
        with self._lock:
            self.busy.remove(key)
            self.done.append(key)
            self.moments.append(time.monotonic())
            answers = self.answers.get(key) or [None]
            answer = answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
def queue(work: Work) -> Iterator[WorkQueue[str]]:
    made = WorkQueue(work, workers=3, first_delay=timedelta(milliseconds=20), longest_delay=timedelta(milliseconds=80))
    made.start()
    yield made
    work.hold.set()
    assert made.stop(PATIENCE)


def test_a_key_that_is_woken_is_worked_on_once(queue: WorkQueue[str], work: Work) -> None:
    queue.wake("a")
    until(lambda: len(queue) == 0)

    assert work.done == ["a"]


def test_wakings_before_it_begins_are_one(work: Work) -> None:
    queue = WorkQueue(work, workers=3)
    for _ in range(20):
        queue.wake("a", MOMENT)
    queue.start()
    until(lambda: len(queue) == 0)
    queue.stop(PATIENCE)

    assert work.done == ["a"]


def test_a_key_is_never_worked_on_twice_at_once_and_what_woke_it_meanwhile_is_not_lost(
    queue: WorkQueue[str], work: Work
) -> None:
    work.hold.clear()
    queue.wake("a")
    until(lambda: work.busy == ["a"])
    for _ in range(5):
        queue.wake("a")
    time.sleep(0.02)
    assert work.busy == ["a"]
    work.hold.set()
    until(lambda: len(queue) == 0)

    assert work.done == ["a", "a"]
    assert work.most_at_once == {"a": 1}


def test_other_keys_are_worked_on_meanwhile(queue: WorkQueue[str], work: Work) -> None:
    work.hold.clear()
    for key in ("a", "b", "c"):
        queue.wake(key)

    until(lambda: sorted(work.busy) == ["a", "b", "c"])


def test_a_key_comes_again_when_it_said(queue: WorkQueue[str], work: Work) -> None:
    work.answers["a"] = [MOMENT, None]
    queue.wake("a")
    until(lambda: len(queue) == 0)

    assert work.done == ["a", "a"]
    assert work.moments[1] - work.moments[0] >= MOMENT.total_seconds()


def test_the_earlier_moment_wins(queue: WorkQueue[str], work: Work) -> None:
    queue.wake("a", timedelta(hours=1))
    queue.wake("a", timedelta(0))
    until(lambda: work.done == ["a"])
    queue.wake("b", timedelta(0))
    queue.wake("b", timedelta(hours=1))
    until(lambda: work.done == ["a", "b"])

    assert len(queue) == 0


def test_a_far_moment_does_not_keep_a_near_one_waiting(queue: WorkQueue[str], work: Work) -> None:
    queue.wake("far", timedelta(days=15))
    queue.wake("near", MOMENT)
    until(lambda: work.done == ["near"])

    assert len(queue) == 1


def test_what_fails_comes_again_later_and_later_and_begins_anew_after_a_success(
    queue: WorkQueue[str], work: Work
) -> None:
    fault = ValueError("no")
    work.answers["a"] = [fault, fault, fault, fault, timedelta(0), fault, None]
    queue.wake("a")
    until(lambda: len(queue) == 0)
    waits = [later - earlier for earlier, later in zip(work.moments, work.moments[1:], strict=False)]

    assert len(work.done) == 7
    for wait, least in zip(waits, [0.02, 0.04, 0.08, 0.08, 0, 0.02], strict=True):
        assert wait >= least


def test_a_failure_of_one_key_leaves_the_others_alone(queue: WorkQueue[str], work: Work) -> None:
    work.answers["bad"] = [ValueError("no")] * 3
    queue.wake("bad")
    queue.wake("good")
    until(lambda: len(queue) == 0)

    assert work.done.count("good") == 1 and work.done.count("bad") == 4
    assert queue.alive()


def test_a_failure_is_logged_with_its_traceback_unless_its_sentence_says_all(
    work: Work, caplog: pytest.LogCaptureFixture
) -> None:
    queue = WorkQueue(work, workers=1, expected=(KeyError,), first_delay=timedelta(milliseconds=5))
    queue.start()
    work.answers = {"a": [KeyError("foreseen")], "b": [ValueError("unforeseen")]}
    for key in ("a", "b"):
        queue.wake(key)
    until(lambda: len(queue) == 0)
    queue.stop(PATIENCE)
    shown = {record.getMessage().split(":")[0]: bool(record.exc_info) for record in caplog.records}

    assert shown == {"a": False, "b": True}


def test_a_worker_that_dies_is_noticed(work: Work) -> None:
    """Only what is no `Exception` ends a worker, and then the process had better end too."""
    quiet, threading.excepthook = threading.excepthook, lambda _: None
    try:
        queue = WorkQueue(work, workers=2)
        assert not queue.alive()
        queue.start()
        assert queue.alive()
        work.answers["a"] = [SystemExit()]
        queue.wake("a")
        until(lambda: not queue.alive())
        queue.stop(PATIENCE)
    finally:
        threading.excepthook = quiet


def test_stopping_waits_for_what_is_under_way_and_takes_nothing_more(work: Work) -> None:
    queue = WorkQueue(work, workers=1)
    queue.start()
    work.hold.clear()
    queue.wake("a")
    until(lambda: work.busy == ["a"])
    queue.wake("b")
    assert not queue.stop(timedelta(milliseconds=20))
    work.hold.set()

    assert queue.stop(PATIENCE)
    assert work.done == ["a"]


def test_a_thousand_keys_woken_again_and_again_are_each_done(work: Work) -> None:
    queue = WorkQueue(work, workers=4)
    keys = [f"key-{n}" for n in range(300)]
    for key in keys:
        queue.wake(key, timedelta(days=15))
    for _ in range(3):
        for key in keys:
            queue.wake(key)
    queue.start()
    until(lambda: len(queue) == 0)
    queue.stop(PATIENCE)

    assert sorted(work.done) == sorted(keys)
    assert set(work.most_at_once.values()) == {1}


def test_looking_again_and_again_leaves_nothing_behind(queue: WorkQueue[str], work: Work) -> None:
    """A request that rests until a far moment is looked at at every resync: only one moment is kept for it."""
    for _ in range(50):
        work.answers["a"] = [timedelta(days=15)]
        before = len(work.done)
        queue.wake("a")
        until(lambda before=before: len(work.done) > before and not work.busy)  # type: ignore[misc]

    until(lambda: len(queue) == 1)
