"""Callers share answers that are not older than their questions; waiting has an end."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from provider.provider_kit import FastClock
from waiting import until

from devcloud.patience import PATIENCE
from stacks.provider.errors import Code, ProviderError
from stacks.provider.sharing import SharedCalls
from stacks.provider.waiting import Patience, Waiters


class CountingLock:
    """Tells how many came in."""

    def __init__(self) -> None:
        self.taken = 0
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        self._lock.acquire()
        self.taken += 1

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def test_callers_who_come_during_a_call_share_the_next_one() -> None:
    shared, lock = SharedCalls(), CountingLock()
    shared._lock = lock  # type: ignore[assignment]
    first_began, let_first_end = threading.Event(), threading.Event()
    calls: list[int] = []

    def question() -> int:
        calls.append(len(calls))
        if len(calls) == 1:
            first_began.set()
            let_first_end.wait(PATIENCE)
        return len(calls)

    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(shared.ask, "servers", question)
        first_began.wait(PATIENCE)
        before = lock.taken
        later = [pool.submit(shared.ask, "servers", question) for _ in range(6)]
        until(lambda: lock.taken == before + len(later), "that all of them have come")
        let_first_end.set()
        assert first.result(PATIENCE) == 1
        assert {future.result(PATIENCE) for future in later} == {2}
    assert calls == [0, 1]


def test_a_failure_is_everybodys_and_the_next_question_is_asked_anew() -> None:
    shared = SharedCalls()

    def fail() -> int:
        raise OSError("down")

    with pytest.raises(OSError, match="down"):
        shared.ask("servers", fail)
    assert shared.ask("servers", lambda: 7) == 7


def test_different_questions_do_not_wait_for_each_other() -> None:
    shared = SharedCalls()
    held, done = threading.Event(), threading.Event()

    def slow() -> None:
        held.set()
        done.wait(PATIENCE)

    with ThreadPoolExecutor(2) as pool:
        pool.submit(shared.ask, "servers", slow)
        held.wait(PATIENCE)
        assert shared.ask("volumes", lambda: "at once") == "at once"
        done.set()


def test_waiting_ends_at_its_deadline() -> None:
    clock = FastClock()
    patience = Patience(clock, 10.0, threading.Event())
    with pytest.raises(ProviderError, match="the volume took longer than 10 s") as over:
        while True:
            patience.pause("the volume")
    assert over.value.code is Code.TIMEOUT
    assert sum(clock.slept) == pytest.approx(10.0)
    assert clock.slept[0] == 0.25
    assert max(clock.slept) <= 2.0


def test_waiting_ends_when_the_run_is_cancelled() -> None:
    cancelled = threading.Event()
    patience = Patience(FastClock(), 10.0, cancelled)
    patience.pause("the volume")
    cancelled.set()
    with pytest.raises(ProviderError) as over:
        patience.pause("the volume")
    assert over.value.code is Code.CANCELLED


def test_those_who_wait_are_counted_by_kind() -> None:
    waiters = Waiters()
    with waiters.waiting("server"), waiters.waiting("server"), waiters.waiting("volume"):
        assert (waiters.count("server"), waiters.count("volume")) == (2, 1)
    assert waiters.count("server") == 0
