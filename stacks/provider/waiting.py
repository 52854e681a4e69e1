"""Waiting for a state, with an end: on the monotonic clock, with the states that end it, and stopped by a cancel."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from stacks.provider.errors import Code, ProviderError
from stacks.provider.session import Clock

FIRST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 2.0
GROWTH = 1.5


class Patience:
    """How long one call may still wait.

    Args:
        clock: the time.
        seconds: from now on.
        cancelled: set when the engine that asked for it has gone.
    """

    def __init__(self, clock: Clock, seconds: float, cancelled: threading.Event) -> None:
        self._clock = clock
        self._end = clock.monotonic() + seconds
        self._seconds = seconds
        self._cancelled = cancelled
        self._pause = FIRST_PAUSE_SECONDS

    def pause(self, for_what: str) -> None:
        """Wait a little, longer each time.

        Raises:
            ProviderError: the time is over, or the run was cancelled.
        """
        if self._cancelled.is_set():
            raise ProviderError(Code.CANCELLED, f"the run was cancelled while waiting for {for_what}")
        left = self._end - self._clock.monotonic()
        if left <= 0:
            raise ProviderError(Code.TIMEOUT, f"{for_what} took longer than {self._seconds:.0f} s")
        self._clock.sleep(min(self._pause, left))
        self._pause = min(self._pause * GROWTH, LONGEST_PAUSE_SECONDS)


class Waiters:
    """How many calls wait for objects of one kind now: many ask with one list, few each for their own. Safe for
    threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count: Counter[str] = Counter()

    @contextmanager
    def waiting(self, kind: str) -> Iterator[None]:
        """Count a caller while it waits."""
        with self._lock:
            self._count[kind] += 1
        try:
            yield
        finally:
            with self._lock:
                self._count[kind] -= 1

    def count(self, kind: str) -> int:
        """How many wait for this kind."""
        with self._lock:
            return self._count[kind]
