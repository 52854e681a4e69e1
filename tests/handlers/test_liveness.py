"""A dead watch is noticed: by the silence of its kind, and nobody else's."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from handlers.api_server import WatchedServer, watched_server
from waiting import until

from govcloud.handlers import WATCHED, registry_for, watch
from govcloud.liveness import SILENCE, Jumps, Pulse
from govcloud.process import told_by_signals, watch_until_told

SECOND = timedelta(seconds=1)


class Clock:
    """Seconds, as the test sets them."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def test_a_kind_that_is_silent_for_too_long_is_named() -> None:
    clock = Clock()
    pulse = Pulse(("requests", "approvals"), monotonic=clock)
    clock.seconds += SILENCE.total_seconds()
    assert pulse.fault() is None
    pulse.heard("approvals")
    clock.seconds += 1
    assert pulse.fault() == "the watch of requests has been silent for 90 s (are the CRDs installed?)"
    pulse.heard("requests")
    assert pulse.fault() is None


def test_a_kind_that_nobody_watches_does_not_count() -> None:
    clock = Clock()
    pulse = Pulse(("requests",), monotonic=clock)
    clock.seconds += 100
    pulse.heard("namespaces")

    assert pulse.fault() is not None


def test_a_silent_watch_ends_the_process_within_two_minutes() -> None:
    assert timedelta(seconds=70) < SILENCE, "kopf connects anew after 70 s, which must be heard first"
    assert SILENCE + timedelta(seconds=20) < timedelta(minutes=2), "what is under way gets 20 s to end"


def test_a_clock_that_was_set_is_noticed_once() -> None:
    clock, now = Clock(), [datetime(2026, 3, 2, tzinfo=UTC)]
    jumps = Jumps(lambda: now[0], clock)

    def passes(wall: timedelta, monotonic: float) -> timedelta | None:
        now[0] += wall
        clock.seconds += monotonic
        return jumps.look()

    assert passes(SECOND, 1) is None
    assert passes(timedelta(hours=1), 1) == timedelta(minutes=59, seconds=59)
    assert passes(SECOND, 1) is None
    assert passes(-timedelta(days=1), 0) == -timedelta(days=1)
    assert passes(timedelta(minutes=10), 0) == timedelta(minutes=10)  # the machine slept
    assert passes(SECOND, 0.2) is None


# Over real HTTP, with the real kopf


class Nobody:
    """A listener who does nothing."""

    def request_changed(self, namespace: str, name: str) -> None: ...
    def decision_changed(self, namespace: str, name: str) -> None: ...
    def account_changed(self, kind: str, name: str) -> None: ...
    def everything_changed(self, why: str) -> None: ...
    def rights_changed(self) -> None: ...


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WatchedServer]:
    with watched_server() as made:
        monkeypatch.setenv("KUBECONFIG", str(made.kubeconfig(tmp_path)))
        yield made


@pytest.fixture
def pulse(server: WatchedServer) -> Iterator[Pulse]:
    """Of a watch that runs, with a limit of a second in place of one and a half minutes."""
    found, stop = Pulse(WATCHED, limit=SECOND), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(watch(registry_for(Nobody(), found.heard), stop)), daemon=True)
    thread.start()
    try:
        until(lambda: set(WATCHED) <= set(server.watches))
        yield found
    finally:
        stop.set()
        thread.join(1)  # where a task of kopf's died, it does not even hear that it is to stop


def test_bookmarks_keep_every_watch_alive_on_which_nothing_happens(server: WatchedServer) -> None:
    heard, stop = Counter[str](), threading.Event()
    registry = registry_for(Nobody(), lambda kind: heard.update([kind]))
    thread = threading.Thread(target=lambda: asyncio.run(watch(registry, stop)), daemon=True)
    thread.start()
    until(lambda: min(heard[kind] for kind in WATCHED) > 20)
    stop.set()
    thread.join(5)

    assert Counter(server.watches).most_common(1)[0][1] == 1, "it is the same connection all the time"


@pytest.mark.parametrize("kind", ["cloudservicerequests", "validatingadmissionpolicies"])
def test_a_watch_that_hangs_is_noticed_though_it_stays_open(pulse: Pulse, server: WatchedServer, kind: str) -> None:
    until(lambda: pulse.fault() is None)
    server.hanging.add(kind)

    until(lambda: (pulse.fault() or "").startswith(f"the watch of {kind} has been silent"))


@pytest.fixture
def signals() -> Iterator[None]:
    """As they were before."""
    before = {which: signal.getsignal(which) for which in (signal.SIGTERM, signal.SIGINT)}
    yield
    for which, handler in before.items():
        signal.signal(which, handler)


def test_the_controller_ends_with_a_fault_when_a_watch_falls_silent(server: WatchedServer) -> None:
    server.hanging.add("usingunits")
    silent = Pulse(WATCHED, limit=timedelta(seconds=3))

    assert watch_until_told(Nobody(), silent, threading.Event()) == 1
    assert "usingunits" in (silent.fault() or "")


@pytest.mark.usefixtures("signals")
def test_the_controller_ends_in_order_when_it_is_told_to(server: WatchedServer) -> None:
    def tell() -> None:
        until(lambda: set(WATCHED) <= set(server.watches))
        os.kill(os.getpid(), signal.SIGTERM)

    told = told_by_signals()
    threading.Thread(target=tell, daemon=True).start()

    assert watch_until_told(Nobody(), Pulse(WATCHED), told) == 0


@pytest.mark.usefixtures("signals", "server")
def test_who_is_told_before_it_watches_ends_in_order_too() -> None:
    told = told_by_signals()
    os.kill(os.getpid(), signal.SIGTERM)

    assert watch_until_told(Nobody(), Pulse(WATCHED), told) == 0


def test_a_watch_whose_task_dies_is_noticed(pulse: Pulse, server: WatchedServer) -> None:
    """What is no JSON ends kopf's task for that kind with an error that it does not expect."""
    until(lambda: pulse.fault() is None)
    server.broken.add("jurisdictions")
    server.hanging.add("jurisdictions")

    until(pulse.fault)
